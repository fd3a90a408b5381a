--- Which webhooks were received already, in the memory of this program. So many ids are kept; a further one takes the
-- place of the oldest.
--
-- An id that is forgotten could be sent again. So `since` is the time of the youngest webhook whose id was forgotten:
-- what is not younger is refused, whether it was received or not. Many webhooks in a short time thus narrow `max_age`,
-- and never let a webhook in twice.
local setmetatable = setmetatable

local claims = {}

local Claims = {}
Claims.__index = Claims

--- Makes an empty memory.
-- @tparam integer most how many ids are kept
-- @treturn Claims
function claims.new(most) return setmetatable({ most = most, ids = {}, queue = {}, first = 1, last = 0 }, Claims) end

local function forget_first(self)
  local entry = self.queue[self.first]
  self.queue[self.first] = nil
  self.first = self.first + 1
  if self.ids[entry.id] ~= entry then return end -- it was released
  self.ids[entry.id] = nil
  if entry.ms and not (self.since and self.since >= entry.ms) then self.since = entry.ms end
end

--- Claims an id.
-- @tparam string id
-- @tparam ?integer ms the time of the webhook, in milliseconds since 1970
-- @tparam ?integer oldest webhooks of before this time are refused anyway: their ids need not be kept
-- @treturn boolean whether the id is claimed by this call
-- @treturn boolean if not: whether the webhook is too old to be known, else it was claimed before
function Claims:claim(id, ms, oldest)
  if self.ids[id] then return false, false end
  if ms and self.since and ms <= self.since then return false, true end
  local entry = { id = id, ms = ms }
  self.queue[self.last + 1] = entry -- first what may fail for want of memory
  self.ids[id] = entry
  self.last = self.last + 1
  while self.first < self.last do
    local head = self.queue[self.first]
    local is_needless = oldest and head.ms and head.ms < oldest or self.ids[head.id] ~= head
    if not is_needless and self.last - self.first < self.most then break end
    forget_first(self)
  end
  return true
end

--- Gives an id back.
-- @tparam string id
function Claims:release(id) self.ids[id] = nil end

return claims
