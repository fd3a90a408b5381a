/* What the specs need of the system and Lua does not have. build/process.so, loaded by spec/support/process.lua. */
#define _GNU_SOURCE
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <poll.h>
#include <signal.h>
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
    {"umask", process_umask}, {"poll", process_poll},   {NULL, NULL},
  };
  luaL_newlib(L, functions);
  return 1;
}
