--- Events as an iCalendar file (RFC 5545).
-- @module hoopai.ical
local errors = require "hoopai.errors"
local private = require "hoopai.private"
local text = require "hoopai.ical.text"
local time = require "hoopai.time"
local timezone = require "hoopai.ical.timezone"
local zones = require "hoopai.time.zone"

local concat, find, format, lower = table.concat, string.find, string.format, string.lower
local ipairs, next, rawequal, tostring, type = ipairs, next, rawequal, tostring, type
local math_type, max, min = math.type, math.max, math.min
local escape, fold, utc = text.escape, text.fold, timezone.utc

local PRODUCT = "-//hoopai//hoopai for Lua//EN"
local DEFAULT_SUFFIX = "@hoopai" -- of a UID
local MOST_PROBLEMS = 8 -- that a message lists
local MOST_SEQUENCE = 0x7FFFFFFF -- readers keep it in 32 bits

-- `appointmentStatus` -> STATUS. A time that was kept for a contact who did not come was not given back.
local STATUS = {
  new = "TENTATIVE",
  confirmed = "CONFIRMED",
  active = "CONFIRMED",
  showed = "CONFIRMED",
  completed = "CONFIRMED",
  noshow = "CONFIRMED",
  cancelled = "CANCELLED",
  invalid = "CANCELLED",
}

-- Options -------------------------------------------------------------------------------------------------------------

-- RFC 5546, 1.4
local METHODS = {
  PUBLISH = true,
  REQUEST = true,
  REPLY = true,
  ADD = true,
  CANCEL = true,
  REFRESH = true,
  COUNTER = true,
  DECLINECOUNTER = true,
}

-- Option -> function that returns its value, or nil and what it must be.
local checks = {}

function checks.zone(value)
  local name, problem = time.zone(value)
  if not name then return nil, "is wrong: " .. problem end
  return (zones.load(name))
end

function checks.name(value)
  if type(value) == "string" then return value end
  return nil, "must be a string, got " .. errors.given(value)
end

function checks.domain(value)
  if type(value) == "string" and find(value, "^[%w][%w._-]*$") then return value end
  return nil, 'must be a name such as "example.com", got ' .. errors.given(value)
end

function checks.method(value)
  if METHODS[value] then return value end
  local question = errors.did_you_mean(value, METHODS)
  return nil,
    format('must be a method such as "PUBLISH", got %s%s', errors.given(value), question and ", " .. question or "")
end

function checks.now(value)
  local ms, problem = time.to_epoch_ms(value)
  if ms then return ms // 1000 end
  return nil, "is wrong: " .. problem
end

local NAMES = { "domain", "method", "name", "now", "zone" }
-- What options are called elsewhere.
local OTHER_NAMES = { timezone = "zone", time_zone = "zone", tz = "zone", title = "name", dtstamp = "now" }

local function refuse_option(name)
  local near = type(name) == "string" and OTHER_NAMES[lower(name)]
  if near then errors.raise(format("hoopai.ical has no option `%s`, did you mean `%s`?", name, near)) end
  errors.raise_unknown("hoopai.ical has no option", name, NAMES)
end

-- The options by name, checked. After `hoopai.ical(client.events:all { ... })` the second argument is the second result
-- of that call.
local function options_of(given)
  local options = {}
  if given == nil or errors.is(given) or errors.is_response(given) then return options end
  if type(given) ~= "table" or time.is_instant(given) or time.is_duration(given) then
    errors.raise(
      format('the options of hoopai.ical are a table such as { zone = "Europe/Berlin" }, got %s', errors.given(given))
    )
  end
  for name, value in next, given do
    local check = checks[name]
    if not check then refuse_option(name) end
    local problem
    options[name], problem = check(value)
    if problem then errors.raise(format("option `%s` of hoopai.ical %s", name, problem)) end
  end
  return options
end

-- Events --------------------------------------------------------------------------------------------------------------

-- The list of events: those of a list, or one alone.
local function list_of(given)
  if type(given) ~= "table" or time.is_instant(given) or time.is_duration(given) then
    local advice = type(given) == "function" and ": client.events:all returns the list that client.events:each reads"
    errors.raise("hoopai.ical expects a list of events, got " .. errors.given(given) .. (advice or ""))
  end
  local class = private.name_of(given) -- a client, say, refuses unknown fields
  if class then errors.raise("hoopai.ical expects a list of events, got " .. class) end
  if errors.is_response(given) then
    errors.raise "hoopai.ical expects a list of events, got the response: the events are the result before it"
  end
  if rawequal(given.dry_run, true) then
    errors.raise "hoopai.ical expects a list of events, got the request of a change that `dry_run` kept from being sent"
  end
  if given[1] == nil and (given.startTime ~= nil or given.id ~= nil) then return { given } end
  for key in next, given do
    if key ~= "n" and not (math_type(key) == "integer" and key >= 1 and key <= #given) then
      local advice = type(given.events) == "table" and ": give its list `events`" or ""
      errors.raise(
        format("hoopai.ical expects a list of events, got a table with the field `%s`%s", errors.text(key), advice)
      )
    end
  end
  return given
end

-- Milliseconds of what a record has for an instant, or nil and the problem.
local function ms_of(value)
  if time.is_instant(value) then return value:ms() end
  if type(value) == "string" and not find(value, "^%-?%d+$") then
    local instant, problem = time.parse(value)
    return instant and instant:ms(), problem
  end
  return time.to_epoch_ms(value)
end

local function is_missing(value) return value == nil or type(value) == "userdata" end -- or JSON's null

-- Reads a field of a record that must be there. Adds a problem and returns nil if it is not right.
local function read_time(record, field, problems, place)
  local value = record[field]
  if is_missing(value) then
    problems[#problems + 1] = format("%s.%s is missing", place, field)
    problems.has_no_times = true
    return nil
  end
  local ms, problem = ms_of(value)
  if problem then problems[#problems + 1] = format("%s.%s: %s", place, field, problem) end
  return ms and ms // 1000
end

-- A date that the file can do without.
local function optional_seconds(value)
  if is_missing(value) or type(value) == "boolean" then return nil end
  local ms = ms_of(value)
  return ms and ms // 1000
end

local function read_text(record, field, problems, place)
  local value = record[field]
  if is_missing(value) or value == "" then return nil end
  if type(value) == "string" or type(value) == "number" then return tostring(value) end
  problems[#problems + 1] = format("%s.%s: must be a text, got %s", place, field, errors.given(value))
end

local function status_of(record)
  if record.deleted == true then return "CANCELLED" end
  local status = record.appointmentStatus
  -- The live API sends the status under this name too.
  if type(status) ~= "string" then status = record.appoinmentStatus end
  return type(status) == "string" and STATUS[lower(status)] or nil
end

local function description_of(description, notes)
  if description and notes and description ~= notes then return description .. "\n\n" .. notes end
  return description or notes
end

-- What the file says of a record. Adds the problems of what it cannot do without.
local function read_event(record, problems, place)
  if type(record) ~= "table" or time.is_instant(record) or time.is_duration(record) then
    problems[#problems + 1] = format("%s must be an event, got %s", place, errors.given(record))
    return nil
  end
  if record[1] ~= nil then
    problems[#problems + 1] = place .. " is a list: give one list with all events"
    return nil
  end
  local event = { id = read_text(record, "id", problems, place) }
  if is_missing(record.id) or record.id == "" then problems[#problems + 1] = place .. ".id is missing" end
  event.first, event.last =
    read_time(record, "startTime", problems, place), read_time(record, "endTime", problems, place)
  if event.first and event.last and event.last < event.first then
    problems[#problems + 1] = place .. ".endTime: must not be before startTime"
  end
  event.title = read_text(record, "title", problems, place)
  event.address = read_text(record, "address", problems, place)
  event.description =
    description_of(read_text(record, "description", problems, place), read_text(record, "notes", problems, place))
  event.status = status_of(record)
  event.added, event.updated = optional_seconds(record.dateAdded), optional_seconds(record.dateUpdated)
  return event
end

local NO_TIMES = " (responses to create and update often have no times: read the appointment again with get)"

-- All events, each id once: of two the one that was updated last.
local function read_events(given)
  local events, problems, places = {}, {}, {}
  for index, record in ipairs(given) do
    local event = read_event(record, problems, format("events[%d]", index))
    local place = event and event.id and places[event.id]
    if not place then
      events[#events + 1] = event
      if event and event.id then places[event.id] = #events end
    elseif (event.updated or 0) > (events[place].updated or 0) then
      events[place] = event
    end
  end
  if #problems > 0 then
    local shown = concat(problems, "; ", 1, min(#problems, MOST_PROBLEMS))
    local more = #problems > MOST_PROBLEMS and format("; and %d more", #problems - MOST_PROBLEMS) or ""
    local hint = problems.has_no_times and NO_TIMES or ""
    errors.raise(format("hoopai.ical cannot write these events: %s%s%s", shown, more, hint))
  end
  return events
end

-- The file ------------------------------------------------------------------------------------------------------------

-- DTSTART and DTEND. Where a local time cannot name one of the two, both are in UTC.
local function put_times(event, zone, put)
  local first, last = zone and timezone.local_time(zone, event.first), zone and timezone.local_time(zone, event.last)
  local mark = ":"
  if first and last then
    mark = ";TZID=" .. timezone.id(zone) .. ":"
  else
    first, last = utc(event.first), utc(event.last)
  end
  put("DTSTART" .. mark .. first)
  -- The end of an event must be after its start; one without an end takes no time.
  if event.last > event.first then put("DTEND" .. mark .. last) end
end

-- Puts a text, unless nothing is left of it: some readers take an empty value for an error.
local function put_text_with(put, name, value)
  local escaped = value and escape(value)
  if escaped and escaped ~= "" then put(name .. ":" .. escaped) end
end

local function put_event(event, options, put)
  local function put_text(name, value) put_text_with(put, name, value) end
  put "BEGIN:VEVENT"
  put_text("UID", event.id .. (options.domain and "@" .. options.domain or DEFAULT_SUFFIX))
  put("DTSTAMP:" .. utc(options.now or event.updated or event.added or 0))
  put_times(event, options.zone, put)
  put_text("SUMMARY", event.title)
  put_text("DESCRIPTION", event.description)
  put_text("LOCATION", event.address)
  if event.status then put("STATUS:" .. event.status) end
  put("TRANSP:" .. (event.status == "CANCELLED" and "TRANSPARENT" or "OPAQUE"))
  if event.added and event.updated then
    put(format("SEQUENCE:%d", min(max(event.updated - event.added, 0), MOST_SEQUENCE)))
  end
  if event.added then put("CREATED:" .. utc(event.added)) end
  if event.updated then put("LAST-MODIFIED:" .. utc(event.updated)) end
  put "END:VEVENT"
end

-- The VTIMEZONE for the times of all events.
local function put_timezone(events, zone, put)
  if not events[1] then return end
  local first, last = events[1].first, events[1].last
  for _, event in ipairs(events) do
    first, last = min(first, event.first), max(last, event.last)
  end
  timezone.put(zone, first, last, put)
end

--- What @{ical} takes beside the events.
-- @table IcalOptions
-- @tfield[opt] string zone the zone in which times are written, with a VTIMEZONE that describes it, such as
-- "Europe/Berlin". Default: times are written in UTC
-- @tfield[opt] string name of the calendar, for the programs that show one (`X-WR-CALNAME`)
-- @tfield[opt="hoopai"] string domain what follows the event's id in its UID, after `@`. Keep it: with another one a
-- program takes all events for new ones
-- @tfield[opt] integer|string|instant now when the file is made (`DTSTAMP`), such as `hoopai.time.now()`. Default: when
-- the event was last changed
-- @tfield[opt] string method for messages between calendars, such as "PUBLISH" (`METHOD`). Default: none

--- Writes events as an iCalendar file (RFC 5545), which calendar programs import: `file:write(hoopai.ical(events))`.
-- Reads no clock and sends nothing: the same events give the same text.
--
-- Each record is one VEVENT. An instance of a series stands for itself, and its `rrule` is not written. SUMMARY is
-- `title`, LOCATION `address`, DESCRIPTION `description` and `notes`. The UID is made of the id, so that an event is
-- the same one in each file. SEQUENCE is the seconds from `dateAdded` to `dateUpdated`, so that a later version
-- replaces an earlier one. STATUS is TENTATIVE for `new`, CANCELLED for `cancelled`, `invalid` and what was deleted,
-- CONFIRMED for the others; a blocked time has none. What is cancelled takes up no time (TRANSP). An event that is
-- twice in the list is written once, as it was changed last.
-- @function ical
-- @tparam table events a list of events, as `client.events:all`, `client.block_slots:all` and the `list` methods return
-- it; or one event, as `client.appointments:get` returns it. Each needs `id`, `startTime` and `endTime`
-- @tparam[opt] IcalOptions|Error|Response options zone, name and the like. The second result of the call that returned
-- the events may stand here too: `hoopai.ical(client.events:all { ... })`
-- @treturn string the file: lines of at most 75 bytes, which end in CRLF
-- @raise for what is no list of events, for events whose id or times are missing or cannot be read, and for an unknown
-- or wrong option
local function ical(events, options)
  errors.check_first("hoopai.ical(...)", events, options)
  local settings = options_of(options)
  local found = read_events(list_of(events))
  local lines = {}
  local function put(line) lines[#lines + 1] = fold(line) end
  put "BEGIN:VCALENDAR"
  put "VERSION:2.0"
  put("PRODID:" .. PRODUCT)
  put "CALSCALE:GREGORIAN"
  if settings.method then put("METHOD:" .. settings.method) end
  put_text_with(put, "X-WR-CALNAME", settings.name)
  -- Without an offset there is nothing to describe.
  if settings.zone and settings.zone.fixed == 0 then settings.zone = nil end
  if settings.zone then put_timezone(found, settings.zone, put) end
  for _, event in ipairs(found) do
    put_event(event, settings, put)
  end
  put "END:VCALENDAR"
  return concat(lines, "\r\n") .. "\r\n"
end

return ical
