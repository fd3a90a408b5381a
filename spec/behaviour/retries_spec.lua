-- Failed attempts, over real sockets: what is sent again and what never is, what is reconciled, the hooks, the
-- deadlines, the rate limit, and what ends a wait.

local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local sandbox = require "hoopai.sandbox"
local servers = require "spec.support.server"

local failure = expect.failure

local TOKEN = "pit-0b3c4d5e-retries-spec"
local LOCATION, OTHER = "ve9EPM428h8vShlRW1KT", "C2QujeCh8ZnC7al2InWR"

local CALENDAR = { method = "GET", path = "/calendars/c", body = [[{"calendar":{"id":"c","name":"Yoga"}}]] }
local NOTE = {
  method = "POST",
  path = "/calendars/appointments/a/notes",
  status = 201,
  body = [[{"note":{"id":"n","body":"Paid"}}]],
}

--- A rule with other fields.
local function with(rule, fields)
  local copy = {}
  for name, value in pairs(rule) do
    copy[name] = value
  end
  for name, value in pairs(fields) do
    copy[name] = value
  end
  return copy
end

local function status(rule, code, fields)
  return with(with(rule, { status = code, body = [[{"message":"no"}]] }), fields or {})
end

-- How an attempt fails after it left, and the kind of the error.
-- stylua: ignore
local unclear = {
  { "500", { status = 500, body = "{}" }, "server" },
  { "502 with HTML", { status = 502, body = "<html>" }, "server" },
  { "503", { status = 503, body = "{}" }, "server" },
  { "504", { status = 504, body = "" }, "server" },
  { "408", { status = 408, body = "{}" }, "rejected" },
  { "a connection that is closed", { close = "before" }, "network" },
  { "a connection that is reset", { reset = "before" }, "network" },
  { "only half a response", { raw = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"calendar\":", close = true },
    "network" },
  { "only an interim response", { raw = "HTTP/1.1 102 Processing\r\n\r\n", close = true }, "network" },
  { "broken chunks", { raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"cal", close = true },
    "network" },
  { "a response that is no JSON", { body = "<html>hello</html>" }, "decode" },
  { "a response of another shape", { body = "[1]" }, "decode" },
}

describe("retries:", function()
  local server
  local random = core.random

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(function()
    leak.before()
    core.random = function() return 0.04 end -- pauses of 20 ms and more
  end)
  after_each(function()
    core.random = random
    leak.after(server)
  end)

  local function new(options)
    local all = { token = TOKEN, base_url = server.url, location_id = LOCATION, retries = 2 }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    return leak.client(all)
  end

  local function get(client, options) return client.calendars:get("c", options) end
  local function note(client, options) return client.notes:create("a", { body = "Paid", userId = "u" }, options) end

  --- What arrived, such as "PUT GET PUT".
  local function methods()
    local list = {}
    for _, entry in ipairs(server:ledger()) do
      list[#list + 1] = entry.method
    end
    return table.concat(list, " ")
  end

  --- Seconds that fn takes, and what it returns.
  local function timed(fn, ...)
    local begun = core.now()
    local results = table.pack(fn(...))
    return core.now() - begun, table.unpack(results, 1, results.n)
  end

  local function in_task(fn, ...) return hoopai.run(fn, ...) end

  local function blocking(fn, ...) return fn(...) end

  for mode, run in pairs { ["in a task"] = in_task, ["in a blocking call"] = blocking } do
    describe("a read, " .. mode .. ", is sent again after", function()
      for _, case in ipairs(unclear) do
        it(case[1], function()
          server:reply(with(CALENDAR, case[2]), CALENDAR)
          local calendar, response = run(get, new())
          assert(calendar, response)
          assert.are.equal("c", calendar.id)
          assert.are.equal(2, response.attempts)
          assert.is_nil(response.reconciled)
          assert.are.equal("GET GET", methods())
        end)
      end

      for _, code in ipairs { 421, 425 } do
        it(tostring(code), function()
          server:reply(status(CALENDAR, code), CALENDAR)
          assert.are.equal(2, select(2, assert(run(get, new()))).attempts)
        end)
      end

      it("429, when the stated time is over", function()
        server:reply(status(CALENDAR, 429, { headers = { ["Retry-After"] = "1" } }), CALENDAR)
        local seconds, calendar, response = timed(run, get, new())
        assert(calendar, response)
        assert.is_true(seconds >= 1, seconds)
        assert.are.equal(2, response.attempts)
      end)
    end)
  end

  describe("a read is not sent again", function()
    for _, code in ipairs { 301, 400, 403, 404, 409, 410, 415, 422 } do
      it("after " .. code, function()
        server:reply(status(CALENDAR, code))
        local _, err = get(new())
        assert.are.same({ code, 1, "no" }, { err.status, err.attempts, err.applied })
      end)
    end

    it("after a second response that cannot be read", function()
      server:reply(with(CALENDAR, { body = "?", times = 2 }))
      local result, err = get(new())
      failure("decode", result, err, { attempts = 2, applied = "no" })
    end)

    it("after a second 421 or 425, whatever lies between", function()
      server:reply(status(CALENDAR, 421), status(CALENDAR, 425))
      local result, err = get(new())
      failure("rejected", result, err, { attempts = 2 })
      server:reply(status(CALENDAR, 421), status(CALENDAR, 500), status(CALENDAR, 421))
      result, err = get(new { retries = 5 })
      failure("rejected", result, err, { attempts = 3 })
    end)

    it("more often than the option allows", function()
      server:reply(status(CALENDAR, 500, { times = 3 }))
      local result, err = get(new())
      failure("server", result, err, { attempts = 3, retryable = true })
    end)

    it("if retries are off: for the client, for a call, for a client made by `with`", function()
      local client = new()
      for _, try in ipairs {
        function() return get(new { retries = false }) end,
        function() return get(new { retries = 0 }) end,
        function() return get(client, { retries = false }) end,
        function() return get(client, { retries = 0 }) end,
        function() return get(client:with { retries = 0 }) end,
      } do
        server:reply(status(CALENDAR, 500))
        local result, err = try()
        failure("server", result, err, { attempts = 1 })
      end
      server:reply(status(CALENDAR, 500, { times = 2 }))
      local result, err = get(new { retries = false }, { retries = 1 })
      failure("server", result, err, { attempts = 2 })
    end)
  end)

  describe("without a connection", function()
    it("anything is tried again, and nothing was done", function()
      local url, holder = servers.refusing()
      for _, try in ipairs { get, note } do
        local result, err = try(new { base_url = url })
        failure("network", result, err, { attempts = 3, applied = "no", retryable = true })
      end
      holder:close()
    end)

    it("a create is made once when the server starts late", function()
      local url, holder = servers.refusing()
      local bodies = {}
      local function serve() -- a server of one request, once the first attempts were refused
        holder:settimeout(0)
        local peer
        repeat
          hoopai.sleep(0.005)
          peer = holder:accept()
        until peer
        peer:settimeout(0)
        local text = ""
        repeat
          hoopai.sleep(0.005)
          local _, _, part = peer:receive(65536)
          text = text .. part
        until text:find('"Paid"', 1, true)
        bodies[#bodies + 1] = text
        peer:send("HTTP/1.1 201 Created\r\nContent-Length: " .. #NOTE.body .. "\r\n\r\n" .. NOTE.body)
        peer:close()
      end
      local reasons = {}
      local client = new {
        base_url = url,
        on = {
          retry = function(event)
            reasons[#reasons + 1] = event.reason
            if #reasons == 2 then assert(holder:listen(8)) end
          end,
        },
      }
      local made, response = hoopai.run(function()
        hoopai.spawn(function()
          while #reasons < 2 do
            hoopai.sleep(0.005)
          end
          serve()
        end)
        return note(client)
      end)
      holder:close()
      assert(made, response)
      assert.are.same({ "n", 3, 1 }, { made.id, response.attempts, #bodies })
      assert.are.same({ "connect", "connect" }, reasons)
    end)
  end)

  describe("a create never leaves twice after", function()
    for _, case in ipairs(unclear) do
      it(case[1], function()
        server:reply(with(NOTE, case[2]))
        local result, err = hoopai.run(note, new { retries = 10 })
        failure(case[3], result, err, { attempts = 1, retryable = false })
        assert.is_true(err.applied == "maybe" or err.applied == "yes", err.applied)
        assert.are.equal("POST", methods())
      end)
    end

    it("a response that never comes", function()
      server:reply(with(NOTE, { steps = { { stall = true } } }))
      local result, err = note(new { timeout = 0.2 })
      failure("timeout", result, err, { attempts = 1, applied = "maybe", stage = "wait" })
    end)
  end)

  describe("a create is sent again after", function()
    it("429", function()
      server:reply(status(NOTE, 429, { headers = { ["Retry-After"] = "0" } }), NOTE)
      assert.are.equal(2, select(2, assert(note(new()))).attempts)
    end)

    it("401, with another token, whatever `retries` is", function()
      local tokens = {}
      for _, retries in ipairs { 0, 2 } do
        server:reply(status(NOTE, 401), NOTE)
        local client = new {
          retries = retries,
          token = function(reason)
            tokens[#tokens + 1] = reason
            return "token-" .. #tokens
          end,
        }
        assert.are.equal(2, select(2, assert(note(client))).attempts)
      end
      assert.are.same({ "first", "refused", "first", "refused" }, tokens)
    end)

    it("401, and the repetition for the token leaves the retries as they were", function()
      server:reply(status(NOTE, 401), status(NOTE, 429, { headers = { ["Retry-After"] = "0" } }), NOTE)
      assert.are.equal(3, select(2, assert(note(new { retries = 1, token = function(r) return r end }))).attempts)
    end)

    for _, code in ipairs { 421, 425 } do
      it(tostring(code), function()
        server:reply(status(NOTE, code), NOTE)
        assert.are.equal(2, select(2, assert(note(new()))).attempts)
      end)
    end
  end)

  describe("a change whose response was lost", function()
    local PUT = { method = "PUT", path = "/calendars/c", body = [[{"calendar":{"id":"c","name":"New"}}]] }
    local LOST = with(PUT, { close = "before" })
    local OLD, NEW = CALENDAR, with(CALENDAR, { body = [[{"calendar":{"id":"c","name":"New"}}]] })

    local function update(client, options) return client.calendars:update("c", { name = "New" }, options) end

    for _, case in ipairs(unclear) do
      it("is not repeated if it was made: after " .. case[1], function()
        server:reply(with(PUT, case[2]), NEW)
        local calendar, response = hoopai.run(update, new())
        assert(calendar, response)
        assert.are.same({ "New", true, 1 }, { calendar.name, response.reconciled, response.attempts })
        assert.are.equal("PUT GET", methods())
      end)
    end

    it("is sent again if it was not made", function()
      server:reply(LOST, OLD, PUT)
      local calendar, response = update(new())
      assert(calendar, response)
      assert.are.same({ "New", nil, 2 }, { calendar.name, response.reconciled, response.attempts })
      assert.are.equal("PUT GET PUT", methods())
    end)

    it("is reconciled each time, and not sent more often than allowed", function()
      server:reply(LOST, OLD, LOST, OLD, LOST)
      local result, err = update(new())
      failure("network", result, err, { attempts = 3, applied = "maybe", retryable = false })
      assert.are.equal("PUT GET PUT GET PUT", methods())
    end)

    it("stays unclear if it cannot be reconciled, or is not to be", function()
      for _, response in ipairs { status(CALENDAR, 404), status(CALENDAR, 403), with(CALENDAR, { body = "{}" }) } do
        server:reply(LOST, response)
        local result, err = update(new())
        failure("network", result, err, { attempts = 1, applied = "maybe" })
      end
      server:reply(LOST)
      local result, err = update(new { retries = 0 })
      failure("network", result, err, { attempts = 1, applied = "maybe" })
      server:reply { method = "DELETE", path = "/calendars/events/e", status = 502 }
      result, err = new().events:delete("e")
      failure("server", result, err, { attempts = 1, applied = "maybe" })
      server:reply { method = "PUT", path = "/other", status = 502 }
      result, err = new():request { method = "PUT", path = "/other", body = { a = 1 } }
      failure("server", result, err, { attempts = 1, applied = "maybe" })
    end)

    it("stays `maybe` when its repetition is refused", function()
      server:reply(LOST, OLD, status(PUT, 422))
      local result, err = update(new())
      failure("refused", result, err, { attempts = 2, applied = "maybe", retryable = false })
    end)

    it("is reconciled within the deadline of the call", function()
      server:reply(LOST, with(CALENDAR, { steps = { { stall = true } } }))
      local seconds, result, err = timed(hoopai.run, update, new { timeout = 0.4 })
      failure("network", result, err, { attempts = 1, applied = "maybe" })
      assert.is_true(seconds >= 0.3 and seconds < 8, seconds)
    end)

    it("is reconciled within the deadline of the call, in a list of several pages too", function()
      local page = with(NOTE, {
        method = "GET",
        status = 200,
        delay = 0.15,
        always = true,
        body = [[{"notes":[{"id":"x","body":"y"}],"hasMore":true}]],
      })
      server:reply({ method = "PUT", path = NOTE.path .. "/n", status = 502 }, page)
      local seconds, result, err = timed(
        hoopai.run,
        function() return new { timeout = 0.4 }.notes:update("a", "n", { body = "Paid" }) end
      )
      failure("server", result, err, { attempts = 1, applied = "maybe" })
      assert.is_true(seconds < 8, seconds)
    end)

    it("is reconciled within the deadline of the call, the wait for the rate limit included", function()
      local headers = { ["X-RateLimit-Max"] = "1", ["X-RateLimit-Interval-Milliseconds"] = "5000" }
      server:reply(status(PUT, 500, { headers = headers }))
      local seconds, result, err = timed(hoopai.run, update, new { timeout = 0.5, rate_limit = true })
      failure("server", result, err, { attempts = 1, applied = "maybe" })
      assert.is_true(seconds < 8, seconds)
    end)
  end)

  describe("a delete whose response was lost", function()
    local DELETE = { method = "DELETE", path = "/calendars/c", body = [[{"success":true}]] }
    local LOST = with(DELETE, { status = 502 })

    local function remove(client) return client.calendars:delete("c") end

    it("is done if the record is absent", function()
      server:reply(LOST, status(CALENDAR, 404))
      local result, response = remove(new())
      assert(result, response)
      assert.are.same({ success = true }, result)
      assert.are.same({ true, 1 }, { response.reconciled, response.attempts })
    end)

    it("is sent again if the record is there, and then its absence is success", function()
      server:reply(LOST, CALENDAR, status(DELETE, 404))
      local result, response = remove(new())
      assert(result, response)
      assert.are.same({ success = true }, result)
      assert.are.same({ true, 2 }, { response.reconciled, response.attempts })
    end)

    it("is not found if no delete of this call went before", function()
      server:reply(status(DELETE, 429, { headers = { ["Retry-After"] = "0" } }), status(DELETE, 404))
      local result, err = remove(new())
      failure("not_found", result, err, { attempts = 2, applied = "no" })
    end)

    it("does not take the absence of a schedule for a calendar that was taken out of it", function()
      server:reply(
        { method = "DELETE", path = "/calendars/schedules/s/associations/c", status = 502 },
        { method = "GET", path = "/calendars/schedules/s", body = [[{"schedule":{"id":"s","calendarIds":["c"]}}]] },
        { method = "DELETE", path = "/calendars/schedules/s/associations/c", status = 404, body = "{}" }
      )
      local result, err = new().schedules:remove_calendar("s", "c")
      failure("not_found", result, err, { attempts = 2, applied = "maybe" })
    end)
  end)

  describe("the hook `retry`", function()
    it("may not wait; what it raises goes to warn(), and the retry goes on", function()
      local client, refused
      client = new { on = { retry = function() refused = not pcall(get, client) end } }
      server:reply(status(CALENDAR, 500), CALENDAR)
      assert(get(client))
      assert.is_true(refused)
      server:reply(status(CALENDAR, 500), CALENDAR)
      assert(hoopai.run(get, new { on = { retry = function() error "mine" end } }))
      server:reply(status(CALENDAR, 500), CALENDAR)
      assert(hoopai.run(get, new { on = { retry = function() coroutine.yield() end } }))
    end)

    it("that closes the client ends the call at once", function()
      for _, run in ipairs { in_task, blocking } do
        local client
        client = new { on = { retry = function() client:close() end } }
        core.random = function() return 1 end
        server:reply(status(CALENDAR, 429, { headers = { ["Retry-After"] = "10" } }))
        local seconds, result, err = timed(run, get, client)
        failure("closed", result, err, { attempts = 1, applied = "no" })
        assert.are.equal("rate_limit", err.cause.kind)
        assert.is_true(seconds < 5, seconds)
      end
    end)
  end)

  describe("`timeout`", function()
    it("is over all attempts", function()
      for _, run in ipairs { in_task, blocking } do
        server:reply(status(CALENDAR, 500, { delay = 1 }), with(CALENDAR, { steps = { { stall = true } } }))
        local seconds, result, err = timed(run, get, new { timeout = 2 })
        failure("timeout", result, err, { attempts = 2, stage = "wait", applied = "no" })
        assert.is_true(seconds >= 1.95 and seconds < 2.95, seconds) -- an attempt with a new timeout: 3 s
      end
    end)

    it("is not spent on a pause that it would cut", function()
      server:reply(status(CALENDAR, 503, { headers = { ["Retry-After"] = "20" } }))
      local seconds, result, err = timed(get, new { timeout = 10 })
      failure("server", result, err, { attempts = 1, retry_after = 20 })
      assert.is_true(seconds < 5, seconds)
    end)

    it("is over the wait for the rate limit of a repetition too", function()
      for _, run in ipairs { in_task, blocking } do
        server:reply(status(CALENDAR, 500, {
          headers = {
            ["X-RateLimit-Max"] = "1",
            ["X-RateLimit-Interval-Milliseconds"] = "20000",
          },
        }))
        local seconds, result, err = timed(run, get, new { timeout = 0.5, rate_limit = true })
        failure("timeout", result, err, { attempts = 1, stage = "queue", applied = "no" })
        assert.are.equal("server", err.cause.kind)
        assert.is_true(seconds < 8, seconds)
      end
    end)
  end)

  --- A client with a rate limit that the server's responses state, of which one request is used.
  local function limited(most, interval_ms, options)
    local headers = {
      ["X-RateLimit-Max"] = tostring(most),
      ["X-RateLimit-Interval-Milliseconds"] = tostring(interval_ms),
    }
    server:reply(with(CALENDAR, { headers = headers }))
    local all = { rate_limit = true, retries = 0 }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    local client = new(all)
    assert(get(client))
    return client
  end

  describe("`queue_timeout`", function()
    it("does not begin a wait for the rate limit that would be longer", function()
      for _, run in ipairs { in_task, blocking } do
        local client = limited(1, 20000)
        local seconds, result, err = timed(run, get, client, { queue_timeout = 10 })
        failure("timeout", result, err, { attempts = 0, stage = "queue", applied = "no", retryable = true })
        assert.is_true(seconds < 5, seconds)
      end
    end)

    it("bounds the wait behind others, and for responses that are to come", function()
      local client = new { rate_limit = true }
      server:reply(with(CALENDAR, { hold = "responses", times = 20 }))
      hoopai.run(function()
        for _ = 1, 20 do
          hoopai.spawn(get, client)
        end
        for _ = 1, 3 do
          hoopai.spawn(function()
            local seconds, result, err = timed(get, client, { queue_timeout = 0.1 })
            failure("timeout", result, err, { stage = "queue", attempts = 0 })
            assert.is_true(seconds >= 0.1 and seconds < 5, seconds)
          end)
        end
        hoopai.sleep(0.3)
        server:release "responses"
      end)
    end)

    it("bounds the waits for the rate limit and for a connection together", function()
      local client = limited(2, 400, { max_connections = 1 })
      hoopai.run(function()
        server:reply(with(CALENDAR, { hold = "response" }), with(CALENDAR, { times = 0 }))
        hoopai.spawn(get, client)
        hoopai.sleep(0)
        local seconds, result, err = timed(get, client, { queue_timeout = 0.8 })
        failure("timeout", result, err, { stage = "queue", attempts = 1, applied = "no" })
        assert.is_true(seconds >= 0.75 and seconds < 5, seconds)
        server:release "response"
      end)
      assert.are.equal(2, #server:ledger())
    end)
  end)

  describe("the rate limit", function()
    it("is waited for, in a task and in a blocking call", function()
      for _, run in ipairs { in_task, blocking } do
        local client = limited(1, 300)
        server:reply(with(CALENDAR, { times = 2 }))
        local seconds = timed(run, function()
          assert(get(client))
          assert(get(client))
        end)
        assert.is_true(seconds >= 0.4 and seconds < 5, seconds)
      end
    end)

    it("is shared by a client and those made by `with`, for the location of the call", function()
      local waited = {}
      local client = limited(1, 600, { on = { wait = function(event) waited[#waited + 1] = event.location_id end } })
      local child, elsewhere = client:with { timeout = 5 }, client:with { location_id = OTHER }
      server:reply(with(CALENDAR, { times = 3 }), { method = "POST", path = "/new", body = "{}" })
      assert(get(elsewhere))
      assert(get(client, { location_id = "third" }))
      assert(client:request { method = "POST", path = "/new", query = { a = "b" }, body = { locationId = OTHER } })
      assert.are.same({}, waited)
      assert(get(child))
      assert.are.same({ LOCATION }, waited)
    end)

    it("lets other locations go on while one waits", function()
      local client = limited(1, 1000)
      server:reply(with(CALENDAR, { times = 7 }))
      local order = {}
      hoopai.run(function()
        hoopai.spawn(function()
          assert(get(client))
          order[#order + 1] = "waited"
        end)
        hoopai.sleep(0)
        for _ = 1, 6 do
          assert(get(client, { location_id = OTHER }))
        end
        order[#order + 1] = "elsewhere"
      end)
      assert.are.same({ "elsewhere", "waited" }, order)
    end)

    it("is handed out first come, first served", function()
      local client = limited(2, 150)
      local order = {}
      server:reply(with(CALENDAR, { times = 8 }))
      hoopai.run(function()
        for index = 1, 8 do
          hoopai.spawn(function()
            assert(get(client))
            order[#order + 1] = index
          end)
        end
      end)
      for index = 1, 8 do
        assert.is_true(math.abs(order[index] - index) <= 1, table.concat(order, " "))
      end
    end)

    it("can be switched off", function()
      local client = limited(1, 5000, { rate_limit = false })
      server:reply(CALENDAR)
      assert.is_true(timed(function() assert(get(client)) end) < 2)
    end)

    it("fails at once if the day is used up, and other locations go on", function()
      server:reply(
        with(CALENDAR, {
          headers = {
            ["X-RateLimit-Daily-Remaining"] = "0",
            ["X-RateLimit-Daily-Reset"] = "3600000",
          },
        }),
        CALENDAR
      )
      local client = new { rate_limit = true }
      assert(get(client))
      local result, err = get(client)
      failure("rate_limit", result, err, { scope = "daily", attempts = 0, applied = "no", retryable = true })
      assert.is_true(err.retry_after > 550 and err.retry_after <= 600, err.retry_after) -- until a probe
      assert(get(client, { location_id = OTHER }))
    end)

    it("does not wait for a pause of more than a minute", function()
      server:reply(status(CALENDAR, 429, { headers = { ["Retry-After"] = "3600" } }))
      local client = new { rate_limit = true }
      local result, err = get(client)
      failure("rate_limit", result, err, { attempts = 1, retry_after = 60, scope = "burst" })
      result, err = get(client)
      failure("rate_limit", result, err, { attempts = 0, scope = "burst" })
      assert.is_true(err.retry_after > 40 and err.retry_after <= 60, err.retry_after) -- until a probe
    end)

    it("is paused by a 429 whose body breaks off, for as long as its headers ask", function()
      local raw = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 100\r\n\r\n{"
      server:reply(with(CALENDAR, { raw = raw, close = true }), CALENDAR)
      local seconds, calendar, response = timed(get, new { rate_limit = true })
      assert(calendar, response)
      assert.are.equal(2, response.attempts)
      assert.is_true(seconds >= 1 and seconds < 5, seconds)
    end)

    describe("the hook `wait`", function()
      it("that raises changes nothing", function()
        local waits = 0
        local client = limited(1, 1000, {
          on = {
            wait = function()
              waits = waits + 1
              error "mine"
            end,
          },
        })
        server:reply(CALENDAR)
        assert(get(client))
        assert.are.equal(1, waits)
      end)

      it("that closes the client ends the call at once", function()
        for _, run in ipairs { in_task, blocking } do
          local client
          client = limited(1, 10000, { on = { wait = function() client:close() end } })
          local seconds, result, err = timed(run, get, client)
          failure("closed", result, err, { attempts = 0, applied = "no" })
          assert.is_true(seconds < 5, seconds)
        end
      end)
    end)
  end)

  describe("close() ends at once", function()
    --- Starts calls as tasks, closes the client a moment later, and checks that they end with kind "closed".
    local function closes(client, count, closing, wait_until)
      local seconds = timed(hoopai.run, function()
        local tasks = {}
        for index = 1, count do
          tasks[index] = hoopai.spawn(get, client)
        end
        if wait_until then
          expect.eventually(wait_until, "the calls wait")
        else
          hoopai.sleep(0.05)
        end
        closing:close()
        for index = 1, count do
          local result, err = tasks[index]:join()
          failure("closed", result, err, { applied = "no" })
        end
      end)
      assert.is_true(seconds < 5, seconds)
    end

    it("the wait for the rate limit, of all in the line", function()
      local client = limited(1, 10000)
      closes(client, 5, client)
    end)

    it("the wait for a response that states the rate limit", function()
      local client = new { rate_limit = true }
      server:reply(with(CALENDAR, { hold = "never", times = 20 }))
      closes(client, 25, client, function() return #server:ledger() == 20 end)
    end)

    it("the pause of a retry", function()
      local pausing = false
      local client = new { on = { retry = function() pausing = true end } }
      server:reply(status(CALENDAR, 429, { headers = { ["Retry-After"] = "10" } }))
      closes(client, 1, client, function() return pausing end)
    end)

    it("the waits of a client made by `with` if that one is closed, and of no other", function()
      local client = limited(1, 700)
      local child = client:with { timeout = 20 }
      server:reply(CALENDAR)
      hoopai.run(function()
        local ours = hoopai.spawn(get, client)
        hoopai.sleep(0)
        closes(child, 2, child)
        assert(ours:join())
      end)
      local pausing = 0
      client = new { on = { retry = function() pausing = pausing + 1 end } }
      child = client:with {}
      server:reply(status(CALENDAR, 429, { headers = { ["Retry-After"] = "1" }, times = 2 }), CALENDAR)
      hoopai.run(function()
        local begun = core.now()
        local ours = hoopai.spawn(get, client)
        closes(child, 1, child, function() return pausing == 2 end)
        assert(ours:join())
        assert.is_true(core.now() - begun >= 1, "the pause of another call was cut short")
      end)
    end)
  end)

  describe("task:cancel releases the permit of the rate limit", function()
    --- Cancels `count` tasks once `waiting()`; then as many calls as before must still have room.
    local function cancels(call, count, waiting)
      hoopai.run(function()
        local tasks = {}
        for index = 1, count do
          tasks[index] = hoopai.spawn(call)
        end
        if waiting then
          expect.eventually(waiting, "the calls wait")
        else
          hoopai.sleep(0.05)
        end
        for _, task in ipairs(tasks) do
          task:cancel()
        end
      end)
    end

    it("while it waits for a token", function()
      local slow = true
      local client = new {
        rate_limit = true,
        token = function()
          if slow then hoopai.sleep(5) end
          return "t"
        end,
      }
      cancels(function() return get(client) end, 20)
      slow = false
      server:reply(with(CALENDAR, { times = 20 }))
      local calls = {}
      for index = 1, 20 do
        calls[index] = index
      end
      assert.is_nil(select(2, hoopai.map(calls, function() return get(client) end, { concurrency = 20 })))
    end)

    it("while it waits for a connection", function()
      local client = limited(3, 400, { max_connections = 1 })
      server:reply(with(CALENDAR, { hold = "response" }), CALENDAR)
      hoopai.run(function()
        local first = hoopai.spawn(get, client)
        hoopai.sleep(0)
        local second = hoopai.spawn(get, client)
        hoopai.sleep(0.05)
        second:cancel()
        server:release "response"
        assert(first:join())
        assert(get(client, { queue_timeout = 5 }))
      end)
    end)

    it("while its request is under way: that one counts", function()
      local client = limited(2, 1000)
      server:reply(with(CALENDAR, { steps = { { stall = true } } }), CALENDAR)
      cancels(function() return get(client) end, 1, function() return #server:ledger() == 2 end)
      local result, err = get(client, { queue_timeout = 0.1 })
      failure("timeout", result, err, { stage = "queue" })
      assert(get(client, { queue_timeout = 5 }))
    end)

    it("while nothing is known and twenty are under way", function()
      local client = new { rate_limit = true }
      server:reply(with(CALENDAR, { steps = { { stall = true } }, times = 20 }), CALENDAR)
      cancels(function() return get(client) end, 25, function() return #server:ledger() == 20 end)
      assert(get(client, { queue_timeout = 5 }))
    end)

    it("while it waits for the rate limit, as first or behind others", function()
      for _, victim in ipairs { 1, 2, 3 } do
        local client = limited(1, 250)
        server:reply(with(CALENDAR, { times = 2 }))
        hoopai.run(function()
          local tasks = {}
          for index = 1, 3 do
            tasks[index] = hoopai.spawn(get, client)
          end
          hoopai.sleep(0.02)
          tasks[victim]:cancel()
          for index = 1, 3 do
            local result, err = tasks[index]:join()
            if index == victim then
              failure("cancelled", result, err)
            else
              assert(result, err)
            end
          end
        end)
      end
    end)

    it("in the pause of a retry", function()
      local pausing
      local client = limited(3, 60000, { retries = 2, on = { retry = function() pausing = true end } })
      server:reply(status(CALENDAR, 503, { headers = { ["Retry-After"] = "20" } }), CALENDAR)
      cancels(function() return get(client) end, 1, function() return pausing end)
      assert(get(client, { queue_timeout = 1 }))
    end)
  end)

  describe("an outage", function()
    it("is not followed by a storm of retries, in one location as little as in another", function()
      server:reply(status(CALENDAR, 500, { always = true }))
      local client = new { rate_limit = true, retries = 10 }
      local calls = {}
      for index = 1, 100 do
        calls[index] = index
      end
      local _, errors = hoopai.map(calls, function() return get(client) end)
      for index = 1, 100 do
        assert.are.equal("server", errors[index].kind)
      end
      local requests = #server:ledger()
      assert.is_true(requests > 100 and requests <= 105, requests)
      hoopai.map(calls, function() return get(client, { location_id = OTHER }) end)
      assert.is_true(#server:ledger() <= requests + 105, #server:ledger())
    end)

    it("is over when calls succeed again", function()
      local client = new()
      server:reply(status(CALENDAR, 500, { times = 5 }), with(CALENDAR, { times = 11 }))
      server:reply(status(CALENDAR, 500), CALENDAR)
      for _, attempts in ipairs { 3, 2 } do
        local result, err = get(client)
        failure("server", result, err, { attempts = attempts })
      end
      for _ = 1, 11 do
        assert(get(client))
      end
      assert.are.equal(2, select(2, assert(get(client))).attempts)
    end)
  end)

  describe("against the sandbox,", function()
    local box

    setup(function() box = sandbox.start { control = true } end)
    teardown(function() box:stop() end)
    before_each(function() box:control "reset" end)

    local function boxed(options)
      local all = { base_url = box.url, token = box.token, location_id = box.location_id, rate_limit = true }
      for name, value in pairs(options or {}) do
        all[name] = value
      end
      return new(all)
    end

    local function requests(code)
      local list = {}
      for _, entry in ipairs(box:control("requests").requests) do
        if not code or entry.status == code then list[#list + 1] = entry end
      end
      return list
    end

    it("500 calls through map at 100 a second meet no 429", function()
      box:control("rate_limit", { max = 100, interval_ms = 1000 })
      local client, calls = boxed(), {}
      for index = 1, 500 do
        calls[index] = index
      end
      local seconds, _, errors = timed(
        hoopai.map,
        calls,
        function() return client.calendars:get(box.seed.calendars.checkup) end,
        { concurrency = 50 }
      )
      assert.is_nil(errors)
      assert.are.equal(500, #requests(200))
      assert.are.equal(0, #requests(429))
      assert.is_true(seconds < 20, seconds) -- 4 s at least; how near to it: spec/bench/rate_limit_bench.lua
    end)

    it("after a 429 nothing of that location arrives before the stated time, and others go on", function()
      box:control("rate_limit", { max = 5, interval_ms = 1500 })
      local stranger, client = boxed { rate_limit = false, retries = 0 }, boxed()
      local other = boxed { token = box.tokens.other_location, location_id = box.seed.other_location_id }
      local checkup = box.seed.calendars.checkup
      for _ = 1, 5 do
        assert(stranger.calendars:get(checkup))
      end -- another program uses the rate limit up
      local refused_at, arrived, elsewhere = nil, {}, 0
      hoopai.run(function()
        hoopai.spawn(function()
          while #arrived < 2 do
            if other.groups:list() then elsewhere = elsewhere + 1 end
            hoopai.sleep(0.4)
          end
        end)
        local calls = { 1, 2, 3 }
        local results, errors = hoopai.map(calls, function()
          local calendar, response = client.calendars:get(checkup)
          arrived[#arrived + 1] = core.now()
          return calendar, response
        end)
        assert.is_nil(errors)
        assert.are.equal(3, results.n)
      end)
      local ledger = requests()
      for _, entry in ipairs(ledger) do
        if entry.status == 429 and entry.path:find(checkup, 1, true) then refused_at = entry.at end
      end
      assert.is_truthy(refused_at)
      local refusals = 0
      for _, entry in ipairs(ledger) do
        if entry.path:find(checkup, 1, true) then
          if entry.status == 429 then refusals = refusals + 1 end
          local late = entry.at - refused_at
          assert.is_true(late <= 0 or late >= 1500, ("%d ms after the 429"):format(late))
        end
      end
      assert.is_true(refusals >= 1 and refusals <= 3, refusals)
      assert.is_true(elsewhere >= 2, elsewhere)
    end)

    it("a day that is used up fails at once", function()
      box:control("rate_limit", { max = 100, interval_ms = 1000, daily = 3 })
      local client = boxed()
      for _ = 1, 3 do
        assert(client.calendars:list())
      end
      local result, err = client.calendars:list()
      failure("rate_limit", result, err, { scope = "daily", attempts = 0, applied = "no" })
      assert.is_true(err.retry_after > 550 and err.retry_after <= 600, err.retry_after) -- until a probe
      assert.are.equal(3, #requests())
      -- Another client learns it from the 429.
      result, err = boxed().calendars:list()
      failure("rate_limit", result, err, { scope = "daily", attempts = 1 })
      assert.are.equal(600, err.retry_after)
    end)
  end)
end)
