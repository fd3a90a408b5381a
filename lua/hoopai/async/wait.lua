--- How code waits: a task is suspended, and so is a coroutine of the host's loop; elsewhere the thread blocks.
--
-- Each wait of a task is a call of `suspend`. What a task can wait for (a transfer, another task, a timer, a lock)
-- keeps the task and a ticket, and calls `wake` with them later. Lua yields in Lua, never across a C frame.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local lazy = require "hoopai.lazy"
local timers = require "hoopai.async.timers"

local co_create, co_resume, co_yield = coroutine.create, coroutine.resume, coroutine.yield
local co_close, co_status, co_running = coroutine.close, coroutine.status, coroutine.running
local co_isyieldable = coroutine.isyieldable
local getinfo = debug and debug.getinfo -- a host may leave the debug library out
local error, setmetatable, type = error, setmetatable, type
local warn = warn or function() end
local format, huge = string.format, math.huge
local now = core.now

local get_time = lazy.module "hoopai.time"

local wait = {}

--- What the modules of this folder share.
local state = {
  current = false, -- the task that is being resumed
  driving = false, -- the coroutine in which a function of hoopai.async.loop resumes tasks
  hook = false, -- the name of the hook that is being called: code must not wait in one
  hook_co = false, -- its coroutine
  host = false, -- the adapter of the host's loop
  is_used = false, -- has a call been made or a task been started?
  first_ready = false, -- the tasks to resume, linked by `next_ready`: adding one needs no memory
  last_ready = false, -- without a meaning while there is no first one
  -- What hoopai.async.repair needs if an error of a debug hook interrupts the loop.
  in_hand = false, -- the task that was taken off the ready ones, until it has been resumed
  waking = false, -- the task that is being made ready
  ending = false, -- the task whose end is being recorded
  open_scope = false, -- that of a `run` outside of tasks, until all its tasks have ended
}
wait.state = state

--- What a task yields when it waits. Any other value comes from a coroutine.yield of the user.
local SUSPEND = {}
wait.SUSPEND = SUSPEND

--- Asks the host's loop for a step. During a step there is no need to: the adapter asks for the next one itself.
local function notify()
  if state.host and not state.driving then state.host.changed() end
end

wait.notify = notify

-- Suspending and waking --------------------------------------------------------------------------------------------

local function drop_timer(task)
  timers.drop(task.timer)
  task.timer = false
end

--- Puts the list of ready tasks in order after an error of a debug hook interrupted a change of it.
local function mend_ready()
  local task, at, last, is_linked = state.waking, state.first_ready, false, false
  while at do
    if at == task then is_linked = true end
    last, at = at, at.next_ready
  end
  if task and task.status == "running" and not is_linked then
    task.suspended, task.next_ready = false, false
    if last then
      last.next_ready = task
    else
      state.first_ready = task
    end
    last = task
  end
  state.last_ready, state.waking = last, false
end

wait.mend_ready = mend_ready

--- Adds a new task to those that are resumed in the next step.
function wait.make_ready(task)
  if state.waking then mend_ready() end
  state.waking = task
  if state.first_ready then
    state.last_ready.next_ready = task
  else
    state.first_ready = task
  end
  state.last_ready = task
  state.waking = false
  notify()
end

--- Ends the wait of a task that will not be resumed.
function wait.abort(task)
  task.suspended = false
  if task.timer then drop_timer(task) end
end

--- Returns a ticket for the next wait of a task. It is good for that wait alone.
local function new_ticket(task)
  task.ticket = task.ticket + 1
  return task.ticket
end

wait.new_ticket = new_ticket

--- Makes a suspended task ready; without effect when the wait of the ticket has ended. When memory is exhausted and
-- this raises, the task is still suspended or is ready, so the caller may try again.
function wait.wake(task, ticket, reason)
  if not task.suspended or task.ticket ~= ticket then return end
  if task.timer then drop_timer(task) end
  if task.condition then
    task.suspended, task.reason = false, reason
    return state.host.signal(task.condition)
  end
  if state.waking then mend_ready() end
  -- As `make_ready`, without a call between the changes: it might find no memory for its stack frame.
  state.waking = task
  task.suspended, task.reason = false, reason
  task.next_ready = false
  if state.first_ready then
    state.last_ready.next_ready = task
  else
    state.first_ready = task
  end
  state.last_ready = task
  state.waking = false
  notify()
end

--- Wakes a task whose deadline has passed, unless the entry is that of a wait which was given up.
function wait.time_out(task, entry)
  if task.timer ~= entry then return end
  task.timer = false
  wait.wake(task, task.ticket, "timeout")
end

local wait_guard = {}
wait_guard.__close = function(guard)
  local task = guard.task
  if task.suspended then
    guard.on_close(task)
  elseif task.timer then -- an error came before the wait had begun
    drop_timer(task)
  end
end

--- The metatable of what `suspend` holds during each wait of a task: a table with `task`, and with the function
-- `on_close`, which is called with the task when other code closes its coroutine meanwhile.
wait.guard = wait_guard

--- Suspends the running task until `wake` is called with its ticket, or until the deadline.
-- @tparam table task what `running` returned
-- @tparam[opt] number deadline a core.now() time
-- @treturn ?string "timeout" when the deadline passed first
function wait.suspend(task, deadline)
  local guard <close> = task.guard -- luacheck: ignore 211
  if task.before_wait then task:before_wait() end
  if deadline then task.timer = timers.add(deadline, task) end
  task.suspended = true -- after all that can raise
  if task.condition then
    notify()
    repeat
      state.host.wait(task.condition)
    until not task.suspended
  else
    repeat
      co_yield(SUSPEND)
    until not task.suspended -- other code may resume the coroutine too early
  end
  return task.reason
end

local suspend = wait.suspend

-- Coroutines of the host's loop ------------------------------------------------------------------------------------

local adopted = setmetatable({}, { __mode = "k" }) -- coroutine -> what stands for it as a task

local function on_close(task)
  wait.abort(task)
  notify()
end

--- Makes what stands for a coroutine of the host as a task; the host suspends and resumes it, by a condition.
local function adopt(co)
  local task = {
    co = co,
    condition = state.host.new_condition(),
    scope = {},
    status = "running",
    suspended = false,
    ticket = 0,
  }
  task.guard = setmetatable({ task = task, on_close = on_close }, wait_guard)
  adopted[co] = task
  return task
end

-- After an error of a debug hook -----------------------------------------------------------------------------------

-- Such an error comes at any instruction, also at those by which `state` is reset when a loop ends. Where `state` would
-- make a function refuse, the stacks are therefore asked whether it is still true.

local drivers = {} -- the functions that set `state.driving`

--- Notes a function that is on the stack as long as `state.driving` is set.
function wait.add_driver(fn) drivers[fn] = true end

local function is_on_stack(co)
  if co_status(co) == "dead" or co_status(co) == "suspended" then return false end
  if not getinfo then return true end
  local level, info = 0, getinfo(co, 0, "f")
  while info do
    if drivers[info.func] then return true end
    level = level + 1
    info = getinfo(co, level, "f")
  end
  return false
end

--- Forgets a loop that was left by an error, but is still noted as running.
local function settle()
  if not (state.driving or state.current) then return end
  if state.current and state.current.co == co_running() then return end
  if state.driving and is_on_stack(state.driving) then return end
  state.current, state.driving, state.hook = false, false, false
end

wait.settle = settle

--- The name of the hook in which the caller is; false outside of hooks.
local function running_hook()
  if state.hook then
    local status = co_status(state.hook_co)
    if status == "dead" or status == "suspended" then state.hook = false end
  end
  return state.hook
end

-- Which code may wait ----------------------------------------------------------------------------------------------

--- The task that is suspended when the caller waits; nil where no task is.
-- @treturn ?table
function wait.running()
  local co, current = co_running(), state.current
  if current and current.co == co then return current end
  local host = state.host
  if host and host.may_wait and not state.driving and host.may_wait() then return adopted[co] or adopt(co) end
end

local running = wait.running

--- Returns the running task, and a ticket for its next wait.
function wait.running_with_ticket()
  local task = running()
  return task, new_ticket(task)
end

--- Is a loop running whose thread must not be blocked?
function wait.is_looping()
  local host = state.host
  return state.driving or host and host.running ~= nil and host.running()
end

--- Raises what is not done in a __close of a task that is being cancelled, and warns of it: the error may get lost, as
-- the next __close may raise another one.
local function refuse_in_close(what)
  local text = format("%s cannot wait inside a __close of a task that is being cancelled: it was not done", what)
  warn("hoopai: " .. text)
  errors.raise(text)
end

--- How the caller may wait.
-- @tparam string what the function that would wait, for messages
-- @treturn string "task" (the running task is suspended), or "block" (no loop is running: the thread waits)
-- @treturn ?table the task
-- @raise where the caller may do neither
function wait.mode(what)
  state.is_used = true
  if state.hook and running_hook() then
    errors.raise(format("%s cannot be called inside %s: it would have to wait", what, state.hook))
  end
  local task = running()
  if task then
    if task.closing then refuse_in_close(what) end
    if co_isyieldable() then return "task", task end
    errors.raise(
      what
        .. " cannot wait here: the task is inside a C function that cannot be suspended "
        .. "(table.sort, string.gsub, a metamethod of C ...)"
    )
  end
  settle()
  if state.driving then
    errors.raise(
      what
        .. " cannot wait in a coroutine that hoopai did not start while its loop is running: "
        .. "use hoopai.spawn instead of coroutine.create or coroutine.wrap"
    )
  end
  if wait.is_looping() then
    errors.raise(
      format(
        "%s cannot wait here while the loop of %s is running: call it in a task of hoopai.spawn",
        what,
        state.host.name
      )
    )
  end
  return "block"
end

--- Calls fn(...) in the running task. Outside any loop, passes fn(...) to a function that runs a loop.
-- @tparam function run `run` or `run_only`
-- @tparam string what the public function, for messages
-- @tparam function fn
-- @param ... the arguments of fn
-- @return what fn returned
-- @raise where the caller may not wait
function wait.as_task(run, what, fn, ...)
  if wait.mode(what) == "task" then return fn(...) end
  return run(fn, ...)
end

--- Is the caller in a task, at a place where it may wait?
function wait.in_task()
  local task = running()
  return task ~= nil and not task.closing and not (state.hook and running_hook()) and co_isyieldable()
end

--- Where code of the user is called whose time is limited.
-- @tparam string what see `mode`
-- @treturn string "task" (one of this library, at a place where it may wait); "main" (no loop is running, and the main
-- coroutine can yield to no host); "coroutine" (no loop is running, and the code may yield to a host); or "other"
function wait.cut_mode(what)
  local current = state.current
  if current and current.co == co_running() then return wait.in_task() and "task" or "other" end
  if running() or wait.mode(what) ~= "block" then return "other" end
  local _, is_main = co_running()
  return is_main and "main" or "coroutine"
end

--- Calls a function of the user that may not wait, in a new coroutine: a yield ends the coroutine, and does not suspend
-- the task.
-- @treturn boolean whether the function returned
-- @return what it raised
-- @treturn boolean whether it yielded instead
local function call_without_waiting(name, fn, ...)
  local outer, outer_co, co = state.hook, state.hook_co, co_create(fn)
  state.hook_co = co
  state.hook = name
  local ok, problem = co_resume(co, ...)
  local has_yielded = co_status(co) == "suspended"
  if has_yielded or not ok then co_close(co) end -- its to-be-closed variables
  state.hook, state.hook_co = outer, outer_co
  return ok and not has_yielded, problem, has_yielded
end

--- Calls a hook of the user. A hook may not wait. Its errors go to warn().
function wait.call_hook(name, hook, ...)
  local ok, problem, has_yielded = call_without_waiting(name, hook, ...)
  if ok then return end
  if has_yielded then problem = "a hook may not yield" end
  warn("hoopai: error in " .. name .. ": " .. errors.report(problem))
end

--- Calls the function `progress` of a caller after an item has ended. It may not wait. Unlike a hook it belongs to one
-- call: its errors are raised there.
-- @tparam function progress
-- @tparam integer done how many items have ended
-- @tparam integer total how many there are
-- @raise what `progress` raised; wrong use if it yields
function wait.call_progress(progress, done, total)
  local ok, problem, has_yielded = call_without_waiting("`progress`", progress, done, total)
  if has_yielded then errors.raise "`progress` may not yield" end
  if not ok then error(problem, 0) end
end

-- Waiting ----------------------------------------------------------------------------------------------------------

--- Suspends the running task until a transfer is done, or until the deadline.
-- @tparam Transfer transfer
-- @tparam table task what `mode` returned
-- @tparam[opt] number deadline a core.now() time
-- @treturn ?string "timeout" when the deadline passed first
function wait.await(transfer, task, deadline)
  transfer:await(task)
  new_ticket(task)
  return suspend(task, deadline)
end

local run_background = false

--- Sets what is called before the thread blocks for a time, with the core.now() time at which it must return.
function wait.on_block(fn) run_background = fn end

--- Blocks the thread until a moment. What goes on in the background goes on meanwhile.
-- @tparam number moment a core.now() time
function wait.block_until(moment)
  if run_background then run_background(moment) end
  repeat
    core.sleep(moment - now())
  until now() >= moment
end

--- Raises wrong use unless seconds can be waited for.
function wait.check_seconds(what, seconds)
  if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 or seconds == huge then
    local given = type(seconds) == "table"
      and get_time().is_duration(seconds)
      and "a duration: write the number, such as 5"
    errors.raise(format("%s expects a number of seconds, at least 0, got %s", what, given or errors.given(seconds)))
  end
end

--- Suspends the calling task (or blocks the thread where no loop is running).
-- @tparam number seconds at least 0; 0 lets other tasks run
-- @raise when `seconds` is no such number
function wait.sleep(seconds)
  wait.check_seconds("hoopai.sleep", seconds)
  local deadline = now() + seconds
  local mode, task = wait.mode("hoopai.sleep")
  if mode == "block" then return wait.block_until(deadline) end
  new_ticket(task)
  suspend(task, deadline)
end

return wait
