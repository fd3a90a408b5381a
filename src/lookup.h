/* Lookups of host names for the transfers of a multi, at most one per origin. */
#ifndef HOOPAI_LOOKUP_H
#define HOOPAI_LOOKUP_H

#include "core.h"

#include <curl/curl.h>

/* An easy handle that resolves a name into the cache of the CURLM, and never connects. */
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

/* The lookup of an origin in a list, NULL when there is none. */
struct hoopai_lookup *hoopai_lookup_of(struct hoopai_lookup *list, const char *origin, size_t length);

/* Begins a lookup with a copy of the easy handle `model`; NULL when libcurl refuses or without memory. */
struct hoopai_lookup *hoopai_lookup_begin(CURLM *curl, CURL *model, const char *origin, size_t length);

/* Removes the lookup with this easy handle from its list; NULL when there is none. */
struct hoopai_lookup *hoopai_lookup_take(struct hoopai_lookup **list, const CURL *easy);

/* Frees a lookup. If its name is still being resolved, the thread of libcurl ends later by itself. */
void hoopai_lookup_free(CURLM *curl, struct hoopai_lookup *lookup);

/* Is the host of an origin an address, which needs no lookup? */
bool hoopai_is_address(const char *origin, size_t length);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
