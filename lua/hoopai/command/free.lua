--- `hoopai free`: the free slots of calendars.
local span = require "hoopai.command.lib.span"

local ipairs = ipairs
local concat = table.concat

local function read(context, calendars, from, to, zone)
  local ids, names = {}, {}
  for _, calendar in ipairs(calendars) do
    ids[#ids + 1] = calendar.id
    if calendar.id then names[calendar.id] = calendar.name end
  end
  local slots = context:list {}
  if #ids == 0 then return slots end
  local bar <close> = context:progress "Reading free slots"
  local wanted = { calendarIds = ids, from = from, to = to, timezone = zone, progress = bar.progress }
  for slot in context:client().calendars:each_slot(wanted) do
    slots[#slots + 1] = {
      calendarId = slot.calendarId,
      calendar = names[slot.calendarId],
      startTime = slot.startTime,
      day = slot.day,
      instant = slot.instant,
    }
  end
  return slots
end

--- The slots of a day and calendar as one row, in order of time.
local function rows_of(slots, zone)
  local rows, by_key = {}, {}
  for _, slot in ipairs(slots) do
    local key = slot.instant:format("%F", zone) .. slot.calendarId
    local row = by_key[key]
    if not row then
      row = { day = slot.instant:format("%a %F", zone), calendar = slot.calendar, times = {} }
      by_key[key], rows[#rows + 1] = row, row
    end
    row.times[#row.times + 1] = slot.instant:format("%R", zone)
  end
  return rows
end

--- A heading for each day, and below it the calendars with their times, wrapped.
local function print_days(screen, rows)
  local width = require "hoopai.command.lib.width"
  local day
  for _, row in ipairs(rows) do
    if row.day ~= day then
      screen:line()
      screen:line(row.day, "bold")
      day = row.day
    end
    screen:lines { "  " .. width.cut(width.clean(row.calendar or ""), screen.columns - 2) }
    for _, line in ipairs(width.wrap(concat(row.times, " "), screen.columns - 4)) do
      screen:line("    " .. line)
    end
  end
end

local function view_of(slots, zone, source)
  return function(screen)
    if not screen.columns then
      return screen:table({
        { title = "START", value = "startTime" },
        { title = "CALENDAR", value = "calendar" },
        { title = "ID", value = "calendarId" },
      }, slots)
    end
    if #slots == 0 then return screen:line "nothing is free" end
    screen:lines { require("hoopai.command.lib.chart").zone_line(zone, source, screen.columns, screen.style) }
    print_days(screen, rows_of(slots, zone))
  end
end

return {
  name = "free",
  summary = "list free slots",
  description = [[
    Lists the free slots of calendars in order of time: of those that are named, or of all active ones. Without an
    option of time these are the slots of the seven days from now.

    Without a terminal each slot is a line: its start as `hoopai book --at` takes it, the calendar and its id, separated
    by tabs.
  ]],
  needs = "client",
  arguments = {
    {
      "calendar",
      args = "*",
      convert = "word",
      completes = "calendars",
      description = "Calendars by name, beginning of a name, or id.",
    },
  },
  options = span.options "now",
  exclusive = { span.EXCLUSIVE },
  examples = {
    { "hoopai free massage --days 3", "the free slots of a calendar" },
    { "hoopai free --from monday --jsonl", "those of all calendars, for a program" },
  },
  run = function(context, options)
    local names = context:names()
    local calendars = context:list {}
    for _, calendar in ipairs(names:calendars_of(options.calendar)) do
      if #options.calendar > 0 or calendar.isActive ~= false then calendars[#calendars + 1] = calendar end
    end
    local zone, source = context:zone(#calendars == 1 and calendars[1] or nil)
    local from, to = span.read(options, zone, "now")
    local slots = read(context, calendars, from, to, zone)
    local document = context:list {}
    for index, slot in ipairs(slots) do
      document[index] =
        { calendarId = slot.calendarId, calendar = slot.calendar, startTime = slot.startTime, day = slot.day }
    end
    return document, view_of(slots, zone, source)
  end,
}
