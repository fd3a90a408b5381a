/* The userdata hoopai.Transfer: one request and its response. */
#ifndef HOOPAI_TRANSFER_H
#define HOOPAI_TRANSFER_H

#include "core.h"
#include "headers.h"
#include "request.h"

#include <curl/curl.h>

struct hoopai_handle;
struct hoopai_multi;

/* A transfer that waits for a lookup (HOOPAI_RESOLVING) counts as running. */
enum hoopai_state { HOOPAI_QUEUED, HOOPAI_RESOLVING, HOOPAI_RUNNING, HOOPAI_DONE, HOOPAI_CLOSED };

/* The user values of the userdata. */
enum {
  HOOPAI_TRANSFER_MULTI = 1,
  HOOPAI_TRANSFER_REQUEST,
  HOOPAI_TRANSFER_BODY,
  HOOPAI_TRANSFER_WAITER,
  HOOPAI_TRANSFER_VALUES = HOOPAI_TRANSFER_WAITER
};

struct hoopai_transfer {
  const char *type;           /* see hoopai_check */
  struct hoopai_multi *multi; /* NULL once the multi is finalised */
  int pin;                    /* its index in the table that keeps the userdata from being collected */
  enum hoopai_state state;
  struct hoopai_transfer *next;                    /* in the list of its state */
  struct hoopai_transfer *all_next, *all_previous; /* in the list of all */
  struct hoopai_handle *handle;                    /* from its start until it is closed */

  /* The request. `block` holds the URL and the header lines of this transfer; it is wiped because of the token. */
  struct hoopai_request *request;
  char *block;
  size_t block_size;
  const char *url;
  size_t origin_length; /* of "https://host:port" in `url`; its whole length if `target` is NULL */
  const char *target;   /* path and query in `url`; NULL = libcurl has to parse the URL */
  struct curl_slist *headers;
  const char *body;
  size_t body_length;
  char *form; /* the body if it is a form; wiped when freed */
  bool has_body;
  double timeout;  /* seconds from its start; 0 = none */
  double deadline; /* on the clock of hoopai_now, from the queue on; 0 = none */

  /* The outcome. Times are on the clock of hoopai_now. */
  double started, ended;
  double end;          /* when a started transfer times out; 0 = never */
  double lookup_since; /* when it began to wait for a lookup; 0 = it did not */
  bool resolved;       /* a lookup for it has succeeded */
  long os_errno;       /* of the connection, before the request was sent */
  int sent;
  int status;
  CURLcode code;
  const char *kind; /* NULL = the response is complete */
  const char *stage, *message;
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

extern const char hoopai_transfer_type[16];

/* Pushes a transfer of the multi at index 1, in no list yet. Its Request is at index 2; target, token, body, timeout
   and deadline follow. */
struct hoopai_transfer *hoopai_transfer_new(lua_State *L);

/* Notes that a transfer starts now. */
void hoopai_transfer_begin(struct hoopai_transfer *transfer);
/* Records the outcome of libcurl, once the easy handle has left the CURLM. */
void hoopai_transfer_finish(struct hoopai_transfer *transfer, CURLcode code);
/* Records a failure outside of libcurl. The message must live as long as the transfer. */
void hoopai_transfer_fail(struct hoopai_transfer *transfer, const char *kind, const char *message);
/* Wipes and frees the copy of the request. */
void hoopai_transfer_free_request(struct hoopai_transfer *transfer);

/* Reads the numbers of the rate limit, -1 = absent, from the value at an index: a transfer, a table as its rate_limit()
   returns it, or nil. A transfer that is not done has none. Returns whether there is any. Allocates nothing; raises for
   a value of another type. */
bool hoopai_rate_limit_read(lua_State *L, int index, lua_Integer numbers[HOOPAI_RATE_LIMIT_SIZE]);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
