--- Records as CSV (RFC 4180): commas, CRLF, quotes where they are needed, UTF-8.
--
-- **Formulas.** A spreadsheet runs a field that begins with `=`, `+`, `-` or `@`, so a name that a stranger typed into
-- a booking form could read other cells or open an address. As OWASP advises, such a text gets an apostrophe in front,
-- and so does one that begins with a tab, a line break, or the full-width form of one of these characters. Numbers
-- stay as they are, and so does a text that is a negative decimal number (`-5`, `-2.50`), which is no formula. A text
-- such as `+49 30 1234` is guarded: a spreadsheet would take the plus sign away. The option `formulas = "keep"` leaves
-- all texts as they are, for programs that read the file.
-- @module hoopai.command.lib.csv

local text_table = require "hoopai.command.lib.table"

local concat = table.concat
local find, format, gsub = string.find, string.format, string.gsub
local ipairs, tostring, type = ipairs, tostring, type
local math_type = math.type

local csv = {}

-- Beginnings of fields that a spreadsheet runs, or strips before it looks again. The last is ＋ － ＝ ＠ (U+FF0B, U+FF0D,
-- U+FF1D, U+FF20).
local FORMULAS = { "^[=+%-@\t\r\n]", "^\xEF\xBC[\x8B\x8D\x9D\xA0]" }
local NEGATIVE_NUMBER = "^%-%d+%.?%d*$"

local function guarded(text)
  if find(text, NEGATIVE_NUMBER) then return text end
  for _, pattern in ipairs(FORMULAS) do
    if find(text, pattern) then return "'" .. text end
  end
  return text
end

local function text_of(value, formulas)
  if value == nil or type(value) == "userdata" then return "" end -- JSON's null is a light userdata
  if type(value) == "string" then return formulas == "keep" and value or guarded(value) end
  if math_type(value) == "float" then
    if value == value // 1 and value >= -2 ^ 53 and value <= 2 ^ 53 then return format("%d", value) end
    return (gsub(format("%.14g", value), ",", ".")) -- a locale may have another decimal point
  end
  return tostring(value)
end

-- Semicolons and tabs are separators too in LibreOffice's settings. A field of blanks, or with blanks around it, is
-- quoted so that no reader trims it.
local function quoted(text)
  if find(text, '[",;\t\r\n]') or find(text, "^ ") or find(text, " $") then
    return '"' .. gsub(text, '"', '""') .. '"'
  end
  return text
end

--- One record.
-- @tparam table values list of strings, numbers, booleans, nil (with `n`) or JSON's null
-- @tparam[opt] table options
-- @tparam[opt="guard"] string options.formulas "guard" or "keep", see above
-- @treturn string the line, with CRLF at its end
function csv.line(values, options)
  local formulas = options and options.formulas
  local fields = {}
  for index = 1, values.n or #values do
    fields[index] = quoted(text_of(values[index], formulas))
  end
  -- A line of one empty field would be an empty line, which readers skip.
  if #fields == 1 and fields[1] == "" then fields[1] = '""' end
  return concat(fields, ",") .. "\r\n"
end

--- The first line of a document: the titles.
-- @tparam table columns list of columns, as in `hoopai.command.lib.table`: `title` and `value`
-- @tparam[opt] table options see `line`
-- @treturn string
function csv.header(columns, options)
  local titles = {}
  for index, column in ipairs(columns) do
    titles[index] = column.title
  end
  return csv.line(titles, options)
end

--- The line of one record of a document.
-- @tparam table columns see `header`
-- @tparam table row the record
-- @tparam integer index its number
-- @tparam[opt] table options see `line`
-- @treturn string
function csv.record(columns, row, index, options)
  local values = { n = #columns }
  for at, column in ipairs(columns) do
    values[at] = text_table.value(column, row, index)
  end
  return csv.line(values, options)
end

--- A document: a line of titles, and a line per record.
-- @tparam table columns see `header`
-- @tparam table rows list of records
-- @tparam[opt] table options see `line`
-- @treturn string
function csv.document(columns, rows, options)
  local lines = { csv.header(columns, options) }
  for index, row in ipairs(rows) do
    lines[#lines + 1] = csv.record(columns, row, index, options)
  end
  return concat(lines)
end

return csv
