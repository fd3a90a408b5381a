/* Poll fds: a descriptor of epoll or kqueue that is readable when one of the watched descriptors is ready. */
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

/* Masks of events. HOOPAI_IN and HOOPAI_OUT have the values of libcurl's CURL_POLL_IN and CURL_POLL_OUT. HOOPAI_END (on
   Linux only): the peer has closed; hoopai_poll_wait reports it as HOOPAI_IN. */
enum { HOOPAI_IN = 1, HOOPAI_OUT = 2, HOOPAI_END = 4 };

#define HOOPAI_EVENTS 64 /* the most that hoopai_poll_wait returns */

struct hoopai_event {
  int fd;
  int mask;
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Milliseconds for a system call: seconds rounded up, as a loop that wakes too early would spin; below 0 = no limit. */
int hoopai_milliseconds(double seconds);

/* The argument of a wait(): seconds, below 0 for nil (no limit). A negative argument is 0: its deadline has passed. */
double hoopai_check_wait(lua_State *L, int index);

/* A new close-on-exec poll fd, -1 on failure (errno). */
int hoopai_poll_open(void);

/* Changes the watched events of a descriptor from `before` to `after`; 0 = not watched. */
bool hoopai_poll_change(int poll_fd, int fd, int before, int after);

/* Waits; returns the number of events, 0 on timeout or a signal. */
int hoopai_poll_wait(int poll_fd, struct hoopai_event *events, int size, int milliseconds);

/* Looks at descriptors without a poll fd, at most HOOPAI_EVENTS: the mask of one that is not ready becomes 0. */
void hoopai_poll_now(struct hoopai_event *events, int count);

/* Closes the child's descriptor for its parent's poll fd (rule Fork). */
void hoopai_poll_after_fork(int poll_fd);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
