/* Workarounds for some versions of libcurl: see curl_compat.c. */
#ifndef HOOPAI_CURL_COMPAT_H
#define HOOPAI_CURL_COMPAT_H

#include "core.h"

#include <curl/curl.h>

enum hoopai_curl_rule {
  HOOPAI_CURL_IDLE_BYTES_PASS,       /* bytes on an idle connection are read as the next response */
  HOOPAI_CURL_IDLE_CHECK_IS_RARE,    /* the same, and an ended connection is reused */
  HOOPAI_CURL_FOLD_REACHES_BACK,     /* a folded first header line is joined to the response before */
  HOOPAI_CURL_ABORT_IS_REMEMBERED,   /* after a resolve that a callback refused the name is unknown */
  HOOPAI_CURL_WAKEUP_IS_INHERITED,   /* the descriptors of curl_multi_wakeup are not close-on-exec */
  HOOPAI_CURL_CA_PATH_COMES_BACK,    /* CURLOPT_CAPATH = NULL means the default path */
  HOOPAI_CURL_MULTI_JOINS_RESOLVERS, /* without CURLMOPT_QUICK_EXIT curl_multi_cleanup waits */
  HOOPAI_CURL_RULES
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Does the rule apply to the loaded libcurl? */
bool hoopai_curl_rule(enum hoopai_curl_rule rule);

/* curl_multi_init without descriptors that a program started by the host would inherit (wakeup.c); sets errno. */
CURLM *hoopai_curl_multi_init(void);

/* Sets the options of a new CURLM that only some versions have. */
void hoopai_curl_prepare_multi(CURLM *curl);

/* Makes a libcurl of HOOPAI_CURL_IDLE_CHECK_IS_RARE reuse none of its connections. */
void hoopai_curl_forget_connections(CURLM *curl);

/* Trusts only the certificates of `ca_file`, or of the system's bundle for NULL; false when libcurl refuses. */
bool hoopai_curl_set_authorities(CURL *easy, const char *ca_file);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
