/* The pooled easy handle. */
#ifndef HOOPAI_CURL_HANDLE_H
#define HOOPAI_CURL_HANDLE_H

#include "core.h"
#include "body.h"
#include "headers.h"

#include <curl/curl.h>

struct hoopai_multi;
struct hoopai_transfer;

/* An easy handle and the buffers of its response. */
struct hoopai_handle {
  CURL *easy; /* NULL = the next request makes one */
  struct hoopai_transfer *owner;
  struct hoopai_handle *next; /* in the pool */
  char *origin;               /* "https://host:port" of the last request, NULL = none */
  CURLU *parsed;              /* the origin, parsed by libcurl */
  bool has_origin;            /* the options of the easy handle are those of the origin */
  bool checks_fold;           /* FOLD_REACHES_BACK (curl_compat.h) */
  bool is_verbose;            /* libcurl calls on_debug */
  struct hoopai_body body;
  struct hoopai_headers headers;
  bool unresolved;     /* the name needs a lookup (lookup.h) */
  const char *refusal; /* why a callback ended the transfer, NULL = none did */
  const char *refusal_kind;
  char error[CURL_ERROR_SIZE];
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Takes a handle from the pool of a multi, or makes one; NULL without memory. */
struct hoopai_handle *hoopai_handle_take(struct hoopai_multi *multi);
/* Returns a handle, whose transfer has left libcurl, to the pool. */
void hoopai_handle_give(struct hoopai_multi *multi, struct hoopai_handle *handle);
void hoopai_handle_free(struct hoopai_handle *handle);
/* Notes why the transfer is refused; the first reason stays. The texts must live as long as the transfer. */
void hoopai_handle_refuse(struct hoopai_handle *handle, const char *kind, const char *why);
/* Sets every option that differs between requests; false when libcurl refuses one or without memory. */
bool hoopai_handle_prepare(struct hoopai_handle *handle, struct hoopai_transfer *transfer, struct hoopai_multi *multi);

/* Makes `multi->model`, which all easy handles of a multi are copies of; false when libcurl refuses an option. */
bool hoopai_handle_open_model(struct hoopai_multi *multi);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
