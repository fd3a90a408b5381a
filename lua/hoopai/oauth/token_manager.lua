--- One grant: a pair of tokens in a store, and the only place where it is exchanged for the next.
--
-- Refresh tokens rotate: each works once. So per grant there is one exchange at a time, in this lua_State (its task is
-- shared by all who wait) and on this host (the store's lock, held from re-reading to the durable write). An exchange
-- belongs to the store, not to who asked for it: it runs in the background with a deadline of its own, and a caller
-- that gives up only stops waiting.
--
-- Beside the tokens a stored record has `generation`, `obtained_at` (seconds since 1970), `expires_in`, and where an
-- exchange did not end well: `pending` (when its mark was made) with `tries` (how often the token left since the last
-- clear answer), or `refused_at`.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local scheduler = require "hoopai.async.scheduler"

local max, min, floor, setmetatable, tonumber = math.max, math.min, math.floor, setmetatable, tonumber
local ipairs, format = ipairs, string.format
local now = core.now

local DEADLINE = 30           -- of an exchange, in seconds from having the lock
local PATIENCE = 5            -- how long the lock is waited for when nobody waits for the token
local LOCK_PATIENCE = 60      -- how long the lock is waited for: others hold it for an exchange
local AFTER = { 0, 1, 4 }     -- when the same token is tried after an unclear exchange, in seconds from the first
local UNCLEAR_REST = 60       -- then it rests, on this whole host
local REFUSED_REST = 600      -- and so does one that was refused
local DISTRUST = 30           -- how long nothing is exchanged after the API refused a new token as well
local SHORTEST_LIFE = 60      -- below this a caller waits for the next token
local EARLY, SHARE, JITTER = 600, 0.05, 60 -- refreshed in the background when less than this is left
local LONGEST_LIFE = 10 * 365 * 86400
local ASSUMED_LIFE = 3600     -- where the answer gives no usable expires_in

local grant = {}

local Grant = { may_wait = true }
Grant.__index = Grant

--- A grant of a store.
-- @tparam table given
-- @tparam string given.key of the record in the store
-- @tparam string given.label what to call it in messages
-- @param given.store see hoopai.store
-- @tparam function given.send send(record, seconds) -> reply: spends the refresh token once and waits for the answer.
-- `reply:read()` -> outcome, answer or error: what it says, as often as it is asked; `reply:close()` forgets it. The
-- outcomes: "granted", "refused" (this token), "rejected" (the request; nothing was done), "unsent" (it never left),
-- "unclear"
-- @tparam function given.mint mint(record, seconds) -> outcome, answer or error: asks for a token in another way, which
-- spends nothing, where there is no refresh token
-- @tparam function given.background starts a task that outlives its caller
-- @tparam function given.is_closed whether no new exchange may begin
-- @tparam function given.tell called with an event after each exchange
function grant.new(given)
  given.failures, given.jitter = 0, core.random() * JITTER
  given.waiters, given.patience = 0, 0
  -- Places for what is set later, when there may be no memory for more fields.
  given.record, given.generation, given.ends, given.lifetime, given.secret = false, 0, 0, 0, false
  given.reply, given.unsaved, given.lock = false, false, false
  return setmetatable(given, Grant)
end

--------------------------------------------------------------------------------------------------- what a record says

local function wall_seconds()
  return core.wall_ms() // 1000
end

local function generation_of(record)
  return record and tonumber(record:get("generation")) or 0
end

local function tries_of(record)
  return record:get("pending") and tonumber(record:get("tries")) or 0
end

--- Seconds since the time in a field; nil where there is none, or the clock was put back since.
local function age_of(record, name)
  local time = tonumber(record:get(name))
  local age = time and wall_seconds() - time
  return age and age >= -5 and age or nil
end

local function lifetime_of(record)
  local seconds = tonumber(record:get("expires_in"))
  if not seconds or not (seconds >= 1 and seconds <= LONGEST_LIFE) then return ASSUMED_LIFE end
  return floor(seconds)
end

--- Takes a record into use. What is left of its life is counted on the monotonic clock from here on; a wall clock that
-- went back makes it count as over.
local function adopt(own, record)
  local lifetime, age, generation = lifetime_of(record), age_of(record, "obtained_at"), generation_of(record)
  local ends, secret = now() + (age and lifetime - max(age, 0) or 0), record:get("access_token")
  -- All of it or, where memory runs out, nothing.
  own.record, own.generation, own.ends, own.lifetime, own.secret = record, generation, ends, lifetime, secret or false
end

local function left_of(own)
  return own.secret and own.ends - now() or 0
end

-- Tokens that live for minutes must not be exchanged at every call: hence the shares of their life.
local function is_short(own)
  return left_of(own) <= min(SHORTEST_LIFE, own.secret and own.lifetime / 4 or 0)
end

local function is_early(own)
  return left_of(own) < min(max(EARLY, SHARE * own.lifetime) + own.jitter, own.lifetime / 2)
end

local unmarked = { pending = false, tries = false, refused_at = false }
local answered = {
  "access_token", "refresh_token", "token_type", "scope", "user_type", "location_id", "company_id", "user_id",
}

--- The record to store after an answer of the token endpoint; what the answer leaves out stays.
-- @param old the record that it follows, nil for none
-- @param answer record of the answer
function grant.successor(old, answer)
  local changes = {
    generation = generation_of(old) + 1, obtained_at = wall_seconds(), expires_in = lifetime_of(answer),
  }
  for _, name in ipairs(answered) do
    local value = answer:get(name)
    if value ~= nil then changes[name] = value end
  end
  return (old or core.record {}):with(unmarked):with(changes)
end

------------------------------------------------------------------------------------------------------------- errors

local function store_error(problem, applied)
  return errors.new { kind = "store", message = errors.text(problem), applied = applied }
end

local function reauth(own, what, cause)
  return errors.new {
    kind = "reauth_required", cause = cause, message = format("%s %s: a person must sign in", what, own.label),
  }
end

local function refused_error(own, was_unclear, cause)
  return reauth(own, was_unclear
    and "the answer to an exchange was lost (or the program ended before it was stored), and the token from before it "
      .. "is not accepted any more, the grant" or "the token endpoint no longer accepts the grant", cause)
end

--- Why a stored token must not be spent now, nil when it may: what one program learnt holds for all of this host.
local function resting(own, record)
  local age = age_of(record, "refused_at")
  if age and age < REFUSED_REST then return refused_error(own, record:get("pending")) end
  age = age_of(record, "pending")
  if tries_of(record) >= #AFTER and age and age < UNCLEAR_REST then
    return errors.new {
      kind = "network", retryable = true, retry_after = UNCLEAR_REST - max(age, 0),
      message = format("the answers to %d exchanges of the token were lost; it rests", tries_of(record)),
    }
  end
end

-------------------------------------------------------------------------------------------------------------- store

--- Waits for the lock of a key. Other programs let it go when their exchange is over, or when they die.
-- @param store
-- @tparam string key
-- @tparam[opt] function is_wanted false once nobody waits for the lock any more
-- @return a to-be-closed lock; or nil and an error
function grant.acquire(store, key, is_wanted)
  local deadline, pause = now() + LOCK_PATIENCE, 0.01
  while true do
    local lock, problem = store:lock(key)
    if lock then return lock end
    if problem then return nil, store_error(problem) end
    if now() >= deadline or is_wanted and not is_wanted() then
      return nil, store_error("another program holds the lock of the token store")
    end
    scheduler.sleep(pause * (0.5 + core.random()))
    pause = min(pause * 2, 0.25)
  end
end

local function put(own, record, before)
  local done, problem = own.store:write(own.key, record, generation_of(before))
  if done then return true end
  return nil, store_error(problem, "no")
end

--- Another record than that in use, with a token to send: takes it into use.
local function take_newer(own, record, seen)
  if not record or generation_of(record) == seen then return false end
  adopt(own, record)
  return not is_short(own)
end

--- Stores the successor of a spent token, which exists only here: a full disk may have room again a second later.
local function save(own, before, deadline)
  while true do
    local done, err = put(own, own.unsaved, before)
    if done then
      adopt(own, own.unsaved)
      own.unsaved = false
      return true
    end
    if now() + 1 >= deadline then return nil, err end
    scheduler.sleep(1)
    local stored = own.store:read(own.key)
    if stored and generation_of(stored) >= generation_of(own.unsaved) then
      adopt(own, stored)
      own.unsaved = false
      return true
    end
  end
end

----------------------------------------------------------------------------------------------------------- exchange

--- What the answer to an exchange says. It may hold the only successor of a spent token: where memory runs out before
-- that is noted the answer is kept, and read by the next exchange.
local function read_reply(own, record)
  local outcome, result = own.reply:read()
  if outcome == "granted" then own.unsaved = grant.successor(record, result) end
  own.reply:close()
  own.reply = false
  return outcome, result
end

--- Spends the token, again after an unclear end: the old one may still work, and if it does not, its successor was
-- never ours. Before each time a mark is stored, which tells those who come after a crash.
-- @return outcome, answer or error; and how many times it left without a clear answer, the last one not counted
local function spend(own, record, deadline)
  if not own.reply and not record:get("refresh_token") then return own.mint(record, deadline - now()) end
  local before, first = tries_of(record), now()
  for index, after in ipairs(AFTER) do
    if not own.reply then
      local marked, err = put(own, record:with { pending = wall_seconds(), tries = before + index, refused_at = false },
        record)
      if not marked then return "unmarked", err, before + index - 1 end
      own.reply = own.send(record, deadline - now())
    end
    local outcome, result = read_reply(own, record)
    local wait = first + (AFTER[index + 1] or after) - now()
    local is_last = before + index >= #AFTER or now() + max(wait, 0) >= deadline
    if outcome ~= "unclear" or is_last then return outcome, result, before + index - 1 end
    if wait > 0 then scheduler.sleep(wait) end
  end
end

--- The token was refused. That is believed only when the store still holds what was spent: somebody else may have won.
local function refused(own, record, tries, err)
  local stored, problem = own.store:read(own.key)
  if problem then return nil, store_error(problem) end
  if stored and generation_of(stored) ~= generation_of(record) then
    adopt(own, stored)
    return true
  end
  if record:get("refresh_token") then
    put(own, record:with { refused_at = wall_seconds(), pending = tries > 0 and wall_seconds(), tries = tries }, record)
  end
  return nil, refused_error(own, tries > 0, err.cause)
end

--- Nothing was done with the token: takes the mark away, unless what happened before is still unclear.
local function unmark(own, record, tries)
  if not record:get("refresh_token") then return end
  put(own, record:with { pending = tries > 0 and wall_seconds(), tries = tries > 0 and tries }, record)
end

--- Asks for the successor and stores it.
local function renew(own, record, deadline)
  local outcome, result, tries = spend(own, record, deadline)
  if outcome == "granted" then
    own.unsaved = own.unsaved or grant.successor(record, result)
    return save(own, record, deadline)
  end
  if outcome == "refused" then return refused(own, record, tries or 0, result) end
  if outcome == "rejected" or outcome == "unsent" then unmark(own, record, tries or 0) end
  return nil, result
end

--- Holds the lock for an exchange. A successor that could not be stored (or not even read) is nowhere but here: until
-- it is, the lock stays with this program, so that nobody spends the old token once more.
local Hold = {}
Hold.__close = function(hold)
  local own = hold.own
  own.lock = (own.unsaved or own.reply) and hold.lock
  if own.lock then return end
  local lock <close> = hold.lock -- luacheck: ignore 211
end

local function hold_lock(own)
  local hold, err = setmetatable({ own = own, lock = own.lock }, Hold), nil
  if not hold.lock then
    hold.lock, err = grant.acquire(own.store, own.key, function()
      return not scheduler.is_ending() and (own.waiters > 0 or now() < own.patience)
    end)
  end
  if not hold.lock then return nil, err end
  return hold
end

--- The exchange, under the lock: re-read, find out whether the store can be written, mark, spend, save.
local function exchange(own, seen)
  local hold <close>, lock_error = hold_lock(own) -- luacheck: ignore 211
  if not hold then return nil, lock_error end
  local deadline = now() + DEADLINE
  local record, problem = own.store:read(own.key)
  if problem then return nil, store_error(problem) end
  if own.unsaved and generation_of(own.unsaved) > generation_of(record) then return save(own, record, deadline) end
  own.unsaved = false
  if own.reply then return renew(own, record or core.record {}, deadline) end
  if take_newer(own, record, seen) then return true end
  if not record and not own.mints then return nil, reauth(own, "there is no grant") end
  local rest = record and resting(own, record)
  if rest then return nil, rest end
  local ready, unready = own.store:probe()
  if not ready then return nil, store_error(unready) end
  return renew(own, record or core.record {}, deadline)
end

--- What the hook `refresh` is told, after each exchange of a token or failure of one.
-- @table RefreshEvent
-- @tfield string key the grant: the app's client_id, `location` or `company`, and its id, joined with `/`
-- @tfield boolean ok whether there is a new token
-- @tfield[opt] integer generation how often the grant was exchanged
-- @tfield[opt] string kind the kind of the error, when it failed: with "reauth_required" a person must sign in again.
-- That is told once of each generation

local function tell(own, err)
  if err and err.kind == "reauth_required" then
    local generation = own.generation
    if own.told == generation then return end
    own.told = generation
  end
  own.tell {
    key = own.key, ok = err == nil, kind = err and err.kind, generation = own.record and own.generation or nil,
  }
end

local function pause(own, err, seconds)
  own.error, own.resume_at = err, now() + seconds
end

--- Runs one exchange and notes how it went; a failure is followed by a pause that doubles up to a minute, so that a
-- dead token makes no storm.
local function run_exchange(own, seen)
  local done, err = exchange(own, seen)
  if done then
    own.failures, own.error, own.resume_at = 0, nil, nil
  else
    own.failures = own.failures + 1
    pause(own, err, max(err.retry_after or 0, min(60, 2 ^ (own.failures - 1))))
  end
  tell(own, err)
  return done, err
end

local function is_running(own)
  return own.running and own.running.status == "running"
end

local function start(own, seen)
  if not is_running(own) then
    own.patience = now() + PATIENCE
    own.running = own.background(function() return run_exchange(own, seen) end)
  end
  return own.running
end

--- The error of the last exchange while its pause lasts, unless somebody else stored another grant meanwhile.
local function cooling(own, seen)
  if is_running(own) or not own.resume_at or now() >= own.resume_at then return nil end
  if own.unsaved then return own.error end
  local record = own.store:read(own.key)
  if not record or generation_of(record) == seen then return own.error end
  own.failures, own.error, own.resume_at = 0, nil, nil
end

local function late()
  return errors.new {
    kind = "timeout", stage = "refresh", retryable = true,
    message = "the token was not renewed in time; the exchange goes on",
  }
end

--- Waits for an exchange, at most until the deadline; the exchange goes on without the caller.
local function await_exchange(own, seen, deadline)
  local err = cooling(own, seen)
  if err then return nil, err end
  if not is_running(own) and own.is_closed() then
    return nil, errors.new { kind = "closed", message = "the app is closed" }
  end
  local leave <close> = setmetatable({}, { __close = function() own.waiters = own.waiters - 1 end }) -- luacheck: ignore
  own.waiters = own.waiters + 1
  local ended, done, problem = scheduler.watch(start(own, seen), deadline)
  if not ended then return nil, late() end
  return done, problem
end

--- The same for a caller outside any loop: it drives the exchange that it waits for.
local function exchange_for(own, seen, deadline)
  if scheduler.where("the token exchange") == "task" then return await_exchange(own, seen, deadline) end
  return scheduler.run(await_exchange, own, seen, deadline)
end

local function load(own)
  local record, problem = own.store:read(own.key)
  if problem then return nil, store_error(problem) end
  if record then adopt(own, record) end
  return true
end

--- The token to send now.
-- @tparam[opt] number deadline a core.now() time after which the caller does not want to wait
-- @return secret, generation; or nil and an error
function Grant:get(deadline)
  if not self.record then
    local ok, err = load(self)
    if not ok then return nil, err end
  end
  if is_short(self) then
    local ok, err = exchange_for(self, self.generation, deadline)
    if not ok and left_of(self) <= 0 then return nil, err end
  elseif is_early(self) and scheduler.in_task() and not self.is_closed() and not cooling(self, self.generation) then
    start(self, self.generation)
  end
  return self.secret, self.generation
end

--- After a 401 for a token of this generation: true when another can be tried.
function Grant:refused(generation, deadline)
  if self.generation ~= generation then return true end
  local ok, err = exchange_for(self, generation, deadline)
  if not ok then return nil, err end
  return self.generation ~= generation
end

--- The API refused a token that is new: it is not the token's age, and more exchanges would not help.
function Grant:distrust(generation, err)
  if self.generation == generation then pause(self, err, DISTRUST) end
end

return grant
