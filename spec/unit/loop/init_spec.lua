-- The table of loops, and what hoopai.use takes.

local child = require "spec.support.child"
local hoopai = require "hoopai"

describe("hoopai.loop", function()
  it("refuses what is no loop", function()
    local text = child.run [[
      local hoopai = require "hoopai"
      for _, wrong in ipairs { "luv", {}, print } do print(select(2, pcall(hoopai.use, wrong))) end
      print(select(2, pcall(function() return hoopai.loop.lvu end)))
      print(select(2, pcall(function() return hoopai.loop[1] end)))
      print(pcall(hoopai.spawn, print))
    ]]
    local lines = {}
    for line in text:gmatch("[^\n]+") do
      lines[#lines + 1] = line
    end
    for index, kind in ipairs { "string", "table", "function" } do
      assert.matches("hoopai.use expects a loop such as hoopai.loop.luv, got " .. kind, lines[index], 1, true)
    end
    assert.matches("hoopai.loop has no `lvu`, did you mean `luv`?", lines[4], 1, true)
    assert.matches("hoopai.loop has no `1`", lines[5], 1, true)
    assert.matches("false.*hoopai.spawn needs a running loop", lines[6])
  end)

  it("loads an adapter when it is named, and not before", function()
    local text, ok = child.run [[
      package.preload.luv = function() return {} end
      local hoopai = require "hoopai"
      for name in pairs(package.loaded) do assert(not name:find "^hoopai%.loop%.", name) end
      assert(hoopai.loop.blocking.name == "blocking" and hoopai.loop.custom.name == "custom")
      assert(hoopai.loop.luv.name == "luv" and hoopai.loop.luv == package.loaded["hoopai.loop.luv"])
      assert(not package.loaded["hoopai.loop.cqueues"])
    ]]
    assert.are.equal("", text)
    assert.is_true(ok)
  end)

  it("needs no more than 40 lines of code for an adapter", function()
    for _, loop in ipairs { "luv", "cqueues", "copas" } do
      local lines = 0
      for line in io.lines("lua/hoopai/loop/" .. loop .. ".lua") do
        if line:find("%S") and not line:find("^%s*%-%-") then lines = lines + 1 end
      end
      assert.is_true(lines > 0 and lines <= 40, loop .. " has " .. lines)
    end
    assert.is_nil(hoopai.loop.blocking.changed)
  end)

  it("returns from a step, for its adapters, how long to wait for the next", function()
    local text, ok = child.run [[
      local hoopai = require "hoopai"
      local loop = hoopai.loop
      hoopai.use(loop.custom)
      assert(loop.step() == nil)
      local woken = false
      hoopai.spawn(function()
        hoopai.sleep(0)
        hoopai.sleep(0.05)
        woken = true
      end)
      assert(loop.busy() and loop.timeout() == 0)
      assert(loop.step() == 0)
      local seconds = loop.step()
      assert(seconds > 0 and seconds <= 0.05 and loop.timeout() <= seconds)
      repeat seconds = loop.step() until not seconds
      assert(woken and not loop.busy())
    ]]
    assert.are.equal("", text)
    assert.is_true(ok)
  end)
end)
