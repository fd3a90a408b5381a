--- `block_slots:ensure`: blocks a time unless it is blocked already.
local arguments = require "hoopai.list.arguments"
local async = require "hoopai.async"
local calls = require "hoopai.call"
local core = require "hoopai.core"
local endpoints = require "hoopai.call.endpoints"
local errors = require "hoopai.errors"
local options = require "hoopai.options"
local owners = require "hoopai.list.owners"
local request = require "hoopai.call.request"
local time = require "hoopai.time"
local turns = require "hoopai.booking.turns"

local format = string.format
local huge, max = math.huge, math.max
local ipairs, pairs, setmetatable, tostring, type = ipairs, pairs, setmetatable, tostring, type
local now, to_epoch_ms = core.now, time.to_epoch_ms

local ensure = {}

local WHAT = "block_slots:ensure"
local HOUR = 3600000 -- milliseconds
local READ_AT = { 1, 3, 8 } -- seconds after an unclear create: the API may be late

-- After these kinds another reading would fail in the same way.
local HOPELESS = { closed = true, auth = true, scope = true, forbidden = true, reauth_required = true }

-- Arguments

-- What a blocked time is known by. The API's checks do not require all of it, and may be switched off.
local function check_wanted(fields, details)
  local has_calendar, has_user = type(fields.calendarId) == "string", type(fields.assignedUserId) == "string"
  if has_calendar == has_user then
    arguments.add(details, "", "give one of `calendarId` or `assignedUserId`, a string: the owner of the blocked time")
  end
  for _, name in ipairs { "startTime", "endTime" } do
    local ms, problem = to_epoch_ms(fields[name])
    if fields[name] == nil then
      arguments.add(details, name, "is required: a blocked time is known by its two instants")
    elseif not ms then
      arguments.add(details, name, problem, fields[name])
    end
  end
end

--- Adds the problems of the fields that the checks of `create` have not named.
local function add_missing(given, details)
  local named, more = {}, {}
  for _, detail in ipairs(details) do
    named[detail.path] = true
  end
  check_wanted(given, more)
  for _, detail in ipairs(more) do
    if not named[detail.path] then details[#details + 1] = detail end
  end
end

--- Makes the job of one blocked time.
-- @treturn[1] table `body`, `owner` (a name and an id), `from`, `to` (milliseconds), `key`
-- @treturn[2] nil
-- @treturn[2] Error with all problems
local function new_job(state, given, call_options, ...)
  given = options.copy(given)
  local named = endpoints.named("block_slots.create", WHAT)
  local prepared, err = request.from_arguments(state, named, given, call_options, ...)
  if not prepared and err.kind ~= "invalid_request" then return nil, err end
  local details = not prepared and err.details or {}
  local fields = prepared and prepared.fields or given
  if type(fields) == "table" then add_missing(fields, details) end
  if #details > 0 then return nil, arguments.error(WHAT, details) end
  local owner = type(fields.calendarId) == "string" and "calendarId" or "assignedUserId"
  local from, to = to_epoch_ms(fields.startTime), to_epoch_ms(fields.endTime)
  call_options = options.copy(call_options)
  return {
    state = state,
    body = given,
    options = call_options,
    queue_timeout = request.options(state.settings, options.copy(call_options)).queue_timeout or huge,
    owner = owner,
    owner_id = fields[owner],
    location_id = fields.locationId,
    from = from,
    to = to,
    key = format("block %s %s %d %d", owner, fields[owner], from, to),
  }
end

-- Looking

--- Whether a blocked time is of the owner. The list is of the owner alone: one that shows no owner at all is too.
local function is_of_owner(job, event)
  local shown = event[job.owner]
  if shown == nil then return event.calendarId == nil and event.assignedUserId == nil end
  return shown == job.owner_id
end

--- Whether an event of the list is the blocked time.
-- @treturn ?boolean nil if it may be, and one of its instants cannot be read
local function is_wanted(job, event)
  if type(event) ~= "table" or event.deleted == true or not is_of_owner(job, event) then return false end
  local from, to = to_epoch_ms(event.startTime), to_epoch_ms(event.endTime)
  if from and from ~= job.from or to and to ~= job.to then return false end
  return from and to and true or nil
end

--- The error of a blocked time of which it cannot be said whether it is the one: another one might block it twice.
local function untimed(event, response)
  local text = "the times of the blocked time %s cannot be read: whether it is the one to be made is unknown"
  return owners.unreadable(endpoints.find("block_slots.list").path, format(text, tostring(event.id)), response)
end

--- Looks for the blocked time.
-- @treturn[1] ?table nil if it is not there
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] Error
local function find(job)
  local listed, response = calls.perform(job.state, endpoints.find "block_slots.list", {
    locationId = job.location_id,
    [job.owner == "calendarId" and "calendarId" or "userId"] = job.owner_id,
    startTime = job.from - HOUR,
    endTime = job.to + HOUR,
  }, job.options)
  if listed == nil then return nil, response end
  local odd
  for _, event in ipairs(listed) do
    local is_it = is_wanted(job, event)
    if is_it then return event, response end
    if is_it == nil then odd = event end
  end
  if odd then return nil, untimed(odd, response) end
  return nil, response
end

--- An unclear error, with the advice to call again.
local function still_unclear(err)
  local copy = {}
  for name, value in pairs(err) do
    copy[name] = value
  end
  copy.message = err.message .. "; the blocked time was not found so far: " .. WHAT .. " looks again, call it later"
  return errors.new(copy)
end

-- A task that is cut off while it looks again says what it may have changed.
local CutOffGuard = {}

function CutOffGuard.__close(guard)
  if guard.is_over then return end
  async.record_change(
    "maybe",
    errors.new {
      kind = "cancelled",
      applied = "maybe",
      cause = guard.err,
      message = "cut off before it was known whether the time was blocked",
    }
  )
end

--- Looks for a blocked time whose create had an unclear outcome. It is not sent again: the API may still carry it out.
local function look_again(job, err)
  local begun, guard <close> = now(), setmetatable({ err = err, is_over = false }, CutOffGuard)
  for _, moment in ipairs(READ_AT) do
    async.sleep(max(begun + moment - now(), 0))
    local event, response = find(job)
    if event then
      response.reconciled, guard.is_over = true, true
      return event, response
    end
    if errors.is(response) and HOPELESS[response.kind] then break end
  end
  guard.is_over = true
  return nil, still_unclear(err)
end

local function find_or_create(job)
  local event, response = find(job)
  if event then response.existing = true end
  if event or errors.is(response) then return event, response end
  local created, err
  created, response = calls.perform(job.state, endpoints.find "block_slots.create", job.body, job.options)
  if created ~= nil then return created, response end
  err = response
  if err.applied == "no" then return nil, err end
  return look_again(job, err)
end

--- Blocks the time of a user or of an event calendar, unless the same time is blocked already: a program that ends
-- half-way can be run again.
--
-- A blocked time is the same if it has the same owner (`calendarId` or `assignedUserId`) and the same two instants,
-- whatever their offsets; the title is not compared. If the outcome of the create is unclear, the list is read again,
-- after 1, 3 and 8 seconds, and nothing is sent twice.
--
-- Two tasks of a program that block one time take turns; `queue_timeout` bounds the wait. The API has no such guard:
-- two programs that call this at the same moment may still block the time twice.
-- @tparam BlockSlotCreate body the fields of `create`; `startTime` and `endTime` are required
-- @tparam[opt] CallOptions call_options for each request
-- @treturn[1] BlockSlot the new one, or the one that was there (as @{client.block_slots|list} shows it)
-- @treturn[1] Response with `existing` if the time was blocked before, and `reconciled` if the response to the create
-- was lost, and the blocked time found
-- @treturn[2] nil
-- @treturn[2] Error `applied` is "maybe" if the response to the create was lost and the blocked time was not found so
-- far: call it again later
-- @raise for wrong use, such as an unknown option
function ensure.ensure(_, state, body, call_options, ...)
  local job, invalid = new_job(state, body, call_options, ...)
  if not job then return nil, invalid end
  local in_time, blocked, response = turns.take(WHAT, job.key, job.queue_timeout, find_or_create, job)
  if in_time then return blocked, response end
  return nil,
    errors.new {
      kind = "timeout",
      stage = "queue",
      retryable = true,
      attempts = 0,
      message = format(
        "another task that blocks this time took longer than the queue_timeout of %g s",
        job.queue_timeout
      ),
    }
end

return ensure
