--- Groups of calendars.
-- @module hoopai.sandbox.handlers.groups

local access = require "hoopai.sandbox.domain.access"
local api_errors = require "hoopai.sandbox.api_errors"

local ipairs = ipairs

local function is_taken(store, location_id, slug, own_id)
  for _, group in ipairs(store.groups.items) do
    if group.locationId == location_id and group.slug == slug and group.id ~= own_id then return true end
  end
  return false
end

local function check_slug(store, location_id, slug, own_id)
  if is_taken(store, location_id, slug, own_id) then
    api_errors.bad_request("A group with this slug already exists.")
  end
end

local groups = {}

function groups.list(context)
  return context.store.groups:where(function(group) return group.locationId == context.query.locationId end)
end

function groups.create(context)
  local store, body = context.store, context.body
  check_slug(store, body.locationId, body.slug)
  return store.groups:add {
    id = store:new_id(),
    locationId = body.locationId,
    name = body.name,
    description = body.description,
    slug = body.slug,
    isActive = body.isActive ~= false,
  }
end

function groups.validate_slug(context)
  return { available = not is_taken(context.store, context.body.locationId, context.body.slug) }
end

function groups.get(context) return access.get(context, "groups", context.params.groupId, "Group") end

function groups.update(context)
  local group, body = groups.get(context), context.body
  check_slug(context.store, group.locationId, body.slug, group.id)
  group.name, group.description, group.slug = body.name, body.description, body.slug
  return group
end

-- The calendars of a deleted group remain, without a group.
function groups.delete(context)
  local store, group = context.store, groups.get(context)
  for _, calendar in ipairs(store.calendars.items) do
    if calendar.groupId == group.id then calendar.groupId = nil end
  end
  store.groups:remove(group.id)
  return { success = true }
end

function groups.set_status(context)
  groups.get(context).isActive = context.body.isActive
  return { success = true }
end

return groups
