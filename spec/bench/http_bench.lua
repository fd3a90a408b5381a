-- hoopai over HTTP against libcurl itself and every peer, in one interleaved run:
--
--   make bench                          all of it, a few minutes
--   make bench BENCH_ROUNDS=1 BENCH_SECONDS=0.2 BENCH_PEERS=0      a quick look
--   make bench-compare BASE=HEAD~1      this commit and another one, both in the same run
--
-- From the root of the checkout. The servers have one core, the clients another; both are this machine's, so what
-- else runs on them is measured too: a figure during which other programs took more than a twentieth of a core is
-- measured again, three times at most, and marked with ~ when that was no use. Where a machine is not quiet, trust
-- CPU and instructions, not requests/s.
-- Writes all that was measured into build/BENCH.json.
local cjson = require "cjson"
local core = require "hoopai.core"
local bodies = require "spec.bench.support.bodies"
local machine = require "spec.bench.support.machine"
local plan = require "spec.bench.support.plan"
local report = require "spec.bench.support.report"
local servers = require "spec.bench.support.servers"
local timed = require "spec.bench.support.timed"

local format, match = string.format, string.match

local TOLERANCE = 0.05 -- of a core, for other programs
local ATTEMPTS = 3
local COUNTED = 4000

local function setting(name, default)
  local value = os.getenv(name)
  return value and value ~= "" and tonumber(value) or default
end

local rounds, seconds = setting("BENCH_ROUNDS", 5), setting("BENCH_SECONDS", 0.5)
local base = os.getenv("BENCH_BASE")
local with_peers = setting("BENCH_PEERS", base and 0 or 1) ~= 0

local folder = machine.run("pwd"):gsub("\n", "") .. "/build/bench"

----------------------------------------------------------------------------------------------------- one figure

--- The command line of a client.
-- @tparam string prefix what its program is run by: the pinning, or valgrind
local function command_of(prefix, client, case, server)
  local variables =
    { "BENCH_NODE_MODULES=" .. folder .. "/node/node_modules", "BENCH_PATHS='" .. cjson.encode(bodies.paths) .. "'" }
  if case.server == "tls" then variables[#variables + 1] = "BENCH_CA=" .. server.ca end
  if case.server == "once" then variables[#variables + 1] = "BENCH_CA=" .. server.bundle end
  if case.counted then variables[#variables + 1] = "BENCH_COUNTED=1" end
  if case.tasks then variables[#variables + 1] = "BENCH_TASKS=" .. case.tasks end
  if case.http2 then variables[#variables + 1] = "BENCH_HTTP2=1" end
  return format("env %s %s%s", table.concat(variables, " "), prefix, client.command(case, server[case.server]))
end

local function numbers_of(output)
  local found = {}
  local line = match(output, "requests=[^\n]+") or ""
  for name, value in line:gmatch("(%w+)=([%d.]+)") do
    found[name] = tonumber(value)
  end
  return found.requests and found
end

local function served_by(server)
  local total = 0
  for _, pid in ipairs(server.pids) do
    total = total + machine.cpu_of(pid)
  end
  return total
end

--- Runs a client once.
-- @return rps, cpu (seconds per request), p50 and p99 (microseconds), rss (KB) and foreign (share of a core)
local function measure(client, case, server)
  local busy, served, wall = machine.busy(), served_by(server), machine.now()
  local result, problem = timed.run(command_of(machine.pin "client", client, case, server))
  local found = result and numbers_of(result.output)
  if not found then return nil, (problem or result.output):gsub("\n.*", "") end
  busy, wall = machine.busy() - busy, machine.now() - wall
  served = served_by(server) - served
  return {
    rps = found.requests / found.seconds,
    cpu = found.cpu / found.requests,
    p50 = found.p50,
    p99 = found.p99,
    rss = found.rss,
    foreign = math.max(0, busy - served - result.cpu) / wall,
  }
end

--- Measures again while other programs disturb; the least disturbed counts.
local function measure_quietly(client, case, server)
  local best, problem
  for _ = 1, ATTEMPTS do
    local sample, why = measure(client, case, server)
    problem = problem or why
    if sample and (not best or sample.foreign < best.foreign) then best = sample end
    if not best or best.foreign <= TOLERANCE then break end
  end
  return best, problem
end

----------------------------------------------------------------------------------------------------- the results

local Results = {}
Results.__index = Results

--- The medians of a client in a case.
function Results:get(case_id, client_id) return self.medians[case_id] and self.medians[case_id][client_id] end

--- What raw C and bare cjson.decode take together; nil for cases without decoding.
function Results:bound(case_id, name)
  local kind = case_id:match("^(%a+)")
  local decoding = {
    small = "small-c1",
    slow = "small-c1",
    h2 = "small-c1",
    tls = "small-c1",
    medium = "medium-c32",
    large = "large-c1",
  }
  local raw, decode = self:get(case_id, "raw"), self:get(decoding[kind], "cjson")
  return raw and decode and raw[name] + decode[name]
end

--- Instructions of a client per request.
function Results:count(case_id, client_id)
  for _, found in ipairs(self.instructions) do
    if found.case == case_id and found.id == client_id then return found.count end
  end
end

--- Instructions of the library itself: without libcurl's, driven with the same options, and without the decoder's.
function Results:own(case_id)
  local ours, raw = self:count(case_id, "hoopai"), self:count(case_id, "raw-same")
  local decode = self:count("small-c1", "cjson")
  return ours and raw and decode and ours - raw - decode
end

local function median_sample(samples)
  local result = {}
  for _, name in ipairs { "rps", "cpu", "p50", "p99", "rss", "foreign" } do
    local values = {}
    for index, sample in ipairs(samples) do
      values[index] = sample[name]
    end
    local least, most
    result[name], least, most = report.median(values)
    result[name .. "_spread"] = { least, most }
  end
  result.disturbed = result.foreign > TOLERANCE
  return result
end

----------------------------------------------------------------------------------------------------- what is run

local function takes_part(client, case)
  for _, id in ipairs(client.cases) do
    if id == case.id then return true end
  end
  return false
end

--- Those that can take part; the others are named in the end.
local function ready_clients()
  local ready, absent = {}, {}
  for _, client in ipairs(plan.clients) do
    local ok = true
    if client.peer and not with_peers then
      ok = "peers are left out"
    elseif client.ready then
      ok = client.ready()
    end
    if ok == true then
      ready[#ready + 1] = client
    else
      absent[#absent + 1] = { title = client.title, reason = ok }
    end
  end
  return ready, absent
end

local function prepared(case, client)
  local warm = case.warm or client.warm or 300
  return setmetatable({ seconds = (case.seconds or 1) * seconds, warm = warm }, { __index = case })
end

local function run_rounds(results, server)
  local samples = {}
  for round = 1, rounds do
    for _, case in ipairs(results.cases) do
      for _, client in ipairs(results.clients) do
        if takes_part(client, case) and not client.failed then
          io.stderr:write(format("\rround %d of %d: %-12s %-28s", round, rounds, case.title, client.title))
          local sample, problem = measure_quietly(client, prepared(case, client), server)
          local key = case.id .. "\0" .. client.id
          samples[key] = samples[key] or {}
          if sample then
            table.insert(samples[key], sample)
          else
            client.failed = true
            table.insert(results.absent, { title = client.title, reason = case.title .. " failed: " .. problem })
          end
        end
      end
    end
  end
  io.stderr:write("\r", (" "):rep(70), "\r")
  local foreign = {}
  for _, case in ipairs(results.cases) do
    results.medians[case.id] = {}
    for _, client in ipairs(results.clients) do
      local list = samples[case.id .. "\0" .. client.id]
      if list and list[1] then
        local found = median_sample(list)
        results.medians[case.id][client.id] = found
        foreign[#foreign + 1] = found.foreign
      end
    end
  end
  results.foreign = report.median(foreign)
end

--- Whole processes that make one call.
local function run_starts(results, server)
  local lua = os.getenv("LUA") or "lua5.4"
  local url = server.plain .. bodies.paths.small
  local starts = {
    { id = "lua", title = "lua5.4, nothing", command = lua .. " -e ''" },
    { id = "raw", title = "raw C", command = format("build/bench/rawc '%s' 1 9 1 0", url) },
    { id = "require", title = 'require "hoopai" alone', command = lua .. " -e 'require \"hoopai\"'" },
    { id = "hoopai", title = "hoopai", command = format("%s spec/bench/clients/startup.lua %s", lua, server.plain) },
  }
  if base then
    table.insert(starts, {
      id = "base",
      title = "hoopai, the other commit",
      command = format(
        "sh -c 'eval \"$(%s/.ci/env)\"; exec %s spec/bench/clients/startup.lua %s'",
        base,
        lua,
        server.plain
      ),
    })
  end
  if with_peers and machine.has("curl") then
    table.insert(starts, { id = "curl", title = "curl", command = format("curl -s -o /dev/null '%s'", url) })
  end
  for _, start in ipairs(starts) do
    local found = timed.run(machine.pin "client" .. start.command, nil, 31)
    if found then
      found.id, found.title, found.output = start.id, start.title, nil
      table.insert(results.starts, found)
      results.starts[start.id] = found
    end
  end
end

local function client_of(results, id)
  for _, client in ipairs(results.clients) do
    if client.id == id then return client end
  end
end

local function collected(client, case, server, count)
  local counted = setmetatable(
    { seconds = 1000, warm = math.max(100, case.concurrency), most = count, counted = true },
    { __index = case }
  )
  local valgrind = "valgrind --tool=callgrind --trace-children=yes --callgrind-out-file=/dev/null "
  local result = timed.run(command_of(valgrind, client, counted, server) .. " 2>&1")
  local most -- where a shell starts it, there is more than one process
  for instructions in (result and result.output or ""):gmatch("Collected : (%d+)") do
    most = math.max(most or 0, tonumber(instructions))
  end
  return most
end

--- Instructions of so many requests more. Over 1,000 requests the figure of one commit varied by 5 % between runs, with
-- the phase of Lua's collector at the end.
local function run_counts(results, server)
  if not machine.has("valgrind") then
    table.insert(results.absent, { title = "instructions", reason = "valgrind is not installed" })
    return
  end
  for _, counted in ipairs(plan.counted) do
    local client = client_of(results, counted.id)
    for _, case in ipairs(plan.cases) do
      if client and case.id == counted.case then
        io.stderr:write(format("\rinstructions: %-12s %-28s", case.title, client.title))
        local count = COUNTED
        local once, twice = collected(client, case, server, count), collected(client, case, server, 2 * count)
        if once and twice then
          table.insert(results.instructions, {
            id = client.id,
            case = case.id,
            title = client.title .. ", " .. case.title,
            count = (twice - once) / count,
          })
        end
      end
    end
  end
  io.stderr:write("\r", (" "):rep(70), "\r")
end

local function write_json(results, targets)
  local file = assert(io.open("build/BENCH.json", "w"))
  local instructions = {}
  for _, found in ipairs(results.instructions) do
    instructions[#instructions + 1] = { client = found.id, case = found.case, count = found.count }
  end
  local starts = {}
  for index, found in ipairs(results.starts) do
    starts[index] = found
  end
  assert(file:write(
    cjson.encode {
      commit = machine.commit(),
      machine = machine.describe(),
      libcurl = results.libcurl,
      rounds = rounds,
      seconds = seconds,
      foreign = results.foreign,
      cases = results.medians,
      starts = starts,
      instructions = instructions,
      absent = results.absent,
      targets = targets,
    },
    "\n"
  ))
  assert(file:close())
end

if base then plan.add_base(base) end
local clients, absent = ready_clients()
local results = setmetatable({
  cases = plan.cases,
  clients = clients,
  absent = absent,
  medians = {},
  starts = {},
  instructions = {},
  libcurl = core.curl_version(),
  rounds = rounds,
  seconds = seconds,
  tolerance = TOLERANCE,
}, Results)
local server <close> = servers.start(folder)
run_rounds(results, server)
run_starts(results, server)
run_counts(results, server)
report.print(results)
local targets = report.targets(results)
if base then report.compare(results) end
write_json(results, targets)
