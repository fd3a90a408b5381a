--- Tasks, scopes and waiting.
--
-- One scheduler serves one lua_State. A task is a coroutine that only this file resumes; a scope owns tasks and ends
-- when they have ended. Waiting is one primitive, `suspend`: everything a task can wait for (a transfer, another
-- task, a timer, a lock) notes who waits and later calls `wake`. Lua yields in Lua, never across a C frame.
--
-- All waits end by one descriptor and one moment, so any loop can drive them: this file's own (`drive`), or a host's
-- through the functions of hoopai.loop.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local sets = require "hoopai.async.pollset"
local timers = require "hoopai.async.timers"

local co_create, co_resume, co_yield = coroutine.create, coroutine.resume, coroutine.yield
local co_close, co_status, co_running = coroutine.close, coroutine.status, coroutine.running
local co_isyieldable = coroutine.isyieldable
local pack, unpack = table.pack, table.unpack
local setmetatable, getmetatable, type, tostring = setmetatable, getmetatable, type, tostring
local error, next, pairs, ipairs, pcall = error, next, pairs, ipairs, pcall
local warn = warn or function() end
local format = string.format
local huge = math.huge
local traceback = debug and debug.traceback or function(_, message) return message end
local now = core.now

local scheduler = {}

-- Seconds that tasks may take in one step of a host's loop, whose own timers wait meanwhile.
local TURN = 0.004

-- What a task yields to its resumer. Anything else came from a coroutine.yield in user code.
local SUSPEND = {}

local current          -- the task that is being resumed, nil outside
local driving = false  -- does this file resume tasks just now?
local no_wait          -- why nobody may wait just now (the name of a hook), nil = waiting is fine
local host             -- the adapter of the host's loop, nil while ours is the only one

--- Asks the host's loop for a step. Not during one: after it the adapter looks at what is due anyway.
local function notify()
  if host and not driving then host.changed() end
end

--------------------------------------------------------------------------------------------------- ready tasks

-- Linked through their field `next_ready`, so that waking a task needs no memory: a wake must not be lost.
local ready_first, ready_last

local function push_ready(task)
  task.next_ready = nil
  if ready_last then ready_last.next_ready = task else ready_first = task end
  ready_last = task
  notify()
end

local function pop_ready()
  local task = ready_first
  ready_first, task.next_ready = task.next_ready, nil
  if not ready_first then ready_last = nil end
  return task
end

--- Marks a wait as over.
local function end_wait(task, reason)
  task.suspended = false
  task.reason = reason
  if task.timer then
    timers.drop(task.timer)
    task.timer = false
  end
end

--- Makes a suspended task ready. A stale ticket (the task has woken since) is ignored. Where this raises for want of
-- memory (any call may need some) the task is either still suspended or ready: so it can be called again.
function scheduler.wake(task, ticket, reason)
  if not task.suspended or task.ticket ~= ticket then return end
  if task.timer then
    timers.drop(task.timer)
    task.timer = false
  end
  if task.cell then
    end_wait(task, reason)
    return host.wake(task.cell)
  end
  task.suspended, task.reason, task.next_ready = false, reason, nil
  if ready_last then ready_last.next_ready = task else ready_first = task end
  ready_last = task
  notify()
end

local wake = scheduler.wake

--- Wakes a task whose time is over.
local function time_out(task)
  task.timer = false
  wake(task, task.ticket, "timeout")
end

------------------------------------------------------------------------------------------------- tasks and scopes

local Task = { __name = "hoopai.Task" }
Task.__index = Task

--- A new ticket for the next wait of a task; what the task waits for keeps it to wake just this wait.
function scheduler.new_ticket(task)
  task.ticket = task.ticket + 1
  return task.ticket
end

local new_ticket = scheduler.new_ticket

local function wake_owner(scope)
  if scope.waiter then wake(scope.waiter, scope.ticket) end
end

--- Says what a task may have changed, where nobody is left who could be told otherwise.
local function tell_unclear(task)
  for _, err in ipairs(task.unclear or {}) do warn("hoopai: " .. errors.text(err)) end
end

--- Says that a task failed of which nobody asked. Once nobody can, at the latest.
local function tell_failure(task)
  if task.joined then return end
  task.joined = true
  warn("hoopai: a task failed, and nobody joined it: " .. (task.traceback or errors.text(task.cause)))
  tell_unclear(task)
end

-- What a failed task holds that no scope looks after: collected with it.
local Unheard = {}
Unheard.__gc = function(unheard) tell_failure(unheard.task) end

--- Tasks that no `run` waits for.
local function new_ownerless()
  return { tasks = {}, count = 0, failed = setmetatable({}, { __mode = "k" }) }
end

local root = new_ownerless()       -- what was spawned outside of any task, for a host's loop
local background = new_ownerless() -- token exchanges: nobody can cancel them, and no loop ends before they have

local function note_unheard(task)
  root.failed[task] = true
  task.unheard = setmetatable({ task = task }, Unheard)
end

local function note_failure(scope, task)
  if task.critical and not scope.failure then scope.failure = task end
  if scope == root then
    pcall(note_unheard, task) -- without memory for that it goes untold
  elseif scope ~= background then -- a background task's error is told by `watch`
    if scope.last_failed then scope.last_failed.next_failed = task else scope.first_failed = task end
    scope.last_failed = task
  end
end

--- Marks a task as over and tells those who wait for it.
local function finish(task, status)
  task.status, task.fn = status, nil
  if task.suspended then end_wait(task) end
  local scope = task.scope
  scope.tasks[task] = nil
  scope.count = scope.count - 1
  if status == "failed" then note_failure(scope, task) end
  if scope.count == 0 or scope.failure then wake_owner(scope) end
  local joiners = task.joiners
  if joiners then
    for index = 1, #joiners do wake(joiners[index].task, joiners[index].ticket) end
    task.joiners = false
  end
  notify() -- it may have been the last that kept the host's loop alive
end

-- What a wait holds as a to-be-closed variable: somebody else may close the task's coroutine, and that ends the task.
local Guard = {}
Guard.__close = function(guard)
  local task = guard.task
  if not task.suspended or task.status ~= "running" then return end
  if task.cell then
    end_wait(task)
    notify()
  else
    finish(task, "cancelled")
  end
end

--- Suspends the running task, that of `waiter`, until `wake` is called with its ticket or the deadline (a core.now()
-- time) passes. Returns "timeout" in the latter case.
function scheduler.suspend(task, deadline)
  local guard <close> = task.guard -- luacheck: ignore 211
  if task.keep then task:keep() end
  if deadline then task.timer = timers.add(deadline, task) end
  task.suspended = true -- when nothing can fail any more
  if task.cell then
    notify()
    repeat host.wait(task.cell) until not task.suspended
  else
    repeat co_yield(SUSPEND) until not task.suspended -- somebody else may resume it, with nothing to tell
  end
  return task.reason
end

local suspend = scheduler.suspend

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

--- Resumes the tasks that are ready now (one that wakes itself must not starve the transfers).
-- @tparam[opt] number deadline a core.now() time after which the others have to wait for the next time
local function run_ready(deadline)
  local last = ready_last
  while ready_first do
    local task = pop_ready()
    if task.status == "running" then resume(task) end
    if task == last or deadline and now() >= deadline then break end
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
    guard = false, timer = false, next_ready = false, next_failed = false, joiners = false, reason = false,
    results = false, cause = false, traceback = false, closing = false, doomed = false, applied = false,
    unclear = false, unheard = false,
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
Scope.__index = Scope

local function end_task(scope, task)
  if is_active(task) then abandon(task) else cancel(task) end
  if not scope.owner then tell_unclear(task) end
end

local function list_tasks(scope)
  local tasks = {}
  for task in pairs(scope.tasks) do tasks[#tasks + 1] = task end
  return tasks
end

--- Leaving a scope, however it happens, cancels what still runs in it.
Scope.__close = function(scope)
  while next(scope.tasks) do -- a __close of a cancelled task may spawn
    local listed, tasks = pcall(list_tasks, scope)
    if listed then
      for _, task in ipairs(tasks) do end_task(scope, task) end
    else -- without memory for a list, one after the other
      end_task(scope, (next(scope.tasks)))
    end
  end
end

local function open_scope(owner)
  return setmetatable({
    tasks = {}, count = 0, owner = owner, waiter = false, ticket = false, failure = false,
    first_failed = false, last_failed = false,
  }, Scope)
end

-------------------------------------------------------------------------------------------- coroutines of the host

local adopted = setmetatable({}, { __mode = "k" }) -- coroutine -> what stands for it as a task

--- A coroutine of the host that may wait: like a task, but the host suspends and resumes it.
local function adopt(co)
  local task = setmetatable({
    co = co, cell = host.new_cell(), scope = root, status = "running", suspended = false, ticket = 0,
  }, Task)
  task.guard = setmetatable({ task = task }, Guard)
  adopted[co] = task
  return task
end

--- Who is suspended when the caller waits: its task, or what stands for its coroutine; nil where it must not be.
function scheduler.waiter()
  local co = co_running()
  if current and current.co == co then return current end
  if host and host.may_wait and not driving and host.may_wait() then return adopted[co] or adopt(co) end
end

local waiter = scheduler.waiter

--- Notes that the caller made a change of which others may have to be told: its task may be cancelled before it can
-- tell anybody itself, and so may those whose run or map it is part of.
-- @tparam string applied "yes" or "maybe"
-- @tparam[opt] Error cut the call, when it was cut off by a cancellation
function scheduler.note_change(applied, cut)
  local task = waiter()
  while task do
    if task.applied ~= "yes" then task.applied = applied end
    if cut then
      task.unclear = task.unclear or {}
      task.unclear[#task.unclear + 1] = cut
    end
    task = task.scope.owner
  end
end

--- The last call that was cut off in the caller's task after it had left, as `note_change` got it; nil where none was.
function scheduler.last_cut()
  local task = waiter()
  return task and task.unclear and task.unclear[#task.unclear]
end

------------------------------------------------------------------------------------------- transfers and the loop

--- A forked child begins with its own.
local function leave_parent()
  if sets.leave_parent() then root, background = new_ownerless(), new_ownerless() end
end

--- Nests a client's set of transfers in the scheduler's.
-- @return true; or nil and a problem where the system has no descriptor left
function scheduler.attach(multi)
  leave_parent()
  return sets.add(multi)
end

--- Makes a set of transfers for tasks.
-- @tparam table transport its options
-- @return the set; or nil and a problem where the system has no descriptor left
function scheduler.new_set(transport)
  local multi, problem = core.multi(transport)
  if not multi then return nil, problem end
  local attached
  attached, problem = scheduler.attach(multi)
  if attached then return multi end
  multi:close()
  return nil, problem
end

local function collect(multi)
  local transfer, task = multi:peek()
  while transfer do
    if task then wake(task, task.ticket) end
    multi:next() -- only now: where its task could not be woken for want of memory it will be seen again
    transfer, task = multi:peek()
  end
end

--- Closes an attached set; the tasks that wait for its transfers are woken and find them "closed".
function scheduler.detach(multi)
  leave_parent()
  sets.remove(multi)
  multi:close()
  collect(multi)
end

local function take_events()
  sets.step(collect)
  timers.fire(now(), time_out)
end

--- Seconds until there is something to do, 0 = at once, nil = only when the descriptor is readable.
local function next_due()
  if ready_first then return 0 end
  local due = timers.next()
  local left = due and due - now() or huge
  local seconds = sets.due()
  if seconds and seconds < left then left = seconds end
  if left == huge then return nil end
  return left > 0 and left or 0
end

--- Is a loop running whose thread must not be blocked?
local function is_looping()
  return driving or host ~= nil and host.running ~= nil and host.running()
end

-- What a running loop leaves behind, however it ends.
local Driving = {}
Driving.__close = function(outer)
  current, driving, no_wait = nil, false, outer.no_wait
  if not outer.by_host then notify() end -- there may be tasks that only the host's loop goes on with
end

local function begin_driving(by_host)
  local outer = setmetatable({ no_wait = no_wait, by_host = by_host }, Driving)
  driving, no_wait = true, nil
  return outer
end

--- Runs the loop until a scope has ended (or its critical task has failed).
local function drive(scope)
  leave_parent()
  local outer <close> = begin_driving() -- luacheck: ignore 211
  while true do
    run_ready()
    if scope.failure or scope.count + background.count == 0 then return end
    local seconds = next_due()
    if not seconds and not sets.in_flight() then
      error(format("hoopai: deadlock: all %d tasks wait for each other", scope.count), 0)
    end
    sets.wait(seconds)
    take_events()
  end
end

----------------------------------------------------------------------------------------------------- for any loop

local chosen        -- what `use` was called with
local begun = false -- has anybody called or spawned anything?

--- Chooses the loop of the host, once for the whole program and before the first call.
-- With `hoopai.loop.luv` or `hoopai.loop.copas` the host's loop runs the tasks of @{spawn}, which then works outside of
-- @{run}. With `hoopai.loop.cqueues` calls also wait in the coroutines of cqueues. `hoopai.loop.custom` is for loops of
-- your own.
-- @tparam Adapter loop
-- @raise after the first call, for a second loop, and where the library was built without epoll or kqueue
function scheduler.use(loop)
  if type(loop) ~= "table" or type(loop.name) ~= "string" then
    errors.raise("hoopai.use expects a loop such as hoopai.loop.luv, got " .. type(loop))
  end
  if loop == chosen then return end
  if chosen then
    errors.raise(format("hoopai.use(%s): the loop of this program is %s already", loop.name, chosen.name))
  end
  if begun then errors.raise(format("hoopai.use(%s) must come before the first call", loop.name)) end
  chosen, host = loop, loop.changed and loop or nil
end

--- The descriptor to wait for: @{step} has something to do when it is readable. It stays the same as long as the
-- process lives; do not close it.
-- @treturn integer
function scheduler.pollfd()
  leave_parent()
  return sets.fd()
end

--- What to wait for on the descriptor.
-- @treturn string always "r"
function scheduler.events()
  return "r"
end

--- How long to wait for the descriptor at most.
-- @treturn ?number seconds until @{step} must be called, 0 = at once; nil = not before the descriptor is readable
function scheduler.timeout()
  leave_parent()
  return next_due()
end

--- Is there anything to wait for: a call, a timer, a task that can go on? If not, a loop may end: more comes only of
-- what its own code does.
-- @treturn boolean
function scheduler.busy()
  leave_parent()
  return ready_first ~= nil or timers.next() ~= nil or sets.in_flight()
end

--- Tells what is left when no task can go on.
local function come_to_rest()
  for task in pairs(root.failed) do tell_failure(task) end
  root.failed = setmetatable({}, getmetatable(root.failed))
  if root.count > 0 and root.count ~= root.told then
    root.told = root.count
    warn(format("hoopai: deadlock: %d tasks wait for each other, or for something that the host does", root.count))
  end
end

--- Does what can be done without waiting: reads and writes, wakes and resumes tasks. Where there are many it returns
-- after some milliseconds, so that the host gets its turn; @{timeout} is 0 then. Errors of tasks do not come out of it.
-- @raise when it is called inside itself
function scheduler.step()
  if driving then errors.raise("hoopai.loop.step was called by a task: the host's loop calls it") end
  leave_parent()
  local outer <close> = begin_driving(true) -- luacheck: ignore 211
  take_events()
  run_ready(now() + TURN)
  if not scheduler.busy() then come_to_rest() end
end

---------------------------------------------------------------------------------------------------- who may wait

--- Says how the caller may wait: "task" (it is suspended; the second result is what `waiter` gives) or "block" (no loop
-- is running: the thread waits). Raises where neither is right; nobody else's resumer is ever yielded to.
function scheduler.where(what)
  begun = true
  if no_wait then errors.raise(format("%s cannot be called inside %s: it would have to wait", what, no_wait)) end
  local task = waiter()
  if task then
    if task.closing then
      errors.raise(format("%s cannot wait inside a __close of a task that is being cancelled", what))
    end
    if co_isyieldable() then return "task", task end
    errors.raise(what .. " cannot wait here: the task is inside a C function that cannot be suspended "
      .. "(table.sort, string.gsub, a metamethod of C ...)")
  end
  if driving then
    errors.raise(what .. " cannot wait in a coroutine that hoopai did not start while its loop is running: "
      .. "use hoopai.spawn instead of coroutine.create or coroutine.wrap")
  end
  if is_looping() then
    errors.raise(format("%s cannot wait here while the loop of %s is running: call it in a task of hoopai.spawn",
      what, host.name))
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

--- Suspends the running task, that of `waiter`, until a transfer is done. With a deadline (a core.now() time) returns
-- "timeout" when that passes first.
function scheduler.await(transfer, task, deadline)
  transfer:await(task)
  new_ticket(task)
  return suspend(task, deadline)
end

--- Is the caller a task that may wait?
function scheduler.in_task()
  local task = waiter()
  return task ~= nil and not task.closing and not no_wait and co_isyieldable()
end

--- Runs the loop until all background tasks have ended, unless a loop is running: that one will.
function scheduler.settle()
  leave_parent()
  if is_looping() or background.count == 0 then return end
  local scope <close> = open_scope()
  drive(scope)
end

local ending = false -- does lua_close wait for background tasks?

--- Is the state being closed? Then background tasks must come to their end, and wait for nobody else.
function scheduler.is_ending()
  return ending
end

-- What a background task holds while it waits. lua_close finalises the youngest objects first: at that moment all that
-- the task uses is still whole, so that it can be waited for.
local Keeper = {}
Keeper.__gc = function(keeper)
  local task = keeper.task
  if task.keeper ~= keeper or task.status ~= "running" or keeper.process ~= core.pid() then return end
  current, driving, no_wait, ending = nil, false, nil, true
  sets.forget_closed()
  scheduler.settle()
end

local function keep(task)
  task.keeper = setmetatable({ task = task, process = core.pid() }, Keeper)
end

--- Starts a task that outlives whoever asked for it: it cannot be cancelled, and lua_close waits for it.
function scheduler.background(fn)
  leave_parent()
  begun = true
  local task = new_task(background, false, fn)
  task.keep = keep
  return task
end

local function wait_for_end(task, deadline)
  local joiner, joiners = waiter(), task.joiners or {}
  task.joiners = joiners
  joiners[#joiners + 1] = { task = joiner, ticket = new_ticket(joiner) }
  return suspend(joiner, deadline)
end

--- Waits for the end of a task, at most until the deadline (a core.now() time). Only where `where` said "task".
-- @return true and the task's results, or false when the deadline passed first
function scheduler.watch(task, deadline)
  while task.status == "running" do
    if wait_for_end(task, deadline) == "timeout" then return false end
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

--- Starts fn(...) as a task of this scope. When a critical one raises, the scope ends.
function Scope:start(critical, fn, ...)
  return new_task(self, critical, fn, ...)
end

--- The first task that raised and that nobody joined.
local function unjoined_failure(scope)
  local task = scope.first_failed
  while task and task.joined do task = task.next_failed end
  return task
end

local function raise_failure(scope)
  local failure = scope.failure or unjoined_failure(scope)
  if failure then error(failure.cause, 0) end
end

--- Waits for all tasks of this scope, at most until the deadline (a core.now() time), or until `decide` is called.
-- Raises what was raised in them, unless it is decided. Only where `where` said "task".
function Scope:wait(deadline)
  local task = waiter()
  while self.count > 0 and not self.failure and not self.decided do
    self.waiter, self.ticket = task, new_ticket(task)
    if suspend(task, deadline) == "timeout" then break end
  end
  if not self.decided then raise_failure(self) end
end

--- Ends a wait for this scope, although tasks of it still run.
function Scope:decide()
  self.decided = true
  wake_owner(self)
end

--- A scope within the caller's task, to be held in a to-be-closed variable. Only where `where` said "task".
function scheduler.scope()
  return open_scope(waiter())
end

--- Raises wrong use unless fn can be called.
function scheduler.check_function(what, fn)
  local meta = type(fn) == "table" and getmetatable(fn)
  if type(fn) ~= "function" and not (type(meta) == "table" and meta.__call) then
    errors.raise(format("%s expects a function, got %s", what, type(fn)))
  end
end

--- Runs fn(...) as a task, and the loop until it and all tasks spawned in it have ended.
-- Inside a task it opens a child scope on the same loop and suspends that task.
-- @tparam function fn what to do
-- @param ... what fn is called with
-- @return what fn returned
-- @raise what fn raised (the other tasks are cancelled first); the error of a task that raised and was never joined;
-- "deadlock" when all tasks wait for each other
function scheduler.run(fn, ...)
  scheduler.check_function("hoopai.run", fn)
  local where = scheduler.where("hoopai.run")
  local scope <close> = open_scope(waiter())
  local main = scope:start(true, fn, ...)
  if where == "task" then
    scope:wait()
  else
    drive(scope)
    raise_failure(scope)
  end
  if main.status == "cancelled" then error("hoopai: the coroutine of hoopai.run was closed by somebody else", 0) end
  return unpack(main.results, 1, main.results.n)
end

--- Starts fn(...) as a task beside the caller, in the innermost scope (`run`, `map`). It begins when the caller waits.
-- With a loop of the host (see @{use}) it also works outside of any scope: then nothing ends with the task, and an
-- error in it that nobody gets by `join` goes to `warn()`.
-- @tparam function fn what to do
-- @param ... what fn is called with
-- @treturn Task
-- @raise where no loop is running
function scheduler.spawn(fn, ...)
  scheduler.check_function("hoopai.spawn", fn)
  if current then return new_task(current.scope, false, fn, ...) end
  if not host then errors.raise("hoopai.spawn needs a running loop: call it inside hoopai.run") end
  local refusal = host.prepare and host.prepare()
  if refusal then errors.raise("hoopai.spawn needs a running loop: " .. refusal) end
  leave_parent()
  begun = true
  return new_task(root, false, fn, ...)
end

--- Raises wrong use unless seconds can be waited for.
function scheduler.check_seconds(what, seconds)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 or seconds == huge then
    errors.raise(format("%s expects a number of seconds, at least 0, got %s", what, tostring(seconds)))
  end
end

--- Suspends the calling task (or blocks the thread where no loop is running).
-- @tparam number seconds at least 0; 0 lets other tasks run
-- @raise when `seconds` is no such number
function scheduler.sleep(seconds)
  scheduler.check_seconds("hoopai.sleep", seconds)
  local deadline = now() + seconds
  if scheduler.where("hoopai.sleep") == "task" then
    local task = waiter()
    new_ticket(task)
    suspend(task, deadline)
    return
  end
  repeat core.sleep(deadline - now()) until now() >= deadline
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
    wait_for_end(self)
  end
  if self.status == "done" then return unpack(self.results, 1, self.results.n) end
  if self.status == "cancelled" then
    return nil, errors.new {
      kind = "cancelled", message = "the task was cancelled", applied = self.applied or nil,
      unclear = self.unclear or nil,
    }
  end
  return nil, errors.new {
    kind = "raised", message = errors.text(self.cause), cause = self.cause, traceback = self.traceback or nil,
    applied = self.applied or nil, unclear = self.unclear or nil,
  }
end

--- Ends the task where it waits: its transfer is aborted and its to-be-closed variables are closed. Its code is not
-- resumed otherwise. Without effect on a task that has ended. Changes that it may have made are told by `join`.
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

function scheduler.is_task(value)
  return getmetatable(value) == Task
end

function Task:__tostring()
  return "hoopai.Task (" .. self.status .. ")"
end

return scheduler
