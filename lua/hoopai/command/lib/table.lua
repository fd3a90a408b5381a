--- Records as a table: aligned columns that fit a terminal, or lines for scripts.
--
-- On a terminal the titles stand in capitals above the columns. A column whose content does not fit is cut, with `…`.
-- If the terminal is too narrow for all columns, those of the least weight are left out, and a last line names them.
--
-- Without a terminal each record is one line, its cells are complete and separated by tabs, and there are no titles:
-- `hoopai calendars | cut -f 1` and a `while read` loop work on these lines. (gh writes its tables in this way.) Cells
-- hold neither tabs nor line breaks, on a terminal or without.
-- @module hoopai.command.lib.table

local width = require "hoopai.command.lib.width"

local concat, remove = table.concat, table.remove
local floor, max, math_type, min = math.floor, math.max, math.type, math.min
local format, upper = string.format, string.upper
local ipairs, tostring, type = ipairs, tostring, type

local text_table = {}

local GAP = 2 -- columns between two cells
local SMALLEST = 6 -- columns to which a cell is cut, unless `min` says otherwise

--- A column.
-- @table column
-- @tfield string title
-- @tfield string|function value name of the record's field, or a function that is called with the record and its
-- number and returns the value. nil and JSON's null are empty cells
-- @tfield[opt="left"] string align "left", "right" or "center"
-- @tfield[opt="end"] string cut where a long text is cut: "end", "middle" (for ids) or "never"
-- @tfield[opt=6] integer min columns below which it is not cut
-- @tfield[opt=1] number weight its share of the room, and its importance when there is too little
-- @tfield[opt] string|function style name of the style of its cells, or a function that is called with the record and
-- returns that name or nil

--- The text of a value in a cell.
-- @tparam any value
-- @treturn string one line, clean
function text_table.cell(value)
  if value == nil or type(value) == "userdata" then return "" end -- JSON's null is a light userdata
  if math_type(value) == "float" and value == floor(value) and value >= -2 ^ 53 and value <= 2 ^ 53 then
    return format("%d", value)
  end
  return width.clean(tostring(value))
end

--- The value of a column in a record.
-- @tparam column column
-- @tparam table row
-- @tparam integer index number of the record
-- @treturn any
function text_table.value(column, row, index)
  local value = column.value
  if type(value) == "function" then return value(row, index) end
  return row[value]
end

local function cells_of(columns, rows)
  local cells = {}
  for index, row in ipairs(rows) do
    local line = {}
    for at, column in ipairs(columns) do
      line[at] = text_table.cell(text_table.value(column, row, index))
    end
    cells[index] = line
  end
  return cells
end

-- Widths --------------------------------------------------------------------------------------------------------------

-- The columns with their widths: `natural` (of the longest cell), `size` (that of the table; at first the smallest),
-- `weight`, and `at`, their place in the cells.
local function measure(columns, cells)
  local measured = {}
  for at, column in ipairs(columns) do
    local natural = width.columns(column.title)
    for _, line in ipairs(cells) do
      natural = max(natural, width.columns(line[at]))
    end
    local size = column.cut == "never" and natural or min(natural, column.min or SMALLEST)
    measured[at] = { at = at, column = column, natural = natural, size = size, weight = column.weight or 1 }
  end
  return measured
end

local function total(measured)
  local sum = (#measured - 1) * GAP
  for _, entry in ipairs(measured) do
    sum = sum + entry.size
  end
  return sum
end

-- Removes the columns that do not fit, the least important first, and returns their titles. One always stays.
local function leave_out(measured, columns)
  local titles = {}
  while #measured > 1 and total(measured) > columns do
    local least = 1
    for index, entry in ipairs(measured) do
      if entry.weight <= measured[least].weight then least = index end
    end
    titles[#titles + 1] = remove(measured, least).column.title
  end
  measured[1].size = min(measured[1].size, max(columns, 1))
  return titles
end

-- Gives the room that is left to the columns that need it, by weight.
local function widen(measured, room)
  while room > 0 do
    local needy, weights = {}, 0
    for _, entry in ipairs(measured) do
      if entry.size < entry.natural then
        needy[#needy + 1], weights = entry, weights + entry.weight
      end
    end
    if #needy == 0 then return end
    local shared = room
    for _, entry in ipairs(needy) do
      local share = min(max(1, floor(shared * entry.weight / weights)), entry.natural - entry.size, room)
      entry.size, room = entry.size + share, room - share
    end
  end
end

-- Lines ---------------------------------------------------------------------------------------------------------------

local function plain(_, text) return text end

local function style_name(column, row)
  if type(column.style) == "function" then return column.style(row) end
  return column.style
end

-- A line of the table: the text of each column by a function, styled and aligned.
local function line_of(measured, text_of, style_of, style)
  local parts = {}
  for index, entry in ipairs(measured) do
    local text = width.cut(text_of(entry), entry.size, entry.column.cut)
    local name = style_of(entry)
    local padded = width.pad(text, entry.size, entry.column.align)
    if index == #measured then padded = padded:gsub(" +$", "") end
    parts[index] = name and padded ~= "" and style(name, padded) or padded
  end
  return (concat(parts, (" "):rep(GAP)):gsub(" +$", ""))
end

local function separated(cells)
  local lines = {}
  for index, line in ipairs(cells) do
    lines[index] = concat(line, "\t")
  end
  return lines
end

--- Formats records. Lines carry no line break at their end.
-- @tparam table columns list of columns, see @{column}
-- @tparam table rows list of records
-- @tparam ?integer columns_of_terminal no line is wider than this; nil without a terminal
-- @tparam[opt] function style called with the name of a style ("bold", "dim", ...) and a text, returns the text with
-- the escape sequences of that style; default: none. See `hoopai.command.lib.terminal.style`
-- @treturn table list of lines; empty if there are no records
-- @treturn table titles of the columns that were left out
function text_table.format(columns, rows, columns_of_terminal, style)
  local cells = cells_of(columns, rows)
  if not columns_of_terminal then return separated(cells), {} end
  if #rows == 0 then return {}, {} end
  style = style or plain
  local measured = measure(columns, cells)
  local titles = leave_out(measured, columns_of_terminal)
  widen(measured, columns_of_terminal - total(measured))
  local lines = {
    line_of(measured, function(entry) return upper(entry.column.title) end, function() return "bold" end, style),
  }
  for index, row in ipairs(rows) do
    lines[#lines + 1] = line_of(
      measured,
      function(entry) return cells[index][entry.at] end,
      function(entry) return style_name(entry.column, row) end,
      style
    )
  end
  if #titles > 0 then
    local text = format("(too narrow for: %s)", concat(titles, ", "))
    for _, line in ipairs(width.wrap(text, columns_of_terminal)) do
      lines[#lines + 1] = style("dim", line)
    end
  end
  return lines, titles
end

return text_table
