--- What the hooks of a client receive, and the functions that call them. A hook may not yield, and its errors go to
-- `warn()`, see async.call_hook.
local core = require "hoopai.core"
local async = require "hoopai.async"
local secrets = require "hoopai.call.secrets"

local ipairs = ipairs
local now = core.now

local hooks = {}

--- What the hook `request` receives.
-- @table RequestEvent
-- @tfield string endpoint such as "calendars:get"
-- @tfield string method HTTP method
-- @tfield string path path of the request
-- @tfield integer attempt 1 for the first request of a call, 2 for its first repetition, and so on

--- What the hook `response` receives.
-- @table ResponseEvent
-- @tfield string endpoint such as "calendars:get"
-- @tfield string method HTTP method
-- @tfield string path path of the request
-- @tfield integer attempt 1 for the first request of a call, 2 for its first repetition, and so on
-- @tfield number elapsed seconds since the first sending
-- @tfield[opt] integer status HTTP status, if a response came
-- @tfield[opt] string trace_id the id that the vendor's support asks for
-- @tfield[opt] string kind the kind of the error, if the request failed
-- @tfield[opt] number dns seconds from the beginning of the attempt until the name was resolved; 0 on a reused
-- connection
-- @tfield[opt] number connect seconds until the connection was open; 0 on a reused one
-- @tfield[opt] number tls seconds until the TLS handshake was over; 0 on a reused one and without TLS
-- @tfield[opt] number first_byte seconds until the first byte of the response
-- @tfield[opt] number total seconds until the end of the transfer
-- @tfield[opt] boolean reused whether the transfer reused an open connection
-- @tfield[opt] string http_version "1.0", "1.1" or "2"

--- What the hook `done` receives.
-- @table DoneEvent
-- @tfield string endpoint such as "calendars:get"
-- @tfield string method HTTP method
-- @tfield string path path of the request
-- @tfield integer attempts how many requests were made, 0 if none was
-- @tfield number elapsed seconds from the call to its end, all waiting and repetitions included
-- @tfield[opt] integer status HTTP status of the last response
-- @tfield[opt] string trace_id the id that the vendor's support asks for
-- @tfield[opt] boolean reused whether the last request reused an open connection
-- @tfield[opt] boolean reconciled true if the response to a change was lost, and the record shows that it was made
-- @tfield[opt] boolean dry_run true if the option `dry_run` kept a change from being sent
-- @tfield[opt] string kind the kind of the error, if the call failed; "cancelled" if its task was cancelled
-- @tfield[opt] string applied the known effect of a call that failed: "no", "maybe" or "yes"

--- What the hook `retry` receives, before the pause.
-- @table RetryEvent
-- @tfield string endpoint such as "calendars:get"
-- @tfield string method HTTP method
-- @tfield string path path of the request
-- @tfield integer attempt the one that failed
-- @tfield string action "resend"; or "look": the record is read first, to see whether the change was made
-- @tfield string reason the point at which the attempt failed, such as "connect", "unanswered", "server" or "burst"
-- @tfield string kind the kind of its error
-- @tfield[opt] integer status its HTTP status, if a response came
-- @tfield number delay seconds until the next attempt

--- What the hook `wait` receives, before a call waits for the rate limit of its location.
-- @table WaitEvent
-- @tfield string endpoint such as "calendars:get"
-- @tfield string method HTTP method
-- @tfield string path path of the request
-- @tfield[opt] string location_id the location whose rate limit is reached
-- @tfield number seconds until the next request may leave, as far as is known

--- What the hook `rate_limit` receives, when the rate limit of a location is no longer shared with other programs, as
-- Redis cannot be asked, and when it is shared again.
-- @table RateLimitEvent
-- @tfield[opt] string location_id the location
-- @tfield boolean shared whether it is shared; if not, calls go on with what the API's headers state
-- @tfield[opt] string problem why Redis cannot be asked

--- What the hook `dry_run` receives, in place of a change that is not sent.
-- @table DryRunEvent
-- @tfield string endpoint such as "calendars:update"
-- @tfield string method HTTP method
-- @tfield string path path of the request, with its query if it has one
-- @tfield[opt] any body what would be sent as JSON, decoded; no token is in it

local function new_event(call)
  local endpoint = call.prepared.endpoint
  return { endpoint = endpoint.id, method = endpoint.method, path = secrets.path(call), attempt = call.attempts }
end

--- Emits `request`.
function hooks.request(hook, call) async.call_hook("on.request", hook, new_event(call)) end

local TIMING = { "dns", "connect", "tls", "first_byte", "total", "reused", "http_version" }

--- Emits `response`.
-- @tparam function hook
-- @tparam table call
-- @tparam any result nil if the attempt failed
-- @tparam table response the response; or the error
function hooks.response(hook, call, result, response)
  local event, err = new_event(call), nil
  if result == nil then
    err, response = response, response.response
  end
  event.elapsed = response and response.elapsed or now() - (call.begun or call.attempt.transfer:started() or now())
  event.status = response and response.status
  event.trace_id = response and response.trace_id
  event.kind = err and err.kind
  for _, name in ipairs(TIMING) do
    event[name] = call.info[name]
  end
  async.call_hook("on.response", hook, event)
end

--- Emits `done`.
-- @tparam function hook
-- @tparam table call
-- @tparam number called when the call was made, a core.now() time
-- @tparam any result nil if the call failed
-- @tparam table response the response; or the error
function hooks.done(hook, call, called, result, response)
  local event = new_event(call)
  event.attempts, event.attempt = call.attempts, nil
  event.elapsed = now() - called
  if call.info then event.reused = call.info.reused end
  event.status, event.trace_id = response.status, response.trace_id
  if result ~= nil then
    event.reconciled, event.dry_run = response.reconciled, response.dry_run
  else
    event.kind, event.applied = response.kind, response.applied
  end
  async.call_hook("on.done", hook, event)
end

--- Emits `dry_run`.
-- @tparam function hook
-- @tparam table call
-- @tparam table request its `path` and `body`
function hooks.dry_run(hook, call, request)
  local event = new_event(call)
  event.attempt, event.path, event.body = nil, request.path, request.body
  async.call_hook("on.dry_run", hook, event)
end

--- Emits `retry`.
function hooks.retry(hook, call, err, action, reason, delay)
  local event = new_event(call)
  event.action = action == "reconcile" and "look" or action -- the public name stays
  event.reason, event.delay = reason, delay
  event.kind, event.status = err.kind, err.status
  async.call_hook("on.retry", hook, event)
end

--- Emits `rate_limit`.
-- @tparam function hook
-- @tparam string key of the rate limit
-- @tparam ?string problem why it is not shared
function hooks.rate_limit(hook, key, problem)
  local event = { location_id = key ~= "" and key or nil, shared = problem == nil, problem = problem }
  async.call_hook("on.rate_limit", hook, event)
end

--- Emits `wait`.
function hooks.wait(hook, call, seconds)
  local event = new_event(call)
  local key = call.prepared.rate_limit_key
  event.attempt, event.location_id, event.seconds = nil, key ~= "" and key or nil, seconds
  async.call_hook("on.wait", hook, event)
end

return hooks
