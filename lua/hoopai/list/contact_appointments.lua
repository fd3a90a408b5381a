--- `contacts:appointments`: the appointments of a contact, with instants. The API sends local times without a zone.
local arguments = require "hoopai.list.arguments"
local calls = require "hoopai.call"
local core = require "hoopai.core"
local endpoints = require "hoopai.call.endpoints"
local errors = require "hoopai.errors"
local options = require "hoopai.options"
local time = require "hoopai.time"
local turns = require "hoopai.booking.turns"

local format, match = string.format, string.match
local huge = math.huge
local ipairs, pairs, pcall, rawget, setmetatable, tonumber, type =
  ipairs, pairs, pcall, rawget, setmetatable, tonumber, type

local contact_appointments = {}

local WHAT, KEY = "contacts:appointments", "contacts.appointments"

-- State of a client and all that `with` made of it -> location id -> zone. A zone is read once.
local zones = setmetatable({}, { __mode = "k" })

--- Splits the last argument into `timezone`, which is the method's own, and the options of its calls.
local function split_options(given)
  if type(given) ~= "table" then return options.check_call(WHAT, given) end
  local rest, zone = options.copy(given), rawget(given, "timezone")
  rest.timezone = nil
  if zone ~= nil and (type(zone) ~= "string" or not time.zone(zone)) then
    errors.raise(format("option `timezone` of %s must be the name of a time zone, got %s", WHAT, errors.given(zone)))
  end
  return options.check_call(WHAT, rest), zone
end

--- The zone of a location, as its record has it.
-- @treturn[1] string
-- @treturn[2] nil
-- @treturn[2] Error
local function read_zone(state, location_id, call_options, known)
  if known[location_id] then return known[location_id] end
  local location, response = calls.perform(state, endpoints.find "locations.get", location_id, call_options)
  local zone = location and location.timezone
  if type(zone) == "string" and time.zone(zone) then
    known[location_id] = zone
    return zone
  end
  local err = response
  if location then
    err = errors.new {
      kind = "decode",
      method = "GET",
      path = "/locations/" .. location_id,
      status = response.status,
      attempts = response.attempts,
      message = "the location has no time zone that is known",
    }
  end
  err.message = format('%s; write %s(id, { timezone = "Area/City" })', err.message, WHAT)
  return nil, err
end

--- The same, read by one task at a time: the others find what it read.
local function zone_of(state, location_id, call_options)
  local shared = state.shared
  local known = zones[shared] or {}
  zones[shared] = known
  if known[location_id] then return known[location_id] end
  local key = format("zone %p %s", shared, location_id)
  local _, zone, err = turns.take(WHAT, key, huge, read_zone, state, location_id, call_options, known)
  return zone, err
end

--- The instant of a text of the API: local time, unless the text has an offset.
-- @treturn ?instant nil if the text is no instant
local function instant_of(text, zone)
  if type(text) ~= "string" then return nil end
  local year, month, day, hour, min, sec = match(text, "^(%d%d%d%d)%-(%d%d)%-(%d%d)[ T](%d%d):(%d%d):(%d%d)%.?%d*$")
  local ok, found
  if year then
    ok, found = pcall(time.at, {
      year = tonumber(year),
      month = tonumber(month),
      day = tonumber(day),
      hour = tonumber(hour),
      min = tonumber(min),
      sec = tonumber(sec),
      zone = zone,
    })
  else
    ok, found = pcall(time.parse, text)
    if ok and found then found = found:in_zone(zone) end
  end
  return ok and found or nil
end

--- A copy of an appointment with its instants.
local function with_instants(event, zone)
  local copy = {}
  for name, value in pairs(event) do
    copy[name] = value
  end
  copy.startInstant, copy.endInstant = instant_of(event.startTime, zone), instant_of(event.endTime, zone)
  return copy
end

--- An appointment of a contact, with its instants.
-- @table ContactAppointment
-- @tfield[opt] instant startInstant when it begins; nil if `startTime` cannot be read
-- @tfield[opt] instant endInstant when it ends; nil if `endTime` cannot be read

--- The appointments of a contact.
--
-- Their `startTime` and `endTime` are as the API sends them: local times without a zone, such as "2021-07-16 11:00:00".
-- `startInstant` and `endInstant` are what they mean in the zone of the option `timezone`, else in that of the
-- location, which is read once for a client (scope `locations.readonly`). Of a local time that comes twice the first is
-- meant.
-- @function Contacts:appointments
-- @tparam string contact_id
-- @tparam[opt] ContactAppointmentOptions call_options
-- @treturn[1] table a list of @{ContactAppointment}
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] Error
-- @raise for a wrong option

--- The options of `contacts:appointments`: those of a call, and
-- @table ContactAppointmentOptions
-- @tfield[opt] string timezone the zone of the times. Default: that of the location

function contact_appointments.appointments(_, state, contact_id, call_options, ...)
  arguments.check_last(WHAT, 2, ...)
  local zone
  call_options, zone = split_options(call_options)
  local listed, response = calls.perform(state, endpoints.find(KEY), contact_id, options.copy(call_options))
  if not listed then return nil, response end
  local found = {}
  for index, event in ipairs(listed) do
    if type(event) == "table" and event ~= core.null then
      local location_id = call_options and call_options.location_id or event.locationId or state.settings.location_id
      local its_zone, err = zone, nil
      if not its_zone and location_id then
        its_zone, err = zone_of(state, location_id, options.copy(call_options))
      end
      if err then return nil, err end
      event = its_zone and with_instants(event, its_zone) or event
    end
    found[index] = event
  end
  return found, response
end

return contact_appointments
