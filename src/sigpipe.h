/* Keeps SIGPIPE from ending the process while libcurl runs. */
#ifndef HOOPAI_SIGPIPE_H
#define HOOPAI_SIGPIPE_H

#include <signal.h>
#include <stdbool.h>

struct hoopai_sigpipe_guard {
  bool active;
  sigset_t before;
  bool was_pending;
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Blocks the signal in this thread if `needed`. */
void hoopai_sigpipe_block(struct hoopai_sigpipe_guard *guard, bool needed);
/* Consumes the signal if it became pending meanwhile, and unblocks it. */
void hoopai_sigpipe_restore(struct hoopai_sigpipe_guard *guard);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
