--- Appointments and blocked times, as agenda, utilisation and export read them.
--
-- An entry is a table: `record` (as the API sends it), `is_block`, `start`, `stop` (instants), `title`, `status` (of an
-- appointment), `calendar`, `user` and, if it was asked for, `contact` (names, or ids where no name is known; "" for
-- none).
local copy = require "hoopai.command.lib.copy"
local records = require "hoopai.command.lib.records"

local ipairs, pairs = ipairs, pairs
local min = math.min
local concat, format, sort = table.concat, string.format, table.sort

local events = {}

local MOST = 10 -- ids in a message

--- The options that name whose events are meant. One of them may be given.
events.options = {
  {
    "--user",
    argname = "<name>",
    convert = "word",
    completes = "users",
    description = "Only the events of this member of a team.",
  },
  {
    "--calendar",
    argname = "<name>",
    convert = "word",
    completes = "calendars",
    description = "Only the events of this calendar.",
  },
  {
    "--group",
    argname = "<name>",
    convert = "word",
    completes = "groups",
    description = "Only the events of the calendars of this group.",
  },
}

--- The option that leaves blocked times out of the list.
events.NO_BLOCKED = { "--no-blocked", description = "Leave blocked times out." }

--- `exclusive` of a command that has these options.
events.EXCLUSIVE = { "--user", "--calendar", "--group" }

--- Whose events are meant.
-- @tparam table context
-- @tparam table options `user`, `calendar` or `group`: what was typed
-- @treturn table the query: `userId`, `calendarId`, `groupId`, or empty
-- @treturn ?table the record that was named
-- @raise a failure if no record has that name
function events.owner(context, options)
  local names = context:names()
  for _, kind in ipairs { "user", "calendar", "group" } do
    if options[kind] then
      local record = names[kind](names, options[kind])
      return { [kind .. "Id"] = record.id }, record, kind
    end
  end
  return {}
end

--- A function per list that reports the progress of all lists to a bar, as one number.
local function shared_progress(bar)
  local done, total = {}, {}
  return function(key)
    return function(count, of)
      done[key], total[key] = count, of
      local all_done, all = 0, 0
      for name, number in pairs(done) do
        all_done, all = all_done + number, all + (total[name] or 0)
      end
      bar:update(all_done, all)
    end
  end
end

--- The entry of a record; nil if it has no start that can be read.
local function entry_of(context, record, is_block)
  local names = context:names()
  local start = context.instant(record.startTime)
  if not start then return nil end
  local stop = context.instant(record.endTime) or start
  return {
    record = record,
    is_block = is_block,
    start = start,
    stop = stop < start and start or stop,
    title = record.title or "",
    status = not is_block and (record.appointmentStatus or record.appoinmentStatus) or nil,
    calendar = record.calendarId and names:of("calendars", record.calendarId) or "",
    user = record.assignedUserId and names:of("users", record.assignedUserId) or "",
  }
end

--- Says which records are not shown, for they have no place in time.
local function report_timeless(context, ids)
  if #ids == 0 then return end
  context:note(
    format("left out, without a start that can be read: %d (%s)", #ids, concat(ids, ", ", 1, min(#ids, MOST)))
  )
end

--- In order of time; appointments before blocked times that begin together.
local function before(a, b)
  if a.start ~= b.start then return a.start < b.start end
  if a.is_block ~= b.is_block then return b.is_block end
  return (a.record.id or "") < (b.record.id or "")
end

--- Sets the contact of each entry.
local function add_contacts(context, entries)
  local bar <close> = context:progress "Reading names"
  local ids = {}
  for _, entry in ipairs(entries) do
    ids[#ids + 1] = entry.record.contactId
  end
  local names = context:names():contacts(ids, function(done, total) bar:update(done, total) end)
  for _, entry in ipairs(entries) do
    local id = entry.record.contactId
    entry.contact = id and (names[id] or id) or ""
  end
end

--- Reads the appointments and blocked times that overlap a span, of all calendars or of one owner. A bar on stderr
-- shows how far it is.
-- @tparam table context
-- @tparam table owner see `owner`
-- @tparam instant from
-- @tparam instant to not included
-- @tparam ?boolean no_blocked leaves blocked times out
-- @tparam ?boolean with_contacts reads the names of the contacts
-- @treturn table list of entries in order of time; what was deleted is left out
-- @raise the Error of a request that failed
function events.read(context, owner, from, to, no_blocked, with_contacts)
  local client = context:client()
  local bar <close> = context:progress "Reading appointments"
  local progress, query = shared_progress(bar), copy(owner, { from = from, to = to })
  local function read(key) return client[key]:all(query, { progress = progress(key) }) end
  local keys = no_blocked and { "events" } or { "events", "block_slots" }
  local lists, errors = context.library().map(keys, read)
  local entries, timeless = {}, {}
  for index, key in ipairs(keys) do
    local list = context.check(lists[index], errors and errors[index])
    for _, record in ipairs(records(list)) do
      local entry = record.deleted ~= true and entry_of(context, record, key == "block_slots")
      if entry then
        entries[#entries + 1] = entry
      elseif record.deleted ~= true then
        timeless[#timeless + 1] = record.id or "?"
      end
    end
  end
  report_timeless(context, timeless)
  sort(entries, before)
  if with_contacts then add_contacts(context, entries) end
  return entries
end

--- An entry as JSON has it: the fields of the API, with times in a zone, and the names beside the ids.
-- @tparam table entry
-- @tparam string zone
-- @treturn table
function events.document(entry, zone)
  return copy(entry.record, {
    kind = entry.is_block and "block" or "appointment",
    startTime = entry.start:iso(zone),
    endTime = entry.stop:iso(zone),
    calendar = entry.calendar ~= "" and entry.calendar or nil,
    user = entry.user ~= "" and entry.user or nil,
    contact = entry.contact ~= "" and entry.contact or nil,
  })
end

--- A list of entries as JSON has it.
-- @tparam table context
-- @tparam table entries
-- @tparam string zone
-- @treturn table list
function events.documents(context, entries, zone)
  local list = context:list {}
  for index, entry in ipairs(entries) do
    list[index] = events.document(entry, zone)
  end
  return list
end

return events
