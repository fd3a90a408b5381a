--- The options of `hoopai.new`, `hoopai.oauth`, `client:with` and of a single call: their names, checks and defaults.
-- A wrong option is wrong use of the library and raises.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local lazy = require "hoopai.lazy"
local private = require "hoopai.private"
local spelling = require "hoopai.errors.spelling"

local get_option_names = lazy.module "hoopai.options.names"
local get_time = lazy.module "hoopai.time"

local type, next, pairs, ipairs, tostring = type, next, pairs, ipairs, tostring
local getmetatable, pcall = getmetatable, pcall
local find, format, lower, match = string.find, string.format, string.lower, string.match
local floor, huge, concat, remove = math.floor, math.huge, table.concat, table.remove
local math_type = math.type
local getenv = os and os.getenv
local LUA_NAME = _VERSION

local options = {}

local LONGEST = 1000 -- seconds. From there on a timeout is taken for milliseconds, as other libraries have them

local UNITS = { { 365 * 86400, "year" }, { 86400, "day" }, { 3600, "hour" }, { 60, "minute" } }

-- "more than 8 hours" for 30000.
local function length_of(seconds)
  for _, unit in ipairs(UNITS) do
    local number = floor(seconds / unit[1])
    if number >= 1000 then return "more than 1000 years" end
    if number >= 1 then
      local is_exact = number * unit[1] == seconds
      return format("%s%d %s%s", is_exact and "" or "more than ", number, unit[2], number > 1 and "s" or "")
    end
  end
end

-- A check returns nil for a right value, else a phrase for what the option must be.
local function positive(value)
  local ok = type(value) == "number" and value > 0 and value < huge
  if not ok then
    local is_duration = type(value) == "table" and get_time().is_duration(value)
    return "a number of seconds above 0" .. (is_duration and ", not a duration: write the number, such as 5" or "")
  end
  if value < LONGEST then return nil end
  local what = format("a number of seconds below %d: %.14g seconds are %s", LONGEST, value, length_of(value))
  if value / 1000 >= LONGEST then return what end
  return format("%s; write %.14g for %.14g milliseconds", what, value / 1000, value)
end

local function count(value)
  local ok = math_type(value) == "integer" and value >= 1 and value <= 10000
  return not ok and "an integer from 1 to 10000" or nil
end

local function boolean(value) return type(value) ~= "boolean" and "true or false" or nil end

local function retries(value)
  local ok = value == false or math_type(value) == "integer" and value >= 0 and value <= 10
  return not ok and "an integer from 0 to 10, or false" or nil
end

local TEXT = "a string that is neither empty nor has control characters"

local function text(value)
  local ok = type(value) == "string" and value ~= "" and not find(value, "%c")
  if ok then return nil end
  local odd = type(value) == "string" and core.odd_character(value)
  return odd and TEXT .. ": " .. odd or TEXT
end

--- An id or an address: a text without blanks or quotes around it, which a file of variables or a copy may leave there.
local function id(value)
  local problem = text(value)
  if problem then return problem end
  local odd = core.odd_character(value)
  if odd then return "a string without blanks around it: " .. odd end
  if find(value, "^([\"'`]).*%1$") then return "a string without quotes around it: leave them out" end
end

--- An id of the API, by the rules for an id in a path: one value should not be an id here and none there.
local function api_id(value)
  local problem = id(value)
  if problem then return problem end
  if core.path("{id}", value) then return nil end
  return "an id of at most 512 bytes, without / or \\, not percent-encoded, and not only dots"
end

local function scopes(value)
  if type(value) ~= "table" or next(value) == nil then return 'a list of strings, such as { "calendars.readonly" }' end
  for _, item in pairs(value) do
    if type(item) ~= "string" then return "a list of strings" end
    local problem = id(item)
    if problem then return "a list of strings, each of them " .. problem end
  end
end

local function path(value)
  local problem = text(value)
  if problem then return problem end
  local rest = match(value, "^~(/.*)")
  if rest then return format('a path as it is: "~" is not expanded, write os.getenv("HOME") .. "%s"', rest) end
end

local proxy_schemes = { http = true, https = true, socks4 = true, socks4a = true, socks5 = true, socks5h = true }

local function proxy(value)
  local scheme = type(value) == "string" and find(value, "^[^%s%c]+$") and match(value, "^(%w+)://.")
  if value == "environment" or proxy_schemes[scheme] then return nil end
  return '"environment" or a URL such as http://proxy.example:3128'
end

local function header_token(value)
  local ok = type(value) == "string" and find(value, "^[%w%.%-]+$")
  return not ok and 'a string such as "2021-07-28"' or nil
end

--- Whether a userdata is a secret of the core.
local function is_secret(value) return (pcall(core.credentials, { access_token = value })) end

local function token(value)
  local kind = type(value)
  local ok = kind == "string" or kind == "function" or kind == "userdata" and is_secret(value)
  return not ok and "a string, a function or a secret of hoopai.store.secret" or nil
end

-- hoopai.oauth.app is above this module, and most clients never load it.
local function app(value) return not private.state("hoopai.App", value) and "an app made by hoopai.oauth" or nil end

-- Headers that the library or libcurl sets. A second one would contradict the first or leak the token.
local reserved = {
  ["authorization"] = true,
  ["host"] = true,
  ["content-length"] = true,
  ["content-type"] = true,
  ["transfer-encoding"] = true,
  ["connection"] = true,
  ["keep-alive"] = true,
  ["upgrade"] = true,
  ["te"] = true,
  ["trailer"] = true,
  ["expect"] = true,
  ["accept-encoding"] = true,
  ["cookie"] = true,
  ["version"] = true,
  ["user-agent"] = true,
  ["accept"] = true,
  ["proxy-authorization"] = true,
  ["proxy-connection"] = true,
}

local function header_problem(name, value)
  local is_name = type(name) == "string" and find(name, "^[%w!#$%%&'*+%-.^_`|~]+$")
  if not is_name then return "a table with header names as keys" end
  if reserved[lower(name)] then
    return format(
      "a table without `%s`: the library sets that header itself%s",
      name,
      lower(name) == "version" and " (option api_version)" or ""
    )
  end
  if type(value) ~= "string" or find(value, "%c") then
    return format("a table whose value for `%s` is a string without control characters", name)
  end
end

local function headers(value)
  if type(value) ~= "table" then return "a table of header names and values" end
  for name, content in next, value do
    local problem = header_problem(name, content)
    if problem then return problem end
  end
end

--- Functions that a client or an app calls with its events. A hook must not wait. An error that it raises goes to
-- `warn()`.
-- @table Hooks
-- @tfield[opt] function request called with a @{RequestEvent} before each request
-- @tfield[opt] function response called with a @{ResponseEvent} after each response or failure
-- @tfield[opt] function retry called with a @{RetryEvent} before the pause that precedes another attempt
-- @tfield[opt] function wait called with a @{WaitEvent} before a call waits for the rate limit
-- @tfield[opt] function rate_limit called with a @{RateLimitEvent} when a rate limit of `hoopai.rate_limit.redis` is no
-- longer shared, as Redis cannot be asked, and when it is shared again
-- @tfield[opt] function done called with a @{DoneEvent} when a call has ended, with or without success. A call whose
-- arguments are wrong is refused before anything is sent and emits no event
-- @tfield[opt] function dry_run called with a @{DryRunEvent} in place of a change that the option `dry_run` keeps from
-- being sent
-- @tfield[opt] function refresh of an app, or of a client with `oauth`: called with a @{RefreshEvent} after each token
-- exchange of the app

local hook_names = {
  request = true,
  response = true,
  retry = true,
  refresh = true,
  wait = true,
  rate_limit = true,
  done = true,
  dry_run = true,
}

local function refresh_hook(value)
  if type(value) ~= "table" then return "a table with the hook `refresh`" end
  for name, hook in pairs(value) do
    if name ~= "refresh" or type(hook) ~= "function" then return "a table with the hook `refresh` alone, a function" end
  end
end

local function hooks(value)
  if type(value) == "function" then return "a table of hooks: write hoopai.log() for a log, or { done = fn }" end
  if type(value) ~= "table" then return "a table of hooks, or hoopai.log()" end
  for name, hook in pairs(value) do
    if not hook_names[name] then
      return format(
        "the hooks `request`, `response`, `retry`, `refresh`, `wait`, `rate_limit`, `done` and `dry_run` alone; `%s` "
          .. "is unknown",
        tostring(name)
      )
    end
    if type(hook) ~= "function" then
      return format("a table of functions: the hook `%s` is %s", name, errors.given(hook))
    end
  end
end

--- The last argument of every call, for that call alone, and that of `client:with`, for all calls of the new client.
-- @table CallOptions
-- @tfield[opt] string location_id the location (sub-account) the call is about
-- @tfield[opt] number timeout seconds from the first sending of a call to the end of its response
-- @tfield[opt] number queue_timeout seconds a call may wait for the rate limit and a free connection before it is sent
-- @tfield[opt] integer|boolean retries how often a request may be repeated; false: never
-- @tfield[opt] table headers further headers: name -> value. Headers that the library sets itself are refused
-- @tfield[opt] string api_version the `Version` header
-- @tfield[opt] boolean validate false sends fields and values that the library does not know; lists are still sent as
-- lists
-- @tfield[opt] boolean dry_run true: changes are checked and not sent, and give a @{DryRunResult}; reads are sent
local call_checks = {
  location_id = api_id,
  timeout = positive,
  queue_timeout = positive,
  retries = retries,
  headers = headers,
  api_version = header_token,
  validate = boolean,
  dry_run = boolean,
}

local function rate_limit(value)
  local ok = type(value) == "boolean" or private.state("hoopai.SharedRateLimit", value)
  return not ok and "true, false, or hoopai.rate_limit.redis { ... }" or nil
end

local client_checks = {
  token = token,
  base_url = id,
  connect_timeout = positive,
  max_connections = count,
  http2 = boolean,
  ca_file = path,
  proxy = proxy,
  user_agent = text,
  on = hooks,
  oauth = app,
  company_id = api_id,
  rate_limit = rate_limit,
}
for name, check_value in pairs(call_checks) do
  if name ~= "headers" then client_checks[name] = check_value end
end

local oauth_checks -- below

--- The names of options in words: "a, b and c".
local function listed(checks)
  local names = spelling.list_of(checks)
  local last = remove(names)
  return concat(names, ", ") .. " and " .. last
end

-- What stands in braces in the advice for an option without a name.
local function example_of(checks)
  if checks == client_checks then return "token = ..., location_id = ..." end
  return checks == oauth_checks and "client_id = ..., client_secret = ..." or "timeout = 5"
end

--- What to write instead of an unknown option, as the end of a message.
local function instead_of(name, checks)
  local option, advice = get_option_names().find(name, checks)
  if option then return format(", did you mean `%s`?", option) end
  if advice then return ": " .. advice end
  if checks ~= client_checks and client_checks[name] then return ": it is an option of hoopai.new" end
  if checks == client_checks and oauth_checks[name] then return ": it is an option of hoopai.oauth" end
  if checks == client_checks and call_checks[name] then return ": it is an option of a call and of client:with" end
  if type(name) ~= "string" then return ": options have names, write { " .. example_of(checks) .. " }" end
  local question = errors.did_you_mean(name, checks)
  if question then return ", " .. question end
  return checks == call_checks and ": it takes " .. listed(checks) or ""
end

local function unknown(what, name, checks)
  errors.raise(format("unknown option `%s` of %s%s", tostring(name), what, instead_of(name, checks)))
end

-- Objects that are given in place of the options.
local INSTEAD_OF = {
  ["hoopai.Sandbox"] = "{ base_url = sandbox.url, token = sandbox.token, location_id = sandbox.location_id }",
  ["hoopai.App"] = "{ oauth = app, location_id = ... }",
  ["hoopai.Store"] = "{ store = store, ... }",
  ["hoopai.Client"] = "client:with { ... } to make another one",
}

--- Refuses an object of the library in the place of the options.
local function refuse_object(what, given)
  local meta = getmetatable(given)
  if meta == nil then return end
  local class = private.name_of(given)
  local name = class or type(meta) == "table" and meta.__name
  local instead = INSTEAD_OF[name]
  if instead then errors.raise(format("the options of %s are a table, not %s: write %s", what, name, instead)) end
  if class then errors.raise(format("the options of %s are a table, not %s", what, class)) end
end

-- Options whose value is a table of the caller's, which is copied.
local COPIED = { headers = true, keys = true, on = true, scopes = true }

--- Checks options. They are read once, and raw: the caller's metamethods could return other values after the checks.
-- @treturn ?table a copy
local function check(what, given, checks)
  if given == nil then return nil end
  if type(given) ~= "table" then errors.raise(format("the options of %s are a table, got %s", what, type(given))) end
  refuse_object(what, given)
  local copy = {}
  for name, value in next, given do
    local check_value = checks[name]
    if not check_value then unknown(what, name, checks) end
    if COPIED[name] then value = options.copy(value) end
    local expected = check_value(value)
    if expected then
      local odd = type(value) == "string" and core.odd_character(value)
      if odd and not find(expected, odd, 1, true) then expected = expected .. ": " .. odd end
      errors.raise(format("option `%s` of %s must be %s", name, what, expected))
    end
    copy[name] = value
  end
  return copy
end

--- Checks the options of a function that has checks of its own.
-- @tparam string what the function, for messages
-- @tparam ?table given
-- @tparam table checks name -> function(value), which returns what the option must be, or nil if it is right
-- @treturn ?table a copy
-- @raise for an unknown or wrong option
options.check = check

--- Checks the last argument of a call, or of `client:with`.
-- @tparam string what the method, for messages
-- @tparam ?table given
-- @treturn ?table a copy, which the caller's later changes do not reach
-- @raise for an unknown or wrong option
function options.check_call(what, given) return check(what, given, call_checks) end

--- What a timeout must be, as a phrase; nil if it is right.
-- @tparam any value
-- @treturn ?string
options.seconds_problem = positive

--- What a switch must be, as a phrase; nil if it is right.
-- @tparam any value
-- @treturn ?string
options.boolean_problem = boolean

--- What an id must be, as a phrase; nil if it is right.
-- @tparam any value
-- @treturn ?string
options.id_problem = id

--- What an id of a location or an agency must be, as a phrase; nil if it is right.
-- @tparam any value
-- @treturn ?string
options.api_id_problem = api_id

--- What a list of scopes must be, as a phrase; nil if it is right.
-- @tparam any value
-- @treturn ?string
options.scopes_problem = scopes

--- Raises if a name that is set on the module `hoopai` is an option of a client, here or in other libraries.
-- @tparam any name
function options.refuse_setting(name)
  local option = client_checks[name] and name or get_option_names().find(name, client_checks)
  if not option then return end
  errors.raise(format("`%s` cannot be set on hoopai: write hoopai.new { %s = ... }", name, option))
end

--- The names of the options of a call: keys of a table.
options.call_names = call_checks

--- A shallow copy of a table as it is without metamethods, so that later changes by the user have no effect; any other
-- value itself.
function options.copy(value)
  if type(value) ~= "table" then return value end
  local copy = {}
  for name, content in next, value do
    copy[name] = content
  end
  return copy
end

--- A variable of the environment, nil if it is not set. Its value is checked as strictly as that of an option.
-- @raise for a value that cannot be meant
local function environment(name, check_value)
  local value = getenv and getenv(name)
  if not value then return nil end
  local problem = value == "" and "is empty: give it a value, or unset it"
  if not problem then
    problem = check_value(value)
    problem = problem and "must be " .. problem
  end
  if problem then errors.raise(format("the environment variable %s %s", name, problem)) end
  return value
end

--- What HOOPAI_LOG asks for.
-- @treturn ?string nil for no log
function options.log_level()
  local level = getenv and getenv("HOOPAI_LOG")
  return level ~= "" and level ~= "0" and level or nil
end

local function token_of(given)
  local secret, problem
  if given.oauth then
    if given.token ~= nil then errors.raise("give hoopai.new either `token` or `oauth`, not both") end
    return nil
  end
  if type(given.token) == "function" then return given.token end
  if type(given.token) == "userdata" then return given.token end
  if given.token ~= nil then
    secret, problem = core.secret(given.token)
  elseif getenv then
    secret, problem = core.secret_env("HOOPAI_TOKEN")
  end
  if secret then return secret end
  if problem and given.token ~= nil then errors.raise("the token is unusable: " .. problem) end
  if problem then errors.raise("the environment variable HOOPAI_TOKEN is unusable: " .. problem) end
  if getenv and getenv("HOOPAI_TOKEN") == "" then
    errors.raise("no token: HOOPAI_TOKEN is empty: give it a value, or pass `token` to hoopai.new")
  end
  errors.raise("no token: pass `token` to hoopai.new or set HOOPAI_TOKEN")
end

local function base_url_of(what, given)
  local chosen = given.base_url or given.oauth and private.state("hoopai.App", given.oauth).base_url
  local found = not chosen and environment("HOOPAI_BASE_URL", id)
  local base_url, problem = core.base_url(chosen or found or "https://services.leadconnectorhq.com")
  if base_url then return base_url end
  if found then errors.raise("the environment variable HOOPAI_BASE_URL " .. problem) end
  errors.raise(format("option `base_url` of %s: %s", what, problem))
end

--- Returns the proxy to use. Requests over plain http stay on this machine, and a proxy may be on another machine.
local function proxy_of(what, given, base_url)
  if find(base_url, "^https:") then return given.proxy end
  if given.proxy and given.proxy ~= "environment" then
    errors.raise(
      format(
        "option `proxy` of %s goes with a base_url of https, not with %s: the proxy would read the token; "
          .. "leave one of them out",
        what,
        base_url
      )
    )
  end
end

local function transport_of(what, given, base_url)
  return {
    connect_timeout = given.connect_timeout or 10,
    max_connections = given.max_connections or 64,
    http2 = given.http2 ~= false,
    ca_file = given.ca_file,
    proxy = proxy_of(what, given, base_url),
    user_agent = given.user_agent or "hoopai (" .. LUA_NAME .. ")",
  }
end

--- Checks the options of `hoopai.new` and fills in the defaults.
-- @tparam ?table given
-- @treturn table settings: every option with its default; `token` a Secret or a function, never a string
-- @raise for a missing token, an unknown or a wrong option
function options.check_new(given)
  given = check("hoopai.new", given, client_checks) or {}
  if given.company_id and not given.oauth then
    errors.raise(
      "option `company_id` of hoopai.new goes with `oauth`, whose agency it names: add oauth = hoopai.oauth { ... }, "
        .. "or leave it out"
    )
  end
  local source, base_url = token_of(given), base_url_of("hoopai.new", given)
  return {
    token = source,
    oauth = given.oauth,
    company_id = given.company_id,
    base_url = base_url,
    location_id = given.location_id or not given.company_id and environment("HOOPAI_LOCATION_ID", api_id) or nil,
    api_version = given.api_version or "2021-07-28",
    timeout = given.timeout or 30,
    queue_timeout = given.queue_timeout,
    validate = given.validate ~= false,
    dry_run = given.dry_run == true,
    retries = given.retries == nil and 2 or given.retries,
    rate_limit = given.rate_limit == nil
      or private.state("hoopai.SharedRateLimit", given.rate_limit)
      or given.rate_limit,
    on = given.on or {},
    transport = transport_of("hoopai.new", given, base_url),
  }
end

local function secret_text(value)
  local ok = type(value) == "string" and value ~= "" or type(value) == "userdata"
  return not ok and "a string that is not empty" or nil
end

--- Where a browser is sent back to: it needs the whole address.
local function redirect_uri(value)
  local problem = id(value)
  if problem then return problem end
  if not find(value, "^%a[%w+.%-]*://[^/]") then
    return "the whole address, such as https://example.com/callback or http://127.0.0.1:8484/callback"
  end
end

--- What an address for the sign-in must be, as a phrase; nil if it is right.
-- @tparam any value
-- @treturn ?string
options.redirect_uri_problem = redirect_uri

local function store(value)
  return type(value) ~= "table" and "a store: hoopai.store.file(path), hoopai.store.memory() or a table of yours" or nil
end

oauth_checks = {
  client_id = id,
  client_secret = secret_text,
  store = store,
  redirect_uri = redirect_uri,
  scopes = scopes,
  company_id = api_id,
  base_url = id,
  connect_timeout = positive,
  max_connections = count,
  http2 = boolean,
  ca_file = path,
  proxy = proxy,
  user_agent = text,
  on = refresh_hook,
}

--- Checks the options of `hoopai.oauth` and fills in the defaults.
-- @tparam ?table given
-- @treturn table settings: `client_secret` a Secret, never a string
-- @raise for a missing, unknown or wrong option
function options.check_oauth(given)
  given = check("hoopai.oauth", given, oauth_checks) or {}
  for _, name in ipairs { "client_id", "client_secret" } do
    if not given[name] then errors.raise(format("hoopai.oauth needs the option `%s`", name)) end
  end
  local client_secret, problem = given.client_secret, nil
  if type(client_secret) == "string" then
    client_secret, problem = core.secret(client_secret)
  end
  if not client_secret then errors.raise("the client_secret is unusable: " .. problem) end
  local base_url = base_url_of("hoopai.oauth", given)
  return {
    client_id = given.client_id,
    client_secret = client_secret,
    store = given.store,
    redirect_uri = given.redirect_uri,
    scopes = given.scopes,
    company_id = given.company_id,
    base_url = base_url,
    on = given.on or {},
    transport = transport_of("hoopai.oauth", given, base_url),
  }
end

return options
