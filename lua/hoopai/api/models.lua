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

-- The values an event can show; `active` and `completed` can be read but not written.
models.event_status = {
  "new", "confirmed", "cancelled", "showed", "noshow", "invalid", "active", "completed",
}

--- Responses without data. The vendor's document marks `success` as required on one of the five routes only.
models.success = {
  type = "object", class = "Success", doc = "Confirmation without further data.", fields = {
    { name = "success", type = "boolean", doc = "Whether the change was made." },
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
    { name = "deleted", type = "boolean", undocumented = true,
      doc = "Whether it was deleted; newer versions of the API show it." },
  },
}

return models
