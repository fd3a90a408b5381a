-- Kills a process that exchanges its token for the next in a loop, at random moments:
--
--   eval "$(make -s env)"; EXCHANGE_KILLS=300 lua5.4 spec/torture/exchange_kill.lua
--
-- From the root of the checkout, after make build build/process.so.
--
-- After each kill the file must be whole, hold the last generation of which the exchange had returned (or the one after
-- it), and its lock be free. A fresh process must then call the API with the stored token at once, and exchange it. It
-- may say reauth_required only when the sandbox's ledger shows a rotation whose response had not reached the file; it
-- says so once, and a third process learns it without trying the token again. Every fourth kill has a sandbox that
-- gives a used token's successor once more (30 s of grace): there nothing may be lost at all.
-- Ends with status 1 otherwise.

local core = require "hoopai.core"
local hoopai = require "hoopai"
local private = require "hoopai.private"
local process = require "spec.support.process"
local support = require "spec.torture.support.oauth"

local kills = tonumber(os.getenv("EXCHANGE_KILLS")) or 300

local checks = support.checks()
local folder <close> = support.folder()
local box <close> = support.start()
local path = folder.path .. "/store"
local store = hoopai.store.file(path)
local key = box.oauth.client_id .. "/location/" .. box.location_id
local tally = { torn = 0, stale = 0, locked = 0, lost = 0, unmarked = 0, working = 0, graced = 0, exchanges = 0 }

--- Exchanges the token now, whatever is left of it.
local function exchange(source)
  local secret, generation = source:get(core.now() + 30)
  if not secret then return nil, generation end
  local done, err = source:refused(generation, core.now() + 30)
  if not done then return nil, err end
  return select(2, source:get(core.now() + 30))
end

local function exchange_for_ever(said)
  local app <close> = support.app(box, store)
  local source = private.state("hoopai.App", app):source(box.location_id)
  while true do
    local generation, err = exchange(source)
    process.write(said, string.pack("<I4", assert(generation, tostring(err))))
  end
end

local function kill_one(mean)
  local from, to = process.pipe()
  local pid = process.fork()
  if pid == 0 then
    local _, problem = pcall(exchange_for_ever, to)
    io.stderr:write(tostring(problem), "\n")
    process.exit(3)
  end
  process.close(to)
  core.sleep(core.random() * 2 * mean)
  process.kill(pid)
  local how, code = process.wait(pid)
  checks:that(how == "signal" and code == 9, "the process ended by itself: %s %d", how, code)
  local said, bytes = 0, process.read(from)
  while #bytes > 0 do
    said = string.unpack("<I4", bytes, #bytes - 3)
    bytes = process.read(from)
  end
  process.close(from)
  return said
end

--- What a fresh process finds: does a call work with what is stored, does an exchange, how often was reauth_required
-- told; and the same exchange asked for again.
local function fresh()
  return support.processes(1, function()
    local told = 0
    local app = support.app(box, store, {
      refresh = function(event)
        if event.kind == "reauth_required" then told = told + 1 end
      end,
    })
    local ok, err = support.call(box, support.client(box, app))
    local source, outcomes = private.state("hoopai.App", app):source(box.location_id), { ok and "ok" or err.kind }
    for _ = 1, 2 do
      local generation, problem = exchange(source)
      outcomes[#outcomes + 1] = generation and "ok" or problem.kind
    end
    return table.concat(outcomes, " ") .. " " .. told
  end)[1]
end

--- The last generation that the sandbox issued, as this store counts, and how often `presented` was tried.
local function issued(base, presented)
  local seen, last, tries = support.ledger(box), 0, 0
  for _, record in ipairs(seen.exchanges) do
    if record.applied then last = math.max(last, record.generation) end
    if record.presented and record.presented + base == presented then tries = tries + 1 end
  end
  return last + base, tries, seen
end

local function look(tokens, base, before, said, grace)
  local record, problem = tokens:read(key)
  if not record then
    tally.torn = tally.torn + 1
    return checks:that(false, "torn: %s", tostring(problem)), true
  end
  local backup = io.open(path .. "/" .. key:gsub("/", "%%2F") .. ".bak", "rb")
  if backup then
    if not core.unpack_credentials(backup:read("a")) then tally.torn = tally.torn + 1 end
    backup:close()
  end
  local lock = tokens:lock(key)
  if lock then
    lock:release()
  else
    tally.locked = tally.locked + 1
  end

  local generation = tonumber(record:get("generation"))
  local last, _, seen = issued(base, generation)
  last = math.max(last, before)
  tally.exchanges = tally.exchanges + seen.refreshes
  if generation < math.max(said, before) or generation > last or generation < last - 1 then
    tally.stale = tally.stale + 1
    checks:that(false, "stale: generation %d, said %d, issued %d", generation, said, last)
  end
  local lost = generation == last - 1
  if lost and not record:get("pending") then
    tally.unmarked = tally.unmarked + 1
    checks:that(false, "generation %d is spent and has no mark", generation)
  end
  if not lost or grace then
    tally.working = tally.working + 1
    if lost then tally.graced = tally.graced + 1 end
    checks:equal(fresh(), "ok ok ok 0", "a fresh process" .. (lost and " with grace" or ""))
    return true, false
  end
  tally.lost = tally.lost + 1
  checks:equal(fresh(), "ok reauth_required reauth_required 1", "a fresh process after a lost answer")
  checks:equal(fresh(), "ok reauth_required reauth_required 1", "one more fresh process after a lost answer")
  local _, tries = issued(base, generation)
  checks:equal(tries, 2, "tries of the old token, by the dead and by who came first after it")
  return true, true
end

local function sign_in(tokens)
  support.sign_in(box, store)
  return tonumber(tokens:read(key):get("generation")) - 1
end

local tokens = assert(core.token_file(path))
local base = sign_in(tokens)
-- The pace of this machine: kills should fall into any of the first exchanges.
local began = core.now()
do
  local app <close> = support.app(box, store)
  local source = private.state("hoopai.App", app):source(box.location_id)
  for _ = 1, 20 do
    assert(exchange(source))
  end
end
local pace = (core.now() - began) / 20
began = core.now()
for number = 1, kills do
  local grace = number % 4 == 0
  box:control("oauth/settings", { grace_seconds = grace and 30 or 0 })
  box:control "oauth/clear"
  local before = tonumber(tokens:read(key):get("generation"))
  local said = kill_one(3 * pace)
  local _, renew = look(tokens, base, before, said, grace)
  if renew then base = sign_in(tokens) end
end
local seconds = core.now() - began
print(
  (
    "%d kills among %d exchanges of %.1f ms: %d torn, %d stale, %d locks left, %d without a mark; %d times a fresh "
    .. "process worked on (%d of them by a server's grace), %d times the answer was lost and reauth_required said "
    .. "once; %.1f s, so %d kills in 5 minutes"
  ):format(
    kills,
    tally.exchanges,
    1000 * pace,
    tally.torn,
    tally.stale,
    tally.locked,
    tally.unmarked,
    tally.working,
    tally.graced,
    tally.lost,
    seconds,
    (300 * kills / seconds) // 1 | 0
  )
)
print(("%d checks, %d wrong"):format(checks.made, checks.bad))
os.exit(checks.bad + tally.torn + tally.stale + tally.locked == 0)
