--- A server of calendars, events and blocked times whose meaning of a window's ends can be chosen: that of the live API
-- is not documented. It is a process of its own.
--
--   local server = require("spec.support.span_server").start()
--   server:set { calendars = { ... }, events = { ... }, blocks = { ... }, ends = "starts", bounds = "open" }
--   ... use server.url ...
--   local request = server:ledger()[1]       -- path, field, owner, from, to, outcome ("answered", "gone" or nil)
--
-- The world that `set` takes:
--
--   calendars       what the list of calendars returns, as it is. `false`: the list of calendars fails
--   events, blocks  records with `from` and `to` in milliseconds and `owners` (id -> true), beside the fields that are
--                   returned; `startTime` and `endTime` are made of `from` and `to` unless the record has them
--   ends            "overlap": what overlaps the window; "starts": what begins in it; "within": what lies in it
--   bounds          "half": with what is at its start; "closed": with what is at either end; "open": with neither
--   most            a list of more events is larger than the client reads
--   faults          { owner, status, body, from (the window ends after it), left (how often), calendars (the list of
--                   calendars from then on), after (once so many requests have come) }: the response has this status;
--                   without a status there is none
--   headers         further header lines of each response
local is_server = arg and arg[0] and arg[0]:find("span_server.lua", 1, true)
local control = require "spec.support.control"

local server = {}

local Server = {}
Server.__index = Server

local function command(self, name, argument) return control.ask(self.control, "span server", name, argument) end

--- Starts the server process. It ends with `stop`, or when this process ends.
function server.start()
  local name, pipe, port, control_port = control.start("spec/support/span_server.lua", "^(%d+) (%d+)\n")
  os.remove(name)
  return setmetatable({
    url = "http://127.0.0.1:" .. port,
    pipe = pipe,
    control = control.connect(control_port, control.PATIENCE),
  }, Server)
end

--- Sets the world and empties the ledger.
function Server:set(world) command(self, "set", world) end

--- All requests since `set`.
function Server:ledger() return command(self, "ledger") end

--- Waits until so many requests have come, or have ended.
-- @tparam string what "arrived" or "ended"
function Server:wait(what, count)
  local counted = command(self, "wait", { what = what, count = count, seconds = control.PATIENCE / 2 })
  if counted < count then error(("the span server waited for %d %s, there are %d"):format(count, what, counted), 2) end
end

function Server:stop()
  self.control:close()
  self.pipe:close()
end

if not is_server then return server end

--------------------------------------------------------------------------------------------------------- the process

local cjson = require "cjson"
local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local errno = require "cqueues.errno"
local socket = require "cqueues.socket"

local BLANKS = (" "):rep(8999999)

local loop, changed = cqueues.new(), condition.new()
local world, ledger = {}, {}

local STARTS = {
  half = function(at, from, to) return at >= from and at < to end,
  closed = function(at, from, to) return at >= from and at <= to end,
  open = function(at, from, to) return at > from and at < to end,
}

local function is_before(a, b) return a < b or world.bounds == "closed" and a == b end

local ENDS = {
  overlap = function(record, from, to) return is_before(record.from, to) and is_before(from, record.to) end,
  starts = function(record, from, to) return STARTS[world.bounds](record.from, from, to) end,
  within = function(record, from, to)
    return STARTS[world.bounds](record.from, from, to)
      and (record.to < to or world.bounds ~= "open" and record.to == to)
  end,
}

local function iso(ms) return os.date("!%Y-%m-%dT%H:%M:%S", ms // 1000) .. (".%03dZ"):format(ms % 1000) end

local function shown(record)
  local copy = { startTime = record.from and iso(record.from), endTime = record.to and iso(record.to) }
  for name, value in pairs(record) do
    copy[name] = value
  end
  copy.owners, copy.from, copy.to = nil, nil, nil
  return copy
end

local function list(records, entry)
  local found = setmetatable({}, cjson.array_mt)
  for _, record in ipairs(records or {}) do
    local is_owned = record.owners[entry.owner]
    if is_owned and (not record.from or ENDS[world.ends](record, entry.from, entry.to)) then
      found[#found + 1] = shown(record)
    end
  end
  return found
end

local function encode_list(name, records)
  return ('{"%s":%s,"traceId":"t"}'):format(name, #records > 0 and cjson.encode(records) or "[]")
end

--- The status and the body of a response; nil for none at all.
local function answer(entry)
  for _, fault in ipairs(world.faults or {}) do
    local is_meant = (fault.owner or entry.owner) == entry.owner and entry.owner and entry.to > (fault.from or 0)
    if is_meant and fault.left ~= 0 then
      fault.left = fault.left and fault.left - 1
      if fault.calendars then world.calendars = fault.calendars end
      while #ledger < (fault.after or 0) do
        changed:wait(1)
      end
      if not fault.status then return nil end
      return fault.status, fault.body or '{"message":"a fault of the test"}'
    end
  end
  if entry.path == "/calendars/" then
    if world.calendars == false then return 503, '{"message":"no calendars now"}' end
    return 200, encode_list("calendars", world.calendars or {})
  end
  local found = list(entry.path == "/calendars/events" and world.events or world.blocks, entry)
  if #found > (world.most or math.huge) then return "too_large" end
  return 200, encode_list("events", found)
end

local function read_head(sock, buffer)
  while true do
    local first, last = buffer:find("\r\n\r\n", 1, true)
    if first then return buffer:sub(1, first), buffer:sub(last + 1) end
    local bytes, why = sock:recv(-65536)
    if bytes then
      buffer = buffer .. bytes
    elseif why ~= errno.EAGAIN then
      return nil
    else
      cqueues.poll(sock)
    end
  end
end

local function parse(head)
  local path, query = head:match "^GET ([^?%s]*)%??(%S*)"
  local entry = { path = path, query = query, number = #ledger + 1 }
  for name, value in query:gmatch "([^&=]+)=([^&]*)" do
    if name == "startTime" then entry.from = math.tointeger(value) end
    if name == "endTime" then entry.to = math.tointeger(value) end
    if name:find "^%l+Id$" and name ~= "locationId" then
      entry.field, entry.owner = name, value
    end
    if name == "locationId" then entry.location = value end
  end
  return entry
end

local function stall(sock)
  repeat
    local bytes, why = sock:recv(-65536)
    if not bytes and why == errno.EAGAIN then cqueues.poll(sock) end
  until not bytes and why ~= errno.EAGAIN
end

local function respond(sock, entry)
  local status, body = answer(entry)
  if not status then
    stall(sock)
    return "gone"
  end
  if status == "too_large" then
    sock:write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000000\r\n\r\n{", BLANKS)
    sock:flush()
    stall(sock)
    return "gone"
  end
  local text = "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s"
  sock:write(text:format(status, world.headers or "", #body, body))
  return sock:flush() and "answered" or "gone"
end

local function serve(sock)
  sock:onerror(function(_, _, code) return code end)
  sock:setmode("bn", "bn")
  local head, buffer = read_head(sock, "")
  while head do
    local entry, own = parse(head), ledger
    own[entry.number] = entry
    changed:signal()
    entry.outcome = respond(sock, entry)
    changed:signal()
    if entry.outcome == "gone" then break end
    head, buffer = read_head(sock, buffer)
  end
  sock:close()
end

local function counted(what)
  local count = 0
  for _, entry in ipairs(ledger) do
    if what == "arrived" or entry.outcome then count = count + 1 end
  end
  return count
end

local commands = {
  set = function(given)
    world, ledger = given, {}
    world.ends, world.bounds = world.ends or "overlap", world.bounds or "half"
  end,
  ledger = function() return ledger end,
  wait = function(given)
    local deadline = cqueues.monotime() + given.seconds
    while counted(given.what) < given.count and cqueues.monotime() < deadline do
      changed:wait(deadline - cqueues.monotime())
    end
    return counted(given.what)
  end,
}

local function listen(handle)
  local listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
  assert(listener:listen())
  loop:wrap(function()
    for sock in listener:clients() do
      loop:wrap(handle, sock)
    end
  end)
  return select(3, listener:localname())
end

local port = listen(serve)
local control_port = listen(function(sock) control.serve(sock, commands) end)
loop:wrap(function() -- nothing is ever written to our standard input: readable means closed
  cqueues.poll { pollfd = 0, events = "r" }
  os.exit(0, false)
end)
local file <close> = assert(io.open(arg[1], "w"))
file:write(port, " ", control_port, "\n")
file:close()
while true do
  local ok, problem = loop:loop()
  if not ok then io.stderr:write("span server: ", tostring(problem), "\n") end
end
