--- A rate limit in Redis. For each location there is one hash, which one script reads and changes as a whole:
--
-- * `h:PROGRAM` = "HELD EXPIRES NUMBER": how many permits a program holds, used or not, until when its lease lasts, and
--   the number of its last renewal;
-- * `b:MS` = COUNT: so many requests had their response at about this time of Redis' clock;
-- * `max`, `interval`: the limit, as the API's headers state it; `day`, `day_seen`, `day_ends`: how many requests of
--   the day are left when these are few; `paused`: until when the API asked for a pause.
--
-- The API counts a request when it arrives, which is between its send and its response. Here a permit counts from its
-- lease until one interval after the response, so no interval of the API holds more requests than allowed, as in
-- src/rate_limiter.c. All times are of Redis' clock: a program states how long ago a response came, and the script,
-- which runs later, computes a time that is late rather than early. So clocks of hosts may differ as they like.
--
-- When a lease expires, all of it counts as used at that moment; the program, whose time ends before, uses none of it
-- any more. If the API states fewer remaining requests than are counted here, others use the limit, and count as well.
local command = require "hoopai.redis.command"
local core = require "hoopai.core"
local leases = require "hoopai.rate_limit.lease"

local setmetatable, tonumber, type = setmetatable, tonumber, type
local unpack = table.unpack

local shared = {}

local LEASE_MS = 5000
local TIMEOUT = 0.5

-- KEYS: the hash. ARGV: program, number of the renewal, permits it holds, how many more it wants, milliseconds of a
-- lease, maximum (-1 unknown, 0 none), interval; of the last response remaining, its age, daily remaining, daily reset
-- (-1: not stated); milliseconds of a pause; then pairs: so many requests ended so many milliseconds ago. A maximum of
-- 0 may be that of a response without headers, as a gateway sends it.
-- -> permits, milliseconds until there may be more, milliseconds of a pause and of an exhausted day
local RENEW = [=[
local key, id = KEYS[1], ARGV[1]
local n = {}
for i = 2, #ARGV do n[i] = tonumber(ARGV[i]) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local fields, raw = {}, redis.call('HGETALL', key)
for i = 1, #raw, 2 do fields[raw[i]] = raw[i + 1] end
local function set(name, value) fields[name] = value; redis.call('HSET', key, name, value) end
local function number(name) return tonumber(fields[name] or '') end

if n[6] > 0 or n[6] == 0 and not fields.max then set('max', ARGV[6]); set('interval', ARGV[7]) end
local max, interval = number('max') or -1, number('interval') or 10000
local part = math.max(math.floor(interval / 100), 1)
local buckets, held, programs = {}, 0, 0

local function count(at, requests)
  if requests <= 0 then return end
  at = math.ceil(math.min(at, now) / part) * part
  buckets[at] = (buckets[at] or 0) + requests
  redis.call('HINCRBY', key, string.format('b:%.0f', at), requests)
end

for name, value in pairs(fields) do
  local kind, rest = string.sub(name, 1, 2), string.sub(name, 3)
  if kind == 'b:' then
    local at = tonumber(rest)
    if at + 2 * interval + part < now then redis.call('HDEL', key, name)
    else buckets[at] = (buckets[at] or 0) + tonumber(value) end
  end
end
for name, value in pairs(fields) do
  local kind, rest = string.sub(name, 1, 2), string.sub(name, 3)
  if kind == 'h:' then
    local permits, expires, last = string.match(value, '^(%d+) (%d+) (%d+)$')
    permits, expires, last = tonumber(permits), tonumber(expires), tonumber(last)
    if rest == id then
      if n[2] <= last then return {0, 0, 0, 0} end
      if expires <= now then count(expires, math.max(permits - n[3], 0)) end
    elseif expires <= now then
      count(expires, permits)
      redis.call('HDEL', key, name)
    else
      held, programs = held + permits, programs + 1
    end
  end
end
for i = 13, #ARGV, 2 do count(now - n[i + 1], n[i]) end

local function used_since(moment)
  local sum = 0
  for at, requests in pairs(buckets) do
    if at > moment then sum = sum + requests end
  end
  return sum
end

held = held + n[3]
if n[8] >= 0 and max > 0 then
  local moment = now - n[9]
  count(moment, math.min(max - n[8] - used_since(moment - interval) - held, max))
end

if n[10] >= 0 and now - n[9] >= (number('day_seen') or 0) then
  if n[10] < 1000 then
    set('day', math.max(n[10] - held, 0))
    set('day_seen', now - n[9])
    set('day_left', n[10])
    set('day_ends', n[11] >= 0 and now - n[9] + n[11] or now + 60000)
  else
    redis.call('HDEL', key, 'day', 'day_left')
    fields.day, fields.day_left = nil, nil
  end
end
local day = number('day')
if day and (now >= number('day_ends') or now - number('day_seen') > 600000) then
  redis.call('HDEL', key, 'day', 'day_left')
  day = nil
end

if n[12] > 0 then set('paused', math.max(number('paused') or 0, now + n[12])) end

local free = max == 0 and n[4] or (max > 0 and max or 20) - held - used_since(now - interval)
if day then free = math.min(free, day) end
local granted = math.max(math.min(n[4], free), 0)
if max ~= 0 and granted > 0 then granted = math.min(granted, math.ceil(free / (programs + 1))) end
if day then set('day', day - granted) end
local total = n[3] + granted
if total > 0 or n[4] > 0 then
  set('h:' .. id, string.format('%.0f %.0f %.0f', total, now + n[5], n[2]))
else
  redis.call('HDEL', key, 'h:' .. id)
end

local wait = 0
if granted < n[4] and granted == math.max(free, 0) then
  wait = 1000
  for at in pairs(buckets) do
    if at + interval > now then wait = math.min(wait, at + interval - now) end
  end
end
local pause = math.max((number('paused') or 0) - now, 0)
local day_wait = day and number('day_left') == 0 and math.max(number('day_ends') - now, 0) or 0
redis.call('PEXPIRE', key, math.min(math.max(3 * interval, 3 * n[5], pause, day_wait) + 60000, 90000000))
return {granted, wait, pause, day_wait}
]=]

local Provider = {}
Provider.__index = Provider

--- Sends a renewal of a lease.
-- @tparam string key of the hash
-- @tparam table arguments of the script
-- @treturn[1] table its four integers
-- @treturn[2] nil
-- @treturn[2] string a problem
local function renew(self, key, arguments)
  local result, problem = command.send(self.call, "EVAL", RENEW, 1, key, unpack(arguments, 1, arguments.n))
  if result == nil then return nil, problem or "`call` returned nil without a problem" end
  local numbers = {}
  for index = 1, 4 do
    numbers[index] = type(result) == "table" and tonumber(result[index])
    if not numbers[index] then return nil, "`call` returned no list of four numbers for a script" end
  end
  return numbers
end

--- Makes the lease of a location, for one client of one program.
-- @tparam ?string app_id the client_id of the OAuth app
-- @tparam string location "" without one
-- @tparam function notify called with a problem when Redis cannot be asked, and with nil when it can again
-- @treturn Lease
function Provider:lease(app_id, location, notify)
  local key = self.prefix .. "rate:" .. (app_id or "token") .. "/" .. location
  return leases.new {
    renew = function(arguments) return renew(self, key, arguments) end,
    notify = notify,
    id = core.random_hex(12),
    lease_ms = self.lease_ms,
    timeout = self.timeout,
  }
end

--- @tparam table options see hoopai.rate_limit
function shared.new(options)
  return setmetatable({
    call = options.call,
    prefix = options.prefix or "hoopai:",
    timeout = options.timeout or TIMEOUT,
    lease_ms = LEASE_MS,
  }, Provider)
end

return shared
