--- The data of the sandbox: collections of plain tables in memory, in the order in which they were added.
-- @module hoopai.sandbox.domain.store

local format = string.format
local concat, remove = table.concat, table.remove
local setmetatable = setmetatable

local Collection = {}
Collection.__index = Collection

local function new_collection() return setmetatable({ items = {}, by_id = {} }, Collection) end

--- Adds an item; its `id` must be new.
-- @tparam table item
-- @treturn table the item
function Collection:add(item)
  assert(item.id and not self.by_id[item.id], "an item needs a new id")
  self.items[#self.items + 1] = item
  self.by_id[item.id] = item
  return item
end

--- The item with an id, or nil.
-- @tparam string id
-- @treturn ?table
function Collection:get(id) return self.by_id[id] end

--- Removes an item.
-- @tparam string id
function Collection:remove(id)
  if not self.by_id[id] then return end
  self.by_id[id] = nil
  for position, item in ipairs(self.items) do
    if item.id == id then
      remove(self.items, position)
      return
    end
  end
end

--- The items for which a predicate is true, oldest first.
-- @tparam ?function predicate default: all items
-- @treturn table a new list
function Collection:where(predicate)
  local found = {}
  for _, item in ipairs(self.items) do
    if not predicate or predicate(item) then found[#found + 1] = item end
  end
  return found
end

-- The same seed gives the same ids, so that a failure can be reproduced.
local function new_random(seed)
  local x = seed
  return function()
    -- xorshift64*
    x = x ~ (x >> 12)
    x = x ~ (x << 25)
    x = x ~ (x >> 27)
    return (x * 0x2545F4914F6CDD1D) >> 32
  end
end

local LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

local Store = {}
Store.__index = Store

--- A new identifier in the form of the API's: twenty letters and digits.
-- @treturn string
function Store:new_id()
  local id = {}
  for i = 1, 20 do
    local n = self.random() % 62 + 1
    id[i] = LETTERS:sub(n, n)
  end
  return concat(id)
end

--- A new trace id: a random UUID.
-- @treturn string
function Store:new_trace_id()
  local a, b, c, d = self.random(), self.random(), self.random(), self.random()
  return format("%08x-%04x-4%03x-%x%03x-%04x%08x", a, b >> 16, b & 0xfff, 8 + (c & 3), c >> 4 & 0xfff, c >> 16, d)
end

--- Announces a change of a record, for webhooks. While a sandbox is filled, nothing is announced.
-- @tparam string what the type of the webhook, such as "AppointmentCreate"
-- @tparam table record after the change; of a deleted one the last
function Store:announce(what, record)
  if self.on_change then self.on_change(what, record) end
end

--- The time zone of a location, which is that of its calendars as well.
-- @tparam string location_id
-- @treturn string
function Store:zone_of(location_id) return self.locations:get(location_id).timezone end

--- An empty store.
-- @tparam table options
-- @tparam function options.now returns the milliseconds since 1970
-- @tparam ?integer options.random_seed another number gives other ids
-- @treturn table
local function new(options)
  local store = { ledger = {}, now = options.now, random = new_random(options.random_seed or 0x9E3779B97F4A7C15) }
  for _, name in ipairs {
    "locations",
    "users",
    "contacts",
    "calendars",
    "groups",
    "appointments",
    "series",
    "blocks",
    "notes",
    "resources",
    "notifications",
    "schedules",
    "event_schedules",
    "services",
    "service_locations",
    "service_bookings",
  } do
    store[name] = new_collection()
  end
  return setmetatable(store, Store)
end

return { new = new }
