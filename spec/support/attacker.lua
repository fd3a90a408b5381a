--- A script that was given some objects of the library, and looks for what it was not given. It runs with the functions
-- of Lua's base library alone, those that load code or open files excepted.
--
-- It walks over all that it can reach: fields, metatables, what keys and functions return, and what its own
-- metamethods and hooks receive. Functions are called with odd arguments.
-- @tparam table objects name -> object
-- @tparam string other "host:port" of a server that it tries to reach
-- @treturn table `strings` (text -> where), `odd` (a list of what no script should reach) and `calls`, how many
local objects, other = ...

local found = { strings = {}, odd = {}, calls = 0 }
local queue, first, count, seen = {}, 1, 0, {}
local MOST_CALLS = 60000

local function reach(value, where, holder)
  local kind = type(value)
  if kind == "string" then
    found.strings[value] = found.strings[value] or where
  elseif kind ~= "nil" and kind ~= "number" and kind ~= "boolean" and not seen[value] then
    seen[value] = true
    count = count + 1
    queue[count] = { value, where, holder }
  end
end

local function reach_all(where, ...)
  for index = 1, select("#", ...) do
    reach((select(index, ...)), where .. "#" .. index)
  end
end

--- Something of the script itself, which is no finding.
local function own(value)
  seen[value] = true
  return value
end

for _, library in pairs(_ENV) do
  own(library)
  for _, value in pairs(type(library) == "table" and library or {}) do
    if type(value) ~= "number" then own(value) end
  end
end
own(_ENV)
own(objects)
own(found)
if objects.null then own(objects.null) end -- a constant

-- Odd arguments -------------------------------------------------------------------------------------------------------

--- A table that returns itself for every key, and looks at all that its metamethods receive.
local function yes_man()
  local meta, man, uses = own {}, own {}, 0
  local function spy(name, result)
    return own(function(...)
      uses = uses + 1
      if uses > 20000 then error "enough" end
      reach_all("arguments of " .. name, ...)
      if result == "self" then return man end
      return result
    end)
  end
  for _, name in ipairs { "index", "call", "add", "sub", "mul", "div", "mod", "unm", "concat", "band", "idiv" } do
    meta["__" .. name] = spy("__" .. name, "self")
  end
  meta.__len, meta.__eq, meta.__lt, meta.__le = spy("__len", 3), spy("__eq", true), spy("__lt", true), spy("__le", true)
  meta.__tostring, meta.__name = spy("__tostring", "yes"), "hoopai.Client"
  meta.__newindex, meta.__close, meta.__gc = spy "__newindex", spy "__close", spy "__gc"
  meta.__pairs = own(function(...)
    reach_all("arguments of __pairs", ...)
    return next, own {}, nil
  end)
  return setmetatable(man, meta)
end

--- A table with the fields that a private state could have.
local function forged()
  local function answer(...)
    reach_all("arguments of a forged method", ...)
    return nil
  end
  local shared = own { base_url = "http://" .. other, transport = {}, rate_limiters = {}, retry_budgets = {} }
  local state = own { shared = shared, settings = own { on = {} }, requests = {}, closed_message = "x" }
  own(answer)
  for _, name in ipairs { "get", "source", "listen", "read", "write", "probe", "lock", "join", "cancel", "send" } do
    state[name] = answer
  end
  state.state, state.private, state.own, state[1] = state, state, state, state
  state.kind, state.message, state.status, state.ms, state.zone = "auth", "m", 401, 0, state
  return state
end

local samples =
  { true, false, 0, -1, 2 ^ 53, math.huge, 0 / 0, math.mininteger, "", "x", ("x"):rep(70000), "\0\r\nX: y" }
samples[#samples + 1] = own {}
samples[#samples + 1] = yes_man()
samples[#samples + 1] = forged()
samples[#samples + 1] = own(function(...) reach_all("arguments of a function", ...) end)
samples[#samples + 1] = own(coroutine.create(function() end))
samples[#samples + 1] = own { method = "GET", path = "/" }
samples[#samples + 1] = own { calendarId = "c", contactId = "d", startTime = "2026-03-07T09:00:00Z", reference = false }
for _, object in pairs(objects) do
  samples[#samples + 1] = object
end

local NAMES = {
  "__index",
  "__metatable",
  "__gc",
  "__close",
  "__name",
  "__pairs",
  "__mode",
  "state",
  "State",
  "STATE",
  "private",
  "own",
  "self",
  "shared",
  "settings",
  "source",
  "secret",
  "token",
  "listen",
  "store",
  "endpoint",
  "managers",
  "app",
  "client",
  "parent",
  "requests",
  "head",
  "methods",
  "fn",
  "co",
  "scope",
  "owner",
  "guard",
  "args",
  "results",
  "counts",
  "pack",
  "read",
  "write",
  "remove",
  "names",
  "lock",
  "probe",
  "add",
  "send",
  "base_url",
  "transport",
  "ms",
  "zone",
  1,
  0,
  true,
  "calendars",
  "groups",
  "events",
  "appointments",
  "block_slots",
  "notes",
  "resources",
  "notifications",
  "schedules",
  "request",
  "with",
  "list",
  "create",
  "get",
  "update",
  "delete",
  "free_slots",
  "validate_slug",
  "set_status",
  "cancel",
  "book",
  "find_booking",
  "add_calendar",
  "remove_calendar",
  "authorize_url",
  "exchange",
  "installed_locations",
  "join",
  "iso",
  "in_zone",
  "date",
  "format",
  "start_of_day",
  "start_of_week",
  "has_zone",
  "seconds",
  "days",
  "close",
}

-- The walk ------------------------------------------------------------------------------------------------------------

local last = { close = {}, cancel = {} } -- what ends an object is called last

local function call(fn, where, ...)
  if found.calls >= MOST_CALLS then return end
  found.calls = found.calls + 1
  reach_all(where .. "()", select(2, pcall(fn, ...)))
end

local function try_function(fn, where, holder)
  for _, ending in ipairs { "close", "cancel" } do
    if where:find("." .. ending, 1, true) then
      last[ending][#last[ending] + 1] = { fn, holder }
      return
    end
  end
  call(fn, where)
  for _, sample in ipairs(samples) do
    call(fn, where, sample)
    call(fn, where, sample, sample)
    if holder ~= nil then
      call(fn, where, holder, sample)
      call(fn, where, holder, "id", sample)
      call(fn, where, holder, "id", "id2", sample)
    end
  end
end

local function index(value, key) return value[key] end

local function try_table(value, where)
  for key, content in next, value do
    reach(key, where .. "<key>")
    reach(content, where .. "." .. tostring(key), value)
  end
  local ok, step, over, at = pcall(pairs, value)
  if ok then
    reach_all(where .. " by pairs", step, over, at)
    pcall(function()
      for key, content in pairs(value) do
        reach(key, where .. "<key>")
        reach(content, where .. "." .. tostring(key), value)
      end
    end)
  end
end

local function try_operators(value, where)
  for _, try in ipairs {
    function() return tostring(value) end,
    function() return #value end,
    function() return value .. "" end,
    function() return value + value end,
    function() return -value end,
    function() return value < value end,
    function() return value == {} end,
    function() return value() end,
    function() return ipairs(value) end,
    function() return setmetatable(value, {}) end,
    function() return string.format("%s", value) end,
  } do
    call(own(try), where)
  end
end

local function visit(value, where, holder)
  local kind = type(value)
  local meta = getmetatable(value)
  if type(meta) == "table" then found.odd[#found.odd + 1] = "the metatable of " .. where end
  reach(meta, where .. "<meta>")
  if kind == "userdata" or kind == "thread" then
    found.odd[#found.odd + 1] = ("%s (%s) at %s"):format(tostring(value), kind, where)
  end
  if kind == "function" then return try_function(value, where, holder) end
  for _, name in ipairs(NAMES) do
    local ok, content = pcall(index, value, name)
    reach(content, where .. (ok and "." or " without .") .. tostring(name), value)
  end
  try_operators(value, where)
  if kind == "table" then try_table(value, where) end
end

local function walk()
  while first <= count do
    local value, where, holder = queue[first][1], queue[first][2], queue[first][3]
    queue[first], first = nil, first + 1
    visit(value, where, holder)
  end
end

-- Tricks --------------------------------------------------------------------------------------------------------------

--- A table that shows one set of fields when it is checked, and another one later.
local function changing(checked, later)
  local reads, walks = {}, 0
  return setmetatable(
    own {},
    own {
      __index = own(function(_, key)
        reads[key] = (reads[key] or 0) + 1
        if reads[key] > 2 then return later[key] end
        return checked[key]
      end),
      __pairs = own(function()
        walks = walks + 1
        return next, own(walks > 1 and later or checked), nil
      end),
    }
  )
end

local port = other:match ":(%d+)"
local PATHS = {
  "@" .. other .. "/x",
  "." .. other .. "/x",
  "//" .. other .. "/x",
  "/\\" .. other,
  "http://" .. other .. "/x",
  port,
  "/x\r\nHost: " .. other,
  "/../x",
  "/x#@" .. other,
  "\\\\" .. other,
  ":" .. port .. "/",
  "?@" .. other,
  "#@" .. other,
}

local function try_paths(client)
  for _, path in ipairs(PATHS) do
    call(client.request, "request", client, { method = "GET", path = path })
    call(client.request, "request", client, changing({ method = "GET", path = "/x" }, { method = "GET", path = path }))
    call(client.calendars.get, "get", client.calendars, path)
    call(client.calendars.list, "list", client.calendars, { locationId = path })
    call(client.with, "with", client, { location_id = path })
  end
end

local function hooks()
  local hook = own(function(event)
    reach(event, "event")
    for name in pairs(event) do
      event[name] = other
    end
  end)
  return own { request = hook, response = hook, retry = hook, refresh = hook, wait = hook, done = hook }
end

local function options()
  local way = "http://" .. other
  return {
    { base_url = way },
    { proxy = way },
    { base_url = way, proxy = way, ca_file = "/dev/null" },
    { ca_file = "/dev/null" },
    { token = "x", base_url = way },
    { on = hooks() },
    { oauth = objects.app },
    { company_id = "other" },
    { transport = { proxy = way } },
    { shared = forged() },
    { headers = { Host = other } },
    { headers = { ["Proxy-Authorization"] = "x" } },
    { headers = { Authorization = "Bearer x" } },
    { headers = { ["X-A"] = "b\r\nHost: " .. other } },
    { headers = changing({ ["X-A"] = "b" }, { Host = other, ["X-B"] = "c\r\nHost: " .. other }) },
    { api_version = "2021-07-28\r\nHost: " .. other },
  }
end

local function list_of(client) return client.calendars:list() end

local function try_options(make, where)
  for _, given in ipairs(options()) do
    for _, argument in ipairs { given, changing({}, given) } do
      local ok, made = pcall(make, argument)
      reach(made, where)
      if ok and type(made) == "table" then call(list_of, where, made) end
    end
  end
end

local function try_calls(client)
  for _, given in ipairs(options()) do
    call(client.calendars.list, "list", client.calendars, nil, given)
    call(client.calendars.list, "list", client.calendars, nil, changing({}, given))
  end
end

--- Leaves library code in the middle, by a yield of a metamethod, and for good.
local function try_yields(client)
  local given = { calendarId = "c", contactId = "d", startTime = "2026-03-07T09:00:00Z", reference = false }
  for stop = 1, 12 do
    local steps = 0
    local function step()
      steps = steps + 1
      if steps == stop then coroutine.yield() end
      return next, {}, nil
    end
    local meta =
      { __pairs = step, __index = function() return nil, step() end, __len = function() return 0, step() end }
    local co = coroutine.create(function()
      local argument = setmetatable({}, meta)
      client.appointments:book(given, argument)
      client.appointments:find_booking(given, argument)
      client.calendars:list(argument, argument)
      client:with(argument)
    end)
    pcall(coroutine.resume, co)
    pcall(coroutine.close, co)
  end
end

local function spoil(value, depth)
  if type(value) ~= "table" or depth > 3 then return end
  for name, content in next, value do
    spoil(content, depth + 1)
    rawset(value, name, type(content) == "number" and -1 or own {})
  end
end

for name, object in pairs(objects) do
  reach(object, name)
end
walk()
for name, object in pairs(objects) do
  if name:find "client" then
    try_paths(object)
    try_calls(object)
    try_yields(object)
    try_options(function(given) return object:with(given) end, name .. ":with")
  end
  if name:find "app" then
    try_options(function(given)
      if rawget(given, "on") or not rawget(given, "location_id") then pcall(rawset, given, "location_id", "L") end
      return object:client(given)
    end, name .. ":client")
    for _, field in ipairs { "base_url", "source", "store", "endpoint", "new_client" } do
      rawset(object, field, "http://" .. other)
    end
    call(function() return object:client({ location_id = "L" }).calendars:list() end, name)
    local yields = { "code", "redirect_uri", "code_verifier", "user_type" }
    for _, field in ipairs(yields) do
      call(object.exchange, "exchange", object, changing({ code = "abc" }, { code = "abc", [field] = forged() }))
      call(object.exchange, "exchange", object, { code = "abc", [field] = objects.null })
    end
  end
end
walk()
for name, object in pairs(objects) do
  if type(object) == "table" and next(object) ~= nil and not name:find "client" and not name:find "app" then
    spoil(object, 0)
  end
end
for _, ending in ipairs { "cancel", "close" } do
  for _, entry in ipairs(last[ending]) do
    call(entry[1], ending)
    for _, sample in ipairs(samples) do
      call(entry[1], ending, sample)
    end
  end
end
walk()
return found
