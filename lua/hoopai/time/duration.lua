--- Durations: a number of months, one of calendar days, and one of milliseconds.
--
-- This file has what takes durations alone. The operators `+` and `-`, which take instants too, are in
-- `hoopai.time.instant`.
local private = require "hoopai.private"
local values = require "hoopai.time.values"

local SECOND, MINUTE, HOUR, DAY = values.SECOND, values.MINUTE, values.HOUR, values.DAY
local durations = values.durations
local is_duration, describe, number_text = values.is_duration, values.describe, values.number_text

-- The longest duration, in milliseconds: longer than from the first instant to the last.
local LONGEST = 10000 * 366 * DAY
local MOST_DAYS, MOST_MONTHS = LONGEST // DAY, 10000 * 12
local TOO_LONG_RESULT = "the result is too long: durations go up to 10000 years"

local duration = {}

local Duration = private.seal { __name = "hoopai.time.duration" }
local duration_methods = {}

--- The metatable of durations.
duration.metatable = Duration

--- Makes a duration of parts that are known to be in range.
-- @tparam integer months calendar months
-- @tparam integer days calendar days
-- @tparam integer length milliseconds
-- @treturn duration
function duration.new(months, days, length)
  local made = setmetatable({}, Duration)
  durations[made] = { months = months, days = days, length = length }
  return made
end

--- The sum of two durations, part by part; raises if it is too long.
-- @tparam duration a
-- @tparam duration b
-- @tparam integer level of the error, as for `error`
-- @treturn duration
function duration.sum(a, b, level)
  local x, y = durations[a], durations[b]
  local months, days, length = x.months + y.months, x.days + y.days, x.length + y.length
  if math.abs(months) > MOST_MONTHS or math.abs(days) > MOST_DAYS or math.abs(length) > LONGEST then
    error(TOO_LONG_RESULT, level + 1)
  end
  return duration.new(months, days, length)
end

-- Constructors --------------------------------------------------------------------------------------------------------

local TOO_LONG = "%s(%s) is too long: durations go up to 10000 years"

local function check_number(name, n, level)
  if type(n) ~= "number" then
    error(("%s takes a number, such as hoopai.time.%s(5) (got %s)"):format(name, name, describe(n)), level + 1)
  end
end

-- Makes the constructor of a unit that is a fixed number of milliseconds.
local function fixed_unit(name, size)
  local most = LONGEST // size
  return function(n)
    check_number(name, n, 2)
    if not (n >= -most and n <= most) then error(TOO_LONG:format(name, number_text(n)), 2) end
    local ms = n * size
    if math.type(ms) == "integer" then return duration.new(0, 0, ms) end
    -- 0.1 is no binary fraction: the nearest millisecond is meant, if it is near.
    local nearest = math.floor(ms + 0.5)
    if math.abs(ms - nearest) > 1e-6 then
      error(("%s(%s) is not a whole number of milliseconds"):format(name, number_text(n)), 2)
    end
    return duration.new(0, 0, nearest)
  end
end

-- Makes the constructor of a unit that is counted on the calendar. `most` is the largest count, `part` the unit that is
-- advised for parts, and `make` returns the duration of a count.
local function calendar_unit(name, most, part, make)
  return function(n)
    check_number(name, n, 2)
    local count = values.integer(n)
    if not count then
      error(
        ("%s(%s): %s are counted on the calendar, in whole numbers; write hoopai.time.%s(...) for parts"):format(
          name,
          number_text(n),
          name,
          part
        ),
        2
      )
    end
    if count < -most or count > most then error(TOO_LONG:format(name, number_text(n)), 2) end
    return make(count)
  end
end

--- A duration of n milliseconds.
-- @function milliseconds
-- @tparam integer n
-- @treturn duration
duration.milliseconds = fixed_unit("milliseconds", 1)

--- A duration of n seconds. Raises when that is not a whole number of milliseconds.
-- @function seconds
-- @tparam number n
-- @treturn duration
duration.seconds = fixed_unit("seconds", SECOND)

--- A duration of n minutes.
-- @function minutes
-- @tparam number n
-- @treturn duration
duration.minutes = fixed_unit("minutes", MINUTE)

--- A duration of n hours of 60 minutes: exact time, also across a change of the clocks.
-- @function hours
-- @tparam number n
-- @treturn duration
duration.hours = fixed_unit("hours", HOUR)

--- A duration of n calendar days: added to an instant, it arrives at the same time of day in the instant's zone, n days
-- later, also if a day in between has 23 or 25 hours. For an instant without a zone a day is 24 hours.
-- @function days
-- @tparam integer n
-- @treturn duration
duration.days = calendar_unit("days", MOST_DAYS, "hours", function(n) return duration.new(0, n, 0) end)

--- A duration of n calendar weeks, that is 7 n @{days}.
-- @function weeks
-- @tparam integer n
-- @treturn duration
duration.weeks = calendar_unit("weeks", MOST_DAYS // 7, "hours", function(n) return duration.new(0, n * 7, 0) end)

--- A duration of n calendar months: added to an instant, it arrives at the same day of the month and time of day in the
-- instant's zone, n months later. If that month is too short, it arrives at its last day: 31 January and a month is 28
-- or 29 February. For an instant without a zone the calendar is that of UTC.
--
-- Of a duration of several parts the months are added first, then the days, then what is exact time. So `start + d - d`
-- is not always `start`.
-- @function months
-- @tparam integer n
-- @treturn duration
duration.months = calendar_unit("months", MOST_MONTHS, "days", function(n) return duration.new(n, 0, 0) end)

--- A duration of n calendar years, that is 12 n @{months}: 29 February and a year is 28 February.
-- @function years
-- @tparam integer n
-- @treturn duration
duration.years = calendar_unit("years", MOST_MONTHS // 12, "months", function(n) return duration.new(n * 12, 0, 0) end)

-- Methods -------------------------------------------------------------------------------------------------------------

-- The length in milliseconds of what is no month, with days of 24 hours.
local function nominal(d) return durations[d].days * DAY + durations[d].length end

-- Makes the method that returns the length in a unit: an integer if there is no fraction, else a float.
local function length_in(name, size)
  return function(self)
    if not is_duration(self) then
      error(("%s must be called with a colon on a duration, such as (finish - start):%s()"):format(name, name), 2)
    end
    if durations[self].months ~= 0 then
      local text = "%s: the duration %s has no fixed length, as months have 28 to 31 days: take the difference of two "
        .. "instants, such as (start + d) - start"
      error(text:format(name, tostring(self)), 2)
    end
    local ms = nominal(self)
    return ms % size == 0 and ms // size or ms / size
  end
end

--- The length of a duration in milliseconds. In all five, a calendar day counts 24 hours. All five raise for a duration
-- with months, which has no fixed length.
-- @function duration:ms
-- @treturn integer
duration_methods.ms = length_in("ms", 1)

--- The length of a duration in seconds.
-- @function duration:seconds
-- @treturn number an integer if there is no fraction
duration_methods.seconds = length_in("seconds", SECOND)

--- The length of a duration in minutes.
-- @function duration:minutes
-- @treturn number an integer if there is no fraction
duration_methods.minutes = length_in("minutes", MINUTE)

--- The length of a duration in hours.
-- @function duration:hours
-- @treturn number an integer if there is no fraction
duration_methods.hours = length_in("hours", HOUR)

--- The length of a duration in days.
-- @function duration:days
-- @treturn number an integer if there is no fraction
duration_methods.days = length_in("days", DAY)

-- Metamethods ---------------------------------------------------------------------------------------------------------

Duration.__index = duration_methods

function Duration.__newindex() error("durations cannot be changed", 2) end

function Duration.__pairs() return next, {}, nil end

function Duration.__unm(d)
  local parts = durations[d]
  return duration.new(-parts.months, -parts.days, -parts.length)
end

function Duration.__mul(a, b)
  local d, n = a, b
  if is_duration(b) then
    d, n = b, a
  end
  local count = values.integer(n)
  if not count then error(("a duration can be multiplied by an integer only (got %s)"):format(describe(n)), 2) end
  local parts = durations[d]
  local times = math.abs(count + 0.0) -- a float, which does not wrap around
  if
    math.abs(parts.months) * times > MOST_MONTHS
    or math.abs(parts.days) * times > MOST_DAYS
    or math.abs(parts.length) * times > LONGEST
  then
    error(TOO_LONG_RESULT, 2)
  end
  return duration.new(parts.months * count, parts.days * count, parts.length * count)
end

-- Lua calls this for two tables, of which one is a duration. Durations are equal if they have the same months, and the
-- same length beside them.
function Duration.__eq(a, b)
  return is_duration(a) and is_duration(b) and durations[a].months == durations[b].months and nominal(a) == nominal(b)
end

local function check_comparable(a, b, level)
  if is_duration(a) and is_duration(b) then return end
  local other = values.odd_one(a, b, is_duration)
  if type(other) ~= "number" then
    error(("a duration can be compared with a duration only (got %s)"):format(describe(other)), level + 1)
  end
  error("a duration cannot be compared with a number: write " .. values.duration_calls(other), level + 1)
end

-- How much longer a is than b: above, below or equal to 0. Raises where one has more months and the other more of the
-- rest: whether a month is longer than 30 days depends on the month.
local function difference(a, b, level)
  check_comparable(a, b, level + 1)
  local months, rest = durations[a].months - durations[b].months, nominal(a) - nominal(b)
  if months == 0 then return rest end
  if months > 0 and rest < 0 or months < 0 and rest > 0 then
    local text =
      "%s and %s cannot be compared, as months have 28 to 31 days: add both to an instant and compare the sums"
    error(text:format(tostring(a), tostring(b)), level + 1)
  end
  return months
end

function Duration.__lt(a, b) return difference(a, b, 2) < 0 end

function Duration.__le(a, b) return difference(a, b, 2) <= 0 end

-- "7d", "1h 30m", "-1h -30m", "1d -2h", "0.25s", "1y 2mo": each part has its own sign. "m" is minutes.
function Duration.__tostring(d)
  local parts = {}
  local function add(n, unit)
    if n ~= 0 then parts[#parts + 1] = ("%d%s"):format(n, unit) end
  end
  local ms, sign = durations[d].length, 1
  if ms < 0 then
    ms, sign = -ms, -1
  end
  local months = durations[d].months
  local years = months < 0 and -(-months // 12) or months // 12
  add(years, "y")
  add(months - years * 12, "mo")
  add(durations[d].days, "d")
  add(sign * (ms // HOUR), "h")
  add(sign * (ms % HOUR // MINUTE), "m")
  local seconds, rest = ms % MINUTE // SECOND, ms % SECOND
  if rest == 0 then
    add(sign * seconds, "s")
  else
    local digits = ("%03d"):format(rest):gsub("0+$", "")
    parts[#parts + 1] = ("%s%d.%ss"):format(sign < 0 and "-" or "", seconds, digits)
  end
  return #parts > 0 and table.concat(parts, " ") or "0s"
end

return duration
