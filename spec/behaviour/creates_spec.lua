-- Does the response to a create describe the record that was sent?

local endpoints = require "hoopai.call.endpoints"
local expect = require "spec.support.expect"
local json = require "spec.support.json"
local leak = require "spec.support.leak"
local responses = require "hoopai.call.response"
local servers = require "spec.support.server"

local failure = expect.failure

describe("the record that a create returns:", function()
  describe("contradiction", function()
    local NAMES = { "contactId", "startTime" }

    local function found(record)
      return responses.contradiction(
        NAMES,
        { contactId = "k", startTime = "2027-03-08T09:00:00-05:00", title = "a" },
        record
      )
    end

    it("names the first field that differs", function()
      assert.are.equal("contactId", found { contactId = "other" })
      assert.are.equal("contactId", found { contactId = "" })
      assert.are.equal("contactId", found { contactId = "K" })
      assert.are.equal("startTime", found { contactId = "k", startTime = "2027-03-08T09:00:00Z" })
      assert.are.equal("startTime", found { contactId = "k", startTime = "2031-03-08T09:00:00-05:00" })
    end)

    it("compares instants, however they are written", function()
      assert.is_nil(found { contactId = "k", startTime = "2027-03-08T14:00:00.000Z" })
      assert.is_nil(found { startTime = "2027-03-08T09:00:00-05:00" })
    end)

    it("learns nothing from what is left out, cannot be read, or is not named", function()
      assert.is_nil(found {})
      assert.is_nil(found { contactId = 7, startTime = "2027-03-08 09:00:00" })
      assert.is_nil(found { title = "b" })
    end)
  end)

  describe("a create", function()
    local server, client

    setup(function() server = servers.start() end)
    teardown(function() server:stop() end)
    before_each(function()
      leak.before()
      client = leak.client { token = "t", base_url = server.url, location_id = "loc", timeout = 5 }
    end)
    after_each(function() leak.after(server) end)

    local START, END = "2027-03-08T09:00:00-05:00", "2027-03-08T10:00:00-05:00"
    local LATER = "2031-03-08T10:00:00-05:00"

    -- Resource -> what is created, and the fields of a response that are not its own.
    local CASES = {
      {
        "appointments",
        { calendarId = "c", contactId = "k", startTime = START },
        { contactId = "x", calendarId = "x", locationId = "x", startTime = LATER },
      },
      {
        "block_slots",
        { assignedUserId = "u", startTime = START, endTime = END },
        { assignedUserId = "x", locationId = "x", startTime = LATER, endTime = LATER },
      },
      { "block_slots", { calendarId = "c", startTime = START, endTime = END }, { calendarId = "x" } },
    }

    it("whose response describes another record is not a success, and may have been made", function()
      for _, case in ipairs(CASES) do
        local name, body, others = case[1], case[2], case[3]
        for field, value in pairs(others) do
          server:reply { method = "POST", body = ('{"id":"r1",%s:%s}'):format(json.quote(field), json.quote(value)) }
          local err = failure("decode", nil, select(2, client[name]:create(body)), { applied = "maybe" })
          assert.is_false(err.retryable)
          assert.matches("`" .. field .. "` is " .. value, err.message, 1, true)
          assert.are.equal("r1", err.response.body.id)
        end
        server:reply { method = "POST", body = '{"id":"r1"}' }
        assert.are.equal("r1", assert(client[name]:create(body)).id)
      end
    end)

    it("is checked without the checks of fields too, and shows no control characters", function()
      server:reply { method = "POST", body = '{"id":"r1","contactId":"\\u001b[31m\\u0007x"}' }
      local body = { calendarId = "c", contactId = "k", startTime = START }
      local _, err = client.appointments:create(body, { validate = false })
      failure("decode", nil, err, { applied = "maybe" })
      assert.is_nil(err.message:find "%c")
    end)

    it("of every kind that sends a location is compared with it", function()
      for _, name in ipairs { "appointments", "block_slots", "calendars", "groups", "resources", "schedules" } do
        local names = table.concat(endpoints.find(name .. ".create").confirms, " ")
        assert.matches("locationId", names, 1, true)
      end
    end)
  end)
end)
