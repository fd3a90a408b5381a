--- One connection to Redis for all tasks of a program: commands are sent in the order of the calls, and each waits for
-- its reply in its own task.
--
-- Replies have no names: the first is that of the first command. So a connection is dropped as soon as this order may
-- be lost: when the time of a command is over, when no caller waits for its reply any more, and when bytes come that no
-- command asked for. What is cut off then is not sent again, as Redis may have done it. The next call connects anew.
--
-- How bytes are sent is the matter of a transport, such as hoopai.redis.luv: a table with
--
-- * `refusal(mode)`: why a caller with this mode of hoopai.async cannot wait here; nil if it can;
-- * `open(connection, settings)`: begins to connect, and returns a link. The link calls `connection:opened()`,
--   `connection:receive(bytes)` and `connection:fail(problem)`; it has the methods `write(bytes)`, `close()`,
--   `set_busy(is_busy)` (does a caller wait?), `is_stale()` (has the server closed it meanwhile?), and
--   `wait(entry, mode, deadline)`, which returns when the reply is there, at the deadline, or before.
local async = require "hoopai.async"
local command = require "hoopai.redis.command"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local option_checks = require "hoopai.options"
local resp = require "hoopai.redis.resp"
local without_parts = require "hoopai.errors.secret_parts"

local format, gsub = string.format, string.gsub
local math_type, setmetatable, type = math.type, setmetatable, type
local now, pid = core.now, core.pid

local connections = {}

local MOST_DATABASES = 1000000

local function text(value) return (type(value) ~= "string" or value == "") and "a string that is not empty" or nil end

local function port(value)
  local ok = math_type(value) == "integer" and value >= 1 and value <= 65535
  return not ok and "an integer from 1 to 65535" or nil
end

local function database(value)
  local ok = math_type(value) == "integer" and value >= 0 and value < MOST_DATABASES
  return not ok and "an integer from 0 on" or nil
end

connections.checks = {
  host = text,
  port = port,
  username = text,
  password = text,
  database = database,
  timeout = command.check_seconds,
}

-- The connection ------------------------------------------------------------------------------------------------------

local Connection = {}
Connection.__index = Connection

-- A command whose reply is waited for. Leaving the call while there is no reply gives the command up. If an error was
-- raised while it was written, it is not known what was sent, and the connection is dropped.
local Entry = {}

function Entry.__close(entry)
  local connection = entry.connection
  connection.live = connection.live - 1
  if connection.is_broken then return end
  if entry.is_writing then return connection:fail "a command could not be written" end
  if connection.live > 0 then return end
  if not entry.is_done then return connection:fail "the command was given up" end
  connection.link:set_busy(false)
end

--- The commands with which a connection begins.
local function handshake_of(settings)
  local commands = {}
  if settings.password then
    local name = settings.username
    commands[1] =
      { "AUTH", name and resp.encode("AUTH", name, settings.password) or resp.encode("AUTH", settings.password) }
  end
  if settings.database then commands[#commands + 1] = { "SELECT", resp.encode("SELECT", settings.database) } end
  return commands
end

--- Begins to connect.
local function open(transport, settings)
  local connection = setmetatable({
    is_broken = false,
    problem = false, -- why it is broken
    is_ready = false,
    handshake = handshake_of(settings),
    step = 1, -- of the handshake
    parser = resp.new_parser(),
    queue = {}, -- the commands that have no reply yet, from `first` to `last`; those from `unsent` on were not written
    first = 1,
    unsent = 1,
    last = 0,
    live = 0, -- the callers that wait
    link = false,
  }, Connection)
  connection.link = transport.open(connection, settings)
  return connection
end

--- Ends the connection, and the wait of all callers.
-- @tparam string problem
function Connection:fail(problem)
  if self.is_broken then return end
  self.is_broken, self.problem = true, problem
  if self.link then self.link:close() end
  for index = self.first, self.last do
    self.queue[index].changed:broadcast()
  end
  self.queue, self.first, self.last = {}, 1, 0
end

--- Writes the commands that wait for the connection.
local function write_unsent(self)
  while self.unsent <= self.last and not self.is_broken do
    local entry = self.queue[self.unsent]
    self.unsent = self.unsent + 1
    entry.is_writing = true
    self.link:write(entry.bytes)
    entry.is_writing = false
  end
end

--- Sends the next command of the handshake, or what has waited for its end: nothing is to reach another database.
local function advance(self)
  local next_command = self.handshake[self.step]
  if next_command then return self.link:write(next_command[2]) end
  self.is_ready = true
  write_unsent(self)
end

--- Called by the link once bytes can be written.
function Connection:opened() advance(self) end

--- Takes a reply.
local function accept(self, value, refusal)
  if not self.is_ready then
    local sent = self.handshake[self.step]
    if not sent then return self:fail "it sent what no command asked for" end
    if refusal then return self:fail(format("Redis refused %s: %s", sent[1], refusal)) end
    self.step = self.step + 1
    return advance(self)
  end
  if self.first >= self.unsent then return self:fail "it sent what no command asked for" end
  local entry = self.queue[self.first]
  self.queue[self.first] = nil
  self.first = self.first + 1
  entry.value, entry.refusal, entry.is_done = value, refusal, true
  entry.changed:broadcast()
end

--- Called by the link with what has come.
function Connection:receive(bytes)
  self.parser:feed(bytes)
  while not self.is_broken do
    local is_whole, value, refusal = self.parser:next()
    if is_whole == nil then return self:fail("its reply cannot be read: " .. value) end
    if not is_whole then return end
    accept(self, value, refusal)
  end
end

--- Adds a command, which is not written yet.
local function add(self, bytes)
  local entry = setmetatable({
    connection = self,
    bytes = bytes,
    changed = async.new_condition(),
    value = nil,
    refusal = nil,
    is_writing = false,
    is_done = false,
  }, Entry)
  self.queue[self.last + 1] = entry
  self.last, self.live = self.last + 1, self.live + 1 -- last: from here on the entry is closed by its caller
  return entry
end

-- The client ----------------------------------------------------------------------------------------------------------

--- A text in one line, without the password and parts of it, which a server may quote.
local function presentable(settings, problem)
  local password = settings.password
  if password then problem = without_parts(gsub(problem, gsub(password, "%W", "%%%0"), "***"), password) end
  return errors.report(problem)
end

--- Sends a command and waits for its reply.
local function perform(client, bytes)
  local transport, settings = client.transport, client.settings
  local mode = async.mode "a command of Redis"
  local problem = transport.refusal(mode)
  if problem then return nil, problem end
  local deadline = now() + settings.timeout
  local connection = client.connection
  local is_parents = client.process ~= pid() -- in a forked child
  if connection and (connection.is_broken or is_parents) then connection = nil end
  if connection and connection.live == 0 and connection.link:is_stale() then
    connection:fail "it was closed"
    connection = nil
  end
  if not connection then
    connection = open(transport, settings)
    client.connection, client.process = connection, pid()
  end
  local entry <close> = add(connection, bytes)
  if connection.live == 1 then connection.link:set_busy(true) end
  if connection.is_ready then write_unsent(connection) end
  while not entry.is_done and not connection.is_broken do
    if now() >= deadline then
      local what = connection.is_ready and "no response" or "no connection"
      connection:fail(format("%s within %g s", what, settings.timeout))
    else
      connection.link:wait(entry, mode, deadline)
    end
  end
  if entry.is_done then return entry.value, entry.refusal end
  return nil, format("Redis at %s:%d: %s", settings.host, settings.port, connection.problem)
end

--- Makes a function that sends commands.
-- @tparam string what the public function, for messages
-- @tparam table transport
-- @tparam ?table given the options
-- @tparam table checks of the options
-- @treturn function `call`, see hoopai.redis
-- @raise for an unknown or wrong option
function connections.client(what, transport, given, checks)
  local settings = option_checks.check(what, given, checks) or {}
  settings.host, settings.port = settings.host or "127.0.0.1", settings.port or 6379
  settings.timeout = settings.timeout or 2
  if settings.username and not settings.password then
    errors.raise(format("option `username` of %s goes with `password`", what))
  end
  local client = { transport = transport, settings = settings, connection = false, process = false }
  return function(...)
    local bytes, problem = resp.encode(...)
    if not bytes then return nil, problem end
    local value
    value, problem = perform(client, bytes)
    if problem then return nil, presentable(settings, problem) end
    return value
  end
end

return connections
