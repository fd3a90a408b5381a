/* Calendars of many locations, for the server of the benchmarks: what a night's work reads and changes.
 *
 * An access token is "night-" and the id of its location, and POST /oauth/token gives it for a code that is that id.
 * Each location has six calendars, free slots from nine to five on workdays, and events at regular times: 80 in 30 days
 * and calendar if its id begins with "B", else 20. Nothing is stored: a change is confirmed and forgotten.
 *
 * The rate limit of a location counts in windows that begin with a request, as the sandbox does. A request over the limit
 * is refused with status 429 and not counted. GET /counts says how many requests there were.
 */
#define _GNU_SOURCE
#include "locations.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define MOST_LOCATIONS 256
#define ID_SIZE 64
#define CALENDARS 6
#define ZONE (-5 * 3600) /* seconds east of Greenwich, in all times of the responses */
#define HOUR 3600
#define DAY (24 * HOUR)

struct location {
  char id[ID_SIZE];
  double ends; /* of the window of the rate limit */
  long used, total;
};

struct locations {
  long most;
  double interval;
  long requests, refused;
  int count;
  struct location all[MOST_LOCATIONS];
};

struct text {
  char *bytes;
  size_t length, room;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...) {
  va_list values;
  if (text->room - text->length < 1024) {
    text->room = text->room * 2 + 4096;
    text->bytes = realloc(text->bytes, text->room);
    if (!text->bytes) abort();
  }
  va_start(values, format);
  text->length += (size_t)vsnprintf(text->bytes + text->length, text->room - text->length, format, values);
  va_end(values);
}

static void add_time(struct text *text, time_t moment) {
  struct tm parts;
  time_t local = moment + ZONE;
  gmtime_r(&local, &parts);
  add(text, "%04d-%02d-%02dT%02d:%02d:%02d-05:00", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
      parts.tm_min, parts.tm_sec);
}

/* Copies what follows `name` in `from`, up to one of `ends`. */
static void copy_after(char *to, const char *from, const char *name, const char *ends) {
  const char *found = strstr(from, name);
  size_t length = 0;
  if (found) {
    found += strlen(name);
    length = strcspn(found, ends);
    if (length >= ID_SIZE) length = ID_SIZE - 1;
    memcpy(to, found, length);
  }
  to[length] = 0;
}

/* A number of milliseconds in the query, as seconds; rounded up. */
static time_t query_time(const char *target, const char *name) {
  char digits[ID_SIZE];
  copy_after(digits, target, name, "& ");
  return (time_t)((atoll(digits) + 999) / 1000);
}

/* Whether a request of the location is within the rate limit. If so, it is counted. */
static int admit(struct locations *locations, struct location *location, double now) {
  if (now >= location->ends) {
    location->ends = now + locations->interval;
    location->used = 0;
  }
  if (locations->most > 0 && location->used >= locations->most) return 0;
  location->used++;
  location->total++;
  return 1;
}

static struct location *find(struct locations *locations, const char *id) {
  for (int i = 0; i < locations->count; i++) {
    if (strcmp(locations->all[i].id, id) == 0) return &locations->all[i];
  }
  if (!*id || locations->count == MOST_LOCATIONS) return NULL;
  struct location *location = &locations->all[locations->count++];
  snprintf(location->id, sizeof location->id, "%s", id);
  return location;
}

/* The bodies -------------------------------------------------------------------------------------------------------- */

static void add_token(struct text *text, const char *form) {
  char id[ID_SIZE];
  copy_after(id, form, "code=", "& ");
  add(text,
      "{\"access_token\":\"night-%s\",\"refresh_token\":\"refresh-%s\",\"token_type\":\"Bearer\",\"expires_in\":86399,"
      "\"scope\":\"calendars.readonly calendars/events.readonly calendars/events.write\",\"userType\":\"Location\","
      "\"companyId\":\"company\",\"locationId\":\"%s\",\"userId\":\"user\"}",
      id, id, id);
}

static void add_counts(struct text *text, const struct locations *locations) {
  long busiest = 0;
  for (int i = 0; i < locations->count; i++) {
    if (locations->all[i].total > busiest) busiest = locations->all[i].total;
  }
  add(text, "{\"requests\":%ld,\"refused\":%ld,\"busiest\":%ld}", locations->requests, locations->refused, busiest);
}

static void add_calendars(struct text *text, const char *location) {
  add(text, "{\"calendars\":[");
  for (int i = 1; i <= CALENDARS; i++) {
    add(text, "%s{\"id\":\"%s-%d\",\"locationId\":\"%s\",\"name\":\"Calendar %d\",\"isActive\":true}", i > 1 ? "," : "",
        location, i, location, i);
  }
  add(text, "]}");
}

static void add_free_slots(struct text *text, const char *target) {
  time_t from = query_time(target, "startDate="), to = query_time(target, "endDate=");
  const char *between_days = "";
  add(text, "{");
  for (time_t day = from - (from + ZONE) % DAY; day <= to; day += DAY) {
    struct tm parts;
    time_t local = day + ZONE;
    gmtime_r(&local, &parts);
    if (parts.tm_wday == 0 || parts.tm_wday == 6) continue;
    const char *between = "";
    for (time_t slot = day + 9 * HOUR; slot < day + 17 * HOUR; slot += HOUR / 2) {
      if (slot < from || slot > to) continue;
      if (!*between) {
        add(text, "%s\"%04d-%02d-%02d\":{\"slots\":[", between_days, parts.tm_year + 1900, parts.tm_mon + 1,
            parts.tm_mday);
      }
      add(text, "%s\"", between);
      add_time(text, slot);
      add(text, "\"");
      between = between_days = ",";
    }
    if (*between) add(text, "]}");
  }
  add(text, "}");
}

static void add_event(struct text *text, const char *calendar, const char *location, long number, time_t begins) {
  add(text,
      "{\"id\":\"%s-%ld\",\"title\":\"First consultation\",\"calendarId\":\"%s\",\"locationId\":\"%s\","
      "\"contactId\":\"9NkT25Vor1v4aQatFsv2\",\"groupId\":\"BqTwX8QFwXzpegMve9EQ\",\"appointmentStatus\":\"confirmed\","
      "\"assignedUserId\":\"YlWd2wuCAZQzh2cH1fVZ\",\"users\":[\"YlWd2wuCAZQzh2cH1fVZ\"],\"notes\":\"Some dummy note\","
      "\"isRecurring\":false,\"startTime\":\"",
      calendar, number, calendar, location);
  add_time(text, begins);
  add(text, "\",\"endTime\":\"");
  add_time(text, begins + HOUR / 2);
  add(text, "\",\"dateAdded\":\"2025-12-20T18:00:00.000Z\",\"dateUpdated\":\"2025-12-21T09:30:00.000Z\"}");
}

static void add_events(struct text *text, const char *target, const char *location) {
  char calendar[ID_SIZE];
  time_t from = query_time(target, "startTime="), to = query_time(target, "endTime=");
  time_t step = location[0] == 'B' ? 9 * HOUR : 36 * HOUR;
  const char *between = "";
  copy_after(calendar, target, "calendarId=", "& ");
  add(text, "{\"events\":[");
  for (time_t number = (from + step - 1) / step; number * step < to; number++) {
    add(text, "%s", between);
    add_event(text, calendar, location, (long)number, number * step);
    between = ",";
  }
  add(text, "]}");
}

static void add_changed(struct text *text, const char *target, const char *location) {
  char id[ID_SIZE];
  copy_after(id, target, "/appointments/", "? ");
  add(text,
      "{\"id\":\"%s\",\"calendarId\":\"%.*s\",\"locationId\":\"%s\",\"contactId\":\"9NkT25Vor1v4aQatFsv2\","
      "\"title\":\"First consultation\",\"appointmentStatus\":\"showed\",\"assignedUserId\":\"YlWd2wuCAZQzh2cH1fVZ\"}",
      id, (int)strlen(location) + 2, id, location);
}

/* Adds the body of a request of a location, and returns the status line. */
static const char *add_body(struct text *text, const char *head, const char *location) {
  const char *target = strchr(head, ' ') + 1;
  if (strncmp(head, "PUT /calendars/events/appointments/", 35) == 0) {
    add_changed(text, target, location);
  } else if (strncmp(head, "GET /calendars/?", 16) == 0) {
    add_calendars(text, location);
  } else if (strncmp(head, "GET /calendars/events?", 22) == 0) {
    add_events(text, target, location);
  } else if (strncmp(head, "GET /calendars/", 15) == 0 && strstr(target, "/free-slots?")) {
    add_free_slots(text, target);
  } else {
    add(text, "{\"statusCode\":404,\"message\":\"no such address\"}");
    return "404 Not Found";
  }
  return "200 OK";
}

/* The responses ----------------------------------------------------------------------------------------------------- */

static void add_head(struct text *text, const struct locations *locations, const struct location *location,
                     const char *status, size_t length) {
  long most = locations->most > 0 ? locations->most : 1000000;
  add(text,
      "HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %zu\r\n"
      "X-RateLimit-Max: %ld\r\nX-RateLimit-Remaining: %ld\r\nX-RateLimit-Interval-Milliseconds: %.0f\r\n"
      "X-RateLimit-Limit-Daily: 200000\r\nX-RateLimit-Daily-Remaining: %ld\r\nX-RateLimit-Daily-Reset: 86399000\r\n"
      "Cache-Control: no-store\r\nVary: Origin\r\nX-Request-Id: 0af7651916cd43dd8448eb211c80319c\r\n\r\n",
      status, length, most, most - (location ? location->used : 0), locations->interval * 1000,
      200000 - (location ? location->total : 0));
}

/* Adds the body of a request, and returns the status line; `location` becomes that of the request. */
static const char *respond(struct locations *locations, struct text *text, const char *head, const char *form,
                           double now, struct location **location) {
  if (strncmp(head, "GET /counts ", 12) == 0) {
    add_counts(text, locations);
    return "200 OK";
  }
  if (strncmp(head, "POST /oauth/token ", 18) == 0) {
    add_token(text, form);
    return "200 OK";
  }
  char id[ID_SIZE];
  const char *token = strcasestr(head, "\r\nAuthorization:");
  copy_after(id, token ? token : "", "Bearer night-", "\r");
  *location = find(locations, id);
  if (!*location) {
    add(text, "{\"statusCode\":401,\"message\":\"Invalid JWT\"}");
    return "401 Unauthorized";
  }
  locations->requests++;
  if (!admit(locations, *location, now)) {
    locations->refused++;
    add(text, "{\"statusCode\":429,\"message\":\"Too many requests\"}");
    return "429 Too Many Requests";
  }
  return add_body(text, head, id);
}

struct locations *locations_new(long most, long interval_ms) {
  struct locations *locations = calloc(1, sizeof *locations);
  if (!locations) abort();
  locations->most = most;
  locations->interval = (double)interval_ms / 1000;
  return locations;
}

char *locations_respond(struct locations *locations, const char *head, const char *body, double now, size_t *length) {
  struct text content = {0}, text = {0};
  struct location *location = NULL;
  const char *status = respond(locations, &content, head, body, now, &location);
  add_head(&text, locations, location, status, content.length);
  *length = text.length + content.length;
  text.bytes = realloc(text.bytes, *length);
  if (!text.bytes) abort();
  memcpy(text.bytes + text.length, content.bytes, content.length);
  free(content.bytes);
  return text.bytes;
}
