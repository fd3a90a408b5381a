--- The loop that resumes tasks: hoopai's own (`run`), or a host's, which calls `step`.
--
-- All waits end by one descriptor and one moment (`pollfd` and `timeout`), so any loop can drive the tasks.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local pollset = require "hoopai.async.pollset"
local scopes = require "hoopai.async.scope"
local tasks = require "hoopai.async.task"
local timers = require "hoopai.async.timers"
local wait = require "hoopai.async.wait"

local setmetatable, type, error, unpack = setmetatable, type, error, table.unpack
local co_running = coroutine.running
local format, huge, min = string.format, math.huge, math.min
local now, pid = core.now, core.pid

local state = wait.state

local loop = {}

-- Seconds that tasks may take in one step of a host's loop, whose own timers wait meanwhile.
local TURN = 0.004

-- Seconds that `run` gives a background task, from its beginning, before it returns without its end: most refreshes of
-- a token end within them. One that is left half done keeps the lock of the token store from other programs.
local LINGER = 1

-- Seconds for which lua_close waits for background tasks: more than the refresh of a token takes by its own limit.
local SHUTDOWN = 45

local process = pid() -- whose descriptors and tasks these are

--- Leaves the descriptors and tasks to the parent process in a forked child. Called once by each public function.
local function after_fork()
  if process == pid() then return end
  process = pid()
  pollset.after_fork()
  scopes.after_fork()
end

-- Multi handles ----------------------------------------------------------------------------------------------------

--- Makes a multi handle whose transfers tasks can wait for.
-- @tparam table transport its options
-- @return the multi handle; or nil and a problem when the system has no descriptor left
function loop.new_multi(transport)
  after_fork()
  local multi, problem = core.multi(transport)
  if not multi then return nil, problem end
  local added
  added, problem = pollset.add(multi)
  if added then return multi end
  multi:close()
  return nil, problem
end

--- Closes a multi handle of `new_multi`; tasks that wait for its transfers are woken and find them "closed".
function loop.close_multi(multi)
  after_fork()
  pollset.remove(multi)
  multi:close()
  pollset.wake_finished(multi)
end

-- Driving the tasks ------------------------------------------------------------------------------------------------

local function take_events()
  pollset.step()
  timers.fire(now(), wait.time_out)
end

--- What to wait for.
-- @treturn boolean is there anything to wait for: a ready task, a timer, a transfer?
-- @treturn number seconds until `take_events` must be called, math.huge = not before the descriptor is readable
local function next_wait()
  if state.first_ready then return true, 0 end
  local due = timers.next()
  local in_flight, seconds = pollset.next_wait()
  if due then
    local left = due - now()
    if left < seconds then seconds = left > 0 and left or 0 end
  end
  return in_flight or due ~= nil, seconds
end

-- Is a function driving the tasks? Still true after an error of a debug hook has interrupted it at any instruction.
local is_unclean = false

--- Puts in order what an interrupted loop has left, before anything else is done. Its tasks must not go on.
local function repair()
  if state.driving then wait.settle() end
  if state.driving then return end
  if is_unclean then
    timers.repair()
    scopes.repair()
    is_unclean = false
  end
  if state.open_scope then
    local left <close> = state.open_scope -- luacheck: ignore 211
  end
end

-- Ends the driving of tasks, however that happens.
local driving_guard = {}
driving_guard.__close = function(guard)
  state.current, state.driving, state.hook = false, false, guard.hook
  if not guard.by_host then wait.notify() end -- there may be tasks that only the host's loop resumes
end

local function begin_driving(by_host)
  local guard = setmetatable({ hook = state.hook, by_host = by_host }, driving_guard)
  if is_unclean then repair() end
  is_unclean = true
  state.driving, state.hook = co_running(), false
  return guard
end

--- Called where the driving of tasks has ended without an error.
local function end_driving() is_unclean = false end

--- Runs the loop until a scope has ended, or a critical task of it has failed. Background tasks go on meanwhile. Those
-- that have not ended by then are left to the next loop, or to lua_close.
-- @tparam Scope scope
-- @tparam[opt] number deadline a core.now() time at which the loop ends as well
-- @tparam[opt] function is_over ends the loop as well, when it returns true
local function drive(scope, deadline, is_over)
  after_fork()
  local guard <close> = begin_driving(false) -- luacheck: ignore 211
  while true do
    tasks.run_ready()
    if scope.failure or scope.count == 0 or is_over and is_over() then return end_driving() end
    local busy, seconds = next_wait()
    if deadline then
      local left = deadline - now()
      if left <= 0 or not busy then return end_driving() end
      seconds = min(seconds, left)
    elseif not busy then
      error(format("hoopai: deadlock: all %d tasks wait for each other", scope.count), 0)
    end
    pollset.wait(seconds)
    take_events()
  end
end

local last_background = -huge -- the core.now() at which the last background task began

--- Gives a background task that began just now the time to end.
local function linger()
  after_fork()
  local deadline = last_background + LINGER
  if scopes.background.count > 0 and now() < deadline then drive(scopes.background, deadline) end
end

--- Runs background tasks at most until a moment, if no loop is running and the host has started no task. (The host's
-- loop runs the background tasks beside the host's tasks.)
-- @tparam number moment a core.now() time
function loop.run_background(moment)
  after_fork()
  if scopes.background.count == 0 or scopes.root.count > 0 then return end
  drive(scopes.background, moment)
end

wait.on_block(loop.run_background)

--- Lets background tasks use what has arrived for them, without waiting; without effect where a loop is running.
function loop.step_background()
  after_fork()
  wait.settle()
  if wait.is_looping() or scopes.background.count == 0 or scopes.root.count > 0 then return end
  local guard <close> = begin_driving(false) -- luacheck: ignore 211
  take_events()
  tasks.run_ready()
  end_driving()
end

-- The loop of a host -----------------------------------------------------------------------------------------------

local chosen -- what `use` was called with

--- Chooses the loop of the host, once for the whole program and before the first call.
-- With `hoopai.loop.luv` or `hoopai.loop.copas` the host's loop runs the tasks of @{spawn}, which then works outside of
-- @{run}. With `hoopai.loop.cqueues` calls also wait in the coroutines of cqueues. `hoopai.loop.custom` is for loops of
-- your own.
-- @tparam Adapter adapter
-- @raise after the first call, and for a second loop
function loop.use(adapter)
  if type(adapter) ~= "table" or type(adapter.name) ~= "string" then
    errors.raise("hoopai.use expects a loop such as hoopai.loop.luv, got " .. type(adapter))
  end
  if adapter == chosen then return end
  if chosen then
    errors.raise(format("hoopai.use(%s): the loop of this program is %s already", adapter.name, chosen.name))
  end
  if state.is_used then errors.raise(format("hoopai.use(%s) must come before the first call", adapter.name)) end
  chosen, state.host = adapter, adapter.changed and adapter or false
end

--- The descriptor to wait for: @{step} has something to do when it is readable. It stays the same as long as the
-- process lives; do not close it.
-- @treturn integer
function loop.pollfd()
  after_fork()
  return pollset.fd()
end

--- What to wait for on the descriptor.
-- @treturn string always "r"
function loop.events() return "r" end

--- How long to wait for the descriptor at most.
-- @treturn ?number seconds until @{step} must be called, 0 = at once; nil = not before the descriptor is readable
function loop.timeout()
  after_fork()
  if is_unclean then repair() end
  local _, seconds = next_wait()
  return seconds < huge and seconds or nil
end

--- Is there anything to wait for: a call, a timer, a task that can go on? If not, a loop may end: more comes only of
-- what its own code does.
-- @treturn boolean
function loop.busy()
  after_fork()
  if is_unclean then repair() end
  return (next_wait())
end

local function take_turn()
  local guard <close> = begin_driving(true) -- luacheck: ignore 211
  take_events()
  if state.first_ready then tasks.run_ready(now() + TURN) end
  end_driving()
end

wait.add_driver(drive)
wait.add_driver(take_turn)
wait.add_driver(loop.step_background)

--- Does what can be done without waiting: reads and writes, wakes and resumes tasks. Where there are many it returns
-- after some milliseconds, so that the host gets its turn; @{timeout} is 0 then. Errors of tasks do not come out of it.
-- @raise when it is called inside itself
function loop.step()
  if state.driving then wait.settle() end
  if state.driving then errors.raise("hoopai.loop.step was called by a task: the host's loop calls it") end
  after_fork()
  take_turn()
  local busy, seconds = next_wait()
  if not busy and scopes.has_warnings() then
    scopes.warn_at_rest()
    busy, seconds = next_wait() -- a finaliser may have started a task meanwhile
  end
  -- For the adapters in hoopai.loop: as `timeout`, with math.huge for no limit, and nil when nothing is busy.
  return busy and seconds or nil
end

-- Running functions ------------------------------------------------------------------------------------------------

local function run_in_scope(lingers, fn, ...)
  local mode, task = wait.mode("hoopai.run")
  if mode == "block" and (is_unclean or state.open_scope) then repair() end
  local scope <close> = scopes.new(task)
  if mode == "block" then state.open_scope = scope end
  local main = scope:start(true, fn, ...)
  if mode == "task" then
    scope:wait()
  else
    drive(scope)
    scope:raise_failure()
    if lingers then linger() end
  end
  if main.status == "cancelled" then error("hoopai: the coroutine of hoopai.run was closed by somebody else", 0) end
  return unpack(main.results, 1, main.results.n)
end

--- Runs fn(...) as a task, and the loop until it and all tasks spawned in it have ended.
-- Inside a task it opens a child scope on the same loop and suspends that task. It does not wait for the renewal of a
-- token in the background that none of the tasks waits for, but for a second after the renewal began: what goes on then
-- is ended by the next `run`, by a blocking sleep or call, by the host's loop, or when the Lua state is closed.
-- @tparam function fn what to do
-- @param ... what fn is called with
-- @return what fn returned
-- @raise what fn raised, after its to-be-closed variables were closed, which may wait (the other tasks are cancelled
-- then); the error of a task that raised and was never joined;
-- "deadlock" when all tasks wait for each other
function loop.run(fn, ...)
  errors.check_function("hoopai.run", fn)
  return run_in_scope(true, fn, ...)
end

--- Runs fn(...) as `run` does, but returns as soon as the tasks have ended, whatever goes on in the background: for
-- what has a time limit.
function loop.run_only(fn, ...) return run_in_scope(false, fn, ...) end

--- Starts fn(...) as a task beside the caller, in the innermost scope (`run`, `map`). It begins when the caller waits.
-- With a loop of the host (see @{use}) it also works outside of any scope: then nothing ends with the task, and an
-- error in a task that is never joined goes to @{on_task_error}.
-- @tparam function fn what to do
-- @param ... what fn is called with
-- @treturn Task
-- @raise where no loop is running
function loop.spawn(fn, ...)
  errors.check_function("hoopai.spawn", fn)
  wait.settle()
  local handle = tasks.new_handle() -- first: once the task is started, nothing may fail
  if state.current then return tasks.bind(handle, state.current.scope:start(false, fn, ...)) end
  local host = state.host
  if not host then errors.raise("hoopai.spawn needs a running loop: call it inside hoopai.run") end
  local refusal = host.prepare and host.prepare()
  if refusal then errors.raise("hoopai.spawn needs a running loop: " .. refusal) end
  after_fork()
  state.is_used = true
  if is_unclean then repair() end
  return tasks.bind(handle, scopes.root:start(false, fn, ...))
end

-- Background tasks -------------------------------------------------------------------------------------------------

--- Runs the loop until all background tasks have ended, unless a loop is running: then that loop does.
-- @tparam[opt] number deadline a core.now() time at which the loop ends as well
-- @tparam[opt] function is_over ends the loop as well, when it returns true
function loop.drain(deadline, is_over)
  after_fork()
  if wait.is_looping() or scopes.background.count == 0 then return end
  drive(scopes.background, deadline or huge, is_over)
end

local shutting_down = false -- does lua_close wait for background tasks?

--- Is the state being closed? Then background tasks end as soon as they can, and wait for no other process.
function loop.is_shutting_down() return shutting_down end

-- Held by a background task while it waits. lua_close finalises the youngest objects first: the objects that the task
-- uses are older, so the task can still end.
local shutdown_guard = {}
shutdown_guard.__gc = function(guard)
  local task = guard.task
  if task.shutdown_guard ~= guard or task.status ~= "running" or guard.process ~= pid() then return end
  state.current, state.driving, state.hook, shutting_down = false, false, false, true
  state.open_scope, is_unclean = false, false
  pollset.forget_closed()
  loop.drain(now() + SHUTDOWN)
end

local function hold_shutdown_guard(task)
  task.shutdown_guard = setmetatable({ task = task, process = pid() }, shutdown_guard)
end

--- Starts a task that does not depend on its caller: the caller's cancellation does not end it, and lua_close waits for
-- it, but no `run` does.
-- @tparam function fn
-- @tparam[opt] boolean is_minor a `run` does not even linger for it
function loop.background(fn, is_minor)
  after_fork()
  state.is_used = true
  if not is_minor then last_background = now() end
  local task = scopes.background:start(false, fn)
  task.before_wait = hold_shutdown_guard
  return task
end

return loop
