--- The rate limit of each location: requests per interval and per day, with the headers of every response.
-- @module hoopai.sandbox.domain.rate_limit

local max, tointeger = math.max, math.tointeger
local format, setmetatable = string.format, setmetatable

local DAY = 86400000

local RateLimit = {}
RateLimit.__index = RateLimit

local function window(windows, key, now, length)
  local found = windows[key]
  if not found or now >= found.ends then
    found = { used = 0, ends = now + length }
    windows[key] = found
  end
  return found
end

local function digits(number) return format("%d", tointeger(number // 1)) end

--- Counts a request. A request over the limit is not counted.
-- @tparam string key a location, or "" for requests without a token
-- @treturn boolean whether the request is within the limit
-- @treturn table the headers of the response
function RateLimit:acquire(key)
  local now = self.clock()
  local burst, day = window(self.bursts, key, now, self.interval_ms), window(self.days, key, now, DAY)
  local allowed = burst.used < self.max and day.used < self.daily
  if allowed then
    burst.used, day.used = burst.used + 1, day.used + 1
  end
  return allowed,
    {
      ["x-ratelimit-limit-daily"] = digits(self.daily),
      ["x-ratelimit-daily-remaining"] = digits(max(self.daily - day.used, 0)),
      ["x-ratelimit-interval-milliseconds"] = digits(self.interval_ms),
      ["x-ratelimit-max"] = digits(self.max),
      ["x-ratelimit-remaining"] = digits(max(self.max - burst.used, 0)),
      ["x-ratelimit-daily-reset"] = digits(max(day.ends - now, 0)),
    }
end

--- A new rate limit, nothing of it used.
-- @tparam ?table|boolean limits `max`, `interval_ms`, `daily`; false: practically none
-- @tparam function clock returns milliseconds of a monotonic clock
-- @treturn table
local function new(limits, clock)
  if limits == false then limits = { max = 1000000, daily = 100000000 } end
  limits = limits or {}
  return setmetatable({
    max = limits.max or 100,
    interval_ms = limits.interval_ms or 10000,
    daily = limits.daily or 200000,
    clock = clock,
    bursts = {},
    days = {},
  }, RateLimit)
end

return { new = new }
