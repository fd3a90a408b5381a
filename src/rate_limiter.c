/* hoopai.RateLimiter: the rate limit of one location, and when the next request may be sent.

   A state machine without a clock: each method that needs the time takes it as core.now() seconds. The limit is that of
   the X-RateLimit-* headers of the responses.

   The server counts a request when it arrives, which is between its send and its response. Here a request counts from
   its send until one interval after its response, so no interval of the server, whenever it begins, holds more requests
   than allowed. Requests of other programs show as a difference in X-RateLimit-Remaining.

   A header may state any number, so what it states is a hold that lasts until a probe: one request that may be sent when
   the hold is older than its period. While the probe is in flight no other request is sent. Its response decides: all
   that was stated before is forgotten, and only what this response states holds. */
#include "transfer.h"

#include <math.h>
#include <string.h>

#define FIRST 20             /* requests in flight before the first response: the smallest limit seen was 25 */
#define PARTS 100            /* of an interval: a permit is released at most one part late */
#define RING (PARTS + 2)     /* the most parts that an interval of constant length touches */
#define MAX_WAIT 60.0        /* a longer wait is refused */
#define INTERVAL 10.0        /* without X-RateLimit-Interval-Milliseconds */
#define UNKNOWN_RESET 60.0   /* the rest of an exhausted day without X-RateLimit-Daily-Reset */
#define MAX_INTERVAL 86400.0 /* longer intervals and pauses are cut to a day */

static const char rate_limiter_type[] = "hoopai.RateLimiter";

/* Requests with responses at about the same time. */
struct part {
  double begins, ends;
  lua_Integer count;
};

/* What holds requests back. The rate limit is `FULL` while no other request fits into the interval. */
enum hold { DAY, PAUSE, FULL, NONE };

#define HOLDS NONE

static const char *const scopes[HOLDS] = {[DAY] = "daily", [PAUSE] = "burst", [FULL] = "burst"};
static const double periods[HOLDS] = {[DAY] = 600, [PAUSE] = MAX_WAIT, [FULL] = MAX_WAIT};

/* All memory is in the userdata, so a response can always be recorded (rule Memory). */
struct rate_limiter {
  const char *type; /* see hoopai_check */
  lua_Integer max;  /* requests in an interval; 0 = unknown */
  lua_Integer in_flight;
  lua_Integer recent; /* requests with a response in the last interval: the sum of the parts */
  double interval;
  double paused_until;    /* after a 429 */
  double day_ends;        /* of an exhausted daily limit */
  double probe_at[HOLDS]; /* when a probe may be sent; of FULL not before the rate limit has been full for its period */
  enum hold probe;        /* the hold whose probe is in flight, else NONE */
  bool starting;          /* before the first response */
  bool shared;            /* are the requests of other programs counted elsewhere? */
  lua_Integer seen[HOOPAI_RATE_LIMIT_SIZE]; /* what the last response stated */
  double seen_at;
  int first, live;
  struct part parts[RING];
};

static struct rate_limiter *check_rate_limiter(lua_State *L) {
  return hoopai_check(L, 1, rate_limiter_type);
}

static double check_time(lua_State *L) {
  double now = luaL_checknumber(L, 2);
  luaL_argcheck(L, isfinite(now), 2, "a finite number expected");
  return now;
}

static double at_most_day(double seconds) {
  return seconds > MAX_INTERVAL ? MAX_INTERVAL : seconds;
}

static void drop_old(struct rate_limiter *self, double now) {
  while (self->live > 0 && self->parts[self->first].ends + self->interval <= now) {
    self->recent -= self->parts[self->first].count;
    self->first = (self->first + 1) % RING;
    self->live--;
  }
}

static struct part *newest(struct rate_limiter *self) {
  return &self->parts[(self->first + self->live - 1) % RING];
}

/* If the server makes the interval longer, the ring is too short for it: then the newest part grows, so that its
   requests count longer than necessary, never shorter. */
static void count_recent(struct rate_limiter *self, double now, lua_Integer requests) {
  if (self->live == 0 || (self->live < RING && now - newest(self)->begins > self->interval / PARTS)) {
    self->live++;
    *newest(self) = (struct part){now, now, 0};
  }
  newest(self)->ends = now;
  newest(self)->count += requests;
  self->recent += requests;
}

/* The hold at this moment, and when it ends as stated. */
static enum hold held(struct rate_limiter *self, double now, double *ends) {
  if (now < (*ends = self->day_ends)) return DAY;
  if (now < (*ends = self->paused_until)) return PAUSE;
  if (self->starting || self->max == 0) return NONE;
  drop_old(self, now);
  /* Without a part the whole limit is in flight. */
  if (self->live == 0 || self->in_flight + self->recent < self->max) return NONE;
  *ends = self->parts[self->first].ends + self->interval;
  return FULL;
}

static double seconds_without_hold(const struct rate_limiter *self) {
  lua_Integer most = self->starting ? FIRST : self->max;
  return most == 0 || self->in_flight + self->recent < most ? 0 : HUGE_VAL;
}

static double next_probe(struct rate_limiter *self, enum hold hold) {
  double at = self->probe_at[hold];
  if (hold != FULL) return at;
  double full_for_long = newest(self)->ends + periods[FULL];
  return at > full_for_long ? at : full_for_long;
}

struct wait {
  double seconds;    /* until a request may be sent; HUGE_VAL = after the next response */
  const char *scope; /* set if the wait is too long, or for the response of a probe; else NULL */
  double retry;      /* with a scope: seconds until a request may be sent, whatever the probe's response */
};

static struct wait find_wait(struct rate_limiter *self, double now) {
  double ends;
  enum hold hold = held(self, now, &ends);
  if (hold == NONE) return (struct wait){.seconds = seconds_without_hold(self)};
  double left = ends - now, retry = next_probe(self, hold) - now;
  if (retry > left) retry = left;
  if (retry <= 0) return (struct wait){.seconds = 0};
  if (self->probe != NONE) return (struct wait){HUGE_VAL, scopes[hold], retry};
  bool is_long = hold == DAY || left > MAX_WAIT;
  return (struct wait){retry, is_long ? scopes[hold] : NULL, retry};
}

/* wait(now) -> seconds until a request may be sent: 0 = now, math.huge = after the next response
   -> nil, "daily" | "burst", seconds: the wait is too long
   -> math.huge, "daily" | "burst", seconds: a probe is in flight, and a request may be sent after its response, or after
      the seconds */
static int rate_limiter_wait(lua_State *L) {
  struct rate_limiter *self = check_rate_limiter(L);
  struct wait wait = find_wait(self, check_time(L));
  if (wait.scope && wait.seconds < HUGE_VAL) lua_pushnil(L);
  else lua_pushnumber(L, wait.seconds);
  if (!wait.scope) return 1;
  lua_pushstring(L, wait.scope);
  lua_pushnumber(L, wait.retry);
  return 3;
}

/* If the next probe is not recorded, another one may be sent after a period. */
static void acquire(struct rate_limiter *self, double now) {
  double ends;
  enum hold hold = held(self, now, &ends);
  if (hold != NONE) {
    self->probe = hold;
    self->probe_at[hold] = now + periods[hold];
  }
  self->in_flight++;
}

/* acquire([now]): a request is about to be sent; while requests are held it is the probe */
static int rate_limiter_acquire(lua_State *L) {
  struct rate_limiter *self = check_rate_limiter(L);
  if (lua_isnoneornil(L, 2)) self->in_flight++;
  else acquire(self, check_time(L));
  return 0;
}

/* try(now) -> whether a request may be sent now; if so, acquires the permit */
static int rate_limiter_try(lua_State *L) {
  struct rate_limiter *self = check_rate_limiter(L);
  double now = check_time(L);
  bool has_permit = find_wait(self, now).seconds <= 0;
  if (has_permit) acquire(self, now);
  lua_pushboolean(L, has_permit);
  return 1;
}

/* release(): an acquired permit was not used. Another request may then be the probe. */
static int rate_limiter_release(lua_State *L) {
  struct rate_limiter *self = check_rate_limiter(L);
  self->in_flight--;
  if (self->probe != NONE) self->probe_at[self->probe] = -HUGE_VAL;
  self->probe = NONE;
  return 0;
}

/* Forgets what was stated, and what it was counted for. */
static void forget(struct rate_limiter *self) {
  self->day_ends = self->paused_until = -HUGE_VAL;
  self->max = 0;
  self->interval = INTERVAL;
  self->recent = 0;
  self->live = 0;
}

/* After a probe. Without a response the hold goes on: the next probe is a period after this one. */
static void end_probe(struct rate_limiter *self, bool has_response) {
  if (self->probe == NONE) return;
  if (has_response) forget(self);
  self->probe = NONE;
}

static void learn(struct rate_limiter *self, double now, const lua_Integer *numbers) {
  if (numbers[HOOPAI_RATE_LIMIT_INTERVAL_MS] > 0) {
    self->interval = at_most_day((double)numbers[HOOPAI_RATE_LIMIT_INTERVAL_MS] / 1000);
  }
  if (numbers[HOOPAI_RATE_LIMIT_MAX] > 0) self->max = numbers[HOOPAI_RATE_LIMIT_MAX];
  if (numbers[HOOPAI_RATE_LIMIT_DAILY_REMAINING] == 0) {
    lua_Integer reset_ms = numbers[HOOPAI_RATE_LIMIT_DAILY_RESET_MS];
    self->day_ends = now + (reset_ms >= 0 ? at_most_day((double)reset_ms / 1000) : UNKNOWN_RESET);
    self->probe_at[DAY] = now + periods[DAY];
  }
}

/* Counts the requests of other programs: the smallest number that `remaining` implies, as the server may not have
   counted all requests in flight. */
static void count_others(struct rate_limiter *self, double now, lua_Integer remaining) {
  lua_Integer others = self->max - remaining - self->recent - self->in_flight;
  if (others > 0) count_recent(self, now, others < self->max ? others : self->max);
}

/* record(now, rate_limit, has_response): a sent request has ended. Allocates nothing.
   rate_limit: its Transfer, or what its rate_limit() returned; nil = none. has_response: a request without a
   response counts as well, as the server may have received it. */
static int rate_limiter_record(lua_State *L) {
  struct rate_limiter *self = check_rate_limiter(L);
  double now = check_time(L);
  lua_Integer numbers[HOOPAI_RATE_LIMIT_SIZE];
  bool is_present = hoopai_rate_limit_read(L, 3, numbers);
  bool has_response = is_present || lua_toboolean(L, 4);
  self->in_flight--;
  if (has_response) self->starting = false;
  end_probe(self, has_response);
  learn(self, now, numbers);
  if (is_present) {
    memcpy(self->seen, numbers, sizeof self->seen);
    self->seen_at = now;
  }
  if (self->max == 0) return 0;
  drop_old(self, now);
  count_recent(self, now, 1);
  if (numbers[HOOPAI_RATE_LIMIT_REMAINING] >= 0 && !self->shared) {
    count_others(self, now, numbers[HOOPAI_RATE_LIMIT_REMAINING]);
  }
  return 0;
}

/* pause(now, seconds): after a 429 no request but a probe is sent for so long, or until the end of a longer pause */
static int rate_limiter_pause(lua_State *L) {
  struct rate_limiter *self = check_rate_limiter(L);
  double now = check_time(L), until = now + at_most_day(luaL_checknumber(L, 3));
  if (until > self->paused_until) self->paused_until = until;
  self->probe_at[PAUSE] = now + periods[PAUSE];
  return 0;
}

/* hold_day(now, seconds): another program has learned that the day is exhausted for so long */
static int rate_limiter_hold_day(lua_State *L) {
  struct rate_limiter *self = check_rate_limiter(L);
  double now = check_time(L), until = now + at_most_day(luaL_checknumber(L, 3));
  if (until <= self->day_ends) return 0;
  self->day_ends = until;
  self->probe_at[DAY] = now + periods[DAY];
  return 0;
}

/* share(whether): the requests of other programs are counted elsewhere, so a difference in X-RateLimit-Remaining is not
   counted here */
static int rate_limiter_share(lua_State *L) {
  check_rate_limiter(L)->shared = lua_toboolean(L, 2);
  return 0;
}

/* observed() -> max (-1 = no response yet, 0 = none stated), interval in milliseconds, and of the last response that
   stated a limit: remaining, daily remaining, daily reset in milliseconds (-1 = not stated), and its core.now() (before
   all times if there is none) */
static int rate_limiter_observed(lua_State *L) {
  const struct rate_limiter *self = check_rate_limiter(L);
  lua_pushinteger(L, self->starting ? -1 : self->max);
  lua_pushinteger(L, (lua_Integer)(self->interval * 1000 + 0.5));
  lua_pushinteger(L, self->seen[HOOPAI_RATE_LIMIT_REMAINING]);
  lua_pushinteger(L, self->seen[HOOPAI_RATE_LIMIT_DAILY_REMAINING]);
  lua_pushinteger(L, self->seen[HOOPAI_RATE_LIMIT_DAILY_RESET_MS]);
  lua_pushnumber(L, self->seen_at);
  return 6;
}

static lua_Integer known_max(lua_State *L) {
  lua_getfield(L, 1, "max");
  lua_Integer max = lua_tointeger(L, -1);
  luaL_argcheck(L, max > 0 && max <= HOOPAI_RATE_LIMIT_MOST, 1, "field 'max' must be a positive integer");
  return max;
}

static double known_interval(lua_State *L) {
  if (lua_getfield(L, 1, "interval") == LUA_TNIL) return INTERVAL;
  double interval = lua_tonumber(L, -1);
  luaL_argcheck(L, interval > 0 && interval <= MAX_INTERVAL, 1, "field 'interval' must be seconds, at most a day");
  return interval;
}

/* rate_limiter(known) -> RateLimiter: of an unknown limit, or of `max` requests in `interval` (10) seconds */
static int rate_limiter_new(lua_State *L) {
  bool is_known = !lua_isnoneornil(L, 1);
  if (is_known) luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer max = is_known ? known_max(L) : 0;
  double interval = is_known ? known_interval(L) : INTERVAL;
  struct rate_limiter *self = lua_newuserdatauv(L, sizeof *self, 0);
  *self = (struct rate_limiter){
    .type = rate_limiter_type,
    .max = max,
    .interval = interval,
    .starting = !is_known,
    .paused_until = -HUGE_VAL,
    .day_ends = -HUGE_VAL,
    .probe_at = {-HUGE_VAL, -HUGE_VAL, -HUGE_VAL},
    .probe = NONE,
    .seen_at = -HUGE_VAL,
  };
  for (int i = 0; i < HOOPAI_RATE_LIMIT_SIZE; i++) self->seen[i] = -1;
  luaL_setmetatable(L, rate_limiter_type);
  return 1;
}

void hoopai_open_rate_limiter(lua_State *L) {
  static const luaL_Reg methods[] = {
    {"wait", rate_limiter_wait},         {"try", rate_limiter_try},
    {"acquire", rate_limiter_acquire},   {"release", rate_limiter_release},
    {"record", rate_limiter_record},     {"pause", rate_limiter_pause},
    {"hold_day", rate_limiter_hold_day}, {"share", rate_limiter_share},
    {"observed", rate_limiter_observed}, {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {{NULL, NULL}};
  hoopai_new_type(L, rate_limiter_type, methods, metamethods);
  lua_pushcfunction(L, rate_limiter_new);
  lua_setfield(L, -2, "rate_limiter");
}
