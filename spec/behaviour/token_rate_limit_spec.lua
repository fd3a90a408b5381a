-- The rate limit of the token endpoints: exchanges wait for a permit as long as they may, else they are not sent.

local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local oauth = require "spec.support.oauth"
local private = require "hoopai.private"
local servers = require "spec.support.server"

local failure = expect.failure

local TOKENS = {
  method = "POST",
  path = "/oauth/token",
  body = [[{"access_token":"a","refresh_token":"r",
  "expires_in":86399,"userType":"Location","locationId":"l1"}]],
}

describe("the rate limit of token requests", function()
  local server
  local apps = {}

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function()
    for _, app in ipairs(apps) do
      app:close()
    end
    apps = {}
    leak.after(server)
  end)

  local function new_app(options)
    local all = {
      client_id = "id-app",
      client_secret = "secret",
      base_url = server.url,
      redirect_uri = "http://127.0.0.1:1/back",
    }
    for name, value in pairs(options or {}) do
      all[name] = value
    end
    apps[#apps + 1] = hoopai.oauth(all)
    return apps[#apps]
  end

  local function with(fields)
    local copy = {}
    for name, value in pairs(TOKENS) do
      copy[name] = value
    end
    for name, value in pairs(fields) do
      copy[name] = value
    end
    return copy
  end

  local function refusal(headers)
    return with { status = 429, body = [[{"message":"Too Many Requests"}]], headers = headers }
  end

  --- Seconds between the arrivals of two requests.
  local function between(first, second)
    local ledger = server:ledger()
    return ledger[second].arrived - ledger[first].arrived
  end

  --- Two locations whose tokens have expired.
  local function ended(app)
    for index = 1, 2 do
      server:reply(with { body = TOKENS.body:gsub("86399", "1"):gsub("l1", "l" .. index) })
      assert(app:exchange { code = "code" })
    end
    hoopai.sleep(1.1)
    return app
  end

  local function renew(app, index) return private.state("hoopai.App", app):source("l" .. index):get(core.now() + 60) end

  local BODY_OF_2 = TOKENS.body:gsub("l1", "l2")
  local LIMIT = { ["X-RateLimit-Max"] = "1", ["X-RateLimit-Interval-Milliseconds"] = "400" }

  it("is read from the headers, and waited for", function()
    local app = ended(new_app())
    server:reply(with { headers = LIMIT }, with { headers = LIMIT, body = BODY_OF_2 })
    assert(renew(app, 1))
    assert(renew(app, 2))
    assert.is_true(between(3, 4) >= 0.4, between(3, 4))
  end)

  it("is paused by a 429 until the stated time: seconds, or a date", function()
    local date = "!%a, %d %b %Y %H:%M:%S GMT"
    for _, headers in ipairs {
      { ["Retry-After"] = "1" },
      { ["Retry-After"] = os.date(date, 101), Date = os.date(date, 100) },
    } do
      local app = ended(new_app())
      server:reply(refusal(headers), with { body = BODY_OF_2 })
      local result, err = renew(app, 1)
      failure("rate_limit", result, err, { status = 429, retry_after = 1, scope = "burst", retryable = true })
      assert(renew(app, 2))
      assert.is_true(between(3, 4) >= 1, between(3, 4))
      server:reset()
    end
  end)

  it("without a permit in time fails before anything is sent", function()
    local app = ended(new_app())
    server:reply(refusal { ["Retry-After"] = "45" })
    failure("rate_limit", renew(app, 1))
    local begun = core.now()
    local result, err = renew(app, 2)
    failure("rate_limit", result, err, { applied = "no", scope = "burst", retryable = true })
    assert.is_nil(err.status)
    assert.is_true(err.retry_after > 40 and err.retry_after <= 45, err.retry_after)
    assert.is_true(core.now() - begun < 5)
    assert.are.equal(3, #server:ledger())
  end)

  it("is paused for 12 s by a 429 that does not state a time", function()
    local app = ended(new_app())
    server:reply(refusal())
    local result, err = renew(app, 1)
    failure("rate_limit", result, err, { retry_after = 12 })
    hoopai.run(function()
      local task = hoopai.spawn(renew, app, 2)
      hoopai.sleep(0.05)
      app:close()
      failure("closed", task:join())
    end)
    assert.are.equal(3, #server:ledger())
  end)

  it("ends the wait of all at once when the app is closed", function()
    local app = ended(new_app())
    server:reply(refusal { ["Retry-After"] = "20" })
    failure("rate_limit", renew(app, 1))
    local begun = core.now()
    hoopai.run(function()
      local tasks = {}
      for index = 1, 3 do
        tasks[index] = hoopai.spawn(renew, app, 2)
      end
      hoopai.sleep(0.05)
      app:close()
      for index = 1, 3 do
        failure("closed", tasks[index]:join())
      end
    end)
    assert.is_true(core.now() - begun < 5)
  end)

  it("leaves no mark in the store for an exchange that was not sent", function()
    local kept = {}
    local app = new_app {
      store = {
        get = function(key) return kept[key] end,
        put = function(key, text)
          kept[key] = text
          return true
        end,
        lock = function()
          return function() end
        end,
      },
    }
    ended(app)
    server:reply(with { headers = { ["X-RateLimit-Max"] = "1", ["X-RateLimit-Interval-Milliseconds"] = "50000" } })
    assert(renew(app, 1))
    local result, err = renew(app, 2)
    failure("rate_limit", result, err, { applied = "no", scope = "burst" })
    assert.is_true(err.retry_after > 40, err.retry_after)
    assert.is_nil(oauth.unpack(kept["id-app/location/l2"]):get("pending"))
    assert.are.equal(3, #server:ledger())
  end)
end)
