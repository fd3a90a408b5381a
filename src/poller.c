/* Poll fds: epoll on Linux, kqueue on macOS and the BSDs. hoopai.Poller is a poll fd for Lua. */
#define _GNU_SOURCE
#include "poller.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

int hoopai_milliseconds(double seconds) {
  if (seconds < 0) return -1;
  double milliseconds = ceil(seconds * 1000);
  return milliseconds > INT_MAX ? INT_MAX : (int)milliseconds;
}

double hoopai_check_wait(lua_State *L, int index) {
  if (lua_isnoneornil(L, index)) return -1;
  double seconds = luaL_checknumber(L, index);
  luaL_argcheck(L, !isnan(seconds), index, "not a number of seconds");
  return seconds > 0 ? seconds : 0;
}

#ifdef __linux__
#include <poll.h>
#include <sys/epoll.h>

int hoopai_poll_open(void) {
  return epoll_create1(EPOLL_CLOEXEC);
}

static bool control(int poll_fd, int operation, int fd, int mask) {
  struct epoll_event event;
  memset(&event, 0, sizeof event);
  event.events = ((mask & HOOPAI_IN) ? (uint32_t)EPOLLIN : 0) | ((mask & HOOPAI_OUT) ? (uint32_t)EPOLLOUT : 0) |
                 ((mask & HOOPAI_END) ? (uint32_t)EPOLLRDHUP : 0);
  event.data.fd = fd;
  return epoll_ctl(poll_fd, operation, fd, &event) == 0;
}

/* libcurl may close a descriptor and open another of the same number before it calls the socket callback. So `before`
   may be wrong in both directions, and ENOENT and EEXIST lead to the other operation. */
bool hoopai_poll_change(int poll_fd, int fd, int before, int after) {
  if (after == 0) return control(poll_fd, EPOLL_CTL_DEL, fd, 0) || errno == ENOENT || errno == EBADF;
  if (control(poll_fd, before ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, after)) return true;
  if (errno == ENOENT) return control(poll_fd, EPOLL_CTL_ADD, fd, after);
  if (errno == EEXIST) return control(poll_fd, EPOLL_CTL_MOD, fd, after);
  return false;
}

int hoopai_poll_wait(int poll_fd, struct hoopai_event *events, int size, int milliseconds) {
  struct epoll_event ready[HOOPAI_EVENTS];
  int count = epoll_wait(poll_fd, ready, size < HOOPAI_EVENTS ? size : HOOPAI_EVENTS, milliseconds);
  for (int i = 0; i < count; i++) {
    uint32_t what = ready[i].events;
    events[i].fd = ready[i].data.fd;
    /* After an error or hang-up the next read or write reports it. */
    events[i].mask = ((what & ~(uint32_t)EPOLLOUT) ? HOOPAI_IN : 0) |
                     ((what & (uint32_t)(EPOLLOUT | EPOLLERR | EPOLLHUP)) ? HOOPAI_OUT : 0);
  }
  return count > 0 ? count : 0;
}

void hoopai_poll_after_fork(int poll_fd) {
  close(poll_fd);
}

#else /* kqueue */
#include <sys/event.h>

int hoopai_poll_open(void) {
  int poll_fd = kqueue();
  if (poll_fd >= 0) (void)fcntl(poll_fd, F_SETFD, FD_CLOEXEC);
  return poll_fd;
}

static bool change_filter(int poll_fd, int fd, int filter, bool needed) {
  struct kevent change;
  EV_SET(&change, fd, filter, needed ? EV_ADD : EV_DELETE, 0, 0, 0);
  return kevent(poll_fd, &change, 1, NULL, 0, NULL) == 0 || (!needed && (errno == ENOENT || errno == EBADF));
}

bool hoopai_poll_change(int poll_fd, int fd, int before, int after) {
  bool done = true;
  if ((before ^ after) & HOOPAI_IN) done = change_filter(poll_fd, fd, EVFILT_READ, (after & HOOPAI_IN) != 0);
  if ((before ^ after) & HOOPAI_OUT) done = change_filter(poll_fd, fd, EVFILT_WRITE, (after & HOOPAI_OUT) != 0) && done;
  return done;
}

int hoopai_poll_wait(int poll_fd, struct hoopai_event *events, int size, int milliseconds) {
  struct kevent ready[HOOPAI_EVENTS];
  struct timespec limit = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000L};
  int count =
    kevent(poll_fd, NULL, 0, ready, size < HOOPAI_EVENTS ? size : HOOPAI_EVENTS, milliseconds < 0 ? NULL : &limit);
  for (int i = 0; i < count; i++) {
    events[i].fd = (int)ready[i].ident;
    events[i].mask = ready[i].filter == EVFILT_WRITE ? HOOPAI_OUT : HOOPAI_IN;
  }
  return count > 0 ? count : 0;
}

/* A kqueue is not inherited: in the child the number is unused or another descriptor. */
void hoopai_poll_after_fork(int poll_fd) {
  (void)poll_fd;
}
#endif

#ifdef POLLRDHUP
#define END_EVENTS POLLRDHUP
#else
#define END_EVENTS 0
#endif

void hoopai_poll_now(struct hoopai_event *events, int count) {
  struct pollfd entries[HOOPAI_EVENTS];
  for (int i = 0; i < count; i++) {
    int mask = events[i].mask;
    short wanted = (short)(((mask & HOOPAI_IN) ? POLLIN : 0) | ((mask & HOOPAI_END) ? END_EVENTS : 0));
    entries[i] = (struct pollfd){wanted ? events[i].fd : -1, wanted, 0}; /* poll skips a negative descriptor */
  }
  bool is_known = poll(entries, (nfds_t)count, 0) >= 0;
  for (int i = 0; i < count; i++) {
    if (!is_known || entries[i].revents == 0) events[i].mask = 0;
  }
}

/* -- hoopai.Poller --------------------------------------------------------------------------- */

#define HOOPAI_POLLER "hoopai.Poller"

struct poller {
  int fd; /* -1 = closed */
  pid_t pid;
};

static struct poller *check_poller(lua_State *L) {
  struct poller *poller = luaL_checkudata(L, 1, HOOPAI_POLLER);
  if (poller->fd < 0) luaL_error(L, "attempt to use a closed poller");
  if (poller->pid != hoopai_pid()) luaL_error(L, "this poller belongs to the parent process");
  return poller;
}

/* poller() -> Poller | nil, problem (no descriptor is left) */
static int poller_new(lua_State *L) {
  struct poller *poller = lua_newuserdatauv(L, sizeof *poller, 0);
  poller->fd = -1;
  poller->pid = hoopai_pid();
  luaL_setmetatable(L, HOOPAI_POLLER);
  if (!hoopai_own(L)) return hoopai_problem(L, HOOPAI_CLOSING);
  poller->fd = hoopai_poll_open();
  if (poller->fd < 0) return hoopai_system_problem(L, "no descriptor for the event loop");
  return 1;
}

static int poller_fd(lua_State *L) {
  lua_pushinteger(L, check_poller(L)->fd);
  return 1;
}

/* add(fd): wait() returns when fd is readable */
static int poller_add(lua_State *L) {
  struct poller *poller = check_poller(L);
  if (!hoopai_poll_change(poller->fd, (int)luaL_checkinteger(L, 2), 0, HOOPAI_IN)) {
    return luaL_error(L, "cannot watch a descriptor: %s", strerror(errno));
  }
  return 0;
}

static int poller_remove(lua_State *L) {
  (void)hoopai_poll_change(check_poller(L)->fd, (int)luaL_checkinteger(L, 2), HOOPAI_IN, 0);
  return 0;
}

/* wait(seconds | nil) -> whether a descriptor is ready; false on timeout and after a signal */
static int poller_wait(lua_State *L) {
  struct poller *poller = check_poller(L);
  struct hoopai_event event;
  double seconds = hoopai_check_wait(L, 2);
  lua_pushboolean(L, hoopai_poll_wait(poller->fd, &event, 1, hoopai_milliseconds(seconds)) > 0);
  return 1;
}

static int poller_close(lua_State *L) {
  struct poller *poller = luaL_checkudata(L, 1, HOOPAI_POLLER);
  if (poller->fd >= 0) {
    if (poller->pid == hoopai_pid()) close(poller->fd);
    else hoopai_poll_after_fork(poller->fd);
  }
  poller->fd = -1;
  return 0;
}

void hoopai_open_poller(lua_State *L) {
  static const luaL_Reg methods[] = {
    {"fd", poller_fd},     {"add", poller_add},     {"remove", poller_remove},
    {"wait", poller_wait}, {"close", poller_close}, {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {{"__gc", poller_close}, {"__close", poller_close}, {NULL, NULL}};
  hoopai_new_type(L, HOOPAI_POLLER, methods, metamethods);
  lua_pushliteral(L, HOOPAI_BACKEND);
  lua_setfield(L, -2, "backend");
  lua_pushcfunction(L, poller_new);
  lua_setfield(L, -2, "poller");
}
