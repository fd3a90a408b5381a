--- TLS servers for the specs of the core: `openssl` makes the certificates, lua-http (HTTP/1.1 and 2) serves.
--
--   lua5.4 spec/support/core_tls.lua FILE CERTIFICATE KEY VERSION
--
-- is the server's own process; VERSION is 1.1, 2 or drop.

local io_open, io_popen, os_execute, os_tmpname, os_remove = io.open, io.popen, os.execute, os.tmpname, os.remove

local core_tls = {}

local CONFIG = [[
[req]
distinguished_name = name
prompt = no
[name]
CN = %s
[extensions]
subjectAltName = %s
basicConstraints = critical, CA:TRUE
]]

local function write(name, text)
  local file = assert(io_open(name, "w"))
  assert(file:write(text))
  assert(file:close())
end

--- A self-signed certificate for a name ("IP:127.0.0.1", "DNS:elsewhere.example").
-- @treturn table certificate and key (file names)
function core_tls.certificate(alternative)
  local base = os_tmpname()
  write(base, CONFIG:format("spec", alternative))
  assert(
    os_execute(
      (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -config %s "
        .. "-extensions extensions -keyout %s.key -out %s.crt 2>/dev/null"
      ):format(base, base, base)
    )
  )
  os_remove(base)
  return { certificate = base .. ".crt", key = base .. ".key" }
end

function core_tls.remove(pair)
  os_remove(pair.certificate)
  os_remove(pair.key)
end

local Server = {}
Server.__index = Server

--- Starts a server. Each response's body is "CONNECTION STREAMS-AT-ONCE"; /slow takes 0.2 s. With VERSION drop every
-- connection is broken off after the first bytes of a request.
function core_tls.start(pair, version)
  local child = require "spec.support.child"
  local socket = require "socket"
  local name = os_tmpname()
  local pipe = assert(
    io_popen(
      ("echo $$ > %s; exec env -u LD_PRELOAD %s spec/support/core_tls.lua %s %s %s %s"):format(
        name,
        child.quote(child.server_interpreter()),
        name,
        pair.certificate,
        pair.key,
        version
      ),
      "w"
    )
  )
  local limit = socket.gettime() + 20
  repeat
    local file = assert(io_open(name))
    local pid, port = file:read("a"):match("^(%d+)\n(%d+)\n")
    file:close()
    if port then
      os_remove(name)
      return setmetatable({ url = "https://127.0.0.1:" .. port, port = tonumber(port), pipe = pipe, pid = pid }, Server)
    end
    socket.sleep(0.005)
  until socket.gettime() > limit
  error("the TLS server did not start")
end

function Server:stop()
  if not self.pipe then return end
  os_execute("kill -KILL " .. self.pid) -- it may be busy with a broken connection
  self.pipe:close()
  self.pipe = nil
end

local function read_file(name)
  local file = assert(io_open(name))
  local text = assert(file:read("a"))
  file:close()
  return text
end

local function tell(file_name, port)
  local file = assert(io_open(file_name, "a"))
  assert(file:write(port, "\n"))
  file:close()
end

--- Takes the handshake and some bytes of each connection, and breaks it off with the rest unread.
local function serve_drop(file_name, certificate, key)
  local cqueues, socket = require "cqueues", require "cqueues.socket"
  local ctx = require("openssl.ssl.context").new("TLS", true)
  ctx:setCertificate(require("openssl.x509").new(read_file(certificate)))
  ctx:setPrivateKey(require("openssl.pkey").new(read_file(key)))
  local loop = cqueues.new()
  local listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
  assert(listener:listen())
  local _, _, port = listener:localname()
  loop:wrap(function()
    for client in listener:clients() do
      loop:wrap(function()
        client:onerror(function(_, _, code) return code end)
        client:setmode("bn", "bn")
        if client:starttls(ctx, 5) then client:xread(100, nil, 5) end
        client:close()
      end)
    end
  end)
  loop:wrap(function()
    cqueues.poll { pollfd = 0, events = "r" }
    os.exit(0, false)
  end)
  tell(file_name, port)
  while true do
    loop:loop()
  end
end

local function serve(file_name, certificate, key, version)
  if version == "drop" then return serve_drop(file_name, certificate, key) end
  local cqueues = require "cqueues"
  local headers_new = require("http.headers").new
  local loop = cqueues.new()
  local numbers, at_once, count = setmetatable({}, { __mode = "k" }), 0, 0
  local server = assert(require("http.server").listen {
    host = "127.0.0.1",
    port = 0,
    cq = loop,
    tls = true,
    version = version == "1.1" and 1.1 or nil,
    onstream = function(_, stream)
      local request = assert(stream:get_headers())
      local connection = stream.connection
      if not numbers[connection] then
        count = count + 1
        numbers[connection] = count
      end
      at_once = at_once + 1
      local seen = at_once
      stream:get_body_as_string()
      if request:get(":path") == "/slow" then
        cqueues.sleep(0.2)
        seen = at_once
      end
      local answer = headers_new()
      answer:append(":status", "200")
      answer:append("x-authorization", request:get("authorization") or "none")
      answer:append("x-method", request:get(":method"))
      answer:append("content-type", "text/plain")
      stream:write_headers(answer, false)
      stream:write_chunk(("%d %d"):format(numbers[connection], seen), true)
      at_once = at_once - 1
    end,
    onerror = function() end,
  })
  server.ctx:setCertificate(require("openssl.x509").new(read_file(certificate)))
  server.ctx:setPrivateKey(require("openssl.pkey").new(read_file(key)))
  assert(server:listen())
  local _, _, port = server:localname()
  loop:wrap(function()
    cqueues.poll { pollfd = 0, events = "r" } -- our starter has closed it, or ended
    os.exit(0, false)
  end)
  tell(file_name, port)
  assert(server:loop())
end

if ... == "spec.support.core_tls" then return core_tls end
serve(...)
