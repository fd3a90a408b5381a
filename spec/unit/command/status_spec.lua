local contexts = require "hoopai.command.lib.context"
local hoopai = require "hoopai"
local status = require "hoopai.command.status"

local function run(choice, options)
  local context = contexts.new(status, options or {}, {})
  context.chosen = choice
  local response = {
    url = "https://api.example/calendars/",
    rate_limit = { remaining = 96, max = 100, daily_remaining = 5, daily_limit = 10 },
  }
  context.opened = { calendars = { list = function() return {}, response end }, close = function() end }
  local document, view = status.run(context)
  local lines = {}
  view { line = function(_, text) lines[#lines + 1] = (text:gsub(" +", " ")) end }
  return document, lines
end

describe("hoopai status", function()
  it("shows the token of the environment, the server and the rate limit", function()
    local document, lines = run({ source = "environment" }, { location = "l" })
    assert.are.same(
      { "environment", "l", "https://api.example" },
      { document.source, document.location_id, document.base_url }
    )
    assert.are.same({
      "profile none",
      "token HOOPAI_TOKEN of the environment",
      "location l",
      "server https://api.example",
      "requests 96 of 100 left",
      "today 5 of 10 left",
    }, lines)
    assert.is_string(hoopai.encode(document))
  end)

  it("makes no request without a location", function()
    local document, lines = run { source = "environment", name = "x", fields = { company_id = "c", base_url = "u" } }
    assert.is_nil(document.rate_limit)
    assert.are.same({ "profile x", "token HOOPAI_TOKEN of the environment", "agency c", "server u" }, lines)
  end)
end)
