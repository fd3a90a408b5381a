--- Dates as text, after a pattern in the manner of strftime. Names are English in any locale.
local gregorian = require "hoopai.time.gregorian"
local iso8601 = require "hoopai.time.iso8601"
local values = require "hoopai.time.values"

local strftime = {}

--- The days of the week; the first is Sunday, as in `wday` of `instant:date`.
strftime.WEEKDAYS = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" }

local WEEKDAYS = strftime.WEEKDAYS
local MONTHS = {
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
}

-- The year and number of the ISO 8601 week of a day: it belongs to the year of its Thursday.
local function iso_week(days)
  local thursday = days - (days + 3) % 7 + 3
  local year = gregorian.date(thursday)
  return year, (thursday - gregorian.days(year, 1, 1)) // 7 + 1
end

-- The text of an offset, with its seconds if it has any.
local function offset_text(offset, separator)
  local text, seconds = iso8601.offset_text(offset, separator), math.abs(offset) % 60
  return seconds == 0 and text or ("%s%s%02d"):format(text, separator, seconds)
end

local function two_digits(n) return ("%02d"):format(n) end

-- Conversion specifier -> function of the table of `instant:date`, the days since 1970 and the milliseconds since 1970.
local CONVERSIONS = {
  Y = function(d) return ("%04d"):format(d.year) end,
  y = function(d) return two_digits(d.year % 100) end,
  m = function(d) return two_digits(d.month) end,
  d = function(d) return two_digits(d.day) end,
  e = function(d) return ("%2d"):format(d.day) end,
  H = function(d) return two_digits(d.hour) end,
  I = function(d) return two_digits((d.hour + 11) % 12 + 1) end,
  M = function(d) return two_digits(d.min) end,
  S = function(d) return two_digits(d.sec) end,
  L = function(d) return ("%03d"):format(d.ms) end,
  p = function(d) return d.hour < 12 and "AM" or "PM" end,
  j = function(d) return ("%03d"):format(d.yday) end,
  a = function(d) return WEEKDAYS[d.wday]:sub(1, 3) end,
  A = function(d) return WEEKDAYS[d.wday] end,
  b = function(d) return MONTHS[d.month]:sub(1, 3) end,
  B = function(d) return MONTHS[d.month] end,
  u = function(d) return ("%d"):format((d.wday + 5) % 7 + 1) end,
  w = function(d) return ("%d"):format(d.wday - 1) end,
  G = function(_, days) return ("%04d"):format((iso_week(days))) end,
  V = function(_, days) return two_digits((select(2, iso_week(days)))) end,
  F = function(d) return ("%04d-%02d-%02d"):format(d.year, d.month, d.day) end,
  T = function(d) return ("%02d:%02d:%02d"):format(d.hour, d.min, d.sec) end,
  R = function(d) return ("%02d:%02d"):format(d.hour, d.min) end,
  z = function(d) return offset_text(d.offset, "") end,
  [":z"] = function(d) return offset_text(d.offset, ":") end,
  Z = function(d) return d.abbreviation end,
  s = function(_, _, ms) return ("%d"):format(ms // values.SECOND) end,
  n = function() return "\n" end,
  t = function() return "\t" end,
  ["%"] = function() return "%" end,
}

--- Writes a date after a pattern; the conversion specifiers are documented at `instant:format`.
-- @tparam string pattern
-- @tparam table date as `instant:date` returns it
-- @tparam integer days since 1970, of the date
-- @tparam integer ms since 1970
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] string the first unknown specifier, with its percent sign
function strftime.format(pattern, date, days, ms)
  local unknown
  local text = pattern:gsub("%%(:?.?)", function(specifier)
    local convert = CONVERSIONS[specifier]
    if convert then return convert(date, days, ms) end
    unknown = unknown or "%" .. specifier
  end)
  if unknown then return nil, unknown end
  return text
end

return strftime
