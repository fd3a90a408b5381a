--- How many columns of a terminal a text takes, and texts that are cut and padded to columns.
--
-- A text is measured in graphemes, the characters that a reader sees. Combining marks take no column, ideographs and
-- emoji take two, and so do a pair of regional indicators (a flag), a character with the emoji presentation selector,
-- and emoji joined by U+200D. Characters whose width is ambiguous take one. Where terminals differ, the larger width
-- is counted, so that a line never runs over the border.
--
-- Texts of the API and of users go through `clean` first: control characters have no width.
-- @module hoopai.command.lib.width

local ranges = require "hoopai.command.lib.width_table"

local byte, find, format, gsub, rep, sub = string.byte, string.find, string.format, string.gsub, string.rep, string.sub
local codepoint, utf8_len = utf8.codepoint, utf8.len
local concat, max = table.concat, math.max

local width = {}

local ELLIPSIS = "…"

-- Characters ----------------------------------------------------------------------------------------------------------

-- Whether a code point is in a flat list of ranges: first, last, first, last, ...
local function is_in(list, code)
  local low, high = 1, #list // 2
  while low <= high do
    local middle = (low + high) // 2
    if code < list[2 * middle - 1] then
      high = middle - 1
    elseif code > list[2 * middle] then
      low = middle + 1
    else
      return true
    end
  end
  return false
end

local JOINER, EMOJI_PRESENTATION = 0x200D, 0xFE0F

local function is_flag_letter(code) return code >= 0x1F1E6 and code <= 0x1F1FF end

local function is_skin_tone(code) return code >= 0x1F3FB and code <= 0x1F3FF end

-- The blocks that have pictographs: only these are joined by U+200D, which Arabic and Indic scripts use too.
-- stylua: ignore
local PICTOGRAPHS = {
  0xA9, 0xA9, 0xAE, 0xAE, 0x203C, 0x203C, 0x2049, 0x2049, 0x2122, 0x2122, 0x2139, 0x2139, 0x2190, 0x21FF,
  0x2300, 0x23FF, 0x2460, 0x24FF, 0x25A0, 0x27BF, 0x2900, 0x297F, 0x2B00, 0x2BFF, 0x3030, 0x3030, 0x303D, 0x303D,
  0x3297, 0x3297, 0x3299, 0x3299, 0x1F000, 0x1F1E5, 0x1F200, 0x1FAFF,
}

-- The columns of a character that stands alone.
local function columns_of(code)
  if code < 0x300 then return code < 0x20 and 0 or 1 end
  if is_in(ranges.zero, code) then return 0 end
  return is_in(ranges.wide, code) and 2 or 1
end

-- The character at a position, and the position after it. A byte that is no UTF-8 counts as a character of its own,
-- U+FFFD. nil at the end.
local function read(text, position)
  local first = byte(text, position)
  if not first then return nil, position end
  if first < 0x80 then return first, position + 1 end
  if not utf8_len(text, position, position) then return 0xFFFD, position + 1 end
  return codepoint(text, position), position + (first < 0xE0 and 2 or first < 0xF0 and 3 or 4)
end

-- What a character adds to the grapheme it follows: the position after it and the columns of the grapheme then; nil if
-- it begins a grapheme of its own.
local function extend(text, code, after, columns, is_picture)
  if code == EMOJI_PRESENTATION then return after, max(columns, 2) end
  if code == JOINER then
    local joined, stop = read(text, after)
    if is_picture and joined and is_in(PICTOGRAPHS, joined) then return stop, max(columns, columns_of(joined)) end
    return after, columns
  end
  if is_skin_tone(code) then
    if is_picture then return after, max(columns, 2) end
    return nil
  end
  if code < 0x300 then return nil end
  if is_in(ranges.zero, code) then return after, columns end
  if is_in(ranges.mark, code) then return after, columns + 1 end
  return nil
end

--- The grapheme that begins at a position.
-- @tparam string text
-- @tparam integer position in bytes
-- @treturn ?integer the position after it; nil at the end of the text
-- @treturn integer its columns
local function next_grapheme(text, position)
  local code, after = read(text, position)
  if not code then return nil, 0 end
  local columns = columns_of(code)
  if is_flag_letter(code) then
    local second, stop = read(text, after)
    columns = 2
    if second and is_flag_letter(second) then after = stop end
  end
  local is_picture = is_in(PICTOGRAPHS, code)
  while true do
    local following, stop = read(text, after)
    if not following then return after, columns end
    local extended, extended_columns = extend(text, following, stop, columns, is_picture)
    if not extended then return after, columns end
    after, columns = extended, extended_columns
  end
end

-- Texts ---------------------------------------------------------------------------------------------------------------

-- Printable ASCII: a byte is a column.
local function is_plain(text) return not find(text, "[^\32-\126]") end

--- The columns of a text in one line.
-- @tparam string text
-- @treturn integer
function width.columns(text)
  if is_plain(text) then return #text end
  local sum, position = 0, 1
  while true do
    local after, columns = next_grapheme(text, position)
    if not after then return sum end
    sum, position = sum + columns, after
  end
end

--- The longest beginning of a text that fits, in whole graphemes.
-- @tparam string text
-- @tparam integer columns
-- @treturn string
-- @treturn integer the columns of the result
-- @treturn integer the position of the rest, in bytes
function width.take(text, columns)
  if is_plain(text) then
    local piece = sub(text, 1, max(columns, 0))
    return piece, #piece, #piece + 1
  end
  local sum, position = 0, 1
  while true do
    local after, more = next_grapheme(text, position)
    if not after or sum + more > columns then return sub(text, 1, position - 1), sum, position end
    sum, position = sum + more, after
  end
end

-- The longest end of a text that fits, in whole graphemes.
local function take_end(text, columns)
  local starts, widths, position = {}, {}, 1
  while true do
    local after, more = next_grapheme(text, position)
    if not after then break end
    starts[#starts + 1], widths[#widths + 1], position = position, more, after
  end
  local start, sum = #text + 1, 0
  for index = #starts, 1, -1 do
    sum = sum + widths[index]
    if sum > columns then break end
    start = starts[index]
  end
  return sub(text, start)
end

--- A text that takes at most so many columns. A longer one is cut between graphemes, and `…` stands for what is left
-- out. The result may be a column shorter, where a wide character did not fit.
-- @tparam string text
-- @tparam integer columns
-- @tparam[opt="end"] string where "end", or "middle", which keeps the beginning and the end
-- @treturn string
function width.cut(text, columns, where)
  if width.columns(text) <= columns then return text end
  if columns < 1 then return "" end
  if where ~= "middle" then return width.take(text, columns - 1) .. ELLIPSIS end
  local tail = (columns - 1) // 2
  return width.take(text, columns - 1 - tail) .. ELLIPSIS .. take_end(text, tail)
end

--- A text filled up with blanks to so many columns. A longer text stays as it is.
-- @tparam string text
-- @tparam integer columns
-- @tparam[opt="left"] string align where the text stands: "left", "right" or "center"
-- @treturn string
function width.pad(text, columns, align)
  local room = columns - width.columns(text)
  if room <= 0 then return text end
  if align == "right" then return rep(" ", room) .. text end
  if align == "center" then return rep(" ", room // 2) .. text .. rep(" ", room - room // 2) end
  return text .. rep(" ", room)
end

-- Takes the next line off a text of one paragraph: the line and the rest. It ends at a blank, or within a word that is
-- longer than a line.
local function next_line(text, columns)
  local piece, _, position = width.take(text, columns)
  if position > #text then return text, "" end
  if position == 1 then -- a grapheme that is wider than the line
    local after = next_grapheme(text, 1)
    return sub(text, 1, after - 1), sub(text, after)
  end
  if not find(text, "^ ", position) then
    local blank = find(piece, " [^ ]*$")
    if blank and find(piece, "[^ ]") < blank then piece = sub(piece, 1, blank) end
  end
  return (gsub(piece, " +$", "")), (gsub(sub(text, #piece + 1), "^ +", ""))
end

--- Breaks a text into lines that fit. Its own line breaks stay; a line ends at a blank where there is one.
-- @tparam string text
-- @tparam integer columns at least 1
-- @treturn table list of lines, each clean (see `clean`); one empty line for an empty text
function width.wrap(text, columns)
  local lines = {}
  for paragraph in (gsub(text, "\r\n?", "\n") .. "\n"):gmatch "(.-)\n" do
    local rest = width.clean(paragraph)
    repeat
      lines[#lines + 1], rest = next_line(rest, max(columns, 1))
    until rest == ""
  end
  return lines
end

-- Control characters --------------------------------------------------------------------------------------------------

local function escape_byte(char) return format("\\x%02X", byte(char)) end

local function escape_character(char) return format("\\u{%X}", codepoint(char)) end

-- Patterns of what has no place in a line of a terminal beyond ASCII: C1 control characters, U+200B, separators of
-- lines and overrides of direction, invisible operators and isolates, the byte order mark, and annotations.
local ODD = {
  "\xC2[\x80-\x9F]",
  "\xE2\x80[\x8B\xA8-\xAE]",
  "\xE2\x81[\xA0-\xAF]",
  "\xEF\xBB\xBF",
  "\xEF\xBF[\xB9-\xBB]",
}

-- A text with escapes for the bytes that are not UTF-8.
local function with_valid_bytes(text)
  local parts, from = {}, 1
  while from <= #text do
    local valid, wrong = utf8_len(text, from)
    local stop = valid and #text or wrong - 1
    parts[#parts + 1] = sub(text, from, stop)
    if not valid then parts[#parts + 1] = escape_byte(sub(text, wrong, wrong)) end
    from = stop + 2
  end
  return concat(parts)
end

--- A text as one line that cannot command a terminal or change the direction of other texts: `\x1B` stands for a
-- control character of ASCII, `\u{202E}` for another one, and `\xFF` for a byte that is no UTF-8. A line break is `↵`,
-- and a tab is a blank.
-- @tparam string text
-- @treturn string valid UTF-8
function width.clean(text)
  if is_plain(text) then return text end
  text = gsub(gsub(text, "\r?\n", "↵"), "\t", " ")
  text = gsub(text, "[\0-\31\127]", escape_byte)
  if not find(text, "[\x80-\xFF]") then return text end
  text = with_valid_bytes(text)
  for _, pattern in ipairs(ODD) do
    text = gsub(text, pattern, escape_character)
  end
  return text
end

return width
