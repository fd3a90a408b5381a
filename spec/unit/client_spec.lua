-- The client: its options, members, `with`, `close` and connections.

local child = require "spec.support.child"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

local misuse = expect.misuse

local TOKEN = "pit-0b3c4d5e-client-spec"
local LOCATION = "ve9EPM428h8vShlRW1KT"
local CALENDARS = { path = "/calendars/", body = [[{"calendars":[]}]] }
local CALENDAR = { method = "GET", path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] }

describe("hoopai.client:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

  local function new(options)
    local all = { token = TOKEN, base_url = server.url, location_id = LOCATION }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return leak.client(all)
  end

  describe("options of hoopai.new:", function()
    it("right ones of every kind are accepted", function()
      local client = leak.client {
        token = TOKEN,
        base_url = "https://example.com/prefix/",
        location_id = "l",
        api_version = "v3",
        timeout = 1,
        queue_timeout = 0.5,
        connect_timeout = 2,
        max_connections = 1,
        http2 = false,
        validate = false,
        ca_file = "/etc/ssl/certs/ca-certificates.crt",
        proxy = "http://127.0.0.1:3128",
        user_agent = "me",
        on = { request = print, response = print },
      }
      assert.are.equal("hoopai.Client (https://example.com/prefix, location l)", tostring(client))
    end)

    it("the table given is neither changed nor kept", function()
      local calls = 0
      local hooks = { request = function() calls = calls + 1 end }
      local given = { token = TOKEN, base_url = server.url, location_id = LOCATION, on = hooks }
      local client = leak.client(given)
      assert.are.same({ token = TOKEN, base_url = server.url, location_id = LOCATION, on = hooks }, given)
      given.location_id, hooks.request = "other", 5
      server:reply(CALENDARS)
      assert(client.calendars:list())
      assert.are.equal("locationId=" .. LOCATION, server:last().query)
      assert.are.equal(1, calls)
    end)

    it("base_url may have a prefix and a trailing slash", function()
      server:reply(
        { target = "/v9/deep/calendars/?locationId=" .. LOCATION, body = [[{"calendars":[]}]] },
        { target = "/calendars/?locationId=" .. LOCATION, body = [[{"calendars":[]}]] }
      )
      local _, response = assert(new({ base_url = server.url .. "/v9/deep/" }).calendars:list())
      assert.are.equal(server.url .. "/v9/deep/calendars/", response.url)
      assert(new({ base_url = server.url .. "/" }).calendars:list())
    end)

    it("user_agent and api_version go out", function()
      server:reply(CALENDARS)
      assert(new({ user_agent = "salon-bot/2.1 (ops@example.com)", api_version = "2023-02-21" }).calendars:list())
      local request = server:last()
      assert.are.equal("salon-bot/2.1 (ops@example.com)", request.header["user-agent"])
      assert.are.equal("2023-02-21", request.header.version)
    end)

    it("a timeout of up to 1000 seconds works", function()
      server:reply(CALENDARS)
      assert(new({ timeout = 999.9, connect_timeout = 999 }).calendars:list())
    end)
  end)

  describe("environment:", function()
    local SCRIPT = [[
      local hoopai = require "hoopai"
      local client <close> = hoopai.new(%s)
      local result, err = client.calendars:list()
      print(tostring(client), result and "listed" or tostring(err))
    ]]

    local function run(options, variables)
      variables = variables or {}
      local unset = { "HOOPAI_TOKEN", "HOOPAI_LOCATION_ID", "HOOPAI_BASE_URL" }
      return child.run(SCRIPT:format(options), { unset = unset, set = variables })
    end

    it("stands in for absent options", function()
      server:reply(CALENDARS)
      local text, ok = run("", {
        HOOPAI_TOKEN = TOKEN,
        HOOPAI_LOCATION_ID = "from the environment",
        HOOPAI_BASE_URL = server.url,
      })
      assert.is_true(ok, text)
      assert.matches("listed", text)
      local request = server:last()
      assert.are.equal("Bearer " .. TOKEN, request.header.authorization)
      assert.are.equal("locationId=from%20the%20environment", request.query)
    end)

    it("gives way to options", function()
      server:reply(CALENDARS)
      local text, ok = run(("{ token = %q, location_id = 'mine', base_url = %q }"):format(TOKEN, server.url), {
        HOOPAI_TOKEN = "pit-wrong",
        HOOPAI_LOCATION_ID = "wrong",
        HOOPAI_BASE_URL = "https://127.0.0.1:1",
      })
      assert.is_true(ok, text)
      local request = server:last()
      assert.are.equal("Bearer " .. TOKEN, request.header.authorization)
      assert.are.equal("locationId=mine", request.query)
    end)

    it("an empty variable is refused where it would be used", function()
      local text, ok = run("", { HOOPAI_TOKEN = "", HOOPAI_LOCATION_ID = "", HOOPAI_BASE_URL = "" })
      assert.is_false(ok)
      assert.matches("no token: HOOPAI_TOKEN is empty: give it a value, or pass `token` to hoopai.new", text, 1, true)
      text, ok = run("{ token = 't' }", { HOOPAI_LOCATION_ID = "", HOOPAI_BASE_URL = server.url })
      assert.is_false(ok)
      assert.matches(
        "the environment variable HOOPAI_LOCATION_ID is empty: give it a value, or unset it",
        text,
        1,
        true
      )
      text, ok = run("{ token = 't', location_id = 'l' }", { HOOPAI_LOCATION_ID = "", HOOPAI_BASE_URL = "" })
      assert.is_false(ok)
      assert.matches("the environment variable HOOPAI_BASE_URL is empty", text, 1, true)
    end)

    it("a variable is checked as strictly as an option", function()
      local function refused(name, value, ...)
        local variables = { HOOPAI_TOKEN = TOKEN, HOOPAI_LOCATION_ID = "l", HOOPAI_BASE_URL = server.url }
        variables[name] = value
        local text, ok = run("", variables)
        assert.is_false(ok, text)
        for _, part in ipairs { "the environment variable " .. name .. " ", ... } do
          assert.is_truthy(text:find(part, 1, true), text)
        end
        assert.is_nil(text:find("tok-canary", 1, true))
      end
      local WINDOWS = "it ends in a carriage return (does the file it comes from have Windows line ends?)"
      local QUOTES = "quotes around it: leave them out"
      refused("HOOPAI_LOCATION_ID", "a/../b", "must be an id of at most 512 bytes, without / or \\")
      for name, value in pairs {
        HOOPAI_TOKEN = "tok-canary",
        HOOPAI_LOCATION_ID = "loc",
        HOOPAI_BASE_URL = "https://127.0.0.1:1",
      } do
        refused(name, value .. "\r", WINDOWS)
        refused(name, value .. "\r\n", WINDOWS)
        refused(name, value .. "\n", "it ends in a line feed")
        refused(name, value .. " ", "it ends in a space")
        refused(name, " " .. value, "it begins with a space")
        refused(name, "\t" .. value, "it begins with a tab")
        refused(name, value .. "\1" .. value, "it holds a control character")
        refused(name, '"' .. value .. '"', QUOTES)
        refused(name, "'" .. value .. "'", QUOTES)
      end
      refused("HOOPAI_TOKEN", "Bearer tok-canary", 'it begins with "Bearer": leave out "Bearer "')
      refused("HOOPAI_BASE_URL", "127.0.0.1", "is not a URL such as https://host")
    end)

    it("without any token hoopai.new names the places for one", function()
      local text, ok = run("{}")
      assert.is_false(ok)
      assert.matches("no token: pass `token` to hoopai.new or set HOOPAI_TOKEN", text, 1, true)
    end)

    it("an unusable token is not shown", function()
      local text, ok = run("", { HOOPAI_TOKEN = "pit-sec ret", HOOPAI_BASE_URL = server.url })
      assert.is_false(ok)
      assert.matches("token", text)
      assert.is_nil(text:find("sec", 1, true))
    end)

    it("its proxies are not used", function()
      server:reply(CALENDARS)
      local refusing, holder = servers.refusing()
      local text, ok = run("", {
        HOOPAI_TOKEN = TOKEN,
        HOOPAI_LOCATION_ID = "l",
        HOOPAI_BASE_URL = server.url,
        http_proxy = refusing,
        HTTP_PROXY = refusing,
        https_proxy = refusing,
        ALL_PROXY = refusing,
        all_proxy = refusing,
        no_proxy = "",
        NO_PROXY = "",
      })
      holder:close()
      assert.is_true(ok, text)
      assert.matches("listed", text)
    end)

    it("its proxies are used with `proxy`, and for https alone", function()
      local proxy <close> = setmetatable(
        { server = servers.start() },
        { __close = function(self) self.server:stop() end }
      )
      proxy.server:reply { method = "CONNECT", status = 407, body = "", always = true }
      local names =
        { "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY" }
      local function list(base_url, variables)
        variables.URL = base_url
        return child.run(
          [[
            local client = require("hoopai").new {
              token = "canary", location_id = "l", base_url = os.getenv "URL", proxy = "environment", retries = false,
            }
            local calendars, err = client.calendars:list()
            print(calendars and "listed" or err.kind .. " " .. tostring(err.proxy_status))
          ]],
          { unset = names, set = variables }
        )
      end
      for index = 1, 6 do
        local variables = { [names[index]] = proxy.server.url }
        server:reply(CALENDARS)
        assert.matches("listed", (list(server.url, variables)))
        local is_for_https = index > 2
        if is_for_https then assert.matches("network 407", (list("https://api.example.com", variables))) end
        local ledger = proxy.server:ledger()
        assert.are.equal(math.max(index - 2, 0), #ledger)
        for _, request in ipairs(ledger) do
          assert.are.same({ "CONNECT", "api.example.com:443" }, { request.method, request.target })
          assert.is_nil(request.header.authorization)
        end
      end
    end)
  end)

  describe("wrong use raises at the caller's line:", function()
    local client
    before_each(function() client = new() end)

    it("options that are not those of client:with", function()
      misuse(function() client:with { token = "t" } end, "`token`", "client:with")
      misuse(function() client:with { validate = "no" } end, "`validate`", "client:with")
      misuse(function() client:with("x") end, "client:with", "table")
    end)

    it("a missing colon", function()
      misuse(function() client.close() end, "colon", "client:close")
      misuse(function() client.with {} end, "colon", "client:with")
      misuse(function() client.request { method = "GET", path = "/x" } end, "colon", "client:request")
      misuse(function()
        getmetatable("").__index = string
        client.close("x")
      end, "colon")
    end)

    it("a member that does not exist", function()
      misuse(function() client.calendar:list() end, "`calendar`", "did you mean `calendars`?")
      misuse(function() client.blockSlots:list() end, "did you mean `block_slots`?")
      misuse(function() client:clse() end, "`clse`", "did you mean `close`?")
      misuse(function() client.zzzz:list() end, "`zzzz`", "it has", "calendars", "request")
      misuse(function() return client[1] == nil end, "`1`")
    end)

    it("functions of the module", function()
      misuse(function() hoopai.run("x") end, "hoopai.run", "function", "string")
      misuse(function() hoopai.run() end, "hoopai.run")
      misuse(function() hoopai.spawn(print) end, "hoopai.spawn", "hoopai.run")
      misuse(function() hoopai.map(5, print) end, "hoopai.map", "list")
      misuse(function() hoopai.map({}, nil) end, "hoopai.map", "function")
      misuse(function() hoopai.map({}, print, { concurency = 2 }) end, "`concurency`", "`concurrency`")
      misuse(function() hoopai.map({}, print, 5) end, "hoopai.map")
      misuse(function() hoopai.map({}, print, { concurrency = 0 }) end, "concurrency")
      misuse(function() hoopai.map({}, print, { concurrency = 1.5 }) end, "concurrency")
      for _, seconds in ipairs { -1, 0 / 0, math.huge, "1", {} } do
        misuse(function() hoopai.sleep(seconds) end, "hoopai.sleep")
      end
      misuse(function() hoopai.sleep() end, "hoopai.sleep")
      misuse(function() hoopai.slots(nil) end, "hoopai.slots")
    end)
  end)

  describe("a member", function()
    it("cannot be set", function()
      local client = new()
      expect.misuse(function() client.timeout = 5 end, "cannot be set on a client")
      expect.misuse(function() client.colour = "red" end, "cannot be set on a client")
    end)
  end)

  describe("client:with", function()
    it("shares connections and settings, and changes only what it is given", function()
      server:reply(CALENDARS, CALENDARS, CALENDARS)
      local client = new { api_version = "v9" }
      local other = client:with { location_id = "other" }
      local third = other:with { api_version = "v10" }
      assert(client.calendars:list())
      assert(other.calendars:list())
      assert(third.calendars:list())
      local ledger = server:ledger()
      local seen = {}
      for index, request in ipairs(ledger) do
        seen[index] = { request.connection, request.query, request.header.version }
        assert.are.equal("Bearer " .. TOKEN, request.header.authorization)
      end
      assert.are.same({
        { 1, "locationId=" .. LOCATION, "v9" },
        { 1, "locationId=other", "v9" },
        { 1, "locationId=other", "v10" },
      }, seen)
      assert.are.equal("hoopai.Client (" .. server.url .. ", location other)", tostring(other))
    end)

    it("can switch checks off and on again", function()
      local off = new():with { validate = false }
      server:reply { body = [[{"note":{}}]] }
      assert(off.notes:create("a", { odd = true }))
      expect.failure("invalid_request", off:with({ validate = true }).notes:create("a", { odd = true }))
    end)

    it("does not keep the table it was given", function()
      server:reply(CALENDAR)
      local headers = { ["X-Tag"] = "1" }
      local given = { headers = headers }
      local client = new():with(given)
      given.headers, headers["X-Tag"], headers.Authorization = nil, "2", "Bearer x"
      assert(client.calendars:get("c"))
      assert.are.equal("1", server:last().header["x-tag"])
      assert.are.equal("Bearer " .. TOKEN, server:last().header.authorization)
    end)

    it("closed, closes only itself", function()
      server:reply(CALENDAR)
      local client = new()
      local other = client:with {}
      other:close()
      expect.failure("closed", other.calendars:get("c"))
      assert(client.calendars:get("c"))
    end)

    it("ends with its parent", function()
      local client = new()
      local other = client:with {}
      client:close()
      expect.failure("closed", other.calendars:get("c"))
      other:close()
      assert.matches(", closed%)$", tostring(other))
    end)

    it("keeps its parent's connections when only it is left", function()
      server:reply(CALENDAR, CALENDAR)
      local other
      do
        -- Not leak.client: the parent must have no other reference.
        other = hoopai.new({ token = TOKEN, base_url = server.url }):with {}
      end
      collectgarbage()
      collectgarbage()
      assert(other.calendars:get("c"))
      collectgarbage()
      collectgarbage()
      assert(other.calendars:get("c"))
      assert.are.equal(1, #server:connections())
      other = nil -- luacheck: ignore 311
      collectgarbage()
      collectgarbage()
      server:wait("open", "exactly", 0)
    end)
  end)

  describe("client:close", function()
    it("is idempotent, ends the connections, and refuses later calls", function()
      server:reply(CALENDAR, CALENDAR)
      local client = new()
      assert(client.calendars:get("c"))
      hoopai.run(function() assert(client.calendars:get("c")) end)
      assert.are.equal(2, server:count("open"))
      client:close()
      server:wait("open", "exactly", 0)
      client:close()
      local err = expect.failure("closed", client.calendars:get("c"))
      assert.are.equal("no", err.applied)
      assert.is_false(err.retryable)
      err = expect.failure("closed", client.notes:create("a", { body = "x" }))
      assert.are.equal("no", err.applied)
      expect.failure("closed", client:request { method = "GET", path = "/x" })
      hoopai.run(function() expect.failure("closed", client.calendars:get("c")) end)
      assert.matches(", closed%)$", tostring(client))
    end)

    it("of a client that was never used does nothing", function()
      local client = new()
      client:close()
      expect.failure("closed", client.calendars:get("c"))
    end)

    it("leaves wrong use raising", function()
      local client = new()
      client:close()
      misuse(function() client.calendars:get(5) end, "calendarId")
    end)

    it("comes with the end of a to-be-closed variable", function()
      server:reply(CALENDAR)
      local kept
      do
        local client <close> = new()
        kept = client
        assert(client.calendars:get("c"))
      end
      expect.failure("closed", kept.calendars:get("c"))
      server:wait("open", "exactly", 0)
    end)

    it("comes with the garbage collector", function()
      server:reply(CALENDAR, CALENDAR)
      local client = hoopai.new { token = TOKEN, base_url = server.url }
      assert(client.calendars:get("c"))
      hoopai.run(function() assert(client.calendars:get("c")) end)
      assert.are.equal(2, server:count("open"))
      client = nil -- luacheck: ignore 311
      collectgarbage()
      collectgarbage()
      server:wait("open", "exactly", 0)
      assert.are.equal(2, #server:connections())
    end)

    it("ends calls in flight", function()
      local client = new { max_connections = 2 }
      server:reply({ method = "GET", hold = "never" }, { method = "POST", hold = "never" })
      hoopai.run(function()
        local read = hoopai.spawn(function() return client.calendars:get("c") end)
        local write = hoopai.spawn(function() return client.notes:create("a", { body = "x" }) end)
        expect.eventually(function() return server:count("arrived") == 2 end, "both requests arrived")
        local queued = hoopai.spawn(function() return client.notes:create("a", { body = "y" }) end)
        hoopai.sleep(0)
        hoopai.sleep(0)
        client:close()
        expect.failure("closed", read:join())
        local _, err = write:join()
        assert.are.equal("closed", err.kind)
        assert.are.equal("maybe", err.applied)
        _, err = queued:join()
        assert.are.equal("closed", err.kind)
        assert.are.equal("no", err.applied)
      end)
      server:wait("open", "exactly", 0)
      assert.are.equal(2, #server:ledger())
    end)

    it("inside a hook ends the call", function()
      local client
      client = new { on = { request = function() client:close() end } }
      expect.failure("closed", client.calendars:get("c"))
      client = new { on = { request = function() client:close() end } }
      hoopai.run(function() expect.failure("closed", client.calendars:get("c")) end)
      assert.are.equal(0, #server:ledger())
    end)
  end)

  describe("secrets:", function()
    it("a client shows no token in any of its values", function()
      server:reply(CALENDAR)
      local client = new()
      assert(client.calendars:get("c"))
      assert.matches("^hoopai%.Client %(http://127%.0%.0%.1:%d+, location ve9EPM428h8vShlRW1KT%)$", tostring(client))
      assert.are.equal("hoopai.calendars", tostring(client.calendars))
      expect.no_secret(client, TOKEN)
      expect.no_secret(client.calendars, TOKEN)
      expect.no_secret(client:with {}, TOKEN)
    end)

    it("nor does a response or a hook's event", function()
      server:reply(CALENDAR)
      local events = {}
      local function note(event) events[#events + 1] = event end
      local client = new { on = { request = note, response = note } }
      local _, response = assert(client.calendars:get("c"))
      expect.no_secret(response, TOKEN)
      assert.are.equal(2, #events)
      expect.no_secret(events, TOKEN)
    end)
  end)

  describe("connections:", function()
    it("are used again", function()
      server:reply { path = "/calendars/c", body = [[{"calendar":{}}]], times = 6 }
      local client = new()
      for _ = 1, 3 do
        assert(client.calendars:get("c"))
      end
      hoopai.run(function()
        for _ = 1, 3 do
          assert(client.calendars:get("c"))
        end
      end)
      local seen = {}
      for index, request in ipairs(server:ledger()) do
        seen[index] = request.connection
      end
      assert.are.same({ 1, 1, 1, 2, 2, 2 }, seen)
    end)

    it("carry no cookies", function()
      server:reply(
        { path = "/calendars/c", headers = { ["Set-Cookie"] = "session=1; Path=/" }, body = [[{"calendar":{}}]] },
        CALENDAR
      )
      local client = new()
      assert(client.calendars:get("c"))
      assert(client.calendars:get("c"))
      assert.is_nil(server:last().header.cookie)
      assert.are.equal(1, server:last().connection)
    end)

    it("are never more than max_connections", function()
      server:reply { method = "GET", always = true, hold = "open", body = [[{"calendar":{}}]] }
      local client = new { max_connections = 3 }
      hoopai.run(function()
        for index = 1, 12 do
          hoopai.spawn(function() assert(client.calendars:get("c" .. index)) end)
        end
        expect.eventually(function() return server:count("arrived") >= 3 end, "three requests arrived")
        server:release("open")
      end)
      local most = 0
      local ledger = server:ledger()
      for _, request in ipairs(ledger) do
        most = math.max(most, request.at_once)
      end
      assert.are.equal(12, #ledger)
      assert.are.equal(3, most)
      assert.are.equal(3, #server:connections())
    end)

    it("serve the queue in order", function()
      server:reply { always = true, body = [[{"calendar":{}}]] }
      local client = new { max_connections = 1 }
      hoopai.run(function()
        for index = 1, 20 do
          hoopai.spawn(function() assert(client.calendars:get("c" .. index)) end)
        end
      end)
      for index, request in ipairs(server:ledger()) do
        assert.are.equal("/calendars/c" .. index, request.path)
      end
      assert.are.equal(20, #server:ledger())
    end)
  end)
end)
