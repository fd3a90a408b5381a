--- How the specs start the servers that are processes of their own, and talk to them: one command a time, its length, a
-- line feed, { name, argument }; the response { ok, value } likewise.

local child = require "spec.support.child"
local literal = require "spec.support.literal"
local socket = require "socket"

local io_open, io_popen, os_tmpname = io.open, io.popen, os.tmpname

local control = {}

control.PATIENCE = 20 -- seconds for anything that should take milliseconds

--- Starts a script with the name of a file into which it writes where it listens. It ends when its standard input does,
-- so when this process ends, however that happens.
-- @tparam string script
-- @tparam string pattern what it writes, with captures
-- @treturn string the file's name
-- @return the pipe to its standard input, and the captures
function control.start(script, pattern)
  local name = os_tmpname()
  -- Without a sanitizer or valgrind that this process may run under: what the server does is not under test.
  local pipe = assert(
    io_popen(
      ("exec env -u LD_PRELOAD %s %s %s"):format(child.quote(child.server_interpreter()), script, child.quote(name)),
      "w"
    )
  )
  local deadline = socket.gettime() + control.PATIENCE
  repeat
    local file = assert(io_open(name))
    local first, second = file:read("a"):match(pattern)
    file:close()
    if first then return name, pipe, first, second end
    socket.sleep(0.002)
  until socket.gettime() > deadline
  error(script .. " did not start")
end

--- Connects to a server's control port.
function control.connect(port, seconds)
  local connection = assert(socket.tcp4())
  connection:settimeout(seconds)
  assert(connection:connect("127.0.0.1", tonumber(port)))
  connection:setoption("tcp-nodelay", true)
  return connection
end

--- Sends a command and returns its result; raises the error that was raised in it.
-- @param connection of `connect`
-- @tparam string who name of the server, for the message
function control.ask(connection, who, name, argument)
  local text = literal.encode { name, argument }
  assert(connection:send(#text .. "\n" .. text))
  local size = assert(connection:receive("*l"))
  local reply = literal.decode(assert(connection:receive(tonumber(size))))
  if not reply[1] then error(who .. ": " .. reply[2], 0) end
  return reply[2]
end

--- The server's side: serves commands on a socket of cqueues until it is closed.
-- @param sock
-- @tparam table commands functions by name
function control.serve(sock, commands)
  sock:setmode("bn", "bn")
  while true do
    local line = sock:read("*l")
    if not line then break end
    local name, argument = table.unpack(literal.decode(sock:read(tonumber(line))), 1, 2)
    local ok, value = xpcall(commands[name], debug.traceback, argument)
    local reply = literal.encode { ok, value }
    sock:write(#reply .. "\n" .. reply)
    sock:flush()
  end
  sock:close()
end

return control
