--- Local dates and times, and instants in whole milliseconds since 1970.
--
-- A date is a number of days since 1970-01-01, so that the next day and the day of the week are plain arithmetic. The
-- parser is the sandbox's own and not the library's, because it judges what the library sends.
-- @module hoopai.sandbox.domain.local_time

local gregorian = require "hoopai.time.gregorian"
local time = require "hoopai.time"
local zones = require "hoopai.time.zone"

local format, match = string.format, string.match
local tonumber, tointeger = tonumber, math.tointeger
local os_date = os.date

local DAY = 86400

local local_time = {}

--- Whether a time zone of this name exists.
-- @tparam string name
-- @treturn boolean
function local_time.is_zone(name) return zones.load(name) ~= nil end

local function load_zone(name) return assert(zones.load(name)) end

--- The local date of an instant.
-- @tparam integer ms
-- @tparam string zone
-- @treturn integer days since 1970-01-01
-- @treturn integer minutes since that day's midnight, in local time
function local_time.date(ms, zone)
  local seconds = ms // 1000
  local local_seconds = seconds + zones.at(load_zone(zone), seconds)
  return local_seconds // DAY, local_seconds % DAY // 60
end

--- The instant of a local time. A local time in a gap is moved on by the length of the gap. Of a local time that occurs
-- twice the first is returned.
-- @tparam integer date days since 1970-01-01
-- @tparam integer minutes since midnight; 1440 and more are minutes of the next day
-- @tparam string zone
-- @treturn integer ms
function local_time.instant(date, minutes, zone)
  local first, _, shifted = zones.resolve(load_zone(zone), date * DAY + minutes * 60)
  return (first or shifted) * 1000
end

--- The day of the week.
-- @tparam integer date days since 1970-01-01
-- @treturn integer 0 for Sunday to 6 for Saturday
function local_time.weekday(date) return (date + 4) % 7 end

--- A date some months later; the last day of that month if the month has no such day.
-- @tparam integer date days since 1970-01-01
-- @tparam integer months
-- @treturn integer
function local_time.add_months(date, months)
  local year, month, day = gregorian.date(date)
  month = month - 1 + months
  year, month = year + month // 12, month % 12 + 1
  local last = gregorian.month_days(year, month)
  return gregorian.days(year, month, day < last and day or last)
end

--- A date as text.
-- @tparam integer date days since 1970-01-01
-- @treturn string such as "2026-05-04"
function local_time.date_text(date) return format("%04d-%02d-%02d", gregorian.date(date)) end

--- Reads the date at the beginning of a text.
-- @tparam string text such as "2026-05-04" or "2026-05-04T00:00:00.000Z"
-- @treturn ?integer days since 1970-01-01; nil if the text begins with no date
function local_time.parse_date(text)
  local year, month, day = match(text, "^(%d%d%d%d)%-(%d%d)%-(%d%d)")
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  if year and month >= 1 and month <= 12 and day >= 1 and day <= gregorian.month_days(year, month) then
    return gregorian.days(year, month, day)
  end
end

--- An instant as the API writes it: local time with the offset of the zone, without milliseconds.
-- @tparam integer ms
-- @tparam string zone
-- @treturn string such as "2026-05-04T09:30:00-04:00"
function local_time.iso(ms, zone) return time.from_ms(ms - ms % 1000, zone):iso() end

--- An instant as the API writes creation and change dates: UTC with milliseconds.
-- @tparam integer ms
-- @treturn string such as "2026-05-04T13:30:00.000Z"
function local_time.stamp(ms) return os_date("!%Y-%m-%dT%H:%M:%S", ms // 1000) .. format(".%03dZ", ms % 1000) end

local function offset_minutes(text)
  if text == "Z" or text == "z" then return 0 end
  local sign, hours, minutes = match(text, "^([+-])(%d%d):?(%d%d)$")
  hours, minutes = tonumber(hours), tonumber(minutes)
  if not sign or hours > 23 or minutes > 59 then return nil end
  local total = hours * 60 + minutes
  return sign == "-" and -total or total
end

--- Reads an ISO 8601 date and time. A text without offset is local time in `zone`, as reported of the live API.
-- @tparam string text
-- @tparam string zone
-- @treturn ?integer ms; nil if the text is no date and time
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
