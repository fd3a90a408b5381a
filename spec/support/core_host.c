/* A host for the specs of the core: runs a Lua script in one state, in several threads with a state each, or in several
   states one after the other, and gives it what Lua lacks: fork, signals, writes that raise SIGPIPE, and names that are
   never resolved.

     core_host FILE ARGUMENT...              one state
     core_host -THREADS FILE ARGUMENT...     so many threads
     core_host +STATES FILE ARGUMENT...      so many states; prints the open descriptors after the first and the last */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static int plain_writes;
static int in_child;
static int times_close;
static char **arguments;

/* Found before the C library's, by libcurl too (-rdynamic): with this a write to a broken connection raises SIGPIPE. */
ssize_t send(int fd, const void *data, size_t length, int flags);

ssize_t send(int fd, const void *data, size_t length, int flags) {
  return sendto(fd, data, length, plain_writes ? flags & ~MSG_NOSIGNAL : flags, NULL, 0);
}

/* Removals of descriptors from an epoll set that were closed, or not in the set: another thread may own the number. */
static atomic_int wrong_removals;

struct epoll_event;
int epoll_ctl(int set, int operation, int fd, struct epoll_event *event);

int epoll_ctl(int set, int operation, int fd, struct epoll_event *event) {
  int result = (int)syscall(SYS_epoll_ctl, set, operation, fd, event);
  if (result != 0 && operation == 2) atomic_fetch_add(&wrong_removals, 1); /* EPOLL_CTL_DEL */
  return result;
}

/* As if no name server answered: a name that ends in ".silent" takes this many seconds. One that ends in ".slow" takes
   some microseconds and is this machine, one in ".late" is that, too, but no name server is there for some milliseconds
   after it was first asked for: libcurl from 8.20 on asks for each kind of address. */
#define SILENT_SECONDS 15
#define SLOW_MICROSECONDS 300000

#define LATE_MILLISECONDS 100

static atomic_int slow_lookups;
static atomic_llong late_since;

static int is_late(void) {
  struct timespec ts;
  long long first = 0;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  long long now = ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
  if (atomic_compare_exchange_strong(&late_since, &first, now)) first = now;
  return now - first < LATE_MILLISECONDS;
}

static int ends_in(const char *name, const char *end) {
  size_t length = name ? strlen(name) : 0, size = strlen(end);
  return length > size && strcmp(name + length - size, end) == 0;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result);

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result) {
  int (*original)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  if (ends_in(node, ".silent")) {
    sleep(SILENT_SECONDS);
    return EAI_AGAIN;
  }
  if (ends_in(node, ".late") && is_late()) return EAI_AGAIN;
  if (ends_in(node, ".slow")) {
    atomic_fetch_add(&slow_lookups, 1);
    usleep(SLOW_MICROSECONDS);
  }
  if (ends_in(node, ".slow") || ends_in(node, ".late")) node = "127.0.0.1";
  *(void **)&original = dlsym(RTLD_NEXT, "getaddrinfo");
  return original(node, service, hints, result);
}

static lua_State *main_state;

static void stop(lua_State *L, lua_Debug *unused) {
  (void)unused;
  lua_sethook(L, NULL, 0, 0);
  luaL_error(L, "interrupted!");
}

/* What the interpreter does on Ctrl-C. */
static void on_interrupt(int number) {
  signal(number, SIG_DFL);
  lua_sethook(main_state, stop, LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT, 1);
}

static void *interrupt(void *thread) {
  usleep(100000);
  pthread_kill(*(pthread_t *)thread, SIGINT);
  return NULL;
}

/* interrupt(): this thread gets a SIGINT in a tenth of a second */
static int host_interrupt(lua_State *L) {
  static pthread_t self;
  pthread_t sender;
  self = pthread_self();
  lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
  main_state = lua_tothread(L, -1);
  signal(SIGINT, on_interrupt);
  if (pthread_create(&sender, NULL, interrupt, &self) != 0) return luaL_error(L, "no thread");
  pthread_detach(sender);
  return 0;
}

static int host_plain_writes(lua_State *L) {
  (void)L;
  plain_writes = 1;
  return 0;
}

static int host_fork(lua_State *L) {
  fflush(NULL);
  pid_t pid = fork();
  if (pid == 0) in_child = 1;
  lua_pushinteger(L, (lua_Integer)pid);
  return 1;
}

/* wait(pid) -> exit status, or -signal */
static int host_wait(lua_State *L) {
  int status = 0;
  if (waitpid((pid_t)luaL_checkinteger(L, 1), &status, 0) < 0) return luaL_error(L, "waitpid failed");
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
  return 1;
}

/* sigpipe() -> blocked, pending, disposition is the default */
static int host_sigpipe(lua_State *L) {
  sigset_t mask, pending;
  struct sigaction action;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  sigpending(&pending);
  sigaction(SIGPIPE, NULL, &action);
  lua_pushboolean(L, sigismember(&mask, SIGPIPE));
  lua_pushboolean(L, sigismember(&pending, SIGPIPE));
  lua_pushboolean(L, action.sa_handler == SIG_DFL);
  return 3;
}

/* hold_sigpipe(): blocked and pending from now on */
static int host_hold_sigpipe(lua_State *L) {
  sigset_t only;
  (void)L;
  sigemptyset(&only);
  sigaddset(&only, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &only, NULL);
  raise(SIGPIPE);
  return 0;
}

static double seconds(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* time_close(): "lua_close" and its milliseconds are printed in the end */
static int host_time_close(lua_State *L) {
  (void)L;
  times_close = 1;
  return 0;
}

/* lookups() -> how often a slow name was resolved */
static int host_lookups(lua_State *L) {
  lua_pushinteger(L, atomic_load(&slow_lookups));
  return 1;
}

/* wrong_removals() -> how many there were */
static int host_wrong_removals(lua_State *L) {
  lua_pushinteger(L, atomic_load(&wrong_removals));
  return 1;
}

static const luaL_Reg functions[] = {
  {"lookups", host_lookups}, {"wrong_removals", host_wrong_removals},
  {"plain_writes", host_plain_writes}, {"fork", host_fork}, {"wait", host_wait}, {"sigpipe", host_sigpipe},
  {"hold_sigpipe", host_hold_sigpipe}, {"interrupt", host_interrupt}, {"time_close", host_time_close}, {NULL, NULL},
};

static void *run(void *result) {
  lua_State *L = luaL_newstate();
  int *status = result;
  luaL_openlibs(L);
  luaL_newlib(L, functions);
  lua_setglobal(L, "host");
  *status = luaL_loadfile(L, arguments[0]);
  int count = 0;
  while (*status == LUA_OK && arguments[count + 1]) lua_pushstring(L, arguments[++count]);
  if (*status == LUA_OK) *status = lua_pcall(L, count, 0, 0);
  if (*status != LUA_OK) fprintf(stdout, "%s\n", lua_tostring(L, -1));
  fflush(stdout);
  double begun = seconds();
  lua_close(L);
  if (times_close) printf("lua_close %.1f\n", (seconds() - begun) * 1000);
  return NULL;
}

static int descriptors(void) {
  int count = 0;
  DIR *folder = opendir("/proc/self/fd");
  while (folder && readdir(folder)) count++;
  if (folder) closedir(folder);
  return count;
}

static int run_states(int count) {
  int result = LUA_OK, first = 0;
  for (int i = 0; i < count && result == LUA_OK; i++) {
    run(&result);
    if (i == 0) first = descriptors();
  }
  printf("descriptors %d %d\n", first, descriptors());
  return result == LUA_OK ? 0 : 1;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_DFL); /* whoever started us may ignore it */
  pthread_t threads[64];
  int results[64] = {0};
  int count = argc > 1 && argv[1][0] == '-' ? atoi(argv[1] + 1) : 0;
  int states = argc > 1 && argv[1][0] == '+' ? atoi(argv[1] + 1) : 0;
  arguments = argv + (count + states > 0 ? 2 : 1);
  if (states > 0) return run_states(states);
  if (count == 0) {
    run(&results[0]);
    if (in_child) _exit(results[0] == LUA_OK ? 0 : 1); /* what it left alone on purpose would be reported as leaks */
    return results[0] == LUA_OK ? 0 : 1;
  }
  int failed = 0;
  for (int i = 0; i < count && i < 64; i++) pthread_create(&threads[i], NULL, run, &results[i]);
  for (int i = 0; i < count && i < 64; i++) {
    pthread_join(threads[i], NULL);
    failed |= results[i];
  }
  return failed ? 1 : 0;
}
