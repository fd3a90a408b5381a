/* The clocks of the system, and sleep. */
#define _GNU_SOURCE
#include "core.h"

#include <time.h>

double hoopai_now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* now() -> seconds of the monotonic clock */
static int core_now(lua_State *L) {
  lua_pushnumber(L, hoopai_now());
  return 1;
}

/* wall_ms() -> milliseconds since 1970-01-01T00:00:00Z */
static int core_wall_ms(lua_State *L) {
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  lua_pushinteger(L, (lua_Integer)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
  return 1;
}

/* sleep(seconds) -> true, or false when a signal interrupted it: Lua's hooks (Ctrl-C) run after the return */
static int core_sleep(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  if (!(seconds > 0)) {
    lua_pushboolean(L, 1);
    return 1;
  }
  if (seconds > 1e9) seconds = 1e9;
  struct timespec ts;
  ts.tv_sec = (time_t)seconds;
  ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
  lua_pushboolean(L, nanosleep(&ts, NULL) == 0);
  return 1;
}

void hoopai_open_clock(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"now", core_now}, {"wall_ms", core_wall_ms}, {"sleep", core_sleep}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
