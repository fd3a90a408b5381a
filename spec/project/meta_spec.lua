-- lua/hoopai/meta.lua, the types for editors, says all that the data and the modules say. It is read here line by line,
-- without the generator's help.
local meta = require "tools.generate_meta"

local hoopai = require "hoopai"
local house = require "spec.support.house"
local methods_above = require "hoopai.list"
local api = require "hoopai.api"
local errors = require "hoopai.errors"
local options = require "hoopai.options"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local text = read(meta.path)

-- What is declared: classes[name] = { field -> type }, functions["Calendars:list"] = { params, returns, marks },
-- owners["Calendars"] = the class of a local table, aliases[name] = type.
local classes, functions, owners, aliases, deprecated = {}, {}, {}, {}, {}

local function parse()
  local class, block, typed = nil, { params = {}, returns = {} }, nil
  for line in text:gmatch("(.-)\n") do
    local name = line:match("^%-%-%-@class %(exact%) ([%w_.]+)") or line:match("^%-%-%-@class ([%w_.]+)")
    local alias, of = line:match("^%-%-%-@alias ([%w_.]+) ?(.*)$")
    local field, rest = line:match("^%-%-%-@field (%[?[%w_]+%]?%??) (.*)$")
    local param, kind = line:match("^%-%-%-@param ([%w_.]+%??) (%S+)")
    local owner, member = line:match("^([%w_]+)%.([%w_]+) = ")
    if name then
      class = name
      classes[class] = {}
    elseif alias then
      aliases[alias] = of
    elseif field then
      classes[class][field:gsub("%?$", "")] = { optional = field:sub(-1) == "?", type = rest:match("^%S+") }
    elseif param then
      table.insert(block.params, { name = param, type = kind })
    elseif line:find("^%-%-%-@return") then
      table.insert(block.returns, line:match("^%-%-%-@return (%S+)"))
    elseif line:find("^%-%-%-@type ") then
      typed = line:match("^%-%-%-@type (%S+)")
    elseif line:find("^%-%-%-@%a+") then
      block[line:match("@(%a+)")] = true
    elseif line:find("^local ") then
      owners[line:match("^local ([%w_]+)")] = class
    elseif owner and typed then
      classes[owners[owner]][member] = { optional = typed:sub(-1) == "?", type = typed }
      deprecated[owners[owner] .. "." .. member] = block.deprecated
    elseif line:find("^function ") then
      functions[line:match("^function ([%w_.:]+)")] = block
      block.arguments = line:match("%((.*)%)")
    end
    if line == "" then
      block, typed = { params = {}, returns = {} }, nil
    end
  end
end
parse()

local function camel(name) return (name:gsub("^%l", string.upper):gsub("_(%w)", string.upper)) end

--- The class or alias behind a type such as `(hoopai.Note|nil)[]?`.
local function named(kind) return kind:match("hoopai%.[%w_.]+") end

-- Holds a declared type against what the file says, down to the last field.
local function compare(kind, written, where, sent)
  if kind.type == "array" and kind.items then
    assert.is_truthy(written:find("[]", 1, true), where .. " is no list: " .. written)
    return compare(kind.items, written, where .. "[]", sent)
  elseif kind.enum and math.type(kind.enum[2] or kind.enum[1]) ~= "float" then
    for _, value in ipairs(kind.enum) do
      local literal = type(value) == "string" and '"' .. value .. '"' or tostring(value)
      assert.is_truthy(written:find(literal, 1, true), where .. " lacks " .. literal)
    end
  elseif kind.type == "datetime" or kind.type == "epoch_ms" then
    local expected = not sent and "string" or kind.type == "datetime" and "hoopai.BodyTime" or "hoopai.QueryTime"
    assert.is_truthy(written:find(expected, 1, true), where .. ": " .. written)
  elseif kind.values then
    compare(kind.values, aliases[named(written)] or written, where .. "{}", sent)
  elseif kind.fields then
    local name = named(written)
    local class = classes[name]
    assert.is_truthy(class, where .. " has no class: " .. written)
    if kind.class then assert.equal("hoopai." .. kind.class, name, where) end
    local known = {}
    for _, field in ipairs(kind.fields) do
      local place = where .. "." .. field.name
      local entry = class[field.name]
      assert.is_truthy(entry, place .. " is missing")
      known[field.name] = true
      if sent and field.read_only then
        assert.same({ true, "nil" }, { entry.optional, entry.type }, place)
      else
        local filled = field.default ~= nil or field.name == "locationId" and field.fill ~= false
        assert.equal(not field.required or (sent and filled), entry.optional, place)
        local clears = kind.update and not field.required and not field.read_only and field.clearable ~= false
        local takes_null = entry.type:find("hoopai.Null", 1, true) ~= nil
        if not (sent and field.read_only) then assert.equal((field.nullable or clears) == true, takes_null, place) end
        if field.deprecated and not sent then assert.is_true(deprecated[name .. "." .. field.name], place) end
        compare(field, entry.type, place, sent)
      end
    end
    for field in pairs(class) do
      assert.is_true(known[field], where .. "." .. field .. " is not in the data")
    end
  end
end

local function find_endpoint(key)
  local resource, name = key:match("^(.-)%.(.*)$")
  for _, entry in ipairs(require("hoopai.api." .. resource)) do
    if entry.name == name then return entry end
  end
end

local function upvalue(fn, wanted)
  for index = 1, 60 do
    local name, value = debug.getupvalue(fn, index)
    if name == wanted then return value end
  end
end

describe("the types for editors", function()
  it("are up to date: else run `make meta`", function() assert.is_true(meta.generate() == text) end)

  it("load and run without an effect, and the library does not need them", function()
    local module = assert(load(text, "=meta", "t", {}))()
    assert.equal("table", type(module))
    for _, name in ipairs { "hoopai", "hoopai.client", "hoopai.sandbox" } do
      require(name)
    end
    assert.is_nil(package.loaded["hoopai.meta"])
  end)

  it("have no line above 160 columns but those that cannot be broken", function()
    local number = 0
    for line in text:gmatch("(.-)\n") do
      number = number + 1
      assert.is_true(#line <= 160 or line:find("^%-%-%-@param") ~= nil, "line " .. number)
    end
  end)

  for _, resource in ipairs(api) do
    it("have every method, field and enum of " .. resource, function()
      assert.equal("hoopai.client." .. camel(resource), classes["hoopai.Client"][resource].type)
      for _, entry in ipairs(require("hoopai.api." .. resource)) do
        local key = camel(resource) .. ":" .. entry.name
        local written = functions[key]
        assert.is_truthy(written, key .. " is missing")
        assert.is_true(written.async and written.nodiscard, key)
        local data = entry.alias and find_endpoint(entry.alias) or entry
        local expected = {}
        for _, param in ipairs(data.params or {}) do
          expected[#expected + 1] = param.name
          compare(param, written.params[#expected].type, key .. " " .. param.name, true)
        end
        if data.query then
          expected[#expected + 1] = "query"
          compare({ type = "object", fields = data.query }, written.params[#expected].type, key .. " query", true)
        elseif data.body and not data.empty_body and not entry.preset then
          expected[#expected + 1] = "body"
          compare(data.body, written.params[#expected].type, key .. " body", true)
        end
        expected[#expected + 1] = "options"
        if entry.wrapped then goto continue end -- its method, and the types of it, are written by hand
        assert.equal(table.concat(expected, ", "), written.arguments)
        for index, name in ipairs(expected) do
          assert.equal(name, (written.params[index].name:gsub("%?$", "")))
        end
        compare(data.result.type, written.returns[1], key .. " result", false)
        assert.equal("?", written.returns[1]:sub(-1))
        assert.is_truthy(written.returns[2]:find("hoopai.Error", 1, true))
        if data.result.extra then
          local extra = classes[named(written.returns[2])].extra
          compare({ type = "object", fields = data.result.extra }, extra.type, key .. " extra", false)
        end
        ::continue::
      end
    end)
  end

  it("have the methods that follow from the data", function()
    local RETURNS = {
      each = { async = nil, nodiscard = true, returns = { "async" } },
      all = { async = true, nodiscard = true },
      edit = { async = true },
    }
    local count = 0
    for _, name in ipairs(api) do
      local class = camel(name)
      for _, method in ipairs(methods_above.derived(name, require("hoopai.api." .. name))) do
        local written = functions[class .. ":" .. method[1]]
        local expected = RETURNS[method[1]]
        count = count + 1
        assert.is_truthy(written, name .. ":" .. method[1])
        assert.equal(expected.async, written.async)
        assert.equal(expected.nodiscard, written.nodiscard)
        assert.equal(expected.returns and 1 or 2, #written.returns)
        local last = written.params[#written.params]
        assert.equal("options?", last.name)
        assert.equal(method[1] == "edit" and "hoopai.CallOptions" or "hoopai.PageOptions", last.type)
      end
    end
    assert.equal(20, count)
    assert.matches("\n%-%-%-@return async fun%(%): hoopai.Note%? next", text)
    assert.matches("\n%-%-%-@return hoopai.Note%[%]%? result[^\n]*\n%-%-%-@return hoopai.NotesListResponse|", text)
  end)

  it("make optional just the queries that may be left out", function()
    local optional = {}
    for name, written in pairs(functions) do
      for _, param in ipairs(written.params) do
        if param.name == "query?" then optional[#optional + 1] = name end
      end
    end
    table.sort(optional)
    assert.same({
      "Calendars:list",
      "Groups:list",
      "Notes:all",
      "Notes:each",
      "Notes:list",
      "Notifications:all",
      "Notifications:each",
      "Notifications:list",
      "Resources:all",
      "Resources:each",
      "Resources:list",
      "ServiceLocations:list",
      "Services:list",
    }, optional)
  end)

  it("have the options as the code has them", function()
    local function names(list)
      local sorted = {}
      for name in pairs(list) do
        sorted[#sorted + 1] = name
      end
      table.sort(sorted)
      return sorted
    end
    assert.same(names(options.call_names), names(classes["hoopai.CallOptions"]))

    local checks = assert(upvalue(options.check_new, "client_checks"), "client_checks of options.lua has moved")
    assert.same(names(checks), names(classes["hoopai.ClientOptions"]))

    checks = assert(upvalue(options.check_oauth, "oauth_checks"), "oauth_checks of options.lua has moved")
    assert.same(names(checks), names(classes["hoopai.AppOptions"]))
    local app = debug.getmetatable(hoopai.oauth { client_id = "c", client_secret = "s" }).__index
    for class, given in pairs {
      SignInOptions = { "authorize_url", "url_fields" },
      ExchangeOptions = { "exchange", "exchange_fields" },
      InstalledOptions = { "installed_locations", "installed_fields" },
    } do
      checks = assert(upvalue(app[given[1]], given[2]), given[2] .. " of app.lua has moved")
      assert.same(names(checks), names(classes["hoopai." .. class]), class)
    end

    for name in pairs(classes["hoopai.Hooks"]) do
      assert.has_no.errors(function() hoopai.new { token = "t", on = { [name] = print } } end)
    end
    assert.has.errors(function() hoopai.new { token = "t", on = { nonsense = print } } end)
  end)

  it("have the sandbox as the code has it", function()
    local records = require "hoopai.sandbox.domain.records"
    local sandbox_options = require "hoopai.sandbox.server.options"
    local function names(list)
      local sorted = {}
      for name in pairs(list) do
        sorted[#sorted + 1] = name
      end
      table.sort(sorted)
      return sorted
    end
    assert.same(names(sandbox_options.server), names(classes["hoopai.SandboxOptions"]))
    assert.is_truthy(classes["hoopai.SandboxServeOptions"].run)
    assert.equal("hoopai.Sandbox", functions["sandbox.start"].returns[1])
    for _, name in ipairs { "sandbox.serve", "Sandbox:stop", "Sandbox:control" } do
      assert.is_truthy(functions[name], name)
    end
    local app = require("hoopai.sandbox.server.application").new {}
    for _, kind in ipairs(records.kinds) do
      local written = functions["World:" .. kind]
      assert.is_truthy(written, kind)
      -- The fields of the class and of the body that it extends are those that the sandbox takes.
      local class = named(written.params[1].type)
      local known = {}
      for name in pairs(classes[class]) do
        known[name] = true
      end
      local parent = text:match("%-%-%-@class %(exact%) " .. class:gsub("%.", "%%.") .. ": ([%w_.]+)")
      for name in pairs(parent and classes[parent] or {}) do
        known[name] = true
      end
      local fields = {}
      for _, name in ipairs(records.fields(app, kind)) do
        fields[name] = true
      end
      assert.same(names(fields), names(known), kind)
    end
  end)

  it("have every kind of error", function()
    local written = {}
    for kind in text:gmatch('\n%-%-%-| "([%w_]+)" # %S') do
      written[#written + 1] = kind
    end
    assert.same(errors.kinds, written)
  end)

  it("have every function of the modules, of instants and of durations", function()
    local instant, duration = hoopai.time.now(), hoopai.time.days(1)
    local sets = {
      ["hoopai."] = hoopai,
      ["time."] = hoopai.time,
      ["loop."] = hoopai.loop,
      ["store."] = { file = hoopai.store.file, memory = hoopai.store.memory },
      ["instant:"] = upvalue(debug.getmetatable(instant).__index, "instant_methods"),
      ["duration:"] = debug.getmetatable(duration).__index,
    }
    local seen = 0
    for prefix, set in pairs(sets) do
      for name, value in pairs(set) do
        if type(value) == "function" then
          seen = seen + 1
          local written = functions[prefix .. name]
          assert.is_truthy(written, prefix .. name .. " is missing")
          local info = debug.getinfo(house.behind(value), "uS")
          if info.what == "Lua" then
            local given = #written.params + (prefix:find(":") and 1 or 0)
            local refuses_one = { ["store.memory"] = true, ["instant:zone"] = true } -- an argument, which none takes
            if refuses_one[prefix .. name] then given = given + 1 end
            assert.equal(info.nparams + (info.isvararg and 1 or 0), given, prefix .. name)
          end
        end
      end
    end
    assert.is_true(seen > 30)
    for _, name in ipairs {
      "Client:with",
      "Client:request",
      "Client:close",
      "Task:join",
      "Task:cancel",
      "App:authorize_url",
      "App:exchange",
      "App:client",
      "App:installed_locations",
      "App:close",
    } do
      assert.is_truthy(functions[name], name)
    end
    for _, name in ipairs { "VERSION", "null" } do
      assert.is_truthy(classes.hoopai[name], name)
    end
  end)
end)
