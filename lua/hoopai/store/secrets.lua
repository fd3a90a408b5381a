--- Secrets of one's own in a token store, such as a private token: each under a name, beside the credentials of apps.
--
-- They are stored as those are: in a file store as a file of mode 0600 that is replaced as a whole, under the lock of
-- its name. What comes back is opaque, and serves as `token` of `hoopai.new` and as `client_secret` of `hoopai.oauth`.
local acquire = require "hoopai.store.acquire"
local async = require "hoopai.async"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local time = require "hoopai.time"

local find, format, type = string.find, string.format, type

local secrets = {}

local function store_error(problem) return nil, errors.new { kind = "store", message = errors.text(problem) } end

local function check_name(what, name)
  if type(name) == "string" and #name <= 64 and find(name, "^[%w._/-]+$") then return "secret/" .. name end
  errors.raise(format("%s expects a name of at most 64 letters, digits, `.`, `_`, `-` and `/`", what))
end

--- Calls fn under the lock of a key, see `async.as_whole`.
local function locked(what, store, key, fn)
  return async.as_whole(what, async.background, function()
    local lock <close>, problem = acquire(store, key) -- luacheck: ignore 211
    if not lock then return store_error(problem) end
    return fn()
  end)
end

--- Keeps a secret in a token store, in place of another one of this name.
-- @tparam OwnStore given `hoopai.store.file(path)`, or another store
-- @tparam string name letters, digits, `.`, `_`, `-` and `/`
-- @tparam string|userdata secret
-- @treturn[1] boolean true once the secret is stored durably
-- @treturn[2] nil
-- @treturn[2] Error of kind "store", or of kind "invalid_request" for a text that cannot be a secret
-- @raise for a wrong name, and for another store
function secrets.keep(behind, name, secret)
  local key = check_name("hoopai.store.keep_secret", name)
  if type(secret) == "string" then
    local opaque, problem = core.secret(secret)
    if not opaque then
      return nil, errors.new { kind = "invalid_request", message = "the secret is unusable: " .. problem }
    end
    secret = opaque
  elseif type(secret) ~= "userdata" or secret == core.null then
    errors.raise("hoopai.store.keep_secret expects the secret as a string, got " .. type(secret))
  end
  return locked("hoopai.store.keep_secret", behind, key, function()
    local old, unreadable = behind:read(key)
    if unreadable then return store_error(unreadable) end
    local generation = old and old:number "generation" or 0
    local record = core.credentials {
      access_token = secret,
      generation = generation + 1,
      obtained_at = core.wall_ms() // 1000,
    }
    local done, unwritten = behind:write(key, record, generation)
    if not done then return store_error(unwritten) end
    return true
  end)
end

--- Reads a secret of a token store. It shows itself to no script: it serves as `token` of `hoopai.new` and as
-- `client_secret` of `hoopai.oauth`.
-- @tparam OwnStore given
-- @tparam string name
-- @treturn[1] userdata the secret
-- @treturn[1] instant when it was kept
-- @treturn[2] nil there is none of this name; or with an error
-- @treturn[2] Error of kind "store"
-- @raise for a wrong name, and for another store
function secrets.get(behind, name)
  local key = check_name("hoopai.store.secret", name)
  local record, problem
  if behind.may_wait then
    async.as_task(async.run, "hoopai.store.secret", function()
      record, problem = behind:read(key)
    end)
  else
    record, problem = behind:read(key)
  end
  if problem then return store_error(problem) end
  if not record then return nil end
  return record:get "access_token", time.from_seconds(record:number "obtained_at" or 0, "UTC")
end

--- Removes a secret from a token store.
-- @tparam OwnStore given
-- @tparam string name
-- @treturn[1] boolean true, also if there was none
-- @treturn[2] nil
-- @treturn[2] Error of kind "store"
-- @raise for a wrong name, and for another store
function secrets.forget(behind, name)
  local key = check_name("hoopai.store.forget_secret", name)
  return locked("hoopai.store.forget_secret", behind, key, function()
    local done, problem = behind:remove(key)
    if not done then return store_error(problem) end
    return true
  end)
end

return secrets
