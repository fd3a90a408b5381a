/* What is done differently for some versions of libcurl: one table, curl_compat.c. */
#ifndef HOOPAI_CURL_COMPAT_H
#define HOOPAI_CURL_COMPAT_H

#include "core.h"

#include <curl/curl.h>

enum hoopai_curl_rule {
  HOOPAI_CURL_IDLE_BYTES_PASS,       /* bytes on an idle connection pass for the next response */
  HOOPAI_CURL_IDLE_CHECK_IS_RARE,    /* the same, and a connection that has ended is used */
  HOOPAI_CURL_HANDLE_SERVES_ONCE,    /* a reused easy handle is unsafe */
  HOOPAI_CURL_ABORT_IS_REMEMBERED,   /* a resolve that a callback refused makes the name unknown */
  HOOPAI_CURL_WAKEUP_IS_INHERITED,   /* the descriptors of curl_multi_wakeup are not close-on-exec */
  HOOPAI_CURL_CA_PATH_COMES_BACK,    /* CURLOPT_CAPATH = NULL stands for the default path */
  HOOPAI_CURL_MULTI_JOINS_RESOLVERS, /* only CURLMOPT_QUICK_EXIT keeps curl_multi_cleanup from waiting */
  HOOPAI_CURL_RULES
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Does the rule hold for the libcurl that runs? */
bool hoopai_curl_rule(enum hoopai_curl_rule rule);

/* Sets what only some versions know, in a new CURLM. */
void hoopai_curl_prepare_multi(CURLM *curl);

/* Makes a libcurl of HOOPAI_CURL_IDLE_CHECK_IS_RARE use none of its connections for another request. */
void hoopai_curl_forget_connections(CURLM *curl);

/* Makes the certificates of `ca_file`, or where that is NULL those of the system's bundle, the only ones that count;
   false when libcurl refuses. */
bool hoopai_curl_set_authorities(CURL *easy, const char *ca_file);

/* Adds curl_rules() to the table on top of the stack. */
void hoopai_open_curl_compat(lua_State *L);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
