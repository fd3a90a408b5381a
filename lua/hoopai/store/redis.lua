--- A token store in Redis, for programs on several hosts. Each change is one script, which Redis runs as a whole.
--
-- Of each location and agency there are two keys: `PREFIXtoken:KEY`, a hash with the credentials (`text`), their
-- `generation`, and by how many seconds the clock of Redis was ahead of the writer's (`ahead`); and while a program
-- renews a token `PREFIXlock:KEY`, which holds the name of its owner and expires. `PREFIXtokens` is the set of all
-- KEYs.
--
-- The generation is the fencing number: credentials replace those that their writer has read, and no others. So a
-- program that was stopped until its lock had expired cannot overwrite a newer token. The mark before a refresh token
-- is sent has no new generation: it is refused unless the program still owns the lock, and it gives the lock its whole
-- time again, which is longer than a token exchange.
local command = require "hoopai.redis.command"
local core = require "hoopai.core"
local custom = require "hoopai.store.custom"
local option_checks = require "hoopai.options"
local sealing = require "hoopai.store.sealing"

local floor, pairs, setmetatable, tonumber, tostring, type = math.floor, pairs, setmetatable, tonumber, tostring, type
local format, match = string.format, string.match

-- Seconds. A token exchange ends 30 s after it has the lock, and its last request is sent before that.
local LOCK_SECONDS, LEAST_LOCK_SECONDS, MOST_LOCK_SECONDS = 60, 45, 3600

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

-- KEYS: the hash, the set. ARGV: key.
local REMOVE = [[
redis.call('DEL', KEYS[1])
redis.call('SREM', KEYS[2], ARGV[1])
return 1
]]

-- KEYS: the lock. ARGV: owner, milliseconds. A response that was lost may have given the lock to this owner already.
local LOCK = [[
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
]]

local UNLOCK = [[
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
]]

local function lock_seconds(value)
  local ok = type(value) == "number" and value >= LEAST_LOCK_SECONDS and value <= MOST_LOCK_SECONDS
  return not ok and format("%d to %d seconds", LEAST_LOCK_SECONDS, MOST_LOCK_SECONDS) or nil
end

local checks = {
  call = command.checks.call,
  prefix = command.checks.prefix,
  lock_seconds = lock_seconds,
  encryption_key = sealing.key_problem,
}

--- The seconds of this host's clock.
local function wall_seconds() return core.wall_ms() // 1000 end

local Redis = {}
Redis.__index = Redis

function Redis:hash(key) return self.prefix .. "token:" .. key end
function Redis:set() return self.prefix .. "tokens" end
function Redis:lock_key(key) return self.prefix .. "lock:" .. key end

--- The name of this program as the owner of locks. A forked child is another program.
function Redis:owner() return self.id .. "." .. core.pid() end

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
    self:owner(),
    self.lock_ms
  )
  if done == 1 then return true end
  if done == 0 then return false end
  return nil, problem or "the lock has expired, and nothing was sent: this program was stopped for too long"
end

function Redis:remove(key)
  local done, problem = self:number(REMOVE, 2, self:hash(key), self:set(), key)
  if done then return true end
  return nil, problem
end

function Redis:list()
  local keys, problem = command.send(self.call, "SMEMBERS", self:set())
  if keys then return keys end
  return nil, problem
end

--- A lock that is not released, as Redis cannot be reached, expires.
local function release(self, key)
  command.send(self.call, "EVAL", UNLOCK, 1, self:lock_key(key), self:owner())
  self.held[key] = nil
end

function Redis:lock(key)
  if self.held[key] then return nil end
  self.held[key] = true -- before the command: Redis lets the owner of a lock take it twice
  local done, problem = self:number(LOCK, 1, self:lock_key(key), self:owner(), self.lock_ms)
  if done == 1 then
    return function() release(self, key) end
  end
  self.held[key] = nil
  if done then return nil end
  return nil, problem
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
  local self = setmetatable({
    call = given.call,
    prefix = given.prefix or "hoopai:",
    lock_ms = tostring(floor((given.lock_seconds or LOCK_SECONDS) * 1000)),
    id = core.random_hex(16),
    seal = sealing.new(given.encryption_key),
    held = {},
  }, Redis)
  return custom(functions_of(self))
end

return redis
