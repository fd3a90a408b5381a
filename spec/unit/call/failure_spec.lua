-- The errors that a call returns.

local calls = require "spec.support.calls"
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local expect = require "spec.support.expect"
local failure = require "hoopai.call.failure"
local json = require "spec.support.json"

local TOKEN = "pit-7d7d7d7d-failure-spec"

local new_call, GET, POST = calls.call, calls.GET, calls.POST

local function BOOK(client)
  return client.appointments:create { calendarId = "c", contactId = "p", startTime = "2030-01-07T10:00:00-05:00" }
end

describe("hoopai.call.failure:", function()
  local cases = calls.cases(TOKEN)
  local server, client

  setup(function() server = cases.start() end)
  teardown(cases.stop)
  before_each(function() client = cases.before() end)
  after_each(cases.after)

  local fails, respond = cases.fails, cases.respond

  describe("kind_of", function()
    local booking = { endpoint = { method = "POST" }, path = "/calendars/events/appointments" }
    local block = { endpoint = { method = "POST" }, path = "/calendars/events/block-slots" }

    it("gives the kind of each status", function()
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
      for status = 300, 999 do
        local expected = KINDS[status]
          or status >= 400 and status <= 499 and "rejected"
          or status >= 500 and status <= 599 and "server"
          or "protocol"
        assert.are.equal(expected, failure.kind_of(status, "a message"), status)
      end
    end)

    it("refines a 401 and a refusal by the message, and nothing else", function()
      assert.are.equal("scope", failure.kind_of(401, "Not AUTHORIZED for this SCOPE."))
      assert.are.equal("auth", failure.kind_of(401, ""))
      assert.are.equal("slot_taken", failure.kind_of(400, "this Slot is not Available", booking))
      assert.are.equal("slot_taken", failure.kind_of(422, "this Slot is not Available", booking))
      assert.are.equal("refused", failure.kind_of(422, "the slot is odd", booking))
      for _, status in ipairs { 403, 404, 409, 500 } do
        assert.are.equal(
          failure.kind_of(status, ""),
          failure.kind_of(status, "slot not available, for this scope", booking)
        )
      end
    end)

    it("is slot_taken only of a request that takes a slot, and only by a text that says so", function()
      for _, text in ipairs {
        "The slot you have selected is no longer available.",
        "Slot isn't available",
        "startTime is odd; the selected slot is unavailable",
        "No slots available",
        "No free slots are available",
        "This time slot is already booked",
        "slot is taken",
        "The selected slot has been taken",
        "Slot not free",
        "slot interval must be 30; the slot is no longer available",
        "The selected timeslot is no longer available",
        "This slot is no longer free",
        "The slot has been taken",
      } do
        assert.are.equal("slot_taken", failure.kind_of(400, text, booking), text)
        assert.are.equal("refused", failure.kind_of(400, text, block), text)
        assert.are.equal("refused", failure.kind_of(422, text), text)
      end
      for _, text in ipairs {
        "slotDuration must be a positive number; slug is not available",
        "slotDuration is not available",
        "the slot is odd; the calendar is not available",
        "slots must be an available list",
        "slot interval is not available on this plan",
        "The slots field is unavailable for this calendar",
        "Slot-duration is not available",
        "slotInterval is taken from the calendar",
        "",
      } do
        assert.are.equal("refused", failure.kind_of(422, text, booking), text)
      end
    end)

    it("takes_slot is of requests that book or move an appointment or a service booking", function()
      local function takes(method, path, preset)
        return failure.takes_slot { endpoint = { method = method, preset = preset }, path = path }
      end
      for _, path in ipairs { "/calendars/events/appointments", "/calendars/services/bookings" } do
        assert.is_true(takes("POST", path))
        assert.is_true(takes("PUT", path .. "/x"))
        assert.is_false(takes("PUT", path .. "/x", {}))
        assert.is_false(takes("GET", path .. "/x"))
        assert.is_false(takes("DELETE", path .. "/x"))
      end
      for _, other in ipairs {
        "/calendars/",
        "/calendars/x",
        "/calendars/appointments/x/notes",
        "/calendars/events/block-slots",
        "/calendars/events/appointments-more",
        "/calendars/services/bookings/x/more",
        "/calendars/services/catalog",
        "/calendars/events/appointments/x/more",
      } do
        assert.is_false(takes("POST", other), other)
        assert.is_false(takes("PUT", other), other)
      end
    end)
  end)

  it("applied says what is known of the effect, by retry class, sendings and status", function()
    -- The status, and the effect of a change that was sent.
    -- stylua: ignore
    local rows = {
      { 0, "maybe" }, { 100, "maybe" }, { 200, "yes" }, { 204, "yes" }, { 299, "yes" }, { 302, "maybe" },
      { 400, "no" }, { 401, "no" }, { 408, "maybe" }, { 429, "no" }, { 499, "no" }, { 500, "maybe" }, { 503, "maybe" },
      { 600, "maybe" },
    }
    for _, row in ipairs(rows) do
      local status, expected = row[1], row[2]
      for _, class in ipairs { "idempotent", "once" } do
        assert.are.equal(expected, failure.applied(class, 1, status), class .. " " .. status)
        assert.are.equal(expected, failure.applied(class, 3, status))
        assert.are.equal("no", failure.applied(class, 0, status))
      end
      assert.are.equal("no", failure.applied("safe", 1, status))
    end
  end)

  describe("message_of", function()
    it("finds the message of an error body", function()
      for expected, body in pairs {
        a = { message = "a", error = "x", error_description = "y" },
        b = { error = { message = "b" } },
        c = { error = "x", error_description = "c" },
        d = { error = "d", msg = "x" },
        e = { msg = "e" },
        f = { message = "", error = "f" },
        g = { message = {}, error = "g" },
        h = { message = { "h", "", 5, {} } },
      } do
        assert.are.equal(expected, (failure.message_of(body)))
      end
    end)

    it("joins a list, and returns its texts", function()
      local message, texts = failure.message_of { message = { "a", 1, "b" } }
      assert.are.equal("a; b", message)
      assert.are.same({ "a", "b" }, texts)
      assert.is_nil(select(2, failure.message_of { message = "a" }))
    end)

    it("finds none in anything else", function()
      for _, body in ipairs {
        "text",
        5,
        true,
        {},
        { "a" },
        { message = 5 },
        { error = {} },
        { error = { message = {} } },
        { message = { {} } },
      } do
        assert.is_nil((failure.message_of(body)))
      end
      assert.is_nil((failure.message_of(nil)))
    end)
  end)

  describe("the message of a refusal", function()
    local function refused(body, headers)
      return fails("refused", respond { status = 400, body = body, headers = headers })
    end

    it("is a string", function()
      local err = refused [[{"statusCode":400,"message":"The calendar is not an event calendar.",
        "error":"Bad Request","traceId":"2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e"}]]
      assert.are.equal("The calendar is not an event calendar.", err.message)
      assert.are.equal("2fe61dc1-8f2c-4a10-9b6e-6a2a0b3c4d5e", err.trace_id)
      err = refused [[{"status":400,"message":"MongoError: limit is the wrong type","name":"HttpException"}]]
      assert.are.equal("MongoError: limit is the wrong type", err.message)
    end)

    it("is a list: all of it, in the message and in details", function()
      local err = refused [[{"statusCode":422,"message":["property a should not exist","name must be a string"],
        "error":"Unprocessable Entity"}]]
      assert.are.equal("property a should not exist; name must be a string", err.message)
      assert.are.same({ "property a should not exist", "name must be a string" }, err.details)
    end)

    it("is inside `error`", function()
      local err = refused [[{"error":{"code":"INVALID_ARGUMENT","message":"Bad page","details":[],"resolution":"r"}}]]
      assert.are.equal("Bad page", err.message)
      err = refused [[{"error":{"message":["a","b"]}}]]
      assert.are.equal("a; b", err.message)
      err = refused [[{"error":"invalid_grant","error_description":"The token is gone"}]]
      assert.are.equal("The token is gone", err.message)
      err = refused [[{"error":"Bad Request"}]]
      assert.are.equal("Bad Request", err.message)
      err = refused [[{"msg":"old style"}]]
      assert.are.equal("old style", err.message)
    end)

    it("is of an unknown shape: in words, never as a Lua table", function()
      -- stylua: ignore
      for _, body in ipairs {
        [[{"message":{"en":"no","de":"nein"}}]], [[{"message":[{"property":"x","constraints":{"isString":"m"}}]}]],
        [[{"message":[["a"],{"b":1}]}]], [[{"message":[]}]], [[{"message":""}]], [[{"message":null}]],
        [[{"message":5}]], [[{"message":true}]], [[{"error":{}}]], [[{"error":{"message":{}}}]], [[{"error":5}]],
        [[{}]], [[[]
        ]], [=[["a","b"]]=], [["text"]], "5", "null", "true", "", " ", "{", "<html><body>Bad gateway</body></html>",
        "\xff\xfe", "{\"message\":\"\xff\"}", "{\"message\":\"x\0\"}",
      } do
        local err = refused(body)
        assert.is_string(err.message)
        assert.is_true(#err.message > 0 and #err.message < 1000, body)
        for _, text in ipairs { err.message, tostring(err) } do
          assert.is_nil(text:find("table: ", 1, true), body .. " gave " .. text)
          assert.is_nil(text:find("userdata: ", 1, true), body .. " gave " .. text)
        end
        for _, detail in ipairs(err.details or {}) do
          assert.is_nil(tostring(detail):find("table: ", 1, true), body)
        end
      end
    end)

    it("is a page: the error has its type and its words", function()
      local err = fails(
        "server",
        respond {
          status = 502,
          headers = { ["Content-Type"] = "text/html" },
          body = "<html><head><title>502 Bad Gateway</title></head>" .. ("x"):rep(10000),
        }
      )
      assert.matches("502", err.message)
      assert.matches("text/html", err.message, 1, true)
      assert.is_nil(err.message:find("<", 1, true))
      assert.is_nil(err.response.body)
      local words = "502 Bad Gateway " .. ("x"):rep(184) .. "..."
      assert.are.equal("the API answered 502 (text/html): " .. words, err.message)
      assert.are.equal(4096, #err.response.text)
      assert.matches("^<html><head>", err.response.text)
    end)

    it("is plain text: it is in the message, and in response.text", function()
      for status, text in pairs {
        [502] = "upstream connect error",
        [403] = "error code: 1020",
        [404] = "no such host",
        [408] = "too slow",
        [500] = "sorry\n",
      } do
        local headers = { ["Content-Type"] = "text/plain" }
        local _, err = respond { status = status, headers = headers, body = text }
        assert.are.equal(("the API answered %d (text/plain): %s"):format(status, text:gsub("\n", "")), err.message)
        assert.are.equal(text, err.response.text)
        assert.is_nil(err.response.body)
      end
      local err = fails("rate_limit", respond { status = 429, body = "error code: 1015" })
      assert.are.equal("the API answered 429 (application/json; charset=utf-8): error code: 1015", err.message)
    end)

    it("is JSON without a known reason: its text is in the message", function()
      for body, text in pairs { ['["a","b"]'] = '["a","b"]', ['"no"'] = '"no"', ['{"code":"X1"}'] = '{"code":"X1"}' } do
        local err = fails("refused", respond { status = 400, body = body })
        assert.are.equal("the API answered 400 (application/json; charset=utf-8): " .. text, err.message)
        assert.is_nil(err.response.text)
        assert.is_not_nil(err.response.body)
      end
    end)

    it("is empty", function()
      for _, body in ipairs { "", " \r\n" } do
        local err = fails("refused", respond { status = 400, body = body })
        assert.matches("^the API answered 400: the response is empty %(", err.message)
        assert.is_nil(err.response.text)
      end
    end)

    it("is cut at 1000 bytes, after the token was left out", function()
      for before = 960, 1010 do
        local text = ("x"):rep(before) .. TOKEN
        local err = fails("refused", respond { status = 400, body = ('{"message":"%s"}'):format(text) })
        assert.is_true(#err.message <= 1003)
        assert.is_nil(err.message:find(TOKEN:sub(1, 6), 1, true), before)
      end
    end)

    it("is missing, as is the type", function()
      local err = fails("server", respond { raw = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n" })
      assert.matches("503", err.message)
    end)

    it("has a traceId that is no string", function()
      for _, body in ipairs { [[{"message":"m","traceId":5}]], [[{"message":"m","traceId":{}}]] } do
        local err = refused(body)
        assert.is_nil(err.trace_id)
        assert.are.equal("m", err.message)
      end
    end)
  end)

  describe("a 401", function()
    local function unauthorized(message)
      local body = ([[{"statusCode":401,"message":%s,"error":"Unauthorized"}]]):format(message)
      return respond { status = 401, body = body }
    end

    it("for the token is auth", function()
      for _, text in ipairs {
        "Invalid token: access token is invalid",
        "Invalid JWT",
        "Invalid Private Integration token",
        "Unauthorized",
        "something nobody has seen yet",
        "The token has expired",
      } do
        local err = fails("auth", unauthorized(json.quote(text)))
        assert.are.equal(text, err.message)
        assert.are.equal("no", err.applied)
        assert.is_false(err.retryable)
      end
    end)

    it("for scope, token class or version is scope", function()
      for _, text in ipairs {
        "The token is not authorized for this scope.",
        "THE TOKEN IS NOT AUTHORIZED FOR THIS SCOPE",
        "This authClass type is not allowed to access this scope. Please reach out to the Platform team to get it"
          .. " added.",
        "version header was not found.",
        "version header is invalid",
      } do
        local err = fails("scope", unauthorized(json.quote(text)))
        assert.are.equal(text, err.message)
        assert.are.equal(401, err.status)
      end
      fails("scope", unauthorized [=[["The token is not authorized for this scope."]]=])
    end)

    it("without a body is auth", function() fails("auth", respond { status = 401, body = "" }) end)

    it(
      "wrong location is 403: forbidden",
      function()
        fails(
          "forbidden",
          respond {
            status = 403,
            body = [[{"statusCode":403,"message":"The token does not have access to this location."}]],
          }
        )
      end
    )
  end)

  describe("the kind slot_taken", function()
    it("is that of a 400 or a 422 with its text", function()
      for _, status in ipairs { 400, 422 } do
        for _, body in ipairs {
          [[{"statusCode":400,"message":"The slot you have selected is no longer available.","error":"Bad Request"}]],
          [[{"message":["The slot you have selected is no longer available."]}]],
          [[{"error":{"message":"the SLOT is not AVAILABLE"}}]],
        } do
          local err = fails("slot_taken", respond({ status = status, body = body }, BOOK))
          assert.are.equal("no", err.applied)
          assert.are.equal(status, err.status)
        end
      end
    end)

    it("is nothing else", function()
      for _, text in ipairs {
        "The calendar is not an event calendar.",
        "slotDuration must be a number",
        "A team member needs to be selected. assignedUserId is missing",
        "No availability configured",
      } do
        fails("refused", respond({ status = 400, body = '{"message":' .. json.quote(text) .. "}" }, BOOK))
      end
      fails("conflict", respond({ status = 409, body = [[{"message":"slot is not available"}]] }, BOOK))
    end)

    it("is of no other endpoint, whatever the text is", function()
      local body = [[{"message":["slotDuration must be a number","The slot is no longer available"]}]]
      local rule = { status = 422, body = body }
      local block = { calendarId = "c", startTime = "2030-01-07T10:00:00-05:00", endTime = "2030-01-07T11:00:00-05:00" }
      for _, call in ipairs {
        POST,
        GET,
        function(with) return with.calendars:create { name = "n" } end,
        function(with) return with.block_slots:create(block) end,
        function(with) return with.block_slots:update("x", block) end,
        function(with) return with.appointments:get "x" end,
        function(with) return with.appointments:cancel "x" end,
      } do
        fails("refused", respond(rule, call))
      end
      for _, call in ipairs {
        BOOK,
        function(with) return with.appointments:update("x", { title = "t" }) end,
        function(with)
          return with:request { method = "POST", path = "/calendars/events/appointments", body = { title = "t" } }
        end,
      } do
        fails("slot_taken", respond(rule, call))
      end
    end)
  end)

  describe("a 429", function()
    local function limited(headers)
      return fails("rate_limit", respond { status = 429, headers = headers, body = [[{"message":"Too many"}]] })
    end

    it("has the limit and the seconds to wait: the longer of those that are stated", function()
      local err = limited { ["Retry-After"] = "7", ["X-RateLimit-Interval-Milliseconds"] = "5000" }
      assert.are.equal("burst", err.scope)
      assert.are.equal(7, err.retry_after)
      err = limited { ["Retry-After"] = "7", ["X-RateLimit-Interval-Milliseconds"] = "10000" }
      assert.are.equal(10, err.retry_after)
      assert.is_true(err.retryable)
      assert.are.equal("no", err.applied)
      err = limited {
        ["X-RateLimit-Interval-Milliseconds"] = "10000",
        ["X-RateLimit-Remaining"] = "0",
        ["X-RateLimit-Daily-Remaining"] = "1500",
      }
      assert.are.equal("burst", err.scope)
      assert.are.equal(10, err.retry_after)
      err = limited {
        ["X-RateLimit-Daily-Remaining"] = "0",
        ["X-RateLimit-Daily-Reset"] = "84322000",
        ["X-RateLimit-Interval-Milliseconds"] = "10000",
      }
      assert.are.equal("daily", err.scope)
      assert.are.equal(600, err.retry_after)
      assert.are.same({ daily_remaining = 0, daily_reset_ms = 84322000, interval_ms = 10000 }, err.response.rate_limit)
    end)

    it("has the seconds until a call is tried, where more are stated", function()
      local err = limited { ["Retry-After"] = "99999999999999999999" }
      assert.are.same({ "burst", 60 }, { err.scope, err.retry_after })
      assert.are.equal("99999999999999999999", err.response.headers["retry-after"])
      assert.are.equal(60, limited({ ["X-RateLimit-Interval-Milliseconds"] = "3600000" }).retry_after)
      err = limited { ["X-RateLimit-Daily-Remaining"] = "0", ["Retry-After"] = "601" }
      assert.are.same({ "daily", 600 }, { err.scope, err.retry_after })
      assert.are.equal(60, limited({ ["Retry-After"] = "60" }).retry_after)
    end)

    it("without any header is a burst of unknown length", function()
      local err = limited()
      assert.are.equal("burst", err.scope)
      assert.is_nil(err.retry_after)
      assert.is_true(err.retryable)
    end)

    it("with malformed headers does not invent a wait", function()
      for _, value in ipairs {
        "soon",
        "-1",
        "",
        "nan",
        "inf",
        "0x10",
        "1e400",
        "Wed, 31 Feb 2099 07:28:00 GMT",
        "7 7",
        "1e3",
      } do
        local err = limited { ["Retry-After"] = value, ["X-RateLimit-Max"] = value }
        assert.is_nil(err.retry_after, value)
        assert.is_nil(err.response.rate_limit, value)
      end
      assert.is_nil(limited { ["X-RateLimit-Interval-Milliseconds"] = "-5" }.retry_after)
    end)

    it("that names a date means it by the server's own clock", function()
      local function after(date) return limited { ["Retry-After"] = date, Date = "Sun, 06 Nov 1994 08:49:37 GMT" } end
      for _, date in ipairs {
        "Sun, 06 Nov 1994 08:49:45 GMT",
        "Sunday, 06-Nov-94 08:49:45 GMT",
        "Sun Nov  6 08:49:45 1994",
      } do
        assert.are.equal(8, after(date).retry_after)
      end
      assert.are.equal(0, after("Sun, 06 Nov 1994 08:49:30 GMT").retry_after)
      assert.are.equal(0, limited({ ["Retry-After"] = "0" }).retry_after)
    end)

    it("of a write had no effect either", function()
      server:reply { status = 429, body = "{}" }
      local err = fails("rate_limit", POST(client))
      assert.are.equal("no", err.applied)
      assert.is_true(err.retryable)
    end)
  end)

  describe("the error of a call", function()
    it("prints well", function()
      local body = [[{"message":"No such calendar","traceId":"t-9"}]]
      local err = fails("not_found", respond { status = 404, body = body })
      local where = " at " .. err.where
      assert.are.equal("not_found: No such calendar (HTTP 404, GET /calendars/x, trace t-9)" .. where, tostring(err))
      err = fails("server", respond({ status = 500, body = "{}" }, POST))
      assert.matches("applied: maybe", tostring(err), 1, true)
    end)

    it("has the fields of the contract", function()
      local err = fails("conflict", respond { status = 409, body = [[{"message":"m","traceId":"t"}]] })
      local types = {}
      for name, value in pairs(err) do
        types[name] = type(value)
      end
      assert.are.same({
        kind = "string",
        message = "string",
        status = "number",
        trace_id = "string",
        attempts = "number",
        retryable = "boolean",
        method = "string",
        path = "string",
        response = "table",
        applied = "string",
        where = "string",
      }, types)
      assert.is_nil(err.details)
      assert.is_nil(err.retry_after)
      assert.are.equal(server.url .. "/calendars/x", err.response.url)
      assert.are.same({ message = "m", traceId = "t" }, err.response.body)
    end)

    it("prints in one line, whatever the server says", function()
      local err = fails(
        "forbidden",
        respond {
          status = 403,
          body = [[{"message":"a\r\nb\u001b[31m","traceId":"t\nu"}]],
        }
      )
      assert.are.equal("a  b [31m", err.message)
      assert.are.equal("forbidden: a  b [31m (HTTP 403, GET /calendars/x, trace t u) at " .. err.where, tostring(err))
    end)

    it("is one for each call, not shared", function()
      local first = fails("not_found", respond { status = 404, body = "{}" })
      local second = fails("not_found", respond { status = 404, body = "{}" })
      assert.are_not.equal(first, second)
      first.message = "mine"
      assert.are_not.equal("mine", second.message)
    end)

    it("has the encoded path, and no query", function()
      server:reply { status = 404, body = "{}" }
      local err = fails("not_found", client.notes:list("a b&c", { limit = 7 }))
      assert.are.equal("/calendars/appointments/a%20b%26c/notes", err.path)
    end)
  end)

  describe("retry_after", function()
    it("is in seconds, or counts from the Date of the response", function()
      assert.are.equal(7, failure.retry_after { ["retry-after"] = "7" })
      local date = "Sun, 06 Nov 1994 08:49:37 GMT"
      assert.are.equal(8, failure.retry_after { ["retry-after"] = "Sun, 06 Nov 1994 08:49:45 GMT", date = date })
      assert.is_nil(failure.retry_after {})
      assert.is_nil(failure.retry_after { ["retry-after"] = "soon" })
    end)

    it("counts from the clock of this machine without a Date", function()
      local at = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 100)
      local seconds = failure.retry_after { ["retry-after"] = at }
      assert.is_true(seconds >= 98 and seconds <= 100, seconds)
    end)
  end)

  it("fill_rate_limit sets the longer of the waits that are stated, and the scope", function()
    local function filled(headers, limit)
      local err = {}
      failure.fill_rate_limit(err, headers, limit)
      return { err.scope, err.retry_after }
    end
    assert.are.same({ "burst" }, filled({}, nil))
    assert.are.same({ "burst", 7 }, filled({ ["retry-after"] = "7" }, nil))
    assert.are.same({ "burst", 10.0 }, filled({ ["retry-after"] = "7" }, { interval_ms = 10000 }))
    assert.are.same({ "burst", 7 }, filled({ ["retry-after"] = "7" }, { interval_ms = 500, daily_remaining = 1 }))
    assert.are.same(
      { "daily", 3600.0 },
      filled({ ["retry-after"] = "7" }, { interval_ms = 500, daily_remaining = 0, daily_reset_ms = 3600000 })
    )
    assert.are.same({ "daily" }, filled({}, { interval_ms = 500, daily_remaining = 0 }))
  end)

  it("bound_retry_after cuts it to the time after which a call is tried", function()
    local function bound(scope, seconds)
      local err = { scope = scope, retry_after = seconds }
      failure.bound_retry_after(err)
      return err.retry_after or false
    end
    assert.are.equal(60, bound("burst", 61))
    assert.are.equal(59.5, bound("burst", 59.5))
    assert.are.equal(600, bound("daily", 1e15))
    assert.are.equal(599, bound("daily", 599))
    assert.are.equal(7200, bound(nil, 7200)) -- of a 503
    assert.is_false(bound("daily", nil))
  end)

  describe("new", function()
    it("fills in what the call knows", function()
      local call = new_call({ method = "PUT", retry = "idempotent" }, { attempts = 3 })
      local err = failure.new(call, { kind = "server", message = "m" })
      assert.is_true(errors.is(err))
      assert.are.same({
        kind = "server",
        message = "m",
        method = "PUT",
        path = "/things/x",
        where = err.where,
        attempts = 3,
        applied = "no",
        retryable = true,
      }, debug.setmetatable(err, nil))
    end)

    it("takes status and trace id from the response, and the effect from both", function()
      local transfer = { sent = function() return 1 end }
      local call = new_call { method = "POST", retry = "once" }
      local response = { status = 503, trace_id = "t" }
      local err = failure.new(call, { kind = "server", message = "m" }, { transfer = transfer }, response)
      assert.are.same(
        { 503, "t", "maybe", false, response },
        { err.status, err.trace_id, err.applied, err.retryable, err.response }
      )
      err = failure.new(call, { kind = "server", message = "m", applied = "no" }, { transfer = transfer }, response)
      assert.are.same({ "no", true }, { err.applied, err.retryable })
    end)

    it("is retryable for passing kinds and statuses that had no effect", function()
      local function retryable(kind, status, applied)
        return failure.new(
          new_call(),
          { kind = kind, message = "m", applied = applied or "no" },
          nil,
          status and { status = status }
        ).retryable
      end
      for _, kind in ipairs { "network", "timeout", "server", "rate_limit" } do
        assert.is_true(retryable(kind))
        assert.is_false(retryable(kind, nil, "maybe"))
        assert.is_false(retryable(kind, nil, "yes"))
      end
      for _, status in ipairs { 408, 421, 425 } do
        assert.is_true(retryable("rejected", status))
      end
      for _, kind in ipairs { "rejected", "auth", "tls", "closed", "decode", "refused" } do
        assert.is_false(retryable(kind, 400))
      end
    end)

    it("redacts the token in strings and names of the response, however deep, and changes no table of it", function()
      local secret = assert(core.secret "canary1Rd")
      local given = { message = "m", details = { "a canary1Rd" } }
      local response = { status = 400, body = { ["canary1Rd"] = { { "x canary1Rd y" } }, n = 5 }, headers = {} }
      local err = failure.new(
        new_call(),
        { kind = "refused", message = "no canary1Rd", details = given.details },
        { secret = secret },
        response
      )
      expect.no_secret(err, "canary1Rd")
      assert.are.same({ "no ***", { "a ***" } }, { err.message, err.details })
      assert.are.same({ ["***"] = { { "x *** y" } }, n = 5 }, err.response.body)
      assert.are.equal("x canary1Rd y", response.body.canary1Rd[1][1])
    end)
  end)

  describe("the error of a request that was not sent:", function()
    it("the client is closed", function()
      local err = failure.closed(new_call())
      assert.are.same(
        { "closed", "the client is closed", "no", false },
        { err.kind, err.message, err.applied, err.retryable }
      )
    end)

    it("the wait was longer than queue_timeout, or later than timeout", function()
      local err = failure.queue_timeout(new_call({}, { begun = false }), "no connection was free")
      assert.are.same(
        { "timeout", "queue", "no connection was free within the queue_timeout of 5 s", true },
        { err.kind, err.stage, err.message, err.retryable }
      )
      err = failure.queue_timeout(new_call(), "no connection was free")
      assert.are.equal("no connection was free within the timeout of 30 s", err.message)
    end)

    it("the rate limit asks for a wait that is too long", function()
      local err = failure.rate_limit(new_call(), "daily", 3600.4)
      assert.are.same({ "rate_limit", "daily", 3600.4, true }, { err.kind, err.scope, err.retry_after, err.retryable })
      assert.are.equal(
        "the requests of the day are used up; not sent, as it would have to wait for 3600 s",
        err.message
      )
      err = failure.rate_limit(new_call(), "burst", 90)
      assert.are.equal("the API asked for a long pause; not sent, as it would have to wait for 90 s", err.message)
      err = failure.rate_limit(new_call({}, { begun = false }), "late", 7)
      assert.are.same({ "timeout", "queue" }, { err.kind, err.stage })
      assert.matches("queue_timeout", err.message)
    end)

    it("no time is left after the renewal of the token, also of a change", function()
      local err = failure.refresh_timeout(new_call { retry = "once" })
      assert.are.same({ "timeout", "refresh", "no", true }, { err.kind, err.stage, err.applied, err.retryable })
      assert.matches("30 s", err.message)
    end)

    it("there is no token: a copy of the reason", function()
      local reason = errors.new { kind = "reauth_required", message = "sign in", cause = { "why" }, applied = "yes" }
      local err = failure.token(new_call(), reason)
      assert.are_not.equal(reason, err)
      assert.are.same(
        { "reauth_required", "sign in", "no", "/things/x" },
        { err.kind, err.message, err.applied, err.path }
      )
      assert.are.equal(reason.cause, err.cause)
      assert.are.same({ "yes" }, { reason.applied, reason.path })
    end)
  end)

  it("conflict has the lost response as its cause", function()
    local cause = failure.closed(new_call())
    local err = failure.conflict(new_call { retry = "idempotent" }, cause)
    assert.are.same({ "conflict", "maybe", false }, { err.kind, err.applied, err.retryable })
    assert.are.equal(cause, err.cause)
  end)

  describe("cut_off", function()
    local function transfer(sent)
      return { sent = function() return sent end }
    end

    it("is cancelled or raised, with what was raised as the cause", function()
      local err = failure.cut_off(new_call(), nil)
      assert.are.same({ "cancelled", "the call was cut off", "no" }, { err.kind, err.message, err.applied })
      err = failure.cut_off(new_call(), "mine")
      assert.are.same({ "raised", "mine" }, { err.kind, err.cause })
    end)

    it("has the effect that the last attempt may have had", function()
      local function applied(retry_class, attempt, unclear)
        return failure.cut_off(new_call({ retry = retry_class }, { attempt = attempt, unclear = unclear })).applied
      end
      assert.are.equal("no", applied("once", false))
      assert.are.equal("no", applied("once", { transfer = transfer(0) }))
      assert.are.equal("maybe", applied("once", { transfer = transfer(1) }))
      assert.are.equal("no", applied("safe", { transfer = transfer(1) }))
      assert.are.equal("yes", applied("once", { transfer = transfer(1), err = { applied = "yes" } }))
      assert.are.equal("maybe", applied("idempotent", { transfer = transfer(1), err = { applied = "no" } }, true))
      local err = failure.cut_off(new_call({ retry = "once" }, { attempt = { transfer = transfer(1) } }))
      assert.are.equal("the call was cut off after it had left", err.message)
    end)
  end)
end)
