-- The request of a call: its arguments, the checks, and what its attempts send.

local calls = require "spec.support.calls"
local core = require "hoopai.core"
local endpoints = require "hoopai.call.endpoints"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local json = require "spec.support.json"
local leak = require "spec.support.leak"
local request = require "hoopai.call.request"
local servers = require "spec.support.server"

local failure, misuse = expect.failure, expect.misuse

local TOKEN = "pit-0b3c4d5e-request-spec"
local LOCATION, OTHER = "ve9EPM428h8vShlRW1KT", "C2QujeCh8ZnC7al2InWR"
local CALENDARS = { path = "/calendars/", body = [[{"calendars":[]}]] }
local CALENDAR = { method = "GET", path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] }

describe("hoopai.call.request:", function()
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

  describe("wrong arguments raise at the caller's line:", function()
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

    it("unknown options, and those of a client", function()
      misuse(function() client.calendars:list(nil, "fast") end, "options of calendars:list", "string")
      misuse(function() client.calendars:get("c", { timout = 1 }) end, "`timout`", "calendars:get", "`timeout`")
      misuse(function() client.calendars:get("c", { timeout = 0 }) end, "`timeout`", "calendars:get")
      misuse(function() client.calendars:get("c", { token = "t" }) end, "`token`")
      misuse(function() client.calendars:get("c", { base_url = "https://x" }) end, "`base_url`")
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
      assert.matches("^[^\n]*request_spec%.lua:%d+: hoopai: calendars:get needs calendarId", raised)
    end)
  end)

  describe("the options of a call:", function()
    it("headers are sent, and replace those of the client", function()
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

    it("api_version, which overrides that of the endpoint, as the client's does not", function()
      local client = new { api_version = "2023-02-21" }
      local function version(endpoint, ...)
        server:reply { body = [[{"services":[],"calendars":[]}]] }
        assert(client[endpoint]:list(nil, ...))
        return server:last().header.version
      end
      assert.are.equal("v3", version "services")
      assert.are.equal("v3", version("services", { timeout = 3 }))
      assert.are.equal("v4", version("services", { api_version = "v4" }))
      assert.are.equal("2023-02-21", version("services", { api_version = "2023-02-21" }))
      assert.are.equal("v3", version "services")
      assert.are.equal("2023-02-21", version "calendars")
      assert.are.equal("v3", version("calendars", { api_version = "v3" }))
      client = client:with { api_version = "v5" }
      assert.are.equal("v3", version "services")
      assert.are.equal("v5", version "calendars")
    end)

    it("api_version, in the reading that reconciles a change too", function()
      server:reply(
        { method = "PUT", path = "/calendars/services/catalog/s", status = 500 },
        { path = "/calendars/services/catalog/s", body = [[{"service":{"id":"s","name":"New"}}]] }
      )
      assert(new({ retries = 2 }).services:update("s", { name = "New" }, { api_version = "2021-04-15" }))
      assert.are.equal("2021-04-15", server:last().header.version)
    end)

    it("switches of a query beside the fields of a body", function()
      local function sent(given, options)
        server:reply { body = [[{"bookingId":"b"}]] }
        assert(new().service_bookings:update("b", given, options))
        return server:last().query, core.decode(server:last().body)
      end
      local start = "2026-01-05T10:00:00-05:00"
      local flags, body = sent { startTime = start, skipSchedulingNotice = true, overrideAvailability = false }
      assert.are.same(
        { "overrideAvailability=false&skipSchedulingNotice=true", { startTime = start } },
        { flags, body }
      )
      flags, body = sent({ startTime = start, overrideAvailability = true, x = 1 }, { validate = false })
      assert.are.same({ "overrideAvailability=true", { startTime = start, x = 1 } }, { flags, body })
      assert.are.same({ "", { startTime = start } }, { sent { startTime = start } })
      local err = failure("invalid_request", new().service_bookings:update("b", { skipSchedulingNotice = "yes" }))
      assert.are.equal("skipSchedulingNotice", err.details[1].path)
      err = failure("invalid_request", new().service_bookings:update("b", { skipSchedulingNotice = true }))
      assert.matches("the body is empty, nothing would change", err.message)
    end)

    it("location_id, which an explicit locationId overrides", function()
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
      expect.within(15, function() expect.failure("timeout", new().calendars:get("c", { timeout = 0.1 })) end)
    end)

    it("nil stands for none", function()
      server:reply(CALENDARS, CALENDAR)
      assert(new().calendars:list(nil, nil))
      assert(new().calendars:get("c", nil))
    end)
  end)

  describe("the checks before sending", function()
    it("name all problems at once, with suggestions, and send nothing", function()
      local err = expect.failure(
        "invalid_request",
        new().appointments:create {
          calendarId = "c",
          contctId = "x",
          startTime = "2024-10-28T10:00:00",
          title = 5,
          status = "new",
        }
      )
      assert.are.equal("no", err.applied)
      assert.is_nil(err.status)
      assert.is_nil(err.response)
      assert.are.equal("POST", err.method)
      assert.are.equal("/calendars/events/appointments", err.path)
      assert.is_false(err.retryable)
      assert.are.equal(0, err.attempts)
      local problems = {}
      for _, detail in ipairs(err.details) do
        problems[detail.path] = detail
      end
      assert.are.equal("contactId", problems.contctId.suggestion)
      assert.is_truthy(problems.contactId)
      assert.matches("offset", problems.startTime.problem)
      assert.matches("string", problems.title.problem)
      assert.are.equal("appointmentStatus", problems.status.suggestion)
      local count = 0
      for _ in pairs(problems) do
        count = count + 1
      end
      assert.are.equal(5, count)
      assert.matches("appointments:create", tostring(err), 1, true)
      assert.are.equal(0, #server:ledger())
    end)

    it("know the words that a path may have", function()
      local err = expect.failure("invalid_request", new().resources:list("room"))
      assert.are.equal("resourceType", err.details[1].path)
      assert.matches("rooms", err.details[1].problem)
      err = expect.failure("invalid_request", new().resources:get("Rooms", "r"))
      assert.are.equal("resourceType", err.details[1].path)
      assert.are.equal(0, #server:ledger())
      server:reply { path = "/calendars/resources/halls", body = "[]" }
      assert(new().resources:list("halls", nil, { validate = false }))
    end)

    it("refuse an id that is a word of the API's paths, also with `validate = false`", function()
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

    it("say of an option in the query where it belongs", function()
      for _, name in ipairs { "timeout", "location_id", "headers", "validate", "api_version", "queue_timeout" } do
        local err = expect.failure("invalid_request", new().calendars:list { [name] = 5 })
        assert.are.equal(name, err.details[1].path)
        assert.matches("last argument", err.details[1].problem)
      end
    end)
  end)

  describe("from_arguments", function()
    local state

    before_each(
      function() state = calls.state { token = TOKEN, base_url = "http://127.0.0.1:1/v9", location_id = LOCATION } end
    )

    local function prepare(key, ...) return request.from_arguments(state, endpoints.find(key), ...) end

    it("returns what every attempt sends", function()
      local prepared = assert(prepare("calendars.get", "a b"))
      assert.are.equal(endpoints.find "calendars.get", prepared.endpoint)
      assert.are.same({ "/calendars/a%20b", "/calendars/a%20b" }, { prepared.path, prepared.target })
      assert.are.equal(state.settings, prepared.options)
      assert.are.equal(state.shared.source, prepared.source)
      assert.is_nil(prepared.body)
      assert.are.equal("userdata", type(prepared.request))

      prepared = assert(prepare("notes.list", "a", { limit = 5 }, { timeout = 2 }))
      assert.are.same(
        { "/calendars/appointments/a/notes", "/calendars/appointments/a/notes?limit=5&offset=0" },
        { prepared.path, prepared.target }
      )
      assert.are.same({ 2, "2021-07-28" }, { prepared.options.timeout, prepared.options.api_version })

      prepared = assert(prepare("notes.create", "a", { body = "x" }))
      assert.are.same({ body = "x" }, json.read(prepared.body))
    end)

    it("gives the rate limit of the location that the call is about", function()
      local function location(...) return assert(prepare(...)).rate_limit_key end
      assert.are.equal(LOCATION, location("calendars.get", "c"))
      assert.are.equal(LOCATION, location("calendars.list"))
      assert.are.equal(OTHER, location("calendars.get", "c", { location_id = OTHER }))
      assert.are.equal(OTHER, location("calendars.list", { locationId = OTHER }, { location_id = "third" }))
      assert.are.equal(OTHER, location("groups.validate_slug", { slug = "s", locationId = OTHER }))
      state.settings.location_id = nil
      assert.are.equal("", location("calendars.get", "c"))
    end)

    it("keeps ids and fields of a change that can be reconciled", function()
      local prepared = assert(prepare("notes.update", "a", "n", { body = "x" }))
      assert.are.same({ "a", "n" }, prepared.ids)
      assert.are.same({ body = "x" }, prepared.fields)
      assert.is_nil(assert(prepare("notes.create", "a", { body = "x" })).ids)
      assert.is_nil(assert(prepare("notes.list", "a")).ids)
    end)

    it("makes the core's request once for all calls without headers or version of their own", function()
      local first = assert(prepare("calendars.get", "c")).request
      assert.are.equal(first, assert(prepare("calendars.get", "d", { timeout = 1 })).request)
      assert.are_not.equal(first, assert(prepare("calendars.get", "c", { api_version = "v3" })).request)
      assert.are_not.equal(first, assert(prepare("calendars.get", "c", { headers = { ["X-A"] = "b" } })).request)
      assert.are_not.equal(first, assert(prepare("calendars.list")).request)
      assert.are.equal(first, assert(prepare("calendars.get", "c")).request)
    end)

    it("lists the problems of ids, query and body together", function()
      local err = failure("invalid_request", prepare("notes.update", "..", "notes", { body = 5 }))
      local paths = {}
      for index, detail in ipairs(err.details) do
        paths[index] = detail.path
      end
      assert.are.same({ "appointmentId", "noteId", "body" }, paths)
      assert.are.equal("an id", err.details[1].expected)
      assert.are.same(
        { "PUT", "/calendars/appointments/{appointmentId}/notes/{noteId}", 0, "no", false },
        { err.method, err.path, err.attempts, err.applied, err.retryable }
      )
      assert.matches("^notes:update", err.message)
    end)

    it("says at which place of a body a value cannot be JSON", function()
      local err = failure(
        "invalid_request",
        prepare("calendars.create", { name = "x", notifications = { { a = 0 / 0 } } }, { validate = false })
      )
      assert.are.same({ "notifications[1].a", "a JSON value" }, { err.details[1].path, err.details[1].expected })
    end)

    it("takes the token of the location from an app, and refuses another location", function()
      local asked = {}
      state.shared.app = {
        source = function(_, location_id, company_id)
          asked[#asked + 1] = location_id .. "/" .. tostring(company_id)
          return "the source"
        end,
      }
      assert.are.equal("the source", assert(prepare("calendars.list")).source)
      state.settings.company_id = "company"
      assert(prepare("calendars.get", "c", { location_id = OTHER }))
      assert.are.same({ LOCATION .. "/nil", OTHER .. "/company" }, asked)
      for _, refused in ipairs {
        { "calendars.list", { locationId = OTHER } },
        { "groups.validate_slug", { slug = "s", locationId = OTHER } },
        { "calendars.list", { locationId = OTHER }, { validate = false } },
      } do
        local err = failure("invalid_request", prepare(table.unpack(refused)))
        assert.are.same({ "locationId", LOCATION }, { err.details[1].path, err.details[1].expected })
        assert.matches("use client:with", err.details[1].problem, 1, true)
      end
      assert(prepare("calendars.list", { locationId = OTHER }, { location_id = OTHER }))
      assert(prepare("calendars.list", { locationId = LOCATION }))
    end)
  end)

  it("request.options are those of the call, and the client's for all others", function()
    local settings = { timeout = 30, retries = 2, headers = { a = "b" } }
    assert.are.equal(settings, request.options(settings, nil))
    local chosen = request.options(settings, { timeout = 1, retries = false })
    assert.are.same({ 1, false, settings.headers }, { chosen.timeout, chosen.retries, chosen.headers })
  end)
end)
