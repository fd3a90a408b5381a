-- hoopai.map, all, race and timeout, and how changes that were cut off are reported.

local async = require "spec.support.async"
local child = require "spec.support.child"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

local run, spawn, sleep = hoopai.run, hoopai.spawn, hoopai.sleep
local map, closing, log = hoopai.map, async.closing, async.log

describe("combined:", function()
  local server, client

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(function()
    leak.before()
    client = leak.client { token = "t", base_url = server.url, location_id = "l" }
  end)
  after_each(function() leak.after(server) end)

  local function arrived(count) async.arrived(server, count) end

  --- A change that the server gets and never answers.
  local function stalled_write() return client.calendars:delete("stalled") end

  local function expect_stalled(count)
    server:reply { method = "DELETE", path = "/calendars/stalled", times = count or 1, steps = { { stall = true } } }
  end

  local function expect_unclear(err)
    assert.are.equal("maybe", err.applied)
    assert.is_false(err.retryable)
    assert.are.equal(1, #err.unclear)
    local cut = err.unclear[1]
    assert.are.equal("cancelled", cut.kind)
    assert.are.equal("maybe", cut.applied)
    assert.are.equal(
      "cancelled: the call was cut off after it had left (DELETE /calendars/stalled, applied: maybe) "
        .. "in the function at spec/unit/async/combine_spec.lua:28",
      tostring(cut)
    )
  end

  describe("map", function()
    it("keeps the order", function()
      local results, errors = map({ 30, 10, 20 }, function(ms, index)
        sleep(ms / 1000)
        return ms * 100 + index
      end)
      assert.are.same({ n = 3, 3001, 1002, 2003 }, results)
      assert.is_nil(errors)
    end)

    it("of nothing", function()
      local called = false
      local results, errors = map({}, function() called = true end)
      assert.are.same({ n = 0 }, results)
      assert.is_nil(errors)
      assert.is_false(called)
    end)

    it("lists errors by index, in a form that prints well", function()
      server:reply(
        { path = "/calendars/a", body = [[{"calendar":{"id":"a"}}]] },
        { path = "/calendars/b", status = 404, body = [[{"message":"no b"}]] },
        { path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] }
      )
      local results, errors = map({ "a", "b", "c" }, function(id) return client.calendars:get(id) end)
      assert.are.equal(3, results.n)
      assert.are.equal("a", results[1].id)
      assert.is_nil(results[2])
      assert.are.equal("c", results[3].id)
      assert.are.equal("not_found", errors[2].kind)
      local count = 0
      for index in pairs(errors) do
        count = count + 1
        assert.are.equal(2, index)
      end
      assert.are.equal(1, count)
      assert.matches("^in the function at spec/unit/async/combine_spec.lua:%d+$", errors[2].where)
      assert.are.equal(
        "1 of 3 failed\n  [2] not_found: no b (HTTP 404, GET /calendars/b) " .. errors[2].where,
        tostring(errors)
      )
      local ok, raised = pcall(error, errors)
      assert.is_false(ok)
      assert.are.equal(errors, raised)
    end)

    it("tells a nil result from an error, and keeps false", function()
      local results, errors = map({ 1, 2, 3, 4 }, function(item)
        if item == 1 then return nil end
        if item == 2 then return false end
        if item == 3 then return nil, "plain text" end
        return item, "ignored"
      end)
      assert.are.equal(4, results.n)
      assert.is_nil(results[1])
      assert.is_false(results[2])
      assert.is_nil(results[3])
      assert.are.equal(4, results[4])
      assert.are.equal("plain text", errors[3])
      assert.are.equal("1 of 4 failed\n  [3] plain text", tostring(errors))
    end)

    it("raises what its function raised, and cancels the rest", function()
      local seen, note = log()
      local closed = {}
      local object = { "mine" }
      local ok, err = pcall(map, { 1, 2, 3, 4, 5 }, function(item)
        local _ <close> = closing(closed, item)
        if item == 2 then
          sleep(0.005)
          error(object)
        end
        sleep(600)
        note(item)
      end, { concurrency = 3 })
      assert.is_false(ok)
      assert.are.equal(object, err)
      assert.are.same({}, seen)
      table.sort(closed)
      assert.are.same({ 1, 2, 3 }, closed)
    end)

    it("runs as many at a time as allowed, and no more", function()
      for _, case in ipairs { { 1, 1 }, { 3, 3 }, { 100, 25 }, { nil, 16 } } do
        local busy, most = 0, 0
        local items = {}
        for index = 1, 25 do
          items[index] = index
        end
        map(items, function()
          busy = busy + 1
          most = math.max(most, busy)
          sleep(0.001)
          busy = busy - 1
        end, { concurrency = case[1] })
        assert.are.equal(case[2], most)
      end
    end)

    describe("calls progress", function()
      local function watch(items, fn, progress, concurrency)
        return pcall(map, items, fn, { progress = progress, concurrency = concurrency })
      end

      it("once for each item, from 1 to the total, when the item has ended", function()
        for _, concurrency in ipairs { 1, 2, 16 } do
          local seen, ended = {}, 0
          local function progress(done, total)
            assert.are.equal(ended, done)
            seen[#seen + 1] = done .. "/" .. total
          end
          local ok, results, errors = watch({ 3, 1, 2 }, function(item)
            sleep(item / 1000)
            ended = ended + 1
            if item == 1 then return nil, "no" end
            return item
          end, progress, concurrency)
          assert.is_true(ok, results)
          assert.are.same({ "1/3", "2/3", "3/3" }, seen)
          assert.are.same({ n = 3, 3, nil, 2 }, results)
          assert.are.equal("no", errors[2])
        end
      end)

      it("not for an empty list, nor for an item whose function raised", function()
        local called = false
        assert.is_true(watch({}, print, function() called = true end))
        assert.is_false(watch({ 1 }, function() error "broken" end, function() called = true end))
        assert.is_false(called)
      end)

      it("in the order in which items end, inside run and beside other tasks", function()
        local seen, note = log()
        run(function()
          spawn(function()
            sleep(0.02)
            note "beside"
          end)
          map({ 60, 1 }, function(ms) sleep(ms / 1000) end, { progress = function(done) note(done) end })
        end)
        assert.are.same({ 1, "beside", 2 }, seen)
      end)

      it("which raises what it raised, after the other calls were cancelled", function()
        local closed, object = {}, { "mine" }
        local ok, err = watch({ 1, 2, 3 }, function(item)
          local _ <close> = closing(closed, item)
          sleep(item == 2 and 0.001 or 600)
        end, function() error(object) end)
        assert.is_false(ok)
        assert.are.equal(object, err)
        table.sort(closed)
        assert.are.same({ 1, 2, 3 }, closed)

        local _, plain = pcall(error) -- nil; a text in Lua 5.5
        ok, err = watch({ 1 }, tostring, function() error() end)
        assert.is_false(ok)
        assert.are.equal(plain, err)
      end)

      it("which cannot wait, nor make a call", function()
        for what, wait_somehow in pairs {
          ["hoopai.sleep"] = function() sleep(0) end,
          ["calendars:list"] = function() client.calendars:list() end,
          ["hoopai.map"] = function() map({ 1 }, tostring) end,
        } do
          local ok, err = watch({ 1 }, tostring, wait_somehow)
          assert.is_false(ok)
          assert.matches(what .. " cannot be called inside `progress`: it would have to wait", err, 1, true)
        end
        -- Afterwards calls are made again.
        sleep(0)
        assert.are.equal(0, server:count "arrived")
      end)

      it("which may not yield", function()
        local closed = {}
        for _, in_task in ipairs { false, true } do
          local function work()
            return watch({ 1 }, tostring, function()
              local _ <close> = closing(closed, "progress")
              coroutine.yield()
            end)
          end
          local ok, err
          if in_task then
            ok, err = run(work)
          else
            ok, err = work()
          end
          assert.is_false(ok)
          assert.matches("hoopai: `progress` may not yield", err, 1, true)
        end
        assert.are.same({ "progress", "progress" }, closed)
      end)

      it("which must be a function", function()
        for _, wrong in ipairs { 5, "text", true, {} } do
          local ok, err = watch({ 1 }, tostring, wrong)
          assert.is_false(ok)
          assert.matches(
            "progress is a function, which is called with how many are done and the total, got ",
            err,
            1,
            true
          )
        end
      end)
    end)

    it("inside run uses its loop", function()
      local seen, note = log()
      run(function()
        spawn(function()
          sleep(0.01)
          note "beside"
        end)
        local results = map({ 1, 2 }, function(item)
          sleep(0.03)
          return item * 2
        end)
        assert.are.same({ n = 2, 2, 4 }, results)
        note "after"
      end)
      assert.are.same({ "beside", "after" }, seen)
    end)

    it("in a map", function()
      local results = map({ 1, 2 }, function(item)
        return map({ 10, 20 }, function(inner)
          sleep(0)
          return item * inner
        end)
      end)
      assert.are.same({ n = 2, { n = 2, 10, 20 }, { n = 2, 20, 40 } }, results)
    end)

    it("waits for what its function spawned", function()
      local seen, note = log()
      map({ 1, 2 }, function(item)
        spawn(function()
          sleep(0.005)
          note(item)
        end)
        return true
      end)
      assert.are.same({ 1, 2 }, seen)
    end)
  end)

  describe("all", function()
    it("keeps the order of functions and tasks", function()
      local results, errors = run(function()
        local task = spawn(function()
          sleep(0.02)
          return "task", "more"
        end)
        return hoopai.all {
          function()
            sleep(0.01)
            return "first"
          end,
          task,
          function() return nil end,
          function() return false end,
        }
      end)
      assert.are.same({ n = 4, "first", "task", nil, false }, results)
      assert.is_nil(errors)
    end)

    it("runs the loop itself outside of tasks", function()
      server:reply { always = true, expand = true, body = [[{"calendar":{"id":"$last"}}]] }
      local results = assert(hoopai.all {
        function() return client.calendars:get("a") end,
        function() return client.calendars:get("b") end,
      })
      assert.are.same({ "a", "b" }, { results[1].id, results[2].id })
      assert.are.same({ n = 0 }, (hoopai.all {}))
    end)

    it("starts all at once", function()
      local busy, most, fns = 0, 0, {}
      for index = 1, 200 do
        fns[index] = function()
          busy = busy + 1
          most = math.max(most, busy)
          sleep(0.01)
          busy = busy - 1
        end
      end
      hoopai.all(fns)
      assert.are.equal(200, most)
    end)

    it("lists errors by index, those of tasks as well", function()
      run(function()
        local failing, cancelled = spawn(error, "raised", 0), spawn(sleep, 600)
        cancelled:cancel()
        local results, errors = hoopai.all {
          failing,
          function() return 2 end,
          cancelled,
          function() return nil, "plain" end,
        }
        assert.are.same({ n = 4, nil, 2, nil, nil }, results)
        assert.are.same({ "raised", "cancelled" }, { errors[1].kind, errors[3].kind })
        assert.are.equal("plain", errors[4])
        assert.matches("3 of 4 failed", tostring(errors))
      end)
    end)

    it("raises what a function raised; the other functions are cancelled, tasks go on", function()
      local closed = {}
      run(function()
        local task = spawn(function()
          sleep(0.02)
          return "alive"
        end)
        local ok, err = pcall(hoopai.all, {
          task,
          function()
            local _ <close> = closing(closed, "other")
            sleep(600)
          end,
          function()
            sleep(0.001)
            error("mine", 0)
          end,
        })
        assert.are.same({ false, "mine" }, { ok, err })
        assert.are.same({ "other" }, closed)
        assert.are.equal("alive", task:join())
      end)
    end)

    it("refuses what is neither", function()
      expect.misuse(function() local _ = hoopai.all(nil) end, "hoopai.all expects a list, got nil")
      -- An object has no fields that would tell it from an empty list.
      local other <close> = hoopai.new { token = "t" }
      for _, object in ipairs { other, other.calendars, hoopai.time.now(), hoopai.store.memory() } do
        expect.misuse(
          function() local _ = hoopai.all(object) end,
          "hoopai.all expects a list, got " .. tostring(object)
        )
      end
      expect.misuse(function() local _ = hoopai.all { 1 } end, "hoopai.all expects a function, got number")
    end)
  end)

  describe("race", function()
    it("gives the first success and its index; the others are cancelled", function()
      local closed = {}
      local value, changed, index = hoopai.race {
        function()
          local _ <close> = closing(closed, "slow")
          spawn(function()
            local _ <close> = closing(closed, "slow's task")
            sleep(600)
          end)
          sleep(600)
        end,
        function()
          sleep(0.01)
          return "fast", "more"
        end,
        function() return nil, "failed" end,
      }
      assert.are.same({ "fast", 2 }, { value, index })
      assert.is_nil(changed)
      table.sort(closed)
      assert.are.same({ "slow", "slow's task" }, closed)
    end)

    it("is won by a function that returns nothing, too", function()
      local result = table.pack(hoopai.race { function() sleep(600) end, function() end })
      assert.are.same({ n = 3, nil, nil, 2 }, result)
    end)

    it("gives all errors when all fail", function()
      server:reply { path = "/calendars/a", status = 404, body = [[{"message":"no a"}]] }
      local value, errors, index = hoopai.race {
        function() return client.calendars:get("a") end,
        function() return nil, "plain" end,
      }
      assert.is_nil(value)
      assert.is_nil(index)
      assert.are.equal("not_found", errors[1].kind)
      assert.are.equal("plain", errors[2])
      assert.matches("2 of 2 failed", tostring(errors))
    end)

    it("raises what is raised before there is a winner", function()
      local closed = {}
      local ok, err = pcall(hoopai.race, {
        function()
          local _ <close> = closing(closed, "other")
          sleep(600)
        end,
        function()
          sleep(0.001)
          error("mine", 0)
        end,
      })
      assert.are.same({ false, "mine" }, { ok, err })
      assert.are.same({ "other" }, closed)
    end)

    it("keeps the winner's result when a loser raises in the same moment", function()
      for _, order in ipairs { { 1, 2 }, { 2, 1 } } do
        local fns = { [order[1]] = function() return "won" end, [order[2]] = function() error("lost", 0) end }
        assert.are.equal("won", (hoopai.race(fns)))
      end
    end)

    it("tells of a loser's change that had left", function()
      expect_stalled()
      local value, changed, index = hoopai.race {
        stalled_write,
        function()
          arrived(1)
          return "won"
        end,
      }
      assert.are.same({ "won", 2 }, { value, index })
      assert.are.equal("cancelled", changed[1].kind)
      expect_unclear(changed[1])
      assert.is_nil(changed[2])
      assert.matches("1 of 2 failed\n  [1] cancelled: ", tostring(changed), 1, true)
      server:wait("busy", "exactly", 0)
    end)

    it("tells of a loser's change that had succeeded, whatever became of the loser", function()
      server:reply { method = "DELETE", path = "/calendars/done", always = true, body = [[{"success":true}]] }
      local function change() return assert(client.calendars:delete("done")) end
      local both = 0
      local function meet() -- both go on in the same moment
        both = both + 1
        while both < 2 do
          sleep(0.001)
        end
      end
      local _, changed = hoopai.race {
        function()
          change()
          sleep(600)
        end,
        function()
          change()
          return nil, "then it failed"
        end,
        function()
          arrived(2)
          expect.eventually(function() return server:count("busy") == 0 end, "both are done")
          sleep(0.05)
        end,
      }
      assert.are.same({ "yes", "yes" }, { changed[1].applied, changed[2].applied })
      assert.is_nil(changed[1].unclear)
      assert.are.equal("cancelled", changed[1].kind)
      assert.are.equal("then it failed", changed[2].cause)
      local value, late = hoopai.race {
        function()
          change()
          meet()
          return "a"
        end,
        function()
          change()
          meet()
          return "b"
        end,
      }
      -- One of them won; the other one's change was made, and its result is not returned.
      assert.is_truthy(value == "a" or value == "b")
      assert.are.equal("yes", late[value == "a" and 2 or 1].applied)
    end)

    it("does not tell of what had no effect", function()
      server:reply(
        { method = "DELETE", path = "/calendars/refused", status = 403, body = [[{"message":"no"}]] },
        { method = "GET", path = "/calendars/stalled", times = 2, steps = { { stall = true } } }
      )
      local narrow = leak.client { token = "t", base_url = server.url, max_connections = 1 }
      local _, changed = hoopai.race {
        function()
          expect.failure("forbidden", client.calendars:delete("refused"))
          sleep(600)
        end,
        function() return client.calendars:get("stalled") end,
        function() -- the change is queued, so it never leaves
          spawn(function() return narrow.calendars:get("stalled") end)
          sleep(0)
          return narrow.calendars:delete("queued")
        end,
        function()
          arrived(3)
          sleep(0.05)
          return true
        end,
      }
      assert.is_nil(changed)
    end)

    it("refuses an empty list and other values", function()
      expect.misuse(function() local _ = hoopai.race {} end, "at least one")
      expect.misuse(function() local _ = hoopai.race(1) end, "hoopai.race expects a list, got number")
      expect.misuse(function() local _ = hoopai.race { "x" } end, "hoopai.race expects a function, got string")
    end)
  end)

  describe("timeout", function()
    it("gives what the function returned in time", function()
      local function give(...) return ... end
      assert.are.same({ n = 3, 1, nil, nil }, table.pack(hoopai.timeout(600, give, 1, nil, nil)))
      assert.are.same({ n = 2, nil, "err" }, table.pack(hoopai.timeout(600, give, nil, "err")))
      assert.are.equal(
        "task",
        run(hoopai.timeout, 600, function()
          sleep(0.001)
          return "task"
        end)
      )
    end)

    it("cancels what takes longer, with all that it spawned", function()
      local closed = {}
      expect.within(20, function()
        local err = expect.failure(
          "timeout",
          hoopai.timeout(0.02, function()
            local _ <close> = closing(closed, "main")
            spawn(function()
              local _ <close> = closing(closed, "spawned")
              sleep(600)
            end)
            sleep(600)
          end)
        )
        assert.are.equal("no", err.applied)
        assert.is_true(err.retryable)
        assert.is_nil(err.unclear)
        assert.matches("timeout: not done within the 0.02 s of hoopai.timeout", tostring(err), 1, true)
      end)
      table.sort(closed)
      assert.are.same({ "main", "spawned" }, closed)
    end)

    it("raises what the function raised", function()
      local object = { "mine" }
      for _, wait in ipairs { false, 0.001 } do
        local ok, err = pcall(hoopai.timeout, 600, function()
          if wait then sleep(wait) end
          error(object)
        end)
        assert.is_false(ok)
        assert.are.equal(object, err)
      end
    end)

    it("tells of a change that had left", function()
      expect_stalled()
      local err = expect.failure("timeout", hoopai.timeout(0.3, stalled_write))
      expect_unclear(err)
      assert.matches("applied: maybe", tostring(err))
    end)

    it("tells of a change that had succeeded before", function()
      server:reply { method = "DELETE", path = "/calendars/done", body = [[{"success":true}]] }
      local err = expect.failure(
        "timeout",
        hoopai.timeout(0.3, function()
          assert(run(function() return client.calendars:delete("done") end)) -- in a scope of its own
          sleep(600)
        end)
      )
      assert.are.equal("yes", err.applied)
      assert.is_false(err.retryable)
    end)

    it("within timeout and race tells the outermost", function()
      expect_stalled()
      local inner
      local err = expect.failure(
        "timeout",
        hoopai.timeout(0.5, function()
          inner = expect.failure(
            "timeout",
            hoopai.timeout(0.2, function()
              return hoopai.race { stalled_write, function() sleep(600) end }
            end)
          )
          sleep(600)
        end)
      )
      expect_unclear(inner)
      expect_unclear(err)
    end)

    it("leaves nothing behind that would wake others", function()
      run(function()
        for _ = 1, 20 do
          hoopai.timeout(0.001, sleep, 600)
          assert.are.equal("fine", hoopai.timeout(0.01, function() return "fine" end))
        end
        sleep(0.02)
      end)
    end)

    it("refuses what is no number of seconds or no function", function()
      for _, wrong in ipairs { "1", -1, 0 / 0, math.huge, false } do
        expect.misuse(function() local _ = hoopai.timeout(wrong, print) end, "hoopai.timeout expects a number of sec")
      end
      expect.misuse(function() local _ = hoopai.timeout(1, "x") end, "hoopai.timeout expects a function, got string")
    end)
  end)

  describe("a cancelled task's join", function()
    it("tells of a change that had left", function()
      expect_stalled()
      run(function()
        local task = spawn(function() return run(stalled_write) end)
        arrived(1)
        task:cancel()
        local err = expect.failure("cancelled", task:join())
        expect_unclear(err)
      end)
    end)

    it("tells of a change whose answer was there but unread", function()
      server:reply { method = "DELETE", path = "/calendars/c", delay = 0.05, body = [[{"success":true}]] }
      run(function()
        local task = spawn(function() return client.calendars:delete("c") end)
        arrived(1)
        server:wait("ended", "exactly", 1) -- all stands still meanwhile
        task:cancel()
        local err = expect.failure("cancelled", task:join())
        assert.are.equal("maybe", err.applied)
        assert.are.equal("DELETE", err.unclear[1].method)
      end)
    end)

    it('and that of one that raised does not say "no" after a change', function()
      server:reply { method = "DELETE", path = "/calendars/c", body = [[{"success":true}]] }
      run(function()
        local err = expect.failure(
          "raised",
          spawn(function()
            assert(client.calendars:delete("c"))
            error("after it")
          end):join()
        )
        assert.are.equal("yes", err.applied)
        assert.are.equal("no", expect.failure("raised", spawn(error, "x"):join()).applied)
      end)
    end)
  end)

  it("a run that fails warns of changes that were cut off: nobody else could tell", function()
    expect_stalled()
    local process = child.start(([[
      warn "@on"
      local hoopai = require "hoopai"
      local client <close> = hoopai.new { token = "t", base_url = %q }
      print(pcall(hoopai.run, function()
        hoopai.spawn(function() return client.calendars:delete("stalled") end)
        hoopai.sleep(0.3)
        error("out", 0)
      end))
    ]]):format(server.url))
    local text, ok = process:finish()
    assert.is_true(ok, text)
    assert.matches(
      "Lua warning: hoopai: cancelled: the call was cut off after it had left (DELETE /calendars/stalled, "
        .. "applied: maybe)",
      text,
      1,
      true
    )
    assert.matches("false\tout", text, 1, true)
  end)

  it("ten thousand tasks can wait at a time, and be cancelled", function()
    expect.within(60, function()
      local woken = 0
      run(function()
        local tasks = {}
        for index = 1, 10000 do
          tasks[index] = spawn(function()
            sleep(600)
            woken = woken + 1
          end)
        end
        sleep(0)
        sleep(0)
        local ok = pcall(run, function()
          for _ = 1, 10000 do
            spawn(sleep, 600)
          end
          sleep(0.001)
          error("out")
        end)
        assert.is_false(ok)
        for _, task in ipairs(tasks) do
          task:cancel()
        end
      end)
      assert.are.equal(0, woken)
    end)
  end)

  it("ten thousand calls can wait at a time", function()
    server:reply { always = true, expand = true, body = [[{"calendar":{"id":"$last"}}]] }
    local fns = {}
    for index = 1, 10000 do
      fns[index] = function() return assert(client.calendars:get("c" .. index)).id == "c" .. index end
    end
    local right = 0
    for _, fine in ipairs((hoopai.all(fns))) do
      right = right + (fine and 1 or 0)
    end
    assert.are.equal(10000, right)
  end)
end)
