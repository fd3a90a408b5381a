--- What the specs of hoopai.time share.

local assert = require "luassert"
local time = require "hoopai.time"

local times = {}

--- 2024-10-28T10:00:00-05:00 in milliseconds.
times.AT_TEN = 1730127600000

--- An instant from text, in the zone given or that of its offset.
function times.at(text, zone)
  local instant = assert(time.parse(text))
  return zone and instant:in_zone(zone) or instant
end

--- What fn raises, without the position. The position must be in fn: errors point at the caller of the library.
-- The last call of fn must not be a tail call, which has no position.
function times.raised(fn)
  local ok, message = pcall(fn)
  assert.is_false(ok)
  assert.are.equal("string", type(message))
  local info = debug.getinfo(fn, "S")
  local file, line, rest = message:match("^(.-):(%d+): (.*)$")
  assert.are.equal(info.short_src, file, message)
  line = tonumber(line)
  assert.is_true(line >= info.linedefined and line <= info.lastlinedefined, message)
  return rest
end

local function names_loaded()
  local names = {}
  for name in pairs(package.loaded) do
    if name:find("^hoopai%.time") then names[#names + 1] = name end
  end
  return names
end

--- Calls body while no module of hoopai.time is loaded and some globals and other modules are replaced (false: gone).
function times.fresh(globals, modules, body)
  local kept, loaded = {}, {}
  for _, name in ipairs(names_loaded()) do
    loaded[name], package.loaded[name] = package.loaded[name], nil
  end
  for name, value in pairs(modules) do
    loaded[name], package.loaded[name] = package.loaded[name] or false, value or nil
  end
  for name, value in pairs(globals) do
    kept[name] = _G[name]
    _G[name] = value or nil
  end
  local ok, problem = pcall(body)
  for name in pairs(globals) do
    _G[name] = kept[name]
  end
  for _, name in ipairs(names_loaded()) do
    package.loaded[name] = nil
  end
  for name, value in pairs(loaded) do
    package.loaded[name] = value or nil
  end
  if not ok then error(problem, 0) end
end

return times
