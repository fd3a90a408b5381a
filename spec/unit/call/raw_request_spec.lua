-- The requests of client:request: what they may be, and what they send.

local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local json = require "spec.support.json"
local leak = require "spec.support.leak"
local raw_request = require "hoopai.call.raw_request"
local servers = require "spec.support.server"

local misuse = expect.misuse

local TOKEN = "pit-0b3c4d5e-raw-request-spec"
local LOCATION = "ve9EPM428h8vShlRW1KT"

describe("hoopai.call.raw_request:", function()
  local server

  setup(function() server = servers.start() end)
  teardown(function() server:stop() end)

  before_each(leak.before)
  after_each(function() leak.after(server) end)

  local function new() return leak.client { token = TOKEN, base_url = server.url, location_id = LOCATION } end

  it("wrong use raises at the caller's line", function()
    local client = new()
    misuse(function() client:request() end, "client:request", "table", "nil")
    misuse(function() client:request("GET", "/x") end, "client:request", "table")
    misuse(function() client:request {} end, "method")
    misuse(function() client:request { method = "GET" } end, "path")
    misuse(function() client:request { method = "get", path = "/x" } end, "method")
    misuse(function() client:request { method = "TRACE", path = "/x" } end, "method")
    misuse(function() client:request { method = "GET", path = 5 } end, "path", "number")
    misuse(function() client:request { method = "GET", path = "/x", headers = {} } end, "`headers`")
    misuse(function() client:request { method = "GET", path = "/x", query = "a=b" } end, "query")
    misuse(function() client:request { method = "GET", path = "/x", query = { 1 } } end, "query")
    misuse(function() client:request { method = "GET", path = "/x", query = { a = print } } end, "`a`")
    misuse(function() client:request { method = "POST", path = "/x", body = "{}" } end, "body", "string")
    misuse(function() client:request({ method = "GET", path = "/x" }, { tmeout = 1 }) end, "`tmeout`")
  end)

  describe("client:request", function()
    it("sends what it is given and returns the whole body", function()
      server:reply(
        { body = [[{"a":{"b":1},"c":[]}]] },
        { status = 201, body = "[1,2]" },
        { body = "{}" },
        { body = "{}" },
        { body = "{}" }
      )
      local client = new()
      local result, response = client:request {
        method = "GET",
        path = "/calendars/services/catalog",
        query = { z = "ä &", b = true, a = { "x", 2 }, n = 1730073600000 },
      }
      assert.are.same({ a = { b = 1 }, c = {} }, result)
      assert.are.equal(200, response.status)
      assert.is_nil(response.unexpected)
      assert.are.equal(server.url .. "/calendars/services/catalog", response.url)
      result, response = client:request {
        method = "POST",
        path = "/x/y%20z/",
        body = { list = hoopai.array {}, null = hoopai.null, n = 3 },
      }
      assert.are.same({ 1, 2 }, result)
      assert.are.equal(201, response.status)
      assert(client:request { method = "PUT", path = "/x", body = {} })
      assert(client:request { method = "PATCH", path = "/x", body = { 1 } })
      assert(client:request { method = "DELETE", path = "/x" })
      local ledger = server:ledger()
      assert.are.equal("/calendars/services/catalog?a=x&a=2&b=true&n=1730073600000&z=%C3%A4%20%26", ledger[1].target)
      assert.is_nil(ledger[1].header["content-type"])
      assert.are.equal("/x/y%20z/", ledger[2].target)
      assert.are.same(json.read [[{"list":[],"null":null,"n":3}]], json.read(ledger[2].body))
      assert.are.equal("2021-07-28", ledger[2].header.version)
      local methods = {}
      for index, request in ipairs(ledger) do
        methods[index] = request.method
      end
      assert.are.same({ "GET", "POST", "PUT", "PATCH", "DELETE" }, methods)
      assert.are.equal("{}", ledger[3].body)
      assert.are.equal("[1]", ledger[4].body)
      assert.are.equal("", ledger[5].body)
    end)

    it("takes instants: milliseconds in the query, text in the body, at any depth", function()
      server:reply({ body = "{}" }, { body = "{}" })
      local client = new()
      local start = hoopai.time.at { year = 2026, month = 12, day = 1, hour = 10, zone = "America/New_York" }
      local query = { from = start, list = { start, 7.0, "x" }, n = 3 }
      assert(client:request { method = "GET", path = "/x", query = query })
      assert.are.equal("/x?from=1796137200000&list=1796137200000&list=7&list=x&n=3", server:last().target)
      assert(client:request {
        method = "POST",
        path = "/x",
        body = { startTime = start, deep = { { at = start } }, list = { start } },
      })
      local text = '"2026-12-01T10:00:00-05:00"'
      assert.are.same(
        json.read('{"startTime":' .. text .. ',"deep":[{"at":' .. text .. '}],"list":[' .. text .. "]}"),
        json.read(server:last().body)
      )
    end)

    it("drops nothing: what a query cannot carry is refused", function()
      local client = new()
      local day = hoopai.time.days(1)
      -- stylua: ignore
      for _, case in ipairs {
        { {}, "a", "is an empty list: leave it out to mean all" },
        { hoopai.array {}, "a", "is an empty list: leave it out to mean all" },
        { hoopai.null, "a", "must not be null: a query has no null, leave the field out" },
        { { "x", hoopai.null }, "a[2]", "must not be null: a query has no null, leave the field out" },
        { day, "a", "is a duration: add it to an instant, such as hoopai.time.now() + it" },
        { { hoopai.time.now(), day }, "a[2]", "is a duration: add it to an instant, such as hoopai.time.now() + it" },
        { hoopai.time.from_ms(-1), "a", "1969-12-31T23:59:59.999Z is before 1970" },
        { { x = 1 }, "a", 'must be a list, not a table with the key "x", and a query has only lists' },
        { { "y", x = 1 }, "a", 'mixes list items with the key "x", and a query has only lists' },
        { { [0] = "x", "y" }, "a", "has the position 0: lists begin at 1, and a query has only lists" },
        { { "x", nil, "z" }, "a", "has a gap: item 2 is missing while item 3 is there, and a query has only lists" },
        { setmetatable({ "x" }, {}), "a", "has a metatable: give a plain list" },
        { setmetatable({}, { __index = { "x" } }), "a", "has a metatable: give a plain list" },
      } do
        local request = { method = "GET", path = "/x", query = { a = case[1] } }
        local err = expect.failure("invalid_request", client:request(request))
        assert.are.same({ case[2], case[3] }, { err.details[1].path, err.details[1].problem })
        assert.are.equal(1, #err.details)
      end
      local hidden = setmetatable({}, { __index = { locationId = "l" } })
      local err = expect.failure("invalid_request", client:request { method = "GET", path = "/x", query = hidden })
      assert.are.equal("the query has a metatable: give a plain table", err.details[1].problem)
      expect.failure(
        "invalid_request",
        client:request { method = "POST", path = "/x", query = { a = {} }, body = { b = day } }
      )
      assert.are.equal(0, #server:ledger())
    end)

    it("drops nothing: what a body cannot carry is refused", function()
      local client = new()
      -- stylua: ignore
      for _, case in ipairs {
        { { a = hoopai.time.now() }, "a", "carries no zone" },
        { { a = { b = { hoopai.time.days(1) } } }, "a.b[1]", "a duration has no form in JSON" },
        { { a = setmetatable({}, { __index = { x = 1 } }) }, "a", "has a metatable: give a plain table" },
        { setmetatable({ a = 1 }, {}), "", "the body has a metatable" },
        { { a = { [0] = 1, "x" } }, "a", "has the position 0" },
        { { "x", a = 1 }, "", 'the body mixes list items with the key "a"' },
      } do
        local err = expect.failure("invalid_request", client:request { method = "POST", path = "/x", body = case[1] })
        assert.are.equal(case[2], err.details[1].path)
        assert.matches(case[3], err.details[1].problem, 1, true)
      end
      assert.are.equal(0, #server:ledger())
    end)

    it("refuses a time value in a header", function()
      local client = new()
      for _, value in ipairs { hoopai.time.now(), hoopai.time.days(1) } do
        misuse(function() client:request({ method = "GET", path = "/x" }, { headers = { ["X-A"] = value } }) end, "X-A")
      end
    end)

    it("refuses a path that could mean something else", function()
      local client = new()
      -- stylua: ignore
      for _, path in ipairs {
        "", "x", "calendars/", "//evil.example/x", "/a//b", "/a/../b", "/a/.", "/..", "/a/%2e%2E/b", "/a?b=c", "/a#b",
        "/a b", "/a\r\nb", "/a\0b", "/%", "/%zz", "/ä", "/a\\b", "http://evil.example/",
        "/calendars/x%2f..%2f..%2fadmin", "/calendars/..%2fadmin", "/calendars/%2e%2e/admin", "/calendars/.%2e/admin",
      } do
        local err = expect.failure("invalid_request", client:request { method = "GET", path = path })
        assert.are.equal("path", err.details[1].path)
        assert.are.equal("no", err.applied)
      end
      assert.are.equal(0, #server:ledger())
    end)

    it("reads its fields once, and raw: no metamethod can change the path after the check", function()
      local client = new()
      local reads = 0
      local given = setmetatable({ method = "GET" }, {
        __index = function(_, name)
          reads = reads + 1
          return name == "path" and (reads > 1 and "@127.0.0.1:1/x" or "/x") or nil
        end,
        __pairs = function() error "a metamethod was called" end,
      })
      misuse(function() client:request(given) end, "needs the field `path`")
      assert.are.equal(0, reads)
      server:reply { path = "/x", body = "{}" }
      given.path = "/x"
      assert(client:request(given))
    end)

    it("refuses what JSON cannot express", function()
      local client = new()
      local cycle = {}
      cycle.self = cycle
      expect.failure("invalid_request", client:request { method = "POST", path = "/x", body = cycle })
      for _, value in ipairs { 0 / 0, math.huge, print, coroutine.create(print), "\xff", { [1.5] = 1 } } do
        local err =
          expect.failure("invalid_request", client:request { method = "POST", path = "/x", body = { a = { value } } })
        assert.matches("^a", err.details[1].path)
      end
      assert.are.equal(0, #server:ledger())
    end)

    it("takes the options of a call", function()
      server:reply { path = "/x", body = "{}" }
      assert(new():request({ method = "GET", path = "/x" }, { headers = { ["X-A"] = "b" }, api_version = "v3" }))
      assert.are.equal("b", server:last().header["x-a"])
      assert.are.equal("v3", server:last().header.version)
    end)
  end)

  describe("the endpoint of a request", function()
    it("has the retry class of its method (RFC 9110 9.2)", function()
      local classes = {}
      for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE" } do
        local endpoint = raw_request.endpoint { method = method, path = "/x" }
        classes[method] = endpoint.retry
        assert.are.same(
          { "client:request", method, "/x", 0, 2, {} },
          { endpoint.id, endpoint.method, endpoint.path, endpoint.id_count, endpoint.most_arguments, endpoint.result }
        )
        assert.is_nil(endpoint.reconcile)
      end
      assert.are.same(
        { GET = "safe", POST = "once", PUT = "idempotent", PATCH = "once", DELETE = "idempotent" },
        classes
      )
    end)

    it("has the query as a flat list, with the names in order and the items of lists in theirs", function()
      local endpoint = raw_request.endpoint {
        method = "GET",
        path = "/x",
        query = { b = { 3, "1", true }, a = false, ["d e"] = "&" },
      }
      assert.are.same({ "a", false, "b", 3, "b", "1", "b", true, "d e", "&" }, endpoint.query)
      assert.are.equal(endpoint.query, endpoint.checks.query())
      assert.are.same({}, raw_request.endpoint({ method = "GET", path = "/x" }).query)
      for _, value in ipairs { 1.5, 0 / 0, { { 1 } }, { print } } do
        misuse(function() raw_request.endpoint { method = "GET", path = "/x", query = { n = value } } end, "`n`")
      end
    end)

    it("sends a body if there is one", function()
      local body = { a = 1 }
      local endpoint = raw_request.endpoint { method = "POST", path = "/x", body = body }
      assert.is_true(endpoint.sends_body)
      assert.are.same(body, endpoint.checks.body())
      assert.is_false(raw_request.endpoint({ method = "POST", path = "/x" }).sends_body)
    end)

    it("names the locations of query and body", function()
      local function locations(query, body)
        return { raw_request.endpoint({ method = "POST", path = "/x", query = query, body = body }).locations() }
      end
      assert.are.same({}, locations())
      assert.are.same({ "q" }, locations { locationId = "q" })
      assert.are.same({ "q", "b" }, locations({ locationId = "q" }, { locationId = "b" }))
      assert.are.same({ [2] = "b" }, locations({}, { locationId = "b" }))
    end)

    it("has the problem of a path", function()
      local function problem(path)
        local found = raw_request.endpoint({ method = "GET", path = path }).checks.params()
        return found and found[1].problem
      end
      for path, expected in pairs {
        ["x"] = "must begin with /",
        ["/a?b"] = "no ? or #",
        ["/%4"] = "hexadecimal",
        ["/a//b"] = "empty segment",
        ["/a/.%2e/b"] = "dot segment",
        ["/."] = "dot segment",
        ["/a/..%2fb"] = "dot segment",
        ["/a/..%2Fb"] = "dot segment",
        ["/a%2f../b"] = "dot segment",
        ["/a%2F%2E%2e"] = "dot segment",
        ["/%2e%2e%2fb"] = "dot segment",
        ["/a/.%2Fb"] = "dot segment",
        ["/%252e%252e/b"] = "dot segment",
        ["/..%252fb"] = "dot segment",
        ["/%25252e%25252e"] = "dot segment",
        ["/..;/b"] = "dot segment",
        ["/a/..;x=1/b"] = "dot segment",
        ["/..%3b/b"] = "dot segment",
        ["/a/..%3Fb"] = "dot segment",
        ["/.%23b"] = "dot segment",
        ["/a%5cb"] = "backslash",
        ["/..%5Cb"] = "backslash",
        ["/a%255cb"] = "backslash",
        ["/a%2f/b"] = "empty segment",
        ["/%2fexample.com"] = "empty segment",
        ["/a%252f%252fb"] = "empty segment",
        ["/a%25252525252Fb"] = "percent-encoded too often",
      } do
        assert.matches(expected, problem(path), 1, true)
      end
      for _, path in ipairs {
        "/",
        "/a/b/",
        "/a%2Fb",
        "/a%2F",
        "/a%25b",
        "/%20",
        "/...",
        "/..a",
        "/a.b/..c",
        "/~a!$&'()*+,;=:@-_",
      } do
        assert.is_nil(problem(path), path)
      end
    end)
  end)
end)
