--- Connections to Redis by the sockets of cqueues, with TLS. A coroutine of the running controller reads and writes as
-- long as a caller waits, so that an idle connection keeps no controller going. Where no controller runs, the caller
-- does so itself, and the thread blocks.
local connections = require "hoopai.redis.connection"
local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local core = require "hoopai.core"
local errno = require "cqueues.errno"
local errors = require "hoopai.errors"
local sockets = require "cqueues.socket"

local find, huge, next, pairs, pcall = string.find, math.huge, next, pairs, pcall
local require, setmetatable, sub, type = require, setmetatable, string.sub, type
local now = core.now
local EAGAIN, EPIPE = errno.EAGAIN, errno.EPIPE

local PIECE = 65536 -- bytes that are read at once

local transport = {}

--- A coroutine of a controller waits as a task only once hoopai knows the loop.
function transport.refusal(mode)
  if mode == "task" or not cqueues.running() then return nil end
  return "hoopai.redis.cqueues needs hoopai.use(hoopai.loop.cqueues) in a program with controllers"
end

-- TLS -----------------------------------------------------------------------------------------------------------------

local function is_address(host) return find(host, "^%d+%.%d+%.%d+%.%d+$") or find(host, ":", 1, true) end

--- Makes what verifies the certificate of a server and its name.
local function new_context(host, ca_file)
  local contexts, stores = require "openssl.ssl.context", require "openssl.x509.store"
  local context, store = contexts.new("TLS", false), stores.new()
  if ca_file then
    store:add(ca_file)
  else
    store:addDefaults()
  end
  local param = require("openssl.x509.verify_param").new()
  if is_address(host) then
    param:setIP(host)
  else
    param:setHost(host)
  end
  context:setVerify(contexts.VERIFY_PEER)
  context:setStore(store)
  context:setParam(param)
  return context
end

-- The link ------------------------------------------------------------------------------------------------------------

local Link = {}
Link.__index = Link

--- The text of what a socket returned as its problem.
local function describe(code) return type(code) == "number" and errno.strerror(code) or errors.text(code) end

--- Returns problems, which a socket raises otherwise.
local function on_error(_, _, code) return code end

--- Connects. Returns a problem, if there is one.
local function connect(link, seconds)
  local settings = link.settings
  local name = settings.tls and not is_address(settings.host) and settings.host or nil
  local socket, refusal =
    sockets.connect { host = settings.host, port = settings.port, nodelay = true, sendname = name }
  if not socket then return "cannot connect: " .. describe(refusal) end
  link.socket = socket
  socket:onerror(on_error)
  socket:setmode("bn", "bn")
  local ok, code = socket:connect(seconds)
  if not ok then return "cannot connect: " .. describe(code) end
  if settings.tls then
    ok, code = socket:starttls(link.context, seconds)
    if not ok then return "TLS failed: " .. describe(code) end
  end
  link.connection:opened()
end

--- Writes as much as can be written now. Returns a problem, if there is one.
local function write(link)
  while #link.out > 0 and not link.is_closed do
    local count, code = link.socket:send(link.out, 1, #link.out, "bn")
    link.out = sub(link.out, (count or 0) + 1)
    if code == EAGAIN then return end
    if code then return "the connection broke: " .. describe(code) end
  end
end

--- Reads what has come. Returns a problem, if there is one.
local function read(link)
  while not link.is_closed do
    local bytes, code = link.socket:recv(-PIECE, "bn")
    if not bytes then
      if code == EAGAIN then return end
      if not code or code == EPIPE then return "the connection was closed by the server" end
      return "the connection broke: " .. describe(code)
    end
    link.connection:receive(bytes)
  end
end

--- Reads and writes as long as a caller waits; with an entry, until that has its reply or the deadline has passed.
-- Returns a problem, if there is one.
local function transmit(link, entry, deadline)
  local connection = link.connection
  local problem = not link.socket and connect(link, deadline and deadline - now() or link.settings.timeout)
  while not problem and not link.is_closed and connection.live > 0 and not (entry and entry.is_done) do
    problem = read(link) or write(link) -- in this order: what was read may lead to more to write
    local left = deadline and deadline - now() or huge
    if problem or link.is_closed or connection.live == 0 or entry and entry.is_done or left <= 0 then break end
    cqueues.poll(link, link.changed, left < huge and left or nil)
  end
  return problem
end

--- The same; a problem ends the connection. Its socket may be closed at any time by another coroutine.
local function drive(link, entry, deadline)
  local ok, problem = pcall(transmit, link, entry, deadline)
  if problem then link.connection:fail(errors.text(problem)) end
  return ok
end

--- What the TLS of a connection needs; nil without TLS, and a problem if there is one.
local function context_of(settings)
  local tls = settings.tls
  if not tls then return nil end
  local ok, context = pcall(new_context, settings.host, type(tls) == "table" and tls.ca_file or nil)
  if ok then return context end
  return nil, "TLS cannot be used: " .. errors.report(context)
end

function transport.open(connection, settings)
  local context, problem = context_of(settings)
  if problem then connection:fail(problem) end
  return setmetatable({
    connection = connection,
    settings = settings,
    context = context,
    socket = false,
    out = "", -- what is still to be written
    changed = condition.new(),
    is_closed = false,
    drivers = setmetatable({}, { __mode = "k" }), -- the controllers that have a coroutine which reads and writes
  }, Link)
end

function Link:write(bytes)
  self.out = self.out .. bytes
  self.changed:signal()
end

function Link:close()
  self.is_closed = true
  self.changed:signal()
  if self.socket then pcall(self.socket.close, self.socket) end
end

--- For cqueues.poll. (The events of the socket are those that its last operation waited for, reading or writing.)
function Link:pollfd() return self.socket:pollfd() end

function Link:events() return #self.out > 0 and "rw" or "r" end

--- The coroutine that reads ends when no caller waits any more.
function Link:set_busy(is_busy)
  if not is_busy then self.changed:signal() end
end

--- Has the server closed the connection, or sent anything, since the last reply?
function Link:is_stale()
  if not self.socket then return false end
  local bytes, code = self.socket:recv(-1, "bn")
  return bytes ~= nil or code ~= EAGAIN
end

function Link:wait(entry, mode, deadline)
  local controller = cqueues.running()
  if not controller then return drive(self, entry, deadline) end
  local drivers = self.drivers
  if not drivers[controller] then -- that of another one may have ended with it
    drivers[controller] = true
    controller:wrap(function()
      drive(self)
      drivers[controller] = nil
    end)
  end
  entry.changed:wait(mode, deadline)
end

-- Options -------------------------------------------------------------------------------------------------------------

local function tls_problem(value)
  if type(value) == "boolean" then return nil end
  local expected = "true, or { ca_file = path }"
  if type(value) ~= "table" then return expected end
  for name, path in next, value do
    if name ~= "ca_file" or type(path) ~= "string" then return expected end
  end
end

local checks = { tls = tls_problem }
for name, check in pairs(connections.checks) do
  checks[name] = check
end

--- @see hoopai.redis
return function(given) return connections.client("hoopai.redis.cqueues", transport, given, checks) end
