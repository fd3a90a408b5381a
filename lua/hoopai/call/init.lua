--- One call, from its arguments to its result. This file is the recipe:
--
--   perform   arguments -> prepared request
--   run       attempt; if it fails: repeat, refresh the token, reconcile, or give up
--   attempt   rate limit -> token -> transfer -> response
--
-- The state of a call is three tables: `prepared` (what every attempt sends; made once, never written again), `call`
-- (attempts, deadline, what is known so far) and `attempt` (permit, token and transfer of one attempt; to-be-closed).
local async = require "hoopai.async"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local failure = require "hoopai.call.failure"
local hooks = require "hoopai.call.hooks"
local lazy = require "hoopai.lazy"
local rate_limiter = require "hoopai.call.rate_limiter"
local request = require "hoopai.call.request"
local responses = require "hoopai.call.response"
local retry = require "hoopai.call.retry"

local min, pcall, setmetatable = math.min, pcall, setmetatable
local now, pid, mode_here = core.now, core.pid, async.mode
local from_arguments, read_response = request.from_arguments, responses.read
local get_reconcile = lazy.module "hoopai.call.reconcile"
local get_advice = lazy.module "hoopai.call.advice"
local get_dry_run = lazy.module "hoopai.call.dry_run"

local calls, DoneGuard = {}, {}
local new_call, run, make_attempt, decide, refresh, pause, reconcile, final -- below, in the order in which they run

-- The recipe

local function is_closed(state) return state.closed or state.shared.closed end

local function add_entry(entries, key, entry)
  entries[key] = entry
  return entry
end

--- Makes a call of a prepared request.
-- @tparam table state of the client
-- @tparam table prepared see hoopai.call.request
-- @tparam ?Task task the caller's; nil for a call that blocks
-- @tparam ?number begun since when its `timeout` counts, if the call is part of another one
local function make(state, prepared, task, begun)
  local call, on = new_call(state, prepared, task, begun), state.settings.on
  if prepared.endpoint.retry == "safe" and not on.done then return run(call) end
  if prepared.options.dry_run and prepared.endpoint.retry ~= "safe" then return get_dry_run().result(call) end
  local guard <close> = setmetatable({ call = call, called = now(), result = nil, response = nil }, DoneGuard)
  guard.result, guard.response = run(call)
  return guard.result, guard.response
end

--- Makes a call.
-- @tparam table state of the client: `settings`, `shared` (with all clients that `with` made), `closed`,
-- `closed_message`, `requests` and `client`
-- @tparam table endpoint see hoopai.call.endpoints
-- @param a the ids, two at most, then the query or body, then the options of the call; `e` is one too many
-- @return[1] the result
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] Error
-- @raise for wrong use
function calls.perform(state, endpoint, a, b, c, d, e)
  if state.shared.process ~= pid() then
    errors.raise("this client belongs to the parent process: make a new one after fork")
  end
  local _, task = mode_here(endpoint.id)
  local prepared, err = from_arguments(state, endpoint, a, b, c, d, e)
  if not prepared then return nil, err end
  return make(state, prepared, task)
end

--- Makes a call whose request is prepared already, in the calling task; OAuth's requests are such calls.
-- @tparam table state same fields as that of a client, but for `requests` and `client`
-- @tparam table prepared see `request.prepare`
-- @tparam number begun since when its timeout counts: waiting for the rate limit included
-- @return same as perform
function calls.send(state, prepared, begun) return run(new_call(state, prepared, async.running(), begun)) end

--- Attempts the call until it succeeds or hoopai.call.retry gives up.
-- @treturn any the result; or nil
-- @treturn Response the response; or the error
function run(call)
  local state = call.state
  while true do
    local result, response, sent = make_attempt(call)
    if result ~= nil then
      local retry_budget = state.shared.retry_budgets[call.prepared.rate_limit_key]
      if retry_budget then retry_budget:succeed() end
      return result, response
    end
    local err = response
    if not sent then return nil, final(call, err, call.last_err) end
    if call.unclear and get_reconcile().is_deleted(call, err) then
      err.response.reconciled = true
      return get_reconcile().result(call.prepared.endpoint), err.response
    end
    local point, action, delay = decide(call, err, sent)
    if action == "fail" then return nil, final(call, err) end
    call.last_err = err
    if action == "refresh" then
      local refusal = refresh(call, err)
      if refusal then return nil, final(call, refusal) end
    else
      local hook = state.settings.on.retry
      if hook then hooks.retry(hook, call, err, action, point, delay) end
      call.repeated = call.repeated or {}
      call.repeated[point] = true
      call.unclear = call.unclear or action == "reconcile"
      if not pause(call, delay) then return nil, final(call, failure.closed(call), err) end
      if action == "reconcile" then
        result, response = reconcile(call, err)
        if result ~= nil then return result, response end
        if response then return nil, final(call, response) end
        -- neither: the change was not made, and is sent again
      end
    end
  end
end

-- The call

-- Further fields are `queue_deadline`, `info` (the timing of the last transfer, for hooks), and of a call with a failed
-- attempt `last_err`, `has_refreshed`, `refused_secret`, `repeated` (point -> true) and `unclear`.
function new_call(state, prepared, task, begun)
  local options = prepared.options
  local call = {
    state = state,
    prepared = prepared,
    task = task or false,
    attempts = 0,
    attempt = false,
    begun = false,
    deadline = false, -- before the first sending
  }
  if begun then
    call.begun, call.deadline = begun, begun + options.timeout
  end
  if options.queue_timeout then call.queue_deadline = now() + options.queue_timeout end
  return call
end

local function mode_of(call) return call.task and "task" or "block" end

-- Emits `done` when a call ends, however it ends, and records a change in the task: one that was cancelled must
-- say what it may have changed.
function DoneGuard.__close(guard, raised)
  local call, result, response = guard.call, guard.result, guard.response
  local was_cut_off = not response
  if was_cut_off then
    if call.state.shared.process ~= core.pid() then return end -- a forked child: the call goes on in the parent
    response = failure.cut_off(call, raised)
  end
  if call.task and call.prepared.endpoint.retry ~= "safe" then
    local applied = result ~= nil and "yes" or response.applied
    if applied ~= "no" then async.record_change(applied, was_cut_off and response or nil) end
  end
  local hook = call.state.settings.on.done
  if hook then hooks.done(hook, call, guard.called, result, response) end
end

-- Attempt

local AttemptGuard = {}

--- Releases the permit and the transfer, whatever the end of the attempt. A request that left counts: a cancelled one
-- may have arrived. Only `serve` can fail, as it may call the host's loop, so it is last.
function AttemptGuard.__close(attempt)
  local limiter, transfer = attempt.limiter, attempt.transfer
  if limiter and attempt.has_left then
    local moment, has_response = now(), attempt.has_response
    limiter.counter:record(moment, has_response and transfer or nil, has_response) -- its headers state the rate limit
    if attempt.pause then limiter.counter:pause(moment, attempt.pause) end
  elseif limiter then
    limiter.counter:release()
  end
  if transfer and not attempt.keeps_transfer then transfer:close() end
  if limiter and limiter.waiting > 0 then limiter:serve() end
end

-- All fields but `err`, of an attempt that failed, are there from the beginning: an assignment then needs no memory.
-- `keeps_transfer` is true if the transfer is read, and closed, later.
local function new_attempt(call)
  local attempt = setmetatable({
    limiter = false,
    secret = false,
    generation = false,
    transfer = false,
    has_left = false,
    has_response = false,
    pause = false,
    keeps_transfer = false,
  }, AttemptGuard)
  call.attempt = attempt
  return attempt
end

--- Makes the rate limiter of a location, for all clients of `with`. With the option `rate_limit` its limit is that of
-- several programs.
local function new_limiter(state, key)
  local shared, on = state.shared, state.settings.on
  if shared.rate_limit == true then return rate_limiter.new() end
  return rate_limiter.new(shared.rate_limit:lease(shared.app and shared.app.client_id, key, function(problem)
    if on.rate_limit then hooks.rate_limit(on.rate_limit, key, problem) end
  end))
end

--- Acquires a permit of the location's rate limit: at once if there is room and no call waits, else in the line of
-- hoopai.call.rate_limiter. Before its first sending a call waits for `queue_timeout`, later for
-- the rest of `timeout`.
-- @treturn ?Error
local function acquire_permit(call, attempt)
  local state, prepared = call.state, call.prepared
  if not state.shared.rate_limit or prepared.is_unlimited then return nil end
  local limiters, key = state.shared.rate_limiters, prepared.rate_limit_key
  local limiter = limiters[key] or add_entry(limiters, key, new_limiter(state, key))
  if limiter.waiting > 0 or not limiter.counter:try(now()) then
    local hook = state.settings.on.wait
    local ok, why, seconds = limiter:acquire(
      mode_of(call),
      call.deadline or call.queue_deadline,
      function() return is_closed(state) end,
      function(wait)
        if hook then hooks.wait(hook, call, wait) end
      end
    )
    if why == "closed" then return failure.closed(call) end
    if not ok then return (prepared.endpoint.rate_limit_failure or failure.rate_limit)(call, why, seconds) end
  end
  attempt.limiter = limiter
end

--- Gets the token to send. A source that may not wait has always the same one.
-- @treturn ?Error
local function get_token(call, attempt)
  local source = call.prepared.source
  if not source then return nil end
  local secret, generation = source.secret, 1
  if source.may_wait then
    local timeout, has_waited = call.prepared.options.timeout
    local deadline = call.deadline or now() + timeout
    secret, generation, has_waited = source:get(deadline)
    if has_waited and not call.deadline then
      call.begun, call.deadline = deadline - timeout, deadline
    end
  end
  if not secret then return failure.token(call, generation) end
  attempt.secret, attempt.generation = secret, generation
end

--- The multi handle: tasks share one, nested in the loop; blocking calls have their own.
-- @return the multi handle; or nil and a problem if the system has no descriptor left
local function open_multi(shared, mode)
  local multi, problem = (mode == "task" and async.new_multi or core.multi)(shared.transport)
  shared[mode] = multi
  return multi, problem
end

--- Waits for the end of a transfer. Returns false if the queue's time is over and no connection was free.
local function wait_for(transfer, multi, task, deadline)
  if not task then -- blocks the thread
    multi:step()
    repeat
    until multi:advance(transfer)
    return true
  end
  if async.await(transfer, task, deadline) == "timeout" then
    if transfer:state() == "queued" then return false end
    if transfer:state() == "running" then async.await(transfer, task) end
  end
  return true
end

--- Sends the request and waits for the end of its transfer.
-- @treturn ?Error
local function send(call, attempt)
  local prepared, shared, deadline = call.prepared, call.state.shared, call.deadline
  -- By the hook, or while the call waited. A token exchange that was accepted before the app was closed goes on.
  if shared.closed or call.state.closed and not prepared.outlives_close then return failure.closed(call) end
  if deadline and now() >= deadline then return failure.refresh_timeout(call) end
  if prepared.leave then
    local seconds = prepared.leave()
    if not seconds then return failure.lock_expired(call) end
    deadline = min(deadline, now() + seconds)
  end
  local multi = shared[call.task and "task" or "block"]
  if not multi then
    local problem
    multi, problem = open_multi(shared, mode_of(call))
    if not multi then return failure.new(call, { kind = "network", message = problem }) end
  end
  local transfer = multi:send(
    prepared.request,
    prepared.target,
    attempt.secret or nil,
    prepared.body,
    prepared.options.timeout,
    deadline or nil
  )
  attempt.has_left, attempt.transfer = true, transfer
  -- A finaliser may have closed the client just now: then the transfer has ended, and no event would wake the task.
  if not shared.closed and not wait_for(transfer, multi, call.task, deadline or call.queue_deadline) then
    attempt.has_left = false
    return failure.queue_timeout(call, "no connection was free")
  end
end

--- Makes one attempt: rate limit, token, transfer, response.
-- @return[1] result, response
-- @return[2] nil, the error, and how often libcurl sent the request; nil if libcurl did not get it
function make_attempt(call)
  local prepared, on = call.prepared, call.state.settings.on
  local attempt <close> = new_attempt(call)
  local err
  if prepared.token_first then -- a permit is not held while an agency's token is renewed
    err = get_token(call, attempt) or acquire_permit(call, attempt)
  else
    err = acquire_permit(call, attempt) or get_token(call, attempt)
  end
  if err then return nil, err end
  call.attempts = call.attempts + 1
  if on.request then hooks.request(on.request, call) end
  err = send(call, attempt)
  if err then return nil, err end
  local read, transfer = prepared.endpoint.read or read_response, attempt.transfer
  attempt.has_response = true
  local result, response = read(call, attempt)
  if result == nil then
    err = response
    attempt.err, attempt.has_response = err, err.status ~= nil
  end
  if on.response or on.done then call.info = transfer:info() end
  if on.response then hooks.response(on.response, call, result, response) end
  if result ~= nil then return result, response end
  if not call.begun then
    call.begun = transfer:started() or now()
    call.deadline = call.begun + prepared.options.timeout
  end
  local sent = transfer:sent()
  attempt.has_left = sent > 0
  if err.status == 429 then attempt.pause = err.retry_after or retry.DEFAULT_RETRY_AFTER end
  return nil, err, sent
end

-- Between attempts

--- The point at which an attempt failed, the action after it, and the seconds to wait before that.
function decide(call, err, sent)
  return retry.after_attempt(err, sent, call.state.shared.retry_budgets, call.prepared.rate_limit_key, {
    endpoint = call.prepared.endpoint,
    made = call.attempts - (call.has_refreshed and 1 or 0),
    most = (call.prepared.options.retries or 0) + 1,
    left = call.deadline - now(),
    repeated = call.repeated,
    random = core.random(),
  })
end

--- After a 401 for the token: gets another one, at most once in a call.
-- @treturn ?Error the error to return if there is no other token
function refresh(call, err)
  local source, generation = call.prepared.source, call.attempt.generation
  if not source then return err end
  if call.has_refreshed then
    if source.distrust and not call.prepared.endpoint.trusts_source then source:distrust(generation, err) end
    return err
  end
  call.has_refreshed, call.refused_secret = true, call.attempt.secret
  local has_another, problem = source:refused(generation, call.deadline)
  if has_another then return nil end
  -- Of an app: the reason says what to do. Or no time is left.
  local is_late = problem and problem.kind == "timeout" and problem.stage == "refresh"
  if problem and (source.key or is_late) then return failure.token(call, problem, call.attempt, err.response) end
  err.cause = problem
  return err
end

--- Lets the pause before the next attempt pass. Returns false if the client was closed meanwhile.
function pause(call, seconds)
  local state, deadline = call.state, min(now() + seconds, call.deadline)
  while not is_closed(state) do
    if now() >= deadline then return true end
    state.shared.closing:wait(mode_of(call), deadline)
  end
  return false
end

--- The error that a call returns. After an unclear attempt the change may have been made, whatever the last one says.
function final(call, err, cause)
  if call.unclear and err.applied == "no" then
    err.applied, err.retryable = "maybe", false
  end
  if err.cause == nil then err.cause = cause end
  failure.bound_retry_after(err) -- the attempts of this call waited as long as the API asked for
  local shared = call.state.shared
  if err.curl_code and not shared.transport.proxy then
    -- The error may be that no descriptor is left: then the module cannot be loaded.
    local ok, advice = pcall(get_advice)
    if ok then advice.connection(err, shared.base_url) end
  end
  return err
end

--- Reconciles an unclear change, within the time of the call: see hoopai.call.reconcile.
function reconcile(call, err)
  local state, options = call.state, setmetatable({ validate = false }, { __index = call.prepared.options })
  return get_reconcile().run(call, err, function(endpoint, ids, query)
    local prepared, problem = request.prepare(state, endpoint, options, query, ids[1], ids[2])
    if not prepared then return nil, problem end
    return make(state, prepared, call.task, call.begun)
  end)
end

calls.is_closed = is_closed

return calls
