-- The command `hoopai` as a process, against a sandbox.

local child = require "spec.support.child"
local command = require "spec.support.command"
local hoopai = require "hoopai"

describe("the command hoopai", function()
  local home

  setup(function() home = command.home { control = true } end)
  teardown(function() home:close() end)

  it("lists the calendars", function()
    local output, errors, status = home:run { "calendars" }
    assert.are.same({ "", 0 }, { errors, status })
    assert.matches("^Back care class%s.-\nGeneral check%-up%s.-\nPhysiotherapy%s[^\n]*\n$", output)
    local document = assert(hoopai.decode((home:run { "calendars", "--json" })))
    assert.are.same({ 3, "Back care class" }, { #document, document[1].name })
    local lines = select(2, home:run({ "calendars", "--jsonl", "--group", "treat" }):gsub("\n", ""))
    assert.are.equal(2, lines)
  end)

  it("says which token it lacks, and which one was refused", function()
    local output, errors, status = home:run({ "calendars" }, { variables = { HOOPAI_TOKEN = false } })
    assert.are.same({ "", 1 }, { output, status })
    assert.are.equal("hoopai: auth: no token\nhoopai: sign in with `hoopai login`, or set HOOPAI_TOKEN\n", errors)
    output, errors, status = home:run({ "calendars" }, { variables = { HOOPAI_TOKEN = "pit-wrong" } })
    assert.are.equal("", output)
    assert.are.equal(1, status)
    assert.matches("^hoopai: auth: .-HTTP 401.-\nhoopai: sign in again", errors)
    assert.is_nil(errors:find("pit-wrong", 1, true))
    assert.is_nil(errors:find(".lua", 1, true))
  end)

  it("makes requests, and none in a dry run", function()
    local id = home.sandbox.seed.calendars.checkup
    local output, errors, status = home:run { "api", "PUT", "/calendars/" .. id, "-F", "isActive=false", "--dry-run" }
    assert.are.same(
      { ('would send PUT /calendars/%s {"isActive":false}\n'):format(id), "", 0 },
      { output, errors, status }
    )
    output = home:run { "api", "/calendars/" .. id }
    assert.is_true(hoopai.decode(output).calendar.isActive)
    output = home:run { "api", "PUT", "/calendars/" .. id, "-F", "isActive=false" }
    assert.is_false(hoopai.decode(output).calendar.isActive)
    home:run { "api", "PUT", "/calendars/" .. id, "-F", "isActive=true" }
    output, errors, status = home:run { "api", "/calendars/nosuch" }
    assert.are.same({ "", 1 }, { output, status })
    assert.matches("^hoopai: not_found: Calendar not found %(HTTP 404", errors)
    output = home:run { "api", "/calendars/resources/rooms?locationId={location_id}&limit=1", "--paginate", "--jsonl" }
    assert.are.equal(3, select(2, output:gsub("\n", "")))
  end)

  it("prints empty lists as the API sends them", function()
    local path = "/calendars/events?locationId={location_id}&startTime=1000000000000&endTime=1000000100000&calendarId="
    assert.are.equal('{\n  "events": []\n}\n', (home:run { "api", path .. home.sandbox.seed.calendars.checkup }))
    local id = home.sandbox.seed.calendars.checkup
    local words = { "api", "PUT", "/calendars/" .. id, "--input", "-" }
    local _, errors, status = home:run(words, { input = '{"openHours":[],"availabilities":[]}' })
    assert.are.same({ "", 0 }, { errors, status })
    for _, line in ipairs { "calendars", "agenda" } do
      assert.is_nil((home:run { line, "--jsonl" }):find('s":{}', 1, true))
    end
    assert.matches('"openHours":%[%]', (home:run { "calendars", "--jsonl" }))
  end)

  it("uses the profile that is named, and the environment before an unnamed one", function()
    local folder = child.quote(home.folder .. "/hoopai")
    assert(
      os.execute(
        ("mkdir -p %s && echo '{}' >%s/default.json && echo '{}' >%s/clinic.json"):format(folder, folder, folder)
      )
    )
    local _, errors, status = home:run { "calendars", "--profile", "nosuch" }
    assert.are.equal(1, status)
    assert.matches('^hoopai: profile: there is no profile "nosuch"\n', errors)
    _, errors, status = home:run({ "calendars" }, { variables = { HOOPAI_PROFILE = "a/b" } })
    assert.are.equal(2, status)
    assert.matches("^hoopai: usage: HOOPAI_PROFILE expects a name", errors)
    -- One without a token takes that of the environment.
    assert.are.equal(0, select(3, home:run { "calendars", "--profile", "clinic" }))
    assert.are.equal(1, select(3, home:run({ "calendars" }, { variables = { HOOPAI_TOKEN = false } })))
    command.remove(home.folder .. "/hoopai")
  end)

  it("shows the status", function()
    local output, errors, status = home:run { "status" }
    assert.are.same({ "", 0 }, { errors, status })
    assert.matches("\nlocation%s+" .. home.sandbox.location_id .. "\n", output)
    assert.matches("\nrequests%s+%d+ of 100 left\n", output)
  end)
end)
