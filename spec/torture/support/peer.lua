--- The server of the memory scenarios, a separate process: spec.torture.support.memory starts it.
--
--   lua5.4 spec/torture/support/peer.lua FILE
--
-- Writes its port into FILE, and ends when its standard input does. It has just the routes of the scenarios:
--
--   GET  .../slow        never responds;  GET .../limited   429
--   GET and POST         an appointment;   GET /calendars/events   the last of them, with what they were booked with
--   GET  .../free-slots  one slot
--   POST /oauth/token    exchanges "refresh-FAMILY-GENERATION" for the next generation of both tokens, each once: a
--                        token that was used gives 400 invalid_grant and counts as a reuse of its family. The code
--                        "code-FAMILY" gives the first generation
--   GET  /torture/FAMILY { generation, reuses, bookings } of a family, which is created by its first use;
--   PUT                  the access token of its generation is refused from now on
--
-- A call with the token "access-FAMILY-GENERATION" of another generation than the family's gives 401. Bookings are
-- counted by their title.

local socket = require "socket"

local families = {}

local function family_of(name)
  if not families[name] then families[name] = { generation = 1, reuses = 0, bookings = 0 } end
  return families[name]
end

local appointment = '{"id":"a1","calendarId":"c1","locationId":"l1","contactId":"p1","appointmentStatus":"confirmed",'
  .. '"startTime":"2026-01-05T10:00:00-05:00","title":"Check-up \\u00e9","count":3,"rate":0.5,"empty":null}'

local booked = {} -- events as JSON, the last ones

local function book(text)
  local title, description = text:match '"title":"(%w+)"', text:match '"description":("[^"]*")'
  if not title then return end
  local family = family_of(title)
  family.bookings = family.bookings + 1
  booked[#booked + 1] = (
    '{"id":"b%d","calendarId":"c1","contactId":"p1","startTime":"2026-01-05T10:00:00-05:00",'
    .. '"appointmentStatus":"confirmed","description":%s}'
  ):format(family.bookings, description or '""')
  if #booked > 20 then table.remove(booked, 1) end
end

local function tokens(name, generation)
  return (
    '{"access_token":"access-%s-%d","refresh_token":"refresh-%s-%d","expires_in":86400,"userType":"Location",'
    .. '"locationId":"l1","companyId":"k1","scope":"calendars.readonly","token_type":"Bearer"}'
  ):format(name, generation, name, generation)
end

local function is_authorized(request)
  local name, generation = request.head:match "\r\nAuthorization: Bearer access%-(%w+)%-(%d+)\r\n"
  if not name then return true end
  local family = family_of(name)
  return family.generation == tonumber(generation) and family.refused ~= family.generation
end

local function exchange(request)
  local code = request.body:match "code=code%-(%w+)"
  if code then return 200, tokens(code, family_of(code).generation) end
  local name, generation = request.body:match "refresh_token=refresh%-(%w+)%-(%d+)"
  local family = name and family_of(name)
  if not family or family.generation ~= tonumber(generation) then
    if family then family.reuses = family.reuses + 1 end
    return 400, '{"error":"invalid_grant","error_description":"Invalid refresh token"}'
  end
  family.generation = family.generation + 1
  return 200, tokens(name, family.generation)
end

local function answer(request)
  local path = request.path
  if path == "/oauth/token" then return exchange(request) end
  local name = path:match "^/torture/(%w+)$"
  if name then
    local family = family_of(name)
    if request.method == "PUT" then family.refused = family.generation end
    return 200,
      ('{"generation":%d,"reuses":%d,"bookings":%d}'):format(family.generation, family.reuses, family.bookings)
  end
  if path:find "/slow$" then return nil end
  if path:find "/limited$" then return 429, '{"message":"Too Many Requests"}' end
  if not is_authorized(request) then return 401, '{"message":"Invalid JWT"}' end
  if path == "/calendars/events" then return 200, '{"events":[' .. table.concat(booked, ",") .. "]}" end
  if path:find "/free%-slots$" then return 200, '{"2026-01-05":{"slots":["2026-01-05T10:00:00-05:00"]}}' end
  if request.method == "POST" then
    book(request.body)
    return 201, appointment
  end
  return 200, '{"event":' .. appointment .. "}"
end

local reasons = { [200] = "OK", [201] = "Created", [400] = "Bad Request", [401] = "Unauthorized", [429] = "Too Many" }

local function respond(status, body)
  return (
    "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nX-RateLimit-Max: 100\r\n"
    .. "X-RateLimit-Remaining: 50\r\nX-RateLimit-Interval-Milliseconds: 10\r\n\r\n%s"
  ):format(status, reasons[status], #body, body)
end

--- Takes a whole request off what was read.
local function next_request(text)
  local _, stop = text:find("\r\n\r\n", 1, true)
  if not stop then return nil, text end
  local head = text:sub(1, stop)
  local length = tonumber(head:match "\r\nContent%-Length: (%d+)") or 0
  if #text < stop + length then return nil, text end
  local method, path = head:match "^(%u+) ([^ ?]*)"
  return { method = method, path = path, head = head, body = text:sub(stop + 1, stop + length) },
    text:sub(stop + length + 1)
end

local listener = assert(socket.bind("127.0.0.1", 0, 1024))
local input = { getfd = function() return 0 end, dirty = function() return false end }
local watched, texts = { listener, input }, {}

local function forget(connection)
  connection:close()
  texts[connection] = nil
  for index, other in ipairs(watched) do
    if other == connection then
      table.remove(watched, index)
      break
    end
  end
end

local function serve(connection)
  local bytes, problem, partial = connection:receive(65536)
  texts[connection] = texts[connection] .. (bytes or partial or "")
  while true do
    local request
    request, texts[connection] = next_request(texts[connection])
    if not request then break end
    local status, body = answer(request)
    if status then connection:send(respond(status, body)) end
  end
  if problem == "closed" then forget(connection) end
end

local file = assert(io.open(arg[1], "w"))
local _, port = listener:getsockname()
file:write(port, "\n"):close()
listener:settimeout(0)
while true do
  for _, ready in ipairs((socket.select(watched))) do
    if ready == input then os.exit(0, false) end
    if ready == listener then
      local connection = listener:accept()
      if connection then
        connection:settimeout(0)
        connection:setoption("tcp-nodelay", true)
        texts[connection] = ""
        watched[#watched + 1] = connection
      end
    elseif texts[ready] then
      serve(ready)
    end
  end
end
