--- Safe booking, on top of `create`: `client.appointments:book` and `client.service_bookings:book`.
--
-- The API has no idempotency keys, so a create is sent once. A booking carries a reference in one of its texts by which
-- it is found again: after a lost response, before a refusal is believed, and when a program is run again.
--
--     booking -> reconcile -> request -> search
--     all of them -> kinds
--     booking -> turns
--     booking -> hoopai.list.windows, hoopai.list.owners; request -> hoopai.list.arguments
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

-- The methods of client.appointments and client.service_bookings; `self` is the state of the client, see hoopai.client.
local booking = {}

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

--- Books, see `booking:book`.
local function book(kind, state, given, call_options)
  if type(given) ~= "table" then errors.raise(format("%s expects a table, got %s", kind.book, type(given))) end
  local job, invalid = requests.new_job(kind, state, given, call_options)
  if not job then return nil, invalid end
  if not job.has_own_reference then return book_any(job) end
  -- Two tasks with one reference take turns: the second one is to find the booking of the first.
  local key = format("ref %s %s %s", kind.book, kind.place(job.body), job.reference)
  local in_time, booked, response = turns.take(kind.book, key, job.queue_timeout, find_or_book, job)
  if not in_time then return nil, late(job, "reference") end
  return booked, response
end

--- What identifies a booking, for @{Appointments:find_booking}. Plain data, which can be kept in a file.
-- @table Booking
-- @tfield[opt] string reference the text at the end of its description
-- @tfield string calendarId its calendar
-- @tfield string contactId its contact
-- @tfield string startTime its start
-- @tfield[opt] string endTime its end, if one was given
-- @tfield[opt] string locationId its location
-- @tfield[opt] string assignedUserId its user, if one was given
-- @tfield[opt] integer sent_ms when it was sent, in milliseconds since 1970
-- @tfield[opt] table known the events before it: id -> true

--- Books a slot, at most once, and reconciles the booking if its response is lost.
--
-- Give `startTime` (a slot as `free_slots` returned it), or `from` and `to`, any time apart: then the first free slot
-- between them is booked. The create is sent once. If its outcome is unclear (a timeout, a broken connection, a 5xx),
-- the events around the slot are read until the booking is found, for `reconcile_timeout`. They are also read before a
-- refusal is believed, and the next slot tried.
--
-- With a `reference` of your own a program that was killed can be run again: `book` looks for the reference before it
-- sends anything, and returns the booking that it finds. It looks in the calendar, from 24 hours before `from` or
-- `startTime` to 31 days after `to`; cancelled and invalid bookings do not count. It does not find a booking that was
-- moved further or to another calendar, or whose description was changed. Wait for a minute before the second run: the
-- API may still be carrying out the create of the first one.
--
-- With the option `dry_run` it looks for the reference and for a slot, and returns the @{DryRunResult} of the create;
-- `response.slot` is the slot that it would take.
--
-- Two tasks of a program that book one slot, or with one reference, take turns; `queue_timeout` bounds the wait.
-- @tparam table given the fields of `create`, without `ignoreFreeSlotValidation` and `rrule`; and
-- @tparam[opt] integer|string|instant given.from the beginning of the search for a free slot. Default: now
-- @tparam[opt] integer|string|instant given.to its end, which is not part of it. Default: seven days later
-- @tparam[opt] string given.timezone the time zone of the slots. Default: the calendar's
-- @tparam[opt] string given.on_taken if the slot was taken meanwhile: "next" tries the following free ones, "fail" does
-- not. Default: "fail" with `startTime`, else "next"
-- @tparam[opt=5] integer given.max_slots how many slots are tried at most
-- @tparam[opt=true] boolean|string given.reference the text at the end of the description by which the booking is found
-- again: true for a random text; a text of your own (8 to 200 characters, no brackets), which no other booking has; or
-- false for none. Then the booking is recognised by calendar, contact and instant, and the events are also read before
-- it is sent
-- @tparam[opt=60] number given.reconcile_timeout seconds for reconciling, on top of `timeout`. With less than 60 the
-- outcome of a create whose response was lost stays "maybe" if the booking is not found; with 60 or more the last look
-- comes after them
-- @tparam[opt] CallOptions call_options for each request of the booking
-- @treturn[1] Appointment
-- @treturn[1] Response with `slot`, the start as it was sent (or that of the booking that was found, if it is another
-- instant), `reference`, `existing` if the booking was there before, and `reconciled` if it was found after the create
-- @treturn[2] nil
-- @treturn[2] Error `applied` is "no" if nothing was booked: the request was not sent; or it was refused, or its
-- response was lost for a minute, and the booking was looked for and is not there. Else `booking` has all that
-- `appointments:find_booking` needs to look again. Kind "conflict" with "no": the reference is that of a booking of
-- another contact; "duplicate": several bookings have it
-- @raise for wrong use, such as an unknown option
function booking:book(given, call_options) return book(kinds.appointments, self, given, call_options) end

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

--- Looks again, see `booking:find_booking`.
local function find_sent(kind, state, wanted, call_options)
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

--- Looks again for a booking whose outcome stayed unclear: by its reference from 24 hours before its start to 31 days
-- after it.
-- @tparam Booking wanted the `booking` of the error of `appointments:book`
-- @tparam[opt] CallOptions call_options
-- @treturn[1] Appointment
-- @treturn[1] Response with `reconciled`, and `slot`, the start of the booking
-- @treturn[2] nil
-- @treturn[2] Error of kind "not_found" if there is no such booking now, "duplicate" if there are several. If an event
-- is like it but lacks the reference, `applied` of the former is "maybe", and `details` has its id
-- @raise for wrong use, such as an unknown option
function booking:find_booking(wanted, call_options) return find_sent(kinds.appointments, self, wanted, call_options) end

--- What identifies a service booking, for @{ServiceBookings:find_booking}. Plain data, which can be kept in a file.
-- @table ServiceBookingRecord
-- @tfield[opt] string reference the text at the end of its title
-- @tfield table services what was booked, as in the request
-- @tfield string contactId its contact
-- @tfield string startTime its start
-- @tfield[opt] string endTime its end, as it was sent
-- @tfield[opt] string locationId its location
-- @tfield[opt] integer sent_ms when it was sent, in milliseconds since 1970
-- @tfield[opt] table known the service bookings before it: id -> true

--- Books services, at most once, and reconciles the booking if its response is lost.
--
-- It works as @{Appointments:book} does with `startTime`. The create is sent once. If its outcome is unclear (a
-- timeout, a broken connection, a 5xx), the service bookings around it are read until it is found, for
-- `reconcile_timeout`. They are also read before a refusal is believed.
--
-- Without a `reference` the booking is recognised by its contact, instant and services, and the service bookings are
-- also read before it is sent. With a `reference` of your own a program that was killed can be run again, and returns
-- the booking that it finds. A service booking has no description: its reference stands at the end of its title, where
-- people see it.
--
-- The API does not list the free times of services. Hence nothing proves that a booking which is not found was not
-- made: `applied` stays "maybe", and @{ServiceBookings:find_booking} looks again.
-- @tparam table given the fields of `create`, without `overrideAvailability`; and
-- @tparam[opt=false] boolean|string given.reference the text at the end of the title by which the booking is found
-- again: a text of your own (8 to 200 characters, no brackets), which no other booking has; true for a random one
-- @tparam[opt=60] number given.reconcile_timeout seconds for reconciling, on top of `timeout`
-- @tparam[opt] CallOptions call_options for each request of the booking
-- @treturn[1] ServiceBooking
-- @treturn[1] Response with `slot`, the start as it was sent (or that of the booking that was found, if it is another
-- instant), `reference`, `existing` if the booking was there before, and `reconciled` if it was found after the create
-- @treturn[2] nil
-- @treturn[2] Error `applied` is "no" if nothing was booked: the request was not sent; or it was refused, and the
-- booking was looked for and is not there. Else `booking` has all that `service_bookings:find_booking` needs to look
-- again
-- @raise for wrong use, such as an unknown option
-- @function ServiceBookings:book
function booking:book_services(given, call_options) return book(kinds.service_bookings, self, given, call_options) end

--- Looks again for a service booking whose outcome stayed unclear, as @{Appointments:find_booking} does.
-- @tparam ServiceBookingRecord wanted the `booking` of the error of `service_bookings:book`
-- @tparam[opt] CallOptions call_options
-- @treturn[1] ServiceBooking
-- @treturn[1] Response with `reconciled`, and `slot`, the start of the booking
-- @treturn[2] nil
-- @treturn[2] Error of kind "not_found" if there is no such booking now, "duplicate" if there are several
-- @raise for wrong use, such as an unknown option
-- @function ServiceBookings:find_booking
function booking:find_service_booking(wanted, call_options)
  return find_sent(kinds.service_bookings, self, wanted, call_options)
end

return booking
