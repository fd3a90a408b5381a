--- The tokens of one location or agency: when they are renewed, and which calls wait for it. The exchange itself is in
-- hoopai.oauth.exchange.
--
-- Refresh tokens rotate: each works once. So there is one exchange at a time, in this lua_State (its task is shared by
-- all callers that wait) and on this host (the store's lock is held from re-reading to the durable write). An exchange
-- belongs to the store, not to its caller: it runs in the background with a deadline of its own, and a caller that
-- gives up only stops waiting.
--
-- A failed exchange is remembered for a pause, so that a dead token makes no storm. The memory ends early when its
-- cause may be over: when other credentials are stored, for the location itself or for the agency that gives its token.
local agencies = require "hoopai.oauth.agencies"
local async = require "hoopai.async"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local exchange = require "hoopai.oauth.exchange"
local fields = require "hoopai.oauth.credential_fields"
local in_time = require "hoopai.oauth.in_time"
local sign_in = require "hoopai.oauth.sign_in"
local stray = require "hoopai.oauth.stray"
local token_errors = require "hoopai.oauth.token_errors"

local max, min, setmetatable = math.max, math.min, setmetatable
local pcall, format = pcall, string.format
local is_same, next_credentials, wall_seconds = fields.is_same, fields.next, fields.wall_seconds
local use = exchange.use
local now = core.now

-- Seconds, unless said otherwise
local SAVE_FOR, MOST_PAUSE = 300, 30 -- of trying to store unsaved tokens, and between two attempts
local UNAWAITED_LOCK_TIMEOUT = 5 -- of waiting for the lock while no caller waits for the token
local OPEN_CIRCUIT = 30 -- without an exchange after the API refused a new access token as well
local MIN_LIFE = 60 -- an access token with less life left is renewed before it is used
local EARLY, EARLY_SHARE, JITTER = 600, 0.05, 60 -- with less life left it is renewed in the background

local token_manager = {}

local TokenManager = { may_wait = true }
TokenManager.__index = TokenManager

local function new_manager(registry, level, id)
  return setmetatable({
    registry = registry,
    store = registry.store,
    endpoint = registry.endpoint,
    key = registry:key(level, id),
    label = format("of %s %s", level, id),
    level = level,
    id = id,
    location_id = level == "location" and id,
    company_id = false,
    failures = 0,
    jitter = core.random() * JITTER,
    waiters = 0,
    lock_deadline = 0,
    -- All fields are there from the beginning: an assignment then needs no memory.
    credentials = false,
    generation = 0,
    expires_at = 0,
    lifetime = 0,
    secret = false,
    reply = false,
    unsaved = false,
    sign_in = false,
    stray = false,
    lock = false, -- of unsaved tokens
    exchange_lock = false, -- of the exchange that runs
    room = false,
    end_guard = false,
    is_warned = false,
    is_saving = false,
    is_saving_later = false,
    replacements = 0,
    running = false,
    err = false,
    resume_at = false,
    emitted = false,
    sent = false,
    tried = {}, -- agency -> its credentials when a token was last asked for with them; false if it had none
  }, TokenManager)
end

-- Credentials

local function life_left(self) return self.secret and self.expires_at - now() or 0 end

--- Whether the token must be renewed before it is used.
-- Tokens that live for minutes must not be renewed at every call: hence the shares of their life.
function TokenManager:must_renew() return life_left(self) <= min(MIN_LIFE, self.secret and self.lifetime / 4 or 0) end

local function should_renew(self)
  return life_left(self) < min(max(EARLY, EARLY_SHARE * self.lifetime) + self.jitter, self.lifetime / 2)
end

--- What the hook `refresh` receives, after each exchange of a token or failure of one.
-- @table RefreshEvent
-- @tfield string key the grant: the app's client_id, `location` or `company`, and its id, joined with `/`
-- @tfield boolean ok whether there is a new token
-- @tfield[opt] integer generation how often the grant was exchanged
-- @tfield[opt] string kind the kind of the error, if the exchange failed: with "reauth_required" a person must sign in
-- again. That is emitted once for each generation

local function emit(self, err)
  if err and err.kind == "reauth_required" then
    if self.emitted == self.generation then return end
    self.emitted = self.generation
  end
  self.registry.emit {
    key = self.key,
    ok = err == nil,
    kind = err and err.kind,
    generation = self.credentials and self.generation or nil,
  }
end

local function open_circuit(self, err, seconds)
  self.err, self.resume_at = err, now() + seconds
end

local function close_circuit(self)
  self.failures, self.err, self.resume_at, self.emitted = 0, false, false, false
end

--- Runs one exchange. Each failure is followed by a pause, which doubles up to a minute: a dead token makes no storm. A
-- failure of the store alone needs none: trying again sends nothing, and the store may work again at any moment.
local function run_exchange(self, seen)
  self.sent = false
  local done, err = exchange.run(self, seen)
  if self.stray then
    local response = self.stray
    self.stray = false
    stray.keep(self, response)
  end
  if done then
    close_circuit(self)
  elseif err.kind ~= "store" or self.sent and not self.unsaved then
    self.failures = self.failures + 1
    open_circuit(self, err, max(err.retry_after or 0, min(60, 2 ^ (self.failures - 1))))
  end
  emit(self, err)
  return done, err
end

local function is_running(self) return self.running and self.running.status == "running" end

local function start_exchange(self, seen)
  if not is_running(self) then
    self.lock_deadline = now() + UNAWAITED_LOCK_TIMEOUT
    self.running = self.endpoint:background(function()
      local done, err = run_exchange(self, seen)
      self.running = false
      return done, err
    end)
  end
  return self.running
end

--- The error of the last exchange while its pause lasts, unless other credentials were stored meanwhile: those of this
-- manager, or those of the agency that gives its token.
local function circuit_error(self)
  if is_running(self) or not self.resume_at or now() >= self.resume_at then return nil end
  local stored = self.store:read(self.key)
  local is_new = stored and not (self.credentials and is_same(stored, self.credentials))
  if not is_new and not agencies.has_changed(self) then return self.err end
  close_circuit(self)
end

--- Waits for an exchange, at most until the deadline; the exchange goes on without the caller.
local function await_exchange(self, seen, deadline)
  local err = self.resume_at and in_time.use_store(self, circuit_error, deadline)
  if err then return nil, err end
  if not is_running(self) and self.endpoint.closed then
    return nil, errors.new { kind = "closed", message = "the app is closed" }
  end
  local waiter_guard <close> = -- luacheck: ignore 211
    setmetatable({}, { __close = function() self.waiters = self.waiters - 1 end })
  self.waiters = self.waiters + 1
  local ended, done, problem = async.wait_for(start_exchange(self, seen), deadline)
  if ended then return done, problem end
  return nil, in_time.error "the token was not renewed in time; the exchange goes on"
end

--- Waits for an exchange; outside any loop the caller drives it.
local function wait_for_exchange(self, seen, deadline)
  return async.as_task(async.run_only, "the token exchange", await_exchange, self, seen, deadline)
end

local function load(self)
  local credentials, problem = self.store:read(self.key)
  if problem then return nil, token_errors.store(problem) end
  if credentials and not self.credentials then use(self, credentials) end
  return true
end

TokenManager.has_unsaved, TokenManager.save_now = exchange.has_unsaved, exchange.save_now

function TokenManager:is_running() return is_running(self) end

--- Uses the credentials of a sign-in.
-- @param credentials
function TokenManager:use_sign_in(credentials)
  use(self, credentials)
  close_circuit(self)
end

--- Uses its credentials no more: they were removed from the store. A call with their token that is refused now finds
-- that there are none.
function TokenManager:forget()
  self.credentials, self.generation, self.expires_at, self.lifetime, self.secret = false, 0, 0, 0, false
  close_circuit(self)
end

--- Keeps the tokens of a sign-in that could not be stored, and uses them.
-- @param response credentials
function TokenManager:keep_sign_in(response)
  self.sign_in = response:with { obtained_at = wall_seconds() } -- first: without memory for more they are stored later
  self:use_sign_in(next_credentials(self.credentials or nil, response))
end

local SavingGuard = {}

function SavingGuard.__close(guard) guard.manager.is_saving = false end

--- Stores the tokens of a sign-in if that is possible by now. Until then they are used as they are.
local function try_to_save(self)
  if self.is_saving or is_running(self) then return end
  local saving_guard <close> = setmetatable({ manager = self }, SavingGuard) -- luacheck: ignore 211
  self.is_saving = true
  pcall(self.save_now, self)
end

--- Starts to renew a token that still lives: in the background of a task. A blocking call waits for no renewal that it
-- does not need, but lets one that has begun use what has arrived for it.
local function renew_early(self)
  if not async.in_task() then return is_running(self) and async.step_background() end
  if is_running(self) or self.endpoint.closed or not should_renew(self) then return end
  local may_read = not self.store.may_wait or not self.resume_at or now() >= self.resume_at
  if may_read and not circuit_error(self) then start_exchange(self, self.generation) end
end

--- Until when a call waits for what it can do without: the other half of its time is for the request.
local function half_of(deadline) return deadline and (now() + deadline) / 2 end

--- Renews a token before it is used, at most until the deadline. A token that still lives serves for the call if its
-- renewal takes more than half of the time.
local function renew_first(self, deadline)
  local limit = life_left(self) > 0 and half_of(deadline) or deadline
  local ok, err = wait_for_exchange(self, self.generation, limit)
  if ok or life_left(self) > 0 then return true end
  if limit == deadline or err.kind ~= "timeout" then return nil, err end
  return wait_for_exchange(self, self.generation, deadline)
end

--- Whether unsaved tokens are still to be stored after so many seconds. lua_close ends the wait after a second at most.
local function must_save_after(self, seconds)
  local endpoint, deadline = self.endpoint, now() + seconds
  while now() < deadline do
    local is_open = not endpoint.closed
    endpoint.shared.closing:wait("task", min(deadline, now() + 1))
    if async.is_shutting_down() or not self:has_unsaved() then return false end
    if is_open and endpoint.closed then return true end -- the last attempt
  end
  return true
end

local function save_repeatedly(self)
  local deadline, pause = now() + SAVE_FOR, 1
  while now() < deadline do
    if not must_save_after(self, pause) then return end
    pause = min(2 * pause, MOST_PAUSE)
    if self.endpoint.closed then return try_to_save(self) end
    if self.sign_in then
      try_to_save(self)
    else
      async.wait_for(start_exchange(self, self.generation)) -- which begins with what is unsaved
    end
  end
end

--- Tries to store in the background what exists in this program alone: a lock of the store may end before the next call
-- would do so. After five minutes, or one attempt after the end of the app, that is left to the next call and to the
-- end of the Lua state, and the lock is released.
function TokenManager:save_later()
  if self.is_saving_later then return end
  self.is_saving_later = true
  local ok = pcall(async.background, function()
    pcall(save_repeatedly, self)
    self.is_saving_later = false
    if is_running(self) or async.is_shutting_down() then return end
    local lock <close> = self.lock -- luacheck: ignore 211
    self.lock = false
  end, true)
  if not ok then self.is_saving_later = false end
end

-- The methods of a token source, see hoopai.oauth.token_source

--- The access token to send now.
-- @tparam[opt] number deadline a core.now() time at which the caller stops waiting
-- @return secret, generation, and whether the caller may have waited for them; or nil and an error
function TokenManager:get(deadline)
  local has_waited
  if self.sign_in then in_time.use_store(self, try_to_save, half_of(deadline)) end
  if not self.credentials then
    local ok, err = in_time.use_store(self, load, deadline)
    if not ok then return nil, err end
    has_waited = self.store.may_wait
  end
  if self:must_renew() then
    has_waited = true
    local ok, err = renew_first(self, deadline)
    if not ok then return nil, err end
  elseif self.running or should_renew(self) then
    renew_early(self)
  end
  if not self.secret then return nil, token_errors.no_access_token() end
  return self.secret, self.generation, has_waited
end

--- After a 401 for a token of this generation: true if another one can be sent.
-- @tparam integer generation
-- @tparam number deadline
-- @return boolean; or nil and an error
function TokenManager:refused(generation, deadline)
  if self.generation ~= generation then return true end
  local refused = self.secret
  local ok, err = wait_for_exchange(self, generation, deadline)
  if not ok then return nil, err end
  return self.generation ~= generation or self.secret ~= refused
end

--- Uses credentials that were found in the store, unless an exchange is reading them.
-- @param stored credentials
function TokenManager:see(stored)
  if is_running(self) or self.sign_in or self.credentials and is_same(stored, self.credentials) then return end
  use(self, stored)
  close_circuit(self)
end

--- The API refused a new token as well: the reason is not its age, and further exchanges would not help.
-- @tparam integer generation
-- @tparam Error err of the call. Its caller may change it, so the manager keeps another one
function TokenManager:distrust(generation, err)
  if self.generation ~= generation then return end
  local kept = errors.new { kind = err.kind, message = err.message, status = err.status, trace_id = err.trace_id }
  open_circuit(self, kept, OPEN_CIRCUIT)
end

-- Registry

local Registry = {}
Registry.__index = Registry

--- The token managers of an app: one per location and agency, so that all its clients share an exchange.
-- @tparam table given
-- @tparam string given.client_id
-- @param given.store see hoopai.store
-- @tparam TokenEndpoint given.endpoint see hoopai.oauth.token_endpoint
-- @tparam function given.emit emit(event): emits the hook `refresh`
-- @treturn Registry
function token_manager.registry(given)
  return setmetatable({
    client_id = given.client_id,
    store = given.store,
    endpoint = given.endpoint,
    emit = given.emit,
    managers = {},
  }, Registry)
end

--- The key of a location or an agency in the store.
-- @tparam string level "location" or "company"
-- @tparam string id
-- @treturn string
function Registry:key(level, id) return self.client_id .. "/" .. level .. "/" .. id end

--- The token manager of a location or an agency.
-- @tparam string level "location" or "company"
-- @tparam string id
-- @treturn TokenManager
function Registry:manager(level, id)
  local key = self:key(level, id)
  local manager = self.managers[key] or new_manager(self, level, id)
  self.managers[key] = manager
  return manager
end

--- The token manager of a location.
-- @tparam string location_id
-- @tparam ?string company_id the agency that gives its token if the location did not sign in itself
-- @treturn TokenManager
function Registry:location(location_id, company_id)
  local manager = self:manager("location", location_id)
  if company_id and company_id ~= manager.company_id then
    -- A failure without this agency says nothing of it.
    if manager.tried[company_id] == nil then manager.tried[company_id] = false end
    manager.company_id = company_id
  end
  return manager
end

--- The token manager of an agency.
-- @tparam string company_id
-- @treturn TokenManager
function Registry:company(company_id) return self:manager("company", company_id) end

--- See hoopai.oauth.sign_in.
-- @tparam ?string company_id the agency that signs in, if it is known
function Registry:prepare_sign_in(company_id)
  return sign_in.prepare(self, company_id and self:key("company", company_id) or nil)
end

--- See hoopai.oauth.sign_in.
function Registry:sign_in(response, prepared) return sign_in.store(self, response, prepared) end

return token_manager
