/* The id of this process, by which objects notice a fork. */
#define _GNU_SOURCE
#include "core.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static _Atomic pid_t process; /* 0 = not read since the last fork */
static pthread_once_t process_once = PTHREAD_ONCE_INIT;

static void forget_process(void) {
  atomic_store_explicit(&process, 0, memory_order_relaxed);
}

static void watch_forks(void) {
  (void)pthread_atfork(NULL, NULL, forget_process);
}

/* The id is kept: getpid is a system call, and each request would make several of them. */
pid_t hoopai_pid(void) {
  pthread_once(&process_once, watch_forks);
  pid_t pid = atomic_load_explicit(&process, memory_order_relaxed);
  if (pid == 0) {
    pid = getpid();
    atomic_store_explicit(&process, pid, memory_order_relaxed);
  }
  return pid;
}

/* pid() -> the id of this process */
static int core_pid(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)hoopai_pid());
  return 1;
}

void hoopai_open_fork(lua_State *L) {
  lua_pushcfunction(L, core_pid);
  lua_setfield(L, -2, "pid");
}
