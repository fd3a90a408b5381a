-- `hoopai notes` as a process, against a sandbox.

local clinic = require "spec.support.clinic"
local hoopai = require "hoopai"

describe("hoopai notes", function()
  local home, id

  setup(function()
    home = clinic.home()
    local output = home:run { "events", "--from", "2024-03-04", "--days", "1", "--json" }
    id = assert(hoopai.decode(output))[1].id
  end)
  teardown(function() home:close() end)

  local function notes(...)
    local output, errors, status = home:run { "notes", id, ... }
    assert.are.same({ "", 0 }, { errors, status })
    return output
  end

  it("adds, changes and deletes", function()
    assert.are.equal("[]\n", notes "--json")
    local note = assert(hoopai.decode(notes("--add", "called", "--json"))).id
    local would = notes("--edit", note, "called back", "--dry-run")
    assert.matches('^would send PUT /calendars/appointments/[^ ]+ {"body":"called back"}\n$', would)
    assert.matches("\tcalled\t", notes())
    assert.are.equal(("changed note %s\n"):format(note), notes("--edit", note, "called back"))
    assert.matches("\tcalled back\t", notes())
    local output = home:run({ "notes", id, "--edit", note, "-", "--json" }, { input = "from a\nfile\n" })
    assert.are.equal("from a\nfile", assert(hoopai.decode(output)).body)
    notes("--delete", note, "--yes")
    assert.are.equal("[]\n", notes "--json")
  end)

  it("refuses wrong use, and notes that are none", function()
    for _, case in ipairs {
      { 2, "^hoopai: usage: option %-%-add expects a text that is not empty", "--add", "" },
      { 2, "^hoopai: usage: option %-%-edit expects a text that is not empty", "--edit", "n", " " },
      { 2, "^hoopai: usage: option '%-%-edit' requires 2 arguments", "--edit", "n" },
      { 2, "^hoopai: usage: .*together", "--edit", "n", "text", "--add", "text" },
      { 2, "^hoopai: usage: .*together", "--edit", "n", "text", "--user", "lee" },
      { 2, "^hoopai: usage: there is no terminal to ask on", "--delete", "n" },
      { 1, "^hoopai: not_found: ", "--edit", "nosuch", "text" },
    } do
      local output, errors, status = home:run { "notes", id, table.unpack(case, 3) }
      assert.are.same({ "", case[1] }, { output, status }, errors)
      assert.matches(case[2], errors)
    end
    local _, errors, status = home:run({ "notes", id, "--edit", "n", "-" }, { input = "\n" })
    assert.are.same({ "hoopai: usage: the note is empty\n", 2 }, { errors, status })
  end)
end)
