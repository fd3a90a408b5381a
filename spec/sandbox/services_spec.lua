-- The operations of version v3 in the sandbox, without sockets: services, service locations, service bookings and the
-- schedules of event calendars.

local sandbox_application = require "spec.support.sandbox_application"

local HOUR, DAY = sandbox_application.HOUR, sandbox_application.DAY
local NOW, SLOT_TAKEN = sandbox_application.NOW, sandbox_application.SLOT_TAKEN

local V3 = { version = "v3" }
local BOOKINGS, CATALOG = "/calendars/services/bookings", "/calendars/services/catalog"
local PLACES = "/calendars/services/locations"

local box, seed
before_each(function()
  box = sandbox_application.new()
  seed = box.seed
end)

local function ask(status, method, target, body) return box.ask(status, method, target, body, V3) end

local function refused(status, message, method, target, body) box.refused(status, message, method, target, body, V3) end

local function of(target, query) return ("%s?locationId=%s%s"):format(target, seed.location_id, query or "") end

--- The body of a booking: a massage on Tuesday at 11:00.
local function booking(more)
  local body = {
    locationId = seed.location_id,
    contactId = seed.contacts.adele,
    startTime = "2026-05-05T12:00:00-04:00",
    endTime = "2026-05-05T12:30:00-04:00",
    timezone = "America/New_York",
    services = { { id = seed.services.massage } },
  }
  for name, value in pairs(more or {}) do
    body[name] = value or nil
  end
  return body
end

local function book(more, query) return ask(201, "POST", BOOKINGS .. (query or ""), booking(more)) end

local function taken(more, query) refused(400, SLOT_TAKEN, "POST", BOOKINGS .. (query or ""), booking(more)) end

describe("the version", function()
  it("that the newer operations need is v3", function()
    for _, version in ipairs { "2021-04-15", "2021-07-28" } do
      box.refused(401, "version header is invalid", "GET", of(CATALOG), nil, { version = version })
    end
    ask(200, "GET", of(CATALOG))
  end)

  it("v3 adds fields and values to the others", function()
    local appointment = box.book()
    assert.is_nil(appointment.dateAdded)
    local path = "/calendars/events/appointments/" .. appointment.id
    local changed = ask(200, "PUT", path, { appointmentStatus = "completed" })
    assert.matches("Z$", changed.dateAdded)
    assert.matches("Z$", changed.dateUpdated)
    assert.is_false(ask(200, "GET", path).appointment.deleted)
    assert.is_nil(box.ask(200, "GET", path).appointment.deleted)
    local list = ("/calendars/events?locationId=%s&calendarId=%s&startTime=%d&endTime=%d"):format(
      seed.location_id,
      seed.calendars.checkup,
      NOW,
      NOW + 7 * DAY
    )
    assert.is_false(ask(200, "GET", list).events[1].deleted)
    assert.is_nil(box.ask(200, "GET", list).events[1].deleted)
    local allowed = "appointmentStatus must be one of the following values: new, confirmed, cancelled, showed, noshow, "
      .. "invalid"
    box.refused(422, { allowed }, "PUT", path, { appointmentStatus = "active" })
    local calendar = "/calendars/" .. seed.calendars.checkup
    box.refused(
      422,
      { "allowBookingAfterUnit must be one of the following values: hours, days, weeks, months" },
      "PUT",
      calendar,
      { allowBookingAfterUnit = "mins" }
    )
    ask(200, "PUT", calendar, { allowBookingAfterUnit = "mins" })
  end)
end)

describe("sandbox services", function()
  it("are listed, of a category, public and private ones", function()
    assert.are.same({ "Massage", "Consultation" }, sandbox_application.names(ask(200, "GET", of(CATALOG)).services))
    ask(200, "PUT", CATALOG .. "/" .. seed.services.massage, { isPrivate = true, serviceCategoryId = "special" })
    local function names(query) return sandbox_application.names(ask(200, "GET", of(CATALOG, query)).services) end
    assert.are.same({ "Massage" }, names "&isPrivate=true")
    assert.are.same({ "Consultation" }, names "&isPrivate=false")
    assert.are.same({ "Massage" }, names "&serviceCategoryId=special")
    refused(422, { "locationId must be a string" }, "GET", CATALOG)
    refused(403, "The token does not have access to this location.", "GET", CATALOG .. "?locationId=other")
  end)

  it("are created, changed and deleted", function()
    local body = {
      locationId = seed.location_id,
      name = "Taping",
      slug = "taping",
      staff = { { id = seed.users.solberg } },
      variations = { { name = "Knee" }, { name = "Back", serviceDuration = 20 } },
    }
    local made = ask(201, "POST", CATALOG, body).service
    assert.are.same({ 30, "mins", "Knee", "Back" }, {
      made.serviceDuration,
      made.serviceDurationUnit,
      made.variations[1].name,
      made.variations[2].name,
    })
    local path = CATALOG .. "/" .. made.id
    assert.are.same(made, ask(200, "GET", path).service)
    local knee = made.variations[1].id
    local changed = ask(200, "PUT", path, { variations = { { id = knee, serviceDuration = 5 }, { name = "Foot" } } })
    assert.are.same({ "Knee", 5, "Foot" }, {
      changed.service.variations[1].name,
      changed.service.variations[1].serviceDuration,
      changed.service.variations[2].name,
    })
    assert.are.equal(knee, changed.service.variations[1].id)
    assert.are.same({}, ask(200, "PUT", path, [[{"variations":[]}]]).service.variations)
    assert.is_true(ask(200, "DELETE", path).success)
    refused(404, "Service not found", "GET", path)
    refused(404, "Service not found", "DELETE", path)
  end)

  it("are refused with strange staff, slugs and variations", function()
    local function create(status, message, more)
      local body = { locationId = seed.location_id, name = "x", slug = "x", staff = { { id = seed.users.solberg } } }
      for name, value in pairs(more) do
        body[name] = value
      end
      refused(status, message, "POST", CATALOG, body)
    end
    create(400, "The staff id nobody is not valid.", { staff = { { id = "nobody" } } })
    create(400, "The slug is already in use.", { slug = "massage" })
    create(422, { "serviceDurationUnit must be one of the following values: mins, hours" }, {
      serviceDurationUnit = "days",
    })
    local path = CATALOG .. "/" .. seed.services.massage
    refused(400, "The variation id none is not valid.", "PUT", path, { variations = { { id = "none" } } })
    refused(422, { "variations.0.name must be a string" }, "PUT", path, { variations = { { serviceDuration = 5 } } })
    refused(422, { "property locationId should not exist" }, "PUT", path, { locationId = seed.location_id })
    refused(400, "The slug is already in use.", "PUT", path, { slug = "consultation" })
  end)
end)

describe("sandbox service locations", function()
  it("are listed, created, changed and deleted", function()
    local list = ask(200, "GET", of(PLACES)).serviceLocations
    assert.are.same({ seed.service_locations.clinic, seed.service_locations.home }, { list[1].id, list[2].id })
    local body = { locationId = seed.location_id, name = "Pool", slug = "pool", phone = "+1" }
    local made = ask(201, "POST", PLACES, body)
    assert.are.same({ true, false, "offline" }, { made.isActive, made.isPrivate, made.locationType })
    local path = PLACES .. "/" .. made.id
    assert.are.equal("Pool", ask(200, "GET", path).name)
    local changed = ask(200, "PUT", path, [[{"name":"Big pool","phone":null}]])
    assert.are.same({ "Big pool" }, { changed.name, changed.phone })
    assert.is_true(ask(200, "DELETE", path).success)
    refused(404, "Service location not found", "GET", path)
    refused(404, "Service location not found", "DELETE", path)
    refused(422, { "property isActive should not exist" }, "PUT", path, { isActive = false })
    refused(
      400,
      "The slug is already in use.",
      "POST",
      PLACES,
      { locationId = seed.location_id, name = "x", slug = "home" }
    )
    refused(422, { "locationId must be a string" }, "GET", PLACES)
  end)
end)

describe("sandbox service bookings", function()
  it("end when their services do, and show them under other names", function()
    local made = book()
    assert.are.same({
      "2026-05-05T12:00:00-04:00",
      "2026-05-05T12:45:00-04:00",
      "confirmed",
      false,
      seed.service_locations.clinic,
      "Adele Laurent - Massage",
    }, { made.startTime, made.endTime, made.status, made.deleted, made.serviceLocationId, made.title })
    assert.are.same({
      {
        id = seed.services.massage,
        serviceCategoryId = "CategoryDefault00000",
        serviceStaffId = seed.users.solberg,
        serviceStartTime = "2026-05-05T12:00:00-04:00",
        serviceEndTime = "2026-05-05T12:45:00-04:00",
        serviceResources = {},
        serviceAddOns = {},
      },
    }, made.services)
    assert.is_nil(made.messages)
    local read = ask(200, "GET", BOOKINGS .. "/" .. made.bookingId)
    read.traceId, made.traceId = nil, nil
    assert.are.same(made, read)
  end)

  it("take the buffers between their services and the length of what is added", function()
    local items = {
      { id = seed.services.consultation, position = 1, staffId = seed.users.weber },
      {
        id = seed.services.massage,
        position = 0,
        addOns = { { id = "oil", quantity = 2, duration = 5 }, { id = "tea" } },
      },
    }
    local made = book { services = items }
    local massage, consultation = made.services[1], made.services[2]
    assert.are.same({ seed.services.massage, "2026-05-05T12:55:00-04:00" }, { massage.id, massage.serviceEndTime })
    assert.are.same({ { id = "oil", quantity = 2 }, { id = "tea", quantity = 1 } }, massage.serviceAddOns)
    assert.are.equal("2026-05-05T13:05:00-04:00", consultation.serviceStartTime)
    assert.are.same({ "2026-05-05T13:25:00-04:00", seed.users.weber }, { made.endTime, consultation.serviceStaffId })
  end)

  it("take the time of their staff: of other bookings, appointments and blocked times, and give it back", function()
    local made = book()
    taken { contactId = seed.contacts.bruno }
    taken { startTime = "2026-05-05T12:40:00-04:00", endTime = "2026-05-05T13:40:00-04:00" }
    taken { startTime = "2026-05-05T12:50:00-04:00", endTime = "2026-05-05T13:40:00-04:00" } -- within the buffer
    book { startTime = "2026-05-05T13:00:00-04:00", endTime = "2026-05-05T13:45:00-04:00" }
    -- Mira has an appointment at 10:00, until 10:45 with a buffer of 15 minutes.
    taken { startTime = "2026-05-05T10:50:00-04:00", endTime = "2026-05-05T11:40:00-04:00" }
    book { startTime = "2026-05-05T11:00:00-04:00", endTime = "2026-05-05T11:40:00-04:00" }
    -- Her hours begin at 10:00.
    taken { startTime = "2026-05-06T09:30:00-04:00", endTime = "2026-05-06T10:15:00-04:00" }
    ask(200, "PUT", BOOKINGS .. "/" .. made.bookingId, { status = "cancelled" })
    book { contactId = seed.contacts.bruno }
    refused(400, SLOT_TAKEN, "PUT", BOOKINGS .. "/" .. made.bookingId, { status = "confirmed" })
  end)

  it("hide the slots of the calendars of their staff", function()
    assert.is_true(box.is_free("physio", "2026-05-05T12:00:00-04:00"))
    local made = book()
    assert.is_false(box.is_free("physio", "2026-05-05T12:00:00-04:00"))
    box.refuse_booking { calendarId = seed.calendars.physio, startTime = "2026-05-05T12:00:00-04:00" }
    ask(200, "DELETE", BOOKINGS .. "/" .. made.bookingId)
    assert.is_true(box.is_free("physio", "2026-05-05T12:00:00-04:00"))
  end)

  it("choose a member of the staff who is free", function()
    local staff = {}
    for index = 1, 2 do
      local made = book {
        contactId = index == 1 and seed.contacts.adele or seed.contacts.bruno,
        startTime = "2026-05-05T12:00:00-04:00",
        services = { { id = seed.services.consultation } },
      }
      staff[index] = made.services[1].serviceStaffId
    end
    assert.are.same({ seed.users.okafor, seed.users.weber }, staff)
    taken { services = { { id = seed.services.consultation } } }
  end)

  it("are for one of several at once", function()
    local won = 0
    for _, contact in pairs(seed.contacts) do
      local status = box.send("POST", BOOKINGS, booking { contactId = contact }, V3)
      if status == 201 then won = won + 1 end
    end
    assert.are.equal(1, won)
  end)

  it("are made without any check, or without that of the notice alone, if the switches say so", function()
    local soon = { startTime = "2026-05-04T09:00:00-04:00", endTime = "2026-05-04T10:00:00-04:00" } -- in an hour
    soon.services = { { id = seed.services.consultation } }
    taken(soon)
    local made = book(soon, "?skipSchedulingNotice=true")
    assert.are.equal(seed.users.okafor, made.services[1].serviceStaffId)
    local far = { startTime = "2028-05-05T12:00:00-04:00", endTime = "2028-05-05T12:40:00-04:00" }
    taken(far)
    book(far, "?skipSchedulingNotice=true")
    taken(far, "?skipSchedulingNotice=true")
    book(far, "?overrideAvailability=true")
    book({ startTime = "2020-05-05T03:00:00-04:00" }, "?overrideAvailability=true")
    refused(
      422,
      { "overrideAvailability must be a boolean value" },
      "POST",
      BOOKINGS .. "?overrideAvailability=yes",
      booking()
    )
    refused(
      422,
      { "property overrideAvailability should not exist" },
      "POST",
      BOOKINGS,
      booking { overrideAvailability = true }
    )
  end)

  it("need the customer's place where that is asked for, and ignore it elsewhere", function()
    local home = seed.service_locations.home
    local needed = "Meeting location is required for the selected service location."
    refused(400, needed, "POST", BOOKINGS, booking { serviceLocationId = home })
    local made = book { serviceLocationId = home, meetingLocation = "5 Elm Street" }
    assert.are.same({ "5 Elm Street" }, { made.meetingLocation, made.messages })
    local other =
      book { startTime = "2026-05-05T13:00:00-04:00", endTime = "2026-05-05T13:45:00-04:00", meetingLocation = "x" }
    assert.is_nil(other.meetingLocation)
    assert.matches("has been ignored", other.messages[1])
    local path = BOOKINGS .. "/" .. made.bookingId
    assert.is_nil(ask(200, "PUT", path, { serviceLocationId = seed.service_locations.clinic }).meetingLocation)
    refused(400, needed, "PUT", path, { serviceLocationId = home })
  end)

  it("are moved, get other services, and are marked as no_show", function()
    local made = book()
    local path = BOOKINGS .. "/" .. made.bookingId
    local moved = ask(200, "PUT", path, { startTime = "2026-05-05T12:15:00-04:00" })
    assert.are.same(
      { "2026-05-05T13:00:00-04:00", seed.users.solberg },
      { moved.endTime, moved.services[1].serviceStaffId }
    )
    local other = ask(200, "PUT", path, { services = { { id = seed.services.consultation } } })
    assert.are.same(
      { "2026-05-05T12:35:00-04:00", seed.users.okafor },
      { other.endTime, other.services[1].serviceStaffId }
    )
    assert.are.equal("no_show", ask(200, "PUT", path, { status = "no_show", title = "Gone" }).status)
    refused(
      422,
      { "status must be one of the following values: confirmed, cancelled, invalid, new, showed, no_show" },
      "PUT",
      path,
      { status = "noshow" }
    )
    refused(422, { "property contactId should not exist" }, "PUT", path, { contactId = "c" })
    local blocked = { startTime = "2026-05-05T10:00:00-04:00", services = { { id = seed.services.massage } } }
    refused(400, SLOT_TAKEN, "PUT", path, blocked)
    ask(200, "PUT", path .. "?overrideAvailability=true", blocked)
  end)

  it("lose the times of their services when they are cancelled or deleted", function()
    local made = book()
    local path = BOOKINGS .. "/" .. made.bookingId
    local cancelled = ask(200, "PUT", path, { status = "cancelled" })
    assert.are.same({ "", "" }, { cancelled.services[1].serviceStartTime, cancelled.services[1].serviceEndTime })
    local gone = ask(200, "DELETE", path)
    assert.are.same({ true, "Service booking deleted successfully" }, { gone.success, gone.message })
    assert.is_true(ask(200, "GET", path).deleted)
    refused(404, "Service booking not found", "DELETE", path)
    refused(404, "Service booking not found", "PUT", path, { title = "x" })
  end)

  it("are listed between two instants, at a place, in a zone", function()
    local first = book()
    book {
      startTime = "2026-05-06T12:00:00-04:00",
      serviceLocationId = seed.service_locations.home,
      meetingLocation = "x",
    }
    local function list(query)
      local target = of(BOOKINGS, ("&startTime=%d&endTime=%d%s"):format(NOW, NOW + 7 * DAY, query or ""))
      return ask(200, "GET", target).bookings
    end
    assert.are.equal(2, #list())
    assert.are.equal(1, #list("&serviceLocationId=" .. seed.service_locations.home))
    assert.are.equal("2026-05-05T18:00:00+02:00", list("&timezone=Europe/Paris")[1].startTime)
    assert.are.same({}, ask(200, "GET", of(BOOKINGS, ("&startTime=%d&endTime=%d"):format(NOW, NOW + HOUR))).bookings)
    ask(200, "DELETE", BOOKINGS .. "/" .. first.bookingId)
    assert.are.equal(1, #list())
    refused(422, { "endTime must be a number string" }, "GET", of(BOOKINGS, "&startTime=1"))
  end)

  it("are refused for unknown contacts, services, staff and places", function()
    local function create(status, message, more) refused(status, message, "POST", BOOKINGS, booking(more)) end
    create(400, "The contact id is not valid.", { contactId = seed.contacts.ines })
    create(400, "The service id none is not valid.", { services = { { id = "none" } } })
    create(
      400,
      ("The staff id %s is not valid for the service %s."):format(seed.users.weber, seed.services.massage),
      { services = { { id = seed.services.massage, staffId = seed.users.weber } } }
    )
    create(404, "Service location not found", { serviceLocationId = "none" })
    create(422, { "services must contain at least 1 elements" }, { services = {} })
    refused(404, "Service booking not found", "GET", BOOKINGS .. "/none")
  end)
end)

describe("sandbox schedules of event calendars", function()
  local RULES = { { type = "wday", day = "wednesday", intervals = { { from = "18:00", to = "20:00" } } } }

  it("replace the hours of the calendar", function()
    local path = "/calendars/schedules/event-calendar/" .. seed.calendars.class
    refused(404, "Schedule not found", "GET", path)
    refused(404, "Schedule not found", "PUT", path, { rules = RULES })
    assert.is_true(box.is_free("class", "2026-05-09T10:00:00-04:00"))
    local made = ask(201, "POST", path, { timezone = "America/New_York", rules = RULES }).schedule
    assert.are.same({ seed.calendars.class, RULES }, { made.calendarId, made.rules })
    assert.is_false(box.is_free("class", "2026-05-09T10:00:00-04:00"))
    assert.is_true(box.is_free("class", "2026-05-06T18:00:00-04:00"))
    refused(
      422,
      "A schedule already exists for this event calendar.",
      "POST",
      path,
      { timezone = "America/New_York", rules = RULES }
    )
    local changed = ask(200, "PUT", path, { timezone = "America/Chicago" }).schedule
    assert.are.same({ "America/Chicago", RULES }, { changed.timezone, changed.rules })
    assert.is_true(box.is_free("class", "2026-05-06T19:00:00-04:00"))
    assert.are.same(changed, ask(200, "GET", path).schedule)
    refused(422, { "timezone must match the required pattern" }, "PUT", path, { timezone = "UTC" })
    local wrong = { { type = "wday", intervals = { { from = "20:00", to = "18:00" } } } }
    refused(
      422,
      { "rules.0.day must be a string", "rules.0.intervals.0.to must be after from" },
      "PUT",
      path,
      { rules = wrong }
    )
    ask(200, "DELETE", "/calendars/" .. seed.calendars.class) -- its schedule goes with it
    refused(404, "Event calendar not found", "GET", path)
  end)

  it("are for event calendars alone", function()
    local path = "/calendars/schedules/event-calendar/" .. seed.calendars.checkup
    refused(404, "Event calendar not found", "GET", path)
    refused(404, "Event calendar not found", "POST", path, { timezone = "America/New_York", rules = RULES })
  end)
end)

describe("sandbox endpoints of version v3", function()
  it("all have a request that succeeded and one that was refused", function()
    local count = 0
    for _, endpoint in ipairs(box.app.router.endpoints) do
      if endpoint.version == "v3" then
        count = count + 1
        assert.are.same({ good = true, bad = true }, sandbox_application.seen[endpoint.label], endpoint.label)
      end
    end
    assert.are.equal(18, count)
  end)
end)
