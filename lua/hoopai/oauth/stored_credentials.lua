--- How a token manager keeps its credentials in step with the store.
local async = require "hoopai.async"
local core = require "hoopai.core"
local fields = require "hoopai.oauth.credential_fields"
local token_errors = require "hoopai.oauth.token_errors"
local unsaved = require "hoopai.oauth.unsaved"

local max = math.max
local generation_of, next_credentials = fields.generation_of, fields.next
local wall_seconds = fields.wall_seconds
local now = core.now

local stored_credentials = {}

--- Takes credentials into use. The rest of their life is counted on the monotonic clock from here on; if the wall clock
-- was put back, they count as expired.
function stored_credentials.use(self, credentials)
  local generation, lifetime, age = fields.life_of(credentials)
  local secret = credentials:get("access_token")
  local expires_at = now() + (age and lifetime - max(age, 0) or 0)
  local replacements = self.store:replacements()
  -- In one assignment: if memory runs out, all fields change or none.
  self.credentials, self.generation, self.expires_at, self.lifetime, self.secret, self.replacements =
    credentials, generation, expires_at, lifetime, secret or false, replacements
end

function stored_credentials.write(self, credentials, before, room)
  local done, problem = self.store:write(self.key, credentials, generation_of(before), room or nil)
  if done then return true end
  return nil, token_errors.store(problem, "no")
end

--- Reserves room for the successor of credentials. The lock guard releases it.
function stored_credentials.reserve(self, credentials)
  local old <close> = self.room -- luacheck: ignore 211
  self.room = false
  local room, problem = self.store:reserve(self.key, credentials)
  if not room then return nil, token_errors.store(problem) end
  self.room = room
  return true
end

--- Stores this program's credentials again where an older copy of their folder, or an empty one, took its place: a
-- token that was spent must not be sent. Credentials that were removed from the same folder stay away.
-- @return the credentials to go on with; or nil and an error
function stored_credentials.restore(self, stored)
  local own = self.credentials
  if not own then return stored end
  if stored then
    if not fields.is_older(stored, own) then return stored end
  elseif self.replacements == self.store:replacements() then
    return nil
  end
  local done, err = stored_credentials.write(self, own, stored)
  if not done then return nil, err end
  self.replacements = self.store:replacements()
  return own
end

local function use_saved(self, credentials)
  stored_credentials.use(self, credentials)
  local room <close> = self.room -- luacheck: ignore 211
  self.unsaved, self.room = false, false
  unsaved.release(self)
  return true
end

--- Stores the successor of a spent token, which exists only here: a full disk may have room again a second later. After
-- the deadline it is tried once.
function stored_credentials.save(self, before, deadline)
  while true do
    local done, err = stored_credentials.write(self, self.unsaved, before, self.room)
    if done then return use_saved(self, self.unsaved) end
    unsaved.warn(self, err)
    if now() + 1 >= deadline then return nil, err end
    async.sleep(1)
    local stored = self.store:read(self.key)
    if stored and generation_of(stored) >= generation_of(self.unsaved) then return use_saved(self, stored) end
  end
end

--- Stores the tokens of a sign-in that could not be stored when it was made.
function stored_credentials.save_sign_in(self, stored)
  local credentials = next_credentials(stored, self.sign_in):with { obtained_at = self.sign_in:get "obtained_at" }
  local done, err = stored_credentials.write(self, credentials, stored, self.room)
  if not done then return nil, err end
  if self.reply then self.reply:close() end -- it has the successor of older tokens
  self.sign_in, self.reply = false, false
  return use_saved(self, credentials)
end

--- Stores what exists only here, before anything is sent.
-- @return true if that was all; false if there is more to do, the credentials in the store, and the generation seen; or
-- nil and an error
function stored_credentials.save_kept(self, seen)
  local credentials, problem = self.store:read(self.key)
  if problem then return nil, token_errors.store(problem) end
  if self.sign_in then
    local was_seen = self.generation == seen
    local done, err = stored_credentials.save_sign_in(self, credentials)
    if not done then return nil, err end
    credentials, seen = self.credentials, was_seen and self.generation or seen
  end
  if self.unsaved and generation_of(self.unsaved) > generation_of(credentials) then
    return stored_credentials.save(self, credentials, now()) -- the exchange it came from has tried for long
  end
  self.unsaved = false
  return false, credentials, seen
end

--- The refresh token was refused. That counts only if the store still holds it: another program may have renewed it.
function stored_credentials.handle_refusal(self, credentials, tries, err)
  local stored, problem = self.store:read(self.key)
  if problem then return nil, token_errors.store(problem) end
  if stored and generation_of(stored) ~= generation_of(credentials) then
    stored_credentials.use(self, stored)
    return true
  end
  if credentials:get("refresh_token") then
    local pending = tries > 0 and wall_seconds()
    stored_credentials.write(
      self,
      credentials:with { refused_at = wall_seconds(), pending = pending, tries = tries },
      credentials
    )
  end
  return nil, token_errors.refused(self.label, tries > 0, err.cause)
end

--- Takes the mark away, as the refresh token was not spent, unless an earlier sending is still unclear.
function stored_credentials.clear_mark(self, credentials, tries)
  if not credentials:get("refresh_token") then return end
  stored_credentials.write(
    self,
    credentials:with { pending = tries > 0 and wall_seconds(), tries = tries > 0 and tries },
    credentials
  )
end

return stored_credentials
