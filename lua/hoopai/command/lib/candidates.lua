--- `hoopai __complete WORD...`: the names of calendars, groups or people that complete a command line, one per line.
-- The scripts of `hoopai completion` call it.
--
-- A shell waits for it, and shows nothing but the names. So it sends one GET at most, and takes no longer than two
-- seconds; it asks nothing, prints no problem, and renews no token.
local account = require "hoopai.command.lib.account"
local expected_word = require "hoopai.command.lib.expected_word"
local lists = require "hoopai.command.lib.names"
local printable = require "hoopai.command.lib.printable"
local profiles = require "hoopai.command.lib.profile"

local ipairs, pcall, type = ipairs, pcall, type
local max, sort = math.max, table.sort
local lower, sub = string.lower, string.sub

local candidates = {}

local LIMIT = 2 -- seconds
local LEAST_LIFE = 1200 -- seconds; the library renews a token in the background below half of that

--- Whether a call with the token of a sign-in would be sent as it is.
local function is_fresh(app, location_id)
  local now = require("hoopai").time.now()
  for _, entry in ipairs(app:grants() or {}) do
    if entry.location_id == location_id and entry.expires_at then
      local left = (entry.expires_at - now):seconds()
      local life = entry.obtained_at and (entry.expires_at - entry.obtained_at):seconds() or 0
      return left > max(LEAST_LIFE, life / 10)
    end
  end
  return false
end

local READ = {}

function READ.calendars(client) return lists.new(client):calendars() end

function READ.groups(client) return lists.new(client):groups() end

--- The people of the location. Which of them are in a team would take another request. A token that may not read users
-- gives none.
function READ.users(client, location_id)
  local request = { method = "GET", path = "/users/", query = { locationId = location_id } }
  local result = client:request(request, { retries = false, timeout = LIMIT })
  local found = {}
  for _, user in ipairs(type(result) == "table" and type(result.users) == "table" and result.users or {}) do
    if type(user) == "table" and type(user.id) == "string" and type(user.name) == "string" then
      found[#found + 1] = { id = user.id, name = user.name }
    end
  end
  return found
end

--- The records of a kind. Raises what goes wrong.
local function read(kind, options)
  local choice = profiles.choose(options)
  local location_id = profiles.location(choice, options)
  local given, app = account.open(choice, options)
  local closing <close> = app -- luacheck: ignore 211
  if not location_id or app and not is_fresh(app, location_id) then return {} end
  given.timeout, given.connect_timeout, given.queue_timeout, given.retries = LIMIT, LIMIT, LIMIT, false
  local client <close> = require("hoopai").new(given)
  return READ[kind](client, location_id)
end

--- The name or the id of a record that begins with a text; capitals do not matter in names. Those with what commands
-- a terminal or ends a line are left out.
local function match_of(record, beginning)
  local id, name = record.id or "", record.name or record.id or ""
  local found = name
  if lower(sub(name, 1, #beginning)) ~= lower(beginning) then
    found = beginning == sub(id, 1, #beginning) and id or ""
  end
  return found ~= "" and printable(found) == found and found or nil
end

--- Prints the names that complete the last word.
-- @tparam table words those of the command line after `hoopai`
-- @tparam function load returns the data of the command of a name, or nil
-- @param output a file
-- @treturn integer the exit status: 0 if the last word is a name of these, even if none is found; else 1
function candidates.print(words, load, output)
  local expected = expected_word.find(words, load)
  if not expected then return 1 end
  local ok, records = pcall(read, expected.kind, expected.options)
  local found, seen = {}, {}
  for _, record in ipairs(ok and records or {}) do
    local match = match_of(record, expected.beginning)
    if match and not seen[match] then
      seen[match], found[#found + 1] = true, match
    end
  end
  sort(found)
  for _, match in ipairs(found) do
    output:write(expected.prefix, match, "\n")
  end
  return 0
end

return candidates
