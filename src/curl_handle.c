/* The pooled easy handle: its options, and its callbacks, which only fill buffers; no Lua runs in them. */
#define _GNU_SOURCE
#include "curl_compat.h"
#include "multi.h"
#include "sockets.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LIFETIME 600 /* seconds, of a connection */
#define SECRET_ANSWER (16 * 1024)

/* ---------------------------------------------------------------------------------------------------------- callbacks */

void hoopai_handle_refuse(struct hoopai_handle *handle, const char *kind, const char *why) {
  if (handle->refusal) return;
  handle->refusal = why;
  handle->refusal_kind = kind;
}

/* hoopai_append that leaves no copy behind when the memory grows. */
static bool append_secret(struct hoopai_buffer *buffer, const char *data, size_t length) {
  if (length > buffer->capacity - buffer->length) {
    size_t capacity = buffer->capacity < 4096 ? 4096 : buffer->capacity;
    while (capacity - buffer->length < length) capacity *= 2; /* ends: max_body limits the length */
    char *grown = malloc(capacity);
    if (!grown) return false;
    if (buffer->length > 0) memcpy(grown, buffer->data, buffer->length);
    hoopai_wipe(buffer->data, buffer->length);
    free(buffer->data);
    buffer->data = grown;
    buffer->capacity = capacity;
  }
  return hoopai_append(buffer, data, length);
}

static size_t on_body(char *data, size_t one, size_t length, void *user) {
  struct hoopai_handle *handle = user;
  (void)one; /* always 1 */
  if (length > handle->max_body - handle->body.length) {
    hoopai_handle_refuse(handle, "too_large", "the answer is larger than the library accepts");
    return 0;
  }
  if (!(handle->secret ? append_secret(&handle->body, data, length) : hoopai_append(&handle->body, data, length))) {
    hoopai_handle_refuse(handle, "too_large", "there is no memory for the answer");
    return 0;
  }
  return length;
}

static size_t on_header(char *line, size_t one, size_t length, void *user) {
  struct hoopai_handle *handle = user;
  (void)one;
  if (length == 0) return 0;
  const struct hoopai_refusal *refusal = hoopai_headers_take(&handle->headers, line, length);
  if (!refusal) return length;
  hoopai_handle_refuse(handle, refusal->kind, refusal->message);
  return 0;
}

/* libcurl does not have the name of the host in its cache. */
static int on_resolve(void *resolver, void *unused, void *user) {
  struct hoopai_handle *handle = user;
  (void)resolver, (void)unused;
  handle->unresolved = handle->owner && !handle->owner->resolved;
  return handle->unresolved;
}

/* libcurl re-sends any request, a POST too, when a reused connection dies before the first byte of an answer. This is
   called each time a request is about to be sent, so here it can be kept from leaving twice. */
static int on_send(void *user, char *remote_ip, char *local_ip, int remote_port, int local_port) {
  struct hoopai_handle *handle = user;
  (void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
  if (!handle->owner) return CURL_PREREQFUNC_ABORT;
  handle->unresolved = false;
  curl_easy_getinfo(handle->easy, CURLINFO_OS_ERRNO, &handle->owner->os_errno);
  handle->owner->sent++;
  if (handle->owner->request->once && handle->owner->sent > 1) {
    handle->owner->sent = 1;
    hoopai_handle_refuse(handle, "network",
                         "the connection ended before an answer came; the request was not sent a second time");
    return CURL_PREREQFUNC_ABORT;
  }
  return CURL_PREREQFUNC_OK;
}

/* -------------------------------------------------------------------------------------------------------------- handles */

/* Options that must hold for a request to be safe: a libcurl that refuses one of them is not used. */
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
         curl_easy_setopt(easy, CURLOPT_PREREQDATA, handle) == CURLE_OK;
}

/* Without an explicit proxy libcurl would take one from the environment, and even with one the exceptions to it. */
static bool set_proxy(CURL *easy, const struct hoopai_multi *multi) {
  if (multi->proxy && strcmp(multi->proxy, "environment") == 0) return true;
  return curl_easy_setopt(easy, CURLOPT_PROXY, multi->proxy ? multi->proxy : "") == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_NOPROXY, "") == CURLE_OK;
}

static void set_comfort(CURL *easy, const struct hoopai_multi *multi) {
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

static void forget_secret(struct hoopai_handle *handle) {
  if (handle->secret && handle->body.data) hoopai_wipe(handle->body.data, handle->body.length);
  handle->secret = false;
}

static void forget_origin(struct hoopai_handle *handle) {
  free(handle->origin);
  handle->origin = NULL;
}

void hoopai_handle_free(struct hoopai_handle *handle) {
  forget_secret(handle);
  hoopai_handle_retire(handle);
  curl_url_cleanup(handle->parsed);
  forget_origin(handle);
  hoopai_buffer_free(&handle->body);
  hoopai_buffer_free(&handle->headers.text);
  free(handle);
}

void hoopai_handle_retire(struct hoopai_handle *handle) {
  if (handle->easy) curl_easy_cleanup(handle->easy);
  handle->easy = NULL;
  handle->has_origin = false;
}

/* What is the same for all requests of a client is set once, in a handle of which the others are copies. */
bool hoopai_multi_open_model(struct hoopai_multi *multi) {
  if (multi->model) return true;
  CURL *easy = curl_easy_init();
  if (!easy) return false;
  set_comfort(easy, multi);
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

/* Gives the handle its easy handle, if it has none. TLS sessions are shared, as a handle may serve once. */
static bool open_easy(struct hoopai_handle *handle, struct hoopai_multi *multi) {
  if (handle->easy) return true;
  if (!hoopai_multi_open_model(multi)) return false;
  handle->easy = curl_easy_duphandle(multi->model);
  if (!handle->easy) return false;
  if (multi->share) (void)curl_easy_setopt(handle->easy, CURLOPT_SHARE, multi->share);
  if (set_callbacks(handle)) return true;
  hoopai_handle_retire(handle);
  return false;
}

struct hoopai_handle *hoopai_handle_new(const struct hoopai_multi *multi) {
  struct hoopai_handle *handle = calloc(1, sizeof *handle);
  if (!handle) return NULL;
  handle->max_body = multi->max_body;
  handle->headers.most = multi->max_headers;
  return handle;
}

void hoopai_handle_reset(struct hoopai_handle *handle) {
  forget_secret(handle);
  hoopai_buffer_reset(&handle->body);
  hoopai_headers_reset(&handle->headers);
  handle->unresolved = false;
  handle->refusal = handle->refusal_kind = NULL;
  handle->error[0] = 0;
}

/* GET, POST, PUT and DELETE, each with or without a body, are set from scratch so that nothing is left of the request
   before. */
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

/* What libcurl gets as timeout; time that is already over is the shortest it knows, its 0 would be no limit. */
static long milliseconds_left(const struct hoopai_transfer *transfer) {
  double end = hoopai_transfer_end(transfer);
  if (end == 0) return 0;
  double left = end - hoopai_now();
  return (long)hoopai_milliseconds(left > 0.001 ? left : 0.001);
}

/* An address needs no lookup. With a proxy it is its name that would be looked up. */
static bool looks_up(const struct hoopai_transfer *transfer, const struct hoopai_multi *multi) {
  if (multi->resolves_itself) return false;
  return multi->proxy || !hoopai_is_address(transfer->url, hoopai_transfer_origin_length(transfer));
}

/* While there are lookups libcurl must not wait for their connections, and `connect_timeout` holds for the name, the
   connection and TLS together. What is set here is set again with the origin of the next request. */
static void adapt_to_lookups(struct hoopai_handle *handle, const struct hoopai_transfer *transfer,
                             const struct hoopai_multi *multi) {
  if (!multi->lookups && transfer->parked == 0) return;
  handle->has_origin = false;
  if (multi->lookups) curl_easy_setopt(handle->easy, CURLOPT_PIPEWAIT, 0L);
  if (transfer->parked == 0) return;
  double left = transfer->parked + multi->connect_timeout - hoopai_now();
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

/* libcurl parses CURLOPT_URL and puts it together again for each request, which takes a tenth of all its work. So it
   gets the parsed origin, which is the same for nearly all requests of a client, and what follows as it is. A proxy for
   plain http is sent the whole URL. (CURLOPT_URL is not parsed then; without it libcurl would put one together.) */
static bool set_origin(struct hoopai_handle *handle, const struct hoopai_transfer *transfer,
                       const struct hoopai_multi *multi) {
  const char *url = transfer->url;
  bool to_proxy = multi->proxy && !transfer->request->https;
  size_t length = transfer->target && !to_proxy ? hoopai_transfer_origin_length(transfer) : 0;
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
    curl_easy_setopt(handle->easy, CURLOPT_RESOLVER_START_FUNCTION, looks_up(transfer, multi) ? on_resolve : NULL) ==
      CURLE_OK &&
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

/* A token is spent for a secret answer, so that there must be room for it before the request leaves. */
static bool reserve_answer(struct hoopai_handle *handle) {
  return !handle->secret || (reserve(&handle->body, SECRET_ANSWER) && reserve(&handle->headers.text, SECRET_ANSWER));
}

/* Keeps it off connections that were retired. libcurl ends those that are too old, in whole seconds, and with HTTP/2 only
   when nothing runs on them any more; until then there is a new one for each. */
static void choose_connection(CURL *easy, const struct hoopai_transfer *transfer, const struct hoopai_multi *multi) {
  double age = multi->retired > 0 ? transfer->started - multi->retired : MAX_LIFETIME;
  long limit = age < 1 ? 1 : age < MAX_LIFETIME ? (long)age : MAX_LIFETIME;
  curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, limit);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, multi->old > 0 && multi->http2 && transfer->request->https ? 1L : 0L);
}

bool hoopai_handle_prepare(struct hoopai_handle *handle, struct hoopai_transfer *transfer, struct hoopai_multi *multi) {
  hoopai_handle_reset(handle);
  if (!open_easy(handle, multi)) return false;
  CURL *easy = handle->easy;
  handle->secret = transfer->request->secret_answer;
  long milliseconds = milliseconds_left(transfer);
  choose_connection(easy, transfer, multi);
  if (!reserve_answer(handle) || !set_origin(handle, transfer, multi)) return false;
  adapt_to_lookups(handle, transfer, multi);
  return set_target(handle, transfer) && set_method(easy, transfer) &&
         curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds) == CURLE_OK;
}
