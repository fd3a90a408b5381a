--- The bytes of a response, through libcurl and the whole pipeline of a call. The first byte selects the call, the
-- second the size of the pieces in which the response arrives.

local hoopai = require "hoopai"
local oracle = require "spec.fuzz.oracle"
local peer = require "spec.fuzz.peer"

local instant = "2030-01-07T10:00:00-05:00"
local window = { startDate = 1767571200000, endDate = 1767657600000 }

local reads = {
  function(client) return client.calendars:list() end,
  function(client) return client.calendars:get("c") end,
  function(client) return client.calendars:free_slots("c", window) end,
  function(client) return client.notes:list("a") end,
}
local writes = {
  function(client) return client.appointments:create { calendarId = "c", contactId = "p", startTime = instant } end,
  function(client) return client.calendars:update("c", { name = "n" }) end,
  function(client) return client.calendars:delete("c") end,
  function(client) return client:request { method = "PATCH", path = "/any", body = { a = 1 } } end,
}

peer.script {}
local client = hoopai.new {
  token = oracle.TOKEN,
  location_id = "l",
  base_url = peer.url,
  timeout = 10,
  retries = false,
  rate_limit = false,
}

local function check_result(result, response)
  assert(type(result) == "table", "a result that is no table")
  assert(response.status >= 200 and response.status < 300, "a success of another status")
  local ok, next_slot = pcall(hoopai.slots, result)
  if not ok then
    assert(tostring(next_slot):find("hoopai.slots expects the result of free_slots, got ", 1, true), next_slot)
    return
  end
  for _, slot, moment in next_slot do
    assert(type(slot) == "string" and hoopai.time.is_instant(moment), "a slot that is none")
  end
end

local function check_applied(err, is_write)
  local status = err.status or 0
  if not is_write then
    assert(err.applied == "no", "a read that was applied")
  elseif status >= 400 and status < 500 and status ~= 408 then
    assert(err.applied == "no", "a refused write that was applied")
  else
    assert(err.applied ~= "no", "a write that left without trace")
  end
end

return function(bytes)
  local which, size = bytes:byte(1, 2)
  if not size then return end
  local is_write = which & 1 == 1
  local call = (is_write and writes or reads)[(which >> 1) % 4 + 1]
  peer.script({ oracle.plant(bytes:sub(3)) }, size > 0 and size or nil)
  local result, response = call(client)
  if result ~= nil then return check_result(result, response) end
  oracle.is_error(response)
  check_applied(response, is_write)
end
