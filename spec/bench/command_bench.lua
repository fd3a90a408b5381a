-- How long the command takes to start: whole processes, over the shortest ones of the same run.
--
--   make bench BENCH=command
--
-- `hoopai --version` over `lua5.4 -e ''`, and `hoopai agenda` against a local sandbox over one call of raw C.
local machine = require "spec.bench.support.machine"
local sandboxes = require "hoopai.sandbox"
local timed = require "spec.bench.support.timed"

local format = string.format

local COUNT = 31 -- processes of each kind, of which the median counts

local lua = os.getenv("LUA") or "lua5.4"
local sandbox <close> = sandboxes.start { rate_limit = false, token = "benchmark-token-that-opens-nothing" }
local environment = format(
  "env TZ=UTC HOOPAI_BASE_URL=%s HOOPAI_TOKEN=%s HOOPAI_LOCATION_ID=%s %s bin/hoopai ",
  sandbox.url,
  sandbox.token,
  sandbox.location_id,
  lua
)
local raw = format("build/bench/rawc '%s/calendars/?locationId=%s' 1 9 1 0", sandbox.url, sandbox.location_id)

local kinds = {
  { title = "lua5.4 -e ''", command = lua .. " -e ''" },
  { title = "hoopai --version", command = lua .. " bin/hoopai --version", over = 1, most = 6 },
  { title = "raw C, one call", command = raw },
  { title = "hoopai agenda", command = environment .. "agenda", over = 3, most = 5 },
  { title = "hoopai agenda --zone", command = environment .. "agenda --zone Europe/London", over = 3, most = 5 },
}

print(machine.describe())
for _, kind in ipairs(kinds) do
  local found, problem = timed.run(machine.pin "client" .. kind.command, nil, COUNT)
  if not found then error(problem, 0) end
  kind.wall = found.wall
  local ratio = kind.over and kind.wall / kinds[kind.over].wall
  local verdict = ratio
    and format("  × %.2f, at most %d: %s", ratio, kind.most, ratio <= kind.most and "met" or "MISSED")
  print(format("%-22s %6.1f ms%s", kind.title, kind.wall * 1e3, verdict or ""))
end
