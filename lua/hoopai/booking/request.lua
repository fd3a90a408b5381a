--- The arguments of `book`: checks them, all problems at once, and makes the job of one booking.
local arguments = require "hoopai.list.arguments"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local kinds = require "hoopai.booking.kinds"
local endpoints = require "hoopai.call.endpoints"
local options = require "hoopai.options"
local request = require "hoopai.call.request"
local search = require "hoopai.booking.search"
local time = require "hoopai.time"

local find, format = string.find, string.format
local huge, math_type, min = math.huge, math.type, math.min
local ipairs, next, pairs, rawget, rawlen, type = ipairs, next, pairs, rawget, rawlen, type
local utf8_len = utf8.len
local add, to_epoch_ms = arguments.add, time.to_epoch_ms

local requests = {}

local DAY = 86400000 -- milliseconds
local DEFAULT_RECONCILE_TIMEOUT = 60 -- seconds

local function is_instant_text(value)
  local ms, problem = to_epoch_ms(value)
  return not ms and problem or nil
end

-- The options of `book` beside the fields of a booking. Each check returns nil if the value is right.
local any_fields = {
  reference = function(value)
    if type(value) == "boolean" then return nil end
    local length = type(value) == "string" and not find(value, "%c") and utf8_len(value)
    local ok = length and length >= 8 and length <= 200
    if not ok then return "must be true, false, or a text of 8 to 200 characters (UTF-8) that no other booking has" end
    -- One reference must not contain the mark of another one, see search.mark_of.
    return find(value, "[%[%]]") and "must have no [ and ], which mark it in the text" or nil
  end,
  reconcile_timeout = function(value)
    if value == 0 then return nil end
    local problem = options.seconds_problem(value)
    return problem and "must be 0, or " .. problem or nil
  end,
}

-- The same where the API lists free slots: `book` can look for one.
local slot_fields = {
  reference = any_fields.reference,
  reconcile_timeout = any_fields.reconcile_timeout,
  from = is_instant_text,
  to = is_instant_text,
  timezone = function(value) return type(value) ~= "string" and "must be the name of a time zone" or nil end,
  on_taken = function(value) return value ~= "next" and value ~= "fail" and 'must be "next" or "fail"' or nil end,
  max_slots = function(value)
    local ok = math_type(value) == "integer" and value >= 1 and value <= 100
    return not ok and "must be an integer from 1 to 100" or nil
  end,
}

--- Whether the services of a service booking can be compared with those of a record.
local function services_problem(value)
  if type(value) ~= "table" or rawlen(value) == 0 then return "must be a list of services" end
  for _, service in ipairs(value) do
    if type(service) ~= "table" or type(service.id) ~= "string" then return "must be a list of { id = ... }" end
  end
end

local function text_or_nil(value) return value ~= nil and type(value) ~= "string" and "must be a string" or nil end

local function instant_or_nil(value) return value ~= nil and is_instant_text(value) or nil end

-- What `book` knows of the fields of each kind. `own`: its options. `needed`: the fields that it reads itself, which
-- are checked even with `validate = false`. `refused`: the fields with which it cannot keep its promise. `other_names`:
-- what its options are called elsewhere; no field of a booking is meant.
-- stylua: ignore
local FIELDS = {
  [kinds.appointments] = {
    own = slot_fields,
    needed = {
      calendarId = function(value) return type(value) ~= "string" and "must be a string" or nil end,
      startTime = instant_or_nil,
      endTime = instant_or_nil,
      assignedUserId = function(value) return value == "" and "is empty: leave it out to mean any user" or nil end,
      description = text_or_nil,
      appointmentStatus = function(value)
        local is_gone = search.is_gone(kinds.appointments, { appointmentStatus = value })
        return is_gone and "books nothing: use appointments:create for a record of this status" or nil
      end,
    },
    refused = {
      ignoreFreeSlotValidation = "switches off the API's guard against double booking: with it use "
        .. "appointments:create",
      rrule = "makes a series, which only goes without that guard: use appointments:create",
    },
    other_names = {
      startDate = "from", start = "from", since = "from", endDate = "to", ["end"] = "to", ["until"] = "to",
      slot = "startTime", time = "startTime", ref = "reference", timeZone = "timezone",
    },
  },
  [kinds.service_bookings] = {
    own = any_fields,
    needed = {
      contactId = function(value) return type(value) ~= "string" and "must be a string" or nil end,
      startTime = is_instant_text,
      endTime = instant_or_nil,
      title = text_or_nil,
      services = services_problem,
      status = function(value)
        local is_gone = search.is_gone(kinds.service_bookings, { status = value })
        return is_gone and "books nothing: use service_bookings:create for a record of this status" or nil
      end,
    },
    refused = {
      overrideAvailability = "switches off the API's guard against double booking: with it use "
        .. "service_bookings:create",
    },
    other_names = { ref = "reference" },
  },
}

--- Splits the caller's table into the fields of the booking and the options of `book`, and adds their problems.
local function split(kind, given, details)
  local body, book_options = {}, {}
  local own, refused, other_names = FIELDS[kind].own, FIELDS[kind].refused, FIELDS[kind].other_names
  for name, value in next, given do
    local check = own[name]
    if check then
      local problem = check(value)
      if problem then
        add(details, name, problem, value)
      else
        book_options[name] = value
      end
    elseif refused[name] then
      if value ~= false then add(details, name, refused[name], value) end
    else
      body[name] = value
      local near = other_names[name]
      if not near and type(name) == "string" and find(name, "_", 1, true) then near = errors.suggest(name, own) end
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
  local start_name = book_options.from and "`from`" or start and "`startTime`" or "now"
  if to <= from then add(details, "to", "must be after " .. start_name, book_options.to) end
  job.from, job.to = from, to
end

local function check_times(kind, body, book_options, details)
  if not kind.has_slots then return end
  if rawget(body, "startTime") ~= nil then
    if book_options.from ~= nil then
      add(details, "from", "goes without `startTime`: give a slot or a window, not both", book_options.from)
    end
  elseif body.endTime ~= nil then
    add(details, "endTime", "goes with `startTime` only: the calendar says how long a slot is", body.endTime)
    body.endTime = nil
  end
end

--- Checks the fields of the booking by the rules of `create`. Any instant stands for a start that is not known yet.
-- @treturn table the fields as they are sent: instants as text, the location filled in
local function check_body(kind, body, context, details)
  local copy = {}
  for name, value in pairs(body) do
    copy[name] = value
  end
  local is_open = kind.has_slots and copy.startTime == nil
  if is_open then copy.startTime = "2000-01-01T00:00:00Z" end
  local create = endpoints.find(kind.create)
  local checked, more = (create.checks or create.compile_checks()).body(copy, context)
  for _, detail in ipairs(more or {}) do
    details[#details + 1] = detail
  end
  if not checked then return body end
  if is_open then checked.startTime = nil end
  for name, check in pairs(FIELDS[kind].needed) do
    local problem = check(checked[name])
    if problem then add(details, name, problem, checked[name]) end
  end
  return checked
end

--- Sets the reference of the booking, and writes it at the end of the text that carries it.
local function set_reference(job, reference)
  if reference == nil then reference = job.kind.by_default end
  if reference == false then return end
  job.has_own_reference = type(reference) == "string"
  job.reference = job.has_own_reference and reference or "hoopai-" .. core.random_hex(16)
  local body, name, mark = job.body, job.kind.text, search.mark_of(job.reference)
  body[name] = body[name] and body[name] .. job.kind.before_mark .. mark or mark
end

--- Makes the job of a booking.
-- @tparam table kind see hoopai.booking.kinds
-- @tparam table state of the client
-- @tparam table given the caller's table
-- @tparam ?table call_options
-- @treturn[1] table `kind`, `body` (the fields of the booking), `start` (of a given slot), `from` and `to` (the
-- window), all instants in milliseconds; `reference`, `has_own_reference`; and the options of the booking and of its
-- calls
-- @treturn[2] nil
-- @treturn[2] Error that names all problems
-- @raise for an unknown call option
function requests.new_job(kind, state, given, call_options)
  local own_options = options.check_call(kind.book, call_options)
  local details, chosen = {}, request.options(state.settings, options.copy(own_options))
  local body, book_options = split(kind, given, details)
  check_times(kind, body, book_options, details)
  body = check_body(kind, body, chosen, details)
  local job = {
    kind = kind,
    client = state.client,
    options = own_options or {},
    body = body,
    timeout = chosen.timeout,
    queue_timeout = chosen.queue_timeout or huge,
    start = body.startTime and to_epoch_ms(body.startTime),
    timezone = book_options.timezone,
    on_taken = book_options.on_taken or (body.startTime == nil and "next" or "fail"),
    slots_left = book_options.max_slots or 5,
    reconcile_timeout = book_options.reconcile_timeout or DEFAULT_RECONCILE_TIMEOUT,
    has_own_reference = false,
  }
  set_window(job, book_options, details)
  if #details > 0 then return nil, search.failure(kind, arguments.invalid(kind.book, details)) end
  set_reference(job, book_options.reference)
  return job
end

--- The call options of a request that takes these seconds at most.
function requests.within(job, seconds)
  local copy = {}
  for name, value in pairs(job.options) do
    copy[name] = value
  end
  copy.timeout, copy.queue_timeout = min(job.timeout, seconds), min(job.queue_timeout, seconds)
  return copy
end

return requests
