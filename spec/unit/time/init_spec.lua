-- hoopai.time, the public module.

local time = require "hoopai.time"
local times = require "spec.support.times"

local at, fresh, raised, AT_TEN = times.at, times.fresh, times.raised, times.AT_TEN
local CHICAGO, NEW_YORK = "America/Chicago", "America/New_York"
local WRITE = 'write the date, the time and its offset, such as "2024-10-28T10:00:00-05:00"'
local FRACTION = "%s has a fraction: write whole milliseconds, or hoopai.time.from_seconds for seconds"
local NUMBER = 'a bare number carries no zone: write a text such as "2024-10-28T10:00:00-05:00", or '
local FROM_MS = NUMBER .. 'hoopai.time.from_ms(%s, "America/Chicago")'
local FROM_SECONDS = NUMBER .. 'hoopai.time.from_seconds(%s, "America/Chicago")'
local NOT_A_NAME = '%s is not the name of a time zone: write one such as "Europe/Berlin", "UTC" or "+05:30"'
local EST = 'zone "EST" is an abbreviation and says too little: write the zone\'s name, such as "America/New_York", '
  .. 'or an offset such as "+02:00"'

local function no_offset(text)
  return string.format(
    '"%s" has no offset: write "%s-05:00" with the offset of the zone you mean, "%sZ" for UTC, or '
      .. 'use hoopai.time.at { ..., zone = "America/Chicago" }',
    text,
    text,
    text
  )
end

local function names_a_day(text)
  return string.format(
    '"%s" names a day, not an instant: write the time and its offset too, such as '
      .. '"%sT00:00:00-05:00", or use hoopai.time.day("%s", "America/Chicago")',
    text,
    text,
    text
  )
end

local function check(converter, value, expected)
  local result, problem = converter(value)
  if type(expected) == "table" then
    assert.is_nil(result)
    assert.are.equal(expected[1], problem)
  else
    assert.are.equal(expected, result)
    assert.are.equal(math.type(expected), math.type(result))
    assert.is_nil(problem)
  end
end

describe("the module", function()
  it("has these functions and no other", function()
    local names = {}
    for name, value in pairs(time) do
      assert.are.equal("function", type(value), name)
      names[#names + 1] = name
    end
    table.sort(names)
    assert.are.same({
      "at",
      "day",
      "days",
      "from_ms",
      "from_seconds",
      "hours",
      "is_duration",
      "is_instant",
      "milliseconds",
      "minutes",
      "months",
      "now",
      "parse",
      "seconds",
      "to_body_datetime",
      "to_epoch_ms",
      "to_timezone",
      "weeks",
      "years",
      "zone",
    }, names)
  end)
end)

describe("on hosts", function()
  it("without io and os all works but named zones, which say so", function()
    fresh({ io = false, os = false }, { ["hoopai.core"] = { wall_ms = function() return AT_TEN end } }, function()
      local other = require "hoopai.time"
      assert.are.equal("2024-10-28T20:30:00+05:30", other.now("+05:30"):iso())
      assert.are.equal("2024-10-28T15:00:00+00:00", other.now():iso("UTC"))
      assert.are.equal(AT_TEN, other.parse("2024-10-28T10:00:00-05:00"):ms())
      assert.are.equal(
        'zone "America/Chicago" needs the time zone files of the system, and this Lua has no io '
          .. 'library: use "UTC" or an offset such as "+02:00"',
        raised(function() other.now("America/Chicago") end)
      )
    end)
  end)

  it("without the core the clock is os.time", function()
    local preload, path, cpath = package.preload["hoopai.core"], package.path, package.cpath
    local folder = package.searchpath("hoopai.time", path):gsub("hoopai/time/init%.lua$", "")
    local own = folder .. "?.lua;" .. folder .. "?/init.lua"
    local clock = { time = function() return 1730127600 end }
    fresh({ os = clock }, { ["hoopai.core"] = false }, function()
      package.preload["hoopai.core"] = function() error("no core here") end
      package.path, package.cpath = own, ""
      local ok, problem = pcall(function() assert.are.equal(AT_TEN, require("hoopai.time").now():ms()) end)
      package.preload["hoopai.core"], package.path, package.cpath = preload, path, cpath
      assert.is_true(ok, problem)
    end)
  end)

  it("without the core and os.time `now` raises", function()
    fresh({ os = false }, { ["hoopai.core"] = {} }, function()
      local other = require "hoopai.time"
      assert.are.equal("this Lua has no clock: neither hoopai.core nor os.time", raised(function() other.now() end))
    end)
  end)

  it("the core is not loaded before the clock is read", function()
    fresh({}, { ["hoopai.core"] = false }, function()
      local other = require "hoopai.time"
      assert.is_nil(package.loaded["hoopai.core"])
      assert.are.equal("1970-01-01T00:00:00+00:00", other.from_ms(0):iso("UTC"))
    end)
  end)
end)

-- Fifty inputs that people and programs get wrong, or that look wrong and are not, with what becomes of each.
describe("the fifty times", function()
  local epoch, body = time.to_epoch_ms, time.to_body_datetime

  -- Both converters, and parse for text, give this problem.
  local function refused(text, problem)
    return function()
      check(epoch, text, { problem })
      check(body, text, { problem })
      check(time.parse, text, { problem })
    end
  end

  -- Taken everywhere; the body gets it verbatim, or, where it is spelled unusually, a problem that spells it.
  local function taken(text, ms, spelled)
    return function()
      check(epoch, text, ms)
      check(body, text, spelled and { string.format('"%s" is an unusual spelling: write "%s"', text, spelled) } or text)
      assert.are.equal(ms, time.parse(text):ms())
    end
  end

  local function number(value, in_query, in_body)
    return function()
      check(epoch, value, in_query)
      check(body, value, { in_body })
    end
  end

  local function zone(name, problem)
    return function()
      check(time.zone, name, { problem })
      assert.are.equal(problem, raised(function() time.now(name) end))
    end
  end

  local DAY = 86400000
  local cases = {
    { "empty", refused("", '"" is empty: ' .. WRITE) },
    { "date only", refused("2024-10-28", names_a_day("2024-10-28")) },
    { "no offset", refused("2024-10-28T10:00:00", no_offset("2024-10-28T10:00:00")) },
    { "Z", taken("2024-10-28T15:00:00Z", AT_TEN) },
    { "z", taken("2024-10-28T15:00:00z", AT_TEN, "2024-10-28T15:00:00+00:00") },
    { "+05:30", taken("2024-10-28T20:30:00+05:30", AT_TEN) },
    { "-00:00", taken("2024-10-28T15:00:00-00:00", AT_TEN) },
    { "+14:00", taken("2024-10-29T05:00:00+14:00", AT_TEN) },
    {
      "+24:00",
      refused(
        "2024-10-29T15:00:00+24:00",
        '"2024-10-29T15:00:00+24:00": offset "+24:00" must be written as "+05:00", up to "+23:59"'
      ),
    },
    {
      "+5",
      refused(
        "2024-10-28T20:00:00+5",
        '"2024-10-28T20:00:00+5": offset "+5" must be written as "+05:00", up to "+23:59"'
      ),
    },
    { "space for T", taken("2024-10-28 10:00:00-05:00", AT_TEN, "2024-10-28T10:00:00-05:00") },
    { "week date", refused("2024-W44-1T10:00:00Z", '"2024-W44-1T10:00:00Z" is a week or ordinal date: ' .. WRITE) },
    { "ordinal date", refused("2024-302T10:00:00Z", '"2024-302T10:00:00Z" is a week or ordinal date: ' .. WRITE) },
    {
      "1 to 9 fraction digits",
      function()
        for digits = 1, 9 do
          local text = "2024-10-28T15:00:00." .. ("123456789"):sub(1, digits) .. "Z"
          taken(text, AT_TEN + (digits == 1 and 100 or digits == 2 and 120 or 123))()
        end
      end,
    },
    { "comma fraction", taken("2024-10-28T15:00:00,5Z", AT_TEN + 500, "2024-10-28T15:00:00.500+00:00") },
    {
      ":60",
      refused(
        "2016-12-31T23:59:60Z",
        '"2016-12-31T23:59:60Z": leap seconds are not counted; write :59, or :00 of the next minute'
      ),
    },
    {
      "24:00",
      refused("2024-10-28T24:00:00Z", '"2024-10-28T24:00:00Z": write 00:00 of the next day instead of 24:00'),
    },
    { "25:00", refused("2024-10-28T25:00:00Z", '"2024-10-28T25:00:00Z": there is no time 25:00') },
    { "minute 60", refused("2024-10-28T10:60:00Z", '"2024-10-28T10:60:00Z": there is no time 10:60') },
    { "month 0", refused("2024-00-28T10:00:00Z", '"2024-00-28T10:00:00Z": there is no month 00') },
    { "month 13", refused("2024-13-28T10:00:00Z", '"2024-13-28T10:00:00Z": there is no month 13') },
    { "day 0", refused("2024-10-00T10:00:00Z", '"2024-10-00T10:00:00Z": 2024-10 has no day 00') },
    { "day 32", refused("2024-10-32T10:00:00Z", '"2024-10-32T10:00:00Z": 2024-10 has no day 32') },
    {
      "February 29, and not",
      function()
        taken("2024-02-29T00:00:00Z", 1709164800000)()
        refused("2023-02-29T00:00:00Z", '"2023-02-29T00:00:00Z": 2023-02 has no day 29')()
      end,
    },
    { "February 30", refused("2024-02-30T00:00:00Z", '"2024-02-30T00:00:00Z": 2024-02 has no day 30') },
    {
      "year 0",
      refused("0000-01-01T00:00:00Z", '"0000-01-01T00:00:00Z": years are written with four digits, 0001 to 9999'),
    },
    {
      "year 1969",
      function()
        check(epoch, "1969-12-31T23:59:59Z", { '"1969-12-31T23:59:59Z" is before 1970' })
        check(body, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z")
      end,
    },
    { "year 2038", taken("2038-01-19T03:14:08Z", 2147483648000) },
    { "year 9999", taken("9999-12-31T23:59:59Z", 253402300799000) },
    {
      "year 10000",
      refused("10000-01-01T00:00:00Z", '"10000-01-01T00:00:00Z": years are written with four digits, 0001 to 9999'),
    },
    { "negative", number(-1, { "-1 is before 1970: write milliseconds since 1970" }, FROM_MS:format("ms")) },
    {
      "0",
      number(
        0,
        { "0 is not a time to ask for: write milliseconds since 1970, or hoopai.time.from_ms(0)" },
        FROM_SECONDS:format("0")
      ),
    },
    {
      "seconds for milliseconds",
      number(1730127600, {
        "1730127600 looks like seconds: write milliseconds "
          .. "(1730127600000), or hoopai.time.from_seconds(1730127600)",
      }, FROM_SECONDS:format("1730127600")),
    },
    { "milliseconds in a string", number("1680373800000", 1680373800000, FROM_MS:format("1680373800000")) },
    {
      "float milliseconds",
      function()
        number(1730127600000.0, AT_TEN, FROM_MS:format("1730127600000"))()
        number(1730127600000.5, { FRACTION:format("1730127600000.5") }, FROM_MS:format("ms"))()
      end,
    },
    {
      "2^53 + 1",
      number(
        (1 << 53) + 1,
        { "9007199254740993 looks like microseconds: write milliseconds since 1970" },
        FROM_MS:format("ms")
      ),
    },
    {
      "infinity",
      number(math.huge, { "infinity is not a time: write milliseconds since 1970" }, FROM_MS:format("ms")),
    },
    {
      "not a number",
      number(0 / 0, { "not-a-number is not a time: write milliseconds since 1970" }, FROM_MS:format("ms")),
    },
    -- Whether two times make a window is for the endpoint to say; here they must be ordered, in integers.
    {
      "start = end",
      function()
        assert.is_true(epoch("2024-10-28T10:00:00-05:00") == epoch("2024-10-28T16:00:00+01:00"))
        assert.is_true(at("2024-10-28T10:00:00-05:00") == at("2024-10-28T16:00:00+01:00"))
        assert.are.equal(0, (at("2024-10-28T10:00:00-05:00") - at("2024-10-28T16:00:00+01:00")):ms())
      end,
    },
    {
      "start > end",
      function()
        -- In letters it is the other way round.
        assert.is_true("2024-10-28T10:00:00-05:00" < "2024-10-28T12:00:00+01:00")
        assert.is_true(epoch("2024-10-28T10:00:00-05:00") > epoch("2024-10-28T12:00:00+01:00"))
        assert.is_true(at("2024-10-28T10:00:00-05:00") > at("2024-10-28T12:00:00+01:00"))
      end,
    },
    {
      "more than 31 days",
      function()
        local start = time.at { year = 2024, month = 10, day = 15, zone = CHICAGO }
        assert.are.equal(31 * DAY + 3600000, epoch(start + time.days(31)) - epoch(start))
        assert.is_true(start + time.days(31) - start > time.days(31))
      end,
    },
    {
      "far past",
      function()
        check(epoch, "0001-01-01T00:00:00Z", { '"0001-01-01T00:00:00Z" is before 1970' })
        check(epoch, time.parse("0001-01-01T00:00:00Z"), { "0001-01-01T00:00:00+00:00 is before 1970" })
      end,
    },
    {
      "far future",
      number(
        253402300800000,
        { "253402300800000 is after the year 9999: write milliseconds since 1970" },
        FROM_MS:format("ms")
      ),
    },
    {
      "a gap of the clocks",
      function()
        local start = time.at { year = 2024, month = 3, day = 10, hour = 2, min = 30, zone = NEW_YORK }
        check(body, start, "2024-03-10T03:30:00-04:00")
        check(epoch, start, 1710055800000)
      end,
    },
    {
      "an overlap of the clocks",
      function()
        local fields = { year = 2024, month = 11, day = 3, hour = 1, min = 30, zone = NEW_YORK }
        check(body, time.at(fields), "2024-11-03T01:30:00-04:00")
        fields.overlap = "later"
        check(body, time.at(fields), "2024-11-03T01:30:00-05:00")
      end,
    },
    {
      "unknown zone",
      zone("Europe/Atlantis", 'unknown time zone "Europe/Atlantis": write an IANA name such as "Europe/Berlin"'),
    },
    { "EST", zone("EST", EST) },
    { "zone with NUL", zone("Europe/Berlin\0", NOT_A_NAME:format('"Europe/Berlin\\x00"')) },
    { "zone of 1 KiB", zone(("a"):rep(1024), NOT_A_NAME:format('"' .. ("a"):rep(45) .. '..."')) },
    {
      "German locale",
      function()
        local script = [[
        local time = require "hoopai.time"
        local locale = os.setlocale("de_DE.UTF-8")
        local comma = locale and string.format("%.1f", 1.5) == "1,5"
        local i = time.parse("2024-03-05T09:07:03.045+01:00")
        print(comma and "German" or "no such locale")
        print(i:iso("Europe/Berlin"))
        print(i:format("%A %a %B %b %p %Y", "Europe/Berlin"))
        print(time.parse("2024-03-05T09:07:03,5+01:00"))
        print(time.seconds(0.25), time.from_seconds(1.5):ms(), time.hours(1.5))
        print(time.to_epoch_ms(1730127600000.0))
        print((select(2, time.to_epoch_ms(1730127600.5))))
        print((select(2, pcall(function() return i + 0.5 end))))
      ]]
        -- The locale is made for the occasion.
        local dir = os.tmpname()
        os.remove(dir)
        os.execute(
          string.format("mkdir -p '%s' && localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >'%s/log' 2>&1", dir, dir, dir)
        )
        local file = assert(io.open(dir .. "/script.lua", "w"))
        file:write("package.path = ", string.format("%q", package.path), "\n", script)
        file:close()
        local pipe = assert(
          io.popen(string.format("LOCPATH='%s' '%s' '%s/script.lua' 2>&1", dir, os.getenv("LUA") or "lua5.4", dir))
        )
        local lines = {}
        for line in pipe:lines() do
          lines[#lines + 1] = line
        end
        pipe:close()
        os.execute(string.format("rm -r '%s'", dir))
        assert.are.equal(8, #lines, table.concat(lines, "\n"))
        assert.are.equal("German", lines[1])
        assert.are.equal("2024-03-05T09:07:03.045+01:00", lines[2])
        assert.are.equal("Tuesday Tue March Mar AM 2024", lines[3])
        assert.are.equal("2024-03-05T09:07:03.500+01:00", lines[4])
        assert.are.equal("0.25s\t1500\t1h 30m", lines[5])
        assert.are.equal("1730127600000", lines[6])
        assert.are.equal(FRACTION:format("1730127600.5"), lines[7])
        assert.is_truthy(lines[8]:find("hoopai.time.seconds(0.5), minutes(0.5) or hours(0.5)", 1, true))
      end,
    },
  }

  it("are fifty", function() assert.are.equal(50, #cases) end)

  for i, case in ipairs(cases) do
    it(string.format("%02d %s", i, case[1]), case[2])
  end
end)
