--- The names of the resources, in the order of the documentation.
-- Each name is a file beside this one: `hoopai.api.<name>` describes the endpoints of that resource as data.
-- @module hoopai.api
return {
  "calendars",
  "groups",
  "events",
  "appointments",
  "block_slots",
  "notes",
  "resources",
  "notifications",
  "schedules",
  "event_schedules",
  "services",
  "service_bookings",
  "service_locations",
  "contacts",
  "users",
  "locations",
}
