local child = require "spec.support.child"
local core = require "hoopai.core"
local validate = require "hoopai.validate"
local samples = require "spec.support.samples"
local validation = require "spec.support.validation"

local fields_of, body_checks, deep_copy = validation.fields_of, validation.body_checks, validation.deep_copy
local null = core.null

describe("validate", function()
  it("loads the checks of a query and of a body with their first calls", function()
    local text, ok = child.run [[
      local validate = require "hoopai.validate"
      local function loaded(name) return package.loaded["hoopai.validate." .. name] ~= nil end
      local checks = validate.compile { body = { type = "any" }, params = { { name = "kind", enum = { "a" } } } }
      for _, name in ipairs { "body", "query", "containers", "scalars", "json_value", "messages" } do
        assert(not loaded(name), name)
      end
      assert(checks.body {} and loaded "body" and not loaded "query")
      assert(checks.query {} and loaded "query")
    ]]
    assert.is_true(ok, text)
  end)

  it("loads them without a call as well", function()
    local text, ok = child.run [[
      require("hoopai.validate").load()
      assert(package.loaded["hoopai.validate.body"] and package.loaded["hoopai.validate.query"])
    ]]
    assert.is_true(ok, text)
  end)
end)

describe("validate.compile", function()
  it("does nothing but compile", function()
    local checks = validate.compile { name = "get", method = "GET", path = "/x" }
    assert.is_function(checks.query)
    assert.is_function(checks.body)
    assert.is_nil(checks.body_shape)
    assert.are.same({}, checks.keep_null)
  end)

  it("raises for a type that does not exist, and for one that a query cannot hold", function()
    assert.has_error(function() body_checks({ type = "strnig" }).body {} end)
    assert.has_error(function() validate.compile({ query = { { name = "q", type = "object" } } }).query {} end)
  end)

  it("marks the lists of the body for the encoder", function()
    local list = { type = "array", items = { type = "string" } }
    assert.are.same({ array = true }, body_checks(list).body_shape)
    assert.is_nil(body_checks(fields_of { { name = "a", type = "string" } }).body_shape)
    assert.is_nil(body_checks({ type = "any" }).body_shape)
    assert.are.same({ values = { array = true } }, body_checks({ type = "object", values = list }).body_shape)
    assert.are.same(
      {
        fields = {
          ids = { array = true },
          members = { array = true, items = { fields = { places = { array = true, items = { array = true } } } } },
          deep = { fields = { ids = { array = true } } },
        },
      },
      body_checks(fields_of {
        { name = "plain", type = "string" },
        { name = "ids", type = "array", items = { type = "string" } },
        {
          name = "members",
          type = "array",
          items = fields_of {
            { name = "places", type = "array", items = { type = "array", items = { type = "string" } } },
            { name = "userId", type = "string" },
          },
        },
        { name = "deep", type = "object", fields = { { name = "ids", type = "array", items = { type = "string" } } } },
        { name = "flat", type = "object", fields = { { name = "a", type = "string" } } },
      }).body_shape
    )
  end)

  it("checks the path arguments that are enumerations", function()
    local kind = { name = "kind", type = "string", enum = { "rooms", "equipments" } }
    local checks = validate.compile { params = { { name = "id", type = "string" }, kind } }
    assert.is_nil(checks.params { "x", "rooms" })
    assert.are.same({
      {
        path = "kind",
        problem = "must be one of rooms, equipments; did you mean `rooms`?",
        given = '"room"',
        expected = "one of rooms, equipments",
        suggestion = "rooms",
      },
    }, checks.params { "x", "room" })
    assert.is_nil(checks.params({ "x", "room" }, { validate = false }))
    assert.is_nil(validate.compile({ params = { { name = "id", type = "string" } } }).params)
  end)

  it("collects the nullable fields of the result", function()
    local checks = validate.compile {
      result = {
        type = fields_of {
          { name = "a", type = "string", nullable = true },
          { name = "b", type = "array", items = fields_of { { name = "c", type = "integer", nullable = true } } },
          { name = "d", type = "object", values = fields_of { { name = "e", type = "any", nullable = true } } },
          { name = "f", type = "string" },
        },
      },
    }
    assert.are.same({ a = true, c = true, e = true }, checks.keep_null)
  end)
end)

local function copy_with(value, path, change)
  local copy = deep_copy(value)
  local at = copy
  for i = 1, #path - 1 do
    at = at[path[i]]
  end
  if #path == 0 then return change end
  at[path[#path]] = change
  return copy
end

local function path_text(path)
  local text = ""
  for i, key in ipairs(path) do
    if type(key) == "number" then
      text = text .. "[" .. key .. "]"
    elseif key:find("^[%a_][%w_]*$") then
      text = text .. (i > 1 and "." or "") .. key
    else
      text = text .. ("[%q]"):format(key)
    end
  end
  return text
end

-- Calls each(path, value) for every way to spoil a value of a type. In an update null clears a field.
local function spoil(kind, value, path, each, clears)
  local function bad(given) each(path, given) end
  bad(print)
  clears = clears or kind.update
  local is_field = kind.name and clears and not kind.required and kind.clearable ~= false
  if kind.type ~= "any" and not kind.nullable and not is_field then bad(null) end
  if kind.type ~= "any" then bad(io.stdout) end
  if kind.enum and kind.type ~= "array" then
    bad(type(kind.enum[1]) == "string" and "no such value" or -77)
    bad(type(kind.enum[1]) == "string" and 5 or "5")
    bad {}
  elseif kind.type == "string" then
    bad(5)
    bad(true)
    bad {}
    bad("\xFF")
    if kind.max_length then bad(("ä"):rep(kind.max_length + 1)) end
    if kind.min_length then bad(("ä"):rep(kind.min_length - 1)) end
    if kind.pattern then bad("\1 no match \1") end
  elseif kind.type == "integer" or kind.type == "number" then
    bad("5")
    bad(0 / 0)
    bad(math.huge)
    bad {}
    if kind.type == "integer" then bad(1.5) end
    if kind.max then bad(kind.max + 1) end
    if kind.min then bad(kind.min - 1) end
  elseif kind.type == "boolean" then
    bad("true")
    bad(0)
  elseif kind.type == "datetime" then
    bad(1767571200000)
    bad("2026-01-05T10:00:00")
    bad("soon")
  elseif kind.type == "epoch_ms" then
    bad(1767571200)
    bad("2026-01-05")
    bad(true)
  elseif kind.type == "date" then
    bad("2026-02-30")
    bad("soon")
    bad(5)
  elseif kind.type == "timezone" then
    bad("not a zone!")
    bad(5)
  elseif kind.type == "array" then
    bad("x")
    bad { x = 1 }
    bad { [3] = 1 }
    if kind.max_items then
      local items = {}
      for i = 1, kind.max_items + 1 do
        items[i] = value[1]
      end
      bad(items)
    end
    for i, item in ipairs(value) do
      path[#path + 1] = i
      spoil(kind.items or { type = "any" }, item, path, each, clears)
      path[#path] = nil
    end
  elseif kind.type == "object" then
    bad("x")
    bad { "x" }
    bad(5)
    if kind.fields then
      path[#path + 1] = "zzzQqq"
      each(path, "x")
      path[#path] = nil
    end
    local parts = kind.fields or {}
    if kind.values then
      parts = {}
      for name in pairs(value) do
        local part = {}
        for key, setting in pairs(kind.values) do
          part[key] = setting
        end
        part.name = name
        parts[#parts + 1] = part
      end
    end
    for _, part in ipairs(parts) do
      path[#path + 1] = part.name
      if value[part.name] ~= nil then
        if part.required and part.default == nil then each(path, nil) end
        spoil(part, value[part.name], path, each, clears)
      elseif part.read_only then
        each(path, "x")
      end
      path[#path] = nil
    end
  end
end

describe("the real endpoints", function()
  local endpoints = samples.endpoints()
  local total = 0

  it("are all there", function() assert.are.equal(66, #endpoints) end)

  for _, entry in ipairs(endpoints) do
    local endpoint = entry.endpoint
    local checks = validate.compile(endpoint, entry.resource)

    it(entry.id .. " takes its minimal and full samples", function()
      for _, name in ipairs { "minimal", "full" } do
        local query, details = checks.query(samples[name .. "_query"](endpoint))
        assert.is_table(query, details and validate.message(details, entry.id))
        assert.is_table(checks.query(samples[name .. "_query"](endpoint), { validate = false }))
        if endpoint.body then
          local given = samples[name](endpoint.body)
          local body
          body, details = checks.body(given)
          assert.is_table(body, details and validate.message(details, entry.id))
          assert.are.same(given, body)
          assert.are.same(given, checks.body(given, { validate = false }))
        end
      end
    end)

    it(entry.id .. " reports every single corruption where it is", function()
      local count = 0
      local function try(check, value)
        return function(path, change)
          count = count + 1
          local spoilt = copy_with(value, path, change)
          local result, details = check(spoilt)
          local where = path_text(path) .. " = " .. tostring(change)
          if result ~= nil then error(entry.id .. " accepted " .. where) end
          if #details ~= 1 or details[1].path ~= path_text(path) then
            error(where .. ": " .. validate.message(details, entry.id))
          end
        end
      end
      local query_type = samples.query_type(endpoint)
      spoil(query_type, samples.full_query(endpoint), {}, try(checks.query, samples.full_query(endpoint)))
      if endpoint.body then
        local full = samples.full(endpoint.body)
        spoil(endpoint.body, full, {}, try(checks.body, full))
      end
      total = total + count
      assert.is_true(count > 0)
    end)
  end

  it("were tried with thousands of corruptions", function() assert.is_true(total > 2000, tostring(total)) end)

  it("name what get returns and update does not take", function()
    local count = 0
    for _, entry in ipairs(endpoints) do
      local endpoint = entry.endpoint
      local answer
      for _, other in ipairs(entry.resource) do
        if other.name == "get" then answer = other.result.type end
      end
      if answer and endpoint.name == "update" then
        local _, details = validate.compile(endpoint, entry.resource).body(samples.full(answer))
        assert.is_table(details)
        for _, detail in ipairs(details) do
          local known = detail.problem:find("^is read%-only: leave it out")
            or detail.problem:find("^is read%-only here: ")
            or detail.problem:find("^is an argument")
          assert.is_truthy(known, validate.message(details, entry.id))
          count = count + 1
        end
      end
    end
    assert.is_true(count > 20, tostring(count))
  end)

  it("keep null in the fields in which it has a meaning", function()
    for _, entry in ipairs(endpoints) do
      if entry.id == "calendars:get" then
        assert.are.same({ availabilityType = true }, validate.compile(entry.endpoint).keep_null)
      end
    end
  end)
end)
