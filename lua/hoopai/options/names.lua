--- What the options of other libraries are called here: names that no typing mistake explains.
local spelling = require "hoopai.errors.spelling"

local ipairs, pairs, type = ipairs, pairs, type
local fold, has_word = spelling.fold, spelling.has_word

-- Option -> the names that others give it, without case, `_`, `-` and spaces.
local COMMON = {
  base_url = "url host hostname endpoint server apiurl apibase apihost baseuri baseurl",
  ca_file = "cafile cacert cabundle cainfo capath certificates cacertificates",
  proxy = "httpproxy httpsproxy proxies proxyurl",
  user_agent = "useragent agent",
  max_connections = "poolsize maxsockets concurrency connections connectionpool maxconcurrency",
  connect_timeout = "connectiontimeout connecttimeoutseconds",
  company_id = "companyid agency agencyid",
  on = "hooks hook callbacks events listeners",
}

local OF_CLIENT = {
  token = "apikey key accesstoken authtoken bearer bearertoken apitoken auth authorization pit privateintegrationtoken "
    .. "privatetoken secret",
  location_id = "locationid location subaccount subaccountid loc",
  retries = "retry retrycount maxretries maxretry numretries attempts maxattempts tries",
  timeout = "timeoutseconds requesttimeout readtimeout responsetimeout maxtime deadline",
  api_version = "version apiversion",
  headers = "header extraheaders defaultheaders",
  validate = "validation strict",
  dry_run = "dry dryrun simulate simulation preview pretend noop",
  rate_limit = "ratelimiting ratelimits ratelimiter throttle throttling",
  oauth = "app oauth2 oauthapp",
}

local OF_APP = {
  client_id = "id appid clientid key clientkey",
  client_secret = "secret appsecret clientsecret",
  redirect_uri = "redirect redirecturi redirecturl callback callbackurl callbackuri",
  scopes = "scope permissions",
  store = "storage tokenstore folder path file",
}

-- Names that need more words: the option that must exist, the text, the names.
local TEXTS = {
  {
    "ca_file",
    "certificates are always checked; `ca_file` names those to trust",
    "verify insecure ssl tls verifyssl sslverify verifytls tlsverify skipverify insecureskipverify rejectunauthorized "
      .. "sslverifypeer verifypeer",
  },
  {
    "timeout",
    "write `timeout`, in seconds",
    "timeoutms timeoutmillis timeoutmilliseconds timeoutinms requesttimeoutms",
  },
  { "connect_timeout", "write `connect_timeout`, in seconds", "connecttimeoutms connectiontimeoutms" },
  { "token", "write `on = hoopai.log()`", "log logger logging loglevel debug verbose trace" },
  {
    "client_secret",
    "write `on = hoopai.log()` in hoopai.new, which logs the exchanges of its app too",
    "log logger logging loglevel debug verbose trace",
  },
  {
    "client_secret",
    "the location is an option of the client: `app:client { location_id = ... }`",
    "locationid location subaccount subaccountid",
  },
}

local option_names = {}

local function find_option(lists, wanted, checks)
  for option, words in pairs(lists) do
    if checks[option] and has_word(words, wanted) then return option end
  end
end

--- What to write instead of an option of another library.
-- @tparam any name as it was written
-- @tparam table checks the options that exist: keys of a table
-- @treturn ?string the option here; or nil
-- @treturn ?string a text instead
function option_names.find(name, checks)
  if type(name) ~= "string" or #name > 64 then return nil end
  local wanted = fold(name)
  for _, entry in ipairs(TEXTS) do
    if checks[entry[1]] and has_word(entry[3], wanted) then return nil, entry[2] end
  end
  return find_option(checks.client_secret and OF_APP or OF_CLIENT, wanted, checks)
    or find_option(COMMON, wanted, checks)
end

return option_names
