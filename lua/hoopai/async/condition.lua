--- Condition variables: tasks wait for a signal, or until a moment.
local wait = require "hoopai.async.wait"

local setmetatable, pairs = setmetatable, pairs

local conditions = {}

local Condition = {}
Condition.__index = Condition

--- Makes a condition variable. Its `has_waiters` is false when a broadcast would wake no task.
function conditions.new()
  return setmetatable({ tickets = setmetatable({}, { __mode = "k" }), has_waiters = false }, Condition)
end

--- Waits for a broadcast, at most until the deadline. In the mode "block" there can be no broadcast meanwhile.
-- @tparam string mode "task" or "block", as `mode` of hoopai.async returned
-- @tparam ?number deadline a core.now() time
function Condition:wait(mode, deadline)
  if mode == "block" then return wait.block_until(deadline) end
  local task = wait.running()
  self.tickets[task] = wait.new_ticket(task)
  self.has_waiters = true
  wait.suspend(task, deadline)
  self.tickets[task] = nil
end

--- Wakes all tasks that wait.
function Condition:broadcast()
  self.has_waiters = false
  for task, ticket in pairs(self.tickets) do
    wait.wake(task, ticket)
  end
end

return conditions
