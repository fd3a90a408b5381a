--- Rules of series (RFC 5545, section 3.3.10): their parts, and the instants that they give.
--
-- Supported are FREQ (DAILY, WEEKLY, MONTHLY), INTERVAL, COUNT, UNTIL, BYDAY, BYMONTHDAY and WKST. A rule that has
-- another part is rejected, since its series would have other instances than in the live API. A rule must end: the
-- sandbox makes at most as many instances as the API documents for its recurring calendars.
--
-- The instances are those that the rule gives from the start on. The start itself is one of them only if it matches the
-- rule. All have the local time of day of the start, in the zone of the calendar; a time that does not exist on a day
-- is moved on by the length of the gap.
-- @module hoopai.sandbox.domain.recurrence

local gregorian = require "hoopai.time.gregorian"
local local_time = require "hoopai.sandbox.domain.local_time"

local find, format, gmatch, gsub, match, upper =
  string.find, string.format, string.gmatch, string.gsub, string.match, string.upper
local ipairs, tonumber = ipairs, tonumber

local recurrence = {}

--- The most instances of a series: `count` of a recurring calendar has this limit in the vendor's document.
recurrence.LIMIT = 24

-- A rule that gives no date for so many years never ends.
local YEARS = 100

local WEEKDAYS = { SU = 0, MO = 1, TU = 2, WE = 3, TH = 4, FR = 5, SA = 6 }
local FREQUENCIES = { DAILY = true, WEEKLY = true, MONTHLY = true }
-- Parts of the RFC that the sandbox lacks.
local UNSUPPORTED = {}
for name in gmatch("BYSECOND BYMINUTE BYHOUR BYYEARDAY BYWEEKNO BYMONTH BYSETPOS", "%u+") do
  UNSUPPORTED[name] = true
end

-- Reading ------------------------------------------------------------------------------------------------------------

local function positive(text) return match(text, "^0*[1-9]%d?%d?%d?$") and tonumber(text) end

-- "MO,WE" or "2TU,-1FR": a list of { weekday, position }.
local function read_days(text)
  local days = {}
  for part in gmatch(text .. ",", "([^,]*),") do
    local sign, number, name = match(part, "^([+-]?)(%d*)(%u%u)$")
    local weekday, position = WEEKDAYS[name], tonumber(number)
    if not weekday or (sign ~= "" and not position) or (position and (position < 1 or position > 53)) then
      return nil
    end
    days[#days + 1] = { weekday, position and (sign == "-" and -position or position) }
  end
  return days
end

-- "1,15,-1"
local function read_month_days(text)
  local days = {}
  for part in gmatch(text .. ",", "([^,]*),") do
    local day = match(part, "^[+-]?%d%d?$") and tonumber(part)
    if not day or day == 0 or day > 31 or day < -31 then return nil end
    days[#days + 1] = day
  end
  return days
end

-- "20261224T080000Z", a local time without Z, or a date, which includes the whole day.
local function read_until(text)
  local year, month, day, rest = match(text, "^(%d%d%d%d)(%d%d)(%d%d)(.*)$")
  local date = year and local_time.parse_date(format("%s-%s-%s", year, month, day))
  if not date then return nil end
  if rest == "" then
    return function(zone) return local_time.instant(date + 1, 0, zone) - 1 end
  end
  local hours, minutes, seconds, is_utc = match(rest, "^T(%d%d)(%d%d)(%d%d)(Z?)$")
  if not hours or hours > "23" or minutes > "59" or seconds > "60" then return nil end
  local after_midnight = hours * 60 + minutes | 0
  return function(zone)
    return local_time.instant(date, after_midnight, is_utc == "Z" and "UTC" or zone) + (seconds * 1000 | 0)
  end
end

local READERS = {
  FREQ = function(text) return FREQUENCIES[text] and text end,
  INTERVAL = positive,
  COUNT = positive,
  UNTIL = read_until,
  BYDAY = read_days,
  BYMONTHDAY = read_month_days,
  WKST = function(text) return WEEKDAYS[text] end,
}

local function read_part(rule, part)
  local name, value = match(part, "^(%u+)=(.+)$")
  if not name then return format("`%s` is no NAME=VALUE", part) end
  if UNSUPPORTED[name] then return name .. " is not supported by the sandbox" end
  local read = READERS[name]
  if not read then return name .. " is no part of a rule" end
  if rule[name] ~= nil then return name .. " is there twice" end
  if name == "FREQ" and (value == "YEARLY" or find(value, "^%u+LY$")) and not FREQUENCIES[value] then
    return value .. " is not supported by the sandbox: DAILY, WEEKLY or MONTHLY"
  end
  rule[name] = read(value)
  if rule[name] == nil or rule[name] == false then return format("the value of %s cannot be read: %s", name, value) end
end

-- What is wrong with a rule whose parts can all be read; nil if nothing is.
local function problem_of(rule)
  if not rule.FREQ then return "FREQ is missing" end
  if rule.COUNT and rule.UNTIL then return "COUNT and UNTIL exclude each other" end
  if not rule.COUNT and not rule.UNTIL then return "a series must end: give COUNT or UNTIL" end
  if rule.COUNT and rule.COUNT > recurrence.LIMIT then
    return format("COUNT must not be greater than %d", recurrence.LIMIT)
  end
  if rule.BYMONTHDAY and rule.FREQ == "WEEKLY" then return "BYMONTHDAY does not go with WEEKLY" end
  for _, day in ipairs(rule.BYDAY or {}) do
    if day[2] and rule.FREQ ~= "MONTHLY" then return "numbers in BYDAY go with MONTHLY only" end
  end
end

--- Reads a rule.
-- @tparam string text such as "RRULE:FREQ=WEEKLY;COUNT=4", with or without "RRULE:"
-- @treturn[1] table the rule
-- @treturn[2] nil
-- @treturn[2] string what is wrong
function recurrence.read(text)
  local rule = {}
  local parts = gsub(upper(text), "^RRULE:", "")
  for part in gmatch(gsub(parts, ";$", "") .. ";", "([^;]*);") do
    local problem = read_part(rule, part)
    if problem then return nil, problem end
  end
  local problem = problem_of(rule)
  if problem then return nil, problem end
  return rule
end

-- Dates --------------------------------------------------------------------------------------------------------------

local function days_in(year, month) return gregorian.days(year, month, 1), gregorian.month_days(year, month) end

-- Whether a date is a wanted weekday: any, or the nth from the beginning or the end of its month.
local function is_day(wanted, date)
  if not wanted then return true end
  local year, month, day = gregorian.date(date)
  for _, entry in ipairs(wanted) do
    local position = entry[2]
    if entry[1] == local_time.weekday(date) then
      if not position then return true end
      local from_end = gregorian.month_days(year, month) - day
      if position > 0 and (day - 1) // 7 + 1 == position then return true end
      if position < 0 and from_end // 7 + 1 == -position then return true end
    end
  end
  return false
end

local function is_month_day(wanted, date)
  if not wanted then return true end
  local year, month, day = gregorian.date(date)
  local length = gregorian.month_days(year, month)
  for _, entry in ipairs(wanted) do
    if day == entry or entry < 0 and day == length + 1 + entry then return true end
  end
  return false
end

-- The first and the last date of the period with a number: the start's is 0.
local PERIODS = {
  DAILY = function(start, number) return start + number, start + number end,
  WEEKLY = function(start, number, first_weekday)
    local first = start - (local_time.weekday(start) - first_weekday) % 7 + 7 * number
    return first, first + 6
  end,
  MONTHLY = function(start, number)
    local year, month = gregorian.date(start)
    month = month - 1 + number
    local first, length = days_in(year + month // 12, month % 12 + 1)
    return first, first + length - 1
  end,
}

-- The dates of a rule, in order. What the rule leaves open is taken from the start.
local function dates_of(rule, start, take)
  local by_day, by_month_day = rule.BYDAY, rule.BYMONTHDAY
  if rule.FREQ == "WEEKLY" and not by_day then by_day = { { local_time.weekday(start) } } end
  if rule.FREQ == "MONTHLY" and not by_day and not by_month_day then
    local _, _, day = gregorian.date(start)
    by_month_day = { day }
  end
  local period, first_weekday, last = PERIODS[rule.FREQ], rule.WKST or 1, start + YEARS * 366
  local number, reached = 0
  repeat
    local first, stop = period(start, number, first_weekday)
    for date = first, stop do
      if date >= start and is_day(by_day, date) and is_month_day(by_month_day, date) and not take(date) then return end
    end
    number, reached = number + (rule.INTERVAL or 1), first
  until reached > last
end

--- The instants at which the instances of a series begin.
-- @tparam table rule as `read` returned it
-- @tparam integer start ms
-- @tparam string zone of the calendar
-- @treturn[1] table list of ms, in order
-- @treturn[2] nil
-- @treturn[2] string why the rule gives no series
function recurrence.instants(rule, start, zone)
  local date, minutes = local_time.date(start, zone)
  local rest, last = start % 60000, rule.UNTIL and rule.UNTIL(zone)
  local found, too_many = {}, false
  dates_of(rule, date, function(day)
    local instant = local_time.instant(day, minutes, zone) + rest
    if last and instant > last then return false end
    if #found == recurrence.LIMIT then
      too_many = true
      return false
    end
    found[#found + 1] = instant
    return #found ~= rule.COUNT
  end)
  if too_many then return nil, format("the series has more than %d instances", recurrence.LIMIT) end
  if #found == 0 then return nil, "the series has no instance" end
  if rule.COUNT and #found < rule.COUNT then
    return nil, format("the series has fewer than %d instances", rule.COUNT)
  end
  return found
end

return recurrence
