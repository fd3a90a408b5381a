--- A token store that lasts as long as the program. Tokens stay in userdata; nothing is written anywhere.
local _ENV = require "hoopai.standard"
local setmetatable = setmetatable

local Memory = {}
Memory.__index = Memory

local Lock = {}
Lock.__close = function(lock) lock.held[lock.key] = nil end

function Memory:read(key)
  return self.records[key]
end

function Memory:write(key, record)
  self.records[key] = record
  return true
end

function Memory.probe()
  return true
end

--- A to-be-closed lock, nil when it is held.
function Memory:lock(key)
  if self.held[key] then return nil end
  local lock = setmetatable({ held = self.held, key = key }, Lock)
  self.held[key] = true
  return lock
end

--- Makes an empty store.
local function memory()
  return setmetatable({ records = {}, held = {} }, Memory)
end

return memory
