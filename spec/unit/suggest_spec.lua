local suggest = require "hoopai.suggest"

describe("suggest:", function()
  local fields = { "calendarId", "locationId", "contactId", "startTime", "endTime", "timezone", "appointmentStatus",
    "appoinmentPerSlot", "assignedUserId", "userId", "userIds", "id", "title" }
  local cases = {
    { "timeZone", "timezone" }, { "time_zone", "timezone" }, { "TIMEZONE", "timezone" }, { "timezon", "timezone" },
    { "tiemzone", "timezone" }, { "timezonee", "timezone" }, { "calendar_id", "calendarId" },
    { "calenderId", "calendarId" }, { "calendarID", "calendarId" }, { "calendar", "calendarId" },
    { "status", "appointmentStatus" }, { "apointmentStatus", "appointmentStatus" },
    { "appointmentPerSlot", "appoinmentPerSlot" }, { "start", "startTime" }, { "starttime", "startTime" },
    { "start-time", "startTime" }, { "users", nil }, { "userid", "userId" }, { "user_ids", "userIds" },
    { "usrId", "userId" }, { "titel", "title" }, { "assigned", "assignedUserId" },
    { "completelyDifferent", nil }, { "x", nil }, { "", nil }, { "is", nil }, { "time", nil }, { "Id", "id" },
    { "____", nil }, { "\xFF\xFE", nil }, { ("timezone"):rep(1000), nil },
  }
  for _, case in ipairs(cases) do
    it(("takes %q for %s"):format(case[1]:sub(1, 30), tostring(case[2])), function()
      assert.are.equal(case[2], suggest(case[1], fields))
    end)
  end

  it("takes names from the keys of a table too", function()
    assert.are.equal("free_slots", suggest("freeSlots", { free_slots = 1, list = 2, [1.5] = 3 }))
    assert.are.equal("timeout", suggest("time_out", { timeout = true, retries = true }))
    assert.is_nil(suggest("x", {}))
    assert.is_nil(suggest(5, { "a" }))
    assert.is_nil(suggest({}, { "a" }))
  end)
end)
