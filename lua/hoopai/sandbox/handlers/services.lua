--- Services: the catalog.
-- @module hoopai.sandbox.handlers.services

local access = require "hoopai.sandbox.domain.access"
local api_errors = require "hoopai.sandbox.api_errors"
local slugs = require "hoopai.sandbox.domain.slugs"

local format = string.format
local ipairs, pairs = ipairs, pairs

-- The category of a service that names none. No endpoint lists categories.
local DEFAULT_CATEGORY = "CategoryDefault00000"

-- What a service has that was created without it.
local DEFAULTS = {
  serviceCategoryId = DEFAULT_CATEGORY,
  serviceDuration = 30,
  serviceDurationUnit = "mins",
  preBuffer = 0,
  preBufferUnit = "mins",
  postBuffer = 0,
  postBufferUnit = "mins",
  isPrivate = false,
}

local services = {}

local function get(context) return access.get(context, "services", context.params.serviceId, "Service") end

local function check_staff(store, location_id, staff)
  for _, member in ipairs(staff or {}) do
    local user = store.users:get(member.id)
    if not user or user.locationId ~= location_id then
      api_errors.bad_request(format("The staff id %s is not valid.", member.id))
    end
  end
end

-- Variations with their ids: those that are named are changed, the others are new.
local function variations_of(store, before, given)
  local known, list = {}, {}
  for _, variation in ipairs(before or {}) do
    known[variation.id] = variation
  end
  for index, variation in ipairs(given or {}) do
    local old = variation.id and known[variation.id]
    if variation.id and not old then
      api_errors.bad_request(format("The variation id %s is not valid.", variation.id))
    end
    local made = old or { id = store:new_id() }
    for name, value in pairs(variation) do
      made[name] = value
    end
    if not made.name then api_errors.unprocessable { format("variations.%d.name must be a string", index - 1) } end
    list[index] = made
  end
  return list
end

function services.list(context)
  local query = context.query
  return context.store.services:where(
    function(service)
      return service.locationId == query.locationId
        and (not query.serviceCategoryId or service.serviceCategoryId == query.serviceCategoryId)
        and (query.isPrivate == nil or service.isPrivate == query.isPrivate)
    end
  )
end

function services.create(context)
  local store, service = context.store, context.body
  check_staff(store, service.locationId, service.staff)
  slugs.check(store.services, service.locationId, service.slug)
  service.variations = variations_of(store, nil, service.variations)
  for name, default in pairs(DEFAULTS) do
    if service[name] == nil then service[name] = default end
  end
  service.id = store:new_id()
  return store.services:add(service)
end

services.get = get

function services.update(context)
  local store, service, body = context.store, get(context), context.body
  check_staff(store, service.locationId, body.staff)
  if body.slug then slugs.check(store.services, service.locationId, body.slug, service.id) end
  if body.variations then body.variations = variations_of(store, service.variations, body.variations) end
  for name, value in pairs(body) do
    service[name] = value
  end
  for name in pairs(context.cleared) do
    service[name] = DEFAULTS[name]
    if name == "variations" then service.variations = {} end
  end
  return service
end

function services.delete(context)
  context.store.services:remove(get(context).id)
  return { success = true, message = "Service deleted successfully" }
end

return services
