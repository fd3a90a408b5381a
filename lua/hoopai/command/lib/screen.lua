--- What a view prints with: lines, tables and charts for people.
--
--     screen:line(text, style?)        a line; what commands a terminal is left out of it
--     screen:table(columns, rows)      see hoopai.command.lib.table
--     screen:lines(list)               lines that a chart or a table made, with their colours
--     screen:raw(text)                 a text as it is
--     screen:text(text)                lines of a document: as they are, but on a terminal
--     screen:paint(text, style)        a text in a style: "bold", "dim", "red", ...; as it is without colours
--     screen.style                     the same as function(style, text), for the charts
--     screen.columns                   columns of the terminal; nil: the output is no terminal
local printable = require "hoopai.command.lib.printable"
local terminal = require "hoopai.command.lib.terminal"
local text_table = require "hoopai.command.lib.table"

local ipairs, setmetatable = ipairs, setmetatable
local gmatch, match = string.gmatch, string.match

local screen = {}

local Screen = {}
Screen.__index = Screen

--- A text in a style, where the screen has colours.
-- @tparam string text
-- @tparam ?string style see hoopai.command.lib.terminal
-- @treturn string
function Screen:paint(text, style) return style and self.style(style, text) or text end

--- Prints a text as it is.
-- @tparam string text
function Screen:raw(text) self.output:write(text) end

--- Prints whole lines of a document that is made for programs. Each byte of it counts there, so they are printed as
-- they are, but on a terminal without what commands it.
-- @tparam string text ends with a line break
function Screen:text(text)
  if not self.columns then return self:raw(text) end
  for line in gmatch(text, "([^\n]*)\n") do
    self:line(match(line, "^(.-)\r?$"))
  end
end

--- Prints a line.
-- @tparam ?string text
-- @tparam ?string style
function Screen:line(text, style) self.output:write(self:paint(printable(text or ""), style), "\n") end

--- Prints lines as they are.
-- @tparam table list
function Screen:lines(list)
  for _, line in ipairs(list) do
    self.output:write(line, "\n")
  end
end

--- Prints a table: on a terminal with titles and fitted to its width; else the cells of a row separated by tabs, for
-- other programs.
-- @tparam table columns see hoopai.command.lib.table
-- @tparam table rows
function Screen:table(columns, rows) self:lines(text_table.format(columns, rows, self.columns, self.style)) end

--- Makes a screen.
-- @tparam table output see hoopai.command.lib.output
-- @tparam boolean is_terminal whether the output is one
-- @tparam ?boolean no_color whether --no-color was given
-- @treturn table
function screen.new(output, is_terminal, no_color)
  return setmetatable({
    output = output,
    columns = is_terminal and terminal.size() or nil,
    style = terminal.style(terminal.colours(is_terminal, no_color)),
  }, Screen)
end

return screen
