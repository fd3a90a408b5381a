-- Texts that leave the library (trace ids, errors, hooks, logs, warnings, stderr): no secret is in them, in any
-- spelling, and none can command a terminal.

local child = require "spec.support.child"
local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"
local spellings = require "spec.support.spellings"

local encode = core.encode

local TOKEN = "pit-4e/Canary+77_9d0c~Zk=="
local SECRET, CODE, VERIFIER = "cs-9a/Canary+31f0==", "code-5c/Canary+8b2e==", ("Canary-_.~v8"):rep(4)
local ACCESS, REFRESH = "at-6d/Canary+04aa==", "rt-2b/Canary+c7d1=="

--- Fails where a value shows one of the secrets, in any string, name or printed form of it.
local function shows_none(value, ...)
  for _, secret in ipairs { ... } do
    local function search(item, seen)
      if type(item) == "string" then
        assert.is_nil(spellings.found(item, secret), item)
      elseif type(item) == "table" and not seen[item] then
        seen[item] = true
        search(tostring(item), seen)
        for name, content in pairs(item) do
          search(name, seen)
          search(content, seen)
        end
      end
    end
    search(value, {})
  end
end

describe("texts:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  before_each(leak.before)
  after_each(function() leak.after(server) end)

  --- A client whose hooks and verbose log keep all that they are given, and the list of that.
  local function observed(options)
    local kept = {}
    local on = hoopai.log { verbose = true, write = function(line) kept[#kept + 1] = line end }
    for _, name in ipairs { "request", "response", "retry", "wait", "done", "refresh" } do
      local write = on[name]
      on[name] = function(event)
        kept[#kept + 1] = event
        if write then write(event) end
      end
    end
    local all = { token = TOKEN, base_url = server.url, location_id = "l", on = on }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return leak.client(all), kept
  end

  for name, spell in pairs(spellings.all) do
    describe("a token that the server echoes " .. name, function()
      local spelt = spell(TOKEN)

      it("is in no trace id of a success, nor in its events and log lines", function()
        local echo = "Bearer " .. spelt
        server:reply { body = encode { calendars = { { id = "c", name = echo } }, traceId = echo }, times = 2 }
        local client, kept = observed()
        local function check()
          local calendars, response = assert(client.calendars:list())
          assert.are.equal("Bearer ***", response.trace_id)
          assert.are.equal(echo, calendars[1].name) -- data is what the server sent
          assert.are.equal(echo, response.body.traceId)
        end
        check()
        hoopai.run(check)
        assert.is_true(#kept >= 6)
        shows_none(kept, TOKEN)
      end)

      it("is in no error, event and log line of a refusal", function()
        local echo = "x " .. spelt .. " y"
        local bodies = {
          encode { message = echo, traceId = echo },
          encode { message = { echo, "b" }, error = echo, [spelt] = { [spelt] = echo } },
          "<html><body>" .. echo .. "</body></html>",
          echo,
        }
        local client, kept = observed { retries = 1 }
        for index, body in ipairs(bodies) do
          for _, status in ipairs { 400, 401, 404, 422, index == 1 and 503 or 500 } do
            local times = status == 503 and 2 or 1 -- the server's pause is waited for
            local headers = { ["x-echo"] = (echo:gsub("[^ -~]", "")), ["retry-after"] = "0" }
            server:reply { status = status, body = body, headers = headers, times = times }
            local result, err = client.calendars:get("c", { retries = status == 503 and 1 or false })
            assert.is_nil(result)
            shows_none({ err, "" .. err, err.response, err.response.headers, err.response.body, err.details }, TOKEN)
            assert.is_nil(spellings.found(err.response.text or "", TOKEN))
          end
        end
        shows_none(kept, TOKEN)
      end)
    end)

    it("secrets of a form that the token endpoint echoes " .. name .. " are in no error and event", function()
      local events = {}
      local app <close> = hoopai.oauth {
        client_id = "id-x",
        client_secret = SECRET,
        base_url = server.url,
        redirect_uri = "http://127.0.0.1:1/back",
        on = { refresh = function(event) events[#events + 1] = event end },
      }
      local echo = {}
      for index, secret in ipairs { SECRET, CODE, VERIFIER, REFRESH, ACCESS } do
        echo[index] = "f" .. index .. "=" .. spell(secret)
      end
      local said = table.concat(echo, " & ")
      local function fails()
        local result, err = app:exchange { code = CODE, code_verifier = VERIFIER }
        assert.is_nil(result)
        shows_none({ err, err.cause }, SECRET, CODE, VERIFIER)
        return err
      end
      for _, rule in ipairs {
        { status = 400, body = encode { error = "bad", error_description = said } },
        { status = 400, body = encode { error = "invalid_grant", message = said } },
        { status = 429, body = encode { errors = { { detail = said } } } },
        { status = 500, body = "it was " .. said },
        { status = 200, body = encode { message = said } },
      } do
        server:reply(rule)
        fails()
      end
      server:reply {
        body = encode {
          access_token = ACCESS,
          refresh_token = REFRESH,
          expires_in = 86399,
          userType = "Location",
          locationId = "l",
        },
      }
      assert(app:exchange { code = CODE })
      server:reply(
        { path = "/calendars/c", status = 401, body = [[{"message":"Invalid JWT"}]] },
        { path = "/oauth/token", status = 400, body = encode { error = "invalid_grant", message = said } }
      )
      local client <close> = app:client { location_id = "l", retries = false }
      local result, err = client.calendars:get("c")
      assert.is_nil(result)
      assert.are.equal("reauth_required", err.kind)
      shows_none({ err, err.cause, err.response, events }, SECRET, ACCESS, REFRESH)
      assert.are.equal(1, #events)
    end)
  end

  it("a refused token is in no text of the response to the next one, also where a text is cut", function()
    local tokens = { "pit-first-Canary-0123456789-abcdefghij", "pit-second-Canary-0123456789-abcdefghij" }
    for before = 150, 200, 7 do
      local said = ("."):rep(before) .. tokens[1] .. " and " .. tokens[2]
      for _, body in ipairs { said, encode { message = said, traceId = said } } do
        server:reply({ status = 401, body = [[{"message":"Invalid JWT"}]] }, { status = 400, body = body })
        local client, kept = observed {
          token = function(reason) return reason == "first" and tokens[1] or tokens[2] end,
        }
        local result, err = client.calendars:get("c")
        assert.is_nil(result)
        for _, token in ipairs(tokens) do
          shows_none({ err, err.response, kept }, token)
          assert.is_nil(tostring(err):find(token:sub(1, 12), 1, true))
        end
      end
    end
    server:reply(
      { status = 401, body = [[{"message":"Invalid JWT"}]] },
      { body = encode { calendars = {}, traceId = tokens[1] .. tokens[2] } }
    )
    local client = observed { token = function(reason) return reason == "first" and tokens[1] or tokens[2] end }
    assert.are.equal("******", select(2, assert(client.calendars:list())).trace_id)
  end)

  it("a token in a create's response that describes another record is in no error", function()
    local said = ("."):rep(180) .. TOKEN
    local body = { calendarId = "c", contactId = "p", startTime = "2026-03-07T09:00:00-05:00" }
    local fields = {
      id = said,
      calendarId = "c",
      contactId = "p",
      startTime = body.startTime,
      appointmentStatus = "confirmed",
      description = "[ref other-reference-" .. TOKEN .. "]",
      title = said,
    }
    local other = { calendarId = said }
    for name, value in pairs(fields) do
      other[name] = other[name] or value
    end
    server:reply { method = "POST", status = 201, body = encode(other) }
    local client, kept = observed()
    local err = expect.failure("decode", client.appointments:create(body))
    shows_none({ err, err.response, err.response.body, kept }, TOKEN)
    assert.is_nil(tostring(err):find(TOKEN:sub(1, 8), 1, true))
    server:reply(
      { method = "GET", path = "/calendars/events", body = [[{"events":[]}]], times = 20 },
      { method = "POST", status = 201, body = encode(fields) }
    )
    local booked
    body.reconcile_timeout = 1
    booked, err = client.appointments:book(body)
    assert.is_nil(booked)
    assert.matches("another reference: %.+%*%*%*", err.message)
    shows_none({ err, err.response, err.cause, kept }, TOKEN)
    server:reset()
  end)

  it("a token in a path of client:request is in no error, event and log line", function()
    server:reply({ status = 404, body = "{}" }, { body = "{}" })
    local client, kept = observed { token = "pit-canary-0123456789" }
    local _, err = client:request { method = "GET", path = "/x/pit-canary-0123456789" }
    shows_none({ err, err.response }, "pit-canary-0123456789")
    local _, response = assert(client:request { method = "GET", path = "/x/pit-canary-0123456789" })
    assert.are.equal(server.url .. "/x/***", response.url)
    shows_none({ kept, response }, "pit-canary-0123456789")
    assert.are.equal("/x/pit-canary-0123456789", server:last().path)
  end)

  it("the password of a proxy is in no error", function()
    for _, address in ipairs {
      "http://anna:Canary-pw-0123@127.0.0.1:99999",
      "http://anna:Canary%2Dpw-0123@no-such-host.invalid:1",
      "socks5h://anna:Canary-pw-0123@127.0.0.1:1",
    } do
      local client = leak.client { token = TOKEN, base_url = "https://a.invalid", proxy = address, timeout = 15 }
      local result, err = client.calendars:get("c")
      assert.is_nil(result)
      for _, text in ipairs { err.message, tostring(err) } do
        assert.is_nil(text:find("pw-0123", 1, true), text)
      end
    end
  end)

  it("the password of a proxy in the environment is in no error", function()
    for _, address in ipairs {
      "http://anna:Canary-pw-0123@127.0.0.1:99999",
      "anna:Canary-pw-0123@127.0.0.1:99999",
      "foo://anna:Canary-pw-0123@127.0.0.1:1",
      "http://anna:Can'ary /@pw-0123@127.0.0.1:99999",
    } do
      local text = child.run(
        [[
          local hoopai = require "hoopai"
          local client = hoopai.new { token = "t", base_url = "https://a.invalid", proxy = "environment", timeout = 15 }
          local result, err = client.calendars:get "c"
          print(result, err, err.message)
        ]],
        { set = { https_proxy = address }, unset = { "no_proxy", "NO_PROXY" } }
      )
      assert.matches("^nil\tnetwork: ", text)
      assert.is_nil(text:find("pw-0123", 1, true), text)
    end
  end)

  it("an error of the server is one line of at most 2 KiB, without commands for a terminal", function()
    local odd = "\27[31m\u{9B}31m\u{202E}\u{2028}\u{200F}\u{61C}\r\n"
    for _, unit in ipairs { odd, ("x"):rep(100), "\xFF\x9B" } do
      local said = unit:rep(1000000 // #unit)
      local bodies = { said }
      if utf8.len(unit) then
        bodies[2], bodies[3] = encode { message = said, traceId = unit }, encode { message = { said, unit } }
      end
      for _, body in ipairs(bodies) do
        server:reply { status = 400, body = body, headers = { ["content-type"] = "application/json" } }
        local err = expect.failure("refused", observed().calendars:get("c"))
        for _, text in ipairs { tostring(err), err.message, err.trace_id or "", (err.details or {})[2] or "" } do
          assert.is_nil(text:find "[\0-\31\127]")
          assert.is_truthy(utf8.len(text))
          for _, code in ipairs { 0x9B, 0x202E, 0x2028, 0x200F, 0x61C } do
            assert.is_nil(text:find(utf8.char(code), 1, true), text)
          end
        end
        assert.is_true(#tostring(err) <= 2048 and #err.message <= 1003)
        assert.matches(", GET /calendars/c", tostring(err), 1, true)
        assert.are.equal(err.where, tostring(err):sub(-#err.where))
      end
    end
  end)

  it("warnings, the report of a task and its traceback show neither a token nor commands", function()
    server:reply { path = "/calendars/", body = [[{"calendars":[]}]], times = 3 }
    local text, ok = child.run(
      [[
        warn "@on"
        local hoopai = require "hoopai"
        local TOKEN = os.getenv "TOKEN"
        local said = "quoted " .. TOKEN .. " \27[31m \u{9B} \u{202E} " .. TOKEN:gsub("%W", "%%%%2F")
        local function fails() error(said) end
        local client = hoopai.new { token = TOKEN, base_url = os.getenv "URL", location_id = "l",
          on = { request = fails, response = fails, done = fails } }
        assert(client.calendars:list())
        hoopai.run(function()
          hoopai.spawn(fails)
          assert(client.calendars:list())
          hoopai.sleep(0.01)
          local joined = select(2, hoopai.spawn(fails):join())
          print("joined", joined.message, tostring(joined), joined.traceback)
          error "the end"
        end)
      ]],
      { set = { TOKEN = "pit-canary-0123456789", URL = server.url } }
    )
    assert.is_false(ok)
    assert.is_nil(spellings.found(text, "pit-canary-0123456789"))
    local _, count = text:gsub("quoted %*%*%*", "")
    assert.is_true(count >= 6 + 1 + 3, text)
    assert.is_nil(text:find "[\0-\8\11-\31\127]")
    assert.is_nil(text:find("\u{9B}", 1, true))
    assert.is_nil(text:find("\u{202E}", 1, true))
    assert.matches("a task failed, and it was never joined: [^\n]*quoted [^\n]*\nstack traceback:\n\t", text)
    server:reply { path = "/calendars/", body = [[{"calendars":[]}]] }
    assert(observed().calendars:list())
    server:reset()
  end)

  it("an own store's error shows no token of an exchange", function()
    server:reply {
      path = "/oauth/token",
      body = encode { access_token = ACCESS, refresh_token = REFRESH, userType = "Location", locationId = "l" },
      times = 3,
    }
    for _, fail in ipairs {
      function(text) return nil, "near '" .. text:sub(17, 60) .. "'" end,
      function(text) error { text } end,
      function(text)
        error(setmetatable({}, { __tostring = function() return "near " .. text:sub(30) end }))
      end,
    } do
      local store = { get = function() end, put = function(_, text) return fail(text) end }
      local app <close> = hoopai.oauth {
        client_id = "id-x",
        client_secret = SECRET,
        base_url = server.url,
        redirect_uri = "http://127.0.0.1:1/back",
        store = store,
      }
      local result, err = app:exchange { code = CODE }
      assert.is_nil(result)
      shows_none({ err, err.cause }, ACCESS, REFRESH, SECRET, CODE)
    end
  end)
end)
