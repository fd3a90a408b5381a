--- The agency whose token gives that of a location, as seen by the token manager of the location.
local fields = require "hoopai.oauth.credential_fields"

local is_same = fields.is_same

local agencies = {}

--- Returns the agency that can issue the token of a location; nil if no agency is known.
-- @tparam TokenManager self of the location
-- @param credentials those of the location; nil if it has none
-- @treturn ?string the company_id
function agencies.of(self, credentials)
  if not self.location_id then return nil end
  return credentials and credentials:get("company_id") or self.company_id or nil
end

--- Keeps which credentials the agency has while an exchange fails, see `has_changed`.
-- @tparam TokenManager self of the location
-- @param credentials those of the location; nil if it has none
function agencies.note(self, credentials)
  local company_id = agencies.of(self, credentials)
  if company_id then self.tried[company_id] = self.store:read(self.registry:key("company", company_id)) or false end
end

--- Whether the agency has other credentials than at the last exchange, because a person signed in or its token was
-- renewed. Its manager then uses them: else it might ask with the old ones again and again.
-- @tparam TokenManager self of the location
-- @treturn boolean
function agencies.has_changed(self)
  local company_id = agencies.of(self, self.credentials)
  if not company_id then return false end
  local stored = self.store:read(self.registry:key("company", company_id))
  if not stored then return false end
  local tried = self.tried[company_id]
  if tried == nil or tried and is_same(tried, stored) then
    self.tried[company_id] = stored
    return false
  end
  self.tried[company_id] = stored
  self.registry:company(company_id):see(stored)
  return true
end

return agencies
