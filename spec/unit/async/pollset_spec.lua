-- The sets of transfers of all clients, when finalisers meddle.

local collector = require "spec.support.collector"
local core = require "hoopai.core"
local leak = require "spec.support.leak"
local sets = require "hoopai.async.pollset"

describe("sets of transfers", function()
  before_each(leak.before)
  after_each(function() leak.after() end)

  it("are all found again, also when one is removed by a finaliser while another is added", function()
    sets.leave_parent()
    local first <close> = core.multi {}
    local second <close> = core.multi {}
    sets.add(first)
    -- The collector runs all of a cycle, finalisers included, as soon as sets.add needs memory.
    collector.pace(100, 400, 30)
    collectgarbage("stop")
    local removed = false
    setmetatable({}, { __gc = function()
      sets.remove(first)
      removed = true
    end })
    collectgarbage("restart")
    sets.add(second)
    collector.pace(200, 100, 13)
    assert.is_true(removed)
    local stepped
    local function note(multi) stepped[#stepped + 1] = multi end
    stepped = {}
    sets.step(note)
    assert.are.equal(1, #stepped)
    assert.is_true(stepped[1] == second)
    sets.remove(second)
    stepped = {}
    sets.step(note)
    assert.are.same({}, stepped)
  end)
end)
