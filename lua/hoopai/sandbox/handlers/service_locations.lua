--- Service locations.
-- @module hoopai.sandbox.handlers.service_locations

local access = require "hoopai.sandbox.domain.access"
local slugs = require "hoopai.sandbox.domain.slugs"

local pairs = pairs

local service_locations = {}

local function get(context)
  return access.get(context, "service_locations", context.params.serviceLocationId, "Service location")
end

function service_locations.list(context)
  local location_id = context.query.locationId
  return context.store.service_locations:where(function(place) return place.locationId == location_id end)
end

function service_locations.create(context)
  local store, place = context.store, context.body
  slugs.check(store.service_locations, place.locationId, place.slug)
  place.id, place.isActive, place.isPrivate = store:new_id(), true, false
  place.locationType = place.locationType or "offline"
  return store.service_locations:add(place)
end

service_locations.get = get

function service_locations.update(context)
  local store, place, body = context.store, get(context), context.body
  if body.slug then slugs.check(store.service_locations, place.locationId, body.slug, place.id) end
  for name, value in pairs(body) do
    place[name] = value
  end
  for name in pairs(context.cleared) do
    place[name] = nil
  end
  return place
end

function service_locations.delete(context)
  context.store.service_locations:remove(get(context).id)
  return { success = true, message = "Service location deleted successfully" }
end

return service_locations
