--- Tokens that exist in this program alone, because the store could not be written: what is said of them, and the last
-- try to store them when the program ends.
--
-- They belong to a token manager: a successor in `unsaved`, the response of a sign-in in `sign_in`, or a response in
-- `reply` that could not be read without memory.
local async = require "hoopai.async"
local core = require "hoopai.core"
local errors = require "hoopai.errors"

local pcall, setmetatable = pcall, setmetatable
local format = string.format
local warn = warn or function() end

local unsaved = {}

local function place_of(manager) return manager.store:path(manager.key) end

--- Says that tokens are not stored yet, once until they are: the program may end before.
-- @tparam TokenManager manager
-- @tparam Error err why they could not be stored
function unsaved.warn(manager, err)
  if manager.is_warned then return end
  manager.is_warned = true
  warn(
    format(
      "hoopai: the new tokens %s cannot be stored in %s: %s; they exist in this program alone, which tries again: "
        .. "do not end it before the cause is mended",
      manager.label,
      place_of(manager),
      err.message
    )
  )
end

--- The last try. Says what is lost if it fails as well.
local function finish(manager)
  if not manager:has_unsaved() then return end
  local ok, done, err = pcall(manager.save_now, manager)
  if ok and done then return end
  local reason = ok and err.message or errors.report(done)
  warn(
    format(
      "hoopai: the tokens %s are lost: the program ends before they could be stored in %s: %s; mend that, and then a "
        .. "person must sign in again",
      manager.label,
      place_of(manager),
      reason
    )
  )
end

-- lua_close finalises the youngest objects first: a guard is younger than the lock and the reservation.
local EndGuard = {}

function EndGuard.__gc(guard)
  local manager = guard.manager
  if manager.end_guard == guard and guard.process == core.pid() then finish(manager) end
end

--- Keeps a manager's unsaved tokens in mind: what is not stored when the state ends is tried once more, and said.
-- @tparam TokenManager manager
function unsaved.hold(manager)
  if async.is_shutting_down() then return finish(manager) end -- objects that are made by now have no finaliser
  manager.end_guard = setmetatable({ manager = manager, process = core.pid() }, EndGuard)
  if manager.store.may_wait then manager:save_later() end -- as its lock may end
end

--- Forgets a manager's unsaved tokens, which are stored by now.
-- @tparam TokenManager manager
function unsaved.release(manager)
  manager.end_guard, manager.is_warned = false, false
end

return unsaved
