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

local error, ipairs, type = error, ipairs, type
local pack, unpack = table.pack, table.unpack
local format, gsub, match = string.format, string.gsub, string.match
local tointeger = math.tointeger

local pages = {}

-- The reader of a list: `state`, `endpoint`, `what` (the method), `arguments` of the next page (ids, query, options),
-- `query` (one of these), `progress`, `done` (how many records were given), `seen` (id -> true), `nameless` (of each
-- page the records without an id), `records` and `position` of the page that is being given, `is_over`, and `lock`.

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
    lock = async.new_lock(),
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
local function stuck(reader, listed, nameless, response)
  local endpoint = reader.endpoint
  local advice = #nameless > 0 and "; records without an id that are all alike need a larger `limit`" or ""
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
      "%s got the same records again: nothing in the page of %d after `%s` = %d is new. The API may ignore `%s`%s",
      reader.what,
      #listed,
      skip,
      reader.query[skip],
      skip,
      advice
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
    return nil, stuck(reader, listed, nameless, response)
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

--- Reads the next page for an iterator. Tasks that share the iterator take turns.
local function next_page(reader)
  async.mode(reader.what) -- raises where the caller may not wait
  local hold <close> = reader.lock:acquire(reader.what) -- luacheck: ignore 211
  if reader.is_over or reader.position < #reader.records then return end -- another task has read the page meanwhile
  local records, err = read_page(reader)
  if not records then error(err, 0) end
  reader.records, reader.position = records, 0
end

--- The options of `each` and `all`: those of a call, which hold for each page, and one more.
-- @table PageOptions
-- @tfield[opt] function progress called after each record with how many there were; the total is not known. It may not
-- wait

--- Iterate over the records of all pages, which are read as they are needed.
--
-- A page is read when its first record is needed, and nothing is in flight between two steps of the loop: it can be
-- left at any time. `limit` is the size of a page; without it the largest one is asked for. Tasks may share an
-- iterator: each record goes to one of them.
--
-- Each id is given once, also if records are added while the list is read. If records are removed meanwhile, others
-- move to pages that were read already, and are not seen: use `all` before you delete what you read. Records without an
-- id are given as they come. A page in which nothing is new is an error of kind "protocol".
--
-- A page that cannot be read raises the `Error`; the next step reads that page again.
-- @tparam string key of the endpoint, such as "notes.list"
-- @tparam table state of the client
-- @param ... the ids, the query and the options
-- @return a function for the generic `for`, which returns a record, and nil after the last one
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

--- List the records of all pages.
--
-- It reads the pages as `each` does, and returns the response of the last one.
-- @tparam string key of the endpoint, such as "notes.list"
-- @tparam table state of the client
-- @param ... the ids, the query and the options
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
