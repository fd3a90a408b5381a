--- Signing in with OAuth, and the tokens that come of it.
--
-- An app is made by `hoopai.oauth`. A person signs in once: @{App:authorize_url} makes the address for a browser,
-- @{App:exchange} changes the code that comes back for tokens and stores them. From then on clients of the app take
-- their tokens from the store and renew them there:
--
--     local app <close> = hoopai.oauth {
--       client_id = os.getenv("HOOPAI_CLIENT_ID"), client_secret = os.getenv("HOOPAI_CLIENT_SECRET"),
--       store = hoopai.store.file(os.getenv("HOME") .. "/.hoopai"),
--     }
--     local client <close> = hoopai.new { oauth = app, location_id = "..." }
--
-- A token is renewed before it ends: in the background of tasks when less than ten minutes (or 5 % of its life) are
-- left, and before a call is sent when less than a minute is left. A call whose token is refused renews it once and is
-- repeated once. Of each grant one exchange runs at a time, in this program and on this host.
--
-- Tokens, codes and secrets are in no error, hook, log line or `tostring`.
-- @module hoopai.oauth
local answers = require "hoopai.call.response"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local gates = require "hoopai.call.rate_limiter"
local grants = require "hoopai.oauth.token_manager"
local options = require "hoopai.options"
local scheduler = require "hoopai.async.scheduler"
local sha256 = require "hoopai.oauth.sha256"
local store = require "hoopai.store"

local type, tostring, tonumber, pairs, ipairs = type, tostring, tonumber, pairs, ipairs
local error, getmetatable, require, select, setmetatable, pcall =
  error, getmetatable, require, select, setmetatable, pcall
local byte, find, format, lower, match, sub =
  string.byte, string.find, string.format, string.lower, string.match, string.sub
local concat, math_type, min = table.concat, math.type, math.min
local now = core.now

local PRIVATE = {}
local API_VERSION = "2021-07-28"
local BLIND_WAIT = 12 -- seconds to wait after a 429 that does not tell: five exchanges a minute were allowed
local LONGEST_WAIT = 600 -- seconds: a token endpoint that asks for more is asked again nevertheless

local hosts = {
  standard = "https://marketplace.gohighlevel.com",
  white_label = "https://marketplace.leadconnectorhq.com",
}

----------------------------------------------------------------------------------------------------- token endpoints

local function check_process(own)
  if own.process and own.process ~= core.pid() then
    errors.raise("this app belongs to the parent process: make a new one after fork")
  end
end

--- The set of transfers; or nil and an error where the system has no descriptor left.
local function multi_of(own)
  if not own.multi then
    local multi, problem = scheduler.new_set(own.transport)
    if not multi then return nil, errors.new { kind = "network", message = problem, retryable = true } end
    own.multi, own.process = multi, core.pid()
  end
  return own.multi
end

local function close_connections(own)
  if own.multi and own.process == core.pid() then scheduler.detach(own.multi) end
  own.multi = nil
end

local Busy = {}
Busy.__close = function(busy)
  local own = busy.own
  own.busy = own.busy - 1
  if own.closed and own.busy == 0 then close_connections(own) end
end

--- Starts work that outlives who asked for it. What was closed meanwhile is closed when the last of it is done.
local function background(own, work)
  local busy = setmetatable({ own = own }, Busy)
  local task = scheduler.background(function()
    local until_done <close> = busy -- luacheck: ignore 211
    return work()
  end)
  own.busy, own.process = own.busy + 1, core.pid() -- when nothing can fail any more
  return task
end

local refusal_texts = { "invalid_grant", "invalid grant", "invalid refresh token", "refresh token is invalid" }

--- Does an error answer say that this very token, code or grant is not accepted?
local function names_grant(answer)
  for _, name in ipairs { "error", "error_description", "message" } do
    local text = answer:get(name)
    local words = type(text) == "string" and lower(text) or ""
    for _, part in ipairs(refusal_texts) do
      if find(words, part, 1, true) then return true end
    end
  end
  return false
end

--- The reason that an error answer gives, without the secrets of the request: a refusal may echo them.
local function reason_of(answer, sent)
  for _, name in ipairs { "error_description", "message", "error" } do
    local text = answer:get(name)
    if type(text) == "string" and text ~= "" then
      for _, secret in ipairs(sent) do text = secret:redact(text) end
      return text
    end
  end
  return "no reason given"
end

local function secrets_of(form, bearer)
  local secrets = { bearer }
  for index = 2, #form, 2 do
    if type(form[index]) == "userdata" then secrets[#secrets + 1] = form[index] end
  end
  return secrets
end

local function failure(path, fields)
  fields.method, fields.path = "POST", path
  return errors.new(fields)
end

--- What an answer of a token endpoint means; see `read` in hoopai.oauth.token_manager.
-- @tparam string path
-- @param transfer
-- @tparam table sent the secrets of the request
local function outcome_of(path, transfer, sent)
  local status, kind, message = transfer:result()
  if kind or status < 200 or status >= 300 and status < 400 then
    local err = failure(path, { kind = kind or "protocol", message = message or "unexpected status " .. status,
      status = status > 0 and status or nil, stage = kind == "timeout" and transfer:stage() or nil })
    if transfer:sent() == 0 then return "unsent", err end
    err.applied = "maybe"
    return "unclear", err
  end
  local answer, problem = core.read_grant(transfer)
  if status < 300 then
    if answer and answer:get("access_token") then return "granted", answer end
    return "unclear", failure(path, { kind = "decode", status = status, applied = "yes",
      message = "the token endpoint's answer cannot be used: " .. (problem or "it has no access_token") })
  end
  if status >= 500 or status == 408 then
    return "unclear", failure(path, { kind = "server", status = status, applied = "maybe",
      message = "the token endpoint answered " .. status })
  end
  if status == 429 then
    local err = { kind = "rate_limit", status = 429, retryable = true, message = "too many token requests" }
    answers.fill_rate_limit(err, transfer:headers(), transfer:rate_limit())
    err.retry_after = min(err.retry_after or BLIND_WAIT, LONGEST_WAIT)
    return "rejected", failure(path, err)
  end
  if answer and path == "/oauth/token" and names_grant(answer) then
    local cause = failure(path, { kind = "auth", status = status, message = reason_of(answer, sent) })
    return "refused", errors.new { kind = "reauth_required", message = cause.message, cause = cause }
  end
  local text = answer and reason_of(answer, sent) or problem
  return "rejected", failure(path, { kind = answers.kind_of(status, text), status = status,
    message = "the token endpoint refused: " .. text })
end

local function closed_error()
  return errors.new { kind = "closed", message = "the app is closed" }
end

-- A place in the request budget, counted or given back when it is closed.
local Permit = {}
Permit.__close = function(permit)
  local gate = permit.gate
  if not gate then return end
  gate:leave(permit.has_left, permit.answered, permit.pause)
  gate:wake()
end

--- Waits for the request budget of a token endpoint; each of the two has its own.
-- @treturn[1] table a to-be-closed permit. Its user sets `has_left` (else the request counts as never asked for), and
-- of an answer `answered` (the transfer) and `pause` (seconds for which a 429 closes the gate)
-- @treturn[2] nil
-- @treturn[2] Error
local function enter(own, path, deadline, at_once)
  local permit = setmetatable({ gate = false, has_left = false, answered = false, pause = false }, Permit)
  if at_once then return permit end
  local gate = own.gates[path] or gates.new()
  own.gates[path] = gate
  local ok, why, wait = gate:enter {
    where = "task", deadline = deadline, is_closed = function() return own.closed end, on_wait = function() end,
  }
  if ok then
    permit.gate = gate
    return permit
  end
  if why == "closed" then return nil, closed_error() end
  return nil, failure(path, {
    kind = "rate_limit", scope = why == "daily" and why or "burst", retry_after = wait, retryable = true,
    message = "the budget of token requests is used up; not sent, as it would have to wait for too long",
  })
end

--- Notes what the answer says of the budget.
local function note_answer(permit, path, transfer)
  local status = transfer:result()
  permit.has_left, permit.answered = transfer:sent() > 0, status > 0 and transfer
  if status == 429 then permit.pause = select(2, outcome_of(path, transfer, {})).retry_after end
end

-- What came of a request to a token endpoint, to be read once and closed.
local Reply = {}
Reply.__index = Reply

--- What the answer means: see outcome_of.
function Reply:read()
  if self.refusal then return "unsent", self.refusal end
  return outcome_of(self.path, self.transfer, self.secrets)
end

function Reply:close()
  if self.transfer then self.transfer:close() end
end

Reply.__close = Reply.close

-- A request that is not waited for must not leave.
local Unanswered = {}
Unanswered.__close = function(unanswered)
  if unanswered.reply then unanswered.reply:close() end
end

--- Posts a form. Waits in the calling task; never repeats (the request leaves at most once).
-- @tparam table own
-- @tparam string path
-- @tparam table form
-- @param bearer the token to send, nil for none
-- @tparam number seconds
-- @tparam[opt] boolean at_once whether it goes out without looking at the request budget
-- @return a Reply
local function send(own, path, form, bearer, seconds, at_once)
  local deadline = now() + seconds
  local permit <close>, refusal = enter(own, path, deadline, at_once)
  if not permit then return setmetatable({ refusal = refusal }, Reply) end
  local multi, problem = multi_of(own)
  if not multi then return setmetatable({ refusal = problem }, Reply) end
  local headers = { "Accept: application/json" }
  if bearer then headers[2] = "Version: " .. API_VERSION end
  local reply = setmetatable({ path = path, secrets = secrets_of(form, bearer), transfer = false }, Reply)
  local unanswered <close> = setmetatable({ reply = reply }, Unanswered)
  reply.transfer = multi:add {
    method = "POST", url = own.base_url .. path, headers = headers, token = bearer, form = form, deadline = deadline,
    once = true, secret_answer = true,
  }
  permit.has_left = true
  scheduler.await(reply.transfer, scheduler.waiter())
  pcall(note_answer, permit, path, reply.transfer) -- a token in the answer is not lost for want of memory here
  unanswered.reply = false
  return reply
end

local function post(own, path, ...)
  local reply <close> = send(own, path, ...)
  return reply:read()
end

--- The form of a request for tokens.
-- @tparam table own
-- @tparam table fields names and values; a field whose value is false is left out
local function token_form(own, fields)
  local form = { "client_id", own.client_id, "client_secret", own.client_secret }
  for index = 1, #fields, 2 do
    if fields[index + 1] then form[#form + 1], form[#form + 2] = fields[index], fields[index + 1] end
  end
  return form
end

local function send_refresh(own, record, seconds)
  return send(own, "/oauth/token", token_form(own, {
    "grant_type", "refresh_token", "refresh_token", record:get("refresh_token"),
    "user_type", record:get("user_type") or "Location",
  }), nil, seconds)
end

---------------------------------------------------------------------------------------------------------- grants

local function key_of(own, level, id)
  return own.client_id .. "/" .. level .. "/" .. id
end

local grant_of

--- Asks for a location's token with the agency's.
local function mint(own, company_id, location_id, deadline)
  local agency = grant_of(own, "company", company_id)
  local secret, generation = agency:get(deadline)
  if not secret then return "rejected", generation end
  local form = { "companyId", company_id, "locationId", location_id }
  local outcome, result = post(own, "/oauth/locationToken", form, secret, deadline - now())
  if outcome == "rejected" and result.kind == "auth" then
    local again, err = agency:refused(generation, deadline)
    if not again then return "rejected", err or result end
    secret, err = agency:get(deadline)
    if not secret then return "rejected", err end
    outcome, result = post(own, "/oauth/locationToken", form, secret, deadline - now())
  end
  if outcome == "granted" then
    result = result:with { location_id = location_id, company_id = company_id, user_type = "Location" }
  elseif outcome == "unclear" then
    outcome = "rejected" -- minting spends nothing: it may simply be asked again
  end
  return outcome, result
end

--- The grant of a location or company; one object per key, store and lua_State, so that its exchange is shared.
function grant_of(own, level, id, company_id)
  local key = key_of(own, level, id)
  local grant = own.grants[key]
  if not grant then
    grant = grants.new {
      key = key, label = format("of %s %s", level, id), store = own.store, tell = own.tell,
      send = function(record, seconds) return send_refresh(own, record, seconds) end,
      mint = function(record, seconds)
        local company = record:get("company_id") or grant.mints
        if level == "location" and company then return mint(own, company, id, now() + seconds) end
        return "refused", errors.new { kind = "reauth_required", message = "there is no refresh token" }
      end,
      background = function(work) return background(own, work) end,
      is_closed = function() return own.closed end,
    }
    own.grants[key] = grant
  end
  if level == "location" then grant.mints = company_id or grant.mints end
  return grant
end

--------------------------------------------------------------------------------------------------------- the app

local App = { __name = "hoopai.App" }
local methods = {}
App.__index = methods

function App.__tostring(app)
  return format("hoopai.App (%s, client %s)", app[PRIVATE].base_url, app[PRIVATE].client_id)
end

local function own_of(app, method)
  local own = type(app) == "table" and getmetatable(app) == App and app[PRIVATE]
  if not own then errors.raise(format("call it with a colon: app:%s(...)", method)) end
  return own
end

local function base64url(bytes)
  local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
  local out = {}
  for at = 1, #bytes, 3 do
    local a, b, c = byte(bytes, at, at + 2)
    local word = a << 16 | (b or 0) << 8 | (c or 0)
    for place = 0, (b and (c and 3 or 2) or 1) do
      local index = (word >> (18 - 6 * place)) & 63
      out[#out + 1] = sub(alphabet, index + 1, index + 1)
    end
  end
  return concat(out)
end

local url_fields = { redirect_uri = "string", scopes = "table", state = "string", pkce = "boolean", host = "string",
  code_verifier = "string" }

local function check_fields(what, given, known)
  if type(given) ~= "table" then errors.raise(format("%s expects a table, got %s", what, type(given))) end
  for name, value in pairs(given) do
    if not known[name] then errors.raise(format("unknown field `%s` of %s", tostring(name), what)) end
    local expected = known[name]
    local secret = expected == "secret" and (type(value) == "string" or type(value) == "userdata")
    if type(value) ~= expected and math_type(value) ~= expected and not secret then
      errors.raise(format("field `%s` of %s must be a %s, got %s", name, what, expected, type(value)))
    end
  end
end

--- What @{App:authorize_url} returns beside the address, to be kept until the browser comes back.
-- @table SignIn
-- @tfield string state what the browser must bring back as `state`: else the answer belongs to another sign-in
-- @tfield string redirect_uri for @{App:exchange}
-- @tfield[opt] userdata code_verifier for @{App:exchange}, with `pkce`

--- The address that a person opens to sign in and to choose where to install the app.
-- @tparam table given
-- @tparam[opt] table given.scopes list of what is asked for. Default: the app's
-- @tparam[opt] string given.redirect_uri where the browser is sent back to. Default: the app's
-- @tparam[opt] string given.state what the browser shall bring back. Default: 128 random bits
-- @tparam[opt=false] boolean given.pkce whether the code is bound to this sign-in (PKCE, S256)
-- @tparam[opt] string given.code_verifier the secret of PKCE, 43 to 128 letters, digits or `-._~`, instead of a random
-- one; means `pkce` too
-- @tparam[opt="standard"] string given.host "standard", "white_label" (the vendor's page without its brand), or the
-- address of another host
-- @treturn string the address
-- @treturn SignIn
-- @raise for an unknown or wrong field, and without a `redirect_uri`
function methods:authorize_url(given)
  local own = own_of(self, "authorize_url")
  check_fields("app:authorize_url", given, url_fields)
  local redirect_uri = given.redirect_uri or own.redirect_uri
  if not redirect_uri then errors.raise("app:authorize_url needs a redirect_uri") end
  local state = given.state or core.random_hex(16)
  local query = {
    "response_type", "code", "client_id", own.client_id, "redirect_uri", redirect_uri,
    "scope", concat(given.scopes or own.scopes or {}, " "), "state", state,
  }
  local session = { state = state, redirect_uri = redirect_uri }
  if given.pkce or given.code_verifier then
    local verifier = given.code_verifier or core.random_hex(32)
    if not find(verifier, "^[%w%-._~]+$") or #verifier < 43 or #verifier > 128 then
      errors.raise("field `code_verifier` of app:authorize_url must be 43 to 128 of A-Z a-z 0-9 - . _ ~")
    end
    query[#query + 1], query[#query + 2] = "code_challenge", base64url(sha256(verifier))
    query[#query + 1], query[#query + 2] = "code_challenge_method", "S256"
    session.code_verifier = core.secret(verifier)
  end
  local host = given.host or "standard"
  local base = core.base_url(hosts[host] or host)
  if not base then
    errors.raise("field `host` of app:authorize_url must be \"standard\", \"white_label\" or an https address")
  end
  return base .. "/v2/oauth/chooselocation?" .. core.query(query), session
end

local function as_secret(given)
  if type(given) == "string" then return (core.secret(given)) end
  return given
end

local exchange_fields = { code = "secret", redirect_uri = "string", code_verifier = "secret", user_type = "string" }

local function store_grant(own, answer)
  local company = answer:get("user_type") == "Company"
  local id = answer:get(company and "company_id" or "location_id")
  if not id then
    return nil, errors.new {
      kind = "decode", applied = "yes", message = "the answer names neither location nor company",
    }
  end
  local key = key_of(own, company and "company" or "location", id)
  local lock <close>, lock_error = grants.acquire(own.store, key) -- luacheck: ignore 211
  if not lock then return nil, lock_error end
  local old, unread = own.store:read(key)
  if unread then return nil, errors.new { kind = "store", message = tostring(unread), applied = "yes" } end
  local record = grants.successor(old, answer)
  local done, problem = own.store:write(key, record, old and tonumber(old:get("generation")) or 0)
  if not done then return nil, errors.new { kind = "store", message = tostring(problem), applied = "yes" } end
  own.grants[key] = nil
  return {
    location_id = answer:get("location_id"), company_id = answer:get("company_id"), user_id = answer:get("user_id"),
    user_type = answer:get("user_type"), scope = answer:get("scope"),
  }
end

--- Whom a sign-in was for.
-- @table Grant
-- @tfield[opt] string location_id the location, of a "Location"
-- @tfield[opt] string company_id the agency
-- @tfield[opt] string user_id who signed in
-- @tfield string user_type "Location" or "Company"
-- @tfield[opt] string scope what was granted, separated by spaces

--- Changes the code that a sign-in gave for tokens, and stores them. A code works once; the request is never repeated.
-- Whether the store can be written is found out before.
-- @tparam table given
-- @tparam string given.code the `code` that the browser brought back
-- @tparam[opt] string given.redirect_uri the same as for @{App:authorize_url}. Default: the app's
-- @tparam[opt] string|userdata given.code_verifier what @{App:authorize_url} returned as such
-- @tparam[opt="Location"] string given.user_type "Location", or "Company" for the token of an agency
-- @treturn[1] Grant
-- @treturn[2] nil
-- @treturn[2] Error
-- @raise for an unknown or wrong field, and without a `code`
function methods:exchange(given)
  local own = own_of(self, "exchange")
  check_fields("app:exchange", given, exchange_fields)
  if not given.code then errors.raise("app:exchange needs the field `code`") end
  local user_type = given.user_type or "Location"
  if user_type ~= "Location" and user_type ~= "Company" then
    errors.raise("field `user_type` of app:exchange must be \"Location\" or \"Company\"")
  end
  if own.closed then return nil, closed_error() end
  check_process(own)
  local ready, unready = own.store:probe()
  if not ready then return nil, errors.new { kind = "store", message = tostring(unready) } end
  local code, code_verifier = as_secret(given.code), as_secret(given.code_verifier)
  if not code then return nil, errors.new { kind = "invalid_request", message = "the code is empty or malformed" } end
  if given.code_verifier and not code_verifier then
    return nil, errors.new { kind = "invalid_request", message = "the code_verifier is empty or malformed" }
  end
  local form = token_form(own, {
    "grant_type", "authorization_code", "code", code,
    "redirect_uri", given.redirect_uri or own.redirect_uri or false,
    "user_type", user_type, "code_verifier", code_verifier or false,
  })
  local function work()
    -- A person waits, and the code is good for minutes: not held up by what the exchanges of others used up.
    local outcome, result = post(own, "/oauth/token", form, nil, 30, true)
    if outcome ~= "granted" then return nil, result end
    return store_grant(own, result:get("user_type") and result or result:with { user_type = user_type })
  end
  local function wait()
    return select(2, scheduler.watch(background(own, work)))
  end
  if scheduler.where("app:exchange") == "task" then return wait() end
  return scheduler.run(wait)
end

local INSTALLED = {
  method = "GET", retry = "safe",
  result = { keys = { "locations" }, type = { type = "array", items = { type = "object" } } },
}

--- One page of the locations that installed the app.
local function installed_page(own, agency, company_id, skip, limit)
  if own.closed then return nil, closed_error() end
  check_process(own)
  local secret, generation = agency:get(now() + 30)
  if not secret then return nil, generation end
  local query = core.query {
    "isInstalled", true, "companyId", company_id, "appId", match(own.client_id, "^[^-]+"),
    "skip", tostring(skip), "limit", tostring(limit),
  }
  local function fetch(bearer)
    local multi, problem = multi_of(own)
    if not multi then return nil, problem end
    local transfer <close> = multi:add {
      method = "GET", url = own.base_url .. "/oauth/installedLocations?" .. query, token = bearer, timeout = 30,
      headers = { "Accept: application/json", "Version: " .. API_VERSION },
    }
    scheduler.await(transfer, scheduler.waiter())
    return answers.read({
      endpoint = INSTALLED,
      path = "/oauth/installedLocations", base_url = own.base_url, attempts = 1, secret = bearer,
    }, transfer)
  end
  local page, response = fetch(secret)
  if page == nil and response.kind == "auth" then
    local again, err = agency:refused(generation, now() + 30)
    if not again then return nil, err or response end
    secret, generation = agency:get(now() + 30)
    if not secret then return nil, generation end
    page, response = fetch(secret)
  end
  if page and response.unexpected then
    return nil, errors.new { kind = "decode", message = "the answer has no list of locations" }
  end
  return page, response
end

local installed_fields = { company_id = "string", limit = "integer" }

--- Iterates over the locations of an agency as the API lists them for the app:
-- `for location in app:installed_locations { company_id = id } do print(location.name) end`. The agency must have
-- signed in, with the scope `oauth.readonly`; the tokens of its locations need `oauth.write` as well.
-- @tparam[opt] table given
-- @tparam[opt] string given.company_id the agency. Default: the app's
-- @tparam[opt=100] integer given.limit locations per request
-- @treturn function an iterator of tables as the API gives them: `_id`, `name`, `address`, `isInstalled` and others.
-- It raises the @{hoopai.Error} when a page cannot be had, because a list that ends early must not look complete
-- @raise for an unknown or wrong field, and without a `company_id`
function methods:installed_locations(given)
  local own = own_of(self, "installed_locations")
  given = given or {}
  check_fields("app:installed_locations", given, installed_fields)
  local company_id, limit = given.company_id or own.company_id, given.limit or 100
  if not company_id then errors.raise("app:installed_locations needs a company_id") end
  if limit < 1 then errors.raise("field `limit` of app:installed_locations must be at least 1") end
  local agency = grant_of(own, "company", company_id)
  local page, position, skip, is_over = {}, 0, 0, false
  local function load()
    return installed_page(own, agency, company_id, skip, limit)
  end
  local function turn_page()
    local found, err
    if scheduler.where("app:installed_locations") == "task" then found, err = load()
    else found, err = scheduler.run(load) end
    if not found then error(err, 0) end
    local first = found[1] and found[1]._id
    if first ~= nil and page[1] and page[1]._id == first then
      error(errors.new { kind = "protocol", message = "the list of locations begins anew on its next page" }, 0)
    end
    -- Only an empty page is the end: the API may give fewer locations in one than it was asked for.
    page, position, skip, is_over = found, 0, skip + #found, #found == 0
  end
  return function()
    if position == #page and not is_over then turn_page() end
    position = position + 1
    return page[position]
  end
end

--- Where a client's token comes from; same methods as the sources of hoopai.oauth.token_source.
function methods:source(location_id, company_id)
  local own = own_of(self, "source")
  check_process(own)
  company_id = company_id or own.company_id
  if location_id then return grant_of(own, "location", location_id, company_id) end
  if not company_id then errors.raise("a client of an app needs a location_id or a company_id") end
  return grant_of(own, "company", company_id)
end

--- Tells the hooks of a client too, as long as they are in use.
function methods:listen(on)
  own_of(self, "listen").listeners[on] = true
end

--- Makes a client of a location, or of the agency, as `hoopai.new` does with this app as `oauth`.
-- @tparam[opt] table given the options of `hoopai.new` but for `token` and `oauth`
-- @treturn Client
-- @raise for an unknown or wrong option
function methods:client(given)
  own_of(self, "client")
  local copy = options.copy(given or {})
  copy.oauth = self
  return require("hoopai.client").new(copy)
end

--- Closes the app's connections. In a task it returns at once, and an exchange that runs is ended by the loop; outside
-- it waits for the exchange. Idempotent.
function methods:close()
  local own = own_of(self, "close")
  if own.closed then return end
  own.closed = true
  if own.busy == 0 then return close_connections(own) end
  if own.process ~= core.pid() then return end
  for _, gate in pairs(own.gates) do gate:wake() end
  scheduler.settle()
end

App.__close = methods.close
function App.__gc(app) pcall(methods.close, app) end

local app = {}

--- Makes an app. @see hoopai.oauth
function app.new(given)
  local settings = options.check_oauth(given)
  local own = {
    client_id = settings.client_id, client_secret = settings.client_secret, redirect_uri = settings.redirect_uri,
    scopes = settings.scopes, company_id = settings.company_id, base_url = settings.base_url,
    transport = settings.transport, store = store.behind(settings.store or store.memory()), grants = {}, gates = {},
    busy = 0, listeners = setmetatable({ [settings.on] = true }, { __mode = "k" }), on = settings.on,
  }
  function own.tell(event)
    for on in pairs(own.listeners) do
      if on.refresh then scheduler.call_hook("on.refresh", on.refresh, options.copy(event)) end
    end
  end
  return setmetatable({ [PRIVATE] = own, base_url = settings.base_url }, App)
end

--- Is this value an app?
function app.is(value)
  return getmetatable(value) == App
end

return app
