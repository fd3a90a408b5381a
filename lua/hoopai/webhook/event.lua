--- The event of a webhook: its body as it was sent, with instants beside the texts of times.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local lazy = require "hoopai.lazy"
local private = require "hoopai.private"
local time = require "hoopai.time"

local ipairs, next, pairs, pcall, setmetatable, tonumber, type =
  ipairs, next, pairs, pcall, setmetatable, tonumber, type
local byte, find, format, gsub, sub = string.byte, string.find, string.format, string.gsub, string.sub
local math_type, tointeger = math.type, math.tointeger

local get_crypto = lazy.optional "hoopai.crypto"

local LONGEST_ID = 128 -- bytes: a longer id is replaced by a digest
local LEAST_MS = 100000000000 -- a smaller number is no time in milliseconds, but one in seconds

local event = {}

--- What a webhook says, as @{Webhook:verify} returns it. All fields of the body are there as they were sent, also those
-- of types that the library does not know; null is nil. Any of them may be missing. A script may change an event:
-- `app:apply` and `webhook:release` go by what was verified.
-- @table Event
-- @tfield[opt] string type such as "AppointmentCreate" or "INSTALL"
-- @tfield[opt] string locationId the location
-- @tfield[opt] string appId the app, whose client_id begins so
-- @tfield[opt] string webhookId the same in each delivery of this event
-- @tfield[opt] string timestamp when the event was sent first, as it was sent
-- @tfield[opt] instant instant the same as a time of `hoopai.time`
-- @tfield[opt] table appointment of types that begin with "Appointment": the appointment, also if its fields stand in
-- the body itself, or in a field `body` or `data`
-- @tfield table instants the instants of all texts beside it that are times: name -> instant. Each table within an
-- event with such texts has an `instants` of its own, such as `event.appointment.instants.startTime`
-- @tfield string raw the body, unchanged

local Event = private.seal { __name = "hoopai.Event" }
local states = private.states "hoopai.Event" -- event -> what was verified

--- Neither names nor addresses: a log may show it.
function Event:__tostring()
  local state = states[self]
  if not state then return "hoopai.Event" end
  local kind = type(state.type) == "string" and state.type or "without a type"
  return errors.report(format("hoopai.Event (%s, %s)", kind, state.id))
end

local DATE_TIME = "^%d%d%d%d%-%d%d%-%d%d[Tt ]%d%d:%d%d"

local function add_instants(record)
  local instants
  for name, value in pairs(record) do
    if type(value) == "table" then
      add_instants(value)
    elseif type(value) == "string" and find(value, DATE_TIME) then
      local instant = time.parse(value)
      if instant then
        instants = instants or {}
        instants[name] = instant
      end
    end
  end
  if instants and record.instants == nil then record.instants = instants end
end

--- The instant of the field `timestamp`: a text with an offset, or milliseconds since 1970.
local function instant_of(timestamp)
  if type(timestamp) == "string" and find(timestamp, "^%d+$") then timestamp = tointeger(tonumber(timestamp)) end
  if type(timestamp) == "string" then return (time.parse(timestamp)) end
  if math_type(timestamp) ~= "integer" or timestamp < LEAST_MS then return nil end
  local ok, instant = pcall(time.from_ms, timestamp)
  return ok and instant or nil
end

local ENVELOPE = { type = true, locationId = true, appId = true, versionId = true, timestamp = true, webhookId = true }

--- The appointment of an event, wherever its fields are.
local function appointment_of(fields)
  for _, name in ipairs { "appointment", "body", "data" } do
    if type(fields[name]) == "table" then return fields[name] end
  end
  local copy = {}
  for name, value in next, fields do
    if not ENVELOPE[name] then copy[name] = value end
  end
  return next(copy) ~= nil and copy or nil
end

local function text_or_nil(value) return type(value) == "string" and value or nil end

--- By what an event is known when it comes again: its webhookId. A retry has the same bytes, so without an id a digest
-- of them does.
local function id_of(fields, raw)
  local id = text_or_nil(fields.webhookId)
  if id and id ~= "" and #id <= LONGEST_ID then return id end
  return "sha256:" .. gsub(get_crypto().sha256(raw), ".", function(char) return format("%02x", byte(char)) end)
end

--- Reads the body of a webhook whose signature is right.
-- @tparam string raw
-- @treturn[1] Event
-- @treturn[1] table what was verified: `id`, `ms` (nil without a time), `type`, `location_id`, `company_id`, `app_id`
-- @treturn[2] nil
-- @treturn[2] string why it is no event
function event.read(raw)
  if not find(raw, "^%s*{") then return nil, "it is no JSON object" end
  local fields, problem = core.decode(raw)
  if problem then return nil, problem end
  if type(fields.type) == "string" and sub(fields.type, 1, 11) == "Appointment" then
    fields.appointment = appointment_of(fields)
  end
  add_instants(fields)
  fields.instants = type(fields.instants) == "table" and fields.instants or {}
  fields.instant = instant_of(fields.timestamp)
  fields.raw = raw
  local state = {
    id = id_of(fields, raw),
    ms = fields.instant and fields.instant:ms(),
    type = fields.type,
    location_id = text_or_nil(fields.locationId),
    company_id = text_or_nil(fields.companyId),
    app_id = text_or_nil(fields.appId),
  }
  return setmetatable(fields, Event), state
end

--- Marks an event as one that passed all checks.
-- @tparam Event object
-- @tparam table state
function event.trust(object, state) states[object] = state end

return event
