-- Every endpoint through the client's own methods against a mock server that checks requests and responses against the
-- vendor's document (HOOPAI_OPENAPI): HOOPAI_CONTRACT_URL is where it listens. Run by `make contract`.

local document = require "spec.contract.document"
local edition = require "spec.contract.edition"
local hoopai = require "hoopai"
local mends = require "spec.contract.mends"
local samples = require "spec.support.samples"
local variants = require "spec.contract.variants"
local walk = require "spec.contract.walk"

local LOCATION = "ve9EPM428h8vShlRW1KT"
-- The only one that the document allows.
local VERSION = edition.version_of(document.read(os.getenv("HOOPAI_OPENAPI")))
local ENDPOINTS = edition.endpoints(VERSION)

local MADE_UP = { headers = { Prefer = "dynamic=true" } }

local totals = { calls = 0, refused = 0, sent = 0, received = 0 }

local function violations(response) return response and response.headers and response.headers["sl-violations"] end

--- The mock server's report on a call that failed.
local function reason(err)
  if type(err) ~= "table" then return tostring(err) end
  return tostring(err) .. "\n" .. (violations(err.response) or "no violations named")
end

local function merged(a, b)
  local all = {}
  for name, value in pairs(a) do
    all[name] = value
  end
  for name, value in pairs(b or {}) do
    all[name] = value
  end
  return all
end

--- The received response against the declared result: its envelope, and all that is in it.
local function check_answer(endpoint, body, record)
  local declared = endpoint.result
  if not declared.keys then return walk.check(declared.type, body, "result", record) end
  local rest, found = merged(body), nil
  for _, key in ipairs(declared.keys) do
    if rest[key] ~= nil and not found then
      found, rest[key] = key, nil
      walk.check(declared.type, body[key], "result", record)
    end
  end
  assert.truthy(found, "none of the declared keys is in the answer")
  walk.check_members(declared.extra or {}, rest, "extra", record)
end

local function answer_places(endpoint)
  local function skip(field) return field.undocumented end
  local places = walk.places(endpoint.result.type, "result", skip)
  for _, field in ipairs(endpoint.result.extra or {}) do
    walk.places(field, "extra." .. field.name, skip, places)
  end
  return places
end

--- The second names of endpoints; none of them takes more than ids.
local function aliases()
  local targets, list = {}, {}
  for _, entry in ipairs(ENDPOINTS) do
    targets[entry.resource.name .. "." .. entry.endpoint.name] = entry
  end
  for _, name in ipairs(require "hoopai.api") do
    local resource = require("hoopai.api." .. name)
    for _, data in ipairs(resource) do
      if data.alias and targets[data.alias] then
        list[#list + 1] = { resource = resource, endpoint = data, target = targets[data.alias] }
      end
    end
  end
  return list
end

-- Responses that the comparison must reject: JSON-like values against one small type.
local ANSWER = {
  type = "object",
  fields = {
    { name = "id", type = "string", required = true },
    { name = "live", type = "string", required = true, undocumented = true },
    { name = "count", type = "integer" },
    { name = "days", type = "array", items = { type = "object", fields = { { name = "open", type = "boolean" } } } },
  },
}
local WRONG_ANSWERS = {
  { "a field that is not declared", { id = "a", more = 1 }, { "result.more: is not declared" } },
  { "such a field in a list", { id = "a", days = { {}, { shut = true } } }, { "result.days[].shut: is not declared" } },
  { "a missing field", { count = 1 }, { "result.id: is declared as required, and missing" } },
  { "another type", { id = 1 }, { "result.id: is declared as string, and a number" } },
  { "an object for a list", { id = "a", days = { open = true } }, { "result.days: is no list" } },
  { "a list for an object", { "a" }, { "result: is no object" } },
  { "a text for an object", { id = "a", days = { "monday" } }, { "result.days[]: is no object" } },
  { "nothing in a right one", { id = "a", count = 2, days = { { open = false } } }, {} },
}

describe("contract of version " .. VERSION .. ":", function()
  local client, careless

  setup(function()
    local options = {
      base_url = assert(os.getenv("HOOPAI_CONTRACT_URL")),
      token = "a-token-for-the-mock-server",
      api_version = VERSION,
    }
    client = hoopai.new(merged(options, { location_id = LOCATION }))
    -- Checks nothing and fills in no location, so that wrong values reach the mock server.
    careless = hoopai.new(merged(options, { validate = false }))
  end)

  teardown(function()
    client:close()
    careless:close()
    print(
      ("\n%s: %d calls with %d values found right, %d values of answers compared, %d wrong calls refused"):format(
        VERSION,
        totals.calls,
        totals.sent,
        totals.received,
        totals.refused
      )
    )
  end)

  local function call(from, entry, variant, options)
    local arguments, count = { table.unpack(variant.ids) }, #variant.ids
    if variant.payload then
      count = count + 1
      arguments[count] = variant.payload
    end
    arguments[count + 1] = options
    local resource = from[entry.resource.name]
    return resource[entry.endpoint.name](resource, table.unpack(arguments, 1, count + 1))
  end

  --- A call that must be accepted, and its response, which must be as declared.
  local function play(endpoint, received, result, response)
    assert.is_not_nil(result, reason(response))
    totals.calls = totals.calls + 1
    assert.is_nil(violations(response))
    assert.equal(endpoint.status, response.status)
    assert.is_nil(response.unexpected)
    local before = received.values
    check_answer(endpoint, response.body, received)
    assert.same({}, received.problems)
    assert.is_true(received.values > before)
    totals.received = totals.received + received.values - before
  end

  local function refused(result, err, names)
    assert.is_nil(result)
    assert.equal("refused", err.kind, reason(err))
    local said = assert(violations(err.response), reason(err))
    totals.refused = totals.refused + 1
    local named = false
    -- It lowers the names of parameters; drift_contract compares them as they are spelt.
    for _, name in ipairs(names) do
      named = named or said:lower():find(name:lower(), 1, true) ~= nil
    end
    assert.is_true(named, ("it names none of %s: %s"):format(table.concat(names, ", "), said))
  end

  for _, entry in ipairs(ENDPOINTS) do
    local endpoint = entry.endpoint

    describe(entry.id, function()
      local list, kind = variants.of(endpoint)
      local received = walk.record()
      local sent = walk.record()

      for _, variant in ipairs(list) do
        it(variant.title, function()
          received.problems = {}
          play(endpoint, received, call(client, entry, variant))
          if kind then
            local before = sent.values
            walk.check(kind, variant.payload, "request", sent)
            totals.sent = totals.sent + sent.values - before
          end
        end)
      end

      for index = 1, math.min(#list, 2) do
        it(list[index].title .. ", answered with made-up data", function()
          received.problems = {}
          play(endpoint, received, call(client, entry, list[index], MADE_UP))
        end)
      end

      it("has shown every field of its answer", function()
        local places = answer_places(endpoint)
        assert.is_true(#places > 0)
        assert.same({}, walk.unseen(places, received))
      end)

      if kind then
        it("has been sent every field of its request", function()
          local function skip(field) return field.read_only end
          local places = walk.places(kind, "request", skip)
          assert.is_true(#places > 1)
          assert.same({}, walk.unseen(places, sent))
        end)
      end

      it("is refused with another version", function()
        local result, err = call(client, entry, list[1], { api_version = "2021-07-28" })
        refused(result, err, { "version" })
      end)

      for _, wrong in ipairs(variants.wrong(endpoint)) do
        it("is refused " .. wrong.title, function()
          local result, err = call(careless, entry, { ids = list[1].ids, payload = wrong.payload })
          refused(result, err, wrong.names)
        end)
      end
    end)
  end

  for _, mend in ipairs(mends.apply(document.read(os.getenv("HOOPAI_OPENAPI")))) do
    it("the document still needs to be mended: " .. mend.why, function()
      assert.is_nil(mend.problem)
      assert.is_true(mend.changes > 0, "there is nothing to mend any more: take it out")
    end)
  end

  for _, case in ipairs(WRONG_ANSWERS) do
    it("comparing an answer finds " .. case[1], function()
      local record = walk.record()
      walk.check(ANSWER, case[2], "result", record)
      assert.same(case[3], record.problems)
    end)
  end

  it("made-up answers are others than the examples", function()
    local shown, response = client.calendars:list()
    assert.is_not_nil(shown, reason(response))
    local made_up, other_response = client.calendars:list(nil, MADE_UP)
    assert.is_not_nil(made_up, reason(other_response))
    assert.not_equal(shown[1].name, made_up[1].name)
  end)

  for _, alias in ipairs(aliases()) do
    it(("%s:%s stands for %s"):format(alias.resource.name, alias.endpoint.name, alias.target.id), function()
      local endpoint = alias.target.endpoint
      play(endpoint, walk.record(), call(client, alias, { ids = samples.path_arguments(endpoint) }))
    end)
  end
end)
