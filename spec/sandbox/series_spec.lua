-- Series of appointments in the sandbox: their instances in lists and among the slots, and what their ids reach.

local sandbox_application = require "spec.support.sandbox_application"

local SLOT_TAKEN = sandbox_application.SLOT_TAKEN
local NOW, DAY, ids = sandbox_application.NOW, sandbox_application.DAY, sandbox_application.ids

local RULE = "RRULE:FREQ=WEEKLY;INTERVAL=1;COUNT=4"
-- Wednesday, and the Wednesdays after it, in milliseconds.
local FIRST = "2026-05-06T12:00:00-04:00"
local MS = { 1778083200000, 1778688000000, 1779292800000, 1779897600000 }

local box, seed
before_each(function()
  box = sandbox_application.new()
  seed = box.seed
end)

local function target(id) return "/calendars/events/appointments/" .. id end

local function get(id) return box.ask(200, "GET", target(id)).appointment end

local function create(fields)
  local body = {
    rrule = RULE,
    ignoreFreeSlotValidation = true,
    assignedUserId = seed.users.okafor,
    startTime = FIRST,
  }
  for name, value in pairs(fields or {}) do
    body[name] = value or nil
  end
  return box.book(body)
end

-- The instances in a calendar that begin from an instant on, for sixty days.
local function list(calendar, from)
  local found = {}
  from = from or NOW
  local events = box.ask(
    200,
    "GET",
    ("/calendars/events?locationId=%s&calendarId=%s&startTime=%d&endTime=%d"):format(
      seed.location_id,
      seed.calendars[calendar or "checkup"],
      from,
      from + 60 * DAY
    )
  ).events
  for _, event in ipairs(events) do
    if event.masterEventId then found[#found + 1] = event end
  end
  return found
end

local function is_free(slot, calendar)
  local day = box.ask(
    200,
    "GET",
    ("/calendars/%s/free-slots?startDate=%d&endDate=%d&userId=%s"):format(
      seed.calendars[calendar or "checkup"],
      NOW,
      NOW + 31 * DAY,
      seed.users.okafor
    )
  )[slot:sub(1, 10)]
  for _, other in ipairs(day and day.slots or {}) do
    if other == slot then return true end
  end
  return false
end

describe("a series in the sandbox", function()
  it("is listed as its instances, with their own ids", function()
    local series = create()
    assert.is_true(series.isRecurring)
    assert.are.equal(RULE, series.rrule)
    local expected = {}
    for i, ms in ipairs(MS) do
      expected[i] = ("%s_%d_1800"):format(series.id, ms)
    end
    local events = list()
    assert.are.same(expected, ids(events))
    for i, event in ipairs(events) do
      assert.are.equal(series.id, event.masterEventId)
      assert.are.equal(RULE, event.rrule)
      assert.are.equal(seed.users.okafor, event.assignedUserId)
      assert.are.equal(("2026-05-%02dT12:00:00-04:00"):format(i * 7 - 1), event.startTime)
    end
    assert.are.equal(2, #list("checkup", NOW + 15 * DAY))
  end)

  it("keeps its time of day when the clocks change, in the zone of its clinic", function()
    box = sandbox_application.new { now = NOW + 170 * DAY } -- 21 October
    seed = box.seed
    create { startTime = "2026-10-28T12:00:00-04:00" }
    local shown = {}
    for i, event in ipairs(list("checkup", NOW + 170 * DAY)) do
      shown[i] = event.startTime
    end
    assert.are.same({
      "2026-10-28T12:00:00-04:00",
      "2026-11-04T12:00:00-05:00",
      "2026-11-11T12:00:00-05:00",
      "2026-11-18T12:00:00-05:00",
    }, shown)
  end)

  it("takes the slots of its instances", function()
    for day = 6, 20, 7 do
      assert.is_true(is_free(("2026-05-%02dT12:00:00-04:00"):format(day)))
    end
    create()
    for day = 6, 20, 7 do
      assert.is_false(is_free(("2026-05-%02dT12:00:00-04:00"):format(day)))
    end
    box.refuse_booking { startTime = "2026-05-20T12:00:00-04:00", assignedUserId = seed.users.okafor }
  end)

  it("needs ignoreFreeSlotValidation: else the rule is ignored, as documented", function()
    assert.is_false(create({ ignoreFreeSlotValidation = false }).isRecurring)
    assert.are.same({}, list())
  end)

  it("is refused with a rule that cannot be read, is not supported or gives nothing", function()
    for rule, problem in pairs {
      nonsense = "`NONSENSE` is no NAME=VALUE",
      ["FREQ=YEARLY;COUNT=3"] = "YEARLY is not supported by the sandbox: DAILY, WEEKLY or MONTHLY",
      ["FREQ=DAILY;UNTIL=20200101"] = "the series has no instance",
    } do
      box.refused(
        422,
        { "rrule is not valid: " .. problem },
        "POST",
        "/calendars/events/appointments",
        box.booking {
          rrule = rule,
          ignoreFreeSlotValidation = true,
          assignedUserId = seed.users.okafor,
          startTime = FIRST,
        }
      )
    end
    assert.are.same({}, list())
    assert.are.same({}, box.app.store.ledger)
  end)

  describe("by the id of an instance", function()
    it("is read as that instance", function()
      local series = create()
      local id = list()[3].id
      local shown = get(id)
      assert.are.equal(id, shown.id)
      assert.are.equal(series.id, shown.masterEventId)
      assert.are.equal("2026-05-20T12:00:00-04:00", shown.startTime)
      box.refused(404, "Appointment not found", "GET", target(series.id .. "_1_1800"))
    end)

    it("is changed there alone, and its slot is free again", function()
      create()
      local id = list()[2].id
      local moved = box.ask(200, "PUT", target(id), { startTime = "2026-05-14T12:00:00-04:00", title = "Moved" })
      assert.are.equal(id, moved.id)
      assert.are.equal("2026-05-14T12:00:00-04:00", get(id).startTime)
      assert.is_true(is_free "2026-05-13T12:00:00-04:00")
      assert.is_false(is_free "2026-05-14T12:00:00-04:00")
      local titles = {}
      for i, event in ipairs(list()) do
        titles[i] = event.title
      end
      assert.are.same({ "Adele Laurent", "Moved", "Adele Laurent", "Adele Laurent" }, titles)
      box.refused(400, SLOT_TAKEN, "PUT", target(id), { startTime = "2026-05-20T12:00:00-04:00" })
    end)

    it("is cancelled or deleted there alone", function()
      local series = create()
      local events = list()
      box.ask(200, "PUT", target(events[1].id), { appointmentStatus = "cancelled" })
      box.ask(201, "DELETE", "/calendars/events/" .. events[2].id, {})
      assert.are.equal(3, #list())
      assert.is_true(is_free(FIRST))
      assert.is_true(is_free "2026-05-13T12:00:00-04:00")
      assert.is_false(is_free "2026-05-20T12:00:00-04:00")
      assert.are.equal("confirmed", get(series.id).appointmentStatus)
      box.refused(404, "Appointment not found", "GET", target(events[2].id))
    end)

    it("takes no other rule, and has notes of its own", function()
      create()
      local events = list()
      for _, body in ipairs {
        { rrule = "FREQ=DAILY;COUNT=2", ignoreFreeSlotValidation = true },
        '{"rrule":null}',
      } do
        local problem = { "rrule of an instance cannot be changed: use its masterEventId" }
        box.refused(422, problem, "PUT", target(events[1].id), body)
      end
      box.ask(200, "PUT", target(events[1].id), { rrule = RULE, ignoreFreeSlotValidation = true, title = "Same" })
      local notes = ("/calendars/appointments/%s/notes"):format(events[1].id)
      box.ask(201, "POST", notes, { body = "Bring the results" })
      assert.are.equal(1, #box.ask(200, "GET", notes .. "?limit=20&offset=0").notes)
      local others = ("/calendars/appointments/%s/notes?limit=20&offset=0"):format(events[2].id)
      assert.are.same({}, box.ask(200, "GET", others).notes)
      box.ask(201, "DELETE", "/calendars/events/" .. events[1].id, {})
      assert.are.equal(1, #box.app.store.notes.items) -- that of the seed
    end)
  end)

  describe("by the id of its master", function()
    it("is read as the series", function()
      local series = create()
      local shown = get(series.id)
      assert.are.equal(FIRST, shown.startTime)
      assert.is_true(shown.isRecurring)
      assert.is_nil(shown.masterEventId)
    end)

    it("is changed in all instances, which keep their ids and times", function()
      local series = create()
      local before = list()
      box.ask(200, "PUT", target(before[2].id), { startTime = "2026-05-14T12:00:00-04:00" })
      box.ask(200, "PUT", target(series.id), { title = "Training", assignedUserId = seed.users.weber })
      local after = list()
      assert.are.same(ids(before), ids(after))
      for _, event in ipairs(after) do
        assert.are.equal("Training", event.title)
        assert.are.equal(seed.users.weber, event.assignedUserId)
      end
      assert.are.equal("2026-05-14T12:00:00-04:00", after[2].startTime)
      assert.are.equal("Training", get(series.id).title)
      box.ask(200, "PUT", target(series.id), { appointmentStatus = "cancelled" })
      assert.is_true(is_free(FIRST))
      assert.is_true(is_free "2026-05-20T12:00:00-04:00")
    end)

    it("is moved as a whole, if all its slots are free", function()
      local series = create()
      local other = box.book { startTime = "2026-05-20T14:30:00-04:00", assignedUserId = seed.users.okafor }
      box.refused(400, SLOT_TAKEN, "PUT", target(series.id), { startTime = "2026-05-06T14:30:00-04:00" })
      assert.are.equal(FIRST, list()[1].startTime)
      box.ask(201, "DELETE", "/calendars/events/" .. other.id, {})
      box.ask(200, "PUT", target(series.id), { startTime = "2026-05-06T14:30:00-04:00" })
      local shown = {}
      for i, event in ipairs(list()) do
        shown[i] = event.startTime
        assert.are.equal(("%s_%d_1800"):format(series.id, MS[i] + 150 * 60000), event.id)
      end
      assert.are.same({
        "2026-05-06T14:30:00-04:00",
        "2026-05-13T14:30:00-04:00",
        "2026-05-20T14:30:00-04:00",
        "2026-05-27T14:30:00-04:00",
      }, shown)
      assert.is_true(is_free(FIRST))
      -- Half an hour earlier, an hour long: each instance overlaps its own time before, which is no obstacle.
      box.ask(200, "PUT", target(series.id), {
        startTime = "2026-05-06T14:00:00-04:00",
        endTime = "2026-05-06T15:00:00-04:00",
      })
      assert.are.equal(("%s_%d_3600"):format(series.id, MS[1] + 120 * 60000), list()[1].id)
    end)

    it("gets another rule, or none", function()
      local series = create()
      local daily = "FREQ=DAILY;COUNT=2"
      box.ask(200, "PUT", target(series.id), { rrule = daily })
      assert.are.equal(4, #list())
      box.ask(200, "PUT", target(series.id), { rrule = daily, ignoreFreeSlotValidation = true })
      assert.are.equal(2, #list())
      assert.are.equal(daily, get(series.id).rrule)
      local problem = { "rrule is not valid: FREQ is missing" }
      local wrong = { rrule = "COUNT=1", ignoreFreeSlotValidation = true }
      box.refused(422, problem, "PUT", target(series.id), wrong)
      assert.are.equal(2, #list())
      box.ask(200, "PUT", target(series.id), '{"rrule":null}')
      assert.are.same({}, list())
      local single = get(series.id)
      assert.is_false(single.isRecurring)
      assert.is_nil(single.rrule)
      assert.is_false(is_free(FIRST))
      assert.is_true(is_free "2026-05-07T12:00:00-04:00")
    end)

    it("comes from a single appointment, by a rule", function()
      local single = box.book { startTime = FIRST, assignedUserId = seed.users.okafor }
      box.ask(200, "PUT", target(single.id), { rrule = RULE, ignoreFreeSlotValidation = true })
      local events = list()
      assert.are.equal(4, #events)
      assert.are.equal(single.id, events[1].masterEventId)
      assert.is_false(is_free "2026-05-20T12:00:00-04:00")
    end)

    it("is deleted with all instances, or with its calendar", function()
      local series = create()
      box.ask(201, "DELETE", "/calendars/events/" .. series.id, {})
      assert.are.same({}, list())
      assert.is_true(is_free "2026-05-20T12:00:00-04:00")
      box.refused(404, "Appointment not found", "GET", target(series.id))
      series = create()
      box.ask(200, "DELETE", "/calendars/" .. seed.calendars.checkup)
      box.refused(404, "Appointment not found", "GET", target(series.id))
      assert.are.same({}, box.app.store.series.items)
      local left = box.app.store.appointments:where(function(item) return item.masterEventId ~= nil end)
      assert.are.same({}, left)
    end)
  end)
end)
