-- The error of everything that can fail between the client and the API: statuses, timeouts, connections, framing.

local calls = require "spec.support.calls"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

local TOKEN = "pit-7d7d7d7d-errors-spec"

local CALLS, GET, POST = calls.METHODS, calls.GET, calls.POST

describe("errors:", function()
  local cases = calls.cases(TOKEN)
  local server, client, caught

  setup(function() server = cases.start() end)
  teardown(cases.stop)
  before_each(function()
    client, caught = cases.before()
  end)
  after_each(cases.after)

  local fails, respond = cases.fails, cases.respond

  describe("status", function()
    local KINDS = {
      [400] = "refused",
      [401] = "auth",
      [403] = "forbidden",
      [404] = "not_found",
      [409] = "conflict",
      [410] = "not_found",
      [422] = "refused",
      [429] = "rate_limit",
    }

    local function kind_of(status)
      if status >= 200 and status <= 299 then return nil end
      if KINDS[status] then return KINDS[status] end
      if status >= 400 and status <= 499 then return "rejected" end
      if status >= 500 and status <= 599 then return "server" end
      return "protocol"
    end

    local function applied_of(status, writes)
      if not writes then return "no" end
      if status >= 400 and status <= 499 and status ~= 408 then return "no" end
      return "maybe"
    end

    local PATHS = {
      function(status) return client.calendars:get("s" .. status) end,
      function(status) return client.notes:create("s" .. status, { body = "n" }) end,
      function(status) return client.calendars:update("s" .. status, { name = "n" }) end,
      function(status) return client.calendars:delete("s" .. status) end,
    }

    -- The body is that of an error; with a success it has none of the declared names.
    local BODY = [[{"statusCode":$status,"message":"Message $status","traceId":"trace-$status"}]]

    local function sweep(first, last, check)
      for index, call in ipairs(PATHS) do
        for status = first, last do
          check(CALLS[index][1], CALLS[index][3], status, call(status))
        end
      end
    end

    local function check_refusal(method, writes, status, result, err)
      fails(kind_of(status), result, err, {
        status = status,
        method = method,
        applied = applied_of(status, writes),
        attempts = 1,
        trace_id = "trace-" .. status,
      })
      assert.matches("/s" .. status, err.path, 1, true)
      assert.are.equal(status, err.response.status)
      assert.are.equal(status, err.response.body.statusCode)
      assert.is_nil(err.stage)
      local passing = err.kind == "server"
        or err.kind == "rate_limit"
        or status == 408
        or status == 421
        or status == 425
      assert.are.equal(passing and err.applied == "no", err.retryable)
      if err.kind == "protocol" then
        assert.matches(tostring(status), err.message)
      else
        assert.are.equal("Message " .. status, err.message)
      end
      assert.matches("^" .. err.kind .. ": ", tostring(err))
      assert.matches("HTTP " .. status, tostring(err), 1, true)
    end

    it("200 to 299 is a success, whatever the exact code", function()
      server:reply { always = true, expand = true, status = "$status", body = BODY }
      sweep(200, 299, function(_, _, status, result, response)
        assert.is_table(result, tostring(response))
        assert.are.equal(status, response.status)
        if status == 204 then -- has no body by definition
          assert.are.same({}, result)
          assert.is_true(response.unexpected)
        else
          assert.are.equal("Message " .. status, result.message)
        end
      end)
      assert.are.equal(400, #server:ledger())
    end)

    it("300 to 399 is against the protocol: nothing is followed", function()
      server:reply {
        always = true,
        expand = true,
        status = "$status",
        headers = { Location = server.url .. "/elsewhere" },
        body = BODY,
      }
      for index, call in ipairs(PATHS) do
        for status = 300, 399 do
          local result, err = call(status)
          fails("protocol", result, err, {
            status = status,
            method = CALLS[index][1],
            applied = applied_of(status, CALLS[index][3]),
            attempts = 1,
          })
          assert.matches(tostring(status), err.message)
        end
      end
      local ledger = server:ledger()
      assert.are.equal(400, #ledger)
      for _, request in ipairs(ledger) do
        assert.is_nil(request.path:find("elsewhere", 1, true))
      end
    end)

    it("400 to 499 is a refusal of the kind of its code", function()
      server:reply { always = true, expand = true, status = "$status", body = BODY }
      sweep(400, 499, check_refusal)
      assert.are.equal(400, #server:ledger())
    end)

    it("500 to 599 is the server's fault", function()
      server:reply { always = true, expand = true, status = "$status", body = BODY }
      sweep(500, 599, check_refusal)
      assert.are.equal(400, #server:ledger())
    end)

    it("600 to 999 is against the protocol", function()
      server:reply { always = true, expand = true, status = "$status", body = BODY }
      for _, status in ipairs { 600, 601, 666, 700, 800, 899, 900, 998, 999 } do
        for index, call in ipairs(PATHS) do
          check_refusal(CALLS[index][1], CALLS[index][3], status, call(status))
        end
      end
      assert.are.equal(36, #server:ledger())
    end)

    it("100 to 199 alone is no response", function()
      server:reply {
        always = true,
        steps = { { send = "HTTP/1.1 $status Whatever\r\n\r\n", expand = true }, { close = true } },
      }
      sweep(100, 199, function(method, writes, _, result, err)
        assert.is_nil(result)
        assert.is_true(err.kind == "network" or err.kind == "protocol", tostring(err))
        assert.are.equal(writes and "maybe" or "no", err.applied)
        assert.are.equal(method, err.method)
        caught[#caught + 1] = err
      end)
      assert.are.equal(400, #server:ledger())
    end)

    it("that is no status is against the protocol", function()
      for _, line in ipairs {
        "HTTP/1.1 000 Zero",
        "HTTP/1.1 099 Low",
        "HTTP/1.1 1000 High",
        "HTTP/1.1 20 Short",
        "HTTP/1.1 -200 Minus",
        "HTTP/1.1 OK",
        "HTTP/1.1",
        "HTTP/9.9 200 OK",
        "HTTQ/1.1 200 OK",
        "ICY 200 OK",
        "220 smtp.example.com ESMTP",
        "\22\3\1\2\0\1\0\1\252\3\3",
        "<html>",
        "",
      } do
        for _, row in ipairs(CALLS) do
          server:reply { raw = line .. "\r\nContent-Length: 2\r\n\r\n{}", close = true }
          local result, err = row[4](client)
          assert.is_nil(result, line)
          assert.is_true(err.kind == "protocol" or err.kind == "network", line .. ": " .. tostring(err))
          assert.are.equal(row[3] and "maybe" or "no", err.applied, line)
          caught[#caught + 1] = err
        end
      end
      assert.are.equal(4 * 14, #server:ledger())
    end)

    it("after interim responses is what counts", function()
      local err = fails(
        "conflict",
        respond {
          raw = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
            .. 'HTTP/1.1 409 Conflict\r\nContent-Length: 15\r\n\r\n{"message":"m"}',
        }
      )
      assert.are.equal("m", err.message)
      assert.are.equal(409, err.status)
    end)
  end)

  describe("timeout", function()
    --- Makes each of CALLS, all at the same time, and hands each error to `check` with its row.
    local function each_call(with, options, check)
      local _, errs = hoopai.map(CALLS, function(row) return row[4](with, options) end)
      for index, row in ipairs(CALLS) do
        check(row, errs[index])
      end
    end

    it("while connecting: nothing was sent", function()
      local url, close = servers.silent()
      local other = leak.client { token = TOKEN, base_url = url, timeout = 0.3 }
      each_call(
        other,
        nil,
        function(_, err)
          fails("timeout", nil, err, { stage = "connect", applied = "no", retryable = true, attempts = 1 })
        end
      )
      fails("timeout", nil, select(2, POST(other)), { stage = "connect", applied = "no", retryable = true })
      local quick = leak.client { token = TOKEN, base_url = url, connect_timeout = 0.2, timeout = 15 }
      expect.within(
        12,
        function() fails("timeout", nil, select(2, POST(quick)), { stage = "connect", applied = "no" }) end
      )
      close()
    end)

    it("while sending", function()
      server:reply { at = "head", steps = { { stall = true } } }
      local body = { text = ("x"):rep(48 << 20) } -- more than the system's buffers of both ends take
      local err = fails("timeout", client:request({ method = "POST", path = "/x", body = body }, { timeout = 0.5 }))
      assert.are.equal("send", err.stage)
      assert.are.equal("maybe", err.applied)
      assert.is_false(err.retryable)
    end)

    it("while waiting for the response", function()
      server:reply { times = 5, steps = { { stall = true } } }
      local function check(row, err)
        fails("timeout", nil, err, { stage = "wait" })
        assert.are.equal(row[3] and "maybe" or "no", err.applied)
        assert.are.equal(not row[3], err.retryable)
        assert.is_nil(err.status)
        assert.is_nil(err.response)
      end
      each_call(client, { timeout = 0.5 }, check)
      check(CALLS[2], select(2, POST(client, { timeout = 0.5 })))
    end)

    it("while receiving it", function()
      server:reply {
        times = 5,
        steps = { { send = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"cal' }, { stall = true } },
      }
      local function check(row, err)
        fails("timeout", nil, err, { stage = "receive", status = 200 })
        assert.are.equal(row[3] and "yes" or "no", err.applied)
      end
      each_call(client, { timeout = 0.5 }, check)
      check(CALLS[2], select(2, POST(client, { timeout = 0.5 })))
    end)

    it("is not extended by a response that drips", function()
      local slow = "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" .. (" "):rep(5000)
      server:reply { steps = { { drip = slow, every = 0.02 } } }
      expect.within(12, function() fails("timeout", GET(client, { timeout = 0.3 })) end)
    end)

    it("of the shortest length is one, and not none", function()
      for _, seconds in ipairs { 1e-9, 0.0001, 1e-300 } do
        server:reply { always = true, steps = { { stall = true } } }
        expect.within(12, function()
          fails("timeout", GET(client, { timeout = seconds }))
          hoopai.run(function() fails("timeout", GET(client, { timeout = seconds })) end)
        end)
        server:reset()
      end
      local url, close = servers.silent()
      local other = leak.client { token = TOKEN, base_url = url, connect_timeout = 1e-9, timeout = 600 }
      expect.within(12, function() fails("timeout", GET(other)) end)
      close()
    end)

    it("names its length, in a task as well", function()
      server:reply({ steps = { { stall = true } } }, { steps = { { stall = true } } })
      local function check(result, err)
        fails("timeout", result, err)
        assert.matches("%d", err.message)
      end
      check(GET(client, { timeout = 0.1 }))
      hoopai.run(function() check(GET(client, { timeout = 0.1 })) end)
    end)

    it("in the queue, by queue_timeout alone", function()
      local narrow = leak.client { token = TOKEN, base_url = server.url, max_connections = 1, timeout = 15 }
      server:reply { path = "/calendars/first", hold = "open", body = [[{"calendar":{}}]] }
      hoopai.run(function()
        local first = hoopai.spawn(function() return narrow.calendars:get("first") end)
        expect.eventually(function() return server:count("arrived") == 1 end, "the first request arrived")
        for _, row in ipairs(CALLS) do
          local err = fails("timeout", row[4](narrow, { queue_timeout = 0.05, timeout = 0.01 }))
          assert.are.equal("queue", err.stage)
          assert.are.equal("no", err.applied)
          assert.is_true(err.retryable)
          assert.matches("queue_timeout", err.message)
        end
        server:release("open")
        assert(first:join())
      end)
      assert.are.equal(1, #server:ledger())
    end)

    it("in the queue does not end what has left it", function()
      server:reply { path = "/calendars/x", delay = 0.3, body = [[{"calendar":{"id":"x"}}]] }
      hoopai.run(function() assert.are.equal("x", assert(GET(client, { queue_timeout = 0.05 })).id) end)
      server:reply { path = "/calendars/x", delay = 0.1, body = [[{"calendar":{"id":"x"}}]] }
      assert.are.equal("x", assert(GET(client, { queue_timeout = 0.05 })).id)
      server:reply { path = "/calendars/x", steps = { { stall = true } } }
      hoopai.run(
        function()
          fails("timeout", nil, select(2, GET(client, { queue_timeout = 0.05, timeout = 0.5 })), { stage = "wait" })
        end
      )
    end)

    it("counts from the moment the queue is left", function()
      local narrow = leak.client { token = TOKEN, base_url = server.url, max_connections = 1, timeout = 15 }
      server:reply(
        { path = "/calendars/first", hold = "open", body = [[{"calendar":{}}]] },
        { path = "/calendars/second", body = [[{"calendar":{}}]] }
      )
      hoopai.run(function()
        local first = hoopai.spawn(function() return narrow.calendars:get("first") end)
        expect.eventually(function() return server:count("arrived") == 1 end, "the first request arrived")
        local second = hoopai.spawn(function() return narrow.calendars:get("second", { timeout = 2 }) end)
        hoopai.sleep(2.2)
        server:release("open")
        assert(first:join())
        assert(second:join())
      end)
    end)
  end)

  describe("connection", function()
    it("refused: nothing was sent", function()
      local url, holder = servers.refusing()
      local other = leak.client { token = TOKEN, base_url = url }
      for _, row in ipairs(CALLS) do
        local err = fails("network", row[4](other))
        assert.are.equal("no", err.applied)
        assert.is_true(err.retryable)
        assert.are.equal(1, err.attempts)
        assert.is_nil(err.status)
        assert.is_nil(err.response)
        assert.is_number(err.curl_code)
        assert.are.equal(row[1], err.method)
        assert.are.equal(row[2], err.path)
        assert.is_nil(tostring(err):find("HTTP", 1, true))
      end
      holder:close()
    end)

    it("to a host that does not exist", function()
      local other = leak.client { token = TOKEN, base_url = "https://does-not-exist.invalid", timeout = 15 }
      local result, err = POST(other)
      assert.is_nil(result)
      assert.is_true(err.kind == "network" or err.kind == "timeout", tostring(err))
      assert.are.equal("no", err.applied)
      caught[#caught + 1] = err
    end)

    it("that speaks no TLS", function()
      server:reply { at = "accept", steps = { { send = "HTTP/1.1 400 Bad Request\r\n\r\n" }, { close = true } } }
      local other = leak.client { token = TOKEN, base_url = (server.url:gsub("^http", "https")) }
      local err = fails("tls", POST(other))
      assert.are.equal("no", err.applied)
    end)

    for _, how in ipairs { "reset", "close" } do
      it("ended by " .. how .. " before the response", function()
        for _, row in ipairs(CALLS) do
          server:reply { method = row[1], [how] = "before" }
          local err = fails("network", row[4](client))
          assert.are.equal(row[3] and "maybe" or "no", err.applied)
          assert.are.equal(not row[3], err.retryable)
          assert.are.equal(1, err.attempts)
        end
        assert.are.equal(4, #server:ledger())
      end)

      it("ended by " .. how .. " when it is used for the second time: a write leaves once", function()
        for _, row in ipairs(CALLS) do
          if row[3] then
            server:reply(
              { method = "GET", body = [[{"calendar":{}}]] },
              { method = row[1], [how] = "before" },
              { method = row[1], body = "{}" }
            )
            assert(GET(client))
            local err = fails("network", row[4](client))
            assert.are.equal("maybe", err.applied)
            local ledger = server:ledger()
            assert.are.equal(2, #ledger)
            assert.are.equal(2, ledger[2].exchange)
            server:reset()
          end
        end
      end)

      it("ended by " .. how .. " in the middle of the headers", function()
        for _, status in ipairs { 200, 201, 204 } do
          for _, row in ipairs(CALLS) do
            server:reply { steps = { { send = ("HTTP/1.1 %d OK\r\nContent-Le"):format(status) }, { [how] = true } } }
            local result, err = row[4](client)
            assert.is_nil(result)
            assert.is_true(err.kind == "network" or err.kind == "protocol" or err.kind == "decode", tostring(err))
            assert.are_not.equal(row[3] and "no" or "maybe", err.applied)
            caught[#caught + 1] = err
          end
        end
      end)

      it("ended by " .. how .. " in the middle of the body", function()
        for _, row in ipairs(CALLS) do
          server:reply {
            steps = { { send = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a":1}' }, { [how] = true } },
          }
          local result, err = row[4](client)
          assert.is_nil(result)
          assert.is_true(err.kind == "network" or err.kind == "protocol", tostring(err))
          assert.are.equal(row[3] and "yes" or "no", err.applied)
          assert.are.equal(200, err.status)
          caught[#caught + 1] = err
        end
      end)
    end

    it("that the server has closed meanwhile is not used again: nothing fails", function()
      for _, row in ipairs(CALLS) do
        server:reply(
          { method = "GET", path = "/calendars/x", body = [[{"calendar":{}}]], close = true },
          { method = row[1], path = row[2], body = "{}" }
        )
        assert(GET(client))
        server:wait("open", "exactly", 0)
        assert(row[4](client))
        local ledger = server:ledger()
        assert.are.equal(2, #ledger)
        assert.are.equal(2, ledger[2].connection)
        server:reset()
      end
    end)

    it("closed within a refusal's body", function()
      server:reply {
        steps = { { send = 'HTTP/1.1 422 No\r\nContent-Length: 100\r\n\r\n{"message":' }, { close = true } },
      }
      local result, err = POST(client)
      assert.is_nil(result)
      assert.are.equal("no", err.applied)
      assert.are.equal(422, err.status)
    end)

    it("closed while accepting", function()
      server:reply { at = "accept", close = "before" }
      local err = fails("network", POST(client))
      assert.is_true(err.applied == "maybe" or err.applied == "no")
    end)
  end)

  describe("framing", function()
    local OK = "HTTP/1.1 200 OK\r\n"

    it("that is broken is never taken for a response", function()
      for _, raw in ipairs {
        OK .. "Content-Length: -1\r\n\r\n{}",
        OK .. "Content-Length: many\r\n\r\n{}",
        OK .. "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        OK .. "Transfer-Encoding: chunked\r\n\r\n2\r\n{}",
        OK .. "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff1\r\n{}\r\n0\r\n\r\n",
        OK .. "Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
        OK .. "Content-Encoding: br\r\nContent-Length: 9\r\n\r\nnot brotl",
      } do
        for _, row in ipairs { CALLS[1], CALLS[2] } do
          server:reply { raw = raw, close = true }
          local result, err = row[4](client)
          assert.is_nil(result, raw)
          assert.is_true(
            err.kind == "protocol" or err.kind == "network" or err.kind == "decode",
            raw .. ": " .. tostring(err)
          )
          assert.are_not.equal(row[3] and "no" or "maybe", err.applied, raw)
          caught[#caught + 1] = err
        end
      end
    end)

    it("of the older kinds is read", function()
      for _, raw in ipairs {
        'HTTP/1.0 200 OK\r\n\r\n{"calendar":{"id":"c"}}',
        'HTTP/1.1 200\r\nContent-Length: 23\r\n\r\n{"calendar":{"id":"c"}}',
        OK .. 'Transfer-Encoding: chunked\r\n\r\n17;ext=1\r\n{"calendar":{"id":"c"}}\r\n0\r\nX-T: 1\r\n\r\n',
        'HTTP/1.1 200 OK\nContent-Length: 23\n\n{"calendar":{"id":"c"}}',
      } do
        server:reply { raw = raw, close = true }
        assert.are.same({ id = "c" }, GET(client), raw)
      end
    end)

    it("with gzip is unpacked", function()
      local packed = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xab\x56\x4a\x4e\xcc\x49\xcd\x4b\x49\x2c\x52\xb2\xaa\x56"
        .. "\xca\x4c\x51\xb2\x52\x4a\x56\xd2\x51\xca\x4b\xcc\x4d\x05\x32\x2b\x86\x09\x50\xaa\xad\x05\x00\xaf"
        .. "\x7d\x83\xfd\xe9\x00\x00\x00"
      for _, row in ipairs { CALLS[1], CALLS[3] } do
        server:reply { headers = { ["Content-Encoding"] = "gzip" }, body = packed }
        assert.are.same({ id = "c", name = ("x"):rep(200) }, row[4](client))
        server:reply { headers = { ["Content-Encoding"] = "gzip" }, body = packed:sub(1, -12) }
        local result, err = row[4](client)
        assert.is_nil(result)
        assert.is_true(err.kind == "protocol" or err.kind == "network" or err.kind == "decode", tostring(err))
        assert.are.equal(row[3] and (err.kind == "decode" and "maybe" or "yes") or "no", err.applied)
      end
    end)

    it("without end: headers, interim responses", function()
      local flood = {}
      for index = 1, 5000 do
        flood[index] = ("X-%d: %s"):format(index, ("x"):rep(40))
      end
      local err
      server:reply { raw = OK .. table.concat(flood, "\r\n") .. "\r\n\r\n{}", close = true }
      local _
      _, err = GET(client)
      assert.is_true(err.kind == "too_large" or err.kind == "protocol", tostring(err))
      server:reply { raw = OK .. "X-Long: " .. ("x"):rep(300000) .. "\r\nContent-Length: 2\r\n\r\n{}", close = true }
      _, err = GET(client)
      assert.is_true(err.kind == "too_large" or err.kind == "protocol", tostring(err))
      server:reply { raw = ("HTTP/1.1 100 Continue\r\n\r\n"):rep(20000), close = true }
      _, err = POST(client)
      assert.is_true(err.kind == "too_large" or err.kind == "protocol", tostring(err))
      assert.are.equal("maybe", err.applied)
    end)

    it("of a body that is too large", function()
      local big = '{"calendar":{"notes":"' .. ("x"):rep(9 << 20) .. '"}}'
      for _, row in ipairs { CALLS[1], CALLS[2] } do
        server:reply { body = big }
        local err = fails("too_large", row[4](client))
        assert.are.equal(row[3] and "yes" or "no", err.applied)
        assert.are.equal(200, err.status)
        server:reply { raw = OK .. "\r\n" .. big, close = true }
        fails("too_large", row[4](client))
      end
      server:reply { body = '{"calendar":{"notes":"' .. ("x"):rep(7 << 20) .. '"}}' }
      assert.are.equal(7 << 20, #assert(GET(client)).notes)
    end)
  end)
end)
