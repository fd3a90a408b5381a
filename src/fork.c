/* Which process this is: a forked child must not touch what the parent's sockets, loops and locks stand for. */
#define _GNU_SOURCE
#include "core.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static _Atomic pid_t process; /* 0 = not asked since the last fork */
static pthread_once_t process_once = PTHREAD_ONCE_INIT;

static void forget_process(void) {
  atomic_store_explicit(&process, 0, memory_order_relaxed);
}

static void watch_forks(void) {
  (void)pthread_atfork(NULL, NULL, forget_process);
}

pid_t hoopai_pid(void) {
  pthread_once(&process_once, watch_forks);
  pid_t pid = atomic_load_explicit(&process, memory_order_relaxed);
  if (pid == 0) {
    pid = getpid();
    atomic_store_explicit(&process, pid, memory_order_relaxed);
  }
  return pid;
}
