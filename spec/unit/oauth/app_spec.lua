-- The app: signing in, the locations of an agency, wrong use.

local core = require "hoopai.core"
local core_http = require "spec.support.core_http"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local oauth = require "spec.support.oauth"
local private = require "hoopai.private"
local servers = require "spec.support.server"

local failure, misuse = expect.failure, expect.misuse
local new_app, new_client, signed_in, agency = oauth.new_app, oauth.new_client, oauth.signed_in, oauth.agency
local counts, expire, fault, get = oauth.counts, oauth.expire, oauth.fault, oauth.get
local user_store, stored, key_of, note, CANARY = oauth.user_store, oauth.stored, oauth.key_of, oauth.note, oauth.CANARY

describe("hoopai.oauth.app:", function()
  local box, server, location, other, company

  setup(function()
    box, server = oauth.start(), servers.start()
    location, other, company = box.location_id, box.seed.other_location_id, box.oauth.company_id
  end)
  teardown(function()
    oauth.stop()
    server:stop()
  end)

  before_each(oauth.before)
  after_each(oauth.after)

  --- Follows the address of a sign-in as a browser would; returns the query of the redirection.
  local function browse(url, pick)
    local multi <close> = core.multi {}
    local picked = url .. (pick and "&sandbox_pick=" .. pick or "")
    local target = core_http.fetch(multi, picked, { headers = {}, timeout = 10 }):headers().location
    local back = {}
    for name, value in assert(target):match("%?(.*)"):gmatch("([^&=]+)=([^&]*)") do
      back[name] = value
    end
    return back
  end

  describe("signing in", function()
    it("with PKCE and state, from the address to the first call", function()
      local app = new_app { scopes = { "calendars.readonly", "calendars/events.readonly" } }
      local url, session = app:authorize_url { pkce = true, host = box.url }
      local back = browse(url)
      assert.are.equal(session.state, back.state)
      assert.matches("^%x+$", session.state)
      assert.are.equal(32, #session.state)
      local grant = assert(app:exchange { code = back.code, code_verifier = session.code_verifier })
      assert.are.equal(location, grant.location_id)
      assert.are.equal("Location", grant.user_type)
      assert(get(new_client(app)))
      assert.are.equal(1, counts().codes)
      note(app, session, grant)
    end)

    it("without the verifier, or with another, is refused", function()
      local app = new_app { scopes = { "calendars.readonly" } }
      local url = app:authorize_url { code_verifier = ("v"):rep(43), host = box.url }
      local back = browse(url)
      failure("reauth_required", note(app:exchange { code = back.code }))
      back = browse(url)
      failure("reauth_required", note(app:exchange { code = back.code, code_verifier = ("w"):rep(43) }))
      back = browse(url)
      assert(app:exchange { code = back.code, code_verifier = ("v"):rep(43) })
    end)

    it("for an agency stores the credentials of the company", function()
      local app = new_app { company_id = company, scopes = { "oauth.readonly", "oauth.write", "calendars.readonly" } }
      local back = browse((app:authorize_url { host = box.url }), "company")
      local grant = assert(app:exchange { code = back.code, user_type = "Company" })
      assert.are.equal(company, grant.company_id)
      assert.are.equal("Company", grant.user_type)
    end)

    it("has the user type that was requested if the response has none", function()
      local store = user_store()
      local app = new_app { store = store }
      fault { without = { "userType" } }
      local grant = assert(app:exchange { code = box.oauth.code { class = "Company" }, user_type = "Company" })
      assert.are.equal("Company", grant.user_type)
      assert.are.equal("Company", stored(store, key_of("company", company)):get("user_type"))
    end)

    it("leaves out a scope that is not given, and takes a version_id", function()
      local address = new_app():authorize_url { state = "s" }
      assert.is_nil(address:find("scope", 1, true))
      address = new_app({ scopes = { "a" } }):authorize_url { state = "s", version_id = "65f0 1" }
      assert.is_truthy(address:find("&scope=a&state=s&version_id=65f0%201", 1, true), address)
      local app = new_app()
      misuse(function() app:authorize_url { scopes = {} } end, "field `scopes` of app:authorize_url must be a list")
      misuse(function() app:authorize_url { scopes = { "a", 5 } } end, "must be a list of strings")
      misuse(function() app:authorize_url { scopes = { "a " } } end, "it ends in a space")
      misuse(function() app:authorize_url { scope = "a" } end, "did you mean `scopes`?")
      misuse(function() app:authorize_url { version_id = "v\r" } end, "`version_id`", "it ends in a carriage return")
      misuse(function() hoopai.oauth { client_id = "i", client_secret = "s", scopes = {} } end, "option `scopes`")
    end)

    it("says what is wrong with a code", function()
      local app = new_app()
      for value, text in pairs {
        [""] = "it is empty",
        ["abc\r"] = "it ends in a carriage return",
        ["abc "] = "it ends in a space",
        ['"abc"'] = "it has quotes around it",
      } do
        local result, err = app:exchange { code = value }
        assert.is_nil(result)
        assert.is_truthy(err.message:find("the code is unusable: " .. text, 1, true), err.message)
        result, err = app:exchange { code = "c", code_verifier = value }
        assert.is_nil(result)
        assert.is_truthy(err.message:find("the code_verifier is unusable: " .. text, 1, true), err.message)
      end
    end)

    it("makes the addresses of both hosts", function()
      local app = new_app { scopes = { "a.b", "c/d.e" } }
      local url, session = app:authorize_url { state = "my state" }
      assert.are.equal(
        "https://marketplace.gohighlevel.com/v2/oauth/chooselocation?response_type=code&client_id="
          .. box.oauth.client_id
          .. "&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fback&scope=a.b%20c%2Fd.e"
          .. "&state=my%20state",
        url
      )
      assert.is_nil(session.code_verifier)
      assert.matches(
        "^https://marketplace.leadconnectorhq.com/v2/oauth/chooselocation%?",
        (app:authorize_url { host = "white_label" })
      )
      assert.are_not.equal((app:authorize_url {}), (app:authorize_url {}))
      local challenged = app:authorize_url { code_verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" }
      assert.matches(
        "code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw%-cM&code_challenge_method=S256",
        challenged
      )
    end)

    it("works once with a code, and the refusal shows nothing", function()
      local app = new_app()
      local code = box.oauth.code { class = "Location" }
      assert(app:exchange { code = code })
      failure("reauth_required", note(app:exchange { code = code }))
      failure("invalid_request", note(app:exchange { code = CANARY .. " \r\n" }))
      assert.are.equal(1, counts().reuses)
    end)

    it("with wrong client credentials says so", function()
      local app = new_app { client_secret = CANARY .. "wrong" }
      local err = failure("auth", note(app:exchange { code = box.oauth.code {} }))
      assert.are.equal(401, err.status)
    end)

    it("spends no code when the store cannot be written", function()
      local app = new_app { store = user_store { get = function() error("sealed") end } }
      local err = failure("store", note(app:exchange { code = box.oauth.code {} }))
      assert.matches("sealed", err.message)
      assert.are.equal("yes", err.applied)
    end)

    it("goes on when the task that started it is cancelled", function()
      local app = new_app()
      fault { delay_ms = 150, grant = "authorization_code" }
      hoopai.run(function()
        local task = hoopai.spawn(function() return app:exchange { code = box.oauth.code {} } end)
        hoopai.sleep(0.05)
        task:cancel()
      end)
      assert(get(new_client(app)))
      assert.are.equal(1, counts().codes)
    end)
  end)

  describe("wrong use", function()
    it("raises", function()
      local app = new_app()
      misuse(function() hoopai.oauth { client_secret = "x" } end, "client_id")
      misuse(function() hoopai.oauth { client_id = "x" } end, "client_secret")
      local said = misuse(
        function() hoopai.oauth { client_id = "x", client_secret = CANARY .. "\n" } end,
        "client_secret"
      )
      note(said)
      misuse(function() hoopai.oauth { client_id = "x", client_secret = "y", stor = 1 } end, "did you mean `store`")
      misuse(function() hoopai.oauth { client_id = "x", client_secret = "y", store = 5 } end, "store")
      misuse(function() hoopai.oauth { client_id = "x", client_secret = "y", store = {} } end, "get and put")
      misuse(function() hoopai.oauth { client_id = "x", client_secret = "y", scopes = { 1 } } end, "scopes")
      misuse(function() app.exchange { code = "x" } end, "colon")
      misuse(function() app:exchange {} end, "code")
      misuse(function() app:exchange { code = 5 } end, "code")
      misuse(function() app:exchange { kode = "x" } end, "kode")
      misuse(function() app:exchange { code = "x", user_type = "company" } end, "user_type", '"Company"')
      misuse(function() app:authorize_url("x") end, "table")
      misuse(function() app:authorize_url { host = "http://example.com" } end, "host")
      misuse(function() app:authorize_url { code_verifier = "short" } end, "code_verifier")
      misuse(function() hoopai.oauth({ client_id = "x", client_secret = "y" }):authorize_url {} end, "redirect_uri")
      misuse(function() hoopai.new { oauth = {} } end, "hoopai.oauth")
      misuse(function() hoopai.new { oauth = app, token = "x" } end, "not both")
      local client <close> = hoopai.new { oauth = app }
      misuse(function() client.calendars:list() end, "location_id or a company_id")
      misuse(function() app:installed_locations {} end, "company_id")
      misuse(function() app:installed_locations { company_id = company, limit = 0 } end, "limit")
      assert.are.equal(0, counts().exchanges)
    end)
  end)

  describe("the address of a sign-in", function()
    local function app_with(options)
      local all = { client_id = "id-1", client_secret = "s" }
      for name, value in pairs(options or {}) do
        all[name] = value
      end
      return new_app(all)
    end

    it("takes what is given before what the app has", function()
      local app = app_with { redirect_uri = "https://a.example/x", scopes = { "a", "b" } }
      local url, session = app:authorize_url { scopes = { "c" }, redirect_uri = "https://b.example/?y=1", state = "s" }
      assert.matches("&redirect_uri=https%3A%2F%2Fb.example%2F%3Fy%3D1&scope=c&state=s", url, 1, true)
      assert.are.same({ state = "s", redirect_uri = "https://b.example/?y=1" }, session)
      url, session = app:authorize_url {}
      assert.matches("&scope=a%20b&state=", url, 1, true)
      assert.are.equal("https://a.example/x", session.redirect_uri)
    end)

    it("is on the host that is named", function()
      local app = app_with()
      local function host(name) return (app:authorize_url { host = name }):match "^(.-)/v2/oauth/chooselocation%?" end
      assert.are.equal("https://marketplace.gohighlevel.com", host(nil))
      assert.are.equal("https://marketplace.gohighlevel.com", host "standard")
      assert.are.equal("https://marketplace.leadconnectorhq.com", host "white_label")
      assert.are.equal("https://sign-in.example.com/x", host "https://sign-in.example.com/x/")
    end)

    it("has the challenge of a random verifier with `pkce`, which the session keeps as a secret", function()
      local app = app_with()
      local url, session = app:authorize_url { pkce = true }
      local challenge = url:match "&code_challenge=([%w_-]+)&code_challenge_method=S256$"
      assert.are.equal(43, #challenge)
      assert.are.equal("userdata", type(session.code_verifier))
      assert.is_nil(tostring(session.code_verifier):find "%x%x%x%x")
      assert.are_not.equal(challenge, app:authorize_url({ pkce = true }):match "&code_challenge=([%w_-]+)")
      assert.is_nil(app:authorize_url({ pkce = false }):find("code_challenge", 1, true))
    end)
  end)

  describe("an app", function()
    it("prints its address and client id, and no secret", function()
      local app = new_app { client_secret = CANARY }
      assert.are.equal(("hoopai.App (%s, client %s)"):format(box.url, box.oauth.client_id), tostring(app))
      expect.no_secret(app, CANARY)
    end)

    it("has one token source for each location and agency", function()
      local app = private.state("hoopai.App", new_app { company_id = company })
      local source = app:source(location)
      assert.are.equal(source, app:source(location, company))
      assert.are_not.equal(source, app:source(other))
      assert.are.equal(app:source(nil), app:source(nil, company))
      assert.are_not.equal(app:source(nil), app:source(location))
      local without = private.state("hoopai.App", new_app())
      misuse(function() without:source(nil) end, "location_id or a company_id")
      misuse(function() new_app().source("x") end, "an app has no `source`")
    end)

    it("makes clients with its address, and keeps no table of the user's", function()
      local app = new_app()
      local given = { location_id = location, timeout = 5 }
      local client <close> = app:client(given)
      assert.are.same({ location_id = location, timeout = 5 }, given)
      assert.are.equal(("hoopai.Client (%s, location %s)"):format(box.url, location), tostring(client))
      misuse(function() app:client { token = "t" } end, "not both")
      misuse(function() app:client { locaton_id = "l" } end, "`location_id`")
      misuse(function() app:client "l" end, "the options of app:client are a table, got string")
      misuse(function() app:client(client) end, "the options of app:client are a table, got hoopai.Client")
    end)

    it("makes clients that go where it goes itself, and nowhere else", function()
      local app = new_app()
      for name, value in pairs { base_url = "http://127.0.0.1:9", proxy = "http://127.0.0.1:9", ca_file = "/x.pem" } do
        misuse(
          function() app:client { location_id = location, [name] = value } end,
          ("a client of app:client has the `%s` of its app"):format(name)
        )
      end
      app:client({ location_id = location, base_url = box.url .. "/" }):close()
      local transport = { proxy = "http://127.0.0.1:9", ca_file = "/x.pem" }
      local far = new_app { base_url = "https://b.example", proxy = transport.proxy, ca_file = transport.ca_file }
      local client = far:client { location_id = location, proxy = transport.proxy }
      local used = private.state("hoopai.Client", client).shared.transport
      assert.are.same(transport, { proxy = used.proxy, ca_file = used.ca_file })
    end)

    it("closed refuses to exchange and to list, again and again", function()
      local app = new_app { company_id = company }
      app:close()
      app:close()
      local err = failure("closed", app:exchange { code = "x" })
      assert.are.same({ "the app is closed", "no" }, { err.message, err.applied })
      local ok, problem = pcall(app:installed_locations {})
      assert.is_false(ok)
      failure("closed", nil, problem)
      assert.are.equal(0, counts().exchanges)
    end)

    it("is closed, and collected, while a function of its store waits", function()
      local store = user_store()
      function store.get() hoopai.sleep(2) end
      local function use(is_closed)
        local app = hoopai.oauth { client_id = "id", client_secret = "s", base_url = box.url, store = store }
        local client <close> = app:client { location_id = location, timeout = 0.1 }
        failure("timeout", get(client))
        if is_closed then expect.within(1, function() app:close() end) end
      end
      use(true)
      use(false)
      expect.within(1, collectgarbage)
      hoopai.sleep(2)
    end)

    it("emits `refresh` to its own hook, and to those of its clients as long as they are in use", function()
      local events = {}
      local function listener(name)
        return function(event) events[#events + 1] = name .. " " .. tostring(event.ok) end
      end
      local app = signed_in { on = { refresh = listener "app" } }
      local client = new_client(app, { on = { refresh = listener "client" } })
      do
        local dropped = hoopai.new { oauth = app, location_id = location, on = { refresh = listener "dropped" } }
        dropped:close()
      end
      collectgarbage()
      collectgarbage()
      expire()
      assert(get(client))
      table.sort(events)
      assert.are.same({ "app true", "client true" }, events)
    end)
  end)

  describe("installed_locations", function()
    it("iterates page by page, also after an expiry", function()
      local app = agency()
      local function ids(limit)
        local list = {}
        for item in app:installed_locations { limit = limit } do
          list[#list + 1] = item._id
        end
        return list
      end
      assert.are.same(box.oauth.locations, ids())
      assert.are.same(box.oauth.locations, ids(1))
      expire { class = "Company" }
      hoopai.run(function() assert.are.same(box.oauth.locations, ids(2)) end)
      assert.are.equal(1, counts().rotations)
    end)

    it("ends with an empty page alone: the API may return fewer than `limit`", function()
      local app = new_app { base_url = server.url, company_id = "c" }
      local app_id = box.oauth.client_id:match("^[^-]+")
      server:reply { body = [[{"access_token":"t","expires_in":3600,"userType":"Company","companyId":"c"}]] }
      assert(app:exchange { code = "code", user_type = "Company" })
      local function page(skip, ids)
        server:reply {
          path = "/oauth/installedLocations",
          body = '{"locations":[' .. ids .. "]}",
          target = "/oauth/installedLocations?isInstalled=true&companyId=c&appId="
            .. app_id
            .. "&skip="
            .. skip
            .. "&limit=100",
        }
      end
      page(0, '{"_id":"a"},{"_id":"b"}')
      page(2, 'null,{"_id":"d"},null')
      page(5, "null")
      page(6, "")
      local found = {}
      for item in app:installed_locations() do
        found[#found + 1] = item._id
      end
      assert.are.same({ "a", "b", "d" }, found)

      page(0, '{"_id":"a"},{"_id":"b"}')
      page(2, '{"_id":"a"},{"_id":"b"}')
      local ok, err = pcall(function()
        for _ in app:installed_locations() do
        end -- luacheck: ignore 542
      end)
      assert.is_false(ok)
      failure("protocol", nil, note(err))

      page(0, '"a"')
      ok, err = pcall(app:installed_locations())
      assert.is_false(ok)
      failure("decode", nil, note(err))
    end)

    it("sends nothing before the first step, and raises each problem", function()
      local app = new_app { company_id = company }
      local step = app:installed_locations {}
      for _ = 1, 2 do
        local ok, err = pcall(step)
        assert.is_false(ok)
        failure("reauth_required", nil, note(err))
      end
      assert.are.equal(0, counts().exchanges)
    end)
  end)
end)
