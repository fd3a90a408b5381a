--- The page of the authorization endpoint on which a person chooses a location. The sandbox chooses at once, as
-- `sandbox_pick` says, and redirects the browser.
-- @module hoopai.sandbox.oauth.pages

local core = require "hoopai.core"
local api_errors = require "hoopai.sandbox.api_errors"
local authorization_server = require "hoopai.sandbox.oauth.authorization_server"
local query_string = require "hoopai.sandbox.query_string"

local find, format = string.find, string.format
local ipairs, pairs = ipairs, pairs

local pages = {}

local AUTHORIZE_QUERY = {
  response_type = true,
  client_id = true,
  redirect_uri = true,
  scope = true,
  state = true,
  code_challenge = true,
  code_challenge_method = true,
  version_id = true,
  loginWindowOpenMode = true,
  sandbox_pick = true,
}

local function first_values(text)
  local values = {}
  for name, list in pairs(query_string.parse(text)) do
    if not AUTHORIZE_QUERY[name] then api_errors.bad_request(format("property %s should not exist", name)) end
    if list[2] then api_errors.bad_request(name .. " must not be repeated") end
    values[name] = list[1]
  end
  return values
end

-- These errors are shown on a page: the redirect_uri of an unknown client is not trusted (RFC 6749, section 4.1.2.1).
local function check_client(settings, query)
  if query.client_id ~= settings.client_id then api_errors.bad_request("client_id is invalid") end
  local uri = query.redirect_uri or ""
  local is_valid = settings.redirect_uri and uri == settings.redirect_uri
    or not settings.redirect_uri and find(uri, "^https?://[%w%.%-%[%]:]+[^#%c ]*$")
  if not is_valid then api_errors.bad_request("redirect_uri is invalid") end
end

local function authorize_problem(app, query)
  if query.response_type ~= "code" then return "unsupported_response_type" end
  if query.sandbox_pick == "deny" then return "access_denied" end
  local challenge = query.code_challenge
  if challenge and (query.code_challenge_method ~= "S256" or #challenge ~= 43 or find(challenge, "[^%w_-]")) then
    return "invalid_request"
  end
  if not query.scope or not find(query.scope, "%S") then return "invalid_scope" end
  for _, scope in ipairs(authorization_server.split(query.scope)) do
    -- Scopes of other products are unknown here and accepted.
    if find(scope, "^calendars") and not app.oauth.known_scopes[scope] then return "invalid_scope" end
  end
  local pick = query.sandbox_pick
  if pick and pick ~= "company" and not app.store.locations:get(pick) then return "invalid_request" end
end

-- User type and location id of `sandbox_pick`.
local function picked(pick)
  if pick == "company" then return "Company" end
  return pick and "Location", pick
end

--- Redirects with a code, or with an error. Raises a 400 for an unknown client or a wrong redirect_uri.
-- @tparam table app
-- @tparam table request
-- @tparam table facts of the request: gets `endpoint`, `headers`
-- @treturn integer status
-- @treturn table body
function pages.choose_location(app, request, facts)
  facts.endpoint, facts.headers = "oauth.choose_location", {}
  local query = first_values(request.query_string)
  check_client(app.oauth.settings, query)
  local problem = authorize_problem(app, query)
  local result = problem and { "error", problem }
  if not problem then
    local user_type, location_id = picked(query.sandbox_pick)
    result = {
      "code",
      app.oauth.server:new_code {
        user_type = user_type,
        location_id = location_id,
        scopes = authorization_server.split(query.scope),
        redirect_uri = query.redirect_uri,
        challenge = query.code_challenge,
      },
    }
  end
  if query.state then
    result[3], result[4] = "state", query.state
  end
  local joint = find(query.redirect_uri, "?", 1, true) and "&" or "?"
  facts.headers["location"] = query.redirect_uri .. joint .. core.query(result)
  return 302, {}
end

return pages
