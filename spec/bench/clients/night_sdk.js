// A night's work with the vendor's SDK: see spec/bench/night_bench.lua, and night.lua for the arguments.
//
// The SDK's own means: its retries after a 429, and a store derived from its SessionStorage, which keeps what it has read
// from the files. The SDK does not keep a rate limit, and does not split spans: its free slots come in at most 31 days.
"use strict";
const fs = require("fs");
const path = require("path");
const { HighLevel, LogLevel, SessionStorage } = require(process.env.BENCH_NODE_MODULES + "/@gohighlevel/api-client");

const [url, folder, nightText, atATime, ...locations] = process.argv.slice(2);
const night = Number(nightText), day = 86400000;

class FileSessionStorage extends SessionStorage {
  constructor() {
    super();
    this.sessions = new Map();
  }
  setClientId() {}
  async init() {}
  async disconnect() {}
  async createCollection() {}
  async getCollection(name) { return name; }
  file(id) { return path.join(folder, id + ".json"); }
  async setSession(id, session) {
    const kept = { ...session, expire_at: this.calculateExpireAt(session.expires_in) };
    await fs.promises.writeFile(this.file(id) + ".new", JSON.stringify(kept), { mode: 0o600 });
    await fs.promises.rename(this.file(id) + ".new", this.file(id));
    this.sessions.set(id, kept);
  }
  async getSession(id) {
    if (!this.sessions.has(id)) this.sessions.set(id, JSON.parse(await fs.promises.readFile(this.file(id), "utf8")));
    return this.sessions.get(id);
  }
  async deleteSession(id) {
    this.sessions.delete(id);
    await fs.promises.rm(this.file(id), { force: true });
  }
  async getAccessToken(id) { return (await this.getSession(id)).access_token; }
  async getRefreshToken(id) { return (await this.getSession(id)).refresh_token; }
}

HighLevel.BASE_URL = url;
const api = new HighLevel({
  clientId: "client-id", clientSecret: "secret", sessionStorage: new FileSessionStorage(), logLevel: LogLevel.NONE,
  rateLimitRetry: { maxRetries: 1000, maxDelayMs: 60000 },
});

// Calls fn for each item, several at a time.
async function map(items, fn) {
  let next = 0;
  async function worker() {
    while (next < items.length) await fn(items[next++]);
  }
  await Promise.all(Array.from({ length: Math.min(Number(atATime), items.length) }, worker));
}

async function countSlots(ids, headers) {
  const spans = [[night, night + 30 * day - 1], [night + 30 * day, night + 60 * day - 1]];
  const counts = await Promise.all(ids.flatMap((calendarId) => spans.map(async ([startDate, endDate]) => {
    const days = await api.calendars.getSlots({ calendarId, startDate, endDate }, { headers });
    let count = 0;
    for (const found of Object.values(days)) count += found.slots ? found.slots.length : 0;
    return count;
  })));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function markEvents(ids, locationId, headers) {
  const lists = await Promise.all(ids.map((calendarId) => api.calendars.getCalendarEvents({
    locationId, calendarId, startTime: String(night - 30 * day), endTime: String(night),
  })));
  const events = lists.flatMap((list) => list.events);
  const marked = locationId.startsWith("B") ? events : events.slice(0, 20);
  await map(marked, (event) =>
    api.calendars.editAppointment({ eventId: event.id }, { appointmentStatus: "showed" }, { headers }));
  return { events: events.length, changes: marked.length };
}

async function work(locationId) {
  const headers = { "x-location-id": locationId };
  const { calendars } = await api.calendars.getCalendars({ locationId });
  const ids = calendars.map((calendar) => calendar.id);
  const [slots, marked] = await Promise.all([countSlots(ids, headers), markEvents(ids, locationId, headers)]);
  return { slots, ...marked };
}

(async () => {
  const results = await Promise.all(locations.map(work));
  const sum = (name) => results.reduce((total, result) => total + result[name], 0);
  console.log(`slots=${sum("slots")} events=${sum("events")} changes=${sum("changes")}`);
  process.exit(0);
})().catch((problem) => {
  console.error(problem);
  process.exit(1);
});
