--- `hoopai move`: moves an appointment to another time or person.
local appointment = require "hoopai.command.lib.appointment"
local failure = require "hoopai.command.lib.failure"
local span = require "hoopai.command.lib.span"

local format = string.format

--- The new start: a moment, or a day, on which the time of day stays as it is.
local function new_start(context, record, text, zone)
  local first, after = span.day(text, zone, "the new time")
  if not after then return first end
  local old = context.instant(record.startTime)
  if not old then
    failure.refuse("no_time", "the appointment has no time of day to keep", "write one too: " .. text .. "T09:30")
  end
  return (span.date(first:format("%F", zone) .. "T" .. old:format("%R", zone), zone, "the new time"))
end

--- What is printed when there was nothing to change. The line has the time, which is the new one.
local function already(line, user)
  local person = user and ", with " .. (user.name or user.id) or ""
  return "was there already: " .. line .. person
end

return {
  name = "move",
  summary = "move an appointment",
  description = [[
    Moves an appointment to another time; its length stays as it is. With a day the time of day stays too. --user gives
    it to another member of the team. On a terminal the command asks first; without a terminal --yes is needed. The
    command may be run twice: an appointment that is there already is left alone.
  ]],
  needs = "client",
  changes = true,
  arguments = {
    appointment.ARGUMENT,
    {
      "when",
      args = "?",
      convert = "word",
      description = "The new start, such as tomorrow, monday or 2026-12-01T09:30.",
    },
  },
  options = {
    { "--user", argname = "<name>", convert = "word", completes = "users", description = "The member of the team." },
    appointment.YES,
  },
  examples = {
    { "hoopai move ID +7d", "a week from today, at the same time of day" },
    { "hoopai move ID 2026-12-01T09:30 --yes", "without a question" },
  },
  run = function(context, options)
    local when, user = options.when, options.user and context:names():user(options.user)
    if not when and not user then failure.usage("where to?", "write a time, or --user NAME") end
    local record, zone = appointment.read(context, options.appointment)
    local line = appointment.line(context, record, zone)
    local start = when and new_start(context, record, when, zone)
    local target = start and " to " .. appointment.moment(start, zone) or ""
    if user then target = target .. (start and ", and to " or " to ") .. (user.name or user.id) end
    appointment.ask(options, format("Move %s%s?", line, target))
    local unchanged = false
    local id = options.appointment
    local result = context:change(format("the move of %s (%s)%s", line, id, target), function()
      local changed, response = context:client().appointments:edit(id, function(copy)
        if start then copy.startTime = start:iso(zone) end
        if user then copy.assignedUserId = user.id end
      end)
      unchanged = changed ~= nil and response.unchanged == true
      return changed, response
    end)
    if options.dry_run then return nil end
    return appointment.document(context, result, zone, { unchanged = unchanged }),
      function(screen) screen:line(unchanged and already(line, user) or "moved " .. line .. target) end
  end,
}
