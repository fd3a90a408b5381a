local core = require "hoopai.core"
local core_http = require "spec.support.core_http"
local names_of = require("spec.support.credentials").names
local send = require "spec.support.send"
local server = require "spec.support.server"

local CANARY = "canary-7f3a-TOKEN"

--- Raises as expected, and says nothing of the canary.
local function refuses(expected, fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.matches(expected, tostring(message), 1, true)
  assert.is_nil(tostring(message):find(CANARY, 1, true))
end

local function is_problem(expected, value, problem)
  assert.is_nil(value)
  assert.are.equal("string", type(problem))
  assert.matches(expected, problem, 1, true)
  assert.is_nil(problem:find("canary", 1, true))
end

local function all_bytes()
  local all = {}
  for byte = 0, 255 do
    all[#all + 1] = string.char(byte)
  end
  return table.concat(all)
end

describe("a record", function()
  it("holds strings, integers, booleans and secrets under names", function()
    local record = core.credentials {
      access_token = "aaa",
      expires_in = 86399,
      scope = "calendars.readonly calendars.write",
      installed = true,
      bulk = false,
      pin = core.secret("1234"),
      empty = "",
    }
    assert.are.same({ "access_token", "bulk", "empty", "expires_in", "installed", "pin", "scope" }, names_of(record))
    assert.are.equal("86399", record:get("expires_in"))
    assert.are.equal("calendars.readonly calendars.write", record:get("scope"))
    assert.are.equal("true", record:get("installed"))
    assert.are.equal("false", record:get("bulk"))
    assert.are.equal("", record:get("empty"))
    assert.are.equal(core.secret("aaa"), record:get("access_token"))
    assert.are.equal(core.secret("1234"), record:get("pin"))
    assert.is_nil(record:get("refresh_token"))
    assert.is_nil(record:get("no such name!"))
  end)

  it("returns numbers of fields that are numbers", function()
    local record = core.credentials {
      access_token = "12",
      expires_in = 86399,
      half = "90.5",
      huge = "1e18",
      word = "x12",
      more = "12 x",
      hex = "0x10",
      padded = " 7 ",
      empty = "",
    }
    assert.are.equal(86399, record:number "expires_in")
    assert.are.equal("integer", math.type(record:number "expires_in"))
    assert.are.equal(90.5, record:number "half")
    for _, name in ipairs { "expires_in", "half", "huge", "word", "more", "hex", "padded", "empty" } do
      assert.are.equal(tonumber(record:get(name)), record:number(name), name)
    end
    assert.is_nil(record:number "access_token")
    assert.is_nil(record:number "absent")
    assert.has_error(function() record:number(1) end)
    assert.has_error(function() record:number() end)
  end)

  it("keeps certain names secret, whatever they are made of", function()
    for _, name in ipairs { "access_token", "refresh_token", "id_token", "client_secret", "code", "code_verifier" } do
      local value = core.credentials { [name] = CANARY }:get(name)
      assert.are.equal("userdata", type(value), name)
      assert.are.equal("hoopai.Secret", tostring(value))
      assert.are.equal(core.secret(CANARY), value)
    end
  end)

  it("prints as its type and shows nothing", function()
    local record = core.credentials { access_token = CANARY }
    assert.are.equal("hoopai.Credentials", tostring(record))
    assert.is_false(getmetatable(record))
    assert.has_error(function() return #record end)
    assert.has_error(function() return next(record) end)
    assert.has_error(function() return record .. "" end)
    assert.has_error(function() record.x = 1 end)
    assert.is_nil(record.access_token)
  end)

  it("is never changed; with() makes another", function()
    local record = core.credentials { access_token = "old", scope = "a", n = 1 }
    local other = record:with { access_token = core.secret("new"), scope = false, absent = false, user_id = "u" }
    assert.are.same({ "access_token", "n", "scope" }, names_of(record))
    assert.are.equal(core.secret("old"), record:get("access_token"))
    assert.are.same({ "access_token", "n", "user_id" }, names_of(other))
    assert.are.equal(core.secret("new"), other:get("access_token"))
    record:close()
    assert.are.equal("1", other:get("n"))
  end)

  it("keeps a secret field secret when with() carries it over", function()
    local record = core.credentials { pin = core.secret(CANARY) }:with { n = 1 }
    assert.are.equal("hoopai.Secret", tostring(record:get("pin")))
    assert.are.equal("p", record:with { pin = "p" }:get("pin"))
  end)

  it("refuses what is no field, without quoting a value", function()
    refuses("table expected", core.credentials)
    refuses("table expected", core.credentials, CANARY)
    for _, name in ipairs { "", "A", "a-b", "a b", "a\0", "\xc3\xa4", ("n"):rep(32), 1, true } do
      refuses("are named by", core.credentials, { [name] = CANARY })
    end
    assert.are.equal("x", core.credentials { [("n"):rep(31)] = "x" }:get(("n"):rep(31)))
    refuses("must be a string", core.credentials, { n = 1.5 })
    refuses("must be a string", core.credentials, { n = {} })
    refuses("must be a string", core.credentials, { n = print })
    refuses("must be a string", core.credentials, { n = core.null })
    for _, value in ipairs { "", CANARY .. " ", CANARY .. "\n", CANARY .. "\0", "\xc3\xa4" .. CANARY } do
      refuses("field 'access_token' of a record cannot be set", core.credentials, { access_token = value })
    end
    local closed = core.secret(CANARY)
    closed:close()
    refuses("closed", core.credentials, { n = closed })
    refuses("must be a string", function() core.credentials({}):with { n = {} } end)
    refuses("bad argument", function() core.credentials({}):with() end)
    refuses("bad argument", function() core.credentials({}):get(1) end)
  end)

  it("has room for 24 fields and 256 KiB", function()
    local fields = {}
    for n = 1, 24 do
      fields["n" .. n] = n
    end
    local record = core.credentials(fields)
    assert.are.equal(24, #names_of(record))
    refuses("24 fields", function() record:with { more = CANARY } end)
    assert.are.equal("x", record:with({ n1 = false, more = "x" }):get("more"))
    fields.more = 1
    refuses("24 fields", core.credentials, fields)
    refuses("64 KiB", core.credentials, { n = ("x"):rep(65537) })
    refuses("64 KiB", core.credentials, { code = CANARY .. ("x"):rep(65537) })
    assert.are.equal(65536, #core.credentials({ n = ("x"):rep(65536) }):get("n"))
    refuses("256 KiB", core.credentials, { a = (" "):rep(65536), b = (" "):rep(65536) })
    local large = core.credentials { a = (" "):rep(65536) }
    assert.are.equal(65535, #large:with({ a = (" "):rep(65535) }):get("a"))
  end)

  it("is gone when it is closed", function()
    local record = core.credentials { access_token = "a" }
    record:close()
    record:close()
    for _, method in ipairs { record.get, record.with, core.pack_credentials } do
      refuses("closed credentials", function() return method(record, {}) end)
    end
    assert.is_nil(record.pack) -- no method: who has the credentials must not be able to read them
    assert.are.equal("hoopai.Credentials", tostring(record))
    local kept
    do
      local scoped <close> = core.credentials { n = 1 }
      kept = scoped
    end
    refuses("closed credentials", core.pack_credentials, kept)
  end)

  it("refuses another object as itself", function()
    local get = core.credentials({}).get
    refuses("hoopai.Credentials expected", get, core.secret("x"), "n")
    refuses("hoopai.Credentials expected", get, {}, "n")
  end)
end)

describe("a packed record", function()
  local record = core.credentials {
    access_token = "~" .. all_bytes():sub(34, 127),
    scope = all_bytes(),
    n = -5,
    pin = core.secret("1"),
    e = "",
  }

  it("is the same when it is unpacked, and the same text when packed again", function()
    local again = assert(core.unpack_credentials(core.pack_credentials(record)))
    assert.are.same(names_of(record), names_of(again))
    for _, name in ipairs(names_of(record)) do
      assert.are.equal(record:get(name), again:get(name))
    end
    assert.are.equal(core.pack_credentials(record), core.pack_credentials(again))
    assert.are.same({}, names_of(core.unpack_credentials(core.pack_credentials(core.credentials {}))))
  end)

  it("is refused when anything is missing at its end", function()
    local packed = core.pack_credentials(record)
    for size = 0, #packed - 1 do
      local value, problem = core.unpack_credentials(packed:sub(1, size))
      if value ~= nil or not problem then assert.are.equal("refused", size) end
    end
    is_problem("cut off", core.unpack_credentials(packed:sub(1, -2)))
    is_problem("cut off", core.unpack_credentials(""))
  end)

  it("is refused when anything is added to it", function()
    for _, more in ipairs { "\n", "\0", " ", "end 0000000000000000\n", core.pack_credentials(record) } do
      local value, problem = core.unpack_credentials(core.pack_credentials(record) .. more)
      is_problem("", value, problem)
    end
  end)

  it("is refused when any byte is another", function()
    local packed = core.pack_credentials(record)
    for at = 1, #packed do
      for _, byte in ipairs { "\0", "x", "\n", "%", "=", "!", "\xff" } do
        if packed:sub(at, at) ~= byte then
          local value = core.unpack_credentials(packed:sub(1, at - 1) .. byte .. packed:sub(at + 1))
          if value then assert.are.equal("refused", at .. " " .. byte) end
        end
      end
    end
    assert.is_truthy(core.unpack_credentials(packed))
  end)

  it("is refused when it was overwritten halfway by one of the same size", function()
    local one =
      core.pack_credentials(core.credentials { access_token = ("a"):rep(300), refresh_token = ("b"):rep(300) })
    local two =
      core.pack_credentials(core.credentials { access_token = ("c"):rep(300), refresh_token = ("d"):rep(300) })
    assert.are.equal(#one, #two)
    for at = 31, #one - 30 do -- behind what both begin with
      local value = core.unpack_credentials(two:sub(1, at) .. one:sub(at + 1))
      if value then assert.are.equal("refused", at) end
    end
    is_problem("damaged", core.unpack_credentials(two:sub(1, 200) .. one:sub(201)))
  end)

  --- A text with the right sum.
  local function sealed(text)
    local sum = 0xcbf29ce484222325
    for n = 1, #text do
      sum = (sum ~ text:byte(n)) * 0x100000001b3
    end
    return text .. ("end %016x\n"):format(sum)
  end

  it("is refused when its sum fits but its lines do not", function()
    assert.are.equal(core.pack_credentials(record), sealed((core.pack_credentials(record):gsub("end %x+\n$", ""))))
    local head = "hoopai-record 1\n"
    -- stylua: ignore
    for _, lines in ipairs {
      "\n", "n\n", "=1\n", "!=1\n", "N=1\n", "n=1\nn=2\n", "n=a b\n", "n=%\n", "n=%4\n", "n=%zz\n", "n=\xc3\xa4\n",
      "n=1", "!n=\n", "access_token=\n", "!n=a%20b\n", ("n"):rep(32) .. "=1\n", "n=\0\n",
    } do
      is_problem("", core.unpack_credentials(sealed(head .. lines)))
    end
    local many = {}
    for n = 1, 25 do
      many[n] = ("n%d=1\n"):format(n)
    end
    is_problem("24 fields", core.unpack_credentials(sealed(head .. table.concat(many))))
    is_problem("another version", core.unpack_credentials(sealed("hoopai-record 2\nn=1\n")))
    is_problem("no record", core.unpack_credentials(sealed("n=1\n")))
    is_problem("no record", core.unpack_credentials(("x"):rep(300)))
    is_problem("256 KiB", core.unpack_credentials(("x"):rep(256 * 1024 + 1)))
    assert.are.equal("1", core.unpack_credentials(sealed(head .. "n=1\n")):get("n"))
  end)

  it("keeps a name secret that was stored as if it were not", function()
    local stored = core.unpack_credentials(sealed("hoopai-record 1\nrefresh_token=abc\n"))
    assert.are.equal(core.secret("abc"), stored:get("refresh_token"))
  end)

  it("wants a string", function()
    refuses("string expected", core.unpack_credentials)
    refuses("string expected", core.unpack_credentials, 5)
  end)
end)

describe("over the wire", function()
  local http, multi

  setup(function() http = server.start() end)
  teardown(function() http:stop() end)
  before_each(function() multi = core.multi { http2 = false } end)
  after_each(function()
    multi:close()
    local problem = http:problem()
    http:reset()
    assert.is_nil(problem)
  end)

  local function post(request)
    request.method = request.method or "POST"
    request.timeout = 10
    return core_http.fetch(multi, http.url .. "/oauth/token", request)
  end

  --- The grant of an answer with this body.
  local function grant(body, status)
    http:reply { method = "POST", path = "/oauth/token", status = status or 200, body = body }
    local transfer <close> = post { form = { "grant_type", "refresh_token" }, secret_response = true }
    return core.read_token_response(transfer)
  end

  describe("a form", function()
    local function body_of(form)
      http:reply { method = "POST", path = "/oauth/token", body = "{}" }
      local transfer <close> = post { form = form }
      assert.are.equal(200, (transfer:result()))
      return http:last()
    end

    it("is percent-encoded, names and values, and says what it is", function()
      local request = body_of {
        "grant_type",
        "refresh_token",
        "refresh_token",
        core.secret("a+b/c=&d%e~"),
        "redirect uri",
        "https://x.y/z?q=1&r=\xc3\xa4",
        "empty",
        "",
        "nul",
        "a\0b",
        "line",
        "\r\n",
      }
      assert.are.equal(
        "grant_type=refresh_token&refresh_token=a%2Bb%2Fc%3D%26d%25e~"
          .. "&redirect%20uri=https%3A%2F%2Fx.y%2Fz%3Fq%3D1%26r%3D%C3%A4&empty=&nul=a%00b&line=%0D%0A",
        request.body
      )
      assert.are.equal("application/x-www-form-urlencoded", request.header["content-type"])
      assert.are.equal(tostring(#request.body), request.header["content-length"])
    end)

    it("comes out of a decoder as it went in", function()
      local name, text = body_of({ all_bytes(), all_bytes() }).body:match("^([^&=]*)=([^&=]*)$")
      local function decode(s)
        return (s:gsub("+", " "):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
      end
      assert.are.equal(all_bytes(), decode(name))
      assert.are.equal(all_bytes(), decode(text))
    end)

    it("may be empty", function() assert.are.equal("", body_of({}).body) end)

    it("is as large as it likes", function()
      local request = body_of { "t", core.secret(("%"):rep(65536)) }
      assert.are.equal(2 + 3 * 65536, #request.body)
    end)

    it("leaves nothing for the request after it", function()
      assert.are.equal("a=1", body_of({ "a", "1" }).body)
      http:reply { method = "POST", path = "/oauth/token", body = "{}" }
      local transfer <close> = post { body = '{"x":1}', headers = { "Content-Type: application/json" } }
      assert.are.equal(200, (transfer:result()))
      assert.are.equal('{"x":1}', http:last().body)
      assert.are.equal("application/json", http:last().header["content-type"])
      assert.are.equal("b=2", body_of({ "b", "2" }).body)
    end)

    it("refuses what is none, without quoting it", function()
      local function add(form, body)
        return function() send(multi, { method = "POST", url = http.url, form = form, body = body }) end
      end
      refuses("names and values", add { CANARY })
      refuses("a name of a form must be a string", add { 1, CANARY })
      refuses("a name of a form must be a string", add { core.secret(CANARY), "x" })
      refuses("a value of a form must be", add { "a", 1 })
      refuses("a value of a form must be", add { "a", {} })
      refuses("a value of a form must be", add { "a", core.credentials { access_token = CANARY } })
      refuses("table expected", add("a=" .. CANARY))
      refuses("field 'body' of a request must be a string", add(nil, { "a", CANARY }))
      local closed = core.secret(CANARY)
      closed:close()
      refuses("closed secret", add { "a", closed })
    end)

    it("is in no message of a failure", function()
      local url, holder = server.refusing()
      local transfer <close> =
        core_http.fetch(multi, url, { method = "POST", form = { "code", core.secret(CANARY) }, timeout = 5 })
      local status, kind, message = transfer:result()
      holder:close()
      assert.are.equal(0, status)
      assert.are.equal("network", kind)
      assert.is_nil(message:find(CANARY, 1, true))
      assert.is_nil(tostring(transfer):find(CANARY, 1, true))
    end)

    it("is freed with a transfer that never ran", function()
      local transfer = send(multi, { method = "POST", url = "http://127.0.0.1:1", form = { "a", core.secret(CANARY) } })
      transfer:close()
      transfer:close()
      assert.are.equal("closed", transfer:state())
    end)
  end)

  describe("a secret answer", function()
    it("is for read_token_response alone", function()
      http:reply { method = "POST", path = "/oauth/token", body = '{"access_token":"' .. CANARY .. '"}' }
      local transfer = post { form = {}, secret_response = true }
      refuses("read_token_response", transfer.body, transfer)
      assert.are.equal("1.1", transfer:info().http_version)
      assert.are.equal(core.secret(CANARY), assert(core.read_token_response(transfer)):get("access_token"))
      refuses("read_token_response", transfer.body, transfer)
      transfer:close()
      refuses("not done, or closed", core.read_token_response, transfer)
    end)

    it(
      "is read as often as one likes: a token that it holds must not be lost with the memory of its first reader",
      function()
        local body = '{"access_token":"a\\u0062c","error":"\\u0069nvalid_grant"}'
        http:reply { method = "POST", path = "/oauth/token", body = body }
        local transfer <close> = post { form = {} }
        for _ = 1, 2 do
          local record = core.read_token_response(transfer)
          assert.are.equal(core.secret("abc"), record:get("access_token"))
          assert.are.equal("invalid_grant", record:get("error"))
        end
        assert.are.equal(body, transfer:body())
      end
    )

    it("leaves the next transfer on its connection alone", function()
      assert.are.equal(core.secret("x"), assert(grant('{"access_token":"x"}')):get("access_token"))
      http:reply { method = "GET", path = "/oauth/token", body = "plain" }
      local transfer <close> = post { method = "GET" }
      assert.are.equal("plain", transfer:body())
    end)

    it("has to be there", function()
      is_problem("empty", grant(""))
      local url, holder = server.refusing()
      local transfer <close> =
        core_http.fetch(multi, url, { method = "POST", form = {}, secret_response = true, timeout = 5 })
      holder:close()
      is_problem("empty", core.read_token_response(transfer))
      local queued = send(multi, { method = "GET", url = "http://127.0.0.1:1", timeout = 5 })
      refuses("not done", core.read_token_response, queued)
      queued:close()
      refuses("hoopai.Transfer expected", core.read_token_response, {})
    end)

    it("may be cut off by the network: what came is whole or refused", function()
      local whole = '{"access_token":"canary"}'
      for _, case in ipairs { { whole, true }, { whole:sub(1, -2), false } } do
        http:reply {
          method = "POST",
          path = "/oauth/token",
          close = true,
          raw = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" .. case[1],
        }
        local transfer <close> = post { form = {}, secret_response = true }
        assert.are.equal("network", (select(2, transfer:result())))
        local record, problem = core.read_token_response(transfer)
        if case[2] then
          assert.are.equal(core.secret("canary"), record:get("access_token"))
        else
          is_problem("cut off", record, problem)
        end
      end
    end)

    it("may be as large as the client allows", function()
      local record = assert(grant('{"junk":"' .. ("x"):rep(3000000) .. '","access_token":"' .. CANARY .. '"}'))
      assert.are.same({ "access_token" }, names_of(record))
    end)
  end)

  describe("a grant", function()
    local function fields(body, status)
      local record = assert(grant(body, status))
      local values = {}
      for _, name in ipairs(names_of(record)) do
        local value = record:get(name)
        values[name] = type(value) == "string" and value or { value }
      end
      return values
    end

    local function secret(text) return { core.secret(text) } end

    it(
      "is what the vendor documents",
      function()
        assert.are.same(
          {
            access_token = secret("eyJ.a-b_c"),
            token_type = "Bearer",
            expires_in = "86399",
            refresh_token = secret("r.r"),
            scope = "calendars.readonly calendars.write",
            user_type = "Location",
            location_id = "l1",
            company_id = "c1",
            user_id = "u1",
            is_bulk_installation = "false",
          },
          fields [[ {
        "access_token": "eyJ.a-b_c", "token_type": "Bearer", "expires_in": 86399, "refresh_token": "r.r",
        "scope": "calendars.readonly calendars.write", "userType": "Location", "locationId": "l1", "companyId": "c1",
        "approvedLocations": ["l1", "l2"], "userId": "u1", "planId": null, "isBulkInstallation": false } ]]
        )
      end
    )

    it(
      "may spell its names in camelCase",
      function()
        assert.are.same(
          {
            access_token = secret("a"),
            refresh_token = secret("r"),
            id_token = secret("i"),
            client_secret = secret("s"),
            code_verifier = secret("v"),
            expires_in = "1",
          },
          fields [[{"accessToken":"a","refreshToken":"r","idToken":"i","clientSecret":"s","codeVerifier":"v",
        "expiresIn":1}]]
        )
      end
    )

    it("may be an error", function()
      assert.are.same(
        { error = "invalid_grant", error_description = "no such token" },
        fields('{"error":"invalid_grant","error_description":"no such token"}', 400)
      )
      assert.are.same(
        { status_code = "401", message = "Invalid JWT" },
        fields('{"statusCode":401,"message":"Invalid JWT","code":401}', 401)
      )
      assert.are.same(
        { error = "x", message = "a; b" },
        fields('{"error":"x","code":"words with spaces","message":["a","b"]}', 400)
      )
    end)

    it("may have its reasons in lists and objects, and under other names", function()
      for body, message in pairs {
        ['{"message":["a","b"]}'] = "a; b",
        ['{"message":{"en":"a"}}'] = "a",
        ['{"error":{"code":"X","message":"a"}}'] = "a",
        ['{"errors":[{"field":"f","message":"a","value":"v"},"b"]}'] = "a; b",
        ['{"errors":{"redirect_uri":["a"]}}'] = "a",
        ['{"message":[{"property":"p","target":{"x":"t"},"constraints":{"isString":"a"}},"b"]}'] = "a; b",
        ['{"error_messages":["a",1,null,true,"",[["b"]]]}'] = "a; b",
        ['{"details":[],"errorMessages":["a"],"other":["no"]}'] = "a",
        ['{"message":"m","errors":["a"]}'] = "m; a",
        ['{"errors":["a"],"message":"m"}'] = "m; a",
      } do
        assert.are.equal(message, assert(grant(body, 422)):get "message", body)
      end
      for _, name in ipairs { "detail", "details", "msg", "reason" } do
        assert.are.equal("a", assert(grant(('{"%s":"a"}'):format(name), 400)):get "message", name)
      end
      assert.is_nil(assert(grant '{"access_token":"a","details":["no reason"]}'):get "message")
      local long = assert(grant('{"errors":["' .. ("x "):rep(2500) .. '"]}', 400)):get "message"
      assert.are.equal(("x "):rep(512), long)
    end)

    it("shows no beginning of a token where a reason or an excerpt was cut", function()
      for before = 1000, 1030 do
        local text = ("- "):rep(before // 2) .. "canary0123456789abcdefghij"
        local message = assert(grant(('{"errors":["%s"]}'):format(text), 400)):get "message"
        assert.is_nil(message:find("canary", 1, true), before)
        local shown = select(3, grant((" -"):rep(2036 + before // 8 - 125) .. " canary0123456789abcdefghij", 502))
        assert.is_nil(shown:find("canary", 1, true), before)
      end
      assert.are.equal(
        "was ***.",
        select(3, grant("was canary%2F0123456789%2babcdefg.", 502)):gsub("%*%*%*.*$", "***.", 1)
      )
    end)

    it("shows no token in a reason that is nested, whatever its name", function()
      local token = CANARY:gsub("%W", "") .. "0123456789abcdefghij"
      for _, body in ipairs {
        '{"errors":["it was %s."]}',
        '{"errors":[{"message":"it was %s"}]}',
        '{"errors":[{"value":"%s","message":"it was"}]}',
        '{"errors":{"refresh_token":"%s","message":"it was"}}',
        '{"message":[{"target":{"a":[{"b":"%s"}]},"constraints":{"x":"it was"}}]}',
      } do
        local message = assert(grant(body:format(token), 400)):get "message"
        assert.matches("it was", message)
        assert.is_nil(message:find(token, 1, true), body)
      end
    end)

    it("that is no JSON shows its beginning if its status is an error, and no token of it", function()
      local function excerpt(body, status) return select(3, grant(body, status)) end
      assert.are.equal("upstream connect error", excerpt("upstream connect error", 502))
      assert.are.equal("<p>was ***</p>", excerpt("<p>was 0123456789abcdefghij</p>", 403))
      assert.are.equal('["no such client"]', excerpt('["no such client"]', 400))
      assert.are.equal('"***"', excerpt('"0123456789abcdefghij"', 400))
      assert.are.equal(("words "):rep(682), excerpt(("words "):rep(2000), 500))
      for _, body in ipairs { "access_token=x", "<html>" } do
        assert.is_nil(excerpt(body, 200))
      end
      for _, body in ipairs { '{"access_token":"x', " \n{x", "", " " } do
        assert.is_nil(excerpt(body, 400), body)
      end
      assert.matches("empty", select(2, grant("", 400)), 1, true)
      assert.matches("empty", select(2, grant(" \r\n", 400)), 1, true)
    end)

    it("undoes escapes", function()
      assert.are.same(
        { message = 'q" b\\ s/ \b\f\n\r\t \u{e4}\u{20ac}\u{1f600} \0.', access_token = secret("a/b") },
        fields(
          [[{"mess\u0061ge":"q\" b\\ s\/ \b\f\n\r\t \u00e4\u20AC\ud83d\ude00 \u0000.",]]
            .. [["access\u005ftoken":"\u0061\/b"}]]
        )
      )
      assert.are.same(
        { message = "\u{fffd}x \u{fffd} \u{fffd}\u{e4} \xff" },
        fields('{"message":"\\ud800x \\udc00 \\ud800\\u00e4 \xff"}')
      )
    end)

    it("keeps scalars as they are written and passes over what is nested or null", function()
      assert.are.same(
        { a = "-0.5e+10", b = "true", c = "", d = "0", e = "1E9" },
        fields [[
        {"a":-0.5e+10,"b":true,"c":"","d":0,"e":1E9,"f":null,"g":[],"h":{},
         "i":[{"access_token":"no","x":[[1,"]}"],null]}],
         "access_token":null,"refresh_token":null} ]]
      )
      assert.are.same({}, fields "{}")
      assert.are.same({}, fields " \t\r\n{ } \n")
    end)

    it("that was read twice, as it has no token, is packed without bytes that are not its own", function()
      local packed = core.pack_credentials(assert(grant '{"scope":"a b","expires_in":7}'))
      assert.are.equal(packed, core.pack_credentials(assert(core.unpack_credentials(packed))))
    end)

    it("passes over names that are none and values that are too long", function()
      assert.are.same(
        { ok = "1", [("n"):rep(31)] = "7" },
        fields(
          '{"a-b":1,"":2,"'
            .. ("n"):rep(32)
            .. '":3,"a b":4,'
            .. '"\u{e4}":5,"a\\u0000":6,"'
            .. ("n"):rep(31)
            .. '":7,"ok":1,"'
            .. ("N"):rep(16)
            .. ("n"):rep(1)
            .. '":8,'
            .. '"long":"'
            .. ("x"):rep(16385)
            .. '","number":'
            .. ("1"):rep(20000)
            .. "}"
        )
      )
      assert.are.same({ scope = ("x"):rep(16384) }, fields('{"scope":"' .. ("x"):rep(16384) .. '"}'))
    end)

    it("always has room for what matters", function()
      local parts = {}
      for n = 1, 500 do
        parts[n] = ('"other%d":%d'):format(n, n)
      end
      parts[501] = '"access_token":"a","refresh_token":"r","id_token":"i","client_secret":"s","code":"c"'
      parts[502] = '"code_verifier":"v","company_id":1,"error":2,"error_description":3,"expires_in":4,"location_id":6'
      parts[503] = '"is_bulk_installation":5,"message":7,"scope":8,"status_code":9,"token_type":10,"user_id":11'
      parts[504] = '"user_type":12'
      local record = assert(grant("{" .. table.concat(parts, ",") .. "}"))
      assert.are.equal(24, #names_of(record))
      assert.are.equal(core.secret("r"), record:get("refresh_token"))
      assert.are.equal("12", record:get("user_type"))
      assert.are.equal("6", record:get("other6"))
      assert.is_nil(record:get("other7"))
    end)

    it(
      "takes the last of a repeated public name",
      function() assert.are.same({ scope = "b" }, fields '{"scope":"a","scope":"b"}') end
    )

    it("takes the last of two values for one token, however spelt, if it can be one", function()
      for _, other in ipairs { "access_token", "accessToken", "access\\u005ftoken", "acc\\u0065ssToken" } do
        assert.are.same(
          { access_token = secret("canary-2") },
          fields('{"access_token":"canary-1","' .. other .. '":"canary-2"}')
        )
        assert.are.same(
          { access_token = secret("canary-1") },
          fields('{"access_token":"canary-1","' .. other .. '":"canary 2"}')
        )
      end
    end)

    it("loses no token by a secret that cannot be used: it is passed over", function()
      for _, value in ipairs {
        '""',
        '" "',
        '"canary 1"',
        '"canary\\r\\nX: 1"',
        '"canary\\u0000"',
        '"canary\u{e4}"',
        '"\\ud800canary"',
        '"\\u007f"',
        "5",
        "true",
        "false",
        "null",
        "[]",
        "{}",
        '["canary"]',
        '{"a":["canary"]}',
        '"' .. ("x"):rep(65537) .. '"',
      } do
        for name, other in pairs { access_token = "refreshToken", refresh_token = "accessToken" } do
          assert.are.same({ [name] = secret("t") }, fields(('{"%s":%s,"%s":"t"}'):format(other, value, name)), value)
        end
        for _, name in ipairs { "id_token", "idToken", "client_secret", "codeVerifier", "code" } do
          assert.are.same(
            { access_token = secret("a"), refresh_token = secret("r") },
            fields(('{"access_token":"a","%s":%s,"refresh_token":"r"}'):format(name, value)),
            value
          )
        end
      end
      local longest = ("x"):rep(65536)
      assert.are.same({ access_token = secret(longest) }, fields('{"access_token":"' .. longest .. '"}'))
    end)

    it("takes a token without the white space around it", function()
      for _, value in ipairs { "t ", " t", "\\tt\\r\\n", "t\\n" } do
        assert.are.same(
          { access_token = secret("t"), refresh_token = secret("t") },
          fields(('{"access_token":"%s","refresh_token":"%s"}'):format(value, value))
        )
      end
    end)

    it("has room for its tokens, however much else it holds", function()
      local long, parts = ("\u{e4}"):rep(8192), {}
      for _, name in ipairs { "scope", "company_id", "location_id", "user_id", "user_type", "message", "a", "b" } do
        parts[#parts + 1] = ('"%s":"%s"'):format(name, long)
      end
      for _, name in ipairs { "id_token", "client_secret", "code", "code_verifier" } do
        parts[#parts + 1] = ('"%s":"%s"'):format(name, ("x"):rep(65536))
      end
      local token = ("t"):rep(65536)
      parts[#parts + 1] = ('"access_token":"%s","refresh_token":"%s"'):format(token, token)
      local record = assert(grant("{" .. table.concat(parts, ",") .. "}"))
      assert.are.equal(core.secret(token), record:get "access_token")
      assert.are.equal(core.secret(token), record:get "refresh_token")
    end)

    it("is not lost beside an access token that fills the record", function()
      local long = ("%"):rep(65536) -- each byte takes three in the packed form
      assert.are.same({ refresh_token = secret("r") }, fields('{"access_token":"' .. long .. '","refresh_token":"r"}'))
    end)

    it("is not lost with its two tokens by malformed JSON behind them, nor by a byte order mark", function()
      local pair = '{"access_token":"a","refresh_token":"r"'
      for _, rest in ipairs {
        "",
        ",",
        ',"x":NaN}',
        ',"x":"a\nb"}',
        ',"x":"\\x"}',
        "}}",
        "} trailing",
        ',"x":[1,]}',
        "\0",
      } do
        local record = assert(grant(pair .. rest))
        assert.are.equal(core.secret "a", record:get "access_token", rest)
        assert.are.equal(core.secret "r", record:get "refresh_token", rest)
      end
      assert.are.same({ access_token = secret("a") }, fields '\xef\xbb\xbf{"access_token":"a"}')
      is_problem("", grant('{"access_token":"canary","refresh_token":"canary'))
      is_problem("", grant('{"access_token":"canary","refresh_token":""'))
    end)

    it("is not lost with its two tokens by malformed JSON before them, nor if it is nested", function()
      local pair = '"access_token":"a","refreshToken":"r","expires_in":7'
      for _, body in ipairs {
        '{"x":"a\nb",%s}',
        '{"x":"a\\xb \\\\",%s}',
        '{"x":"\\u12g4","y":"say \\"no\\" ",%s}',
        '{"x":NaN,%s}',
        "{x:1,%s}",
        '{"x":[1,],%s}',
        '{"data":{%s}}',
        '{"success":true,"result":[{"token":{%s}}]}',
        "[{%s}]",
        '{"access_token":"a","x":NaN,%s',
      } do
        local record = assert(grant(body:format(pair)), body)
        assert.are.equal(core.secret "a", record:get "access_token", body)
        assert.are.equal(core.secret "r", record:get "refresh_token", body)
        assert.are.equal("7", record:get "expires_in", body)
      end
    end)

    it("takes no tokens out of a failure, nor one that is nested alone", function()
      local nested = '"sent":{"access_token":"canary","refresh_token":"canary"}}'
      for _, body in ipairs {
        '{"error":"invalid_request",' .. nested,
        '{"data":{"access_token":"canary"}}',
        '{"form":{"refresh_token":"canary"},"message":"access_token: canary"}',
        [[{"message":"{\"access_token\":\"canary\",\"refresh_token\":\"canary\"}"}]],
      } do
        local record = assert(grant(body), body)
        assert.is_nil(record:get "access_token", body)
        assert.is_nil(record:get "refresh_token", body)
      end
      local record = assert(grant('{"x":1,' .. nested, 400))
      assert.is_nil(record:get "refresh_token")
    end)

    it("refuses what is no JSON object, wherever it is cut", function()
      local whole = '{"access_token":"canary\\u0061","n":[1,{"a":null}],"e":-1.5e3,"t":true,"f":false,"z":null}'
      for size = 1, #whole - 1 do
        is_problem("cut off", grant(whole:sub(1, size)))
      end
      assert.is_truthy(grant(whole))
    end)

    it("refuses what is nearly JSON", function()
      -- stylua: ignore
      for _, body in ipairs {
        "null", "1", '"canary"', '["canary"]', "<html>canary</html>", "canary", "\0", "{\0}", "\xef\xbb\xbf",
        "{canary:1}", "{'a':1}", '{"a"}', '{"a":}', '{"a" 1}', '{"a":1,}', '{,"a":1}', '{"a":1 "b":2}', '{"a":1;"b":2}',
        '{"a":01}', '{"a":+1}', '{"a":.5}', '{"a":1.}', '{"a":1e}', '{"a":1e+}', '{"a":-}', '{"a":0x10}', '{"a":NaN}',
        '{"a":Infinity}', '{"a":True}', '{"a":nul}', '{"a":tru', '{"a":"\\x"}', '{"a":"\\u12g4"}', '{"a":"\\u123"}',
        '{"a":"\\"}', '{"a":"x\ny"}', '{"a":"x\0y"}', '{"a":"x\ty"}', '{"a":[1,]}', '{"a":[1 2]}', '{"a":{"b"}}',
        '{"a":{"b":1,}}', '{"a":[}', '{"a":{]}', '{"a":[1}', '{"a":1}}', "{}{}", '{"a":1}canary', "{} 1", "{},", "{}\0",
        "// canary\n{}", '{"a":1/**/}',
      } do
        is_problem("response", grant(body))
      end
    end)

    it("passes over what is nested, however deep", function()
      local function nested(open, close, depth, inner)
        return '{"a":' .. open:rep(depth) .. (inner or "") .. close:rep(depth) .. ',"access_token":"t"}'
      end
      for _, depth in ipairs { 1, 16, 17, 64, 100000 } do
        assert.are.same({ access_token = secret("t") }, fields(nested("[", "]", depth)))
        assert.are.same({ access_token = secret("t") }, fields(nested('{"x":', "}", depth, "1")))
        assert.are.same(
          { access_token = secret("t") },
          fields(nested('[{"x\\u0041":[],"y":', ',"z":{}}]', depth, "[[],{}]"))
        )
        is_problem("cut off", grant('{"a":' .. ("["):rep(depth)))
        is_problem("cut off", grant('{"a":' .. ("["):rep(depth) .. "}"))
        is_problem("cut off", grant('{"a":' .. ("["):rep(depth) .. ("]"):rep(depth - 1) .. "}"))
      end
    end)

    it("survives random damage", function()
      local whole = '{"access_token":"canary-token","expires_in":86399,"a":["x",{"y":null}],'
        .. '"scope":"\\u00e4\\ud83d\\ude00"}'
      local seed, accepted = 20240101, 0
      local function random(n)
        seed = (seed * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
        return (seed >> 33) % n + 1
      end
      local alphabet = '"\\{}[]:,0-eutn\0\xff '
      for _ = 1, 400 do
        local body = whole
        for _ = 1, random(3) do
          local at, by = random(#body), random(#alphabet)
          body = body:sub(1, at - 1) .. alphabet:sub(by, by) .. body:sub(at + random(2) - 1)
        end
        local record, problem = grant(body)
        if record then
          accepted = accepted + 1
        else
          is_problem("", record, problem)
        end
      end
      assert.is_true(accepted < 400)
    end)
  end)
end)
