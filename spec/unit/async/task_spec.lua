-- Tasks: joining, cancelling, and what ends one.

local async = require "spec.support.async"
local child = require "spec.support.child"
local expect = require "spec.support.expect"
local errors = require "hoopai.errors"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

local run, spawn, sleep = hoopai.run, hoopai.spawn, hoopai.sleep
local closing, log = async.closing, async.log

local ANY = { always = true, body = [[{"calendar":{"id":"$last"}}]], expand = true }

describe("tasks:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

  local function new(options) return async.client(server, options) end
  local function stalled(client) return async.stalled(server, client) end
  local function arrived(count) async.arrived(server, count) end

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
        for index = 1, 5 do
          spawn(function() note(index .. task:join()) end)
        end
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
        assert.matches("task_spec.lua", err.traceback, 1, true)
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

  describe("cancel", function()
    it("of the task whose run one is in is refused, and nothing is left running", function()
      local ticks, message = 0, nil
      run(function()
        local parent
        parent = spawn(function()
          run(function()
            spawn(function()
              for _ = 1, 3 do
                sleep(0.01)
                ticks = ticks + 1
              end
            end)
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
              function() return client.calendars:get("c") end,
              function() return sleep(0) end,
              function()
                return run(function() end)
              end,
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
      for _, message in ipairs(messages) do
        assert.matches("__close", message)
      end
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

    it("ends its scope also when memory is exhausted meanwhile", function()
      local timers = require "hoopai.async.timers"
      local drop = timers.drop
      local ok, problem
      assert.is_true(hoopai.run(function()
        local task = hoopai.spawn(hoopai.sleep, 600)
        hoopai.sleep(0)
        timers.drop = function()
          timers.drop = drop
          error("not enough memory", 0)
        end
        ok, problem = pcall(task.cancel, task)
        return true
      end))
      assert.is_false(ok)
      assert.are.equal("not enough memory", problem)
    end)

    it("of a queued call keeps it from being sent", function()
      local client = new { max_connections = 1 }
      server:reply(
        { path = "/calendars/first", hold = "open", body = [[{"calendar":{}}]] },
        { path = "/calendars/third", body = [[{"calendar":{}}]] }
      )
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

  describe("to-be-closed variables of a task that fails", function()
    local function undoing(client, id, seen)
      return closing({}, "x", function()
        sleep(0)
        seen[#seen + 1] = assert(client.calendars:get(id)).id
      end)
    end

    local entries = {
      run = function(fn) return run(fn) end,
      ["a nested run"] = function(fn)
        return run(function() return run(fn) end)
      end,
      spawn = function(fn)
        return run(function()
          local result, err = spawn(fn):join()
          if err then error(err.cause, 0) end
          return result
        end)
      end,
      map = function(fn) return hoopai.map({ 1 }, fn) end,
      all = function(fn) return hoopai.all { fn } end,
      race = function(fn) return hoopai.race { fn } end,
      timeout = function(fn) return hoopai.timeout(20, fn) end,
    }
    for name, enter in pairs(entries) do
      it("make their calls in " .. name .. ", and the error stays", function()
        server:reply(ANY)
        local client = new()
        for _, value in ipairs { "text", { table = true }, 5, false } do
          local seen = {}
          local ok, problem = pcall(enter, function()
            local _ <close> = undoing(client, "outer", seen)
            local _ <close> = undoing(client, "inner", seen)
            sleep(0)
            error(value, 0)
          end)
          assert.is_false(ok)
          assert.are.equal(value, problem)
          assert.are.same({ "inner", "outer" }, seen)
        end
      end)
    end

    it("see the other tasks go on while they wait", function()
      local seen, note = log()
      run(function()
        local task = spawn(function()
          local _ <close> = closing({}, "x", function()
            sleep(0.01)
            note "closed"
          end)
          error("oops", 0)
        end)
        spawn(note, "other")
        task:join()
      end)
      assert.are.same({ "other", "closed" }, seen)
    end)

    it("may raise: the newer error is the cause, and the traceback has both", function()
      run(function()
        local task = spawn(function()
          local _ <close> = closing({}, "x", function() error("undo failed", 0) end)
          error("first", 0)
        end)
        local _, err = task:join()
        assert.are.equal("undo failed", err.cause)
        assert.matches("^undo failed\nstack traceback.*\nraised in a __close after:\nfirst\n", err.traceback)
      end)
    end)

    it("may raise an error of a call: the first one is its cause", function()
      server:reply { always = true, status = 404, body = "{}" }
      local client = new()
      run(function()
        local task = spawn(function()
          local _ <close> = closing({}, "x", function() error((select(2, client.calendars:get "gone"))) end)
          error("first", 0)
        end)
        local _, err = task:join()
        assert.are.equal("not_found", err.cause.kind)
        assert.are.equal("first", err.cause.cause)
      end)
    end)

    it("may raise the same error again, or one whose cause it is", function()
      run(function()
        for _, again in ipairs { function(first) return first end, function(first) return first.cause end } do
          local inner = errors.new { kind = "closed", message = "inner" }
          local first = errors.new { kind = "closed", message = "first", cause = inner }
          local task = spawn(function()
            local _ <close> = closing({}, "x", function() error(again(first)) end)
            error(first)
          end)
          local _, err = task:join()
          assert.are.equal(again(first), err.cause)
          assert.is_nil(inner.cause)
        end
      end)
    end)

    it("cannot wait in a task that is cancelled: warned of by name, each of them", function()
      local text, ok = child.run [[
        warn("@on")
        local hoopai = require "hoopai"
        hoopai.run(function()
          local function undo(fn) return setmetatable({}, { __close = fn }) end
          local task = hoopai.spawn(function()
            local _ <close> = undo(function() error "replaced" end)
            local _ <close> = undo(function() hoopai.timeout(1, print) end)
            local _ <close> = undo(function() hoopai.sleep(0) end)
            hoopai.sleep(600)
          end)
          hoopai.sleep(0)
          task:cancel()
        end)
      ]]
      assert.is_true(ok, text)
      for _, what in ipairs { "hoopai.sleep", "hoopai.timeout" } do
        assert.matches(
          "Lua warning: hoopai: "
            .. what
            .. " cannot wait inside a __close of a task that is being cancelled: "
            .. "it was not done\n",
          text,
          1,
          true
        )
      end
      assert.matches("error in a __close of a cancelled task: [^\n]*replaced", text)
    end)

    it("of one that is cancelled while they wait: its error is warned of", function()
      local text, ok = child.run [[
        warn("@on")
        local hoopai = require "hoopai"
        hoopai.run(function()
          local task = hoopai.spawn(function()
            local _ <close> = setmetatable({}, { __close = function() hoopai.sleep(600) end })
            error("lost?", 0)
          end)
          hoopai.sleep(0)
          task:cancel()
        end)
      ]]
      assert.is_true(ok, text)
      assert.matches("hoopai: a task that had failed was cancelled while its __close waited: lost?", text, 1, true)
    end)

    it("do not change how deep a task may recurse", function()
      local function sum(n) return n == 0 and 0 or 1 + sum(n - 1) end
      assert.are.equal(150000, run(sum, 150000))
      run(function()
        local function endless() return 1 + endless() end
        local _, err = spawn(endless):join()
        assert.matches("stack overflow", err.message)
        assert.matches("task_spec.lua", err.traceback, 1, true)
      end)
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
          for index = 1, 3 do
            coroutine.yield(index)
          end
        end)
        for index in generator do
          seen[#seen + 1] = index
          sleep(0)
        end
      end)
      assert.are.same({ 1, 2, 3 }, seen)
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
end)
