--- `hoopai block`: blocks the time of a person or of an event calendar.
local copy = require "hoopai.command.lib.copy"
local failure = require "hoopai.command.lib.failure"
local span = require "hoopai.command.lib.span"

local ipairs = ipairs
local format, match = string.format, string.match

--- The person or calendar whose name was typed.
-- @treturn string "user" or "calendar"
-- @treturn table record
local function owner_of(context, text)
  local lists = require "hoopai.command.lib.names"
  local names = context:names()
  local kinds, owners = {}, {}
  for _, kind in ipairs { "user", "calendar" } do
    for _, record in ipairs(names[kind .. "s"](names)) do
      kinds[record], owners[#owners + 1] = kind, record
    end
  end
  local record = lists.find("owner", owners, text)
  return kinds[record], record
end

local CLOCK = "^%d%d?:%d%d$"

--- A moment. A time of day alone is one of the day that is given.
local function moment(text, day, zone, label)
  if day and match(text, CLOCK) then text = day .. "T" .. text end
  return span.date(text, zone, label)
end

--- The span to be blocked: a day or a period, or two moments.
local function span_of(options, zone)
  local day, from_text, to_text = options.day, options.from, options.to
  if not from_text and not to_text then
    if not day then failure.usage("say when: a day, or --from and --to", "see: hoopai help block") end
    local from, to = span.date(day, zone, "the day")
    if not to then failure.usage "the day is a moment: write --from and --to" end
    return from, to
  end
  if not from_text or not to_text then failure.usage "--from and --to go together" end
  if day and not (match(from_text, CLOCK) and match(to_text, CLOCK)) then
    failure.usage "with a day, --from and --to are times of day such as 09:30"
  end
  if day then span.day(day, zone, "the day") end
  local from = moment(from_text, day, zone, "--from")
  local day_of_from = day or match(from_text, "^(.+)[tT ]%d%d?:%d%d")
  local to, after = moment(to_text, day_of_from, zone, "--to")
  to = after or to
  if to <= from then failure.usage "--to must be after --from" end
  return from, to
end

--- When the blocked time is, for people.
local function times_of(from, to, zone)
  local same_day = from:format("%F", zone) == to:format("%F", zone)
  return format("%s to %s (%s)", from:format("%F %R", zone), to:format(same_day and "%R" or "%F %R", zone), zone)
end

return {
  name = "block",
  summary = "block the time of a person or of a calendar",
  description = [[
    Blocks a time, so that nothing can be booked in it. The owner of the time is a member of a team or an event
    calendar, by name or id. The time is a day or a period (tomorrow, 2026-12-24, next-week), or two moments.

    A time that is blocked already is not blocked again: the command may be run twice. The same time is one of the same
    owner with the same two ends; the title is not compared.
  ]],
  needs = "client",
  changes = true,
  arguments = {
    { "owner", convert = "word", completes = "users", description = "The person or the event calendar." },
    { "day", args = "?", convert = "word", description = "The day, such as tomorrow or 2026-12-24." },
  },
  options = {
    {
      "--from",
      argname = "<date>",
      convert = "word",
      description = "When it begins, such as 2026-12-01T09:30; with a day a time such as 09:30.",
    },
    { "--to", argname = "<date>", convert = "word", description = "When it ends. A day is included." },
    { "--title", argname = "<text>", convert = "word", description = "The title that calendars show." },
  },
  examples = {
    { 'hoopai block "Dr. Okafor" tomorrow --title Training', "blocks the whole day" },
    { "hoopai block solberg monday --from 09:00 --to 12:00 --dry-run", "what would be sent" },
  },
  run = function(context, options)
    local kind, record = owner_of(context, options.owner)
    local zone = context:zone(record, kind)
    local from, to = span_of(options, zone)
    local label, times = record.name or record.id, times_of(from, to, zone)
    local body = { title = options.title, startTime = from:iso(zone), endTime = to:iso(zone) }
    body[kind == "calendar" and "calendarId" or "assignedUserId"] = record.id
    local what = format("the block of %s from %s (run the command again: the time is blocked once)", label, times)
    local was_there = false
    local found = context:change(what, function()
      local result, response = context:client().block_slots:ensure(body)
      was_there = result ~= nil and response.existing == true
      return result, response
    end)
    if options.dry_run then return nil end
    return copy(found, { existing = was_there }),
      function(screen)
        screen:line(format("%s %s from %s", was_there and "was blocked already:" or "blocked", label, times))
      end
  end,
}
