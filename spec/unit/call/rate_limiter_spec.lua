-- The line in which the calls to one location wait for a permit.

local core = require "hoopai.core"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local rate_limiter = require "hoopai.call.rate_limiter"
local servers = require "spec.support.server"

local TOKEN = "pit-0b3c4d5e-rate-limiter-spec"
local CALENDAR = { method = "GET", path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] }

local function never() return false end
local function ignore() end

--- A rate limiter whose last response stated a limit, or closed it for some seconds.
local function limited(given)
  local limiter = rate_limiter.new()
  limiter.counter:acquire()
  local stated = given.max and { max = given.max, interval_ms = given.interval_ms }
  limiter.counter:record(core.now(), stated, true)
  if given.pause then limiter.counter:pause(core.now(), given.pause) end
  return limiter
end

--- Releases a permit whose request was not sent.
local function release(limiter)
  limiter.counter:release()
  limiter:serve()
end

local function timed(fn, ...)
  local begun = core.now()
  local results = table.pack(fn(...))
  return core.now() - begun, table.unpack(results, 1, results.n)
end

describe("a rate limiter", function()
  before_each(leak.before)
  after_each(function() leak.after() end)

  for mode, run in pairs { block = function(fn) return fn() end, task = hoopai.run } do
    describe("in mode " .. mode, function()
      it("gives a permit at once when there is room", function()
        run(function()
          local seconds, ok = timed(function() return rate_limiter.new():acquire(mode, nil, never, error) end)
          assert.is_true(ok)
          assert.is_true(seconds < 1)
        end)
      end)

      it("waits until there is room, and says once for how long", function()
        local limiter = limited { max = 1, interval_ms = 500 }
        local waits = {}
        run(function()
          local seconds, ok = timed(function()
            return limiter:acquire(mode, nil, never, function(wait) waits[#waits + 1] = wait end)
          end)
          assert.is_true(ok)
          assert.is_true(seconds >= waits[1] - 0.01 and seconds < 5, seconds)
        end)
        assert.are.equal(1, #waits)
        assert.is_true(waits[1] > 0 and waits[1] <= 0.51, waits[1])
      end)

      it("does not begin a wait that is known to last beyond the deadline", function()
        local limiter = limited { max = 1, interval_ms = 20000 }
        run(function()
          local seconds, ok, why, wait = timed(
            function() return limiter:acquire(mode, core.now() + 10, never, error) end
          )
          assert.is_nil(ok)
          assert.are.equal("late", why)
          assert.is_true(wait > 10 and wait <= 20.3, wait)
          assert.is_true(seconds < 5, seconds)
        end)
      end)

      it("does not wait for a pause that is longer than a minute", function()
        local limiter = limited { pause = 90 }
        run(function()
          local ok, why, seconds = limiter:acquire(mode, nil, never, error)
          assert.is_nil(ok)
          assert.are.equal("burst", why)
          assert.is_true(seconds > 50 and seconds <= 60, seconds) -- until a probe
        end)
      end)

      it("ends when the client is closed: before the wait, or by the hook", function()
        local limiter = limited { max = 1, interval_ms = 20000 }
        run(function()
          assert.are.same({ nil, "closed" }, { limiter:acquire(mode, nil, function() return true end, error) })
          local is_closed = false
          local seconds, ok, why = timed(function()
            return limiter:acquire(mode, nil, function() return is_closed end, function() is_closed = true end)
          end)
          assert.is_nil(ok)
          assert.are.equal("closed", why)
          assert.is_true(seconds < 5, seconds)
        end)
      end)
    end)
  end

  --- A rate limiter that was closed for long, a minute ago.
  local function due()
    local limiter = limited {}
    limiter.counter:pause(core.now() - 60, 3600)
    return limiter
  end

  it("refuses a blocking call while the probe of a task is in flight, and gives it the next permit", function()
    local limiter = due()
    assert.is_true(hoopai.run(function() return limiter:acquire("task", nil, never, error) end))
    local ok, why, seconds = limiter:acquire("block", nil, never, error)
    assert.are.same({ nil, "burst" }, { ok, why })
    assert.is_true(seconds > 40 and seconds <= 60, seconds)
    limiter.counter:release()
    assert.is_true(limiter:acquire("block", nil, never, error))
  end)

  it("gives one of the line the permit of a probe when it is due", function()
    local limiter, order = limited {}, {}
    limiter.counter:pause(core.now() - 59.7, 90) -- the rest would be waited for
    hoopai.run(function()
      for index = 1, 3 do
        hoopai.spawn(function()
          assert.is_true(limiter:acquire("task", nil, never, ignore))
          order[#order + 1] = index
        end)
      end
      hoopai.sleep(0.1)
      assert.are.same({}, order)
      hoopai.sleep(0.5)
      assert.are.same({ 1 }, order)
      limiter.counter:record(core.now(), nil, true)
      limiter:serve()
    end)
    assert.are.same({ 1, 2, 3 }, order)
  end)

  it("waits for the response of a probe no longer than the deadline", function()
    local limiter = due()
    hoopai.run(function()
      assert.is_true(limiter:acquire("task", nil, never, error))
      local seconds, ok, why = timed(function() return limiter:acquire("task", core.now() + 0.1, never, error) end)
      assert.are.same({ nil, "late" }, { ok, why })
      assert.is_true(seconds >= 0.1 and seconds < 5, seconds)
    end)
  end)

  it("gives the next of the line the permit of a probe that was cancelled before it was resumed", function()
    local limiter = limited {}
    limiter.counter:pause(core.now() - 59.9, 90)
    hoopai.run(function()
      local tasks = {}
      for index = 1, 2 do
        tasks[index] = hoopai.spawn(function() return limiter:acquire("task", nil, never, ignore) end)
      end
      hoopai.sleep(0)
      tasks[1]:cancel()
      assert.is_true(tasks[2]:join())
    end)
    assert.are.equal(0, limiter.waiting + limiter.leaving)
  end)

  --- Takes all permits that are given while no limit is known.
  local function exhausted()
    local limiter = rate_limiter.new()
    local count = 0
    while limiter.counter:try(core.now()) do
      count = count + 1
    end
    assert.are.equal(20, count)
    return limiter
  end

  it("wakes the first of the line when a permit is released", function()
    local limiter = exhausted()
    local order = {}
    hoopai.run(function()
      for index = 1, 3 do
        hoopai.spawn(function()
          assert.is_true(limiter:acquire("task", nil, never, error)) -- a wait of unknown length: no hook is called
          order[#order + 1] = index
        end)
      end
      for released = 1, 3 do
        hoopai.sleep(0.01)
        assert.are.equal(released - 1, #order)
        release(limiter)
        hoopai.sleep(0.01)
        assert.are.equal(released, #order)
      end
    end)
    assert.are.same({ 1, 2, 3 }, order)
  end)

  --- Ends the request of one permit with a response that states a limit, or none.
  local function respond(limiter, stated)
    limiter.counter:record(core.now(), stated, true)
    limiter:serve()
  end

  --- Lets tasks wait in the line. Returns the order in which they go on, and a function that returns how many turns of
  -- the scheduler pass until none is left.
  local function line_of(limiter, count, outcomes)
    local order = {}
    for index = 1, count do
      hoopai.spawn(function()
        local ok, why = limiter:acquire("task", outcomes and outcomes.deadline, never, ignore)
        order[#order + 1] = index
        if outcomes then outcomes[index] = why or ok end
      end)
    end
    hoopai.sleep(0)
    assert.are.equal(count, limiter.waiting)
    return order,
      function()
        local turns = 0
        while #order < count do
          assert.is_true(turns < 50, "it takes too many turns")
          hoopai.sleep(0)
          turns = turns + 1
        end
        return turns
      end
  end

  for name, stated in pairs { ["a limit with room for all"] = { max = 100000 }, ["none"] = false } do
    it("lets all go at once and in order when a response states " .. name, function()
      local limiter = exhausted()
      hoopai.run(function()
        local order, turns = line_of(limiter, 500)
        respond(limiter, stated or nil)
        assert.is_true(turns() <= 3)
        for index = 1, 500 do
          assert.are.equal(index, order[index])
        end
      end)
      assert.are.equal(0, limiter.waiting + limiter.leaving)
    end)
  end

  it("lets as many go as the limit allows, and the others at the end of the interval", function()
    local limiter = exhausted()
    hoopai.run(function()
      local order, turns = line_of(limiter, 60)
      respond(limiter, { max = 50, interval_ms = 300 }) -- 19 in flight, and one that counts for an interval
      hoopai.sleep(0)
      assert.are.equal(30, #order)
      hoopai.sleep(0)
      assert.are.equal(30, #order)
      hoopai.sleep(0.45)
      assert.are.equal(31, #order) -- that one
      for _ = 1, 29 do
        limiter.counter:release()
      end
      limiter:serve()
      turns()
      for index = 1, 60 do
        assert.are.equal(index, order[index])
      end
    end)
  end)

  it("lets no later caller pass those that have their permit and were not resumed yet", function()
    local limiter = exhausted()
    hoopai.run(function()
      local order, turns = line_of(limiter, 40)
      respond(limiter)
      assert.is_true(limiter:acquire("task", nil, never, error)) -- a permit is free: 39 wait to be resumed
      assert.are.equal(40, #order)
      assert.are.equal(0, turns())
      assert.are.equal(0, limiter.waiting)
    end)
  end)

  it("refuses all at once when the API asks for a pause that is not waited for", function()
    for why, stated in pairs {
      daily = { max = 100, daily_remaining = 0, daily_reset_ms = 3600000 },
      late = { max = 1, interval_ms = 20000 },
    } do
      local limiter, outcomes = exhausted(), { deadline = core.now() + 10 }
      hoopai.run(function()
        local _, turns = line_of(limiter, 300, outcomes)
        respond(limiter, stated)
        assert.is_true(turns() <= 3)
      end)
      for index = 1, 300 do
        assert.are.equal(why, outcomes[index])
      end
    end
  end)

  it("gives the permit of a task that was cancelled before it was resumed to the next one", function()
    local limiter = exhausted()
    hoopai.run(function()
      local tasks = {}
      for index = 1, 3 do
        tasks[index] = hoopai.spawn(function() return limiter:acquire("task", nil, never, error) end)
      end
      hoopai.sleep(0)
      release(limiter) -- the first has the permit now
      tasks[1]:cancel()
      assert.is_true(tasks[2]:join())
      tasks[3]:cancel()
    end)
    assert.are.equal(0, limiter.waiting + limiter.leaving)
  end)

  it("stays in order when memory is exhausted while a permit is given", function()
    local limiter = rate_limiter.new()
    local counter, is_exhausted = limiter.counter, true
    limiter.counter = setmetatable({
      acquire = function()
        if is_exhausted then
          is_exhausted = false
          error("not enough memory", 0)
        end
        counter:acquire()
      end,
    }, {
      __index = function(_, name)
        return function(_, ...) return counter[name](counter, ...) end
      end,
    })
    local function acquire() return limiter:acquire("task", nil, never, ignore) end
    local ok, problem = pcall(hoopai.run, acquire)
    assert.is_false(ok)
    assert.are.equal("not enough memory", problem)
    assert.are.same({ 0, 0 }, { limiter.waiting, limiter.leaving })
    local acquired = hoopai.map({ 1, 2, 3 }, function()
      assert(acquire())
      hoopai.sleep(0)
      release(limiter)
      return true
    end)
    assert.are.same({ true, true, true, n = 3 }, acquired)
  end)

  it("passes over those that gave up", function()
    local limiter = exhausted()
    hoopai.run(function()
      local tasks = {}
      for index = 1, 4 do
        tasks[index] = hoopai.spawn(function() return limiter:acquire("task", nil, never, error) end)
      end
      hoopai.sleep(0)
      tasks[2]:cancel()
      tasks[3]:cancel()
      release(limiter)
      assert.is_true(tasks[1]:join())
      release(limiter)
      assert.is_true(tasks[4]:join())
    end)
    assert.are.equal(0, limiter.waiting + limiter.leaving)
  end)

  it("lets a task wait in the line no longer than its deadline", function()
    local limiter = exhausted()
    hoopai.run(function()
      local first = hoopai.spawn(function() return limiter:acquire("task", core.now() + 1.5, never, ignore) end)
      hoopai.sleep(0)
      -- The second waits for the lock of the line, and not for the permit.
      local seconds, ok, why = timed(function() return limiter:acquire("task", core.now() + 0.1, never, ignore) end)
      assert.are.same({ nil, "late" }, { ok, why })
      assert.is_true(seconds >= 0.1 and seconds < 1.2, seconds)
      local _, first_why = first:join()
      assert.are.equal("late", first_why)
    end)
  end)

  it(
    "gives a blocking caller a permit while no limit is known: nothing can end while it waits",
    function() assert.is_true(exhausted():acquire("block", nil, never, error)) end
  )

  it("lets the next one wait when the first is cancelled", function()
    local limiter = exhausted()
    hoopai.run(function()
      local first = hoopai.spawn(function() return limiter:acquire("task", nil, never, error) end)
      local second = hoopai.spawn(function() return limiter:acquire("task", nil, never, error) end)
      hoopai.sleep(0.01)
      first:cancel()
      release(limiter)
      assert.is_true(second:join())
    end)
  end)

  it("ends the wait of all when the client is closed", function()
    local limiter, is_closed = exhausted(), false
    hoopai.run(function()
      local tasks = {}
      for index = 1, 3 do
        tasks[index] = hoopai.spawn(function()
          return limiter:acquire("task", nil, function() return is_closed end, error)
        end)
      end
      hoopai.sleep(0.01)
      is_closed = true
      limiter:wake()
      for _, task in ipairs(tasks) do
        assert.are.same({ nil, "closed" }, { task:join() })
      end
    end)
  end)
end)

describe("the calls of a client", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  before_each(leak.before)
  after_each(function() leak.after(server) end)

  it("stand in no line once there is room for all in it", function()
    local RateLimiter = getmetatable(rate_limiter.new()).__index
    local acquire, acquired = RateLimiter.acquire, 0
    local restored <close> = -- luacheck: ignore 211
      setmetatable({}, { __close = function() RateLimiter.acquire = acquire end })
    function RateLimiter.acquire(...)
      acquired = acquired + 1
      return acquire(...)
    end
    local client = leak.client { token = TOKEN, base_url = server.url, rate_limit = true, max_connections = 40 }
    server:reply {
      method = "GET",
      path = "/calendars/c",
      body = CALENDAR.body,
      always = true,
      delay = 0.2,
      headers = { ["X-RateLimit-Max"] = "100000" },
    }
    hoopai.run(function()
      for _ = 1, 40 do
        hoopai.spawn(function()
          for _ = 1, 3 do
            assert(client.calendars:get("c"))
          end
        end)
      end
    end)
    -- Those that found no rate limit stated yet, and the second calls that were made before these had gone on.
    assert.is_true(acquired >= 20 and acquired <= 40, acquired)
  end)

  it("are sent in the order in which they were made, when the limit becomes known", function()
    local sent = {}
    local client = leak.client {
      token = TOKEN,
      base_url = server.url,
      max_connections = 100,
      on = { request = function(event) sent[#sent + 1] = event.path end },
    }
    server:reply { body = CALENDAR.body, always = true, delay = 0.1, headers = { ["X-RateLimit-Max"] = "100000" } }
    hoopai.run(function()
      for index = 1, 60 do
        hoopai.spawn(function()
          assert(client.calendars:get("first" .. index))
          assert(client.calendars:get("later" .. index))
        end)
      end
    end)
    assert.are.equal(120, #sent)
    for index = 1, 60 do
      assert.are.equal("/calendars/first" .. index, sent[index])
    end
  end)
end)
