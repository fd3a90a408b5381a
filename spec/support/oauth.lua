--- Apps, clients and stores over the strict token endpoints of a sandbox, for the specs of OAuth.
--
--   setup(function() box = oauth.start() end)
--   teardown(oauth.stop)
--   before_each(oauth.before)
--   after_each(oauth.after)        -- closes apps and clients, and searches what `note` was given for secrets

local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local sandbox = require "hoopai.sandbox"

-- The sandbox marks every token, code and secret that it issues with it.
local CANARY = "canary5Gq"

local oauth = { CANARY = CANARY }

local box
local apps, clients, folders, noted = {}, {}, {}, {}

--- Starts the sandbox: two locations, `box.location_id` and `box.seed.other_location_id`, of one agency.
-- @treturn Sandbox
function oauth.start()
  box = sandbox.start { control = true, rate_limit = false, oauth = { rate = false, mark = CANARY, locations = 2 } }
  return box
end

function oauth.stop() box:stop() end

function oauth.before()
  noted = {}
  box:control("oauth/faults")
  box:control("oauth/clear")
  box:control("oauth/settings", { expires_in = 86399, camel_case = false, grace_seconds = 0 })
  leak.before()
end

function oauth.after()
  for _, client in ipairs(clients) do
    client:close()
  end
  for _, app in ipairs(apps) do
    app:close()
  end
  clients, apps = {}, {}
  -- Many new timers make the loop forget those of tasks that have ended, and with them what these held.
  local many = {}
  for index = 1, 200 do
    many[index] = index
  end
  hoopai.map(many, function() hoopai.sleep(0) end, { concurrency = #many })
  collectgarbage() -- a store's folder is open as long as the store is referenced
  collectgarbage()
  leak.after()
  for _, name in ipairs(folders) do
    os.execute("chmod -R u+rwx " .. name .. " 2>/dev/null; rm -rf " .. name)
  end
  folders = {}
  for _, value in ipairs(noted) do
    expect.no_secret(value, CANARY)
  end
end

--- Keeps values (errors, events, results), to be searched for secrets after the case; returns them.
function oauth.note(...)
  for index = 1, select("#", ...) do
    local value = select(index, ...)
    if type(value) == "table" then noted[#noted + 1] = value end
    noted[#noted + 1] = tostring(value)
  end
  return ...
end

local note = oauth.note

--- The path of a folder to be made; it is removed after the case.
function oauth.folder()
  local name = os.tmpname()
  os.remove(name)
  folders[#folders + 1] = name
  return name
end

function oauth.new_app(options)
  local all = {
    client_id = box.oauth.client_id,
    client_secret = box.oauth.client_secret,
    base_url = box.url,
    redirect_uri = "http://127.0.0.1:1/back",
    on = { refresh = function(event) note(event) end },
  }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  local app = hoopai.oauth(all)
  apps[#apps + 1] = app
  return app
end

function oauth.new_client(app, options)
  local all = { oauth = app, location_id = box.location_id }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  clients[#clients + 1] = hoopai.new(all)
  return clients[#clients]
end

--- An app with a sign-in that is not in the sandbox's ledger.
-- @tparam[opt] table options of the app
-- @tparam[opt] table given `class` and `location_id` of the sign-in
function oauth.signed_in(options, given)
  local app = oauth.new_app(options)
  given = given or {}
  assert(app:exchange {
    code = box.oauth.code { class = given.class or "Location", location_id = given.location_id },
    user_type = given.class,
  })
  box:control("oauth/clear")
  return app
end

--- An app of the agency, and its store.
function oauth.agency(options)
  local all = { company_id = box.oauth.company_id, store = oauth.user_store() }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return oauth.signed_in(all, { class = "Company" }), all.store
end

-- The sandbox

function oauth.counts() return box:control("oauth/counts") end
function oauth.ledger() return box:control("oauth").exchanges end
function oauth.fault(given) box:control("oauth/fault", given) end

--- Makes access tokens expire: those of the location, or others.
-- @treturn integer how many
function oauth.expire(given) return box:control("oauth/expire", given or { location_id = box.location_id }).count end

--- Makes a call; its results are noted.
function oauth.get(client, options) return note(client.calendars:list(nil, options)) end

-- Stores

--- A user's store in a table: `kept` has the packed credentials by key, `locks` the locked keys, and `puts` counts.
function oauth.user_store(fields)
  local kept = {}
  local store = { kept = kept, puts = 0, locks = {} }
  function store.get(key) return kept[key] end
  function store.put(key, text, generation)
    local old = kept[key] and oauth.unpack(kept[key])
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
  for name, value in pairs(fields or {}) do
    store[name] = value
  end
  return store
end

--- Credentials with these fields.
function oauth.credentials(fields) return core.credentials(fields) end

function oauth.unpack(text) return core.unpack_credentials(text) end

--- The key of a location's or an agency's credentials; those of the location without arguments.
function oauth.key_of(level, id)
  return box.oauth.client_id .. "/" .. (level or "location") .. "/" .. (id or box.location_id)
end

--- The credentials in a user's store.
function oauth.stored(store, key) return oauth.unpack(store.kept[key or oauth.key_of()]) end

--- Changes fields of stored credentials, as another program would.
function oauth.tamper(store, fields, key)
  key = key or oauth.key_of()
  store.kept[key] = core.pack_credentials(oauth.unpack(store.kept[key]):with(fields))
end

--- The credentials of the location in the folder of a file store.
function oauth.in_folder(path)
  local folder <close> = core.token_file(path)
  return folder:read(oauth.key_of())
end

--- Seconds since 1970, so long ago.
function oauth.ago(seconds) return core.wall_ms() // 1000 - seconds end

return oauth
