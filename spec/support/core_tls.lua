--- TLS servers for the specs of the core: `openssl` makes the certificates, lua-http (HTTP/1.1 and 2) serves.
--
--   lua5.4 spec/support/core_tls.lua FILE CERTIFICATE KEY VERSION     (the server's own process; VERSION 1.1 or 2)

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
  assert(os_execute(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -config %s "
    .. "-extensions extensions -keyout %s.key -out %s.crt 2>/dev/null"):format(base, base, base)))
  os_remove(base)
  return { certificate = base .. ".crt", key = base .. ".key" }
end

function core_tls.remove(pair)
  os_remove(pair.certificate)
  os_remove(pair.key)
end

local Server = {}
Server.__index = Server

--- Starts a server. Each answer's body is "CONNECTION STREAMS-AT-ONCE"; /slow takes 0.2 s, /drop breaks the connection.
function core_tls.start(pair, version)
  local child = require "spec.support.child"
  local socket = require "socket"
  local name = os_tmpname()
  local pipe = assert(io_popen(("exec env -u LD_PRELOAD %s spec/support/core_tls.lua %s %s %s %s"):format(
    child.quote(child.interpreter()), name, pair.certificate, pair.key, version), "w"))
  local limit = socket.gettime() + 20
  repeat
    local file = assert(io_open(name))
    local port = file:read("a"):match("^(%d+)\n")
    file:close()
    if port then
      os_remove(name)
      return setmetatable({ url = "https://127.0.0.1:" .. port, port = tonumber(port), pipe = pipe }, Server)
    end
    socket.sleep(0.005)
  until socket.gettime() > limit
  error("the TLS server did not start")
end

function Server:stop()
  if self.pipe then self.pipe:close() end
  self.pipe = nil
end

local function read_file(name)
  local file = assert(io_open(name))
  local text = assert(file:read("a"))
  file:close()
  return text
end

local function serve(file_name, certificate, key, version)
  local cqueues = require "cqueues"
  local headers_new = require("http.headers").new
  local loop = cqueues.new()
  local numbers, at_once, count = setmetatable({}, { __mode = "k" }), 0, 0
  local server = assert(require("http.server").listen {
    host = "127.0.0.1", port = 0, cq = loop, tls = true, version = version == "1.1" and 1.1 or nil,
    onstream = function(_, stream)
      local request = assert(stream:get_headers())
      local connection = stream.connection
      if not numbers[connection] then
        count = count + 1
        numbers[connection] = count
      end
      at_once = at_once + 1
      local seen = at_once
      if request:get(":path") == "/drop" then
        connection.socket:shutdown "rw"
        at_once = at_once - 1
        return
      end
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
  write(file_name, port .. "\n")
  assert(server:loop())
end

if ... == "spec.support.core_tls" then return core_tls end
serve(...)
