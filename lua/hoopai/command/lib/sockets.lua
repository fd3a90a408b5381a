--- Sockets of LuaSocket that wait in coroutines, so that a peer which is slow does not hold up the others.
--
--     local loop = sockets.loop()
--     loop:spawn(function() local bytes = stream:receive(deadline) ... end)
--     while true do loop:step(0.5) end
--
-- Deadlines are times of the clock `sockets.now`.
local socket = require "socket"

local coroutine, error, ipairs, setmetatable = coroutine, error, ipairs, setmetatable
local max, min = math.max, math.min

local sockets = {}

local CHUNK = 65536 -- bytes that are received at a time

--- The clock of deadlines, in seconds.
sockets.now = socket.gettime

--- Waits until a socket may be read or written.
local function wait(tcp, kind, deadline) return coroutine.yield { tcp = tcp, kind = kind, deadline = deadline } end

-- Streams

local Stream = {}
Stream.__index = Stream

--- The stream of a connected socket.
-- @tparam userdata tcp of LuaSocket
-- @treturn table to-be-closed
function sockets.stream(tcp)
  tcp:settimeout(0)
  return setmetatable({ tcp = tcp }, Stream)
end

function Stream:__close() self.tcp:close() end

--- Receives what has arrived. It waits in any case, so that a peer which always has bytes does not hold up the others.
-- @tparam number deadline
-- @treturn[1] string at least one byte
-- @treturn[2] nil
-- @treturn[2] string "timeout", "closed" or another problem
function Stream:receive(deadline)
  while wait(self.tcp, "read", deadline) and sockets.now() < deadline do
    local all, problem, some = self.tcp:receive(CHUNK)
    local bytes = all or some
    if bytes ~= "" then return bytes end
    if problem ~= "timeout" then return nil, problem end
  end
  return nil, "timeout"
end

--- Sends a text.
-- @tparam string text
-- @tparam number deadline
-- @treturn[1] boolean true
-- @treturn[2] nil
-- @treturn[2] string
function Stream:send(text, deadline)
  local first = 1
  while true do
    local last, problem, sent = self.tcp:send(text, first)
    if last then return true end
    first = sent + 1
    if problem ~= "timeout" or not wait(self.tcp, "write", deadline) then return nil, problem end
  end
end

--- Ends the sending, and reads what the peer still sends: closing before that would reset the connection, and the peer
-- might lose what was sent to it.
-- @tparam number deadline
-- @tparam integer most bytes
function Stream:linger(deadline, most)
  self.tcp:shutdown "send"
  while most > 0 do
    local bytes = self:receive(deadline)
    if not bytes then return end
    most = most - #bytes
  end
end

-- Connections

--- The addresses of a host. It may take time: the name is looked up.
-- @tparam string host
-- @treturn[1] table list of { family, addr }
-- @treturn[2] nil
-- @treturn[2] string
function sockets.addresses(host) return socket.dns.getaddrinfo(host) end

local function try(address, port, deadline)
  local tcp = address.family == "inet6" and socket.tcp6() or socket.tcp4()
  tcp:settimeout(0)
  local ok, problem = tcp:connect(address.addr, port)
  if not ok and problem == "timeout" and wait(tcp, "write", deadline) then
    ok, problem = tcp:connect(address.addr, port)
    ok = ok or problem == "already connected"
  end
  if ok then return sockets.stream(tcp) end
  tcp:close()
  return nil, problem
end

--- Connects to the first of some addresses that listens.
-- @tparam table addresses as `sockets.addresses` returns them
-- @tparam integer port
-- @tparam number deadline
-- @treturn[1] table a stream
-- @treturn[2] nil
-- @treturn[2] string
function sockets.connect(addresses, port, deadline)
  local problem = "no address"
  for _, address in ipairs(addresses) do
    local stream
    stream, problem = try(address, port, deadline)
    if stream then return stream end
  end
  return nil, problem
end

--- Listens.
-- @tparam string host
-- @tparam integer port
-- @treturn[1] table with the method `accept`; to-be-closed
-- @treturn[2] nil
-- @treturn[2] string
function sockets.listen(host, port)
  local tcp, problem = socket.bind(host, port, 128)
  if not tcp then return nil, problem end
  tcp:settimeout(0)
  local listener = setmetatable({ tcp = tcp }, { __close = function() tcp:close() end })
  --- Waits for a client. nil: there was one, and it is gone; or none can be served now.
  function listener.accept()
    wait(tcp, "read", 1 / 0)
    local client = tcp:accept()
    return client and sockets.stream(client)
  end
  return listener
end

-- The loop

local Loop = {}
Loop.__index = Loop

--- Makes a loop without coroutines.
-- @treturn table
function sockets.loop() return setmetatable({ waiting = {} }, Loop) end

--- Resumes a coroutine, and keeps what it waits for. An error of a coroutine is raised: it ends the loop's caller.
local function resume(self, thread, ...)
  local ok, waits_for = coroutine.resume(thread, ...)
  if not ok then
    coroutine.close(thread)
    error(waits_for, 0)
  end
  if coroutine.status(thread) == "dead" then return end
  waits_for.thread = thread
  self.waiting[#self.waiting + 1] = waits_for
end

--- Runs a function in a coroutine, until it waits for the first time.
-- @tparam function fn
function Loop:spawn(fn) resume(self, coroutine.create(fn)) end

--- Waits, and resumes the coroutines whose sockets are ready, or whose deadlines have passed.
-- @tparam number seconds the longest wait
function Loop:step(seconds)
  local reads, writes, waiting = {}, {}, self.waiting
  local now = sockets.now()
  for _, entry in ipairs(waiting) do
    local list = entry.kind == "read" and reads or writes
    list[#list + 1] = entry.tcp
    seconds = min(seconds, max(0, entry.deadline - now))
  end
  local readable, writable = socket.select(reads, writes, seconds)
  now = sockets.now()
  self.waiting = {}
  local ready = {}
  for _, entry in ipairs(waiting) do
    entry.is_ready = (entry.kind == "read" and readable or writable)[entry.tcp] ~= nil
    local list = (entry.is_ready or entry.deadline <= now) and ready or self.waiting
    list[#list + 1] = entry
  end
  for _, entry in ipairs(ready) do
    resume(self, entry.thread, entry.is_ready)
  end
end

--- Ends all coroutines: their sockets are closed.
function Loop:__close()
  for _, entry in ipairs(self.waiting) do
    coroutine.close(entry.thread)
  end
  self.waiting = {}
end

return sockets
