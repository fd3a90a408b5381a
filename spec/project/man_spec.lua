-- doc/hoopai.1 is current, and man prints it without a warning.

local child = require "spec.support.child"
local generate = require "tools.generate_man"

local function shell(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return text
end

describe("the manual page of the command", function()
  it("is that of the commands' data: `make man` writes it", function()
    local file <close> = assert(io.open(generate.path))
    assert.are.equal(generate.text(), file:read "a")
  end)

  it("has no warning", function()
    local path = child.quote(generate.path)
    assert.are.equal(
      "",
      shell("LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z " .. path .. " 2>&1 >/dev/null")
    )
    assert.matches("hoopai calendars", shell("LC_ALL=C.UTF-8 MANWIDTH=80 man -l " .. path .. " 2>&1"))
  end)
end)
