--- Functions `call` for what this library keeps in Redis: `hoopai.store.redis`, `hoopai.rate_limit.redis` and others
-- take one as the option `call`.
--
--     local connect = function() return require("redis").connect { host = "127.0.0.1", port = 6379, timeout = 2 } end
--     local store = hoopai.store.redis { call = require("hoopai.redis").lua_redis(connect) }
--
-- `call(command, ...)` returns the result of the command (nil for the nil of Redis), or nil and a problem, a text in
-- one line. Any other client of Redis serves as well, with a function that does this.
--
-- `luv` and `cqueues` have one connection for all tasks, which wait while the loop of the host goes on. Commands that
-- change what later replies mean (MULTI, SUBSCRIBE, MONITOR, SELECT, AUTH) are not for such a connection. After a break
-- the next command connects anew; one that was cut off is not sent again, as Redis may have done it.
-- @module hoopai.redis
local lazy = require "hoopai.lazy" -- first: in an older Lua it says which one is needed

local errors = require "hoopai.errors"

local setmetatable, type = setmetatable, type

local get_claims = lazy.module "hoopai.redis.claims"
local get_lua_redis = lazy.module "hoopai.redis.lua_redis"

local redis = {}

--- For lua-redis, the rock `redis-lua` and Debian's package of that name: each command blocks, so it is for scripts.
-- @tparam function connect `connect()` returns a client of lua-redis, signed in if need be. It is called before the
-- first command, and again after a broken connection. Give the connection a `timeout` in seconds, as a command waits
-- for its result without end otherwise
-- @treturn function `call`
-- @raise when `connect` is no function
function redis.lua_redis(connect)
  if type(connect) ~= "function" then
    errors.raise "hoopai.redis.lua_redis expects a function that connects and returns the client"
  end
  return get_lua_redis()(connect)
end

--- A module that needs the library of a loop. Not by lazy.module: preload loads no loop of a host.
local function loaded(name)
  local module, problem = lazy.load(name)
  return module or errors.raise(problem)
end

--- For hosts with the loop of luv (see @{hoopai.use}): commands wait in tasks while `uv.run` runs. When the Lua
-- state is closed, the last ones run the loop themselves, with the callbacks of all handles that the host left open.
-- There is no TLS, as luv has none. Opens nothing: the first command connects. An idle connection does not keep
-- `uv.run` going.
-- @tparam[opt] table options
-- @tparam[opt="127.0.0.1"] string options.host name or address
-- @tparam[opt=6379] integer options.port
-- @tparam[opt] string options.password for AUTH. No error shows it
-- @tparam[opt] string options.username for AUTH, with `password`
-- @tparam[opt] integer options.database for SELECT
-- @tparam[opt=2] number options.timeout seconds that a command may take, connecting included. After them the connection
-- is dropped, with all commands in it: a reply that comes late must not be taken for another one's
-- @treturn function `call`
-- @raise for an unknown or wrong option, and when luv is not installed
function redis.luv(options) return loaded "hoopai.redis.luv"(options) end

--- For hosts with the loop of cqueues (see @{hoopai.use}): commands wait in tasks and in coroutines of the controller.
-- Where no controller runs, a command blocks the thread. Opens nothing: the first command connects.
-- @tparam[opt] table options
-- @tparam[opt="127.0.0.1"] string options.host name or address
-- @tparam[opt=6379] integer options.port
-- @tparam[opt] string options.password for AUTH. No error shows it
-- @tparam[opt] string options.username for AUTH, with `password`
-- @tparam[opt] integer options.database for SELECT
-- @tparam[opt=2] number options.timeout seconds that a command may take, connecting included. After them the connection
-- is dropped, with all commands in it: a reply that comes late must not be taken for another one's
-- @tparam[opt=false] boolean|table options.tls true: TLS, with the certificates that the system trusts; or
-- `{ ca_file = path }` with others (PEM). The name of the host is verified. Needs luaossl
-- @treturn function `call`
-- @raise for an unknown or wrong option, and when cqueues is not installed
function redis.cqueues(options) return loaded "hoopai.redis.cqueues"(options) end

--- The options `claim` and `release` of `hoopai.webhook` for programs on several hosts: each id is taken by one of
-- them.
--
--     local claim, release = hoopai.redis.claims { call = call }
--     local webhook = hoopai.webhook { claim = claim, release = release }
--
-- An id is kept as long as a webhook may be old (`max_age`). If Redis cannot be asked, the webhook is refused with the
-- kind "store", and the sender is to send it again.
-- @tparam table options
-- @tparam function options.call one of this module, or another one
-- @tparam[opt="hoopai:"] string options.prefix what the names of the keys begin with
-- @treturn function `claim`
-- @treturn function `release`
-- @raise for a missing, unknown or wrong option
function redis.claims(options) return get_claims()(options) end

errors.check_dots(redis, "hoopai.redis.", { claims = true, luv = true, cqueues = true })

local NAMES = { "lua_redis", "luv", "cqueues", "claims" }

return setmetatable(redis, {
  __index = function(_, name) return errors.refuse_name("redis", "hoopai.redis has no", name, NAMES) end,
})
