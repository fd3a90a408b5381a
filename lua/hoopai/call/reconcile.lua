--- Was a change made whose response was lost? Reads the record and compares it with what the change asked for.
--
-- An idempotent endpoint declares in `reconcile` whether its record is read by its id ("get"), in a list ("list"), or
-- cannot be reconciled ("none").
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local failure = require "hoopai.call.failure"
local retry = require "hoopai.call.retry"
local time = require "hoopai.time"

local ipairs, next, pairs, rawequal, type = ipairs, next, pairs, rawequal, type
local sort = table.sort
local to_epoch_ms, now = time.to_epoch_ms, core.now
local null = core.null

local reconcile = {}

local HOUR = 3600000
local SLACK = 1000 -- milliseconds: a Date header has whole seconds
local MOST_PAGES = 50 -- of a list in which a record is looked for

-- What to read

--- The query that lists a blocked time of its owner; nil if the change does not say when it is.
local function blocked_window(body)
  local from, to = body and to_epoch_ms(body.startTime), body and to_epoch_ms(body.endTime)
  if not from or not to then return nil end
  return {
    calendarId = body.calendarId ~= null and body.calendarId or nil, -- null when the block moves to a user
    userId = body.assignedUserId ~= null and body.assignedUserId or nil,
    startTime = from - HOUR,
    endTime = to + HOUR,
  }
end

local function list_query(lookup, body, has_location)
  if lookup == "block_slots.list" then
    local query = blocked_window(body)
    if query then query.locationId = body.locationId end
    return query
  end
  if lookup == "notes.list" then return { limit = 20, offset = 0 } end
  return has_location and {} or nil
end

--- The name under which the records of a type have their identifier.
local function id_name(kind) return kind.id or "id" end

--- Reads the record by its id.
-- @treturn[1] ?table the record; nil if the record does not exist
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] Error
local function read_one(read, reader, ids)
  local record, response = read(reader, ids)
  if record == nil and response.kind == "not_found" then response = response.response end
  local id = record and record[id_name(reader.result.type)]
  if type(id) == "string" and id ~= ids[#ids] then
    return nil, errors.new { kind = "decode", message = "the response has another record: " .. id }
  end
  return record, response
end

local function entry_with(list, id, name)
  for _, entry in ipairs(list) do
    if type(entry) == "table" and entry[name] == id then return entry end -- a list may hold null
  end
end

--- Reads the pages of a list until one has the record; returns the same.
local function find_in_list(read, reader, ids, query, id)
  for _ = 1, MOST_PAGES do
    local list, response = read(reader, ids, query)
    if list == nil then return nil, response end
    local record = entry_with(list, id, id_name(reader.result.type.items))
    if record or not response.extra.hasMore then return record, response end
    if not query.offset then break end -- a list that should be whole
    query.offset = query.offset + query.limit
  end
  return nil, errors.new { kind = "too_large", message = "the list does not end" }
end

--- Reads the record that a change was about; returns the same, or nothing if it cannot be read.
local function read_record(prepared, reader, read)
  local endpoint, ids = prepared.endpoint, {}
  for index = 1, reader.id_count do
    ids[index] = prepared.ids[index]
  end
  if endpoint.reconcile == "get" then return read_one(read, reader, ids) end
  local query = list_query(endpoint.reconcile_with, prepared.fields, prepared.rate_limit_key ~= "")
  if query then return find_in_list(read, reader, ids, query, prepared.ids[endpoint.id_count]) end
end

-- Comparison

local match

local function same_instant(wanted, found)
  local a, b = to_epoch_ms(wanted), to_epoch_ms(found)
  return a ~= nil and a == b
end

local function field_of(fields, name)
  for _, field in ipairs(fields or {}) do
    if field.name == name then return field end
  end
end

--- A copy of a list in the order of the ids of its items; the list if one has none.
local function by_id(list)
  local copy = {}
  for index, item in ipairs(list) do
    if type(item) ~= "table" or type(item.id) ~= "string" then return list end
    copy[index] = item
  end
  sort(copy, function(a, b) return a.id < b.id end)
  return copy
end

local function match_list(wanted, found, items, any_order)
  if #wanted ~= #found then return "differs" end
  if any_order then
    wanted, found = by_id(wanted), by_id(found)
  end
  local verdict = "same"
  for index, item in ipairs(wanted) do
    local one = match(item, found[index], items)
    if one == "differs" then return one end
    if one == "hidden" then verdict = one end
  end
  return verdict
end

--- An object of a request may leave out what it does not change. Some fields have another name in a response, and some
-- are in none.
local function match_object(wanted, found, fields)
  local verdict = "same"
  for name, value in pairs(wanted) do
    local field = field_of(fields, name)
    local shown_as = field and field.shown_as
    local one = "hidden"
    if shown_as ~= false then one = match(value, found[shown_as or name], field) end -- null is the same as absent
    if one == "differs" then return one end
    if one == "hidden" then verdict = one end
  end
  return verdict
end

--- Compares a value that was sent with that of the record.
-- @treturn string "same", "differs", or "hidden": what can be seen is the same
function match(wanted, found, field)
  if rawequal(wanted, null) then return (found == nil or rawequal(found, null)) and "same" or "differs" end
  if field and field.type == "datetime" then return same_instant(wanted, found) and "same" or "differs" end
  if type(wanted) ~= "table" then return wanted == found and "same" or "differs" end
  if type(found) ~= "table" then return found == nil and next(wanted) == nil and "same" or "differs" end
  if wanted[1] ~= nil or next(wanted) == nil then
    return match_list(wanted, found, field and field.items, field and field.any_order)
  end
  return match_object(wanted, found, field and field.fields)
end

--- Compares what was to be set with what is there.
-- @tparam table body
-- @tparam table record
-- @tparam table fields of the record
-- @tparam ?table sent_fields those of the body
-- @treturn string "differs", "same"; "partly": what can be seen is the same, and something cannot be seen; "nothing"
local function compare_fields(body, record, fields, sent_fields)
  local verdict, hidden = "nothing", false
  for name, wanted in pairs(body) do
    local field, sent, found = field_of(fields, name), field_of(sent_fields, name), record[name]
    if name == "appointmentStatus" and found == nil then found = record.appoinmentStatus end
    if found ~= nil or field and rawequal(wanted, null) then
      local one = match(wanted, found, sent or field)
      if one ~= "differs" then
        verdict, hidden = "same", hidden or one == "hidden"
      elseif sent and sent.computed then
        hidden = true -- the server may have set another value
      else
        return "differs"
      end
    elseif field or type(wanted) ~= "boolean" then -- request-only flags (e.g. toNotify) are in no record
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

local function compare_removed(endpoint, ids, record)
  if endpoint.member then
    if not record then return "unknown" end
    return has_member(record, endpoint.member, ids[2]) and "unchanged" or "applied"
  end
  return (record == nil or record.deleted == true) and "applied" or "unchanged"
end

--- By how many milliseconds the record was changed after the request left; nil if that is not known.
local function changed_after(record, sent_ms)
  local changed = record.dateUpdated and to_epoch_ms(record.dateUpdated)
  return changed and sent_ms and changed - sent_ms
end

--- Compares a record with a change.
-- @tparam table endpoint `method`, `member`, `body`
-- @tparam table ids of the call
-- @tparam ?table body the fields that were sent
-- @tparam ?table record nil: the record does not exist
-- @tparam table fields of the record, as the endpoint that reads it declares them
-- @tparam ?integer sent_ms when the request left, on the server's clock
-- @treturn string "applied"; "unchanged": it may be sent again; "conflict": the record changed since, in another way;
-- "unknown"
function reconcile.compare(endpoint, ids, body, record, fields, sent_ms)
  if endpoint.method == "DELETE" then return compare_removed(endpoint, ids, record) end
  if not record then return "unknown" end
  if endpoint.member then return has_member(record, endpoint.member, ids[2]) and "applied" or "unchanged" end
  local sent_fields = endpoint.body and endpoint.body.fields
  local found, later = compare_fields(body or {}, record, fields, sent_fields), changed_after(record, sent_ms)
  if found == "nothing" then return "unknown" end
  if found == "same" then return "applied" end
  if found == "partly" then return later and later >= -SLACK and "applied" or "unknown" end
  return later and later > SLACK and "conflict" or "unchanged"
end

--- What a call returns if its change was found made: the record if the endpoint returns it, else a confirmation.
-- @tparam table endpoint
-- @tparam ?table record
-- @treturn table
function reconcile.result(endpoint, record)
  local kind = endpoint.result.type or {}
  local confirmation = {}
  for _, field in ipairs(kind.fields or {}) do
    if field.name == id_name(kind) and record then return record end
    if field.type == "boolean" and (field.name == "success" or field.name == "succeeded") then
      confirmation[field.name] = true
    end
  end
  return confirmation
end

--- When the first request left, on the server's clock, in milliseconds since 1970; nil without a Date header.
local function sent_ms(call, response)
  local server = retry.date(response.headers.date)
  return server and server * 1000 - (now() - call.begun) * 1000
end

--- Whether a change adds parts, such as a variation without an id: sent again, it might add them twice.
local function adds_parts(fields, kind)
  for _, field in ipairs(kind and kind.fields or {}) do
    local list = field.adds_without and fields and fields[field.name]
    for _, item in ipairs(type(list) == "table" and list or {}) do
      if type(item) == "table" and item[field.adds_without] == nil then return true end
    end
  end
  return false
end

--- Reconciles a change whose response was lost.
-- @tparam table call
-- @tparam Error err of the attempt
-- @tparam function read read(endpoint, ids, query) -> result, response | nil, err
-- @return[1] the result of the call
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] ?Error nil if the change was not made: it may be sent again
function reconcile.run(call, err, read)
  local prepared = call.prepared
  local endpoint = prepared.endpoint
  local reader = endpoint.reader()
  local record, response = read_record(prepared, reader, read)
  if not response or errors.is(response) or response.unexpected then return nil, err end
  local kind = reader.result.type
  local finding = reconcile.compare(
    endpoint,
    prepared.ids,
    prepared.fields,
    record,
    (kind.items or kind).fields,
    sent_ms(call, response)
  )
  if finding == "unchanged" and not adds_parts(prepared.fields, endpoint.body) then return nil end
  if finding == "conflict" then return nil, failure.conflict(call, err) end
  if finding ~= "applied" then return nil, err end
  response.reconciled, response.attempts = true, call.attempts
  return reconcile.result(endpoint, record), response
end

--- Whether a "not found" means that an earlier attempt of this call deleted the record. (An endpoint that removes a
-- member of a record gets "not found" for the record, which says nothing about the member.)
-- @tparam table call
-- @tparam Error err
-- @treturn boolean
function reconcile.is_deleted(call, err)
  local endpoint = call.prepared.endpoint
  return call.unclear and err.kind == "not_found" and endpoint.method == "DELETE" and not endpoint.member
end

return reconcile
