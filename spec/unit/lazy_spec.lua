--- Modules that are loaded on first use.
local child = require "spec.support.child"

describe("lazy:", function()
  local function run(source)
    local text, ok = child.run("local lazy = require 'hoopai.lazy'\n" .. source)
    assert.is_true(ok, text)
  end

  it(
    "a module is loaded by the first call of its getter, and once",
    function()
      run [[
      local count = 0
      package.preload["test.module"] = function() count = count + 1 return { number = count } end
      local get = lazy.module "test.module"
      assert(count == 0 and not package.loaded["test.module"])
      assert(get().number == 1)
      package.loaded["test.module"] = nil
      assert(get().number == 1 and count == 1)
    ]]
    end
  )

  it(
    "load_all loads what is named, and what that names in turn",
    function()
      run [[
      package.preload["test.first"] = function() lazy.module "test.second" return {} end
      package.preload["test.second"] = function() return {} end
      lazy.module "test.first"
      lazy.load_all()
      assert(package.loaded["test.first"] and package.loaded["test.second"])
      lazy.load_all()
    ]]
    end
  )

  it(
    "a module that cannot be loaded raises, and is tried again by the next call",
    function()
      run [[
      local get = lazy.module "test.late"
      local ok, problem = pcall(get)
      assert(not ok and problem:find("test.late", 1, true))
      package.preload["test.late"] = function() return { here = true } end
      assert(get().here)
    ]]
    end
  )
end)
