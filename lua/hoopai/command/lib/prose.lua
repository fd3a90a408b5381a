--- The texts of the commands' data, which are written with the indentation of the code.
local concat = table.concat
local gmatch, gsub, match, sub = string.gmatch, string.gsub, string.match, string.sub

local prose = {}

--- Splits a text into paragraphs: the lines of each are joined. A paragraph that is indented by four more spaces than
-- the first one is code, whose lines stay.
-- @tparam string text
-- @treturn table list of { text } or { code, is_code = true }
function prose.paragraphs(text)
  local found, lines = {}, {}
  local margin = match(text, "^%s-( *)%S") or ""
  local function flush()
    if #lines == 0 then return end
    local is_code = match(lines[1], "^    ") ~= nil
    found[#found + 1] = { concat(lines, is_code and "\n" or " "), is_code = is_code }
    lines = {}
  end
  for line in gmatch(text .. "\n", "([^\n]*)\n") do
    if match(line, "^%s*$") then
      flush()
    else
      local inner = sub(line, 1, #margin) == margin and sub(line, #margin + 1) or line
      lines[#lines + 1] = (gsub(inner, "%s+$", ""))
    end
  end
  flush()
  return found
end

--- A text as argparse wraps it: a paragraph per line, empty lines between.
-- @tparam string text
-- @treturn string
function prose.flow(text)
  local parts = {}
  for index, paragraph in ipairs(prose.paragraphs(text)) do
    parts[index] = paragraph[1]
  end
  return concat(parts, "\n\n")
end

return prose
