/* The request budget of one location: how long to wait before the next request may be sent.

   A pure state machine: it never waits itself and reads no clock; every function takes the time (of a clock that is
   never set, in seconds). What it knows it has learnt from the answers' X-RateLimit-* headers.

   The server counts a request when it arrives, which is somewhere between sending and answer. A request counts here
   from its sending until one interval after its answer, so in no interval of the server's, wherever that begins, do
   more arrive than allowed. Requests of other programs show in what the server says is left. */
#include "multi.h"

#include <math.h>

#define PROBES 20        /* requests in flight while nothing is known of the budget: the smallest one seen was 25 */
#define PARTS 100        /* in which an interval is counted: a place becomes free at most a hundredth of it late */
#define RING (PARTS + 2) /* as many of them as an interval that stays the same can touch */
#define FAR 60.0         /* what takes longer than this is not waited for (a day that is used up) */
#define INTERVAL 10.0    /* assumed where the headers name no interval */
#define BLIND_DAY 60.0   /* how long an exhausted day is believed where its end is not told */
#define LONGEST 86400.0  /* no header closes the gate, or makes an interval, for longer than a day */

/* Requests that were answered at about the same time. */
struct part {
  double begins, ends;
  lua_Integer count;
};

/* The userdata hoopai.Limiter. All of its memory is its own from the beginning: an answer can always be counted. */
struct limiter {
  lua_Integer max; /* requests in an interval; 0 = unlimited, as far as is known */
  lua_Integer in_flight;
  lua_Integer answered; /* in the last interval: the sum of its parts */
  double interval;
  double closed_until; /* after a 429 */
  double day_over_until;
  bool asking; /* no answer has come yet */
  int first, live;
  struct part parts[RING];
};

static struct limiter *check_limiter(lua_State *L) {
  return luaL_checkudata(L, 1, HOOPAI_LIMITER);
}

static double check_time(lua_State *L) {
  double now = luaL_checknumber(L, 2);
  luaL_argcheck(L, isfinite(now), 2, "a finite number expected");
  return now;
}

static double at_most_longest(double seconds) {
  return seconds > LONGEST ? LONGEST : seconds;
}

static void forget_old(struct limiter *own, double now) {
  while (own->live > 0 && own->parts[own->first].ends + own->interval <= now) {
    own->answered -= own->parts[own->first].count;
    own->first = (own->first + 1) % RING;
    own->live--;
  }
}

static struct part *newest(struct limiter *own) {
  return &own->parts[(own->first + own->live - 1) % RING];
}

/* The server may make the interval longer, and then the ring is too short for it: the newest part grows, so that its
   requests become free later than they could, never earlier. */
static void count_answered(struct limiter *own, double now, lua_Integer requests) {
  if (own->live == 0 || (own->live < RING && now - newest(own)->begins > own->interval / PARTS)) {
    own->live++;
    *newest(own) = (struct part){now, now, 0};
  }
  newest(own)->ends = now;
  newest(own)->count += requests;
  own->answered += requests;
}

/* Seconds until a request may be sent besides `ahead` others, as wait() gives them. `scope` is set where waiting is no
   use, else NULL. */
static double seconds_until_room(struct limiter *own, double now, lua_Integer ahead, const char **scope) {
  lua_Integer taken = own->in_flight + ahead;
  *scope = NULL;
  if (now < own->day_over_until) {
    *scope = "daily";
    return own->day_over_until - now;
  }
  double left = own->closed_until - now;
  if (left <= 0) {
    if (own->asking) return taken < PROBES ? 0 : HUGE_VAL;
    if (own->max == 0) return 0;
    forget_old(own, now);
    if (taken + own->answered < own->max) return 0;
    if (own->live == 0) return HUGE_VAL; /* all of the budget is in flight */
    left = own->parts[own->first].ends + own->interval - now;
  }
  if (left > FAR) *scope = "burst";
  return left;
}

/* wait(now) -> seconds until a request may be sent: 0 = now, math.huge = not before an answer has come; or, where
   waiting is no use, nil, "daily" | "burst", seconds until the gate opens again */
static int limiter_wait(lua_State *L) {
  struct limiter *own = check_limiter(L);
  const char *scope;
  double seconds = seconds_until_room(own, check_time(L), 0, &scope);
  if (scope) {
    lua_pushnil(L);
    lua_pushstring(L, scope);
  }
  lua_pushnumber(L, seconds);
  return scope ? 3 : 1;
}

/* take(): notes that a request is about to be sent */
static int limiter_take(lua_State *L) {
  check_limiter(L)->in_flight++;
  return 0;
}

/* try(now, ahead) -> whether a request may be sent now, with room left for those that are ahead of it; then it is taken */
static int limiter_try(lua_State *L) {
  struct limiter *own = check_limiter(L);
  const char *scope;
  lua_Integer ahead = luaL_optinteger(L, 3, 0);
  bool has_room = seconds_until_room(own, check_time(L), ahead, &scope) <= 0;
  if (has_room) own->in_flight++;
  lua_pushboolean(L, has_room);
  return 1;
}

/* give_back(): notes that a request which was taken never left */
static int limiter_give_back(lua_State *L) {
  check_limiter(L)->in_flight--;
  return 0;
}

static void learn(struct limiter *own, double now, const lua_Integer *told) {
  if (told[HOOPAI_BUDGET_INTERVAL_MS] > 0) {
    own->interval = at_most_longest((double)told[HOOPAI_BUDGET_INTERVAL_MS] / 1000);
  }
  if (told[HOOPAI_BUDGET_MAX] > 0) own->max = told[HOOPAI_BUDGET_MAX];
  if (told[HOOPAI_BUDGET_DAILY_REMAINING] == 0) {
    lua_Integer reset_ms = told[HOOPAI_BUDGET_DAILY_RESET_MS];
    own->day_over_until = now + (reset_ms >= 0 ? at_most_longest((double)reset_ms / 1000) : BLIND_DAY);
  }
}

/* Notes what others have used, as far as the server's word shows it. Some of ours in flight may not be counted yet, so
   this is the least that can be true. */
static void count_others(struct limiter *own, double now, lua_Integer remaining) {
  lua_Integer others = own->max - remaining - own->answered - own->in_flight;
  if (others > 0) count_answered(own, now, others < own->max ? others : own->max);
}

/* settle(now, told, came): notes the end of a request: its answer, or that none came (it may have arrived all the same).
   `told` is what the answer says of the budget: its Transfer, or what rate_limit() of that gave; nil = nothing. `came` is
   whether there was an answer. Needs no memory. */
static int limiter_settle(lua_State *L) {
  struct limiter *own = check_limiter(L);
  double now = check_time(L);
  lua_Integer told[HOOPAI_BUDGET_SIZE];
  bool is_told = hoopai_budget_read(L, 3, told);
  own->in_flight--;
  if (is_told || lua_toboolean(L, 4)) own->asking = false;
  learn(own, now, told);
  if (own->max == 0) return 0;
  forget_old(own, now);
  count_answered(own, now, 1);
  if (told[HOOPAI_BUDGET_REMAINING] >= 0) count_others(own, now, told[HOOPAI_BUDGET_REMAINING]);
  return 0;
}

/* close(now, seconds): closes the gate after a 429 for so long, unless it is closed for longer */
static int limiter_close(lua_State *L) {
  struct limiter *own = check_limiter(L);
  double until = check_time(L) + at_most_longest(luaL_checknumber(L, 3));
  if (until > own->closed_until) own->closed_until = until;
  return 0;
}

static lua_Integer known_max(lua_State *L) {
  lua_getfield(L, 1, "max");
  lua_Integer max = lua_tointeger(L, -1);
  luaL_argcheck(L, max > 0 && max <= HOOPAI_BUDGET_MOST, 1, "field 'max' must be a positive integer");
  return max;
}

static double known_interval(lua_State *L) {
  if (lua_getfield(L, 1, "interval") == LUA_TNIL) return INTERVAL;
  double interval = lua_tonumber(L, -1);
  luaL_argcheck(L, interval > 0 && interval <= LONGEST, 1, "field 'interval' must be seconds, at most a day");
  return interval;
}

/* limiter(known) -> Limiter: a budget of which nothing is known, or `max` requests in `interval` (10) seconds */
static int limiter_new(lua_State *L) {
  bool is_known = !lua_isnoneornil(L, 1);
  if (is_known) luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer max = is_known ? known_max(L) : 0;
  double interval = is_known ? known_interval(L) : INTERVAL;
  struct limiter *own = lua_newuserdatauv(L, sizeof *own, 0);
  *own = (struct limiter){
    .max = max,
    .interval = interval,
    .asking = !is_known,
    .closed_until = -HUGE_VAL,
    .day_over_until = -HUGE_VAL,
  };
  luaL_setmetatable(L, HOOPAI_LIMITER);
  return 1;
}

void hoopai_open_limiter(lua_State *L) {
  static const luaL_Reg methods[] = {
    {"wait", limiter_wait},     {"try", limiter_try},     {"take", limiter_take}, {"give_back", limiter_give_back},
    {"settle", limiter_settle}, {"close", limiter_close}, {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {{NULL, NULL}};
  hoopai_new_type(L, HOOPAI_LIMITER, methods, metamethods);
  lua_pushcfunction(L, limiter_new);
  lua_setfield(L, -2, "limiter");
}
