--- The token of a client: a static one, or that of a callback. (A client of an app has a token manager instead, see
-- hoopai.oauth.token_manager.) Token sources have the same fields and methods:
--
--   source.secret                                                   of a static one: the token to send
--   source.may_wait                                                 whether `get` must be called for the token
--   source:get(deadline) -> secret, generation, has_waited | nil, err
--                                                                   the token to send now; waits until the deadline
--   source:refused(generation, deadline) -> boolean | nil, err      after a 401: true if another token can be sent
local async = require "hoopai.async"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local in_time = require "hoopai.oauth.in_time"

local secrets = require "hoopai.call.secrets"

local error, rawequal, type, setmetatable = error, rawequal, type, setmetatable

local token_source = {}

-- A static token

local Static = {}
Static.__index = Static

function Static:get() return self.secret, 1 end

function Static.refused() return false end

--- A source with one token.
-- @param secret see core.secret
function token_source.static(secret) return setmetatable({ secret = secret }, Static) end

-- A callback

local Callback = { may_wait = true }
Callback.__index = Callback

--- @return the secret; or nil and why the token is wrong use
local function to_secret(token)
  if type(token) ~= "string" then
    return nil, "the token function must return a string, or nil and an error; it returned " .. type(token)
  end
  local secret, problem = core.secret(token)
  if secret then return secret end
  return nil, "the token function returned an unusable token: " .. problem
end

-- Held while the user's function runs: what it raises is raised without the token before.
local QuoteGuard = {}

function QuoteGuard.__close(guard, raised)
  local shown = secrets.redacted({ guard.secret or nil }, raised)
  if not rawequal(shown, raised) then error(shown, 0) end
end

--- The error of a function that returned no token and a problem, which may quote the token before.
local function no_token(self, problem)
  local text, list = errors.text(problem), { self.secret or nil }
  local is_plain = rawequal(secrets.redacted(list, text), text)
  if errors.is(problem) and is_plain then return problem end
  return errors.new {
    kind = errors.is(problem) and problem.kind or "auth",
    message = (errors.is(problem) and "" or "the token function gave no token: ") .. errors.report(problem),
    cause = secrets.redacted(list, problem),
  }
end

--- Calls the user's function once for all calls that wait for a token. They share its failure; later calls call the
-- function again. A call that waits for another one gives up at its deadline, a core.now() time.
-- @tparam Callback self
-- @tparam string reason "first" or "refused"
-- @tparam integer seen the generation that the caller has
-- @return the secret; or nil and an error; or nil, nil and why its token is wrong use
local function ask(self, reason, seen, deadline)
  local rounds = self.rounds
  local lock_guard <close> = self.lock:acquire("the token function", deadline)
  if not lock_guard then
    return nil, in_time.error "the token function, which was asked by another call, did not return in time"
  end
  if self.secret and self.generation ~= seen then return self.secret end
  if self.rounds ~= rounds and self.failure then return nil, self.failure end
  self.failure = nil -- else one of an earlier round would be shared if the function raises, or returns no usable token
  local quote_guard <close> = setmetatable({ secret = self.secret }, QuoteGuard) -- luacheck: ignore 211
  local token, problem = self.callback(reason)
  self.rounds = self.rounds + 1
  if token == nil then
    self.failure = no_token(self, problem)
    return nil, self.failure
  end
  local secret, misuse = to_secret(token)
  if not secret then return nil, nil, misuse end
  self.secret = secret
  self.generation = self.generation + 1
  return secret
end

-- Held by a caller that waits for its task: a caller that is cancelled cuts the function off.
local CutGuard = {}

function CutGuard.__close(guard)
  if not guard.passed then async.cut(guard.task) end
end

--- Calls the token function in a background task. The caller, a task, waits for that task at most until the deadline.
-- After the deadline the function goes on, and the next call uses its token.
local function ask_in_time(self, reason, seen, deadline)
  self.lock:check("the token function")
  local task = async.background(function() return ask(self, reason, seen, deadline) end)
  local guard <close> = setmetatable({ task = task, passed = false }, CutGuard)
  local ended, secret, err, misuse = async.wait_for(task, deadline)
  guard.passed = true
  if ended then return secret, err, misuse end
  return nil, in_time.error "the token function did not return in time; it goes on"
end

--- Asks so that the call keeps its time limit where that is possible: in a coroutine of the host the function may yield
-- to the host, so there it runs in that very coroutine, and must come to its end by itself.
local function fetch(self, reason, seen, deadline)
  local mode = async.cut_mode "the token function"
  local secret, err, misuse
  if mode == "task" then
    secret, err, misuse = ask_in_time(self, reason, seen, deadline)
  elseif mode == "main" or mode == "coroutine" and self.lock.holder then
    secret, err, misuse = async.run_only(ask_in_time, self, reason, seen, deadline)
  else
    secret, err, misuse = ask(self, reason, seen, deadline)
  end
  if misuse then errors.raise(misuse) end
  return secret, err
end

function Callback:get(deadline)
  if self.secret then return self.secret, self.generation end
  local secret, err = fetch(self, "first", self.generation, deadline)
  if not secret then return nil, err end
  return self.secret, self.generation, true
end

function Callback:refused(generation, deadline)
  if self.generation ~= generation then return true end -- another call got a newer token meanwhile
  local secret, err = fetch(self, "refused", generation, deadline)
  if not secret then return nil, err end
  return true
end

--- A source that calls a function: callback("first") once, callback("refused") after the API refused the last token.
-- The function may wait; one call of it runs at a time.
-- @tparam function callback
function token_source.callback(callback)
  return setmetatable({ callback = callback, generation = 0, rounds = 0, lock = async.new_lock() }, Callback)
end

return token_source
