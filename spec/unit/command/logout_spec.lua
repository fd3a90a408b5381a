local contexts = require "hoopai.command.lib.context"
local failure = require "hoopai.command.lib.failure"
local logout = require "hoopai.command.logout"
local profiles = require "hoopai.command.lib.profile"

describe("hoopai logout", function()
  local real = {}
  before_each(function()
    real.read, real.remove = profiles.read, profiles.remove
  end)
  after_each(function()
    profiles.read, profiles.remove = real.read, real.remove
  end)

  local function run(options) return logout.run(contexts.new(logout, options, {}), options) end

  it("removes a profile that has no token of its own", function()
    local removed
    profiles.read = function() return {} end
    profiles.remove = function(name) removed = name end
    local document, view = run { profile = "x" }
    assert.are.same({ "x", { profile = "x" } }, { removed, document })
    local line
    view { line = function(_, text) line = text end }
    assert.are.equal("signed out: the profile x is removed", line)
  end)

  it("needs a profile", function()
    profiles.read = function() return nil end
    local ok, problem = pcall(run, { profile = "x" })
    local status, message = failure.explain(problem)
    assert.are.same({ false, 1, 'profile: there is no profile "x"' }, { ok, status, message })
  end)
end)
