--- Notifications of calendars. They are stored and never sent.
-- @module hoopai.sandbox.handlers.notifications

local access = require "hoopai.sandbox.domain.access"
local api_errors = require "hoopai.sandbox.api_errors"

local ipairs, pairs = ipairs, pairs

local notifications = {}

-- Fields of the sandbox alone, and fields that the API accepts but does not return.
local HIDDEN = {
  id = true,
  calendarId = true,
  locationId = true,
  fromAddress = true,
  fromName = true,
  fromNumber = true,
}

local function calendar_of(context) return access.get(context, "calendars", context.params.calendarId, "Calendar") end

local function get(context)
  local calendar = calendar_of(context)
  local notification = context.store.notifications:get(context.params.notificationId)
  if not notification or notification.calendarId ~= calendar.id then api_errors.not_found("Notification not found") end
  return notification
end

local function view(notification)
  local shown = { _id = notification.id }
  for name, value in pairs(notification) do
    if not HIDDEN[name] then shown[name] = value end
  end
  return shown
end

-- Deleted notifications are kept, and listed on request alone.
function notifications.list(context)
  local query, calendar = context.query, calendar_of(context)
  local all = context.store.notifications:where(
    function(notification)
      return notification.calendarId == calendar.id
        and notification.deleted == (query.deleted or false)
        and (query.isActive == nil or notification.isActive == query.isActive)
    end
  )
  local page, skip = {}, query.skip or 0
  for position = skip + 1, skip + (query.limit or 100) do
    if not all[position] then break end
    page[#page + 1] = view(all[position])
  end
  return page
end

function notifications.create(context)
  local store, calendar, created = context.store, calendar_of(context), {}
  for i, notification in ipairs(context.body) do
    notification.id, notification.calendarId, notification.locationId = store:new_id(), calendar.id, calendar.locationId
    notification.isActive, notification.deleted = notification.isActive ~= false, false
    created[i] = view(store.notifications:add(notification))
  end
  return created
end

function notifications.get(context) return view(get(context)) end

function notifications.update(context)
  local notification = get(context)
  for name, value in pairs(context.body) do
    notification[name] = value
  end
  for name in pairs(context.cleared) do
    notification[name] = nil
  end
  notification.deleted = notification.deleted or false
  return { message = "Notification updated successfully" }
end

function notifications.delete(context)
  get(context).deleted = true
  return { message = "Notification deleted successfully" }
end

return notifications
