--- Instants, durations and time zones.
--
-- An instant is a point in time, to the millisecond, in the years 1 to 9999 of the Gregorian calendar (extended
-- backwards). It may carry a zone, which decides what the calendar and the clock show; comparison and difference do not
-- depend on it. Instants and durations never change: every method returns a new value.
--
--     local time = require "hoopai.time"
--     local start = time.at { year = 2024, month = 10, day = 28, hour = 10, zone = "America/Chicago" }
--     print(start)                                --> 2024-10-28T10:00:00-05:00
--     print(start + time.days(7))                 --> 2024-11-04T10:00:00-06:00
--     print(start:in_zone("Europe/Berlin"))       --> 2024-10-28T16:00:00+01:00
--
-- **Zones** are named as in the IANA database ("Europe/Berlin"), or "UTC", or an offset ("+05:30"). Names are read
-- from the system's zone files (the directory in TZDIR, then the usual ones); "UTC" and offsets need no files. Files
-- that count leap seconds ("right/...") and abbreviations ("EST") are refused.
--
-- **Where clocks change**, one rule holds, in `at`, in adding days, everywhere: a local time that was skipped is moved
-- on by the length of the gap (02:30 becomes 03:30), and of a local time that comes twice the first is meant.
--
-- **Errors.** `parse`, `zone` and the `to_...` converters, which read other people's data, return nil and a text that
-- says what to write instead. Everything else raises that text: what it is given was written by the programmer, and a
-- nil in a request body would go unnoticed.
-- @module hoopai.time

local _ENV = require "hoopai.standard"
local civil = require "hoopai.time.gregorian"
local tz = require "hoopai.time.zone"

local byte, find, gsub, lower, match = string.byte, string.find, string.gsub, string.lower, string.match
local format, rep, sub = string.format, string.rep, string.sub
local abs, floor, math_type, tointeger = math.abs, math.floor, math.type, math.tointeger
local mininteger = math.mininteger
local concat = table.concat
local error, ipairs, next, pcall, rawget, require, select, setmetatable, tonumber, tostring, type =
  error, ipairs, next, pcall, rawget, require, select, setmetatable, tonumber, tostring, type
local os_time = os and os.time

local days_of, date_of, month_days = civil.days, civil.date, civil.month_days
local load_zone, zone_at, resolve, quote = tz.load, tz.at, tz.resolve, tz.quote

local SECOND, MINUTE, HOUR, DAY = 1000, 60000, 3600000, 86400000

local FIRST_MS = days_of(1, 1, 1) * DAY
local LAST_MS = days_of(10000, 1, 1) * DAY - 1
-- No offset is as long as this.
local MAX_OFFSET_MS = 26 * HOUR
-- The longest duration: from the first instant to the last and some.
local LONGEST = 10000 * 366 * DAY
-- As milliseconds, numbers below this are in or before 1973; as seconds, numbers from here on are after the year 5000.
local LEAST_MS = 100000000000

local EXAMPLE = "2024-10-28T10:00:00-05:00"

local time = {}

-- Instants and durations are tables whose fields have keys nobody else has: they cannot be written to by name, and
-- no other table can pass for one of them.
local MS, ZONE, DAYS, LENGTH = {}, {}, {}, {}

local instant_methods, duration_methods = {}, {}
local Instant, Duration = { __name = "hoopai.time.instant" }, { __name = "hoopai.time.duration" }

local function is_instant(v)
  return type(v) == "table" and rawget(v, MS) ~= nil
end

local function is_duration(v)
  return type(v) == "table" and rawget(v, LENGTH) ~= nil
end

local function is_time(v)
  return is_instant(v) or is_duration(v)
end

-- A number as a program would write it, in any locale.
local function number_text(n)
  return (gsub(tostring(n), ",", "."))
end

-- Of two operands, the one that a test does not find to be of the right kind.
local function odd_one(a, b, is_right)
  if is_right(a) then
    return b
  end
  return a
end

-- What an error message calls a value.
local function describe(v)
  if is_instant(v) then
    return "an instant"
  elseif is_duration(v) then
    return "a duration"
  elseif type(v) == "string" then
    return quote(v)
  elseif type(v) == "number" then
    return number_text(v)
  elseif v == nil then
    return "nothing"
  end
  return "a " .. type(v)
end

local RANGE = "is outside the years 1 to 9999"

-- Near both ends of the range the local date can be outside where the instant is not.
local function in_range(ms, zone)
  if ms < FIRST_MS + MAX_OFFSET_MS or ms > LAST_MS - MAX_OFFSET_MS then
    local wall = zone and ms + zone_at(zone, ms // SECOND) * SECOND or ms
    return ms >= FIRST_MS and ms <= LAST_MS and wall >= FIRST_MS and wall <= LAST_MS
  end
  return true
end

local function new_instant(ms, zone)
  return setmetatable({ [MS] = ms, [ZONE] = zone }, Instant)
end

local function new_duration(days, length)
  return setmetatable({ [DAYS] = days, [LENGTH] = length }, Duration)
end

-- The zone object of a name given by the programmer.
local function want_zone(name, level)
  local zone, problem = load_zone(name)
  if not zone then
    error(problem, level + 1)
  end
  return zone
end

-- The zone in which a method looks at an instant: the one it was given, else the one the instant carries.
local function view_zone(self, name, call, level)
  if name ~= nil then
    -- In parentheses, here and below: a tail call would take its frame away, and errors would point past the caller.
    return (want_zone(name, level + 1))
  end
  local zone = self[ZONE]
  if not zone then
    error(format('this instant carries no zone: write %s, or give it one with :in_zone("Europe/Berlin")', call),
      level + 1)
  end
  return zone
end

local function check_self(self, method, level)
  if not is_instant(self) then
    error(format("%s must be called with a colon on an instant, such as start:%s()", method, method), level + 1)
  end
end

local function check_range(ms, zone, level)
  if not in_range(ms, zone) then
    error("the result " .. RANGE, level + 1)
  end
end

-- A number as an integer: nil where it has a fraction, is not finite, or does not fit.
local function integer(v)
  if math_type(v) == "integer" then
    return v
  end
  return math_type(v) == "float" and tointeger(v) or nil
end

-- Durations -----------------------------------------------------------------------------------------------------------

local TOO_LONG = "%s(%s) is too long: durations go up to 10000 years"

-- Makes the constructor of a unit that is a fixed number of milliseconds.
local function fixed_unit(name, size)
  local most = LONGEST // size
  return function(n)
    if type(n) ~= "number" then
      error(format("%s takes a number, such as hoopai.time.%s(5) (got %s)", name, name, describe(n)), 2)
    end
    if not (n >= -most and n <= most) then
      error(format(TOO_LONG, name, number_text(n)), 2)
    end
    local ms = n * size
    if math_type(ms) == "float" then
      -- 0.1 and its like are no binary fractions: what is meant is the nearest millisecond, if it is near.
      local nearest = tointeger(floor(ms + 0.5))
      if abs(ms - nearest) > 1e-6 then
        error(format("%s(%s) is not a whole number of milliseconds", name, number_text(n)), 2)
      end
      ms = nearest
    end
    return new_duration(0, ms)
  end
end

-- Makes the constructor of a unit that is a number of calendar days.
local function calendar_unit(name, size)
  return function(n)
    if type(n) ~= "number" then
      error(format("%s takes a number, such as hoopai.time.%s(5) (got %s)", name, name, describe(n)), 2)
    end
    local count = integer(n)
    if not count then
      error(format("%s(%s): %s are counted on the calendar, in whole numbers; write hoopai.time.hours(...) for parts",
        name, number_text(n), name), 2)
    end
    if abs(count) > LONGEST // DAY // size or count == mininteger then
      error(format(TOO_LONG, name, number_text(n)), 2)
    end
    return new_duration(count * size, 0)
  end
end

--- A duration of n milliseconds.
-- @function milliseconds
-- @tparam integer n
-- @treturn duration
time.milliseconds = fixed_unit("milliseconds", 1)

--- A duration of n seconds. Raises when that is not a whole number of milliseconds.
-- @function seconds
-- @tparam number n
-- @treturn duration
time.seconds = fixed_unit("seconds", SECOND)

--- A duration of n minutes.
-- @function minutes
-- @tparam number n
-- @treturn duration
time.minutes = fixed_unit("minutes", MINUTE)

--- A duration of n hours of 60 minutes: exact time, whatever the clocks do meanwhile.
-- @function hours
-- @tparam number n
-- @treturn duration
time.hours = fixed_unit("hours", HOUR)

--- A duration of n calendar days: added to an instant, it arrives at the same time of day in the instant's zone, n days
-- on, also where a day in between has 23 or 25 hours. For an instant without a zone a day is 24 hours.
-- @function days
-- @tparam integer n
-- @treturn duration
time.days = calendar_unit("days", 1)

--- A duration of n calendar weeks, that is 7 n @{days}.
-- @function weeks
-- @tparam integer n
-- @treturn duration
time.weeks = calendar_unit("weeks", 7)

-- The length with days of 24 hours: for comparing, and for saying how long.
local function nominal(d)
  return d[DAYS] * DAY + d[LENGTH]
end

local function check_duration(days, length, level)
  if abs(days) > LONGEST // DAY or abs(length) > LONGEST then
    error("the result is too long: durations go up to 10000 years", level + 1)
  end
  return new_duration(days, length)
end

-- Makes a method that tells the length in a unit: an integer where it comes out even, else a float.
local function length_in(name, size)
  return function(self)
    if not is_duration(self) then
      error(format("%s must be called with a colon on a duration, such as (finish - start):%s()", name, name), 2)
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
-- @treturn number an integer where there is no fraction
duration_methods.seconds = length_in("seconds", SECOND)

--- The length of a duration in minutes.
-- @function duration:minutes
-- @treturn number an integer where there is no fraction
duration_methods.minutes = length_in("minutes", MINUTE)

--- The length of a duration in hours.
-- @function duration:hours
-- @treturn number an integer where there is no fraction
duration_methods.hours = length_in("hours", HOUR)

--- The length of a duration in days.
-- @function duration:days
-- @treturn number an integer where there is no fraction
duration_methods.days = length_in("days", DAY)

Duration.__index = duration_methods
Duration.__metatable = false

function Duration.__newindex()
  error("durations cannot be changed", 2)
end

function Duration.__pairs()
  return next, {}, nil
end

function Duration.__unm(d)
  return new_duration(-d[DAYS], -d[LENGTH])
end

function Duration.__mul(a, b)
  local d, n = a, b
  if is_duration(b) then
    d, n = b, a
  end
  local count = type(n) == "number" and integer(n)
  if not count then
    error(format("a duration can be multiplied by an integer only (got %s)", describe(n)), 2)
  end
  if abs(d[DAYS] * (count + 0.0)) > LONGEST // DAY or abs(d[LENGTH] * (count + 0.0)) > LONGEST then
    error("the result is too long: durations go up to 10000 years", 2)
  end
  return new_duration(d[DAYS] * count, d[LENGTH] * count)
end

-- Equality is only asked between two tables, of which one is a duration.
function Duration.__eq(a, b)
  return is_duration(a) and is_duration(b) and nominal(a) == nominal(b)
end

local function check_durations(a, b, level)
  if not (is_duration(a) and is_duration(b)) then
    local other = odd_one(a, b, is_duration)
    if type(other) == "number" then
      local text = number_text(other)
      error(format("a duration cannot be compared with a number: write hoopai.time.seconds(%s), minutes(%s), "
        .. "hours(%s) or days(%s)", text, text, text, text), level + 1)
    end
    error(format("a duration can be compared with a duration only (got %s)", describe(other)), level + 1)
  end
end

function Duration.__lt(a, b)
  check_durations(a, b, 2)
  return nominal(a) < nominal(b)
end

function Duration.__le(a, b)
  check_durations(a, b, 2)
  return nominal(a) <= nominal(b)
end

-- "7d", "1h 30m", "-1h -30m", "1d -2h", "0.25s": each part has its own sign.
function Duration.__tostring(d)
  local parts = {}
  local function part(n, unit)
    if n ~= 0 then
      parts[#parts + 1] = format("%d%s", n, unit)
    end
  end
  part(d[DAYS], "d")
  local ms = d[LENGTH]
  local sign = ms < 0 and -1 or 1
  ms = ms * sign
  part(sign * (ms // HOUR), "h")
  part(sign * (ms % HOUR // MINUTE), "m")
  local s, rest = ms % MINUTE // SECOND, ms % SECOND
  if rest ~= 0 then
    local digits = gsub(format("%03d", rest), "0+$", "")
    parts[#parts + 1] = format("%s%d.%ss", sign < 0 and "-" or "", s, digits)
  else
    part(sign * s, "s")
  end
  return #parts > 0 and concat(parts, " ") or "0s"
end

local function join(a, b)
  return tostring(a) .. tostring(b)
end

Duration.__concat = join

-- Instants ------------------------------------------------------------------------------------------------------------

-- Moves an instant by days on the calendar of its zone.
local function add_days(ms, zone, days)
  if days == 0 then
    return ms
  end
  if not zone or zone.fixed then
    return ms + days * DAY
  end
  local seconds = ms // SECOND
  local wall = seconds + zone_at(zone, seconds) + days * 86400
  local first, _, shifted = resolve(zone, wall)
  return (first or shifted) * SECOND + ms % SECOND
end

local function number_advice(n)
  local text = number_text(n)
  return format("a bare number has no unit: write hoopai.time.seconds(%s), minutes(%s), hours(%s) or days(%s)",
    text, text, text, text)
end

-- The sum of an instant and a duration, or of two durations.
local function add(a, b, level)
  if is_duration(a) and is_duration(b) then
    return (check_duration(a[DAYS] + b[DAYS], a[LENGTH] + b[LENGTH], level + 1))
  end
  local instant, d = a, b
  if is_duration(a) then
    instant, d = b, a
  end
  if is_instant(instant) and is_duration(d) then
    local zone = instant[ZONE]
    local ms = add_days(instant[MS], zone, d[DAYS]) + d[LENGTH]
    check_range(ms, zone, level + 1)
    return new_instant(ms, zone)
  end
  if is_instant(a) and is_instant(b) then
    error("two instants cannot be added; their difference (finish - start) is a duration", level + 1)
  end
  local other = odd_one(a, b, is_time)
  if type(other) == "number" then
    error(number_advice(other), level + 1)
  end
  error(format("only durations can be added, such as hoopai.time.minutes(30) (got %s)", describe(other)), level + 1)
end

local function subtract(a, b, level)
  if is_instant(a) and is_instant(b) then
    return new_duration(0, a[MS] - b[MS])
  elseif is_duration(b) and (is_instant(a) or is_duration(a)) then
    return (add(a, new_duration(-b[DAYS], -b[LENGTH]), level + 1))
  end
  if type(b) == "number" then
    error(number_advice(b), level + 1)
  elseif type(a) == "number" then
    error(is_instant(b) and "an instant cannot be taken from a number" or number_advice(a), level + 1)
  elseif is_duration(a) and is_instant(b) then
    error("an instant cannot be taken from a duration", level + 1)
  end
  error(format("only durations can be subtracted, such as hoopai.time.minutes(30) (got %s)",
    describe(odd_one(b, a, is_time))), level + 1)
end

local function operator_add(a, b)
  return (add(a, b, 2))
end

local function operator_subtract(a, b)
  return (subtract(a, b, 2))
end

Instant.__add, Duration.__add = operator_add, operator_add
Instant.__sub, Duration.__sub = operator_subtract, operator_subtract

-- "+05:30"; whole minutes.
local function offset_text(offset, colon)
  local sign = "+"
  if offset < 0 then
    sign, offset = "-", -offset
  end
  return format("%s%02d%s%02d", sign, offset // 3600, colon, offset % 3600 // 60)
end

-- The texts of offsets in use; there are some forty.
local offset_texts = setmetatable({}, {
  __index = function(self, offset)
    local text = offset_text(offset, ":")
    self[offset] = text
    return text
  end,
})

local function iso_text(ms, offset, suffix)
  local wall = ms + offset * SECOND
  local year, month, day = date_of(wall // DAY)
  local of_day = wall % DAY
  local fraction = of_day % SECOND
  if fraction ~= 0 then
    return format("%04d-%02d-%02dT%02d:%02d:%02d.%03d%s", year, month, day, of_day // HOUR, of_day // MINUTE % 60,
      of_day // SECOND % 60, fraction, suffix)
  end
  return format("%04d-%02d-%02dT%02d:%02d:%02d%s", year, month, day, of_day // HOUR, of_day // MINUTE % 60,
    of_day // SECOND % 60, suffix)
end

-- Before standard time, offsets had seconds, which ISO 8601 cannot say. Offset and clock are both written with the
-- seconds cut off the offset: the clock is then off by less than a minute, but the text names the same instant.
local function zoned_iso(ms, zone)
  local offset = zone_at(zone, ms // SECOND)
  local odd = offset % 60
  if odd ~= 0 then
    offset = offset > 0 and offset - odd or offset - odd + 60
  end
  return iso_text(ms, offset, offset_texts[offset])
end

--- The instant in ISO 8601 / RFC 3339, as the API takes it: `2024-10-28T10:00:00-05:00`. Milliseconds are written only
-- when they are not zero; UTC is written `+00:00`. Raises when there is no zone, or no such zone.
-- @function instant:iso
-- @tparam[opt] string zone the zone to write it in; default: the one the instant carries
-- @treturn string
function instant_methods:iso(zone)
  check_self(self, "iso", 2)
  local view = view_zone(self, zone, ':iso("Europe/Berlin")', 2)
  local ms = self[MS]
  if zone ~= nil then
    check_range(ms, view, 2)
  end
  return zoned_iso(ms, view)
end

--- The instant in milliseconds since 1970-01-01T00:00:00Z.
-- @function instant:ms
-- @treturn integer
function instant_methods:ms()
  check_self(self, "ms", 2)
  return self[MS]
end

--- The name of the zone the instant carries: an IANA name, `UTC`, or an offset such as `-05:00`.
-- @function instant:zone
-- @treturn ?string the name; nil where it carries none
function instant_methods:zone()
  check_self(self, "zone", 2)
  local zone = self[ZONE]
  return zone and zone.name
end

--- Whether the instant carries a zone. One that does not cannot be written into a request body: the offset there is all
-- the API learns of the zone.
-- @function instant:has_zone
-- @treturn boolean
function instant_methods:has_zone()
  check_self(self, "has_zone", 2)
  return self[ZONE] ~= nil
end

--- The same instant with another zone. Raises when there is no such zone.
-- @function instant:in_zone
-- @tparam string zone
-- @treturn instant
function instant_methods:in_zone(zone)
  check_self(self, "in_zone", 2)
  local view = want_zone(zone, 2)
  check_range(self[MS], view, 2)
  return new_instant(self[MS], view)
end

--- What @{instant:date} returns.
-- @table date
-- @tfield integer year
-- @tfield integer month 1 to 12
-- @tfield integer day of the month
-- @tfield integer hour 0 to 23
-- @tfield integer min minute
-- @tfield integer sec second
-- @tfield integer ms millisecond
-- @tfield integer wday day of the week; 1 is Sunday
-- @tfield integer yday day of the year, 1 to 366
-- @tfield boolean isdst whether it is summer time
-- @tfield integer offset seconds east of UTC
-- @tfield string zone name of the zone
-- @tfield string abbreviation short name of the zone at that time, such as "CEST"

--- What calendar and clock show at the instant. The table is yours; changed, it can be given to @{at}.
-- Raises when there is no zone, or no such zone.
-- @function instant:date
-- @tparam[opt] string zone default: the one the instant carries
-- @treturn date
function instant_methods:date(zone)
  check_self(self, "date", 2)
  local view = view_zone(self, zone, ':date("Europe/Berlin")', 2)
  local ms = self[MS]
  check_range(ms, view, 2)
  local offset, _, _, abbreviation, isdst = zone_at(view, ms // SECOND)
  local wall = ms + offset * SECOND
  local days, of_day = wall // DAY, wall % DAY
  local year, month, day = date_of(days)
  return {
    year = year, month = month, day = day, hour = of_day // HOUR, min = of_day // MINUTE % 60,
    sec = of_day // SECOND % 60, ms = of_day % SECOND, wday = (days + 4) % 7 + 1, yday = days - days_of(year, 1, 1) + 1,
    isdst = isdst, offset = offset, zone = view.name, abbreviation = abbreviation,
  }
end

-- The first instant of a local day, given as days since 1970. Where midnight is skipped, the day begins when the gap
-- ends, which need not be the length of the gap after midnight.
local function day_start(zone, days, level)
  local first, change = resolve(zone, days * 86400)
  local ms = (first or change) * SECOND
  check_range(ms, zone, level + 1)
  return new_instant(ms, zone)
end

local function local_days(ms, zone)
  local seconds = ms // SECOND
  return (seconds + zone_at(zone, seconds)) // 86400
end


--- The first instant of the local day the instant is in. That is midnight, or, where clocks are set forward over
-- midnight, the moment after the gap. Raises when there is no zone, or no such zone.
-- @function instant:start_of_day
-- @tparam[opt] string zone whose days; the result carries it; default: the one the instant carries
-- @treturn instant
function instant_methods:start_of_day(zone)
  check_self(self, "start_of_day", 2)
  local view = view_zone(self, zone, ':start_of_day("Europe/Berlin")', 2)
  return (day_start(view, local_days(self[MS], view), 2))
end

local WEEKDAYS = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" }
local weekday_numbers = {}
for i, name in ipairs(WEEKDAYS) do
  weekday_numbers[i], weekday_numbers[lower(name)], weekday_numbers[lower(sub(name, 1, 3))] = i, i, i
end

--- The first instant of the week the instant is in. Raises when there is no zone, or no such zone.
-- @function instant:start_of_week
-- @tparam[opt] string zone whose days; the result carries it; default: the one the instant carries
-- @tparam[optchain="monday"] string first_day the day weeks begin with: "monday", "sunday", ..., or its number in
-- `date().wday`, where 1 is Sunday
-- @treturn instant
function instant_methods:start_of_week(zone, first_day)
  check_self(self, "start_of_week", 2)
  local view = view_zone(self, zone, ':start_of_week("Europe/Berlin")', 2)
  local first = 2
  if first_day ~= nil then
    first = weekday_numbers[type(first_day) == "string" and lower(first_day) or first_day]
    if not first then
      error(format('the first day of the week is a name such as "monday" (got %s)', describe(first_day)), 2)
    end
  end
  local days = local_days(self[MS], view)
  return (day_start(view, days - (days + 5 - first) % 7, 2))
end

local MONTHS = { "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
  "November", "December" }

-- ISO 8601 weeks: the year and number of the week that holds this day.
local function iso_week(days)
  local thursday = days - (days + 3) % 7 + 3
  local year = date_of(thursday)
  return year, (thursday - days_of(year, 1, 1)) // 7 + 1
end

local function full_offset(offset, colon)
  local text = offset_text(offset, colon)
  local s = abs(offset) % 60
  return s == 0 and text or format("%s%s%02d", text, colon, s)
end

-- What stands behind "%": each is given the table of `date`, the days since 1970 and the milliseconds.
local FIELDS = {
  Y = function(d) return format("%04d", d.year) end,
  y = function(d) return format("%02d", d.year % 100) end,
  m = function(d) return format("%02d", d.month) end,
  d = function(d) return format("%02d", d.day) end,
  e = function(d) return format("%2d", d.day) end,
  H = function(d) return format("%02d", d.hour) end,
  I = function(d) return format("%02d", (d.hour + 11) % 12 + 1) end,
  M = function(d) return format("%02d", d.min) end,
  S = function(d) return format("%02d", d.sec) end,
  L = function(d) return format("%03d", d.ms) end,
  p = function(d) return d.hour < 12 and "AM" or "PM" end,
  j = function(d) return format("%03d", d.yday) end,
  a = function(d) return sub(WEEKDAYS[d.wday], 1, 3) end,
  A = function(d) return WEEKDAYS[d.wday] end,
  b = function(d) return sub(MONTHS[d.month], 1, 3) end,
  B = function(d) return MONTHS[d.month] end,
  u = function(d) return format("%d", (d.wday + 5) % 7 + 1) end,
  w = function(d) return format("%d", d.wday - 1) end,
  G = function(_, days) return format("%04d", (iso_week(days))) end,
  V = function(_, days) return format("%02d", (select(2, iso_week(days)))) end,
  F = function(d) return format("%04d-%02d-%02d", d.year, d.month, d.day) end,
  T = function(d) return format("%02d:%02d:%02d", d.hour, d.min, d.sec) end,
  R = function(d) return format("%02d:%02d", d.hour, d.min) end,
  z = function(d) return full_offset(d.offset, "") end,
  [":z"] = function(d) return full_offset(d.offset, ":") end,
  Z = function(d) return d.abbreviation end,
  s = function(_, _, ms) return format("%d", ms // SECOND) end,
  n = function() return "\n" end,
  t = function() return "\t" end,
  ["%"] = function() return "%" end,
}

--- The instant as text, after a pattern in the manner of `os.date`; names are English whatever the locale.
--
-- `%Y` year, `%y` its last two digits, `%m` month, `%d` day, `%e` day padded with a space, `%H` hour, `%I` hour 01 to
-- 12, `%p` AM or PM, `%M` minute, `%S` second, `%L` millisecond, `%j` day of the year, `%a` `%A` weekday, `%b` `%B`
-- month name, `%u` weekday 1 (Monday) to 7, `%w` weekday 0 (Sunday) to 6, `%G` `%V` ISO year and week,
-- `%F` = `%Y-%m-%d`, `%T` = `%H:%M:%S`, `%R` = `%H:%M`, `%z` offset as -0500, `%:z` as -05:00, `%Z` abbreviation,
-- `%s` seconds since 1970, `%n` newline, `%t` tab, `%%` a percent sign. Others raise, as do a missing and an unknown
-- zone.
-- @function instant:format
-- @tparam string pattern
-- @tparam[opt] string zone default: the one the instant carries
-- @treturn string
function instant_methods:format(pattern, zone)
  check_self(self, "format", 2)
  if type(pattern) ~= "string" then
    error(format('format takes a pattern such as "%%Y-%%m-%%d %%H:%%M" (got %s)', describe(pattern)), 2)
  end
  local view = view_zone(self, zone, ':format(pattern, "Europe/Berlin")', 2)
  check_range(self[MS], view, 2)
  local date, ms, bad = instant_methods.date(self, view.name), self[MS], nil
  local days = (ms + date.offset * SECOND) // DAY
  local text = gsub(pattern, "%%(:?.?)", function(spec)
    local field = FIELDS[spec]
    if field then
      return field(date, days, ms)
    end
    bad = bad or spec
  end)
  if bad then
    error(format("format does not know %s: it takes %%Y %%m %%d %%H %%M %%S %%L %%A %%B %%z and the others in its "
      .. "documentation", quote("%" .. bad)), 2)
  end
  return text
end

Instant.__metatable = false

local DATE_FIELDS = { year = true, month = true, day = true, hour = true, min = true, sec = true, wday = true,
  yday = true, isdst = true, offset = true, abbreviation = true }

function Instant.__index(_, key)
  local method = instant_methods[key]
  if not method and DATE_FIELDS[key] then
    error(format("an instant has no field %s: write start:date().%s", key, key), 2)
  end
  return method
end

function Instant.__newindex()
  error("instants cannot be changed; what methods and operators return is a new one", 2)
end

function Instant.__pairs()
  return next, {}, nil
end

-- An instant that carries no zone is written with "Z": RFC 9557 gives it that meaning.
function Instant.__tostring(self)
  local zone = self[ZONE]
  if zone then
    return zoned_iso(self[MS], zone)
  end
  return iso_text(self[MS], 0, "Z")
end

Instant.__concat = join

-- Two instants are equal when they are the same point in time, whatever their zones.
function Instant.__eq(a, b)
  return is_instant(a) and is_instant(b) and a[MS] == b[MS]
end

local function check_instants(a, b, level)
  if not (is_instant(a) and is_instant(b)) then
    local other = odd_one(a, b, is_instant)
    local advice = ""
    if type(other) == "number" then
      advice = format(": write hoopai.time.from_ms(%s)", number_text(other))
    elseif type(other) == "string" then
      advice = format(": write hoopai.time.parse(%s)", quote(other))
    end
    error(format("an instant can be compared with an instant only (got %s)%s", describe(other), advice), level + 1)
  end
end

function Instant.__lt(a, b)
  check_instants(a, b, 2)
  return a[MS] < b[MS]
end

function Instant.__le(a, b)
  check_instants(a, b, 2)
  return a[MS] <= b[MS]
end

-- Operators that mean nothing here say so, rather than that a table was used as a number.
local function no_arithmetic(a, b)
  if is_instant(a) or is_instant(b) then
    error("instants take + and - with a duration, and - between two of them; nothing else", 2)
  end
  error("durations can be added, subtracted, negated and multiplied by integers; for other sums use :ms()", 2)
end

for _, event in ipairs { "__mul", "__unm", "__div", "__idiv", "__mod", "__pow" } do
  Instant[event], Duration[event] = no_arithmetic, Duration[event] or no_arithmetic
end

--- Whether a value is an instant.
-- @tparam any v
-- @treturn boolean
function time.is_instant(v)
  return is_instant(v)
end

--- Whether a value is a duration.
-- @tparam any v
-- @treturn boolean
function time.is_duration(v)
  return is_duration(v)
end

-- Reading ISO 8601 ----------------------------------------------------------------------------------------------------

-- Zones of the offsets read so far, by how they were spelled ("Z", "+0530").
local offset_zones = {}

-- The zone of an offset as it stands at the end of a text, or nil.
local function offset_zone(text)
  local zone = offset_zones[text]
  if zone then
    return zone
  end
  if text == "Z" or text == "z" then
    zone = load_zone("UTC")
  else
    local sign, hours, minutes = match(text, "^([+-])(%d%d):?(%d%d)$")
    if not sign then
      sign, hours = match(text, "^([+-])(%d%d)$")
      minutes = "00"
    end
    if not sign or tonumber(hours) > 23 or tonumber(minutes) > 59 then
      return nil
    end
    if hours .. minutes == "0000" then
      sign = "+"
    end
    zone = load_zone(sign .. hours .. ":" .. minutes)
  end
  offset_zones[text] = zone
  return zone
end

local WHAT_TO_WRITE = format('write the date, the time and its offset, such as "%s"', EXAMPLE)

-- Says what is wrong with a text that is not an instant.
local function explain(text)
  local shown = quote(text)
  if find(text, "^%s*$") then
    return format("%s is empty: %s", shown, WHAT_TO_WRITE)
  elseif find(text, "^%s") or find(text, "%s$") then
    return format("%s has blanks around it: %s", shown, WHAT_TO_WRITE)
  elseif find(text, "^%d%d%d%d%-%d%d%-%d%d$") then
    return format('%s names a day, not an instant: write the time and its offset too, such as "%sT00:00:00-05:00", '
      .. 'or use hoopai.time.at { year = ..., month = ..., day = ..., zone = ... }', shown, text)
  elseif find(text, "^%d%d%d%d%-?W") or find(text, "^%d%d%d%d%-%d%d%d$") or find(text, "^%d%d%d%d%-%d%d%d[T ]") then
    return format("%s is a week or ordinal date: %s", shown, WHAT_TO_WRITE)
  elseif find(text, "^[+-]?%d%d%d%d%d+%-") or find(text, "^[+-]%d%d%d%d%-") then
    return format("%s: years are written with four digits, 0001 to 9999", shown)
  elseif find(text, "^%d+$") then
    return format("%s is a bare number: %s", shown, WHAT_TO_WRITE)
  end
  local date, clock, tail = match(text, "^(%d%d%d%d%-%d%d%-%d%d[Tt ])(%d%d:?[%d:.,]*)(.*)$")
  if not date or not (find(clock, "^%d%d:%d%d$") or find(clock, "^%d%d:%d%d:%d%d$")
    or find(clock, "^%d%d:%d%d:%d%d[.,]%d+$")) then
    return format("%s is not an ISO 8601 time: %s", shown, WHAT_TO_WRITE)
  elseif find(clock, "[.,]%d%d%d%d%d%d%d%d%d%d") then
    return format("%s has more than nine digits after the second", shown)
  elseif tail == "" then
    return format('%s has no offset: write "%s-05:00" with the offset of the zone you mean, "%sZ" for UTC, or use '
      .. 'hoopai.time.at { ..., zone = "America/Chicago" }', shown, text, text)
  elseif find(tail, "^[+-]%d") then
    if find(tail, "%[") then
      return format("%s: leave out the zone in brackets; the offset says it all", shown)
    end
    return format('%s: offset %s must be written as "+05:00", up to "+23:59"', shown, quote(tail))
  end
  return format('%s: %s is not an offset: %s', shown, quote(tail), WHAT_TO_WRITE)
end

-- Reads a time. Returns milliseconds, the zone of the offset, and whether it is spelled the way everybody reads:
-- capital T and Z, a point before the fraction, a colon in the offset. Or nil and the problem.
local function read(text)
  if not find(text, "^%d%d%d%d%-%d%d%-%d%d[Tt ]%d%d:%d%d") then
    return nil, explain(text)
  end
  local y1, y2, y3, y4, _, m1, m2, _, d1, d2, t, h1, h2, _, n1, n2, colon, s1, s2 = byte(text, 1, 19)
  -- 48 is "0"; the sums of "0"s are taken off at once.
  local year = y1 * 1000 + y2 * 100 + y3 * 10 + y4 - 53328
  local month, day = m1 * 10 + m2 - 528, d1 * 10 + d2 - 528
  local hour, minute, second, fraction = h1 * 10 + h2 - 528, n1 * 10 + n2 - 528, 0, 0
  local position, usual = 17, t == 84
  if colon == 58 then
    if not find(text, "^%d%d", 18) then
      return nil, explain(text)
    end
    second, position = s1 * 10 + s2 - 528, 20
    local point = byte(text, 20)
    if point == 46 or point == 44 then
      local digits = match(text, "^%d+", 21)
      if not digits or #digits > 9 then
        return nil, explain(text)
      end
      -- Finer than a millisecond is cut off, so that an instant never moves past the next one.
      fraction = tonumber(#digits < 3 and digits .. rep("0", 3 - #digits) or sub(digits, 1, 3))
      position, usual = 21 + #digits, usual and point == 46
    end
  end
  local tail = sub(text, position)
  local zone = offset_zones[tail] or offset_zone(tail)
  if not zone then
    return nil, explain(text)
  end
  if year == 0 then
    return nil, format("%s: years are written with four digits, 0001 to 9999", quote(text))
  elseif month < 1 or month > 12 then
    return nil, format("%s: there is no month %02d", quote(text), month)
  elseif day < 1 or day > 28 and day > month_days(year, month) then
    return nil, format("%s: %04d-%02d has no day %02d", quote(text), year, month, day)
  elseif hour == 24 then
    return nil, format("%s: write 00:00 of the next day instead of 24:00", quote(text))
  elseif hour > 23 or minute > 59 then
    return nil, format("%s: there is no time %02d:%02d", quote(text), hour, minute)
  elseif second > 59 then
    return nil, second == 60
      and format("%s: leap seconds are not counted; write :59, or :00 of the next minute", quote(text))
      or format("%s: there is no second %02d", quote(text), second)
  end
  local ms = days_of(year, month, day) * DAY + hour * HOUR + minute * MINUTE + second * SECOND + fraction
    - zone.fixed * SECOND
  if ms < FIRST_MS or ms > LAST_MS then
    return nil, format("%s %s", quote(text), RANGE)
  end
  local mark = byte(tail)
  return ms, zone, usual and mark ~= 122 and (mark == 90 or #tail == 6)
end

--- Reads an instant from ISO 8601 / RFC 3339 text with an offset, such as `2024-10-28T10:00:00-05:00`. The value
-- carries the offset as its zone (`Z`: UTC).
--
-- Seconds may be left out; a fraction of up to nine digits, after a point or comma, is cut to milliseconds; the date
-- may be followed by a `T`, `t` or blank; offsets are `Z`, `z`, `+hh:mm`, `+hhmm` or `+hh`, up to 23:59, and `-00:00`
-- is `+00:00`. Refused are texts without an offset, dates alone, week and ordinal dates, 24:00, and leap seconds (:60).
-- @tparam string text raises when it is not a string
-- @treturn[1] instant
-- @treturn[2] nil
-- @treturn[2] string what is wrong, and what to write instead
function time.parse(text)
  if type(text) ~= "string" then
    error(format('parse takes a text such as "%s" (got %s)', EXAMPLE, describe(text)), 2)
  end
  local ms, zone = read(text)
  if not ms then
    return nil, zone
  end
  return new_instant(ms, zone)
end

-- Making instants -----------------------------------------------------------------------------------------------------

--- An instant from milliseconds since 1970-01-01T00:00:00Z. Raises when that is not a whole number or is outside the
-- years 1 to 9999, and when there is no such zone.
-- @tparam integer ms a float without a fraction will do
-- @tparam[opt] string zone the zone it shall carry; without one, it carries none
-- @treturn instant
function time.from_ms(ms, zone)
  local whole = integer(ms)
  if not whole then
    if type(ms) == "number" and ms == ms and abs(ms) < 2^53 then
      error(format("from_ms takes whole milliseconds (got %s): write hoopai.time.from_seconds for seconds",
        number_text(ms)), 2)
    end
    error(format("from_ms takes milliseconds since 1970 (got %s)", describe(ms)), 2)
  end
  local view = zone ~= nil and want_zone(zone, 2) or nil
  if not in_range(whole, view) then
    error(format("from_ms: %d %s", whole, RANGE), 2)
  end
  return new_instant(whole, view)
end

--- An instant from seconds since 1970-01-01T00:00:00Z, as `os.time()` gives them. A fraction is rounded to the
-- millisecond. Raises when out of range, or when there is no such zone.
-- @tparam number seconds
-- @tparam[opt] string zone the zone it shall carry; without one, it carries none
-- @treturn instant
function time.from_seconds(seconds, zone)
  if type(seconds) ~= "number" then
    error(format("from_seconds takes seconds since 1970 (got %s)", describe(seconds)), 2)
  end
  if not (seconds >= FIRST_MS // SECOND and seconds < LAST_MS // SECOND + 1) then
    local advice = seconds > 0 and seconds <= LAST_MS and ": write hoopai.time.from_ms for milliseconds" or ""
    error(format("from_seconds: %s %s%s", number_text(seconds), RANGE, advice), 2)
  end
  local ms = math_type(seconds) == "integer" and seconds * SECOND or tointeger(floor(seconds * SECOND + 0.5))
  local view = zone ~= nil and want_zone(zone, 2) or nil
  if not in_range(ms, view) then
    error(format("from_seconds: %s %s", number_text(seconds), RANGE), 2)
  end
  return new_instant(ms, view)
end

-- The clock of the core, looked for once: false when there is none.
local wall_ms

local function find_clock()
  local ok, core = pcall(require, "hoopai.core")
  wall_ms = ok and type(core) == "table" and core.wall_ms or os_time and function()
    return os_time() * SECOND
  end or false
end

--- The present instant. Raises when there is no such zone.
-- @tparam[opt] string zone the zone it shall carry; without one, it carries none
-- @treturn instant
function time.now(zone)
  if wall_ms == nil then
    find_clock()
  end
  if not wall_ms then
    error("this Lua has no clock: neither hoopai.core nor os.time", 2)
  end
  local view = zone ~= nil and want_zone(zone, 2) or nil
  return new_instant(wall_ms(), view)
end

local AT_FIELDS = {
  { "year", 1, 9999 }, { "month", 1, 12 }, { "day", 1, 31 },
  { "hour", 0, 23, 0 }, { "min", 0, 59, 0 }, { "sec", 0, 59, 0 }, { "ms", 0, 999, 0 },
}
-- What else may be in the table: what `date` puts there comes back, and is not asked twice.
local AT_OTHERS = { zone = true, overlap = true, offset = true, wday = true, yday = true, isdst = true,
  abbreviation = true }
local AT_NAMES = { minute = "min", minutes = "min", second = "sec", seconds = "sec", hours = "hour", days = "day",
  months = "month", years = "year", msec = "ms", millisecond = "ms", milliseconds = "ms", tz = "zone",
  timezone = "zone", time_zone = "zone" }

--- The instant of a local date and time. Raises when a field is missing, wrong or unknown.
--
-- A local time skipped by the clocks is moved on by the length of the gap. Of one that comes twice the first is
-- meant; `overlap = "later"` means the second. The table from @{instant:date} can be given back with fields changed:
-- then its `offset` decides between the two, where it is one of theirs.
-- @tparam table fields
-- @tparam integer fields.year 1 to 9999
-- @tparam integer fields.month 1 to 12
-- @tparam integer fields.day of the month
-- @tparam[opt=0] integer fields.hour 0 to 23
-- @tparam[opt=0] integer fields.min minute
-- @tparam[opt=0] integer fields.sec second
-- @tparam[opt=0] integer fields.ms millisecond
-- @tparam string fields.zone an IANA name, `UTC`, or an offset such as "+05:30"
-- @tparam[opt="earlier"] string fields.overlap which one is meant of a time that comes twice: "earlier" or "later"
-- @tparam[opt] integer fields.offset seconds east of UTC; decides instead of `overlap`
-- @treturn instant
function time.at(fields)
  if type(fields) ~= "table" or is_instant(fields) or is_duration(fields) then
    error(format('at takes a table such as { year = 2024, month = 10, day = 28, hour = 10, zone = "America/Chicago" } '
      .. "(got %s)", describe(fields)), 2)
  end
  local values = {}
  for i, field in ipairs(AT_FIELDS) do
    local name, low, high, default = field[1], field[2], field[3], field[4]
    local value = fields[name]
    if value == nil then
      value = default
    end
    local whole = type(value) == "number" and integer(value)
    if not whole then
      error(value == nil and format("at: %s is missing", name)
        or format("at: %s must be a whole number (got %s)", name, describe(value)), 2)
    elseif whole < low or whole > high then
      error(format("at: %s must be %d to %d (got %d); to move a time, add a duration such as hoopai.time.days(1)",
        name, low, high, whole), 2)
    end
    values[name], values[i] = whole, whole
  end
  for name in next, fields do
    if values[name] == nil and not AT_OTHERS[name] or type(name) == "number" then
      local meant = AT_NAMES[name]
      error(format("at: unknown field %s%s", type(name) == "string" and quote(name) or tostring(name),
        meant and format(' (did you mean "%s"?)', meant) or ""), 2)
    end
  end
  local year, month, day, hour, min, sec, ms =
    values[1], values[2], values[3], values[4], values[5], values[6], values[7]
  if day > month_days(year, month) then
    error(format("at: %04d-%02d has no day %d", year, month, day), 2)
  end
  if fields.zone == nil then
    error('at: zone is missing; write zone = "Europe/Berlin", "UTC" or "+05:30"', 2)
  end
  local zone = want_zone(fields.zone, 2)
  local overlap, offset = fields.overlap, fields.offset
  if overlap ~= nil and overlap ~= "earlier" and overlap ~= "later" then
    error(format('at: overlap must be "earlier" or "later" (got %s)', describe(overlap)), 2)
  end
  local wall = days_of(year, month, day) * 86400 + hour * 3600 + min * 60 + sec
  local first, last, shifted = resolve(zone, wall)
  local seconds = first or shifted
  if first and (overlap == "later" or overlap == nil and offset ~= nil and offset == wall - last) then
    seconds = last
  end
  local result = seconds * SECOND + ms
  if not in_range(result, zone) then
    error("at: the time " .. RANGE .. " in UTC", 2)
  end
  return new_instant(result, zone)
end

--- Checks that there is such a zone on this host.
-- @tparam string name an IANA name, `UTC`, `Z`, or an offset `+hh:mm`
-- @treturn[1] string the name, with `Z` as `UTC`
-- @treturn[2] nil
-- @treturn[2] string what is wrong, naming the zone
function time.zone(name)
  local zone, problem = load_zone(name)
  if not zone then
    return nil, problem
  end
  return zone.name
end

-- For requests --------------------------------------------------------------------------------------------------------

-- Checks a number for being milliseconds; `shown` is how the user wrote it.
local function check_ms(n, shown)
  if n < 0 then
    return nil, format("%s is before 1970: write milliseconds since 1970", shown)
  elseif n < LEAST_MS then
    if n == 0 then
      return nil, "0 is not a time to ask for: write milliseconds since 1970, or hoopai.time.from_ms(0)"
    end
    return nil, format("%s looks like seconds: write milliseconds (%d), or hoopai.time.from_seconds(%d)", shown,
      n * SECOND, n)
  elseif n > LAST_MS then
    -- Of our century, that is.
    local advice = n >= 1000000000000000000 and "nanoseconds"
      or n >= 1000000000000000 and n < 10000000000000000 and "microseconds"
    return nil, advice and format("%s looks like %s: write milliseconds since 1970", shown, advice)
      or format("%s is after the year 9999: write milliseconds since 1970", shown)
  end
  return n
end

--- Reads what a user may give for an instant in a query, where the API takes milliseconds.
--
-- Accepted are instants, text that @{parse} accepts, and milliseconds as an integer, as a float without a fraction or
-- as digits in a string. Numbers below 1e11 are refused: as milliseconds they would be before March 1973, so they can
-- only be seconds. Instants before 1970 are refused too.
-- @tparam any v
-- @treturn[1] integer milliseconds since 1970
-- @treturn[2] nil
-- @treturn[2] string what is wrong, and what to write instead
function time.to_epoch_ms(v)
  local kind = type(v)
  if is_instant(v) then
    if v[MS] < 0 then
      return nil, format("%s is before 1970", tostring(v))
    end
    return v[MS]
  elseif kind == "number" then
    local whole = integer(v)
    if whole then
      return check_ms(whole, format("%d", whole))
    elseif v ~= v or v == 1 / 0 or v == -1 / 0 then
      return nil, format("%s is not a time: write milliseconds since 1970", v ~= v and "not-a-number" or "infinity")
    elseif abs(v) >= 2^63 then
      return nil, format("%g is after the year 9999: write milliseconds since 1970", v)
    end
    return nil, format("%s has a fraction: write whole milliseconds, or hoopai.time.from_seconds for seconds",
      number_text(v))
  elseif kind == "string" then
    if find(v, "^%-?%d+$") then
      -- More digits than fit in an integer: what counts is on which side they are out of range.
      local n = #v <= 18 and tonumber(v) or byte(v) == 45 and FIRST_MS or LAST_MS + 1
      return check_ms(n, quote(v))
    end
    local ms, problem = read(v)
    if not ms then
      return nil, problem
    elseif ms < 0 then
      return nil, format("%s is before 1970", quote(v))
    end
    return ms
  end
  return nil, format('must be an instant: write milliseconds, a text such as "%s", or a hoopai.time value (got %s)',
    EXAMPLE, describe(v))
end

--- Reads what a user may give for an instant in a request body, where the API takes ISO 8601 text, and learns the zone
-- from its offset alone.
--
-- Accepted are text with an offset, which is passed on verbatim, and instants that carry a zone. Text must be spelled
-- the usual way (`T`, `Z` or `+hh:mm`, a point before a fraction): other spellings that @{parse} reads may be read
-- otherwise, or not at all, by the API. Bare numbers are refused: they carry no zone.
-- @tparam any v
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string what is wrong, and what to write instead
function time.to_body_datetime(v)
  local kind = type(v)
  if is_instant(v) then
    local zone = v[ZONE]
    if not zone then
      return nil, format('%s carries no zone, and its offset is all the API learns of it: write '
        .. 'start:in_zone("America/Chicago"), with the zone of the calendar', tostring(v))
    end
    return zoned_iso(v[MS], zone)
  elseif kind == "string" and not find(v, "^%-?%d+$") then
    local ms, zone, usual = read(v)
    if not ms then
      return nil, zone
    elseif not usual then
      return nil, format('%s is an unusual spelling: write "%s"', quote(v), zoned_iso(ms, zone))
    end
    return v
  elseif kind == "number" or kind == "string" then
    local whole = tonumber(v)
    whole = whole and integer(whole)
    local call = whole and whole >= 0 and whole <= LAST_MS
      and format("hoopai.time.from_%s(%d", whole < LEAST_MS and "seconds" or "ms", whole) or "hoopai.time.from_ms(ms"
    return nil, format('a bare number carries no zone: write a text such as "%s", or %s, "America/Chicago")', EXAMPLE,
      call)
  end
  return nil, format('must be an instant: write a text such as "%s", or a hoopai.time value with a zone (got %s)',
    EXAMPLE, describe(v))
end

--- Checks a zone name that a request carries. Whether there is such a zone is left to the API, whose list is not the
-- host's: only the spelling is looked at.
-- @tparam any v
-- @treturn[1] string the name
-- @treturn[2] nil
-- @treturn[2] string what is wrong, and what to write instead
function time.to_timezone(v)
  local ok, problem = tz.check_name(v)
  if not ok then
    return nil, problem
  elseif v == "Z" or find(v, "^[+-]") then
    return nil, format('%s is an offset: write the name of a zone, such as "America/Chicago"', quote(v))
  end
  return v
end

return time
