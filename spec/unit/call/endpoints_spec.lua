-- Every endpoint, called by its public name, against a server that records what really goes over the wire.

local cases = require "spec.support.endpoint_cases"
local child = require "spec.support.child"
local endpoints = require "hoopai.call.endpoints"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local json = require "spec.support.json"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

local misuse = expect.misuse

local TOKEN = "pit-6f1c2f6e-recorded-by-the-test-server"

-- An id that would change the endpoint if it were put into the path as it is.
local HOSTILE = "a b;..?c=d&e#f%00:@ä"
local HOSTILE_ENCODED = "a%20b%3B..%3Fc%3Dd%26e%23f%2500%3A%40%C3%A4"

local function title_of(case) return case.name .. (case.title and " " .. case.title or "") end

local function pairs_of(query)
  local list = {}
  for pair in (query or ""):gmatch("[^&]+") do
    list[#list + 1] = pair
  end
  table.sort(list)
  return list
end

local function sorted(list)
  local copy = { table.unpack(list or {}) }
  table.sort(copy)
  return copy
end

--- Each header name, lower case, and how often it came.
local function names_of(headers)
  local names = {}
  for _, pair in ipairs(headers) do
    local name = pair[1]:lower()
    names[name] = (names[name] or 0) + 1
  end
  return names
end

describe("hoopai.call.endpoints:", function()
  local server, client

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(function()
    leak.before()
    client = leak.client { token = TOKEN, base_url = server.url, location_id = cases.LOCATION }
  end)
  after_each(function() leak.after(server) end)

  --- Plays the case and returns what the server saw, and what the call returned.
  local function play(case, ids, in_task)
    server:reply { status = case.status, body = case.answer }
    local results
    if in_task then
      results = hoopai.run(function() return table.pack(case.call(client, table.unpack(ids))) end)
    else
      results = table.pack(case.call(client, table.unpack(ids)))
    end
    local ledger = server:ledger()
    assert.are.equal(1, #ledger, tostring(results[2]))
    return ledger[1], results[1], results[2], results.n
  end

  local function check_request(case, request, path)
    assert.are.equal(case.method, request.method)
    assert.are.equal(path, request.path)
    assert.are.same(sorted(case.query), pairs_of(request.query))
    assert.is_nil(request.target:match("%?$"))
    if case.body then
      assert.are.same(json.read(case.body), json.read(request.body))
    else
      assert.are.equal("", request.body)
    end
  end

  local function check_headers(case, request)
    local expected = {
      ["host"] = 1,
      ["authorization"] = 1,
      ["version"] = 1,
      ["accept"] = 1,
      ["user-agent"] = 1,
      ["accept-encoding"] = 1,
    }
    if case.body then expected["content-type"] = 1 end
    if case.body or case.method == "PUT" or case.method == "POST" then expected["content-length"] = 1 end
    assert.are.same(expected, names_of(request.headers))
    assert.are.equal("1.1", request.version)
    assert.are.equal("Bearer " .. TOKEN, request.header.authorization)
    assert.are.equal(case.version or "2021-07-28", request.header.version)
    assert.are.equal("application/json", request.header.accept)
    assert.are.equal("127.0.0.1:" .. server.port, request.header.host)
    assert.matches("^hoopai", request.header["user-agent"])
    assert.matches("gzip", request.header["accept-encoding"])
    if case.body then
      assert.matches("^application/json", request.header["content-type"])
      assert.are.equal(#request.body, tonumber(request.header["content-length"]))
    end
  end

  local function check_result(case, result, response, path)
    assert.are.same(case.result, result)
    assert.are.equal(case.status, response.status)
    assert.are.same(case.extra, response.extra)
    assert.are.equal(case.trace_id, response.trace_id)
    assert.is_nil(response.unexpected)
    assert.are.equal(1, response.attempts)
    assert.are.equal(server.url .. path, response.url)
    assert.are.equal("application/json; charset=utf-8", response.headers["content-type"])
    assert.is_true(response.elapsed >= 0 and response.elapsed < 20)
    assert.are.equal("table", type(response.body))
  end

  for _, case in ipairs(cases.list) do
    it(title_of(case), function()
      local request, result, response, count = play(case, case.ids)
      check_request(case, request, case.path)
      check_headers(case, request)
      assert.are.equal(2, count)
      check_result(case, result, response, case.path)
    end)

    it(title_of(case) .. ", in a task", function()
      local request, result, response, count = play(case, case.ids, true)
      check_request(case, request, case.path)
      check_headers(case, request)
      assert.are.equal(2, count)
      check_result(case, result, response, case.path)
    end)

    if #case.ids > 0 then
      it(title_of(case) .. " sends an id as one segment of the path", function()
        local path, ids = case.path, {}
        for index, id in ipairs(case.ids) do
          local first, last = path:find(id, 1, true)
          path = path:sub(1, first - 1) .. HOSTILE_ENCODED .. path:sub(last + 1)
          ids[index] = HOSTILE
        end
        local request, _, response = play(case, ids)
        check_request(case, request, path)
        assert.are.equal(server.url .. path, response.url)
      end)

      it(title_of(case) .. " sends nothing for an impossible id", function()
        for position in ipairs(case.ids) do
          for _, wrong in ipairs {
            "",
            ".",
            "..",
            "a\0b",
            "a\r\nb",
            "\127",
            ("x"):rep(513),
            "a/../b",
            "a\\b",
            "%2F",
            "%252e",
          } do
            local ids = { table.unpack(case.ids) }
            ids[position] = wrong
            local result, err = case.call(client, table.unpack(ids))
            assert.is_nil(result)
            assert.are.equal("invalid_request", err.kind)
            assert.are.equal("no", err.applied)
            assert.are.equal(1, #err.details)
          end
        end
        assert.are.equal(0, #server:ledger())
      end)
    end
  end

  it("integers of a response are Lua integers", function()
    server:reply { body = [[{"calendar":{"slotDuration":30,"slotBuffer":15.0,"priority":0.5,"big":1730073600000}}]] }
    local calendar = assert(client.calendars:get("c"))
    assert.are.equal("integer", math.type(calendar.slotDuration))
    assert.are.equal("integer", math.type(calendar.slotBuffer))
    assert.are.equal("float", math.type(calendar.priority))
    assert.are.equal("1730073600000", tostring(calendar.big))
  end)

  it("whole numbers are sent without a fraction", function()
    server:reply({ body = [[{"notes":[]}]] }, { body = [[{"calendar":{}}]] }, { body = "{}" })
    assert(client.notes:list("a", { limit = 7.0, offset = 2 ^ 40 }))
    assert.are.same({ "limit=7", "offset=1099511627776" }, pairs_of(server:last().query))
    assert(client.calendars:update("c", { slotDuration = 30.0, appoinmentPerDay = 123456789012345 }))
    assert.are.same(json.read [[{"slotDuration":30,"appoinmentPerDay":123456789012345}]], json.read(server:last().body))
    assert(client.calendars:free_slots("c", { startDate = 1730073600000.0, endDate = 1730160000000 }))
    assert.are.same({ "endDate=1730160000000", "startDate=1730073600000" }, pairs_of(server:last().query))
  end)

  it("a location is filled in only where the endpoint declares one", function()
    local with_location = {}
    for _, case in ipairs(cases.list) do
      if not case.title then
        server:reply { status = case.status, body = case.answer }
        assert(case.call(client, table.unpack(case.ids)))
        local request = server:last()
        if (request.target .. request.body):find(cases.LOCATION, 1, true) then with_location[case.endpoint] = true end
      end
    end
    assert.are.same({
      ["GET /calendars/"] = true,
      ["POST /calendars/"] = true,
      ["GET /calendars/groups"] = true,
      ["POST /calendars/groups"] = true,
      ["POST /calendars/groups/validate-slug"] = true,
      ["GET /calendars/events"] = true,
      ["GET /calendars/blocked-slots"] = true,
      ["POST /calendars/events/appointments"] = true,
      ["POST /calendars/events/block-slots"] = true,
      ["PUT /calendars/events/block-slots/{eventId}"] = true,
      ["GET /calendars/resources/{resourceType}"] = true,
      ["POST /calendars/resources/{resourceType}"] = true,
      ["PUT /calendars/resources/{resourceType}/{id}"] = true,
      ["GET /calendars/schedules/search"] = true,
      ["POST /calendars/schedules"] = true,
      ["GET /calendars/services/catalog"] = true,
      ["POST /calendars/services/catalog"] = true,
      ["GET /calendars/services/bookings"] = true,
      ["POST /calendars/services/bookings"] = true,
      ["GET /calendars/services/locations"] = true,
      ["POST /calendars/services/locations"] = true,
      ["POST /contacts/upsert"] = true,
      ["GET /users/search"] = true,
    }, with_location)
  end)

  it("no location is filled in where it is not declared, with the checks off either", function()
    server:reply({ body = "{}", times = 2 }, { body = "{}" })
    local window = { startDate = 1730073600000, endDate = 1730160000000 }
    for _, validate in ipairs { true, false } do
      assert(client.calendars:free_slots("c", window, { location_id = "l", validate = validate }))
      assert.are.equal("/calendars/c/free-slots?startDate=1730073600000&endDate=1730160000000", server:last().target)
    end
    assert(client.appointments:update("a", { title = "x" }, { location_id = "l", validate = false }))
    assert.are.same({ title = "x" }, json.read(server:last().body))
  end)

  it("an empty list is sent as a list with the checks off, too", function()
    local unchecked = client:with { validate = false }
    server:reply({ body = [[{"schedule":{}}]] }, { body = [[{"calendar":{}}]] }, { body = "[]" })
    assert(unchecked.schedules:update("s", { rules = {} }))
    assert(unchecked.calendars:update("c", {
      openHours = { { daysOfTheWeek = {}, hours = {} } },
      teamMembers = {},
      unknown = hoopai.array {},
      free = {},
    }))
    assert(unchecked.notifications:create("c", {}))
    local ledger = server:ledger()
    assert.are.same(json.read [[{"rules":[]}]], json.read(ledger[1].body))
    assert.are.same(
      json.read [[{
      "openHours": [ { "daysOfTheWeek": [], "hours": [] } ], "teamMembers": [], "unknown": [], "free": {} }]],
      json.read(ledger[2].body)
    )
    assert.are.same(json.read "[]", json.read(ledger[3].body))
  end)

  it("what get returned can be changed and given to update", function()
    server:reply({
      body = [[{ "calendar": { "name": "Yoga", "openHours": [], "availabilityType": null,
      "slotDuration": 30, "teamMembers": [ { "userId": "u", "locationConfigurations": [] } ] } }]],
    }, { body = [[{"calendar":{}}]] })
    local calendar = assert(client.calendars:get("c"))
    calendar.slotDuration = 45
    assert(client.calendars:update("c", calendar))
    assert.are.same(
      json.read [[{ "name": "Yoga", "openHours": [], "availabilityType": null, "slotDuration": 45,
      "teamMembers": [ { "userId": "u", "locationConfigurations": [] } ] }]],
      json.read(server:last().body)
    )
  end)

  it("read-only fields are named, with the advice to leave them out", function()
    local result, err = client.calendars:update("c", { id = "c", locationId = "l", name = "Yoga" })
    assert.is_nil(result)
    assert.are.equal("invalid_request", err.kind)
    assert.are.equal(2, #err.details)
    for index, name in ipairs { "id", "locationId" } do
      assert.are.equal(name, err.details[index].path)
      assert.matches("read%-only", err.details[index].problem)
      assert.matches("leave it out", err.details[index].problem)
    end
    assert.are.equal(0, #server:ledger())
  end)

  it("a refusal of the API for which the endpoint knows the way out says it", function()
    local block = { calendarId = "c", startTime = "2026-01-05T10:00:00Z", endTime = "2026-01-05T11:00:00Z" }
    for _, message in ipairs { "The calendar is not an event calendar.", "Something else." } do
      server:reply { status = 400, body = ('{"statusCode":400,"message":"%s"}'):format(message) }
      local result, err = client.block_slots:create(block)
      assert.is_nil(result)
      assert.are.equal(1, (err.message:find(message, 1, true)))
      assert.are.equal(message ~= "Something else.", err.message:find("assignedUserId", 1, true) ~= nil)
    end
  end)

  describe("the methods of a resource:", function()
    it("a missing colon raises", function()
      misuse(function() client.calendars.list() end, "colon", "calendars:list")
      misuse(function() client.calendars.get("c") end, "colon", "calendars:get")
      misuse(function() client.calendars.get(client, "c") end, "colon")
      misuse(function() client.calendars.list({}) end, "colon")
    end)

    it("an unknown one raises, with a suggestion", function()
      misuse(function() client.calendars:lst() end, "client.calendars", "`lst`", "did you mean `list`?")
      misuse(function() client.calendars:freeSlots("c") end, "did you mean `free_slots`?")
      misuse(function() client.appointments:zzzz() end, "`zzzz`", "it has", "cancel", "create", "get")
      misuse(function() client.events:get("e") end, "`get`")
      misuse(function() return client.calendars[1] == nil end, "`1`")
    end)

    it("are shared by the objects of all clients", function()
      local other = leak.client { token = "t", base_url = server.url }
      assert.are_not.equal(client.calendars, other.calendars)
      assert.are.equal(client.calendars.get, other.calendars.get)
      assert.are.equal("hoopai.calendars", tostring(other.calendars))
      local state = endpoints.state_of(other.calendars, "calendars:get")
      assert.are.equal(other, state.client)
      assert.are_not.equal(state, endpoints.state_of(client.calendars, "calendars:get"))
    end)

    it("include those that are added", function()
      assert.are.equal("function", type(client.appointments.book))
      misuse(function() client.appointments.book({}) end, "colon", "appointments:book")
    end)
  end)

  describe("find", function()
    it("returns an endpoint, always the same one, with the fields of its data", function()
      local endpoint = endpoints.find "notes.update"
      assert.are.equal(endpoint, endpoints.find "notes.update")
      assert.are.same({ "notes:update", "PUT", 2, 4, "idempotent", "list", "notes:list" }, {
        endpoint.id,
        endpoint.method,
        endpoint.id_count,
        endpoint.most_arguments,
        endpoint.retry,
        endpoint.reconcile,
        endpoint.reader().id,
      })
      assert.is_true(endpoint.sends_body)
      assert.is_nil(endpoints.find "notes.no_such_method")
    end)

    it("returns no reader for what cannot be reconciled", function()
      for _, key in ipairs { "notes.list", "events.delete" } do
        assert.is_nil(endpoints.find(key).reader, key)
      end
    end)
  end)

  it("sends no change before all that reconciles it is loaded", function()
    server:reply(
      { method = "PUT", path = "/calendars/c", close = "before" },
      { path = "/calendars/c", body = [[{"calendar":{"id":"c","name":"Yoga"}}]] }
    )
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
    for _, request in ipairs(server:ledger()) do
      methods[#methods + 1] = request.method
    end
    assert.are.same({ "PUT", "GET" }, methods)
  end)
end)
