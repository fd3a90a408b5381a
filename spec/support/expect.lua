--- Expectations that several specs share.

local assert = require "luassert"
local hoopai = require "hoopai"
local private = require "hoopai.private"
local socket = require "socket"

local expect = {}

local PATIENCE = 20 -- seconds; nothing awaited here takes more than milliseconds

--- Wrong use: fn raises a string with a position inside fn, not in the library, and with all these texts.
-- The last call of fn must not be a tail call, which has no position.
-- @treturn string the message
function expect.misuse(fn, ...)
  local ok, message = pcall(fn)
  assert.is_false(ok)
  assert.are.equal("string", type(message))
  local info = debug.getinfo(fn, "S")
  local file, line = message:match("^(.-):(%d+): hoopai: ")
  assert.are.equal(info.short_src, file, message)
  line = tonumber(line)
  assert.is_true(line >= info.linedefined and line <= info.lastlinedefined, message)
  for _, text in ipairs { ... } do
    assert.is_truthy(message:find(text, 1, true), message .. "\nlacks: " .. text)
  end
  return message
end

--- A call failed with this kind; further fields of the error may be given. Returns the error.
function expect.failure(kind, result, err, fields)
  assert.is_nil(result)
  assert.are.equal("table", type(err))
  assert.are.equal(kind, err.kind, tostring(err))
  for name, value in pairs(fields or {}) do
    assert.are.same(value, err[name], name .. " of " .. tostring(err))
  end
  return err
end

local function find_text(value, text, seen, where)
  local kind = type(value)
  if kind == "string" then return value:find(text, 1, true) and where end
  if kind ~= "table" and kind ~= "userdata" and kind ~= "function" then return nil end
  if seen[value] then return nil end
  seen[value] = true
  if kind == "function" then
    for index = 1, 255 do
      local name, content = debug.getupvalue(value, index)
      if not name then break end
      -- The environment leads to everything there is, the spec included.
      local found = name ~= "_ENV" and find_text(content, text, seen, where .. "^" .. name)
      if found then return found end
    end
    return nil
  end
  local _, printed = pcall(tostring, value)
  local found = find_text(printed, text, seen, where .. " as text")
    or find_text(debug.getmetatable(value), text, seen, where .. "<meta>")
  if found then return found end
  if kind == "userdata" then return nil end
  local name = private.name_of(value)
  found = name and find_text(private.state(name, value), text, seen, where .. "<state>")
  if found then return found end
  for key, content in next, value do
    found = find_text(key, text, seen, where .. "<key>")
      or find_text(content, text, seen, where .. "." .. tostring(key))
    if found then return found end
  end
end

--- What leads to values that have nothing to do with the one that is searched: the globals, the modules, and the states
-- of all other objects.
local function everything()
  local seen = { [_G] = true, [package.loaded] = true }
  local name, classes = debug.getupvalue(private.state, 1)
  assert(name == "classes", "the upvalue of private.state has moved")
  seen[classes] = true
  for _, states in pairs(classes) do
    seen[states] = true
  end
  return seen
end

--- The text occurs nowhere in a value: in no string, table, metatable, upvalue or tostring, nor in its private state.
function expect.no_secret(value, text)
  assert.is_nil(find_text(value, text, everything(), "value"))
  assert.is_nil(tostring(value):find(text, 1, true))
end

--- In a task: lets the others run until done() is true; fails when that takes too long.
function expect.eventually(done, what)
  local deadline = socket.gettime() + PATIENCE
  while not done() do
    if socket.gettime() > deadline then error("waited in vain until " .. what, 2) end
    hoopai.sleep(0.002)
  end
end

--- Runs fn and checks that it took less than `seconds`, which is to be a generous bound.
function expect.within(seconds, fn)
  local start = socket.gettime()
  fn()
  local elapsed = socket.gettime() - start
  assert.is_true(elapsed < seconds, ("took %.3f s"):format(elapsed))
end

return expect
