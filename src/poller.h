/* The seam to the system: a private set of descriptors that can itself be waited for (epoll or kqueue). */
#ifndef HOOPAI_POLLER_H
#define HOOPAI_POLLER_H

#include "core.h"

#if defined(__linux__)
#define HOOPAI_BACKEND "epoll"
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__) ||                     \
  defined(__DragonFly__)
#define HOOPAI_BACKEND "kqueue"
#else
#error "hoopai needs epoll or kqueue"
#endif

/* What is waited for, and what happened (HOOPAI_IN, HOOPAI_OUT). The values of these two are libcurl's CURL_POLL_IN and
   CURL_POLL_OUT. HOOPAI_END, of Linux alone: the peer has closed; hoopai_set_wait reports it as HOOPAI_IN. */
enum { HOOPAI_IN = 1, HOOPAI_OUT = 2, HOOPAI_END = 4 };

struct hoopai_event {
  int fd;
  int mask;
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Milliseconds for a system call: seconds rounded up (a loop must not spin before its deadline); below 0 = forever. */
int hoopai_milliseconds(double seconds);

/* The argument of a wait(): seconds, below 0 when it is nil (no limit). A negative one, of a deadline that
   has passed, is 0. */
double hoopai_check_wait(lua_State *L, int index);

/* A new close-on-exec set, -1 on failure (errno). */
int hoopai_set_open(void);

/* Changes what is waited for on a descriptor from `before` to `after` (HOOPAI_IN | HOOPAI_OUT, 0 = not in the set). */
bool hoopai_set_change(int set, int fd, int before, int after);

/* Waits; the number of events, 0 on timeout or a signal. */
int hoopai_set_wait(int set, struct hoopai_event *events, int size, int milliseconds);

/* Has the peer of a socket closed? False where the system cannot say. */
bool hoopai_has_ended(int fd);

/* Lets go of the parent's set in a forked child. */
void hoopai_set_abandon(int set);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
