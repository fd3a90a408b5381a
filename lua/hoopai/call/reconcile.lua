--- Was a change made whose answer was lost? What to read to find out, and what it says. Pure: the reading is the
-- caller's.
--
-- Endpoints of class U declare in `verify` whether their record can be got by its id ("get"), found in a list ("list"),
-- or not looked up at all ("none").
local _ENV = require "hoopai.standard"
local core = require "hoopai.core"
local time = require "hoopai.time"

local ipairs, next, pairs, rawequal, type = ipairs, next, pairs, rawequal, type
local to_epoch_ms = time.to_epoch_ms
local null = core.null

local verify = {}

local HOUR = 3600000
local SLACK = 1000 -- milliseconds: a Date header has whole seconds

------------------------------------------------------------------------------------------------------- what to read

--- A blocked time is found in the list of its owner, where the change says when it is.
local function blocked_window(body)
  local from, to = body and body.startTime, body and body.endTime
  if not from or not to then return nil end
  return {
    calendarId = body.calendarId, userId = body.assignedUserId,
    startTime = to_epoch_ms(from) - HOUR, endTime = to_epoch_ms(to) + HOUR,
  }
end

local function list_query(lookup, body, location_id)
  if lookup == "block_slots.list" then
    local query = blocked_window(body)
    if query then query.locationId = body.locationId end
    return query
  end
  if lookup == "notes.list" then return { limit = 20, offset = 0 } end
  return location_id and {} or nil
end

--- How to look up the record that a change was about.
-- @tparam table endpoint `verify`, `verify_with` (such as "calendars.get"), `id_count`, `method`
-- @tparam integer lookup_ids how many ids the endpoint to read takes
-- @tparam table arguments the ids of the call
-- @tparam ?table body what was sent
-- @tparam ?string location_id of the call
-- @treturn ?table `ids` and `query` to read with, and `id`: which entry of a list it is; nil where it cannot be done
function verify.plan(endpoint, lookup_ids, arguments, body, location_id)
  local ids = {}
  for index = 1, lookup_ids do ids[index] = arguments[index] end
  if endpoint.reconcile == "get" then return { ids = ids } end
  local query = list_query(endpoint.reconcile_with, body, location_id)
  return query and { ids = ids, query = query, id = arguments[endpoint.id_count] }
end

---------------------------------------------------------------------------------------------------- what it says

local same

local function same_instant(wanted, found)
  local a, b = to_epoch_ms(wanted), to_epoch_ms(found)
  return a ~= nil and a == b
end

--- An object of a request may leave out what it does not change.
local function same_table(wanted, found, field)
  if type(found) ~= "table" then return false end
  if wanted[1] ~= nil or next(wanted) == nil then
    if #wanted ~= #found then return false end
    for index, item in ipairs(wanted) do
      if not same(item, found[index], field and field.items) then return false end
    end
    return true
  end
  for name, value in pairs(wanted) do
    if found[name] == nil or not same(value, found[name]) then return false end
  end
  return true
end

function same(wanted, found, field)
  if rawequal(wanted, null) then return found == nil or rawequal(found, null) end
  if field and field.type == "datetime" then return same_instant(wanted, found) end
  if type(wanted) == "table" then return same_table(wanted, found, field) end
  return wanted == found
end

local function field_of(fields, name)
  for _, field in ipairs(fields) do
    if field.name == name then return field end
  end
end

--- Compares what was to be set with what is there.
-- @treturn string "differs", "same"; "partly": what can be seen is the same, and something cannot be seen; "nothing"
local function compare(body, record, fields)
  local verdict, hidden = "nothing", false
  for name, wanted in pairs(body) do
    local field, found = field_of(fields, name), record[name]
    if name == "appointmentStatus" and found == nil then found = record.appoinmentStatus end
    if found ~= nil or field and rawequal(wanted, null) then
      if not same(wanted, found, field) then return "differs" end
      verdict = "same"
    elseif field or type(wanted) ~= "boolean" then -- a switch that no record has tells how to change it, not what
      hidden = true
    end
  end
  return verdict == "same" and hidden and "partly" or verdict
end

local function has_member(record, name, value)
  for _, member in ipairs(type(record[name]) == "table" and record[name] or {}) do
    if member == value then return true end
  end
  return false
end

local function judge_removal(endpoint, arguments, record)
  if endpoint.member then
    if not record then return "unknown" end
    return has_member(record, endpoint.member, arguments[2]) and "unchanged" or "applied"
  end
  return (record == nil or record.deleted == true) and "applied" or "unchanged"
end

--- By how many milliseconds the record was changed after our request left; nil where that is not known.
local function changed_after(record, sent_ms)
  local changed = record.dateUpdated and to_epoch_ms(record.dateUpdated)
  return changed and sent_ms and changed - sent_ms
end

--- What the record says of the change.
-- @tparam table endpoint `method`, `member`
-- @tparam table arguments the ids of the call
-- @tparam ?table body what was sent
-- @tparam ?table record what was read; nil = it is not there
-- @tparam table fields of the record, as the endpoint that was read declares them
-- @tparam ?integer sent_ms when the request left, on the server's clock
-- @treturn string "applied"; "unchanged": it may be sent again; "conflict": somebody else changed the record since;
-- "unknown"
function verify.judge(endpoint, arguments, body, record, fields, sent_ms)
  if endpoint.method == "DELETE" then return judge_removal(endpoint, arguments, record) end
  if not record then return "unknown" end
  if endpoint.member then return has_member(record, endpoint.member, arguments[2]) and "applied" or "unchanged" end
  local found, later = compare(body or {}, record, fields), changed_after(record, sent_ms)
  if found == "nothing" then return "unknown" end
  if found == "same" then return "applied" end
  if found == "partly" then return later and later >= -SLACK and "applied" or "unknown" end
  return later and later > SLACK and "conflict" or "unchanged"
end

--- What a call returns whose change was found made: the record where the endpoint answers one, else a confirmation.
-- @tparam table endpoint
-- @tparam ?table record
-- @treturn table
function verify.result(endpoint, record)
  local kind = endpoint.result.type or {}
  local confirmation = {}
  for _, field in ipairs(kind.fields or {}) do
    if field.name == "id" and record then return record end
    if field.type == "boolean" and (field.name == "success" or field.name == "succeeded") then
      confirmation[field.name] = true
    end
  end
  return confirmation
end

return verify
