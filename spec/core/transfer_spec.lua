local child = require "spec.support.child"
local core = require "hoopai.core"
local core_http = require "spec.support.core_http"
local send = require "spec.support.send"
local socket = require "socket"
local test_server = require "spec.support.server"

local add, fetch, finish, run_until = core_http.add, core_http.fetch, core_http.finish, core_http.run_until

local TOKEN = "pit-canary-0123456789"

describe("a transfer", function()
  local server, multi

  setup(function() server = test_server.start() end)
  teardown(function() server:stop() end)
  before_each(function()
    server:reset()
    multi = core.multi { http2 = false, user_agent = "spec/1", max_body = 100000, max_headers = 10000 }
  end)
  after_each(function() multi:close() end)

  local function problem_of(transfer)
    local status, kind, message, code = transfer:result()
    return kind, message, status, code
  end

  describe("on the wire", function()
    it("sends the token exactly once, as Authorization, and our headers", function()
      server:reply { body = "{}", always = true }
      local transfer = fetch(multi, server.url .. "/x?a=1&b=%20", {
        token = core.secret(TOKEN),
        headers = { "Version: 2021-07-28", "Accept: application/json", "X-Utf: é" },
      })
      assert.are.equal(200, transfer:result())
      local request = server:last()
      local found = {}
      for _, pair in ipairs(request.headers) do
        found[#found + 1] = pair[1] .. ": " .. pair[2]
      end
      table.sort(found)
      assert.are.same({
        "Accept-Encoding: gzip",
        "Accept: application/json",
        "Authorization: Bearer " .. TOKEN,
        "Host: 127.0.0.1:" .. server.port,
        "User-Agent: spec/1",
        "Version: 2021-07-28",
        "X-Utf: é",
      }, found)
      assert.are.equal("/x?a=1&b=%20", request.target)
      assert.are.equal("1.1", request.version)
    end)

    it("sends no Authorization without a token, also after a request with one", function()
      server:reply { body = "{}", always = true }
      fetch(multi, server.url .. "/", { token = core.secret(TOKEN), headers = { "X-Old: 1" } }):close()
      fetch(multi, server.url .. "/"):close()
      local last = server:last()
      assert.are.equal(2, last.exchange)
      assert.is_nil(last.header.authorization)
      assert.is_nil(last.header["x-old"])
    end)

    local shapes = {
      { "GET" },
      { "DELETE" },
      { "POST" },
      { "PUT" },
      { "PATCH" },
      { "GET", "{}" },
      { "DELETE", '{"a":1}' },
      { "POST", '{"a":1}' },
      { "PUT", '{"a":1}' },
      { "PATCH", "x" },
      { "POST", "" },
      { "PUT", "" },
    }

    local function check_shape(method, body)
      local headers = body and { "Content-Type: application/json" } or nil
      local transfer = fetch(multi, server.url .. "/", {
        method = method,
        body = body,
        headers = headers,
        at_most_once = true,
      })
      assert.are.equal(200, transfer:result())
      transfer:close()
      local request = server:last()
      assert.are.equal(method, request.method)
      assert.are.equal(body or "", request.body)
      local sends_length = body or method ~= "GET" and method ~= "DELETE"
      assert.are.equal(sends_length and tostring(#(body or "")) or nil, request.header["content-length"])
      assert.are.equal(body and "application/json" or nil, request.header["content-type"])
      assert.is_nil(request.header.expect)
      assert.is_nil(request.header["transfer-encoding"])
      assert.is_nil(request.header.cookie)
    end

    it("makes each method with and without a body what it should be", function()
      server:reply { body = "{}", always = true }
      for _, shape in ipairs(shapes) do
        check_shape(shape[1], shape[2])
      end
    end)

    it("leaves nothing of one request in the next, in every order", function()
      server:reply { body = "{}", always = true }
      for _, first in ipairs(shapes) do
        for _, second in ipairs(shapes) do
          check_shape(first[1], first[2])
          check_shape(second[1], second[2])
        end
      end
      assert.are.equal(1, #server:connections())
    end)

    it("sends large bodies without waiting for a 100", function()
      server:reply { body = "{}", always = true }
      local body = ("0123456789"):rep(300000)
      local transfer = fetch(multi, server.url .. "/", { method = "POST", body = body, at_most_once = true })
      assert.are.equal(200, transfer:result())
      assert.are.equal(body, server:last().body)
      assert.are.equal(1, transfer:sent())
      assert.is_nil(server:last().header.expect)
    end)

    it("sends a body with NUL bytes, and keeps it alive", function()
      server:reply { body = "{}", always = true }
      local transfer = add(multi, server.url .. "/", { method = "POST", body = ("\0x"):rep(50000) .. math.random() })
      collectgarbage()
      collectgarbage()
      finish(multi, transfer)
      assert.are.equal(("\0x"):rep(50000), server:last().body:sub(1, 100000))
    end)

    it("asks each server for just what its URL says, also on the connections of another", function()
      local other <close> = setmetatable(
        { server = test_server.start() },
        { __close = function(self) self.server:stop() end }
      )
      server:reply { expand = true, body = "1 $target", always = true }
      other.server:reply { expand = true, body = "2 $target", always = true }
      local cases = {
        { "1 /a/%2e%2E/b?x=%2B&y=a+b", server.url .. "/a/%2e%2E/b?x=%2B&y=a+b" },
        { "2 /a/../b", other.server.url .. "/a/../b" },
        { "1 /", server.url },
        { "1 /?q=1", server.url .. "?q=1" },
        { "2 /c", other.server.url .. "/c#part" },
        { "1 //e?", server.url .. "//e?" },
      }
      for _ = 1, 2 do
        for _, case in ipairs(cases) do
          local transfer <close> = fetch(multi, case[2])
          assert.are.equal(case[1], transfer:body())
        end
      end
      assert.are.equal(1, #server:connections())
    end)

    it("sends no user name or password that stands in a URL, and does not stumble over it", function()
      server:reply { body = "{}", always = true }
      for _ = 1, 2 do
        local kind = problem_of(fetch(multi, (server.url:gsub("//", "//me:secret@")) .. "/"))
        assert.are.equal("network", kind)
        assert.are.equal(200, fetch(multi, server.url .. "/"):result())
      end
      assert.are.equal(2, #server:ledger())
    end)

    it("sends no cookie back and follows no redirect", function()
      server:reply(
        { headers = { ["Set-Cookie"] = "a=b; Path=/" }, body = "{}" },
        { status = 307, headers = { Location = server.url .. "/elsewhere", ["Set-Cookie"] = "c=d" } },
        { body = "{}" }
      )
      assert.are.equal(200, fetch(multi, server.url .. "/"):result())
      local transfer =
        fetch(multi, server.url .. "/", { method = "POST", body = "refresh_token=x", token = core.secret(TOKEN) })
      assert.are.same({ 307 }, { transfer:result() }) -- it was not tried, and so it did not fail
      assert.are.equal(server.url .. "/elsewhere", transfer:headers().location)
      assert.are.equal(200, fetch(multi, server.url .. "/"):result())
      local ledger = server:ledger()
      assert.are.equal(3, #ledger)
      for _, request in ipairs(ledger) do
        assert.is_nil(request.header.cookie)
        assert.are.equal("/", request.path)
      end
    end)
  end)

  describe("request", function()
    local good = { method = "GET", url = "http://127.0.0.1:1/" }

    local function refused(changes)
      local request = {}
      for name, value in pairs(good) do
        request[name] = value
      end
      for name, value in pairs(changes) do
        request[name] = value
      end
      local ok, problem = pcall(send, multi, request)
      assert.is_false(ok, next(changes))
      local queued, running = multi:count()
      assert.are.equal(0, queued + running)
      return problem
    end

    it("is refused when it is malformed, with nothing left in flight", function()
      for _, header in ipairs {
        "X",
        ": x",
        "X y: z",
        "X: a\r\nY: b",
        "X: a\nb",
        "X: a\0b",
        "X\0: a",
        "X: \127",
        "Ä: x",
        "X;",
        "",
        " X: y",
        "X:\ty\1",
      } do
        refused { headers = { "Good: 1", header } }
      end
      refused { headers = { 1 } }
      refused { headers = "X: y" }
      local many = {}
      for index = 1, 65 do
        many[index] = "X: " .. index
      end
      refused { headers = many }
      for _, url in ipairs {
        "",
        "ftp://h/",
        "file:///etc/passwd",
        "127.0.0.1",
        "http://h/ x",
        "http://h/\r\n",
        "http://h/\0",
        "http://h/é",
        "http://h/\127",
      } do
        refused { url = url }
      end
      for _, method in ipairs { "", "get", "GET\r\nX: y", "GET /", "HEAD", "G\0T" } do
        refused { method = method }
      end
      refused { url = 1 }
      refused { method = 1 }
      refused { body = 1 }
      refused { body = {} }
      refused { token = TOKEN }
      refused { token = io.stdout }
      refused { timeout = "soon" }
      refused { timeout = 0 / 0 }
      assert.has_error(function() core.request() end)
      assert.has_error(function() core.request "x" end)
      assert.has_error(function() multi:send() end)
      assert.has_error(function() multi:send("x", "") end)
    end)

    it("refuses a target that would continue the host or the port of the URL", function()
      local made = core.request { method = "GET", url = "http://127.0.0.1:80" }
      for _, target in ipairs { "80/", "@127.0.0.1/", ".example/", ":81/", "\\x", "x" } do
        assert.has_error(function() multi:send(made, target) end, "the target of a request must begin with /")
      end
    end)

    it("never quotes a header or a token in a message", function()
      assert.is_nil(tostring(refused { headers = { "X: canary\n" } }):find("canary", 1, true))
      assert.is_nil(tostring(refused { token = "canary" }):find("canary", 1, true))
    end)

    it("survives a finaliser that changes it or closes the transfer in the middle of a call", function()
      server:reply { body = "{}", headers = { ["X-RateLimit-Max"] = "1", ["X-Long"] = ("y"):rep(900) }, always = true }
      local text, ok = child.run(([[
        local core, send = require "hoopai.core", require "spec.support.send"
        local big, long = ("z"):rep(100000), "X: " .. ("y"):rep(5000)
        local url, multi = %q, core.multi {}
        local function new() return send(multi, { method = "GET", url = url, timeout = 20 }) end
        local function answered()
          local transfer = new()
          repeat multi:wait(1) multi:step() until multi:next()
          return transfer
        end
        local request = { method = "GET", url = url, headers = {} }
        local function change() for index = 1, 40 do request.headers[index] = long end end
        local function close(transfer)
          transfer:close()
          multi:close() -- with it goes the memory that would serve the next one
          multi = core.multi {}
        end
        local record = core.credentials { a = ("x"):rep(3000), refresh_token = "secret" }
        local packed = core.pack_credentials(record)
        local calls = {
          add = { function() request.headers = { "A: b" } end, function() send(multi, request):close() end, change },
          headers = { answered, function(it) return #it:headers()["x-long"] == 900 end, close },
          rate_limit = { answered, function(it) return it:rate_limit().max == 1 end, close },
          info = { answered, function(it) return it:info().http_version == "1.1" end, close },
          pack = { function() return core.unpack_credentials(packed) end,
            function(it) return core.pack_credentials(it) == packed end, function(it) it:close() end },
          get = { function() return core.unpack_credentials(packed) end,
            function(it) return it:get("refresh_token") == core.secret("secret") end, function(it) it:close() end },
          with = { function() return core.unpack_credentials(packed) end,
            function(it) return it:with { b = 1 }:get("refresh_token") == core.secret("secret") end,
            function(it) it:close() end },
        }
        -- Brings the collector, which runs a whole cycle at once here, so near to its next one that it comes in the
        -- middle of the call. Returns whether it did; nil when it came before.
        local function try(call, size)
          local subject = call[1]()
          -- Lua 5.5 counts otherwise: with less it is over its mark right after a cycle.
          require("spec.support.collector").pace(_VERSION == "Lua 5.4" and 110 or 150, 1000, 40)
          collectgarbage()
          local ran = false
          setmetatable({}, { __gc = function()
            ran = true
            if subject ~= false then call[3](subject) end
          end })
          local junk = big:sub(1, size)
          if ran then return nil end
          local fine, result = pcall(call[2], subject)
          assert(result ~= false, "half an answer")
          assert(fine or ran and tostring(result):find("closed", 1, true), result)
          local inside = ran
          subject = false
          return inside
        end
        for name, call in pairs(calls) do
          local most = 0
          while try(call, most) ~= nil do most = most + 1000 end
          -- What is in use, and with it the mark, moves a little between the tries.
          local hits, early, size = 0, 0, math.max(0, most - 3000)
          while early < 20 do
            local inside = try(call, size)
            hits, early = hits + (inside and 1 or 0), inside == nil and early + 1 or 0
            size = size + 16
          end
          assert(hits > 0, name)
        end
        print "alive"
      ]]):format(server.url))
      assert.are.equal("alive\n", text)
      assert.is_true(ok)
    end)

    it("is copied: changing the table later changes nothing", function()
      server:reply { body = "{}" }
      local request = {
        method = "POST",
        url = server.url .. "/a",
        headers = { "X: 1" },
        body = "b",
        token = core.secret(TOKEN),
      }
      local transfer = send(multi, request)
      request.token:close()
      request.url, request.method, request.body, request.headers[1] = nil, nil, nil, nil
      finish(multi, transfer)
      local seen = server:last()
      assert.are.same(
        { "POST", "/a", "1", "b", "Bearer " .. TOKEN },
        { seen.method, seen.target, seen.header.x, seen.body, seen.header.authorization }
      )
    end)
  end)

  describe("answer", function()
    it("gives status, headers and body", function()
      server:reply {
        status = 201,
        body = '{"a":1}',
        headers = {
          { "X-One", "1" },
          { "x-two", "a" },
          { "X-Two", " b " },
          { "X-Empty", "" },
          { "X-Colon", "a:b: c" },
        },
      }
      local transfer = fetch(multi, server.url .. "/")
      assert.are.equal("done", transfer:state())
      assert.are.same({ 201 }, { transfer:result() })
      assert.are.equal('{"a":1}', transfer:body())
      local headers = transfer:headers()
      assert.are.equal("1", headers["x-one"])
      assert.are.equal("a, b", headers["x-two"])
      assert.are.equal("", headers["x-empty"])
      assert.is_nil(headers["x-none"])
      assert.is_nil(headers.x)
      assert.are.equal("a:b: c", headers["x-colon"])
      assert.are.equal("7", headers["content-length"])
      assert.is_nil(headers["http/1.1"])
      assert.are.equal("receive", transfer:stage())
      assert.are.equal(1, transfer:sent())
    end)

    it("keeps the lines of its headers for later", function()
      server:reply { body = "{}", headers = { { "X-Two", "a" }, { "x-TWO", "b" }, { ("X-Long"):rep(300), "1" } } }
      local transfer = fetch(multi, server.url .. "/")
      local head, headers = transfer:head(), transfer:headers()
      assert.are.equal("a, b", headers["x-two"])
      transfer:close()
      assert.are.same(headers, core.headers(head))
      assert.are.same({}, core.headers(""))
      assert.are.same({ a = "1", b = "" }, core.headers("no line\nA: 1\r\n: x\nB:"))
      local queued = add(multi, "http://127.0.0.1:1/")
      finish(multi, queued)
      assert.are.equal("", queued:head())
      assert.are.same({}, queued:headers())
    end)

    it("tells the request budget in whole numbers", function()
      server:reply({
        body = "{}",
        headers = {
          { "X-RateLimit-Max", "12" },
          { "x-ratelimit-remaining", "0" },
          { "X-RateLimit-Limit-Daily", "999999999999999" },
          { "X-RateLimit-Interval-Milliseconds", "10000 " },
          { "X-RateLimit-Daily-Reset", "1000000000000000" },
          { "X-RateLimit-Daily-Remaining", "-1" },
          { "X-RateLimit", "1" },
          { "X-RateLimit-Maximum", "2" },
          { "X-RateLimit-M", "3" },
          { "X-RateLimit-", "4" },
          { "Age", "5" },
        },
      }, {
        body = "{}",
        headers = {
          { "X-RateLimit-Max", "1.5" },
          { "X-RateLimit-Remaining", "" },
          { "X-RateLimit-Limit-Daily", ("9"):rep(400) },
          { "X-RateLimit-Interval-Milliseconds", "1 2" },
        },
      })
      local budget = fetch(multi, server.url .. "/"):rate_limit()
      assert.are.same({ max = 12, remaining = 0, interval_ms = 10000, daily_limit = 999999999999999 }, budget)
      assert.are.equal("integer", math.type(budget.max))
      assert.is_nil(fetch(multi, server.url .. "/"):rate_limit())
      assert.is_nil(fetch(multi, "http://127.0.0.1:1/"):rate_limit())
    end)

    it("tells how it came", function()
      server:reply { body = "12345", always = true }
      local info = fetch(multi, server.url .. "/"):info()
      assert.is_false(info.reused)
      assert.are.equal("1.1", info.http_version)
      assert.are.equal(5, info.bytes_received)
      assert.are.equal("127.0.0.1", info.ip)
      for _, name in ipairs { "dns", "connect", "tls", "first_byte", "total" } do
        assert.is_true(info[name] >= 0 and info[name] < 10, name)
      end
      assert.is_true(info.total >= info.first_byte)
      assert.is_true(fetch(multi, server.url .. "/"):info().reused)
    end)

    it("of every status is passed on", function()
      server:reply { expand = true, status = "$status", body = "x", always = true, reason = "Any" }
      for _, status in ipairs {
        200,
        201,
        202,
        299,
        301,
        302,
        400,
        401,
        404,
        408,
        417,
        422,
        429,
        500,
        503,
        599,
        600,
        999,
      } do
        local transfer = fetch(multi, server.url .. "/s" .. status)
        assert.are.same({ status }, { transfer:result() })
        assert.are.equal("x", transfer:body())
        transfer:close()
      end
    end)

    it("without a body has an empty one", function()
      server:reply({ status = 204 }, { status = 304 }, { status = 200, body = "" })
      for _, status in ipairs { 204, 304, 200 } do
        local transfer = fetch(multi, server.url .. "/")
        assert.are.same({ status }, { transfer:result() })
        assert.are.equal("", transfer:body())
      end
    end)

    it("in chunks, with trailers, gives the headers before the body only", function()
      server:reply {
        raw = "HTTP/1.1 200 OK\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n"
          .. "3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-A: 2\r\nX-B: 3\r\nHTTP/1.1: 100\r\n\r\n",
      }
      local transfer = fetch(multi, server.url .. "/")
      assert.are.same({ 200 }, { transfer:result() })
      assert.are.equal("abcde", transfer:body())
      assert.are.equal("1", transfer:headers()["x-a"])
      assert.is_nil(transfer:headers()["x-b"])
    end)

    it("after interim answers is the final one, without their headers", function()
      server:reply {
        raw = "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
          .. "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      }
      local transfer = fetch(multi, server.url .. "/")
      assert.are.same({ 200 }, { transfer:result() })
      assert.are.equal("ok", transfer:body())
      assert.is_nil(transfer:headers().link)
    end)

    it("up to the end of the connection is read whole", function()
      server:reply { raw = "HTTP/1.0 200 OK\r\n\r\n" .. ("z"):rep(50000), close = true }
      local transfer = fetch(multi, server.url .. "/")
      assert.are.same({ 200 }, { transfer:result() })
      assert.are.equal(50000, #transfer:body())
      assert.are.equal("1.0", transfer:info().http_version)
    end)

    it("joins folded header lines", function()
      server:reply { raw = "HTTP/1.1 200 OK\r\nX-Long: one\r\n two: 2\r\n\tthree\r\nContent-Length: 0\r\n\r\n" }
      local transfer = fetch(multi, server.url .. "/")
      assert.are.same({ 200 }, { transfer:result() })
      assert.are.equal("one two: 2 three", transfer:headers()["x-long"])
      assert.are.equal("0", transfer:headers()["content-length"])
      assert.is_nil(transfer:headers()[" two"])
    end)

    it("with a CR within a header line is refused (RFC 9112 2.2)", function()
      for _, line in ipairs {
        "X-A: a\rX-B: b\r\n",
        "X-C: c\r\r\n",
        "\rX-D: d\r\n",
        "X-E: " .. ("e"):rep(16384) .. "\r\r\n",
      } do
        server:reply { raw = "HTTP/1.1 200 OK\r\n" .. line .. "Content-Length: 0\r\n\r\n", close = true }
        local own <close> = core.multi()
        local kind, _, status = problem_of(fetch(own, server.url .. "/"))
        assert.are.equal("protocol", kind)
        assert.are.equal(200, status)
      end
    end)

    it("compressed is unpacked, and its cap counts what comes out", function()
      local function gzip(size)
        local pipe = assert(io.popen(("head -c %d /dev/zero | gzip -9c"):format(size)))
        local bytes = pipe:read "a"
        pipe:close()
        return bytes
      end
      local headers = { ["Content-Encoding"] = "gzip" }
      local small, bomb = gzip(100000), gzip(200 * 1024 * 1024)
      server:reply({ body = small, headers = headers }, { body = bomb, headers = headers })
      local transfer = fetch(multi, server.url .. "/")
      assert.are.same({ 200 }, { transfer:result() })
      assert.are.equal(("\0"):rep(100000), transfer:body())
      collectgarbage()
      local kind = problem_of(fetch(multi, server.url .. "/"))
      assert.are.equal("too_large", kind)
    end)

    it("compressed but broken is not taken for whole", function()
      local headers = { ["Content-Encoding"] = "gzip" }
      server:reply(
        { body = "this is no gzip at all", headers = headers },
        { body = "\31\139\8\0\0\0\0\0\0\3garbage, garbage", headers = headers },
        { body = "x", headers = { ["Content-Encoding"] = "gzip, unknown" } }
      )
      for _ = 1, 3 do
        local kind, message = problem_of(fetch(multi, server.url .. "/"))
        assert.are.equal("protocol", kind)
        assert.is_true(#message > 0)
      end
    end)
  end)

  describe("cap", function()
    it("of the body is exact", function()
      server:reply({ body = ("x"):rep(100000) }, { body = ("x"):rep(100001) }, {
        raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          .. ("10000\r\n" .. ("y"):rep(65536) .. "\r\n"):rep(3)
          .. "0\r\n\r\n",
      }, { raw = "HTTP/1.1 200 OK\r\n\r\n" .. ("z"):rep(300000), close = true })
      assert.are.same({ 200 }, { fetch(multi, server.url .. "/"):result() })
      for _ = 1, 3 do
        local transfer = fetch(multi, server.url .. "/")
        local kind, _, status = problem_of(transfer)
        assert.are.equal("too_large", kind)
        assert.are.equal(200, status)
        assert.are.equal("receive", transfer:stage())
        transfer:close()
      end
    end)

    it("of the headers counts bytes and lines", function()
      local line = "X-Filler: " .. ("h"):rep(988) .. "\r\n"
      local tiny = "X: y\r\n"
      server:reply(
        { raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" .. line:rep(9) .. "\r\n" },
        { raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" .. line:rep(11) .. "\r\n", close = true },
        { raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" .. tiny:rep(190) .. "\r\n" },
        { raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" .. tiny:rep(201) .. "\r\n", close = true },
        { raw = "HTTP/1.1 200 OK\r\nX: " .. ("y"):rep(1 << 20) .. "\r\n\r\n", close = true },
        { raw = "HTTP/1.1 200 " .. ("y"):rep(1 << 20), close = true },
        { raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" .. tiny:rep(300) .. "\r\n", close = true }
      )
      local kinds = {}
      for index = 1, 7 do
        local transfer = fetch(multi, server.url .. "/")
        kinds[index] = problem_of(transfer) or "none"
        transfer:close()
      end
      assert.are.same({ "none", "too_large", "none", "too_large", "too_large", "too_large", "too_large" }, kinds)
    end)

    it("of interim answers ends a flood", function()
      server:reply(
        { raw = ("HTTP/1.1 100 Continue\r\n\r\n"):rep(8) .. "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" },
        { raw = ("HTTP/1.1 100 Continue\r\n\r\n"):rep(100000), close = true }
      )
      assert.are.same({ 200 }, { fetch(multi, server.url .. "/"):result() })
      local transfer = fetch(multi, server.url .. "/")
      local kind, _, status = problem_of(transfer)
      assert.are.equal("protocol", kind)
      assert.are.equal(0, status)
      assert.are.equal(1, transfer:sent())
    end)
  end)

  describe("that is broken by the server", function()
    local function check(raw, kinds, status)
      server:reply { raw = raw, close = true }
      local transfer = fetch(multi, server.url .. "/", { at_most_once = true, timeout = 5 })
      local kind, message, got = problem_of(transfer)
      local label = raw:sub(1, 60)
      assert.is_truthy(kind and kinds:find(kind, 1, true), label .. " -> " .. tostring(kind))
      assert.are.equal(status or 0, got, label)
      assert.are.equal("string", type(message))
      assert.is_nil(message:find("%c"), label)
      assert.are.equal(1, transfer:sent())
      transfer:close()
    end

    it("is a protocol or network problem, and never an answer", function()
      check("hello world\r\n", "protocol")
      check("<html>old</html>", "protocol")
      check("\0\0\0\0\0\0\0\0", "protocol")
      check("HTTP/1.1 abc OK\r\n\r\n", "protocol")
      check("HTTP/3.7 200 OK\r\n\r\n", "protocol")
      check("HTTP/1.1 101 Switching Protocols\r\n\r\n", "network protocol")
      check("HTTP/1.1 100 Continue\r\n\r\n", "network protocol")
      check("HTTP/1.1 200 OK\r\nNo colon here\r\n\r\n", "protocol", 200)
      check("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", "protocol", 200)
      check("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "network", 200)
      check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "network", 200)
      check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n", "protocol", 200)
      check("HTTP/1.1 200 OK\r\n X: folded\r\nContent-Length: 0\r\n\r\n", "protocol", 200)
      check("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n", "network", 200)
      check("HTTP/1.1 200 OK\r\nContent-Le", "network protocol", 200)
    end)

    it("by a folded line without a header before it does not reach back into the answer before", function()
      for _ = 1, 20 do -- libcurl before 8.1.0 would use the memory of X-Before, which is free by now
        server:reply { headers = { ["X-Before"] = ("b"):rep(40) }, body = "ok" }
        local transfer = fetch(multi, server.url .. "/")
        assert.are.same({ 200 }, { transfer:result() })
        transfer:close()
        check("HTTP/1.1 200 OK\r\n " .. ("f"):rep(200) .. ": folded\r\nContent-Length: 0\r\n\r\n", "protocol", 200)
        check("HTTP/1.1 200 OK\r\n\t" .. ("f"):rep(20000) .. "\r\nContent-Length: 0\r\n\r\n", "protocol", 200)
        check("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n folded\r\nContent-Length: 0\r\n\r\n", "protocol", 200)
        server:reply { raw = "HTTP/1.1 200 OK\r\n\r\nno header", close = true }
        transfer = fetch(multi, server.url .. "/")
        assert.are.equal("no header", transfer:body())
        transfer:close()
      end
    end)

    it("by a folded first line is refused however the bytes arrive, and after an end between two lines", function()
      local folded = "HTTP/1.1 200 OK\r\n " .. ("f"):rep(100) .. ": folded\r\nContent-Length: 0\r\n\r\n"
      for _ = 1, 3 do -- on easy handles that were used before
        server:reply(
          { headers = { ["X-Before"] = ("b"):rep(40) }, body = "ok" },
          { steps = { { drip = folded, every = 0.001 } } },
          { body = "ok" },
          { steps = { { send = "HTTP/1.1 200 OK\r\n" }, { stall = true } } },
          { steps = { { send = folded } } },
          { headers = { ["X-After"] = "1" }, body = "ok" }
        )
        fetch(multi, server.url .. "/"):close()
        assert.are.equal("protocol", (problem_of(fetch(multi, server.url .. "/"))))
        fetch(multi, server.url .. "/"):close()
        local cut = add(multi, server.url .. "/")
        run_until(multi, function() return cut:sent() == 1 end)
        core_http.pump(multi, 0.05) -- the status line arrives
        cut:close()
        assert.are.equal("protocol", (problem_of(fetch(multi, server.url .. "/"))))
        assert.are.equal("1", fetch(multi, server.url .. "/"):headers()["x-after"])
      end
    end)

    it("by an odd status line is refused, whatever libcurl makes of it (RFC 9112 4)", function()
      local final = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
      for _, line in ipairs {
        "HTTP/1.1  100 C",
        "HTTP/1.1 \t103 C",
        "HTTP/1.1\t200 OK",
        "http/1.1 200 OK",
        " HTTP/1.1 200 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1 200OK",
        "HTTP/1.2 200 OK",
        "HTTP/2.0 200 OK",
        "HTTP/3 200 OK",
        "HTTP/3.7 200 OK",
        "HTTP/1.10 200 OK",
        "HTTP/1 200 OK",
        "HTTP/0.9 200 OK",
      } do
        server:reply { raw = line .. "\r\n\r\n" .. final, close = true }
        local kind, _, status = problem_of(fetch(multi, server.url .. "/"))
        assert.are.equal("protocol", kind, line)
        assert.are.equal(0, status, line)
      end
      for _, line in ipairs { "HTTP/1.1 200", "HTTP/1.1 200 ", "HTTP/1.0 200 OK", "HTTP/1.1 200\tOK" } do
        server:reply { raw = line .. "\r\nContent-Length: 2\r\n\r\nok", close = true }
        assert.are.same({ 200 }, { fetch(multi, server.url .. "/"):result() }, line)
      end
    end)

    it("but a long header line whose parts begin with a space is none of those", function()
      local large <close> = core.multi { http2 = false }
      for _ = 1, 3 do -- libcurl hands on 16384 bytes at a time
        local value = ("v"):rep(16384 - #"X-Long: ") .. " " .. ("w"):rep(2000)
        server:reply { raw = "HTTP/1.1 200 OK\r\nX-Long: " .. value .. "\r\nContent-Length: 2\r\n\r\nok" }
        local transfer = fetch(large, server.url .. "/")
        assert.are.same({ 200 }, { transfer:result() })
        assert.are.equal(value, transfer:headers()["x-long"])
        assert.are.equal("ok", transfer:body())
        transfer:close()
      end
    end)

    it("leaves the set usable", function()
      server:reply({ raw = "garbage", close = true }, { reset = "before" }, { close = "before" }, { body = "{}" })
      for _ = 1, 3 do
        assert.is_truthy((problem_of(fetch(multi, server.url .. "/"))))
      end
      assert.are.same({ 200 }, { fetch(multi, server.url .. "/"):result() })
    end)
  end)

  describe("on a connection that dies after the request", function()
    for _, how in ipairs { "close", "reset" } do
      local function dying() return { [how] = "before", exchange = 2 } end

      it("leaves exactly once with at_most_once = true (" .. how .. ")", function()
        server:reply({ body = "{}" }, dying(), { body = '{"second":true}' })
        fetch(multi, server.url .. "/"):close()
        local transfer = fetch(multi, server.url .. "/", { method = "POST", body = '{"book":1}', at_most_once = true })
        local kind, message, status = problem_of(transfer)
        assert.are.equal("network", kind)
        assert.are.equal(0, status)
        assert.are.equal(1, transfer:sent())
        assert.is_truthy(message:find("not sent a second time", 1, true))
        core_http.pump(multi, 0.1)
        local posts = 0
        for _, request in ipairs(server:ledger()) do
          if request.method == "POST" then posts = posts + 1 end
        end
        assert.are.equal(1, posts)
      end)

      it("is sent again by libcurl with at_most_once = false (" .. how .. ")", function()
        server:reply({ body = "{}" }, dying(), { body = '{"second":true}' })
        fetch(multi, server.url .. "/"):close()
        local transfer = fetch(multi, server.url .. "/")
        assert.are.same({ 200 }, { transfer:result() })
        assert.are.equal('{"second":true}', transfer:body())
        assert.are.equal(2, transfer:sent())
        assert.are.equal(3, #server:ledger())
      end)
    end

    it("that was found dead before is replaced, also with at_most_once = true", function()
      server:reply({ body = "{}", close = true }, { body = "{}" })
      fetch(multi, server.url .. "/"):close()
      server:wait("open", "exactly", 0)
      local transfer = fetch(multi, server.url .. "/", { method = "POST", body = "x", at_most_once = true })
      assert.are.same({ 200 }, { transfer:result() })
      assert.are.equal(1, transfer:sent())
      assert.are.equal(2, #server:ledger())
    end)
  end)

  describe("that runs out of time", function()
    local function check(stage, url, request, sent)
      request.timeout = 0.4
      local before = core.now()
      local transfer = fetch(multi, url, request)
      local took = core.now() - before
      local kind, message = problem_of(transfer)
      assert.are.equal("timeout", kind)
      assert.are.equal(stage, transfer:stage())
      assert.are.equal(sent, transfer:sent())
      assert.is_true(#message > 0)
      assert.is_true(took >= 0.39 and took < 8, tostring(took))
      assert.is_true(math.abs(transfer:started() - before) < 8)
    end

    it("was connecting", function()
      local url, close = test_server.silent()
      check("connect", url, {}, 0)
      close()
    end)

    it("was sending", function()
      local listener = assert(socket.bind("127.0.0.1", 0)) -- takes the connection and reads nothing
      local _, port = listener:getsockname()
      check("send", "http://127.0.0.1:" .. port .. "/", { method = "POST", body = ("x"):rep(20 * 1000 * 1000) }, 1)
      listener:close()
    end)

    it("was waiting", function()
      server:reply({ steps = { { stall = true } } }, { steps = { { stall = true } } })
      check("wait", server.url .. "/", {}, 1)
      check("wait", server.url .. "/", { method = "POST", body = "abc" }, 1)
    end)

    it("was receiving", function()
      server:reply { steps = { { send = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc" }, { stall = true } } }
      check("receive", server.url .. "/", {}, 1)
    end)

    it("was dripping", function()
      server:reply {
        steps = {
          { send = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" },
          { drip = ("x"):rep(1000), every = 0.02 },
        },
      }
      check("receive", server.url .. "/", {}, 1)
    end)

    it("has none left when it begins", function()
      server:reply { steps = { { stall = true } }, always = true }
      for _, timeout in ipairs { 0, -1, 1e-9 } do
        local transfer = fetch(multi, server.url .. "/", { timeout = timeout })
        assert.are.equal("timeout", (problem_of(transfer)))
      end
    end)

    it("may have very much", function()
      server:reply { body = "{}", always = true }
      assert.are.same({ 200 }, { fetch(multi, server.url .. "/", { timeout = 1e300 }):result() })
      assert.are.same({ 200 }, { fetch(multi, server.url .. "/", { timeout = math.huge }):result() })
    end)

    it("takes few turns of the loop", function()
      server:reply { delay = 0.1, body = "{}" }
      local transfer = add(multi, server.url .. "/", { timeout = 5 })
      local turns = run_until(multi, function() return transfer:state() == "done" end)
      assert.is_true(turns < 25, turns .. " turns")
      assert.are.equal(transfer, multi:next())
      server:reply { steps = { { stall = true } } }
      local other = add(multi, server.url .. "/", { timeout = 0.1 })
      turns = run_until(multi, function() return other:state() == "done" end)
      assert.is_true(turns < 25, turns .. " turns")
    end)
  end)

  describe("without a connection", function()
    it("was provably not sent", function()
      local url, holder = test_server.refusing()
      local transfer = fetch(multi, url, { method = "POST", body = "x", token = core.secret(TOKEN) })
      holder:close()
      local kind, message, status = problem_of(transfer)
      assert.are.equal("network", kind)
      assert.are.equal(0, status)
      assert.are.equal(0, transfer:sent())
      assert.are.equal("connect", transfer:stage())
      assert.is_false(transfer:info().reused)
      assert.is_nil(transfer:info().http_version)
      assert.is_nil(message:find(TOKEN, 1, true))
      assert.are.equal("", transfer:body())
      assert.are.same({}, transfer:headers())
    end)

    it("has a name that nobody knows", function()
      local transfer = fetch(multi, "http://no-such-host.invalid/", { timeout = 1 })
      local kind = problem_of(transfer)
      assert.is_truthy(kind == "network" or kind == "timeout")
      assert.are.equal(0, transfer:sent())
    end)

    it("respects connect_timeout", function()
      local url, close = test_server.silent()
      local own <close> = core.multi { connect_timeout = 0.1 }
      local before = core.now()
      local transfer = fetch(own, url)
      assert.are.equal("timeout", (problem_of(transfer)))
      assert.is_true(core.now() - before < 8)
      close()
    end)
  end)

  describe("in Lua", function()
    it("has states, and refuses questions that come too early or too late", function()
      server:reply { body = "{}", hold = "gate" }
      local one <close> = core.multi { max_connections = 1 }
      local first, second = add(one, server.url .. "/"), add(one, server.url .. "/")
      assert.are.equal("running", first:state())
      assert.are.equal("queued", second:state())
      assert.is_number(first:started())
      assert.is_nil(second:started())
      assert.are.equal(0, second:sent())
      for _, method in ipairs { "result", "stage", "body", "headers", "header", "info" } do
        assert.has_error(function() first[method](first, "x") end)
        assert.has_error(function() second[method](second, "x") end)
      end
      server:release "gate"
      finish(one, first)
      first:close()
      first:close()
      assert.are.equal("closed", first:state())
      for _, method in ipairs { "result", "stage", "body", "headers", "header", "info" } do
        assert.has_error(function() first[method](first, "x") end)
      end
      assert.are.equal(false, getmetatable(first))
      assert.has_error(function() first.state(io.stdout) end)
      assert.has_error(function() first.close(one) end)
    end)

    it("closes at the end of its block", function()
      server:reply { steps = { { stall = true } } }
      local kept
      do
        local transfer <close> = add(multi, server.url .. "/")
        kept = transfer
        multi:step()
      end
      assert.are.equal("closed", kept:state())
      local queued, running = multi:count()
      assert.are.equal(0, queued + running)
    end)

    it("outlives its set with what it has read", function()
      server:reply { body = "answer", headers = { X = "y" } }
      local own = core.multi {}
      local transfer = fetch(own, server.url .. "/")
      own:close()
      own = nil -- luacheck: ignore
      collectgarbage()
      collectgarbage()
      assert.are.same({ 200 }, { transfer:result() })
      assert.are.equal("answer", transfer:body())
      assert.are.equal("y", transfer:headers().x)
      assert.are.equal("127.0.0.1", transfer:info().ip)
      transfer:close()
    end)
  end)

  it("shows the token in no message, name or string", function()
    local secret = core.secret(TOKEN)
    local texts = {}
    local function collect(transfer)
      for _, value in ipairs { transfer:result() } do
        texts[#texts + 1] = tostring(value)
      end
      texts[#texts + 1] = tostring(transfer)
      for name, value in pairs(transfer:info()) do
        texts[#texts + 1] = name .. tostring(value)
      end
    end
    local url, holder = test_server.refusing()
    collect(fetch(multi, url, { token = secret }))
    holder:close()
    server:reply(
      { raw = "HTTP/1.1 " .. "x\r\n\r\n", close = true },
      { steps = { { stall = true } } },
      { raw = "junk", close = true },
      { reset = "before" },
      { raw = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", close = true }
    )
    for _ = 1, 5 do
      collect(fetch(multi, server.url .. "/", { token = secret, timeout = 0.2 }))
    end
    assert.is_true(#texts > 30)
    assert.is_nil(table.concat(texts, "\n"):find(TOKEN, 1, true))
  end)
end)
