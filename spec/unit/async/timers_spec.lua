-- The deadlines of waiting tasks.

describe("timers", function()
  local timers

  -- A heap of its own: that of the library belongs to its tasks.
  before_each(function() timers = dofile(assert(package.searchpath("hoopai.async.timers", package.path))) end)

  local function fire(moment)
    local woken = {}
    timers.fire(moment, function(task) woken[#woken + 1] = task end)
    return woken
  end

  it("fire in the order of their deadlines, each once", function()
    for _, due in ipairs { 5, 1, 4, 2, 3 } do
      timers.add(due, "task" .. due)
    end
    assert.same({}, fire(0.5))
    assert.same({ "task1", "task2" }, fire(2))
    assert.equal(3, timers.next())
    assert.same({ "task3", "task4", "task5" }, fire(9))
    assert.is_nil(timers.next())
    assert.same({}, fire(10))
  end)

  it("that are dropped fire no more, wherever they are", function()
    for _, dropped in ipairs { 1, 2, 3 } do
      local entries = {}
      for due = 1, 3 do
        entries[due] = timers.add(due, due)
      end
      timers.drop(entries[dropped])
      assert.equal(dropped == 1 and 2 or 1, timers.next())
      local woken = fire(3)
      assert.equal(2, #woken)
      for _, due in ipairs(woken) do
        assert.not_equal(dropped, due)
      end
    end
  end)

  it("keep no dropped entries once these are the larger part", function()
    local kept = setmetatable({}, { __mode = "k" })
    local entries = {}
    for index = 1, 1000 do
      entries[index] = timers.add(1000 - index, index)
      kept[entries[index]] = true
    end
    for index = 1, 1000 do
      if index % 100 ~= 0 then timers.drop(entries[index]) end
    end
    entries = nil -- luacheck: ignore 311
    collectgarbage()
    collectgarbage()
    local count = 0
    for _ in pairs(kept) do
      count = count + 1
    end
    assert.is_true(count < 200, count .. " entries")
    assert.same({ 1000, 900, 800, 700, 600, 500, 400, 300, 200, 100 }, fire(1000))
  end)

  it("are a heap: many, in any order, come out sorted", function()
    local state = 20240229
    local function random()
      state = (state * 1103515245 + 12345) & 0x7fffffff
      return (state >> 8) % 1000
    end
    for _ = 1, 500 do
      local due = random()
      timers.add(due, due)
    end
    local woken = fire(1000)
    assert.equal(500, #woken)
    for index = 2, 500 do
      assert.is_true(woken[index - 1] <= woken[index])
    end
  end)
end)
