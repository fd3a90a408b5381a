--- One end of a program in one state of a call; run by spec/behaviour/lifecycle_spec.lua in spec/support/core_host.c.
--
--   core_host lifecycle.lua EVENT STATE SERVER SILENT DEAF
--
-- SERVER is the URL of the recorder, SILENT that of a port where connecting takes for ever, DEAF that of one where
-- connections are made and nothing is ever read. Prints "ok" when all was as it must be.

-- luacheck: globals host
local event, state, server_url, silent_url, deaf_url = ...
local host = host -- luacheck: globals host

local core = require "hoopai.core"
local hoopai = require "hoopai"

warn "@off" -- as Lua 5.4 begins; Lua 5.5 shows warnings

local PATIENCE = 10 -- seconds until a state must have been reached

-- Every transfer that is made, by the methods of all sets.
local transfers, noted = {}, false
local new_multi = core.multi
function core.multi(options)
  local multi = new_multi(options)
  local methods = debug.getmetatable(multi).__index
  for _, name in ipairs(noted and {} or { "add", "send" }) do
    local make = methods[name]
    methods[name] = function(...)
      local transfer = make(...)
      transfers[#transfers + 1] = transfer
      return transfer
    end
  end
  noted = true
  return multi
end

local function is_running(index, sent)
  local transfer = transfers[index]
  return transfer and transfer:state() == "running" and transfer:sent() == sent
end

local told = {}

local function new_client(url, options)
  options = options or {}
  options.base_url, options.location_id = url, "l1"
  if not options.oauth then options.token = "token" end
  options.timeout = 100
  options.on = {
    retry = function() told.retry = true end,
    wait = function() told.wait = true end,
  }
  return hoopai.new(options)
end

local function get(client, id)
  return function() return client.appointments:get(id) end
end

--- A client whose token has to be exchanged first.
local function over(store)
  local record = core.credentials {
    access_token = core.secret "access-1",
    refresh_token = core.secret "refresh-1",
    generation = 1,
    obtained_at = core.wall_ms() // 1000 - 100000,
    expires_in = 86400,
    location_id = "l1",
    user_type = "Location",
  }
  assert(hoopai.store.behind(store):write("client-1/location/l1", record, 0))
  local app = hoopai.oauth { client_id = "client-1", client_secret = "secret", store = store, base_url = server_url }
  return new_client(server_url, { oauth = app })
end

local asked = 0

local function locked_store()
  local kept
  return {
    get = function() return kept end,
    put = function(_, text)
      kept = text
      return true
    end,
    lock = function() asked = asked + 1 end,
  }
end

-- Each returns what the task does, and whether the state is reached.
local states = {
  queued = function()
    local client = new_client(deaf_url, { max_connections = 1 })
    return function()
      local first = hoopai.spawn(get(client, "first"))
      local guard <close> = setmetatable({}, { __close = function() first:cancel() end }) -- luacheck: ignore 211
      hoopai.sleep(0.01)
      return client.appointments:get("second")
    end, function() return is_running(1, 1) and transfers[2] and transfers[2]:state() == "queued" end
  end,
  resolving = function()
    return get(new_client("https://name.silent"), "a"), function() return is_running(1, 0) end
  end,
  connecting = function()
    return get(new_client(silent_url, { connect_timeout = 100 }), "a"), function() return is_running(1, 0) end
  end,
  sending = function()
    local client = new_client(deaf_url)
    local body = { text = ("x"):rep(20000000) }
    return function() return client:request { method = "POST", path = "/big", body = body } end, function()
      return is_running(1, 1)
    end
  end,
  waiting = function()
    return get(new_client(deaf_url), "a"), function() return is_running(1, 1) end
  end,
  receiving = function()
    return get(new_client(server_url), "half"), function() return is_running(1, 1) end
  end,
  retry = function()
    return get(new_client(server_url, { retries = 2 }), "unavailable"), function() return told.retry end
  end,
  limiter = function()
    local client = new_client(server_url, { retries = false })
    return function()
      client.appointments:get("limited")
      return client.appointments:get("good")
    end, function() return told.wait end
  end,
  refresh = function()
    return get(over(hoopai.store.memory()), "good"), function() return is_running(1, 1) end
  end,
  lock = function()
    return get(over(locked_store()), "good"), function() return asked >= 2 end
  end,
}

local call, reached = states[state]()

local function unfinished()
  local count = 0
  for _, transfer in ipairs(transfers) do
    if transfer:state() == "running" or transfer:state() == "queued" then count = count + 1 end
  end
  return count
end

--- What must hold after the call was ended: nothing of it is left, and another client works.
local function check()
  if state ~= "refresh" then assert(unfinished() == 0, "a transfer is left") end -- an exchange outlives its caller
  local client <close> = new_client(server_url)
  assert(client.appointments:get("good"))
  hoopai.run(function() assert(client.appointments:get("good")) end)
end

local deadline = core.now() + PATIENCE

local function await(wait)
  while not reached() do
    assert(core.now() < deadline, "the state was not reached")
    wait()
  end
end

--- Leaves the task where it is, with a host's loop that stands still.
local function leave_pending()
  hoopai.use(hoopai.loop.custom)
  local task = hoopai.spawn(call)
  local poller = core.poller and core.poller()
  if poller then poller:add(hoopai.loop.pollfd()) end
  await(function()
    if poller then
      poller:wait(math.min(hoopai.loop.timeout() or 0.05, 0.05))
    else
      core.sleep(0.005)
    end
    hoopai.loop.step()
  end)
  return task
end

--- Runs the task, and `act` when it is in its state.
local function in_run(act)
  return pcall(hoopai.run, function()
    local co
    local task = hoopai.spawn(function()
      co = coroutine.running()
      return call()
    end)
    await(function() hoopai.sleep(0.005) end)
    return act(task, co)
  end)
end

local events = {
  lua_close = leave_pending,
  thread = leave_pending,

  collected = function()
    local before
    do
      local task = leave_pending()
      before = unfinished()
      assert(tostring(task) == "hoopai.Task (running)")
    end
    call, reached = nil, nil
    for _ = 1, 3 do
      collectgarbage()
    end
    assert(unfinished() == before, "what is in flight was collected")
    hoopai.loop.step()
  end,

  error = function()
    local ok, problem = in_run(function() error("boom", 0) end)
    assert(not ok and problem == "boom", problem)
    check()
  end,

  cancelled = function()
    assert(in_run(function(task)
      task:cancel()
      local result, err = task:join()
      assert(result == nil and err.kind == "cancelled")
    end))
    check()
  end,

  coroutine_close = function()
    local ok, problem = in_run(function(task, co)
      assert(coroutine.close(co))
      local result, err = task:join()
      assert(result == nil and err.kind == "cancelled")
    end)
    assert(ok, problem)
    check()
  end,

  interrupted = function()
    local ok, problem = in_run(function()
      host.interrupt()
      hoopai.sleep(PATIENCE)
    end)
    assert(not ok and problem:find "interrupted!", problem)
    check()
  end,

  exit = function()
    in_run(function()
      print "ok"
      io.stdout:flush()
      os.exit(true, true)
    end)
  end,

  fork = function()
    local is_child = false
    local ok, problem = in_run(function()
      local before = unfinished()
      local pid = host.fork()
      if pid == 0 then
        is_child = true
        for _ = 1, 3 do
          collectgarbage()
        end
        error("child", 0)
      end
      assert(host.wait(pid) == 0, "the child failed")
      hoopai.sleep(0.05)
      assert(unfinished() == before, "the child ended its parent's transfers")
      error("parent", 0)
    end)
    assert(not ok and problem == (is_child and "child" or "parent"), problem)
    if is_child then return true end -- lua_close ends the rest
    check()
  end,
}

-- One write, since the threads share the output: `print` makes two.
if not events[event]() or event == "lua_close" or event == "thread" then io.stdout:write "ok\n" end
