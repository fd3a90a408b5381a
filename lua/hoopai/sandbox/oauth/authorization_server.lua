--- Who gets which token: authorization codes, access tokens, refresh tokens that work once, and the ledger of it all.
--
-- A sign-in begins a family of refresh tokens: generation 1 comes from the code, each exchange retires a generation
-- and issues the next. What was issued before stays known, so that using it twice is told from using a wrong one.
-- @module hoopai.sandbox.oauth.authorization_server

local core = require "hoopai.core"
local api_errors = require "hoopai.sandbox.api_errors"

local byte, char, find, gmatch, match =
  string.byte, string.char, string.find, string.gmatch, string.match
local concat = table.concat
local ipairs, pairs, require, setmetatable = ipairs, pairs, require, setmetatable

local CODE_LIFE_MS = 600000
-- The counters go on when the ledger is full.
local LEDGER_LIMIT = 10000
local JWT_HEAD = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9."

local Issuer = {}
Issuer.__index = Issuer

-- Small things -------------------------------------------------------------------------------------------------------

local function set_of(list)
  local set = {}
  for _, name in ipairs(list) do set[name] = true end
  return set
end

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

-- Of another make than the library's own, which specs compare with it.
local function sha256(text)
  return require("openssl.digest").new("sha256"):final(text)
end

--- The list of the scopes in a text.
-- @tparam string text separated by spaces
-- @treturn table
local function split(text)
  local list = {}
  for scope in gmatch(text, "%S+") do list[#list + 1] = scope end
  return list
end

-- Twelve letters of the hash: enough to tell tokens apart, and of no use to anybody.
local function fingerprint(text)
  return base64url(sha256(text)):sub(1, 12)
end

function Issuer:new_secret(head, bytes)
  return concat { head, self.settings.mark or "", core.random_hex(bytes) }
end

-- Ledger -------------------------------------------------------------------------------------------------------------

function Issuer:count(name)
  self.counts[name] = self.counts[name] + 1
end

--- Opens the record of an exchange.
-- @tparam table record its first members
-- @treturn table the record, to be completed
function Issuer:record(record)
  self:count "exchanges"
  record.number, record.at = self.counts.exchanges, self.now()
  record.applied, record.answered, record.reuse = false, false, false
  if #self.ledger < LEDGER_LIMIT then self.ledger[#self.ledger + 1] = record end
  return record
end

--- Closes the record of an exchange when its answer was sent, or could not be.
-- @tparam table record
-- @tparam boolean sent whether the whole answer was written to a client that was still there
function Issuer:sent(record, sent)
  record.answered = sent
  if record.applied and not (sent and record.readable) then self:count "lost" end
end

--- Forgets the ledger, but no token.
function Issuer:clear()
  self.ledger = {}
  self.counts = {
    exchanges = 0, codes = 0, rotations = 0, location_tokens = 0, reuses = 0, graces = 0, limited = 0, refused = 0,
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

-- A new access token; it works on the other endpoints from now on.
function Issuer:access_token(grant)
  local text = self:new_secret(JWT_HEAD, 64) .. "." .. core.random_hex(40)
  local is_company = grant.class == "Company"
  self.access[text] = {
    class = grant.class, location_id = grant.location_id,
    company_id = is_company and grant.company_id or nil, scopes = set_of(grant.scopes), scope_list = grant.scopes,
    user_id = grant.user_id, issued = true, expires_at = self.now() + self.settings.expires_in * 1000,
  }
  return text
end

function Issuer:answer(grant, access_token, refresh_token, refresh_id)
  local is_company = grant.class == "Company"
  return {
    access_token = access_token, token_type = "Bearer", expires_in = self.settings.expires_in,
    refresh_token = refresh_token, refreshTokenId = refresh_id, scope = concat(grant.scopes, " "),
    userType = grant.class, companyId = grant.company_id, locationId = grant.location_id,
    userId = grant.user_id, isBulkInstallation = is_company, approvedLocations = is_company and self:installed() or nil,
  }
end

-- The next generation of a family, as the answer of the token endpoint.
function Issuer:next_pair(family)
  local grant = family.grant
  family.generation = family.generation + 1
  local refresh_token = self:new_secret(JWT_HEAD, 60) .. "." .. core.random_hex(40)
  self.refresh[refresh_token] = {
    family = family, generation = family.generation,
    expires_at = self.now() + self.settings.refresh_expires_in * 1000,
  }
  return self:answer(grant, self:access_token(grant), refresh_token, self.store:new_id())
end

-- What a code, or a grant without one, is good for.
function Issuer:new_grant(given)
  local class = given.class or "Location"
  local scopes = given.scopes or class == "Company" and self.scopes or without_oauth(self.scopes)
  return {
    class = class, location_id = class == "Location" and (given.location_id or self.location_id) or nil,
    company_id = self.company_id, user_id = self.user_id, scopes = scopes,
  }
end

--- Begins a family without a code, as if somebody had signed in.
-- @tparam table given `class`, `location_id`, `scopes`
-- @treturn table the answer of the token endpoint
function Issuer:sign_in(given)
  local family = { number = #self.families + 1, generation = 0, grant = self:new_grant(given) }
  self.families[family.number] = family
  return self:next_pair(family), family
end

--- Makes an authorization code.
-- @tparam table given `class` (nil: what the exchange asks for), `location_id`, `scopes` (list), `redirect_uri`,
-- `challenge` (PKCE, S256)
-- @treturn string
function Issuer:new_code(given)
  local text = self:new_secret("", 20)
  given.expires_at = self.now() + CODE_LIFE_MS
  self.codes[text] = given
  return text
end

-- Exchanging ---------------------------------------------------------------------------------------------------------

local function invalid_grant(description)
  api_errors.oauth(400, "invalid_grant", description)
end

local function check_verifier(code, verifier)
  if code.challenge then
    if not verifier then invalid_grant "code_verifier is missing" end
    local is_good = #verifier >= 43 and #verifier <= 128 and not find(verifier, "[^%w%-._~]")
    if not is_good or base64url(sha256(verifier)) ~= code.challenge then
      invalid_grant "code_verifier does not match the code_challenge"
    end
  elseif verifier then
    -- Else somebody who strips the challenge on the way there would go unnoticed.
    invalid_grant "code_verifier without a code_challenge"
  end
end

local function check_code(issuer, code, form, record)
  if not code then invalid_grant "Invalid grant: authorization code is invalid" end
  if code.used then
    record.reuse = true
    issuer:count "reuses"
    invalid_grant "Invalid grant: authorization code was used before"
  end
  if issuer.now() >= code.expires_at then invalid_grant "Invalid grant: authorization code has expired" end
  if form.redirect_uri and code.redirect_uri and form.redirect_uri ~= code.redirect_uri then
    invalid_grant "Invalid grant: redirect_uri does not match"
  end
  if code.class and form.user_type and form.user_type ~= code.class then
    invalid_grant "Invalid grant: user_type does not match"
  end
  check_verifier(code, form.code_verifier)
end

local grants = {}

function grants.authorization_code(issuer, form, record)
  if not form.code then api_errors.oauth(400, "invalid_request", "code is missing") end
  local code = issuer.codes[form.code]
  check_code(issuer, code, form, record)
  code.used = true
  local answer, family = issuer:sign_in {
    class = code.class or form.user_type, location_id = code.location_id, scopes = code.scopes,
  }
  issuer:count "codes"
  record.family, record.generation, record.applied = family.number, family.generation, true
  return answer
end

-- A token that was exchanged before: its successor within the time of grace, else a refusal.
local function reuse(issuer, token, record)
  record.reuse = true
  issuer:count "reuses"
  local age = issuer.now() - token.used_at
  if age >= 0 and age < issuer.settings.grace_seconds * 1000 then
    record.grace, record.generation = true, token.generation + 1
    issuer:count "graces"
    return token.successor
  end
  if issuer.settings.revoke_on_reuse then token.family.revoked = true end
  invalid_grant "Invalid grant: refresh token is invalid"
end

function grants.refresh_token(issuer, form, record, fault)
  if not form.refresh_token then api_errors.oauth(400, "invalid_request", "refresh_token is missing") end
  local token = issuer.refresh[form.refresh_token]
  record.token = fingerprint(form.refresh_token)
  if not token then invalid_grant "Invalid grant: refresh token is invalid" end
  local family = token.family
  record.family, record.presented = family.number, token.generation
  record.locationId, record.class = family.grant.location_id, family.grant.class
  if family.revoked then invalid_grant "Invalid grant: refresh token was revoked" end
  if issuer.now() >= token.expires_at then invalid_grant "Invalid grant: refresh token has expired" end
  if form.user_type and form.user_type ~= family.grant.class then
    api_errors.oauth(400, "invalid_request", "user_type does not match")
  end
  if token.used_at then return reuse(issuer, token, record) end
  -- An answer without a successor, or with the same token, says that the old one goes on.
  if fault.no_refresh_token or fault.same_refresh_token then
    local kept = fault.same_refresh_token and form.refresh_token or nil
    return issuer:answer(family.grant, issuer:access_token(family.grant), kept)
  end
  token.used_at, token.successor = issuer.now(), issuer:next_pair(family)
  issuer:count "rotations"
  record.generation, record.applied = family.generation, true
  return token.successor
end

--- Exchanges a code or a refresh token for tokens; refuses with an OAuth error.
-- @tparam table form the members of the request, snake_case
-- @tparam table record of the ledger
-- @tparam table fault scripted misbehaviour: `no_refresh_token`, `same_refresh_token`
-- @treturn table the answer, snake_case
function Issuer:exchange(form, record, fault)
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
  local grant = grants[form.grant_type]
  if not grant then api_errors.oauth(400, "unsupported_grant_type", "grant_type is not supported") end
  return grant(self, form, record, fault)
end

--- Issues an access token of a location to the agency; refuses where the app is not installed.
-- @tparam table agency the entry of the agency's token
-- @tparam string location_id
-- @tparam table record of the ledger
-- @treturn table the answer, snake_case
function Issuer:location_token(agency, location_id, record)
  if not self.store.locations:get(location_id) then api_errors.bad_request("Location not found") end
  if self.uninstalled[location_id] then api_errors.forbidden("The app is not installed on this location.") end
  local grant = {
    class = "Location", location_id = location_id, scopes = without_oauth(agency.scope_list), user_id = agency.user_id,
  }
  record.applied, record.locationId = true, location_id
  self:count "location_tokens"
  return {
    access_token = self:access_token(grant), token_type = "Bearer", expires_in = self.settings.expires_in,
    scope = concat(grant.scopes, " "), locationId = location_id, userId = grant.user_id,
    appId = self.app_id, versionId = self.app_id,
  }
end

-- Looking after it ---------------------------------------------------------------------------------------------------

--- The locations on which the app is installed.
-- @treturn table list of ids, marked as an array
function Issuer:installed()
  local list = core.array {}
  for _, location in ipairs(self.store.locations.items) do
    if not self.uninstalled[location.id] then list[#list + 1] = location.id end
  end
  return list
end

local function is_meant(grant, wanted)
  return (not wanted.location_id or grant.location_id == wanted.location_id)
    and (not wanted.class or grant.class == wanted.class)
end

--- Lets access tokens that were issued here expire at once.
-- @tparam table wanted `location_id` and `class`, where not all are meant
-- @treturn integer how many did
function Issuer:expire(wanted)
  local count, now = 0, self.now()
  for _, token in pairs(self.access) do
    if token.issued and token.expires_at > now and is_meant(token, wanted) then
      token.expires_at, count = now, count + 1
    end
  end
  return count
end

--- Ends families: their refresh tokens are refused from now on.
-- @tparam table wanted `location_id` and `class`, where not all are meant
-- @treturn integer how many ended
function Issuer:revoke(wanted)
  local count = 0
  for _, family in ipairs(self.families) do
    if not family.revoked and is_meant(family.grant, wanted) then family.revoked, count = true, count + 1 end
  end
  return count
end

--- What is known of a token.
-- @tparam string text an access or a refresh token
-- @treturn table `known`, `kind`, `class`, `locationId`, `expired`; of a refresh token `family`, `generation`, `used`
-- and `current`: whether it is the one that would be exchanged
function Issuer:inspect(text)
  local access, refresh, now = self.access[text], self.refresh[text], self.now()
  if access then
    return {
      known = true, kind = "access", class = access.class, locationId = access.location_id,
      expired = access.expired or access.expires_at ~= nil and now >= access.expires_at,
    }
  end
  if not refresh then return { known = false } end
  local family, expired, used = refresh.family, now >= refresh.expires_at, refresh.used_at ~= nil
  return {
    known = true, kind = "refresh", class = family.grant.class, locationId = family.grant.location_id,
    family = family.number, generation = refresh.generation, used = used, expired = expired,
    current = not used and not expired and not family.revoked, fingerprint = fingerprint(text),
  }
end

--- A new issuer.
-- @tparam table given
-- @tparam table given.settings client_id, client_secret, expires_in, refresh_expires_in, grace_seconds, mark,
-- revoke_on_reuse
-- @tparam table given.store
-- @tparam table given.access text of a token -> entry; issued tokens are added to it
-- @tparam function given.now milliseconds since 1970
-- @tparam table given.scopes list of all scopes
-- @tparam string given.company_id
-- @tparam string given.location_id the one that is signed in to where nothing else is said
-- @tparam string given.user_id who installed the app
-- @treturn table
local function new(given)
  local issuer = { codes = {}, refresh = {}, families = {}, uninstalled = {} }
  for name, value in pairs(given) do issuer[name] = value end
  issuer.app_id = match(given.settings.client_id, "^[^-]*")
  setmetatable(issuer, Issuer):clear()
  return issuer
end

return { new = new, split = split }
