-- A million calls in ten minutes, one in a hundred of which meets a fault, and what they leave behind:
--
--   eval "$(make -s env)"; SOAK_CALLS=1000000 SOAK_SECONDS=600 SOAK_AT_ONCE=32 lua5.4 spec/torture/marathon.lua
--
-- From the root of the checkout, after make build build/bench/server. It ends after so many calls, which are spread
-- over so many seconds where the machine is fast enough.
--
-- The server resets, closes without a response, sends 500 or 429, cuts a body off, or sends no JSON, in turn.
-- Each call must end with the right result or an error of a kind that such a fault can have; the memory of Lua and of
-- the process must not grow after the first tenth, no more descriptors be open than connections are allowed, and no
-- step of the garbage collector may be longer than a quarter of a second. Its steps are made by this script, after each
-- call, so that each can be measured; they are as big as the collector itself makes them.
-- Ends with status 1 otherwise.

local core = require "hoopai.core"
local core_http = require "spec.support.core_http"
local hoopai = require "hoopai"
local proc_status = require "spec.support.proc_status"

local format, max, min = string.format, math.max, math.min

local function setting(name, default) return tonumber(os.getenv(name)) or default end

local calls, seconds = setting("SOAK_CALLS", 1000000), setting("SOAK_SECONDS", 600)
local at_once = setting("SOAK_AT_ONCE", 32)
local FAULT_EVERY, SAMPLES, LONGEST_STEP = 100, 20, 0.25

local server_command = "exec build/bench/server %s %s 0 %d"
local allowed = { network = true, timeout = true, server = true, rate_limit = true, decode = true, protocol = true }

local function write_file(path, text)
  local file = assert(io.open(path, "w"))
  assert(file:write(text))
  assert(file:close())
end

local function start_server()
  local port_file, body_file = os.tmpname(), os.tmpname()
  write_file(body_file, require("spec.bench.support.bodies").small())
  local pipe = assert(io.popen(format(server_command, port_file, body_file, FAULT_EVERY), "w"))
  local port
  for _ = 1, 2000 do
    local file = assert(io.open(port_file))
    port = file:read("n")
    file:close()
    if port then break end
    core.sleep(0.01)
  end
  os.remove(port_file)
  os.remove(body_file)
  return "http://127.0.0.1:" .. assert(port, "the server did not start"), pipe
end

local longest_step, steps, step_seconds = 0, 0, 0

--- Lets the collector do one step, and measures it.
local function collect_a_little()
  local begun = core.now()
  collectgarbage("step", 8)
  local spent = core.now() - begun
  steps, step_seconds, longest_step = steps + 1, step_seconds + spent, max(longest_step, spent)
end

local samples = {}

--- What is held when all that can go has gone.
local function take_sample(done)
  collectgarbage()
  collectgarbage()
  local sample = { lua = collectgarbage("count"), rss = proc_status "VmRSS" or 0, fds = core_http.descriptors() }
  samples[#samples + 1] = sample
  print(
    format("%8d calls  %7.0f KB of Lua  %7d KB resident  %3d descriptors", done, sample.lua, sample.rss, sample.fds)
  )
end

local url, pipe = start_server()
local outcomes, problems = { ok = 0 }, {}
local client = hoopai.new {
  token = "soak-token-that-opens-nothing",
  base_url = url,
  location_id = "soak",
  max_connections = at_once,
}

local function call()
  local result, err = client.appointments:get("0TkCdp9PfvLeWKYRRvIz")
  local outcome = result and "ok" or err.kind
  outcomes[outcome] = (outcomes[outcome] or 0) + 1
  if result and result.id ~= "0TkCdp9PfvLeWKYRRvIz" or not result and not allowed[outcome] then
    problems[#problems + 1] = result and "a wrong result" or tostring(err)
  end
end

local before = core_http.descriptors()
local begun, issued, done = core.now(), 0, 0

local function worker()
  while issued < calls do
    local due = begun + issued / calls * seconds
    issued = issued + 1
    local early = due - core.now()
    if early > 0.001 then hoopai.sleep(early) end
    call()
    collect_a_little()
    done = done + 1
    if done * SAMPLES // calls > (done - 1) * SAMPLES // calls then take_sample(done) end
  end
end

collectgarbage("incremental")
collectgarbage("stop")
hoopai.run(function()
  for _ = 1, at_once do
    hoopai.spawn(worker)
  end
end)
local took = core.now() - begun
collectgarbage("restart")
client:close()
pipe:close()

local function check(good, ...)
  if not good then problems[#problems + 1] = format(...) end
end

--- How much the last half of the samples is above the first that counts: all is warm after a tenth.
local function growth(name)
  local first, last = samples[max(2, SAMPLES // 10)][name], 0
  for index = #samples // 2 + 1, #samples do
    last = max(last, samples[index][name])
  end
  return last - first
end

local function most(name)
  local highest = 0
  for _, sample in ipairs(samples) do
    highest = max(highest, sample[name])
  end
  return highest
end

local words = {}
for outcome, count in pairs(outcomes) do
  words[#words + 1] = format("%s %d", outcome, count)
end
table.sort(words)
print(format("%d calls in %.0f s (%.0f/s): %s", done, took, done / took, table.concat(words, ", ")))
print(
  format(
    "%d steps of the collector: the longest %.2f ms, on average %.3f ms",
    steps,
    longest_step * 1e3,
    step_seconds / max(steps, 1) * 1e3
  )
)
print(
  format(
    "growth: %.0f KB of Lua, %d KB resident; %d descriptors at most, %d before the first call",
    growth "lua",
    growth "rss",
    most "fds",
    before
  )
)

check(done == calls, "%d of %d calls ended", done, calls)
check(outcomes.ok >= calls * 0.95, "only %d calls succeeded", outcomes.ok)
check(growth "lua" < 200, "Lua's memory grew by %.0f KB", growth "lua")
check(growth "rss" < 4096, "the process grew by %d KB", growth "rss")
check(most "fds" <= before + at_once + 4, "%d descriptors are open, %d were before the first call", most "fds", before)
check(longest_step < LONGEST_STEP, "a step of the collector took %.0f ms", longest_step * 1e3)
for index = 1, min(#problems, 20) do
  print("problem: " .. problems[index])
end
if #problems > 0 then os.exit(1, true) end
