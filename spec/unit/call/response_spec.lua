-- What a finished transfer becomes: a result and a response, or an error.

local core = require "hoopai.core"
local expect = require "spec.support.expect"
local leak = require "spec.support.leak"
local one_call = require "spec.support.calls"
local calls = require "hoopai.call"
local responses = require "hoopai.call.response"
local servers = require "spec.support.server"

local TOKEN = "pit-0b3c4d5e-response-spec"
local CALENDAR = { method = "GET", path = "/calendars/c", body = [[{"calendar":{"id":"c"}}]] }

local CALLS, GET, POST = one_call.METHODS, one_call.GET, one_call.POST

describe("hoopai.call.response:", function()
  local cases = one_call.cases(TOKEN)
  local server, client, caught

  setup(function() server = cases.start() end)
  teardown(cases.stop)
  before_each(function()
    client, caught = cases.before()
  end)
  after_each(cases.after)

  local fails, respond = cases.fails, cases.respond

  describe("a response", function()
    it("keeps the empty lists that the endpoint declares", function()
      server:reply {
        body = [[{"calendar":{"id":"c","openHours":[],"teamMembers":[],"lookBusyConfig":{}},"traceId":"t"}]],
      }
      local calendar = assert(client.calendars:get "c")
      assert.are.equal('{"id":"c","lookBusyConfig":{},"openHours":[],"teamMembers":[]}', core.encode(calendar))
      server:reply { body = '{"calendar":{"id":"[","openHours":[ \t\r\n],"x":"["}}' }
      assert.are.equal('{"id":"[","openHours":[],"x":"["}', core.encode(assert(client.calendars:get "c")))
      server:reply { body = '{"calendar":{"id":"c","openHours":{}}}' } -- no list, so nothing says that this is one
      assert.are.equal('{"id":"c","openHours":{}}', core.encode(assert(client.calendars:get "c")))
    end)

    it("has all that is known", function()
      server:reply {
        headers = {
          { "X-RateLimit-Max", "100" },
          { "X-RateLimit-Remaining", "97" },
          { "X-RateLimit-Interval-Milliseconds", "10000" },
          { "X-RateLimit-Limit-Daily", "200000" },
          { "X-RateLimit-Daily-Remaining", "199997" },
          { "X-RateLimit-Daily-Reset", "84322000" },
          { "X-Many", "a" },
          { "x-many", "b" },
          { "Content-Type", "application/json" },
        },
        body = [[{"calendar":{"id":"c"},"traceId":"t-1"}]],
      }
      local _, response = assert(client.calendars:get("c"))
      assert.are.same({
        max = 100,
        remaining = 97,
        interval_ms = 10000,
        daily_limit = 200000,
        daily_remaining = 199997,
        daily_reset_ms = 84322000,
      }, response.rate_limit)
      assert.are.equal("integer", math.type(response.rate_limit.max))
      assert.are.equal("a, b", response.headers["x-many"])
      assert.are.equal("97", response.headers["x-ratelimit-remaining"])
      assert.are.equal("t-1", response.trace_id)
      assert.are.same({ calendar = { id = "c" }, traceId = "t-1" }, response.body)
      assert.are.equal(200, response.status)
      assert.are.equal(1, response.attempts)
    end)

    it("has the members beside the result also without its body", function()
      server:reply { path = "/calendars/c", body = [[{"calendar":{"id":"c"},"hasMore":true}]] }
      local _, response = assert(client.calendars:get("c"))
      response.body = nil
      assert.are.same({ hasMore = true }, response.extra)
    end)

    it("has its headers in pairs(), whether they were read before or not", function()
      server:reply {
        path = "/calendars/c",
        headers = { ["X-One"] = "1", ["X-RateLimit-Max"] = "9" },
        body = [[{"calendar":{"id":"c"}}]],
        always = true,
      }
      for _, look in ipairs { false, true } do
        local _, response = assert(client.calendars:get("c"))
        if look then assert.are.equal("1", response.headers["x-one"]) end
        local names = {}
        for name, value in pairs(response) do
          names[name] = true
          if name == "headers" then assert.are.equal("1", value["x-one"]) end
        end
        assert.are.same({
          status = true,
          headers = true,
          attempts = true,
          elapsed = true,
          url = true,
          extra = true,
          body = true,
          rate_limit = true,
        }, names)
        assert.are.equal(response.headers, response.headers)
        assert.is_nil(response.head)
        assert.is_nil(response.unknown)
      end
    end)

    it("leaves out limits that were not sent, and numbers that are malformed", function()
      server:reply(
        CALENDAR,
        { path = "/calendars/d", headers = { ["X-RateLimit-Max"] = "many" }, body = [[{"calendar":{}}]] }
      )
      local _, response = assert(client.calendars:get("c"))
      assert.is_nil(response.rate_limit)
      assert.is_nil(response.trace_id)
      _, response = assert(client.calendars:get("d"))
      assert.is_nil(response.rate_limit)
    end)

    it("has the headers and the rate limit only once they are read", function()
      server:reply { path = "/calendars/c", headers = { ["X-RateLimit-Max"] = "9" }, body = CALENDAR.body }
      local _, response = assert(client.calendars:get("c"))
      assert.is_nil(rawget(response, "headers"))
      assert.is_nil(rawget(response, "rate_limit"))
      assert.are.same({ max = 9 }, response.rate_limit)
      assert.are.equal(response.rate_limit, rawget(response, "rate_limit"))
      assert.are.same({}, response.extra)
      assert.are.equal(response.extra, response.extra)
    end)

    it("has the URL without the query, and the seconds since the first sending", function()
      server:reply { delay = 0.05, body = [[{"notes":[]}]] }
      local _, response = assert(client.notes:list("a b", { limit = 7 }))
      assert.are.equal(server.url .. "/calendars/appointments/a%20b/notes", response.url)
      assert.is_true(response.elapsed >= 0.05 and response.elapsed < 20, response.elapsed)
    end)
  end)

  describe("a success", function()
    it("that cannot be read is a failure: decode", function()
      -- stylua: ignore
      for _, body in ipairs {
        "", " ", "<html>Please log in</html>", "{", "{\"calendar\":{\"id\":\"c\"}", "{\"a\":1}{}", "{'a':1}",
        "{\"a\":1,}", "NaN", "nul", "5", "\"text\"", "true", "null", "[1,2", "{\"a\":0x10}", "{\"a\":1}\0",
        "\239\187\191{}",
        ("["):rep(100) .. ("]"):rep(100),
      } do
        for _, row in ipairs { CALLS[1], CALLS[2] } do
          server:reply { body = body }
          local result, err = row[4](client)
          assert.is_nil(result, body)
          assert.are.equal("decode", err.kind, body)
          assert.are.equal(row[3] and "maybe" or "no", err.applied, body)
          assert.are.equal(200, err.status)
          assert.are.equal(200, err.response.status)
          assert.is_false(err.retryable)
          caught[#caught + 1] = err
        end
      end
    end)

    it("of HTML says so", function()
      local err = fails("decode", respond { headers = { ["Content-Type"] = "text/html" }, body = "<html>Hi</html>" })
      assert.matches("text/html", err.message, 1, true)
      assert.is_nil(err.message:find("<html>", 1, true))
      assert.matches("; it begins: Hi$", err.message)
      assert.are.equal("<html>Hi</html>", err.response.text)
    end)

    it("that is empty says so", function()
      for _, body in ipairs { "", "\r\n " } do
        local err = fails("decode", respond { body = body })
        assert.matches("^the response is empty %(", err.message)
      end
    end)

    it("that is malformed JSON shows no data in its message, and has it in response.text", function()
      local err = fails("decode", respond { body = '{"calendar":{"name":"Jane"}' })
      assert.are.equal(
        "the response is not readable JSON (application/json; charset=utf-8): it is cut off",
        err.message
      )
      assert.are.equal('{"calendar":{"name":"Jane"}', err.response.text)
    end)

    it("of a page does not prove that a change was made, whole, cut off or too large", function()
      local page = { ["Content-Type"] = "text/html" }
      local big = "<html>" .. ("x"):rep(9 << 20)
      local cut = "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: 100\r\n\r\n"
      for index = 2, 4 do
        local call = CALLS[index][4]
        local rule = { headers = page, body = "<title>Back soon</title>" }
        local err = fails("decode", respond(rule, call, { retries = false }))
        assert.are.equal("maybe", err.applied)
      end
      local _, err = respond({ headers = page, body = "<title>Back soon</title>" }, POST)
      assert.are.equal("maybe", err.applied)
      _, err = respond({ headers = page, body = big }, POST)
      assert.are.same({ "too_large", "maybe" }, { err.kind, err.applied })
      _, err = respond({ raw = cut:format("text/html") .. "<html>", close = true }, POST)
      assert.are.same({ "network", "maybe" }, { err.kind, err.applied })
      _, err = respond({ raw = cut:format("application/json; charset=utf-8") .. "{", close = true }, POST)
      assert.are.same({ "network", "yes" }, { err.kind, err.applied })
    end)

    it("with half a surrogate pair, or null among the items of a list, is read", function()
      local window = { calendarId = "c", startTime = 1767571200000, endTime = 1767657600000 }
      server:reply { body = [[{"events":[null,{"id":"a","title":"Dinner \ud83c"},null,{"id":"b"}]}]] }
      local events = assert(client.events:list(window))
      assert.are.same({ core.null, { id = "a", title = "Dinner \u{fffd}" }, core.null, { id = "b" } }, events)
      server:reply { body = [[{"calendars":[null]}]] }
      assert.are.same({ core.null }, (assert(client.calendars:list())))
      server:reply { body = [=[[null,{"id":"r"}]]=] }
      assert.are.same({ core.null, { id = "r" } }, (assert(client.resources:list "rooms")))
      server:reply { body = [[{"note":{"id":"n","body":"\udc00","\ud800":[1]}}]] }
      assert.are.same({ id = "n", body = "\u{fffd}", ["\u{fffd}"] = { 1 } }, (POST(client)))
    end)

    it("of the wrong shape is a failure: decode", function()
      local function wrong(body, call)
        server:reply { body = body }
        local err = fails("decode", call(client))
        assert.matches("shape", err.message)
        assert.are.equal("table", type(err.response.body))
        return err
      end
      local function list(c) return c.calendars:list() end
      for _, value in ipairs { [[{"a":1}]], [["text"]], "5", "true" } do
        wrong('{"calendars":' .. value .. "}", list)
      end
      for _, value in ipairs { "[1]", [["text"]], "5", "true" } do
        wrong('{"calendar":' .. value .. "}", GET)
      end
      wrong([[{"message":"x"}]], function(c) return c.resources:list("rooms") end)
      wrong(
        [[[{"id":"x"}]
      ]],
        function(c) return c.resources:get("rooms", "x") end
      )
      wrong("[1]", function(c) return c.calendars:delete("x") end)
      local window = { startDate = 1730073600000, endDate = 1730073600001 }
      wrong("[1]", function(c) return c.calendars:free_slots("x", window) end)
      assert.are.equal("yes", wrong('{"note":[1]}', POST).applied)
    end)

    it("without a declared name is the whole body, marked", function()
      for _, body in ipairs { [[{"foo":1,"traceId":"t"}]], [[{"calendar":null,"foo":1,"traceId":"t"}]] } do
        server:reply { body = body }
        local result, response = GET(client)
        assert.are.equal(1, result.foo)
        assert.is_true(response.unexpected)
        assert.are.equal("t", response.trace_id)
      end
      server:reply { body = "[1,2]" }
      local result, err = GET(client)
      assert.is_nil(result)
      assert.are.equal("decode", err.kind)
      assert.matches("not an object", err.message)
    end)

    it("of a create without the id of the new record is a failure", function()
      for _, body in ipairs { "{}", "[]", [[{"message":"queued"}]], [[{"id":null}]], [[{"id":5}]] } do
        server:reply { body = body }
        local result, err = client.appointments:create {
          calendarId = "c",
          contactId = "p",
          startTime = "2030-01-07T10:00:00-05:00",
        }
        assert.is_nil(result, body)
        assert.are.equal("decode", err.kind, body)
        assert.are.equal("maybe", err.applied, body)
      end
    end)

    it("of a list that is no list is a failure", function()
      for _, body in ipairs { [[{"message":"queued"}]], [[{"success":true}]], "{}", [[{"events":{"a":1}}]] } do
        server:reply { body = body }
        local result, err = client.events:list { userId = "u", startTime = 1767571200000, endTime = 1767657600000 }
        assert.is_nil(result, body)
        assert.are.equal("decode", err.kind, body)
      end
    end)

    it("that echoes the token leaves it out of the error", function()
      local token = "canary/token-1234567890"
      local other = leak.client { base_url = server.url, token = token, location_id = "L" }
      local echo = { ["X-Echo"] = "Bearer " .. token, ["X-" .. token] = "1", ["Content-Type"] = token }
      local escaped = '{"message":"no '
        .. token:gsub("/", "\\/")
        .. '","\\u0063anary\\/token-1234567890":1,"traceId":"'
        .. token
        .. '"}'
      for _, rule in ipairs {
        { status = 401, headers = echo, body = '{"message":"Invalid token: Bearer ' .. token .. '"}' },
        { status = 403, headers = echo, body = escaped },
        { status = 422, headers = echo, body = '{"message":["a ' .. token .. '","b"]}' },
        { status = 500, headers = echo, body = "<p>" .. token .. "</p>" },
        { status = 200, headers = echo, body = "<p>" .. token .. "</p>" },
        { status = 200, headers = echo, body = '{"success":false,"message":"' .. token .. '"}' },
        { status = 200, headers = echo, body = '{"calendar":"' .. token .. '","note":1}' },
        { status = 200, headers = echo, body = '{"error":"' .. token .. '"}' },
        { status = 200, headers = echo, body = "{}" .. (" "):rep(500), cut = 600 },
      } do
        for _, call in ipairs { GET, POST } do
          server:reply(rule)
          local result, err = call(other)
          assert.is_nil(result)
          assert.are.equal(rule.status, err.status)
          expect.no_secret(err, token)
          assert.are.equal("Bearer ***", err.response.headers["x-echo"])
        end
      end
    end)

    it("without content is an empty table, marked", function()
      for _, row in ipairs(CALLS) do
        server:reply { status = 204 }
        local result, response = row[4](client)
        assert.are.same({}, result)
        assert.is_true(response.unexpected)
        assert.are.equal(204, response.status)
      end
    end)

    it("that states a failure is a failure: refused", function()
      for _, body in ipairs {
        [[{"success":false,"message":"Could not delete"}]],
        [[{"succeeded":false}]],
        [[{"success":false,"calendar":{}}]],
        [[{"success":"false"}]],
        [[{"ok":false}]],
        [[{"statusCode":"422","message":"no"}]],
        [[{"error":"cannot be deleted"}]],
        [[{"errors":["cannot be deleted"],"traceId":"t"}]],
        [[{"errors":[{"message":"cannot be deleted"}]}]],
        [[{"status":"error","message":"no"}]],
      } do
        for _, row in ipairs(CALLS) do
          server:reply { body = body }
          local err = fails("refused", row[4](client))
          assert.are_not.equal("yes", err.applied)
          assert.are.equal(200, err.status)
        end
      end
      assert.are.equal("Could not delete", caught[1].message)
    end)
  end)

  describe("a record", function()
    it("with members that name an error is no failure", function()
      for _, body in ipairs {
        [[{"id":"x","error":"of a webhook","status":"error"}]],
        [[{"calendar":{"id":"x"},"errors":["one"]}]],
        [[{"id":"x","errors":[],"error":null}]],
        [[{"succeeded":true,"error":""}]],
      } do
        server:reply { body = body }
        assert.is_truthy(client:request { method = "PUT", path = "/things/x", body = { a = 1 } }, body)
      end
    end)
  end)

  describe("the result of an endpoint", function()
    local state

    before_each(function() state = one_call.state { token = TOKEN, base_url = server.url } end)

    --- Makes a call of an endpoint that is not one of the API.
    local function call(body, result, fields)
      server:reply { path = "/things", body = body }
      local endpoint = {
        id = "things:list",
        method = "GET",
        path = "/things",
        params = {},
        id_count = 0,
        takes_payload = false,
        most_arguments = 1,
        retry = "safe",
        result = result,
        checks = {},
      }
      for name, value in pairs(fields or {}) do
        endpoint[name] = value
      end
      return calls.perform(state, endpoint)
    end

    it("is the first of its keys that is there, and its siblings are the extra", function()
      local result = { keys = { "things", "items" }, type = { type = "array" } }
      local list, response = call([[{"items":[1,2],"total":2,"traceId":"t"}]], result)
      assert.are.same({ 1, 2 }, list)
      assert.are.same({ total = 2, traceId = "t" }, response.extra)
      assert.are.equal("t", response.trace_id)
      assert.are.same({ items = { 1, 2 }, total = 2, traceId = "t" }, response.body)
      list, response = call([[{"things":[],"items":[1]}]], result)
      assert.are.same({}, list)
      assert.are.same({ items = { 1 } }, response.extra)
    end)

    it("is the body without keys, less the traceId", function()
      local thing, response = call([[{"id":"x","traceId":"t"}]], { type = { type = "object" } })
      assert.are.same({ id = "x" }, thing)
      assert.are.same({ traceId = "t" }, response.extra)
      assert.are.equal("t", response.trace_id)
      thing, response = call([[{"id":"x"}]], { type = { type = "object" } })
      assert.are.same({ id = "x" }, thing)
      assert.are.same({}, response.extra)
      assert.is_nil(response.unexpected)
    end)

    it("may be of any shape without a type", function()
      assert.are.same({ 1 }, (call("[1]", {})))
      assert.are.same({ a = 1 }, (call([[{"a":1}]], {})))
      assert.are.equal(5, (call([[{"count":5}]], { keys = { "count" } })))
    end)

    it("is an empty list or object by the first character of the body", function()
      assert.are.same({}, (call("[]", { type = { type = "array" } })))
      assert.are.same({}, (call(" \n{}", { type = { type = "object" } })))
      fails("decode", call("{}", { type = { type = "array" } }))
      fails("decode", call("[]", { type = { type = "object" } }))
    end)

    it("is a list of objects if its items are objects", function()
      local objects = { type = { type = "array", items = { type = "object" } } }
      assert.are.same({ { a = 1 }, {} }, (call([=[[{"a":1},{}]]=], objects)))
      assert.matches("a list of what it should hold", fails("decode", call('[1,"x"]', objects)).message)
    end)

    it("has null in the place of an odd item among objects, in the body and under a key", function()
      local objects = { type = { type = "array", items = { type = "object" } } }
      for _, odd in ipairs { "2", '"x"', "false", "null" } do
        assert.are.same({ core.null, { a = 1 } }, (call("[" .. odd .. ',{"a":1}]', objects)))
      end
      local keyed = { keys = { "things" }, type = objects.type }
      local list, response = call([=[{"things":[{"a":1},"x",{"b":2}],"total":3}]=], keyed)
      assert.are.same({ { a = 1 }, core.null, { b = 2 } }, list)
      assert.are.same({ total = 3 }, response.extra)
      assert.are.equal("x", response.body.things[2])
      fails("decode", call([=[{"things":["x",null]}]=], keyed))
    end)

    it("of another shape says the reason of the server", function()
      local err = fails("decode", call([[{"message":"location is not active","x":1}]], { type = { type = "array" } }))
      assert.matches("it says: location is not active", err.message, 1, true)
    end)

    it("of a create has the id that is declared as required", function()
      local created = { type = { type = "object", fields = { { name = "id", required = true } } } }
      local once = { method = "POST", retry = "once" }
      assert.are.same({ id = "x" }, (call([[{"id":"x"}]], created, once)))
      local result, err = call("{}", created, once)
      assert.matches("has no `id`", fails("decode", result, err, { applied = "maybe" }).message)
      assert.are.same({}, (call("{}", created)))
      assert.are.same({}, (call("{}", { type = { type = "object", fields = { { name = "id" } } } }, once)))
    end)

    it("of a create may have its id under another name", function()
      local fields = { { name = "bookingId", required = true } }
      local created = { type = { type = "object", id = "bookingId", fields = fields } }
      local once = { method = "POST", retry = "once" }
      assert.are.same({ bookingId = "x" }, (call([[{"bookingId":"x"}]], created, once)))
      local result, err = call([[{"id":"x"}]], created, once)
      assert.matches("has no `bookingId`", fails("decode", result, err, { applied = "maybe" }).message)
    end)

    it("has texts in a list, also where the API puts lists into it", function()
      local fields = { { name = "messages", type = "array", flat = true } }
      local function messages(text)
        local endpoint = { flat_lists = { "messages" } }
        local result, response = call(text, { type = { type = "object", fields = fields } }, endpoint)
        assert.are.equal(text:find("messages", 1, true) ~= nil, response.body.messages ~= nil)
        return result.messages
      end
      assert.are.same({ "a", "b" }, messages [=[{"messages":["a","b"]}]=])
      assert.are.same({ "a", "b", "c" }, messages [=[{"messages":[["a"],[],["b",["c"]]]}]=])
      assert.are.same({}, messages [=[{"messages":[]}]=])
      assert.are.same({ { text = "a" } }, messages [=[{"messages":[[{"text":"a"}]]}]=])
      assert.are.equal("a", messages [=[{"messages":"a"}]=])
      assert.is_nil(messages "{}")
    end)

    it("is read from the transfer without a change of the call and the attempt", function()
      local before, after
      local function copy(given)
        local fields = {}
        for name, value in pairs(given) do
          fields[name] = value
        end
        return fields
      end
      local thing, response = call([[{"id":"x"}]], {}, {
        read = function(one, attempt)
          before = { copy(one), copy(attempt) }
          local result, read = responses.read(one, attempt)
          after = { copy(one), copy(attempt) }
          return result, read
        end,
      })
      assert.are.same({ id = "x" }, thing)
      assert.are.equal(200, response.status)
      for part = 1, 2 do
        for name, value in pairs(after[part]) do
          assert.are.equal(before[part][name], value, name)
        end
        for name in pairs(before[part]) do
          assert.is_not_nil(after[part][name], name)
        end
      end
    end)
  end)

  describe("a transfer without a whole response", function()
    it("is an error with libcurl's code, and a response if there was a status", function()
      local err = fails(
        "network",
        respond {
          raw = "HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 100\r\n\r\n{",
          close = true,
        }
      )
      assert.are.equal("integer", math.type(err.curl_code))
      assert.are.same({ 200, "1", 200 }, { err.status, err.response.headers["x-one"], err.response.status })
      assert.is_nil(err.response.body)
      assert.is_nil(err.stage)

      err = fails("network", respond { close = "before" })
      assert.is_nil(err.response)
      assert.is_nil(err.status)
    end)

    it("is a timeout with the stage that took too long", function()
      local err = fails("timeout", respond({ steps = { { stall = true } } }, POST, { timeout = 0.1 }))
      assert.are.same({ "wait", "maybe" }, { err.stage, err.applied })
    end)

    it("with the headers of a 429 has their rate limit", function()
      local err = fails(
        "network",
        respond {
          raw = "HTTP/1.1 429 No\r\nRetry-After: 3\r\nContent-Length: 9\r\n\r\n{",
          close = true,
        }
      )
      assert.are.same({ 3, "burst", 429 }, { err.retry_after, err.scope, err.status })
    end)

    it("has the status of a proxy that refused it", function()
      local proxy = servers.start()
      proxy:reply { method = "CONNECT", always = true, status = 407, body = "" }
      local through = leak.client { token = TOKEN, base_url = "https://api.example.com", proxy = proxy.url }
      local result, err = GET(through)
      proxy:stop()
      assert.is_nil(result)
      assert.are.same({ 407, "no" }, { err.proxy_status, err.applied })
      assert.is_nil(err.status)
    end)
  end)

  it("a 503 has its Retry-After, and no other 5xx", function()
    for status, expected in pairs { [503] = 7, [502] = false } do
      local err = fails("server", respond { status = status, headers = { ["Retry-After"] = "7" }, body = "{}" })
      assert.are.equal(expected, err.retry_after or false)
    end
  end)
end)
