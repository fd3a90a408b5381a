--- Runs each example against a sandbox, as its user would, and reads the effect from the sandbox.
local child = require "spec.support.child"
local http = require "socket.http"
local socket = require "socket"
local hoopai = require "hoopai"
local sandbox = require "hoopai.sandbox"

local time = hoopai.time
local ZONE = "America/New_York"

describe("the examples", function()
  local account, client

  before_each(function()
    account = sandbox.start { control = true }
    client = hoopai.new { base_url = account.url, token = account.token, location_id = account.location_id }
  end)

  after_each(function()
    client:close()
    account:stop()
  end)

  --- Runs an example; returns what it printed, and whether it succeeded.
  local function run(name, ...)
    local words = {}
    for index, word in ipairs { ... } do
      words[index] = ("%q"):format(word)
    end
    return child.run(("arg = { [0] = 'example', %s } dofile('examples/%s')"):format(table.concat(words, ", "), name), {
      set = {
        HOOPAI_BASE_URL = account.url,
        HOOPAI_TOKEN = account.token,
        HOOPAI_LOCATION_ID = account.location_id,
      },
    })
  end

  local function day_of(date, zone)
    local year, month, day = date:match("(%d+)-(%d+)-(%d+)")
    return time.at { year = tonumber(year), month = tonumber(month), day = tonumber(day), zone = zone or ZONE }
  end

  local function events_of(query)
    local list = assert(client.events:list(query))
    local by_id = {}
    for _, event in ipairs(list) do
      by_id[event.id] = event
    end
    return by_id, list
  end

  it("book_next_slot books the first free slot of the named calendar", function()
    local now = time.now()
    local calendar_id = account.seed.calendars.physio
    local free = assert(client.calendars:free_slots(calendar_id, { startDate = now, endDate = now + time.days(5) }))
    local day, slot = hoopai.slots(free)()
    local window = { calendarId = calendar_id, startTime = now, endTime = now + time.days(6) }
    local before = events_of(window)

    local output, ok = run("book_next_slot.lua", account.seed.contacts.hugo, "Physiotherapy")
    assert.is_true(ok, output)
    assert.truthy(output:find("Physiotherapy on " .. day .. " at " .. slot:sub(12, 16), 1, true), output)
    assert.truthy(output:find("First visit (yours)", 1, true), output)

    local added = {}
    for id, event in pairs((events_of(window))) do
      if not before[id] then added[#added + 1] = event end
    end
    assert.equal(1, #added)
    assert.equal(account.seed.contacts.hugo, added[1].contactId)
    assert.equal(time.parse(slot), time.parse(added[1].startTime))
  end)

  it("run in a sandbox that serves them, with its variables alone", function()
    local function serve(command)
      local script = ("require('hoopai.sandbox').serve { now = 1777896000000, run = %q }"):format(command)
      return child.run(script, { unset = { "HOOPAI_TOKEN", "HOOPAI_LOCATION_ID", "HOOPAI_BASE_URL" } })
    end
    local output, ok = serve(child.interpreter() .. [[ -e '
      local hoopai = require "hoopai"
      local now = hoopai.time.from_ms(1777896000000)
      hoopai.time.now = function() return now end
      arg = {}
      dofile "examples/book_next_slot.lua"']])
    assert.is_true(ok, output)
    assert.truthy(output:find("General check-up on 2026-05-04 at 10:00", 1, true), output)

    -- The address that sign_in prints redirects a browser to the page that sign_in serves.
    local folder, pages = os.tmpname(), os.tmpname()
    assert(os.remove(folder))
    output, ok = serve(([[
      %s examples/sign_in.lua %s >%s & signing=$!
      for pause in $(seq 200); do
        url=$(grep -o 'http[^ ]*chooselocation[^ ]*' %s) && break
        sleep 0.05
      done
      curl -sL --noproxy '*' "$url"
      wait $signing && cat %s]]):format(child.interpreter(), folder, pages, pages, pages))
    os.remove(pages)
    os.execute("rm -rf " .. child.quote(folder))
    assert.is_true(ok, output)
    assert.truthy(output:find("Signed in: location LindenStreetClinic00", 1, true), output)
  end)

  it("move_sick_day moves every open appointment of the colleague to a later day", function()
    local sick = account.seed.sick
    local morning = day_of(sick.date)
    local output, ok = run("move_sick_day.lua", sick.userId, ZONE, sick.date)
    assert.is_true(ok, output)
    local starts = {}
    for _, id in ipairs(sick.appointments) do
      local event = assert(client.appointments:get(id))
      assert.is_true(time.parse(event.startTime) >= morning + time.days(1), event.startTime)
      starts[event.startTime .. tostring(event.assignedUserId)] = true
    end
    local count = 0
    for _ in pairs(starts) do
      count = count + 1
    end
    assert.equal(#sick.appointments, count) -- no two of them at one time with one person
    local still = events_of { userId = sick.userId, startTime = morning, endTime = morning + time.days(1) }
    for _, event in pairs(still) do
      assert.equal("cancelled", event.appointmentStatus)
    end
  end)

  it("close_for_holiday leaves nothing free on that day and names who is still booked", function()
    local date = account.seed.days[1]
    local output, ok = run("close_for_holiday.lua", ZONE, date, "Founders' Day")
    assert.is_true(ok, output)
    local from = day_of(date)
    for _, calendar in ipairs(assert(client.calendars:list())) do
      local free = assert(client.calendars:free_slots(calendar.id, {
        startDate = from,
        endDate = from + time.days(1),
        timezone = ZONE,
      }))
      assert.is_nil(hoopai.slots(free)(), calendar.name)
      assert.truthy(output:find(calendar.name, 1, true))
    end
    assert.truthy(output:find("still booked", 1, true), output)
    assert.is_nil(output:find("STILL OPEN", 1, true))
  end)

  it("close_for_holiday leaves the day after to a calendar that is open day and night", function()
    local user = account:control("add", { kind = "user", fields = { name = "Robin Night" } }).id
    local days = { 0, 1, 2, 3, 4, 5, 6 }
    local hours = { { openHour = 0, openMinute = 0, closeHour = 23, closeMinute = 59 } }
    local fields = {
      name = "Night line",
      calendarType = "personal",
      teamMembers = { { userId = user } },
      openHours = { { daysOfTheWeek = days, hours = hours } },
    }
    account:control("add", { kind = "calendar", fields = fields })
    local output, ok = run("close_for_holiday.lua", ZONE, account.seed.days[1])
    assert.is_true(ok, output)
    assert.matches("Night line +closed on ", output)
  end)

  it("close_for_holiday, run again, changes nothing", function()
    local date = account.seed.days[1]
    local from = day_of(date)
    local function blocks_of_the_day()
      local found = {}
      local function add(query)
        query.startTime, query.endTime = from, from + time.days(1)
        for _, block in ipairs(assert(client.block_slots:list(query))) do
          if block.title == "Founders' Day" then found[#found + 1] = block.id .. " " .. block.dateUpdated end
        end
      end
      for _, user in pairs(account.seed.users) do
        add { userId = user }
      end
      for _, calendar in ipairs(assert(client.calendars:list())) do
        add { calendarId = calendar.id }
      end
      table.sort(found)
      return found
    end
    local function changes()
      local count = 0
      for _, entry in ipairs(account:control("requests").requests) do
        if entry.method ~= "GET" then count = count + 1 end
      end
      return count
    end

    local output, ok = run("close_for_holiday.lua", ZONE, date, "Founders' Day")
    assert.is_true(ok, output)
    local count = tonumber(output:match("(%d+) of %d+ times were blocked now"))
    local before, sent = blocks_of_the_day(), changes()
    assert.equal(count, #before)
    assert.is_true(count >= 2)
    output, ok = run("close_for_holiday.lua", ZONE, date, "Founders' Day")
    assert.is_true(ok, output)
    assert.truthy(output:find(("0 of %d times were blocked now"):format(count), 1, true), output)
    assert.same(before, blocks_of_the_day())
    assert.equal(sent, changes())
  end)

  describe("sign_in", function()
    local folder, port

    before_each(function()
      folder = os.tmpname()
      assert(os.remove(folder))
      local probe = assert(socket.bind("127.0.0.1", 0))
      port = select(2, probe:getsockname())
      probe:close()
    end)

    after_each(function() os.execute("rm -rf " .. child.quote(folder)) end)

    --- Starts the example; returns the child and the URL that it printed.
    local function start(...)
      local words = { ("%q"):format(folder), ("%q"):format(tostring(port)) }
      for _, word in ipairs { ... } do
        words[#words + 1] = ("%q"):format(word)
      end
      local script = ("arg = { [0] = 'example', %s } dofile('examples/sign_in.lua')"):format(table.concat(words, ", "))
      local process = child.start(script, {
        set = {
          HOOPAI_BASE_URL = account.url,
          HOOPAI_AUTHORIZE_HOST = account.url,
          HOOPAI_CLIENT_ID = account.oauth.client_id,
          HOOPAI_CLIENT_SECRET = account.oauth.client_secret,
        },
      })
      local seen = {}
      for line in process.output:lines() do
        seen[#seen + 1] = line
        local url = line:match("^%s*(http%S+)$")
        if url then return process, url end
      end
      error("no address was printed: " .. table.concat(seen, "\n"))
    end

    --- Requests a URL as a browser does, without following redirects; returns the redirect, the status and the page.
    local function open(url)
      local page = {}
      local _, status, headers = http.request { url = url, redirect = false, sink = require("ltn12").sink.table(page) }
      return headers and headers.location, status, table.concat(page)
    end

    local function app_of()
      return hoopai.oauth {
        client_id = account.oauth.client_id,
        client_secret = account.oauth.client_secret,
        base_url = account.url,
        store = hoopai.store.file(folder),
      }
    end

    it("signs in for a location, and its folder serves a client from then on", function()
      local process, url = start()
      assert.equal(account.url, url:match("^(.-)/v2/oauth/chooselocation%?"))
      assert.truthy(url:find("code_challenge_method=S256", 1, true))
      local _, status = open(("http://127.0.0.1:%d/favicon.ico"):format(port)) -- browsers request it too
      assert.equal(200, status)
      local back, redirect = open(url)
      assert.equal(302, redirect)
      assert.truthy(back:find(("^http://127%%.0%%.0%%.1:%d/callback%%?"):format(port)), back)
      local _, answered, page = open(back)
      assert.equal(200, answered)
      assert.truthy(page:find("Done", 1, true))
      local output, ok = process:finish()
      assert.is_true(ok, output)
      assert.truthy(output:find("Signed in: location " .. account.location_id, 1, true), output)

      local app <close> = app_of()
      local signed <close> = hoopai.new { oauth = app, base_url = account.url, location_id = account.location_id }
      assert.equal(#assert(client.calendars:list()), #assert(signed.calendars:list()))
    end)

    it("signs in for an agency, which then serves its locations", function()
      local process, url = start("Company")
      open((open(url)))
      local output, ok = process:finish()
      assert.is_true(ok, output)
      assert.truthy(output:find("Signed in: company " .. account.oauth.company_id, 1, true), output)

      local app <close> = app_of()
      local agency <close> = hoopai.new { oauth = app, base_url = account.url, company_id = account.oauth.company_id }
      local found = 0
      for location in app:installed_locations { company_id = account.oauth.company_id } do
        found = found + 1
        local one <close> = agency:with { location_id = location._id }
        assert(one.calendars:list())
      end
      assert.equal(#account.oauth.locations, found)
    end)

    for name, case in pairs {
      ["an answer that belongs to another sign-in"] = {
        bend = function(back) return (back:gsub("state=%x", "state=x")) end,
        says = "state differs",
      },
      ["a code that is not there"] = {
        bend = function(back) return (back:gsub("code=[^&]*", "code=nonsense")) end,
        says = "reauth_required",
      },
      ["a sign-in that was denied"] = { pick = "&sandbox_pick=deny", says = "not signed in: access_denied" },
    } do
      it("stores nothing after " .. name, function()
        local process, url = start()
        local back = open(url .. (case.pick or ""))
        open(case.bend and case.bend(back) or back)
        local output, ok = process:finish()
        assert.is_false(ok)
        assert.truthy(output:find(case.says, 1, true), output)
        local app <close> = app_of()
        local signed_out <close> = hoopai.new { oauth = app, base_url = account.url, location_id = account.location_id }
        local list, err = signed_out.calendars:list()
        assert.is_nil(list)
        assert.equal("reauth_required", err.kind)
      end)
    end
  end)

  for _, name in ipairs { "book_next_slot.lua", "move_sick_day.lua", "close_for_holiday.lua", "sign_in.lua" } do
    it(name .. " is short, and says how it is used when called without arguments", function()
      local lines = 0
      for _ in io.lines("examples/" .. name) do
        lines = lines + 1
      end
      assert.is_true(lines < 60, name .. " has " .. lines .. " lines")
      local output, ok = run(name)
      assert.is_false(ok)
      assert.truthy(output:find("usage: " .. name, 1, true), output)
    end)
  end
end)
