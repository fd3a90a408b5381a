--- Locations.
-- @module hoopai.sandbox.handlers.locations

local access = require "hoopai.sandbox.domain.access"
local api_errors = require "hoopai.sandbox.api_errors"

local locations = {}

function locations.get(context)
  local store, id = context.store, context.params.locationId
  local location = store.locations:get(id)
  if not location then api_errors.not_found("Location not found") end
  access.location(context.token, id)
  return {
    id = location.id,
    companyId = store.company_id,
    name = location.name,
    timezone = location.timezone,
    address = location.address,
    settings = { allowDuplicateContact = false },
  }
end

return locations
