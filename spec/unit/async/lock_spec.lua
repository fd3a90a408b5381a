-- Locks between tasks.

local async = require "spec.support.async"
local core = require "hoopai.core"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local locks = require "hoopai.async.lock"

local run, spawn, sleep = hoopai.run, hoopai.spawn, hoopai.sleep
local log = async.log

describe("locks", function()
  before_each(leak.before)
  after_each(function() leak.after() end)

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
    assert.are.same({ "in1", "out1", "in2", "out2", "in3", "out3", "in4", "out4", "in5", "out5" }, seen)
  end)

  it("say whether the running task holds them", function()
    local lock = locks.new()
    run(function()
      lock:check "the spec"
      local hold <close> = lock:acquire "the spec" -- luacheck: ignore 211
      local ok, message = pcall(lock.check, lock, "the spec")
      assert.is_false(ok)
      assert.matches("the spec is already running in this program", message, 1, true)
      spawn(function() lock:check "the spec" end):join()
    end)
    lock:check "the spec"
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

  it("are waited for until the deadline", function()
    local lock = locks.new()
    run(function()
      local holder = spawn(function()
        local hold <close> = lock:acquire("the spec") -- luacheck: ignore 211
        sleep(600)
      end)
      sleep(0)
      local task = spawn(function() return lock:acquire("the spec", core.now() + 0.01) == nil end)
      sleep(0)
      assert.is_true(task:join())
      holder:cancel()
      local again <close> = assert(lock:acquire("the spec")) -- luacheck: ignore 211
    end)
  end)

  it("cannot be acquired twice by one task", function()
    local lock = locks.new()
    run(function()
      local hold <close> = lock:acquire("the spec") -- luacheck: ignore 211
      local ok, message = pcall(lock.acquire, lock, "the spec")
      assert.is_false(ok)
      assert.matches("the spec is already running in this program", message, 1, true)
    end)
  end)
end)
