--- Turns of the bookings and blocked times of one program: what must not run side by side runs one after the other.
local async = require "hoopai.async"
local core = require "hoopai.core"

local setmetatable = setmetatable
local huge = math.huge

local turns = {}

local busy = {} -- key -> the lock, and how many tasks hold it or wait for it

local EntryGuard = {}

function EntryGuard.__close(guard)
  local entry = guard.entry
  entry.users = entry.users - 1
  if entry.users == 0 then busy[guard.key] = nil end
end

local function enter(key)
  local entry = busy[key] or { lock = async.new_lock(), users = 0 }
  local guard = setmetatable({ key = key, entry = entry }, EntryGuard)
  busy[key], entry.users = entry, entry.users + 1
  return guard, entry.lock
end

--- Calls a function when no other task of this program is in a function of the same key. Yields.
-- @tparam string what the method, for messages
-- @tparam string key
-- @tparam number queue_timeout seconds to wait for the turn at most; math.huge for any time
-- @tparam function fn gets the other arguments
-- @return[1] true and the results of the function
-- @treturn[2] boolean false: the turn did not come in time
-- @raise where the caller may not wait
function turns.take(what, key, queue_timeout, fn, ...)
  local entry_guard <close>, lock = enter(key) -- luacheck: ignore 211
  local deadline = queue_timeout < huge and core.now() + queue_timeout or nil
  local lock_guard <close> = lock:acquire(what, deadline)
  if not lock_guard then return false end
  return true, fn(...)
end

return turns
