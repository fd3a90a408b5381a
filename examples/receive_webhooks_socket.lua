--- The same as receive_webhooks.lua, with LuaSocket and cqueues in place of lua-http. It reads no chunked bodies.
local cqueues, hoopai, socket = require "cqueues", require "hoopai", require "socket"
local port = tonumber(arg[1])
if not port then error("usage: receive_webhooks_socket.lua PORT", 0) end

local MOST, PATIENCE = 1024 * 1024, 10 -- bytes of a body, and of a line; seconds for a request
local STATUS = { replayed = 200, too_large = 413, decode = 400, store = 503 } -- any other refusal: 401
io.stdout:setvbuf "line"
hoopai.use(hoopai.loop.cqueues) -- a call of a client in `work` waits, and the server goes on
local key = os.getenv "HOOPAI_WEBHOOK_KEY"
local webhook = hoopai.webhook { keys = key and { key } or nil, max_body = MOST }

local function work(event) print("booked", event.appointment.id, event.appointment.instants.startTime) end
local function wait(connection, seconds) cqueues.poll({ pollfd = connection:getfd(), events = "r" }, seconds) end

--- Reads a line ("*l") or so many bytes. Other connections go on meanwhile.
local function receive(connection, what, deadline, part)
  local all, problem, some = connection:receive(what, part or "")
  if all then return all end
  local left = deadline - cqueues.monotime()
  if problem ~= "timeout" or left <= 0 or #some > MOST then error("incomplete request", 0) end
  wait(connection, left)
  return receive(connection, what, deadline, some)
end

local function serve(connection)
  local deadline, headers = cqueues.monotime() + PATIENCE, {}
  for _ = 1, 100 do -- the request line, and headers
    local name, value = receive(connection, "*l", deadline):match "^([^%s:]*):?%s*(.-)%s*$"
    if name == "" then break end
    headers[name:lower()] = headers[name:lower()] or {} -- a list: a header that is there twice is refused
    table.insert(headers[name:lower()], value)
  end
  local length, body = tonumber((headers["content-length"] or {})[1]) or 0, ""
  if length > 0 then body = length <= MOST and receive(connection, length, deadline) or ("x"):rep(MOST + 1) end
  local event, err = webhook:verify(headers, body)
  local status = event and 200 or STATUS[err.kind] or 401
  connection:send(("HTTP/1.1 %d -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"):format(status))
  connection:shutdown "send" -- the work follows the response
  local ok, problem = pcall(event and work or print, event or err)
  if not ok then print("failed", problem, webhook:release(event)) end -- a further delivery is taken then
end

local server, listener = cqueues.new(), assert(socket.bind("127.0.0.1", port))
listener:settimeout(0)
server:wrap(function()
  while true do
    wait(listener)
    local connection = listener:accept()
    server:wrap(function()
      if not connection then return end -- the client is gone already
      connection:settimeout(0)
      pcall(serve, connection)
      cqueues.cancel(connection:getfd())
      connection:close()
    end)
  end
end)
assert(server:loop())
