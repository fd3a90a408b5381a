-- The loop: run, calls of tasks, host loops.

local async = require "spec.support.async"
local child = require "spec.support.child"
local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local library = require "hoopai.async"
local servers = require "spec.support.server"

local run, spawn, sleep, map = hoopai.run, hoopai.spawn, hoopai.sleep, hoopai.map
local closing, log = async.closing, async.log

local ANY = { always = true, body = [[{"calendar":{"id":"$last"}}]], expand = true }

describe("the loop:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

  local function new(options) return async.client(server, options) end
  local function arrived(count) async.arrived(server, count) end

  it("a function that waits runs in the running task, or in a loop that a given function runs", function()
    local function wait(...)
      assert.is_true(library.in_task())
      hoopai.sleep(0.001)
      return ...
    end
    for _, way in ipairs { library.run, library.run_only } do
      assert.are.same({ 1, nil, 3, n = 3 }, table.pack(library.as_task(way, "the spec", wait, 1, nil, 3)))
      assert.are.same({ 1, nil, 3, n = 3 }, table.pack(hoopai.run(library.as_task, error, "the spec", wait, 1, nil, 3)))
    end
  end)

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
      run(function()
        spawn(function(...) got = table.pack(...) end, nil, 2, nil)
      end)
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
      assert.are.equal(
        5,
        run(function()
          sleep(0)
          return 5
        end)
      )
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
          spawn(function()
            nested(function() sleep(20) end)
          end)
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
        for _ = 1, 50 do
          sleep(0)
        end
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

  describe("calls", function()
    it("block where no loop runs", function()
      server:reply(ANY)
      assert.are.equal("c", assert(new().calendars:get("c")).id)
    end)

    it("side by side are really so", function()
      server:reply { always = true, delay = 0.1, expand = true, body = [[{"calendar":{"id":"$last"}}]] }
      local client = new()
      local items = {}
      for index = 1, 50 do
        items[index] = "c" .. index
      end
      local results, errors = map(items, function(id) return client.calendars:get(id) end, { concurrency = 50 })
      assert.is_nil(errors)
      for index = 1, 50 do
        assert.are.equal("c" .. index, results[index].id)
      end
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
      for index = 1, 500 do
        items[index] = "c" .. index
      end
      local results, errors = map(items, function(id) return client.calendars:get(id) end, { concurrency = 500 })
      assert.is_nil(errors)
      for index = 1, 500 do
        assert.are.equal("c" .. index, results[index].id)
      end
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
      for index = 1, 10 do
        assert.are.equal("c" .. index, ids[index])
      end
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
        { path = "/calendars/cut", always = true, cut = 70, body = [[{"calendar":{"id":"cut"}}]] }
      )
      local names = { "ok", "slow", "stalled", "reset", "cut" }
      local allowed = {
        ok = { fine = true, timeout = true, cancelled = true },
        slow = { fine = true, timeout = true, cancelled = true },
        stalled = { timeout = true, cancelled = true },
        reset = { network = true, timeout = true, cancelled = true },
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
        { path = "/calendars/b", hold = "both", body = [[{"calendar":{}}]] }
      )
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
      server:reply(
        { path = "/calendars/task", hold = "open", body = [[{"calendar":{"id":"task"}}]] },
        { path = "/calendars/blocking", body = [[{"calendar":{"id":"blocking"}}]] }
      )
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
      if got[1] then
        assert.are.equal("cleanup", got[2].id)
      else
        assert.matches("calendars:get", got[2])
      end
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

  describe("background tasks", function()
    local loop = require "hoopai.async.loop"
    local cut = require("hoopai.async").cut
    local started

    before_each(function() started = {} end)
    after_each(function()
      for _, task in ipairs(started) do
        cut(task)
      end
    end)

    --- A background task that ends after some seconds; returns a function that says whether it has ended.
    local function background(seconds)
      local ended = false
      started[#started + 1] = loop.background(function()
        sleep(seconds)
        ended = true
      end)
      return function() return ended end
    end

    local function pass(seconds)
      local deadline = core.now() + seconds
      while core.now() < deadline do
      end
    end

    it("have a second in run, and none where time is limited", function()
      local has_ended = background(0.2)
      assert.are.equal(1, run(function() return 1 end))
      assert.is_true(has_ended())
      has_ended = background(0.2)
      assert.are.equal(2, library.run_only(function() return 2 end))
      assert.is_false(has_ended())
      loop.drain()
      assert.is_true(has_ended())
      has_ended = background(60)
      local begun = core.now()
      run(function() end)
      assert.is_true(core.now() - begun < 20)
      assert.is_false(has_ended())
    end)

    it("that have run for a second get no more in run", function()
      background(60)
      run(sleep, 1.1)
      local begun = core.now()
      for _ = 1, 10 do
        run(function() end)
      end
      assert.is_true(core.now() - begun < 1)
    end)

    it("go on in a sleep outside of tasks, and in a step that does not wait", function()
      local has_ended = background(0.1)
      sleep(0.3)
      assert.is_true(has_ended())
      has_ended = background(0.05)
      loop.step_background()
      pass(0.1)
      assert.is_false(has_ended())
      loop.step_background()
      assert.is_true(has_ended())
    end)

    it("are run until a moment, or until it is enough", function()
      local has_ended = background(60)
      local begun = core.now()
      loop.drain(begun + 0.05)
      assert.is_true(core.now() >= begun + 0.05)
      assert.is_true(core.now() < begun + 20)
      local short = background(0.05)
      loop.drain(nil, short)
      assert.are.same({ true, false }, { short(), has_ended() })
    end)

    it("are cancelled where their caller says so, at once or when they next wait", function()
      local closed = {}
      local function guarded(act)
        return loop.background(function()
          local _ <close> = closing(closed, "x")
          act()
        end)
      end
      local task = guarded(function() sleep(60) end)
      run(function() sleep(0) end)
      cut(task)
      assert.are.equal("cancelled", task.status)
      cut(task)
      local other
      other = guarded(function()
        cut(other)
        sleep(60)
      end)
      run(function() sleep(0) end)
      assert.are.equal("cancelled", other.status)
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
end)
