--- Slugs, of which no two records of a collection in one location may have the same.
-- @module hoopai.sandbox.domain.slugs

local api_errors = require "hoopai.sandbox.api_errors"

local ipairs = ipairs

local slugs = {}

--- Raises a 400 if another record has the slug.
-- @tparam table collection
-- @tparam string location_id
-- @tparam string slug
-- @tparam ?string own_id of the record that is changed
function slugs.check(collection, location_id, slug, own_id)
  for _, item in ipairs(collection.items) do
    if item.locationId == location_id and item.slug == slug and item.id ~= own_id then
      api_errors.bad_request("The slug is already in use.")
    end
  end
end

return slugs
