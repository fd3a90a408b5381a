-- The sandbox without sockets: every endpoint with a good and a bad case, the refusals, the quirks.

local app = require "hoopai.sandbox.server.application"
local core = require "hoopai.core"

-- A Monday, eight in the morning in New York; the seed's days are Tuesday, Wednesday and Thursday.
local NOW = 1777896000000
local HOUR, DAY = 3600000, 86400000

local SLOT_TAKEN = "The slot you have selected is no longer available."

-- label -> { good, bad } over the whole file, judged by the last case.
local seen = {}

-- What answers hold beyond the declared fields: the ids without which nobody could use the other routes.
local EXTRA = {
  ["resources.list"] = { id = true }, ["resources.create"] = { id = true },
}

-- Demands that a value has declared fields only.
local function declared_only(label, declared, value)
  if declared.type == "array" then
    for _, item in ipairs(value) do declared_only(label, declared.items, item) end
  elseif declared.values then
    for _, item in pairs(value) do declared_only(label, declared.values, item) end
  elseif declared.fields then
    local known = {}
    for _, field in ipairs(declared.fields) do known[field.name] = field end
    for name, item in pairs(value) do
      local field = known[name]
      assert(field or EXTRA[label] and EXTRA[label][name], ("%s answers an undeclared %s"):format(label, name))
      if field and type(item) == "table" then declared_only(label, field, item) end
    end
  end
end

local function check_answer(endpoint, body)
  local result, value = endpoint.result, body
  for _, key in ipairs(result.keys or {}) do
    if body[key] ~= nil then value = body[key] end
  end
  if result.keys then assert(value ~= body, endpoint.label .. " lacks its envelope") end
  if value == body and result.type.type ~= "array" then
    value = {}
    for name, item in pairs(body) do value[name] = item end
    value.traceId = nil
  end
  if result.type.type ~= "array" or result.keys then assert(body.traceId, endpoint.label .. " has no traceId") end
  declared_only(endpoint.label, result.type, value)
end

-- A sandbox with a short way of asking it.
local function new(options)
  options = options or {}
  options.now = options.now or NOW
  if options.rate_limit == nil then options.rate_limit = false end
  local self = app.new(options)
  local box = { app = self, seed = self.seed }

  -- body: a table, or a string that is sent as it is. headers: false removes one.
  function box.send(method, target, body, headers)
    local path, query = target:match("^([^?]*)%??(.*)$")
    local all = {
      authorization = "Bearer " .. self.token, version = "2021-07-28",
      ["content-type"] = body and "application/json" or nil,
    }
    for name, value in pairs(headers or {}) do all[name] = value or nil end
    local answer = self:handle {
      method = method, path = path, query_string = query, headers = all,
      body = type(body) == "table" and assert(core.encode(body, { fields = {
        hours = { array = true }, openHours = { array = true }, teamMembers = { array = true },
        calendarIds = { array = true },
      } })) or body,
    }
    assert(not self.fault, self.fault)
    local endpoint = self.router:find(method, path)
    if endpoint then
      seen[endpoint.label] = seen[endpoint.label] or {}
      seen[endpoint.label][answer.status < 300 and "good" or "bad"] = true
      if answer.status < 300 then check_answer(endpoint, assert(core.decode(answer.body))) end
    end
    return answer.status, assert(core.decode(answer.body)), answer
  end

  -- Demands a status, returns the body.
  function box.ask(status, method, target, body, headers)
    local got, answer, raw = box.send(method, target, body, headers)
    assert.are.equal(status, got, method .. " " .. target .. " " .. raw.body)
    return answer, raw
  end

  -- Demands a refusal in its whole form.
  function box.refused(status, message, method, target, body, headers)
    local reasons = {
      [400] = "Bad Request", [401] = "Unauthorized", [403] = "Forbidden", [404] = "Not Found",
      [422] = "Unprocessable Entity", [429] = "Too Many Requests",
    }
    local answer = box.ask(status, method, target, body, headers)
    assert.are.equal(status, answer.statusCode)
    assert.are.equal(reasons[status], answer.error)
    assert.are.same(message, answer.message)
    assert.matches("^%x%x%x%x%x%x%x%x%-%x%x%x%x%-4%x%x%x%-[89ab]%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$", answer.traceId)
  end

  function box.booking(fields)
    local body = {
      calendarId = box.seed.calendars.checkup, locationId = box.seed.location_id,
      contactId = box.seed.contacts.adele, startTime = "2026-05-05T09:30:00-04:00",
    }
    for name, value in pairs(fields or {}) do body[name] = value or nil end
    return body
  end

  function box.book(fields)
    return box.ask(200, "POST", "/calendars/events/appointments", box.booking(fields))
  end

  function box.refuse_booking(fields, message)
    box.refused(400, message or SLOT_TAKEN, "POST", "/calendars/events/appointments", box.booking(fields))
  end

  function box.free(calendar, query)
    local target = ("/calendars/%s/free-slots?startDate=%d&endDate=%d%s"):format(
      box.seed.calendars[calendar] or calendar, NOW, NOW + 7 * DAY, query or "")
    local days = box.ask(200, "GET", target)
    assert.is_string(days.traceId)
    days.traceId = nil
    return days
  end

  function box.is_free(calendar, slot, query)
    local day = box.free(calendar, query)[slot:sub(1, 10)]
    for _, other in ipairs(day and day.slots or {}) do
      if other == slot then return true end
    end
    return false
  end

  function box.token(name)
    return { authorization = "Bearer " .. self.token_names[name] }
  end

  return box
end

local function names(list)
  local found = {}
  for i, item in ipairs(list) do found[i] = item.name end
  return found
end

local function ids(list)
  local found = {}
  for i, item in ipairs(list) do found[i] = item.id end
  return found
end

describe("hoopai.sandbox.server.application", function()
  local box, seed
  before_each(function()
    box = new()
    seed = box.seed
  end)

  describe("access", function()
    local function list()
      return "/calendars/?locationId=" .. seed.location_id
    end

    it("knows its token", function()
      assert.are.equal(3, #box.ask(200, "GET", list()).calendars)
    end)

    it("refuses a missing, a wrong and an expired token", function()
      box.refused(401, "Authorization header was not found.", "GET", list(), nil, { authorization = false })
      box.refused(401, "Invalid JWT", "GET", list(), nil, { authorization = "Bearer wrong" })
      box.refused(401, "Invalid JWT", "GET", list(), nil, { authorization = box.app.token })
      box.refused(401, "Invalid Private Integration token", "GET", list(), nil, { authorization = "Bearer pit-no" })
      box.app.tokens[box.app.token].expired = true
      box.refused(401, "Invalid Private Integration token", "GET", list())
    end)

    it("wants a Version it knows", function()
      box.refused(401, "version header was not found.", "GET", list(), nil, { version = false })
      box.refused(401, "version header is invalid", "GET", list(), nil, { version = "2020-01-01" })
      for _, version in ipairs { "2021-04-15", "2021-07-28", "2023-02-21", "v3" } do
        box.ask(200, "GET", list(), nil, { version = version })
      end
    end)

    it("wants the scope and the class of the endpoint", function()
      box.ask(200, "GET", list(), nil, box.token "readonly")
      box.refused(401, "The token is not authorized for this scope.", "DELETE",
        "/calendars/" .. seed.calendars.checkup, nil, box.token "readonly")
      box.refused(401, "This authClass type is not allowed to access this scope. "
        .. "Please reach out to the Platform team to get it added.", "GET", list(), nil, box.token "agency")
    end)

    it("takes scopes and tokens from its options", function()
      box = new { token = "mine", tokens = { groups = { token = "g", scopes = { "calendars/groups.readonly" } } } }
      assert.are.equal("mine", box.app.token)
      box.ask(200, "GET", "/calendars/groups?locationId=" .. seed.location_id, nil, box.token "groups")
      box.refused(401, "The token is not authorized for this scope.", "GET", list(), nil, box.token "groups")
    end)

    it("keeps locations apart, in queries, bodies and paths", function()
      local message = "The token does not have access to this location."
      box.refused(403, message, "GET", "/calendars/?locationId=" .. seed.other_location_id)
      box.refused(403, message, "POST", "/calendars/", { locationId = seed.other_location_id, name = "x" })
      box.refused(403, message, "GET", "/calendars/" .. seed.calendars.vaccination)
      assert.are.same({ "Travel vaccinations" }, names(box.ask(200, "GET",
        "/calendars/?locationId=" .. seed.other_location_id, nil, box.token "other_location").calendars))
    end)

    it("knows no other routes", function()
      box.refused(404, "Cannot GET /calendars", "GET", "/calendars?locationId=" .. seed.location_id)
      box.refused(404, "Cannot PATCH /calendars/", "PATCH", "/calendars/")
      box.refused(404, "Cannot GET /contacts/", "GET", "/contacts/")
      box.refused(404, "Cannot GET /calendars/{}", "GET", "/calendars/{}")
      box.refused(404, "Cannot POST /__sandbox/reset", "POST", "/__sandbox/reset")
    end)
  end)

  describe("rate limit", function()
    local clock, target
    before_each(function()
      clock = 0
      box = new { rate_limit = { max = 3, interval_ms = 1000, daily = 5 }, clock = function() return clock end }
      target = "/calendars/groups?locationId=" .. seed.location_id
    end)

    local function headers(raw)
      local found = {}
      for name, value in pairs(raw.headers) do
        if name:find "^x%-ratelimit" then found[name:sub(13)] = value end
      end
      return found
    end

    it("tells the budget on every answer", function()
      local _, raw = box.ask(200, "GET", target)
      assert.are.same({
        ["limit-daily"] = "5", ["daily-remaining"] = "4", ["interval-milliseconds"] = "1000", max = "3",
        remaining = "2", ["daily-reset"] = "86400000",
      }, headers(raw))
      clock = 400
      _, raw = box.ask(404, "GET", "/calendars/groups/none")
      assert.are.equal("1", headers(raw).remaining)
      assert.are.equal("86399600", headers(raw)["daily-reset"])
      _, raw = box.ask(404, "GET", "/nothing")
      assert.are.equal("3", headers(raw).max)
    end)

    it("refuses what is over it, until the interval has passed", function()
      for _ = 1, 3 do box.ask(200, "GET", target) end
      box.refused(429, "Too Many Requests", "GET", target)
      local other = "/calendars/groups?locationId=" .. seed.other_location_id
      box.ask(200, "GET", other, nil, box.token "other_location")
      clock = 1000
      box.ask(200, "GET", target)
    end)

    it("refuses what is over the day's", function()
      for step = 1, 5 do
        clock = step * 1000
        box.ask(200, "GET", target)
      end
      clock = 10000
      local _, raw = box.ask(429, "GET", target)
      assert.are.equal("0", headers(raw)["daily-remaining"])
      assert.are.equal("3", headers(raw).remaining)
      clock = 1000 + DAY
      box.ask(200, "GET", target)
    end)

    it("is 100 in 10 seconds and 200000 a day when nothing is said", function()
      box = app.new { clock = function() return 0 end }
      local answer = box:handle { method = "GET", path = "/", headers = {} }
      assert.are.equal("100", answer.headers["x-ratelimit-max"])
      assert.are.equal("10000", answer.headers["x-ratelimit-interval-milliseconds"])
      assert.are.equal("200000", answer.headers["x-ratelimit-limit-daily"])
    end)
  end)

  describe("checks", function()
    local target = "/calendars/events/appointments"

    it("names unknown, missing and wrong properties of a body", function()
      box.refused(422, {
        "property color should not exist", "property slot should not exist", "calendarId must be a string",
        "locationId must be a string", "contactId must be a string", "startTime must be a valid ISO 8601 date string",
      }, "POST", target, { color = "red", slot = 1, startTime = "tomorrow" })
      box.refused(422, {
        "title must be a string", "appointmentStatus must be one of the following values: new, confirmed, cancelled, "
        .. "showed, noshow, invalid", "toNotify must be a boolean value",
      }, "POST", target, box.booking { title = 5, appointmentStatus = "active", toNotify = "yes" })
    end)

    it("names the place inside a body", function()
      box.refused(422, {
        "teamMembers.0.property name should not exist", "teamMembers.0.userId must be a string",
        "openHours.0.hours.1.openHour must not be greater than 23",
        "openHours.0.hours.1.closeMinute must be a number conforming to the specified constraints",
      }, "POST", "/calendars/", {
        locationId = seed.location_id, name = "x", teamMembers = { { name = "x" } },
        openHours = { { daysOfTheWeek = { 1 }, hours = {
          { openHour = 9, openMinute = 0, closeHour = 10, closeMinute = 0 },
          { openHour = 24, openMinute = 0, closeHour = 10 },
        } } },
      })
    end)

    it("names unknown, missing and wrong properties of a query", function()
      box.refused(422, { "property limit should not exist", "locationId must be a string" }, "GET",
        "/calendars/?limit=1")
      box.refused(422, { "showDrafted must be a boolean value" }, "GET",
        "/calendars/?showDrafted=1&locationId=" .. seed.location_id)
    end)

    it("takes no body that is not JSON", function()
      local answer = box.ask(400, "POST", target, "{")
      assert.matches("^Unexpected token in JSON", answer.message)
      box.refused(422, { "body must be an object" }, "POST", target, "[1]")
      local body = core.encode(box.booking())
      answer = box.ask(422, "POST", target, body, { ["content-type"] = "text/plain" })
      assert.are.equal("calendarId must be a string", answer.message[1])
    end)
  end)

  describe("calendars", function()
    it("are listed, of a location and of a group", function()
      local all = box.ask(200, "GET", "/calendars/?locationId=" .. seed.location_id)
      assert.are.same({ "General check-up", "Physiotherapy", "Back care class" }, names(all.calendars))
      assert.is_string(all.traceId)
      local group = box.ask(200, "GET",
        ("/calendars/?locationId=%s&groupId=%s"):format(seed.location_id, seed.groups.treatments))
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
        locationId = seed.location_id, name = "Acupuncture", teamMembers = { { userId = seed.users.okafor } },
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
      refused(422, { "teamMembers must contain exactly one member for a personal calendar" },
        { calendarType = "personal", teamMembers = {} })
      refused(422, { "teamMembers must contain at least 1 elements" }, { calendarType = "collective" })
      refused(404, "Group not found", { groupId = "none" })
      refused(400, "A calendar with this slug already exists.", { slug = "check-up" })
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
      box.ask(200, "PUT", "/calendars/" .. seed.calendars.physio,
        '{"availabilities":[{"date":"2026-05-06T00:00:00.000Z","hours":[]}]}')
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

  describe("free slots", function()
    local function target(query)
      return ("/calendars/%s/free-slots?%s"):format(seed.calendars.checkup, query)
    end

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
      box.refused(422, { "timezone must be a valid IANA time zone" }, "GET",
        target(("startDate=%d&endDate=%d&timezone=Mars/Base"):format(NOW, NOW)))
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
      box.refused(422, { "property locationId should not exist" }, "GET",
        target(("startDate=%d&endDate=%d&locationId=%s"):format(NOW, NOW, seed.location_id)))
      box.refused(400, "The date range must not be longer than 31 days.", "GET",
        target(("startDate=%d&endDate=%d"):format(NOW, NOW + 31 * DAY + 1)))
      box.refused(400, "endDate must be after startDate", "GET",
        target(("startDate=%d&endDate=%d"):format(NOW, NOW - 1)))
      box.ask(200, "GET", target(("startDate=%d&endDate=%d&enableLookBusy=true"):format(NOW, NOW + 31 * DAY)))
      box.refused(404, "Calendar not found", "GET", "/calendars/none/free-slots?startDate=1&endDate=2")
    end)
  end)

  describe("groups", function()
    local function fields(more)
      local body = { locationId = seed.location_id, name = "Evening", description = "After work", slug = "evening" }
      for name, value in pairs(more or {}) do body[name] = value or nil end
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
      for _, method in ipairs { "GET", "DELETE" } do box.refused(404, "Group not found", method, target) end
      box.refused(404, "Group not found", "PUT", target .. "/status", { isActive = true })
    end)

    it("say whether a slug is free, and keep it to one group", function()
      local target = "/calendars/groups/validate-slug"
      local body = { locationId = seed.location_id, slug = "treatments" }
      assert.is_false(box.ask(200, "POST", target, body).available)
      body.slug = "evening"
      assert.is_true(box.ask(200, "POST", target, body).available)
      box.refused(422, { "slug must be a string" }, "POST", target, { locationId = seed.location_id })
      box.refused(400, "A group with this slug already exists.", "POST", "/calendars/groups",
        fields { slug = "treatments" })
    end)

    it("want a description and a slug on both writes", function()
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

  describe("appointments", function()
    local function get(id)
      return box.ask(200, "GET", "/calendars/events/appointments/" .. id).appointment
    end

    it("are booked; the answer is bare and has no times", function()
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
      box.refused(404, "Calendar not found", "POST", "/calendars/events/appointments",
        box.booking { calendarId = "none" })
    end)

    it("pass notice and range with ignoreDateRange", function()
      -- Two hours of notice, sixty days of range.
      box.refuse_booking { startTime = "2026-05-04T09:30:00-04:00" }
      box.book { startTime = "2026-05-04T09:30:00-04:00", ignoreDateRange = true }
      box.refuse_booking { startTime = "2026-09-01T09:30:00-04:00" }
      box.book { startTime = "2026-09-01T09:30:00-04:00", ignoreDateRange = true }
    end)

    it("pass every check with ignoreFreeSlotValidation, but want to know who", function()
      local fields = { startTime = "2026-05-09T03:10:00-04:00", ignoreFreeSlotValidation = true }
      box.refused(422, "A team member needs to be selected. assignedUserId is missing", "POST",
        "/calendars/events/appointments", box.booking(fields))
      fields.assignedUserId = seed.users.weber
      box.book(fields)
      box.book(fields)
      local physio = box.book {
        calendarId = seed.calendars.physio, startTime = "2026-05-09T03:10:00-04:00", ignoreFreeSlotValidation = true,
      }
      assert.are.equal(seed.users.solberg, physio.assignedUserId)
    end)

    it("keep a status, an address and their own end", function()
      local made = box.book {
        appointmentStatus = "new", address = "Room 2", endTime = "2026-05-05T10:00:00-04:00", title = "Blood test",
      }
      assert.are.equal("new", made.appointmentStatus)
      assert.are.equal("custom", made.meetingLocationType)
      assert.are.equal("Room 2", made.address)
      assert.are.equal("Blood test", get(made.id).title)
      box.refused(422, { "endTime must be after startTime" }, "POST", "/calendars/events/appointments",
        box.booking { endTime = "2026-05-05T09:30:00-04:00" })
    end)

    it("are new where the calendar does not confirm by itself, and hold the slot", function()
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

    it("honour a rule of a series with ignoreFreeSlotValidation alone, and keep it as one appointment", function()
      local rule = "RRULE:FREQ=WEEKLY;INTERVAL=1;COUNT=4"
      assert.is_false(box.book({ rrule = rule }).isRecurring)
      local series = box.book {
        rrule = rule, ignoreFreeSlotValidation = true, assignedUserId = seed.users.okafor,
        startTime = "2026-05-06T09:00:00-04:00",
      }
      assert.is_true(series.isRecurring)
      assert.are.equal(rule, get(series.id).rrule)
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
      box.refused(400, "The user id is not part of the calendar team.", "PUT", target,
        { assignedUserId = seed.users.solberg })
    end)

    it("go to another calendar and its team", function()
      local target = "/calendars/events/appointments/" .. seed.sick.appointments[4]
      local moved = box.ask(200, "PUT", target,
        { calendarId = seed.calendars.physio, startTime = "2026-05-07T10:00:00-04:00" })
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

    it("keep who and where they were booked for", function()
      local target = "/calendars/events/appointments/" .. seed.appointments[1]
      box.refused(422, { "property contactId should not exist", "property locationId should not exist" }, "PUT",
        target, { contactId = "x", locationId = "x" })
      box.refused(404, "Appointment not found", "PUT", "/calendars/events/appointments/none", { title = "x" })
      assert.are.equal("Follow-up", box.ask(200, "PUT", target, { title = "Follow-up", notes = "x" }).title)
    end)
  end)

  describe("events", function()
    local function target(route, filter, from, to)
      return ("/calendars/%s?locationId=%s&startTime=%d&endTime=%d%s"):format(
        route, seed.location_id, from or NOW, to or NOW + 7 * DAY, filter or "")
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
      for i = 2, #group do assert.is_true(group[i - 1].startTime <= group[i].startTime) end
    end)

    it("are those that touch the window", function()
      local at = NOW + 25 * HOUR -- Tuesday, nine
      local filter = "&userId=" .. seed.users.weber
      assert.are.equal(1, #box.ask(200, "GET", target("events", filter, at, at + 1)).events)
      assert.are.equal(1, #box.ask(200, "GET", target("events", filter, at + HOUR // 2 - 1, at + HOUR // 2)).events)
      local _, raw = box.ask(200, "GET", target("events", filter, at + HOUR // 2, at + HOUR))
      assert.matches('"events":[]', raw.body, 1, true)
    end)

    it("want an owner and instants in digits", function()
      box.refused(422, "Either of userId, calendarId or groupId is required", "GET", target "events")
      box.refused(422, "Either of userId, calendarId or groupId is required", "GET", target "blocked-slots")
      box.refused(422, { "startTime must be a number string", "endTime must be a number string" }, "GET",
        ("/calendars/events?locationId=%s&startTime=2026-05-04T00:00:00Z"):format(seed.location_id))
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

  describe("block slots", function()
    local function fields(more)
      local body = {
        locationId = seed.location_id, title = "Dentist", startTime = "2026-05-06T09:00:00-04:00",
        endTime = "2026-05-06T12:00:00-04:00",
      }
      for name, value in pairs(more or {}) do body[name] = value or nil end
      return body
    end

    local function list(filter)
      return box.ask(200, "GET", ("/calendars/blocked-slots?locationId=%s&startTime=%d&endTime=%d%s"):format(
        seed.location_id, NOW, NOW + 7 * DAY, filter)).events
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
      box.refused(400, "The calendar is not an event calendar.", "POST", "/calendars/events/block-slots",
        fields(times))
      box = new { strict_block_slots = false }
      box.ask(201, "POST", "/calendars/events/block-slots", fields(times))
      assert.is_nil(box.free("checkup")["2026-05-07"])
    end)

    it("have one owner and an end after their start", function()
      local target = "/calendars/events/block-slots"
      box.refused(422, "Either of calendarId or assignedUserId is required", "POST", target, fields())
      box.refused(422, "Only one of calendarId and assignedUserId can be given", "POST", target,
        fields { calendarId = seed.calendars.class, assignedUserId = seed.users.okafor })
      box.refused(400, "The user id is not valid.", "POST", target, fields { assignedUserId = "nobody" })
      box.refused(422, { "endTime must be after startTime" }, "POST", target,
        fields { assignedUserId = seed.users.okafor, endTime = "2026-05-06T08:00:00-04:00" })
      box.refused(422, { "startTime must be a valid ISO 8601 date string" }, "POST", target,
        fields { assignedUserId = seed.users.okafor, startTime = false })
    end)
  end)

  describe("notes", function()
    local target
    before_each(function()
      target = "/calendars/appointments/" .. seed.appointments[1] .. "/notes"
    end)

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
      for i = 1, 5 do table.insert(written, 1, box.ask(201, "POST", target, { body = "Note " .. i }).note.id) end
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

    it("want limit and offset, and a body of 5000 characters at most", function()
      local number = " must be a number conforming to the specified constraints"
      box.refused(422, { "limit" .. number, "offset" .. number }, "GET", target)
      box.refused(422, { "limit must not be greater than 20" }, "GET", target .. "?limit=21&offset=0")
      box.ask(201, "POST", target, { body = ("ü"):rep(5000) })
      box.refused(422, { "body must be shorter than or equal to 5000 characters" }, "POST", target,
        { body = ("ü"):rep(5001) })
      box.refused(404, "Appointment not found", "GET", "/calendars/appointments/none/notes?limit=1&offset=0")
    end)
  end)

  describe("resources", function()
    local function fields(more)
      local body = {
        locationId = seed.location_id, name = "Yoga room", description = "Quiet", quantity = 1, outOfService = 0,
        capacity = 12, calendarIds = {},
      }
      for name, value in pairs(more or {}) do body[name] = value end
      return body
    end

    it("are listed as a bare list, in pages", function()
      local target = "/calendars/resources/rooms?locationId=" .. seed.location_id
      assert.are.same({ "Consulting room 1", "Consulting room 2", "Gym" },
        names(box.ask(200, "GET", target .. "&limit=10&skip=0")))
      assert.are.same({ "Consulting room 2" }, names(box.ask(200, "GET", target .. "&limit=1&skip=1")))
      local _, raw = box.ask(200, "GET", target .. "&limit=1&skip=5")
      assert.are.equal("[]", raw.body)
      local number = " must be a number conforming to the specified constraints"
      box.refused(422, { "limit" .. number, "skip" .. number }, "GET", target)
      box.refused(422, { "resourceType must be one of the following values: equipments, rooms" }, "GET",
        ("/calendars/resources/cars?limit=1&skip=0&locationId=%s"):format(seed.location_id))
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
      for _, method in ipairs { "GET", "DELETE" } do box.refused(404, "Resource not found", method, target) end
      box.refused(404, "Resource not found", "PUT", target, { name = "x" })
    end)

    it("are of one type, and equipment of one calendar", function()
      box.refused(404, "Resource not found", "GET", "/calendars/resources/equipments/" .. seed.resources.gym)
      box.refused(400, "An equipment can only be mapped to one service calendar.", "POST",
        "/calendars/resources/equipments",
        fields { calendarIds = { seed.calendars.checkup, seed.calendars.physio } })
      box.refused(404, "Calendar not found", "POST", "/calendars/resources/rooms", fields { calendarIds = { "x" } })
    end)
  end)

  describe("notifications", function()
    local target
    before_each(function()
      target = "/calendars/" .. seed.calendars.checkup .. "/notifications"
    end)

    local function reminder(more)
      local body = { receiverType = "contact", channel = "sms", notificationType = "reminder" }
      for name, value in pairs(more or {}) do body[name] = value end
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

    it("are read, changed and deleted, each with its own answer", function()
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

    it("want a list and its three fields", function()
      box.refused(422, { "body must be an array" }, "POST", target, reminder())
      box.refused(422, { "0.receiverType must be a string", "0.notificationType must be a string" }, "POST", target,
        { { channel = "sms" } })
      box.refused(404, "Calendar not found", "GET", "/calendars/none/notifications")
      box.refused(422, { "isActive must be a boolean value" }, "GET", target .. "?isActive=maybe")
      for method, body in pairs { GET = false, DELETE = false, PUT = { subject = "x" } } do
        box.refused(404, "Notification not found", method, target .. "/none", body or nil)
      end
    end)
  end)

  describe("schedules", function()
    local function fields(more)
      local body = {
        locationId = seed.location_id, name = "Mornings", userId = seed.users.weber, timezone = "America/New_York",
        rules = { { type = "wday", day = "wednesday", intervals = { { from = "07:00", to = "08:00" } } } },
      }
      for name, value in pairs(more or {}) do body[name] = value end
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
      for _, method in ipairs { "GET", "DELETE" } do box.refused(404, "Schedule not found", method, target) end
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
        box.refused(400, "Schedule and calendar must belong to the same location", method,
          base .. seed.calendars.vaccination)
        box.refused(404, "Calendar not found", method, base .. "none")
        box.refused(404, "Schedule not found", method, "/calendars/schedules/none/associations/x")
      end
    end)

    it("refuse zones and rules that the API refuses", function()
      local target = "/calendars/schedules"
      for _, zone in ipairs { "UTC", "America/Argentina/Buenos_Aires" } do
        box.refused(422, { "timezone must match the required pattern" }, "POST", target, fields { timezone = zone })
      end
      box.refused(422, { "timezone must be a valid IANA time zone" }, "PUT",
        target .. "/" .. seed.schedules.solberg, { timezone = "Mars/Base" })
      box.refused(422, { "rules.0.day must be a string", "rules.0.intervals.0.to must be after from",
        "rules.1.date must be a valid date" }, "POST", target, fields { rules = {
          { type = "wday", intervals = { { from = "10:00", to = "09:00" } } },
          { type = "date", date = "2026-02-30", intervals = {} },
        } })
      box.refused(422, { "userId must be a string" }, "GET",
        "/calendars/schedules/search?locationId=" .. seed.location_id)
      box.refused(400, "The user id is not valid.", "POST", target, fields { userId = "nobody" })
    end)
  end)

  describe("control", function()
    before_each(function()
      box = new { control = true }
    end)

    local function control(method, name, body)
      return box.ask(200, method, "/__sandbox/" .. name, body,
        { authorization = "Bearer " .. box.app.control_token, version = false })
    end

    it("wants its own token, and knows its routes only", function()
      box.refused(401, "Invalid JWT", "POST", "/__sandbox/reset")
      box.refused(404, "Cannot GET /__sandbox/secrets", "GET", "/__sandbox/secrets")
    end)

    it("shows what was asked and booked", function()
      local made = box.book()
      box.refuse_booking { startTime = "2026-05-09T10:00:00-04:00" }
      local requests = control("GET", "requests").requests
      assert.are.equal(2, #requests)
      assert.are.equal("appointments.create", requests[1].endpoint)
      assert.are.equal(200, requests[1].status)
      assert.are.equal(400, requests[2].status)
      local bookings = control("GET", "bookings").bookings
      assert.are.equal(1, #bookings)
      assert.are.equal(made.id, bookings[1].id)
      assert.are.equal("booked", bookings[1].what)
      assert.are.equal("2026-05-05T09:30:00-04:00", bookings[1].startTime)
    end)

    it("moves the clock, expires tokens, sets limits and delays, and puts all back", function()
      assert.are.equal(NOW + HOUR, control("POST", "clock", { advance_ms = HOUR }).now)
      assert.are.equal(NOW + 5, control("POST", "clock", { now = NOW + 5 }).now)
      control("POST", "delay", { latency_ms = 10, delay_ms = 20 })
      assert.are.equal(30, box.app.latency_ms + box.app.delay_ms)
      control("POST", "rate_limit", { max = 1 })
      local list = "/calendars/groups?locationId=" .. seed.location_id
      box.ask(200, "GET", list)
      box.ask(429, "GET", list)
      control("POST", "rate_limit", { off = true })
      control("POST", "token", { name = "main" })
      box.ask(401, "GET", list)
      control("POST", "token", { name = "main", expired = false })
      local made = box.book()
      control("POST", "reset")
      box.refused(404, "Appointment not found", "GET", "/calendars/events/appointments/" .. made.id)
      assert.are.equal(NOW, box.app.now())
      assert.are.equal(0, box.app.latency_ms + box.app.delay_ms)
      assert.are.equal(1, #control("GET", "requests").requests)
    end)

    it("lets a frozen clock run again", function()
      control("POST", "clock", { now = false })
      assert.is_true(math.abs(box.app.now() - core.wall_ms()) < 10000)
    end)
  end)

  it("begins the same way each time, and tells what it begins with", function()
    local other = new()
    assert.are.same(seed, other.seed)
    assert.are.equal(box.app.token, other.app.token)
    assert.are.same({ "2026-05-05", "2026-05-06", "2026-05-07" }, seed.days)
    assert.are.equal("2026-05-01", seed.past)
    assert.are_not.equal(box.app.token, new({ random_seed = 7 }).app.token)
  end)

  it("begins with bookings that could have been made, whatever the day", function()
    for day = 0, 13 do
      local fresh = app.new { now = NOW + day * DAY, rate_limit = false }
      local store = fresh.store
      local slots = require "hoopai.sandbox.domain.slots"
      local checked = 0
      for _, appointment in ipairs(store.appointments.items) do
        if appointment.from > fresh.now() and slots.is_active(appointment) then
          local calendar = store.calendars:get(appointment.calendarId)
          local free = slots.free_members(store, calendar, appointment.from, {
            user = appointment.assignedUserId, except = appointment.id,
          })
          assert(free, appointment.id .. " on day " .. day)
          checked = checked + 1
        end
      end
      assert.is_true(checked >= 15)
    end
  end)

  it("dates its answers by its own clock", function()
    local _, raw = box.ask(200, "GET", "/calendars/groups?locationId=" .. seed.location_id)
    assert.are.equal("Mon, 04 May 2026 12:00:00 GMT", raw.headers.date)
  end)

  it("raises on options it does not know", function()
    assert.has_error(function() app.new { nwo = 1 } end)
    assert.has_error(function() app.new { now = "today" } end)
    assert.has_error(function() app.new { rate_limit = true } end)
  end)

  it("was asked for every endpoint, and refused every one", function()
    local router = require("hoopai.sandbox.server.router").new()
    assert.are.equal(42, #router.endpoints)
    for _, endpoint in ipairs(router.endpoints) do
      local cases = seen[endpoint.label] or {}
      assert(cases.good, endpoint.label .. " has no good case")
      assert(cases.bad, endpoint.label .. " has no bad case")
    end
  end)
end)
