--- Days, months and years on the calendar of a zone.
--
-- Here an instant is a number of milliseconds since 1970 and a zone of `hoopai.time.zone`.
local gregorian = require "hoopai.time.gregorian"
local values = require "hoopai.time.values"
local zones = require "hoopai.time.zone"

local SECOND, DAY = values.SECOND, values.DAY
local DAY_SECONDS = 86400
local min = math.min

local calendar = {}

--- The local day of an instant, as a number of days since 1970.
-- @tparam integer ms
-- @tparam table zone
-- @treturn integer
function calendar.day_of(ms, zone)
  local seconds = ms // SECOND
  return (seconds + zones.at(zone, seconds)) // DAY_SECONDS
end

--- The first instant of a local day. If midnight is skipped, the day begins at the end of the gap, which may have begun
-- before midnight.
-- @tparam integer days since 1970
-- @tparam table zone
-- @treturn integer milliseconds
function calendar.day_start(days, zone)
  local first, change = zones.resolve(zone, days * DAY_SECONDS)
  return (first or change) * SECOND
end

--- The same day of another month. A month that has no such day gives its last one.
-- @tparam integer days since 1970
-- @tparam integer months how many months later
-- @treturn integer days since 1970
function calendar.add_months(days, months)
  local year, month, day = gregorian.date(days)
  local count = year * 12 + month - 1 + months
  year, month = count // 12, count % 12 + 1
  return gregorian.days(year, month, min(day, gregorian.month_days(year, month)))
end

--- Moves an instant by months, and from there by days, on the calendar of its zone. The local time of day stays; if it
-- is skipped on the day of arrival, it is moved on by the length of the gap.
-- @tparam integer ms
-- @tparam ?table zone nil: the calendar is that of UTC
-- @tparam integer months
-- @tparam integer days
-- @treturn integer milliseconds
function calendar.move(ms, zone, months, days)
  if months == 0 and days == 0 then return ms end
  if months == 0 and (not zone or zone.fixed) then return ms + days * DAY end
  local seconds = ms // SECOND
  local wall = seconds + (zone and zones.at(zone, seconds) or 0)
  local day = calendar.add_months(wall // DAY_SECONDS, months) + days
  wall = day * DAY_SECONDS + wall % DAY_SECONDS
  if not zone then return wall * SECOND + ms % SECOND end
  local first, _, shifted = zones.resolve(zone, wall)
  return (first or shifted) * SECOND + ms % SECOND
end

return calendar
