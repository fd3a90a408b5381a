-- A thousand concurrent calls in one process that meet an expired token:
--
--   eval "$(make -s env)"; CALLS=1000 lua5.4 spec/torture/storm.lua
--
-- From the root of the checkout, after make build build/process.so.
--
-- With one client and with four clients of two apps, on one memory, file or own store; the token has expired and the
-- library has noticed it, or the API refuses it. One refresh must be made, no token used twice, every call succeed, and
-- none sent more than twice. Ends with status 1 otherwise.

local core = require "hoopai.core"
local hoopai = require "hoopai"
local support = require "spec.torture.support.oauth"

local calls = tonumber(os.getenv("CALLS")) or 1000

local checks = support.checks()
local folder <close> = support.folder()
local box <close> = support.start()

local function own_store()
  local kept, held = {}, {}
  return {
    get = function(key) return kept[key] and kept[key].text end,
    put = function(key, text)
      kept[key] = { text = text }
      return true
    end,
    lock = function(key)
      if held[key] then return nil end
      held[key] = true
      return function() held[key] = nil end
    end,
  }
end

local stores = {
  { "memory", hoopai.store.memory },
  { "file", function() return hoopai.store.file(folder.path .. "/store") end },
  { "own", own_store },
}

local function statuses()
  local counts = { [200] = 0, [401] = 0 }
  for _, request in ipairs(box:control("requests").requests) do
    if request.path:find("^/calendars/") then counts[request.status] = (counts[request.status] or 0) + 1 end
  end
  return counts
end

local function storm(name, store, over, app_count, client_count)
  box:control "reset"
  box:control("rate_limit", { off = true })
  support.sign_in(box, store, over)
  if not over then box:control("oauth/expire", {}) end
  box:control "oauth/clear"
  local told, apps, clients = 0, {}, {}
  for index = 1, app_count do
    apps[index] = support.app(box, store, { refresh = function() told = told + 1 end })
  end
  for index = 1, client_count do
    clients[index] = support.client(box, apps[(index - 1) % app_count + 1])
  end
  local numbers = {}
  for index = 1, calls do
    numbers[index] = index
  end
  local began = core.now()
  local results, problems = hoopai.map(
    numbers,
    function(index) return support.call(box, clients[(index - 1) % client_count + 1]) end,
    { concurrency = calls }
  )
  local seconds = core.now() - began
  local outcomes = {}
  for index = 1, calls do
    outcomes[index] = results[index] and "ok" or problems[index].kind .. " (" .. problems[index].message .. ")"
  end
  local text, counts = support.tally(outcomes)
  local seen, sent = support.ledger(box), statuses()
  print(
    ("%s: %d refresh, %d reuse; %s; %d sent, %d of them refused with 401; %.1f s"):format(
      name,
      seen.refreshes,
      seen.counts.reuses,
      text,
      sent[200] + sent[401],
      sent[401],
      seconds
    )
  )
  io.stdout:flush()
  checks:equal(seen.refreshes, 1, name .. ": refreshes")
  checks:equal(seen.counts.reuses, 0, name .. ": reuse")
  checks:equal(counts.ok, calls, name .. ": calls answered")
  checks:equal(sent[200], calls, name .. ": answers 200")
  checks:that(sent[401] <= (over and 0 or calls), "%s: %d refusals", name, sent[401])
  checks:that(told >= 1, "%s: the hook was told of no exchange", name)
  for _, client in ipairs(clients) do
    client:close()
  end
  for _, app in ipairs(apps) do
    app:close()
  end
end

for _, kind in ipairs(stores) do
  for _, over in ipairs { true, false } do
    local how = over and "known to be over" or "refused with 401"
    storm(("%s store, %s, 1 client"):format(kind[1], how), kind[2](), over, 1, 1)
    storm(("%s store, %s, 4 clients of 2 apps"):format(kind[1], how), kind[2](), over, 2, 4)
  end
end
print(("%d calls each; %d checks, %d wrong"):format(calls, checks.made, checks.bad))
os.exit(checks.bad == 0)
