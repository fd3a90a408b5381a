/* The rule for old (and some new) versions of libcurl: each workaround has a line in the table below, and code asks
   hoopai_curl_rule for it by name, never for a version. To drop a version, delete its line and the code that the
   compiler then reports. The oldest version is checked in core.c. */
#include "curl_compat.h"

#define VERSION(major, minor, patch) (((major) << 16) | ((minor) << 8) | (patch))
#define ANY 0
#define LATER 0xffffff

/* clang-format off: a table */
static const struct {
  const char *name;
  unsigned from, before; /* the first affected version, and the first that no longer is */
  const char *reason;
} rules[HOOPAI_CURL_RULES] = {
  [HOOPAI_CURL_IDLE_BYTES_PASS] =
    {"idle_bytes_pass", ANY, VERSION(8, 0, 0),
     "libcurl only checks that an idle connection is open: bytes that came on it pass for the next response"},
  [HOOPAI_CURL_IDLE_CHECK_IS_RARE] = {"idle_check_is_rare", VERSION(8, 22, 0), LATER,
                                      "an idle connection is checked at most once a second (curl commit 2f1e94eaed): "
                                      "in between bytes that came on it pass "
                                      "for the next response, and a request is sent on one that has ended"},
  [HOOPAI_CURL_FOLD_REACHES_BACK] =
    {"fold_reaches_back", ANY, VERSION(8, 1, 0),
     "a reused easy handle keeps a pointer into the freed headers of the response before; a first header line that is "
     "folded makes libcurl write there, before it passes the line to a callback for headers"},
  [HOOPAI_CURL_ABORT_IS_REMEMBERED] = {"abort_is_remembered", VERSION(8, 16, 0), VERSION(8, 17, 0),
                                       "a resolve that CURLOPT_RESOLVER_START_FUNCTION refuses is cached as a name "
                                       "that does not exist (mended by curl commit "
                                       "b0db5f12b1): there each transfer resolves for itself"},
  [HOOPAI_CURL_WAKEUP_IS_INHERITED] = {"wakeup_is_inherited", ANY, VERSION(8, 9, 0),
                                       "the descriptors of curl_multi_wakeup are not close-on-exec"},
  [HOOPAI_CURL_CA_PATH_COMES_BACK] = {"ca_path_comes_back", VERSION(8, 17, 0), LATER,
                                      "default CA paths are put in when a transfer starts (curl commit eefd03c572); "
                                      "since 8.21.0 (5df33efab4) also where "
                                      "CURLOPT_CAPATH was set to NULL"},
  [HOOPAI_CURL_MULTI_JOINS_RESOLVERS] =
    {"multi_joins_resolvers", VERSION(8, 20, 0), LATER,
     "resolver threads belong to the CURLM: CURLOPT_QUICK_EXIT no longer counts, CURLMOPT_QUICK_EXIT does"},
};
/* clang-format on */

bool hoopai_curl_rule(enum hoopai_curl_rule rule) {
  unsigned version = curl_version_info(CURLVERSION_NOW)->version_num;
  return version >= rules[rule].from && version < rules[rule].before;
}

/* By number: the headers of the build may be older than the loaded libcurl. */
#define MULTI_NETWORK_CHANGED ((CURLMoption)17)
#define CLEAR_CONNECTIONS (1L << 1)
#define MULTI_QUICK_EXIT ((CURLMoption)21)

void hoopai_curl_prepare_multi(CURLM *curl) {
  if (hoopai_curl_rule(HOOPAI_CURL_MULTI_JOINS_RESOLVERS)) (void)curl_multi_setopt(curl, MULTI_QUICK_EXIT, 1L);
}

void hoopai_curl_forget_connections(CURLM *curl) {
  (void)curl_multi_setopt(curl, MULTI_NETWORK_CHANGED, CLEAR_CONNECTIONS);
}

/* A path below a device can never be a folder. */
static const char no_folder[] = "/dev/null/hoopai";

/* libcurl caches the parsed bundle only while no CA path is set: 0.6 ms of CPU for a new TLS connection instead of 18.
   A `ca_file` is exclusive only without the default path. If NULL means the default path, an empty path replaces it,
   and libcurl reads `ca_file` for each connection. */
bool hoopai_curl_set_authorities(CURL *easy, const char *ca_file) {
  const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
  if (!ca_file) {
    if (info->cainfo) (void)curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    return true;
  }
  const char *path = info->capath && hoopai_curl_rule(HOOPAI_CURL_CA_PATH_COMES_BACK) ? no_folder : NULL;
  return curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file) == CURLE_OK &&
         (curl_easy_setopt(easy, CURLOPT_CAPATH, path) == CURLE_OK || !info->capath);
}

static void push_version(lua_State *L, unsigned version) {
  if (version == ANY || version == LATER) lua_pushnil(L);
  else lua_pushfstring(L, "%d.%d.%d", (int)(version >> 16), (int)(version >> 8 & 0xff), (int)(version & 0xff));
}

/* curl_version() -> the version of the loaded libcurl */
static int core_curl_version(lua_State *L) {
  lua_pushstring(L, curl_version_info(CURLVERSION_NOW)->version);
  return 1;
}

/* curl_rules() -> { [name] = { from, before (versions; nil = no bound), reason, holds (for the loaded libcurl) } } */
static int core_curl_rules(lua_State *L) {
  lua_createtable(L, 0, HOOPAI_CURL_RULES);
  for (int i = 0; i < HOOPAI_CURL_RULES; i++) {
    lua_createtable(L, 0, 4);
    push_version(L, rules[i].from);
    lua_setfield(L, -2, "from");
    push_version(L, rules[i].before);
    lua_setfield(L, -2, "before");
    lua_pushstring(L, rules[i].reason);
    lua_setfield(L, -2, "reason");
    lua_pushboolean(L, hoopai_curl_rule((enum hoopai_curl_rule)i));
    lua_setfield(L, -2, "holds");
    lua_setfield(L, -2, rules[i].name);
  }
  return 1;
}

void hoopai_open_curl_compat(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"curl_version", core_curl_version}, {"curl_rules", core_curl_rules}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
