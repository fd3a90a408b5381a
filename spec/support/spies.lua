--- Spies in the place of Lua's own functions: they record each call that has a secret in its arguments or results.
-- For a child process of its own, as the functions stay replaced.

local debug_getmetatable, traceback = debug.getmetatable, debug.traceback
local find, match, next, pack, type = string.find, string.match, next, table.pack, type
local unpack = table.unpack

local spies = {}

local LIBRARIES = { "string", "table", "math", "utf8", "coroutine" }
local MOST_VALUES = 10000 -- that are searched in one call

--- Whether one of the texts occurs in a value: in a string, or in the keys, values and metatables of a table.
local function has_text(value, texts, seen)
  if type(value) == "string" then
    for index = 1, #texts do
      if find(value, texts[index], 1, true) then return true end
    end
  end
  if type(value) ~= "table" or seen[value] or seen.count > MOST_VALUES then return false end
  seen[value], seen.count = true, seen.count + 1
  if has_text(debug_getmetatable(value), texts, seen) then return true end
  for key, content in next, value do
    if has_text(key, texts, seen) or has_text(content, texts, seen) then return true end
  end
  return false
end

--- Replaces every global function and every function of the libraries `string` (so of the methods of strings too),
-- `table`, `math`, `utf8` and `coroutine`.
-- @tparam table texts the secrets: a list of strings
-- @treturn table the record: `calls` counts the calls, `found` lists those with a secret as "function: where from"
function spies.install(texts)
  local record = { calls = 0, found = {} }
  local globals, loaded = _G, package.loaded

  local function search(name, what, ...)
    local values = pack(...)
    for index = 1, values.n do
      if has_text(values[index], texts, { [globals] = true, [loaded] = true, [record] = true, count = 0 }) then
        local place = match(traceback("", 3), "traceback:%s*([^\n]*)")
        record.found[#record.found + 1] = name .. ", " .. what .. ": " .. place
      end
    end
    return ...
  end

  local function spy_on(library, prefix)
    local names = {}
    for name, value in next, library do
      if type(value) == "function" then names[#names + 1] = name end
    end
    for _, name in next, names do
      local fn = library[name]
      library[name] = function(...)
        record.calls = record.calls + 1
        search(prefix .. name, "argument", ...)
        local results = pack(fn(...))
        return search(prefix .. name, "result", unpack(results, 1, results.n))
      end
    end
  end

  for _, name in next, LIBRARIES do
    spy_on(globals[name], name .. ".")
  end
  spy_on(globals, "")
  return record
end

return spies
