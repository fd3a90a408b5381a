local book = require "hoopai.command.book"
local command_context = require "spec.support.command_context"
local hoopai = require "hoopai"
local terminal = require "hoopai.command.lib.terminal"

local SLOT = "2024-03-04T09:00:00+01:00"

describe("hoopai book", function()
  local is_terminal, confirm = terminal.is_terminal, terminal.confirm
  local asked, given, printed, reply

  before_each(function()
    asked, given, printed, reply = nil, nil, "", true
    terminal.is_terminal = function() return true end
    terminal.confirm = function(question)
      assert.is_nil(given, "the question came after the booking")
      asked = question
      return reply
    end
  end)
  after_each(function()
    terminal.is_terminal, terminal.confirm = is_terminal, confirm
  end)

  local function run(options, response, err)
    options.calendar, options.contact = options.calendar or "yoga", options.contact or "anna"
    local streams = { error = { write = function(_, ...) printed = printed .. table.concat { ... } end } }
    return command_context.run(book, options, {
      calendars = {
        next_slot = function()
          if options.nothing_free then return nil, { kind = "slot_taken" } end
          return { startTime = SLOT, instant = hoopai.time.parse(SLOT) }
        end,
      },
      appointments = {
        book = function(_, fields)
          assert.is_true(options.reference ~= nil or printed:find(fields.reference, 1, true) ~= nil)
          given = fields
          if err then return nil, err end
          return { id = "a", calendarId = "c", startTime = SLOT }, response or {}
        end,
      },
    }, streams)
  end

  it("books the slot that the question names", function()
    local ok, document, view = run { from = "2024-03-04", days = 1, title = "Visit", user = "u" }
    assert.is_true(ok, document)
    assert.are.equal("Book Yoga for contact anna, Mon 2024-03-04 09:00 (Europe/Berlin)?", asked)
    assert.are.same({
      calendarId = "c",
      contactId = "anna",
      assignedUserId = "u",
      title = "Visit",
      startTime = SLOT,
      reference = printed:match "^reference: (cli%-%x+)\n$",
    }, given)
    assert.are.same({ given.reference, false }, { document.reference, document.existing })
    assert.matches("^booked Yoga, Mon 2024%-03%-04 09:00", command_context.lines(view)[1])
  end)

  it("books nothing without a yes", function()
    reply = false
    local ok, problem = run {}
    assert.are.same({ false, "declined" }, { ok, problem.kind })
    assert.is_nil(given)
    terminal.is_terminal = function() return false end
    ok, problem = run {}
    assert.are.same({ false, 2 }, { ok, problem.status })
    assert.is_nil(given)
  end)

  -- The booking of an earlier run may be in another slot of the window.
  it("looks for an own reference in the whole window", function()
    for _, options in ipairs { { reference = "order-17" }, { reference = "order-17", yes = true }, { yes = true } } do
      given, printed = nil, ""
      options.from, options.days = "2024-03-04", 2
      local ok, problem = run(options)
      assert.is_true(ok, problem)
      assert.is_nil(given.startTime)
      assert.are.same({
        "2024-03-04T00:00:00+01:00",
        "2024-03-06T00:00:00+01:00",
        "Europe/Berlin",
      }, { given.from:iso(), given.to:iso(), given.timezone })
      if options.reference then assert.are.same({ "order-17", "" }, { given.reference, printed }) end
    end
    given = nil
    local _, document, view = run({ reference = "order-17" }, { existing = true })
    assert.is_true(document.existing)
    assert.matches("^was booked already: ", command_context.lines(view)[1])
  end)

  -- Else the second run of a booking that took the last slot would say that nothing was booked.
  it("looks for an own reference where nothing is free any more", function()
    local _, document = run({ reference = "order-17", nothing_free = true }, { existing = true })
    assert.are.equal("Book the next free slot of Yoga for contact anna (now: none)?", asked)
    assert.is_true(document.existing)
    given, asked = nil, nil
    local ok, problem = run { nothing_free = true }
    assert.are.same({ false, "slot_taken" }, { ok, problem.kind })
    assert.is_nil(given or asked)
  end)

  it("books a given slot", function()
    assert.is_true((run { at = "2024-03-04T10:00" }))
    assert.are.equal("Book Yoga for contact anna, Mon 2024-03-04 10:00 (Europe/Berlin)?", asked)
    assert.are.equal("2024-03-04T10:00:00+01:00", given.startTime)
    given = nil
    local ok, problem = run { at = "2024-03-04" }
    assert.are.same({ false, 2, "--at is a day: write a time too" }, { ok, problem.status, problem.message })
    assert.is_nil(given)
  end)

  it("keeps the reference of a booking that is unclear", function()
    local ok, problem, _, context = run({ yes = true }, nil, { kind = "network", applied = "maybe" })
    assert.are.same({ false, "network" }, { ok, problem.kind })
    assert.are.same({ ("the booking in Yoga (--reference %s)"):format(given.reference) }, context.unclear)
  end)
end)
