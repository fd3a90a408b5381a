--- `edit`: reads a record, lets a function change a copy of it, and sends what differs.
local arguments = require "hoopai.list.arguments"
local calls = require "hoopai.call"
local core = require "hoopai.core"
local endpoints = require "hoopai.call.endpoints"
local errors = require "hoopai.errors"
local options = require "hoopai.options"
local request = require "hoopai.call.request"
local secrets = require "hoopai.call.secrets"
local time = require "hoopai.time"
local values = require "hoopai.list.values"

local getmetatable, ipairs, next, rawequal, rawget, tostring, type =
  getmetatable, ipairs, next, rawequal, rawget, tostring, type
local pack, unpack = table.pack, table.unpack
local format, gsub = string.format, string.gsub
local array, is_array, null = core.array, core.is_array, core.null
local to_epoch_ms = time.to_epoch_ms
local field_of, is_plain, same = values.field_of, values.is_plain, values.same

local edit = {}

-- The state of one edit is the job: `state` (of the client), `what` (the method), `ids`, `options` (of each call),
-- `chosen` (all options), `get`, `list` and `update` (endpoints), `path`, `change` (the caller's function), and
-- `origins`: each table of the copy that the function gets -> the table of the record.

-- Arguments

local function check_change(job, change)
  local meta = type(change) == "table" and getmetatable(change)
  if type(change) == "function" or type(meta) == "table" and meta.__call then return end
  errors.raise(
    format(
      "%s expects a function as argument %d, which changes the record, got %s: write function(record) record.name = "
        .. '"..." end',
      job.what,
      job.update.id_count + 1,
      errors.given(change)
    )
  )
end

--- The arguments of a call: ids, the query or body if the endpoint takes one, and the options.
local function arranged(endpoint, ids, payload, call_options)
  local count = endpoint.id_count
  local args = { unpack(ids, 1, count) }
  if endpoint.takes_payload then
    args[count + 1], args[count + 2] = payload, call_options
  else
    args[count + 1] = call_options
  end
  return unpack(args, 1, count + 2)
end

--- Makes the job from the arguments of the caller: ids, function, options.
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] Error of kind "invalid_request"
local function new_job(resource_name, state, ...)
  local what, given = resource_name .. ":edit", pack(...)
  local get = endpoints.find(resource_name .. ".get")
  local count = get.id_count
  local most = count + 2
  if given[most + 1] ~= nil then errors.raise(format("%s takes at most %d arguments, got %d", what, most, given.n)) end
  local change, call_options = given[count + 1], given[most]
  local named = endpoints.named(resource_name .. ".get", what)
  local prepared, err = request.from_arguments(state, named, arranged(named, given, nil, call_options))
  call_options = options.copy(call_options)
  local job = {
    state = state,
    what = what,
    ids = pack(unpack(given, 1, count)),
    options = call_options,
    chosen = request.options(state.settings, options.copy(call_options)),
    get = get,
    list = get.undocumented and endpoints.find(resource_name .. ".list"),
    update = endpoints.find(resource_name .. ".update"),
    key = resource_name .. ".update",
    path = prepared and prepared.path,
    change = change,
    origins = {},
  }
  check_change(job, change)
  if not prepared then return nil, err end
  return job
end

-- Reading

--- The fields of an error that speaks of a response.
local function about(endpoint, path, response, fields)
  fields.method, fields.path = endpoint.method, path
  fields.trace_id, fields.attempts = response.trace_id, response.attempts
  return errors.new(fields)
end

local function unreadable(job, response, problem)
  return about(job.get, job.path, response, {
    kind = "decode",
    status = response.status,
    response = secrets.without_any(response),
    message = "the record cannot be changed: the response has " .. problem,
  })
end

--- Calls an endpoint with the first ids, a payload and the options.
local function call(job, endpoint, payload)
  return calls.perform(job.state, endpoint, arranged(endpoint, job.ids, payload, job.options))
end

local function id_of(job, record) return record[job.get.result.type.id or "id"] or record._id end

--- Finds the record in the list of its location.
-- @treturn[1] ?table nil if the list lacks the record
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] Error
local function find_in_list(job)
  local list, response = call(job, job.list, {})
  if list == nil then return nil, response end
  for _, record in ipairs(list) do
    if type(record) == "table" and id_of(job, record) == job.ids[job.ids.n] then return record, response end
  end
  return nil, response
end

--- Whether a result has any field of a record. Some endpoints return a record without an envelope, and then an empty
-- object passes for a result.
local function has_field(get, record)
  local fields = get.result.type.fields
  for _, field in ipairs(fields or {}) do
    if record[field.name] ~= nil then return true end
  end
  return fields == nil
end

--- Reads the record. If the vendor's document lacks the route that gets one record, it is read from the list, unless
-- the location is unknown or the list has no such record.
-- @treturn[1] table
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] Error
local function read(job)
  if job.list and job.chosen.location_id then
    local record, response = find_in_list(job)
    if record or errors.is(response) then return record, response end
  end
  local record, response = call(job, job.get)
  if record == nil then return nil, response end
  if response.unexpected or not has_field(job.get, record) then return nil, unreadable(job, response, "none") end
  local id = id_of(job, record)
  if type(id) == "string" and id ~= job.ids[job.ids.n] then
    return nil, unreadable(job, response, "another one: " .. secrets.without_any(id))
  end
  return record, response
end

-- Comparing

local stripped

local function is_writable(field) return field ~= nil and not field.read_only end

local function is_clearable(field) return is_writable(field) and not field.required and field.clearable ~= false end

--- Adds a problem for each field that is gone from the copy: nil may mean "clear it" or be a slip.
local function add_removed(details, job, value, kind, path, seen)
  if not is_plain(value) or seen[value] then return end
  seen[value] = true
  local origin = job.origins[value]
  for name in next, origin and rawget(origin, 1) == nil and origin or {} do
    if rawget(value, name) == nil then
      local field = field_of(kind, name)
      local clears = is_clearable(field) and "write hoopai.null to clear it, or " or ""
      local place = secrets.without_any(path .. name) -- names of the server's
      arguments.add(details, place, "was set to nil: " .. clears .. "leave it as it is")
    end
  end
  for name, item in next, value do
    local is_item = type(name) == "number"
    local place = is_item and gsub(path, "%.$", "") .. "[" .. name .. "]." or path .. tostring(name) .. "."
    add_removed(details, job, item, is_item and kind and kind.items or field_of(kind, name), place, seen)
  end
end

--- Adds the fields that are read under another name than they are written. The names of both are in the copy if the
-- caller wrote one of them: the name for writing counts.
-- @treturn table set of the names that were taken
local function take_shown(job, value, kind, copy)
  local taken = {}
  for _, field in ipairs(kind.fields) do
    local name = field.shown_as
    if name then
      taken[name] = true
      if copy[field.name] == nil then copy[field.name] = stripped(job, rawget(value, name), field) end
    end
  end
  return taken
end

--- What is sent of a changed value: objects without the fields that an update refuses, if they are as they were.
function stripped(job, value, kind)
  if not is_plain(value) or not kind then return value end
  local copy = {}
  if kind.type == "array" then
    for index, item in next, value do
      copy[index] = stripped(job, item, kind.items)
    end
    return is_array(value) and array(copy) or copy
  end
  if not kind.fields then return value end
  local origin = job.origins[value]
  for name, item in next, value do
    local field = field_of(kind, name)
    if is_writable(field) then
      copy[name] = stripped(job, item, field)
    elseif not origin or not same(item, rawget(origin, name)) then
      copy[name] = item -- the checks name it
    end
  end
  for name in next, take_shown(job, value, kind, copy) do
    copy[name] = nil
  end
  return copy
end

--- Whether the caller changed a field. A null in a field that the record would show, and does not, clears nothing.
local function is_changed(job, name, value, before, field)
  local shown = field_of(job.get.result.type, name)
  if rawequal(value, null) and before == nil and shown and not shown.nullable then return false end
  return not same(value, before, field or shown)
end

--- Whether a field is a switch of the request that no record shows, such as `toNotify`.
local function is_switch(job, name, field)
  return field ~= nil and field.type == "boolean" and not field_of(job.get.result.type, name)
end

--- The fields that the caller changed, as they are sent. Switches of the request alone change nothing.
local function changed_fields(job, record, draft)
  local body, has_change = {}, false
  for name, value in next, draft do
    local field = field_of(job.update.body, name)
    if is_changed(job, name, value, rawget(record, name), field) then
      body[name] = stripped(job, value, field)
      has_change = has_change or type(value) ~= "boolean" or not is_switch(job, name, field)
    end
  end
  return has_change and body or {}
end

--- Adds a field as it is, if it is there and was not changed.
local function add_unchanged(job, body, draft, field)
  local name = field.name
  local value = rawget(draft, name)
  if body[name] == nil and value ~= nil then body[name] = stripped(job, value, field) end
end

--- Adds what the update requires beside the changes; and the record's own location: the client may be of another one.
local function add_required(job, body, draft)
  local kind, has_one = job.update.body, false
  for _, field in ipairs(kind.fields) do
    if field.required or field.name == "locationId" then add_unchanged(job, body, draft, field) end
  end
  for _, name in ipairs(kind.at_least_one or {}) do
    has_one = has_one or body[name] ~= nil
  end
  for _, name in ipairs(kind.at_least_one or {}) do
    if not has_one and rawget(draft, name) ~= nil then
      add_unchanged(job, body, draft, field_of(kind, name))
      has_one = true
    end
  end
end

--- A start that moves takes the end with it: the API might keep the old end, or use the usual length. An end that moves
-- must be after the start.
local function complete_range(job, body, record, details)
  local range = job.update.body.range
  if not range then return end
  local from, to = body[range.from], body[range.to]
  local old_from, old_to = to_epoch_ms(rawget(record, range.from)), to_epoch_ms(rawget(record, range.to))
  if from ~= nil and to == nil and old_from and old_to then
    local start = type(from) == "string" and time.parse(from) or from
    local is_right = time.is_instant(start) and start:has_zone() -- else the checks name it
    body[range.to] = is_right and start + time.milliseconds(old_to - old_from) or nil
  elseif from == nil and to ~= nil and old_from and (to_epoch_ms(to) or old_from + 1) <= old_from then
    arguments.add(details, range.to, format("must be after `%s`", range.from), to)
  end
end

--- Adds the problems of a body. They are those of `update`, whose advice is to leave a field out.
-- @treturn ?Error of another kind than "invalid_request"
local function add_problems(job, body, details)
  local named, ids = endpoints.named(job.key, job.what), job.ids
  local prepared, err = request.prepare(job.state, named, job.chosen, body, ids[1], ids[2])
  if prepared then return nil end
  if err.kind ~= "invalid_request" then return err end
  local is_named = {}
  for _, detail in ipairs(details) do
    is_named[detail.path] = true
  end
  for _, detail in ipairs(err.details) do
    detail.problem = gsub(detail.problem, "leave it out", "leave it as it is")
    if not is_named[detail.path] then details[#details + 1] = detail end
  end
  details.more = err.details.more
end

--- What is to be sent: the changes, and what the update requires.
-- @treturn[1] table empty if nothing changed
-- @treturn[2] nil
-- @treturn[2] Error
local function new_body(job, record, draft)
  local details, body = {}, changed_fields(job, record, draft)
  add_removed(details, job, draft, job.update.body, "", {})
  if next(body) ~= nil then
    complete_range(job, body, record, details)
    add_required(job, body, draft)
    local err = add_problems(job, body, details)
    if err then return nil, err end
  end
  if #details > 0 then return nil, arguments.error(job.what, details) end
  return body
end

-- Sending

--- The error of a record that is not what it was when it was read; nil if it is.
local function conflict(job, record)
  if record.dateUpdated == nil then return nil end
  local again, response = read(job)
  if again == nil then return response end
  if same(again, record) then return nil end
  return about(job.update, job.path, response, {
    kind = "conflict",
    retryable = true,
    message = format(
      "the record was changed since it was read (dateUpdated %s, was %s): nothing was sent; edit it again",
      secrets.without_any(tostring(again.dateUpdated)),
      secrets.without_any(tostring(record.dateUpdated))
    ),
  })
end

--- Change a record with a function: read it, call the function, and send what the function changed.
--
-- The function gets a copy of the record, which it changes in place. It runs in the caller's task and may wait. If it
-- raises, or returns nil and an error, nothing is sent. A field that is set to nil is refused as a slip: `hoopai.null`
-- clears a field. Fields that an update does not take may not be changed.
--
-- Sent are the fields that changed, and those that the update requires. An object or a list in which something changed
-- is sent whole, without the parts that an update refuses. If the start of a time moves and its end does not, the end
-- moves with it: the length is kept. Switches that no record shows, such as `toNotify`, are sent with a change, and are
-- none by themselves. If nothing changed nothing is sent, and the result is the record, with `response.unchanged`.
--
-- A record that shows `dateUpdated` is read again just before the update is sent. If it was changed meanwhile, the
-- error is of kind "conflict", and nothing was sent. A change between that reading and the update is not seen, and of
-- records without that date no change is: the later update counts then, for each field that it sends.
-- @tparam string resource_name
-- @tparam table state of the client
-- @param ... the ids, the function and the options
-- @treturn[1] table what the update returns; the record if nothing changed
-- @treturn[1] Response with `unchanged` if nothing was sent
-- @treturn[2] nil
-- @treturn[2] Error
-- @raise wrong use, and what the function raises
function edit.edit(resource_name, state, ...)
  local job, err = new_job(resource_name, state, ...)
  if not job then return nil, err end
  local record, response = read(job)
  if record == nil then return nil, response end
  local draft = values.copy(record, job.origins)
  local result, problem = job.change(draft)
  if not result and problem ~= nil then return nil, problem end
  local body
  body, err = new_body(job, record, draft)
  if not body then return nil, err end
  if next(body) == nil then
    if is_plain(result) and not rawequal(result, draft) then
      errors.raise(job.what .. ": the function is to change the record that it gets; it only returned a table")
    end
    response.unchanged = true
    return record, response
  end
  err = conflict(job, record)
  if err then return nil, err end
  return call(job, job.update, body)
end

return edit
