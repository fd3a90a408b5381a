--- The other end of a fuzzed client: a socket of this same process that responds to each request with given bytes.
--
-- A request and its response over loopback and libcurl take some 100 µs, since no other process has to be woken.

local core = require "hoopai.core"
local send_request = require "spec.support.send"
local socket = require "socket"

local peer = {}

local listener = assert(socket.tcp4())
assert(listener:bind("127.0.0.1", 0))
assert(listener:listen(64))
listener:settimeout(0)
local _, port = listener:getsockname()

--- Where it listens.
peer.url = "http://127.0.0.1:" .. port

local connections = {}

--- A connection that has come; nil when there is none.
function peer.accept()
  local connection = listener:accept()
  if not connection then return nil end
  connection:settimeout(0)
  connections[#connections + 1] = connection
  return connection
end

--- Closes its ends of all connections, also of those that have not been accepted.
function peer.close()
  repeat
  until not peer.accept()
  for index, connection in ipairs(connections) do
    connection:close()
    connections[index] = nil
  end
end

local function accept(multi)
  for _ = 1, 1000 do
    multi:step()
    local connection = peer.accept()
    if connection then return connection end
    multi:wait(0.01)
  end
  error("no connection came")
end

--- Sends bytes, and lets the client read whenever no more fit.
local function send(multi, connection, bytes)
  local first = 1
  while first <= #bytes do
    local last, why, partly = connection:send(bytes, first)
    if not last and why ~= "timeout" then return end -- the client has closed the connection
    first = (last or partly) + 1
    if first <= #bytes then multi:step() end
  end
end

--- Responds to the request that was just added to a multi, and ends the stream.
-- @param multi
-- @tparam string bytes
-- @tparam[opt] integer size of the pieces that the client reads one after the other. Default: all at once
function peer.answer(multi, bytes, size)
  peer.close()
  local connection = accept(multi)
  size = math.max(size or #bytes, #bytes // 32, 1)
  for first = 1, #bytes, size do
    send(multi, connection, bytes:sub(first, first + size - 1))
    multi:step()
  end
  connection:shutdown("send")
end

--- Sends a request (see spec.support.send), answers it, and waits for its end.
-- @return the transfer
function peer.fetch(multi, request, bytes, size)
  local transfer = send_request(multi, request)
  peer.answer(multi, bytes, size)
  while transfer:state() ~= "done" do
    multi:wait(5)
    multi:step()
  end
  repeat
  until not multi:next()
  return transfer
end

-- The multi of a fuzzed client: each request gets its response as soon as it is sent.
local Fed = {}

function Fed.__index(fed, name)
  local multi = fed.multi
  return function(_, ...) return multi[name](multi, ...) end
end

local new_multi, new_request = core.multi, core.request
local answers, size_of_pieces
local given = setmetatable({}, { __mode = "k" }) -- a Request -> what it was made of

--- What was asked since the last `script`: "GET http://...".
peer.requests = {}

local function note_request(fields)
  local request = new_request(fields)
  given[request] = fields
  return request
end

local function new_fed(options)
  local fed = { multi = new_multi(options) }
  function fed:send(request, target, ...)
    local transfer, requests, fields = self.multi:send(request, target, ...), peer.requests, given[request]
    requests[#requests + 1] = fields.method .. " " .. fields.url .. target
    peer.answer(self.multi, answers[math.min(#requests, #answers)], size_of_pieces)
    return transfer
  end
  return setmetatable(fed, Fed)
end

--- From now on the blocking calls of all clients get these responses, the last one again and again.
-- @tparam {string,...} list
-- @tparam[opt] integer size see `answer`
function peer.script(list, size)
  answers, size_of_pieces, peer.requests = list, size, {}
  core.multi, core.request = new_fed, note_request
end

--- Takes that back.
function peer.unscript()
  core.multi, core.request = new_multi, new_request
end

return peer
