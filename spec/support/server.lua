--- Starts, scripts and questions the test server of spec/support/recorder.lua. Uses nothing of the library under test.
--
--   local server = require("spec.support.server").start()
--   server:reply { method = "GET", path = "/calendars/", body = '{"calendars":[]}' }
--   ... use server.url ...
--   local request = server:ledger()[1]
--
-- The rules of the script and the fields of the ledger are described in recorder.lua.

local os_remove = os.remove
local control = require "spec.support.control"
local socket = require "socket"

local PATIENCE = control.PATIENCE

local server = {}

local Server = {}
Server.__index = Server

--- Starts a server process. It ends with `stop`, or when this process ends, however that happens.
function server.start()
  local name, pipe, port, control_port = control.start("spec/support/recorder.lua", "^(%d+) (%d+)\n")
  os_remove(name)
  return setmetatable({
    url = "http://127.0.0.1:" .. port,
    port = tonumber(port),
    pipe = pipe,
    control = control.connect(control_port, PATIENCE),
  }, Server)
end

local function command(self, name, argument) return control.ask(self.control, "test server", name, argument) end

--- Adds rules to the script.
function Server:reply(...) command(self, "reply", { ... }) end

--- All requests so far, in the order of their arrival.
function Server:ledger() return command(self, "ledger") end

--- The last request.
function Server:last()
  local ledger = self:ledger()
  return ledger[#ledger]
end

--- How many: "arrived", "ended" or "busy" requests, "open" connections.
function Server:count(what) return command(self, "count", what) end

--- All connections so far: number, requests, open.
function Server:connections() return command(self, "connections") end

--- Waits, with all that runs in this process standing still, until there are so many: see `count`. Raises in the end.
-- @tparam string how "at_least" or "exactly"
function Server:wait(what, how, wanted)
  if not command(self, "wait", { count = what, how = how, wanted = wanted, seconds = PATIENCE / 2 }) then
    error(
      ("the test server waited for %s %d %s requests or connections, there are %d"):format(
        how,
        wanted,
        what,
        self:count(what)
      ),
      2
    )
  end
end

--- Opens the gate of this name, for rules that wait at it now or later.
function Server:release(name) command(self, "release", name) end

--- What the script and the ledger say of a mistake in the test: a rule that was not used, a request that met none.
-- @treturn ?string
function Server:problem()
  local unused = command(self, "unused")
  if #unused > 0 then return "unused rules of the test server: " .. table.concat(unused, ", ") end
  for _, entry in ipairs(self:ledger()) do
    if entry.unmatched then
      return ("the test server has no rule for request %d: %s %s"):format(entry.number, entry.method, entry.target)
    end
  end
end

--- Forgets script and ledger, and closes all connections.
function Server:reset() command(self, "reset") end

--- Ends the process. Idempotent.
function Server:stop()
  if not self.pipe then return end
  self.control:close()
  self.pipe:close()
  self.pipe = nil
end

--- A loopback port that refuses connections, for as long as the result is not closed.
-- @return its URL, and a socket to close
function server.refusing()
  local holder = assert(socket.tcp4())
  assert(holder:bind("127.0.0.1", 0)) -- bound, so that no other process gets it; not listening
  local _, port = holder:getsockname()
  return "http://127.0.0.1:" .. port, holder
end

--- A loopback port on which connecting never completes: its queue is full and nothing is accepted.
-- @return its URL, and a function that closes it
function server.silent()
  local listener = assert(socket.tcp4())
  assert(listener:bind("127.0.0.1", 0))
  assert(listener:listen(0))
  local _, port = listener:getsockname()
  local fillers = {}
  for index = 1, 4 do
    fillers[index] = assert(socket.tcp4())
    fillers[index]:settimeout(0)
    fillers[index]:connect("127.0.0.1", port)
  end
  return "http://127.0.0.1:" .. port,
    function()
      for _, filler in ipairs(fillers) do
        filler:close()
      end
      listener:close()
    end
end

return server
