-- Waiting: sleep, and which code may wait.

local async = require "spec.support.async"
local child = require "spec.support.child"
local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"
local waits = require "hoopai.async.wait"

local run, spawn, sleep, map = hoopai.run, hoopai.spawn, hoopai.sleep, hoopai.map
local log = async.log

local ANY = { always = true, body = [[{"calendar":{"id":"$last"}}]], expand = true }

describe("waiting:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

  local function new(options) return async.client(server, options) end

  describe("sleep", function()
    it("lasts at least as long as asked, in order", function()
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
          for index = 1, 100 do
            tasks[index] = spawn(sleep, 3600)
          end
          sleep(0)
          for index = 1, 100 do
            tasks[index]:cancel()
          end
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

  describe("where nobody may wait", function()
    -- Places where Lua cannot yield, each with a call of `wait` inside.
    local places = {
      ["table.sort"] = function(wait)
        table.sort({ 3, 1, 2 }, function(a, b)
          wait()
          return a < b
        end)
      end,
      ["string.gsub"] = function(wait)
        ("abc"):gsub(".", function() wait() end)
      end,
      ["a metamethod called by C"] = function(wait)
        local _ = tostring(setmetatable({}, {
          __tostring = function()
            wait()
            return "x"
          end,
        }))
      end,
      ["load with a function"] = function(wait)
        assert(load(function() wait() end))
      end,
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
            function() return client.calendars:get("c") end,
            function() return sleep(0) end,
            function()
              return run(function() end)
            end,
            function()
              return map({ 1 }, function() end)
            end,
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
          function() return client.calendars:get("c") end,
          function() return sleep(0) end,
          function()
            return run(function() end)
          end,
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

  it("code whose time is limited is in a task, in the main coroutine, in one of a host, or elsewhere", function()
    local function mode() return waits.cut_mode "the spec" end
    assert.are.equal("task", hoopai.run(mode))
    assert.are.equal("coroutine", coroutine.wrap(mode)())
    local text, ok = child.run [[
      local wait = require "hoopai.async.wait"
      io.write(wait.cut_mode "the spec")
    ]]
    assert.are.same({ "main", true }, { text, ok })
    hoopai.run(function()
      local found
      table.sort({ 2, 1 }, function()
        found = mode()
        return false
      end)
      assert.are.equal("other", found)
    end)
  end)

  describe("a task that is suspended", function()
    it("is woken by the ticket of its present wait alone", function()
      run(function()
        local first, second, reason, task
        local handle = spawn(function()
          task, first = waits.running_with_ticket()
          assert.are.equal(waits.running(), task)
          waits.suspend(task, core.now())
          second = waits.new_ticket(task)
          reason = waits.suspend(task, core.now() + 60)
        end)
        sleep(0.01)
        waits.wake(task, first, "late")
        sleep(0)
        assert.are.equal("hoopai.Task (running)", tostring(handle))
        assert.is_true(second > first)
        waits.wake(task, second, "the reason")
        waits.wake(task, second, "again")
        handle:join()
        assert.are.equal("the reason", reason)
      end)
    end)
  end)

  describe("a hook", function()
    it("may not wait, nor may what it calls", function()
      local message
      run(function()
        waits.call_hook("on.spec", function(...)
          assert.are.same({ 1, nil, 3 }, { ... })
          assert.is_false(waits.in_task())
          local ok
          ok, message = pcall(sleep, 0)
          assert.is_false(ok)
        end, 1, nil, 3)
        assert.is_true(waits.in_task())
      end)
      assert.matches("hoopai.sleep cannot be called inside on.spec: it would have to wait", message, 1, true)
      assert.are.equal("block", waits.mode("the spec"))
    end)

    it("that raises or yields is warned of, and the call goes on", function()
      local text, ok = child.run [[
        warn "@on"
        local wait = require "hoopai.async.wait"
        wait.call_hook("on.first", function() error("broken", 0) end)
        wait.call_hook("on.second", function()
          local _ <close> = setmetatable({}, { __close = function() print "closed" end })
          coroutine.yield()
        end)
        print "went on"
      ]]
      assert.is_true(ok, text)
      assert.matches("Lua warning: hoopai: error in on.first: broken", text, 1, true)
      assert.matches("Lua warning: hoopai: error in on.second: a hook may not yield", text, 1, true)
      assert.matches("closed", text, 1, true)
      assert.matches("went on", text, 1, true)
    end)

    it("that raises closes its variables, within the hook", function()
      local text, ok = child.run [[
        warn "@on"
        local wait = require "hoopai.async.wait"
        wait.call_hook("on.first", function()
          local _ <close> = setmetatable({}, { __close = function()
            print(select(2, pcall(require("hoopai").sleep, 0)))
          end })
          error("broken", 0)
        end)
        require("hoopai").sleep(0)
        print "went on"
      ]]
      assert.is_true(ok, text)
      assert.matches("hoopai.sleep cannot be called inside on.first", text, 1, true)
      assert.matches("Lua warning: hoopai: error in on.first: broken", text, 1, true)
      assert.matches("went on", text, 1, true)
    end)
  end)
end)
