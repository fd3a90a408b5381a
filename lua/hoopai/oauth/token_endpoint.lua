--- The requests of OAuth: each is a call like any other (hoopai.call), made in the calling task and sent once. As with
-- any call, a refused access token is renewed once, and the request is sent again with the new one.
--
-- The functions return credentials (see core.credentials), or nil and an error. For the token manager the error of
-- `refresh` comes with an outcome, because a refresh token works once.
local calls = require "hoopai.call"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local failure = require "hoopai.call.failure"
local reason = require "hoopai.call.reason"
local call_secrets = require "hoopai.call.secrets"
local stray = require "hoopai.oauth.stray"
local async = require "hoopai.async"

local ipairs, pairs, pcall, setmetatable, type = ipairs, pairs, pcall, setmetatable, type
local find, format, gsub, lower = string.find, string.format, string.gsub, string.lower
local now, redacted = core.now, call_secrets.redacted

local API_VERSION = "2021-07-28"
local DEFAULT_RETRY_AFTER = 12 -- seconds after a 429 without a time to wait: five exchanges a minute were allowed
local TIMEOUT = 30 -- seconds of a request that no manager times
local CLOSE_TIMEOUT = 45 -- seconds for which `close` waits: more than an exchange takes by its own limit

local token_endpoint = {}

-- Responses

local REFUSAL_TEXTS = { "invalid_grant", "invalid grant", "invalid refresh token", "refresh token is invalid" }

-- The other codes of RFC 6749 5.2: after one of these the texts do not matter.
local OTHER_CODES = {
  invalid_request = true,
  invalid_client = true,
  unauthorized_client = true,
  unsupported_grant_type = true,
  invalid_scope = true,
}

--- Whether a text says that the grant is refused. An "invalid grant type" is a malformed request.
local function names_refusal(text)
  local words = gsub(lower(text), "invalid[_ ]grant[_ ]?type", "")
  for _, part in ipairs(REFUSAL_TEXTS) do
    if find(words, part, 1, true) then return true end
  end
  return false
end

--- Whether an error response says that this very refresh token or code is not accepted (RFC 6749 5.2, and the vendor's
-- texts).
local function refuses_grant(members)
  if OTHER_CODES[members:get "error" or ""] then return false end
  for _, name in ipairs { "error", "error_description", "message" } do
    local text = members:get(name)
    if type(text) == "string" and names_refusal(text) then return true end
  end
  return false
end

--- Whether a refusal may come with this status: of RFC 6749 5.2, of a failed check of the form, or within a success.
-- What a gateway says with another one is no word about the grant.
local function is_documented(status) return status < 300 or status == 400 or status == 401 or status == 422 end

--- A text of the server in one line, without the secrets of request and response: a refusal may echo them.
local function shown(text, secrets, members)
  text = redacted(secrets, text)
  return reason.excerpt(members and members:redact(text) or text)
end

--- The reason that an error response gives; nil without one.
-- @param members see core.read_token_response; nil if the response is no JSON
-- @tparam ?string excerpt the beginning of a response that is no JSON
-- @tparam table secrets
local function reason_of(members, excerpt, secrets)
  if not members then return excerpt and shown(excerpt, secrets) end
  for _, name in ipairs { "error_description", "message", "error" } do
    local text = members:get(name)
    local line = type(text) == "string" and shown(text, secrets, members)
    if line then return line end
  end
end

local function new_error(path, fields)
  fields.method, fields.path = "POST", path
  return errors.new(fields)
end

--- Adds the secrets in the form of a request to a list.
local function add_form(secrets, form)
  for index = 2, #form, 2 do
    if type(form[index]) == "userdata" then secrets[#secrets + 1] = form[index] end
  end
  return secrets
end

--- The error of a transfer that does not say what became of the request.
local function without_outcome(path, transfer, status, kind, message)
  local err = new_error(path, {
    kind = kind or "protocol",
    message = call_secrets.without_user_info(message) or "unexpected status " .. status,
    status = status > 0 and status or nil,
    stage = kind == "timeout" and transfer:stage() or nil,
  })
  if transfer:sent() == 0 then return "unsent", err end
  err.applied = "maybe"
  return "unclear", err
end

--- The outcome of a request that the token endpoint refuses.
local function refusal(path, status, members, text)
  if members and path == "/oauth/token" and is_documented(status) and refuses_grant(members) then
    local cause = new_error(path, { kind = "auth", status = status, message = text or "no reason given" })
    return "refused", errors.new { kind = "reauth_required", message = cause.message, cause = cause }
  end
  local said = text or "no reason given"
  local kind = status < 300 and "refused" or failure.kind_of(status, said)
  return "rejected", new_error(path, { kind = kind, status = status, message = "the token endpoint refused: " .. said })
end

--- Whether a response brings a refresh token, other than the one of the request, which it may repeat.
local function has_successor(path, members, secrets)
  local token = path == "/oauth/token" and members:get "refresh_token"
  if not token then return false end
  for _, secret in ipairs(secrets) do
    if secret == token then return false end
  end
  return true
end

--- Whether a success is a refusal. Beside an access token only the known codes and texts count.
local function is_refusal(members)
  local code = members:get "error" or ""
  if OTHER_CODES[code] or refuses_grant(members) then return true end
  return not members:get "access_token" and code ~= "" and code ~= "false"
end

--- The outcome of a 2xx. A refresh token works once: its successor is kept also if the access token beside it is none.
-- Some servers send their refusals with 200.
local function success(path, status, members, problem, secrets)
  if members and has_successor(path, members, secrets) then return "granted", members end
  local text = reason_of(members, nil, secrets)
  if members and is_refusal(members) then return refusal(path, status, members, text) end
  local token = members and (members:get "access_token" or path == "/oauth/token" and members:get "refresh_token")
  if token then return "granted", members end
  local why = problem or "it has no usable access_token"
  return "unclear",
    new_error(path, {
      kind = "decode",
      status = status,
      applied = "maybe",
      message = format("the token endpoint's response cannot be used: %s%s", why, text and "; it says: " .. text or ""),
    })
end

--- The successor in a response that broke off behind it: no other response will bring it.
local function successor_before_the_end(path, transfer, status, kind, secrets)
  if status < 200 or status >= 300 or kind ~= "network" and kind ~= "timeout" then return nil end
  local members = core.read_token_response(transfer)
  return members and has_successor(path, members, secrets) and members or nil
end

--- Reads a finished transfer of a token endpoint.
-- @treturn string the outcome: "granted"; "refused" (this refresh token or code); "rejected" (the request; nothing was
-- done); "unsent"; or "unclear"
-- @return the credentials; or an error
local function read_transfer(path, transfer, secrets)
  local status, kind, message = transfer:result()
  if kind or status < 200 or status >= 300 and status < 400 then
    local members = kind and successor_before_the_end(path, transfer, status, kind, secrets)
    if members then return "granted", members end
    return without_outcome(path, transfer, status, kind, message)
  end
  local members, problem, excerpt = core.read_token_response(transfer)
  if status < 300 then return success(path, status, members, problem, secrets) end
  local text = reason_of(members, excerpt, secrets)
  local rest = text and ": " .. text or ""
  if status >= 500 or status == 408 then
    return "unclear",
      new_error(path, {
        kind = "server",
        status = status,
        applied = "maybe",
        message = format("the token endpoint answered %d%s", status, rest),
      })
  end
  if status == 429 then
    local err = { kind = "rate_limit", status = 429, retryable = true, message = "too many token requests" .. rest }
    failure.fill_rate_limit(err, transfer:headers(), transfer:rate_limit())
    err.retry_after = err.retry_after or DEFAULT_RETRY_AFTER
    return "rejected", new_error(path, err)
  end
  return refusal(path, status, members, text or not members and problem)
end

-- What came of a refresh: an unread transfer, or the error of a request that was not sent. It may hold the only
-- successor of a spent refresh token: if memory runs out while it is read, it can be read again.
local Reply = {}
Reply.__index = Reply

--- Whether there is something to read.
function Reply:is_ready() return (self.transfer or self.err) and true or false end

--- Reads the reply, as often as it is called.
-- @treturn string the outcome, see read_transfer
-- @return the credentials; or an error
function Reply:read()
  if self.err then return "unsent", self.err end
  local outcome, result = read_transfer(self.path, self.transfer, self.secrets)
  if outcome == "rejected" then failure.bound_retry_after(result) end
  return outcome, result
end

--- Frees the transfer.
function Reply:close()
  if self.transfer then self.transfer:close() end
end

-- Endpoints. `has_secrets`: the body is a form whose secrets never become Lua strings, and neither does the response.

local function rate_limit_failure(call, why, seconds)
  return new_error(call.prepared.path, {
    kind = "rate_limit",
    scope = why == "daily" and why or "burst",
    retry_after = seconds,
    retryable = true,
    message = "the budget of token requests is used up; not sent, as it would have to wait for too long",
  })
end

local function read_credentials(call, attempt)
  local prepared = call.prepared
  local secrets = add_form(call_secrets.of(call, attempt), prepared.body)
  local outcome, result = read_transfer(prepared.path, attempt.transfer, secrets)
  if outcome == "granted" then return result end
  return nil, result
end

--- How long a 429 asks for a pause of all requests; nothing for another status.
local function pause_of(path, transfer)
  if transfer:result() ~= 429 then return false end
  local _, err = read_transfer(path, transfer, {})
  return err.retry_after
end

--- Moves the transfer into the reply of the prepared request, unread. No step here needs memory but the last.
local function keep_transfer(call, attempt)
  local reply, transfer = call.prepared.reply, attempt.transfer
  attempt.keeps_transfer = true
  reply.transfer = transfer
  attempt.has_left = transfer:sent() > 0
  attempt.has_response = (transfer:result()) > 0
  local ok, pause = pcall(pause_of, call.prepared.path, transfer) -- without memory the rate limit is not adjusted
  attempt.pause = ok and pause
  return reply
end

local REFRESH = {
  id = "the token exchange",
  method = "POST",
  path = "/oauth/token",
  retry = "once",
  result = {},
  read = keep_transfer,
  rate_limit_failure = rate_limit_failure,
  has_secrets = true,
}
local EXCHANGE_CODE = {
  id = "app:exchange",
  method = "POST",
  path = "/oauth/token",
  retry = "once",
  result = {},
  read = read_credentials,
  has_secrets = true,
}
local LOCATION_TOKEN = {
  id = "the token exchange",
  method = "POST",
  path = "/oauth/locationToken",
  retry = "once",
  result = {},
  read = read_credentials,
  rate_limit_failure = rate_limit_failure,
  has_secrets = true,
  sends_version = true,
  trusts_source = true, -- a refusal here says nothing about the agency's token in other calls
}
local INSTALLED_LOCATIONS = {
  id = "app:installed_locations",
  method = "GET",
  path = "/oauth/installedLocations",
  retry = "safe",
  result = { keys = { "locations" }, type = { type = "array", items = { type = "object" } } },
  sends_version = true,
  trusts_source = true,
}

-- The endpoints of one app

local TokenEndpoint = {}
TokenEndpoint.__index = TokenEndpoint

--- The token endpoints of an app.
-- @tparam table given client_id, client_secret, base_url, transport
-- @treturn TokenEndpoint
function token_endpoint.new(given)
  return setmetatable({
    client_id = given.client_id,
    client_secret = given.client_secret,
    running = 0,
    requests = {},
    -- Same fields as the state of a client, for hoopai.call.
    closed = false,
    closed_message = "the app is closed",
    settings = { on = {} },
    shared = {
      base_url = given.base_url,
      transport = given.transport,
      closed = false,
      closing = async.new_condition(),
      rate_limit = true,
      rate_limiters = {},
      retry_budgets = {},
    },
  }, TokenEndpoint)
end

--- Raises in a child process: connections, and exchanges in flight, are the parent's.
function TokenEndpoint:check_process()
  if self.process and self.process ~= core.pid() then
    errors.raise("this app belongs to the parent process: make a new one after fork")
  end
end

local function core_request(self, endpoint)
  local request = self.requests[endpoint]
  if not request then
    local headers = { "Accept: application/json" }
    if endpoint.sends_version then headers[2] = "Version: " .. API_VERSION end
    request = core.request {
      method = endpoint.method,
      url = self.shared.base_url,
      headers = headers,
      at_most_once = endpoint.retry ~= "safe",
      form = endpoint.has_secrets,
      secret_response = endpoint.has_secrets,
    }
    self.requests[endpoint] = request
  end
  return request
end

--- Makes a call.
-- @tparam TokenEndpoint self
-- @tparam table endpoint
-- @tparam table given `form` or `target`, `source` (of the access token), `seconds`, `reply`, `leave`, `is_exempt`
-- (from the rate limit, and from the end of the app)
local function send(self, endpoint, given)
  local prepared = {
    endpoint = endpoint,
    options = { timeout = given.seconds or TIMEOUT, retries = false },
    source = given.source,
    path = endpoint.path,
    target = given.target or endpoint.path,
    body = given.form,
    request = core_request(self, endpoint),
    rate_limit_key = endpoint.path,
    is_unlimited = given.is_exempt,
    outlives_close = given.is_exempt,
    token_first = true,
    reply = given.reply,
    leave = given.leave,
  }
  self.process = core.pid()
  return calls.send(self, prepared, now())
end

--- The form of a request to /oauth/token. A field whose value is false is left out.
local function token_form(self, fields)
  local form = { "client_id", self.client_id, "client_secret", self.client_secret }
  for index = 1, #fields, 2 do
    if fields[index + 1] then
      form[#form + 1], form[#form + 2] = fields[index], fields[index + 1]
    end
  end
  return form
end

--- Makes the reply of a refresh that is to be sent. The caller keeps it first: whatever fails after the request has
-- left, the response is not lost.
-- @param credentials whose refresh token is spent
-- @treturn Reply to be read and closed
function TokenEndpoint:new_reply(credentials)
  -- stylua: ignore
  local form = token_form(self, {
    "grant_type", "refresh_token", "refresh_token", credentials:get("refresh_token"),
    "user_type", credentials:get("user_type") or "Location",
  })
  return setmetatable({
    path = REFRESH.path,
    form = form,
    secrets = add_form({ credentials }, form),
    transfer = false,
    err = false,
  }, Reply)
end

--- Spends the refresh token of a reply, which is ready when this returns.
-- @tparam Reply reply
-- @tparam number seconds until it must be over
-- @tparam function leave called when the request leaves, which may have waited for the rate limit: returns the seconds
-- that it may take, or nil if it is not to be sent, as the lock of the store may have ended
function TokenEndpoint:refresh(reply, seconds, leave)
  local given = { form = reply.form, seconds = seconds, reply = reply, leave = leave }
  local _, err = send(self, REFRESH, given)
  if err then reply.err = err end
end

--- Exchanges the code of a sign-in. The rate limit of refreshes does not hold it up: a person waits.
-- @tparam table fields the form's fields, names and values in turn; a value may be false
-- @return[1] credentials
-- @treturn[2] nil
-- @treturn[2] Error
function TokenEndpoint:exchange_code(fields)
  return send(self, EXCHANGE_CODE, { form = token_form(self, fields), is_exempt = true })
end

--- Gets the token of a location with that of its agency.
-- @tparam TokenManager agency
-- @tparam string company_id
-- @tparam string location_id
-- @tparam number seconds until it must be over
-- @return[1] credentials
-- @treturn[2] nil
-- @treturn[2] Error
function TokenEndpoint:location_token(agency, company_id, location_id, seconds)
  local form = { "companyId", company_id, "locationId", location_id }
  local credentials, err = send(self, LOCATION_TOKEN, { form = form, source = agency, seconds = seconds })
  if not credentials then return nil, err end
  local asked = { level = "location", location_id = location_id, company_id = company_id }
  local difference = stray.difference(credentials, asked)
  if difference then return nil, stray.error("of location " .. location_id, difference) end
  return credentials:with { location_id = location_id, company_id = company_id, user_type = "Location" }
end

--- Lists a page of the locations that installed the app.
-- @tparam TokenManager agency
-- @tparam table query flat list, see core.query
-- @treturn[1] table list of locations
-- @treturn[2] nil
-- @treturn[2] Error
function TokenEndpoint:installed_locations(agency, query)
  local target = INSTALLED_LOCATIONS.path .. "?" .. core.query(query)
  local page, response = send(self, INSTALLED_LOCATIONS, { target = target, source = agency, is_exempt = true })
  if page and response.unexpected then
    return nil, errors.new { kind = "decode", message = "the answer has no list of locations" }
  end
  return page, response
end

-- Background work, and the end

local function close_connections(self)
  local multi = self.shared.task
  self.shared.closed, self.shared.task = true, nil
  if multi and self.process == core.pid() then async.close_multi(multi) end
end

local RunningGuard = {}

function RunningGuard.__close(guard)
  local self = guard.endpoint
  self.running = self.running - 1
  if self.closed and self.running == 0 then close_connections(self) end
end

--- Starts a task that goes on when its caller gives up. If the app is closed meanwhile, the last such task closes the
-- connections.
-- @tparam function work
-- @treturn Task
function TokenEndpoint:background(work)
  local guard = setmetatable({ endpoint = self }, RunningGuard)
  local task = async.background(function()
    local running_guard <close> = guard -- luacheck: ignore 211
    return work()
  end)
  self.running, self.process = self.running + 1, core.pid() -- last: from here on nothing can fail
  return task
end

--- Ends new requests. Those in the background go on, driven by the loop; outside a loop they are run to their end here,
-- unless that takes too long, as functions of the store may wait. Idempotent.
function TokenEndpoint:close()
  if self.closed then return end
  self.closed = true
  self.shared.closing:broadcast()
  if self.running == 0 then return close_connections(self) end
  if self.process ~= core.pid() then return end
  for _, limiter in pairs(self.shared.rate_limiters) do
    limiter:wake()
  end
  async.drain(now() + CLOSE_TIMEOUT, function() return self.running == 0 end)
end

return token_endpoint
