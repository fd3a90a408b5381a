--- What --json and --jsonl print.
--
-- A terminal obeys some characters beyond ASCII, and turns the direction of lines at others. JSON has an escape for
-- each, and readers of JSON see no difference, so these are written as escapes wherever the output goes.
local hoopai = require "hoopai"

local error, rawlen, type = error, rawlen, type
local format, gsub = string.format, string.gsub
local codepoint = utf8.codepoint

local json = {}

-- DEL, the control characters from U+0080 to U+009F, and the marks, separators, overrides and isolates of direction
-- and lines. They occur in strings alone.
local COMMANDING = { "\127", "\xc2[\x80-\x9f]", "\xd8\x9c", "\xe2\x80[\x8e\x8f\xa8-\xae]", "\xe2\x81[\xa6-\xa9]" }

local function escape(character) return format("\\u%04x", codepoint(character)) end

local function encode(value, options)
  local text, err = hoopai.encode(value, options)
  if not text then error(err, 0) end
  for index = 1, #COMMANDING do
    text = gsub(text, COMMANDING[index], escape)
  end
  return text
end

--- A document as one JSON text of several lines.
-- @tparam any document
-- @treturn string
function json.document(document) return encode(document, { indent = true }) .. "\n" end

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
