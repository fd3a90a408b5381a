--- Free slots over any span and in many calendars: methods of client.calendars.
--
--     free_slots -> slot_search -> windows
local arguments = require "hoopai.list.arguments"
local async = require "hoopai.async"
local calls = require "hoopai.call"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local rounds = require "hoopai.list.rounds"
local slot_search = require "hoopai.list.slot_search"
local time = require "hoopai.time"
local windows = require "hoopai.list.windows"

local error, format, huge = error, string.format, math.huge
local max, min, type = math.max, math.min, type
local now = core.now

local free_slots = {}

local DEFAULT_EVERY = 60 -- seconds

local NO_CHECKS = {}

--- A check of a number of seconds. Waits may be long: no number is taken for milliseconds.
local function seconds(value)
  local ok = type(value) == "number" and value > 0 and value < huge
  if ok then return nil end
  return "must be a number of seconds above 0" .. (time.is_duration(value) and ", not a duration" or "")
end

local WAIT_CHECKS = { every = seconds, give_up_after = seconds }
local WAIT_REQUIRES = { give_up_after = "is required: after how many seconds to give up" }

--- Reads until there is a slot. To be called in a task.
-- @treturn[1] Slot
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] ?Error nil if nothing is free
local function find_first(search)
  local read, reader = slot_search.reader(search)
  repeat
    local slots, err = read()
    if err then return nil, err end
    local slot = slots and slots()
    if slot then return slot, reader.responses[slot.calendarId] end
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
-- @tparam table given the calendars, the span, and the other fields of `free_slots`
-- @tparam[opt] table given.calendarIds a list of ids. Default: all active calendars of the location
-- @tparam[opt] integer|string|instant given.from the beginning of the span. Default: now
-- @tparam integer|string|instant given.to its end, which is not part of it
-- @tparam[opt] string given.timezone the time zone of the slots. Default: the calendar's
-- @tparam[opt] string given.userId only slots of this user
-- @tparam[opt] table given.userIds only slots of these users: a list
-- @tparam[opt] boolean given.enableLookBusy whether the calendar's look-busy setting hides slots here too
-- @tparam[opt] string given.locationId the location of the calendars, see `free_slots`
-- @tparam[opt] function given.progress called with how many requests have ended and their total, after each one. It may
-- not wait
-- @tparam[opt] CallOptions call_options for each request; `progress` may be here too
-- @treturn function an iterator of slots, for a generic `for`
-- @raise the error of wrong arguments, of kind "invalid_request" with all problems; what goes wrong while it reads
-- @function Calendars:each_slot
function free_slots.each_slot(_, state, given, call_options, ...)
  local what = "calendars:each_slot"
  arguments.check_last(what, 2, ...)
  local search, err = slot_search.new(what, state, given, call_options, NO_CHECKS)
  if not search then error(err, 0) end
  local read = slot_search.reader(search)
  return rounds.each(what, read)
end

--- Finds the next free slot of many calendars. It reads no further than the first window of at most 30 days that has
-- one.
-- @tparam table given as for `each_slot`
-- @tparam[opt] CallOptions call_options for each request; `progress` may be here too
-- @treturn[1] Slot
-- @treturn[1] Response that of the calendar
-- @treturn[2] nil
-- @treturn[2] Error of kind "slot_taken" if nothing is free
-- @raise for wrong use, such as an unknown option
-- @function Calendars:next_slot
function free_slots.next_slot(_, state, given, call_options, ...)
  local what = "calendars:next_slot"
  arguments.check_last(what, 2, ...)
  local search, err = slot_search.new(what, state, given, call_options, NO_CHECKS)
  if not search then return nil, err end
  local slot, response = async.as_task(async.run, what, find_first, search)
  if slot or response then return errors.locate(slot, response) end
  local none = #search.ids == 0 and ": the location has no active calendar" or ""
  return nil,
    errors.new {
      kind = "slot_taken",
      attempts = 0,
      message = "no slot is free between " .. windows.text(search.from, search.to, search.zone) .. none,
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

--- The error of a wait in which no slot became free.
-- @tparam table search
-- @tparam integer looks how many were made
-- @tparam ?Error failed why the last look that came to an end failed, if it did
-- @tparam boolean is_cut was another look under way?
local function no_slot_in_time(search, looks, failed, is_cut)
  local is_over = arguments.now() >= search.to
  local text = format(
    "no slot became free between %s %s, in %d look%s",
    windows.text(search.from, search.to, search.zone),
    is_over and "before that time was over" or format("within the give_up_after of %g s", search.fields.give_up_after),
    looks,
    looks == 1 and "" or "s"
  )
  if is_cut then text = text .. "; a look was under way" end
  if failed then text = text .. "; the last one failed: " .. failed.message end
  return errors.new { kind = "timeout", retryable = not is_over, attempts = 0, cause = failed, message = text }
end

--- Waits until a slot is free in one of many calendars. It looks at once, and then `every` so many seconds, from the
-- beginning of one look to that of the next. The rate limit may make it less often. In a plain script it blocks.
--
-- What may pass does not end the wait: a look that failed for the network, a timeout, a 429, a 5xx, or a response that
-- cannot be read. Other failures end it, such as "auth", "forbidden", "closed", or "not_found" of a calendar in
-- `calendarIds`.
-- @tparam table given as for `each_slot`, and how to wait. `to` ends the wait too. Without `from` each look begins at
-- its own time; without `calendarIds` it reads which calendars are active then; `progress` begins again with each look
-- @tparam number given.give_up_after seconds after which the wait ends, also while a request is under way
-- @tparam[opt=60] number given.every seconds
-- @tparam[opt] CallOptions call_options for each request; `progress` may be here too
-- @treturn[1] Slot
-- @treturn[1] Response that of the calendar
-- @treturn[2] nil
-- @treturn[2] Error of kind "timeout" if none became free in time; its `cause` is the error of the last look, if that
-- failed
-- @raise for wrong use, such as an unknown option
-- @function Calendars:wait_for_slot
function free_slots.wait_for_slot(_, state, given, call_options, ...)
  local what = "calendars:wait_for_slot"
  arguments.check_last(what, 2, ...)
  local search, invalid = slot_search.new(what, state, given, call_options, WAIT_CHECKS, WAIT_REQUIRES)
  if not search then return nil, invalid end
  local mode, looks, failed, is_cut = async.mode(what), 0, nil, false
  local every, deadline = search.fields.every or DEFAULT_EVERY, now() + search.fields.give_up_after
  repeat
    local begun, current = now(), arguments.now()
    if current >= search.to then break end
    local from, over = max(search.from, current), begun + (search.to - current + 1) / 1000
    local slot, response = async.timeout(max(deadline - begun, 0), find_first, slot_search.again(search, from))
    if slot then return slot, response end
    is_cut = response ~= nil and response.kind == "timeout" and now() >= deadline
    if not is_cut then
      looks, failed = looks + 1, response
    end
    if failed and not is_passing(failed) then return errors.locate(nil, failed) end
    sleep_until(state, mode, min(begun + every, deadline, over))
  until now() >= deadline
  return nil, no_slot_in_time(search, looks, failed, is_cut)
end

return free_slots
