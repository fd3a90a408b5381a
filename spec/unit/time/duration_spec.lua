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
