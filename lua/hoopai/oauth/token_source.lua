--- Where a client's token comes from: a fixed string, or a function that is asked for one.
--
-- Both answer the same two methods, so the pipeline of a call does not care:
--   source:get(deadline) -> secret, generation | nil, err           the token to send now
--   source:refused(generation, deadline) -> boolean | nil, err      true when another token can be tried
-- Where `source.may_wait` is set, `get` may wait for the token, until the deadline.
local async = require "hoopai.async"
local core = require "hoopai.core"
local errors = require "hoopai.errors"

local type, setmetatable = type, setmetatable

local Fixed = {}
Fixed.__index = Fixed

function Fixed:get()
  return self.secret, 1
end

function Fixed.refused()
  return false
end

local Asked = { may_wait = true }
Asked.__index = Asked

local function to_secret(token)
  if type(token) ~= "string" then
    errors.raise("the token function must return a string, or nil and an error; it returned " .. type(token))
  end
  local secret, problem = core.secret(token)
  if not secret then errors.raise("the token function returned an unusable token: " .. problem) end
  return secret
end

local function late()
  return errors.new {
    kind = "timeout", stage = "refresh",
    message = "the token function, which was asked by another call, did not return in time",
  }
end

--- Asks the user's function once for all who wait. Its failure is shared with them; it is asked again by later calls.
-- Those who wait for it give up at their deadlines, a core.now() time; the one that asks it cannot.
local function ask(source, reason, seen, deadline)
  local rounds = source.rounds
  local hold <close> = source.lock:acquire("the token function", deadline)
  if not hold then return nil, late() end
  if source.secret and source.generation ~= seen then return source.secret end
  if source.rounds ~= rounds and source.failure then return nil, source.failure end
  local token, problem = source.fetch(reason)
  source.rounds = source.rounds + 1
  if token == nil then
    source.failure = errors.is(problem) and problem or errors.new {
      kind = "auth", message = "the token function gave no token: " .. errors.text(problem), cause = problem,
    }
    return nil, source.failure
  end
  source.secret, source.failure = to_secret(token), nil
  source.generation = source.generation + 1
  return source.secret
end

function Asked:get(deadline)
  if not self.secret then
    local secret, err = ask(self, "first", self.generation, deadline)
    if not secret then return nil, err end
  end
  return self.secret, self.generation
end

function Asked:refused(generation, deadline)
  if self.generation ~= generation then return true end -- somebody got a newer one meanwhile
  local secret, err = ask(self, "refused", generation, deadline)
  if not secret then return nil, err end
  return true
end

local token = {}

--- A source that always gives this secret.
function token.fixed(secret)
  return setmetatable({ secret = secret }, Fixed)
end

--- A source that asks a function: fetch("first") once, fetch("refused") after the API refused the last token.
-- The function may wait (in a task it suspends it); one call of it runs at a time.
function token.asked(fetch)
  return setmetatable({ fetch = fetch, generation = 0, rounds = 0, lock = async.new_lock() }, Asked)
end

return token
