/* The set of transfers and its transfers: what multi.c and transfer.c share. */
#ifndef HOOPAI_MULTI_H
#define HOOPAI_MULTI_H

#include "core.h"
#include "headers.h"
#include "lookup.h"
#include "poller.h"

#include <curl/curl.h>
#include <sys/types.h>

struct hoopai_multi;
struct hoopai_transfer;

/* An easy handle with its response buffers, pooled. */
struct hoopai_handle {
  CURL *easy; /* NULL = the next request makes one */
  struct hoopai_transfer *owner;
  struct hoopai_handle *next; /* in the pool */
  char *origin;               /* "https://host:port" of the request before, NULL = none */
  CURLU *parsed;              /* the same for libcurl */
  bool has_origin;            /* the easy handle is set to it */
  struct hoopai_buffer body;
  size_t max_body;
  struct hoopai_headers headers;
  bool secret;         /* the body is wiped before its memory is used for anything else */
  bool unresolved;     /* its name has to be looked up first: see lookup.h */
  const char *refusal; /* why a callback ended the transfer, NULL = it did not */
  const char *refusal_kind;
  char error[CURL_ERROR_SIZE];
};

/* HOOPAI_RESOLVING: it waits for a lookup, and counts as running. */
enum hoopai_state { HOOPAI_QUEUED, HOOPAI_RESOLVING, HOOPAI_RUNNING, HOOPAI_DONE, HOOPAI_CLOSED };

/* Lists of transfers: each is in at most one of those for queue, lookups and done, and in the list of all. */
struct hoopai_list {
  struct hoopai_transfer *first, *last;
};

/* What is the same for many requests. Each userdata hoopai.Request and each transfer that sends it is a holder. */
struct hoopai_request {
  int holders;
  size_t size;              /* of all of it, the texts included */
  const char *method, *url; /* what the URL begins with */
  size_t url_length;
  struct curl_slist *headers; /* NULL = none */
  bool once;                  /* it must not leave twice */
  bool https;
  bool posts;         /* without a body it says that its body is empty */
  bool secret_answer; /* the answer is for read_grant alone */
};

/* The user values of a transfer. */
enum {
  HOOPAI_TRANSFER_MULTI = 1,
  HOOPAI_TRANSFER_BODY,
  HOOPAI_TRANSFER_WAITER,
  HOOPAI_TRANSFER_VALUES = HOOPAI_TRANSFER_WAITER
};

/* The userdata hoopai.Transfer. */
struct hoopai_transfer {
  struct hoopai_multi *multi; /* NULL once that was finalised */
  int pin;                    /* its place in the table that keeps it from being collected */
  enum hoopai_state state;
  struct hoopai_transfer *next;                    /* in the list of its state */
  struct hoopai_transfer *all_next, *all_previous; /* in the list of all */
  struct hoopai_handle *handle;                    /* once started, until it is closed */

  /* The request. `block` holds the URL and the headers of its own; it is wiped when freed because of the token. */
  struct hoopai_request *request;
  char *block;
  size_t block_size;
  const char *url;
  const char *target; /* path and query in `url`; NULL = libcurl has to look for itself */
  struct curl_slist *headers;
  const char *body;
  size_t body_length;
  char *form; /* the body if it was built here; wiped when freed */
  bool has_body;
  double timeout;  /* seconds from its start; 0 = none */
  double deadline; /* the hoopai_now() at which it must have ended, however long it was queued; 0 = none */

  /* The outcome. */
  double started, ended;
  double parked; /* the hoopai_now() at which it began to wait for a lookup; 0 = it did not */
  bool resolved; /* a lookup for it has ended well */
  long os_errno; /* of the connection, before the request left */
  int sent;
  int status;
  CURLcode code;
  const char *kind; /* NULL = an answer was read whole */
  const char *stage, *message;
};

struct hoopai_socket {
  int wanted, applied; /* HOOPAI_IN | HOOPAI_OUT */
  int next_dirty;      /* -1 = last, -2 = not in the list */
  bool ours;           /* opened by hoopai_sockets_open, so hoopai_sockets_close is called at its end */
  bool http2;          /* what was last spoken on it */
};

/* The userdata hoopai.Multi. uservalue 1: its transfers that are queued, running or not handed out yet. */
struct hoopai_multi {
  CURLM *curl; /* NULL = closed, or lost with the memory it needed: then there will be a new one */
  bool closed;
  int set; /* -1 = none */
  pid_t pid;
  double deadline; /* when libcurl wants to be called; below 0 = not */
  double due;      /* the hoopai_now() before which no transfer has to be ended here; 0 = none at all */

  struct hoopai_socket *sockets; /* by descriptor */
  int socket_count, first_dirty;

  struct hoopai_list queue, resolving, done;
  struct hoopai_lookup *lookups;
  struct hoopai_transfer *all;
  struct hoopai_handle *idle;
  CURL *model;   /* what their handles are copied from, NULL = not yet made */
  CURLSH *share; /* their TLS sessions, NULL = each has its own */
  int queued, running, idle_count;

  bool seen_tls, seen_http2;
  bool watches_idle;    /* what comes on idle connections must be noticed here, see end_unclean */
  bool clears_idle;     /* and the only cure is clear_unclean */
  bool resolves_itself; /* without lookups: HOOPAI_CURL_ABORT_IS_REMEMBERED */
  bool idle_unclean;    /* something came on one of them */
  bool idle_watched;    /* some of them are in the set */
  bool idle_unwatched;  /* some were taken out of it */
  bool begun;           /* a transfer was started, and libcurl has not looked for a connection for it yet */
  double heard;         /* the hoopai_now() at which an answer last came */
  double retired;       /* connections from before it are not used any more; 0 = none were retired */
  int old;              /* how many transfers still run on those */
  bool serves_once;     /* an easy handle may not be used again: HOOPAI_CURL_HANDLE_SERVES_ONCE */

  /* options */
  int max_connections;
  bool http2;
  double connect_timeout;
  size_t max_body, max_headers;
  char *ca_file, *proxy, *user_agent; /* NULL = not given */
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* curl_multi_init, with no descriptor that a program started by the host would inherit (wakeup.c). */
CURLM *hoopai_curl_multi_init(void);

/* handles (curl_handle.c) */
struct hoopai_handle *hoopai_handle_new(const struct hoopai_multi *multi);
void hoopai_handle_free(struct hoopai_handle *handle);
/* Notes why a callback ended the transfer, where nothing is noted yet. The texts must last as long as the transfer. */
void hoopai_handle_refuse(struct hoopai_handle *handle, const char *kind, const char *why);
/* Frees its easy handle. */
void hoopai_handle_retire(struct hoopai_handle *handle);
/* Sets every option that differs between requests, in a new handle where it has none; false when libcurl refuses. */
bool hoopai_handle_prepare(struct hoopai_handle *handle, struct hoopai_transfer *transfer, struct hoopai_multi *multi);

/* Makes a handle ready for the pool: what the last answer left is forgotten. */
void hoopai_handle_reset(struct hoopai_handle *handle);

/* The origin in its URL: what is looked up for it. */
size_t hoopai_transfer_origin_length(const struct hoopai_transfer *transfer);

/* Opens the handle that those of all transfers are copied from; false when libcurl refuses. */
bool hoopai_multi_open_model(struct hoopai_multi *multi);

/* The hoopai_now() at which the time of a transfer that was started is over; 0 = never. */
double hoopai_transfer_end(const struct hoopai_transfer *transfer);

/* Records how a transfer ended; the easy handle is no longer in the CURLM. */
void hoopai_transfer_finish(struct hoopai_transfer *transfer, CURLcode code);
/* Ends it without an outcome of libcurl's. The message must last as long as the transfer. */
void hoopai_transfer_fail(struct hoopai_transfer *transfer, const char *kind, const char *message);
/* Each pushes the userdata of a transfer, queued nowhere yet, of the multi at index 1. Read: from the table at index 2.
   New: from the Request at index 2, and target, token, body, timeout and deadline from there on. */
struct hoopai_transfer *hoopai_transfer_read(lua_State *L);
struct hoopai_transfer *hoopai_transfer_new(lua_State *L);

/* Reads the numbers of the budget, -1 = not told, from what is at an index of the stack: a transfer, a table as its
   rate_limit() makes one, or nil. A transfer that is not done, or is closed, tells nothing. Returns whether it was an
   answer with such headers. Allocates nothing; raises for a value of another type. */
bool hoopai_budget_read(lua_State *L, int index, lua_Integer numbers[HOOPAI_BUDGET_SIZE]);

/* Wipes and frees the copy of the request. */
void hoopai_transfer_forget(struct hoopai_transfer *transfer);

/* Takes a transfer out of its multi: aborts it when unfinished, gives the handle back. Safe in a forked child. */
void hoopai_multi_release(struct hoopai_multi *multi, struct hoopai_transfer *transfer);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
