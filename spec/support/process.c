/* What the specs need of the system and Lua does not have. build/process.so, loaded by spec/support/process.lua. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int check(lua_State *L, long result) {
  if (result < 0) return luaL_error(L, "%s", strerror(errno));
  lua_pushinteger(L, result);
  return 1;
}

/* fork() -> process id, 0 in the child */
static int process_fork(lua_State *L) {
  return check(L, fork());
}

/* exit(code): at once, without clean-up */
static int process_exit(lua_State *L) {
  _exit((int)luaL_optinteger(L, 1, 0));
}

/* wait(pid) -> "exit" | "signal", number */
static int process_wait(lua_State *L) {
  int status;
  while (waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0) < 0) {
    if (errno != EINTR) return luaL_error(L, "%s", strerror(errno));
  }
  lua_pushstring(L, WIFEXITED(status) ? "exit" : "signal");
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  return 2;
}

/* kill(pid): with SIGKILL */
static int process_kill(lua_State *L) {
  return check(L, kill((pid_t)luaL_checkinteger(L, 1), SIGKILL));
}

/* pipe() -> descriptor to read from, to write to */
static int process_pipe(lua_State *L) {
  int ends[2];
  if (pipe(ends) != 0) return luaL_error(L, "%s", strerror(errno));
  lua_pushinteger(L, ends[0]);
  lua_pushinteger(L, ends[1]);
  return 2;
}

/* read(fd) -> up to 64 KiB, "" at the end */
static int process_read(lua_State *L) {
  luaL_Buffer out;
  char *at = luaL_buffinitsize(L, &out, 65536);
  ssize_t count;
  do count = read((int)luaL_checkinteger(L, 1), at, 65536);
  while (count < 0 && errno == EINTR);
  if (count < 0) return luaL_error(L, "%s", strerror(errno));
  luaL_pushresultsize(&out, (size_t)count);
  return 1;
}

/* write(fd, bytes) */
static int process_write(lua_State *L) {
  size_t length;
  const char *bytes = luaL_checklstring(L, 2, &length);
  return check(L, write((int)luaL_checkinteger(L, 1), bytes, length));
}

/* close(fd) */
static int process_close(lua_State *L) {
  return check(L, close((int)luaL_checkinteger(L, 1)));
}

/* umask(mode) -> the one before */
static int process_umask(lua_State *L) {
  return check(L, umask((mode_t)luaL_checkinteger(L, 1)));
}

#if defined(__linux__)
/* Writes a text into a file, at once. */
static bool tell_kernel(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  close(fd);
  return done;
}

/* become_root(): of namespaces of this process's own, in which it may mount. Not with more than one thread. */
static int process_become_root(lua_State *L) {
  char users[32], groups[32];
  snprintf(users, sizeof users, "0 %lu 1", (unsigned long)geteuid());
  snprintf(groups, sizeof groups, "0 %lu 1", (unsigned long)getegid());
  bool done = unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && tell_kernel("/proc/self/setgroups", "deny") &&
              tell_kernel("/proc/self/uid_map", users) && tell_kernel("/proc/self/gid_map", groups);
  return done ? 0 : luaL_error(L, "no user namespaces here: %s", strerror(errno));
}
#else
static int process_become_root(lua_State *L) {
  return luaL_error(L, "only Linux has user namespaces");
}
#endif

/* poll(fd, milliseconds) -> whether it is readable; false on timeout and when a signal arrived */
static int process_poll(lua_State *L) {
  struct pollfd entry = {(int)luaL_checkinteger(L, 1), POLLIN, 0};
  lua_pushboolean(L, poll(&entry, 1, (int)luaL_checkinteger(L, 2)) > 0);
  return 1;
}

int luaopen_process(lua_State *L);

int luaopen_process(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"fork", process_fork},   {"exit", process_exit},   {"wait", process_wait},   {"kill", process_kill},
    {"pipe", process_pipe},   {"read", process_read},   {"write", process_write}, {"close", process_close},
    {"umask", process_umask}, {"become_root", process_become_root}, {"poll", process_poll}, {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
