--- Types and fields that several resources share. Pure data, like the resources themselves.
-- @module hoopai.api.models

local models = {}

-- stylua: ignore start

-- The client fills in its `location_id` for this field.
models.location = {
  name = "locationId", type = "string", required = true,
  doc = "Location (sub-account) of the call; filled in from the client's `location_id`.",
}

models.calendar_id = { name = "calendarId", type = "string", doc = "Identifier of the calendar." }

models.event_id = {
  name = "eventId", type = "string",
  doc = "Identifier of the event, of one instance of a series (`<series>_<start ms>_<seconds>`), "
    .. "or a `masterEventId` for a whole series.",
  example = "q8ZtLw2NfVb5KcRyXs1d",
}

-- The values an event can show. `active` and `completed` can be written with version v3 only.
models.event_status = {
  "new", "confirmed", "cancelled", "showed", "noshow", "invalid", "active", "completed",
}

--- Responses without data. The vendor's document marks `success` as required on one of the five routes only.
models.success = {
  type = "object", class = "Success", doc = "Confirmation without further data.", fields = {
    { name = "success", type = "boolean", doc = "Whether the change was made." },
  },
}

models.deleted = {
  type = "object", class = "Deleted", doc = "Confirmation of a delete.", fields = {
    { name = "success", type = "boolean", required = true, doc = "Whether it was deleted." },
    { name = "message", type = "string", doc = "The same in words." },
  },
}

models.event_author = {
  type = "object", class = "EventAuthor", doc = "The creator of an event.", fields = {
    { name = "userId", type = "string", doc = "User that created it, if it was a person." },
    { name = "source", type = "string", required = true, doc = "Its source, such as a booking widget." },
  },
}

--- An appointment or blocked time, as the read endpoints show it.
-- The vendor's document types the four times as objects; they are ISO 8601 strings. It lists no values of the status,
-- and lacks the misspelt name under which the live API sends the status as well.
models.event = {
  type = "object", class = "Event", doc = "An appointment or a blocked time.", fields = {
    { name = "id", type = "string", required = true, doc = "Identifier of the event or of one instance of a series." },
    { name = "address", type = "string", doc = "Place of the meeting: an address, a number or a link." },
    { name = "title", type = "string", required = true, doc = "Title shown in the calendar." },
    { name = "calendarId", type = "string", required = true, doc = "Calendar it is in." },
    { name = "locationId", type = "string", required = true, doc = "Location (sub-account) it belongs to." },
    { name = "contactId", type = "string", required = true, doc = "Contact it was booked for." },
    { name = "groupId", type = "string", required = true, doc = "Group of its calendar." },
    { name = "appointmentStatus", type = "string", required = true, enum = models.event_status,
      doc = "State of the booking." },
    { name = "appoinmentStatus", type = "string", undocumented = true, enum = models.event_status,
      doc = "The same state under the API's misspelt name; a response may have either or both." },
    { name = "assignedUserId", type = "string", required = true, doc = "User that it belongs to." },
    { name = "users", type = "array", required = true, items = { type = "string" },
      doc = "Further users that take part." },
    { name = "notes", type = "string", doc = "Remarks kept on the event itself." },
    { name = "description", type = "string", doc = "Longer description." },
    { name = "isRecurring", type = "boolean", doc = "Whether it is part of a series." },
    { name = "rrule", type = "string", doc = "Rule of the series (RFC 5545), without DTSTART." },
    { name = "startTime", type = "datetime", required = true, doc = "When it begins." },
    { name = "endTime", type = "datetime", required = true, doc = "When it ends." },
    { name = "dateAdded", type = "datetime", required = true, doc = "When it was created." },
    { name = "dateUpdated", type = "datetime", required = true, doc = "When it was last changed." },
    { name = "assignedResources", type = "array", items = { type = "string" },
      doc = "Identifiers of the rooms and equipment that are reserved for it." },
    { name = "createdBy", type = "object", class = "EventAuthor", fields = models.event_author.fields,
      doc = "Its creator." },
    { name = "masterEventId", type = "string", doc = "Series this instance belongs to." },
    { name = "deleted", type = "boolean", since = "v3", doc = "Whether it was deleted." },
  },
}

-- 0:00 to 23:59. Lua patterns have no alternatives, so hours from 24 to 29 pass here; the API checks them.
local clock = "^[0-2]?%d:[0-5]%d$"

local interval = {
  type = "object", class = "ScheduleInterval", doc = "Hours of one day.", fields = {
    { name = "from", type = "string", required = true, pattern = clock, doc = "Start, HH:MM on the 24-hour clock.",
      example = "08:30" },
    { name = "to", type = "string", required = true, pattern = clock, doc = "End, HH:MM on the 24-hour clock.",
      example = "16:45" },
  },
}

models.schedule_rules = {
  name = "rules", type = "array", doc = "When there can be bookings.", items = {
    type = "object", class = "ScheduleRule", doc = "Hours of a weekday, or of one date.", fields = {
      { name = "type", type = "string", required = true, enum = { "wday", "date" },
        doc = "`wday`: each such weekday; `date`: a single day." },
      { name = "intervals", type = "array", required = true, items = interval,
        doc = "Hours in which there can be bookings." },
      { name = "date", type = "date", pattern = "^%d%d%d%d%-%d%d%-%d%d$", doc = "The day, when the type is `date`.",
        example = "2026-12-24" },
      { name = "day", type = "string",
        enum = { "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday" },
        doc = "The weekday, when the type is `wday`." },
    },
  },
}

-- The documented pattern: exactly two parts without digits or hyphens, hence neither UTC nor
-- America/Argentina/Buenos_Aires.
models.zone_pattern = "^[A-Za-z_]+/[A-Za-z_]+$"
models.zone_doc = "Time zone of the hours; the API documents names of the form Area/City only."

-- What to do about a refusal of the API, by a part of its text in lower case.
models.zone_hints = {
  ["timezone must match"] = 'The API takes names of the form Area/City only, such as "Africa/Abidjan" for "UTC".',
}

return models
