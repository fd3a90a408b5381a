-- The multi handles of all clients, nested in one poll fd.

local collector = require "spec.support.collector"
local core = require "hoopai.core"
local leak = require "spec.support.leak"
local pollset = require "hoopai.async.pollset"

--- A multi handle that counts its steps.
local function counting(multi)
  local counted = { steps = 0 }
  function counted.step()
    counted.steps = counted.steps + 1
    return multi:step()
  end
  for _, name in ipairs { "pollfd", "peek", "next", "count", "has_ended", "timeout" } do
    counted[name] = function() return multi[name](multi) end
  end
  return counted
end

describe("the pollset", function()
  before_each(leak.before)
  after_each(function() leak.after() end)

  it("steps each, also when one is removed by a finaliser while another is added", function()
    local a <close> = core.multi {}
    local b <close> = core.multi {}
    local first, second = counting(a), counting(b)
    pollset.add(first)
    -- The collector runs all of a cycle, finalisers included, as soon as pollset.add needs memory.
    collector.pace(100, 400, 30)
    collectgarbage("stop")
    local removed = false
    setmetatable({}, {
      __gc = function()
        pollset.remove(first)
        removed = true
      end,
    })
    collectgarbage("restart")
    pollset.add(second)
    collector.pace(200, 100, 13)
    assert.is_true(removed)
    pollset.step()
    assert.are.same({ 0, 1 }, { first.steps, second.steps })
    pollset.remove(second)
    pollset.step()
    assert.are.same({ 0, 1 }, { first.steps, second.steps })
  end)

  it("waits for nothing while no transfer is in flight", function()
    local multi <close> = core.multi {}
    pollset.add(multi)
    assert.are.same({ n = 2, false, math.huge }, table.pack(pollset.next_wait()))
    pollset.remove(multi)
  end)

  it("waits for the earliest timer of all, and for transfers that are done and not handed out", function()
    local a <close> = core.multi {}
    local b <close> = core.multi {}
    local function add(multi, given)
      local waiting = {
        pollfd = function() return multi:pollfd() end,
        timeout = function() return given.seconds end,
        count = function() return given.queued or 0, given.running or 0 end,
        has_ended = function() return given.ended or false end,
      }
      pollset.add(waiting)
      return waiting
    end
    for _, case in ipairs {
      { { seconds = 2 }, { seconds = 1 }, false, 1 },
      { { seconds = 2, running = 1 }, { seconds = 3 }, true, 2 },
      { {}, { seconds = 3, queued = 1 }, true, 3 },
      { { ended = true }, {}, true, math.huge },
    } do
      local first, second = add(a, case[1]), add(b, case[2])
      assert.are.same({ case[3], case[4] }, { pollset.next_wait() })
      pollset.remove(first)
      pollset.remove(second)
    end
  end)

  it("forgets multi handles that are closed", function()
    local multi = core.multi {}
    pollset.add(multi)
    multi:close()
    assert.has_error(pollset.step)
    pollset.forget_closed()
    pollset.step()
    assert.are.same({ n = 2, false, math.huge }, table.pack(pollset.next_wait()))
  end)
end)
