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

  it(
    "load returns a module, or a line that says what to do",
    function()
      run [[
      package.preload["test.there"] = function() return { here = true } end
      assert(lazy.load("test.there").here)
      package.preload["test.needs"] = function() return require "copas" end
      package.searchers = { package.searchers[1], function() return "\n\tno file" end }
      local module, problem = lazy.load "test.needs"
      assert(module == nil and problem:find("`luarocks install copas`", 1, true) and not problem:find "\n")
      package.preload["test.broken"] = function()
        error("error loading module 'x' from file 'x.so':\n\tlibcurl.so.4: cannot open")
      end
      module, problem = lazy.load "test.broken"
      assert(module == nil and problem:find("'x.so': libcurl.so.4", 1, true) and not problem:find "\n", problem)
    ]]
    end
  )

  it(
    "load raises what it has no advice for",
    function()
      run [[
      local reason = {}
      package.preload["test.raises"] = function() error(reason) end
      local ok, problem = pcall(lazy.load, "test.raises")
      assert(not ok and problem == reason)
      ok, problem = pcall(lazy.load, "test.absent")
      assert(not ok and problem:find("test.absent", 1, true))
    ]]
    end
  )

  it("an older Lua is refused, a newer one and a hidden version are not", function()
    local file = assert(io.open "lua/hoopai/lazy.lua")
    local source = file:read "a"
    file:close()
    local function try(version, jit)
      local env = setmetatable({ _VERSION = version }, { __index = _G })
      env._G = { jit = jit }
      return pcall(assert(load(source, "=lazy", "t", env)))
    end
    for _, version in ipairs { "Lua 5.1", "Lua 5.2", "Lua 5.3" } do
      local ok, problem = try(version)
      assert.is_false(ok)
      assert.are.equal("hoopai needs Lua 5.4 or newer, and this is " .. version, problem)
    end
    local _, problem = try("Lua 5.1", { version = "LuaJIT 2.1" })
    assert.are.equal("hoopai needs Lua 5.4 or newer, and this is LuaJIT 2.1 (Lua 5.1)", problem)
    for _, version in ipairs { "Lua 5.4", "Lua 5.5", "Lua 6.0", "mine", false } do
      assert.is_true(try(version), tostring(version))
    end
  end)
end)
