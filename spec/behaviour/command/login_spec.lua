-- Signing in and out, as a person does: with a private token, and in a browser.

local child = require "spec.support.child"
local command = require "spec.support.command"
local hoopai = require "hoopai"
local pseudo_terminal = require "spec.support.pseudo_terminal"
local socket = require "socket"

local CANARY = "canaryLogin7"
local CTRL_C = "\3"
local HELD = 600000 -- ms: longer than a case may take

describe("hoopai login", function()
  local home

  setup(function() home = command.home { control = true, oauth = { rate = false, mark = CANARY } } end)
  teardown(function() home:close() end)
  after_each(function() command.remove(home.folder .. "/hoopai") end)

  -- What stays of a sign-in apart from the locks.
  local function files()
    local pipe = assert(io.popen("cd " .. child.quote(home.folder) .. " && find . -type f ! -name '*.lock' | sort"))
    local text = pipe:read "a"
    pipe:close()
    return text
  end

  local function free_port()
    local probe = assert(socket.bind("127.0.0.1", 0))
    local port = select(2, probe:getsockname())
    probe:close()
    return tostring(port)
  end

  local WITHOUT = { variables = { HOOPAI_TOKEN = false, HOOPAI_LOCATION_ID = false, HOOPAI_BASE_URL = false } }

  it("keeps a private token, which is used from then on and forgotten at last", function()
    local token, location = home.sandbox.token, home.sandbox.location_id
    local given = { input = token .. "\n", variables = { HOOPAI_TOKEN = false } }
    local output, errors, status = home:run({ "login", "--token", "--profile", "clinic" }, given)
    assert.are.same({ "", 0 }, { errors, status })
    assert.are.equal(("signed in to location %s as the profile clinic\n"):format(location), output)
    assert.are.equal("./hoopai/clinic.json\n./hoopai/tokens/secret%2Ftoken%2Fclinic\n", files())
    assert.is_nil(command.read(home.folder .. "/hoopai/clinic.json"):find(token, 1, true))

    output, errors, status = home:run({ "status", "--profile", "clinic" }, WITHOUT)
    assert.are.same({ "", 0 }, { errors, status })
    assert.matches("^profile +clinic\ntoken +private, %d+ seconds old\nlocation +" .. location, output)
    assert.is_nil(output:find(token, 1, true))
    assert.are.equal(0, select(3, home:run({ "calendars", "--profile", "clinic" }, WITHOUT)))

    output, errors, status = home:run({ "logout", "--profile", "clinic" }, WITHOUT)
    assert.are.same({ "signed out: the profile clinic is removed\n", "", 0 }, { output, errors, status })
    assert.are.equal("", files())
    assert.are.equal(1, select(3, home:run({ "logout", "--profile", "clinic" }, WITHOUT)))
  end)

  it("keeps no token without a profile, and forgets one whose profile has lost its kind", function()
    local given = { input = home.sandbox.token .. "\n", variables = { HOOPAI_TOKEN = false } }
    local path = home.folder .. "/hoopai/clinic.json"
    assert(os.execute("mkdir -p " .. child.quote(path .. ".new")))
    local output, errors, status = home:run({ "login", "--token", "--profile", "clinic" }, given)
    assert.are.same({ "", 1 }, { output, status })
    assert.matches("hoopai: profile: .*clinic.json cannot be written: Is a directory\n$", errors)
    assert.are.equal("", files())
    assert(os.execute("rmdir " .. child.quote(path .. ".new")))
    assert.are.equal(0, select(3, home:run({ "login", "--token", "--profile", "clinic" }, given)))
    local file = assert(io.open(path, "w"))
    assert(file:write '{"location_id":"x"}')
    assert(file:close())
    assert.are.equal(0, select(3, home:run({ "logout", "--profile", "clinic" }, WITHOUT)))
    assert.are.equal("", files())
  end)

  it("keeps no token that the API refuses", function()
    local given = { input = "pit-" .. CANARY .. "\n", variables = { HOOPAI_TOKEN = false } }
    local output, errors, status = home:run({ "login", "--token" }, given)
    assert.are.same({ "", 1 }, { output, status })
    assert.matches("^hoopai: auth: ", errors)
    assert.is_nil(errors:find(CANARY, 1, true))
    assert.are.equal("", files())
  end)

  it("reads the token from a terminal without echo", function()
    local result = pseudo_terminal.run {
      argv = { "sh", "-c", home:line({ "login", "--token" }, { HOOPAI_TOKEN = false }) },
      set = { TERM = "xterm" },
      steps = { { wait = "private token: ", echo = true }, { send = home.sandbox.token .. "\n" } },
    }
    assert.are.same({ "exit", 0 }, { result.how, result.code })
    assert.is_nil(result.output:find(home.sandbox.token, 1, true))
    assert.matches("signed in to location", result.output)
    assert.is_false(result.echo_noted[1])
    assert.is_true(result.echo_after)
  end)

  local function app_variables()
    return {
      HOOPAI_TOKEN = false,
      HOOPAI_CLIENT_ID = home.sandbox.oauth.client_id,
      HOOPAI_CLIENT_SECRET = home.sandbox.oauth.client_secret,
      HOOPAI_AUTHORIZE_HOST = home.sandbox.url,
    }
  end

  --- Signs in as a browser would: opens the address that the command prints.
  local function sign_in(words, pick, change)
    local port = free_port()
    local line = home:line({ "login", "--no-browser", "--port", port, table.unpack(words) }, app_variables())
    local pipe = assert(io.popen(line .. " 2>&1; echo status $?"))
    local seen = {}
    repeat
      seen[#seen + 1] = assert(pipe:read "L", table.concat(seen))
    until seen[#seen]:find "^%s+http"
    local url = seen[#seen]:match "http%S+"
    url = (change or function(text) return text end)(url .. (pick and "&sandbox_pick=" .. pick or ""))
    assert(os.execute(("curl -s -L --max-time 20 %s >/dev/null"):format(child.quote(url))))
    seen[#seen + 1] = pipe:read "a"
    pipe:close()
    local text = table.concat(seen)
    assert.is_nil(text:find(CANARY, 1, true))
    return text:match "http%S+\n\n(.*)status (%d+)\n$"
  end

  it("signs in to a location in the browser", function()
    local text, status = sign_in { "--profile", "x" }
    assert.are.same(
      { ("signed in to location %s as the profile x\n"):format(home.sandbox.location_id), "0" },
      { text, status }
    )
    local output, errors, code = home:run({ "status", "--profile", "x", "--json" }, WITHOUT)
    assert.are.same({ "", 0 }, { errors, code })
    local document = hoopai.decode(output)
    assert.are.same({ "oauth", home.sandbox.location_id }, { document.auth, document.location_id })
    assert.is_string(document.expires_at)
    assert.is_nil(output:find(CANARY, 1, true))
    assert.are.equal(0, select(3, home:run({ "logout", "--profile", "x" }, WITHOUT)))
    assert.are.equal("", files())
  end)

  it("signs in to an agency, for its locations", function()
    local company = home.sandbox.oauth.company_id
    local text, status = sign_in({ "--agency" }, "company")
    assert.are.same({ ("signed in to agency %s as the profile default\n"):format(company), "0" }, { text, status })
    local output, errors, code = home:run({ "calendars", "--location", home.sandbox.location_id }, WITHOUT)
    assert.are.same({ "", 0 }, { errors, code })
    assert.matches("General check%-up", output)
    output, errors, code = home:run({ "status" }, WITHOUT)
    assert.are.same({ "", 0 }, { errors, code })
    assert.matches("\nagency +" .. company .. "\n", output)
    assert.are.equal(0, select(3, home:run({ "logout" }, WITHOUT)))
    assert.are.equal("", files())
  end)

  --- What a terminal shows when Ctrl-C is one of the steps.
  local function interrupt(words, variables, steps)
    local result = pseudo_terminal.run {
      argv = { "sh", "-c", "exec " .. home:line({ "login", table.unpack(words) }, variables) },
      set = { TERM = "xterm" },
      steps = steps,
      sandbox = { url = home.sandbox.url, control_token = home.sandbox.control_token },
    }
    assert.are.same({ "exit", 130, true }, { result.how, result.code, result.echo_after }, result.output)
    assert.matches("hoopai: interrupted\r\n", result.output)
    assert.is_nil(result.output:find "traceback")
    assert.is_nil(result.output:find(CANARY, 1, true))
    assert.is_nil(result.output:find(home.sandbox.token, 1, true))
    return result
  end

  it("restores echo after Ctrl-C at a hidden input, and keeps nothing", function()
    for title, words in pairs { ["private token: "] = { "--token" }, ["client id: "] = {} } do
      local variables = { HOOPAI_TOKEN = false, HOOPAI_CLIENT_ID = false }
      local result = interrupt(words, variables, { { wait = title, echo = true, send = CTRL_C } })
      assert.are.same({ true, false }, { result.echo_before, result.echo_noted[1] })
    end
    assert.are.equal("", files())
  end)

  it("keeps no token if Ctrl-C comes before the API has accepted it", function()
    home.sandbox:control "reset" -- of the list of requests too
    home.sandbox:control("delay", { delay_ms = HELD })
    interrupt({ "--token" }, { HOOPAI_TOKEN = false }, {
      { wait = "private token: " },
      { send = home.sandbox.token .. "\n" },
      { request = "GET /calendars/", send = CTRL_C },
    })
    home.sandbox:control("delay", { delay_ms = 0 })
    assert.are.equal("", files())
  end)

  it("keeps nothing if Ctrl-C comes before the browser does", function()
    local result = interrupt(
      { "--no-browser", "--port", free_port() },
      app_variables(),
      { { wait = "state=", send = CTRL_C } }
    )
    assert.matches("hoopai: interrupted\r\n$", result.output)
    assert.are.equal("", files())
  end)

  -- The exchange is not cut off, for its tokens would be lost.
  it("keeps what other profiles use alone if Ctrl-C comes during the exchange of the code", function()
    local folder = command.folder()
    local file = assert(io.open(folder .. "/xdg-open", "w"))
    assert(file:write '#!/bin/sh\nexec curl -s -L --max-time 20 "$1"\n')
    assert(file:close())
    assert(os.execute("chmod +x " .. child.quote(folder .. "/xdg-open")))
    local function interrupt_exchange()
      local variables = app_variables()
      variables.PATH = folder .. ":" .. os.getenv "PATH"
      home.sandbox:control "reset"
      home.sandbox:control("delay", { delay_ms = HELD, only = "POST /oauth/token" })
      local steps = { { request = "POST /oauth/token", send = CTRL_C }, { release = true } }
      local output = interrupt({ "--port", free_port() }, variables, steps).output
      assert.matches("hoopai: interrupted\r\nhoopai: unclear:\r\n  the sign%-in as the profile default\r\n$", output)
    end
    interrupt_exchange()
    assert.are.equal("", files())
    assert.are.equal("0", select(2, sign_in { "--profile", "x" }))
    interrupt_exchange()
    local _, errors, status = home:run({ "calendars", "--profile", "x" }, WITHOUT)
    assert.are.same({ "", 0 }, { errors, status })
    assert.are.equal(0, select(3, home:run({ "logout", "--profile", "x" }, WITHOUT)))
    assert.are.equal("", files())
    command.remove(folder)
  end)

  it("refuses what belongs to another sign-in, and a refusal", function()
    local text, status = sign_in({}, nil, function(url) return (url:gsub("state=%x+", "state=0123")) end)
    assert.are.equal("1", status)
    assert.matches("^hoopai: login: what the browser brought belongs to another sign%-in", text)
    text, status = sign_in({}, "deny")
    assert.are.equal("1", status)
    assert.matches("^hoopai: login: the sign%-in was refused: ", text)
    assert.are.equal("", files())
  end)
end)
