/* One HTTP exchange on a pooled easy handle. The callbacks only fill buffers; no Lua runs in them. */
#define _GNU_SOURCE
#include "multi.h"
#include "curl_compat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEPT_BUFFER (256 * 1024)
#define MAX_LIFETIME 600 /* seconds, of a connection */
#define SECRET_ANSWER (16 * 1024)

/* ---------------------------------------------------------------------------------------------------------- callbacks */

static void refuse(struct hoopai_slot *slot, const char *kind, const char *why) {
  if (slot->refusal) return;
  slot->refusal = why;
  slot->refusal_kind = kind;
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
  struct hoopai_slot *slot = user;
  (void)one; /* always 1 */
  if (length > slot->max_body - slot->body.length) {
    refuse(slot, "too_large", "the answer is larger than the library accepts");
    return 0;
  }
  if (!(slot->secret ? append_secret(&slot->body, data, length) : hoopai_append(&slot->body, data, length))) {
    refuse(slot, "too_large", "there is no memory for the answer");
    return 0;
  }
  return length;
}

static size_t on_header(char *line, size_t one, size_t length, void *user) {
  struct hoopai_slot *slot = user;
  (void)one;
  if (length == 0) return 0;
  const struct hoopai_refusal *refusal = hoopai_headers_take(&slot->headers, line, length);
  if (!refusal) return length;
  refuse(slot, refusal->kind, refusal->message);
  return 0;
}

/* libcurl does not have the name of the host in its cache. */
static int on_resolve(void *resolver, void *unused, void *user) {
  struct hoopai_slot *slot = user;
  (void)resolver, (void)unused;
  slot->unresolved = slot->owner && !slot->owner->resolved;
  return slot->unresolved;
}

/* libcurl re-sends any request, a POST too, when a reused connection dies before the first byte of an answer. This is
   called each time a request is about to be sent, so here it can be kept from leaving twice. */
static int on_send(void *user, char *remote_ip, char *local_ip, int remote_port, int local_port) {
  struct hoopai_slot *slot = user;
  (void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
  if (!slot->owner) return CURL_PREREQFUNC_ABORT;
  slot->unresolved = false;
  curl_easy_getinfo(slot->easy, CURLINFO_OS_ERRNO, &slot->owner->os_errno);
  slot->owner->sent++;
  if (slot->owner->request->once && slot->owner->sent > 1) {
    slot->owner->sent = 1;
    refuse(slot, "network", "the connection ended before an answer came; the request was not sent a second time");
    return CURL_PREREQFUNC_ABORT;
  }
  return CURL_PREREQFUNC_OK;
}

/* -------------------------------------------------------------------------------------------------------------- slots */

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

static bool set_callbacks(struct hoopai_slot *slot) {
  CURL *easy = slot->easy;
  return curl_easy_setopt(easy, CURLOPT_PRIVATE, slot) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, slot->error) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, slot) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_PREREQDATA, slot) == CURLE_OK;
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

static void forget_secret(struct hoopai_slot *slot) {
  if (slot->secret && slot->body.data) hoopai_wipe(slot->body.data, slot->body.length);
  slot->secret = false;
}

static void forget_origin(struct hoopai_slot *slot) {
  free(slot->origin);
  slot->origin = NULL;
}

void hoopai_slot_free(struct hoopai_slot *slot) {
  forget_secret(slot);
  hoopai_slot_retire(slot);
  curl_url_cleanup(slot->parsed);
  forget_origin(slot);
  hoopai_buffer_free(&slot->body);
  hoopai_buffer_free(&slot->headers.text);
  free(slot);
}

void hoopai_slot_retire(struct hoopai_slot *slot) {
  if (slot->easy) curl_easy_cleanup(slot->easy);
  slot->easy = NULL;
  slot->has_origin = false;
}

/* What is the same for all requests of a client is set once, in a handle of which the others are copies. */
bool hoopai_multi_open_model(struct hoopai_multi *multi) {
  if (multi->model) return true;
  CURL *easy = curl_easy_init();
  if (!easy) return false;
  set_comfort(easy, multi);
  if (set_security(easy) && hoopai_curl_set_authorities(easy, multi->ca_file) && set_proxy(easy, multi) &&
      curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE) == CURLE_OK &&
      curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, hoopai_multi_on_open) == CURLE_OK &&
      curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, multi) == CURLE_OK &&
      curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, hoopai_multi_on_close) == CURLE_OK &&
      curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, multi) == CURLE_OK) {
    multi->model = easy;
    return true;
  }
  curl_easy_cleanup(easy);
  return false;
}

/* Gives the slot a handle if it has none. TLS sessions are shared, as a handle may serve once. */
static bool open_easy(struct hoopai_slot *slot, struct hoopai_multi *multi) {
  if (slot->easy) return true;
  if (!hoopai_multi_open_model(multi)) return false;
  slot->easy = curl_easy_duphandle(multi->model);
  if (!slot->easy) return false;
  if (multi->share) (void)curl_easy_setopt(slot->easy, CURLOPT_SHARE, multi->share);
  if (set_callbacks(slot)) return true;
  hoopai_slot_retire(slot);
  return false;
}

struct hoopai_slot *hoopai_slot_new(const struct hoopai_multi *multi) {
  struct hoopai_slot *slot = calloc(1, sizeof *slot);
  if (!slot) return NULL;
  slot->max_body = multi->max_body;
  slot->headers.most = multi->max_headers;
  return slot;
}

static void reset_buffer(struct hoopai_buffer *buffer) {
  buffer->length = 0;
  if (buffer->capacity > KEPT_BUFFER) hoopai_buffer_free(buffer);
}

void hoopai_slot_reset(struct hoopai_slot *slot) {
  forget_secret(slot);
  reset_buffer(&slot->body);
  hoopai_headers_reset(&slot->headers);
  slot->unresolved = false;
  slot->refusal = slot->refusal_kind = NULL;
  slot->error[0] = 0;
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

double hoopai_transfer_end(const struct hoopai_transfer *transfer) {
  double end = transfer->timeout > 0 ? transfer->started + transfer->timeout : 0;
  return transfer->deadline > 0 && (end == 0 || transfer->deadline < end) ? transfer->deadline : end;
}

/* What libcurl gets as timeout; time that is already over is the shortest it knows, its 0 would be no limit. */
static long milliseconds_left(const struct hoopai_transfer *transfer) {
  double end = hoopai_transfer_end(transfer);
  if (end == 0) return 0;
  double left = end - hoopai_now();
  return (long)hoopai_milliseconds(left > 0.001 ? left : 0.001);
}

size_t hoopai_transfer_origin_length(const struct hoopai_transfer *transfer) {
  return transfer->target ? (size_t)(transfer->target - transfer->url) : strlen(transfer->url);
}

/* An address needs no lookup. With a proxy it is its name that would be looked up. While there are lookups libcurl must
   not wait for their connections. */
static bool set_resolve(struct hoopai_slot *slot, const struct hoopai_transfer *transfer,
                        const struct hoopai_multi *multi) {
  bool looks_up = !multi->resolves_itself &&
                  (multi->proxy || !hoopai_is_address(transfer->url, hoopai_transfer_origin_length(transfer)));
  if (multi->lookups) {
    curl_easy_setopt(slot->easy, CURLOPT_PIPEWAIT, 0L);
    slot->has_origin = false; /* which sets that, too, for the next request */
  }
  return curl_easy_setopt(slot->easy, CURLOPT_RESOLVER_START_FUNCTION, looks_up ? on_resolve : NULL) == CURLE_OK;
}

/* `connect_timeout` holds for the name, the connection and TLS together. */
static long connect_milliseconds(const struct hoopai_transfer *transfer, const struct hoopai_multi *multi) {
  double waited = transfer->parked > 0 ? hoopai_now() - transfer->parked : 0, left = multi->connect_timeout - waited;
  return (long)hoopai_milliseconds(left > 0.001 ? left : 0.001);
}

static bool parse_origin(struct hoopai_slot *slot, const char *url, size_t length) {
  forget_origin(slot);
  if (!slot->parsed) slot->parsed = curl_url();
  slot->origin = strndup(url, length);
  if (!slot->parsed || !slot->origin) return false;
  if (curl_url_set(slot->parsed, CURLUPART_URL, slot->origin, CURLU_DISALLOW_USER) != CURLUE_OK) forget_origin(slot);
  return true;
}

/* libcurl parses CURLOPT_URL and puts it together again for each request, which takes a tenth of all its work. So it
   gets the parsed origin, which is the same for nearly all requests of a client, and what follows as it is. A proxy for
   plain http is sent the whole URL. (CURLOPT_URL is not parsed then; without it libcurl would put one together.) */
static bool set_origin(struct hoopai_slot *slot, const struct hoopai_transfer *transfer,
                       const struct hoopai_multi *multi) {
  const char *url = transfer->url;
  bool to_proxy = multi->proxy && !transfer->request->https;
  size_t length = transfer->target && !to_proxy ? hoopai_transfer_origin_length(transfer) : 0;
  bool known = slot->origin && strncmp(slot->origin, url, length) == 0 && !slot->origin[length];
  if (known && slot->has_origin) return true;
  slot->has_origin = false;
  if (length == 0) forget_origin(slot);
  else if (!known && !parse_origin(slot, url, length)) return false;
  slot->has_origin =
    curl_easy_setopt(slot->easy, CURLOPT_CURLU, slot->origin ? slot->parsed : NULL) == CURLE_OK &&
    curl_easy_setopt(slot->easy, CURLOPT_URL, slot->origin) == CURLE_OK &&
    curl_easy_setopt(slot->easy, CURLOPT_PROTOCOLS_STR, transfer->request->https ? "https" : "http") == CURLE_OK &&
    curl_easy_setopt(slot->easy, CURLOPT_PIPEWAIT, multi->http2 && transfer->request->https ? 1L : 0L) == CURLE_OK;
  return slot->has_origin;
}

static bool set_target(const struct hoopai_slot *slot, const struct hoopai_transfer *transfer) {
  if (slot->origin) return curl_easy_setopt(slot->easy, CURLOPT_REQUEST_TARGET, transfer->target) == CURLE_OK;
  return curl_easy_setopt(slot->easy, CURLOPT_REQUEST_TARGET, NULL) == CURLE_OK &&
         curl_easy_setopt(slot->easy, CURLOPT_URL, transfer->url) == CURLE_OK;
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
static bool reserve_answer(struct hoopai_slot *slot) {
  return !slot->secret || (reserve(&slot->body, SECRET_ANSWER) && reserve(&slot->headers.text, SECRET_ANSWER));
}

/* Keeps it off connections that were retired. libcurl ends those that are too old, in whole seconds, and with HTTP/2 only
   when nothing runs on them any more; until then there is a new one for each. */
static void choose_connection(CURL *easy, const struct hoopai_transfer *transfer, const struct hoopai_multi *multi) {
  double age = multi->retired > 0 ? transfer->started - multi->retired : MAX_LIFETIME;
  long limit = age < 1 ? 1 : age < MAX_LIFETIME ? (long)age : MAX_LIFETIME;
  curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, limit);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, multi->old > 0 && multi->http2 && transfer->request->https ? 1L : 0L);
}

bool hoopai_slot_prepare(struct hoopai_slot *slot, struct hoopai_transfer *transfer, struct hoopai_multi *multi) {
  hoopai_slot_reset(slot);
  if (!open_easy(slot, multi)) return false;
  CURL *easy = slot->easy;
  slot->secret = transfer->request->secret_answer;
  long milliseconds = milliseconds_left(transfer);
  choose_connection(easy, transfer, multi);
  return reserve_answer(slot) && set_origin(slot, transfer, multi) && set_target(slot, transfer) &&
         set_resolve(slot, transfer, multi) && set_method(easy, transfer) &&
         curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_milliseconds(transfer, multi)) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds) == CURLE_OK;
}

/* ---------------------------------------------------------------------------------------------------------- outcomes */

static const struct {
  CURLcode code;
  const char *kind;
} kinds[] = {
  {CURLE_OPERATION_TIMEDOUT, "timeout"},
  {CURLE_SSL_CONNECT_ERROR, "tls"},
  {CURLE_PEER_FAILED_VERIFICATION, "tls"},
  {CURLE_SSL_CACERT_BADFILE, "tls"},
  {CURLE_SSL_CERTPROBLEM, "tls"},
  {CURLE_SSL_CIPHER, "tls"},
  {CURLE_SSL_ISSUER_ERROR, "tls"},
  {CURLE_SSL_PINNEDPUBKEYNOTMATCH, "tls"},
  {CURLE_SSL_ENGINE_INITFAILED, "tls"},
  {CURLE_SSL_INVALIDCERTSTATUS, "tls"},
  {CURLE_USE_SSL_FAILED, "tls"},
  {CURLE_UNSUPPORTED_PROTOCOL, "protocol"},
  {CURLE_WEIRD_SERVER_REPLY, "protocol"},
  {CURLE_BAD_CONTENT_ENCODING, "protocol"},
  {CURLE_HTTP2, "network"},
  {CURLE_HTTP2_STREAM, "network"},
  {CURLE_FILESIZE_EXCEEDED, "too_large"},
  {CURLE_OK, NULL},
};

static const char *kind_of(CURLcode code) {
  for (size_t i = 0; kinds[i].kind; i++) {
    if (kinds[i].code == code) return kinds[i].kind;
  }
  return "network";
}

static const char *stage_of(const struct hoopai_transfer *transfer) {
  const struct hoopai_slot *slot = transfer->slot;
  if (!slot) return "queue";
  if (transfer->sent == 0) return "connect";
  if (slot->headers.lines > 0) return "receive";
  curl_off_t uploaded = 0;
  curl_easy_getinfo(slot->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
  return uploaded < (curl_off_t)transfer->body_length ? "send" : "wait";
}

/* libcurl's own text: host names, addresses, errors of OpenSSL; never the URL's query, headers or bodies. */
static void set_message(struct hoopai_transfer *transfer, CURLcode code) {
  struct hoopai_slot *slot = transfer->slot;
  for (char *at = slot->error; *at; at++) {
    if ((unsigned char)*at < 0x20) *at = ' ';
  }
  transfer->message = slot->refusal ? slot->refusal : slot->error[0] ? slot->error : curl_easy_strerror(code);
}

/* Did a read fail although the system had no error to report? Then libcurl gave up on what it read. Not so with TLS, where
   an end without close_notify looks the same. */
static bool gave_up(const struct hoopai_transfer *transfer) {
  long error = 0;
  curl_easy_getinfo(transfer->slot->easy, CURLINFO_OS_ERRNO, &error);
  return error == transfer->os_errno && !transfer->request->https; /* an attempt to connect may have left one */
}

#define TOO_LARGE ((CURLcode)100) /* CURLE_TOO_LARGE, from 8.6.0 on */

/* Answers that are none. libcurl's codes for them differ by version: they are read together with what the callbacks saw. */
static void refuse_malformed(struct hoopai_transfer *transfer, CURLcode code) {
  struct hoopai_slot *slot = transfer->slot;
  const struct hoopai_headers *headers = &slot->headers;
  bool ends = code == CURLE_OK || code == CURLE_GOT_NOTHING || code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR;
  if (code == TOO_LARGE || (code == CURLE_OUT_OF_MEMORY && !headers->done)) {
    refuse(slot, "too_large", "the answer has longer headers than libcurl accepts");
  } else if (ends && headers->open) {
    bool interim = hoopai_headers_status(headers) == 0;
    refuse(slot, interim ? "protocol" : "network", "the answer ends before its headers do");
  } else if (code == CURLE_OK && !headers->done) {
    refuse(slot, "network", "the answer ends before its headers do");
  } else if (code == CURLE_RECV_ERROR && headers->done && headers->chunked && gave_up(transfer)) {
    refuse(slot, "protocol", "the chunks of the answer are malformed");
  } else if (code == CURLE_BAD_FUNCTION_ARGUMENT && !headers->done) {
    refuse(slot, "protocol", "a header line of the answer is malformed");
  } else if (code == CURLE_WRITE_ERROR && headers->coded) { /* of our own on_body there is a refusal already */
    refuse(slot, "protocol", "the compressed answer goes on behind its end");
  }
}

void hoopai_transfer_finish(struct hoopai_transfer *transfer, CURLcode code) {
  struct hoopai_slot *slot = transfer->slot;
  transfer->status = hoopai_headers_status(&slot->headers);
  transfer->code = code;
  transfer->stage = stage_of(transfer);
  transfer->state = HOOPAI_DONE;
  if (code == CURLE_OK && slot->headers.done && !slot->refusal) return;
  if (transfer->sent > 0) refuse_malformed(transfer, code);
  else if (code == CURLE_OK) refuse(slot, "protocol", "the answer ends before its headers do");
  transfer->kind = slot->refusal ? slot->refusal_kind : kind_of(code);
  set_message(transfer, code);
}

void hoopai_transfer_fail(struct hoopai_transfer *transfer, const char *kind, const char *message) {
  transfer->stage = stage_of(transfer);
  transfer->kind = kind;
  transfer->message = message;
  transfer->state = HOOPAI_DONE;
}

/* ---------------------------------------------------------------------------------------------------- hoopai.Transfer */

static struct hoopai_transfer *check_transfer(lua_State *L) {
  return luaL_checkudata(L, 1, HOOPAI_TRANSFER);
}

static struct hoopai_transfer *check_done(lua_State *L) {
  struct hoopai_transfer *transfer = check_transfer(L);
  if (transfer->state == HOOPAI_CLOSED) luaL_error(L, "attempt to use a closed transfer");
  if (transfer->state != HOOPAI_DONE) luaL_error(L, "the transfer is not done");
  return transfer;
}

/* state() -> "queued" | "running" | "done" | "closed" */
static int transfer_state(lua_State *L) {
  static const char *const names[] = {"queued", "running", "running", "done", "closed"};
  lua_pushstring(L, names[check_transfer(L)->state]);
  return 1;
}

/* result() -> status (0 = no answer), kind (nil = the answer was read whole), message, curl's code */
static int transfer_result(lua_State *L) {
  const struct hoopai_transfer *transfer = check_done(L);
  lua_pushinteger(L, transfer->status);
  if (!transfer->kind) return 1;
  const char *kind = transfer->kind;
  lua_Integer code = transfer->code;
  lua_pushstring(L, transfer->message); /* first: from here on a finaliser may have closed it */
  lua_pushstring(L, kind);
  lua_insert(L, -2);
  lua_pushinteger(L, code);
  return 4;
}

/* sent() -> how often the request began to leave; 0 proves that it never did */
static int transfer_sent(lua_State *L) {
  lua_pushinteger(L, check_transfer(L)->sent);
  return 1;
}

/* stage() -> "queue" | "connect" | "send" | "wait" | "receive": where it was when it ended */
static int transfer_stage(lua_State *L) {
  lua_pushstring(L, check_done(L)->stage);
  return 1;
}

/* started() -> the core.now() at which libcurl got it; nil while it is queued */
static int transfer_started(lua_State *L) {
  const struct hoopai_transfer *transfer = check_transfer(L);
  if (transfer->started > 0) lua_pushnumber(L, transfer->started);
  else lua_pushnil(L);
  return 1;
}

static int transfer_body(lua_State *L) {
  const struct hoopai_transfer *transfer = check_done(L);
  if (transfer->request->secret_answer) return luaL_error(L, "the answer holds secrets: read_grant reads it");
  const struct hoopai_slot *slot = transfer->slot;
  lua_pushlstring(L, slot && slot->body.length ? slot->body.data : "", slot ? slot->body.length : 0);
  return 1;
}

/* The first byte of the string at an index that is no white space, as a string; nil when there is none. */
static void push_first(lua_State *L, int index) {
  size_t length;
  const char *text = lua_tolstring(L, index, &length);
  size_t blank = strspn(text, " \t\r\n\v\f");
  if (blank < length) lua_pushlstring(L, text + blank, 1);
  else lua_pushnil(L);
}

/* answer(keep_null) -> status, started, ended (core.now() times), first, value, problem; nil when no whole answer came.
   first: what push_first says; value, problem: what core.decode (the upvalue) makes of the body */
static int transfer_answer(lua_State *L) {
  const struct hoopai_transfer *transfer = check_done(L);
  if (transfer->kind) {
    lua_pushnil(L);
    return 1;
  }
  lua_settop(L, 2);
  lua_pushinteger(L, transfer->status);
  lua_pushnumber(L, transfer->started);
  lua_pushnumber(L, transfer->ended);
  transfer_body(L); /* at index 6; from here on a finaliser may close the transfer */
  push_first(L, 6);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_rotate(L, 6, -1);
  lua_pushvalue(L, 2);
  lua_call(L, 2, 2);
  return 6;
}

/* await(waiter): peek() gives that back with the transfer, to wake it */
static int transfer_await(lua_State *L) {
  (void)check_transfer(L);
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, HOOPAI_TRANSFER_WAITER);
  return 0;
}

/* head() -> the lines of the headers, for core.headers to read later: few callers look at them */
static int transfer_head(lua_State *L) {
  const struct hoopai_slot *slot = check_done(L)->slot;
  const struct hoopai_buffer *lines = slot ? &slot->headers.text : NULL;
  lua_pushlstring(L, lines && lines->length > 0 ? lines->data : "", lines ? lines->length : 0);
  return 1;
}

/* headers() -> what core.headers makes of head(): of a copy, as a finaliser that runs meanwhile may close the transfer */
static int transfer_headers(lua_State *L) {
  transfer_head(L);
  lua_replace(L, 1);
  return hoopai_core_headers(L);
}

bool hoopai_budget_read(lua_State *L, int index, lua_Integer numbers[HOOPAI_BUDGET_SIZE]) {
  for (int i = 0; i < HOOPAI_BUDGET_SIZE; i++) numbers[i] = -1;
  if (lua_isnoneornil(L, index)) return false;
  if (lua_istable(L, index)) {
    hoopai_budget_read_table(L, index, numbers);
    return true;
  }
  const struct hoopai_transfer *transfer = luaL_testudata(L, index, HOOPAI_TRANSFER);
  if (!transfer) return luaL_typeerror(L, index, "table or " HOOPAI_TRANSFER) != 0;
  if (transfer->state != HOOPAI_DONE || !transfer->slot) return false;
  const struct hoopai_buffer *lines = &transfer->slot->headers.text;
  return lines->length > 0 && hoopai_budget_read_lines(lines->data, lines->length, numbers);
}

/* rate_limit() -> what core.rate_limit makes of head() */
static int transfer_rate_limit(lua_State *L) {
  lua_Integer numbers[HOOPAI_BUDGET_SIZE];
  (void)check_done(L);
  return hoopai_budget_push(L, hoopai_budget_read(L, 1, numbers), numbers);
}

/* header(name) -> the first value of that name | nil */
static int transfer_header(lua_State *L) {
  const struct hoopai_slot *slot = check_done(L)->slot;
  size_t length;
  const char *name = luaL_checklstring(L, 2, &length);
  if (slot && slot->headers.text.length > 0) {
    const char *at = slot->headers.text.data, *end = at + slot->headers.text.length;
    struct hoopai_header header;
    while (hoopai_header_next(&at, end, name, &header)) {
      if (header.name_length == length) {
        lua_pushlstring(L, header.value, header.value_length);
        return 1;
      }
    }
  }
  lua_pushnil(L);
  return 1;
}

static void push_seconds(lua_State *L, CURL *easy, CURLINFO info, const char *name) {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy, info, &microseconds);
  lua_pushnumber(L, (lua_Number)microseconds / 1e6);
  lua_setfield(L, -2, name);
}

/* info() -> { dns, connect, tls, first_byte, total (seconds), reused, http_version, bytes_received, ip,
   proxy_status (of the last answer to CONNECT, 0 = none) } */
static int transfer_info(lua_State *L) {
  lua_newtable(L);
  const struct hoopai_transfer *transfer = check_done(L); /* after what may run a finaliser, which may close it */
  const struct hoopai_slot *slot = transfer->slot;
  if (!slot || !slot->easy) return 1;
  CURL *easy = slot->easy;
  long connects = 0, version = 0, proxy_status = 0;
  char *ip = NULL;
  push_seconds(L, easy, CURLINFO_NAMELOOKUP_TIME_T, "dns");
  push_seconds(L, easy, CURLINFO_CONNECT_TIME_T, "connect");
  push_seconds(L, easy, CURLINFO_APPCONNECT_TIME_T, "tls");
  push_seconds(L, easy, CURLINFO_STARTTRANSFER_TIME_T, "first_byte");
  push_seconds(L, easy, CURLINFO_TOTAL_TIME_T, "total");
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
  lua_pushboolean(L, connects == 0 && transfer->sent > 0);
  lua_setfield(L, -2, "reused");
  lua_pushinteger(L, (lua_Integer)slot->body.length);
  lua_setfield(L, -2, "bytes_received");
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
  lua_pushinteger(L, proxy_status);
  lua_setfield(L, -2, "proxy_status");
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip);
  lua_pushstring(L, ip ? ip : ""); /* from here on it may be closed */
  lua_setfield(L, -2, "ip");
  if (version != 0) {
    lua_pushstring(L, version == CURL_HTTP_VERSION_2_0 ? "2" : version == CURL_HTTP_VERSION_1_0 ? "1.0" : "1.1");
    lua_setfield(L, -2, "http_version");
  }
  return 1;
}

/* close(): aborts it when it is not done, frees what it holds. Idempotent; __gc and __close too. */
static int transfer_close(lua_State *L) {
  struct hoopai_transfer *transfer = check_transfer(L);
  struct hoopai_multi *multi = transfer->multi;
  if (multi) {
    hoopai_multi_release(multi, transfer);
    if (transfer->pin != LUA_NOREF && lua_getiuservalue(L, 1, HOOPAI_TRANSFER_MULTI) == LUA_TUSERDATA &&
        lua_getiuservalue(L, -1, 1) == LUA_TTABLE) {
      luaL_unref(L, -1, transfer->pin);
    }
    transfer->pin = LUA_NOREF;
  }
  transfer->state = HOOPAI_CLOSED;
  hoopai_transfer_forget(transfer);
  return 0;
}

void hoopai_open_transfer(lua_State *L) {
  static const luaL_Reg methods[] = {
    {"state", transfer_state},     {"result", transfer_result},
    {"sent", transfer_sent},       {"stage", transfer_stage},
    {"started", transfer_started}, {"body", transfer_body},
    {"headers", transfer_headers}, {"head", transfer_head},
    {"header", transfer_header},   {"rate_limit", transfer_rate_limit},
    {"info", transfer_info},       {"close", transfer_close},
    {"await", transfer_await},     {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {{"__gc", transfer_close}, {"__close", transfer_close}, {NULL, NULL}};
  hoopai_new_type(L, HOOPAI_TRANSFER, methods, metamethods);
  luaL_getmetatable(L, HOOPAI_TRANSFER);
  lua_getfield(L, -1, "__index");
  lua_getfield(L, -3, "decode");
  lua_pushcclosure(L, transfer_answer, 1);
  lua_setfield(L, -2, "answer");
  lua_pop(L, 2);
}
