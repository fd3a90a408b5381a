--- Receiving webhooks: which requests the vendor sent, and each of them once.
--
--     local webhook = hoopai.webhook {}
--     local event, err = webhook:verify(request.headers, request.body)
--
-- A request is refused unless it is proven. In this order are checked: the size of the body, the signature over its
-- bytes, its age, and whether it was received before.
-- @module hoopai.webhook
local claims = require "hoopai.webhook.claims"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local events = require "hoopai.webhook.event"
local lazy = require "hoopai.lazy"
local options = require "hoopai.webhook.options"
local private = require "hoopai.private"
local signature = require "hoopai.webhook.signature"

local ceil, format, pcall, setmetatable, type = math.ceil, string.format, pcall, setmetatable, type

local get_crypto = lazy.optional "hoopai.crypto"

--- A receiver of webhooks, made by `hoopai.webhook`.
-- @type Webhook
local Webhook = private.seal { __name = "hoopai.Webhook" }
local states = private.states "hoopai.Webhook"
local methods = {}
Webhook.__index = methods

function Webhook:__tostring() return format("hoopai.Webhook (%s)", states[self].scheme.header) end

local function state_of(webhook, method)
  return states[webhook] or errors.raise(format("call it with a colon: webhook:%s(...)", method))
end

local function refusal(kind, message, ...) return nil, errors.new { kind = kind, message = format(message, ...) } end

--- Refuses a body before anything is computed of it.
local function check_size(state, body)
  if type(body) ~= "string" then
    local got = body == nil and "nothing" or "a " .. type(body)
    return refusal("signature", "the body must be the bytes as they came, a string, and is %s", got)
  end
  if #body > state.max_body then
    return refusal("too_large", "the body has %d bytes, more than %d", #body, state.max_body)
  end
  return true
end

local function check_age(state, verified)
  if not state.max_age then return true end
  if not verified.ms then return refusal("stale", "the webhook does not say when it was sent") end
  local age = (core.wall_ms() - verified.ms) / 1000
  if age > state.max_age then
    return refusal("stale", "the webhook is %d seconds old, more than %d", ceil(age), ceil(state.max_age))
  end
  if -age > state.max_skew then
    return refusal("stale", "the webhook is of %d seconds from now: one of the two clocks is wrong", ceil(-age))
  end
  return true
end

local function claim_in_memory(state, verified)
  local oldest = state.max_age and core.wall_ms() - ceil(state.max_age * 1000)
  local is_new, is_too_old = state.claims:claim(verified.id, verified.ms, oldest or nil)
  if is_new then return true end
  if is_too_old then
    return refusal("stale", "it is older than one whose id is forgotten: a larger `max_claims` keeps more")
  end
  return refusal("replayed", "the webhook %s was received already", verified.id)
end

local function claim(state, verified)
  if not state.claim then return claim_in_memory(state, verified) end
  local seconds = state.max_age and ceil(state.max_age + state.max_skew) or nil
  local ok, is_new, problem = pcall(state.claim, verified.id, seconds)
  if ok and is_new == true then return true end
  if ok and not is_new and problem == nil then
    return refusal("replayed", "the webhook %s was received already", verified.id)
  end
  -- Many databases return 0 or 1, and both are true in Lua.
  local odd = format("`claim` returned a %s, and must return true or false", type(is_new))
  local reason = not ok and is_new or problem or odd
  return nil,
    errors.new {
      kind = "store",
      retryable = true,
      cause = reason,
      message = "the id of the webhook could not be claimed: " .. errors.report(reason),
    }
end

--- Checks a request, and claims its id. The first of these that fails is the error: the body is larger than `max_body`
-- (kind "too_large"); the signature is missing, or not that of these bytes ("signature"); the signed body is no JSON
-- object ("decode"); it is of another app than `app_id` ("signature"); it is older than `max_age`, or of the future
-- ("stale"); it was received already ("replayed"); or `claim` could not say ("store").
--
-- It waits only if `claim` does.
-- @tparam table|function headers name -> value, in any case, where a value may be a list; or a function that is called
-- with the name in lower case, and returns all values
-- @tparam string raw_body the body, byte for byte: one that was decoded and encoded again has another signature
-- @treturn[1] Event
-- @treturn[2] nil
-- @treturn[2] Error
-- @raise if `headers` is neither a table nor a function
function methods:verify(headers, raw_body)
  local state = state_of(self, "verify")
  if type(headers) ~= "table" and type(headers) ~= "function" then
    errors.raise("webhook:verify expects the headers as a table or a function, got " .. errors.given(headers))
  end
  local fits, err = check_size(state, raw_body)
  if not fits then return nil, err end
  local is_signed, why = signature.check(state.scheme, headers, raw_body)
  if not is_signed then return refusal("signature", "%s", why) end
  local event, verified = events.read(raw_body)
  if not event then return refusal("decode", "the signed body cannot be read: %s", verified) end
  if state.app_id and verified.app_id ~= state.app_id then
    return refusal("signature", "the webhook is of another app than %s", state.app_id)
  end
  local is_recent, stale = check_age(state, verified)
  if not is_recent then return nil, stale end
  events.trust(event, verified) -- before its id is claimed: later nothing may fail
  local is_new, replayed = claim(state, verified)
  if not is_new then return nil, replayed end
  return event
end

--- Gives the id of an event back after a failure, so that a further delivery of it is taken. That is of use if the
-- sender is answered with an error: it sends again only then.
-- @tparam Event event one that `verify` of this receiver returned
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] Error of kind "store" if the option `release` failed
-- @raise for another value, and with `claim` but no `release`
function methods:release(event)
  local state = state_of(self, "release")
  local verified = private.state("hoopai.Event", event)
  if not verified then
    errors.raise("webhook:release expects an event that webhook:verify returned, got " .. errors.given(event))
  end
  if not state.claim then
    state.claims:release(verified.id)
    return true
  end
  if not state.release then errors.raise "webhook:release needs the option `release` beside `claim`" end
  local ok, done, problem = pcall(state.release, verified.id)
  if ok and (done ~= nil or problem == nil) then return true end
  local reason = ok and problem or done
  return nil,
    errors.new {
      kind = "store",
      retryable = true,
      cause = reason,
      message = "the id of the webhook could not be given back: " .. errors.report(reason),
    }
end

local NAMES = { "verify", "release" }

setmetatable(methods, {
  __index = function(_, name) return errors.refuse_name("webhook", "a webhook has no", name, NAMES) end,
})

local webhook = {}

--- Makes a receiver. @see hoopai.webhook
-- @tparam ?table given
-- @treturn Webhook
-- @raise for an unknown or wrong option, and if hoopai.crypto was not built
function webhook.new(given)
  local crypto, problem = get_crypto()
  if not crypto then errors.raise("hoopai.webhook needs " .. problem) end
  local state = options.check("hoopai.webhook", given)
  state.scheme = signature.scheme(state)
  state.claims = not state.claim and claims.new(state.max_claims)
  state.secret = nil -- the scheme has it
  local object = setmetatable({}, Webhook)
  states[object] = state
  return object
end

return webhook
