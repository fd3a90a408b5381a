/* The pooled easy handle: its options, and its callbacks, which fill buffers and call no Lua function. */
#define _GNU_SOURCE
#include "curl_handle.h"
#include "curl_compat.h"
#include "multi.h"
#include "sockets.h"
#include "transfer.h"

#include <stdlib.h>
#include <string.h>

#define MAX_IDLE_HANDLES 64
#define MAX_LIFETIME 600 /* seconds, of a connection */
#define SECRET_RESPONSE (16 * 1024)
#define TIMEOUT_SLACK 0.1 /* seconds */

/* -- Callbacks ------------------------------------------------------------------------------- */

void hoopai_handle_refuse(struct hoopai_handle *handle, const char *kind, const char *why) {
  if (handle->refusal) return;
  handle->refusal = why;
  handle->refusal_kind = kind;
}

static size_t on_body(char *data, size_t one, size_t length, void *user) {
  struct hoopai_handle *handle = user;
  (void)one; /* always 1 */
  const struct hoopai_refusal *refusal = hoopai_body_take(&handle->body, data, length);
  if (!refusal) return length;
  hoopai_handle_refuse(handle, refusal->kind, refusal->message);
  return 0;
}

/* on_debug is costly: it is called between a status line and the next line alone. */
static void set_verbose(struct hoopai_handle *handle, bool is_verbose) {
  if (handle->is_verbose == is_verbose) return;
  handle->is_verbose = is_verbose;
  curl_easy_setopt(handle->easy, CURLOPT_VERBOSE, is_verbose ? 1L : 0L);
}

static size_t on_header(char *line, size_t one, size_t length, void *user) {
  struct hoopai_handle *handle = user;
  (void)one;
  if (length == 0) return 0;
  const struct hoopai_refusal *refusal = hoopai_headers_take(&handle->headers, line, length);
  if (handle->checks_fold) set_verbose(handle, handle->headers.open && handle->headers.bare);
  if (!refusal) return length;
  hoopai_handle_refuse(handle, refusal->kind, refusal->message);
  return 0;
}

/* FOLD_REACHES_BACK: libcurl passes a header line to this function before it joins a folded one to the header before.
   Where there is none in this response, a NUL takes the place of the first blank: libcurl then refuses the line, as it
   does with a new easy handle. (A new one for each request costs 17,000 instructions more, a fifth of our own.) */
static int on_debug(CURL *easy, curl_infotype type, char *data, size_t length, void *user) {
  struct hoopai_handle *handle = user;
  (void)easy;
  if (type != CURLINFO_HEADER_IN || !handle->headers.open || !handle->headers.bare) return 0;
  if (length > 0 && (data[0] == ' ' || data[0] == '\t')) data[0] = 0;
  set_verbose(handle, false);
  return 0;
}

/* The name of the host is not in the cache of libcurl. */
static int on_resolve(void *resolver, void *unused, void *user) {
  struct hoopai_handle *handle = user;
  (void)resolver, (void)unused;
  handle->unresolved = handle->owner && !handle->owner->resolved;
  return handle->unresolved;
}

/* libcurl sends any request, a POST too, again when a reused connection ends before the first byte of the response. It
   calls this function before each send, so this function can refuse the second one. */
static int on_send(void *user, char *remote_ip, char *local_ip, int remote_port, int local_port) {
  struct hoopai_handle *handle = user;
  (void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
  if (!handle->owner) return CURL_PREREQFUNC_ABORT;
  handle->unresolved = false;
  curl_easy_getinfo(handle->easy, CURLINFO_OS_ERRNO, &handle->owner->os_errno);
  handle->owner->sent++;
  /* From here on the transfer expires in multi.c alone: a step may be late at any moment. */
  (void)curl_easy_setopt(handle->easy, CURLOPT_TIMEOUT_MS, 0L);
  if (handle->owner->request->at_most_once && handle->owner->sent > 1) {
    handle->owner->sent = 1;
    hoopai_handle_refuse(handle, "network",
                         "the connection ended before an answer came; the request was not sent a second time");
    return CURL_PREREQFUNC_ABORT;
  }
  return CURL_PREREQFUNC_OK;
}

/* -- Easy handles ---------------------------------------------------------------------------- */

/* Without one of these options a request is not safe: a libcurl that refuses one gets no request. */
static bool set_security(CURL *easy) {
  return curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYPEER, 1L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_PROXY_SSL_VERIFYHOST, 2L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https") == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_UNRESTRICTED_AUTH, 0L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK;
}

static bool set_callbacks(struct hoopai_handle *handle) {
  CURL *easy = handle->easy;
  return curl_easy_setopt(easy, CURLOPT_PRIVATE, handle) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, handle->error) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_WRITEDATA, handle) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_HEADERDATA, handle) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, handle) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_PREREQDATA, handle) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_DEBUGDATA, handle) == CURLE_OK;
}

/* Without these options libcurl reads the proxy, and with a proxy its exceptions, from the environment. */
static bool set_proxy(CURL *easy, const struct hoopai_multi *multi) {
  if (multi->proxy && strcmp(multi->proxy, "environment") == 0) return true;
  return curl_easy_setopt(easy, CURLOPT_PROXY, multi->proxy ? multi->proxy : "") == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_NOPROXY, "") == CURLE_OK;
}

static void set_optional(CURL *easy, const struct hoopai_multi *multi) {
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, 60L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  if (multi->user_agent) curl_easy_setopt(easy, CURLOPT_USERAGENT, multi->user_agent);
  if (multi->http2) {
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
  } else {
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  }
}

static void forget_origin(struct hoopai_handle *handle) {
  free(handle->origin);
  handle->origin = NULL;
}

/* Frees the easy handle: the next request gets a new one. */
static void retire(struct hoopai_handle *handle) {
  if (handle->easy) curl_easy_cleanup(handle->easy);
  handle->easy = NULL;
  handle->has_origin = handle->is_verbose = false;
}

void hoopai_handle_free(struct hoopai_handle *handle) {
  retire(handle);
  curl_url_cleanup(handle->parsed);
  forget_origin(handle);
  hoopai_body_free(&handle->body);
  hoopai_buffer_free(&handle->headers.text);
  free(handle);
}

/* Options that are the same for all requests of a multi are set once, in the model. */
bool hoopai_handle_open_model(struct hoopai_multi *multi) {
  if (multi->model) return true;
  CURL *easy = curl_easy_init();
  if (!easy) return false;
  set_optional(easy, multi);
  if (set_security(easy) && hoopai_curl_set_authorities(easy, multi->ca_file) && set_proxy(easy, multi) &&
      curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE) == CURLE_OK &&
      curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, hoopai_sockets_open) == CURLE_OK &&
      curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, multi) == CURLE_OK &&
      curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, hoopai_sockets_close) == CURLE_OK &&
      curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, multi) == CURLE_OK) {
    multi->model = easy;
    return true;
  }
  curl_easy_cleanup(easy);
  return false;
}

/* Copies the model if the handle has no easy handle. TLS sessions are shared among all easy handles. */
static bool open_easy(struct hoopai_handle *handle, struct hoopai_multi *multi) {
  if (handle->easy) return true;
  if (!hoopai_handle_open_model(multi)) return false;
  handle->easy = curl_easy_duphandle(multi->model);
  if (!handle->easy) return false;
  if (multi->share) (void)curl_easy_setopt(handle->easy, CURLOPT_SHARE, multi->share);
  if (set_callbacks(handle)) return true;
  retire(handle);
  return false;
}

static struct hoopai_handle *new_handle(const struct hoopai_multi *multi) {
  struct hoopai_handle *handle = calloc(1, sizeof *handle);
  if (!handle) return NULL;
  handle->body.most = multi->max_body;
  handle->headers.most = multi->max_headers;
  handle->checks_fold = multi->checks_fold;
  return handle;
}

/* Clears the last response. */
static void reset(struct hoopai_handle *handle) {
  hoopai_body_reset(&handle->body);
  hoopai_headers_reset(&handle->headers);
  handle->unresolved = false;
  handle->refusal = handle->refusal_kind = NULL;
  handle->error[0] = 0;
}

struct hoopai_handle *hoopai_handle_take(struct hoopai_multi *multi) {
  struct hoopai_handle *handle = multi->idle;
  if (!handle) return new_handle(multi);
  multi->idle = handle->next;
  multi->idle_count--;
  handle->next = NULL;
  return handle;
}

void hoopai_handle_give(struct hoopai_multi *multi, struct hoopai_handle *handle) {
  /* An easy handle that has sent requests again five times fails, as libcurl never resets the count. */
  bool is_spent = handle->owner && (handle->owner->sent > 1 || handle->owner->kind);
  handle->owner = NULL;
  reset(handle);
  if (!multi->curl || multi->idle_count >= MAX_IDLE_HANDLES) {
    hoopai_handle_free(handle);
    return;
  }
  if (is_spent) retire(handle);
  handle->next = multi->idle;
  multi->idle = handle;
  multi->idle_count++;
}

/* Sets all options of the method and the body, so that none is left of the last request. */
static bool set_method(CURL *easy, const struct hoopai_transfer *transfer) {
  const struct hoopai_request *request = transfer->request;
  if (transfer->has_body || request->posts) {
    return curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->has_body ? transfer->body : "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body_length) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
  }
  return curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK;
}

/* The timeout for libcurl, which divides it among the addresses of a host. The transfer expires in multi.c before, as
   libcurl would not read what has arrived. 0 = none. */
static long milliseconds_left(const struct hoopai_transfer *transfer) {
  if (transfer->end == 0) return 0;
  double left = transfer->end - hoopai_now();
  return (long)hoopai_milliseconds((left > 0 ? left : 0) + TIMEOUT_SLACK);
}

/* An address needs no lookup. With a proxy libcurl resolves the name of the proxy. */
static bool needs_lookup(const struct hoopai_transfer *transfer, const struct hoopai_multi *multi) {
  if (multi->without_lookup) return false;
  return multi->proxy || !hoopai_is_address(transfer->url, transfer->origin_length);
}

/* During a lookup libcurl must not wait for its connection. For a transfer that waited for a lookup, `connect_timeout`
   includes the wait. The next request resets these options with those of its origin. */
static void adapt_to_lookups(struct hoopai_handle *handle, const struct hoopai_transfer *transfer,
                             const struct hoopai_multi *multi) {
  if (!multi->lookups && transfer->lookup_since == 0) return;
  handle->has_origin = false;
  if (multi->lookups) curl_easy_setopt(handle->easy, CURLOPT_PIPEWAIT, 0L);
  if (transfer->lookup_since == 0) return;
  double left = transfer->lookup_since + multi->connect_timeout - hoopai_now();
  curl_easy_setopt(handle->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)hoopai_milliseconds(left > 0.001 ? left : 0.001));
}

static bool parse_origin(struct hoopai_handle *handle, const char *url, size_t length) {
  forget_origin(handle);
  if (!handle->parsed) handle->parsed = curl_url();
  handle->origin = strndup(url, length);
  if (!handle->parsed || !handle->origin) return false;
  if (curl_url_set(handle->parsed, CURLUPART_URL, handle->origin, CURLU_DISALLOW_USER) != CURLUE_OK)
    forget_origin(handle);
  return true;
}

/* libcurl parses and rebuilds CURLOPT_URL for each request, a tenth of its CPU time. So it gets the parsed origin,
   which is the same for nearly all requests of a client, and the rest with CURLOPT_REQUEST_TARGET. (With CURLOPT_CURLU
   libcurl does not parse CURLOPT_URL, but would build a URL without it.) A proxy for plain http needs the whole URL. */
static bool set_origin(struct hoopai_handle *handle, const struct hoopai_transfer *transfer,
                       const struct hoopai_multi *multi) {
  const char *url = transfer->url;
  bool to_proxy = multi->proxy && !transfer->request->https;
  size_t length = transfer->target && !to_proxy ? transfer->origin_length : 0;
  bool known = handle->origin && strncmp(handle->origin, url, length) == 0 && !handle->origin[length];
  if (known && handle->has_origin) return true;
  handle->has_origin = false;
  if (length == 0) forget_origin(handle);
  else if (!known && !parse_origin(handle, url, length)) return false;
  handle->has_origin =
    curl_easy_setopt(handle->easy, CURLOPT_CURLU, handle->origin ? handle->parsed : NULL) == CURLE_OK &&
    curl_easy_setopt(handle->easy, CURLOPT_URL, handle->origin) == CURLE_OK &&
    curl_easy_setopt(handle->easy, CURLOPT_PROTOCOLS_STR, transfer->request->https ? "https" : "http") == CURLE_OK &&
    curl_easy_setopt(handle->easy, CURLOPT_PIPEWAIT, multi->http2 && transfer->request->https ? 1L : 0L) == CURLE_OK &&
    curl_easy_setopt(handle->easy, CURLOPT_RESOLVER_START_FUNCTION,
                     needs_lookup(transfer, multi) ? on_resolve : NULL) == CURLE_OK &&
    curl_easy_setopt(handle->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)hoopai_milliseconds(multi->connect_timeout)) ==
      CURLE_OK;
  return handle->has_origin;
}

static bool set_target(const struct hoopai_handle *handle, const struct hoopai_transfer *transfer) {
  if (handle->origin) return curl_easy_setopt(handle->easy, CURLOPT_REQUEST_TARGET, transfer->target) == CURLE_OK;
  return curl_easy_setopt(handle->easy, CURLOPT_REQUEST_TARGET, NULL) == CURLE_OK &&
         curl_easy_setopt(handle->easy, CURLOPT_URL, transfer->url) == CURLE_OK;
}

static bool reserve(struct hoopai_buffer *buffer, size_t capacity) {
  if (buffer->capacity >= capacity) return true;
  char *data = realloc(buffer->data, capacity);
  if (!data) return false;
  buffer->data = data;
  buffer->capacity = capacity;
  return true;
}

/* A secret response costs a refresh token, so its memory is reserved before the request is sent (rule Memory). */
static bool reserve_response(struct hoopai_handle *handle) {
  return !handle->body.secret ||
         (reserve(&handle->body.bytes, SECRET_RESPONSE) && reserve(&handle->headers.text, SECRET_RESPONSE));
}

/* Keeps the transfer off retired connections: libcurl ends connections above a maximum age, which it counts in whole
   seconds. For HTTP/2 it does so after their last transfer: until then each transfer gets a new connection. */
static void choose_connection(CURL *easy, const struct hoopai_transfer *transfer, const struct hoopai_multi *multi) {
  double age = multi->retired_at > 0 ? transfer->started - multi->retired_at : MAX_LIFETIME;
  long limit = age < 1 ? 1 : age < MAX_LIFETIME ? (long)age : MAX_LIFETIME;
  curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, limit);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT,
                   multi->retired_running > 0 && multi->http2 && transfer->request->https ? 1L : 0L);
}

bool hoopai_handle_prepare(struct hoopai_handle *handle, struct hoopai_transfer *transfer, struct hoopai_multi *multi) {
  reset(handle);
  if (!open_easy(handle, multi)) return false;
  CURL *easy = handle->easy;
  set_verbose(handle, false); /* the last transfer may have been aborted between two lines */
  handle->body.secret = transfer->request->secret_response;
  long milliseconds = milliseconds_left(transfer);
  choose_connection(easy, transfer, multi);
  if (!reserve_response(handle) || !set_origin(handle, transfer, multi)) return false;
  adapt_to_lookups(handle, transfer, multi);
  return set_target(handle, transfer) && set_method(easy, transfer) &&
         curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds) == CURLE_OK;
}
