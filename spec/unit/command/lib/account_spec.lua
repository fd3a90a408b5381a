local account = require "hoopai.command.lib.account"
local hoopai = require "hoopai"
local lfs = require "lfs"
local settings = require "spec.support.settings"

describe("the account of a profile", function()
  local cases = settings.cases "hoopai"
  local message_of = settings.message_of

  before_each(cases.before)
  after_each(cases.after)

  it("has a private store", function()
    assert.is_truthy(account.store())
    assert.are.equal("rwx------", lfs.attributes(cases.folder() .. "/hoopai", "permissions"))
    assert.are.equal("rwx------", lfs.attributes(cases.folder() .. "/hoopai/tokens", "permissions"))
    assert(os.execute("chmod 755 " .. cases.folder() .. "/hoopai/tokens"))
    assert.matches("^store: hoopai.store.file", (message_of(account.store)))
  end)

  it("opens a token, with the address of the profile", function()
    local choice = { name = "x", source = "profile", fields = { auth = "token", location_id = "l" } }
    assert.matches("^auth: the token of the profile is not in the store", (message_of(account.open, choice, {})))
    assert(hoopai.store.keep_secret(account.store(), account.token_name "x", "pit-1"))
    local given, app = account.open(choice, {})
    assert.is_nil(app)
    assert.are.same({ "userdata", "l" }, { type(given.token), given.location_id })
    -- Else HOOPAI_BASE_URL would lead the token elsewhere.
    assert.are.equal(account.DEFAULT_BASE_URL, given.base_url)
    choice.fields.base_url = "https://api.example"
    assert.are.equal("https://api.example", account.open(choice, {}).base_url)
  end)

  it("opens an app", function()
    local fields = { auth = "oauth", client_id = "a/b", company_id = "c", base_url = "https://api.example" }
    local choice = { name = "x", source = "profile", fields = fields }
    assert.matches("^auth: the secret of the app is not in the store", (message_of(account.open, choice, {})))
    assert(hoopai.store.keep_secret(account.store(), account.client_name "a/b", "secret"))
    local given, app = account.open(choice, { location = "l" })
    local closing <close> = app -- luacheck: ignore 211
    assert.are.equal(app, given.oauth)
    assert.are.same({ "l", "c" }, { given.location_id, given.company_id })
  end)

  it("leaves the environment to the library", function()
    local given = account.open({ source = "environment", fields = { base_url = "https://api.example" } }, {})
    assert.are.same({ nil, "https://api.example" }, { given.token, given.base_url })
  end)
end)
