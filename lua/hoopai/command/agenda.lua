--- `hoopai agenda`: the appointments and blocked times of some days, in order of time.
local events = require "hoopai.command.lib.events"
local span = require "hoopai.command.lib.span"

local ipairs = ipairs

--- The span that the options name: --day, --week, or --from and its siblings.
local function span_of(context, options, zone)
  if options.day then
    local first = span.day(options.day[1] or "today", zone, "--day")
    local start = first:start_of_day(zone)
    return start, (start + context.library().time.days(1)):start_of_day(zone)
  end
  if options.week then return span.week(options.week[1] or "today", zone, "--week") end
  return span.read(options, zone, "today")
end

--- The entries as the chart wants them.
local function rows_of(entries)
  local rows = {}
  for index, entry in ipairs(entries) do
    rows[index] = {
      start = entry.start,
      stop = entry.stop,
      title = entry.title,
      person = entry.user ~= "" and entry.user or entry.calendar,
      status = entry.status,
      blocked = entry.is_block,
    }
  end
  return rows
end

local function view_of(context, entries, from, to, zone, source)
  return function(screen)
    local chart = require "hoopai.command.lib.chart"
    local days = chart.days(rows_of(entries), from, to, zone)
    local now = context.library().time.now()
    local columns, style = screen.columns, screen.style
    if columns then screen:lines { chart.zone_line(zone, source, columns, style), "" } end
    screen:lines(chart.agenda(days, columns, zone, style, now))
    local legend = columns and chart.legend(days, columns, style) or {}
    if #legend > 0 then screen:lines { "" } end
    screen:lines(legend)
  end
end

return {
  name = "agenda",
  summary = "show appointments and blocked times",
  description = [[
    Shows the appointments and blocked times of all calendars, day by day and in order of time. Without an option of
    time the agenda has the seven days from today.

    A date is written as 2026-12-01, today, tomorrow, monday or +3d. Days begin at midnight in the zone that the first
    line names. Without a terminal each entry is a line: start, end, title, person and status, separated by tabs.

    People are shown by their names where the token may read users (the scope users.readonly), by their ids where not.
    With --json and --jsonl so are contacts (contacts.readonly).
  ]],
  needs = "client",
  options = span.join(events.options, {
    { "--day", argname = "<date>", args = "?", description = "One day. Default: today." },
    { "--week", argname = "<date>", args = "?", description = "The week of a date, from Monday. Default: this week." },
  }, span.options "today"),
  exclusive = { { "--day", "--week", "--from" }, { "--day", "--week", "--to", "--days" }, events.EXCLUSIVE },
  examples = {
    { "hoopai agenda --day tomorrow", "the agenda of tomorrow" },
    { 'hoopai agenda --week --user "Dr. Okafor"', "what a person does this week" },
  },
  run = function(context, options)
    local owner, record, kind = events.owner(context, options)
    local zone, source = context:zone(record, kind)
    local from, to = span_of(context, options, zone)
    local entries = events.read(context, owner, from, to, false, options.json or options.jsonl)
    return events.documents(context, entries, zone), view_of(context, entries, from, to, zone, source)
  end,
}
