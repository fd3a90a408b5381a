local failure = require "hoopai.command.lib.failure"
local names = require "hoopai.command.lib.names"

local CALENDARS = {
  {
    id = "a1",
    name = "Botox",
    groupId = "g",
    locationId = "l",
    teamMembers = { { userId = "u1" }, { userId = "u2" } },
  },
  { id = "a2", name = "Botox refresh" },
  { id = "b1", name = "Laser", teamMembers = { { userId = "u1" } } },
}

local function message_of(fn, ...)
  local ok, problem = pcall(fn, ...)
  assert.is_false(ok)
  local _, message, advice = failure.explain(problem)
  return message, advice
end

local function ids(records)
  local list = {}
  for index, record in ipairs(records) do
    list[index] = record.id
  end
  return table.concat(list, " ")
end

-- A client whose lists are tables, and which counts its calls.
local function new_client(people)
  local client = { count = 0 }
  local function lists(list)
    return {
      list = function()
        client.count = client.count + 1
        return list
      end,
    }
  end
  client.calendars, client.groups = lists(CALENDARS), lists { { id = "g", name = "Skin" } }
  -- A person is a record, or the kind of the error that reading it gives.
  client.asked = {}
  local function get(_, id)
    client.asked[#client.asked + 1] = id
    local person = (people or {})[id] or "not_found"
    if type(person) == "string" then return nil, { kind = person } end
    return person
  end
  client.users, client.contacts = { get = get }, { get = get }
  return client
end

describe("names", function()
  it("match a name, a beginning or an id, in any case", function()
    for text, expected in pairs {
      botox = "a1", -- the whole name comes before beginnings
      ["Botox R"] = "a2",
      las = "b1",
      b1 = "b1",
      bo = "a1 a2",
      a = "a1 a2",
      x = "",
    } do
      assert.are.equal(expected, ids(names.matches(CALENDARS, text)), text)
    end
  end)

  it("are found, or refused with the candidates", function()
    assert.are.equal("b1", names.find("calendar", CALENDARS, "laser").id)
    assert.are.equal(
      'ambiguous: "bo" is the beginning of 2 calendars: Botox (a1), Botox refresh (a2)',
      (message_of(names.find, "calendar", CALENDARS, "bo"))
    )
    local message, advice = message_of(names.find, "calendar", CALENDARS, "x")
    assert.are.equal('not_found: there is no calendar "x"', message)
    assert.are.equal("the calendars are: Botox (a1), Botox refresh (a2), Laser (b1)", advice)
    assert.matches("the location has no calendars", (message_of(names.find, "calendar", {}, "x")))
    assert.matches('no calendar ""', (message_of(names.find, "calendar", CALENDARS, "")))
    local many = {}
    for index = 1, 30 do
      many[index] = { id = ("i%02d"):format(index) }
    end
    assert.matches("i10, and 20 more$", (message_of(names.find, "user", many, "i")))
  end)

  it("are read once", function()
    local client = new_client()
    local found = names.new(client)
    assert.are.equal("a1 b1 a1", ids { found:calendar "botox", found:calendar "l", found:calendar "a1" })
    assert.are.equal("g", found:group("skin").id)
    assert.are.equal(2, client.count)
    assert.are.equal("b1 a1", ids(found:calendars_of { "l", "botox", "laser" }))
    assert.are.equal("a1 a2 b1", ids(found:calendars_of {}))
    assert.are.equal("Laser", found:by_id("calendars", "b1").name)
    assert.is_nil(found:by_id("calendars", "gone"))
    assert.is_nil(found:by_id("calendars", nil))
    assert.are.equal("Laser", found:of("calendars", "b1"))
    assert.are.equal("zz", found:of("calendars", "zz"))
    assert.are.equal("", found:of("calendars", nil))
  end)

  it("of users are read where the token may", function()
    local client = new_client { u1 = { name = "Dr. Okafor" } }
    local found = names.new(client)
    assert.are.same({ id = "u1", name = "Dr. Okafor", calendarIds = { "a1", "b1" } }, found:user "dr")
    assert.are.same({ "u1", "u2" }, client.asked)
    assert.are.equal("u2", found:of("users", "u2"))
    assert.are.same({ "u1", "u2" }, client.asked)
    found = names.new(new_client { u2 = { firstName = "Jo", lastName = "" } })
    assert.are.same({ id = "u2", name = "Jo", calendarIds = { "a1" } }, found:user "jo")
  end)

  it("of people are not asked for again after a refusal of the token", function()
    for _, kind in ipairs { "scope", "auth", "reauth_required" } do
      local client = new_client { u1 = kind, u2 = { name = "Jo" } }
      local found = names.new(client)
      assert.are.same({ id = "u2", calendarIds = { "a1" } }, found:user "u2")
      assert.are.same({ "u1" }, client.asked)
    end
    for _, kind in ipairs { "server", "forbidden" } do -- a person may be forbidden alone
      local client = new_client { u1 = kind, u2 = { name = "Jo" } }
      assert.are.equal("Jo", names.new(client):of("users", "u2"))
    end
  end)

  it("of contacts are read once each", function()
    local client = new_client { k1 = { name = "Ann" }, k2 = { name = "" }, k3 = { name = "Cem" } }
    local found, calls = names.new(client), 0
    local read = found:contacts({ "k1", "k2", "k1", "k3" }, function() calls = calls + 1 end)
    assert.are.same({ k1 = "Ann", k3 = "Cem" }, read)
    found:contacts { "k3", "k2" }
    table.sort(client.asked)
    assert.are.same({ "k1", "k2", "k3" }, client.asked)
    assert.are.equal(2, calls)
    assert.are.same({}, names.new(new_client()):contacts {})
  end)

  it("raise the error of a list", function()
    local client = { calendars = { list = function() return nil, { kind = "network" } end } }
    local ok, err = pcall(function() names.new(client):calendars() end)
    assert.is_false(ok)
    assert.are.same({ kind = "network" }, err)
  end)
end)
