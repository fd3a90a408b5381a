-- Programs whose memory runs out, at every allocation of every scenario:
--
--   eval "$(make -s env)"; STEP=1 lua5.4 spec/torture/memory.lua [SCENARIO...]
--
-- From the root of the checkout, after make build-asan/memory_host.
--
-- For each allocation of Lua, of libcurl, of the core and of libcrypto that a scenario makes: what if it fails, alone
-- (twice, as Lua asks again) or with all that follow? And what if Lua collects all garbage at each of its allocations?
-- The process must not end, the client must work when memory is back, nothing may be left behind, no token lost or used
-- twice, nothing booked twice or called a success that was not. Ends with status 1 otherwise.

local memory = require "spec.torture.support.memory"

local step = tonumber(os.getenv "STEP") or 1
local scenarios = #arg > 0 and arg or memory.scenarios

local peer <close> = memory.peer()
local runs, failures, bad = 0, 0, 0

local plan = { { "lua", "collect", 1, step } }
for _, family in ipairs { "lua", "curl", "core", "crypto" } do
  for _, mode in ipairs { "all", "two" } do
    plan[#plan + 1] = { family, mode, 1, step }
  end
end

for _, scenario in ipairs(scenarios) do
  local ok, results, text = memory.run(peer, scenario, plan)
  for _, result in ipairs(results) do
    print(
      ("%-16s %-5s %-8s %5d runs, %5d with a failure, %5d allocations"):format(
        scenario,
        result.family,
        result.mode,
        result.runs,
        result.failures,
        result.allocations
      )
    )
    runs, failures = runs + result.runs, failures + result.failures
  end
  if not ok then
    bad = bad + 1
    print(text)
  end
  io.stdout:flush()
end
print(("%d runs, %d with a failed allocation; %d scenarios wrong"):format(runs, failures, bad))
os.exit(bad == 0)
