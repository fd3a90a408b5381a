-- A series through the client: what is listed, which slots it takes, and what the ids of instance and series reach.

local hoopai = require "hoopai"
local sandbox = require "hoopai.sandbox"

local time = hoopai.time

-- A Friday in Berlin, two weeks before the clocks change.
local NOW = time.parse "2026-10-09T08:00:00+02:00"

describe("a series of appointments", function()
  local box, client, massage, anna, ben

  before_each(function()
    box = sandbox.start {
      now = NOW,
      zone = "Europe/Berlin",
      empty = true,
      seed = function(world)
        anna, ben = world:contact { name = "Anna Berg" }, world:contact { name = "Ben Frey" }
        massage = world:calendar {
          name = "Massage",
          calendarType = "personal",
          teamMembers = { { userId = world:user { name = "Lee" } } },
        }
      end,
    }
    client = hoopai.new { base_url = box.url, token = box.token, location_id = box.location_id }
  end)

  after_each(function()
    client:close()
    box:stop()
  end)

  local function instances()
    local window = { calendarId = massage, startTime = NOW, endTime = NOW + time.days(60) }
    return assert(client.events:list(window))
  end

  local function is_free(slot)
    local from = time.parse(slot)
    local window = { startDate = from, endDate = from + time.minutes(1) }
    local free = assert(client.calendars:free_slots(massage, window))
    return next(free) ~= nil
  end

  local function create()
    return assert(client.appointments:create {
      calendarId = massage,
      contactId = anna,
      startTime = time.at { year = 2026, month = 10, day = 19, hour = 10, zone = "Europe/Berlin" },
      rrule = "RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=MO",
      ignoreFreeSlotValidation = true,
    })
  end

  it("is listed week by week at the same time of day, and takes those slots", function()
    local slots = { "2026-10-19T10:00:00+02:00", "2026-10-26T10:00:00+01:00", "2026-11-02T10:00:00+01:00" }
    for _, slot in ipairs(slots) do
      assert.is_true(is_free(slot))
    end
    local series = create()
    assert.is_true(series.isRecurring)
    local found = instances()
    assert.equal(#slots, #found)
    for i, event in ipairs(found) do
      assert.equal(slots[i], event.startTime)
      assert.equal(series.id, event.masterEventId)
      assert.equal(("%s_%d_1800"):format(series.id, time.parse(slots[i]):ms()), event.id)
      assert.is_false(is_free(slots[i]))
    end
    local _, err = client.appointments:book { calendarId = massage, contactId = ben, startTime = slots[2] }
    assert.equal("slot_taken", err.kind)
  end)

  it("loses one instance by its id, and all by its own", function()
    local series = create()
    local found = instances()
    assert(client.appointments:cancel(found[2].id))
    assert.equal("cancelled", assert(client.appointments:get(found[2].id)).appointmentStatus)
    assert.equal("confirmed", assert(client.appointments:get(found[3].id)).appointmentStatus)
    assert.is_true(is_free(found[2].startTime))
    assert(client.appointments:delete(found[1].id))
    assert.equal(2, #instances())
    assert(client.appointments:delete(series.id))
    assert.same({}, instances())
    local _, err = client.appointments:get(series.id)
    assert.equal("not_found", err.kind)
  end)

  it("is refused with a rule that the sandbox cannot follow", function()
    local _, err = client.appointments:create {
      calendarId = massage,
      contactId = anna,
      startTime = "2026-10-19T10:00:00+02:00",
      rrule = "FREQ=HOURLY;COUNT=3",
      ignoreFreeSlotValidation = true,
    }
    assert.equal("refused", err.kind)
    assert.equal("no", err.applied)
    assert.matches("rrule is not valid: HOURLY is not supported by the sandbox", tostring(err), 1, true)
    assert.same({}, instances())
  end)
end)
