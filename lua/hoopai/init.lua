--- The HoopAI (HighLevel / LeadConnector) Calendars API for Lua 5.4 and 5.5.
--
--     local hoopai = require "hoopai"
--     local client = hoopai.new()             -- HOOPAI_TOKEN and HOOPAI_LOCATION_ID from the environment
--     local calendars = assert(client.calendars:list())
--
-- Calls of the API return a result and a @{Response}, or nil and an @{Error}. Wrong use (a missing argument, an unknown
-- option) raises. Outside any loop a call blocks; in a task of @{run}, @{spawn} or @{map} it suspends that task. With
-- @{use} the loop of a host drives the tasks.
-- @module hoopai
local lazy = require "hoopai.lazy" -- first: in an older Lua it says which one is needed
local core, problem = lazy.load "hoopai.core"
if not core then error("hoopai: " .. problem, 0) end

local async = require "hoopai.async"
local client = require "hoopai.client"
local errors = require "hoopai.errors"
local loop = require "hoopai.loop"
local option_checks = require "hoopai.options"
local version = require "hoopai.version"

local ipairs, pairs, rawset, setmetatable = ipairs, pairs, rawset, setmetatable

-- Fields that are modules, loaded on first access.
local get_module = {
  ical = lazy.module "hoopai.ical",
  log = lazy.module "hoopai.log",
  --- Rate limits that programs on several hosts share: the module `hoopai.rate_limit`.
  rate_limit = lazy.module "hoopai.rate_limit",
  --- Clients of Redis: the module `hoopai.redis`.
  redis = lazy.module "hoopai.redis",
  slots = lazy.module "hoopai.slots",
  --- Where the tokens of an app are kept: the module `hoopai.store`.
  store = lazy.module "hoopai.store",
  --- Instants, durations and time zones: the module `hoopai.time`.
  time = lazy.module "hoopai.time",
}
local get_app = lazy.module "hoopai.oauth.app"
local get_json_text = lazy.module "hoopai.validate.json_text"
local get_webhook = lazy.module "hoopai.webhook"

local hoopai = {
  --- The version of the library.
  VERSION = version,
  --- JSON's null. In the body of an update it clears a field that is not required. A response has it only in fields in
  -- which null has a meaning, such as a calendar's `availabilityType`; any other null in a response is nil.
  null = core.null,
}

--- Makes a client. Opens nothing: connections are made by the first call.
-- @tparam[opt] table options
-- @tparam[opt] string|userdata|function options.token the access token; or a secret of `hoopai.store.secret`; or a
-- function that is called for one, with "first" before the first call and with "refused" after the API refused its last
-- one. It returns a token, or nil and an error, and may wait. A call whose time is over does not wait for it any
-- longer; it goes on, and its token serves the next call. Default: HOOPAI_TOKEN of the environment
-- @tparam[opt] App options.oauth an app of @{oauth} that supplies the tokens, instead of `token` and HOOPAI_TOKEN
-- @tparam[opt] string options.company_id with `oauth`: the agency. Its token gives those of its locations that did not
-- sign in themselves, or whose sign-in is no longer accepted; without a location calls are made with the agency's token
-- @tparam[opt] string options.location_id the location (sub-account), filled in if an endpoint takes a
-- `locationId`. Default: HOOPAI_LOCATION_ID of the environment
-- @tparam[opt] string options.base_url the URL of the API: https, or http to this machine. Default: the app's, else
-- HOOPAI_BASE_URL of the environment, else `https://services.leadconnectorhq.com`
-- @tparam[opt="2021-07-28"] string options.api_version the `Version` header
-- @tparam[opt=30] number options.timeout seconds from the first sending of a call to the end of its response, retries
-- and a renewal of the token included
-- @tparam[opt] number options.queue_timeout seconds a call may wait for the rate limit and a free connection before
-- that. Default: no limit
-- @tparam[opt=2] integer|boolean options.retries how often a request may be repeated if that is safe; false: never
-- @tparam[opt=true] boolean|table options.rate_limit whether calls wait for the rate limit of their location, as the
-- API states it; or a limit of `hoopai.rate_limit.redis`, which programs on several hosts share
-- @tparam[opt=10] number options.connect_timeout seconds until a connection must be there
-- @tparam[opt=64] integer options.max_connections how many connections may be open
-- @tparam[opt=true] boolean options.http2 whether HTTP/2 may be used
-- @tparam[opt=true] boolean options.validate whether queries and bodies are checked before they are sent
-- @tparam[opt=false] boolean options.dry_run true: changes are checked and not sent; reads are sent. A change gives a
-- @{DryRunResult}
-- @tparam[opt] string options.ca_file certificates to trust instead of the system's (PEM)
-- @tparam[opt] string options.proxy "environment", or the address of a proxy; with a base URL of https. Default: none
-- @tparam[opt] string options.user_agent the `User-Agent` header
-- @tparam[opt] Hooks options.on functions that are called for each request and response
-- @treturn Client
-- @raise for a missing token, an unknown or a wrong option
hoopai.new = client.new

--- Makes an OAuth app: sign-in, and the tokens of the locations that installed it. Opens no connection.
-- @tparam table options
-- @tparam string options.client_id the app's id, as the vendor's marketplace shows it
-- @tparam string options.client_secret the app's secret. Nothing prints it
-- @tparam[opt] OwnStore options.store where tokens are kept: `hoopai.store.file(path)` for all that must last,
-- `hoopai.store.memory()`, or a table of yours. Default: in memory
-- @tparam[opt] string options.redirect_uri where a browser is sent back to after the sign-in, as registered
-- @tparam[opt] table options.scopes list of what a sign-in asks for
-- @tparam[opt] string options.company_id the agency, for clients and calls that name none
-- @tparam[opt] string options.base_url where the token endpoints are: https, or http to this machine. Default:
-- HOOPAI_BASE_URL of the environment, else `https://services.leadconnectorhq.com`
-- @tparam[opt=10] number options.connect_timeout seconds until a connection must be there
-- @tparam[opt=64] integer options.max_connections how many connections to the token endpoints may be open
-- @tparam[opt=true] boolean options.http2 whether HTTP/2 may be used
-- @tparam[opt] string options.ca_file certificates to trust instead of the system's (PEM)
-- @tparam[opt] string options.proxy "environment", or the address of a proxy; with a base URL of https. Default: none
-- @tparam[opt] string options.user_agent the `User-Agent` header
-- @tparam[opt] Hooks options.on functions; an app calls `refresh` alone
-- @treturn App
-- @raise for a missing, unknown or wrong option
function hoopai.oauth(options) return get_app().new(options, client.new, client.with_log) end

--- Makes a receiver of webhooks. By default it takes those that the vendor signs with Ed25519, in the header
-- `X-GHL-Signature`; the vendor's key is built in. A receiver has one scheme.
--
-- A text in `keys` or `secret` that is not usable makes the receiver refuse all webhooks, with the reason in the error.
-- @tparam[opt] table options
-- @tparam[opt] table options.keys list of public keys (PEM), all of which are accepted, as while the sender changes its
-- key. Default: the one that the vendor publishes
-- @tparam[opt=false] boolean options.rsa the old scheme instead: RSA-SHA256 in the header `X-WH-Signature`, with the
-- key that the vendor published for it. The vendor sends it no more since September 2026
-- @tparam[opt] string options.secret HMAC-SHA256 with this secret instead, as some white-label senders are said to have
-- it; no source confirms it for HoopAI
-- @tparam[opt] string options.header with `secret`: the header that has the HMAC
-- @tparam[opt] string options.encoding with `secret`: "hex" or "base64"
-- @tparam[opt] string options.app_id take only webhooks of this app, the part of its client_id before the first `-`:
-- the vendor signs those of all apps with one key
-- @tparam[opt=86400] number|boolean options.max_age how many seconds old a webhook may be; false: any age, also unknown
-- @tparam[opt=300] number options.max_skew how many seconds ahead of this host's clock its time may be
-- @tparam[opt=1048576] integer options.max_body bytes that a body may have
-- @tparam[opt] function options.claim claim(id, seconds) -> true if the id is claimed by this call, false if it was
-- before; nil and a text if that cannot be said. It is to keep the id for these seconds, and may wait. Default: ids are
-- kept in the memory of this program
-- @tparam[opt] function options.release release(id): with `claim`, for `webhook:release`
-- @tparam[opt=100000] integer options.max_claims without `claim`: how many ids are kept. If more webhooks arrive within
-- `max_age`, those are refused that are as old as one whose id is forgotten
-- @treturn Webhook
-- @raise for an unknown or wrong option, and where hoopai.crypto was not built
function hoopai.webhook(options) return get_webhook().new(options) end

--- Loads what is otherwise loaded on first use: the endpoints, their checks, bookings, OAuth, and the modules of times,
-- slots, calendar files, logs and stores. For hosts that fork, and for those that change or remove functions of Lua
-- after they have loaded the library: from then on calls use the functions that were captured, and only @{time},
-- @{slots}, @{ical} and @{log} use the basic ones (`pairs`, `string.format` ...) as the host left them.
function hoopai.preload()
  lazy.load_all()
  for name, get in pairs(get_module) do
    rawset(hoopai, name, get())
  end
end

--- The loops that @{use} takes, and the functions for one of your own: the module `hoopai.loop`.
hoopai.loop = loop

hoopai.use, hoopai.run, hoopai.spawn, hoopai.sleep = async.use, async.run, async.spawn, async.sleep
hoopai.map, hoopai.all, hoopai.race, hoopai.timeout = async.map, async.all, async.race, async.timeout
hoopai.on_task_error = async.on_task_error

--- Marks a list so that it is sent as a JSON array even when it is empty. Needed only in fields that the library does
-- not know.
-- @tparam[opt] table list
-- @treturn table the same table, or a new one
hoopai.array = core.array

-- The comments are those of hoopai.validate.json_text.
function hoopai.encode(value, options) return get_json_text().encode(value, options) end
function hoopai.decode(text) return get_json_text().decode(text) end

errors.check_dots(
  hoopai,
  "hoopai.",
  { new = true, oauth = true, webhook = true, all = true, race = true, array = true }
)

local function names_of(self)
  local names = {}
  for _, list in ipairs { self, get_module } do
    for name in pairs(list) do
      names[name] = true
    end
  end
  return names
end

return setmetatable(hoopai, {
  __index = function(self, name)
    local get = get_module[name]
    if not get then return errors.refuse_name("hoopai", "hoopai has no", name, names_of(self)) end
    local module = get()
    rawset(self, name, module)
    return module
  end,
  -- Some libraries take their options so, and the client would have others.
  __newindex = function(self, name, value)
    option_checks.refuse_setting(name)
    rawset(self, name, value)
  end,
  __call = function() errors.raise "hoopai is no function: write hoopai.new { ... } to make a client" end,
})
