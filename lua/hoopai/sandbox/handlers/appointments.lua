--- Appointments.
-- @module hoopai.sandbox.handlers.appointments

local access = require "hoopai.sandbox.domain.access"
local bookings = require "hoopai.sandbox.domain.bookings"
local api_errors = require "hoopai.sandbox.api_errors"
local serializers = require "hoopai.sandbox.domain.serializers"

local appointments = {}

local function get(context) return access.appointment(context, context.params.eventId, "Appointment") end

function appointments.create(context)
  local store, body = context.store, context.body
  local calendar = access.get(context, "calendars", body.calendarId, "Calendar")
  local contact = store.contacts:get(body.contactId)
  if not contact or contact.locationId ~= calendar.locationId then
    api_errors.bad_request("The contact id is not valid.")
  end
  return serializers.appointment(bookings.create(store, calendar, contact, body))
end

function appointments.get(context) return serializers.one_event(context.store, get(context)) end

function appointments.update(context)
  local body, appointment = context.body, get(context)
  local calendar = access.get(context, "calendars", body.calendarId or appointment.calendarId, "Calendar")
  return serializers.appointment(bookings.update(context.store, appointment, calendar, body, context.cleared))
end

return appointments
