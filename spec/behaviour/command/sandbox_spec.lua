-- `hoopai sandbox` as a process.

local child = require "spec.support.child"
local command = require "spec.support.command"

describe("hoopai sandbox", function()
  local home

  setup(function() home = command.home(false) end)
  teardown(function() home:close() end)

  it("runs a command of the shell and ends as it ended", function()
    local inner = child.quote(child.server_interpreter()) .. " bin/hoopai calendars"
    local output, errors, status = home:run({ "sandbox", "--run", inner .. "; exit 7" }, {
      variables = { HOOPAI_PROFILE = "nosuch" },
    })
    assert.are.same({ "", 7 }, { errors, status })
    assert.matches("^Back care class\t", output)
  end)

  it("runs a program with its words", function()
    local output, errors, status = home:run { "sandbox", "--", "printf", "%s|", "a b", "--json", "c" }
    assert.are.same({ "a b|--json|c|", "", 0 }, { output, errors, status })
  end)

  it("refuses a port that is none, and an unknown zone", function()
    for _, port in ipairs { "99999", "0", "http" } do
      local output, errors, status = home:run { "sandbox", "--port", port, "--", "true" }
      local message =
        'hoopai: usage: option --port expects a port from 1 to 65535, got "%s"\nhoopai: see: hoopai help %s\n'
      assert.are.same({ "", message:format(port, "sandbox"), 2 }, { output, errors, status })
      errors, status = select(2, home:run { "login", "--port", port })
      assert.are.same({ message:format(port, "login"), 2 }, { errors, status })
    end
    local _, errors, status = home:run { "sandbox", "--zone", "Europe/Lodnon", "--", "true" }
    assert.are.equal(1, status)
    assert.matches("^hoopai: sandbox: .*Europe/Lodnon", errors)
  end)
end)
