--- What to write instead of a name that does not exist, and what to do when no server is there. Loaded only then.
local spelling = require "hoopai.errors.spelling"

local find, format, gsub, lower, match = string.find, string.format, string.gsub, string.lower, string.match
local concat = table.concat
local ipairs, type = ipairs, type
local fold, has_word = spelling.fold, spelling.has_word

local LUA = gsub(lower(_VERSION or "Lua 5.4"), " ", "") -- the usual name of the interpreter

local advice = {}

-- Names ---------------------------------------------------------------------------------------------------------------

-- Method -> its names in other libraries, as spelling.fold spells them.
local SYNONYMS = {
  list = "all search find query index getall listall findall fetchall searchall each iterate iter pages paginate "
    .. "filter getmany",
  get = "read fetch show retrieve load view one getone getbyid findone findbyid byid lookup",
  create = "add new make insert post save createone",
  update = "edit set modify change patch put save rename updateone",
  delete = "remove destroy del erase drop deleteone",
}
local METHODS = { "list", "get", "create", "update", "delete" }

-- The same for methods that some resources have beside these.
local FURTHER = {
  { "all", "listall getall fetchall searchall findall findmany getmany allpages" },
  { "each", "iterate iter iterator pages paginate paginator eachpage foreach autopaging" },
  { "ensure", "upsert createonce createifmissing findorcreate getorcreate firstorcreate addonce blockonce" },
}

local LIST_EVENTS = "client.events:list { ... }"
local ALL_EVENTS = "client.events:all { from = ..., to = ... }"
local TEAM = "client.calendars:team()"
local FREE_SLOTS = "client.calendars:free_slots(calendar_id, { ... })"
local EACH_SLOT = "client.calendars:each_slot { to = ... }"
local NEXT_SLOT = "client.calendars:next_slot { to = ... }"
local WAIT_FOR_SLOT = "client.calendars:wait_for_slot { to = ..., give_up_after = ... }"
local BOOK = "client.appointments:book { ... }"
local BOOK_ONCE = "client.appointments:book { reference = ..., ... }"
local EDIT = "client.appointments:edit(id, function(appointment) ... end)"
local UPDATE = "client.appointments:update(id, { ... })"

local CONTACT_SEARCH = 'client:request { method = "POST", path = "/contacts/search", body = { ... } }: its response is '
  .. "not documented"

-- Resource -> list of a method that it has not, or the guesses at one, and what to write instead.
local ELSEWHERE = {
  appointments = {
    { "all each getall listall findall fetchall iterate", ALL_EVENTS },
    { SYNONYMS.list, LIST_EVENTS },
    { "list upcoming calendar events listevents listappointments getappointments", LIST_EVENTS },
    { "reschedule move confirm setstatus changestatus complete noshow reassign", UPDATE },
    { "slots freeslots availability availableslots getslots", FREE_SLOTS },
    { "eachslot allslots", EACH_SLOT },
    { "nextslot nextfreeslot findslot", NEXT_SLOT },
    { "waitforslot waitfor waitlist", WAIT_FOR_SLOT },
    { "block", "client.block_slots:create { ... }" },
    { "schedule reserve", BOOK },
    { "ensure upsert createonce findorcreate getorcreate bookonce", BOOK_ONCE },
  },
  events = {
    { SYNONYMS.list, LIST_EVENTS },
    { "get", "client.appointments:get(id)" },
    { SYNONYMS.get, "client.appointments:get(id)" },
    { "create schedule", "client.appointments:create { ... }" },
    { SYNONYMS.create, "client.appointments:create { ... }" },
    { "book reserve", BOOK },
    { "ensure upsert createonce findorcreate getorcreate bookonce", BOOK_ONCE },
    { "edit", EDIT },
    { "update reschedule move confirm", UPDATE },
    { SYNONYMS.update, UPDATE },
    { "cancel", "client.appointments:cancel(id)" },
    { "slots freeslots availability availableslots getslots", FREE_SLOTS },
    { "block", "client.block_slots:create { ... }" },
    { "blocked blockedslots listblocked", "client.block_slots:list { ... }" },
  },
  calendars = {
    { "allslots eachslots eachfreeslot allfreeslots listslots iterateslots", EACH_SLOT },
    { "nextfreeslot nextfree nextavailable nextavailableslot nextslots firstslot firstfreeslot findslot", NEXT_SLOT },
    { "waitforfreeslot waitforslots waitslot waitfor wait waitinglist waitlist watch poll", WAIT_FOR_SLOT },
    { "slots availability availableslots getslots getfreeslots freebusy free openslots", FREE_SLOTS },
    { "events appointments listevents getevents listappointments getappointments", LIST_EVENTS },
    { "book createappointment reserve schedule", BOOK },
    { "groups listgroups", "client.groups:list()" },
    { "members teammembers users staff listmembers getmembers listusers getusers getteam", TEAM },
  },
  block_slots = {
    { "get", "client.block_slots:list { ... }" },
    { SYNONYMS.get, "client.block_slots:list { ... }" },
    { "block", "client.block_slots:create { ... }" },
  },
  contacts = {
    { "search find list all query filter lookup", CONTACT_SEARCH },
    { "create add new insert save", "client.contacts:upsert { ... }" },
    { "update edit change patch", "client.contacts:upsert { ... }" },
    { "events bookings listappointments getappointments", "client.contacts:appointments(contact_id)" },
  },
  users = {
    { "list all find query", "client.users:search { companyId = ... }" },
  },
  service_bookings = {
    {
      "slots freeslots availability availableslots",
      "client.service_bookings:book { ... }: the API lists no free times",
    },
    { "reschedule move confirm setstatus complete noshow", "client.service_bookings:update(id, { ... })" },
    { "schedule reserve", "client.service_bookings:book { ... }" },
  },
  notes = {
    { "get", "client.notes:list(appointment_id)" },
    { SYNONYMS.get, "client.notes:list(appointment_id)" },
  },
}

-- The method of a name that begins with its word: `list` for `listCalendars`, `get` for `get_calendar`.
local function first_word(name, methods)
  for _, method in ipairs(METHODS) do
    if methods[method] and find(name, "^" .. method .. "[%u_]") then return method end
  end
end

--- What to write instead of a method that a resource has not.
-- @tparam string resource_name
-- @tparam any name
-- @tparam table has name -> true, for the methods that there are
-- @treturn ?string a call, such as "client.events:list { ... }"
function advice.method(resource_name, name, has)
  if type(name) ~= "string" then return nil end
  local guess = fold(name)
  for _, entry in ipairs(ELSEWHERE[resource_name] or {}) do
    if has_word(entry[1], guess) then return entry[2] end
  end
  for _, entry in ipairs(FURTHER) do
    if has[entry[1]] and has_word(entry[2], guess) then return format("client.%s:%s(...)", resource_name, entry[1]) end
  end
  local method = first_word(name, has)
  for _, known in ipairs(METHODS) do
    if not method and has[known] and has_word(SYNONYMS[known], guess) then method = known end
  end
  return method and format("client.%s:%s(...)", resource_name, method)
end

-- Other APIs of the vendor, under the names of their resources.
local OTHER_APIS = "opportunity opportunities conversation conversations message messages "
  .. "payment payments order orders transaction transactions subscription subscriptions "
  .. "invoice invoices product products price prices form forms survey surveys workflow workflows campaign "
  .. "campaigns tag tags task tasks business businesses company companies funnel funnels blog blogs social "
  .. "socialmedia media medias email emails pipeline pipelines link links trigger triggers customfield "
  .. "customfields customvalue customvalues object objects association associations snapshot snapshots course "
  .. "courses voice voiceai phone phones store oauth webhook webhooks"

-- Guesses at a member of a client -> what to write instead.
local MEMBERS = {
  { "slots freeslots availability availableslots getslots getfreeslots", FREE_SLOTS },
  { "book bookings booking reserve", BOOK },
  { "team teams members teammembers staff", TEAM },
  { "blocks blockedslots blocked blockslot", "client.block_slots:list { ... }" },
  {
    "post put patch delete fetch call send http api raw",
    'client:request { method = "GET", path = "/calendars/" }',
  },
  { "get", 'client:request { method = "GET", path = "/calendars/" }, or client.calendars:get(id)' },
  { "rooms equipment equipments room", 'client.resources:list("rooms")' },
  { "catalog", "client.services" },
  { "token refresh login signin auth authenticate", "hoopai.new { token = ... } or hoopai.new { oauth = ... }" },
}

-- Options of a client, as if they were its members.
local OPTIONS = "locationid baseurl timeout retries apiversion options settings config"

--- What to say of a member that a client has not.
-- @tparam any name
-- @treturn ?string the rest of the message
function advice.member(name)
  if type(name) ~= "string" then return nil end
  local guess = fold(name)
  for _, entry in ipairs(MEMBERS) do
    if has_word(entry[1], guess) then return "write " .. entry[2] end
  end
  if has_word(OPTIONS, guess) then return "options cannot be read back: keep them in a variable of yours" end
  if has_word(OTHER_APIS, guess) then
    return format(
      "hoopai has the Calendars API, contacts, users and locations only; client:request reaches other endpoints, "
        .. 'such as client:request { method = "GET", path = "/%s/" }',
      lower(name)
    )
  end
end

-- Servers -------------------------------------------------------------------------------------------------------------

local REFUSED, HANDSHAKE = 7, 35 -- CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR

-- What TLS libraries say of a response that is no TLS.
local NO_TLS = { "wrong version number", "unknown protocol", "http request", "packet length", "unexpected TLS packet" }

local function is_loopback(host) return host == "localhost" or host == "[::1]" or find(host, "^127%.[%d.]+$") ~= nil end

local function refused(host, port, scheme)
  local options = { port and "port = " .. port, scheme == "https" and "tls = true" or nil }
  local serve = options[1] and format("serve { %s }", concat(options, ", ")) or "serve {}"
  return format(
    "connection refused: nothing listens at %s. Is the sandbox (or your server) running? Start it with "
      .. "%s -e 'require(\"hoopai.sandbox\").%s'",
    host .. (port and ":" .. port or ""),
    LUA,
    serve
  )
end

-- The message of a failed TLS handshake with a server that may speak plain HTTP.
local function no_tls(message, host, port)
  local at = host .. (port and ":" .. port or "")
  if is_loopback(host) then
    return format(
      "the server at %s does not speak TLS: if it is a plain http server, write http://%s (%s)",
      at,
      at,
      message
    )
  end
  for _, text in ipairs(NO_TLS) do
    if find(message, text, 1, true) then
      return format("the server at %s does not speak TLS: is the port that of https? (%s)", at, message)
    end
  end
end

--- Says in the message of an error what to do if the server of the base URL is not there, or is another one.
-- @tparam table err its `message` is changed
-- @tparam string base_url
function advice.connection(err, base_url)
  local scheme, host = match(base_url, "^(https?)://([^/]+)")
  if not scheme then return end
  local name, port = match(host, "^(.-):(%d+)$")
  host = name or host
  local text
  if err.curl_code == REFUSED and is_loopback(host) then
    text = refused(host, port, scheme)
  elseif err.curl_code == HANDSHAKE and scheme == "https" and not find(err.message, "does not speak TLS", 1, true) then
    text = no_tls(err.message, host, port)
  end
  err.message = text or err.message
end

return advice
