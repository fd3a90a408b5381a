--- Requests over a socket, byte for byte as a spec writes them.

local socket = require "socket"

local http_client = {}

--- Connects to a port of this computer, and waits until something listens there.
function http_client.connect(port)
  local deadline = socket.gettime() + 20
  while true do
    local connection = assert(socket.tcp())
    connection:settimeout(20)
    local ok, problem = connection:connect("127.0.0.1", port)
    if ok then return connection end
    connection:close()
    if socket.gettime() > deadline then error(problem) end
    socket.sleep(0.02)
  end
end

--- The text of a POST. `headers` is name -> value, or a list of lines.
function http_client.post(headers, body, target)
  local lines = { ("POST %s HTTP/1.1"):format(target or "/"), "Host: 127.0.0.1", "Content-Length: " .. #body }
  for name, value in pairs(headers) do
    lines[#lines + 1] = type(name) == "number" and value or name .. ": " .. value
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

--- Reads a response: its status and its body.
function http_client.response(connection)
  local line, problem = connection:receive "*l"
  if not line then return nil, problem end
  local length = 0
  repeat
    local header = assert(connection:receive "*l")
    length = tonumber(header:lower():match "^content%-length:%s*(%d+)") or length
  until header == ""
  return tonumber(line:match "^HTTP/1%.1 (%d%d%d)"), length > 0 and assert(connection:receive(length)) or ""
end

--- Sends a request on a connection of its own.
-- @treturn ?integer the status; nil: the connection was closed without one
-- @treturn string the body, or why there is none
function http_client.send(port, request)
  local connection = http_client.connect(port)
  connection:send(request)
  local status, body = http_client.response(connection)
  connection:close()
  return status, body
end

--- A port that is free now.
function http_client.free_port()
  local probe = assert(socket.bind("127.0.0.1", 0))
  local port = select(2, probe:getsockname())
  probe:close()
  return tonumber(port)
end

return http_client
