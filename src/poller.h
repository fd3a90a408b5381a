/* The seam to the system: a private set of descriptors that can itself be waited for (epoll or kqueue). */
#ifndef HOOPAI_POLLER_H
#define HOOPAI_POLLER_H

#include "core.h"

#if defined(__linux__)
#define HP_BACKEND "epoll"
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__) || defined(__DragonFly__)
#define HP_BACKEND "kqueue"
#else
#error "hoopai needs epoll or kqueue"
#endif

/* What is waited for, and what happened (HP_IN, HP_OUT). The values of these two are libcurl's CURL_POLL_IN and
   CURL_POLL_OUT. HP_END, of Linux alone: the peer has closed; hp_set_wait reports it as HP_IN. */
enum { HP_IN = 1, HP_OUT = 2, HP_END = 4 };

struct hp_event {
  int fd;
  int mask;
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Milliseconds for a system call: seconds rounded up (a loop must not spin before its deadline); below 0 = forever. */
int hp_milliseconds(double seconds);

/* The argument of a wait(): seconds, below 0 when it is nil (no limit). A negative one, of a deadline that
   has passed, is 0. */
double hp_check_wait(lua_State *L, int index);

/* A new close-on-exec set, -1 on failure (errno). */
int hp_set_open(void);

/* Changes what is waited for on a descriptor from `before` to `after` (HP_IN | HP_OUT, 0 = not in the set). */
bool hp_set_change(int set, int fd, int before, int after);

/* Waits; the number of events, 0 on timeout or a signal. */
int hp_set_wait(int set, struct hp_event *events, int size, int milliseconds);

/* Has the peer of a socket closed? False where the system cannot say. */
bool hp_has_ended(int fd);

/* Lets go of the parent's set in a forked child. */
void hp_set_abandon(int set);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
