--- Local dates and wall clocks, in whole milliseconds since 1970.
--
-- A date is a number of days since 1970-01-01, so that the day after and the day of the week are plain arithmetic.
-- @module hoopai.sandbox.domain.local_time

local civil = require "hoopai.time.gregorian"
local tz = require "hoopai.time.zone"

local format, match = string.format, string.match
local tonumber, tointeger = tonumber, math.tointeger

local DAY = 86400

local local_time = {}

--- Whether a name is that of a time zone.
-- @tparam string name
-- @treturn boolean
function local_time.is_zone(name)
  return tz.load(name) ~= nil
end

local function load_zone(name)
  return assert(tz.load(name))
end

--- The local date of an instant.
-- @tparam integer ms
-- @tparam string zone
-- @treturn integer days since 1970-01-01
-- @treturn integer minutes since that day's midnight, as a clock on the wall shows them
function local_time.date(ms, zone)
  local seconds = ms // 1000
  local shown = seconds + tz.at(load_zone(zone), seconds)
  return shown // DAY, shown % DAY // 60
end

--- The instant at which the clocks show a time of a day.
-- A time that clocks skip in spring is moved on by the length of the gap; of a time shown twice in autumn it is the
-- first.
-- @tparam integer date days since 1970-01-01
-- @tparam integer minutes since midnight; more than a day's worth runs into the next day
-- @tparam string zone
-- @treturn integer ms
function local_time.instant(date, minutes, zone)
  local first, _, shifted = tz.resolve(load_zone(zone), date * DAY + minutes * 60)
  return (first or shifted) * 1000
end

--- The day of the week.
-- @tparam integer date days since 1970-01-01
-- @treturn integer 0 for Sunday to 6 for Saturday
function local_time.weekday(date)
  return (date + 4) % 7
end

--- A date some months later; the last day of the month where the month is too short for the day.
-- @tparam integer date days since 1970-01-01
-- @tparam integer months
-- @treturn integer
function local_time.add_months(date, months)
  local year, month, day = civil.date(date)
  month = month - 1 + months
  year, month = year + month // 12, month % 12 + 1
  local last = civil.month_days(year, month)
  return civil.days(year, month, day < last and day or last)
end

--- A date as text.
-- @tparam integer date days since 1970-01-01
-- @treturn string such as "2026-05-04"
function local_time.date_text(date)
  return format("%04d-%02d-%02d", civil.date(date))
end

--- Reads a date off the front of a text.
-- @tparam string text such as "2026-05-04" or "2026-05-04T00:00:00.000Z"
-- @treturn ?integer days since 1970-01-01; nil when it is none
function local_time.parse_date(text)
  local year, month, day = match(text, "^(%d%d%d%d)%-(%d%d)%-(%d%d)")
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  if year and month >= 1 and month <= 12 and day >= 1 and day <= civil.month_days(year, month) then
    return civil.days(year, month, day)
  end
end

--- An instant as the API writes it: local time with the offset of the zone.
-- @tparam integer ms
-- @tparam string zone
-- @treturn string such as "2026-05-04T09:30:00-04:00"
function local_time.iso(ms, zone)
  local seconds = ms // 1000
  local offset = tz.at(load_zone(zone), seconds)
  local shown = seconds + offset
  local sign = offset < 0 and "-" or "+"
  local minutes = (offset < 0 and -offset or offset) // 60
  local of_day = shown % DAY
  return format("%sT%02d:%02d:%02d%s%02d:%02d", local_time.date_text(shown // DAY), of_day // 3600, of_day // 60 % 60,
    of_day % 60, sign, minutes // 60, minutes % 60)
end

--- An instant as the API writes the times of its own records.
-- @tparam integer ms
-- @treturn string such as "2026-05-04T13:30:00.000Z"
function local_time.stamp(ms)
  local seconds = ms // 1000
  local of_day = seconds % DAY
  return format("%sT%02d:%02d:%02d.%03dZ", local_time.date_text(seconds // DAY), of_day // 3600, of_day // 60 % 60,
    of_day % 60, ms % 1000)
end

local function offset_minutes(text)
  if text == "Z" or text == "z" then return 0 end
  local sign, hours, minutes = match(text, "^([+-])(%d%d):?(%d%d)$")
  hours, minutes = tonumber(hours), tonumber(minutes)
  if not sign or hours > 23 or minutes > 59 then return nil end
  local total = hours * 60 + minutes
  return sign == "-" and -total or total
end

--- Reads an ISO 8601 date and time. A text without offset is taken in the zone given, as the live API is said to do.
-- @tparam string text
-- @tparam string zone
-- @treturn ?integer ms; nil when the text is no such time
function local_time.parse(text, zone)
  local date = local_time.parse_date(text)
  if not date then return nil end
  local hours, minutes, seconds, fraction, offset = match(text, "^T(%d%d):(%d%d):(%d%d)(%.?%d*)(.*)$", 11)
  if not hours then
    hours, minutes, offset = match(text, "^T(%d%d):(%d%d)(.*)$", 11)
    seconds, fraction = "00", ""
  end
  hours, minutes, seconds = tonumber(hours), tonumber(minutes), tonumber(seconds)
  if not hours or hours > 23 or minutes > 59 or seconds > 59 then return nil end
  local ms = 0
  if fraction ~= "" then
    local part = tonumber("0" .. fraction)
    if not part then return nil end
    ms = tointeger(part * 1000 // 1)
  end
  local rest = seconds * 1000 + ms
  if offset == "" then return local_time.instant(date, hours * 60 + minutes, zone) + rest end
  local east = offset_minutes(offset)
  return east and (date * DAY + (hours * 60 + minutes - east) * 60) * 1000 + rest
end

return local_time
