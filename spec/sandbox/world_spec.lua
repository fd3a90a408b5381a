-- What a sandbox starts with: data of one's own, a zone of one's own, nothing, or many of everything.

local child = require "spec.support.child"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local sandbox = require "hoopai.sandbox"
local sandbox_application = require "spec.support.sandbox_application"

local time = hoopai.time
local MONDAY = sandbox_application.NOW

-- stylua: ignore
local function client_of(box)
  return hoopai.new { base_url = box.url, token = box.token, location_id = box.location_id }
end

-- The message with which starting fails.
local function problem_of(seed, more)
  local options = { now = MONDAY, seed = seed }
  for name, value in pairs(more or {}) do
    options[name] = value
  end
  local ok, problem = pcall(sandbox.start, options)
  assert.is_false(ok)
  return problem
end

describe("sandbox.start", function()
  before_each(leak.before)
  after_each(leak.after)

  describe("with seed", function()
    it("has what the function adds, under readable ids", function()
      local id = {}
      local box <close> = sandbox.start {
        now = MONDAY,
        seed = function(world)
          id.anna = world:contact { name = "Anna Berg", email = "anna@example.com" }
          id.lee = world:user { name = "Lee Marsh" }
          id.group = world:group { name = "Hands on!" }
          id.massage = world:calendar {
            name = "Massage",
            groupId = id.group,
            calendarType = "personal",
            teamMembers = { { userId = id.lee } },
          }
          id.visit = world:appointment {
            calendarId = id.massage,
            contactId = id.anna,
            startTime = "2026-05-05T10:00:00",
            appointmentStatus = "new",
          }
          id.block =
            world:block { assignedUserId = id.lee, startTime = "2026-05-05T11:00", endTime = "2026-05-05T12:00" }
          id.note = world:note { appointmentId = id.visit, body = "Bring a towel" }
          id.notification = world:notification { calendarId = id.massage }
          id.room = world:resource { resourceType = "rooms", name = "Attic", calendarIds = { id.massage } }
          id.hours = world:schedule {
            name = "Lee's hours",
            userId = id.lee,
            calendarIds = { id.massage },
            rules = { { type = "wday", day = "tuesday", intervals = { { from = "10:00", to = "13:00" } } } },
          }
        end,
      }
      assert.are.same({
        anna = "ContactAnnaBerg00000",
        lee = "UserLeeMarsh00000000",
        group = "GroupHandson00000000",
        massage = "CalendarMassage00000",
        visit = ("Appointment%09d"):format(#box.seed.appointments + 1),
        block = "Block000000000000001",
        note = "Note0000000000000001",
        notification = "Notification00000001",
        room = "ResourceAttic0000000",
        hours = "ScheduleLeeshours000",
      }, id)
      local client <close> = client_of(box)
      local visit = assert(client.appointments:get(id.visit))
      assert.are.equal("2026-05-05T10:00:00-04:00", visit.startTime)
      assert.are.equal("Anna Berg", visit.title)
      assert.are.equal(id.lee, visit.assignedUserId)
      assert.are.equal("new", visit.appointmentStatus)
      assert.are.equal("Bring a towel", assert(client.notes:list(id.visit))[1].body)
      assert.are.equal(id.notification, assert(client.notifications:list(id.massage))[1]._id)
      assert.are.equal("Attic", assert(client.resources:get("rooms", id.room)).name)
      assert.are.equal("Hands on!", assert(client.groups:get(id.group)).name)
      local free =
        assert(client.calendars:free_slots(id.massage, { startDate = MONDAY, endDate = MONDAY + 2 * 86400000 }))
      assert.are.same({
        "2026-05-05T10:30:00-04:00",
        "2026-05-05T12:00:00-04:00",
        "2026-05-05T12:30:00-04:00",
      }, free["2026-05-05"].slots)
      -- The clinic of every sandbox is there too, and can be booked for the new contact.
      assert.are.equal(4, #assert(client.calendars:list()))
      local slot = "2026-05-05T09:30:00-04:00"
      assert(
        client.appointments:book { calendarId = box.seed.calendars.checkup, contactId = id.anna, startTime = slot }
      )
    end)

    it("knows the data that is there, and takes instants and series", function()
      local series
      local box <close> = sandbox.start {
        now = MONDAY,
        seed = function(world)
          assert.are.equal("2026-05-05", world.seed.days[1])
          assert.are.equal("America/New_York", world.zone)
          series = world:appointment {
            calendarId = world.seed.calendars.physio,
            contactId = world.seed.contacts.hugo,
            startTime = time.parse("2026-04-06T13:00:00Z"),
            rrule = "FREQ=WEEKLY;COUNT=3",
          }
          world:contact { name = "Hugo Almeida", id = "hugo-2" }
        end,
      }
      local client <close> = client_of(box)
      local events = assert(client.events:list {
        calendarId = box.seed.calendars.physio,
        startTime = MONDAY - 60 * 86400000,
        endTime = MONDAY - 5 * 86400000,
      })
      assert.are.equal(3, #events)
      assert.are.equal(series, events[3].masterEventId)
      assert.are.equal("2026-04-20T09:00:00-04:00", events[3].startTime)
    end)

    it("is restored by a reset, and has not been booked by a client", function()
      local massage
      local box <close> = sandbox.start {
        control = true,
        seed = function(world)
          massage = world:calendar { name = "Massage", calendarType = "event" }
          local hour = time.now():start_of_day(world.zone) + time.hours(12)
          world:appointment { calendarId = massage, contactId = world.seed.contacts.hugo, startTime = hour }
        end,
      }
      assert.are.same({}, box:control("bookings").bookings)
      local client <close> = client_of(box)
      assert(client.calendars:delete(massage))
      box:control "reset"
      assert.are.equal("Massage", assert(client.calendars:get(massage)).name)
    end)

    it("gives records of one name different ids, and the same ones each time", function()
      local function ids_of()
        local ids = {}
        local box <close> = sandbox.start { -- luacheck: ignore
          seed = function(world)
            for i, name in ipairs { "Anna", "Anna", "Ann-Sofie Wilhelmina", "Jörg", "Anna" } do
              ids[i] = world:contact { name = name }
            end
          end,
        }
        return ids
      end
      local ids = ids_of()
      assert.are.same({
        "ContactAnna000000000",
        "ContactAnna000000001",
        "ContactAnnSofieWilhe",
        "ContactJrg0000000000",
        "ContactAnna000000002",
      }, ids)
      assert.are.same(ids, ids_of())
    end)

    it("leaves tokens and later ids as they are", function()
      local with = sandbox_application.new {
        records = { { kind = "contact", fields = { name = "Anna" } } },
        random_seed = 7,
      }
      local without = sandbox_application.new { random_seed = 7 }
      assert.are.equal(without.app.token, with.app.token)
      assert.are.equal(without.book().id, with.book().id)
    end)

    it("raises at the line of what is wrong", function()
      for _, case in ipairs {
        {
          function(world) world:calendar { nmae = "x" } end,
          "world:calendar has no field `nmae`, did you mean `name`?",
        },
        {
          function(world) world:calendar { name = 3 } end,
          "world:calendar: name must be a string",
        },
        {
          function(world) world:contact {} end,
          "world:contact: name must be a string",
        },
        {
          function(world) world:contcat { name = "x" } end,
          "a world has no `contcat`, did you mean `contact`?",
        },
        {
          function(world) world.contact { name = "x" } end,
          "call it with a colon: world:contact { ... }",
        },
        {
          function(world) world:contact "x" end,
          "world:contact expects a table of fields, got string",
        },
        {
          function(world) world.anna = 1 end,
          "a world takes no field `anna`: call its methods",
        },
        {
          function(world) world:contact { name = "x", id = "ContactAdele00000000" } end,
          "world:contact: the id ContactAdele00000000 is taken",
        },
        {
          function(world) world:contact { name = "x", id = "a b" } end,
          "world:contact: id must be of letters, digits, _ and -",
        },
        {
          function(world) world:contact { name = "x", locationId = "none" } end,
          "world:contact: locationId must be the id of a location",
        },
        {
          function(world) world:user { name = print } end,
          "world:user.name cannot be a function",
        },
        {
          function(world)
            local fields = { name = "x" }
            fields.openHours = fields
            world:calendar(fields)
          end,
          "cannot be a table within itself",
        },
        {
          function(world) world:calendar { name = "x", teamMembers = { { userId = "nobody" } } } end,
          "world:calendar: The user id nobody is not valid.",
        },
        {
          function(world) world:appointment { calendarId = "x" } end,
          "world:appointment: contactId must be a string; startTime must be a valid ISO 8601 date string",
        },
        {
          function(world) world:note { appointmentId = "none", body = "x" } end,
          "world:note: Appointment not found",
        },
        {
          function(world) world:resource { resourceType = "roms", name = "x" } end,
          "world:resource: resourceType must be one of the following values: equipments, rooms",
        },
        {
          function(world) return world.seed.contacts.adel, 1 end,
          "world.seed.contacts has no `adel`, did you mean `adele`?",
        },
      } do
        local problem = problem_of(case[1])
        local line = tonumber(problem:match "world_spec%.lua:(%d+): ")
        local where = debug.getinfo(case[1], "S")
        assert.is_true(line and line >= where.linedefined and line <= where.lastlinedefined, problem)
        assert.matches(case[2], problem, 1, true)
      end
    end)

    it("passes an error of the function on, and takes nothing after its end", function()
      assert.are.equal("own", problem_of(function() error("own", 0) end))
      local kept
      local box <close> = sandbox.start { seed = function(world) kept = world end }
      local ok, problem = pcall(function() kept:contact { name = "x" } end)
      assert.is_false(ok)
      assert.matches("world:contact came too late: the function `seed` has ended", problem, 1, true)
      assert.matches("`seed` must be a function, got table", problem_of {}, 1, true)
      assert.is_string(box.url)
    end)

    it("may be checked against the free slots", function()
      local problem = problem_of(
        function(world)
          world:appointment {
            calendarId = world.seed.calendars.physio,
            contactId = world.seed.contacts.hugo,
            startTime = "2026-05-05T10:00:00",
            ignoreFreeSlotValidation = false,
          }
        end
      )
      assert.matches("world:appointment: " .. sandbox_application.SLOT_TAKEN, problem, 1, true)
    end)
  end)

  it("with control takes records later, until a reset", function()
    local box <close> = sandbox.start { now = MONDAY, control = true }
    local added = box:control("add", { kind = "contact", fields = { name = "Anna" } })
    assert.are.same({ id = "ContactAnna000000000" }, added)
    local client <close> = client_of(box)
    local slot = "2026-05-05T09:30:00-04:00"
    assert(client.appointments:book { calendarId = box.seed.calendars.checkup, contactId = added.id, startTime = slot })
    for body, problem in pairs {
      [{ kind = "contract", fields = {} }] = "kind must be one of: appointment, block, calendar, contact, group",
      [{ kind = "contact" }] = "fields must be an object",
      [{ kind = "contact", fields = { nmae = "x" } }] = "property nmae should not exist",
    } do
      local ok, why = pcall(box.control, box, "add", body)
      assert.is_false(ok)
      assert.matches(problem, why, 1, true)
    end
    box:control "reset"
    assert.are.same(added, box:control("add", { kind = "contact", fields = { name = "Anna" } }))
  end)

  it("with zone has its clinic and the seed data there", function()
    local box <close> = sandbox.start {
      now = time.parse "2026-05-04T08:00:00+02:00",
      zone = "Europe/Berlin",
      seed = function(world) assert.are.equal("Europe/Berlin", world.zone) end,
    }
    local client <close> = client_of(box)
    local visit = assert(client.appointments:get(box.seed.sick.appointments[1]))
    assert.are.equal("2026-05-05T09:00:00+02:00", visit.startTime)
    local schedule = assert(client.schedules:get(box.seed.schedules.solberg))
    assert.are.equal("Europe/Berlin", schedule.timezone)
    local now = time.parse "2026-05-04T08:00:00+02:00"
    local checkup = box.seed.calendars.checkup
    local free = assert(client.calendars:free_slots(checkup, { startDate = now, endDate = now + time.days(1) }))
    assert.are.equal("2026-05-04T10:00:00+02:00", free["2026-05-04"].slots[1]) -- two hours of notice
    local ok, problem = pcall(sandbox.start, { zone = "Europe/Berln" })
    assert.is_false(ok)
    assert.matches('sandbox option `zone`: unknown time zone "Europe/Berln"', problem, 1, true)
  end)

  it("with empty has the clinic alone, and what is added to it", function()
    local anna
    local box <close> = sandbox.start {
      now = MONDAY,
      empty = true,
      control = true,
      seed = function(world)
        anna = world:contact { name = "Anna" }
        world:calendar { name = "Yoga", calendarType = "event" }
      end,
    }
    local client <close> = client_of(box)
    local calendars = assert(client.calendars:list())
    assert.are.equal(1, #calendars)
    assert.are.same({}, assert(client.groups:list()))
    assert.are.same({}, assert(client.resources:list "rooms"))
    assert.are.equal("2026-05-05", box.seed.days[1])
    local slot = "2026-05-05T09:00:00-04:00"
    assert(client.appointments:book { calendarId = calendars[1].id, contactId = anna, startTime = slot })
    local tokens = box.oauth.grant { class = "Location" } -- needs no user
    assert.is_string(tokens.access_token)
  end)

  it("with many has more than a page of each, beside the other data", function()
    local box <close> = sandbox.start { now = MONDAY, many = 120 }
    local client <close> = client_of(box)
    local many = box.seed.many
    local notes, response = client.notes:list(many.appointment_id)
    assert.are.equal(20, #assert(notes, response))
    assert.is_true(response.extra.hasMore)
    assert.are.equal(20, #assert(client.notes:list(many.appointment_id, { offset = 100 })))
    assert.are.equal(100, #assert(client.notifications:list(many.calendar_id)))
    assert.are.equal(20, #assert(client.notifications:list(many.calendar_id, { skip = 100 })))
    assert.are.equal(100, #assert(client.resources:list "equipments"))
    assert.are.equal(23, #assert(client.resources:list("rooms", { skip = 100 })))
    assert.are.equal(50, #assert(client.schedules:list { userId = many.user_id }))
    assert.are.equal(120, #assert(client.schedules:list { userId = many.user_id, limit = 500 }))
    assert.are.equal(123, #assert(client.calendars:list()))
    assert.are.equal(121, #assert(client.groups:list()))
    local window = { startTime = MONDAY - 90 * 86400000, endTime = MONDAY + 90 * 86400000, userId = many.user_id }
    assert.are.equal(120, #assert(client.events:list(window)))
    assert.are.equal(120, #assert(client.block_slots:list(window)))
    assert.are.equal(120, #many.contacts)
    local slot = "2026-05-05T09:30:00-04:00"
    local booking = { calendarId = box.seed.calendars.checkup, contactId = many.contacts[120], startTime = slot }
    assert(client.appointments:book(booking))
  end)

  it("with wrong options raises", function()
    for _, case in ipairs {
      { { many = 0 }, "`many` must be a whole number from 1 to 10000" },
      { { many = 2.5 }, "`many` must be a whole number from 1 to 10000" },
      { { many = "2" }, "`many` must be a number, got string" },
      { { empty = 1 }, "`empty` must be a boolean, got number" },
      { { zone = 2 }, "`zone` must be a string, got number" },
      { { records = {} }, "unknown sandbox option `records`" },
      { { run = "true" }, "unknown sandbox option `run`" },
    } do
      local ok, problem = pcall(function() sandbox.start(case[1]) end)
      assert.is_false(ok)
      assert.matches(case[2], problem, 1, true)
      assert.matches("world_spec.lua:", problem, 1, true)
    end
  end)

  it("with seed needs the core, and says so where it cannot be loaded", function()
    local text, ok = child.run([[
      package.preload["hoopai.core"] = function() error "no core" end
      require("hoopai.sandbox").start { seed = function() end }
    ]])
    assert.is_false(ok)
    assert.matches("no core", text, 1, true)
  end)
end)
