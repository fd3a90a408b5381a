--- The errors of an exchange of tokens.
local errors = require "hoopai.errors"

local format = string.format

local token_errors = {}

--- The store could not be locked, read or written.
-- @param problem what the store returned
-- @tparam[opt] string applied whether the token endpoint has renewed the token: "no" or "yes"
-- @treturn Error
function token_errors.store(problem, applied)
  return errors.new { kind = "store", message = errors.text(problem), applied = applied }
end

--- A person must sign in.
-- @tparam string label of the grant, such as "of location l1"
-- @tparam string what the reason
-- @tparam[opt] Error cause
-- @treturn Error
function token_errors.reauth(label, what, cause)
  return errors.new {
    kind = "reauth_required",
    cause = cause,
    message = format("%s %s: a person must sign in", what, label),
  }
end

local REFUSED = "the token endpoint no longer accepts the grant"
local REFUSED_AFTER_UNCLEAR = "the answer to an exchange was lost (or the program ended before it was stored), "
  .. "and the token from before it is not accepted any more, the grant"

--- The refresh token was refused.
-- @tparam string label
-- @tparam boolean was_unclear whether the token was sent before, without a clear response
-- @tparam[opt] Error cause
-- @treturn Error
function token_errors.refused(label, was_unclear, cause)
  return token_errors.reauth(label, was_unclear and REFUSED_AFTER_UNCLEAR or REFUSED, cause)
end

--- The response had a refresh token alone.
-- @treturn Error
function token_errors.no_access_token()
  return errors.new {
    kind = "decode",
    message = "the token endpoint's response has no usable access_token; its refresh_token is kept",
  }
end

return token_errors
