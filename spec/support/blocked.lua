--- Measures what spec/support/blocking.lua does, against each kind of silent peer.

local child = require "spec.support.child"
local core_host = require "spec.support.core_host"
local socket = require "socket"
local test_server = require "spec.support.server"

local blocked = {}

local LIMIT = 30 -- seconds for one case

local Peers = {}
Peers.__index = Peers

--- The silent peers; `close` ends them.
function blocked.peers()
  local silent, close_silent = test_server.silent()
  local deaf = assert(socket.tcp4()) -- connections are made, nothing is read or written
  assert(deaf:bind("127.0.0.1", 0))
  assert(deaf:listen(500))
  local _, port = deaf:getsockname()
  local names = assert(socket.udp4())
  -- Where this is not allowed, or taken, only the host's own silent resolver is tried.
  local has_port = names:setsockname("127.0.0.99", 53)
  return setmetatable({
    host = core_host.build(),
    deaf = deaf,
    names = names,
    close_silent = close_silent,
    has_port = has_port,
    urls = {
      resolver = "https://name.silent",
      dns = "https://name.example.com",
      listener = silent,
      tls = "https://127.0.0.1:" .. port,
      answer = "http://127.0.0.1:" .. port,
    },
  }, Peers)
end

function Peers:close()
  self.close_silent()
  self.deaf:close()
  self.names:close()
  os.remove(self.host)
end

local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1", "r"))
  local text = pipe:read "a"
  return pipe:close() or false, text
end

--- Can a child process have other name servers than the system?
function Peers:has_dns() return self.has_port and run "unshare -m true" end

--- Runs one case.
-- @tparam string peer resolver (a getaddrinfo that sleeps), dns (a name server that is silent), listener (never
-- accepts), tls (never sends a ServerHello), answer (never responds)
-- @tparam string case timeout, rounds, cancel, close or lua_close
-- @tparam integer calls at a time
-- @treturn table longest, cpu, overshoot, lua_close in milliseconds, threads, see blocking.lua; or nil and what was
-- printed
function Peers:measure(peer, case, calls)
  local command = ("timeout %d %s spec/support/blocking.lua %s %s %d"):format(
    LIMIT,
    self.host,
    case,
    child.quote(self.urls[peer]),
    calls
  )
  -- The host exports functions, which AddressSanitizer takes for a library that was loaded before it.
  command = 'export ASAN_OPTIONS="$ASAN_OPTIONS:verify_asan_link_order=0"; ' .. command
  if peer == "dns" then
    local file = os.tmpname()
    assert(io.open(file, "w")):write("nameserver 127.0.0.99\n"):close()
    command = "unshare -m sh -c " .. child.quote(("mount --bind %s /etc/resolv.conf && %s"):format(file, command))
    local ok, text = run(command)
    os.remove(file)
    if not ok then return nil, text end
    return blocked.parse(text)
  end
  local ok, text = run(command)
  if not ok then return nil, text end
  return blocked.parse(text)
end

function blocked.parse(text)
  local longest, cpu, overshoot, rest = text:match "^([%d.]+) ([%d.]+) (-?[%d.]+)\n(.*)$"
  if not longest then return nil, text end
  return {
    longest = tonumber(longest),
    cpu = tonumber(cpu),
    overshoot = tonumber(overshoot),
    lua_close = tonumber(rest:match "lua_close ([%d.]+)"),
    threads = tonumber(rest:match "threads (%d+)"),
  }
end

return blocked
