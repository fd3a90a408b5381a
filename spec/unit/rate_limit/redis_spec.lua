-- The script, against a real Redis. Programs are leases here, in mode "block".

local core = require "hoopai.core"
local hoopai = require "hoopai"
local redis = require "spec.support.redis"
local shared = require "hoopai.rate_limit.redis"

local KEY = "hoopai:rate:app/L1"

describe("hoopai.rate_limit.redis", function()
  local server

  setup(function() server = redis.start() end)
  teardown(function() server:stop() end)
  before_each(function() server.admin:flushall() end)

  local function call_of(target) return (target or server):call() end

  --- A program: `problems` are what it was notified of.
  local function program(options)
    options = options or {}
    local provider = shared.new { call = options.call or call_of() }
    provider.lease_ms = options.lease_ms or provider.lease_ms
    local problems = {}
    local lease = provider:lease(
      options.app or "app",
      options.location or "L1",
      function(problem) problems[#problems + 1] = problem or false end
    )
    lease.limiter = { waiting = 0, leaving = 0, serve = function() end }
    lease.problems = problems
    return lease
  end

  --- Acquires a permit; or false and the seconds of the wait, or nil and what else `wait` returns.
  local function permit(lease)
    lease:prepare "block"
    local moment = core.now()
    local seconds, scope = lease:wait(moment)
    if seconds ~= 0 then return false, seconds, scope end
    lease:acquire(moment)
    return true
  end

  --- Lets the requests of all its permits end.
  local function finish(lease, stated)
    while lease.in_flight > 0 do
      lease:record(core.now(), stated, true)
    end
  end

  --- How many permits a program gets, at most so many.
  local function count(lease, most)
    local got = 0
    while got < most and permit(lease) do
      got = got + 1
    end
    return got
  end

  --- Makes the limit known.
  local function state(lease, stated)
    assert.is_true(permit(lease))
    finish(lease, stated)
  end

  --- Reports the requests that have ended to Redis, and returns the other permits.
  local function report(lease)
    lease:give_back()
    lease.next_ask = -math.huge
  end

  it("is one limit for all programs, until one interval after the responses", function()
    local one, two = program(), program()
    state(one, { max = 10, interval_ms = 600, remaining = 9 })
    report(one)
    assert.are.equal(4, count(one, 4))
    local got = 5 + count(two, 100)
    assert.is_true(got < 10) -- the others may be needed by one
    assert.are.equal(10, got + count(one, 100))
    assert.is_false((permit(one)))
    core.sleep(0.7)
    assert.are.equal(1, count(one, 100) + count(two, 100)) -- those in flight count for as long as that lasts
    finish(one, { max = 10, interval_ms = 600 })
    finish(two, { max = 10, interval_ms = 600 })
    assert.are.equal(0, count(one, 100) + count(two, 100))
    core.sleep(0.7)
    one.next_ask = -math.huge
    assert.is_true(count(one, 100) > 0)
  end)

  it("knows the limit still after a response without headers, as that of a gateway", function()
    local one, two = program(), program()
    state(one, { max = 5, interval_ms = 60000, remaining = 4 })
    report(one)
    assert.is_true(permit(two))
    two:record(core.now(), nil, true)
    report(two)
    assert.are.equal("5", server.admin:hget(KEY, "max"))
    assert.is_true(count(two, 100) <= 3)
  end)

  it("has one limit for each location and app", function()
    state(program(), { max = 2, interval_ms = 60000, remaining = 1 })
    program { location = "L2" }:prepare "block"
    program { app = "other" }:prepare "block"
    local keys = server.admin:keys "*"
    table.sort(keys)
    assert.are.same({ KEY, "hoopai:rate:app/L2", "hoopai:rate:other/L1" }, keys)
    assert.is_true(server.admin:pttl(KEY) > 60000)
  end)

  it("asks Redis a few times for many permits", function()
    local asked, call = 0, call_of()
    local busy = program {
      call = function(...)
        asked = asked + 1
        return call(...)
      end,
    }
    state(busy, { max = 100000, interval_ms = 10000, remaining = 99999 })
    for _ = 1, 5000 do
      assert.is_true(permit(busy))
      finish(busy, { max = 100000, interval_ms = 10000 })
    end
    assert.is_true(asked < 30, tostring(asked))
  end)

  it("loses the lease of a program that died, until an interval after its end", function()
    local other = program()
    state(other, { max = 10, interval_ms = 1000, remaining = 9 })
    report(other)
    local time = server.admin:time()
    local expires = time[1] * 1000 + time[2] // 1000 + 300
    server.admin:hset(KEY, "h:dead", ("9 %d 1"):format(expires))
    local got, ends, began = 0, core.now() + 20, core.now()
    while got < 5 and core.now() < ends do
      core.sleep(0.02)
      other.next_ask = -math.huge
      got = got + count(other, 5 - got)
    end
    assert.are.equal(5, got)
    assert.is_true(core.now() - began > 1) -- the lease, and an interval
  end)

  it("uses no permit of a lease that has expired, as after a stop of the program", function()
    local asked, call = 0, call_of()
    local stopped = program {
      lease_ms = 200,
      call = function(...)
        asked = asked + 1
        return call(...)
      end,
    }
    state(stopped, { max = 100, interval_ms = 500, remaining = 99 })
    report(stopped)
    stopped.size = 20
    assert.is_true(permit(stopped))
    assert.is_true(stopped.available > 5)
    core.sleep(0.25)
    assert.is_false(stopped:try(core.now()))
    local before = asked
    assert.is_true(permit(stopped))
    assert.are.equal(before + 1, asked)
  end)

  it("counts the requests of others, which the API's headers show", function()
    local one, two = program(), program()
    state(one, { max = 10, interval_ms = 2000, remaining = 2 }) -- 7 are of others
    report(one)
    assert.are.equal(2, count(one, 100) + one.available + count(two, 100) + two.available)
  end)

  it("believes a limit that the headers change", function()
    local one = program()
    state(one, { max = 100, interval_ms = 2000, remaining = 99 })
    report(one)
    assert.are.equal("100", server.admin:hget(KEY, "max"))
    state(one, { max = 5, interval_ms = 3000, remaining = 4 })
    report(one)
    assert.are.equal("5", server.admin:hget(KEY, "max"))
    assert.are.equal("3000", server.admin:hget(KEY, "interval"))
    assert.is_true(count(one, 100) <= 3)
  end)

  it("needs no limit where the API states none", function()
    local one = program()
    state(one, nil)
    assert.are.equal(500, count(one, 500))
  end)

  it("gives out no more than is left of a day, and all programs learn of its end", function()
    local one, two = program(), program()
    state(one, { max = 100, interval_ms = 500, remaining = 99, daily_remaining = 3, daily_reset_ms = 5000 })
    report(one)
    local got = count(one, 100)
    local ends = core.now() + 5
    while got < 3 and core.now() < ends do
      core.sleep(0.05)
      got = got + count(two, 100) + count(one, 100)
    end
    assert.are.equal(3, got)
    finish(two, nil)
    finish(one, nil)
    one:acquire(core.now())
    finish(one, { max = 100, interval_ms = 500, remaining = 96, daily_remaining = 0, daily_reset_ms = 5000 })
    report(one)
    report(two)
    local ok, seconds, scope = permit(two)
    assert.is_false(ok)
    assert.is_nil(seconds)
    assert.are.equal("daily", scope)
  end)

  it("lets all programs pause after a 429", function()
    local one, two = program(), program()
    state(one, { max = 100, interval_ms = 500, remaining = 99 })
    assert.is_true(permit(two))
    one:pause(core.now(), 30)
    report(one)
    report(two)
    local ok, seconds = permit(two)
    assert.is_false(ok)
    assert.is_true(seconds > 25 and seconds <= 30, tostring(seconds))
  end)

  it("takes no renewal that arrives late", function()
    local arguments, call = {}, call_of()
    local one = program {
      call = function(...)
        arguments[#arguments + 1] = table.pack(...)
        return call(...)
      end,
    }
    state(one, { max = 10, interval_ms = 60000, remaining = 9 })
    one.available = 0
    assert.is_true(permit(one))
    assert.are.equal(2, #arguments)
    local before = server.admin:hgetall(KEY)
    assert.are.same({ 0, 0, 0, 0 }, call(table.unpack(arguments[1], 1, arguments[1].n)))
    assert.are.same(before, server.admin:hgetall(KEY))
  end)

  describe("lets calls go on, and says what Redis refuses:", function()
    local function goes_on(lease, pattern)
      state(lease, { max = 3, interval_ms = 60000, remaining = 2 })
      assert.are.equal(1, #lease.problems)
      assert.matches(pattern, lease.problems[1])
      assert.is_nil(lease.problems[1]:find("\n", 1, true))
      assert.are.equal(2, count(lease, 100)) -- what the headers state
    end

    it("a wrong password", function()
      local guarded <close> = redis.start "--requirepass right-password"
      goes_on(program { call = call_of(guarded) }, "[Aa][Uu][Tt][Hh]")
    end)

    it("a key of another type", function()
      server.admin:set(KEY, "text")
      goes_on(program(), "WRONGTYPE")
      assert.are.equal("text", server.admin:get(KEY))
    end)

    it("a Redis that is full", function()
      server.admin:config("set", "maxmemory", "1")
      local ok, problem = pcall(goes_on, program(), "OOM")
      server.admin:config("set", "maxmemory", "0")
      assert.is_true(ok, tostring(problem))
    end)

    it("a part of a cluster", function()
      local node <close> = redis.start "--cluster-enabled yes"
      goes_on(program { call = call_of(node) }, "CLUSTERDOWN")
    end)

    it("a `call` that returns something else, or raises", function()
      goes_on(program { call = function() return nil end }, "returned nil without a problem")
      goes_on(program { call = function() return "OK" end }, "no list of four numbers")
      goes_on(program { call = function() return { 1, "x", 2, 3 } end }, "no list of four numbers")
      goes_on(program { call = function() error "broken\nin two lines" end }, "broken in two lines")
    end)

    it("one that is not there, and finds it again", function()
      local fragile <close> = redis.start()
      local lease = program { call = call_of(fragile) }
      state(lease, { max = 1000, interval_ms = 60000, remaining = 999 })
      fragile:kill()
      lease.available = 0
      assert.is_true(permit(lease))
      assert.are.equal(1, #lease.problems)
      assert.is_true(permit(lease)) -- without asking
      fragile:kill "again"
      lease.retry_at = core.now()
      assert.is_true(permit(lease))
      assert.are.equal(false, lease.problems[2])
      assert.matches("^%d+ %d+ %d+$", fragile.admin:hget(KEY, "h:" .. lease.id))
    end)
  end)

  it("counts in a task as well, and returns what is not used once nothing needs it", function()
    local one = program()
    one.limiter = nil
    local limiter = require("hoopai.call.rate_limiter").new(one)
    hoopai.run(function()
      assert.is_true(limiter:acquire("task", nil, function() return false end, error))
      finish(one, { max = 100, interval_ms = 500, remaining = 99 })
      assert.is_true(one.has_keeper)
      local deadline = core.now() + 20
      while one.has_keeper and core.now() < deadline do
        hoopai.sleep(0.05)
      end
      assert.is_nil(server.admin:hget(KEY, "h:" .. one.id))
    end)
  end)
end)
