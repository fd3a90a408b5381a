-- hoopai.time.calendar: days, months and years on the calendar of a zone.

local calendar = require "hoopai.time.calendar"
local gregorian = require "hoopai.time.gregorian"
local python = require "spec.support.python"
local time = require "hoopai.time"
local times = require "spec.support.times"
local zones = require "hoopai.time.zone"

local raised = times.raised

local function days_of(text)
  local year, month, day = text:match "^(%d+)-(%d+)-(%d+)$"
  return gregorian.days(tonumber(year), tonumber(month), tonumber(day))
end

describe("adding months to a day", function()
  for _, case in ipairs {
    { "2026-01-31", 1, "2026-02-28" },
    { "2024-01-31", 1, "2024-02-29" },
    { "2026-01-31", 2, "2026-03-31" },
    { "2026-03-31", -1, "2026-02-28" },
    { "2026-12-15", 1, "2027-01-15" },
    { "2026-01-15", -1, "2025-12-15" },
    { "2024-02-29", 12, "2025-02-28" },
    { "2024-02-29", 48, "2028-02-29" },
    { "2000-02-29", -1200, "1900-02-28" },
    { "2026-05-31", 13, "2027-06-30" },
    { "0001-01-31", 119987, "9999-12-31" },
    { "2026-05-31", 0, "2026-05-31" },
  } do
    it(("%s, %d"):format(case[1], case[2]), function()
      local year, month, day = gregorian.date(calendar.add_months(days_of(case[1]), case[2]))
      assert.are.equal(case[3], ("%04d-%02d-%02d"):format(year, month, day))
    end)
  end
end)

describe("moving an instant", function()
  local berlin = assert(zones.load "Europe/Berlin")

  it("by nothing leaves the second of two equal local times", function()
    local second = time.parse("2026-10-25T02:30:00+01:00"):ms()
    assert.are.equal(second, calendar.move(second, berlin, 0, 0))
    -- Otherwise the first is meant.
    local month_before = time.parse("2026-09-25T02:30:00+02:00"):ms()
    assert.are.equal(second - 3600000, calendar.move(month_before, berlin, 1, 0))
  end)

  it("crosses a gap in which no month or day ends", function()
    -- 29 March 2026, 02:30 is skipped in Berlin; the day after is not.
    local start = time.parse("2026-02-28T02:30:00+01:00"):ms()
    assert.are.equal(time.parse("2026-03-28T02:30:00+01:00"):ms(), calendar.move(start, berlin, 1, 0))
    assert.are.equal(time.parse("2026-03-29T03:30:00+02:00"):ms(), calendar.move(start, berlin, 1, 1))
    assert.are.equal(time.parse("2026-03-30T02:30:00+02:00"):ms(), calendar.move(start, berlin, 1, 2))
    assert.are.equal(time.parse("2026-03-30T02:30:00+02:00"):ms(), calendar.move(start, berlin, 0, 30))
  end)

  it("keeps its milliseconds", function()
    local start = time.parse("2026-01-31T10:00:00.123+01:00")
    assert.are.equal("2026-02-28T10:00:00.123+01:00", (start:in_zone "Europe/Berlin" + time.months(1)):iso())
    assert.are.equal("1969-11-30T23:59:59.999+00:00", (time.from_ms(-1, "UTC") - time.months(1)):iso())
  end)
end)

describe("a sum of an instant and a duration", function()
  it("has the months first, then the days, then the exact time", function()
    local start = time.at { year = 2026, month = 1, day = 31, hour = 12, zone = "Europe/Berlin" }
    assert.are.equal("2026-03-01T12:00:00+01:00", (start + (time.days(1) + time.months(1))):iso())
    assert.are.equal("2026-03-01T12:00:00+01:00", (time.days(1) + start + time.months(1)):iso())
    -- 31 March less two days is the day of the change; the clocks have changed before noon.
    assert.are.equal("2026-03-29T13:00:00+02:00", (start + (time.hours(1) - time.days(2) + time.months(2))):iso())
    assert.are.equal("2026-02-26T11:00:00+01:00", (start + (time.months(1) - time.days(2) - time.hours(1))):iso())
    assert.are.equal("2025-12-30T12:00:00+01:00", (start - (time.months(1) + time.days(1))):iso())
    assert.are.equal("2026-02-28T12:00:00+01:00", (start + time.months(3) - time.months(2)):iso())
  end)

  it("counts on the calendar of UTC without a zone", function()
    local start = time.from_ms(time.parse("2026-01-31T23:30:00-05:00"):ms())
    assert.are.equal("2026-03-01T04:30:00Z", tostring(start + time.months(1)))
    assert.are.equal("2027-02-01T04:30:00Z", tostring(start + time.years(1)))
    assert.is_nil((start + time.months(1)):zone())
    assert.are.equal("2026-02-28T23:30:00-05:00", (start:in_zone "-05:00" + time.months(1)):iso())
  end)

  it("ends with the years 1 and 9999", function()
    local start = time.parse "2026-01-31T00:00:00Z"
    local text = "the result is outside the years 1 to 9999"
    assert.are.equal(text, raised(function() return start + time.years(7974) end))
    assert.are.equal(text, raised(function() return start - time.years(2026) end))
    assert.are.equal("9999-01-31T00:00:00+00:00", (start + time.years(7973)):iso())
    assert.are.equal("0001-01-31T00:00:00+00:00", (start - time.years(2025)):iso())
    assert.are.equal("9999-12-31T00:00:00+00:00", (start + (time.months(95688) - time.days(31))):iso())
  end)
end)

-- Zones in which the clocks change at midnight, by half an hour, by a day, or as the tables alone say.
-- stylua: ignore
local ZONES = {
  "-", "UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "America/Sao_Paulo", "Australia/Lord_Howe",
  "Africa/Casablanca", "Pacific/Apia", "Asia/Kathmandu", "Europe/Dublin", "America/Havana", "Africa/Cairo",
}

describe("dateutil and zoneinfo", function()
  -- Numbers from 0 to limit - 1, the same in each run.
  local seed = 20261130
  local function random(limit)
    seed = (seed * 6364136223846793005 + 1442695040888963407) & 0x7FFFFFFFFFFFFFFF
    return (seed >> 24) % limit
  end

  it("find the same instants", function()
    local lines, cases = {}, {}
    for _, zone in ipairs(ZONES) do
      for _ = 1, 150 do
        -- From 1990 to 2060, to the half hour, as most clocks change then.
        local ms = 631152000000 + random(70 * 366 * 48) * 1800000 + random(2) * random(1800000)
        local months, days, length = random(5) * (random(49) - 24), random(3) * (random(41) - 20), random(100000000)
        cases[#cases + 1] = { zone = zone, ms = ms, months = months, days = days, length = length }
        lines[#lines + 1] = ("%s %d %d %d %d\n"):format(zone, ms, months, days, length)
      end
    end
    local index = 0
    for line in python.run("add_to_instants.py", table.concat(lines)):gmatch "[^\n]+" do
      index = index + 1
      local case, text = cases[index], lines[index]
      local sum, day, month, year = line:match "^(%S+) (%S+) (%S+) (%S+)$"
      local zone = case.zone ~= "-" and case.zone or nil
      local start = time.from_ms(case.ms, zone)
      local d = time.months(case.months) + time.days(case.days) + time.milliseconds(case.length)
      assert.are.equal(tonumber(sum), (start + d):ms(), text)
      assert.are.equal(tonumber(sum), (start - -d):ms(), text)
      local view = zone or "UTC"
      assert.are.equal(tonumber(day), start:start_of_day(view):ms(), text)
      assert.are.equal(tonumber(month), start:start_of_month(view):ms(), text)
      assert.are.equal(tonumber(year), start:start_of_year(view):ms(), text)
      assert.are.equal(tonumber(day), time.day(start:format("%F", view), view):ms(), text)
    end
    assert.are.equal(#cases, index)
  end)
end)
