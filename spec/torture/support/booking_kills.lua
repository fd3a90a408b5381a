--- Kills programs that book with a reference of their own, at every point between the first byte of the create and the
-- end of its response, and runs them again.
--
-- This process is the server, so it knows what has arrived, what was carried out and what was answered when the program
-- dies. The programs are children, which end by SIGKILL.

local core = require "hoopai.core"
local hoopai = require "hoopai"
local process = require "spec.support.process"
local socket = require "socket"
local world = require "spec.support.fault.world"

local now = core.now

local kills = {}

local PATIENCE = 60 -- seconds for one program
local FIRST_SLOT = 1767571200000 -- 2026-01-05T00:00:00Z
local HALF_HOUR = 30 * 60 * 1000

local function slot_text(number) return hoopai.time.from_ms(FIRST_SLOT + number * HALF_HOUR):iso("UTC") end

-- The server

local Server = {}
Server.__index = Server

local function new_server()
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:settimeout(0)
  return setmetatable({ listener = listener, url = "http://127.0.0.1:" .. port, world = world.new {} }, Server)
end

--- The request at the beginning of a buffer: nil until its head is whole.
local function parse(buffer)
  local _, last = buffer:find("\r\n\r\n", 1, true)
  local method, target = buffer:match("^(%u+) (%S+) HTTP/1%.1\r\n")
  if not last or not method then return nil end
  local head = buffer:sub(1, last)
  local length = tonumber(head:match "\r\n[Cc]ontent%-[Ll]ength: (%d+)") or 0
  local request = { method = method, target = target, head_length = last, length = length }
  request.body = buffer:sub(last + 1, last + length)
  request.is_whole = #request.body == length
  world.classify(request)
  return request
end

local function response_text(status, body)
  return ("HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"):format(
    status,
    #body,
    body
  )
end

function Server:carry_out(request)
  self.world:arrive(request)
  return response_text(self.world:handle(request))
end

-- What a kill does to the program that sends the create. `point` is { at, share }:
--
--   "request"    so much of the create was read when the program is killed; the rest, if it comes, is read after that
--   "read"       all of it was read, nothing was done: it is carried out after the kill
--   "refused"    the same, and it is not carried out
--   "applied"    it was carried out, no byte of the response was sent
--   "response"   and so much of the response was sent
--   "late"       all of it was read; it is carried out when `carry_out_late` is called

--- Serves one whole request; returns whether the program was killed.
function Server:serve(conn, request, point, kill)
  if request.action == "create" and self.late and self.late_before_create then self:carry_out_late() end
  if request.action ~= "create" or not point then
    conn.socket:send(self:carry_out(request))
    return false
  end
  if point.at == "request" or point.at == "read" then
    kill()
    self:carry_out(request)
  elseif point.at == "refused" or point.at == "late" then
    kill()
    self.late = point.at == "late" and request or nil
  else
    local response = self:carry_out(request)
    -- The last byte is never sent: with it the program could end before it is killed.
    local sent = point.at == "response" and math.ceil(point.share * (#response - 1)) or 0
    if sent > 0 then conn.socket:send(response:sub(1, sent)) end
    kill()
  end
  return true
end

function Server:carry_out_late()
  self:carry_out(self.late)
  self.late = nil
end

--- Reads what has come on a connection; kills the program in the middle of a create if the point says so.
-- @treturn boolean whether the connection goes on
function Server:read(conn, point, kill)
  local bytes, why, part = conn.socket:receive(65536)
  conn.buffer = conn.buffer .. (bytes or part or "")
  local request = parse(conn.buffer)
  if point and point.at == "request" and not self.killed then
    local is_create = request and request.action == "create" or not request and conn.buffer:find "^POST "
    local whole = request and request.head_length + request.length or 2048
    if is_create and #conn.buffer >= point.share * whole then
      kill()
      self.killed = true
    end
  end
  if request and request.is_whole then
    conn.buffer = conn.buffer:sub(request.head_length + request.length + 1)
    if self.killed then
      self:carry_out(request)
    else
      self.killed = self:serve(conn, request, point, kill)
    end
  end
  return why ~= "closed"
end

--- Serves until nothing is left of the program: it has ended, and its connections too.
-- @tparam integer pid
-- @tparam ?table point where to kill it
-- @treturn string how it ended: "exit" or "signal"
function Server:serve_program(pid, point, output)
  local conns, deadline, how = {}, now() + PATIENCE, nil
  self.killed = false
  local function kill()
    process.kill(pid)
    how = process.wait(pid)
  end
  repeat
    if now() > deadline then
      process.kill(pid)
      error("a program does not end")
    end
    local waiting = { self.listener }
    for _, conn in ipairs(conns) do
      waiting[#waiting + 1] = conn.socket
    end
    local ready = socket.select(waiting, nil, how and 0 or 0.02)
    if ready[self.listener] then
      local peer = self.listener:accept()
      if peer then
        peer:settimeout(0)
        conns[#conns + 1] = { socket = peer, buffer = "" }
      end
    end
    for index = #conns, 1, -1 do
      local conn = conns[index]
      if ready[conn.socket] and not self:read(conn, point, kill) then
        conn.socket:close()
        table.remove(conns, index)
      end
    end
    if not how and output.is_over() then how = process.wait(pid) end
  until how and #conns == 0 and not self:has_more()
  return how
end

--- Whether a program that has died left a connection that was not accepted yet.
function Server:has_more() return socket.select({ self.listener }, nil, 0)[self.listener] ~= nil end

-- The program

local function book(url, given, is_task)
  local client <close> = hoopai.new { base_url = url, token = "t", location_id = "l", timeout = 20, rate_limit = false }
  local function run()
    local booked, response = client.appointments:book(given)
    if booked then return ("%s %s %s"):format(booked.id, response.slot, response.existing and "existing" or "new") end
    return ("%s %s"):format(response.kind, response.applied)
  end
  if is_task then return hoopai.run(run) end
  return run()
end

--- Starts a program that books, writes what came of it into a pipe, and ends.
-- @treturn integer its process id
-- @treturn table `is_over()`: whether it has ended, `text()`
local function start(url, given, is_task)
  local from, to = process.pipe()
  local pid = process.fork()
  if pid == 0 then
    local _, text = pcall(book, url, given, is_task)
    process.write(to, tostring(text))
    process.exit(0)
  end
  process.close(to)
  local holder = assert(socket.tcp())
  holder:setfd(from)
  local output = {}
  -- The pipe is readable when there is a text, or when the program has died.
  function output.is_over() return socket.select({ holder }, nil, 0)[holder] ~= nil end
  function output.text()
    local text = process.read(from)
    holder:setfd(-1)
    process.close(from)
    return text
  end
  return pid, output
end

--- Runs a program; kills it at the point.
-- @treturn string what it said: "" if it was killed
-- @treturn string how it ended
local function run_program(server, given, is_task, point)
  local pid, output = start(server.url, given, is_task)
  local how = server:serve_program(pid, point, output)
  return output.text(), how
end

-- The cases

--- The point of kill number `number` of `count`: each kind of point in turn, at shares that cover the whole.
local function point_of(number, count)
  local kinds = { "request", "response", "applied", "response", "read", "response", "request", "refused" }
  local share = ((number - 1) // #kinds + 1) / (count // #kinds + 1)
  return { at = kinds[(number - 1) % #kinds + 1], share = share }
end

--- What is booked: a slot or the first of a window, in a calendar of its own, by a call that blocks or in a task; some
-- with a body that is larger than what the kernel holds for a socket, so that it is sent in parts.
local function given_for(number)
  local given = {
    calendarId = "k" .. number,
    contactId = "contact " .. number,
    reference = ("order-%06d"):format(number),
    title = "killed",
    reconcile_timeout = 5,
  }
  if number % 2 == 0 then
    given.startTime = slot_text(number)
  else
    given.from, given.to = slot_text(number), slot_text(number + 8)
  end
  if number % 8 == 1 and number % 3 ~= 0 then
    for _, name in ipairs { "title", "address", "description" } do
      given[name] = ("x"):rep(1000000)
    end
  end
  return given, number % 4 < 2
end

local Figures = {}
Figures.__index = Figures

function Figures:check(ok, text, ...)
  if ok then return end
  self.wrong = self.wrong + 1
  if #self.problems < 20 then self.problems[#self.problems + 1] = text:format(...) end
end

--- Kills a program, runs it again, and once more.
local function try(figures, server, number, count)
  local point = point_of(number, count)
  local given, is_task = given_for(number)
  local name = ("%d, at %s %.2f"):format(number, point.at, point.share)
  local said, how = run_program(server, given, is_task, point)
  figures:check(how == "signal" and said == "", "%s: not killed: %s %s", name, how, said)
  local before = server.world:contact(given.contactId).created
  figures[before == 1 and "applied" or "unapplied"] = figures[before == 1 and "applied" or "unapplied"] + 1
  figures.points[point.at] = (figures.points[point.at] or 0) + 1
  for run = 1, 2 do
    said, how = run_program(server, given, is_task)
    local truth = server.world:contact(given.contactId)
    local booked = truth.booked[1] or {}
    local wanted = (before == 1 or run == 2) and "existing" or "new"
    local id, _, found = said:match "^(%S+) (%S+) (%S+)$"
    figures:check(how == "exit" and id == booked.id and found == wanted, "%s: run %d said %q", name, run + 1, said)
    figures:check(truth.created == 1, "%s: %d bookings after run %d", name, truth.created, run + 1)
    if truth.created > 1 then figures.duplicates = figures.duplicates + 1 end
  end
end

--- Kills programs and runs each again two times.
-- @tparam integer count of kills
-- @treturn table figures: `kills`, `points` (name -> how many), `applied` and `unapplied` (whether the create was
-- carried out before the second run), `duplicates`, `wrong`, `problems`, `seconds`
function kills.run(count)
  local server, began = new_server(), now()
  local figures = setmetatable({
    kills = count,
    points = {},
    applied = 0,
    unapplied = 0,
    duplicates = 0,
    wrong = 0,
    problems = {},
  }, Figures)
  for number = 1, count do
    try(figures, server, number, count)
  end
  server.listener:close()
  figures.seconds = now() - began
  return figures
end

--- Kills a program of which the server carries out the create late.
-- @tparam string calendar "k..." has one seat in a slot, "class..." several
-- @tparam string moment of the second run: "before" it (the pause was long enough), "during" it (between its look and
-- its create), "after" it
-- @treturn table `bookings`, `second` and `third` (what these runs said)
function kills.late(calendar, moment)
  local server = new_server()
  local given = given_for(2)
  given.calendarId = calendar
  run_program(server, given, false, { at = "late" })
  if moment == "before" then server:carry_out_late() end
  server.late_before_create = moment == "during"
  local second = run_program(server, given, false)
  if moment == "after" then server:carry_out_late() end
  local third = run_program(server, given, false)
  server.listener:close()
  return { bookings = server.world:contact(given.contactId).created, second = second, third = third }
end

return kills
