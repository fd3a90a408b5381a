--- The standard library as it is when hoopai is loaded: the environment of the files that are loaded on first use. By
-- then the host may have changed or removed what is global.
local error, pairs, setmetatable = error, pairs, setmetatable

--- False where a host that embeds Lua left the library out.
local function copy(library)
  if not library then return false end
  local copied = {}
  for name, value in pairs(library) do copied[name] = value end
  return copied
end

return setmetatable({
  assert = assert, error = error, getmetatable = getmetatable, ipairs = ipairs, next = next, pairs = pairs,
  pcall = pcall, rawequal = rawequal, rawget = rawget, rawlen = rawlen, require = require, select = select,
  setmetatable = setmetatable, tonumber = tonumber, tostring = tostring, type = type,
  math = copy(math), string = copy(string), table = copy(table), utf8 = copy(utf8), io = copy(io), os = copy(os),
  warn = warn or false,
}, { __index = function(_, name) error("hoopai.standard lacks " .. name, 2) end })
