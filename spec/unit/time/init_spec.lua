-- hoopai.time: reading, writing, counting. What the zones of the system say is in tz_spec.lua.

local time = require "hoopai.time"

local BERLIN, CHICAGO, NEW_YORK = "Europe/Berlin", "America/Chicago", "America/New_York"
local AT_TEN = 1730127600000     -- 2024-10-28T10:00:00-05:00

local WRITE = 'write the date, the time and its offset, such as "2024-10-28T10:00:00-05:00"'

local NOT_FOR_QUERY = 'must be an instant: write milliseconds, a text such as "2024-10-28T10:00:00-05:00", or a '
  .. "hoopai.time value (got %s)"
local NOT_FOR_BODY = 'must be an instant: write a text such as "2024-10-28T10:00:00-05:00", or a hoopai.time value '
  .. "with a zone (got %s)"
local FRACTION = "%s has a fraction: write whole milliseconds, or hoopai.time.from_seconds for seconds"
local NO_ZONE = "%s carries no zone, and its offset is all the API learns of it: write "
  .. 'start:in_zone("America/Chicago"), with the zone of the calendar'
local NUMBER = 'a bare number carries no zone: write a text such as "2024-10-28T10:00:00-05:00", or '
local FROM_MS = NUMBER .. 'hoopai.time.from_ms(%s, "America/Chicago")'
local FROM_SECONDS = NUMBER .. 'hoopai.time.from_seconds(%s, "America/Chicago")'
local NOT_A_NAME = '%s is not the name of a time zone: write one such as "Europe/Berlin", "UTC" or "+05:30"'
local EST = 'zone "EST" is an abbreviation and says too little: write the zone\'s name, such as "America/New_York", '
  .. 'or an offset such as "+02:00"'

local function no_offset(text)
  return string.format('"%s" has no offset: write "%s-05:00" with the offset of the zone you mean, "%sZ" for UTC, or '
    .. 'use hoopai.time.at { ..., zone = "America/Chicago" }', text, text, text)
end

local function names_a_day(text)
  return string.format('"%s" names a day, not an instant: write the time and its offset too, such as '
    .. '"%sT00:00:00-05:00", or use hoopai.time.at { year = ..., month = ..., day = ..., zone = ... }', text, text)
end

-- What a call raises, without the position; which must be this file: errors point at their caller.
local function raised(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.are.equal("string", type(message))
  local rest = message:match("^%S*time/init_spec%.lua:%d+: (.*)$")
  assert.is_truthy(rest, "the error does not point here: " .. message)
  return rest
end

local function at(text, zone)
  local instant = assert(time.parse(text))
  return zone and instant:in_zone(zone) or instant
end

-- Calls body while hoopai.time is not loaded and some globals and modules are other ones (false: gone).
local function fresh(globals, modules, body)
  local kept, loaded = {}, {}
  for _, name in ipairs { "hoopai.time", "hoopai.time.zone", "hoopai.time.instant", "hoopai.time.iso8601", "hoopai.time.request_values", "hoopai.standard" } do
    modules[name] = false
  end
  for name, value in pairs(modules) do
    loaded[name], package.loaded[name] = package.loaded[name] or false, value or nil
  end
  for name, value in pairs(globals) do
    kept[name] = _G[name]
    _G[name] = value or nil
  end
  local ok, problem = pcall(body)
  for name in pairs(globals) do
    _G[name] = kept[name]
  end
  for name, value in pairs(loaded) do
    package.loaded[name] = value or nil
  end
  if not ok then
    error(problem, 0)
  end
end

describe("parse", function()
  for _, case in ipairs {
    -- text, milliseconds, zone, and how it is written again where that differs
    { "2024-10-28T10:00:00-05:00", AT_TEN, "-05:00" },
    { "2024-10-28T15:00:00Z", AT_TEN, "UTC", "2024-10-28T15:00:00+00:00" },
    { "2024-10-28t15:00:00z", AT_TEN, "UTC", "2024-10-28T15:00:00+00:00" },
    { "2024-10-28 15:00:00Z", AT_TEN, "UTC", "2024-10-28T15:00:00+00:00" },
    { "2024-10-28T20:30:00+05:30", AT_TEN, "+05:30" },
    { "2024-10-28T20:30:00+0530", AT_TEN, "+05:30", "2024-10-28T20:30:00+05:30" },
    { "2024-10-28T20:00:00+05", AT_TEN, "+05:00", "2024-10-28T20:00:00+05:00" },
    { "2024-10-28T15:00:00+00:00", AT_TEN, "+00:00" },
    { "2024-10-28T15:00:00-00:00", AT_TEN, "+00:00", "2024-10-28T15:00:00+00:00" },
    { "2024-10-28T15:00:00-0000", AT_TEN, "+00:00", "2024-10-28T15:00:00+00:00" },
    { "2024-10-28T15:00:00-00", AT_TEN, "+00:00", "2024-10-28T15:00:00+00:00" },
    { "2024-10-28T15:00Z", AT_TEN, "UTC", "2024-10-28T15:00:00+00:00" },
    { "2024-10-28T10:00-05:00", AT_TEN, "-05:00", "2024-10-28T10:00:00-05:00" },
    { "2024-10-28T15:00:00.000Z", AT_TEN, "UTC", "2024-10-28T15:00:00+00:00" },
    { "2024-10-28T15:00:00.5Z", AT_TEN + 500, "UTC", "2024-10-28T15:00:00.500+00:00" },
    { "2024-10-28T15:00:00.05Z", AT_TEN + 50, "UTC", "2024-10-28T15:00:00.050+00:00" },
    { "2024-10-28T15:00:00.001Z", AT_TEN + 1, "UTC", "2024-10-28T15:00:00.001+00:00" },
    { "2024-10-28T15:00:00.0009Z", AT_TEN, "UTC", "2024-10-28T15:00:00+00:00" },
    { "2024-10-28T15:00:00.999999999Z", AT_TEN + 999, "UTC", "2024-10-28T15:00:00.999+00:00" },
    { "2024-10-28T15:00:00,25Z", AT_TEN + 250, "UTC", "2024-10-28T15:00:00.250+00:00" },
    { "1969-12-31T23:59:59.999Z", -1, "UTC", "1969-12-31T23:59:59.999+00:00" },
    { "1970-01-01T00:00:00+00:00", 0, "+00:00" },
    { "2000-02-29T00:00:00+00:00", 951782400000, "+00:00" },
    { "0001-01-01T00:00:00+00:00", -62135596800000, "+00:00" },
    { "9999-12-31T23:59:59.999+00:00", 253402300799999, "+00:00" },
    { "2024-10-28T15:00:00+23:59", AT_TEN - (24 * 60 - 1) * 60000, "+23:59" },
    { "2024-10-28T15:00:00-23:59", AT_TEN + (24 * 60 - 1) * 60000, "-23:59" },
  } do
    it("reads " .. case[1], function()
      local instant = assert(time.parse(case[1]))
      assert.are.equal(case[2], instant:ms())
      assert.are.equal("integer", math.type(instant:ms()))
      assert.are.equal(case[3], instant:zone())
      assert.is_true(instant:has_zone())
      assert.are.equal(case[4] or case[1], instant:iso())
      assert.are.equal(case[4] or case[1], tostring(instant))
    end)
  end

  for _, case in ipairs {
    { "", '"" is empty: ' .. WRITE },
    { "  ", '"  " is empty: ' .. WRITE },
    { " 2024-10-28T10:00:00Z", '" 2024-10-28T10:00:00Z" has blanks around it: ' .. WRITE },
    { "2024-10-28T10:00:00Z\n", '"2024-10-28T10:00:00Z\\x0A" has blanks around it: ' .. WRITE },
    { "tomorrow", '"tomorrow" is not an ISO 8601 time: ' .. WRITE },
    { "2024-10-28", names_a_day("2024-10-28") },
    { "2024-10-28T10:00:00", '"2024-10-28T10:00:00" has no offset: write "2024-10-28T10:00:00-05:00" with the offset '
      .. 'of the zone you mean, "2024-10-28T10:00:00Z" for UTC, or use hoopai.time.at '
      .. '{ ..., zone = "America/Chicago" }' },
    { "2024-10-28 10:00:00", no_offset("2024-10-28 10:00:00") },
    { "2024-W44-1", '"2024-W44-1" is a week or ordinal date: ' .. WRITE },
    { "2024-W44-1T10:00:00Z", '"2024-W44-1T10:00:00Z" is a week or ordinal date: ' .. WRITE },
    { "2024W441", '"2024W441" is a week or ordinal date: ' .. WRITE },
    { "2024-302", '"2024-302" is a week or ordinal date: ' .. WRITE },
    { "2024-302T10:00:00Z", '"2024-302T10:00:00Z" is a week or ordinal date: ' .. WRITE },
    { "1730127600000", '"1730127600000" is a bare number: ' .. WRITE },
    { "20241028T100000Z", '"20241028T100000Z" is not an ISO 8601 time: ' .. WRITE },
    { "2024-10-28T10Z", '"2024-10-28T10Z" is not an ISO 8601 time: ' .. WRITE },
    { "2024-10-28T1000Z", '"2024-10-28T1000Z" is not an ISO 8601 time: ' .. WRITE },
    { "2024-10-28T10:00:Z", '"2024-10-28T10:00:Z" is not an ISO 8601 time: ' .. WRITE },
    { "2024-10-28T10:00:0Z", '"2024-10-28T10:00:0Z" is not an ISO 8601 time: ' .. WRITE },
    { "2024-10-28T10:00:00.Z", '"2024-10-28T10:00:00.Z" is not an ISO 8601 time: ' .. WRITE },
    { "2024-10-28T10:00.5Z", '"2024-10-28T10:00.5Z" is not an ISO 8601 time: ' .. WRITE },
    { "2024-10-28T10:00:00.1234567890Z",
      '"2024-10-28T10:00:00.1234567890Z" has more than nine digits after the second' },
    { "2024-10-28T10:00:00.", '"2024-10-28T10:00:00." is not an ISO 8601 time: ' .. WRITE },
    { "24-10-28T10:00:00Z", '"24-10-28T10:00:00Z" is not an ISO 8601 time: ' .. WRITE },
    { "2024-1-2T10:00:00Z", '"2024-1-2T10:00:00Z" is not an ISO 8601 time: ' .. WRITE },
    { "2024/10/28T10:00:00Z", '"2024/10/28T10:00:00Z" is not an ISO 8601 time: ' .. WRITE },
    { "+002024-10-28T10:00:00Z", '"+002024-10-28T10:00:00Z": years are written with four digits, 0001 to 9999' },
    { "-2024-10-28T10:00:00Z", '"-2024-10-28T10:00:00Z": years are written with four digits, 0001 to 9999' },
    { "0000-01-01T00:00:00Z", '"0000-01-01T00:00:00Z": years are written with four digits, 0001 to 9999' },
    { "10000-01-01T00:00:00Z", '"10000-01-01T00:00:00Z": years are written with four digits, 0001 to 9999' },
    { "2024-00-28T10:00:00Z", '"2024-00-28T10:00:00Z": there is no month 00' },
    { "2024-13-28T10:00:00Z", '"2024-13-28T10:00:00Z": there is no month 13' },
    { "2024-10-00T10:00:00Z", '"2024-10-00T10:00:00Z": 2024-10 has no day 00' },
    { "2024-10-32T10:00:00Z", '"2024-10-32T10:00:00Z": 2024-10 has no day 32' },
    { "2024-11-31T10:00:00Z", '"2024-11-31T10:00:00Z": 2024-11 has no day 31' },
    { "2023-02-29T10:00:00Z", '"2023-02-29T10:00:00Z": 2023-02 has no day 29' },
    { "1900-02-29T10:00:00Z", '"1900-02-29T10:00:00Z": 1900-02 has no day 29' },
    { "2024-10-28T24:00:00Z", '"2024-10-28T24:00:00Z": write 00:00 of the next day instead of 24:00' },
    { "2024-10-28T25:00:00Z", '"2024-10-28T25:00:00Z": there is no time 25:00' },
    { "2024-10-28T10:60:00Z", '"2024-10-28T10:60:00Z": there is no time 10:60' },
    { "2016-12-31T23:59:60Z",
      '"2016-12-31T23:59:60Z": leap seconds are not counted; write :59, or :00 of the next minute' },
    { "2016-12-31T23:59:61Z", '"2016-12-31T23:59:61Z": there is no second 61' },
    { "2024-10-28T10:00:00+5", '"2024-10-28T10:00:00+5": offset "+5" must be written as "+05:00", up to "+23:59"' },
    { "2024-10-28T10:00:00+5:30",
      '"2024-10-28T10:00:00+5:30": offset "+5:30" must be written as "+05:00", up to "+23:59"' },
    { "2024-10-28T10:00:00+24:00",
      '"2024-10-28T10:00:00+24:00": offset "+24:00" must be written as "+05:00", up to "+23:59"' },
    { "2024-10-28T10:00:00+05:60",
      '"2024-10-28T10:00:00+05:60": offset "+05:60" must be written as "+05:00", up to "+23:59"' },
    { "2024-10-28T10:00:00-05:00:00",
      '"2024-10-28T10:00:00-05:00:00": offset "-05:00:00" must be written as "+05:00", up to "+23:59"' },
    { "2024-10-28T10:00:00 +05:00", '"2024-10-28T10:00:00 +05:00": " +05:00" is not an offset: ' .. WRITE },
    { "2024-10-28T10:00:00EST", '"2024-10-28T10:00:00EST": "EST" is not an offset: ' .. WRITE },
    { "2024-10-28T10:00:00Zulu", '"2024-10-28T10:00:00Zulu": "Zulu" is not an offset: ' .. WRITE },
    { "2024-10-28T10:00:00\xE2\x88\x9205:00",
      '"2024-10-28T10:00:00\\xE2\\x88\\x9205:00": "\\xE2\\x88\\x9205:00" is not an offset: ' .. WRITE },
    { "2024-10-28T10:00:00-05:00[America/Chicago]",
      '"2024-10-28T10:00:00-05:00[America/Chicago]": leave out the zone in brackets; the offset says it all' },
    { "2024-10-28T10:00:00[America/Chicago]",
      '"2024-10-28T10:00:00[America/Chicago]": "[America/Chicago]" is not an offset: ' .. WRITE },
    { "2024-10-28T10:00:00Z\0", '"2024-10-28T10:00:00Z\\x00": "Z\\x00" is not an offset: ' .. WRITE },
    { "0001-01-01T00:00:00+00:01", '"0001-01-01T00:00:00+00:01" is outside the years 1 to 9999' },
    { "9999-12-31T23:59:59-00:01", '"9999-12-31T23:59:59-00:01" is outside the years 1 to 9999' },
    { ("9"):rep(1024), '"' .. ("9"):rep(45) .. '..." is a bare number: ' .. WRITE },
  } do
    it("refuses " .. case[1]:sub(1, 50):gsub("%c", "."), function()
      local instant, problem = time.parse(case[1])
      assert.is_nil(instant)
      assert.are.equal(case[2], problem)
    end)
  end

  it("raises for what is not text", function()
    local function message(got)
      return 'parse takes a text such as "2024-10-28T10:00:00-05:00" (got ' .. got .. ")"
    end
    assert.are.equal(message("nothing"), raised(function() time.parse(nil) end))
    assert.are.equal(message("5"), raised(function() time.parse(5) end))
    assert.are.equal(message("a table"), raised(function() time.parse({}) end))
    assert.are.equal(message("an instant"), raised(function() time.parse(time.now()) end))
    assert.are.equal(message("a duration"), raised(function() time.parse(time.days(1)) end))
  end)

  it("stays quick with megabytes of nonsense", function()
    local text = "2024-10-28T10:00:00" .. ("."):rep(1 << 20)
    local start = os.clock()
    for _, long in ipairs { text, (" "):rep(1 << 20) .. "x", ("1"):rep(1 << 20),
      "2024-10-28T10:00:00." .. ("1"):rep(1 << 20) } do
      local instant, problem = time.parse(long)
      assert.is_nil(instant)
      assert.is_true(#problem < 400)
    end
    assert.is_true(os.clock() - start < 2)
  end)
end)

describe("an instant", function()
  it("is made from milliseconds", function()
    local plain, zoned = time.from_ms(AT_TEN), time.from_ms(AT_TEN, CHICAGO)
    assert.are.equal(AT_TEN, plain:ms())
    assert.are.equal("integer", math.type(time.from_ms(AT_TEN + 0.0):ms()))
    assert.is_false(plain:has_zone())
    assert.is_nil(plain:zone())
    assert.are.equal(CHICAGO, zoned:zone())
    assert.are.equal(plain, zoned)
  end)

  it("is made from seconds, whole or not", function()
    assert.are.equal(AT_TEN, time.from_seconds(1730127600):ms())
    assert.are.equal(AT_TEN, time.from_seconds(1730127600.0):ms())
    assert.are.equal(AT_TEN + 1, time.from_seconds(1730127600.001):ms())
    assert.are.equal(AT_TEN + 1, time.from_seconds(1730127600.00149):ms())
    assert.are.equal(-500, time.from_seconds(-0.5):ms())
    assert.are.equal("integer", math.type(time.from_seconds(0.25):ms()))
    assert.are.equal("+05:30", time.from_seconds(0, "+05:30"):zone())
    assert.are.equal(-62135596800000, time.from_seconds(-62135596800):ms())
    assert.are.equal(253402300799000, time.from_seconds(253402300799):ms())
    assert.are.equal(253402300799999, time.from_ms(253402300799999):ms())
    assert.are.equal(-62135596800000, time.from_ms(-62135596800000):ms())
  end)

  for _, case in ipairs {
    { "from_ms", nil, "from_ms takes milliseconds since 1970 (got nothing)" },
    { "from_ms", "1730127600000", 'from_ms takes milliseconds since 1970 (got "1730127600000")' },
    { "from_ms", 1.5, "from_ms takes whole milliseconds (got 1.5): write hoopai.time.from_seconds for seconds" },
    { "from_ms", 1 / 0, "from_ms takes milliseconds since 1970 (got inf)" },
    { "from_ms", 2^70, "from_ms takes milliseconds since 1970 (got 1.1805916207174e+21)" },
    { "from_ms", 2^53, "from_ms: 9007199254740992 is outside the years 1 to 9999" },
    { "from_seconds", 253402300800, "from_seconds: 253402300800 is outside the years 1 to 9999: "
      .. "write hoopai.time.from_ms for milliseconds" },
    { "from_ms", {}, "from_ms takes milliseconds since 1970 (got a table)" },
    { "from_ms", -62135596800001, "from_ms: -62135596800001 is outside the years 1 to 9999" },
    { "from_ms", 253402300800000, "from_ms: 253402300800000 is outside the years 1 to 9999" },
    { "from_ms", math.maxinteger, "from_ms: 9223372036854775807 is outside the years 1 to 9999" },
    { "from_ms", math.mininteger, "from_ms: -9223372036854775808 is outside the years 1 to 9999" },
    { "from_seconds", "5", 'from_seconds takes seconds since 1970 (got "5")' },
    { "from_seconds", nil, "from_seconds takes seconds since 1970 (got nothing)" },
    { "from_seconds", AT_TEN, "from_seconds: 1730127600000 is outside the years 1 to 9999: "
      .. "write hoopai.time.from_ms for milliseconds" },
    { "from_seconds", 1 / 0, "from_seconds: inf is outside the years 1 to 9999" },
    { "from_seconds", -62135596801, "from_seconds: -62135596801 is outside the years 1 to 9999" },
    { "from_seconds", 253402300799.9999, "from_seconds: 253402300800.0 is outside the years 1 to 9999" },
  } do
    it("is not made by " .. case[1] .. " from " .. tostring(case[2]), function()
      local problem = raised(function() time[case[1]](case[2]) end)
      -- How many digits of a float are shown is not the point; it depends on the version of Lua.
      problem = problem:gsub("1%.1805916207174%d*e%+21", "1.1805916207174e+21")
      assert.are.equal(case[3], (problem:gsub("253402300799%.%d+e?%+?%d*", "253402300800.0"):gsub("2%.534023008e%+11",
        "253402300800.0")))
    end)
  end

  it("is not made from what is no number", function()
    local nan = 0 / 0
    assert.are.equal(("from_ms takes milliseconds since 1970 (got %s)"):format(nan),
      raised(function() time.from_ms(nan) end))
    assert.are.equal(("from_seconds: %s is outside the years 1 to 9999"):format(nan),
      raised(function() time.from_seconds(nan) end))
  end)

  it("cannot have a zone that does not exist", function()
    local problem = 'unknown time zone "Nowhere/Town": write an IANA name such as "Europe/Berlin"'
    local instant = time.from_ms(0)
    for name, call in pairs {
      from_ms = function() time.from_ms(0, "Nowhere/Town") end,
      from_seconds = function() time.from_seconds(0, "Nowhere/Town") end,
      now = function() time.now("Nowhere/Town") end,
      at = function() time.at { year = 2024, month = 1, day = 1, zone = "Nowhere/Town" } end,
      in_zone = function() instant:in_zone("Nowhere/Town") end,
      iso = function() return (instant:iso("Nowhere/Town")) end,
      date = function() return (instant:date("Nowhere/Town")) end,
      format = function() return (instant:format("%Y", "Nowhere/Town")) end,
      start_of_day = function() return (instant:start_of_day("Nowhere/Town")) end,
      start_of_week = function() return (instant:start_of_week("Nowhere/Town")) end,
    } do
      assert.are.equal(problem, raised(call), name)
    end
    local name, why = time.zone("Nowhere/Town")
    assert.is_nil(name)
    assert.are.equal(problem, why)
    assert.are.equal(BERLIN, time.zone(BERLIN))
    assert.are.equal("UTC", time.zone("Z"))
    assert.are.equal("+05:30", time.zone("+05:30"))
  end)

  it("without a zone says how to give it one", function()
    local instant = time.from_ms(AT_TEN)
    local advice = 'this instant carries no zone: write %s, or give it one with :in_zone("Europe/Berlin")'
    assert.are.equal(advice:format(':iso("Europe/Berlin")'), raised(function() return (instant:iso()) end))
    assert.are.equal(advice:format(':date("Europe/Berlin")'), raised(function() return (instant:date()) end))
    assert.are.equal(advice:format(':format(pattern, "Europe/Berlin")'),
      raised(function() return (instant:format("%Y")) end))
    assert.are.equal(advice:format(':start_of_day("Europe/Berlin")'),
      raised(function() return (instant:start_of_day()) end))
    assert.are.equal(advice:format(':start_of_week("Europe/Berlin")'),
      raised(function() return (instant:start_of_week()) end))
    assert.are.equal('a zone is a string such as "Europe/Berlin", "UTC" or "+05:30" (got nil)',
      raised(function() instant:in_zone() end))
    -- With a zone in the call all of them work.
    assert.are.equal("2024-10-28T16:00:00+01:00", instant:iso(BERLIN))
    assert.are.equal(16, instant:date(BERLIN).hour)
    assert.are.equal("16:00", instant:format("%H:%M", BERLIN))
    assert.are.equal("2024-10-28T00:00:00+01:00", instant:start_of_day(BERLIN):iso())
  end)

  it("is written in its zone, or another", function()
    local instant = time.from_ms(AT_TEN, CHICAGO)
    assert.are.equal("2024-10-28T10:00:00-05:00", instant:iso())
    assert.are.equal("2024-10-28T16:00:00+01:00", instant:iso(BERLIN))
    assert.are.equal("2024-10-28T15:00:00+00:00", instant:iso("UTC"))
    assert.are.equal("2024-10-28T15:00:00+00:00", instant:iso("Z"))
    assert.are.equal("2024-10-28T20:45:00+05:45", instant:iso("Asia/Kathmandu"))
    assert.are.equal("2024-10-28T20:30:00.007+05:30", time.from_ms(AT_TEN + 7):iso("+05:30"))
    assert.are.equal("1969-12-31T23:59:59.999+00:00", time.from_ms(-1):iso("UTC"))
  end)

  it("prints itself, with Z where it carries no zone", function()
    assert.are.equal("2024-10-28T10:00:00-05:00", tostring(time.from_ms(AT_TEN, CHICAGO)))
    assert.are.equal("2024-10-28T15:00:00Z", tostring(time.from_ms(AT_TEN)))
    assert.are.equal("2024-10-28T15:00:00.250Z", tostring(time.from_ms(AT_TEN + 250)))
    assert.are.equal("from 2024-10-28T15:00:00Z", "from " .. time.from_ms(AT_TEN))
    assert.are.equal("2024-10-28T15:00:00Z on", time.from_ms(AT_TEN) .. " on")
    assert.are.equal("2024-10-28T15:00:00Z/30m", time.from_ms(AT_TEN) .. "/" .. time.minutes(30))
  end)

  it("keeps to the instant where offsets had seconds", function()
    -- Amsterdam was 19 minutes and 32 seconds ahead until 1937.
    for zone, text in pairs { ["Africa/Monrovia"] = "1960-06-01T11:16:00-00:44",
      ["Europe/Paris"] = "1900-06-01T12:09:00+00:09", ["Asia/Kolkata"] = "1800-06-01T12:00:00+05:53",
      ["America/New_York"] = "1880-06-01T07:04:00-04:56" } do
      local instant = time.parse(text)
      assert.are.equal(text, instant:iso(zone))
      assert.are.equal(instant, time.parse(instant:in_zone(zone):iso()))
    end
    local instant = time.parse("1960-06-01T12:00:00Z")
    assert.are.equal("11:15:30 -004430 -00:44:30", instant:format("%T %z %:z", "Africa/Monrovia"))
    assert.are.equal(-2670, instant:date("Africa/Monrovia").offset)
  end)

  it("shows what calendar and clock show", function()
    local date = at("2024-10-28T10:20:30.456-05:00", CHICAGO):date()
    assert.are.same({ year = 2024, month = 10, day = 28, hour = 10, min = 20, sec = 30, ms = 456, wday = 2, yday = 302,
      isdst = true, offset = -18000, zone = CHICAGO, abbreviation = "CDT" }, date)
    for _, key in ipairs { "year", "month", "day", "hour", "min", "sec", "ms", "wday", "yday", "offset" } do
      assert.are.equal("integer", math.type(date[key]), key)
    end
    date = time.from_ms(0, "-00:01"):date()
    assert.are.same({ year = 1969, month = 12, day = 31, hour = 23, min = 59, sec = 0, ms = 0, wday = 4, yday = 365,
      isdst = false, offset = -60, zone = "-00:01", abbreviation = "-00:01" }, date)
    assert.are.equal(366, at("2024-12-31T12:00:00Z"):date().yday)
    assert.are.equal(1, at("2024-01-01T12:00:00Z"):date().yday)
  end)

  it("says that fields come from date()", function()
    local instant = time.now()
    for _, key in ipairs { "year", "month", "day", "hour", "min", "sec", "wday", "yday", "isdst", "offset",
      "abbreviation" } do
      assert.are.equal("an instant has no field " .. key .. ": write start:date()." .. key,
        raised(function() return instant[key] end))
    end
    assert.is_nil(instant.kind)
    assert.is_nil(instant[1])
  end)

  it("cannot be changed", function()
    local instant, duration = time.from_ms(AT_TEN, CHICAGO), time.days(1)
    local message = "instants cannot be changed; what methods and operators return is a new one"
    assert.are.equal(message, raised(function() instant.ms = 5 end))
    assert.are.equal(message, raised(function() instant[1] = 5 end))
    assert.are.equal(message, raised(function() instant.iso = print end))
    assert.are.equal("durations cannot be changed", raised(function() duration.seconds = 5 end))
    assert.are.equal("durations cannot be changed", raised(function() duration.x = 5 end))
    assert.is_false(getmetatable(instant))
    assert.is_false(getmetatable(duration))
    assert.is_false(pcall(setmetatable, instant, {}))
    assert.is_false(pcall(setmetatable, duration, nil))
    assert.are_not.equal(instant, instant + duration)
    assert.are_not.equal(instant, instant:start_of_day())
    assert.are.equal(instant, instant:in_zone(BERLIN))
    instant:date().year = 1
    assert.are.equal("2024-10-28T10:00:00-05:00", instant:iso())
    assert.are.equal(86400, duration:seconds())
    for _, value in ipairs { instant, duration } do
      for key in pairs(value) do
        error("there is a key to change: " .. tostring(key))
      end
    end
  end)

  it("is told from everything else", function()
    assert.is_true(time.is_instant(time.now()))
    assert.is_true(time.is_duration(time.days(1)))
    for _, value in ipairs { {}, "2024-10-28T10:00:00Z", 5, true, print, io.stdout, { ms = 5 },
      setmetatable({}, { __index = function() return 1 end, __name = "hoopai.time.instant" }) } do
      assert.is_false(time.is_instant(value))
      assert.is_false(time.is_duration(value))
    end
    assert.is_false(time.is_instant(nil))
    assert.is_false(time.is_duration(nil))
    assert.is_false(time.is_instant(time.days(1)))
    assert.is_false(time.is_duration(time.now()))
  end)

  it("raises when a method is called with a point", function()
    local instant = time.now()
    assert.are.equal("iso must be called with a colon on an instant, such as start:iso()",
      raised(function() return (instant.iso(BERLIN)) end))
    for _, name in ipairs { "iso", "ms", "zone", "has_zone", "in_zone", "date", "start_of_day", "start_of_week",
      "format" } do
      assert.are.equal(name .. " must be called with a colon on an instant, such as start:" .. name .. "()",
        raised(function() instant[name]() end))
    end
    assert.are.equal("seconds must be called with a colon on a duration, such as (finish - start):seconds()",
      raised(function() time.days(1).seconds() end))
  end)

  it("stays in the years 1 to 9999, also on the clock of its zone", function()
    local first, last = at("0001-01-01T00:00:00Z"), at("9999-12-31T23:59:59Z")
    local message = "the result is outside the years 1 to 9999"
    assert.are.equal(message, raised(function() return first - time.milliseconds(1) end))
    assert.are.equal(message, raised(function() return last + time.seconds(1) end))
    assert.are.equal(message, raised(function() return last + time.days(3660000) end))
    assert.are.equal(message, raised(function() return (first:in_zone("-01:00")) end))
    assert.are.equal(message, raised(function() return (last:in_zone("+01:00")) end))
    assert.are.equal(message, raised(function() return (first:iso("-01:00")) end))
    assert.are.equal(message, raised(function() return (first:date(NEW_YORK)) end))
    assert.are.equal(message, raised(function() return (last:format("%Y", "Asia/Tokyo")) end))
    assert.are.equal("0001-01-01T00:00:00+00:00", at("0001-01-02T00:00:00Z"):start_of_week():iso())
    assert.are.equal(message, raised(function() return (first:start_of_week("UTC", "sunday")) end))
    assert.are.equal(message, raised(function() return (first:in_zone("+01:00"):start_of_day()) end))
    assert.are.equal("0001-01-01T01:00:00+01:00", first:iso("+01:00"))
    assert.are.equal("9999-12-31T22:59:59-01:00", last:iso("-01:00"))
    assert.are.equal("from_ms: -62135596800000 is outside the years 1 to 9999",
      raised(function() time.from_ms(-62135596800000, "-01:00") end))
    assert.are.equal("at: the time is outside the years 1 to 9999 in UTC",
      raised(function() time.at { year = 1, month = 1, day = 1, zone = "+01:00" } end))
    assert.are.equal("9999-12-31T23:59:59+14:00",
      time.at { year = 9999, month = 12, day = 31, hour = 23, min = 59, sec = 59, zone = "+14:00" }:iso())
  end)
end)

describe("format", function()
  local instant = at("2024-03-05T09:07:03.045+01:00", BERLIN)
  for _, case in ipairs {
    { "", "" }, { "no fields, 100%%", "no fields, 100%" },
    { "%Y-%m-%d %H:%M:%S.%L", "2024-03-05 09:07:03.045" }, { "%y", "24" }, { "%e", " 5" }, { "%I:%M %p", "09:07 AM" },
    { "%j", "065" }, { "%a %A", "Tue Tuesday" }, { "%b %B", "Mar March" }, { "%u %w", "2 2" },
    { "%G-W%V-%u", "2024-W10-2" },
    { "%F", "2024-03-05" }, { "%T", "09:07:03" }, { "%R", "09:07" }, { "%z", "+0100" }, { "%:z", "+01:00" },
    { "%Z", "CET" }, { "%s", "1709626023" }, { "a%nb%tc", "a\nb\tc" }, { "%%Y", "%Y" }, { "%H:%M:%S", "09:07:03" },
    { "\0%Y\xFF", "\0" .. "2024\xFF" },
  } do
    it(string.format("writes %q", case[1]), function()
      assert.are.equal(case[2], instant:format(case[1]))
    end)
  end

  for hour, expected in pairs { [0] = "12 AM", [1] = "01 AM", [11] = "11 AM", [12] = "12 PM", [13] = "01 PM",
    [23] = "11 PM" } do
    it("writes hour " .. hour .. " as " .. expected, function()
      assert.are.equal(expected, time.at { year = 2024, month = 1, day = 1, hour = hour, zone = "UTC" }:format("%I %p"))
    end)
  end

  for date, expected in pairs { ["2021-01-03"] = "2020-53-7", ["2021-01-04"] = "2021-01-1",
    ["2024-12-30"] = "2025-01-1", ["2018-12-31"] = "2019-01-1", ["2016-01-01"] = "2015-53-5",
    ["2005-01-01"] = "2004-53-6" } do
    it("knows the ISO week of " .. date, function()
      assert.are.equal(expected, at(date .. "T12:00:00Z"):format("%G-%V-%u"))
    end)
  end

  it("takes a zone", function()
    assert.are.equal("03:07 EST -0500", instant:format("%H:%M %Z %z", NEW_YORK))
    assert.are.equal("13:37 +05:30", instant:format("%H:%M %Z", "+05:30"))
    assert.are.equal("08:07 UTC", instant:format("%R %Z", "UTC"))
  end)

  for spec, shown in pairs { ["%Q"] = '"%Q"', ["%c"] = '"%c"', ["%"] = '"%"', ["x%"] = '"%"', ["%:Y"] = '"%:Y"',
    ["%Ey"] = '"%E"', ["%-d"] = '"%-"', ["%\n"] = '"%\\x0A"' } do
    it(string.format("raises for %q", spec), function()
      assert.are.equal("format does not know " .. shown .. ": it takes %Y %m %d %H %M %S %L %A %B %z and the others in "
        .. "its documentation", raised(function() return (instant:format(spec)) end))
    end)
  end

  it("raises for what is no pattern", function()
    local message = 'format takes a pattern such as "%Y-%m-%d %H:%M" '
    assert.are.equal(message .. "(got nothing)", raised(function() instant:format() end))
    assert.are.equal(message .. "(got 5)", raised(function() instant:format(5) end))
  end)
end)

describe("at", function()
  -- year, month, day, hour, min, zone, expected, expected with overlap = "later" where that differs
  for _, case in ipairs {
    { { 2024, 10, 28, 10, 0 }, CHICAGO, "2024-10-28T10:00:00-05:00" },
    { { 2024, 2, 29, 0, 0 }, "UTC", "2024-02-29T00:00:00+00:00" },
    { { 2024, 2, 29, 0, 0 }, "+05:30", "2024-02-29T00:00:00+05:30" },
    -- Skipped: moved on by the length of the gap.
    { { 2024, 3, 10, 2, 30 }, NEW_YORK, "2024-03-10T03:30:00-04:00" },
    { { 2024, 3, 10, 2, 0 }, NEW_YORK, "2024-03-10T03:00:00-04:00" },
    { { 2024, 3, 10, 1, 59 }, NEW_YORK, "2024-03-10T01:59:00-05:00" },
    { { 2024, 3, 10, 3, 0 }, NEW_YORK, "2024-03-10T03:00:00-04:00" },
    { { 2024, 3, 31, 1, 30 }, "Europe/Dublin", "2024-03-31T02:30:00+01:00" },
    { { 2024, 3, 31, 1, 30 }, "Antarctica/Troll", "2024-03-31T03:30:00+02:00" },
    { { 2024, 10, 6, 2, 10 }, "Australia/Lord_Howe", "2024-10-06T02:40:00+11:00" },
    { { 2017, 10, 15, 0, 0 }, "America/Sao_Paulo", "2017-10-15T01:00:00-02:00" },
    { { 1919, 3, 31, 0, 0 }, "America/Toronto", "1919-03-31T01:00:00-04:00" },
    -- A whole day skipped.
    { { 2011, 12, 30, 12, 0 }, "Pacific/Apia", "2011-12-31T12:00:00+14:00" },
    -- Twice: the first, unless the later one is asked for.
    { { 2024, 11, 3, 1, 30 }, NEW_YORK, "2024-11-03T01:30:00-04:00", "2024-11-03T01:30:00-05:00" },
    { { 2024, 11, 3, 1, 0 }, NEW_YORK, "2024-11-03T01:00:00-04:00", "2024-11-03T01:00:00-05:00" },
    { { 2024, 11, 3, 0, 59 }, NEW_YORK, "2024-11-03T00:59:00-04:00" },
    { { 2024, 11, 3, 2, 0 }, NEW_YORK, "2024-11-03T02:00:00-05:00" },
    { { 2024, 4, 7, 1, 45 }, "Australia/Lord_Howe", "2024-04-07T01:45:00+11:00", "2024-04-07T01:45:00+10:30" },
    { { 2018, 2, 17, 23, 30 }, "America/Sao_Paulo", "2018-02-17T23:30:00-02:00", "2018-02-17T23:30:00-03:00" },
    { { 2024, 11, 3, 0, 30 }, "America/Havana", "2024-11-03T00:30:00-04:00", "2024-11-03T00:30:00-05:00" },
    { { 2023, 10, 29, 0, 30 }, "Atlantic/Azores", "2023-10-29T00:30:00+00:00", "2023-10-29T00:30:00-01:00" },
    -- By the rule in the footer.
    { { 2124, 3, 12, 2, 30 }, NEW_YORK, "2124-03-12T03:30:00-04:00" },
    { { 2124, 11, 5, 1, 30 }, NEW_YORK, "2124-11-05T01:30:00-04:00", "2124-11-05T01:30:00-05:00" },
  } do
    local f = case[1]
    it(string.format("%04d-%02d-%02d %02d:%02d in %s", f[1], f[2], f[3], f[4], f[5], case[2]), function()
      local fields = { year = f[1], month = f[2], day = f[3], hour = f[4], min = f[5], zone = case[2] }
      assert.are.equal(case[3], time.at(fields):iso())
      assert.are.equal(case[2], time.at(fields):zone())
      fields.overlap = "earlier"
      assert.are.equal(case[3], time.at(fields):iso())
      fields.overlap = "later"
      assert.are.equal(case[4] or case[3], time.at(fields):iso())
    end)
  end

  it("starts the day at midnight", function()
    assert.are.equal("2024-10-28T00:00:00+01:00", time.at { year = 2024, month = 10, day = 28, zone = BERLIN }:iso())
  end)

  it("takes seconds, milliseconds and floats without fraction", function()
    assert.are.equal("2024-10-28T01:02:03.004+00:00", time.at { year = 2024.0, month = 10.0, day = 28.0, hour = 1.0,
      min = 2.0, sec = 3.0, ms = 4.0, zone = "Z" }:iso())
  end)

  it("takes back what date() gave, changed or not", function()
    local zones = { BERLIN, NEW_YORK, "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Gaza", "Pacific/Apia", "UTC",
      "+05:30" }
    local random = 12345
    local compared = 0
    for _ = 1, 400 do
      random = (random * 1103515245 + 12345) % 2147483648
      for _, zone in ipairs(zones) do
        local instant = time.from_ms(random * 1000 + 7, zone)
        assert(time.at(instant:date()) == instant, instant)
        assert(time.parse(instant:iso()) == instant, instant)
        compared = compared + 1
      end
    end
    assert.are.equal(3200, compared)
    -- Both of two equal local times.
    for _, text in ipairs { "2024-11-03T01:30:00-04:00", "2024-11-03T01:30:00-05:00" } do
      local date = at(text, NEW_YORK):date()
      assert.are.equal(text, time.at(date):iso())
      date.min = 45
      assert.are.equal(text:gsub("30:00", "45:00"), time.at(date):iso())
      -- An offset that is not one of theirs does not matter.
      date.day, date.hour = 10, 9
      assert.are.equal("2024-11-10T09:45:00-05:00", time.at(date):iso())
    end
  end)

  local function fields(changes)
    local t = { year = 2024, month = 10, day = 28, zone = "UTC" }
    for name, value in pairs(changes) do
      if value == "nothing" then t[name] = nil else t[name] = value end
    end
    return t
  end
  local MOVE = "; to move a time, add a duration such as hoopai.time.days(1)"
  for _, case in ipairs {
    { { year = "nothing" }, "at: year is missing" },
    { { month = "nothing" }, "at: month is missing" },
    { { day = "nothing" }, "at: day is missing" },
    { { zone = "nothing" }, 'at: zone is missing; write zone = "Europe/Berlin", "UTC" or "+05:30"' },
    { { year = "2024" }, 'at: year must be a whole number (got "2024")' },
    { { hour = 10.5 }, "at: hour must be a whole number (got 10.5)" },
    { { day = {} }, "at: day must be a whole number (got a table)" },
    { { day = 1 / 0 }, "at: day must be a whole number (got inf)" },
    { { year = 0 }, "at: year must be 1 to 9999 (got 0)" .. MOVE },
    { { year = 10000 }, "at: year must be 1 to 9999 (got 10000)" .. MOVE },
    { { year = -1 }, "at: year must be 1 to 9999 (got -1)" .. MOVE },
    { { month = 0 }, "at: month must be 1 to 12 (got 0)" .. MOVE },
    { { month = 13 }, "at: month must be 1 to 12 (got 13)" .. MOVE },
    { { day = 0 }, "at: day must be 1 to 31 (got 0)" .. MOVE },
    { { day = 32 }, "at: day must be 1 to 31 (got 32)" .. MOVE },
    { { month = 2, day = 30 }, "at: 2024-02 has no day 30" },
    { { year = 2023, month = 2, day = 29 }, "at: 2023-02 has no day 29" },
    { { month = 11, day = 31 }, "at: 2024-11 has no day 31" },
    { { hour = 24 }, "at: hour must be 0 to 23 (got 24)" .. MOVE },
    { { hour = -1 }, "at: hour must be 0 to 23 (got -1)" .. MOVE },
    { { min = 60 }, "at: min must be 0 to 59 (got 60)" .. MOVE },
    { { sec = 60 }, "at: sec must be 0 to 59 (got 60)" .. MOVE },
    { { ms = 1000 }, "at: ms must be 0 to 999 (got 1000)" .. MOVE },
    { { minute = 5 }, 'at: unknown field "minute" (did you mean "min"?)' },
    { { second = 5 }, 'at: unknown field "second" (did you mean "sec"?)' },
    { { timezone = "UTC" }, 'at: unknown field "timezone" (did you mean "zone"?)' },
    { { wibble = 5 }, 'at: unknown field "wibble"' },
    { { 2024 }, "at: unknown field 1" },
    { { overlap = "last" }, 'at: overlap must be "earlier" or "later" (got "last")' },
    { { zone = 5 }, 'a zone is a string such as "Europe/Berlin", "UTC" or "+05:30" (got number)' },
  } do
    it("raises: " .. case[2], function()
      assert.are.equal(case[2], raised(function() time.at(fields(case[1])) end))
    end)
  end

  it("raises without a table", function()
    local message = "at takes a table such as "
      .. '{ year = 2024, month = 10, day = 28, hour = 10, zone = "America/Chicago" } '
    assert.are.equal(message .. "(got nothing)", raised(function() time.at() end))
    assert.are.equal(message .. "(got 2024)", raised(function() time.at(2024, 10, 28) end))
    assert.are.equal(message .. "(got an instant)", raised(function() time.at(time.now()) end))
  end)
end)

describe("adding", function()
  for _, case in ipairs {
    -- start, zone, duration, expected
    { "2024-10-28T10:00:00-05:00", CHICAGO, time.days(7), "2024-11-04T10:00:00-06:00" },
    { "2024-10-28T10:00:00-05:00", CHICAGO, time.weeks(1), "2024-11-04T10:00:00-06:00" },
    { "2024-10-28T10:00:00-05:00", CHICAGO, time.hours(168), "2024-11-04T09:00:00-06:00" },
    { "2024-10-28T10:00:00-05:00", "-05:00", time.days(7), "2024-11-04T10:00:00-05:00" },
    { "2024-10-28T10:00:00.250-05:00", CHICAGO, time.days(-300), "2024-01-02T10:00:00.250-06:00" },
    -- Into a gap, and on from there.
    { "2024-03-09T02:30:00-05:00", NEW_YORK, time.days(1), "2024-03-10T03:30:00-04:00" },
    { "2024-03-09T02:30:00-05:00", NEW_YORK, time.days(2), "2024-03-11T02:30:00-04:00" },
    { "2024-03-11T02:30:00-04:00", NEW_YORK, time.days(-1), "2024-03-10T03:30:00-04:00" },
    { "2024-03-10T01:30:00-05:00", NEW_YORK, time.hours(1), "2024-03-10T03:30:00-04:00" },
    -- Into an overlap: the first.
    { "2024-11-02T01:30:00-04:00", NEW_YORK, time.days(1), "2024-11-03T01:30:00-04:00" },
    { "2024-11-04T01:30:00-05:00", NEW_YORK, time.days(-1), "2024-11-03T01:30:00-04:00" },
    -- No days added: nothing moves, not even from the second of two equal times.
    { "2024-11-03T01:30:00-05:00", NEW_YORK, time.days(0), "2024-11-03T01:30:00-05:00" },
    { "2024-11-03T01:30:00-05:00", NEW_YORK, time.minutes(15), "2024-11-03T01:45:00-05:00" },
    { "2024-11-03T01:30:00-04:00", NEW_YORK, time.hours(1), "2024-11-03T01:30:00-05:00" },
    -- Days first, then the rest.
    { "2024-03-09T12:00:00-05:00", NEW_YORK, time.days(1) + time.hours(1), "2024-03-10T13:00:00-04:00" },
    { "2024-03-09T01:30:00-05:00", NEW_YORK, time.days(1) + time.hours(1), "2024-03-10T03:30:00-04:00" },
    -- A day that is not there.
    { "2011-12-29T12:00:00-10:00", "Pacific/Apia", time.days(1), "2011-12-31T12:00:00+14:00" },
    { "2011-12-29T12:00:00-10:00", "Pacific/Apia", time.days(2), "2011-12-31T12:00:00+14:00" },
    { "2024-02-28T00:00:00Z", "UTC", time.days(2), "2024-03-01T00:00:00+00:00" },
    { "2024-12-31T23:59:59.999Z", "UTC", time.milliseconds(1), "2025-01-01T00:00:00+00:00" },
    { "1970-01-01T00:00:00Z", "UTC", -time.seconds(1), "1969-12-31T23:59:59+00:00" },
  } do
    it(string.format("%s in %s, %s", case[1], case[2], case[3]), function()
      local start = at(case[1], case[2])
      assert.are.equal(case[4], (start + case[3]):iso())
      assert.are.equal(case[4], (case[3] + start):iso())
      assert.are.equal(case[4], (start - -case[3]):iso())
      assert.are.equal(case[2], (start + case[3]):zone())
      assert.are.equal(case[1], at(case[1]):iso():gsub("%+00:00", "Z"))
    end)
  end

  it("keeps an instant without zone without zone; its days are 24 hours", function()
    local later = time.from_ms(AT_TEN) + time.days(7)
    assert.is_false(later:has_zone())
    assert.are.equal(AT_TEN + 7 * 86400000, later:ms())
  end)

  it("raises for bare numbers and says what to write", function()
    local instant, duration = time.from_ms(AT_TEN), time.days(1)
    local function advice(n)
      return (("a bare number has no unit: write hoopai.time.seconds(N), minutes(N), hours(N) or days(N)"):gsub("N", n))
    end
    assert.are.equal(advice("5"), raised(function() return instant + 5 end))
    assert.are.equal(advice("5"), raised(function() return 5 + instant end))
    assert.are.equal(advice("3600.5"), raised(function() return instant - 3600.5 end))
    assert.are.equal(advice("5"), raised(function() return duration + 5 end))
    assert.are.equal(advice("5"), raised(function() return 5 + duration end))
    assert.are.equal(advice("5"), raised(function() return duration - 5 end))
    assert.are.equal(advice("5"), raised(function() return 5 - duration end))
    assert.are.equal("an instant cannot be taken from a number", raised(function() return 5 - instant end))
  end)

  it("raises for everything else that has no meaning", function()
    local instant, duration = time.from_ms(AT_TEN), time.days(1)
    assert.are.equal("two instants cannot be added; their difference (finish - start) is a duration",
      raised(function() return instant + instant end))
    assert.are.equal("an instant cannot be taken from a duration", raised(function() return duration - instant end))
    local only = "only durations can be %s, such as hoopai.time.minutes(30) (got %s)"
    assert.are.equal(only:format("added", '"5"'), raised(function() return instant + "5" end))
    -- Here the operator is that of strings, which is in C and has no line.
    assert.are.equal(only:format("added", '"5"'), select(2, pcall(function() return "5" + duration end)))
    assert.are.equal(only:format("added", "nothing"), raised(function() return instant + nil end))
    assert.are.equal(only:format("added", "a table"), raised(function() return {} + instant end))
    assert.are.equal(only:format("subtracted", "a boolean"), raised(function() return instant - true end))
    assert.are.equal(only:format("subtracted", "a table"), raised(function() return {} - instant end))
    local instants = "instants take + and - with a duration, and - between two of them; nothing else"
    local durations = "durations can be added, subtracted, negated and multiplied by integers; for other sums use :ms()"
    assert.are.equal(instants, raised(function() return instant * 2 end))
    assert.are.equal(instants, raised(function() return 2 * instant end))
    assert.are.equal(instants, raised(function() return -instant end))
    assert.are.equal(instants, raised(function() return instant / 2 end))
    assert.are.equal(instants, raised(function() return instant // 2 end))
    assert.are.equal(instants, raised(function() return instant % 2 end))
    assert.are.equal(instants, raised(function() return instant ^ 2 end))
    assert.are.equal(durations, raised(function() return duration / 2 end))
    assert.are.equal(durations, raised(function() return duration // duration end))
    assert.are.equal(durations, raised(function() return duration % 2 end))
    assert.are.equal(durations, raised(function() return 2 ^ duration end))
  end)
end)

describe("comparison", function()
  it("looks at the instant, not at the zone", function()
    local a, b = at("2024-10-28T10:00:00-05:00"), at("2024-10-28T16:00:00+01:00", BERLIN)
    local c = b + time.milliseconds(1)
    assert.is_true(a == b)
    assert.is_true(a <= b and a >= b)
    assert.is_false(a < b or a > b)
    assert.is_true(a ~= c)
    assert.is_true(a < c and a <= c and c > a and c >= a)
    assert.is_false(c < a or c <= a)
    assert.is_false(a == AT_TEN)
    assert.is_false(a == "2024-10-28T10:00:00-05:00")
    assert.is_false(a == {})
    assert.is_false(a == time.milliseconds(AT_TEN))
    local list = { c, a, at("2020-01-01T00:00:00Z") }
    table.sort(list)
    assert.are.equal("2020-01-01T00:00:00+00:00", list[1]:iso())
    assert.are.equal(c, list[3])
  end)

  it("raises for other things", function()
    local a = time.now()
    local message = "an instant can be compared with an instant only (got %s)%s"
    assert.are.equal(message:format("5", ": write hoopai.time.from_ms(5)"), raised(function() return a < 5 end))
    assert.are.equal(message:format("5", ": write hoopai.time.from_ms(5)"), raised(function() return 5 < a end))
    assert.are.equal(message:format("5", ": write hoopai.time.from_ms(5)"), raised(function() return a <= 5 end))
    assert.are.equal(message:format('"x"', ': write hoopai.time.parse("x")'), raised(function() return a > "x" end))
    assert.are.equal(message:format("nothing", ""), raised(function() return a >= nil end))
    assert.are.equal(message:format("a duration", ""), raised(function() return a < time.days(1) end))
  end)

  it("gives the difference as a duration", function()
    local start, finish = at("2024-10-28T10:00:00-05:00", CHICAGO), at("2024-11-04T10:00:00-06:00", CHICAGO)
    assert.is_true(time.is_duration(finish - start))
    assert.are.equal(7 * 86400 + 3600, (finish - start):seconds())
    assert.are.equal(-(7 * 86400 + 3600), (start - finish):seconds())
    assert.are.equal(finish, start + (finish - start))
    assert.are.equal(0, (start - start):seconds())
    assert.is_true(finish - start > time.days(7))
    assert.is_true(finish - start == time.hours(169))
  end)
end)

describe("durations", function()
  for _, case in ipairs {
    { time.seconds(0), "0s" }, { time.days(0), "0s" }, { time.seconds(1), "1s" }, { time.minutes(30), "30m" },
    { time.hours(1.5), "1h 30m" }, { time.days(7), "7d" }, { time.weeks(2), "14d" }, { time.hours(100), "100h" },
    { time.days(1) + time.hours(2) + time.minutes(3) + time.seconds(4.005), "1d 2h 3m 4.005s" },
    { time.milliseconds(250), "0.25s" }, { time.milliseconds(1), "0.001s" }, { -time.hours(1.5), "-1h -30m" },
    { -time.milliseconds(250), "-0.25s" }, { -time.days(2), "-2d" }, { time.days(1) - time.hours(2), "1d -2h" },
    { time.hours(2) - time.days(1), "-1d 2h" }, { time.minutes(61) * -1, "-1h -1m" },
    { -time.seconds(90.5), "-1m -30.5s" },
  } do
    it("print as " .. case[2], function()
      assert.are.equal(case[2], tostring(case[1]))
      assert.are.equal("(" .. case[2] .. ")", "(" .. case[1] .. ")")
    end)
  end

  it("have lengths in all units, integers where they come out even", function()
    local d = time.minutes(90)
    assert.are.equal(5400000, d:ms())
    assert.are.equal(5400, d:seconds())
    assert.are.equal("integer", math.type(d:seconds()))
    assert.are.equal(90, d:minutes())
    assert.are.equal(1.5, d:hours())
    assert.are.equal(0.0625, d:days())
    assert.are.equal(1.25, time.milliseconds(1250):seconds())
    assert.are.equal(48, time.days(2):hours())
    assert.are.equal(14, time.weeks(2):days())
    assert.are.equal(-1.5, (-d):hours())
  end)

  it("take fractions where they are whole milliseconds", function()
    assert.are.equal(500, time.seconds(0.5):ms())
    assert.are.equal(100, time.seconds(0.1):ms())
    assert.are.equal(290, time.seconds(0.29):ms())
    assert.are.equal(-1001, time.seconds(-1.001):ms())
    assert.are.equal(20000, time.minutes(1 / 3):ms())
    assert.are.equal("integer", math.type(time.hours(0.25):ms()))
    assert.are.equal(5, time.milliseconds(5.0):ms())
    assert.are.equal("seconds(0.0005) is not a whole number of milliseconds",
      raised(function() time.seconds(0.0005) end))
    assert.are.equal("milliseconds(1.5) is not a whole number of milliseconds",
      raised(function() time.milliseconds(1.5) end))
    assert.are.equal("days(0.5): days are counted on the calendar, in whole numbers; write hoopai.time.hours(...) "
      .. "for parts", raised(function() time.days(0.5) end))
    assert.are.equal("weeks(inf): weeks are counted on the calendar, in whole numbers; write hoopai.time.hours(...) "
      .. "for parts", raised(function() time.weeks(1 / 0) end))
  end)

  it("are made from numbers only", function()
    for _, unit in ipairs { "milliseconds", "seconds", "minutes", "hours", "days", "weeks" } do
      local message = unit .. " takes a number, such as hoopai.time." .. unit .. "(5) (got %s)"
      assert.are.equal(message:format("nothing"), raised(function() time[unit]() end))
      assert.are.equal(message:format('"5"'), raised(function() time[unit]("5") end))
      assert.are.equal(message:format("a duration"), raised(function() time[unit](time.days(1)) end))
    end
  end)

  it("are not endless", function()
    for _, unit in ipairs { "milliseconds", "seconds", "minutes", "hours", "days", "weeks" } do
      for _, n in ipairs { math.maxinteger, math.mininteger, 1 << 62, -(1 << 62), 1 << 53, 1 << 49, -(1 << 49) } do
        assert.are.equal(string.format("%s(%d) is too long: durations go up to 10000 years", unit, n),
          raised(function() time[unit](n) end))
      end
    end
    for _, unit in ipairs { "milliseconds", "seconds", "minutes", "hours" } do
      for _, n in ipairs { 1 / 0, -1 / 0, 0 / 0, 1e300 } do
        assert.are.equal(string.format("%s(%s) is too long: durations go up to 10000 years", unit, n),
          raised(function() time[unit](n) end))
      end
    end
    for unit, most in pairs { milliseconds = 316224000000000, seconds = 316224000000, minutes = 5270400000,
      hours = 87840000, days = 3660000, weeks = 522857 } do
      assert.are.equal(most, time[unit](most)[unit == "milliseconds" and "ms" or unit == "weeks" and "days" or unit](
        time[unit](most)) // (unit == "weeks" and 7 or 1))
      assert.is_false(pcall(time[unit], most + 1))
      assert.is_false(pcall(time[unit], -most - 1))
      assert.is_true(time.is_duration(time[unit](-most)))
    end
    local long = time.days(3660000)
    local message = "the result is too long: durations go up to 10000 years"
    assert.are.equal(message, raised(function() return long + long end))
    assert.are.equal(message, raised(function() return -long - long end))
    assert.are.equal(message, raised(function() return long * 2 end))
    assert.are.equal(message, raised(function() return time.seconds(1) * math.maxinteger end))
    assert.are.equal(message, raised(function() return math.mininteger * time.seconds(1) end))
    assert.are.equal(message, raised(function() return time.days(1) * (1 << 60) end))
    assert.are.equal(message, raised(function() return time.hours(1) * 100000000 end))
    assert.are.equal(message, raised(function() return time.days(1) * 3660001 end))
    assert.are.equal(3660000, (time.days(1) * 3660000):days())
  end)

  it("add, subtract, negate and multiply", function()
    assert.are.equal("1h 45m", tostring(time.hours(1) + time.minutes(45)))
    assert.are.equal("15m", tostring(time.hours(1) - time.minutes(45)))
    assert.are.equal("-5m", tostring(-time.minutes(5)))
    assert.are.equal("1h 30m", tostring(time.minutes(30) * 3))
    assert.are.equal("1h 30m", tostring(3.0 * time.minutes(30)))
    assert.are.equal("-3d -30m", tostring((time.days(1) + time.minutes(10)) * -3))
    assert.are.equal("0s", tostring(time.days(5) * 0))
    local message = "a duration can be multiplied by an integer only (got %s)"
    assert.are.equal(message:format("1.5"), raised(function() return time.hours(1) * 1.5 end))
    assert.are.equal(message:format('"2"'), raised(function() return time.hours(1) * "2" end))
    assert.are.equal(message:format("a duration"), raised(function() return time.hours(1) * time.hours(1) end))
    assert.are.equal(message:format("nothing"), raised(function() return nil * time.hours(1) end))
    assert.are.equal(message:format("inf"), raised(function() return time.hours(1) * math.huge end))
  end)

  it("compare, with days of 24 hours", function()
    assert.is_true(time.minutes(60) == time.hours(1))
    assert.is_true(time.days(1) == time.hours(24))
    assert.is_true(time.days(1) <= time.hours(24) and time.days(1) >= time.hours(24))
    assert.is_true(time.days(1) < time.hours(25))
    assert.is_true(time.weeks(1) > time.days(6))
    assert.is_true(-time.hours(1) < time.seconds(0))
    assert.is_false(time.hours(1) == time.hours(2))
    assert.is_false(time.hours(1) == 3600)
    assert.is_false(time.hours(1) == {})
    assert.are.equal("a duration cannot be compared with a number: write hoopai.time.seconds(5), minutes(5), hours(5) "
      .. "or days(5)", raised(function() return time.hours(1) < 5 end))
    assert.are.equal("a duration cannot be compared with a number: write hoopai.time.seconds(5), minutes(5), hours(5) "
      .. "or days(5)", raised(function() return 5 <= time.hours(1) end))
    assert.are.equal("a duration can be compared with a duration only (got nothing)",
      raised(function() return time.hours(1) < nil end))
    assert.is_truthy(raised(function() return time.hours(1) < time.now() end):find("can be compared with"))
  end)
end)

describe("start_of_day", function()
  for _, case in ipairs {
    { "2024-10-28T10:00:00-05:00", CHICAGO, "2024-10-28T00:00:00-05:00" },
    { "2024-10-28T00:00:00-05:00", CHICAGO, "2024-10-28T00:00:00-05:00" },
    { "2024-10-28T04:59:59.999+00:00", CHICAGO, "2024-10-27T00:00:00-05:00" },
    -- Clocks changed since midnight.
    { "2024-11-03T12:00:00-06:00", CHICAGO, "2024-11-03T00:00:00-05:00" },
    { "2024-03-10T12:00:00-05:00", CHICAGO, "2024-03-10T00:00:00-06:00" },
    -- Midnight is skipped.
    { "2017-10-15T12:00:00-02:00", "America/Sao_Paulo", "2017-10-15T01:00:00-02:00" },
    { "2022-03-27T12:00:00+03:00", "Asia/Beirut", "2022-03-27T01:00:00+03:00" },
    { "2022-09-11T12:00:00-03:00", "America/Santiago", "2022-09-11T01:00:00-03:00" },
    { "2023-04-28T01:00:00+03:00", "Africa/Cairo", "2023-04-28T01:00:00+03:00" },
    -- From 23:30 to 00:30: the day begins half an hour after midnight, not an hour.
    { "1919-03-31T12:00:00-04:00", "America/Toronto", "1919-03-31T00:30:00-04:00" },
    -- A day after one that is not there.
    { "2011-12-31T12:00:00+14:00", "Pacific/Apia", "2011-12-31T00:00:00+14:00" },
    -- Midnight comes twice: the day has begun with the first.
    { "2024-11-03T00:30:00-05:00", "America/Havana", "2024-11-03T00:00:00-04:00" },
    { "2023-10-29T12:00:00-01:00", "Atlantic/Azores", "2023-10-29T00:00:00+00:00" },
    -- The hour before midnight comes twice.
    { "2018-02-17T23:30:00-03:00", "America/Sao_Paulo", "2018-02-17T00:00:00-02:00" },
    { "2018-02-18T00:00:00-03:00", "America/Sao_Paulo", "2018-02-18T00:00:00-03:00" },
    { "2024-10-28T10:00:00+05:30", "+05:30", "2024-10-28T00:00:00+05:30" },
    { "1969-12-31T23:59:59.999Z", "UTC", "1969-12-31T00:00:00+00:00" },
  } do
    it(case[1] .. " in " .. case[2], function()
      local instant = time.parse(case[1])
      assert.are.equal(case[3], instant:start_of_day(case[2]):iso())
      assert.are.equal(case[3], instant:in_zone(case[2]):start_of_day():iso())
      assert.are.equal(case[2], instant:start_of_day(case[2]):zone())
      -- It is the first: a millisecond before, the calendar shows another day.
      local start = instant:start_of_day(case[2])
      assert.are_not.equal(start:format("%F"), (start - time.milliseconds(1)):format("%F"))
      assert.are.equal(start:format("%F"), instant:format("%F", case[2]))
      assert.are.equal(start, start:start_of_day())
    end)
  end
end)

describe("start_of_week", function()
  -- 2024-10-30 is a Wednesday; the clocks of Berlin went back on Sunday the 27th.
  for first_day, expected in pairs {
    [false] = "2024-10-28T00:00:00+01:00", monday = "2024-10-28T00:00:00+01:00", sunday = "2024-10-27T00:00:00+02:00",
    Sunday = "2024-10-27T00:00:00+02:00", SUN = "2024-10-27T00:00:00+02:00", [1] = "2024-10-27T00:00:00+02:00",
    [2] = "2024-10-28T00:00:00+01:00", tuesday = "2024-10-29T00:00:00+01:00",
    wed = "2024-10-30T00:00:00+01:00", thursday = "2024-10-24T00:00:00+02:00", friday = "2024-10-25T00:00:00+02:00",
    [7] = "2024-10-26T00:00:00+02:00",
  } do
    it("with weeks from " .. tostring(first_day), function()
      local instant = at("2024-10-30T15:00:00+01:00", BERLIN)
      assert.are.equal(expected, instant:start_of_week(nil, first_day or nil):iso())
      assert.are.equal(expected, time.from_ms(instant:ms()):start_of_week(BERLIN, first_day or nil):iso())
    end)
  end

  it("takes each day of a week to its Monday", function()
    for day = 28, 31 do
      assert.are.equal("2024-10-28T00:00:00+00:00", at("2024-10-" .. day .. "T23:59:59Z"):start_of_week():iso())
    end
    for day = 1, 3 do
      assert.are.equal("2024-10-28T00:00:00+00:00", at("2024-11-0" .. day .. "T00:00:00Z"):start_of_week():iso())
    end
    assert.are.equal("2024-11-04T00:00:00+00:00", at("2024-11-04T00:00:00Z"):start_of_week():iso())
    assert.are.equal("1969-12-29T00:00:00+00:00", at("1970-01-01T00:00:00Z"):start_of_week():iso())
  end)

  it("begins later where midnight is skipped", function()
    assert.are.equal("2017-10-15T01:00:00-02:00",
      at("2017-10-18T12:00:00-02:00", "America/Sao_Paulo"):start_of_week(nil, "sunday"):iso())
  end)

  it("raises for what is no day", function()
    local message = 'the first day of the week is a name such as "monday" (got %s)'
    for _, case in ipairs { { "someday", '"someday"' }, { 0, "0" }, { 8, "8" }, { 1.5, "1.5" }, { {}, "a table" } } do
      assert.are.equal(message:format(case[2]), raised(function()
        return (time.now():start_of_week(BERLIN, case[1]))
      end))
    end
    assert.is_truthy(raised(function() return (time.now():start_of_week(BERLIN, 0 / 0)) end):find("nan"))
  end)
end)

describe("now", function()
  it("is now, and carries no zone unless one is asked for", function()
    local before = os.time()
    local now = time.now()
    local after = os.time() + 2 -- its clock may be some milliseconds late
    assert.is_true(now:ms() >= before * 1000 and now:ms() <= after * 1000)
    assert.is_false(now:has_zone())
    assert.are.equal(BERLIN, time.now(BERLIN):zone())
  end)

  it("asks the core for the time, each time", function()
    local ms = AT_TEN
    fresh({}, { ["hoopai.core"] = { wall_ms = function() ms = ms + 1 return ms end } }, function()
      local other = require "hoopai.time"
      assert.are.equal(AT_TEN + 1, other.now():ms())
      assert.are.equal(AT_TEN + 2, other.now():ms())
    end)
  end)

  it("asks os.time where there is no core", function()
    local preload, path, cpath = package.preload["hoopai.core"], package.path, package.cpath
    local folder = package.searchpath("hoopai.time", path):gsub("hoopai/time/init%.lua$", "")
    local own = folder .. "?.lua;" .. folder .. "?/init.lua"
    local clock = { time = function() return 1730127600 end }
    fresh({ os = clock }, { ["hoopai.core"] = false }, function()
      package.preload["hoopai.core"] = function() error("no core here") end
      package.path, package.cpath = own, ""
      local ok, problem = pcall(function()
        assert.are.equal(AT_TEN, require("hoopai.time").now():ms())
      end)
      package.preload["hoopai.core"], package.path, package.cpath = preload, path, cpath
      assert.is_true(ok, problem)
    end)
  end)

  it("raises where there is neither", function()
    fresh({ os = false }, { ["hoopai.core"] = {} }, function()
      local other = require "hoopai.time"
      assert.are.equal("this Lua has no clock: neither hoopai.core nor os.time", raised(function() other.now() end))
    end)
  end)

  it("does not load the core before it is asked", function()
    fresh({}, { ["hoopai.core"] = false }, function()
      local other = require "hoopai.time"
      assert.is_nil(package.loaded["hoopai.core"])
      assert.are.equal("1970-01-01T00:00:00+00:00", other.from_ms(0):iso("UTC"))
    end)
  end)
end)

describe("on hosts without io and os", function()
  it("all works but named zones, which say so", function()
    fresh({ io = false, os = false }, { ["hoopai.core"] = { wall_ms = function() return AT_TEN end } }, function()
      local other = require "hoopai.time"
      assert.are.equal("2024-10-28T20:30:00+05:30", other.now("+05:30"):iso())
      assert.are.equal("2024-10-28T15:00:00+00:00", other.now():iso("UTC"))
      assert.are.equal(AT_TEN, other.parse("2024-10-28T10:00:00-05:00"):ms())
      assert.are.equal('zone "America/Chicago" needs the time zone files of the system, and this Lua has no io '
        .. 'library: use "UTC" or an offset such as "+02:00"', raised(function() other.now("America/Chicago") end))
    end)
  end)
end)

local VERBATIM = {}

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

describe("for a request", function()
  -- value, what to_epoch_ms makes of it, what to_body_datetime makes of it; a problem is in a table.
  for _, case in ipairs {
    { AT_TEN, AT_TEN, { FROM_MS:format("1730127600000") } },
    { "2024-10-28T10:00:00-05:00", AT_TEN, VERBATIM },
    { "2024-10-28T15:00:00.000Z", AT_TEN, VERBATIM },
    { "2024-10-28T15:00:00.5Z", AT_TEN + 500, VERBATIM },
    { "2024-10-28T15:00Z", AT_TEN, VERBATIM },
    { "2024-10-28T15:00:00-00:00", AT_TEN, VERBATIM },
    { at("2024-10-28T10:00:00-05:00"), AT_TEN, "2024-10-28T10:00:00-05:00" },
    { time.from_ms(AT_TEN, CHICAGO), AT_TEN, "2024-10-28T10:00:00-05:00" },
    { time.from_ms(AT_TEN + 1, "UTC"), AT_TEN + 1, "2024-10-28T15:00:00.001+00:00" },
    { time.from_ms(AT_TEN), AT_TEN, { NO_ZONE:format("2024-10-28T15:00:00Z") } },
    { time.from_ms(0), 0, { NO_ZONE:format("1970-01-01T00:00:00Z") } },
    { time.from_ms(-1, "UTC"), { "1969-12-31T23:59:59.999+00:00 is before 1970" }, "1969-12-31T23:59:59.999+00:00" },
    { 99999999999, { "99999999999 looks like seconds: write milliseconds (99999999999000), or "
      .. "hoopai.time.from_seconds(99999999999)" }, { FROM_SECONDS:format("99999999999") } },
    { 100000000000, 100000000000, { FROM_MS:format("100000000000") } },
    { 253402300799999, 253402300799999, { FROM_MS:format("253402300799999") } },
    { 253402300800000, { "253402300800000 is after the year 9999: write milliseconds since 1970" },
      { FROM_MS:format("ms") } },
    { 1730127600000000, { "1730127600000000 looks like microseconds: write milliseconds since 1970" },
      { FROM_MS:format("ms") } },
    { 1730127600000000000, { "1730127600000000000 looks like nanoseconds: write milliseconds since 1970" },
      { FROM_MS:format("ms") } },
    { math.maxinteger, { "9223372036854775807 looks like nanoseconds: write milliseconds since 1970" },
      { FROM_MS:format("ms") } },
    { math.mininteger, { "-9223372036854775808 is before 1970: write milliseconds since 1970" },
      { FROM_MS:format("ms") } },
    { 1730127600.5, { FRACTION:format("1730127600.5") }, { FROM_MS:format("ms") } },
    { 2^63, { "9.22337e+18 is after the year 9999: write milliseconds since 1970" }, { FROM_MS:format("ms") } },
    { -1 / 0, { "infinity is not a time: write milliseconds since 1970" }, { FROM_MS:format("ms") } },
    { "1680373800", { '"1680373800" looks like seconds: write milliseconds (1680373800000), or '
      .. "hoopai.time.from_seconds(1680373800)" }, { FROM_SECONDS:format("1680373800") } },
    { "-5", { '"-5" is before 1970: write milliseconds since 1970' }, { FROM_MS:format("ms") } },
    { "0", { '0 is not a time to ask for: write milliseconds since 1970, or hoopai.time.from_ms(0)' },
      { FROM_SECONDS:format("0") } },
    { ("9"):rep(30), { '"' .. ("9"):rep(30) .. '" is after the year 9999: write milliseconds since 1970' },
      { FROM_MS:format("ms") } },
    { "-" .. ("9"):rep(30), { '"-' .. ("9"):rep(30) .. '" is before 1970: write milliseconds since 1970' },
      { FROM_MS:format("ms") } },
    { " 1680373800000", { '" 1680373800000" has blanks around it: ' .. WRITE },
      { '" 1680373800000" has blanks around it: ' .. WRITE } },
    { "0x10", { '"0x10" is not an ISO 8601 time: ' .. WRITE }, { '"0x10" is not an ISO 8601 time: ' .. WRITE } },
    { "1e12", { '"1e12" is not an ISO 8601 time: ' .. WRITE }, { '"1e12" is not an ISO 8601 time: ' .. WRITE } },
    { "2024-10-28T20:30:00+0530", AT_TEN,
      { '"2024-10-28T20:30:00+0530" is an unusual spelling: write "2024-10-28T20:30:00+05:30"' } },
    { "2024-10-28T20:00:00+05", AT_TEN,
      { '"2024-10-28T20:00:00+05" is an unusual spelling: write "2024-10-28T20:00:00+05:00"' } },
    { "2024-10-28t15:00:00Z", AT_TEN,
      { '"2024-10-28t15:00:00Z" is an unusual spelling: write "2024-10-28T15:00:00+00:00"' } },
    { {}, { NOT_FOR_QUERY:format("a table") }, { NOT_FOR_BODY:format("a table") } },
    { true, { NOT_FOR_QUERY:format("a boolean") }, { NOT_FOR_BODY:format("a boolean") } },
    { time.days(1), { NOT_FOR_QUERY:format("a duration") }, { NOT_FOR_BODY:format("a duration") } },
  } do
    it("takes or refuses " .. tostring(case[1]):gsub("table: .*", "a table"), function()
      check(time.to_epoch_ms, case[1], case[2])
      check(time.to_body_datetime, case[1], case[3] == VERBATIM and case[1] or case[3])
    end)
  end

  it("refuses nothing at all", function()
    check(time.to_epoch_ms, nil, { NOT_FOR_QUERY:format("nothing") })
    check(time.to_body_datetime, nil, { NOT_FOR_BODY:format("nothing") })
  end)

  it("takes zone names by their spelling alone", function()
    for _, name in ipairs { BERLIN, "America/Argentina/Buenos_Aires", "Etc/GMT+5", "UTC", "Mars/Olympus_Mons" } do
      check(time.to_timezone, name, name)
    end
    check(time.to_timezone, "+05:30", { '"+05:30" is an offset: write the name of a zone, such as "America/Chicago"' })
    check(time.to_timezone, "Z", { '"Z" is an offset: write the name of a zone, such as "America/Chicago"' })
    check(time.to_timezone, "America/New York", { NOT_A_NAME:format('"America/New York"') })
    check(time.to_timezone, "EST", { EST })
    check(time.to_timezone, "a\r\nb", { NOT_A_NAME:format('"a\\x0D\\x0Ab"') })
    check(time.to_timezone, 5, { 'a zone is a string such as "Europe/Berlin", "UTC" or "+05:30" (got number)' })
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
    { "+24:00", refused("2024-10-29T15:00:00+24:00",
      '"2024-10-29T15:00:00+24:00": offset "+24:00" must be written as "+05:00", up to "+23:59"') },
    { "+5", refused("2024-10-28T20:00:00+5",
      '"2024-10-28T20:00:00+5": offset "+5" must be written as "+05:00", up to "+23:59"') },
    { "space for T", taken("2024-10-28 10:00:00-05:00", AT_TEN, "2024-10-28T10:00:00-05:00") },
    { "week date", refused("2024-W44-1T10:00:00Z", '"2024-W44-1T10:00:00Z" is a week or ordinal date: ' .. WRITE) },
    { "ordinal date", refused("2024-302T10:00:00Z", '"2024-302T10:00:00Z" is a week or ordinal date: ' .. WRITE) },
    { "1 to 9 fraction digits", function()
      for digits = 1, 9 do
        local text = "2024-10-28T15:00:00." .. ("123456789"):sub(1, digits) .. "Z"
        taken(text, AT_TEN + (digits == 1 and 100 or digits == 2 and 120 or 123))()
      end
    end },
    { "comma fraction", taken("2024-10-28T15:00:00,5Z", AT_TEN + 500, "2024-10-28T15:00:00.500+00:00") },
    { ":60", refused("2016-12-31T23:59:60Z",
      '"2016-12-31T23:59:60Z": leap seconds are not counted; write :59, or :00 of the next minute') },
    { "24:00", refused("2024-10-28T24:00:00Z",
      '"2024-10-28T24:00:00Z": write 00:00 of the next day instead of 24:00') },
    { "25:00", refused("2024-10-28T25:00:00Z", '"2024-10-28T25:00:00Z": there is no time 25:00') },
    { "minute 60", refused("2024-10-28T10:60:00Z", '"2024-10-28T10:60:00Z": there is no time 10:60') },
    { "month 0", refused("2024-00-28T10:00:00Z", '"2024-00-28T10:00:00Z": there is no month 00') },
    { "month 13", refused("2024-13-28T10:00:00Z", '"2024-13-28T10:00:00Z": there is no month 13') },
    { "day 0", refused("2024-10-00T10:00:00Z", '"2024-10-00T10:00:00Z": 2024-10 has no day 00') },
    { "day 32", refused("2024-10-32T10:00:00Z", '"2024-10-32T10:00:00Z": 2024-10 has no day 32') },
    { "February 29, and not", function()
      taken("2024-02-29T00:00:00Z", 1709164800000)()
      refused("2023-02-29T00:00:00Z", '"2023-02-29T00:00:00Z": 2023-02 has no day 29')()
    end },
    { "February 30", refused("2024-02-30T00:00:00Z", '"2024-02-30T00:00:00Z": 2024-02 has no day 30') },
    { "year 0", refused("0000-01-01T00:00:00Z",
      '"0000-01-01T00:00:00Z": years are written with four digits, 0001 to 9999') },
    { "year 1969", function()
      check(epoch, "1969-12-31T23:59:59Z", { '"1969-12-31T23:59:59Z" is before 1970' })
      check(body, "1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z")
    end },
    { "year 2038", taken("2038-01-19T03:14:08Z", 2147483648000) },
    { "year 9999", taken("9999-12-31T23:59:59Z", 253402300799000) },
    { "year 10000", refused("10000-01-01T00:00:00Z",
      '"10000-01-01T00:00:00Z": years are written with four digits, 0001 to 9999') },
    { "negative", number(-1, { "-1 is before 1970: write milliseconds since 1970" }, FROM_MS:format("ms")) },
    { "0", number(0, { "0 is not a time to ask for: write milliseconds since 1970, or hoopai.time.from_ms(0)" },
      FROM_SECONDS:format("0")) },
    { "seconds for milliseconds", number(1730127600, { "1730127600 looks like seconds: write milliseconds "
      .. "(1730127600000), or hoopai.time.from_seconds(1730127600)" }, FROM_SECONDS:format("1730127600")) },
    { "milliseconds in a string", number("1680373800000", 1680373800000, FROM_MS:format("1680373800000")) },
    { "float milliseconds", function()
      number(1730127600000.0, AT_TEN, FROM_MS:format("1730127600000"))()
      number(1730127600000.5, { FRACTION:format("1730127600000.5") }, FROM_MS:format("ms"))()
    end },
    { "2^53 + 1", number((1 << 53) + 1, { "9007199254740993 looks like microseconds: write milliseconds since 1970" },
      FROM_MS:format("ms")) },
    { "infinity", number(math.huge, { "infinity is not a time: write milliseconds since 1970" },
      FROM_MS:format("ms")) },
    { "not a number", number(0 / 0, { "not-a-number is not a time: write milliseconds since 1970" },
      FROM_MS:format("ms")) },
    -- Whether two times make a window is for the endpoint to say; here they must be ordered, in integers.
    { "start = end", function()
      assert.is_true(epoch("2024-10-28T10:00:00-05:00") == epoch("2024-10-28T16:00:00+01:00"))
      assert.is_true(at("2024-10-28T10:00:00-05:00") == at("2024-10-28T16:00:00+01:00"))
      assert.are.equal(0, (at("2024-10-28T10:00:00-05:00") - at("2024-10-28T16:00:00+01:00")):ms())
    end },
    { "start > end", function()
      -- In letters it is the other way round.
      assert.is_true("2024-10-28T10:00:00-05:00" < "2024-10-28T12:00:00+01:00")
      assert.is_true(epoch("2024-10-28T10:00:00-05:00") > epoch("2024-10-28T12:00:00+01:00"))
      assert.is_true(at("2024-10-28T10:00:00-05:00") > at("2024-10-28T12:00:00+01:00"))
    end },
    { "more than 31 days", function()
      local start = time.at { year = 2024, month = 10, day = 15, zone = CHICAGO }
      assert.are.equal(31 * DAY + 3600000, epoch(start + time.days(31)) - epoch(start))
      assert.is_true(start + time.days(31) - start > time.days(31))
    end },
    { "far past", function()
      check(epoch, "0001-01-01T00:00:00Z", { '"0001-01-01T00:00:00Z" is before 1970' })
      check(epoch, time.parse("0001-01-01T00:00:00Z"), { "0001-01-01T00:00:00+00:00 is before 1970" })
    end },
    { "far future", number(253402300800000, { "253402300800000 is after the year 9999: write milliseconds since 1970" },
      FROM_MS:format("ms")) },
    { "a gap of the clocks", function()
      local start = time.at { year = 2024, month = 3, day = 10, hour = 2, min = 30, zone = NEW_YORK }
      check(body, start, "2024-03-10T03:30:00-04:00")
      check(epoch, start, 1710055800000)
    end },
    { "an overlap of the clocks", function()
      local fields = { year = 2024, month = 11, day = 3, hour = 1, min = 30, zone = NEW_YORK }
      check(body, time.at(fields), "2024-11-03T01:30:00-04:00")
      fields.overlap = "later"
      check(body, time.at(fields), "2024-11-03T01:30:00-05:00")
    end },
    { "unknown zone", zone("Europe/Atlantis",
      'unknown time zone "Europe/Atlantis": write an IANA name such as "Europe/Berlin"') },
    { "EST", zone("EST", EST) },
    { "zone with NUL", zone("Europe/Berlin\0", NOT_A_NAME:format('"Europe/Berlin\\x00"')) },
    { "zone of 1 KiB", zone(("a"):rep(1024), NOT_A_NAME:format('"' .. ("a"):rep(45) .. '..."')) },
    { "German locale", function()
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
      os.execute(string.format("mkdir -p '%s' && localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >'%s/log' 2>&1", dir, dir,
        dir))
      local file = assert(io.open(dir .. "/script.lua", "w"))
      file:write("package.path = ", string.format("%q", package.path), "\n", script)
      file:close()
      local pipe = assert(io.popen(string.format("LOCPATH='%s' '%s' '%s/script.lua' 2>&1", dir,
        os.getenv("LUA") or "lua5.4", dir)))
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
      assert.is_truthy(lines[8]:find("hoopai.time.seconds(0.5), minutes(0.5), hours(0.5) or days(0.5)", 1, true))
    end },
  }

  it("are fifty", function()
    assert.are.equal(50, #cases)
  end)

  for i, case in ipairs(cases) do
    it(string.format("%02d %s", i, case[1]), case[2])
  end
end)
