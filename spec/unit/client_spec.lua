-- What hoopai.new, client:with and each call accept, how wrong use is told, and what a client is.

local child = require "spec.support.child"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local json = require "spec.support.json"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

local misuse = expect.misuse

local TOKEN = "pit-0b3c4d5e-client-spec"
local LOCATION = "ve9EPM428h8vShlRW1KT"
local CALENDARS = { path = "/calendars/", body = [[{"calendars":[]}]] }
local CALENDAR = { method = "GET", path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] }

describe("client:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

  local function new(options)
    local all = { token = TOKEN, base_url = server.url, location_id = LOCATION }
    for name, value in pairs(options or {}) do all[name] = value end
    return leak.client(all)
  end

  describe("options of hoopai.new:", function()
    it("right ones of every kind are accepted", function()
      local client = leak.client {
        token = TOKEN, base_url = "https://example.com/prefix/", location_id = "l", api_version = "v3", timeout = 1,
        queue_timeout = 0.5, connect_timeout = 2, max_connections = 1, http2 = false, validate = false,
        ca_file = "/etc/ssl/certs/ca-certificates.crt", proxy = "http://127.0.0.1:3128", user_agent = "me",
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
        { target = "/calendars/?locationId=" .. LOCATION, body = [[{"calendars":[]}]] })
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

    it("a timeout of any length works", function()
      server:reply(CALENDARS, CALENDARS)
      assert(new({ timeout = 1e300, connect_timeout = 1e300 }).calendars:list())
      assert(new({ timeout = 4e9, connect_timeout = 4e9 }).calendars:list())
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
        HOOPAI_TOKEN = TOKEN, HOOPAI_LOCATION_ID = "from the environment", HOOPAI_BASE_URL = server.url,
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
        HOOPAI_TOKEN = "pit-wrong", HOOPAI_LOCATION_ID = "wrong", HOOPAI_BASE_URL = "https://127.0.0.1:1",
      })
      assert.is_true(ok, text)
      local request = server:last()
      assert.are.equal("Bearer " .. TOKEN, request.header.authorization)
      assert.are.equal("locationId=mine", request.query)
    end)

    it("an empty variable is an absent one", function()
      local text, ok = run("", { HOOPAI_TOKEN = "", HOOPAI_LOCATION_ID = "", HOOPAI_BASE_URL = "" })
      assert.is_false(ok)
      assert.matches("no token", text)
      assert.matches("HOOPAI_TOKEN", text)
    end)

    it("without any token hoopai.new says where one can be set", function()
      local text, ok = run("{}")
      assert.is_false(ok)
      assert.matches("no token: pass `token` to hoopai.new or set HOOPAI_TOKEN", text, 1, true)
    end)

    it("a token that is none is not shown", function()
      local text, ok = run("", { HOOPAI_TOKEN = "pit-sec ret", HOOPAI_BASE_URL = server.url })
      assert.is_false(ok)
      assert.matches("token", text)
      assert.is_nil(text:find("sec", 1, true))
    end)

    it("its proxies are left alone", function()
      server:reply(CALENDARS)
      local refusing, holder = servers.refusing()
      local text, ok = run("", {
        HOOPAI_TOKEN = TOKEN, HOOPAI_LOCATION_ID = "l", HOOPAI_BASE_URL = server.url,
        http_proxy = refusing, HTTP_PROXY = refusing, https_proxy = refusing, ALL_PROXY = refusing,
        all_proxy = refusing, no_proxy = "", NO_PROXY = "",
      })
      holder:close()
      assert.is_true(ok, text)
      assert.matches("listed", text)
    end)
  end)

  describe("wrong use raises at the caller's line:", function()
    local client
    before_each(function() client = new() end)

    it("a missing or wrong id", function()
      misuse(function() client.calendars:get() end, "calendars:get", "calendarId", "argument 1", "nothing")
      misuse(function() client.calendars:get(nil) end, "calendarId")
      misuse(function() client.calendars:get(5) end, "calendarId", "number")
      misuse(function() client.calendars:get({ id = "c" }) end, "calendarId", "table")
      misuse(function() client.notes:update("a", nil, { body = "x" }) end, "noteId", "argument 2")
      misuse(function() client.notes:update("a", { body = "x" }) end, "noteId", "table")
      misuse(function() client.resources:get("rooms") end, "argument 2")
      misuse(function() client.appointments:cancel() end, "appointments:cancel", "eventId")
      misuse(function() client.block_slots:delete(true) end, "eventId", "boolean")
    end)

    it("a query or a body that is no table", function()
      misuse(function() client.calendars:list("groupId") end, "calendars:list", "query", "string")
      misuse(function() client.calendars:create("Yoga") end, "calendars:create", "body", "string")
      misuse(function() client.notes:create("a", 5) end, "body", "number")
      misuse(function() client.calendars:free_slots("c", "tomorrow") end, "query", "string")
      misuse(function() client.calendars:list(false) end, "query", "boolean")
    end)

    it("too many arguments", function()
      misuse(function() client.calendars:get("c", {}, {}) end, "calendars:get", "at most 2", "got 3")
      misuse(function() client.calendars:list({}, {}, {}) end, "at most 2")
      misuse(function() client.notes:update("a", "n", {}, {}, {}) end, "at most 4")
      misuse(function() client.appointments:cancel("e", {}, {}) end, "at most 2")
    end)

    it("options that are none", function()
      misuse(function() client.calendars:list(nil, "fast") end, "options of calendars:list", "string")
      misuse(function() client.calendars:get("c", { timout = 1 }) end, "`timout`", "calendars:get", "`timeout`")
      misuse(function() client.calendars:get("c", { timeout = 0 }) end, "`timeout`", "calendars:get")
      misuse(function() client.calendars:get("c", { token = "t" }) end, "`token`")
      misuse(function() client.calendars:get("c", { base_url = "https://x" }) end, "`base_url`")
      misuse(function() client:with { token = "t" } end, "`token`", "client:with")
      misuse(function() client:with { validate = "no" } end, "`validate`", "client:with")
      misuse(function() client:with("x") end, "client:with", "table")
    end)

    it("a missing colon", function()
      misuse(function() client.calendars.list() end, "colon", "calendars:list")
      misuse(function() client.calendars.get("c") end, "colon", "calendars:get")
      misuse(function() client.calendars.get(client, "c") end, "colon")
      misuse(function() client.calendars.list({}) end, "colon")
      misuse(function() client.close() end, "colon", "client:close")
      misuse(function() client.with {} end, "colon", "client:with")
      misuse(function() client.request { method = "GET", path = "/x" } end, "colon", "client:request")
      misuse(function() getmetatable("").__index = string; client.close("x") end, "colon")
    end)

    it("a method or resource that does not exist", function()
      misuse(function() client.calendars:lst() end, "client.calendars", "`lst`", "did you mean `list`?")
      misuse(function() client.calendars:freeSlots("c") end, "did you mean `free_slots`?")
      misuse(function() client.appointments:zzzz() end, "`zzzz`", "it has", "cancel", "create", "get")
      misuse(function() client.events:get("e") end, "`get`")
      misuse(function() client.calendar:list() end, "`calendar`", "did you mean `calendars`?")
      misuse(function() client.blockSlots:list() end, "did you mean `block_slots`?")
      misuse(function() client:clse() end, "`clse`", "did you mean `close`?")
      misuse(function() client.zzzz:list() end, "`zzzz`", "it has", "calendars", "request")
      misuse(function() return client[1] == nil end, "`1`")
      misuse(function() return client.calendars[1] == nil end, "`1`")
    end)

    it("client:request", function()
      misuse(function() client:request() end, "client:request", "table", "nil")
      misuse(function() client:request("GET", "/x") end, "client:request", "table")
      misuse(function() client:request {} end, "method")
      misuse(function() client:request { method = "GET" } end, "path")
      misuse(function() client:request { method = "get", path = "/x" } end, "method")
      misuse(function() client:request { method = "TRACE", path = "/x" } end, "method")
      misuse(function() client:request { method = "GET", path = 5 } end, "path", "number")
      misuse(function() client:request { method = "GET", path = "/x", headers = {} } end, "`headers`")
      misuse(function() client:request { method = "GET", path = "/x", query = "a=b" } end, "query")
      misuse(function() client:request { method = "GET", path = "/x", query = { 1 } } end, "query")
      misuse(function() client:request { method = "GET", path = "/x", query = { a = print } } end, "`a`")
      misuse(function() client:request { method = "POST", path = "/x", body = "{}" } end, "body", "string")
      misuse(function() client:request({ method = "GET", path = "/x" }, { tmeout = 1 }) end, "`tmeout`")
    end)

    it("in a task, through run", function()
      local message
      local ok = pcall(hoopai.run, function()
        message = misuse(function() client.calendars:get() end, "calendarId")
        client.calendars:get(5)
      end)
      assert.is_false(ok)
      assert.is_string(message)
      local _, raised = pcall(hoopai.run, function() client.calendars:get(5) end)
      assert.matches("^[^\n]*client_spec%.lua:%d+: hoopai: calendars:get needs calendarId", raised)
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

  describe("a call's own options:", function()
    it("headers are sent, and go before the client's", function()
      server:reply(CALENDAR, CALENDAR, CALENDAR)
      local client = new():with { headers = { ["X-Tag"] = "client", ["X-Other"] = "1" } }
      assert(client.calendars:get("c"))
      assert.are.equal("client", server:last().header["x-tag"])
      assert(client.calendars:get("c", { headers = { ["x-tag"] = "call", ["X-More"] = "" } }))
      local names = {}
      for _, pair in ipairs(server:last().headers) do
        local name = pair[1]:lower()
        if name:find("^x%-") then names[#names + 1] = name .. "=" .. pair[2] end
      end
      table.sort(names)
      assert.are.same({ "x-more=", "x-other=1", "x-tag=call" }, names)
      assert(client.calendars:get("c"))
      assert.are.equal("client", server:last().header["x-tag"])
    end)

    it("api_version", function()
      server:reply(CALENDAR)
      assert(new().calendars:get("c", { api_version = "2021-04-15" }))
      assert.are.equal("2021-04-15", server:last().header.version)
    end)

    it("location_id, below an explicit locationId", function()
      server:reply(CALENDARS, CALENDARS, { body = [[{"available":true}]] }, { body = [[{"available":true}]] })
      local client = new()
      assert(client.calendars:list({}, { location_id = "call" }))
      assert.are.equal("locationId=call", server:last().query)
      assert(client.calendars:list({ locationId = "query" }, { location_id = "call" }))
      assert.are.equal("locationId=query", server:last().query)
      assert(client.groups:validate_slug({ slug = "s" }, { location_id = "call" }))
      assert.are.same(json.read [[{"slug":"s","locationId":"call"}]], json.read(server:last().body))
      assert(client.groups:validate_slug({ slug = "s", locationId = "body" }, { location_id = "call" }))
      assert.are.same(json.read [[{"slug":"s","locationId":"body"}]], json.read(server:last().body))
    end)

    it("validate", function()
      server:reply({ body = [[{"note":{}}]] }, { body = [[{"calendars":[]}]] })
      local client = new()
      expect.failure("invalid_request", client.notes:create("a", { bdy = "x" }))
      assert(client.notes:create("a", { bdy = "x" }, { validate = false }))
      assert.are.same(json.read [[{"bdy":"x"}]], json.read(server:last().body))
      assert(client:with({ validate = false }).calendars:list { brandNew = 3 })
      assert.matches("brandNew=3", server:last().query, 1, true)
      local unchecked = client:with { validate = false }
      expect.failure("invalid_request", unchecked.calendars:list({ brandNew = 3 }, { validate = true }))
    end)

    it("timeout", function()
      server:reply { path = "/calendars/c", steps = { { stall = true } } }
      expect.within(15, function()
        expect.failure("timeout", new().calendars:get("c", { timeout = 0.1 }))
      end)
    end)

    it("nil stands for none", function()
      server:reply(CALENDARS, CALENDAR)
      assert(new().calendars:list(nil, nil))
      assert(new().calendars:get("c", nil))
    end)
  end)

  describe("checks before sending:", function()
    it("name all problems at once, with suggestions, and send nothing", function()
      local err = expect.failure("invalid_request", new().appointments:create {
        calendarId = "c", contctId = "x", startTime = "2024-10-28T10:00:00", title = 5, status = "new",
      })
      assert.are.equal("no", err.applied)
      assert.is_nil(err.status)
      assert.is_nil(err.response)
      assert.are.equal("POST", err.method)
      assert.are.equal("/calendars/events/appointments", err.path)
      assert.is_false(err.retryable)
      assert.are.equal(0, err.attempts)
      local problems = {}
      for _, detail in ipairs(err.details) do problems[detail.path] = detail end
      assert.are.equal("contactId", problems.contctId.suggestion)
      assert.is_truthy(problems.contactId)
      assert.matches("offset", problems.startTime.problem)
      assert.matches("string", problems.title.problem)
      assert.are.equal("appointmentStatus", problems.status.suggestion)
      local count = 0
      for _ in pairs(problems) do count = count + 1 end
      assert.are.equal(5, count)
      assert.matches("appointments:create", tostring(err), 1, true)
      assert.are.equal(0, #server:ledger())
    end)

    it("know the words that a path may hold", function()
      local err = expect.failure("invalid_request", new().resources:list("room"))
      assert.are.equal("resourceType", err.details[1].path)
      assert.matches("rooms", err.details[1].problem)
      err = expect.failure("invalid_request", new().resources:get("Rooms", "r"))
      assert.are.equal("resourceType", err.details[1].path)
      assert.are.equal(0, #server:ledger())
      server:reply { path = "/calendars/resources/halls", body = "[]" }
      assert(new().resources:list("halls", nil, { validate = false }))
    end)

    it("refuse an id that is a word of the API's paths, with the checks off either", function()
      local client = new()
      for _, validate in ipairs { true, false } do
        local options = { validate = validate }
        local err = expect.failure("invalid_request", client.calendars:get("groups", options))
        assert.are.equal("calendarId", err.details[1].path)
        assert.matches("another endpoint", err.details[1].problem, 1, true)
        expect.failure("invalid_request", client.schedules:get("search", options))
        -- Some servers match paths without regard to case.
        expect.failure("invalid_request", client.calendars:delete("Events", options))
        expect.failure("invalid_request", client.notes:delete("a", "notes", options))
        expect.failure("invalid_request", client.notifications:list("groups", nil, options))
      end
      assert.are.equal(0, #server:ledger())
    end)

    it("say where a missing location can be set", function()
      local client = leak.client { token = TOKEN, base_url = server.url }
      local err = expect.failure("invalid_request", client.calendars:list())
      assert.are.equal("locationId", err.details[1].path)
      assert.matches("location_id", err.details[1].problem)
      assert.are.equal(0, #server:ledger())
    end)

    it("refuse what is set on a client", function()
      local client = new()
      expect.misuse(function() client.timeout = 5 end, "cannot be set on a client")
      expect.misuse(function() client.colour = "red" end, "cannot be set on a client")
    end)

    it("say of an option in the query where it belongs", function()
      for _, name in ipairs { "timeout", "location_id", "headers", "validate", "api_version", "queue_timeout" } do
        local err = expect.failure("invalid_request", new().calendars:list { [name] = 5 })
        assert.are.equal(name, err.details[1].path)
        assert.matches("last argument", err.details[1].problem)
      end
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
        { 1, "locationId=" .. LOCATION, "v9" }, { 1, "locationId=other", "v9" }, { 1, "locationId=other", "v10" },
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
        -- Not leak.client: nobody else may hold the parent.
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

    it("still lets wrong use raise", function()
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

  describe("client:request", function()
    it("sends what it is given and gives back the whole body", function()
      server:reply(
        { body = [[{"a":{"b":1},"c":[]}]] }, { status = 201, body = "[1,2]" }, { body = "{}" }, { body = "{}" },
        { body = "{}" })
      local client = new()
      local result, response = client:request {
        method = "GET", path = "/calendars/services/catalog",
        query = { z = "ä &", b = true, a = { "x", 2 }, n = 1730073600000 },
      }
      assert.are.same({ a = { b = 1 }, c = {} }, result)
      assert.are.equal(200, response.status)
      assert.is_nil(response.unexpected)
      assert.are.equal(server.url .. "/calendars/services/catalog", response.url)
      result, response = client:request {
        method = "POST", path = "/x/y%20z/", body = { list = hoopai.array {}, null = hoopai.null, n = 3 },
      }
      assert.are.same({ 1, 2 }, result)
      assert.are.equal(201, response.status)
      assert(client:request { method = "PUT", path = "/x", body = {} })
      assert(client:request { method = "PATCH", path = "/x", body = { 1 } })
      assert(client:request { method = "DELETE", path = "/x" })
      local ledger = server:ledger()
      assert.are.equal("/calendars/services/catalog?a=x&a=2&b=true&n=1730073600000&z=%C3%A4%20%26", ledger[1].target)
      assert.is_nil(ledger[1].header["content-type"])
      assert.are.equal("/x/y%20z/", ledger[2].target)
      assert.are.same(json.read [[{"list":[],"null":null,"n":3}]], json.read(ledger[2].body))
      assert.are.equal("2021-07-28", ledger[2].header.version)
      local methods = {}
      for index, request in ipairs(ledger) do methods[index] = request.method end
      assert.are.same({ "GET", "POST", "PUT", "PATCH", "DELETE" }, methods)
      assert.are.equal("{}", ledger[3].body)
      assert.are.equal("[1]", ledger[4].body)
      assert.are.equal("", ledger[5].body)
    end)

    it("refuses a path that could mean something else", function()
      local client = new()
      -- stylua: ignore
      for _, path in ipairs {
        "", "x", "calendars/", "//evil.example/x", "/a//b", "/a/../b", "/a/.", "/..", "/a/%2e%2E/b", "/a?b=c", "/a#b",
        "/a b", "/a\r\nb", "/a\0b", "/%", "/%zz", "/ä", "/a\\b", "http://evil.example/",
      } do
        local err = expect.failure("invalid_request", client:request { method = "GET", path = path })
        assert.are.equal("path", err.details[1].path)
        assert.are.equal("no", err.applied)
      end
      assert.are.equal(0, #server:ledger())
    end)

    it("refuses what JSON cannot say", function()
      local client = new()
      local cycle = {}
      cycle.self = cycle
      expect.failure("invalid_request", client:request { method = "POST", path = "/x", body = cycle })
      for _, value in ipairs { 0 / 0, math.huge, print, coroutine.create(print), "\xff", { [1.5] = 1 } } do
        local err = expect.failure("invalid_request",
          client:request { method = "POST", path = "/x", body = { a = { value } } })
        assert.matches("^a", err.details[1].path)
      end
      assert.are.equal(0, #server:ledger())
    end)

    it("takes the options of a call", function()
      server:reply { path = "/x", body = "{}" }
      assert(new():request({ method = "GET", path = "/x" }, { headers = { ["X-A"] = "b" }, api_version = "v3" }))
      assert.are.equal("b", server:last().header["x-a"])
      assert.are.equal("v3", server:last().header.version)
    end)
  end)

  describe("secrets:", function()
    it("a client shows no token, however one looks at it", function()
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

  describe("response:", function()
    it("tells all there is to know", function()
      server:reply {
        headers = {
          { "X-RateLimit-Max", "100" }, { "X-RateLimit-Remaining", "97" },
          { "X-RateLimit-Interval-Milliseconds", "10000" }, { "X-RateLimit-Limit-Daily", "200000" },
          { "X-RateLimit-Daily-Remaining", "199997" }, { "X-RateLimit-Daily-Reset", "84322000" },
          { "X-Many", "a" }, { "x-many", "b" }, { "Content-Type", "application/json" },
        },
        body = [[{"calendar":{"id":"c"},"traceId":"t-1"}]],
      }
      local _, response = assert(new().calendars:get("c"))
      assert.are.same({
        max = 100, remaining = 97, interval_ms = 10000, daily_limit = 200000, daily_remaining = 199997,
        daily_reset_ms = 84322000,
      }, response.rate_limit)
      assert.are.equal("integer", math.type(response.rate_limit.max))
      assert.are.equal("a, b", response.headers["x-many"])
      assert.are.equal("97", response.headers["x-ratelimit-remaining"])
      assert.are.equal("t-1", response.trace_id)
      assert.are.same({ calendar = { id = "c" }, traceId = "t-1" }, response.body)
      assert.are.equal(200, response.status)
      assert.are.equal(1, response.attempts)
    end)

    it("says what stood beside the result also when the body is let go", function()
      server:reply { path = "/calendars/c", body = [[{"calendar":{"id":"c"},"hasMore":true}]] }
      local _, response = assert(new().calendars:get("c"))
      response.body = nil
      assert.are.same({ hasMore = true }, response.extra)
    end)

    it("has its headers for whoever goes through it, looked at before or not", function()
      server:reply { path = "/calendars/c", headers = { ["X-One"] = "1", ["X-RateLimit-Max"] = "9" },
        body = [[{"calendar":{"id":"c"}}]],
        always = true }
      local client = new()
      for _, look in ipairs { false, true } do
        local _, response = assert(client.calendars:get("c"))
        if look then assert.are.equal("1", response.headers["x-one"]) end
        local names = {}
        for name, value in pairs(response) do
          names[name] = true
          if name == "headers" then assert.are.equal("1", value["x-one"]) end
        end
        assert.are.same({
          status = true, headers = true, attempts = true, elapsed = true, url = true, extra = true, body = true,
          rate_limit = true,
        }, names)
        assert.are.equal(response.headers, response.headers)
        assert.is_nil(response.head)
        assert.is_nil(response.unknown)
      end
    end)

    it("leaves out limits that were not sent, and numbers that are none", function()
      server:reply(CALENDAR,
        { path = "/calendars/d", headers = { ["X-RateLimit-Max"] = "many" }, body = [[{"calendar":{}}]] })
      local client = new()
      local _, response = assert(client.calendars:get("c"))
      assert.is_nil(response.rate_limit)
      assert.is_nil(response.trace_id)
      _, response = assert(client.calendars:get("d"))
      assert.is_nil(response.rate_limit)
    end)
  end)

  describe("hooks:", function()
    local function hook_list()
      local events = {}
      return events, {
        request = function(event) events[#events + 1] = { "request", event } end,
        response = function(event) events[#events + 1] = { "response", event } end,
      }
    end

    it("are told of each request and each answer", function()
      server:reply(
        { path = "/calendars/c", body = [[{"calendar":{},"traceId":"t-1"}]] },
        { path = "/calendars/d", status = 404, body = [[{"message":"no","traceId":"t-2"}]] },
        { path = "/calendars/e", raw = "This is no HTTP", close = true })
      local events, hooks = hook_list()
      local client = new { on = hooks }
      local function check(id, kind, status, trace_id)
        local name, event = table.unpack(events[#events - 1])
        assert.are.equal("request", name)
        assert.are.same(
          { endpoint = "calendars:get", method = "GET", path = "/calendars/" .. id, attempt = 1 }, event)
        name, event = table.unpack(events[#events])
        assert.are.equal("response", name)
        assert.are.equal("number", type(event.elapsed))
        assert.is_true(event.elapsed >= 0)
        assert.are.equal("number", type(event.total)) -- more of the timing: see hooks_spec
        for timed in pairs { elapsed = 1, dns = 1, connect = 1, tls = 1, first_byte = 1, total = 1, reused = 1,
          http_version = 1 } do
          event[timed] = nil
        end
        assert.are.same({
          endpoint = "calendars:get", method = "GET", path = "/calendars/" .. id, attempt = 1, status = status,
          trace_id = trace_id, kind = kind,
        }, event)
      end
      assert(client.calendars:get("c"))
      check("c", nil, 200, "t-1")
      hoopai.run(function() expect.failure("not_found", client.calendars:get("d")) end)
      check("d", "not_found", 404, "t-2")
      expect.failure("protocol", client.calendars:get("e"))
      check("e", "protocol")
      assert.are.equal(6, #events)
    end)

    it("hold for the clients of client:with, too", function()
      server:reply(CALENDAR)
      local events, hooks = hook_list()
      assert(new({ on = hooks }):with({ timeout = 5 }).calendars:get("c"))
      assert.are.equal(2, #events)
    end)

    it("are told the method that was called", function()
      server:reply({ method = "PUT", body = "{}" }, { method = "DELETE", body = [[{"succeeded":true}]] })
      local events, hooks = hook_list()
      local client = new { on = hooks }
      assert(client.appointments:cancel("e"))
      assert.are.equal("appointments:cancel", events[1][2].endpoint)
      assert(client.block_slots:delete("e"))
      assert.are.equal("block_slots:delete", events[3][2].endpoint)
    end)

    it("are not told of what was never sent", function()
      local events, hooks = hook_list()
      expect.failure("invalid_request", new({ on = hooks }).calendars:get(""))
      assert.are.same({}, events)
    end)

    it("cannot wait", function()
      server:reply(CALENDAR, CALENDAR)
      local messages = {}
      local client
      local function try()
        local ok, message = pcall(hoopai.sleep, 0)
        messages[#messages + 1] = { ok, message }
        ok, message = pcall(function() return client.calendars:get("c") end)
        messages[#messages + 1] = { ok, message }
        ok, message = pcall(hoopai.run, function() end)
        messages[#messages + 1] = { ok, message }
      end
      client = new { on = { request = try } }
      assert(client.calendars:get("c"))
      hoopai.run(function() assert(client.calendars:get("c")) end)
      assert.are.equal(6, #messages)
      for _, entry in ipairs(messages) do
        assert.is_false(entry[1])
        assert.matches("on.request", entry[2], 1, true)
      end
    end)

    it("cannot yield: that is said by warn(), and the call goes on", function()
      server:reply(CALENDARS, CALENDARS)
      local text, ok = child.run(([[
        warn("@on")
        local hoopai = require "hoopai"
        local client <close> = hoopai.new { token = "t", base_url = %q, location_id = "l",
          on = { request = function() coroutine.yield(1) print "resumed" end } }
        assert(client.calendars:list())
        hoopai.run(function() assert(client.calendars:list()) end)
        print "all well"
      ]]):format(server.url))
      assert.is_true(ok, text)
      assert.matches("on.request: a hook may not yield.*on.request: a hook may not yield.*all well", text)
      assert.is_nil(text:find("resumed", 1, true))
    end)

    it("that raise are reported by warn() and do no harm", function()
      server:reply(CALENDARS, CALENDARS, CALENDARS)
      local text, ok = child.run(([[
        warn("@on")
        local hoopai = require "hoopai"
        local object = setmetatable({}, { __tostring = function() error("twice") end })
        local client <close> = hoopai.new { token = "t", base_url = %q, location_id = "l",
          on = { request = function() error("first hook") end, response = function() error("second hook") end } }
        assert(client.calendars:list())
        hoopai.run(function() assert(client.calendars:list()) end)
        local odd <close> = hoopai.new { token = "t", base_url = %q, location_id = "l",
          on = { request = function() error(object) end } }
        assert(odd.calendars:list())
        print("all well")
      ]]):format(server.url, server.url))
      assert.is_true(ok, text)
      assert.matches("all well", text)
      assert.matches("Lua warning: [^\n]*on%.request[^\n]*first hook", text)
      assert.matches("Lua warning: [^\n]*on%.response[^\n]*second hook", text)
      local _, count = text:gsub("Lua warning:", "")
      assert.are.equal(5, count)
    end)

    it("that yield do no harm: neither to their call nor to others", function()
      server:reply { path = "/calendars/c", times = 4, body = [[{"calendar":{"id":"c"}}]] }
      local bad = new { on = { request = function() coroutine.yield("gone") end } }
      local good = new()
      hoopai.run(function()
        assert.are.equal("c", assert(bad.calendars:get("c")).id)
        assert(good.calendars:get("c"))
      end)
      local thread = coroutine.create(function() return assert(bad.calendars:get("c")).id end)
      assert.are.same({ true, "c" }, { coroutine.resume(thread) })
      assert(good.calendars:get("c"))
    end)
  end)

  describe("connections:", function()
    it("are used again", function()
      server:reply { path = "/calendars/c", body = [[{"calendar":{}}]], times = 6 }
      local client = new()
      for _ = 1, 3 do assert(client.calendars:get("c")) end
      hoopai.run(function()
        for _ = 1, 3 do assert(client.calendars:get("c")) end
      end)
      local seen = {}
      for index, request in ipairs(server:ledger()) do seen[index] = request.connection end
      assert.are.same({ 1, 1, 1, 2, 2, 2 }, seen)
    end)

    it("carry no cookies", function()
      server:reply(
        { path = "/calendars/c", headers = { ["Set-Cookie"] = "session=1; Path=/" }, body = [[{"calendar":{}}]] },
        CALENDAR)
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
        for index = 1, 12 do hoopai.spawn(function() assert(client.calendars:get("c" .. index)) end) end
        expect.eventually(function() return server:count("arrived") >= 3 end, "three requests arrived")
        server:release("open")
      end)
      local most = 0
      local ledger = server:ledger()
      for _, request in ipairs(ledger) do most = math.max(most, request.at_once) end
      assert.are.equal(12, #ledger)
      assert.are.equal(3, most)
      assert.are.equal(3, #server:connections())
    end)

    it("serve the queue in order", function()
      server:reply { always = true, body = [[{"calendar":{}}]] }
      local client = new { max_connections = 1 }
      hoopai.run(function()
        for index = 1, 20 do hoopai.spawn(function() assert(client.calendars:get("c" .. index)) end) end
      end)
      for index, request in ipairs(server:ledger()) do assert.are.equal("/calendars/c" .. index, request.path) end
      assert.are.equal(20, #server:ledger())
    end)
  end)

  describe("the module", function()
    it("sends no change before all that finds out what became of it is loaded", function()
      server:reply({ method = "PUT", path = "/calendars/c", close = "before" },
        { path = "/calendars/c", body = [[{"calendar":{"id":"c","name":"Yoga"}}]] })
      local text, ok = child.run(([[
        local hoopai = require "hoopai"
        local client <close> = hoopai.new { token = "t", location_id = "l", base_url = %q }
        local function update() return client.calendars:update("c", { name = "Yoga" }) end
        package.preload["hoopai.call.reconcile"] = function() error "cannot be loaded just now" end
        assert(not pcall(update))
        package.preload["hoopai.call.reconcile"] = nil
        local calendar, response = update()
        assert(calendar and response.reconciled)
      ]]):format(server.url))
      assert.is_true(ok, text)
      local methods = {}
      for _, request in ipairs(server:ledger()) do methods[#methods + 1] = request.method end
      assert.are.same({ "PUT", "GET" }, methods)
    end)

    it("ends a call whose client a finaliser closes as it is sent", function()
      server:reply { path = "/calendars/c", always = true, body = [[{"calendar":{"id":"c"}}]] }
      for _, mode in ipairs { "block", "task" } do
        local text, ok = child.run(([[
          local core, hoopai = require "hoopai.core", require "hoopai"
          local send = debug.getmetatable(core.multi {}).__index.send
          local client, hits = nil, 0
          local function trap()
            setmetatable({}, { __gc = function()
              if debug.getinfo(2, "f").func ~= send then return trap() end
              hits = hits + 1
              client:close()
            end })
          end
          require("spec.support.collector").pace(10, 400, 10) -- finalisers run again and again
          for _ = 1, 2000 do
            local before = hits
            client = hoopai.new { token = "t", base_url = %q, timeout = 5 }
            trap()
            local function get() return select(2, client.calendars:get "c") end
            local response
            if %q == "task" then response = hoopai.run(get) else response = get() end
            assert(hits == before and response.status == 200 or response.kind == "closed", tostring(response))
            if hits == 3 then break end
          end
          assert(hits > 0, "no finaliser ran in time")
        ]]):format(server.url, mode))
        assert.is_true(ok, text)
      end
    end)

    it("leaves no request in flight when the host's loop fails as its task is cancelled", function()
      server:reply { path = "/calendars/c", always = true, delay = 0.3, body = [[{"calendar":{"id":"c"}}]] }
      local text, ok = child.run(([[
        local core, hoopai = require "hoopai.core", require "hoopai"
        local multis, multi = {}, core.multi
        function core.multi(options)
          multis[#multis + 1] = multi(options)
          return multis[#multis]
        end
        local fails = false
        hoopai.use { name = "own", changed = function() assert(not fails, "the host's own slip") end }
        local client = hoopai.new { token = "t", base_url = %q, rate_limit = true }
        local tasks = {}
        -- More than are sent while the budget is unknown, so that somebody is to be told.
        for index = 1, 22 do tasks[index] = hoopai.spawn(function() return client.calendars:get("c") end) end
        for _ = 1, 3 do hoopai.loop.step() end
        assert(select(2, multis[1]:count()) == 20)
        fails = true
        local fine, problem = pcall(tasks[1].cancel, tasks[1])
        fails = false
        assert(not fine and problem:find("own slip", 1, true), problem)
        print(select(2, multis[1]:count()))
        os.exit(true, false)
      ]]):format(server.url))
      assert.are.equal("19\n", text)
      assert.is_true(ok)
    end)
  end)
end)
