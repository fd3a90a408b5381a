--- What the specs read of credentials that the library never asks for.

local core = require "hoopai.core"

local credentials = {}

--- The names of all fields, sorted: those of the lines of the packed form.
-- @param given a hoopai.Credentials
-- @treturn {string,...}
function credentials.names(given)
  local names = {}
  for name in core.pack_credentials(given):gmatch("\n!?([a-z0-9_]+)=") do
    names[#names + 1] = name
  end
  return names
end

return credentials
