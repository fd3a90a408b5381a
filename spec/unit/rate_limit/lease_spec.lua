-- With Redis: spec/unit/rate_limit/redis_spec.lua. Here a renewal that the spec writes.

local core = require "hoopai.core"
local hoopai = require "hoopai"
local leases = require "hoopai.rate_limit.lease"
local rate_limiter = require "hoopai.call.rate_limiter"

local function never() return false end
local function ignore() end

describe("hoopai.rate_limit.lease", function()
  local problems, asked, made

  before_each(function()
    problems, asked, made = {}, {}, {}
  end)

  -- Keepers go on in the background: those of one case would go on in the next one.
  after_each(function()
    hoopai.run(function()
      for _, limiter in ipairs(made) do
        limiter.counter.in_flight = 0
        while limiter.counter.has_keeper do
          hoopai.sleep(0.02)
        end
      end
    end)
  end)

  --- A rate limiter whose lease makes its renews with a function, which gets the arguments.
  local function limiter_of(renew, timeout)
    made[#made + 1] = rate_limiter.new(leases.new {
      renew = function(arguments)
        asked[#asked + 1] = arguments
        return renew(arguments)
      end,
      notify = function(problem) problems[#problems + 1] = problem or false end,
      id = "program",
      lease_ms = 5000,
      timeout = timeout or 0.5,
    })
    return made[#made]
  end

  --- Gives all that is wanted.
  local function generous(arguments) return { arguments[4], 0, 0, 0 } end

  local function acquire(limiter, mode) return limiter:acquire(mode or "task", nil, never, ignore) end

  it("gives permits to all calls that wait, after one renewal", function()
    local limiter = limiter_of(generous)
    hoopai.run(function()
      hoopai.map({ 1, 2, 3, 4, 5 }, function() assert.is_true(acquire(limiter)) end)
    end)
    assert.is_true(#asked <= 2)
    assert.are.equal(5, limiter.counter.in_flight)
  end)

  it("takes more permits before the last one is used, while calls go on", function()
    local waits = 0
    local limiter = limiter_of(function(arguments)
      hoopai.sleep(0.01)
      return generous(arguments)
    end)
    local lease = limiter.counter
    hoopai.run(function()
      for index = 1, 400 do
        if not lease:try(core.now()) then
          if index > 100 then waits = waits + 1 end
          acquire(limiter)
        end
        lease:record(core.now(), nil, true)
        hoopai.sleep(0.002)
      end
    end)
    assert.is_true(waits < 3, tostring(waits))
    assert.is_true(#asked < 40, tostring(#asked))
  end)

  it("does not wait longer than its time limit for Redis, and asks again later", function()
    local is_stuck, cut = true, false
    local limiter = limiter_of(function(arguments)
      if not is_stuck then return generous(arguments) end
      local guard <close> = setmetatable({}, { __close = function() cut = true end }) -- luacheck: ignore 211
      hoopai.sleep(1000)
    end, 0.1)
    local lease = limiter.counter
    hoopai.run(function()
      assert.is_true(acquire(limiter))
      assert.is_true(cut)
      assert.are.equal(1, #problems)
      assert.matches("not done within the 0.1 s", problems[1])
      for _ = 1, 5 do
        assert.is_true(lease:try(core.now())) -- nothing waits
      end
      assert.are.equal(1, #asked)
      is_stuck = false
      lease.retry_at = core.now()
      assert.is_true(acquire(limiter))
      local deadline = core.now() + 20
      while lease.is_away and core.now() < deadline do
        hoopai.sleep(0.01)
      end
      assert.are.equal(false, problems[2])
    end)
  end)

  it("blocks where no loop runs, and asks once for some permits", function()
    local limiter = limiter_of(generous)
    for _ = 1, 3 do
      assert.is_true(acquire(limiter, "block"))
    end
    assert.is_true(#asked <= 2)
  end)

  it("waits as long as there are no permits, and says so", function()
    local waits, count = {}, 0
    local limiter = limiter_of(function(arguments)
      count = count + 1
      if count < 3 then return { 0, 50, 0, 0 } end
      return generous(arguments)
    end)
    hoopai.run(function()
      assert.is_true(limiter:acquire("task", nil, never, function(seconds) waits[#waits + 1] = seconds end))
    end)
    assert.are.equal(3, count)
    assert.are.equal(1, #waits)
    assert.is_true(waits[1] <= 0.25)
    count = 0
    limiter.counter.available = 0
    assert.is_true(acquire(limiter, "block"))
    assert.are.equal(3, count)
  end)

  it("does not begin a wait that ends too late", function()
    local limiter = limiter_of(function() return { 0, 900, 0, 0 } end)
    hoopai.run(function()
      local ok, why = limiter:acquire("task", core.now() + 0.3, never, ignore)
      assert.is_nil(ok)
      assert.are.equal("late", why)
    end)
  end)

  it("reports each request that ended once, also those of the time of a renewal", function()
    local limiter, reported = nil, 0
    limiter = limiter_of(function(arguments)
      for index = 13, arguments.n, 2 do
        reported = reported + arguments[index]
      end
      if #asked == 2 then
        limiter.counter:acquire(core.now())
        limiter.counter:record(core.now(), nil, true)
      end
      return generous(arguments)
    end)
    local lease = limiter.counter
    for _ = 1, 100 do
      lease:acquire(core.now())
      lease:record(core.now(), nil, true)
      core.sleep(0.001)
    end
    for _ = 1, 3 do
      lease:give_back()
    end
    assert.are.equal(101, reported)
    assert.are.equal(0, lease.parts)
    assert.are.equal(0, lease.in_flight)
  end)

  it("reports again what a renewal without a result has lost", function()
    local limiter = limiter_of(function(arguments)
      if #asked == 1 then return nil, "broken" end
      return generous(arguments)
    end)
    local lease = limiter.counter
    lease:acquire(core.now())
    lease:record(core.now(), nil, true)
    lease:give_back()
    lease:give_back()
    assert.are.same({ 1, 1 }, { asked[1][13], asked[2][13] })
    assert.are.same({ "broken", false }, problems)
  end)

  it("gives back a permit that was not used", function()
    local limiter = limiter_of(generous)
    local lease = limiter.counter
    assert.is_true(acquire(limiter, "block"))
    local available = lease.available
    lease:release()
    assert.are.equal(available + 1, lease.available)
    assert.are.equal(0, lease.in_flight)
  end)

  it("has no permit more after the return of one that was not of the lease", function()
    local limiter = limiter_of(function() return nil, "away" end)
    local lease = limiter.counter
    lease:give_back()
    for _ = 1, 3 do
      assert.is_true(lease:try(core.now())) -- as Redis is away
    end
    lease:acquire(core.now())
    for _ = 1, 4 do
      lease:release()
    end
    assert.are.equal(0, lease.available)
    assert.are.equal(0, lease.in_flight)
    assert.are.equal(0, lease.unleased)
  end)

  it("reports a longer pause that was asked for during a renewal", function()
    local lease
    local limiter = limiter_of(function(arguments)
      if #asked == 1 then lease:pause(core.now(), 30) end
      return generous(arguments)
    end)
    lease = limiter.counter
    lease:pause(core.now(), 1)
    for _ = 1, 3 do
      lease:give_back()
    end
    assert.is_true(asked[1][12] > 900 and asked[1][12] <= 1000)
    assert.is_true(asked[2][12] > 29000 and asked[2][12] <= 30000)
    assert.are.equal(0, asked[3][12])
  end)
end)
