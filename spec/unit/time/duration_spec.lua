-- hoopai.time.duration: making, measuring, counting.

local time = require "hoopai.time"
local times = require "spec.support.times"

local raised = times.raised

describe("durations", function()
  for _, case in ipairs {
    { time.seconds(0), "0s" },
    { time.days(0), "0s" },
    { time.seconds(1), "1s" },
    { time.minutes(30), "30m" },
    { time.hours(1.5), "1h 30m" },
    { time.days(7), "7d" },
    { time.weeks(2), "14d" },
    { time.hours(100), "100h" },
    { time.days(1) + time.hours(2) + time.minutes(3) + time.seconds(4.005), "1d 2h 3m 4.005s" },
    { time.milliseconds(250), "0.25s" },
    { time.milliseconds(1), "0.001s" },
    { -time.hours(1.5), "-1h -30m" },
    { -time.milliseconds(250), "-0.25s" },
    { -time.days(2), "-2d" },
    { time.days(1) - time.hours(2), "1d -2h" },
    { time.hours(2) - time.days(1), "-1d 2h" },
    { time.minutes(61) * -1, "-1h -1m" },
    { -time.seconds(90.5), "-1m -30.5s" },
    { time.months(0), "0s" },
    { time.months(1), "1mo" },
    { time.months(12), "1y" },
    { time.years(2), "2y" },
    { time.months(14) + time.days(2), "1y 2mo 2d" },
    { time.months(1) + time.minutes(2), "1mo 2m" },
    { -time.months(14), "-1y -2mo" },
    { time.days(2) - time.months(1), "-1mo 2d" },
    { time.hours(1) - time.years(1) - time.days(3), "-1y -3d 1h" },
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
    assert.are.equal(
      "seconds(0.0005) is not a whole number of milliseconds",
      raised(function() time.seconds(0.0005) end)
    )
    assert.are.equal(
      "milliseconds(1.5) is not a whole number of milliseconds",
      raised(function() time.milliseconds(1.5) end)
    )
    assert.are.equal(
      "days(0.5): days are counted on the calendar, in whole numbers; write hoopai.time.hours(...) " .. "for parts",
      raised(function() time.days(0.5) end)
    )
    assert.are.equal(
      "weeks(inf): weeks are counted on the calendar, in whole numbers; write hoopai.time.hours(...) " .. "for parts",
      raised(function() time.weeks(1 / 0) end)
    )
  end)

  it("of months and years are whole numbers", function()
    assert.are.equal("2mo", tostring(time.months(2.0)))
    local text = "%s(%s): %s are counted on the calendar, in whole numbers; write hoopai.time.%s(...) for parts"
    assert.are.equal(text:format("months", "0.5", "months", "days"), raised(function() time.months(0.5) end))
    assert.are.equal(text:format("years", "1.5", "years", "months"), raised(function() time.years(1.5) end))
    assert.are.equal(text:format("months", "inf", "months", "days"), raised(function() time.months(1 / 0) end))
    assert.are.equal(text:format("years", "-inf", "years", "months"), raised(function() time.years(-1 / 0) end))
  end)

  it("of months have no fixed length", function()
    for _, unit in ipairs { "ms", "seconds", "minutes", "hours", "days" } do
      for shown, d in pairs { ["1mo"] = time.months(1), ["-1y 2d"] = time.days(2) - time.years(1) } do
        assert.are.equal(
          unit
            .. ": the duration "
            .. shown
            .. " has no fixed length, as months have 28 to 31 days: take the difference of two instants, such as "
            .. "(start + d) - start",
          raised(function() local _ = d[unit](d) end)
        )
      end
    end
    assert.are.equal(48, (time.months(3) + time.days(2) - time.months(3)):hours())
  end)

  it("are made from numbers only", function()
    for _, unit in ipairs { "milliseconds", "seconds", "minutes", "hours", "days", "weeks", "months", "years" } do
      local message = unit .. " takes a number, such as hoopai.time." .. unit .. "(5) (got %s)"
      assert.are.equal(message:format("nothing"), raised(function() time[unit]() end))
      assert.are.equal(message:format('"5"'), raised(function() time[unit]("5") end))
      assert.are.equal(message:format("a duration"), raised(function() time[unit](time.days(1)) end))
    end
  end)

  it("are not endless", function()
    for _, unit in ipairs { "milliseconds", "seconds", "minutes", "hours", "days", "weeks", "months", "years" } do
      for _, n in ipairs { math.maxinteger, math.mininteger, 1 << 62, -(1 << 62), 1 << 53, 1 << 49, -(1 << 49) } do
        assert.are.equal(
          string.format("%s(%d) is too long: durations go up to 10000 years", unit, n),
          raised(function() time[unit](n) end)
        )
      end
    end
    for _, unit in ipairs { "milliseconds", "seconds", "minutes", "hours" } do
      for _, n in ipairs { 1 / 0, -1 / 0, 0 / 0, 1e300 } do
        assert.are.equal(
          string.format("%s(%s) is too long: durations go up to 10000 years", unit, n),
          raised(function() time[unit](n) end)
        )
      end
    end
    for unit, most in pairs {
      milliseconds = 316224000000000,
      seconds = 316224000000,
      minutes = 5270400000,
      hours = 87840000,
      days = 3660000,
      weeks = 522857,
    } do
      assert.are.equal(
        most,
        time[unit](most)[unit == "milliseconds" and "ms" or unit == "weeks" and "days" or unit](time[unit](most))
          // (unit == "weeks" and 7 or 1)
      )
      assert.is_false(pcall(time[unit], most + 1))
      assert.is_false(pcall(time[unit], -most - 1))
      assert.is_true(time.is_duration(time[unit](-most)))
    end
    for unit, most in pairs { months = 120000, years = 10000 } do
      assert.are.equal("10000y", tostring(time[unit](most)))
      assert.are.equal("-10000y", tostring(time[unit](-most)))
      assert.is_false(pcall(time[unit], most + 1))
      assert.is_false(pcall(time[unit], -most - 1))
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
    assert.are.equal(message, raised(function() return time.years(10000) + time.months(1) end))
    assert.are.equal(message, raised(function() return time.months(-1) - time.years(10000) end))
    assert.are.equal(message, raised(function() return time.months(2) * 60001 end))
    assert.are.equal(message, raised(function() return time.years(1) * math.mininteger end))
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
    assert.are.equal("1y 3mo", tostring(time.months(5) * 3))
    assert.are.equal("-1y -3mo -6d -30m", tostring(-3 * (time.months(5) + time.days(2) + time.minutes(10))))
    assert.are.equal("1y 1mo 1d 1m", tostring(time.years(1) + time.months(1) + time.days(1) + time.minutes(1)))
    assert.are.equal("11mo", tostring(time.years(1) - time.months(1)))
    assert.are.equal("0s", tostring(time.months(5) - time.months(5)))
    local message = "a duration can be multiplied by an integer only (got %s)"
    assert.are.equal(message:format("1.5"), raised(function() return time.hours(1) * 1.5 end))
    assert.are.equal(message:format('"2"'), raised(function() return time.hours(1) * "2" end))
    assert.are.equal(message:format("a duration"), raised(function() return time.hours(1) * time.hours(1) end))
    assert.are.equal(message:format("nothing"), raised(function() return nil * time.hours(1) end))
    assert.are.equal(message:format("inf"), raised(function() return time.hours(1) * math.huge end))
  end)

  it("of months compare only where the outcome is the same in every month", function()
    local months, days, hours = time.months, time.days, time.hours
    assert.is_true(months(1) < months(2) and months(2) <= months(2) and months(12) >= time.years(1))
    assert.is_true(months(1) > hours(0) and months(-1) < days(0) and months(1) + days(3) > months(1) + days(2))
    assert.is_true(months(1) + days(5) < months(2) + days(5) and days(5) < months(1) + days(6))
    local text =
      "%s and %s cannot be compared, as months have 28 to 31 days: add both to an instant and compare the sums"
    for _, case in ipairs {
      { months(1), days(31), "1mo", "31d" },
      { months(1), days(1), "1mo", "1d" },
      { days(400), time.years(1), "400d", "1y" },
      { months(2) - days(1), months(1), "2mo -1d", "1mo" },
      { months(1), hours(1), "1mo", "1h" },
    } do
      local a, b, shown, other = table.unpack(case)
      assert.are.equal(text:format(shown, other), raised(function() return a < b end))
      assert.are.equal(text:format(shown, other), raised(function() return a <= b end))
      assert.are.equal(text:format(other, shown), raised(function() return a > b end))
      assert.is_false(a == b)
    end
    assert.is_true(months(12) == time.years(1))
    assert.is_true(months(1) + days(1) == hours(24) + months(1))
    assert.is_false(months(1) == months(2))
    assert.is_false(months(1) == days(30) or months(1) == {} or months(1) == 1)
    assert.are.equal(
      "a duration cannot be compared with a number: write hoopai.time.seconds(5), minutes(5), hours(5) or days(5)",
      raised(function() return months(1) < 5 end)
    )
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
    assert.are.equal(
      "a duration cannot be compared with a number: write hoopai.time.seconds(5), minutes(5), hours(5) or days(5)",
      raised(function() return time.hours(1) < 5 end)
    )
    assert.are.equal(
      "a duration cannot be compared with a number: write hoopai.time.seconds(5), minutes(5), hours(5) or days(5)",
      raised(function() return 5 <= time.hours(1) end)
    )
    assert.are.equal(
      "a duration can be compared with a duration only (got nothing)",
      raised(function() return time.hours(1) < nil end)
    )
    assert.is_truthy(raised(function() return time.hours(1) < time.now() end):find("can be compared with"))
  end)
end)
