-- What is advised instead of a name that does not exist, and when no server is there.

local advice = require "hoopai.call.advice"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local socket = require "socket"

local misuse = expect.misuse

local LUA = _VERSION:lower():gsub(" ", "")

describe("advice", function()
  before_each(leak.before)
  after_each(function() leak.after() end)

  local function new(options)
    options.token, options.location_id = "pit-0b3c4d5e-advice-spec", "l"
    return leak.client(options)
  end

  it("names the method for the usual guesses at one", function()
    local client = new {}
    -- stylua: ignore
    local cases = {
      { "appointments", "list search find list_events", "client.events:list { ... }" },
      { "appointments", "all each getAll", "client.events:all { from = ..., to = ... }" },
      { "appointments", "reschedule move confirm set_status", "client.appointments:update(id, { ... })" },
      { "appointments", "add save", "client.appointments:create(...)" },
      { "appointments", "remove", "client.appointments:delete(...)" },
      { "appointments", "getAppointment fetch", "client.appointments:get(...)" },
      { "appointments", "slots availability", "client.calendars:free_slots(calendar_id, { ... })" },
      { "calendars", "find search all query listCalendars", "client.calendars:list(...)" },
      { "calendars", "slots get_slots availability", "client.calendars:free_slots(calendar_id, { ... })" },
      { "calendars", "all_slots eachSlots", "client.calendars:each_slot { to = ... }" },
      { "calendars", "next_free_slot nextAvailable", "client.calendars:next_slot { to = ... }" },
      { "calendars", "wait watch", "client.calendars:wait_for_slot { to = ..., give_up_after = ... }" },
      { "appointments", "next_slot", "client.calendars:next_slot { to = ... }" },
      { "appointments", "wait_for_slot", "client.calendars:wait_for_slot { to = ..., give_up_after = ... }" },
      { "calendars", "events appointments", "client.events:list { ... }" },
      { "calendars", "members team_members users", "client.calendars:team()" },
      { "calendars", "book", "client.appointments:book { ... }" },
      { "events", "create add", "client.appointments:create { ... }" },
      { "events", "get fetch", "client.appointments:get(id)" },
      { "events", "update modify", "client.appointments:update(id, { ... })" },
      { "events", "edit", "client.appointments:edit(id, function(appointment) ... end)" },
      { "events", "ensure book_once", "client.appointments:book { reference = ..., ... }" },
      { "events", "cancel", "client.appointments:cancel(id)" },
      { "events", "search find", "client.events:list { ... }" },
      { "notes", "get", "client.notes:list(appointment_id)" },
      { "groups", "all", "client.groups:list(...)" },
      { "resources", "modify", "client.resources:update(...)" },
      { "notes", "edit", "client.notes:update(...)" },
      { "block_slots", "edit", "client.block_slots:update(...)" },
      { "calendars", "each all pages iterate", "client.calendars:list(...)" },
      { "notes", "getAll list_all findAll", "client.notes:all(...)" },
      { "schedules", "iterate paginate pages", "client.schedules:each(...)" },
      { "block_slots", "upsert find_or_create", "client.block_slots:ensure(...)" },
      { "appointments", "ensure upsert", "client.appointments:book { reference = ..., ... }" },
      { "schedules", "destroy", "client.schedules:delete(...)" },
      { "notifications", "read", "client.notifications:get(...)" },
      { "block_slots", "find", "client.block_slots:list(...)" },
    }
    for _, case in ipairs(cases) do
      local resource, names, call = table.unpack(case)
      for name in names:gmatch "%S+" do
        local message = misuse(function() client[resource][name](client[resource]) end)
        assert.are.equal(
          ("hoopai: client.%s has no method `%s`: write %s"):format(resource, name, call),
          (message:gsub("^.-:%d+: ", ""))
        )
      end
    end
  end)

  it("leaves misspelt and unknown methods to the list of them", function()
    local client = new {}
    misuse(function() client.appointments:crate {} end, "did you mean `create`?")
    misuse(function() client.calendars:zzzz() end, "; it has ")
    assert.is_nil(advice.method("calendars", 5, { list = true }))
    assert.is_nil(advice.method("calendars", "all", {}))
  end)

  it("names what a client has instead of a member", function()
    local client = new {}
    for _, name in ipairs { "team", "members", "teamMembers", "staff" } do
      misuse(function() return client[name] end, "write client.calendars:team()")
    end
    for _, name in ipairs { "opportunities", "conversations", "payments" } do
      local message = misuse(function() return client[name] == nil end)
      assert.are.equal(
        (
          "hoopai: a client has no `%s`: hoopai has the Calendars API, contacts, users and locations only; "
          .. "client:request reaches other endpoints, "
          .. 'such as client:request { method = "GET", path = "/%s/" }'
        ):format(name, name),
        (message:gsub("^.-:%d+: ", ""))
      )
    end
    misuse(function() client.free_slots() end, "write client.calendars:free_slots(calendar_id, { ... })")
    misuse(function() client:book {} end, "write client.appointments:book { ... }")
    misuse(function() client:post {} end, "write client:request { method = ")
    misuse(function() return client.appointment == nil end, "did you mean `appointments`?")
    for _, name in ipairs { "contact", "user", "location", "service", "service_booking" } do
      misuse(function() return client[name] == nil end, ("did you mean `%ss`?"):format(name))
    end
    misuse(function() return client.zzzz == nil end, "; it has request, with")
    assert.is_nil(advice.member(5))
  end)

  it("says how to start a server where none listens on this machine", function()
    for _, host in ipairs { "127.0.0.1", "localhost", "[::1]", "127.0.0.2" } do
      for _, scheme in ipairs { "http", "https" } do
        local client = new { base_url = ("%s://%s:1"):format(scheme, host), retries = false }
        local result, err = client.calendars:list()
        assert.is_nil(result)
        assert.are.equal("network", err.kind)
        assert.are.equal(
          (
            "connection refused: nothing listens at %s:1. Is the sandbox (or your server) running? Start it with %s -e "
            .. "'require(\"hoopai.sandbox\").serve { port = 1%s }'"
          ):format(host, LUA, scheme == "https" and ", tls = true" or ""),
          err.message
        )
      end
    end
    local _, err = hoopai.run(function() return new({ base_url = "http://127.0.0.1:1" }).calendars:list() end)
    assert.matches("connection refused", err.message)
  end)

  it("says of no other machine, and of no proxy, that a server is to be started", function()
    local err = { curl_code = 7, message = "Failed to connect" }
    advice.connection(err, "https://services.leadconnectorhq.com")
    advice.connection(err, "https://localhost.example.com:1")
    advice.connection(err, "https://127.evil.example:1")
    assert.are.equal("Failed to connect", err.message)
    local client = new { base_url = "https://127.0.0.1:1", proxy = "http://127.0.0.1:1", retries = false }
    local _, problem = client.calendars:list()
    assert.is_nil(problem.message:find("nothing listens", 1, true))
  end)

  it("says that a plain http server does not speak TLS", function()
    local listener = assert(socket.bind("127.0.0.1", 0))
    listener:settimeout(0)
    local host = "127.0.0.1:" .. select(2, listener:getsockname())
    local client = new { base_url = "https://" .. host, retries = false }
    local _, err = hoopai.run(function()
      local call = hoopai.spawn(function() return client.calendars:list() end)
      local peer
      expect.eventually(function()
        peer = listener:accept()
        return peer
      end, "there is a connection")
      peer:send "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
      local _, err = call:join()
      peer:close()
      return nil, err
    end)
    listener:close()
    assert.are.equal("tls", err.kind)
    assert.matches(
      ("the server at %s does not speak TLS: if it is a plain http server, write http://%s ("):format(host, host),
      err.message,
      1,
      true
    )
    local far = { curl_code = 35, message = "error:0A00010B:SSL routines::wrong version number" }
    advice.connection(far, "https://example.com:8080")
    advice.connection(far, "https://example.com:8080")
    assert.are.equal(
      "the server at example.com:8080 does not speak TLS: is the port that of https? "
        .. "(error:0A00010B:SSL routines::wrong version number)",
      far.message
    )
    local other = { curl_code = 35, message = "certificate required" }
    advice.connection(other, "https://example.com")
    assert.are.equal("certificate required", other.message)
  end)
end)
