--- Where calls of one location wait for its request budget: first come, first served, and only the caller waits.
local core = require "hoopai.core"
local locks = require "hoopai.async.lock"

local min, huge, setmetatable = math.min, math.huge, setmetatable
local now = core.now

local gate = {}

local Gate = {}
Gate.__index = Gate

--- A gate with a budget of its own.
-- @tparam[opt] table known see core.limiter
function gate.new(known)
  return setmetatable({ limiter = core.limiter(known), lock = locks.new(), bell = locks.bell() }, Gate)
end

--- Waits, as the first in the line, until the budget has room.
local function wait_for_room(own, given)
  local told = false
  while not given.is_closed() do
    local moment = now()
    local left, scope, seconds = own.limiter:wait(moment)
    -- A blocking caller is alone: nothing that is in flight can end while it waits for that.
    if left == 0 or left == huge and given.where == "block" then
      own.limiter:take()
      return true
    end
    if not left then return nil, scope, seconds end
    if given.deadline and moment + (left < huge and left or 0) >= given.deadline then
      return nil, "late", left < huge and left or nil
    end
    if not told and left < huge then
      told = true
      given.on_wait(left) -- it may close the client, so that is looked at again
    else
      own.bell:wait(given.where, min(moment + left, given.deadline or huge))
    end
  end
  return nil, "closed"
end

--- Takes one request from the budget where that needs no wait, and leaves room for all who wait already: while they go
-- on one by one, nobody has to join them. It is to be followed by `leave`.
-- @treturn boolean whether there was room
function Gate:try()
  local lock = self.lock
  return self.limiter:try(now(), lock.holder and lock:count() or 0)
end

--- Takes one request from the budget, waiting for it where need be. It is to be followed by `leave`.
-- @tparam table given
-- @tparam string given.where "task" or "block"
-- @tparam ?number given.deadline a core.now() time after which the caller does not want to wait; where it is known that
-- the wait would be longer, it does not begin
-- @tparam function given.is_closed whether the client was closed meanwhile
-- @tparam function given.on_wait called with the seconds, once, before a wait of known length
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string "late", "closed", or "daily" or "burst" where waiting is no use
-- @treturn[2] ?number seconds that would have to be waited, where that is known
function Gate:enter(given)
  if given.where == "block" then return wait_for_room(self, given) end
  local hold <close> = self.lock:acquire("the request budget", given.deadline) -- luacheck: ignore 211
  if not hold then return nil, "late" end
  return wait_for_room(self, given)
end

--- Counts the request that `try` or `enter` took, or gives it back, however it ended: one that was cancelled may have
-- arrived. Cannot fail; is to be followed by `wake`.
-- @tparam boolean has_left else it counts as never asked for
-- @tparam ?table transfer the answer, where one came
-- @tparam ?number pause seconds for which a 429 closes the gate
function Gate:leave(has_left, transfer, pause)
  if has_left then
    local moment = now()
    self.limiter:settle(moment, transfer or nil, not not transfer) -- needs no memory, so no answer is lost here
    if pause then self.limiter:close(moment, pause) end
  else
    self.limiter:give_back()
  end
end

--- Wakes who waits, so that it looks whether there is room now, or whether the client was closed.
function Gate:wake()
  if self.bell.is_awaited then self.bell:ring() end
end

return gate
