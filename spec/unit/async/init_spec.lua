-- What the other layers use of hoopai.async, and how its modules depend on each other.

local async = require "hoopai.async"
local hoopai = require "hoopai"
local house = require "spec.support.house"
local lfs = require "lfs"

describe("hoopai.async", function()
  it("has the functions that hoopai publishes", function()
    for _, name in ipairs { "use", "run", "spawn", "sleep", "map", "all", "race", "timeout" } do
      assert.is_function(async[name], name)
      assert.equal(async[name], house.behind(hoopai[name]))
    end
  end)

  it("is the one module of its folder that other layers require, but for hoopai.loop and its adapters", function()
    local function check(folder)
      for name in lfs.dir(folder) do
        local path = folder .. "/" .. name
        if name:find "^%." or path == "lua/hoopai/async" then goto continue end
        if lfs.attributes(path, "mode") == "directory" then
          check(path)
          goto continue
        end
        for line in io.lines(path) do
          local module = line:match 'require%(?%s*"hoopai%.async%.([%w_]+)"'
          if module then assert.same({ "lua/hoopai/loop", "loop" }, { folder, module }) end
        end
        ::continue::
      end
    end
    check "lua/hoopai"
    assert.is_string(lfs.attributes("lua/hoopai/async", "mode"))
  end)

  it("requires its modules without a circle", function()
    local requires = {}
    for name in lfs.dir "lua/hoopai/async" do
      local module = name:match "^(.*)%.lua$"
      if module then
        requires[module] = {}
        for line in io.lines("lua/hoopai/async/" .. name) do
          table.insert(requires[module], line:match 'require%(?%s*"hoopai%.async%.([%w_]+)"')
        end
      end
    end
    local checked = 0
    local function visit(module, above)
      assert.is_nil(above[module], module .. " requires itself")
      above[module] = true
      for _, other in ipairs(requires[module]) do
        visit(other, above)
      end
      above[module] = nil
      checked = checked + 1
    end
    visit("init", {})
    assert.is_true(checked > 9)
  end)
end)
