--- Free slots over any span and in many calendars: methods of client.calendars.
--
--     each_slot, next_slot, wait_for_slot -> job (the checked arguments) -> reader (one window of all calendars)
local arguments = require "hoopai.list.arguments"
local async = require "hoopai.async"
local calls = require "hoopai.call"
local core = require "hoopai.core"
local endpoints = require "hoopai.call.endpoints"
local errors = require "hoopai.errors"
local options = require "hoopai.options"
local request = require "hoopai.call.request"
local rounds = require "hoopai.list.rounds"
local secrets = require "hoopai.call.secrets"
local time = require "hoopai.time"
local validate = require "hoopai.validate"
local windows = require "hoopai.list.windows"

local error, format = error, string.format
local huge, max, min = math.huge, math.max, math.min
local ipairs, math_type, next, pairs, pcall = ipairs, math.type, next, pairs, pcall
local rawequal, rawget, rawlen, type = rawequal, rawget, rawlen, type
local now = core.now

local free_slots = {}

-- How many requests at a time: as many as a client has connections by default.
local MOST_AT_A_TIME = 64
local DEFAULT_EVERY = 60 -- seconds
local SOME_MOMENT = 1000000000000 -- milliseconds: stands for the ends of a window, which are right

-- Arguments

local function seconds(value)
  local ok = type(value) == "number" and value > 0 and value < huge
  if ok then return nil end
  return "must be a number of seconds above 0" .. (time.is_duration(value) and ", not a duration" or "")
end

--- The checks of the fields, by method. Those of `free_slots` are checked later, as the call checks them.
local checks_of = {}

local function new_checks(more)
  local checks = { calendarIds = true, from = arguments.instant, to = arguments.instant, progress = arguments.progress }
  for _, field in ipairs(endpoints.find("calendars.free_slots").query) do
    checks[field.name] = true
  end
  checks.startDate, checks.endDate = nil, nil
  for name, check in pairs(more) do
    checks[name] = check
  end
  return checks
end

local MORE_CHECKS = {
  ["calendars:each_slot"] = {},
  ["calendars:next_slot"] = {},
  ["calendars:wait_for_slot"] = { every = seconds, give_up_after = seconds },
}

local REQUIRED = { ["calendars:wait_for_slot"] = { give_up_after = "is required: after how many seconds to give up" } }

local function checks_for(what)
  checks_of[what] = checks_of[what] or new_checks(MORE_CHECKS[what])
  return checks_of[what]
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
  elseif next(given) == nil then
    arguments.add(details, "calendarIds", "is an empty list: leave it out to mean all active calendars")
  end
  for index = 1, type(given) == "table" and rawlen(given) or 0 do
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

local function query_of(job, from, to)
  local query = options.copy(job.query)
  query.startDate, query.endDate = from, to
  return query
end

--- Checks the query and the calendars as the calls of `free_slots` do.
-- @treturn ?Error one that is not about the arguments, such as that of a closed client
local function check_calls(state, job, places, details)
  local endpoint = endpoints.find "calendars.free_slots"
  local chosen = request.options(state.settings, options.copy(job.options or {}))
  local query = query_of(job, SOME_MOMENT, SOME_MOMENT + 1)
  for index, id in ipairs(job.ids and job.ids[1] and job.ids or { "any" }) do
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

--- Makes the job of a call from its arguments.
-- @tparam string what the method
-- @tparam table state of the client
-- @tparam table given
-- @tparam ?table call_options
-- @treturn[1] table `client`, `options` (of each call), `query` (what each call passes on), `ids` (the calendars; nil:
-- all active ones), `from` and `to` in milliseconds, `timezone` (that the instants carry), `zone` (for windows and
-- messages), `progress`; `fields` has those of the method itself
-- @treturn[2] nil
-- @treturn[2] Error
-- @raise for wrong use, such as an unknown option
local function new_job(what, state, given, call_options)
  local own_options, progress = arguments.options(what, call_options)
  local details, checks, is_checked = {}, checks_for(what), state.settings.validate
  if own_options and own_options.validate ~= nil then is_checked = own_options.validate end
  local query, mine = {}, { calendarIds = true, from = true, to = true, progress = true }
  local fields = arguments.fields(what, given, checks, details, function(name, value)
    -- With the checks off a call takes fields that this library does not know.
    if is_checked or type(name) ~= "string" or arguments.near(name, checks) then return false end
    query[name] = value
    return true
  end)
  for name, value in pairs(fields) do
    if not mine[name] and not MORE_CHECKS[what][name] then query[name] = value end
  end
  for name, problem in pairs(REQUIRED[what] or {}) do
    if rawget(given, name) == nil then arguments.add(details, name, problem) end
  end
  local ids, places = check_ids(fields.calendarIds, details)
  local job = {
    what = what,
    client = state.client,
    options = own_options,
    query = query,
    fields = fields,
    ids = ids,
    zone = zone_of(fields),
    progress = fields.progress or progress,
    responses = {},
    requests = 0,
  }
  job.has_own_ids = fields.calendarIds ~= nil
  job.timezone = fields.timezone ~= nil and job.zone or nil
  job.from, job.to = arguments.span(fields, details, arguments.now())
  local err = check_calls(state, job, places, details)
  if #details > 0 then return nil, arguments.error(what, details) end
  if err then return errors.locate(nil, err) end
  return job
end

-- Reading

--- The error of a response that was read, but not understood.
local function unreadable(what, response, id)
  response = secrets.without_any(response)
  return errors.new {
    kind = "decode",
    response = response,
    status = response.status,
    trace_id = response.trace_id,
    attempts = response.attempts,
    calendarId = id,
    message = "the response has " .. what,
  }
end

--- Sets the calendars of a job: all active ones of the location, unless the caller gave them.
-- @treturn ?Error
local function find_calendars(job)
  if job.ids then return nil end
  local calendars, response = job.client.calendars:list({ locationId = job.query.locationId }, job.options)
  if not calendars then return response end
  local ids, seen = {}, {}
  for _, calendar in ipairs(calendars) do
    local id = type(calendar) == "table" and calendar.id
    if arguments.id(id) then return unreadable("a calendar without an id", response) end
    if calendar.isActive ~= false and not seen[id] then
      ids[#ids + 1], seen[id] = id, true
    end
  end
  job.ids = ids
end

local function note_progress(job)
  job.requests = job.requests + 1
  if job.progress then async.call_progress(job.progress, job.requests, job.total) end
end

--- Reads the free slots of a calendar in a window. A failure is raised, as `job.failure`, so that the requests of the
-- other calendars are aborted.
-- @treturn ?table nil if the calendar is gone
local function read_calendar(job, window, id)
  local free, response = job.client.calendars:free_slots(id, query_of(job, window.from, window.to), job.options)
  if free then
    job.responses[id] = response
  elseif response.kind == "not_found" and not job.has_own_ids then
    job.is_gone = job.is_gone or {}
    job.is_gone[id] = true
    if job.total then job.total = job.total - window.left end
  else
    response.message, response.calendarId = format("calendar %s: %s", id, response.message), id
    job.failure = response
    error(response, 0)
  end
  note_progress(job)
  return free
end

--- Reads a window of all calendars, side by side.
-- @treturn[1] table id -> what `free_slots` returned
-- @treturn[2] nil
-- @treturn[2] Error
local function read_calendars(job, window)
  local ids = job.ids
  local ok, results = pcall(async.map, ids, function(id) return read_calendar(job, window, id) end, {
    concurrency = MOST_AT_A_TIME,
  })
  if not ok and job.failure and rawequal(results, job.failure) then return nil, job.failure end
  if not ok then error(results, 0) end -- raised by `progress`
  local free = {}
  for index, id in ipairs(ids) do
    free[id] = results[index]
  end
  return free
end

--- Leaves out the calendars that were deleted since they were listed.
local function forget_gone(job)
  if not job.is_gone then return end
  local left = {}
  for _, id in ipairs(job.ids) do
    if not job.is_gone[id] then left[#left + 1] = id end
  end
  job.ids, job.is_gone = left, nil
end

--- Makes the function that reads the windows of a job, one after the other.
-- @treturn function returns the slots of the next window, in order of time; nil after the last; nil and an error
local function new_reader(job)
  local start, left = job.from, job.progress and windows.count(job.from, job.to, job.zone) or 0
  return function()
    local err = start and find_calendars(job)
    if err then return nil, err end
    if not start or #job.ids == 0 then return nil end
    job.total = job.total or #job.ids * left
    left = left - 1
    local stop, next_start = windows.stop(start, job.to, job.zone)
    local free
    free, err = read_calendars(job, { from = start, to = stop, left = left })
    if not free then return nil, err end
    local slots, odd, id = windows.merge(job.ids, free, start, next_start or job.to, job.timezone)
    if id then
      odd = secrets.without_any(validate.describe(odd))
      return nil,
        unreadable(format("free slots of the calendar %s that cannot be read: %s", id, odd), job.responses[id], id)
    end
    forget_gone(job)
    start = next_start
    return slots
  end
end

--- Reads until there is a slot. To be called in a task.
-- @treturn[1] Slot
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] ?Error nil if nothing is free
local function find_first(job)
  local read = new_reader(job)
  repeat
    local slots, err = read()
    if err then return nil, err end
    local slot = slots and slots[1]
    if slot then return slot, job.responses[slot.calendarId] end
  until not slots
end

-- The methods

--- A free slot of a calendar.
-- @table Slot
-- @tfield string calendarId the calendar
-- @tfield string day the day under which the API lists it, such as "2024-10-28"
-- @tfield string startTime its start, as the API gave it: book with exactly this
-- @tfield instant instant its start; it carries the zone `timezone`, if that was given, so that
-- `slot.instant + hoopai.time.weeks(1)` is the same time of day; else the offset of `startTime`

--- Iterates over the free slots of many calendars, in order of time; of one instant in the order of the calendars.
--
-- The span may have any length. It is read in windows of at most 30 days, when they are needed, and all calendars of a
-- window side by side. In a task the next window is read meanwhile. The loop may be left at any time.
--
-- With `calendarIds` each calendar must exist. Without it a calendar that was deleted since the calendars were listed
-- is left out. Other failures end the iterator: it raises the error, whose `calendarId` names the calendar.
-- @tparam table given and any other field of `free_slots`, such as `userId`
-- @tparam[opt] table given.calendarIds a list of ids. Default: all active calendars of the location
-- @tparam[opt] integer|string|instant given.from the beginning of the span. Default: now
-- @tparam integer|string|instant given.to its end, which is not part of it
-- @tparam[opt] string given.timezone the time zone of the slots. Default: the calendar's
-- @tparam[opt] function given.progress called with how many requests for slots are done and their total, after each
-- one. It may not wait
-- @tparam[opt] CallOptions call_options for each request; `progress` may be here too
-- @treturn function an iterator of slots, for a generic `for`
-- @raise the error of wrong arguments, of kind "invalid_request" with all problems; what goes wrong while it reads
function free_slots.each_slot(_, state, given, call_options)
  local job, err = new_job("calendars:each_slot", state, given, call_options)
  if not job then error(err, 0) end
  return rounds.each(job.what, new_reader(job))
end

--- Finds the next free slot of many calendars. It reads no further than the first window of at most 30 days that has
-- one.
-- @tparam table given as for `each_slot`
-- @tparam[opt] table given.calendarIds a list of ids. Default: all active calendars of the location
-- @tparam[opt] integer|string|instant given.from the beginning of the span. Default: now
-- @tparam integer|string|instant given.to its end, which is not part of it
-- @tparam[opt] string given.timezone the time zone of the slots. Default: the calendar's
-- @tparam[opt] function given.progress see `each_slot`
-- @tparam[opt] CallOptions call_options for each request; `progress` may be here too
-- @treturn[1] Slot
-- @treturn[1] Response that of the calendar
-- @treturn[2] nil
-- @treturn[2] Error of kind "slot_taken" if nothing is free
-- @raise for wrong use, such as an unknown option
function free_slots.next_slot(_, state, given, call_options)
  local job, err = new_job("calendars:next_slot", state, given, call_options)
  if not job then return nil, err end
  local slot, response = async.as_task(async.run, job.what, find_first, job)
  if slot or response then return errors.locate(slot, response) end
  local none = #job.ids == 0 and ": the location has no active calendar" or ""
  return nil,
    errors.new {
      kind = "slot_taken",
      attempts = 0,
      message = "no slot is free between " .. windows.text(job.from, job.to, job.zone) .. none,
    }
end

-- Waiting

--- Whether another look may succeed where this one failed.
local function is_passing(err) return err.retryable or err.kind == "decode" or err.kind == "protocol" end

--- Waits until a moment, or until the client is closed.
local function sleep_until(state, mode, moment)
  while now() < moment and not calls.is_closed(state) do
    state.shared.closing:wait(mode, moment)
  end
end

local function no_slot_in_time(job, looks, err)
  local failed = err and "; the last look failed: " .. err.message or ""
  return errors.new {
    kind = "timeout",
    retryable = true,
    attempts = 0,
    cause = err,
    message = format(
      "no slot became free between %s within the give_up_after of %g s, in %d looks%s",
      windows.text(job.from, job.to, job.zone),
      job.fields.give_up_after,
      looks,
      failed
    ),
  }
end

--- A job of the same arguments, from now on.
local function new_look(job)
  local look = options.copy(job)
  look.from = max(job.from, arguments.now())
  look.ids, look.responses, look.requests, look.total = job.has_own_ids and job.ids or nil, {}, 0, nil
  return look
end

--- Waits until a slot is free in one of many calendars, and looks for one again and again: at once, and then `every` so
-- many seconds, from the beginning of one look to that of the next. The rate limit may make it less often. In a plain
-- script it blocks.
--
-- What may pass does not end the wait: a look that failed for the network, a timeout, a 429, a 5xx, or a response that
-- cannot be read. Other failures end it, such as "auth", "forbidden", "closed", or "not_found" of a calendar in
-- `calendarIds`.
-- @tparam table given as for `each_slot`
-- @tparam number given.give_up_after seconds after which the wait ends, a request that is under way included
-- @tparam[opt=60] number given.every seconds
-- @tparam[opt] table given.calendarIds a list of ids. Default: all calendars that are active at the time of a look
-- @tparam[opt] integer|string|instant given.from the beginning of the span. Default: the time of the look
-- @tparam integer|string|instant given.to its end, which is not part of it; the wait ends then at the latest
-- @tparam[opt] string given.timezone the time zone of the slots. Default: the calendar's
-- @tparam[opt] function given.progress see `each_slot`; it begins again with each look
-- @tparam[opt] CallOptions call_options for each request; `progress` may be here too
-- @treturn[1] Slot
-- @treturn[1] Response that of the calendar
-- @treturn[2] nil
-- @treturn[2] Error of kind "timeout" if none became free in time; its `cause` is the failure of the last look, if that
-- failed
-- @raise for wrong use, such as an unknown option
function free_slots.wait_for_slot(_, state, given, call_options)
  local job, invalid = new_job("calendars:wait_for_slot", state, given, call_options)
  if not job then return nil, invalid end
  local mode = async.mode(job.what)
  local every, looks, err = job.fields.every or DEFAULT_EVERY, 0, nil
  local deadline = now() + job.fields.give_up_after
  repeat
    local begun, look = now(), new_look(job)
    if look.from >= job.to then break end
    local slot
    slot, err = async.timeout(max(deadline - begun, 0), find_first, look)
    if slot then return slot, err end
    looks = looks + 1
    if err and not is_passing(err) then return errors.locate(nil, err) end
    sleep_until(state, mode, min(begun + every, deadline))
  until now() >= deadline
  return nil, no_slot_in_time(job, looks, err)
end

return free_slots
