--- Events and blocked times of any span: `client.events:each`, `client.block_slots:each`, and `all` of both.
--
-- A span is split into windows, and in each window all owners (calendars, users, a group) are read side by side. What
-- the API means by the ends of a window is not documented. It may return what overlaps the window, what begins in it,
-- or what lies in it as a whole; and with or without what begins or ends exactly at an end. All of these are right
-- here: a window is read with a margin on both sides, and the events are sorted and cut to the span afterwards.
local arguments = require "hoopai.list.arguments"
local async = require "hoopai.async"
local endpoints = require "hoopai.call.endpoints"
local owners = require "hoopai.list.owners"
local rounds = require "hoopai.list.rounds"
local time = require "hoopai.time"

local error, ipairs, tostring, type = error, ipairs, tostring, type
local ceil, huge, max, min, sort = math.ceil, math.huge, math.max, math.min, table.sort
local format = string.format
local to_epoch_ms = time.to_epoch_ms

local spans = {}

local HOUR, DAY = 3600000, 86400000 -- milliseconds

-- The longest quarter of a year. An event takes about a kilobyte of a response, of which 8 MiB are read: a year of a
-- calendar with up to 80 events a day is four requests. Fuller windows are halved. Beyond ten years the windows are
-- longer: people ask for that much to get all there is, most of it empty.
local WINDOW, MOST_WINDOWS = 92 * DAY, 40

-- A window that is too large is halved down to this.
local SHORTEST = HOUR

-- How far a window is read beyond its ends: the length of an event that is found whatever the ends mean. Blocked times
-- are few, and may be the holidays of a user.
local MARGIN = { events = DAY, block_slots = 31 * DAY }

-- Requests side by side. The rate limit lets ten a second through on average, and 16 at a time are more than that
-- unless a request takes over 1.6 s. Other calls of the program wait behind 16 at most, and so many responses are in
-- memory at once.
local CONCURRENCY = 16

local CHECKS = {
  from = arguments.instant,
  to = arguments.instant,
  calendarId = arguments.id,
  userId = arguments.id,
  groupId = arguments.id,
  progress = arguments.progress,
}

local OWNER_FIELDS = { "calendarId", "userId", "groupId" }

-- Arguments --------------------------------------------------------------------------------------------------------

local function new_owner(field, id, is_listed)
  -- `longest` is the length of the windows that are read; less than all once a response was too large.
  return { field = field, id = id, is_listed = is_listed, longest = huge, is_gone = false }
end

--- The owner that the caller names; nil for all.
-- @tparam table fields of the caller that are right
-- @tparam table details the problems so far: an owner may be among them
local function given_owner(fields, details)
  local owner, count = nil, 0
  for _, name in ipairs(OWNER_FIELDS) do
    local is_given = fields[name] ~= nil
    for _, detail in ipairs(details) do
      is_given = is_given or detail.path == name
    end
    if is_given then count = count + 1 end
    if fields[name] then owner = new_owner(name, fields[name], false) end
  end
  if count > 1 then arguments.add(details, "", "give only one of `calendarId`, `userId` or `groupId`") end
  return owner
end

--- Splits a span into windows of one length, but for the last one.
-- @treturn table a list of { from, to }
local function split(from, to)
  local length = max(WINDOW, ceil((to - from) / MOST_WINDOWS))
  local windows = {}
  for start = from, to - 1, length do
    windows[#windows + 1] = { from = start, to = min(start + length, to) }
  end
  return windows
end

--- Reads the arguments of a method.
-- @treturn[1] table what is read: `from` and `to` in milliseconds, `windows`, `owners` (nil: not known yet), and so on
-- @treturn[2] nil
-- @treturn[2] Error
local function new_span(resource_name, name, state, given, call_options, ...)
  local what, details = resource_name .. ":" .. name, {}
  arguments.check_last(what, 2, ...)
  arguments.check_table(what, given)
  local progress
  call_options, progress = arguments.options(what, call_options)
  local fields = arguments.fields(given, CHECKS, details)
  local from, to = arguments.span(fields, details)
  local owner = given_owner(fields, details)
  if progress and fields.progress then
    arguments.add(details, "progress", "is given twice: leave out one of the two")
  end
  arguments.location(state, call_options, details)
  if #details > 0 then return nil, arguments.error(what, details) end
  local windows = split(from, to)
  return {
    what = what,
    resource = state.client[resource_name],
    path = endpoints.find(resource_name .. ".list").path,
    client = state.client,
    options = call_options,
    has_team = resource_name == "block_slots",
    margin = MARGIN[resource_name],
    from = from,
    to = to,
    windows = windows,
    next_window = 1,
    owners = owner and { owner },
    seen = {}, -- ids of the events that were given
    progress = progress or fields.progress,
    done = 0,
    total = #windows,
    response = false, -- the last one
  }
end

--- Notes that a request has ended, or is not needed any more.
local function count(span)
  span.done = span.done + 1
  if span.progress then async.call_progress(span.progress, span.done, span.total) end
end

-- Owners -----------------------------------------------------------------------------------------------------------

--- Reads whose events there are.
-- @treturn[1] table owners
-- @treturn[2] nil
-- @treturn[2] Error
local function list_owners(span)
  local calendars, response = owners.calendars(span.client, span.options)
  if not calendars then return nil, response end
  local team, problem = {}, nil
  if span.has_team then
    team, problem = owners.members(calendars, response)
  end
  if not team then return nil, problem end
  local found = {}
  for _, calendar in ipairs(calendars) do
    found[#found + 1] = new_owner("calendarId", calendar.id, true)
  end
  for _, member in ipairs(team) do
    found[#found + 1] = new_owner("userId", member.userId, true)
  end
  return found, response
end

--- Finds the owners, unless they are known.
-- @treturn ?Error
local function find_owners(span)
  if span.owners then return nil end
  local found, response = list_owners(span)
  if not found then return response end
  span.owners, span.response = found, response
  span.total = 1 + #span.windows * #found
  count(span)
end

--- Was a calendar deleted, or a user taken off all teams, after the list of calendars was read? Any other 404 is an
-- error: an empty result must not stand for events that could not be read.
local function is_gone(span, owner)
  local found = owner.is_listed and list_owners(span)
  if not found then return false end
  for _, other in ipairs(found) do
    if other.field == owner.field and other.id == owner.id then return false end
  end
  return true
end

-- Events -----------------------------------------------------------------------------------------------------------

--- The error of an event that belongs to no place in time.
local function untimed(span, event, name, response)
  local id, value = event.id, event[name]
  local _, problem = to_epoch_ms(value)
  local whose = id == nil and "an event without an id" or "the event " .. tostring(id)
  return owners.unreadable(
    span.path,
    format("`%s` of %s cannot be read%s", name, whose, value ~= nil and ": " .. problem or ""),
    response
  )
end

--- Where an event of a response stands.
-- @tparam table span
-- @tparam table piece see `read`
-- @tparam any event
-- @tparam Response response
-- @treturn[1] ?table an entry { event, start, key }; nil if the event is not of this piece
-- @treturn[2] nil
-- @treturn[2] Error
local function entry_of(span, piece, event, response)
  if type(event) ~= "table" then
    return nil, owners.unreadable(span.path, "the list has an item that is no event", response)
  end
  local start = to_epoch_ms(event.startTime)
  if not start then return nil, untimed(span, event, "startTime", response) end
  if start >= piece.to then return nil end -- of a later piece, or beyond the span
  if start < span.from then
    local stop = to_epoch_ms(event.endTime)
    if not stop then return nil, untimed(span, event, "endTime", response) end
    if stop <= span.from then return nil end
  end
  local id = event.id
  local key = (type(id) == "string" and id ~= "" or type(id) == "number") and tostring(id) or nil
  -- Without an id an event of an earlier piece cannot be known again: it was given there.
  if not key and start < piece.from and piece.from > span.from then return nil end
  return { event = event, start = start, key = key }
end

-- Milliseconds below the first are taken for seconds: such an instant is written as a date. The other is the last of
-- the year 9999.
local LEAST_MS, LAST_MS = 100000000000, 253402300799999

local function query_time(ms)
  if ms < LEAST_MS then return time.from_ms(max(ms, 0)):iso "UTC" end
  return min(ms, LAST_MS)
end

local read

--- Reads the two halves of a piece.
local function read_halves(span, owner, piece, entries)
  local middle = (piece.from + piece.to) // 2
  return read(span, owner, { from = piece.from, to = middle }, entries)
    or read(span, owner, { from = middle, to = piece.to }, entries)
end

--- Reads the events of an owner in a piece of the span: those that begin in it, and those that overlap it and were not
-- known yet.
-- @tparam table span
-- @tparam table owner
-- @tparam table piece { from, to }
-- @tparam table entries gets the events
-- @treturn ?Error
function read(span, owner, piece, entries)
  if owner.is_gone then return count(span) end
  local length = piece.to - piece.from
  if length > owner.longest then
    span.total = span.total + 1
    return read_halves(span, owner, piece, entries)
  end
  local found, response = span.resource:list({
    [owner.field] = owner.id,
    startTime = query_time(piece.from - span.margin),
    endTime = query_time(piece.to + span.margin),
  }, span.options)
  if not found and response.kind == "too_large" and length > SHORTEST then
    owner.longest, span.total = min(owner.longest, ceil(length / 2)), span.total + 2
    count(span)
    return read_halves(span, owner, piece, entries)
  end
  if not found and response.kind == "not_found" and is_gone(span, owner) then
    owner.is_gone = true
    return count(span)
  end
  if not found then return response end
  if response.unexpected then return owners.unreadable(span.path, "the response has no list of events", response) end
  span.response = response
  for _, event in ipairs(found) do
    local entry, err = entry_of(span, piece, event, response)
    if err then return err end
    entries[#entries + 1] = entry
  end
  count(span)
end

--- Says in an error whose events were not read, unless the caller named the owner.
local function name_owner(owner, err)
  if not owner.is_listed then return end
  local kind = owner.field == "calendarId" and "calendar" or "user"
  err.message, err[owner.field] = format("%s %s: %s", kind, owner.id, err.message), owner.id
end

--- Reads a window of an owner.
-- @treturn[1] table entries
-- @treturn[2] nil
-- @treturn[2] Error
local function read_item(item)
  local span, entries = item.span, {}
  local err = read(span, item.owner, item.window, entries)
  if not err then return entries end
  name_owner(item.owner, err)
  return nil, err
end

local function comes_before(a, b)
  if a.start ~= b.start then return a.start < b.start end
  if a.key ~= b.key then
    if not (a.key and b.key) then return a.key ~= nil end
    return a.key < b.key
  end
  return a.order < b.order
end

--- The events of some lists of entries, each once, in order of time.
local function merge(span, lists)
  local entries, events, seen = {}, {}, span.seen
  for index = 1, lists.n do
    for _, entry in ipairs(lists[index]) do
      local key = entry.key
      if not (key and seen[key]) then
        if key then seen[key] = true end
        entry.order = #entries + 1
        entries[entry.order] = entry
      end
    end
  end
  sort(entries, comes_before)
  for index, entry in ipairs(entries) do
    events[index] = entry.event
  end
  return events
end

--- Reads the next windows of all owners.
-- @tparam table span
-- @tparam integer most how many windows
-- @treturn[1] ?table the events; nil after the last window
-- @treturn[2] nil
-- @treturn[2] Error
local function read_windows(span, most)
  if span.next_window > #span.windows then return nil end
  local err = find_owners(span)
  if err then return nil, err end
  local items = {}
  local last = min(span.next_window + most - 1, #span.windows)
  for index = span.next_window, last do
    for _, owner in ipairs(span.owners) do
      items[#items + 1] = { span = span, owner = owner, window = span.windows[index] }
    end
  end
  span.next_window = last + 1
  local lists
  lists, err = rounds.side_by_side(items, read_item, CONCURRENCY)
  if not lists then return nil, err end
  return merge(span, lists)
end

-- Methods ----------------------------------------------------------------------------------------------------------

--- Iterates over the events of any span, each once, in order of time (and of ids, where several begin at once):
-- `for event in client.events:each { from = ..., to = ... } do ... end`.
--
-- An event belongs to the span if it overlaps it, or begins at `from`; not if it ends at `from` or begins at `to`. With
-- none of `calendarId`, `userId` and `groupId` the events of all calendars of the location are read, of drafts and
-- inactive ones too. A calendar that is deleted meanwhile is left out.
--
-- Windows of a quarter are read one after the other, as they are needed, and up to 16 calendars at a time within the
-- rate limit. In a task the next window is read ahead; leaving the loop aborts that. An event of more than a day that
-- began before `from` is found only if the API returns what overlaps a window, which it does not promise. An event that
-- is moved, or changes hands, while the span is read may be missed.
-- @function Events:each
-- @tparam table given
-- @tparam integer|string|instant given.from the beginning of the span
-- @tparam integer|string|instant given.to its end, which does not belong to it
-- @tparam[opt] string given.calendarId the events of this calendar alone
-- @tparam[opt] string given.userId those of this user alone
-- @tparam[opt] string given.groupId those of the calendars of this group alone
-- @tparam[opt] function given.progress is called after each request with how many have ended and how many there will
-- be. It may not wait. It may also stand in the options
-- @tparam[opt] CallOptions call_options for each request
-- @treturn function the iterator, and what else a generic `for` takes. A failure while events are read raises the
-- @{Error}; one of kind "decode" if the times of an event cannot be read: it cannot be said whether it belongs
-- @raise the error of arguments that are wrong; for wrong use

--- Returns the events of any span as a list. All its windows are read side by side: see @{Events:each}.
-- @function Events:all
-- @tparam table given see @{Events:each}
-- @tparam[opt] CallOptions call_options
-- @treturn[1] Event a list
-- @treturn[1] Response the last one
-- @treturn[2] nil
-- @treturn[2] Error
-- @raise for wrong use, and what `progress` raised

--- Iterates over the blocked times of any span, as @{Events:each} does over events.
--
-- With none of `calendarId`, `userId` and `groupId` those of every calendar and of every team member are read: the list
-- of a calendar has no blocked times of users. Blocked times of a user who is in the team of no calendar are not found:
-- give the `userId`. One of more than 31 days that began before `from` is found only if the API returns what overlaps a
-- window.
-- @function BlockSlots:each
-- @tparam table given see @{Events:each}
-- @tparam[opt] CallOptions call_options
-- @treturn function see @{Events:each}
-- @raise see @{Events:each}

--- Returns the blocked times of any span as a list: see @{BlockSlots:each}.
-- @function BlockSlots:all
-- @tparam table given see @{Events:each}
-- @tparam[opt] CallOptions call_options
-- @treturn[1] Event a list
-- @treturn[1] Response the last one
-- @treturn[2] nil
-- @treturn[2] Error
-- @raise for wrong use, and what `progress` raised

function spans.each(resource_name, state, given, call_options, ...)
  local span, err = new_span(resource_name, "each", state, given, call_options, ...)
  if not span then error(err, 0) end
  return rounds.each(span.what, function() return read_windows(span, 1) end)
end

function spans.all(resource_name, state, given, call_options, ...)
  local span, err = new_span(resource_name, "all", state, given, call_options, ...)
  if not span then return nil, err end
  -- All windows at once: nothing is returned before the last one.
  local events
  events, err = rounds.all(span.what, function() return read_windows(span, #span.windows) end)
  if not events then return nil, err end
  return events, span.response
end

return spans
