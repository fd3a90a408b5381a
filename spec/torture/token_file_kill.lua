-- Kills processes that rotate credentials in a token file, and checks the file after each kill:
--
--   make torture     or     KILLS=10000 lua5.4 spec/torture/token_file_kill.lua     (from the root of the checkout)
--
-- 1. At random: a child writes generation after generation and says each that tokens:write has returned. After the kill
--    the file must be whole and hold the last generation said, or the one after it.
-- 2. Exactly: strace kills a reservation and a write at their first, second, third ... system call. The file must be
--    whole and hold the old generation or the new one, and the new one if the write had returned.
-- In both, the backup must be a whole older record or not be there, and the lock of the dead must be free.
-- Ends with status 1 when anything was torn, stale or locked.

local child = require "spec.support.child"
local core = require "hoopai.core"
local process = require "spec.support.process"

local kills = tonumber(os.getenv("KILLS")) or 10000

local function run(command)
  local pipe = assert(io.popen(command, "r"))
  local output = pipe:read("a")
  pipe:close()
  return output
end

local root = run("mktemp -d"):gsub("\n", "")
local tally

local function reset() tally = { torn = 0, stale = 0, locked = 0, rotations = 0, backups = 0 } end

local function grant(generation)
  return core.credentials {
    generation = generation,
    access_token = ("a%d-"):format(generation) .. ("x"):rep(900),
    refresh_token = ("r%d-"):format(generation) .. ("y"):rep(2500),
    expires_in = 86399,
  }
end

--- The generation in the file, 0 when there is none, nil when the record cannot be read.
local function stored(tokens)
  local record, problem = tokens:read("grant")
  if problem then
    print("torn: " .. problem)
    return nil
  end
  return record and tonumber(record:get("generation")) or 0
end

local function look(tokens, least, most, what)
  local generation = stored(tokens)
  if not generation then
    tally.torn = tally.torn + 1
  elseif generation < least or generation > most then
    tally.stale = tally.stale + 1
    print(("stale: generation %d, %d was written, %s"):format(generation, least, what))
  end
  local lock = tokens:lock("grant")
  if lock then
    lock:release()
  else
    tally.locked = tally.locked + 1
  end
  return generation
end

--- If there is a backup, it must be whole older credentials (or the credentials themselves).
local function look_at_backup(folder, generation)
  local file = io.open(folder .. "/grant.bak", "rb")
  if not file then return end
  local record = core.unpack_credentials(file:read("a"))
  file:close()
  local older = record and tonumber(record:get("generation"))
  if not older or older > generation or older < generation - 1 then
    tally.torn = tally.torn + 1
    print("torn: the backup of generation " .. generation)
  else
    tally.backups = tally.backups + 1
  end
end

local function report(what, count, began)
  print(
    ("%s: %d kills, %d torn, %d stale, %d locks left; %d rotations, %d whole backups, %.1f s"):format(
      what,
      count,
      tally.torn,
      tally.stale,
      tally.locked,
      tally.rotations,
      tally.backups,
      core.now() - began
    )
  )
  return tally.torn + tally.stale + tally.locked
end

------------------------------------------------------------------------------------------------------- at random

local function rotate_for_ever(tokens, generation, said)
  local lock <close> = assert(tokens:lock("grant"))
  while lock do
    generation = generation + 1
    local room <close> = assert(tokens:reserve("grant", grant(generation)))
    assert(tokens:write("grant", grant(generation), generation - 1, room))
    process.write(said, string.pack("<I4", generation))
  end
end

--- One child, killed after a random time. Returns the generation in the file then.
local function kill_one(folder, tokens, generation, mean)
  local from, to = process.pipe()
  local pid = process.fork()
  if pid == 0 then
    local _, problem = pcall(rotate_for_ever, tokens, generation, to)
    io.stderr:write(tostring(problem), "\n")
    process.exit(3)
  end
  process.close(to)
  core.sleep(core.random() * 2 * mean)
  process.kill(pid)
  local how, code = process.wait(pid)
  assert(how == "signal" and code == 9, "the child ended by itself: " .. how .. " " .. code)
  local said, bytes = generation, process.read(from)
  while #bytes > 0 do
    said = string.unpack("<I4", bytes, #bytes - 3)
    bytes = process.read(from)
  end
  process.close(from)
  local found = look(tokens, said, said + 1, "killed at random")
  tally.rotations = tally.rotations + (found or said) - generation
  if found then look_at_backup(folder, found) end
  return found or said
end

local function at_random()
  reset()
  local folder = root .. "/random"
  local tokens = assert(core.token_file(folder))
  local began = core.now()
  -- The pace of this disk: kills should fall into any of the first writes. The first reservation also looks for old
  -- files, which the children then need not do.
  for n = 1, 20 do
    local room <close> = assert(tokens:reserve("grant", grant(n)))
    assert(tokens:write("grant", grant(n), n - 1, room))
  end
  local mean = 3 * (core.now() - began) / 20
  began = core.now()
  local generation = 20
  for _ = 1, kills do
    generation = kill_one(folder, tokens, generation, mean)
  end
  local bad = report("at random", kills, began)
  local left = tonumber(run(("ls %s | grep -c tmp"):format(child.quote(folder))))
  print(("  %d temporary files of the dead are left, which go an hour later"):format(left))
  return bad
end

---------------------------------------------------------------------------------------------- at each system call

local one_write = [[
  local core = require "hoopai.core"
  local tokens = assert(core.token_file(%q))
  local lock = assert(tokens:lock("grant"))
  local old = tokens:read("grant")
  local new = core.credentials { generation = tonumber(old:get("generation")) + 1, access_token = ("x"):rep(900),
    refresh_token = ("y"):rep(2500) }
  io.stderr:setvbuf("no")
  io.stderr:write("begin\n")
  local room <close> = assert(tokens:reserve("grant", old))
  assert(tokens:write("grant", new, 0, room))
  io.stderr:write("done\n")
]]

--- The system calls between "begin" and "done" of a run that lives: name, and which one of that name it is.
local function calls_of(command)
  local log = root .. "/log"
  run(("strace -f -o %s %s"):format(log, command))
  local calls, counts, inside = {}, {}, false
  for line in io.lines(log) do
    local name = line:match("^%d+ +([%w_]+)%(")
    if name then
      counts[name] = (counts[name] or 0) + 1
      if inside then calls[#calls + 1] = { name = name, number = counts[name] } end
      if line:find('"begin', 1, true) then inside = true end
      if line:find('"done', 1, true) then inside = false end
    end
  end
  assert(#calls > 10, "strace showed no write")
  return calls
end

local function at_each_call()
  reset()
  assert(os.execute("strace -o /dev/null true"), "strace does not work here")
  local folder, script = root .. "/exact", root .. "/write.lua"
  local tokens = assert(core.token_file(folder))
  local file = assert(io.open(script, "w"))
  assert(file:write(one_write:format(folder)))
  assert(file:close())
  assert(tokens:write("grant", grant(1)) and tokens:write("grant", grant(2)))
  local command = child.quote(child.interpreter()) .. " " .. child.quote(script) .. " 2>&1"
  local calls, began, names = calls_of(command), core.now(), {}
  for index, call in ipairs(calls) do
    os.execute(("rm -f %s/*.tmp"):format(child.quote(folder))) -- to look at those would shift the count of calls
    local before = assert(stored(tokens))
    local output = run(
      ("strace -f -o /dev/null -e inject=%s:signal=KILL:when=%d %s; echo $?"):format(call.name, call.number, command)
    )
    assert(output:find("begin", 1, true) and output:find("137\n$"), "not killed in its write: " .. output)
    local done = output:find("done", 1, true) ~= nil
    local found = look(tokens, done and before + 1 or before, before + 1, ("killed at %s %d"):format(call.name, index))
    if found then
      tally.rotations = tally.rotations + found - before
      look_at_backup(folder, found)
    end
    names[index] = call.name .. (found == before + 1 and "+" or "")
  end
  local bad = report("at each system call", #calls, began)
  print("  in this order, + where the new generation was there: " .. table.concat(names, " "))
  return bad
end

local bad = at_random() + at_each_call()
os.execute("rm -rf " .. child.quote(root))
os.exit(bad == 0)
