-- OAuth: signing in, and tokens that are renewed once and never lost, against the sandbox's strict token endpoints.

local child = require "spec.support.child"
local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local lfs = require "lfs"
local mount = require "spec.support.mount"
local process = require "spec.support.process"
local sandbox = require "hoopai.sandbox"
local send = require "spec.support.send"
local servers = require "spec.support.server"
local socket = require "socket"

local failure, misuse = expect.failure, expect.misuse
local CANARY = "canary5Gq"

describe("oauth:", function()
  local box, location, other, company
  local apps, opened, folders = {}, {}, {}
  local told -- what hooks and warnings said, and every error: searched for canaries after each case

  setup(function()
    box = sandbox.start { control = true, rate_limit = false, oauth = { rate = false, mark = CANARY, locations = 2 } }
    location, other, company = box.location_id, box.seed.other_location_id, box.oauth.company_id
  end)
  teardown(function() box:stop() end)

  local function folder()
    local name = os.tmpname()
    os.remove(name)
    folders[#folders + 1] = name
    return name
  end

  local function note(...)
    for index = 1, select("#", ...) do
      local value = select(index, ...)
      if type(value) == "table" then told[#told + 1] = value end
      told[#told + 1] = tostring(value)
    end
    return ...
  end

  before_each(function()
    told = {}
    box:control("oauth/faults")
    box:control("oauth/clear")
    box:control("oauth/settings", { expires_in = 86399, camel_case = false, grace_seconds = 0 })
    leak.before()
  end)

  after_each(function()
    for _, client in ipairs(opened) do client:close() end
    for _, app in ipairs(apps) do app:close() end
    opened, apps = {}, {}
    -- Many new timers make the loop forget those of tasks that have ended, and with them what these held.
    local many = {}
    for index = 1, 200 do many[index] = index end
    hoopai.map(many, function() hoopai.sleep(0) end, { concurrency = #many })
    collectgarbage() -- a store's folder is open as long as the store is referenced
    collectgarbage()
    leak.after()
    for _, name in ipairs(folders) do os.execute("chmod -R u+rwx " .. name .. " 2>/dev/null; rm -rf " .. name) end
    folders = {}
    for _, value in ipairs(told) do expect.no_secret(value, CANARY) end
  end)

  local function new_app(options)
    local all = {
      client_id = box.oauth.client_id, client_secret = box.oauth.client_secret, base_url = box.url,
      redirect_uri = "http://127.0.0.1:1/back", on = { refresh = function(event) note(event) end },
    }
    for name, value in pairs(options or {}) do all[name] = value end
    local app = hoopai.oauth(all)
    apps[#apps + 1] = app
    return app
  end

  local function new_client(app, options)
    local all = { oauth = app, location_id = location }
    for name, value in pairs(options or {}) do all[name] = value end
    opened[#opened + 1] = hoopai.new(all)
    return opened[#opened]
  end

  --- Signs in without spending a code on the ledger.
  local function signed_in(options, given)
    local app = new_app(options)
    given = given or {}
    assert(app:exchange { code = box.oauth.code { class = given.class or "Location", location_id = given.location_id },
      user_type = given.class })
    box:control("oauth/clear")
    return app
  end

  local function counts() return box:control("oauth/counts") end
  local function ledger() return box:control("oauth").exchanges end
  local function expire(given) return box:control("oauth/expire", given or { location_id = location }).count end
  local function fault(given) box:control("oauth/fault", given) end

  local function get(client, options) return note(client.calendars:list(nil, options)) end

  --- A store of the user's own, in a table. What it keeps can be looked into.
  local function own_store(fields)
    local kept = {}
    local store = { kept = kept, puts = 0, locks = {} }
    function store.get(key) return kept[key] end
    function store.put(key, text, generation)
      local old = kept[key] and core.unpack_credentials(kept[key])
      if (old and tonumber(old:get("generation")) or 0) ~= generation then return false end
      store.puts = store.puts + 1
      kept[key] = text
      return true
    end
    function store.lock(key)
      if store.locks[key] then return nil end
      store.locks[key] = true
      return function() store.locks[key] = nil end
    end
    for name, value in pairs(fields or {}) do store[name] = value end
    return store
  end

  local function key_of(level, id) return box.oauth.client_id .. "/" .. level .. "/" .. id end

  --- Changes fields of the stored record behind everybody's back.
  local function tamper(store, fields, key)
    key = key or key_of("location", location)
    store.kept[key] = core.unpack_credentials(store.kept[key]):with(fields):pack()
  end

  local function stored(store, key) return core.unpack_credentials(store.kept[key or key_of("location", location)]) end

  --- The record of the location in a folder.
  local function in_folder(path)
    local tokens <close> = core.token_file(path)
    return tokens:read(key_of("location", location))
  end

  --- Sets a constant of the library that fn uses, or a function that it calls. Returns what it was.
  local function set_local(fn, name, value, seen)
    seen = seen or {}
    for index = 1, 255 do
      local found, content = debug.getupvalue(fn, index)
      if not found then return nil end
      if found == name then
        debug.setupvalue(fn, index, value)
        return content
      end
      if type(content) == "function" and not seen[content] then
        seen[content] = true
        local old = set_local(content, name, value, seen)
        if old then return old end
      end
    end
  end

  local function ago(seconds) return core.wall_ms() // 1000 - seconds end

  --- Follows the address of a sign-in as a browser would; what came back in the query of the redirection.
  local function browse(url, pick)
    local multi <close> = core.multi {}
    local transfer <close> = send(multi, { method = "GET", url = url .. (pick and "&sandbox_pick=" .. pick or ""),
      headers = {}, timeout = 10 })
    while transfer:state() ~= "done" do
      multi:wait(multi:timeout())
      multi:step()
    end
    local back = {}
    for name, value in assert(transfer:headers().location):match("%?(.*)"):gmatch("([^&=]+)=([^&]*)") do
      back[name] = value
    end
    return back
  end

  describe("signing in:", function()
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

    it("for an agency stores the grant of the company", function()
      local app = new_app { company_id = company, scopes = { "oauth.readonly", "oauth.write", "calendars.readonly" } }
      local back = browse((app:authorize_url { host = box.url }), "company")
      local grant = assert(app:exchange { code = back.code, user_type = "Company" })
      assert.are.equal(company, grant.company_id)
      assert.are.equal("Company", grant.user_type)
    end)

    it("is for the one asked for if the response does not say", function()
      local store = own_store()
      local app = new_app { store = store }
      fault { without = { "userType" } }
      local grant = assert(app:exchange { code = box.oauth.code { class = "Company" }, user_type = "Company" })
      assert.are.equal("Company", grant.user_type)
      assert.are.equal("Company", stored(store, key_of("company", company)):get("user_type"))
    end)

    it("makes the addresses of both hosts", function()
      local app = new_app { scopes = { "a.b", "c/d.e" } }
      local url, session = app:authorize_url { state = "my state" }
      assert.are.equal("https://marketplace.gohighlevel.com/v2/oauth/chooselocation?response_type=code&client_id="
        .. box.oauth.client_id .. "&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fback&scope=a.b%20c%2Fd.e"
        .. "&state=my%20state", url)
      assert.is_nil(session.code_verifier)
      assert.matches("^https://marketplace.leadconnectorhq.com/v2/oauth/chooselocation%?",
        (app:authorize_url { host = "white_label" }))
      assert.are_not.equal((app:authorize_url {}), (app:authorize_url {}))
      local challenged = app:authorize_url { code_verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" }
      assert.matches("code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw%-cM&code_challenge_method=S256",
        challenged)
    end)

    it("a code works once, and the refusal shows nothing", function()
      local app = new_app()
      local code = box.oauth.code { class = "Location" }
      assert(app:exchange { code = code })
      failure("reauth_required", note(app:exchange { code = code }))
      failure("invalid_request", note(app:exchange { code = CANARY .. " \r\n" }))
      assert.are.equal(1, counts().reuses)
    end)

    it("wrong client credentials are said as such", function()
      local app = new_app { client_secret = CANARY .. "wrong" }
      local err = failure("auth", note(app:exchange { code = box.oauth.code {} }))
      assert.are.equal(401, err.status)
    end)

    it("spends no code when the store cannot be written", function()
      local app = new_app { store = own_store { get = function() error("sealed") end } }
      local err = failure("store", note(app:exchange { code = box.oauth.code {} }))
      assert.matches("sealed", err.message)
      assert.are.equal("yes", err.applied)
    end)

    it("goes on when the task that asked for it is cancelled", function()
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

    it("misuse raises", function()
      local app = new_app()
      misuse(function() hoopai.oauth { client_secret = "x" } end, "client_id")
      misuse(function() hoopai.oauth { client_id = "x" } end, "client_secret")
      local said = misuse(function() hoopai.oauth { client_id = "x", client_secret = CANARY .. "\n" } end,
        "client_secret")
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

  describe("a client:", function()
    it("takes its base_url from the app, and beats HOOPAI_TOKEN", function()
      local app = signed_in()
      assert.are.equal(("hoopai.Client (%s, location %s)"):format(box.url, location), tostring(new_client(app)))
      assert(get(app:client { location_id = location }))
      local text, ok = child.run(([[
        local hoopai = require "hoopai"
        local app <close> = hoopai.oauth { client_id = "i", client_secret = "s", base_url = %q }
        local client <close> = hoopai.new { oauth = app, location_id = "l" }
        local result, err = client.calendars:list()
        assert(result == nil and err.kind == "reauth_required", tostring(err))
      ]]):format(box.url), { set = { HOOPAI_TOKEN = "tok-environment" } })
      assert.is_true(ok, text)
    end)

    it("renews an expired token once and repeats once: reading and writing", function()
      local app = signed_in()
      local client = new_client(app)
      assert.is_true(expire() >= 1)
      local _, response = assert(get(client))
      assert.are.equal(2, response.attempts)
      expire()
      local note_made, made = note(client.notes:create(box.seed.appointments[1], { body = "x" }))
      assert(note_made, made)
      assert.are.equal(2, made.attempts)
      hoopai.run(function()
        expire()
        local _, in_task = assert(get(client))
        assert.are.equal(2, in_task.attempts)
        expire()
        local again, written = note(client.notes:create(box.seed.appointments[1], { body = "y" }))
        assert(again, written)
        assert.are.equal(2, written.attempts)
      end)
      assert.are.equal(4, counts().rotations)
      assert.are.equal(0, counts().reuses)
    end)

    it("understands camelCase responses", function()
      box:control("oauth/settings", { camel_case = true })
      local app = signed_in()
      expire()
      assert(get(new_client(app)))
      assert.are.equal(1, counts().rotations)
    end)

    it("never renews for scope, class, Version or 403", function()
      local app = new_app()
      assert(app:exchange { code = box.oauth.code { class = "Location", scopes = { "calendars.readonly" } } })
      box:control("oauth/clear")
      local client = new_client(app)
      failure("scope", note(client.groups:list()))
      failure("scope", note(client.calendars:list(nil, { api_version = "1999-01-01" })))
      failure("forbidden", note(client.calendars:get(box.seed.calendars.vaccination)))
      assert.are.equal(0, counts().exchanges)
    end)

    it("of a refused new token exchanges no more for a while", function()
      local app = signed_in()
      local client = new_client(app)
      local sent = 0
      expire()
      local hooked = new_client(app, { on = { request = function(event)
        sent = sent + 1
        if event.attempt == 2 then expire() end
      end } })
      failure("auth", get(hooked))
      for _ = 1, 10 do failure("auth", get(client)) end
      assert.are.equal(2, sent)
      assert.are.equal(1, counts().exchanges)
    end)

    it("says so without a sign-in, again and again without a request", function()
      local app = new_app()
      local client = new_client(app)
      local err = failure("reauth_required", get(client))
      assert.matches("there is no grant of location", err.message)
      hoopai.run(function()
        for _ = 1, 5 do failure("reauth_required", get(client)) end
      end)
      assert.are.equal(0, counts().exchanges)
      assert(app:exchange { code = box.oauth.code {} })
      assert(get(client))
    end)

    it("refuses a body or query for another location", function()
      local app = signed_in()
      local client = new_client(app)
      local body = { locationId = other, name = "n", calendarType = "event" }
      local err = failure("invalid_request", note(client.calendars:create(body)))
      assert.are.equal("locationId", err.details[1].path)
      failure("invalid_request", note(client.calendars:create(body, { validate = false })))
      failure("invalid_request", note(client.calendars:list { locationId = other }))
      failure("invalid_request", note(client:request { method = "POST", path = "/calendars/", body = body }))
      failure("invalid_request",
        note(client:request { method = "GET", path = "/calendars/", query = { locationId = other } }))
      assert.are.equal(0, counts().exchanges)
    end)

    it("works on with the old token while it lives, whatever the token endpoint does", function()
      local store = own_store()
      local app = signed_in { store = store }
      tamper(store, { obtained_at = ago(86399 - 30) })
      app:close()
      fault { status = 500, times = 50 }
      local client = new_client(new_app { store = store })
      hoopai.run(function()
        for _ = 1, 3 do assert(get(client, { timeout = 8 })) end
      end)
      assert.are.equal(3, counts().exchanges)
    end)

    it("emits the exchange to its own hook", function()
      local app = signed_in()
      local events = {}
      local client = new_client(app, { on = { refresh = function(event) events[#events + 1] = event end } })
      expire()
      assert(get(client))
      assert.are.same({ { key = key_of("location", location), ok = true, generation = 2 } }, events)
      note(events[1])
    end)
  end)

  describe("one exchange per generation:", function()
    it("for fifty tasks of several clients", function()
      local app = signed_in()
      local clients = { new_client(app), new_client(app), new_client(app):with { timeout = 20 } }
      for round = 1, 2 do
        expire()
        hoopai.run(function()
          for index = 1, 50 do hoopai.spawn(function() assert(get(clients[index % 3 + 1])) end) end
        end)
        assert.are.equal(round, counts().exchanges)
      end
      assert.are.equal(0, counts().reuses)
    end)

    for name, make in pairs {
      memory = function() return hoopai.store.memory() end,
      own = function() return own_store() end,
      file = function() return hoopai.store.file(folder()) end,
    } do
      it("for two apps over one store: " .. name, function()
        local store = make()
        local one = signed_in { store = store }
        local two = new_app { store = store }
        local clients = { new_client(one), new_client(two) }
        assert(get(clients[1]))
        assert(get(clients[2]))
        expire()
        hoopai.run(function()
          for index = 1, 20 do hoopai.spawn(function() assert(get(clients[index % 2 + 1])) end) end
        end)
        assert.are.equal(1, counts().exchanges)
        expire()
        for _, client in ipairs(clients) do assert(get(client)) end
        assert.are.equal(2, counts().exchanges)
        assert.are.equal(0, counts().reuses)
      end)
    end

    it("for two stores of one folder", function()
      local path = folder()
      local one = signed_in { store = hoopai.store.file(path) }
      local two = new_app { store = hoopai.store.file(path) }
      local clients = { new_client(one), new_client(two) }
      hoopai.map(clients, function(client) assert(get(client)) end)
      expire()
      hoopai.map(clients, function(client) assert(get(client)) end)
      assert.are.equal(1, counts().exchanges)
    end)

    it("for six processes", function()
      local path = folder()
      signed_in { store = hoopai.store.file(path) }
      expire()
      local script = ([[
        local hoopai = require "hoopai"
        local app <close> = hoopai.oauth {
          client_id = %q, client_secret = os.getenv("SECRET"), base_url = %q, store = hoopai.store.file(%q) }
        local client <close> = hoopai.new { oauth = app, location_id = %q }
        if tonumber(os.getenv("NUMBER")) %% 2 == 0 then assert(client.calendars:list()) return end
        hoopai.map({ 1, 2, 3 }, function() return assert(client.calendars:list()) end)
      ]]):format(box.oauth.client_id, box.url, path, location)
      local children = {}
      for index = 1, 6 do
        children[index] = child.start(script, { set = { SECRET = box.oauth.client_secret, NUMBER = tostring(index) } })
      end
      for index = 1, 6 do
        local text, ok = children[index]:finish()
        assert.is_true(ok, text)
        note(text)
      end
      assert.are.equal(1, counts().exchanges)
      assert.are.equal(0, counts().reuses)
    end)
  end)

  describe("renewing early:", function()
    it("in the background of a task, while the old token serves", function()
      local store = own_store()
      signed_in { store = store }
      tamper(store, { obtained_at = ago(86399 - 300) })
      local client = new_client(new_app { store = store })
      fault { latency_ms = 200 }
      hoopai.run(function()
        expect.within(0.15, function() assert(get(client)) end)
        assert(get(client))
      end)
      assert.are.equal(1, counts().exchanges)
      assert.are.equal("2", stored(store):get("generation"))
      hoopai.run(function() assert(get(client)) end)
      assert.are.equal(1, counts().exchanges)
    end)

    it("not outside a task, until less than a minute is left", function()
      local store = own_store()
      signed_in { store = store }
      tamper(store, { obtained_at = ago(86399 - 300) })
      assert(get(new_client(new_app { store = store })))
      assert.are.equal(0, counts().exchanges)
      tamper(store, { obtained_at = ago(86399 - 40) })
      assert(get(new_client(new_app { store = store })))
      assert.are.equal(1, counts().exchanges)
    end)

    it("not at every call where tokens live for a minute", function()
      box:control("oauth/settings", { expires_in = 60 })
      local client = new_client(signed_in())
      hoopai.run(function()
        for _ = 1, 5 do assert(get(client)) end
      end)
      for _ = 1, 5 do assert(get(client)) end
      assert.are.equal(0, counts().exchanges)
    end)
  end)

  describe("responses:", function()
    local function renewed(given)
      local store = own_store()
      local app = signed_in { store = store }
      expire()
      fault(given)
      assert(get(new_client(app)))
      return store
    end

    for name, value in pairs { zero = 0, negative = -1, text = "x", huge = 1e18, fraction = 0.5 } do
      it("an expires_in that is no time is not believed: " .. name, function()
        assert.are.equal("3600", stored(renewed { expires_in = value }):get("expires_in"))
      end)
    end

    it("without expires_in, or with half seconds, or as text", function()
      assert.are.equal("3600", stored(renewed { without = { "expires_in" } }):get("expires_in"))
      assert.are.equal("7200", stored(renewed { expires_in = 7200.5 }):get("expires_in"))
      assert.are.equal("7200", stored(renewed { expires_in = "7200" }):get("expires_in"))
      assert.are.equal("3600", stored(renewed { raw = { expires_in = "1e999" } }):get("expires_in"))
    end)

    for _, which in ipairs { "no_refresh_token", "same_refresh_token" } do
      it("with " .. which .. " keep the old one", function()
        local store = own_store()
        local app = signed_in { store = store }
        local client = new_client(app)
        local before = stored(store):get("refresh_token")
        expire()
        fault { [which] = true }
        assert(get(client))
        assert.is_true(stored(store):get("refresh_token") == before)
        expire()
        assert(get(client))
        assert.is_false(stored(store):get("refresh_token") == before)
        assert.are.equal(0, counts().reuses)
      end)
    end

    it("a token with a line break is refused, and the old record stays", function()
      local store = own_store()
      local app = signed_in { store = store }
      local before = stored(store):get("refresh_token")
      expire()
      fault { crlf = true, times = 3 }
      box:control("oauth/settings", { grace_seconds = 60 })
      local client = new_client(app)
      expect.within(12, function() failure("decode", get(client)) end)
      assert.are.equal(3, counts().exchanges)
      assert.is_true(stored(store):get("refresh_token") == before)
    end)

    it("a wall clock that went back makes a token count as over", function()
      local store = own_store()
      signed_in { store = store }
      tamper(store, { obtained_at = ago(-7200) })
      assert(get(new_client(new_app { store = store })))
      assert.are.equal(1, counts().exchanges)
      assert.is_true(math.abs(tonumber(stored(store):get("obtained_at")) - ago(0)) < 5)
    end)
  end)

  describe("an unclear exchange:", function()
    for name, given in pairs {
      ["hung up before"] = { drop = "before" }, ["500"] = { status = 500 }, ["408"] = { status = 408 },
      ["500 with no JSON"] = { status = 503, body = "<html>" },
    } do
      it("is tried again with the same token: " .. name, function()
        local store = own_store()
        local app = signed_in { store = store }
        expire()
        fault(given)
        expect.within(8, function() assert(get(new_client(app))) end)
        assert.are.equal(2, counts().exchanges)
        assert.are.equal("2", stored(store):get("generation"))
        assert.is_nil(stored(store):get("pending"))
        assert.is_nil(stored(store):get("tries"))
      end)
    end

    for name, given in pairs {
      ["hung up after"] = { drop = "after" }, ["cut off"] = { truncated = true }, ["malformed"] = { malformed = true },
      ["500, but done"] = { status = 500, apply = true },
    } do
      it("whose successor is lost needs a person, and says so once: " .. name, function()
        local store = own_store()
        local events = {}
        local function refresh(event) events[#events + 1] = note(event) end
        local app = signed_in { store = store, on = { refresh = refresh } }
        local client = new_client(app)
        local before = stored(store):get("refresh_token")
        expire()
        fault(given)
        expect.within(8, function()
          hoopai.run(function()
            for _ = 1, 10 do
              hoopai.spawn(function()
                local err = failure("reauth_required", get(client))
                assert.matches("lost", err.message)
              end)
            end
          end)
        end)
        for _ = 1, 10 do failure("reauth_required", get(client)) end
        failure("reauth_required", get(new_client(new_app { store = store })))
        assert.are.equal(2, counts().exchanges)
        assert.are.equal(1, #events)
        assert.are.equal("reauth_required", events[1].kind)
        assert.is_true(stored(store):get("refresh_token") == before)
        assert.are.equal("1", stored(store):get("generation"))
        assert(app:exchange { code = box.oauth.code {} })
        assert(get(client))
      end)
    end

    it("that stays unclear is tried three times within five seconds, and then rests on the whole host", function()
      local path = folder()
      local app = signed_in { store = hoopai.store.file(path) }
      local client = new_client(app)
      expire()
      fault { drop = "before", times = 50 }
      local start = socket.gettime()
      failure("network", get(client))
      local elapsed = socket.gettime() - start
      assert.is_true(elapsed > 3.9 and elapsed < 15, elapsed)
      local list = ledger()
      assert.are.equal(3, #list)
      local first, second, third = list[1].at, list[2].at, list[3].at
      assert.is_true(second - first > 900 and third - first > 3900, third - first)
      for _ = 1, 50 do failure("network", get(client)) end
      expire()
      local err = failure("network", get(new_client(new_app { store = hoopai.store.file(path) })))
      assert.is_true(err.retryable)
      assert.are.equal(3, counts().exchanges)
    end)

    it("that a crash left behind is tried once more at once, and a loss is said once", function()
      local store = own_store()
      signed_in { store = store }
      box:control("oauth/grant", {})
      tamper(store, { pending = ago(3), tries = 1, obtained_at = ago(90000) })
      box:control("oauth/revoke", { location_id = location })
      local events = {}
      local app = new_app { store = store, on = { refresh = function(event) events[#events + 1] = event end } }
      local client = new_client(app)
      for _ = 1, 3 do assert.matches("lost", failure("reauth_required", get(client)).message) end
      assert.are.equal(1, counts().exchanges)
      assert.are.equal(1, #events)
    end)

    it("that a crash left behind before the token was spent ends well", function()
      local store = own_store()
      signed_in { store = store }
      tamper(store, { pending = ago(3), tries = 1, obtained_at = ago(90000) })
      assert(get(new_client(new_app { store = store })))
      assert.are.equal(1, counts().exchanges)
      assert.is_nil(stored(store):get("pending"))
    end)

    it("leaves a mark in the store while it runs", function()
      local store = own_store()
      local app = signed_in { store = store }
      expire()
      fault { latency_ms = 300 }
      hoopai.run(function()
        local task = hoopai.spawn(get, new_client(app))
        expect.eventually(function() return stored(store):get("pending") end, "the mark was stored")
        assert.are.equal("1", stored(store):get("generation"))
        assert(task:join())
      end)
      assert.is_nil(stored(store):get("pending"))
    end)
  end)

  describe("refusals:", function()
    it("a dead token makes no storm, and is never removed", function()
      local path = folder()
      local app = signed_in { store = hoopai.store.file(path) }
      local client = new_client(app)
      expire()
      box:control("oauth/revoke", { location_id = location })
      hoopai.run(function()
        for _ = 1, 50 do hoopai.spawn(function() failure("reauth_required", get(client)) end) end
      end)
      for _ = 1, 50 do failure("reauth_required", get(client)) end
      assert.are.equal(1, counts().exchanges)
      local record = assert(in_folder(path))
      assert.are.equal("1", record:get("generation"))
      assert.is_truthy(record:get("refresh_token"))
      assert.is_truthy(record:get("access_token"))
    end)

    it("a dead token is reported once, however often it is met", function()
      local events = {}
      local app = signed_in { on = { refresh = function(event) events[#events + 1] = event.kind end } }
      local client = new_client(app)
      expire()
      box:control("oauth/revoke", { location_id = location })
      failure("reauth_required", get(client))
      hoopai.sleep(1.05) -- the pause after the first failure
      failure("reauth_required", get(client))
      assert.are.same({ "reauth_required" }, events)
    end)

    it("invalid_grant does not count when newer credentials were stored meanwhile", function()
      local store = own_store { lock = false }
      store.lock = nil
      local app = signed_in { store = store }
      local client = new_client(app)
      assert(get(client))
      box:control("oauth/revoke", { location_id = location })
      expire()
      local newer = box.oauth.grant {}
      fault { latency_ms = 200 }
      hoopai.run(function()
        local task = hoopai.spawn(get, client)
        hoopai.sleep(0.1)
        tamper(store, { access_token = newer.access_token, refresh_token = newer.refresh_token, generation = 7,
          obtained_at = ago(0) })
        assert(task:join())
      end)
      assert.are.equal("7", stored(store):get("generation"))
      assert.are.equal(1, counts().refused)
    end)

    it("a newer grant ends the pause after a failure", function()
      local store = own_store()
      local app = signed_in { store = store }
      local client = new_client(app)
      expire()
      box:control("oauth/revoke", { location_id = location })
      failure("reauth_required", get(client))
      assert(new_app({ store = store }):exchange { code = box.oauth.code {} })
      assert(get(client))
    end)

    it("429 and wrong credentials take the mark away and keep the token", function()
      local store = own_store()
      local app = signed_in { store = store }
      expire()
      fault { status = 429, body = '{"message":"Too Many Requests"}' }
      local err = failure("rate_limit", get(new_client(app)))
      assert.is_true(err.retry_after >= 1)
      assert.is_nil(stored(store):get("pending"))
      failure("rate_limit", get(new_client(app)))
      assert.are.equal(1, counts().exchanges)
      local wrong = new_app { store = store, client_secret = CANARY .. "x" }
      failure("auth", get(new_client(wrong)))
      assert.is_nil(stored(store):get("pending"))
      assert(get(new_client(new_app { store = store })))
    end)

    it("a token endpoint that cannot be reached spends nothing", function()
      local store = own_store()
      local app = signed_in { store = store }
      expire()
      local gone = new_app { store = store, base_url = "http://127.0.0.1:1" }
      local err = failure("network", get(new_client(gone, { base_url = box.url })))
      assert.are.equal("no", err.applied)
      assert.is_nil(stored(store):get("pending"))
      assert(get(new_client(app)))
      assert.are.equal(1, counts().exchanges)
    end)
  end)

  describe("an exchange belongs to the store:", function()
    it("a caller's timeout only detaches from it", function()
      local store = own_store()
      local app = signed_in { store = store }
      expire()
      fault { delay_ms = 400 }
      local client = new_client(app)
      hoopai.run(function()
        local err = failure("timeout", get(client, { timeout = 0.15 }))
        assert.are.equal("refresh", err.stage)
        assert.are.equal("no", err.applied)
      end)
      assert.are.equal("2", stored(store):get("generation"))
      assert(get(client))
      assert.are.equal(1, counts().exchanges)
      assert.is_true(ledger()[1].applied and ledger()[1].answered)
    end)

    it("so does a cancel, and a failure of run", function()
      for _, how in ipairs { "cancel", "raise" } do
        local store = own_store()
        local app = signed_in { store = store }
        expire()
        fault { delay_ms = 200 }
        local client = new_client(app)
        local ok = pcall(hoopai.run, function()
          local task = hoopai.spawn(get, client)
          expect.eventually(function() return stored(store):get("pending") end, "the exchange began")
          if how == "cancel" then task:cancel() else error("no more") end
        end)
        assert.are.equal(how == "cancel", ok)
        assert(get(client))
        assert.are.equal("2", stored(store):get("generation"))
        assert.are.equal(1, counts().exchanges)
      end
    end)

    it("closing the client or the app in a task returns at once, and the exchange is finished", function()
      for _, what in ipairs { "client", "app" } do
        local store = own_store()
        local app = signed_in { store = store }
        expire()
        fault { delay_ms = 300 }
        local client = new_client(app)
        hoopai.run(function()
          local task = hoopai.spawn(get, client)
          expect.eventually(function() return stored(store):get("pending") end, "the exchange began")
          expect.within(0.2, function() if what == "client" then client:close() else app:close() end end)
          task:join()
        end)
        assert.are.equal("2", stored(store):get("generation"))
        assert.are.equal(1, counts().rotations)
        assert.are.equal(0, counts().lost)
      end
    end)

    it("closing the app outside a loop waits for it; afterwards it exchanges nothing", function()
      local store = own_store()
      local app = signed_in { store = store }
      expire()
      fault { delay_ms = 200 }
      local client = new_client(app)
      pcall(hoopai.run, function()
        hoopai.spawn(get, client)
        expect.eventually(function() return stored(store):get("pending") end, "the exchange began")
        error("no more")
      end)
      assert.are.equal("1", stored(store):get("generation"))
      app:close()
      assert.are.equal("2", stored(store):get("generation"))
      expire()
      failure("closed", get(new_client(app)))
      failure("closed", note(app:exchange { code = "x" }))
      assert.is_false((pcall(app:installed_locations { company_id = company })))
      app:close()
    end)

    it("the end of the program waits for it", function()
      local path = folder()
      signed_in { store = hoopai.store.file(path) }
      expire()
      fault { delay_ms = 300 }
      local text, ok = child.run(([[
        local hoopai = require "hoopai"
        local app = hoopai.oauth {
          client_id = %q, client_secret = os.getenv("SECRET"), base_url = %q, store = hoopai.store.file(%q) }
        local client = hoopai.new { oauth = app, location_id = %q }
        local ok, problem = pcall(hoopai.run, function()
          hoopai.spawn(function() client.calendars:list() end)
          hoopai.sleep(0.15)
          error("no more", 0)
        end)
        assert(not ok and problem == "no more", problem)
      ]]):format(box.oauth.client_id, box.url, path, location), { set = { SECRET = box.oauth.client_secret } })
      assert.is_true(ok, text)
      assert.are.equal("", text)
      assert.are.equal(0, counts().lost)
      assert.are.equal(1, counts().rotations)
      assert.are.equal("2", in_folder(path):get("generation"))
    end)

    it("a forked child says that the app is its parent's", function()
      local app = signed_in()
      local client = new_client(app)
      assert(get(client))
      local pid = process.fork()
      if pid == 0 then
        local refused = 0
        for _, use in ipairs {
          function() client.calendars:list() end,
          function() hoopai.new({ oauth = app, location_id = location }).calendars:list() end,
          function() app:exchange { code = "x" } end,
          function() app:installed_locations { company_id = company }() end,
        } do
          local ok, problem = pcall(use)
          if not ok and tostring(problem):find("belongs to the parent", 1, true) then refused = refused + 1 end
        end
        process.exit(refused)
      end
      assert.are.same({ "exit", 4 }, { process.wait(pid) })
    end)
  end)

  describe("location tokens:", function()
    local server

    setup(function() server = servers.start() end)
    teardown(function() server:stop() end)

    local function agency(options)
      local all = { company_id = company, store = own_store() }
      for name, value in pairs(options or {}) do all[name] = value end
      return signed_in(all, { class = "Company" }), all.store
    end

    it("are minted from the agency's, remembered with their company, and minted again", function()
      local app, store = agency()
      local client = new_client(app)
      assert(get(client))
      assert(get(client))
      assert.are.equal(1, counts().location_tokens)
      assert.are.equal(company, stored(store):get("company_id"))
      assert.is_nil(stored(store):get("refresh_token"))
      local later = new_app { store = store }
      assert(get(new_client(later)))
      assert.are.equal(1, counts().location_tokens)
      expire()
      local _, response = assert(get(new_client(later)))
      assert.are.equal(2, response.attempts)
      local list = ledger()
      assert.are.equal(2, counts().location_tokens)
      assert.are.equal(2, #list)
    end)

    it("with an agency's token that expired: it is renewed first, once for all locations", function()
      local app, store = agency()
      expire { class = "Company" }
      local clients = {}
      for index, id in ipairs { location, other, box.oauth.locations[3], box.oauth.locations[4] } do
        clients[index] = new_client(app, { location_id = id })
      end
      hoopai.run(function()
        for index = 1, 40 do hoopai.spawn(function() assert(get(clients[index % 4 + 1])) end) end
      end)
      assert.are.equal(1, counts().rotations)
      assert.are.equal(4, counts().location_tokens)
      assert.are.equal("2", stored(store, key_of("company", company)):get("generation"))
    end)

    it("client:with and location_id of a call use the token of that location", function()
      local app = agency()
      local client = new_client(app)
      local theirs = note(client:with({ location_id = other }).calendars:list())
      assert.are.equal(box.seed.calendars.vaccination, theirs[1].id)
      theirs = note(client.calendars:list(nil, { location_id = other }))
      assert.are.equal(box.seed.calendars.vaccination, theirs[1].id)
      assert(note(client.calendars:get(box.seed.calendars.vaccination, { location_id = other })))
      assert.are.equal(1, counts().location_tokens)
      failure("forbidden", note(client.calendars:get(box.seed.calendars.vaccination)))
    end)

    it("lost responses for location tokens spend nothing", function()
      local app = agency()
      fault { grant = "location_token", drop = "after" }
      local client = new_client(app)
      failure("network", get(client))
      hoopai.sleep(1.05)
      assert(get(client))
      assert.are.equal(0, counts().rotations)
    end)

    it("a scope or class that the agency lacks is no reason to renew", function()
      local app = new_app { company_id = company, store = own_store() }
      assert(app:exchange { code = box.oauth.code { class = "Company", scopes = { "calendars.readonly" } },
        user_type = "Company" })
      box:control("oauth/clear")
      failure("scope", get(new_client(app)))
      assert.are.equal(0, counts().rotations)
      local ok, err = pcall(app:installed_locations {})
      assert.is_false(ok)
      assert.are.equal("scope", note(err).kind)
    end)

    it("of a location without the app are refused", function()
      local app = agency()
      box:control("oauth/install", { location_id = other, installed = false })
      local err = failure("forbidden", get(new_client(app, { location_id = other })))
      assert.matches("not installed", err.message)
      box:control("oauth/install", { location_id = other, installed = true })
    end)

    it("a dead agency is said for its locations, and where they are listed", function()
      for _, use in ipairs {
        function(app) return get(new_client(app)) end,
        function(app) return nil, note(select(2, pcall(app:installed_locations {}))) end,
      } do
        local app = agency()
        expire { class = "Company" }
        box:control("oauth/revoke", { class = "Company" })
        local err = failure("reauth_required", use(app))
        assert.matches("of company", err.message)
      end
    end)

    it("installed_locations iterates page by page, also after an expiry", function()
      local app = agency()
      local function ids(limit)
        local list = {}
        for item in app:installed_locations { limit = limit } do list[#list + 1] = item._id end
        return list
      end
      assert.are.same(box.oauth.locations, ids())
      assert.are.same(box.oauth.locations, ids(1))
      expire { class = "Company" }
      hoopai.run(function() assert.are.same(box.oauth.locations, ids(2)) end)
      assert.are.equal(1, counts().rotations)
    end)

    it("installed_locations ends with an empty page alone: the API may give fewer than it was asked for", function()
      local app = new_app { base_url = server.url, company_id = "c" }
      local app_id = box.oauth.client_id:match("^[^-]+")
      server:reply { body = [[{"access_token":"t","expires_in":3600,"userType":"Company","companyId":"c"}]] }
      assert(app:exchange { code = "code", user_type = "Company" })
      local function page(skip, ids)
        server:reply { path = "/oauth/installedLocations", body = '{"locations":[' .. ids .. "]}",
          target = "/oauth/installedLocations?isInstalled=true&companyId=c&appId=" .. app_id .. "&skip=" .. skip
            .. "&limit=100" }
      end
      page(0, '{"_id":"a"},{"_id":"b"}')
      page(2, '{"_id":"d"}')
      page(3, "")
      local found = {}
      for item in app:installed_locations() do found[#found + 1] = item._id end
      assert.are.same({ "a", "b", "d" }, found)

      page(0, '{"_id":"a"},{"_id":"b"}')
      page(2, '{"_id":"a"},{"_id":"b"}')
      local ok, err = pcall(function()
        for _ in app:installed_locations() do end -- luacheck: ignore 542
      end)
      assert.is_false(ok)
      failure("protocol", nil, note(err))

      page(0, '"a"')
      ok, err = pcall(app:installed_locations())
      assert.is_false(ok)
      failure("decode", nil, note(err))
    end)
  end)

  describe("stores that fail:", function()
    --- The folder of a store whose grant has expired, a client over it, and the record.
    local function ready()
      local path = folder()
      local app = signed_in { store = hoopai.store.file(path) }
      expire()
      return path, new_client(app), in_folder(path)
    end

    --- The file of the location's record: the only name without a dot that names it.
    local function file_of(path)
      for entry in lfs.dir(path) do
        if entry:find("location") and not entry:find(".", 1, true) then return path .. "/" .. entry end
      end
    end

    local function check_kept(path, before)
      local after = assert(in_folder(path))
      assert.is_true(before:get("refresh_token") == after:get("refresh_token"))
      assert.are.equal(0, counts().exchanges)
    end

    it("files that others can read are not used", function()
      local path, client, before = ready()
      local name = file_of(path)
      os.execute("chmod 0644 '" .. name .. "'")
      local err = failure("store", get(client))
      assert.matches("mode", err.message)
      os.execute("chmod 0600 '" .. name .. "'")
      check_kept(path, before)
    end)

    it("a folder that others can change, or a link, is refused", function()
      local path = folder()
      lfs.mkdir(path)
      os.execute("chmod 0777 " .. path)
      misuse(function() hoopai.store.file(path) end, "mode")
      os.execute("chmod 0700 " .. path)
      local link = folder()
      lfs.link(path, link, true)
      misuse(function() hoopai.store.file(link) end, "symbolic link")
      misuse(function() hoopai.store.file("") end, "path")
      misuse(function() hoopai.store.file(path .. "/a/b") end, "cannot be made")
      assert.is_truthy(hoopai.store.file(path))
    end)

    it("a damaged file is said, and left as it is", function()
      local path, _, before = ready()
      local name = file_of(path)
      local file = assert(io.open(name, "r+"))
      local text = file:read("a")
      file:seek("set", 0)
      file:write((text:gsub("generation=1", "generation=2")))
      file:close()
      local err = failure("store", get(new_client(new_app { store = hoopai.store.file(path) })))
      assert.matches("damaged", err.message)
      file = assert(io.open(name, "w"))
      file:write(text)
      file:close()
      check_kept(path, before)
    end)

    --- Calls `use` with a folder on a separate small disk.
    local function on_small_disk(size, use)
      local path = folder()
      lfs.mkdir(path)
      assert.is_true(mount.on(path, size))
      local undo <close> = setmetatable({}, { __close = function() mount.off(path) end }) -- luacheck: ignore 211
      use(path)
    end

    if mount.who == "root" then
      it("a full disk is found before the token is spent; when there is room again all is well", function()
        on_small_disk("48k", function(path)
          local app = signed_in { store = hoopai.store.file(path) }
          local client = new_client(app)
          expire()
          os.execute("dd if=/dev/zero of=" .. path .. "/fill bs=1k 2>/dev/null")
          os.execute("truncate -s -4096 " .. path .. "/fill") -- room for the mark, but not for all that follows
          for _ = 1, 20 do failure("store", get(client)) end
          assert.are.equal(0, counts().exchanges)
          os.remove(path .. "/fill")
          hoopai.sleep(1.05)
          assert(get(client))
          assert.are.equal(1, counts().exchanges)
        end)
      end)

      it("a folder that became read-only is found before the token is spent", function()
        on_small_disk("256k", function(path)
          local app = signed_in { store = hoopai.store.file(path) }
          local client = new_client(app)
          expire()
          os.execute("mount -o remount,ro " .. path)
          local err = failure("store", get(client))
          assert.matches("[Rr]ead%-only", err.message)
          assert.are.equal(0, counts().exchanges)
          os.execute("mount -o remount,rw " .. path)
          hoopai.sleep(1.05)
          assert(get(client))
        end)
      end)
    end

    it("a successor that cannot be stored at first is kept and stored later", function()
      local store = own_store()
      local app = signed_in { store = store }
      local client = new_client(app)
      expire()
      local broken = 0
      local failing = { get = store.get, lock = store.lock }
      function failing.put(key, text, generation)
        local record = core.unpack_credentials(text)
        if record:get("generation") == "2" and broken < 1 then
          broken = broken + 1
          return nil, "no room for " .. text
        end
        return store.put(key, text, generation)
      end
      local second = new_client(new_app { store = failing })
      assert(get(second))
      assert.are.equal(1, broken)
      assert.are.equal("2", stored(store):get("generation"))
      assert(get(client))
      assert.are.equal(1, counts().exchanges)
    end)

    it("the lock stays with a successor that cannot be stored at all, until it can", function()
      local use = require("hoopai.oauth.token_manager").registry({ client_id = "x" }):company("x").get
      local store, broken = own_store(), true
      local put = store.put
      function store.put(key, text, generation)
        if broken and core.unpack_credentials(text):get("generation") == "2" then return nil, "no room" end
        return put(key, text, generation)
      end
      local client = new_client(signed_in { store = store })
      expire()
      local seconds = assert(set_local(use, "DEADLINE", 1.2))
      local result, err = get(client)
      set_local(use, "DEADLINE", seconds)
      failure("store", result, err)
      assert.are.same({ [key_of("location", location)] = true }, store.locks) -- no other may spend the old token
      broken = false
      hoopai.sleep(1.05)
      assert(get(client))
      assert.are.equal("2", stored(store):get("generation"))
      assert.are.same({}, store.locks)
      assert.are.equal(1, counts().exchanges)
    end)

    it("a new token is not used before it is stored", function()
      local store = own_store()
      local put = store.put
      function store.put(key, text, generation)
        if core.unpack_credentials(text):get("generation") == "2" then hoopai.sleep(0.2) end
        return put(key, text, generation)
      end
      local app = signed_in { store = store }
      tamper(store, { obtained_at = ago(86399) })
      local sent = {}
      local client = new_client(app, {
        on = { request = function() sent[#sent + 1] = stored(store):get("generation") end },
      })
      local _, errs = hoopai.map({ 0, 0.05, 0.1 }, function(seconds)
        hoopai.sleep(seconds)
        return get(client)
      end)
      assert.is_nil(errs)
      assert.are.same({ "2", "2", "2" }, sent)
    end)

    it("a lock that another process holds is waited for while the loop goes on", function()
      local path = folder()
      local app = signed_in { store = hoopai.store.file(path) }
      expire()
      local holder = child.start(([[
        local core = require "hoopai.core"
        local lock = assert(core.token_file(%q):lock(%q))
        io.open(%q, "w"):close()
        core.sleep(0.5)
        lock:release()
      ]]):format(path, key_of("location", location), path .. "/.held"))
      hoopai.run(function()
        expect.eventually(function() return lfs.attributes(path .. "/.held") end, "the lock was taken")
        local ticks, done = 0, false
        hoopai.spawn(function()
          while not done do
            ticks = ticks + 1
            hoopai.sleep(0.01)
          end
        end)
        assert(get(new_client(app)))
        done = true
        assert.is_true(ticks > 15, ticks)
      end)
      local text, ok = holder:finish()
      assert.is_true(ok, text)
      assert.are.equal(1, counts().exchanges)
    end)
  end)

  describe("a store of the user's own:", function()
    it("may wait", function()
      local inner = own_store()
      local function waiting(fn)
        return function(...)
          hoopai.sleep(0.01)
          return fn(...)
        end
      end
      local store = { get = waiting(inner.get), put = waiting(inner.put), lock = waiting(inner.lock) }
      local app = signed_in { store = store }
      expire()
      local client = new_client(app)
      hoopai.map({ 1, 2, 3, 4, 5 }, function() assert(get(client)) end)
      expire()
      assert(get(client))
      assert.are.equal(2, counts().exchanges)
      assert.is_nil(next(inner.locks))
    end)

    for _, case in ipairs {
      { "put that returns false", { put = function() return false end }, "changed by somebody else" },
      { "put that returns nothing", { put = function() end }, "did not return true" },
      { "put that says why", { put = function() return nil, "sealed" end }, "sealed" },
      { "put that raises what it was given", { put = function(_, text) error("cannot keep " .. text) end },
        "holds the record" },
      { "get that raises", { get = function() error("broken") end }, "broken" },
      { "get that says why", { get = function() return nil, "no network" end }, "no network" },
      { "get of another type", { get = function() return 5 end }, "number" },
      { "get of something else", { get = function() return "hello" end }, "no record" },
      { "lock that raises", { lock = function() error("jammed") end }, "jammed" },
      { "lock of another type", { lock = function() return true end }, "boolean" },
    } do
      it("a " .. case[1] .. " is an error of kind store, and nothing is spent", function()
        local store = own_store()
        signed_in { store = store }
        expire()
        local before = stored(store):get("refresh_token")
        local bad = { get = store.get, put = store.put, lock = store.lock }
        for name, fn in pairs(case[2]) do bad[name] = fn end
        local err = failure("store", get(new_client(new_app { store = bad })))
        assert.matches(case[3], err.message)
        assert.is_true(before == stored(store):get("refresh_token"))
        assert.are.equal(0, counts().exchanges)
        assert.is_nil(next(store.locks))
      end)
    end
  end)

  describe("secrets:", function()
    local echoing

    setup(function() echoing = servers.start() end)
    teardown(function() echoing:stop() end)

    it("are in no error, event, tostring, upvalue-free value, warning or output", function()
      local path = folder()
      local text, ok = child.run(([[
        warn("@on")
        local hoopai = require "hoopai"
        local function fail() error("a hook that fails") end
        local app <close> = hoopai.oauth {
          client_id = %q, client_secret = os.getenv("SECRET"), base_url = %q, store = hoopai.store.file(%q),
          on = { refresh = fail } }
        local grant = assert(app:exchange { code = os.getenv("CODE") })
        for name, value in pairs(grant) do print(name, value) end
        local client <close> = hoopai.new { oauth = app, location_id = grant.location_id, on = {
          refresh = function(event) for name, value in pairs(event) do print(name, value) end end } }
        local _, session = app:authorize_url { pkce = true, redirect_uri = "http://127.0.0.1/x" }
        print(app, client, session.code_verifier)
        print(client.calendars:list())
        print(app:exchange { code = os.getenv("CODE") })
        print(pcall(app.exchange, app, { code = os.getenv("CODE"), code_verifier = 5 }))
        local function misuse() app:exchange { cod = os.getenv("CODE") } return 1 end
        print(xpcall(misuse, debug.traceback))
        print(hoopai.run(function()
          local task = hoopai.spawn(function()
            error(select(2, app:exchange { code = os.getenv("CODE") }))
          end)
          local _, err = task:join()
          print(err, err.traceback)
        end))
      ]]):format(box.oauth.client_id, box.url, path),
        { set = { SECRET = box.oauth.client_secret, CODE = box.oauth.code {} } })
      assert.is_true(ok, text)
      assert.matches("location_id", text)
      assert.is_nil(text:find(CANARY, 1, true), text)
    end)

    it("are in no error where a server echoes what it was sent", function()
      local server = echoing
      local secret, code, verifier = CANARY .. "-secret", CANARY .. "-code", CANARY .. ("v"):rep(43)
      local access, refresh = CANARY .. "-access", CANARY .. "-refresh"
      local app = new_app { base_url = server.url, client_secret = secret, company_id = "c" }

      local function refuse(status, echo, problem)
        server:reply { status = status, headers = { ["X-Echo"] = echo },
          body = ('{"error":"%s","message":"it was %s"}'):format(problem or "bad", echo) }
      end
      local function grant(level)
        server:reply { body = ('{"access_token":"%s","refresh_token":"%s","expires_in":3600,"userType":"%s",'
          .. '"companyId":"c","locationId":"l"}'):format(access, refresh, level) }
        assert(app:exchange { code = code, user_type = level })
      end
      local function exchange(kind) failure(kind, note(app:exchange { code = code, code_verifier = verifier })) end

      refuse(400, secret)
      exchange "refused"
      refuse(400, code, "invalid_grant")
      exchange "reauth_required"
      refuse(400, verifier)
      exchange "refused"

      grant("Company")
      refuse(400, access)
      failure("refused", get(new_client(app, { location_id = "other" })))
      refuse(400, access)
      local ok, err = pcall(app:installed_locations {})
      assert.is_false(ok)
      failure("refused", nil, note(err))

      grant("Location")
      refuse(401, access)
      refuse(403, refresh)
      failure("forbidden", get(new_client(app, { location_id = "l" })))
      assert.are.equal(9, #server:ledger())
    end)

    it("are in no value that a client or an app can be asked for", function()
      local app = signed_in { store = hoopai.store.memory() }
      local client = new_client(app)
      expire()
      assert(get(client))
      expect.no_secret(app, CANARY)
      expect.no_secret(client, CANARY)
      local _, session = app:authorize_url { code_verifier = CANARY .. ("v"):rep(43) }
      expect.no_secret(session, CANARY)
    end)
  end)
end)
