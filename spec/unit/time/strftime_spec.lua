-- hoopai.time.strftime, through instant:format.

local time = require "hoopai.time"
local times = require "spec.support.times"

local at, raised = times.at, times.raised
local BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"

describe("format", function()
  local instant = at("2024-03-05T09:07:03.045+01:00", BERLIN)
  for _, case in ipairs {
    { "", "" },
    { "no fields, 100%%", "no fields, 100%" },
    { "%Y-%m-%d %H:%M:%S.%L", "2024-03-05 09:07:03.045" },
    { "%y", "24" },
    { "%e", " 5" },
    { "%I:%M %p", "09:07 AM" },
    { "%j", "065" },
    { "%a %A", "Tue Tuesday" },
    { "%b %B", "Mar March" },
    { "%u %w", "2 2" },
    { "%G-W%V-%u", "2024-W10-2" },
    { "%F", "2024-03-05" },
    { "%T", "09:07:03" },
    { "%R", "09:07" },
    { "%z", "+0100" },
    { "%:z", "+01:00" },
    { "%Z", "CET" },
    { "%s", "1709626023" },
    { "a%nb%tc", "a\nb\tc" },
    { "%%Y", "%Y" },
    { "%H:%M:%S", "09:07:03" },
    { "\0%Y\xFF", "\0" .. "2024\xFF" },
  } do
    it(string.format("writes %q", case[1]), function() assert.are.equal(case[2], instant:format(case[1])) end)
  end

  for hour, expected in pairs {
    [0] = "12 AM",
    [1] = "01 AM",
    [11] = "11 AM",
    [12] = "12 PM",
    [13] = "01 PM",
    [23] = "11 PM",
  } do
    it(
      "writes hour " .. hour .. " as " .. expected,
      function()
        assert.are.equal(
          expected,
          time.at { year = 2024, month = 1, day = 1, hour = hour, zone = "UTC" }:format("%I %p")
        )
      end
    )
  end

  for date, expected in pairs {
    ["2021-01-03"] = "2020-53-7",
    ["2021-01-04"] = "2021-01-1",
    ["2024-12-30"] = "2025-01-1",
    ["2018-12-31"] = "2019-01-1",
    ["2016-01-01"] = "2015-53-5",
    ["2005-01-01"] = "2004-53-6",
  } do
    it(
      "knows the ISO week of " .. date,
      function() assert.are.equal(expected, at(date .. "T12:00:00Z"):format("%G-%V-%u")) end
    )
  end

  it("takes a zone", function()
    assert.are.equal("03:07 EST -0500", instant:format("%H:%M %Z %z", NEW_YORK))
    assert.are.equal("13:37 +05:30", instant:format("%H:%M %Z", "+05:30"))
    assert.are.equal("08:07 UTC", instant:format("%R %Z", "UTC"))
  end)

  for spec, shown in pairs {
    ["%Q"] = '"%Q"',
    ["%c"] = '"%c"',
    ["%"] = '"%"',
    ["x%"] = '"%"',
    ["%:Y"] = '"%:Y"',
    ["%Ey"] = '"%E"',
    ["%-d"] = '"%-"',
    ["%\n"] = '"%\\x0A"',
  } do
    it(string.format("raises for %q", spec), function()
      assert.are.equal(
        "format does not know "
          .. shown
          .. ": it takes %Y %m %d %H %M %S %L %A %B %z and the others in "
          .. "its documentation",
        raised(function() return (instant:format(spec)) end)
      )
    end)
  end

  it("raises for what is no pattern", function()
    local message = 'format takes a pattern such as "%Y-%m-%d %H:%M" '
    assert.are.equal(message .. "(got nothing)", raised(function() instant:format() end))
    assert.are.equal(message .. "(got 5)", raised(function() instant:format(5) end))
  end)
end)
