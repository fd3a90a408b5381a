--- The arguments of `appointments:book`: checks them, all problems at once, and makes the job of one booking.
local arguments = require "hoopai.list.arguments"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local endpoints = require "hoopai.call.endpoints"
local options = require "hoopai.options"
local request = require "hoopai.call.request"
local search = require "hoopai.booking.search"
local time = require "hoopai.time"

local find, format = string.find, string.format
local huge, math_type, min = math.huge, math.type, math.min
local ipairs, next, pairs, rawget, type = ipairs, next, pairs, rawget, type
local utf8_len = utf8.len
local add, to_epoch_ms = arguments.add, time.to_epoch_ms

local requests = {}

local DAY = 86400000 -- milliseconds
local DEFAULT_RECONCILE_TIMEOUT = 60 -- seconds

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
    local length = type(value) == "string" and not find(value, "%c") and utf8_len(value)
    local ok = length and length >= 8 and length <= 200
    if not ok then return "must be true, false, or a text of 8 to 200 characters (UTF-8) that no other booking has" end
    -- One reference must not contain the mark of another one, see search.mark_of.
    return find(value, "[%[%]]") and "must have no [ and ], which mark it in the description" or nil
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
  appointmentStatus = function(value)
    local is_gone = search.is_gone { appointmentStatus = value }
    return is_gone and "books nothing: use appointments:create for a record of this status" or nil
  end,
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

--- Splits the caller's table into the fields of the appointment and the options of `book`, and adds their problems.
local function split(given, details)
  local body, book_options = {}, {}
  for name, value in next, given do
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
  local start_name = book_options.from and "`from`" or start and "`startTime`" or "now"
  if to <= from then add(details, "to", "must be after " .. start_name, book_options.to) end
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

--- Sets the reference of the booking, and writes it into the description.
local function set_reference(job, reference)
  if reference == false then return end
  job.has_own_reference = type(reference) == "string"
  job.reference = job.has_own_reference and reference or "hoopai-" .. core.random_hex(16)
  local body, mark = job.body, search.mark_of(job.reference)
  body.description = body.description and body.description .. "\n\n" .. mark or mark
end

--- Makes the job of a booking.
-- @tparam table state of the client
-- @tparam table given the caller's table
-- @tparam ?table call_options
-- @treturn[1] table `body` (the fields of the appointment), `start` (of a given slot), `from` and `to` (the window),
-- all instants in milliseconds; `reference`, `has_own_reference`; and the options of the booking and of its calls
-- @treturn[2] nil
-- @treturn[2] Error that names all problems
-- @raise for an unknown call option
function requests.new_job(state, given, call_options)
  local own_options = options.check_call("appointments:book", call_options)
  local details, chosen = {}, request.options(state.settings, options.copy(own_options))
  local body, book_options = split(given, details)
  check_times(body, book_options, details)
  body = check_body(body, chosen, details)
  local job = {
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
  if #details > 0 then return nil, search.failure(arguments.invalid("appointments:book", details)) end
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
