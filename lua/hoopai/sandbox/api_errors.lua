--- The error responses of the API. Each function raises an error, which the application turns into a response.
-- @module hoopai.sandbox.api_errors

local error, getmetatable, setmetatable = error, getmetatable, setmetatable

local ApiError = { __name = "hoopai.sandbox.ApiError" }

local function raiser(status, reason)
  return function(message) error(setmetatable({ status = status, message = message, reason = reason }, ApiError), 0) end
end

local api_errors = {
  --- 400, with a message.
  bad_request = raiser(400, "Bad Request"),
  --- 401, with a message.
  unauthorized = raiser(401, "Unauthorized"),
  --- 403, with a message.
  forbidden = raiser(403, "Forbidden"),
  --- 404, with a message.
  not_found = raiser(404, "Not Found"),
  --- 422, with a message or a list of messages.
  unprocessable = raiser(422, "Unprocessable Entity"),
  --- 429, with a message.
  too_many = raiser(429, "Too Many Requests"),
}

--- Whether a caught error is one of these, as opposed to a bug in the sandbox.
-- @param value
-- @treturn boolean
function api_errors.is(value) return getmetatable(value) == ApiError end

--- Raises an error of the token endpoint (RFC 6749, section 5.2).
-- @tparam integer status 400 or 401
-- @tparam string code "invalid_grant"
-- @tparam string description
function api_errors.oauth(status, code, description)
  error(setmetatable({ status = status, body = { error = code, error_description = description } }, ApiError), 0)
end

--- Raises the error for a slot that is not free, with the message of the live API.
function api_errors.slot_taken() api_errors.bad_request("The slot you have selected is no longer available.") end

return api_errors
