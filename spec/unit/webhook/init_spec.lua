-- What a receiver refuses is in spec/behaviour/webhook_spec.lua.

local child = require "spec.support.child"
local hoopai = require "hoopai"
local webhooks = require "spec.support.webhooks"

describe("hoopai.webhook:", function()
  local receiver

  before_each(function() receiver = hoopai.webhook { keys = { webhooks.KEY } } end)

  it("checks the size, the signature, the age and the id, in this order", function()
    local function kind_of(headers, body, options)
      options = options or {}
      options.keys = { webhooks.KEY }
      local _, err = hoopai.webhook(options):verify(headers, body)
      return err and err.kind
    end
    local stale = webhooks.body { timestamp = webhooks.timestamp(-90000) }
    assert.are.equal("too_large", kind_of({}, stale, { max_body = 10 }))
    assert.are.equal("signature", kind_of({}, stale))
    assert.are.equal("decode", kind_of(webhooks.signed "[]"))
    local function no_claim() error "claimed" end
    local headers = webhooks.signed(stale)
    assert.are.equal("stale", kind_of(headers, stale, { claim = no_claim }))
    local body = webhooks.body()
    headers = webhooks.signed(body)
    assert.are.equal("store", kind_of(headers, body, { claim = no_claim }))
    for kind, claimed in pairs { replayed = false, store = 0 } do -- 0 is true in Lua
      assert.are.equal(kind, kind_of(headers, body, { claim = function() return claimed end }))
    end
    for _, odd in ipairs { 1, "OK", {} } do
      assert.are.equal("store", kind_of(headers, body, { claim = function() return odd end }))
    end
    assert.are.equal("replayed", kind_of(headers, body, { claim = function() end }))
    assert.is_nil(kind_of(headers, body, { claim = function() return true end }))
    assert.is_nil(kind_of(headers, body))
  end)

  it("raises for headers that are neither a table nor a function", function()
    for _, headers in ipairs { "X-GHL-Signature: x", 5, true } do
      assert.has_error(function() receiver:verify(headers, "{}") end)
    end
    assert.has_error(function() receiver:verify(nil, "{}") end)
    assert.has_error(function() receiver.verify({}, {}, "{}") end)
  end)

  it("releases only what was verified", function()
    local event = assert(receiver:verify(webhooks.signed(webhooks.body())))
    local copy = {}
    for name, value in pairs(event) do
      copy[name] = value
    end
    for _, wrong in ipairs { copy, {}, "id" } do
      assert.has_error(function() receiver:release(wrong) end)
    end
    assert.is_true(receiver:release(event))
  end)

  it("keeps its state and secret from scripts", function()
    local secret = hoopai.webhook { secret = "canary-secret", header = "x-sig", encoding = "hex" }
    assert.is_nil(next(secret))
    assert.is_false(getmetatable(secret))
    assert.are.equal("hoopai.Webhook (x-sig)", tostring(secret))
    local _, err = secret:verify({ ["x-sig"] = "00" }, "{}")
    assert.is_nil(tostring(err):find("canary", 1, true))
    assert.has_error(function() return receiver.verfy end)
  end)

  it("works in a child process, with the receiver of its parent", function()
    local process = require "spec.support.process"
    local headers, body = webhooks.signed(webhooks.body())
    local pid = process.fork()
    if pid == 0 then process.exit(receiver:verify(headers, body) and 0 or 1) end
    assert.are.equal(0, select(2, process.wait(pid)))
  end)

  it("raises with one line that says what is missing where hoopai.crypto was not built", function()
    local text, ok = child.run [[
      package.preload["hoopai.core"] = require "hoopai.lazy".c_module "hoopai.core" and function()
        return package.loaded["hoopai.core"]
      end
      package.cpath = ""
      local hoopai = require "hoopai"
      hoopai.preload()
      local ok, problem = pcall(function() hoopai.webhook {} end)
      assert(not ok)
      print(problem)
    ]]
    assert.is_true(ok, text)
    assert.matches("^[^\n]*: hoopai%.webhook needs hoopai%.crypto, [^\n]*not built[^\n]*`make build`[^\n]*\n$", text)
  end)
end)
