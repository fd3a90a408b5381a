--- Scopes: each owns the tasks that were started in it, and ends when they have ended.
local errors = require "hoopai.errors"
local tasks = require "hoopai.async.task"
local wait = require "hoopai.async.wait"

local setmetatable, next, pairs, ipairs, error, pcall = setmetatable, next, pairs, ipairs, error, pcall
local warn = warn or function() end
local format = string.format

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
  }, Scope)
end

-- Failures that no code asks for -----------------------------------------------------------------------------------

--- Warns of the calls of a task that a cancellation cut off.
local function warn_unclear(task)
  for _, err in ipairs(task.unclear or {}) do
    warn("hoopai: " .. errors.text(err))
  end
end

--- Warns of a failed task that was never joined.
local function warn_unjoined(task)
  if task.joined then return end
  task.joined = true
  warn("hoopai: a task failed, and nobody joined it: " .. (task.traceback or errors.text(task.cause)))
  warn_unclear(task)
end

-- Held by a failed task of the root scope, and finalised with it: then the task cannot be joined any more.
local unjoined_guard = {}
unjoined_guard.__gc = function(guard) warn_unjoined(guard.task) end

local function new_root()
  local root = scopes.new()
  root.failed = setmetatable({}, { __mode = "k" })
  return root
end

scopes.root = new_root() -- what was spawned outside of any task, for a host's loop
scopes.background = scopes.new() -- token exchanges: no caller can cancel them, and each loop ends after they have

--- A forked child begins without the tasks of its parent.
function scopes.after_fork()
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
    pcall(note_unjoined, task) -- without memory for it there is no warning
  elseif self ~= scopes.background then -- the error of a background task is raised by `wait_for`
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

--- Warns of failed and of stuck tasks of the root scope, once no task can go on.
function scopes.warn_at_rest()
  local root = scopes.root
  for task in pairs(root.failed) do
    warn_unjoined(task)
  end
  root.failed = setmetatable({}, { __mode = "k" })
  if root.count > 0 and root.count ~= root.warned then
    root.warned = root.count
    warn(format("hoopai: deadlock: %d tasks wait for each other, or for something that the host does", root.count))
  end
end

-- The tasks of a scope ---------------------------------------------------------------------------------------------

--- Starts fn(...) as a task of this scope.
-- @tparam boolean critical does an error in it end the scope?
function Scope:start(critical, fn, ...)
  local task, newest = tasks.new(self, critical, fn, ...), self.newest
  if newest then
    task.older, newest.newer = newest, task
  end
  self.newest = task
  self.count = self.count + 1
  wait.make_ready(task)
  return task
end

--- Takes the newest task off the list, although it has not ended.
local function unlink_newest(scope)
  local task, older = scope.newest, scope.newest.older
  if older then older.newer = false end
  scope.newest, task.older = older, false
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
    end
    if not scope.owner then warn_unclear(task) end
  end
end

-- Waiting for a scope ----------------------------------------------------------------------------------------------

--- Raises the error that ended the scope, or that of the first failed task that was not joined.
function Scope:raise_failure()
  local task = self.failure
  if not task then
    task = self.first_failed
    while task and task.joined do
      task = task.next_failed
    end
  end
  if task then error(task.cause, 0) end
end

--- Suspends the running task until all tasks of this scope have ended, until `decide` is called, or until the deadline.
-- For the mode "task".
-- @tparam[opt] number deadline a core.now() time
-- @raise what a task raised, unless `decide` was called
function Scope:wait(deadline)
  local waiter = wait.running()
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
