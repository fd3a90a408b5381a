/* What Lua sees of the core: module hoopai.core. */
#define _GNU_SOURCE
#include "core.h"
#include "curl_compat.h"
#include "headers.h"

#include <pthread.h>
#include <time.h>

#include <curl/curl.h>
#include <dlfcn.h>

#if LIBCURL_VERSION_NUM < 0x075700
#error "hoopai needs libcurl 7.87 or newer"
#endif

#if defined(__GNUC__)
#define HOOPAI_EXPORT __attribute__((visibility("default")))
#else
#define HOOPAI_EXPORT
#endif

/* ------------------------------------------------------------------------------------------------- clocks and randomness */

/* now() -> seconds of a clock that is never set */
static int core_now(lua_State *L) {
  lua_pushnumber(L, hoopai_now());
  return 1;
}

/* wall_ms() -> milliseconds since 1970-01-01T00:00:00Z */
static int core_wall_ms(lua_State *L) {
  struct timespec ts;
  clock_gettime(CLOCK_REALTIME, &ts);
  lua_pushinteger(L, (lua_Integer)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
  return 1;
}

/* sleep(seconds) -> true, or false when a signal cut it short: then Lua's hooks (Ctrl-C) get their turn */
static int core_sleep(lua_State *L) {
  double seconds = luaL_checknumber(L, 1);
  if (!(seconds > 0)) {
    lua_pushboolean(L, 1);
    return 1;
  }
  if (seconds > 1e9) seconds = 1e9;
  struct timespec ts;
  ts.tv_sec = (time_t)seconds;
  ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * 1e9);
  lua_pushboolean(L, nanosleep(&ts, NULL) == 0);
  return 1;
}

/* random() -> a float from 0 up to 1 */
static int core_random(lua_State *L) {
  uint64_t bits;
  hoopai_random(L, &bits, sizeof bits);
  lua_pushnumber(L, (double)(bits >> 11) / 9007199254740992.0);
  return 1;
}

/* random_hex(n) -> 2n hexadecimal digits, n up to 64 */
static int core_random_hex(lua_State *L) {
  static const char digits[] = "0123456789abcdef";
  lua_Integer count = luaL_checkinteger(L, 1);
  luaL_argcheck(L, count >= 1 && count <= 64, 1, "1 to 64 expected");
  unsigned char bytes[64];
  char text[128];
  hoopai_random(L, bytes, sizeof bytes);
  for (lua_Integer i = 0; i < count; i++) {
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
  lua_pushlstring(L, text, (size_t)count * 2);
  return 1;
}

/* pid() -> the process, to notice a fork */
static int core_pid(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)hoopai_pid());
  return 1;
}

static int core_curl_version(lua_State *L) {
  lua_pushstring(L, curl_version_info(CURLVERSION_NOW)->version);
  return 1;
}

/* ----------------------------------------------------------------------------------------------------------- loading */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global_init = CURLE_FAILED_INIT;

/* libcurl's threads and OpenSSL may hold addresses of this object when lua_close would unmap it: it stays for good.
   In a host that links it statically there is nothing to anchor, and a failure does no harm. */
static void anchor(void) {
#if defined(RTLD_NODELETE) && defined(RTLD_NOLOAD)
  Dl_info info;
  if (dladdr((const void *)&once, &info) != 0 && info.dli_fname) {
    (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  }
#endif
}

static void init_once(void) {
  anchor();
  global_init = curl_global_init(CURL_GLOBAL_DEFAULT);
}

HOOPAI_EXPORT int luaopen_hoopai_core(lua_State *L);

int luaopen_hoopai_core(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"now", core_now},
    {"wall_ms", core_wall_ms},
    {"sleep", core_sleep},
    {"random", core_random},
    {"random_hex", core_random_hex},
    {"pid", core_pid},
    {"curl_version", core_curl_version},
    {NULL, NULL},
  };
  luaL_checkversion(L);
  pthread_once(&once, init_once);
  if (global_init != CURLE_OK) return luaL_error(L, "libcurl: %s", curl_easy_strerror(global_init));
  luaL_newlib(L, functions);
  hoopai_open_secret(L);
  hoopai_open_url(L);
  hoopai_open_json(L);
  hoopai_open_poller(L);
  hoopai_open_request(L);
  hoopai_open_headers(L);
  hoopai_open_http_date(L);
  hoopai_open_curl_compat(L);
  hoopai_open_transfer(L);
  hoopai_open_multi(L);
  hoopai_open_limiter(L);
  hoopai_open_record(L);
  hoopai_open_vault(L);
  return 1;
}
