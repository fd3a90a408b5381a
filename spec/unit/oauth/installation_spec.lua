-- What an app does with the webhooks of installations, in every order.

local hoopai = require "hoopai"
local oauth = require "spec.support.oauth"
local webhooks = require "spec.support.webhooks"

local new_app, new_client, signed_in, get = oauth.new_app, oauth.new_client, oauth.signed_in, oauth.get

describe("hoopai.oauth.installation:", function()
  local box, location, company, app_id

  setup(function()
    box = oauth.start()
    location, company = box.location_id, box.oauth.company_id
    app_id = box.oauth.client_id:match "^[^-]+"
  end)
  teardown(oauth.stop)
  before_each(oauth.before)
  after_each(oauth.after)

  --- An event that a receiver returned, so many seconds from now.
  local function event(kind, seconds, fields)
    local all = {
      type = kind,
      locationId = location,
      companyId = company,
      appId = app_id,
      timestamp = webhooks.timestamp(seconds),
    }
    for name, value in pairs(fields or {}) do
      all[name] = value
    end
    local receiver = hoopai.webhook { keys = { webhooks.KEY }, max_age = false }
    return assert(receiver:verify(webhooks.signed(webhooks.body(all))))
  end

  local function agency_app(store)
    local app = new_app { store = store }
    assert(app:exchange { code = box.oauth.code { class = "Company" }, user_type = "Company" })
    return app
  end

  local function is_signed_in(app) return #assert(app:grants()) end

  local makes = {
    memory = function() return hoopai.store.memory() end,
    file = function() return hoopai.store.file(oauth.folder()) end,
  }

  for kind, make in pairs(makes) do
    it("an INSTALL makes the tokens of the location, an UNINSTALL removes them: " .. kind, function()
      local app = agency_app(make())
      assert.are.equal(1, is_signed_in(app))
      assert.are.equal("installed", app:apply(event("INSTALL", -1)))
      assert.are.equal(2, is_signed_in(app))
      assert(get(new_client(app)))
      assert.are.equal("unchanged", app:apply(event("INSTALL", -2)))
      hoopai.sleep(0.01)
      assert.are.equal("uninstalled", app:apply(event("UNINSTALL", 0)))
      assert.are.equal(1, is_signed_in(app))
      assert.are.equal("uninstalled", app:apply(event("UNINSTALL", 0, { locationId = false })))
      assert.are.equal(0, is_signed_in(app))
      local _, err = get(new_client(app))
      assert.are.equal("reauth_required", err.kind)
    end)

    it("an UNINSTALL that arrives after a new INSTALL removes nothing: " .. kind, function()
      local app = agency_app(make())
      assert.are.equal("installed", app:apply(event("INSTALL", 0)))
      assert.are.equal("unchanged", app:apply(event("UNINSTALL", -5)))
      assert.are.equal(2, is_signed_in(app))
      assert(get(new_client(app)))
    end)
  end

  it("an UNINSTALL removes no tokens of a sign-in after it, in the same second either", function()
    local late = event("UNINSTALL", 0)
    hoopai.sleep(0.005)
    local app = signed_in()
    assert.are.equal("unchanged", app:apply(late))
    assert(get(new_client(app)))
    hoopai.sleep(0.005)
    assert.are.equal("uninstalled", app:apply(event("UNINSTALL", 0)))
    assert.are.equal(0, is_signed_in(app))
  end)

  it("an INSTALL protects tokens from an UNINSTALL before it, whatever this host's clock says", function()
    local app = agency_app()
    -- By the sender's clock, which is ahead of ours.
    assert.are.equal("installed", app:apply(event("INSTALL", 100)))
    assert.are.equal("unchanged", app:apply(event("UNINSTALL", 90)))
    assert.are.equal(2, is_signed_in(app))
    assert.are.equal("uninstalled", app:apply(event("UNINSTALL", 110)))
  end)

  it("an INSTALL and an UPDATE renew tokens of before them, and no others", function()
    local app = agency_app()
    for _, kind in ipairs { "INSTALL", "UPDATE" } do
      hoopai.sleep(0.005)
      assert.are.equal("installed", app:apply(event(kind, 0)))
      assert.are.equal("unchanged", app:apply(event(kind, -10)))
    end
    assert(get(new_client(app)))
  end)

  it("an INSTALL of a location whose agency has no tokens is refused, and changes nothing", function()
    local app = new_app()
    local done, err = app:apply(event("INSTALL", 0))
    assert.is_nil(done)
    assert.are.equal("reauth_required", err.kind)
    assert.are.equal(0, is_signed_in(app))
  end)

  it("other events, and installations of an agency, change nothing", function()
    local app = signed_in()
    for _, other in ipairs {
      event "AppointmentCreate",
      event "LocationCreate",
      event("INSTALL", 0, { locationId = false }),
      event("UNINSTALL", 5, { type = "uninstall" }),
      event("UNINSTALL", 5, { type = 7 }),
    } do
      assert.are.equal("unchanged", app:apply(other))
    end
    assert.are.equal(1, is_signed_in(app))
  end)

  it("takes only what a receiver returned, and goes by what was verified", function()
    local app = signed_in()
    local right = event("AppointmentCreate", 5)
    local copy = {}
    for name, value in pairs(right) do
      copy[name] = value
    end
    copy.type = "UNINSTALL"
    for _, wrong in ipairs { copy, {}, { type = "UNINSTALL", locationId = location }, "UNINSTALL", 5 } do
      assert.has_error(function() app:apply(wrong) end)
    end
    assert.has_error(function() app:apply() end)
    right.type = "UNINSTALL"
    assert.are.equal("unchanged", app:apply(right))
    assert.are.equal(1, is_signed_in(app))
  end)

  it("refuses events of another app, without a time, without an id, and with what is no id", function()
    local app = signed_in()
    for _, fields in ipairs {
      { appId = "another" },
      { appId = false },
      { timestamp = false },
      { locationId = false, companyId = false },
      { locationId = "../x" },
      { companyId = "a/b" },
    } do
      local done, err = app:apply(event("UNINSTALL", 5, fields))
      assert.is_nil(done)
      assert.are.equal("invalid_request", err.kind)
    end
    assert.are.equal(1, is_signed_in(app))
  end)

  it("works in tasks, side by side, and not on a closed app", function()
    local app = agency_app()
    local results, problems = hoopai.map({ 1, 2, 3 }, function() return app:apply(event("INSTALL", -1)) end)
    assert.is_nil(problems)
    assert.are.equal(3, #results)
    assert.are.equal(2, is_signed_in(app))
    local install = event("INSTALL", 0)
    app:close()
    local _, err = app:apply(install)
    assert.are.equal("closed", err.kind)
  end)
end)
