-- The endpoints of the sandbox without sockets: each with requests that succeed and that fail, and the quirks of the
-- live API.

local sandbox_application = require "spec.support.sandbox_application"

local NOW, HOUR, DAY = sandbox_application.NOW, sandbox_application.HOUR, sandbox_application.DAY
local SLOT_TAKEN = sandbox_application.SLOT_TAKEN
local ids, names, new = sandbox_application.ids, sandbox_application.names, sandbox_application.new

local box, seed
before_each(function()
  box = new()
  seed = box.seed
end)

describe("sandbox calendars", function()
  it("are listed, of a location and of a group", function()
    local all = box.ask(200, "GET", "/calendars/?locationId=" .. seed.location_id)
    assert.are.same({ "General check-up", "Physiotherapy", "Back care class" }, names(all.calendars))
    assert.is_string(all.traceId)
    local group =
      box.ask(200, "GET", ("/calendars/?locationId=%s&groupId=%s"):format(seed.location_id, seed.groups.treatments))
    assert.are.same({ "General check-up", "Physiotherapy" }, names(group.calendars))
    box.refused(422, { "locationId must be a string" }, "GET", "/calendars/")
  end)

  it("hide drafts when asked to", function()
    box.ask(200, "PUT", "/calendars/" .. seed.calendars.physio, { isActive = false })
    local target = "/calendars/?locationId=" .. seed.location_id
    assert.are.equal(3, #box.ask(200, "GET", target).calendars)
    assert.are.equal(2, #box.ask(200, "GET", target .. "&showDrafted=false").calendars)
    assert.are.same({}, box.free "physio")
  end)

  it("are created with the defaults of the API", function()
    local made = box.ask(200, "POST", "/calendars/", {
      locationId = seed.location_id,
      name = "Acupuncture",
      teamMembers = { { userId = seed.users.okafor } },
    }).calendar
    assert.are.equal("round_robin", made.calendarType)
    assert.are.equal(30, made.slotDuration)
    assert.are.equal(0.5, made.teamMembers[1].priority)
    assert.are.same(made, box.ask(200, "GET", "/calendars/" .. made.id).calendar)
    assert.is_true(box.is_free(made.id, "2026-05-06T08:00:00-04:00"))
  end)

  it("are not created with strange users, teams, groups or slugs", function()
    local function refused(status, message, fields)
      fields.locationId, fields.name = seed.location_id, "x"
      box.refused(status, message, "POST", "/calendars/", fields)
    end
    refused(400, "The user id nobody is not valid.", { teamMembers = { { userId = "nobody" } } })
    refused(
      422,
      { "teamMembers must contain exactly one member for a personal calendar" },
      { calendarType = "personal", teamMembers = {} }
    )
    for _, kind in ipairs { "collective", "round_robin", "class_booking", "service_booking" } do
      refused(422, { "teamMembers must contain at least 1 elements" }, { calendarType = kind })
    end
    refused(404, "Group not found", { groupId = "none" })
    refused(400, "A calendar with this slug already exists.", { slug = "check-up" })
  end)

  it("take special dates that exist, and repeat appointments with one member alone", function()
    local hours = { { openHour = 9, openMinute = 0, closeHour = 12, closeMinute = 0 } }
    local dates = {
      { date = "2026-02-28T00:00:00.000Z", hours = hours },
      { date = "2026-02-30T00:00:00.000Z", hours = hours },
    }
    local problem = { "availabilities.1.date must be a valid date" }
    local checkup, physio = "/calendars/" .. seed.calendars.checkup, "/calendars/" .. seed.calendars.physio
    box.refused(422, problem, "PUT", checkup, { availabilities = dates })
    local body = { locationId = seed.location_id, name = "x", availabilities = dates }
    box.refused(422, problem, "POST", "/calendars/", body)
    problem = { "enableRecurring is only possible with exactly one team member" }
    box.refused(422, problem, "PUT", checkup, { enableRecurring = true })
    box.ask(200, "PUT", physio, { enableRecurring = true })
  end)

  it("are changed, and what is not named stays", function()
    local target = "/calendars/" .. seed.calendars.checkup
    local before = box.ask(200, "GET", target).calendar
    local changed = box.ask(200, "PUT", target, { name = "Check-up", slotDuration = 60 }).calendar
    assert.are.equal("Check-up", changed.name)
    assert.are.equal(60, changed.slotDuration)
    assert.are.same(before.openHours, changed.openHours)
    box.refused(404, "Calendar not found", "PUT", "/calendars/none", { name = "x" })
    box.refused(422, { "property locationId should not exist" }, "PUT", target, { locationId = seed.location_id })
  end)

  it("keep an empty list a list, and null null", function()
    local target = "/calendars/" .. seed.calendars.checkup
    local _, raw = box.ask(200, "PUT", target, '{"openHours":[],"availabilityType":null}')
    assert.matches('"openHours":[]', raw.body, 1, true)
    assert.matches('"availabilityType":null', raw.body, 1, true)
    assert.are.same({}, box.free "checkup")
  end)

  it("close on a special date", function()
    local before = box.free "physio"
    assert.is_truthy(before["2026-05-06"])
    box.ask(
      200,
      "PUT",
      "/calendars/" .. seed.calendars.physio,
      '{"availabilities":[{"date":"2026-05-06T00:00:00.000Z","hours":[]}]}'
    )
    local after = box.free "physio"
    assert.is_nil(after["2026-05-06"])
    assert.are.same(before["2026-05-07"], after["2026-05-07"])
  end)

  it("are deleted with what hangs on them", function()
    local target = "/calendars/" .. seed.calendars.checkup
    local answer = box.ask(200, "DELETE", target)
    assert.is_true(answer.success)
    box.refused(404, "Calendar not found", "GET", target)
    box.refused(404, "Calendar not found", "DELETE", target)
    box.refused(404, "Appointment not found", "GET", "/calendars/events/appointments/" .. seed.appointments[1])
    local room = box.ask(200, "GET", "/calendars/resources/rooms/" .. seed.resources.room_1)
    assert.are.same({}, room.calendarIds)
  end)
end)

describe("sandbox free slots", function()
  local function target(query) return ("/calendars/%s/free-slots?%s"):format(seed.calendars.checkup, query) end

  it("come by day, in the zone of the calendar, without the days that have none", function()
    local days = box.free "checkup"
    assert.are.equal("2026-05-04T10:00:00-04:00", days["2026-05-04"].slots[1])
    -- Both doctors are busy at nine on Tuesday.
    assert.are.equal("2026-05-05T09:30:00-04:00", days["2026-05-05"].slots[1])
    assert.is_nil(days["2026-05-09"])
    assert.is_nil(days["2026-05-10"])
  end)

  it("come in the zone asked for", function()
    local days = box.free("class", "&timezone=Asia/Tokyo")
    assert.are.same({ slots = { "2026-05-06T06:30:00+09:00" } }, days["2026-05-06"])
    box.refused(
      422,
      { "timezone must be a valid IANA time zone" },
      "GET",
      target(("startDate=%d&endDate=%d&timezone=Mars/Base"):format(NOW, NOW))
    )
  end)

  it("come for some of the team, whichever way the list is written", function()
    local okafor, weber = seed.users.okafor, seed.users.weber
    local nine = "2026-05-05T10:00:00-04:00"
    assert.is_true(box.is_free("checkup", nine))
    assert.is_false(box.is_free("checkup", nine, "&userId=" .. weber))
    assert.is_false(box.is_free("checkup", nine, "&userIds=" .. weber))
    for _, written in ipairs { "&userIds=%s&userIds=%s", "&userIds[]=%s&userIds[]=%s", "&userIds=%s,%s" } do
      assert.is_true(box.is_free("checkup", nine, written:format(weber, okafor)))
    end
    assert.are.same({}, box.free("checkup", "&userId=" .. seed.users.solberg))
  end)

  it("refuse ISO dates, locationId and what else the live API refuses", function()
    box.refused(422, {
      "startDate must be a number conforming to the specified constraints",
      "endDate must be a number conforming to the specified constraints",
    }, "GET", target "startDate=2026-05-04&endDate=2026-05-05T00:00:00Z")
    box.refused(
      422,
      { "property locationId should not exist" },
      "GET",
      target(("startDate=%d&endDate=%d&locationId=%s"):format(NOW, NOW, seed.location_id))
    )
    box.refused(
      400,
      "The date range must not be longer than 31 days.",
      "GET",
      target(("startDate=%d&endDate=%d"):format(NOW, NOW + 31 * DAY + 1))
    )
    box.refused(400, "endDate must be after startDate", "GET", target(("startDate=%d&endDate=%d"):format(NOW, NOW - 1)))
    box.ask(200, "GET", target(("startDate=%d&endDate=%d&enableLookBusy=true"):format(NOW, NOW + 31 * DAY)))
    box.refused(404, "Calendar not found", "GET", "/calendars/none/free-slots?startDate=1&endDate=2")
  end)
end)

describe("sandbox groups", function()
  local function fields(more)
    local body = { locationId = seed.location_id, name = "Evening", description = "After work", slug = "evening" }
    for name, value in pairs(more or {}) do
      body[name] = value or nil
    end
    return body
  end

  it("are created, read, listed, changed and deleted", function()
    local made = box.ask(201, "POST", "/calendars/groups", fields()).group
    assert.is_true(made.isActive)
    local target = "/calendars/groups/" .. made.id
    assert.are.same(made, box.ask(200, "GET", target).group)
    local list = "/calendars/groups?locationId=" .. seed.location_id
    assert.are.same({ seed.groups.treatments, made.id }, ids(box.ask(200, "GET", list).groups))
    local changed = box.ask(200, "PUT", target, fields { locationId = false, name = "Late" }).group
    assert.are.equal("Late", changed.name)
    assert.is_true(box.ask(200, "PUT", target .. "/status", { isActive = false }).success)
    assert.is_false(box.ask(200, "GET", target).group.isActive)
    assert.is_true(box.ask(200, "DELETE", target).success)
    assert.are.same({ seed.groups.treatments }, ids(box.ask(200, "GET", list).groups))
    for _, method in ipairs { "GET", "DELETE" } do
      box.refused(404, "Group not found", method, target)
    end
    box.refused(404, "Group not found", "PUT", target .. "/status", { isActive = true })
  end)

  it("say whether a slug is free, and keep it to one group", function()
    local target = "/calendars/groups/validate-slug"
    local body = { locationId = seed.location_id, slug = "treatments" }
    assert.is_false(box.ask(200, "POST", target, body).available)
    body.slug = "evening"
    assert.is_true(box.ask(200, "POST", target, body).available)
    box.refused(422, { "slug must be a string" }, "POST", target, { locationId = seed.location_id })
    box.refused(
      400,
      "A group with this slug already exists.",
      "POST",
      "/calendars/groups",
      fields { slug = "treatments" }
    )
  end)

  it("need a description and a slug on both writes", function()
    local message = { "description must be a string", "slug must be a string" }
    box.refused(422, message, "POST", "/calendars/groups", { locationId = seed.location_id, name = "x" })
    box.refused(422, message, "PUT", "/calendars/groups/" .. seed.groups.treatments, { name = "x" })
    box.refused(422, { "locationId must be a string" }, "GET", "/calendars/groups")
  end)

  it("leave their calendars when they go", function()
    box.ask(200, "DELETE", "/calendars/groups/" .. seed.groups.treatments)
    assert.is_nil(box.ask(200, "GET", "/calendars/" .. seed.calendars.checkup).calendar.groupId)
  end)
end)

describe("sandbox appointments", function()
  local function get(id) return box.ask(200, "GET", "/calendars/events/appointments/" .. id).appointment end

  it("are booked; the response is bare and has no times", function()
    local slot = "2026-05-05T09:30:00-04:00"
    local made = box.book { notes = "dropped" }
    assert.are.equal("confirmed", made.appointmentStatus)
    assert.are.equal("Adele Laurent", made.title)
    assert.is_nil(made.startTime)
    assert.is_nil(made.endTime)
    assert.is_nil(made.dateAdded)
    assert.is_string(made.traceId)
    local shown = get(made.id)
    assert.are.equal(slot, shown.startTime)
    assert.are.equal("2026-05-05T10:00:00-04:00", shown.endTime)
    assert.are.equal("confirmed", shown.appoinmentStatus)
    assert.are.equal("2026-05-04T12:00:00.000Z", shown.dateAdded)
    assert.is_nil(shown.notes)
  end)

  it("are shown in the envelope asked for", function()
    local target = "/calendars/events/appointments/" .. seed.appointments[1]
    local live = box.ask(200, "GET", target)
    assert.are.equal(seed.appointments[1], live.appointment.id)
    assert.is_nil(live.event)
    assert.is_string(live.traceId)
    box = new { get_envelope = "event" }
    local documented = box.ask(200, "GET", target)
    assert.are.same(live.appointment, documented.event)
    assert.is_nil(documented.appointment)
    box.refused(404, "Appointment not found", "GET", "/calendars/events/appointments/none")
  end)

  it("take a slot once per member", function()
    local first, second = box.book(), box.book { contactId = seed.contacts.bruno }
    assert.are_not.equal(first.assignedUserId, second.assignedUserId)
    assert.is_false(box.is_free("checkup", "2026-05-05T09:30:00-04:00"))
    box.refuse_booking { contactId = seed.contacts.chidi }
  end)

  it("take the same instant in any spelling", function()
    box.book { startTime = "2026-05-05T13:30:00Z", assignedUserId = seed.users.okafor }
    box.refuse_booking { startTime = "2026-05-05T15:30:00.000+02:00", assignedUserId = seed.users.okafor }
  end)

  it("do not take what is not offered", function()
    box.refuse_booking { startTime = "2026-05-05T09:15:00-04:00" }
    box.refuse_booking { startTime = "2026-05-05T12:30:00-04:00" }
    box.refuse_booking { startTime = "2026-05-09T10:00:00-04:00" }
    box.refuse_booking { startTime = "2026-05-04T09:00:00-04:00" }
    box.refuse_booking { startTime = "2026-05-05T10:00:00-04:00", assignedUserId = seed.users.weber }
    box.refuse_booking({ assignedUserId = seed.users.solberg }, "The user id is not part of the calendar team.")
    box.refuse_booking({ assignedUserId = "nobody" }, "The user id is not valid.")
    box.refuse_booking({ contactId = "nobody" }, "The contact id is not valid.")
    box.refuse_booking({ contactId = seed.contacts.ines }, "The contact id is not valid.")
    box.refused(
      404,
      "Calendar not found",
      "POST",
      "/calendars/events/appointments",
      box.booking { calendarId = "none" }
    )
  end)

  it("pass notice and range with ignoreDateRange", function()
    -- Two hours of notice, sixty days of range.
    box.refuse_booking { startTime = "2026-05-04T09:30:00-04:00" }
    box.book { startTime = "2026-05-04T09:30:00-04:00", ignoreDateRange = true }
    box.refuse_booking { startTime = "2026-09-01T09:30:00-04:00" }
    box.book { startTime = "2026-09-01T09:30:00-04:00", ignoreDateRange = true }
  end)

  it("pass every check with ignoreFreeSlotValidation, but need a user", function()
    local fields = { startTime = "2026-05-09T03:10:00-04:00", ignoreFreeSlotValidation = true }
    box.refused(
      422,
      "A team member needs to be selected. assignedUserId is missing",
      "POST",
      "/calendars/events/appointments",
      box.booking(fields)
    )
    fields.assignedUserId = seed.users.weber
    box.book(fields)
    box.book(fields)
    local physio = box.book {
      calendarId = seed.calendars.physio,
      startTime = "2026-05-09T03:10:00-04:00",
      ignoreFreeSlotValidation = true,
    }
    assert.are.equal(seed.users.solberg, physio.assignedUserId)
  end)

  it("keep a status, an address and their own end", function()
    local made = box.book {
      appointmentStatus = "new",
      address = "Room 2",
      endTime = "2026-05-05T10:00:00-04:00",
      title = "Blood test",
    }
    assert.are.equal("new", made.appointmentStatus)
    assert.are.equal("custom", made.meetingLocationType)
    assert.are.equal("Room 2", made.address)
    assert.are.equal("Blood test", get(made.id).title)
    box.refused(
      422,
      { "endTime must be after startTime" },
      "POST",
      "/calendars/events/appointments",
      box.booking { endTime = "2026-05-05T09:30:00-04:00" }
    )
  end)

  it("are new without autoConfirm, and occupy the slot", function()
    box.ask(200, "PUT", "/calendars/" .. seed.calendars.physio, { autoConfirm = false })
    local fields = { calendarId = seed.calendars.physio, startTime = "2026-05-06T13:00:00-04:00" }
    assert.are.equal("new", box.book(fields).appointmentStatus)
    box.refuse_booking(fields)
  end)

  it("fill the seats of a class one by one", function()
    local fields = { calendarId = seed.calendars.class, startTime = "2026-05-05T17:30:00-04:00" }
    for _ = 1, 3 do
      assert.is_true(box.is_free("class", fields.startTime))
      box.book(fields)
    end
    assert.is_false(box.is_free("class", fields.startTime))
    box.refuse_booking(fields)
  end)

  it("move, if the slot is free, and leave the old one", function()
    local id = seed.sick.appointments[1]
    local target = "/calendars/events/appointments/" .. id
    box.refused(400, SLOT_TAKEN, "PUT", target, { startTime = "2026-05-05T10:00:00-04:00" })
    assert.are.equal("2026-05-05T09:00:00-04:00", get(id).startTime)
    local moved = box.ask(200, "PUT", target, { startTime = "2026-05-06T10:00:00-04:00" })
    assert.are.equal(seed.users.weber, moved.assignedUserId)
    assert.is_nil(moved.startTime)
    local shown = get(id)
    assert.are.equal("2026-05-06T10:00:00-04:00", shown.startTime)
    assert.are.equal("2026-05-06T10:30:00-04:00", shown.endTime)
    assert.is_true(box.is_free("checkup", "2026-05-05T09:00:00-04:00", "&userId=" .. seed.users.weber))
    assert.is_false(box.is_free("checkup", "2026-05-06T10:00:00-04:00"))
  end)

  it("go to a colleague who is free", function()
    local target = "/calendars/events/appointments/" .. seed.sick.appointments[1]
    box.refused(400, SLOT_TAKEN, "PUT", target, { assignedUserId = seed.users.okafor })
    target = "/calendars/events/appointments/" .. seed.sick.appointments[2]
    local moved = box.ask(200, "PUT", target, { assignedUserId = seed.users.okafor })
    assert.are.equal(seed.users.okafor, moved.assignedUserId)
    box.refused(
      400,
      "The user id is not part of the calendar team.",
      "PUT",
      target,
      { assignedUserId = seed.users.solberg }
    )
  end)

  it("go to another calendar and its team", function()
    local target = "/calendars/events/appointments/" .. seed.sick.appointments[4]
    local moved =
      box.ask(200, "PUT", target, { calendarId = seed.calendars.physio, startTime = "2026-05-07T10:00:00-04:00" })
    assert.are.equal(seed.users.solberg, moved.assignedUserId)
    assert.are.equal("2026-05-07T10:45:00-04:00", get(moved.id).endTime)
  end)

  it("free their slot when cancelled, and take it again when confirmed", function()
    local slot = "2026-05-05T09:30:00-04:00"
    local made = box.book { assignedUserId = seed.users.okafor }
    local target = "/calendars/events/appointments/" .. made.id
    local okafor = "&userId=" .. seed.users.okafor
    assert.is_false(box.is_free("checkup", slot, okafor))
    for _, status in ipairs { "cancelled", "invalid" } do
      assert.are.equal(status, box.ask(200, "PUT", target, { appointmentStatus = status }).appointmentStatus)
      assert.is_true(box.is_free("checkup", slot, okafor))
    end
    for _, status in ipairs { "confirmed", "showed", "noshow", "new" } do
      box.ask(200, "PUT", target, { appointmentStatus = status })
      assert.is_false(box.is_free("checkup", slot, okafor))
    end
    box.ask(200, "PUT", target, { appointmentStatus = "cancelled" })
    box.book { assignedUserId = seed.users.okafor }
    box.refused(400, SLOT_TAKEN, "PUT", target, { appointmentStatus = "confirmed" })
    assert.are.equal("cancelled", get(made.id).appointmentStatus)
  end)

  it("keep their contact and location", function()
    local target = "/calendars/events/appointments/" .. seed.appointments[1]
    box.refused(
      422,
      { "property contactId should not exist", "property locationId should not exist" },
      "PUT",
      target,
      { contactId = "x", locationId = "x" }
    )
    box.refused(404, "Appointment not found", "PUT", "/calendars/events/appointments/none", { title = "x" })
    assert.are.equal("Follow-up", box.ask(200, "PUT", target, { title = "Follow-up", notes = "x" }).title)
  end)
end)

describe("sandbox events", function()
  local function target(route, filter, from, to)
    return ("/calendars/%s?locationId=%s&startTime=%d&endTime=%d%s"):format(
      route,
      seed.location_id,
      from or NOW,
      to or NOW + 7 * DAY,
      filter or ""
    )
  end

  it("are listed of a user, a calendar or a group, in order", function()
    local day = { NOW + 16 * HOUR, NOW + 40 * HOUR }
    local sick = box.ask(200, "GET", target("events", "&userId=" .. seed.users.weber, day[1], day[2])).events
    assert.are.same(seed.sick.appointments, ids(sick))
    assert.are.equal(seed.groups.treatments, sick[1].groupId)
    assert.are.same({ seed.users.weber }, sick[1].users)
    local class = box.ask(200, "GET", target("events", "&calendarId=" .. seed.calendars.class)).events
    assert.are.equal(5, #class)
    local group = box.ask(200, "GET", target("events", "&groupId=" .. seed.groups.treatments)).events
    assert.are.equal(17, #group)
    for i = 2, #group do
      assert.is_true(group[i - 1].startTime <= group[i].startTime)
    end
  end)

  it("are those that touch the window", function()
    local at = NOW + 25 * HOUR -- Tuesday, nine
    local filter = "&userId=" .. seed.users.weber
    assert.are.equal(1, #box.ask(200, "GET", target("events", filter, at, at + 1)).events)
    assert.are.equal(1, #box.ask(200, "GET", target("events", filter, at + HOUR // 2 - 1, at + HOUR // 2)).events)
    local _, raw = box.ask(200, "GET", target("events", filter, at + HOUR // 2, at + HOUR))
    assert.matches('"events":[]', raw.body, 1, true)
  end)

  it("need an owner and instants in digits", function()
    box.refused(422, "Either of userId, calendarId or groupId is required", "GET", target "events")
    box.refused(422, "Either of userId, calendarId or groupId is required", "GET", target "blocked-slots")
    box.refused(
      422,
      { "startTime must be a number string", "endTime must be a number string" },
      "GET",
      ("/calendars/events?locationId=%s&startTime=2026-05-04T00:00:00Z"):format(seed.location_id)
    )
    box.refused(404, "Calendar not found", "GET", target("events", "&calendarId=none"))
  end)

  it("are deleted with 201, appointments and blocks alike", function()
    for _, id in ipairs { seed.appointments[1], seed.blocks.training } do
      local answer = box.ask(201, "DELETE", "/calendars/events/" .. id, "{}")
      assert.is_true(answer.succeeded)
      assert.is_nil(answer.success)
      box.refused(404, "Event not found", "DELETE", "/calendars/events/" .. id)
    end
    box.refused(404, "Appointment not found", "GET", "/calendars/events/appointments/" .. seed.appointments[1])
  end)
end)

describe("sandbox block slots", function()
  local function fields(more)
    local body = {
      locationId = seed.location_id,
      title = "Dentist",
      startTime = "2026-05-06T09:00:00-04:00",
      endTime = "2026-05-06T12:00:00-04:00",
    }
    for name, value in pairs(more or {}) do
      body[name] = value or nil
    end
    return body
  end

  local function list(filter)
    return box.ask(
      200,
      "GET",
      ("/calendars/blocked-slots?locationId=%s&startTime=%d&endTime=%d%s"):format(
        seed.location_id,
        NOW,
        NOW + 7 * DAY,
        filter
      )
    ).events
  end

  it("take the time of a user, are listed, moved and deleted", function()
    local slot, okafor = "2026-05-06T09:00:00-04:00", seed.users.okafor
    assert.is_true(box.is_free("checkup", slot, "&userId=" .. okafor))
    local made = box.ask(201, "POST", "/calendars/events/block-slots", fields { assignedUserId = okafor })
    assert.are.equal(slot, made.startTime)
    assert.is_false(box.is_free("checkup", slot, "&userId=" .. okafor))
    assert.is_true(box.is_free("checkup", slot))
    local target = "/calendars/events/block-slots/" .. made.id
    assert.are.same({ made.id, seed.blocks.training }, ids(list("&userId=" .. okafor)))
    local moved = box.ask(201, "PUT", target, fields { startTime = "2026-05-06T10:00:00-04:00" })
    assert.are.equal("2026-05-06T12:00:00-04:00", moved.endTime)
    assert.are.equal(okafor, moved.assignedUserId)
    assert.is_true(box.is_free("checkup", slot, "&userId=" .. okafor))
    box.ask(201, "DELETE", "/calendars/events/" .. made.id)
    box.refused(404, "Event not found", "PUT", target, fields())
  end)

  it("take the time of an event calendar, and of no other", function()
    local slot = "2026-05-07T17:30:00-04:00"
    local times = { startTime = "2026-05-07T00:00:00-04:00", endTime = "2026-05-08T00:00:00-04:00" }
    times.calendarId = seed.calendars.class
    assert.is_true(box.is_free("class", slot))
    local made = box.ask(201, "POST", "/calendars/events/block-slots", fields(times))
    assert.are.same({}, box.free("class")["2026-05-07"] or {})
    assert.are.same({ made.id }, ids(list("&calendarId=" .. seed.calendars.class)))
    times.calendarId = seed.calendars.checkup
    box.refused(400, "The calendar is not an event calendar.", "POST", "/calendars/events/block-slots", fields(times))
    box = new { strict_block_slots = false }
    box.ask(201, "POST", "/calendars/events/block-slots", fields(times))
    assert.is_nil(box.free("checkup")["2026-05-07"])
  end)

  it("have one owner and an end after their start", function()
    local target = "/calendars/events/block-slots"
    box.refused(422, "Either of calendarId or assignedUserId is required", "POST", target, fields())
    box.refused(
      422,
      "Only one of calendarId and assignedUserId can be given",
      "POST",
      target,
      fields { calendarId = seed.calendars.class, assignedUserId = seed.users.okafor }
    )
    box.refused(400, "The user id is not valid.", "POST", target, fields { assignedUserId = "nobody" })
    box.refused(
      422,
      { "endTime must be after startTime" },
      "POST",
      target,
      fields { assignedUserId = seed.users.okafor, endTime = "2026-05-06T08:00:00-04:00" }
    )
    box.refused(
      422,
      { "startTime must be a valid ISO 8601 date string" },
      "POST",
      target,
      fields { assignedUserId = seed.users.okafor, startTime = false }
    )
  end)
end)

describe("sandbox notes", function()
  local target
  before_each(function() target = "/calendars/appointments/" .. seed.appointments[1] .. "/notes" end)

  it("are written, changed and deleted", function()
    local made = box.ask(201, "POST", target, { body = "Bring X-rays", userId = seed.users.okafor }).note
    assert.are.equal("Dr. Amara Okafor", made.createdBy.name)
    assert.are.equal(seed.contacts.adele, made.contactId)
    assert.are.equal("2026-05-04T12:00:00.000Z", made.dateAdded)
    local changed = box.ask(200, "PUT", target .. "/" .. made.id, { body = "Bring nothing" }).note
    assert.are.equal("Bring nothing", changed.body)
    assert.are.equal(made.userId, changed.userId)
    assert.is_true(box.ask(200, "DELETE", target .. "/" .. made.id).success)
    box.refused(404, "Note not found", "DELETE", target .. "/" .. made.id)
    box.refused(404, "Note not found", "PUT", target .. "/" .. seed.notes.results, { body = "of another" })
  end)

  it("come in pages, newest first", function()
    local written = {}
    for i = 1, 5 do
      table.insert(written, 1, box.ask(201, "POST", target, { body = "Note " .. i }).note.id)
    end
    local page = box.ask(200, "GET", target .. "?limit=3&offset=0")
    assert.are.same({ written[1], written[2], written[3] }, ids(page.notes))
    assert.is_true(page.hasMore)
    page = box.ask(200, "GET", target .. "?limit=3&offset=3")
    assert.are.same({ written[4], written[5] }, ids(page.notes))
    assert.is_false(page.hasMore)
    page = box.ask(200, "GET", target .. "?limit=5&offset=0")
    assert.are.equal(5, #page.notes)
    assert.is_false(page.hasMore)
    local _, raw = box.ask(200, "GET", target .. "?limit=3&offset=9")
    assert.matches('"notes":[]', raw.body, 1, true)
  end)

  it("need limit and offset, and a body of 5000 characters at most", function()
    local number = " must be a number conforming to the specified constraints"
    box.refused(422, { "limit" .. number, "offset" .. number }, "GET", target)
    box.refused(422, { "limit must not be greater than 20" }, "GET", target .. "?limit=21&offset=0")
    box.ask(201, "POST", target, { body = ("ü"):rep(5000) })
    box.refused(
      422,
      { "body must be shorter than or equal to 5000 characters" },
      "POST",
      target,
      { body = ("ü"):rep(5001) }
    )
    box.refused(404, "Appointment not found", "GET", "/calendars/appointments/none/notes?limit=1&offset=0")
  end)
end)

describe("sandbox resources", function()
  local function fields(more)
    local body = {
      locationId = seed.location_id,
      name = "Yoga room",
      description = "Quiet",
      quantity = 1,
      outOfService = 0,
      capacity = 12,
      calendarIds = {},
    }
    for name, value in pairs(more or {}) do
      body[name] = value
    end
    return body
  end

  it("are listed as a bare list, in pages", function()
    local target = "/calendars/resources/rooms?locationId=" .. seed.location_id
    assert.are.same(
      { "Consulting room 1", "Consulting room 2", "Gym" },
      names(box.ask(200, "GET", target .. "&limit=10&skip=0"))
    )
    assert.are.same({ "Consulting room 2" }, names(box.ask(200, "GET", target .. "&limit=1&skip=1")))
    local _, raw = box.ask(200, "GET", target .. "&limit=1&skip=5")
    assert.are.equal("[]", raw.body)
    local number = " must be a number conforming to the specified constraints"
    box.refused(422, { "limit" .. number, "skip" .. number }, "GET", target)
    box.refused(
      422,
      { "resourceType must be one of the following values: equipments, rooms" },
      "GET",
      ("/calendars/resources/cars?limit=1&skip=0&locationId=%s"):format(seed.location_id)
    )
  end)

  it("are created, read without id, changed and deleted", function()
    local made = box.ask(201, "POST", "/calendars/resources/rooms", fields())
    assert.is_true(made.isActive)
    assert.are.equal("rooms", made.resourceType)
    local target = "/calendars/resources/rooms/" .. made.id
    local read, raw = box.ask(200, "GET", target)
    assert.is_nil(read.id)
    assert.are.equal("Yoga room", read.name)
    assert.matches('"calendarIds":[]', raw.body, 1, true)
    local changed = box.ask(200, "PUT", target, { name = "Studio", isActive = false })
    assert.are.equal("Studio", changed.name)
    assert.is_nil(changed.calendarIds)
    assert.is_false(box.ask(200, "GET", target).isActive)
    assert.is_true(box.ask(200, "DELETE", target).success)
    for _, method in ipairs { "GET", "DELETE" } do
      box.refused(404, "Resource not found", method, target)
    end
    box.refused(404, "Resource not found", "PUT", target, { name = "x" })
  end)

  it("are of one type, and equipment of one calendar", function()
    box.refused(404, "Resource not found", "GET", "/calendars/resources/equipments/" .. seed.resources.gym)
    box.refused(
      400,
      "An equipment can only be mapped to one service calendar.",
      "POST",
      "/calendars/resources/equipments",
      fields { calendarIds = { seed.calendars.checkup, seed.calendars.physio } }
    )
    box.refused(404, "Calendar not found", "POST", "/calendars/resources/rooms", fields { calendarIds = { "x" } })
  end)
end)

describe("sandbox notifications", function()
  local target
  before_each(function() target = "/calendars/" .. seed.calendars.checkup .. "/notifications" end)

  local function reminder(more)
    local body = { receiverType = "contact", channel = "sms", notificationType = "reminder" }
    for name, value in pairs(more or {}) do
      body[name] = value
    end
    return body
  end

  it("are created several at a time, as bare lists", function()
    local made = box.ask(200, "POST", target, { reminder(), reminder { isActive = false, fromName = "Us" } })
    assert.are.equal(2, #made)
    assert.is_string(made[1]._id)
    assert.is_nil(made[1].id)
    assert.is_true(made[1].isActive)
    assert.are.equal(3, #box.ask(200, "GET", target))
    assert.are.same({ made[2]._id }, { box.ask(200, "GET", target .. "?isActive=false")[1]._id })
    assert.are.equal(1, #box.ask(200, "GET", target .. "?skip=2&limit=5"))
  end)

  it("are read, changed and deleted, each with its own response", function()
    local one = target .. "/" .. seed.notifications.reminder
    local read = box.ask(200, "GET", one)
    assert.are.equal(seed.notifications.reminder, read._id)
    assert.is_string(read.traceId)
    assert.is_string(box.ask(200, "PUT", one, { subject = "Tomorrow" }).message)
    assert.are.equal("Tomorrow", box.ask(200, "GET", one).subject)
    assert.is_string(box.ask(200, "DELETE", one).message)
    assert.are.same({}, box.ask(200, "GET", target))
    assert.are.equal(1, #box.ask(200, "GET", target .. "?deleted=true"))
  end)

  it("need a list and its three fields", function()
    box.refused(422, { "body must be an array" }, "POST", target, reminder())
    box.refused(
      422,
      { "0.receiverType must be a string", "0.notificationType must be a string" },
      "POST",
      target,
      { { channel = "sms" } }
    )
    box.refused(404, "Calendar not found", "GET", "/calendars/none/notifications")
    box.refused(422, { "isActive must be a boolean value" }, "GET", target .. "?isActive=maybe")
    for method, body in pairs { GET = false, DELETE = false, PUT = { subject = "x" } } do
      box.refused(404, "Notification not found", method, target .. "/none", body or nil)
    end
  end)
end)

describe("sandbox schedules", function()
  local function fields(more)
    local body = {
      locationId = seed.location_id,
      name = "Mornings",
      userId = seed.users.weber,
      timezone = "America/New_York",
      rules = { { type = "wday", day = "wednesday", intervals = { { from = "07:00", to = "08:00" } } } },
    }
    for name, value in pairs(more or {}) do
      body[name] = value
    end
    return body
  end

  it("are created, read, found, changed and deleted", function()
    local made = box.ask(201, "POST", "/calendars/schedules", fields()).schedule
    local target = "/calendars/schedules/" .. made.id
    assert.are.same(made, box.ask(200, "GET", target).schedule)
    local search = ("/calendars/schedules/search?locationId=%s&userId=%s"):format(seed.location_id, seed.users.weber)
    assert.are.same({ made.id }, ids(box.ask(200, "GET", search).schedules))
    assert.are.equal(0, #box.ask(200, "GET", search .. "&skip=1").schedules)
    assert.are.equal(0, #box.ask(200, "GET", search .. "&calendarId=" .. seed.calendars.physio).schedules)
    local changed = box.ask(200, "PUT", target, { name = "Early" }).schedule
    assert.are.equal("Early", changed.name)
    assert.are.same(made.rules, changed.rules)
    assert.is_true(box.ask(200, "DELETE", target).success)
    for _, method in ipairs { "GET", "DELETE" } do
      box.refused(404, "Schedule not found", method, target)
    end
  end)

  it("stand in for the hours of a calendar they are applied to", function()
    local slot, weber = "2026-05-06T07:00:00-04:00", "&userId=" .. seed.users.weber
    local made = box.ask(201, "POST", "/calendars/schedules", fields()).schedule
    local target = ("/calendars/schedules/%s/associations/%s"):format(made.id, seed.calendars.checkup)
    assert.is_false(box.is_free("checkup", slot, weber))
    assert.is_true(box.ask(200, "PUT", target).success)
    assert.is_true(box.is_free("checkup", slot, weber))
    assert.is_false(box.is_free("checkup", "2026-05-06T11:00:00-04:00", weber))
    assert.is_true(box.is_free("checkup", "2026-05-06T11:00:00-04:00"))
    local shown = box.ask(200, "GET", "/calendars/schedules/" .. made.id).schedule
    assert.are.same({ seed.calendars.checkup }, shown.calendarIds)
    assert.is_true(box.ask(200, "DELETE", target).success)
    assert.is_false(box.is_free("checkup", slot, weber))
  end)

  it("are only applied within their location", function()
    local base = "/calendars/schedules/" .. seed.schedules.solberg .. "/associations/"
    for _, method in ipairs { "PUT", "DELETE" } do
      box.refused(
        400,
        "Schedule and calendar must belong to the same location",
        method,
        base .. seed.calendars.vaccination
      )
      box.refused(404, "Calendar not found", method, base .. "none")
      box.refused(404, "Schedule not found", method, "/calendars/schedules/none/associations/x")
    end
  end)

  it("refuse zones and rules that the API refuses", function()
    local target = "/calendars/schedules"
    for _, zone in ipairs { "UTC", "America/Argentina/Buenos_Aires" } do
      box.refused(422, { "timezone must match the required pattern" }, "POST", target, fields { timezone = zone })
    end
    box.refused(
      422,
      { "timezone must be a valid IANA time zone" },
      "PUT",
      target .. "/" .. seed.schedules.solberg,
      { timezone = "Mars/Base" }
    )
    box.refused(
      422,
      {
        "rules.0.day must be a string",
        "rules.0.intervals.0.to must be after from",
        "rules.1.date must be a valid date",
      },
      "POST",
      target,
      fields {
        rules = {
          { type = "wday", intervals = { { from = "10:00", to = "09:00" } } },
          { type = "date", date = "2026-02-30", intervals = {} },
        },
      }
    )
    box.refused(
      422,
      { "userId must be a string" },
      "GET",
      "/calendars/schedules/search?locationId=" .. seed.location_id
    )
    box.refused(400, "The user id is not valid.", "POST", target, fields { userId = "nobody" })
  end)

  it("take times of day as HH:MM alone, when created and when changed", function()
    local function refused(from, to, problems)
      local rules = { { type = "wday", day = "monday", intervals = { { from = from, to = to } } } }
      for i, problem in ipairs(problems) do
        problems[i] = "rules.0.intervals.0." .. problem
      end
      box.refused(422, problems, "POST", "/calendars/schedules", fields { rules = rules })
      box.refused(422, problems, "PUT", "/calendars/schedules/" .. seed.schedules.solberg, { rules = rules })
    end
    local from_format, to_format =
      "from must be in HH:MM format (24-hour format)", "to must be in HH:MM format (24-hour format)"
    refused("9:00", "17:00", { from_format })
    refused("09:00", "24:00", { to_format })
    refused("24:30", "25:00", { from_format, to_format })
    refused("9", "17:60", { "from must match the required pattern", "to must match the required pattern" })
    refused("09:00:00", "17h00", { "from must match the required pattern", "to must match the required pattern" })
    refused("09:00", "09:00", { "to must be after from" })
    local rules = { { type = "wday", day = "monday", intervals = { { from = "00:00", to = "23:59" } } } }
    box.ask(201, "POST", "/calendars/schedules", fields { rules = rules })
  end)

  it("take zones of the form Area/City alone, as documented", function()
    for _, zone in ipairs { "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5" } do
      local problem = { "timezone must match the required pattern" }
      box.refused(422, problem, "POST", "/calendars/schedules", fields { timezone = zone })
    end
    local problem = { "timezone must be a valid IANA time zone" }
    box.refused(422, problem, "POST", "/calendars/schedules", fields { timezone = "Europe/Atlantis" })
  end)
end)

-- The last case, because it needs the requests of all cases above.
it("sandbox endpoints all have a request that succeeded and one that was refused", function()
  local router = require("hoopai.sandbox.server.router").new()
  assert.are.equal(66, #router.endpoints)
  for _, endpoint in ipairs(router.endpoints) do
    if endpoint.version then goto continue end -- see spec/sandbox/services_spec.lua
    local cases = sandbox_application.seen[endpoint.label] or {}
    assert(cases.good, endpoint.label .. " has no good case")
    assert(cases.bad, endpoint.label .. " has no bad case")
    ::continue::
  end
end)

describe("a null in an update", function()
  it("clears the field of a calendar, and no other", function()
    local target = "/calendars/" .. seed.calendars.checkup
    local before = box.ask(200, "GET", target).calendar
    assert.is_string(before.groupId)
    local changed = box.ask(200, "PUT", target, '{"groupId":null,"eventTitle":null,"openHours":null}').calendar
    assert.are.same({}, { changed.groupId, changed.eventTitle, changed.openHours })
    before.groupId, before.eventTitle, before.openHours = nil, nil, nil
    assert.are.same(before, box.ask(200, "GET", target).calendar)
    local group = ("/calendars/?locationId=%s&groupId=%s"):format(seed.location_id, seed.groups.treatments)
    assert.are.same({ "Physiotherapy" }, names(box.ask(200, "GET", group).calendars))
    assert.are.same({}, box.free "checkup")
  end)

  it("clears fields of appointments, notes, resources, notifications, schedules and blocked times", function()
    local location = "?locationId=" .. seed.location_id
    local appointment = seed.appointments[1] or next(seed.appointments) and select(2, next(seed.appointments))
    local target = "/calendars/events/appointments/" .. appointment
    box.ask(200, "PUT", target, { description = "d", address = "a" })
    box.ask(200, "PUT", target, '{"description":null,"address":null,"assignedUserId":null}')
    local event = box.ask(200, "GET", target)
    event = event.event or event.appointment
    assert.are.same({}, { event.description, event.address, event.assignedUserId })

    local notes = "/calendars/appointments/" .. appointment .. "/notes"
    local note = box.ask(201, "POST", notes, { body = "x", userId = seed.users.okafor }).note
    assert.is_string(note.userId)
    assert.is_nil(box.ask(200, "PUT", notes .. "/" .. note.id, '{"body":"x","userId":null}').note.userId)

    local rooms = "/calendars/resources/rooms"
    local room = box.ask(200, "GET", rooms .. location .. "&limit=10&skip=0")[1]
    box.ask(200, "PUT", rooms .. "/" .. room.id, '{"description":null,"calendarIds":null}')
    local shown = box.ask(200, "GET", rooms .. "/" .. room.id)
    assert.is_nil(shown.description)
    assert.are.same({}, shown.calendarIds)

    local notifications = "/calendars/" .. seed.calendars.checkup .. "/notifications"
    local made = box.ask(200, "POST", notifications, {
      { receiverType = "contact", channel = "email", notificationType = "booked", subject = "s", isActive = true },
    })[1]
    box.ask(200, "PUT", notifications .. "/" .. made._id, '{"subject":null}')
    local after = box.ask(200, "GET", notifications .. "/" .. made._id)
    assert.is_nil(after.subject)
    assert.is_true(after.isActive)

    local schedules = "/calendars/schedules"
    local schedule = box.ask(201, "POST", schedules, {
      name = "s",
      locationId = seed.location_id,
      userId = seed.users.okafor,
      timezone = "America/New_York",
      rules = { { type = "wday", day = "monday", intervals = { { from = "08:00", to = "12:00" } } } },
    }).schedule
    assert.are.same({}, box.ask(200, "PUT", schedules .. "/" .. schedule.id, '{"rules":null}').schedule.rules)
  end)

  it("is refused for a field that no record is without", function()
    local calendar = "/calendars/" .. seed.calendars.checkup
    box.refused(422, { "name must be a string" }, "PUT", calendar, '{"name":null}')
    box.refused(
      422,
      { "description must be a string" },
      "PUT",
      "/calendars/groups/" .. seed.groups.treatments,
      '{"name":"n","slug":"s","description":null}'
    )
    box.refused(422, { "teamMembers must contain at least 1 elements" }, "PUT", calendar, '{"teamMembers":null}')
  end)
end)
