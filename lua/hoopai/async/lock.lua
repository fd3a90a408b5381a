--- Locks between tasks, and places to wait at.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local scheduler = require "hoopai.async.scheduler"

local setmetatable, pairs = setmetatable, pairs
local now = core.now

local locks = {}

local Lock = {}
Lock.__index = Lock

--- A lock between tasks, first come first served. In blocking mode nobody else can hold it for longer than a call.
function locks.new()
  return setmetatable({ queue = {}, first = 1, last = 0, waiting = 0 }, Lock)
end

--- Hands the lock to the first who still waits for it.
local function release(lock)
  lock.holder = nil
  while lock.first <= lock.last do
    local hold = lock.queue[lock.first]
    lock.queue[lock.first] = nil
    lock.first = lock.first + 1
    if hold.task.suspended and not hold.task.closing and hold.task.ticket == hold.ticket then
      lock.holder, lock.waiting = hold, lock.waiting - 1
      return scheduler.wake(hold.task, hold.ticket)
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
  if wait.passed then return end
  local hold = wait.hold
  local lock = hold.lock
  if lock.holder == hold then release(lock) else lock.waiting = lock.waiting - 1 end
end

--- Waits for the lock. The result is a to-be-closed value that gives it back.
-- @tparam string what who asks, for the message where nobody may wait
-- @tparam[opt] number deadline a core.now() time; nil is returned when that passes first
function Lock:acquire(what, deadline)
  local task = scheduler.waiter()
  local hold = setmetatable({ lock = self, owner = task }, Hold)
  if not self.holder then
    self.holder = hold
    return hold
  end
  if scheduler.where(what) == "block" or self.holder.owner == task then
    errors.raise(what .. " is already running in this program")
  end
  hold.task, hold.ticket = task, scheduler.new_ticket(task)
  local wait = setmetatable({ hold = hold, passed = false }, Wait)
  self.queue[self.last + 1] = hold
  self.last, self.waiting = self.last + 1, self.waiting + 1
  local ending <close> = wait -- luacheck: ignore 211
  if scheduler.suspend(task, deadline) == "timeout" then return nil end
  wait.passed = true
  return hold
end

--- How many have the lock or wait for it.
function Lock:count()
  return (self.holder and 1 or 0) + self.waiting
end

local Bell = {}
Bell.__index = Bell

--- A place to wait at until a moment comes or somebody rings. Outside any loop nobody can ring meanwhile.
function locks.bell()
  return setmetatable({ waiting = setmetatable({}, { __mode = "k" }), is_awaited = false }, Bell)
end

--- Waits until the bell rings, at most until the deadline.
-- @tparam string where "task" or "block", as `where` of the scheduler said
-- @tparam ?number deadline a core.now() time
function Bell:wait(where, deadline)
  if where == "block" then
    repeat core.sleep(deadline - now()) until now() >= deadline
    return
  end
  local task = scheduler.waiter()
  self.waiting[task] = scheduler.new_ticket(task)
  self.is_awaited = true
  scheduler.suspend(task, deadline)
  self.waiting[task] = nil
end

--- Wakes all who wait.
function Bell:ring()
  self.is_awaited = false
  for task, ticket in pairs(self.waiting) do scheduler.wake(task, ticket) end
end

return locks
