--- The scripts of doc/cookbook.md: how long they are, and what they do. (spec/project/pages_spec shows that each of
-- them runs.)
local child = require "spec.support.child"
local endpoint_table = require "tools.endpoint_table"
local hoopai = require "hoopai"
local lfs = require "lfs"
local sandbox = require "hoopai.sandbox"

local time = hoopai.time
local ZONE = "America/New_York"

-- Heading -> the script below it.
local SCRIPTS = {}
for heading, script in endpoint_table.read("doc/cookbook.md"):gmatch "\n## ([^\n]+)\n.-```lua\n(.-)```" do
  SCRIPTS[heading] = script
end

--- Lines that are neither blank nor a comment.
local function count_lines(script)
  local count = 0
  for line in script:gmatch "[^\n]+" do
    if not line:find "^%s*%-%-" and not line:find "^%s*$" then count = count + 1 end
  end
  return count
end

describe("the cookbook", function()
  local account, client, home

  before_each(function()
    home = os.tmpname()
    assert(os.remove(home))
    assert(lfs.mkdir(home))
  end)

  after_each(function()
    if client then client:close() end
    if account then account:stop() end
    client, account = nil, nil
    assert(os.execute("rm -rf '" .. home .. "'"))
  end)

  local function start(options)
    account = sandbox.start(options)
    client = hoopai.new { base_url = account.url, token = account.token, location_id = account.location_id }
  end

  --- Runs a script of the page; returns what it printed.
  local function run(heading)
    local output, ok = child.run(assert(SCRIPTS[heading], heading), {
      set = {
        HOOPAI_BASE_URL = account.url,
        HOOPAI_TOKEN = account.token,
        HOOPAI_LOCATION_ID = account.location_id,
        CONTACT_ID = account.seed.contacts.hugo,
        USER_ID = account.seed.users.okafor,
        CALENDAR_ID = account.seed.calendars.checkup,
        APPOINTMENT_ID = account.seed.appointments[1],
        HOME = home,
      },
    })
    assert.is_true(ok, output)
    return output
  end

  --- Every blocked time of a year, and every appointment: "id: status start".
  local function state()
    local now = time.now()
    local span = { from = now - time.days(60), to = now + time.days(300) }
    local lines = {}
    for _, events in ipairs { assert(client.events:all(span)), assert(client.block_slots:all(span)) } do
      for _, event in ipairs(events) do
        lines[#lines + 1] = ("%s: %s %s"):format(event.id, event.appointmentStatus, event.startTime)
      end
    end
    return table.concat(lines, "\n")
  end

  it("has short scripts", function()
    local most = {
      ["The next free slot of all calendars"] = 10,
      ["The week of a team"] = 20,
      ["Mark yesterday's no-shows"] = 14,
      ["A year as a calendar file"] = 10,
      ["Everything of a list"] = 10,
      ["Close for a holiday"] = 22,
    }
    for heading, limit in pairs(most) do
      local lines = count_lines(assert(SCRIPTS[heading], heading))
      assert.is_true(lines > 4 and lines <= limit, heading .. ": " .. lines)
    end
    local count = 0
    for heading, script in pairs(SCRIPTS) do
      count = count + 1
      for line in script:gmatch "[^\n]+" do
        assert.is_nil(line:find(";", 1, true), heading .. ": a statement a line") -- so that lines can be counted
      end
    end
    assert.equal(16, count)
  end)

  it("finds the next free slot of all calendars", function()
    start {}
    local to = time.now() + time.days(60)
    local first = client.calendars:each_slot { to = to, timezone = "Europe/London" }()
    local name = assert(client.calendars:get(first.calendarId)).name
    local line = name .. "\t" .. first.instant:format "%A %d %B at %H:%M" .. "\n"
    assert.equal(line, run "The next free slot of all calendars")
  end)

  it("prints the week of a team, blocked times included", function()
    local monday = time.now(ZONE):start_of_week()
    start {
      seed = function(world)
        local noon = monday + time.hours(60) -- Wednesday
        world:block {
          assignedUserId = world.seed.users.weber,
          title = "Lunch",
          startTime = noon,
          endTime = noon + time.hours(1),
        }
      end,
    }
    local output = run "The week of a team"
    assert.truthy(output:find(account.seed.users.weber .. "\n.*\tWed 12:00\tLunch\n"), output)
    local _, members = output:gsub("%f[^\n%z]User", "")
    assert.equal(#assert(client.calendars:team()), members)
  end)

  it("marks yesterday's no-shows, and no other appointment", function()
    local yesterday = time.now(ZONE):start_of_day() - time.days(1)
    local function at(hours) return yesterday + time.hours(hours) end
    local missed, seen, older
    start {
      now = (yesterday - time.days(60)):ms(), -- around which the appointments of the sandbox lie: none of them counts
      seed = function(world)
        local function add(contact, moment, status)
          return world:appointment {
            calendarId = world.seed.calendars.checkup,
            contactId = world.seed.contacts[contact],
            assignedUserId = world.seed.users.okafor,
            startTime = moment,
            appointmentStatus = status,
          }
        end
        missed, seen = add("hugo", at(10), "confirmed"), add("greta", at(11), "showed")
        older = add("elena", at(10) - time.days(1), "confirmed")
      end,
    }
    local output = run "Mark yesterday's no-shows"
    local function status(id) return assert(client.appointments:get(id)).appointmentStatus end
    assert.same({ "noshow", "showed", "confirmed" }, { status(missed), status(seen), status(older) })
    assert.equal(1, select(2, output:gsub("\n", "\n")))
  end)

  it("blocks and closes once, however often it is run", function()
    start { now = time.at { year = 2026, month = 12, day = 7, hour = 8, zone = ZONE } }
    for heading, least in pairs { ["Block Friday afternoons for a quarter"] = 13, ["Close for a holiday"] = 4 } do
      local function blocks()
        local from = time.day("2026-12-01", ZONE)
        return assert(client.block_slots:all { from = from, to = from + time.months(6) })
      end
      local before = #blocks()
      assert.equal("", run(heading))
      local after = #blocks()
      assert.is_true(after - before >= least, heading)
      assert.equal("", run(heading))
      assert.equal(after, #blocks())
    end
    local christmas = time.day("2026-12-25", ZONE)
    assert.is_nil(client.calendars:each_slot { from = christmas, to = christmas + time.days(1) }())
  end)

  it("moves a day", function()
    local tomorrow = time.now(ZONE):start_of_day() + time.days(1)
    local id
    start {
      seed = function(world)
        id = world:appointment {
          calendarId = world.seed.calendars.checkup,
          contactId = world.seed.contacts.hugo,
          assignedUserId = world.seed.users.okafor,
          startTime = tomorrow + time.hours(15),
          appointmentStatus = "confirmed",
        }
      end,
    }
    run "Move a day"
    assert.is_true(time.parse(assert(client.appointments:get(id)).startTime) >= tomorrow + time.days(1))
    local open = { new = true, confirmed = true }
    for event in
      client.events:each { from = tomorrow, to = tomorrow + time.days(1), userId = account.seed.users.okafor }
    do
      assert.is_nil(open[event.appointmentStatus])
    end
  end)

  it("exports a year", function()
    start {}
    local before = state()
    run "A year as a calendar file"
    local file <close> = assert(io.open(home .. "/2026.ics", "rb"))
    local text = file:read "a"
    local from = time.day("2026-01-01", ZONE)
    local events = assert(client.events:all { from = from, to = from + time.years(1) })
    assert.equal(#events, select(2, text:gsub("BEGIN:VEVENT\r\n", "")))
    assert.equal(before, state())
  end)

  it("lists everything", function()
    start {
      many = 120,
      seed = function(world)
        for index = 1, 25 do
          world:note { appointmentId = world.seed.appointments[1], body = "note " .. index }
        end
      end,
    }
    local output = run "Everything of a list"
    local rooms = assert(client.resources:all "rooms")
    assert.is_true(#rooms > 100)
    assert.matches("^25 notes, ", output)
    assert.equal(1 + #rooms, select(2, output:gsub("\n", "\n")))
  end)

  it("copies a calendar with its notifications", function()
    start {}
    run "A new calendar like another one"
    local template = account.seed.calendars.checkup
    for _, calendar in ipairs(assert(client.calendars:list())) do
      if calendar.name == "Second check-up" then
        assert.equal(assert(client.calendars:get(template)).slotDuration, calendar.slotDuration)
        local notifications = assert(client.notifications:all(calendar.id))
        assert.equal(#assert(client.notifications:all(template)), #notifications)
        assert.is_true(#notifications > 0)
        return
      end
    end
    error "there is no copy"
  end)

  it("books a series once, at one time of day, on whatever day it is run again", function()
    start { control = true, now = time.day("2026-12-28", ZONE) }
    local span = { from = time.day("2027-01-01", ZONE), to = time.day("2027-04-01", ZONE) }
    local before = #assert(client.events:all(span))
    local first = run "A weekly series"
    local _, count = first:gsub("%d+%-%d+%-%d+T10:00:00%-05:00\n", "")
    assert.equal(8, count, first)
    account:control("clock", { advance_ms = 10 * 86400000 }) -- after the first one
    assert.equal(first, run "A weekly series")
    assert.equal(before + 8, #assert(client.events:all(span)))
  end)

  it("books the slot of a waiting list", function()
    start {}
    local id = run("A waiting list"):match "^%w+"
    assert.equal(account.seed.contacts.hugo, assert(client.appointments:get(id)).contactId)
  end)

  it("lists the calls of tomorrow, with names and numbers", function()
    local day = time.now(ZONE):start_of_day() + time.days(1)
    start {
      seed = function(world)
        local nina = world:contact { name = "Nina Berg", phone = "+1555" }
        world:appointment {
          calendarId = world.seed.calendars.checkup,
          contactId = nina,
          assignedUserId = world.seed.users.weber,
          startTime = day + time.hours(7),
        }
      end,
    }
    assert.matches("07:00\tNina Berg\t%+1555\twith Dr. Jonas Weber\n", run "Tomorrow's list of calls")
  end)

  it("books a new customer once", function()
    start {}
    local first = run "A new customer books"
    assert.matches("^booked:\tNina Berg\t", first)
    assert.equal((first:gsub("^booked", "was booked")), run "A new customer books")
  end)

  it("shows what a contact has booked, in a zone", function()
    start {}
    local output = run "What a contact has booked"
    local booked = assert(client.contacts:appointments(account.seed.contacts.hugo))
    assert.equal(#booked, select(2, output:gsub("\n", "")))
    assert.is_true(#booked >= 3)
    assert.equal(booked[1].startInstant:format("%F %H:%M", ZONE), output:match "^([^\t]+)\t")
  end)

  it("marks services that were missed", function()
    local id
    start {
      seed = function(world)
        local morning = time.now(ZONE):start_of_day() - time.hours(12)
        id = world:service_booking {
          contactId = world.seed.contacts.hugo,
          services = { { id = world.seed.services.massage } },
          startTime = morning,
        }
      end,
    }
    assert.matches("Hugo Almeida %- Massage\n$", run "Services that were missed")
    assert.equal("no_show", assert(client.service_bookings:get(id)).status)
    assert.equal("", run "Services that were missed")
  end)
end)
