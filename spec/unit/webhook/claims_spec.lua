local claims = require "hoopai.webhook.claims"

describe("hoopai.webhook.claims:", function()
  it("gives an id once, and again after release", function()
    local memory = claims.new(10)
    assert.is_true(memory:claim("a", 1000))
    assert.are.same({ false, false }, { memory:claim("a", 1000) })
    memory:release "a"
    assert.is_true(memory:claim("a", 1000))
    assert.are.same({ false, false }, { memory:claim("a", 1000) })
    memory:release "never claimed"
  end)

  it("keeps so many ids, and refuses what is not younger than one that it forgot", function()
    local memory = claims.new(3)
    for number = 1, 5 do
      assert.is_true(memory:claim("id" .. number, number * 1000))
    end
    for number = 3, 5 do
      assert.are.same({ false, false }, { memory:claim("id" .. number, number * 1000) })
    end
    for number = 1, 2 do
      assert.are.same({ false, true }, { memory:claim("id" .. number, number * 1000) })
    end
    assert.are.same({ false, true }, { memory:claim("another", 2000) })
    assert.is_true(memory:claim("another", 2001))
  end)

  it("never lets an id in twice, in whatever order the times come", function()
    local memory, times, accepted = claims.new(7), {}, {}
    local seed = 12345
    local function random(most)
      seed = (seed * 1103515245 + 12345) % 2147483648
      return seed // 65536 % most
    end
    for _ = 1, 5000 do
      local id = "id" .. random(60)
      times[id] = times[id] or random(1000)
      if memory:claim(id, times[id]) then
        assert.is_nil(accepted[id])
        accepted[id] = true
      end
    end
  end)

  it("forgets ids that are too old to come again, and those that were released, first", function()
    local memory = claims.new(1000)
    for number = 1, 100 do
      assert.is_true(memory:claim("old" .. number, number, 0))
    end
    assert.is_true(memory:claim("new", 5000, 1000))
    assert.are.same({ false, true }, { memory:claim("old1", 1, 0) })
    local kept = 0
    for _ in pairs(memory.ids) do
      kept = kept + 1
    end
    assert.are.equal(1, kept)
    assert.are.equal(1, memory.last - memory.first + 1)

    memory = claims.new(2)
    assert.is_true(memory:claim("a", 1))
    memory:release "a"
    assert.is_true(memory:claim("b", 2))
    assert.is_true(memory:claim("c", 3))
    assert.are.same({ false, false }, { memory:claim("b", 2) })
  end)

  it("holds no more than its bound, however many ids come and are released", function()
    local memory = claims.new(5)
    for number = 1, 1000 do
      memory:claim("id" .. number, number)
      if number % 3 == 0 then memory:release("id" .. number) end
      local entries = 0
      for _ in pairs(memory.queue) do
        entries = entries + 1
      end
      assert.is_true(entries <= 6)
    end
  end)

  it("keeps ids without a time too, as long as there is room", function()
    local memory = claims.new(2)
    assert.is_true(memory:claim("a"))
    assert.are.same({ false, false }, { memory:claim("a") })
    assert.is_true(memory:claim("b"))
    assert.is_true(memory:claim("c"))
    assert.are.same({ false, false }, { memory:claim("c") })
  end)
end)
