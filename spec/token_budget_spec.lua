-- The request budget of the token endpoints: exchanges wait for room as long as they may, else they do not leave.

local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local sandbox = require "hoopai.sandbox"
local servers = require "spec.support.server"

local failure = expect.failure

local GRANT = { method = "POST", path = "/oauth/token", body = [[{"access_token":"a","refresh_token":"r",
  "expires_in":86399,"userType":"Location","locationId":"l1"}]] }

describe("the budget of token requests", function()
  local server
  local apps = {}

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function()
    for _, app in ipairs(apps) do app:close() end
    apps = {}
    leak.after(server)
  end)

  local function new_app(options)
    local all = {
      client_id = "id-app", client_secret = "secret", base_url = server.url, redirect_uri = "http://127.0.0.1:1/back",
    }
    for name, value in pairs(options or {}) do all[name] = value end
    apps[#apps + 1] = hoopai.oauth(all)
    return apps[#apps]
  end

  local function with(fields)
    local copy = {}
    for name, value in pairs(GRANT) do copy[name] = value end
    for name, value in pairs(fields) do copy[name] = value end
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

  local BUDGET = { ["X-RateLimit-Max"] = "1", ["X-RateLimit-Interval-Milliseconds"] = "400" }

  it("is learnt from the headers, and waited for", function()
    local app = new_app()
    server:reply(with { headers = BUDGET }, with { headers = BUDGET })
    assert(app:exchange { code = "one" })
    assert(app:exchange { code = "two" })
    assert.is_true(between(1, 2) >= 0.4, between(1, 2))
  end)

  it("is closed by a 429 until the stated time: seconds, or a date", function()
    local date = "!%a, %d %b %Y %H:%M:%S GMT"
    for _, headers in ipairs {
      { ["Retry-After"] = "1" }, { ["Retry-After"] = os.date(date, 101), Date = os.date(date, 100) },
    } do
      local app = new_app()
      server:reply(refusal(headers), GRANT)
      local result, err = app:exchange { code = "one" }
      failure("rate_limit", result, err, { status = 429, retry_after = 1, scope = "burst", retryable = true })
      assert(app:exchange { code = "one" })
      assert.is_true(between(1, 2) >= 1, between(1, 2))
      server:reset()
    end
  end)

  it("that has no room in time fails before anything leaves", function()
    local app = new_app()
    server:reply(refusal { ["Retry-After"] = "45" })
    failure("rate_limit", app:exchange { code = "one" })
    local begun = core.now()
    local result, err = app:exchange { code = "two" }
    failure("rate_limit", result, err, { applied = "no", scope = "burst", retryable = true })
    assert.is_nil(err.status)
    assert.is_true(err.retry_after > 40 and err.retry_after <= 45, err.retry_after)
    assert.is_true(core.now() - begun < 5)
    assert.are.equal(1, #server:ledger())
  end)

  it("that a 429 does not tell of is closed for 12 s", function()
    local app = new_app()
    server:reply(refusal())
    local result, err = app:exchange { code = "one" }
    failure("rate_limit", result, err, { retry_after = 12 })
    hoopai.run(function()
      local task = hoopai.spawn(app.exchange, app, { code = "two" })
      hoopai.sleep(0.05)
      app:close()
      failure("closed", task:join())
    end)
    assert.are.equal(1, #server:ledger())
  end)

  it("ends at once for all who wait when the app is closed", function()
    local app = new_app()
    server:reply(refusal { ["Retry-After"] = "20" })
    failure("rate_limit", app:exchange { code = "one" })
    local begun = core.now()
    hoopai.run(function()
      local tasks = {}
      for index = 1, 3 do tasks[index] = hoopai.spawn(app.exchange, app, { code = "code" .. index }) end
      hoopai.sleep(0.05)
      app:close()
      for index = 1, 3 do failure("closed", tasks[index]:join()) end
    end)
    assert.is_true(core.now() - begun < 5)
  end)

  it("takes no mark into the store for an exchange that did not leave", function()
    local kept = {}
    local app = new_app { store = {
      get = function(key) return kept[key] end,
      put = function(key, text) kept[key] = text return true end,
      lock = function() return function() end end,
    } }
    server:reply(with { body = GRANT.body:gsub("86399", "1"), headers = {
      ["X-RateLimit-Max"] = "1", ["X-RateLimit-Interval-Milliseconds"] = "50000",
    } })
    assert(app:exchange { code = "one" })
    hoopai.sleep(1.1)
    local client = leak.client { oauth = app, location_id = "l1", base_url = server.url }
    local result, err = client.calendars:get("c")
    failure("rate_limit", result, err, { applied = "no", attempts = 0 })
    assert.is_true(err.retry_after > 40, err.retry_after)
    local key = next(kept)
    assert.is_nil(core.unpack_record(kept[key]):get("pending"))
    assert.are.equal(1, #server:ledger())
  end)

  it("keeps exchanges side by side within the sandbox's", function()
    local box <close> = sandbox.start { control = true, oauth = { rate = { max = 2, interval_ms = 500 } } }
    local app = new_app { base_url = box.url, client_id = box.oauth.client_id, client_secret = box.oauth.client_secret }
    hoopai.run(function()
      assert(app:exchange { code = box.oauth.code {} })
      local codes = {}
      for index = 1, 4 do codes[index] = box.oauth.code {} end
      local _, errors = hoopai.map(codes, function(code) return app:exchange { code = code } end)
      assert.is_nil(errors, tostring(errors))
    end)
    local counts = box:control "oauth/counts"
    assert.are.same({ 5, 0 }, { counts.exchanges, counts.limited })
  end)
end)
