-- What must not run side by side runs one after the other.

local hoopai = require "hoopai"
local turns = require "hoopai.booking.turns"

local huge = math.huge

local WHAT = "appointments:book"

describe("hoopai.booking.turns", function()
  local running, most, order

  before_each(function()
    running, most, order = 0, 0, {}
  end)

  local function work(name)
    running = running + 1
    most = math.max(most, running)
    hoopai.sleep(0.01)
    running, order[#order + 1] = running - 1, name
    return name, nil, 3
  end

  it("gives the tasks of one key their turns in the order in which they came", function()
    hoopai.map({ "a", "b", "c" }, function(name)
      assert.are.same({ true, name, nil, 3 }, { turns.take(WHAT, "key", huge, work, name) })
      return true
    end)
    assert.are.equal(1, most)
    assert.are.same({ "a", "b", "c" }, order)
  end)

  it("lets tasks of other keys run side by side, and one task have two keys", function()
    hoopai.map({ "a", "b", "c" }, function(name)
      local outer, inner, result =
        turns.take(WHAT, "key " .. name, huge, turns.take, WHAT, "slot " .. name, huge, work, name)
      assert.are.same({ true, true, name }, { outer, inner, result })
      return true
    end)
    assert.are.equal(3, most)
  end)

  it("waits no longer than it may", function()
    hoopai.run(function()
      local first = hoopai.spawn(turns.take, WHAT, "key", huge, hoopai.sleep, 0.3)
      hoopai.sleep(0)
      assert.is_false((turns.take(WHAT, "key", 0.01, work, "late")))
      first:join()
      assert.is_true((turns.take(WHAT, "key", 0.01, work, "next")))
    end)
    assert.are.same({ "next" }, order)
  end)

  it("passes the turn on when a task is cancelled, or raises", function()
    hoopai.run(function()
      local first = hoopai.spawn(turns.take, WHAT, "key", huge, hoopai.sleep, 20)
      hoopai.sleep(0)
      local second = hoopai.spawn(turns.take, WHAT, "key", huge, work, "second")
      hoopai.sleep(0)
      first:cancel()
      second:join()
      assert.has_error(function()
        turns.take(WHAT, "key", huge, error, "wrong", 0)
        return nil
      end, "wrong")
      turns.take(WHAT, "key", huge, work, "third")
    end)
    assert.are.same({ "second", "third" }, order)
  end)

  it("needs no loop", function()
    assert.are.same({ true, 7 }, { turns.take(WHAT, "key", huge, function() return 7 end) })
  end)
end)
