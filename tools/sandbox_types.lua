--- The types of `hoopai.sandbox` for editors, a part of lua/hoopai/meta.lua.
local comments = require "tools.comments"

local sandbox_types = {}

-- What each method of a `world` takes: the body of its endpoint and the names of its path; fields that have a default
-- there are optional.
-- stylua: ignore
local KINDS = {
  { "contact" }, { "user" },
  { "group", body = "GroupCreate", optional = { "description", "slug" } },
  { "calendar", body = "CalendarCreate" },
  { "schedule", body = "ScheduleCreate", optional = { "timezone" } },
  { "appointment", body = "AppointmentCreate" },
  { "block", body = "BlockSlotCreate" },
  { "service", body = "ServiceCreate", optional = { "slug" } },
  { "service_location", body = "ServiceLocationCreate", optional = { "slug" } },
  { "service_booking", body = "ServiceBookingCreate", optional = { "timezone", "endTime" } },
  { "note", body = "NoteBody", path = { "appointmentId" } },
  { "notification", body = "NotificationCreate", path = { "calendarId" },
    optional = { "receiverType", "channel", "notificationType" } },
  { "resource", body = "ResourceCreate", path = { "resourceType" },
    optional = { "description", "quantity", "outOfService", "capacity", "calendarIds" } },
}

local TYPES = {
  resourceType = '"rooms"|"equipments"',
  quantity = "integer",
  outOfService = "integer",
  capacity = "integer",
  calendarIds = "string[]",
  receiverType = '"contact"|"guest"|"assignedUser"|"emails"|"phoneNumbers"|"business"',
  channel = '"email"|"inApp"|"sms"|"whatsapp"',
  notificationType = '"booked"|"confirmation"|"cancellation"|"reminder"|"followup"|"reschedule"',
}

local function class_of(kind) return "hoopai.sandbox." .. kind:gsub("^%l", string.upper):gsub("_(%l)", string.upper) end

local function put_fields(put, data)
  local kind = data[1]
  put("---What `world:%s` takes.", kind)
  put("---@class (exact) %s%s", class_of(kind), data.body and ": hoopai." .. data.body or "")
  for _, name in ipairs(data.path or {}) do
    put("---@field %s %s", name, TYPES[name] or "string")
  end
  if not data.body then
    put("---@field name string")
    for _, name in ipairs { "firstName", "lastName", "email", "phone", "locationId" } do
      put("---@field %s? string", name)
    end
  end
  for _, name in ipairs(data.optional or {}) do
    put("---@field %s? %s", name, TYPES[name] or "string")
  end
  put("---@field id? string default: a readable one")
  put("")
end

local function put_world(put)
  for _, data in ipairs(KINDS) do
    put_fields(put, data)
  end
  put("---Adds records to a sandbox that starts: what the function `seed` gets.")
  put("---@class hoopai.sandbox.World")
  put("---@field seed table the identifiers of the data that is there already")
  put("---@field location_id string of the clinic")
  put("---@field zone string of the clinic")
  put("local World = {}")
  put("")
  for _, data in ipairs(KINDS) do
    put("---@param fields %s", class_of(data[1]))
    put("---@return string id")
    put("function World:%s(fields) end", data[1])
    put("")
  end
end

--- Writes the types.
-- @tparam table page the reference of the module
-- @tparam table writer the functions of tools/generate_meta.lua
function sandbox_types.put(page, writer)
  local put = writer.put
  put_world(put)
  writer.put_options("SandboxOptions", "What `sandbox.start` takes.", page.items.start.comment, "given")
  put("---What `sandbox.serve` takes.")
  put("---@class (exact) hoopai.SandboxServeOptions: hoopai.SandboxOptions")
  for _, tag in ipairs(comments.tags(page.items.serve.comment, "tparam")) do
    if tag.name == "given.run" then writer.put_with("---@field run? string|string[]", tag.text) end
  end
  put("")
  writer.put_text(page.items.Sandbox.comment.text)
  put("---@class hoopai.Sandbox")
  writer.put_class("Sandbox", page.items.Sandbox.comment, nil, true)
  put("local Sandbox = {}")
  put("")
  writer.put_items(page, "Sandbox", "Sandbox:")
  put("---A local server of the API, for trying scripts without an account.")
  put("---@class hoopai.sandbox")
  put("local sandbox = {}")
  put("")
  writer.put_items(page, nil, "sandbox.")
end

return sandbox_types
