--- Lists of appointments and of blocked times, and the deletion of either.
-- @module hoopai.sandbox.handlers.events

local access = require "hoopai.sandbox.domain.access"
local bookings = require "hoopai.sandbox.domain.bookings"
local api_errors = require "hoopai.sandbox.api_errors"
local serializers = require "hoopai.sandbox.domain.serializers"

local ipairs, sort = ipairs, table.sort

local events = {}

-- A predicate over appointments and blocked times: the owner that the query names.
local function owner_test(context)
  local store, query = context.store, context.query
  if not (query.userId or query.calendarId or query.groupId) then
    api_errors.unprocessable("Either of userId, calendarId or groupId is required")
  end
  if query.calendarId then access.get(context, "calendars", query.calendarId, "Calendar") end
  if query.groupId then access.get(context, "groups", query.groupId, "Group") end
  return function(item)
    local calendar = item.calendarId and store.calendars:get(item.calendarId)
    return (not query.userId or item.assignedUserId == query.userId)
      and (not query.calendarId or item.calendarId == query.calendarId)
      and (not query.groupId or calendar ~= nil and calendar.groupId == query.groupId)
  end
end

--- The items of a collection within the window and of the owner that the query names, in order of time.
-- @tparam table context
-- @tparam string collection
-- @treturn table list
function events.window(context, collection)
  local query, is_owned = context.query, owner_test(context)
  local found = context.store[collection]:where(
    function(item)
      return item.locationId == query.locationId
        and item.from < query.endTime
        and item.to > query.startTime
        and is_owned(item)
    end
  )
  sort(found, function(a, b)
    if a.from ~= b.from then return a.from < b.from end
    return a.id < b.id
  end)
  for i, item in ipairs(found) do
    found[i] = serializers.event(context.store, item)
  end
  return found
end

function events.list(context) return events.window(context, "appointments") end

function events.delete(context)
  local store, id = context.store, context.params.eventId
  if store.blocks:get(id) then
    store.blocks:remove(access.get(context, "blocks", id, "Event").id)
  else
    bookings.remove(store, access.appointment(context, id, "Event"))
  end
  return { succeeded = true }
end

return events
