-- The companions in the sandbox, without sockets: contacts, users and locations.

local sandbox_application = require "spec.support.sandbox_application"

local box, seed
before_each(function()
  box = sandbox_application.new()
  seed = box.seed
end)

describe("sandbox contacts", function()
  it("are got, of the own location", function()
    local contact = box.ask(200, "GET", "/contacts/" .. seed.contacts.adele).contact
    assert.are.same(
      { "Adele Laurent", "Adele", "Laurent", seed.location_id },
      { contact.name, contact.firstName, contact.lastName, contact.locationId }
    )
    box.refused(404, "Contact not found", "GET", "/contacts/none")
    local foreign = "The token does not have access to this location."
    box.refused(403, foreign, "GET", "/contacts/" .. seed.contacts.ines)
    local readonly = box.token "readonly"
    box.ask(200, "GET", "/contacts/" .. seed.contacts.adele, nil, readonly)
    box.refused(
      401,
      "The token is not authorized for this scope.",
      "POST",
      "/contacts/upsert",
      { locationId = seed.location_id },
      readonly
    )
  end)

  it("are created, or found by address or number and changed, and their tags overwritten", function()
    local body = { locationId = seed.location_id, firstName = "Nina", lastName = "Berg", email = "Nina@example.com" }
    body.phone, body.tags = "+1 (555) 010", { "new", "vip" }
    local made = box.ask(200, "POST", "/contacts/upsert", body)
    assert.is_true(made.new)
    assert.are.same({ "Nina Berg", { "new", "vip" } }, { made.contact.name, made.contact.tags })
    assert.matches("Z$", made.contact.dateAdded)
    local function again(more)
      more.locationId = seed.location_id
      local changed = box.ask(200, "POST", "/contacts/upsert", more)
      assert.is_false(changed.new)
      assert.are.equal(made.contact.id, changed.contact.id)
      return changed.contact
    end
    assert.are.same({ "old" }, again({ email = "nina@example.com", tags = { "old" } }).tags)
    assert.are.same({ "old" }, again({ phone = "+1555010" }).tags)
    local fields = again { email = "nina@example.com", customFields = { { id = "f", field_value = "x" } } }
    assert.are.same({ { id = "f", value = "x" } }, fields.customFields)
    box.refused(422, { "locationId must be a string" }, "POST", "/contacts/upsert", { name = "x" })
  end)

  it("have appointments, with times that have no zone", function()
    local events = box.ask(200, "GET", ("/contacts/%s/appointments"):format(seed.contacts.bruno)).events
    assert.are.same(
      { "2026-05-05 09:00:00", "2026-05-05 09:30:00", seed.users.weber, seed.groups.treatments },
      { events[1].startTime, events[1].endTime, events[1].assignedUserId, events[1].groupId }
    )
    assert.are.equal(3, #events)
    box.refused(404, "Contact not found", "GET", "/contacts/none/appointments")
  end)
end)

describe("sandbox users", function()
  it("are got, of the own location", function()
    local user = box.ask(200, "GET", "/users/" .. seed.users.okafor)
    assert.are.same(
      { "Dr. Amara Okafor", "account", { seed.location_id } },
      { user.name, user.roles.type, user.roles.locationIds }
    )
    box.refused(404, "User not found", "GET", "/users/none")
    box.refused(403, "The token does not have access to this location.", "GET", "/users/" .. seed.users.ashworth)
  end)

  it("are searched for", function()
    local function search(query, count)
      local found = box.ask(200, "GET", ("/users/search?companyId=%s%s"):format(seed.company_id, query))
      assert.are.equal(count, found.count)
      return sandbox_application.names(found.users)
    end
    assert.are.same({ "Dr. Amara Okafor", "Dr. Jonas Weber", "Mira Solberg" }, search("", 3))
    assert.are.same({ "Dr. Jonas Weber" }, search("&skip=1&limit=1", 3))
    assert.are.same({ "Mira Solberg" }, search("&query=mira", 1))
    assert.are.same({ "Mira Solberg" }, search(("&ids=%s,x"):format(seed.users.solberg), 1))
    assert.are.same({}, search("&type=agency", 0))
    assert.are.same({ "Mira Solberg" }, search("&sortDirection=desc&limit=1", 3))
    box.refused(422, { "companyId must be a string" }, "GET", "/users/search")
    box.refused(403, "The token does not have access to this company.", "GET", "/users/search?companyId=x")
  end)
end)

describe("sandbox locations", function()
  it("are got, the own one alone", function()
    local location = box.ask(200, "GET", "/locations/" .. seed.location_id).location
    assert.are.same(
      { "Linden Street Clinic", "America/New_York", seed.company_id, false },
      { location.name, location.timezone, location.companyId, location.settings.allowDuplicateContact }
    )
    box.refused(404, "Location not found", "GET", "/locations/none")
    local foreign = "The token does not have access to this location."
    box.refused(403, foreign, "GET", "/locations/" .. seed.other_location_id)
  end)
end)

describe("sandbox companions", function()
  it("all have a request that succeeded and one that was refused", function()
    local count = 0
    for _, endpoint in ipairs(box.app.router.endpoints) do
      if require("hoopai.api." .. endpoint.resource).companion then
        count = count + 1
        assert.are.same({ good = true, bad = true }, sandbox_application.seen[endpoint.label], endpoint.label)
      end
    end
    assert.are.equal(6, count)
  end)
end)
