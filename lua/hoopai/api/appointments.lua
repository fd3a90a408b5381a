--- Appointments: booking, moving and cancelling.
-- @module hoopai.api.appointments
local models = require "hoopai.api.models"

-- stylua: ignore start

local meeting_location_types = { "custom", "zoom", "gmeet", "phone", "address", "ms_teams", "google" }

local title = { name = "title", type = "string", doc = "Title shown in the calendar." }
local meeting_location_type = {
  name = "meetingLocationType", type = "string", enum = meeting_location_types,
  doc = "Kind of meeting place; becomes `custom` when an `address` is given.",
}
local place_doc = "Which of the places configured on the calendar or its team member to use (their `meetingId`)."
local override_location_config = {
  name = "overrideLocationConfig", type = "boolean",
  doc = "Replace the configured place: true with `meetingLocationType` alone, false with `meetingLocationId` alone.",
}
local appointment_status = {
  name = "appointmentStatus", type = "string", clearable = false,
  enum = { "new", "confirmed", "cancelled", "showed", "noshow", "invalid", "completed", "active" },
  enum_since = { completed = "v3", active = "v3" },
  doc = "State of the booking; `new` holds its slot, and stays `new` in a calendar with `autoConfirm`.",
}
local assigned_user_id = {
  name = "assignedUserId", type = "string",
  doc = "User with whom it is booked; many calendars require one, above all with `ignoreFreeSlotValidation`.",
}
local description = { name = "description", type = "string", doc = "Longer description." }
local address = { name = "address", type = "string", doc = "Place of the meeting: an address, a number or a link." }
local ignore_date_range = {
  name = "ignoreDateRange", type = "boolean",
  doc = "Book outside the calendar's minimum notice and booking window.",
}
local to_notify = {
  name = "toNotify", type = "boolean", doc = "False keeps the automations from running; by default they run.",
}
local ignore_free_slot_validation = {
  name = "ignoreFreeSlotValidation", type = "boolean",
  doc = "Book without checking that the slot is free: switches off the server's guard against double booking, "
    .. "and `ignoreDateRange` with it.",
}
local rrule = {
  name = "rrule", type = "string", pattern = "^%C+$", -- a line break would begin another property
  doc = "Rule of a series (RFC 5545), without DTSTART; only honoured together with `ignoreFreeSlotValidation`.",
  example = "RRULE:FREQ=WEEKLY;INTERVAL=1;COUNT=4",
}
local end_time = {
  name = "endTime", type = "datetime", clearable = false,
  doc = "When it ends. Default on create: after the calendar's slot duration.",
  example = "2026-01-05T10:30:00-05:00",
}

--- What create and update return. The live API leaves out the times.
local appointment = {
  type = "object", class = "Appointment", doc = "An appointment, as create and update return it.", fields = {
    { name = "calendarId", type = "string", required = true, doc = "Calendar it is in." },
    { name = "locationId", type = "string", required = true, doc = "Location (sub-account) it belongs to." },
    { name = "contactId", type = "string", required = true, doc = "Contact it was booked for." },
    { name = "startTime", type = "datetime", doc = "When it begins; often left out of the response." },
    { name = "endTime", type = "datetime", doc = "When it ends; often left out of the response." },
    { name = "title", type = "string", doc = "Title shown in the calendar." },
    { name = "meetingLocationType", type = "string", default = "default", doc = "Kind of meeting place." },
    { name = "appointmentStatus", type = "string", enum = models.event_status, doc = "State of the booking." },
    { name = "appoinmentStatus", type = "string", undocumented = true, enum = models.event_status,
      doc = "The same state under the API's misspelt name; a response may have either or both." },
    { name = "assignedUserId", type = "string", doc = "User with whom it is booked." },
    { name = "address", type = "string", doc = "Place of the meeting." },
    { name = "isRecurring", type = "boolean", doc = "Whether it is part of a series." },
    { name = "rrule", type = "string", doc = "Rule of the series (RFC 5545)." },
    { name = "id", type = "string", required = true, doc = "Identifier of the appointment." },
    { name = "dateAdded", type = "datetime", since = "v3", doc = "When it was created." },
    { name = "dateUpdated", type = "datetime", since = "v3", doc = "When it was last changed." },
  },
}

-- What can be read, and is changed in another way than by a field of the same name.
local elsewhere = {
  appoinmentStatus = "is read-only here: leave it out, and write `appointmentStatus`",
  groupId = "is read-only here: leave it out, and use calendars:update(calendarId, { groupId = ... })",
  isRecurring = "is read-only here: leave it out, and write `rrule` to make a series",
  notes = "is read-only here: leave it out, and use notes:create(appointmentId, { body = ... })",
  deleted = "is read-only here: leave it out, and use appointments:delete(eventId) to delete it",
}

-- The end must be after the start.
local booked_time = { from = "startTime", to = "endTime" }

return {
  name = "appointments", doc = "Bookings of contacts in calendars.",

  -- The API has no list of appointments: a create whose outcome is unclear is reconciled with the calendar's events.
  { name = "create", method = "POST", path = "/calendars/events/appointments",
    doc = "Book an appointment; send the slot string exactly as `free_slots` gave it.",
    scope = "calendars/events.write", retry = "once", reconcile = "list", reconcile_with = "events.list",
    params = {},
    body = { type = "object", class = "AppointmentCreate", range = booked_time,
      doc = "A booking to be made.", fields = {
      title,
      meeting_location_type,
      { name = "meetingLocationId", type = "string", default = "default", doc = place_doc, example = "custom_0" },
      override_location_config,
      appointment_status,
      assigned_user_id,
      description,
      address,
      ignore_date_range,
      to_notify,
      ignore_free_slot_validation,
      rrule,
      { name = "calendarId", type = "string", required = true, doc = "Calendar to book in." },
      models.location,
      { name = "contactId", type = "string", required = true, doc = "Contact the booking is for." },
      { name = "startTime", type = "datetime", required = true,
        doc = "When it begins; the API takes its time zone from the offset.",
        example = "2026-01-05T10:00:00-05:00" },
      end_time,
    } },
    elsewhere = elsewhere,
    confirms = { "locationId", "calendarId", "contactId", "startTime" },
    status = 200,
    result = { type = appointment },
  },

  { name = "get", method = "GET", path = "/calendars/events/appointments/{eventId}",
    doc = "Get one appointment.",
    scope = "calendars/events.readonly", retry = "safe",
    params = { models.event_id },
    status = 200,
    -- The vendor's document names the key `event`; the live API sends `appointment`.
    result = { keys = { "event", "appointment" }, type = models.event },
  },

  { name = "update", method = "PUT", path = "/calendars/events/appointments/{eventId}",
    doc = "Change an appointment: move it, reassign it, set its status.",
    scope = "calendars/events.write", retry = "idempotent", reconcile = "get",
    params = { models.event_id },
    body = { type = "object", class = "AppointmentUpdate", update = true, range = booked_time,
      doc = "What to change; fields left out stay.", fields = {
      title,
      meeting_location_type,
      { name = "meetingLocationId", type = "string", doc = place_doc, example = "custom_0" },
      override_location_config,
      appointment_status,
      assigned_user_id,
      description,
      address,
      ignore_date_range,
      to_notify,
      ignore_free_slot_validation,
      rrule,
      { name = "calendarId", type = "string", clearable = false, doc = "Calendar to move it to." },
      { name = "startTime", type = "datetime", clearable = false,
        doc = "New start; the API takes its time zone from the offset.",
        example = "2026-01-05T10:00:00-05:00" },
      end_time,
    } },
    elsewhere = elsewhere,
    status = 200,
    result = { type = appointment },
  },

  { name = "cancel", alias = "appointments.update", preset = { appointmentStatus = "cancelled" },
    doc = "Cancel an appointment: sets its status to `cancelled` and keeps it." },

  -- The caller says that the id is an appointment's, so a delete whose outcome is unclear can be reconciled.
  { name = "delete", alias = "events.delete", reconcile = "get", reconcile_with = "appointments.get",
    doc = "Delete an appointment for good; to call it off and keep it use `cancel`." },
}
