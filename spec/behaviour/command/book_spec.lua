-- `hoopai book` and its siblings as processes, against a sandbox. Its list of bookings says what was done.

local clinic = require "spec.support.clinic"
local command = require "spec.support.command"
local hoopai = require "hoopai"

describe("hoopai book", function()
  local home, contact, count

  setup(function()
    home = command.home { control = true }
    contact = home.sandbox.seed.contacts.adele
    count = #home.sandbox:control("bookings").bookings
  end)
  teardown(function() home:close() end)
  before_each(function() home.sandbox:control "reset" end)

  local function booked() return #home.sandbox:control("bookings").bookings - count end

  local function words(...) return { "book", "physio", "--contact", contact, ... } end

  local function free()
    local list = {}
    for start in (home:run { "free", "physio", "--days", "14" }):gmatch "([^\n\t]+)\t[^\n]*\n" do
      list[#list + 1] = start
    end
    return list
  end

  it("books the next free slot, and a given one", function()
    local slots = free()
    local output, errors, status = home:run(words("--yes", "--days", "14", "--title", "First"))
    assert.are.equal(0, status, errors)
    assert.matches('^booked "First", Physiotherapy, %a+ [%d-]+ [%d:]+ %(America/New_York%)\nappointment %S+\n$', output)
    assert.matches("^reference: cli%-%x+\n$", errors)
    output = home:run(words("--yes", "--at", slots[#slots], "--json"))
    assert.are.equal(slots[#slots], hoopai.decode(output).startTime)
    assert.are.equal(2, booked())
    for _, start in ipairs(free()) do
      assert.is_true(start ~= slots[1] and start ~= slots[#slots])
    end
  end)

  it("does not book again with the same reference", function()
    local again = words("--yes", "--days", "14", "--reference", "order-0017", "--json")
    local first = hoopai.decode((home:run(again)))
    local second = hoopai.decode((home:run(again)))
    assert.are.same({ first.id, false, true }, { second.id, first.existing, second.existing })
    assert.are.equal(1, booked())
  end)

  it("sends nothing in a dry run, and nothing without --yes where it cannot ask", function()
    local output, errors, status = home:run(words("--dry-run", "--days", "14"))
    assert.are.same({ "", 0 }, { errors, status })
    assert.matches("^would send POST /calendars/events/appointments {", output)
    output, errors, status = home:run(words())
    assert.are.same({ "", 2 }, { output, status })
    assert.matches("^hoopai: usage: there is no terminal to ask on\nhoopai: write %-%-yes", errors)
    assert.are.same({ 0, 0 }, { booked(), #home:writes() })
  end)

  it("names its reference before a slot is refused", function()
    local output, errors, status = home:run(words("--at", "+1h", "--yes"))
    assert.are.same({ "", 1 }, { output, status })
    assert.matches("^reference: %S+\nhoopai: slot_taken: .*\nhoopai: choose another time: `hoopai free`", errors)
    assert.are.equal(0, booked())
  end)

  it("asks on a terminal, and books after a yes alone", function()
    local output, status =
      clinic.terminal(home, words("--days", "14"), { steps = { { wait = "[y/N]", send = "n\n" } } })
    assert.matches(
      "Book Physiotherapy for contact %S+, .-%? %[y/N%] n\nhoopai: declined: nothing was changed\n$",
      output
    )
    assert.are.same({ 1, 0, 0 }, { status, booked(), #home:writes() })
    output, status = clinic.terminal(home, words("--days", "14"), { steps = { { wait = "[y/N]", send = "y\n" } } })
    assert.matches("\nreference: cli%-%x+\nbooked ", output)
    assert.are.same({ 0, 1 }, { status, booked() })
  end)
end)

describe("hoopai move, notes and cancel", function()
  local home

  setup(function() home = command.home() end)
  teardown(function() home:close() end)

  it("are used one after the other", function()
    local contact = home.sandbox.seed.contacts.adele
    local slots = {}
    for line in (home:run { "free", "physio", "--days", "14" }):gmatch "[^\n]+" do
      slots[#slots + 1] = line:match "^[^\t]+"
    end
    local id =
      hoopai.decode((home:run { "book", "physio", "--contact", contact, "--at", slots[1], "--yes", "--json" })).id
    local output, errors, status = home:run { "move", id, slots[#slots], "--yes" }
    assert.are.same({ "", 0 }, { errors, status })
    assert.matches("^moved .* to %a+ %S+ %S+ %(America/New_York%)\n$", output)
    assert.matches("^was there already: ", (home:run { "move", id, slots[#slots], "--yes" }))
    assert.matches("^nothing would be sent", (home:run { "move", id, slots[#slots], "--dry-run" }))
    assert.matches("^added note %S+\n$", (home:run({ "notes", id, "--add", "-" }, { input = "from a pipe\n" })))
    local notes = hoopai.decode((home:run { "notes", id, "--json" }))
    assert.are.same({ 1, "from a pipe" }, { #notes, notes[1].body })
    assert.matches("^deleted note ", (home:run { "notes", id, "--delete", notes[1].id, "--yes" }))
    assert.are.equal("[]\n", (home:run { "notes", id, "--json" }))
    assert.matches("^would send PUT ", (home:run { "cancel", id, "--dry-run" }))
    assert.matches("^cancelled ", (home:run { "cancel", id, "--yes" }))
    assert.matches("^was cancelled already: ", (home:run { "cancel", id, "--yes" }))
    for _, words in ipairs {
      { "cancel", "nosuch", "--yes" },
      { "move", "nosuch", "tomorrow", "--yes" },
      { "notes", id, "--delete", "nosuch", "--yes" },
    } do
      output, errors, status = home:run(words)
      assert.are.same({ "", 1 }, { output, status })
      assert.matches("^hoopai: not_found: ", errors)
    end
  end)
end)
