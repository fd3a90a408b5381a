--- A token store that lasts as long as the program. Tokens stay in userdata; nothing is written to a file.
local pairs, setmetatable = pairs, setmetatable

local Memory = {}
Memory.__index = Memory

local LockGuard = {}
LockGuard.__close = function(guard) guard.locked[guard.key] = nil end

function Memory:read(key) return self.credentials[key] end

function Memory:write(key, credentials)
  self.credentials[key] = credentials
  return true
end

-- Room for a successor: memory needs none.
local Reservation = { __close = function() end }

function Memory.reserve() return setmetatable({}, Reservation) end

--- The keys under which credentials are stored.
function Memory:names()
  local names = {}
  for key in pairs(self.credentials) do
    names[#names + 1] = key
  end
  return names
end

function Memory:remove(key)
  self.credentials[key] = nil
  return true
end

function Memory.path(_, key) return key .. " of a store in memory" end

function Memory.replacements() return 0 end

--- Returns a to-be-closed lock, or nil while the key is locked.
function Memory:lock(key)
  if self.locked[key] then return nil end
  local guard = setmetatable({ locked = self.locked, key = key }, LockGuard)
  self.locked[key] = true
  return guard
end

--- Makes an empty store.
local function memory() return setmetatable({ credentials = {}, locked = {} }, Memory) end

return memory
