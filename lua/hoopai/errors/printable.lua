--- Texts of servers and of users' functions, as they can be shown: none of them can command a terminal, look like
-- another line of a log, or change the direction of writing.
local ipairs, type, utf8_len = ipairs, type, utf8.len
local byte, find, format, gsub, sub = string.byte, string.find, string.format, string.gsub, string.sub
local concat = table.concat

local printable = {}

local function escape_byte(char) return format("\\x%02X", byte(char)) end

--- Each byte as an escape such as `\x9B`.
local function escaped(chars) return (gsub(chars, ".", escape_byte)) end

printable.escaped = escaped

--- Valid UTF-8, with escapes for what moves a cursor or changes the direction of writing: C1 controls, marks of zero
-- width, of direction and of lines, and the byte order mark.
local function without_marks(text)
  text = gsub(gsub(text, "\xC2[\x80-\x9F]", escaped), "\xD8\x9C", escaped)
  text = gsub(gsub(text, "\xE2\x80[\x8B\x8E\x8F\xA8-\xAE]", escaped), "\xE2\x81[\xA0-\xAF]", escaped)
  return (gsub(text, "\xEF\xBB\xBF", escaped))
end

--- Any text beyond ASCII, with escapes for marks (see above) and for bytes that are not UTF-8.
local function without_odd_characters(text)
  local parts, from = {}, 1
  while from <= #text do
    local valid, wrong = utf8_len(text, from)
    local stop = valid and #text or wrong - 1
    parts[#parts + 1] = without_marks(sub(text, from, stop))
    if not valid then parts[#parts + 1] = escape_byte(sub(text, wrong, wrong)) end
    from = stop + 2
  end
  return concat(parts)
end

printable.without_marks = without_marks

--- Cuts a text before a character. A text that is no UTF-8 is cut anywhere.
-- @tparam string text
-- @tparam integer most bytes
-- @treturn string
-- @treturn boolean whether it was cut
function printable.cut(text, most)
  if #text <= most then return text, false end
  local stop = most
  while stop > most - 4 and find(text, "^[\128-\191]", stop + 1) do
    stop = stop - 1
  end
  return sub(text, 1, stop), true
end

--- A text of at most so many bytes, in which the controls of a pattern are blanks, and other odd characters escapes.
local function shown(text, most, controls)
  if #text <= most and not find(text, "[^\32-\126]") then return text end
  local short, is_cut = printable.cut(text, most) -- first: the time that is needed has a bound
  short = gsub(short, controls, " ")
  if find(short, "[\x80-\xFF]") then short = without_odd_characters(short) end
  if #short > most or is_cut then short = printable.cut(short, most - 3) .. "..." end
  return short
end

--- One line: control characters of ASCII are blanks, other odd ones are escapes.
-- @tparam string text
-- @tparam integer most bytes; a longer text is cut, and ends in "..."
-- @treturn string
function printable.line(text, most) return shown(text, most, "[\0-\31\127]") end

--- The same with the text's own lines and tabs, such as a traceback.
-- @tparam string text
-- @tparam integer most bytes
-- @treturn string
function printable.lines(text, most) return shown(text, most, "[\0-\8\11-\31\127]") end

--- The value itself, but a string as one line.
function printable.value(value, most) return type(value) == "string" and printable.line(value, most) or value end

local LONGEST_MESSAGE = 16384 -- bytes of `message`, and of an item of `details`
local LONGEST_ID = 2048

--- Makes the texts of an error printable, in place.
-- @tparam table err
function printable.clean(err)
  err.message = printable.value(err.message, LONGEST_MESSAGE)
  err.trace_id = printable.value(err.trace_id, LONGEST_ID)
  for index, detail in ipairs(err.details or {}) do
    err.details[index] = printable.value(detail, LONGEST_MESSAGE)
  end
end

return printable
