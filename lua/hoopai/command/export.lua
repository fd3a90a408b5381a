--- `hoopai export`: appointments and blocked times as a file for other programs.
local copy = require "hoopai.command.lib.copy"
local events = require "hoopai.command.lib.events"
local failure = require "hoopai.command.lib.failure"
local span = require "hoopai.command.lib.span"

local ipairs = ipairs
local format, lower, match = string.format, string.lower, string.match

local FORMATS = { "ics", "csv", "json" }

--- The format that is asked for, or that the name of the file has.
local function format_of(options)
  if options.format then return options.format end
  local ending = match(options.output or "", "%.([%a]+)$")
  for _, name in ipairs(FORMATS) do
    if ending and lower(ending) == name then return name end
  end
  failure.usage("say in which format", "write --format ics, --format csv or --format json")
end

--- The columns of a CSV file. Times without offset are what spreadsheets read as such; the zone stands beside them.
local function csv_columns(zone)
  local function at(field)
    return function(entry) return entry[field]:format("%F %T", zone) end
  end
  local function of(field)
    return function(entry) return entry.record[field] end
  end
  return {
    { title = "start", value = at "start" },
    { title = "end", value = at "stop" },
    { title = "zone", value = function() return zone end },
    { title = "minutes", value = function(entry) return (entry.stop:ms() - entry.start:ms()) // 60000 end },
    { title = "title", value = "title" },
    { title = "kind", value = function(entry) return entry.is_block and "block" or "appointment" end },
    { title = "status", value = "status" },
    { title = "calendar", value = "calendar" },
    { title = "user", value = "user" },
    { title = "address", value = of "address" },
    { title = "description", value = of "description" },
    { title = "notes", value = of "notes" },
    { title = "contact", value = "contact" },
    { title = "contact_id", value = of "contactId" },
    { title = "id", value = of "id" },
    { title = "start_utc", value = function(entry) return entry.start:format("%FT%TZ", "UTC") end },
    { title = "end_utc", value = function(entry) return entry.stop:format("%FT%TZ", "UTC") end },
  }
end

--- Records for hoopai.ical: an event without a readable end takes no time.
local function ical_records(entries)
  local records = {}
  for index, entry in ipairs(entries) do
    records[index] = copy(entry.record, { startTime = entry.start, endTime = entry.stop })
  end
  return records
end

-- format -> function(context, entries, zone, options, name, write)
local WRITERS = {}

function WRITERS.ics(context, entries, zone, _, name, write)
  write(context.library().ical(ical_records(entries), { zone = zone, name = name }))
end

function WRITERS.csv(_, entries, zone, options, _, write)
  local csv = require "hoopai.command.lib.csv"
  local columns, settings = csv_columns(zone), { formulas = options.keep_formulas and "keep" or "guard" }
  write(csv.header(columns, settings))
  for index, entry in ipairs(entries) do
    write(csv.record(columns, entry, index, settings))
  end
end

function WRITERS.json(context, entries, zone, _, _, write)
  write(require("hoopai.command.lib.json").document(events.documents(context, entries, zone)))
end

--- Writes the file, and returns the document about it. The entries are read while the new file is open, so that a
-- folder that cannot be written fails before the requests.
local function write_file(path, job)
  local atomic_file = require "hoopai.command.lib.atomic_file"
  local count
  local written, problem = atomic_file.write(path, function(write)
    local entries = job.read()
    count = #entries
    job.write(entries, write)
  end)
  if not written then failure.refuse("output", problem) end
  local document = { file = path, format = job.format, events = count, zone = job.zone }
  document.from, document.to = job.from:iso(job.zone), job.to:iso(job.zone)
  local text = "%d events from %s to %s (%s) are in %s"
  local times = { job.from:format("%F %R", job.zone), job.to:format("%F %R", job.zone) }
  return document, function(screen) screen:line(format(text, count, times[1], times[2], job.zone, path)) end
end

return {
  name = "export",
  summary = "write appointments and blocked times to a file",
  description = [[
    Writes the appointments and blocked times of a span to the standard output, or with -o to a file. Without an option
    of time the span is the last month. The file is written whole or not at all: until the end an old one stays.

    ics is iCalendar (RFC 5545), which calendar programs import. csv is CSV (RFC 4180) with a line of titles, for
    spreadsheets. json is a list of the records of the API, with the names of calendars and people beside their ids.
    People have names where the token may read users and contacts (the scopes users.readonly and contacts.readonly), and
    their ids where not.

    In a CSV file a text that a spreadsheet would run as a formula begins with an apostrophe; --keep-formulas leaves all
    texts as they are. The columns start and end are times in the zone that stands beside them.
  ]],
  needs = "client",
  options = span.join(
    {
      {
        "--format",
        argname = "<format>",
        choices = FORMATS,
        description = "The format: ics, csv or json. Default: that of the name of the file.",
      },
      { "-o --output", argname = "<file>", convert = "word", description = "The file; - is the standard output." },
    },
    span.options "last-month",
    events.options,
    {
      events.NO_BLOCKED,
      { "--keep-formulas", description = "Leave texts in CSV as they are." },
    }
  ),
  exclusive = { events.EXCLUSIVE, span.EXCLUSIVE },
  examples = {
    { "hoopai export --from last-month -o last-month.ics", "the last month for a calendar program" },
    { "hoopai export --format csv --from 2026-01-01 --to 2026-12-31 -o 2026.csv", "a year for a spreadsheet" },
  },
  run = function(context, options)
    local kind = format_of(options)
    local is_file = options.output and options.output ~= "-"
    if not is_file and kind ~= "json" and (options.json or options.jsonl) then
      failure.usage("--json and --jsonl do not go with another format on the standard output", "write -o FILE")
    end
    if options.keep_formulas and kind ~= "csv" then failure.usage "--keep-formulas goes with --format csv" end
    local owner, record, owner_kind = events.owner(context, options)
    local zone = context:zone(record, owner_kind)
    local from, to = span.read(options, zone, "last-month")
    local function read() return events.read(context, owner, from, to, options.no_blocked, kind ~= "ics") end
    local function write(entries, put) WRITERS[kind](context, entries, zone, options, record and record.name, put) end
    if is_file then
      local job = { read = read, write = write, format = kind, zone = zone, from = from, to = to }
      return write_file(options.output, job)
    end
    local entries = read()
    return events.documents(context, entries, zone),
      function(screen)
        write(entries, function(text) screen:text(text) end)
      end
  end,
}
