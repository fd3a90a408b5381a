--- Sequences of calls into the library: each byte is a step, steps take the bytes behind them as arguments. The first
-- byte says whether they are those of the core's objects or of clients and tasks.

local collector = require "spec.support.collector"
local core = require "hoopai.core"
local hoopai = require "hoopai"
local oracle = require "spec.fuzz.oracle"
local peer = require "spec.fuzz.peer"
local send = require "spec.support.send"

local MOST_STEPS = 100

local answers = {
  'HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{"calendar":{"id":"c"}}  ',
  "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\n{}",
  "HTTP/1.1 500 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
  "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "garbage\r\n",
  "",
}

--- What a sequence works with: objects of each kind, the connections that came, and the bytes not read yet.
local function new_world(bytes)
  local world = { at = 1, connections = {}, multis = {}, transfers = {}, secrets = {}, clients = {}, tasks = {} }
  function world.byte()
    world.at = world.at + 1
    return bytes:byte(world.at) or 0
  end
  function world.pick(list) return list[world.byte() % math.max(#list, 1) + 1] end
  return world
end

local function add(list, object)
  if object ~= nil then list[#list + 1] = object end
end

local function drop(world, list)
  if #list > 0 then table.remove(list, world.byte() % #list + 1) end
end

local shared = { -- steps of both kinds
  function(world) add(world.connections, peer.accept()) end,
  function(world)
    local connection = world.pick(world.connections)
    if connection then connection:send(world.pick(answers)) end
  end,
  function(world)
    local connection = world.pick(world.connections)
    if connection then connection:close() end
  end,
  function() collectgarbage() end,
  function() -- the next request for memory, wherever it is, runs a whole cycle of the collector, finalisers included
    collector.pace(1000, 400, 30)
    collectgarbage("stop")
    collectgarbage("restart")
  end,
  function(world) collectgarbage(world.byte() % 2 == 0 and "incremental" or "generational") end,
}

local transfer_methods = { "state", "result", "sent", "stage", "started", "body", "headers", "info", "close" }
-- Each is called after its key.
local more_methods = { started = "await", body = "response", headers = "head", info = "rate_limit" }
local multi_methods = { "step", "step", "step", "next", "timeout", "pollfd", "count", "close" }

local core_steps = {
  function(world) add(world.multis, core.multi { max_connections = world.byte() % 3 + 1 }) end,
  function(world)
    local multi = world.pick(world.multis)
    if not multi then return end
    local flags = world.byte()
    local request = {
      method = flags & 1 == 0 and "GET" or "POST",
      url = peer.url .. "/",
      at_most_once = flags & 2 ~= 0,
      token = flags & 4 ~= 0 and world.secrets[1] or nil,
      body = flags & 8 ~= 0 and ("b"):rep(flags * 100) or nil,
      timeout = flags & 16 ~= 0 and 0 or 5,
      secret_response = flags & 32 ~= 0,
      form = flags & 64 == 0 and flags & 8 ~= 0 and { "name", ("f"):rep(flags) } or nil,
    }
    add(world.transfers, oracle.guarded(send, multi, request))
  end,
  function(world)
    local multi = world.pick(world.multis)
    if multi then oracle.guarded(multi[world.pick(multi_methods)], multi) end
  end,
  function(world)
    local multi = world.pick(world.multis)
    if multi then oracle.guarded(multi.wait, multi, 0) end
  end,
  function(world)
    local transfer = world.pick(world.transfers)
    if not transfer then return end
    local method = world.pick(transfer_methods)
    oracle.guarded(transfer[method], transfer)
    if more_methods[method] then oracle.guarded(transfer[more_methods[method]], transfer) end
  end,
  function(world)
    local transfer = world.pick(world.transfers)
    local record, problem
    if transfer then
      record, problem = oracle.guarded(core.read_token_response, transfer)
    end
    if record then
      assert(core.pack_credentials(record))
    elseif problem then
      assert(type(problem) == "string")
    end
  end,
  function(world) add(world.secrets, core.secret(oracle.TOKEN)) end,
  function(world)
    local secret = world.pick(world.secrets)
    if secret then secret:close() end
  end,
  function(world) drop(world, world.multis) end,
  function(world) drop(world, world.transfers) end,
  function(world) -- an object where another belongs
    local transfer = world.pick(world.transfers)
    if transfer then oracle.guarded(transfer.close, world.pick(world.multis)) end
  end,
}

local function token_function(world)
  local wait = world.byte() % 2 == 0
  return function()
    if wait then hoopai.sleep(0) end
    return oracle.TOKEN
  end
end

local calls = {
  function(client) return client.calendars:get("c") end,
  function(client) return client.calendars:update("c", { name = "n" }) end,
  function(client) return client.appointments:delete("a") end,
  function(client) return client:request { method = "POST", path = "/x", body = {} } end,
}

local function checked(call, client)
  local result, err = call(client)
  if result == nil then oracle.is_error(err) end
end

local client_steps = {
  function(world)
    local flags = world.byte()
    add(
      world.clients,
      hoopai.new {
        token = flags & 1 == 0 and oracle.TOKEN or token_function(world),
        base_url = peer.url,
        location_id = "l",
        max_connections = flags & 2 == 0 and 1 or nil,
        timeout = flags & 4 == 0 and 5 or 0.001,
        queue_timeout = flags & 8 ~= 0 and 0.001 or nil,
        retries = flags & 16 ~= 0 and 1 or false,
        rate_limit = flags & 32 ~= 0,
      }
    )
  end,
  function(world)
    local client, call = world.pick(world.clients), world.pick(calls)
    if client then add(world.tasks, hoopai.spawn(checked, call, client)) end
  end,
  function(world)
    local task = world.pick(world.tasks)
    if task then task:cancel() end
  end,
  function(world)
    local task = world.pick(world.tasks)
    if task then
      task:cancel()
      task:join()
    end
  end,
  function(world)
    local client = world.pick(world.clients)
    if client then client:close() end
  end,
  function(world)
    local client = world.pick(world.clients)
    if client then add(world.clients, oracle.guarded(client.with, client, { timeout = 1 + world.byte() })) end
  end,
  function() hoopai.sleep(0) end,
  function() hoopai.sleep(0.0005) end,
  function(world) drop(world, world.clients) end,
  function(world) -- in a coroutine that is not hoopai's
    local client = world.pick(world.clients)
    if not client then return end
    local foreign = coroutine.create(function() return client.calendars:get("c") end)
    local ok, problem = coroutine.resume(foreign)
    assert(not ok and type(problem) == "string" and problem:find("hoopai", 1, true), "a call that cannot wait")
    coroutine.close(foreign)
  end,
  function(world) -- a scope that is left by a raise
    local client = world.pick(world.clients)
    if not client then return end
    pcall(hoopai.run, function()
      hoopai.spawn(checked, calls[1], client)
      hoopai.sleep(0)
      error("out")
    end)
  end,
}

local function run(world, steps, count)
  local all = {}
  for _, step in ipairs(steps) do
    all[#all + 1] = step
  end
  for _, step in ipairs(shared) do
    all[#all + 1] = step
  end
  for _ = 1, count do
    if world.at >= world.last then break end
    world.pick(all)(world)
  end
end

return function(bytes)
  local world <close> = setmetatable(new_world(bytes), {
    __close = function(world)
      for _, client in ipairs(world.clients) do
        client:close()
      end
      peer.close()
    end,
  })
  world.last = #bytes
  if (bytes:byte(1) or 0) % 2 == 0 then
    run(world, core_steps, MOST_STEPS)
    for _, multi in ipairs(world.multis) do
      multi:close()
    end
    return
  end
  hoopai.run(function()
    run(world, client_steps, MOST_STEPS)
    for _, task in ipairs(world.tasks) do
      task:cancel()
    end
  end)
end
