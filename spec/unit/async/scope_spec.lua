-- Scopes: which failures end them, and what they cancel.

local async = require "spec.support.async"
local child = require "spec.support.child"
local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local scopes = require "hoopai.async.scope"
local tasks = require "hoopai.async.task"
local wait = require "hoopai.async.wait"

local run, spawn, sleep = hoopai.run, hoopai.spawn, hoopai.sleep
local log = async.log

describe("scopes:", function()
  before_each(leak.before)
  after_each(function() leak.after() end)

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
      assert.are.equal(
        "result",
        run(function()
          local task = spawn(error, "noticed", 0)
          sleep(0.005)
          assert.are.equal("noticed", select(2, task:join()).cause)
          return "result"
        end)
      )
    end)

    it("is not kept once it was joined, and the first one that was not still makes run raise", function()
      local kept = setmetatable({}, { __mode = "v" })
      local held
      local function fail_and_join(index)
        local task = spawn(function() error({ index = index }) end)
        local _, err = task:join()
        kept[index] = err.cause
        held = held or task
      end
      local ok, problem = pcall(run, function()
        for index = 1, 20 do
          fail_and_join(index)
        end
        collectgarbage()
        collectgarbage()
        for index = 2, 18 do
          assert.is_nil(kept[index])
        end
        spawn(error, "unnoticed", 0)
        sleep(0)
        fail_and_join(21)
        return "result"
      end)
      assert.are.same({ false, "unnoticed" }, { ok, problem })
      assert.are.equal(1, select(2, held:join()).cause.index)
    end)

    it("is not that of a cancelled task", function()
      assert.are.equal(
        "result",
        run(function()
          local task = spawn(sleep, 600)
          sleep(0)
          task:cancel()
          return "result"
        end)
      )
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

  describe("a scope", function()
    it("cancels what still runs when it is left, the newest task first", function()
      local closed = {}
      run(function()
        do
          local scope <close> = scopes.new(wait.running())
          for index = 1, 4 do
            local task = scope:start(false, function()
              local _ <close> = async.closing(closed, index)
              sleep(600)
            end)
            if index == 2 then
              sleep(0)
              tasks.cancel(task)
            end
          end
          sleep(0)
          assert.are.equal(3, scope.count)
        end
        assert.are.same({ 2, 4, 3, 1 }, closed)
      end)
    end)

    it("is not kept, nor are its tasks, by a task that has ended", function()
      local kept, ended = setmetatable({}, { __mode = "k" }), nil
      run(function()
        for index = 1, 20 do
          local task = spawn(function()
            sleep(0)
            sleep(index % 2 / 100)
          end)
          if index == 10 then
            ended = task
          else
            kept[task] = true
          end
        end
      end)
      collectgarbage()
      collectgarbage()
      assert.are.equal("hoopai.Task (done)", tostring(ended))
      assert.is_nil(next(kept))
    end)

    it("cancels a task that leaves it itself when that next waits", function()
      local seen, note = async.log()
      run(function()
        local scope = scopes.new(wait.running())
        local task = scope:start(false, function()
          local _ <close> = async.closing(seen, "closed")
          getmetatable(scope).__close(scope)
          note "still running"
          sleep(600)
          note "resumed"
        end)
        expect.failure("cancelled", tasks.join(task))
        assert.are.same({ "still running", "closed" }, seen)
        assert.are.equal(0, scope.count)
      end)
    end)

    it("is waited for until the deadline, or until it is decided", function()
      run(function()
        local scope <close> = scopes.new(wait.running())
        scope:start(true, sleep, 600)
        scope:wait(core.now() + 0.01)
        assert.are.equal(1, scope.count)
        scope:start(true, function()
          sleep(0.01)
          scope:decide()
          error("not raised: it is decided")
        end)
        scope:wait()
        assert.are.equal(1, scope.count)
      end)
    end)

    it("raises the error of a critical task at once", function()
      run(function()
        local scope <close> = scopes.new(wait.running())
        scope:start(false, sleep, 600)
        scope:start(true, error, "critical", 0)
        assert.are.same({ false, "critical" }, { pcall(scope.wait, scope) })
      end)
    end)
  end)

  describe("a task whose joiner is cut off", function()
    local function failing()
      return hoopai.spawn(function()
        hoopai.sleep(0.02)
        error("boom", 0)
      end)
    end

    it("is not joined: a run raises its error", function()
      local ok, problem = pcall(hoopai.run, function()
        local task = failing()
        assert.are.equal("timeout", select(2, hoopai.timeout(0.001, task.join, task)).kind)
      end)
      assert.is_false(ok)
      assert.are.equal("boom", problem)
    end)

    it("is joined by a second caller that receives the error", function()
      assert.is_true(hoopai.run(function()
        local task = failing()
        assert.are.equal("timeout", select(2, hoopai.timeout(0.001, task.join, task)).kind)
        assert.are.equal("boom", select(2, task:join()).cause)
        return true
      end))
    end)
  end)

  describe("hoopai.on_task_error", function()
    local UNJOINED = [[
      local hoopai = require "hoopai"
      hoopai.use(hoopai.loop.custom)
      %s
      hoopai.spawn(function() hoopai.sleep(0) error({ code = 5 }) end)
      hoopai.spawn(function() error("text", 0) end)
      while hoopai.loop.busy() do hoopai.loop.step() end
      print "end"
    ]]

    it("is called with the error, the traceback and the task", function()
      local text, ok = child.run(UNJOINED:format [[
        hoopai.on_task_error(function(err, traceback, task)
          print(type(err) == "table" and err.code or err, #traceback > 0, (select(2, task:join()).kind))
        end)
      ]])
      assert.is_true(ok, text)
      assert.matches("5\ttrue\traised\n", text, 1, true)
      assert.matches("text\ttrue\traised\n", text, 1, true)
      assert.not_matches("never joined", text)
    end)

    it("by default prints on stderr, and nil restores that", function()
      for _, setting in ipairs { "", "hoopai.on_task_error(print) hoopai.on_task_error(nil)" } do
        local text, ok = child.run(UNJOINED:format(setting))
        assert.is_true(ok, text)
        assert.matches("hoopai: a task failed, and it was never joined: text\nstack traceback:", text, 1, true)
        assert.matches("end\n", text, 1, true)
      end
    end)

    it("may neither wait nor raise: that goes to warn()", function()
      local text, ok = child.run(UNJOINED:format [[
        warn "@on"
        hoopai.on_task_error(function(err)
          if err == "text" then error "broken" end
          hoopai.sleep(0)
        end)
      ]])
      assert.is_true(ok, text)
      assert.matches("Lua warning: hoopai: error in hoopai.on_task_error: [^\n]*broken\n", text)
      assert.matches("hoopai.sleep cannot be called inside hoopai.on_task_error", text, 1, true)
      assert.matches("end\n", text, 1, true)
    end)

    it("warns where there is no io library", function()
      local text, ok = child.run("local print = print warn '@on' io = nil\n" .. UNJOINED:format "")
      assert.is_true(ok, text)
      assert.matches("Lua warning: hoopai: a task failed, and it was never joined: text", text, 1, true)
    end)

    it("is called for those of a run beside the one that the run raises", function()
      local seen = {}
      hoopai.on_task_error(function(err) seen[#seen + 1] = err end)
      local ok, problem = pcall(run, function()
        for _, text in ipairs { "first", "second", "third" } do
          spawn(error, text, 0)
        end
        sleep(0)
      end)
      hoopai.on_task_error(nil)
      assert.is_false(ok)
      assert.are.equal("first", problem)
      assert.are.same({ "second", "third" }, seen)
    end)

    it("refuses what cannot be called", function()
      expect.misuse(function() hoopai.on_task_error("log") end, "hoopai.on_task_error expects a function, got string")
    end)
  end)
end)
