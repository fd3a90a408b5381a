/* One HTTP exchange: what it sends, how it ended, and what Lua sees of it. */
#define _GNU_SOURCE
#include "multi.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

double hoopai_transfer_end(const struct hoopai_transfer *transfer) {
  double end = transfer->timeout > 0 ? transfer->started + transfer->timeout : 0;
  return transfer->deadline > 0 && (end == 0 || transfer->deadline < end) ? transfer->deadline : end;
}

size_t hoopai_transfer_origin_length(const struct hoopai_transfer *transfer) {
  return transfer->target ? (size_t)(transfer->target - transfer->url) : strlen(transfer->url);
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
  const struct hoopai_handle *handle = transfer->handle;
  if (!handle) return "queue";
  if (transfer->sent == 0) return "connect";
  if (handle->headers.lines > 0) return "receive";
  curl_off_t uploaded = 0;
  curl_easy_getinfo(handle->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
  return uploaded < (curl_off_t)transfer->body_length ? "send" : "wait";
}

/* libcurl's own text: host names, addresses, errors of OpenSSL; never the URL's query, headers or bodies. */
static void set_message(struct hoopai_transfer *transfer, CURLcode code) {
  struct hoopai_handle *handle = transfer->handle;
  for (char *at = handle->error; *at; at++) {
    if ((unsigned char)*at < 0x20) *at = ' ';
  }
  transfer->message = handle->refusal ? handle->refusal : handle->error[0] ? handle->error : curl_easy_strerror(code);
}

/* Did a read fail although the system had no error to report? Then libcurl gave up on what it read. Not so with TLS, where
   an end without close_notify looks the same. */
static bool gave_up(const struct hoopai_transfer *transfer) {
  long error = 0;
  curl_easy_getinfo(transfer->handle->easy, CURLINFO_OS_ERRNO, &error);
  return error == transfer->os_errno && !transfer->request->https; /* an attempt to connect may have left one */
}

#define TOO_LARGE ((CURLcode)100) /* CURLE_TOO_LARGE, from 8.6.0 on */

/* Answers that are none. libcurl's codes for them differ by version: they are read together with what the callbacks saw. */
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
  } else if (code == CURLE_RECV_ERROR && headers->done && headers->chunked && gave_up(transfer)) {
    hoopai_handle_refuse(handle, "protocol", "the chunks of the answer are malformed");
  } else if (code == CURLE_BAD_FUNCTION_ARGUMENT && !headers->done) {
    hoopai_handle_refuse(handle, "protocol", "a header line of the answer is malformed");
  } else if (code == CURLE_WRITE_ERROR && headers->coded) { /* of our own on_body there is a refusal already */
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
  const struct hoopai_handle *handle = transfer->handle;
  lua_pushlstring(L, handle && handle->body.length ? handle->body.data : "", handle ? handle->body.length : 0);
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
  const struct hoopai_handle *handle = check_done(L)->handle;
  const struct hoopai_buffer *lines = handle ? &handle->headers.text : NULL;
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
  if (transfer->state != HOOPAI_DONE || !transfer->handle) return false;
  const struct hoopai_buffer *lines = &transfer->handle->headers.text;
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
  const struct hoopai_handle *handle = check_done(L)->handle;
  size_t length;
  const char *name = luaL_checklstring(L, 2, &length);
  if (handle && handle->headers.text.length > 0) {
    const char *at = handle->headers.text.data, *end = at + handle->headers.text.length;
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
  lua_pushinteger(L, (lua_Integer)handle->body.length);
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
