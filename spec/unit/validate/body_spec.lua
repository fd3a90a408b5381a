local core = require "hoopai.core"
local time = require "hoopai.time"
local validate = require "hoopai.validate"
local validation = require "spec.support.validation"

local fields_of, body_checks, only = validation.fields_of, validation.body_checks, validation.only
local lines, deep_copy = validation.lines, validation.deep_copy
local null = core.null
local nan, infinity = 0 / 0, math.huge

describe("a body", function()
  local create = {
    name = "create",
    method = "POST",
    params = { { name = "calendarId", type = "string" } },
    body = fields_of {
      { name = "title", type = "string", required = true },
      { name = "members", type = "array", items = fields_of { { name = "userId", type = "string" } } },
      { name = "appointmentStatus", type = "string" },
    },
    result = {
      type = fields_of {
        { name = "id", type = "string" },
        { name = "title", type = "string" },
        {
          name = "members",
          type = "array",
          items = fields_of {
            { name = "userId", type = "string" },
            { name = "_id", type = "string" },
          },
        },
        { name = "map", type = "object", values = { type = "string" } },
      },
    },
  }
  local checks = validate.compile(create)

  it("that is missing is refused by the names of its required fields", function()
    local _, details = checks.body(nil)
    assert.is_nil(_)
    assert.are.same(
      { path = "", problem = "the body is missing: give a table with `title`", expected = "a table with `title`" },
      only(details)
    )
    _, details = body_checks(fields_of { { name = "a", type = "string" } }).body(nil)
    assert.are.equal("the body is missing: give a table with the fields to set", only(details).problem)
    _, details = body_checks({ type = "array", items = { type = "string" } }).body(nil)
    assert.are.equal("the body is missing: give a list", only(details).problem)
    _, details = checks.body(nil, { validate = false })
    assert.are.equal("the body is missing: give a table with `title`", only(details).problem)
  end)

  it("that is missing is refused without the location if that is filled in", function()
    local located = body_checks(fields_of {
      { name = "locationId", type = "string", required = true },
      { name = "a", type = "string", required = true },
      { name = "limit", type = "integer", required = true, default = 1 },
    })
    local _, details = located.body(nil, { location_id = "L" })
    assert.are.equal("the body is missing: give a table with `a`", only(details).problem)
    _, details = located.body(nil)
    assert.are.equal("the body is missing: give a table with `locationId` and `a`", only(details).problem)
  end)

  it("may be missing if it has no fields, or is optional", function()
    assert.are.same({}, body_checks(fields_of {}).body(nil))
    assert.are.same({}, body_checks({ type = "object" }).body(nil))
    assert.are.same(
      {},
      body_checks({ type = "object", optional = true, fields = { { name = "a", type = "string" } } }).body(nil)
    )
    assert.are.same({}, body_checks(fields_of {}).body(nil, { validate = false }))
  end)

  it("is refused if the endpoint takes none", function()
    local none = validate.compile { name = "get", method = "GET" }
    assert.is_nil(select(2, none.body(nil)))
    local result, details = none.body { a = 1 }
    assert.is_nil(result)
    assert.are.equal("this call takes no body", only(details).problem)
  end)

  it("has ids without blanks, control characters or quotes, wherever they stand", function()
    local ids = validate.compile {
      name = "create",
      method = "POST",
      params = {},
      body = fields_of {
        { name = "calendarId", type = "string" },
        { name = "calendarIds", type = "array", items = { type = "string" } },
        { name = "members", type = "array", items = fields_of { { name = "userId", type = "string" } } },
        { name = "title", type = "string" },
      },
    }
    local cr = "it ends in a carriage return (does the file it comes from have Windows line ends?)"
    local blanks = "must not have blanks around it, nor control characters: "
    for value, problem in pairs {
      ["abc\r"] = blanks .. cr,
      ["abc\r\n"] = blanks .. cr,
      [" abc"] = blanks .. "it begins with a space",
      ["a\tb"] = blanks .. "it holds a tab",
      ["abc\u{A0}"] = blanks .. "it ends in a no-break space or another blank beyond ASCII",
      ["\u{FEFF}abc"] = blanks .. "it begins with a no-break space or another blank beyond ASCII",
      ['"abc"'] = "must not have quotes around it: leave them out",
    } do
      for path, body in pairs {
        calendarId = { calendarId = value },
        ["calendarIds[2]"] = { calendarIds = { "ok", value } },
        ["members[1].userId"] = { members = { { userId = value } } },
      } do
        local _, details = ids.body(body)
        local detail = only(details)
        assert.are.same({ path, problem }, { detail.path, detail.problem })
      end
      assert.is_truthy(ids.body { title = value })
    end
    for _, value in ipairs { "aB3_-", "a b", "a/b", "\u{e9}", "" } do
      assert.is_truthy(ids.body { calendarId = value, calendarIds = { value }, members = { { userId = value } } })
    end
  end)

  it("of the wrong kind is one problem", function()
    for value, problem in pairs {
      [5] = "the body must be a table with named fields, not a number",
      ["x"] = "the body must be a table with named fields, not a string",
      [true] = "the body must be a table with named fields, not a boolean",
      [print] = "the body must be a table with named fields, not a function",
      [null] = "the body must be a table with named fields, not null",
      [{ "a" }] = "the body must be a table with named fields, not a list",
      [core.array {}] = "the body must be a table with named fields, not a list",
      [time.now()] = "the body must be a table with named fields, not a time value",
    } do
      local result, details = checks.body(value)
      assert.is_nil(result)
      assert.are.equal("", only(details).path)
      assert.are.equal(problem, details[1].problem)
    end
  end)

  it("may be a list", function()
    local list = body_checks { type = "array", items = fields_of { { name = "a", type = "string", required = true } } }
    assert.are.same({ { a = "x" } }, list.body { { a = "x" } })
    assert.are.same({}, list.body {})
    local _, details = list.body { { a = "x" }, { a = 5 }, { b = 1 } }
    assert.are.same({
      '[2].a: must be a string, not a number: write "5"',
      "[3].a: is required",
      "[3].b: unknown field, the only one is `a`",
    }, lines(details))
    _, details = list.body { a = "x" }
    assert.are.equal('the body must be a list, not a table with the key "a": write { { ... } }', only(details).problem)
    _, details = list.body { { a = "x" }, nil, { a = "x" } }
    assert.are.equal("the body has a gap: item 2 is missing while item 3 is there", only(details).problem)
    _, details = list.body "x"
    assert.are.equal("the body must be a list, not a string", only(details).problem)
  end)

  it("may be a map or anything", function()
    assert.are.same({ a = 1 }, body_checks({ type = "object", values = { type = "integer" } }).body { a = 1 })
    assert.are.same({ 1 }, body_checks({ type = "any" }).body { 1 })
    local _, details = body_checks({ type = "object", values = { type = "integer" } }).body { [1] = 5, [true] = 1 }
    assert.are.equal("the body must be a table with named fields, not a list", only(details).problem)
    _, details = body_checks({ type = "object", values = { type = "integer" } }).body { [true] = 1, ["\xFF"] = 2 }
    assert.are.equal('["\\xFF"]', details[1].path)
    assert.are.equal("is not valid UTF-8 (byte 1)", details[1].problem)
    assert.are.equal("[true]", details[2].path)
    assert.are.equal("is no name: names are strings", details[2].problem)
    local function map_of(count)
      local map = {}
      for i = 1, count do
        map["k" .. i] = 1
      end
      return map
    end
    local map = body_checks { type = "object", values = { type = "integer" } }
    assert.is_table(map.body(map_of(10000)))
    _, details = map.body(map_of(10001))
    assert.are.equal("the body must have at most 10000 names", only(details).problem)
  end)

  it("tells options, arguments and read-only fields from unknown names", function()
    local _, details = checks.body {
      title = "x",
      members = { { userId = "a", _id = "b", timeout = 1 } },
      id = "c",
      calendarId = "d",
      map = {},
      location_id = "L",
      timeout = 1,
      queue_timeout = 1,
      retries = 1,
      headers = {},
      api_version = "x",
      validate = true,
      titel = "x",
      zzz = 1,
      status = "new",
    }
    local found = {}
    for _, detail in ipairs(details) do
      found[detail.path] = detail.problem
    end
    local option = "is an option: pass it in the last argument"
    assert.are.same({
      ["members[1]._id"] = "is read-only: leave it out",
      ["members[1].timeout"] = "unknown field, the only one is `userId`",
      id = "is read-only: leave it out",
      map = "is read-only: leave it out",
      calendarId = "is an argument of its own, before the table: leave it out here",
      location_id = option,
      timeout = option,
      queue_timeout = option,
      retries = option,
      headers = option,
      api_version = option,
      validate = option,
      titel = "unknown field, did you mean `title`?",
      zzz = "unknown field, there are `title`, `members` and `appointmentStatus`",
      status = "unknown field, did you mean `appointmentStatus`?",
    }, found)
  end)

  it("names what get and list of the same resource return as read-only", function()
    local update = { name = "update", method = "PUT", body = fields_of { { name = "name", type = "string" } } }
    local resource = {
      { name = "list", result = { type = { type = "array", items = fields_of { { name = "a", type = "string" } } } } },
      { name = "get", result = { type = fields_of { { name = "b", type = "string" } } } },
      { name = "create", result = { type = fields_of { { name = "c", type = "string" } } } },
      update,
    }
    local _, details = validate.compile(update, resource).body { a = 1, b = 2, c = 3 }
    assert.are.equal("is read-only: leave it out", details[1].problem)
    assert.are.equal("is read-only: leave it out", details[2].problem)
    assert.are.equal("unknown field, the only one is `name`", details[3].problem)
    _, details = validate.compile(update).body { a = 1 }
    assert.are.equal("unknown field, the only one is `name`", only(details).problem)
  end)

  it("with the checks off is sent unchanged, except for instants and the fields that are filled in", function()
    local given = {
      title = 5,
      unknown = { 1, { x = null } },
      members = "x",
      huge = ("x"):rep(2000000),
      at = time.at { year = 2024, month = 10, day = 28, zone = "UTC" },
      when = "2024-10-28",
      seconds = 1716230400,
    }
    local result = assert(checks.body(given, { validate = false }))
    local expected = deep_copy(given)
    expected.at = "2024-10-28T00:00:00+00:00"
    assert.are.equal(expected.huge, result.huge)
    expected.huge, result.huge = nil, nil
    assert.are.same(expected, result)
    assert.are.same({ 1, 2 }, checks.body({ 1, 2 }, { validate = false, location_id = "L" }))
    assert.is_table(checks.body({}, { validate = false }))
  end)

  it("that is right when it is checked again, after a finaliser, is sent", function()
    for _, options in ipairs { {}, { validate = false } } do
      local free = body_checks(fields_of { { name = "title", type = "any" } })
      local given = { title = print }
      assert.is_table(select(2, free.body(given, options)))
      local calls = 0
      debug.sethook(function()
        local info = debug.getinfo(2, "S")
        if info.source:find "messages.lua$" then
          calls, given.title = calls + 1, "x"
        end
      end, "c")
      local result, details = free.body(given, options)
      debug.sethook()
      assert.is_true(calls > 0)
      assert.are.same({ { title = "x" } }, { result, details })
    end
  end)

  it("with the checks off must still be JSON", function()
    local result, details = checks.body({
      a = print,
      b = nan,
      c = { "\xFF", [4] = 1 },
      d = "a\0",
      [5] = 1,
      at = time.from_ms(1716230400000),
      e = { deep = { infinity } },
    }, { validate = false })
    assert.is_nil(result)
    assert.are.same({ "a", "at", "b", "c", "d", "e.deep[1]", "[5]" }, validation.paths(details))
  end)

  it("with an end before its start is refused for that beside its other problems", function()
    local kind = fields_of {
      { name = "title", type = "string" },
      { name = "startTime", type = "datetime" },
      { name = "endTime", type = "datetime" },
    }
    kind.range = { from = "startTime", to = "endTime" }
    local check = body_checks(kind).body
    local nine, ten = "2024-10-28T09:00:00-05:00", "2024-10-28T10:00:00-05:00"
    local _, details = check { title = 5, startTime = ten, endTime = nine }
    assert.are.same({ "title", "endTime" }, { details[1].path, details[2].path })
    assert.are.equal("must be after `startTime`", details[2].problem)
    _, details = check { title = 5, startTime = time.parse(ten), endTime = time.parse(nine) }
    assert.are.equal(2, #details)
    -- An end that cannot be read has its own problem alone.
    for _, wrong in ipairs { "09:00", 1730124000000, time.parse(nine):ms(), true, time.now(), null } do
      local _, problems = check { startTime = ten, endTime = wrong }
      assert.are.equal("endTime", only(problems).path)
    end
    _, details = check { title = 5, startTime = nine, endTime = ten }
    assert.are.equal("title", only(details).path)
    _, details = check { title = 5, endTime = ten }
    assert.are.equal("title", only(details).path)
  end)
end)

describe("the location", function()
  local function checks_of(field)
    return body_checks(fields_of {
      field,
      { name = "x", type = "string" },
      { name = "inner", type = "object", fields = { { name = "locationId", type = "string" } } },
    })
  end

  it("is filled in if the endpoint declares it and the caller left it out", function()
    local checks = checks_of { name = "locationId", type = "string", required = true }
    assert.are.same({ locationId = "L", x = "y" }, checks.body({ x = "y" }, { location_id = "L" }))
    assert.are.same({ locationId = "mine" }, checks.body({ locationId = "mine" }, { location_id = "L" }))
    assert.are.same({ locationId = "L", inner = {} }, checks.body({ inner = {} }, { location_id = "L" }))
    assert.are.same({ locationId = "L" }, checks.body({}, { location_id = "L", validate = false }))
    local optional = checks_of { name = "locationId", type = "string" }
    assert.are.same({ locationId = "L" }, optional.body({}, { location_id = "L" }))
    assert.are.same({}, optional.body {})
  end)

  it("is filled in nowhere else", function()
    local checks = checks_of { name = "locationId", type = "string", fill = false }
    assert.are.same({}, checks.body({}, { location_id = "L" }))
    assert.are.same({}, checks.body({}, { location_id = "L", validate = false }))
    assert.are.same({ locationId = "given" }, checks.body({ locationId = "given" }, { location_id = "L" }))
    assert.are.same(
      { x = "y" },
      body_checks(fields_of { { name = "x", type = "string" } }).body({ x = "y" }, { location_id = "L" })
    )
    assert.are.same(
      { x = "y" },
      body_checks(fields_of { { name = "x", type = "string" } }).body(
        { x = "y" },
        { location_id = "L", validate = false }
      )
    )
  end)

  it("is named when it is missing, and checked when it is filled in", function()
    local checks = checks_of { name = "locationId", type = "string", required = true }
    local _, details = checks.body {}
    assert.are.equal(
      "is required (set it here, as location_id in the last argument, or in hoopai.new)",
      only(details).problem
    )
    _, details = checks.body({}, { location_id = 5 })
    assert.are.equal("locationId", only(details).path)
    _, details = checks.body({ locationId = null }, { location_id = "L" })
    assert.are.equal("must be a string, not null", only(details).problem)
  end)
end)

describe("an update", function()
  local function checks_of(resource_name, name)
    local resource = require("hoopai.api." .. resource_name)
    for _, endpoint in ipairs(resource) do
      if endpoint.name == name then return validate.compile(endpoint, resource) end
    end
  end

  it("takes null in every field that is not required, also in the parts of a field", function()
    local count = 0
    for _, resource_name in ipairs(require "hoopai.api") do
      for _, endpoint in ipairs(require("hoopai.api." .. resource_name)) do
        local fields = endpoint.body and endpoint.body.update and endpoint.body.fields or {}
        local given = {}
        for _, field in ipairs(fields) do
          if field.required then given[field.name] = true end
        end
        for _, field in ipairs(next(given) == nil and fields or {}) do
          local where = resource_name .. ":" .. endpoint.name .. " " .. field.name
          local takes = not field.read_only and field.clearable ~= false
          if endpoint.body.at_least_one then break end
          local sent, details = checks_of(resource_name, endpoint.name).body { [field.name] = null }
          if takes then
            assert.are.equal(null, sent and sent[field.name], where)
            count = count + 1
          else
            assert.are.equal(field.name, only(details).path, where)
          end
        end
      end
    end
    assert.is_true(count > 70, tostring(count))
    local body = { recurring = { freq = "DAILY", count = null }, teamMembers = { { userId = "u", isPrimary = null } } }
    assert.are.same(body, checks_of("calendars", "update").body(body))
  end)

  it("says why a field cannot be cleared", function()
    -- stylua: ignore
    local refused = {
      { "groups", { name = "n", description = null, slug = "s" },
        "description: must be a string, not null; it is required, so it cannot be cleared" },
      { "notes", { body = null }, "body: must be a string, not null; it is required, so it cannot be cleared" },
      { "calendars", { name = null },
        "name: must be a string, not null; it cannot be cleared: leave it out to keep it" },
      { "appointments", { startTime = null, endTime = "2026-01-05T10:00:00-05:00" },
        "startTime: must be an instant, not null; it cannot be cleared: leave it out to keep it" },
      { "calendars", { recurring = { count = "5" }, teamMembers = { { userId = null } } },
        "teamMembers[1].userId: must be a string, not null; it is required, so it cannot be cleared",
        "recurring.count: must be a whole number, not a string: write 5 without quotes" },
      { "calendars", { meetingLocation = null }, "meetingLocation: is read-only: leave it out, and use "
          .. "locationConfigurations[].location or teamMembers[].locationConfigurations[].location" },
    }
    for _, case in ipairs(refused) do
      local sent, details = checks_of(case[1], "update").body(case[2])
      assert.is_nil(sent)
      assert.are.same({ table.unpack(case, 3) }, validation.lines(details))
    end
  end)

  it("moves a blocked time from a calendar to a user", function()
    local checks = checks_of("block_slots", "update")
    local options = { location_id = "L" }
    local sent = checks.body({ calendarId = null, assignedUserId = "u" }, options)
    assert.are.same({ calendarId = null, assignedUserId = "u", locationId = "L" }, sent)
    local _, details = checks.body({ calendarId = null }, options)
    assert.are.same({ ": give at least one of `calendarId` or `assignedUserId`" }, validation.lines(details))
  end)

  it("alone clears fields: a create refuses null", function()
    for _, case in ipairs {
      { "calendars", { name = "n", locationId = "L", groupId = null }, "groupId" },
      {
        "appointments",
        { calendarId = "c", contactId = "k", startTime = "2026-01-05T10:00:00Z", title = null },
        "title",
      },
      { "schedules", { name = "n", userId = "u", locationId = "L", timezone = "UTC", rules = null }, "rules" },
    } do
      local _, details = checks_of(case[1], "create").body(case[2], { location_id = "L" })
      assert.are.equal(case[3], only(details).path)
      assert.matches("not null; leave it out, null only clears a field in an update$", details[1].problem)
    end
  end)

  it("that would change nothing is refused", function()
    local empty = { calendars = {}, appointments = {}, notifications = {}, resources = { locationId = "L" } }
    for name, given in pairs(empty) do
      local sent, details = checks_of(name, "update").body(given, { location_id = "L" })
      assert.is_nil(sent)
      assert.matches("^the body is empty, nothing would change: give ", only(details).problem)
    end
    local _, details = checks_of("schedules", "update").body {}
    assert.are.equal(
      "the body is empty, nothing would change: give at least one of `name`, `rules` or `timezone`",
      only(details).problem
    )
    assert.are.same({}, checks_of("calendars", "update").body({}, { validate = false }))
  end)

  it("names the way to change what it does not take", function()
    -- stylua: ignore
    local ways = {
      { "groups", "update", { name = "n", description = "d", slug = "s", isActive = false }, "groups:set_status(" },
      { "groups", "set_status", { isActive = true, name = "n" }, "groups:create and groups:update" },
      { "calendars", "update", { calendarType = "event" }, "calendars:create" },
      { "calendars", "update", { slotBufferUnit = "mins" }, "calendars:create" },
      { "calendars", "update", { locationId = "L" }, "calendars:create" },
      { "schedules", "update", { calendarIds = { "c" } }, "schedules:add_calendar(id, calendarId)" },
      { "schedules", "update", { calendarIds = {} }, "schedules:remove_calendar(id, calendarId)" },
      { "schedules", "update", { userId = "u" }, "schedules:create" },
      { "schedules", "update", { deleted = true }, "schedules:delete(id)" },
      { "appointments", "update", { contactId = "k" }, "appointments:create" },
      { "appointments", "update", { appoinmentStatus = "new" }, "`appointmentStatus`" },
      { "appointments", "update", { notes = "n" }, "notes:create(" },
      { "appointments", "update", { groupId = "g" }, "calendars:update(" },
      { "notes", "update", { body = "b", createdBy = { id = "u" } }, "`userId`" },
      { "calendars", "update", { locationConfigurations = { { kind = "custom", meetingId = "custom_0" } } },
        "`meetingLocationId`" },
    }
    for _, case in ipairs(ways) do
      local _, details = checks_of(case[1], case[2]).body(case[3])
      assert.matches("^is read%-only here: ", only(details).problem)
      assert.is_truthy(details[1].problem:find(case[4], 1, true), details[1].problem)
    end
    local _, details = checks_of("resources", "create").body({
      name = "n",
      description = "d",
      quantity = 1,
      outOfService = 0,
      capacity = 1,
      calendarIds = {},
      isActive = true,
    }, { location_id = "L" })
    assert.are.equal("is read-only here: leave it out, it can only be set by resources:update", only(details).problem)
    _, details = checks_of("calendars", "update").body { id = "c", name = "n" }
    assert.are.equal("is read-only: leave it out", only(details).problem)
  end)
end)
