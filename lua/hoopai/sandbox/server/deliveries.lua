--- Sends the webhooks of a sandbox, each in a coroutine of the server's loop: a receiver that does not respond holds up
-- neither the sandbox nor, as long as there are not many, other webhooks.
-- @module hoopai.sandbox.server.deliveries

local core = require "hoopai.core"

local settings = require "hoopai.sandbox.webhooks.settings"

local format, match = string.format, string.match
local io, ipairs, pcall, require, tonumber, tostring = io, ipairs, pcall, require, tonumber, tostring
local concat = table.concat

local deliveries = {}

local MOST_AT_A_TIME = 64 -- connections
local HELD_SECONDS = 2
local MOST_LINE = 8192 -- bytes of a line of a response

-- The text of a request.
local function request_of(place, sent)
  local lines = { format("POST %s HTTP/1.1", place.target), "Host: " .. place.authority }
  for _, header in ipairs(sent.headers) do
    lines[#lines + 1] = header[1] .. ": " .. header[2]
  end
  lines[#lines + 1] = "Content-Type: application/json"
  lines[#lines + 1] = "User-Agent: hoopai-sandbox"
  lines[#lines + 1] = "Content-Length: " .. #sent.body
  lines[#lines + 1] = "Connection: close\r\n\r\n"
  return concat(lines, "\r\n") .. sent.body
end

-- Sends the request and reads the status, and nothing behind it.
local function exchange(socket, text, deadline)
  local monotime = require("cqueues").monotime
  local ok, problem = socket:xwrite(text, "n", deadline - monotime())
  if not ok then return nil, problem end
  while true do
    local line, why = socket:xread("*L", deadline - monotime())
    if not line then return nil, why or "the connection was closed without a response" end
    local status = tonumber(match(line, "^HTTP/1%.[01] (%d%d%d)%f[%D]"))
    if not status then return nil, "the response is not one of HTTP/1.1" end
    if status >= 200 then return status end
    repeat -- the headers of a provisional response
      line, why = socket:xread("*L", deadline - monotime())
    until not line or match(line, "^\r?\n$")
    if not line then return nil, why or "the connection was closed without a response" end
  end
end

-- Sends a request. Returns the status, or nil and the problem. lua-http connects, and no more: its streams wait without
-- end for the rest of a response that was cut off, and that would stop the loop.
local function post(url, sent, seconds)
  local place, deadline = settings.place(url), require("cqueues").monotime() + seconds
  local connection, unconnected = require("http.client").connect({
    host = place.host,
    port = place.port,
    tls = place.is_tls,
    version = 1.1,
  }, seconds)
  if not connection then return nil, unconnected end
  local socket = connection:take_socket()
  socket:onerror(function(_, _, code) return require("cqueues.errno").strerror(code) end)
  socket:setmaxline(MOST_LINE)
  local status, problem = exchange(socket, request_of(place, sent), deadline)
  socket:close()
  return status, problem
end

-- Delivers a webhook once, and notes the outcome. Returns whether it was taken.
local function deliver(outbox, pool, entry, sent)
  local cqueues = require "cqueues"
  while pool.count >= MOST_AT_A_TIME do
    pool.changed:wait()
  end
  pool.count = pool.count + 1
  local at, url = core.wall_ms(), outbox.settings.url
  local ok, status, problem = true, nil, "there is no address any more"
  local begun = cqueues.monotime()
  if url then
    ok, status, problem = pcall(post, url, sent, outbox.settings.timeout_ms / 1000)
  end
  if not ok then
    status, problem = nil, tostring(status)
  end
  entry.deliveries[#entry.deliveries + 1] = {
    at = at,
    status = status,
    error = not status and problem or nil,
    elapsed_ms = (cqueues.monotime() - begun) * 1000 // 1 | 0,
  }
  pool.count = pool.count - 1
  pool.changed:signal()
  return status ~= nil and status >= 200 and status < 300
end

-- Delivers a webhook until it is taken, or was retried often enough.
local function deliver_all(outbox, pool, entry, sent, generation, is_resent)
  local sleep = require("cqueues").sleep
  local function is_over() return outbox.generation ~= generation end
  if not is_resent and sent.delay_ms > 0 then sleep(sent.delay_ms / 1000) end
  -- The order on request is that of the first deliveries.
  local previous = sent.previous
  while previous and previous.state ~= "dropped" and #previous.deliveries == 0 and not is_over() do
    pool.changed:wait()
  end
  local is_taken, retries = false, is_resent and 0 or outbox.settings.retries
  for number = 0, retries do
    if number > 0 then sleep(outbox:pause(number)) end
    if is_over() then return end
    is_taken = deliver(outbox, pool, entry, sent)
    if is_taken or is_over() then break end
  end
  for _ = 1, is_taken and not is_resent and sent.repeats or 0 do
    if is_over() then return end
    deliver(outbox, pool, entry, sent)
  end
  if not is_over() then outbox:finish(entry, is_taken and "delivered" or "failed") end
end

--- Lets an outbox send through the loop of a server.
-- @tparam table outbox see `hoopai.sandbox.webhooks`
-- @tparam table controller of cqueues
function deliveries.attach(outbox, controller)
  local pool = { count = 0, changed = require("cqueues.condition").new() }
  function outbox.deliver(entry, is_resent)
    local sent, generation = outbox.sent[entry], outbox.generation -- now: a reset may come before the coroutine runs
    controller:wrap(function()
      local ok, problem = pcall(deliver_all, outbox, pool, entry, sent, generation, is_resent)
      if not ok then io.stderr:write("hoopai.sandbox: ", tostring(problem), "\n") end
    end)
  end
  function outbox.flush_later()
    local generation = outbox.generation
    controller:wrap(function()
      require("cqueues").sleep(HELD_SECONDS)
      if outbox.generation == generation then outbox:flush() end
    end)
  end
end

return deliveries
