--- Authorization of requests: tokens, the Version header, scopes and locations.
-- @module hoopai.sandbox.domain.access

local api_errors = require "hoopai.sandbox.api_errors"

local find, match = string.find, string.match
local ipairs = ipairs

local VERSIONS = { ["2021-04-15"] = true, ["2021-07-28"] = true, ["2023-02-21"] = true, v3 = true }

local access = {}

--- All scopes that endpoints require.
-- @tparam table endpoints
-- @tparam ?string ending only scopes with this ending
-- @treturn table list, in order of first use
function access.scopes(endpoints, ending)
  local list, seen = {}, {}
  for _, endpoint in ipairs(endpoints) do
    local scope = endpoint.scope
    if not seen[scope] and (not ending or scope:sub(-#ending) == ending) then
      seen[scope] = true
      list[#list + 1] = scope
    end
  end
  return list
end

local function bearer(request)
  local header = request.headers["authorization"]
  if not header then api_errors.unauthorized("Authorization header was not found.") end
  return match(header, "^[Bb][Ee][Aa][Rr][Ee][Rr] +(%S+)$") or ""
end

--- The token of a request. Raises a 401 if the request has no valid token.
-- @tparam table tokens token text -> { location_id, scopes (set), user_type, expired, expires_at (ms) }
-- @tparam table request
-- @tparam integer now ms
-- @treturn table the token's entry
function access.token(tokens, request, now)
  local text = bearer(request)
  local token = tokens[text]
  local is_valid = token and not token.expired and (not token.expires_at or now < token.expires_at)
  if is_valid then return token end
  if find(text, "^pit%-") then api_errors.unauthorized("Invalid Private Integration token") end
  api_errors.unauthorized("Invalid JWT")
end

--- The version of the API that a request asks for. Raises a 401 if the Version header is missing, unknown, or older
-- than the endpoint.
-- @tparam table request
-- @tparam ?table endpoint
-- @treturn string
function access.version(request, endpoint)
  local version = request.headers["version"]
  if not version then api_errors.unauthorized("version header was not found.") end
  local is_too_old = endpoint ~= nil and endpoint.version == "v3" and version ~= "v3"
  if not VERSIONS[version] or is_too_old then api_errors.unauthorized("version header is invalid") end
  return version
end

--- Raises the 401 for a token of the wrong user type: an agency's for a location, or the other way round.
function access.wrong_user_type()
  api_errors.unauthorized(
    "This authClass type is not allowed to access this scope. "
      .. "Please reach out to the Platform team to get it added."
  )
end

--- Raises a 401 if the token's user type or scopes do not cover the endpoint.
-- @tparam table token
-- @tparam table endpoint
function access.scope(token, endpoint)
  if token.user_type ~= "Location" then access.wrong_user_type() end
  if not token.scopes[endpoint.scope] then api_errors.unauthorized("The token is not authorized for this scope.") end
end

--- Raises a 403 for a location that is not the token's.
-- @tparam table token
-- @tparam ?string location_id
function access.location(token, location_id)
  if location_id and location_id ~= token.location_id then
    api_errors.forbidden("The token does not have access to this location.")
  end
end

--- An item of a collection. Raises a 404 for an unknown id, and a 403 for an item of another location.
-- @tparam table context of the request
-- @tparam string collection
-- @tparam string id
-- @tparam string what the name of the item in the message: "Calendar"
-- @treturn table
function access.get(context, collection, id, what)
  local item = context.store[collection]:get(id)
  if not item then api_errors.not_found(what .. " not found") end
  access.location(context.token, item.locationId)
  return item
end

--- An appointment, one instance of a series, or the master of a series, by its id. Raises like `get`.
-- @tparam table context of the request
-- @tparam string id
-- @tparam string what its name in the message
-- @treturn table
function access.appointment(context, id, what)
  return access.get(context, context.store.series:get(id) and "series" or "appointments", id, what)
end

return access
