--- One exchange of a refresh token for the next credentials, under the lock of the store: read the stored credentials
-- again, reserve room for their successor, mark them, send the refresh token, save the successor.
--
-- These functions get the token manager as `self`. They keep its credentials in step with the store.
local acquire = require "hoopai.store.acquire"
local agencies = require "hoopai.oauth.agencies"
local async = require "hoopai.async"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local fields = require "hoopai.oauth.credential_fields"
local stray = require "hoopai.oauth.stray"
local token_errors = require "hoopai.oauth.token_errors"
local unsaved = require "hoopai.oauth.unsaved"

local ipairs, setmetatable = ipairs, setmetatable
local format, huge, max = string.format, math.huge, math.max
local generation_of, tries_of, marks_of, next_credentials =
  fields.generation_of, fields.tries_of, fields.marks_of, fields.next
local now, wall_ms = core.now, core.wall_ms

-- Seconds
local DEADLINE = 40 -- of an exchange, from having the lock
local RETRY_AT = { 0, 1, 4 } -- when a refresh token is sent, from the first time, while the outcome is unclear
local LAST = 10 -- after the first sending a refresh token without a response is sent again: the vendor accepts a spent
-- token again for 30 seconds. That sending has the rest of the time
local UNCLEAR_BACKOFF = 60 -- then no program of this host sends it for that time
local REFUSED_BACKOFF = 600 -- nor a refresh token that was refused

local exchange = {}

-- Stored credentials

--- Takes credentials into use. The rest of their life is counted on the monotonic clock from here on; if the wall clock
-- was put back, they count as expired.
function exchange.use(self, credentials)
  local generation, lifetime, age = fields.life_of(credentials)
  local secret = credentials:get("access_token")
  local expires_at = now() + (age and lifetime - max(age, 0) or 0)
  local replacements = self.store:replacements()
  -- In one assignment: if memory runs out, all fields change or none.
  self.credentials, self.generation, self.expires_at, self.lifetime, self.secret, self.replacements =
    credentials, generation, expires_at, lifetime, secret or false, replacements
end

function exchange.write(self, credentials, before, room)
  local expected = before and before:number "generation" or 0
  local done, problem = self.store:write(self.key, credentials, expected, room or nil)
  if done then return true end
  return nil, token_errors.store(problem, "no")
end

--- Reserves room for the successor of credentials. The lock guard releases it.
function exchange.reserve(self, credentials)
  local old <close> = self.room -- luacheck: ignore 211
  self.room = false
  local room, problem = self.store:reserve(self.key, credentials)
  if not room then return nil, token_errors.store(problem) end
  self.room = room
  return true
end

--- Stores this program's credentials again where an older copy of their folder, or an empty one, took its place: a
-- token that was spent must not be sent. Credentials that were removed from the same folder stay away.
-- @return the credentials to go on with; or nil and an error
function exchange.restore(self, stored)
  local own = self.credentials
  if not own then return stored end
  if stored then
    if not fields.is_older(stored, own) then return stored end
  elseif self.replacements == self.store:replacements() then
    return nil
  end
  local done, err = exchange.write(self, own, stored)
  if not done then return nil, err end
  self.replacements = self.store:replacements()
  return own
end

local function use_saved(self, credentials)
  exchange.use(self, credentials)
  local room <close> = self.room -- luacheck: ignore 211
  self.unsaved, self.room = false, false
  if self.end_guard or self.is_warned then unsaved.release(self) end
  return true
end

--- Stores the successor of a spent token, which exists only here: a full disk may have room again a second later. After
-- the deadline it is tried once.
function exchange.save(self, before, deadline)
  while true do
    local done, err = exchange.write(self, self.unsaved, before, self.room)
    if done then return use_saved(self, self.unsaved) end
    unsaved.warn(self, err)
    if now() + 1 >= deadline then return nil, err end
    async.sleep(1)
    local stored = self.store:read(self.key)
    if stored and generation_of(stored) >= generation_of(self.unsaved) then return use_saved(self, stored) end
  end
end

--- Stores the tokens of a sign-in that could not be stored when it was made.
function exchange.save_sign_in(self, stored)
  local credentials = next_credentials(stored, self.sign_in):with { obtained_at = self.sign_in:get "obtained_at" }
  local done, err = exchange.write(self, credentials, stored, self.room)
  if not done then return nil, err end
  if self.reply then self.reply:close() end -- it has the successor of older tokens
  self.sign_in, self.reply = false, false
  return use_saved(self, credentials)
end

--- Stores what exists only here, before anything is sent.
-- @return true if that was all; false if there is more to do, the credentials in the store, and the generation seen; or
-- nil and an error
function exchange.save_kept(self, seen)
  local credentials, problem = self.store:read(self.key)
  if problem then return nil, token_errors.store(problem) end
  if self.sign_in then
    local was_seen = self.generation == seen
    local done, err = exchange.save_sign_in(self, credentials)
    if not done then return nil, err end
    credentials, seen = self.credentials, was_seen and self.generation or seen
  end
  if self.unsaved and generation_of(self.unsaved) > generation_of(credentials) then
    return exchange.save(self, credentials, now()) -- the exchange it came from has tried for long
  end
  self.unsaved = false
  return false, credentials, seen
end

-- Marks

--- How often a stored refresh token was sent without a clear response, and the error if no program of this host may
-- send it now.
-- @treturn integer
-- @treturn ?Error
local function stored_backoff(self, credentials)
  local refused, pending, tries = marks_of(credentials)
  if refused and refused < REFUSED_BACKOFF then
    return tries, token_errors.refused(self.label, credentials:get("pending"))
  end
  if tries >= #RETRY_AT and pending and pending < UNCLEAR_BACKOFF then
    return tries,
      errors.new {
        kind = "network",
        retryable = true,
        retry_after = UNCLEAR_BACKOFF - max(pending, 0),
        message = format("the answers to %d exchanges of the token were lost; it rests", tries),
      }
  end
  return tries
end

--- Stores the mark of a refresh token that is about to be sent, for the programs that come after a crash.
-- @tparam integer tries how often the token was sent, this time included
local function mark(self, credentials, tries)
  local marks = { pending = wall_ms() // 1000, tries = tries, refused_at = false }
  return exchange.write(self, credentials:with(marks), credentials)
end

--- The refresh token was refused. That counts only if the store still holds it: another program may have renewed it.
function exchange.handle_refusal(self, credentials, tries, err)
  local stored, problem = self.store:read(self.key)
  if problem then return nil, token_errors.store(problem) end
  if stored and generation_of(stored) ~= generation_of(credentials) then
    exchange.use(self, stored)
    return true
  end
  if credentials:get("refresh_token") then
    local seconds = wall_ms() // 1000
    exchange.write(
      self,
      credentials:with { refused_at = seconds, pending = tries > 0 and seconds, tries = tries },
      credentials
    )
  end
  return nil, token_errors.refused(self.label, tries > 0, err.cause)
end

--- Takes the mark away, as the refresh token was not spent, unless an earlier sending is still unclear.
function exchange.clear_mark(self, credentials, tries)
  if not credentials:get("refresh_token") then return end
  exchange.write(
    self,
    credentials:with { pending = tries > 0 and wall_ms() // 1000, tries = tries > 0 and tries },
    credentials
  )
end

-- Sending

--- Whether there is a reply to read. (One whose request was not sent, as memory ran out, is not ready.)
local function has_reply(self) return self.reply and self.reply:is_ready() end

--- Whether tokens exist in this program alone, see hoopai.oauth.unsaved.
-- @tparam TokenManager self
function exchange.has_unsaved(self) return self.unsaved or self.sign_in or has_reply(self) end

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
-- arrived here.
-- @tparam integer before how often the token was sent without a clear response
-- @return outcome (see hoopai.oauth.token_endpoint); credentials or error; and how many of the earlier sendings had no
-- clear response
local function refresh(self, credentials, deadline, before)
  if not has_reply(self) and not credentials:get("refresh_token") then
    return ask_agency(self, credentials, deadline)
  end
  local began, first = now(), nil
  local is_safe = self.store.may_wait and self.exchange_lock.is_safe

  --- Called when a request leaves, which may have waited for the rate limit: returns for how many seconds it may take,
  -- or nil if the lock of the store may have ended.
  local function leave()
    if is_safe and not is_safe() then return nil end
    local moment = now()
    first = first or moment
    local seconds = first + LAST - moment
    return seconds > 1 and seconds or huge
  end

  for index, at in ipairs(RETRY_AT) do
    if not has_reply(self) then
      local marked, err = mark(self, credentials, before + index)
      if not marked then return "unmarked", err, before + index - 1 end
      self.sent = true
      self.reply = self.endpoint:new_reply(credentials)
      self.endpoint:refresh(self.reply, deadline - now(), leave)
    end
    local outcome, result = read_reply(self, credentials)
    local wait = (first or began) + (RETRY_AT[index + 1] or at) - now()
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
  return exchange.save(self, credentials, deadline)
end

--- Sends the refresh token of credentials and stores its successor. One that came without an access token is sent in
-- turn, once.
local function renew(self, credentials, deadline, before, is_second)
  local outcome, result, tries = refresh(self, credentials, deadline, before)
  if outcome == "granted" then
    self.unsaved = self.unsaved or next_credentials(credentials, result)
    local saved, err = exchange.save(self, credentials, deadline)
    if not saved or self.secret then return saved, err end
    if not is_second and exchange.reserve(self, self.credentials) then
      return renew(self, self.credentials, deadline, tries_of(self.credentials), true)
    end
    return nil, token_errors.no_access_token()
  end
  if outcome == "refused" or outcome == "stray" then
    local done, err = exchange.handle_refusal(self, credentials, tries or 0, result)
    if done then return true end
    if outcome == "stray" then return nil, result end
    return replace_grant(self, credentials, deadline, err)
  end
  if outcome == "rejected" or outcome == "unsent" then exchange.clear_mark(self, credentials, tries or 0) end
  return nil, result
end

-- Under the lock

local function acquire_lock(store, key, is_wanted)
  local lock, problem = acquire(store, key, is_wanted)
  if lock then return lock end
  return nil, token_errors.store(problem)
end

--- Uses stored credentials that are not those of the generation seen, and returns whether their token can be sent.
-- After a store was emptied, generations begin anew: hence the look at the token.
local function use_if_newer(self, credentials, seen)
  if not credentials then return false end
  local is_seen = (credentials:number "generation" or 0) == seen
  if is_seen and (credentials:get("access_token") or false) == self.secret then return false end
  exchange.use(self, credentials)
  return not self:must_renew()
end

-- Holds the lock during an exchange. A successor that could not be stored (or not even read) exists only here: until it
-- is stored, this program keeps the lock, so that no other one sends the old token once more, and the reserved room.
local LockGuard = {}

function LockGuard.__close(guard)
  local self = guard.manager
  self.exchange_lock = false
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
  self.exchange_lock = guard.lock
  return guard
end

--- The exchange, under the lock: read again, reserve room, mark, send, save.
-- @tparam TokenManager self
-- @tparam integer seen_before the generation whose token is not good any more
-- @return true; or nil and the error
function exchange.run(self, seen_before)
  local lock_guard <close>, lock_err = lock_for_exchange(self)
  if not lock_guard then return nil, lock_err end
  local deadline = now() + DEADLINE
  local done, credentials, seen = exchange.save_kept(self, seen_before)
  if done ~= false then return done, credentials end
  if has_reply(self) then
    credentials = credentials or core.credentials {}
    return renew(self, credentials, deadline, tries_of(credentials))
  end
  if async.is_shutting_down() then -- what was not sent is not begun
    return nil, errors.new { kind = "closed", message = "the Lua state is being closed" }
  end
  local problem
  credentials, problem = exchange.restore(self, credentials)
  if problem then return nil, problem end
  agencies.note(self, credentials)
  if use_if_newer(self, credentials, seen) then return true end
  if not credentials and not self.company_id then return nil, token_errors.reauth(self.label, "there is no grant") end
  local tries, backoff = 0, nil
  if credentials then
    tries, backoff = stored_backoff(self, credentials)
  end
  if backoff then return replace_grant(self, credentials, deadline, backoff) end
  local ready, unready = exchange.reserve(self, credentials)
  if not ready then return nil, unready end
  return renew(self, credentials or core.credentials {}, deadline, tries)
end

local function no_wait() return false end

-- Holds the lock while tokens are stored without an exchange. One that the manager kept for them is released once they
-- are stored, unless an exchange has it by then.
local SaveGuard = {}

function SaveGuard.__close(guard)
  local self = guard.manager
  if guard.lock == self.lock then
    if exchange.has_unsaved(self) or self:is_running() then return end
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
-- @tparam TokenManager self
-- @return true; or nil and an error
function exchange.save_now(self)
  local save_guard <close>, lock_err = lock_now(self)
  if not save_guard then return nil, lock_err end
  local done, credentials = exchange.save_kept(self, self.generation)
  if done ~= false then return done, credentials end
  if not has_reply(self) then return true end
  local outcome, result = read_reply(self, credentials or core.credentials {})
  if outcome == "granted" then return exchange.save(self, credentials, now()) end
  return nil, result
end

return exchange
