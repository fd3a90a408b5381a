-- Loaded by busted before any spec: a case that asserts nothing fails, and the build under test is the one meant.

local busted = require "busted"
local luassert = require "luassert"

local error = error
local tostring = tostring
local pcall = pcall

local ok, core = pcall(require, "hoopai.core")
if not ok then
  local advice = 'the core cannot be loaded; run `make test`, or `make` and then `eval "$(make -s env)"`'
  error(advice .. "\n" .. tostring(core), 0)
end
-- Every use of luassert, assert(...) or assert.xyz(...), goes through one of these two.
local asserted = 0
local meta = getmetatable(luassert)
local call, index = meta.__call, meta.__index

function meta.__call(...)
  asserted = asserted + 1
  return call(...)
end

function meta.__index(self, key)
  asserted = asserted + 1
  return index(self, key)
end

busted.subscribe({ "test", "start" }, function(element)
  local run = element.run
  asserted = 0
  -- Inside the case, so that it is this case that fails.
  element.run = function(...)
    run(...)
    if asserted == 0 then busted.fail("this case asserts nothing", 2) end
  end
  return nil, true
end)
