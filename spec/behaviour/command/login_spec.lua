-- Signing in and out, as a person does: with a private token, and in a browser.

local child = require "spec.support.child"
local command = require "spec.support.command"
local hoopai = require "hoopai"
local pseudo_terminal = require "spec.support.pseudo_terminal"
local socket = require "socket"

local CANARY = "canaryLogin7"

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

  --- Signs in as a browser would: opens the address that the command prints.
  local function sign_in(words, pick, change)
    local port = free_port()
    local variables = {
      HOOPAI_TOKEN = false,
      HOOPAI_CLIENT_ID = home.sandbox.oauth.client_id,
      HOOPAI_CLIENT_SECRET = home.sandbox.oauth.client_secret,
      HOOPAI_AUTHORIZE_HOST = home.sandbox.url,
    }
    local line = home:line({ "login", "--no-browser", "--port", port, table.unpack(words) }, variables)
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
