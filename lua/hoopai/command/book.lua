--- `hoopai book`: books a slot, once.
local appointment = require "hoopai.command.lib.appointment"
local copy = require "hoopai.command.lib.copy"
local failure = require "hoopai.command.lib.failure"
local profiles = require "hoopai.command.lib.profile"
local span = require "hoopai.command.lib.span"

local io = io
local format, gsub, byte = string.format, string.gsub, string.byte

--- A reference that no other booking has.
local function new_reference()
  local file = io.open("/dev/urandom", "rb")
  local bytes = file and file:read(8)
  if file then file:close() end
  if not bytes then failure.refuse("reference", "/dev/urandom cannot be read", "write --reference TEXT") end
  return "cli-" .. gsub(bytes, ".", function(char) return format("%02x", byte(char)) end)
end

--- The contact: of the option, else of the environment.
local function contact_of(options)
  local id = options.contact or profiles.variable "CONTACT_ID"
  if id then return id end
  failure.usage("whose appointment is it?", "write --contact ID")
end

--- The window in which a free slot is wanted, or the slot itself.
local function wanted_time(options, zone)
  if options.at then
    local instant, after = span.day(options.at, zone, "--at")
    if after then failure.usage("--at is a day: write a time too", "such as --at " .. options.at .. "T09:30") end
    return { startTime = instant:iso(zone) }
  end
  local from, to = span.read(options, zone, "now")
  return { from = from, to = to, timezone = zone }
end

--- The first free slot of the window, which the question names; or nil and an Error.
local function next_slot(context, calendar, user, time)
  return context:client().calendars:next_slot {
    calendarIds = { calendar.id },
    from = time.from,
    to = time.to,
    timezone = time.timezone,
    userId = user and user.id,
  }
end

--- What is asked, and whether the slot is fixed by the reply. A booking of an own reference may be there already, in
-- another slot: then `book` must look for it in the whole window, even if nothing in it is free any more.
local function settle(context, options, wanted, time)
  local calendar, user, zone = wanted.calendar, wanted.user, wanted.zone
  local label = format("%s for contact %s", calendar.name or calendar.id, wanted.contact)
  if time.startTime then
    return format("Book %s, %s?", label, appointment.moment(context.instant(time.startTime), zone)), time
  end
  if options.yes or options.dry_run then return "", time end
  local slot, err = next_slot(context, calendar, user, time)
  if not slot and options.reference and err.kind == "slot_taken" then
    return format("Book the next free slot of %s (now: none)?", label), time
  end
  local moment = appointment.moment(context.check(slot, err).instant, zone)
  if options.reference then return format("Book the next free slot of %s (now: %s)?", label, moment), time end
  return format("Book %s, %s?", label, moment), { startTime = slot.startTime }
end

local function view_of(context, record, zone, existing)
  return function(screen)
    local verb = existing and "was booked already:" or "booked"
    screen:line(format("%s %s", verb, appointment.line(context, record, zone)))
    if record.id then screen:line("appointment " .. record.id, "dim") end
  end
end

return {
  name = "book",
  summary = "book a slot",
  description = [[
    Books the next free slot of a calendar, or the slot of --at. On a terminal the command asks before it books; without
    a terminal --yes is needed.

    Each booking has a reference, by which it is found again. It is printed before the request is sent. If the command
    was interrupted, wait for a minute and run it again with the same --reference and the same times: it returns the
    booking that was made, and does not book twice.
  ]],
  needs = "client",
  changes = true,
  arguments = {
    { "calendar", convert = "word", completes = "calendars", description = "The calendar by name or id." },
  },
  options = span.join(
    {
      { "--contact", argname = "<id>", convert = "word", description = "The contact. Default: CONTACT_ID." },
      {
        "--at",
        argname = "<date>",
        convert = "word",
        description = "The start of the slot, such as 2026-12-01T09:30 or as `hoopai free` prints it.",
      },
    },
    span.options "now",
    {
      { "--user", argname = "<name>", convert = "word", completes = "users", description = "The member of the team." },
      { "--title", argname = "<text>", convert = "word", description = "The title that calendars show." },
      {
        "--reference",
        argname = "<text>",
        convert = "reference",
        description = "A text of 8 to 200 characters that no other booking has. Default: a new one.",
      },
      appointment.YES,
    }
  ),
  exclusive = { span.EXCLUSIVE, { "--at", "--from" }, { "--at", "--to" }, { "--at", "--days" } },
  examples = {
    { "hoopai book massage --contact ID", "the next free slot, after a question" },
    { "hoopai book massage --contact ID --at tomorrowT10:00 --yes", "a given slot" },
    { "hoopai book massage --contact ID --reference order-0017 --yes", "safe to run again" },
  },
  run = function(context, options)
    local contact = contact_of(options)
    local names = context:names()
    local calendar = names:calendar(options.calendar)
    local user = options.user and names:user(options.user)
    local zone = context:zone(calendar)
    local reference = options.reference or new_reference()
    local wanted = { calendar = calendar, contact = contact, user = user, zone = zone }
    local question, time = settle(context, options, wanted, wanted_time(options, zone))
    appointment.ask(options, question)
    if not options.dry_run and not options.reference then
      context.streams.error:write("reference: ", reference, "\n")
    end
    local given = copy(time, {
      calendarId = calendar.id,
      contactId = contact,
      assignedUserId = user and user.id,
      title = options.title,
      reference = reference,
    })
    local existing, slot = false, nil
    local what = format("the booking in %s (--reference %s)", calendar.name or calendar.id, reference)
    local record = context:change(what, function()
      local result, response = context:client().appointments:book(given)
      if result ~= nil then
        existing, slot = response.existing == true, response.slot
      end
      return result, response
    end)
    if options.dry_run then return nil end
    local document = appointment.document(context, record, zone, { reference = reference, existing = existing })
    document.startTime = document.startTime or slot
    return document, view_of(context, document, zone, existing)
  end,
}
