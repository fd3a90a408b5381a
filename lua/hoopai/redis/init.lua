--- Functions `call` for what this library keeps in Redis: `hoopai.store.redis` and others take one as the option `call`.
--
--     local connect = function() return require("redis").connect { host = "127.0.0.1", port = 6379, timeout = 2 } end
--     local store = hoopai.store.redis { call = require("hoopai.redis").lua_redis(connect) }
--
-- `call(command, ...)` returns the result of the command (nil for the nil of Redis), or nil and a problem, a text. Any
-- other client of Redis serves as well, with a function that does this.
-- @module hoopai.redis
local lazy = require "hoopai.lazy" -- first: in an older Lua it says which one is needed

local errors = require "hoopai.errors"

local get_lua_redis = lazy.module "hoopai.redis.lua_redis"

local redis = {}

--- For lua-redis, the rock `redis-lua` and Debian's package of that name: each command blocks, so it is for scripts.
-- @tparam function connect `connect()` returns a client of lua-redis, signed in if need be. It is called before the first
-- command, and again after a broken connection. Give the connection a `timeout` in seconds, as a command waits for its
-- result without end otherwise
-- @treturn function `call`
-- @raise when `connect` is no function
function redis.lua_redis(connect)
  if type(connect) ~= "function" then
    errors.raise "hoopai.redis.lua_redis expects a function that connects and returns the client"
  end
  return get_lua_redis()(connect)
end

errors.check_dots(redis, "hoopai.redis.", {})

return redis
