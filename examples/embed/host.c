/* A C program with an epoll loop of its own that calls the API from worker threads, each with a lua_State of its own.
   Lua, lua-cjson and hoopai are linked in; nothing but the script is read from a disk.

     make host && HOOPAI_TOKEN=... HOOPAI_LOCATION_ID=... build/host examples/embed/worker.lua 4 200

   Built by hand, after `make amalgamation`, on Debian with liblua5.4-dev, lua-cjson-dev and libcurl4-openssl-dev:

     cc -I/usr/include/lua5.4 -Ibuild/amalgamation examples/embed/host.c build/amalgamation/hoopai_*.c \
       -l:liblua5.4.a -l:liblua5.4-cjson.a -lcurl -lm -ldl -pthread -o host */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "hoopai.h"

#define MOST_WORKERS 64
#define THREAD_ENDED (UINT64_C(1) << 32)

int luaopen_cjson(lua_State *L); /* lua-cjson's header may lack it */

/* The worker writes this; the main thread reads it after the thread has ended. */
struct worker {
  pthread_t thread;
  const char *script;
  int progress; /* eventfd: counts the calls that have ended; THREAD_ENDED on top says that all is over */
  lua_Integer calls, answered;
  char problem[512];
};

static void open_libraries(lua_State *L) {
  luaL_openlibs(L);
  luaL_requiref(L, "cjson", luaopen_cjson, 0);
  luaL_requiref(L, "hoopai.core", luaopen_hoopai_core, 0);
  luaL_requiref(L, "hoopai", luaopen_hoopai, 0);
  lua_pop(L, 3);
}

static void add(int fd, uint64_t value) {
  if (write(fd, &value, sizeof value) < 0) perror("eventfd");
}

/* progress(): tells the main loop that a call has ended */
static int report_progress(lua_State *L) {
  add((int)lua_tointeger(L, lua_upvalueindex(1)), 1);
  return 0;
}

/* Protected: an error anywhere in here, also of memory, ends in the caller's lua_pcall. */
static int work(lua_State *L) {
  struct worker *worker = lua_touserdata(L, 1);
  open_libraries(L);
  if (luaL_loadfile(L, worker->script) != LUA_OK) return lua_error(L);
  lua_pushinteger(L, worker->calls);
  lua_pushinteger(L, worker->progress);
  lua_pushcclosure(L, report_progress, 1);
  lua_call(L, 2, 2);
  worker->answered = lua_tointeger(L, -2);
  snprintf(worker->problem, sizeof worker->problem, "%s", luaL_optstring(L, -1, ""));
  return 0;
}

static void *run_worker(void *user) {
  struct worker *worker = user;
  lua_State *L = luaL_newstate();
  if (L) {
    lua_pushcfunction(L, work);
    lua_pushlightuserdata(L, worker);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
      const char *problem = lua_tostring(L, -1);
      snprintf(worker->problem, sizeof worker->problem, "%s", problem ? problem : "an error that is no text");
    }
    lua_close(L);
  }
  add(worker->progress, THREAD_ENDED);
  return NULL;
}

/* The program's own loop, which never waits for the API. Returns when all workers are done. */
static void run_loop(int loop, const struct worker *workers, int running) {
  uint64_t calls = 0;
  while (running > 0) {
    struct epoll_event event;
    uint64_t added;
    if (epoll_wait(loop, &event, 1, -1) < 1) continue;
    if (read(workers[event.data.u32].progress, &added, sizeof added) != sizeof added) continue;
    calls += added % THREAD_ENDED;
    if (added >= THREAD_ENDED) running--;
  }
  printf("%llu calls\n", (unsigned long long)calls);
}

int main(int argc, char **argv) {
  static struct worker workers[MOST_WORKERS];
  int count = argc == 4 ? (int)strtol(argv[2], NULL, 10) : 0;
  if (count < 1 || count > MOST_WORKERS) {
    fprintf(stderr, "usage: %s SCRIPT THREADS CALLS\n", argv[0]);
    return 2;
  }
  int loop = epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < count; i++) {
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};
    workers[i].script = argv[1];
    workers[i].calls = strtol(argv[3], NULL, 10);
    workers[i].progress = eventfd(0, EFD_CLOEXEC);
    epoll_ctl(loop, EPOLL_CTL_ADD, workers[i].progress, &event);
    if (pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]) != 0) return 1;
  }
  run_loop(loop, workers, count);
  int failed = 0;
  for (int i = 0; i < count; i++) {
    pthread_join(workers[i].thread, NULL);
    printf("worker %d: %lld of %lld calls answered%s%s\n", i + 1, (long long)workers[i].answered,
      (long long)workers[i].calls, workers[i].problem[0] ? "; " : "", workers[i].problem);
    if (workers[i].answered != workers[i].calls) failed = 1;
    close(workers[i].progress);
  }
  close(loop);
  return failed;
}
