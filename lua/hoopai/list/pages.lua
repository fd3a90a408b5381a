--- Every page of a list: the methods `each` and `all` of the lists whose endpoint data says how they are paged.
--
--     pages = { limit = "limit", skip = "offset", size = 20, id = "id", more = "hasMore" }
--
-- `limit` and `skip` are fields of the query, `size` is the largest page (100 where none is documented), `id` is the
-- identifier of a record, and `more` is a member beside the list that is false on the last page.
--
-- A list may change while it is read, and then records move between its pages: so a page begins after as many records
-- as were received, and a record whose id was given before is left out.
local arguments = require "hoopai.list.arguments"
local async = require "hoopai.async"
local calls = require "hoopai.call"
local endpoints = require "hoopai.call.endpoints"
local errors = require "hoopai.errors"
local options = require "hoopai.options"
local request = require "hoopai.call.request"
local secrets = require "hoopai.call.secrets"
local values = require "hoopai.list.values"

local error, ipairs, setmetatable, type = error, ipairs, setmetatable, type
local pack, unpack = table.pack, table.unpack
local format, gsub, match = string.format, string.gsub, string.match
local tointeger = math.tointeger

local pages = {}

-- The reader of a list: `state`, `endpoint`, `what` (the method), `arguments` of the next page (ids, query, options),
-- `query` (one of these), `progress`, `done` (how many records were given), `seen` (id -> true), `nameless` (of each
-- page the records without an id), `records` and `position` of the page that is being given, `is_over`.

-- Arguments

--- Takes the size of the pages, or the place of the first one, from the query. The checks of a call may be switched
-- off, and what follows calculates with these numbers.
local function take_number(query, name, default, least, details)
  local given = query[name]
  if given == nil then given = default end
  local number = type(given) == "number" and tointeger(given)
  if not number or number < least then
    arguments.add(details, name, format("must be an integer of at least %d", least), given)
  end
  query[name] = number
end

--- The error of wrong arguments, with the advice that `progress` is an option if the query has it.
local function with_advice(what, err)
  for _, detail in ipairs(err.details or {}) do
    if detail.path == "progress" then
      detail.problem = "is an option: pass it in the last argument"
      err = arguments.error(what, err.details)
    end
  end
  return err
end

--- Makes the reader of a list from the arguments of the caller: ids, query, options.
-- @treturn[1] table
-- @treturn[2] nil
-- @treturn[2] Error of kind "invalid_request"
local function new_reader(key, name, state, ...)
  local what, given = match(key, "^[^.]+") .. ":" .. name, pack(...)
  local endpoint, named = endpoints.find(key), endpoints.named(key, what)
  local count, details = endpoint.id_count, {}
  local call_options, progress = arguments.options(what, given[count + 2])
  given[count + 2] = call_options
  local prepared, err = request.from_arguments(state, named, unpack(given, 1, 5))
  if not prepared then return nil, with_advice(what, err) end
  local query, paging = options.copy(given[count + 1] or {}), endpoint.pages
  take_number(query, paging.limit, paging.size, 1, details)
  take_number(query, paging.skip, 0, 0, details)
  if #details > 0 then return nil, arguments.error(what, details) end
  given[count + 1] = query
  return {
    state = state,
    endpoint = endpoint,
    what = what,
    arguments = pack(unpack(given, 1, count + 2)),
    query = query,
    progress = progress,
    done = 0,
    seen = {},
    nameless = {},
    records = {},
    position = 0,
    is_over = false,
    is_reading = false,
  }
end

-- One page

--- The records of a page that were not given before, and those of them that have no id. (A list may hold null.)
local function new_records(reader, listed)
  local fresh, nameless, seen, name = {}, {}, reader.seen, reader.endpoint.pages.id
  for _, record in ipairs(listed) do
    local id = type(record) == "table" and record[name]
    if id == nil or type(id) == "table" or type(id) == "userdata" then
      fresh[#fresh + 1], nameless[#nameless + 1] = record, record
    elseif id ~= false and not seen[id] then
      fresh[#fresh + 1], seen[id] = record, true
    end
  end
  return fresh, nameless
end

--- Whether an earlier page had the same records without an id.
local function is_repeated(reader, nameless)
  for _, earlier in ipairs(reader.nameless) do
    if #earlier == #nameless and values.same(earlier, nameless) then return true end
  end
  return false
end

--- The error of a page in which nothing is new: the next one would be the same, for ever.
local function stuck(reader, listed, response)
  local endpoint = reader.endpoint
  local skip = endpoint.pages.skip
  return errors.new {
    kind = "protocol",
    method = endpoint.method,
    path = gsub(response.url or endpoint.path, "^%a+://[^/]*", ""),
    status = response.status,
    trace_id = response.trace_id,
    attempts = response.attempts,
    response = secrets.without_any(response),
    message = format(
      "%s got the same records again: nothing in the page of %d after `%s` = %d is new. The API may ignore `%s`",
      reader.what,
      #listed,
      skip,
      reader.query[skip],
      skip
    ),
  }
end

--- Reads the next page. If that fails the reader stays where it was.
-- @treturn[1] table the new records of the page
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] Error
local function read_page(reader)
  local arguments_of_page, paging, query = reader.arguments, reader.endpoint.pages, reader.query
  local listed, response =
    calls.perform(reader.state, reader.endpoint, unpack(arguments_of_page, 1, arguments_of_page.n))
  if listed == nil then return nil, response end
  local fresh, nameless = new_records(reader, listed)
  local is_last = #listed == 0 or paging.more ~= nil and response.extra[paging.more] == false
  if not is_last and (#fresh == 0 or #fresh == #nameless and is_repeated(reader, nameless)) then
    return nil, stuck(reader, listed, response)
  end
  if #nameless > 0 then reader.nameless[#reader.nameless + 1] = nameless end
  query[paging.skip] = query[paging.skip] + #listed
  reader.is_over = is_last
  return fresh, response
end

local function report(reader)
  reader.done = reader.done + 1
  if reader.progress then async.call_progress(reader.progress, reader.done) end
end

-- The methods

-- To-be-closed: the step of an iterator has ended.
local StepGuard = {}

function StepGuard.__close(guard) guard.reader.is_reading = false end

local function next_page(reader)
  if reader.is_reading then
    errors.raise(reader.what .. ": another task is reading the next page: give each task an iterator of its own")
  end
  local guard <close> = setmetatable({ reader = reader }, StepGuard) -- luacheck: ignore 211
  reader.is_reading = true
  local records, err = read_page(reader)
  if not records then error(err, 0) end
  reader.records, reader.position = records, 0
end

--- Iterates over the records of all pages. A page is read when its first record is needed; between two steps of the
-- loop no request is made, so that the loop can be left at any time.
-- @tparam string key of the endpoint, such as "notes.list"
-- @tparam table state of the client
-- @param ... the ids, the query and the options of `list`
-- @return a function for the generic `for`, which returns a record, and nil after the last one. It raises the error of
-- a page that cannot be read; when it is called again, it reads that page again
-- @raise wrong use as a text; wrong arguments as an Error
function pages.each(key, state, ...)
  local reader, err = new_reader(key, "each", state, ...)
  if not reader then error(err, 0) end
  return function()
    while reader.position == #reader.records do
      if reader.is_over then return nil end
      next_page(reader)
    end
    local position = reader.position + 1
    reader.position = position
    local record = reader.records[position]
    report(reader)
    return record
  end
end

--- Reads the records of all pages.
-- @tparam string key of the endpoint, such as "notes.list"
-- @tparam table state of the client
-- @param ... the ids, the query and the options of `list`
-- @treturn[1] table a list
-- @treturn[1] Response that of the last page
-- @treturn[2] nil
-- @treturn[2] Error
-- @raise wrong use
function pages.all(key, state, ...)
  local reader, err = new_reader(key, "all", state, ...)
  if not reader then return nil, err end
  local all = {}
  while true do
    local records, response = read_page(reader)
    if not records then return nil, response end
    for _, record in ipairs(records) do
      all[#all + 1] = record
      report(reader)
    end
    if reader.is_over then return all, response end
  end
end

return pages
