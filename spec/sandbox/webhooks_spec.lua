-- The webhooks of the sandbox: which changes it announces and how, and the faults on request, each judged by the
-- receiver of the library over real sockets.

local child = require "spec.support.child"
local command = require "spec.support.command"
local core = require "hoopai.core"
local hook_server = require "spec.support.hook_server"
local hoopai = require "hoopai"
local http_client = require "spec.support.http_client"
local sandbox = require "hoopai.sandbox"
local sandbox_application = require "spec.support.sandbox_application"
local socket = require "socket"

describe("the webhooks of a sandbox's application", function()
  local box, sent

  before_each(function()
    box = sandbox_application.new { webhooks = { url = "http://127.0.0.1:1/" }, control = true }
    sent = {}
    box.app.webhooks.deliver = function(entry)
      local body = core.decode(box.app.webhooks.sent[entry].body)
      sent[#sent + 1] = body
    end
  end)

  local function types()
    local list = {}
    for index, body in ipairs(sent) do
      list[index] = body.type
    end
    return list
  end

  local function control(status, name, body)
    return box.ask(status, body and "POST" or "GET", "/__sandbox/" .. name, body, {
      authorization = "Bearer " .. box.app.control_token,
    })
  end

  it("are sent for each change of an appointment, a series and a note", function()
    local id = box.book({ title = "First" }).id
    box.ask(200, "PUT", "/calendars/events/appointments/" .. id, { title = "Second" })
    local notes = "/calendars/appointments/" .. id .. "/notes"
    local note = box.ask(201, "POST", notes, { body = "Bring papers" }).note
    box.ask(200, "PUT", notes .. "/" .. note.id, { body = "Bring nothing" })
    box.ask(200, "DELETE", notes .. "/" .. note.id)
    box.ask(201, "DELETE", "/calendars/events/" .. id)
    box.book { rrule = "FREQ=DAILY;COUNT=2", ignoreFreeSlotValidation = true, assignedUserId = box.seed.users.okafor }
    assert.are.same({
      "AppointmentCreate",
      "AppointmentUpdate",
      "NoteCreate",
      "NoteUpdate",
      "NoteDelete",
      "AppointmentDelete",
      "AppointmentCreate",
    }, types())
    local first = sent[1]
    assert.are.same({
      id = id,
      title = "First",
      calendarId = box.seed.calendars.checkup,
      contactId = box.seed.contacts.adele,
      groupId = box.seed.groups.treatments,
      appointmentStatus = "confirmed",
      assignedUserId = first.appointment.assignedUserId,
      users = { first.appointment.assignedUserId },
      source = "third_party",
      startTime = "2026-05-05T09:30:00-04:00",
      endTime = "2026-05-05T10:00:00-04:00",
      dateAdded = "2026-05-04T12:00:00.000Z",
      dateUpdated = "2026-05-04T12:00:00.000Z",
    }, first.appointment)
    assert.are.same({ box.seed.location_id, box.app.oauth.server.app_id }, { first.locationId, first.appId })
    assert.are.equal("Second", sent[2].appointment.title)
    assert.are.same(
      { note.id, "Bring papers", box.seed.contacts.adele },
      { sent[3].id, sent[3].body, sent[3].contactId }
    )
    assert.are.equal("Bring nothing", sent[4].body)
    local seen = {}
    for _, body in ipairs(sent) do
      assert.matches("^%x+%-%x%x%x%x%-4%x%x%x%-a%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$", body.webhookId)
      assert.is_nil(seen[body.webhookId])
      seen[body.webhookId] = true
      assert.is_true(math.abs(hoopai.time.parse(body.timestamp):ms() - core.wall_ms()) < 60000)
    end
  end)

  it("are sent for the appointments of a deleted calendar, and for none of what the vendor has no type", function()
    local block = { locationId = box.seed.location_id, assignedUserId = box.seed.users.okafor }
    block.startTime, block.endTime = "2026-05-05T12:00:00-04:00", "2026-05-05T13:00:00-04:00"
    local id = box.ask(201, "POST", "/calendars/events/block-slots", block).id
    box.ask(201, "DELETE", "/calendars/events/" .. id)
    assert.are.same({}, types())
    box.ask(200, "DELETE", "/calendars/" .. box.seed.calendars.checkup)
    assert.is_true(#sent > 0)
    for _, what in ipairs(types()) do
      assert.are.equal("AppointmentDelete", what)
    end
  end)

  it("are not sent for what fails, and for what a sandbox starts with", function()
    box.refuse_booking { startTime = "2026-05-05T03:00:00-04:00" }
    box.refused(404, "Event not found", "DELETE", "/calendars/events/nosuch")
    control(200, "reset", {})
    assert.are.same({}, types())
  end)

  it("are sent for persons that are added, and for installations", function()
    control(200, "add", { kind = "contact", fields = { name = "Anna Berg", email = "anna@example.com" } })
    control(200, "add", { kind = "user", fields = { name = "Lee Marsh" } })
    local code = control(200, "oauth/code", {}).code
    assert.is_string(code)
    assert.are.same({ "ContactCreate", "UserCreate" }, types())
    control(200, "oauth/grant", { class = "Company" })
    control(200, "oauth/install", { location_id = box.seed.location_id, installed = false })
    control(200, "oauth/install", { location_id = box.seed.location_id, installed = false })
    control(200, "oauth/install", { location_id = box.seed.location_id })
    assert.are.same({ "ContactCreate", "UserCreate", "INSTALL", "UNINSTALL", "INSTALL" }, types())
    assert.are.same({ "Anna Berg", "anna@example.com" }, { sent[1].name, sent[1].email })
    local agency, removed, installed = sent[3], sent[4], sent[5]
    assert.are.same({ "Company", box.seed.company_id }, { agency.installType, agency.companyId })
    assert.is_nil(agency.locationId)
    assert.are.same({ box.seed.location_id, nil }, { removed.locationId, removed.companyId })
    assert.are.same({ "Location", box.seed.location_id }, { installed.installType, installed.locationId })
    assert.are.equal(box.seed.company_id, installed.companyId)
  end)

  it("are sent by request, of any type", function()
    control(200, "webhooks/send", { type = "UPDATE", fields = { previousVersionId = "v1" } })
    control(200, "webhooks/send", { type = "TaskCreate" })
    assert.are.same({ "UPDATE", "TaskCreate" }, types())
    assert.are.equal("v1", sent[1].previousVersionId)
    assert.are.equal(box.seed.location_id, sent[2].locationId)
  end)

  it("may have the fields of the appointment in the body", function()
    control(200, "webhooks/fault", { flat = true })
    box.book { title = "Flat" }
    assert.are.same({ "Flat", box.seed.location_id }, { sent[1].title, sent[1].locationId })
    assert.is_nil(sent[1].appointment)
  end)

  it("are sent nowhere without an address", function()
    control(200, "webhooks/settings", { url = false })
    box.book()
    assert.are.same({}, sent)
    assert.are.same({}, control(200, "webhooks").webhooks)
    control(422, "webhooks/send", { type = "UPDATE" })
  end)

  it("are dropped when too many are on their way", function()
    box.app.webhooks.deliver = function() end
    for _ = 1, 1001 do
      control(200, "webhooks/send", { type = "x" })
    end
    local ledger = control(200, "webhooks").webhooks
    assert.are.same({ "waiting", "dropped" }, { ledger[1000].state, ledger[1001].state })
    control(200, "reset", {})
    control(200, "webhooks/send", { type = "x" })
    assert.are.equal("waiting", control(200, "webhooks").webhooks[1].state)
  end)

  it("have pauses that double up to ten minutes, and jitter", function()
    local outbox = box.app.webhooks
    for number, seconds in ipairs { 5, 10, 20, 40, 80, 160, 320, 600, 600, 600, 600, 600 } do
      local pause = outbox:pause(number)
      assert.is_true(pause >= seconds and pause <= 1.5 * seconds, pause)
    end
    control(200, "webhooks/settings", { retry_scale = 0.001 })
    assert.is_true(outbox:pause(1) < 0.01)
  end)

  it("need hoopai.crypto, and nothing else does", function()
    local text = child.run [[
      package.preload["hoopai.crypto"] = function() error("module 'hoopai.crypto' not found: ...", 0) end
      local application = require "hoopai.sandbox.server.application"
      local app = application.new {}
      print(app.webhooks.key, #app.store.calendars.items > 0)
      print(pcall(application.new, { webhooks = { url = "http://127.0.0.1:1/" } }))
    ]]
    assert.matches("^nil\ttrue\nfalse\thoopai.crypto, .* is not built or not installed", text)
  end)

  it("have checked settings and faults", function()
    for _, wrong in ipairs {
      { url = "localhost:80" },
      { url = "ftp://x/" },
      { url = "http://x/\r\nA: b" },
      { url = "http://user@x/" },
      { url = "http://x:70000/" },
      { retries = -1 },
      { retries = 1.5 },
      { retry_scale = "fast" },
      { timeout_ms = 0 },
      { delay_ms = -1 },
      { signature = "wrong" },
      { reorder = 1 },
      { age_seconds = "old" },
      { flat = 1 },
      { nosuch = 1 },
    } do
      control(422, "webhooks/settings", wrong)
      local ok, problem = pcall(sandbox.start, { webhooks = wrong })
      assert.is_false(ok)
      assert.matches("sandbox option `webhooks`: ", problem, 1, true)
    end
    control(422, "webhooks/fault", { url = "http://x/" })
    control(422, "webhooks/fault", { times = 0 })
    control(422, "webhooks/send", {})
    control(422, "webhooks/send", { type = "x", fields = 1 })
    control(404, "webhooks/resend", { webhookId = "nosuch" })
    control(200, "webhooks/fault", { times = 3, type = "x", signature = "twice" })
    assert.are.equal(1, control(200, "webhooks/faults", {}).forgotten)
  end)
end)

describe("a sandbox sends", function()
  local server, box, client, receiver

  before_each(function()
    server = hook_server.new()
    box = sandbox.start {
      control = true,
      webhooks = { url = server.url, retry_scale = 0.002, timeout_ms = 60000 },
      oauth = { rate = false },
    }
    client = hoopai.new { base_url = box.url, token = box.token, location_id = box.location_id }
    receiver = hoopai.webhook { keys = { box.webhook_key } }
  end)

  after_each(function()
    client:close()
    box:stop()
    server:close()
  end)

  local function send(what) return box:control("webhooks/send", { type = what or "Ping" }).webhookId end
  local function verify(request) return receiver:verify(request.headers, request.body) end

  --- Waits until the last webhook of the ledger is in a state.
  local function last_in(state, count)
    local deadline = socket.gettime() + 20
    repeat
      local ledger = box:control("webhooks").webhooks
      local last = ledger[#ledger]
      if last.state == state and #last.deliveries >= (count or 0) then return last end
      socket.sleep(0.01)
    until socket.gettime() > deadline
    error("the webhook did not get " .. state)
  end

  it("what the receiver verifies, of each change", function()
    local now = hoopai.time.now()
    local booked = assert(client.appointments:book {
      calendarId = box.seed.calendars.checkup,
      contactId = box.seed.contacts.hugo,
      from = now,
      to = now + hoopai.time.days(7),
    })
    local request = server:take()
    assert.are.equal("POST /hook HTTP/1.1", request.head[1])
    assert.are.same({ "127.0.0.1:" .. server.port }, request.headers.host)
    assert.are.same({ "application/json" }, request.headers["content-type"])
    local event = assert(verify(request))
    assert.are.same({ "AppointmentCreate", booked.id }, { event.type, event.appointment.id })
    assert.is_true(event.appointment.instants.startTime > now)
    assert(client.appointments:cancel(booked.id))
    event = assert(verify(server:take()))
    assert.are.same({ "AppointmentUpdate", "cancelled" }, { event.type, event.appointment.appointmentStatus })
    assert(client.appointments:delete(booked.id))
    assert.are.equal("AppointmentDelete", assert(verify(server:take())).type)
    assert.are.equal("delivered", last_in("delivered").state)
  end)

  it("again with the same bytes, until the response is 2xx", function()
    local id = send()
    local first = server:take(500)
    local others = { server:take(302), server:take(404), server:take(204) }
    for _, request in ipairs(others) do
      assert.are.equal(first.body, request.body)
      assert.are.same(first.headers["x-ghl-signature"], request.headers["x-ghl-signature"])
    end
    assert.are.equal(id, assert(verify(first)).webhookId)
    local _, err = verify(others[3])
    assert.are.equal("replayed", err.kind)
    local statuses = {}
    for index, delivery in ipairs(last_in("delivered").deliveries) do
      statuses[index] = delivery.status
    end
    assert.are.same({ 500, 302, 404, 204 }, statuses)
    assert.is_true(server:is_quiet(0.2))
  end)

  it("at most 13 times", function()
    send()
    for _ = 1, 13 do
      server:take(500)
    end
    assert.are.equal(13, #last_in("failed").deliveries)
    assert.is_true(server:is_quiet(0.2))
  end)

  it("while receivers do not respond, and serves meanwhile", function()
    box:control("webhooks/settings", { retries = 1 })
    for _ = 1, 70 do -- more than it delivers at a time
      send()
    end
    for _ = 1, 64 do
      server:take(false)
    end
    for _ = 1, 20 do
      assert(client.calendars:list())
    end
    for _, entry in ipairs(box:control("webhooks").webhooks) do
      assert.are.same({ "waiting", 0 }, { entry.state, #entry.deliveries })
    end
    server:drop()
    for _ = 1, 70 do -- six, and the second deliveries of the others
      server:take()
    end
    local entry = last_in "delivered"
    assert.are.equal(200, entry.deliveries[#entry.deliveries].status)
  end)

  it("again after a response that does not come in time", function()
    box:control("webhooks/settings", { timeout_ms = 100 })
    send()
    server:take(false)
    box:control("webhooks/settings", { timeout_ms = 60000 })
    local last
    repeat
      last = server:take()
    until box:control("webhooks").webhooks[1].state == "delivered" or not last
    assert.matches("timed out", box:control("webhooks").webhooks[1].deliveries[1].error)
  end)

  it("to receivers that break their responses off, and serves meanwhile", function()
    box:control("webhooks/settings", { retries = 0 })
    for response, outcome in pairs {
      ["HTTP/1.1 200 x\r\nContent-Length: 100\r\n\r\nabc"] = 200,
      ["HTTP/1.1 204 x\r\n"] = 204,
      ["HTTP/1.1 100 x\r\nA: b\r\n\r\nHTTP/1.0 500\r\n\r\n"] = 500,
      ["HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na"] = 200,
      ["HTTP/1.1 100 x\r\n"] = "without a response",
      [""] = "without a response",
      ["HTTP/1.1 2"] = "not one of HTTP",
      ["SSH-2.0-x\r\n"] = "not one of HTTP",
      [("x"):rep(100000)] = "not one of HTTP",
    } do
      send()
      server:take(response)
      local last = last_in(type(outcome) == "number" and outcome < 300 and "delivered" or "failed")
      local delivery = last.deliveries[1]
      if type(outcome) == "number" then
        assert.are.equal(outcome, delivery.status)
      else
        assert.matches(outcome, delivery.error)
      end
      assert(client.calendars:list())
    end
  end)

  it("to an address where nothing listens, and goes on", function()
    box:control("webhooks/settings", { url = "http://127.0.0.1:" .. http_client.free_port(), retries = 2 })
    send()
    local entry = last_in "failed"
    assert.are.equal(3, #entry.deliveries)
    assert.matches("refused", entry.deliveries[1].error)
    box:control("webhooks/settings", { url = server.url })
    send()
    assert(verify(server:take()))
  end)

  it("nothing of before a reset", function()
    box:control("webhooks/settings", { retry_scale = 0.1 })
    send()
    server:take(500)
    box:control("reset", {})
    assert.is_true(server:is_quiet(1))
    assert.are.same({}, box:control("webhooks").webhooks)
  end)

  for signature, reason in pairs {
    missing = "has no header",
    not_signed = "did not sign",
    other_key = "not that of this body",
    other_body = "not that of this body",
    reserialised = "not that of this body",
    malformed = "is not base64",
    twice = "2 times",
    old_header = "has no header",
  } do
    it("a wrong signature on request, which is refused: " .. signature, function()
      box:control("webhooks/fault", { signature = signature })
      send()
      local event, err = verify(server:take())
      assert.is_nil(event)
      assert.are.equal("signature", err.kind)
      assert.matches(reason, err.message, 1, true)
      assert.are.equal("signature_" .. signature, last_in("delivered").fault)
      send()
      assert(verify(server:take()))
    end)
  end

  it("old timestamps and those of the future on request, which are refused", function()
    for _, seconds in ipairs { 90000, -400 } do
      box:control("webhooks/fault", { age_seconds = seconds })
      send()
      local event, err = verify(server:take())
      assert.is_nil(event)
      assert.are.equal("stale", err.kind)
    end
    box:control("webhooks/fault", { age_seconds = 80000 })
    send()
    assert(verify(server:take()))
  end)

  it("repeats on request, of which the first is taken", function()
    box:control("webhooks/fault", { repeats = 2 })
    send()
    assert(verify(server:take()))
    for _ = 1, 2 do
      local event, err = verify(server:take())
      assert.is_nil(event)
      assert.are.equal("replayed", err.kind)
    end
    assert.are.equal(3, #last_in("delivered").deliveries)
    assert.is_true(server:is_quiet(0.1))
  end)

  it("a webhook of the ledger again, as the vendor's dashboard does", function()
    local id = send()
    local event = assert(verify(server:take()))
    last_in "delivered"
    box:control("webhooks/resend", { webhookId = id })
    local request = server:take()
    local _, err = verify(request)
    assert.are.equal("replayed", err.kind)
    receiver:release(event)
    assert(verify(request))
  end)

  it("in the wrong order on request", function()
    box:control("webhooks/fault", { reorder = 3, times = 3 })
    local ids = { send "A", send "B", send "C" }
    local got = {}
    for index = 1, 3 do
      got[index] = assert(verify(server:take())).webhookId
    end
    assert.are.same({ ids[3], ids[2], ids[1] }, got)
    -- Fewer than three are not kept for ever.
    box:control("webhooks/fault", { reorder = 3 })
    local id = send()
    assert.are.equal(id, assert(verify(server:take())).webhookId)
  end)

  it("late on request", function()
    box:control("webhooks/fault", { delay_ms = 100000, type = "Late" })
    send "Late"
    send "Soon"
    assert.are.equal("Soon", assert(verify(server:take())).type)
    last_in "delivered"
    local late = box:control("webhooks").webhooks[1]
    assert.are.same({ "Late", "waiting", 0, "delay_ms" }, { late.type, late.state, #late.deliveries, late.fault })
    box:control("webhooks/fault", { delay_ms = 150 })
    send()
    server:take()
    local entry = last_in "delivered"
    assert.is_true(entry.deliveries[1].at - entry.at >= 150)
  end)

  it("what `app:apply` keeps tokens in step with", function()
    box:control("webhooks/settings", { url = false })
    local app <close> = hoopai.oauth {
      client_id = box.oauth.client_id,
      client_secret = box.oauth.client_secret,
      base_url = box.url,
      redirect_uri = "http://127.0.0.1/back",
      company_id = box.oauth.company_id,
    }
    assert(app:exchange { code = box.oauth.code { class = "Company" }, user_type = "Company" })
    box:control("webhooks/settings", { url = server.url })
    local function installed(is_installed)
      box:control("oauth/install", { location_id = box.location_id, installed = is_installed })
      return assert(verify(server:take()))
    end
    local removed = installed(false)
    local again = installed(true)
    assert.are.same({ "UNINSTALL", "INSTALL" }, { removed.type, again.type })
    assert.are.equal("installed", assert(app:apply(again)))
    assert.are.equal("unchanged", assert(app:apply(removed))) -- it is older than the tokens
    assert.are.equal("uninstalled", assert(app:apply(installed(false))))
  end)
end)

describe("the key of a sandbox's webhooks", function()
  it("is in the variables of `serve`, and the command and the examples take it", function()
    local port = http_client.free_port()
    local output = os.tmpname()
    local book = ([[
      local socket = require "socket"
      for _ = 1, 400 do
        local connection = socket.connect("127.0.0.1", %d)
        if connection then connection:close() break end
        socket.sleep(0.05)
      end
      local hoopai = require "hoopai"
      local client <close> = hoopai.new()
      local now = hoopai.time.now()
      assert(client.appointments:book {
        calendarId = os.getenv "CALENDAR_ID", contactId = os.getenv "CONTACT_ID",
        from = now, to = now + hoopai.time.days(5),
      })
      for _ = 1, 400 do
        local file <close> = assert(io.open(%q))
        if #file:read "a" > 0 then return end
        socket.sleep(0.05)
      end]]):format(port, output)
    local lua = child.quote(child.server_interpreter())
    for _, receiver in ipairs {
      ("%s bin/hoopai webhooks listen --port %d"):format(lua, port),
      ("%s examples/receive_webhooks.lua %d"):format(lua, port),
      ("%s examples/receive_webhooks_socket.lua %d"):format(lua, port),
    } do
      local inner = ("exec 2>&1; %s >%s & receiver=$!; %s -e %s; kill $receiver; wait $receiver 2>/dev/null"):format(
        receiver,
        output,
        lua,
        child.quote(book)
      )
      local words = { "sandbox", "--webhooks", ("http://127.0.0.1:%d/"):format(port), "--run", inner }
      local home = command.home(false)
      home:run(words)
      home:close()
      local text = command.read(output)
      os.remove(output)
      assert.is_truthy(text:find "200  AppointmentCreate  LindenStreetClinic00" or text:find "^booked\t%w+\t", text)
    end
  end)
end)
