--- Sends the webhooks of a sandbox, each in a coroutine of the server's loop: a receiver that does not respond holds up
-- neither the sandbox nor, as long as there are not many, other webhooks.
-- @module hoopai.sandbox.server.deliveries

local core = require "hoopai.core"

local pcall, require, tonumber, tostring = pcall, require, tonumber, tostring
local io, ipairs = io, ipairs

local deliveries = {}

local MOST_AT_A_TIME = 64 -- connections
local HELD_SECONDS = 2

-- Sends a request. Returns the status, or nil and the problem.
local function post(url, sent, seconds)
  local request = require("http.request").new_from_uri(url)
  -- Neither what the environment says nor what former responses said decides where a webhook goes.
  request.proxies, request.hsts, request.cookie_store, request.follow_redirects = false, false, false, false
  request.headers:upsert(":method", "POST")
  request.headers:upsert("user-agent", "hoopai-sandbox")
  request.headers:append("content-type", "application/json")
  for _, header in ipairs(sent.headers) do
    request.headers:append(header[1], header[2])
  end
  request:set_body(sent.body)
  request.headers:delete "expect"
  local headers, stream = request:go(seconds)
  if not headers then return nil, tostring(stream) end
  local status = tonumber((headers:get ":status"))
  stream:shutdown()
  return status
end

-- Delivers a webhook once, and notes the outcome. Returns whether it was taken.
local function deliver(outbox, pool, entry, sent)
  local cqueues = require "cqueues"
  while pool.count >= MOST_AT_A_TIME do
    pool.changed:wait()
  end
  pool.count = pool.count + 1
  local settings, at = outbox.settings, core.wall_ms()
  local url = settings.url
  local ok, status, problem = true, nil, "there is no address any more"
  local begun = cqueues.monotime()
  if url then
    ok, status, problem = pcall(post, url, sent, settings.timeout_ms / 1000)
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
local function deliver_all(outbox, pool, entry, is_resent)
  local sleep = require("cqueues").sleep
  local sent, generation = outbox.sent[entry], outbox.generation
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
    controller:wrap(function()
      local ok, problem = pcall(deliver_all, outbox, pool, entry, is_resent)
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
