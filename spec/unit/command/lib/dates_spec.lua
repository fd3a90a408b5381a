-- Dates and spans as people type them.

local dates = require "hoopai.command.lib.dates"
local time = require "hoopai.time"

local ZONE = "Europe/Berlin"
local NOW = time.parse "2026-11-30T10:15:20+01:00" -- a Monday

local function parse(text, now) return dates.parse(text, ZONE, now or NOW) end

-- The texts of both results.
local function parsed(text, now)
  local first, second = parse(text, now)
  return tostring(first), second and tostring(second)
end

local function day(text) return tostring(time.day(text, ZONE)) end

describe("a day", function()
  it("is named in many ways", function()
    local cases = {
      ["2026-12-01"] = "2026-12-01",
      today = "2026-11-30",
      tomorrow = "2026-12-01",
      yesterday = "2026-11-29",
      monday = "2026-11-30",
      tuesday = "2026-12-01",
      sunday = "2026-12-06",
      wed = "2026-12-02",
      sat = "2026-12-05",
      ["+0d"] = "2026-11-30",
      ["+3d"] = "2026-12-03",
      ["-3d"] = "2026-11-27",
      ["+2w"] = "2026-12-14",
      ["-1w"] = "2026-11-23",
      ["+3mo"] = "2027-02-28",
      ["-1mo"] = "2026-10-30",
      ["+1y"] = "2027-11-30",
      ["+3days"] = "2026-12-03",
      ["+1week"] = "2026-12-07",
      ["+1month"] = "2026-12-30",
      [" Today "] = "2026-11-30",
      MONDAY = "2026-11-30",
      Tomorrow = "2026-12-01",
      ["2028-02-29"] = "2028-02-29",
    } -- stylua: ignore
    for text, expected in pairs(cases) do
      local first, after = parse(text)
      assert.are.equal(day(expected), tostring(first), text)
      assert.are.equal(tostring((first + time.days(1)):start_of_day()), tostring(after), text)
    end
  end)

  it("is that of the zone, not of the computer or of UTC", function()
    local late = time.parse "2026-11-30T23:30:00Z"
    assert.are.equal("2026-12-01T00:00:00+01:00", (parsed("today", late)))
    assert.are.equal("2026-11-30T00:00:00-06:00", tostring((dates.parse("today", "America/Chicago", late))))
    assert.are.equal("2026-12-01T00:00:00+01:00", (parsed("tuesday", late)))
  end)

  it("begins after midnight where clocks are set forward then", function()
    local first, after = dates.parse("2018-11-04", "America/Sao_Paulo", NOW)
    assert.are.equal("2018-11-04T01:00:00-02:00", tostring(first))
    assert.are.equal("2018-11-05T00:00:00-02:00", tostring(after))
    local before = time.at { year = 2018, month = 11, day = 3, hour = 12, zone = "America/Sao_Paulo" }
    assert.are.equal("2018-11-04T01:00:00-02:00", tostring((dates.parse("tomorrow", "America/Sao_Paulo", before))))
    assert.are.equal("2018-11-04T01:00:00-02:00", tostring((dates.parse("sunday", "America/Sao_Paulo", before))))
  end)
end)

describe("a period", function()
  it("is a week from Monday, a month or a year", function()
    local cases = {
      ["last-week"] = { "2026-11-23", "2026-11-30" },
      ["this-week"] = { "2026-11-30", "2026-12-07" },
      ["next-week"] = { "2026-12-07", "2026-12-14" },
      ["last-month"] = { "2026-10-01", "2026-11-01" },
      ["this-month"] = { "2026-11-01", "2026-12-01" },
      ["next-month"] = { "2026-12-01", "2027-01-01" },
      ["last-year"] = { "2025-01-01", "2026-01-01" },
      ["this-year"] = { "2026-01-01", "2027-01-01" },
      ["Next year"] = { "2027-01-01", "2028-01-01" },
      ["2026-02"] = { "2026-02-01", "2026-03-01" },
      ["2026-12"] = { "2026-12-01", "2027-01-01" },
    }
    for text, expected in pairs(cases) do
      assert.are.same({ day(expected[1]), day(expected[2]) }, { parsed(text) }, text)
    end
  end)
end)

describe("an instant", function()
  it("is named in many ways", function()
    local cases = {
      now = "2026-11-30T10:15:20+01:00",
      ["+3h"] = "2026-11-30T13:15:20+01:00",
      ["-3h"] = "2026-11-30T07:15:20+01:00",
      ["+30min"] = "2026-11-30T10:45:20+01:00",
      ["+2hours"] = "2026-11-30T12:15:20+01:00",
      ["09:30"] = "2026-11-30T09:30:00+01:00",
      ["9:30"] = "2026-11-30T09:30:00+01:00",
      ["tomorrowT09:30"] = "2026-12-01T09:30:00+01:00",
      ["tuesday 14:00:30"] = "2026-12-01T14:00:30+01:00",
      ["+3d 08:00"] = "2026-12-03T08:00:00+01:00",
      ["2026-12-01T09:30"] = "2026-12-01T09:30:00+01:00",
      ["2026-12-01 09:30:15"] = "2026-12-01T09:30:15+01:00",
      ["2026-07-01T09:30"] = "2026-07-01T09:30:00+02:00",
      ["2026-12-01T09:30Z"] = "2026-12-01T10:30:00+01:00",
      ["2026-12-01T09:30:00+02:00"] = "2026-12-01T08:30:00+01:00",
      ["2026-12-01t09:30-0500"] = "2026-12-01T15:30:00+01:00",
    } -- stylua: ignore
    for text, expected in pairs(cases) do
      assert.are.same({ expected }, { parsed(text) }, text)
    end
  end)

  it("of a skipped local time is moved on by the gap, and of a repeated one the first is meant", function()
    assert.are.equal("2027-03-28T03:30:00+02:00", (parsed "2027-03-28T02:30"))
    assert.are.equal("2026-10-25T02:30:00+02:00", (parsed "2026-10-25T02:30"))
    assert.are.equal("2026-10-25T02:30:00+01:00", (parsed "2026-10-25T02:30+01:00"))
  end)

  it("of hours from now is exact time, and of days is days of the calendar", function()
    local eve = time.parse "2027-03-27T12:00:00+01:00"
    assert.are.equal("2027-03-28T13:00:00+02:00", (parsed("+24h", eve)))
    assert.are.equal("2027-03-28T12:00:00+02:00", (parsed("+1d 12:00", eve)))
  end)
end)

describe("a text that is no date", function()
  it("gets one error, which shows what is understood", function()
    for _, text in ipairs {
      "",
      "1.12.2026",
      "12/01/2026",
      "next-century",
      "monda",
      "+3x",
      "+d",
      "3d",
      "2026-12-01T",
      "tomorrowT",
      "T09:30",
      "2026-12-01T09:30+2",
      "2026-12-01T09:30 +02:00",
      "2026-W49",
      "1795955560",
      "next",
      "today tomorrow",
      "now 09:30",
      "last-month 09:30",
      "09:30:00.5",
      "9",
      "2026-1-1",
    } do -- stylua: ignore
      local first, message = parse(text)
      assert.is_nil(first, text)
      assert.are.equal(('"%s" is no date: write %s'):format(text, dates.UNDERSTOOD), message)
    end
  end)

  it("is quoted short, and cannot command the terminal", function()
    local _, message = parse("\27[2J" .. ("x"):rep(100))
    assert.is_truthy(message:find('"\\x1B[2Jxxxx', 1, true))
    assert.is_truthy(message:find('x…" is no date', 1, true))
  end)

  it("gets the reason, if it looks like one", function()
    local cases = {
      ["2026-02-30"] = "2026-02 has no day 30",
      ["2026-13-01"] = "there is no month 13",
      ["2026-13"] = "there is no month 13",
      ["2026-02-29T10:00"] = "2026-02 has no day 29",
      ["2026-02-29T10:00Z"] = "2026-02 has no day 29",
      ["0206-01-01"] = "the year 0206 is not one of 1900 to 2999",
      ["9999-01-01T00:00Z"] = "the year 9999 is not one of 1900 to 2999",
      ["25:00"] = "there is no time 25:00",
      ["tomorrow 09:61"] = "there is no time 09:61",
      ["24:00"] = "a day ends at 00:00 of the next",
      ["+1m"] = "could be months or minutes: write +1mo or +1min",
      ["-30m"] = "could be months or minutes: write -30mo or -30min",
      ["+99999d"] = "is too far away",
      ["+9999y"] = "is too far away",
      ["-99999h"] = "is too far away",
    }
    for text, reason in pairs(cases) do
      assert.are.same({ nil, ('"%s": %s'):format(text, reason) }, { parse(text) }, text)
    end
  end)

  it("is found without raising, however far it leads", function()
    for _, text in ipairs { "-9999w", "+9999w", "-9999mo", "+999y", "-999y", "1900-01-01", "2999-12-31", "2999-12" } do
      assert.is_true(time.is_instant((parse(text))), text)
    end
  end)
end)

describe("a span", function()
  local function range(options)
    options.zone, options.now = ZONE, NOW
    local from, to = dates.range(options)
    return from and tostring(from), tostring(to)
  end

  it("is a week from today, unless the command has another default", function()
    assert.are.same({ day "2026-11-30", day "2026-12-07" }, { range {} })
    assert.are.same({ day "2026-11-30", day "2026-12-01" }, { range { default_days = 1 } })
    assert.are.same(
      { "2026-11-30T10:15:20+01:00", "2026-12-30T10:15:20+01:00" },
      { range { default_from = "now", default_days = 30 } }
    )
  end)

  it("includes the day, month or week that is its end", function()
    assert.are.same({ day "2026-12-01", day "2026-12-25" }, { range { from = "2026-12-01", to = "2026-12-24" } })
    assert.are.same({ day "2026-11-30", day "2026-12-01" }, { range { from = "today", to = "today" } })
    assert.are.same({ day "2026-11-30", day "2026-12-03" }, { range { from = "monday", to = "wednesday" } })
    assert.are.same({ day "2026-10-01", day "2026-12-01" }, { range { from = "last-month", to = "this-month" } })
    assert.are.same({ day "2026-12-01", "2026-12-24T12:00:00+01:00" }, {
      range { from = "2026-12", to = "2026-12-24T12:00" },
    })
  end)

  it("of a period alone is that period", function()
    assert.are.same({ day "2026-10-01", day "2026-11-01" }, { range { from = "last-month" } })
    assert.are.same({ day "2026-12-01", day "2027-01-01" }, { range { from = "2026-12", default_days = 1 } })
    assert.are.same({ day "2026-11-30", day "2026-12-07" }, { range { from = "this week", default_days = 1 } })
    assert.are.same({ day "2026-11-30", day "2026-12-01" }, { range { from = "today", default_days = 1 } })
  end)

  it("is of so many days, also when clocks change", function()
    assert.are.same({ day "2026-10-24", day "2026-10-26" }, { range { from = "2026-10-24", days = 2 } })
    assert.are.same({ day "2026-10-01", day "2026-10-04" }, { range { from = "last-month", days = 3 } })
  end)

  it("that is wrong gets one error, which names the option", function()
    assert.are.same({ nil, '--from: "x" is no date: write ' .. dates.UNDERSTOOD }, { range { from = "x" } })
    assert.are.same({ nil, '--to: "2026-02-30": 2026-02 has no day 30' }, { range { to = "2026-02-30" } })
    assert.are.same({ nil, "--to and --days cannot be given together" }, { range { to = "today", days = 3 } })
    assert.are.same(
      { nil, "the span is empty: it begins at 2026-12-02 00:00 and ends at 2026-12-02 00:00" },
      { range { from = "+2d", to = "tomorrow" } }
    )
  end)

  it("has the present as its default", function()
    local from = dates.range { zone = ZONE, default_from = "now" }
    local apart = (time.now() - from):seconds()
    assert.is_true(apart >= 0 and apart < 3600)
    assert.are.equal(ZONE, from:zone())
  end)
end)
