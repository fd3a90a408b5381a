--- The pages of the resources: each method with its fields, scope, errors and an example.
local links = require "tools.site.links"
local reference = require "tools.reference"
local text = require "tools.site.text"
local written = require "tools.site.written"

local concat, sort = table.concat, table.sort

local resources = {}

local TYPES = {
  epoch_ms = "instant",
  datetime = "instant",
  date = "local date",
  timezone = "time zone",
  object = "table",
  array = "list",
  any = "anything",
}

-- The endpoints that the methods written by hand call: their scopes are the method's.
local CALLS = {
  ["calendars:team"] = { "calendars:list" },
  ["calendars:each_slot"] = { "calendars:free_slots", "calendars:list" },
  ["calendars:next_slot"] = { "calendars:free_slots", "calendars:list" },
  ["calendars:wait_for_slot"] = { "calendars:free_slots", "calendars:list" },
  ["events:each"] = { "events:list", "calendars:list" },
  ["events:all"] = { "events:list", "calendars:list" },
  ["appointments:book"] = { "events:list", "calendars:free_slots", "appointments:create", "appointments:get" },
  ["appointments:find_booking"] = { "events:list", "appointments:get" },
  ["service_bookings:book"] = { "service_bookings:list", "service_bookings:create", "service_bookings:get" },
  ["service_bookings:find_booking"] = { "service_bookings:list", "service_bookings:get" },
  ["contacts:appointments"] = { "contacts:appointments", "locations:get" },
  ["block_slots:each"] = { "block_slots:list", "calendars:list" },
  ["block_slots:all"] = { "block_slots:list", "calendars:list" },
  ["block_slots:ensure"] = { "block_slots:list", "block_slots:create" },
}

resources.CALLS = CALLS

local Writer = {}
Writer.__index = Writer

function Writer:inline(value) return text.inline(value, self.registry:resolver(self.here)) end

function Writer:put(format, ...) self.out[#self.out + 1] = select("#", ...) > 0 and format:format(...) or format end

function Writer:link(name) return self.registry:resolver(self.here)(name) end

--- The type of a field or result.
function Writer:type(typed, sent)
  if typed.items then return "list of " .. self:type(typed.items, sent) end
  if typed.object then
    local name = typed.object.name
    return ('<a href="%s">%s</a>'):format(self.registry.places[name], name)
  end
  local kind = typed.kind.type
  local name = TYPES[kind] or kind
  if not sent and (kind == "datetime" or kind == "epoch_ms") then
    name = kind == "datetime" and "string" or "integer"
  end
  return name .. (typed.kind.nullable and " or null" or "")
end

local function enum_text(enum)
  local parts = {}
  for index, value in ipairs(enum) do
    local shown = type(value) == "string" and '"' .. value .. '"' or tostring(value)
    parts[index] = "<code>" .. text.escape(shown) .. "</code>"
  end
  return concat(parts, ", ")
end

function Writer:meaning(typed)
  local words = { self:inline(typed.doc or "") }
  local kind = typed.items and typed.items.kind.enum and typed.items.kind or typed.kind
  if kind.enum then words[#words + 1] = "One of " .. enum_text(kind.enum) .. "." end
  for _, note in ipairs(typed.notes) do
    local shown = note:gsub("^(default )(.+)$", "%1`%2`"):gsub("^(such as )(.+)$", "%1`%2`"):gsub("^%l", string.upper)
    words[#words + 1] = self:inline(shown) .. "."
  end
  return concat(words, " ")
end

function Writer:fields(fields, sent)
  local rows = {}
  for index, typed in ipairs(fields) do
    local row = { "<code>" .. typed.name .. "</code>", self:type(typed, sent) }
    if sent then row[#row + 1] = typed.needed and "required" or typed.field.read_only and "refused" or "" end
    row[#row + 1] = self:meaning(typed)
    rows[index] = row
  end
  self:put("%s", text.fields("field", rows))
end

function Writer:rules(rules)
  for _, rule in ipairs(rules) do
    self:put("<p>%s</p>\n", self:inline(rule))
  end
end

--- The object of a list of lists, and whether it is in a list.
local function innermost(typed)
  local is_list = false
  while typed.items do
    typed, is_list = typed.items, true
  end
  return typed, is_list
end

------------------------------------------------------------------------------------------------- parts of a method

local function list_of(names)
  sort(names)
  return "<code>" .. concat(names, "</code>, <code>") .. "</code>"
end

--- The scopes of several endpoints, each once.
function Writer:scopes(endpoints)
  local names, seen = {}, {}
  for _, name in ipairs(endpoints) do
    local scope = self.scope_of[name]
    if not seen[scope] then names[#names + 1] = scope end
    seen[scope] = true
  end
  return list_of(names)
end

--- The kinds of errors that the request itself can lead to, beside those of every call.
local function kinds_of(method, data)
  local kinds = {}
  local function add(kind, why) kinds[#kinds + 1] = { kind, why } end
  if method.payload or #method.params > 0 or method.derived then
    add("invalid_request", "an argument is wrong; nothing was sent, and <code>err.details</code> lists every problem")
  end
  if #(data.params or {}) > 0 then add("not_found", "there is no such record") end
  local books = data.path:find "^/calendars/events/appointments" or data.path:find "^/calendars/services/bookings"
  local takes_slot = books and (data.method == "POST" or data.method == "PUT")
  if takes_slot and not method.data.preset then add("slot_taken", "the slot is not free any more") end
  if data.method ~= "GET" then add("refused", "the API refused the change; the message has its reason") end
  if method.derived == "edit" then
    add("conflict", "another program changed the record meanwhile")
  elseif data.retry == "idempotent" and method.data.reconcile ~= "none" then
    add("conflict", "the response was lost, and the record was changed otherwise since")
  end
  if method.derived == "each" or method.derived == "all" then
    add("protocol", "a page has nothing new: the list would never end")
  end
  return kinds
end

function Writer:errors(kinds)
  self:put('<h4>Errors</h4>\n<p>Beside those of <a href="errors.html#kinds">every call</a> (<code>auth</code>, ')
  self:put("<code>scope</code>, <code>rate_limit</code>, <code>server</code>, <code>network</code>, ")
  self:put("<code>timeout</code> and others):</p>\n<ul>")
  for _, kind in ipairs(kinds) do
    self:put("<li><code>%s</code>: %s</li>\n", kind[1], kind[2])
  end
  self:put("</ul>\n")
end

function Writer:example(name)
  local code = self.examples[name]
  if not code then return end
  self.used[name] = true
  self:put("<h4>Example</h4>\n%s", text.code_block(code, "lua"))
end

--- Where a call of unclear outcome can be looked up.
function Writer:unclear(resource, data)
  if data.retry == "safe" then return end
  if data.reconcile == "none" then
    self:put("<p>If the outcome of a call stays unclear (<code>err.applied</code>), no call can find it out.</p>\n")
    return
  end
  local other, name = (data.reconcile_with or resource.name .. "." .. data.reconcile):match("^(.-)%.(.*)$")
  self:put(
    "<p>If the outcome of a call stays unclear (<code>err.applied</code> is <code>maybe</code>), %s shows it.</p>\n",
    self:link(other .. ":" .. name)
  )
end

function Writer:parameters(method)
  local rows = {}
  for _, param in ipairs(method.params) do
    local enum = param.kind.enum and " One of " .. enum_text(param.kind.enum) .. "." or ""
    rows[#rows + 1] = { "<code>" .. param.name .. "</code>", "string", "required", self:inline(param.doc) .. enum }
  end
  if method.derived == "edit" then
    local record = self:type(method.record, false)
    rows[#rows + 1] = {
      "<code>change</code>",
      "function",
      "required",
      "gets a copy of the record (" .. record .. "), and changes it",
    }
  elseif method.derived then
    local query = self:link(method.resource .. ":" .. method.base.name)
    rows[#rows + 1] = {
      "<code>query</code>",
      "table",
      method.base.payload.needed and "required" or "optional",
      "that of " .. query,
    }
  elseif method.payload then
    local typed, is_list = innermost(method.payload)
    local entry = typed.object
    local where = not entry and "a table"
      or self.inlined[entry] and "the fields below"
      or self:type({ object = entry }, true)
    rows[#rows + 1] = {
      "<code>" .. method.payload.name .. "</code>",
      is_list and "list" or "table",
      method.payload.needed and "required" or "optional",
      (is_list and entry and "a list of tables: " or "") .. where,
    }
  end
  local options = (method.derived == "each" or method.derived == "all") and "PageOptions" or "CallOptions"
  rows[#rows + 1] = { "<code>options</code>", self:link("hoopai." .. options), "optional", "of this call" }
  self:put("<h4>Parameters</h4>\n%s", text.fields("name", rows))
end

function Writer:payload(method)
  local payload = not method.derived and method.payload
  if not payload then return end
  local entry = innermost(payload).object
  if not (entry and self.inlined[entry]) then return end
  local is_list = payload.items ~= nil
  self:put("<h4>%s</h4>\n", payload.name == "query" and "Query" or is_list and "Each item of the body" or "Body")
  self:rules(entry.rules)
  self:fields(entry.fields, true)
end

function Writer:results(method)
  local result, extra = self:type(method.result, false), {}
  for _, typed in ipairs(method.extra and method.extra.fields or {}) do
    extra[#extra + 1] = (" <code>extra.%s</code>: %s"):format(typed.name, self:inline(typed.doc))
  end
  self:put("<h4>Returns</h4>\n")
  if method.derived == "each" then
    local record = self:type(method.record, false)
    self:put(
      "<p>An iterator for a generic <code>for</code>: %s. A page that cannot be read raises the %s.</p>\n",
      record,
      self:link "hoopai.Error"
    )
    return
  end
  local note = method.derived == "all" and ", that of the last page"
    or method.derived == "edit" and ", with <code>unchanged</code> if nothing was sent"
    or ""
  if method.derived == "edit" then result = result .. "; if nothing changed, the record" end
  self:put("<ol><li>%s</li><li>the %s%s.%s</li></ol>\n", result, self:link "hoopai.Response", note, concat(extra))
  self:put("<p>or <code>nil</code> and an %s.</p>\n", self:link "hoopai.Error")
end

------------------------------------------------------------------------------------------------------------ methods

local function names_of(method)
  local names = {}
  for index, param in ipairs(method.params) do
    names[index] = param.name
  end
  if method.derived == "edit" then
    names[#names + 1] = "change"
  elseif method.derived then
    names[#names + 1] = method.base.payload.needed and "query" or "[query]"
  elseif method.payload then
    names[#names + 1] = method.payload.needed and method.payload.name or "[" .. method.payload.name .. "]"
  end
  names[#names + 1] = "[options]"
  return concat(names, ", ")
end

function Writer:begin(name, arguments)
  local shown = ("client.%s(%s)"):format(name, arguments)
  self:put("<section>\n%s", written.heading(2, name, text.signature(shown)))
end

function Writer:alias(method)
  local preset = method.data.preset
  self:put(
    "<p>Another name of %s%s.</p>\n",
    self:link((method.alias:gsub("%.", ":"))),
    preset and " with <code>" .. text.escape(reference.preset_text(preset)) .. "</code>" or ""
  )
end

function Writer:method(resource, method)
  local name = resource.name .. ":" .. method.name
  local data = method.target and method.target.data or method.data
  method.resource = resource.name
  self:begin(name, names_of(method))
  self:put("%s", text.block(method.text or method.doc, self.registry:resolver(self.here)))
  self:put('<p class="facts"><code>%s %s</code> needs the scope ', data.method, text.escape(data.path))
  self:put(
    "%s</p>\n",
    method.derived == "edit" and self:scopes { resource.name .. ":get", resource.name .. ":update" }
      or "<code>" .. data.scope .. "</code>"
  )
  if data.version then self:put("<p>The request asks for version <code>%s</code> of the API.</p>\n", data.version) end
  if data.deprecated then
    local note = reference.deprecation(data):gsub("^%l", string.upper)
    self:put("<p>%s.</p>\n", self:inline(note))
  end
  if method.alias then self:alias(method) end
  self:parameters(method)
  self:payload(method)
  self:results(method)
  self:errors(kinds_of(method, data))
  self:unclear(resource, method.data.reconcile and method.data or data)
  self:example(name)
  self:put("</section>\n")
end

--- A method that is written by hand.
function Writer:written(item)
  local owner, short = item.name:match("^(.*):(.*)$")
  local name = links.resource_name(owner) .. ":" .. short
  self:begin(name, written.parameters(item.comment))
  local calls = assert(CALLS[name], "tools/site/resources.lua has no CALLS of " .. name)
  local named = {}
  for index, call in ipairs(calls) do
    named[index] = self:link(call)
  end
  self:put('<p class="facts">Makes calls of %s, and needs the scopes %s</p>\n', concat(named, ", "), self:scopes(calls))
  self:put("%s", written.body(item.comment, self.registry, self.item_page))
  self:put('<p>The <a href="errors.html#kinds">errors of every call</a> can come from each of these calls.</p>\n')
  self:example(name)
  self:put("</section>\n")
end

function Writer:object(entry)
  self:put("<section>\n%s", written.heading(3, entry.name, "<code>" .. entry.name .. "</code>"))
  if entry.doc then self:put("<p>%s</p>\n", self:inline(entry.doc)) end
  self:rules(entry.rules)
  if entry.values then
    self:put("<p>A table: name to %s.</p>\n", self:type(entry.values, entry.sent))
  else
    self:fields(entry.fields, entry.sent)
  end
  self:put("</section>\n")
end

--- The page of a resource.
function Writer:page(resource, written_items, types)
  self.here, self.out = "client." .. resource.name, {}
  self:put("<h1>client.%s</h1>\n<p>%s</p>\n", resource.name, self:inline(resource.doc))
  self:put('<ul class="methods">\n')
  local function put_line(name, doc)
    self:put('<li><a href="#%s:%s"><code>%s</code></a> %s</li>\n', resource.name, name, name, self:inline(doc))
  end
  for _, item in ipairs(reference.written_methods(resource.name)) do
    put_line(item.name, item.doc)
  end
  for _, method in ipairs(resource.methods) do
    put_line(method.name, method.doc)
  end
  self:put("</ul>\n")
  for _, item in ipairs(written_items) do
    self:written(item)
  end
  for _, method in ipairs(resource.methods) do
    self:method(resource, method)
  end
  local is_first = true
  for _, entry in ipairs(types) do
    if entry.resource == resource.name and not self.inlined[entry] and not entry.is_extra then
      if is_first then self:put("%s", written.heading(2, "tables", "Tables")) end
      is_first = false
      self:object(entry)
    end
  end
  return { name = self.here, title = self.here, html = concat(self.out) }
end

------------------------------------------------------------------------------------------------------- all of them

--- Finds the objects that are the query or body of one method and nothing else: they are shown there, and references to
-- them lead there.
-- @tparam table site see `resources.pages`; gets `inlined`: object -> true
function resources.place_inlined(site)
  local uses, payloads = {}, {}
  local function note(typed)
    local entry = innermost(typed).object
    if entry then uses[entry] = (uses[entry] or 0) + 1 end
    return entry
  end
  for _, entry in ipairs(site.types) do
    for _, typed in ipairs(entry.fields or { entry.values }) do
      note(typed)
    end
  end
  for _, resource in ipairs(site.resources) do
    for _, method in ipairs(resource.methods) do
      if not (method.alias or method.derived) then
        note(method.result)
        local entry = method.payload and note(method.payload)
        if entry then payloads[entry] = resource.name .. ":" .. method.name end
        if method.extra then method.extra.is_extra = true end
      end
    end
  end
  site.inlined = {}
  for entry, method in pairs(payloads) do
    if uses[entry] == 1 then
      site.inlined[entry] = true
      site.registry.places[entry.name] = site.registry.places[method]
    end
  end
end

local OVERVIEW = [[
All methods of a client, and what holds for each of them.

The first arguments are identifiers, then comes the query or the body, and last, always optional, a table of
@{hoopai.CallOptions|options}. A call returns its result and a @{hoopai.Response}, or nil and a @{hoopai.Error}. Field
names are the API's own.

In the tables, an **instant** of a query is milliseconds since 1970, ISO 8601 text with an offset, or a value of
@{hoopai.time}; that of a body is ISO 8601 text with an offset, which is sent as it is, or a value of @{hoopai.time}
that carries a zone. In responses, instants are ISO 8601 text. Fields that are not marked as required may be left out;
defaults are the API's. `locationId` is filled in from the client's `location_id`.]]

local function overview(all, registry)
  local resolve = registry:resolver("client")
  local out = { "<h1>Methods of a client</h1>\n", text.block(OVERVIEW, resolve) }
  for _, resource in ipairs(all) do
    local page = "client." .. resource.name
    out[#out + 1] = written.heading(2, resource.name, ("client.%s"):format(resource.name))
    local rows = {}
    local function put(method, request)
      local name = resource.name .. ":" .. method.name
      local link = ('<a href="%s.html#%s"><code>%s</code></a>'):format(page, name, method.name)
      rows[#rows + 1] = { link, request, text.inline(method.doc, resolve) }
    end
    for _, method in ipairs(reference.written_methods(resource.name)) do
      put(method, "")
    end
    for _, method in ipairs(resource.methods) do
      local data = method.target and method.target.data or method.data
      put(method, ("<code>%s %s</code>"):format(data.method, text.escape(data.path)))
    end
    out[#out + 1] = text.fields("method", rows)
  end
  return { name = "client", title = "Methods of a client", html = concat(out) }
end

--- The pages of the endpoints.
-- @tparam table site `resources`, `types` and `written` of `tools.reference`, `registry`, `inlined`, and `examples`:
-- method -> code
-- @treturn table a list of pages, the overview first
function resources.pages(site)
  local writer = setmetatable({
    registry = site.registry,
    examples = site.examples,
    used = {},
    inlined = site.inlined,
    scope_of = {},
    item_page = "hoopai",
  }, Writer)
  local items = {}
  for _, item in ipairs(site.written.hoopai.items) do
    local name = site.registry:resource_of(item.owner)
    if name then
      items[name] = items[name] or {}
      table.insert(items[name], item)
    end
  end
  for _, resource in ipairs(site.resources) do
    for _, method in ipairs(resource.methods) do
      if not method.alias then writer.scope_of[resource.name .. ":" .. method.name] = method.data.scope end
    end
  end
  for name, calls in pairs(CALLS) do
    local resource, short = name:match "^(.-):(.*)$"
    for _, entry in ipairs(calls[1] == name and require("hoopai.api." .. resource) or {}) do
      if entry.name == short then writer.scope_of[name] = entry.scope end -- a wrapped endpoint
    end
  end
  local pages = { overview(site.resources, site.registry) }
  for _, resource in ipairs(site.resources) do
    pages[#pages + 1] = writer:page(resource, items[resource.name] or {}, site.types)
  end
  for name in pairs(site.examples) do
    assert(writer.used[name], "doc/examples.md has an example of " .. name .. ", which is no method")
  end
  return pages
end

return resources
