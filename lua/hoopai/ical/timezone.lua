--- Local times and time zones of iCalendar (RFC 5545, 3.3.5 and 3.6.5).
--
-- All times here are seconds since 1970.
local gregorian = require "hoopai.time.gregorian"
local zones = require "hoopai.time.zone"

local format, gsub = string.format, string.gsub
local concat, ipairs = table.concat, ipairs
local min, mininteger = math.min, math.mininteger

local DAY = 86400

local timezone = {}

-- A date and time of day: of UTC for seconds since 1970, else local.
local function date_time(seconds)
  local year, month, day = gregorian.date(seconds // DAY)
  local of_day = seconds % DAY
  return format("%04d%02d%02dT%02d%02d%02d", year, month, day, of_day // 3600, of_day // 60 % 60, of_day % 60)
end

--- An instant in UTC: `20261215T090000Z`.
-- @tparam integer seconds
-- @treturn string
function timezone.utc(seconds) return date_time(seconds) .. "Z" end

--- An instant on the clocks of a zone: `20261215T100000`.
-- @tparam table zone of `hoopai.time.zone`
-- @tparam integer seconds
-- @treturn ?string nil if the clocks show this time twice: by RFC 5545 the first is meant, but some readers take the
-- second
function timezone.local_time(zone, seconds)
  local wall = seconds + (zones.at(zone, seconds))
  local first, last = zones.resolve(zone, wall)
  return first == last and date_time(wall) or nil
end

--- The name of a zone in an iCalendar file. That of an offset has no colon, which would end a parameter.
-- @tparam table zone
-- @treturn string
function timezone.id(zone)
  if zone.fixed then return "UTC" .. gsub(zone.name, ":", "") end
  return zone.name
end

local function offset_text(offset)
  local sign = "+"
  if offset < 0 then
    sign, offset = "-", -offset
  end
  local seconds = offset % 60
  return format("%s%02d%02d%s", sign, offset // 3600, offset // 60 % 60, seconds > 0 and format("%02d", seconds) or "")
end

-- The kinds of time that a zone has between two instants: { offset, before, abbreviation, isdst, starts }. `before` is
-- the offset that held before, and `starts` has what the clocks showed by it at each change to this kind.
local function kinds_of(zone, first, last)
  local kinds, t = {}, first
  repeat
    local offset, from, to, abbreviation, isdst = zones.at(zone, t)
    -- Without a change before, any time before the first event is right.
    local before, start = offset, min(0, gregorian.days(gregorian.date((t + offset) // DAY), 1, 1) * DAY)
    if from > mininteger then
      before = zones.at(zone, from - 1)
      start = from + before
    end
    local key = concat({ offset, before, abbreviation, isdst and "summer" or "" }, " ")
    if not kinds[key] then
      local kind = { offset = offset, before = before, abbreviation = abbreviation, isdst = isdst, starts = {} }
      kinds[key], kinds[#kinds + 1] = kind, kind
    end
    local starts = kinds[key].starts
    starts[#starts + 1] = start
    t = to
  until to > last
  return kinds
end

--- The VTIMEZONE of a zone, with all changes of the clocks between two instants, and the one before them.
-- @tparam table zone
-- @tparam integer first
-- @tparam integer last
-- @tparam function put called with each line
function timezone.put(zone, first, last, put)
  put "BEGIN:VTIMEZONE"
  put("TZID:" .. timezone.id(zone))
  for _, kind in ipairs(kinds_of(zone, first, last)) do
    local component = kind.isdst and "DAYLIGHT" or "STANDARD"
    put("BEGIN:" .. component)
    for index, start in ipairs(kind.starts) do
      put((index == 1 and "DTSTART:" or "RDATE:") .. date_time(start))
    end
    put("TZOFFSETFROM:" .. offset_text(kind.before))
    put("TZOFFSETTO:" .. offset_text(kind.offset))
    put("TZNAME:" .. kind.abbreviation)
    put("END:" .. component)
  end
  put "END:VTIMEZONE"
end

return timezone
