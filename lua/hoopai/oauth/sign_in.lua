--- Storing the tokens of a sign-in. A code works once: so the store is locked, and room in it reserved, before the code
-- is spent. Which location it is for is known afterwards, and then its lock may be held: tokens that cannot be stored
-- are kept by the token manager, whose clients use them and store them as soon as they can.
local acquire = require "hoopai.store.acquire"
local async = require "hoopai.async"
local errors = require "hoopai.errors"
local fields = require "hoopai.oauth.credential_fields"
local token_errors = require "hoopai.oauth.token_errors"
local unsaved = require "hoopai.oauth.unsaved"

local pcall, setmetatable = pcall, setmetatable
local format = string.format
local generation_of, next_credentials = fields.generation_of, fields.next

local sign_in = {}

--- Locks a key for a sign-in, or for forgetting a grant. A manager that could not store a successor holds the lock
-- already, so that no other program spends the old token; so does what was prepared for this key.
-- @return the lock, false if it is held already; or nil and an error
local function lock_key(registry, key, prepared)
  if prepared and prepared.lock and prepared.key == key then return false end
  local manager = registry.managers[key]
  if manager and manager:is_running() then pcall(async.wait_for, manager.running) end -- it may raise without memory
  if manager and manager.lock then return false end
  local lock, problem = acquire(registry.store, key)
  if lock then return lock end
  return nil, token_errors.store(problem)
end

--- See `lock_key`.
sign_in.lock = lock_key

-- What is held while a code is exchanged.
local Prepared = {}

function Prepared.__close(prepared)
  local lock <close> = prepared.lock -- luacheck: ignore 211
  local room <close> = prepared.room -- luacheck: ignore 211
end

--- Locks the store before a code is spent, and reserves room. One lock stands for all sign-ins of the app whose
-- location or agency is not known yet.
-- @tparam Registry registry
-- @tparam ?string key that of the agency which signs in, if it is known
-- @return what to close afterwards; or nil and an error
function sign_in.prepare(registry, key)
  local prepared = setmetatable({ key = key or registry.client_id .. "/sign-in", lock = false, room = false }, Prepared)
  local lock, err = lock_key(registry, prepared.key)
  if err then return nil, err end
  prepared.lock = lock
  local room, problem = registry.store:reserve(prepared.key)
  if room then
    prepared.room = room
    return prepared
  end
  local _ <close> = prepared
  return nil, token_errors.store(problem)
end

--- A sign-in makes needless what could not be stored before; so does forgetting the grant.
-- @tparam TokenManager manager
function sign_in.drop_unsaved(manager)
  local lock <close> = manager.lock -- luacheck: ignore 211
  local room <close> = manager.room -- luacheck: ignore 211
  manager.lock, manager.room, manager.unsaved, manager.sign_in = false, false, false, false
  if manager.reply then manager.reply:close() end
  manager.reply = false
  unsaved.release(manager)
end

--- Leaves the tokens of a sign-in to the manager of their location or agency.
-- @return nil and the error
local function keep(manager, response, prepared, err)
  manager:keep_sign_in(response)
  if prepared and prepared.room and not manager.room then
    manager.room, prepared.room = prepared.room, false
  end
  unsaved.hold(manager)
  unsaved.warn(manager, err)
  return nil,
    errors.new {
      kind = "store",
      applied = "yes",
      message = format(
        "%s; the code is spent, and this program alone has the tokens %s: its clients use them, and store them as soon "
          .. "as that is possible",
        err.message,
        manager.label
      ),
    }
end

--- Writes the credentials of a sign-in under the lock of their key.
-- @return true; or nil and an error
local function write(registry, manager, response, prepared)
  local key = manager.key
  local lock <close>, err = lock_key(registry, key, prepared) -- luacheck: ignore 211
  if err then return nil, err end
  local old, unreadable = registry.store:read(key)
  if unreadable then return nil, token_errors.store(unreadable) end
  local room, credentials = prepared and prepared.room or nil, next_credentials(old, response)
  local done, problem = registry.store:write(key, credentials, generation_of(old), room)
  if not done then return nil, token_errors.store(problem) end
  sign_in.drop_unsaved(manager)
  pcall(manager.use_sign_in, manager, credentials) -- without memory it finds them in the store at its next exchange
  return true
end

--- Stores the credentials of a sign-in.
-- @tparam Registry registry
-- @param response credentials as the token endpoint returned them
-- @param[opt] prepared what `prepare` returned
-- @return true; or nil and an error
function sign_in.store(registry, response, prepared)
  local level = response:get("user_type") == "Company" and "company" or "location"
  local id = response:get(level .. "_id")
  if not id then
    return nil,
      errors.new {
        kind = "decode",
        applied = "yes",
        message = "the answer names neither location nor company",
      }
  end
  local manager = registry:manager(level, id)
  local ok, done, err = pcall(write, registry, manager, response, prepared)
  if ok and done then return true end
  return keep(manager, response, prepared, ok and err or token_errors.store(done))
end

return sign_in
