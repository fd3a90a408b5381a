--- Tasks: coroutines that only this file resumes. Each belongs to a scope.
--
-- Scripts have a handle of a task: its fields, such as its coroutine and its scope, lead to all other tasks.
local errors = require "hoopai.errors"
local private = require "hoopai.private"
local wait = require "hoopai.async.wait"

local co_create, co_resume, co_close, co_status = coroutine.create, coroutine.resume, coroutine.close, coroutine.status
local pack, unpack = table.pack, table.unpack
local setmetatable, error, pcall, xpcall = setmetatable, error, pcall, xpcall
local ipairs, rawequal, gsub = ipairs, rawequal, string.gsub
local warn = warn or function() end
local co_running = coroutine.running
local traceback = debug and debug.traceback -- a host may leave the debug library out
local now = require("hoopai.core").now

local state, wake, running = wait.state, wait.wake, wait.running
local SUSPEND = wait.SUSPEND

local tasks = {}

local methods = {}
local Handle = private.seal { __name = "hoopai.Task", __index = methods }
local task_of = private.states "hoopai.Task" -- handle -> task; false before it has one

-- The end of a task ------------------------------------------------------------------------------------------------

--- Marks a task as ended and wakes the tasks that wait for it.
-- @tparam string status "done", "failed" or "cancelled"
local function finish(task, status)
  state.ending = task
  task.status, task.fn, task.origin = status, nil, nil
  task.suspended = false
  local scope, newer, older = task.scope, task.newer, task.older
  -- Off the list and the count of the scope without a call, which may find no memory for its stack frame. `repair` does
  -- this once more if it was interrupted.
  if task.listed then
    if newer then
      newer.older = older
    elseif scope.newest == task then
      scope.newest = older
    end
    if older then older.newer = newer end
    task.listed = false
    scope.count = scope.count - 1
  end
  task.newer, task.older = false, false -- a task that is kept must not keep others
  if status == "failed" then scope:note_failure(task) end
  if scope.count == 0 or scope.failure then scope:wake_owner() end
  local joiners = task.joiners
  if joiners then
    for index = 1, #joiners do
      wake(joiners[index].task, joiners[index].ticket)
    end
    task.joiners = false
  end
  state.ending = false
  if task.timer then wait.abort(task) end -- late, as it may raise; an entry that stays wakes nothing
  wait.notify() -- it may have been the last task that kept the host's loop alive
end

--- Ends a task whose coroutine is closed while it waits: by `tasks.cancel`, or by other code.
local function on_close(task)
  if task.status == "running" then finish(task, "cancelled") end
end

-- Lua replaces an error by one that is raised in a __close meanwhile. The first one must not get lost.
local function keep_earlier(task, cause)
  local earlier, err = task.cause, task.cause
  if not errors.is(cause) or cause.cause ~= nil then return end
  while errors.is(err) do
    if rawequal(err, cause) then return end -- it would be its own cause
    err = err.cause
  end
  cause.cause = earlier
end

--- Records an error of a task, and where it came from.
-- @tparam Task task
-- @tparam any cause
-- @tparam string text the traceback
local function record_error(task, cause, text)
  if task.has_raised then
    if rawequal(task.cause, cause) then return end -- raised again by a __close
    keep_earlier(task, cause)
    text = text .. "\nraised in a __close after:\n" .. (task.traceback or errors.text(task.cause))
  end
  task.has_raised, task.cause, task.traceback = true, cause, errors.report_lines(text)
end

local function describe_raised(task, cause)
  local text = errors.text(cause)
  if traceback then
    text = gsub(traceback(text, 4), "\n\t%[C%]: in [^\n]*$", "") -- without the xpcall of every task
  end
  record_error(task, cause, text)
end

--- The message handler of a task's function. It is called when the error is raised, before the to-be-closed variables
-- are closed, and once more for an error in one of these.
local function on_error(cause)
  local task = state.current
  if task and task.status == "running" and not task.closing and task.co == co_running() then
    pcall(describe_raised, task, cause) -- there may be no memory for it
  end
  return cause
end

--- Ends a task whose function raised; its to-be-closed variables have been closed.
local function fail(task, cause)
  -- An error that had no message handler: exhausted memory.
  if not task.has_raised or not rawequal(task.cause, cause) then
    local ok = pcall(record_error, task, cause, errors.text(cause))
    if not ok then
      task.has_raised, task.cause, task.traceback = true, cause, false
    end
  end
  finish(task, "failed")
end

local function describe(task, cause)
  local text = errors.text(cause)
  record_error(task, cause, traceback and traceback(task.co, text) or text)
end

-- stylua: ignore
local function warn_of_close(problem, what)
  warn("hoopai: error in a __close of a " .. what .. " task: " .. errors.report(problem))
end

--- Ends a task that went wrong outside of its function.
local function stop(task, cause)
  pcall(describe, task, cause)
  task.closing = true
  local ok, problem = co_close(task.co) -- runs the to-be-closed variables that are open
  fail(task, cause)
  if not ok and not rawequal(problem, cause) then pcall(warn_of_close, problem, "failed") end
end

--- Is the task on the stack? Then its coroutine cannot be closed now.
function tasks.is_active(task)
  local status = co_status(task.co)
  return status == "running" or status == "normal"
end

-- Warns of the error of a task that was cancelled while its to-be-closed variables were closed.
local function warn_of_failure(task)
  warn("hoopai: a task that had failed was cancelled while its __close waited: " .. errors.report(task.cause))
end

--- Cancels a task: closes its coroutine. Without effect on one that has ended.
-- @raise when the task is on the stack
function tasks.cancel(task)
  if task.status ~= "running" then return end
  if tasks.is_active(task) then errors.raise("a task cannot cancel the task that is cancelling it") end
  task.status = "cancelled" -- first: the to-be-closed variables may ask
  task.closing = true
  local outer = state.current
  state.current = task
  local ok, problem = co_close(task.co)
  state.current = outer
  task.closing = nil
  finish(task, "cancelled")
  if not ok then pcall(warn_of_close, problem, "cancelled") end
  if task.has_raised and not rawequal(task.cause, problem) then pcall(warn_of_failure, task) end
end

--- Cancels a task, now or, when it is on the stack, when it next waits.
function tasks.cut(task)
  if task.status == "running" and tasks.is_active(task) then
    task.doomed = true
  else
    tasks.cancel(task)
  end
end

-- Running tasks ----------------------------------------------------------------------------------------------------

--- Handles what coroutine.resume returned.
-- @tparam Task task
-- @tparam boolean ok
-- @param first what `xpcall` returned first, or SUSPEND
-- @param ... what the task's function returned, or the error
local function after_resume(task, ok, first, ...)
  task.args = nil
  if not ok then return stop(task, first) end
  if co_status(task.co) == "dead" then
    if not first then return fail(task, (...)) end
    local packed, results = pcall(pack, ...)
    if not packed then return fail(task, results) end
    task.results = results
    return finish(task, "done")
  end
  if task.doomed then return tasks.cancel(task) end
  if first ~= SUSPEND or not task.suspended then
    stop(
      task,
      "hoopai: coroutine.yield() was called in a task; only hoopai may suspend it "
        .. "(hoopai.sleep(0) lets other tasks run)"
    )
  end
end

local function resume(task)
  local outer, args = state.current, task.args
  state.current = task
  if args then
    -- Within xpcall the to-be-closed variables that an error leaves open are closed while the task can still wait.
    after_resume(task, co_resume(task.co, task.fn, on_error, unpack(args, 1, args.n)))
  else
    after_resume(task, co_resume(task.co))
  end
  state.current = outer
end

--- Resumes the tasks that are ready now. A task that becomes ready meanwhile waits for the next step, so that it cannot
-- starve the transfers.
-- @tparam[opt] number deadline a core.now() time after which the other tasks wait for the next step as well
function tasks.run_ready(deadline)
  local last = state.last_ready
  while state.first_ready do
    local task = state.first_ready
    state.in_hand = task
    state.first_ready = task.next_ready
    task.next_ready = false
    if not state.first_ready then state.last_ready = false end
    if task.status == "running" then resume(task) end
    state.in_hand = false
    if task == last or deadline and now() >= deadline then return end
  end
end

--- Puts in order what `run_ready` and `finish` left half done when an error of a debug hook interrupted them.
-- @tparam function recount called with a scope: counts its tasks
function tasks.repair(recount)
  local task = state.ending
  if task then
    if task.status ~= "running" then
      finish(task, task.status)
    elseif task ~= state.in_hand then
      finish(task, "cancelled")
    end
    recount(task.scope)
  end
  wait.mend_ready()
  task = state.in_hand
  if task and task.status == "running" then
    local status = co_status(task.co)
    if status == "dead" and task.results then
      finish(task, "done")
    elseif status == "dead" then
      fail(task, task.has_raised and task.cause or "hoopai: an error of a debug hook interrupted the end of this task")
      recount(task.scope)
    elseif status == "suspended" and not task.suspended then
      state.waking = task -- taken off the list, and not resumed
      wait.mend_ready()
    end
  end
  state.in_hand = false
end

--- Makes a handle for a task that is made later.
function tasks.new_handle()
  local handle = setmetatable({}, Handle)
  task_of[handle] = false
  return handle
end

--- Makes a handle that of a task. Needs no memory.
-- @return the handle
function tasks.bind(handle, task)
  task_of[handle], task.handle = task, handle
  return handle
end

--- The handle of a task.
function tasks.handle_of(task) return task.handle or tasks.bind(tasks.new_handle(), task) end

--- Makes a task of fn(...). Its scope adds it and makes it ready.
-- @tparam Scope scope
-- @tparam boolean critical does an error in it end the scope?
function tasks.new(scope, critical, fn, ...)
  local task = {
    co = co_create(xpcall),
    args = pack(...),
    scope = scope,
    fn = fn,
    origin = fn, -- the function of the user that it calls
    critical = critical,
    status = "running",
    suspended = false,
    ticket = 0,
    -- Set later, when there may be no memory for new fields.
    guard = false,
    timer = false,
    next_ready = false,
    next_failed = false,
    joiners = false,
    reason = false,
    results = false,
    cause = false,
    has_raised = false,
    traceback = false,
    closing = false,
    doomed = false,
    applied = false,
    unclear = false,
    unjoined = false,
    joining = 0, -- the callers that wait in `join`
    listed = true,
    newer = false,
    older = false,
    handle = false,
  }
  task.guard = setmetatable({ task = task, on_close = on_close }, wait.guard)
  return task
end

function tasks.is(value) return task_of[value] ~= nil end

-- Where errors point when a tail call left no line of the user's on the stack.
errors.set_origin(function(task)
  task = task or state.current
  if not task then return nil end
  local owner = task.scope.owner
  return task.origin, owner and owner.co or task.scope == state.open_scope and state.driving or nil, owner
end)

-- Changes that a task made -----------------------------------------------------------------------------------------

--- Records a change that the caller made, for its task and for those whose run or map the task is part of. Each of them
-- may be cancelled, and its `join` then returns what was recorded.
-- @tparam string applied "yes" or "maybe"
-- @tparam[opt] Error cut_off the call, when a cancellation cut it off
function tasks.record_change(applied, cut_off)
  local task = running()
  while task do
    if task.applied ~= "yes" then task.applied = applied end
    if cut_off then
      task.unclear = task.unclear or {}
      task.unclear[#task.unclear + 1] = cut_off
    end
    task = task.scope.owner
  end
end

--- Returns the error of the call that a cancellation of the caller's task cut off last; nil without one.
-- @treturn ?Error
function tasks.last_cut_off()
  local task = running()
  return task and task.unclear and task.unclear[#task.unclear] or nil
end

-- Joining and cancelling -------------------------------------------------------------------------------------------

local function wait_for_end(task, deadline)
  local joiners, joiner, ticket = task.joiners or {}, wait.running_with_ticket()
  task.joiners = joiners
  joiners[#joiners + 1] = { task = joiner, ticket = ticket }
  return wait.suspend(joiner, deadline)
end

--- Suspends the running task until a task has ended, or until the deadline. For the mode "task".
-- @tparam[opt] number deadline a core.now() time
-- @return true and the task's results; or false when the deadline passed first
-- @raise what the task raised
function tasks.wait_for(task, deadline)
  while task.status == "running" do
    if wait_for_end(task, deadline) == "timeout" then return false end
  end
  if task.status == "done" then return true, unpack(task.results, 1, task.results.n) end
  error(task.cause or "a background task was cancelled", 0)
end

-- Held while a caller waits for a task.
local JoinGuard = {}

function JoinGuard.__close(guard) guard.task.joining = guard.task.joining - 1 end

--- Waits until a task has ended. Its results: see @{Task:join}.
-- @tparam table task
function tasks.join(task)
  wait.settle()
  if task == state.current then errors.raise("a task cannot join itself") end
  if task.status == "running" then
    local mode = wait.mode("task:join")
    if mode == "block" then errors.raise("task:join needs a running loop") end
    local join_guard <close> = setmetatable({ task = task }, JoinGuard) -- luacheck: ignore 211
    task.joining = task.joining + 1
    wait_for_end(task)
  end
  task.joined = true -- now: a caller that is cut off while it waits has not received the error
  if task.status == "done" then return unpack(task.results, 1, task.results.n) end
  if task.status == "cancelled" then
    return nil,
      errors.new {
        kind = "cancelled",
        message = "the task was cancelled",
        applied = task.applied or nil,
        unclear = task.unclear or nil,
      }
  end
  return nil,
    errors.new {
      kind = "raised",
      message = errors.report(task.cause),
      cause = task.cause,
      traceback = task.traceback or nil,
      applied = task.applied or nil,
      unclear = task.unclear or nil,
    }
end

--- Waits until the task has ended.
-- @function Task:join
-- @return[1] what the task's function returned
-- @treturn[2] nil
-- @treturn[2] Error of kind "raised" (with `cause` and `traceback`) or "cancelled"
-- @raise when a task would wait for itself, and where no loop is running
function methods:join() return tasks.join(task_of[self] or errors.raise("call it with a colon: task:join()")) end

--- Ends the task where it waits: its transfer is aborted and its to-be-closed variables are closed. Its code is not
-- resumed otherwise. Without effect on a task that has ended. Changes that it may have made are returned by `join`.
-- @function Task:cancel
-- @raise when a task would cancel itself
function methods:cancel()
  local wanted = task_of[self] or errors.raise("call it with a colon: task:cancel()")
  wait.settle()
  local task = state.current
  while task do
    if task == wanted then
      errors.raise("a task cannot cancel itself, nor the task whose run or map it is in: return instead")
    end
    task = task.scope.owner
  end
  tasks.cancel(wanted)
end

-- Other names of `join` and `cancel`. They raise: a task has no such methods.
local function other_name(name, method)
  methods[name] = function() errors.raise("a task has no `" .. name .. "`: write task:" .. method .. "()") end
end
for _, name in ipairs { "wait", "await", "get" } do
  other_name(name, "join")
end
for _, name in ipairs { "stop", "kill", "abort", "close" } do
  other_name(name, "cancel")
end

function Handle.__tostring(handle) return "hoopai.Task (" .. task_of[handle].status .. ")" end

return tasks
