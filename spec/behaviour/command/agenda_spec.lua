-- `hoopai agenda` as a process, against a sandbox.

local clinic = require "spec.support.clinic"
local hoopai = require "hoopai"

local DAY = { "agenda", "--from", "2024-03-04", "--days", "2" }

describe("hoopai agenda", function()
  local home

  setup(function() home = clinic.home() end)
  teardown(function() home:close() end)

  it("is coloured on a terminal, unless NO_COLOR or --no-color say otherwise", function()
    local output = clinic.terminal(home, DAY, { variables = { TERM = "xterm" } })
    assert.matches("\27%[32m●\27%[0m", output)
    assert.is_nil(output:find("\27[31mred", 1, true))
    output = clinic.terminal(home, DAY, { variables = { TERM = "xterm", NO_COLOR = "1" } })
    assert.is_nil(output:find "\27")
    output = clinic.terminal(home, { "--no-color", table.unpack(DAY) }, { variables = { TERM = "xterm" } })
    assert.is_nil(output:find "\27")
    assert.is_nil((home:run(DAY)):find "\27")
  end)

  it("is a line per entry without a terminal", function()
    local output, errors, status = home:run(DAY)
    assert.are.same({ "", 0 }, { errors, status })
    local lines = {}
    for line in output:gmatch "([^\n]*)\n" do
      lines[#lines + 1] = line
    end
    assert.are.equal(6, #lines)
    assert.are.equal(
      "2024-03-04T09:00:00+01:00\t2024-03-04T09:30:00+01:00\t山田 太郎\tLee Marsh\tconfirmed",
      lines[1]
    )
    assert.matches("\tTraining\t.*\tblocked$", lines[6])
  end)

  it("prints JSON, with the names beside the ids", function()
    local output, _, status = home:run { "agenda", "--from", "2024-03-04", "--days", "2", "--json" }
    local document = assert(hoopai.decode(output))
    assert.are.same({ 0, 6 }, { status, #document })
    assert.are.same(
      { "appointment", "2024-03-04T09:00:00+01:00", "Massage 按摩", clinic.TITLES[1] },
      { document[1].kind, document[1].startTime, document[1].calendar, document[1].title }
    )
    assert.are.same({ "block", "Training" }, { document[6].kind, document[6].title })
    output = home:run { "agenda", "--from", "2024-03-04", "--days", "2", "--jsonl" }
    assert.are.equal(6, select(2, output:gsub("\n", "")))
    assert.are.equal("[]\n", (home:run { "agenda", "--day", "2024-03-09", "--json" }))
  end)

  it("has the names of the contacts in JSON, and ids where the token may not read people", function()
    local document = assert(hoopai.decode((home:run { "agenda", "--from", "2024-03-04", "--json" })))
    assert.are.same({ "Lee Marsh", "Anna Berg" }, { document[1].user, document[1].contact })
    local few = clinic.home {
      tokens = {
        few = { scopes = { "calendars.readonly", "calendars/groups.readonly", "calendars/events.readonly" } },
      },
    }
    local closing <close> = setmetatable({}, { __close = function() few:close() end }) -- luacheck: ignore 211
    local output, errors, status = few:run(
      { "agenda", "--from", "2024-03-04", "--json", "--zone", "Europe/Berlin" },
      { variables = { HOOPAI_TOKEN = few.sandbox.tokens.few } }
    )
    assert.are.same({ "", 0 }, { errors, status })
    document = assert(hoopai.decode(output))
    assert.are.same({ "UserLeeMarsh00000000", "ContactAnnaBerg00000" }, { document[1].user, document[1].contact })
  end)

  it("has one owner, one day, one week, another zone", function()
    local function count(...) return select(2, (home:run { "agenda", ... }):gsub("\n", "")) end
    assert.are.equal(5, count("--day", "2024-03-04"))
    assert.are.equal(6, count("--week", "2024-03-10"))
    assert.are.equal(0, count("--week", "2024-03-11"))
    assert.are.equal(6, count("--week", "2024-03-07", "--user", "UserLee"))
    assert.are.equal(5, count("--week", "2024-03-07", "--calendar", "mass"))
    assert.are.equal(5, count("--week", "2024-03-07", "--group", "kö"))
    assert.are.equal(0, count("--week", "2024-03-07", "--calendar", "yoga"))
    assert.are.equal(0, count "--day")
    local output = home:run { "agenda", "--day", "2024-03-04", "--zone", "Asia/Tokyo" }
    assert.matches("^2024%-03%-04T17:00:00%+09:00\t", output)
  end)
end)
