--- Where calls of one location wait for its request budget: first come, first served, and only the caller waits.
local core = require "hoopai.core"
local locks = require "hoopai.lock"

local min, huge, setmetatable = math.min, math.huge, setmetatable
local now = core.now

local gate = {}

-- A place in the budget, counted or given back when it is closed, however the request ended: one that was cancelled may
-- have arrived.
local Permit = {}
Permit.__close = function(permit)
  local own = permit.gate
  if not own then return end
  own.bell:ring() -- first: who waits looks when this is over, and must also when it failed for want of memory
  if not permit.has_left then return own.limiter:give_back() end
  local moment = now()
  own.limiter:settle(moment, permit.told, permit.came) -- needs no memory, so no answer is lost here
  if permit.pause then own.limiter:close(moment, permit.pause) end
end

local function new_permit(own)
  return setmetatable({ gate = own, has_left = false, came = false }, Permit)
end

local function take(own)
  local permit = new_permit(own)
  own.limiter:take() -- when nothing can fail any more
  return permit
end

--- The permit of a request that is on no budget.
function gate.free()
  return setmetatable({}, Permit)
end

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
    if left == 0 or left == huge and given.where == "block" then return take(own) end
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

--- Takes one request from the budget where that needs no wait.
-- @treturn ?table a permit, as `enter` gives it; nil where there is no room now
function Gate:try()
  if self.lock.holder then return nil end
  local permit = new_permit(self) -- before anything is taken: there may be no memory for it
  return self.limiter:try(now()) and permit or nil
end

--- Takes one request from the budget, waiting for it where need be.
-- @tparam table given
-- @tparam string given.where "task" or "block"
-- @tparam ?number given.deadline a core.now() time after which the caller does not want to wait; where it is known that
-- the wait would be longer, it does not begin
-- @tparam function given.is_closed whether the client was closed meanwhile
-- @tparam function given.on_wait called with the seconds, once, before a wait of known length
-- @treturn[1] table a to-be-closed permit. Its user sets `has_left` (else the request counts as never asked for), and
-- of an answer `came`, `told` (see settle in src/limiter.c) and `pause` (seconds for which a 429 closes the gate)
-- @treturn[2] nil
-- @treturn[2] string "late", "closed", or "daily" or "burst" where waiting is no use
-- @treturn[2] ?number seconds that would have to be waited, where that is known
function Gate:enter(given)
  if given.where == "block" then return wait_for_room(self, given) end
  local hold <close> = self.lock:acquire("the request budget", given.deadline) -- luacheck: ignore 211
  if not hold then return nil, "late" end
  return wait_for_room(self, given)
end

--- Wakes who waits, so that it sees that the client is closed.
function Gate:wake()
  self.bell:ring()
end

return gate
