--- What `hoopai webhooks listen` does with a connection: reads a webhook, verifies it, forwards it, and responds.
local http = require "hoopai.command.lib.http"
local sockets = require "hoopai.command.lib.sockets"

local format, setmetatable, unpack = string.format, setmetatable, table.unpack

local receiver = {}

local READ_SECONDS = 10 -- for a whole request
local WRITE_SECONDS = 10
local LINGER_SECONDS, LINGER_BYTES = 2, 4194304
-- Less than the vendor waits: a forward that fails is released before the vendor sends again.
local FORWARD_SECONDS = 8

-- What a webhook that was refused is answered with; any other kind: 401.
local STATUS = { too_large = 413, decode = 400, replayed = 200, store = 503 }

local REASON = {
  [400] = "no request of HTTP/1.1 that can be read",
  [405] = "a webhook is a POST",
  [408] = "the request did not come whole in time",
  [413] = "the body is too large",
  [431] = "the headers are too large",
  [501] = "the body has an unknown coding",
  [503] = "too many connections",
}

--- The source of a stream, see hoopai.command.lib.http. `is_used` once a byte came.
local function source_of(stream, deadline)
  local source = { text = "", is_used = false }
  function source.more()
    local bytes, problem = stream:receive(deadline)
    source.is_used = source.is_used or bytes ~= nil
    return bytes, problem
  end
  function source.go_on() stream:send(http.CONTINUE, deadline) end
  return source
end

--- Reads a webhook.
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] ?integer the status that refuses it; nil: there was no request
local function read(stream, most)
  local source = source_of(stream, sockets.now() + READ_SECONDS)
  local request, status = http.read_request(source, most)
  if request and request.method ~= "POST" then return nil, 405 end
  return request, source.is_used and status or nil
end

local Receiver = {}
Receiver.__index = Receiver

--- Sends a request to the other server.
-- @treturn integer the status for the sender
-- @treturn ?string why there was no response
-- @treturn ?table the stream to the server
local function forward(self, request)
  local deadline, place = sockets.now() + FORWARD_SECONDS, self.place
  local stream, problem = sockets.connect(self.addresses, place.port, deadline)
  if not stream then return problem == "timeout" and 504 or 502, problem end
  local status
  local sent, unsent = stream:send(http.forwarded(request, place), deadline)
  -- A server may respond before it has read everything, and close.
  if sent or unsent ~= "timeout" then status = http.read_status(source_of(stream, deadline)) end
  if status then return status, nil, stream end
  stream:__close()
  if sockets.now() >= deadline then return 504, format("no response in %d seconds", FORWARD_SECONDS) end
  return 502, "no response of HTTP/1.1"
end

--- Verifies a request, and forwards it.
-- @treturn table for `report`
-- @treturn ?table the stream to the other server
local function handle(self, request)
  local function headers(name) return unpack(http.values(request, name)) end
  local event, err = self.webhook:verify(headers, request.body)
  if not event then return { status = STATUS[err.kind] or 401, kind = err.kind, message = err.message } end
  if not self.place then return { status = 200, event = event } end
  local status, problem, stream = forward(self, request)
  if status < 200 or status > 299 then self.webhook:release(event) end -- the next delivery is forwarded too
  local kind = problem and "forward" or nil
  return { status = status, event = event, forwarded = not problem, kind = kind, message = problem }, stream
end

local function respond(stream, status) stream:send(http.response(status), sockets.now() + WRITE_SECONDS) end

--- Counts an open connection until it is closed: more than some descriptors could not be waited for.
local function counted(self)
  self.open = self.open + 1
  return setmetatable({}, { __close = function() self.open = self.open - 1 end })
end

--- Serves a connection, and closes it.
-- @tparam table stream
function Receiver:serve(stream)
  local closing <close> = stream -- luacheck: ignore 211
  if self.open >= self.most_open then
    stream:send(http.response(503), 0)
    return self.report { status = 503, kind = "request", message = REASON[503] }
  end
  local counting <close> = counted(self) -- luacheck: ignore 211
  local request, status = read(stream, self.most)
  if not request and not status then return end
  local report, other
  if request then
    report, other = handle(self, request)
  end
  local closing_other <close> = other -- luacheck: ignore 211
  report = report or { status = status, kind = "request", message = REASON[status] }
  self.report(report)
  respond(stream, report.status)
  stream:linger(sockets.now() + LINGER_SECONDS, LINGER_BYTES)
  if other then other:linger(sockets.now() + LINGER_SECONDS, LINGER_BYTES) end
end

--- Makes a receiver.
-- @tparam table given
-- @tparam Webhook given.webhook
-- @tparam integer given.most bytes of a body
-- @tparam integer given.most_open connections that are served at a time
-- @tparam ?table given.place where to forward to, as `http.place` returns it
-- @tparam ?table given.addresses of its host
-- @tparam function given.report called with a table for each request: `status`, `event`, `forwarded`, `kind`, `message`
-- @treturn table with the method `serve`
function receiver.new(given)
  given.open = 0
  return setmetatable(given, Receiver)
end

return receiver
