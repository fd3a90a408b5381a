-- Waiting for the lock of a store.

local acquire = require "hoopai.store.acquire"
local core = require "hoopai.core"
local hoopai = require "hoopai"
local memory = require "hoopai.store.memory"

describe("hoopai.store.acquire", function()
  it("returns a free lock at once, to be closed", function()
    local store = memory()
    do
      local lock <close> = assert(acquire(store, "k")) -- luacheck: ignore 211
      assert.is_nil(store:lock("k"))
    end
    local again <close> = store:lock("k")
    assert.is_truthy(again)
  end)

  it("waits for a lock that is held", function()
    local store = memory()
    hoopai.run(function()
      hoopai.spawn(function()
        local lock <close> = store:lock("k") -- luacheck: ignore 211
        hoopai.sleep(0.05)
      end)
      hoopai.sleep(0)
      assert.is_nil(store:lock("k"))
      local lock <close> = acquire(store, "k")
      assert.is_truthy(lock)
    end)
  end)

  it("does not count time in which no loop ran", function()
    local index, seconds = 0, nil
    repeat
      index = index + 1
      local name, value = debug.getupvalue(acquire, index)
      if name == "TIMEOUT" then seconds = value end
    until seconds or not name
    debug.setupvalue(acquire, index, 1)
    local store = memory()
    hoopai.run(function()
      local held = store:lock("k")
      local waiting = hoopai.spawn(function()
        local lock <close>, problem = acquire(store, "k") -- luacheck: ignore 211
        return lock ~= nil, problem
      end)
      hoopai.sleep(0.05)
      local moment = core.now() + 2
      repeat
      until core.now() >= moment -- as a task that computes
      hoopai.spawn(function()
        local lock <close> = held -- luacheck: ignore 211
      end)
      assert.is_true((waiting:join()))
    end)
    debug.setupvalue(acquire, index, seconds)
  end)

  it("gives up once nothing waits for it, and at a problem", function()
    local store = memory()
    local held <close> = store:lock("k") -- luacheck: ignore 211
    local lock, problem = acquire(store, "k", function() return false end)
    assert.is_nil(lock)
    assert.are.equal("another program holds the lock of the token store", problem)
    function store.lock() return nil, "broken" end
    lock, problem = acquire(store, "k")
    assert.is_nil(lock)
    assert.are.equal("broken", problem)
  end)
end)
