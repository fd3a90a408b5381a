-- What a response can do to the calls after it is bounded: while its headers hold requests back, one request is sent as
-- a probe, and its response decides. The clock of a rate limiter is a parameter, so a hold can begin in the past.

local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local new_state = require("spec.support.calls").state
local oauth = require "spec.support.oauth"
local rate_limiter = require "hoopai.call.rate_limiter"
local servers = require "spec.support.server"
local token_endpoint = require "hoopai.oauth.token_endpoint"

local failure = expect.failure

local YEAR = 365 * 24 * 3600
local BODY = [[{"calendar":{"id":"c"}}]]
local CALENDAR = { method = "GET", path = "/calendars/c", body = BODY, always = true }
local REFUSAL =
  { method = "GET", path = "/calendars/c", status = 429, headers = { ["Retry-After"] = "999999999" }, body = "{}" }

-- Title -> what begins a hold at a moment, its scope, and the seconds until a probe.
local holds = {
  ["a Retry-After"] = {
    begin = function(counter, moment) counter:pause(moment, YEAR) end,
    scope = "burst",
    period = 60,
  },
  ["an interval"] = { stated = { max = 1, interval_ms = YEAR * 1000 }, scope = "burst", period = 60 },
  ["a day"] = { stated = { daily_remaining = 0, daily_reset_ms = YEAR * 1000 }, scope = "daily", period = 600 },
}
for _, hold in pairs(holds) do
  hold.begin = hold.begin
    or function(counter, moment)
      counter:acquire()
      counter:record(moment, hold.stated, true)
    end
end

describe("a hold of", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

  --- A client whose requests are held back, and the seconds until a probe is due.
  local function held(hold, seconds_left, options)
    local given = { token = "t", base_url = server.url, location_id = "l", rate_limit = true, retries = false }
    for name, value in pairs(options or {}) do
      given[name] = value
    end
    local state, client = new_state(given)
    local limiter = rate_limiter.new()
    hold.begin(limiter.counter, core.now() - hold.period + seconds_left)
    state.shared.rate_limiters.l = limiter
    return client
  end

  local function get(client) return client.calendars:get "c" end

  --- Lets five tasks call at once. Returns how many succeeded, and the errors of the others.
  local function five(client)
    local succeeded, failed = 0, {}
    hoopai.run(function()
      for _ = 1, 5 do
        hoopai.spawn(function()
          local calendar, err = get(client)
          if calendar then succeeded = succeeded + 1 end
          failed[#failed + 1] = err.kind and err or nil
        end)
      end
    end)
    return succeeded, failed
  end

  local function sent() return #server:ledger() end

  for title, hold in pairs(holds) do
    for mode, run in pairs { ["a blocking call"] = function(fn) return fn() end, ["a task"] = hoopai.run } do
      it(title .. " ends when the probe succeeds, in " .. mode, function()
        local client = held(hold, 0)
        server:reply(CALENDAR)
        run(function()
          for _ = 1, 3 do
            assert(get(client))
          end
        end)
        assert.are.equal(3, sent())
      end)

      it(title .. " goes on when the probe is refused, in " .. mode, function()
        local client = held(hold, 0)
        server:reply(REFUSAL)
        run(function()
          local result, err = get(client)
          failure("rate_limit", result, err, { status = 429, retry_after = 60 })
          result, err = get(client)
          failure("rate_limit", result, err, { attempts = 0, scope = "burst", applied = "no" })
          assert.is_true(err.retry_after > 40 and err.retry_after <= 60, err.retry_after)
        end)
        assert.are.equal(1, sent())
      end)

      it(title .. " is told with the seconds until the probe, after which a call succeeds, in " .. mode, function()
        local client = held(hold, 1)
        server:reply(CALENDAR)
        run(function()
          local result, err = get(client)
          failure("rate_limit", result, err, { attempts = 0, scope = hold.scope, applied = "no", retryable = true })
          assert.is_true(err.retry_after > 0 and err.retry_after <= 1, err.retry_after)
          hoopai.sleep(err.retry_after)
          assert(get(client))
        end)
      end)

      it(title .. " goes on for others when the probe could not be sent, in " .. mode, function()
        local client = held(hold, 0, { token = function() return nil, "no token" end })
        run(function()
          for _ = 1, 2 do
            failure("auth", get(client))
          end
        end)
        assert.are.equal(0, sent())
      end)
    end

    it(title .. " lets one task send, and the others wait for its response", function()
      local client = held(hold, 0)
      server:reply { method = "GET", path = "/calendars/c", body = BODY, delay = 0.3 }
      server:reply(CALENDAR)
      assert.are.equal(5, (five(client)))
      assert.are.equal(5, sent())
      local ledger = server:ledger()
      assert.is_true(ledger[2].arrived - ledger[1].arrived >= 0.25, ledger[2].arrived - ledger[1].arrived)
    end)

    it(title .. " lets one task send, and no other when its response is a refusal", function()
      local client = held(hold, 0)
      server:reply(REFUSAL)
      local succeeded, failed = five(client)
      assert.are.same({ 0, 5, 1 }, { succeeded, #failed, sent() })
      for _, err in ipairs(failed) do
        failure("rate_limit", nil, err)
      end
    end)
  end
end)

describe("a hold of token requests by", function()
  local server, made

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(function()
    leak.before()
    made = {}
  end)
  after_each(function()
    for _, endpoint in ipairs(made) do
      endpoint:close()
    end
    leak.after(server)
  end)

  local TOKENS = {
    method = "POST",
    path = "/oauth/token",
    body = [[{"access_token":"a","refresh_token":"r","expires_in":86399,"userType":"Location","locationId":"l"}]],
    always = true,
  }

  local function new()
    made[#made + 1] = token_endpoint.new {
      client_id = "id",
      client_secret = assert(core.secret "secret"),
      base_url = server.url,
      transport = { connect_timeout = 10, max_connections = 64, http2 = false, user_agent = "spec" },
    }
    return made[#made]
  end

  --- Refreshes in the calling task. Returns the outcome, and the credentials or the error.
  local function refresh(endpoint)
    local reply = endpoint:new_reply(oauth.credentials { refresh_token = "r" })
    endpoint:refresh(reply, 10)
    local outcome, result = reply:read()
    reply:close()
    return outcome, result
  end

  for title, hold in pairs(holds) do
    it(title .. " ends when the refresh that is sent as a probe succeeds", function()
      local endpoint = new()
      server:reply(TOKENS)
      hoopai.run(function()
        assert.are.equal("granted", (refresh(endpoint)))
        hold.begin(endpoint.shared.rate_limiters["/oauth/token"].counter, core.now() - hold.period + 1)
        local outcome, err = refresh(endpoint)
        assert.are.equal("unsent", outcome)
        failure("rate_limit", nil, err, { scope = hold.scope, applied = "no", retryable = true })
        assert.is_true(err.retry_after > 0 and err.retry_after <= 1, err.retry_after)
        hoopai.sleep(err.retry_after)
        local outcomes = hoopai.map({ 1, 2, 3 }, function() return (refresh(endpoint)) end)
        assert.are.same({ "granted", "granted", "granted", n = 3 }, outcomes)
      end)
      assert.are.equal(4, #server:ledger())
    end)

    it(title .. " goes on when the refresh that is sent as a probe is refused", function()
      local endpoint = new()
      server:reply(
        { method = "POST", path = "/oauth/token", body = TOKENS.body },
        { method = "POST", path = "/oauth/token", status = 429, headers = REFUSAL.headers, body = "{}" }
      )
      hoopai.run(function()
        assert.are.equal("granted", (refresh(endpoint)))
        hold.begin(endpoint.shared.rate_limiters["/oauth/token"].counter, core.now() - hold.period)
        local outcomes = hoopai.map({ 1, 2, 3 }, function() return (refresh(endpoint)) end)
        assert.are.same({ "rejected", "unsent", "unsent", n = 3 }, outcomes)
        local _, err = refresh(endpoint)
        failure("rate_limit", nil, err, { scope = "burst", applied = "no" })
        assert.is_true(err.retry_after > 40 and err.retry_after <= 60, err.retry_after)
      end)
      assert.are.equal(2, #server:ledger())
    end)
  end
end)
