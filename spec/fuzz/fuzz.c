/* The entry of libFuzzer: runs the function of spec/fuzz/targets/$HOOPAI_FUZZ.lua on each input, in a Lua state whose
   hoopai.core and hoopai.crypto are compiled in with the sanitizers. A Lua error of that function is a finding.

   libFuzzer sees the C code by itself. Of the Lua code it is told by a line hook: each pair of lines that ran one after
   the other is one of its counters. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#define COUNTERS (1 << 14)
#define INPUTS_PER_STATE 10000
#define MOST_CPU_SECONDS 1.0 /* of one input; not of the wall clock, which says more of the machine's other work */

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

int luaopen_hoopai_core(lua_State *L);
int luaopen_hoopai_crypto(lua_State *L);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static lua_State *state;
static int inputs;
static uintptr_t line_before;

static void on_line(lua_State *L, lua_Debug *info) {
  if (!lua_getinfo(L, "Sl", info) || !strstr(info->short_src, "lua/hoopai/")) return;
  uintptr_t line = ((uintptr_t)info->linedefined * 31 + (uintptr_t)info->currentline) * 0x9e3779b1u;
  for (const char *at = info->short_src; *at; at++) line = line * 33 + (unsigned char)*at;
  counters[(line ^ line_before) % COUNTERS]++;
  line_before = line >> 1;
}

static void give_up(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why ? why : "(no text)");
  abort();
}

/* Leaves the function of the target as the only value on the stack. */
static lua_State *new_state(void) {
  const char *target = getenv("HOOPAI_FUZZ");
  lua_State *L = luaL_newstate();
  if (!L || !target) {
    give_up("fuzz", "HOOPAI_FUZZ must name a target");
    return NULL;
  }
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_hoopai_core);
  lua_setfield(L, -2, "hoopai.core");
  lua_pushcfunction(L, luaopen_hoopai_crypto);
  lua_setfield(L, -2, "hoopai.crypto");
  lua_pop(L, 1);
  lua_getglobal(L, "require");
  lua_pushfstring(L, "spec.fuzz.targets.%s", target);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) give_up("fuzz", lua_tostring(L, -1));
  lua_sethook(L, on_line, LUA_MASKLINE, 0);
  return L;
}

static int add_traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

static double cpu_seconds(void) {
  struct timespec ts;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void close_state(void) {
  if (state) lua_close(state);
  state = NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (inputs == 0) (void)atexit(close_state);
  if (++inputs % INPUTS_PER_STATE == 0) close_state();
  if (!state) state = new_state();
  double start = cpu_seconds();
  line_before = 0;
  lua_settop(state, 1);
  lua_pushcfunction(state, add_traceback);
  lua_pushvalue(state, 1);
  lua_pushlstring(state, (const char *)data, size);
  if (lua_pcall(state, 1, 0, 2) != LUA_OK) give_up("finding", lua_tostring(state, -1));
  if (cpu_seconds() - start > MOST_CPU_SECONDS) give_up("finding", "this input took more than a second");
  return 0;
}
