-- hoopai.time.iso8601: reading and writing, through the public module and directly.

local iso8601 = require "hoopai.time.iso8601"
local time = require "hoopai.time"
local times = require "spec.support.times"
local zones = require "hoopai.time.zone"

local AT_TEN = times.AT_TEN
local BERLIN, CHICAGO = "Europe/Berlin", "America/Chicago"

local WRITE = 'write the date, the time and its offset, such as "2024-10-28T10:00:00-05:00"'

local function no_offset(text, usual)
  return string.format(
    '"%s" has no offset: write "%s-05:00" with the offset of the zone you mean, "%sZ" for UTC, or '
      .. 'use hoopai.time.at { ..., zone = "America/Chicago" }',
    text,
    usual or text,
    usual or text
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
    {
      "2024-10-28T10:00:00",
      '"2024-10-28T10:00:00" has no offset: write "2024-10-28T10:00:00-05:00" with the offset '
        .. 'of the zone you mean, "2024-10-28T10:00:00Z" for UTC, or use hoopai.time.at '
        .. '{ ..., zone = "America/Chicago" }',
    },
    { "2024-10-28 10:00:00", no_offset("2024-10-28 10:00:00", "2024-10-28T10:00:00") },
    { "2024-10-28t10:00:00,5", no_offset("2024-10-28t10:00:00,5", "2024-10-28T10:00:00.5") },
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
    {
      "2024-10-28T10:00:00.1234567890Z",
      '"2024-10-28T10:00:00.1234567890Z" has more than nine digits after the second',
    },
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
    {
      "2016-12-31T23:59:60Z",
      '"2016-12-31T23:59:60Z": leap seconds are not counted; write :59, or :00 of the next minute',
    },
    { "2016-12-31T23:59:61Z", '"2016-12-31T23:59:61Z": there is no second 61' },
    { "2024-10-28T10:00:00+5", '"2024-10-28T10:00:00+5": offset "+5" must be written as "+05:00", up to "+23:59"' },
    {
      "2024-10-28T10:00:00+5:30",
      '"2024-10-28T10:00:00+5:30": offset "+5:30" must be written as "+05:00", up to "+23:59"',
    },
    {
      "2024-10-28T10:00:00+24:00",
      '"2024-10-28T10:00:00+24:00": offset "+24:00" must be written as "+05:00", up to "+23:59"',
    },
    {
      "2024-10-28T10:00:00+05:60",
      '"2024-10-28T10:00:00+05:60": offset "+05:60" must be written as "+05:00", up to "+23:59"',
    },
    {
      "2024-10-28T10:00:00-05:00:00",
      '"2024-10-28T10:00:00-05:00:00": offset "-05:00:00" must be written as "+05:00", up to "+23:59"',
    },
    { "2024-10-28T10:00:00 +05:00", '"2024-10-28T10:00:00 +05:00": " +05:00" is not an offset: ' .. WRITE },
    { "2024-10-28T10:00:00EST", '"2024-10-28T10:00:00EST": "EST" is not an offset: ' .. WRITE },
    { "2024-10-28T10:00:00Zulu", '"2024-10-28T10:00:00Zulu": "Zulu" is not an offset: ' .. WRITE },
    {
      "2024-10-28T10:00:00\xE2\x88\x9205:00",
      '"2024-10-28T10:00:00\\xE2\\x88\\x9205:00": "\\xE2\\x88\\x9205:00" is not an offset: ' .. WRITE,
    },
    {
      "2024-10-28T10:00:00-05:00[America/Chicago]",
      '"2024-10-28T10:00:00-05:00[America/Chicago]": leave out the zone in brackets; the offset says it all',
    },
    {
      "2024-10-28T10:00:00[America/Chicago]",
      '"2024-10-28T10:00:00[America/Chicago]": "[America/Chicago]" is not an offset: ' .. WRITE,
    },
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

  it("stays quick with megabytes of nonsense", function()
    local text = "2024-10-28T10:00:00" .. ("."):rep(1 << 20)
    local start = os.clock()
    for _, long in ipairs {
      text,
      (" "):rep(1 << 20) .. "x",
      ("1"):rep(1 << 20),
      "2024-10-28T10:00:00." .. ("1"):rep(1 << 20),
    } do
      local instant, problem = time.parse(long)
      assert.is_nil(instant)
      assert.is_true(#problem < 400)
    end
    assert.is_true(os.clock() - start < 2)
  end)
end)

describe("read", function()
  for text, expected in pairs {
    ["2024-10-28T10:00:00-05:00"] = true,
    ["2024-10-28T15:00:00Z"] = true,
    ["2024-10-28T15:00:00.25Z"] = true,
    ["2024-10-28T15:00Z"] = true,
    ["2024-10-28T15:00:00-00:00"] = true,
    ["2024-10-28t15:00:00Z"] = false,
    ["2024-10-28 15:00:00Z"] = false,
    ["2024-10-28T15:00:00z"] = false,
    ["2024-10-28T15:00:00,25Z"] = false,
    ["2024-10-28T20:30:00+0530"] = false,
    ["2024-10-28T20:00:00+05"] = false,
  } do
    it((expected and "finds the usual spelling in " or "finds an unusual spelling in ") .. text, function()
      local ms, zone, is_usual = iso8601.read(text)
      assert.are.equal(time.parse(text):ms(), ms)
      assert.are.equal(time.parse(text):zone(), zone.name)
      assert.are.equal(expected, is_usual)
    end)
  end

  it(
    "returns nil and the problem",
    function() assert.are.same({ nil, '"" is empty: ' .. WRITE }, { iso8601.read("") }) end
  )

  it("gives equal spellings of an offset one zone", function()
    local _, first = iso8601.read("2024-10-28T20:30:00+05:30")
    local _, second = iso8601.read("2024-10-28T20:30:00+0530")
    assert.are.equal(first, second)
    assert.are.equal(zones.load("+05:30"), first)
  end)
end)

describe("writing", function()
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

  it("keeps to the instant where offsets had seconds", function()
    -- Amsterdam was 19 minutes and 32 seconds ahead until 1937.
    for zone, text in pairs {
      ["Africa/Monrovia"] = "1960-06-01T11:16:00-00:44",
      ["Europe/Paris"] = "1900-06-01T12:09:00+00:09",
      ["Asia/Kolkata"] = "1800-06-01T12:00:00+05:53",
      ["America/New_York"] = "1880-06-01T07:04:00-04:56",
    } do
      local instant = time.parse(text)
      assert.are.equal(text, instant:iso(zone))
      assert.are.equal(instant, time.parse(instant:in_zone(zone):iso()))
    end
    local instant = time.parse("1960-06-01T12:00:00Z")
    assert.are.equal("11:15:30 -004430 -00:44:30", instant:format("%T %z %:z", "Africa/Monrovia"))
    assert.are.equal(-2670, instant:date("Africa/Monrovia").offset)
  end)

  it("without a zone has Z", function()
    assert.are.equal("2024-10-28T15:00:00Z", iso8601.write_unzoned(AT_TEN))
    assert.are.equal("0001-01-01T00:00:00.001Z", iso8601.write_unzoned(-62135596799999))
  end)

  it("cuts seconds off an offset, towards zero", function()
    for _, case in ipairs {
      { 0, "+00:00" },
      { 19800, "+05:30" },
      { -18000, "-05:00" },
      { 1172, "+00:19" },
      { -1, "-00:00" },
      { -2670, "-00:44" },
      { 86340, "+23:59" },
    } do
      assert.are.equal(case[2], iso8601.offset_text(case[1], ":"))
      assert.are.equal((case[2]:gsub(":", "")), iso8601.offset_text(case[1], ""))
    end
  end)
end)
