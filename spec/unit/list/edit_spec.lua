-- edit: what is read, what the function may change, and what is sent.

local api = require "hoopai.api"
local core = require "hoopai.core"
local endpoints = require "hoopai.call.endpoints"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local json = require "spec.support.json"
local leak = require "spec.support.leak"
local list = require "hoopai.list"
local servers = require "spec.support.server"

local failure, misuse = expect.failure, expect.misuse
local null, time = hoopai.null, hoopai.time

local TOKEN = "pit-0b3c4d5e-edit-spec"
local EVENT = "/calendars/events/appointments/a"

describe("hoopai.list.edit", function()
  local server, client

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  before_each(function()
    leak.before()
    client = leak.client { token = TOKEN, base_url = server.url, location_id = "l" }
  end)
  after_each(function() leak.after(server) end)

  local CALENDAR = [[{"calendar":{
    "id":"c","locationId":"l","name":"Old","calendarType":"round_robin","slotDuration":30,"eventColor":"#1",
    "availabilityType":null,"description":"A room",
    "teamMembers":[
      {"userId":"u1","priority":0.5,"meetingLocation":"x","selected":true,
       "locationConfigurations":[{"kind":"custom","location":"here","meetingId":"m1"}]},
      {"userId":"u2","priority":1}],
    "openHours":[{"daysOfTheWeek":[1],"hours":[{"openHour":8,"openMinute":0,"closeHour":9,"closeMinute":0}]}],
    "lookBusyConfig":{"enabled":true,"LookBusyPercentage":20},
    "newField":{"a":1}}}]]

  local function get(path, body) return { method = "GET", path = path, body = body } end
  local function put(path, body) return { method = "PUT", path = path, body = body or '{"calendar":{"id":"c"}}' } end

  local function calendar() return get("/calendars/c", CALENDAR) end

  local function appointment(fields)
    local all = {
      id = "a",
      calendarId = "c",
      locationId = "l",
      contactId = "k",
      title = "Visit",
      appointmentStatus = "confirmed",
      appoinmentStatus = "confirmed",
      startTime = "2026-12-01T10:00:00-05:00",
      endTime = "2026-12-01T10:45:00-05:00",
      dateUpdated = "2026-11-01T00:00:00.000Z",
    }
    for name, value in pairs(fields or {}) do
      all[name] = value or nil
    end
    local parts = {}
    for name, value in pairs(all) do
      parts[#parts + 1] = ("%q:%q"):format(name, value)
    end
    return get(EVENT, '{"event":{' .. table.concat(parts, ",") .. "}}")
  end

  --- The bodies that were sent.
  local function sent()
    local bodies = {}
    for _, entry in ipairs(server:ledger()) do
      if entry.method == "PUT" then bodies[#bodies + 1] = json.read(entry.body) end
    end
    return bodies
  end

  local function edit_calendar(fn, options) return client.calendars:edit("c", fn, options) end

  --- What is sent when the function changes the calendar.
  local function body_of(fn)
    server:reply(calendar(), put "/calendars/c")
    local result, response = assert(edit_calendar(fn))
    assert.are.same({ id = "c" }, result)
    assert.is_nil(response.unchanged)
    local bodies = sent()
    assert.are.equal(1, #bodies)
    assert.are.equal(2, #server:ledger())
    server:reset()
    return bodies[1]
  end

  --- The problems of what the function does, of which nothing is sent.
  local function problems_of(call, ...)
    local record, err = call(...)
    failure("invalid_request", record, err, { applied = "no" })
    assert.matches("edit_spec.lua:%d+", err.where)
    local found = {}
    for index, detail in ipairs(err.details) do
      found[index] = detail.path .. ": " .. detail.problem
    end
    assert.are.equal(0, #sent())
    return found
  end

  it("is a method of every resource that can be read by id and updated", function()
    local found = {}
    for _, name in ipairs(api) do
      for _, method in ipairs(list.derived(name, require("hoopai.api." .. name))) do
        if method[1] == "edit" then found[#found + 1] = name end
      end
    end
    assert.are.same({
      "calendars",
      "groups",
      "appointments",
      "resources",
      "notifications",
      "schedules",
      "event_schedules",
      "services",
      "service_bookings",
      "service_locations",
    }, found)
    for _, name in ipairs(found) do
      local get_endpoint, update = endpoints.find(name .. ".get"), endpoints.find(name .. ".update")
      assert.are.equal(get_endpoint.path, update.path)
    end
  end)

  describe("a service booking", function()
    local PATH = "/calendars/services/bookings/b"
    local BOOKING = [[{"bookingId":"b","locationId":"l","contactId":"k","title":"Visit","status":"confirmed",
      "startTime":"2026-12-01T10:00:00-05:00","endTime":"2026-12-01T10:45:00-05:00","timezone":"America/New_York",
      "services":[{"id":"s1","serviceCategoryId":"c","serviceStaffId":"u1","serviceStartTime":"","serviceEndTime":"",
        "serviceAddOns":[{"id":"a1","quantity":2}],"serviceResources":[]}]}]]

    local function sent_of(fn)
      server:reply(get(PATH, BOOKING), put(PATH, BOOKING))
      assert(client.service_bookings:edit("b", fn))
      local body = core.decode(server:last().body)
      server:reset()
      return body
    end

    it("is read under other names than it is written, and keeps its staff", function()
      assert.are.same({ title = "New" }, sent_of(function(record) record.title = "New" end))
      local function services_of(fn) return sent_of(fn).services end
      local addition = { id = "a1", quantity = 3 }
      assert.are.same(
        { { id = "s1", staffId = "u1", addOns = { addition } } },
        services_of(function(record) record.services[1].serviceAddOns[1].quantity = 3 end)
      )
      addition.quantity = 2
      assert.are.same(
        { { id = "s1", staffId = "u2", addOns = { addition } } },
        services_of(function(record) record.services[1].serviceStaffId = "u2" end)
      )
      assert.are.same(
        { { id = "s1", staffId = "u3", addOns = { addition } } },
        services_of(function(record) record.services[1].staffId = "u3" end)
      )
      assert.are.same(
        { { id = "s1", staffId = "u1", addOns = { addition } }, { id = "s2" } },
        services_of(function(record) record.services[2] = { id = "s2" } end)
      )
    end)

    it("refuses a change of what only the API sets", function()
      server:reply(get(PATH, BOOKING))
      local found = problems_of(function(fn) return client.service_bookings:edit("b", fn) end, function(record)
        record.services[1].serviceStartTime = "2026-12-01T11:00:00-05:00"
        record.contactId = "other"
      end)
      assert.are.same({
        "contactId: is read-only here: leave it as it is, it can only be set by service_bookings:create",
        "services[1].serviceStartTime: is read-only: leave it as it is",
      }, found)
    end)

    it("that is another one is not changed", function()
      server:reply(get(PATH, (BOOKING:gsub('"b"', '"x"'))))
      local record, err = client.service_bookings:edit("b", function(draft) draft.title = "New" end)
      failure("decode", record, err, { applied = "no" })
      assert.are.equal(0, #sent())
    end)
  end)

  it("sends what changed, and nothing else", function()
    assert.are.same({ name = "New" }, body_of(function(record) record.name = "New" end))
    assert.are.same(
      { slotDuration = { number = "45" }, eventTitle = "T" },
      body_of(function(record)
        record.slotDuration, record.eventTitle = 45, "T"
        record.eventColor = "#1"
      end)
    )
  end)

  it("sends an object or a list that changed whole, without what the update refuses", function()
    assert.are.same(
      { lookBusyConfig = { enabled = false, LookBusyPercentage = { number = "20" } } },
      body_of(function(record) record.lookBusyConfig.enabled = false end)
    )
    local first = {
      userId = "u1",
      priority = { number = "0.5" },
      locationConfigurations = { ["[]"] = 1, { kind = "custom", location = "there" } },
    }
    assert.are.same(
      { teamMembers = { ["[]"] = 2, first, { userId = "u2", priority = { number = "1" } } } },
      body_of(function(record) record.teamMembers[1].locationConfigurations[1].location = "there" end)
    )
    first.locationConfigurations[1].location = "here"
    assert.are.same(
      { teamMembers = { ["[]"] = 2, { userId = "u3" }, first } },
      body_of(function(record)
        table.remove(record.teamMembers, 2)
        table.insert(record.teamMembers, 1, { userId = "u3" })
      end)
    )
    -- A list of one's own with the objects of the record.
    assert.are.same(
      { teamMembers = { ["[]"] = 1, first } },
      body_of(function(record) record.teamMembers = { record.teamMembers[1] } end)
    )
    assert.are.same({ openHours = { ["[]"] = 0 } }, body_of(function(record) record.openHours = {} end))
  end)

  it("clears with null, also a field that the record does not show", function()
    assert.are.same({ description = json.null }, body_of(function(record) record.description = null end))
    server:reply(calendar())
    local _, response = assert(edit_calendar(function(record)
      record.formId = null -- is not there
      record.availabilityType = null -- as before
    end))
    assert.is_true(response.unchanged)
    server:reply(appointment(), appointment(), put(EVENT, '{"id":"a"}'))
    assert(client.appointments:edit("a", function(record) record.meetingLocationId = null end))
    assert.are.same({ { meetingLocationId = json.null } }, sent())
  end)

  it("sends nothing if nothing changed, and returns the record", function()
    server:reply(calendar())
    local given
    local record, response = assert(edit_calendar(function(copy)
      given = copy
      copy.name, copy.slotDuration = "Old", 30.0
      copy.teamMembers = { { userId = "u1" } }
      copy.teamMembers = {
        {
          userId = "u1",
          priority = 0.5,
          meetingLocation = "x",
          selected = true,
          locationConfigurations = { { kind = "custom", location = "here", meetingId = "m1" } },
        },
        copy.newField and { userId = "u2", priority = 1 },
      }
      return copy
    end))
    assert.are.equal("Old", record.name)
    assert.is_true(response.unchanged)
    assert.are.equal(200, response.status)
    assert.are_not.equal(given, record)
    given.teamMembers[1].userId = "later"
    assert.are.equal("u1", record.teamMembers[1].userId)
    assert.are.equal(1, #server:ledger())

    server:reply(appointment())
    response = select(
      2,
      assert(client.appointments:edit("a", function(copy)
        copy.startTime = "2026-12-01T15:00:00Z" -- the same instant
        copy.endTime = time.parse "2026-12-01T16:45:00+01:00"
      end))
    )
    assert.is_true(response.unchanged)
  end)

  it("sends switches that no record shows with a change, and not alone", function()
    local function no_show(record)
      record.appointmentStatus, record.toNotify = "noshow", false
    end
    server:reply(appointment(), appointment(), put(EVENT, '{"id":"a"}'))
    assert(client.appointments:edit("a", no_show))
    assert.are.same({ { appointmentStatus = "noshow", toNotify = false } }, sent())
    server:reply(appointment { appointmentStatus = "noshow" })
    local _, response = assert(client.appointments:edit("a", no_show))
    assert.is_true(response.unchanged)
    assert.are.equal(1, #sent())
  end)

  it("takes a field that was set to nil for a mistake", function()
    server:reply(calendar())
    assert.are.same(
      {
        "availabilityType: was set to nil: write hoopai.null to clear it, or leave it as it is",
        "description: was set to nil: write hoopai.null to clear it, or leave it as it is",
        "id: was set to nil: leave it as it is",
        "lookBusyConfig.enabled: was set to nil: leave it as it is",
        "name: was set to nil: leave it as it is",
        "teamMembers[1].priority: was set to nil: write hoopai.null to clear it, or leave it as it is",
      },
      problems_of(edit_calendar, function(record)
        record.name, record.description, record.id, record.availabilityType = nil, nil, nil, nil
        record.lookBusyConfig.enabled = nil
        table.remove(record.teamMembers, 2)
        record.teamMembers[1].priority = nil
      end)
    )
  end)

  it("names what an update does not take, all at once", function()
    server:reply(calendar())
    assert.are.same(
      {
        "calendarType: is read-only here: leave it as it is, it can only be set by calendars:create",
        "locationId: is read-only here: leave it as it is, it can only be set by calendars:create",
        "newField: unknown field",
        "slotDuration: must be a whole number, not a string: write 60 without quotes",
        "slotDurationn: unknown field, did you mean `slotDuration`?",
        "teamMembers[1].locationConfigurations[1].meetingId: is read-only here: leave it as it is; "
          .. "appointments take it as `meetingLocationId`",
        "teamMembers[1].meetingLocation: is read-only: leave it as it is, and use locationConfigurations[].location",
        "teamMembers[1].selected: unknown field, there are `userId`, `priority`, `isPrimary` and "
          .. "`locationConfigurations`",
      },
      problems_of(edit_calendar, function(record)
        record.calendarType, record.locationId, record.newField.a = "event", "m", 2
        record.slotDuration, record.slotDurationn = "60", 60
        local member = record.teamMembers[1]
        member.selected, member.meetingLocation = false, "y"
        member.locationConfigurations[1].meetingId = "m2"
      end)
    )
    server:reply(appointment())
    assert.are.same(
      {
        "appoinmentStatus: is read-only here: leave it as it is, and write `appointmentStatus`",
        "contactId: is read-only here: leave it as it is, it can only be set by appointments:create",
        "dateUpdated: is read-only: leave it as it is",
        "endTime: must be after `startTime`",
      },
      problems_of(client.appointments.edit, client.appointments, "a", function(record)
        record.appoinmentStatus, record.contactId, record.dateUpdated = "showed", "k2", "2026-11-02T00:00:00.000Z"
        record.endTime = record.startTime
      end)
    )
  end)

  it("sends what the update requires beside the changes", function()
    local groups = '{"groups":[null,{"id":"x"},{"id":"g","locationId":"l","name":"N","description":"D","slug":"s",'
      .. '"isActive":true}]}'
    server:reply(get("/calendars/groups", groups), put("/calendars/groups/g", '{"group":{"id":"g"}}'))
    assert(client.groups:edit("g", function(record) record.name = "M" end))
    assert.are.same({ { name = "M", description = "D", slug = "s" } }, sent())
    assert.are.equal("locationId=l", server:ledger()[1].query)

    server:reply(get("/calendars/groups", groups))
    local group, response = assert(client.groups:edit("g", function() end))
    assert.are.equal("N", group.name)
    assert.is_true(response.unchanged)
    server:reset()
    server:reply(get("/calendars/groups", groups))
    assert.are.same(
      { "isActive: is read-only here: use groups:set_status(groupId, { isActive = ... })" },
      problems_of(client.groups.edit, client.groups, "g", function(record) record.isActive = false end)
    )
    server:reset()
    server:reply(get("/calendars/groups", '{"groups":[{"id":"g","name":"N","slug":"s"}]}'))
    assert.are.same(
      { "description: is required" },
      problems_of(client.groups.edit, client.groups, "g", function(record) record.name = "M" end)
    )
  end)

  it("reads a group by its own route where the list cannot say", function()
    local group = get("/calendars/groups/g", '{"group":{"id":"g","name":"N","description":"D","slug":"s"}}')
    server:reply(get("/calendars/groups", '{"groups":[]}'), group)
    assert(select(2, assert(client.groups:edit("g", function() end))).unchanged)
    local nowhere = leak.client { token = TOKEN, base_url = server.url }
    server:reply(group)
    assert(select(2, assert(nowhere.groups:edit("g", function() end))).unchanged)
    server:reply(get("/calendars/groups", '{"groups":[]}'), {
      path = "/calendars/groups/g",
      status = 404,
      body = '{"message":"Cannot GET /calendars/groups/g"}',
    })
    failure("not_found", client.groups:edit("g", function() error "not called" end))
    server:reply { path = "/calendars/groups", status = 403, body = "{}" }
    failure("forbidden", client.groups:edit("g", function() error "not called" end))
  end)

  it("sends the location of the record, and not that of the client", function()
    local room = '{"locationId":"other","name":"R","resourceType":"rooms","isActive":true,"calendarIds":["c1","c2"]}'
    server:reply(get("/calendars/resources/rooms/r", room), put("/calendars/resources/rooms/r", '{"name":"R"}'))
    assert(client.resources:edit("rooms", "r", function(record) table.remove(record.calendarIds) end))
    assert.are.same({ { locationId = "other", calendarIds = { ["[]"] = 1, "c1" } } }, sent())
  end)

  it("changes notifications and schedules", function()
    server:reply(
      get("/calendars/c/notifications/n", '{"_id":"n","channel":"email","isActive":true,"selectedUsers":[]}'),
      put("/calendars/c/notifications/n", '{"message":"done"}')
    )
    local result = assert(client.notifications:edit("c", "n", function(record)
      record.isActive = false
      record.selectedUsers[1] = "u"
    end))
    assert.are.same({ message = "done" }, result)
    assert.are.same({ { isActive = false, selectedUsers = { ["[]"] = 1, "u" } } }, sent())
    server:reset()
    local schedule = '{"schedule":{"id":"s","name":"S","timezone":"America/Argentina/Ushuaia","calendarIds":["c"],'
      .. '"rules":[],"dateUpdated":"2026-11-01T00:00:00.000Z","deleted":false}}'
    local shown = get("/calendars/schedules/s", schedule)
    server:reply(shown, shown, put("/calendars/schedules/s", schedule))
    assert(
      client.schedules:edit(
        "s",
        function(record)
          record.rules[1] = { type = "wday", day = "monday", intervals = { { from = "08:00", to = "09:00" } } }
        end
      )
    )
    assert.are.equal("monday", sent()[1].rules[1].day)
    assert.is_nil(sent()[1].timezone)
    server:reset()
    server:reply(shown)
    assert.are.same(
      {
        "calendarIds: is read-only here: use schedules:add_calendar(id, calendarId) or "
          .. "schedules:remove_calendar(id, calendarId)",
        "deleted: is read-only here: leave it as it is, and use schedules:delete(id) to delete a schedule",
      },
      problems_of(client.schedules.edit, client.schedules, "s", function(record)
        record.calendarIds[2], record.deleted = "d", true
      end)
    )
  end)

  describe("of an appointment", function()
    local function moved(fn, fields)
      server:reset()
      server:reply(appointment(fields), appointment(fields), put(EVENT, '{"id":"a"}'))
      assert(client.appointments:edit("a", fn))
      return sent()[1]
    end

    it("keeps the length if the start alone moves", function()
      assert.are.same(
        { startTime = "2026-12-02T09:00:00-05:00", endTime = "2026-12-02T09:45:00-05:00" },
        moved(function(record) record.startTime = "2026-12-02T09:00:00-05:00" end)
      )
      assert.are.same(
        { startTime = "2026-12-02T09:00:00+01:00", endTime = "2026-12-02T09:45:00+01:00" },
        moved(function(record) record.startTime = time.parse "2026-12-02T09:00:00+01:00" end)
      )
      assert.are.same(
        { startTime = "2026-12-02T09:00:00-05:00", endTime = "2026-12-02T11:00:00-05:00" },
        moved(function(record)
          record.startTime, record.endTime = "2026-12-02T09:00:00-05:00", "2026-12-02T11:00:00-05:00"
        end)
      )
      assert.are.same(
        { endTime = "2026-12-01T12:00:00-05:00" },
        moved(function(record) record.endTime = "2026-12-01T12:00:00-05:00" end)
      )
      assert.are.same(
        { startTime = "2026-12-02T09:00:00-05:00" },
        moved(function(record) record.startTime = "2026-12-02T09:00:00-05:00" end, { endTime = false })
      )
    end)

    it("refuses a start that is no instant of a body", function()
      for _, value in ipairs { 1796000000000, "tomorrow", true, time.from_ms(1796000000000) } do
        server:reset()
        server:reply(appointment())
        local found = problems_of(
          client.appointments.edit,
          client.appointments,
          "a",
          function(record) record.startTime = value end
        )
        assert.matches("^startTime: ", found[1])
      end
    end)

    it("reads again just before it sends, and sends nothing if the record changed", function()
      for _, change in ipairs {
        { dateUpdated = "2026-11-01T00:00:00.001Z" },
        { title = "Another" },
        { description = "New" },
        { appointmentStatus = false },
      } do
        server:reset()
        server:reply(appointment(), appointment(change))
        local record, err = client.appointments:edit("a", function(record) record.title = "Mine" end)
        failure("conflict", record, err, { applied = "no", retryable = true, method = "PUT", path = EVENT })
        assert.matches("edit_spec.lua:%d+", err.where)
        assert.are.equal(0, #sent())
      end
    end)

    it("reads once if the record shows no date, and if nothing changed", function()
      server:reply(appointment { dateUpdated = false }, put(EVENT, '{"id":"a"}'))
      assert(client.appointments:edit("a", function(record) record.title = "Mine" end))
      server:reply(appointment())
      assert(client.appointments:edit("a", function() end))
      assert.are.equal(3, #server:ledger())
    end)

    it("fails if the record cannot be read again", function()
      server:reply(appointment(), { path = EVENT, status = 404, body = "{}" })
      local record, err = client.appointments:edit("a", function(record) record.title = "Mine" end)
      failure("not_found", record, err, { applied = "no" })
    end)
  end)

  it("sends nothing if the function raises or fails", function()
    for _, in_task in ipairs { false, true } do
      local function run()
        server:reply(calendar())
        local mine = { "mine" }
        local ok, raised = pcall(edit_calendar, function(record)
          record.name = "New"
          error(mine)
        end)
        assert.is_false(ok)
        assert.are.equal(mine, raised)
        server:reply(calendar(), { path = "/calendars/d", status = 404, body = "{}" })
        local line
        local record, err = edit_calendar(function(record)
          record.name = "New"
          line = debug.getinfo(1, "l").currentline + 1
          local other, problem = client.calendars:get "d"
          return other, problem
        end)
        failure("not_found", record, err)
        assert.matches("edit_spec.lua:" .. line .. "$", err.where)
        assert.are.equal(0, #sent())
      end
      if in_task then
        hoopai.run(run)
      else
        run()
      end
    end
  end)

  it("calls the function in the caller's task, where it may wait", function()
    server:reply(calendar(), put "/calendars/c")
    hoopai.run(function()
      local me = coroutine.running()
      assert(edit_calendar(function(record)
        assert.are.equal(me, coroutine.running())
        hoopai.sleep(0.01)
        record.name = "New"
      end))
    end)
    assert.are.same({ { name = "New" } }, sent())
  end)

  it("fails, and calls no function, if the record cannot be read", function()
    local function never() error "was called" end
    server:reply { path = "/calendars/c", status = 404, body = '{"message":"Calendar not found"}' }
    failure("not_found", edit_calendar(never))
    for _, body in ipairs { '{"calendar":{"id":"d"}}', "{}", '{"id":"c"}', "[]", '{"calendar":null}' } do
      server:reply { path = "/calendars/c", body = body }
      local record, err = edit_calendar(never)
      failure("decode", record, err, { applied = "no", method = "GET", path = "/calendars/c" })
    end
    for _, body in ipairs { '{"_id":"m"}', "{}", '{"message":"Hello"}' } do
      server:reply(get("/calendars/c/notifications/n", body))
      failure("decode", client.notifications:edit("c", "n", never))
    end
  end)

  it("shows no token that the API echoes", function()
    local echo = { ["X-Echo"] = TOKEN }
    server:reply { path = "/calendars/c", body = ('{"calendar":{"id":"%s"}}'):format(TOKEN), headers = echo }
    local record, err = edit_calendar(function() end)
    failure("decode", record, err)
    expect.no_secret(err, TOKEN)
    server:reply(appointment(), appointment { dateUpdated = TOKEN })
    record, err = client.appointments:edit("a", function(copy) copy.title = "Mine" end)
    failure("conflict", record, err)
    expect.no_secret(err, TOKEN)
    server:reply(get("/calendars/c", ('{"calendar":{"id":"c","%s":1}}'):format(TOKEN)))
    record, err = edit_calendar(function(copy) copy[TOKEN] = nil end)
    failure("invalid_request", record, err)
    expect.no_secret(err, TOKEN)
  end)

  it("returns what the update returns, and its failure", function()
    server:reply(calendar(), { method = "PUT", path = "/calendars/c", status = 422, body = '{"message":"no"}' })
    local record, err = edit_calendar(function(record) record.name = "New" end)
    failure("refused", record, err, { method = "PUT", applied = "no" })
    server:reply(calendar(), { method = "PUT", path = "/calendars/c", reset = "before" })
    record, err = edit_calendar(function(copy) copy.name = "New" end)
    failure("network", record, err, { applied = "maybe" })
  end)

  it("gives the options to each of its calls", function()
    server:reply(appointment(), appointment(), put(EVENT, '{"id":"a"}'))
    local options = { headers = { ["X-Mine"] = "1" }, timeout = 5 }
    assert(client.appointments:edit("a", function(record) record.title = "Mine" end, options))
    for _, entry in ipairs(server:ledger()) do
      assert.are.equal("1", entry.header["x-mine"])
    end
    assert.are.same({ headers = { ["X-Mine"] = "1" }, timeout = 5 }, options)
    -- With the checks off the caller may change what the library does not know.
    server:reset()
    server:reply(calendar(), put "/calendars/c")
    assert(edit_calendar(function(record)
      record.newField.a, record.other = 2, true
    end, { validate = false }))
    assert.are.same({ { newField = { a = { number = "2" } }, other = true } }, sent())
  end)

  it("sends reads alone with `dry_run`", function()
    server:reply(appointment(), appointment())
    local result, response = assert(
      client.appointments:edit(
        "a",
        function(record) record.startTime = "2026-12-02T09:00:00-05:00" end,
        { dry_run = true }
      )
    )
    assert.are.same({
      dry_run = true,
      method = "PUT",
      path = EVENT,
      body = { startTime = "2026-12-02T09:00:00-05:00", endTime = "2026-12-02T09:45:00-05:00" },
    }, result)
    assert.is_true(response.dry_run)
    server:reply(calendar(), calendar())
    local dry = client:with { dry_run = true }
    assert.is_true(select(2, assert(dry.calendars:edit("c", function() end))).unchanged)
    local found = problems_of(dry.calendars.edit, dry.calendars, "c", function(record) record.slotDuration = "x" end)
    assert.are.equal(1, #found)
  end)

  it("refuses wrong ids before anything is sent", function()
    local record, err = client.calendars:edit("a/b", function() error "not called" end)
    failure("invalid_request", record, err, { applied = "no" })
    assert.matches("^calendars:edit: calendarId", err.message)
    record, err = client.resources:edit("room", "r", function() error "not called" end)
    failure("invalid_request", record, err)
    assert.matches("^resources:edit: resourceType", err.message)
  end)

  it("raises wrong use at the caller's line", function()
    local function nothing() end
    misuse(
      function() client.calendars:edit(nothing) end,
      "calendars:edit needs calendarId as argument 1, a string; got"
    )
    misuse(
      function() client.calendars:edit("c", { name = "New" }) end,
      "calendars:edit expects a function as argument 2, which changes the record, got a table: write function(record)"
    )
    misuse(function() client.resources:edit("rooms", "r") end, "resources:edit expects a function as argument 3", "nil")
    misuse(
      function() client.calendars:edit("c", nothing, { retry = 1 }) end,
      "unknown option `retry` of calendars:edit"
    )
    misuse(function() client.calendars:edit("c", nothing, {}, 1) end, "calendars:edit takes at most 3 arguments, got 4")
    misuse(function() client.calendars.edit("c") end, "call it with a colon: client.calendars:edit(...)")
    server:reply(calendar())
    misuse(function()
      client.calendars:edit("c", function() return { name = "New" } end)
    end, "calendars:edit: the function is to change the record that it gets; it only returned a table")
  end)

  it("takes an object that can be called for a function, and odd values for problems", function()
    local callable = setmetatable({}, { __call = function(_, record) record.name = "New" end })
    server:reply(calendar(), put "/calendars/c")
    assert(client.calendars:edit("c", callable))
    server:reset()
    server:reply(calendar())
    local found = problems_of(edit_calendar, function(record)
      record.teamMembers[1] = record -- a circle
      record.lookBusyConfig = time.now()
      record.openHours = print
      record[1] = "item"
    end)
    assert.is_true(#found >= 3)
  end)
end)
