--- Service bookings: one or more services for a contact, one after the other.
--
-- Some fields have one name in a request and another one in a response: `shown_as` is that of the response, false for a
-- field that no response shows.
-- @module hoopai.api.service_bookings
local models = require "hoopai.api.models"

local unpack = table.unpack

-- stylua: ignore start

local STATUS = { "confirmed", "cancelled", "invalid", "new", "showed", "no_show" }

local booking_id = { name = "bookingId", type = "string", doc = "Identifier of the service booking." }

-- Sent in the query, although they stand beside the fields of the body.
local override_availability = {
  name = "overrideAvailability", type = "boolean", in_query = true, clearable = false, default = false,
  doc = "Book without any check of the time: switches off the server's guard against double booking, "
    .. "and `skipSchedulingNotice` with it.",
}
local skip_scheduling_notice = {
  name = "skipSchedulingNotice", type = "boolean", in_query = true, clearable = false, default = false,
  doc = "Book outside the minimum notice and the range of dates.",
}

local SERVICES_DOC = "What is booked, in this order."
local booked_services = {
  type = "object", class = "ServiceBookingItem", doc = "A service to be booked.", fields = {
    { name = "id", type = "string", required = true, doc = "Service to book." },
    { name = "staffId", type = "string", shown_as = "serviceStaffId",
      doc = "User who is to give it; the API chooses one without it." },
    { name = "position", type = "integer", shown_as = false, doc = "Its place among the services, from 0." },
    { name = "addOns", type = "array", shown_as = "serviceAddOns", doc = "What is added to it.", items = {
      type = "object", class = "ServiceAddOn", doc = "An addition to a service.", fields = {
        { name = "id", type = "string", required = true, doc = "Identifier of the addition." },
        { name = "quantity", type = "integer", doc = "How many of it." },
        { name = "duration", type = "integer", shown_as = false, doc = "How many minutes it takes." },
      },
    } },
  },
}

local service_location_id = {
  name = "serviceLocationId", type = "string", doc = "Where; the default service location without it.",
}
local meeting_location = {
  name = "meetingLocation", type = "string",
  doc = "The customer's place: required by a service location of type `ask_booker`, ignored by another one.",
}

-- An identifier in a list of such.
local function part(class, doc, more)
  local fields = { { name = "id", type = "string", required = true, doc = "Its identifier." }, more }
  return { type = "object", class = class, doc = doc, fields = fields }
end

local shown_services = {
  type = "object", class = "BookedService", doc = "A service of a booking.", fields = {
    { name = "id", type = "string", required = true, doc = "Service that is booked." },
    { name = "serviceCategoryId", type = "string", required = true, doc = "Category of the service." },
    { name = "serviceStaffId", type = "string", required = true, doc = "User who gives it." },
    { name = "serviceStartTime", type = "datetime", required = true,
      doc = "When it begins; may be empty in a booking that is cancelled or deleted." },
    { name = "serviceEndTime", type = "datetime", required = true,
      doc = "When it ends; may be empty in a booking that is cancelled or deleted." },
    { name = "serviceResources", type = "array", items = part("ServiceResource", "A room or a piece of equipment."),
      doc = "Rooms and equipment that are reserved for it." },
    { name = "serviceAddOns", type = "array", doc = "What is added to it.",
      items = part("BookedAddOn", "An addition to a booked service.",
        { name = "quantity", type = "integer", doc = "How many of it." }) },
  },
}

local shown = {
  { name = "bookingId", type = "string", required = true, doc = "Identifier of the service booking." },
  { name = "locationId", type = "string", required = true, doc = "Location (sub-account) it belongs to." },
  { name = "contactId", type = "string", required = true, doc = "Contact it was booked for." },
  { name = "serviceLocationId", type = "string", required = true, doc = "Where it takes place." },
  { name = "title", type = "string", required = true, doc = "Title shown in the calendar." },
  { name = "startTime", type = "datetime", required = true, doc = "When it begins." },
  { name = "endTime", type = "datetime", required = true, doc = "When it ends." },
  { name = "services", type = "array", required = true, items = shown_services, doc = "What is booked." },
  { name = "timezone", type = "timezone", required = true, doc = "Time zone of the booking." },
  { name = "status", type = "string", required = true, enum = STATUS, doc = "State of the booking." },
  { name = "deleted", type = "boolean", required = true, doc = "Whether it was deleted." },
  { name = "dateAdded", type = "datetime", required = true, doc = "When it was created." },
  { name = "dateUpdated", type = "datetime", required = true, doc = "When it was last changed." },
  { name = "createdBy", type = "object", class = "EventAuthor", required = true, fields = models.event_author.fields,
    doc = "Its creator." },
  { name = "meetingLocation", type = "string", doc = "The customer's place." },
}

local booking = {
  type = "object", class = "ServiceBooking", id = "bookingId", doc = "A booking of services.", fields = shown,
}

--- What create and update return.
local function with_messages()
  local fields = { unpack(shown) }
  fields[#fields + 1] = {
    name = "messages", type = "array", items = { type = "string" }, flat = true,
    doc = "Warnings, such as that `meetingLocation` was ignored.",
  }
  return {
    type = "object", class = "ServiceBookingChange", id = "bookingId",
    doc = "A booking of services, as create and update return it.", fields = fields,
  }
end

local booked_time = { from = "startTime", to = "endTime" }

-- The API may compute another end: from the lengths of the services, and of what is added to them.
local function end_time(more)
  return { name = "endTime", type = "datetime", required = more.required, clearable = more.clearable, computed = true,
    doc = "When it ends; the API may set the end that follows from its services.",
    example = "2026-01-05T10:30:00-05:00" }
end

-- What can be read, and is written in another way than by a field of the same name.
local elsewhere = {
  bookingId = "is read-only here: leave it out",
  deleted = "is read-only here: leave it out, and use service_bookings:delete(bookingId) to delete it",
  ["services.serviceStaffId"] = "is read-only here: leave it out, and write `staffId`",
  ["services.serviceAddOns"] = "is read-only here: leave it out, and write `addOns`",
  appointmentStatus = "is read-only here: leave it out, and write `status`",
}

return {
  name = "service_bookings", doc = "Bookings of services.",

  { name = "list", method = "GET", path = "/calendars/services/bookings",
    doc = "List the service bookings between two instants.",
    version = "v3", scope = "calendars/events.readonly", retry = "safe",
    params = {},
    query = {
      models.location,
      { name = "startTime", type = "epoch_ms", wire = "string", required = true, doc = "Start of the window.",
        example = 1767571200000 },
      { name = "endTime", type = "epoch_ms", wire = "string", required = true, doc = "End of the window.",
        example = 1767657600000 },
      { name = "timezone", type = "timezone", doc = "Time zone of the instants in the response.",
        example = "America/New_York" },
      { name = "serviceLocationId", type = "string", doc = "Only bookings at this service location." },
    },
    range = booked_time,
    status = 200,
    result = { keys = { "bookings" }, type = { type = "array", items = booking } },
  },

  { name = "create", method = "POST", path = "/calendars/services/bookings",
    doc = "Book services; sent once. To be sure of the outcome use `book`.",
    version = "v3", scope = "calendars/events.write", retry = "once", reconcile = "list",
    params = {},
    body = { type = "object", class = "ServiceBookingCreate", range = booked_time, doc = "A booking to be made.",
      fields = {
        models.location,
        { name = "contactId", type = "string", required = true, doc = "Contact the booking is for." },
        { name = "startTime", type = "datetime", required = true, doc = "When it begins.",
          example = "2026-01-05T10:00:00-05:00" },
        end_time { required = true },
        { name = "timezone", type = "timezone", required = true, doc = "Time zone of the booking.",
          example = "America/New_York" },
        { name = "services", type = "array", required = true, min_items = 1, items = booked_services,
          doc = SERVICES_DOC },
        service_location_id,
        meeting_location,
        { name = "title", type = "string", doc = "Title shown in the calendar." },
        { name = "status", type = "string", enum = { "confirmed", "new" },
          doc = "State of the booking; that of the location's settings without it." },
        override_availability,
        skip_scheduling_notice,
      } },
    elsewhere = elsewhere,
    confirms = { "locationId", "contactId", "startTime" },
    status = 201,
    result = { type = with_messages() },
  },

  { name = "get", method = "GET", path = "/calendars/services/bookings/{bookingId}",
    doc = "Get one service booking.",
    version = "v3", scope = "calendars/events.readonly", retry = "safe",
    params = { booking_id },
    status = 200,
    result = { type = booking },
  },

  { name = "update", method = "PUT", path = "/calendars/services/bookings/{bookingId}",
    doc = "Change a service booking: move it, set its status, replace its services.",
    version = "v3", scope = "calendars/events.write", retry = "idempotent", reconcile = "get",
    params = { booking_id },
    body = { type = "object", class = "ServiceBookingUpdate", update = true, range = booked_time,
      doc = "What to change; fields left out stay.", fields = {
      { name = "title", type = "string", clearable = false, doc = "Title shown in the calendar." },
      { name = "status", type = "string", clearable = false, enum = STATUS,
        doc = "State of the booking; `no_show` is `noshow` in appointments." },
      { name = "startTime", type = "datetime", clearable = false, doc = "New start.",
        example = "2026-01-05T10:00:00-05:00" },
      end_time { clearable = false },
      { name = "timezone", type = "timezone", clearable = false, doc = "Time zone of the booking.",
        example = "America/New_York" },
      { name = "services", type = "array", clearable = false, any_order = true, min_items = 1, items = booked_services,
        doc = "All its services: they replace those that it has." },
      { name = "serviceLocationId", type = "string", clearable = false, doc = "Where it takes place." },
      meeting_location,
      override_availability,
      skip_scheduling_notice,
    } },
    elsewhere = elsewhere,
    status = 200,
    result = { type = with_messages() },
  },

  { name = "cancel", alias = "service_bookings.update", preset = { status = "cancelled" },
    doc = "Cancel a service booking: sets its status to `cancelled` and keeps it." },

  { name = "delete", method = "DELETE", path = "/calendars/services/bookings/{bookingId}",
    doc = "Delete a service booking for good; to call it off and keep it use `cancel`.",
    version = "v3", scope = "calendars/events.write", retry = "idempotent", reconcile = "get",
    params = { booking_id },
    status = 200,
    result = { type = models.deleted },
  },
}
