--- What a command line expects where its last word stands: for shells that complete names.
local parser = require "hoopai.command.lib.parser"

local ipairs, type = ipairs, type
local concat = table.concat
local gmatch, match, sub = string.gmatch, string.match, string.sub

local expected_word = {}

--- A word as the shell would read it: bash and fish hand over what was typed, with its quotes.
local function unquoted(word)
  local out, quote, at = {}, nil, 1
  while at <= #word do
    local char = sub(word, at, at)
    if char == "\\" and quote ~= "'" then
      at = at + 1
      out[#out + 1] = sub(word, at, at)
    elseif char == quote then
      quote = nil
    elseif not quote and (char == '"' or char == "'") then
      quote = char
    else
      out[#out + 1] = char
    end
    at = at + 1
  end
  return concat(out)
end

--- The words before the last one, and the last one. bash passes the `=` of `--user=lee` as a separate word.
local function split(words)
  local before = {}
  for index = 1, #words - 1 do
    if words[index] ~= "=" then before[#before + 1] = unquoted(words[index]) end
  end
  local last = words[#words] or ""
  return before, last == "=" and "" or unquoted(last)
end

--- The entries of the options of a command, by their names.
local function options_of(data)
  local by_name = {}
  for _, list in ipairs { data.options or {}, parser.everywhere } do
    for _, entry in ipairs(list) do
      for name in gmatch(entry[1], "%S+") do
        by_name[name] = entry
      end
    end
  end
  return by_name
end

--- How many words follow an option.
local function count_of(entry)
  if type(entry.args) == "number" then return entry.args end
  return (entry.argname or entry.args or entry.choices or entry.convert) and 1 or 0
end

--- Reads the words before the last one.
-- @treturn table the values of options by their names
-- @treturn integer how many arguments there are
-- @treturn ?table the entry of the option whose value the last word is
-- @treturn boolean whether only arguments may follow
local function read(before, place, by_name)
  local values, arguments, index = {}, 0, 1
  while before[index] do
    local word = before[index]
    local name, value = match(word, "^(%-%-[^=]+)=(.*)$")
    local entry = by_name[name or word]
    if word == "--" then return values, arguments + #before - index, nil, true end
    if name then
      values[name] = value
    elseif entry then
      local count = count_of(entry)
      if index + count > #before then return values, arguments, count > 0 and entry or nil, false end
      if count > 0 then values[word] = before[index + 1] end
      index = index + count
    elseif index ~= place and not match(word, "^%-.") then
      arguments = arguments + 1
    end
    index = index + 1
  end
  return values, arguments, nil, false
end

--- The argument that the last word is.
local function argument_at(data, number)
  local list = data.arguments or {}
  local last = list[#list]
  return list[number] or last and last.args == "*" and last or nil
end

--- Finds what the last word may be.
-- @tparam table words those after `hoopai`; the last one may be empty
-- @tparam function load returns the data of the command of a name, or nil
-- @treturn ?table `kind` ("calendars", "groups" or "users"), `beginning` (what is typed of the name), `prefix` (what is
-- before it in the word) and `options` (`profile` and `location` of the line); nil: no name of these
function expected_word.find(words, load)
  local before, last = split(words)
  local name, place = parser.command_word(before)
  local data = name and load(name)
  if not data then return nil end
  local by_name = options_of(data)
  local values, count, entry, is_argument = read(before, place, by_name)
  local prefix, beginning = "", last
  if not entry and not is_argument and match(last, "^%-.") then
    local option, value = match(last, "^(%-%-[^=]+)=(.*)$")
    if not option then return nil end
    entry, prefix, beginning = by_name[option], option .. "=", value
  end
  if not entry and prefix == "" then entry = argument_at(data, count + 1) end
  if not entry or not entry.completes then return nil end
  local options = { profile = values["--profile"], location = values["--location"] }
  return { kind = entry.completes, beginning = beginning, prefix = prefix, options = options }
end

return expected_word
