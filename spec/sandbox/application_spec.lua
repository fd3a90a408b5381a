-- The application of the sandbox without sockets: authorization, rate limit, checks, admin interface.

local app = require "hoopai.sandbox.server.application"
local core = require "hoopai.core"
local sandbox_application = require "spec.support.sandbox_application"

local NOW, HOUR, DAY = sandbox_application.NOW, sandbox_application.HOUR, sandbox_application.DAY
local names, new = sandbox_application.names, sandbox_application.new

describe("hoopai.sandbox.server.application", function()
  local box, seed
  before_each(function()
    box = new()
    seed = box.seed
  end)

  describe("access", function()
    local function list() return "/calendars/?locationId=" .. seed.location_id end

    it("accepts its token", function() assert.are.equal(3, #box.ask(200, "GET", list()).calendars) end)

    it("refuses a missing, a wrong and an expired token", function()
      box.refused(401, "Authorization header was not found.", "GET", list(), nil, { authorization = false })
      box.refused(401, "Invalid JWT", "GET", list(), nil, { authorization = "Bearer wrong" })
      box.refused(401, "Invalid JWT", "GET", list(), nil, { authorization = box.app.token })
      box.refused(401, "Invalid Private Integration token", "GET", list(), nil, { authorization = "Bearer pit-no" })
      box.app.tokens[box.app.token].expired = true
      box.refused(401, "Invalid Private Integration token", "GET", list())
    end)

    it("needs a known Version", function()
      box.refused(401, "version header was not found.", "GET", list(), nil, { version = false })
      box.refused(401, "version header is invalid", "GET", list(), nil, { version = "2020-01-01" })
      for _, version in ipairs { "2021-04-15", "2021-07-28", "2023-02-21", "v3" } do
        box.ask(200, "GET", list(), nil, { version = version })
      end
    end)

    it("needs the scope and the user type of the endpoint", function()
      box.ask(200, "GET", list(), nil, box.token "readonly")
      box.refused(
        401,
        "The token is not authorized for this scope.",
        "DELETE",
        "/calendars/" .. seed.calendars.checkup,
        nil,
        box.token "readonly"
      )
      box.refused(
        401,
        "This authClass type is not allowed to access this scope. "
          .. "Please reach out to the Platform team to get it added.",
        "GET",
        list(),
        nil,
        box.token "agency"
      )
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
      -- stylua: ignore
      assert.are.same({ "Travel vaccinations" }, names(box.ask(200, "GET",
        "/calendars/?locationId=" .. seed.other_location_id, nil, box.token "other_location").calendars))
    end)

    it("has no other routes", function()
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

    it("is in the headers of every response", function()
      local _, raw = box.ask(200, "GET", target)
      assert.are.same({
        ["limit-daily"] = "5",
        ["daily-remaining"] = "4",
        ["interval-milliseconds"] = "1000",
        max = "3",
        remaining = "2",
        ["daily-reset"] = "86400000",
      }, headers(raw))
      clock = 400
      _, raw = box.ask(404, "GET", "/calendars/groups/none")
      assert.are.equal("1", headers(raw).remaining)
      assert.are.equal("86399600", headers(raw)["daily-reset"])
      _, raw = box.ask(404, "GET", "/nothing")
      assert.are.equal("3", headers(raw).max)
    end)

    it("refuses what is over it, until the interval has passed", function()
      for _ = 1, 3 do
        box.ask(200, "GET", target)
      end
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
        "property color should not exist",
        "property slot should not exist",
        "calendarId must be a string",
        "locationId must be a string",
        "contactId must be a string",
        "startTime must be a valid ISO 8601 date string",
      }, "POST", target, { color = "red", slot = 1, startTime = "tomorrow" })
      box.refused(422, {
        "title must be a string",
        "appointmentStatus must be one of the following values: new, confirmed, cancelled, "
          .. "showed, noshow, invalid",
        "toNotify must be a boolean value",
      }, "POST", target, box.booking { title = 5, appointmentStatus = "active", toNotify = "yes" })
    end)

    it(
      "names the place inside a body",
      function()
        box.refused(
          422,
          {
            "teamMembers.0.property name should not exist",
            "teamMembers.0.userId must be a string",
            "openHours.0.hours.1.openHour must not be greater than 23",
            "openHours.0.hours.1.closeMinute must be a number conforming to the specified constraints",
          },
          "POST",
          "/calendars/",
          {
            locationId = seed.location_id,
            name = "x",
            teamMembers = { { name = "x" } },
            openHours = {
              {
                daysOfTheWeek = { 1 },
                hours = {
                  { openHour = 9, openMinute = 0, closeHour = 10, closeMinute = 0 },
                  { openHour = 24, openMinute = 0, closeHour = 10 },
                },
              },
            },
          }
        )
      end
    )

    it("names unknown, missing and wrong properties of a query", function()
      box.refused(
        422,
        { "property limit should not exist", "locationId must be a string" },
        "GET",
        "/calendars/?limit=1"
      )
      box.refused(
        422,
        { "showDrafted must be a boolean value" },
        "GET",
        "/calendars/?showDrafted=1&locationId=" .. seed.location_id
      )
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

  describe("the admin interface", function()
    before_each(function() box = new { control = true } end)

    local function control(method, name, body)
      return box.ask(
        200,
        method,
        "/__sandbox/" .. name,
        body,
        { authorization = "Bearer " .. box.app.control_token, version = false }
      )
    end

    it("needs its own token, and has no other routes", function()
      box.refused(401, "Invalid JWT", "POST", "/__sandbox/reset")
      box.refused(404, "Cannot GET /__sandbox/secrets", "GET", "/__sandbox/secrets")
    end)

    it("lists requests and bookings", function()
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
      control("POST", "delay", { only = "POST /calendars/" })
      local post, get = { method = "POST", path = "/calendars/groups" }, { method = "GET", path = "/calendars/groups" }
      assert.are.same({ 20, 0 }, { box.app:delay(post), box.app:delay(get) })
      control("POST", "delay", {})
      assert.are.same({ 20, 20 }, { box.app:delay(post), box.app:delay(get) })
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

  it("has the same data at each start, and lists it in the seed", function()
    local other = new()
    assert.are.same(seed, other.seed)
    assert.are.equal(box.app.token, other.app.token)
    assert.are.same({ "2026-05-05", "2026-05-06", "2026-05-07" }, seed.days)
    assert.are.equal("2026-05-01", seed.past)
    assert.are_not.equal(box.app.token, new({ random_seed = 7 }).app.token)
  end)

  it("has bookings at the start that could have been made, whatever the day", function()
    for day = 0, 13 do
      local fresh = app.new { now = NOW + day * DAY, rate_limit = false }
      local store = fresh.store
      local slots = require "hoopai.sandbox.domain.slots"
      local checked = 0
      for _, appointment in ipairs(store.appointments.items) do
        if appointment.from > fresh.now() and slots.is_active(appointment) then
          local calendar = store.calendars:get(appointment.calendarId)
          local free = slots.free_members(store, calendar, appointment.from, {
            user = appointment.assignedUserId,
            except = appointment.id,
          })
          assert(free, appointment.id .. " on day " .. day)
          checked = checked + 1
        end
      end
      assert.is_true(checked >= 15)
    end
  end)

  it("dates its responses by its own clock", function()
    local _, raw = box.ask(200, "GET", "/calendars/groups?locationId=" .. seed.location_id)
    assert.are.equal("Mon, 04 May 2026 12:00:00 GMT", raw.headers.date)
  end)

  it("raises on unknown options", function()
    assert.has_error(function() app.new { nwo = 1 } end)
    assert.has_error(function() app.new { now = "today" } end)
    assert.has_error(function() app.new { rate_limit = true } end)
  end)
end)
