--- A server that fails on purpose, and knows what it did: a process of its own, started by spec/support/faults.lua.
--
--   lua5.4 spec/support/fault_server.lua FILE
--
-- It writes its control port and the certificate of its authority into FILE, and ends when its standard input does.
--
-- It opens lanes: ports with a world (fault/world.lua: appointments, tokens) and a script of faults of their own. Over
-- TLS a lane speaks HTTP/2 or HTTP/1.1, as the client offers. A lane is plain data:
--
--   tls = true           HTTPS
--   faults = { fault }   see fault/matrix.lua for when, what and applied. Each strikes once: at the connection number
--                        `nth` (1) of the lane, or, from after_headers on, at the `nth` request of the class `class`
--   random = { seed, rate }   or: each request draws a fault of the whole matrix with this probability
--   late = 0.3           seconds between a fault and the carrying out that is "late"
--   patience = 1.5       seconds until the server ends what it let stall or drip
--   records, services, only_current   see fault/world.lua
--   headers              further header lines of each answer ("Name: value\r\n")
--   asked = true         HTTP/1.1: nothing is done; the answer is what the request's header asks for, as in
--                        "X-Answer: 503 html" (or json, or empty)
--
-- What stands in the ledger of a lane: `faults` (how often each struck), `struck` (the sum), `arrived` (class -> how
-- many requests came), `connections`, `applied` (create, update, delete, token -> how many were carried out),
-- `changes` (the same by contact, appointment or token), `presented` (token or code -> how often it came), `reuses`,
-- `titles` (id of the appointments -> title), `current` (the access token that is valid).

local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local http1 = require "spec.support.fault.http1"
local http2 = require "spec.support.fault.http2"
local control = require "spec.support.control"
local luasocket = require "socket"
local matrix = require "spec.support.fault.matrix"
local socket = require "cqueues.socket"
local world = require "spec.support.fault.world"

local monotime, poll, sleep = cqueues.monotime, cqueues.poll, cqueues.sleep

local HANDSHAKE = 10 -- seconds for a handshake
local LINGER = 2 -- seconds for a client to see that a connection has ended
local IDLE = 120 -- seconds until a connection without requests is closed

local loop = cqueues.new()
local changed = condition.new() -- a lane has become quieter, or is to end
local lanes = {}
local tls_context

-- Sockets that are closed at once, by a reset.
local abrupt = setmetatable({}, { __mode = "k" })

---------------------------------------------------------------------------------------------------------------- faults

local AT_CONNECTION = { before_accept = true, after_accept = true }

-- What an answer says that is begun although the request is not, or not yet, carried out.
local BODIES = {
  no = '{"statusCode":422,"message":"The request was not carried out."}',
  late = '{"statusCode":504,"message":"The answer takes too long."}',
}
local STATUSES = { yes = 200, no = 422, late = 504 }
local LIE = '{"id":"ap0","calendarId":"k","contactId":"c","locationId":"l","title":"a lie","access_token":"a lie"}'

local function strike(lane, fault)
  fault.struck = (fault.struck or 0) + 1
  lane.struck = lane.struck + 1
end

--- The scripted fault of this connection or request, nil for none.
local function scripted(lane, when, class, number)
  for _, fault in ipairs(lane.faults) do
    local is_meant = not fault.struck and number == (fault.nth or 1)
    if is_meant and when == fault.when then return fault end
    if is_meant and not when and not AT_CONNECTION[fault.when] and fault.class == class then return fault end
  end
end

local function draw(lane)
  local random = lane.random
  if not random or math.random() >= random.rate then return nil end
  local drawn = random.faults[math.random(#random.faults)]
  return {
    when = drawn.when,
    what = drawn.what,
    applied = drawn.applied,
    lies = drawn.when == "mid_answer" and drawn.applied == "no" and math.random() < 0.5,
  }
end

--- The fault of connection number `number`.
local function connection_fault(lane, when, number)
  local next_fault = lane.next_fault
  if next_fault and next_fault.when == when then
    lane.next_fault = nil
    return next_fault
  end
  return scripted(lane, when, nil, number)
end

--- The fault of a request; and whether the connection shall end after it, so that the next one can have a fault.
local function request_fault(lane, class)
  local fault = scripted(lane, nil, class, lane.arrived[class])
  if fault then return fault end
  fault = draw(lane)
  if not fault or not AT_CONNECTION[fault.when] then return fault end
  lane.next_fault = fault
  return nil, true
end

-- RST instead of FIN: a lingering time of zero, which cqueues cannot set but LuaSocket can on the same descriptor. The
-- socket is closed as soon as its coroutine learns that the connection is over.
local function reset(conn)
  if conn.gone then return end
  local other = assert(luasocket.tcp4())
  other:close()
  other = assert(luasocket.tcp())
  other:setfd(conn.socket:pollfd())
  other:setoption("linger", { on = true, timeout = 0 })
  other:setfd(-1)
  abrupt[conn.socket] = true
  conn:give_up()
end

local function hang_up(conn)
  if not conn.gone then conn.socket:shutdown("w") end
end

local function say(conn, bytes) return conn.protocol.write(conn, bytes) end

--- Calls more() each second until it returns false, the client has gone or the deadline has passed. Returns whether the
-- connection may go on.
local function each_second(place, deadline, more)
  while true do
    local goes_on = place:wait_gone(math.min(deadline, monotime() + 1))
    if place.gone or monotime() >= deadline or not more() then return goes_on end
  end
end

-- Before any answer. `begin` is what the client sees, then the request may be carried out, then comes `finish`; the
-- connection ends after that, unless `finish` returns true. They get the connection and the exchange, or the
-- connection in the place of both where there is no request yet, and the status that is true.
local silent = {
  close = { begin = hang_up },
  reset = { finish = reset },
  stall = { finish = function(_, ex, deadline) return ex:wait_gone(deadline) end },
  truncate = {
    begin = function(conn, _, status)
      say(conn, conn.protocol.cut_head(status))
      hang_up(conn)
    end,
  },
  garbage = { begin = function(conn) say(conn, conn.protocol.garbage) end },
  drip = {
    begin = function(conn) say(conn, conn.protocol.greeting:sub(1, 1)) end,
    finish = function(conn, _, deadline) -- whoever drips a part of a frame has spoilt the connection
      local at = 1
      each_second(conn, deadline, function()
        at = at + 1
        return at <= #conn.protocol.greeting and say(conn, conn.protocol.greeting:sub(at, at))
      end)
    end,
  },
  goaway = { begin = function(_, ex) ex:goaway() end },
  refuse = { begin = function(_, ex) ex:refuse() end, finish = function() return true end },
  cancel = { begin = function(_, ex) ex:cancel() end, finish = function() return true end },
}

-- After the first half of an answer. Each returns whether the connection may go on.
local midway = {
  close = function(ex) hang_up(ex.conn) end,
  reset = function(ex) reset(ex.conn) end,
  stall = function(ex, deadline) return ex:wait_gone(deadline) end,
  truncate = function(ex) return ex:truncate() end,
  garbage = function(ex) return ex:spoil() end,
  drip = function(ex, deadline)
    return each_second(ex, deadline, function() return ex:drip() end)
  end,
}

------------------------------------------------------------------------------------------------------------- requests

--- Reads the body and enters the request into the ledger; false when the client left before.
local function receive(lane, ex, deadline)
  if ex.received then return true end
  ex.body = ex:read_body(deadline)
  if not ex.body then return false end
  ex.received = true
  lane.world:arrive(ex)
  return true
end

--- Counts what a coroutine does with a fault, for those who wait until all is quiet.
local function busily(lane, work, ...)
  lane.pending = lane.pending + 1
  -- stylua: ignore
  local done <close> = setmetatable({}, { __close = function() -- luacheck: ignore 211
    lane.pending = lane.pending - 1
    changed:signal()
  end })
  return work(lane, ...)
end

local function carry_out_late(lane, ex)
  sleep(lane.late)
  lane.world:handle(ex)
end

--- Carries a request out, or not, or later. Returns status and body of an honest answer.
local function carry_out(lane, ex, applied)
  if applied == "yes" then return lane.world:handle(ex) end
  if applied == "late" then loop:wrap(busily, lane, carry_out_late, ex) end
  return STATUSES[applied], BODIES[applied]
end

local function receive_and_carry_out(lane, ex, fault, deadline)
  if receive(lane, ex, deadline) then carry_out(lane, ex, fault.applied) end
end

local function play_midway(lane, ex, fault, deadline)
  local status, body = carry_out(lane, ex, fault.applied)
  if fault.lies then
    status, body = 200, LIE
  end
  return ex:begin(status, body, lane.headers, fault.what) and midway[fault.what](ex, deadline)
end

--- Plays a fault of a request; returns whether the connection may go on.
local function play(lane, ex, fault)
  local conn, deadline, how = ex.conn, monotime() + lane.patience, silent[fault.what]
  if fault.when ~= "after_headers" and not receive(lane, ex, deadline) then return false end
  strike(lane, fault)
  if fault.when == "mid_answer" then return play_midway(lane, ex, fault, deadline) end
  if fault.when == "after_apply" then carry_out(lane, ex, fault.applied) end
  if how.begin then how.begin(conn, ex, STATUSES[fault.applied]) end
  if fault.when ~= "after_apply" and (fault.what ~= "reset" or fault.applied ~= "no") then
    receive_and_carry_out(lane, ex, fault, deadline)
  end
  return how.finish and how.finish(conn, ex, deadline)
end

local function arrive(lane, ex)
  world.classify(ex)
  lane.arrived[ex.class] = lane.arrived[ex.class] + 1
end

local ASKED = {
  json = function(status)
    local body = '{"statusCode":%d,"message":"told so","id":"i","event":{"id":"i"},"succeeded":true}'
    return "application/json", body:format(status)
  end,
  html = function() return "text/html", "<html><body>Whatever</body></html>" end,
  empty = function() return "application/json", "" end,
}

local function answer_as_asked(lane, ex)
  local status, kind = ex.head:match("\r\nX%-Answer: (%d+) (%a+)")
  return receive(lane, ex, monotime() + IDLE) and ex:pretend(tonumber(status), ASKED[kind](tonumber(status)))
end

--- Serves one request; returns whether the connection may go on.
local function serve(lane, ex)
  arrive(lane, ex)
  if lane.asked then return answer_as_asked(lane, ex) end
  local fault, last = request_fault(lane, ex.class)
  if fault then return busily(lane, play, ex, fault) end
  if not receive(lane, ex, monotime() + IDLE) then return false end
  local status, body = lane.world:handle(ex)
  return ex:answer(status, body, lane.headers, last)
end

---------------------------------------------------------------------------------------------------------- connections

--- Carries out a request that comes on a connection on which nothing will be answered.
local function serve_unanswered(lane, conn, fault, deadline)
  local ex = conn.protocol.next(conn, deadline)
  if not ex then return end
  arrive(lane, ex)
  receive_and_carry_out(lane, ex, fault, deadline)
end

--- Plays a fault of a connection, on which a request may come all the same.
local function play_connection(lane, conn, fault)
  local deadline, how = monotime() + lane.patience, silent[fault.what]
  strike(lane, fault)
  conn.mute = true
  if how.begin then how.begin(conn, conn, STATUSES[fault.applied]) end
  if fault.applied ~= "no" then serve_unanswered(lane, conn, fault, deadline) end
  if how.finish then how.finish(conn, conn, deadline) end
end

local function serve_all(lane, conn)
  while true do
    local ex = conn.protocol.next(conn, monotime() + IDLE)
    if not ex then return end
    if conn.protocol == http1 then
      if not serve(lane, ex) then return end
    else
      loop:wrap(function()
        if not serve(lane, ex) then hang_up(conn) end
      end)
    end
  end
end

--- The connection after the handshake; nil when there was none.
local function shake_hands(lane, sock)
  if not lane.tls then return http1.connection(sock) end
  if not sock:starttls(tls_context, HANDSHAKE) then return nil end
  local protocol = sock:checktls():getAlpnSelected() == "h2" and http2 or http1
  return protocol.connection(sock, loop)
end

--- What a connection goes through.
local function serve_connection(lane, sock, number)
  local fault = connection_fault(lane, "before_accept", number)
  local raw = http1.connection(sock)
  if fault and fault.what ~= "stall" then
    busily(lane, play_connection, raw, fault)
    return raw
  end
  if fault then -- nobody looks at the connection, as if it had not been accepted
    strike(lane, fault)
    busily(lane, function() lane.ending:wait(lane.patience) end)
    if fault.applied == "no" then return raw end
  end
  local conn = shake_hands(lane, sock)
  if not conn then return nil end
  if fault then -- the client has gone long ago, but what it sent is here
    busily(lane, serve_unanswered, conn, fault, monotime() + lane.patience)
    return conn
  end
  fault = connection_fault(lane, "after_accept", number)
  if fault then
    busily(lane, play_connection, conn, fault)
  else
    conn.protocol.greet(conn)
    serve_all(lane, conn)
  end
  return conn
end

local function open_connection(lane, sock, number)
  -- Whatever goes wrong on a connection is returned, not raised: the client may do what it likes.
  sock:onerror(function(_, _, code) return code end)
  sock:setmode("bn", "bn")
  lane.sockets[sock] = true
  local conn = serve_connection(lane, sock, number)
  if conn and not abrupt[sock] then
    hang_up(conn)
    conn:wait_gone(monotime() + LINGER) -- closed with bytes unread, it would be reset
  end
  if conn then conn:give_up() end
  lane.sockets[sock] = nil
  sock:close()
end

local function accept_all(lane)
  local somebody_waits = { pollfd = lane.listener:pollfd(), events = "r" }
  while lane.open do
    poll(somebody_waits, lane.ending)
    local sock = lane.open and lane.listener:accept(0)
    if sock then
      lane.connections = lane.connections + 1
      loop:wrap(open_connection, lane, sock, lane.connections)
    end
  end
  lane.listener:close()
end

------------------------------------------------------------------------------------------------------------- control

local function listen()
  local listener = assert(socket.listen { host = "127.0.0.1", port = 0 })
  assert(listener:listen())
  local _, _, port = listener:localname()
  return listener, port
end

local function open_lane(given)
  local lane = {
    tls = given.tls,
    faults = given.faults or {},
    late = given.late or 0.3,
    patience = given.patience or 1.5,
    headers = given.headers,
    asked = given.asked,
    world = world.new(given),
    arrived = { safe = 0, idempotent = 0, once = 0, token = 0, ["?"] = 0 },
    connections = 0,
    struck = 0,
    pending = 0,
    sockets = {},
    open = true,
    ending = condition.new(),
  }
  if given.random then
    math.randomseed(given.random.seed)
    lane.random = { rate = given.random.rate, faults = matrix.all(given.tls) }
  end
  local port
  lane.listener, port = listen()
  lanes[#lanes + 1] = lane
  loop:wrap(accept_all, lane)
  return { lane = #lanes, port = port }
end

local function ledger_of(lane)
  local struck = {}
  for position, fault in ipairs(lane.faults) do
    struck[position] = fault.struck or 0
  end
  local ledger = lane.world:ledger()
  ledger.faults, ledger.struck, ledger.arrived, ledger.connections = struck, lane.struck, lane.arrived, lane.connections
  return ledger
end

local function is_quiet(numbers)
  for _, number in ipairs(numbers) do
    if lanes[number].pending > 0 then return false end
  end
  return true
end

-- Each takes a list of lanes, or what to open, and returns a list.
local commands = {
  open = function(list)
    local opened = {}
    for position, given in ipairs(list) do
      opened[position] = open_lane(given)
    end
    return opened
  end,

  --- Waits until no fault is being played and nothing is to be carried out any more; false when that takes too long.
  settle = function(what)
    local deadline = monotime() + what.seconds
    while not is_quiet(what.lanes) do
      local left = deadline - monotime()
      if left <= 0 then return false end
      changed:wait(left)
    end
    return true
  end,

  ledger = function(numbers)
    local ledgers = {}
    for position, number in ipairs(numbers) do
      ledgers[position] = ledger_of(lanes[number])
    end
    return ledgers
  end,

  --- What became of a page of contacts: how many creates came, how many were carried out, what is booked now.
  contacts = function(what)
    local found = {}
    for position, contact in ipairs(what.contacts) do
      found[position] = lanes[what.lane].world:contact(contact)
    end
    return found
  end,

  close = function(numbers)
    for _, number in ipairs(numbers) do
      local lane = lanes[number]
      lanes[number] = false
      lane.open = false
      lane.ending:signal()
      for sock in pairs(lane.sockets) do
        sock:shutdown("rw")
      end
    end
  end,
}

local function main(file_name)
  local authority
  tls_context, authority = require("hoopai.sandbox.server.certificate").new()
  local listener, control_port = listen()
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
  assert(file:write(control_port, "\n", authority))
  assert(file:close())
  while true do
    local ok, problem = loop:loop()
    if not ok then io.stderr:write("fault server: ", tostring(problem), "\n") end
  end
end

main(...)
