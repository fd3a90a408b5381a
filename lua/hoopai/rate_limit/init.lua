--- Rate limits that programs on several hosts share. For those of one program nothing is needed: every client counts
-- the limit of its locations, see the option `rate_limit` of `hoopai.new`.
--
--     local client = hoopai.new {
--       oauth = app,
--       rate_limit = hoopai.rate_limit.redis { call = call }, -- `call` is one of hoopai.redis
--     }
--
-- See `doc/many_machines.md`.
-- @module hoopai.rate_limit
local lazy = require "hoopai.lazy" -- first: in an older Lua it says which one is needed

local command = require "hoopai.redis.command"
local errors = require "hoopai.errors"
local option_checks = require "hoopai.options"
local private = require "hoopai.private"

local setmetatable = setmetatable

local get_redis = lazy.module "hoopai.rate_limit.redis"

local rate_limit = {}

local Shared = private.seal { __name = "hoopai.SharedRateLimit" }
local states = private.states "hoopai.SharedRateLimit"

function Shared.__tostring() return "hoopai.SharedRateLimit" end

local checks = { call = command.checks.call, prefix = command.checks.prefix, timeout = command.check_seconds }

--- A rate limit in Redis for all programs that have the same `prefix`: one for each location and OAuth app. (Clients
-- with a `token` of their own count as one app: give another `prefix` for each integration.) A program takes permits
-- from it in leases, whose size follows its use, so that Redis is asked a few times per second and not for each call.
-- What is not used is returned; a program that dies costs its lease for as long as the interval of the limit.
--
-- When Redis cannot be asked, calls go on with what the API's headers state, as without this option, and the hook
-- `on.rate_limit` is called. Opens nothing: `call` is called when a call of the API needs a permit.
-- @tparam table options
-- @tparam function options.call `call(command, ...)` sends a command to Redis and returns its result, or nil and a
-- problem: see hoopai.redis. It may wait
-- @tparam[opt="hoopai:"] string options.prefix what the names of the keys begin with
-- @tparam[opt=0.5] number options.timeout seconds after which Redis counts as away. A `call` that blocks the thread
-- needs its own limit besides
-- @treturn table what `hoopai.new` takes as `rate_limit`
-- @raise for a missing, unknown or wrong option
function rate_limit.redis(options)
  options = option_checks.check("hoopai.rate_limit.redis", options, checks) or {}
  command.need_call("hoopai.rate_limit.redis", options)
  local object = setmetatable({}, Shared)
  states[object] = get_redis().new(options)
  return object
end

errors.check_dots(rate_limit, "hoopai.rate_limit.", { redis = true })

local NAMES = { "redis" }

return setmetatable(rate_limit, {
  __index = function(_, name) return errors.refuse_name("rate_limit", "hoopai.rate_limit has no", name, NAMES) end,
})
