--- Calendars, groups and team members by what people type: a name, its unambiguous beginning, or an id.
local failure = require "hoopai.command.lib.failure"
local only_records = require "hoopai.command.lib.records"

local error, ipairs, pairs, require, setmetatable, type = error, ipairs, pairs, require, setmetatable, type
local concat, move, sort = table.concat, table.move, table.sort
local format, lower, sub = string.format, string.lower, string.sub

local names = {}

local MOST = 10 -- candidates in a message

--- The records whose name or id is the text; else those whose name or id begins with it.
-- @tparam table records list of { id, name }
-- @tparam string text
-- @treturn table list
function names.matches(records, text)
  local wanted = lower(text)
  local same, beginning = {}, {}
  for _, record in ipairs(records) do
    local name = lower(record.name or "")
    if record.id == text then return { record } end
    if name == wanted then
      same[#same + 1] = record
    elseif sub(name, 1, #wanted) == wanted or sub(record.id or "", 1, #text) == text then
      beginning[#beginning + 1] = record
    end
  end
  return #same > 0 and same or beginning
end

--- The ids of the members of a calendar's team.
-- @tparam table calendar
-- @treturn table list
function names.team(calendar)
  local ids = {}
  for _, member in ipairs(calendar.teamMembers or {}) do
    if type(member) == "table" then ids[#ids + 1] = member.userId end
  end
  return ids
end

local function candidates(records)
  local list = {}
  for _, record in ipairs(records) do
    list[#list + 1] = record.name and format("%s (%s)", record.name, record.id or "?") or record.id
  end
  sort(list)
  local more = #list - MOST
  if more > 0 then
    for index = #list, MOST + 1, -1 do
      list[index] = nil
    end
    list[MOST + 1] = format("and %d more", more)
  end
  return concat(list, ", ")
end

--- The one record that is meant.
-- @tparam string what "calendar", "group" or "user"
-- @tparam table records list of { id, name }
-- @tparam string text
-- @treturn table the record
-- @raise a failure of kind "not_found" or "ambiguous", with the candidates
function names.find(what, records, text)
  local found = text ~= "" and names.matches(records, text) or {}
  if #found == 1 then return found[1] end
  if #found > 1 then
    local message = format('"%s" is the beginning of %d %ss: %s', text, #found, what, candidates(found))
    failure.refuse("ambiguous", message, "write more of the name, or the id")
  end
  local message = format('there is no %s "%s"', what, text)
  if #records == 0 then failure.refuse("not_found", format("%s: the location has no %ss", message, what)) end
  failure.refuse("not_found", message, format("the %ss are: %s", what, candidates(records)))
end

-- The names of a location, read when they are first needed.
local Names = {}
Names.__index = Names

--- Makes the names of a client's location.
-- @tparam table client
-- @treturn table
function names.new(client)
  return setmetatable({ client = client, lists = {}, indexes = {}, contacts_read = {}, contact_names = {} }, Names)
end

local function list(self, key, read)
  local found = self.lists[key]
  if not found then
    local problem
    found, problem = read(self.client)
    if not found then error(problem, 0) end
    found = only_records(found)
    self.lists[key] = found
  end
  return found
end

--- The calendars of the location.
-- @treturn table list of records
function Names:calendars()
  return list(self, "calendars", function(client) return client.calendars:list() end)
end

--- The groups of the location.
-- @treturn table list of records
function Names:groups()
  return list(self, "groups", function(client) return client.groups:list() end)
end

-- After so many of these errors no other person is read: a single person may be forbidden alone.
local REFUSALS = { auth = 1, scope = 1, forbidden = 2, reauth_required = 1 }

local AT_ONCE = 8

local function name_of(person)
  if type(person.name) == "string" and person.name ~= "" then return person.name end
  local parts = {}
  for _, part in ipairs { person.firstName or "", person.lastName or "" } do
    if type(part) == "string" and part ~= "" then parts[#parts + 1] = part end
  end
  return #parts > 0 and concat(parts, " ") or nil
end

--- The names of people, by their ids. They are for people: a token that may not read users or contacts gives none, and
-- neither does a person that cannot be read.
-- @tparam table client
-- @tparam string resource "users" or "contacts"
-- @tparam table ids a list
-- @tparam ?function progress is called with how many were read, and with the total
-- @treturn table id -> name
local function read_names(client, resource, ids, progress)
  local found, refusals, refused = {}, 0, false
  local function read(id)
    if refused or type(id) ~= "string" then return true end
    local person, problem = client[resource]:get(id, { retries = false, timeout = 10 })
    if person then found[id] = name_of(person) end
    local most = not person and REFUSALS[problem.kind]
    if most then
      refusals = refusals + 1
      refused = refused or refusals >= most
    end
    return true
  end
  if ids[1] then read(ids[1]) end -- alone: a refusal is one request
  local others = move(ids, 2, #ids, 1, {})
  if #others == 0 or refused then return found end
  require("hoopai").map(others, read, { concurrency = AT_ONCE, progress = progress })
  return found
end

--- The team members of all calendars. The API of calendars has their ids; their names are read where the token may.
-- @treturn table list of { id, name, calendarIds }
function Names:users()
  return list(self, "users", function(client)
    local found, by_id, ids = {}, {}, {}
    for _, calendar in ipairs(self:calendars()) do
      for _, id in ipairs(names.team(calendar)) do
        local user = by_id[id]
        if not user then
          user = { id = id, calendarIds = {} }
          by_id[id], found[#found + 1], ids[#ids + 1] = user, user, id
        end
        user.calendarIds[#user.calendarIds + 1] = calendar.id
      end
    end
    local by_name = read_names(client, "users", ids)
    for _, user in ipairs(found) do
      user.name = by_name[user.id]
    end
    return found
  end)
end

--- The names of contacts, where the token may read them. A contact is read once.
-- @tparam table ids a list, in which an id may be several times
-- @tparam ?function progress is called with how many were read, and with the total
-- @treturn table id -> name
function Names:contacts(ids, progress)
  local unread, seen = {}, self.contacts_read
  for _, id in ipairs(ids) do
    if not seen[id] then unread[#unread + 1] = id end
    seen[id] = true
  end
  for id, name in pairs(read_names(self.client, "contacts", unread, progress)) do
    self.contact_names[id] = name
  end
  return self.contact_names
end

--- A calendar by its name.
-- @tparam string text
-- @treturn table the record
-- @raise see `find`
function Names:calendar(text) return names.find("calendar", self:calendars(), text) end

--- A group by its name.
-- @tparam string text
-- @treturn table the record
-- @raise see `find`
function Names:group(text) return names.find("group", self:groups(), text) end

--- A team member by name.
-- @tparam string text
-- @treturn table `id`, `name` (if it is known) and `calendarIds`
-- @raise see `find`
function Names:user(text) return names.find("user", self:users(), text) end

--- Several calendars by their names.
-- @tparam table texts list; empty: all calendars
-- @treturn table list of records, each once
function Names:calendars_of(texts)
  if #texts == 0 then return self:calendars() end
  local found, seen = {}, {}
  for _, text in ipairs(texts) do
    local calendar = self:calendar(text)
    if not seen[calendar] then found[#found + 1] = calendar end
    seen[calendar] = true
  end
  return found
end

--- A record by its id.
-- @tparam string kind "calendars", "groups" or "users"
-- @tparam ?string id
-- @treturn ?table nil: the location has no such record
function Names:by_id(kind, id)
  local index = self.indexes[kind]
  if not index then
    index = {}
    for _, record in ipairs(self[kind](self)) do
      if record.id then index[record.id] = record end
    end
    self.indexes[kind] = index
  end
  return id and index[id]
end

--- The name of a record for people; its id where no name is known.
-- @tparam string kind "calendars", "groups" or "users"
-- @tparam ?string id
-- @treturn string
function Names:of(kind, id)
  local record = self:by_id(kind, id)
  return record and record.name or id or ""
end

return names
