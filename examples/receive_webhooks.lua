--- Receives webhooks with lua-http (the rock http): responds at once, works afterwards, and takes each webhook once.
-- HOOPAI_WEBHOOK_KEY is the key of a sandbox; without it the vendor's is used. The vendor needs an https address: let a
-- proxy or a tunnel lead to this port.
--
--   HOOPAI_WEBHOOK_KEY=... lua5.4 examples/receive_webhooks.lua PORT
local hoopai = require "hoopai"
local http_headers = require "http.headers"
local http_server = require "http.server"

local port = tonumber(arg[1])
if not port then error("usage: receive_webhooks.lua PORT", 0) end

local MOST = 1024 * 1024 -- bytes of a body
local PATIENCE = 10 -- seconds
local STATUS = { replayed = 200, too_large = 413, decode = 400, store = 503 } -- any other refusal: 401

io.stdout:setvbuf "line"
hoopai.use(hoopai.loop.cqueues) -- a call of a client in `work` waits, and the server goes on
local key = os.getenv "HOOPAI_WEBHOOK_KEY"
local webhook = hoopai.webhook { keys = key and { key } or nil, max_body = MOST }

--- What is to be done for an event. The response was sent before, so this may take its time.
local function work(event)
  if event.type == "AppointmentCreate" then
    print("booked", event.appointment.id, event.appointment.instants.startTime)
  else
    print("received", event.type)
  end
end

local function respond(stream, status)
  local headers = http_headers.new()
  headers:append(":status", tostring(status))
  headers:append("content-length", "0")
  stream:write_headers(headers, true, PATIENCE)
  -- lua-http 0.4 would wait without end for the rest of a body whose sender is gone.
  if stream.state ~= "closed" then stream.connection:take_socket():close() end
end

local function receive(_, stream)
  local headers = stream:get_headers(PATIENCE)
  if not headers then return end
  if headers:get ":method" ~= "POST" then return respond(stream, 405) end
  local body = stream:get_body_chars(MOST + 1, PATIENCE)
  if not body then return respond(stream, 408) end
  local event, err = webhook:verify(function(name) return headers:get(name) end, body)
  if not event then
    print("refused", err)
    return respond(stream, STATUS[err.kind] or 401)
  end
  respond(stream, 200)
  local ok, problem = pcall(work, event)
  if ok then return end
  print("failed", problem)
  webhook:release(event) -- "Resend" in the vendor's dashboard sends it again, and it is taken then
end

local options = { host = "127.0.0.1", port = port, version = 1.1, onstream = receive, onerror = print }
assert(assert(http_server.listen(options)):loop())
