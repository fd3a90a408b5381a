--- Sends the request of a call, as often as its class allows, and returns what became of it.
--
--   budget -> token -> transfer -> answer -> again?
--
local answer = require "hoopai.call.response"
local core = require "hoopai.core"
local gates = require "hoopai.call.rate_limiter"
local retry = require "hoopai.call.retry"
local scheduler = require "hoopai.async.scheduler"

local format, min = string.format, math.min
local ipairs, pairs, select, setmetatable = ipairs, pairs, select, setmetatable
local now = core.now

local sending = {}

------------------------------------------------------------------------------------------------------------- hooks

--- What the hook `request` is told.
-- @table RequestEvent
-- @tfield string endpoint such as "calendars:get"
-- @tfield string method HTTP method
-- @tfield string path path of the request
-- @tfield integer attempt 1 for the first request of a call, 2 for its first repetition, and so on

--- What the hook `response` is told.
-- @table ResponseEvent
-- @tfield string endpoint such as "calendars:get"
-- @tfield string method HTTP method
-- @tfield string path path of the request
-- @tfield integer attempt 1 for the first request of a call, 2 for its first repetition, and so on
-- @tfield number elapsed seconds since the first sending
-- @tfield[opt] integer status HTTP status, where an answer came
-- @tfield[opt] string trace_id what the vendor's support asks for
-- @tfield[opt] string kind the kind of the error, where the request failed
-- @tfield[opt] number dns seconds from the beginning of the attempt until the name was resolved; 0 on a reused
-- connection
-- @tfield[opt] number connect seconds until the connection was there; 0 on a reused one
-- @tfield[opt] number tls seconds until its TLS handshake was over; 0 on a reused one and without TLS
-- @tfield[opt] number first_byte seconds until the first byte of the answer
-- @tfield[opt] number total seconds until all was over
-- @tfield[opt] boolean reused whether an open connection was used again
-- @tfield[opt] string http_version "1.0", "1.1" or "2"

--- What the hook `done` is told.
-- @table DoneEvent
-- @tfield string endpoint such as "calendars:get"
-- @tfield string method HTTP method
-- @tfield string path path of the request
-- @tfield integer attempts how many requests were made, 0 where none was
-- @tfield number elapsed seconds from the call to its end, all waiting and repetitions included
-- @tfield[opt] integer status HTTP status of the last answer
-- @tfield[opt] string trace_id what the vendor's support asks for
-- @tfield[opt] boolean reused whether the last request went over a connection that was open already
-- @tfield[opt] boolean reconciled true where the answer to a change was lost, and the record showed that it was made
-- @tfield[opt] string kind the kind of the error, where the call failed; "cancelled" when its task was cancelled
-- @tfield[opt] string applied what is known of the effect of a call that failed: "no", "maybe" or "yes"

--- What the hook `retry` is told, before the pause.
-- @table RetryEvent
-- @tfield string endpoint such as "calendars:get"
-- @tfield string method HTTP method
-- @tfield string path path of the request
-- @tfield integer attempt the one that failed
-- @tfield string action "resend"; or "look": the record is read first, to see whether the change was made
-- @tfield string reason where the attempt failed, such as "connect", "unanswered", "server" or "burst"
-- @tfield string kind the kind of its error
-- @tfield[opt] integer status its HTTP status, where an answer came
-- @tfield number delay seconds until then

--- What the hook `wait` is told, before a call waits for the request budget of its location.
-- @table WaitEvent
-- @tfield string endpoint such as "calendars:get"
-- @tfield string method HTTP method
-- @tfield string path path of the request
-- @tfield[opt] string location_id whose budget it is
-- @tfield number seconds until there is room, as far as is known

local function event_of(exchange)
  local endpoint = exchange.endpoint
  return { endpoint = endpoint.id, method = endpoint.method, path = exchange.path, attempt = exchange.attempts }
end

local function tell_request(hook, exchange)
  scheduler.call_hook("on.request", hook, event_of(exchange))
end

local TIMING = { "dns", "connect", "tls", "first_byte", "total", "reused", "http_version" }

local function tell_response(hook, exchange, err)
  local event, response = event_of(exchange), exchange.response
  event.elapsed = exchange.elapsed
  event.status = response and response.status
  event.trace_id = response and response.trace_id
  event.kind = err and err.kind
  for _, name in ipairs(TIMING) do event[name] = exchange.info[name] end
  scheduler.call_hook("on.response", hook, event)
end

local function tell_done(hook, exchange, begun, result, response)
  local event = event_of(exchange)
  event.attempts, event.attempt = exchange.attempts, nil
  event.elapsed = now() - begun
  event.reused = exchange.info and exchange.info.reused
  event.status, event.trace_id = response.status, response.trace_id
  if result ~= nil then event.reconciled = response.reconciled
  else event.kind, event.applied = response.kind, response.applied end
  scheduler.call_hook("on.done", hook, event)
end

local function tell_retry(hook, exchange, err, action, reason, delay)
  local event = event_of(exchange)
  event.action, event.reason, event.delay = action == "reconcile" and "look" or action, reason, delay
  event.kind, event.status = err.kind, err.status
  scheduler.call_hook("on.retry", hook, event)
end

local function tell_wait(hook, exchange, seconds)
  local event = event_of(exchange)
  event.attempt, event.location_id, event.seconds = nil, exchange.location_id, seconds
  scheduler.call_hook("on.wait", hook, event)
end

---------------------------------------------------------------------------------------------------------- failures

local function is_closed(own)
  return own.closed or own.shared.closed
end

sending.is_closed = is_closed

local function closed_failure(exchange)
  return answer.failure(exchange, { kind = "closed", message = "the client is closed" })
end

sending.closed_failure = closed_failure

--- Before its first sending a call waits for `queue_timeout`, later for what is left of `timeout`.
local function queue_failure(exchange, what)
  exchange.sent = 0
  local name, chosen = exchange.begun and "timeout" or "queue_timeout", exchange.chosen
  return answer.failure(exchange, {
    kind = "timeout", stage = "queue",
    message = format("%s within the %s of %g s", what, name, chosen[name]),
  })
end

local function budget_failure(exchange, scope, seconds)
  exchange.sent = 0
  local what = scope == "daily" and "the requests of the day are used up" or "the API asked for a long pause"
  return answer.failure(exchange, {
    kind = "rate_limit", scope = scope, retry_after = seconds,
    message = format("%s; not sent, as it would have to wait for %.0f s", what, seconds),
  })
end

local function refresh_timeout(exchange)
  return answer.failure(exchange, {
    kind = "timeout", stage = "refresh", applied = "no",
    message = format("renewing the refused token left no time of the timeout of %g s", exchange.timeout),
  })
end

--- A call that had no token to send was not made. The reason is shared by all who waited for it; each gets a copy.
local function token_failure(exchange, reason)
  local err = {}
  for name, value in pairs(reason) do err[name] = value end
  err.applied = "no"
  return answer.failure(exchange, err)
end

--- What to return when a refused token could not be replaced: with an app its reason says what to do, else the refusal.
local function refusal_of(exchange, source, refusal, problem)
  if problem and source.key then return token_failure(exchange, problem) end
  refusal.cause = problem
  return nil, refusal
end

------------------------------------------------------------------------------------------------------------ budget

--- What a location has of a kind, made by its first use.
local function of_location(all, location_id, make)
  local key = location_id or ""
  local found = all[key]
  if not found then
    found = make()
    all[key] = found
  end
  return found
end

--- Waits for the budget of the location.
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] Error
local function wait_for_budget(own, exchange, gate, where, deadline)
  local hook = own.settings.on.wait
  local ok, why, seconds = gate:enter {
    where = where, deadline = deadline,
    is_closed = function() return is_closed(own) end,
    on_wait = function(left)
      if hook then tell_wait(hook, exchange, left) end
    end,
  }
  if ok then return true end
  if why == "closed" then return closed_failure(exchange) end
  if why == "late" then return queue_failure(exchange, "there was no room in the request budget") end
  return budget_failure(exchange, why, seconds)
end

---------------------------------------------------------------------------------------------------------- transfer

--- Makes the set of transfers: tasks share one, nested in the loop; blocking calls have their own.
-- @return the set; or nil and a problem where the system has no descriptor left
local function open_transfers(shared, where)
  local multi, problem = (where == "task" and scheduler.new_set or core.multi)(shared.transport)
  shared[where] = multi
  return multi, problem
end

--- Waits for a transfer; false when its time in the queue passed while no connection was free.
local function wait_for(transfer, multi, task, deadline)
  if not task then
    scheduler.block(multi, transfer)
    return true
  end
  if scheduler.await(transfer, task, deadline) == "timeout" then
    if transfer:state() == "queued" then return false end
    if transfer:state() == "running" then scheduler.await(transfer, task) end
  end
  return true
end

--- Tells the budget what became of a request that was not answered well.
local function note_failure(exchange, err)
  exchange.has_left = exchange.sent > 0
  local response = exchange.response
  if response and response.status == 429 then exchange.pause = err.retry_after or retry.DEFAULT_RETRY_AFTER end
end

-- An exchange is held in a to-be-closed variable during each attempt: its place in the budget is counted or given back,
-- however the attempt ended, and its transfer is closed.
local Exchange = {}
Exchange.__close = function(exchange)
  local gate, transfer = exchange.gate, exchange.transfer
  if gate then gate:leave(exchange.has_left, exchange.response and transfer, exchange.pause) end
  if transfer then transfer:close() end
  if gate then gate:wake() end -- last: it may call the host's loop, and what that raises must not keep the transfer
end

--- What is known of a call while it is made.
-- @tparam table given client, endpoint, base_url, path, target (path and query), body, request (core.request), source
-- (of the token), location_id, chosen (the options that hold for it), timeout, queue_deadline; attempts and sent = 0,
-- has_left = false
-- @treturn table the same
function sending.exchange(given)
  return setmetatable(given, Exchange)
end

--- Ends an attempt that was not made: there is nothing to repeat.
local function over(_, err)
  return nil, err, true
end

--- One attempt: waits for the budget and the token, hands the request to libcurl, waits, reads the answer.
-- @return the result and the response; or nil, the error, and true where the attempt was not made at all
local function attempt(own, exchange, where, task)
  local shared, begun, timeout = own.shared, exchange.begun, exchange.timeout
  local deadline = begun and begun + timeout
  local held <close> = exchange -- luacheck: ignore 211
  if shared.rate_limit then
    local gate = of_location(shared.gates, exchange.location_id, gates.new)
    if not gate:try() then
      -- Before its first sending a call waits for `queue_timeout`, later for what is left of `timeout`.
      local ok, refusal = wait_for_budget(own, exchange, gate, where, deadline or exchange.queue_deadline)
      if not ok then return over(nil, refusal) end
    end
    exchange.gate = gate
  end
  local source = exchange.source
  local secret, generation = source:get(source.may_wait and (begun or now()) + timeout)
  if not secret then return over(token_failure(exchange, generation)) end
  exchange.secret, exchange.generation = secret, generation
  exchange.attempts = exchange.attempts + 1
  local hooks = own.settings.on
  if hooks.request then tell_request(hooks.request, exchange) end
  if is_closed(own) then return over(closed_failure(exchange)) end -- meanwhile, or by the hook
  if deadline and now() >= deadline then return over(refresh_timeout(exchange)) end
  local multi = shared[where]
  if not multi then
    local problem
    multi, problem = open_transfers(shared, where)
    if not multi then return over(answer.failure(exchange, { kind = "network", message = problem })) end
  end
  local transfer = multi:send(exchange.request, exchange.target, secret, exchange.body, timeout, deadline)
  exchange.has_left, exchange.transfer = true, transfer
  -- A finaliser that ran just now may have closed the client: then the transfer has ended, and nobody would say so.
  if not shared.closed and not wait_for(transfer, multi, task, deadline or exchange.queue_deadline) then
    exchange.has_left = false
    return over(queue_failure(exchange, "no connection was free"))
  end
  local result, response = answer.read(exchange, transfer)
  if result == nil then note_failure(exchange, response) end
  if hooks.response or hooks.done then exchange.info = transfer:info() end
  if hooks.response then tell_response(hooks.response, exchange, result == nil and response or nil) end
  return result, response
end

------------------------------------------------------------------------------------------------------------- again

--- A change that was once unclear may have been made, whatever became of the attempts after it.
local function final(exchange, err, before)
  if exchange.unclear and err.applied == "no" then
    err.applied, err.retryable = "maybe", false
  end
  if before and err.cause == nil then err.cause = before end
  return nil, err
end

--- After a 401 for the token: is there another token to try?
-- @return true; or false and the error to return
local function renew(exchange, err)
  local source = exchange.source
  if exchange.refreshed then
    if source.distrust then source:distrust(exchange.generation, err) end
    return false, err
  end
  exchange.refreshed = true
  local again, problem = source:refused(exchange.generation, exchange.begun + exchange.timeout)
  if again then return true end
  return false, select(2, refusal_of(exchange, source, err, problem))
end

--- Lets the pause before the next attempt pass.
-- @treturn boolean false when the client was closed meanwhile
local function rest(own, exchange, where, delay)
  local ends = min(now() + delay, exchange.begun + exchange.timeout)
  while not is_closed(own) do
    if now() >= ends then return true end
    own.shared.bell:wait(where, ends)
  end
  return false
end

--- Reads the record after an attempt whose outcome is unclear.
-- @return[1] the result and the response, when the change was made
-- @return[2] nil and the error, when nothing more can be done
-- @return[3] nil, nil when it may be sent again
local function find_out(exchange, look, err)
  local verdict, result, response = look()
  if verdict == "unchanged" then return nil end
  if verdict == "applied" then
    response.reconciled, response.attempts = true, exchange.attempts
    return result, response
  end
  if verdict == "conflict" then
    return answer.failure(exchange, {
      kind = "conflict", applied = "maybe", cause = err,
      message = "the answer to the change was lost, and somebody else changed the record since",
    })
  end
  return nil, err
end

--- What to do after a failed attempt, and after how long.
local function decide(exchange, point, err, budget)
  return retry.decide {
    endpoint = exchange.endpoint, point = point, err = err,
    attempt = exchange.attempts - (exchange.refreshed and 1 or 0), attempts = (exchange.chosen.retries or 0) + 1,
    left = exchange.begun + exchange.timeout - now(),
    repeated = exchange.repeated ~= nil and exchange.repeated[point] == true,
    affordable = budget:is_affordable(), random = core.random(),
  }
end

--- A record that is gone after a delete whose answer was lost was deleted by it. (Where a member is taken out of a
-- record, it is the record that is gone, and nobody knows why.)
local function is_gone(exchange, err)
  local endpoint = exchange.endpoint
  return exchange.unclear and endpoint.method == "DELETE" and not endpoint.member and err.kind == "not_found"
end

--- Before another attempt. What is known of the one before is in exchange.unclear.
local function forget_attempt(exchange)
  exchange.sent, exchange.has_left = 0, false
  exchange.response, exchange.transfer, exchange.gate, exchange.pause = nil, nil, nil, nil
end

local function send(own, exchange, where, task, look)
  local budgets, before = own.shared.retry_budgets, nil
  while true do
    local result, response, is_over = attempt(own, exchange, where, task)
    if result ~= nil then
      local budget = budgets[exchange.location_id or ""]
      if budget then budget:succeed() end
      return result, response
    end
    local err = response
    if is_over then return final(exchange, err, before) end
    if is_gone(exchange, err) then
      err.response.reconciled = true
      return exchange.endpoint.verifier.result(exchange.endpoint), err.response
    end
    local point, budget = retry.classify(err, exchange.sent), of_location(budgets, exchange.location_id, retry.budget)
    if retry.is_costly(point) then budget:fail() end
    local action, delay = decide(exchange, point, err, budget)
    if action == "fail" then return final(exchange, err) end
    before = err
    if action == "refresh" then
      local again, refusal = renew(exchange, err)
      if not again then return final(exchange, refusal) end
    else
      local hook = own.settings.on.retry
      if hook then tell_retry(hook, exchange, err, action, point, delay) end
      exchange.repeated = exchange.repeated or {}
      exchange.repeated[point], exchange.unclear = true, exchange.unclear or action == "reconcile"
      if not rest(own, exchange, where, delay) then
        return final(exchange, select(2, closed_failure(exchange)), before)
      end
      if action == "reconcile" then
        result, response = find_out(exchange, look, err)
        if result ~= nil then return result, response end
        if response then return final(exchange, response) end
      end
    end
    forget_attempt(exchange)
  end
end

--- The error of a call that was cut off: cancelled, or raised in.
local function cut_off(exchange, raised)
  exchange.sent = exchange.transfer and exchange.transfer:sent() or 0
  local status = exchange.response and exchange.response.status or 0
  local applied = exchange.unclear and "maybe" or answer.applied(exchange.endpoint.retry, exchange.sent, status)
  return select(2, answer.failure(exchange, {
    kind = raised == nil and "cancelled" or "raised", cause = raised, applied = applied,
    message = "the call was cut off" .. (applied ~= "no" and " after it had left" or ""),
  }))
end

-- What is told of a call when it ends, however it ends: to the hook `done`, and to whoever cancelled its task that a
-- change may have been made.
local Ending = {}
Ending.__close = function(ending, raised)
  local exchange, result, response = ending.exchange, ending.result, ending.response
  local is_cut = not response
  if is_cut then response = cut_off(exchange, raised) end
  if exchange.endpoint.retry ~= "safe" then
    local applied = result ~= nil and "yes" or response.applied
    if applied ~= "no" then scheduler.note_change(applied, is_cut and response or nil) end
  end
  if ending.hook then tell_done(ending.hook, exchange, ending.begun, result, response) end
end

--- Sends a request, and repeats it as hoopai.retry says.
-- @tparam table own the client's own data: `settings`, `shared`, `closed`
-- @tparam table exchange see sending.exchange
-- @tparam string where "task" or "block"
-- @tparam ?table task the one that waits
-- @tparam ?function look reads the record after a change whose outcome is unclear; returns a word of verify.judge, what
-- the call is to return where that is "applied", and the response to the reading
-- @return result, response; or nil and an error
function sending.send(own, exchange, where, task, look)
  local hook = own.settings.on.done
  if not hook and exchange.endpoint.retry == "safe" then return send(own, exchange, where, task, look) end
  local ending <close> = setmetatable({ hook = hook, exchange = exchange, begun = now() }, Ending)
  local result, response = send(own, exchange, where, task, look)
  ending.result, ending.response = result, response
  return result, response
end

return sending
