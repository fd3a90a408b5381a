--- `hoopai events`: a list of appointments and blocked times, with their ids.
local events = require "hoopai.command.lib.events"
local span = require "hoopai.command.lib.span"

local function view_of(entries, zone, source)
  local function start(entry) return entry.start:format("%F %R", zone) end
  local function stop(entry)
    local is_same_day = entry.start:format("%F", zone) == entry.stop:format("%F", zone)
    return entry.stop:format(is_same_day and "%R" or "%F %R", zone)
  end
  return function(screen)
    if screen.columns then
      if #entries == 0 then return screen:line "no events" end
      screen:lines { require("hoopai.command.lib.chart").zone_line(zone, source, screen.columns, screen.style), "" }
    end
    screen:table({
      { title = "START", value = start, cut = "never", weight = 4 },
      { title = "END", value = stop, cut = "never" },
      { title = "TITLE", value = "title", weight = 3 },
      { title = "STATUS", value = function(entry) return entry.is_block and "blocked" or entry.status or "" end },
      { title = "CALENDAR", value = "calendar", weight = 2 },
      { title = "PERSON", value = "user", weight = 1 },
      { title = "ID", value = function(entry) return entry.record.id end, cut = "never", weight = 4 },
    }, entries)
  end
end

return {
  name = "events",
  summary = "list appointments and blocked times with their ids",
  description = [[
    Lists the appointments and blocked times of all calendars in order of time, with the ids that `hoopai cancel`,
    `hoopai move` and `hoopai notes` take. Without an option of time the list has the seven days from today.
  ]],
  needs = "client",
  options = span.join(events.options, span.options "today", { events.NO_BLOCKED }),
  exclusive = { span.EXCLUSIVE, events.EXCLUSIVE },
  examples = {
    { "hoopai events --calendar massage --days 1", "today's events of a calendar" },
    { "hoopai events --from last-month --jsonl", "last month, for a program" },
  },
  run = function(context, options)
    local owner, record, kind = events.owner(context, options)
    local zone, source = context:zone(record, kind)
    local from, to = span.read(options, zone, "today")
    local entries = events.read(context, owner, from, to, options.no_blocked)
    return events.documents(context, entries, zone), view_of(entries, zone, source)
  end,
}
