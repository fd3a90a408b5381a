--- The rate limit of one location, as the API's headers state it: the line in which calls wait for a permit. Only the
-- caller waits. (hoopai.call acquires the permit of a call that need not wait, and releases all.)
local async = require "hoopai.async"
local core = require "hoopai.core"

local min, huge, setmetatable = math.min, math.huge, setmetatable
local now = core.now

local rate_limiter = {}

local RateLimiter = {}
RateLimiter.__index = RateLimiter

--- A rate limiter.
-- @treturn table `counter` counts permits (src/rate_limiter.c), `lock` keeps the callers in order, and `changed` wakes
-- the first of them
function rate_limiter.new()
  return setmetatable({
    counter = core.rate_limiter(),
    lock = async.new_lock(),
    changed = async.new_condition(),
  }, RateLimiter)
end

local function wait_for_permit(self, mode, deadline, is_closed, on_wait)
  local has_emitted = false
  while not is_closed() do
    local moment = now()
    local seconds, scope, retry_after = self.counter:wait(moment)
    -- `huge`: until a request in flight ends. A blocking caller is alone, so nothing can end while it waits.
    if seconds == 0 or seconds == huge and mode == "block" then
      self.counter:acquire()
      return true
    end
    if not seconds then return nil, scope, retry_after end
    local known = seconds < huge and seconds or nil
    if deadline and moment + (known or 0) >= deadline then return nil, "late", known end
    if known and not has_emitted then
      has_emitted = true
      on_wait(known) -- may close the client: the loop checks again
    else
      self.changed:wait(mode, min(moment + seconds, deadline or huge))
    end
  end
  return nil, "closed"
end

--- Acquires a permit for one request, waiting if need be.
-- @tparam string mode "task" or "block"
-- @tparam ?number deadline a core.now() time; a wait that is known to last longer does not begin
-- @tparam function is_closed whether the client was closed meanwhile
-- @tparam function on_wait called with the seconds, once, before a wait of known length
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string "late", "closed"; or "daily" or "burst" if the API asked for a pause that is not waited for
-- @treturn[2] ?number seconds of the wait, if known
function RateLimiter:acquire(mode, deadline, is_closed, on_wait)
  if mode == "block" then return wait_for_permit(self, mode, deadline, is_closed, on_wait) end
  local lock_guard <close> = self.lock:acquire("the request budget", deadline)
  if not lock_guard then return nil, "late" end
  return wait_for_permit(self, mode, deadline, is_closed, on_wait)
end

--- Wakes the caller that waits: there may be room now, or the client was closed.
function RateLimiter:wake() self.changed:broadcast() end

return rate_limiter
