-- Clients of apps: tokens that are renewed once and never lost, against the sandbox's strict token endpoints.

local child = require "spec.support.child"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local lfs = require "lfs"
local mount = require "spec.support.mount"
local oauth = require "spec.support.oauth"
local process = require "spec.support.process"
local servers = require "spec.support.server"

local failure, misuse = expect.failure, expect.misuse
local new_app, new_client, signed_in, agency = oauth.new_app, oauth.new_client, oauth.signed_in, oauth.agency
local counts, ledger, expire, fault, get = oauth.counts, oauth.ledger, oauth.expire, oauth.fault, oauth.get
local user_store, tamper, stored, in_folder = oauth.user_store, oauth.tamper, oauth.stored, oauth.in_folder
local key_of, ago, note, folder, CANARY = oauth.key_of, oauth.ago, oauth.note, oauth.folder, oauth.CANARY

describe("oauth:", function()
  local box, location, other, company

  setup(function()
    box = oauth.start()
    location, other, company = box.location_id, box.seed.other_location_id, box.oauth.company_id
  end)
  teardown(oauth.stop)

  before_each(oauth.before)
  after_each(oauth.after)

  describe("a client:", function()
    it("takes its base_url from the app, and beats HOOPAI_TOKEN", function()
      local app = signed_in()
      assert.are.equal(("hoopai.Client (%s, location %s)"):format(box.url, location), tostring(new_client(app)))
      assert(get(app:client { location_id = location }))
      local text, ok = child.run(
        ([[
        local hoopai = require "hoopai"
        local app <close> = hoopai.oauth { client_id = "i", client_secret = "s", base_url = %q }
        local client <close> = hoopai.new { oauth = app, location_id = "l" }
        local result, err = client.calendars:list()
        assert(result == nil and err.kind == "reauth_required", tostring(err))
      ]]):format(box.url),
        { set = { HOOPAI_TOKEN = "tok-environment" } }
      )
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

    it("understands responses in camelCase", function()
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

    it("with a new token that is refused makes no more exchanges for a while", function()
      local app = signed_in()
      local client = new_client(app)
      local sent = 0
      expire()
      local hooked = new_client(app, {
        on = {
          request = function(event)
            sent = sent + 1
            if event.attempt == 2 then expire() end
          end,
        },
      })
      failure("auth", get(hooked))
      for _ = 1, 10 do
        failure("auth", get(client))
      end
      assert.are.equal(2, sent)
      assert.are.equal(1, counts().exchanges)
    end)

    it("fails without a request, again and again, as long as no person has signed in", function()
      local app = new_app()
      local client = new_client(app)
      local err = failure("reauth_required", get(client))
      assert.matches("there is no grant of location", err.message)
      hoopai.run(function()
        for _ = 1, 5 do
          failure("reauth_required", get(client))
        end
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
      failure(
        "invalid_request",
        note(client:request { method = "GET", path = "/calendars/", query = { locationId = other } })
      )
      assert.are.equal(0, counts().exchanges)
    end)

    it("works on with the old token while it lives, whatever the token endpoint does", function()
      local store = user_store()
      local app = signed_in { store = store }
      tamper(store, { obtained_at = ago(86399 - 30) })
      app:close()
      fault { status = 500, times = 50 }
      local client = new_client(new_app { store = store })
      hoopai.run(function()
        for _ = 1, 3 do
          assert(get(client, { timeout = 8 }))
        end
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

  describe("an exchange belongs to the store:", function()
    it("closing the client or the app in a task returns at once, and the exchange is finished", function()
      for _, what in ipairs { "client", "app" } do
        local store = user_store()
        local app = signed_in { store = store }
        expire()
        fault { delay_ms = 1500 }
        local client = new_client(app)
        hoopai.run(function()
          local task = hoopai.spawn(get, client)
          expect.eventually(function() return stored(store):get("pending") end, "the exchange began")
          expect.within(1, function()
            if what == "client" then
              client:close()
            else
              app:close()
            end
          end)
          task:join()
        end)
        assert.are.equal("2", stored(store):get("generation"))
        assert.are.equal(1, counts().rotations)
        assert.are.equal(0, counts().lost)
      end
    end)

    it("closing the app outside a loop waits for it; afterwards it exchanges nothing", function()
      local store = user_store()
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
      local text, ok = child.run(
        ([[
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
      ]]):format(box.oauth.client_id, box.url, path, location),
        { set = { SECRET = box.oauth.client_secret } }
      )
      assert.is_true(ok, text)
      assert.are.equal("", text)
      assert.are.equal(0, counts().lost)
      assert.are.equal(1, counts().rotations)
      assert.are.equal("2", in_folder(path):get("generation"))
    end)

    it("a forked child raises that the app is its parent's", function()
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
    it("are made from the agency's, stored with their company, and made again", function()
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
        for index = 1, 40 do
          hoopai.spawn(function() assert(get(clients[index % 4 + 1])) end)
        end
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

    it("whose response is lost spend nothing", function()
      local app = agency()
      fault { grant = "location_token", drop = "after" }
      local client = new_client(app)
      failure("network", get(client))
      hoopai.sleep(1.05)
      assert(get(client))
      assert.are.equal(0, counts().rotations)
    end)

    it("a scope or class that the agency lacks is no reason to renew", function()
      local app = new_app { company_id = company, store = user_store() }
      assert(app:exchange {
        code = box.oauth.code { class = "Company", scopes = { "calendars.readonly" } },
        user_type = "Company",
      })
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

    it("of an agency whose grant was revoked need a person, and so does their list", function()
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
  end)

  describe("stores that fail:", function()
    --- The folder of a store whose token has expired, a client over it, and the credentials.
    local function ready()
      local path = folder()
      local app = signed_in { store = hoopai.store.file(path) }
      expire()
      return path, new_client(app), in_folder(path)
    end

    --- The file of the location's credentials: the only name without a dot that has the word.
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

    it("a damaged file is an error, and is left as it is", function()
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
          for _ = 1, 20 do
            failure("store", get(client))
          end
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
  end)

  describe("a user's store:", function()
    it("may wait", function()
      local inner = user_store()
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
      {
        "put that raises what it was given",
        { put = function(_, text) error("cannot keep " .. text) end },
        "holds the record",
      },
      { "get that raises", { get = function() error("broken") end }, "broken" },
      { "get that says why", { get = function() return nil, "no network" end }, "no network" },
      { "get of another type", { get = function() return 5 end }, "number" },
      { "get of something else", { get = function() return "hello" end }, "no record" },
      { "lock that raises", { lock = function() error("jammed") end }, "jammed" },
      { "lock of another type", { lock = function() return true end }, "boolean" },
    } do
      it("a " .. case[1] .. " is an error of kind store, and nothing is spent", function()
        local store = user_store()
        signed_in { store = store }
        expire()
        local before = stored(store):get("refresh_token")
        local bad = { get = store.get, put = store.put, lock = store.lock }
        for name, fn in pairs(case[2]) do
          bad[name] = fn
        end
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
      local text, ok = child.run(
        ([[
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
        { set = { SECRET = box.oauth.client_secret, CODE = box.oauth.code {} } }
      )
      assert.is_true(ok, text)
      assert.matches("location_id", text)
      assert.is_nil(text:find(CANARY, 1, true), text)
    end)

    it("are in no error when a server echoes what it was sent", function()
      local server = echoing
      local secret, code, verifier = CANARY .. "-secret", CANARY .. "-code", CANARY .. ("v"):rep(43)
      local access, refresh = CANARY .. "-access", CANARY .. "-refresh"
      local app = new_app { base_url = server.url, client_secret = secret, company_id = "c" }

      local function refuse(status, echo, problem)
        server:reply {
          status = status,
          headers = { ["X-Echo"] = echo },
          body = ('{"error":"%s","message":"it was %s"}'):format(problem or "bad", echo),
        }
      end
      local function grant(level)
        server:reply {
          body = (
            '{"access_token":"%s","refresh_token":"%s","expires_in":3600,"userType":"%s",'
            .. '"companyId":"c","locationId":"l"}'
          ):format(access, refresh, level),
        }
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
