/* Which process this is, without asking the system each time. */
#define _GNU_SOURCE
#include "core.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

/* In a page that the kernel empties in a forked child, however it is forked; NULL = there is none. */
static _Atomic pid_t *process_page;
static pthread_once_t process_once = PTHREAD_ONCE_INIT;

static void open_page(void) {
#if defined(MADV_WIPEONFORK)
  size_t size = (size_t)sysconf(_SC_PAGESIZE);
  void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return;
  /* Some emulators take any advice and do nothing: those are not believed. */
  bool is_honest = madvise(page, size, -1) != 0;
  if (is_honest && madvise(page, size, MADV_WIPEONFORK) == 0) process_page = page;
  else (void)munmap(page, size);
#endif
}

pid_t hoopai_pid(void) {
  pthread_once(&process_once, open_page);
  if (!process_page) return getpid();
  pid_t pid = atomic_load_explicit(process_page, memory_order_relaxed);
  if (pid == 0) {
    pid = getpid();
    atomic_store_explicit(process_page, pid, memory_order_relaxed);
  }
  return pid;
}
