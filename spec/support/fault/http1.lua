--- HTTP/1.1 by hand, so that it can be broken: the connections and exchanges that the fault server serves.
--
-- A connection is { socket, buffer }. An exchange is one request on it; see http2.lua for the other protocol, which
-- has the same methods.

local cqueues = require "cqueues"
local errno = require "cqueues.errno"

local monotime, poll = cqueues.monotime, cqueues.poll

local http1 = {}

local REASONS = { [200] = "OK", [201] = "Created", [400] = "Bad Request", [401] = "Unauthorized" }

local Exchange = {}
Exchange.__index = Exchange

--- Adds what comes to the buffer; false when the client has gone or the deadline has passed.
local function fill(conn, deadline)
  while true do
    local bytes, why = conn.socket:recv(-65536)
    if bytes then
      conn.buffer = conn.buffer .. bytes
      return true
    end
    if why ~= errno.EAGAIN then
      conn.gone = true
      return false
    end
    local left = deadline and deadline - monotime()
    if left and left <= 0 then return false end
    poll(conn.socket, left)
  end
end

local function write(conn, bytes)
  if conn.gone then return false end
  if conn.socket:write(bytes) and conn.socket:flush() then return true end
  conn:give_up()
  return false
end

--- Reads the head of the next request; nil when there is none.
function http1.next(conn, deadline)
  local first, last = conn.buffer:find("\r\n\r\n", 1, true)
  while not first do
    if not fill(conn, deadline) then return nil end
    first, last = conn.buffer:find("\r\n\r\n", 1, true)
  end
  local head = conn.buffer:sub(1, first + 1)
  conn.buffer = conn.buffer:sub(last + 1)
  local method, target = head:match("^(%u+) (%S+) HTTP/1%.1\r\n")
  if not method then return nil end
  return setmetatable({
    conn = conn,
    method = method,
    target = target,
    head = head,
    authorization = head:match("\r\n[Aa]uthorization: ([^\r]*)"),
    length = tonumber(head:match("\r\n[Cc]ontent%-[Ll]ength: (%d+)")) or 0,
  }, Exchange)
end

--- The body; nil when it is not there in time.
function Exchange:read_body(deadline)
  local conn = self.conn
  while #conn.buffer < self.length do
    if not fill(conn, deadline) then return nil end
  end
  local body = conn.buffer:sub(1, self.length)
  conn.buffer = conn.buffer:sub(self.length + 1)
  return body
end

local function head_of(status, framing, headers)
  return ("HTTP/1.1 %d %s\r\nContent-Type: application/json; charset=utf-8\r\n%s%s\r\n"):format(
    status,
    REASONS[status] or "Whatever",
    headers or "",
    framing
  )
end

--- A whole response. Returns whether the connection can be used again, as `truncate` and `spoil` do.
-- @tparam boolean last whether the response closes the connection (`Connection: close`)
function Exchange:answer(status, body, headers, last)
  local framing = ("Content-Length: %d\r\n%s"):format(#body, last and "Connection: close\r\n" or "")
  return write(self.conn, head_of(status, framing, headers) .. body) and not last
end

--- A response of any status and body, sensible or not. The connection is closed if the two do not go together.
function Exchange:pretend(status, content_type, body)
  local has_body = status >= 200 and status <= 599 and status ~= 204 and status ~= 304
  return write(
    self.conn,
    ("HTTP/1.1 %03d Whatever\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n%s"):format(
      status,
      content_type,
      #body,
      has_body and "" or "Connection: close\r\n",
      body
    )
  ) and has_body
end

--- The head of a response and the first half of its body; `finish` and others send the other half.
function Exchange:begin(status, body, headers, what)
  self.rest = body:sub(#body // 2 + 1)
  local half = body:sub(1, #body // 2)
  if what == "truncate" then -- in a form whose end can be missed
    return write(
      self.conn,
      head_of(status, "Transfer-Encoding: chunked\r\n", headers) .. ("%x\r\n%s\r\n"):format(#half, half)
    )
  end
  return write(self.conn, head_of(status, ("Content-Length: %d\r\n"):format(#body), headers) .. half)
end

--- Breaks a response off in the way that HTTP/1.1 provides.
function Exchange:truncate()
  self.conn.socket:shutdown("w")
  return false
end

--- The other half of a response, of the right length but not JSON. The connection can be used again.
function Exchange:spoil() return write(self.conn, ("\1"):rep(#self.rest)) end

--- One more byte of a response; false at its end or when the client has gone.
function Exchange:drip()
  if self.rest == "" then return false end
  local byte = self.rest:sub(1, 1)
  self.rest = self.rest:sub(2)
  return write(self.conn, byte)
end

--- Waits until the client goes, or the deadline has passed. Returns whether the connection may go on.
local function wait_gone(conn, deadline)
  while fill(conn, deadline) do
    conn.buffer = ""
  end
  return false
end

function Exchange:wait_gone(deadline)
  wait_gone(self.conn, deadline)
  self.gone = self.conn.gone
  return false
end

http1.write = write

--- How a server begins.
http1.greeting = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"

http1.garbage = "\22\3\1\2 this is not HTTP\r\n\r\n\0\255"

--- The first part of a response's head.
function http1.cut_head(status) return ("HTTP/1.1 %d Whatever\r\nContent-Ty"):format(status) end

function http1.greet() end

local function give_up(conn) conn.gone = true end

--- A connection on which nothing has been sent yet.
function http1.connection(socket)
  return { socket = socket, buffer = "", protocol = http1, wait_gone = wait_gone, give_up = give_up }
end

return http1
