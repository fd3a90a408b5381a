--- A receiver of webhooks in the process of a spec: the spec takes one request after the other.

local socket = require "socket"

local hook_server = {}

local Server = {}
Server.__index = Server

--- Listens on a free port.
-- @treturn table `port`, `url`; to-be-closed
function hook_server.new()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:settimeout(20)
  return setmetatable(
    { listener = listener, open = {}, port = port, url = "http://127.0.0.1:" .. port .. "/hook" },
    Server
  )
end

--- Waits for a request.
-- @tparam ?integer|string status of the response, or the bytes of one. Default: 200; false: none, and the connection
-- stays open
-- @treturn table `head` (lines), `headers` (name in lower case -> list of values) and `body`
function Server:take(status)
  local connection = assert(self.listener:accept())
  connection:settimeout(20)
  local request = { head = {}, headers = {} }
  while true do
    local line = assert(connection:receive "*l")
    if line == "" then break end
    request.head[#request.head + 1] = line
    local name, value = line:match "^([^%s:]+):%s*(.-)%s*$"
    if name then
      name = name:lower()
      request.headers[name] = request.headers[name] or {}
      table.insert(request.headers[name], value)
    end
  end
  request.body = assert(connection:receive(tonumber(request.headers["content-length"][1])))
  if status == false then
    self.open[#self.open + 1] = connection
  else
    local empty = "HTTP/1.1 %d x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    connection:send(type(status) == "string" and status or empty:format(status or 200))
    connection:close()
  end
  return request
end

--- Whether no request comes within some seconds.
function Server:is_quiet(seconds)
  self.listener:settimeout(seconds)
  local connection = self.listener:accept()
  self.listener:settimeout(20)
  if connection then connection:close() end
  return connection == nil
end

--- Closes the connections whose requests got no response.
function Server:drop()
  for _, connection in ipairs(self.open) do
    connection:close()
  end
  self.open = {}
end

function Server:close()
  self:drop()
  self.listener:close()
end

Server.__close = Server.close

return hook_server
