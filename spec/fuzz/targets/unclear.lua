--- Several responses to one call: retries, reconciliation of changes, searches for bookings. The first
-- byte selects the call; the responses, each a status and a body, are separated by a NUL.

local core = require "hoopai.core"
local hoopai = require "hoopai"
local oracle = require "spec.fuzz.oracle"
local peer = require "spec.fuzz.peer"

-- No pauses: the same responses, only sooner.
core.random = function() return 0 end

local SLOT, REFERENCE = "2030-01-07T10:00:00-05:00", "reference-of-mine"
local booking = { calendarId = "c", contactId = "p", startTime = SLOT, reference = REFERENCE, reconcile_timeout = 0 }
local unmarked = { calendarId = "c", contactId = "p", startTime = SLOT, reference = false, reconcile_timeout = 0 }
local blocked = {
  calendarId = "c",
  startTime = SLOT,
  endTime = "2030-01-07T11:00:00-05:00",
  title = "t",
}

local calls = {
  function(client) return client.appointments:book(booking) end,
  function(client) return client.appointments:book(unmarked) end,
  function(client)
    return client.appointments:book {
      calendarId = "c",
      contactId = "p",
      from = SLOT,
      max_slots = 2,
      reference = REFERENCE,
      reconcile_timeout = 0,
    }
  end,
  function(client) return client.appointments:find_booking(booking) end,
  function(client) return client.calendars:update("c", { name = "n", openHours = {} }) end,
  function(client) return client.block_slots:update("e", blocked) end,
  function(client) return client.notes:update("a", "n", { body = "b" }) end,
  function(client) return client.notes:delete("a", "n") end,
  function(client) return client.groups:set_status("g", { isActive = true }) end,
  function(client) return client.schedules:add_calendar("s", "c") end,
  function(client) return client.schedules:remove_calendar("s", "c") end,
  function(client) return client.appointments:cancel("e") end,
  function(client) return client.resources:delete("rooms", "r") end,
  function(client) return client.calendars:list() end,
}
local BOOKS = 3 -- of them are bookings

--- "201{...}" as a response; without a status, a connection that ends.
local function answer_of(part)
  local status, body = part:match("^(%d%d%d)(.*)$")
  if not status then return "" end
  return ("HTTP/1.1 %s X\r\nDate: Sun, 06 Jan 2030 08:49:37 GMT\r\nContent-Length: %d\r\n\r\n%s"):format(
    status,
    #body,
    body
  )
end

return function(bytes)
  local number = (bytes:byte(1) or 0) % #calls + 1
  local answers = {}
  for part in (oracle.plant(bytes:sub(2)) .. "\0"):gmatch("(%Z*)\0") do
    answers[#answers + 1] = answer_of(part)
  end
  peer.script(answers)
  -- A client for each input, because a client keeps state: its retry budget and its rate limit.
  local client <close> = hoopai.new {
    token = oracle.TOKEN,
    location_id = "l",
    base_url = peer.url,
    timeout = 0.5,
    rate_limit = false,
  }
  local result, response = calls[number](client)
  if result == nil then
    oracle.is_error(response)
  else
    assert(type(result) == "table" and type(response) == "table", "a result that is no table")
  end
  local creates = 0
  for _, request in ipairs(peer.requests) do
    if request:find("^POST .*/appointments$") then creates = creates + 1 end
  end
  local taken = number == BOOKS and 2 or 1 -- slots that may be tried
  assert(creates <= taken, "a create that was sent twice")
end
