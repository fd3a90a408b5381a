/* A host whose memory runs out at a place of one's choice. Linked with the core and the sanitizers: see the Makefile.

     memory_host SCRIPT SCENARIO "FAMILY MODE FIRST STEP, ..." ARGUMENT...

   SCRIPT returns a table of scenarios, each a table of three functions: setup(FAMILY, ARGUMENT...) -> context;
   window(context), in which allocations fail; check(context, ok, ...), with what pcall(window) gave, which
   raises when something is wrong once memory is back. For n = FIRST, FIRST + STEP, ... a new state runs all three and
   lets the n-th allocation of the window fail, until n is beyond the last one. Then everything must have been given
   back: Lua's bytes, the blocks of libcurl and of the core, the descriptors.

   FAMILY   lua (lua_Alloc), curl (what libcurl asks for), core (malloc and the like of our own objects), crypto (what
            libcrypto asks for, which keeps some of it: only LeakSanitizer finds what is lost), or all
   MODE     all: the n-th allocation and all later ones fail; two: the n-th and the next (Lua tries again after a
            collection); collect: just the first try of each STEP-th of Lua's, so that it collects all garbage in the
            middle of whatever it does

   lua-cjson's own memory never fails here: without it lua-cjson ends the process. It forgets its buffer when Lua has no
   memory for what it reads, the one leak that is suppressed. */
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <openssl/crypto.h>
#include <sanitizer/common_interface_defs.h>

#define RUN_SECONDS 60

int luaopen_hoopai_core(lua_State *L);
int luaopen_hoopai_crypto(lua_State *L);

static char now_at[256]; /* the run, for reports */
static char failing[16]; /* the family */

/* --------------------------------------------------------------------------------------------------- the sanitizers */

const char *__asan_default_options(void);
const char *__lsan_default_suppressions(void);
int dlclose(void *handle);

const char *__asan_default_options(void) {
  return "detect_stack_use_after_return=1:strict_string_checks=1:exitcode=97:handle_abort=1";
}

const char *__lsan_default_suppressions(void) {
  return "leak:/cjson.so\n";
}

/* A module that lua_close unloads would have no name in LeakSanitizer's report. */
int dlclose(void *handle) {
  (void)handle;
  return 0;
}

static void tell_run(void) {
  fprintf(stderr, "in %s\n", now_at);
}

/* ------------------------------------------------------------------------------------------------- failing allocations */

struct family {
  atomic_long blocks; /* that are in use */
  bool fails;
};

static struct family of_lua, of_curl, of_core, of_crypto;
static atomic_bool armed;
static atomic_long count, failed; /* allocations of the window, and those that were refused */
static long from, to;             /* which ones are */
static long every;                /* mode collect; 0 = another mode */
static bool again;
static size_t lua_bytes;

static bool refuse(const struct family *family) {
  if (!atomic_load(&armed) || !family->fails) return false;
  if (again) {
    again = false;
    return false;
  }
  long number = atomic_fetch_add(&count, 1) + 1;
  bool refused = every > 0 ? number % every == 0 : number >= from && number <= to;
  again = refused && every > 0;
  if (refused) atomic_fetch_add(&failed, 1);
  return refused;
}

static void *counted(struct family *family, void *block) {
  if (block) atomic_fetch_add(&family->blocks, 1);
  return block;
}

static void *take(struct family *family, size_t size) {
  return refuse(family) ? NULL : counted(family, malloc(size));
}

static void *take_zeroed(struct family *family, size_t number, size_t size) {
  return refuse(family) ? NULL : counted(family, calloc(number, size));
}

static void *resize(struct family *family, void *block, size_t size) {
  if (refuse(family)) return NULL;
  return block ? realloc(block, size) : counted(family, malloc(size));
}

static char *copy(struct family *family, const char *text) {
  return refuse(family) ? NULL : counted(family, strdup(text));
}

static void give(struct family *family, void *block) {
  if (block) atomic_fetch_sub(&family->blocks, 1);
  free(block);
}

static void *lua_memory(void *unused, void *block, size_t old, size_t new) {
  (void)unused;
  if (!block) old = 0;
  void *result = NULL;
  if (new == 0) give(&of_lua, block);
  else if (new <= old) result = realloc(block, new); /* Lua relies on it that this works */
  else result = resize(&of_lua, block, new);
  if (result || new == 0) lua_bytes += new - old;
  return result;
}

static void *curl_take(size_t size) { return take(&of_curl, size); }
static void *curl_take_zeroed(size_t number, size_t size) { return take_zeroed(&of_curl, number, size); }
static void *curl_resize(void *block, size_t size) { return resize(&of_curl, block, size); }
static char *curl_copy(const char *text) { return copy(&of_curl, text); }
static void curl_give(void *block) { give(&of_curl, block); }

static void *crypto_take(size_t size, const char *file, int line) {
  (void)file, (void)line;
  return take(&of_crypto, size);
}

static void *crypto_resize(void *block, size_t size, const char *file, int line) {
  (void)file, (void)line;
  return resize(&of_crypto, block, size);
}

static void crypto_give(void *block, const char *file, int line) {
  (void)file, (void)line;
  give(&of_crypto, block);
}

/* What the core's malloc, calloc, realloc, strdup, strndup and free are renamed to. */
void *core_malloc(size_t size);
void *core_calloc(size_t number, size_t size);
void *core_realloc(void *block, size_t size);
char *core_strdup(const char *text);
char *core_strndup(const char *text, size_t length);
void core_free(void *block);

void *core_malloc(size_t size) { return take(&of_core, size); }
void *core_calloc(size_t number, size_t size) { return take_zeroed(&of_core, number, size); }
void *core_realloc(void *block, size_t size) { return resize(&of_core, block, size); }
char *core_strdup(const char *text) { return copy(&of_core, text); }

char *core_strndup(const char *text, size_t length) {
  return refuse(&of_core) ? NULL : counted(&of_core, strndup(text, length));
}

void core_free(void *block) { give(&of_core, block); }

/* ------------------------------------------------------------------------------------------------------------- modules */

/* Modules are compiled once in this process: a new state per run loads the bytes. */
static struct module {
  char *name, *bytes;
  size_t size;
} modules[256];
static int module_count;

static int append(lua_State *L, const void *bytes, size_t size, void *user) {
  struct module *module = user;
  (void)L;
  module->bytes = realloc(module->bytes, module->size + size);
  memcpy(module->bytes + module->size, bytes, size);
  module->size += size;
  return 0;
}

static const struct module *compile(lua_State *L, const char *name) {
  const bool was_armed = atomic_exchange(&armed, false);
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchpath");
  lua_pushstring(L, name);
  lua_getfield(L, -3, "path");
  lua_call(L, 2, 1);
  struct module *module = NULL;
  if (lua_isstring(L, -1) && luaL_loadfile(L, lua_tostring(L, -1)) == LUA_OK) {
    module = &modules[module_count++];
    module->name = strdup(name);
    lua_dump(L, append, module, 0);
  }
  lua_settop(L, 1);
  atomic_store(&armed, was_armed);
  return module;
}

/* package.searchers[2] */
static int search(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  const struct module *module = NULL;
  for (int i = 0; i < module_count && !module; i++) {
    if (strcmp(modules[i].name, name) == 0) module = &modules[i];
  }
  if (!module) module = compile(L, name);
  if (!module) return 0;
  if (luaL_loadbufferx(L, module->bytes, module->size, name, "b") != LUA_OK) return lua_error(L);
  return 1;
}

/* ---------------------------------------------------------------------------------------------------------------- runs */

static int descriptors(void) {
  int number = 0;
  DIR *list = opendir("/proc/self/fd");
  while (list && readdir(list)) number++;
  if (list) closedir(list);
  return number;
}

static int traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

static int fail(lua_State *L, const char *what) {
  printf("%s: %s: %s\n", now_at, what, L ? luaL_tolstring(L, -1, NULL) : "");
  return 1;
}

/* The scenario, with its functions, on top of the stack of a new state. */
static lua_State *open_state(char **arguments) {
  lua_State *L = lua_newstate(lua_memory, NULL);
  luaL_openlibs(L);
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "preload");
  lua_pushcfunction(L, luaopen_hoopai_core);
  lua_setfield(L, -2, "hoopai.core");
  lua_pushcfunction(L, luaopen_hoopai_crypto);
  lua_setfield(L, -2, "hoopai.crypto");
  lua_getfield(L, -2, "searchers");
  lua_pushcfunction(L, search);
  lua_rawseti(L, -2, 2);
  lua_settop(L, 0);
  lua_pushcfunction(L, traceback);
  if (luaL_loadfile(L, arguments[0]) != LUA_OK || lua_pcall(L, 0, 1, 1) != LUA_OK) {
    fail(L, "the script");
    exit(2);
  }
  lua_getfield(L, -1, arguments[1]);
  return L;
}

/* One run in a state with the scenario on top. 0 = all was well. */
static int run(lua_State *L, char **arguments) {
  int scenario = lua_gettop(L), handler = 1;
  lua_getfield(L, scenario, "setup");
  lua_pushstring(L, failing);
  int given = 1;
  for (char **at = arguments + 3; *at; at++, given++) lua_pushstring(L, *at);
  if (lua_pcall(L, given, 1, handler) != LUA_OK) return fail(L, "setup");
  int context = lua_gettop(L);
  lua_getfield(L, scenario, "check");
  lua_pushvalue(L, context);
  lua_pushboolean(L, 1);
  lua_getfield(L, scenario, "window");
  lua_pushvalue(L, context);
  atomic_store(&count, 0);
  atomic_store(&failed, 0);
  again = false;
  atomic_store(&armed, true);
  int status = lua_pcall(L, 1, LUA_MULTRET, 0);
  atomic_store(&armed, false);
  if (status != LUA_OK) {
    lua_pushboolean(L, 0);
    lua_replace(L, context + 3);
  }
  if (lua_pcall(L, lua_gettop(L) - context - 1, 0, handler) != LUA_OK) return fail(L, "check");
  return 0;
}

static int run_anew(char **arguments) {
  const long curl_before = atomic_load(&of_curl.blocks);
  const int open_before = descriptors();
  alarm(RUN_SECONDS);
  lua_State *L = open_state(arguments);
  int bad = run(L, arguments);
  lua_close(L);
  if (of_lua.blocks != 0 || lua_bytes != 0) bad |= fail(NULL, "Lua's memory was not given back");
  if (of_core.blocks != 0) bad |= fail(NULL, "the core's memory was not given back");
  if (of_curl.blocks != curl_before) bad |= fail(NULL, "libcurl's memory was not given back");
  if (descriptors() != open_before) bad |= fail(NULL, "descriptors were left open");
  if (bad) { /* each run is judged for itself */
    of_lua.blocks = of_core.blocks = 0;
    lua_bytes = 0;
  }
  return bad;
}

static void too_long(int number) {
  (void)number;
  if (write(STDOUT_FILENO, now_at, strlen(now_at)) < 0 || write(STDOUT_FILENO, ": takes for ever\n", 17) < 0) _exit(4);
  _exit(3);
}

/* One entry of the plan: runs until n is beyond the last allocation. The number of runs that went wrong. */
static long play(char **arguments, const char *mode, long begin, long step) {
  const bool all = strcmp(failing, "all") == 0, collect = strcmp(mode, "collect") == 0;
  long runs = 0, refused = 0, wrong = 0, points = 0;
  of_lua.fails = all || strcmp(failing, "lua") == 0;
  of_curl.fails = all || strcmp(failing, "curl") == 0;
  of_core.fails = all || strcmp(failing, "core") == 0;
  of_crypto.fails = all || strcmp(failing, "crypto") == 0;
  every = collect ? step : 0;
  for (long n = begin; wrong < 10; n += step) {
    snprintf(now_at, sizeof now_at, "%s, %s, %s, n = %ld", arguments[1], failing, mode, n);
    from = n;
    to = strcmp(mode, "two") == 0 ? n + 1 : LONG_MAX;
    wrong += run_anew(arguments);
    runs++;
    refused += failed > 0;
    if (count > points) points = count;
    if (collect || (failed == 0 && n > points)) break;
  }
  printf("%s %s: %ld runs, %ld with a failure, %ld allocations, %ld wrong\n", failing, mode, runs, refused, points, wrong);
  fflush(stdout);
  return wrong;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  char **arguments = argv + 1, mode[16], *save = NULL;
  long begin, step, wrong = 0;
  signal(SIGALRM, too_long);
  __sanitizer_set_death_callback(tell_run);
  if (CRYPTO_set_mem_functions(crypto_take, crypto_resize, crypto_give) != 1) return 2;
  curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_take, curl_give, curl_resize, curl_copy, curl_take_zeroed);
  snprintf(now_at, sizeof now_at, "%s, nothing fails", arguments[1]);
  /* Twice: what is made once per process is there then, and not taken for a leak. */
  for (int i = 0; i < 2; i++) wrong += run_anew(arguments);
  for (char *entry = strtok_r(arguments[2], ",", &save); entry; entry = strtok_r(NULL, ",", &save)) {
    if (sscanf(entry, "%15s %15s %ld %ld", failing, mode, &begin, &step) != 4) return 2;
    wrong += play(arguments, mode, begin, step);
  }
  alarm(0);
  for (int i = 0; i < module_count; i++) free(modules[i].name), free(modules[i].bytes);
  return wrong ? 1 : 0;
}
