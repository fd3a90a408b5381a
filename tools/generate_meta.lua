--- Writes lua/hoopai/meta.lua, the types of this library for LuaLS, from the comments of the public
-- functions and from the endpoint tables. As a script:
--   lua5.4 tools/generate_meta.lua write
local is_script = arg and arg[1] == "write" and arg[0]:find("generate_meta.lua", 1, true)
if is_script then package.path = "./?.lua;./lua/?.lua;./lua/?/init.lua;" .. package.path end

local comments = require "tools.comments"
local reference = require "tools.reference"
local meta_types = require "tools.meta_types"
local sandbox_types = require "tools.sandbox_types"
local above_types = require "tools.above_types"
local store_types = require "tools.store_types"

local REFINED, GENERIC, WAITS, DROPPED = meta_types.refined, meta_types.generic, meta_types.waits, meta_types.dropped
local OPERATORS, NAMES, PLAIN = meta_types.operators, meta_types.names, meta_types.plain

local concat = table.concat
local WIDTH = 160

local PATH = "lua/hoopai/meta.lua"

local HEAD = [[
---@meta hoopai

-- Types of hoopai for editors that know LuaLS annotations. Nothing requires this file when a program runs.
-- Written by `make meta` from the comments of the library and from lua/hoopai/api: change those, not this.
-- luacheck: ignore
]]

local lines

local function put(...) lines[#lines + 1] = string.format(...) end

local used -- the keys of REFINED that were found

local function refined(key)
  if REFINED[key] then used[key] = true end
  return REFINED[key]
end

-------------------------------------------------------------------------------------------------------- comments

--- A comment's text without LDoc's references.
local function plain(text)
  return (text:gsub("@(%b{})", function(name) return "`" .. name:sub(2, -2) .. "`" end))
end

local function put_text(text)
  for line in (plain(text) .. "\n"):gmatch("(.-)\n") do
    put("---%s", line)
  end
end

local function put_wrapped(text)
  local line = "---"
  for word in text:gmatch("%S+") do
    if #line + 1 + #word > 120 then
      put("%s", line)
      line = "---"
    end
    line = line .. (line == "---" and "" or " ") .. word
  end
  put("%s", line)
end

--- A line with the sentence after it, or above it if that would be too long.
local function put_with(line, text)
  text = plain(text or ""):gsub("%s+", " ")
  if text == "" then
    put("%s", line)
  elseif #line + 1 + #text <= WIDTH then
    put("%s %s", line, text)
  elseif line:find("@param", 1, true) then
    put("%s %s", line, text) -- above the line the text would not belong to the parameter
  else
    put_wrapped(text)
    put("%s", line)
  end
end

local function type_of(name)
  local parts = {}
  for part in name:gmatch("[^|]+") do
    parts[#parts + 1] = NAMES[part] or PLAIN[part] and part or "hoopai." .. part
  end
  return concat(parts, "|")
end

local function optional(name)
  if name:find("^any") or name:find("^async fun") then return name end
  return (name:find("|", 1, true) and "(" .. name .. ")" or name) .. "?"
end

--- The results as `type name text` lines; those of several groups become one list, each place with all its types.
local function results_of(item, key)
  local own = refined(key)
  if own then return own end
  local places = {}
  for _, tag in ipairs(comments.tags(item.comment, "return", "treturn")) do
    local group = tag.group or 1
    places[group] = places[group] or {}
    table.insert(places[group], tag)
  end
  local results = {}
  for index, tag in ipairs(places[1] or {}) do
    local name = tag.type and type_of(tag.type) or "any"
    local other = places[2] and places[2][index]
    results[index] = (other and other.type == "nil" or tag.opt) and optional(name) or name
    if tag.text ~= "" then results[index] = results[index] .. " # " .. plain(tag.text) end
  end
  for index = #results + 1, #(places[2] or {}) do
    local tag = places[2][index]
    results[index] = optional(type_of(tag.type)) .. (tag.text ~= "" and " # " .. plain(tag.text) or "")
  end
  return results
end

local function put_function(item, owner)
  local is_shared = owner == "loop." or owner == "rate_limit." -- names that another module has as well
  local key = is_shared and owner .. item.name or item.name
  put_text(item.comment.text)
  for _, tag in ipairs(comments.tags(item.comment, "raise")) do
    put_wrapped("Raises " .. plain(tag.text) .. ".")
  end
  if GENERIC[key] then put("---@generic %s", GENERIC[key]) end
  if WAITS[key] then put("---@async") end
  local results = results_of(item, key)
  if #results > 0 and not DROPPED[key] then put("---@nodiscard") end
  local names = {}
  for _, tag in ipairs(comments.tags(item.comment, "param", "tparam")) do
    if tag.name == "..." or not tag.name:find(".", 1, true) then
      names[#names + 1] = tag.name
      local mark = tag.opt and "?" or ""
      local kind = refined(key .. "." .. tag.name) or tag.type and type_of(tag.type) or "any"
      put_with(("---@param %s%s %s"):format(tag.name, mark, kind), tag.text)
    end
  end
  for _, result in ipairs(results) do
    put("---@return %s", result)
  end
  put("function %s%s(%s) end", owner, item.name:match("[^:]+$"), concat(names, ", "))
  put("")
end

--- A class from the fields of a comment: its @tfield, or the @tparam below one parameter.
local function put_class(name, comment, parameter, exact)
  for _, tag in ipairs(comments.tags(comment, "tfield", "tparam")) do
    local field = tag.name
    if parameter then field = field:match("^" .. parameter .. "%.(.*)$") end
    if field then
      local kind = refined(name:match("[^.]+$") .. "." .. field) or type_of(tag.type)
      local text = tag.text
      if tag.default then text = text .. (text ~= "" and "; " or "") .. "default " .. tag.default end
      put_with(("---@field %s%s %s"):format(field, tag.opt and "?" or "", kind), text)
    end
  end
  if not exact then put("") end
end

local function put_table(name, item)
  put_text(item.comment.text)
  put("---@class hoopai.%s", name)
  for _, operator in ipairs(OPERATORS[name] or {}) do
    put("---@operator %s", operator)
  end
  put_class(name, item.comment)
end

local function put_options(name, doc, comment, parameter)
  put("---%s", doc)
  put("---@class (exact) hoopai.%s", name)
  put_class(name, comment, parameter)
end

--------------------------------------------------------------------------------------------------------- endpoints

local function literals(list)
  local parts = {}
  for index, value in ipairs(list) do
    if math.type(value) == "float" then return nil end -- there are no such literals in annotations
    parts[index] = type(value) == "string" and ("%q"):format(value) or tostring(value)
  end
  return concat(parts, "|")
end

local SIMPLE = {
  string = "string",
  integer = "integer",
  number = "number",
  boolean = "boolean",
  any = "any",
  date = "string",
  timezone = "string",
  object = "table<string, any>",
  array = "any[]",
}

local function type_name(typed, sent)
  local kind = typed.kind
  local name
  if typed.items then
    name = type_name(typed.items, sent)
    name = (name:find("|", 1, true) and "(" .. name .. ")" or name) .. "[]"
  elseif typed.object then
    name = "hoopai." .. typed.object.name
  elseif kind.enum then
    name = literals(kind.enum) or SIMPLE[kind.type]
  elseif kind.type == "epoch_ms" then
    name = sent and "hoopai.QueryTime" or "integer"
  elseif kind.type == "datetime" then
    name = sent and "hoopai.BodyTime" or "string"
  else
    name = assert(SIMPLE[kind.type], kind.type)
  end
  if kind.nullable then name = name .. "|hoopai.Null" end
  return name
end

local function sentence(typed)
  local notes = {}
  for index, note in ipairs(typed.notes or {}) do
    notes[index] = note
  end
  local enum = typed.kind.enum
  if enum and not literals(enum) then table.insert(notes, 1, "one of " .. concat(enum, ", ")) end
  local text = (typed.doc or ""):gsub("%.$", "")
  if #notes == 0 then return typed.doc end
  return text .. " (" .. concat(notes, "; ") .. ")."
end

local function is_old_result(typed, entry) return typed.field.deprecated and entry.received and not entry.sent end

local function put_object(entry)
  if entry.doc then put("---%s", entry.doc) end
  for _, rule in ipairs(entry.rules) do
    put("---%s", rule)
  end
  if entry.values then
    put("---@alias hoopai.%s table<string, %s>", entry.name, type_name(entry.values, entry.sent))
    put("")
    return
  end
  put("---@class %shoopai.%s", entry.sent and "(exact) " or "", entry.name)
  local deprecated = {}
  for _, typed in ipairs(entry.fields) do
    if is_old_result(typed, entry) then
      deprecated[#deprecated + 1] = typed
    else
      -- A read-only field of a request accepts nil alone.
      local refused = entry.sent and typed.field.read_only
      local kind = refused and "nil" or type_name(typed, entry.sent)
      if entry.clears and not typed.kind.nullable and reference.is_clearable(typed.field) then
        kind = kind .. "|hoopai.Null"
      end
      local mark = (refused or not typed.needed) and "?" or ""
      put_with(("---@field %s%s %s"):format(typed.name, mark, kind), sentence(typed))
    end
  end
  if #deprecated > 0 then put("local %s = {}", entry.name) end
  put("")
  -- Only a field that is assigned can carry the mark.
  for _, typed in ipairs(deprecated) do
    put("---%s", typed.doc)
    put("---@%s", (reference.deprecation(typed.field):gsub(":", "", 1)))
    put("---@type %s", optional(type_name(typed, false)))
    put("%s.%s = nil", entry.name, typed.name)
    put("")
  end
end

local function response_of(resource, method)
  if not method.extra then return "hoopai.Response" end
  return "hoopai." .. resource.class .. method.name:gsub("^%l", string.upper) .. "Response"
end

local function put_method(resource, method)
  put("---%s", method.doc)
  put("---")
  local data = method.target and method.target.data or method.data
  put("---`%s %s`%s", data.method, data.path, data.version and ", version " .. data.version or "")
  if data.deprecated then put("---@deprecated %s", (reference.deprecation(data):gsub("^deprecated", "since"))) end
  put("---@async")
  put("---@nodiscard")
  local names = {}
  for _, param in ipairs(method.params) do
    names[#names + 1] = param.name
    put_with(("---@param %s %s"):format(param.name, type_name(param, true)), param.doc)
  end
  local payload = method.payload
  if payload then
    names[#names + 1] = payload.name
    put_with(
      ("---@param %s%s %s"):format(payload.name, payload.needed and "" or "?", type_name(payload, true)),
      payload.doc
    )
  end
  names[#names + 1] = "options"
  put("---@param options? hoopai.CallOptions")
  put("---@return %s result nil when the call failed", optional(type_name(method.result, false)))
  local response = response_of(resource, method)
  put("---@return %s|hoopai.Error response the error when the call failed", response)
  put("function %s:%s(%s) end", resource.class, method.name, concat(names, ", "))
  put("")
  return response
end

--- A method of hoopai.list that follows from the data.
local function put_derived(resource, method)
  local name, names = method.derived, {}
  local data = method.data
  put_text(method.text)
  put("---")
  put("---`%s %s`", data.method, data.path)
  if name ~= "each" then put("---@async") end
  if name ~= "edit" then put("---@nodiscard") end
  for _, param in ipairs(method.params) do
    names[#names + 1] = param.name
    put_with(("---@param %s %s"):format(param.name, type_name(param, true)), param.doc)
  end
  local record, response = type_name(method.record, false), "hoopai.Response"
  local payload = method.base.payload
  if name == "edit" then
    names[#names + 1] = "change"
    local changed = record .. "|" .. type_name(payload, true)
    put("---@param change async fun(record: %s): any, any changes the record in place", changed)
    put("---@param options? hoopai.CallOptions")
    local result = type_name(method.result, false)
    if result ~= record then record = record .. "|" .. result end
    put("---@return %s result nil when the call failed", optional(record))
  else
    names[#names + 1] = "query"
    put("---@param query%s %s %s", payload.needed and "" or "?", type_name(payload, true), payload.doc or "")
    put("---@param options? hoopai.PageOptions")
    if name == "each" then
      put("---@return async fun(): %s next the iterator", optional(record))
    else
      put("---@return %s result nil when the call failed", optional(type_name(method.result, false)))
      response = response_of(resource, method.base)
    end
  end
  if name ~= "each" then put("---@return %s|hoopai.Error response the error when the call failed", response) end
  names[#names + 1] = "options"
  put("function %s:%s(%s) end", resource.class, name, concat(names, ", "))
  put("")
end

local function put_resource(resource)
  put("---%s", resource.doc)
  put("---@class hoopai.client.%s", resource.class)
  put("local %s = {}", resource.class)
  put("")
  for _, method in ipairs(resource.methods) do
    local response = not method.derived and put_method(resource, method)
    if method.derived then
      put_derived(resource, method)
    elseif method.extra and not method.alias then
      put("---@class %s: hoopai.Response", response)
      put("---@field extra hoopai.%s", method.extra.name)
      put("")
    end
  end
end

------------------------------------------------------------------------------------------------------------ whole

local function put_items(page, owner, target)
  for _, item in ipairs(page.items) do
    if item.kind == "function" and item.owner == owner then put_function(item, target) end
  end
end

local function put_errors(page)
  put_text(page.items.kinds.comment.text)
  put("---@alias hoopai.ErrorKind")
  for _, tag in ipairs(comments.tags(page.items.kinds.comment, "field")) do
    put("---| %q # %s", tag.name, plain(tag.text))
  end
  put("")
  put("---All problems of a call, or the texts of a refusal.")
  put("---@class hoopai.Details")
  put("---@field [integer] hoopai.Detail|string")
  put("---@field more? integer how many problems were left out")
  put("")
  put("---The errors of `hoopai.map`, `all` or `race` by index; prints as a list.")
  put("---@class hoopai.Errors")
  put("---@field [integer] hoopai.Error|any")
  for _, operator in ipairs(OPERATORS.Errors) do
    put("---@operator %s", operator)
  end
  put("")
  for _, name in ipairs { "Error", "Detail", "Response", "RateLimit" } do
    put_table(name, page.items[name])
  end
end

local function put_options_part(page)
  put_options("ClientOptions", "What `hoopai.new` takes.", page.items.new.comment, "options")
  put_options("CallOptions", page.items.CallOptions.comment.text, page.items.CallOptions.comment)
  put_text(page.items.PageOptions.comment.text)
  put("---@class (exact) hoopai.PageOptions: hoopai.CallOptions")
  put_class("PageOptions", page.items.PageOptions.comment)
  put_options("MapOptions", "What `hoopai.map` takes.", page.items.map.comment, "options")
  put_options("Request", "What `client:request` takes.", page.items["Client:request"].comment, "given")
  put_options("IcalOptions", page.items.IcalOptions.comment.text, page.items.IcalOptions.comment)
  put_options("EncodeOptions", page.items.EncodeOptions.comment.text, page.items.EncodeOptions.comment)
  put_options("LogOptions", "What `hoopai.log` takes.", page.items.log.comment, "options")
  local events = "RequestEvent ResponseEvent RetryEvent WaitEvent RateLimitEvent DoneEvent DryRunEvent DryRunResult "
  for name in ("Hooks " .. events .. "RefreshEvent"):gmatch "%S+" do
    put_table(name, page.items[name])
  end
end

local function put_loops(page)
  put_table("Adapter", page.items.Adapter)
  put_text(page.text)
  put("---@class hoopai.loop")
  for _, name in ipairs { "blocking", "luv", "cqueues", "copas", "custom" } do
    put("---@field %s hoopai.Adapter", name)
  end
  put("local loop = {}")
  put("")
  put_items(page, nil, "loop.")
end

local function put_app(page, main)
  put_options("AppOptions", "What `hoopai.oauth` takes.", main.items.oauth.comment, "options")
  local function put_given(name, method)
    put_options(name, ("What `app:%s` takes."):format(method), page.items["App:" .. method].comment, "given")
  end
  put_given("SignInOptions", "authorize_url")
  put_given("ExchangeOptions", "exchange")
  put_given("InstalledOptions", "installed_locations")
  for _, name in ipairs { "SignIn", "Grant" } do
    put_table(name, page.items[name])
  end
  put("---An OAuth app, made by `hoopai.oauth`.")
  put("---@class hoopai.App")
  put("local App = {}")
  put("")
  put_items(page, "App", "App:")
end

local function put_time(page)
  put("---An instant for a query: milliseconds since 1970, ISO 8601 with an offset, or a `hoopai.time` value.")
  put("---@alias hoopai.QueryTime integer|string|hoopai.time.Instant")
  put("")
  put("---An instant for a body: ISO 8601 with an offset, sent as it is, or a `hoopai.time` value that carries a zone.")
  put("---@alias hoopai.BodyTime string|hoopai.time.Instant")
  put("")
  for _, class in ipairs { "Instant", "Duration" } do
    local owner = class:lower()
    put("---@class hoopai.time.%s", class)
    for _, operator in ipairs(OPERATORS[class]) do
      put("---@operator %s", operator)
    end
    put("local %s = {}", owner)
    put("")
    put_items(page, owner, owner .. ":")
  end
  put_options("time.Fields", "What `hoopai.time.at` takes.", page.items.at.comment, "fields")
  put_text(page.items.date.comment.text)
  put("---@class hoopai.time.Date")
  put_class("time.Date", page.items.date.comment)
  put("---Instants, durations and time zones.")
  put("---@class hoopai.time")
  put("local time = {}")
  put("")
  put_items(page, nil, "time.")
end

local function put_client(page, resources)
  put("---A client of one location. `client.calendars` and the like have the methods.")
  put("---@class hoopai.Client")
  for _, resource in ipairs(resources) do
    put_with(("---@field %s hoopai.client.%s"):format(resource.name, resource.class), resource.doc)
  end
  put("local Client = {}")
  put("")
  put_items(page, "Client", "Client:")
  put("---A task that `hoopai.spawn` started.")
  put("---@class hoopai.Task")
  put("local Task = {}")
  put("")
  put_items(page, "Task", "Task:")
end

local function put_module(page)
  put_text(page.text)
  put("---@class hoopai")
  put("local hoopai = {}")
  put("")
  local is_text = { VERSION = true, null = true }
  for _, name in ipairs { "VERSION", "time", "store", "rate_limit", "redis", "loop", "null" } do
    local is_module = not is_text[name]
    put_text(page.items[name].comment.text)
    if not is_module then put("---@type %s", name == "null" and "hoopai.Null" or "string") end
    put("hoopai.%s = %s", name, is_module and name or "nil")
    put("")
  end
  put_items(page, nil, "hoopai.")
end

local meta = { path = PATH }

--- The text of the file.
-- @treturn string
function meta.generate()
  lines, used = {}, {}
  local pages = reference.pages()
  local resources, types = reference.endpoints()
  local page = pages.hoopai
  lines[1] = HEAD
  put("---@alias hoopai.Null lightuserdata")
  put("---@alias hoopai.RequestValue string|integer|boolean|hoopai.time.Instant")
  put("")
  put_errors(page)
  put_options_part(page)
  put_time(pages["hoopai.time"])
  for _, entry in ipairs(types) do
    put_object(entry)
  end
  above_types.put(page, { put = put, put_options = put_options, put_class = put_class, put_table = put_table })
  for _, resource in ipairs(resources) do
    put_resource(resource)
    put_items(page, resource.class, resource.class .. ":")
  end
  put_client(page, resources)
  local writers = {
    put = put,
    put_text = put_text,
    put_table = put_table,
    put_options = put_options,
    put_class = put_class,
    put_items = put_items,
    put_with = put_with,
  }
  store_types.put(pages, writers)
  put_loops(pages["hoopai.loop"])
  put_app(pages["hoopai.oauth"], page)
  sandbox_types.put(pages["hoopai.sandbox"], writers)
  put_module(page)
  put("return hoopai")
  for key in pairs(REFINED) do
    assert(used[key], "a refined type is of nothing in the comments: " .. key)
  end
  return concat(lines, "\n") .. "\n"
end

if is_script then
  local text = meta.generate()
  local file <close> = assert(io.open(PATH, "wb"))
  assert(file:write(text))
end

return meta
