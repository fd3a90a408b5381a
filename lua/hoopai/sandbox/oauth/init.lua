--- The OAuth endpoints, with what can go wrong between a token endpoint and its clients.
--
--     GET  /v2/oauth/chooselocation     what a person's browser would see; answers the redirect with the code at once
--     POST /oauth/token                 authorization_code and refresh_token; strict rotation
--     POST /oauth/locationToken         a location's token for an agency's
--     GET  /oauth/installedLocations    where the app is installed
--
-- With the option `camel_case` answers are spelt as in version v3 (`accessToken`), and forms may be.
-- The options and `sandbox_pick` are described in `hoopai.sandbox`, what specs can do in `hoopai.sandbox.server.admin`.
-- @module hoopai.sandbox.oauth

local core = require "hoopai.core"
local access = require "hoopai.sandbox.domain.access"
local checks = require "hoopai.sandbox.domain.checks"
local token_faults = require "hoopai.sandbox.oauth.token_faults"
local authorization_server = require "hoopai.sandbox.oauth.authorization_server"
local rate_limit = require "hoopai.sandbox.domain.rate_limit"
local api_errors = require "hoopai.sandbox.api_errors"
local router = require "hoopai.sandbox.server.router"

local find, format, gsub, lower, upper = string.find, string.format, string.gsub, string.lower, string.upper
local ipairs, pairs, tonumber, type = ipairs, pairs, tonumber, type

local oauth = {}

local NO_FAULT = {}
local NAME_OF_GRANT = { authorization_code = true, refresh_token = true }

-- Reading and writing -------------------------------------------------------------------------------------------------

local function snake(name)
  return (gsub(name, "%u", function(letter) return "_" .. lower(letter) end))
end

local function camel(name)
  return (gsub(name, "_(%l)", upper))
end

local function rename(fields, how)
  local renamed = {}
  for name, value in pairs(fields) do renamed[how(name)] = value end
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

-- The members of a form: name -> text. An empty one is as good as none.
-- The second result says what is wrong with it.
local function read_form(app, request)
  local kind, text = request.headers["content-type"] or "", request.body or ""
  if app.oauth.settings.camel_case and find(kind, "json", 1, true) then return read_json(text) end
  if not find(kind, "^application/x%-www%-form%-urlencoded") then
    return {}, "the body must be application/x-www-form-urlencoded"
  end
  local form = {}
  for name, values in pairs(router.parse_query(text)) do
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
  client_id = true, client_secret = true, grant_type = true, code = true, refresh_token = true, user_type = true,
  redirect_uri = true, code_verifier = true,
}

local function check_names(form, known)
  for name in pairs(form) do
    if not known[name] then return format("property %s should not exist", name) end
  end
end

local TOKEN_SHAPE = { fields = { approvedLocations = { array = true } } }

local function spell(app, answer)
  return app.oauth.settings.camel_case and rename(answer, camel) or answer
end

-- Token ---------------------------------------------------------------------------------------------------------------

-- What version v3 calls otherwise.
local RENAMED = {
  ["/oauth/location-token"] = "/oauth/locationToken", ["/oauth/installed-locations"] = "/oauth/installedLocations",
}

local function path_of(app, request)
  return app.oauth.settings.camel_case and RENAMED[request.path] or request.path
end

--- Looks at a request as it arrives, before it is handled: takes the fault that was scripted for it.
-- @tparam table app
-- @tparam table request gets `arrival`
-- @treturn integer milliseconds that it must wait before it is handled
function oauth.arrive(app, request)
  local form, problem, what
  if request.method == "POST" and request.path == "/oauth/token" then
    form, problem = read_token_form(app, request)
    what = form.grant_type
  elseif request.method == "POST" and path_of(app, request) == "/oauth/locationToken" then
    what = "location_token"
  else
    return 0
  end
  local arrival = { form = form, problem = problem, allowed = true }
  if form then arrival.allowed, arrival.headers = app.oauth.rate:take(form.client_id or "") end
  arrival.fault = arrival.allowed and token_faults.take(app.oauth.faults, what) or NO_FAULT
  request.arrival = arrival
  return arrival.fault.latency_ms or 0
end

local function begin(app, request, facts, record)
  if not request.arrival then oauth.arrive(app, request) end
  local arrival = request.arrival
  record.fault = token_faults.name(arrival.fault)
  facts.record, facts.fault, facts.headers = app.oauth.issuer:record(record), arrival.fault, arrival.headers
  return arrival
end

-- What the fault has instead of the work: nothing is exchanged.
local function stop_early(fault)
  if fault.drop == "before" then return 503, {} end
  if fault.status and not fault.apply then return fault.status // 1, {} end
end

local function token(app, request, facts)
  facts.endpoint = "oauth.token"
  local arrival = begin(app, request, facts, {})
  local form, record = arrival.form, facts.record
  record.grant = NAME_OF_GRANT[form.grant_type] and form.grant_type or "other"
  record.client_id = form.client_id == app.oauth.settings.client_id and form.client_id or nil
  if not arrival.allowed then
    app.oauth.issuer:count "limited"
    api_errors.too_many "Too Many Requests"
  end
  local status, body = stop_early(arrival.fault)
  if status then return status, body end
  local problem = arrival.problem or check_names(form, TOKEN_FORM)
  if problem then api_errors.oauth(400, "invalid_request", problem) end
  local answer = app.oauth.issuer:exchange(form, record, arrival.fault)
  return 200, spell(app, token_faults.bend(arrival.fault, answer)), TOKEN_SHAPE
end

-- For an agency's own token -------------------------------------------------------------------------------------------

-- A Private Integration token of an agency has the class, but was not issued here: these endpoints refuse it.
local function agency(app, request, facts, scope)
  local entry = access.token(app.tokens, request, app.now())
  local allowed, headers = app.rate:take(entry.company_id or entry.location_id or "")
  facts.headers, facts.location_id = facts.headers or headers, entry.location_id
  if not allowed then api_errors.too_many "Too Many Requests" end
  access.version(request)
  if not entry.company_id then access.refuse_class() end
  if not entry.scopes[scope] then api_errors.unauthorized("The token is not authorized for this scope.") end
  return entry
end

local function check_company(app, entry, company_id)
  if company_id ~= entry.company_id or company_id ~= app.seed.company_id then
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
  local entry = agency(app, request, facts, "oauth.write")
  local status, body = stop_early(arrival.fault)
  if status then return status, body end
  local form = location_form(app, request)
  check_company(app, entry, form.companyId)
  local answer = app.oauth.issuer:location_token(entry, form.locationId, facts.record)
  return 200, spell(app, token_faults.bend(arrival.fault, answer))
end

local INSTALLED_QUERY = {
  { name = "skip", type = "string", pattern = "^%d+$" }, { name = "limit", type = "string", pattern = "^%d+$" },
  { name = "query", type = "string" }, { name = "isInstalled", type = "boolean" },
  { name = "companyId", type = "string", required = true }, { name = "appId", type = "string", required = true },
  { name = "versionId", type = "string" }, { name = "onTrial", type = "boolean" },
  { name = "planId", type = "string" }, { name = "locationId", type = "string" },
}

local function installed_view(app, location)
  local is_installed = not app.oauth.issuer.uninstalled[location.id]
  return {
    _id = location.id, name = location.name, address = location.address or "", isInstalled = is_installed,
    versionId = is_installed and app.oauth.issuer.app_id or nil,
  }
end

local function is_wanted(shown, query)
  return (query.isInstalled == nil or shown.isInstalled == query.isInstalled)
    and (not query.locationId or shown._id == query.locationId)
    and (not query.query or find(lower(shown.name), lower(query.query), 1, true))
    -- Nobody is on trial, and nobody has a plan.
    and not query.onTrial and not query.planId and (not query.versionId or shown.versionId == query.versionId)
end

local function installed_locations(app, request, facts)
  facts.endpoint = "oauth.installed_locations"
  local entry = agency(app, request, facts, "oauth.readonly")
  local query, problems = checks.query(INSTALLED_QUERY, router.parse_query(request.query_string))
  if problems[1] then api_errors.unprocessable(problems) end
  check_company(app, entry, query.companyId)
  if query.appId ~= app.oauth.issuer.app_id then api_errors.bad_request("App not found") end
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

-- Signing in ----------------------------------------------------------------------------------------------------------

local AUTHORIZE_QUERY = {
  response_type = true, client_id = true, redirect_uri = true, scope = true, state = true, code_challenge = true,
  code_challenge_method = true, version_id = true, loginWindowOpenMode = true, sandbox_pick = true,
}

local function first_values(query_string)
  local values = {}
  for name, list in pairs(router.parse_query(query_string)) do
    if not AUTHORIZE_QUERY[name] then api_errors.bad_request(format("property %s should not exist", name)) end
    if list[2] then api_errors.bad_request(name .. " must not be repeated") end
    values[name] = list[1]
  end
  return values
end

-- Of these a browser is told on a page of the server's own: it is not sent to an address that may be anybody's.
local function check_client(settings, query)
  if query.client_id ~= settings.client_id then api_errors.bad_request("client_id is invalid") end
  local uri = query.redirect_uri or ""
  local is_good = settings.redirect_uri and uri == settings.redirect_uri
    or not settings.redirect_uri and find(uri, "^https?://[%w%.%-%[%]:]+[^#%c ]*$")
  if not is_good then api_errors.bad_request("redirect_uri is invalid") end
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
    -- Of other products we know nothing; of ours a misspelt one is found out.
    if find(scope, "^calendars") and not app.oauth.known_scopes[scope] then return "invalid_scope" end
  end
  local pick = query.sandbox_pick
  if pick and pick ~= "company" and not app.store.locations:get(pick) then return "invalid_request" end
end

-- What the person picked, as the members of a code.
local function picked(pick)
  if pick == "company" then return "Company" end
  return pick and "Location", pick
end

local function choose_location(app, request, facts)
  facts.endpoint, facts.headers = "oauth.choose_location", {}
  local query = first_values(request.query_string)
  check_client(app.oauth.settings, query)
  local problem = authorize_problem(app, query)
  local back = problem and { "error", problem }
  if not problem then
    local class, location_id = picked(query.sandbox_pick)
    back = { "code", app.oauth.issuer:new_code {
      class = class, location_id = location_id, scopes = authorization_server.split(query.scope),
      redirect_uri = query.redirect_uri, challenge = query.code_challenge,
    } }
  end
  if query.state then back[3], back[4] = "state", query.state end
  local joint = find(query.redirect_uri, "?", 1, true) and "&" or "?"
  facts.headers["location"] = query.redirect_uri .. joint .. core.query(back)
  return 302, {}
end

-- The way in ----------------------------------------------------------------------------------------------------------

local ROUTES = {
  ["POST /oauth/token"] = token,
  ["POST /oauth/locationToken"] = location_token,
  ["GET /oauth/installedLocations"] = installed_locations,
  ["GET /v2/oauth/chooselocation"] = choose_location,
}

--- Whether a path is one of ours.
-- @tparam string path
-- @treturn boolean
function oauth.is_path(path)
  return find(path, "^/oauth/") ~= nil or find(path, "^/v2/oauth/") ~= nil
end

--- Answers a request; refuses what is wrong.
-- @tparam table app
-- @tparam table request
-- @tparam table facts of the request: gets `endpoint`, `headers`, `record`, `fault`
-- @treturn integer status
-- @treturn table body
-- @treturn ?table shape
function oauth.serve(app, request, facts)
  local route = ROUTES[request.method .. " " .. path_of(app, request)]
  if not route then api_errors.not_found(format("Cannot %s %s", request.method, request.path)) end
  return route(app, request, facts)
end

--- Finishes the answer of an exchange: completes the record, and lets the fault have its way.
-- @tparam table app
-- @tparam table facts of the request
-- @tparam table answer `status`, `headers`, `body`
-- @tparam table body before it became text
-- @treturn table the answer; that of an exchange has `record`, and with a fault `delay_ms`, `drop` and `truncate`
function oauth.finish(app, facts, answer, body)
  local record = facts.record
  if not record then return answer end
  record.status = answer.status
  if answer.status >= 400 then record.error = body.error end
  if record.error and answer.status ~= 429 then app.oauth.issuer:count "refused" end
  answer.record, record.readable = record, answer.status == 200 and token_faults.is_readable(facts.fault)
  return token_faults.apply(facts.fault, answer)
end

-- State ---------------------------------------------------------------------------------------------------------------

--- The settings of the options, with what was left out. The client stays the same over a reset.
-- @tparam ?table given
-- @treturn table
function oauth.settings(given)
  local settings = {
    expires_in = 86399, refresh_expires_in = 31536000, rate = 5, grace_seconds = 0, camel_case = false,
    revoke_on_reuse = false, locations = 0,
  }
  for name, value in pairs(given or {}) do settings[name] = value end
  local mark = settings.mark or ""
  settings.client_id = settings.client_id or core.random_hex(12) .. "-" .. core.random_hex(4)
  settings.client_secret = settings.client_secret or mark .. core.random_hex(16)
  return settings
end

--- A new budget of exchanges.
-- @tparam number|table|boolean limit per minute; or `{ max, interval_ms }`; false: none
-- @tparam function clock milliseconds
-- @treturn table
function oauth.rate(limit, clock)
  if type(limit) == "number" then limit = { max = limit } end
  return rate_limit.new(limit and {
    max = limit.max or 5, interval_ms = limit.interval_ms or 60000, daily = 100000000,
  }, clock)
end

--- Puts everything back to the beginning: no codes, no tokens, no faults, an empty ledger.
-- @tparam table app
-- @tparam function clock milliseconds, for the rate
function oauth.reset(app, clock)
  local settings = {}
  for name, value in pairs(app.oauth_settings) do settings[name] = value end
  local scopes = access.scopes(app.router.endpoints)
  scopes[#scopes + 1] = "oauth.readonly"
  scopes[#scopes + 1] = "oauth.write"
  local known = {}
  for _, scope in ipairs(scopes) do known[scope] = true end
  app.oauth = {
    settings = settings, known_scopes = known, faults = {}, rate = oauth.rate(settings.rate, clock), clock = clock,
    issuer = authorization_server.new {
      settings = settings, store = app.store, access = app.tokens, now = app.now, scopes = scopes,
      company_id = app.seed.company_id, location_id = app.seed.location_id, user_id = app.seed.users.okafor,
    },
  }
end

--- What a handle tells of it.
-- @tparam table app
-- @tparam string url of the server
-- @treturn table
function oauth.facts(app, url)
  local settings = app.oauth.settings
  return {
    client_id = settings.client_id, client_secret = settings.client_secret, app_id = app.oauth.issuer.app_id,
    company_id = app.seed.company_id, authorize_url = url .. "/v2/oauth/chooselocation",
    locations = app.oauth.issuer:installed(),
  }
end

return oauth
