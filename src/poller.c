/* Sets of descriptors: epoll on Linux, kqueue on macOS and the BSDs. */
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

int hoopai_set_open(void) {
  return epoll_create1(EPOLL_CLOEXEC);
}

static bool control(int set, int operation, int fd, int mask) {
  struct epoll_event event;
  memset(&event, 0, sizeof event);
  event.events = ((mask & HOOPAI_IN) ? (uint32_t)EPOLLIN : 0) | ((mask & HOOPAI_OUT) ? (uint32_t)EPOLLOUT : 0) |
                 ((mask & HOOPAI_END) ? (uint32_t)EPOLLRDHUP : 0);
  event.data.fd = fd;
  return epoll_ctl(set, operation, fd, &event) == 0;
}

/* libcurl may close a descriptor and get the same number again before we hear of it, so what we believe to be in the
   kernel's set may be wrong either way: ENOENT and EEXIST are answered with the other operation. */
bool hoopai_set_change(int set, int fd, int before, int after) {
  if (after == 0) return control(set, EPOLL_CTL_DEL, fd, 0) || errno == ENOENT || errno == EBADF;
  if (control(set, before ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, after)) return true;
  if (errno == ENOENT) return control(set, EPOLL_CTL_ADD, fd, after);
  if (errno == EEXIST) return control(set, EPOLL_CTL_MOD, fd, after);
  return false;
}

int hoopai_set_wait(int set, struct hoopai_event *events, int size, int milliseconds) {
  struct epoll_event ready[64];
  int count = epoll_wait(set, ready, size < 64 ? size : 64, milliseconds);
  for (int i = 0; i < count; i++) {
    uint32_t what = ready[i].events;
    events[i].fd = ready[i].data.fd;
    /* An error or hang-up is told by the read or write that follows. */
    events[i].mask = ((what & ~(uint32_t)EPOLLOUT) ? HOOPAI_IN : 0) |
                     ((what & (uint32_t)(EPOLLOUT | EPOLLERR | EPOLLHUP)) ? HOOPAI_OUT : 0);
  }
  return count > 0 ? count : 0;
}

bool hoopai_has_ended(int fd) {
  struct pollfd entry = {fd, POLLRDHUP, 0};
  return poll(&entry, 1, 0) == 1;
}

/* The child has a descriptor of its own for the set of both. */
void hoopai_set_abandon(int set) {
  close(set);
}

#else /* kqueue */
#include <sys/event.h>

int hoopai_set_open(void) {
  int set = kqueue();
  if (set >= 0) (void)fcntl(set, F_SETFD, FD_CLOEXEC);
  return set;
}

static bool change_filter(int set, int fd, int filter, bool wanted) {
  struct kevent change;
  EV_SET(&change, fd, filter, wanted ? EV_ADD : EV_DELETE, 0, 0, 0);
  return kevent(set, &change, 1, NULL, 0, NULL) == 0 || (!wanted && (errno == ENOENT || errno == EBADF));
}

bool hoopai_set_change(int set, int fd, int before, int after) {
  bool done = true;
  if ((before ^ after) & HOOPAI_IN) done = change_filter(set, fd, EVFILT_READ, (after & HOOPAI_IN) != 0);
  if ((before ^ after) & HOOPAI_OUT) done = change_filter(set, fd, EVFILT_WRITE, (after & HOOPAI_OUT) != 0) && done;
  return done;
}

int hoopai_set_wait(int set, struct hoopai_event *events, int size, int milliseconds) {
  struct kevent ready[64];
  struct timespec limit = {milliseconds / 1000, (long)(milliseconds % 1000) * 1000000L};
  int count = kevent(set, NULL, 0, ready, size < 64 ? size : 64, milliseconds < 0 ? NULL : &limit);
  for (int i = 0; i < count; i++) {
    events[i].fd = (int)ready[i].ident;
    events[i].mask = ready[i].filter == EVFILT_WRITE ? HOOPAI_OUT : HOOPAI_IN;
  }
  return count > 0 ? count : 0;
}

bool hoopai_has_ended(int fd) {
  (void)fd;
  return false;
}

/* A kqueue does not pass through fork: in the child the number is nobody's, or already somebody else's. */
void hoopai_set_abandon(int set) {
  (void)set;
}
#endif

/* --------------------------------------------------------------------------------------------------- hoopai.Poller */

struct poller {
  int set; /* -1 = closed */
  pid_t pid;
};

static struct poller *check_poller(lua_State *L) {
  struct poller *poller = luaL_checkudata(L, 1, HOOPAI_POLLER);
  if (poller->set < 0) luaL_error(L, "attempt to use a closed poller");
  /* After fork the kernel's set is shared with the parent: changing it here would change it there. */
  if (poller->pid != hoopai_pid()) luaL_error(L, "this poller belongs to the parent process");
  return poller;
}

/* poller() -> Poller | nil, problem (no descriptor is left) */
static int poller_new(lua_State *L) {
  struct poller *poller = lua_newuserdatauv(L, sizeof *poller, 0);
  poller->set = -1;
  poller->pid = hoopai_pid();
  luaL_setmetatable(L, HOOPAI_POLLER);
  poller->set = hoopai_set_open();
  if (poller->set < 0) return hoopai_system_problem(L, "no descriptor for the event loop");
  return 1;
}

static int poller_fd(lua_State *L) {
  lua_pushinteger(L, check_poller(L)->set);
  return 1;
}

/* add(fd): wakes wait() whenever fd is readable */
static int poller_add(lua_State *L) {
  struct poller *poller = check_poller(L);
  if (!hoopai_set_change(poller->set, (int)luaL_checkinteger(L, 2), 0, HOOPAI_IN)) {
    return luaL_error(L, "cannot watch a descriptor: %s", strerror(errno));
  }
  return 0;
}

static int poller_remove(lua_State *L) {
  (void)hoopai_set_change(check_poller(L)->set, (int)luaL_checkinteger(L, 2), HOOPAI_IN, 0);
  return 0;
}

/* wait(seconds | nil) -> whether something is ready; false on timeout and when a signal arrived */
static int poller_wait(lua_State *L) {
  struct poller *poller = check_poller(L);
  struct hoopai_event event;
  double seconds = hoopai_check_wait(L, 2);
  lua_pushboolean(L, hoopai_set_wait(poller->set, &event, 1, hoopai_milliseconds(seconds)) > 0);
  return 1;
}

static int poller_close(lua_State *L) {
  struct poller *poller = luaL_checkudata(L, 1, HOOPAI_POLLER);
  if (poller->set >= 0) {
    if (poller->pid == hoopai_pid()) close(poller->set);
    else hoopai_set_abandon(poller->set);
  }
  poller->set = -1;
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
