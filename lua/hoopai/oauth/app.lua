--- Signing in with OAuth, and the tokens of an app.
--
-- An app is made by `hoopai.oauth`. A person signs in once: @{App:authorize_url} makes the address for a browser,
-- @{App:exchange} exchanges the code that comes back for tokens and stores them. From then on clients of the app take
-- their tokens from the store and renew them there:
--
--     local app <close> = hoopai.oauth {
--       client_id = os.getenv("HOOPAI_CLIENT_ID"), client_secret = os.getenv("HOOPAI_CLIENT_SECRET"),
--       store = hoopai.store.file(os.getenv("HOME") .. "/.hoopai"),
--     }
--     local client <close> = hoopai.new { oauth = app, location_id = "..." }
--
-- A token is renewed before it expires: in the background of tasks when less than ten minutes (or 5 % of its life) are
-- left, and before a call is sent when less than a minute is left. A call whose token is refused renews it once and is
-- repeated once. Per location or agency one exchange runs at a time, in this program and on this host.
--
-- Tokens, codes and secrets are in no error, hook, log line or `tostring`.
-- @module hoopai.oauth
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local grants = require "hoopai.oauth.grants"
local installation = require "hoopai.oauth.installation"
local options = require "hoopai.options"
local private = require "hoopai.private"
local pkce = require "hoopai.oauth.pkce"
local async = require "hoopai.async"
local store = require "hoopai.store"
local token_endpoint = require "hoopai.oauth.token_endpoint"
local token_manager = require "hoopai.oauth.token_manager"

local type, tostring, next, pairs, ipairs = type, tostring, next, pairs, ipairs
local error, setmetatable, pcall = error, setmetatable, pcall
local format, match, concat, math_type = string.format, string.match, table.concat, math.type

local MOST_PAGES = 1000 -- of a list of locations

local SIGN_IN_HOSTS = {
  standard = "https://marketplace.gohighlevel.com",
  white_label = "https://marketplace.leadconnectorhq.com",
}

local App = private.seal { __name = "hoopai.App" }
local states = private.states "hoopai.App"
local methods = {}
App.__index = methods

function App.__tostring(app)
  local state = states[app]
  return format("hoopai.App (%s, client %s)", state.base_url, state.client_id)
end

local function state_of(app, method)
  return states[app] or errors.raise(format("call it with a colon: app:%s(...)", method))
end

--- Runs a function that uses the store: it stores what it gets even if its caller is cancelled.
local function as_whole(state, what, fn)
  return async.as_whole(what, function(whole) return state.endpoint:background(whole) end, fn)
end

local forget_fields = { location_id = "api_id", company_id = "api_id" }

local url_fields = {
  redirect_uri = "redirect_uri",
  scopes = "scopes",
  state = "id",
  pkce = "boolean",
  host = "id",
  code_verifier = "string",
  version_id = "id",
}

-- A check returns what a field must be, nil if it is right.
local field_checks = {
  id = options.id_problem,
  api_id = options.api_id_problem,
  scopes = options.scopes_problem,
  redirect_uri = options.redirect_uri_problem,
}

function field_checks.secret(value)
  local ok = type(value) == "string" or type(value) == "userdata"
  return not ok and "a string" or nil
end

--- Checks the fields of an argument. They are read once, and raw: the caller's metamethods could return other values
-- after the checks.
-- @treturn table a copy
local function check_fields(what, given, known)
  if type(given) ~= "table" then
    local example = known == forget_fields and "{ location_id = ... }"
      or known.code and "{ code = ... }"
      or known.pkce and "{ redirect_uri = ... }"
      or "{ company_id = ... }"
    errors.raise(format("%s expects a table such as %s, got %s", what, example, type(given)))
  end
  local copy = {}
  for name, value in next, given do
    local expected = known[name]
    if not expected then
      local question = errors.did_you_mean(name, known)
      errors.raise(format("unknown field `%s` of %s%s", tostring(name), what, question and ", " .. question or ""))
    end
    if expected == "scopes" then value = options.copy(value) end
    local check = field_checks[expected]
    local problem = check and check(value)
    if not check and type(value) ~= expected and math_type(value) ~= expected then problem = "a " .. expected end
    if problem then
      local got = type(value) ~= "string" and type(value) ~= "table" and ", got " .. type(value) or ""
      errors.raise(format("field `%s` of %s must be %s%s", name, what, problem, got))
    end
    copy[name] = value
  end
  return copy
end

--- What @{App:authorize_url} returns beside the address, to be kept until the browser comes back.
-- @table SignIn
-- @tfield string state what the browser must bring back as `state`: else the code belongs to another sign-in
-- @tfield string redirect_uri for @{App:exchange}
-- @tfield[opt] userdata code_verifier for @{App:exchange}, with `pkce`

local function add(query, name, value)
  query[#query + 1], query[#query + 2] = name, value
end

--- The address that a person opens to sign in and to choose where to install the app.
-- @tparam table given
-- @tparam[opt] table given.scopes list of the scopes to request. Default: the app's. Without any the address has no
-- `scope`, and the vendor may refuse the sign-in
-- @tparam[opt] string given.redirect_uri where the browser is sent back to. Default: the app's
-- @tparam[opt] string given.state what the browser brings back. Default: 128 random bits
-- @tparam[opt=false] boolean given.pkce whether the code is bound to this sign-in (PKCE, S256)
-- @tparam[opt] string given.code_verifier the secret of PKCE, 43 to 128 letters, digits or `-._~`, instead of a random
-- one; means `pkce` too
-- @tparam[opt="standard"] string given.host "standard", "white_label" (the vendor's page without its brand), or the
-- address of another host
-- @tparam[opt] string given.version_id the version of the app, which a link to an app that is not live needs
-- @treturn string the address
-- @treturn SignIn
-- @raise for an unknown or wrong field, and without a `redirect_uri`
function methods:authorize_url(given)
  local state = state_of(self, "authorize_url")
  given = check_fields("app:authorize_url", given, url_fields)
  local redirect_uri = given.redirect_uri or state.redirect_uri
  if not redirect_uri then errors.raise("app:authorize_url needs a redirect_uri") end
  local sign_in = { state = given.state or core.random_hex(16), redirect_uri = redirect_uri }
  local query = {
    "response_type",
    "code",
    "client_id",
    state.client_id,
    "redirect_uri",
    redirect_uri,
  }
  local scopes = given.scopes or state.scopes
  if scopes then add(query, "scope", concat(scopes, " ")) end
  add(query, "state", sign_in.state)
  if given.version_id then add(query, "version_id", given.version_id) end
  if given.pkce or given.code_verifier then
    local verifier = given.code_verifier or pkce.verifier()
    if not pkce.is_verifier(verifier) then
      errors.raise("field `code_verifier` of app:authorize_url must be 43 to 128 of A-Z a-z 0-9 - . _ ~")
    end
    add(query, "code_challenge", pkce.challenge(verifier))
    add(query, "code_challenge_method", "S256")
    sign_in.code_verifier = core.secret(verifier)
  end
  local host = given.host or "standard"
  local base = core.base_url(SIGN_IN_HOSTS[host] or host)
  if not base then
    errors.raise('field `host` of app:authorize_url must be "standard", "white_label" or an https address')
  end
  return base .. "/v2/oauth/chooselocation?" .. core.query(query), sign_in
end

--- A secret from a field; nil without one; or nil and an error.
local function as_secret(name, given)
  if type(given) ~= "string" then return given end
  local secret, problem = core.secret(given)
  if secret then return secret end
  return nil, errors.new { kind = "invalid_request", message = format("the %s is unusable: %s", name, problem) }
end

--- The error of a closed app; nil if it is open. Raises in a child process.
local function closed_error(state)
  if state.endpoint.closed then return errors.new { kind = "closed", message = "the app is closed" } end
  state.endpoint:check_process()
end

local exchange_fields =
  { code = "secret", redirect_uri = "redirect_uri", code_verifier = "secret", user_type = "string" }

--- The location or agency of a sign-in.
-- @table Grant
-- @tfield[opt] string location_id the location, of a "Location"
-- @tfield[opt] string company_id the agency
-- @tfield[opt] string user_id the user who signed in
-- @tfield string user_type "Location" or "Company"
-- @tfield[opt] string scope the granted scopes, separated by spaces

--- Exchanges the code of a sign-in for tokens, and stores them. A code works once; the request is never repeated.
-- Before, the store is locked, and room in it reserved. If the tokens cannot be stored all the same, such as behind a
-- lock that another program holds, the error has `applied = "yes"`, and this app keeps them: its clients use them, and
-- store them as soon as they can.
-- @tparam table given
-- @tparam string given.code the `code` that the browser brought back
-- @tparam[opt] string given.redirect_uri the same as for @{App:authorize_url}. Default: the app's
-- @tparam[opt] string|userdata given.code_verifier the one that @{App:authorize_url} returned
-- @tparam[opt="Location"] string given.user_type "Location", or "Company" for the token of an agency
-- @treturn[1] Grant
-- @treturn[2] nil
-- @treturn[2] Error
-- @raise for an unknown or wrong field, and without a `code`
function methods:exchange(given)
  local state = state_of(self, "exchange")
  given = check_fields("app:exchange", given, exchange_fields)
  if not given.code then errors.raise("app:exchange needs the field `code`") end
  local user_type = given.user_type or "Location"
  if user_type ~= "Location" and user_type ~= "Company" then
    errors.raise('field `user_type` of app:exchange must be "Location" or "Company"')
  end
  local closed = closed_error(state)
  if closed then return nil, closed end
  local code, unusable = as_secret("code", given.code)
  if not code then return nil, unusable end
  local code_verifier, unusable_too = as_secret("code_verifier", given.code_verifier)
  if unusable_too then return nil, unusable_too end
  local function exchange()
    local prepared <close>, unready = state.managers:prepare_sign_in(user_type == "Company" and state.company_id or nil)
    if not prepared then return nil, unready end
    local response, err = state.endpoint:exchange_code {
      "grant_type",
      "authorization_code",
      "code",
      code,
      "redirect_uri",
      given.redirect_uri or state.redirect_uri or false,
      "user_type",
      user_type,
      "code_verifier",
      code_verifier or false,
    }
    if not response then return nil, err end
    if not response:get("user_type") then response = response:with { user_type = user_type } end
    local stored, problem = state.managers:sign_in(response, prepared)
    if not stored then return nil, problem end
    return {
      location_id = response:get("location_id"),
      company_id = response:get("company_id"),
      user_id = response:get("user_id"),
      user_type = response:get("user_type"),
      scope = response:get("scope"),
    }
  end
  return as_whole(state, "app:exchange", exchange)
end

local installed_fields = { company_id = "api_id", limit = "integer" }

--- Iterates over the locations of an agency as the API lists them for the app:
-- `for location in app:installed_locations { company_id = id } do print(location.name) end`. The agency must have
-- signed in, with the scope `oauth.readonly`; the tokens of its locations need `oauth.write` as well.
-- @tparam[opt] table given
-- @tparam[opt] string given.company_id the agency. Default: the app's
-- @tparam[opt=100] integer given.limit locations per request
-- @treturn function an iterator of tables as the API gives them: `_id`, `name`, `address`, `isInstalled` and others.
-- It raises the @{hoopai.Error} when a page cannot be had, because a list that ends early must not look complete, and
-- of the kind "too_large" after 1,000 pages
-- @raise for an unknown or wrong field, and without a `company_id`
function methods:installed_locations(given)
  local state = state_of(self, "installed_locations")
  given = check_fields("app:installed_locations", given or {}, installed_fields)
  local company_id, limit = given.company_id or state.company_id, given.limit or 100
  if not company_id then errors.raise("app:installed_locations needs a company_id") end
  if limit < 1 then errors.raise("field `limit` of app:installed_locations must be at least 1") end
  local page, position, skip, is_over, pages = {}, 0, 0, false, 0
  local function load_page()
    local closed = closed_error(state)
    if closed then return nil, closed end
    return state.endpoint:installed_locations(state.managers:company(company_id), {
      "isInstalled",
      true,
      "companyId",
      company_id,
      "appId",
      match(state.client_id, "^[^-]+"),
      "skip",
      tostring(skip),
      "limit",
      tostring(limit),
    })
  end
  local function turn_page()
    pages = pages + 1
    if pages > MOST_PAGES then
      local message = "the list of locations did not end after %d pages; a larger `limit` needs fewer"
      error(errors.new { kind = "too_large", message = format(message, MOST_PAGES) }, 0)
    end
    local found, err = async.as_task(async.run, "app:installed_locations", load_page)
    if not found then error(err, 0) end
    local first = type(found[1]) == "table" and found[1]._id or nil
    if first ~= nil and type(page[1]) == "table" and page[1]._id == first then
      error(errors.new { kind = "protocol", message = "the list of locations begins anew on its next page" }, 0)
    end
    -- Only an empty page is the end: the API may return fewer locations than `limit`.
    page, position, skip, is_over = found, 0, skip + #found, #found == 0
  end
  return function()
    repeat -- a page may hold null
      if position == #page and not is_over then turn_page() end
      position = position + 1
    until page[position] ~= core.null
    return page[position]
  end
end

-- Where the requests of a client go. A script that has the app must not send its tokens elsewhere.
local WAYS = { "base_url", "proxy", "ca_file" }

--- Makes a client of a location, or of the agency. Its `base_url`, `proxy` and `ca_file` are the app's: others are
-- options of `hoopai.new` with the app as `oauth`.
-- @tparam[opt] table given the other options of `hoopai.new`, but for `token` and `oauth`
-- @treturn Client
-- @raise for an unknown or wrong option, and for a `base_url`, `proxy` or `ca_file` that is not the app's
function methods:client(given)
  local state = state_of(self, "client")
  local copy, class = options.copy(given or {}), private.name_of(given)
  if type(copy) ~= "table" or class then
    errors.raise("the options of app:client are a table, got " .. (class or type(copy)))
  end
  for _, name in ipairs(WAYS) do
    local of_app, value = name == "base_url" and state.base_url or state.transport[name], copy[name]
    if name == "base_url" and type(value) == "string" then value = core.base_url(value) or value end
    if value ~= nil and value ~= of_app then
      errors.raise(
        format("a client of app:client has the `%s` of its app: another one is an option of hoopai.new", name)
      )
    end
    copy[name] = of_app
  end
  copy.oauth = self
  return state.new_client(copy)
end

--- A grant in the store of an app. It holds no token.
-- @table StoredGrant
-- @tfield[opt] string location_id the location, if the grant is one of a location
-- @tfield[opt] string company_id the agency
-- @tfield[opt] string scope the granted scopes, separated by spaces
-- @tfield[opt] instant obtained_at when its access token was obtained
-- @tfield[opt] instant expires_at when its access token expires. The app renews it before

--- Lists the grants of this app in its store, by agency and location. A store of your own needs the function `list`.
-- @treturn[1] StoredGrant a list
-- @treturn[2] nil
-- @treturn[2] Error of kind "store"
function methods:grants()
  local state = state_of(self, "grants")
  local closed = closed_error(state)
  if closed then return nil, closed end
  return as_whole(state, "app:grants", function() return grants.list(state.managers) end)
end

--- Removes the tokens of a location or of an agency from the store: its clients are refused from then on, with kind
-- "reauth_required". A token exchange that runs, in any program of this host, ends before. The vendor is not informed:
-- the app stays installed there. A location that has its tokens from its agency gets new ones as long as the agency is
-- not forgotten too. A store of your own needs the function `remove`.
-- @tparam table given one of these fields
-- @tparam[opt] string given.location_id the location
-- @tparam[opt] string given.company_id the agency
-- @treturn[1] boolean true, also if there was no such grant
-- @treturn[2] nil
-- @treturn[2] Error of kind "store"
-- @raise for an unknown or wrong field, and for none or both
function methods:forget(given)
  local state = state_of(self, "forget")
  given = check_fields("app:forget", given, forget_fields)
  if (given.location_id == nil) == (given.company_id == nil) then
    errors.raise("app:forget needs either a location_id or a company_id")
  end
  local closed = closed_error(state)
  if closed then return nil, closed end
  local level = given.location_id and "location" or "company"
  local id = given[level .. "_id"]
  return as_whole(state, "app:forget", function() return grants.forget(state.managers, level, id) end)
end

--- Keeps the tokens in step with the webhooks INSTALL, UPDATE and UNINSTALL; other events change nothing. An INSTALL
-- or UPDATE makes the tokens of its location, with those of its agency, unless the location has some of after the
-- event. An UNINSTALL removes those of its location, or of its agency if it names no location, unless they are younger
-- than the event, or an INSTALL after it was applied: webhooks come in any order. A store of your own needs the
-- function `remove`.
--
-- After a failure give the event back with `webhook:release`, and respond with an error: then it is sent again.
-- @tparam Event event one that `webhook:verify` returned
-- @treturn[1] string "installed", "uninstalled" or "unchanged"
-- @treturn[2] nil
-- @treturn[2] Error of kind "invalid_request" if the event is of another app, has no time or no id
-- @raise for any other value, such as a decoded body
function methods:apply(event)
  local state = state_of(self, "apply")
  local verified = private.state("hoopai.Event", event)
  if not verified then
    errors.raise("app:apply expects an event that webhook:verify returned, got " .. errors.given(event))
  end
  local closed = closed_error(state)
  if closed then return nil, closed end
  return as_whole(
    state,
    "app:apply",
    function() return installation.apply(state.managers, verified, state.company_id) end
  )
end

--- Closes the app's connections. In a task it returns at once, and an exchange that runs is ended by the loop; outside
-- it waits for the exchange, for 45 seconds at most. Idempotent.
function methods:close() state_of(self, "close").endpoint:close() end

setmetatable(methods, {
  __index = function(_, name)
    return errors.refuse_name(
      "app",
      "an app has no",
      name,
      { "authorize_url", "exchange", "installed_locations", "client", "grants", "forget", "apply", "close" }
    )
  end,
})

App.__close = methods.close
function App.__gc(app) pcall(methods.close, app) end

-- What clients have of their app: its state, with these methods.
local State = {}
State.__index = State

--- The token source of a client, see hoopai.oauth.token_source.
-- @tparam ?string location_id
-- @tparam ?string company_id
-- @treturn TokenManager
function State:source(location_id, company_id)
  self.endpoint:check_process()
  company_id = company_id or self.company_id
  if location_id then return self.managers:location(location_id, company_id) end
  if not company_id then errors.raise("a client of an app needs a location_id or a company_id") end
  return self.managers:company(company_id)
end

--- Emits `refresh` to the hooks of a client too, as long as they are in use.
-- @tparam Hooks on
function State:listen(on) self.listeners[on] = true end

local app = {}

--- Makes an app. @see hoopai.oauth
-- @tparam table given
-- @tparam function new_client hoopai.new, for @{App:client}
-- @tparam function with_log gets the app's hooks and true, and adds the log of the environment
-- @treturn App
-- @raise for a missing, unknown or wrong option
function app.new(given, new_client, with_log)
  local settings = options.check_oauth(given)
  local own_hooks = with_log(settings.on, true)
  local listeners = setmetatable({}, { __mode = "k" }) -- the hooks of its clients
  local endpoint = token_endpoint.new(settings)
  local app_store = store.behind(settings.store or store.memory())
  local function emit_to(on, event)
    if on.refresh then async.call_hook("on.refresh", on.refresh, options.copy(event)) end
  end
  local function emit(event)
    emit_to(own_hooks, event)
    for on in pairs(listeners) do
      if on ~= own_hooks then emit_to(on, event) end
    end
  end
  local state = setmetatable({
    client_id = settings.client_id,
    redirect_uri = settings.redirect_uri,
    scopes = settings.scopes,
    company_id = settings.company_id,
    base_url = settings.base_url,
    transport = settings.transport,
    store = app_store,
    endpoint = endpoint,
    managers = token_manager.registry {
      client_id = settings.client_id,
      store = app_store,
      endpoint = endpoint,
      emit = emit,
    },
    listeners = listeners,
    new_client = new_client,
  }, State)
  local object = setmetatable({}, App)
  states[object] = state
  state.app = object -- an exchange holds the state: so the app is not collected, and closed, while it runs
  return object
end

return app
