local api = require "hoopai.command.api"
local command = require "spec.support.command"
local contexts = require "hoopai.command.lib.context"
local failure = require "hoopai.command.lib.failure"
local hoopai = require "hoopai"
local parser = require "hoopai.command.lib.parser"

-- Runs the command with a client that keeps what it is asked.
local function run(words, input)
  local parsed = parser.parse({ "api", table.unpack(words) }, { api }, function() return { api } end)
  local asked
  local streams = { input = { read = function() return input end } }
  local context = contexts.new(api, parsed.options, streams)
  context.chosen = { fields = { location_id = "loc", company_id = "com" } }
  local function all(name)
    return {
      all = function(_, ...)
        asked = { name, ... }
        return {}
      end,
    }
  end
  context.opened = {
    request = function(_, request)
      asked = request
      return { ok = true }, {}
    end,
    close = function() end,
  }
  for _, name in ipairs { "notes", "notifications", "resources", "schedules" } do
    context.opened[name] = all(name)
  end
  api.run(context, parsed.options)
  return asked, context
end

local function refused(words, input)
  local ok, problem = pcall(run, words, input)
  assert.is_false(ok)
  local status, message = failure.explain(problem)
  return message, status
end

describe("hoopai api", function()
  it("sends fields as the query of a GET", function()
    assert.are.same(
      { method = "GET", path = "/calendars/", query = { locationId = "loc", n = "1", m = 2 } },
      run { "get", "/calendars/", "-f", "locationId={location_id}", "-f", "n=1", "-F", "m=2" }
    )
    assert.are.same({ method = "GET", path = "/x", query = { ["a b"] = "c d" } }, run { "/x?a+b=c%20d" })
    assert.are.same({ method = "GET", path = "/x/com/{y}" }, run { "GET", "x/{company_id}/{y}" })
  end)

  it("sends fields as the body of other methods", function()
    local words = { "PUT", "/x", "-F", "a=true", "-F", "b=false", "-F", "c=null", "-F", "d=-3", "-F", "e=1.5" }
    assert.are.same({ a = true, b = false, c = hoopai.null, d = -3, e = 1.5 }, run(words).body)
    words = { "POST", "/x", "-f", "a=true", "-F", "b=text", "-f", "c=", "-f", "d=x=y", "-F", "e=1e3" }
    assert.are.same({ a = "true", b = "text", c = "", d = "x=y", e = "1e3" }, run(words).body)
    words = { "POST", "/x", "-f", "a[b][c]=1", "-f", "a[b][d]=2", "-F", "l[]=1", "-F", "l[]=2" }
    assert.are.same({ a = { b = { c = "1", d = "2" } }, l = { 1, 2 } }, run(words).body)
    assert.are.same({ method = "DELETE", path = "/x" }, run { "DELETE", "/x" })
  end)

  it("reads fields and bodies from files and from the input", function()
    local folder = command.folder()
    local path = folder .. "/file"
    local file = assert(io.open(path, "w"))
    file:write '{"a":[]}'
    file:close()
    assert.are.same(
      { text = '{"a":[]}', input = "typed" },
      run({ "POST", "/x", "-F", "text=@" .. path, "-F", "input=@-" }, "typed").body
    )
    assert.are.equal('{"a":[]}', hoopai.encode(run({ "PUT", "/x", "--input", path }).body))
    local request = run({ "PUT", "/x", "--input", "-", "-f", "q=1" }, "[1]")
    assert.are.same({ { 1 }, { q = "1" } }, { request.body, request.query })
    command.remove(folder)
    assert.matches("^input: .*No such file", (refused { "PUT", "/x", "--input", path }))
    assert.matches("^input: .*no JSON", (refused({ "PUT", "/x", "--input", "-" }, "{")))
    assert.matches("^input: .*object or list", (refused({ "PUT", "/x", "--input", "-" }, "3")))
  end)

  it("reads every page of the lists that the library pages", function()
    assert.are.same({ "notes", "a1", {} }, run { "/calendars/appointments/a1/notes", "--paginate" })
    assert.are.same({ "notifications", "c1", {} }, run { "/calendars/c1/notifications", "--paginate" })
    assert.are.same(
      { "resources", "rooms", { locationId = "loc", limit = 5 } },
      run { "/calendars/resources/rooms?limit=5", "-f", "locationId={location_id}", "--paginate" }
    )
    assert.are.same({ "schedules", {} }, run { "/calendars/schedules/search", "--paginate" })
    local message, status = refused { "/calendars/", "--paginate" }
    assert.are.same({ "usage: --paginate: the library pages no list of this path", 2 }, { message, status })
    assert.are.equal(
      "usage: --paginate goes with GET",
      (refused { "POST", "/calendars/c1/notifications", "--paginate" })
    )
  end)

  it("refuses wrong use", function()
    assert.are.equal("usage: the path is missing", (refused { "get" }))
    assert.matches("^usage: the path is a whole address", (refused { "https://services.example.com/calendars/" }))
    for expected, words in pairs {
      ['the method "FETCH" is none of'] = { "FETCH", "/x" },
      ['a field is key=value, got "x"'] = { "GET", "/x", "-f", "x" },
      ['a field is key=value, got "=x"'] = { "GET", "/x", "-f", "=x" },
      ['the field "a" is given twice'] = { "POST", "/x", "-f", "a=1", "-F", "a=2" },
      ["contradicts another one"] = { "POST", "/x", "-f", "a=1", "-f", "a[b]=2" },
      ["is no name such as"] = { "POST", "/x", "-f", "a]=1" },
      ["a GET has no body"] = { "GET", "/x", "--input", "-" },
      ["missing argument 'method'"] = {},
    } do
      local message, status = refused(words, "{}")
      assert.matches(expected, message, 1, true)
      assert.are.equal(2, status)
    end
  end)

  it("keeps a change in the list of what was done", function()
    local _, context = run { "PUT", "/x" }
    assert.are.same({ "PUT /x" }, context.done)
    _, context = run { "GET", "/x" }
    assert.are.same({}, context.done)
  end)
end)
