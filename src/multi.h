/* The userdata hoopai.Multi: transfers that run side by side in one CURLM. */
#ifndef HOOPAI_MULTI_H
#define HOOPAI_MULTI_H

#include "core.h"
#include "lookup.h"
#include "transfer_list.h"

#include <curl/curl.h>

struct hoopai_handle;
struct hoopai_transfer;

struct hoopai_socket {
  int requested, applied; /* masks of events: of libcurl, and of the poll fd */
  int next_dirty;         /* -1 = last, -2 = not in the list */
  bool tracked;           /* opened by hoopai_sockets_open, so hoopai_sockets_close is called at its end */
  bool http2;             /* the last protocol on it */
  bool may_be_watched;    /* removed without a system call, as it may be closed */
};

/* User value 1: the table of transfers that are queued, running, or not yet returned by next(). Times are on the clock
   of hoopai_now. */
struct hoopai_multi {
  const char *type; /* see hoopai_check */
  CURLM *curl;      /* NULL = closed, or there was no memory: then the next use makes one */
  bool closed;
  int poll_fd; /* -1 = none */
  pid_t pid;
  double curl_deadline; /* when libcurl must be called; below 0 = not */
  double expiry;        /* a lower bound of the time at which a transfer expires; 0 = none does */

  struct hoopai_socket *sockets; /* by descriptor */
  int socket_count, first_dirty;

  struct hoopai_list queue, resolving, done;
  struct hoopai_transfer *all;
  int queued, running;

  struct hoopai_lookup *lookups;
  struct hoopai_handle *idle; /* the pool of easy handles */
  int idle_count;
  CURL *model;   /* the easy handle of which the others are copies, NULL = not yet made */
  CURLSH *share; /* their TLS sessions, NULL = not shared */

  /* Workarounds that the loaded libcurl needs (curl_compat.h). */
  bool watches_idle;   /* IDLE_BYTES_PASS or IDLE_CHECK_IS_RARE: received bytes must be noticed here */
  bool clears_idle;    /* IDLE_CHECK_IS_RARE */
  bool checks_fold;    /* FOLD_REACHES_BACK */
  bool without_lookup; /* ABORT_IS_REMEMBERED: libcurl resolves the names of transfers */

  bool seen_tls, seen_http2;
  bool has_new;            /* a transfer was started for which libcurl has not yet chosen a connection */
  bool idle_unclean;       /* bytes were received on an idle connection */
  bool idle_watched;       /* idle connections are watched */
  bool idle_unwatched;     /* idle connections were unwatched while nothing was in flight */
  double last_response_at; /* when a response was last received */
  double retired_at;       /* older connections get no new requests; 0 = none are retired */
  int retired_running;     /* the number of transfers that still run on them */

  /* Options. */
  int max_connections;
  bool http2;
  double connect_timeout;
  size_t max_body, max_headers;
  char *ca_file, *proxy, *user_agent; /* NULL = not given */
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Removes a transfer from its multi: aborts it if it is running, and returns its handle to the pool. */
void hoopai_multi_release(struct hoopai_multi *multi, struct hoopai_transfer *transfer);

/* Sets the defaults, then the options of the table at index 1, if any (multi_options.c). */
void hoopai_multi_read_options(lua_State *L, struct hoopai_multi *multi);
void hoopai_multi_free_options(struct hoopai_multi *multi);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
