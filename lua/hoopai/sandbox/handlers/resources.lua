--- Rooms and equipment.
-- @module hoopai.sandbox.handlers.resources

local access = require "hoopai.sandbox.domain.access"
local api_errors = require "hoopai.sandbox.api_errors"

local ipairs, pairs = ipairs, pairs

local resources = {}

local function get(context)
  local resource = access.get(context, "resources", context.params.id, "Resource")
  if resource.resourceType ~= context.params.resourceType then api_errors.not_found("Resource not found") end
  return resource
end

local function check_calendars(context, resource_type, ids)
  for _, id in ipairs(ids or {}) do
    access.get(context, "calendars", id, "Calendar")
  end
  if resource_type == "equipments" and ids and #ids > 1 then
    api_errors.bad_request("An equipment can only be mapped to one service calendar.")
  end
end

-- The responses for one id do not have the id. Those to `list` and `create` do: the other routes need it.
local function view(resource, dropped)
  local shown = {}
  for name, value in pairs(resource) do
    shown[name] = value
  end
  for _, name in ipairs(dropped) do
    shown[name] = nil
  end
  return shown
end

function resources.list(context)
  local query, params = context.query, context.params
  -- stylua: ignore
  local all = context.store.resources:where(function(resource)
    return resource.locationId == query.locationId and resource.resourceType == params.resourceType
  end)
  return table.move(all, query.skip + 1, query.skip + query.limit, 1, {})
end

function resources.create(context)
  local store, resource = context.store, context.body
  check_calendars(context, context.params.resourceType, resource.calendarIds)
  resource.id, resource.resourceType, resource.isActive = store:new_id(), context.params.resourceType, true
  return store.resources:add(resource)
end

function resources.get(context) return view(get(context), { "id" }) end

function resources.update(context)
  local resource = get(context)
  check_calendars(context, resource.resourceType, context.body.calendarIds)
  for name, value in pairs(context.body) do
    resource[name] = value
  end
  for name in pairs(context.cleared) do
    resource[name] = name == "calendarIds" and {} or nil
  end
  return view(resource, { "id", "calendarIds" })
end

function resources.delete(context)
  context.store.resources:remove(get(context).id)
  return { success = true }
end

return resources
