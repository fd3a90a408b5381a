/* With CURLOPT_NOSIGNAL libcurl does not ignore SIGPIPE, and OpenSSL may write to a closed socket. The signal is
   blocked in this thread while libcurl runs, and consumed if it became pending meanwhile. The disposition, which
   belongs to the host, stays as it is. */
#define _GNU_SOURCE
#include "sigpipe.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

void hoopai_sigpipe_block(struct hoopai_sigpipe_guard *guard, bool needed) {
  guard->active = false;
  if (!needed) return;
  sigset_t only, pending;
  sigemptyset(&pending);
  sigpending(&pending);
  guard->was_pending = sigismember(&pending, SIGPIPE) == 1;
  sigemptyset(&only);
  sigaddset(&only, SIGPIPE);
  guard->active = pthread_sigmask(SIG_BLOCK, &only, &guard->before) == 0;
}

void hoopai_sigpipe_restore(struct hoopai_sigpipe_guard *guard) {
  if (!guard->active) return;
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  if (!guard->was_pending && sigismember(&pending, SIGPIPE) == 1) {
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, SIGPIPE);
#if defined(__APPLE__) || defined(__OpenBSD__) /* these have no sigtimedwait */
    int signal_number;
    sigwait(&only, &signal_number);
#else
    const struct timespec at_once = {0, 0};
    int taken;
    do taken = sigtimedwait(&only, NULL, &at_once);
    while (taken < 0 && errno == EINTR);
#endif
  }
  pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}
