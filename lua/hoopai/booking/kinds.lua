--- The kinds of bookings that `book` makes: appointments and service bookings. A kind says how one is created, listed
-- and read, where its reference stands, and by what it is known without one.
--
--     book, find         the names of its two methods
--     create             the key of the endpoint that creates one; `path` is that of the endpoint
--     id                 the name of its identifier
--     text               the field that carries the reference
--     before_mark        what stands between the caller's text and the reference
--     by_default         whether a booking gets a reference unless the caller wants none
--     has_slots          whether the API lists the slots that are free for it
--     has_envelope       whether the record stands in an envelope in the response, which then proves that it is one
--     identity           the fields of the request that identify it, beside the instants
--     list, get, send    the requests of it
--     status_of(record)
--     is_outside(wanted, record)     whether a record of the list belongs to another calendar than the booking
--     is_elsewhere(wanted, record)   whether a record shows other services than those that were booked
--     place(body)        what two bookings of one slot share that must take turns
--     reference_place(body)  what two bookings with one reference share that must take turns
local ipairs, type = ipairs, type

local kinds = {}

kinds.appointments = {
  book = "appointments:book",
  find = "appointments:find_booking",
  create = "appointments.create",
  path = "/calendars/events/appointments",
  id = "id",
  text = "description",
  before_mark = "\n\n",
  by_default = true,
  has_slots = true,
  has_envelope = true,
  identity = { "calendarId", "contactId", "locationId", "assignedUserId" },
}

function kinds.appointments.list(client, wanted, from, to, call_options)
  return client.events:list(
    { locationId = wanted.locationId, calendarId = wanted.calendarId, startTime = from, endTime = to },
    call_options
  )
end

function kinds.appointments.get(client, id, call_options) return client.appointments:get(id, call_options) end

function kinds.appointments.send(client, body, call_options) return client.appointments:create(body, call_options) end

function kinds.appointments.status_of(record) return record.appointmentStatus or record.appoinmentStatus end

function kinds.appointments.is_outside(wanted, record)
  return (record.calendarId or wanted.calendarId) ~= wanted.calendarId
end

function kinds.appointments.is_elsewhere() return false end

function kinds.appointments.place(body) return body.calendarId end

kinds.appointments.reference_place = kinds.appointments.place

-- A service booking has no description: its reference would stand in its title, where people see it. Hence it gets none
-- unless the caller wants one.
kinds.service_bookings = {
  book = "service_bookings:book",
  find = "service_bookings:find_booking",
  create = "service_bookings.create",
  path = "/calendars/services/bookings",
  id = "bookingId",
  text = "title",
  before_mark = " ",
  by_default = false,
  has_slots = false,
  has_envelope = false,
  identity = { "contactId", "locationId", "services" },
}

function kinds.service_bookings.list(client, wanted, from, to, call_options)
  return client.service_bookings:list({ locationId = wanted.locationId, startTime = from, endTime = to }, call_options)
end

function kinds.service_bookings.get(client, id, call_options) return client.service_bookings:get(id, call_options) end

function kinds.service_bookings.send(client, body, call_options)
  return client.service_bookings:create(body, call_options)
end

function kinds.service_bookings.is_outside() return false end

function kinds.service_bookings.status_of(record) return record.status end

--- Whether a service of a record may be the one that was booked. A member of the staff that was not asked for says
-- nothing.
local function may_be(wanted, shown)
  if type(shown) ~= "table" or shown.id ~= nil and shown.id ~= wanted.id then return false end
  return wanted.staffId == nil or shown.serviceStaffId == nil or shown.serviceStaffId == wanted.staffId
end

--- Takes the service of a record that is the one that was booked.
local function take(shown, wanted)
  for index, service in ipairs(shown) do
    if may_be(wanted, service) then
      shown[index] = shown[#shown]
      shown[#shown] = nil
      return true
    end
  end
  return false
end

--- The services of a record may be in another order than those of the request.
function kinds.service_bookings.is_elsewhere(wanted, record)
  local services, shown = wanted.services, {}
  if type(record.services) ~= "table" or record.services[1] == nil then return false end
  if #record.services ~= #services then return true end
  for index, service in ipairs(record.services) do
    shown[index] = service
  end
  for pass = 1, 2 do -- those of a certain member of the staff first: the others may be any
    for _, service in ipairs(services) do
      local is_certain = service.staffId ~= nil
      if is_certain == (pass == 1) and not take(shown, service) then return true end
    end
  end
  return false
end

function kinds.service_bookings.place(body) return body.contactId end

function kinds.service_bookings.reference_place(body) return body.locationId or "" end

return kinds
