--- The tokens of one location or agency, and the only place where its refresh token is exchanged for the next.
--
-- Refresh tokens rotate: each works once. So there is one exchange at a time, in this lua_State (its task is shared by
-- all callers that wait) and on this host (the store's lock is held from re-reading to the durable write). An exchange
-- belongs to the store, not to its caller: it runs in the background with a deadline of its own, and a caller that
-- gives up only stops waiting.
--
-- A failed exchange is remembered for a pause, so that a dead token makes no storm. The memory ends early when its
-- cause may be over: when other credentials are stored, for the location itself or for the agency that gives its token.
local acquire = require "hoopai.store.acquire"
local agencies = require "hoopai.oauth.agencies"
local async = require "hoopai.async"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local fields = require "hoopai.oauth.credential_fields"
local in_time = require "hoopai.oauth.in_time"
local sign_in = require "hoopai.oauth.sign_in"
local stored_credentials = require "hoopai.oauth.stored_credentials"
local stray = require "hoopai.oauth.stray"
local token_errors = require "hoopai.oauth.token_errors"
local unsaved = require "hoopai.oauth.unsaved"

local max, min, setmetatable = math.max, math.min, setmetatable
local ipairs, pcall, format = ipairs, pcall, string.format
local generation_of, tries_of, marks_of = fields.generation_of, fields.tries_of, fields.marks_of
local is_same, next_credentials, wall_seconds = fields.is_same, fields.next, fields.wall_seconds
local use, write, reserve = stored_credentials.use, stored_credentials.write, stored_credentials.reserve
local save, handle_refusal, clear_mark =
  stored_credentials.save, stored_credentials.handle_refusal, stored_credentials.clear_mark
local save_kept = stored_credentials.save_kept
local now = core.now

-- Seconds, unless said otherwise
local DEADLINE = 30 -- of an exchange, from having the lock
local UNAWAITED_LOCK_TIMEOUT = 5 -- of waiting for the lock while no caller waits for the token
local RETRY_AT = { 0, 1, 4 } -- when a refresh token is sent, from the first time, while the outcome is unclear
local UNCLEAR_BACKOFF = 60 -- then no program of this host sends it for that time
local REFUSED_BACKOFF = 600 -- nor a refresh token that was refused
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
    lock = false,
    room = false,
    end_guard = false,
    is_warned = false,
    is_saving = false,
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

-- Tokens that live for minutes must not be renewed at every call: hence the shares of their life.
local function must_renew(self) return life_left(self) <= min(MIN_LIFE, self.secret and self.lifetime / 4 or 0) end

local function should_renew(self)
  return life_left(self) < min(max(EARLY, EARLY_SHARE * self.lifetime) + self.jitter, self.lifetime / 2)
end

--- The error of a stored refresh token that must not be sent now, by any program of this host; nil if it may.
local function stored_backoff(self, credentials)
  local refused, pending, tries = marks_of(credentials)
  if refused and refused < REFUSED_BACKOFF then return token_errors.refused(self.label, credentials:get("pending")) end
  if tries >= #RETRY_AT and pending and pending < UNCLEAR_BACKOFF then
    return errors.new {
      kind = "network",
      retryable = true,
      retry_after = UNCLEAR_BACKOFF - max(pending, 0),
      message = format("the answers to %d exchanges of the token were lost; it rests", tries),
    }
  end
end

-- Store

local function acquire_lock(store, key, is_wanted)
  local lock, problem = acquire(store, key, is_wanted)
  if lock then return lock end
  return nil, token_errors.store(problem)
end

--- Uses stored credentials that are not those of the generation seen, and returns whether their token can be sent.
-- After a store was emptied, generations begin anew: hence the look at the token.
local function use_if_newer(self, credentials, seen)
  if not credentials then return false end
  if generation_of(credentials) == seen and (credentials:get("access_token") or false) == self.secret then
    return false
  end
  use(self, credentials)
  return not must_renew(self)
end

-- Exchange

--- Whether there is a reply to read. (One whose request was not sent, as memory ran out, is not ready.)
local function has_reply(self) return self.reply and self.reply:is_ready() end

--- Reads what came of a refresh. The reply is kept until its credentials are: if memory runs out before that, the next
-- exchange reads it again.
local function read_reply(self, credentials)
  local outcome, result = self.reply:read()
  if outcome == "granted" then
    local company_id = self.level == "company" and self.id or credentials:get("company_id")
    local asked = { level = self.level, location_id = self.location_id, company_id = company_id }
    local difference = stray.difference(result, asked)
    if difference then
      self.stray, outcome, result = result, "stray", stray.error(self.label, difference, true)
    else
      self.unsaved = next_credentials(credentials, result)
    end
  end
  self.reply:close()
  self.reply = false
  return outcome, result
end

--- Gets the token of a location with that of its agency, which spends nothing: after an unclear end it may be asked for
-- again.
local function ask_agency(self, credentials, deadline)
  local company_id = agencies.of(self, credentials)
  if not company_id then
    return "refused", errors.new { kind = "reauth_required", message = "there is no refresh token" }
  end
  local agency = self.registry:company(company_id)
  local secret, problem = agency:get(deadline)
  self.tried[company_id] = agency.credentials -- before the request, which may take place with newer ones
  if not secret and problem.kind == "store" then return "unsent", problem end
  self.sent = true
  local granted, err = self.endpoint:location_token(agency, company_id, self.location_id, deadline - now())
  if granted then return "granted", granted end
  return "rejected", err
end

--- Sends the refresh token, again after an unclear end: the server may still accept it, and if not, its successor never
-- arrived here. Before each sending a mark is stored, for the programs that come after a crash.
-- @return outcome (see hoopai.oauth.token_endpoint); credentials or error; and how many of the earlier sendings had no
-- clear response
local function refresh(self, credentials, deadline)
  if not has_reply(self) and not credentials:get("refresh_token") then
    return ask_agency(self, credentials, deadline)
  end
  local before, first = tries_of(credentials), now()
  for index, at in ipairs(RETRY_AT) do
    if not has_reply(self) then
      local marked, err = write(
        self,
        credentials:with { pending = wall_seconds(), tries = before + index, refused_at = false },
        credentials
      )
      if not marked then return "unmarked", err, before + index - 1 end
      self.sent = true
      self.reply = self.endpoint:new_reply(credentials)
      self.endpoint:refresh(self.reply, deadline - now())
    end
    local outcome, result = read_reply(self, credentials)
    local wait = first + (RETRY_AT[index + 1] or at) - now()
    local is_last = before + index >= #RETRY_AT or now() + max(wait, 0) >= deadline
    if outcome ~= "unclear" or is_last then return outcome, result, before + index - 1 end
    if wait > 0 then async.sleep(wait) end
  end
end

--- Saves the token that the agency gave in place of one of a grant that is no longer accepted. The grant stays stored.
-- @return true; or nil and the error
local function replace_grant(self, credentials, deadline, err)
  local company_id = credentials:get("refresh_token") and agencies.of(self, credentials)
  if not company_id or err.kind ~= "reauth_required" then return nil, err end
  if not self.store:read(self.registry:key("company", company_id)) then return nil, err end
  local outcome, result = ask_agency(self, credentials, deadline)
  if outcome ~= "granted" then return nil, err end
  self.unsaved = next_credentials(credentials, result)
  return save(self, credentials, deadline)
end

--- Sends the refresh token of credentials and stores its successor. One that came without an access token is sent in
-- turn, once.
local function renew(self, credentials, deadline, is_second)
  local outcome, result, tries = refresh(self, credentials, deadline)
  if outcome == "granted" then
    self.unsaved = self.unsaved or next_credentials(credentials, result)
    local saved, err = save(self, credentials, deadline)
    if not saved or self.secret then return saved, err end
    if not is_second and reserve(self, self.credentials) then return renew(self, self.credentials, deadline, true) end
    return nil, token_errors.no_access_token()
  end
  if outcome == "refused" or outcome == "stray" then
    local done, err = handle_refusal(self, credentials, tries or 0, result)
    if done then return true end
    if outcome == "stray" then return nil, result end
    return replace_grant(self, credentials, deadline, err)
  end
  if outcome == "rejected" or outcome == "unsent" then clear_mark(self, credentials, tries or 0) end
  return nil, result
end

-- Holds the lock during an exchange. A successor that could not be stored (or not even read) exists only here: until it
-- is stored, this program keeps the lock, so that no other one sends the old token once more, and the reserved room.
local LockGuard = {}

function LockGuard.__close(guard)
  local self = guard.manager
  self.lock = (self.unsaved or has_reply(self)) and guard.lock
  if self.lock then return unsaved.hold(self) end
  local lock <close> = guard.lock -- luacheck: ignore 211
  if self.sign_in then return end
  local room <close> = self.room -- luacheck: ignore 211
  self.room = false
end

local function lock_for_exchange(self)
  local guard, err = setmetatable({ manager = self, lock = self.lock }, LockGuard), nil
  if not guard.lock then
    guard.lock, err = acquire_lock(
      self.store,
      self.key,
      function() return not async.is_shutting_down() and (self.waiters > 0 or now() < self.lock_deadline) end
    )
  end
  if not guard.lock then return nil, err end
  return guard
end

--- The exchange, under the lock: read again, reserve room, mark, send, save.
local function exchange(self, seen_before)
  local lock_guard <close>, lock_err = lock_for_exchange(self)
  if not lock_guard then return nil, lock_err end
  local deadline = now() + DEADLINE
  local done, credentials, seen = save_kept(self, seen_before)
  if done ~= false then return done, credentials end
  if has_reply(self) then return renew(self, credentials or core.credentials {}, deadline) end
  if async.is_shutting_down() then -- what was not sent is not begun
    return nil, errors.new { kind = "closed", message = "the Lua state is being closed" }
  end
  local problem
  credentials, problem = stored_credentials.restore(self, credentials)
  if problem then return nil, problem end
  agencies.note(self, credentials)
  if use_if_newer(self, credentials, seen) then return true end
  if not credentials and not self.company_id then return nil, token_errors.reauth(self.label, "there is no grant") end
  local backoff = credentials and stored_backoff(self, credentials)
  if backoff then return replace_grant(self, credentials, deadline, backoff) end
  local ready, unready = reserve(self, credentials)
  if not ready then return nil, unready end
  return renew(self, credentials or core.credentials {}, deadline)
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
  local done, err = exchange(self, seen)
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

--- Whether tokens exist in this program alone, see hoopai.oauth.unsaved.
function TokenManager:has_unsaved() return self.unsaved or self.sign_in or has_reply(self) end

function TokenManager:is_running() return is_running(self) end

local function no_wait() return false end

-- Holds the lock while tokens are stored without an exchange. One that the manager kept for them is released once they
-- are stored, unless an exchange has it by then.
local SaveGuard = {}

function SaveGuard.__close(guard)
  local self = guard.manager
  if guard.lock == self.lock then
    if self:has_unsaved() or is_running(self) then return end
    self.lock = false
  end
  local lock <close> = guard.lock -- luacheck: ignore 211
end

local function lock_now(self)
  local guard, err = setmetatable({ manager = self, lock = self.lock }, SaveGuard), nil
  if not guard.lock then
    guard.lock, err = acquire_lock(self.store, self.key, no_wait)
  end
  if not guard.lock then return nil, err end
  return guard
end

--- Stores what exists in this program alone, without waiting for other programs.
-- @return true; or nil and an error
function TokenManager:save_now()
  local save_guard <close>, lock_err = lock_now(self)
  if not save_guard then return nil, lock_err end
  local done, credentials = save_kept(self, self.generation)
  if done ~= false then return done, credentials end
  if not has_reply(self) then return true end
  local outcome, result = read_reply(self, credentials or core.credentials {})
  if outcome == "granted" then return save(self, credentials, now()) end
  return nil, result
end

--- Uses the credentials of a sign-in.
-- @param credentials
function TokenManager:use_sign_in(credentials)
  use(self, credentials)
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
  if must_renew(self) then
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
