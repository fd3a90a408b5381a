--- What the fault server serves: just enough of the API for safe booking, and the truth about what was really done.
--
-- A slot has one seat, except in calendars whose id begins with "class". Refresh tokens rotate strictly: each works
-- once, and one that comes a second time is refused. Nothing here knows of faults.

local cjson = require "cjson"

local floor = math.floor
local ipairs, pairs, pcall, setmetatable, tonumber, tostring, type =
  ipairs, pairs, pcall, setmetatable, tonumber, tostring, type

local world = {}

local World = {}
World.__index = World

local HALF_HOUR = 30 * 60 * 1000
local MOST_SLOTS = 400 -- in one answer

-------------------------------------------------------------------------------------------------------------- time

local function days_of(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = year // 400
  local in_era = year - era * 400
  local in_year = (153 * (month + (month > 2 and -3 or 9)) + 2) // 5 + day - 1
  return era * 146097 + in_era * 365 + in_era // 4 - in_era // 100 + in_year - 719468
end

--- Milliseconds since 1970 of an ISO string with offset; nil for anything else.
local function to_ms(text)
  local year, month, day, hour, minute, second, rest =
    tostring(text):match("^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):(%d%d)(.*)$")
  if not year then return nil end
  local fraction, zone = rest:match("^(%.?%d*)(.+)$")
  local sign, hours, minutes = (zone or ""):match("^([+-])(%d%d):(%d%d)$")
  if not sign and zone ~= "Z" then return nil end
  local offset = sign and (hours * 60 + minutes) * (sign == "-" and -1 or 1) or 0
  local days = days_of(tonumber(year), tonumber(month), tonumber(day))
  local seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset * 60
  return floor(seconds * 1000 + (tonumber("0" .. fraction) or 0) * 1000)
end

local function to_iso(ms) return os.date("!%Y-%m-%dT%H:%M:%S", ms // 1000) .. "+00:00" end

------------------------------------------------------------------------------------------------------------ answers

local function json(status, value) return status, cjson.encode(value) end

local function refuse(status, message) return json(status, { statusCode = status, message = message }) end

local function decode(text)
  local ok, value = pcall(cjson.decode, text)
  return ok and type(value) == "table" and value or nil
end

------------------------------------------------------------------------------------------------------- appointments

local function seat_of(calendar_id, starts) return calendar_id .. "|" .. starts end

local function is_class(calendar_id) return calendar_id:sub(1, 5) == "class" end

local function view(record)
  return {
    id = record.id,
    calendarId = record.calendarId,
    locationId = record.locationId,
    contactId = record.contactId,
    title = record.title,
    description = record.description,
    appointmentStatus = record.appointmentStatus,
    startTime = record.startTime,
    endTime = record.endTime,
    dateAdded = record.dateAdded,
  }
end

local function put_into(index, key, record)
  local list = index[key]
  if not list then
    list = {}
    index[key] = list
  end
  list[#list + 1] = record
end

local function is_active(record)
  return record.appointmentStatus ~= "cancelled" and record.appointmentStatus ~= "invalid"
end

--- Counts one more change that was really made.
local function applied(self, what, key)
  self.applied[what] = (self.applied[what] or 0) + 1
  local counts = self.changes[what]
  counts[key] = (counts[key] or 0) + 1
end

function World:create(request)
  local body = request.json
  local starts = body and to_ms(body.startTime)
  if not starts or not body.calendarId or not body.contactId then
    return refuse(422, "calendarId, contactId and startTime are required")
  end
  local seat = seat_of(body.calendarId, starts)
  if self.seats[seat] and not is_class(body.calendarId) then
    return refuse(400, "The slot you have selected is no longer available.")
  end
  local number = self.records_made + 1
  self.records_made = number
  local ends = to_ms(body.endTime) or starts + HALF_HOUR
  local record = {
    id = "ap" .. number,
    calendarId = body.calendarId,
    locationId = body.locationId,
    contactId = body.contactId,
    title = body.title,
    description = body.description,
    appointmentStatus = body.appointmentStatus or "confirmed",
    startTime = body.startTime,
    endTime = body.endTime or to_iso(ends),
    dateAdded = to_iso(os.time() * 1000),
    starts = starts,
    ends = ends,
  }
  self.records[record.id] = record
  self.seats[seat] = record
  put_into(self.by_calendar, record.calendarId, record)
  put_into(self.by_contact, record.contactId, record)
  applied(self, "create", record.contactId)
  return json(201, view(record))
end

function World:get(request)
  local record = self.records[request.id]
  if not record then return refuse(404, "Appointment not found") end
  return json(200, { event = view(record) })
end

local CHANGEABLE = { "title", "description", "appointmentStatus" }

function World:update(request)
  local record, body = self.records[request.id], request.json
  if not record then return refuse(404, "Appointment not found") end
  if not body then return refuse(422, "the body is no object") end
  for _, name in pairs(CHANGEABLE) do
    if body[name] ~= nil then record[name] = body[name] end
  end
  local seat = seat_of(record.calendarId, record.starts)
  if not is_active(record) and self.seats[seat] == record then self.seats[seat] = nil end
  applied(self, "update", record.id)
  return json(200, view(record))
end

local function take_from(list, record)
  for position, item in pairs(list) do
    if item == record then return table.remove(list, position) end
  end
end

function World:delete(request)
  local record = self.records[request.id]
  if not record then return refuse(404, "Event not found") end
  self.records[record.id] = nil
  take_from(self.by_calendar[record.calendarId], record)
  take_from(self.by_contact[record.contactId], record)
  local seat = seat_of(record.calendarId, record.starts)
  if self.seats[seat] == record then self.seats[seat] = nil end
  applied(self, "delete", record.id)
  return json(201, { succeeded = true })
end

function World:list(request)
  local from, to = tonumber(request.query.startTime), tonumber(request.query.endTime)
  if not from or not to then return refuse(422, "startTime and endTime are milliseconds") end
  local events = {}
  for _, record in ipairs(self.by_calendar[request.query.calendarId] or {}) do
    if record.starts < to and record.ends > from then events[#events + 1] = view(record) end
  end
  if #events == 0 then return 200, '{"events":[]}' end
  return json(200, { events = events })
end

function World:free_slots(request)
  local from, to = tonumber(request.query.startDate), tonumber(request.query.endDate)
  if not from or not to then return refuse(422, "startDate and endDate are milliseconds") end
  local days, count = {}, 0
  local at = (from + HALF_HOUR - 1) // HALF_HOUR * HALF_HOUR
  while at < to and count < MOST_SLOTS do
    if is_class(request.id) or not self.seats[seat_of(request.id, floor(at))] then
      local slot = to_iso(floor(at))
      local day = slot:sub(1, 10)
      days[day] = days[day] or { slots = {} }
      days[day].slots[#days[day].slots + 1] = slot
      count = count + 1
    end
    at = at + HALF_HOUR
  end
  days.traceId = "trace"
  return json(200, days)
end

-------------------------------------------------------------------------------------------------- service bookings

-- A member of the staff has one booking at a time. `calendar` of a booking is that member, whose id begins with "class"
-- if any number is taken.

local function service_view(record)
  return {
    bookingId = record.id,
    locationId = record.locationId,
    contactId = record.contactId,
    serviceLocationId = "place",
    title = record.title,
    startTime = record.startTime,
    endTime = record.endTime,
    timezone = record.timezone,
    services = { { id = record.service, serviceCategoryId = "cat", serviceStaffId = record.calendarId } },
    status = record.appointmentStatus,
    deleted = false,
    dateAdded = record.dateAdded,
    dateUpdated = record.dateAdded,
    createdBy = { source = "integration" },
  }
end

-- By location and day, so that a list of an hour need not look at all.
local function day_key(location_id, day) return ("%s|%d"):format(location_id, day) end

local function day_of(record) return day_key(record.locationId, record.starts // 86400000) end

local function new_service_number(self)
  self.services_made = self.services_made + 1
  return self.services_made
end

function World:create_service(request)
  local body = request.json
  local service = body and type(body.services) == "table" and body.services[1]
  local starts, ends = to_ms(body and body.startTime), to_ms(body and body.endTime)
  if not starts or not ends or not body.contactId or not service or not service.staffId then
    return refuse(422, "contactId, startTime, endTime and services are required")
  end
  local seat = seat_of("staff " .. service.staffId, starts)
  if self.seats[seat] and not is_class(service.staffId) then
    return refuse(400, "The slot you have selected is no longer available.")
  end
  local record = {
    id = "sb" .. new_service_number(self),
    service = service.id,
    calendarId = service.staffId,
    locationId = body.locationId,
    contactId = body.contactId,
    title = body.title or "Service",
    timezone = body.timezone,
    appointmentStatus = body.status or "confirmed",
    startTime = body.startTime,
    endTime = body.endTime,
    dateAdded = to_iso(os.time() * 1000),
    starts = starts,
    ends = ends,
  }
  self.service_records[record.id] = record
  self.seats[seat] = record
  put_into(self.services_by_day, day_of(record), record)
  put_into(self.by_contact, record.contactId, record)
  applied(self, "create", record.contactId)
  return json(201, service_view(record))
end

function World:get_service(request)
  local record = self.service_records[request.id]
  if not record then return refuse(404, "Service booking not found") end
  return json(200, service_view(record))
end

function World:update_service(request)
  local record, body = self.service_records[request.id], request.json
  if not record then return refuse(404, "Service booking not found") end
  if not body then return refuse(422, "the body is no object") end
  record.title, record.appointmentStatus = body.title or record.title, body.status or record.appointmentStatus
  applied(self, "update", record.id)
  return json(200, service_view(record))
end

function World:delete_service(request)
  local record = self.service_records[request.id]
  if not record then return refuse(404, "Service booking not found") end
  self.service_records[record.id] = nil
  take_from(self.services_by_day[day_of(record)], record)
  take_from(self.by_contact[record.contactId], record)
  local seat = seat_of("staff " .. record.calendarId, record.starts)
  if self.seats[seat] == record then self.seats[seat] = nil end
  applied(self, "delete", record.id)
  return json(200, { success = true, message = "deleted" })
end

function World:list_services(request)
  local from, to = tonumber(request.query.startTime), tonumber(request.query.endTime)
  if not from or not to then return refuse(422, "startTime and endTime are milliseconds") end
  local found = {}
  for day = floor(from // 86400000) - 1, floor(to // 86400000) do
    for _, record in ipairs(self.services_by_day[day_key(request.query.locationId, day)] or {}) do
      if record.starts < to and record.ends > from then found[#found + 1] = service_view(record) end
    end
  end
  if #found == 0 then return 200, '{"bookings":[]}' end
  return json(200, { bookings = found })
end

------------------------------------------------------------------------------------------------------------- tokens

local function form_of(text)
  local form = {}
  for name, value in text:gmatch("([^&=]+)=([^&]*)") do
    form[name] = value:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
  end
  return form
end

--- The next pair of tokens. The first of each location may be one that the API refuses at once, so that it is renewed.
local function issue(self)
  local tokens = self.tokens
  tokens.generation = tokens.generation + 1
  tokens.access = "access-" .. tokens.generation
  tokens.refresh = "refresh-" .. tokens.generation
  return json(200, {
    access_token = tokens.access,
    refresh_token = tokens.refresh,
    token_type = "Bearer",
    expires_in = 86400,
    scope = "calendars/events.write",
    userType = "Location",
    locationId = "l",
    companyId = "c",
    userId = "u",
  })
end

function World:token(request)
  local form, presented, tokens = request.form, request.presented, self.tokens
  local is_good = form.grant_type == "refresh_token" and presented == tokens.refresh
    or form.grant_type == "authorization_code" and not tokens.spent[presented]
  if not is_good then
    tokens.reuses = tokens.reuses + 1
    return json(400, { error = "invalid_grant", error_description = "The token or code was used before." })
  end
  tokens.spent[presented] = true
  applied(self, "token", presented)
  return issue(self)
end

------------------------------------------------------------------------------------------------------------ requests

local ROUTES = {
  { "POST", "^/calendars/events/appointments$", "create", "once" },
  { "GET", "^/calendars/events/appointments/([^/]+)$", "get", "safe" },
  { "PUT", "^/calendars/events/appointments/([^/]+)$", "update", "idempotent" },
  { "DELETE", "^/calendars/events/([^/]+)$", "delete", "idempotent" },
  { "GET", "^/calendars/events$", "list", "safe" },
  { "GET", "^/calendars/([^/]+)/free%-slots$", "free_slots", "safe" },
  { "POST", "^/calendars/services/bookings$", "create_service", "once" },
  { "GET", "^/calendars/services/bookings$", "list_services", "safe" },
  { "GET", "^/calendars/services/bookings/([^/]+)$", "get_service", "safe" },
  { "PUT", "^/calendars/services/bookings/([^/]+)$", "update_service", "idempotent" },
  { "DELETE", "^/calendars/services/bookings/([^/]+)$", "delete_service", "idempotent" },
  { "POST", "^/oauth/token$", "token", "token" },
}

--- Classifies a request: sets its action, class ("safe", "idempotent", "once", "token"; "?" for none), id and query.
function world.classify(request)
  local path, query = request.target:match("^([^?]*)%??(.*)$")
  request.path, request.class, request.query = path, "?", {}
  for _, route in ipairs(ROUTES) do
    local id = request.method == route[1] and path:match(route[2])
    if id then
      request.action, request.class, request.id = route[3], route[4], id
      if query ~= "" then request.query = form_of(query) end
      return
    end
  end
end

local function count(counts, key) counts[key] = (counts[key] or 0) + 1 end

--- Enters a request into the ledger, whatever will become of it.
function World:arrive(request)
  if request.class == "token" then
    request.form = form_of(request.body)
    request.presented = request.form.refresh_token or request.form.code or "nothing"
    count(self.tokens.presented, request.presented)
  elseif request.class ~= "safe" then
    request.json = decode(request.body)
    if request.class == "once" and request.json then count(self.arrived, tostring(request.json.contactId)) end
  end
end

--- Does what a classified request asks for.
-- @return status, body
function World:handle(request)
  if not request.action then return refuse(404, "Cannot " .. request.method .. " " .. request.path) end
  local is_refused = self.tokens.only_current
    and request.class ~= "token"
    and (request.authorization ~= "Bearer " .. tostring(self.tokens.access) or self.tokens.generation <= 1)
  if is_refused then return refuse(401, "Invalid JWT") end
  return self[request.action](self, request)
end

--- What became of a contact's bookings.
function World:contact(contact)
  local booked = {}
  for position, record in ipairs(self.by_contact[contact] or {}) do
    booked[position] = { id = record.id, starts = record.starts, calendar = record.calendarId }
  end
  return { arrived = self.arrived[contact] or 0, created = self.changes.create[contact] or 0, booked = booked }
end

--- What was really done. See spec/support/fault_server.lua.
function World:ledger()
  local titles = {}
  for _, records in ipairs { self.records, self.service_records } do
    for id, record in pairs(records) do
      titles[id] = record.title
    end
  end
  return {
    applied = self.applied,
    changes = self.changes,
    presented = self.tokens.presented,
    reuses = self.tokens.reuses,
    current = self.tokens.access,
    titles = titles,
  }
end

--- A world of its own.
-- @tparam table given `records`: how many appointments ("ap1" ...) there are from the start; `services`: how many
-- service bookings ("sb1" ...); `only_current`: whether the API accepts the last access token
-- alone, and not the first one
function world.new(given)
  local self = setmetatable({
    records = {},
    service_records = {},
    services_by_day = {},
    records_made = 0,
    services_made = 0,
    seats = {},
    by_calendar = {},
    by_contact = {},
    applied = {},
    arrived = {},
    changes = { create = {}, update = {}, delete = {}, token = {} },
    tokens = { generation = 0, spent = {}, presented = {}, reuses = 0, only_current = given.only_current },
  }, World)
  for number = 1, given.records or 0 do
    self:create {
      json = {
        calendarId = "seeded",
        locationId = "l",
        contactId = "seeded" .. number,
        title = "before",
        startTime = to_iso(number * HALF_HOUR),
      },
    }
  end
  for number = 1, given.services or 0 do
    self:create_service {
      json = {
        locationId = "l",
        contactId = "served" .. number,
        title = "before",
        timezone = "America/New_York",
        startTime = to_iso(number * HALF_HOUR),
        endTime = to_iso((number + 1) * HALF_HOUR),
        services = { { id = "s", staffId = "seeded" } },
      },
    }
  end
  self.applied, self.changes.create = {}, {} -- those are not what a client did
  return self
end

return world
