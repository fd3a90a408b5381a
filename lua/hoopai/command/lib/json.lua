--- What --json and --jsonl print.
local hoopai = require "hoopai"

local error, rawlen = error, rawlen
local concat = table.concat
local find, rep, sub = string.find, string.rep, string.sub

local json = {}

local OPEN, CLOSE = { ["{"] = true, ["["] = true }, { ["}"] = true, ["]"] = true }

local function encode(value)
  local text, err = hoopai.encode(value)
  if not text then error(err, 0) end
  return text
end

--- The end of the string whose opening quote is at a position.
local function string_end(text, at)
  at = find(text, '["\\]', at + 1)
  while sub(text, at, at) == "\\" do
    at = find(text, '["\\]', at + 2)
  end
  return at
end

--- JSON of one line with a line per value, indented by two spaces.
-- @tparam string text as hoopai.encode writes it
-- @treturn string
function json.indent(text)
  local out, depth, at, length = {}, 0, 1, #text
  local function put(part) out[#out + 1] = part end
  local function line() put("\n" .. rep("  ", depth)) end
  while at <= length do
    local char = sub(text, at, at)
    local stop = char == '"' and string_end(text, at) or at
    if OPEN[char] and CLOSE[sub(text, at + 1, at + 1)] then -- an empty one
      stop = at + 1
      put(sub(text, at, stop))
    elseif OPEN[char] then
      put(char)
      depth = depth + 1
      line()
    elseif CLOSE[char] then
      depth = depth - 1
      line()
      put(char)
    else
      put(sub(text, at, stop))
      if char == "," then line() end
      if char == ":" then put " " end
    end
    at = stop + 1
  end
  return concat(out)
end

--- A document as one JSON text of several lines.
-- @tparam any document
-- @treturn string
function json.document(document) return json.indent(encode(document)) .. "\n" end

--- The lines of --jsonl: one per entry of a list, one for anything else.
-- @tparam any document
-- @treturn function an iterator of lines
function json.lines(document)
  local is_list = type(document) == "table" and (rawlen(document) > 0 or encode(document) == "[]")
  local index, count = 0, is_list and rawlen(document) or 1
  return function()
    index = index + 1
    if index > count then return nil end
    return encode(is_list and document[index] or document) .. "\n"
  end
end

return json
