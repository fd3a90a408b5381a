-- With a real Redis.

local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local redis = require "spec.support.redis"
local webhooks = require "spec.support.webhooks"

describe("hoopai.redis.claims", function()
  local server

  setup(function() server = redis.start() end)
  teardown(function() server:stop() end)
  before_each(function() server.admin:flushall() end)

  local function call_of(target) return (target or server):call() end

  --- A receiver as another host would have it.
  local function receiver(options)
    local all = { keys = { webhooks.KEY } }
    all.claim, all.release = hoopai.redis.claims { call = options and options.call or call_of() }
    if options and options.max_age ~= nil then all.max_age = options.max_age end
    return hoopai.webhook(all)
  end

  local function kind_of(webhook, body)
    local event, err = webhook:verify(webhooks.signed(body))
    return event and "taken" or err.kind, event, err
  end

  it("lets one of several programs take a webhook, until it gives it back", function()
    local one, two, body = receiver(), receiver(), webhooks.body()
    local kind, event = kind_of(one, body)
    assert.are.equal("taken", kind)
    assert.are.equal("replayed", (kind_of(two, body)))
    assert.are.equal("replayed", (kind_of(one, body)))
    assert.is_true(one:release(event))
    assert.are.equal("taken", (kind_of(two, body)))
  end)

  it("keeps an id as long as its webhook may be old", function()
    assert.are.equal("taken", (kind_of(receiver { max_age = 1000 }, webhooks.body())))
    local key = server.admin:keys("*")[1]
    assert.matches("^hoopai:webhook:00000000%-", key)
    local left = server.admin:pttl(key)
    assert.is_true(left > 1290000 and left <= 1300000, tostring(left)) -- max_age and max_skew
    server.admin:flushall()
    assert.are.equal("taken", (kind_of(receiver { max_age = false }, webhooks.body())))
    assert.are.equal(-1, server.admin:pttl(server.admin:keys("*")[1]))
  end)

  it("refuses a webhook while Redis cannot be asked, and takes it when it is sent again", function()
    local call, lost = call_of(), true
    local one = receiver {
      call = function(...)
        local result = call(...)
        if lost then
          lost = false
          return nil, "the connection to Redis broke"
        end
        return result
      end,
    }
    local body = webhooks.body()
    local kind, _, err = kind_of(one, body)
    assert.are.equal("store", kind)
    assert.is_true(err.retryable)
    assert.matches("the connection to Redis broke", err.message)
    assert.are.equal("taken", (kind_of(one, body)))
    local gone = redis.start()
    gone:kill()
    kind = kind_of(receiver { call = call_of(gone) }, webhooks.body())
    assert.are.equal("store", kind)
    gone:stop()
  end)

  it("undoes a claim that its caller gave up", function()
    local call = call_of()
    local claim = hoopai.redis.claims {
      call = function(...)
        local result = call(...)
        hoopai.sleep(0.1)
        return result
      end,
    }
    hoopai.run(function()
      assert.is_nil((hoopai.timeout(0.05, claim, "id", 10)))
      hoopai.sleep(0.2)
      assert.is_true(claim("id", 10))
      assert.is_false(claim("id", 10))
    end)
  end)

  it("takes no claim that arrives after it was undone", function()
    local call, late = call_of(), nil
    local claim = hoopai.redis.claims {
      call = function(...)
        if late ~= nil then return call(...) end
        local command = table.pack(...)
        function late() return call(table.unpack(command, 1, command.n)) end
        return nil, "no response within 2 s"
      end,
    }
    assert.is_nil((claim("id", 10)))
    assert.are.equal(0, late())
    local left = server.admin:pttl "hoopai:webhook:id"
    assert.is_true(left > 290000 and left <= 300000, tostring(left))
    assert.is_true(claim("id", 10))
    assert.are.equal(0, late())
    assert.is_false(claim("id", 10))
  end)

  it("says what Redis refuses when an id is given back", function()
    local call, is_broken = call_of(), false
    local one = receiver {
      call = function(...)
        if is_broken then return nil, "READONLY" end
        return call(...)
      end,
    }
    local _, event = kind_of(one, webhooks.body())
    is_broken = true
    local done, err = one:release(event)
    assert.is_nil(done)
    assert.matches("READONLY", err.message)
  end)

  it("refuses wrong options", function()
    expect.misuse(function() hoopai.redis.claims() end, "needs the option `call`")
    expect.misuse(function() hoopai.redis.claims { call = 5 } end, "must be a function")
    expect.misuse(function() hoopai.redis.claims { call = print, prefix = "" } end, "must be a string such as")
  end)
end)
