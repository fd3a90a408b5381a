--- The options of `hoopai.webhook`. A wrong option is wrong use and raises; a text that is no usable key or secret
-- makes the receiver refuse all webhooks.
local errors = require "hoopai.errors"
local option_checks = require "hoopai.options"

local find, huge, math_type, next, type = string.find, math.huge, math.type, next, type
local format = string.format

local options = {}

-- Seconds. The vendor sends a webhook up to 13 times, with pauses that grow: if they double from 10 s on, the last
-- comes 11 hours after the first, and at most twice as late with their jitter. All of them have the first one's
-- `timestamp`.
local MAX_AGE = 86400
local MAX_SKEW = 300 -- how far the clocks of sender and receiver may differ, if no time service sets one of them
local MAX_BODY = 1048576 -- bytes
local MAX_CLAIMS = 100000

local function keys(value)
  local expected = "a list of public keys, texts in PEM"
  if type(value) ~= "table" then return expected end
  local count = 0
  for _, text in next, value do
    count = count + 1
    if type(text) ~= "string" then return expected end
  end
  return count ~= #value and expected or nil
end

local function text(value) return type(value) ~= "string" and "a string" or nil end
local function callable(value) return type(value) ~= "function" and "a function" or nil end

local function header(value)
  local ok = type(value) == "string" and find(value, "^[%w!#$%%&'*+%-.^_`|~]+$")
  return not ok and "the name of a header" or nil
end

local function encoding(value) return value ~= "hex" and value ~= "base64" and '"hex" or "base64"' or nil end

local function seconds(value)
  local ok = type(value) == "number" and value >= 0 and value < huge
  return not ok and "a number of seconds" or nil
end

local function age(value)
  local ok = value == false or type(value) == "number" and value > 0 and value < huge
  return not ok and "a number of seconds above 0, or false" or nil
end

local function count(value)
  local ok = math_type(value) == "integer" and value >= 1
  return not ok and "an integer from 1 on" or nil
end

local checks = {
  keys = keys,
  rsa = option_checks.boolean_problem,
  secret = text,
  header = header,
  encoding = encoding,
  app_id = option_checks.id_problem,
  max_age = age,
  max_skew = seconds,
  max_body = count,
  max_claims = count,
  claim = callable,
  release = callable,
}

local function refuse_mixture(given)
  for _, name in next, { "header", "encoding" } do
    if (given[name] ~= nil) ~= (given.secret ~= nil) then
      errors.raise("hoopai.webhook takes `secret`, `header` and `encoding` together: they are for HMAC alone")
    end
  end
  for _, name in next, { "keys", "rsa" } do
    if given.secret ~= nil and given[name] then
      errors.raise(format("hoopai.webhook takes either `secret` or `%s`: a receiver has one scheme", name))
    end
  end
  if given.release and not given.claim then errors.raise "option `release` of hoopai.webhook goes with `claim`" end
  if given.max_claims and given.claim then
    errors.raise "option `max_claims` of hoopai.webhook is for the ids in memory: leave it out with `claim`"
  end
end

--- Checks the options and fills in the defaults.
-- @tparam string what the function, for messages
-- @tparam ?table given
-- @treturn table settings
-- @raise for an unknown or wrong option, and for options that do not go together
function options.check(what, given)
  given = option_checks.check(what, given, checks) or {}
  refuse_mixture(given)
  local max_age = given.max_age
  if max_age == nil then max_age = MAX_AGE end
  return {
    keys = given.keys,
    rsa = given.rsa == true,
    secret = given.secret,
    header = given.header,
    encoding = given.encoding,
    app_id = given.app_id,
    max_age = max_age,
    max_skew = given.max_skew or MAX_SKEW,
    max_body = given.max_body or MAX_BODY,
    max_claims = given.max_claims or MAX_CLAIMS,
    claim = given.claim,
    release = given.release,
  }
end

return options
