--- Connections to Redis by libuv, for tasks that uv.run drives. luv has no TLS.
local async = require "hoopai.async"
local connections = require "hoopai.redis.connection"
local now = require("hoopai.core").now
local errors = require "hoopai.errors"
local uv = require "luv"

local ceil, max = math.ceil, math.max
local format, pcall, setmetatable = string.format, pcall, setmetatable

local transport = {}

--- libuv calls back only while it runs: elsewhere a command would wait without end. When the Lua state is closed, the
-- last commands drive it themselves: a host may have stopped it during a token exchange, whose result must be stored.
function transport.refusal(mode)
  if mode == "task" and uv.loop_mode() ~= nil or async.is_shutting_down() then return nil end
  return "hoopai.redis.luv serves tasks of hoopai.spawn while uv.run runs, after hoopai.use(hoopai.loop.luv)"
end

local Link = {}
Link.__index = Link

--- A callback of libuv for a link that is open: what is raised in it would end the process.
local function callback(link, fn)
  return function(...)
    if link.is_closed then return end
    local ok, raised = pcall(fn, ...)
    if not ok then link.connection:fail(errors.text(raised)) end
  end
end

--- Closes a handle, unless lua_close has finalised it.
local function close_handle(handle)
  pcall(function()
    if handle and not handle:is_closing() then handle:close() end
  end)
end

local function begin(link)
  local connection = link.connection
  link.tcp:nodelay(true)
  link.tcp:read_start(callback(link, function(problem, bytes)
    if problem then return connection:fail("the connection broke: " .. problem) end
    if not bytes then return connection:fail "the connection was closed by the server" end
    connection:receive(bytes)
  end))
  connection:opened()
end

--- Tries the addresses one after the other.
local function connect(link, addresses, index, problem)
  local address = addresses[index]
  if not address then return link.connection:fail("cannot connect: " .. problem) end
  close_handle(link.tcp)
  link.tcp = uv.new_tcp()
  local request, refused = link.tcp:connect(
    address.addr,
    link.port,
    callback(link, function(refusal)
      if refusal then return connect(link, addresses, index + 1, refusal) end
      begin(link)
    end)
  )
  if not request then return connect(link, addresses, index + 1, errors.text(refused)) end
end

function transport.open(connection, settings)
  local link = setmetatable({
    connection = connection,
    tcp = false,
    port = settings.port,
    is_closed = false,
  }, Link)
  local done, problem = uv.getaddrinfo(
    settings.host,
    nil,
    { socktype = "stream" },
    callback(link, function(problem, addresses)
      if problem then return connection:fail(format("the name %s is not found: %s", settings.host, problem)) end
      connect(link, addresses, 1, "the name has no address")
    end)
  )
  if not done then connection:fail("cannot connect: " .. errors.text(problem)) end
  return link
end

function Link:write(bytes)
  local request, refusal = self.tcp:write(
    bytes,
    callback(self, function(problem)
      if problem then self.connection:fail("the connection broke: " .. problem) end
    end)
  )
  if not request then self.connection:fail("the connection broke: " .. errors.text(refusal)) end
end

function Link:close()
  self.is_closed = true
  close_handle(self.tcp)
end

--- A connection without a caller does not keep uv.run going.
function Link:set_busy(is_busy)
  if not self.tcp then return end
  if is_busy then
    self.tcp:ref()
  else
    self.tcp:unref()
  end
end

--- libuv has said so, if the server closed it.
function Link.is_stale() return false end

function Link.wait(_, entry, mode, deadline)
  if uv.loop_mode() ~= nil then return entry.changed:wait(mode, deadline) end
  local timer = uv.new_timer()
  timer:start(max(ceil((deadline - now()) * 1000), 1), 0, function() end)
  uv.run "once"
  close_handle(timer)
  uv.run "nowait" -- ends the closing: the next run would return at once for it
end

--- @see hoopai.redis
return function(given) return connections.client("hoopai.redis.luv", transport, given, connections.checks) end
