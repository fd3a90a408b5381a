-- Was a change made whose response was lost? The comparison with the record, and how the record is read.

local cases = require "spec.support.endpoint_cases"
local core = require "hoopai.core"
local endpoints = require "hoopai.call.endpoints"
local errors = require "hoopai.errors"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local new_call = require("spec.support.calls").call
local reconcile = require "hoopai.call.reconcile"
local servers = require "spec.support.server"

local failure = expect.failure

local LOCATION = "ve9EPM428h8vShlRW1KT"

describe("reconcile.compare", function()
  local PUT = { method = "PUT" }
  local FIELDS = {
    { name = "id", type = "string" },
    { name = "title", type = "string" },
    { name = "count", type = "integer" },
    { name = "startTime", type = "datetime" },
    { name = "notes", type = "string" },
    { name = "users", type = "array", items = { type = "string" } },
    { name = "days", type = "array", items = { type = "datetime" } },
    { name = "address", type = "object" },
    { name = "isActive", type = "boolean" },
  }

  local function compare(body, record, sent) return reconcile.compare(PUT, { "x" }, body, record, FIELDS, sent) end

  --- The record agrees with the body, or not.
  local function same(body, record) assert.are.equal("applied", compare(body, record)) end
  local function differs(body, record) assert.are.equal("unchanged", compare(body, record)) end

  it("finds a change made when all that was sent is in the record", function()
    same({ title = "a", count = 1 }, { id = "x", title = "a", count = 1, notes = "more" })
    same({ isActive = false }, { isActive = false })
    differs({ title = "a", count = 1 }, { title = "a", count = 2 })
    differs({ isActive = false }, { isActive = true })
    differs({ title = "a" }, { title = "A" })
  end)

  it("takes 1 and 1.0 for the same number, and no other type for it", function()
    same({ count = 1 }, { count = 1.0 })
    differs({ count = 1 }, { count = "1" })
    differs({ isActive = true }, { isActive = "true" })
  end)

  it("compares instants, however they are written", function()
    same({ startTime = "2026-03-07T09:00:00-05:00" }, { startTime = "2026-03-07T14:00:00.000Z" })
    same({ startTime = "2026-03-07T09:00:00-05:00" }, { startTime = "1772892000000" })
    differs({ startTime = "2026-03-07T09:00:00-05:00" }, { startTime = "2026-03-07T09:00:00Z" })
    differs({ startTime = "2026-03-07T09:00:00-05:00" }, { startTime = "soon" })
    same({ days = { "2026-03-07T09:00:00-05:00" } }, { days = { "2026-03-07T14:00:00Z" } })
    differs({ title = "2026-03-07T09:00:00-05:00" }, { title = "2026-03-07T14:00:00Z" }) -- a text is no instant
  end)

  it("compares lists in order and in length", function()
    same({ users = { "a", "b" } }, { users = { "a", "b" } })
    same({ users = {} }, { users = {} })
    differs({ users = { "a", "b" } }, { users = { "b", "a" } })
    differs({ users = { "a" } }, { users = { "a", "b" } })
    differs({ users = {} }, { users = { "a" } })
    differs({ users = { "a" } }, { users = "a" })
    same({ users = { { id = "a" } } }, { users = { { id = "a", name = "b" } } })
  end)

  it("lets an object leave out what it does not change", function()
    same({ address = { city = "Bonn" } }, { address = { city = "Bonn", zip = "53111" } })
    same({ address = { city = { "a" } } }, { address = { city = { "a" } } })
    differs({ address = { city = "Bonn" } }, { address = { zip = "53111" } })
    differs({ address = { city = "Bonn" } }, { address = { city = "Ulm" } })
  end)

  it("knows the other names of what was sent, and what no record shows", function()
    local parts = {
      { name = "id", type = "string" },
      { name = "staffId", type = "string", shown_as = "serviceStaffId" },
      { name = "position", type = "integer", shown_as = false },
      {
        name = "addOns",
        type = "array",
        shown_as = "serviceAddOns",
        items = {
          type = "object",
          fields = { { name = "id", type = "string" }, { name = "duration", type = "integer", shown_as = false } },
        },
      },
    }
    local put = {
      method = "PUT",
      body = { fields = { { name = "services", type = "array", items = { type = "object", fields = parts } } } },
    }
    local fields = { { name = "services", type = "array", items = { type = "object" } } }
    local function found(services, shown)
      return reconcile.compare(put, { "x" }, { services = services }, { services = shown }, fields)
    end
    local shown = { { id = "s", serviceStaffId = "u", serviceAddOns = { { id = "a" } } } }
    assert.are.equal("applied", found({ { id = "s", staffId = "u" } }, shown))
    assert.are.equal("applied", found({ { id = "s", addOns = { { id = "a" } } } }, shown))
    assert.are.equal("unchanged", found({ { id = "s", staffId = "v" } }, shown))
    assert.are.equal("unchanged", found({ { id = "s", addOns = {} } }, shown))
    assert.are.equal("unchanged", found({ { id = "s" }, { id = "t" } }, shown))
    assert.are.equal("unknown", found({ { id = "s", position = 1 } }, shown))
    assert.are.equal("unknown", found({ { id = "s", addOns = { { id = "a", duration = 5 } } } }, shown))
    assert.are.equal("unchanged", found({ { id = "t", position = 1 } }, shown))
  end)

  it("is in doubt about what the server may compute, unless it is as it was sent", function()
    local time = { name = "endTime", type = "datetime", computed = true }
    local put = { method = "PUT", body = { fields = { time, { name = "title", type = "string" } } } }
    local function found(body, record) return reconcile.compare(put, { "x" }, body, record, { time }) end
    local sent, other = "2026-03-07T09:00:00-05:00", "2026-03-07T09:15:00-05:00"
    assert.are.equal("applied", found({ endTime = sent }, { endTime = "2026-03-07T14:00:00Z" }))
    assert.are.equal("unknown", found({ endTime = sent }, { endTime = other }))
    assert.are.equal("unknown", found({ endTime = sent, title = "a" }, { endTime = other, title = "a" }))
    assert.are.equal("unchanged", found({ endTime = sent, title = "a" }, { endTime = other, title = "b" }))
  end)

  it("takes a field that is absent or null for one that was cleared", function()
    same({ notes = core.null, title = "a" }, { title = "a" })
    same({ notes = core.null }, { notes = core.null })
    differs({ notes = core.null }, { notes = "old" })
  end)

  it("reads the status of an appointment under the name that the API misspells", function()
    same({ appointmentStatus = "cancelled" }, { appoinmentStatus = "cancelled" })
    differs({ appointmentStatus = "cancelled" }, { appoinmentStatus = "confirmed" })
    differs({ appointmentStatus = "cancelled" }, { appoinmentStatus = "cancelled", appointmentStatus = "new" })
  end)

  it("ignores flags that no record has, and is in doubt about other fields that cannot be seen", function()
    same({ title = "a", toNotify = true }, { title = "a" })
    assert.are.equal("unknown", compare({ title = "a", notes = "b" }, { title = "a" }))
    assert.are.equal("unknown", compare({ title = "a", isActive = true }, { title = "a" })) -- a declared flag
    assert.are.equal("unknown", compare({ title = "a", unknown = "b" }, { title = "a" }))
    differs({ title = "a", notes = "b" }, { title = "old" })
  end)

  it("believes what it cannot see if the record was updated since the request left", function()
    local function at(later) -- the record was updated so many milliseconds after the request left
      local updated = 1772892000000
      return compare({ title = "a", notes = "b" }, { title = "a", dateUpdated = tostring(updated) }, updated - later)
    end
    assert.are.same(
      { "applied", "applied", "applied", "unknown", "unknown" },
      { at(60000), at(0), at(-1000), at(-1001), at(-60000) }
    )
  end)

  it("is a conflict if a record that differs was updated more than a second after the request left", function()
    local function at(later)
      local updated = 1772892000000
      return compare({ title = "a" }, { title = "b", dateUpdated = tostring(updated) }, updated - later)
    end
    assert.are.same(
      { "conflict", "conflict", "unchanged", "unchanged", "unchanged" },
      { at(60000), at(1001), at(1000), at(0), at(-60000) }
    )
    assert.are.equal("unchanged", compare({ title = "a" }, { title = "b", dateUpdated = "1772892000000" }, nil))
    assert.are.equal("unchanged", compare({ title = "a" }, { title = "b", dateUpdated = "soon" }, 0))
  end)

  it("knows nothing without a record, and without a field to compare", function()
    assert.are.equal("unknown", compare({ title = "a" }, nil))
    assert.are.equal("unknown", compare({}, { title = "a" }))
    assert.are.equal("unknown", compare(nil, { title = "a" }))
    assert.are.equal("unknown", compare({ toNotify = true }, { title = "a" }))
  end)

  it("finds a record deleted if it is absent or marked", function()
    local function deleted(record) return reconcile.compare({ method = "DELETE" }, { "x" }, nil, record, FIELDS) end
    assert.are.same(
      { "applied", "applied", "unchanged", "unchanged" },
      { deleted(nil), deleted { deleted = true }, deleted { deleted = false }, deleted {} }
    )
  end)

  it("finds a member added or removed in its list", function()
    local function compare_member(method, record)
      return reconcile.compare({ method = method, member = "users" }, { "x", "u" }, nil, record, FIELDS)
    end
    local with, without = { users = { "a", "u" } }, { users = { "a" } }
    assert.are.same({ "applied", "unchanged", "unchanged", "unknown" }, {
      compare_member("PUT", with),
      compare_member("PUT", without),
      compare_member("PUT", {}),
      compare_member("PUT", nil),
    })
    assert.are.same({ "unchanged", "applied", "applied", "unknown" }, {
      compare_member("DELETE", with),
      compare_member("DELETE", without),
      compare_member("DELETE", { users = "u" }),
      compare_member("DELETE", nil),
    })
  end)
end)

describe("reconcile.result", function()
  local function result(fields, record) return reconcile.result({ result = { type = { fields = fields } } }, record) end

  it("is the record if the endpoint returns it", function()
    local record = { id = "x" }
    assert.are.equal(record, result({ { name = "id", type = "string" } }, record))
  end)

  it("is a confirmation otherwise", function()
    assert.are.same({ success = true }, result({ { name = "success", type = "boolean" } }, { id = "x" }))
    assert.are.same({ succeeded = true }, result({ { name = "succeeded", type = "boolean" } }, nil))
    assert.are.same({}, result({ { name = "success", type = "string" }, { name = "other", type = "boolean" } }, nil))
    assert.are.same({}, reconcile.result({ result = {} }, { id = "x" }))
  end)
end)

describe("reconcile.is_deleted", function()
  it("holds for an absent record after an unclear delete of it alone", function()
    local function is_deleted(method, kind, unclear, member)
      local call = new_call({ method = method, member = member }, { unclear = unclear })
      return reconcile.is_deleted(call, { kind = kind })
    end
    assert.is_true(is_deleted("DELETE", "not_found", true))
    assert.is_false(is_deleted("DELETE", "not_found", false))
    assert.is_false(is_deleted("DELETE", "server", true))
    assert.is_false(is_deleted("PUT", "not_found", true))
    assert.is_false(is_deleted("DELETE", "not_found", true, "calendarIds"))
  end)
end)

describe("reconcile.run", function()
  local LOST = { kind = "network", message = "lost" }
  local DATE = "Sat, 07 Mar 2026 14:00:00 GMT"

  --- Reconciles a change; `read` is what the reads return, one after the other.
  -- @treturn table the results, and the reads as { endpoint id, ids, query }
  local function run(key, ids, fields, reads)
    local endpoint = endpoints.find(key)
    local asked = {}
    local call = new_call({}, { attempts = 2 })
    call.prepared = { endpoint = endpoint, ids = ids, fields = fields, location_id = LOCATION, path = "/x" }
    local result, response = reconcile.run(call, LOST, function(reader, read_ids, query)
      local copy = query and { limit = query.limit, offset = query.offset }
      asked[#asked + 1] = { reader.id, read_ids, copy }
      return table.unpack(reads[#asked], 1, 2)
    end)
    return result, response, asked
  end

  local function response(more)
    local fields = { headers = { date = DATE }, extra = {}, status = 200 }
    for name, value in pairs(more or {}) do
      fields[name] = value
    end
    return fields
  end

  it("reads the record by its id, and returns it if the change was made", function()
    local record = { id = "c", name = "New" }
    local result, read, asked = run("calendars.update", { "c" }, { name = "New" }, { { record, response() } })
    assert.are.equal(record, result)
    assert.are.same({ true, 2 }, { read.reconciled, read.attempts })
    assert.are.same({ { "calendars:get", { "c" } } }, asked)
  end)

  it("returns nothing if the change was not made", function()
    local result, err = run("calendars.update", { "c" }, { name = "New" }, { { { name = "Old" }, response() } })
    assert.is_nil(result)
    assert.is_nil(err)
  end)

  it("returns the error of the attempt if the record cannot be read, or says nothing", function()
    local gone = errors.new { kind = "not_found", message = "gone", response = response() }
    for _, read in ipairs {
      { nil, errors.new { kind = "server", message = "m" } },
      { { name = "New" }, response { unexpected = true } },
      { nil, gone },
      { {}, response() },
    } do
      local result, err = run("calendars.update", { "c" }, { name = "New" }, { read })
      assert.is_nil(result)
      assert.are.equal(LOST, err)
    end
    local result = run("calendars.delete", { "c" }, nil, { { nil, gone } })
    assert.are.same({ success = true }, result)
  end)

  it("learns nothing from another record than the one that it asked for", function()
    for _, case in ipairs {
      { "calendars.update", { "c" }, { name = "New" }, { id = "other", name = "New" } },
      { "calendars.update", { "c" }, { name = "New" }, { id = "other", name = "Old" } },
      { "calendars.delete", { "c" }, nil, { id = "other" } },
      { "resources.update", { "rooms", "c" }, { name = "New" }, { id = "rooms", name = "New" } },
    } do
      local result, err = run(case[1], case[2], case[3], { { case[4], response() } })
      assert.is_nil(result)
      assert.are.equal(LOST, err)
    end
    local own = { id = "c", name = "New" }
    assert.is_table((run("resources.update", { "rooms", "c" }, { name = "New" }, { { own, response() } })))
  end)

  it("is a conflict if the record changed since in another way", function()
    local record = { id = "e", title = "Theirs", dateUpdated = "2026-03-07T14:00:09Z" }
    local result, err = run("appointments.update", { "e" }, { title = "Mine" }, { { record, response() } })
    failure("conflict", result, err, { applied = "maybe", cause = LOST })
  end)

  it("turns the pages of a list until one has the record", function()
    local page, last = {}, { { id = "n", body = "x" } }
    for index = 1, 20 do
      page[index] = { id = "n" .. index }
    end
    page[3] = core.null -- some lists have null among their items
    local result, _, asked = run(
      "notes.update",
      { "a", "n" },
      { body = "x" },
      { { page, response { extra = { hasMore = true } } }, { last, response() } }
    )
    assert.are.equal(last[1], result)
    assert.are.same({
      { "notes:list", { "a" }, { limit = 20, offset = 0 } },
      { "notes:list", { "a" }, { limit = 20, offset = 20 } },
    }, asked)
  end)

  it("gives up a list without end", function()
    local reads = {}
    for index = 1, 60 do
      reads[index] = { { { id = "x" } }, response { extra = { hasMore = true } } }
    end
    local result, err, asked = run("notes.update", { "a", "n" }, { body = "x" }, reads)
    assert.is_nil(result)
    assert.are.equal(LOST, err)
    assert.are.equal(50, #asked)
  end)

  it("reads nothing if the change does not say when a blocked time is", function()
    local result, err, asked = run("block_slots.update", { "b" }, { title = "x" }, {})
    assert.is_nil(result)
    assert.are.equal(LOST, err)
    assert.are.same({}, asked)
  end)
end)

describe("a lost change, reconciled over sockets:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  local random = core.random

  before_each(function()
    leak.before()
    core.random = function() return 0.04 end -- pauses of 20 ms and more
  end)
  after_each(function()
    core.random = random
    leak.after(server)
  end)

  local function new()
    local options = { token = "t", base_url = server.url, location_id = LOCATION, retries = 2 }
    return leak.client(options)
  end

  --- What arrived, such as "PUT GET PUT".
  local function methods()
    local list = {}
    for _, entry in ipairs(server:ledger()) do
      list[#list + 1] = entry.method
    end
    return table.concat(list, " ")
  end

  it("it is a conflict if another program changed the record since", function()
    local path = "/calendars/events/appointments/e"
    local function record(seconds, title)
      local at = os.date("!%Y-%m-%dT%H:%M:%S.000Z", os.time() + seconds)
      return {
        method = "GET",
        path = path,
        headers = { Date = os.date("!%a, %d %b %Y %H:%M:%S GMT") },
        body = ([[{"event":{"id":"e","title":"%s","dateUpdated":"%s"}}]]):format(title, at),
      }
    end
    local lost = { method = "PUT", path = path, status = 502 }
    local function rename() return new().appointments:update("e", { title = "New" }) end

    server:reply(lost, record(5, "Theirs"))
    local result, err = rename()
    failure("conflict", result, err, { attempts = 1, applied = "maybe", retryable = false })
    assert.are.equal("server", err.cause.kind)

    server:reply(lost, record(-60, "Old"), { method = "PUT", path = path, body = [[{"id":"e"}]] })
    assert(rename())
  end)

  it("it is in doubt for what cannot be seen of it", function()
    local path = "/calendars/events/appointments/e"
    local lost = { method = "PUT", path = path, status = 502 }
    local function record(more)
      return {
        method = "GET",
        path = path,
        headers = { Date = os.date("!%a, %d %b %Y %H:%M:%S GMT") },
        body = [[{"event":{"id":"e","title":"Same"]] .. more .. "}}",
      }
    end
    local function change() return new().appointments:update("e", { title = "Same", description = "new" }) end

    server:reply(lost, record "")
    local result, err = change()
    failure("server", result, err, { attempts = 1, applied = "maybe" })

    server:reply(lost, record(([[,"dateUpdated":"%s"]]):format(os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() + 1))))
    assert.is_true(select(2, assert(change())).reconciled)

    -- A flag that no record has leaves no doubt.
    server:reply(lost, record "")
    assert.is_true(select(2, assert(new().appointments:update("e", { title = "Same", toNotify = false }))).reconciled)
  end)

  describe("each change is reconciled as its data says:", function()
    -- By hand: the path at which the record is read, the envelope of the record, and its fields without the change.
    -- stylua: ignore
    local lookups = {
      ["calendars:update"] = { "/calendars/$1", [[{"calendar":%s}]], old = { isActive = true } },
      ["calendars:delete"] = { "/calendars/$1", [[{"calendar":%s}]] },
      ["groups:update"] = { "/calendars/groups", [[{"groups":[{"id":"x"},%s]}]], old = { name = "Old" } },
      ["groups:delete"] = { "/calendars/groups", [[{"groups":[{"id":"x"},%s]}]], gone = [[{"groups":[{"id":"x"}]}]] },
      ["groups:set_status"] = { "/calendars/groups", [[{"groups":[%s]}]], old = { isActive = true } },
      ["appointments:update"] = { "/calendars/events/appointments/$1", [[{"appointment":%s}]],
        old = { startTime = "2024-10-29T13:30:00-05:00" } },
      ["block_slots:update"] = { "/calendars/blocked-slots", [[{"events":[%s]}]],
        old = { endTime = "2024-10-28T12:30:00-05:00" } },
      ["notes:update"] = { "/calendars/appointments/$1/notes", [[{"notes":[%s]}]], old = { body = "Old" } },
      ["notes:delete"] = { "/calendars/appointments/$1/notes", [[{"notes":[%s]}]], gone = [[{"notes":[]}]] },
      ["resources:update"] = { "/calendars/resources/equipments/$1", "%s", old = { quantity = 2 } },
      ["resources:delete"] = { "/calendars/resources/rooms/$1", "%s" },
      ["notifications:update"] = { "/calendars/$1/notifications/$2", "%s", old = { isActive = true } },
      ["notifications:delete"] = { "/calendars/$1/notifications/$2", "%s" },
      ["schedules:update"] = { "/calendars/schedules/$1", [[{"schedule":%s}]], old = { name = "Old" } },
      ["schedules:delete"] = { "/calendars/schedules/$1", [[{"schedule":%s}]] },
      ["schedules:add_calendar"] = { "/calendars/schedules/$1", [[{"schedule":%s}]],
        made = { calendarIds = { "x", "$2" } }, old = { calendarIds = { "x" } } },
      ["schedules:remove_calendar"] = { "/calendars/schedules/$1", [[{"schedule":%s}]],
        made = { calendarIds = { "x" } }, old = { calendarIds = { "x", "$2" } } },
      ["event_schedules:update"] = { "/calendars/schedules/event-calendar/$1", [[{"schedule":%s}]],
        id = "calendarId", old = { rules = { { type = "wday" } } } },
      ["services:update"] = { "/calendars/services/catalog/$1", [[{"service":%s}]], old = { name = "Old" } },
      ["services:delete"] = { "/calendars/services/catalog/$1", [[{"service":%s}]] },
      ["service_bookings:update"] = { "/calendars/services/bookings/$1", "%s", id = "bookingId",
        old = { title = "Old" } },
      ["service_bookings:delete"] = { "/calendars/services/bookings/$1", "%s", id = "bookingId" },
      ["service_locations:update"] = { "/calendars/services/locations/$1", "%s", old = { name = "Old" } },
      ["service_locations:delete"] = { "/calendars/services/locations/$1", "%s" },
    }

    local function encode(record) return assert(core.encode(record)) end

    --- The record as the change makes it, or with other fields.
    local function record_of(case, fields)
      local record = case.body and core.decode(case.body) or {}
      record[lookups[case.name].id or "id"] = case.ids[#case.ids]
      if case.name:find("calendar$") then record.id = case.ids[1] end
      for name, value in pairs(fields or {}) do
        if type(value) == "table" then
          local list = {}
          for index, item in ipairs(value) do
            list[index] = item == "$2" and case.ids[2] or item
          end
          value = list
        end
        record[name] = value
      end
      return encode(record)
    end

    for _, case in ipairs(cases.list) do
      local lookup = lookups[case.name]
      if lookup and not case.title then
        local path = lookup[1]:gsub("%$(%d)", function(index) return case.ids[tonumber(index)] end)
        local function reading(body, code) return { method = "GET", path = path, status = code or 200, body = body } end
        local lost = { method = case.method, path = case.path, status = 500 }
        local done = { method = case.method, path = case.path, status = case.status, body = case.answer }
        local is_delete = case.method == "DELETE" and not lookup.made

        it(case.name .. " that was made", function()
          local found = reading(lookup[2]:format(record_of(case, lookup.made)))
          if is_delete then found = lookup.gone and reading(lookup.gone) or reading("{}", 404) end
          server:reply(lost, found)
          local result, response = case.call(new(), table.unpack(case.ids))
          assert(result, response)
          assert.are.same({ true, 1 }, { response.reconciled, response.attempts })
          assert.are.equal(case.method .. " GET", methods())
          if case.result.success then assert.is_true(result.success) end
        end)

        it(case.name .. " that was not made", function()
          local adds = case.name == "services:update" -- its variations without an id would be made twice
          server:reply(lost, reading(lookup[2]:format(record_of(case, lookup.old))), not adds and done or nil)
          local result, response = case.call(new(), table.unpack(case.ids))
          if adds then
            assert.are.same({ nil, "maybe", "PUT GET" }, { result, response.applied, methods() })
            return
          end
          assert(result, response)
          assert.are.same({ 2 }, { response.attempts, response.reconciled })
          assert.are.equal(case.method .. " GET " .. case.method, methods())
        end)
        lookups[case.name].tried = true
      end
    end

    it("appointments:delete and appointments:cancel too", function()
      local path = "/calendars/events/appointments/e"
      server:reply(
        { method = "DELETE", path = "/calendars/events/e", status = 500 },
        { method = "GET", path = path, status = 404, body = "{}" }
      )
      assert.are.same({ succeeded = true }, (assert(new().appointments:delete("e"))))
      server:reply(
        { method = "PUT", path = path, status = 500 },
        { method = "GET", path = path, body = [[{"event":{"id":"e","appoinmentStatus":"cancelled"}}]] }
      )
      assert.is_true(select(2, assert(new().appointments:cancel("e"))).reconciled)
    end)

    it("none is left out", function()
      local missing = {}
      for _, name in ipairs(require "hoopai.api") do
        for _, data in ipairs(require("hoopai.api." .. name)) do
          local id = name .. ":" .. data.name
          if data.retry == "idempotent" and data.reconcile ~= "none" and not (lookups[id] and lookups[id].tried) then
            missing[#missing + 1] = id
          end
        end
      end
      assert.are.same({}, missing)
    end)

    it("a record on a later page of its list is found there", function()
      local full = {}
      for index = 1, 20 do
        full[index] = ([[{"id":"n%d","body":"x"}]]):format(index)
      end
      local notes = "/calendars/appointments/a/notes"
      server:reply({ method = "PUT", path = notes .. "/n", status = 500 }, {
        method = "GET",
        target = notes .. "?limit=20&offset=0",
        body = ([[{"notes":[%s],"hasMore":true}]]):format(table.concat(full, ",")),
      }, {
        method = "GET",
        target = notes .. "?limit=20&offset=20",
        body = [[{"notes":[{"id":"n","body":"Paid"}]}]],
      })
      local found, response = new().notes:update("a", "n", { body = "Paid" })
      assert(found, response)
      assert.are.equal("n", found.id)
    end)

    it("a list that should be whole and states that it is not proves nothing", function()
      server:reply(
        { method = "DELETE", path = "/calendars/groups/g", status = 500 },
        { method = "GET", path = "/calendars/groups", body = [[{"groups":[],"hasMore":true}]] }
      )
      local result, err = new().groups:delete("g")
      failure("server", result, err, { applied = "maybe", attempts = 1 })
    end)

    it("a response without a record proves nothing", function()
      server:reply({ method = "PUT", path = "/calendars/c", status = 500 }, { path = "/calendars/c", status = 204 })
      local result, err = new().calendars:update("c", { availabilityType = hoopai.null })
      failure("server", result, err, { applied = "maybe", attempts = 1 })
    end)
  end)
end)
