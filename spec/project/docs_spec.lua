-- What `make docs` is made of is complete: everything public has its comment, and the pages of the endpoints have all
-- that the data has. LDoc itself is not needed.
local comments = require "tools.comments"
local generate_docs = require "tools.generate_docs"
local reference = require "tools.reference"

local hoopai = require "hoopai"
local house = require "spec.support.house"
local list = require "hoopai.list"
local api = require "hoopai.api"
local errors = require "hoopai.errors"
local sandbox = require "hoopai.sandbox"
local sandbox_options = require "hoopai.sandbox.server.options"

local pages = reference.pages()

local function upvalue(fn, wanted)
  for index = 1, 60 do
    local name, value = debug.getupvalue(fn, index)
    if name == wanted then return value end
  end
end

local function tasks_methods()
  local all = hoopai.run(function()
    return debug.getmetatable(hoopai.spawn(function() end)).__index
  end)
  local methods = {}
  for name, fn in pairs(all) do
    local _, problem = pcall(fn)
    -- Names that other libraries use raise and name the method.
    if not tostring(problem):find("a task has no `" .. name .. "`", 1, true) then methods[name] = fn end
  end
  return methods
end

hoopai.preload() -- what is loaded on first use is then among the fields
local client = hoopai.new { token = "t" }
local app = hoopai.oauth { client_id = "c", client_secret = "s" }
local private = { behind = true } -- for the library's own files

-- Functions of hoopai.list: before the arguments of the caller they get the resource's name and the client's state, and
-- after them what was given in excess.
local is_above = {}
local spans = require "hoopai.list.spans"

local function above(resource_name, functions)
  for name, fn in pairs(functions) do
    assert(client[resource_name][name])
    is_above[fn] = true
  end
  return functions
end

-- What a script can reach: { page, prefix of the names there, table of functions }.
local PUBLIC = {
  { "hoopai", "", hoopai },
  { "hoopai", "Client:", { with = client.with, request = client.request, close = client.close } },
  { "hoopai", "Task:", tasks_methods() },
  { "hoopai", "Appointments:", require "hoopai.booking" },
  { "hoopai", "Calendars:", above("calendars", { team = require("hoopai.list.owners").team }) },
  { "hoopai", "Calendars:", above("calendars", require "hoopai.list.free_slots") },
  { "hoopai", "Events:", above("events", spans) },
  { "hoopai", "BlockSlots:", above("block_slots", spans) },
  { "hoopai", "BlockSlots:", above("block_slots", require "hoopai.list.ensure") },
  { "hoopai.oauth", "App:", debug.getmetatable(app).__index },
  { "hoopai.store", "", hoopai.store },
  { "hoopai.loop", "", hoopai.loop },
  { "hoopai.time", "", hoopai.time },
  { "hoopai.time", "instant:", upvalue(debug.getmetatable(hoopai.time.now()).__index, "instant_methods") },
  { "hoopai.time", "duration:", debug.getmetatable(hoopai.time.days(1)).__index },
  { "hoopai.sandbox", "", sandbox },
  { "hoopai.sandbox", "Sandbox:", upvalue(house.behind(sandbox.start), "Handle") },
}

-- These take no argument, and refuse one.
local REFUSES_ONE = { ["hoopai.store memory"] = true, ["hoopai.time instant:zone"] = true }

-- These return nothing.
local SILENT = {
  sleep = true,
  on_task_error = true,
  use = true,
  step = true,
  serve = true,
  preload = true,
  ["Client:close"] = true,
  ["App:close"] = true,
  ["Task:cancel"] = true,
}

local function each_function(visit)
  for _, set in ipairs(PUBLIC) do
    for name, value in pairs(set[3]) do
      if type(value) == "function" and not name:find("^__") and not private[name] then
        visit(pages[set[1]], set[2] .. name, value)
      end
    end
  end
end

--- The names of a function's parameters as its code has them, nil for a C function.
local function parameters_of(fn)
  fn = house.behind(fn)
  local info = debug.getinfo(fn, "uS")
  if info.what ~= "Lua" then return nil end
  local names = {}
  for index = 1, info.nparams do
    local name = debug.getlocal(fn, index)
    if name ~= "self" then names[#names + 1] = name end
  end
  if is_above[fn] then return table.move(names, 3, #names + 2, 1) end
  if info.isvararg then names[#names + 1] = "..." end
  return names
end

local function keys(set)
  local names = {}
  for name in pairs(set) do
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

describe("the reference", function()
  it("has every public function, and none that is not there", function()
    local seen = {}
    each_function(function(page, name)
      assert.is_truthy(page.items[name], page.name .. " lacks " .. name)
      seen[page.items[name]] = true
    end)
    for _, page in ipairs(pages) do
      for _, item in ipairs(page.items) do
        assert.is_true(item.kind ~= "function" or seen[item], page.name .. " has " .. item.name)
      end
    end
    for _, name in ipairs { "VERSION", "time", "store", "loop", "null" } do
      assert.equal("field", pages.hoopai.items[name].kind)
    end
  end)

  it("describes every function with its parameters and results", function()
    each_function(function(page, name, fn)
      local comment = page.items[name].comment
      local where = page.name .. " " .. name
      assert.is_truthy(comment.text:find("^%u.+%."), where .. " has no sentence")
      local given, known = {}, {}
      for _, tag in ipairs(comments.tags(comment, "param", "tparam")) do
        local owner = tag.name:match("^([%w_]+)%.[%w_]+$")
        if owner then
          assert.is_true(known[owner], where .. ": " .. tag.name .. " is part of no parameter")
          assert.is_truthy(tag.type, where .. ": " .. tag.name .. " has no type")
        else
          given[#given + 1], known[tag.name] = tag.name, true
          assert.is_true(tag.type ~= nil or tag.name == "...", where .. ": " .. tag.name .. " has no type")
        end
      end
      local expected = parameters_of(fn)
      if REFUSES_ONE[page.name .. " " .. name] then expected = {} end
      -- Made by one function for all units, with other names than users should read.
      if expected then assert.equal(#expected, #given, where .. " has other parameters") end
      if expected and page.name ~= "hoopai.time" and name ~= "new" then assert.same(expected, given, where) end
      local results = comments.tags(comment, "return", "treturn")
      assert.equal(not SILENT[name], #results > 0, where .. " and its results")
    end)
  end)

  it("describes every field of its tables", function()
    local tables = 0
    for _, page in ipairs(pages) do
      for _, item in ipairs(page.items) do
        if item.kind == "table" then
          tables = tables + 1
          for _, tag in ipairs(comments.tags(item.comment, "field", "tfield")) do
            assert.is_true(tag.text ~= "" or tag.type ~= nil, item.name .. "." .. tag.name)
          end
        end
      end
    end
    assert.is_true(tables >= 10)
  end)

  it("explains every kind of error", function()
    local kinds = {}
    for index, tag in ipairs(comments.tags(pages.hoopai.items.kinds.comment, "field")) do
      kinds[index] = tag.name
    end
    assert.same(errors.kinds, kinds)
  end)

  it("has the options of a sandbox as the code has them", function()
    local names = {}
    for _, tag in ipairs(comments.tags(pages["hoopai.sandbox"].items.start.comment, "tparam")) do
      local name = tag.name:match("^given%.(.*)$")
      if name then names[name] = true end
    end
    assert.same(keys(sandbox_options.server), keys(names))
  end)

  describe("in the form for LDoc", function()
    local texts = {}
    for _, page in ipairs(generate_docs.generate()) do
      texts[page.name] = page.text
    end

    it("parses as Lua", function()
      for name, text in pairs(texts) do
        assert.is_truthy(load(text, "=" .. name), name)
      end
      assert.equal(#pages + 1 + #api, #keys(texts))
    end)

    -- All the names that references can mean.
    local function anchors()
      local known = {}
      for name, text in pairs(texts) do
        known[name] = true
        for tag, item in text:gmatch("\n%-%- @(%a+) ([%w_:]+)") do
          if tag == "function" or tag == "table" or tag == "name" then known[name .. "#" .. item] = true end
        end
      end
      return known
    end

    it("refers to nothing that is not there", function()
      local known, seen = anchors(), 0
      for page, text in pairs(texts) do
        for target in text:gmatch("@{([^}|]+)") do
          seen = seen + 1
          local module, item = target:match("^(.*)%.([%w_:]+)$")
          assert.is_true(
            known[page .. "#" .. target] or known[target] or known[(module or "") .. "#" .. (item or "")],
            page .. " refers to " .. target
          )
        end
        for target in text:gmatch('href="([^"]+)"') do
          seen = seen + 1
          assert.is_true(known[target:gsub("%.html", "")], page .. " links to " .. target)
        end
      end
      assert.is_true(seen > 100)
    end)

    it("names the methods that are written by hand on the page of their resource, and in the overview", function()
      for owner, name in pairs {
        ["client.block_slots"] = "BlockSlots:ensure",
        ["client.appointments"] = "Appointments:book",
      } do
        local reference_to = ("@{hoopai.%s|%s}"):format(name, name:match "%w+$")
        assert.is_truthy(texts[owner]:find(reference_to, 1, true), owner)
        assert.is_truthy(texts.client:find(reference_to, 1, true), name)
      end
      assert.is_nil(texts["client.notes"]:find("@{hoopai.", 1, true) and texts["client.notes"]:find("Beside", 1, true))
    end)

    for _, resource in ipairs(api) do
      it("has every endpoint, parameter and field of " .. resource, function()
        -- Objects that several resources share are on the page of the first.
        local all = {}
        for index, name in ipairs(api) do
          all[index] = texts["client." .. name]
        end
        local text, shared = texts["client." .. resource], table.concat(all)

        local function check(kind, where)
          for _, field in ipairs(kind.fields or {}) do
            local row = ("<code>%s</code></td>"):format(field.name)
            assert.is_truthy(shared:find(row, 1, true), where .. "." .. field.name)
            check(field, where .. "." .. field.name)
          end
          for _, part in ipairs { kind.items or false, kind.values or false } do
            if part then check(part, where) end
          end
          if kind.class and kind.values == nil and kind.type == "object" then
            local first = ("<code>%s</code></td>"):format(kind.fields[1].name)
            assert.is_truthy(shared:find(first, 1, true), where)
          end
          for _, value in ipairs(kind.enum or {}) do
            local literal = type(value) == "string" and '"' .. value .. '"' or tostring(value)
            assert.is_truthy(shared:find("<code>" .. literal .. "</code>", 1, true), where .. " " .. literal)
          end
        end

        for _, method in ipairs(list.derived(resource, require("hoopai.api." .. resource))) do
          local where = resource .. ":" .. method[1]
          assert.is_truthy(text:find("\n-- @function " .. where .. "\n", 1, true), where)
          assert.is_truthy(texts.client:find("#" .. where .. '"', 1, true), where .. " in the overview")
        end

        for _, entry in ipairs(require("hoopai.api." .. resource)) do
          local where = resource .. ":" .. entry.name
          assert.is_truthy(text:find("\n-- @function " .. where .. "\n", 1, true), where)
          assert.is_truthy(texts.client:find("#" .. where .. '"', 1, true), where .. " in the overview")
          if not entry.alias then
            assert.is_truthy(text:find(entry.method .. " " .. entry.path, 1, true), where)
            for _, param in ipairs(entry.params or {}) do
              assert.is_truthy(text:find("@tparam string " .. param.name .. " ", 1, true), where .. " " .. param.name)
            end
            check({ fields = entry.query }, where .. " query")
            if entry.body then check(entry.body, where .. " body") end
            check(entry.result.type, where .. " result")
          end
        end
      end)
    end
  end)
end)
