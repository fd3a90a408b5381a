--- What the library keeps beside the tokens in stored credentials.
--
-- Beside the tokens, stored credentials have `generation`, `obtained_at` (seconds since 1970), `obtained_ms` (the
-- milliseconds beyond these), `expires_in`, `installed_ms` (see hoopai.oauth.installation), and if an
-- exchange did not end well: `pending` (when its mark was made) with `tries` (how often the refresh token left since
-- the last clear response), or `refused_at`.
local core = require "hoopai.core"

local floor, ipairs = math.floor, ipairs

local LONGEST_LIFE = 10 * 365 * 86400 -- seconds
local DEFAULT_LIFE = 3600 -- seconds, if the response has no usable expires_in

local credential_fields = {}

--- Seconds since 1970.
function credential_fields.wall_seconds() return core.wall_ms() // 1000 end

--- Milliseconds since 1970 at which the tokens were obtained; 0 if that is not known.
function credential_fields.obtained_ms(credentials)
  return (credentials:number "obtained_at" or 0) * 1000 + (credentials:number "obtained_ms" or 0)
end

--- How often the grant was exchanged; 0 without credentials.
function credential_fields.generation_of(credentials)
  if not credentials then return 0 end
  return credentials:number "generation" or 0
end

--- How often the refresh token was sent since the last clear response.
function credential_fields.tries_of(credentials)
  if not credentials:get("pending") then return 0 end
  return credentials:number "tries" or 0
end

--- Seconds since the time in a field; nil if there is none, or if the clock was put back since.
function credential_fields.age_of(credentials, name)
  local time = credentials:number(name)
  local age = time and credential_fields.wall_seconds() - time
  return age and age >= -5 and age or nil
end

--- The marks of an exchange that did not end well.
-- @return the seconds since the refresh token was refused, or nil
-- @return the seconds since it was sent without a clear response, or nil
-- @treturn integer how often it was sent so
function credential_fields.marks_of(credentials)
  local age_of = credential_fields.age_of
  return age_of(credentials, "refused_at"), age_of(credentials, "pending"), credential_fields.tries_of(credentials)
end

--- Seconds that the access token lives from `obtained_at` on.
local function lifetime_of(credentials)
  local seconds = credentials:number "expires_in"
  if not seconds or not (seconds >= 1 and seconds <= LONGEST_LIFE) then return DEFAULT_LIFE end
  return floor(seconds)
end

--- What a token manager counts with.
-- @treturn integer the generation
-- @treturn integer seconds that the access token lives from `obtained_at` on
-- @treturn ?number the seconds since then
function credential_fields.life_of(credentials)
  return credential_fields.generation_of(credentials),
    lifetime_of(credentials),
    credential_fields.age_of(credentials, "obtained_at")
end

--- Whether credentials come from an exchange before that of others, by their number and by their time.
function credential_fields.is_older(one, other)
  return credential_fields.generation_of(one) < credential_fields.generation_of(other)
    and (one:number "obtained_at" or 0) <= (other:number "obtained_at" or 0)
end

--- Whether two credentials come from the same exchange; marks may differ. After a store was emptied, generations begin
-- anew: hence the look at the tokens.
function credential_fields.is_same(one, other)
  return one:get("generation") == other:get("generation")
    and one:get("access_token") == other:get("access_token")
    and one:get("refresh_token") == other:get("refresh_token")
end

local CLEAR = { pending = false, tries = false, refused_at = false }
local RESPONSE_FIELDS = {
  "access_token",
  "refresh_token",
  "token_type",
  "scope",
  "user_type",
  "location_id",
  "company_id",
  "user_id",
}

--- The credentials to store after a response of the token endpoint; fields that the response leaves out stay, but for
-- the access token: the old one has ended.
-- @param old the credentials before, nil if there are none
-- @param response credentials as the response has them
function credential_fields.next(old, response)
  local ms = core.wall_ms()
  local changes = {
    generation = credential_fields.generation_of(old) + 1,
    obtained_at = ms // 1000,
    obtained_ms = ms % 1000,
    expires_in = lifetime_of(response),
    access_token = false,
  }
  for _, name in ipairs(RESPONSE_FIELDS) do
    local value = response:get(name)
    if value ~= nil then changes[name] = value end
  end
  return (old or core.credentials {}):with(CLEAR):with(changes)
end

return credential_fields
