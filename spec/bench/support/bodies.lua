--- The fixed response bodies of the benchmarks' servers: those of the API, in three sizes.
local concat = table.concat
local format = string.format

local bodies = {}

local appointment = '{"id":"0TkCdp9PfvLeWKYRRvIz","title":"First consultation","calendarId":"ocQHyuzHvysMo5N5VsXc",'
  .. '"locationId":"C2QujeCh8ZnC7al2InWR","contactId":"9NkT25Vor1v4aQatFsv2","groupId":"BqTwX8QFwXzpegMve9EQ",'
  .. '"appointmentStatus":"confirmed","assignedUserId":"YlWd2wuCAZQzh2cH1fVZ","users":["YlWd2wuCAZQzh2cH1fVZ"],'
  .. '"notes":"Some dummy note","isRecurring":false,"startTime":"2026-01-%02dT10:00:00-05:00",'
  .. '"endTime":"2026-01-%02dT10:30:00-05:00","dateAdded":"2025-12-20T18:00:00.000Z",'
  .. '"dateUpdated":"2025-12-21T09:30:00.000Z"}'

--- One appointment, about 0.6 KB.
function bodies.small()
  return '{"appointment":' .. format(appointment, 5, 5) .. ',"traceId":"2e2b4a1c-7f52-4a52-9d8e-1f0f7c3b2a11"}'
end

--- A month of free slots, 34 on each of 31 days: about 30 KB.
function bodies.medium()
  local days = {}
  for day = 1, 31 do
    local slots = {}
    for index = 0, 33 do
      slots[#slots + 1] = format('"2026-01-%02dT%02d:%02d:00-05:00"', day, 7 + index // 3, index % 3 * 20)
    end
    days[day] = format('"2026-01-%02d":{"slots":[%s]}', day, concat(slots, ","))
  end
  return "{" .. concat(days, ",") .. ',"traceId":"2e2b4a1c-7f52-4a52-9d8e-1f0f7c3b2a11"}'
end

--- 10,000 events, about 5 MB.
function bodies.large()
  local events = {}
  for index = 1, 10000 do
    local day = index % 28 + 1
    events[index] = format(appointment, day, day):gsub("0TkCdp9PfvLeWKYRRv", format("%018d", index))
  end
  return '{"events":[' .. concat(events, ",") .. '],"traceId":"2e2b4a1c-7f52-4a52-9d8e-1f0f7c3b2a11"}'
end

--- What a request of each size asks for. The response has the body of that name.
bodies.paths = {
  small = "/calendars/events/appointments/0TkCdp9PfvLeWKYRRvIz",
  medium = "/calendars/ocQHyuzHvysMo5N5VsXc/free-slots?startDate=1767243600000&endDate=1769835600000",
  large = "/calendars/events?locationId=C2QujeCh8ZnC7al2InWR&calendarId=ocQHyuzHvysMo5N5VsXc"
    .. "&startTime=1767243600000&endTime=1769835600000",
}

return bodies
