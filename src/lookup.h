/* Lookups of host names for the transfers of a multi: one at a time for each origin. */
#ifndef HOOPAI_LOOKUP_H
#define HOOPAI_LOOKUP_H

#include "core.h"

#include <curl/curl.h>

/* An easy handle that resolves a name into the CURLM's cache, and never connects. */
struct hoopai_lookup {
  CURL *easy;
  struct hoopai_lookup *next;
  double begun; /* hoopai_now() */
  bool found;
  char error[CURL_ERROR_SIZE];
  char origin[]; /* "https://host:port" */
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* The lookup of an origin in a list, NULL = there is none. */
struct hoopai_lookup *hoopai_lookup_of(struct hoopai_lookup *list, const char *origin, size_t length);

/* Begins a lookup with a copy of the handle `model`; NULL when libcurl or the memory refuses. */
struct hoopai_lookup *hoopai_lookup_begin(CURLM *curl, CURL *model, const char *origin, size_t length);

/* Takes the lookup that a message of libcurl is about out of its list; NULL for other handles. */
struct hoopai_lookup *hoopai_lookup_take(struct hoopai_lookup **list, const CURL *easy);

/* Frees it; while its name is being resolved, libcurl's thread ends by itself later. */
void hoopai_lookup_free(CURLM *curl, struct hoopai_lookup *lookup);

/* Is the host of an origin an address, for which no lookup is needed? */
bool hoopai_is_address(const char *origin, size_t length);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
