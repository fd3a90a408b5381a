--- Which webhooks were received already, by programs on several hosts: one key for each id, which expires.
local command = require "hoopai.redis.command"
local core = require "hoopai.core"
local option_checks = require "hoopai.options"

local ceil, tostring = math.ceil, tostring

-- KEYS: the id. ARGV: the claim, milliseconds (0: for ever). -> 1 claimed by this call, 0 claimed before
local CLAIM = [[
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1]) else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1
]]

-- KEYS: the id. ARGV: the claim. Removes the id if this claim is the one.
local UNDO = [[
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
]]

local RELEASE = [[
redis.call('DEL', KEYS[1])
return 1
]]

--- @see hoopai.redis
return function(given)
  given = option_checks.check("hoopai.redis.claims", given, command.checks) or {}
  command.need_call("hoopai.redis.claims", given)
  local call, prefix = given.call, (given.prefix or "hoopai:") .. "webhook:"

  local function claim(id, seconds)
    local key, token = prefix .. id, core.random_hex(16)
    local milliseconds = seconds and tostring(ceil(seconds * 1000)) or "0"
    local done, problem = command.number(call, CLAIM, 1, key, token, milliseconds)
    if done then return done == 1 end
    -- Only the result may be lost: then the id would be taken, and the sender's retry refused.
    command.number(call, UNDO, 1, key, token)
    return nil, problem
  end

  local function release(id)
    local done, problem = command.number(call, RELEASE, 1, prefix .. id)
    if done then return true end
    return nil, problem
  end

  return claim, release
end
