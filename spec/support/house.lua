--- The rules of the source tree, as functions over files: a table of path -> text. Each returns a list of violations.

local child = require "spec.support.child"
local lfs = require "lfs"

local house = {}

--- Reads all files below a folder whose names match a pattern.
-- @tparam string folder
-- @tparam string pattern a Lua pattern for the path
-- @tparam[opt] table files where to add them
-- @treturn table path -> text
function house.read(folder, pattern, files)
  files = files or {}
  for name in lfs.dir(folder) do
    local path = folder .. "/" .. name
    local is_hidden = name:sub(1, 1) == "."
    if not is_hidden and lfs.attributes(path, "mode") == "directory" then
      house.read(path, pattern, files)
    elseif not is_hidden and path:find(pattern) then
      local file = assert(io.open(path))
      files[path] = file:read "a"
      file:close()
    end
  end
  return files
end

local function sorted_keys(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

--- Splits Lua source.
-- @tparam string text
-- @treturn table comments: list of { line, text }
-- @treturn table the code without its strings: list of { line, text }
-- @treturn table the contents of the string literals, escapes as they are written
function house.scan(text)
  local comments, literals, code = {}, {}, {}
  local position, line = 1, 1
  -- Appends the text from `position` to before `after` to a list and goes on there.
  local function take(list, entry, after)
    list[#list + 1] = entry
    line = line + select(2, text:sub(position, after - 1):gsub("\n", ""))
    position = after
  end
  while true do
    local start = text:find("[-\"'%[]", position)
    if not start then
      take(code, { line, text:sub(position) }, #text + 1)
      return comments, code, literals
    end
    take(code, { line, text:sub(position, start - 1) }, start)
    local is_comment = text:sub(start, start + 1) == "--"
    local opening = is_comment and start + 2 or start
    local level = text:match("^%[(=*)%[", opening)
    local quote = text:sub(start, start)
    if level then
      local stop, last = text:find("]" .. level .. "]", opening, true)
      local content = text:sub(opening + #level + 2, stop - 1)
      if is_comment then
        take(comments, { line, content }, last + 1)
      else
        take(literals, content, last + 1)
      end
    elseif is_comment then
      local content = text:match("[^\n]*", opening)
      take(comments, { line, content }, opening + #content)
    elseif quote == "-" or quote == "[" then
      take(code, { line, quote }, start + 1)
    else
      local stop = start + 1
      while text:sub(stop, stop) ~= quote do
        assert(stop <= #text, "a string does not end")
        stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1)
      end
      take(literals, text:sub(start + 1, stop - 1), stop + 1)
    end
  end
end

--- Splits C source into comments and code, each a list of { line, text }; strings are left out.
-- @tparam string text
function house.scan_c(text)
  local comments, code, position, line = {}, {}, 1, 1
  local function take(list, after)
    local part = text:sub(position, after - 1)
    if list then list[#list + 1] = { line, part } end
    line = line + select(2, part:gsub("\n", ""))
    position = after
  end
  while position <= #text do
    local start = text:find("[/\"']", position) or #text + 1
    take(code, start)
    local two, one = text:sub(start, start + 1), text:sub(start, start)
    if two == "/*" then
      take(comments, select(2, text:find("*/", start, true)) + 1)
    elseif two == "//" then
      take(comments, text:find("\n", start, true))
    elseif one == "/" then
      take(code, start + 1)
    elseif one ~= "" then
      local stop = start + 1
      while text:sub(stop, stop) ~= one do
        assert(stop <= #text, "a string does not end")
        stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1)
      end
      take(nil, stop + 1)
    end
  end
  return comments, code
end

--- The module of a path: "lua/hoopai/call/init.lua" is "hoopai.call".
function house.module_of(path) return (path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", ".")) end

--- Which modules of the library each module requires, now or later. Every string that is the name of a module counts,
-- so that lists of modules to be loaded on first use count too, and "hoopai.loop." counts as all modules below it.
-- @tparam table files the Lua files
-- @treturn table module -> { required module -> true }
function house.requires(files)
  local graph = {}
  for path in pairs(files) do
    graph[house.module_of(path)] = {}
  end
  for path, text in pairs(files) do
    local own = house.module_of(path)
    local _, _, literals = house.scan(text)
    for _, literal in ipairs(literals) do
      if literal == "hoopai.core" or graph[literal] and literal ~= own then graph[own][literal] = true end
      if literal:find "^hoopai%.[%w_.]*%.$" then
        for name in pairs(graph) do
          if name:sub(1, #literal) == literal and name ~= own then graph[own][name] = true end
        end
      end
    end
  end
  return graph
end

-- The number of a module's layer: the entry that is the module or the longest folder above it. The entry "hoopai" is
-- the module of that name alone.
local function level_of(name, layers)
  local level, length = nil, 0
  for number, entries in ipairs(layers) do
    for _, entry in ipairs(entries) do
      local matches = name == entry or entry ~= "hoopai" and name:sub(1, #entry + 1) == entry .. "."
      if matches and #entry > length then
        level, length = number, #entry
      end
    end
  end
  return level
end

--- Modules without a layer, and modules that require one of a layer above theirs.
-- @tparam table graph of house.requires
-- @tparam table layers lists of modules and folders, from the bottom up
function house.arrows_up(graph, layers)
  local found = {}
  for _, name in ipairs(sorted_keys(graph)) do
    local level = level_of(name, layers)
    if not level then found[#found + 1] = name .. " has no layer" end
    for _, required in ipairs(level and sorted_keys(graph[name]) or {}) do
      if (level_of(required, layers) or 0) > level then found[#found + 1] = name .. " requires " .. required end
    end
  end
  return found
end

--- Circles of modules that require each other, each once.
-- @tparam table graph of house.requires
function house.circles(graph)
  local found, state, stack = {}, {}, {}
  local function visit(name)
    state[name] = "open"
    stack[#stack + 1] = name
    for _, required in ipairs(sorted_keys(graph[name] or {})) do
      if state[required] == "open" then
        local first = #stack
        while stack[first] ~= required do
          first = first - 1
        end
        found[#found + 1] = table.concat(stack, " -> ", first) .. " -> " .. required
      elseif not state[required] then
        visit(required)
      end
    end
    stack[#stack] = nil
    state[name] = "done"
  end
  for _, name in ipairs(sorted_keys(graph)) do
    if not state[name] then visit(name) end
  end
  return found
end

--- Modules without a spec of their path.
-- @tparam table files the Lua files of the library
-- @tparam table specs path -> anything
-- @tparam table exempt Lua patterns of paths that need none
function house.without_spec(files, specs, exempt)
  local found = {}
  for _, path in ipairs(sorted_keys(files)) do
    local spec = path:gsub("^lua/hoopai/", "spec/unit/"):gsub("%.lua$", "_spec.lua")
    local needed = not specs[spec]
    for _, pattern in ipairs(exempt) do
      needed = needed and not path:find(pattern)
    end
    if needed then found[#found + 1] = path .. " has no " .. spec end
  end
  return found
end

local function count_lines(text)
  local _, count = text:gsub("\n", "")
  return count
end

--- Files that are too long without a reason, and reasons that no file needs.
-- @tparam table files
-- @tparam integer limit
-- @tparam table reasons path -> why the file may be longer
function house.long_files(files, limit, reasons)
  local found = {}
  for _, path in ipairs(sorted_keys(files)) do
    local lines = count_lines(files[path])
    if lines > limit and not reasons[path] then found[#found + 1] = ("%s has %d lines"):format(path, lines) end
  end
  for _, path in ipairs(sorted_keys(reasons)) do
    if not files[path] or count_lines(files[path]) <= limit then
      found[#found + 1] = path .. " needs no reason to be long"
    end
  end
  return found
end

-- Lists { first line, last line } of each function.
local function lua_functions(text)
  local name = os.tmpname()
  local file = assert(io.open(name, "w"))
  file:write(text)
  file:close()
  local pipe = assert(io.popen("luac5.4 -l -p " .. child.quote(name)))
  local list = {}
  for line in pipe:lines() do
    local first, last = line:match "^function <.*:(%d+),(%d+)>"
    if first then list[#list + 1] = { tonumber(first), tonumber(last) } end
  end
  assert(pipe:close())
  os.remove(name)
  return list
end

-- As clang-format writes C, only the signature and the closing brace of a function begin in the first column.
local function c_functions(text)
  local list, number, first = {}, 0, nil
  for line in text:gmatch "([^\n]*)\n" do
    number = number + 1
    if line == "}" then
      list[#list + 1] = { first, number }
      first = nil
    elseif line:find "^%S.*;%s*$" then
      first = nil
    elseif not first and line:find "^[%a_]" then
      first = number
    end
  end
  return list
end

--- Functions that are too long.
-- @tparam table files Lua and C
-- @tparam integer limit
function house.long_functions(files, limit)
  local found = {}
  for _, path in ipairs(sorted_keys(files)) do
    local functions = path:find "%.lua$" and lua_functions or c_functions
    for _, range in ipairs(functions(files[path])) do
      local lines = range[2] - range[1] + 1
      if lines > limit then found[#found + 1] = ("%s:%d: a function of %d lines"):format(path, range[1], lines) end
    end
  end
  return found
end

-- Calls `visit` with each word of a list of { line, text } in lower case, its line and the word before it. An
-- identifier counts as the words in it: `max_waitTime` is max, wait, time.
local function each_word(parts, visit)
  local before = ""
  for _, part in ipairs(parts) do
    local line = part[1]
    for gap, letters in part[2]:gmatch "(%A*)(%a+)" do
      line = line + select(2, gap:gsub("\n", ""))
      for word in letters:gsub("(%l)(%u)", "%1 %2"):lower():gmatch "%a+" do
        visit(word, line, before)
        before = word
      end
    end
  end
end

--- Words that are not used any more.
-- @tparam table files Lua and C
-- @tparam table retired word -> { instead = string, comments = boolean, after = words behind which it is right, at =
-- Lua pattern of paths in which it is right }. Comments are searched for all words, code for those without `comments`
function house.retired_words(files, retired)
  local found = {}
  for _, path in ipairs(sorted_keys(files)) do
    local scan = path:find "%.lua$" and house.scan or house.scan_c
    local comments, code = scan(files[path])
    local seen = {}
    local function check(parts, is_code)
      each_word(parts, function(word, line, before)
        local rule = retired[word]
        local place = ("%s:%d: %s"):format(path, line, word)
        local is_right = not rule
          or is_code and rule.comments
          or (rule.after or {})[before]
          or rule.at and path:find(rule.at)
        if is_right or seen[place] then return end
        seen[place] = true
        found[#found + 1] = place .. " (" .. rule.instead .. ")"
      end)
    end
    check(comments, false)
    check(code, true)
  end
  return found
end

--- The function behind a public one, which checks its first argument and calls it (`errors.check_dots`).
function house.behind(fn)
  for index = 1, debug.getinfo(fn, "u").nups do
    local name, value = debug.getupvalue(fn, index)
    if name == "fn" then return value end
  end
  return fn
end

return house
