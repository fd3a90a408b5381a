--- Safe booking, on top of `appointments:create`: `client.appointments:book`.
--
-- The API has no idempotency keys, so a create is sent once. If its outcome is unclear, the events around the slot are
-- read until it is known: a booking carries a reference in its description by which it is found again.
local async = require "hoopai.async"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local endpoints = require "hoopai.call.endpoints"
local options = require "hoopai.options"
local request = require "hoopai.call.request"
local retry = require "hoopai.call.retry"
local validate = require "hoopai.validate"
local slots = require "hoopai.slots"
local time = require "hoopai.time"

local format, find = string.format, string.find
local huge, max, min, math_type = math.huge, math.max, math.min, math.type
local ipairs, pairs, rawget, setmetatable, tostring, type = ipairs, pairs, rawget, setmetatable, tostring, type
local sort = table.sort
local now, to_epoch_ms = core.now, time.to_epoch_ms

-- The methods of client.appointments; `self` is the state of the client, see hoopai.client.
local booking = {}

-- Seconds
local READ_AT = { 1, 3, 8, 20, 45 } -- when to read the events after an unclear create: the API may be late
local SURE_AFTER = 10 -- an earlier reading cannot prove that there is no booking
local CLOCK_SKEW = 5 -- by which a record may seem older than the request that made it

-- Milliseconds
local HOUR, DAY = 3600000, 86400000
local METHOD, PATH = "POST", "/calendars/events/appointments"

-- The arguments

local function is_instant_text(value)
  local ms, problem = to_epoch_ms(value)
  return not ms and problem or nil
end

-- The options of `book` beside the fields of an appointment. Each check returns nil if the value is right.
local book_fields = {
  from = is_instant_text,
  to = is_instant_text,
  timezone = function(value) return type(value) ~= "string" and "must be the name of a time zone" or nil end,
  on_taken = function(value) return value ~= "next" and value ~= "fail" and 'must be "next" or "fail"' or nil end,
  max_slots = function(value)
    local ok = math_type(value) == "integer" and value >= 1 and value <= 100
    return not ok and "must be an integer from 1 to 100" or nil
  end,
  reference = function(value)
    if type(value) == "boolean" then return nil end
    local ok = type(value) == "string" and #value >= 8 and #value <= 200 and not find(value, "%c")
    return not ok and "must be true, false, or a text of 8 to 200 characters that no other booking has" or nil
  end,
  reconcile_timeout = function(value)
    if value == 0 then return nil end
    local problem = options.seconds_problem(value)
    return problem and "must be 0, or " .. problem or nil
  end,
}

-- The fields of an appointment that `book` itself reads: they are checked even with `validate = false`.
local needed_fields = {
  calendarId = function(value) return type(value) ~= "string" and "must be a string" or nil end,
  startTime = function(value) return value ~= nil and is_instant_text(value) or nil end,
  endTime = function(value) return value ~= nil and is_instant_text(value) or nil end,
  assignedUserId = function(value) return value == "" and "is empty: leave it out to mean any user" or nil end,
  description = function(value) return value ~= nil and type(value) ~= "string" and "must be a string" or nil end,
}

-- Fields of an appointment with which `book` cannot keep its promise.
local refused_fields = {
  ignoreFreeSlotValidation = "switches off the API's guard against double booking: with it use appointments:create",
  rrule = "makes a series, which only goes without that guard: use appointments:create",
}

-- What the fields of a window and of a booking are called elsewhere: no field of an appointment is meant.
-- stylua: ignore
local other_names = {
  startDate = "from", start = "from", since = "from", endDate = "to", ["end"] = "to", ["until"] = "to",
  slot = "startTime", time = "startTime", ref = "reference", timeZone = "timezone",
}

local function add(details, path, problem, given)
  details[#details + 1] = { path = path, problem = problem, given = given ~= nil and validate.describe(given) or nil }
end

--- Splits the caller's table into the fields of the appointment and the options of `book`, and adds their problems.
local function split(given, details)
  local body, book_options = {}, {}
  for name, value in pairs(given) do
    local check = book_fields[name]
    if check then
      local problem = check(value)
      if problem then
        add(details, name, problem, value)
      else
        book_options[name] = value
      end
    elseif refused_fields[name] then
      if value ~= false then add(details, name, refused_fields[name], value) end
    else
      body[name] = value
      local near = other_names[name]
      if not near and type(name) == "string" and find(name, "_", 1, true) then
        near = errors.suggest(name, book_fields)
      end
      if near then
        body[name] = nil
        details[#details + 1] =
          { path = name, problem = format("is unknown, did you mean `%s`?", near), suggestion = near }
      end
    end
  end
  return body, book_options
end

--- Sets the window of the search for a slot, in milliseconds.
local function set_window(job, book_options, details)
  local start = job.start
  local from = book_options.from and to_epoch_ms(book_options.from) or start or core.wall_ms()
  local to = book_options.to and to_epoch_ms(book_options.to) or from + 7 * DAY
  local start_name = book_options.from and "`from`" or "now"
  if to <= from then add(details, "to", "must be after " .. start_name, book_options.to) end
  local excess = to - from - 31 * DAY
  if excess > 0 then
    local advice = validate.clock_advice("from", 31, excess)
    add(details, "to", "must be at most 31 days after `from`" .. advice, book_options.to)
  end
  job.from, job.to = from, to
end

local function check_times(body, book_options, details)
  if rawget(body, "startTime") ~= nil then
    if book_options.from ~= nil then
      add(details, "from", "goes without `startTime`: give a slot or a window, not both", book_options.from)
    end
  elseif body.endTime ~= nil then
    add(details, "endTime", "goes with `startTime` only: the calendar says how long a slot is", body.endTime)
    body.endTime = nil
  end
end

--- Checks the fields of the appointment by the rules of `create`. Any instant stands for a start that is not known yet.
-- @treturn table the fields as they are sent: instants as text, the location filled in
local function check_body(body, context, details)
  local copy = {}
  for name, value in pairs(body) do
    copy[name] = value
  end
  if copy.startTime == nil then copy.startTime = "2000-01-01T00:00:00Z" end
  local create = endpoints.find("appointments.create")
  local checked, more = (create.checks or create.compile_checks()).body(copy, context)
  for _, detail in ipairs(more or {}) do
    details[#details + 1] = detail
  end
  if not checked then return body end
  if body.startTime == nil then checked.startTime = nil end
  for name, check in pairs(needed_fields) do
    local problem = check(checked[name])
    if problem then add(details, name, problem, checked[name]) end
  end
  return checked
end

local function failure(fields)
  fields.method, fields.path = METHOD, PATH
  return errors.new(fields)
end

--- A reference as it is written in a description. The end is marked too: one reference may begin like another.
local function mark_of(reference) return "[ref " .. reference .. "]" end

--- Makes a job of the caller's table; or returns nil and the error that names all problems.
local function new_job(state, given, call_options)
  options.check_call("appointments:book", call_options)
  local details, chosen = {}, request.options(state.settings, call_options)
  local body, book_options = split(given, details)
  check_times(body, book_options, details)
  body = check_body(body, chosen, details)
  local job = {
    client = state.client,
    options = call_options or {},
    body = body,
    timeout = chosen.timeout,
    queue_timeout = chosen.queue_timeout or huge,
    start = body.startTime and to_epoch_ms(body.startTime),
    timezone = book_options.timezone,
    on_taken = book_options.on_taken or (body.startTime == nil and "next" or "fail"),
    slots_left = book_options.max_slots or 5,
    reconcile_timeout = book_options.reconcile_timeout or 60,
  }
  set_window(job, book_options, details)
  if #details > 0 then
    sort(details, function(a, b) return tostring(a.path) < tostring(b.path) end)
    return nil,
      failure {
        kind = "invalid_request",
        details = details,
        attempts = 0,
        message = validate.message(details, "appointments:book"),
      }
  end
  if book_options.reference ~= false then
    local reference = book_options.reference
    job.reference = type(reference) == "string" and reference or "hoopai-" .. core.random_hex(16)
    body.description = (body.description and body.description .. "\n\n" or "") .. mark_of(job.reference)
  end
  return job
end

--- The call options of a request that takes these seconds at most.
local function within(job, seconds)
  local copy = {}
  for name, value in pairs(job.options) do
    copy[name] = value
  end
  copy.timeout, copy.queue_timeout = min(job.timeout, seconds), min(job.queue_timeout, seconds)
  return copy
end

-- One task at a time

local busy = {} -- calendar and instant -> lock and how many want it

local TurnGuard = {}

function TurnGuard.__close(guard)
  guard.entry.users = guard.entry.users - 1
  if guard.entry.users == 0 then busy[guard.key] = nil end
end

--- Two tasks that book one slot take turns: when one reconciles, it must not find the booking of the other.
local function take_turn(calendar_id, start)
  local key = calendar_id .. " " .. start
  local entry = busy[key] or { lock = async.new_lock(), users = 0 }
  local guard = setmetatable({ key = key, entry = entry }, TurnGuard)
  busy[key], entry.users = entry, entry.users + 1
  return guard, entry.lock
end

-- Reconciliation

local gone = { cancelled = true, invalid = true }

--- Whether the event carries the reference; nil if one of them has none.
local function is_marked(wanted, event)
  if not wanted.reference or type(event.description) ~= "string" then return nil end
  return find(event.description, mark_of(wanted.reference), 1, true) ~= nil
end

--- Whether an event looks like the booking that was sent, and is not older.
local function is_alike(wanted, event, sent_ms)
  if event.calendarId ~= wanted.calendarId or event.contactId ~= wanted.contactId then return false end
  if to_epoch_ms(event.startTime) ~= to_epoch_ms(wanted.startTime) then return false end
  if gone[event.appointmentStatus or event.appoinmentStatus] then return false end
  if wanted.known and wanted.known[event.id] then return false end
  local made = event.dateAdded and to_epoch_ms(event.dateAdded)
  return not made or not sent_ms or made >= sent_ms - CLOCK_SKEW * 1000
end

--- Lists the events around the slot. A response may have null among them.
local function list_around(client, wanted, call_options)
  local start = to_epoch_ms(wanted.startTime)
  local list, response = client.events:list({
    locationId = wanted.locationId,
    calendarId = wanted.calendarId,
    startTime = start - HOUR,
    endTime = (wanted.endTime and to_epoch_ms(wanted.endTime) or start) + HOUR,
  }, call_options)
  if not list then return nil, response end
  local events = {}
  for _, event in ipairs(list) do
    if type(event) == "table" then events[#events + 1] = event end
  end
  return events, response
end

--- When the booking was sent, on the server's clock as the Date header states it.
local function server_time(wanted, response)
  local server, sent_ms = retry.date(response.headers.date), wanted.sent_ms
  return server and sent_ms and server * 1000 - (core.wall_ms() - sent_ms) or sent_ms
end

local function duplicate(found)
  local ids = {}
  for index, event in ipairs(found) do
    ids[index] = event.id
  end
  return failure {
    kind = "duplicate",
    applied = "yes",
    details = ids,
    message = format("%d bookings were found where one was sent", #found),
  }
end

--- Reads the events around the slot once.
-- @return[1] the booking and the response
-- @treturn[2] false if it is not there
-- @treturn[2] ?string the id of an event that is like it but lacks the reference: its description was changed, or it is
-- another booking
-- @treturn[3] nil
-- @treturn[3] Error
local function read_booking(client, wanted, call_options)
  local events, response = list_around(client, wanted, call_options)
  if not events then return nil, response end
  local found, like, sent_ms = {}, nil, server_time(wanted, response)
  for _, event in ipairs(events) do
    local marked = is_marked(wanted, event)
    local alike = not marked and is_alike(wanted, event, sent_ms)
    if marked or marked == nil and alike then found[#found + 1] = event end
    if alike then like = tostring(event.id) end
  end
  if #found > 1 then return nil, duplicate(found) end
  if #found == 0 then return false, like end
  local id, booked, got = found[1].id, nil, nil
  if type(id) == "string" then
    booked, got = client.appointments:get(id, call_options)
  end
  if not booked or got.unexpected then
    booked, got = found[1], response
  end
  got.reconciled = true
  return booked, got
end

-- After these kinds another reading would fail in the same way.
local hopeless = {
  closed = true,
  auth = true,
  scope = true,
  forbidden = true,
  reauth_required = true,
  invalid_request = true,
}

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
    if not free and not hopeless[err.kind] then async.sleep(0.5) end
  until free or hopeless[err.kind] or now() >= deadline
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

--- Copies the error of a create, with what is known now.
local function outcome(err, applied, finding, wanted)
  local copy = {}
  for name, value in pairs(err) do
    copy[name] = value
  end
  copy.applied, copy.retryable = applied, applied == "no"
  copy.message = format("%s; %s", err.message, finding)
  copy.booking = applied ~= "no" and wanted or nil
  return errors.new(copy)
end

--- Reconciles a create whose outcome is unclear.
local function reconcile(job, wanted, err)
  local begun, last_reading, like = now(), nil, nil
  local deadline = begun + job.reconcile_timeout
  for _, moment in ipairs(readings_within(job.reconcile_timeout)) do
    async.sleep(max(begun + moment - now(), 0))
    local booked, response = read_booking(job.client, wanted, within(job, time_left(job, deadline)))
    if booked then return booked, response end
    if booked == false then
      last_reading, like = now() - begun, response
    elseif response.kind == "duplicate" then
      response.booking, response.cause = wanted, err
      return nil, response
    elseif hopeless[response.kind] then
      break
    end
  end
  if last_reading and last_reading >= SURE_AFTER and not like and is_offered(job, wanted, deadline) then
    return nil, outcome(err, "no", "it was looked for and is not there: the slot is still free")
  end
  return nil, outcome(err, "maybe", "not found so far; appointments:find_booking(err.booking) looks again", wanted)
end

-- Booking

--- Returns the ids of the events before the create is sent. A booking without a reference is recognised later by an id
-- that is not among these.
local function known_ids(job, wanted)
  local events, err = list_around(job.client, wanted, job.options)
  if not events then return nil, err end
  local known = {}
  for _, event in ipairs(events) do
    if event.id ~= nil then known[event.id] = true end
  end
  return known
end

-- A caller that cancels a booking must be able to look for it: the error of the cut off call gets the `booking`.
local CutOffGuard = {}

function CutOffGuard.__close(guard)
  if guard.is_over then return end
  if guard.failure then
    return async.record_change(
      "maybe",
      failure {
        kind = "cancelled",
        applied = "maybe",
        booking = guard.wanted,
        cause = guard.failure,
        message = "cut off before it was known what became of the booking",
      }
    )
  end
  local cut_off = async.last_cut_off()
  if cut_off and cut_off ~= guard.before then cut_off.booking = guard.wanted end
end

--- Sends the create for one slot, and reconciles it if need be.
local function book_slot(job, slot)
  local body = {}
  for name, value in pairs(job.body) do
    body[name] = value
  end
  body.startTime = slot
  local wanted = {
    reference = job.reference,
    calendarId = body.calendarId,
    contactId = body.contactId,
    startTime = slot,
    endTime = body.endTime,
    locationId = body.locationId,
    assignedUserId = body.assignedUserId,
  }
  local turn_guard <close>, lock = take_turn(body.calendarId, to_epoch_ms(slot)) -- luacheck: ignore 211
  local deadline = job.queue_timeout < huge and now() + job.queue_timeout or nil
  local lock_guard <close> = lock:acquire("appointments:book", deadline)
  if not lock_guard then
    return nil,
      failure {
        kind = "timeout",
        stage = "queue",
        retryable = true,
        attempts = 0,
        message = format("another booking of the slot took longer than the queue_timeout of %g s", job.queue_timeout),
      }
  end
  if not job.reference then
    local err
    wanted.known, err = known_ids(job, wanted)
    if not wanted.known then return nil, err end
  end
  wanted.sent_ms = core.wall_ms()
  local guard <close> = setmetatable({ wanted = wanted, before = async.last_cut_off() }, CutOffGuard)
  local booked, response = job.client.appointments:create(body, job.options)
  if not booked and response.applied ~= "no" then
    guard.failure = response
    booked, response = reconcile(job, wanted, response)
  end
  guard.is_over = true
  if booked then
    response.slot, response.reference = slot, job.reference
  end
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

local function window_text(job)
  return format("%s and %s", time.from_ms(job.from):iso("UTC"), time.from_ms(job.to):iso("UTC"))
end

--- The first free slot after an instant.
-- @return[1] the slot as the API spells it, and its milliseconds
-- @treturn[2] nil
-- @treturn[2] Error
local function next_slot(job, after)
  local free, err = job.client.calendars:free_slots(job.body.calendarId, {
    startDate = max(job.from, after and after + 1 or 0),
    endDate = job.to,
    userId = job.body.assignedUserId,
    timezone = job.timezone,
  }, job.options)
  if not free then return nil, err end
  for _, slot, instant in slots(free) do
    local ms = instant:ms()
    if ms >= job.from and ms <= job.to and (not after or ms > after) then return slot, ms end
  end
  return nil,
    failure {
      kind = "slot_taken",
      message = "no slot is free between " .. window_text(job),
      attempts = 0,
    }
end

--- Books a slot, at most once, and reconciles the booking if its response is lost.
--
-- Give `startTime` (a slot as `free_slots` returned it), or `from` and `to`: then the first free slot between them is
-- booked. The create is sent once. If its outcome is unclear (a timeout, a broken connection, a 5xx), the events around
-- the slot are read until the booking is found, for `reconcile_timeout` at most.
-- Two tasks of a program that book one slot take turns; `queue_timeout` bounds the wait.
-- @tparam table given the fields of `create`, without `ignoreFreeSlotValidation` and `rrule`; and
-- @tparam[opt] integer|string|instant given.from the beginning of the search for a free slot. Default: now
-- @tparam[opt] integer|string|instant given.to its end, 31 days later at most. Default: seven days later
-- @tparam[opt] string given.timezone the time zone of the slots. Default: the calendar's
-- @tparam[opt] string given.on_taken if the slot was taken meanwhile: "next" tries the following free ones, "fail" does
-- not. Default: "fail" with `startTime`, else "next"
-- @tparam[opt=5] integer given.max_slots how many slots are tried at most
-- @tparam[opt=true] boolean|string given.reference the text at the end of the description by which the booking is found
-- again: true for a random text; a text of your own, which no other booking has; or false for none. Then the booking is
-- recognised by calendar, contact and instant, and the events are also read before it is sent
-- @tparam[opt=60] number given.reconcile_timeout seconds for reconciling, on top of `timeout`
-- @tparam[opt] CallOptions call_options for each request of the booking
-- @treturn[1] Appointment
-- @treturn[1] Response with `slot`, the start as it was sent, `reference`, and `reconciled` if it was found later
-- @treturn[2] nil
-- @treturn[2] Error `applied` is "no" if it is certain that nothing was booked. Else `booking` has all that
-- `appointments:find_booking` needs to look again
-- @raise for wrong use, such as an unknown option
function booking:book(given, call_options)
  if type(given) ~= "table" then errors.raise("appointments:book expects a table, got " .. type(given)) end
  local job, invalid = new_job(self, given, call_options)
  if not job then return nil, invalid end
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

--- Looks again for a booking whose outcome stayed unclear.
-- @tparam Booking wanted the `booking` of the error of `appointments:book`
-- @tparam[opt] CallOptions call_options
-- @treturn[1] Appointment
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] Error of kind "not_found" if there is no such booking now, "duplicate" if there are several. If an event
-- is like it but lacks the reference, `applied` of the former is "maybe", and `details` has its id
-- @raise for wrong use, such as an unknown option
function booking:find_booking(wanted, call_options)
  if type(wanted) ~= "table" or type(wanted.calendarId) ~= "string" or not to_epoch_ms(wanted.startTime) then
    errors.raise("appointments:find_booking expects the `booking` of an error of appointments:book")
  end
  local booked, response = read_booking(self.client, wanted, call_options)
  if booked == false and response then
    return nil,
      failure {
        kind = "not_found",
        applied = "maybe",
        details = { response },
        message = "one like it is there, without the reference: " .. response,
      }
  elseif booked == false then
    return nil, failure { kind = "not_found", message = "there is no such booking now" }
  end
  return booked, response
end

return booking
