--- What an app does with the webhooks INSTALL, UPDATE and UNINSTALL, which may come late and in any order.
--  Credentials have `installed_ms`, the time of the last INSTALL or UPDATE by the sender's clock: an UNINSTALL of
-- before it is of a former installation. Tokens that were obtained after an UNINSTALL, by this host's clock, are not
-- of it either.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local fields = require "hoopai.oauth.credential_fields"
local grants = require "hoopai.oauth.grants"
local options = require "hoopai.options"
local token_errors = require "hoopai.oauth.token_errors"

local next = next
local match, max = string.match, math.max

local DEADLINE = 35 -- seconds, of making a location's tokens

local installation = {}

local function refusal(message) return nil, errors.new { kind = "invalid_request", message = message } end

--- The time of the installation that credentials are of.
local function newest_ms(kept) return max(fields.obtained_ms(kept), kept:number "installed_ms" or 0) end

--- Notes the time of an installation, so that an older UNINSTALL is known as such.
local function note(registry, key, ms)
  return grants.locked(registry, key, function(store)
    local stored, problem = store:read(key)
    if problem then return nil, token_errors.store(problem) end
    if not stored or (stored:number "installed_ms" or 0) >= ms then return true end
    local noted = stored:with { installed_ms = ms }
    local done, unwritten = store:write(key, noted, fields.generation_of(stored))
    if not done then return nil, token_errors.store(unwritten) end
    return true
  end)
end

--- Makes the tokens of a location, with those of its agency; or new ones, if it has some of before the event.
local function install(registry, event, company_id)
  if not event.location_id then return "unchanged" end
  local manager = registry:location(event.location_id, event.company_id or company_id)
  local stored, problem = registry.store:read(manager.key)
  if problem then return nil, token_errors.store(problem) end
  if stored and newest_ms(stored) >= event.ms then return "unchanged" end
  local deadline = core.now() + DEADLINE
  local secret, generation = manager:get(deadline)
  if not secret then return nil, generation end
  if stored and generation == fields.generation_of(stored) then
    local is_new, err = manager:refused(generation, deadline)
    if not is_new then return nil, err end
  end
  local done, err = note(registry, manager.key, event.ms)
  if not done then return nil, err end
  return "installed"
end

local function uninstall(registry, event)
  local level = event.location_id and "location" or "company"
  local done, err = grants.forget(
    registry,
    level,
    event[level .. "_id"],
    function(credentials) return newest_ms(credentials) <= event.ms end
  )
  if done == nil then return nil, err end
  return done and "uninstalled" or "unchanged"
end

local actions = { INSTALL = install, UPDATE = install, UNINSTALL = uninstall }

--- Applies an event.
-- @tparam Registry registry
-- @tparam table event what was verified of it, see hoopai.webhook.event
-- @tparam ?string company_id the agency of the app
-- @treturn[1] string "installed", "uninstalled" or "unchanged"
-- @treturn[2] nil
-- @treturn[2] Error
function installation.apply(registry, event, company_id)
  local action = actions[event.type]
  if not action then return "unchanged" end
  if event.app_id ~= match(registry.client_id, "^[^-]+") then return refusal "the event is of another app" end
  if not event.ms then return refusal "the event does not say when it was sent" end
  if not event.location_id and not event.company_id then
    return refusal "the event names neither location nor agency"
  end
  for _, id in next, { event.location_id or event.company_id, event.company_id } do
    if options.api_id_problem(id) then return refusal "the event names a location or an agency by what is no id" end
  end
  return action(registry, event, company_id)
end

return installation
