--- The refusals of the API, each raised as an error that the application turns into an answer.
-- @module hoopai.sandbox.api_errors

local error, getmetatable, setmetatable = error, getmetatable, setmetatable

local Refusal = { __name = "hoopai.sandbox.Refusal" }

local function refusal(status, reason)
  return function(message)
    error(setmetatable({ status = status, message = message, reason = reason }, Refusal), 0)
  end
end

local api_errors = {
  --- 400, with one sentence.
  bad_request = refusal(400, "Bad Request"),
  --- 401, with one sentence.
  unauthorized = refusal(401, "Unauthorized"),
  --- 403, with one sentence.
  forbidden = refusal(403, "Forbidden"),
  --- 404, with one sentence.
  not_found = refusal(404, "Not Found"),
  --- 422, with one sentence or a list of them.
  unprocessable = refusal(422, "Unprocessable Entity"),
  --- 429, with one sentence.
  too_many = refusal(429, "Too Many Requests"),
}

--- Whether a caught error is a refusal, as opposed to a fault of the sandbox.
-- @param value
-- @treturn boolean
function api_errors.is(value)
  return getmetatable(value) == Refusal
end

--- Raises a refusal of the token endpoint, in the words of OAuth.
-- @tparam integer status 400 or 401
-- @tparam string code "invalid_grant"
-- @tparam string description
function api_errors.oauth(status, code, description)
  error(setmetatable({ status = status, body = { error = code, error_description = description } }, Refusal), 0)
end

--- Raises the refusal of a slot that is not to be had, in the words of the live API.
function api_errors.slot()
  api_errors.bad_request("The slot you have selected is no longer available.")
end

return api_errors
