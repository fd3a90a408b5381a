--- The object that the function `seed` of a sandbox gets: what it adds is there when the sandbox starts.
--
--     local anna
--     local clinic <close> = sandbox.start {
--       zone = "Europe/Berlin",
--       seed = function(world)
--         anna = world:contact { name = "Anna Berg" }
--         local lee = world:user { name = "Lee Marsh" }
--         local massage = world:calendar {
--           name = "Massage",
--           calendarType = "personal",
--           teamMembers = { { userId = lee } },
--         }
--         world:appointment {
--           calendarId = massage,
--           contactId = anna,
--           startTime = world.seed.days[1] .. "T10:00:00",
--         }
--       end,
--     }
--
-- Each method takes the fields of the request that creates the record, and returns its id: `contact`, `user`, `group`,
-- `calendar`, `schedule`, `appointment` (with `rrule`: a series), `block`, `note`, `notification`, `resource`,
-- `service`, `service_location`, `service_booking`. Contacts and users have `name`, `firstName`, `lastName`, `email`
-- and `phone`. The ids are readable, and the same each time; the field `id` sets another one. `locationId` is that of
-- the clinic unless it is given. Appointments and service bookings may be in the past and are not checked against the
-- free time, unless `ignoreFreeSlotValidation` of an appointment is false. A text without offset is local time in the
-- zone of the clinic, and instants of `hoopai.time` are taken too. `world.seed` has the identifiers of the data that is
-- there already, `world.location_id` and `world.zone` are those of the clinic.
--
-- The function runs in the program that starts the sandbox, so that it can use the variables around it. The records are
-- made here first, in a sandbox without sockets, so that a wrong one is an error at its line.
-- @module hoopai.sandbox.world

local api_errors = require "hoopai.sandbox.api_errors"
local application = require "hoopai.sandbox.server.application"
local core = require("hoopai.lazy").c_module "hoopai.core"
local errors = require "hoopai.errors"
local records = require "hoopai.sandbox.domain.records"
local time = require "hoopai.time"

local format = string.format
local concat = table.concat
local error, getmetatable, ipairs, pairs, pcall = error, getmetatable, ipairs, pairs, pcall
local setmetatable, tostring, type = setmetatable, tostring, type

local world = {}

local World = { __name = "hoopai.sandbox.World" }

-- Deeper tables contain themselves.
local DEEPEST = 20

-- A copy of what a user gave, of plain values alone: they are sent to the process of the sandbox.
local function plain(value, zone, path, depth)
  if time.is_instant(value) then return value:iso(zone) end
  local kind = type(value)
  if kind == "table" and depth < DEEPEST then
    local copy = {}
    for name, item in pairs(value) do
      if type(name) ~= "string" and math.type(name) ~= "integer" then
        errors.raise(format("%s: a key must be a name or an integer, got a %s", path, type(name)))
      end
      copy[name] = plain(item, zone, path .. "." .. tostring(name), depth + 1)
    end
    return copy
  end
  if kind == "string" or kind == "number" or kind == "boolean" then return value end
  errors.raise(format("%s cannot be a %s", path, kind == "table" and "table within itself" or kind))
end

local function check_names(app, kind, fields)
  local names = records.fields(app, kind)
  local known = {}
  for _, name in ipairs(names) do
    known[name] = true
  end
  for name in pairs(fields) do
    if not known[name] then errors.raise_unknown(format("world:%s has no field", kind), name, names) end
  end
end

local function add(self, state, kind, fields)
  if getmetatable(self) ~= World then errors.raise(format("call it with a colon: world:%s { ... }", kind)) end
  if type(fields) ~= "table" then
    errors.raise(format("world:%s expects a table of fields, got %s", kind, type(fields)))
  end
  if state.is_over then errors.raise(format("world:%s came too late: the function `seed` has ended", kind)) end
  check_names(state.app, kind, fields)
  local given = plain(fields, state.zone, "world:" .. kind, 0)
  local ok, id = pcall(records.add, state.app, kind, given)
  if not ok then
    if not api_errors.is(id) then error(id, 0) end
    local message = id.message
    errors.raise(format("world:%s: %s", kind, type(message) == "table" and concat(message, "; ") or message))
  end
  given.id = id
  state.list[#state.list + 1] = { kind = kind, fields = given }
  return id
end

function World.__index(_, name)
  local members = { "seed", "location_id", "zone" }
  for _, kind in ipairs(records.kinds) do
    members[#members + 1] = kind
  end
  errors.raise_unknown("a world has no", name, members)
end

function World.__newindex(_, name)
  local advice = "a world takes no field `%s`: call its methods"
  errors.raise(format(advice, tostring(name)))
end

-- A function for each kind. Its frame is the library's, so that an error names the line that calls it.
local function methods(state)
  local object = {}
  for _, kind in ipairs(records.kinds) do
    object[kind] = function(self, fields)
      local id = add(self, state, kind, fields)
      return id
    end
  end
  return object
end

--- Calls a function `seed`.
-- @tparam table options of the sandbox, checked, without `seed`
-- @tparam function seed
-- @tparam function refuse_names makes a wrong name of the seed data an error
-- @treturn table the records, for the option `records`
-- @treturn integer the instant that the seed data is relative to, in ms, for the option `seeded_at`
function world.build(options, seed, refuse_names)
  local given = { seeded_at = options.now or core.wall_ms() }
  for _, name in ipairs { "now", "zone", "empty", "many", "strict_block_slots", "oauth" } do
    given[name] = options[name]
  end
  local app = application.new(given)
  local location_id = app.seed.location_id
  local state = { app = app, zone = app.store:zone_of(location_id), list = {} }
  local object = methods(state)
  object.seed, object.location_id, object.zone = refuse_names("world.seed", app.seed), location_id, state.zone
  seed(setmetatable(object, World))
  state.is_over = true
  return state.list, given.seeded_at
end

return world
