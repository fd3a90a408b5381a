--- The commands that change something, for the specs that try all of them on the clinic of spec.support.clinic.
--
-- `words` is the command line without --yes; `reads` says whether anything is read first; `asks` is the question, or
-- nil; `write` is how the request begins; `name` is the change in the lists of what is done or unclear; `done` is what
-- is printed in the end, and `again` what the same words print afterwards.

local clinic = require "spec.support.clinic"

local APPOINTMENT = "Appointment000000001"
local NOTED, NOTE = "Appointment000000002", "Note0000000000000001" -- one with a note
local BOOK = { "book", "massage", "--contact", clinic.CONTACT, "--at", "2024-03-05T12:00" }
local LINE = '"山田 太郎", Massage 按摩, Mon 2024%-03%-04 09:00 %(Europe/Berlin%)'

local changes = {}

--- The words of a command, and further ones.
function changes.with(words, ...)
  local all = { table.unpack(words) }
  return table.move({ ... }, 1, select("#", ...), #all + 1, all)
end

changes.list = {
  {
    words = changes.with(BOOK, "--reference", "order-0099"),
    reads = true,
    asks = "Book Massage 按摩 for contact " .. clinic.CONTACT .. ", Tue 2024%-03%-05 12:00 %(Europe/Berlin%)%?",
    write = "POST /calendars/events/appointments",
    name = "the booking in Massage 按摩 %(%-%-reference order%-0099%)",
    done = '^booked "Anna Berg", Massage 按摩, Tue 2024%-03%-05 12:00 %(Europe/Berlin%)\nappointment %S+\n$',
    again = "^was booked already: ",
  },
  {
    words = BOOK,
    reads = true,
    asks = "Book Massage 按摩 for contact " .. clinic.CONTACT .. ", Tue 2024%-03%-05 12:00 %(Europe/Berlin%)%?",
    write = "POST /calendars/events/appointments",
    name = "the booking in Massage 按摩 %(%-%-reference cli%-%x+%)",
    done = '^booked "Anna Berg", Massage 按摩, Tue 2024%-03%-05 12:00 %(Europe/Berlin%)\nappointment %S+\n$',
  },
  {
    words = { "cancel", APPOINTMENT },
    reads = true,
    asks = "Cancel " .. LINE .. "%?",
    write = "PUT /calendars/events/appointments/" .. APPOINTMENT,
    name = "the cancellation of " .. LINE .. " %(" .. APPOINTMENT .. "%)",
    done = "^cancelled " .. LINE .. "\n$",
    again = "^was cancelled already: ",
  },
  {
    words = { "move", APPOINTMENT, "2024-03-05T09:00" },
    reads = true,
    asks = "Move " .. LINE .. " to Tue 2024%-03%-05 09:00 %(Europe/Berlin%)%?",
    write = "PUT /calendars/events/appointments/" .. APPOINTMENT,
    name = "the move of " .. LINE .. " %(" .. APPOINTMENT .. "%) to Tue 2024%-03%-05 09:00 %(Europe/Berlin%)",
    done = "^moved " .. LINE .. " to Tue 2024%-03%-05 09:00 %(Europe/Berlin%)\n$",
    again = "^%l+ there already: ",
  },
  {
    words = { "notes", NOTED, "--delete", NOTE },
    asks = "Delete note " .. NOTE .. "%?",
    write = "DELETE /calendars/appointments/" .. NOTED .. "/notes/" .. NOTE,
    name = "the deletion of note " .. NOTE,
    done = "^deleted note " .. NOTE .. "\n$",
  },
  {
    words = { "notes", NOTED, "--add", "called back" },
    write = "POST /calendars/appointments/" .. NOTED .. "/notes",
    name = "the note on " .. NOTED,
    done = "^added note %S+\n$",
  },
  {
    words = { "notes", NOTED, "--edit", NOTE, "called back twice" },
    write = "PUT /calendars/appointments/" .. NOTED .. "/notes/" .. NOTE,
    name = "the change of note " .. NOTE,
    done = "^changed note " .. NOTE .. "\n$",
  },
  {
    words = { "block", "UserLee", "2024-03-06" },
    reads = true,
    write = "POST /calendars/events/block-slots",
    name = "the block of Lee Marsh from 2024%-03%-06 00:00 [^\n]*",
    done = "^blocked Lee Marsh from 2024%-03%-06 00:00 ",
    again = "^was blocked already: ",
  },
  {
    words = { "api", "DELETE", "/calendars/events/" .. APPOINTMENT },
    write = "DELETE /calendars/events/" .. APPOINTMENT,
    name = "DELETE /calendars/events/" .. APPOINTMENT,
    done = "^{",
  },
}

return changes
