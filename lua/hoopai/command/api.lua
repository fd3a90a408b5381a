--- `hoopai api METHOD PATH`: a request to any endpoint of the API.
local decode = require("hoopai.command.lib.query").decode
local failure = require "hoopai.command.lib.failure"

local io, ipairs, next, pairs, tonumber, type = io, ipairs, next, pairs, tonumber, type
local find, format, gmatch, gsub = string.find, string.format, string.gmatch, string.gsub
local match, sub, upper = string.match, string.sub, string.upper

local METHODS = { GET = true, POST = true, PUT = true, PATCH = true, DELETE = true }
local TYPED = { ["true"] = true, ["false"] = false }

-- The lists that the library reads page by page: pattern of the path -> resource.
local PAGED = {
  { "^/calendars/appointments/([^/]+)/notes/?$", "notes" },
  { "^/calendars/([^/]+)/notifications/?$", "notifications" },
  { "^/calendars/resources/([^/]+)/?$", "resources" },
  { "^/calendars/schedules/search/?$", "schedules" },
}

-- Fields

local function read_all(context, name)
  local file = context.streams.input
  if name ~= "-" then
    local problem
    file, problem = io.open(name, "r")
    if not file then failure.refuse("input", problem) end
  end
  local text, problem = file:read "a"
  if name ~= "-" then file:close() end
  if not text then failure.refuse("input", format("%s: %s", name, problem)) end
  return text
end

--- The value of -F: true, false, null and numbers as such, @FILE as the text of a file, anything else as a string.
local function typed(context, word)
  if TYPED[word] ~= nil then return TYPED[word] end
  if word == "null" then return context.library().null end
  if find(word, "^%-?%d+$") or find(word, "^%-?%d+%.%d+$") then return tonumber(word) end
  if sub(word, 1, 1) == "@" then return read_all(context, sub(word, 2)) end
  return word
end

--- `{location_id}` and `{company_id}` stand for those of the profile.
local function fill_in(context, text)
  return (
    gsub(text, "{([%l_]+)}", function(name)
      if name == "location_id" then return context:location() end
      if name == "company_id" then return context:company() end
    end)
  )
end

--- The parts of a key: `a`, `a[b]`, `a[]`.
local function parts_of(key)
  local first, rest = match(key, "^([^%[%]]+)(.*)$")
  local parts = { first }
  for part in gmatch(rest or "", "%[([^%[%]]*)%]") do
    parts[#parts + 1] = part
  end
  if not first or gsub(rest, "%[[^%[%]]*%]", "") ~= "" then
    failure.usage(format('the key "%s" is no name such as title, hours[from] or users[]', key))
  end
  return parts
end

--- Puts a value under a key. `[]` appends to a list.
local function put(context, fields, key, value)
  local parts, at = parts_of(key), fields
  for index, part in ipairs(parts) do
    local name = part
    if part == "" then name = #at + 1 end
    local following = parts[index + 1]
    if following == nil then
      if part ~= "" and at[name] ~= nil then failure.usage(format('the field "%s" is given twice', key)) end
      at[name] = value
    else
      if at[name] == nil then at[name] = following == "" and context:list {} or {} end
      at = at[name]
      if type(at) ~= "table" then failure.usage(format('the field "%s" contradicts another one', key)) end
    end
  end
end

--- The fields of -f and -F, in the order of the command line.
local function fields_of(context, given)
  local fields, count = {}, 0
  for _, field in ipairs(given or {}) do
    local key, word = match(field.text, "^(..-)=(.*)$")
    if not key then failure.usage(format('a field is key=value, got "%s"', field.text)) end
    word = fill_in(context, word)
    local value = word
    if field.is_typed then value = typed(context, word) end
    put(context, fields, key, value)
    count = count + 1
  end
  return count > 0 and fields or nil
end

--- argparse's action of -f and -F: both go to one list.
local function collect(is_typed)
  return function(result, _, text)
    result.fields = result.fields or {}
    result.fields[#result.fields + 1] = { text = text, is_typed = is_typed }
  end
end

-- Requests

--- Splits what follows `?` off a path.
local function split_query(path)
  local plain, rest = match(path, "^([^?]*)%??(.*)$")
  local query = {}
  for name, value in gmatch(rest, "([^&=]+)=?([^&]*)") do
    query[decode(name)] = decode(value)
  end
  return plain, query
end

local function request_of(context, options)
  local method, path = options.method, options.path
  if not path then
    if METHODS[upper(method)] then failure.usage("the path is missing", "such as /calendars/") end
    method, path = "GET", method
  end
  method = upper(method)
  if not METHODS[method] then
    failure.usage(format('the method "%s" is none of GET, POST, PUT, PATCH and DELETE', options.method))
  end
  if find(path, "^%a+://") then
    failure.usage(
      "the path is a whole address: the profile has the server",
      "write the path alone, such as /calendars/"
    )
  end
  local query
  path, query = split_query(fill_in(context, path))
  if sub(path, 1, 1) ~= "/" then path = "/" .. path end
  local fields, body = fields_of(context, options.fields), nil
  if options.input then
    local decoded, err = context.library().decode(read_all(context, options.input))
    if decoded == nil then failure.refuse("input", err.message) end
    if type(decoded) ~= "table" then failure.refuse("input", "the body must be a JSON object or list") end
    body = decoded
  end
  if fields and (method == "GET" or body) then
    for name, value in pairs(fields) do
      query[name] = value
    end
  else
    body = body or fields
  end
  if body and method == "GET" then failure.usage "a GET has no body: leave out --input" end
  return { method = method, path = path, query = next(query) and query or nil, body = body }
end

--- Every page of a list.
local function all_pages(context, request)
  if request.method ~= "GET" then failure.usage "--paginate goes with GET" end
  local query = {}
  for name, value in pairs(request.query or {}) do
    query[name] = type(value) == "string" and tonumber(value) or value
  end
  for _, entry in ipairs(PAGED) do
    local id = match(request.path, entry[1])
    if id then
      local resource = context:client()[entry[2]]
      if find(entry[1], "(", 1, true) then return context.check(resource:all(id, query)) end
      return context.check(resource:all(query))
    end
  end
  local lists = "notes of an appointment, notifications of a calendar, resources, schedules"
  failure.usage("--paginate: the library pages no list of this path", "it pages: " .. lists)
end

return {
  name = "api",
  summary = "make a request to the API",
  description = [[
    Sends a request to an endpoint of the API, and prints the JSON of the response. The path begins with / and may hold
    a query. In the path and in values {location_id} and {company_id} stand for those of the profile.

    Fields are the query of a GET, and the JSON body of other methods. With -f the value is a string. With -F it is
    true, false, null or a number if it looks like one, and @FILE is the text of a file (@- of the standard input). A
    key may be nested: hours[from]=09:00, users[]=a.
  ]],
  needs = "client",
  changes = true,
  arguments = {
    { "method", description = "GET, POST, PUT, PATCH or DELETE; GET if only the path is given." },
    { "path", args = "?", description = "Such as /calendars/." },
  },
  options = {
    {
      "-f --raw-field",
      argname = "<key=value>",
      count = "*",
      action = collect(false),
      description = "A field with a string.",
    },
    {
      "-F --field",
      argname = "<key=value>",
      count = "*",
      action = collect(true),
      description = "A field with a typed value.",
    },
    { "--input", argname = "<file>", description = 'A JSON body from a file, "-" for the standard input.' },
    { "--paginate", description = "Read every page of a list." },
  },
  examples = {
    { "hoopai api GET /calendars/ -f locationId={location_id}", "the calendars as the API gives them" },
    { "hoopai api PUT /calendars/ID -F isActive=false --dry-run", "what would be sent to switch a calendar off" },
    { "hoopai api GET /calendars/resources/rooms -f locationId={location_id} --paginate --jsonl", "all rooms" },
  },
  run = function(context, options)
    local request = request_of(context, options)
    if options.paginate then
      local records = context:list(all_pages(context, request))
      return records, context.json_view(records)
    end
    local function send() return context:client():request(request) end
    local result
    if request.method == "GET" then
      result = context.check(send())
    else
      result = context:change(request.method .. " " .. request.path, send)
      if options.dry_run then return nil end
    end
    return result, context.json_view(result)
  end,
}
