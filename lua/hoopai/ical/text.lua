--- Lines and texts of iCalendar (RFC 5545, 3.1 and 3.3.11).
local byte, find, gsub, sub = string.byte, string.find, string.gsub, string.sub
local concat, utf8_len = table.concat, utf8.len

local text = {}

local LONGEST_LINE = 75 -- bytes, without the line break
local REPLACEMENT = "\xEF\xBF\xBD" -- U+FFFD

-- A text with U+FFFD for each byte that is not UTF-8.
local function valid(value)
  local parts, from = {}, 1
  while from <= #value do
    local length, wrong = utf8_len(value, from)
    if length then break end
    parts[#parts + 1] = sub(value, from, wrong - 1) .. REPLACEMENT
    from = wrong + 1
  end
  parts[#parts + 1] = sub(value, from)
  return concat(parts)
end

-- What some readers take for a line break: CR, LF, NEL, and the separators of lines and paragraphs of Unicode.
local BREAKS = { "\r\n?", "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9" }

--- A text as the value of a property: valid UTF-8 without control characters but the tab. A line break is `\n`.
-- @tparam string value
-- @treturn string
function text.escape(value)
  if not find(value, "[^\32-\126]") then return (gsub(value, "[\\;,]", "\\%0")) end
  value = valid(value)
  for i = 1, #BREAKS do
    value = gsub(value, BREAKS[i], "\n")
  end
  value = gsub(gsub(value, "[\0-\8\11-\31\127]", ""), "\xC2[\x80-\x9F]", "")
  return (gsub(gsub(value, "[\\;,]", "\\%0"), "\n", "\\n"))
end

-- The last byte of a piece of a line that ends before a character: characters of UTF-8 have at most three bytes after
-- their first.
local function end_of_piece(line, last)
  for stop = last, last - 3, -1 do
    local following = byte(line, stop + 1)
    if following < 0x80 or following > 0xBF then return stop end
  end
  return last
end

--- A line in pieces of at most 75 bytes, none of which ends within a character.
-- @tparam string line of valid UTF-8, without its line break
-- @treturn string the same, with CRLF and a space between the pieces
function text.fold(line)
  if #line <= LONGEST_LINE then return line end
  local pieces, from, most = {}, 1, LONGEST_LINE
  while #line - from + 1 > most do
    local stop = end_of_piece(line, from + most - 1)
    pieces[#pieces + 1] = sub(line, from, stop)
    from, most = stop + 1, LONGEST_LINE - 1 -- after the space
  end
  pieces[#pieces + 1] = sub(line, from)
  return concat(pieces, "\r\n ")
end

return text
