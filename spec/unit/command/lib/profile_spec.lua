-- Profiles of a folder of their own. The environment of this process cannot be changed: spec/behaviour/command_spec.lua
-- has the cases that depend on it.

local lfs = require "lfs"
local profiles = require "hoopai.command.lib.profile"
local settings = require "spec.support.settings"

describe("a profile", function()
  local cases = settings.cases "new/hoopai"
  local message_of = settings.message_of

  before_each(cases.before)
  after_each(cases.after)

  it("is written as a private file of a private folder, and read", function()
    profiles.write("clinic", { location_id = "l", auth = "token", secret = "x" })
    assert.are.same({ location_id = "l", auth = "token" }, profiles.read "clinic")
    assert.are.equal("rw-------", lfs.attributes(profiles.path "clinic", "permissions"))
    assert.are.equal("rwx------", lfs.attributes(profiles.folder(), "permissions"))
    profiles.write("clinic", { location_id = "m" })
    assert.are.same({ location_id = "m" }, profiles.read "clinic")
    local count = 0
    for name in lfs.dir(profiles.folder()) do
      count = count + (name:find "^%." and 0 or 1)
    end
    assert.are.equal(1, count)
    assert.is_true(profiles.remove "clinic")
    assert.is_false(profiles.remove "clinic")
  end)

  it("may not exist", function()
    assert.is_nil(profiles.read "x")
    assert.is_false(profiles.remove "x")
    assert.are.equal('profile: there is no profile "x"', (message_of(profiles.choose, { profile = "x" })))
  end)

  it("that cannot be used is refused", function()
    profiles.write("x", {})
    for text, expected in pairs {
      ["{"] = "is no profile: it is not a JSON object",
      ["3"] = "is no profile: it is not a JSON object",
      ['{"location_id":3}'] = "the field location_id must be a string",
    } do
      local file = assert(io.open(profiles.path "x", "w"))
      file:write(text)
      file:close()
      local message, status = message_of(profiles.read, "x")
      assert.matches(expected, message, 1, true)
      assert.are.equal(1, status)
    end
  end)

  it("that cannot be written is a failure", function()
    local file = assert(io.open(cases.folder() .. "/new", "w"))
    file:close()
    local made = "^profile: the folder .*/new/hoopai cannot be made: Not a directory$"
    assert.matches(made, (message_of(profiles.write, "x", {})))
    assert.matches(made, (message_of(profiles.make_folder)))
    assert(os.remove(cases.folder() .. "/new"))
    profiles.make_folder()
    assert(lfs.mkdir(profiles.path "x"))
    assert(lfs.mkdir(profiles.path "x" .. "/y"))
    assert.matches("^profile: .*/x%.json cannot be written: Is a directory$", (message_of(profiles.write, "x", {})))
    assert.is_nil(lfs.attributes(profiles.path "x" .. ".new"))
  end)

  it("has the location of the option before its own", function()
    local choice = { fields = { location_id = "l" } }
    assert.are.equal("l", profiles.location(choice, {}))
    assert.are.equal("m", profiles.location(choice, { location = "m" }))
  end)
end)
