--- The authorization server (RFC 6749): authorization codes, access tokens, refresh tokens that work once, and the
-- ledger of all exchanges.
--
-- A sign-in begins a family of refresh tokens: generation 1 is issued for the code, and each exchange replaces a
-- generation by the next. Used tokens stay known, so that the reuse of a token differs from the use of a wrong one.
-- @module hoopai.sandbox.oauth.authorization_server

local core = require "hoopai.core"
local api_errors = require "hoopai.sandbox.api_errors"

local byte, char, find, gmatch, match, sub =
  string.byte, string.char, string.find, string.gmatch, string.match, string.sub
local concat = table.concat
local ipairs, pairs, require, setmetatable = ipairs, pairs, require, setmetatable

local CODE_LIFE_MS = 600000
-- The counters go on when the ledger is full.
local LEDGER_LIMIT = 10000
local JWT_HEAD = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9."

local AuthorizationServer = {}
AuthorizationServer.__index = AuthorizationServer

-- Helpers ------------------------------------------------------------------------------------------------------------

local function set_of(list)
  local set = {}
  for _, name in ipairs(list) do
    set[name] = true
  end
  return set
end

-- base64url and SHA-256 are not the library's, because they judge the code challenges that the library sends.
local BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

local function base64url(text)
  local parts = {}
  for i = 1, #text, 3 do
    local a, b, c = byte(text, i, i + 2)
    local bits, count = a << 16 | (b or 0) << 8 | (c or 0), c and 4 or b and 3 or 2
    for k = 1, count do
      parts[#parts + 1] = char(byte(BASE64URL, (bits >> 24 - 6 * k & 63) + 1))
    end
  end
  return concat(parts)
end

local function sha256(text) return require("openssl.digest").new("sha256"):final(text) end

--- The list of the scopes in a text.
-- @tparam string text separated by spaces
-- @treturn table
local function split(text)
  local list = {}
  for scope in gmatch(text, "%S+") do
    list[#list + 1] = scope
  end
  return list
end

-- Twelve characters of the hash distinguish tokens without revealing them.
local function fingerprint(text) return sub(base64url(sha256(text)), 1, 12) end

function AuthorizationServer:new_secret(head, bytes)
  return concat { head, self.settings.mark or "", core.random_hex(bytes) }
end

-- Ledger -------------------------------------------------------------------------------------------------------------

function AuthorizationServer:count(name) self.counts[name] = self.counts[name] + 1 end

--- Adds an exchange to the ledger.
-- @tparam table entry its first fields
-- @treturn table the entry, to be completed
function AuthorizationServer:begin(entry)
  self:count "exchanges"
  entry.number, entry.at = self.counts.exchanges, self.now()
  entry.applied, entry.answered, entry.reuse = false, false, false
  if #self.ledger < LEDGER_LIMIT then self.ledger[#self.ledger + 1] = entry end
  return entry
end

--- Completes the ledger entry of an exchange after its response was sent or failed to be sent.
-- @tparam table entry
-- @tparam boolean sent whether the whole response was written while the client was connected
function AuthorizationServer:finish(entry, sent)
  entry.answered = sent
  if entry.applied and not (sent and entry.readable) then self:count "lost" end
end

--- Clears the ledger and the counters. All tokens stay valid.
function AuthorizationServer:clear()
  self.ledger = {}
  self.counts = {
    exchanges = 0,
    codes = 0,
    rotations = 0,
    location_tokens = 0,
    reuses = 0,
    graces = 0,
    limited = 0,
    refused = 0,
    lost = 0,
  }
end

-- Issuing ------------------------------------------------------------------------------------------------------------

local function without_oauth(scopes)
  local list = {}
  for _, scope in ipairs(scopes) do
    if not find(scope, "^oauth%.") then list[#list + 1] = scope end
  end
  return list
end

-- Issues an access token, which the API accepts from now on.
function AuthorizationServer:new_access_token(authorization)
  local text = self:new_secret(JWT_HEAD, 64) .. "." .. core.random_hex(40)
  local is_company = authorization.user_type == "Company"
  self.access[text] = {
    user_type = authorization.user_type,
    location_id = authorization.location_id,
    company_id = is_company and authorization.company_id or nil,
    scopes = set_of(authorization.scopes),
    scope_list = authorization.scopes,
    user_id = authorization.user_id,
    issued = true,
    expires_at = self.now() + self.settings.expires_in * 1000,
  }
  return text
end

function AuthorizationServer:token_response(authorization, access_token, refresh_token, refresh_id)
  local is_company = authorization.user_type == "Company"
  return {
    access_token = access_token,
    token_type = "Bearer",
    expires_in = self.settings.expires_in,
    refresh_token = refresh_token,
    refreshTokenId = refresh_id,
    scope = concat(authorization.scopes, " "),
    userType = authorization.user_type,
    companyId = authorization.company_id,
    locationId = authorization.location_id,
    userId = authorization.user_id,
    isBulkInstallation = is_company,
    approvedLocations = is_company and self:installed() or nil,
  }
end

-- Issues the next generation of a family. Returns the response of the token endpoint.
function AuthorizationServer:next_generation(family)
  local authorization = family.authorization
  family.generation = family.generation + 1
  local refresh_token = self:new_secret(JWT_HEAD, 60) .. "." .. core.random_hex(40)
  self.refresh[refresh_token] = {
    family = family,
    generation = family.generation,
    expires_at = self.now() + self.settings.refresh_expires_in * 1000,
  }
  local access_token = self:new_access_token(authorization)
  return self:token_response(authorization, access_token, refresh_token, self.store:new_id())
end

-- What a sign-in authorizes: the location or agency, and the scopes.
function AuthorizationServer:new_authorization(given)
  local user_type = given.user_type or "Location"
  local scopes = given.scopes or user_type == "Company" and self.scopes or without_oauth(self.scopes)
  return {
    user_type = user_type,
    location_id = user_type == "Location" and (given.location_id or self.location_id) or nil,
    company_id = self.company_id,
    user_id = self.user_id,
    scopes = scopes,
  }
end

--- Begins a family without a code, as after a sign-in.
-- @tparam table given `user_type`, `location_id`, `scopes`
-- @treturn table the response of the token endpoint
-- @treturn table the family
function AuthorizationServer:sign_in(given)
  local family = { number = #self.families + 1, generation = 0, authorization = self:new_authorization(given) }
  self.families[family.number] = family
  self.announce("INSTALL", family.authorization)
  return self:next_generation(family), family
end

--- Issues an authorization code.
-- @tparam table given `user_type` (nil: that of the exchange), `location_id`, `scopes` (list), `redirect_uri`,
-- `challenge` (PKCE, S256)
-- @treturn string
function AuthorizationServer:new_code(given)
  local text = self:new_secret("", 20)
  given.expires_at = self.now() + CODE_LIFE_MS
  self.codes[text] = given
  return text
end

-- Exchanging ---------------------------------------------------------------------------------------------------------

local function invalid_grant(description) api_errors.oauth(400, "invalid_grant", description) end

local function check_verifier(code, verifier)
  if code.challenge then
    if not verifier then invalid_grant "code_verifier is missing" end
    local is_valid = #verifier >= 43 and #verifier <= 128 and not find(verifier, "[^%w%-._~]")
    if not is_valid or base64url(sha256(verifier)) ~= code.challenge then
      invalid_grant "code_verifier does not match the code_challenge"
    end
  elseif verifier then
    -- An attacker may have removed the challenge from the authorization request (RFC 9700, section 2.1.1).
    invalid_grant "code_verifier without a code_challenge"
  end
end

local function check_code(server, code, form, entry)
  if not code then invalid_grant "Invalid grant: authorization code is invalid" end
  if code.used then
    entry.reuse = true
    server:count "reuses"
    invalid_grant "Invalid grant: authorization code was used before"
  end
  if server.now() >= code.expires_at then invalid_grant "Invalid grant: authorization code has expired" end
  if form.redirect_uri and code.redirect_uri and form.redirect_uri ~= code.redirect_uri then
    invalid_grant "Invalid grant: redirect_uri does not match"
  end
  if code.user_type and form.user_type and form.user_type ~= code.user_type then
    invalid_grant "Invalid grant: user_type does not match"
  end
  check_verifier(code, form.code_verifier)
end

local grant_types = {}

function grant_types.authorization_code(server, form, entry)
  if not form.code then api_errors.oauth(400, "invalid_request", "code is missing") end
  local code = server.codes[form.code]
  check_code(server, code, form, entry)
  code.used = true
  local response, family = server:sign_in {
    user_type = code.user_type or form.user_type,
    location_id = code.location_id,
    scopes = code.scopes,
  }
  server:count "codes"
  entry.family, entry.generation, entry.applied = family.number, family.generation, true
  return response
end

-- A refresh token that was used before: the response of its first use within the time of grace, else an error.
local function reuse(server, token, entry)
  entry.reuse = true
  server:count "reuses"
  local age = server.now() - token.used_at
  if age >= 0 and age < server.settings.grace_seconds * 1000 then
    entry.grace, entry.generation = true, token.generation + 1
    server:count "graces"
    return token.successor
  end
  if server.settings.revoke_on_reuse then token.family.revoked = true end
  invalid_grant "Invalid grant: refresh token is invalid"
end

function grant_types.refresh_token(server, form, entry, fault)
  if not form.refresh_token then api_errors.oauth(400, "invalid_request", "refresh_token is missing") end
  local token = server.refresh[form.refresh_token]
  entry.token = fingerprint(form.refresh_token)
  if not token then invalid_grant "Invalid grant: refresh token is invalid" end
  local family = token.family
  local authorization = family.authorization
  entry.family, entry.presented = family.number, token.generation
  entry.locationId, entry.class = authorization.location_id, authorization.user_type
  if family.revoked then invalid_grant "Invalid grant: refresh token was revoked" end
  if server.now() >= token.expires_at then invalid_grant "Invalid grant: refresh token has expired" end
  if form.user_type and form.user_type ~= authorization.user_type then
    api_errors.oauth(400, "invalid_request", "user_type does not match")
  end
  if token.used_at then return reuse(server, token, entry) end
  -- After a response without a refresh token, or with the same one, the old token stays valid.
  if fault.no_refresh_token or fault.same_refresh_token then
    local kept = fault.same_refresh_token and form.refresh_token or nil
    return server:token_response(authorization, server:new_access_token(authorization), kept)
  end
  token.used_at, token.successor = server.now(), server:next_generation(family)
  server:count "rotations"
  entry.generation, entry.applied = family.generation, true
  return token.successor
end

--- Exchanges a code or a refresh token for tokens. Raises an OAuth error if the exchange is not allowed.
-- @tparam table form the fields of the request, snake_case
-- @tparam table entry of the ledger
-- @tparam table fault scripted fault: `no_refresh_token`, `same_refresh_token`
-- @treturn table the response, snake_case
function AuthorizationServer:exchange(form, entry, fault)
  local settings = self.settings
  if not form.client_id or not form.client_secret or not form.grant_type then
    api_errors.oauth(400, "invalid_request", "client_id, client_secret and grant_type are required")
  end
  if form.client_id ~= settings.client_id or form.client_secret ~= settings.client_secret then
    api_errors.oauth(401, "invalid_client", "Invalid client credentials")
  end
  if form.user_type and form.user_type ~= "Location" and form.user_type ~= "Company" then
    api_errors.oauth(400, "invalid_request", "user_type must be Company or Location")
  end
  local exchange = grant_types[form.grant_type]
  if not exchange then api_errors.oauth(400, "unsupported_grant_type", "grant_type is not supported") end
  return exchange(self, form, entry, fault)
end

--- Issues an access token of a location to the agency. Raises a 403 if the app is not installed on the location.
-- @tparam table agency the entry of the agency's token
-- @tparam string location_id
-- @tparam table entry of the ledger
-- @treturn table the response, snake_case
function AuthorizationServer:location_token(agency, location_id, entry)
  if not self.store.locations:get(location_id) then api_errors.bad_request("Location not found") end
  if self.uninstalled[location_id] then api_errors.forbidden("The app is not installed on this location.") end
  local authorization = {
    user_type = "Location",
    location_id = location_id,
    scopes = without_oauth(agency.scope_list),
    user_id = agency.user_id,
  }
  entry.applied, entry.locationId = true, location_id
  self:count "location_tokens"
  return {
    access_token = self:new_access_token(authorization),
    token_type = "Bearer",
    expires_in = self.settings.expires_in,
    scope = concat(authorization.scopes, " "),
    locationId = location_id,
    userId = authorization.user_id,
    appId = self.app_id,
    versionId = self.app_id,
  }
end

-- Administration -----------------------------------------------------------------------------------------------------

--- The locations on which the app is installed.
-- @treturn table list of ids, marked as an array
function AuthorizationServer:installed()
  local list = core.array {}
  for _, location in ipairs(self.store.locations.items) do
    if not self.uninstalled[location.id] then list[#list + 1] = location.id end
  end
  return list
end

local function matches(authorization, target)
  return (not target.location_id or authorization.location_id == target.location_id)
    and (not target.user_type or authorization.user_type == target.user_type)
end

--- Installs the app on a location, or uninstalls it.
-- @tparam string location_id
-- @tparam boolean is_installed
function AuthorizationServer:install(location_id, is_installed)
  if is_installed == not self.uninstalled[location_id] then return end
  self.uninstalled[location_id] = not is_installed or nil
  self.announce(is_installed and "INSTALL" or "UNINSTALL", self:new_authorization { location_id = location_id })
end

--- Makes issued access tokens expire at once.
-- @tparam table target `location_id` and `user_type`; nil: any
-- @treturn integer the number of tokens that were valid
function AuthorizationServer:expire(target)
  local count, now = 0, self.now()
  for _, token in pairs(self.access) do
    if token.issued and token.expires_at > now and matches(token, target) then
      token.expires_at, count = now, count + 1
    end
  end
  return count
end

--- Revokes families of refresh tokens.
-- @tparam table target `location_id` and `user_type`; nil: any
-- @treturn integer the number of families that were valid
function AuthorizationServer:revoke(target)
  local count = 0
  for _, family in ipairs(self.families) do
    if not family.revoked and matches(family.authorization, target) then
      family.revoked, count = true, count + 1
    end
  end
  return count
end

--- Describes a token.
-- @tparam string text an access or a refresh token
-- @treturn table `known`, `kind`, `class`, `locationId`, `expired`; of a refresh token `family`, `generation`, `used`
-- and `current`: whether an exchange of it would succeed
function AuthorizationServer:inspect(text)
  local access, refresh, now = self.access[text], self.refresh[text], self.now()
  if access then
    return {
      known = true,
      kind = "access",
      class = access.user_type,
      locationId = access.location_id,
      expired = access.expired or access.expires_at ~= nil and now >= access.expires_at,
    }
  end
  if not refresh then return { known = false } end
  local family, expired, used = refresh.family, now >= refresh.expires_at, refresh.used_at ~= nil
  return {
    known = true,
    kind = "refresh",
    class = family.authorization.user_type,
    locationId = family.authorization.location_id,
    family = family.number,
    generation = refresh.generation,
    used = used,
    expired = expired,
    current = not used and not expired and not family.revoked,
    fingerprint = fingerprint(text),
  }
end

--- A new authorization server.
-- @tparam table given
-- @tparam table given.settings client_id, client_secret, expires_in, refresh_expires_in, grace_seconds, mark,
-- revoke_on_reuse
-- @tparam table given.store
-- @tparam table given.access text of a token -> entry; issued tokens are added to it
-- @tparam function given.now milliseconds since 1970
-- @tparam table given.scopes list of all scopes
-- @tparam string given.company_id
-- @tparam string given.location_id the location of a sign-in that names none
-- @tparam string given.user_id the user that installed the app
-- @tparam function given.announce(what, authorization) is called when the app is installed or uninstalled
-- @treturn table
local function new(given)
  local server = { codes = {}, refresh = {}, families = {}, uninstalled = {} }
  for name, value in pairs(given) do
    server[name] = value
  end
  server.app_id = match(given.settings.client_id, "^[^-]*")
  setmetatable(server, AuthorizationServer):clear()
  return server
end

return { new = new, split = split }
