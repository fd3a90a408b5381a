-- The library in the loops of others: the same cases (spec/support/hosts.lua) over every adapter, each in a process of
-- its own, since a loop is chosen once. copas stands for its contract: see spec/support/modules/copas.lua.

local host_cases = require "spec.support.host_cases"
local servers = require "spec.support.server"

local LOOPS = { "blocking", "luv", "cqueues", "copas", "custom", "callback" }

describe("in the loop of", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(function() host_cases.prepare(server) end)
  after_each(function() server:reset() end)

  local function run(loop, case, delay) return host_cases.run(server, loop, case, delay) end

  for _, loop in ipairs(LOOPS) do
    describe(loop, function()
      it("calls run side by side, and a timer of the host beside them", function()
        local elapsed, ticks = run(loop, "parallel", 0.2):match("elapsed (%S+) ticks (%d+)")
        -- One after another they would take 10 s; the bench says what it takes on an idle machine.
        assert.is_true(tonumber(elapsed) < 8, elapsed)
        assert.is_true(tonumber(ticks) >= 3, ticks)
        assert.are.equal(50, #server:ledger())
      end)

      it("many calls each get their own response", function() assert.are.equal("", run(loop, "many")) end)

      it("lists are read to their end, and records are changed", function()
        local rooms = "/calendars/resources/rooms"
        server:reply(
          { path = rooms, body = [=[[{"id":"1"},{"id":"2"}]]=] },
          { path = rooms, body = [=[[{"id":"2"},{"id":"3"}]]=] },
          { path = rooms, body = "[]" },
          { path = rooms, body = [=[[{"id":"1"},{"id":"2"},{"id":"3"}]]=] },
          { path = rooms, body = "[]" },
          {
            path = "/calendars/blocked-slots",
            body = '{"events":[{"id":"b","startTime":"2026-12-01T12:00:00Z","endTime":"2026-12-01T13:00:00Z"}]}',
          },
          { path = "/calendars/appointments/a/notes", body = '{"notes":[null],"hasMore":true}' }
        )
        assert.are.equal("", run(loop, "lists"))
        assert.are.equal(10, #server:ledger())
      end)

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

      it(
        "the loop ends when nothing waits, and begins anew; without it calls block",
        function() assert.are.equal("", run(loop, "idle")) end
      )

      it("timers of the host spawn and cancel", function() assert.are.equal("", run(loop, "spawn_and_cancel")) end)

      it(
        "a wait that begins during a longer one is not late",
        function() assert.are.equal("", run(loop, "shorter_wait")) end
      )

      it("a failed task that is not joined is reported on stderr, and the host goes on", function()
        local text = run(loop, "unjoined")
        assert.matches("nobody listens", text, 1, true)
        if loop == "blocking" then return assert.matches("run raised", text, 1, true) end
        assert.matches("^hoopai: a task failed, and it was never joined: [^\n]*hosts.lua:%d+: nobody", text)
        assert.matches("host lives", text, 1, true)
      end)

      it(
        "a failed task that is joined late is not reported",
        function() assert.are.equal("", run(loop, "joined_late")) end
      )

      it(
        "tasks that wait for each other do not keep it going",
        function() assert.matches("deadlock: .*2 tasks wait for each other", run(loop, "deadlock")) end
      )

      it("another one cannot be chosen", function()
        assert.matches(
          "use(another): the loop of this program is " .. loop .. " already",
          run(loop, "use_twice"),
          1,
          true
        )
        assert.matches("use(" .. loop .. ") must come before the first call", run(loop, "use_late"), 1, true)
      end)

      it(
        "a task cannot step it",
        function()
          assert.matches("hosts.lua:%d+: hoopai: hoopai.loop.step was called by a task", run(loop, "step_in_a_task"))
        end
      )

      it("waiting does not spin", function() assert.are.equal("", run(loop, "rest", 0.4)) end)

      it("a task that never waits long starves no other", function() assert.are.equal("", run(loop, "greedy")) end)

      it("what runs in the background comes to its end", function() assert.are.equal("", run(loop, "background")) end)

      it("cancels and timeouts at random moments lose nothing", function() assert.are.equal("", run(loop, "storm")) end)

      it("the state is closed with calls in flight", function()
        assert.are.equal("leaving\n", run(loop, "exit"))
        server:wait("open", "exactly", 0)
      end)
    end)
  end

  for _, loop in ipairs { "luv", "cqueues", "copas", "custom", "callback" } do
    it(loop .. " tasks that compute leave the host its turns", function() assert.are.equal("", run(loop, "turns")) end)
  end

  for _, loop in ipairs { "luv", "cqueues", "copas", "callback" } do
    it(loop .. " a call outside of any task raises and says what to do", function()
      local lines = {}
      for line in run(loop, "foreign"):gmatch("[^\n]+") do
        lines[#lines + 1] = line
      end
      assert.are.equal(5, #lines)
      for index, what in ipairs { "calendars:get", "hoopai.sleep", "hoopai.run", "hoopai.map", "task:join" } do
        assert.matches("hoopai: " .. what .. " cannot wait here while the loop of " .. loop, lines[index], 1, true)
        assert.matches("hoopai.spawn", lines[index], 1, true)
      end
      assert.are.equal(0, #server:ledger())
    end)
  end

  it("a child process, the parent's is left alone", function() assert.are.equal("", run("custom", "fork", 0.1)) end)
end)
