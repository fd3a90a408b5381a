--- Durations: a number of calendar days and a number of milliseconds.
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
local MOST_DAYS = LONGEST // DAY

local duration = {}

local Duration = private.seal { __name = "hoopai.time.duration" }
local duration_methods = {}

--- The metatable of durations.
duration.metatable = Duration

--- Makes a duration of parts that are known to be in range.
-- @tparam integer days calendar days
-- @tparam integer length milliseconds
-- @treturn duration
function duration.new(days, length)
  local made = setmetatable({}, Duration)
  durations[made] = { days = days, length = length }
  return made
end

--- Makes a duration; raises if it is too long.
-- @tparam integer days calendar days
-- @tparam integer length milliseconds
-- @tparam integer level of the error, as for `error`
-- @treturn duration
function duration.checked(days, length, level)
  if math.abs(days) > MOST_DAYS or math.abs(length) > LONGEST then
    error("the result is too long: durations go up to 10000 years", level + 1)
  end
  return duration.new(days, length)
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
    if math.type(ms) == "integer" then return duration.new(0, ms) end
    -- 0.1 is no binary fraction: the nearest millisecond is meant, if it is near.
    local nearest = math.floor(ms + 0.5)
    if math.abs(ms - nearest) > 1e-6 then
      error(("%s(%s) is not a whole number of milliseconds"):format(name, number_text(n)), 2)
    end
    return duration.new(0, nearest)
  end
end

-- Makes the constructor of a unit that is a number of calendar days.
local function calendar_unit(name, size)
  local most = MOST_DAYS // size
  return function(n)
    check_number(name, n, 2)
    local count = values.integer(n)
    if not count then
      error(
        ("%s(%s): %s are counted on the calendar, in whole numbers; write hoopai.time.hours(...) for parts"):format(
          name,
          number_text(n),
          name
        ),
        2
      )
    end
    if count < -most or count > most then error(TOO_LONG:format(name, number_text(n)), 2) end
    return duration.new(count * size, 0)
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
duration.days = calendar_unit("days", 1)

--- A duration of n calendar weeks, that is 7 n @{days}.
-- @function weeks
-- @tparam integer n
-- @treturn duration
duration.weeks = calendar_unit("weeks", 7)

-- Methods -------------------------------------------------------------------------------------------------------------

-- The length in milliseconds, with days of 24 hours.
local function nominal(d) return durations[d].days * DAY + durations[d].length end

-- Makes the method that returns the length in a unit: an integer if there is no fraction, else a float.
local function length_in(name, size)
  return function(self)
    if not is_duration(self) then
      error(("%s must be called with a colon on a duration, such as (finish - start):%s()"):format(name, name), 2)
    end
    local ms = nominal(self)
    return ms % size == 0 and ms // size or ms / size
  end
end

--- The length of a duration in milliseconds. In all five, a calendar day counts 24 hours.
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

function Duration.__unm(d) return duration.new(-durations[d].days, -durations[d].length) end

function Duration.__mul(a, b)
  local d, n = a, b
  if is_duration(b) then
    d, n = b, a
  end
  local count = values.integer(n)
  if not count then error(("a duration can be multiplied by an integer only (got %s)"):format(describe(n)), 2) end
  -- As floats, which do not wrap around.
  if
    math.abs(durations[d].days * (count + 0.0)) > MOST_DAYS or math.abs(durations[d].length * (count + 0.0)) > LONGEST
  then
    error("the result is too long: durations go up to 10000 years", 2)
  end
  return duration.new(durations[d].days * count, durations[d].length * count)
end

-- Lua calls this for two tables, of which one is a duration.
function Duration.__eq(a, b) return is_duration(a) and is_duration(b) and nominal(a) == nominal(b) end

local function check_comparable(a, b, level)
  if is_duration(a) and is_duration(b) then return end
  local other = values.odd_one(a, b, is_duration)
  if type(other) ~= "number" then
    error(("a duration can be compared with a duration only (got %s)"):format(describe(other)), level + 1)
  end
  error("a duration cannot be compared with a number: write " .. values.duration_calls(other), level + 1)
end

function Duration.__lt(a, b)
  check_comparable(a, b, 2)
  return nominal(a) < nominal(b)
end

function Duration.__le(a, b)
  check_comparable(a, b, 2)
  return nominal(a) <= nominal(b)
end

-- "7d", "1h 30m", "-1h -30m", "1d -2h", "0.25s": each part has its own sign.
function Duration.__tostring(d)
  local parts = {}
  local function add(n, unit)
    if n ~= 0 then parts[#parts + 1] = ("%d%s"):format(n, unit) end
  end
  local ms, sign = durations[d].length, 1
  if ms < 0 then
    ms, sign = -ms, -1
  end
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
