--- Service bookings. What is written as `staffId` and `addOns` is read as `serviceStaffId` and `serviceAddOns`.
-- @module hoopai.sandbox.handlers.service_bookings

local access = require "hoopai.sandbox.domain.access"
local api_errors = require "hoopai.sandbox.api_errors"
local core = require "hoopai.core"
local local_time = require "hoopai.sandbox.domain.local_time"
local service_times = require "hoopai.sandbox.domain.service_times"
local slots = require "hoopai.sandbox.domain.slots"

local ipairs, sort = ipairs, table.sort

local IGNORED = "Meeting location is not supported for the selected service location and has been ignored."

local service_bookings = {}

local function get(context)
  local id = context.params.bookingId
  return access.get(context, "service_bookings", id, "Service booking")
end

-- A deleted booking can be read, but not changed.
local function get_live(context)
  local booking = get(context)
  if booking.deleted then api_errors.not_found("Service booking not found") end
  return booking
end

local function additions(part)
  local list = core.array {}
  for index, addition in ipairs(part.addOns or {}) do
    list[index] = { id = addition.id, quantity = addition.quantity or 1 }
  end
  return list
end

-- Of a booking that is cancelled or deleted, the times of its services are empty, as reported of the live API.
local function view(booking, zone)
  local is_over = booking.deleted or booking.status == "cancelled"
  local services = {}
  for index, part in ipairs(booking.parts) do
    services[index] = {
      id = part.service.id,
      serviceCategoryId = part.service.serviceCategoryId,
      serviceStaffId = part.user,
      serviceStartTime = is_over and "" or local_time.iso(part.from, zone),
      serviceEndTime = is_over and "" or local_time.iso(part.to, zone),
      serviceResources = core.array {},
      serviceAddOns = additions(part),
    }
  end
  return {
    bookingId = booking.id,
    locationId = booking.locationId,
    contactId = booking.contactId,
    serviceLocationId = booking.serviceLocationId,
    meetingLocation = booking.meetingLocation,
    title = booking.title,
    startTime = local_time.iso(booking.from, zone),
    endTime = local_time.iso(booking.to, zone),
    services = services,
    timezone = booking.timezone,
    status = booking.status,
    deleted = booking.deleted,
    dateAdded = local_time.stamp(booking.added),
    dateUpdated = local_time.stamp(booking.updated),
    createdBy = { source = "integration" },
  }
end

local function with_messages(booking, messages)
  local shown = view(booking, booking.timezone)
  if messages[1] then shown.messages = messages end
  return shown
end

-- The service location of a booking: the first one of the location unless the request names one.
local function place_of(context, location_id, id)
  local store = context.store
  if id then return access.get(context, "service_locations", id, "Service location") end
  local places = store.service_locations:where(function(place) return place.locationId == location_id end)
  return places[1] or api_errors.bad_request("The location has no service location.")
end

-- The customer's place, and the messages about it.
local function meeting_location(place, given)
  if place.locationType == "ask_booker" then
    if not given then api_errors.bad_request("Meeting location is required for the selected service location.") end
    return given, {}
  end
  return nil, given and { IGNORED } or {}
end

local function instant(booking, text) return local_time.parse(text, booking.timezone) end

local function add_to_ledger(store, what, booking)
  store.ledger[#store.ledger + 1] = {
    what = what,
    at = store.now(),
    id = booking.id,
    contactId = booking.contactId,
    assignedUserId = booking.parts[1].user,
    appointmentStatus = booking.status,
    startTime = local_time.iso(booking.from, booking.timezone),
  }
end

function service_bookings.list(context)
  local query, store = context.query, context.store
  local found = store.service_bookings:where(
    function(booking)
      return booking.locationId == query.locationId
        and not booking.deleted
        and booking.from < query.endTime
        and booking.to > query.startTime
        and (not query.serviceLocationId or booking.serviceLocationId == query.serviceLocationId)
    end
  )
  sort(found, function(a, b)
    if a.from ~= b.from then return a.from < b.from end
    return a.id < b.id
  end)
  for index, booking in ipairs(found) do
    found[index] = view(booking, query.timezone or booking.timezone)
  end
  return found
end

function service_bookings.create(context)
  local store, body = context.store, context.body
  local contact = store.contacts:get(body.contactId)
  if not contact or contact.locationId ~= body.locationId then
    api_errors.bad_request("The contact id is not valid.")
  end
  local place = place_of(context, body.locationId, body.serviceLocationId)
  local where, messages = meeting_location(place, body.meetingLocation)
  local from = instant(body, body.startTime)
  local parts, to = service_times.parts(store, body.locationId, body.services, from)
  service_times.assign(store, body.locationId, parts, context.query)
  local now = store.now()
  local booking = store.service_bookings:add {
    id = store:new_id(),
    locationId = body.locationId,
    contactId = contact.id,
    serviceLocationId = place.id,
    meetingLocation = where,
    title = body.title or contact.name .. " - " .. parts[1].service.name,
    timezone = body.timezone,
    status = body.status or "confirmed",
    deleted = false,
    from = from,
    to = to,
    parts = parts,
    added = now,
    updated = now,
  }
  add_to_ledger(store, "booked", booking)
  return with_messages(booking, messages)
end

function service_bookings.get(context)
  local booking = get(context)
  return view(booking, booking.timezone)
end

-- The services of a booking as a request names them.
local function items_of(booking)
  local items = {}
  for index, part in ipairs(booking.parts) do
    items[index] = { id = part.service.id, staffId = part.user, addOns = part.addOns }
  end
  return items
end

-- Begin, end and parts of a booking after a change. The time must be free if the booking moves or takes its time again.
local function move(context, booking, changed)
  local store, body = context.store, context.body
  local from = body.startTime and instant(changed, body.startTime) or booking.from
  local parts, to = booking.parts, booking.to
  local moves = from ~= booking.from or body.services ~= nil
  local is_active = slots.is_active { appointmentStatus = changed.status }
  local was_active = slots.is_active { appointmentStatus = booking.status }
  if moves or is_active and not was_active then
    parts, to = service_times.parts(store, booking.locationId, body.services or items_of(booking), from)
    local flags = is_active and context.query or { overrideAvailability = true }
    service_times.assign(store, booking.locationId, parts, flags, booking.id)
  end
  return from, to, parts
end

function service_bookings.update(context)
  local store, body, booking = context.store, context.body, get_live(context)
  local changed = { timezone = body.timezone or booking.timezone, status = body.status or booking.status }
  local place, where, messages = nil, booking.meetingLocation, {}
  if body.serviceLocationId or body.meetingLocation or context.cleared.meetingLocation then
    place = place_of(context, booking.locationId, body.serviceLocationId or booking.serviceLocationId)
    local given = body.meetingLocation or not context.cleared.meetingLocation and booking.meetingLocation or nil
    where, messages = meeting_location(place, given)
  end
  booking.from, booking.to, booking.parts = move(context, booking, changed)
  booking.timezone, booking.status = changed.timezone, changed.status
  booking.serviceLocationId, booking.meetingLocation = place and place.id or booking.serviceLocationId, where
  booking.title, booking.updated = body.title or booking.title, store.now()
  add_to_ledger(store, "changed", booking)
  return with_messages(booking, messages)
end

function service_bookings.delete(context)
  local booking = get_live(context)
  booking.deleted, booking.updated = true, context.store.now()
  add_to_ledger(context.store, "deleted", booking)
  return { success = true, message = "Service booking deleted successfully" }
end

return service_bookings
