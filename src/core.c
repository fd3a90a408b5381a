/* The module hoopai.core: loads libcurl once per process and registers the functions and types of all files. */
#define _GNU_SOURCE
#include "core.h"

#include <pthread.h>

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

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global_init = CURLE_FAILED_INIT;

/* lua_close unmaps a loaded object, but libcurl's threads and OpenSSL may hold addresses of this one: it stays loaded.
   In a host that links the core statically dlopen fails, which does no harm. */
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
  luaL_checkversion(L);
  pthread_once(&once, init_once);
  if (global_init != CURLE_OK) return luaL_error(L, "libcurl: %s", curl_easy_strerror(global_init));
  hoopai_open_closing(L); /* first: what is made later is finalised earlier */
  lua_newtable(L);
  hoopai_open_clock(L);
  hoopai_open_random(L);
  hoopai_open_fork(L);
  hoopai_open_redact(L);
  hoopai_open_secret(L);
  hoopai_open_url(L);
  hoopai_open_json_encode(L);
  hoopai_open_json_decode(L);
  hoopai_open_poller(L);
  hoopai_open_request(L);
  hoopai_open_headers(L);
  hoopai_open_http_date(L);
  hoopai_open_curl_compat(L);
  hoopai_open_transfer(L); /* after hoopai_open_json_decode */
  hoopai_open_multi(L);
  hoopai_open_rate_limiter(L);
  hoopai_open_credentials(L);
  hoopai_open_token_response(L);
  hoopai_open_token_file(L);
  return 1;
}
