-- Secrets are passed to no function of Lua that the host could have replaced: the modules through which tokens, secrets
-- and headers pass keep the functions that they captured when they were loaded.

local child = require "spec.support.child"
local sandbox = require "hoopai.sandbox"
local servers = require "spec.support.server"

-- In each secret. The sandbox marks what it issues with the first one.
local MARK, VERIFIER, HEADER = "canary5Gq", "canary8Vr", "Bearer canary3Hd"

-- All that the child uses itself is captured before the spies are installed, and the secrets of its own functions pass
-- through these only.
local PRELUDE = [[
  local core, hoopai, spies = require "hoopai.core", require "hoopai", require "spec.support.spies"
  hoopai.preload()
  local assert, error, ipairs, match, pairs, print = assert, error, ipairs, string.match, pairs, print
  local env, concat = os.getenv, table.concat
  local MARK, VERIFIER, HEADER = env "MARK", env "VERIFIER", env "HEADER"
  local random_hex = core.random_hex
  function core.random_hex(bytes) return bytes == 32 and VERIFIER .. random_hex(28) or random_hex(bytes) end
  local record = spies.install { MARK, VERIFIER, HEADER }
  local function report()
    local found = record.found
    print(#found == 0 and "no secret was passed" or concat(found, "\n"))
  end
]]

-- What users do with what they get: through the spies.
local USE = [[
  local function show(...)
    for index = 1, _G.select("#", ...) do
      local value = _G.select(index, ...)
      _G.tostring(value)
      _G.string.format("%s", value)
      if _G.type(value) == "table" then
        for name, content in _G.pairs(value) do _G.tostring(name) _G.tostring(content) end
      end
    end
    return ...
  end
  local events = {}
  local function hooks()
    local log = hoopai.log { verbose = true, write = function(line) events[#events + 1] = line:upper() end }
    for _, name in ipairs { "request", "response", "retry", "wait", "done", "refresh" } do
      local write = log[name]
      log[name] = function(event)
        show(event)
        if write then write(event) end
      end
    end
    return log
  end
  local control = hoopai.new { token = env "CONTROL_TOKEN", base_url = env "URL" }
  local function ask(name, body)
    return assert(control:request { method = "POST", path = "/__sandbox/oauth/" .. name, body = body })
  end
]]

local TOKENS = [[
  local function work(client)
    show(client, client.calendars)
    local options = { headers = { ["X-Secret"] = HEADER } }
    assert(#assert(client.calendars:list(nil, options)) > 0)
    show(client.calendars:list())
    show(client.calendars:get "no-such-calendar")
    local other <close> = client:with(options)
    show(other.calendars:list())
    show(other:request { method = "GET", path = "/calendars/", query = { locationId = env "LOCATION" } })
    show(client:request({ method = "GET", path = "/none" }, options))
    hoopai.run(function()
      local task = hoopai.spawn(function() return client.calendars:list(nil, options) end)
      show(task:join())
      show(hoopai.map({ 1, 2 }, function() return other.calendars:list() end))
    end)
    local booking = { calendarId = env "CALENDAR", contactId = env "CONTACT", startTime = "2020-01-01T00:00:00Z" }
    show(other.appointments:book(booking, options))
    show(client.appointments:create { calendarId = 5 })
  end

  local fixed <close> = hoopai.new { token = env "TOKEN", base_url = env "URL", location_id = env "LOCATION",
    on = hooks() }
  work(fixed)

  local reasons = {}
  local asked <close> = hoopai.new { base_url = env "URL", location_id = env "LOCATION", on = hooks(),
    token = function(reason)
      reasons[#reasons + 1] = reason
      return reason == "first" and MARK .. "-not-valid" or env "TOKEN"
    end }
  work(asked)
  assert(concat(reasons, " ") == "first refused")
  show(_G.pcall(hoopai.new, { token = { } }))
  show(_G.pcall(function() return hoopai.new { token = MARK .. "\r\n", base_url = env "URL" } end))
  report()
]]

local OAUTH = [[
  local function user_store()
    local kept, locked = {}, {}
    return {
      get = function(key) return kept[key] end,
      put = function(key, text)
        kept[key] = text
        return true
      end,
      lock = function(key)
        if locked[key] then return nil end
        locked[key] = true
        return function() locked[key] = nil end
      end,
    }
  end

  local function new_app(store, more)
    local options = { client_id = env "CLIENT_ID", client_secret = env "CLIENT_SECRET", base_url = env "URL",
      redirect_uri = "http://127.0.0.1:1/back", scopes = { "calendars.readonly" }, store = store,
      on = { refresh = hooks().refresh } }
    for name, value in pairs(more or {}) do options[name] = value end
    return hoopai.oauth(options)
  end

  local function sign_in(app, given)
    local url, session = show(app:authorize_url(given))
    local code = ask("code", { challenge = assert(match(url, "code_challenge=([%w_-]+)")), class = "Location" }).code
    show(app:exchange { code = code, code_verifier = VERIFIER .. "-of-another-sign-in-of-forty-three-characters" })
    code = ask("code", { challenge = match(url, "code_challenge=([%w_-]+)"), class = "Location" }).code
    show(assert(app:exchange { code = code, code_verifier = given.code_verifier or session.code_verifier }))
    show(app:exchange { code = code, code_verifier = session.code_verifier })
    show(_G.pcall(function() return app:exchange { cod = code } end))
    show(_G.pcall(function() return app:exchange { code = { code } } end))
  end

  local function renew(app)
    local client <close> = app:client { location_id = env "LOCATION", on = hooks() }
    show(client.calendars:list())
    for _, is_task in ipairs { true, false } do
      ask("expire", { location_id = env "LOCATION" })
      local function list() return select(2, assert(client.calendars:list(nil, { headers = { ["X-S"] = HEADER } }))) end
      local response = is_task and hoopai.run(list) or not is_task and list()
      assert(response.attempts == 2)
      show(response)
    end
    show(app, client)
  end

  local function all(store)
    local app <close> = new_app(store)
    show(store, app)
    sign_in(app, { pkce = true })
    sign_in(app, { code_verifier = VERIFIER .. "-of-the-user-with-forty-three-characters-" })
    renew(app)
  end
  all(nil)
  all(hoopai.store.memory())
  all(hoopai.store.file(env "FOLDER"))
  all(user_store())

  -- The token of a location from that of its agency.
  local agency <close> = new_app(user_store(), { company_id = env "COMPANY" })
  show(assert(agency:exchange { code = ask("code", { class = "Company" }).code, user_type = "Company" }))
  for location in agency:installed_locations { limit = 1 } do show(location) end
  renew(agency)
  ask("expire", { class = "Company" })
  for location in agency:installed_locations() do show(location) end
  ask("revoke", { class = "Company" })
  ask("expire", { class = "Company" })
  show(_G.pcall(agency:installed_locations()))

  -- Stores that fail with what they were given.
  for _, fail in ipairs { function(_, text) error(text) end, function(_, text) return nil, text end } do
    local store = user_store()
    store.put = fail
    local app <close> = new_app(store)
    show(app:exchange { code = ask("code", { class = "Location" }).code })
  end
  report()
]]

local ECHO = [[
  local client <close> = hoopai.new { token = env "TOKEN", base_url = env "ECHO_URL", location_id = "l",
    retries = false, on = hooks() }
  for _ = 1, tonumber(env "ERRORS") do
    local result, err = client.calendars:get("c", { headers = { ["X-Secret"] = HEADER } })
    assert(result == nil)
    show(err, err.response, err.response.headers, err.response.body, err.details)
  end
  local app <close> = hoopai.oauth { client_id = "i", client_secret = env "CLIENT_SECRET", base_url = env "ECHO_URL",
    redirect_uri = "http://127.0.0.1:1/back" }
  for _ = 1, 2 do
    local result, err = app:exchange { code = MARK .. "-code", code_verifier = VERIFIER .. ("v"):rep(43) }
    assert(result == nil)
    show(err, err.cause)
  end
  report()
]]

describe("a secret is passed to no replaced function of Lua:", function()
  local box, echo
  local folder = os.tmpname()

  setup(function()
    box = sandbox.start {
      control = true,
      rate_limit = false,
      token = "pit-" .. MARK .. "-token",
      oauth = { rate = false, mark = MARK, locations = 2 },
    }
    echo = servers.start()
  end)
  teardown(function()
    box:stop()
    echo:stop()
    os.execute("rm -rf " .. folder)
  end)

  local function run(script, more)
    local variables = {
      MARK = MARK,
      VERIFIER = VERIFIER,
      HEADER = HEADER,
      URL = box.url,
      TOKEN = box.token,
      LOCATION = box.location_id,
      CONTROL_TOKEN = box.control_token,
      CALENDAR = box.seed.calendars.checkup,
      CONTACT = box.seed.contacts.hugo,
      CLIENT_ID = box.oauth.client_id,
      CLIENT_SECRET = box.oauth.client_secret,
      COMPANY = box.oauth.company_id,
      FOLDER = folder,
      ECHO_URL = echo.url,
    }
    for name, value in pairs(more or {}) do
      variables[name] = value
    end
    return child.run(PRELUDE .. USE .. script, { set = variables })
  end

  it("with a token, and with a function that returns tokens", function()
    local text, ok = run(TOKENS)
    assert.are.equal("no secret was passed\n", text)
    assert.is_true(ok)
  end)

  it("as an app signs in with PKCE, renews refused tokens, and stores them in every kind of store", function()
    os.remove(folder)
    local text, ok = run(OAUTH)
    assert.are.equal("no secret was passed\n", text)
    assert.is_true(ok)
    local counts = box:control "oauth/counts"
    assert.are.same({ 8, 2 }, { counts.rotations - 1, counts.location_tokens - 1 })
  end)

  it("when a server echoes them", function()
    local token, secret = box.token, box.oauth.client_secret
    local headers = { ["X-Echo"] = "Bearer " .. token, ["X-" .. token] = "1" }
    local rules = {
      { status = 401, headers = headers, body = '{"message":"Invalid token: Bearer ' .. token .. '"}' },
      { status = 422, headers = headers, body = '{"message":["a ' .. token .. '","b"],"' .. token .. '":1}' },
      { status = 500, headers = headers, body = "<p>" .. token .. "</p>" },
      { status = 200, headers = headers, body = '{"success":false,"message":"' .. token .. '"}' },
    }
    for _, rule in ipairs(rules) do
      echo:reply(rule)
    end
    echo:reply(
      { status = 400, body = ('{"error":"bad","message":"it was %s and %s-code"}'):format(secret, MARK) },
      { status = 400, body = ('{"error":"invalid_grant","error_description":"%s%s"}'):format(VERIFIER, ("v"):rep(43)) }
    )
    local text, ok = run(ECHO, { ERRORS = tostring(#rules) })
    assert.are.equal("no secret was passed\n", text)
    assert.is_true(ok)
    assert.are.equal(#rules + 2, #echo:ledger())
  end)

  it("which the spies of these cases would see", function()
    local text, ok = child.run(PRELUDE .. [[
      local deep = { { [{ "x" .. MARK }] = true } }
      local uses = {
        function() return (MARK):upper() end, function() return _G.table.concat { VERIFIER } end,
        function() for _ in _G.pairs(deep) do end end, function() return _G.tostring(HEADER) end,
        function() return _G.setmetatable({}, { __index = { MARK } }) end, function() return _G.pcall(error, MARK) end,
        function() return _G.string.format("%s", "canary") end, function() return _G.next({}) end,
      }
      local seen = {}
      for index, use in ipairs(uses) do
        local before = #record.found
        use()
        seen[index] = #record.found > before and "seen" or "not seen"
      end
      print(concat(seen, ", "))
      print(record.calls)
      print(match(record.found[1], "^string%.upper, argument: .+:%d+:") ~= nil)
    ]], { set = { MARK = MARK, VERIFIER = VERIFIER, HEADER = HEADER } })
    assert.are.equal("seen, seen, seen, seen, seen, seen, not seen, not seen\n8\ntrue\n", text)
    assert.is_true(ok)
  end)
end)
