--- The times of service bookings: when each service begins and ends, and who gives it.
--
-- The first service begins when the booking does. A service takes its duration and that of its add-ons. Between two
-- services are the buffer after the one and the buffer before the other. The booking ends with its last service: the
-- buffers before the first one and after the last one keep the time of the staff free, as those of appointments do.
-- @module hoopai.sandbox.domain.service_times

local api_errors = require "hoopai.sandbox.api_errors"
local slots = require "hoopai.sandbox.domain.slots"

local format = string.format
local ipairs, sort = ipairs, table.sort

local service_times = {}

local MINUTE, HOUR, DAY = 60000, 3600000, 86400000
local UNITS = { mins = MINUTE, hours = HOUR }

--- The settings of the location for services: how long before it a booking must be made, and how far ahead it may be.
service_times.NOTICE, service_times.RANGE = 2 * HOUR, 365 * DAY

local function length_of(service, name)
  return ((service[name] or 0) * UNITS[service[name .. "Unit"] or "mins"]) // 1 | 0
end

local function addition_of(item)
  local minutes = 0
  for _, addition in ipairs(item.addOns or {}) do
    minutes = minutes + (addition.duration or 0) * (addition.quantity or 1)
  end
  return minutes * MINUTE
end

local function service_of(store, location_id, item)
  local service = store.services:get(item.id)
  if not service or service.locationId ~= location_id then
    api_errors.bad_request(format("The service id %s is not valid.", item.id))
  end
  return service
end

local function gives(service, user)
  for _, member in ipairs(service.staff or {}) do
    if member.id == user then return true end
  end
  return false
end

-- The items in the order of their positions; without a position an item stays where it is.
local function in_order(items)
  local list, place = {}, {}
  for index, item in ipairs(items) do
    list[index], place[item] = item, item.position or index - 1
  end
  local index_of = {}
  for index, item in ipairs(items) do
    index_of[item] = index
  end
  sort(list, function(a, b)
    if place[a] ~= place[b] then return place[a] < place[b] end
    return index_of[a] < index_of[b]
  end)
  return list
end

--- The parts of a booking, without their staff.
-- @tparam table store
-- @tparam string location_id
-- @tparam table items `services` of the request
-- @tparam integer from ms
-- @treturn table list of { service, wanted (the member of the staff), addOns, from, to, pre, post }
-- @treturn integer the end of the booking in ms
function service_times.parts(store, location_id, items, from)
  local parts, at = {}, from
  for index, item in ipairs(in_order(items)) do
    local service = service_of(store, location_id, item)
    if item.staffId and not gives(service, item.staffId) then
      api_errors.bad_request(format("The staff id %s is not valid for the service %s.", item.staffId, service.id))
    end
    local pre = length_of(service, "preBuffer")
    if index > 1 then at = at + parts[index - 1].post + pre end
    local to = at + length_of(service, "serviceDuration") + addition_of(item)
    parts[index] = {
      service = service,
      wanted = item.staffId,
      addOns = item.addOns,
      from = at,
      to = to,
      pre = pre,
      post = length_of(service, "postBuffer"),
    }
    at = to
  end
  return parts, at
end

-- Chooses the member of the staff who gives a part: the one that is asked for, else the first that is free.
local function staff_of(store, location_id, part, except)
  for _, member in ipairs(part.service.staff or {}) do
    local may = not part.wanted or part.wanted == member.id
    if may and slots.is_user_free(store, location_id, member.id, part, except) then return member.id end
  end
end

--- Sets the staff of each part. Raises a 400 if a time is not free, or too early or late.
-- @tparam table store
-- @tparam string location_id
-- @tparam table parts
-- @tparam table flags `overrideAvailability` (no check at all), `skipSchedulingNotice` (notice and range are ignored)
-- @tparam ?string except the booking that is moved
function service_times.assign(store, location_id, parts, flags, except)
  local now, first = store.now(), parts[1].from
  local in_range = first >= now + service_times.NOTICE and first <= now + service_times.RANGE
  if not flags.overrideAvailability and not flags.skipSchedulingNotice and not in_range then api_errors.slot_taken() end
  for _, part in ipairs(parts) do
    if flags.overrideAvailability then
      local member = part.service.staff and part.service.staff[1]
      part.user = part.wanted or member and member.id
    else
      part.user = staff_of(store, location_id, part, except) or api_errors.slot_taken()
    end
  end
end

return service_times
