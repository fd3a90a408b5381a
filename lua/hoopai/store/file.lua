--- A token store in a private folder: one file of mode 0600 per grant, written so that a crash at any moment leaves the
-- old or the new one, and a kernel lock per grant that all processes of the host respect.
local _ENV = require "hoopai.standard"
local core = require "hoopai.core"

local setmetatable = setmetatable

local File = {}
File.__index = File

function File:read(key)
  return self.vault:read(key)
end

function File:write(key, record)
  return self.vault:write(key, record)
end

function File:probe()
  return self.vault:probe()
end

function File:lock(key)
  return self.vault:lock(key)
end

--- Opens the folder, and makes it (mode 0700) when it is missing.
-- @tparam string path
-- @return a store; or nil and why the folder cannot be trusted
local function file(path)
  local vault, problem = core.vault(path)
  if not vault then return nil, problem end
  return setmetatable({ vault = vault }, File)
end

return file
