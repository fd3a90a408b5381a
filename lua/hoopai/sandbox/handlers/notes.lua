--- Notes on appointments.
-- @module hoopai.sandbox.handlers.notes

local access = require "hoopai.sandbox.domain.access"
local api_errors = require "hoopai.sandbox.api_errors"
local local_time = require "hoopai.sandbox.domain.local_time"

local notes = {}

-- Of an appointment, an instance of a series, or a series.
local function appointment_of(context)
  local id = context.params.appointmentId
  return access.appointment(context, id, "Appointment")
end

local function note_of(context)
  local appointment, note = appointment_of(context), context.store.notes:get(context.params.noteId)
  if not note or note.appointmentId ~= appointment.id then api_errors.not_found("Note not found") end
  return note
end

local function view(store, note)
  local user = note.userId and store.users:get(note.userId)
  return {
    id = note.id,
    body = note.body,
    userId = note.userId,
    contactId = note.contactId,
    dateAdded = local_time.stamp(note.added),
    createdBy = user and { id = user.id, name = user.name } or nil,
  }
end

-- Newest first, in pages.
function notes.list(context)
  local store, query, appointment = context.store, context.query, appointment_of(context)
  local all = store.notes:where(function(note) return note.appointmentId == appointment.id end)
  local page, first = {}, #all - query.offset
  for position = first, first - query.limit + 1, -1 do
    if not all[position] then break end
    page[#page + 1] = view(store, all[position])
  end
  return page, { hasMore = first - query.limit >= 1 }
end

function notes.create(context)
  local store, body, appointment = context.store, context.body, appointment_of(context)
  local note = store.notes:add {
    id = store:new_id(),
    locationId = appointment.locationId,
    appointmentId = appointment.id,
    contactId = appointment.contactId,
    body = body.body,
    userId = body.userId,
    added = store.now(),
  }
  store:announce("NoteCreate", note)
  return view(store, note)
end

function notes.update(context)
  local note, body = note_of(context), context.body
  note.body, note.userId = body.body, body.userId or not context.cleared.userId and note.userId or nil
  context.store:announce("NoteUpdate", note)
  return view(context.store, note)
end

function notes.delete(context)
  local note = note_of(context)
  context.store.notes:remove(note.id)
  context.store:announce("NoteDelete", note)
  return { success = true }
end

return notes
