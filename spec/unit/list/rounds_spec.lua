-- Iterators over rounds: when a round is read, what is read ahead, and what becomes of it when a loop is left.

local async = require "hoopai.async"
local child = require "spec.support.child"
local errors = require "hoopai.errors"
local hoopai = require "hoopai"
local rounds = require "hoopai.list.rounds"

local run, sleep, spawn = hoopai.run, hoopai.sleep, hoopai.spawn

describe("hoopai.list.rounds:", function()
  local begun, ended, aborted

  before_each(function()
    begun, ended, aborted = 0, 0, 0
  end)

  --- A function that reads these rounds. A string stands for a failure, a function is called.
  local function reader(list)
    local index = 0
    return function()
      index = index + 1
      begun = begun + 1
      local is_done = false
      local _ <close> = setmetatable({}, {
        __close = function()
          if not is_done then aborted = aborted + 1 end
        end,
      })
      sleep(0.002)
      local round = list[index]
      if type(round) == "function" then round = round() end
      is_done, ended = true, ended + 1
      if type(round) == "string" then return nil, errors.new { kind = "server", message = round } end
      return round
    end
  end

  local function each(list) return rounds.each("things:each", reader(list)) end

  local function collect(...)
    local seen = {}
    for record in ... do
      seen[#seen + 1] = record
    end
    return seen
  end

  local function everywhere(fn)
    fn(false)
    begun, ended, aborted = 0, 0, 0
    run(fn, true)
  end

  describe("each", function()
    it("gives the records of all rounds in order, empty ones left out", function()
      everywhere(function()
        assert.are.same({ 1, 2, 3, 4, 5 }, collect(each { {}, { 1, 2, 3 }, {}, {}, { 4 }, { 5 }, {} }))
        assert.are.same({}, collect(each {}))
        assert.are.same({}, collect(each { {} }))
      end)
    end)

    it("asks a round that is an iterator for each record when it is needed, to its end", function()
      everywhere(function()
        local made = 0
        local function iterator(count)
          local position = 0
          return function()
            if position == count then return nil end
            position, made = position + 1, made + 1
            return made
          end
        end
        -- A round that is a function is called.
        local function up_to(count)
          return function() return iterator(count) end
        end
        local seen, counts = {}, {}
        for record in each { up_to(0), up_to(2), up_to(0), { "list" }, up_to(1) } do
          seen[#seen + 1], counts[#counts + 1] = record, made
        end
        assert.are.same({ 1, 2, "list", 3 }, seen)
        assert.are.same({ 1, 2, 2, 3 }, counts)
      end)
    end)

    it("reads nothing before the first record is asked for", function()
      everywhere(function()
        local step = each { { 1 } }
        assert.are.equal(0, begun)
        assert.are.equal(1, step())
        assert.is_nil(step())
        assert.is_nil(step())
        assert.are.equal(2, begun)
      end)
    end)

    it("reads one round at a time in a script", function()
      local step = each { { 1, 2, 3 }, { 4 } }
      for _ = 1, 3 do
        step()
      end
      assert.are.equal(1, begun)
      assert.are.equal(4, step())
      assert.are.equal(2, begun)
    end)

    it("reads the next round in a task from the second record on, and no further", function()
      run(function()
        local step <const>, _, _, guard <close> = each { { 1, 2, 3 }, { 4, 5 }, { 6 } } -- luacheck: ignore 211
        step()
        sleep(0.02)
        assert.are.equal(1, begun)
        step()
        sleep(0.02)
        assert.are.equal(2, ended)
        step()
        assert.are.equal(4, step())
        sleep(0.02)
        assert.are.equal(2, begun)
      end)
    end)

    it("aborts what it reads ahead when a loop is left", function()
      for _, leave in ipairs { "break", "error", "cancel" } do
        begun, aborted = 0, 0
        run(function()
          local task = spawn(function()
            for record in each { { 1, 2, 3 }, function() sleep(600) end } do
              if record == 3 then
                sleep(0.02)
                if leave == "break" then break end
                if leave == "error" then error "left" end
                sleep(600)
              end
            end
          end)
          if leave == "cancel" then
            sleep(0.06)
            task:cancel()
          end
          task:join()
          assert.are.equal(1, aborted, leave)
        end)
        assert.are.equal(2, begun, leave)
      end
    end)

    it("aborts a round when the task is cancelled that waits for it", function()
      for first = 0, 1 do -- the first round, and one that is read ahead
        aborted = 0
        run(function()
          local waiting = 0
          local function stalled()
            waiting = waiting + 1
            sleep(600)
          end
          local task = spawn(function() collect(each { first == 1 and { 1, 2 } or stalled, stalled }) end)
          repeat
            sleep(0.005)
          until waiting > 0
          task:cancel()
          assert.are.equal(1, aborted)
        end)
      end
    end)

    it("ends after a loop was left", function()
      everywhere(function()
        local step, state, start, guard = each { { 1, 2 }, { 3 } }
        for record in step, state, start, guard do
          if record == 1 then break end
        end
        assert.is_nil(step())
        assert.are.equal(1, begun)
      end)
    end)

    it("raises a failure with the line of the loop, and again when it goes on", function()
      everywhere(function(in_task)
        local step = each { { 1, 2 }, "broken", { 3 } }
        assert.are.equal(1, step())
        assert.are.equal(2, step())
        if in_task then sleep(0.02) end
        local ok, err = pcall(step)
        assert.is_false(ok)
        assert.are.equal("broken", err.message)
        assert.matches("^[^:]*spec/unit/list/rounds_spec.lua:%d+$", err.where)
        local again
        ok, again = pcall(step)
        assert.is_false(ok)
        assert.are.equal(err, again)
        assert.are.equal(2, begun)
      end)
    end)

    it("raises what its reader raised, read ahead or not, and does not skip that round", function()
      everywhere(function()
        for _, list in ipairs {
          { function() error { "mine" } end, { 1 } },
          { { 1, 2 }, function() error { "mine" } end, { 3 } },
        } do
          local seen = {}
          local step = each(list)
          local ok, err = pcall(function()
            for record in step do
              seen[#seen + 1] = record
            end
          end)
          assert.is_false(ok)
          assert.are.same({ "mine" }, err)
          assert.are.same(type(list[1]) == "table" and list[1] or {}, seen)
          ok, err = pcall(step)
          assert.is_false(ok)
          assert.are.same({ "mine" }, err)
        end
      end)
    end)

    it("gives each record to one of the tasks that share it", function()
      local list, expected = {}, {}
      for round = 1, 20 do
        list[round] = { 3 * round - 2, 3 * round - 1, 3 * round }
        for _, record in ipairs(list[round]) do
          expected[record] = record
        end
      end
      local seen = {}
      local step = each(list)
      run(function()
        for _ = 1, 4 do
          spawn(function()
            for record in step do
              seen[#seen + 1] = record
              sleep(0)
            end
          end)
        end
      end)
      table.sort(seen)
      assert.are.same(expected, seen)
      assert.are.equal(21, begun)
    end)

    it("gives records to tasks that take one each, and loses none with a task that ends", function()
      run(function()
        local step = each {
          { 1, 2, 3 },
          function()
            sleep(1)
            return { 4 }
          end,
        }
        local seen = {}
        for _ = 1, 3 do
          seen[#seen + 1] = hoopai.timeout(0.5, step)
        end
        assert.are.same({ 1, 2, 3 }, seen)
        assert.are.equal(1, begun)
        assert.are.equal(4, step())
        assert.is_nil(step())
      end)
    end)

    it("does not seem to be at its end for a task that shares it with one that was cancelled", function()
      run(function()
        local step = each { function() sleep(600) end, { 1 } }
        local first = spawn(step)
        local second = spawn(step)
        sleep(0.02)
        first:cancel()
        local _, err = second:join()
        assert.are.equal("raised", err.kind)
        assert.are.equal("cancelled", err.cause.kind)
        assert.matches("the task that read the next records was cancelled", err.message, 1, true)
      end)
    end)

    it("loses nothing when it is called where it may not wait", function()
      run(function()
        local step = each { { 1, 2 }, { 3 } }
        local function refused()
          local ok, err = pcall(coroutine.wrap(step))
          assert.is_false(ok)
          assert.matches("things:each cannot wait in a coroutine that hoopai did not start", err, 1, true)
        end
        refused()
        assert.are.equal(1, step())
        assert.are.equal(2, step())
        refused()
        sleep(0.02)
        refused()
        assert.are.equal(3, step())
        assert.is_nil(step())
      end)
    end)

    it("goes on outside of the task in which it began", function()
      local step = each { { 1, 2, 3 }, { 4 }, { 5 } }
      run(function()
        assert.are.equal(1, step())
        assert.are.equal(2, step())
      end)
      assert.are.same({ 3, 4, 5 }, collect(step))
      assert.are.equal(4, begun)
    end)

    it("leaves nothing behind that keeps a program running or prints", function()
      local text, ok = child.run [[
        warn "@on"
        local hoopai = require "hoopai"
        local rounds = require "hoopai.list.rounds"
        local count = 0
        local function read()
          count = count + 1
          if count == 2 then hoopai.sleep(600) end
          return { 1, 2, 3 }
        end
        hoopai.run(function()
          for record in rounds.each("things:each", read) do
            if record == 2 then hoopai.sleep(0.01) break end
          end
        end)
        print "ended"
      ]]
      assert.is_true(ok, text)
      assert.are.equal("ended\n", text)
    end)
  end)

  describe("all", function()
    it("gives the records of all rounds", function()
      everywhere(function()
        assert.are.same({ 1, 2, 3 }, rounds.all("things:all", reader { { 1 }, {}, { 2, 3 } }))
        assert.are.same({}, rounds.all("things:all", reader {}))
      end)
    end)

    it("returns a failure", function()
      everywhere(function()
        local all, err = rounds.all("things:all", reader { { 1 }, "broken", { 2 } })
        assert.is_nil(all)
        assert.are.equal("broken", err.message)
      end)
    end)

    it("is not called where it may not wait", function()
      run(function()
        local ok, err = pcall(coroutine.wrap(rounds.all), "things:all", reader {})
        assert.is_false(ok)
        assert.matches("things:all cannot wait", err, 1, true)
      end)
      assert.is_nil(async.running())
      assert.are.equal(0, begun)
    end)
  end)

  describe("side_by_side", function()
    local side_by_side = rounds.side_by_side

    it("gives the values in the order of the items, so many at a time", function()
      everywhere(function()
        local busy, most = 0, 0
        local values = side_by_side({ 5, 1, 3, 2, 4 }, function(item)
          busy = busy + 1
          most = math.max(most, busy)
          sleep(item / 1000)
          busy = busy - 1
          return item * 10
        end, 3)
        assert.are.same({ n = 5, 50, 10, 30, 20, 40 }, values)
        assert.are.equal(3, most)
        assert.are.same({ n = 0 }, side_by_side({}, print, 3))
      end)
    end)

    it("ends with the first error, and aborts the others", function()
      everywhere(function()
        local closed, called = 0, 0
        local values, err = side_by_side({ 1, 2, 3, 4, 5 }, function(item)
          local _ <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
          called = called + 1
          sleep(item == 2 and 0.002 or 600)
          return nil, "error " .. item
        end, 3)
        assert.is_nil(values)
        assert.are.equal("error 2", err)
        assert.are.equal(3, closed)
        assert.are.equal(3, called)
      end)
    end)

    it("ends with an error that comes at once", function()
      everywhere(function()
        local called = 0
        local values, err = side_by_side({ 1, 2, 3 }, function(item)
          called = called + 1
          return nil, "error " .. item
        end, 2)
        assert.is_nil(values)
        assert.are.equal("error 1", err)
        assert.are.equal(1, called)
      end)
    end)

    it("prints nothing if several fail at one moment, and raises what its function raised", function()
      local text, ok = child.run [[
        warn "@on"
        local errors = require "hoopai.errors"
        local hoopai = require "hoopai"
        local rounds = require "hoopai.list.rounds"
        local function fail(item)
          hoopai.sleep(0.01)
          return nil, errors.new { kind = "server", message = "down " .. item }
        end
        print(rounds.side_by_side({ 1, 2, 3 }, fail, 3))
        hoopai.run(function() print(rounds.side_by_side({ 1, 2, 3 }, fail, 3)) end)
        print(pcall(rounds.side_by_side, { 1 }, function() error("mine", 0) end, 3))
      ]]
      assert.is_true(ok, text)
      text = text:gsub(" at [^\n]*", "")
      assert.are.equal(("nil\tserver: down 1\n"):rep(2) .. "false\tmine\n", text)
    end)
  end)
end)
