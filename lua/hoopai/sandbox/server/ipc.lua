--- Plain values as one line of Lua: the messages between a sandbox and the process that started it.
-- @module hoopai.sandbox.server.ipc

local concat = table.concat
local format, gsub = string.format, string.gsub
local error, load, pairs, type = error, load, pairs, type

local ipc = {}

--- Writes a value as a Lua literal without line breaks.
-- @param value string, number, boolean, or a table of these
-- @treturn string
function ipc.dump(value)
  local kind = type(value)
  if kind == "table" then
    local parts = {}
    for key, item in pairs(value) do
      parts[#parts + 1] = format("[%s]=%s", ipc.dump(key), ipc.dump(item))
    end
    return "{" .. concat(parts, ",") .. "}"
  end
  if kind == "string" then return (gsub(format("%q", value), "\\\n", "\\n")) end
  if kind == "number" or kind == "boolean" then return format("%q", value) end
  error("a " .. kind .. " cannot be passed to another process", 0)
end

--- Reads the text of a value that `dump` wrote.
-- @tparam string text
-- @return the value, or nil if the text is not Lua
function ipc.load(text)
  local chunk = load("return " .. text, "=ipc", "t", {})
  return chunk and chunk()
end

return ipc
