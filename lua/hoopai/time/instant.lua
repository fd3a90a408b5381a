--- Instants: a number of milliseconds since 1970, and a zone or none.
--
-- The operators `+` and `-` of durations are here too, as they take both types.
local calendar = require "hoopai.time.calendar"
local date_fields = require "hoopai.time.date_fields"
local duration = require "hoopai.time.duration"
local gregorian = require "hoopai.time.gregorian"
local iso8601 = require "hoopai.time.iso8601"
local lazy = require "hoopai.lazy"
local private = require "hoopai.private"
local strftime = require "hoopai.time.strftime"
local values = require "hoopai.time.values"
local zones = require "hoopai.time.zone"

-- A host that embeds Lua may take these away, after the library was loaded or before.
local error, next, pcall, select, setmetatable = error, next, pcall, select, setmetatable
local tostring, type, os_time = tostring, type, os and os.time
local abs, floor, format, lower = math.abs, math.floor, string.format, string.lower

local SECOND, HOUR, MINUTE, DAY = values.SECOND, values.HOUR, values.MINUTE, values.DAY
local FIRST_MS, LAST_MS, OUT_OF_RANGE = values.FIRST_MS, values.LAST_MS, values.OUT_OF_RANGE
local instants, durations = values.instants, values.durations
local is_instant, is_duration = values.is_instant, values.is_duration
local describe, integer, number_text, quote = values.describe, values.integer, values.number_text, values.quote

local get_names = lazy.module "hoopai.errors.names"

-- Offsets are shorter than this.
local MAX_OFFSET_MS = 26 * HOUR

local instant = {}

local Instant, Duration = private.seal { __name = "hoopai.time.instant" }, duration.metatable
local instant_methods = {}

local function new_instant(ms, zone)
  local made = setmetatable({}, Instant)
  instants[made] = { ms = ms, zone = zone }
  return made
end

-- Whether an instant and its local time are in the years 1 to 9999: near both ends only one of them may be.
local function in_range(ms, zone)
  if ms >= FIRST_MS + MAX_OFFSET_MS and ms <= LAST_MS - MAX_OFFSET_MS then return true end
  local wall = zone and ms + zones.at(zone, ms // SECOND) * SECOND or ms
  return ms >= FIRST_MS and ms <= LAST_MS and wall >= FIRST_MS and wall <= LAST_MS
end

local function check_range(ms, zone, level)
  if not in_range(ms, zone) then error("the result " .. OUT_OF_RANGE, level + 1) end
end

-- The zone of a name given by the programmer. Raises if there is no such zone.
local function zone_named(name, level)
  local zone, problem = zones.load(name)
  if not zone then error(problem, level + 1) end
  return zone
end

-- The zone of a name, nil for nil.
local function optional_zone(name, level)
  if name == nil then return nil end
  -- In parentheses, here and below: a tail call removes its frame, and the level of an error would be wrong by one.
  return (zone_named(name, level + 1))
end

-- The zone in which a method views an instant: the named one, else the zone of the instant. `call` is the call that an
-- error advises.
local function view_zone(self, name, call, level)
  if name ~= nil then return (zone_named(name, level + 1)) end
  if instants[self].zone then return instants[self].zone end
  error(
    format('this instant carries no zone: write %s, or give it one with :in_zone("Europe/Berlin")', call),
    level + 1
  )
end

local function check_self(self, method, level)
  if not is_instant(self) then
    error(format("%s must be called with a colon on an instant, such as start:%s()", method, method), level + 1)
  end
end

-- Constructors --------------------------------------------------------------------------------------------------------

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
function instant.parse(text)
  if type(text) ~= "string" then
    error(format('parse takes a text such as "%s" (got %s)', iso8601.EXAMPLE, describe(text)), 2)
  end
  local ms, zone = iso8601.read(text)
  if not ms then return nil, zone end
  return new_instant(ms, zone)
end

--- An instant from milliseconds since 1970-01-01T00:00:00Z. Raises when that is not a whole number or is outside the
-- years 1 to 9999, and when there is no such zone.
-- @tparam integer ms a float without a fraction will do
-- @tparam[opt] string zone the zone that the instant carries; default: none
-- @treturn instant
function instant.from_ms(ms, zone)
  local whole = integer(ms)
  if not whole then
    if type(ms) == "number" and abs(ms) < 2 ^ 53 then
      local text = "from_ms takes whole milliseconds (got %s): write hoopai.time.from_seconds for seconds"
      error(format(text, number_text(ms)), 2)
    end
    error(format("from_ms takes milliseconds since 1970 (got %s)", describe(ms)), 2)
  end
  local view = optional_zone(zone, 2)
  if not in_range(whole, view) then error(format("from_ms: %d %s", whole, OUT_OF_RANGE), 2) end
  return new_instant(whole, view)
end

--- An instant from seconds since 1970-01-01T00:00:00Z, as `os.time()` gives them. A fraction is rounded to the
-- millisecond. Raises when out of range, or when there is no such zone.
-- @tparam number seconds
-- @tparam[opt] string zone the zone that the instant carries; default: none
-- @treturn instant
function instant.from_seconds(seconds, zone)
  if type(seconds) ~= "number" then
    error(format("from_seconds takes seconds since 1970 (got %s)", describe(seconds)), 2)
  end
  if not (seconds >= FIRST_MS // SECOND and seconds < LAST_MS // SECOND + 1) then
    local advice = seconds > 0 and seconds <= LAST_MS and ": write hoopai.time.from_ms for milliseconds" or ""
    error(format("from_seconds: %s %s%s", number_text(seconds), OUT_OF_RANGE, advice), 2)
  end
  local ms = floor(seconds * SECOND + 0.5)
  local view = optional_zone(zone, 2)
  if not in_range(ms, view) then error(format("from_seconds: %s %s", number_text(seconds), OUT_OF_RANGE), 2) end
  return new_instant(ms, view)
end

-- The clock, found at the first use: a function that returns milliseconds since 1970; false if there is none.
local wall_ms

local function find_clock()
  local ok, core = pcall(lazy.c_module, "hoopai.core")
  if ok and type(core) == "table" and core.wall_ms then return core.wall_ms end
  return os_time and function() return os_time() * SECOND end or false
end

--- The present instant. Raises when there is no such zone.
-- @tparam[opt] string zone the zone that the instant carries; default: none
-- @treturn instant
function instant.now(zone)
  if wall_ms == nil then wall_ms = find_clock() end
  if not wall_ms then error("this Lua has no clock: neither hoopai.core nor os.time", 2) end
  local view = optional_zone(zone, 2)
  return new_instant(wall_ms(), view)
end

--- The instant of a local date and time. Raises when a field is missing, wrong or unknown.
--
-- A local time skipped by the clocks is moved on by the length of the gap. Of one that comes twice the first is
-- meant; `overlap = "later"` means the second. The table from @{instant:date} can be given back with fields changed:
-- then its `offset` decides between the two, if it is the offset of one of them.
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
function instant.at(fields)
  if type(fields) ~= "table" or is_instant(fields) or is_duration(fields) then
    error(
      format(
        'at takes a table such as { year = 2024, month = 10, day = 28, hour = 10, zone = "America/Chicago" } '
          .. "(got %s)",
        describe(fields)
      ),
      2
    )
  end
  local year, month, day, hour, min, sec, ms = date_fields.read(fields, 2)
  if fields.zone == nil then error('at: zone is missing; write zone = "Europe/Berlin", "UTC" or "+05:30"', 2) end
  local zone = zone_named(fields.zone, 2)
  local overlap, offset = fields.overlap, fields.offset
  if overlap ~= nil and overlap ~= "earlier" and overlap ~= "later" then
    error(format('at: overlap must be "earlier" or "later" (got %s)', describe(overlap)), 2)
  end
  local wall = gregorian.days(year, month, day) * 86400 + hour * 3600 + min * 60 + sec
  local first, last, shifted = zones.resolve(zone, wall)
  local seconds = first or shifted
  if first and (overlap == "later" or overlap == nil and offset ~= nil and offset == wall - last) then
    seconds = last
  end
  local result = seconds * SECOND + ms
  if not in_range(result, zone) then error("at: the time " .. OUT_OF_RANGE .. " in UTC", 2) end
  return new_instant(result, zone)
end

-- An instant that was found on the calendar of a zone. Raises if it is out of range.
local function found(ms, zone, level)
  check_range(ms, zone, level + 1)
  return new_instant(ms, zone)
end

--- The start of a day: `day("2026-12-15", "America/Chicago")`. That is midnight, or, if the clocks are set forward over
-- midnight, the moment after the gap. Raises when the text is no day in this spelling, when there is no such day, and
-- when there is no such zone.
-- @tparam string text year, month and day
-- @tparam string zone an IANA name, `UTC`, or an offset such as "+05:30"; the result carries it
-- @treturn instant
function instant.day(text, zone)
  if type(text) ~= "string" then
    local advice = is_instant(text) and "; the day of an instant is start:start_of_day()" or ""
    error(format('day takes a text such as "2026-12-15" (got %s)%s', describe(text), advice), 2)
  end
  local days, problem = iso8601.read_day(text)
  if not days then error("day: " .. problem, 2) end
  if zone == nil then
    error(format('day: the zone is missing; write hoopai.time.day(%s, "America/Chicago")', quote(text)), 2)
  end
  local view = zone_named(zone, 2)
  return (found(calendar.day_start(days, view), view, 2))
end

-- Methods -------------------------------------------------------------------------------------------------------------

--- The instant in ISO 8601 / RFC 3339, as the API takes it: `2024-10-28T10:00:00-05:00`. Milliseconds are written only
-- when they are not zero; UTC is written `+00:00`. Raises when there is no zone, or no such zone.
-- @function instant:iso
-- @tparam[opt] string zone the zone to write it in; default: the one the instant carries
-- @treturn string
function instant_methods:iso(zone)
  check_self(self, "iso", 2)
  local view = view_zone(self, zone, ':iso("Europe/Berlin")', 2)
  if zone ~= nil then check_range(instants[self].ms, view, 2) end
  return iso8601.write(instants[self].ms, view)
end

--- The instant in milliseconds since 1970-01-01T00:00:00Z.
-- @function instant:ms
-- @treturn integer
function instant_methods:ms()
  check_self(self, "ms", 2)
  return instants[self].ms
end

--- The name of the zone the instant carries: an IANA name, `UTC`, or an offset such as `-05:00`.
-- @function instant:zone
-- @treturn ?string the name; nil if it carries none
function instant_methods:zone(...)
  check_self(self, "zone", 2)
  if select("#", ...) > 0 then
    error("zone only returns the zone of an instant: write start:in_zone(" .. describe((...)) .. ")", 2)
  end
  local zone = instants[self].zone
  return zone and zone.name
end

--- Whether the instant carries a zone. One that does not cannot be written into a request body: its offset is all that
-- the API receives of a zone.
-- @function instant:has_zone
-- @treturn boolean
function instant_methods:has_zone()
  check_self(self, "has_zone", 2)
  return instants[self].zone ~= nil
end

--- The same instant with another zone. Raises when there is no such zone.
-- @function instant:in_zone
-- @tparam string zone
-- @treturn instant
function instant_methods:in_zone(zone)
  check_self(self, "in_zone", 2)
  local view = zone_named(zone, 2)
  check_range(instants[self].ms, view, 2)
  return new_instant(instants[self].ms, view)
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
-- @tfield boolean isdst whether it is summer time: whether the clocks are ahead of the zone's time of the other season.
-- In Ireland that is so in summer; in Morocco since 2018 all year but in Ramadan
-- @tfield integer offset seconds east of UTC
-- @tfield string zone name of the zone
-- @tfield string abbreviation short name of the zone at that time, such as "CEST"

-- The table of `date`, and the number of its day since 1970.
local function date_in(ms, zone)
  local offset, _, _, abbreviation, isdst = zones.at(zone, ms // SECOND)
  local wall = ms + offset * SECOND
  local days, of_day = wall // DAY, wall % DAY
  local year, month, day = gregorian.date(days)
  return {
    year = year,
    month = month,
    day = day,
    hour = of_day // HOUR,
    min = of_day // MINUTE % 60,
    sec = of_day // SECOND % 60,
    ms = of_day % SECOND,
    wday = (days + 4) % 7 + 1,
    yday = days - gregorian.days(year, 1, 1) + 1, -- 1970-01-01 was a Thursday
    isdst = isdst,
    offset = offset,
    zone = zone.name,
    abbreviation = abbreviation,
  },
    days
end

--- What calendar and clock show at the instant. The table is yours; changed, it can be given to @{at}.
-- Raises when there is no zone, or no such zone.
-- @function instant:date
-- @tparam[opt] string zone default: the one the instant carries
-- @treturn date
function instant_methods:date(zone)
  check_self(self, "date", 2)
  local view = view_zone(self, zone, ':date("Europe/Berlin")', 2)
  check_range(instants[self].ms, view, 2)
  return (date_in(instants[self].ms, view))
end

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
  local ms = instants[self].ms
  check_range(ms, view, 2)
  local date, days = date_in(ms, view)
  local text, unknown = strftime.format(pattern, date, days, ms)
  if not text then
    error(
      format(
        "format does not know %s: it takes %%Y %%m %%d %%H %%M %%S %%L %%A %%B %%z and the others in its "
          .. "documentation",
        quote(unknown)
      ),
      2
    )
  end
  return text
end

--- The first instant of the local day the instant is in. That is midnight, or, if the clocks are set forward over
-- midnight, the moment after the gap. Raises when there is no zone, or no such zone.
-- @function instant:start_of_day
-- @tparam[opt] string zone whose days; the result carries it; default: the one the instant carries
-- @treturn instant
function instant_methods:start_of_day(zone)
  check_self(self, "start_of_day", 2)
  local view = view_zone(self, zone, ':start_of_day("Europe/Berlin")', 2)
  return (found(calendar.day_start(calendar.day_of(instants[self].ms, view), view), view, 2))
end

-- "sunday", "sun" and 1 -> 1, and so on.
local weekday_numbers = {}
for i, name in ipairs(strftime.WEEKDAYS) do
  weekday_numbers[i], weekday_numbers[name:lower()], weekday_numbers[name:sub(1, 3):lower()] = i, i, i
end

--- The first instant of the week the instant is in. Raises when there is no zone, or no such zone.
-- @function instant:start_of_week
-- @tparam[opt] string zone whose days; the result carries it; default: the one the instant carries
-- @tparam[optchain="monday"] string first_day the day weeks begin with: "monday", "sunday", ..., or its number in
-- `date().wday`, which is 1 for Sunday
-- @treturn instant
function instant_methods:start_of_week(zone, first_day)
  check_self(self, "start_of_week", 2)
  local view = view_zone(self, zone, ':start_of_week("Europe/Berlin")', 2)
  local first = weekday_numbers.monday
  if first_day ~= nil then
    first = weekday_numbers[type(first_day) == "string" and lower(first_day) or first_day]
    if not first then
      error(format('the first day of the week is a name such as "monday" (got %s)', describe(first_day)), 2)
    end
  end
  local days = calendar.day_of(instants[self].ms, view)
  return (found(calendar.day_start(days - (days + 5 - first) % 7, view), view, 2))
end

--- The first instant of the month the instant is in. Raises when there is no zone, or no such zone.
-- @function instant:start_of_month
-- @tparam[opt] string zone whose months; the result carries it; default: the one the instant carries
-- @treturn instant
function instant_methods:start_of_month(zone)
  check_self(self, "start_of_month", 2)
  local view = view_zone(self, zone, ':start_of_month("Europe/Berlin")', 2)
  local year, month = gregorian.date(calendar.day_of(instants[self].ms, view))
  return (found(calendar.day_start(gregorian.days(year, month, 1), view), view, 2))
end

--- The first instant of the year the instant is in. Raises when there is no zone, or no such zone.
-- @function instant:start_of_year
-- @tparam[opt] string zone whose years; the result carries it; default: the one the instant carries
-- @treturn instant
function instant_methods:start_of_year(zone)
  check_self(self, "start_of_year", 2)
  local view = view_zone(self, zone, ':start_of_year("Europe/Berlin")', 2)
  local year = gregorian.date(calendar.day_of(instants[self].ms, view))
  return (found(calendar.day_start(gregorian.days(year, 1, 1), view), view, 2))
end

-- Sums and differences ------------------------------------------------------------------------------------------------

local function is_time(v) return is_instant(v) or is_duration(v) end

-- What to write instead of a number beside an instant or a duration. `takes_instant`: an instant is right there.
local function number_advice(n, takes_instant)
  local call, looks = values.instant_call(n)
  if not call then return "a bare number has no unit: write " .. values.duration_calls(n) end
  if takes_instant then return format("%s looks like %s: write %s", number_text(n), looks, call) end
  return format("%s looks like %s, and this takes a duration, such as hoopai.time.minutes(30)", number_text(n), looks)
end

-- The sum of an instant and a duration, or of two durations.
local function add(a, b, level)
  if is_duration(a) and is_duration(b) then return (duration.sum(a, b, level + 1)) end
  local start, d = a, b
  if is_duration(a) then
    start, d = b, a
  end
  if is_instant(start) and is_duration(d) then
    local zone, parts = instants[start].zone, durations[d]
    local ms = calendar.move(instants[start].ms, zone, parts.months, parts.days) + parts.length
    check_range(ms, zone, level + 1)
    return new_instant(ms, zone)
  end
  if is_instant(a) and is_instant(b) then
    error("two instants cannot be added; their difference (finish - start) is a duration", level + 1)
  end
  local other = values.odd_one(a, b, is_time)
  -- The sum of two instants has no meaning; that of an instant and a duration has.
  if type(other) == "number" then error(number_advice(other, is_duration(a) or is_duration(b)), level + 1) end
  error(format("only durations can be added, such as hoopai.time.minutes(30) (got %s)", describe(other)), level + 1)
end

local function subtract(a, b, level)
  if is_instant(a) and is_instant(b) then return duration.new(0, 0, instants[a].ms - instants[b].ms) end
  if is_duration(b) and is_time(a) then return (add(a, -b, level + 1)) end
  if type(b) == "number" then error(number_advice(b, is_instant(a)), level + 1) end
  if type(a) == "number" then
    if not is_instant(b) or values.instant_call(a) then error(number_advice(a, true), level + 1) end
    error("an instant cannot be taken from a number", level + 1)
  end
  if is_duration(a) and is_instant(b) then error("an instant cannot be taken from a duration", level + 1) end
  error(
    format(
      "only durations can be subtracted, such as hoopai.time.minutes(30) (got %s)",
      describe(values.odd_one(b, a, is_time))
    ),
    level + 1
  )
end

function Instant.__add(a, b) return (add(a, b, 2)) end

function Instant.__sub(a, b) return (subtract(a, b, 2)) end

Duration.__add, Duration.__sub = Instant.__add, Instant.__sub

-- All other arithmetic is refused by name; without these Lua would call it "arithmetic on a table value".
local function refuse_arithmetic(a, b)
  if is_instant(a) or is_instant(b) then
    error("instants take + and - with a duration, and - between two of them; nothing else", 2)
  end
  error("durations can be added, subtracted, negated and multiplied by integers; for other sums use :ms()", 2)
end

for _, event in ipairs { "__mul", "__unm", "__div", "__idiv", "__mod", "__pow" } do
  Instant[event], Duration[event] = refuse_arithmetic, Duration[event] or refuse_arithmetic
end

-- Other metamethods ---------------------------------------------------------------------------------------------------

local DATE_FIELDS = {
  year = true,
  month = true,
  day = true,
  hour = true,
  min = true,
  sec = true,
  wday = true,
  yday = true,
  isdst = true,
  offset = true,
  abbreviation = true,
}

function Instant.__index(_, key)
  local method = instant_methods[key]
  if not method and DATE_FIELDS[key] then
    error(format("an instant has no field %s: write start:date().%s", key, key), 2)
  end
  if not method and type(key) == "string" then
    local instead = get_names().find("instant", key)
    if instead then error(format("an instant has no field %s: %s", key, instead), 2) end
  end
  return method
end

function Instant.__newindex() error("instants cannot be changed; what methods and operators return is a new one", 2) end

function Instant.__pairs() return next, {}, nil end

function Instant.__tostring(self)
  if instants[self].zone then return iso8601.write(instants[self].ms, instants[self].zone) end
  return iso8601.write_unzoned(instants[self].ms)
end

function Instant.__concat(a, b) return tostring(a) .. tostring(b) end

Duration.__concat = Instant.__concat

-- Two instants are equal if they are the same point in time, in any zone.
function Instant.__eq(a, b) return is_instant(a) and is_instant(b) and instants[a].ms == instants[b].ms end

local function check_comparable(a, b, level)
  if is_instant(a) and is_instant(b) then return end
  local other, advice = values.odd_one(a, b, is_instant), ""
  if type(other) == "number" then
    advice = ": write " .. (values.instant_call(other) or format("hoopai.time.from_ms(%s)", number_text(other)))
  elseif type(other) == "string" then
    advice = format(": write hoopai.time.parse(%s)", quote(other))
  end
  error(format("an instant can be compared with an instant only (got %s)%s", describe(other), advice), level + 1)
end

function Instant.__lt(a, b)
  check_comparable(a, b, 2)
  return instants[a].ms < instants[b].ms
end

function Instant.__le(a, b)
  check_comparable(a, b, 2)
  return instants[a].ms <= instants[b].ms
end

return instant
