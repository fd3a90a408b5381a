--- Starts and questions the server of spec/support/fault_server.lua, where lanes, faults and ledgers are described.
--
--   local server = require("spec.support.faults").start()
--   local fault = { when = "after_apply", what = "close", applied = "yes", class = "once" }
--   local lanes = server:open { { faults = { fault } } }
--   ... use lanes[1].url, for HTTPS with server.ca_file ...
--   server:settle(lanes)
--   local ledger = server:ledger(lanes)[1]

local io_open, os_remove = io.open, os.remove
local control = require "spec.support.control"

local PATIENCE = control.PATIENCE

local faults = {}

local Server = {}
Server.__index = Server

--- Starts a server process. It ends with `stop`, or when this process ends, however that happens.
function faults.start()
  local name, pipe, port, authority = control.start("spec/support/fault_server.lua", "^(%d+)\n(.*END CERTIFICATE%-+\n)")
  local file = assert(io_open(name, "w"))
  assert(file:write(authority))
  file:close()
  return setmetatable({ ca_file = name, pipe = pipe, control = control.connect(port, 3 * PATIENCE) }, Server)
end

local function command(self, name, argument) return control.ask(self.control, "fault server", name, argument) end

--- Opens lanes: a list of { url, lane, tls }, in the same order.
function Server:open(list)
  local lanes = command(self, "open", list)
  for index, lane in ipairs(lanes) do
    lane.tls = list[index].tls
    lane.url = ("%s://127.0.0.1:%d"):format(lane.tls and "https" or "http", lane.port)
  end
  return lanes
end

local function numbers_of(lanes)
  local numbers = {}
  for index, lane in ipairs(lanes) do
    numbers[index] = lane.lane
  end
  return numbers
end

--- Waits until no fault is being played and nothing is to be carried out late any more. Raises in the end.
function Server:settle(lanes)
  if not command(self, "settle", { lanes = numbers_of(lanes), seconds = 2 * PATIENCE }) then
    error("the fault server does not come to rest", 2)
  end
end

--- The ledgers of some lanes.
function Server:ledger(lanes) return command(self, "ledger", numbers_of(lanes)) end

--- What became of the bookings of some contacts.
-- @return a list of { arrived, created, booked = list of { id, starts, calendar } }
function Server:contacts(lane, contacts) return command(self, "contacts", { lane = lane.lane, contacts = contacts }) end

--- Closes lanes with all their connections.
function Server:close(lanes) command(self, "close", numbers_of(lanes)) end

--- Ends the process. Idempotent.
function Server:stop()
  if not self.pipe then return end
  self.control:close()
  self.pipe:close()
  self.pipe = nil
  os_remove(self.ca_file)
end

return faults
