--- Dates and spans of time as people type them.
--
-- A date is a **day**, a **period** of days, or an **instant**:
--
--     2026-12-01                     a day
--     today tomorrow yesterday       a day
--     monday ... sunday, mon ... sun the next such day; today, if today is one
--     +3d -1d +2w +1mo +1y           the day that is so many days, weeks, months or years from today
--     2026-12                        a period: the month
--     last-week this-week next-week, the same of month and year: a period; weeks begin with Monday
--     now                            an instant
--     +3h -3h +30min                 an instant, so far from now
--     2026-12-01T09:30               an instant in the zone; seconds may follow, and a blank may stand for the T
--     2026-12-01T09:30+02:00         an instant; its offset counts, or Z for UTC
--     09:30                          an instant of today
--     tomorrowT09:30, monday 09:30   an instant of a day above
--
-- Capitals do not matter. As an instant a day or period is its first moment. As the end of a span it counts to its
-- last: `--from 2026-12-01 --to 2026-12-24` includes the 24th, as a person means who says so. `+1m` is refused, for it
-- could be a month or a minute.
--
-- When clocks change, the rule of `hoopai.time` holds: a local time that was skipped is moved on by the length of the
-- gap, and of one that comes twice the first is meant (an offset names the other).
-- @module hoopai.command.lib.dates

local time = require "hoopai.time"

local find, format, lower, match = string.find, string.format, string.lower, string.match
local tonumber = tonumber

local dates = {}

--- What is understood, for messages and help.
dates.UNDERSTOOD = "2026-12-01, 2026-12-01T09:30, 2026-12, today, tomorrow, yesterday, monday to sunday, +3d, -2w, "
  .. "+1mo, tomorrowT09:30, now, +3h, +30min, or last-month, this-week, next-year and the like"

-- Years that no calendar of customers has are slips of the keyboard.
local FIRST_YEAR, LAST_YEAR = 1900, 2999

local WEEKDAYS = { "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday" }
local weekday_numbers = {}
for number, name in ipairs(WEEKDAYS) do
  weekday_numbers[name], weekday_numbers[name:sub(1, 3)] = number, number
end

local DAY_WORDS = { yesterday = -1, today = 0, tomorrow = 1 }
local DAY_UNITS = { d = time.days, w = time.weeks, mo = time.months, y = time.years }
local EXACT_UNITS = { h = time.hours, min = time.minutes }
local LONG_UNITS = { day = "d", days = "d", week = "w", weeks = "w", month = "mo", months = "mo", year = "y" }
LONG_UNITS.years, LONG_UNITS.hour, LONG_UNITS.hours, LONG_UNITS.minute = "y", "h", "h", "min"
LONG_UNITS.minutes = "min"

local PERIOD_STEPS = { last = -1, this = 0, next = 1 }
local PERIODS = {
  week = { start = "start_of_week", step = time.weeks },
  month = { start = "start_of_month", step = time.months },
  year = { start = "start_of_year", step = time.years },
}

-- Parts of texts ------------------------------------------------------------------------------------------------------

-- The text in quotes, short and with nothing that could command a terminal.
local function shown(text)
  local width = require "hoopai.command.lib.width" -- here: only a mistake needs the table of widths
  return '"' .. width.cut(width.clean(text), 40) .. '"'
end

-- nil and the problem of a date that does not exist.
local function check_date(year, month, day)
  if year < FIRST_YEAR or year > LAST_YEAR then
    return nil, format("the year %04d is not one of %d to %d", year, FIRST_YEAR, LAST_YEAR)
  end
  if month < 1 or month > 12 then return nil, format("there is no month %02d", month) end
  if not time.parse(format("%04d-%02d-%02dT00:00Z", year, month, day)) then
    return nil, format("%04d-%02d has no day %02d", year, month, day)
  end
  return true
end

-- The midnight that begins a date, or nil and the problem.
local function date_named(year, month, day, zone)
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  local exists, problem = check_date(year, month, day)
  if not exists then return nil, problem end
  return time.day(format("%04d-%02d-%02d", year, month, day), zone)
end

-- The length of "+3d" as a duration of days, or as one of exact time. For a unit that does not exist both are nil,
-- and a problem may follow.
local function duration_of(sign, count, unit)
  local number = tonumber(count) * (sign == "-" and -1 or 1)
  unit = LONG_UNITS[unit] or unit
  if #count > (unit == "y" and 3 or 4) then return nil, nil, "is too far away" end
  if unit == "m" then
    return nil, nil, format("could be months or minutes: write %s%smo or %s%smin", sign, count, sign, count)
  end
  local days, exact = DAY_UNITS[unit], EXACT_UNITS[unit]
  return days and days(number), exact and exact(number)
end

-- The first moment of the day that is named without a date, or nil and a problem if there is one.
local function relative_day(word, zone, now)
  local today = now:start_of_day(zone)
  if DAY_WORDS[word] then return (today + time.days(DAY_WORDS[word])):start_of_day() end
  local weekday = weekday_numbers[word]
  if weekday then return (today + time.days((weekday - today:date().wday) % 7)):start_of_day() end
  local sign, count, unit = match(word, "^([+-])(%d+)(%a+)$")
  if not sign then return nil end
  local days, _, problem = duration_of(sign, count, unit)
  if not days then return nil, problem end
  return (today + days):start_of_day()
end

-- The first moment of the day of a text, nil if the text is no day, and a problem if it is one that does not exist.
local function day_of(word, zone, now)
  local year, month, day = match(word, "^(%d%d%d%d)%-(%d%d)%-(%d%d)$")
  if year then return date_named(year, month, day, zone) end
  return relative_day(word, zone, now)
end

-- A time of day: hour, minute, second. nil if the text is not written as a time; nil and a problem for a time such as
-- 25:00.
local function clock_of(text)
  local hour, minute, rest = match(text, "^(%d%d?):(%d%d)(.*)$")
  local second = rest == "" and "00" or rest and match(rest, "^:(%d%d)$")
  if not second then return nil end
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  if hour == 24 and minute == 0 then return nil, "a day ends at 00:00 of the next" end
  if hour > 23 or minute > 59 or second > 59 then return nil, format("there is no time %s", text) end
  return hour, minute, second
end

-- Kinds of texts: each function returns the first moment and, for a day or a period, the first moment after it; or nil,
-- and a problem if the text is of this kind but wrong.

local function read_day(text, zone, now)
  local day, problem = day_of(text, zone, now)
  if not day then return nil, problem end
  return day, (day + time.days(1)):start_of_day()
end

local function read_period(text, zone, now)
  local year, month = match(text, "^(%d%d%d%d)%-(%d%d)$")
  if year then
    local first, problem = date_named(year, month, 1, zone)
    if not first then return nil, problem end
    return first, (first + time.months(1)):start_of_month()
  end
  local which, name = match(text, "^(%a+)[- ](%a+)$")
  local step, period = PERIOD_STEPS[which], PERIODS[name]
  if not step or not period then return nil end
  local this = now[period.start](now, zone)
  local function start(count) return (this + period.step(count))[period.start](this + period.step(count)) end
  return start(step), start(step + 1)
end

local function read_instant(text, zone, now)
  if text == "now" then return now:in_zone(zone) end
  local sign, count, unit = match(text, "^([+-])(%d+)(%a+)$")
  if sign then
    local _, exact, problem = duration_of(sign, count, unit)
    if not exact then return nil, problem end
    return now:in_zone(zone) + exact
  end
  if find(text, "^%d%d%d%d%-%d%d%-%d%d[t ]%d%d:%d%d.*[z+%-]") then return nil end -- with an offset
  local day_text, clock_text = match(text, "^(.-)[t ](%d%d?:[%d:]+)$")
  if not clock_text then
    day_text, clock_text = "today", text
  end
  local hour, minute, second = clock_of(clock_text)
  if not hour then return nil, minute end
  local day, problem = day_of(day_text, zone, now)
  if not day then return nil, problem end
  local fields = day:date()
  return time.at {
    year = fields.year,
    month = fields.month,
    day = fields.day,
    hour = hour,
    min = minute,
    sec = second,
    zone = zone,
  }
end

local function read_iso(text, zone)
  local year, month, day = match(text, "^(%d%d%d%d)%-(%d%d)%-(%d%d)[t ]%d%d:%d%d")
  if not year then return nil end
  local exists, problem = check_date(tonumber(year), tonumber(month), tonumber(day))
  if not exists then return nil, problem end
  local instant = time.parse(text)
  if not instant then return nil end
  return instant:in_zone(zone)
end

local KINDS = { read_day, read_period, read_instant, read_iso }

-- The first moment of a text, for a day or period the first moment after it, and whether it is a period; or nil and a
-- message.
local function read(text, zone, now)
  local word = lower(match(text, "^%s*(.-)%s*$"))
  for _, kind in ipairs(KINDS) do
    local first, second = kind(word, zone, now)
    if first then return first, second, kind == read_period end
    if second then return nil, format("%s: %s", shown(text), second) end
  end
  return nil, format("%s is no date: write %s", shown(text), dates.UNDERSTOOD)
end

-- Public --------------------------------------------------------------------------------------------------------------

--- Reads a date.
-- @tparam string text
-- @tparam string zone name of the zone in which days and times of day are meant; raises if the system has no such zone
-- @tparam[opt] instant now default: the present
-- @treturn[1] instant in the zone; of a day or a period its first moment
-- @treturn[1] ?instant the first moment after it, if the text names a day or a period
-- @treturn[1] ?boolean whether the text names a period
-- @treturn[2] nil
-- @treturn[2] string what is wrong, and what to write instead
function dates.parse(text, zone, now) return read(text, zone, now or time.now()) end

-- The end of a span that begins at `from`: that of the text `to`, so many days later, or that of the period whose start
-- `from` is.
local function end_of(options, from, period_end, now)
  if options.to then
    local first, after = read(options.to, options.zone, now)
    if not first then return nil, after end
    return after or first
  end
  if not options.days and period_end then return period_end end
  return from + time.days(options.days or options.default_days or 7)
end

--- Reads a span of time. `from` is in it, `to` is not.
-- @tparam table options
-- @tparam[opt] string options.from a date; default: `default_from`
-- @tparam[opt] string options.to a date; a day or a period is included whole
-- @tparam[opt] integer options.days how many days after `from` the span ends; not together with `to`
-- @tparam string options.zone the zone
-- @tparam[opt] instant options.now default: the present
-- @tparam[opt="today"] string options.default_from "today" or "now"
-- @tparam[opt=7] integer options.default_days the days of a span that has only a `from`, if that is no period such as
-- `last-month`
-- @treturn[1] instant from
-- @treturn[1] instant to
-- @treturn[2] nil
-- @treturn[2] string what is wrong, naming the option
function dates.range(options)
  local now = options.now or time.now()
  if options.to and options.days then return nil, "--to and --days cannot be given together" end
  local from, after, is_period = read(options.from or options.default_from or "today", options.zone, now)
  if not from then return nil, "--from: " .. after end
  local to, problem = end_of(options, from, is_period and after, now)
  if not to then return nil, "--to: " .. problem end
  if to <= from then
    return nil,
      format("the span is empty: it begins at %s and ends at %s", from:format "%F %R", to:format("%F %R", options.zone))
  end
  return from, to
end

return dates
