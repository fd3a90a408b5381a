--- A scripted HTTP/1.1 server that records requests: a separate process, started by spec/support/server.lua.
--
--   lua5.4 spec/support/recorder.lua FILE
--
-- It listens on two loopback ports, writes "DATA-PORT CONTROL-PORT" into FILE, and ends when its standard input does.
-- HTTP is written by hand, so that it can be broken on purpose.
--
-- Its script is a list of rules. A request takes the first rule that fits and is not used up; without one it is
-- answered 500 and marked `unmatched` in the ledger. A rule is plain data:
--
--   which requests    method, path (without query), target (with query), exchange (1 = the first on its connection)
--   how often         times = n (1), always = true
--   from when on      at = "accept" (a connection has come), "head" (the header lines are read, the body is not),
--                     "request" (all is read; this is the default)
--   what happens      status (200), reason, headers (a map, or a list of { name, value }), body   -- a response
--                     raw = bytes instead of all that; expand = true: in status, body and sent bytes, $method $path
--                     $target $last (segment of the path) $number $status (digits after /s in the path) are replaced
--                     delay = seconds before it, hold = name of a gate to wait at before it
--                     cut = n: only the first n bytes, then the connection is closed
--                     close = true: closed after the response, "before": instead of it; reset: the same with RST
--   or, in full       steps = { step, ... }, where a step is one of
--                     { answer = { status, reason, headers, body, expand } }   { send = bytes, expand = true }
--                     { drip = bytes, size = 1, every = 0.01 }   { wait = seconds }   { hold = name }
--                     { stall = true } until the client goes   { shutdown = true } no more bytes, but still reading
--                     { close = true }   { reset = true }
--
-- Each use of a rule is one entry of the ledger:
--   number, connection, exchange, method, target, path, query, version, headers (list of { name, value }), header
--   (lower-case name -> value), body, complete (was the body read whole?), rule (position in the script), unmatched,
--   at_once (requests in progress, this one included), arrived, ended (seconds), outcome: nil while in progress, else
--   "answered", "closed", "reset", "gone" (the client left first)

local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local errno = require "cqueues.errno"
local socket = require "cqueues.socket"
local control = require "spec.support.control"
local luasocket = require "socket"

local monotime, poll = cqueues.monotime, cqueues.poll
local concat = table.concat

local MOST_HEAD = 1 << 20

local loop = cqueues.new()
local changed = condition.new() -- signalled after each change of the ledger or of a gate
local began = monotime()

local reasons = {
  [200] = "OK",
  [201] = "Created",
  [204] = "No Content",
  [301] = "Moved Permanently",
  [302] = "Found",
  [400] = "Bad Request",
  [401] = "Unauthorized",
  [403] = "Forbidden",
  [404] = "Not Found",
  [409] = "Conflict",
  [422] = "Unprocessable Entity",
  [429] = "Too Many Requests",
  [500] = "Internal Server Error",
  [502] = "Bad Gateway",
  [503] = "Service Unavailable",
  [504] = "Gateway Timeout",
}

-- The state that a reset replaces. A coroutine that still holds an older one stops.
local function new_state() return { rules = {}, ledger = {}, gates = {}, connections = {}, sockets = {}, busy = 0 } end

local state = new_state()

------------------------------------------------------------------------------------------------------- connections

--- Reads what is there: bytes; or nil and "closed", "timeout" or "reset" (the script was reset).
local function receive(conn, deadline)
  while true do
    local bytes, why = conn.socket:recv(-65536)
    if bytes then return bytes end
    if why ~= errno.EAGAIN then return nil, "closed" end
    if conn.state ~= state then return nil, "reset" end
    local left = deadline and deadline - monotime()
    if left and left <= 0 then return nil, "timeout" end
    poll(conn.socket, changed, left)
  end
end

--- Waits until `done()`; false when the client leaves first or the script is reset.
local function wait_until(conn, done, deadline)
  while not done() do
    if conn.state ~= state then return false end
    local left = deadline and deadline - monotime()
    if left and left <= 0 then return true end
    local bytes, why = conn.socket:recv(-65536)
    if bytes then
      conn.buffer = conn.buffer .. bytes
    elseif why ~= errno.EAGAIN then
      return false
    else
      poll(conn.socket, changed, left)
    end
  end
  return true
end

local function send(conn, bytes) return conn.socket:write(bytes) and conn.socket:flush() and true or false end

-- RST instead of FIN: a lingering time of zero, which cqueues cannot set but LuaSocket can on the same descriptor.
local function close_with_reset(conn)
  local other = assert(luasocket.tcp4())
  other:close()
  other = assert(luasocket.tcp())
  other:setfd(conn.socket:pollfd())
  other:setoption("linger", { on = true, timeout = 0 })
  other:setfd(-1)
  conn.socket:close()
end

-------------------------------------------------------------------------------------------------------------- rules

local function fits(rule, at, entry)
  if (rule.at or "request") ~= at or rule.left == 0 then return false end
  for _, name in ipairs { "method", "path", "target", "exchange" } do
    if rule[name] ~= nil and rule[name] ~= entry[name] then return false end
  end
  return true
end

local function take_rule(at, entry)
  for position, rule in ipairs(state.rules) do
    if fits(rule, at, entry) then
      if rule.left then rule.left = rule.left - 1 end
      entry.rule = position
      return rule
    end
  end
end

local function expand(text, entry)
  local path = entry.path or ""
  local names = {
    method = entry.method,
    path = path,
    target = entry.target,
    number = tostring(entry.number),
    last = path:match("[^/]*$"),
    status = path:match("/s(%d+)"),
  }
  return (text:gsub("%$(%a+)", names))
end

local function header_list(headers)
  local list, has = {}, {}
  for key, value in pairs(headers or {}) do
    if math.type(key) == "integer" then
      list[key] = value
    else
      list[#list + 1] = { key, value }
    end
  end
  for _, pair in ipairs(list) do
    has[pair[1]:lower()] = true
  end
  return list, has
end

--- The bytes of a response. A Content-Length and a Content-Type are added if none is given.
local function compose(answer, entry)
  local body, status = answer.body or "", answer.status or 200
  if answer.expand then
    body = expand(body, entry)
    status = tonumber(expand(tostring(status), entry))
  end
  local list, has = header_list(answer.headers)
  local lines = { ("HTTP/1.1 %d %s"):format(status, answer.reason or reasons[status] or "Whatever") }
  for _, pair in ipairs(list) do
    lines[#lines + 1] = pair[1] .. ": " .. pair[2]
  end
  if not has["content-type"] and body ~= "" then lines[#lines + 1] = "Content-Type: application/json; charset=utf-8" end
  local has_body = status >= 200 and status ~= 204 and status ~= 304
  if has_body and not has["content-length"] and not has["transfer-encoding"] then
    lines[#lines + 1] = "Content-Length: " .. #body
  end
  return concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

--- The short form of a rule as steps.
local function steps_of(rule, entry)
  if rule.steps then return rule.steps end
  local steps = {}
  if rule.delay then steps[#steps + 1] = { wait = rule.delay } end
  if rule.hold then steps[#steps + 1] = { hold = rule.hold } end
  if rule.close ~= "before" and rule.reset ~= "before" then
    local bytes = rule.raw or compose(rule, entry)
    if rule.cut then bytes = bytes:sub(1, rule.cut) end
    steps[#steps + 1] = { send = bytes }
  end
  if rule.reset then steps[#steps + 1] = { reset = true } end
  if rule.close or rule.cut then steps[#steps + 1] = { close = true } end
  return steps
end

-- Each takes a connection, the step and the ledger's entry. What it returns is the outcome that ends the connection;
-- nil goes on.
local actions = {}

function actions.answer(conn, step, entry)
  if not send(conn, compose(step.answer, entry)) then return "gone" end
end

function actions.send(conn, step, entry)
  if not send(conn, step.expand and expand(step.send, entry) or step.send) then return "gone" end
end

local function never() return false end

function actions.wait(conn, step)
  if not wait_until(conn, never, monotime() + step.wait) then return "gone" end
end

function actions.drip(conn, step)
  local size = step.size or 1
  for first = 1, #step.drip, size do
    if not send(conn, step.drip:sub(first, first + size - 1)) then return "gone" end
    if not wait_until(conn, never, monotime() + (step.every or 0.01)) then return "gone" end
  end
end

function actions.hold(conn, step)
  local gates = state.gates
  if not wait_until(conn, function() return gates[step.hold] end) then return "gone" end
end

function actions.stall(conn)
  wait_until(conn, never)
  return "gone"
end

function actions.shutdown(conn) conn.socket:shutdown("w") end

function actions.close() return "closed" end

function actions.reset(conn)
  close_with_reset(conn)
  return "reset"
end

local function run_step(conn, step, entry)
  for name, action in pairs(actions) do
    if step[name] ~= nil then return action(conn, step, entry) end
  end
  error("a step of the script does nothing that is known")
end

--- Plays a rule; returns whether the connection may go on.
local function play(conn, rule, entry)
  local own = conn.state
  own.busy = own.busy + 1
  entry.at_once = own.busy
  entry.arrived = monotime() - began
  entry.number = #own.ledger + 1
  own.ledger[entry.number] = entry
  changed:signal()
  local outcome
  for _, step in ipairs(steps_of(rule, entry)) do
    outcome = run_step(conn, step, entry)
    if outcome then break end
  end
  own.busy = own.busy - 1
  entry.ended = monotime() - began
  entry.outcome = outcome or "answered"
  changed:signal()
  return not outcome
end

----------------------------------------------------------------------------------------------------------- requests

--- Reads up to the empty line; nil when the client leaves before.
local function read_head(conn)
  while true do
    local first, last = conn.buffer:find("\r\n\r\n", 1, true)
    if first then
      local head = conn.buffer:sub(1, first + 1)
      conn.buffer = conn.buffer:sub(last + 1)
      return head
    end
    if #conn.buffer > MOST_HEAD then return nil end
    local bytes = receive(conn)
    if not bytes then return nil end
    conn.buffer = conn.buffer .. bytes
  end
end

local function parse_head(head, entry)
  entry.method, entry.target, entry.version = head:match("^(%S+) (%S+) HTTP/([%d.]+)\r\n")
  if not entry.method then return false end
  entry.path, entry.query = entry.target:match("^([^?]*)%??(.*)$")
  entry.headers, entry.header = {}, {}
  for name, value in head:gmatch("\r\n([^:\r\n]+):[ \t]*([^\r\n]*)") do
    entry.headers[#entry.headers + 1] = { name, value }
    entry.header[name:lower()] = value
  end
  return true
end

local function read_body(conn, entry)
  local left = tonumber(entry.header["content-length"] or "0")
  local parts = { conn.buffer:sub(1, left) }
  conn.buffer = conn.buffer:sub(left + 1)
  left = left - #parts[1]
  while left > 0 do
    local bytes = receive(conn)
    if not bytes then break end
    parts[#parts + 1] = bytes:sub(1, left)
    conn.buffer = bytes:sub(left + 1)
    left = left - #bytes
  end
  entry.body = concat(parts)
  entry.complete = left <= 0
  return entry.complete
end

local unmatched = { status = 500, body = '{"message":"the script of the test server has no rule for this"}' }

local function take_request(conn, entry)
  local head = read_head(conn)
  if not head or not parse_head(head, entry) then return nil end
  conn.record.requests = conn.record.requests + 1
  entry.exchange = conn.record.requests
  local rule = take_rule("head", entry)
  if rule then return rule end
  if not read_body(conn, entry) then return nil end
  rule = take_rule("request", entry)
  if not rule then
    entry.unmatched = true
    return unmatched
  end
  return rule
end

local function serve(conn)
  local entry = { connection = conn.record.number }
  local rule = take_rule("accept", entry)
  if rule and not play(conn, rule, entry) then return end
  while conn.state == state do
    entry = { connection = conn.record.number }
    rule = take_request(conn, entry)
    if not rule or not play(conn, rule, entry) then return end
    if entry.header.connection == "close" then return end
  end
end

local function open_connection(sock)
  -- Whatever goes wrong on a connection is returned, not raised: the client may do what it likes.
  sock:onerror(function(_, _, code) return code end)
  sock:setmode("bn", "bn")
  local own = state
  local record = { number = #own.connections + 1, requests = 0, open = true }
  own.connections[record.number] = record
  own.sockets[record.number] = sock
  local conn = { socket = sock, buffer = "", state = own, record = record }
  loop:wrap(function()
    local ok, problem = xpcall(serve, debug.traceback, conn)
    if not ok then io.stderr:write("test server: ", problem, "\n") end
    record.open = false
    own.sockets[record.number] = nil
    pcall(sock.close, sock)
    changed:signal()
  end)
end

------------------------------------------------------------------------------------------------------------ control

local function add_rules(rules)
  for _, rule in ipairs(rules) do
    rule.left = not rule.always and (rule.times or 1) or nil
    state.rules[#state.rules + 1] = rule
  end
end

local function reset()
  local old = state
  state = new_state()
  for _, sock in pairs(old.sockets) do
    sock:shutdown("rw")
  end
  changed:signal()
end

local function open_connections()
  local open = 0
  for _, record in ipairs(state.connections) do
    if record.open then open = open + 1 end
  end
  return open
end

-- What `wait` can wait for.
local counts = {
  arrived = function() return #state.ledger end,
  busy = function() return state.busy end,
  open = open_connections,
  ended = function()
    local ended = 0
    for _, entry in ipairs(state.ledger) do
      if entry.outcome then ended = ended + 1 end
    end
    return ended
  end,
}

local tests = {
  at_least = function(count, wanted) return count >= wanted end,
  exactly = function(count, wanted) return count == wanted end,
}

local commands = {
  reply = add_rules,
  ledger = function() return state.ledger end,
  connections = function() return state.connections end,
  reset = reset,
  count = function(what) return counts[what]() end,
  release = function(name)
    state.gates[name] = true
    changed:signal()
  end,
  unused = function()
    local unused = {}
    for position, rule in ipairs(state.rules) do
      if rule.left and rule.left > 0 then unused[#unused + 1] = position end
    end
    return unused
  end,
  wait = function(what)
    local deadline = monotime() + what.seconds
    while not tests[what.how](counts[what.count](), what.wanted) do
      local left = deadline - monotime()
      if left <= 0 then return false end
      changed:wait(left)
    end
    return true
  end,
}

--------------------------------------------------------------------------------------------------------------- main

local function listen()
  local listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
  assert(listener:listen())
  local _, _, port = listener:localname()
  return listener, port
end

local function main(file_name)
  local data, data_port = listen()
  local listener, control_port = listen()
  loop:wrap(function()
    for sock in data:clients() do
      sock:setvbuf("full", 1 << 16) -- a response leaves in one piece: the rest would wait for an acknowledgement
      open_connection(sock)
    end
  end)
  loop:wrap(function()
    for sock in listener:clients() do
      loop:wrap(control.serve, sock, commands)
    end
  end)
  loop:wrap(function() -- nothing is ever written to our standard input: readable means closed
    poll { pollfd = 0, events = "r" }
    os.exit(0, false)
  end)
  local file = assert(io.open(file_name, "w"))
  assert(file:write(data_port, " ", control_port, "\n"))
  assert(file:close())
  while true do
    local ok, problem = loop:loop()
    if not ok then io.stderr:write("test server: ", tostring(problem), "\n") end
  end
end

main(...)
