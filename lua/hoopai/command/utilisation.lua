--- `hoopai utilisation`: the booked and blocked time of each person, beside the open hours.
local events = require "hoopai.command.lib.events"
local team_of = require("hoopai.command.lib.names").team
local records = require "hoopai.command.lib.records"
local span = require "hoopai.command.lib.span"
local spans = require "hoopai.command.lib.spans"

local ipairs = ipairs
local floor, max, min = math.floor, math.max, math.min
local sort = table.sort
local format = string.format

-- Statuses of an appointment that takes up no time.
local NOT_HELD = { cancelled = true, invalid = true }

local SOURCES = {
  schedules = "availability schedules",
  calendars = "open hours of the calendars",
  ["schedules and calendars"] = "availability schedules, and open hours of calendars to which none applies",
  none = "none: neither a schedule nor a calendar says any",
}

local function is_chosen(options, calendar, chosen)
  if options.calendar then return calendar.id == chosen.id end
  if options.group then return calendar.groupId == chosen.id end
  return not options.user
end

--- Whose time is shown: members of teams, and calendars without a team.
-- @treturn table list of { id, label, kind, calendars }
local function owners_of(context, options, chosen)
  local names, owners = context:names(), {}
  for _, user in ipairs(names:users()) do
    local owner = { id = user.id, label = user.name or user.id, kind = "user", calendars = {} }
    local is_shown = options.user and user.id == chosen.id
    for index, id in ipairs(user.calendarIds) do
      local calendar = names:by_id("calendars", id)
      owner.calendars[index] = calendar
      is_shown = is_shown or is_chosen(options, calendar, chosen)
    end
    if is_shown then owners[#owners + 1] = owner end
  end
  for _, calendar in ipairs(names:calendars()) do
    local has_team = team_of(calendar)[1] ~= nil
    if not has_team and is_chosen(options, calendar, chosen) then
      local owner = { id = calendar.id, label = calendar.name or calendar.id or "?", kind = "calendar" }
      owner.calendars = { calendar }
      owners[#owners + 1] = owner
    end
  end
  sort(owners, function(a, b)
    if a.label ~= b.label then return a.label < b.label end
    return (a.id or "") < (b.id or "")
  end)
  return owners
end

--- The schedules of each person: id -> list.
local function schedules_of(context, owners)
  local users, found = {}, {}
  for _, owner in ipairs(owners) do
    if owner.kind == "user" then users[#users + 1] = owner.id end
  end
  local client = context:client()
  local bar <close> = context:progress "Reading schedules"
  local lists, errors = context.library().map(
    users,
    function(id) return client.schedules:all { userId = id } end,
    { progress = bar.progress }
  )
  for index, id in ipairs(users) do
    found[id] = records(context.check(lists[index], errors and errors[index]))
  end
  return found
end

--- Does an entry take up the time of a person or calendar?
local function concerns(entry, owner)
  local record = entry.record
  if owner.kind == "calendar" then return record.calendarId == owner.id end
  if record.assignedUserId == owner.id then return true end
  for _, id in ipairs(record.users or {}) do
    if id == owner.id then return true end
  end
  return false
end

--- The row of a person or calendar, in minutes. Blocked time counts within the open hours, where nothing is booked.
local function row_of(owner, entries, schedules, from, to, zone_of)
  local hours = require "hoopai.command.lib.open_hours"
  local open, source = hours.of(owner.calendars, schedules, from, to, zone_of)
  local booked, blocked = {}, {}
  for _, entry in ipairs(entries) do
    if concerns(entry, owner) and not NOT_HELD[entry.status or ""] then
      local list = entry.is_block and blocked or booked
      list[#list + 1] = { max(entry.start:ms(), from:ms()), min(entry.stop:ms(), to:ms()) }
    end
  end
  booked, blocked = spans.merge(booked), spans.merge(blocked)
  if source ~= "none" then blocked = spans.common(blocked, open) end
  local both = spans.minutes(spans.common(booked, blocked))
  return {
    id = owner.id,
    kind = owner.kind,
    label = owner.label,
    booked = spans.minutes(booked),
    blocked = spans.minutes(blocked) - both,
    open = spans.minutes(open),
    source = source,
  }
end

--- A row as JSON has it. Nothing is a share of no open hours.
local function document_of(row)
  return {
    id = row.id,
    kind = row.kind,
    name = row.label,
    bookedMinutes = row.booked,
    blockedMinutes = row.blocked,
    openMinutes = row.open,
    bookedPercent = row.open > 0 and floor(row.booked * 1000 / row.open + 0.5) / 10 or nil,
    openHoursFrom = row.source,
  }
end

--- The lines that say where the open hours are from: one if they are all from one source.
local function source_lines(rows)
  local by_source, order = {}, {}
  for _, row in ipairs(rows) do
    local labels = by_source[row.source]
    if not labels then
      labels = {}
      by_source[row.source], order[#order + 1] = labels, row.source
    end
    labels[#labels + 1] = row.label
  end
  local lines = {}
  for index, source in ipairs(order) do
    local whose = #order > 1 and " of " .. table.concat(by_source[source], ", ") or ""
    lines[index] = format("Open hours%s: %s", whose, SOURCES[source])
  end
  return lines
end

local function view_of(rows, from, to, zone, origin)
  return function(screen)
    local chart, width = require "hoopai.command.lib.chart", require "hoopai.command.lib.width"
    local columns = screen.columns
    if not columns then return screen:lines(chart.bars(rows)) end
    local function wrapped(text)
      for _, line in ipairs(width.wrap(width.clean(text), columns)) do
        screen:line(line, "dim")
      end
    end
    wrapped(format("From %s to %s", from:format("%F %R", zone), to:format("%F %R", zone)))
    screen:lines { chart.zone_line(zone, origin, columns, screen.style), "" }
    if #rows == 0 then return screen:line "no team members" end
    screen:lines(chart.bars(rows, columns, screen.style))
    screen:lines { "" }
    for _, line in ipairs(source_lines(rows)) do
      wrapped(line)
    end
  end
end

return {
  name = "utilisation",
  summary = "show booked and blocked time beside the open hours",
  description = [[
    Shows for each member of a team how much of the open hours is booked and blocked. A calendar without a team is on
    a separate line. The command shows the week from Monday unless an option names another span.

    The open hours are those of the person's availability schedules; where none applies to a calendar, those of the
    calendar; else there are none. The last lines say which. Hours of several calendars are counted once. What is
    cancelled or invalid takes up no time, and appointments at the same time are counted once. Blocked time counts
    within the open hours, where nothing is booked.

    Without a terminal each row is a line: name, minutes booked, blocked and open, and the share that is booked,
    separated by tabs.
  ]],
  needs = "client",
  options = span.join(events.options, span.options "this-week"),
  exclusive = { events.EXCLUSIVE, span.EXCLUSIVE },
  examples = {
    { "hoopai utilisation --from last-month", "the last month" },
    { "hoopai utilisation --group treatments --json", "the people of a group, for a program" },
  },
  run = function(context, options)
    local _, chosen, kind = events.owner(context, options)
    local zone, origin = context:zone(chosen, kind)
    local from, to = span.read(options, zone, "this-week")
    local owners = owners_of(context, options, chosen)
    local schedules = schedules_of(context, owners)
    local entries = events.read(context, {}, from, to)
    local zones = {}
    local function zone_of(calendar)
      zones[calendar] = zones[calendar] or context:zone(calendar)
      return zones[calendar]
    end
    local rows, documents = {}, context:list {}
    for index, owner in ipairs(owners) do
      rows[index] = row_of(owner, entries, schedules[owner.id] or {}, from, to, zone_of)
      documents[index] = document_of(rows[index])
    end
    return documents, view_of(rows, from, to, zone, origin)
  end,
}
