-- Every endpoint through the client's own methods against a mock server that judges requests and answers by the
-- vendor's document: HOOPAI_CONTRACT_URL is where it listens. Run by `make contract`.

local hoopai = require "hoopai"
local samples = require "spec.support.samples"
local variants = require "spec.contract.variants"
local walk = require "spec.contract.walk"

local LOCATION = "ve9EPM428h8vShlRW1KT"
-- The only one that the document allows.
local VERSION = "2021-04-15"

local MADE_UP = { headers = { Prefer = "dynamic=true" } }

local totals = { calls = 0, refused = 0, sent = 0, received = 0 }

local function violations(response)
  return response and response.headers and response.headers["sl-violations"]
end

--- What the judge said of a call that failed.
local function reason(err)
  if type(err) ~= "table" then return tostring(err) end
  return tostring(err) .. "\n" .. (violations(err.response) or "no violations named")
end

local function merged(a, b)
  local all = {}
  for name, value in pairs(a) do all[name] = value end
  for name, value in pairs(b or {}) do all[name] = value end
  return all
end

--- The answer as it came, against the declared result: its envelope, and all that is in it.
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
  for _, field in ipairs(endpoint.result.extra or {}) do walk.places(field, "extra." .. field.name, skip, places) end
  return places
end

describe("contract: ", function()
  local client, careless

  setup(function()
    local options = {
      base_url = assert(os.getenv("HOOPAI_CONTRACT_URL")), token = "a-token-for-the-mock-server", api_version = VERSION,
    }
    client = hoopai.new(merged(options, { location_id = LOCATION }))
    -- Checks nothing and fills in no location, so that what is wrong reaches the judge.
    careless = hoopai.new(merged(options, { validate = false }))
  end)

  teardown(function()
    client:close()
    careless:close()
    print(("\n%d calls with %d values found right, %d values of answers compared, %d wrong calls refused"):format(
      totals.calls, totals.sent, totals.received, totals.refused))
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

  --- A call that must be right, and its answer, which must be as declared.
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
    assert.equal(422, err.status)
    totals.refused = totals.refused + 1
    local said = violations(err.response)
    local named = false
    for _, name in ipairs(names) do named = named or said:find(name, 1, true) ~= nil end
    assert.is_true(named, ("it names none of %s: %s"):format(table.concat(names, ", "), said))
  end

  for _, entry in ipairs(samples.endpoints()) do
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
            assert.same({}, sent.problems)
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
end)
