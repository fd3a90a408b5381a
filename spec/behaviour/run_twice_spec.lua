-- Every page, edit and ensure against the sandbox: lists that change while they are read, records of every kind, and
-- programs that are run twice.

local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local sandbox = require "hoopai.sandbox"

local failure = expect.failure
local time = hoopai.time

local NOW = 1798203600000 -- 2026-12-25T13:00:00Z

describe("a program that may be run twice", function()
  local account, client, seed

  setup(function() account = sandbox.start { control = true, now = NOW, rate_limit = false } end)
  teardown(function() account:stop() end)

  before_each(function()
    account:control("reset", {})
    seed = account.seed
    client = hoopai.new { base_url = account.url, token = account.token, location_id = account.location_id }
  end)

  after_each(function() client:close() end)

  --- How many requests were made that may change something.
  local function changes()
    local count = 0
    for _, entry in ipairs(account:control("requests").requests) do
      if entry.method ~= "GET" then count = count + 1 end
    end
    return count
  end

  local function appointment()
    local query = { calendarId = seed.calendars.physio, startTime = NOW - 30 * 86400000, endTime = NOW + 30 * 86400000 }
    return assert(client.events:list(query))[1]
  end

  --- A record of each kind that can be edited: how it is edited, how it is read, a field and its new value.
  local function records()
    local event = appointment()
    return {
      { "calendars", { seed.calendars.physio }, "eventTitle", "Treatment" },
      { "groups", { seed.groups.treatments }, "name", "Therapies" },
      { "appointments", { event.id }, "title", "Moved" },
      { "resources", { "rooms", seed.resources.room_1 }, "capacity", 7 },
      { "notifications", { seed.calendars.checkup, seed.notifications.reminder }, "subject", "Soon" },
      { "schedules", { seed.schedules.solberg }, "name", "Winter" },
    }
  end

  local function call(resource, method, ids, ...)
    local args = { table.unpack(ids) }
    for _, argument in ipairs { ... } do
      args[#args + 1] = argument
    end
    return client[resource][method](client[resource], table.unpack(args))
  end

  it("reads every page of a list that grows meanwhile", function()
    local event = appointment()
    local ids, texts = {}, {}
    for index = 1, 47 do
      ids[index] = assert(client.notes:create(event.id, { body = "note " .. index })).id
    end
    local before = #assert(client.notes:all(event.id))
    assert.is_true(before >= 47)
    for _, in_task in ipairs { false, true } do
      for _, limit in ipairs { 3, 20 } do
        local function run()
          local seen, count = {}, 0
          for note in client.notes:each(event.id, { limit = limit }) do
            assert.is_nil(seen[note.id], "a note came twice")
            seen[note.id], count = true, count + 1
            texts[note.body] = true
            -- New notes are first in the list, so that all others move.
            if count % 7 == 0 then assert(client.notes:create(event.id, { body = "late" })) end
          end
          for index = 1, 47 do
            assert.is_true(seen[ids[index]], "a note is missing")
          end
        end
        if in_task then
          hoopai.run(run)
        else
          run()
        end
      end
    end
    assert.is_true(texts["note 1"])
  end)

  it("reads rooms, notifications and schedules", function()
    assert.are.equal(3, #assert(client.resources:all("rooms", { limit = 1 })))
    local count = 0
    for equipment in client.resources:each "equipments" do
      assert.are.equal("equipments", equipment.resourceType)
      count = count + 1
    end
    assert.are.equal(1, count)
    for _ = 1, 3 do
      assert(client.schedules:create { name = "S", timezone = "Europe/Oslo", userId = seed.users.solberg })
    end
    local all = assert(client.schedules:all({ userId = seed.users.solberg }, { retries = 0 }))
    local paged = assert(client.schedules:all { userId = seed.users.solberg, limit = 2 })
    assert.are.same(all, paged)
    assert.is_true(#all >= 4)
    assert.is_true(#assert(client.notifications:all(seed.calendars.checkup)) >= 1)
  end)

  it("changes a record of every kind once", function()
    for _, case in ipairs(records()) do
      local resource, ids, field, value = table.unpack(case)
      local function change(record) record[field] = value end
      local before, sent = assert(call(resource, "get", ids)), changes()
      local _, response = assert(call(resource, "edit", ids, function() end))
      assert.is_true(response.unchanged, resource)
      assert.are.equal(sent, changes(), resource)
      assert.are_not.equal(value, before[field])

      _, response = assert(call(resource, "edit", ids, change))
      assert.is_nil(response.unchanged)
      local after = assert(call(resource, "get", ids))
      assert.are.equal(value, after[field], resource)
      after[field], before[field], after.dateUpdated, before.dateUpdated = nil, nil, nil, nil
      assert.are.same(before, after, resource)

      local record
      record, response = assert(call(resource, "edit", ids, change))
      assert.is_true(response.unchanged)
      assert.are.equal(value, record[field])
      assert.are.equal(sent + 1, changes(), resource)
    end
  end)

  it("sends what the API gave: every field of a calendar can be changed back", function()
    local id = seed.calendars.physio
    local before = assert(client.calendars:get(id))
    assert(client.calendars:edit(id, function(calendar)
      calendar.teamMembers[1].priority = calendar.teamMembers[1].priority == 1 and 0 or 1
      calendar.openHours[1].hours[1].closeMinute = 59
      calendar.slotDuration = calendar.slotDuration + 5
    end))
    assert(client.calendars:edit(id, function(calendar)
      for name in pairs(calendar) do
        calendar[name] = before[name]
      end
    end))
    assert.are.same(before, assert(client.calendars:get(id)))
  end)

  it("moves an appointment, and keeps its length", function()
    local free = assert(client.calendars:free_slots(seed.calendars.physio, {
      startDate = NOW,
      endDate = NOW + 14 * 86400000,
    }))
    local slots = {}
    for _, slot in hoopai.slots(free) do
      slots[#slots + 1] = slot
    end
    local booked = assert(client.appointments:create {
      calendarId = seed.calendars.physio,
      contactId = seed.contacts.hugo,
      startTime = slots[1],
      endTime = (time.parse(slots[1]) + time.minutes(30)):iso(),
    })
    local last = slots[#slots]
    assert(client.appointments:edit(booked.id, function(record) record.startTime = last end))
    local moved = assert(client.appointments:get(booked.id))
    assert.are.equal(time.parse(last), time.parse(moved.startTime))
    assert.are.equal(30, (time.parse(moved.endTime) - time.parse(moved.startTime)):minutes())
    local sent = changes()
    local _, response = assert(client.appointments:edit(booked.id, function(record) record.startTime = last end))
    assert.is_true(response.unchanged)
    assert.are.equal(sent, changes())
  end)

  it("sees that a record was changed meanwhile", function()
    local event = appointment()
    for _, case in ipairs {
      { "appointments", event.id, { title = "Theirs" }, "title" },
      { "schedules", seed.schedules.solberg, { name = "Theirs" }, "name" },
    } do
      local resource, id, theirs, field = table.unpack(case)
      for _, in_task in ipairs { false, true } do
        local function run()
          account:control("clock", { advance_ms = 1000 })
          local record, err = client[resource]:edit(id, function(record)
            assert(client[resource]:update(id, theirs))
            record[field] = "Mine"
          end)
          failure("conflict", record, err, { applied = "no", retryable = true })
          assert.are.equal("Theirs", assert(client[resource]:get(id))[field])
        end
        if in_task then
          hoopai.run(run)
        else
          run()
        end
      end
      assert(client[resource]:edit(id, function(record) record[field] = "Mine" end))
      assert.are.equal("Mine", assert(client[resource]:get(id))[field])
    end
  end)

  it("blocks a time once, for users and for calendars", function()
    local day = time.at { year = 2027, month = 1, day = 5, zone = "America/New_York" }
    local wanted = {}
    for _, name in ipairs { "weber", "solberg", "okafor" } do
      local user = seed.users[name]
      wanted[#wanted + 1] = { assignedUserId = user, title = "Closed", startTime = day, endTime = day + time.days(1) }
      wanted[#wanted + 1] = { assignedUserId = user, title = "Closed", startTime = day, endTime = day + time.hours(1) }
    end
    for _, calendar in ipairs(assert(client.calendars:list())) do
      if calendar.calendarType == "event" then
        wanted[#wanted + 1] = { calendarId = calendar.id, startTime = day, endTime = day + time.days(1) }
      end
    end
    local sent = changes()
    for round = 1, 3 do
      local existing = 0
      local results, errors = hoopai.map(wanted, function(block)
        local record, response = client.block_slots:ensure(block)
        if record and response.existing then existing = existing + 1 end
        return record, response
      end)
      assert.is_nil(errors, tostring(errors))
      assert.are.equal(round == 1 and 0 or #wanted, existing)
      assert.are.equal(sent + #wanted, changes())
      for index, block in ipairs(results) do
        assert.are.equal(wanted[index].assignedUserId, block.assignedUserId)
      end
    end
    -- All at once, each twice.
    local ids = hoopai.map({ 1, 2, 3, 4 }, function()
      local block = assert(client.block_slots:ensure {
        assignedUserId = wanted[1].assignedUserId,
        startTime = day + time.days(7),
        endTime = day + time.days(8),
      })
      return block.id
    end)
    assert.are.same({ ids[1], ids[1], ids[1], ids[1], n = 4 }, ids)
    assert.are.equal(sent + #wanted + 1, changes())
  end)

  it("works with an app", function()
    local app <close> = hoopai.oauth {
      client_id = account.oauth.client_id,
      client_secret = account.oauth.client_secret,
      base_url = account.url,
      store = hoopai.store.memory(),
    }
    assert(app:exchange { code = account.oauth.code() })
    local signed <close> = app:client { location_id = account.location_id }
    assert.are.equal(3, #assert(signed.resources:all("rooms", { limit = 2 })))
    local _, response = assert(signed.groups:edit(seed.groups.treatments, function(group) group.name = "New" end))
    assert.is_nil(response.unchanged)
    local room = assert(signed.resources:edit("rooms", seed.resources.room_1, function(record) record.capacity = 9 end))
    assert.are.equal(9, room.capacity)
    local block =
      { assignedUserId = seed.users.weber, startTime = "2027-01-05T10:00:00Z", endTime = "2027-01-05T11:00:00Z" }
    assert(signed.block_slots:ensure(block))
    assert.is_true(select(2, assert(signed.block_slots:ensure(block))).existing)
    local list, err = signed.resources:all("rooms", { locationId = "another" })
    failure("invalid_request", list, err)
  end)
end)
