--- Notes on appointments.
-- @module hoopai.api.notes
local models = require "hoopai.api.models"

-- stylua: ignore start

local note_author = {
  { name = "id", type = "string", doc = "Identifier of the user." },
  { name = "name", type = "string", doc = "Name of the user." },
}

local note = {
  type = "object", class = "Note", doc = "A note on an appointment.", fields = {
    { name = "id", type = "string", doc = "Identifier of the note." },
    { name = "body", type = "string", doc = "Text of the note." },
    { name = "userId", type = "string", doc = "User in whose name it was written." },
    { name = "dateAdded", type = "datetime", doc = "When it was written." },
    { name = "contactId", type = "string", doc = "Contact of the appointment." },
    { name = "createdBy", type = "object", class = "NoteAuthor", fields = note_author, doc = "Its author." },
  },
}

local note_body = {
  type = "object", class = "NoteBody", doc = "Text of a note, with its author.", fields = {
    { name = "userId", type = "string", doc = "User in whose name the note is written." },
    { name = "body", type = "string", required = true, max_length = 5000, doc = "Text of the note." },
  },
}

-- Of an update, null clears the author and not the text.
local note_change = {
  type = "object", class = "NoteUpdate", update = true, doc = "New text of a note.", fields = note_body.fields,
}

local elsewhere = { createdBy = "is read-only here: leave it out, and name the author in `userId`" }

local appointment_id = { name = "appointmentId", type = "string", doc = "Identifier of the appointment." }
local note_id = { name = "noteId", type = "string", doc = "Identifier of the note." }

return {
  name = "notes", doc = "Notes on an appointment.",

  { name = "list", method = "GET", path = "/calendars/appointments/{appointmentId}/notes",
    doc = "List the notes of an appointment; `response.extra.hasMore` says whether there are more.",
    scope = "calendars/events.readonly", retry = "safe",
    params = { appointment_id },
    query = {
      { name = "limit", type = "integer", required = true, default = 20, min = 1, max = 20,
        doc = "How many notes to return at most; filled in because the API requires it." },
      { name = "offset", type = "integer", required = true, default = 0, min = 0,
        doc = "How many notes to skip; filled in because the API requires it." },
    },
    pages = { limit = "limit", skip = "offset", size = 20, id = "id", more = "hasMore" },
    status = 200,
    result = {
      keys = { "notes" }, type = { type = "array", items = note },
      extra = { { name = "hasMore", type = "boolean", doc = "Whether more notes follow these." } },
    },
  },

  { name = "create", method = "POST", path = "/calendars/appointments/{appointmentId}/notes",
    doc = "Write a note on an appointment.",
    scope = "calendars/events.write", retry = "once", reconcile = "list",
    params = { appointment_id },
    body = note_body,
    elsewhere = elsewhere,
    status = 201,
    result = { keys = { "note" }, type = note },
  },

  -- The API cannot get one note: a change whose outcome is unclear is reconciled with the list.
  { name = "update", method = "PUT", path = "/calendars/appointments/{appointmentId}/notes/{noteId}",
    doc = "Rewrite a note.",
    scope = "calendars/events.write", retry = "idempotent", reconcile = "list",
    params = { appointment_id, note_id },
    body = note_change,
    elsewhere = elsewhere,
    status = 200,
    result = { keys = { "note" }, type = note },
  },

  { name = "delete", method = "DELETE", path = "/calendars/appointments/{appointmentId}/notes/{noteId}",
    doc = "Delete a note.",
    scope = "calendars/events.write", retry = "idempotent", reconcile = "list",
    params = { appointment_id, note_id },
    status = 200,
    result = { type = models.success },
  },
}
