-- The request budget of one location, on a clock of its own: never over it, never far below it.

local core = require "hoopai.core"
local core_http = require "spec.support.core_http"
local test_server = require "spec.support.server"

local huge = math.huge

--------------------------------------------------------------------------------------- simulated servers and callers

--- A server that counts in windows of fixed length. Without `phase` the first begins with the first request, as in the
-- sandbox; with it they lie on a grid.
local function fixed_window(most, interval, phase)
  local server = { over = 0, most = most, interval = interval, used = 0, ends = phase and phase - interval or -huge }
  function server:arrive(now, foreign)
    if now >= self.ends then
      self.used = 0
      self.ends = phase and self.ends + ((now - self.ends) // interval + 1) * interval or now + interval
    end
    if self.used >= most then
      if not foreign then self.over = self.over + 1 end
      return false, 0
    end
    self.used = self.used + 1
    return true, most - self.used
  end
  return server
end

--- A server that looks back over the last interval from each request.
local function sliding_window(most, interval)
  local server = { over = 0, most = most, interval = interval }
  local times, first = {}, 1
  function server:arrive(now)
    while times[first] and times[first] <= now - interval do
      first = first + 1
    end
    if #times - first + 1 >= most then
      self.over = self.over + 1
      return false, 0
    end
    times[#times + 1] = now
    return true, most - (#times - first + 1)
  end
  return server
end

--- Makes `calls` requests, `concurrency` at a time, with random latencies on both ways.
-- @treturn number when the last answer came
-- @treturn integer how many were sent
local function simulate(server, given)
  local limiter, random = given.limiter or core.rate_limiter(), given.random
  local now, events, sequence = 0, {}, 0
  local function at(time, what)
    sequence = sequence + 1
    local index = #events + 1
    while index > 1 and events[index - 1].time < time do
      events[index] = events[index - 1]
      index = index - 1
    end
    events[index] = { time = time, what = what } -- the earliest is the last; of two at a time the older one is first
  end
  local sent, running, ended = 0, 0, 0
  local try
  local function send()
    limiter:acquire()
    sent, running = sent + 1, running + 1
    local arrives = now + random() * given.latency
    at(arrives, function()
      local _, remaining = server:arrive(now)
      at(now + random() * given.latency, function()
        running, ended = running - 1, ended + 1
        local told = given.told and given.told(ended, server, remaining)
        limiter:record(now, told or nil, true)
        try()
      end)
    end)
  end
  local alarm
  function try()
    while sent < given.calls and running < given.concurrency do
      local left = limiter:wait(now)
      if left == 0 then
        send()
      else
        assert(left, "the simulated gate is closed")
        if left < huge and alarm ~= now + left then
          alarm = now + left
          at(alarm, try)
        end
        return
      end
    end
  end
  try()
  while #events > 0 do
    local event = table.remove(events)
    now = event.time
    event.what()
  end
  assert(ended == given.calls, "the simulation stands still")
  return now, sent
end

local function telling(_, server, remaining)
  return { max = server.most, interval_ms = server.interval * 1000, remaining = remaining }
end

--- Random numbers that are the same in every run.
local function new_random(seed)
  local state = seed
  return function()
    state = (state * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
    return (state >> 20) / (1 << 43)
  end
end

describe("limiter:", function()
  describe("500 calls at 100 per 10 s", function()
    local servers = {
      ["windows that begin with a request"] = function() return fixed_window(100, 10) end,
      ["a sliding window"] = function() return sliding_window(100, 10) end,
    }
    for phase = 0, 9 do
      servers[("windows on a grid, %d s on"):format(phase)] = function() return fixed_window(100, 10, phase + 0.5) end
    end
    for title, new_server in pairs(servers) do
      it("stay within the budget and take the least time: " .. title, function()
        for seed = 1, 8 do
          local server = new_server()
          local concurrency = ({ 16, 100, 500, 64 })[seed % 4 + 1]
          local ended = simulate(server, {
            calls = 500,
            concurrency = concurrency,
            latency = 0.02 * seed / 2,
            told = telling,
            random = new_random(seed),
          })
          assert.are.equal(0, server.over)
          assert.is_true(ended < 42, ("%g s of 40 s"):format(ended))
        end
      end)
    end

    it("stay within the budget however slow the answers are", function()
      for seed = 1, 10 do
        for _, new_server in pairs(servers) do
          local server = new_server()
          simulate(server, {
            calls = 500,
            concurrency = 200,
            latency = 4,
            told = telling,
            random = new_random(seed),
          })
          assert.are.equal(0, server.over)
        end
      end
    end)

    it("stay within the budget where every other answer tells nothing, or not all", function()
      for seed = 1, 10 do
        local server = sliding_window(100, 10)
        local ended = simulate(server, {
          calls = 500,
          concurrency = 100,
          latency = 0.05,
          random = new_random(seed),
          told = function(number, window, remaining)
            local told = telling(number, window, remaining)
            if number == 1 then return told end
            if number % 2 == 0 then return nil end
            told[({ "max", "remaining", "interval_ms" })[number % 3 + 1]] = nil
            return told
          end,
        })
        assert.are.equal(0, server.over)
        assert.is_true(ended < 42, ("%g s of 40 s"):format(ended))
      end
    end)

    it("go on at once where the server has no budget", function()
      local server = fixed_window(huge, 10)
      local ended = simulate(server, { calls = 500, concurrency = 500, latency = 0.1, random = new_random(1) })
      assert.is_true(ended < 1, ended)
    end)
  end)

  it("a budget known beforehand holds from the first request on", function()
    local server = sliding_window(5, 1)
    local ended = simulate(server, {
      calls = 25,
      concurrency = 25,
      latency = 0.005,
      random = new_random(1),
      limiter = core.rate_limiter { max = 5, interval = 1 },
    })
    assert.are.equal(0, server.over)
    assert.is_true(ended >= 4 and ended < 4.2, ended)
  end)

  describe("before the first answer", function()
    it("20 requests are sent, and the others wait for it", function()
      local limiter = core.rate_limiter()
      for _ = 1, 20 do
        assert.are.equal(0, limiter:wait(0))
        limiter:acquire()
      end
      assert.are.equal(huge, limiter:wait(0))
      limiter:record(0.1, { max = 25, interval_ms = 10000, remaining = 24 }, true)
      for _ = 1, 5 do
        assert.are.equal(0, limiter:wait(0.1))
        limiter:acquire()
      end
      assert.are.equal(10, limiter:wait(0.1))
    end)

    it("an attempt that found nobody leaves it unknown", function()
      local limiter = core.rate_limiter()
      for _ = 1, 20 do
        limiter:acquire()
      end
      limiter:record(0, nil, false)
      assert.are.equal(0, limiter:wait(0))
      limiter:acquire()
      assert.are.equal(huge, limiter:wait(0))
    end)

    it("an answer without headers is one without a budget", function()
      local limiter = core.rate_limiter()
      limiter:acquire()
      limiter:record(0, nil, true)
      for _ = 1, 1000 do
        assert.are.equal(0, limiter:wait(0))
        limiter:acquire()
      end
    end)
  end)

  --- A limiter that has learnt these headers at the time 0, from the first request.
  local function taught(told)
    local limiter = core.rate_limiter()
    limiter:acquire()
    limiter:record(0, told, true)
    return limiter
  end

  --- How many requests may be sent at this moment; they are answered at once.
  local function room(limiter, now)
    local count = 0
    while limiter:wait(now) == 0 do
      limiter:acquire()
      count = count + 1
      if count > 10000 then return huge end
    end
    for _ = 1, count do
      limiter:record(now, nil, true)
    end
    return count
  end

  describe("headers", function()
    it("that are garbage change nothing", function()
      assert.are.equal(huge, room(taught {}, 0))
      assert.are.equal(huge, room(taught { max = 0, interval_ms = 0, remaining = 0 }, 0))
      assert.are.equal(9, room(taught { max = 10, interval_ms = 0 }, 0))
      assert.are.equal(9, room(taught { max = 10, remaining = 5000 }, 0))
      assert.are.equal(0, room(taught { max = 10, remaining = 0, interval_ms = 1 << 49 }, 0))
    end)

    it("that name no interval mean 10 s", function()
      local limiter = taught { max = 1 }
      assert.are.equal(10, limiter:wait(0))
      assert.are.equal(0, limiter:wait(10))
    end)

    it("may lower and raise the budget at any time", function()
      local limiter = taught { max = 100, interval_ms = 1000 }
      assert.are.equal(99, room(limiter, 0))
      limiter = taught { max = 100, interval_ms = 1000 }
      for _ = 1, 49 do
        limiter:acquire()
      end
      limiter:record(0, { max = 10 }, true)
      assert.are.equal(1, limiter:wait(0))
      limiter:record(0, { max = 60 }, true)
      assert.are.equal(10, room(limiter, 0))
    end)

    it("may change the interval", function()
      local limiter = taught { max = 1, interval_ms = 10000 }
      assert.are.equal(10, limiter:wait(0))
      limiter:acquire()
      limiter:record(0, { interval_ms = 500 }, true)
      assert.are.equal(0.5, limiter:wait(0))
      assert.are.equal(0, limiter:wait(0.5))
    end)

    it("with an interval too long to be waited for let the call fail, until a probe may be sent", function()
      for _, interval_ms in ipairs { 3600000, 999999999999999 } do
        local limiter = taught { max = 1, interval_ms = interval_ms }
        assert.are.same({ nil, "burst", 60 }, { limiter:wait(0) })
        assert.are.same({ nil, "burst", 10 }, { limiter:wait(50) })
        assert.are.equal(0, limiter:wait(60))
      end
    end)

    it("show what others use", function()
      local limiter = taught { max = 10, interval_ms = 1000, remaining = 4 }
      assert.are.equal(4, room(limiter, 0))
      assert.are.equal(1, limiter:wait(0))
      assert.are.equal(10, room(limiter, 1))
    end)

    it("do not let the same use of others count twice", function()
      local limiter = taught { max = 10, interval_ms = 1000, remaining = 6 } -- 3 are others'
      limiter:acquire()
      limiter:record(0, { remaining = 5 }, true)
      assert.are.equal(5, room(limiter, 0))
    end)

    it("do not take our requests in flight for those of others", function()
      local limiter = taught { max = 10, interval_ms = 1000, remaining = 9 }
      for _ = 1, 5 do
        limiter:acquire()
      end
      limiter:record(0.1, { remaining = 4 }, true)
      assert.are.equal(4, room(limiter, 0.1))
    end)
  end)

  it("a request takes its place until one interval after its answer", function()
    local limiter = taught { max = 1, interval_ms = 1000 }
    limiter:wait(1)
    limiter:acquire()
    assert.are.equal(huge, limiter:wait(1.5)) -- it is in flight
    assert.are.equal(huge, limiter:wait(5))
    limiter:record(5, nil, true)
    assert.are.equal(1, limiter:wait(5))
    assert.are.equal(0, limiter:wait(6))
  end)

  it("a request without an answer takes a place, one that never left does not", function()
    local limiter = taught { max = 3, interval_ms = 1000 }
    limiter:acquire()
    limiter:record(0, nil, false)
    assert.are.equal(0, limiter:wait(0))
    limiter:acquire()
    assert.are.equal(1, limiter:wait(0))
    limiter:release()
    assert.are.equal(0, limiter:wait(0))
  end)

  describe("after a 429", function()
    it("the gate is closed until the stated time, and a shorter one does not open it", function()
      local limiter = taught { max = 100, interval_ms = 1000 }
      limiter:pause(0, 5)
      limiter:pause(1, 1)
      assert.are.equal(5, limiter:wait(0))
      assert.are.equal(0.5, limiter:wait(4.5))
      assert.are.equal(0, limiter:wait(5))
    end)

    it("so it is where nothing is known of the budget", function()
      local limiter = core.rate_limiter()
      limiter:acquire()
      limiter:record(0, nil, true)
      limiter:pause(0, 10)
      assert.are.equal(10, limiter:wait(0))
      assert.are.equal(huge, room(limiter, 10))
    end)

    it("a long pause is not waited for, and none is longer than a day", function()
      local limiter = core.rate_limiter()
      limiter:pause(0, 61)
      assert.are.same({ nil, "burst", 60 }, { limiter:wait(0) })
      assert.are.equal(59, limiter:wait(1)) -- for the probe: the rest of the pause would be waited for
      limiter:pause(0, 1e15)
      assert.are.same({ nil, "burst", 60 }, { limiter:wait(0) })
      assert.is_true(limiter:try(86399))
      assert.are.equal(huge, (limiter:wait(86399))) -- the probe
      assert.are.equal(0, limiter:wait(86400))
    end)
  end)

  describe("a day that is used up", function()
    it("lets calls fail until it is over", function()
      local limiter = taught { max = 100, interval_ms = 1000, daily_remaining = 0, daily_reset_ms = 5000 }
      assert.are.same({ nil, "daily", 5 }, { limiter:wait(0) })
      assert.are.same({ nil, "daily", 1 }, { limiter:wait(4) })
      assert.are.equal(0, limiter:wait(5))
    end)

    it("whose end is not told is believed for a minute", function()
      local limiter = taught { daily_remaining = 0 }
      assert.are.same({ nil, "daily", 60 }, { limiter:wait(0) })
      assert.are.equal(0, limiter:wait(60))
    end)

    it("is never longer than a day", function()
      local limiter = taught { daily_remaining = 0, daily_reset_ms = 999999999999999 }
      assert.are.same({ nil, "daily", 600 }, { limiter:wait(0) })
      assert.is_true(limiter:try(86399))
      assert.are.equal(huge, (limiter:wait(86399))) -- the probe
      assert.are.equal(0, limiter:wait(86400))
    end)

    it(
      "is not one with a request left",
      function() assert.are.equal(0, taught({ max = 5, daily_remaining = 1, daily_reset_ms = 5000 }):wait(0)) end
    )
  end)

  describe("a probe", function()
    -- Title -> a limiter that holds requests back for an hour from the time 0, the seconds until a probe, the scope.
    local cases = {
      ["of a pause"] = function()
        local limiter = core.rate_limiter()
        limiter:pause(0, 3600)
        return limiter, 60, "burst"
      end,
      ["of an interval"] = function() return taught { max = 1, interval_ms = 3600000 }, 60, "burst" end,
      ["of a day"] = function() return taught { daily_remaining = 0, daily_reset_ms = 3600000 }, 600, "daily" end,
      ["of a day and a pause"] = function()
        local limiter = taught { daily_remaining = 0, daily_reset_ms = 3600000 }
        limiter:pause(0, 3600)
        return limiter, 600, "daily"
      end,
      ["of a day, a pause and an interval"] = function()
        local limiter = taught { max = 1, interval_ms = 3600000, daily_remaining = 0, daily_reset_ms = 3600000 }
        limiter:pause(0, 3600)
        return limiter, 600, "daily"
      end,
    }

    for title, new in pairs(cases) do
      it(title .. " may be sent after the period of the hold, and no other request", function()
        local limiter, period, scope = new()
        assert.are.same({ nil, scope, period }, { limiter:wait(0) })
        assert.is_false(limiter:try(period - 1))
        assert.are.equal(0, limiter:wait(period))
        assert.is_true(limiter:try(period))
        assert.is_false(limiter:try(period))
        assert.are.same({ huge, scope, period - 5 }, { limiter:wait(period + 5) })
      end)

      it(title .. " that gets a response ends the hold", function()
        local limiter, period = new()
        assert.are.equal(0, limiter:wait(period))
        limiter:acquire(period)
        assert.is_false(limiter:try(period))
        limiter:record(period + 1, nil, true)
        assert.are.equal(huge, room(limiter, period + 1))
      end)

      it(title .. " leaves only what its response states", function()
        local limiter, period = new()
        assert.is_true(limiter:try(period))
        limiter:record(period, { max = 10, interval_ms = 1000, remaining = 4 }, true)
        assert.are.equal(4, room(limiter, period))
        assert.are.equal(1, limiter:wait(period))
        limiter, period = new()
        assert.is_true(limiter:try(period))
        limiter:record(period, { max = 10 }, true)
        assert.are.equal(9, room(limiter, period))
        assert.are.equal(10, limiter:wait(period))
      end)

      it(title .. " that is refused too begins the next period", function()
        local limiter, period = new()
        for attempt = 1, 3 do
          local moment = attempt * 3600 + period
          assert.is_true(limiter:try(moment))
          limiter:record(moment, nil, true)
          limiter:pause(moment, 3600 * 24)
          assert.are.same({ nil, "burst", 60 }, { limiter:wait(moment) })
          assert.is_false(limiter:try(moment + 59))
          assert.is_true(limiter:try(moment + 60))
          limiter:record(moment + 60, { daily_remaining = 0, daily_reset_ms = 3600 * 24 * 1000 }, true)
          assert.are.same({ nil, "daily", 600 }, { limiter:wait(moment + 60) })
        end
      end)

      it(title .. " without a response ends nothing: the next one is sent a period later", function()
        local limiter, period, scope = new()
        assert.is_true(limiter:try(period))
        limiter:record(period + 5, nil, false)
        assert.is_false(limiter:try(period + 5))
        local left, found, seconds = limiter:wait(period + 10)
        assert.are.same({ nil, scope }, { left, found })
        assert.is_true(seconds <= period - 5, seconds)
        assert.is_true(limiter:try(2 * period + 5))
      end)

      it(title .. " that is not recorded does not hold the others for longer than a period", function()
        local limiter, period = new()
        assert.is_true(limiter:try(period))
        assert.is_false(limiter:try(2 * period - 1))
        assert.is_true(limiter:try(2 * period))
        assert.is_false(limiter:try(2 * period))
      end)

      it(title .. " that was not sent lets another one go at once", function()
        local limiter, period = new()
        for _ = 1, 3 do
          assert.is_true(limiter:try(period))
          assert.is_false(limiter:try(period))
          limiter:release()
        end
        assert.are.equal(0, limiter:wait(period))
      end)
    end

    it("is not needed where the hold ends sooner", function()
      local limiter = taught { max = 2, interval_ms = 30000 }
      assert.are.equal(1, room(limiter, 0))
      limiter:pause(0, 45)
      assert.is_false(limiter:try(44))
      assert.are.equal(2, room(limiter, 45))
      limiter = taught { daily_remaining = 0, daily_reset_ms = 500000 }
      assert.is_false(limiter:try(499))
      assert.are.equal(huge, room(limiter, 500))
    end)

    it("waits a minute from the newest statement", function()
      local limiter = core.rate_limiter()
      limiter:acquire()
      limiter:acquire()
      limiter:record(0, nil, true)
      limiter:pause(0, 3600)
      limiter:record(30, nil, true)
      limiter:pause(30, 3600)
      assert.is_false(limiter:try(89))
      assert.is_true(limiter:try(90))
    end)

    it("of a pause is not put off by a day that has ended", function()
      local limiter = taught { daily_remaining = 0, daily_reset_ms = 30000 }
      limiter:pause(0, 3600)
      assert.is_false(limiter:try(59))
      assert.is_true(limiter:try(60))
    end)
  end)

  it("one location's use is none of another's", function()
    local one, other = taught { max = 1, interval_ms = 1000 }, taught { max = 5, interval_ms = 1000 }
    one:pause(0, 30)
    assert.are.equal(30, one:wait(0))
    assert.are.equal(4, room(other, 0))
  end)

  describe("try", function()
    it("takes a request where there is room now, and says so", function()
      local limiter = taught { max = 3, interval_ms = 1000 }
      assert.is_true(limiter:try(0))
      assert.is_true(limiter:try(0))
      assert.is_false(limiter:try(0))
      assert.are.equal(1, limiter:wait(0))
      limiter:release()
      assert.is_true(limiter:try(0))
      assert.is_true(limiter:try(1))
      assert.is_false(limiter:try(1))
    end)

    it("takes nothing while the gate is closed, the day is over or no answer has come", function()
      local limiter = taught { max = 3, interval_ms = 1000, daily_remaining = 0, daily_reset_ms = 5000 }
      assert.is_false(limiter:try(0))
      limiter:pause(0, 50)
      assert.is_false(limiter:try(5))
      assert.is_false(limiter:try(49))
      assert.are.equal(3, room(limiter, 50))
      limiter = core.rate_limiter()
      for _ = 1, 20 do
        assert.is_true(limiter:try(0))
      end
      assert.is_false(limiter:try(0))
    end)
  end)

  describe("of a transfer", function()
    local server, multi

    setup(function() server = test_server.start() end)
    teardown(function() server:stop() end)
    before_each(function()
      server:reset()
      multi = core.multi { http2 = false }
    end)
    after_each(function() multi:close() end)

    local function answered(headers)
      server:reply { body = "{}", headers = headers }
      return core_http.fetch(multi, server.url .. "/")
    end

    it("the headers are read", function()
      local limiter = taught(answered {
        ["X-RateLimit-Max"] = "10",
        ["x-ratelimit-interval-milliseconds"] = "500",
        ["X-RATELIMIT-REMAINING"] = "4",
        ["X-RateLimit-Daily-Remaining"] = "7",
        ["X-RateLimit-Limit-Daily"] = "200000",
      })
      assert.are.equal(4, room(limiter, 0))
      assert.are.equal(0.5, limiter:wait(0))
      assert.are.equal(10, room(limiter, 0.5))
      limiter = taught(answered { ["X-RateLimit-Daily-Remaining"] = "0", ["X-RateLimit-Daily-Reset"] = "5000" })
      assert.are.same({ nil, "daily", 5 }, { limiter:wait(0) })
    end)

    it("that are no numbers, or have too many digits, are none", function()
      for _, value in ipairs { "", "-1", "1.5", "1e3", "0x10", "nan", "9999999999999999", ("9"):rep(400) } do
        local limiter = taught(answered {
          ["X-RateLimit-Max"] = value,
          ["X-RateLimit-Remaining"] = value,
          ["X-RateLimit-Daily-Remaining"] = value,
        })
        assert.are.equal(huge, room(limiter, 0))
      end
    end)

    it("with the largest numbers are believed for a day", function()
      local most = ("9"):rep(15)
      local limiter = taught(answered {
        ["X-RateLimit-Max"] = most,
        ["X-RateLimit-Remaining"] = "0",
        ["X-RateLimit-Interval-Milliseconds"] = most,
      })
      assert.are.same({ nil, "burst", 60 }, { limiter:wait(0) })
      assert.is_true(limiter:try(86399))
      assert.are.equal(huge, (limiter:wait(86399))) -- the probe
      assert.are.equal(0, limiter:wait(86400))
    end)

    it("without such headers there is no budget, where it is an answer", function()
      local transfer = answered()
      assert.are.equal(huge, room(taught(transfer), 0))
      local limiter = core.rate_limiter()
      for _ = 1, 20 do
        limiter:acquire()
      end
      limiter:record(0, transfer, false)
      assert.are.equal(0, limiter:wait(0))
      limiter:acquire()
      assert.are.equal(huge, limiter:wait(0))
    end)

    it("that was never sent, or is closed, nothing is learnt", function()
      local limiter = taught { max = 3, interval_ms = 1000 }
      local transfer = answered { ["X-RateLimit-Max"] = "1" }
      transfer:close()
      limiter:acquire()
      limiter:record(0, transfer, true)
      assert.are.equal(0, limiter:wait(0))
      transfer = core_http.add(multi, server.url .. "/")
      limiter:acquire()
      limiter:record(0, transfer, false)
      assert.are.equal(1, limiter:wait(0))
    end)
  end)

  describe("when the server changes the interval, from a millisecond", function()
    --- How many requests could be sent at this moment.
    local function free(limiter, now)
      local count = 0
      while limiter:try(now) do
        count = count + 1
      end
      for _ = 1, count do
        limiter:release()
      end
      return count
    end

    it("to ten seconds, no request becomes free before its time, but some later", function()
      local limiter = taught { max = 1000, interval_ms = 1 }
      local function use(count, step, told)
        for number = 1, count do
          limiter:acquire()
          limiter:record(number * step, told, true)
        end
      end
      use(90, 0.000011)
      use(1, 0.00099, { interval_ms = 10000 })
      assert.are.equal(908, free(limiter, 0.00099))
      use(890, 0.01) -- more parts than are kept
      assert.are.equal(18, free(limiter, 8.9))
      assert.are.equal(18, free(limiter, 9.99))
      local first = free(limiter, 10.001)
      assert.is_true(first >= 18 + 90 and first <= 18 + 92, first)
      local second = free(limiter, 18.89)
      assert.is_true(second > first and second < 300, second)
      assert.are.equal(1000, free(limiter, 18.91))
    end)

    it("to a day and back, the last millisecond is counted", function()
      local limiter = taught { max = 1000, interval_ms = 1 }
      for number = 1, 10000 do
        assert(limiter:try(number * 5e-6), number)
        limiter:record(number * 5e-6, { interval_ms = number % 2 == 1 and 1 or 86400000 }, true)
      end
      local counted = 1000 - free(limiter, 0.05)
      assert.is_true(counted >= 200 and counted <= 206, counted)
    end)
  end)

  describe("hostile numbers", function()
    it("in a table are those a header can hold, or none", function()
      local never = { -1, math.mininteger, math.maxinteger, 1000000000000000, 0.5, 0 / 0, huge, -huge, "x", {}, true }
      for _, value in ipairs(never) do
        local limiter = taught {
          max = value,
          remaining = value,
          interval_ms = value,
          daily_remaining = value,
          daily_reset_ms = value,
        }
        assert.are.equal(huge, room(limiter, 0))
        limiter = taught { max = 5, interval_ms = 1000, remaining = value }
        assert.are.equal(4, room(limiter, 0))
      end
    end)

    it("add up without an overflow", function()
      local most = 999999999999999
      local limiter = taught { max = most, interval_ms = most, remaining = 0 }
      for _ = 1, 10000 do
        limiter:acquire()
        limiter:record(0, { max = most, remaining = 0 }, true)
        limiter:acquire()
        limiter:record(0, { max = 1, remaining = most }, true)
      end
      assert.are.same({ nil, "burst", 60 }, { limiter:wait(0) })
      assert.are.equal(0, limiter:wait(86400))
    end)

    it("are no pause", function()
      local limiter = taught { max = 5 }
      limiter:pause(0, 0 / 0)
      limiter:pause(0, -huge)
      assert.are.equal(0, limiter:wait(0))
      limiter:pause(0, huge)
      assert.are.same({ nil, "burst", 60 }, { limiter:wait(0) })
    end)

    it("are no time, and no budget known beforehand", function()
      local limiter = taught { max = 5 }
      for _, value in ipairs { 0 / 0, huge, -huge } do
        for _, name in ipairs { "wait", "try", "record", "pause" } do
          assert.has_error(function() limiter[name](limiter, value, nil, true) end)
        end
        assert.has_error(function() core.rate_limiter { max = 1, interval = value } end)
        assert.has_error(function() core.rate_limiter { max = value } end)
      end
      assert.has_error(function() core.rate_limiter {} end)
      assert.has_error(function() core.rate_limiter { max = 0 } end)
      assert.has_error(function() core.rate_limiter { max = 1, interval = 0 } end)
      assert.has_error(function() limiter:record(0, "told", true) end)
      assert.has_error(function() limiter:record(0, core.rate_limiter(), true) end)
      assert.are.equal(4, room(limiter, 0)) -- nothing of all that was counted
    end)
  end)

  it("a clock that stands still frees nothing, and one part holds all", function()
    local limiter = taught { max = 5000, interval_ms = 1 }
    assert.are.equal(5000, room(limiter, 7))
    for _ = 1, 1000 do
      assert.is_false(limiter:try(7))
    end
    assert.are.equal(5000, room(limiter, 8))
  end)

  it("what it keeps does not grow", function()
    -- 1000 a second are 10000 in its interval, and what becomes free a hundredth of it late.
    local limiter = core.rate_limiter { max = 10200, interval = 10 }
    local told = { max = 10200, interval_ms = 10000, daily_remaining = 5 }
    local function use(from, to)
      for step = from, to do
        limiter:acquire()
        limiter:record(step / 1000, told, true)
        assert(limiter:wait(step / 1000) == 0)
        assert(limiter:try(step / 1000))
        limiter:release()
      end
    end
    use(1, 20000)
    collectgarbage()
    collectgarbage("stop")
    local before = collectgarbage("count")
    use(20001, 200000)
    local after = collectgarbage("count")
    collectgarbage("restart")
    assert.are.equal(before, after)
  end)
end)

describe("a rate limiter that is shared", function()
  local function recorded(stated)
    local limiter = core.rate_limiter()
    limiter:share(true)
    limiter:acquire()
    limiter:record(100, stated, true)
    return limiter
  end

  it("does not count the requests of other programs", function()
    local limiter = recorded { max = 5, interval_ms = 10000, remaining = 0 }
    assert.are.equal(0, limiter:wait(100))
    limiter:share(false)
    limiter:acquire()
    limiter:record(101, { max = 5, interval_ms = 10000, remaining = 0 }, true)
    assert.is_true(limiter:wait(101) > 0)
  end)

  it("tells what it has observed", function()
    assert.are.same({ -1, 10000, -1, -1, -1, -math.huge }, { core.rate_limiter():observed() })
    local stated = { max = 5, interval_ms = 2500, remaining = 3, daily_remaining = 70, daily_reset_ms = 9000 }
    local limiter = recorded(stated)
    assert.are.same({ 5, 2500, 3, 70, 9000, 100.0 }, { limiter:observed() })
    limiter:acquire()
    limiter:record(101, nil, true)
    assert.are.same({ 5, 2500, 3, 70, 9000, 100.0 }, { limiter:observed() })
    assert.are.same({ 0, 10000, -1, -1, -1, -math.huge }, { recorded(nil):observed() })
  end)

  it("takes the end of a day from another program", function()
    local limiter = recorded { max = 5, interval_ms = 10000, remaining = 3 }
    limiter:hold_day(100, 50)
    limiter:hold_day(100, 20)
    assert.are.same({ nil, "daily", 49.0 }, { limiter:wait(101) })
    assert.are.equal(0, limiter:wait(151))
  end)
end)
