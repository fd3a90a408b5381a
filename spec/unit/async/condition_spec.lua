-- Condition variables.

local async = require "spec.support.async"
local conditions = require "hoopai.async.condition"
local core = require "hoopai.core"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"

local run, spawn, sleep = hoopai.run, hoopai.spawn, hoopai.sleep

describe("a condition variable", function()
  before_each(leak.before)
  after_each(function() leak.after() end)

  it("wakes all that wait, and only those", function()
    local condition, seen, note = conditions.new(), async.log()
    run(function()
      for index = 1, 3 do
        spawn(function()
          condition:wait("task")
          note(index)
        end)
      end
      sleep(0)
      condition:broadcast()
      spawn(function()
        condition:wait("task", core.now() + 0.05)
        note "late"
      end)
      sleep(0.01)
      assert.equal(3, #seen)
    end)
    table.sort(seen, function(a, b) return tostring(a) < tostring(b) end)
    assert.same({ 1, 2, 3, "late" }, seen)
  end)

  it("says whether a broadcast would wake a task", function()
    local condition = conditions.new()
    run(function()
      assert.is_false(condition.has_waiters)
      spawn(function() condition:wait("task") end)
      sleep(0)
      assert.is_true(condition.has_waiters)
      condition:broadcast()
      assert.is_false(condition.has_waiters)
    end)
  end)

  it("is waited for until the deadline at most", function()
    local condition, begun = conditions.new(), core.now()
    run(function() condition:wait("task", begun + 0.02) end)
    assert.is_true(core.now() - begun >= 0.02)
    begun = core.now()
    condition:wait("block", begun + 0.02)
    assert.is_true(core.now() - begun >= 0.02)
  end)

  it("does not wake a task in a later wait, nor one that was cancelled", function()
    local condition = conditions.new()
    run(function()
      local begun = core.now()
      local later = spawn(function()
        condition:wait("task", core.now() + 0.005)
        sleep(0.03)
        return core.now() - begun
      end)
      local cancelled = spawn(function()
        condition:wait("task")
        error("must not run")
      end)
      sleep(0.01)
      cancelled:cancel()
      condition:broadcast()
      assert.is_true(later:join() >= 0.035)
      assert.equal("cancelled", select(2, cancelled:join()).kind)
    end)
  end)
end)
