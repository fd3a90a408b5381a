--- Waits of a token source that end at the deadline of the call, whatever goes on in the background.
local async = require "hoopai.async"
local errors = require "hoopai.errors"

local in_time = {}

--- The error of a call whose token did not come in time.
-- @tparam string message
-- @treturn Error
function in_time.error(message)
  return errors.new { kind = "timeout", stage = "refresh", retryable = true, message = message }
end

local function finished(is_over, ...)
  if is_over then return ... end
  return nil, in_time.error "the token store did not return in time"
end

-- It is no work of the app: the app can be closed, and collected, while a function of the store waits.
local function await_background(manager, fn, deadline)
  return finished(async.wait_for(async.background(function() return fn(manager) end), deadline))
end

--- Calls fn(manager), which uses the store. The functions of a user's store may wait: then it is called in the
-- background, and the caller waits at most until the deadline.
-- @tparam TokenManager manager
-- @tparam function fn
-- @tparam ?number deadline a core.now() time
-- @return what fn returned; or nil and an error
function in_time.use_store(manager, fn, deadline)
  if not manager.store.may_wait then return fn(manager) end
  return async.as_task(async.run_only, "the token store", await_background, manager, fn, deadline)
end

return in_time
