-- Tasks, scopes, waiting, and where a call may wait.

local child = require "spec.support.child"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local locks = require "hoopai.async.lock"
local servers = require "spec.support.server"

local run, spawn, sleep, map = hoopai.run, hoopai.spawn, hoopai.sleep, hoopai.map

local ANY = { always = true, body = [[{"calendar":{"id":"$last"}}]], expand = true }

--- A to-be-closed variable that notes its name in a list.
local function closing(list, name, extra)
  return setmetatable({}, { __close = function(_, err)
    list[#list + 1] = name
    if extra then extra(err) end
  end })
end

--- A list and a function that appends to it.
local function log()
  local list = {}
  return list, function(item) list[#list + 1] = item end
end

describe("scheduler:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

  local function new(options)
    local all = { token = "t", base_url = server.url, location_id = "l" }
    for name, value in pairs(options or {}) do all[name] = value end
    return leak.client(all)
  end

  --- A call that the server never answers.
  local function stalled(client)
    server:reply { steps = { { stall = true } } }
    return client.calendars:get("stalled")
  end

  local function arrived(count)
    expect.eventually(function() return server:count("arrived") >= count end, count .. " requests arrived")
  end

  describe("run", function()
    it("returns what its function returns, whatever that is", function()
      assert.are.same({ n = 0 }, table.pack(run(function() end)))
      assert.are.same({ n = 3, 1, nil, nil }, table.pack(run(function() return 1, nil, nil end)))
      assert.are.same({ n = 2, nil, "x" }, table.pack(run(function(...) return ... end, nil, "x")))
      assert.are.equal("called", run(setmetatable({}, { __call = function() return "called" end })))
    end)

    it("waits for all its tasks", function()
      local seen, note = log()
      local result = run(function()
        spawn(function()
          sleep(0.01)
          note "first"
          spawn(function()
            sleep(0.01)
            note "grandchild"
          end)
        end)
        spawn(note, "second")
        note "main"
        return "done"
      end)
      assert.are.equal("done", result)
      assert.are.same({ "main", "second", "first", "grandchild" }, seen)
    end)

    it("gives spawn's arguments to the task, nils included", function()
      local got
      run(function() spawn(function(...) got = table.pack(...) end, nil, 2, nil) end)
      assert.are.same({ n = 3, nil, 2, nil }, got)
    end)

    it("raises what its function raised, unchanged, and cancels the others", function()
      local closed, note = log()
      local object = { my = "error" }
      local ok, err = pcall(run, function()
        for index = 1, 3 do
          spawn(function()
            local _ <close> = closing(closed, index)
            sleep(600)
            note "resumed"
          end)
        end
        sleep(0)
        error(object)
      end)
      assert.is_false(ok)
      assert.are.equal(object, err)
      table.sort(closed)
      assert.are.same({ 1, 2, 3 }, closed)
      ok, err = pcall(run, function() error("plain", 0) end)
      assert.are.same({ false, "plain" }, { ok, err })
      ok, err = pcall(run, function() error() end)
      -- Lua 5.5 puts a text in the place of nil.
      assert.are.same({ n = 2, pcall(error) }, table.pack(ok, err))
    end)

    it("can be used again after an error", function()
      for _ = 1, 3 do
        assert.is_false(pcall(run, function()
          spawn(sleep, 600)
          error("x")
        end))
      end
      assert.are.equal(5, run(function()
        sleep(0)
        return 5
      end))
      assert.is_false(pcall(spawn, print))
    end)

    it("nested is a child scope of the same loop", function()
      local seen, note = log()
      run(function()
        local outer = spawn(function()
          for _ = 1, 3 do
            sleep(0.001)
            note "outer"
          end
        end)
        local result = run(function()
          spawn(function()
            outer:join()
            note "inner"
          end)
          return "result"
        end)
        assert.are.equal("result", result)
        note "after"
      end)
      assert.are.same({ "outer", "outer", "outer", "inner", "after" }, seen)
    end)

    it("nested raises to its caller only", function()
      local closed = {}
      local outcome = run(function()
        local other = spawn(function()
          sleep(0.01)
          return "alive"
        end)
        local ok, err = pcall(run, function()
          spawn(function()
            local _ <close> = closing(closed, "sibling")
            sleep(600)
          end)
          sleep(0)
          error("inner", 0)
        end)
        assert.are.same({ false, "inner" }, { ok, err })
        assert.are.same({ "sibling" }, closed)
        return other:join()
      end)
      assert.are.equal("alive", outcome)
    end)

    it("nested ends with the task that waits in it", function()
      local closed = {}
      run(function()
        local task = spawn(function()
          local _ <close> = closing(closed, "outer")
          run(function()
            local _ <close> = closing(closed, "inner main")
            spawn(function()
              local _ <close> = closing(closed, "inner other")
              sleep(600)
            end)
            sleep(600)
          end)
        end)
        sleep(0)
        sleep(0)
        sleep(0)
        task:cancel()
      end)
      table.sort(closed)
      assert.are.same({ "inner main", "inner other", "outer" }, closed)
    end)

    it("nested, left by an error of the outer one, leaves no loop behind", function()
      for _, nested in ipairs { run, function(fn) return map({ 1, 2 }, fn) end } do
        local ok, message = pcall(run, function()
          spawn(function() nested(function() sleep(20) end) end)
          sleep(0)
          sleep(0)
          error("out", 0)
        end)
        assert.are.same({ false, "out" }, { ok, message })
        sleep(0) -- blocks, as no loop runs
        assert.are.equal(1, run(function() return 1 end))
      end
    end)

    it("nested twenty deep can be cancelled", function()
      local closed = {}
      local function deep(level)
        local _ <close> = closing(closed, level)
        if level == 0 then return sleep(600) end
        return run(deep, level - 1)
      end
      run(function()
        local task = spawn(deep, 20)
        for _ = 1, 50 do sleep(0) end
        task:cancel()
        expect.failure("cancelled", task:join())
      end)
      assert.are.equal(21, #closed)
    end)

    it("a hundred deep works", function()
      local function deep(level)
        if level == 0 then return sleep(0) or "bottom" end
        return run(deep, level - 1)
      end
      assert.are.equal("bottom", run(deep, 100))
    end)
  end)

  describe("join", function()
    it("gives the results, before and after the end, as often as wanted", function()
      run(function()
        local task = spawn(function()
          sleep(0.005)
          return 1, nil, 3, nil
        end)
        assert.are.same({ n = 4, 1, nil, 3, nil }, table.pack(task:join()))
        assert.are.same({ n = 4, 1, nil, 3, nil }, table.pack(task:join()))
        local quick = spawn(function() end)
        sleep(0)
        assert.are.same({ n = 0 }, table.pack(quick:join()))
      end)
    end)

    it("wakes all who wait", function()
      local seen, note = log()
      run(function()
        local task = spawn(function()
          sleep(0.01)
          return "x"
        end)
        for index = 1, 5 do spawn(function() note(index .. task:join()) end) end
      end)
      table.sort(seen)
      assert.are.same({ "1x", "2x", "3x", "4x", "5x" }, seen)
    end)

    it("gives an error with cause and traceback for a task that raised", function()
      run(function()
        local object = setmetatable({}, { __tostring = function() return "my object" end })
        local function inner_function() error(object) end
        local task = spawn(function()
          sleep(0)
          inner_function()
          return 1
        end)
        local result, err = task:join()
        assert.is_nil(result)
        assert.are.equal("raised", err.kind)
        assert.are.equal(object, err.cause)
        assert.are.equal("my object", err.message)
        assert.matches("inner_function", err.traceback)
        assert.matches("scheduler_spec.lua", err.traceback, 1, true)
        assert.matches("my object", tostring(err))
      end)
    end)

    it("survives an error value that cannot be printed", function()
      run(function()
        local object = setmetatable({}, { __tostring = function() error("no") end })
        local task = spawn(error, object)
        local _, err = task:join()
        assert.are.equal("raised", err.kind)
        assert.are.equal(object, err.cause)
        assert.is_string(tostring(err))
        local _, nothing = spawn(error):join()
        assert.are.equal("raised", nothing.kind)
        assert.is_string(tostring(nothing))
      end)
    end)

    it("gives an error for a cancelled task", function()
      run(function()
        local task = spawn(sleep, 600)
        local waiting = spawn(function() return task:join() end)
        sleep(0)
        task:cancel()
        expect.failure("cancelled", task:join())
        expect.failure("cancelled", waiting:join())
        assert.are.equal("hoopai.Task (cancelled)", tostring(task))
      end)
    end)

    it("of itself, or of itself around the corner, is refused or a deadlock", function()
      run(function()
        local task
        task = spawn(function()
          expect.misuse(function() task:join() end, "itself")
          return "fine"
        end)
        assert.are.equal("fine", task:join())
      end)
      local ok, message = pcall(run, function()
        local first, second
        first = spawn(function() return second:join() end)
        second = spawn(function() return first:join() end)
        first:join()
      end)
      assert.is_false(ok)
      assert.matches("deadlock", message)
      assert.matches("3 tasks", message)
    end)

    it("outside of a loop gives the results of a task that has ended", function()
      local done, failed
      run(function()
        done = spawn(function() return "kept" end)
        failed = spawn(error, "kept error", 0)
        failed:join()
      end)
      assert.are.equal("kept", done:join())
      assert.are.equal("raised", select(2, failed:join()).kind)
    end)
  end)

  describe("a failure nobody joined", function()
    it("makes run raise in the end", function()
      local seen, note = log()
      local ok, err = pcall(run, function()
        spawn(error, "unnoticed", 0)
        sleep(0.005)
        note "main went on"
        return "result"
      end)
      assert.are.same({ false, "unnoticed" }, { ok, err })
      assert.are.same({ "main went on" }, seen)
    end)

    it("does not, when it was joined later", function()
      assert.are.equal("result", run(function()
        local task = spawn(error, "noticed", 0)
        sleep(0.005)
        assert.are.equal("noticed", select(2, task:join()).cause)
        return "result"
      end))
    end)

    it("is not that of a cancelled task", function()
      assert.are.equal("result", run(function()
        local task = spawn(sleep, 600)
        sleep(0)
        task:cancel()
        return "result"
      end))
    end)

    it("is the first one, of several", function()
      local _, err = pcall(run, function()
        spawn(function()
          sleep(0.02)
          error("second", 0)
        end)
        spawn(error, "first", 0)
      end)
      assert.are.equal("first", err)
    end)
  end)

  describe("cancel", function()
    it("of the task whose run one is in is refused, and nothing is left running", function()
      local ticks, message = 0, nil
      run(function()
        local parent
        parent = spawn(function()
          run(function()
            spawn(function() for _ = 1, 3 do sleep(0.01) ticks = ticks + 1 end end)
            sleep(0)
            local ok, problem = pcall(parent.cancel, parent)
            assert.is_false(ok)
            message = problem
          end)
        end)
        parent:join()
      end)
      assert.matches("cannot cancel itself, nor the task whose run", message)
      assert.are.equal(3, ticks) -- the nested run has waited for its own task
    end)

    it("closes variables in the order of Lua and never resumes the task", function()
      local seen, note = log()
      run(function()
        local task = spawn(function()
          local _ <close> = closing(seen, "outer")
          local ok = pcall(function()
            local _ <close> = closing(seen, "inner", function(err) assert.is_nil(err) end)
            sleep(600)
            note "resumed"
          end)
          note(ok)
        end)
        sleep(0)
        task:cancel()
        note "cancelled"
        task:cancel()
        sleep(0.01)
      end)
      assert.are.same({ "inner", "outer", "cancelled" }, seen)
    end)

    it("is over when the variables are closed: they see it, and may say it again", function()
      run(function()
        local task
        local seen = {}
        task = spawn(function()
          local _ <close> = closing(seen, "closed", function()
            seen[#seen + 1] = tostring(task)
            task:cancel()
          end)
          sleep(600)
        end)
        sleep(0)
        task:cancel()
        assert.are.same({ "closed", "hoopai.Task (cancelled)" }, seen)
        expect.failure("cancelled", task:join())
      end)
    end)

    it("of a task that has not begun", function()
      local seen, note = log()
      run(function()
        local task = spawn(note, "begun")
        task:cancel()
        expect.failure("cancelled", task:join())
      end)
      assert.are.same({}, seen)
    end)

    it("of a task that has ended changes nothing", function()
      run(function()
        local task = spawn(function() return "done" end)
        sleep(0)
        task:cancel()
        assert.are.equal("done", task:join())
      end)
    end)

    it("of a task whose wait is over but that has not run yet", function()
      local seen, note = log()
      run(function()
        local task = spawn(function()
          sleep(0)
          note "resumed"
        end)
        spawn(function() task:cancel() end)
        sleep(0.005)
        expect.failure("cancelled", task:join())
      end)
      assert.are.same({}, seen)
    end)

    it("of itself is refused", function()
      run(function()
        local task
        task = spawn(function()
          expect.misuse(function() task:cancel() end, "cancel itself")
          return "alive"
        end)
        assert.are.equal("alive", task:join())
      end)
    end)

    it("of the task that is cancelling it is refused", function()
      run(function()
        local outer
        local message
        local inner = spawn(function()
          local _ <close> = closing({}, "x", function()
            local ok
            ok, message = pcall(outer.cancel, outer)
            assert.is_false(ok)
          end)
          sleep(600)
        end)
        outer = spawn(function() inner:cancel() end)
        outer:join()
        assert.matches("cancel", message)
      end)
    end)

    it("with an error in __close warns, and counts as cancelled", function()
      local text, ok = child.run [[
        warn("@on")
        local hoopai = require "hoopai"
        hoopai.run(function()
          local task = hoopai.spawn(function()
            local _ <close> = setmetatable({}, { __close = function() error("in close") end })
            hoopai.sleep(600)
          end)
          hoopai.sleep(0)
          task:cancel()
          local _, err = task:join()
          print(err.kind)
        end)
      ]]
      assert.is_true(ok, text)
      assert.matches("Lua warning: [^\n]*in close", text)
      assert.matches("cancelled", text)
    end)

    it("runs variables that wait: refused by name", function()
      local client = new()
      local messages = {}
      run(function()
        local task = spawn(function()
          local _ <close> = closing({}, "x", function()
            for _, wait in ipairs {
              function() return client.calendars:get("c") end, function() return sleep(0) end,
              function() return run(function() end) end,
            } do
              local ok, message = pcall(wait)
              assert.is_false(ok)
              messages[#messages + 1] = message
            end
          end)
          sleep(600)
        end)
        sleep(0)
        task:cancel()
      end)
      assert.are.equal(3, #messages)
      for _, message in ipairs(messages) do assert.matches("__close", message) end
      assert.matches("calendars:get", messages[1])
      assert.matches("hoopai.sleep", messages[2])
      assert.matches("hoopai.run", messages[3])
    end)

    it("lets a __close spawn a task of the scope", function()
      local seen, note = log()
      run(function()
        local task = spawn(function()
          local _ <close> = closing({}, "x", function() spawn(note, "cleaned up") end)
          sleep(600)
        end)
        sleep(0)
        task:cancel()
      end)
      assert.are.same({ "cleaned up" }, seen)
    end)

    it("aborts the transfer: the server sees the connection end", function()
      local client = new()
      run(function()
        local task = spawn(stalled, client)
        arrived(1)
        assert.are.equal(1, leak.in_flight())
        task:cancel()
        expect.failure("cancelled", task:join())
        assert.are.equal(0, leak.in_flight())
      end)
      server:wait("ended", "exactly", 1)
      assert.are.equal("gone", server:last().outcome)
    end)

    it("of a queued call keeps it from being sent", function()
      local client = new { max_connections = 1 }
      server:reply({ path = "/calendars/first", hold = "open", body = [[{"calendar":{}}]] },
        { path = "/calendars/third", body = [[{"calendar":{}}]] })
      run(function()
        local first = spawn(function() return client.calendars:get("first") end)
        arrived(1)
        local second = spawn(function() return client.calendars:get("second") end)
        local third = spawn(function() return client.calendars:get("third") end)
        sleep(0)
        second:cancel()
        server:release("open")
        assert(first:join())
        assert(third:join())
      end)
      assert.are.equal(2, #server:ledger())
    end)
  end)

  describe("to-be-closed variables", function()
    it("are closed when a task raises, with the error", function()
      local seen, note = log()
      run(function()
        local task = spawn(function()
          local _ <close> = closing(seen, "closed", note)
          sleep(0)
          error("oops", 0)
        end)
        task:join()
      end)
      assert.are.same({ "closed", "oops" }, seen)
    end)

    it("may wait when a task ends by itself", function()
      local client = new()
      server:reply(ANY)
      local got
      run(function()
        local _ <close> = closing({}, "x", function()
          sleep(0.001)
          got = assert(client.calendars:get("closing")).id
        end)
        sleep(0)
      end)
      assert.are.equal("closing", got)
    end)
  end)

  describe("sleep", function()
    it("lasts at least as long as asked, in order", function()
      local core = require "hoopai.core"
      local seen, note = log()
      local start = core.now()
      run(function()
        for _, ms in ipairs { 30, 10, 20, 0 } do
          spawn(function()
            sleep(ms / 1000)
            assert.is_true(core.now() - start >= ms / 1000)
            note(ms)
          end)
        end
      end)
      assert.are.same({ 0, 10, 20, 30 }, seen)
      start = core.now()
      sleep(0.02)
      assert.is_true(core.now() - start >= 0.02)
    end)

    it("of zero lets others run, and starves nobody", function()
      local client = new()
      server:reply(ANY)
      local stop, turns = false, 0
      run(function()
        spawn(function()
          while not stop do
            turns = turns + 1
            sleep(0)
          end
        end)
        spawn(function()
          sleep(0.01)
          assert(client.calendars:get("c"))
          stop = true
        end)
      end)
      assert.is_true(turns > 1)
    end)

    it("is not starved by tasks that wake each other without end", function()
      local client = new()
      server:reply(ANY)
      local stop, turns = false, 0
      run(function()
        spawn(function()
          while not stop and turns < 3000000 do
            turns = turns + 1
            spawn(function() end):join()
          end
        end)
        sleep(0.01)
        assert(client.calendars:get("c"))
        stop = true
      end)
      assert.is_true(turns < 3000000)
    end)

    it("ten thousand tasks at a time", function()
      local woken = 0
      expect.within(20, function()
        run(function()
          for index = 1, 10000 do
            spawn(function()
              sleep((index % 100) / 1000)
              woken = woken + 1
            end)
          end
        end)
      end)
      assert.are.equal(10000, woken)
    end)

    it("that is given up keeps nothing alive", function()
      collectgarbage()
      collectgarbage()
      run(function()
        local before = collectgarbage("count")
        for _ = 1, 200 do
          local tasks = {}
          for index = 1, 100 do tasks[index] = spawn(sleep, 3600) end
          sleep(0)
          for index = 1, 100 do tasks[index]:cancel() end
        end
        collectgarbage()
        collectgarbage()
        assert.is_true(collectgarbage("count") - before < 2000)
      end)
    end)

    it("turns take turns", function()
      local seen, note = log()
      run(function()
        for _, name in ipairs { "a", "b", "c" } do
          spawn(function()
            for _ = 1, 3 do
              note(name)
              sleep(0)
            end
          end)
        end
      end)
      assert.are.equal("abcabcabc", table.concat(seen))
    end)
  end)

  describe("a task's own coroutine.yield", function()
    it("fails the task and says why", function()
      run(function()
        local closed = {}
        local task = spawn(function()
          local _ <close> = closing(closed, "closed")
          coroutine.yield("mine")
        end)
        local _, err = task:join()
        assert.are.equal("raised", err.kind)
        assert.matches("coroutine.yield", err.message, 1, true)
        assert.are.same({ "closed" }, closed)
      end)
      local ok, message = pcall(run, function() coroutine.yield() end)
      assert.is_false(ok)
      assert.matches("coroutine.yield", message, 1, true)
    end)

    it("in a coroutine of its own is its own business", function()
      local seen = {}
      run(function()
        local generator = coroutine.wrap(function()
          for index = 1, 3 do coroutine.yield(index) end
        end)
        for index in generator do
          seen[#seen + 1] = index
          sleep(0)
        end
      end)
      assert.are.same({ 1, 2, 3 }, seen)
    end)
  end)

  describe("deadlock", function()
    it("is raised when all wait for each other, and closes what is open", function()
      local closed = {}
      local ok, message = pcall(run, function()
        local a, b
        a = spawn(function()
          local _ <close> = closing(closed, "a")
          b:join()
        end)
        b = spawn(function()
          local _ <close> = closing(closed, "b")
          a:join()
        end)
      end)
      assert.is_false(ok)
      assert.matches("deadlock", message)
      table.sort(closed)
      assert.are.same({ "a", "b" }, closed)
      assert.are.equal(1, run(function() return 1 end))
    end)

    it("is none while a call is in flight or a timer runs", function()
      local client = new()
      server:reply { always = true, delay = 0.05, body = [[{"calendar":{}}]] }
      run(function()
        local task = spawn(function() return client.calendars:get("c") end)
        local first = spawn(function() return task:join() end)
        assert(first:join())
      end)
      run(function()
        local task = spawn(sleep, 0.05)
        task:join()
      end)
    end)
  end)

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
      local client = new()
      server:reply(
        { path = "/calendars/a", body = [[{"calendar":{"id":"a"}}]] },
        { path = "/calendars/b", status = 404, body = [[{"message":"no b"}]] },
        { path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] })
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
      assert.are.equal("1 of 3 failed\n  [2] not_found: no b (HTTP 404, GET /calendars/b)", tostring(errors))
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
        for index = 1, 25 do items[index] = index end
        map(items, function()
          busy = busy + 1
          most = math.max(most, busy)
          sleep(0.001)
          busy = busy - 1
        end, { concurrency = case[1] })
        assert.are.equal(case[2], most)
      end
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

  describe("calls", function()
    it("block where no loop runs", function()
      server:reply(ANY)
      assert.are.equal("c", assert(new().calendars:get("c")).id)
    end)

    it("side by side are really so", function()
      server:reply { always = true, delay = 0.1, expand = true, body = [[{"calendar":{"id":"$last"}}]] }
      local client = new()
      local items = {}
      for index = 1, 50 do items[index] = "c" .. index end
      local results, errors = map(items, function(id) return client.calendars:get(id) end, { concurrency = 50 })
      assert.is_nil(errors)
      for index = 1, 50 do assert.are.equal("c" .. index, results[index].id) end
      local ledger = server:ledger()
      local first, last, most = math.huge, 0, 0
      for _, request in ipairs(ledger) do
        first, last = math.min(first, request.arrived), math.max(last, request.ended)
        most = math.max(most, request.at_once)
      end
      assert.are.equal(50, #ledger)
      -- One tenth of the 5 s that they would take one after another.
      assert.is_true(most >= 10, "at most " .. most .. " at a time")
      assert.is_true(last - first < 2.5, ("took %.2f s"):format(last - first))
    end)

    it("five hundred at a time, over a few connections, each get their own answer", function()
      server:reply(ANY)
      local client = new { max_connections = 8 }
      local items = {}
      for index = 1, 500 do items[index] = "c" .. index end
      local results, errors = map(items, function(id) return client.calendars:get(id) end, { concurrency = 500 })
      assert.is_nil(errors)
      for index = 1, 500 do assert.are.equal("c" .. index, results[index].id) end
      assert.are.equal(500, #server:ledger())
      assert.is_true(#server:connections() <= 8)
    end)

    it("in flight are kept alive, and their client with them", function()
      server:reply { always = true, hold = "open", expand = true, body = [[{"calendar":{"id":"$last"}}]] }
      local ids = {}
      run(function()
        for index = 1, 10 do
          spawn(function()
            local result, err = hoopai.new({ token = "t", base_url = server.url }).calendars:get("c" .. index)
            ids[index] = result and result.id or err
          end)
        end
        arrived(10)
        for _ = 1, 3 do
          collectgarbage()
          sleep(0)
        end
        assert.are.equal(10, leak.in_flight())
        server:release("open")
      end)
      for index = 1, 10 do assert.are.equal("c" .. index, ids[index]) end
      collectgarbage()
      collectgarbage()
      server:wait("open", "exactly", 0)
    end)

    it("in a storm of cancels, timeouts and broken answers leave nothing behind", function()
      server:reply(
        { path = "/calendars/ok", always = true, body = [[{"calendar":{"id":"ok"}}]] },
        { path = "/calendars/slow", always = true, delay = 0.01, body = [[{"calendar":{"id":"slow"}}]] },
        { path = "/calendars/stalled", always = true, steps = { { stall = true } } },
        { path = "/calendars/reset", always = true, reset = "before" },
        { path = "/calendars/cut", always = true, cut = 70, body = [[{"calendar":{"id":"cut"}}]] })
      local names = { "ok", "slow", "stalled", "reset", "cut" }
      local allowed = {
        ok = { fine = true, timeout = true, cancelled = true },
        slow = { fine = true, timeout = true, cancelled = true },
        stalled = { timeout = true, cancelled = true }, reset = { network = true, timeout = true, cancelled = true },
        cut = { network = true, protocol = true, decode = true, timeout = true, cancelled = true },
      }
      local state = 20240229
      local function random(count) -- the same storm each time
        state = (state * 1103515245 + 12345) & 0x7fffffff
        return (state >> 8) % count + 1
      end
      local client, tasks, kinds, seen = new { max_connections = 8 }, {}, {}, {}
      run(function()
        for index = 1, 400 do
          local name = names[random(5)]
          kinds[index] = name
          local options = { timeout = 0.05, queue_timeout = random(3) == 1 and 0.02 or nil }
          tasks[index] = spawn(function() return client.calendars:get(name, options) end)
          if random(3) == 1 then tasks[random(index)]:cancel() end
          if random(5) == 1 then sleep(random(3) / 1000) end
        end
        for index, task in ipairs(tasks) do
          local calendar, err = task:join()
          local outcome = calendar and "fine" or err.kind
          seen[outcome] = (seen[outcome] or 0) + 1
          assert.is_true(allowed[kinds[index]][outcome] or false, kinds[index] .. ": " .. tostring(err))
          if calendar then assert.are.equal(kinds[index], calendar.id) end
        end
        assert.are.equal(0, leak.in_flight())
        assert.are.equal("ok", assert(client.calendars:get("ok")).id)
      end)
      assert.is_true(seen.fine > 0 and seen.cancelled > 0 and seen.timeout > 0)
      server:wait("busy", "exactly", 0)
    end)

    it("of several clients share the loop", function()
      server:reply(
        { path = "/calendars/a", hold = "both", body = [[{"calendar":{}}]] },
        { path = "/calendars/b", hold = "both", body = [[{"calendar":{}}]] })
      local first, second = new(), new()
      run(function()
        local a = spawn(function() return first.calendars:get("a") end)
        local b = spawn(function() return second.calendars:get("b") end)
        arrived(2)
        server:release("both")
        assert(a:join())
        assert(b:join())
      end)
    end)

    it("that block have connections of their own, and do not step those of tasks", function()
      local client = new()
      server:reply({ path = "/calendars/task", hold = "open", body = [[{"calendar":{"id":"task"}}]] },
        { path = "/calendars/blocking", body = [[{"calendar":{"id":"blocking"}}]] })
      local seen, note = log()
      run(function()
        local task = spawn(function()
          local calendar = assert(client.calendars:get("task"))
          note(calendar.id)
          return calendar
        end)
        arrived(1)
        server:release("open")
        server:wait("ended", "exactly", 1) -- the answer is on its way; nobody has read it
        note "before"
        -- No task may be resumed by a blocking call. It cannot be made inside a task, so: in the main coroutine, later.
        sleep(0)
        assert.are.same({ "before" }, { seen[1] })
        assert(task:join())
      end)
      note(assert(client.calendars:get("blocking")).id)
      assert.are.same({ "before", "task", "blocking" }, seen)
      local connections = server:connections()
      assert.are.equal(2, #connections)
    end)

    it("that block while a run in another coroutine stands still", function()
      -- A host resumes a coroutine with a run in it, which blocks; the transfer of a task is given up half way.
      local client = new()
      server:reply({ path = "/calendars/task", steps = { { stall = true } } }, ANY)
      run(function()
        local task = spawn(function() return client.calendars:get("task") end)
        arrived(1)
        task:cancel()
      end)
      assert(client.calendars:get("blocking"))
      run(function() assert(client.calendars:get("again")) end)
    end)

    it("that block while tasks' transfers are in flight leave those alone", function()
      -- Only a coroutine that is started while the scope is being left can do that.
      local client = new()
      server:reply({ path = "/calendars/stalled", steps = { { stall = true } } }, ANY)
      local got, flying
      local ok, message = pcall(run, function()
        spawn(function()
          local _ <close> = closing({}, "x", function()
            coroutine.wrap(function() got = { pcall(client.calendars.get, client.calendars, "cleanup") } end)()
            flying = leak.in_flight()
          end)
          sleep(600)
        end)
        spawn(function() return client.calendars:get("stalled") end)
        arrived(1)
        error("out", 0)
      end)
      assert.are.same({ false, "out" }, { ok, message })
      assert.is_true(flying == 0 or flying == 1)
      -- It may be refused, by name; when it is made, it must have its own answer.
      if got[1] then assert.are.equal("cleanup", got[2].id) else assert.matches("calendars:get", got[2]) end
      server:wait("busy", "exactly", 0)
      if not got[1] then assert(client.calendars:get("c")) end
    end)

    it("can be left in flight by nobody: run waits for them", function()
      server:reply { always = true, delay = 0.05, body = [[{"calendar":{}}]] }
      local client, done = new(), 0
      run(function()
        for index = 1, 5 do
          spawn(function()
            assert(client.calendars:get("c" .. index))
            done = done + 1
          end)
        end
      end)
      assert.are.equal(5, done)
    end)
  end)

  describe("where nobody may wait", function()
    -- Places where Lua cannot yield, each with a call of `wait` inside.
    local places = {
      ["table.sort"] = function(wait)
        table.sort({ 3, 1, 2 }, function(a, b)
          wait()
          return a < b
        end)
      end,
      ["string.gsub"] = function(wait) ("abc"):gsub(".", function() wait() end) end,
      ["a metamethod called by C"] = function(wait)
        local _ = tostring(setmetatable({}, { __tostring = function()
          wait()
          return "x"
        end }))
      end,
      ["load with a function"] = function(wait) assert(load(function() wait() end)) end,
    }

    for name, place in pairs(places) do
      it(name .. ": a call blocks where no loop runs", function()
        server:reply(ANY)
        local client, calls = new(), 0
        place(function()
          calls = calls + 1
          assert(client.calendars:get("c"))
          sleep(0)
        end)
        assert.is_true(calls > 0)
        assert.are.equal(calls, #server:ledger())
      end)

      it(name .. ": a call in a task raises, and says where it is", function()
        local client = new()
        run(function()
          local messages = {}
          for _, wait in ipairs {
            function() return client.calendars:get("c") end, function() return sleep(0) end,
            function() return run(function() end) end, function() return map({ 1 }, function() end) end,
            function() return client:request { method = "GET", path = "/x" } end,
          } do
            local ok, message = pcall(place, wait)
            assert.is_false(ok)
            messages[#messages + 1] = message
          end
          assert.are.equal(5, #messages)
          for index, what in ipairs { "calendars:get", "hoopai.sleep", "hoopai.run", "hoopai.map", "client:request" } do
            assert.matches(what, messages[index], 1, true)
            assert.matches("cannot wait here", messages[index], 1, true)
          end
        end)
        assert.are.equal(0, #server:ledger())
      end)
    end

    it("pcall, metamethods, iterators and coroutine.close are fine", function()
      server:reply(ANY)
      local client = new()
      run(function()
        local ok, calendar = pcall(client.calendars.get, client.calendars, "a")
        assert.is_true(ok)
        assert.are.equal("a", calendar.id)
        local lazy = setmetatable({}, { __index = function(_, id) return assert(client.calendars:get(id)).id end })
        assert.are.equal("b", lazy.b)
        local ids = {}
        for id in function(_, last) return not last and assert(client.calendars:get("d")).id or nil end do
          ids[#ids + 1] = id
        end
        assert.are.same({ "d" }, ids)
        ok, calendar = xpcall(function() return client.calendars:get("e") end, debug.traceback)
        assert.is_true(ok)
        assert.are.equal("e", calendar.id)
      end)
    end)

    it("a foreign coroutine: a call blocks where no loop runs", function()
      server:reply(ANY)
      local client = new()
      local thread = coroutine.create(function()
        local calendar = assert(client.calendars:get("foreign"))
        coroutine.yield(calendar.id)
        sleep(0.001)
        return assert(client.calendars:get("again")).id
      end)
      assert.are.same({ true, "foreign" }, { coroutine.resume(thread) })
      assert.are.same({ true, "again" }, { coroutine.resume(thread) })
      assert.are.equal("dead", coroutine.status(thread))
    end)

    it("a foreign coroutine in a task: a call raises and says how to do it", function()
      local client = new()
      run(function()
        for _, wait in ipairs {
          function() return client.calendars:get("c") end, function() return sleep(0) end,
          function() return run(function() end) end,
        } do
          local thread = coroutine.create(wait)
          local ok, message = coroutine.resume(thread)
          assert.is_false(ok)
          assert.matches("hoopai.spawn", message, 1, true)
          assert.matches("coroutine", message)
        end
      end)
      assert.are.equal(0, #server:ledger())
    end)

    it("a foreign coroutine in a task may spawn, join nothing, and cancel", function()
      local seen, note = log()
      run(function()
        local task = spawn(sleep, 600)
        sleep(0)
        coroutine.wrap(function()
          spawn(note, "spawned")
          task:cancel()
          local ok, message = pcall(task.join, spawn(sleep, 0))
          assert.is_false(ok)
          assert.matches("task:join", message)
        end)()
      end)
      assert.are.same({ "spawned" }, seen)
    end)

    it("join is no way around", function()
      run(function()
        local task = spawn(sleep, 0.001)
        local ok, message = pcall(table.sort, { 2, 1 }, function() return task:join() end)
        assert.is_false(ok)
        assert.matches("task:join", message)
        task:join()
      end)
    end)
  end)

  describe("a run in a foreign coroutine", function()
    it("works, and yields nothing to its resumer", function()
      server:reply(ANY)
      local client = new()
      local thread = coroutine.create(function()
        return run(function()
          local task = spawn(function() return assert(client.calendars:get("a")).id end)
          sleep(0.005)
          return task:join()
        end)
      end)
      assert.are.same({ true, "a" }, { coroutine.resume(thread) })
      assert.are.equal("dead", coroutine.status(thread))
    end)

    it("does not let others in while it runs", function()
      local message
      local thread = coroutine.create(function()
        run(function()
          local other = coroutine.wrap(function() return pcall(sleep, 0) end)
          local _
          _, message = other()
        end)
      end)
      assert(coroutine.resume(thread))
      assert.matches("hoopai.sleep", message)
    end)

    it("left by an error leaves nothing behind", function()
      local closed = {}
      local client = new()
      server:reply({ steps = { { stall = true } } }, ANY)
      local thread = coroutine.create(function()
        run(function()
          spawn(function()
            local _ <close> = closing(closed, "task")
            return client.calendars:get("stalled")
          end)
          arrived(1)
          local _ <close> = closing(closed, "main")
          error("out", 0)
        end)
      end)
      local ok, message = coroutine.resume(thread)
      assert.are.same({ false, "out" }, { ok, message })
      coroutine.close(thread)
      table.sort(closed)
      assert.are.same({ "main", "task" }, closed)
      assert.are.equal(0, leak.in_flight())
      server:wait("ended", "exactly", 1)
      assert.are.equal("b", run(function() return assert(client.calendars:get("b")).id end))
    end)
  end)

  describe("the loop of a host", function()
    it("can be used where there is a descriptor to wait for, and is refused by name elsewhere", function()
      local text, ok = child.run [[
        local hoopai = require "hoopai"
        hoopai.use(hoopai.loop.blocking)
        print(hoopai.loop.pollfd(), hoopai.loop.events(), hoopai.loop.timeout(), hoopai.loop.busy())
        hoopai.run(hoopai.sleep, 0)
      ]]
      assert.is_true(ok, text)
      local other, other_ok = child.run [[
        local hoopai = require "hoopai"
        hoopai.use(hoopai.loop.custom)
      ]]
      assert.matches("^%d+\tr\tnil\tfalse\n$", text)
      assert.is_true(other_ok, other)
    end)
  end)

  describe("a task's coroutine in other hands:", function()
    it("closed, when it is that of a run, the run raises", function()
      local thread
      local ok, message = pcall(run, function()
        spawn(function()
          local ended, problem = pcall(run, function()
            thread = coroutine.running()
            sleep(600)
          end)
          assert.is_false(ended)
          error(problem, 0)
        end)
        sleep(0.001)
        coroutine.close(thread)
      end)
      assert.is_false(ok)
      assert.matches("the coroutine of hoopai.run was closed by somebody else", message, 1, true)
    end)

    it("closed, its transfer is aborted and the task counts as cancelled", function()
      local client = new()
      local closed = {}
      local thread
      run(function()
        local task = spawn(function()
          local _ <close> = closing(closed, "closed")
          thread = coroutine.running()
          return stalled(client)
        end)
        arrived(1)
        coroutine.close(thread)
        assert.are.same({ "closed" }, closed)
        assert.are.equal(0, leak.in_flight())
        expect.failure("cancelled", task:join())
      end)
      server:wait("ended", "exactly", 1)
      assert.are.equal("gone", server:last().outcome)
    end)

    it("closed while it sleeps or joins, those who wait for it go on", function()
      run(function()
        local thread
        local task = spawn(function()
          thread = coroutine.running()
          sleep(2)
        end)
        sleep(0)
        coroutine.close(thread)
        local joining = spawn(function() return task:join() end)
        sleep(0)
        expect.failure("cancelled", joining:join())
      end)
    end)

    it("resumed, a call does not come back without its answer", function()
      local client = new()
      server:reply { path = "/calendars/c", hold = "open", body = [[{"calendar":{"id":"c"}}]] }
      local thread
      run(function()
        local task = spawn(function()
          thread = coroutine.running()
          return client.calendars:get("c")
        end)
        arrived(1)
        local meddler = coroutine.wrap(function() return coroutine.resume(thread) end)
        meddler()
        server:release("open")
        local calendar, err = task:join()
        assert.is_true(err == nil or calendar ~= nil or err.kind == "raised" or err.kind == "cancelled")
        if calendar then assert.are.equal("c", calendar.id) end
      end)
    end)
  end)

  describe("waiting", function()
    local function idle_cost(fn)
      local before = os.clock()
      fn()
      return os.clock() - before
    end

    it("does not spin", function()
      local client, other = new(), new()
      local function slow(name, with)
        server:reply { path = "/calendars/" .. name, delay = 0.5, body = [[{"calendar":{}}]] }
        assert((with or client).calendars:get(name))
      end
      assert.is_true(idle_cost(function() slow "blocking" end) < 0.3)
      assert.is_true(idle_cost(function() run(slow, "task") end) < 0.3)
      assert.is_true(idle_cost(function()
        run(function()
          spawn(slow, "one")
          spawn(slow, "two", other)
        end)
      end) < 0.3)
      assert.is_true(idle_cost(function() run(sleep, 0.5) end) < 0.3)
    end)

    it("survives being stopped and continued", function()
      for _, script in ipairs {
        [[print(assert(client.calendars:get("c")).id)]],
        [[hoopai.run(function() print(assert(client.calendars:get("c")).id) end)]],
      } do
        server:reply { path = "/calendars/c", hold = "open", body = [[{"calendar":{"id":"the answer"}}]] }
        local process = child.start(([[
          local hoopai = require "hoopai"
          local client <close> = hoopai.new { token = "t", base_url = %q, timeout = 60 }
        ]]):format(server.url) .. script)
        server:wait("arrived", "at_least", 1)
        for _ = 1, 3 do
          process:signal("STOP")
          process:signal("CONT")
        end
        server:release("open")
        local text, ok = process:finish()
        assert.is_true(ok, text)
        assert.are.equal("the answer\n", text)
        server:reset()
      end
    end)
  end)

  describe("locks", function()
    it("are held by one at a time, first come first served", function()
      local lock = locks.new()
      local seen, note = log()
      run(function()
        for index = 1, 5 do
          spawn(function()
            local hold <close> = lock:acquire("the spec") -- luacheck: ignore 211
            note("in" .. index)
            sleep(0.001)
            note("out" .. index)
          end)
        end
      end)
      assert.are.same(
        { "in1", "out1", "in2", "out2", "in3", "out3", "in4", "out4", "in5", "out5" }, seen)
    end)

    it("are given back by tasks that raise or are cancelled, waiting or holding", function()
      local lock = locks.new()
      local seen, note = log()
      run(function()
        local function use(name, fn)
          return spawn(function()
            local hold <close> = lock:acquire("the spec") -- luacheck: ignore 211
            note(name)
            if fn then fn() end
          end)
        end
        local first = use("first", function() sleep(600) end)
        local second = use("second")
        local third = use("third", function() error("x") end)
        local fourth = use("fourth")
        sleep(0)
        second:cancel()
        first:cancel()
        third:join()
        fourth:join()
      end)
      assert.are.same({ "first", "third", "fourth" }, seen)
    end)

    it("are not lost by a task that is cancelled just after it was given one", function()
      local lock = locks.new()
      local got = false
      run(function()
        local waiting
        spawn(function()
          do
            local hold <close> = lock:acquire("the spec") -- luacheck: ignore 211
            sleep(0.001)
          end
          waiting:cancel() -- it has been given the lock, and has not run since
        end)
        waiting = spawn(function()
          local hold <close> = lock:acquire("the spec") -- luacheck: ignore 211
          error("must not run")
        end)
        sleep(0.01)
        local hold <close> = lock:acquire("the spec") -- luacheck: ignore 211
        got = true
      end)
      assert.is_true(got)
    end)

    it("outside of a loop are simply taken", function()
      local lock = locks.new()
      for _ = 1, 2 do
        local hold <close> = lock:acquire("the spec") -- luacheck: ignore 211
        local ok, message = pcall(lock.acquire, lock, "the spec")
        assert.is_false(ok)
        assert.matches("the spec", message)
      end
    end)
  end)

  describe("Ctrl-C", function()
    local SCRIPTS = {
      ["a blocking call"] = [[
        client.calendars:get("c")
      ]],
      ["a call in a run"] = [[
        hoopai.run(function() client.calendars:get("c") end)
      ]],
      ["a run with many tasks"] = [[
        hoopai.run(function()
          for _ = 1, 5 do hoopai.spawn(hoopai.sleep, 600) end
          client.calendars:get("c")
        end)
      ]],
      ["a map"] = [[
        hoopai.map({ 1 }, function() client.calendars:get("c") end)
      ]],
      ["two clients in a run"] = [[
        local other <close> = hoopai.new { token = "t", base_url = URL }
        hoopai.run(function()
          hoopai.spawn(function() hoopai.sleep(0.01) other.calendars:get("d") end)
          client.calendars:get("c")
        end)
      ]],
    }
    for name, script in pairs(SCRIPTS) do
      it("ends " .. name .. " at once", function()
        server:reply { method = "GET", always = true, steps = { { stall = true } } }
        local process = child.start(([[
          local URL = %q
          local hoopai = require "hoopai"
          local client <close> = hoopai.new { token = "t", base_url = URL, timeout = 600 }
        ]]):format(server.url) .. script)
        server:wait("arrived", "at_least", name:find("^two") and 2 or 1)
        local text, ok
        expect.within(10, function()
          process:signal("INT")
          text, ok = process:finish()
        end)
        assert.is_false(ok)
        assert.matches("interrupted!", text, 1, true)
        server:wait("open", "exactly", 0)
      end)
    end

    it("ends a sleep and a run that only sleeps", function()
      for _, script in ipairs { "hoopai.sleep(600)", "hoopai.run(hoopai.sleep, 600)" } do
        server:reply { path = "/x", body = "{}" }
        local process = child.start(([[
          local hoopai = require "hoopai"
          local client <close> = hoopai.new { token = "t", base_url = %q }
          assert(client:request { method = "GET", path = "/x" })
        ]]):format(server.url) .. script)
        server:wait("ended", "at_least", 1)
        local text, ok
        expect.within(10, function()
          process:signal("INT")
          text, ok = process:finish()
        end)
        assert.is_false(ok)
        assert.matches("interrupted!", text, 1, true)
        server:reset()
      end
    end)
  end)

  it("slots come in the order of time", function()
    local seen = {}
    for day, slot, instant in hoopai.slots {
      ["2024-10-29"] = { slots = { "2024-10-29T10:00:00-05:00" } },
      ["2024-10-28"] = { slots = { "2024-10-28T11:00:00-05:00", "2024-10-28T10:00:00-05:00" } },
      ["2024-10-30"] = { slots = {} },
      traceId = "t",
    } do
      seen[#seen + 1] = day .. " " .. slot .. " " .. instant:ms()
    end
    assert.are.same({
      "2024-10-28 2024-10-28T10:00:00-05:00 1730127600000",
      "2024-10-28 2024-10-28T11:00:00-05:00 1730131200000",
      "2024-10-29 2024-10-29T10:00:00-05:00 1730214000000",
    }, seen)
  end)
end)
