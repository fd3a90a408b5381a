--- Locks between tasks.
local errors = require "hoopai.errors"
local wait = require "hoopai.async.wait"

local setmetatable = setmetatable

local locks = {}

local Lock = {}
Lock.__index = Lock

--- Makes a lock between tasks: first come, first served. It cannot be held for longer than a call outside of any loop.
function locks.new() return setmetatable({ queue = {}, first = 1, last = 0 }, Lock) end

--- Gives the lock to the first task that still waits for it.
local function release(lock)
  lock.holder = nil
  while lock.first <= lock.last do
    local hold = lock.queue[lock.first]
    lock.queue[lock.first] = nil
    lock.first = lock.first + 1
    if hold.task.suspended and not hold.task.closing and hold.task.ticket == hold.ticket then
      lock.holder = hold
      return wait.wake(hold.task, hold.ticket)
    end
  end
end

-- Held by the caller: releases the lock.
local hold_guard = {}
hold_guard.__close = function(hold)
  if hold.lock.holder == hold then release(hold.lock) end
end

-- Held during the wait: a task that is cancelled while it waits, or after it was given the lock and before it is
-- resumed, must not keep the lock.
local wait_guard = {}
wait_guard.__close = function(guard)
  if guard.passed then return end
  local hold = guard.hold
  local lock = hold.lock
  if lock.holder == hold then release(lock) end
end

--- Raises when the running task holds the lock.
-- @tparam string what the function that needs it, for messages
function Lock:check(what)
  local task = wait.running()
  if task and self.holder and self.holder.owner == task then
    errors.raise(what .. " is already running in this program")
  end
end

--- Waits for the lock.
-- @tparam string what the function that needs it, for messages
-- @tparam[opt] number deadline a core.now() time
-- @return a to-be-closed value that releases the lock; nil when the deadline passed first
-- @raise where the caller may not wait, and when it holds the lock already
function Lock:acquire(what, deadline)
  local task = wait.running()
  local hold = setmetatable({ lock = self, owner = task }, hold_guard)
  if not self.holder then
    self.holder = hold
    return hold
  end
  if wait.mode(what) == "block" or self.holder.owner == task then
    errors.raise(what .. " is already running in this program")
  end
  hold.task, hold.ticket = task, wait.new_ticket(task)
  local guard = setmetatable({ hold = hold, passed = false }, wait_guard)
  self.queue[self.last + 1] = hold
  self.last = self.last + 1
  local held <close> = guard -- luacheck: ignore 211
  if wait.suspend(task, deadline) == "timeout" then return nil end
  guard.passed = true
  return hold
end

return locks
