--- Safe booking, on top of `create`: `client.appointments:book` and `client.service_bookings:book`.
--
-- The API has no idempotency keys, so a create is sent once. A booking carries a reference in one of its texts by which
-- it is found again: after a lost response, before a refusal is believed, and when a program is run again.
--
--     safe -> reconcile -> request -> search
--     all of them -> kinds
--     safe -> turns
--     safe -> hoopai.list.windows, hoopai.list.owners; request -> hoopai.list.arguments
local async = require "hoopai.async"
local errors = require "hoopai.errors"
local owners = require "hoopai.list.owners"
local kinds = require "hoopai.booking.kinds"
local reconcile = require "hoopai.booking.reconcile"
local requests = require "hoopai.booking.request"
local search = require "hoopai.booking.search"
local secrets = require "hoopai.call.secrets"
local time = require "hoopai.time"
local turns = require "hoopai.booking.turns"
local validate = require "hoopai.validate"
local windows = require "hoopai.list.windows"

local format = string.format
local ipairs, max, pairs, setmetatable, type = ipairs, math.max, pairs, setmetatable, type
local to_epoch_ms, failure = time.to_epoch_ms, search.failure

local safe = {}

-- A caller that cancels a booking must be able to look for it: the error of the cut off call gets the `booking`.
local CutOffGuard = {}

function CutOffGuard.__close(guard)
  if guard.is_over then return end
  if guard.failure then
    return async.record_change(
      "maybe",
      failure(guard.kind, {
        kind = "cancelled",
        applied = "maybe",
        booking = guard.wanted,
        cause = guard.failure,
        message = "cut off before it was known what became of the booking",
      })
    )
  end
  local cut_off = async.last_cut_off()
  if cut_off and cut_off ~= guard.before then cut_off.booking = guard.wanted end
end

--- What identifies the booking of a slot.
local function wanted_of(job, slot)
  local body = job.body
  local wanted = { reference = job.reference, startTime = slot, endTime = body.endTime }
  for _, name in ipairs(job.kind.identity) do
    wanted[name] = body[name]
  end
  return wanted
end

--- The start of a booking that was found: as it was sent, unless it is another instant.
local function start_of(event, slot)
  local start = event.startTime
  if type(start) ~= "string" or slot and to_epoch_ms(start) == to_epoch_ms(slot) then return slot end
  return start
end

--- The error of a turn that did not come in time.
local function late(job, what)
  return failure(job.kind, {
    kind = "timeout",
    stage = "queue",
    retryable = true,
    attempts = 0,
    message = format("another booking of the %s took longer than the queue_timeout of %g s", what, job.queue_timeout),
  })
end

--- The error of a create whose response describes another booking; nil if it describes this one.
local function contradicted(kind, wanted, record, response)
  if response.dry_run then return nil end -- nothing was created
  local problem = search.contradiction(kind, wanted, record)
  if not problem then return nil end
  response = secrets.without_any(response)
  return failure(kind, {
    kind = "decode",
    applied = "maybe",
    response = response,
    status = response.status,
    trace_id = response.trace_id,
    attempts = response.attempts,
    message = "the response is not that of the create: " .. secrets.without_any(problem),
  })
end

--- Sends the create for one slot, and finds out what became of it if need be.
local function send(job, slot)
  local body = {}
  for name, value in pairs(job.body) do
    body[name] = value
  end
  body.startTime = slot
  local wanted = wanted_of(job, slot)
  if not job.reference then
    local err
    wanted.known, err = search.known_ids(job, wanted, job.options)
    if not wanted.known then return nil, err end
  end
  search.note_sending(wanted)
  local guard <close> = setmetatable({ kind = job.kind, wanted = wanted, before = async.last_cut_off() }, CutOffGuard)
  local booked, response = job.kind.send(job.client, body, job.options)
  local err = booked and contradicted(job.kind, wanted, booked, response) or not booked and response or nil
  local event
  if err then
    guard.failure = err
    booked, response, event = (err.applied == "no" and reconcile.refused or reconcile.lost)(job, wanted, err)
  end
  guard.is_over = true
  if booked then
    response.slot, response.reference = event and start_of(event, slot) or slot, job.reference
    response.reconciled = event and true or nil
  end
  return booked, response
end

--- Books one slot. Two tasks that book one slot take turns: when one reconciles, it must not find the booking of the
-- other.
local function book_slot(job, slot)
  local kind = job.kind
  local key = format("%s %s %d", kind.book, kind.place(job.body), to_epoch_ms(slot))
  local in_time, booked, response = turns.take(kind.book, key, job.queue_timeout, send, job, slot)
  if not in_time then return nil, late(job, "slot") end
  return booked, response
end

--- Reads a window of the calendar. Its slots from `from` on, and before `to`, count.
-- @return[1] its first slot, and the milliseconds of the slot; nothing if none is free
-- @treturn[2] nil
-- @treturn[2] Error
local function first_slot(job, window, from, to)
  local id = job.body.calendarId
  local free, response = job.client.calendars:free_slots(id, {
    startDate = window.from,
    endDate = window.to,
    userId = job.body.assignedUserId,
    timezone = job.timezone,
  }, job.options)
  if not free then return nil, response end
  local next_free, odd, odd_id = windows.merge({ id }, { [id] = free }, from, to)
  local slot = next_free()
  if slot then return slot.startTime, slot.instant:ms() end
  if odd_id then return nil, owners.unreadable_slots(id, odd, response) end
end

--- The first free slot after an instant.
-- @return[1] the slot as the API spells it, and its milliseconds
-- @treturn[2] nil
-- @treturn[2] Error
local function next_slot(job, after)
  local from = max(job.from, after and after + 1 or 0)
  local start = windows.start(from)
  while start and from < job.to do
    local stop, next_start = windows.stop(start, job.to, job.timezone)
    local slot, ms = first_slot(job, { from = start, to = stop }, max(start, from), next_start or job.to)
    if slot or ms then return slot, ms end
    start = next_start
  end
  return nil,
    failure(job.kind, {
      kind = "slot_taken",
      message = "no slot is free between " .. windows.text(job.from, job.to, job.timezone),
      attempts = 0,
    })
end

--- Books the given slot, or the first free ones until one is booked.
local function book_any(job)
  local slot, ms, err = job.body.startTime, job.start, nil
  while true do
    if not slot then
      slot, ms = next_slot(job, ms)
      if not slot then return nil, err or ms end
    end
    job.slots_left = job.slots_left - 1
    local booked, response = book_slot(job, slot)
    if booked then return booked, response end
    err = response
    if err.kind ~= "slot_taken" or job.on_taken ~= "next" or job.slots_left < 1 then return nil, err end
    slot = nil
  end
end

--- Returns the booking of the job's reference, which an earlier run may have made; or books.
local function find_or_book(job)
  local slot = job.body.startTime
  local booked, response, event = search.existing(job, wanted_of(job, slot))
  if booked == nil then return nil, response end
  if not booked then return book_any(job) end
  response.existing, response.slot, response.reference = true, start_of(event, slot), job.reference
  return booked, response
end

--- Books, see `book` in hoopai.booking and hoopai.booking.services.
-- @tparam table kind see hoopai.booking.kinds
-- @tparam table state of the client
-- @tparam table given
-- @tparam ?table call_options
-- @return what `book` returns
function safe.book(kind, state, given, call_options)
  if type(given) ~= "table" then errors.raise(format("%s expects a table, got %s", kind.book, type(given))) end
  local job, invalid = requests.new_job(kind, state, given, call_options)
  if not job then return nil, invalid end
  if not job.has_own_reference then return book_any(job) end
  -- Two tasks with one reference take turns: the second one is to find the booking of the first.
  local key = format("ref %s %s %s", kind.book, kind.reference_place(job.body), job.reference)
  local in_time, booked, response = turns.take(kind.book, key, job.queue_timeout, find_or_book, job)
  if not in_time then return nil, late(job, "reference") end
  return booked, response
end

local function is_instant(value) return to_epoch_ms(value) ~= nil end

local function is_instant_or_nil(value) return value == nil or is_instant(value) end

local function is_or_nil(kind)
  return function(value) return value == nil or type(value) == kind end
end

local function is_text(value) return type(value) == "string" end

local function is_list(value) return type(value) == "table" and type(value[1]) == "table" end

-- The fields of a Booking that `find_booking` reads, and whether a value is right.
local any_fields = {
  { "startTime", is_instant },
  { "endTime", is_instant_or_nil },
  { "reference", is_or_nil "string" },
  { "sent_ms", is_or_nil "number" },
  { "known", is_or_nil "table" },
}
local own_fields = {
  [kinds.appointments] = { { "calendarId", is_text } },
  [kinds.service_bookings] = { { "services", is_list } },
}

--- Checks a Booking, which is read once and raw.
-- @treturn Booking a copy
local function check_wanted(kind, wanted)
  local expected = format("%s expects the `booking` of an error of %s", kind.find, kind.book)
  if type(wanted) ~= "table" then errors.raise(expected .. ", got " .. type(wanted)) end
  wanted = search.copy(wanted)
  for _, fields in ipairs { own_fields[kind], any_fields } do
    for _, field in ipairs(fields) do
      local name, is_right = field[1], field[2]
      if not is_right(wanted[name]) then
        errors.raise(format("%s: its `%s` is %s", expected, name, validate.describe(wanted[name])))
      end
    end
  end
  return wanted
end

--- Looks again, see `find_booking` in hoopai.booking and hoopai.booking.services.
-- @tparam table kind see hoopai.booking.kinds
-- @tparam table state of the client
-- @tparam Booking wanted
-- @tparam ?table call_options
-- @return what `find_booking` returns
function safe.find_booking(kind, state, wanted, call_options)
  wanted = check_wanted(kind, wanted)
  local from, to = search.later_span(wanted)
  local job = { kind = kind, client = state.client }
  local booked, response, event = search.sent(job, wanted, from, to, call_options)
  if booked == false and response then
    return nil,
      failure(kind, {
        kind = "not_found",
        applied = "maybe",
        details = { response },
        message = "one like it is there, without the reference: " .. response,
      })
  elseif booked == false then
    return nil, failure(kind, { kind = "not_found", message = "there is no such booking now" })
  end
  if booked then
    response.reconciled, response.slot = true, start_of(event, wanted.startTime)
  end
  return booked, response
end

return safe
