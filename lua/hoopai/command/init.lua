--- The command `hoopai`: finds the command that is asked for, runs it, and prints what it returns.
--
-- A command is a module of this folder, which returns a table:
--
--     name, summary        one word; one line
--     description          paragraphs
--     needs                "client": it makes requests with the token of the profile or of the environment
--     changes              true: it takes --dry-run
--     arguments, options   lists for hoopai.command.lib.parser
--     exclusive            lists of options of which one may be given
--     examples             list of { command line, what it does }
--     run                  function(context, options) -> document, view
--
-- The document is what --json prints, and --jsonl a line per entry if it is a list. `view(screen)` prints it for
-- people; without one the fields of the document are printed as a table.
--
-- Exit status: 0 done, 1 refused or failed, 2 wrong use, 130 interrupted.
-- @module hoopai.command

local ipairs, pcall, require = ipairs, pcall, require
local io, table = io, table

local command = {}

--- The commands, in the order of the help.
command.names = {
  "login",
  "logout",
  "status",
  "calendars",
  "free",
  "book",
  "cancel",
  "move",
  "agenda",
  "block",
  "events",
  "notes",
  "utilisation",
  "export",
  "api",
  "webhooks",
  "sandbox",
  "completion",
}

--- Loads the data of commands.
-- @tparam table names
-- @treturn table list
function command.load(names)
  local loaded = {}
  for index, name in ipairs(names) do
    loaded[index] = require("hoopai.command." .. name)
  end
  return loaded
end

--- The data of the command of a name.
local function load_one(word)
  for _, name in ipairs(command.names) do
    if name == word then return command.load({ name })[1] end
  end
end

--- The data of the command whose name is among the arguments; else of all commands, for the help and for the messages
-- about unknown ones.
local function wanted_commands(parser, arguments)
  local data = load_one(parser.command_word(arguments))
  return data and { data } or command.load(command.names)
end

--- Runs the command. Its problems are raised.
local function run(state, arguments, streams)
  local parser = require "hoopai.command.lib.parser"
  local contexts = require "hoopai.command.lib.context"
  local outputs = require "hoopai.command.lib.output"
  local output = outputs.new(streams.output)
  local function load_all() return command.load(command.names) end
  local parsed = parser.parse(arguments, wanted_commands(parser, arguments), load_all)
  if parsed.text then
    output:write(parsed.text)
    return output:finish()
  end
  local context <close> = contexts.new(parsed.command, parsed.options, streams, load_all)
  state.context = context
  context:print(output, parsed.command.run(context, parsed.options))
  output:finish()
end

--- The shortest way to the version, for programs that ask for it at their start.
local function print_version(_, _, streams)
  local stream = streams.output
  local ok, problem, code = stream:write("hoopai ", require "hoopai.version", "\n")
  if ok then
    ok, problem, code = stream:flush()
  end
  if not ok then require("hoopai.command.lib.output").check(ok, problem, code) end
end

--- Runs the command line.
-- @tparam table arguments the words after `hoopai`
-- @tparam ?table streams `input`, `output` and `error`; default: those of the process
-- @treturn integer the exit status
function command.main(arguments, streams)
  streams = streams or { input = io.stdin, output = io.stdout, error = io.stderr }
  if arguments[1] == "__complete" then
    local words = table.move(arguments, 2, #arguments, 1, {})
    return require("hoopai.command.lib.candidates").print(words, load_one, streams.output)
  end
  local state = {}
  local action = arguments[1] == "--version" and print_version or run
  local ok, problem = pcall(action, state, arguments, streams)
  if ok then return 0 end
  return require("hoopai.command.lib.failure").report(problem, state.context, streams.error)
end

return command
