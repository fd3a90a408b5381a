--- A context of the command whose client records what it is asked, for the unit specs of commands.

local contexts = require "hoopai.command.lib.context"
local names = require "hoopai.command.lib.names"

local command_context = {}

--- Runs a command.
-- @tparam table command its data
-- @tparam table options
-- @tparam table client its resources: name -> method -> function
-- @tparam[opt] table streams
-- @treturn boolean, and the document and the view, or what was raised
-- @treturn table context
function command_context.run(command, options, client, streams)
  options.zone = options.zone or "Europe/Berlin"
  local context = contexts.new(command, options, streams or { error = { write = function() end } })
  client.close = function() end
  client.calendars = client.calendars or {}
  client.calendars.list = client.calendars.list
    or function() return { { id = "c", name = "Yoga", teamMembers = { { userId = "u" } } }, { id = "d" } } end
  client.users = client.users or { get = function() return nil, { kind = "scope" } end }
  context.opened = client
  context.found_names = names.new(client)
  local ok, document, view = pcall(command.run, context, options)
  return ok, document, view, context
end

--- The lines that a view prints.
function command_context.lines(view, columns)
  local lines = {}
  local screen = { columns = columns, style = function(_, text) return text end }
  function screen.line(_, text) lines[#lines + 1] = text or "" end
  function screen.text(_, text) lines[#lines + 1] = text end
  function screen.lines(_, list) table.move(list, 1, #list, #lines + 1, lines) end
  function screen.table(_, wanted, rows)
    local text_table = require "hoopai.command.lib.table"
    screen:lines(text_table.format(wanted, rows, columns))
  end
  view(screen)
  return lines
end

return command_context
