--- What became of a create: after a lost response, and before a refusal is believed.
local async = require "hoopai.async"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local requests = require "hoopai.booking.request"
local search = require "hoopai.booking.search"
local slots = require "hoopai.slots"
local time = require "hoopai.time"

local format = string.format
local ipairs, max, min, pairs, tostring, type = ipairs, math.max, math.min, pairs, tostring, type
local now, to_epoch_ms = core.now, time.to_epoch_ms
local within = requests.within

local reconcile = {}

local HOUR = 3600000 -- milliseconds

-- Seconds
local READ_AT = { 1, 3, 8, 20, 45 } -- when to read the events after an unclear create: the API may be late
local LAST = 10 -- for each of the last requests, after the time for reconciling

--- Seconds after a lost response before which no reading proves that there is no booking: the API may carry the create
-- out for as long as a gateway waits for it, which is a minute by the usual settings.
reconcile.SURE_AFTER = 60

-- After these kinds another reading would fail in the same way.
local HOPELESS = {
  closed = true,
  auth = true,
  scope = true,
  forbidden = true,
  reauth_required = true,
  invalid_request = true,
}

-- Refusals that come before a request is carried out, by their definition.
local BEFOREHAND = { auth = true, scope = true, forbidden = true, reauth_required = true, rate_limit = true }

--- Seconds for a reading that ends at the deadline. A reading that waited long for a connection gets some time in any
-- case: without its response all the waiting was for nothing.
local function time_left(job, deadline) return max(deadline - now(), job.reconcile_timeout / 60, 0.05) end

--- Whether the slot is still offered. Reads again until the deadline (a core.now() time) while no response comes.
local function is_offered(job, wanted, deadline)
  local start = to_epoch_ms(wanted.startTime)
  local free, err
  repeat
    free, err = job.client.calendars:free_slots(wanted.calendarId, {
      startDate = start - HOUR,
      endDate = start + HOUR,
      userId = wanted.assignedUserId,
    }, within(job, time_left(job, deadline)))
    if not free and not HOPELESS[err.kind] then async.sleep(0.5) end
  until free or HOPELESS[err.kind] or now() >= deadline
  for _, _, instant in slots(free or {}) do
    if instant:ms() == start then return true end
  end
  return false
end

--- When to read the events, in seconds after the failure.
local function readings_within(timeout)
  local last, moments = timeout - min(5, timeout / 4), {}
  for _, moment in ipairs(READ_AT) do
    if moment < last then moments[#moments + 1] = moment end
  end
  moments[#moments + 1] = last
  return moments
end

--- Copies an error, with what is known now.
local function outcome(err, wanted, fields)
  local copy = {}
  for name, value in pairs(err) do
    copy[name] = value
  end
  for name, value in pairs(fields) do
    copy[name] = value
  end
  copy.retryable = copy.applied == "no"
  copy.booking = copy.applied ~= "no" and wanted or nil
  return errors.new(copy)
end

local function unclear(job, wanted, err)
  return outcome(err, wanted, {
    applied = "maybe",
    message = format("%s; not found so far; %s(err.booking) looks again", err.message, job.kind.find),
  })
end

local function several(duplicate, wanted, err)
  duplicate.booking, duplicate.cause = wanted, err
  return duplicate
end

--- The last look after a lost response, when all the time for reconciling has passed: only if the slot is still free,
-- and the booking is nowhere in the span, it was not made. (The look comes after the question for the slot: a create
-- that is carried out between the two is found.) Where the API does not list free slots, there is no such proof.
local function conclude(job, wanted, err)
  local offered = job.kind.has_slots and is_offered(job, wanted, now() + LAST)
  local from, to = search.whole_span(job, wanted)
  local booked, response, event = search.sent(job, wanted, from, to, within(job, LAST))
  if booked then return booked, response, event end
  if booked == nil and response.kind == "duplicate" then return nil, several(response, wanted, err) end
  if booked == nil or response or not offered then return nil, unclear(job, wanted, err) end
  return nil,
    outcome(err, wanted, {
      applied = "no",
      message = err.message .. "; it was looked for and is not there: the slot is still free",
    })
end

--- Finds out what became of a create whose outcome is unclear. Yields.
-- @tparam table job see hoopai.booking.request
-- @tparam Booking wanted what was sent
-- @tparam Error err of the create
-- @treturn[1] table the booking
-- @treturn[1] Response
-- @treturn[1] table the event of the list, which has the instants
-- @treturn[2] nil
-- @treturn[2] Error with `applied` "no" only after SURE_AFTER seconds
function reconcile.lost(job, wanted, err)
  local begun, like, hopeless = now(), nil, false
  local deadline = begun + job.reconcile_timeout
  local from, to = search.near_span(wanted)
  for _, moment in ipairs(readings_within(job.reconcile_timeout)) do
    async.sleep(max(begun + moment - now(), 0))
    local booked, response, event = search.sent(job, wanted, from, to, within(job, time_left(job, deadline)))
    if booked then return booked, response, event end
    like, hopeless = nil, false
    if booked == false then
      like = response
    elseif response.kind == "duplicate" then
      return nil, several(response, wanted, err)
    elseif HOPELESS[response.kind] then
      hopeless = true
      break
    end
  end
  if hopeless or like or job.reconcile_timeout < reconcile.SURE_AFTER then return nil, unclear(job, wanted, err) end
  async.sleep(max(deadline - now(), 0))
  return conclude(job, wanted, err)
end

--- Whether a request of a call was sent, the earlier attempts included.
local function was_sent(err)
  while type(err) == "table" do
    if err.status then return true end
    err = err.cause
  end
  return false
end

--- Looks for the booking before a refusal is believed: a gateway may have sent the create twice, and returned the
-- response to the second one. Yields.
-- @tparam table job
-- @tparam Booking wanted
-- @tparam Error err with `applied` "no"
-- @treturn same as `lost`: with the error of the create if the booking is not there
function reconcile.refused(job, wanted, err)
  if not was_sent(err) then return nil, err end
  local from, to = search.whole_span(job, wanted)
  local booked, response, event = search.sent(job, wanted, from, to, within(job, job.timeout))
  if booked then return booked, response, event end
  local refusal = "the API refused the booking: " .. tostring(err.message)
  if booked == false and not response then return nil, err end
  if booked == false then
    return nil,
      search.failure(job.kind, {
        kind = "conflict",
        applied = "maybe",
        booking = wanted,
        cause = err,
        details = { response },
        message = format("one like it is there, without the reference: %s; %s", response, refusal),
      })
  end
  if response.kind == "duplicate" then return nil, several(response, wanted, err) end
  if BEFOREHAND[err.kind] then return nil, err end
  return nil,
    outcome(response, wanted, {
      applied = "maybe",
      cause = err,
      message = format("%s, and it could not be looked for: %s", refusal, response.message),
    })
end

return reconcile
