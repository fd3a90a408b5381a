--- The command line: argparse's parser from the data of the commands.
--
-- An argument or an option of a command is a table. `[1]` is its name: "calendar", "--days", or "-f --field" with an
-- alias. Its fields are those of argparse (`args`, `count`, `default`, `choices`, `argname`, `description`, `hidden`,
-- `target`, `action`), and
--
--     convert      a function, or the name of one in hoopai.command.lib.convert
--     completes    "calendars", "users" or "groups": what a shell may complete
--
-- An option without `argname`, `args`, `choices` and `convert` is a flag. `exclusive` of a command has lists of the
-- options of which one may be given.
local converters = require "hoopai.command.lib.convert"
local failure = require "hoopai.command.lib.failure"
local prose = require "hoopai.command.lib.prose"

local error, ipairs, os, pcall, require = error, ipairs, os, pcall, require
local tonumber, type = tonumber, type
local concat, move, unpack = table.concat, table.move, table.unpack
local format, gmatch, gsub, match = string.format, string.gmatch, string.gsub, string.match
local max, min = math.max, math.min

local parser = {}

--- The options of every command.
parser.everywhere = {
  { "--json", description = "Print one JSON document." },
  { "--jsonl", description = "Print one line of JSON per entry." },
  { "--profile", argname = "<name>", convert = "profile", description = "Use this profile. Default: HOOPAI_PROFILE." },
  { "--location", argname = "<id>", convert = "word", description = "The location, for the profile of an agency." },
  { "--zone", argname = "<zone>", convert = "word", description = "Show times in this zone, such as Europe/London." },
  { "--no-color", description = "Print without colours, as with NO_COLOR." },
  { "-h --help", description = "Show the help." },
}

local EXCLUSIVE_EVERYWHERE = { "--json", "--jsonl" }

local MISSING = "lua-argparse, which the command needs, is not installed (no module argparse)"
local CURE = "install it: `luarocks install argparse`, or on Debian `apt-get install lua-argparse`"

local function argparse()
  local ok, module = pcall(require, "argparse")
  if ok then return module end
  if match(module, "module 'argparse' not found") then failure.refuse("missing", MISSING, CURE) end
  error(module, 0)
end

--- The columns of the terminal for the help.
local function help_width()
  local columns = tonumber(os.getenv "COLUMNS" or "")
  return max(40, min(columns or 80, 100))
end

local PROPERTIES = { "args", "count", "default", "choices", "argname", "hidden", "target", "action", "init" }

--- Adds an argument or an option to an element of argparse.
local function add(owner, kind, entry)
  local name = match(entry[1], "(%S+)$")
  local element = owner[kind](owner, entry[1])
  for _, property in ipairs(PROPERTIES) do
    if entry[property] ~= nil then element[property](element, entry[property]) end
  end
  local convert = type(entry.convert) == "string" and converters[entry.convert] or entry.convert
  if convert then
    local label = (kind == "option" and "option " or "argument ") .. name
    element:convert(function(word)
      local value, problem = convert(word)
      if value ~= nil then return value end
      return nil, label .. " " .. (problem or format('cannot be "%s"', word))
    end)
  end
  if kind == "option" and not (entry.argname or entry.args or entry.choices or convert) then element:args(0) end
  return element:description(prose.flow(entry.description or ""))
end

local function add_all(owner, kind, entries, by_name)
  local elements = {}
  for index, entry in ipairs(entries or {}) do
    local element = add(owner, kind, entry)
    elements[index] = element
    for name in gmatch(entry[1], "%S+") do
      by_name[name] = element
    end
  end
  return elements
end

local function add_exclusive(owner, names, by_name)
  local elements = {}
  for index, name in ipairs(names) do
    elements[index] = by_name[name]
  end
  owner:mutex(unpack(elements))
end

local function epilog_of(data)
  local lines = {}
  for index, example in ipairs(data.examples or {}) do
    if index == 1 then lines[1] = "Examples:" end
    lines[#lines + 1] = "   " .. example[1]
    if example[2] then lines[#lines + 1] = "      " .. example[2] end
  end
  return #lines > 0 and concat(lines, "\n") or nil
end

--- The option of the commands that change something.
parser.dry_run = { "--dry-run", description = "Check the changes and print them, but send none." }

local function add_command(root, data, shared)
  local element = root:command(data.name):add_help(false):target("is_" .. data.name)
  element:summary(data.summary):description(prose.flow(data.description or data.summary))
  local by_name = {}
  add_all(element, "argument", data.arguments, by_name)
  local own = add_all(element, "option", data.options, by_name)
  if data.changes then own[#own + 1] = add_all(element, "option", { parser.dry_run }, by_name)[1] end
  for _, names in ipairs(data.exclusive or {}) do
    add_exclusive(element, names, by_name)
  end
  if #own > 0 then element:group("Options", unpack(own)) end
  element:group("Options of every command", unpack(shared))
  local epilog = epilog_of(data)
  if epilog then element:epilog(epilog) end
  return element
end

--- Makes the parser of commands.
-- @tparam table commands list of their data
-- @treturn table an argparse parser
-- @treturn table name -> the element of its command
-- @treturn table name -> the element of an option of every command
function parser.new(commands)
  local root = argparse() "hoopai"
  local width = help_width()
  root:add_help(false):command_target("command"):usage_max_width(width):help_max_width(width)
  root:description "Calendars, free slots and appointments of a HoopAI (HighLevel) location."
  root:epilog "`hoopai help COMMAND` shows the help of a command, and `man hoopai` the manual."
  local by_name, elements = {}, {}
  local shared = add_all(root, "option", parser.everywhere, by_name)
  add_exclusive(root, EXCLUSIVE_EVERYWHERE, by_name)
  add_all(root, "option", { { "--version", description = "Print the version." } }, by_name)
  for _, data in ipairs(commands) do
    elements[data.name] = add_command(root, data, shared)
  end
  return root, elements, by_name
end

local WITH_WORD = { ["--profile"] = true, ["--location"] = true, ["--zone"] = true }

--- The first word that is no option: the name of the command, if it is one.
-- @tparam table arguments
-- @treturn ?string
-- @treturn ?integer its place
function parser.command_word(arguments)
  local index = 1
  while arguments[index] do
    local word = arguments[index]
    if not match(word, "^%-") then return word, index end
    index = index + (WITH_WORD[word] and 2 or 1)
  end
end

--- The help of a command, or of all.
local function help_of(root, elements, name) return (elements[name] or root):get_help() .. "\n" end

--- `hoopai help`, `hoopai help COMMAND`.
local function help_command(arguments, place, load_all)
  local name, extra = arguments[place + 1], arguments[place + 2]
  local root, elements = parser.new(load_all())
  if extra then failure.usage("too many arguments", "see: hoopai help") end
  if name and name ~= "help" and not elements[name] then
    failure.usage(format('unknown command "%s"', name), "`hoopai help` lists the commands")
  end
  return { text = help_of(root, elements, name) }
end

--- Joins an option and a word such as -5d: `--from -5d` becomes `--from=-5d`. argparse takes such a word for an option.
local function join_numbers(arguments)
  local joined, index = {}, 1
  while arguments[index] do
    local word, following = arguments[index], arguments[index + 1]
    if word == "--" then return move(arguments, index, #arguments, #joined + 1, joined) end
    if following and match(word, "^%-%-%l[%l-]*$") and match(following, "^%-%d") then
      word, index = word .. "=" .. following, index + 1
    end
    joined[#joined + 1], index = word, index + 1
  end
  return joined
end

--- Parses a command line.
-- @tparam table arguments
-- @tparam table commands the data of the command that is asked for, or of all
-- @tparam function load_all returns the data of all commands, for the help
-- @treturn table `command` (its data) and `options`; or `text`, which is all to print
-- @raise wrong use
function parser.parse(arguments, commands, load_all)
  local word, place = parser.command_word(arguments)
  if word == "help" then return help_command(arguments, place, load_all) end
  local root, elements, by_name = parser.new(commands)
  local text
  local function reply_with(make)
    return function()
      text = make()
      error("", 0)
    end
  end
  by_name["--help"]:action(reply_with(function()
    if elements[word] then return help_of(root, elements, word) end
    return help_of((parser.new(load_all())), {}, nil)
  end))
  by_name["--version"]:action(reply_with(function() return "hoopai " .. require "hoopai.version" .. "\n" end))
  local ok, done, result = pcall(root.pparse, root, join_numbers(arguments))
  if text then return { text = text } end
  if not ok then error(done, 0) end
  if not done then
    local see = elements[word] and "see: hoopai help " .. word or "`hoopai help` lists the commands"
    failure.usage((gsub(result, "\nDid you mean", ". Did you mean")), see)
  end
  for _, data in ipairs(commands) do
    result["is_" .. data.name] = nil
    if data.name == result.command then return { command = data, options = result } end
  end
end

return parser
