-- Processes as hosts, with one token in one Redis, while everything fails:
--
--   eval "$(make -s env)"; PROCESSES=16 SECONDS=600 STOPS=60 lua5.4 spec/torture/machines.lua
--
-- From the root of the checkout, after make build build/process.so. Needs redis-server, cqueues, faketime, and as root
-- `ip` of iproute2.
--
-- The access token expires every two seconds. In half of the exchanges the response comes up to LATE seconds (3) late.
-- (With 20 a token may be lost, as several faults in a row then outlive the 30 s of the vendor.) At random moments a
-- process is killed and replaced, or stopped for up to STOPS seconds; Redis is killed, restarted, stopped, or cut off:
-- it runs in a separate network namespace, which loses all packets, or those of the replies alone. The
-- clocks of a third of the processes are an hour ahead, of another third an hour behind. The token endpoint gives the
-- successor of a used refresh token again for 30 s, as the vendor's does.
--
-- No refresh token may be used after these 30 s, each has one successor, and in the end each process must be able to
-- call: no token is lost. Ends with status 1 otherwise.
package.path = "./?.lua;" .. package.path

local child = require "spec.support.child"
local core = require "hoopai.core"
local hoopai = require "hoopai"
local network = require "spec.support.network"
local redis = require "spec.support.redis"
local support = require "spec.torture.support.oauth"

local processes = tonumber(os.getenv "PROCESSES") or 16
local seconds = tonumber(os.getenv "SECONDS") or 600
local longest_stop = tonumber(os.getenv "STOPS") or 60
local latest = tonumber(os.getenv "LATE") or 3

local checks = support.checks()
local folder <close> = support.folder()
local box <close> = support.start()
local net <close> = network.start(core.pid() % 250 + 1)
local server <close> = redis.start("--appendonly yes --appendfsync always --protected-mode no", nil, net)
local preload = support.faketime()
local stop_file = folder.path .. "/stop"
local OFFSETS = { "+0", "+3600", "-3600" }

local done = {
  kills = 0,
  stops = 0,
  ["kills of Redis"] = 0,
  ["restarts of Redis"] = 0,
  ["stops of Redis"] = 0,
  ["cuts of its network"] = 0,
  ["late responses"] = 0,
}

--- Starts the process of a number, in place of one that was killed.
local function launch(number)
  local words = {
    child.interpreter(),
    "spec/torture/support/token_machine.lua",
    box.url,
    box.oauth.client_id,
    box.oauth.client_secret,
    box.location_id,
    box.seed.calendars.checkup,
    server.host,
    tostring(server.port),
    stop_file,
  }
  for index, word in ipairs(words) do
    words[index] = child.quote(word)
  end
  local line = ("FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME=%s LD_PRELOAD=%s exec %s"):format(
    OFFSETS[number % #OFFSETS + 1],
    child.quote(preload),
    table.concat(words, " ")
  )
  local pipe = io.popen(("{ %s >>%s/log.%d 2>&1 & echo $!; }"):format(line, folder.path, number))
  local pid = pipe:read "n"
  pipe:close()
  return { number = number, pid = pid, until_moment = nil }
end

local function signal(name, pid) return os.execute(("kill -%s %d 2>/dev/null"):format(name, pid)) end

--- Ends the stops that are over.
local function go_on(machines, moment)
  for _, machine in ipairs(machines) do
    if machine.until_moment and machine.until_moment <= moment then
      signal("CONT", machine.pid)
      machine.until_moment = nil
    end
  end
end

local function strike_process(machines)
  local number = math.random(processes)
  local machine = machines[number]
  if math.random() < 0.6 then
    signal("KILL", machine.pid)
    machines[number] = launch(number)
    done.kills = done.kills + 1
  elseif not machine.until_moment then
    signal("STOP", machine.pid)
    machine.until_moment = core.now() + math.random() * longest_stop
    done.stops = done.stops + 1
  end
end

local function strike_redis()
  local kind = math.random(4)
  if kind == 1 then
    server:kill "again"
    done["kills of Redis"] = done["kills of Redis"] + 1
  elseif kind == 2 then
    server:restart()
    done["restarts of Redis"] = done["restarts of Redis"] + 1
  elseif kind == 3 then
    net:cut(math.random() < 0.5)
    core.sleep(math.random() * 10)
    net:mend()
    done["cuts of its network"] = done["cuts of its network"] + 1
  else
    server:signal "STOP"
    core.sleep(math.random() * 5)
    server:signal "CONT"
    done["stops of Redis"] = done["stops of Redis"] + 1
  end
end

local function store()
  return hoopai.store.redis { call = hoopai.redis.cqueues { host = server.host, port = server.port } }
end

local rotations = 0

--- Makes the response to the next exchange come late. One at a time: a token that is sent again has its response at
-- once.
local function delay_response()
  local count, chance = box:control("oauth/counts").rotations, math.random()
  if count == rotations or chance > 0.5 then return end
  rotations = count
  box:control("oauth/fault", { grant = "refresh_token", delay_ms = math.random(latest * 1000) })
  done["late responses"] = done["late responses"] + 1
end

--- Every process can call in the end, at the latest when the lock of one that was killed has expired.
local function check_calls()
  local app <close> = support.app(box, store())
  local client <close> = support.client(box, app, { timeout = 20 })
  local deadline = core.now() + 120
  local ok, err
  repeat
    ok, err = support.call(box, client)
    if not ok then core.sleep(1) end
  until ok or core.now() > deadline
  checks:that(ok, "the token is lost: %s", tostring(err))
end

local function outcomes()
  local list, kinds = {}, { reauth_required = 0 }
  for number = 1, processes do
    for line in io.lines(("%s/log.%d"):format(folder.path, number)) do
      local kind = line:match "^([%l_]+)" or line
      kinds[kind] = (kinds[kind] or 0) + 1
      if kind ~= "ok" and kinds[kind] <= 2 then print("  " .. line) end
      list[#list + 1] = kind
    end
  end
  return support.tally(list), kinds
end

box:control("oauth/settings", { grace_seconds = 30 })
support.sign_in(box, store())
box:control "oauth/clear"
local machines, ends = {}, core.now() + seconds
for number = 1, processes do
  machines[number] = launch(number)
end
local next_expiry, next_redis = core.now() + 2, core.now() + 10
while core.now() < ends do
  local moment = core.now()
  go_on(machines, moment)
  if moment > next_expiry then
    box:control("oauth/expire", {})
    delay_response()
    next_expiry = moment + 2
  end
  if moment > next_redis then
    strike_redis()
    next_redis = core.now() + 5 + math.random() * 15
  end
  strike_process(machines)
  core.sleep(math.random() * 0.8)
end
go_on(machines, math.huge)
assert(io.open(stop_file, "w")):close()
check_calls()
for _, machine in ipairs(machines) do
  local deadline = core.now() + 120
  while signal("0", machine.pid) and core.now() < deadline do
    core.sleep(0.2)
  end
  checks:that(not signal("0", machine.pid), "process %d does not end", machine.number)
  signal("KILL", machine.pid)
end

local seen, text, kinds = support.ledger(box), outcomes()
print(("%d processes, %d s: %s"):format(processes, seconds, text))
for what, count in pairs(done) do
  print(("%d %s"):format(count, what))
end
local too_late = seen.counts.reuses - seen.counts.graces
print(
  ("%d exchanges, %d rotations, %d times sent again within the 30 s, %d after them, at most %d uses of a token"):format(
    seen.refreshes,
    seen.counts.rotations,
    seen.counts.graces,
    too_late,
    seen.tries
  )
)
checks:equal(too_late, 0, "uses of a refresh token after the 30 s")
checks:equal(kinds.reauth_required, 0, "calls that say reauth_required")
checks:that(kinds.ok and kinds.ok > 0, "no call succeeded")
checks:that(seen.tries <= 3, "a refresh token was used %d times", seen.tries)
print(("%d checks, %d wrong"):format(checks.made, checks.bad))
os.exit(checks.bad == 0, true)
