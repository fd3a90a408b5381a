-- What an app lists of its store, and how it forgets a grant.

local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local oauth = require "spec.support.oauth"

local failure, misuse = expect.failure, expect.misuse
local new_app, new_client, signed_in, get, note =
  oauth.new_app, oauth.new_client, oauth.signed_in, oauth.get, oauth.note

describe("hoopai.oauth.grants:", function()
  local box, location, other, company

  setup(function()
    box = oauth.start()
    location, other, company = box.location_id, box.seed.other_location_id, box.oauth.company_id
  end)
  teardown(oauth.stop)
  before_each(oauth.before)
  after_each(oauth.after)

  local function with_list(store)
    function store.list()
      local keys = {}
      for key in pairs(store.kept) do
        keys[#keys + 1] = key
      end
      return keys
    end
    function store.remove(key)
      store.kept[key] = nil
      return true
    end
    return store
  end

  local makes = {
    memory = function() return hoopai.store.memory() end,
    file = function() return hoopai.store.file(oauth.folder()) end,
    own = function() return with_list(oauth.user_store()) end,
  }

  local function ids(app)
    local list = {}
    for index, grant in ipairs(assert(note(app:grants()))) do
      list[index] = grant.location_id or grant.company_id
    end
    return list
  end

  for kind, make in pairs(makes) do
    it("lists the grants of the app, and forgets one: " .. kind, function()
      local store = make()
      local app = signed_in { store = store }
      assert(app:exchange { code = box.oauth.code { class = "Location", location_id = other } })
      assert(app:exchange { code = box.oauth.code { class = "Company" }, user_type = "Company" })
      assert(hoopai.store.keep_secret(store, "own", "x"))
      local foreign = new_app { store = store, client_id = box.oauth.client_id .. "x" }
      assert.are.same({}, assert(foreign:grants()))
      local found = ids(app)
      table.sort(found)
      local expected = { location, other, company }
      table.sort(expected)
      assert.are.same(expected, found)
      for _, grant in ipairs(app:grants()) do
        assert.are.equal(company, grant.company_id)
        assert.is_string(grant.scope)
        local left = grant.expires_at - grant.obtained_at
        assert.are.equal(86399, left:seconds())
        assert.is_true(grant.obtained_at <= hoopai.time.now())
        assert.are.equal("UTC", grant.obtained_at:zone())
      end

      local client = new_client(app)
      assert(get(client))
      assert.is_true(app:forget { location_id = location })
      assert.is_true(app:forget { company_id = company })
      assert.is_true(app:forget { company_id = company })
      assert.are.same({ other }, ids(app))
      failure("reauth_required", get(client))
      failure("reauth_required", get(new_client(new_app { store = store })))
      assert(get(new_client(app, { location_id = other })))
      assert(app:exchange { code = box.oauth.code { class = "Location" } })
      assert(get(client))
    end)
  end

  it("forgets after an exchange that runs", function()
    local store = with_list(oauth.user_store())
    local app = signed_in { store = store }
    oauth.expire()
    oauth.fault { delay_ms = 300 }
    hoopai.run(function()
      local client = new_client(app)
      local call = hoopai.spawn(get, client)
      while not store.locks[oauth.key_of()] do
        hoopai.sleep(0.005)
      end
      assert.is_true(app:forget { location_id = location })
      assert.is_nil(store.kept[oauth.key_of()]) -- the exchange has not stored its tokens afterwards
      call:join()
    end)
    assert.are.same({}, ids(app))
    failure("reauth_required", get(new_client(app)))
  end)

  it("forgets under the lock of the store", function()
    local store, held = with_list(oauth.user_store()), nil
    local remove = store.remove
    function store.remove(key)
      held = store.locks[key]
      return remove(key)
    end
    local app = signed_in { store = store }
    assert.is_true(app:forget { location_id = location })
    assert.is_true(held)
    assert.is_nil(store.locks[oauth.key_of()])
  end)

  it("returns the problem of the store", function()
    local app = signed_in { store = oauth.user_store() }
    assert.matches("no function `list`", failure("store", note(app:grants())).message)
    assert.matches("no function `remove`", failure("store", note(app:forget { location_id = location })).message)
    local store = with_list(oauth.user_store())
    app = signed_in { store = store }
    store.kept[oauth.key_of()] = "damaged"
    assert.matches("cannot be used", failure("store", note(app:grants())).message)
    assert.is_true(app:forget { location_id = location })
    assert.are.same({}, ids(app))
  end)

  it("refuses wrong use, and a closed app", function()
    local app = new_app()
    for _, given in ipairs { {}, { location_id = "a", company_id = "b" } } do
      misuse(function() app:forget(given) end, "app:forget needs either a location_id or a company_id")
    end
    misuse(function() app:forget() end, "app:forget expects a table such as { location_id = ... }")
    misuse(function() app:forget { location = "a" } end, "unknown field `location` of app:forget")
    misuse(function() app.grants {} end, "call it with a colon: app:grants(...)")
    app:close()
    failure("closed", app:grants())
    failure("closed", app:forget { location_id = "a" })
  end)
end)
