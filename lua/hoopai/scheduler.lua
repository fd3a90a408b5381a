--- Tasks, scopes and waiting.
--
-- One scheduler serves one lua_State. A task is a coroutine that only this file resumes; a scope owns tasks and ends
-- when they have ended. Waiting is one primitive, `suspend`: everything a task can wait for (a transfer, another
-- task, a timer, a lock) notes who waits and later calls `wake`. Lua yields in Lua, never across a C frame.
local core = require "hoopai.core"
local errors = require "hoopai.errors"

local co_create, co_resume, co_yield = coroutine.create, coroutine.resume, coroutine.yield
local co_close, co_status, co_running = coroutine.close, coroutine.status, coroutine.running
local co_isyieldable = coroutine.isyieldable
local pack, unpack, remove, sort = table.pack, table.unpack, table.remove, table.sort
local setmetatable, getmetatable, type, tostring = setmetatable, getmetatable, type, tostring
local error, next, pairs, ipairs, pcall = error, next, pairs, ipairs, pcall
local warn = warn or function() end
local format = string.format
local huge, math_type = math.huge, math.type
local traceback = debug and debug.traceback or function(_, message) return message end
local now = core.now

local scheduler = {}

-- What a task yields to its resumer. Anything else came from a coroutine.yield in user code.
local SUSPEND = {}

local current          -- the task that is being resumed, nil outside
local driving = false  -- is a loop running?
local no_wait          -- why nobody may wait just now (the name of a hook), nil = waiting is fine

--------------------------------------------------------------------------------------------------- ready tasks

-- Linked through their field `next_ready`, so that waking a task needs no memory: a wake must not be lost.
local ready_first, ready_last

local function push_ready(task)
  task.next_ready = nil
  if ready_last then ready_last.next_ready = task else ready_first = task end
  ready_last = task
end

local function pop_ready()
  local task = ready_first
  ready_first, task.next_ready = task.next_ready, nil
  if not ready_first then ready_last = nil end
  return task
end

--- Makes a suspended task ready. A stale ticket (the task has woken since) is ignored.
local function wake(task, ticket, reason)
  if task.suspended and task.ticket == ticket then
    task.suspended = false
    task.reason = reason
    push_ready(task)
  end
end

-------------------------------------------------------------------------------------------------------- timers

-- A binary heap of { due, task, ticket }. The entry of a task that woke otherwise stays until due; each time the heap
-- has doubled it is rebuilt without those, so abandoned timers cost no memory for long.
local timers, timer_count, compact_at = {}, 0, 64

local function sift_up(entry, index)
  while index > 1 do
    local parent = index // 2
    if timers[parent].due <= entry.due then break end
    timers[index] = timers[parent]
    index = parent
  end
  timers[index] = entry
end

local function sift_down(entry, index)
  while true do
    local child = index * 2
    if child > timer_count then break end
    if child < timer_count and timers[child + 1].due < timers[child].due then child = child + 1 end
    if timers[child].due >= entry.due then break end
    timers[index] = timers[child]
    index = child
  end
  timers[index] = entry
end

local function is_live(entry)
  return entry.task.suspended and entry.task.ticket == entry.ticket
end

local function compact_timers()
  local live = {}
  for index = 1, timer_count do
    if is_live(timers[index]) then live[#live + 1] = timers[index] end
  end
  sort(live, function(a, b) return a.due < b.due end) -- a sorted array is a heap
  timers, timer_count = live, #live
  compact_at = timer_count < 32 and 64 or 2 * timer_count
end

local function add_timer(due, task)
  if timer_count >= compact_at then compact_timers() end
  sift_up({ due = due, task = task, ticket = task.ticket }, timer_count + 1)
  timer_count = timer_count + 1 -- last: the heap may have found no memory to grow
end

local function pop_timer()
  local first, last = timers[1], timers[timer_count]
  timers[timer_count] = nil
  timer_count = timer_count - 1
  if timer_count > 0 then sift_down(last, 1) end
  return first
end

local function fire_timers()
  local moment = now()
  while timer_count > 0 and timers[1].due <= moment do
    local entry = pop_timer()
    wake(entry.task, entry.ticket, "timeout")
  end
end

--- Seconds until the next timer is due, nil when there is none.
local function next_timer()
  while timer_count > 0 and not is_live(timers[1]) do pop_timer() end
  if timer_count == 0 then return nil end
  local left = timers[1].due - now()
  return left > 0 and left or 0
end

------------------------------------------------------------------------------------------------- tasks and scopes

local Task = { __name = "hoopai.Task" }
Task.__index = Task

--- A new ticket for the next wait of a task; what the task waits for keeps it to wake just this wait.
local function new_ticket(task)
  task.ticket = task.ticket + 1
  return task.ticket
end

local function notify_scope(scope)
  if scope.waiter then wake(scope.waiter, scope.ticket) end
end

--- Marks a task as over and tells those who wait for it.
local function finish(task, status)
  task.status, task.fn = status, nil -- a stale timer may hold the task for a while, not what it held
  task.suspended = false
  local scope = task.scope
  scope.tasks[task] = nil
  scope.count = scope.count - 1
  if status == "failed" then
    if task.critical and not scope.failure then scope.failure = task end
    if not scope.is_background then -- there nobody looks for them
      if scope.last_failed then scope.last_failed.next_failed = task else scope.first_failed = task end
      scope.last_failed = task
    end
  end
  if scope.count == 0 or scope.failure then notify_scope(scope) end
  local joiners = task.joiners
  if joiners then
    for index = 1, #joiners do wake(joiners[index].task, joiners[index].ticket) end
    task.joiners = nil
  end
end

-- What a wait holds as a to-be-closed variable: somebody else may close the task's coroutine, and that ends the task.
local Guard = {}
Guard.__close = function(guard)
  local task = guard.task
  if task.suspended and task.status == "running" then finish(task, "cancelled") end
end

--- Suspends the running task until `wake` is called with its ticket, or the deadline (a core.now() time) passes.
-- Returns "timeout" in the latter case.
local function suspend(task, deadline)
  local guard <close> = task.guard -- luacheck: ignore 211
  if task.keep then task:keep() end
  if deadline then add_timer(deadline, task) end
  task.suspended = true -- when nothing can fail any more
  repeat co_yield(SUSPEND) until not task.suspended -- somebody else may resume it, with nothing to tell
  return task.reason
end

local function describe(task)
  return traceback(task.co, errors.text(task.cause))
end

local function fail(task, cause)
  task.cause = cause
  local described, text = pcall(describe, task) -- what it failed of may be memory
  task.traceback = described and text or nil
  task.closing = true
  co_close(task.co) -- runs the to-be-closed variables that the error left open
  finish(task, "failed")
end

--- Is the task on the stack, so that its coroutine cannot be closed now?
local function is_active(task)
  local state = co_status(task.co)
  return state == "running" or state == "normal"
end

local cancel

--- Takes what coroutine.resume returned.
local function after_resume(task, ok, ...)
  if not ok then return fail(task, (...)) end
  if co_status(task.co) == "dead" then
    local packed, results = pcall(pack, ...)
    if not packed then return fail(task, results) end
    task.results = results
    return finish(task, "done")
  end
  if task.doomed then return cancel(task) end
  if (...) ~= SUSPEND or not task.suspended then
    fail(task, "hoopai: coroutine.yield() was called in a task; only hoopai may suspend it "
      .. "(hoopai.sleep(0) lets other tasks run)")
  end
end

local function resume(task)
  local outer, args = current, task.args
  current = task
  if args then
    task.args = nil
    after_resume(task, co_resume(task.co, unpack(args, 1, args.n)))
  else
    after_resume(task, co_resume(task.co))
  end
  current = outer
end

local function run_ready()
  local last = ready_last -- only those ready now: a task that wakes itself must not starve the transfers
  while ready_first do
    local task = pop_ready()
    if task.status == "running" then resume(task) end
    if task == last then break end
  end
end

local function new_task(scope, critical, fn, ...)
  local task = setmetatable({
    co = co_create(type(fn) == "function" and fn or function(...) return fn(...) end),
    args = pack(...),
    scope = scope,
    fn = fn,
    critical = critical,
    status = "running",
    suspended = false,
    ticket = 0,
    -- Places for what is set later, when there may be no memory for more fields.
    guard = false, next_ready = false, next_failed = false, joiners = false, reason = false, results = false,
    cause = false, traceback = false, closing = false, doomed = false,
  }, Task)
  task.guard = setmetatable({ task = task }, Guard)
  scope.tasks[task] = true
  scope.count = scope.count + 1
  push_ready(task)
  return task
end

local function warn_of(problem)
  warn("hoopai: error in a __close of a cancelled task: " .. errors.text(problem))
end

function cancel(task)
  if task.status ~= "running" then return end
  if is_active(task) then errors.raise("a task cannot cancel the task that is cancelling it") end
  local co = task.co
  task.status = "cancelled" -- first: a __close that looks at the task sees the truth
  task.closing = true
  local outer = current
  current = task
  local ok, problem = co_close(co)
  current = outer
  task.closing = nil
  finish(task, "cancelled")
  if not ok then pcall(warn_of, problem) end
end

--- Takes an active task out of its scope; it is cancelled when it next waits.
local function abandon(task)
  task.doomed = true
  task.scope.tasks[task] = nil
end

local Scope = {}

--- What was before the loop of a scope ran. A scope inside a task has no loop of its own, and its end, which may come
-- when that task is cancelled or closed by somebody else, says nothing of any loop.
local function restore(scope)
  if scope.drives then current, driving, no_wait = scope.outer_current, scope.outer_driving, scope.outer_no_wait end
end

--- Leaving a scope, however it happens, cancels what still runs in it.
Scope.__close = function(scope)
  restore(scope)
  while true do -- a __close of a cancelled task may spawn
    local task = next(scope.tasks)
    if not task then break end
    if is_active(task) then abandon(task) else cancel(task) end
  end
  restore(scope)
end

local function open_scope(where)
  return setmetatable({
    tasks = {}, count = 0, owner = current, drives = where == "block", waiter = false, ticket = false,
    failure = false, first_failed = false, last_failed = false,
    outer_current = current, outer_driving = driving, outer_no_wait = no_wait,
  }, Scope)
end

----------------------------------------------------------------------------------------------------- transfers

-- Tasks that belong to nobody who could be cancelled: token exchanges. A loop does not end before they have.
local function new_background()
  return { tasks = {}, count = 0, is_background = true }
end

local background = new_background()
local poller, process                              -- the descriptor that nests every client's set; who made it
local multis = {}                                  -- array of { multi, fd }
local waiting = setmetatable({}, { __mode = "k" }) -- transfer -> its task; their Multi pins the transfers in flight

--- In a forked child the descriptor and all sets in it are the parent's: the child begins with its own.
local function leave_parent()
  if process == core.pid() then return end
  if process then background = new_background() end
  poller, process, multis = nil, core.pid(), {}
end

--- Nests a client's set of transfers in the scheduler's.
function scheduler.attach(multi)
  leave_parent()
  if not poller and core.backend ~= "poll" then poller = core.poller() end
  local fd = multi:pollfd()
  if poller then poller:add(fd) end
  multis[#multis + 1] = { multi = multi, fd = fd }
end

local function collect(multi)
  local transfer = multi:next()
  while transfer do
    local task = waiting[transfer]
    if task then
      wake(task, task.ticket)
      waiting[transfer] = nil
    end
    transfer = multi:next()
  end
end

--- Closes an attached set; the tasks that wait for its transfers are woken and find them "closed".
function scheduler.detach(multi)
  leave_parent()
  for index, entry in ipairs(multis) do
    if entry.multi == multi then
      remove(multis, index)
      if poller then poller:remove(entry.fd) end
      break
    end
  end
  multi:close()
  collect(multi)
end

local function step_transfers()
  for index = #multis, 1, -1 do
    local entry = multis[index] -- a finaliser may close clients meanwhile
    if entry then
      entry.multi:step()
      collect(entry.multi)
    end
  end
end

local function transfers_in_flight()
  for index = 1, #multis do
    local queued, running = multis[index].multi:count()
    if queued + running > 0 then return true end
  end
  return false
end

--- Seconds until `step` must be called, 0 = at once, nil = only when the descriptor is readable.
local function next_due()
  if ready_first then return 0 end
  local due = next_timer() or huge
  for index = 1, #multis do
    local left = multis[index].multi:timeout()
    if left and left < due then due = left end
  end
  return due < huge and due or nil
end

--- Waits without the nesting descriptor (libcurl's own poll): one set at a time, so several sets take turns.
local function wait_in_turns(seconds)
  if #multis == 0 then return core.sleep(seconds or 3600) end
  if #multis == 1 then return multis[1].multi:wait(seconds) end
  local slice = 0.005
  for index = 1, #multis do multis[index].multi:wait(seconds and seconds < slice and seconds or slice) end
end

--- Blocks until there may be something to do. A signal ends the wait at once, so that Lua's hooks (Ctrl-C) run.
local function wait_for_events(seconds)
  if seconds == 0 then return end
  if poller then poller:wait(seconds)
  elseif core.backend == "poll" then wait_in_turns(seconds)
  else core.sleep(seconds or 3600) end
end


--- Runs the loop until a scope has ended (or its critical task has failed).
local function drive(scope)
  leave_parent()
  driving = true
  while true do
    run_ready()
    if scope.failure or scope.count + background.count == 0 then return end
    local seconds = next_due()
    if not seconds and not transfers_in_flight() then
      error(format("hoopai: deadlock: all %d tasks wait for each other", scope.count), 0)
    end
    wait_for_events(seconds)
    step_transfers()
    fire_timers()
  end
end

---------------------------------------------------------------------------------------------------- who may wait

--- Says how the caller may wait: "task" (it is suspended) or "block" (no loop is running: the thread waits).
-- Raises where neither is right; nobody else's resumer is ever yielded to.
function scheduler.where(what)
  if no_wait then errors.raise(format("%s cannot be called inside %s: it would have to wait", what, no_wait)) end
  if current and current.co == co_running() then
    if current.closing then
      errors.raise(format("%s cannot wait inside a __close of a task that is being cancelled", what))
    end
    if co_isyieldable() then return "task" end
    errors.raise(what .. " cannot wait here: the task is inside a C function that cannot be suspended "
      .. "(table.sort, string.gsub, a metamethod of C ...)")
  end
  if driving then
    errors.raise(what .. " cannot wait in a coroutine that hoopai did not start while its loop is running: "
      .. "use hoopai.spawn instead of coroutine.create or coroutine.wrap")
  end
  return "block"
end

--- Calls a hook in which nobody may wait. Errors go to warn(). It has a coroutine of its own, so that a yield in it
-- ends there instead of suspending the call.
function scheduler.call_hook(name, hook, ...)
  local outer, co = no_wait, co_create(hook)
  no_wait = name
  local ok, problem = co_resume(co, ...)
  no_wait = outer
  if co_status(co) == "suspended" then
    co_close(co)
    ok, problem = false, "a hook may not yield"
  end
  if not ok then warn("hoopai: error in " .. name .. ": " .. errors.text(problem)) end
end

--- Suspends the running task until a transfer is done. With a deadline (a core.now() time) returns "timeout" when
-- that passes first. Only where `where` said "task".
function scheduler.await(transfer, deadline)
  local task = current
  new_ticket(task)
  waiting[transfer] = task
  return suspend(task, deadline)
end

--- Is the caller a task that may wait?
function scheduler.in_task()
  return current ~= nil and current.co == co_running() and not current.closing and not no_wait and co_isyieldable()
end

--- Runs the loop until all background tasks have ended, unless a loop is running: that one will.
function scheduler.settle()
  leave_parent()
  if driving or background.count == 0 then return end
  local scope <close> = open_scope("block")
  drive(scope)
end

--- Forgets the sets that were finalised with their clients.
local function forget_closed()
  for index = #multis, 1, -1 do
    if not pcall(multis[index].multi.count, multis[index].multi) then remove(multis, index) end
  end
end

-- What a background task holds while it waits. lua_close finalises the youngest objects first: at that moment all that
-- the task uses is still whole, so that it can be waited for.
local Keeper = {}
Keeper.__gc = function(keeper)
  local task = keeper.task
  if task.keeper ~= keeper or task.status ~= "running" or process ~= core.pid() then return end
  current, driving, no_wait = nil, false, nil
  forget_closed()
  scheduler.settle()
end

local function keep(task)
  task.keeper = setmetatable({ task = task }, Keeper)
end

--- Starts a task that outlives whoever asked for it: it cannot be cancelled, and lua_close waits for it.
function scheduler.background(fn)
  leave_parent()
  local task = new_task(background, false, fn)
  task.keep = keep
  return task
end

--- Notes that the running task waits for the end of another.
local function await_end(task)
  local joiners = task.joiners or {}
  task.joiners = joiners
  joiners[#joiners + 1] = { task = current, ticket = new_ticket(current) }
end

--- Waits for the end of a task, at most until the deadline (a core.now() time). Only where `where` said "task".
-- @return true and the task's results, or false when the deadline passed first
function scheduler.watch(task, deadline)
  while task.status == "running" do
    await_end(task)
    if suspend(current, deadline) == "timeout" then return false end
  end
  if task.status == "done" then return true, unpack(task.results, 1, task.results.n) end
  error(task.cause or "a background task was cancelled", 0)
end

--- Blocks the thread until a transfer of this set is done. Only where `where` said "block".
function scheduler.block(multi, transfer)
  multi:step()
  while transfer:state() ~= "done" do
    multi:wait()
    multi:step()
  end
  repeat until not multi:next()
end

------------------------------------------------------------------------------------------------- public functions

local function await_scope(scope, where)
  if where == "block" then return drive(scope) end
  local task = current
  while scope.count > 0 and not scope.failure do
    scope.waiter, scope.ticket = task, new_ticket(task)
    suspend(task)
  end
end

--- The first task that raised and that nobody joined.
local function unjoined_failure(scope)
  local task = scope.first_failed
  while task and task.joined do task = task.next_failed end
  return task
end

--- Runs `start` (which spawns into the scope), waits for all its tasks, raises what was raised in them.
local function in_scope(where, start, ...)
  local scope <close> = open_scope(where)
  local main = start(scope, ...)
  await_scope(scope, where)
  local failure = scope.failure or unjoined_failure(scope)
  if failure then error(failure.cause, 0) end
  return main
end

local function check_function(what, fn)
  local meta = type(fn) == "table" and getmetatable(fn)
  if type(fn) ~= "function" and not (type(meta) == "table" and meta.__call) then
    errors.raise(format("%s expects a function, got %s", what, type(fn)))
  end
end

local function start_main(scope, fn, ...)
  return new_task(scope, true, fn, ...)
end

--- Runs fn(...) as a task, and the loop until it and all tasks spawned in it have ended.
-- Inside a task it opens a child scope on the same loop and suspends that task.
-- @tparam function fn what to do
-- @param ... what fn is called with
-- @return what fn returned
-- @raise what fn raised (the other tasks are cancelled first); the error of a task that raised and was never joined;
-- "deadlock" when all tasks wait for each other
function scheduler.run(fn, ...)
  check_function("hoopai.run", fn)
  local main = in_scope(scheduler.where("hoopai.run"), start_main, fn, ...)
  return unpack(main.results, 1, main.results.n)
end

--- Starts fn(...) as a task beside the caller, in the innermost scope (`run`, `map`). It begins when the caller waits.
-- @tparam function fn what to do
-- @param ... what fn is called with
-- @treturn Task
-- @raise where no loop is running
function scheduler.spawn(fn, ...)
  check_function("hoopai.spawn", fn)
  if not current then errors.raise("hoopai.spawn needs a running loop: call it inside hoopai.run") end
  return new_task(current.scope, false, fn, ...)
end

--- Suspends the calling task (or blocks the thread where no loop is running).
-- @tparam number seconds at least 0; 0 lets other tasks run
-- @raise when `seconds` is no such number
function scheduler.sleep(seconds)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 or seconds == huge then
    errors.raise("hoopai.sleep expects a number of seconds, at least 0, got " .. tostring(seconds))
  end
  local deadline = now() + seconds
  if scheduler.where("hoopai.sleep") == "task" then
    new_ticket(current)
    suspend(current, deadline)
    return
  end
  repeat core.sleep(deadline - now()) until now() >= deadline
end

local function map_worker(job)
  while job.next <= job.results.n do
    local index = job.next
    job.next = index + 1
    local value, problem = job.fn(job.items[index], index)
    if value == nil and problem ~= nil then job.errors[index] = problem end
    job.results[index] = value
  end
end

local function start_workers(scope, job, workers)
  for _ = 1, workers do new_task(scope, true, map_worker, job) end
end

local function run_map(job, workers)
  in_scope("task", start_workers, job, workers)
  return job.results, next(job.errors) and job.errors or nil
end

local function check_map(items, fn, options)
  if type(items) ~= "table" then errors.raise("hoopai.map expects a list, got " .. type(items)) end
  check_function("hoopai.map", fn)
  if options == nil then return 16 end
  if type(options) ~= "table" then errors.raise("the options of hoopai.map are a table, got " .. type(options)) end
  for name in pairs(options) do
    if name ~= "concurrency" then
      errors.raise(format("unknown option `%s` of hoopai.map; there is `concurrency`", tostring(name)))
    end
  end
  local concurrency = options.concurrency or 16
  if math_type(concurrency) ~= "integer" or concurrency < 1 then
    errors.raise("concurrency is an integer of at least 1, got " .. tostring(concurrency))
  end
  return concurrency
end

--- Calls fn(item, index) for each item, several at a time, and keeps the order.
-- Outside `run` it runs the loop itself.
-- @tparam table items a list
-- @tparam function fn called with an item and its index; returns a value, or nil and an error
-- @tparam[opt] table options
-- @tparam[opt=16] integer options.concurrency how many calls at a time
-- @treturn table the values by index; its `n` is #items
-- @treturn ?table the errors by index; nil when all succeeded. It prints as a list
-- @raise what fn raised (the other calls are cancelled first)
function scheduler.map(items, fn, options)
  local concurrency = check_map(items, fn, options)
  local count = #items
  local job = { items = items, fn = fn, next = 1, results = { n = count }, errors = errors.list(count) }
  local workers = concurrency < count and concurrency or count
  if scheduler.where("hoopai.map") == "task" then return run_map(job, workers) end
  return scheduler.run(run_map, job, workers)
end

--- Waits until the task has ended.
-- @return[1] what the task's function returned
-- @treturn[2] nil
-- @treturn[2] Error of kind "raised" (with `cause` and `traceback`) or "cancelled"
-- @raise when a task would wait for itself, and where no loop is running
function Task:join()
  if getmetatable(self) ~= Task then errors.raise("call it with a colon: task:join()") end
  if self == current then errors.raise("a task cannot join itself") end
  self.joined = true
  if self.status == "running" then
    if scheduler.where("task:join") == "block" then errors.raise("task:join needs a running loop") end
    await_end(self)
    suspend(current)
  end
  if self.status == "done" then return unpack(self.results, 1, self.results.n) end
  if self.status == "cancelled" then
    return nil, errors.new { kind = "cancelled", message = "the task was cancelled" }
  end
  return nil, errors.new {
    kind = "raised", message = errors.text(self.cause), cause = self.cause, traceback = self.traceback,
  }
end

--- Ends the task where it waits: its transfer is aborted and its to-be-closed variables are closed. Its code is not
-- resumed otherwise. Without effect on a task that has ended.
-- @raise when a task would cancel itself
function Task:cancel()
  if getmetatable(self) ~= Task then errors.raise("call it with a colon: task:cancel()") end
  local task = current
  while task do
    if task == self then
      errors.raise("a task cannot cancel itself, nor the task whose run or map it is in: return instead")
    end
    task = task.scope.owner
  end
  cancel(self)
end

-- Where a message about wrong use points when a tail call left no line of the user's on the stack.
function errors.origin()
  return current and current.fn
end

function Task:__tostring()
  return "hoopai.Task (" .. self.status .. ")"
end

----------------------------------------------------------------------------------------------------------- locks

local Lock = {}
Lock.__index = Lock

--- A lock between tasks, first come first served. In blocking mode nobody else can hold it for longer than a call.
function scheduler.lock()
  return setmetatable({ queue = {}, first = 1, last = 0 }, Lock)
end

--- Hands the lock to the first who still waits for it.
local function release(lock)
  lock.holder = nil
  while lock.first <= lock.last do
    local hold = lock.queue[lock.first]
    lock.queue[lock.first] = nil
    lock.first = lock.first + 1
    if hold.task.suspended and not hold.task.closing and hold.task.ticket == hold.ticket then
      lock.holder = hold
      return wake(hold.task, hold.ticket)
    end
  end
end

-- A task that is cancelled while it waits, or just after it was given the lock, must not keep it: so what it waits
-- with is to-be-closed as well, unless the wait ended well (`passed`).
local Hold = {}
Hold.__close = function(hold)
  if hold.lock.holder == hold then release(hold.lock) end
end

local Wait = {}
Wait.__close = function(wait)
  if not wait.passed then Hold.__close(wait.hold) end
end

--- Waits for the lock. The result is a to-be-closed value that gives it back.
-- @tparam string what who asks, for the message where nobody may wait
-- @tparam[opt] number deadline a core.now() time; nil is returned when that passes first
function Lock:acquire(what, deadline)
  local hold = setmetatable({ lock = self, owner = current }, Hold)
  if not self.holder then
    self.holder = hold
    return hold
  end
  if scheduler.where(what) == "block" or self.holder.owner == current then
    errors.raise(what .. " is already running in this program")
  end
  hold.task, hold.ticket = current, new_ticket(current)
  self.queue[self.last + 1] = hold
  self.last = self.last + 1
  local wait <close> = setmetatable({ hold = hold }, Wait)
  if suspend(current, deadline) == "timeout" then return nil end
  wait.passed = true
  return hold
end

----------------------------------------------------------------------------------------------------------- bells

local Bell = {}
Bell.__index = Bell

--- A place to wait at until a moment comes or somebody rings. Outside any loop nobody can ring meanwhile.
function scheduler.bell()
  return setmetatable({ waiting = setmetatable({}, { __mode = "k" }) }, Bell)
end

--- Waits until the bell rings, at most until the deadline.
-- @tparam string where "task" or "block", as `where` said
-- @tparam ?number deadline a core.now() time
function Bell:wait(where, deadline)
  if where == "block" then
    repeat core.sleep(deadline - now()) until now() >= deadline
    return
  end
  local task = current
  self.waiting[task] = new_ticket(task)
  suspend(task, deadline)
  self.waiting[task] = nil
end

--- Wakes all who wait.
function Bell:ring()
  for task, ticket in pairs(self.waiting) do wake(task, ticket) end
end

return scheduler
