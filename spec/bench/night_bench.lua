-- What users wait for: a night's work in 50 locations, by hoopai and by the vendor's SDK for Node.
--
-- Of each location the free slots of six calendars over 60 days and the events of a month are read, and 20 events are
-- changed; in one location, which makes 500 calls, 480 are. The tokens of an OAuth app are there, in files. A response
-- takes 50 ms. Measured is the whole process, over the least that is possible:
--
--   none       without a rate limit: the longest chain of requests, which is the calendars, their events, and then the
--              changes in the location of 500 calls, 16 at a time
--   order      the same, with the changes of a location made one after the other
--   100, 25    with a limit of so many requests in 10 s for each location: what the requests of that location need. The
--              server refuses what is over the limit with status 429
--
-- Without a limit the two clients run one after the other. With a limit they run side by side, each against its own
-- server, since each of them waits nearly all of the time: for three minutes at least. Their first seconds, which need
-- the processor, do not overlap. A ratio with ~ was disturbed by other programs, three times.
--
--   eval "$(make -s env)"; make -s build/bench/server build/bench/timed
--   lua5.4 spec/bench/night_bench.lua [none | order | 100 | 25]            (BENCH_ROUNDS=5, BENCH_PEERS=0)
local cjson = require "cjson"
local hoopai = require "hoopai"
local machine = require "spec.bench.support.machine"
local plan = require "spec.bench.support.plan"
local report = require "spec.bench.support.report"
local servers = require "spec.bench.support.servers"
local timed = require "spec.bench.support.timed"
local http = require "socket.http"
local socket = require "socket"

local format = string.format

local DELAY, INTERVAL = 0.05, 10 -- seconds
local TOLERANCE = 0.05 -- of a core, for other programs
local ATTEMPTS = 3
local BUSY = 6 -- seconds of a client before it only waits
local LOCATIONS, CHANGES = 50, 480
local NIGHT = 1768176000000 -- 2026-01-12T00:00:00Z

local LIMITS = { none = 0, order = 0, ["100"] = 100, ["25"] = 25 }
local AT_A_TIME = { none = 16, order = 1, ["100"] = 16, ["25"] = 16 }
local LABELS = { none = "no limit", order = "no limit, changes in order" }
local MOST_RATIO = { none = 1.15, order = 1.15, ["100"] = 1.05, ["25"] = 1.05 }

local which = arg[1]
if which and not LIMITS[which] then error("usage: night_bench.lua [none | order | 100 | 25]", 0) end
local rounds = tonumber(os.getenv("BENCH_ROUNDS") or "") or 5
local folder = machine.run("pwd"):gsub("\n", "") .. "/build/bench"
local tokens = folder .. "/night"

-- The location of 500 calls is in the midst of the others.
local locations = {}
for index = 1, LOCATIONS do
  locations[index] = format("%s%012d", index == LOCATIONS // 2 and "Busy" or "Location", index)
end

local lua = os.getenv("LUA") or "lua5.4"

local clients = {
  { id = "hoopai", title = "hoopai", program = lua .. " spec/bench/clients/night.lua %s " .. tokens .. "/hoopai" },
}

local function add_sdk()
  if os.getenv("BENCH_PEERS") == "0" then return end
  local ready = plan.has_sdk()
  if ready ~= true then return print("absent: the vendor's SDK: " .. ready) end
  local program = "env BENCH_NODE_MODULES=%s/node/node_modules node spec/bench/clients/night_sdk.js %%s %s/sdk"
  clients[2] = { id = "sdk", title = "the vendor's SDK (Node)", program = format(program, folder, tokens) }
end

--- Exchanges a code for each location. The file store of the app and the files of the SDK get the same tokens.
local function sign_in()
  machine.run(format("rm -rf %s && mkdir -m 700 -p %s %s/hoopai %s/sdk", tokens, tokens, tokens, tokens))
  local url, stop = servers.start_locations(folder, "sign-in", 0, 0, INTERVAL * 1000)
  local app <close> = hoopai.oauth {
    client_id = "client",
    client_secret = "secret",
    base_url = url,
    store = hoopai.store.file(tokens .. "/hoopai"),
  }
  for _, location in ipairs(locations) do
    assert(app:exchange { code = location })
    local file = assert(io.open(format("%s/sdk/%s.json", tokens, location), "w"))
    assert(file:write(cjson.encode {
      access_token = "night-" .. location,
      refresh_token = "refresh-" .. location,
      userType = "Location",
      companyId = "company",
      locationId = location,
      expire_at = (os.time() + 86399) * 1000,
    }))
    assert(file:close())
  end
  stop()
end

--- Starts a server, and the process of a client that calls this server alone.
-- @treturn function waits for the client; returns a table of `wall`, `cpu`, `rss`; `requests`, `refused` and `busiest`,
-- as the server counted them; and `foreign`, the share of a core that other programs took
local function start(client, limit)
  local url, stop, pid =
    servers.start_locations(folder, limit .. "-" .. client.id, DELAY * 1000, LIMITS[limit], INTERVAL * 1000)
  local program = format(client.program, url)
  local busy, begun = machine.busy(), machine.now()
  local words = { machine.pin "client" .. program, NIGHT, AT_A_TIME[limit], table.unpack(locations) }
  local finish = timed.start(table.concat(words, " "))
  return function()
    local result, problem = finish()
    if not result then error(problem, 0) end
    local others = machine.busy() - busy - machine.cpu_of(pid) - result.cpu
    result.foreign = others / (machine.now() - begun)
    local counts = cjson.decode((assert(http.request(url .. "/counts"))))
    stop()
    for name, count in pairs(counts) do
      result[name] = count
    end
    return result
  end
end

--- The seconds that the night needs at least.
local function least_of(limit, result)
  if LIMITS[limit] == 0 then return (2 + math.ceil(CHANGES / AT_A_TIME[limit])) * DELAY end
  return (result.busiest - 1) // LIMITS[limit] * INTERVAL + DELAY
end

local expected -- what the clients print: the same for all

local function check(client, result)
  expected = expected or result.output
  if result.output ~= expected then
    error(format("%s did other work: %s instead of %s", client.title, result.output, expected), 0)
  end
end

--- One line of the results: the median of the samples.
local function print_line(client, limit, samples)
  local ratios = {}
  for index, sample in ipairs(samples) do
    check(client, sample)
    sample.ratio = sample.wall / least_of(limit, sample)
    ratios[index] = sample.ratio
  end
  table.sort(samples, function(a, b) return a.ratio < b.ratio end)
  local found, middle, best, worst = samples[(#samples + 1) // 2], report.median(ratios)
  local spread = #samples > 1 and format(" (%.3f to %.3f)", best, worst) or ""
  local text = "%-24s %s: %.2f s, the least %.2f s, ratio %.3f%s%s%s; %d requests, %d got 429; CPU %.2f s, %.0f MB"
  local target = client == clients[1]
      and format(", at most %.2f: %s", MOST_RATIO[limit], middle <= MOST_RATIO[limit] and "met" or "MISSED")
    or ""
  print(
    text:format(
      client.title,
      LABELS[limit] or limit .. " in " .. INTERVAL .. " s",
      found.wall,
      least_of(limit, found),
      middle,
      limit == "none" and found.foreign > TOLERANCE and "~" or "",
      spread,
      target,
      found.requests,
      found.refused,
      found.cpu,
      found.rss / 1024
    )
  )
end

--- Measures again while other programs disturb; the least disturbed counts.
local function measure_quietly(client, limit)
  local best
  for _ = 1, ATTEMPTS do
    local sample = start(client, limit)()
    if not best or sample.foreign < best.foreign then best = sample end
    if best.foreign <= TOLERANCE then break end
  end
  return best
end

local function measure_in_turn(limit)
  local samples = {}
  for _ = 1, rounds do
    for index, client in ipairs(clients) do
      samples[index] = samples[index] or {}
      table.insert(samples[index], measure_quietly(client, limit))
    end
  end
  for index, client in ipairs(clients) do
    print_line(client, limit, samples[index])
  end
end

local function measure_side_by_side(limits)
  local running = {}
  for _, limit in ipairs(limits) do
    for _, client in ipairs(clients) do
      if #running > 0 then socket.sleep(BUSY) end
      running[#running + 1] = { client = client, limit = limit, finish = start(client, limit) }
    end
  end
  for _, one in ipairs(running) do
    print_line(one.client, one.limit, { one.finish() })
  end
end

add_sdk()
sign_in()
print(format("%s; %d locations, responses after %.0f ms", machine.describe(), LOCATIONS, DELAY * 1000))
if not which or which == "none" then measure_in_turn("none") end
io.stdout:flush()
if which ~= "none" then measure_side_by_side(which and { which } or { "order", "100", "25" }) end
print((expected:gsub("\n", "")))
