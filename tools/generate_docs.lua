--- Writes the input of LDoc for the reference: the comments of public functions, and a page per resource from the
-- endpoint tables. As a script, into a folder that exists:
--   lua5.4 tools/generate_docs.lua write FOLDER
local is_script = arg and arg[1] == "write" and arg[0]:find("generate_docs.lua", 1, true)
if is_script then package.path = "./?.lua;./lua/?.lua;./lua/?/init.lua;" .. package.path end

local reference = require "tools.reference"

local concat = table.concat

------------------------------------------------------------------------------------------------------------ text

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }

local function escape(text) return (text:gsub("[&<>]", ESCAPES)) end

--- Inline marks as HTML; references of LDoc stay.
local function inline(text)
  return (escape(text):gsub("`([^`]+)`", "<code>%1</code>"):gsub("%*%*([^*]+)%*%*", "<b>%1</b>"))
end

--- Paragraphs and indented code as HTML, a list of lines none of which is empty: LDoc would begin a paragraph there.
local function block(text)
  local lines, code = {}, false
  for line in (text .. "\n"):gmatch("(.-)\n") do
    local is_code = line:find("^    ") ~= nil or (code and line == "")
    if is_code and not code then lines[#lines + 1] = '<pre class="example">' end
    if code and not is_code then lines[#lines + 1] = "</pre>" end
    code = is_code
    if is_code then
      lines[#lines + 1] = escape(line:sub(5)):gsub("^$", " ")
    elseif line == "" then
      lines[#lines + 1] = "<p>"
    else
      lines[#lines + 1] = inline(line)
    end
  end
  if code then lines[#lines + 1] = "</pre>" end
  return lines
end

local lines
local types -- the objects of the endpoints
local home, here -- the page of each class and table of the comments; the page that is written

local function put(format, ...) lines[#lines + 1] = "-- " .. format:format(...) end

local function put_lines(list)
  for index, line in ipairs(list) do
    lines[#lines + 1] = (index == 1 and "--- " or "-- ") .. line
  end
end

--- Begins a comment; ends the one before.
local function begin(text)
  lines[#lines + 1] = ""
  put_lines(block(text))
end

-------------------------------------------------------------------------------------------------- from comments

local function modifier(tag)
  local parts = {}
  if tag.group then parts[#parts + 1] = tostring(tag.group) end
  if tag.opt and tag.tag ~= "treturn" then parts[#parts + 1] = tag.default and "opt=" .. tag.default or "opt" end
  return #parts > 0 and "[" .. concat(parts, ",") .. "]" or ""
end

local function put_tag(tag)
  local words = { "@" .. tag.tag .. modifier(tag) }
  if tag.type then
    local entry = types.by_name[tag.type]
    local page = entry and "client." .. entry.resource or home[tag.type]
    words[#words + 1] = (tag.opt and tag.tag == "treturn" and "?" or "")
      .. (page and page ~= here and page .. "." or "")
      .. tag.type
  end
  words[#words + 1] = tag.name
  if tag.text ~= "" then words[#words + 1] = inline(tag.text) end
  put("%s", concat(words, " "))
end

local SHOWN = {
  param = true,
  tparam = true,
  ["return"] = true,
  treturn = true,
  field = true,
  tfield = true,
  raise = true,
}

local function put_item(item)
  begin(item.comment.text)
  if item.kind == "field" then
    put("@class field") -- by its own tag it would be listed as a part of itself
    put("@name %s", item.name)
  else
    put("@%s %s", item.kind, item.name)
  end
  for _, tag in ipairs(item.comment.tags) do
    if SHOWN[tag.tag] then put_tag(tag) end
  end
end

local OWNERS = {
  Client = "What `hoopai.new` makes. Its `calendars`, `groups` and so on have the methods of the endpoints.",
  Task = "What `hoopai.spawn` starts.",
  Appointments = "`client.appointments`: beside the endpoints' methods, booking that is safe.",
  Calendars = "`client.calendars`, beside the endpoints' methods.",
  Events = "`client.events`: beside the endpoints' methods, events of any span.",
  BlockSlots = "`client.block_slots`: beside the endpoints' methods, blocked times of any span, and some made once.",
  App = "What `hoopai.oauth` makes.",
  instant = "Points in time. They can be compared with each other; `+` and `-` take durations, and the difference of "
    .. "two is a duration.",
  duration = "Distances in time. They can be compared, added, subtracted, negated, and multiplied by integers.",
  Sandbox = "What `start` returns.",
}

local function page_of(page)
  lines, here = {}, page.name
  put_lines(block(page.text))
  put("@module %s", page.name)
  for _, kind in ipairs { "function", "field" } do
    for _, item in ipairs(page.items) do
      if item.kind == kind and not item.owner then put_item(item) end
    end
  end
  local owner
  for _, item in ipairs(page.items) do
    if item.owner and item.owner ~= owner then
      owner = item.owner
      begin(assert(OWNERS[owner], owner))
      -- LDoc links to a class by its name, but gives it no such anchor.
      if not page.items[owner] then put('<a name="%s"></a>', owner) end
      put("@type %s", owner)
    end
    if item.owner then put_item(item) end
  end
  if owner then
    lines[#lines + 1] = ""
    lines[#lines + 1] = "--- @section end"
  end
  for _, item in ipairs(page.items) do
    if item.kind == "table" then put_item(item) end
  end
  return concat(lines, "\n") .. "\n"
end

------------------------------------------------------------------------------------------------ from the tables

local TYPES = {
  epoch_ms = "instant",
  datetime = "instant",
  date = "local date",
  timezone = "time zone",
  object = "table",
  array = "list",
  any = "anything",
}

-- Objects that are used once and are shown in that place.
local inlined

local function link(entry) return ("@{client.%s.%s|%s}"):format(entry.resource, entry.name, entry.name) end

-- LDoc's own references cannot name a method of another page.
local function method_link(resource, name, label)
  return ('<a href="client.%s.html#%s:%s">%s</a>'):format(resource, resource, name, label)
end

local function type_text(typed, sent)
  if typed.items then return "list of " .. type_text(typed.items, sent) end
  if typed.object then return link(typed.object) end
  local text = TYPES[typed.kind.type] or typed.kind.type
  if not sent and (typed.kind.type == "datetime" or typed.kind.type == "epoch_ms") then
    text = typed.kind.type == "datetime" and "string" or "integer"
  end
  if typed.kind.nullable then text = text .. " or null" end
  return text
end

local function enum_text(enum)
  local parts = {}
  for index, value in ipairs(enum) do
    parts[index] = "<code>" .. (type(value) == "string" and '"' .. value .. '"' or tostring(value)) .. "</code>"
  end
  return concat(parts, " ")
end

local function put_fields(fields, sent)
  put('<table class="module_list">')
  put("<tr><td><b>field</b></td><td><b>type</b></td>%s<td><b>meaning</b></td></tr>", sent and "<td></td>" or "")
  for _, typed in ipairs(fields) do
    local refused = sent and typed.field.read_only
    local when = sent and "<td>" .. (typed.needed and "required" or refused and "refused" or "") .. "</td>" or ""
    local words = { inline(typed.doc or "") }
    local kind = typed.items and typed.items.kind.enum and typed.items.kind or typed.kind
    if kind.enum then words[#words + 1] = "One of " .. enum_text(kind.enum) .. "." end
    for _, note in ipairs(typed.notes) do
      words[#words + 1] = inline(note:gsub("^%l", string.upper)) .. "."
    end
    put(
      '<tr><td class="name"><code>%s</code></td><td>%s</td>%s<td class="summary">%s</td></tr>',
      typed.name,
      type_text(typed, sent),
      when,
      concat(words, " ")
    )
  end
  put("</table>")
end

local function put_rules(rules)
  for _, rule in ipairs(rules) do
    put("<p>%s", inline(rule))
  end
end

local function put_payload(method)
  local payload = method.payload
  local typed = payload
  while typed.items do
    typed = typed.items
  end
  local entry = typed.object
  if entry and inlined[entry] then
    put(
      "<h3>%s</h3>",
      payload.name == "query" and "The query" or payload.items and "Each item of the body" or "The body"
    )
    put_rules(entry.rules)
    put_fields(entry.fields, true)
  end
end

-- Where a call of unclear outcome can be looked up.
local function reconcile_text(resource, data)
  if data.reconcile == "none" then return "cannot be found out" end
  local other, name = (data.reconcile_with or resource.name .. "." .. data.reconcile):match("^(.-)%.(.*)$")
  return ("shows in what %s returns"):format(method_link(other, name, other .. ":" .. name))
end

local function put_facts(resource, method)
  local data = method.target and method.target.data or method.data
  put("<p><code>%s %s</code>", data.method, data.path)
  put("<p>Needs the scope <code>%s</code>.", data.scope)
  if data.retry ~= "safe" then
    put(
      'What came of a call that failed with an unclear outcome (<code>err.applied</code> is not "no") %s.',
      reconcile_text(resource, method.data.reconcile and method.data or data)
    )
  end
end

local function put_params(method)
  for _, param in ipairs(method.params) do
    local enum = param.kind.enum and " One of " .. enum_text(param.kind.enum) .. "." or ""
    put("@tparam string %s %s%s", param.name, inline(param.doc), enum)
  end
  local payload = method.payload
  if payload then
    local typed, list = payload, false
    while typed.items do
      typed, list = typed.items, true
    end
    local entry = typed.object
    local shown = entry and inlined[entry] and "see above" or entry and (list and "list of " or "") .. link(entry) or ""
    put("@tparam%s table %s %s", payload.needed and "" or "[opt]", payload.name, shown)
  end
  put("@tparam[opt] hoopai.CallOptions options")
end

local function put_results(method)
  put("@treturn[1] table %s", type_text(method.result, false))
  local extra = {}
  for _, typed in ipairs(method.extra and method.extra.fields or {}) do
    extra[#extra + 1] = ("<code>extra.%s</code>: %s"):format(typed.name, inline(typed.doc))
  end
  put("@treturn[1] hoopai.Response %s", concat(extra, " "))
  put("@treturn[2] nil")
  put("@treturn[2] hoopai.Error")
end

local function put_method(resource, method)
  begin(method.doc)
  put_facts(resource, method)
  if method.alias then
    local resource_name, name = method.alias:match("^(.-)%.(.*)$")
    local preset = method.data.preset
    put(
      "<p>Another name of %s%s.",
      method_link(resource_name, name, resource_name .. ":" .. name),
      preset and (" with <code>%s</code>"):format(escape(reference.preset_text(preset))) or ""
    )
  elseif method.payload then
    put_payload(method)
  end
  put("@function %s:%s", resource.name, method.name)
  put_params(method)
  put_results(method)
end

--- A method of hoopai.list that follows from the data.
local function put_derived(resource, method)
  local is_edit = method.derived == "edit"
  begin(method.text)
  put("<p><code>%s %s</code>", method.data.method, method.data.path)
  put("@function %s:%s", resource.name, method.name)
  for _, param in ipairs(method.params) do
    put("@tparam string %s %s", param.name, inline(param.doc))
  end
  if is_edit then
    put("@tparam function change gets a copy of the record (%s), and changes it", type_text(method.record, false))
    put("@tparam[opt] hoopai.CallOptions options")
  else
    local name = method.base.name
    local query = method_link(resource.name, name, resource.name .. ":" .. name)
    put("@tparam%s table query that of %s", method.base.payload.needed and "" or "[opt]", query)
    put("@tparam[opt] hoopai.PageOptions options")
  end
  if method.derived == "each" then
    put("@treturn function an iterator: %s, and nil after the last one", type_text(method.record, false))
    put("@raise a page that cannot be read, and wrong arguments: the @{hoopai.Error|error}")
    return
  end
  local also = is_edit and ("; if nothing changed, the record (%s)"):format(type_text(method.record, false)) or ""
  put("@treturn[1] table %s%s", type_text(method.result, false), also)
  put(
    "@treturn[1] hoopai.Response %s",
    is_edit and "with <code>unchanged</code> if nothing was sent" or "of the last page"
  )
  put("@treturn[2] nil")
  put("@treturn[2] hoopai.Error")
  if is_edit then put("@raise what the function raises") end
end

local function put_type(entry)
  begin(entry.doc or entry.name)
  put_rules(entry.rules)
  if entry.values then
    put("<p>A table: name -> %s.", type_text(entry.values, entry.sent))
  else
    put_fields(entry.fields, entry.sent)
  end
  put("@table %s", entry.name)
end

--- A row for each method that is written by hand: its name, which leads to its comment, and its first sentence.
local function put_written(resource)
  for _, method in ipairs(reference.written_methods(resource.name)) do
    put(
      '<tr><td class="name">@{hoopai.%s|%s}</td><td></td><td class="summary">%s</td></tr>',
      method.item,
      method.name,
      inline(method.doc)
    )
  end
end

local function resource_page(resource)
  lines = {}
  put_lines { inline(resource.doc) }
  if #reference.written_methods(resource.name) > 0 then
    put("<p>Beside the methods below there are:")
    put('<table class="function_list">')
    put_written(resource)
    put("</table>")
  end
  put("@resource client.%s", resource.name)
  for _, method in ipairs(resource.methods) do
    (method.derived and put_derived or put_method)(resource, method)
  end
  for _, entry in ipairs(types) do
    if entry.resource == resource.name and not inlined[entry] and not entry.is_extra then put_type(entry) end
  end
  return concat(lines, "\n") .. "\n"
end

local OVERVIEW = [[
All endpoints, and what holds for each of them.

The first arguments are identifiers, then comes the query or the body, and last, always optional, a table of
@{hoopai.CallOptions|options}. A call returns its result and a @{hoopai.Response}, or nil and a @{hoopai.Error}. Field
names are the API's own.

In the tables, an **instant** of a query is milliseconds since 1970, ISO 8601 text with an offset, or a value of
@{hoopai.time}; that of a body is ISO 8601 text with an offset, which is sent as it is, or a value of @{hoopai.time}
that carries a zone. In answers, instants are ISO 8601 text. Fields that are not marked as required may be left out;
defaults are the API's. `locationId` is filled in from the client's `location_id`.
]]

local function overview(resources)
  lines = {}
  put_lines(block(OVERVIEW:gsub("%s+$", "")))
  for _, resource in ipairs(resources) do
    put('<h3><a href="client.%s.html">client.%s</a></h3>', resource.name, resource.name)
    put('<table class="function_list">')
    for _, method in ipairs(resource.methods) do
      local data = method.target and method.target.data or method.data
      put(
        '<tr><td class="name">%s</td><td><code>%s %s</code></td><td class="summary">%s</td></tr>',
        method_link(resource.name, method.name, method.name),
        data.method,
        data.path,
        inline(method.doc)
      )
    end
    put_written(resource)
    put("</table>")
  end
  put("@resource client")
  return concat(lines, "\n") .. "\n"
end

--- Finds the objects that are the query or body of one method and nothing else.
local function find_inlined(resources)
  local uses = {}
  local function note(typed)
    while typed.items do
      typed = typed.items
    end
    if typed.object then uses[typed.object] = (uses[typed.object] or 0) + 1 end
    return typed.object
  end
  for _, entry in ipairs(types) do
    for _, typed in ipairs(entry.fields or { entry.values }) do
      note(typed)
    end
  end
  local payloads = {}
  for _, resource in ipairs(resources) do
    for _, method in ipairs(resource.methods) do
      if not (method.alias or method.derived) then
        note(method.result)
        local entry = method.payload and note(method.payload)
        if entry then payloads[entry] = true end
        if method.extra then method.extra.is_extra = true end
      end
    end
  end
  inlined = {}
  for entry in pairs(payloads) do
    inlined[entry] = uses[entry] == 1 or nil
  end
end

local docs = {}

local function find_homes(pages)
  home = {}
  for _, page in ipairs(pages) do
    for _, item in ipairs(page.items) do
      local name = item.owner or item.kind == "table" and item.name
      if name then home[name] = page.name end
    end
  end
end

--- The pages as LDoc reads them.
-- @treturn table a list of { name, text }, in the order of reading
function docs.generate()
  local resources
  resources, types = reference.endpoints()
  find_inlined(resources)
  local pages = {}
  local function add(name, text) pages[#pages + 1] = { name = name, text = text } end
  local written = reference.pages()
  find_homes(written)
  for _, page in ipairs(written) do
    add(page.name, page_of(page))
  end
  add("client", overview(resources))
  for _, resource in ipairs(resources) do
    add("client." .. resource.name, resource_page(resource))
  end
  return pages
end

if is_script then
  for index, page in ipairs(docs.generate()) do
    -- LDoc reads the files of a folder by name.
    local file <close> = assert(io.open(("%s/%02d-%s.lua"):format(arg[2], index, page.name), "wb"))
    assert(file:write(page.text))
  end
end

return docs
