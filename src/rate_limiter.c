/* hoopai.RateLimiter: the rate limit of one location, and when the next request may be sent.

   A state machine without a clock: each method that needs the time takes it as core.now() seconds. The limit is that of
   the X-RateLimit-* headers of the responses.

   The server counts a request when it arrives, which is between its send and its response. Here a request counts from
   its send until one interval after its response, so no interval of the server, whenever it begins, holds more requests
   than allowed. Requests of other programs show as a difference in X-RateLimit-Remaining. */
#include "transfer.h"

#include <math.h>

#define HOOPAI_RATE_LIMITER "hoopai.RateLimiter"
#define PROBES 20            /* requests in flight before the first response: the smallest limit seen was 25 */
#define PARTS 100            /* of an interval: a permit is released at most one part late */
#define RING (PARTS + 2)     /* the most parts that an interval of constant length touches */
#define MAX_WAIT 60.0        /* a longer wait is refused */
#define INTERVAL 10.0        /* without X-RateLimit-Interval-Milliseconds */
#define UNKNOWN_RESET 60.0   /* the rest of an exhausted day without X-RateLimit-Daily-Reset */
#define MAX_INTERVAL 86400.0 /* longer intervals and pauses are cut to a day */

/* Requests with responses at about the same time. */
struct part {
  double begins, ends;
  lua_Integer count;
};

/* All memory is in the userdata, so a response can always be recorded (rule Memory). */
struct rate_limiter {
  lua_Integer max; /* requests in an interval; 0 = unknown */
  lua_Integer in_flight;
  lua_Integer recent; /* requests with a response in the last interval: the sum of the parts */
  double interval;
  double paused_until; /* after a 429 */
  double day_ends;     /* of an exhausted daily limit */
  bool probing;        /* before the first response */
  int first, live;
  struct part parts[RING];
};

static struct rate_limiter *check_rate_limiter(lua_State *L) {
  return luaL_checkudata(L, 1, HOOPAI_RATE_LIMITER);
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

/* Seconds until a request may be sent, HUGE_VAL = after the next response. `scope` is set if the wait is too long, else
   NULL. */
static double seconds_until_permit(struct rate_limiter *self, double now, const char **scope) {
  *scope = NULL;
  if (now < self->day_ends) {
    *scope = "daily";
    return self->day_ends - now;
  }
  double left = self->paused_until - now;
  if (left <= 0) {
    if (self->probing) return self->in_flight < PROBES ? 0 : HUGE_VAL;
    if (self->max == 0) return 0;
    drop_old(self, now);
    if (self->in_flight + self->recent < self->max) return 0;
    if (self->live == 0) return HUGE_VAL; /* the whole limit is in flight */
    left = self->parts[self->first].ends + self->interval - now;
  }
  if (left > MAX_WAIT) *scope = "burst";
  return left;
}

/* wait(now) -> seconds until a request may be sent: 0 = now, math.huge = after the next response
   -> nil, "daily" | "burst", seconds: the wait is too long */
static int rate_limiter_wait(lua_State *L) {
  struct rate_limiter *self = check_rate_limiter(L);
  const char *scope;
  double seconds = seconds_until_permit(self, check_time(L), &scope);
  if (scope) {
    lua_pushnil(L);
    lua_pushstring(L, scope);
  }
  lua_pushnumber(L, seconds);
  return scope ? 3 : 1;
}

/* acquire(): a request is about to be sent */
static int rate_limiter_acquire(lua_State *L) {
  check_rate_limiter(L)->in_flight++;
  return 0;
}

/* try(now) -> whether a request may be sent now; if so, acquires the permit */
static int rate_limiter_try(lua_State *L) {
  struct rate_limiter *self = check_rate_limiter(L);
  const char *scope;
  bool has_permit = seconds_until_permit(self, check_time(L), &scope) <= 0;
  if (has_permit) self->in_flight++;
  lua_pushboolean(L, has_permit);
  return 1;
}

/* release(): an acquired permit was not used */
static int rate_limiter_release(lua_State *L) {
  check_rate_limiter(L)->in_flight--;
  return 0;
}

static void learn(struct rate_limiter *self, double now, const lua_Integer *numbers) {
  if (numbers[HOOPAI_RATE_LIMIT_INTERVAL_MS] > 0) {
    self->interval = at_most_day((double)numbers[HOOPAI_RATE_LIMIT_INTERVAL_MS] / 1000);
  }
  if (numbers[HOOPAI_RATE_LIMIT_MAX] > 0) self->max = numbers[HOOPAI_RATE_LIMIT_MAX];
  if (numbers[HOOPAI_RATE_LIMIT_DAILY_REMAINING] == 0) {
    lua_Integer reset_ms = numbers[HOOPAI_RATE_LIMIT_DAILY_RESET_MS];
    self->day_ends = now + (reset_ms >= 0 ? at_most_day((double)reset_ms / 1000) : UNKNOWN_RESET);
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
  self->in_flight--;
  if (is_present || lua_toboolean(L, 4)) self->probing = false;
  learn(self, now, numbers);
  if (self->max == 0) return 0;
  drop_old(self, now);
  count_recent(self, now, 1);
  if (numbers[HOOPAI_RATE_LIMIT_REMAINING] >= 0) count_others(self, now, numbers[HOOPAI_RATE_LIMIT_REMAINING]);
  return 0;
}

/* pause(now, seconds): after a 429 no request is sent for so long, or until the end of a longer pause */
static int rate_limiter_pause(lua_State *L) {
  struct rate_limiter *self = check_rate_limiter(L);
  double until = check_time(L) + at_most_day(luaL_checknumber(L, 3));
  if (until > self->paused_until) self->paused_until = until;
  return 0;
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
    .max = max,
    .interval = interval,
    .probing = !is_known,
    .paused_until = -HUGE_VAL,
    .day_ends = -HUGE_VAL,
  };
  luaL_setmetatable(L, HOOPAI_RATE_LIMITER);
  return 1;
}

void hoopai_open_rate_limiter(lua_State *L) {
  static const luaL_Reg methods[] = {
    {"wait", rate_limiter_wait},
    {"try", rate_limiter_try},
    {"acquire", rate_limiter_acquire},
    {"release", rate_limiter_release},
    {"record", rate_limiter_record},
    {"pause", rate_limiter_pause},
    {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {{NULL, NULL}};
  hoopai_new_type(L, HOOPAI_RATE_LIMITER, methods, metamethods);
  lua_pushcfunction(L, rate_limiter_new);
  lua_setfield(L, -2, "rate_limiter");
}
