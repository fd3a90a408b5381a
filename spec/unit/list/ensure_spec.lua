-- block_slots:ensure: what it looks for, what it sends, and what it finds after a lost response.

local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local json = require "spec.support.json"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

local failure, misuse = expect.failure, expect.misuse
local time = hoopai.time

local TOKEN = "pit-0b3c4d5e-ensure-spec"
local CREATE, LIST = "/calendars/events/block-slots", "/calendars/blocked-slots"
local FROM, TO = "2026-12-01T12:00:00-05:00", "2026-12-01T13:00:00-05:00"
local FROM_MS = 1796144400000
local HOUR = 3600000

describe("hoopai.list.ensure", function()
  local server, client

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  before_each(function()
    leak.before()
    client = leak.client { token = TOKEN, base_url = server.url, location_id = "l" }
  end)
  after_each(function() leak.after(server) end)

  local function wanted(more)
    local body = { assignedUserId = "u", title = "Lunch", startTime = FROM, endTime = TO }
    for name, value in pairs(more or {}) do
      body[name] = value or nil
    end
    return body
  end

  local function event(more)
    local fields = { id = "b", assignedUserId = "u", startTime = FROM, endTime = TO }
    for name, value in pairs(more or {}) do
      fields[name] = value or nil
    end
    local parts = {}
    for name, value in pairs(fields) do
      parts[#parts + 1] = ("%q:%s"):format(name, value == true and "true" or ("%q"):format(value))
    end
    return "{" .. table.concat(parts, ",") .. "}"
  end

  local function listed(...)
    return { method = "GET", path = LIST, body = '{"events":[' .. table.concat({ ... }, ",") .. "]}" }
  end

  local function created(more)
    return {
      method = "POST",
      path = CREATE,
      status = 201,
      body = event(more or { id = "new", locationId = "l", title = "Lunch" }),
    }
  end

  local function ensure(more, options) return client.block_slots:ensure(wanted(more), options) end

  local function requests()
    local names = {}
    for index, entry in ipairs(server:ledger()) do
      names[index] = entry.method
    end
    return table.concat(names, " ")
  end

  it("blocks a time that is not blocked, once it has looked", function()
    server:reply(listed(), created())
    local block, response = assert(ensure())
    assert.are.equal("new", block.id)
    assert.is_nil(response.existing)
    assert.is_nil(response.reconciled)
    assert.are.equal("GET POST", requests())
    assert.are.equal(
      ("locationId=l&userId=u&startTime=%d&endTime=%d"):format(FROM_MS - HOUR, FROM_MS + 2 * HOUR),
      server:ledger()[1].query
    )
    assert.are.same(
      { assignedUserId = "u", title = "Lunch", startTime = FROM, endTime = TO, locationId = "l" },
      json.read(server:last().body)
    )
  end)

  it("returns the blocked time that is there, in any spelling of its instants", function()
    for index, more in ipairs {
      {},
      { startTime = "2026-12-01T17:00:00.000Z", endTime = "2026-12-01T18:00:00+00:00", title = "Another" },
      { assignedUserId = false },
    } do
      server:reply(listed(event { id = "other", endTime = FROM }, "null", event(more)))
      local block, response = assert(ensure { startTime = index == 1 and time.parse(FROM) or FROM })
      assert.are.equal("b", block.id)
      assert.is_true(response.existing)
    end
    server:reply(listed(event { assignedUserId = false, calendarId = "c" }))
    local block, response = assert(ensure { assignedUserId = false, calendarId = "c" })
    assert.are.equal("b", block.id)
    assert.is_true(response.existing)
    assert.matches("calendarId=c&startTime", server:last().query)
    assert.are.equal("GET GET GET GET", requests())
  end)

  it("takes no other blocked time for it", function()
    for _, other in ipairs {
      event { startTime = "2026-12-01T12:00:00.001-05:00" },
      event { endTime = "2026-12-01T13:00:00-06:00" },
      event { assignedUserId = "v" },
      event { assignedUserId = false, calendarId = "u" },
      event { deleted = true },
      event { startTime = "nonsense", endTime = FROM },
      event { startTime = TO, endTime = false },
      event { assignedUserId = "v", startTime = "nonsense" },
    } do
      server:reply(listed(other), created())
      local block, response = assert(ensure())
      assert.are.equal("new", block.id)
      assert.is_nil(response.existing)
    end
  end)

  it("sends nothing if a blocked time may be the one, and its times cannot be read", function()
    for _, odd in ipairs {
      event { startTime = "2026-12-01 12:00:00", endTime = "2026-12-01 13:00:00" },
      event { startTime = false },
      event { endTime = "nonsense" },
    } do
      server:reply(listed(event { startTime = TO }, odd))
      local block, err = ensure()
      failure("decode", block, err, { applied = "no", path = LIST })
      assert.matches("the times of the blocked time b cannot be read", err.message, 1, true)
      server:reply(listed(odd, event { id = "same" }))
      assert.are.equal("same", assert(ensure()).id)
    end
    assert.are.equal("GET GET GET GET GET GET", requests())
  end)

  it("sends nothing if it cannot look", function()
    for _, case in ipairs {
      { { path = LIST, status = 403, body = "{}" }, "forbidden" },
      { { path = LIST, body = "{}" }, "decode" },
      { { path = LIST, body = "<html>" }, "decode" },
      { { path = LIST, status = 503, body = "{}" }, "server" },
    } do
      server:reply(case[1])
      local block, err = ensure()
      failure(case[2], block, err, { applied = "no" })
    end
    assert.are.equal("GET GET GET GET", requests())
  end)

  it("looks again after an unclear create, and does not send it twice", function()
    local failures = {
      { method = "POST", path = CREATE, reset = "before" },
      { method = "POST", path = CREATE, status = 504, body = "<html>" },
      { method = "POST", path = CREATE, status = 201, body = "{" },
    }
    for index, lost in ipairs(failures) do
      server:reply(listed(), lost)
      if index == 1 then server:reply(listed()) end -- the API is late
      server:reply(listed(event()))
      local block, response = assert(ensure(nil, { retries = 2 }))
      assert.are.equal("b", block.id)
      assert.is_true(response.reconciled)
      assert.is_nil(response.existing)
      assert.are.equal(index == 1 and "GET POST GET GET" or "GET POST GET", requests())
      server:reset()
    end
  end)

  it("says that the outcome is unclear if the blocked time is not found", function()
    server:reply(listed(), { method = "POST", path = CREATE, status = 500, body = "{}" })
    server:reply(listed(), { path = LIST, status = 500, body = "{}" }, { path = LIST, status = 401, body = "{}" })
    local block, err = ensure()
    failure("server", block, err, { applied = "maybe", status = 500, method = "POST", path = CREATE })
    assert.matches("not found so far: block_slots:ensure looks again", err.message)
    assert.matches("ensure_spec.lua:%d+", err.where)
    assert.are.equal("GET POST GET GET GET", requests())
    server:reset()
    server:reply(listed(event()))
    assert.is_true(select(2, assert(ensure())).existing)
  end)

  it("ends the looking where another look would fail alike", function()
    server:reply(listed(), { method = "POST", path = CREATE, status = 500, body = "{}" })
    server:reply { path = LIST, status = 403, body = "{}" }
    local block, err = ensure()
    failure("server", block, err, { applied = "maybe" })
    assert.are.equal("GET POST GET", requests())
  end)

  it("says what may have been changed if its task is cut off while it looks", function()
    server:reply(listed(), { method = "POST", path = CREATE, status = 500, body = "{}" })
    local _, err = hoopai.run(function()
      local task = hoopai.spawn(function() return ensure() end)
      hoopai.sleep(0)
      expect.eventually(function() return server:count "ended" == 2 end, "the create has failed")
      hoopai.sleep(0.05)
      task:cancel()
      return task:join()
    end)
    assert.are.equal("cancelled", err.kind)
    assert.are.equal("maybe", err.applied)
    assert.are.equal("server", err.unclear[1].cause.kind)
    assert.are.equal("GET POST", requests())
  end)

  it("returns a refusal as it is", function()
    local text = '{"message":"The calendar is not an event calendar."}'
    server:reply(listed(), { method = "POST", path = CREATE, status = 400, body = text })
    local block, err = ensure { assignedUserId = false, calendarId = "c" }
    failure("refused", block, err, { applied = "no" })
    assert.matches("assignedUserId", err.message)
  end)

  it("lets two tasks that block one time take turns", function()
    server:reply(listed(), created(), listed(event { id = "new" }))
    local results = hoopai.map({ FROM, "2026-12-01T17:00:00Z" }, function(start)
      local block, response = assert(ensure { startTime = start })
      return block.id .. (response.existing and " there" or " made")
    end)
    assert.are.same({ "new made", "new there", n = 2 }, results)
    assert.are.equal("GET POST GET", requests())
  end)

  it("lets tasks that block other times run side by side", function()
    server:reply(
      { method = "GET", path = LIST, times = 3, hold = "gate", body = '{"events":[]}' },
      { method = "POST", path = CREATE, times = 3, status = 201, body = '{"id":"new","locationId":"l","title":"t"}' }
    )
    local jobs = {
      { assignedUserId = "v" },
      { endTime = "2026-12-01T14:00:00-05:00" },
      { assignedUserId = false, calendarId = "u" },
    }
    hoopai.run(function()
      local tasks = {}
      for index, more in ipairs(jobs) do
        tasks[index] = hoopai.spawn(function() return ensure(more) end)
      end
      hoopai.sleep(0)
      expect.eventually(function() return server:count "arrived" == 3 end, "three looks are under way")
      server:release "gate"
      for _, task in ipairs(tasks) do
        assert(task:join())
      end
    end)
  end)

  it("waits for its turn no longer than the queue_timeout", function()
    server:reply({ path = LIST, steps = { { stall = true } } })
    hoopai.run(function()
      local first = hoopai.spawn(function() return ensure() end)
      hoopai.sleep(0)
      expect.eventually(function() return server:count "arrived" == 1 end, "the first one looks")
      local block, err = ensure(nil, { queue_timeout = 0.02 })
      failure("timeout", block, err, { stage = "queue", applied = "no", attempts = 0 })
      first:cancel()
    end)
    assert.are.equal("GET", requests())
  end)

  it("names all problems at once, those of create with its own", function()
    local block, err = client.block_slots:ensure { titel = "x", calendarId = "c", assignedUserId = "u" }
    failure("invalid_request", block, err, { applied = "no" })
    local found = {}
    for index, detail in ipairs(err.details) do
      found[index] = detail.path
    end
    assert.are.same({ "", "endTime", "startTime", "titel" }, found)
    assert.matches("^block_slots:ensure has 4 problems", err.message)
    assert.matches("ensure_spec.lua:%d+", err.where)
    block, err = client.block_slots:ensure { assignedUserId = "u", startTime = "12:00", endTime = 1796148000000 }
    failure("invalid_request", block, err)
    assert.are.equal(2, #err.details)
    block, err = client.block_slots:ensure { assignedUserId = "u", startTime = TO, endTime = FROM }
    failure("invalid_request", block, err)
    assert.are.equal("must be after `startTime`", err.details[1].problem)
    failure("invalid_request", client.block_slots:ensure())
  end)

  it("needs an owner and two instants also with the checks off", function()
    for _, more in ipairs {
      { assignedUserId = false },
      { calendarId = "c" },
      { startTime = "12:00" },
      { endTime = false },
      { assignedUserId = 5 },
    } do
      local block, err = ensure(more, { validate = false })
      failure("invalid_request", block, err)
      assert.are.equal(1, #err.details)
    end
    server:reply(listed(), created())
    assert(ensure({ mine = "x" }, { validate = false }))
    assert.are.equal("x", json.read(server:last().body).mine)
  end)

  it("gives the options to each of its calls, and changes no table of the caller", function()
    server:reply(listed(), created())
    local body, options = wanted(), { headers = { ["X-Mine"] = "1" }, location_id = "l" }
    assert(client.block_slots:ensure(body, options))
    for _, entry in ipairs(server:ledger()) do
      assert.are.equal("1", entry.header["x-mine"])
    end
    assert.are.same(wanted(), body)
    assert.are.same({ headers = { ["X-Mine"] = "1" }, location_id = "l" }, options)
    server:reset()
    server:reply(listed(), created { id = "new", locationId = "m", title = "t" })
    assert(ensure { locationId = "m" })
    assert.matches("locationId=m", server:ledger()[1].query)
  end)

  it("looks and sends nothing with `dry_run`", function()
    server:reply(listed(), listed(event()))
    local result, response = assert(ensure(nil, { dry_run = true }))
    assert.are.same({
      dry_run = true,
      method = "POST",
      path = CREATE,
      body = { assignedUserId = "u", title = "Lunch", startTime = FROM, endTime = TO, locationId = "l" },
    }, result)
    assert.is_true(response.dry_run)
    local block, there = assert(ensure(nil, { dry_run = true }))
    assert.are.equal("b", block.id)
    assert.is_true(there.existing)
    assert.is_nil(there.dry_run)
    assert.are.equal("GET GET", requests())
  end)

  it("raises wrong use at the caller's line", function()
    misuse(function() client.block_slots:ensure "u" end, "block_slots:ensure expects a table as argument 1", "string")
    misuse(function() client.block_slots:ensure({}, { retry = 1 }) end, "unknown option `retry` of block_slots:ensure")
    misuse(function() client.block_slots:ensure({}, {}, {}) end, "block_slots:ensure takes at most 2 arguments, got 3")
    misuse(function() client.block_slots.ensure {} end, "call it with a colon: client.block_slots:ensure(...)")
  end)
end)
