--- Starts Redis servers for the specs. Each listens on a loopback port and has a private folder. A server persists
-- nothing, unless the options ask for it.
local child = require "spec.support.child"
local hoopai = require "hoopai"
local socket = require "socket"

local redis = {}

local Server = {}
Server.__index = Server

--- The module of lua-redis, which Debian installs in the folders of older Luas only, although it runs on this one.
local function client_module()
  local ok, module = pcall(require, "redis")
  if ok then return module end
  local before = package.path
  package.path = before .. ";/usr/share/lua/5.3/?.lua"
  module = require "redis"
  package.path = before
  return module
end

local function free_port()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:close()
  return tonumber(port)
end

--- Connects, once the server listens.
local function connect(host, port, seconds)
  local deadline = socket.gettime() + seconds
  while true do
    local ok, client = pcall(client_module().connect, { host = host, port = port, timeout = 5 })
    local answers, problem = pcall(function() client:ping() end)
    if ok and (answers or tostring(problem):find("NOAUTH", 1, true)) then return client end
    assert(socket.gettime() < deadline, "redis-server does not answer")
    socket.sleep(0.02)
  end
end

--- Starts the process of a server.
local function launch(self)
  local line = ("cd %s && exec %s redis-server --bind %s --port %d --dir %s --save '' --daemonize no %s"):format(
    child.quote(self.folder),
    self.network and self.network.enter or "",
    self.host,
    self.port,
    child.quote(self.folder),
    self.options
  )
  self.process = assert(io.popen(("{ %s >%s/log 2>&1 & echo $!; }"):format(line, child.quote(self.folder))))
  self.pid = self.process:read "n"
  self.admin = connect(self.host, self.port, 20)
end

--- Starts a server.
-- @tparam[opt=""] string options more arguments of redis-server
-- @tparam[opt] table tls `certificate` and `key`, paths: it listens on `tls_port` as well
-- @param[opt] network see spec.support.network: it listens there
-- @return the server, with `host`, `port`, `pid`, `admin` (a client) and the methods `connect`, `signal`, `stop`
function redis.start(options, tls, network)
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir -m 700 " .. folder))
  local self = setmetatable({
    folder = folder,
    network = network,
    host = network and network.address or "127.0.0.1",
    port = free_port(),
    options = options or "",
  }, Server)
  if tls then
    self.tls_port = free_port()
    self.options = ("%s --tls-port %d --tls-cert-file %s --tls-key-file %s --tls-auth-clients no"):format(
      self.options,
      self.tls_port,
      child.quote(tls.certificate),
      child.quote(tls.key)
    )
  end
  launch(self)
  return self
end

--- A new client of lua-redis.
function Server:connect() return client_module().connect { host = self.host, port = self.port, timeout = 5 } end

--- A function `call` over lua-redis.
function Server:call()
  return hoopai.redis.lua_redis(function() return self:connect() end)
end

--- Sends a signal to the process.
function Server:signal(name) assert(os.execute(("kill -%s %d"):format(name, self.pid))) end

--- Ends the process; with `again` a new one takes its place, on the same port and folder.
function Server:kill(again)
  if self.pid then
    self:signal "KILL"
    self.process:close()
    while os.execute(("kill -0 %d 2>/dev/null"):format(self.pid)) do -- it still has the port
      socket.sleep(0.01)
    end
  end
  self.pid = nil
  if again then launch(self) end
end

--- Ends the process as an administrator does, and starts a new one.
function Server:restart()
  self:signal "TERM"
  self.process:close()
  local deadline = socket.gettime() + 20
  while os.execute(("kill -0 %d 2>/dev/null"):format(self.pid)) do -- it still has the port
    assert(socket.gettime() < deadline, "redis-server does not end")
    socket.sleep(0.02)
  end
  launch(self)
end

--- Ends the process and removes its folder.
function Server:stop()
  if self.pid then self:kill() end
  os.execute("rm -rf " .. child.quote(self.folder))
end

Server.__close = Server.stop

return redis
