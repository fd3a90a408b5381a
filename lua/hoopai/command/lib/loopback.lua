--- Where a browser comes back to after a sign-in: an address of this computer.
local decode = require("hoopai.command.lib.query").decode
local failure = require "hoopai.command.lib.failure"

local find, format, gmatch, match = string.find, string.format, string.gmatch, string.match
local pcall, require, setmetatable, tonumber = pcall, require, setmetatable, tonumber

local loopback = {}

local PAGE = "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
local DONE, WAITING = "Done. You can close this window.\n", "Waiting for the sign-in.\n"

local STEP = 0.5 -- seconds after which Ctrl-C is seen
local LONGEST_LINE = 8192

--- The fields of a query.
-- @tparam string query
-- @treturn table name -> value
function loopback.fields(query)
  local fields = {}
  for name, value in gmatch(query, "([^&=]+)=([^&]*)") do
    fields[name] = decode(value)
  end
  return fields
end

--- The port and the path of an address of this computer.
-- @tparam string uri
-- @treturn ?integer nil: it is elsewhere
-- @treturn ?string
function loopback.place(uri)
  local port, path = match(uri, "^http://127%.0%.0%.1:(%d+)(/[^?#]*)$")
  if not port then
    port, path = match(uri, "^http://localhost:(%d+)(/[^?#]*)$")
  end
  return tonumber(port), path
end

local Listener = {}
Listener.__index = Listener

function Listener:__close() self.socket:close() end

--- Waits for the browser, responds to it, and returns the fields of the query. Other requests get a page that says so.
-- @treturn table
function Listener:wait()
  while true do
    local connection = self.socket:accept()
    if connection then
      connection:settimeout(5)
      local line = connection:receive "*l" or ""
      local target = #line <= LONGEST_LINE and match(line, "^GET (%S+) HTTP/1%.%d$") or ""
      local path, query = match(target, "^([^?]*)%?(.*)$")
      local is_back = path == self.path and (find(query, "state=", 1, true) or find(query, "error=", 1, true))
      local page = is_back and DONE or WAITING
      connection:send(format(PAGE, is_back and "200 OK" or "404 Not Found", #page, page))
      connection:close()
      if is_back then return loopback.fields(query) end
    end
  end
end

--- Listens on this computer alone.
-- @tparam integer port
-- @tparam string path
-- @treturn ?table to-be-closed, with the method `wait`; nil: LuaSocket is not installed
-- @raise a failure of kind "login" if the port cannot be used
function loopback.listen(port, path)
  local ok, socket = pcall(require, "socket")
  if not ok then return nil end
  local listener, problem = socket.bind("127.0.0.1", port)
  if not listener then
    failure.refuse(
      "login",
      format("port %d of this computer cannot be used: %s", port, problem),
      "write another --port"
    )
  end
  listener:settimeout(STEP)
  return setmetatable({ socket = listener, path = path }, Listener)
end

return loopback
