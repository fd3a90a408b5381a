-- The library in the loops of others: the same cases (spec/support/hosts.lua) over every adapter, each in a process of
-- its own, since a loop is chosen once. copas stands for its contract: see spec/support/modules/copas.lua.

local child = require "spec.support.child"
local servers = require "spec.support.server"

local LOOPS = { "blocking", "luv", "cqueues", "copas", "custom", "callback" }

describe("in the loop of", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(function()
    server:reply(
      { path = "/calendars/missing", always = true, status = 404, body = [[{"message":"no"}]] },
      { path = "/calendars/stalled", always = true, steps = { { stall = true } } })
  end)
  after_each(function() server:reset() end)

  --- Runs a case to its end. Returns what it printed.
  -- @tparam[opt=0.005] number delay seconds that an answer takes
  local function run(loop, case, delay)
    server:reply { always = true, delay = delay or 0.005, expand = true, body = [[{"calendar":{"id":"$last"}}]] }
    local text, ok = child.run(("arg = { [0] = 'hosts.lua', %q, %q, %q } dofile 'spec/support/hosts.lua'"):format(
      loop, case, server.url))
    assert.is_true(ok, text)
    server:wait("busy", "exactly", 0)
    return text
  end

  for _, loop in ipairs(LOOPS) do
    describe(loop, function()
      it("calls run side by side, and a timer of the host beside them", function()
        local elapsed, ticks = run(loop, "parallel", 0.2):match("elapsed (%S+) ticks (%d+)")
        -- One after another they would take 10 s; the bench says what it takes on an idle machine.
        assert.is_true(tonumber(elapsed) < 8, elapsed)
        assert.is_true(tonumber(ticks) >= 3, ticks)
        assert.are.equal(50, #server:ledger())
      end)

      it("many calls each get their own answer", function() assert.are.equal("", run(loop, "many")) end)

      it("errors go to the coroutine they belong to", function() assert.are.equal("", run(loop, "errors")) end)

      it("cancel aborts the transfer", function()
        assert.are.equal("", run(loop, "cancel"))
        server:wait("ended", "exactly", 1)
        assert.are.equal("gone", server:last().outcome)
      end)

      it("time runs out", function() assert.are.equal("", run(loop, "timeout")) end)

      it("a client is closed with calls in flight", function()
        assert.are.equal("", run(loop, "close"))
        assert.are.equal("", run(loop, "close_from_outside"))
      end)

      it("the loop ends when nothing waits, and begins anew; without it calls block", function()
        assert.are.equal("", run(loop, "idle"))
      end)

      it("timers of the host spawn and cancel", function() assert.are.equal("", run(loop, "spawn_and_cancel")) end)

      it("a wait that begins during a longer one is not late", function()
        assert.are.equal("", run(loop, "shorter_wait"))
      end)

      it("a failure that nobody joined is told, and does not end the host", function()
        local text = run(loop, "unjoined")
        assert.matches("nobody listens", text, 1, true)
        if loop == "blocking" then return assert.matches("run raised", text, 1, true) end
        assert.matches("Lua warning: hoopai: a task failed, and nobody joined it: [^\n]*hosts.lua:%d+: nobody", text)
        assert.matches("host lives", text, 1, true)
      end)

      it("a failure that is joined late is not told", function() assert.are.equal("", run(loop, "joined_late")) end)

      it("tasks that wait for each other do not keep it going", function()
        assert.matches("deadlock: .*2 tasks wait for each other", run(loop, "deadlock"))
      end)

      it("another one cannot be chosen", function()
        assert.matches("use(another): the loop of this program is " .. loop .. " already", run(loop, "use_twice"),
          1, true)
        assert.matches("use(" .. loop .. ") must come before the first call", run(loop, "use_late"), 1, true)
      end)

      it("a task cannot step it", function()
        assert.matches("hosts.lua:%d+: hoopai: hoopai.loop.step was called by a task", run(loop, "step_in_a_task"))
      end)

      it("waiting does not spin", function() assert.are.equal("", run(loop, "rest", 0.4)) end)

      it("a task that never waits for long starves nobody", function() assert.are.equal("", run(loop, "greedy")) end)

      it("what runs in the background comes to its end", function()
        assert.are.equal("", run(loop, "background"))
      end)

      it("cancels and timeouts at random moments lose nothing", function()
        assert.are.equal("", run(loop, "storm"))
      end)

      it("the state is closed with calls in flight", function()
        assert.are.equal("leaving\n", run(loop, "exit"))
        server:wait("open", "exactly", 0)
      end)
    end)
  end

  for _, loop in ipairs { "luv", "cqueues", "copas", "custom", "callback" } do
    it(loop .. " tasks that compute leave the host its turns", function()
      assert.are.equal("", run(loop, "turns"))
    end)
  end

  for _, loop in ipairs { "luv", "cqueues", "copas", "callback" } do
    it(loop .. " a call outside of any task raises and says what to do", function()
      local lines = {}
      for line in run(loop, "foreign"):gmatch("[^\n]+") do lines[#lines + 1] = line end
      assert.are.equal(5, #lines)
      for index, what in ipairs { "calendars:get", "hoopai.sleep", "hoopai.run", "hoopai.map", "task:join" } do
        assert.matches("hoopai: " .. what .. " cannot wait here while the loop of " .. loop, lines[index], 1, true)
        assert.matches("hoopai.spawn", lines[index], 1, true)
      end
      assert.are.equal(0, #server:ledger())
    end)
  end

  describe("cqueues", function()
    it("calls wait in its own coroutines", function() assert.are.equal("", run("cqueues", "own_coroutines")) end)

    it("a coroutine may be closed while it waits", function()
      assert.are.equal("", run("cqueues", "own_coroutine_closed"))
    end)

    it("controllers may be nested", function() assert.are.equal("", run("cqueues", "two_controllers")) end)

    it("nobody would run a task that is spawned outside of them", function()
      assert.matches("hoopai.spawn needs a running loop: call it in a coroutine of cqueues", run("cqueues",
        "spawn_outside"), 1, true)
    end)
  end)

  for _, loop in ipairs { "luv", "copas" } do
    it(loop .. " an error of the library's own code does not end the host", function()
      assert.matches("^Lua warning: hoopai: [^\n]*hosts.lua:%d+: broken\n$", run(loop, "broken_step"))
    end)
  end

  describe("luv", function()
    it("handles may be closed by the host", function()
      assert.are.equal("", run("luv", "walk"))
      assert.are.equal("", run("luv", "walk_in_a_task"))
    end)

    it("is touched no more when it is closed", function()
      assert.are.equal("", run("luv", "loop_closed"))
    end)
  end)

  it("a child process, the parent's is left alone", function()
    assert.are.equal("", run("custom", "fork", 0.1))
  end)

  it("nobody: what is no loop is refused", function()
    local text = child.run [[
      local hoopai = require "hoopai"
      for _, wrong in ipairs { "luv", {}, print } do print(select(2, pcall(hoopai.use, wrong))) end
      print(select(2, pcall(function() return hoopai.loop.lvu end)))
      print(select(2, pcall(function() return hoopai.loop[1] end)))
      print(pcall(hoopai.spawn, print))
    ]]
    local lines = {}
    for line in text:gmatch("[^\n]+") do lines[#lines + 1] = line end
    for index, kind in ipairs { "string", "table", "function" } do
      assert.matches("hoopai.use expects a loop such as hoopai.loop.luv, got " .. kind, lines[index], 1, true)
    end
    assert.matches("hoopai.loop has no `lvu`, did you mean `luv`?", lines[4], 1, true)
    assert.matches("hoopai.loop has no `1`", lines[5], 1, true)
    assert.matches("false.*hoopai.spawn needs a running loop", lines[6])
  end)

  it("every adapter is short: at most 40 lines of code", function()
    for _, loop in ipairs { "blocking", "luv", "cqueues", "copas", "custom" } do
      local lines = 0
      for line in io.lines("lua/hoopai/loop/" .. loop .. ".lua") do
        if line:find("%S") and not line:find("^%s*%-%-") then lines = lines + 1 end
      end
      assert.is_true(lines > 0 and lines <= 40, loop .. " has " .. lines)
    end
  end)
end)
