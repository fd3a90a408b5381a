--- The fixed segments of the API's paths. None of them may be an id, since the path would be that of another endpoint:
-- `/calendars/groups` is the list of the groups, not a calendar.
-- @module hoopai.api.reserved_segments
return {
  ["appointments"] = true,
  ["associations"] = true,
  ["block-slots"] = true,
  ["blocked-slots"] = true,
  ["bookings"] = true,
  ["calendars"] = true,
  ["catalog"] = true,
  ["contacts"] = true,
  ["event-calendar"] = true,
  ["events"] = true,
  ["free-slots"] = true,
  ["groups"] = true,
  ["locations"] = true,
  ["notes"] = true,
  ["notifications"] = true,
  ["resources"] = true,
  ["schedules"] = true,
  ["search"] = true,
  ["services"] = true,
  ["status"] = true,
  ["upsert"] = true,
  ["users"] = true,
  ["validate-slug"] = true,
}
