--- What an app has in its store: the list of its grants, and how one is forgotten.
local fields = require "hoopai.oauth.credential_fields"
local sign_in = require "hoopai.oauth.sign_in"
local time = require "hoopai.time"
local token_errors = require "hoopai.oauth.token_errors"

local ipairs, next, pcall, sort = ipairs, next, pcall, table.sort
local match, sub = string.match, string.sub

local grants = {}

--- A point in time of stored credentials; nil for a number that is none.
local function instant(seconds)
  local ok, found = pcall(time.from_seconds, seconds, "UTC")
  return ok and found or nil
end

--- The public fields of stored credentials: no token is among them.
local function grant_of(level, id, credentials)
  local _, lifetime = fields.life_of(credentials)
  local obtained_at = credentials:number "obtained_at"
  return {
    location_id = level == "location" and id or nil,
    company_id = level == "company" and id or credentials:get "company_id",
    scope = credentials:get "scope",
    obtained_at = obtained_at and instant(obtained_at),
    expires_at = obtained_at and instant(obtained_at + lifetime),
  }
end

local function comes_before(one, other)
  if (one.company_id or "") ~= (other.company_id or "") then
    return (one.company_id or "") < (other.company_id or "")
  end
  return (one.location_id or "") < (other.location_id or "")
end

--- The grants of an app in its store, by agency and location.
-- @tparam Registry registry
-- @treturn[1] table list
-- @treturn[2] nil
-- @treturn[2] Error of kind "store"
function grants.list(registry)
  local names, problem = registry.store:names()
  if not names then return nil, token_errors.store(problem) end
  local prefix, found = registry.client_id .. "/", {}
  for _, name in ipairs(names) do
    local level, id = match(sub(name, #prefix + 1), "^(%l+)/([^/]+)$")
    if sub(name, 1, #prefix) == prefix and (level == "location" or level == "company") then
      local credentials, unreadable = registry.store:read(name)
      if unreadable then return nil, token_errors.store(unreadable) end
      -- Another program may have removed it meanwhile.
      if credentials then found[#found + 1] = grant_of(level, id, credentials) end
    end
  end
  sort(found, comes_before)
  return found
end

--- Removes the credentials of a location or an agency, under the lock of their key: an exchange that runs ends before,
-- and none begins meanwhile. Clients of this app do not use them any more.
-- @tparam Registry registry
-- @tparam string level "location" or "company"
-- @tparam string id
-- @tparam[opt] function may_forget called with the stored credentials, and with those in use; false keeps them
-- @treturn[1] boolean whether they were removed, or not there
-- @treturn[2] nil
-- @treturn[2] Error of kind "store"
function grants.forget(registry, level, id, may_forget)
  local manager = registry:manager(level, id)
  return grants.locked(registry, manager.key, function(store)
    local stored, unreadable
    if may_forget then
      stored, unreadable = store:read(manager.key)
    end
    if unreadable then return nil, token_errors.store(unreadable) end
    for _, credentials in next, may_forget and { stored or nil, manager.credentials or nil } or {} do
      if not may_forget(credentials) then return false end
    end
    local done, problem = store:remove(manager.key)
    if not done then return nil, token_errors.store(problem) end
    manager:forget()
    sign_in.drop_unsaved(manager)
    return true
  end)
end

--- Calls a function with the store of a registry while the lock of a key is held.
-- @tparam Registry registry
-- @tparam string key
-- @tparam function fn
-- @return what fn returned; or nil and an error of kind "store"
function grants.locked(registry, key, fn)
  local lock <close>, err = sign_in.lock(registry, key) -- luacheck: ignore 211
  if err then return nil, err end
  return fn(registry.store)
end

return grants
