--- Plain values as Lua source and back: the messages between a spec and its server process. Strings may hold any bytes.
-- The sandbox has a similar module, which is not used: the test servers use nothing of the library under test.

local type, pairs, tostring, load, error = type, pairs, tostring, load, error
local format, concat = string.format, table.concat

local literal = {}

local function write(parts, value)
  local kind = type(value)
  if kind == "table" then
    parts[#parts + 1] = "{"
    for key, item in pairs(value) do
      parts[#parts + 1] = "["
      write(parts, key)
      parts[#parts + 1] = "]="
      write(parts, item)
      parts[#parts + 1] = ","
    end
    parts[#parts + 1] = "}"
  elseif kind == "string" or kind == "number" or kind == "boolean" or kind == "nil" then
    parts[#parts + 1] = format("%q", value)
  else
    error("a " .. kind .. " cannot be sent to the server process: " .. tostring(value))
  end
end

--- Tables (no cycles), strings, numbers, booleans and nil as Lua source.
function literal.encode(value)
  local parts = {}
  write(parts, value)
  return concat(parts)
end

--- The value that literal.encode wrote.
function literal.decode(text) return load("return " .. text, "=literal", "t", {})() end

return literal
