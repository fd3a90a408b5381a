/* What a transfer sends: the request, which may serve many of them, and the copy of what is its own. */
#include "multi.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADERS 64

/* ------------------------------------------------------------------------------------------------------------- checks */

/* A line "Name: value" without anything that could begin another header (RFC 9110 5.1, 5.5). */
static bool is_header(const char *line, size_t length) {
  size_t name = 0;
  while (name < length && line[name] != ':') {
    unsigned char byte = (unsigned char)line[name];
    bool token = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                 (byte && strchr("!#$%&'*+-.^_`|~", byte));
    if (!token) return false;
    name++;
  }
  if (name == 0 || name == length) return false;
  for (size_t i = name; i < length; i++) {
    unsigned char byte = (unsigned char)line[i];
    if (byte < 0x20 || byte == 0x7f) return false;
  }
  return true;
}

static bool is_url(const char *url, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if ((unsigned char)url[i] <= 0x20 || (unsigned char)url[i] >= 0x7f) return false;
  }
  return true;
}

/* Where the path begins; NULL where it does not, or where libcurl would not send all that follows. */
static const char *target_of(const char *url) {
  const char *target = strpbrk(strstr(url, "://") + 3, "/?#");
  return target && *target == '/' && !strchr(target, '#') ? target : NULL;
}

/* HEAD is none of ours: libcurl would wait for a body. */
static bool is_method(const char *method, size_t length) {
  return length > 0 && strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == length && strcmp(method, "HEAD") != 0;
}

/* Of these methods a request without a body says that its body is empty. */
static bool posts(const char *method) {
  return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

/* Pushes field `name` of the table at an index and returns its type. */
static int field(lua_State *L, int index, const char *name) {
  lua_pushstring(L, name);
  return lua_rawget(L, index);
}

static const char *string_field(lua_State *L, int index, const char *name, size_t *length) {
  if (field(L, index, name) != LUA_TSTRING) luaL_error(L, "field '%s' of a request must be a string", name);
  return lua_tolstring(L, -1, length);
}

static bool true_field(lua_State *L, int index, const char *name) {
  field(L, index, name);
  bool is_true = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return is_true;
}

/* A number above 0; 0 where there is none. */
static double seconds_at(lua_State *L, int index, const char *name) {
  if (lua_isnoneornil(L, index)) return 0;
  int number;
  double seconds = lua_tonumberx(L, index, &number);
  if (!number || isnan(seconds)) luaL_error(L, "field '%s' of a request must be a number", name);
  return seconds > 0.001 ? seconds : 0.001;
}

/* ------------------------------------------------------------------------------------------------------------ writing */

static const char authorization[] = "Authorization: Bearer ";
static const char no_expect[] = "Expect:";     /* libcurl would wait for permission to send a large body */
static const char no_type[] = "Content-Type:"; /* and claim a form where a POST has no body */

/* Writes into a block of memory, front to back; the list nodes stand before the texts. */
struct writer {
  char *at;
  struct curl_slist *node;
};

static char *write_text(struct writer *writer, const char *text, size_t length) {
  char *start = writer->at;
  memcpy(start, text, length);
  start[length] = 0;
  writer->at += length + 1;
  return start;
}

static void link_line(struct writer *writer, char *line) {
  writer->node->data = line;
  writer->node->next = writer->node + 1;
  writer->node++;
}

/* An empty header is "Name;" to libcurl: "Name:" would take a header of that name out. */
static void write_header(struct writer *writer, const char *line, size_t length) {
  const char *value = (const char *)memchr(line, ':', length) + 1;
  if (strspn(value, " \t") < (size_t)(line + length - value)) {
    link_line(writer, write_text(writer, line, length));
  } else {
    char *name = write_text(writer, line, (size_t)(value - line));
    name[value - line - 1] = ';';
    link_line(writer, name);
  }
}

static void write_token(struct writer *writer, const char *token, size_t length) {
  char *line = writer->at;
  memcpy(line, authorization, sizeof authorization - 1);
  writer->at += sizeof authorization - 1;
  (void)write_text(writer, token, length);
  link_line(writer, line);
}

/* ------------------------------------------------------------------------------------------------------ hoopai.Request */

static void drop(struct hoopai_request *request) {
  if (--request->holders > 0) return;
  hoopai_wipe(request, request->size); /* headers may be secrets of the user's */
  free(request);
}

/* What one header line after the other takes; their number is left in `count`. Leaves the list, or nil, on the stack. */
static size_t measure_headers(lua_State *L, int index, lua_Integer *count) {
  size_t bytes = 0;
  *count = 0;
  if (field(L, index, "headers") == LUA_TNIL) return 0;
  luaL_checktype(L, -1, LUA_TTABLE);
  *count = (lua_Integer)lua_rawlen(L, -1);
  luaL_argcheck(L, *count <= MAX_HEADERS, index, "more than 64 headers");
  for (lua_Integer i = 1; i <= *count; i++) {
    size_t length;
    if (lua_rawgeti(L, -1, i) != LUA_TSTRING) luaL_error(L, "header %d of a request must be a string", (int)i);
    const char *line = lua_tolstring(L, -1, &length);
    if (!is_header(line, length)) luaL_error(L, "header %d of a request is malformed", (int)i);
    bytes += length + 1;
    lua_pop(L, 1);
  }
  return bytes;
}

/* Of the list on top of the stack, if it is one. */
static void write_headers(lua_State *L, struct writer *writer, lua_Integer count) {
  for (lua_Integer i = 1; i <= count; i++) {
    size_t length;
    lua_rawgeti(L, -1, i);
    const char *line = lua_tolstring(L, -1, &length);
    write_header(writer, line, length);
    lua_pop(L, 1);
  }
}

/* Reads url, method, headers, once and secret_answer of the table at an index. The caller is its first holder. */
static struct hoopai_request *read_request(lua_State *L, int index) {
  size_t url_length, method_length;
  lua_Integer count;
  const char *url = string_field(L, index, "url", &url_length);
  const char *method = string_field(L, index, "method", &method_length);
  bool https = strncmp(url, "https://", 8) == 0;
  if (!https && strncmp(url, "http://", 7) != 0) {
    luaL_error(L, "the URL of a request must begin with https:// or http://");
  }
  if (!is_url(url, url_length)) luaL_error(L, "the URL of a request is malformed");
  if (!is_method(method, method_length)) luaL_error(L, "the method of a request is malformed");
  bool leaves_once = true_field(L, index, "once"), secret_answer = true_field(L, index, "secret_answer");
  /* Last: from here on nothing runs a finaliser, which might change what was counted. */
  size_t bytes = measure_headers(L, index, &count) + url_length + method_length + 2;
  size_t nodes = (size_t)count * sizeof(struct curl_slist);
  struct hoopai_request *request = malloc(sizeof *request + nodes + bytes);
  if (!request) {
    luaL_error(L, "not enough memory");
    return NULL;
  }
  memset(request, 0, sizeof *request);
  request->holders = 1;
  request->size = sizeof *request + nodes + bytes;
  request->url_length = url_length;
  request->https = https;
  request->once = leaves_once;
  request->secret_answer = secret_answer;
  struct curl_slist *first = (struct curl_slist *)(void *)(request + 1);
  struct writer writer = {(char *)first + nodes, first};
  request->url = write_text(&writer, url, url_length);
  request->method = write_text(&writer, method, method_length);
  request->posts = posts(request->method);
  write_headers(L, &writer, count);
  if (count > 0) {
    request->headers = first;
    writer.node[-1].next = NULL;
  }
  lua_pop(L, 3);
  return request;
}

static struct hoopai_request **check_request(lua_State *L, int index) {
  return luaL_checkudata(L, index, HOOPAI_REQUEST);
}

/* request { url, method, headers, once, secret_answer } -> Request: what is the same for many requests.
   url: what theirs begin with; headers: a list of lines; once: it must not leave twice; secret_answer: the answer is
   for read_grant alone. */
static int request_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  struct hoopai_request **box = lua_newuserdatauv(L, sizeof(struct hoopai_request *), 0);
  *box = NULL;
  luaL_setmetatable(L, HOOPAI_REQUEST);
  *box = read_request(L, 1);
  return 1;
}

static int request_gc(lua_State *L) {
  struct hoopai_request **box = check_request(L, 1);
  if (*box) drop(*box);
  *box = NULL;
  return 0;
}

/* --------------------------------------------------------------------------------------------------------------- forms */

static size_t escaped_size(const char *bytes, size_t length) {
  size_t size = 0;
  for (size_t i = 0; i < length; i++) size += hoopai_is_unreserved((unsigned char)bytes[i]) ? 1 : 3;
  return size;
}

static char *write_escaped(char *at, const char *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    unsigned char byte = (unsigned char)bytes[i];
    if (hoopai_is_unreserved(byte)) *at++ = (char)byte;
    else at = hoopai_write_escape(at, byte, true);
  }
  return at;
}

/* Name (odd) or value (even) number `i` of the form at an index. The bytes live as long as the form. */
static const char *form_part(lua_State *L, int form, lua_Integer i, size_t *length) {
  int type = lua_rawgeti(L, form, i);
  const char *bytes = NULL;
  if (type == LUA_TSTRING) bytes = lua_tolstring(L, -1, length);
  else if (i % 2 == 0 && luaL_testudata(L, -1, HOOPAI_SECRET)) bytes = hoopai_secret_bytes(L, lua_gettop(L), length);
  else luaL_error(L, i % 2 ? "a name of a form must be a string" : "a value of a form must be a string or a secret");
  lua_pop(L, 1);
  return bytes;
}

/* The body application/x-www-form-urlencoded, which is what libcurl says of a POST whose headers do not. A space is
   %20: what reads "+" as a space reads that too. */
static void build_form(lua_State *L, int form, struct hoopai_transfer *transfer) {
  luaL_checktype(L, form, LUA_TTABLE);
  if (transfer->has_body) luaL_error(L, "a request has a body or a form, not both");
  lua_Integer count = (lua_Integer)lua_rawlen(L, form);
  if (count % 2 != 0) luaL_error(L, "a form is a list of names and values");
  size_t size = 0, length = 0;
  for (lua_Integer i = 1; i <= count; i++) {
    const char *bytes = form_part(L, form, i, &length);
    size += escaped_size(bytes, length) + 1;
  }
  transfer->form = malloc(size + 1);
  if (!transfer->form) luaL_error(L, "not enough memory");
  char *at = transfer->form;
  for (lua_Integer i = 1; i <= count; i++) {
    const char *bytes = form_part(L, form, i, &length);
    if (i > 1) *at++ = i % 2 ? '&' : '=';
    at = write_escaped(at, bytes, length);
  }
  *at = 0;
  transfer->body = transfer->form;
  transfer->body_length = (size_t)(at - transfer->form);
  transfer->has_body = true;
}

/* ----------------------------------------------------------------------------------------------------------- transfers */

/* Pushes a transfer of the multi at index 1 that has nothing to send yet. */
static struct hoopai_transfer *push_transfer(lua_State *L) {
  struct hoopai_transfer *transfer = lua_newuserdatauv(L, sizeof *transfer, HOOPAI_TRANSFER_VALUES);
  memset(transfer, 0, sizeof *transfer);
  transfer->state = HOOPAI_CLOSED;
  transfer->pin = LUA_NOREF;
  luaL_setmetatable(L, HOOPAI_TRANSFER);
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, HOOPAI_TRANSFER_MULTI);
  return transfer;
}

/* Sends the string at an index, which the transfer on top of the stack keeps. */
static void set_body(lua_State *L, int index, struct hoopai_transfer *transfer) {
  if (lua_isnoneornil(L, index)) return;
  if (lua_type(L, index) != LUA_TSTRING) luaL_error(L, "field 'body' of a request must be a string");
  transfer->body = lua_tolstring(L, index, &transfer->body_length);
  transfer->has_body = true;
  lua_pushvalue(L, index);
  lua_setiuservalue(L, -2, HOOPAI_TRANSFER_BODY);
}

/* Copies the URL, whose end is `target`, and the headers that are its own into one block; the others follow them. The
   token, if any, is at an index. */
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
  struct writer writer = {transfer->block + nodes, first};
  transfer->url = writer.at;
  memcpy(writer.at, request->url, request->url_length);
  writer.at += request->url_length;
  (void)write_text(&writer, target, length);
  transfer->target = target_of(transfer->url);
  if (token) write_token(&writer, token, token_length);
  if (extra) link_line(&writer, write_text(&writer, extra, strlen(extra)));
  transfer->headers = request->headers;
  if (writer.node > first) {
    writer.node[-1].next = request->headers;
    transfer->headers = first;
  }
}

/* Gives the transfer on top of the stack, which has its request, the rest: target, token, body, timeout, deadline and
   form at index 3 and those behind it. */
static void complete(lua_State *L, struct hoopai_transfer *transfer) {
  size_t length;
  const char *target = lua_tolstring(L, 3, &length);
  set_body(L, 5, transfer);
  if (!lua_isnil(L, 8)) build_form(L, 8, transfer);
  transfer->timeout = seconds_at(L, 6, "timeout");
  transfer->deadline = seconds_at(L, 7, "deadline");
  build_block(L, transfer, target, length, 4);
}

struct hoopai_transfer *hoopai_transfer_read(lua_State *L) {
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_pushliteral(L, ""); /* the URL is whole */
  field(L, 2, "token");
  field(L, 2, "body");
  field(L, 2, "timeout");
  field(L, 2, "deadline");
  field(L, 2, "form");
  struct hoopai_transfer *transfer = push_transfer(L);
  transfer->request = read_request(L, 2);
  complete(L, transfer);
  return transfer;
}

struct hoopai_transfer *hoopai_transfer_new(lua_State *L) {
  size_t length;
  struct hoopai_request *request = *check_request(L, 2);
  const char *target = luaL_checklstring(L, 3, &length);
  if (!request) luaL_error(L, "attempt to use a closed request");
  if (!is_url(target, length)) luaL_error(L, "the URL of a request is malformed");
  lua_settop(L, 7);
  lua_pushnil(L); /* no form */
  struct hoopai_transfer *transfer = push_transfer(L);
  transfer->request = request;
  request->holders++;
  complete(L, transfer);
  return transfer;
}

void hoopai_transfer_forget(struct hoopai_transfer *transfer) {
  if (transfer->form) hoopai_wipe(transfer->form, transfer->body_length);
  free(transfer->form);
  transfer->form = NULL;
  if (transfer->block) hoopai_wipe(transfer->block, transfer->block_size);
  free(transfer->block);
  transfer->block = NULL;
  if (transfer->request) drop(transfer->request);
  transfer->request = NULL;
}

void hoopai_open_request(lua_State *L) {
  static const luaL_Reg methods[] = {{NULL, NULL}};
  static const luaL_Reg metamethods[] = {{"__gc", request_gc}, {NULL, NULL}};
  hoopai_new_type(L, HOOPAI_REQUEST, methods, metamethods);
  lua_pushcfunction(L, request_new);
  lua_setfield(L, -2, "request");
}
