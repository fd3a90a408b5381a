-- A program that goes on for long: its memory and its descriptors stay what they are.
--
--   eval "$(make -s env)"; REQUESTS=100000 lua5.4 spec/torture/soak.lua
--
-- From the root of the checkout, after make build.
--
-- Blocking calls, calls side by side, refusals, bookings, cancelled calls, light clients, and a new client every
-- thousand requests. After a tenth of them the size is taken: by the end it must have grown by less than 1 MB, and the
-- descriptors must be as many. Ends with status 1 otherwise.

local core = require "hoopai.core"
local core_http = require "spec.support.core_http"
local hoopai = require "hoopai"
local memory = require "spec.torture.support.memory"
local proc_status = require "spec.support.proc_status"

local requests = tonumber(os.getenv "REQUESTS") or 100000
local LIMIT = 1024 -- KiB of growth

local peer <close> = memory.peer()

local function new_client()
  return hoopai.new {
    base_url = peer.url,
    token = "token-of-the-soak",
    location_id = "l1",
    retries = false,
    rate_limit = false,
  }
end

local function booking(index)
  return {
    calendarId = "c1",
    locationId = "l1",
    contactId = "p1",
    startTime = "2026-01-05T10:00:00-05:00",
    title = "soak" .. index,
  }
end

--- About a thousand requests. Returns how many.
local function round(client, number)
  for _ = 1, 100 do
    assert(client.appointments:get("a1"))
  end
  local ids = {}
  for index = 1, 800 do
    ids[index] = index % 10 == 0 and "limited" or "a" .. index
  end
  local results, errors = hoopai.map(ids, function(id) return client.appointments:get(id) end, { concurrency = 32 })
  for index = 1, 800 do
    assert(index % 10 == 0 and errors[index].kind == "rate_limit" or results[index].id == "a1")
  end
  for index = 1, 50 do
    assert(client.appointments:create(booking(number % 20 * 50 + index)))
  end
  local light <close> = client:with { location_id = "l2", headers = { ["X-Round"] = tostring(number) } }
  for _ = 1, 40 do
    assert(light.appointments:get("a1"))
  end
  hoopai.run(function()
    local tasks = {}
    for index = 1, 10 do
      tasks[index] = hoopai.spawn(function() return client.appointments:get("slow") end)
    end
    assert(client.appointments:get("a1"))
    for index = 1, 10 do
      tasks[index]:cancel()
    end
  end)
  return 1001
end

local function size()
  collectgarbage()
  collectgarbage()
  return proc_status "VmRSS", core_http.descriptors(), collectgarbage "count"
end

local client, done, rounds = new_client(), 0, 0
local begun = core.now()
local first_size, first_descriptors, first_lua
while done < requests do
  done = done + round(client, rounds)
  rounds = rounds + 1
  client:close()
  client = new_client()
  if not first_size and done >= requests / 10 then
    first_size, first_descriptors, first_lua = size()
    print(
      ("after %6d requests: %d KiB, %d descriptors, %.0f KiB of Lua"):format(
        done,
        first_size,
        first_descriptors,
        first_lua
      )
    )
    io.stdout:flush()
  end
end
local last_size, last_descriptors, last_lua = size()
print(
  ("after %6d requests: %d KiB, %d descriptors, %.0f KiB of Lua; %.0f s"):format(
    done,
    last_size,
    last_descriptors,
    last_lua,
    core.now() - begun
  )
)
print(("grown by %d KiB, %d descriptors"):format(last_size - first_size, last_descriptors - first_descriptors))
os.exit(last_size - first_size < LIMIT and last_descriptors == first_descriptors, true)
