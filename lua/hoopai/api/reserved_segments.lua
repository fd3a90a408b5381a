--- The words that stand in the paths of the API themselves. As an id each of them would make another endpoint of the
-- path: a calendar called "groups" is the list of the groups.
-- @module hoopai.api.reserved_segments
return {
  ["appointments"] = true,
  ["associations"] = true,
  ["block-slots"] = true,
  ["blocked-slots"] = true,
  ["calendars"] = true,
  ["events"] = true,
  ["free-slots"] = true,
  ["groups"] = true,
  ["notes"] = true,
  ["notifications"] = true,
  ["resources"] = true,
  ["schedules"] = true,
  ["search"] = true,
  ["status"] = true,
  ["validate-slug"] = true,
}
