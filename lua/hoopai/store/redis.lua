--- A token store in Redis, for programs on several hosts. Each change is one script, which Redis runs as a whole.
--
-- Of each location and agency there are two keys: `PREFIXtoken:KEY`, a hash with the credentials (`text`), their
-- `generation`, and by how many seconds the clock of Redis was ahead of the writer's (`ahead`); and while a program
-- renews a token `PREFIXlock:KEY`, which holds the name of its owner and expires. `PREFIXtokens` is the set of all
-- KEYs.
--
-- The generation is the fencing number: credentials replace those that their writer has read, and no others. So a
-- program that was stopped until its lock had expired cannot overwrite a newer token. The mark before a refresh token
-- is sent has no new generation: it is refused unless the program still owns the lock.
--
-- A lock is short, and its holder renews it. The lock of a program that was killed between a token exchange and the
-- write of the successor ends while the vendor still accepts the old token once more (30 s), so the next program gets
-- the successor. For the same reason a lock ends 20 s after the mark as long as the token exchange has no result, also
-- if its holder lives. A lock that outlives the longest token exchange would outlive these 30 s as well.
--
-- Redis may execute a command late, after the client has dropped the connection. So the owner of a lock is named by its
-- program and by the number of the acquisition. A late write, removal or release has no effect. A late acquisition of a
-- lock that was released meanwhile holds that lock until it expires, or until this program acquires it.
local async = require "hoopai.async"
local command = require "hoopai.redis.command"
local core = require "hoopai.core"
local custom = require "hoopai.store.custom"
local option_checks = require "hoopai.options"
local sealing = require "hoopai.store.sealing"

local floor, huge, max, min = math.floor, math.huge, math.max, math.min
local pairs, pcall, setmetatable = pairs, pcall, setmetatable
local tonumber, tostring, type = tonumber, tostring, type
local format, match = string.format, string.match
local now = core.now

-- Seconds
local LOCK_SECONDS, LEAST_LOCK_SECONDS, MOST_LOCK_SECONDS = 10, 10, 3600
local RENEWALS = 4 -- of a lock within its time
local SAFE = 5 -- before the end of the lock no token is sent any more
local UNCLEAR = 20 -- from the mark to the end of the lock, as long as the token exchange has no result
local MOST_RENEWED = 360 -- a lock is not renewed after that: by then unsaved tokens were tried to store often enough
local GLANCE = 1 -- so often the task that renews a lock sees whether the Lua state is being closed

-- KEYS: the hash. -> "SECONDS OF THE CLOCK OF REDIS,AHEAD,TEXT"
local READ = [[
local found = redis.call('HMGET', KEYS[1], 'text', 'ahead')
if not found[1] then return false end
return redis.call('TIME')[1] .. ',' .. (found[2] or 0) .. ',' .. found[1]
]]

-- KEYS: the hash, the set, the lock. ARGV: key, text, expected generation, generation, seconds of the writer's clock,
-- owner of the lock, milliseconds of the lock. -> 1 done, 0 another generation is stored, -1 the lock is not the
-- owner's
local WRITE = [[
local stored = redis.call('HGET', KEYS[1], 'generation')
if tonumber(stored or 0) ~= tonumber(ARGV[3]) then return 0 end
if stored and ARGV[3] == ARGV[4] then
  if redis.call('GET', KEYS[3]) ~= ARGV[6] then return -1 end
  redis.call('PEXPIRE', KEYS[3], ARGV[7])
end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[1], 'text', ARGV[2], 'generation', ARGV[4], 'ahead', redis.call('TIME')[1] - ARGV[5])
return 1
]]

-- KEYS: the hash, the set, the lock. ARGV: key, owner of the lock. -> 1 done, -1 the lock is not the owner's
local REMOVE = [[
if redis.call('GET', KEYS[3]) ~= ARGV[2] then return -1 end
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[1])
return 1
]]

-- KEYS: the lock. ARGV: program, number of the acquisition, milliseconds. -> 1 the lock is still the owner's, 2 it is
-- the owner's from now on, 0 it is another one's. A lock of this program with a smaller number was acquired or released
-- by a command whose result was lost.
local LOCK = [[
local owner = redis.call('GET', KEYS[1])
if owner then
  local program, number = string.match(owner, '^(.*)%.(%d+)$')
  if program ~= ARGV[1] or tonumber(number) > tonumber(ARGV[2]) then return 0 end
end
local name = ARGV[1] .. '.' .. ARGV[2]
redis.call('SET', KEYS[1], name, 'PX', ARGV[3])
return owner == name and 1 or 2
]]

local UNLOCK = [[
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
]]

local function lock_seconds_problem(value)
  local ok = type(value) == "number" and value >= LEAST_LOCK_SECONDS and value <= MOST_LOCK_SECONDS
  return not ok and format("%d to %d seconds", LEAST_LOCK_SECONDS, MOST_LOCK_SECONDS) or nil
end

local checks = {
  call = command.checks.call,
  prefix = command.checks.prefix,
  lock_seconds = lock_seconds_problem,
  encryption_key = sealing.key_problem,
}

local function milliseconds(seconds) return tostring(floor(seconds * 1000)) end

--- The seconds of this host's clock.
local function wall_seconds() return core.wall_ms() // 1000 end

local Redis = {}
Redis.__index = Redis

function Redis:hash(key) return self.prefix .. "token:" .. key end
function Redis:set() return self.prefix .. "tokens" end
function Redis:lock_key(key) return self.prefix .. "lock:" .. key end

function Redis:number(...) return command.number(self.call, ...) end

--- See hoopai.store.custom. The clocks of two hosts may differ: the second result is how many seconds this one is ahead
-- of the one that wrote.
function Redis:get(key)
  local found, problem = command.send(self.call, "EVAL", READ, 1, self:hash(key))
  if not found then return nil, problem end
  local seconds, ahead, text = match(tostring(found), "^(%d+),(%-?%d+),(.*)$")
  if not seconds then return nil, "what Redis has under the key was not written by this store" end
  text, problem = self.seal:open(key, text)
  if not text then return nil, problem end
  return text, tonumber(ahead) - (tonumber(seconds) - wall_seconds())
end

function Redis:put(key, text, expected, generation)
  local hold, is_mark, begun = self:hold(key), expected == generation, now()
  local seconds = self.lock_seconds
  if hold then
    hold.limit = is_mark and min(hold.limit, begun + UNCLEAR) or huge -- what has a successor has a result
    seconds = min(seconds, max(hold.limit - begun, 0))
  end
  local done, problem = self:number(
    WRITE,
    3,
    self:hash(key),
    self:set(),
    self:lock_key(key),
    key,
    self.seal:close(key, text),
    tostring(expected),
    tostring(generation),
    tostring(wall_seconds()),
    hold and hold.owner or "",
    milliseconds(seconds)
  )
  if done == 1 then
    if hold and is_mark then
      hold.ends, hold.is_lost = begun + seconds, false
    end
    return true
  end
  if done == 0 then return false end
  return nil,
    problem or "the lock has expired, and nothing was sent: this program was stopped for too long, or Redis was away"
end

function Redis:list()
  local keys, problem = command.send(self.call, "SMEMBERS", self:set())
  if keys then return keys end
  return nil, problem
end

-- Locks ---------------------------------------------------------------------------------------------------------------

--- What this process holds of a lock. The locks that it had before it was forked are its parent's, and one whose
-- functions were collected is held by no code any more.
function Redis:hold(key)
  local process = core.pid()
  if self.process ~= process then
    self.process, self.program, self.holds = process, self.id .. "." .. process, {}
  end
  local hold = self.holds[key]
  return hold and hold.user.handle and hold or nil
end

-- One acquisition of a lock.
local Hold = {}
Hold.__index = Hold

--- Acquires the lock, or renews it. Returns true; nil if another program has the lock; or nil and a problem.
function Hold:take()
  local store, begun = self.store, now()
  local seconds = min(store.lock_seconds, self.limit - begun)
  if seconds <= 0 then return nil end
  local done, problem =
    store:number(LOCK, 1, store:lock_key(self.key), store.program, self.number, milliseconds(seconds))
  self.is_refused = done == 0
  if done ~= 1 and done ~= 2 then return nil, problem end
  -- Another program may have had a lock that was lost.
  if done == 2 and self.is_acquired then self.is_lost = true end
  self.ends = begun + seconds -- not after its end in Redis
  return true
end

--- Releases the lock in Redis. If that cannot be reached, the lock expires.
local function unlock(hold)
  local store = hold.store
  return command.send(store.call, "EVAL", UNLOCK, 1, store:lock_key(hold.key), hold.owner)
end

--- An acquisition that failed, for whatever reason, is no hold. Its command may have arrived, or may still arrive.
function Hold:__close(raised)
  if self.is_acquired and raised == nil then return end
  self.is_released, self.store.holds[self.key] = true, nil
  if not self.is_refused then pcall(async.background, function() unlock(self) end, true) end
end

--- Whether so much of the lock's time is left that a request is sent under it, also if connecting takes some seconds.
-- After the lock was lost, none is sent before the next mark, which compares generations.
function Hold:is_safe() return not self.is_lost and now() < self.ends - SAFE end

--- Releases the lock; once more in the background, as a task that is being cancelled cannot wait.
function Hold:release()
  local store = self.store
  if self.is_released or store:hold(self.key) ~= self then return end
  self.is_released, store.holds[self.key] = true, nil
  self.changed:broadcast()
  if not unlock(self) then pcall(async.background, function() unlock(self) end, true) end
end

--- Renews a lock until it is released, or until the functions of its user are collected.
local function keep(hold)
  local pause = hold.store.lock_seconds / RENEWALS
  local due, last = now() + pause, now() + MOST_RENEWED
  while not hold.is_released and not async.is_shutting_down() and now() < last do
    hold.changed:wait("task", min(due, now() + GLANCE))
    if not hold.is_released and not hold.user.handle then
      hold.is_released = true
      return unlock(hold)
    end
    if now() >= due and not hold.is_released then
      hold:take()
      due = now() + pause
    end
  end
end

local function new_hold(store, key, handle)
  store.number_of_locks = store.number_of_locks + 1
  local number = tostring(store.number_of_locks)
  return setmetatable({
    store = store,
    key = key,
    number = number,
    owner = store.program .. "." .. number,
    user = setmetatable({ handle = handle }, { __mode = "v" }), -- it belongs to the functions that the user gets
    ends = -huge,
    limit = huge, -- the time after which the lock is not to last
    is_acquired = false,
    is_refused = false,
    is_lost = false,
    is_released = false,
    changed = async.new_condition(),
  }, Hold)
end

--- Returns a function that releases the lock, and one that returns whether a token may be sent under it.
function Redis:lock(key)
  if self:hold(key) then return nil end
  local handle = {}
  local hold <close> = new_hold(self, key, handle)
  local function release() return handle and hold:release() end
  local function is_safe() return handle and hold:is_safe() end
  self.holds[key] = hold -- before the command: another task of this program must not send it
  local done, problem = hold:take()
  if not done then return nil, problem end
  async.background(function() keep(hold) end, true)
  hold.is_acquired = true
  return release, is_safe
end

-- Releases what a removal has locked.
local Removal = {}

function Removal.__close(removal)
  if removal.release then removal.release() end
end

--- Removes what is stored, under the lock. That of a token manager with unsaved tokens may have expired, so the lock is
-- acquired once more.
function Redis:remove(key)
  local hold, removal <close> = self:hold(key), setmetatable({ release = false }, Removal)
  local is_held, problem
  if hold then
    is_held, problem = hold:take()
  else
    is_held, problem = self:lock(key)
    removal.release, hold = is_held, self:hold(key)
  end
  if not is_held then return nil, problem or "another program holds the lock" end
  local done
  done, problem = self:number(REMOVE, 3, self:hash(key), self:set(), self:lock_key(key), key, hold.owner)
  if done == 1 then return true end
  return nil, problem or "the lock has expired"
end

--- The functions of a store as those of a table of the user's.
local function functions_of(self)
  local functions = {}
  for name in pairs { get = true, put = true, remove = true, list = true, lock = true } do
    functions[name] = function(...) return Redis[name](self, ...) end
  end
  return functions
end

--- Makes the store. Opens nothing: `call` is called when a token is needed.
-- @tparam table given the options of `hoopai.store.redis`
-- @return a store, see hoopai.store.file
-- @raise for an unknown or a wrong option
local function redis(given)
  given = option_checks.check("hoopai.store.redis", given, checks) or {}
  command.need_call("hoopai.store.redis", given)
  local lock_seconds = given.lock_seconds or LOCK_SECONDS
  local self = setmetatable({
    call = given.call,
    prefix = given.prefix or "hoopai:",
    lock_seconds = lock_seconds,
    id = core.random_hex(16),
    seal = sealing.new(given.encryption_key),
    process = false,
    program = false, -- the id and the process
    holds = {}, -- of this process, by key
    number_of_locks = 0,
  }, Redis)
  return custom(functions_of(self), "hoopai.store.redis")
end

return redis
