local hoopai = require "hoopai"
local open_hours = require "hoopai.command.lib.open_hours"
local spans = require "hoopai.command.lib.spans"

local NEW_YORK, BERLIN = "America/New_York", "Europe/Berlin"

local function hours(days, ...)
  local list = {}
  for index, range in ipairs { ... } do
    list[index] = { openHour = range[1], openMinute = range[2], closeHour = range[3], closeMinute = range[4] }
  end
  return { daysOfTheWeek = days, hours = list }
end

local function on(day, days, calendars, schedules, zone)
  local from = hoopai.time.day(day, zone or NEW_YORK)
  local list, source = open_hours.of(
    calendars,
    schedules or {},
    from,
    from + hoopai.time.days(days),
    function() return zone or NEW_YORK end
  )
  local texts = {}
  for index, span in ipairs(list) do
    local first, last = hoopai.time.from_ms(span[1]), hoopai.time.from_ms(span[2])
    texts[index] = first:format("%d %R", zone or NEW_YORK) .. "-" .. last:format("%R", zone or NEW_YORK)
  end
  return texts, source, spans.minutes(list)
end

describe("open hours", function()
  local monday = { id = "c", openHours = { hours({ 1 }, { 9, 0, 12, 30 }, { 13, 30, 17, 0 }) } }
  local schedule = {
    id = "s",
    timezone = BERLIN,
    calendarIds = { "c" },
    rules = {
      { type = "wday", day = "monday", intervals = { { from = "15:00", to = "18:00" } } },
      { type = "date", date = "2026-12-14", intervals = {} },
    },
  }

  it("are those of the calendar, where no schedule applies", function()
    -- 30 November 2026 is a Monday.
    local texts, source = on("2026-11-30", 2, { monday })
    assert.are.same({ { "30 09:00-12:30", "30 13:30-17:00" }, "calendars" }, { texts, source })
    local other = { timezone = BERLIN, calendarIds = { "other" }, rules = {} }
    assert.are.same({ texts, source, 420 }, { on("2026-11-30", 2, { monday }, { other }) })
  end)

  it("are those of the schedule, in its own zone", function()
    local texts, source = on("2026-11-30", 1, { monday }, { schedule })
    assert.are.same({ { "30 09:00-12:00" }, "schedules" }, { texts, source })
    assert.are.same({}, (on("2026-12-14", 1, { monday }, { schedule })))
  end)

  it("of a schedule without calendars apply to each, and a deleted one to none", function()
    local general = { timezone = NEW_YORK, calendarIds = {}, rules = schedule.rules }
    assert.are.same({ "30 15:00-18:00" }, (on("2026-11-30", 1, { monday }, { general })))
    general.deleted = true
    assert.are.equal("calendars", select(2, on("2026-11-30", 1, { monday }, { general })))
  end)

  it("of several calendars are counted once", function()
    local second = { id = "d", openHours = { hours({ 1 }, { 11, 0, 14, 0 }) } }
    local texts, _, minutes = on("2026-11-30", 1, { monday, second })
    assert.are.same({ { "30 09:00-17:00" }, 480 }, { texts, minutes })
    assert.are.equal("schedules and calendars", select(2, on("2026-11-30", 1, { monday, second }, { schedule })))
  end)

  it("of single dates take the place of the weekly ones", function()
    local dates = { { date = "2026-11-30T00:00:00.000Z", hours = hours({}, { 10, 0, 11, 0 }).hours } }
    local calendar = { id = "c", openHours = monday.openHours, availabilities = dates }
    assert.are.same({ "30 10:00-11:00" }, (on("2026-11-30", 1, { calendar }, { schedule })))
    calendar.availabilityType = 0
    assert.are.same({ "30 09:00-12:30", "30 13:30-17:00" }, (on("2026-11-30", 1, { calendar })))
    calendar.availabilityType = 1
    assert.are.same({ "30 10:00-11:00" }, (on("2026-11-30", 8, { calendar })))
    dates[1].deleted = true
    assert.are.same({}, (on("2026-11-30", 8, { calendar })))
  end)

  it("reach midnight, and are exact on the day that clocks change", function()
    local sunday = { id = "c", openHours = { hours({ 0 }, { 0, 0, 4, 0 }, { 22, 0, 0, 0 }) } }
    local texts, _, minutes = on("2026-03-29", 1, { sunday }, nil, BERLIN)
    assert.are.same({ { "29 00:00-04:00", "29 22:00-00:00" }, 300 }, { texts, minutes })
  end)

  it("are none where nothing says any", function()
    assert.are.same({ {}, "none", 0 }, { on("2026-11-30", 7, { { id = "c" } }) })
    assert.are.same({ {}, "none", 0 }, { on("2026-11-30", 7, {}) })
  end)
end)
