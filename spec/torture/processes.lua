-- Many processes with one file store whose access token has expired, all calling at the same moment:
--
--   eval "$(make -s env)"; PROCESSES=128 COROUTINES=8 ROUNDS=10 lua5.4 spec/torture/processes.lua
--
-- From the root of the checkout, after make build build/process.so.
--
-- 1. Rounds in which nothing is lost: one exchange, no token used twice, every call succeeds. In odd rounds the token's
--    time is over and all know it; in even ones all learn it from the API's 401.
-- 2. Rounds in which responses of the token endpoint are late or lost, without and with a server that shows grace: the
--    old token is tried three times at most; where its successor is lost every call fails with reauth_required (network
--    while no response at all came), for which no process calls its hook more than once.
-- Ends with status 1 when anything else happened.

local core = require "hoopai.core"
local hoopai = require "hoopai"
local support = require "spec.torture.support.oauth"

local processes = tonumber(os.getenv("PROCESSES")) or 128
local coroutines = tonumber(os.getenv("COROUTINES")) or 8
local rounds = tonumber(os.getenv("ROUNDS")) or 10

local checks = support.checks()
local folder <close> = support.folder()
local box <close> = support.start()
local path = folder.path .. "/store"

--- What one process does: all its coroutines call. Returns what came of each, and how often the hook was called for
-- reauth_required.
local function work(timeout)
  return function()
    local told = 0
    local app = support.app(box, hoopai.store.file(path), {
      refresh = function(event)
        if event.kind == "reauth_required" then told = told + 1 end
      end,
    })
    local client = support.client(box, app, { max_connections = 2, timeout = timeout })
    local outcomes = {}
    hoopai.run(function()
      for index = 1, coroutines do
        hoopai.spawn(function()
          local ok, err = support.call(box, client)
          outcomes[index] = ok and "ok" or err.kind .. (err.stage and "/" .. err.stage or "")
          if err and (err.kind == "store" or err.kind == "auth") then
            outcomes[index] = outcomes[index] .. " (" .. err.message .. ")"
          end
        end)
      end
    end)
    return told .. "\n" .. table.concat(outcomes, "\n")
  end
end

local function round(name, over, fault, settings, timeout)
  box:control("oauth/faults")
  box:control("oauth/settings", { grace_seconds = settings and settings.grace_seconds or 0 })
  support.sign_in(box, hoopai.store.file(path), over)
  if not over then box:control("oauth/expire", {}) end
  box:control "oauth/clear"
  if fault then
    fault.grant = "refresh_token"
    box:control("oauth/fault", fault)
  end
  local began = core.now()
  local answers = support.processes(processes, work(timeout or 60))
  local seen = support.ledger(box)
  local outcomes, told, most = {}, 0, 0
  for _, answer in ipairs(answers) do
    local count, list = answer:match("^(%d+)\n(.*)$")
    if not count then outcomes[#outcomes + 1] = answer end
    told, most = told + (tonumber(count) or 0), math.max(most, tonumber(count) or 0)
    for outcome in (list or ""):gmatch("[^\n]+") do
      outcomes[#outcomes + 1] = outcome
    end
  end
  local text, counts = support.tally(outcomes)
  print(
    (
      "%s: %d exchanges, %d rotations, %d reuse, at most %d tries of a token; %s; reauth_required told %d times, "
      .. "at most %d per process; %.1f s"
    ):format(
      name,
      seen.refreshes,
      seen.counts.rotations,
      seen.counts.reuses,
      seen.tries,
      text,
      told,
      most,
      core.now() - began
    )
  )
  io.stdout:flush()
  checks:equal(#answers, processes, name .. ": processes that reported")
  checks:equal(#outcomes, processes * coroutines, name .. ": calls that came back")
  checks:that(most <= 1, "%s: a process was told of reauth_required %d times", name, most)
  return seen, counts
end

local calls = processes * coroutines

local function must_answer(name, seen, counts, exchanges, rotations)
  checks:equal(counts.ok, calls, name .. ": calls answered")
  checks:equal(seen.refreshes, exchanges, name .. ": exchanges")
  checks:equal(seen.counts.rotations, rotations, name .. ": rotations")
end

local function must_end(name, seen, counts)
  checks:that(seen.tries <= 3, "%s: the old token was tried %d times", name, seen.tries)
  checks:equal(seen.counts.rotations, 1, name .. ": rotations")
  checks:equal(counts.reauth_required, calls, name .. ": calls that say reauth_required")
end

-- If every response is lost, no process can know yet that the token is refused.
local function must_rest(name, seen, counts)
  checks:equal(seen.tries, 3, name .. ": tries of the old token")
  checks:equal(seen.counts.rotations, 1, name .. ": rotations")
  checks:equal(counts.network, calls, name .. ": calls that say that the exchange got no answer")
end

local began = core.now()
for number = 1, rounds do
  local over = number % 2 == 1
  local name = ("round %d (%s)"):format(number, over and "known to be over" or "refused with 401")
  local seen, counts = round(name, over)
  must_answer(name, seen, counts, 1, 1)
  checks:equal(seen.counts.reuses, 0, name .. ": reuse")
end
print(
  ("%d rounds of %d processes with %d coroutines each: %.1f s"):format(
    rounds,
    processes,
    coroutines,
    core.now() - began
  )
)

local function lost(name, fault, settings, judge, exchanges)
  for _, over in ipairs { true, false } do
    local full = name .. (over and ", known to be over" or ", refused with 401")
    local seen, counts = round(full, over, fault, settings)
    judge(full, seen, counts, exchanges, 1)
  end
end

lost("answer 2 s late", { delay_ms = 2000 }, nil, must_answer, 1)
lost("hung up before the exchange", { drop = "before" }, nil, must_answer, 2)
lost("answer lost, a server with 30 s of grace", { drop = "after" }, { grace_seconds = 30 }, must_answer, 2)
lost("answer lost", { drop = "after" }, nil, must_end)
lost("three answers lost", { drop = "after", times = 3 }, nil, must_rest)
lost("half an answer", { truncated = true }, nil, must_end)

-- Longer than an exchange may take; callers give up before.
do
  local name = "answer 33 s late, calls with a timeout of 5 s"
  local seen, counts = round(name, true, { delay_ms = 33000 }, nil, 5)
  checks:that(seen.tries <= 3, "%s: the old token was tried %d times", name, seen.tries)
  checks:equal(seen.counts.rotations, 1, name .. ": rotations")
  checks:equal(counts.ok or 0, 0, name .. ": calls answered with no token")
end

print(("%d checks, %d wrong"):format(checks.made, checks.bad))
os.exit(checks.bad == 0)
