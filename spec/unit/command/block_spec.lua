local block = require "hoopai.command.block"
local contexts = require "hoopai.command.lib.context"
local names = require "hoopai.command.lib.names"

local function run(options, response, err)
  local context = contexts.new(block, options, {})
  local asked
  context.opened = {
    block_slots = {
      ensure = function(_, body)
        asked = body
        if err then return nil, err end
        return { id = "b" }, response or {}
      end,
    },
    close = function() end,
  }
  context.found_names = names.new {
    calendars = { list = function() return { { id = "c", name = "Yoga", teamMembers = { { userId = "u" } } } } end },
    users = { get = function() return nil, { kind = "scope" } end },
  }
  options.zone = "Europe/Berlin"
  local ok, document, view = pcall(block.run, context, options)
  return asked, document, view, context, ok
end

describe("hoopai block", function()
  it("blocks the time of a calendar or a person", function()
    assert.are.same(
      { calendarId = "c", startTime = "2024-03-31T00:00:00+01:00", endTime = "2024-04-01T00:00:00+02:00" },
      (run { owner = "yo", day = "2024-03-31" })
    )
    local body = run { owner = "u", from = "2024-03-04T22:00", to = "2024-03-05T02:00", title = "Night" }
    assert.are.same({ "u", "Night" }, { body.assignedUserId, body.title })
    assert.are.equal("2024-03-05T02:00:00+01:00", body.endTime)
    body = run { owner = "u", from = "2024-03-04T22:00", to = "23:00" }
    assert.are.equal("2024-03-04T23:00:00+01:00", body.endTime)
  end)

  it("says whether the time was blocked already", function()
    local cases = { ["blocked Yoga from 2024"] = {}, ["was blocked already: Yoga"] = { existing = true } }
    for word, response in pairs(cases) do
      local _, document, view = run({ owner = "yo", day = "2024-03-31" }, response)
      assert.are.same({ "b", response.existing == true }, { document.id, document.existing })
      view { line = function(_, text) assert.are.equal(word, text:sub(1, #word)) end }
    end
  end)

  it("keeps what is unclear, with what to do", function()
    local _, problem, _, context, ok = run(
      { owner = "yo", day = "2024-03-31" },
      nil,
      { kind = "network", applied = "maybe" }
    )
    assert.are.same({ false, "network", {} }, { ok, problem.kind, context.done })
    assert.matches("^the block of Yoga from 2024%-03%-31 00:00 .*run the command again", context.unclear[1])
  end)
end)
