// The vendor's own SDK for Node, npm @gohighlevel/api-client: its methods for the same three endpoints.
"use strict";
const { work, run } = require("./meter.js");
const { HighLevel, LogLevel } = require(process.env.BENCH_NODE_MODULES + "/@gohighlevel/api-client");

HighLevel.BASE_URL = work.base;
const api = new HighLevel({
  privateIntegrationToken: "benchmark-token-that-opens-nothing", logLevel: LogLevel && LogLevel.NONE,
});

const calendarId = "ocQHyuzHvysMo5N5VsXc", locationId = "C2QujeCh8ZnC7al2InWR";
const requests = {
  small: () => api.calendars.getAppointment({ eventId: "0TkCdp9PfvLeWKYRRvIz" }),
  medium: () => api.calendars.getSlots({ calendarId, startDate: 1767243600000, endDate: 1769835600000 }),
  large: () => api.calendars.getCalendarEvents({
    locationId, calendarId, startTime: "1767243600000", endTime: "1769835600000",
  }),
};

run(requests[work.kind]);
