--- What all clients written in Lua share: arguments, the measured stretch, the line of results.
--
--   lua5.4 spec/bench/clients/X.lua URL KIND CONCURRENCY SECONDS REQUESTS WARM
--
-- First WARM requests are made that do not count, then REQUESTS or for SECONDS, whichever ends first.
local bodies = require "spec.bench.support.bodies"
local proc_status = require "spec.support.proc_status"

local clock = os.clock
local format = string.format

local meter = {}

local Meter = {}
Meter.__index = Meter

--- The time at which one more request begins, nil when there is none to make. Called by each client that is idle.
function Meter:more()
  if self.issued >= self.most then return nil end
  local moment = self.now()
  if moment >= self.ends then return nil end
  self.issued = self.issued + 1
  return moment
end

--- A request has ended that began at that time.
function Meter:took(begun)
  local moment = self.now()
  self.done = self.done + 1
  local index = self.done - self.warm
  if index > 0 then
    self.samples[self.is_counted and 1 or index] = moment - begun
  elseif index == 0 then
    self.begun, self.cpu, self.ends = moment, clock(), moment + self.seconds
  end
end

--- Prints the line of results that spec/bench/http_bench.lua reads: seconds, but microseconds for p50 and p99; KB.
function Meter:report()
  local seconds, cpu = self.now() - self.begun, clock() - self.cpu
  local peak, samples = proc_status "VmHWM" or 0, self.samples
  local count = #samples
  assert(count > 0, "nothing was measured")
  table.sort(samples)
  local function percentile(share) return samples[(count - 1) * share // 100 + 1] * 1e6 end
  print(
    format(
      "requests=%d seconds=%.6f cpu=%.6f p50=%.1f p99=%.1f rss=%d",
      self.done - self.warm,
      seconds,
      cpu,
      percentile(50),
      percentile(99),
      peak
    )
  )
end

--- Begins. `now` is a clock in seconds.
function meter.new(now)
  local base, kind, concurrency, seconds, requests, warm = table.unpack(arg, 1, 6)
  local self = setmetatable({
    base = base,
    kind = kind,
    url = base .. bodies.paths[kind],
    concurrency = tonumber(concurrency),
    seconds = tonumber(seconds),
    limit = tonumber(requests),
    warm = tonumber(warm),
    now = now,
    issued = 0,
    done = 0,
    samples = {},
    ends = math.huge,
    is_counted = os.getenv("BENCH_COUNTED") == "1", -- instructions are: few may keep and sort the samples
  }, Meter)
  self.begun, self.cpu, self.most = now(), clock(), self.warm + self.limit
  if self.warm == 0 then self.ends = self.begun + self.seconds end
  return self
end

meter.headers = {
  authorization = "Bearer benchmark-token-that-opens-nothing",
  version = "2021-07-28",
  accept = "application/json",
}

return meter
