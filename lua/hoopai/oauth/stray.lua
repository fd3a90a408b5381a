--- Responses of the token endpoint for another location or agency than the one that was asked for, as a crossed proxy
-- gives them. Their tokens are not used in its place, and not lost: they are stored under a key of their own.
local acquire = require "hoopai.store.acquire"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local fields = require "hoopai.oauth.credential_fields"

local pairs = pairs
local format, lower, match = string.format, string.lower, string.match
local now = core.now
local warn = warn or function() end

local LOCK_TIMEOUT = 10 -- seconds

local stray = {}

-- What a response says of itself: field, name in the response.
local NAMES = { location_id = "locationId", company_id = "companyId" }
local LEVELS = { location = true, company = true }

--- A name as it is shown: the server's text may be anything.
local function shown(text) return #text <= 64 and match(text, "^[%w_-]+$") and format('"%s"', text) or "another one" end

--- What in a response contradicts the request. Fields that one of the two leaves out contradict nothing.
-- @param response credentials
-- @tparam table asked `level` ("location" or "company"), `location_id`, `company_id`
-- @treturn ?string such as `its locationId is "l2"`
function stray.difference(response, asked)
  local class = response:get "user_type"
  if class and LEVELS[lower(class)] and lower(class) ~= asked.level then return "its userType is " .. shown(class) end
  for field, name in pairs(NAMES) do
    local given, wanted = response:get(field), asked[field]
    if given and wanted and given ~= wanted then return format("its %s is %s", name, shown(given)) end
  end
end

--- The error of such a response.
-- @tparam string label what was asked for, such as "of location l1"
-- @tparam string difference
-- @tparam[opt] boolean is_kept whether its tokens are stored elsewhere
-- @treturn Error
function stray.error(label, difference, is_kept)
  local text = "the token endpoint returned a token that is not the one %s: %s; it is not used%s"
  local rest = is_kept and ", but kept under a key of its own" or ""
  return errors.new { kind = "decode", message = format(text, label, difference, rest) }
end

--- Whether tokens may take the place of stored ones: not of those that may still be good.
local function is_free(stored)
  return not stored or not stored:get "refresh_token" or stored:get "pending" ~= nil or stored:get "refused_at" ~= nil
end

--- Stores a response under a key, unless good tokens are there.
-- @return true; false if good tokens are there; or nil and the problem
local function put(store, key, response, is_forced)
  local deadline = now() + LOCK_TIMEOUT
  local lock <close>, busy = acquire(store, key, function() return now() < deadline end)
  if not lock then return nil, busy end
  local stored, unreadable = store:read(key)
  if unreadable then return nil, unreadable end
  if not is_forced and not is_free(stored) then return false end
  return store:write(key, fields.next(stored, response), fields.generation_of(stored))
end

--- Stores the tokens of a response where they belong, or beside that where good tokens are. Only a refresh token is
-- worth it: any other can be asked for again.
-- @tparam TokenManager manager which asked, and holds no lock
-- @param response credentials
function stray.keep(manager, response)
  if not response:get "refresh_token" then return end
  local class = response:get "user_type"
  local level = class and LEVELS[lower(class)] and lower(class) or manager.location_id and "location" or "company"
  local id = response:get(level .. "_id")
  local own = id and manager.registry:key(level, id) or manager.key
  local key = own
  local done, problem
  if own ~= manager.key then
    done, problem = put(manager.store, own, response)
  end
  if not done then
    key = own .. "/unclaimed"
    done, problem = put(manager.store, key, response, true)
  end
  if done then
    warn(format("hoopai: a token that was not asked for is kept in %s", manager.store:path(key)))
  else
    warn(
      format("hoopai: a token that was not asked for is lost: %s: %s", manager.store:path(key), errors.report(problem))
    )
  end
end

return stray
