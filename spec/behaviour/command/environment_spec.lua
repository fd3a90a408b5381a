-- What the command makes of its environment: variables that are empty or missing, and a folder that cannot be written.

local command = require "spec.support.command"

describe("the environment of hoopai", function()
  local home

  setup(function() home = command.home(false) end)
  teardown(function() home:close() end)

  local function run(words, variables)
    local output, errors, status = home:run(words, { variables = variables })
    assert.are.equal("", output)
    return errors, status
  end

  it("has no empty variable of the library", function()
    local all = { HOOPAI_TOKEN = "pit-spec", HOOPAI_LOCATION_ID = "l", HOOPAI_BASE_URL = "http://127.0.0.1:9" }
    for _, name in ipairs {
      "HOOPAI_TOKEN",
      "HOOPAI_LOCATION_ID",
      "HOOPAI_BASE_URL",
      "HOOPAI_PROFILE",
      "HOOPAI_CA_FILE",
    } do
      local variables = { [name] = "" }
      for other, value in pairs(all) do
        variables[other] = variables[other] or value
      end
      local errors, status = run({ "calendars" }, variables)
      local message = "hoopai: invalid: the environment variable %s is empty: give it a value, or unset it\n"
      assert.are.same({ message:format(name), 1 }, { errors, status })
    end
    for _, name in ipairs { "HOOPAI_CLIENT_ID", "HOOPAI_CLIENT_SECRET", "HOOPAI_REDIRECT_URI" } do
      local variables = { HOOPAI_CLIENT_ID = "id", HOOPAI_CLIENT_SECRET = "secret", [name] = "" }
      local errors, status = run({ "login" }, variables)
      assert.are.equal(1, status)
      assert.matches("^hoopai: invalid: the environment variable " .. name .. " is empty", errors)
    end
  end)

  it("has no empty interpreter for the sandbox", function()
    local errors, status = run({ "sandbox", "--", "true" }, { HOOPAI_SANDBOX_LUA = "" })
    assert.are.equal(1, status)
    assert.matches("^hoopai: sandbox: .*the environment variable HOOPAI_SANDBOX_LUA is empty: give it a v", errors)
  end)

  it("may have other variables that are empty", function()
    local errors, status = run({ "book", "x", "--yes" }, { CONTACT_ID = "" })
    assert.are.same({ "hoopai: usage: whose appointment is it?\nhoopai: write --contact ID\n", 2 }, { errors, status })
    errors = run({ "calendars" }, { XDG_CONFIG_HOME = "" })
    assert.matches("^hoopai: auth: no token\n", errors)
  end)

  it("names the variable of the token where there is no folder for profiles", function()
    local errors, status = run({ "calendars" }, { XDG_CONFIG_HOME = "", HOME = "" })
    assert.are.equal(1, status)
    assert.are.equal(
      "hoopai: profile: there is no folder for profiles: neither XDG_CONFIG_HOME nor HOME is set\n"
        .. "hoopai: set one of them; or use no profile: set HOOPAI_TOKEN and HOOPAI_LOCATION_ID\n",
      errors
    )
  end)

  it("has one message for a folder of settings that cannot be made", function()
    local file = home.folder .. "/file"
    assert(io.open(file, "w")):close()
    local variables = { XDG_CONFIG_HOME = file, HOOPAI_CLIENT_ID = "id", HOOPAI_CLIENT_SECRET = "secret" }
    local errors, status = run({ "login" }, variables)
    local message = ("hoopai: profile: the folder %s/hoopai cannot be made: Not a directory\n"):format(file)
    assert.are.same({ message, 1 }, { errors, status })
  end)
end)
