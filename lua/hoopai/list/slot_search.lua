--- The search for free slots: its arguments, and the reading of one window of all calendars after the other.
local arguments = require "hoopai.list.arguments"
local async = require "hoopai.async"
local endpoints = require "hoopai.call.endpoints"
local errors = require "hoopai.errors"
local options = require "hoopai.options"
local owners = require "hoopai.list.owners"
local request = require "hoopai.call.request"
local rounds = require "hoopai.list.rounds"
local time = require "hoopai.time"
local windows = require "hoopai.list.windows"

local format, math_type, max = string.format, math.type, math.max
local ipairs, next, pairs, rawget, rawlen, type = ipairs, next, pairs, rawget, rawlen, type

local slot_search = {}

-- How many requests at a time: as many as a client has connections by default.
local MOST_AT_A_TIME = 64

-- Stands for the ends of a window where the other fields of a query are checked, in milliseconds.
local SOME_MOMENT = 1000000000000

-- Arguments

-- The fields that are the search's own; true for one that is checked later.
local OWN_CHECKS = {
  calendarIds = true,
  from = arguments.instant,
  to = arguments.instant,
  progress = arguments.progress,
}

--- Makes the checks of the arguments of a method. A field of `free_slots` is checked later, as a call checks it.
-- @tparam table more the method's own checks, see `arguments.fields`
-- @treturn table field -> check; `own` has those that are not sent
local function new_checks(more)
  local own, all = options.copy(OWN_CHECKS), {}
  for name, check in pairs(more) do
    own[name] = check
  end
  for _, field in ipairs(endpoints.find("calendars.free_slots").query) do
    all[field.name] = true
  end
  all.startDate, all.endDate = nil, nil -- those of each window
  for name, check in pairs(own) do
    all[name] = check
  end
  return { own = own, all = all }
end

local made_checks = {} -- what a method's own checks are -> all checks

local function checks_with(more)
  made_checks[more] = made_checks[more] or new_checks(more)
  return made_checks[more]
end

local function is_list(value)
  if type(value) ~= "table" or time.is_instant(value) then return false end
  for key in next, value do
    if math_type(key) ~= "integer" or key < 1 or key > rawlen(value) then return false end
  end
  return true
end

--- The calendars that were given, each once.
-- @treturn ?table list of the ids that are right; nil if none were given
-- @treturn table id -> its place in the caller's list
local function check_ids(given, details)
  local ids, places = {}, {}
  if given == nil then return nil, places end
  if not is_list(given) then
    arguments.add(details, "calendarIds", 'must be a list of ids, such as { "ocQHyuzHvysMo5N5VsXc" }', given)
    return ids, places
  elseif next(given) == nil then
    arguments.add(details, "calendarIds", "is an empty list: leave it out to mean all active calendars")
  end
  for index = 1, rawlen(given) do
    local id = rawget(given, index)
    local problem = arguments.id(id)
    if problem then
      local advice = type(id) == "table" and ": give its id" or ""
      arguments.add(details, format("calendarIds[%d]", index), problem .. advice, id)
    elseif not places[id] then
      ids[#ids + 1], places[id] = id, index
    end
  end
  return ids, places
end

local function query_of(search, from, to)
  local query = options.copy(search.query)
  query.startDate, query.endDate = time.from_ms(from), time.from_ms(to)
  return query
end

--- Checks the query and the calendars as the calls of `free_slots` do.
-- @treturn ?Error one that is not about the arguments, such as that of a closed client
local function check_calls(state, search, places, details)
  local endpoint = endpoints.find "calendars.free_slots"
  local chosen = request.options(state.settings, options.copy(search.options or {}))
  local query = query_of(search, SOME_MOMENT, SOME_MOMENT + 1)
  for index, id in ipairs(search.ids and search.ids[1] and search.ids or { "any" }) do
    local prepared, err = request.prepare(state, endpoint, chosen, query, id)
    if not prepared and err.kind ~= "invalid_request" then return err end
    for _, detail in ipairs(err and err.details or {}) do
      if detail.path == "calendarId" then
        arguments.add(details, format("calendarIds[%d]", places[id]), detail.problem, id)
      elseif index == 1 then
        details[#details + 1] = detail
      end
    end
  end
end

--- The zone that the caller shows: of the slots, else of `from` or `to`.
local function zone_of(fields)
  local zone = fields.timezone
  if type(zone) == "string" then return time.zone(zone) end
  local moment = fields.from == nil and fields.to or fields.from
  return time.is_instant(moment) and moment:zone() or nil
end

--- Reads the caller's table.
-- @treturn table the fields that are right
-- @treturn table those of them that are sent with each request
local function split(given, checks, is_checked, details)
  local query = {}
  local fields = arguments.fields(given, checks.all, details, function(name, value)
    -- With the checks off a call takes fields that this library does not know.
    if is_checked or type(name) ~= "string" or arguments.near(name, checks.all) then return false end
    query[name] = value
    return true
  end)
  for name, value in pairs(fields) do
    if not checks.own[name] then query[name] = value end
  end
  return fields, query
end

--- Makes a search from the arguments of a method.
-- @tparam string what the method
-- @tparam table state of the client
-- @tparam table given
-- @tparam ?table call_options
-- @tparam table more the method's own checks, see `arguments.fields`; each time the same table
-- @tparam[opt] table required its fields that must be given: field -> what is said else
-- @treturn[1] table `fields` (the caller's, checked), `ids` (the calendars; nil: all active ones), `from` and `to` in
-- milliseconds, `zone` (nil if it is unknown), and what the functions of this file keep
-- @treturn[2] nil
-- @treturn[2] Error
-- @raise for wrong use, such as an unknown option
function slot_search.new(what, state, given, call_options, more, required)
  arguments.check_table(what, given)
  local own_options, progress = arguments.options(what, call_options)
  local details, is_checked = {}, state.settings.validate
  if own_options and own_options.validate ~= nil then is_checked = own_options.validate end
  local fields, query = split(given, checks_with(more), is_checked, details)
  for name, problem in pairs(required or {}) do
    if rawget(given, name) == nil then arguments.add(details, name, problem) end
  end
  if progress and fields.progress then
    arguments.add(details, "progress", "is given twice: leave out one of the two")
  end
  local ids, places = check_ids(fields.calendarIds, details)
  if not ids and fields.locationId == nil then arguments.location(state, own_options, details) end
  local search = {
    client = state.client,
    options = own_options,
    query = query,
    fields = fields,
    ids = ids,
    has_own_ids = ids ~= nil,
    zone = zone_of(fields),
    progress = fields.progress or progress,
  }
  search.from, search.to = arguments.span(fields, details, arguments.now())
  local err = check_calls(state, search, places, details)
  if #details > 0 then return nil, arguments.error(what, details) end
  if err then return errors.locate(nil, err) end
  return search
end

--- The same search again, from another moment on.
-- @tparam table search
-- @tparam integer from milliseconds
-- @treturn table
function slot_search.again(search, from)
  local copy = options.copy(search)
  copy.from, copy.ids = from, search.has_own_ids and search.ids or nil
  return copy
end

-- Reading

--- Notes that a request has ended.
local function count(reader)
  reader.done = reader.done + 1
  local progress = reader.search.progress
  if progress then async.call_progress(progress, reader.done, reader.total) end
end

--- Reads which calendars are active, each once.
-- @treturn[1] table list of ids
-- @treturn[2] nil
-- @treturn[2] Error
local function list_active(search)
  local calendars, response = search.client.calendars:list({ locationId = search.query.locationId }, search.options)
  if not calendars then return nil, response end
  if response.unexpected then
    return nil, owners.unreadable("/calendars/", "the response has no list of calendars", response)
  end
  local ids, seen = {}, {}
  for _, calendar in ipairs(calendars) do
    local id = type(calendar) == "table" and calendar.id or nil
    if arguments.id(id) then
      return nil, owners.unreadable("/calendars/", "a calendar in the list has no id", response)
    end
    if calendar.isActive ~= false and not seen[id] then
      ids[#ids + 1], seen[id] = id, true
    end
  end
  return ids
end

--- Finds the calendars, unless the caller gave them.
-- @treturn ?Error
local function find_calendars(reader)
  local search = reader.search
  if search.ids then return nil end
  local ids, err = list_active(search)
  if not ids then return err end
  search.ids, reader.total = ids, 1 + #ids * reader.windows
  count(reader)
end

--- Was a calendar deleted, or made inactive, after the calendars were listed? Any other 404 is an error: slots that
-- could not be read must not be missing.
local function is_gone(search, id)
  local ids = not search.has_own_ids and list_active(search)
  if not ids then return false end
  for _, other in ipairs(ids) do
    if other == id then return false end
  end
  return true
end

--- Reads the free slots of a calendar in a window.
-- @treturn[1] table what `free_slots` returned; empty if the calendar is gone
-- @treturn[2] nil
-- @treturn[2] Error
local function read_calendar(reader, window, id)
  local search = reader.search
  local query = query_of(search, window.from, window.to)
  local free, response = search.client.calendars:free_slots(id, query, search.options)
  if free then
    reader.responses[id] = response
  elseif response.kind == "not_found" and is_gone(search, id) then
    free, reader.gone[id] = {}, true
    reader.total = reader.total - window.left
  else
    response.message, response.calendarId = format("calendar %s: %s", id, response.message), id
    return nil, response
  end
  count(reader)
  return free
end

--- Leaves out the calendars that are gone.
local function forget_gone(reader)
  if next(reader.gone) == nil then return end
  local left = {}
  for _, id in ipairs(reader.search.ids) do
    if not reader.gone[id] then left[#left + 1] = id end
  end
  reader.search.ids, reader.gone = left, {}
end

--- Reads a window of all calendars, side by side.
-- @treturn[1] function an iterator of the slots in order of time
-- @treturn[2] nil
-- @treturn[2] Error
local function read_window(reader, window, cut)
  local search = reader.search
  local results, err = rounds.side_by_side(
    search.ids,
    function(id) return read_calendar(reader, window, id) end,
    MOST_AT_A_TIME
  )
  if not results then return nil, err end
  local free, zone = {}, search.fields.timezone ~= nil and search.zone or nil
  for index, id in ipairs(search.ids) do
    free[id] = results[index]
  end
  local slots, odd, odd_id = windows.merge(search.ids, free, max(window.from, search.from), cut, zone)
  if odd_id then return nil, owners.unreadable_slots(odd_id, odd, reader.responses[odd_id]) end
  forget_gone(reader)
  return slots
end

--- Makes what reads a search, one window after the other.
-- @tparam table search
-- @treturn function to be called in a task. It returns an iterator of the slots of the next window, in order of time;
-- nil after the last window; nil and an error
-- @treturn table its `responses`: calendar -> the response of its last request
function slot_search.reader(search)
  local left = search.progress and windows.count(search.from, search.to, search.zone) or 0
  local reader = { search = search, responses = {}, gone = {}, done = 0, windows = left }
  reader.total = #(search.ids or {}) * left
  local start = windows.start(search.from)
  local function read()
    if not start then return nil end
    local err = find_calendars(reader)
    if err then return nil, err end
    if #search.ids == 0 then return nil end
    left = left - 1
    local stop, next_start = windows.stop(start, search.to, search.zone)
    local slots
    slots, err = read_window(reader, { from = start, to = stop, left = left }, next_start or search.to)
    if not slots then return nil, err end
    start = next_start
    return slots
  end
  return read, reader
end

return slot_search
