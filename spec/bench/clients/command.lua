-- curl and wrk, which are programs of their own: runs them and prints what the other clients print.
--
--   lua5.4 spec/bench/clients/command.lua curl|wrk URL KIND CONCURRENCY SECONDS REQUESTS WARM
local bodies = require "spec.bench.support.bodies"
local meter = require "spec.bench.clients.meter"
local timed = require "spec.bench.support.timed"

local format = string.format

local program, base, kind, concurrency, seconds, requests = table.unpack(arg, 1, 6)
local url = "'" .. base .. bodies.paths[kind] .. "'"
concurrency, seconds, requests = tonumber(concurrency), tonumber(seconds), tonumber(requests)

local function headers_of()
  local words = {}
  for name, value in pairs(meter.headers) do
    words[#words + 1] = format("-H '%s: %s'", name, value)
  end
  return table.concat(words, " ")
end

local function print_result(count, spent, p50, p99, result)
  print(
    format("requests=%d seconds=%.6f cpu=%.6f p50=%.1f p99=%.1f rss=%d", count, spent, result.cpu, p50, p99, result.rss)
  )
end

--- curl has no option for a duration, only for a number of requests: a first run measures its speed.
local function run_curl(count)
  local parallel = concurrency > 1 and format("--parallel --parallel-immediate --parallel-max %d ", concurrency) or ""
  local command = format("curl -s -g %s%s -w '%%{time_total}\\n' --config -", parallel, headers_of())
  return assert(timed.run(command, (format("url = %s\noutput = /dev/null\n", url:gsub("'", '"'))):rep(count)))
end

local function curl()
  local probe = kind == "large" and 20 or 500
  local count = math.min(requests, math.max(20, math.floor(seconds / run_curl(probe).wall * probe)))
  local result = run_curl(count)
  local times = {}
  for time in result.output:gmatch("[%d.]+") do
    times[#times + 1] = tonumber(time) * 1e6
  end
  assert(#times == count, "curl did not make all requests")
  table.sort(times)
  print_result(count, result.wall, times[(count - 1) // 2 + 1], times[(count - 1) * 99 // 100 + 1], result)
end

local units = { us = 1, ms = 1e3, s = 1e6 }

local function microseconds(number, unit) return tonumber(number) * units[unit] end

local function wrk()
  local command =
    format("wrk -t 1 -c %d -d %ds --latency %s %s", concurrency, math.max(1, seconds // 1), headers_of(), url)
  local result = assert(timed.run(command))
  local text = result.output
  local count, spent, unit = text:match("(%d+) requests in ([%d.]+)(%a+)")
  assert(count and not text:find("Non-2xx", 1, true), text)
  print_result(
    tonumber(count),
    microseconds(spent, unit) / 1e6,
    microseconds(text:match("50%%%s+([%d.]+)(%a+)")),
    microseconds(text:match("99%%%s+([%d.]+)(%a+)")),
    result
  )
end

if program == "curl" then
  curl()
else
  wrk()
end
