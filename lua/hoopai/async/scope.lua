--- Scopes: each owns the tasks that were started in it, and ends when they have ended.
local errors = require "hoopai.errors"
local tasks = require "hoopai.async.task"
local wait = require "hoopai.async.wait"

local setmetatable, next, pairs, ipairs, error, pcall = setmetatable, next, pairs, ipairs, error, pcall
local warn = warn or function() end
local format, concat = string.format, table.concat
local pid = require("hoopai.core").pid
local stderr = io and io.stderr -- a host may leave the io library out

local state = wait.state

local scopes = {}

local Scope = {}
Scope.__index = Scope

--- Makes a scope, to be held in a to-be-closed variable.
-- @tparam ?table owner the task that waits for it
function scopes.new(owner)
  return setmetatable({
    newest = false,
    count = 0,
    owner = owner,
    waiter = false,
    ticket = false,
    failure = false,
    first_failed = false,
    last_failed = false,
    process = pid(),
  }, Scope)
end

-- Failures that no code asks for -----------------------------------------------------------------------------------

--- Warns of the calls of a task that a cancellation cut off.
local function warn_unclear(task)
  for _, err in ipairs(task.unclear or {}) do
    warn("hoopai: " .. errors.report(err))
  end
end

--- Prints the error of a task: on stderr, which needs no `lua5.4 -W`; by `warn()` where there is no io library.
local function print_error(task, traceback)
  local lines = { "hoopai: a task failed, and it was never joined: " .. traceback }
  for _, err in ipairs(task.unclear or {}) do
    lines[#lines + 1] = "hoopai: " .. errors.report(err)
  end
  local text = concat(lines, "\n")
  if not (stderr and stderr:write(text, "\n")) then warn(text) end
end

local on_task_error -- the host's function; nil: print_error

--- Sets what is called with the error of each task that failed and is never joined: at the latest when there is nothing
-- left to do, or when the task is collected. There is one function for the Lua state. By default the error and its
-- traceback are printed on stderr. An error that @{run} raises, or that a `join` returned, is not passed to it.
-- @tparam ?function fn is called with what the task raised, the traceback (a string that begins with the error's text),
-- and the task, whose @{Task:join} returns all that is known. It may not wait, and what it raises goes to `warn()`.
-- nil: the default again
-- @raise when `fn` is neither a function nor nil
function scopes.on_task_error(fn)
  if fn ~= nil then errors.check_function("hoopai.on_task_error", fn) end
  on_task_error = fn
end

--- Reports a failed task that was never joined.
local function report(task)
  if task.joined or task.joining > 0 or task.scope.process ~= pid() then return end
  task.joined = true
  local fn, traceback = on_task_error, task.traceback or errors.report(task.cause)
  wait.call_hook("hoopai.on_task_error", function()
    if not fn then return print_error(task, traceback) end
    fn(task.cause, traceback, tasks.handle_of(task))
  end)
end

-- Held by a failed task of the root scope, and finalised with it: then the task cannot be joined any more.
local unjoined_guard = {}
unjoined_guard.__gc = function(guard) report(guard.task) end

local function new_root()
  local root = scopes.new()
  root.failed = setmetatable({}, { __mode = "k" })
  return root
end

scopes.root = new_root() -- what was spawned outside of any task, for a host's loop
scopes.background = scopes.new() -- what goes on without its caller, such as a token exchange: no `run` waits for it

--- A forked child begins without the tasks of its parent. Those in the background must not go on in both processes.
function scopes.after_fork()
  local task = scopes.background.newest
  while task do
    task.status, task.suspended = "cancelled", false
    task = task.older
  end
  scopes.root, scopes.background = new_root(), scopes.new()
end

local function note_unjoined(task)
  scopes.root.failed[task] = true
  task.unjoined = setmetatable({ task = task }, unjoined_guard)
end

--- Notes that a task failed.
function Scope:note_failure(task)
  if task.critical and not self.failure then self.failure = task end
  if self == scopes.root then
    pcall(note_unjoined, task) -- without memory for it there is no report
  elseif self ~= scopes.background and self.last_failed ~= task then -- `wait_for` raises that of a background task
    -- A `run` may last for months: those that were joined are forgotten, up to the first one that was not.
    while self.first_failed and self.first_failed.joined do
      local first = self.first_failed
      self.first_failed, first.next_failed = first.next_failed, false
    end
    if not self.first_failed then self.last_failed = false end
    if self.last_failed then
      self.last_failed.next_failed = task
    else
      self.first_failed = task
    end
    self.last_failed = task
  end
end

--- Are there failed tasks, or some that have not ended, in the root scope?
function scopes.has_warnings()
  local root = scopes.root
  return root.count > 0 or next(root.failed) ~= nil
end

--- Reports failed tasks of the root scope, and warns of stuck ones, once no task can go on.
function scopes.warn_at_rest()
  local root = scopes.root
  for task in pairs(root.failed) do
    report(task)
  end
  root.failed = setmetatable({}, { __mode = "k" })
  if root.count > 0 and root.count ~= root.warned then
    root.warned = root.count
    warn(format("hoopai: deadlock: %d tasks wait for each other, or for something that the host does", root.count))
  end
end

-- The tasks of a scope ---------------------------------------------------------------------------------------------

local starting = false -- the task that is being started

local function recount(scope)
  local count, task, newer = 0, scope.newest, false
  while task do
    task.newer = newer
    count, newer, task = count + 1, task, task.older
  end
  scope.count = count
end

--- Cancels a task whose start was interrupted by an error of a debug hook: the caller of `start` does not know it.
function scopes.mend_start()
  local task = starting
  starting = false
  recount(task.scope)
  if task.scope.newest == task then tasks.cancel(task) end
end

--- Puts in order what is left of a loop that an error of a debug hook has interrupted at any instruction.
function scopes.repair()
  tasks.repair(recount)
  if starting then scopes.mend_start() end
  recount(scopes.root)
  recount(scopes.background)
end

--- Starts fn(...) as a task of this scope.
-- @tparam boolean critical does an error in it end the scope?
function Scope:start(critical, fn, ...)
  if starting then scopes.mend_start() end
  local task, newest = tasks.new(self, critical, fn, ...), self.newest
  starting = task
  if newest then
    task.older, newest.newer = newest, task
  end
  self.newest = task
  self.count = self.count + 1
  wait.make_ready(task)
  starting = false
  return task
end

--- Takes the newest task off the list, although it has not ended.
local function unlink_newest(scope)
  local task, older = scope.newest, scope.newest.older
  if older then older.newer = false end
  scope.newest, task.older = older, false
end

--- Reports the failed tasks whose error was neither raised nor returned by a `join`.
local function report_failed(scope)
  local task = scope.first_failed
  while task do
    report(task)
    task = task.next_failed
  end
end

--- Ends the wait for this scope.
function Scope:wake_owner()
  if self.waiter then wait.wake(self.waiter, self.ticket) end
end

--- Leaving a scope, however it happens, cancels what still runs in it, the newest task first. A to-be-closed variable
-- of a cancelled task may start another.
Scope.__close = function(scope)
  while scope.newest do
    local task = scope.newest
    if tasks.is_active(task) then
      task.doomed = true -- its coroutine is on the stack: it is cancelled when it next waits
      unlink_newest(scope)
    else
      tasks.cancel(task)
      if scope.newest == task then unlink_newest(scope) end -- its end was interrupted by an error of a debug hook
    end
    -- In a forked child the calls of the parent go on, in the parent.
    if not scope.owner and scope.process == pid() then warn_unclear(task) end
  end
  if state.open_scope == scope then state.open_scope = false end
  if scope.first_failed and not scope.decided then pcall(report_failed, scope) end -- without memory there is no report
end

-- Waiting for a scope ----------------------------------------------------------------------------------------------

--- Raises the error that ended the scope, or that of the first failed task that was not joined.
function Scope:raise_failure()
  local task = self.failure
  if not task then
    task = self.first_failed
    while task and (task.joined or task.joining > 0) do
      task = task.next_failed
    end
  end
  if task then
    task.joined = true
    error(task.cause, 0)
  end
end

--- Suspends the running task until all tasks of this scope have ended, until `decide` is called, or until the deadline.
-- For the mode "task".
-- @tparam[opt] number deadline a core.now() time
-- @raise what a task raised, unless `decide` was called
function Scope:wait(deadline)
  local waiter = wait.running()
  if starting then scopes.mend_start() end
  while self.count > 0 and not self.failure and not self.decided do
    self.waiter, self.ticket = waiter, wait.new_ticket(waiter)
    if wait.suspend(waiter, deadline) == "timeout" then break end
  end
  if not self.decided then self:raise_failure() end
end

--- Ends a wait for this scope, although tasks of it still run.
function Scope:decide()
  self.decided = true
  self:wake_owner()
end

return scopes
