--- The loops that hoopai can live in, with one face, and what each of them must do. spec/behaviour/hosts_spec.lua runs
-- this file in child processes, since a loop is chosen once per process:
--
--   lua5.4 spec/support/hosts.lua LOOP CASE URL
--
-- A host is { adapter, spawn, loop, every, foreign }: `loop()` runs its loop until nothing is left to do;
-- `every(seconds, fn)` calls fn by a timer of the host until that returns false; `foreign(fn)` calls fn from within its
-- loop where no task is.
package.path = "spec/support/modules/?.lua;./?.lua;" .. package.path

local core = require "hoopai.core"
local hoopai = require "hoopai"

local hosts = {}

--- With hoopai's own loop the host is the program's main function.
function hosts.blocking()
  local pending = {}
  return {
    spawn = function(fn) pending[#pending + 1] = fn end,
    loop = function()
      hoopai.run(function()
        for _, fn in ipairs(pending) do
          hoopai.spawn(fn)
        end
        pending = {}
      end)
    end,
    every = function(seconds, fn)
      pending[#pending + 1] = function()
        repeat
          hoopai.sleep(seconds)
        until fn() == false
      end
    end,
  }
end

function hosts.luv()
  local uv = require "luv"
  return {
    loop = function() uv.run() end,
    every = function(seconds, fn)
      local timer = uv.new_timer()
      timer:start(seconds * 1000 // 1, seconds * 1000 // 1, function()
        if fn() == false then timer:close() end
      end)
    end,
    foreign = function(fn)
      local timer = uv.new_timer()
      timer:start(0, 0, function()
        timer:close()
        fn()
      end)
    end,
  }
end

function hosts.cqueues()
  local cqueues = require "cqueues"
  local controller = cqueues.new()
  return {
    controller = controller,
    spawn = function(fn)
      controller:wrap(function() hoopai.spawn(fn) end)
    end,
    loop = function() assert(controller:loop()) end,
    every = function(seconds, fn)
      controller:wrap(function()
        repeat
          cqueues.sleep(seconds)
        until fn() == false
      end)
    end,
    foreign = function(fn)
      controller:wrap(function() coroutine.wrap(fn)() end)
    end,
  }
end

function hosts.copas()
  local copas = require "copas"
  return {
    loop = copas.loop,
    every = function(seconds, fn)
      copas.addthread(function()
        repeat
          copas.pause(seconds)
        until fn() == false
      end)
    end,
    foreign = copas.addthread,
  }
end

--- Timers for a bare poll(2).
local function new_timers()
  local timers = {}
  function timers.add(seconds, fn) timers[#timers + 1] = { seconds = seconds, due = core.now() + seconds, fn = fn } end
  function timers.fire()
    for index = #timers, 1, -1 do
      local timer = timers[index]
      if timer.due <= core.now() then
        timer.due = timer.due + timer.seconds
        if timer.fn() == false then table.remove(timers, index) end
      end
    end
  end
  --- Milliseconds to wait: until the first of them is due, and no longer than so many seconds.
  function timers.pause(seconds)
    for _, timer in ipairs(timers) do
      seconds = math.min(seconds, timer.due - core.now())
    end
    return math.max(math.ceil(seconds * 1000), 0)
  end
  return timers
end

--- A bare poll(2).
function hosts.custom()
  local process, timers = require "spec.support.process", new_timers()
  return {
    loop = function()
      while hoopai.loop.busy() or #timers > 0 do
        process.poll(hoopai.loop.pollfd(), timers.pause(hoopai.loop.timeout() or 3600))
        hoopai.loop.step()
        timers.fire()
      end
    end,
    every = timers.add,
  }
end

--- The same as a loop that calls back, with a custom adapter: it does not call hoopai before it waits.
function hosts.callback()
  local process, timers, looping = require "spec.support.process", new_timers(), false
  local watched, due -- what hoopai asked for: its descriptor to be watched, a call at this moment
  local function on_event()
    hoopai.loop.step()
    local seconds = hoopai.loop.timeout()
    watched = hoopai.loop.busy() and hoopai.loop.pollfd()
    due = watched and seconds and core.now() + seconds
  end
  local function turn()
    if process.poll(watched or -1, timers.pause(due and due - core.now() or 3600)) or due and due <= core.now() then
      on_event()
    end
    timers.fire()
  end
  return {
    adapter = {
      name = "callback",
      changed = function() due = core.now() end,
      running = function() return looping end,
    },
    loop = function()
      looping = true
      while watched or due or #timers > 0 do
        turn()
      end
      looping = false
    end,
    every = timers.add,
    foreign = function(fn)
      timers.add(0, function()
        fn()
        return false
      end)
    end,
  }
end

----------------------------------------------------------------------------------------------------------- cases

local cases = {}

local function failure(kind, result, err)
  assert(result == nil, "a result: " .. tostring(result))
  assert(type(err) == "table" and err.kind == kind, tostring(err))
  return err
end

--- Fifty calls at once, with responses after 100 ms each, beside a timer of the host every 10 ms.
function cases.parallel(host, client)
  local count, answered, ticks, begun, elapsed = 50, 0, 0, nil, nil
  host.spawn(function()
    begun = core.now()
    for index = 1, count do
      hoopai.spawn(function()
        local calendar = assert(client.calendars:get("c" .. index))
        assert(calendar.id == "c" .. index)
        answered = answered + 1
        if answered == count then elapsed = core.now() - begun end
      end)
    end
  end)
  host.every(0.01, function()
    ticks = ticks + 1
    return elapsed == nil
  end)
  host.loop()
  assert(answered == count, answered .. " answers")
  print(("elapsed %.3f ticks %d"):format(elapsed, ticks))
end

--- The same without the rate limit, which lets a client begin with a few calls.
cases.parallel_unlimited = cases.parallel

function cases.errors(host, client)
  local seen = {}
  host.spawn(function()
    seen.not_found = failure("not_found", client.calendars:get("missing"))
    local mine = { "my error" }
    local _, raised = hoopai
      .spawn(function()
        assert(client.calendars:get("c"))
        error(mine)
      end)
      :join()
    assert(raised.kind == "raised" and raised.cause == mine)
    local ok, cause = pcall(hoopai.run, function()
      hoopai.sleep(0.001)
      error(mine)
    end)
    assert(not ok and cause == mine)
    seen.raised = true
  end)
  host.spawn(function() seen.fine = assert(client.calendars:get("fine")).id end)
  host.loop()
  assert(seen.not_found and seen.raised and seen.fine == "fine")
end

function cases.cancel(host, client)
  local done
  host.spawn(function()
    local closed = 0
    local task = hoopai.spawn(function()
      local _ <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
      return client.calendars:get("stalled")
    end)
    hoopai.sleep(0.4) -- by then the request has arrived, on a loaded machine as well
    task:cancel()
    assert(closed == 1)
    failure("cancelled", task:join())
    done = true
  end)
  host.loop()
  assert(done)
end

function cases.timeout(host, client)
  local done
  host.spawn(function()
    assert(failure("timeout", client.calendars:get("stalled", { timeout = 0.05 })).stage == "wait")
    local err = failure("timeout", hoopai.timeout(0.05, client.calendars.get, client.calendars, "stalled"))
    assert(err.applied == "no" and err.retryable)
    local before = core.now()
    hoopai.sleep(0.03)
    assert(core.now() - before >= 0.03)
    done = true
  end)
  host.loop()
  assert(done)
end

function cases.close(host, client)
  local closed = 0
  host.spawn(function()
    for _ = 1, 5 do
      hoopai.spawn(function()
        failure("closed", client.calendars:get("stalled"))
        closed = closed + 1
      end)
    end
    hoopai.sleep(0.05)
    client:close()
    failure("closed", client.calendars:get("c"))
  end)
  host.loop()
  assert(closed == 5, closed .. " closed")
end

--- Closed by a task that is resumed because its own call ended, and by a timer of the host.
function cases.close_from_outside(host, client)
  local closed = 0
  host.spawn(function()
    for _ = 1, 3 do
      hoopai.spawn(function()
        failure("closed", client.calendars:get("stalled"))
        closed = closed + 1
      end)
    end
  end)
  host.every(0.05, function()
    client:close()
    return false
  end)
  host.loop()
  assert(closed == 3, closed .. " closed")
end

--- The loop ends although connections are open, blocking calls are right again, and it can run a second time.
function cases.idle(host, client)
  for round = 1, 3 do
    local id
    host.spawn(function() id = assert(client.calendars:get("c" .. round)).id end)
    local before = core.now()
    host.loop()
    assert(id == "c" .. round)
    assert(core.now() - before < 10)
    assert(not hoopai.loop.busy() and hoopai.loop.timeout() ~= 0)
    assert(assert(client.calendars:get("blocking")).id == "blocking")
    assert(hoopai.run(function() return assert(client.calendars:get("run")).id end) == "run")
  end
end

--- A task that a timer of the host spawns, and one that it cancels, its last wait.
function cases.spawn_and_cancel(host, client)
  local id, task
  host.spawn(function()
    task = hoopai.spawn(function() return client.calendars:get("stalled") end)
  end)
  host.every(0.02, function()
    hoopai.spawn(function() id = assert(client.calendars:get("c")).id end)
    return false
  end)
  host.every(0.1, function()
    task:cancel()
    return false
  end)
  local before = core.now()
  host.loop()
  assert(id == "c" and core.now() - before < 10)
  failure("cancelled", task:join())
end

--- Something that only begins while another wait, due later, has put the loop to sleep.
function cases.shorter_wait(host)
  local woken
  host.spawn(function() hoopai.sleep(0.5) end)
  host.every(0.02, function()
    local before = core.now()
    hoopai.spawn(function()
      hoopai.sleep(0.01)
      woken = core.now() - before
    end)
    return false
  end)
  host.loop()
  assert(woken < 0.4, woken)
end

--- A failed task that is never joined: a warning is emitted, and the host goes on.
function cases.unjoined(host, client)
  warn "@on"
  local after
  host.spawn(function() error("nobody listens") end)
  host.spawn(function()
    hoopai.sleep(0.01)
    after = assert(client.calendars:get("c")).id
  end)
  local ok, problem = pcall(host.loop)
  print(ok and "host lives" or "run raised: " .. problem)
  assert(after == "c" or not ok)
end

--- A failed task that is joined late is not reported.
function cases.joined_late(host)
  warn "@on"
  local seen
  host.spawn(function()
    local task = hoopai.spawn(error, "joined", 0)
    hoopai.sleep(0.02)
    collectgarbage()
    collectgarbage()
    seen = select(2, task:join()).cause
  end)
  host.loop()
  collectgarbage()
  assert(seen == "joined")
end

--- Tasks that wait for each other do not keep the loop running, and a warning says so.
function cases.deadlock(host)
  warn "@on"
  host.spawn(function()
    local first, second
    first = hoopai.spawn(function() return second:join() end)
    second = hoopai.spawn(function() return first:join() end)
  end)
  local ok, problem = pcall(host.loop)
  if not ok then print(problem) end
end

--- Calls that must not wait, by name.
function cases.foreign(host, client)
  local messages = {}
  host.foreign(function()
    for index, wait in ipairs {
      function() return client.calendars:get("c") end,
      function() return hoopai.sleep(0) end,
      function() return hoopai.run(print) end,
      function() return hoopai.map({ 1 }, print) end,
      function() return hoopai.spawn(hoopai.sleep, 0):join() end,
    } do
      local ok
      ok, messages[index] = pcall(wait)
      assert(not ok)
    end
  end)
  host.loop()
  assert(#messages == 5)
  print(table.concat(messages, "\n"))
end

function cases.use_twice(host)
  hoopai.use(host.adapter)
  hoopai.use(host.adapter)
  local ok, message = pcall(hoopai.use, { name = "another" })
  assert(not ok)
  print(message)
end

function cases.use_late(host, client)
  assert(client.calendars:get("c"))
  local ok, message = pcall(hoopai.use, host.adapter)
  assert(not ok)
  print(message)
end

function cases.step_in_a_task(host)
  local message
  host.spawn(function()
    local ok
    ok, message = pcall(hoopai.loop.step)
    assert(not ok)
  end)
  host.loop()
  print(message)
end

--- The state is closed while calls are in flight.
function cases.exit(host, client)
  for index = 1, 5 do
    host.spawn(function() return client.calendars:get("stalled" .. index) end)
  end
  host.every(0.05, function()
    print "leaving"
    os.exit(true, true)
  end)
  host.loop()
end

--- A background task, such as a token exchange, keeps the loop running until it is done.
function cases.background(host)
  local done
  host.spawn(function()
    require("hoopai.async").background(function()
      hoopai.sleep(0.05)
      done = true
    end)
  end)
  host.loop()
  assert(done)
end

--- Tasks that compute for long leave the host its turns.
function cases.turns(host)
  local ticks, done = 0, 0
  host.spawn(function()
    for _ = 1, 300 do
      hoopai.spawn(function()
        local begun = core.now()
        repeat
        until core.now() - begun > 0.001
        done = done + 1
      end)
    end
  end)
  host.every(0.01, function()
    ticks = ticks + 1
    return done < 300
  end)
  host.loop()
  assert(done == 300 and ticks >= 5, ticks)
end

--- Waiting costs no time of the processor.
function cases.rest(host, client)
  local before
  host.spawn(function()
    assert(client.calendars:get("first"))
    before = os.clock()
    hoopai.spawn(hoopai.sleep, 0.4)
    assert(client.calendars:get("second"))
  end)
  host.loop()
  assert(os.clock() - before < 0.2, os.clock() - before)
end

--- A task that never waits for long does not starve others.
function cases.greedy(host, client)
  local ticks, id, turns = 0, nil, 0
  host.spawn(function()
    while not id or ticks < 3 do
      turns = turns + 1
      hoopai.sleep(0)
    end
  end)
  host.spawn(function() id = assert(client.calendars:get("c")).id end)
  host.every(0.01, function()
    ticks = ticks + 1
    return ticks < 3
  end)
  host.loop()
  assert(id == "c" and turns > 0)
end

--- Cancels, timeouts and collections at random moments, from tasks and from the host: each task ends, none is lost.
function cases.storm(host, client)
  local state = 20240229
  local function random(count) -- the same storm each time
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return (state >> 8) % count + 1
  end
  local tasks, kinds, joined = {}, { fine = 0, cancelled = 0, timeout = 0 }, 0
  local function call(index)
    local draw = random(3)
    if draw == 1 then return client.calendars:get("stalled", { timeout = 0.05 }) end
    if draw == 2 then return hoopai.timeout(random(20) / 1000, client.calendars.get, client.calendars, "c" .. index) end
    return client.calendars:get("c" .. index)
  end
  host.spawn(function()
    for index = 1, 300 do
      tasks[index] = hoopai.spawn(call, index)
      if random(4) == 1 then tasks[random(index)]:cancel() end
      if random(5) == 1 then hoopai.sleep(random(3) / 1000) end
    end
    for index, task in ipairs(tasks) do
      local calendar, err = task:join()
      assert(err or calendar.id == "c" .. index)
      local kind = err and err.kind or "fine"
      kinds[kind] = kinds[kind] + 1
      joined = joined + 1
    end
  end)
  host.every(0.004, function()
    collectgarbage()
    if #tasks > 0 then tasks[random(#tasks)]:cancel() end
    return joined < 300
  end)
  host.loop()
  assert(joined == 300 and kinds.fine > 0 and kinds.cancelled > 0 and kinds.timeout > 0)
  assert(not hoopai.loop.busy())
end

--- If hoopai's own code fails in a callback, a warning is emitted and the host goes on.
function cases.broken_step(host, client)
  warn "@on"
  local loop = require "hoopai.async.loop"
  local step, id = loop.step, nil
  function loop.step()
    loop.step = step
    error "broken"
  end
  host.spawn(function() id = assert(client.calendars:get("c")).id end)
  host.loop()
  assert(id == "c")
end

--- Many at a time.
function cases.many(host, client)
  local answered = 0
  host.spawn(function()
    for index = 1, 500 do
      hoopai.spawn(function()
        assert(assert(client.calendars:get("c" .. index)).id == "c" .. index)
        answered = answered + 1
      end)
    end
  end)
  host.loop()
  assert(answered == 500)
end

--- Pages, an edit and a blocked time that is there; the rules of the server are those of hosts_spec.
function cases.lists(host, client)
  local names, done = {}, false
  host.spawn(function()
    for room in client.resources:each "rooms" do
      names[#names + 1] = room.id
    end
    assert(#assert(client.resources:all "rooms") == 3)
    local _, response = assert(client.calendars:edit("mine", function(calendar)
      hoopai.sleep(0.001)
      calendar.id = "mine"
    end))
    assert(response.unchanged)
    assert(assert(client.calendars:edit("mine", function(calendar) calendar.name = "New" end)).id == "mine")
    local block = { assignedUserId = "u", startTime = "2026-12-01T12:00:00Z", endTime = "2026-12-01T13:00:00Z" }
    _, response = assert(client.block_slots:ensure(block))
    assert(response.existing)
    local ok, err = pcall(function()
      for _ in client.notes:each "a" do
        error "a note"
      end
    end)
    assert(not ok and err.kind == "protocol", tostring(err))
    done = true
  end)
  host.loop()
  assert(done and table.concat(names) == "123", table.concat(names))
end

--- A child process goes on with a new loop, and the parent's call completes.
function cases.fork(host, client, url)
  local process = require "spec.support.process"
  local id, pid
  local function in_child()
    local own <close> = hoopai.new { token = "t", base_url = url }
    local got
    assert(not hoopai.loop.busy())
    hoopai.spawn(function() got = assert(own.calendars:get("child")).id end)
    while hoopai.loop.busy() do
      process.poll(hoopai.loop.pollfd(), 10)
      hoopai.loop.step()
    end
    assert(got == "child")
  end
  host.spawn(function() id = assert(client.calendars:get("parent")).id end)
  host.every(0.03, function()
    pid = process.fork()
    if pid == 0 then process.exit(pcall(in_child) and 0 or 1) end
    return false
  end)
  host.loop()
  local how, code = process.wait(pid)
  assert(id == "parent" and how == "exit" and code == 0)
end

------------------------------------------------------------------------------------------------- cases of cqueues

--- Its own coroutines: calls, sleeps, joins, scopes, and a token function that they share.
function cases.own_coroutines(host, _, url)
  local asked, answered, joined, seen = 0, 0, nil, {}
  local client <close> = hoopai.new {
    base_url = url,
    token = function()
      asked = asked + 1
      hoopai.sleep(0.02)
      return "t"
    end,
  }
  for index = 1, 50 do
    host.controller:wrap(function()
      local calendar = assert(client.calendars:get("c" .. index))
      assert(calendar.id == "c" .. index)
      answered = answered + 1
    end)
  end
  host.controller:wrap(function()
    local task = hoopai.spawn(function() return assert(client.calendars:get("spawned")).id end)
    joined = task:join()
    seen.map = hoopai.map({ "a", "b" }, function(id) return client.calendars:get(id) end)
    seen.run = hoopai.run(function()
      hoopai.spawn(hoopai.sleep, 0.01)
      return client.calendars:get("run")
    end)
    seen.timeout = failure("timeout", hoopai.timeout(0.02, hoopai.sleep, 10))
    local ok, raised = pcall(hoopai.run, error, "raised", 0)
    seen.raised = not ok and raised
    local sorted, message = pcall(table.sort, { 2, 1 }, function() return client.calendars:get("c") end)
    assert(not sorted and message:find("cannot wait here", 1, true), message)
    failure("not_found", client.calendars:get("missing"))
  end)
  host.loop()
  assert(asked == 1, asked)
  assert(answered == 50 and joined == "spawned")
  assert(seen.map[1].id == "a" and seen.map[2].id == "b" and seen.run.id == "run" and seen.raised == "raised")
end

--- A coroutine of the host that is closed while it waits, and one whose controller is never looped again.
function cases.own_coroutine_closed(host, client)
  local cqueues = require "cqueues"
  local thread
  host.controller:wrap(function()
    thread = coroutine.running()
    client.calendars:get("stalled")
  end)
  host.controller:wrap(function()
    cqueues.sleep(0.05)
    coroutine.close(thread)
    assert(client.calendars:get("c"))
  end)
  assert(host.controller:step(0))
  host.every(0.01, function() return hoopai.loop.busy() end)
  pcall(host.controller.loop, host.controller, 5) -- what cqueues says of a dead coroutine is its own business
  assert(not hoopai.loop.busy())
end

--- Two controllers, one within the other.
function cases.two_controllers(host, client)
  local cqueues = require "cqueues"
  local inner, ids = cqueues.new(), {}
  inner:wrap(function() ids[1] = assert(client.calendars:get("inner")).id end)
  host.controller:wrap(function()
    ids[2] = assert(client.calendars:get("outer")).id
    assert(inner:loop())
    ids[3] = assert(client.calendars:get("again")).id
  end)
  host.loop()
  assert(table.concat(ids, " ") == "inner outer again", table.concat(ids, " "))
end

function cases.spawn_outside()
  local ok, message = pcall(hoopai.spawn, print)
  assert(not ok)
  print(message)
end

----------------------------------------------------------------------------------------------------- cases of luv

--- A program that closes all handles of luv and goes on.
function cases.walk(host, client)
  local uv = require "luv"
  local first, second
  host.spawn(function() first = assert(client.calendars:get("first")).id end)
  host.loop()
  uv.walk(function(handle)
    if not handle:is_closing() then handle:close() end
  end)
  host.loop()
  host.spawn(function() second = assert(client.calendars:get("second")).id end)
  host.loop()
  assert(first == "first" and second == "second")
end

--- Closed within a task, in the callback of the very handle.
function cases.walk_in_a_task(host, client)
  local uv = require "luv"
  local id, handles = nil, {}
  host.spawn(function()
    assert(client.calendars:get("first"))
    for _, handle in ipairs(handles) do
      if not handle:is_closing() then handle:close() end
    end
  end)
  -- Not within the task: luv 1.50 and 1.51 cannot call uv.walk in a coroutine (luv#808).
  uv.walk(function(handle) handles[#handles + 1] = handle end)
  assert(#handles > 0)
  host.loop()
  host.spawn(function() id = assert(client.calendars:get("second")).id end)
  host.loop()
  assert(id == "second")
end

--- The tidy end of a program, with calls in flight: after loop_close any call of luv would end the process.
function cases.loop_closed(host, client)
  local uv = require "luv"
  local task
  host.spawn(function()
    task = hoopai.spawn(function() return client.calendars:get("stalled") end)
  end)
  host.every(0.05, function()
    uv.stop()
    return false
  end)
  host.loop()
  uv.walk(function(handle)
    if not handle:is_closing() then handle:close() end
  end)
  host.loop()
  assert(uv.loop_close() == 0)
  assert(assert(client.calendars:get("blocking")).id == "blocking")
  assert(hoopai.run(function() return assert(client.calendars:get("run")).id end) == "run")
  client:close()
  task:cancel()
  collectgarbage()
end

------------------------------------------------------------------------------------------------------------- main

local function main(name, case, url)
  local host = hosts[name]()
  host.adapter = host.adapter or hoopai.loop[name]
  host.spawn = host.spawn or hoopai.spawn
  local client <close> = hoopai.new {
    token = "t",
    base_url = url,
    location_id = "l",
    timeout = 20,
    rate_limit = not case:find("unlimited"),
  }
  if not case:find("^use_") then hoopai.use(host.adapter) end
  cases[case](host, client, url)
end

if arg and arg[0] and arg[0]:find("hosts.lua", 1, true) then main(arg[1], arg[2], arg[3]) end

return hosts
