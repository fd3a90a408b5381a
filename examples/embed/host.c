/* A C program whose worker threads have an epoll loop and a lua_State each. Scripts start calls of the API; the loop
   drives them beside its other work (here a timer). Lua, lua-cjson and hoopai are linked in: only the script is read
   from a disk.

     make host && HOOPAI_TOKEN=... HOOPAI_LOCATION_ID=... build/host examples/embed/worker.lua 4 200

   Built by hand, after `make amalgamation`, on Debian with liblua5.4-dev, lua-cjson-dev and libcurl4-openssl-dev:

     cc -I/usr/include/lua5.4 -Ibuild/amalgamation examples/embed/host.c build/amalgamation/hoopai_*.c \
       -l:liblua5.4.a -l:liblua5.4-cjson.a -lcurl -lm -ldl -pthread -o host */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "hoopai.h"

#define MOST_WORKERS 64

int luaopen_cjson(lua_State *L); /* lua-cjson's header may lack it */

/* Owned by its thread until that has ended. */
struct worker {
  pthread_t thread;
  const char *script;
  lua_Integer calls, answered;
  unsigned ticks; /* of the program's own timer */
  char problem[256];
};

static void open_libraries(lua_State *L) {
  luaL_openlibs(L);
  luaL_requiref(L, "cjson", luaopen_cjson, 0);
  luaL_requiref(L, "hoopai.core", luaopen_hoopai_core, 0);
  luaL_requiref(L, "hoopai.crypto", luaopen_hoopai_crypto, 0);
  luaL_requiref(L, "hoopai", luaopen_hoopai, 0);
  lua_getfield(L, -1, "loop");
  lua_replace(L, 1); /* hoopai.loop is at index 1 from here on */
  lua_settop(L, 1);
}

/* Calls hoopai.loop.NAME() and pushes its result. */
static void call_loop(lua_State *L, const char *name) {
  lua_getfield(L, 1, name);
  lua_call(L, 0, 1);
}

static void watch(int loop, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
}

/* Milliseconds until step() is due, rounded up; -1 = only when the descriptor is readable. */
static int due(lua_State *L) {
  call_loop(L, "timeout");
  int milliseconds = lua_isnil(L, -1) ? -1 : (int)ceil(lua_tonumber(L, -1) * 1000);
  lua_pop(L, 1);
  return milliseconds;
}

static int is_busy(lua_State *L) {
  call_loop(L, "busy");
  int busy = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return busy;
}

/* Replaces the error at the top of the stack by its text. Errors of the library are tables, for which lua_tostring
   returns NULL; luaL_tolstring calls their __tostring, as print does. A protected call, since a __tostring of the script
   may raise and memory may be exhausted. */
static int describe(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  return 1;
}

static void keep_problem(lua_State *L, struct worker *worker) {
  lua_pushcfunction(L, describe);
  lua_insert(L, -2);
  const char *text = lua_pcall(L, 1, 1, 0) == LUA_OK ? lua_tostring(L, -1) : NULL;
  snprintf(worker->problem, sizeof worker->problem, "%s", text ? text : "an error that cannot be printed");
  lua_pop(L, 1);
}

/* The program's own loop, until the calls are over. */
static void run_loop(lua_State *L, int loop, int timer, struct worker *worker) {
  call_loop(L, "pollfd");
  watch(loop, (int)lua_tointeger(L, -1));
  lua_pop(L, 1);
  while (is_busy(L)) {
    struct epoll_event event;
    uint64_t expired;
    int count = epoll_wait(loop, &event, 1, due(L));
    if (count == 1 && event.data.fd == timer && read(timer, &expired, sizeof expired) == sizeof expired) {
      worker->ticks += (unsigned)expired;
    } else {
      call_loop(L, "step");
      lua_pop(L, 1);
    }
  }
}

/* work(worker, loop, timer): runs in a protected call, so that every error, memory included, reaches lua_pcall. */
static int work(lua_State *L) {
  struct worker *worker = lua_touserdata(L, 1);
  int loop = (int)lua_tointeger(L, 2), timer = (int)lua_tointeger(L, 3);
  open_libraries(L);
  if (luaL_loadfile(L, worker->script) != LUA_OK) return lua_error(L);
  lua_pushinteger(L, worker->calls);
  lua_call(L, 1, 1); /* the script leaves a function at index 2 */
  run_loop(L, loop, timer, worker);
  lua_call(L, 0, 2);
  worker->answered = lua_tointeger(L, -2);
  if (!lua_isnil(L, -1)) keep_problem(L, worker); /* the script's second result: the first error of a call */
  return 0;
}

static void *run_worker(void *user) {
  struct worker *worker = user;
  const struct itimerspec every = {{0, 10000000}, {0, 10000000}};
  int loop = epoll_create1(EPOLL_CLOEXEC), timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  timerfd_settime(timer, 0, &every, NULL);
  watch(loop, timer);
  lua_State *L = luaL_newstate();
  if (L) {
    lua_pushcfunction(L, work);
    lua_pushlightuserdata(L, worker);
    lua_pushinteger(L, loop);
    lua_pushinteger(L, timer);
    if (lua_pcall(L, 3, 0, 0) != LUA_OK) keep_problem(L, worker);
    lua_close(L);
  }
  close(timer);
  close(loop);
  return NULL;
}

int main(int argc, char **argv) {
  static struct worker workers[MOST_WORKERS];
  int count = argc == 4 ? (int)strtol(argv[2], NULL, 10) : 0;
  if (count < 1 || count > MOST_WORKERS) {
    fprintf(stderr, "usage: %s SCRIPT THREADS CALLS\n", argv[0]);
    return 2;
  }
  for (int i = 0; i < count; i++) {
    workers[i].script = argv[1];
    workers[i].calls = strtol(argv[3], NULL, 10);
    if (pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]) != 0) return 1;
  }
  int failed = 0;
  for (int i = 0; i < count; i++) {
    const struct worker *worker = &workers[i];
    pthread_join(worker->thread, NULL);
    printf("worker %d: %lld of %lld calls answered, %u ticks%s%s\n", i + 1, (long long)worker->answered,
           (long long)worker->calls, worker->ticks, worker->problem[0] ? "; " : "", worker->problem);
    if (worker->answered != worker->calls) failed = 1;
  }
  return failed;
}
