-- Clocks that jump, with libfaketime (Debian: faketime):
--
--   eval "$(make -s env)"; lua5.4 spec/torture/clock.lua
--
-- From the root of the checkout, after make build build/process.so.
--
-- The wall clock jumps by 25 hours, forth or back, and the monotonic clock with it or not: before a program begins,
-- between two of its calls, and in the middle of an exchange. The sandbox keeps the right time. In each case the calls
-- must succeed, there must be as many exchanges as the rules say, and a program with the right time must work
-- afterwards, with an exchange or without: the grant is never lost.
-- Ends with status 1 otherwise.

local child = require "spec.support.child"
local core = require "hoopai.core"
local hoopai = require "hoopai"
local support = require "spec.torture.support.oauth"

local preload = support.faketime()
local checks = support.checks()
local folder <close> = support.folder()
local box <close> = support.start()
local path, clock_file = folder.path .. "/store", folder.path .. "/clock"

-- The program under the false clock: it calls, may set the clock, and calls again. Prints the outcome of each call.
local program = [[
  local hoopai, core = require "hoopai", require "hoopai.core"
  local function set_clock(offset)
    local file = assert(io.open(%q, "w"))
    assert(file:write(offset, "\n"))
    assert(file:close())
  end
  local app <close> = hoopai.oauth {
    client_id = %q, client_secret = %q, base_url = %q, store = hoopai.store.file(%q),
  }
  local client <close> = hoopai.new { oauth = app, base_url = %q, location_id = %q, timeout = 20 }
  local function call()
    local calendar, err = client.calendars:get(%q)
    print(calendar and "ok" or err.kind)
  end
  local jump, during, monotonic = %q, %s, %s
  local wall, mono = core.wall_ms(), core.now()
  if jump == "" then
    call()
  elseif during then
    hoopai.run(function()
      hoopai.spawn(call)
      core.sleep(0)
      hoopai.sleep(0.5)
      set_clock(jump)
    end)
    hoopai.sleep(1.2) -- after a failure exchanges pause for a second
    call()
  else
    call()
    set_clock(jump)
    call()
  end
  local shift = math.floor((core.wall_ms() - wall) / 3600000 + 0.5)
  print(("wall %%+d h, monotonic %%+d h"):format(shift, math.floor((core.now() - mono) / 3600 + 0.5)))
]]

local function run(begin, jump, during, monotonic)
  local file = assert(io.open(clock_file, "w"))
  assert(file:write(begin, "\n"))
  assert(file:close())
  local source = program:format(
    clock_file,
    box.oauth.client_id,
    box.oauth.client_secret,
    box.url,
    path,
    box.url,
    box.location_id,
    box.seed.calendars.checkup,
    jump,
    tostring(during),
    tostring(monotonic)
  )
  local output = child.run(source, {
    set = {
      LD_PRELOAD = preload,
      FAKETIME_TIMESTAMP_FILE = clock_file,
      FAKETIME_NO_CACHE = "1",
      FAKETIME_DONT_FAKE_MONOTONIC = monotonic and "0" or "1",
    },
  })
  local words = {}
  for line in output:gmatch("[^\n]+") do
    words[#words + 1] = line
  end
  local shift = table.remove(words) or "nothing"
  return table.concat(words, " "), shift
end

--- One case. `given`: begin, jump (offsets), during (jump in an exchange), over, delay_ms, grace; `expected`: outcome,
-- refreshes under the false clock, refreshes afterwards with the right one.
local function case(name, given, expected)
  for _, monotonic in ipairs { false, true } do
    local full = name .. (monotonic and ", monotonic too" or "")
    local want = monotonic and expected.monotonic or expected
    local store = hoopai.store.file(path)
    box:control("oauth/settings", { grace_seconds = given.during and monotonic and 60 or 0 })
    support.sign_in(box, store, given.during)
    box:control "oauth/clear"
    if given.during then box:control("oauth/fault", { grant = "refresh_token", delay_ms = 1500 }) end
    local began = core.now()
    local outcome, shift = run(given.begin or "+0", given.jump or "", given.during or false, monotonic)
    local seen = support.ledger(box)
    box:control "oauth/clear"
    local app <close> = support.app(box, store)
    local ok, err = support.call(box, support.client(box, app))
    local after = support.ledger(box)
    print(
      ("%s: %s; %s; %d exchanges, %d reuse; afterwards %s with %d exchanges; %.1f s"):format(
        full,
        shift,
        outcome,
        seen.refreshes,
        seen.counts.reuses,
        ok and "ok" or err.kind,
        after.refreshes,
        core.now() - began
      )
    )
    io.stdout:flush()
    checks:equal(outcome, want.outcome, full .. ": calls")
    checks:equal(seen.refreshes, want.refreshes, full .. ": exchanges")
    checks:that(ok, "%s: afterwards %s", full, err and tostring(err))
    checks:equal(after.refreshes, want.after, full .. ": exchanges afterwards")
    if given.jump then
      local hours = given.jump:match("^[+-]%d+")
      local wanted = ("wall %s h, monotonic %s h"):format(hours, monotonic and hours or "+0")
      checks:equal(shift, wanted, full .. ": the jump")
    end
  end
end

local function both(first, second)
  first.monotonic = second or first
  return first
end

-- Without a jump, to know that the false clock itself does no harm.
case("no jump", {}, both { outcome = "ok", refreshes = 0, after = 0 })
-- Tokens live for 24 hours. What is stored by a clock that is ahead comes from the future for the right one.
case("begins 25 h ahead", { begin = "+25h" }, both { outcome = "ok", refreshes = 1, after = 1 })
-- What comes from the future counts as over. Stored by a clock that is behind, it is too old for the right one.
case("begins 25 h behind", { begin = "-25h" }, both { outcome = "ok", refreshes = 1, after = 1 })
case("begins 23 h ahead", { begin = "+23h" }, both { outcome = "ok", refreshes = 0, after = 0 })
-- A program that runs trusts the monotonic clock alone.
case(
  "jumps 25 h ahead between calls",
  { jump = "+25h" },
  both({ outcome = "ok ok", refreshes = 0, after = 0 }, { outcome = "ok ok", refreshes = 1, after = 1 })
)
case("jumps 25 h back between calls", { jump = "-25h" }, both { outcome = "ok ok", refreshes = 0, after = 0 })
-- Here too, but a monotonic clock that leaps ends the wait for the response as well: the grace brings the token back.
case(
  "jumps 25 h ahead in an exchange",
  { jump = "+25h", during = true },
  both({ outcome = "ok ok", refreshes = 1, after = 1 }, { outcome = "timeout ok", refreshes = 2, after = 1 })
)
case(
  "jumps 25 h back in an exchange",
  { jump = "-25h", during = true },
  both({ outcome = "ok ok", refreshes = 1, after = 1 }, { outcome = "ok ok", refreshes = 1, after = 1 })
)

print(("%d checks, %d wrong"):format(checks.made, checks.bad))
os.exit(checks.bad == 0)
