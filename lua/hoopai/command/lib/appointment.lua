--- What the commands about one appointment share: how it is read, shown, and asked about.
local copy = require "hoopai.command.lib.copy"
local failure = require "hoopai.command.lib.failure"

local io, ipairs = io, ipairs
local concat, format = table.concat, string.format

local appointment = {}

--- The argument of these commands.
appointment.ARGUMENT =
  { "appointment", convert = "word", description = "The id of the appointment; `hoopai events` lists the ids." }

--- The option of all commands that ask first.
appointment.YES = { "-y --yes", description = "Do not ask." }

--- Reads an appointment.
-- @tparam table context
-- @tparam string id
-- @treturn table the record
-- @treturn string the zone in which its times are shown
-- @treturn string where the zone comes from, for people
-- @raise the Error of the request, and a failure of kind "not_found" for an id that no appointment has
function appointment.read(context, id)
  local record, problem = context:client().appointments:get(id)
  if not record and problem.kind == "not_found" then
    failure.refuse("not_found", format('there is no appointment "%s"', id), "`hoopai events` lists the ids")
  end
  context.check(record, problem)
  return record, context:zone(context:names():by_id("calendars", record.calendarId))
end

--- A moment for people, such as "Mon 2026-12-07 09:30 (Europe/London)".
-- @tparam instant instant
-- @tparam string zone
-- @treturn string
function appointment.moment(instant, zone) return format("%s (%s)", instant:format("%a %F %R", zone), zone) end

--- One line about an appointment.
-- @tparam table context
-- @tparam table record
-- @tparam string zone
-- @treturn string
function appointment.line(context, record, zone)
  local start = context.instant(record.startTime)
  local calendar = context:names():of("calendars", record.calendarId)
  local parts = {}
  if record.title and record.title ~= "" then parts[1] = format('"%s"', record.title) end
  if calendar ~= "" then parts[#parts + 1] = calendar end
  parts[#parts + 1] = start and appointment.moment(start, zone) or "no time"
  return concat(parts, ", ")
end

--- The record with times in a zone, as --json prints it.
-- @tparam table context
-- @tparam table record
-- @tparam string zone
-- @tparam ?table more further fields
-- @treturn table
function appointment.document(context, record, zone, more)
  local document = copy(record, more)
  for _, name in ipairs { "startTime", "endTime" } do
    local instant = context.instant(record[name])
    if instant then document[name] = instant:iso(zone) end
  end
  return document
end

--- Asks before a change. Without a terminal there is no reply, so --yes is needed.
-- @tparam table options `yes`, `dry_run`
-- @tparam string question
-- @raise wrong use without a terminal; a failure of kind "declined"
function appointment.ask(options, question)
  if options.yes or options.dry_run then return end
  local terminal = require "hoopai.command.lib.terminal"
  local printable = require "hoopai.command.lib.printable"
  if not terminal.is_terminal(0) then
    failure.usage("there is no terminal to ask on", "write --yes to go on without a question")
  end
  io.stdout:flush()
  if not terminal.confirm(printable(question), true) then failure.refuse("declined", "nothing was changed") end
end

return appointment
