-- Free slots: the start times of a calendar by hours, bookings, blocked times, buffers, notice and time zone.

local core = require "hoopai.core"
local local_time = require "hoopai.sandbox.domain.local_time"
local slots = require "hoopai.sandbox.domain.slots"
local stores = require "hoopai.sandbox.domain.store"

local ZONE = "America/New_York"
local HOUR, DAY = 3600000, 86400000

local function ms(text) return assert(local_time.parse(text, ZONE), text) end

local function hours(from, to, days)
  local function part(text) return tonumber(text:match "^%d+"), tonumber(text:match "%d+$") end
  local open_hour, open_minute = part(from)
  local close_hour, close_minute = part(to)
  return {
    daysOfTheWeek = days or { 0, 1, 2, 3, 4, 5, 6 },
    hours = {
      { openHour = open_hour, openMinute = open_minute, closeHour = close_hour, closeMinute = close_minute },
    },
  }
end

local function team(...)
  local members = {}
  for i, id in ipairs { ... } do
    members[i] = { userId = id }
  end
  return members
end

describe("hoopai.sandbox.domain.slots", function()
  local now, store, count

  before_each(function()
    now, count = ms "2026-05-04T00:00:00", 0
    store = stores.new { now = function() return now end }
    store.locations:add { id = "here", timezone = ZONE }
  end)

  local function calendar(fields)
    count = count + 1
    local made = {
      id = "calendar" .. count,
      locationId = "here",
      slotDuration = 60,
      slotInterval = 60,
      openHours = { hours("9:00", "12:00") },
    }
    for name, value in pairs(fields or {}) do
      made[name] = value
    end
    return store.calendars:add(made)
  end

  local function book(cal, text, fields)
    count = count + 1
    local from = ms(text)
    local made = {
      id = "appointment" .. count,
      locationId = "here",
      calendarId = cal.id,
      from = from,
      to = from + slots.duration(cal),
      appointmentStatus = "confirmed",
    }
    for name, value in pairs(fields or {}) do
      made[name] = value
    end
    return store.appointments:add(made)
  end

  local function block(from, to, fields)
    count = count + 1
    local made = { id = "block" .. count, locationId = "here", from = ms(from), to = ms(to) }
    for name, value in pairs(fields) do
      made[name] = value
    end
    return store.blocks:add(made)
  end

  -- The free start times of a day, "09:00 10:00"; with the option `offset` "09:00-04 10:00-04".
  local function free(cal, date, options)
    options = options or {}
    local from = local_time.instant(local_time.parse_date(date), 0, ZONE)
    local texts = {}
    for i, start in
      ipairs(slots.free(store, cal, {
        from = from,
        to = local_time.instant(local_time.parse_date(date) + 1, 0, ZONE) - 1,
        users = options.users,
      }))
    do
      local text = local_time.iso(start, ZONE)
      assert.are.equal(date, text:sub(1, 10))
      texts[i] = options.offset and text:sub(12, 16) .. text:sub(20, 22) or text:sub(12, 16)
    end
    return table.concat(texts, " ")
  end

  describe("hours", function()
    it("are walked in steps of the interval, as long as the whole slot fits", function()
      assert.are.equal("09:00 10:00 11:00", free(calendar(), "2026-05-05"))
      assert.are.equal("09:00 09:30 10:00 10:30 11:00", free(calendar { slotInterval = 30 }, "2026-05-05"))
      assert.are.equal("09:00 10:00 11:00", free(calendar { slotDuration = 45 }, "2026-05-05"))
      assert.are.equal("09:00 11:00", free(calendar { slotInterval = 2, slotIntervalUnit = "hours" }, "2026-05-05"))
      assert.are.equal("09:00", free(calendar { slotDuration = 3, slotDurationUnit = "hours" }, "2026-05-05"))
      assert.are.equal("", free(calendar { slotDuration = 181 }, "2026-05-05"))
    end)

    it("are half an hour by default", function()
      local cal = calendar()
      cal.slotDuration, cal.slotInterval = nil, nil
      assert.are.equal("09:00 09:30 10:00 10:30 11:00 11:30", free(cal, "2026-05-05"))
    end)

    it("are those of the weekday, several a day, till midnight", function()
      local cal = calendar { openHours = { hours("9:00", "10:00", { 1 }), hours("22:00", "0:00", { 1, 3 }) } }
      assert.are.equal("09:00 22:00 23:00", free(cal, "2026-05-04"))
      assert.are.equal("", free(cal, "2026-05-05"))
      assert.are.equal("22:00 23:00", free(cal, "2026-05-06"))
    end)

    it("give way to special dates, as availabilityType says", function()
      local special = {
        { date = "2026-05-05T00:00:00.000Z", hours = hours("15:00", "17:00").hours },
        { date = "2026-05-06T00:00:00.000Z", hours = {} },
        { date = "2026-05-07T00:00:00.000Z", hours = {}, deleted = true },
      }
      local function days(kind)
        local cal = calendar { availabilities = special, availabilityType = kind }
        return { free(cal, "2026-05-05"), free(cal, "2026-05-06"), free(cal, "2026-05-07") }
      end
      local usual = "09:00 10:00 11:00"
      assert.are.same({ "15:00 16:00", "", usual }, days(nil))
      assert.are.same({ "15:00 16:00", "", usual }, days(core.null))
      assert.are.same({ usual, usual, usual }, days(0))
      assert.are.same({ "15:00 16:00", "", "" }, days(1))
    end)

    it("come from a member's schedule, in its own zone", function()
      local cal = calendar { teamMembers = team("ann", "bob") }
      store.schedules:add {
        id = "s",
        userId = "ann",
        calendarIds = { cal.id },
        timezone = "America/Chicago",
        rules = {
          { type = "wday", day = "tuesday", intervals = { { from = "09:00", to = "11:00" } } },
          { type = "wday", day = "thursday", intervals = { { from = "09:00", to = "10:00" } } },
          { type = "date", date = "2026-05-07", intervals = { { from = "20:00", to = "21:00" } } },
        },
      }
      local ann = { users = { ann = true } }
      assert.are.equal("10:00 11:00", free(cal, "2026-05-05", ann))
      assert.are.equal("", free(cal, "2026-05-06", ann))
      assert.are.equal("21:00", free(cal, "2026-05-07", ann))
      assert.are.equal("09:00 10:00 11:00", free(cal, "2026-05-05"))
      cal.availabilities = { { date = "2026-05-05T00:00:00.000Z", hours = {} } }
      assert.are.equal("", free(cal, "2026-05-05"))
    end)
  end)

  describe("when clocks change", function()
    local night
    before_each(function() night = calendar { openHours = { hours("0:00", "6:00") } } end)

    it("in March there is no hour that the clocks skip", function()
      now = ms "2026-03-01T00:00:00"
      assert.are.equal("00:00-05 01:00-05 03:00-04 04:00-04 05:00-04", free(night, "2026-03-08", { offset = true }))
      assert.are.equal(
        "00:00-05 01:00-05 02:00-05 03:00-05 04:00-05 05:00-05",
        free(night, "2026-03-07", { offset = true })
      )
    end)

    it("in November the hour that comes twice is offered twice", function()
      now = ms "2026-10-25T00:00:00"
      assert.are.equal(
        "00:00-04 01:00-04 01:00-05 02:00-05 03:00-05 04:00-05 05:00-05",
        free(night, "2026-11-01", { offset = true })
      )
      local list = slots.free(store, night, { from = ms "2026-11-01T00:00:00", to = ms "2026-11-01T05:59:00" })
      for i = 2, #list do
        assert.are.equal(HOUR, list[i] - list[i - 1])
      end
    end)

    it("each of the two hours is booked for itself", function()
      now = ms "2026-10-25T00:00:00"
      book(night, "2026-11-01T01:00:00-05:00")
      assert.are.equal(
        "00:00-04 01:00-04 02:00-05 03:00-05 04:00-05 05:00-05",
        free(night, "2026-11-01", { offset = true })
      )
      assert.is_nil(slots.free_members(store, night, ms "2026-11-01T06:00:00Z"))
      assert.is_truthy(slots.free_members(store, night, ms "2026-11-01T05:00:00Z"))
    end)

    it("office hours stay where they are on the clock", function()
      now = ms "2026-03-01T00:00:00"
      local cal = calendar()
      assert.are.equal("09:00-05 10:00-05 11:00-05", free(cal, "2026-03-07", { offset = true }))
      assert.are.equal("09:00-04 10:00-04 11:00-04", free(cal, "2026-03-08", { offset = true }))
      now = ms "2026-10-25T00:00:00"
      assert.are.equal("09:00-05 10:00-05 11:00-05", free(cal, "2026-11-01", { offset = true }))
    end)

    it("hours that begin in the gap begin after it", function()
      now = ms "2026-03-01T00:00:00"
      local cal = calendar { openHours = { hours("2:30", "5:30") } }
      assert.are.equal("03:30-04 04:30-04", free(cal, "2026-03-08", { offset = true }))
    end)

    it("days of notice and range are days on the clock", function()
      now = ms "2026-03-07T09:00:00"
      local cal = calendar { allowBookingAfter = 1, allowBookingAfterUnit = "days" }
      assert.are.equal("09:00 10:00 11:00", free(cal, "2026-03-08"))
      now = now + 60000
      assert.are.equal("10:00 11:00", free(cal, "2026-03-08"))
    end)
  end)

  describe("bookings", function()
    it("take their time, cancelled and invalid ones do not", function()
      local cal = calendar()
      local made = book(cal, "2026-05-05T10:00:00")
      assert.are.equal("09:00 11:00", free(cal, "2026-05-05"))
      for _, status in ipairs { "new", "showed", "noshow" } do
        made.appointmentStatus = status
        assert.are.equal("09:00 11:00", free(cal, "2026-05-05"))
      end
      for _, status in ipairs { "cancelled", "invalid" } do
        made.appointmentStatus = status
        assert.are.equal("09:00 10:00 11:00", free(cal, "2026-05-05"))
      end
    end)

    it("are in the way of every slot they touch, and of no other", function()
      local cal = calendar { slotInterval = 30 }
      book(cal, "2026-05-05T10:00:00")
      assert.are.equal("09:00 11:00", free(cal, "2026-05-05"))
      book(cal, "2026-05-06T09:45:00", { to = ms "2026-05-06T10:15:00" })
      assert.are.equal("10:30 11:00", free(cal, "2026-05-06"))
    end)

    it("are held off by the buffers on both sides", function()
      local cal = calendar { openHours = { hours("8:00", "14:00") }, slotInterval = 30, slotDuration = 30 }
      book(cal, "2026-05-05T11:00:00")
      assert.are.equal("08:00 08:30 09:00 09:30 10:00 10:30 11:30 12:00 12:30 13:00 13:30", free(cal, "2026-05-05"))
      cal.slotBuffer = 10
      assert.are.equal("08:00 08:30 09:00 09:30 10:00 12:00 12:30 13:00 13:30", free(cal, "2026-05-05"))
      cal.slotBuffer, cal.preBuffer, cal.preBufferUnit = nil, 1, "hours"
      assert.are.equal("08:00 08:30 09:00 09:30 12:30 13:00 13:30", free(cal, "2026-05-05"))
      cal.slotBuffer = 30
      assert.are.equal("08:00 08:30 09:00 09:30 12:30 13:00 13:30", free(cal, "2026-05-05"))
    end)

    it("share a slot as far as there are seats", function()
      local cal = calendar { appoinmentPerSlot = 2 }
      book(cal, "2026-05-05T10:00:00")
      assert.are.equal("09:00 10:00 11:00", free(cal, "2026-05-05"))
      book(cal, "2026-05-05T10:00:00")
      assert.are.equal("09:00 11:00", free(cal, "2026-05-05"))
    end)

    it("fill a day that takes only so many", function()
      local cal = calendar { appoinmentPerDay = 2 }
      book(cal, "2026-05-05T09:00:00")
      local second = book(cal, "2026-05-05T10:00:00")
      assert.are.equal("", free(cal, "2026-05-05"))
      assert.are.equal("09:00 10:00 11:00", free(cal, "2026-05-06"))
      assert.is_truthy(slots.free_members(store, cal, ms "2026-05-05T11:00:00", { except = second.id }))
      second.appointmentStatus = "cancelled"
      assert.are.equal("10:00 11:00", free(cal, "2026-05-05"))
    end)

    it("in another location do not count", function()
      local cal = calendar()
      book(cal, "2026-05-05T10:00:00", { locationId = "there" })
      assert.are.equal("09:00 10:00 11:00", free(cal, "2026-05-05"))
    end)
  end)

  describe("teams", function()
    it("offer what anybody can take, or what one of them can", function()
      local cal = calendar { teamMembers = team("ann", "bob") }
      book(cal, "2026-05-05T09:00:00", { assignedUserId = "ann" })
      book(cal, "2026-05-05T10:00:00", { assignedUserId = "ann" })
      book(cal, "2026-05-05T10:00:00", { assignedUserId = "bob" })
      assert.are.equal("09:00 11:00", free(cal, "2026-05-05"))
      assert.are.equal("11:00", free(cal, "2026-05-05", { users = { ann = true } }))
      assert.are.equal("09:00 11:00", free(cal, "2026-05-05", { users = { bob = true, zoe = true } }))
      assert.are.equal("", free(cal, "2026-05-05", { users = { zoe = true } }))
      assert.are.same({ "bob" }, slots.free_members(store, cal, ms "2026-05-05T09:00:00"))
      assert.are.same({ "ann", "bob" }, slots.free_members(store, cal, ms "2026-05-05T11:00:00"))
      assert.is_nil(slots.free_members(store, cal, ms "2026-05-05T10:00:00"))
    end)

    it("of a collective calendar must all be free", function()
      local cal = calendar { teamMembers = team("ann", "bob"), calendarType = "collective" }
      book(cal, "2026-05-05T09:00:00", { assignedUserId = "ann" })
      assert.are.equal("10:00 11:00", free(cal, "2026-05-05"))
    end)

    it("are busy with their other calendars", function()
      local one = calendar { teamMembers = team "ann", appoinmentPerSlot = 5 }
      local other = calendar { teamMembers = team "ann" }
      book(other, "2026-05-05T10:00:00", { assignedUserId = "ann" })
      assert.are.equal("09:00 11:00", free(one, "2026-05-05"))
      book(one, "2026-05-05T09:00:00", { assignedUserId = "ann" })
      assert.are.equal("09:00 11:00", free(one, "2026-05-05"))
      assert.are.equal("11:00", free(other, "2026-05-05"))
    end)
  end)

  describe("blocks", function()
    it("close a member for all calendars, to the minute", function()
      local one, other = calendar { teamMembers = team("ann", "bob") }, calendar { teamMembers = team "ann" }
      block("2026-05-05T10:00:00", "2026-05-05T11:00:00", { assignedUserId = "ann" })
      assert.are.equal("09:00 11:00", free(other, "2026-05-05"))
      assert.are.equal("09:00 11:00", free(one, "2026-05-05", { users = { ann = true } }))
      assert.are.equal("09:00 10:00 11:00", free(one, "2026-05-05"))
    end)

    it("close a calendar for everybody, however many seats it has", function()
      local one, other = calendar { teamMembers = team("ann", "bob"), appoinmentPerSlot = 9 }, calendar {}
      block("2026-05-05T00:00:00", "2026-05-06T00:00:00", { calendarId = one.id })
      assert.are.equal("", free(one, "2026-05-05"))
      assert.are.equal("09:00 10:00 11:00", free(one, "2026-05-06"))
      assert.are.equal("09:00 10:00 11:00", free(other, "2026-05-05"))
    end)
  end)

  describe("the booking window", function()
    it("has no past", function()
      local cal = calendar()
      now = ms "2026-05-05T09:00:00"
      assert.are.equal("09:00 10:00 11:00", free(cal, "2026-05-05"))
      now = now + 1
      assert.are.equal("10:00 11:00", free(cal, "2026-05-05"))
      assert.are.equal("", free(cal, "2026-05-04"))
    end)

    it("begins after the notice", function()
      local cal = calendar { allowBookingAfter = 2, allowBookingAfterUnit = "hours" }
      now = ms "2026-05-05T08:00:00"
      assert.are.equal("10:00 11:00", free(cal, "2026-05-05"))
      cal.allowBookingAfterUnit = "weeks"
      assert.are.equal("", free(cal, "2026-05-18"))
      assert.are.equal("09:00 10:00 11:00", free(cal, "2026-05-19"))
    end)

    it("ends with the range", function()
      local cal = calendar { allowBookingFor = 1, allowBookingForUnit = "months" }
      now = ms "2026-01-31T10:00:00"
      assert.are.equal("09:00 10:00", free(cal, "2026-02-28"))
      assert.are.equal("", free(cal, "2026-03-01"))
      cal.allowBookingForUnit = "days"
      assert.are.equal("09:00 10:00", free(cal, "2026-02-01"))
      assert.are.equal("", free(cal, "2026-02-02"))
    end)

    it("is left aside on request, the hours are not", function()
      local cal = calendar { allowBookingAfter = 2, allowBookingAfterUnit = "days" }
      local start = ms "2026-05-04T10:00:00"
      assert.is_nil(slots.free_members(store, cal, start))
      assert.is_truthy(slots.free_members(store, cal, start, { ignore_date_range = true }))
      assert.is_nil(slots.free_members(store, cal, start + HOUR // 2, { ignore_date_range = true }))
    end)
  end)

  it("asks for the ends of the window to the millisecond", function()
    local cal = calendar()
    local nine = ms "2026-05-05T09:00:00"
    local function between(from, to) return #slots.free(store, cal, { from = from, to = to }) end
    assert.are.equal(1, between(nine, nine))
    assert.are.equal(0, between(nine + 1, nine + HOUR - 1))
    assert.are.equal(2, between(nine, nine + HOUR))
    assert.are.equal(0, between(nine + HOUR, nine))
    assert.are.equal(3 * 31, between(nine, nine + 31 * DAY - 1))
  end)

  it("offers a longer appointment only where all of it fits", function()
    local cal = calendar { slotInterval = 30 }
    book(cal, "2026-05-05T11:00:00")
    local function offered(text, length)
      return slots.free_members(store, cal, ms("2026-05-05T" .. text), { length = length }) ~= nil
    end
    assert.is_true(offered("09:00:00", 2 * HOUR))
    assert.is_false(offered("09:30:00", 2 * HOUR))
    assert.is_true(offered("10:30:00", HOUR // 2))
  end)

  it("has nothing in a calendar that is switched off", function()
    local cal = calendar { isActive = false }
    assert.are.equal("", free(cal, "2026-05-05"))
    assert.is_nil(slots.free_members(store, cal, ms "2026-05-05T09:00:00"))
  end)
end)
