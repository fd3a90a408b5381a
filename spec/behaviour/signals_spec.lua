-- Signals that end a program: each wait lets Lua's hooks run at once.

local child = require "spec.support.child"
local expect = require "spec.support.expect"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

describe("Ctrl-C", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

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

-- A host stops a script by a debug hook that raises. The error comes at any instruction, also at those by which a loop
-- begins, ends and takes tasks off its lists. Whatever was interrupted, later calls must work.
describe("an error of a debug hook at each instruction of", function()
  local WORKS = {
    ["run and spawn"] = "spawn(sleep, 0) sleep(0) return spawn(function() sleep(0) return 1 end):join() == 1",
    ["map"] = "return map({ 1, 2, 3 }, function(x) sleep(0) return x end)[3] == 3",
    ["cancel and timeout"] = [[
      local task = spawn(sleep, 5)
      sleep(0)
      task:cancel()
      return select(2, hoopai.timeout(0.0001, sleep, 5)).kind == "timeout"
    ]],
    ["a call"] = "return client.calendars:get('c').id == 'c'",
    ["a task that fails"] = [[
      local task = spawn(function()
        local _ <close> = setmetatable({}, { __close = function() sleep(0) end })
        error "oops"
      end)
      return select(2, task:join()).kind == "raised"
    ]],
  }

  it("one task leaves the others as they are", function()
    local hoopai = require "hoopai"
    for count = 1, 250 do
      local woken = 0
      pcall(hoopai.run, function()
        for index = 1, 12 do
          hoopai.spawn(function()
            hoopai.sleep(0.004 + index / 10000)
            woken = woken + 1
          end)
        end
        hoopai.sleep(0)
        hoopai
          .spawn(function()
            local left = count
            debug.sethook(function()
              left = left - 1
              if left > 0 then return end
              debug.sethook()
              error("interrupted", 0)
            end, "", 1)
            hoopai.sleep(0.001)
            debug.sethook()
          end)
          :join()
        hoopai.sleep(0.01)
      end)
      assert.are.equal(12, woken, count)
    end
  end)
  -- Where the hook counts: the instructions or calls of the main coroutine alone (as Ctrl-C in `lua5.4`), or the
  -- instructions of all coroutines (as the hook that a C program sets).
  local HOOKS = { "instructions", "calls", "everywhere" }
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  before_each(leak.before)
  after_each(function()
    server:reset()
    leak.after()
  end)

  for name, work in pairs(WORKS) do
    for _, where in ipairs(HOOKS) do
      it(name .. " (" .. where .. ") leaves later runs as they are", function()
        server:reply { always = true, body = [[{"calendar":{"id":"c"}}]] }
        local text, ok = child.run(([[
          local url, where = %q, %q
          local armed, known = nil, setmetatable({}, { __mode = "k" })
          local create = coroutine.create
          function coroutine.create(fn)
            local co = create(fn)
            known[co] = true
            if armed then debug.sethook(co, armed, "", 1) end
            return co
          end
          local hoopai = require "hoopai"
          local client = hoopai.new { base_url = url, token = "t", location_id = "l", rate_limit = false }
          local run, spawn, sleep, map = hoopai.run, hoopai.spawn, hoopai.sleep, hoopai.map
          local function work() %s end
          hoopai.on_task_error(function() end) -- of tasks whose joiner was interrupted
          hoopai.preload()
          assert(run(work))
          local function disarm()
            armed = nil
            debug.sethook()
            for co in pairs(known) do debug.sethook(co) end
          end
          for count = 3, 4000 do
            local left, has_raised = count, false
            local function hook()
              left = left - 1
              if left > 0 then return end
              has_raised = true
              disarm()
              error("interrupted", 0)
            end
            pcall(function()
              if where == "everywhere" then armed = hook end
              debug.sethook(hook, where == "calls" and "cr" or "", where == "calls" and 0 or 1)
              run(work)
              disarm()
            end)
            disarm()
            for _ = 1, 2 do
              local ok, result = pcall(run, work)
              if not ok or not result then error(count .. ": " .. tostring(result)) end
            end
            if not has_raised then return print "all" end
          end
        ]]):format(server.url, where, work))
        assert.are.equal("all\n", text)
        assert.is_true(ok)
      end)
    end
  end

  it("a hook of the library does not leave calls refused as if it were still called", function()
    local text, ok = child.run [[
      local hoopai = require "hoopai"
      local wait = require "hoopai.async.wait"
      for count = 1, 60 do
        pcall(function()
          debug.sethook(function() debug.sethook() error("interrupted", 0) end, "", count)
          wait.call_hook("on.request", function() end)
          debug.sethook()
        end)
        debug.sethook()
        hoopai.sleep(0)
      end
      print "fine"
    ]]
    assert.are.equal("fine\n", text)
    assert.is_true(ok)
  end)
end)
