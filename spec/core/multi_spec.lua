local child = require "spec.support.child"
local core = require "hoopai.core"
local core_host = require "spec.support.core_host"
local core_http = require "spec.support.core_http"
local core_tls = require "spec.support.core_tls"
local lfs = require "lfs"
local socket = require "socket"
local test_server = require "spec.support.server"

local add, fetch, finish, run_until, take_all =
  core_http.add, core_http.fetch, core_http.finish, core_http.run_until, core_http.take_all

local TOKEN = "pit-canary-0123456789"

local function in_flight(multi)
  local queued, running = multi:count()
  return queued + running
end

local function collect()
  collectgarbage()
  collectgarbage()
end

describe("a set of transfers", function()
  local server

  setup(function() server = test_server.start() end)
  teardown(function() server:stop() end)
  before_each(function() server:reset() end)

  it("raises, as all objects do, if a method gets an object of another type", function()
    local multi = core.multi()
    local request = core.request { method = "GET", url = server.url }
    local objects = {
      ["hoopai.Multi"] = multi,
      ["hoopai.Secret"] = core.secret(TOKEN),
      ["hoopai.RateLimiter"] = core.rate_limiter(),
      ["hoopai.Transfer"] = multi:send(request, "/x"),
    }
    local methods = { ["hoopai.Multi"] = "count", ["hoopai.Secret"] = "redact" }
    methods["hoopai.RateLimiter"], methods["hoopai.Transfer"] = "release", "state"
    for name, object in pairs(objects) do
      local call = object[methods[name]]
      assert.has_no_error(function()
        if name == "hoopai.RateLimiter" then object:acquire(core.now()) end
        call(object, "text")
      end)
      for other_name, other in pairs(objects) do
        local expected = other_name ~= name and name .. " expected, got " .. other_name
        if expected then assert.error_matches(function() call(other, "text") end, expected, 1, true) end
      end
      for _, other in ipairs { request, io.stdout, core.null, {}, "text", false } do
        assert.error_matches(function() call(other, "text") end, name .. " expected", 1, true)
      end
      assert.error_matches(function() call() end, name .. " expected", 1, true)
    end
    assert.error_matches(function() multi:send(multi, "/x") end, "hoopai.Request expected", 1, true)
    assert.error_matches(function() multi:send(request, "/x", multi) end, "hoopai.Secret expected", 1, true)
    multi:close()
  end)

  describe("options", function()
    it("are checked", function()
      local wrong = {
        { max_conections = 1 },
        { max_connections = 0 },
        { max_connections = -1 },
        { max_connections = 1.5 },
        { max_connections = "many" },
        { max_connections = 10001 },
        { max_connections = math.maxinteger },
        { max_body = 0 },
        { max_body = math.maxinteger },
        { max_headers = {} },
        { connect_timeout = 0 },
        { connect_timeout = -1 },
        { connect_timeout = 0 / 0 },
        { connect_timeout = "x" },
        { ca_file = 1 },
        { ca_file = "a\0b" },
        { proxy = true },
        { user_agent = {} },
        { "http2" },
        { [1.5] = 1 },
      }
      for _, options in ipairs(wrong) do
        assert.has_error(function() core.multi(options) end)
      end
      assert.has_error(function() core.multi "x" end)
      collect()
    end)

    it("may be absent", function()
      core.multi():close()
      core.multi(nil):close()
      core.multi({}):close()
      local multi <close> = core.multi { connect_timeout = math.huge, http2 = false }
      assert.are.equal(0, in_flight(multi))
    end)

    it("leak no descriptor when one of them is wrong", function()
      core.multi():close()
      local before = core_http.descriptors()
      for _ = 1, 50 do
        pcall(core.multi, { max_connections = 0, ca_file = "x", proxy = "y" })
      end
      collect()
      assert.are.equal(before, core_http.descriptors())
    end)
  end)

  describe("queue", function()
    it("is first come first served, with no more connections than allowed", function()
      server:reply { expand = true, body = "$last", delay = 0.01, always = true }
      local multi <close> = core.multi { max_connections = 3 }
      local transfers, order = {}, {}
      for index = 1, 30 do
        transfers[index] = add(multi, server.url .. "/" .. index)
      end
      assert.are.same({ 27, 3 }, { multi:count() })
      run_until(multi, function()
        for transfer in multi.next, multi do
          order[#order + 1] = transfer:body()
        end
        local _, running = multi:count()
        assert.is_true(running <= 3)
        return #order == 30
      end)
      assert.are.same({ 0, 0 }, { multi:count() })
      assert.are.equal(3, #server:connections())
      local arrived = {}
      for index, request in ipairs(server:ledger()) do
        assert.is_true(request.at_once <= 3)
        arrived[index] = tonumber(request.path:sub(2))
        assert.is_true(math.abs(arrived[index] - index) <= 3)
      end
      for index = 2, 30 do
        assert.is_true(transfers[index]:started() >= transfers[index - 1]:started())
      end
    end)

    it("of one connection keeps the exact order and re-uses it", function()
      server:reply { body = "{}", always = true }
      local multi <close> = core.multi { max_connections = 1 }
      for index = 1, 50 do
        add(multi, server.url .. "/" .. index)
      end
      local done = {}
      run_until(multi, function()
        for transfer in multi.next, multi do
          done[#done + 1] = transfer
        end
        return #done == 50
      end)
      for index, request in ipairs(server:ledger()) do
        assert.are.equal("/" .. index, request.path)
      end
      assert.are.equal(1, #server:connections())
      assert.is_false(done[1]:info().reused)
      for index = 2, 50 do
        assert.is_true(done[index]:info().reused)
      end
    end)

    it("does not use up the time of those that wait in it", function()
      server:reply { body = "{}", delay = 0.1, always = true }
      local multi <close> = core.multi { max_connections = 1 }
      local transfers = {}
      for index = 1, 5 do
        transfers[index] = add(multi, server.url .. "/", { timeout = 0.3 })
      end
      run_until(multi, function() return in_flight(multi) == 0 end)
      for _, transfer in ipairs(transfers) do
        assert.are.same({ 200 }, { transfer:result() })
      end
    end)

    it("goes on when one fails", function()
      server:reply({ reset = "before" }, { raw = "junk", close = true }, { body = "{}" })
      local multi <close> = core.multi { max_connections = 1 }
      local transfers = {}
      for index = 1, 3 do
        transfers[index] = add(multi, server.url .. "/", { at_most_once = true })
      end
      run_until(multi, function() return in_flight(multi) == 0 end)
      assert.are.same({ 200 }, { transfers[3]:result() })
      assert.are.equal(3, #take_all(multi))
    end)
  end)

  describe("next()", function()
    it("gives each ended transfer once", function()
      server:reply { body = "{}", always = true }
      local multi <close> = core.multi {}
      local seen = {}
      for _ = 1, 20 do
        add(multi, server.url .. "/")
      end
      run_until(multi, function() return in_flight(multi) == 0 end)
      collect()
      for transfer in multi.next, multi do
        assert.is_nil(seen[transfer])
        assert.are.equal("done", transfer:state())
        seen[transfer] = true
      end
      assert.is_nil(multi:next())
    end)

    it("does not give those that were closed", function()
      server:reply { body = "{}", always = true }
      local multi <close> = core.multi {}
      local list = {}
      for index = 1, 6 do
        list[index] = add(multi, server.url .. "/")
      end
      run_until(multi, function() return in_flight(multi) == 0 end)
      for index = 1, 6, 2 do
        list[index]:close()
      end
      local rest = take_all(multi)
      assert.are.equal(3, #rest)
      for _, transfer in ipairs(rest) do
        assert.are.equal("done", transfer:state())
        transfer:close()
      end
    end)

    it("keeps what nobody holds until it was given", function()
      server:reply { expand = true, body = "$last", always = true }
      local multi <close> = core.multi {}
      for index = 1, 10 do
        add(multi, server.url .. "/" .. index)
      end
      collect()
      run_until(multi, function()
        collect()
        return in_flight(multi) == 0
      end)
      collect()
      local bodies = {}
      for _, transfer in ipairs(take_all(multi)) do
        bodies[#bodies + 1] = tonumber(transfer:body())
      end
      table.sort(bodies)
      assert.are.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, bodies)
    end)

    it("may be mixed with closing, adding and stepping", function()
      server:reply { body = "{}", always = true }
      local multi <close> = core.multi { max_connections = 4 }
      local added, given = 0, 0
      local live = {}
      for _ = 1, 400 do
        if added < 300 and math.random() < 0.6 then
          added = added + 1
          live[#live + 1] = add(multi, server.url .. "/")
        end
        if math.random() < 0.3 and #live > 0 then table.remove(live, math.random(#live)):close() end
        if math.random() < 0.5 then
          multi:wait(0.001)
          multi:step()
        end
        local transfer = math.random() < 0.5 and multi:next()
        if transfer then
          given = given + 1
          if math.random() < 0.5 then transfer:close() end
        end
        if math.random() < 0.02 then collectgarbage() end
      end
      run_until(multi, function() return in_flight(multi) == 0 end)
      assert.is_true(given > 0)
      assert.are.same({ 0, 0 }, { multi:count() })
      assert.are.same({ 200 }, { fetch(multi, server.url .. "/"):result() })
    end)
  end)

  describe("cancelling", function()
    it("a queued transfer sends nothing and keeps the others' order", function()
      server:reply { body = "{}", always = true }
      local multi <close> = core.multi { max_connections = 1 }
      local list = {}
      for index = 1, 5 do
        list[index] = add(multi, server.url .. "/" .. index)
      end
      list[3]:close()
      list[5]:close()
      list[2]:close()
      assert.are.same({ 1, 1 }, { multi:count() })
      run_until(multi, function() return in_flight(multi) == 0 end)
      local ledger = server:ledger()
      assert.are.same({ "/1", "/4" }, { ledger[1].path, ledger[2].path })
      assert.are.equal(2, #ledger)
      assert.are.equal(2, #take_all(multi))
    end)

    it("a connecting transfer frees its place", function()
      local url, close = test_server.silent()
      server:reply { body = "{}" }
      local multi <close> = core.multi { max_connections = 1 }
      local stuck, waiting = add(multi, url), add(multi, server.url .. "/")
      multi:step()
      assert.are.equal("queued", waiting:state())
      stuck:close()
      assert.are.equal("running", waiting:state())
      finish(multi, waiting)
      assert.are.same({ 200 }, { waiting:result() })
      close()
    end)

    for _, stage in ipairs { "waiting", "receiving" } do
      it("a " .. stage .. " transfer closes its connection", function()
        local head = { wait = 0 }
        if stage == "receiving" then head = { send = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc" } end
        server:reply({ steps = { head, { stall = true } } }, { body = "{}" })
        local multi <close> = core.multi {}
        local transfer = add(multi, server.url .. "/")
        run_until(multi, function() return transfer:sent() == 1 end)
        server:wait("arrived", "at_least", 1)
        core_http.pump(multi, 0.05)
        transfer:close()
        assert.are.equal("closed", transfer:state())
        assert.are.equal(0, in_flight(multi))
        server:wait("open", "exactly", 0)
        assert.are.same({ 200 }, { fetch(multi, server.url .. "/"):result() })
        assert.is_nil(multi:next())
      end)
    end

    it("many at once in any order is safe", function()
      server:reply { steps = { { stall = true } }, always = true }
      for _, order in ipairs { "forwards", "backwards", "shuffled" } do
        local multi <close> = core.multi { max_connections = 8 }
        local list = {}
        for index = 1, 40 do
          list[index] = add(multi, server.url .. "/")
        end
        core_http.pump(multi, 0.02)
        if order == "shuffled" then
          for index = #list, 2, -1 do
            local other = math.random(index)
            list[index], list[other] = list[other], list[index]
          end
        end
        for index = 1, #list do
          list[order == "backwards" and #list + 1 - index or index]:close()
          multi:step()
        end
        assert.are.equal(0, in_flight(multi))
        assert.is_nil(multi:next())
      end
    end)
  end)

  it(
    "does not use an idle connection again that got bytes while more descriptors are ready than a step takes",
    function()
      local count, response = 200, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
      local multi <close> = core.multi { max_connections = count + 1 }
      server:reply { path = "/stray", steps = { { send = response }, { hold = "idle" }, { send = response } } }
      server:reply { path = "/next", body = '"next"' }
      server:reply { hold = "go", body = "{}", always = true }
      for _ = 1, count do
        add(multi, server.url .. "/")
      end
      run_until(multi, function() return server:count "busy" == count end)
      local stray = add(multi, server.url .. "/stray")
      run_until(multi, function() return stray:state() == "done" end)
      server:release "go"
      server:wait("busy", "exactly", 1)
      server:release "idle"
      server:wait("busy", "exactly", 0)
      local transfer = add(multi, server.url .. "/next")
      run_until(multi, function() return transfer:state() == "done" end)
      assert.are.equal('"next"', transfer:body())
    end
  )

  describe("close()", function()
    it("ends what is in flight as closed, and next() gives it", function()
      server:reply { steps = { { stall = true } }, always = true }
      local multi = core.multi { max_connections = 2 }
      local list = {}
      for index = 1, 6 do
        list[index] = add(multi, server.url .. "/", { token = core.secret(TOKEN) })
      end
      run_until(multi, function() return list[2]:sent() == 1 end)
      assert.is_false(multi:has_ended())
      multi:close()
      multi:close()
      assert.are.same({ 0, 0 }, { multi:count() })
      assert.is_true(multi:has_ended())
      local given = take_all(multi)
      assert.is_false(multi:has_ended())
      assert.are.equal(6, #given)
      for _, transfer in ipairs(given) do
        local status, kind, message = transfer:result()
        assert.are.same({ 0, "closed" }, { status, kind })
        assert.is_nil(message:find(TOKEN, 1, true))
        assert.are.equal("done", transfer:state())
        assert.are.equal("", transfer:body())
        transfer:close()
      end
      assert.is_nil(multi:next())
      assert.is_truthy(list[1]:state() == "closed")
      server:wait("open", "exactly", 0)
    end)

    it("tells the stage of each", function()
      server:reply { steps = { { stall = true } } }
      local multi = core.multi { max_connections = 1 }
      local first, second = add(multi, server.url .. "/"), add(multi, server.url .. "/")
      run_until(multi, function() return first:sent() == 1 end)
      multi:close()
      assert.are.same({ "wait", 1, "queue", 0 }, { first:stage(), first:sent(), second:stage(), second:sent() })
      assert.is_nil(second:started())
    end)

    it("keeps what had ended before", function()
      server:reply({ body = "one" })
      local multi = core.multi {}
      local transfer = add(multi, server.url .. "/")
      run_until(multi, function() return transfer:state() == "done" end)
      multi:close()
      assert.are.equal(transfer, multi:next())
      assert.are.same({ 200 }, { transfer:result() })
      assert.are.equal("one", transfer:body())
    end)

    it("refuses everything but what is left to take", function()
      local multi = core.multi {}
      multi:close()
      assert.has_error(function() add(multi, server.url) end)
      for _, method in ipairs { "pollfd", "timeout", "step", "wait" } do
        assert.has_error(function() multi[method](multi, 0) end)
      end
      assert.is_nil(multi:next())
      assert.are.same({ 0, 0 }, { multi:count() })
      assert.has_error(function() multi.step(io.stdout) end)
    end)

    it("happens at the end of a block", function()
      server:reply { steps = { { stall = true } } }
      local transfer
      do
        local multi <close> = core.multi {}
        transfer = add(multi, server.url .. "/")
        multi:step()
      end
      assert.are.equal("closed", select(2, transfer:result()))
    end)
  end)

  describe("advance()", function()
    it("waits and steps until a transfer is done, and takes off all that are done", function()
      server:reply({ body = "1" }, { delay = 0.05, body = "2" })
      local multi <close> = core.multi { max_connections = 1 }
      local first, second = add(multi, server.url .. "/1"), add(multi, server.url .. "/2")
      multi:step()
      repeat
      until multi:advance(second)
      assert.are.same({ "done", "done" }, { first:state(), second:state() })
      assert.is_nil(multi:next())
      assert.is_true(multi:advance(first)) -- at once: nothing is in flight to wait for
      assert.are.equal("2", second:body())
    end)

    it("returns also for what close() has ended, and raises for a transfer of another set", function()
      server:reply { steps = { { stall = true } } }
      local multi, other <close> = core.multi(), core.multi()
      local transfer = add(multi, server.url .. "/")
      assert.error_matches(function() other:advance(transfer) end, "not of this client", 1, true)
      multi:close()
      assert.is_true(multi:advance(transfer))
      assert.is_nil(multi:next())
      transfer:close()
      assert.error_matches(function() multi:advance(transfer) end, "closed", 1, true)
      assert.error_matches(function() multi:advance(other) end, "hoopai.Transfer expected", 1, true)
    end)
  end)

  describe("wait()", function()
    it("takes the time it is told, in few turns", function()
      server:reply { steps = { { stall = true } } }
      local multi <close> = core.multi {}
      add(multi, server.url .. "/", { timeout = 30 })
      core_http.pump(multi, 0.05)
      local limit, turns = core.now() + 0.1, 0
      while core.now() < limit do
        multi:wait(limit - core.now())
        multi:step()
        turns = turns + 1
      end
      assert.is_true(turns <= 10, turns .. " turns")
      assert.is_true(core.now() - limit < 5)
    end)

    it("ends at once when its time is over, and raises when it would never end", function()
      server:reply { steps = { { stall = true } } }
      local multi <close> = core.multi {}
      local before = core.now()
      multi:wait(0)
      multi:wait(-5)
      assert.has_error(function() multi:wait() end)
      assert.has_error(function() multi:wait(0 / 0) end)
      assert.has_error(function() multi:wait "x" end)
      add(multi, server.url .. "/")
      core_http.pump(multi, 0.03)
      multi:wait(-1)
      assert.is_true(core.now() - before < 5)
    end)

    it("ends at once when there is something to take", function()
      server:reply { body = "{}" }
      local multi <close> = core.multi {}
      local transfer = add(multi, server.url .. "/")
      run_until(multi, function() return transfer:state() == "done" end)
      local before = core.now()
      assert.are.equal(0, multi:timeout())
      multi:wait(30)
      multi:wait()
      assert.is_true(core.now() - before < 5)
    end)

    it("returns to Lua at once when a signal comes", function()
      server:reply { steps = { { stall = true } } }
      local waiter = child.start(([[
        local core, send = require "hoopai.core", require "spec.support.send"
        io.stdout:setvbuf "no"
        local multi = core.multi {}
        local transfer = send(multi, { method = "GET", url = %q })
        local limit = core.now() + 0.1
        repeat multi:step() multi:wait(0.01) until core.now() > limit
        print "ready"
        local before = core.now()
        local ok, problem = pcall(function()
          while true do multi:wait(20) multi:step() end
        end)
        print(ok, tostring(problem):match "interrupted!", core.now() - before < 10)
      ]]):format(server.url))
      assert.are.equal("ready", waiter.output:read "l")
      socket.sleep(0.05)
      waiter:signal "INT"
      assert.is_truthy(waiter:finish():find("interrupted!", 1, true))
    end)
  end)

  describe("descriptor", function()
    it("can be waited for by any loop", function()
      server:reply { body = "{}", delay = 0.02, always = true }
      local multi <close> = core.multi {}
      local poller <close> = core.poller()
      poller:add(multi:pollfd())
      local handle = { getfd = function() return multi:pollfd() end, dirty = function() return false end }
      for round = 1, 10 do
        local transfer, limit, turns = add(multi, server.url .. "/"), core.now() + 5, 0
        repeat
          local left = math.min(multi:timeout() or 1, 1)
          if round % 2 == 0 then
            poller:wait(left)
          else
            socket.select({ handle }, nil, left)
          end
          multi:step()
          turns = turns + 1
        until transfer:state() == "done" or core.now() > limit
        assert.are.same({ 200 }, { transfer:result() })
        assert.is_true(turns < 25, turns .. " turns")
        assert.are.equal(transfer, multi:next())
      end
      assert.is_false(poller:wait(0))
    end)

    it("is silent while nothing is in flight, also when the server closes its connections", function()
      server:reply { body = "{}" }
      local multi <close> = core.multi {}
      local poller <close> = core.poller()
      poller:add(multi:pollfd())
      fetch(multi, server.url .. "/")
      server:reset()
      assert.is_nil(multi:timeout()) -- as whoever is about to wait asks
      assert.is_false(poller:wait(0.05))
      multi:step()
      assert.is_nil(multi:timeout())
      assert.is_false(poller:wait(0.05))
    end)
  end)

  it("keeps the number of descriptors", function()
    server:reply { body = "{}", always = true }
    local multi = core.multi { max_connections = 4 }
    fetch(multi, server.url .. "/"):close()
    local before = core_http.descriptors()
    for _ = 1, 500 do
      fetch(multi, server.url .. "/"):close()
    end
    assert.are.equal(before, core_http.descriptors())
    for _ = 1, 30 do
      local transfer = add(multi, server.url .. "/")
      multi:step()
      transfer:close()
    end
    assert.are.same({ 200 }, { fetch(multi, server.url .. "/"):result() })
    assert.is_true(core_http.descriptors() <= before + 3)
    multi:close()
    for _ = 1, 20 do
      local own = core.multi {}
      add(own, server.url .. "/")
      own:step()
      own = nil -- luacheck: ignore
      collect()
    end
    assert.is_true(core_http.descriptors() < before)
  end)

  it("works when its descriptors are used by others in between", function()
    server:reply { body = "{}", close = true, always = true }
    local multi <close> = core.multi {}
    for _ = 1, 30 do
      local transfer = fetch(multi, server.url .. "/", { timeout = 5 })
      assert.are.same({ 200 }, { transfer:result() })
      transfer:close()
      local files = {}
      for index = 1, 5 do
        files[index] = assert(io.open "/dev/null")
      end
      for index = 5, 1, -2 do
        files[index]:close()
      end
      assert.are.same({ 200 }, { fetch(multi, "http://localhost:" .. server.port .. "/", { timeout = 5 }):result() })
      for index = 4, 2, -2 do
        files[index]:close()
      end
    end
  end)

  it("resolves names again and again", function()
    server:reply { body = "{}", close = true, always = true }
    local multi <close> = core.multi { max_connections = 3 }
    for round = 1, 5 do
      local list = {}
      for index = 1, 6 do
        local url = index % 2 == 0 and "http://no-such-host-" .. round .. ".invalid/" or server.url .. "/"
        list[index] = add(multi, url, { timeout = 1 })
      end
      run_until(multi, function() return in_flight(multi) == 0 end)
      for index = 1, 6 do
        assert.are.equal(index % 2 == 0 and 0 or 200, (list[index]:result()))
      end
      take_all(multi)
    end
  end)

  describe("collected", function()
    it("ends what is in flight, whatever is collected first", function()
      server:reply { steps = { { stall = true } }, always = true }
      for _ = 1, 10 do
        do
          local multi, list = core.multi { max_connections = 3 }, {}
          for index = 1, 6 do
            list[index] = add(multi, server.url .. "/")
          end
          multi:step()
          if math.random() < 0.5 then
            list = nil
          else
            multi = nil
          end -- luacheck: ignore
          collect()
          assert.is_true(multi == nil or list == nil)
        end
        collect()
      end
      server:wait("open", "exactly", 0)
      assert.are.equal(0, server:count "open")
    end)

    it("does not happen to it while one of its transfers lives", function()
      server:reply { body = "{}", delay = 0.02 }
      local transfer = add(core.multi {}, server.url .. "/")
      collect()
      assert.are.equal("running", transfer:state())
      transfer:close()
      collect()
      assert.are.equal("closed", transfer:state())
    end)

    it("at the end of a state, from any place, is clean", function()
      server:reply { steps = { { stall = true } }, always = true }
      local text, ok = child.run(([[
        local core, send = require "hoopai.core", require "spec.support.send"
        local url = %q
        kept = {}
        setmetatable(kept, { __gc = function(self)
          -- A finaliser of the host that runs among ours.
          for _, value in ipairs(self) do
            pcall(value.step, value)
            pcall(value.next, value)
            pcall(value.state, value)
            pcall(value.close, value)
            pcall(send, value, { method = "GET", url = url, token = core.secret "t" })
          end
        end })
        for index = 1, 4 do
          local multi = core.multi { max_connections = 2 }
          kept[#kept + 1] = multi
          for _ = 1, 4 do kept[#kept + 1] = send(multi, { method = "GET", url = url }) end
          multi:step()
          if index == 2 then multi:close() end
          late = setmetatable({ multi }, { __gc = function(self)
            pcall(send, self[1], { method = "GET", url = url, token = core.secret "t" })
            pcall(self[1].step, self[1])
          end })
          kept[#kept + 1] = late
        end
        print "end"
      ]]):format(server.url))
      assert.are.equal("end\n", text)
      assert.is_true(ok)
    end)
  end)

  it("tells the result of a transfer that a finaliser closes meanwhile", function()
    local text, ok = child.run [[
      local core, send = require "hoopai.core", require "spec.support.send"
      local closed = 0
      for _ = 1, 20 do
        local multi = core.multi {}
        local transfer = send(multi, { url = "http://127.0.0.1:1/", method = "GET" })
        while transfer:state() ~= "done" do multi:wait(1) multi:step() end
        multi:close() -- so that closing the transfer frees all that it has
        local result, list = transfer.result, {}
        collectgarbage "collect"
        collectgarbage "stop"
        setmetatable({}, { __gc = function() transfer:close() end })
        require("spec.support.collector").pace(0, 1000, 30)
        collectgarbage "restart"
        for index = 1, 100 do list[index] = index end
        local _, kind, message = result(transfer)
        assert(kind == "network" and message:find("connect", 1, true), message)
        if transfer:state() == "closed" then closed = closed + 1 end
      end
      assert(closed > 0, "no finaliser ran in time")
      print "fine"
    ]]
    assert.are.equal("fine\n", text)
    assert.is_true(ok)
  end)

  it("sends nothing that is in a .netrc", function()
    server:reply { body = "{}" }
    local home = os.tmpname()
    assert(os.remove(home) and lfs.mkdir(home))
    local file = assert(io.open(home .. "/.netrc", "w"))
    file:write("machine 127.0.0.1 login somebody password secret\n")
    file:close()
    local text = child.run(
      ([[
      local multi, send = require("hoopai.core").multi {}, require "spec.support.send"
      local transfer = send(multi, { method = "GET", url = %q, timeout = 10 })
      repeat multi:step() multi:wait(0.1) until transfer:state() == "done"
      print(transfer:result())
    ]]):format(server.url),
      { set = { HOME = home } }
    )
    os.remove(home .. "/.netrc")
    lfs.rmdir(home)
    assert.are.equal("200\n", text)
    assert.is_nil(server:last().header.authorization)
  end)

  describe("with a proxy", function()
    it("takes none from the environment unless it is told to, and its own whatever the environment says", function()
      local proxy <close> = setmetatable(
        { server = test_server.start() },
        { __close = function(self) self.server:stop() end }
      )
      proxy.server:reply { body = "proxy", always = true }
      server:reply { body = "direct", always = true }
      local names = {
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
      }
      local function ask(options, variables)
        return (
          child.run(
            ([[
          local core, send = require "hoopai.core", require "spec.support.send"
          local multi = core.multi { %s }
          local transfer = send(multi, { method = "GET", url = %q, timeout = 10 })
          repeat multi:step() multi:wait(0.1) until transfer:state() == "done"
          print(transfer:body(), transfer:result())
        ]]):format(options, server.url),
            { unset = names, set = variables }
          )
        )
      end
      local environment = { http_proxy = proxy.server.url, all_proxy = proxy.server.url }
      assert.are.equal("direct\t200\n", ask("", environment))
      assert.are.equal("direct\t200\n", ask("proxy = ''", environment))
      assert.are.equal("proxy\t200\n", ask("proxy = 'environment'", environment))
      assert.are.equal(
        "direct\t200\n",
        ask("proxy = 'environment'", { http_proxy = proxy.server.url, no_proxy = "127.0.0.1" })
      )
      assert.are.equal("proxy\t200\n", ask(("proxy = %q"):format(proxy.server.url), {}))
      assert.are.equal("proxy\t200\n", ask(("proxy = %q"):format(proxy.server.url), { no_proxy = "*", NO_PROXY = "*" }))
      for _, request in ipairs(proxy.server:ledger()) do
        assert.are.equal(server.url .. "/", request.target)
      end
    end)

    it("shows it neither the token nor the request when it refuses to connect", function()
      server:reply { method = "CONNECT", status = 407, body = "no", headers = { ["Set-Cookie"] = "a=b" } }
      local multi <close> = core.multi { proxy = server.url }
      local transfer =
        fetch(multi, "https://services.example/secret-path", { token = core.secret(TOKEN), headers = { "X-Mine: 1" } })
      local status, kind = transfer:result()
      assert.are.same({ 0, "network" }, { status, kind })
      assert.are.equal(0, transfer:sent())
      local request = server:last()
      assert.are.equal("services.example:443", request.target)
      assert.is_nil(request.header.authorization)
      assert.is_nil(request.header["x-mine"])
    end)
  end)

  describe("over TLS", function()
    local pair, other, tls, tls1

    setup(function()
      pair, other = core_tls.certificate "IP:127.0.0.1", core_tls.certificate "DNS:elsewhere.example"
      tls, tls1 = core_tls.start(pair, "2"), core_tls.start(pair, "1.1")
    end)
    teardown(function()
      tls:stop()
      tls1:stop()
      core_tls.remove(pair)
      core_tls.remove(other)
    end)

    it("refuses a certificate that nobody vouches for, and sends nothing", function()
      for _, options in ipairs { {}, { ca_file = other.certificate }, { http2 = false } } do
        local multi <close> = core.multi(options)
        local transfer = fetch(multi, tls.url .. "/", { token = core.secret(TOKEN), timeout = 10 })
        local status, kind, message, code = transfer:result()
        assert.are.same({ 0, "tls" }, { status, kind })
        assert.is_truthy(message:find "certificate")
        assert.is_true(code > 0)
        assert.are.equal(0, transfer:sent())
        assert.are.equal("connect", transfer:stage())
      end
    end)

    it("refuses a certificate for another host", function()
      local wrong = core_tls.start(other, "2")
      local multi <close> = core.multi { ca_file = other.certificate }
      local transfer = fetch(multi, wrong.url .. "/", { token = core.secret(TOKEN), timeout = 10 })
      wrong:stop()
      assert.are.same({ 0, "tls" }, { (transfer:result()), (select(2, transfer:result())) })
      assert.are.equal(0, transfer:sent())
    end)

    it("says so when the file of authorities is missing or no such file", function()
      for _, name in ipairs { "/no/such/file.pem", "/etc/passwd" } do
        local multi <close> = core.multi { ca_file = name }
        local transfer = fetch(multi, tls.url .. "/", { timeout = 10 })
        assert.are.equal("tls", (select(2, transfer:result())))
        assert.are.equal(0, transfer:sent())
      end
    end)

    it("speaks no TLS older than 1.2, whatever the system's configuration allows", function()
      local config = os.tmpname()
      local file = assert(io.open(config, "w"))
      file:write(
        "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMinProtocol = TLSv1\n",
        "CipherString = DEFAULT@SECLEVEL=0\n"
      )
      file:close()
      local old = assert(
        io.popen(
          (
            "OPENSSL_CONF=%s timeout 20 openssl s_server -accept 127.0.0.1:0 -naccept 1 -www "
            .. "-tls1_1 -cert %s -key %s 2>&1"
          ):format(config, pair.certificate, pair.key)
        )
      )
      local port
      repeat
        port = assert(old:read "l"):match "^ACCEPT .*:(%d+)$"
      until port
      local text = child.run(
        ([[
        local multi, send = require("hoopai.core").multi { ca_file = %q }, require "spec.support.send"
        local transfer = send(multi, { method = "GET", url = "https://127.0.0.1:%s/", timeout = 10 })
        repeat multi:step() multi:wait(0.1) until transfer:state() == "done"
        print(transfer:sent(), transfer:result())
      ]]):format(pair.certificate, port),
        { set = { OPENSSL_CONF = config } }
      )
      old:close()
      os.remove(config)
      assert.matches("^0\t0\ttls\t.*protocol", text)
    end)

    it("refuses what is no TLS", function()
      server:reply { at = "accept", raw = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" }
      local multi <close> = core.multi {}
      local transfer = fetch(multi, "https://127.0.0.1:" .. server.port .. "/", { timeout = 10 })
      assert.are.equal("tls", (select(2, transfer:result())))
      assert.are.equal(0, transfer:sent())
    end)

    it("speaks HTTP/2 where the server does, many requests on one connection", function()
      local multi <close> = core.multi { ca_file = pair.certificate, max_connections = 4 }
      local list = {}
      for index = 1, 4 do
        list[index] = add(multi, tls.url .. "/slow", { token = core.secret(TOKEN), timeout = 10 })
      end
      run_until(multi, function() return in_flight(multi) == 0 end)
      for _, transfer in ipairs(list) do
        assert.are.same({ 200 }, { transfer:result() })
        assert.are.equal("1", transfer:body():match "^%d+")
        assert.are.equal("2", transfer:info().http_version)
        assert.are.equal("Bearer " .. TOKEN, transfer:headers()["x-authorization"])
        assert.are.equal(1, transfer:sent())
      end
      take_all(multi)
      -- Now that HTTP/2 is known, more may run than there are connections.
      for index = 1, 20 do
        list[index] = add(multi, tls.url .. "/slow", { timeout = 10 })
      end
      assert.are.same({ 0, 20 }, { multi:count() })
      run_until(multi, function() return in_flight(multi) == 0 end)
      for _, transfer in ipairs(list) do
        assert.are.same({ 200 }, { transfer:result() })
        assert.are.equal("1", transfer:body():match "^%d+")
        assert.is_true(transfer:info().reused)
      end
    end)

    it("sends each method and body over HTTP/2", function()
      for _, shape in ipairs {
        { "POST", "{}" },
        { "GET" },
        { "PUT" },
        { "DELETE" },
        { "DELETE", "x" },
        { "POST" },
        { "GET" },
      } do
        -- A set of its own for each: lua-http ends the connection after a request with a body.
        local multi <close> = core.multi { ca_file = pair.certificate }
        local transfer = fetch(multi, tls.url .. "/", {
          method = shape[1],
          body = shape[2],
          at_most_once = true,
          timeout = 10,
          headers = shape[2] and { "Content-Type: application/json" } or nil,
        })
        assert.are.same({ 200 }, { transfer:result() })
        assert.are.equal(shape[1], transfer:headers()["x-method"])
        transfer:close()
      end
    end)

    it("can be told not to", function()
      local multi <close> = core.multi { ca_file = pair.certificate, http2 = false }
      local transfer = fetch(multi, tls.url .. "/", { timeout = 10 })
      assert.are.same({ 200 }, { transfer:result() })
      assert.are.equal("1.1", transfer:info().http_version)
      assert.is_true(transfer:info().tls > 0)
    end)

    it("speaks HTTP/1.1 where the server does, on several connections", function()
      local multi <close> = core.multi { ca_file = pair.certificate, max_connections = 3 }
      local list, used = {}, {}
      for index = 1, 6 do
        list[index] = add(multi, tls1.url .. "/slow", { timeout = 10 })
      end
      run_until(multi, function() return in_flight(multi) == 0 end)
      for _, transfer in ipairs(list) do
        assert.are.same({ 200 }, { transfer:result() })
        assert.are.equal("1.1", transfer:info().http_version)
        used[transfer:body():match "^%d+"] = true
      end
      local count = 0
      for _ in pairs(used) do
        count = count + 1
      end
      assert.is_true(count <= 3)
    end)

    it("cancels single streams and leaves the others", function()
      local multi <close> = core.multi { ca_file = pair.certificate }
      fetch(multi, tls.url .. "/", { timeout = 10 }):close()
      local list = {}
      for index = 1, 10 do
        list[index] = add(multi, tls.url .. "/slow", { timeout = 10 })
      end
      core_http.pump(multi, 0.05)
      for index = 1, 10, 2 do
        list[index]:close()
      end
      run_until(multi, function() return in_flight(multi) == 0 end)
      for index = 2, 10, 2 do
        assert.are.same({ 200 }, { list[index]:result() })
      end
    end)
  end)

  describe("in a host", function()
    local host, pair, tls, drop

    setup(function()
      host = core_host.build()
      pair = core_tls.certificate "IP:127.0.0.1"
      tls, drop = core_tls.start(pair, "1.1"), core_tls.start(pair, "drop")
    end)
    teardown(function()
      tls:stop()
      drop:stop()
      core_tls.remove(pair)
      os.remove(host)
    end)

    it("that forks, the child refuses and leaves the parent's connections alone", function()
      server:reply({ path = "/slow", body = "slow", delay = 0.3 }, { body = "{}", always = true })
      local text, ok = core_host.run(
        host,
        [[
        local url = ...
        local core, send = require "hoopai.core", require "spec.support.send"
        local function run(multi, transfer)
          local limit = core.now() + 10
          repeat multi:step() multi:wait(0.05) until transfer:state() == "done" or core.now() > limit
          return transfer
        end
        local multi = core.multi { max_connections = 2 }
        local poller = core.poller()
        if poller then poller:add(multi:pollfd()) end
        local old = run(multi, send(multi, { method = "GET", url = url .. "/old" }))
        assert(old:result() == 200)
        multi:next()
        local slow = send(multi, { method = "GET", url = url .. "/slow", at_most_once = true })
        local other = send(multi, { method = "GET", url = url .. "/slow-too" })
        local queued = send(multi, { method = "GET", url = url .. "/queued" })
        repeat multi:step() multi:wait(0.01) until slow:sent() == 1
        local pid = host.fork()
        if pid == 0 then
          for _, method in ipairs { "step", "wait", "pollfd", "timeout" } do
            local done, problem = pcall(multi[method], multi, 0)
            assert(not done and problem:find "parent", method)
          end
          local done, problem = pcall(send, multi, { method = "GET", url = url })
          assert(not done and problem:find "parent")
          assert(multi:next() == nil)
          assert(old:body() == "{}" and old:result() == 200)
          if poller then assert(not pcall(poller.add, poller, 0)) end
          slow:close()
          assert(old:state() == "done" and old:body() == "{}")
          old:close()
          collectgarbage()
          local own = core.multi {}
          assert(run(own, send(own, { method = "GET", url = url .. "/child" })):result() == 200)
          return -- the rest is for the finalisers of lua_close
        end
        assert(host.wait(pid) == 0, "the child failed")
        run(multi, slow)
        assert(slow:result() == 200 and slow:body() == "slow" and slow:sent() == 1, "the parent lost its transfer")
        run(multi, queued)
        assert(other:state() == "done" and queued:result() == 200)
        while multi:next() do end
        local again = run(multi, send(multi, { method = "GET", url = url .. "/again" }))
        assert(again:result() == 200 and again:info().reused)
        if poller then
          multi:next()
          assert(poller:wait(0) == false)
          run(multi, send(multi, { method = "GET", url = url .. "/more" }))
        end
        print "parent done"
      ]],
        { arguments = { server.url } }
      )
      assert.are.equal("parent done\n", text)
      assert.is_true(ok)
      local slow = 0
      for _, request in ipairs(server:ledger()) do
        if request.path == "/slow" then slow = slow + 1 end
      end
      assert.are.equal(1, slow)
    end)

    it("a broken TLS connection raises no SIGPIPE that anybody sees", function()
      for _, held in ipairs { false, true } do
        local text, ok, how, code = core_host.run(
          host,
          [[
          local url, ca_file, held = ...
          local core, send = require "hoopai.core", require "spec.support.send"
          host.plain_writes()
          if held == "true" then host.hold_sigpipe() end
          local multi = core.multi { ca_file = ca_file, http2 = false }
          local body = ("x"):rep(4000000)
          local failed = 0
          for _ = 1, 10 do
            local transfer = send(multi, { method = "POST", url = url .. "/drop", body = body, timeout = 10 })
            repeat multi:step() multi:wait(0.05) until transfer:state() == "done"
            if select(2, transfer:result()) then failed = failed + 1 end
            multi:next()
            transfer:close()
          end
          for _ = 1, 5 do
            local transfer = send(multi, { method = "POST", url = url .. "/drop", body = body, timeout = 10 })
            for _ = 1, 20 do multi:step() multi:wait(0.005) end
            transfer:close()
          end
          multi:close()
          print(failed, host.sigpipe())
        ]],
          { arguments = { drop.url, pair.certificate, held } }
        )
        assert.are.equal(("10\t%s\t%s\ttrue\n"):format(held, held), text)
        assert.is_true(ok, tostring(how) .. tostring(code))
      end
    end)

    it("takes no descriptor out of its poll fd that libcurl has closed", function()
      server:reply { body = "{}", always = true }
      local silent, close_silent = test_server.silent()
      local text, ok = core_host.run(
        host,
        [[
        local url, silent = ...
        local core, send = require "hoopai.core", require "spec.support.send"

        local function step(multi, times)
          for _ = 1, times do
            multi:step()
            multi:wait(0.01)
          end
        end

        for _, name in ipairs { url, silent, (url:gsub("127%.0%.0%.1", "localhost")) } do
          for times = 0, 4 do
            -- A transfer that is closed, one that times out, and some that are in flight when the multi is closed.
            local multi = core.multi {}
            local closed = send(multi, { method = "GET", url = name .. "/", timeout = 10 })
            send(multi, { method = "GET", url = name .. "/", timeout = 0.02 })
            step(multi, times)
            closed:close()
            step(multi, 3)
            for _ = 1, 3 do send(multi, { method = "GET", url = name .. "/", timeout = 10 }) end
            step(multi, times)
            multi:close()
          end
        end
        print(host.wrong_removals())
      ]],
        { arguments = { server.url, silent } }
      )
      close_silent()
      assert.are.equal("0\n", text)
      assert.is_true(ok)
    end)

    it("with a state in each of several threads, all work at once", function()
      server:reply { body = '{"a":[1,2.5,null]}', delay = 0.002, always = true }
      local text, ok = core_host.run(
        host,
        [[
        local url, ca_url, ca_file = ...
        local core, send = require "hoopai.core", require "spec.support.send"
        local multi = core.multi { max_connections = 4, ca_file = ca_file }
        local done, tls_done = 0, 0
        for round = 1, 60 do
          send(multi,
            { method = "POST", url = url .. "/", body = core.encode { round = round }, token = core.secret "t" })
          if round % 20 == 0 then send(multi, { method = "GET", url = ca_url .. "/" }) end
        end
        local limit = core.now() + 30
        repeat
          multi:step()
          for transfer in multi.next, multi do
            assert(transfer:result() == 200)
            if transfer:headers()["x-method"] then
              tls_done = tls_done + 1
            else
              assert(core.decode(transfer:body()).a[2] == 2.5)
              done = done + 1
            end
            transfer:close()
          end
          if done + tls_done < 63 then multi:wait(0.1) end
        until done + tls_done == 63 or core.now() > limit
        assert(done == 60 and tls_done == 3)
        send(multi, { method = "GET", url = url .. "/" }) -- still in flight when the state ends
        multi:step()
        io.write "done\n" -- one write: the threads share the output
      ]],
        { threads = 8, arguments = { server.url, tls.url, pair.certificate } }
      )
      assert.are.equal(("done\n"):rep(8), text)
      assert.is_true(ok)
    end)
  end)
end)
