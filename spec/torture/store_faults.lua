-- Folders that cannot be written, files that others may read, disks without room:
--
--   eval "$(make -s env)"; lua5.4 spec/torture/store_faults.lua
--
-- From the root of the checkout, after make build build/process.so. The full disk, the read-only mount and the files of
-- other users need root.
--
-- With each a program that must exchange its token says so with an error of kind "store" (or refuses to open the
-- store), whose message names the problem; the sandbox's ledger has no exchange; the file has not changed; and when
-- the fault is gone the next program works, with one exchange. A disk that becomes full after the token was spent has
-- the successor a few seconds later, when there is room again.
-- Ends with status 1 otherwise.

local child = require "spec.support.child"
local core = require "hoopai.core"
local hoopai = require "hoopai"
local process = require "spec.support.process"
local support = require "spec.torture.support.oauth"

local quote = child.quote
local checks = support.checks()
local folder <close> = support.folder()
local box <close> = support.start()
local file_name = (box.oauth.client_id .. "/location/" .. box.location_id):gsub("/", "%%2F")
local is_root = support.run("id -u") == "0\n"

local function sh(command, ...)
  local words = { ... }
  for index, word in ipairs(words) do
    words[index] = quote(word)
  end
  return os.execute("{ " .. command:format(table.unpack(words)) .. "; } 2>/dev/null") == true
end

local function bytes_of(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local bytes = file:read("a")
  file:close()
  return bytes
end

-- The program that meets the fault, as a separate process, so that another user can run it. It calls three times,
-- each time in need of an exchange, and prints what came of it.
local program = [[
  local hoopai = require "hoopai"
  local opened, store = pcall(hoopai.store.file, %q)
  if not opened then print("raised: " .. tostring(store)) return end
  local app <close> = hoopai.oauth { client_id = %q, client_secret = %q, base_url = %q, store = store }
  local client <close> = hoopai.new { oauth = app, base_url = %q, location_id = %q, timeout = 20 }
  for _ = 1, 3 do
    local calendar, err = client.calendars:get(%q)
    print(calendar and "ok" or err.kind .. ": " .. err.message)
  end
]]

local function run(store, user)
  local source = program:format(
    store,
    box.oauth.client_id,
    box.oauth.client_secret,
    box.url,
    box.url,
    box.location_id,
    box.seed.calendars.checkup
  )
  local script = folder.path .. "/program.lua"
  local file = assert(io.open(script, "w"))
  assert(file:write(source))
  assert(file:close())
  local prefix = user and ("setpriv --reuid=%d --regid=%d --clear-groups "):format(user, user) or ""
  return support.run(prefix .. quote(child.interpreter()) .. " " .. quote(script) .. " 2>&1")
end

local number = 0

--- A store with a token that is refused by the API, in a new folder within `parent`.
local function new_store(parent)
  number = number + 1
  local path = ("%s/store%d"):format(parent or folder.path, number)
  support.sign_in(box, hoopai.store.file(path))
  box:control("oauth/expire", {})
  box:control "oauth/clear"
  return path
end

--- One fault: `harm` and `heal` get the path of the store; `expected` is what the message must hold.
local function case(name, expected, harm, heal, given)
  given = given or {}
  local path = new_store(given.parent)
  local record = path .. "/" .. file_name
  local before = bytes_of(record)
  if given.user then assert(sh("chown -R " .. given.user .. " %s", path)) end
  if not checks:that(harm(path, record), "%s: could not be brought about", name) then return end
  local began = core.now()
  local output = run(path, given.user)
  local seen = support.ledger(box)
  local first = output:match("[^\n]*")
  checks:that(heal(path, record), "%s: could not be mended", name)
  local same = bytes_of(record) == before
  if given.user then assert(sh("chown -R 0:0 %s", path)) end
  local healed = run(path):gsub("\n", " ")
  local after = support.ledger(box)
  print(
    ("%s: %s; %d exchanges, token %s; mended: %s, %d exchanges; %.1f s"):format(
      name,
      (first:gsub(folder.path, "...")),
      seen.refreshes,
      same and "kept" or "CHANGED",
      healed,
      after.refreshes,
      core.now() - began
    )
  )
  io.stdout:flush()
  local count = 0
  for line in output:gmatch("[^\n]+") do
    count = count + 1
    checks:that(line:find("^store: ") or line:find("^raised: .*hoopai%.store%.file"), "%s: %s", name, line)
    checks:that(line:find(expected), "%s: no word about it in: %s", name, line)
  end
  checks:that(count == 3 or output:find("^raised: "), "%s: %d lines", name, count)
  checks:equal(seen.refreshes, 0, name .. ": exchanges")
  checks:that(same, "%s: the file has changed", name)
  checks:equal(healed, "ok ok ok ", name .. ": calls afterwards")
  checks:equal(after.refreshes, 1, name .. ": exchanges afterwards")
end

local function mode(of, bad, good)
  local function change(bits)
    return function(path, record) return sh("chmod " .. bits .. " %s", of == "file" and record or path) end
  end
  return change(bad), change(good)
end

local function case_mode(name, expected, of, bad, good, given)
  local harm, heal = mode(of, bad, good)
  case(name, expected, harm, heal, given)
end

-- Root may write everywhere: another user runs it.
local user = is_root and 65534 or nil
if user then assert(sh("chmod 711 %s", folder.path)) end
case_mode("folder read-only (0500)", "[Pp]ermission denied", "folder", "0500", "0700", { user = user })
case_mode("folder without entry (0000)", "[Pp]ermission denied", "folder", "0000", "0700", { user = user })
case_mode("folder open to a group (0770)", "others", "folder", "0770", "0700")
case_mode("folder open to all (0777)", "others", "folder", "0777", "0700")
case_mode("file readable to a group (0640)", "others", "file", "0640", "0600")
case_mode("file readable to all (0644)", "others", "file", "0644", "0600")
case_mode("file without rights (0000)", "[Pp]ermission denied", "file", "0000", "0600", { user = user })
if is_root then
  case(
    "file of another user",
    "another user",
    function(_, record) return sh("chown 65534 %s", record) end,
    function(_, record) return sh("chown 0 %s", record) end
  )
  case(
    "folder of another user",
    "another user",
    function(path) return sh("chown 65534 %s", path) end,
    function(path) return sh("chown 0 %s", path) end
  )
end
case(
  "folder behind a link",
  "link",
  function(path) return sh("mv %s %s && ln -s %s %s", path, path .. "-", path .. "-", path) end,
  function(path) return sh("rm %s && mv %s %s", path, path .. "-", path) end
)
case(
  "file behind a link",
  "link",
  function(path, record) return sh("mv %s %s && ln -s real %s", record, path .. "/real", record) end,
  function(path, record) return sh("rm %s && mv %s %s", record, path .. "/real", record) end
)
case(
  "file with a second name",
  "name",
  function(path, record) return sh("ln %s %s", record, path .. "/second") end,
  function(path) return sh("rm %s", path .. "/second") end
)
case(
  "file cut short",
  "cut off",
  function(_, record) return sh("cp %s %s && truncate -s 100 %s", record, record .. "-", record) end,
  function(_, record) return sh("cat %s >%s && rm %s", record .. "-", record, record .. "-") end
)
case(
  "a folder in place of the lock",
  "lock cannot be opened",
  function(_, record) return sh("rm -f %s && mkdir %s", record .. ".lock", record .. ".lock") end,
  function(_, record) return sh("rmdir %s", record .. ".lock") end
)

-- A program that needs no exchange does not write.
do
  local name = "folder read-only (0500), a token that is good"
  local path = folder.path .. "/good"
  support.sign_in(box, hoopai.store.file(path))
  box:control "oauth/clear"
  if user then assert(sh("chown -R " .. user .. " %s", path)) end
  assert(sh("chmod 0500 %s", path))
  local outcome = run(path, user):gsub("\n", " ")
  print(("%s: %s, %d exchanges"):format(name, outcome, support.ledger(box).refreshes))
  checks:equal(outcome, "ok ok ok ", name)
end

-- File systems of our own ---------------------------------------------------------------------------------------------

local disk = folder.path .. "/disk"
local mounted = setmetatable({}, { __close = function() sh("umount -l %s", disk) end })

local function fill() return sh("dd if=/dev/zero of=%s bs=4096; true", disk .. "/filler") end
local function almost_fill() return fill() and sh("truncate -s -4096 %s", disk .. "/filler") end
local function empty() return sh("rm -f %s", disk .. "/filler") end

--- The disk is full from the moment the token was spent until four seconds later.
local function full_after_spending()
  local name = "disk full once the token was spent, room again after 4 s"
  local path = new_store(disk)
  box:control("oauth/fault", { grant = "refresh_token", delay_ms = 1000 })
  local began = core.now()
  local pid = process.fork()
  if pid == 0 then
    for _ = 1, 200 do
      if box:control("oauth/counts").rotations > 0 then break end
      core.sleep(0.02)
    end
    fill()
    core.sleep(4)
    empty()
    process.exit(0)
  end
  local outcome = run(path):gsub("\n", " ")
  process.wait(pid)
  local seen = support.ledger(box)
  local healed = run(path):gsub("\n", " ")
  local after = support.ledger(box)
  print(
    ("%s: %s; %d exchanges, %d reuse; a fresh process: %s, %d exchanges; %.1f s"):format(
      name,
      outcome,
      seen.refreshes,
      seen.counts.reuses,
      healed,
      after.refreshes,
      core.now() - began
    )
  )
  checks:equal(outcome, "ok ok ok ", name .. ": calls")
  checks:equal(seen.refreshes, 1, name .. ": exchanges")
  checks:equal(seen.counts.reuses, 0, name .. ": reuse")
  checks:equal(healed, "ok ok ok ", name .. ": calls afterwards")
  checks:equal(after.refreshes, 1, name .. ": exchanges with those afterwards")
end

do
  local unmount <close> = mounted -- luacheck: ignore 211
  if is_root and sh("mkdir -m 711 %s && mount -t tmpfs -o size=64k,mode=0711 hoopai %s", disk, disk) then
    case("disk full", "[Nn]o space left", fill, empty, { parent = disk })
    case(
      "disk with room for a mark, but not for what may follow",
      "[Nn]o space left",
      almost_fill,
      empty,
      { parent = disk }
    )
    case(
      "disk mounted read-only",
      "[Rr]ead%-only",
      function() return sh("mount -o remount,ro %s", disk) end,
      function() return sh("mount -o remount,rw %s", disk) end,
      { parent = disk }
    )
    full_after_spending()
  else
    print("full disk, read-only mount: left out, they need root and the right to mount")
  end
end

print(("%d checks, %d wrong"):format(checks.made, checks.bad))
os.exit(checks.bad == 0)
