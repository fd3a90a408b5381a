--- Waits for the lock of a key in a store. Other programs release it when they have stored their tokens, or when they
-- die.
local async = require "hoopai.async"
local core = require "hoopai.core"

local max, min = math.max, math.min
local now = core.now

local TIMEOUT = 60 -- seconds: other programs hold the lock while they renew a token

--- Acquires the lock of a key.
-- @param store see hoopai.store
-- @tparam string key
-- @tparam[opt] function is_wanted false once no caller waits for the lock any more
-- @return a to-be-closed lock; or nil and the problem, a text
local function acquire(store, key, is_wanted)
  local deadline, pause = now() + TIMEOUT, 0.01
  while true do
    local lock, problem = store:lock(key)
    if lock then return lock end
    if problem then return nil, problem end
    if now() >= deadline or is_wanted and not is_wanted() then
      return nil, "another program holds the lock of the token store"
    end
    local before = now()
    async.sleep(pause * (0.5 + core.random()))
    deadline = deadline + max(0, now() - before - 0.5) -- time in which no loop ran does not count
    pause = min(pause * 2, 0.25)
  end
end

return acquire
