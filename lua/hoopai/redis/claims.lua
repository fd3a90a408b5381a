--- Which webhooks were received already, by programs on several hosts: one key for each id, which expires.
--
-- If the result of a claim does not arrive, the claim is undone: the sender's retry would be refused otherwise. A claim
-- may reach Redis after that, so its name is kept for five minutes as one that was undone.
local async = require "hoopai.async"
local command = require "hoopai.redis.command"
local core = require "hoopai.core"
local option_checks = require "hoopai.options"

local ceil, pcall, setmetatable, tostring = math.ceil, pcall, setmetatable, tostring

-- KEYS: the id. ARGV: the claim, milliseconds (0: for ever). -> 1 claimed by this call, 0 claimed before
local CLAIM = [[
local owner = redis.call('GET', KEYS[1])
if owner and (string.sub(owner, 1, 7) ~= 'undone:' or string.sub(owner, 8) == ARGV[1]) then return 0 end
if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1]) else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1
]]

-- KEYS: the id. ARGV: the claim. Has an effect unless the id is that of another claim.
local UNDO = [[
local owner = redis.call('GET', KEYS[1])
if not owner or owner == ARGV[1] then redis.call('SET', KEYS[1], 'undone:' .. ARGV[1], 'PX', 300000) end
return 1
]]

local RELEASE = [[
redis.call('DEL', KEYS[1])
return 1
]]

-- Undoes a claim whose caller did not wait for its result.
local Guard = {}

function Guard.__close(guard)
  if guard.is_over then return end
  pcall(async.background, function() command.number(guard.call, UNDO, 1, guard.key, guard.token) end, true)
end

--- @see hoopai.redis
return function(given)
  given = option_checks.check("hoopai.redis.claims", given, command.checks) or {}
  command.need_call("hoopai.redis.claims", given)
  local call, prefix = given.call, (given.prefix or "hoopai:") .. "webhook:"

  local function claim(id, seconds)
    local key, token = prefix .. id, core.random_hex(16)
    local milliseconds = seconds and tostring(ceil(seconds * 1000)) or "0"
    local guard <close> = setmetatable({ call = call, key = key, token = token, is_over = false }, Guard)
    local done, problem = command.number(call, CLAIM, 1, key, token, milliseconds)
    if not done then command.number(call, UNDO, 1, key, token) end
    guard.is_over = true
    if done then return done == 1 end
    return nil, problem
  end

  local function release(id)
    local done, problem = command.number(call, RELEASE, 1, prefix .. id)
    if done then return true end
    return nil, problem
  end

  return claim, release
end
