-- hoopai.time.request_values: what a user may give for an instant or a zone in a request.

local time = require "hoopai.time"
local times = require "spec.support.times"

local at, AT_TEN = times.at, times.AT_TEN
local BERLIN, CHICAGO = "Europe/Berlin", "America/Chicago"
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
local NOT_A_NAME = '%s is not the name of a time zone: write one such as "Europe/Berlin" or "UTC"'
local EST = 'zone "EST" is an abbreviation and says too little: write the zone\'s name, such as "America/New_York"'

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
    {
      99999999999,
      {
        "99999999999 looks like seconds: write milliseconds (99999999999000), or "
          .. "hoopai.time.from_seconds(99999999999)",
      },
      { FROM_SECONDS:format("99999999999") },
    },
    { 100000000000, 100000000000, { FROM_MS:format("100000000000") } },
    { 253402300799999, 253402300799999, { FROM_MS:format("253402300799999") } },
    {
      253402300800000,
      { "253402300800000 is after the year 9999: write milliseconds since 1970" },
      { FROM_MS:format("ms") },
    },
    {
      1730127600000000,
      { "1730127600000000 looks like microseconds: write milliseconds since 1970" },
      { FROM_MS:format("ms") },
    },
    {
      1730127600000000000,
      { "1730127600000000000 looks like nanoseconds: write milliseconds since 1970" },
      { FROM_MS:format("ms") },
    },
    {
      math.maxinteger,
      { "9223372036854775807 looks like nanoseconds: write milliseconds since 1970" },
      { FROM_MS:format("ms") },
    },
    {
      math.mininteger,
      { "-9223372036854775808 is before 1970: write milliseconds since 1970" },
      { FROM_MS:format("ms") },
    },
    { 1730127600.5, { FRACTION:format("1730127600.5") }, { FROM_MS:format("ms") } },
    { 2 ^ 63, { "9.22337e+18 is after the year 9999: write milliseconds since 1970" }, { FROM_MS:format("ms") } },
    { -1 / 0, { "infinity is not a time: write milliseconds since 1970" }, { FROM_MS:format("ms") } },
    {
      "1680373800",
      {
        '"1680373800" looks like seconds: write milliseconds (1680373800000), or '
          .. "hoopai.time.from_seconds(1680373800)",
      },
      { FROM_SECONDS:format("1680373800") },
    },
    { "-5", { '"-5" is before 1970: write milliseconds since 1970' }, { FROM_MS:format("ms") } },
    {
      "0",
      { "0 is not a time to ask for: write milliseconds since 1970, or hoopai.time.from_ms(0)" },
      { FROM_SECONDS:format("0") },
    },
    {
      ("9"):rep(30),
      { '"' .. ("9"):rep(30) .. '" is after the year 9999: write milliseconds since 1970' },
      { FROM_MS:format("ms") },
    },
    {
      "-" .. ("9"):rep(30),
      { '"-' .. ("9"):rep(30) .. '" is before 1970: write milliseconds since 1970' },
      { FROM_MS:format("ms") },
    },
    {
      " 1680373800000",
      { '" 1680373800000" has blanks around it: ' .. WRITE },
      { '" 1680373800000" has blanks around it: ' .. WRITE },
    },
    { "0x10", { '"0x10" is not an ISO 8601 time: ' .. WRITE }, { '"0x10" is not an ISO 8601 time: ' .. WRITE } },
    { "1e12", { '"1e12" is not an ISO 8601 time: ' .. WRITE }, { '"1e12" is not an ISO 8601 time: ' .. WRITE } },
    {
      "2024-10-28T20:30:00+0530",
      AT_TEN,
      { '"2024-10-28T20:30:00+0530" is an unusual spelling: write "2024-10-28T20:30:00+05:30"' },
    },
    {
      "2024-10-28T20:00:00+05",
      AT_TEN,
      { '"2024-10-28T20:00:00+05" is an unusual spelling: write "2024-10-28T20:00:00+05:00"' },
    },
    {
      "2024-10-28t15:00:00Z",
      AT_TEN,
      { '"2024-10-28t15:00:00Z" is an unusual spelling: write "2024-10-28T15:00:00+00:00"' },
    },
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
    check(time.to_timezone, "+25:00", { '"+25:00" is an offset: write the name of a zone, such as "America/Chicago"' })
    check(time.to_timezone, "+5", { '"+5" is an offset: write the name of a zone, such as "America/Chicago"' })
    check(time.to_timezone, "Z", { '"Z" is an offset: write the name of a zone, such as "America/Chicago"' })
    check(time.to_timezone, "America/New York", { NOT_A_NAME:format('"America/New York"') })
    check(time.to_timezone, "EST", { EST })
    check(time.to_timezone, "a\r\nb", { NOT_A_NAME:format('"a\\x0D\\x0Ab"') })
    check(time.to_timezone, 5, { 'a zone is a string such as "Europe/Berlin" or "UTC" (got number)' })
  end)
end)
