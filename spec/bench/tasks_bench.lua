-- What waiting costs: memory of a task that waits, and the time to start and to cancel many of them.
--
--   eval "$(make -s env)"; lua5.4 spec/bench/tasks_bench.lua [tasks]
--
-- The calls go to a server that never responds; but for the 64 that a client may have in flight they wait in the queue.
-- Each kind is measured in a separate process, since memory that was used before is not allocated again.
local child = require "spec.support.child"
local core = require "hoopai.core"
local hoopai = require "hoopai"
local proc_status = require "spec.support.proc_status"
local servers = require "spec.support.server"

local count, kind, url = tonumber(arg[1]) or 10000, arg[2], arg[3]

local kinds = {
  { "sleeping tasks", function() hoopai.sleep(3600) end },
  { "calendars:get", function(client, index) return client.calendars:get("c" .. index) end },
  {
    "appointments:create",
    function(client, index)
      return client.appointments:create {
        calendarId = "ocQHyuzHvysMo5N5VsXc",
        contactId = "contact" .. index,
        startTime = "2026-01-05T10:00:00-05:00",
      }
    end,
  },
}

--- KiB that the process has in memory, and the part that Lua has allocated.
local function memory()
  collectgarbage()
  collectgarbage()
  return assert(proc_status "VmRSS"), collectgarbage("count")
end

local function measure(wait)
  local client <close> = hoopai.new { token = "t", base_url = url, location_id = "l", timeout = 900 }
  hoopai.run(function()
    pcall(hoopai.timeout, 0.01, wait, client, 0) -- what is loaded with the first is no part of the others
    local all, lua = memory()
    local tasks, begun = {}, core.now()
    for index = 1, count do
      tasks[index] = hoopai.spawn(wait, client, index)
    end
    hoopai.sleep(0) -- each of them runs until it waits
    local started = core.now() - begun
    hoopai.sleep(0.2) -- the calls leave
    local all_now, lua_now = memory()
    begun = core.now()
    for _, task in ipairs(tasks) do
      task:cancel()
    end
    print(
      ("%5.2f KiB resident each, %5.2f of them Lua's; started in %4.1f us, cancelled in %4.1f us"):format(
        (all_now - all) / count,
        (lua_now - lua) / count,
        started / count * 1e6,
        (core.now() - begun) / count * 1e6
      )
    )
  end)
end

if kind then
  measure(kinds[tonumber(kind)][2])
else
  local server = servers.start()
  server:reply { always = true, steps = { { stall = true } } }
  print(("%d wait at a time:"):format(count))
  for index, entry in ipairs(kinds) do
    local text, ok =
      child.run(("arg = { %q, %q, %q } dofile 'spec/bench/tasks_bench.lua'"):format(count, index, server.url))
    if not ok then error(text, 0) end
    io.write(("%-20s "):format(entry[1]), text)
  end
  server:stop()
end
