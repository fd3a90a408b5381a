-- Every page of a list: how far the pages go, what is given once, and what ends the reading.

local api = require "hoopai.api"
local async = require "hoopai.async"
local errors = require "hoopai.errors"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local servers = require "spec.support.server"

local failure, misuse = expect.failure, expect.misuse

local TOKEN = "pit-0b3c4d5e-pages-spec"
local NOTES = "/calendars/appointments/a/notes"
local ROOMS = "/calendars/resources/rooms"

describe("hoopai.list.pages", function()
  local server, client

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)
  before_each(function()
    leak.before()
    client = leak.client { token = TOKEN, base_url = server.url, location_id = "l" }
  end)
  after_each(function() leak.after(server) end)

  local function item(id) return id:find("^%?") and ('{"name":"%s"}'):format(id) or ('{"id":"%s"}'):format(id) end

  --- A page of notes: ids divided by blanks. Names that begin with ? are records without an id, "null" is null.
  local function records(names)
    local list = {}
    for name in names:gmatch "%S+" do
      list[#list + 1] = name == "null" and name or item(name)
    end
    return "[" .. table.concat(list, ",") .. "]"
  end

  local function page(names, more)
    local body = ('{"notes":%s%s}'):format(records(names), more == nil and "" or ',"hasMore":' .. tostring(more))
    return { method = "GET", path = NOTES, body = body }
  end

  local function rooms(names) return { method = "GET", path = ROOMS, body = records(names) } end

  local function names_of(list)
    local names = {}
    for index, record in ipairs(list) do
      names[index] = record.id or record.name
    end
    return table.concat(names, " ")
  end

  local function queries()
    local list = {}
    for index, entry in ipairs(server:ledger()) do
      list[index] = entry.query:gsub("locationId=l&", "")
    end
    return list
  end

  --- What a loop over an iterator sees, and the error that ends it.
  local function collect(step)
    local list = {}
    local ok, err = pcall(function()
      for record in step do
        list[#list + 1] = record
      end
    end)
    return names_of(list), not ok and err or nil
  end

  --- Runs a case with `each` and with `all`, in a plain script and in a task.
  local function each_way(rules, call, check)
    for _, in_task in ipairs { false, true } do
      for _, method in ipairs { "each", "all" } do
        server:reset()
        server:reply(table.unpack(rules))
        local function run()
          if method == "each" then return collect(call "each") end
          local list, response = call "all"
          if not list then return nil, response end
          assert.are.equal(200, response.status)
          return names_of(list)
        end
        local names, err
        if in_task then
          names, err = hoopai.run(run)
        else
          names, err = run()
        end
        check(names, err, method)
      end
    end
  end

  local function notes(query)
    return function(method) return client.notes[method](client.notes, "a", query) end
  end

  local function list_rooms(query)
    return function(method) return client.resources[method](client.resources, "rooms", query) end
  end

  --- Expects these records, and these queries.
  local function gives(rules, call, names, asked)
    each_way(rules, call, function(found, err)
      assert.is_nil(err, tostring(err))
      assert.are.equal(names, found)
      assert.are.same(asked, queries())
      assert.is_nil(server:problem())
    end)
  end

  --- Expects an error of kind "protocol" after so many requests, and with `each` the records before it.
  local function gets_stuck(rules, call, names, requests, ...)
    local texts = { ... }
    each_way(rules, call, function(found, err, method)
      assert.are.equal(method == "each" and names or nil, found)
      assert.is_true(errors.is(err), tostring(err))
      assert.are.equal("protocol", err.kind)
      assert.are.equal("no", err.applied)
      assert.are.equal("GET", err.method)
      assert.are.equal(200, err.status)
      assert.matches("pages_spec.lua:%d+", err.where)
      for _, text in ipairs(texts) do
        assert.is_truthy(err.message:find(text, 1, true), err.message)
      end
      assert.are.equal(requests, #server:ledger())
    end)
  end

  it("knows of each paged list its fields, its largest page and its end", function()
    local paged = {}
    for _, name in ipairs(api) do
      for _, endpoint in ipairs(require("hoopai.api." .. name)) do
        local pages, fields = endpoint.pages, {}
        for _, field in ipairs(endpoint.query or {}) do
          fields[field.name] = field
        end
        local has_place = fields.skip or fields.offset
        assert.are.equal(has_place ~= nil, pages ~= nil, name .. ":" .. endpoint.name)
        if pages then
          paged[#paged + 1] = name .. ":" .. endpoint.name
          assert.is_truthy(fields[pages.skip], name)
          -- Of users no largest page is known: the default is sure.
          assert.are.equal(fields[pages.limit].max or name == "users" and 25 or 100, pages.size, name)
          local extra = endpoint.result.extra and endpoint.result.extra[1].name
          assert.are.equal(extra ~= "count" and extra or nil, pages.more, name)
        end
      end
    end
    assert.are.same({ "notes:list", "resources:list", "notifications:list", "schedules:list", "users:search" }, paged)
  end)

  it("advances by the number received: a short page is not the end, an empty one is", function()
    gives(
      { page "1 2 3", page "4", page "5 6", page "" },
      notes { limit = 3 },
      "1 2 3 4 5 6",
      { "limit=3&offset=0", "limit=3&offset=3", "limit=3&offset=4", "limit=3&offset=6" }
    )
    gives({ page "" }, notes(), "", { "limit=20&offset=0" })
  end)

  it("ends where the API says that nothing follows", function()
    gives({ page("1 2", true), page("3", false) }, notes(), "1 2 3", { "limit=20&offset=0", "limit=20&offset=2" })
    gives({ page("1", true), page("", true) }, notes(), "1", { "limit=20&offset=0", "limit=20&offset=1" })
  end)

  it("asks for the largest pages, and begins where the caller says", function()
    local function asked(expected, call)
      server:reply { always = true, body = expected:find "schedules" and '{"schedules":[]}' or "[]" }
      assert(call())
      assert.are.equal(expected:match "%S+$", server:last().query)
    end
    asked("locationId=l&limit=100&skip=0", function() return client.resources:all "rooms" end)
    asked("limit=100&skip=0", function() return client.notifications:all "c" end)
    asked(
      "isActive=true&limit=7&skip=9",
      function() return client.notifications:all("c", { isActive = true, skip = 9, limit = 7.0 }) end
    )
    server:reset()
    asked(
      "schedules locationId=m&userId=u&skip=2&limit=500",
      function() return client.schedules:all({ userId = "u", skip = 2 }, { location_id = "m" }) end
    )
    gives({ page "8", page "" }, notes { offset = 40 }, "8", { "limit=20&offset=40", "limit=20&offset=41" })
  end)

  it("gives each id once, also if the list changes while it is read", function()
    gives(
      { page("9 8 7", true), page("8 7 6", true), page("7 6 5 5 null", true), page "" },
      notes(),
      "9 8 7 6 5",
      { "limit=20&offset=0", "limit=20&offset=3", "limit=20&offset=6", "limit=20&offset=11" }
    )
    -- The last page may have nothing new: then the list has become longer at its beginning.
    gives({ page("2 1", true), page("2 1", false) }, notes(), "2 1", { "limit=20&offset=0", "limit=20&offset=2" })
  end)

  it(
    "gives records without an id as they come",
    function()
      gives(
        { rooms "?a ?b ?a", rooms "?b 1", rooms "?b 1 ?c", rooms "" },
        list_rooms { limit = 3 },
        "?a ?b ?a ?b 1 ?b ?c",
        { "limit=3&skip=0", "limit=3&skip=3", "limit=3&skip=5", "limit=3&skip=8" }
      )
    end
  )

  it("takes the identifier of notifications", function()
    server:reply { body = '[{"_id":"1"},{"_id":"2"}]' }
    server:reply({ body = '[{"_id":"2"},{"_id":"3"}]' }, { body = "[]" })
    local list = assert(client.notifications:all "c")
    assert.are.same({ { _id = "1" }, { _id = "2" }, { _id = "3" } }, list)
  end)

  it("fails, and does not go on for ever, if a page has nothing new", function()
    local same = page("1 2", true)
    same.always = true
    gets_stuck({ same }, notes(), "1 2", 2, "nothing in the page of 2 after `offset` = 2 is new", "ignore `offset`")
    gets_stuck({ page("1 2", true), page("3", true), page("1", true) }, notes(), "1 2 3", 3)
    gets_stuck({ page("null", true) }, notes(), "", 1)
    local unnamed = rooms "?a ?b"
    unnamed.always = true
    gets_stuck({ unnamed }, list_rooms(), "?a ?b", 2, "ignore `skip`", "need a larger `limit`")
    gets_stuck({ rooms "?a 1", rooms "?b 2", rooms "?a 1 2" }, list_rooms(), "?a 1 ?b 2", 3)
  end)

  it("shows no token that the API echoes", function()
    local body = ('{"notes":[{"id":"%s"}],"hasMore":true,"traceId":"%s"}'):format(TOKEN, TOKEN)
    server:reply { path = NOTES, times = 2, body = body, headers = { ["X-Echo"] = TOKEN } }
    local list, err = client.notes:all "a"
    failure("protocol", list, err)
    expect.no_secret(err, TOKEN)
  end)

  it("says the caller's line if a page cannot be read, and reads that page again", function()
    local refused = { path = NOTES, status = 403, body = '{"message":"no"}' }
    server:reply(page("1 2", true), refused)
    local list, err = client.notes:all "a"
    failure("forbidden", list, err, { applied = "no" })

    server:reply(page("1 2", true), refused, page("3", false))
    local step, line = client.notes:each "a", nil
    assert.are.equal("1", step().id)
    assert.are.equal("2", step().id)
    local ok, raised = pcall(function()
      line = debug.getinfo(1, "l").currentline + 1
      step()
    end)
    assert.is_false(ok)
    assert.are.equal("forbidden", raised.kind)
    assert.matches("pages_spec.lua:" .. line .. "$", raised.where)
    assert.are.equal("3", step().id)
    assert.is_nil(step())
    assert.is_nil(step())
    assert.are.equal("limit=20&offset=2", server:last().query)
    assert.are.equal(5, #server:ledger())
  end)

  it("reads a page again that was cut off or came with a 503", function()
    local patient = leak.client { token = TOKEN, base_url = server.url, retries = 2, timeout = 20 }
    server:reply(
      page("1 2", true),
      { path = NOTES, status = 503, body = "{}" },
      { path = NOTES, body = page("3", true).body, cut = 60 },
      page("3 4", true),
      page("", true)
    )
    assert.are.equal("1 2 3 4", (collect(patient.notes:each "a")))
    assert.are.equal(5, #server:ledger())
    server:reset()
    server:reply(page("1", true), { path = NOTES, body = page("2", true).body, cut = 60 })
    local list, err = client.notes:all "a"
    failure("network", list, err, { applied = "no" })
  end)

  it("takes a page of another shape for no end", function()
    for _, body in ipairs { "{}", '{"notes":null}', '{"notes":{"id":"3"}}', "", "<html>" } do
      server:reply(page("1", true), { path = NOTES, body = body })
      failure("decode", client.notes:all "a")
      server:reset()
    end
  end)

  it("reads a page when it is needed, and makes no request between two steps", function()
    server:reply(page("1 2", true), page("3", true))
    for _, in_task in ipairs { false, true } do
      local before = #server:ledger()
      local function run()
        local step = client.notes:each "a"
        assert.are.equal(before, #server:ledger())
        step()
        hoopai.sleep(0.02)
        assert.are.equal(before + 1, #server:ledger())
        assert.are.equal(0, leak.in_flight())
        step()
        hoopai.sleep(0.02)
        assert.are.equal(before + 1, #server:ledger())
        if not in_task then step() end
        assert.are.equal(0, leak.in_flight())
      end
      if in_task then
        server:reply(page("1 2", true))
        hoopai.run(run)
      else
        run()
      end
    end
    assert.are.equal(3, #server:ledger())
  end)

  it("gives each record to one of the tasks that share an iterator", function()
    server:reply(page("1 2", true), page("3", true), page "")
    local step, found = client.notes:each "a", {}
    hoopai.map({ 1, 2, 3, 4, 5 }, function()
      local record = step()
      found[#found + 1] = record and record.id or "end"
    end)
    table.sort(found)
    assert.are.same({ "1", "2", "3", "end", "end" }, found)
    assert.are.equal(3, #server:ledger())
  end)

  it("aborts the page of a task that is cancelled, and can be read on", function()
    server:reply({ path = NOTES, steps = { { stall = true } } }, page("1", false))
    hoopai.run(function()
      local step = client.notes:each "a"
      local task = hoopai.spawn(step)
      hoopai.sleep(0)
      expect.eventually(function() return #server:ledger() == 1 end, "the page is requested")
      task:cancel()
      assert.are.equal(0, leak.in_flight())
      assert.are.equal("1", step().id)
      assert.is_nil(step())
    end)
  end)

  it("names all problems of the arguments at once, before anything is sent", function()
    local given = { limit = 21, offset = -1, skip = 3, progress = print }
    local list, err = client.notes:all("a/b", given)
    failure("invalid_request", list, err, { applied = "no", attempts = 0 })
    assert.matches("^notes:all has 5 problems:", err.message)
    local found = {}
    for index, detail in ipairs(err.details) do
      found[index] = detail.path .. " " .. detail.problem
    end
    assert.are.same({ "appointmentId", "limit", "offset", "progress", "skip" }, {
      found[1]:match "^%a+",
      found[2]:match "^%a+",
      found[3]:match "^%a+",
      found[4]:match "^%a+",
      found[5]:match "^%a+",
    })
    assert.are.equal("progress is an option: pass it in the last argument", found[4])
    local line
    local ok, raised = pcall(function()
      line = debug.getinfo(1, "l").currentline + 1
      local _ = client.notes:each("a", { limit = 0 })
    end)
    assert.is_false(ok)
    assert.are.equal("invalid_request", raised.kind)
    assert.matches("^notes:each: limit", raised.message)
    assert.matches("pages_spec.lua:" .. line .. "$", raised.where)
    assert.are.same({ limit = 21, offset = -1, skip = 3, progress = print }, given)
  end)

  it("checks with the checks off what it calculates with", function()
    local off = { validate = false }
    for _, query in ipairs { { limit = 0 }, { limit = "20" }, { offset = -1 }, { offset = 0.5 }, { limit = 0 / 0 } } do
      local list, err = client.notes:all("a", query, off)
      failure("invalid_request", list, err)
      assert.are.equal(1, #err.details)
    end
    server:reply(page("1", false))
    assert.are.equal("1", assert(client.notes:all("a", { limit = 50, mine = "x" }, off))[1].id)
    assert.matches("limit=50", server:last().query)
    assert.matches("mine=x", server:last().query)
  end)

  it("raises wrong use at the caller's line", function()
    misuse(function() local _ = client.notes:each() end, "notes:each needs appointmentId as argument 1", "nothing")
    misuse(function() local _ = client.notes:all {} end, "notes:all needs appointmentId as argument 1")
    misuse(function() local _ = client.notes:each("a", "b") end, "notes:each expects a table as argument 2 (the query)")
    misuse(function() local _ = client.notes:each("a", {}, {}, {}) end, "notes:each takes at most 3 arguments, got 4")
    misuse(function() local _ = client.notes:all("a", {}, 5) end, "the options of notes:all are a table, got number")
    misuse(function() local _ = client.notes:each("a", {}, { retry = 1 }) end, "unknown option `retry` of notes:each")
    misuse(
      function() local _ = client.notes:each("a", nil, { progress = 1 }) end,
      "option `progress` of notes:each must be a function",
      "got 1"
    )
    misuse(function() local _ = client.notes.each("a") end, "call it with a colon: client.notes:each(...)")
  end)

  it("calls `progress` after each record, with an unknown total", function()
    for _, method in ipairs { "each", "all" } do
      server:reply(page("1 2", true), page("2 3", false))
      local calls = {}
      local result = client.notes[method](client.notes, "a", nil, {
        timeout = 5,
        progress = function(...) calls[#calls + 1] = table.pack(...) end,
      })
      if method == "each" then collect(result) end
      assert.are.equal(3, #calls)
      for index, call in ipairs(calls) do
        assert.are.equal(index, call[1])
        assert.is_nil(call[2])
      end
    end
    server:reply(page("1 2", false), page("1 2", false))
    local function fail() error("not mine", 0) end
    assert.has_error(function() client.notes:all("a", nil, { progress = fail }) end, "not mine")
    local _, raised = collect(client.notes:each("a", nil, { progress = fail }))
    assert.are.equal("not mine", raised)
  end)

  it("is read with `dry_run` too", function()
    server:reply(page("1", false))
    assert.are.equal(1, #assert(client:with({ dry_run = true }).notes:all "a"))
  end)

  it("belongs to its client: light ones, closed ones", function()
    server:reply { body = "[]" }
    assert(client:with({ location_id = "other" }).resources:all "rooms")
    assert.matches("locationId=other", server:last().query)
    server:reply { path = NOTES, body = '{"notes":[{"id":"1"}],"hasMore":true}' }
    local step = client.notes:each "a"
    step()
    client:close()
    local _, raised = collect(step)
    assert.are.equal("closed", raised.kind)
    failure("closed", client.notes:all "a")
  end)

  it("raises where its caller may not wait", function()
    local step = client.notes:each "a"
    hoopai.run(function()
      local ok, message = coroutine.wrap(function() return pcall(step) end)()
      assert.is_false(ok)
      assert.matches("in a coroutine that hoopai did not start", message)
    end)
    assert.is_nil(async.running())
  end)
end)
