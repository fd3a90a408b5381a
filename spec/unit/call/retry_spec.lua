-- May an attempt be repeated, and when: the decisions, the pauses, the retry budget, Retry-After.

local retry = require "hoopai.call.retry"

-- Written by hand from the rules, not from retry.table: failure point, then the action of safe, idempotent and once.
local ROWS = [[
  name          resend      resend      resend
  connect       resend      resend      resend
  handshake     resend      resend      resend_once
  certificate   fail        fail        fail
  proxy         fail        fail        fail
  proxy_busy    resend      resend      resend
  unanswered    resend      reconcile   fail
  hostile       fail        fail        fail
  ended         fail        fail        fail
  unreadable    resend_once reconcile   fail
  truncated     resend      reconcile   fail
  redirect      fail        fail        fail
  definitive    fail        fail        fail
  token         refresh     refresh     refresh
  timeout_408   resend      reconcile   fail
  early         resend_once resend_once resend_once
  burst         resend      resend      resend
  blind_burst   resend_once resend_once resend_once
  daily         fail        fail        fail
  server        resend      reconcile   fail
  unavailable   resend      reconcile   fail
]]

local rows = {}
for point, safe, idempotent, once in ROWS:gmatch("(%S+) +(%S+) +(%S+) +(%S+)") do
  rows[point] = { safe = safe, idempotent = idempotent, once = once }
end

--- decide with what allows most, but for what is given.
local function decide(given)
  local all = {
    endpoint = { retry = "safe", reconcile = "get" },
    point = "server",
    err = {},
    made = 1,
    most = 3,
    left = 100,
    repeated = false,
    affordable = true,
    random = 0.5,
  }
  for name, value in pairs(given) do
    all[name] = value
  end
  return retry.decide(all)
end

describe("hoopai.call.retry:", function()
  describe("the table", function()
    it("has these rows and no other", function()
      local known = {}
      for point in pairs(retry.table) do
        known[point] = true
      end
      for point in pairs(rows) do
        assert.is_true(known[point], point)
        known[point] = nil
      end
      assert.are.same({}, known)
    end)

    for point, row in pairs(rows) do
      for class, wanted in pairs(row) do
        it(("at %s a request that is %s does: %s"):format(point, class, wanted), function()
          local given = { endpoint = { retry = class, reconcile = "get" }, point = point, err = { retry_after = 2 } }
          local first = decide(given)
          given.repeated = true
          local second = decide(given)
          if wanted == "resend_once" then
            assert.are.same({ "resend", "fail" }, { first, second })
          else
            assert.are.same({ wanted, wanted }, { first, second })
          end
        end)
      end
    end

    it("does not repeat a change that cannot be reconciled", function()
      local looked = 0
      for point, row in pairs(rows) do
        for _, reconcile in ipairs { "none", false } do
          local endpoint = { retry = "idempotent", reconcile = reconcile or nil }
          local action = decide { endpoint = endpoint, point = point, err = { retry_after = 2 } }
          if row.idempotent == "reconcile" then
            looked = looked + 1
            assert.are.equal("fail", action, point)
          else
            assert.are.equal(row.idempotent == "resend_once" and "resend" or row.idempotent, action, point)
          end
        end
      end
      assert.are.equal(12, looked)
      local action = retry.decide {
        endpoint = { retry = "idempotent" },
        point = "server",
        err = {},
        made = 1,
        most = 3,
        left = 100,
        affordable = true,
        random = 0,
      }
      assert.are.equal("fail", action)
    end)
  end)

  describe("the failure point", function()
    -- point, how often the request left, the error
    local cases = {
      { "name", 0, { kind = "network", curl_code = 6 } },
      { "name", 0, { kind = "network", curl_code = 5 } },
      { "connect", 0, { kind = "network", curl_code = 7 } },
      { "connect", 0, { kind = "timeout", curl_code = 28, stage = "connect" } },
      { "handshake", 0, { kind = "tls", curl_code = 35 } },
      { "certificate", 0, { kind = "tls", curl_code = 60 } },
      { "certificate", 0, { kind = "tls", curl_code = 90 } },
      { "certificate", 0, { kind = "tls", curl_code = 77 } },
      { "proxy", 0, { kind = "network", curl_code = 56, proxy_status = 407 } },
      { "proxy", 0, { kind = "network", curl_code = 56, proxy_status = 403 } },
      { "proxy", 0, { kind = "network", curl_code = 56, proxy_status = 302 } },
      { "proxy_busy", 0, { kind = "network", curl_code = 56, proxy_status = 502 } },
      { "proxy_busy", 0, { kind = "network", curl_code = 56, proxy_status = 504 } },
      { "proxy", 0, { kind = "network", curl_code = 56, proxy_status = 500 } },
      { "certificate", 0, { kind = "tls", curl_code = 60, proxy_status = 200 } },
      { "unanswered", 1, { kind = "timeout", curl_code = 28, stage = "wait" } },
      { "unanswered", 1, { kind = "network", curl_code = 52 } },
      { "unanswered", 1, { kind = "network", curl_code = 55 } },
      { "unanswered", 1, { kind = "network", curl_code = 56 } },
      { "unanswered", 1, { kind = "network", curl_code = 16 } },
      { "unanswered", 1, { kind = "network", curl_code = 92 } },
      { "unanswered", 1, { kind = "network", curl_code = 42 } },
      { "unanswered", 1, { kind = "tls", curl_code = 35 } },
      { "unanswered", 2, { kind = "network", curl_code = 56 } },
      { "unanswered", 1, { kind = "network", curl_code = 56, status = 100 } }, -- after an interim response
      { "hostile", 1, { kind = "protocol" } },
      { "hostile", 1, { kind = "protocol", status = 102 } },
      { "hostile", 1, { kind = "too_large" } },
      { "ended", 0, { kind = "closed" } },
      { "ended", 1, { kind = "closed" } },
      { "ended", 1, { kind = "cancelled" } },
      { "unreadable", 1, { kind = "decode", status = 200 } },
      { "unreadable", 1, { kind = "too_large", status = 200 } },
      { "unreadable", 1, { kind = "protocol", status = 201 } },
      { "truncated", 1, { kind = "network", curl_code = 18, status = 200 } },
      { "truncated", 1, { kind = "timeout", curl_code = 28, status = 201 } },
      { "definitive", 1, { kind = "refused", status = 200 } }, -- it says that it did not succeed
      { "redirect", 1, { kind = "protocol", status = 302 } },
      { "redirect", 1, { kind = "protocol", status = 600 } },
      { "definitive", 1, { kind = "refused", status = 400 } },
      { "definitive", 1, { kind = "slot_taken", status = 400 } },
      { "definitive", 1, { kind = "rejected", status = 402 } },
      { "definitive", 1, { kind = "forbidden", status = 403 } },
      { "definitive", 1, { kind = "not_found", status = 404 } },
      { "definitive", 1, { kind = "conflict", status = 409 } },
      { "definitive", 1, { kind = "not_found", status = 410 } },
      { "definitive", 1, { kind = "rejected", status = 415 } },
      { "definitive", 1, { kind = "refused", status = 422 } },
      { "definitive", 1, { kind = "scope", status = 401 } },
      { "token", 1, { kind = "auth", status = 401 } },
      { "timeout_408", 1, { kind = "rejected", status = 408 } },
      { "early", 1, { kind = "rejected", status = 421 } },
      { "early", 1, { kind = "rejected", status = 425 } },
      { "burst", 1, { kind = "rate_limit", status = 429, scope = "burst", retry_after = 3 } },
      { "burst", 1, { kind = "network", status = 429, scope = "burst", retry_after = 3 } }, -- the body broke off
      { "blind_burst", 1, { kind = "rate_limit", status = 429, scope = "burst" } },
      { "daily", 1, { kind = "rate_limit", status = 429, scope = "daily", retry_after = 3600 } },
      { "server", 1, { kind = "server", status = 500 } },
      { "server", 1, { kind = "server", status = 502 } },
      { "server", 1, { kind = "server", status = 504 } },
      { "server", 1, { kind = "server", status = 599 } },
      { "server", 1, { kind = "timeout", status = 500 } },
      { "unavailable", 1, { kind = "server", status = 503 } },
    }

    it("is derived from the error", function()
      local reached = {}
      for index, case in ipairs(cases) do
        local point = retry.classify(case[3], case[2])
        assert.are.equal(
          case[1],
          point,
          ("case %d: %s %s %s"):format(index, case[3].kind, tostring(case[3].status), tostring(case[3].curl_code))
        )
        reached[point] = true
      end
      for point in pairs(rows) do
        assert.is_true(reached[point], "no case reaches " .. point)
      end
    end)

    it("is a row of the table for every status, kind and number of sendings", function()
      for _, kind in ipairs(require("hoopai.errors").kinds) do
        for sent = 0, 2 do
          for status = 0, 999 do
            local point = retry.classify({ kind = kind, status = status }, sent)
            if not rows[point] then error(("%s %d %d: %s"):format(kind, sent, status, tostring(point))) end
          end
        end
      end
      assert.are.equal("connect", retry.classify({ kind = "network" }, 0))
    end)
  end)

  describe("a decision", function()
    it("allows as many attempts as are given, the first included", function()
      assert.are.same({ "fail" }, { decide { made = 3, most = 3 } })
      assert.are.equal("resend", (decide { made = 2, most = 3 }))
      assert.are.same({ "fail" }, { decide { made = 1, most = 1 } })
    end)

    it("depends on the retry budget", function()
      assert.are.same({ "fail" }, { decide { affordable = false } })
      assert.are.equal("refresh", (decide { affordable = false, point = "token" }))
    end)

    it("does not begin a pause that the deadline would cut", function()
      local action, wait = decide { left = 0.26, random = 0.5 }
      assert.are.same({ "resend", 0.25 }, { action, wait })
      assert.are.same({ "fail" }, { decide { left = 0.25, random = 0.5 } })
      assert.are.same({ "fail" }, { decide { left = 0, random = 0 } })
      assert.are.same({ "fail" }, { decide { left = -1, random = 0 } })
      assert.are.same({ "fail" }, { decide { point = "burst", err = { retry_after = 60 }, left = 30 } })
    end)

    it("pauses at random up to a bound that doubles, and not above 8 s", function()
      for attempt, most in ipairs { 0.5, 1, 2, 4, 8, 8, 8 } do
        assert.are.equal(0, retry.backoff(attempt, 0))
        assert.are.equal(most / 2, retry.backoff(attempt, 0.5))
        assert.are.equal(most, retry.backoff(attempt, 1))
        local _, wait = decide { made = attempt, most = 10, random = 0.25 }
        assert.are.equal(most / 4, wait)
      end
      assert.are.equal(8, retry.backoff(10000, 1))
    end)

    it("waits as long as a 429 says, and a little more at random", function()
      local function wait_of(err, random)
        local point = retry.classify(err, 1)
        return select(2, decide { point = point, err = err, random = random })
      end
      local err = { kind = "rate_limit", status = 429, scope = "burst", retry_after = 3 }
      assert.are.equal(3, wait_of(err, 0))
      assert.are.equal(3.25, wait_of(err, 0.5))
      err.retry_after = nil
      assert.are.equal(10, wait_of(err, 0))
      assert.are.equal(10.5, wait_of(err, 1))
      err.retry_after = 0
      assert.are.equal(0.25, wait_of(err, 0.5))
    end)

    it("waits as long as a 503 says, at most a minute, and not less than otherwise", function()
      local function wait_of(seconds, random)
        return select(2, decide { point = "unavailable", err = { retry_after = seconds }, random = random })
      end
      assert.are.equal(5, wait_of(5, 1))
      assert.are.equal(60, wait_of(3600, 1))
      assert.are.equal(0.5, wait_of(0, 1))
      assert.are.equal(0.5, wait_of(nil, 1))
    end)
  end)

  describe("the retry budget", function()
    it("ends retries after five failures, and gives one back for ten successes", function()
      local budget = retry.budget()
      for _ = 1, 4 do
        budget:fail()
        assert.is_true(budget:is_affordable())
      end
      budget:fail()
      assert.is_false(budget:is_affordable())
      budget:succeed()
      assert.is_true(budget:is_affordable())
      budget:fail()
      for _ = 1, 9 do
        budget:succeed()
      end
      assert.is_false(budget:is_affordable())
      budget:succeed()
      budget:succeed()
      assert.is_true(budget:is_affordable())
    end)

    it("has bounds on both sides", function()
      local budget = retry.budget()
      for _ = 1, 1000 do
        budget:succeed()
      end
      for _ = 1, 5 do
        budget:fail()
      end
      assert.is_false(budget:is_affordable())
      for _ = 1, 1000 do
        budget:fail()
      end
      for _ = 1, 50 do
        budget:succeed()
      end
      assert.is_true(budget.tokens >= 5 - 1e-9 and budget.tokens <= 5 + 1e-9)
      budget:succeed()
      assert.is_true(budget:is_affordable())
    end)

    it("is not charged for refusals", function()
      local free = { burst = 1, blind_burst = 1, daily = 1, token = 1, definitive = 1, ended = 1 }
      for point in pairs(rows) do
        assert.are.equal(not free[point], retry.is_costly(point), point)
      end
    end)
  end)

  describe("after an attempt", function()
    local budgets

    before_each(function() budgets = {} end)

    --- after_attempt of a safe request, with what allows most, but for what is given.
    local function after(err, sent, given)
      local all = { endpoint = { retry = "safe" }, made = 1, most = 99, left = 100, random = 0.5 }
      for name, value in pairs(given or {}) do
        all[name] = value
      end
      return retry.after_attempt(err, sent, budgets, "l1", all)
    end

    it("the failure is classified and decided upon", function()
      local server = { kind = "server", status = 500 }
      assert.are.same({ "server", "resend", 0.25 }, { after(server, 1) })
      assert.are.same({ "server", "fail" }, { after(server, 1, { endpoint = { retry = "once" } }) })
      assert.are.same({ "connect", "resend", 0.25 }, { after({ kind = "network" }, 0) })
      local burst = { kind = "rate_limit", status = 429, scope = "burst", retry_after = 3 }
      assert.are.same({ "burst", "resend", 3.25 }, { after(burst, 1) })
      assert.are.same({ "token", "refresh" }, { after({ kind = "auth", status = 401 }, 1) })
    end)

    it("a call is repeated once for some points, and for others again", function()
      local early, server = { kind = "rejected", status = 425 }, { kind = "server", status = 500 }
      assert.are.equal("resend", (select(2, after(early, 1, { repeated = { server = true } }))))
      assert.are.equal("fail", (select(2, after(early, 1, { repeated = { early = true } }))))
      assert.are.equal("resend", (select(2, after(server, 1, { repeated = { server = true } }))))
    end)

    it("a costly failure counts against the retry budget before it decides, and no other does", function()
      for _ = 1, 20 do
        after({ kind = "auth", status = 401 }, 1)
        after({ kind = "not_found", status = 404 }, 1)
      end
      assert.are.same({}, budgets)
      budgets.l2 = retry.budget()
      for _ = 1, 4 do
        assert.are.equal("resend", (select(2, after({ kind = "network" }, 1))))
      end
      assert.are.equal("fail", (select(2, after({ kind = "network" }, 1))))
      assert.is_false(budgets.l1:is_affordable())
      assert.are.equal(10, budgets.l2.tokens)
      budgets.l1:succeed()
      assert.are.equal("burst", (after({ kind = "rate_limit", status = 429, retry_after = 1 }, 1)))
      assert.is_true(budgets.l1:is_affordable())
    end)
  end)

  describe("Retry-After", function()
    local WALL = 784111777 -- Sun, 06 Nov 1994 08:49:37 GMT

    it("may be seconds", function()
      assert.are.equal(0, retry.after("0", nil, WALL))
      assert.are.equal(120, retry.after("120", nil, WALL))
      assert.are.equal(999999999999999, retry.after("999999999999999", nil, WALL))
      assert.are.equal(1e15, retry.after(("9"):rep(400), nil, WALL))
    end)

    it("may be a date in any of its three forms", function()
      for _, text in ipairs {
        "Sun, 06 Nov 1994 08:50:37 GMT",
        "Sunday, 06-Nov-94 08:50:37 GMT",
        "Sun Nov  6 08:50:37 1994",
      } do
        assert.are.equal(60, retry.after(text, nil, WALL), text)
      end
    end)

    it("counts a date from the server's own clock", function()
      local text = "Sun, 06 Nov 1994 08:50:37 GMT"
      assert.are.equal(30, retry.after(text, "Sun, 06 Nov 1994 08:50:07 GMT", WALL))
      assert.are.equal(60, retry.after(text, "yesterday", WALL))
    end)

    it("that lies in the past is no wait", function()
      assert.are.equal(0, retry.after("Sun, 06 Nov 1994 08:49:36 GMT", nil, WALL))
      assert.are.equal(0, retry.after("Thu, 01 Jan 1970 00:00:00 GMT", nil, WALL))
    end)

    it("that came several times is the longest", function()
      assert.are.equal(7, retry.after("5, 7, 1", nil, WALL))
      assert.are.equal(60, retry.after("60,60", nil, WALL))
    end)

    it("that is malformed is ignored", function()
      -- stylua: ignore
      for _, text in ipairs {
        "", " ", ",", "-1", "+1", "1.5", "1e3", "0x10", "soon", "inf", "nan", "7 7", "5, soon", "5, -1", "1\0",
        "Sun, 06 Nov 1994 08:49:37", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Now 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
      } do
        assert.is_nil(retry.after(text, nil, WALL), text)
      end
      assert.is_nil(retry.after(nil, nil, WALL))
    end)
  end)
end)
