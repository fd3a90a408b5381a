-- No token is lost: on disks that fill up, in folders that move, behind locks that are held, by odd responses of a
-- token endpoint. The programs are real ones.

local child = require "spec.support.child"
local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local lfs = require "lfs"
local mount = require "spec.support.mount"
local oauth = require "spec.support.oauth"
local servers = require "spec.support.server"

local failure = expect.failure
local new_app, new_client, signed_in = oauth.new_app, oauth.new_client, oauth.signed_in
local counts, expire, fault, get, folder = oauth.counts, oauth.expire, oauth.fault, oauth.get, oauth.folder
local user_store, stored, key_of, note = oauth.user_store, oauth.stored, oauth.key_of, oauth.note

describe("a token is kept", function()
  local box, server, location

  setup(function()
    box, server = oauth.start(), servers.start()
    location = box.location_id
  end)
  teardown(function()
    oauth.stop()
    server:stop()
  end)

  before_each(oauth.before)
  after_each(function()
    oauth.after()
    server:reset()
  end)

  local function sh(command, ...)
    local words = { ... }
    for index, word in ipairs(words) do
      words[index] = child.quote(word)
    end
    assert.is_true(os.execute(command:format(table.unpack(words))), command)
  end

  --- Sets a constant that fn, or a function that it calls, uses. Returns what it was.
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

  --- The file of the location's credentials.
  local function record_of(path) return path .. "/" .. key_of():gsub("/", "%%2F") end

  local function response(fields)
    local all = { access_token = "at-second", refresh_token = "rt-second", expires_in = 86399 }
    for name, value in pairs(fields or {}) do
      all[name] = value
    end
    return core.encode(all)
  end

  --- A folder with credentials of the location whose access token has ended.
  local function expired_folder(path)
    local tokens <close> = assert(core.token_file(path))
    assert(tokens:write(
      key_of(),
      core.credentials {
        access_token = "at-first",
        refresh_token = "rt-first",
        generation = 1,
        obtained_at = 1,
        expires_in = 60,
        user_type = "Location",
        location_id = location,
      }
    ))
    return path
  end

  local function refresh_token_in(path) return oauth.in_folder(path):get "refresh_token" end

  local PROGRAM = [[
    warn "@on"
    local hoopai = require "hoopai"
    local store = %s
    local app = hoopai.oauth { client_id = %q, client_secret = "s", base_url = %q, store = store }
    local client = hoopai.new { oauth = app, base_url = %q, location_id = %q, timeout = 1 }
    local calendars, err = client.calendars:list()
    print(calendars and "ok" or err.kind)
  ]]

  --- Starts a program that renews the token at the test server and then ends.
  local function start(store)
    return child.start(PROGRAM:format(store, box.oauth.client_id, server.url, server.url, location))
  end

  local function file_store(path) return ("hoopai.store.file(%q)"):format(path) end

  if mount.who == "root" then
    describe("on a disk that fills up while the token endpoint responds:", function()
      local disk

      before_each(function()
        disk = folder()
        lfs.mkdir(disk)
      end)
      after_each(function() mount.off(disk) end)

      --- Renews the token on a disk of this size; it is full from the moment the request has arrived.
      local function renew(size, body)
        assert.is_true(mount.on(disk, size))
        local path = expired_folder(disk .. "/store")
        server:reply { path = "/oauth/token", body = body, hold = "full" }
        server:reply { path = "/calendars/", body = '{"calendars":[]}' }
        local program = start(file_store(path))
        server:wait("arrived", "at_least", 1)
        os.execute("dd if=/dev/zero of=" .. disk .. "/fill bs=1k 2>/dev/null")
        server:release "full"
        return path, program
      end

      for _, case in ipairs { { "64k", 10 }, { "64k", 9000 }, { "512k", 60000 } } do
        it(("a successor of %d bytes has its room on one of %s"):format(case[2], case[1]), function()
          local body = response { access_token = ("a"):rep(case[2]), refresh_token = ("r"):rep(case[2]) }
          local path, program = renew(case[1], body)
          local text, ok = program:finish()
          assert.is_true(ok, text)
          assert.are.equal("ok\n", text)
          assert.is_true(refresh_token_in(path) == core.secret(("r"):rep(case[2])))
          for name in lfs.dir(path) do
            assert.is_nil(name:find "%.tmp$")
          end
        end)
      end

      it("one that is larger than the disk is lost with the program, which says so and where", function()
        local path, program =
          renew("64k", response { access_token = ("a"):rep(60000), refresh_token = ("r"):rep(60000) })
        local text = program:finish() -- after the 30 s of an exchange
        assert.matches("timeout\n", text, 1, true)
        assert.matches("cannot be stored in " .. record_of(path), text, 1, true)
        local lost = "hoopai: the tokens of location %s are lost: the program ends before they could be stored in %s: "
        assert.matches(lost:format(location, record_of(path)), text, 1, true)
        assert.matches("No space left on device", text, 1, true)
        assert.is_nil(text:find(("a"):rep(20)))
        assert.is_nil(text:find(("r"):rep(20)))
        assert.is_true(refresh_token_in(path) == core.secret "rt-first")
        server:reset()
      end)

      it("one that is larger is stored when there is room again before the program ends", function()
        local path, program =
          renew("256k", response { access_token = ("a"):rep(65000), refresh_token = ("r"):rep(65000) })
        core.sleep(2.5)
        os.remove(disk .. "/fill")
        local text, ok = program:finish()
        assert.is_true(ok, text)
        assert.is_nil(text:find("lost", 1, true), text)
        assert.is_true(refresh_token_in(path) == core.secret(("r"):rep(65000)))
        server:reset()
      end)

      it("a program that is killed leaves no room reserved for the next one to miss", function()
        local path, program = renew("64k", response())
        program:signal "KILL"
        program:finish()
        os.remove(disk .. "/fill")
        server:reset()
        server:reply { path = "/oauth/token", body = response() }
        server:reply { path = "/calendars/", body = '{"calendars":[]}' }
        assert.matches("ok", start(file_store(path)):finish(), 1, true)
        for name in lfs.dir(path) do
          assert.is_nil(name:find "%.tmp$")
        end
      end)
    end)
  end

  it("or said to be lost, in a store of one's own that fails until the program ends", function()
    server:reply { path = "/oauth/token", body = response() }
    local text = start(([[
      (function()
        local core = require "hoopai.core"
        local kept = core.pack_credentials(core.credentials {
          refresh_token = "rt-first", generation = 1, obtained_at = 1, location_id = %q })
        return {
          get = function() return kept end,
          put = function(_, text, _, generation)
            if generation > 1 then return nil, "the database is gone" end
            kept = text
            return true
          end,
        }
      end)()
    ]]):format(location)):finish()
    assert.matches(
      ("could be stored in %s of a store of your own: the store's put failed: the database is gone"):format(key_of()),
      text,
      1,
      true
    )
    assert.is_nil(text:find "rt%-second")
    assert.is_nil(text:find "at%-second")
  end)

  describe("beside whatever the response holds:", function()
    local odd = {
      ["an empty access token"] = [["access_token":""]],
      ["a number"] = [["access_token":12345]],
      ["a list"] = [["access_token":["a"] ]],
      ["an object"] = [["access_token":{"value":"a"}]],
      ["no ASCII"] = [["access_token":"s\u00e9cond"]],
      ["line breaks"] = [["access_token":"at\r\nX: y"]],
      ["a raw line break"] = '"access_token":"at\ny"',
      ["null"] = [["access_token":null]],
      ["none"] = [["x":1]],
      ["a deep member"] = [["access_token":"","x":]] .. ("["):rep(5000) .. ("]"):rep(5000),
      ["deep objects"] = [["access_token":1,"x":]] .. ('{"a":'):rep(5000) .. "1" .. ("}"):rep(5000),
      ["two of each"] = [["refresh_token":"old one","access_token":1,"accessToken":false]],
      ["wrong types"] = [["access_token":true,"expires_in":{},"scope":[],"token_type":5,"userType":["Location"] ]],
    }
    for name, members in pairs(odd) do
      it("a refresh token is sent in turn, and the spent one never again: " .. name, function()
        local path = expired_folder(folder())
        server:reply { path = "/oauth/token", body = "{" .. members .. ',"refresh_token":"rt-second"}' }
        server:reply { path = "/oauth/token", body = response { refresh_token = "rt-third" } }
        server:reply { path = "/calendars/", body = '{"calendars":[]}' }
        local app = new_app { base_url = server.url, store = hoopai.store.file(path) }
        assert(get(new_client(app, { base_url = server.url })))
        local sent = {}
        for index, request in ipairs(server:ledger()) do
          sent[index] = request.body:match "refresh_token=(rt[%w-]*)"
        end
        assert.are.same({ "rt-first", "rt-second" }, sent)
        assert.is_true(refresh_token_in(path) == core.secret "rt-third")
      end)
    end

    it("behind a byte order mark, nested, in a list, and before the end of a response that breaks off", function()
      for index, rule in ipairs {
        { body = '\xef\xbb\xbf{"access_token":"","refresh_token":"rt-second"}' },
        { body = '{"data":{"access_token":"s\\u00e9","refresh_token":"rt-second"}}' },
        { body = '[{"access_token":5,"refresh_token":"rt-second"}]' },
        { raw = 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"refresh_token":"rt-second","access_tok', close = true },
      } do
        server:reset()
        local path = expired_folder(folder())
        rule.path = "/oauth/token"
        server:reply(rule, { path = "/oauth/token", status = 400, body = '{"error":"invalid_grant"}' })
        local app = new_app { base_url = server.url, store = hoopai.store.file(path) }
        failure("reauth_required", get(new_client(app, { base_url = server.url })))
        assert.are.equal(2, #server:ledger())
        assert.is_true(refresh_token_in(path) == core.secret "rt-second", index)
        assert.are.equal("2", oauth.in_folder(path):get "generation")
      end
    end)

    it("a refusal within a 200 is one, and is sent once", function()
      for _, body in ipairs {
        '{"error":"invalid_grant"}',
        '{"error":{"code":"invalid_grant"}}',
        '{"errors":[{"message":"invalid_grant"}]}',
        '{"statusCode":400,"message":"Invalid refresh token"}',
      } do
        server:reset()
        local path = expired_folder(folder())
        server:reply { path = "/oauth/token", body = body }
        local app = new_app { base_url = server.url, store = hoopai.store.file(path) }
        failure("reauth_required", get(new_client(app, { base_url = server.url })))
        assert.are.equal(1, #server:ledger())
      end
    end)

    it("a page of a gateway that says invalid grant is no refusal of the token", function()
      local path = expired_folder(folder())
      server:reply(
        { path = "/oauth/token", status = 403, body = "<html><h1>403: invalid grant</h1>" },
        { path = "/oauth/token", body = response() },
        { path = "/calendars/", body = '{"calendars":[]}' }
      )
      local app = new_app { base_url = server.url, store = hoopai.store.file(path) }
      local client = new_client(app, { base_url = server.url })
      failure("forbidden", get(client))
      assert.is_nil(oauth.in_folder(path):get "refused_at")
      hoopai.sleep(1.1) -- the pause after a failed exchange
      assert(get(client))
    end)
  end)

  describe("though the response is for another:", function()
    for name, case in pairs {
      location = { { locationId = "another" }, 'its locationId is "another"', "location", "another" },
      class = { { userType = "Company", companyId = "agency" }, 'its userType is "Company"', "company", "agency" },
      agency = { { companyId = "another" }, 'its companyId is "another"', "location", nil },
    } do
      it("it is not stored in place of the one that asked, and not lost: " .. name, function()
        local store = user_store()
        local app = signed_in { store = store }
        local before = stored(store):get "refresh_token"
        expire()
        fault { set = case[1] }
        local client = new_client(app)
        local err = failure("decode", get(client))
        assert.matches(case[2], err.message, 1, true)
        assert.is_true(stored(store):get "refresh_token" == before)
        local key = case[4] and key_of(case[3], case[4]) or key_of() .. "/unclaimed"
        local kept = stored(store, key):get "refresh_token"
        assert.is_truthy(kept)
        assert.is_false(kept == before)
        hoopai.sleep(1.1)
        failure("reauth_required", get(client)) -- the spent token is not sent again
        assert.are.same({ 1, 0 }, { counts().exchanges, counts().reuses })
      end)
    end

    it("the token of an agency for another one is neither", function()
      local app, store = oauth.agency()
      local key = key_of("company", box.oauth.company_id)
      local before = stored(store, key):get "refresh_token"
      expire { class = "Company" }
      fault { set = { companyId = "another" } }
      local ok, err = pcall(app:installed_locations {})
      assert.is_false(ok)
      failure("decode", nil, note(err))
      assert.is_true(stored(store, key):get "refresh_token" == before)
      assert.is_truthy(stored(store, key_of("company", "another")):get "refresh_token")
    end)
  end)

  describe("of a sign-in:", function()
    local acquire = require "hoopai.store.acquire"

    --- Calls fn while the library waits for locks for a second.
    local function impatient(fn)
      local seconds = assert(set_local(acquire, "TIMEOUT", 0.5))
      local guard <close> = -- luacheck: ignore 211
        setmetatable({}, { __close = function() set_local(acquire, "TIMEOUT", seconds) end })
      return fn()
    end

    it("a code is not spent while the store's lock is held, has no room or fails", function()
      local path = folder()
      local app = new_app { store = hoopai.store.file(path) }
      local code = box.oauth.code {}
      local tokens <close> = core.token_file(path)
      do
        local lock <close> = assert(tokens:lock(box.oauth.client_id .. "/sign-in")) -- luacheck: ignore 211
        local err = failure("store", impatient(function() return app:exchange { code = code } end))
        assert.are.same({ "no", 0 }, { err.applied, counts().codes })
      end
      sh("chmod 755 %s", path)
      local err = failure("store", app:exchange { code = code })
      assert.are.same({ "no", 0 }, { err.applied, counts().codes })
      assert.matches("chmod 700 " .. path, err.message, 1, true)
      sh("chmod 700 %s", path)
      assert(app:exchange { code = code })
      assert.are.equal(1, counts().codes)
    end)

    it("tokens that meet a held lock are used from memory, and stored when the lock is free", function()
      local path = folder()
      local app = new_app { store = hoopai.store.file(path) }
      local tokens <close> = core.token_file(path)
      local client
      do
        local lock <close> = assert(tokens:lock(key_of())) -- luacheck: ignore 211
        local err = failure("store", impatient(function() return app:exchange { code = box.oauth.code {} } end))
        assert.are.equal("yes", err.applied)
        assert.matches("another program holds the lock", err.message, 1, true)
        client = app:client { location_id = location }
        assert(get(client))
        assert.is_nil(tokens:read(key_of()))
      end
      assert(get(client))
      assert.is_truthy(tokens:read(key_of()):get "refresh_token")
      assert.are.same({ 1, 0 }, { counts().codes, counts().rotations })
      expire()
      assert(get(client))
      assert.are.equal(0, counts().reuses)
      client:close()
    end)

    if mount.who == "root" then
      it("the tokens have their room on a disk that fills up while the code is exchanged", function()
        local disk = folder()
        lfs.mkdir(disk)
        assert.is_true(mount.on(disk, "64k"))
        local undo <close> = setmetatable({}, { __close = function() mount.off(disk) end }) -- luacheck: ignore 211
        server:reply {
          path = "/oauth/token",
          body = response { locationId = location, refresh_token = ("r"):rep(9000) },
          hold = "full",
        }
        local program = child.start(([[
          warn "@on"
          local hoopai = require "hoopai"
          local app = hoopai.oauth { client_id = %q, client_secret = "s", base_url = %q,
            store = hoopai.store.file(%q) }
          print(assert(app:exchange { code = "c" }).location_id)
        ]]):format(box.oauth.client_id, server.url, disk .. "/store"))
        server:wait("arrived", "at_least", 1)
        os.execute("dd if=/dev/zero of=" .. disk .. "/fill bs=1k 2>/dev/null")
        server:release "full"
        assert.are.equal(location .. "\n", (program:finish()))
        assert.is_true(refresh_token_in(disk .. "/store") == core.secret(("r"):rep(9000)))
      end)
    end

    it("tokens that could not be stored until the program ends are said to be lost", function()
      local path = folder()
      local tokens <close> = assert(core.token_file(path))
      local lock <close> = assert(tokens:lock(key_of())) -- luacheck: ignore 211
      local text = child.run(
        ([[
        warn "@on"
        local hoopai = require "hoopai"
        local acquire = require "hoopai.store.acquire"
        for index = 1, 20 do
          if debug.getupvalue(acquire, index) == "TIMEOUT" then debug.setupvalue(acquire, index, 0.3) end
        end
        local app = hoopai.oauth { client_id = %q, client_secret = os.getenv "SECRET", base_url = %q,
          store = hoopai.store.file(%q) }
        local grant, err = app:exchange { code = os.getenv "CODE" }
        print(grant, err.kind, err.applied)
      ]]):format(box.oauth.client_id, box.url, path),
        { set = { SECRET = box.oauth.client_secret, CODE = box.oauth.code {} } }
      )
      assert.matches("nil\tstore\tyes\n", text, 1, true)
      assert.matches("are lost: .* in " .. record_of(path):gsub("[%%.-]", "%%%0") .. ": another program holds", text)
      assert.is_nil(text:find(oauth.CANARY, 1, true))
    end)
  end)

  describe("when its folder", function()
    local path, app, client

    before_each(function()
      path = folder()
      app = signed_in { store = hoopai.store.file(path) }
      client = new_client(app)
      assert(get(client))
    end)
    after_each(function()
      app, client = nil, nil -- a store's folder is open as long as the store is referenced
    end)

    local function in_another_program() assert(get(new_client(new_app { store = hoopai.store.file(path) }))) end

    it("was moved and a copy took its place: there is one chain of tokens", function()
      local away = folder()
      sh("cp -rp %s %s && mv %s %s.old && mv %s %s", path, away, path, away, away, path)
      expire()
      in_another_program()
      assert(get(client))
      assert.are.equal(1, counts().exchanges)
      expire()
      assert(get(client))
      expire()
      in_another_program()
      assert.are.same({ 3, 0 }, { counts().exchanges, counts().reuses })
      sh("rm -rf %s.old", away)
    end)

    it("was replaced by an older copy: its newer tokens are stored there, and no spent one is sent", function()
      local copy = folder()
      sh("cp -rp %s %s", path, copy)
      hoopai.sleep(1.1)
      expire()
      assert(get(client))
      sh("rm -rf %s && mv %s %s", path, copy, path)
      expire()
      assert(get(client))
      assert.are.same({ 2, 0 }, { counts().exchanges, counts().reuses })
      assert.are.equal("3", oauth.in_folder(path):get "generation")
      expire()
      in_another_program()
      assert.are.equal(0, counts().reuses)
    end)

    it("was moved away: nothing is spent, until it is back", function()
      local away = folder()
      sh("mv %s %s", path, away)
      expire()
      for _ = 1, 3 do
        local err = failure("store", get(client))
        assert.matches("the folder " .. path .. " was moved", err.message, 1, true)
      end
      assert.are.equal(0, counts().exchanges)
      sh("mv %s %s", away, path)
      assert(get(client))
      assert.are.equal(1, counts().exchanges)
    end)

    for name, command in pairs {
      ["was removed"] = "rm -rf %s",
      ["was removed and made anew"] = "rm -rf %s && mkdir -m 700 %s",
    } do
      it(name .. ": it is stored in a new one", function()
        sh(command, path, path)
        expire()
        assert(get(client))
        assert.are.equal("rwx------", lfs.attributes(path, "permissions"))
        expire()
        in_another_program()
        assert.are.same({ 2, 0 }, { counts().exchanges, counts().reuses })
      end)
    end

    it("was emptied: who removed a token wanted that", function()
      sh("rm %s/*", path)
      expire()
      failure("reauth_required", get(client))
      assert.are.equal(0, counts().exchanges)
    end)

    for _, mode in ipairs { "0777", "0755", "0711" } do
      it(("got the mode %s: nothing is spent, and the cure is said"):format(mode), function()
        sh("chmod " .. mode .. " %s", path)
        expire()
        local err = failure("store", get(client))
        assert.matches(("its mode is %s: chmod 700 %s"):format(mode, path), err.message, 1, true)
        assert.are.equal(0, counts().exchanges)
        sh("chmod 700 %s", path)
        assert(get(client))
      end)
    end
  end)

  it("a list of locations ends after 1,000 pages", function()
    local agency = new_app { base_url = server.url, company_id = "c" }
    server:reply {
      path = "/oauth/token",
      body = [[{"access_token":"t","expires_in":3600,"userType":"Company","companyId":"c"}]],
    }
    assert(agency:exchange { code = "code", user_type = "Company" })
    local rules = {}
    for index = 1, 1000 do
      rules[index] = { path = "/oauth/installedLocations", body = ('{"locations":[{"_id":"%d"}]}'):format(index) }
    end
    server:reply(table.unpack(rules))
    local count = 0
    local ok, err = pcall(function()
      for _ in agency:installed_locations {} do
        count = count + 1
      end
    end)
    assert.are.same({ false, 1000 }, { ok, count })
    failure("too_large", nil, note(err))
    assert.matches("a larger `limit` needs fewer", err.message, 1, true)
  end)
end)
