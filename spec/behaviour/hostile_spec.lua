-- Peers that are broken or hostile: responses of the API and of the token endpoint, and files of the token store.
-- Each kind is a row: the kind, what the peer does, and exactly what must become of it. Each row is tried with a read
-- and with a create, on one client for all: after each it must still be usable.
--
-- Kinds that other specs hold with the same strength are not repeated here:
--
--   spec                 kinds
--   errors_spec          every status from 100 to 999 with each method; 204 without a body; error bodies of all shapes;
--                        texts of 401 and of slots; connections that end at each point; JSON that is empty, blank, a
--                        scalar, null, cut off, doubled, with a BOM, a trailing comma, NaN, hexadecimal numbers, NUL;
--                        HTML with 200; wrong and missing members; Retry-After and rate headers that are no numbers;
--                        echoed tokens
--   core/transfer_spec   exact caps of body, headers and interim responses; LF alone; trailers; HTTP/1.0
--   core/credentials_spec scanning of token responses: JSON of all kinds, spellings, doubled and unusable tokens
--   oauth_spec           expires_in of all kinds; no, the same and a broken refresh token; unclear exchanges; a full
--                        and a read-only disk, a lock that is held
--   core/token_file_spec all kinds of damaged stores, one layer below; failing system calls

local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local proc_status = require "spec.support.proc_status"
local servers = require "spec.support.server"

local failure = expect.failure

local TOKEN = "pit/5c1d2e3f-hostile-spec"
local REFRESH, SECRET = "refresh/5c1d2e3f-hostile", "client/5c1d2e3f-hostile"

local server, client

--- The options of all clients of this file.
local function options_of(given)
  local all = { base_url = server.url, location_id = "L", timeout = 10, retries = false, rate_limit = false }
  for name, value in pairs(given) do
    all[name] = value
  end
  return all
end

local function read(with) return with.calendars:get("c") end

local function create(with)
  return with.appointments:create { calendarId = "c", contactId = "p", startTime = "2030-01-07T10:00:00-05:00" }
end

----------------------------------------------------------------------------------------------------------- outcomes

--- Both calls fail with this kind; a create is `applied` like this, a read never.
local function fails(kind, applied, status)
  return function(result, err, is_create)
    failure(kind, result, err, { applied = is_create and applied or "no", status = status, attempts = 1 })
    assert.is_true(#err.message > 0)
    assert.is_nil(tostring(err):find("%c"))
  end
end

local broken = fails("protocol", "maybe") -- nothing that could be a response
local unread = fails("protocol", "yes", 200) -- a response whose rest cannot be read
local cut = fails("network", "yes", 200) -- a response that is cut off
local no_json = fails("decode", "maybe", 200)
local too_large = fails("too_large", "yes", 200)

local major, minor = core.curl_version():match("^(%d+)%.(%d+)")

local function curl_is_before(version) return tonumber(major) * 100 + tonumber(minor) < version end

-- A trailer longer than libcurl's own limit. Before 8.6 libcurl has one code for that and for chunks that are broken,
-- and passes nothing of it on.
local long_trailer = curl_is_before(806) and unread or too_large

--- It does no harm: both calls have their result. A check of it, and of the response, may be given.
local function fine(check)
  return function(result, response, is_create)
    assert.is_table(result, tostring(response))
    assert.are.equal(is_create and "e" or "c", result.id)
    if check then check(is_create and result.calendar or result, response) end
  end
end

local harmless = fine()

-- From 8.18 on libcurl joins folded lines before it reads them, before it does not read what is folded.
local folded_length = curl_is_before(818) and unread or harmless

------------------------------------------------------------------------------------------------------------- answers

-- What both calls can read.
local BODY = '{"calendar":{"id":"c"},"id":"e"}'
local LENGTH = ("Content-Length: %d\r\n"):format(#BODY)
local OK = "HTTP/1.1 200 OK\r\n"
local WHOLE = OK .. LENGTH .. "\r\n" .. BODY
-- A response without a request. It must not be taken for the response of the next call.
local SMUGGLED = WHOLE:gsub('"c"', '"s"'):gsub('"e"', '"s"')

--- Bytes instead of a response, then the end of the connection.
local function raw(bytes) return { raw = bytes, close = true } end

--- A valid response with these header lines.
local function lines(headers) return raw(OK .. headers .. LENGTH .. "\r\n" .. BODY) end

--- A right body after exactly these header lines.
local function framed(headers) return raw(OK .. headers .. "\r\n" .. BODY) end

local function status_line(line) return raw(line .. "\r\n" .. LENGTH .. "\r\n" .. BODY) end

-- stylua: ignore
local function chunked(rest, headers)
  return raw(OK .. (headers or "") .. "Transfer-Encoding: chunked\r\n\r\n" .. rest)
end

local function text(body, kind) return { body = body, headers = kind and { ["Content-Type"] = kind } or nil } end

local CHUNK = ("%x\r\n%s\r\n"):format(#BODY, BODY)
local LAST = "0\r\n\r\n"

local function redirect(status, location) return { status = status, headers = { Location = location } } end

local function run(command)
  local pipe = assert(io.popen(command))
  local bytes = pipe:read("a")
  assert(pipe:close())
  return bytes
end

local function gzip(bytes, times)
  local name = os.tmpname()
  local file = assert(io.open(name, "wb"))
  file:write(bytes)
  file:close()
  local packed = run("cat " .. name .. (" | gzip -9cn"):rep(times or 1))
  os.remove(name)
  return packed
end

local function bomb(times) return run("head -c 209715200 /dev/zero" .. (" | gzip -9cn"):rep(times)) end

local function encoded(encoding, body)
  return raw(OK .. "Content-Encoding: " .. encoding .. "\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body)
end

local function json(calendar) return text('{"calendar":' .. calendar .. ',"id":"e"}') end

local PACKED = gzip(BODY)

--- No content: of a read an empty table, marked; of a create nothing that could be called made.
local function nothing(result, response, is_create)
  if is_create then return fails("decode", "yes", 204)(result, response, is_create) end
  assert.are.same({}, result)
  assert.is_true(response.unexpected)
end

local answers = {
  ["interim answers"] = {
    { "100 alone", raw("HTTP/1.1 100 Continue\r\n\r\n"), fails("network", "maybe") },
    { "101 unasked", raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"), fails("network", "maybe") },
    { "103 that ends in its headers", raw("HTTP/1.1 103 Early Hints\r\nLink: </x"), broken },
    { "100 that claims a body", raw("HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n" .. WHOLE), harmless },
    { "199, unknown", raw("HTTP/1.1 199 Whatever\r\n\r\n" .. WHOLE), harmless },
    { "nine", raw(("HTTP/1.1 102 Processing\r\n\r\n"):rep(9) .. WHOLE), broken },
    { "one hundred thousand", raw(("HTTP/1.1 100 Continue\r\n\r\n"):rep(100000)), broken },
    {
      "90 KiB of headers in one",
      raw("HTTP/1.1 103 Early Hints\r\n" .. ("Link: " .. ("x"):rep(900) .. "\r\n"):rep(100) .. "\r\n" .. WHOLE),
      fails("too_large", "maybe"),
    },
  },

  ["statuses"] = {
    { "204 with a body", raw("HTTP/1.1 204 No Content\r\n" .. LENGTH .. "\r\n" .. BODY), nothing },
    {
      "204 with chunks, the connection going on",
      { raw = "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n" .. CHUNK .. LAST },
      nothing,
    },
    { "204 with a length that is none", raw("HTTP/1.1 204 No Content\r\nContent-Length:\r\n\r\n"), nothing },
    { "205", { status = 205 }, fails("decode", "maybe", 205) },
    {
      "206 of a range that nobody asked for",
      { status = 206, body = BODY, headers = { ["Content-Range"] = "bytes 0-30/31" } },
      harmless,
    },
    {
      "304 with a body",
      raw("HTTP/1.1 304 Not Modified\r\n" .. LENGTH .. "\r\n" .. BODY),
      fails("protocol", "maybe", 304),
    },
    { "300 without a place to go", { status = 300, body = BODY }, fails("protocol", "maybe", 300) },
    { "301 to another host", redirect(301, "http://127.0.0.1:1/"), fails("protocol", "maybe", 301) },
    { "302 to itself", redirect(302, "/calendars/c"), fails("protocol", "maybe", 302) },
    { "303", redirect(303, "/calendars/c"), fails("protocol", "maybe", 303) },
    { "307, which would send a body again", redirect(307, "/elsewhere"), fails("protocol", "maybe", 307) },
    { "308 to a file", redirect(308, "file:///etc/passwd"), fails("protocol", "maybe", 308) },
    { "200 with a place to go", lines("Location: /elsewhere\r\nRefresh: 0; url=/elsewhere\r\n"), harmless },
    {
      "401 that wants Negotiate",
      { status = 401, headers = { ["WWW-Authenticate"] = "Negotiate" }, body = "{}" },
      fails("auth", "no", 401),
    },
    {
      "407 without a proxy",
      { status = 407, headers = { ["Proxy-Authenticate"] = "Basic" }, body = "{}" },
      fails("rejected", "no", 407),
    },
    { "417 of no expectation", { status = 417, body = "{}" }, fails("rejected", "no", 417) },
    { "000", status_line("HTTP/1.1 000 Zero"), broken },
    { "099", status_line("HTTP/1.1 099 Low"), broken },
    { "1000", status_line("HTTP/1.1 1000 High"), broken },
    { "20", status_line("HTTP/1.1 20 Short"), broken },
    { "-200", status_line("HTTP/1.1 -200 Minus"), broken },
    { "2e2", status_line("HTTP/1.1 2e2 Float"), broken },
  },

  ["status lines"] = {
    { "no number", status_line("HTTP/1.1 OK"), broken },
    { "no blank", status_line("HTTP/1.1200 OK"), broken },
    { "another protocol", status_line("HTTQ/1.1 200 OK"), broken },
    { "version 9.9", status_line("HTTP/9.9 200 OK"), broken },
    { "version 3 in clear text", status_line("HTTP/3 200"), broken },
    { "a NUL", status_line("HTTP/1.1 200 O\0K"), broken },
    { "a reason of 60 KB", status_line("HTTP/1.1 200 " .. ("r"):rep(60000)), harmless },
    { "a reason of 70 KB", status_line("HTTP/1.1 200 " .. ("r"):rep(70000)), fails("too_large", "maybe") },
    { "none: HTTP/0.9", raw(BODY), broken },
    { "none: an empty line first", raw("\r\n" .. WHOLE), broken },
    { "none: mail", raw("220 smtp.example.com ESMTP\r\n"), broken },
    { "none: SSH", raw("SSH-2.0-OpenSSH_9.2\r\n"), broken },
    { "none: TLS", raw("\22\3\1\2\0\1\0\1\252\3\3"), broken },
    { "none: frames of HTTP/2", raw("\0\0\18\4\0\0\0\0\0\0\3\0\0\0\100\0\4\0\1\0\0\0\5\0\0\64\0"), broken },
    { "none: NUL bytes", raw(("\0"):rep(5000)), broken },
    { "one byte", raw("H"), fails("network", "maybe") },
  },

  ["lengths"] = {
    { "too short, an answer behind it", { raw = WHOLE .. SMUGGLED }, harmless },
    { "too short, within the JSON", framed("Content-Length: 20\r\n"), no_json },
    { "too long", framed("Content-Length: 100\r\n"), cut },
    { "far too long", framed("Content-Length: 9223372036854775807\r\n"), cut },
    { "beyond 64 bits: up to the end of the connection", framed("Content-Length: 99999999999999999999\r\n"), harmless },
    { "negative", framed("Content-Length: -1\r\n"), unread },
    { "words", framed("Content-Length: many\r\n"), unread },
    { "empty", framed("Content-Length:\r\n"), unread },
    { "folded", framed("Content-Length:\r\n " .. #BODY .. "\r\n"), folded_length },
    { "hexadecimal", framed("Content-Length: 0x1f\r\n"), unread },
    { "with a sign", framed("Content-Length: +31\r\n"), unread },
    { "a list", framed("Content-Length: 31, 31\r\n"), unread },
    { "in two lines that differ", lines("Content-Length: 5\r\n"), unread },
    {
      "of an interim answer, another",
      raw("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" .. WHOLE),
      harmless,
    },
    { "0 with a body", framed("Content-Length: 0\r\n"), no_json },
    { "twice the same", lines(LENGTH), harmless },
    {
      "none, and HTTP/1.0 that says keep-alive",
      raw("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\n" .. BODY),
      harmless,
    },
    { "and chunks, which count", chunked(CHUNK .. LAST, "Content-Length: 5\r\n"), harmless },
  },

  ["chunks"] = {
    { "without a size", chunked("zz\r\n" .. BODY .. "\r\n" .. LAST), unread },
    { "of a negative size", chunked("-1\r\n" .. BODY .. "\r\n" .. LAST), unread },
    { "of a size beyond 64 bits", chunked("ffffffffffffffff1\r\n" .. BODY .. "\r\n" .. LAST), unread },
    { "of 64 bits", chunked("ffffffffffffffff\r\n" .. BODY), unread },
    { "of 63 bits", chunked("7fffffffffffffff\r\n" .. BODY), cut },
    { "with zeros before the size", chunked(("0"):rep(10) .. CHUNK .. LAST), harmless },
    { "with 40 zeros before the size", chunked(("0"):rep(40) .. CHUNK .. LAST), unread },
    {
      "with an extension of 100 KB",
      chunked(("%x;%s\r\n%s\r\n"):format(#BODY, ("e"):rep(100000), BODY) .. LAST),
      harmless,
    },
    { "without a line end", chunked(("%x\r\n%s"):format(#BODY, BODY) .. LAST), unread },
    { "that end within one", chunked("40\r\n" .. BODY), cut },
    { "without a last one", chunked(CHUNK), cut },
    { "that end within the last one", chunked(CHUNK .. "0\r\n"), cut },
    { "none at all", chunked(""), cut },
    { "the last one alone", chunked(LAST), no_json },
    {
      "of one byte, 50,000 of them",
      chunked(BODY:gsub(".", "1\r\n%0\r\n") .. ("1\r\n \r\n"):rep(50000) .. LAST),
      harmless,
    },
    { "twice declared", chunked(CHUNK .. LAST, "Transfer-Encoding: chunked\r\n"), harmless },
    { "in HTTP/1.0", raw("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" .. CHUNK .. LAST), harmless },
    { "no chunks but another coding", lines("Transfer-Encoding: rot13\r\n"), unread },
    { "of something like chunked", lines("Transfer-Encoding: xchunked\r\n"), unread },
    { "of gzip", chunked(("%x\r\n%s\r\n"):format(#PACKED, PACKED) .. LAST, "Content-Encoding: gzip\r\n"), harmless },
    {
      "with trailers that rename",
      chunked(CHUNK .. "0\r\nContent-Type: text/html\r\nX-RateLimit-Max: 5\r\n\r\n"),
      fine(function(_, response)
        assert.is_nil(response.rate_limit)
        assert.is_nil(response.headers["content-type"])
      end),
    },
    { "with trailers without end", chunked(CHUNK .. "0\r\n" .. ("X: y\r\n"):rep(300) .. "\r\n"), too_large },
    { "with a trailer of 200 KB", chunked(CHUNK .. "0\r\nX: " .. ("y"):rep(200000) .. "\r\n\r\n"), long_trailer },
    { "with a trailer cut off", chunked(CHUNK .. "0\r\nX: y"), cut },
  },

  ["header lines"] = {
    { "of 1 MiB", lines("X: " .. ("h"):rep(1 << 20) .. "\r\n"), too_large },
    { "of 60 KB", lines("X: " .. ("h"):rep(60000) .. "\r\n"), harmless },
    { "of 1 MiB without an end", raw(OK .. ("N"):rep(1 << 20)), too_large },
    { "ten thousand", lines(("X: y\r\n"):rep(10000)), too_large },
    { "of 70 KiB together", lines(("X: " .. ("y"):rep(1019) .. "\r\n"):rep(70)), too_large },
    { "that end without an empty line", raw(OK .. LENGTH), cut },
    {
      "folded, again and again",
      lines("X-A: b\r\n c\r\n\td\r\n   e: f\r\n"),
      fine(function(_, response) assert.are.equal("b c d e: f", response.headers["x-a"]) end),
    },
    { "folded, the first", raw(OK .. " X: y\r\n" .. LENGTH .. "\r\n" .. BODY), unread },
    { "with a NUL", lines("X: a\0b\r\n"), unread },
    { "with a bare CR, and what looks like a header behind it", lines("X: a\rContent-Length: 5\r\n"), unread },
    { "that begin with a CR", raw(OK .. LENGTH .. "\rX: y\r\n\r\n" .. BODY), fails("protocol", "yes", 200) },
    { "without a colon", lines("No colon here\r\n"), unread },
    { "without a name", lines(": x\r\n"), fine(function(_, response) assert.is_nil(response.headers[""]) end) },
    { "with other control characters", lines("X: \1\27[31m\r\n"), harmless },
    { "beyond ASCII", lines("X-\255: \200\r\n"), harmless },
    {
      "named like Lua's own",
      lines("__index: a\r\n__gc: b\r\nstatus: 500\r\nHTTP: c\r\n"),
      fine(function(_, response)
        assert.are.equal("a", response.headers.__index)
        assert.are.equal(200, response.status)
      end),
    },
    {
      "twice",
      lines("X-A: 1\r\nx-a: 2\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n"),
      fine(function(_, response)
        assert.are.equal("1, 2", response.headers["x-a"])
        assert.are.equal("a/b, c/d", response.headers["content-type"])
      end),
    },
    { "of an upgrade that nobody asked for", lines("Connection: Upgrade\r\nUpgrade: h2c\r\n"), harmless },
    {
      "of other ways here",
      lines('Alt-Svc: h2="127.0.0.1:1"; ma=9\r\nStrict-Transport-Security: max-age=9\r\n'),
      harmless,
    },
    { "of a hundred cookies", lines(("Set-Cookie: a=b; Path=/\r\n"):rep(100)), harmless },
    {
      "of rates, twice",
      lines("X-RateLimit-Max: 1\r\nX-RateLimit-Max: 2\r\nX-RateLimit-Remaining: 3\r\n"),
      fine(function(_, response) assert.are.same({ max = 2, remaining = 3 }, response.rate_limit) end),
    },
    {
      "of rates beyond all numbers",
      lines(
        "X-RateLimit-Max: 99999999999999999999\r\nX-RateLimit-Remaining: -1\r\n"
          .. "X-RateLimit-Interval-Milliseconds: 1e3\r\nX-RateLimit-Daily-Reset: \194\178\r\n"
      ),
      fine(function(_, response) assert.is_nil(response.rate_limit) end),
    },
  },

  ["content types"] = {
    { "none", lines(""), harmless },
    { "HTML, which it is not", text(BODY, "text/html"), harmless },
    { "XML", text("<?xml version='1.0'?><a/>", "application/xml"), no_json },
    { "UTF-16", text(BODY:gsub(".", "%0\0"), "application/json; charset=utf-16"), no_json },
    { "an image", text("\137PNG\r\n\26\n\0\0", "image/png"), no_json },
    { "a stream of events", text("data: " .. BODY .. "\n\n", "text/event-stream"), no_json },
    { "a script", text("callback(" .. BODY .. ")", "application/javascript"), no_json },
    { "a form", text("id=e&calendar=c", "application/x-www-form-urlencoded"), no_json },
  },

  ["content encodings"] = {
    { "gzip, corrupt", encoded("gzip", PACKED:sub(1, 10) .. "\255\255" .. PACKED:sub(13)), unread },
    { "gzip, cut off", encoded("gzip", PACKED:sub(1, -12)), no_json },
    { "gzip, its header alone", encoded("gzip", PACKED:sub(1, 10)), no_json },
    { "gzip, of nothing", encoded("gzip", ""), no_json },
    { "gzip, with another sum", encoded("gzip", PACKED:sub(1, -9) .. "\1\2\3\4" .. PACKED:sub(-4)), unread },
    { "gzip, with garbage behind it", encoded("gzip", PACKED .. "garbage, garbage"), unread },
    { "gzip, which it is not", encoded("gzip", BODY), unread },
    { "gzip, not declared", text(PACKED), no_json },
    { "gzip in gzip", encoded("gzip, gzip", gzip(BODY, 2)), unread },
    { "gzip in gzip, in two lines", encoded("gzip\r\nContent-Encoding: gzip", gzip(BODY, 2)), unread },
    { "gzip in gzip, in a folded line", encoded("gzip,\r\n gzip", gzip(BODY, 2)), unread },
    {
      "gzip in gzip, the second behind 20 KB of blanks",
      encoded("gzip" .. (" "):rep(20000) .. ", gzip", gzip(BODY, 2)),
      unread,
    },
    { "gzip and nothing behind a comma", encoded("gzip,", PACKED), unread },
    { "gzip after identity", encoded("identity\r\nContent-Encoding: gzip", PACKED), unread },
    { "gzip in capitals", encoded("GZip ", PACKED), harmless },
    {
      "gzip, its header in capitals",
      raw(OK .. "CONTENT-ENCODING:gzip\r\nContent-Length: " .. #PACKED .. "\r\n\r\n" .. PACKED),
      harmless,
    },
    {
      "gzip of an interim answer and of the final one",
      raw("HTTP/1.1 103 Early Hints\r\nContent-Encoding: gzip\r\n\r\n" .. encoded("gzip", gzip(BODY, 2)).raw),
      unread,
    },
    {
      "gzip in gzip of an interim answer",
      raw("HTTP/1.1 103 Early Hints\r\nContent-Encoding: gzip, gzip\r\n\r\n" .. WHOLE),
      broken,
    },
    { "gzip in gzip in a trailer", chunked(CHUNK .. "0\r\nContent-Encoding: gzip, gzip\r\n\r\n"), unread },
    {
      "gzip as a transfer coding",
      raw(OK .. "Transfer-Encoding: gzip, chunked\r\n\r\n" .. ("%x\r\n%s\r\n"):format(#PACKED, PACKED) .. LAST),
      unread,
    },
    {
      "gzip in gzip as transfer codings",
      raw(OK .. "Transfer-Encoding: gzip\r\nTransfer-Encoding: gzip\r\n\r\n" .. gzip(BODY, 2)),
      unread,
    },
    { "none, as a word", encoded("none", BODY), unread },
    { "gzip 50 times", encoded(("gzip, "):rep(49) .. "gzip", gzip(BODY, 50)), unread },
    { "x-gzip", encoded("x-gzip", PACKED), harmless },
    { "identity", encoded("identity", BODY), harmless },
    { "br, not asked for", encoded("br", "\255" .. BODY), unread },
    { "deflate, not asked for, and none", encoded("deflate", "\255" .. BODY), unread },
    { "unknown", encoded("rot13", BODY), unread },
  },

  ["JSON"] = {
    { "with a comment", json('{"id":"c"/* no */}'), no_json },
    { "with -Infinity", json('{"id":"c","a":-Infinity}'), no_json },
    { "with a number that begins with 0", json('{"id":"c","a":007}'), no_json },
    { "with a number that begins with a point", json('{"id":"c","a":.5}'), no_json },
    { "with a plus", json('{"id":"c","a":+5}'), no_json },
    { "with 1e400", json('{"id":"c","a":1e400}'), fine(function(c) assert.are.equal(math.huge, c.a) end) },
    {
      "with an integer of 20 digits",
      json('{"id":"c","a":12345678901234567890}'),
      fine(function(c) assert.are.equal("float", math.type(c.a)) end),
    },
    {
      "with a number of 100,000 digits",
      json('{"id":"c","a":1.' .. ("0"):rep(100000) .. "}"),
      fine(function(c) assert.are.equal(1, c.a) end),
    },
    { "with an unknown escape", json('{"id":"\\x63"}'), no_json },
    { "with half an escape", json('{"id":"\\u12"}'), no_json },
    {
      "with half a pair",
      json('{"id":"c","a":"\\ud800"}'),
      fine(function(c) assert.are.equal("\u{fffd}", c.a) end),
    },
    {
      "with a pair the wrong way round",
      json('{"id":"c","a":"\\udc00\\ud800"}'),
      fine(function(c) assert.are.equal("\u{fffd}\u{fffd}", c.a) end),
    },
    {
      "with an escaped NUL",
      json('{"id":"c","a":"a\\u0000b"}'),
      fine(function(c) assert.are.equal("a\0b", c.a) end),
    },
    {
      "with bytes that are no UTF-8",
      json('{"id":"c","a":"\255\254"}'),
      fine(function(c) assert.are.equal("\255\254", c.a) end),
    },
    {
      "with names of all kinds",
      json('{"__index":1,"__gc":2,"1":3,"":4,"id":"c"}'),
      fine(function(c)
        assert.are.equal(1, c.__index)
        assert.are.equal(3, c["1"])
        assert.are.equal(4, c[""])
        assert.is_nil(getmetatable(c))
      end),
    },
    { "with a name twice", text('{"calendar":{"id":"a"},"calendar":{"id":"c"},"id":"x","id":"e"}'), harmless },
    { "with True", json("True"), no_json },
    { "with undefined", json("undefined"), no_json },
    { "behind a guard", text(")]}',\n" .. BODY), no_json },
    { "in lines", text(BODY .. "\n" .. BODY), no_json },
    { "in a string", text('"' .. BODY:gsub('"', '\\"') .. '"'), no_json },
    { "in a list", text("[" .. BODY .. "]"), no_json },
    { "62 deep and more", json('{"id":"c","a":' .. ("["):rep(62) .. ("]"):rep(62) .. "}"), harmless },
    { "65 deep", json('{"id":"c","a":' .. ("["):rep(63) .. ("]"):rep(63) .. "}"), no_json },
    { "100,000 lists deep", text(("["):rep(100000)), no_json },
    { "100,000 objects deep", text(('{"a":'):rep(100000)), no_json },
    { "of the wrong types", text('{"calendar":"c","id":7}'), no_json },
    { "that says it failed", text('{"success":false,"calendar":{"id":"c"},"id":"e"}'), fails("refused", "maybe", 200) },
    { "of an error, with 200", text('{"statusCode":401,"message":"Unauthorized"}'), fails("refused", "maybe", 200) },
  },
}

local sanitized = os.getenv("ASAN_OPTIONS") ~= nil

--- By how many MiB the memory of this process grew at most while fn ran; nil if the system does not show it. Whatever
-- fn needs must be there before.
local function growth(fn)
  collectgarbage()
  collectgarbage()
  local mark = io.open("/proc/self/clear_refs", "w") -- 5: resets the peak
  local marked = mark and mark:write("5") and mark:close()
  local before = proc_status "VmRSS"
  fn()
  return marked and before and (proc_status "VmHWM" - before) / 1024
end

describe("hostile:", function()
  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  after_each(function() leak.after(server) end)

  --- One call against a rule, and a good one after it, on the same client.
  local function try(rule, call, outcome, is_create)
    server:reply(rule)
    local result, response = call(client)
    assert.are.equal(1, #server:ledger()) -- sent once, and nowhere else
    outcome(result, response, is_create)
    if result == nil then expect.no_secret(response, TOKEN) end
    server:reply { body = [[{"calendar":{"id":"good"}}]] }
    assert.are.equal("good", assert(read(client)).id)
  end

  describe("a response:", function()
    before_each(function()
      leak.before()
      client = leak.client(options_of { token = TOKEN })
    end)

    local titles = {}
    for title in pairs(answers) do
      titles[#titles + 1] = title
    end
    table.sort(titles)
    for _, title in ipairs(titles) do
      for _, row in ipairs(answers[title]) do
        it(title .. ": " .. row[1], function()
          try(row[2], read, row[3], false)
          server:reset()
          try(row[2], create, row[3], true)
        end)
      end
    end

    it("lengths: right, and another response while the connection is idle", function()
      for _, call in ipairs { read, create } do
        server:reply { steps = { { send = WHOLE }, { hold = "idle" }, { send = SMUGGLED } } }
        assert(call(client))
        server:release("idle")
        server:wait("ended", "exactly", 1)
        server:reply { body = [[{"calendar":{"id":"good"}}]] }
        assert.are.equal("good", assert(read(client)).id)
        assert.are.equal(2, server:last().connection)
        server:reset()
      end
    end)

    it("header lines: folded, the first, on connections and handles that were used before", function()
      for _ = 1, 10 do
        try({ raw = OK .. " " .. ("f"):rep(100) .. ": g\r\n" .. LENGTH .. "\r\n" .. BODY, close = true }, read, unread)
        server:reset()
      end
    end)

    it("lists: of anything but objects, where objects belong", function()
      for _, item in ipairs { "7", "true", '"x"', "[1],7" } do
        server:reply { body = '{"calendars":[{"id":"c"},' .. item .. "]}" }
        local list = assert(client.calendars:list())
        assert.are.same({ id = "c" }, list[1])
        assert.are.equal(core.null, list[#list])
      end
      for _, item in ipairs { "7", "true", '"x"', "null,7" } do
        server:reply { body = '{"calendars":[' .. item .. "]}" }
        failure("decode", client.calendars:list())
      end
      server:reply { body = '{"calendars":[{"id":"c"},null]}' }
      assert.are.same({ { id = "c" }, core.null }, (assert(client.calendars:list())))
      server:reply { body = '{"calendars":[{},{"id":7}]}' }
      assert.are.equal(2, #assert(client.calendars:list()))
    end)

    it("bookings: found by what was sent, although they have no id or one that is none", function()
      for _, id in ipairs { "", '"id":null,', '"id":7,', '"id":1,', '"id":"",', '"id":{},' } do
        server:reply({ path = "/calendars/events", body = '{"events":[]}' }, { method = "POST", status = 502 }, {
          path = "/calendars/events",
          body = '{"events":[{' .. id .. '"title":"t","description":"[ref of-hostile-spec]"},{"title":"other"}]}',
        })
        local booked, response = client.appointments:book {
          calendarId = "c",
          contactId = "p",
          startTime = "2030-01-07T10:00:00-05:00",
          reference = "of-hostile-spec",
          reconcile_timeout = 0,
        }
        assert.are.equal("t", assert(booked, response).title)
        assert.is_true(response.reconciled)
      end
    end)

    it("bookings: an earlier one is found among events of all wrong kinds", function()
      local odd = [[{"id":2,"description":7,"contactId":"p"},{"id":2.5,"startTime":{},"contactId":["p"]},null,
        {"id":true,"appointmentStatus":["cancelled"],"calendarId":{},"description":"[ref of-hostile-spec]"},]]
      server:reply {
        path = "/calendars/events",
        body = '{"events":[' .. odd .. '{"id":1,"startTime":7,"description":"[ref of-hostile-spec]"}]}',
      }
      local booked, response = client.appointments:book {
        calendarId = "c",
        contactId = "p",
        startTime = "2030-01-07T10:00:00-05:00",
        reference = "of-hostile-spec",
      }
      assert.are.equal(1, assert(booked, response).id)
      assert.is_true(response.existing)
      assert.are.equal("2030-01-07T10:00:00-05:00", response.slot)
    end)

    it("bookings: found among events that are null, or have half a surrogate pair", function()
      server:reply({ path = "/calendars/events", body = '{"events":[]}' }, { method = "POST", status = 502 }, {
        path = "/calendars/events",
        body = [[{"events":[null,{"title":"\ud83d","description":"[ref of-hostile-spec]"},null]}]],
      })
      local booked, response = client.appointments:book {
        calendarId = "c",
        contactId = "p",
        startTime = "2030-01-07T10:00:00-05:00",
        reference = "of-hostile-spec",
        reconcile_timeout = 0,
      }
      assert.are.equal("\u{fffd}", assert(booked, response).title)
    end)

    it("free slots: of all wrong kinds are passed over by hoopai.slots", function()
      server:reply {
        body = [[{"2030-01-07":{"slots":[5,null,"x",["y"],{"z":1},"2030-01-07T10:00:00-05:00"]},
        "2030-01-08":{"slots":"2030"},"2030-01-09":7,"x":{"slots":{"a":"2030-01-07T10:00:00-05:00"}}}]],
      }
      local free = assert(client.calendars:free_slots("c", { startDate = 1767571200000, endDate = 1767657600000 }))
      local found = {}
      for day, slot in hoopai.slots(free) do
        found[#found + 1] = day .. " " .. slot
      end
      assert.are.same({ "2030-01-07 2030-01-07T10:00:00-05:00" }, found)
    end)
  end)

  describe("a large response:", function()
    before_each(function()
      leak.before()
      client = leak.client(options_of { token = TOKEN })
    end)

    --- Tries a rule with both calls; neither takes more than `most` MiB.
    local function bounded(rule, outcome, most)
      if sanitized then most = most + 300 end -- what is freed is kept for a while
      server:reply { body = [[{"calendar":{"id":"good"}}]] }
      assert(read(client))
      server:reset()
      for index, call in ipairs { read, create } do
        server:reply(rule)
        local result, err
        local grown = growth(function()
          result, err = call(client)
        end)
        outcome(result, err, index == 2)
        server:reset()
        assert.is_true(grown ~= nil and grown < most, ("grew by %s MiB"):format(tostring(grown)))
      end
    end

    it("200 MiB in gzip", function() bounded(encoded("gzip", bomb(1)), too_large, 20) end)
    it("200 MiB in gzip in gzip", function() bounded(encoded("gzip, gzip", bomb(2)), unread, 20) end)
    it("200 MiB in gzip, three times", function() bounded(encoded("gzip, gzip, gzip", bomb(3)), unread, 20) end)

    it(
      "20 MB of JSON",
      function()
        bounded(
          { steps = { { send = OK .. "Content-Length: 20000000\r\n\r\n" }, { send = ("[1],"):rep(5000000) } } },
          too_large,
          20
        )
      end
    )

    it("8 MiB of brackets", function() bounded(text(("["):rep(8 << 20)), no_json, 60) end)
    it("1 MiB of a header", function() bounded(lines("X: " .. ("h"):rep(1 << 20) .. "\r\n"), too_large, 8) end)
    it(
      "a hundred thousand interim responses",
      function() bounded(raw(("HTTP/1.1 100 Continue\r\n\r\n"):rep(100000)), broken, 8) end
    )
  end)

  describe("the token endpoint:", function()
    before_each(leak.before)

    local KEY = "id/location/L"
    local GRANT = '{"access_token":"new-token","refresh_token":"next-token","expires_in":86399,"userType":"Location",'
      .. '"locationId":"L"}'

    --- A store whose token has ended.
    local function ended_grant()
      local kept = {
        [KEY] = core.pack_credentials(core.credentials {
          access_token = "old-token",
          refresh_token = REFRESH,
          expires_in = 60,
          generation = 1,
          obtained_at = core.wall_ms() // 1000 - 3600,
          user_type = "Location",
          location_id = "L",
        }),
      }
      return kept,
        {
          get = function(key) return kept[key] end,
          put = function(key, packed)
            kept[key] = packed
            return true
          end,
        }
    end

    local function grant(fields, replaced)
      return text(
        (
          GRANT:gsub("^{", "{" .. (fields and fields .. "," or ""))
            :gsub('"access_token":"new%-token"', replaced or "%0")
        )
      )
    end

    -- The title, the response, the kind of error (nil: success), how often the token is sent (a response that
    -- leaves open whether it was spent is followed by two more tries), and retry_after. `successor`: the refresh token
    -- of the response is kept, and sent in turn.
    local rows = {
      { "HTML with 200", text("<html>Log in</html>", "text/html"), "decode", 3 },
      { "nothing with 200", text(""), "decode", 3 },
      { "204", { status = 204 }, "decode", 3 },
      { "an error with 200", text('{"error":"invalid_request","statusCode":400}'), "refused", 1 },
      { "a token that is null", grant(nil, '"access_token":null'), "decode", 2, successor = true },
      { "a token that is empty", grant(nil, '"access_token":""'), "decode", 2, successor = true },
      { "a token that is a list", grant(nil, '"access_token":["new-token"]'), "decode", 2, successor = true },
      { "a token of 70 KB", grant(nil, '"access_token":"' .. ("t"):rep(70000) .. '"'), "decode", 2, successor = true },
      { "two tokens", grant('"accessToken":"other-token"'), nil, 1 },
      { "100,000 lists", grant('"a":' .. ("["):rep(100000)), nil, 1 },
      { "a grant cut off behind its tokens", raw(OK .. "Content-Length: 500\r\n\r\n" .. GRANT), nil, 1 },
      { "a grant cut off in a token", raw(OK .. "Content-Length: 500\r\n\r\n" .. GRANT:sub(1, 50)), "network", 3 },
      { "a bomb", encoded("gzip", bomb(1)), "too_large", 3 },
      { "ten thousand headers", lines(("X: y\r\n"):rep(10000)), "too_large", 3 },
      { "interim answers", raw(("HTTP/1.1 100 Continue\r\n\r\n"):rep(1000)), "protocol", 3 },
      { "HTTP/0.9", raw(GRANT), "protocol", 3 },
      { "a redirect", redirect(302, "http://127.0.0.1:1/"), "protocol", 3 },
      { "a redirect that would send the tokens again", redirect(307, "/elsewhere"), "protocol", 3 },
      { "503 with HTML", { status = 503, body = "<html>", headers = { ["Retry-After"] = "1e400" } }, "server", 3 },
      { "403 with HTML", { status = 403, body = "<html>" }, "forbidden", 1 },
      { "404", { status = 404, body = "{}" }, "not_found", 1 },
      { "410", { status = 410, body = '{"message":["API endpoint has been removed"]}' }, "not_found", 1 },
      {
        "400 that echoes what was sent",
        {
          status = 400,
          body = ('{"error":"invalid_request","error_description":"%s %s"}'):format(REFRESH:gsub("/", "\\/"), SECRET),
        },
        "refused",
        1,
      },
      {
        "401 that echoes what was sent",
        { status = 401, body = ('{"message":"no client %s"}'):format(SECRET) },
        "auth",
        1,
      },
      {
        "a refused grant that is echoed",
        {
          status = 400,
          body = ('{"error":"invalid_grant","error_description":"Invalid refresh token: %s"}'):format(REFRESH),
        },
        "reauth_required",
        1,
      },
      {
        "429, to wait for ever",
        { status = 429, headers = { ["Retry-After"] = "1e400" }, body = "{}" },
        "rate_limit",
        1,
        12,
      },
      {
        "429, to wait for -5 seconds",
        { status = 429, headers = { ["Retry-After"] = "-5" }, body = "{}" },
        "rate_limit",
        1,
        12,
      },
      {
        "429, to wait for two times",
        { status = 429, body = "{}", headers = { { "Retry-After", "many" }, { "Retry-After", "7" } } },
        "rate_limit",
        1,
        12,
      },
      { "another type of token", grant('"token_type":"mac"'), nil, 1 },
      { "500 fields that nobody knows", grant(('"field%d":1,'):rep(500):gsub("%%d", "x") .. '"z":1'), nil, 1 },
      { "names in escapes", grant(nil, '"acce\\u0073s_token":"new-token"'), nil, 1 },
      { "a token of 60 KB", grant(nil, '"access_token":"' .. ("t"):rep(60000) .. '"'), nil, 1 },
      {
        "in gzip, in chunks",
        chunked(
          (function()
            local packed = gzip(GRANT)
            return ("%x\r\n%s\r\n"):format(#packed, packed) .. LAST
          end)(),
          "Content-Encoding: gzip\r\n"
        ),
        nil,
        1,
      },
    }

    it("429 with a wait of 31 years stops exchanges for a minute, and says so at once", function()
      local _, store = ended_grant()
      local app <close> = hoopai.oauth {
        client_id = "id",
        client_secret = SECRET,
        store = store,
        base_url = server.url,
      }
      local with <close> = hoopai.new(options_of { oauth = app })
      server:reply { path = "/oauth/token", status = 429, headers = { ["Retry-After"] = "999999999" }, body = "{}" }
      assert.are.equal(60, failure("rate_limit", read(with)).retry_after)
      local err = failure("rate_limit", read(with))
      assert.is_true(err.retry_after > 40 and err.retry_after <= 60)
    end)

    --- Runs a row in a new task, with a new app and a new store.
    local function play(number)
      local prefix = "/row" .. number
      local kept, store = ended_grant()
      local app <close> = hoopai.oauth {
        client_id = "id",
        client_secret = SECRET,
        store = store,
        base_url = server.url .. prefix,
        redirect_uri = "http://127.0.0.1:1/",
      }
      local with <close> = hoopai.new(options_of { oauth = app, base_url = server.url .. prefix })
      local result, err = read(with)
      local held = core.unpack_credentials(kept[KEY])
      local outcome = {
        result = result,
        err = err,
        kept = held:get("refresh_token") == core.secret(REFRESH),
        generation = held:get("generation"),
      }
      if result == nil then -- the token that it still has may be dead: a person signs in again
        server:reply { path = prefix .. "/oauth/token", body = GRANT }
        outcome.signed_in = app:exchange { code = "code" }
      end
      outcome.again = read(with)
      return outcome
    end

    it("whatever the response, a refresh token is kept, nothing is shown, and a new sign-in helps", function()
      local numbers = {}
      for number, row in ipairs(rows) do
        local rule = { path = "/row" .. number .. "/oauth/token", times = row[4] }
        for name, value in pairs(row[2]) do
          rule[name] = value
        end
        server:reply(rule)
        server:reply { path = "/row" .. number .. "/calendars/c", body = BODY, times = row[3] and 1 or 2 }
        numbers[number] = number
      end
      local outcomes, errors
      expect.within(60, function()
        outcomes, errors = hoopai.map(numbers, play, { concurrency = #rows })
      end)
      assert.is_nil(errors, tostring(errors))
      for number, row in ipairs(rows) do
        local outcome = outcomes[number]
        if row[3] then
          failure(row[3], outcome.result, outcome.err)
          expect.no_secret(outcome.err, REFRESH)
          expect.no_secret(outcome.err, SECRET)
          assert.are.equal(row[5], outcome.err.retry_after, row[1])
          assert.are.equal(not row.successor, outcome.kept, row[1])
          assert.are.equal(row.successor and "3" or "1", outcome.generation, row[1])
          assert.is_table(outcome.signed_in, row[1])
        else
          assert.are.equal("c", assert(outcome.result, row[1]).id)
          assert.are.equal("2", outcome.generation, row[1])
        end
        assert.are.equal("c", assert(outcome.again, row[1]).id)
      end
    end)
  end)

  describe("the store:", function()
    local folder

    before_each(function()
      leak.before()
      folder = os.tmpname()
      os.remove(folder)
    end)
    after_each(function()
      collectgarbage() -- a folder is open as long as its store is referenced
      collectgarbage()
      os.execute("rm -rf " .. folder .. " " .. folder .. ".*")
    end)

    local FILE = "$F/id%2Flocation%2FL"
    local is_root = run("id -u"):match("%d+") == "0"

    -- The kind, what a shell does to the record (in $R) or the folder (in $F), and what stands in the error. Nil: it
    -- does no harm. What was moved to $F.away is put back then.
    local rows = {
      { "no record", "rm $R", "there is no grant", "reauth_required" },
      { "a folder in its place", "rm $R; mkdir $R", "not a regular file" },
      { "an empty file", ": >$R", "cut off" },
      { "half a file", "head -c 60 $F.away >$R", "cut off" },
      { "all but the last byte", "head -c -1 $F.away >$R", "cut off" },
      { "random bytes", "head -c 300 /dev/urandom >$R", "no record of this library" },
      { "NUL bytes", "head -c 300 /dev/zero >$R", "no record of this library" },
      { "another version", "sed 's/record 1/record 2/' $F.away >$R", "another version" },
      { "another generation", "sed 's/generation=1/generation=9/' $F.away >$R", "damaged" },
      { "JSON", 'echo \'{"access_token":"t"}\' >$R', "no record of this library" },
      { "300 KB", "head -c 300000 /dev/zero >$R", "larger than 256 KiB" },
      { "readable by all", "chmod 644 $R", "mode must be 0600" },
      { "writable by the group", "chmod 620 $R", "mode must be 0600" },
      { "a link to the record", "mv $R $F.other; ln -s $F.other $R", "symbolic link" },
      { "a link to nowhere", "rm $R; ln -s $F.nowhere $R", "symbolic link" },
      { "a link to a device", "rm $R; ln -s /dev/zero $R", "symbolic link" },
      { "a second name", "ln $R $F.other", "second name" },
      { "a pipe", "rm $R; mkfifo -m 600 $R", "not a regular file" },
      { "a backup that is damaged", "echo x >$R.bak", nil },
      { "a writer's file that was left", "echo x >$R.0123456789abcdef.tmp", nil },
      { "files of others", "echo x >$F/README; mkdir $F/.git", nil },
    }
    if is_root then -- only root may make these
      rows[#rows + 1] = { "a device", "rm $R; mknod -m 600 $R c 1 5", "not a regular file" }
      rows[#rows + 1] = { "somebody else's", "chown nobody $R", "belongs to another user" }
    end

    local function shell(command)
      assert(os.execute(("F=%s; R=%s; %s"):format(folder, FILE:gsub("%$F", folder), command)))
    end

    for _, row in ipairs(rows) do
      it(row[1], function()
        do
          local tokens <close> = core.token_file(folder)
          assert(tokens:write(
            "id/location/L",
            core.credentials {
              access_token = "good-token",
              refresh_token = REFRESH,
              expires_in = 86399,
              generation = 1,
              obtained_at = core.wall_ms() // 1000,
              user_type = "Location",
              location_id = "L",
            }
          ))
        end
        local app <close> = hoopai.oauth {
          client_id = "id",
          client_secret = SECRET,
          store = hoopai.store.file(folder),
          base_url = server.url,
        }
        local with <close> = hoopai.new(options_of { oauth = app })
        shell("cp -p $R $F.away")
        shell(row[2])
        if row[3] then
          local err = failure(row[4] or "store", read(with))
          assert.matches(row[3], err.message, 1, true)
          expect.no_secret(err, REFRESH)
          assert.are.equal(0, #server:ledger())
          shell("rm -rf $R $F.other; cp -p $F.away $R")
        end
        server:reply { body = BODY }
        assert.are.equal("c", assert(read(with)).id)
        assert.are.equal("Bearer good-token", server:last().header.authorization)
      end)
    end
  end)
end)
