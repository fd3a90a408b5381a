/* hoopai.Transfer: what one request sends, how it ends, and its response for Lua. */
#define _GNU_SOURCE
#include "transfer.h"
#include "curl_handle.h"
#include "form.h"
#include "multi.h"
#include "secret.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char hoopai_transfer_type[16] = "hoopai.Transfer";

/* -- The request ----------------------------------------------------------------------------- */

static const char authorization[] = "Authorization: Bearer ";
static const char no_expect[] = "Expect:";     /* libcurl would wait for "100 Continue" before a large body */
static const char no_type[] = "Content-Type:"; /* libcurl would declare a form for a POST without a body */

/* The path in a URL; NULL when it is empty, or when libcurl would not send all of the rest. */
static const char *target_of(const char *url) {
  const char *target = strpbrk(strstr(url, "://") + 3, "/?#");
  return target && *target == '/' && !strchr(target, '#') ? target : NULL;
}

static void write_token(struct hoopai_writer *writer, const char *token, size_t length) {
  char *line = writer->at;
  memcpy(line, authorization, sizeof authorization - 1);
  writer->at += sizeof authorization - 1;
  (void)hoopai_write_text(writer, token, length);
  hoopai_write_node(writer, line);
}

/* Copies the URL, which ends with `target`, and the header lines of this transfer into one block. The lines of the
   Request follow them in the list. The token, if any, is at an index. */
static void build_block(lua_State *L, struct hoopai_transfer *transfer, const char *target, size_t length,
                        int token_index) {
  const struct hoopai_request *request = transfer->request;
  size_t token_length = 0;
  const char *token = lua_isnoneornil(L, token_index) ? NULL : hoopai_secret_bytes(L, token_index, &token_length);
  const char *extra = transfer->has_body ? no_expect : request->posts ? no_type : NULL;
  size_t nodes = (size_t)((token ? 1 : 0) + (extra ? 1 : 0)) * sizeof(struct curl_slist);
  size_t bytes = request->url_length + length + 1;
  if (token) bytes += sizeof authorization + token_length;
  if (extra) bytes += strlen(extra) + 1;
  transfer->block = malloc(nodes + bytes);
  if (!transfer->block) {
    luaL_error(L, "not enough memory");
    return;
  }
  transfer->block_size = nodes + bytes;
  struct curl_slist *first = (struct curl_slist *)(void *)transfer->block;
  struct hoopai_writer writer = {transfer->block + nodes, first};
  transfer->url = writer.at;
  memcpy(writer.at, request->url, request->url_length);
  writer.at += request->url_length;
  (void)hoopai_write_text(&writer, target, length);
  transfer->target = target_of(transfer->url);
  transfer->origin_length =
    transfer->target ? (size_t)(transfer->target - transfer->url) : request->url_length + length;
  if (token) write_token(&writer, token, token_length);
  if (extra) hoopai_write_node(&writer, hoopai_write_text(&writer, extra, strlen(extra)));
  transfer->headers = request->headers;
  if (writer.node > first) {
    writer.node[-1].next = request->headers;
    transfer->headers = first;
  }
}

/* Sets the string, or for a Request with `form` the list, at an index as the body. The userdata of the transfer, on top
   of the stack, references the string. */
static void set_body(lua_State *L, int index, struct hoopai_transfer *transfer) {
  if (transfer->request->form) {
    hoopai_form_encode(L, index, &transfer->form, &transfer->body_length);
    transfer->body = transfer->form;
  } else {
    if (lua_isnoneornil(L, index)) return;
    if (lua_type(L, index) != LUA_TSTRING) luaL_error(L, "field 'body' of a request must be a string");
    transfer->body = lua_tolstring(L, index, &transfer->body_length);
    lua_pushvalue(L, index);
    lua_setiuservalue(L, -2, HOOPAI_TRANSFER_BODY);
  }
  transfer->has_body = true;
}

/* A positive number; 0 for nil. */
static double seconds_at(lua_State *L, int index, const char *name) {
  if (lua_isnoneornil(L, index)) return 0;
  int number;
  double seconds = lua_tonumberx(L, index, &number);
  if (!number || isnan(seconds)) luaL_error(L, "field '%s' of a request must be a number", name);
  return seconds > 0.001 ? seconds : 0.001;
}

struct hoopai_transfer *hoopai_transfer_new(lua_State *L) {
  size_t length;
  struct hoopai_request *request = hoopai_request_check(L, 2);
  const char *target = luaL_checklstring(L, 3, &length);
  if (!hoopai_is_url(target, length)) luaL_error(L, "the URL of a request is malformed");
  /* Any other first character would continue the host or the port. */
  if (length > 0 && !strchr("/?#", target[0])) luaL_error(L, "the target of a request must begin with /");
  lua_settop(L, 7);
  struct hoopai_transfer *transfer = lua_newuserdatauv(L, sizeof *transfer, HOOPAI_TRANSFER_VALUES);
  memset(transfer, 0, sizeof *transfer);
  transfer->type = hoopai_transfer_type;
  transfer->state = HOOPAI_CLOSED;
  transfer->pin = LUA_NOREF;
  luaL_setmetatable(L, hoopai_transfer_type);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, HOOPAI_TRANSFER_MULTI);
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, -2, HOOPAI_TRANSFER_REQUEST);
  transfer->request = request;
  request->holders++;
  set_body(L, 5, transfer);
  transfer->timeout = seconds_at(L, 6, "timeout");
  transfer->deadline = seconds_at(L, 7, "deadline");
  build_block(L, transfer, target, length, 4);
  return transfer;
}

void hoopai_transfer_free_request(struct hoopai_transfer *transfer) {
  if (transfer->form) hoopai_wipe(transfer->form, transfer->body_length);
  free(transfer->form);
  transfer->form = NULL;
  if (transfer->block) hoopai_wipe(transfer->block, transfer->block_size);
  free(transfer->block);
  transfer->block = NULL;
  if (transfer->request) hoopai_request_release(transfer->request);
  transfer->request = NULL;
}

/* -- The outcome ----------------------------------------------------------------------------- */

void hoopai_transfer_begin(struct hoopai_transfer *transfer) {
  transfer->started = hoopai_now();
  double end = transfer->timeout > 0 ? transfer->started + transfer->timeout : 0;
  transfer->end = transfer->deadline > 0 && (end == 0 || transfer->deadline < end) ? transfer->deadline : end;
}

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
  const struct hoopai_handle *handle = transfer->handle;
  if (!handle) return "queue";
  if (transfer->sent == 0) return "connect";
  if (handle->headers.lines > 0) return "receive";
  curl_off_t uploaded = 0;
  curl_easy_getinfo(handle->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
  return uploaded < (curl_off_t)transfer->body_length ? "send" : "wait";
}

/* A text of libcurl holds host names, addresses and errors of OpenSSL, but no query, header or body. */
static void set_message(struct hoopai_transfer *transfer, CURLcode code) {
  struct hoopai_handle *handle = transfer->handle;
  for (char *at = handle->error; *at; at++) {
    if ((unsigned char)*at < 0x20) *at = ' ';
  }
  transfer->message = handle->refusal ? handle->refusal : handle->error[0] ? handle->error : curl_easy_strerror(code);
}

/* Did libcurl refuse bytes that it has read? Then the read failed without a new error of the system. With TLS an end
   without close_notify looks the same. */
static bool refused_bytes(const struct hoopai_transfer *transfer) {
  long error = 0;
  curl_easy_getinfo(transfer->handle->easy, CURLINFO_OS_ERRNO, &error);
  return error == transfer->os_errno && !transfer->request->https; /* a failed connection attempt may have left one */
}

#define TOO_LARGE ((CURLcode)100) /* CURLE_TOO_LARGE, since 8.6.0 */

/* Maps the codes of libcurl that mean a malformed response. The code for one malformation differs between versions, so
   the state of the headers decides as well. */
static void refuse_malformed(struct hoopai_transfer *transfer, CURLcode code) {
  struct hoopai_handle *handle = transfer->handle;
  const struct hoopai_headers *headers = &handle->headers;
  bool ends = code == CURLE_OK || code == CURLE_GOT_NOTHING || code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR;
  if (code == TOO_LARGE || (code == CURLE_OUT_OF_MEMORY && !headers->done)) {
    hoopai_handle_refuse(handle, "too_large", "the answer has longer headers than libcurl accepts");
  } else if (ends && headers->open) {
    bool interim = hoopai_headers_status(headers) == 0;
    hoopai_handle_refuse(handle, interim ? "protocol" : "network", "the answer ends before its headers do");
  } else if (code == CURLE_OK && !headers->done) {
    hoopai_handle_refuse(handle, "network", "the answer ends before its headers do");
  } else if (code == CURLE_RECV_ERROR && headers->done && headers->chunked && refused_bytes(transfer)) {
    hoopai_handle_refuse(handle, "protocol", "the chunks of the answer are malformed");
  } else if (code == CURLE_BAD_FUNCTION_ARGUMENT && !headers->done) {
    hoopai_handle_refuse(handle, "protocol", "a header line of the answer is malformed");
  } else if (code == CURLE_WRITE_ERROR && headers->coded) { /* an error of on_body has its own refusal */
    hoopai_handle_refuse(handle, "protocol", "the compressed answer goes on behind its end");
  }
}

void hoopai_transfer_finish(struct hoopai_transfer *transfer, CURLcode code) {
  struct hoopai_handle *handle = transfer->handle;
  transfer->status = hoopai_headers_status(&handle->headers);
  transfer->code = code;
  transfer->stage = stage_of(transfer);
  transfer->state = HOOPAI_DONE;
  if (code == CURLE_OK && handle->headers.done && !handle->refusal) return;
  if (transfer->sent > 0) refuse_malformed(transfer, code);
  else if (code == CURLE_OK) hoopai_handle_refuse(handle, "protocol", "the answer ends before its headers do");
  transfer->kind = handle->refusal ? handle->refusal_kind : kind_of(code);
  set_message(transfer, code);
}

void hoopai_transfer_fail(struct hoopai_transfer *transfer, const char *kind, const char *message) {
  transfer->stage = stage_of(transfer);
  transfer->kind = kind;
  transfer->message = message;
  transfer->state = HOOPAI_DONE;
}

/* -- hoopai.Transfer ------------------------------------------------------------------------- */

static struct hoopai_transfer *check_transfer(lua_State *L) {
  return hoopai_check(L, 1, hoopai_transfer_type);
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

/* result() -> status (0 = no response), kind (nil = the response is complete), message, libcurl's code */
static int transfer_result(lua_State *L) {
  const struct hoopai_transfer *transfer = check_done(L);
  lua_pushinteger(L, transfer->status);
  if (!transfer->kind) return 1;
  const char *kind = transfer->kind;
  lua_Integer code = transfer->code;
  lua_pushstring(L, transfer->message); /* first: rule Finalisers */
  lua_pushstring(L, kind);
  lua_insert(L, -2);
  lua_pushinteger(L, code);
  return 4;
}

/* sent() -> how often libcurl began to send the request; 0 proves that the server cannot have received it */
static int transfer_sent(lua_State *L) {
  lua_pushinteger(L, check_transfer(L)->sent);
  return 1;
}

/* stage() -> "queue" | "connect" | "send" | "wait" | "receive": the last stage */
static int transfer_stage(lua_State *L) {
  lua_pushstring(L, check_done(L)->stage);
  return 1;
}

/* started() -> the core.now() at which libcurl received it; nil while it is queued */
static int transfer_started(lua_State *L) {
  const struct hoopai_transfer *transfer = check_transfer(L);
  if (transfer->started > 0) lua_pushnumber(L, transfer->started);
  else lua_pushnil(L);
  return 1;
}

static int transfer_body(lua_State *L) {
  const struct hoopai_transfer *transfer = check_done(L);
  if (transfer->request->secret_response) {
    return luaL_error(L, "the response holds secrets: read_token_response reads it");
  }
  const struct hoopai_buffer *bytes = transfer->handle ? &transfer->handle->body.bytes : NULL;
  lua_pushlstring(L, bytes && bytes->length ? bytes->data : "", bytes ? bytes->length : 0);
  return 1;
}

/* Pushes the first byte that is not white space of the string at an index; nil when there is none. */
static void push_first(lua_State *L, int index) {
  size_t length;
  const char *text = lua_tolstring(L, index, &length);
  size_t blank = strspn(text, " \t\r\n\v\f");
  if (blank < length) lua_pushlstring(L, text + blank, 1);
  else lua_pushnil(L);
}

/* head() -> the header lines, which core.headers parses: most callers never read them */
static int transfer_head(lua_State *L) {
  const struct hoopai_handle *handle = check_done(L)->handle;
  const struct hoopai_buffer *lines = handle ? &handle->headers.text : NULL;
  lua_pushlstring(L, lines && lines->length > 0 ? lines->data : "", lines ? lines->length : 0);
  return 1;
}

static bool is_json_space(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* May the JSON at an index hold an empty list? (A string of it may look like one.) */
static bool may_hold_empty_list(lua_State *L, int index) {
  size_t length;
  const char *at = lua_tolstring(L, index, &length), *end = at + length;
  while ((at = memchr(at, '[', (size_t)(end - at)))) {
    do at++;
    while (is_json_space(*at)); /* by hand: AddressSanitizer's strspn reads the rest of the body each time */
    if (*at == ']') return true;
  }
  return false;
}

/* response(keep_null) -> status, started, ended (core.now() times), head, first, value, problem, lists; nil: it is not
   complete
   head: as head() returns it; first: the first byte of the body that is not white space; value, problem: core.decode
   (the upvalue) of the body; lists: false if the body holds no empty list */
static int transfer_response(lua_State *L) {
  const struct hoopai_transfer *transfer = check_done(L);
  if (transfer->kind) {
    lua_pushnil(L);
    return 1;
  }
  lua_settop(L, 2);
  lua_pushinteger(L, transfer->status);
  lua_pushnumber(L, transfer->started);
  lua_pushnumber(L, transfer->ended);
  transfer_head(L);
  transfer_body(L); /* at index 7 */
  bool lists = may_hold_empty_list(L, 7);
  push_first(L, 7);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_rotate(L, 7, -1);
  lua_pushvalue(L, 2);
  lua_call(L, 2, 2);
  lua_pushboolean(L, lists);
  return 8;
}

/* await(waiter): peek() returns the waiter with the transfer */
static int transfer_await(lua_State *L) {
  (void)check_transfer(L);
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, HOOPAI_TRANSFER_WAITER);
  return 0;
}

/* headers() -> core.headers(head()); on a copy of the lines (rule Finalisers) */
static int transfer_headers(lua_State *L) {
  transfer_head(L);
  lua_replace(L, 1);
  return hoopai_core_headers(L);
}

bool hoopai_rate_limit_read(lua_State *L, int index, lua_Integer numbers[HOOPAI_RATE_LIMIT_SIZE]) {
  for (int i = 0; i < HOOPAI_RATE_LIMIT_SIZE; i++) numbers[i] = -1;
  if (lua_isnoneornil(L, index)) return false;
  if (lua_istable(L, index)) {
    hoopai_rate_limit_read_table(L, index, numbers);
    return true;
  }
  const struct hoopai_transfer *transfer = hoopai_test(L, index, hoopai_transfer_type);
  if (!transfer) return luaL_typeerror(L, index, "table or hoopai.Transfer") != 0;
  if (transfer->state != HOOPAI_DONE || !transfer->handle) return false;
  const struct hoopai_buffer *lines = &transfer->handle->headers.text;
  return lines->length > 0 && hoopai_rate_limit_read_lines(lines->data, lines->length, numbers);
}

/* rate_limit() -> core.rate_limit(head()) */
static int transfer_rate_limit(lua_State *L) {
  lua_Integer numbers[HOOPAI_RATE_LIMIT_SIZE];
  (void)check_done(L);
  return hoopai_rate_limit_push(L, hoopai_rate_limit_read(L, 1, numbers), numbers);
}

static void push_seconds(lua_State *L, CURL *easy, CURLINFO info, const char *name) {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy, info, &microseconds);
  lua_pushnumber(L, (lua_Number)microseconds / 1e6);
  lua_setfield(L, -2, name);
}

/* info() -> { dns, connect, tls, first_byte, total (seconds), reused, http_version, bytes_received, ip,
   proxy_status (of the last response to CONNECT, 0 = none) } */
static int transfer_info(lua_State *L) {
  lua_newtable(L);
  const struct hoopai_transfer *transfer = check_done(L); /* after lua_newtable: rule Finalisers */
  const struct hoopai_handle *handle = transfer->handle;
  if (!handle || !handle->easy) return 1;
  CURL *easy = handle->easy;
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
  lua_pushinteger(L, (lua_Integer)handle->body.bytes.length);
  lua_setfield(L, -2, "bytes_received");
  curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &proxy_status);
  lua_pushinteger(L, proxy_status);
  lua_setfield(L, -2, "proxy_status");
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip);
  lua_pushstring(L, ip ? ip : ""); /* after the last use of the handle: rule Finalisers */
  lua_setfield(L, -2, "ip");
  if (version != 0) {
    lua_pushstring(L, version == CURL_HTTP_VERSION_2_0 ? "2" : version == CURL_HTTP_VERSION_1_0 ? "1.0" : "1.1");
    lua_setfield(L, -2, "http_version");
  }
  return 1;
}

/* close(): aborts the transfer if it is not done, and frees its memory. Idempotent; __gc and __close too. */
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
  hoopai_transfer_free_request(transfer);
  return 0;
}

void hoopai_open_transfer(lua_State *L) {
  static const luaL_Reg methods[] = {
    {"state", transfer_state},
    {"result", transfer_result},
    {"sent", transfer_sent},
    {"stage", transfer_stage},
    {"started", transfer_started},
    {"body", transfer_body},
    {"headers", transfer_headers},
    {"head", transfer_head},
    {"info", transfer_info},
    {"rate_limit", transfer_rate_limit},
    {"await", transfer_await},
    {"close", transfer_close},
    {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {{"__gc", transfer_close}, {"__close", transfer_close}, {NULL, NULL}};
  hoopai_new_type(L, hoopai_transfer_type, methods, metamethods);
  luaL_getmetatable(L, hoopai_transfer_type);
  lua_getfield(L, -1, "__index");
  lua_getfield(L, -3, "decode");
  lua_pushcclosure(L, transfer_response, 1);
  lua_setfield(L, -2, "response");
  lua_pop(L, 2);
}
