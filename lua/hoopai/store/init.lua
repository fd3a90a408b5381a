--- Where the tokens of an app are kept: in memory, in a private folder, in Redis, or in a store of your own.
--
--     local store = hoopai.store.file("/var/lib/booking")
--     local app = hoopai.oauth { client_id = id, client_secret = secret, store = store }
--
-- A store of your own is a table of functions, see @{OwnStore}.
--
-- A store also keeps secrets of your own, such as a private token:
--
--     assert(hoopai.store.keep_secret(store, "clinic", io.read()))
--     local client = hoopai.new { token = assert(hoopai.store.secret(store, "clinic")) }
--
-- The credentials of each location and each agency are stored under a key of their own. They are marked before their
-- refresh token is spent, and the new credentials are stored before they are used. No error deletes or overwrites a
-- token. What cannot be stored until the program ends goes to `warn()`. A host without the library `io` gives scripts
-- no files: there `hoopai.store.file` is nil.
-- @module hoopai.store
local lazy = require "hoopai.lazy" -- first: in an older Lua it says which one is needed

local core = lazy.c_module "hoopai.core"
local errors = require "hoopai.errors"
local custom = require "hoopai.store.custom"
local file = require "hoopai.store.file"
local memory = require "hoopai.store.memory"
local private = require "hoopai.private"

local setmetatable, type = setmetatable, type
local format, match, sub = string.format, string.match, string.sub

local get_redis = lazy.module "hoopai.store.redis"
local get_secrets = lazy.module "hoopai.store.secrets"

local store = {}

-- What users hold of the stores made here. It is opaque.
local Handle = private.seal { __name = "hoopai.Store", __tostring = function() return "hoopai.Store" end }

local stores = private.states "hoopai.Store" -- a handle, or a user's table -> the store behind it

local function new_handle(behind)
  local handle = setmetatable({}, Handle)
  stores[handle] = behind
  return handle
end

--- A store that lasts as long as the program, for trials and for specs. Nothing is written to a file.
-- @treturn table a store for `hoopai.oauth`
function store.memory(given)
  if given ~= nil then
    errors.raise("hoopai.store.memory takes no argument and writes no file: hoopai.store.file(path) keeps the tokens")
  end
  return new_handle(memory())
end

--- Refuses a path that a shell would have changed, or that a file of variables has spoilt.
local function check_path(path)
  local odd = core.odd_character(path)
  if odd then errors.raise("hoopai.store.file expects the path of a folder: " .. odd) end
  local name, rest = match(path, "^%$([%a_][%w_]*)(.*)")
  if not name then
    name, rest = match(path, "^%${([%a_][%w_]*)}(.*)")
  end
  if match(path, "^~/") or path == "~" then
    name, rest = "HOME", sub(path, 2)
  end
  if name then
    local short = sub(path, 1, #path - #rest)
    local advice = rest == "" and "" or format(' .. "%s"', rest)
    errors.raise(
      format('hoopai.store.file("%s"): "%s" is not expanded: write os.getenv("%s")%s', path, short, name, advice)
    )
  end
  if sub(path, 1, 1) == "~" then
    errors.raise(format('hoopai.store.file("%s"): "~" is not expanded: write the path of the folder', path))
  end
end

--- A store in a private folder, safe against crashes and other processes of this host. Credentials are files of mode
-- 0600, each of which is replaced as a whole and is on the disk before it is used. A kernel lock (`flock`) is held
-- while tokens are exchanged, so the folder must be on a local file system. When a program is killed during a token
-- exchange, a child that it forked meanwhile holds the lock until the child ends.
--
-- Before a token is exchanged, the room on the disk for its successor is reserved, and the path is looked at: another
-- folder that took the place of the open one is used from then on, and one that became unsafe is refused.
-- @tparam string path the folder; made with mode 0700 when it is missing. Its parent folder must exist
-- @treturn table a store for `hoopai.oauth`
-- @raise when the folder cannot be opened, is a symbolic link, belongs to another user, or can be read, searched or
-- changed by others
function store.file(path)
  if type(path) ~= "string" or path == "" then errors.raise("hoopai.store.file expects the path of a folder") end
  check_path(path)
  local behind, problem, cure = file(path)
  if behind then return new_handle(behind) end
  errors.raise(format('hoopai.store.file("%s"): %s%s', path, problem, cure and "; " .. cure or ""))
end

--- A store in Redis 5 or newer, for programs on several hosts. Credentials are replaced only by those of a program that
-- has read them, so a program that was stopped for long cannot overwrite a newer token, and a lock in Redis is held
-- while a token is exchanged. Redis must keep what was written: see the page "Many machines".
-- @tparam table options
-- @tparam function options.call `call(command, ...)` sends a command to Redis and returns its result (nil for the nil
-- of Redis, a list for an array), or nil and a problem. It may wait as any call may
-- @tparam[opt="hoopai:"] string options.prefix what the keys in Redis begin with
-- @tparam[opt=10] number options.lock_seconds after so long the lock of a program that was killed or stopped ends, from
-- 10 on. The program that holds it renews it
-- @tparam[opt] string options.encryption_key 32 random bytes: credentials are encrypted (AES-256-GCM). Needs
-- hoopai.crypto. Default: they are stored as they are
-- @treturn table a store for `hoopai.oauth`
-- @raise for a missing, unknown or wrong option
function store.redis(options) return new_handle(get_redis()(options)) end

-- The comments are those of hoopai.store.secrets.
function store.keep_secret(given, name, secret) return get_secrets().keep(store.behind(given), name, secret) end
function store.secret(given, name) return get_secrets().get(store.behind(given), name) end
function store.forget_secret(given, name) return get_secrets().forget(store.behind(given), name) end

if not io then store.file = nil end
local has_files = store.file ~= nil
errors.check_dots(store, "hoopai.store.", {})

--- The store behind the option `store`. The same table gives the same store, so two apps share its token exchanges.
function store.behind(given)
  local behind = stores[given]
  if behind then return behind end
  behind = custom(given ~= store and given or {})
  stores[given] = behind
  return behind
end

return setmetatable(store, {
  __index = function(self, name)
    if name == "file" and not has_files then return nil end
    local names = { "memory", "redis", "keep_secret", "secret", "forget_secret", has_files and "file" or nil }
    return errors.refuse_name("store", "hoopai.store has no", name, names)
  end,
})
