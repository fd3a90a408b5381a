--- The public interface of the library, from the comments in its files and from the endpoint tables: the source of the
-- editor types and of the HTML pages.
local comments = require "tools.comments"
local methods_above = require "hoopai.list"

local concat, sort = table.concat, table.sort

local reference = {}

-- The pages, and on each the comments in the order of reading: { file, the name there, the name for users }.
-- stylua: ignore
local PAGES = {
  { name = "hoopai", file = "init", items = {
    { "init", "hoopai.new", "new" }, { "init", "hoopai.oauth", "oauth" }, { "init", "hoopai.webhook", "webhook" },
    { "slots", "slots" }, { "ical/init", "ical" }, { "init", "hoopai.array", "array" }, { "log", "log" },
    { "validate/json_text", "json_text.encode", "encode" }, { "validate/json_text", "json_text.decode", "decode" },
    { "init", "hoopai.preload", "preload" },
    { "async/loop", "loop.run", "run" }, { "async/loop", "loop.spawn", "spawn" },
    { "async/wait", "wait.sleep", "sleep" }, { "async/combine", "combine.map", "map" },
    { "async/combine", "combine.all", "all" }, { "async/combine", "combine.race", "race" },
    { "async/combine", "combine.timeout", "timeout" },
    { "async/scope", "scopes.on_task_error", "on_task_error" }, { "async/loop", "loop.use", "use" },
    { "init", "null" }, { "init", "time" }, { "init", "store" }, { "init", "rate_limit" }, { "init", "redis" },
    { "init", "hoopai.loop", "loop" },
    { "init", "VERSION" },
    { "client", "Client:with" }, { "client", "Client:request" }, { "client", "Client:close" },
    { "async/task", "Task:join" }, { "async/task", "Task:cancel" },
    { "call/response", "Response" }, { "call/response", "RateLimit" }, { "errors", "Error" }, { "errors", "kinds" },
    { "errors", "Detail" }, { "ical/init", "IcalOptions" }, { "validate/json_text", "EncodeOptions" },
    { "booking", "booking:book", "Appointments:book" },
    { "booking", "booking:find_booking", "Appointments:find_booking" }, { "booking", "Booking" },
    { "booking/services", "services:book", "ServiceBookings:book" },
    { "booking/services", "services:find_booking", "ServiceBookings:find_booking" },
    { "booking/services", "ServiceBookingRecord" },
    { "list/contact_appointments", "Contacts:appointments" }, { "list/contact_appointments", "ContactAppointment" },
    { "list/contact_appointments", "ContactAppointmentOptions" },
    { "list/spans", "Events:each" }, { "list/spans", "Events:all" }, { "list/spans", "BlockSlots:each" },
    { "list/spans", "BlockSlots:all" }, { "list/ensure", "ensure.ensure", "BlockSlots:ensure" },
    { "list/owners", "Calendars:team" }, { "list/owners", "LocationMember" },
    { "list/pages", "PageOptions" },
    { "list/free_slots", "Calendars:each_slot" }, { "list/free_slots", "Calendars:next_slot" },
    { "list/free_slots", "Calendars:wait_for_slot" }, { "list/free_slots", "Slot" },
    { "options", "CallOptions" }, { "options", "Hooks" }, { "call/hooks", "RequestEvent" },
    { "call/hooks", "ResponseEvent" }, { "call/hooks", "RetryEvent" }, { "call/hooks", "WaitEvent" },
    { "call/hooks", "RateLimitEvent" },
    { "call/hooks", "DoneEvent" }, { "call/hooks", "DryRunEvent" }, { "call/dry_run", "DryRunResult" },
    { "oauth/token_manager", "RefreshEvent" },
  } },
  { name = "hoopai.oauth", file = "oauth/app", items = {
    { "oauth/app", "methods:authorize_url", "App:authorize_url" }, { "oauth/app", "methods:exchange", "App:exchange" },
    { "oauth/app", "methods:client", "App:client" },
    { "oauth/app", "methods:installed_locations", "App:installed_locations" },
    { "oauth/app", "methods:grants", "App:grants" }, { "oauth/app", "methods:forget", "App:forget" },
    { "oauth/app", "methods:apply", "App:apply" }, { "oauth/app", "methods:close", "App:close" },
    { "oauth/app", "SignIn" }, { "oauth/app", "Grant" }, { "oauth/app", "StoredGrant" },
  } },
  { name = "hoopai.webhook", file = "webhook/init", items = {
    { "webhook/init", "methods:verify", "Webhook:verify" }, { "webhook/init", "methods:release", "Webhook:release" },
    { "webhook/event", "Event" },
  } },
  { name = "hoopai.store", file = "store/init", items = {
    { "store/init", "store.file", "file" }, { "store/init", "store.memory", "memory" },
    { "store/init", "store.redis", "redis" },
    { "store/secrets", "secrets.keep", "keep_secret" }, { "store/secrets", "secrets.get", "secret" },
    { "store/secrets", "secrets.forget", "forget_secret" },
    { "store/custom", "OwnStore" },
  } },
  { name = "hoopai.redis", file = "redis/init", items = {
    { "redis/init", "redis.lua_redis", "lua_redis" }, { "redis/init", "redis.luv", "luv" },
    { "redis/init", "redis.cqueues", "cqueues" }, { "redis/init", "redis.claims", "claims" },
  } },
  { name = "hoopai.rate_limit", file = "rate_limit/init", items = {
    { "rate_limit/init", "rate_limit.redis", "redis" },
  } },
  { name = "hoopai.loop", file = "loop/init", items = {
    { "async/loop", "loop.pollfd", "pollfd" }, { "async/loop", "loop.events", "events" },
    { "async/loop", "loop.timeout", "timeout" }, { "async/loop", "loop.busy", "busy" },
    { "async/loop", "loop.step", "step" },
    { "loop/init", "Adapter" },
  } },
  { name = "hoopai.time", file = "time/init", items = {
    { "time/instant", "instant.now", "now" }, { "time/instant", "instant.at", "at" },
    { "time/instant", "instant.day", "day" },
    { "time/instant", "instant.parse", "parse" },
    { "time/instant", "instant.from_ms", "from_ms" }, { "time/instant", "instant.from_seconds", "from_seconds" },
    { "time/init", "time.zone", "zone" }, { "time/values", "values.is_instant", "is_instant" },
    { "time/values", "values.is_duration", "is_duration" },
    { "time/request_values", "request_values.to_epoch_ms", "to_epoch_ms" },
    { "time/request_values", "request_values.to_body_datetime", "to_body_datetime" },
    { "time/request_values", "request_values.to_timezone", "to_timezone" },
    { "time/duration", "milliseconds" }, { "time/duration", "seconds" }, { "time/duration", "minutes" },
    { "time/duration", "hours" }, { "time/duration", "days" }, { "time/duration", "weeks" },
    { "time/duration", "months" }, { "time/duration", "years" },
    { "time/instant", "instant:iso" }, { "time/instant", "instant:format" }, { "time/instant", "instant:date" },
    { "time/instant", "instant:ms" },
    { "time/instant", "instant:zone" }, { "time/instant", "instant:has_zone" }, { "time/instant", "instant:in_zone" },
    { "time/instant", "instant:start_of_day" }, { "time/instant", "instant:start_of_week" },
    { "time/instant", "instant:start_of_month" }, { "time/instant", "instant:start_of_year" },
    { "time/duration", "duration:ms" }, { "time/duration", "duration:seconds" },
    { "time/duration", "duration:minutes" }, { "time/duration", "duration:hours" },
    { "time/duration", "duration:days" },
    { "time/instant", "date" },
  } },
  { name = "hoopai.sandbox", file = "sandbox/init", items = {
    { "sandbox/init", "sandbox.start", "start" }, { "sandbox/init", "sandbox.serve", "serve" },
    { "sandbox/init", "Handle:stop", "Sandbox:stop" }, { "sandbox/init", "Handle:control", "Sandbox:control" },
    { "sandbox/init", "Sandbox" },
  } },
  { name = "hoopai.sandbox.world", file = "sandbox/world", items = {} },
  { name = "hoopai.sandbox.domain.seed", file = "sandbox/domain/seed", items = {} },
  { name = "hoopai.sandbox.domain.many", file = "sandbox/domain/many", items = {} },
  { name = "hoopai.sandbox.webhooks", file = "sandbox/webhooks/init", items = {} },
  { name = "hoopai.sandbox.webhooks.faults", file = "sandbox/webhooks/faults", items = {} },
  { name = "hoopai.sandbox.server.admin", file = "sandbox/server/admin", items = {} },
}

-- Of the module hoopai.
local FIELDS = { null = true, time = true, store = true, rate_limit = true, redis = true, loop = true, VERSION = true }

local function kind_of(item)
  if item.file == "init" and FIELDS[item.name] then return "field" end
  if comments.tags(item.comment, "field", "tfield")[1] then return "table" end
  return "function"
end

--- The pages written by hand: { name, text, items, by name the same items }; an item is { name, kind, comment, owner },
-- with `owner` "Client" for Client:close.
function reference.pages()
  local files, pages = {}, {}
  local function read(file)
    files[file] = files[file] or comments.read("lua/hoopai/" .. file .. ".lua")
    return files[file]
  end
  for index, page in ipairs(PAGES) do
    local items = {}
    for place, names in ipairs(page.items) do
      local comment = read(names[1])[names[2]]
      if not comment then error(("lua/hoopai/%s.lua has no comment for %s"):format(names[1], names[2])) end
      local item = { name = names[3] or names[2], comment = comment, file = names[1] }
      item.kind = kind_of(item)
      item.owner = item.kind == "function" and item.name:match("^(.*):") or nil
      items[place], items[item.name] = item, item
    end
    local module = read(page.file)[1]
    assert(module.kind == "module" and module.name == page.name, page.file .. ".lua does not begin with its @module")
    pages[index] = { name = page.name, text = module.text, items = items }
    pages[page.name] = pages[index]
  end
  return pages
end

--------------------------------------------------------------------------------------------------- the endpoints

local function camel(text) return (text:gsub("^%l", string.upper):gsub("[_%-](%w)", string.upper)) end

--- "`block_slots:each`" for the name of a method in a comment.
local function link_text(owner, name)
  return ("`%s:%s`"):format(
    owner:gsub("%l%u", function(pair) return pair:sub(1, 1) .. "_" .. pair:sub(2) end):lower(),
    name
  )
end

--- The methods of a resource that are written by hand, such as `appointments:book`.
-- @tparam string resource_name
-- @treturn table a list of { name, params (those before the options), doc (the first sentence), item (its name on the
-- page) }
function reference.written_methods(resource_name)
  local methods = {}
  for _, item in ipairs(reference.pages().hoopai.items) do
    if item.owner == camel(resource_name) then
      local method = { name = item.name:match("[^:]+$"), params = {}, item = item.name }
      for _, tag in ipairs(comments.tags(item.comment, "param", "tparam")) do
        local is_part = tag.name:find(".", 1, true) or tag.name:find("options$")
        if not is_part then method.params[#method.params + 1] = tag.name .. (tag.opt and "?" or "") end
      end
      -- The end of a sentence is before a capital letter: not each dot is one.
      method.doc = (item.comment.text:gsub("%s+", " ") .. " A"):match("^(.-%.) %u"):gsub("@{(%w+):([%w_]+)}", link_text)
      methods[#methods + 1] = method
    end
  end
  return methods
end

--- Must the caller give this field?
function reference.is_needed(field)
  return field.required and field.default == nil and not (field.name == "locationId" and field.fill ~= false)
end

local function needs_query(endpoint)
  if endpoint.at_least_one then return true end
  for _, field in ipairs(endpoint.query) do
    if reference.is_needed(field) then return true end
  end
  return false
end

-- Nothing if the sentence on the field says it already.
local function limits(field, low, high, unit)
  low, high = field[low], field[high]
  local said = field.doc or ""
  if high and said:find("%f[%d]" .. high .. "%f[%D]") and (not low or said:find("%f[%d]" .. low .. "%f[%D]")) then
    return nil
  end
  unit = unit and " " .. unit or ""
  if low and high then return ("%s to %s%s"):format(low, high, unit) end
  if low then return ("at least %s%s"):format(low, unit) end
  return high and ("at most %s%s"):format(high, unit) or nil
end

--- What is said of a field or an endpoint that is deprecated.
function reference.deprecation(data)
  local since = data.deprecated_since and " in version " .. data.deprecated_since or ""
  return ("deprecated%s: use %s"):format(since, data.deprecated)
end

--- Notes on a field besides its type and sentence, a list of short texts.
-- @tparam table field
-- @tparam boolean sent whether it is part of a request
function reference.notes(field, sent)
  local notes = {}
  local function add(text) notes[#notes + 1] = text end
  local refused = sent and field.read_only
  if refused then add("cannot be sent") end
  if field.deprecated then add(reference.deprecation(field)) end
  if field.since then add("version " .. field.since .. " of the API only") end
  for _, value in ipairs(field.enum_since and field.enum or {}) do
    local since = field.enum_since[value]
    if since then add(("`%s` with version %s of the API only"):format(value, since)) end
  end
  if sent and field.in_query then add "sent in the query" end
  if sent and field.shown_as then add(("shown as `%s`"):format(field.shown_as)) end
  if sent and field.shown_as == false then add "shown in no response" end
  add(limits(field, "min", "max"))
  add(limits(field, "min_length", "max_length", "characters"))
  add(limits(field, "min_items", "max_items", "items"))
  if sent and not refused and field.default ~= nil then add("default " .. tostring(field.default)) end
  if sent and field.example ~= nil then add("such as " .. tostring(field.example)) end
  if field.undocumented then add("not in the vendor's document") end
  return notes
end

--- Whether `hoopai.null` clears this field of an update.
function reference.is_clearable(field)
  local is_fixed = field.required or field.read_only or field.clearable == false
  return not is_fixed
end

--- The rules of an object on which fields may or must go together, as sentences.
-- @tparam table kind an object type, or { at_least_one, range } of an endpoint
function reference.rules(kind)
  local rules = {}
  local function names(list)
    local quoted = {}
    for index, name in ipairs(list) do
      quoted[index] = "`" .. name .. "`"
    end
    return concat(quoted, ", ")
  end
  if kind.at_least_one and kind.at_most_one then
    rules[#rules + 1] = ("Takes exactly one of %s."):format(names(kind.at_least_one))
  elseif kind.at_least_one then
    rules[#rules + 1] = ("Takes at least one of %s."):format(names(kind.at_least_one))
  elseif kind.at_most_one then
    rules[#rules + 1] = ("Takes at most one of %s."):format(names(kind.at_most_one))
  end
  if kind.range then
    local days = kind.range.max_days and (", by %d days at most"):format(kind.range.max_days) or ""
    rules[#rules + 1] = ("`%s` comes after `%s`%s."):format(kind.range.to, kind.range.from, days)
  end
  for _, field in ipairs(kind.update and kind.fields or {}) do
    if reference.is_clearable(field) then
      rules[#rules + 1] = "`hoopai.null` clears a field."
      break
    end
  end
  return rules
end

--- The body that an alias fixes, as Lua text.
function reference.preset_text(preset)
  local parts = {}
  for name, value in pairs(preset) do
    parts[#parts + 1] = ("%s = %q"):format(name, value)
  end
  sort(parts)
  return "{ " .. concat(parts, ", ") .. " }"
end

-- Two declarations of one object are the same if everything that the reference shows of them is.
local function fingerprint(value)
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for key, part in pairs(value) do
    parts[#parts + 1] = tostring(key) .. "=" .. fingerprint(part)
  end
  sort(parts)
  return "{" .. concat(parts, ",") .. "}"
end

local Types = {}
Types.__index = Types

--- Gives an object its name: the declared one, else one from the place where it was met.
function Types:add(kind, place, resource, sent)
  local look = fingerprint { fields = kind.fields, values = kind.values, sent = self.sent_matters(kind) and sent }
  local name, suffix = kind.class or place, ""
  while self.by_name[name] and self.by_name[name].look ~= look do
    name, suffix = place .. suffix, suffix .. "_"
  end
  local entry = self.by_name[name]
  if not entry then
    local rules = reference.rules(kind)
    entry = { name = name, doc = kind.doc, rules = rules, resource = resource, look = look, clears = kind.update }
    self.by_name[name] = entry
    self[#self + 1] = entry -- before what it contains: declarations are read from the whole to the parts
  end
  local role = sent and "sent" or "received"
  if not entry[role] then
    entry[role] = true
    -- The notes on requests have precedence for an object of requests and responses.
    entry.fields = kind.fields and self:fields(kind.fields, name, resource, entry.sent)
    entry.values = kind.values and self:type(kind.values, name .. "Value", resource, entry.sent)
    if entry.sent and entry.received then self:mark_received(entry) end
  end
  return entry
end

--- Does an object hold instants, whose types differ between requests and responses?
function Types.sent_matters(kind)
  if kind.type == "datetime" or kind.type == "epoch_ms" then return true end
  for _, field in ipairs(kind.fields or {}) do
    if field.read_only or field.default ~= nil and field.required or Types.sent_matters(field) then return true end
  end
  return kind.items ~= nil and Types.sent_matters(kind.items) or kind.values ~= nil and Types.sent_matters(kind.values)
end

--- Marks an object and all objects inside it as part of responses.
function Types:mark_received(entry)
  entry.received = true
  for _, typed in ipairs(entry.fields or { entry.values }) do
    while typed.items do
      typed = typed.items
    end
    if typed.object and not typed.object.received then self:mark_received(typed.object) end
  end
end

--- A type with its objects named: { kind, object = entry | items = type }.
function Types:type(kind, place, resource, sent)
  local result = { kind = kind }
  if kind.type == "array" and kind.items then
    result.items = self:type(kind.items, place .. "Item", resource, sent)
  elseif kind.type == "object" and (kind.fields or kind.values) then
    result.object = self:add(kind, place, resource, sent)
  end
  return result
end

function Types:fields(fields, place, resource, sent)
  local list = {}
  for index, field in ipairs(fields) do
    local typed = self:type(field, place .. camel(field.name), resource, sent)
    typed.name, typed.doc, typed.field = field.name, field.doc, field
    typed.needed = sent and reference.is_needed(field) or not sent and field.required or false
    typed.notes = reference.notes(field, sent)
    list[index] = typed
  end
  return list
end

local function method_of(types, resource, data)
  local place = camel(resource.name) .. camel(data.name)
  local method = { name = data.name, doc = data.doc, data = data, params = {} }
  for index, param in ipairs(data.params or {}) do
    method.params[index] = {
      name = param.name,
      doc = param.doc,
      kind = param,
      field = param,
      needed = true,
      notes = reference.notes(param, true),
    }
  end
  if data.query then
    local kind = {
      type = "object",
      class = place .. "Query",
      fields = data.query,
      range = data.range,
      at_least_one = data.at_least_one,
      doc = ("What `%s:%s` asks for."):format(resource.name, data.name),
    }
    method.query = types:add(kind, place .. "Query", resource.name, true)
    method.payload = { name = "query", kind = kind, object = method.query, needed = needs_query(data) }
  elseif data.body and not data.empty_body then
    method.payload = types:type(data.body, place .. "Body", resource.name, true)
    method.payload.name, method.payload.needed, method.payload.doc = "body", true, data.body.doc
  end
  method.result = types:type(data.result.type, place .. "Result", resource.name, false)
  if data.result.extra then
    local kind = { type = "object", fields = data.result.extra, doc = "What stands beside the result." }
    method.extra = types:add(kind, place .. "Extra", resource.name, false)
  end
  return method
end

--- The methods that hoopai.list derives from the data: as other methods, with `derived`, and the whole `text` of their
-- comment. `base` is the method of the endpoint, `record` the type of what is read.
local function derived_methods(resource, data)
  local by_name, found = {}, {}
  for _, method in ipairs(resource.methods) do
    by_name[method.name] = method
  end
  for index, entry in ipairs(methods_above.derived(resource.name, data)) do
    local name, base = entry[1], by_name[entry[4].name]
    local file = name == "edit" and "edit" or "pages"
    local text = comments.read("lua/hoopai/list/" .. file .. ".lua")[file .. "." .. name].text
    found[index] = {
      name = name,
      doc = text:match("^[^\n]*"),
      text = text,
      data = base.data,
      base = base,
      params = base.params,
      result = base.result,
      extra = base.extra,
      record = name == "edit" and by_name.get.result or base.result.items,
      derived = name,
    }
  end
  return found
end

--- The endpoints and their objects.
-- @treturn table resources: a list of { name, doc, methods }; a method is { name, doc, data, params, payload, result,
-- extra, alias }; or one of `derived_methods`
-- @treturn table types: a list of { name, doc, rules, fields | values, resource, sent, received }
function reference.endpoints()
  local types = setmetatable({ by_name = {} }, Types)
  local resources, by_key = {}, {}
  for index, name in ipairs(require "hoopai.api") do
    local data = require("hoopai.api." .. name)
    local resource = { name = name, doc = data.doc, methods = {}, class = camel(name) }
    for _, entry in ipairs(data) do
      local method = entry.alias and { name = entry.name, doc = entry.doc, data = entry, alias = entry.alias }
        or method_of(types, resource, entry)
      -- A wrapped endpoint has a method that is written by hand.
      if not entry.wrapped then resource.methods[#resource.methods + 1] = method end
      by_key[name .. "." .. entry.name] = method
    end
    for _, method in ipairs(derived_methods(resource, data)) do
      resource.methods[#resource.methods + 1] = method
    end
    resources[index] = resource
  end
  for _, resource in ipairs(resources) do
    for _, method in ipairs(resource.methods) do
      local target = method.alias and by_key[method.alias]
      if target then
        method.params, method.result, method.extra = target.params, target.result, target.extra
        method.payload = not method.data.preset and target.payload or nil
        method.target = target
      end
    end
  end
  return resources, types
end

return reference
