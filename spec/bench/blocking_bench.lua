-- How long a single call into the library takes the thread:
--
--   eval "$(make -s env)"; lua5.4 spec/bench/blocking_bench.lua [peers] [decoding] [writing]
--
-- With 100 calls in flight to peers that are silent; and what is done in one piece: decoding a response, and writing a
-- token file. Without a name all three are measured.

local blocked = require "spec.support.blocked"
local core = require "hoopai.core"

local CALLS = 100

local function milliseconds(work)
  local begun = core.now()
  work()
  return (core.now() - begun) * 1000
end

--- The median of some measurements.
local function median(count, measure)
  local list = {}
  for index = 1, count do
    list[index] = measure()
  end
  table.sort(list)
  return list[(count + 1) // 2], list[count]
end

local function silent_peers()
  local peers = blocked.peers()
  print(("%-10s %-10s %12s %12s %12s %12s"):format("peer", "ends by", "longest", "processor", "overshoot", "lua_close"))
  for _, peer in ipairs { "resolver", "dns", "listener", "tls", "answer" } do
    for _, case in ipairs { "timeout", "cancel", "close", "lua_close" } do
      local result, text
      if peer ~= "dns" or peers:has_dns() then
        result, text = peers:measure(peer, case, CALLS)
      end
      if result then
        print(
          ("%-10s %-10s %9.1f ms %9.1f ms %9.1f ms %9s ms"):format(
            peer,
            case,
            result.longest,
            result.cpu,
            result.overshoot,
            result.lua_close or "-"
          )
        )
      else
        print(("%-10s %-10s %s"):format(peer, case, text or "needs the right to mount, and port 53"))
      end
    end
  end
  peers:close()
end

--- A list of records, as the API sends it: few different keys.
local function usual_body()
  local events = {}
  for index = 1, 10000 do
    events[index] = {
      id = "event" .. index,
      calendarId = "calendar",
      contactId = "contact" .. index,
      title = "Check-up " .. index,
      appointmentStatus = "confirmed",
      startTime = "2026-01-05T10:00:00-05:00",
      endTime = "2026-01-05T10:30:00-05:00",
      dateAdded = "2025-12-01T08:00:00.000Z",
      assignedUserId = "user",
      users = { "user", "other" },
      count = index,
      address = ("Street of a long name %d, "):format(index):rep(5),
      notes = ("words and more words "):rep(10),
    }
  end
  return core.encode { events = events }
end

--- One object of many different keys, which the API does not send: each becomes a string and a place in a hash table.
local function body_of_many_keys()
  local parts = {}
  for index = 1, 500000 do
    parts[index] = ('"k%09d":1'):format(index)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

--- The time on the processor: nothing is waited for.
local function decoding()
  for _, body in ipairs { { "records", usual_body() }, { "500,000 different keys", body_of_many_keys() } } do
    local what, text = body[1], body[2]
    local megabytes = #text / 1e6
    local typical = median(9, function()
      collectgarbage()
      local begun = os.clock()
      core.decode(text)
      return (os.clock() - begun) * 1000
    end)
    local each = typical / megabytes
    print(("decoding a response of %s, %.1f MB: %.0f ms, %.1f ms per MB"):format(what, megabytes, typical, each))
  end
end

local function writing()
  local pipe = assert(io.popen "mktemp -d")
  local folder = pipe:read "l"
  pipe:close()
  local tokens = assert(core.token_file(folder))
  local record = core.credentials {
    access_token = core.secret(("a"):rep(900)),
    refresh_token = core.secret(("r"):rep(900)),
    generation = 1,
  }
  local typical, worst = median(99, function()
    return milliseconds(function() assert(tokens:write("k", record)) end)
  end)
  print(("writing a token file, fsync included: %.1f ms, at worst %.1f ms"):format(typical, worst))
  tokens:close()
  os.execute("rm -rf " .. folder)
end

local parts = { peers = silent_peers, decoding = decoding, writing = writing }
for _, name in ipairs(#arg > 0 and arg or { "peers", "decoding", "writing" }) do
  assert(parts[name], "no such part: " .. name)()
end
