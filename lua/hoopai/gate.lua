--- Where calls of one location wait for its request budget: first come, first served, and only the caller waits.
local core = require "hoopai.core"
local limiter = require "hoopai.limiter"
local scheduler = require "hoopai.scheduler"

local min, huge, setmetatable = math.min, math.huge, setmetatable
local now = core.now

local gate = {}

local Gate = {}
Gate.__index = Gate

--- A gate with a budget of its own.
-- @tparam[opt] table known see limiter.new
function gate.new(known)
  return setmetatable({ limiter = limiter.new(known), lock = scheduler.lock(), bell = scheduler.bell() }, Gate)
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
    if given.deadline and moment + (left < huge and left or 0) >= given.deadline then return nil, "late" end
    if not told and left < huge then
      told = true
      given.on_wait(left)
    end
    own.bell:wait(given.where, min(moment + left, given.deadline or huge))
  end
  return nil, "closed"
end

--- Takes one request from the budget, waiting for it where need be. Whoever got true calls `leave` or `give_back` once.
-- @tparam table given
-- @tparam string given.where "task" or "block"
-- @tparam ?number given.deadline a core.now() time after which the caller does not want to wait; where it is known that
-- the wait would be longer, it does not begin
-- @tparam function given.is_closed whether the client was closed meanwhile
-- @tparam function given.on_wait called with the seconds, once, before a wait of known length
-- @return[1] true
-- @treturn[2] nil
-- @treturn[2] string "late", "closed", or "daily" or "burst" where waiting is no use
-- @treturn[2] ?number seconds until it is
function Gate:enter(given)
  if not self.lock.holder and self.limiter:wait(now()) == 0 then
    self.limiter:take()
    return true
  end
  if given.where == "block" then return wait_for_room(self, given) end
  local hold <close> = self.lock:acquire("the request budget", given.deadline) -- luacheck: ignore 211
  if not hold then return nil, "late" end
  return wait_for_room(self, given)
end

--- The request never left: it is as if it had not been asked for.
function Gate:give_back()
  self.limiter:give_back()
  self.bell:ring()
end

--- The request is over.
-- @tparam ?table told the answer's `rate_limit`
-- @tparam boolean came whether there was an answer
-- @tparam[opt] number closed seconds for which a 429 closes the gate
function Gate:leave(told, came, closed)
  local moment = now()
  self.bell:ring() -- first: who waits looks when this is over, and must also when it failed
  self.limiter:settle(moment, told, came)
  if closed then self.limiter:close(moment, closed) end
end

--- Wakes who waits, so that it sees that the client is closed.
function Gate:wake()
  self.bell:ring()
end

return gate
