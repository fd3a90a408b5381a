--- How long single calls into the library take the thread, against peers that are silent; run in
-- spec/support/core_host.c by spec.support.blocked.
--
--   core_host blocking.lua CASE URL CALLS
--
-- A host's loop drives CALLS calls at a time. They end by their timeout ("timeout"; "rounds": ten times in turn, after
-- a tenth of it), by task:cancel() ("cancel"), by client:close() ("close") or by lua_close ("lua_close"). Prints
-- "LONGEST CPU OVERSHOOT" in milliseconds: the longest call of `step`, `spawn`, `cancel` and `close`, the same in time
-- of the processor (which other programs do not make longer), and the latest end of a call after its deadline. Then
-- "threads N": how many threads there were at most, where the system says so.

local case, url, calls = ...
local host = host -- luacheck: globals host

local core = require "hoopai.core"
local hoopai = require "hoopai"
local lfs = require "lfs"

local TIMEOUT = case == "rounds" and 0.1 or 1

hoopai.use(hoopai.loop.custom)

local longest, cpu, overshoot, threads = 0, 0, 0, 0

local has_threads = lfs.attributes("/proc/self/task") ~= nil

local function count_threads()
  if not has_threads then return end
  local count = -2 -- . and ..
  for _ in lfs.dir("/proc/self/task") do
    count = count + 1
  end
  threads = math.max(threads, count)
end

local function measured(fn, ...)
  local begun, cpu_begun = core.now(), os.clock()
  local result = fn(...)
  longest, cpu = math.max(longest, core.now() - begun), math.max(cpu, os.clock() - cpu_begun)
  return result
end

local client = hoopai.new {
  base_url = url,
  token = "t",
  location_id = "l",
  timeout = TIMEOUT,
  retries = false,
  rate_limit = false,
  max_connections = tonumber(calls),
  connect_timeout = 10,
}

local function call()
  local begun = core.now()
  local result, err = client.calendars:get("c")
  if err.kind == "timeout" then overshoot = math.max(overshoot, core.now() - begun - TIMEOUT) end
  assert(result == nil and (err.kind == "timeout" or err.kind == "closed"), tostring(err))
end

local poller = core.poller()
poller:add(hoopai.loop.pollfd())

local function drive(seconds)
  local deadline = seconds and core.now() + seconds
  while hoopai.loop.busy() and not (deadline and core.now() >= deadline) do
    local wait = hoopai.loop.timeout() or 1
    if deadline then wait = math.max(math.min(wait, deadline - core.now()), 0) end
    poller:wait(wait)
    measured(hoopai.loop.step)
    count_threads()
  end
end

local function begin()
  local tasks = {}
  for index = 1, tonumber(calls) do
    tasks[index] = measured(hoopai.spawn, call)
  end
  return tasks
end

for _ = 2, case == "rounds" and 10 or 1 do
  begin()
  drive()
end
local tasks = begin()
drive((case == "cancel" or case == "close" or case == "lua_close") and 0.4 or nil)
if case == "cancel" then
  for _, task in ipairs(tasks) do
    measured(task.cancel, task)
  end
  drive()
elseif case == "close" then
  measured(client.close, client)
  drive()
end
print(("%.1f %.1f %.1f"):format(longest * 1000, cpu * 1000, overshoot * 1000))
if has_threads then print("threads " .. threads) end
io.stdout:flush()
if case == "lua_close" then host.time_close() end
