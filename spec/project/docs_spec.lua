-- What `make docs` is made of is complete: everything public has its comment, and the pages of the endpoints have all
-- that the data has. (`make docs-check` looks at the pages in a browser.)
local child = require "spec.support.child"
local comments = require "tools.comments"
local endpoint_table = require "tools.endpoint_table"
local generate_docs = require "tools.generate_docs"
local guides = require "tools.site.guides"
local links = require "tools.site.links"
local reference = require "tools.reference"
local resources = require "tools.site.resources"
local search_index = require "tools.site.search_index"
local text = require "tools.site.text"

local hoopai = require "hoopai"
local house = require "spec.support.house"
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
  { "hoopai", "ServiceBookings:", require "hoopai.booking.services" },
  { "hoopai", "Contacts:", above("contacts", require "hoopai.list.contact_appointments") },
  { "hoopai", "Calendars:", above("calendars", { team = require("hoopai.list.owners").team }) },
  { "hoopai", "Calendars:", above("calendars", require "hoopai.list.free_slots") },
  { "hoopai", "Events:", above("events", spans) },
  { "hoopai", "BlockSlots:", above("block_slots", spans) },
  { "hoopai", "BlockSlots:", above("block_slots", require "hoopai.list.ensure") },
  { "hoopai.oauth", "App:", debug.getmetatable(app).__index },
  { "hoopai.webhook", "Webhook:", debug.getmetatable(hoopai.webhook()).__index },
  { "hoopai.store", "", hoopai.store },
  { "hoopai.redis", "", hoopai.redis },
  { "hoopai.rate_limit", "", hoopai.rate_limit },
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

  describe("as HTML", function()
    local texts, list_of_pages = {}, generate_docs.reference()
    for _, page in ipairs(list_of_pages) do
      texts[page.name] = page.html
    end

    it("has a page of each module and resource, and an overview", function()
      assert.equal(#pages + 1 + #api, #list_of_pages)
      for _, page in ipairs(list_of_pages) do
        assert.is_truthy(page.html:find("^<h1>[^<]+</h1>"), page.name)
        assert.is_truthy(page.title ~= "", page.name)
      end
    end)

    it("refers to nothing that is not there", function()
      local known, seen = { ["errors.html"] = true, ["errors.html#kinds"] = true }, 0 -- of doc/errors.md
      for name, html in pairs(texts) do
        known[name .. ".html"] = true
        for anchor in html:gmatch(' id="([^"]+)"') do
          local place = name .. ".html#" .. anchor
          assert.is_nil(known[place], place .. " is there twice")
          known[place] = true
        end
      end
      for name, html in pairs(texts) do
        for target in html:gmatch('href="([^"]+)"') do
          seen = seen + 1
          local place = target:find("^#") and name .. ".html" .. target or target
          assert.is_true(known[place], name .. " links to " .. target)
        end
      end
      assert.is_true(seen > 100)
      assert.is_truthy(("\n" .. endpoint_table.read("doc/errors.md")):find("\n## Kinds\n", 1, true))
    end)

    it("refuses a reference to nothing", function()
      local registry = links.new(pages, reference.endpoints())
      assert.error_matches(function() registry:resolver "hoopai"("nowhere") end, "hoopai refers to nowhere")
      assert.equal('<a href="hoopai.html#run"><code>run</code></a>', registry:resolver "hoopai"("run"))
    end)

    --- The section of a method on the page of its resource.
    local function section_of(name)
      local html = texts["client." .. name:match("^[^:]+")]
      local first = assert(html:find(('<h2 id="%s">'):format(name), 1, true), name .. " has no section")
      return html:sub(first, assert(html:find("</section>", first, true)))
    end

    --- The names of all methods of a client, such as "calendars:list".
    local function methods()
      local names = {}
      for _, resource in ipairs((reference.endpoints())) do
        for _, set in ipairs { resource.methods, reference.written_methods(resource.name) } do
          for _, method in ipairs(set) do
            names[#names + 1] = resource.name .. ":" .. method.name
          end
        end
      end
      return names
    end

    it("has each method on the page of its resource: with parameters, results, scope, errors and an example", function()
      for _, name in ipairs(methods()) do
        local section = section_of(name)
        for _, part in ipairs { "<h4>Parameters<", "<h4>Returns<", "scope", "errors.html", "<h4>Example<" } do
          assert.is_truthy(section:find(part, 1, true), name .. " lacks " .. part)
        end
        assert.is_truthy(section:find("<h4>Example</h4>\n<pre[^>]*><code>.*" .. name:match("[^:]+$")), name)
        assert.is_truthy(texts.client:find(("client.%s.html#%s"):format(name:match("^[^:]+"), name), 1, true), name)
      end
      assert.is_true(#methods() >= 70)
      assert.is_nil(texts.hoopai:find("Appointments:book", 1, true))
    end)

    it("has an example of each method in doc/examples.md, and of no other", function()
      local names, examples = {}, {}
      for _, name in ipairs(methods()) do
        names[name] = true
      end
      for name in endpoint_table.read("doc/examples.md"):gmatch("\n### `([^`]+)`\n") do
        examples[name] = true
      end
      assert.same(names, examples)
    end)

    for _, resource in ipairs(api) do
      it("has every endpoint, parameter and field of " .. resource, function()
        -- Objects that several resources share are on the page of the first.
        local all = {}
        for index, name in ipairs(api) do
          all[index] = texts["client." .. name]
        end
        local shared = table.concat(all)

        local function check(kind, where)
          for _, field in ipairs(kind.fields or {}) do
            local row = ("<td><code>%s</code> "):format(field.name)
            assert.is_truthy(shared:find(row, 1, true), where .. "." .. field.name)
            check(field, where .. "." .. field.name)
          end
          for _, part in ipairs { kind.items or false, kind.values or false } do
            if part then check(part, where) end
          end
          for _, value in ipairs(kind.enum or {}) do
            local literal = type(value) == "string" and "&quot;" .. value .. "&quot;" or tostring(value)
            assert.is_truthy(shared:find("<code>" .. literal .. "</code>", 1, true), where .. " " .. literal)
          end
        end

        for _, entry in ipairs(require("hoopai.api." .. resource)) do
          local where = resource .. ":" .. entry.name
          local section = section_of(where)
          if not entry.alias then
            -- That of a wrapped endpoint comes from the comment of its method.
            assert.is_truthy(entry.wrapped or section:find(entry.method .. " " .. entry.path, 1, true), where)
            assert.is_truthy(section:find("<code>" .. entry.scope .. "</code>", 1, true), where)
            for _, param in ipairs(entry.wrapped and {} or entry.params or {}) do
              assert.is_truthy(section:find("<td><code>" .. param.name .. "</code> ", 1, true), where)
            end
            check({ fields = entry.query }, where .. " query")
            if entry.body then check(entry.body, where .. " body") end
            check(entry.result.type, where .. " result")
          end
        end
      end)
    end

    it("has the kinds of errors that a method can lead to", function()
      local function kinds_of(name)
        local kinds = {}
        for kind in section_of(name):match("<h4>Errors</h4>.-<ul>(.-)</ul>"):gmatch("<li><code>([%w_]+)</code>") do
          kinds[#kinds + 1] = kind
        end
        return table.concat(kinds, " ")
      end
      assert.equal("invalid_request slot_taken refused", kinds_of "appointments:create")
      assert.equal(
        "not_found refused",
        kinds_of("appointments:cancel"):gsub("invalid_request ", ""):gsub(" conflict", "")
      )
      assert.equal("invalid_request not_found", kinds_of "calendars:get")
      assert.is_truthy(kinds_of("calendars:edit"):find("conflict", 1, true))
    end)
  end)
end)

describe("the methods that are written by hand", function()
  -- What the example of each sends, by the hook `request`.
  local PREAMBLE = [[
    local hoopai = require "hoopai"
    local new = hoopai.new
    function hoopai.new() return new { on = { request = function(event) print("SENT " .. event.endpoint) end } } end
  ]]

  for name, calls in pairs(resources.CALLS) do
    it("are documented with the endpoints that they call: " .. name, function()
      local code, allowed, seen = guides.examples()[name], {}, 0
      for _, call in ipairs(calls) do
        allowed[call] = true
      end
      -- An example may call other methods first.
      for other in code:gmatch("client%.([%w_]+:[%w_]+)") do
        for _, call in ipairs(resources.CALLS[other] or { other }) do
          allowed[call] = allowed[call] or other ~= name
        end
      end
      local account <close> = sandbox.start()
      local output, ok = child.run(PREAMBLE .. code, {
        set = {
          HOOPAI_BASE_URL = account.url,
          HOOPAI_TOKEN = account.token,
          HOOPAI_LOCATION_ID = account.location_id,
          CONTACT_ID = account.seed.contacts.hugo,
          USER_ID = account.seed.users.okafor,
          CALENDAR_ID = account.seed.calendars.checkup,
        },
      })
      assert.is_true(ok, output)
      for call in output:gmatch("SENT (%S+)") do
        seen = seen + 1
        assert.is_true(allowed[call], name .. " sent " .. call)
      end
      assert.is_true(seen > 0)
    end)
  end
end)

describe("the text of the pages", function()
  local function resolve(target, label) return "[" .. target .. ":" .. (label or "") .. "]" end

  it("has its marks as HTML, and nothing else", function()
    assert.equal(
      "<code>a &lt; b</code> <b>c</b> &amp; [Error:] [x:label]",
      text.inline("`a < b` **c** & @{Error} @{x|label}", resolve)
    )
    assert.equal(
      '<p>One line.</p>\n<ul><li>a b</li>\n<li>c</li></ul>\n<pre tabindex="0"><code>print(1)\n</code></pre>\n',
      text.block("One\nline.\n\n* a\n  b\n* c\n\n    print(1)", resolve)
    )
  end)

  it("has code with its comments, strings and keywords marked, and loses none of its characters", function()
    assert.equal(
      '<span class="keyword">local</span> endless = <span class="string">&quot;end&quot;</span> '
        .. '<span class="comment">-- end</span>\n',
      text.code('local endless = "end" -- end\n', "lua")
    )
    for language, path in pairs { lua = "lua/hoopai/init.lua", c = "examples/embed/host.c", sh = ".ci/deps" } do
      local code = endpoint_table.read(path)
      local marked = text.code(code, language):gsub("<[^>]+>", "")
      assert.equal(text.escape(code), marked)
    end
  end)

  it("is found by the search in its sections", function()
    local page = {
      name = "p",
      title = "Page",
      html = '<h1>Page</h1><p>First <code>word</code>.</p><h2 id="a">A <code>b</code></h2><p>Second.</p>'
        .. '<h3 id="c:d"><code>client.c:<wbr>d(e)</code></h3><p>Third.</p>',
    }
    assert.same({
      { "Page", "Page", "p.html", "First word." },
      { "A b", "Page", "p.html#a", "Second." },
      { "c:d", "Page", "p.html#c:d", "Third." },
    }, search_index.sections(page))
    assert.is_truthy(search_index.script({ page }):find('^window%.hoopai_index = %[\n%["Page","Page","p.html",'))
  end)

  it("has in doc/c_api.md what the header of the amalgamation declares", function()
    local header, page = endpoint_table.read("tools/amalgamate.lua"), endpoint_table.read("doc/c_api.md")
    local seen = 0
    for name in header:match("local HEADER = %[%[(.-)%]%]"):gmatch("\nint ([%w_]+)%(lua_State %*L%);") do
      seen = seen + 1
      assert.is_truthy(page:find("\n## `" .. name .. "`\n", 1, true), name)
    end
    assert.equal(3, seen)
  end)
end)
