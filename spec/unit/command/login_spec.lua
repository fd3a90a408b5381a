-- What login does before anything is sent. spec/behaviour/command/login_spec.lua signs in.

local contexts = require "hoopai.command.lib.context"
local failure = require "hoopai.command.lib.failure"
local login = require "hoopai.command.login"

local function refused(options, input)
  local context = contexts.new(login, options, { input = input or { read = function() end } })
  context.on_terminal = {}
  local ok, problem = pcall(login.run, context, options)
  assert.is_false(ok)
  local status, message = failure.explain(problem)
  return message, status
end

describe("hoopai login", function()
  it("needs a location for a private token, and the token", function()
    local message, status = refused { token = true }
    assert.are.same({ "usage: a private token is one of a location", 2 }, { message, status })
    for _, line in ipairs { "", "  " } do
      message, status = refused({ token = true, location = "l" }, { read = function() return line end })
      assert.are.same({ "login: no private token was given", 1 }, { message, status })
    end
  end)

  it("has no option that takes a secret", function()
    for _, entry in ipairs(login.options) do
      local takes_word = entry.argname ~= nil
      local is_secret = entry[1]:find "token" or entry[1]:find "secret" or entry[1]:find "client"
      assert.is_falsy(takes_word and is_secret, entry[1])
    end
  end)
end)
