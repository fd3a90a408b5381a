--- The OAuth endpoints, with scripted faults between the token endpoint and its clients.
--
--     GET  /v2/oauth/chooselocation     the authorization endpoint: redirects with a code at once
--     POST /oauth/token                 authorization_code and refresh_token; strict rotation
--     POST /oauth/locationToken         a location's access token for an agency's
--     GET  /oauth/installedLocations    the locations on which the app is installed
--
-- With the option `camel_case` responses are spelt as in version v3 (`accessToken`), and forms may be.
-- The options and `sandbox_pick` are described in `hoopai.sandbox`, the faults in `hoopai.sandbox.server.admin`.
-- @module hoopai.sandbox.oauth

local core = require "hoopai.core"
local access = require "hoopai.sandbox.domain.access"
local checks = require "hoopai.sandbox.domain.checks"
local token_faults = require "hoopai.sandbox.oauth.token_faults"
local authorization_server = require "hoopai.sandbox.oauth.authorization_server"
local pages = require "hoopai.sandbox.oauth.pages"
local query_string = require "hoopai.sandbox.query_string"
local rate_limit = require "hoopai.sandbox.domain.rate_limit"
local api_errors = require "hoopai.sandbox.api_errors"

local find, format, gsub, lower, upper = string.find, string.format, string.gsub, string.lower, string.upper
local ipairs, pairs, tonumber, type = ipairs, pairs, tonumber, type

local oauth = {}

local NO_FAULT = {}
local GRANT_TYPES = { authorization_code = true, refresh_token = true }

-- Forms and spelling -------------------------------------------------------------------------------------------------

local function snake(name)
  return (gsub(name, "%u", function(letter) return "_" .. lower(letter) end))
end

local function camel(name) return (gsub(name, "_(%l)", upper)) end

local function rename(fields, new_name)
  local renamed = {}
  for name, value in pairs(fields) do
    renamed[new_name(name)] = value
  end
  return renamed
end

local function read_json(text)
  local body = core.decode(text)
  if type(body) ~= "table" then return {}, "the body is no JSON object" end
  for name, value in pairs(body) do
    if type(name) ~= "string" or type(value) ~= "string" then return {}, "the members of the body must be strings" end
  end
  return body
end

-- The fields of a form: name -> text, without empty ones. The second result is a problem, or nil.
local function read_form(app, request)
  local kind, text = request.headers["content-type"] or "", request.body or ""
  if app.oauth.settings.camel_case and find(kind, "json", 1, true) then return read_json(text) end
  if not find(kind, "^application/x%-www%-form%-urlencoded") then
    return {}, "the body must be application/x-www-form-urlencoded"
  end
  local form = {}
  for name, values in pairs(query_string.parse(text)) do
    if values[2] then return form, name .. " must not be repeated" end
    form[name] = values[1] ~= "" and values[1] or nil
  end
  return form
end

local function read_token_form(app, request)
  local form, problem = read_form(app, request)
  return app.oauth.settings.camel_case and rename(form, snake) or form, problem
end

local TOKEN_FORM = {
  client_id = true,
  client_secret = true,
  grant_type = true,
  code = true,
  refresh_token = true,
  user_type = true,
  redirect_uri = true,
  code_verifier = true,
}

local function check_names(form, known)
  for name in pairs(form) do
    if not known[name] then return format("property %s should not exist", name) end
  end
end

local TOKEN_SHAPE = { fields = { approvedLocations = { array = true } } }

local function spell(app, response) return app.oauth.settings.camel_case and rename(response, camel) or response end

-- Token --------------------------------------------------------------------------------------------------------------

-- Paths of version v3.
local RENAMED = {
  ["/oauth/location-token"] = "/oauth/locationToken",
  ["/oauth/installed-locations"] = "/oauth/installedLocations",
}

local function path_of(app, request) return app.oauth.settings.camel_case and RENAMED[request.path] or request.path end

--- Prepares a request of a token endpoint when it arrives: applies the rate limit and takes the scripted fault.
-- @tparam table app
-- @tparam table request gets `arrival`
-- @treturn integer milliseconds to wait before the request is handled
function oauth.arrive(app, request)
  local form, problem, grant
  if request.method == "POST" and request.path == "/oauth/token" then
    form, problem = read_token_form(app, request)
    grant = form.grant_type
  elseif request.method == "POST" and path_of(app, request) == "/oauth/locationToken" then
    grant = "location_token"
  else
    return 0
  end
  local arrival = { form = form, problem = problem, allowed = true }
  if form then
    arrival.allowed, arrival.headers = app.oauth.rate_limit:acquire(form.client_id or "")
  end
  arrival.fault = arrival.allowed and token_faults.take(app.oauth.faults, grant) or NO_FAULT
  request.arrival = arrival
  return arrival.fault.latency_ms or 0
end

local function begin(app, request, facts, entry)
  if not request.arrival then oauth.arrive(app, request) end
  local arrival = request.arrival
  entry.fault = token_faults.name(arrival.fault)
  facts.entry, facts.fault, facts.headers = app.oauth.server:begin(entry), arrival.fault, arrival.headers
  return arrival
end

-- The status of a fault that replaces the exchange.
local function replaced_by(fault)
  if fault.drop == "before" then return 503, {} end
  if fault.status and not fault.apply then return fault.status // 1, {} end
end

local function token(app, request, facts)
  facts.endpoint = "oauth.token"
  local arrival = begin(app, request, facts, {})
  local form, entry = arrival.form, facts.entry
  entry.grant = GRANT_TYPES[form.grant_type] and form.grant_type or "other"
  entry.client_id = form.client_id == app.oauth.settings.client_id and form.client_id or nil
  if not arrival.allowed then
    app.oauth.server:count "limited"
    api_errors.too_many "Too Many Requests"
  end
  local status, body = replaced_by(arrival.fault)
  if status then return status, body end
  local problem = arrival.problem or check_names(form, TOKEN_FORM)
  if problem then api_errors.oauth(400, "invalid_request", problem) end
  local response = app.oauth.server:exchange(form, entry, arrival.fault)
  return 200, spell(app, token_faults.change(arrival.fault, response)), TOKEN_SHAPE
end

-- For an agency's token ----------------------------------------------------------------------------------------------

-- A Private Integration token of an agency has the user type, but was not issued here: these endpoints reject it.
local function agency(app, request, facts, scope)
  local agency_token = access.token(app.tokens, request, app.now())
  local allowed, headers = app.rate_limit:acquire(agency_token.company_id or agency_token.location_id or "")
  facts.headers, facts.location_id = facts.headers or headers, agency_token.location_id
  if not allowed then api_errors.too_many "Too Many Requests" end
  access.version(request)
  if not agency_token.company_id then access.wrong_user_type() end
  if not agency_token.scopes[scope] then api_errors.unauthorized("The token is not authorized for this scope.") end
  return agency_token
end

local function check_company(app, agency_token, company_id)
  if company_id ~= agency_token.company_id or company_id ~= app.seed.company_id then
    api_errors.forbidden("The token does not have access to this company.")
  end
end

local LOCATION_FORM = { companyId = true, locationId = true }

local function location_form(app, request)
  local form, problem = read_form(app, request)
  local problems = { problem or check_names(form, LOCATION_FORM) }
  for _, name in ipairs { "companyId", "locationId" } do
    if not form[name] then problems[#problems + 1] = name .. " must be a string" end
  end
  if problems[1] then api_errors.unprocessable(problems) end
  return form
end

local function location_token(app, request, facts)
  facts.endpoint = "oauth.location_token"
  local arrival = begin(app, request, facts, { grant = "location_token" })
  local agency_token = agency(app, request, facts, "oauth.write")
  local status, body = replaced_by(arrival.fault)
  if status then return status, body end
  local form = location_form(app, request)
  check_company(app, agency_token, form.companyId)
  local response = app.oauth.server:location_token(agency_token, form.locationId, facts.entry)
  return 200, spell(app, token_faults.change(arrival.fault, response))
end

local INSTALLED_QUERY = {
  { name = "skip", type = "string", pattern = "^%d+$" },
  { name = "limit", type = "string", pattern = "^%d+$" },
  { name = "query", type = "string" },
  { name = "isInstalled", type = "boolean" },
  { name = "companyId", type = "string", required = true },
  { name = "appId", type = "string", required = true },
  { name = "versionId", type = "string" },
  { name = "onTrial", type = "boolean" },
  { name = "planId", type = "string" },
  { name = "locationId", type = "string" },
}

local function installed_view(app, location)
  local is_installed = not app.oauth.server.uninstalled[location.id]
  return {
    _id = location.id,
    name = location.name,
    address = location.address or "",
    isInstalled = is_installed,
    versionId = is_installed and app.oauth.server.app_id or nil,
  }
end

local function is_wanted(shown, query)
  return (query.isInstalled == nil or shown.isInstalled == query.isInstalled)
    and (not query.locationId or shown._id == query.locationId)
    and (not query.query or find(lower(shown.name), lower(query.query), 1, true))
    -- No location is on trial or has a plan.
    and not query.onTrial
    and not query.planId
    and (not query.versionId or shown.versionId == query.versionId)
end

local function installed_locations(app, request, facts)
  facts.endpoint = "oauth.installed_locations"
  local agency_token = agency(app, request, facts, "oauth.readonly")
  local query, problems = checks.query(INSTALLED_QUERY, query_string.parse(request.query_string))
  if problems[1] then api_errors.unprocessable(problems) end
  check_company(app, agency_token, query.companyId)
  if query.appId ~= app.oauth.server.app_id then api_errors.bad_request("App not found") end
  local skip, limit = tonumber(query.skip) or 0, tonumber(query.limit) or 20
  local page, count = core.array {}, 0
  for _, location in ipairs(app.store.locations.items) do
    local shown = installed_view(app, location)
    if is_wanted(shown, query) then
      count = count + 1
      if count > skip and #page < limit then page[#page + 1] = shown end
    end
  end
  return 200, { locations = page, count = count, installToFutureLocations = true, traceId = facts.trace_id }
end

-- Routes -------------------------------------------------------------------------------------------------------------

local ROUTES = {
  ["POST /oauth/token"] = token,
  ["POST /oauth/locationToken"] = location_token,
  ["GET /oauth/installedLocations"] = installed_locations,
  ["GET /v2/oauth/chooselocation"] = pages.choose_location,
}

--- Whether a path is that of an OAuth endpoint.
-- @tparam string path
-- @treturn boolean
function oauth.is_path(path) return find(path, "^/oauth/") ~= nil or find(path, "^/v2/oauth/") ~= nil end

--- Handles a request. Raises an error of `hoopai.sandbox.api_errors` for a wrong one.
-- @tparam table app
-- @tparam table request
-- @tparam table facts of the request: gets `endpoint`, `headers`, `entry` (of the ledger), `fault`
-- @treturn integer status
-- @treturn table body
-- @treturn ?table shape
function oauth.serve(app, request, facts)
  local route = ROUTES[request.method .. " " .. path_of(app, request)]
  if not route then api_errors.not_found(format("Cannot %s %s", request.method, request.path)) end
  return route(app, request, facts)
end

--- Finishes the response of an exchange: completes the ledger entry and applies the fault.
-- @tparam table app
-- @tparam table facts of the request
-- @tparam table response `status`, `headers`, `body`
-- @tparam table body before its encoding
-- @treturn table the response; that of an exchange has `entry`, and with a fault `delay_ms`, `drop` and `truncate`
function oauth.finish(app, facts, response, body)
  local entry = facts.entry
  if not entry then return response end
  entry.status = response.status
  if response.status >= 400 then entry.error = body.error end
  if entry.error and response.status ~= 429 then app.oauth.server:count "refused" end
  response.entry, entry.readable = entry, response.status == 200 and token_faults.is_readable(facts.fault)
  return token_faults.apply(facts.fault, response)
end

-- State --------------------------------------------------------------------------------------------------------------

--- The settings: the options and their defaults. A reset keeps the client's id and secret.
-- @tparam ?table given
-- @treturn table
function oauth.settings(given)
  local settings = {
    expires_in = 86399,
    refresh_expires_in = 31536000,
    rate = 5,
    grace_seconds = 0,
    camel_case = false,
    revoke_on_reuse = false,
    locations = 0,
  }
  for name, value in pairs(given or {}) do
    settings[name] = value
  end
  local mark = settings.mark or ""
  settings.client_id = settings.client_id or core.random_hex(12) .. "-" .. core.random_hex(4)
  settings.client_secret = settings.client_secret or mark .. core.random_hex(16)
  return settings
end

--- A new rate limit of exchanges.
-- @tparam number|table|boolean limit per minute; or `{ max, interval_ms }`; false: none
-- @tparam function clock milliseconds
-- @treturn table
function oauth.new_rate_limit(limit, clock)
  if type(limit) == "number" then limit = { max = limit } end
  return rate_limit.new(limit and {
    max = limit.max or 5,
    interval_ms = limit.interval_ms or 60000,
    daily = 100000000,
  }, clock)
end

--- Resets the state: no codes, no tokens, no faults, an empty ledger.
-- @tparam table app
-- @tparam function clock milliseconds, for the rate limit
function oauth.reset(app, clock)
  local settings = {}
  for name, value in pairs(app.oauth_settings) do
    settings[name] = value
  end
  local scopes = access.scopes(app.router.endpoints)
  scopes[#scopes + 1] = "oauth.readonly"
  scopes[#scopes + 1] = "oauth.write"
  local known = {}
  for _, scope in ipairs(scopes) do
    known[scope] = true
  end
  app.oauth = {
    settings = settings,
    known_scopes = known,
    faults = {},
    clock = clock,
    rate_limit = oauth.new_rate_limit(settings.rate, clock),
    server = authorization_server.new {
      settings = settings,
      store = app.store,
      access = app.tokens,
      now = app.now,
      scopes = scopes,
      company_id = app.seed.company_id,
      location_id = app.seed.location_id,
      user_id = app.seed.users.okafor,
      announce = function(what, authorization) app:announce(what, authorization) end,
    },
  }
end

--- The field `oauth` of a sandbox's handle.
-- @tparam table app
-- @tparam string url of the server
-- @treturn table
function oauth.facts(app, url)
  local settings = app.oauth.settings
  return {
    client_id = settings.client_id,
    client_secret = settings.client_secret,
    redirect_uri = settings.redirect_uri,
    app_id = app.oauth.server.app_id,
    company_id = app.seed.company_id,
    authorize_url = url .. "/v2/oauth/chooselocation",
    locations = app.oauth.server:installed(),
  }
end

return oauth
