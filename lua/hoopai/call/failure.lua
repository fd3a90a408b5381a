--- The errors that a call returns: the kind of each HTTP status, the known effect, and what all of them carry.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local printable = require "hoopai.errors.printable"
local reason = require "hoopai.call.reason"
local secrets = require "hoopai.call.secrets"
local retry = require "hoopai.call.retry"

local ipairs, pairs = ipairs, pairs
local max = math.max
local find, format, gmatch, gsub, lower, sub =
  string.find, string.format, string.gmatch, string.gsub, string.lower, string.sub

local failure = {}

-- Kinds

local kinds = {
  [400] = "refused",
  [401] = "auth",
  [403] = "forbidden",
  [404] = "not_found",
  [409] = "conflict",
  [410] = "not_found",
  [422] = "refused",
  [429] = "rate_limit",
}

-- Texts of a 401 that another token would not change.
local SCOPE_TEXTS = { "authorized for this scope", "authclass type", "version header" }

local function refine_auth(message)
  local text = lower(message)
  for _, part in ipairs(SCOPE_TEXTS) do
    if find(text, part, 1, true) then return "scope" end
  end
  return "auth"
end

-- What says that a slot is gone. Each text of a list is judged alone: one may be about `slotDuration`, and another
-- about a slug that is not available.
-- stylua: ignore
local GONE = {
  "not available", "n't available", "no longer available", "unavailable", "already booked", "already taken",
  "no longer free", "not free", "n't free", "been booked", "been taken", "is booked", "is taken",
}

-- Settings of a calendar, which a text may name.
local SETTINGS = { "interval", "duration", "buffer", "length", "configuration", "setting", "field" }

local LONGEST_JUDGED = 4096 -- bytes: a pattern below takes time that grows with the square of the length

local function names_taken_slot(message)
  local words = lower(sub(message, 1, LONGEST_JUDGED))
  for _, setting in ipairs(SETTINGS) do
    words = gsub(words, "slots?[ _-]" .. setting, setting)
  end
  for text in gmatch(words, "[^;]+") do
    if find(text, "%f[%a]slots?%f[%A]") or find(text, "%f[%a]timeslots?%f[%A]") then
      for _, part in ipairs(GONE) do
        if find(text, part, 1, true) then return true end
      end
      if find(text, "%f[%a]no[%a ]* slots?") and find(text, "available", 1, true) then return true end
    end
  end
  return false
end

-- What books or moves a booking. (A blocked time is not checked against the slots.)
local TAKES_SLOT = { "^/calendars/events/appointments/[^/]*/?$", "^/calendars/services/bookings/[^/]*/?$" }

--- Whether a request takes a slot: it books or moves an appointment or a service booking.
-- @tparam table prepared `endpoint` and `path`
-- @treturn boolean
function failure.takes_slot(prepared)
  local endpoint = prepared.endpoint
  local method = endpoint.method
  local is_change = method == "POST" or method == "PUT" or method == "PATCH"
  if not is_change or endpoint.preset then return false end -- cancelling takes none
  for _, pattern in ipairs(TAKES_SLOT) do
    if find(prepared.path .. "/", pattern) then return true end
  end
  return false
end

--- The kind of the error of an HTTP status.
-- @tparam integer status
-- @tparam string message the message of the response, which refines 401, and 400 and 422 of a request that takes a slot
-- @tparam ?table prepared the request; nil for one that takes no slot
-- @treturn string
function failure.kind_of(status, message, prepared)
  local kind = kinds[status]
    or (status >= 400 and status < 500 and "rejected")
    or (status >= 500 and status < 600 and "server")
    or "protocol"
  if kind == "auth" then return refine_auth(message) end
  if kind ~= "refused" or not prepared then return kind end
  if failure.takes_slot(prepared) and names_taken_slot(message) then return "slot_taken" end
  return kind
end

--- The known effect of a call: "no", "maybe" or "yes".
-- @tparam string retry_class `retry` of the endpoint
-- @tparam integer sent how often the request left
-- @tparam integer status 0 without a response
-- @treturn string
function failure.applied(retry_class, sent, status)
  if retry_class == "safe" or sent == 0 then return "no" end
  if status >= 200 and status < 300 then return "yes" end
  if status >= 400 and status < 500 and status ~= 408 then return "no" end
  return "maybe"
end

-- What an error response says

failure.message_of = reason.message_of

--- Seconds that a Retry-After header asks for; nil without one.
function failure.retry_after(headers)
  return retry.after(headers["retry-after"], headers["date"], core.wall_ms() // 1000)
end

--- Sets `scope` and `retry_after` of the error of a 429: the longer of Retry-After and of what the rate limit headers
-- say.
-- @tparam table err
-- @tparam table headers
-- @tparam ?RateLimit limit the rate limit headers
function failure.fill_rate_limit(err, headers, limit)
  err.scope = limit and limit.daily_remaining == 0 and "daily" or "burst"
  local asked, until_reset = failure.retry_after(headers), limit and limit.interval_ms
  if err.scope == "daily" then until_reset = limit.daily_reset_ms end
  until_reset = until_reset and until_reset / 1000
  err.retry_after = asked and until_reset and max(asked, until_reset) or asked or until_reset
end

-- Seconds after which a call is tried whatever a response asked for: see the probe in src/rate_limiter.c.
local LONGEST_HOLD = { burst = 60, daily = 600 }

--- Cuts `retry_after` of the error of a 429 to the time after which a call is tried.
-- @tparam table err
function failure.bound_retry_after(err)
  local most = err.scope and LONGEST_HOLD[err.scope]
  if most and err.retry_after and err.retry_after > most then err.retry_after = most end
end

-- The error object

local LONGEST_MESSAGE = 1000 -- bytes, and the dots of a message that is cut

-- Kinds and statuses after which the same call may succeed later, provided that it had no effect.
local PASSING = { network = true, timeout = true, server = true, rate_limit = true }
local PASSING_STATUS = { [408] = true, [421] = true, [425] = true } -- timed out, misdirected, too early

--- Makes an error of a call.
-- @tparam table call `prepared` (`endpoint`, `path`) and `attempts`
-- @tparam table err kind, message and more; becomes the error
-- @tparam ?table attempt the attempt that failed, if it has a transfer: the error does not show its token
-- @tparam ?Response response of the attempt
-- @treturn Error
function failure.new(call, err, attempt, response)
  local endpoint = call.prepared.endpoint
  response = secrets.hide(call, attempt, err, response)
  err.message = printable.value(err.message, LONGEST_MESSAGE + 3) -- cut when redacted: no part of a token may be left
  err.method, err.attempts, err.response = endpoint.method, call.attempts, response
  if response then
    err.status, err.trace_id = response.status, response.trace_id
  end
  local words = lower(err.message)
  for text, hint in pairs(err.kind == "refused" and endpoint.hints or {}) do
    if find(words, text, 1, true) then
      err.message = err.message .. (find(err.message, "%p$") and " " or ". ") .. hint
    end
  end
  if err.applied == nil then
    local sent = attempt and attempt.transfer and attempt.transfer:sent() or 0
    err.applied = failure.applied(endpoint.retry, sent, response and response.status or 0)
  end
  err.retryable = err.applied == "no" and (PASSING[err.kind] or PASSING_STATUS[err.status]) == true
  return errors.new(err)
end

-- The response of the last attempt, if that failed.
local function last_response(call)
  local attempt = call.attempt
  return attempt and attempt.err and attempt.err.response or nil
end

-- Errors of requests that were not sent

--- The client, or the app, is closed.
function failure.closed(call)
  return failure.new(
    call,
    { kind = "closed", applied = "no", message = call.state.closed_message },
    nil,
    last_response(call)
  )
end

--- The time for waiting is over: `queue_timeout` before the first sending, `timeout` after it.
function failure.queue_timeout(call, what)
  local name = call.begun and "timeout" or "queue_timeout"
  return failure.new(call, {
    kind = "timeout",
    stage = "queue",
    message = format("%s within the %s of %g s", what, name, call.prepared.options[name]),
  })
end

--- The rate limit asks for a wait that is too long.
function failure.rate_limit(call, why, seconds)
  if why == "late" then return failure.queue_timeout(call, "there was no room in the request budget") end
  local what = why == "daily" and "the requests of the day are used up" or "the API asked for a long pause"
  return failure.new(call, {
    kind = "rate_limit",
    scope = why,
    retry_after = seconds,
    message = format("%s; not sent, as it would have to wait for %.0f s", what, seconds),
  })
end

--- The refused token was renewed too late for another attempt.
function failure.refresh_timeout(call)
  return failure.new(call, {
    kind = "timeout",
    stage = "refresh",
    applied = "no",
    message = format("renewing the refused token left no time of the timeout of %g s", call.prepared.options.timeout),
  })
end

--- The lock under which a refresh token was to be sent may have ended by itself: this program was stopped for long, or
-- the store could not be reached.
function failure.lock_expired(call)
  return failure.new(call, {
    kind = "store",
    applied = "no",
    message = "the lock of the token store may have expired; nothing was sent",
  })
end

--- There is no token to send. All calls that waited for it share the reason; each returns a copy.
-- @tparam table call
-- @tparam Error why
-- @tparam ?table attempt the one whose token was refused
-- @tparam ?Response response its response
function failure.token(call, why, attempt, response)
  local err = {}
  for name, value in pairs(why) do
    err[name] = value
  end
  err.applied = "no"
  return failure.new(call, err, attempt, response)
end

-- Errors of calls that end otherwise

--- The record changed since the lost response, and not by this call.
function failure.conflict(call, cause)
  return failure.new(call, {
    kind = "conflict",
    applied = "maybe",
    cause = cause,
    message = "the answer to the change was lost, and somebody else changed the record since",
  }, nil, last_response(call))
end

--- The call was cancelled, or a function in it raised.
-- @tparam table call
-- @tparam any raised nil if the task was cancelled
function failure.cut_off(call, raised)
  local attempt, applied, response = call.attempt, "no", nil
  if attempt and attempt.err then
    applied, response = attempt.err.applied, attempt.err.response
  elseif attempt and attempt.transfer then
    applied = failure.applied(call.prepared.endpoint.retry, attempt.transfer:sent(), 0)
  end
  if call.unclear then applied = "maybe" end
  return failure.new(call, {
    kind = raised == nil and "cancelled" or "raised",
    cause = raised,
    applied = applied,
    message = "the call was cut off" .. (applied ~= "no" and " after it had left" or ""),
  }, attempt, response)
end

return failure
