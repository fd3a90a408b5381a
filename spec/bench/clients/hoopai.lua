-- hoopai: the endpoint methods with all that is on by default: checks, limiter, retries. With BENCH_HOOKS two hooks
-- that do nothing as well; with BENCH_TASKS so many tasks on CONCURRENCY connections. The servers say that a million
-- requests are allowed in ten seconds, so the limiter never waits.
local core = require "hoopai.core"
local hoopai = require "hoopai"
local meter = require "spec.bench.clients.meter"

local work = meter.new(core.now)

local options = {
  token = "benchmark-token-that-opens-nothing",
  location_id = "C2QujeCh8ZnC7al2InWR",
  base_url = work.base,
  max_connections = math.max(work.concurrency, 64),
  ca_file = os.getenv("BENCH_CA"),
  on = os.getenv("BENCH_HOOKS") and { request = function() end, response = function() end } or nil,
}
-- One connection carries all, as with the other clients over HTTP/2.
if os.getenv("BENCH_HTTP2") then options.max_connections = 1 end
local client = hoopai.new(options)

local function request_of(kind)
  if kind == "small" then
    return function() return client.appointments:get("0TkCdp9PfvLeWKYRRvIz") end
  elseif kind == "medium" then
    local query = { startDate = 1767243600000, endDate = 1769835600000 }
    return function() return client.calendars:free_slots("ocQHyuzHvysMo5N5VsXc", query) end
  end
  local query = { calendarId = "ocQHyuzHvysMo5N5VsXc", startTime = 1767243600000, endTime = 1769835600000 }
  return function() return client.events:list(query) end
end

local request = request_of(work.kind)

local function worker()
  for begun in work.more, work do
    local result, response = request()
    if result == nil then error(response) end
    work:took(begun)
  end
end

if work.concurrency == 1 then
  worker() -- blocks, as a plain script does
else
  hoopai.run(function()
    for _ = 1, tonumber(os.getenv("BENCH_TASKS")) or work.concurrency do
      hoopai.spawn(worker)
    end
  end)
end
work:report()
