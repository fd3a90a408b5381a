--- What to write instead of a name that a public module or object has not. Loaded only when one is used.
local spelling = require "hoopai.errors.spelling"

local ipairs = ipairs
local fold, has_word = spelling.fold, spelling.has_word

local names = {}

local CLIENT = "it is a member of a client: write local client = hoopai.new { ... }, then client."
local OF_APP = "an app refreshes and supplies the tokens by itself: write hoopai.new { oauth = app, location_id = ... }"
local START_OF = "write hoopai.time.now():start_of_day(zone), with a zone such as "
  .. '"America/Chicago", and add hoopai.time.days(1)'
local UNITS = "write hoopai.time.months(n) or hoopai.time.years(n)"
local AT = 'write hoopai.time.day("2026-12-15", zone), or hoopai.time.at { year = ..., month = ..., day = ..., '
  .. "zone = ... }"
local READ_TEXT = 'write hoopai.time.parse("2024-10-28T10:00:00-05:00")'

-- What has not the name -> list of names, without case and `_`, and the text.
local TEXTS = {
  hoopai = {
    { "client connect create createclient newclient session open setup configure init", "write hoopai.new { ... }" },
    { "wait delay pause usleep", "write hoopai.sleep(seconds); task:join() waits for a task" },
    { "await", "a call waits by itself; task:join() waits for a task" },
    { "async go fork thread task start coroutine", "write hoopai.spawn(fn, ...)" },
    { "main runloop eventloop", "write hoopai.run(fn, ...)" },
    { "gather parallel waitall joinall promiseall", "write hoopai.all { fn, ... }" },
    { "foreach each pmap", "write hoopai.map(items, fn)" },
    { "any first select", "write hoopai.race { fn, ... }" },
    { "sandbox", 'it is a module of its own: write require("hoopai.sandbox").start()' },
    { "logger logging debug", "write hoopai.new { on = hoopai.log() }" },
    { "dryrun simulate preview", "it is an option: write hoopai.new { dry_run = true }" },
    { "ics icalendar vcalendar toical toics", "write hoopai.ical(events)" },
    { "now today utcnow", "write hoopai.time.now()" },
    { "day date", 'write hoopai.time.day("2026-12-15", zone)' },
    {
      "duration milliseconds seconds minutes hours days weeks months years",
      "write hoopai.time.days(n), hours(n) ...",
    },
    { "app auth login signin", "write hoopai.oauth { ... }" },
    { "none nil jsonnull", "write hoopai.null" },
    { "list jsonarray emptyarray", "write hoopai.array {}" },
    { "book", CLIENT .. "appointments:book { ... }" },
    { "freeslots", CLIENT .. "calendars:free_slots(calendar_id, { ... })" },
    { "request get post put delete", CLIENT .. "request { ... }" },
    { "calendars calendar", CLIENT .. "calendars" },
    { "groups group", CLIENT .. "groups" },
    { "events event", CLIENT .. "events" },
    { "appointments appointment", CLIENT .. "appointments" },
    { "blockslots blockslot", CLIENT .. "block_slots" },
    { "notes note", CLIENT .. "notes" },
    { "resources resource", CLIENT .. "resources" },
    { "notifications notification", CLIENT .. "notifications" },
    { "schedules schedule", CLIENT .. "schedules" },
    { "eventschedules eventschedule", CLIENT .. "event_schedules" },
    { "services service", CLIENT .. "services" },
    { "servicebookings servicebooking", CLIENT .. "service_bookings" },
    { "servicelocations servicelocation", CLIENT .. "service_locations" },
    { "contacts contact", CLIENT .. "contacts" },
    { "users user", CLIENT .. "users" },
    { "locations location", CLIENT .. "locations" },
  },
  time = {
    { "today tomorrow yesterday midnight startofday", START_OF },
    { "month year quarter quarters", UNITS },
    { "date datetime new instant local of make parseday fromdate", AT },
    { "unix fromunix timestamp fromtimestamp epoch fromepoch", "write hoopai.time.from_seconds(seconds)" },
    { "iso fromiso fromstring strptime", READ_TEXT },
    { "format strftime", 'write instant:format("%Y-%m-%d", zone)' },
    { "inzone tozone convert", 'write instant:in_zone("America/Chicago")' },
    { "utc utcnow gmtime", 'write hoopai.time.now():in_zone("UTC")' },
  },
  instant = {
    { "strftime tostring isoformat toiso", 'write start:format("%Y-%m-%d %H:%M"), or start:iso()' },
    { "add plus adddays addweeks addhours addminutes", "write start + hoopai.time.days(1)" },
    { "addmonths addmonth addyears addyear nextmonth", "write start + hoopai.time.months(1)" },
    { "startofday midnight", "write start:start_of_day()" },
    { "startofweek", "write start:start_of_week()" },
    { "startofmonth", "write start:start_of_month()" },
    { "startofyear", "write start:start_of_year()" },
    { "sub subtract minus diff", "write start - hoopai.time.days(1), or finish - start" },
    { "seconds unix timestamp epoch totimestamp time", "write start:ms() // 1000" },
    { "milliseconds toms millis", "write start:ms()" },
    { "inzone tozone timezone settimezone astimezone tz toutc", 'write start:in_zone("America/Chicago")' },
    { "isdst", "write start:date().isdst" },
    { "endofday", "write start:start_of_day() + hoopai.time.days(1)" },
    { "endofweek", "write start:start_of_week() + hoopai.time.weeks(1)" },
    { "endofmonth", "write start:start_of_month() + hoopai.time.months(1)" },
    { "endofyear", "write start:start_of_year() + hoopai.time.years(1)" },
    { "weekday", "write start:date().wday" },
  },
  store = {
    { "database db sql sqlite custom table new", "a store of your own is a table with get, put and lock" },
    { "folder directory dir disk path open", "write hoopai.store.file(path)" },
    { "ram inmemory", "write hoopai.store.memory()" },
  },
  redis = {
    { "connect new client open call", "write hoopai.redis.lua_redis(connect), or luv or cqueues with options" },
    { "store tokens", "write hoopai.store.redis { call = call }" },
    { "ratelimit limit", "write hoopai.rate_limit.redis { call = call }" },
  },
  app = {
    { "token tokens accesstoken gettoken refresh refreshtoken renew", OF_APP },
    {
      "calendars groups events appointments blockslots notes resources notifications schedules eventschedules services "
        .. "servicebookings servicelocations contacts users request",
      OF_APP,
    },
    { "with new", OF_APP },
    { "authorizeurl authorize authurl login signin url authorizationurl", "write app:authorize_url { ... }" },
    { "exchangecode callback code fetchtoken handlecallback", "write app:exchange { code = ... }" },
    { "locations listlocations", "write app:installed_locations { company_id = ... }" },
  },
  sandbox = {
    { "new create open launch", 'write require("hoopai.sandbox").start()' },
    { "run exec", 'write require("hoopai.sandbox").serve { run = "lua5.4 script.lua" }' },
  },
  handle = {
    { "baseurl address host endpoint", "write `url`" },
    { "location locationid", "write `location_id`" },
    { "accesstoken apikey key", "write `token`" },
    { "close shutdown kill", "write sandbox:stop()" },
    { "calendars contacts users groups schedules resources appointments ids data", "write sandbox.seed" },
    { "clientid clientsecret companyid", "write sandbox.oauth" },
  },
}

--- What to write instead of a name.
-- @tparam string kind what has not the name: "hoopai", "time", "app" ...
-- @tparam string name
-- @treturn ?string a text for the end of a message
function names.find(kind, name)
  if #name > 64 then return nil end
  local wanted = fold(name)
  for _, entry in ipairs(TEXTS[kind] or {}) do
    if wanted ~= "" and has_word(entry[1], wanted) then return entry[2] end
  end
end

return names
