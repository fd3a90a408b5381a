/* The Request: the method, the beginning of the URL and the headers, checked and copied once for many transfers. */
#include "request.h"

#include <string.h>

#define MAX_HEADERS 64

static const char request_type[] = "hoopai.Request";

/* -- Checks ---------------------------------------------------------------------------------- */

/* A line "Name: value" that cannot begin another header (RFC 9110 5.1, 5.5). */
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

bool hoopai_is_url(const char *url, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if ((unsigned char)url[i] <= 0x20 || (unsigned char)url[i] >= 0x7f) return false;
  }
  return true;
}

/* HEAD is not supported: libcurl would wait for a body. */
static bool is_method(const char *method, size_t length) {
  return length > 0 && strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == length && strcmp(method, "HEAD") != 0;
}

/* These methods have a body (RFC 9110 9.3), if only an empty one. */
static bool posts(const char *method) {
  return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

/* Pushes a field of the table at index 1 and returns its type. */
static int field(lua_State *L, const char *name) {
  lua_pushstring(L, name);
  return lua_rawget(L, 1);
}

static const char *string_field(lua_State *L, const char *name, size_t *length) {
  if (field(L, name) != LUA_TSTRING) luaL_error(L, "field '%s' of a request must be a string", name);
  return lua_tolstring(L, -1, length);
}

static bool true_field(lua_State *L, const char *name) {
  field(L, name);
  bool is_true = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return is_true;
}

/* -- Header lines ---------------------------------------------------------------------------- */

char *hoopai_write_text(struct hoopai_writer *writer, const char *text, size_t length) {
  char *start = writer->at;
  memcpy(start, text, length);
  start[length] = 0;
  writer->at += length + 1;
  return start;
}

void hoopai_write_node(struct hoopai_writer *writer, char *line) {
  writer->node->data = line;
  writer->node->next = writer->node + 1;
  writer->node++;
}

/* libcurl spells an empty header "Name;": "Name:" would remove the header of that name. */
static void write_header(struct hoopai_writer *writer, const char *line, size_t length) {
  const char *value = (const char *)memchr(line, ':', length) + 1;
  if (strspn(value, " \t") < (size_t)(line + length - value)) {
    hoopai_write_node(writer, hoopai_write_text(writer, line, length));
  } else {
    char *name = hoopai_write_text(writer, line, (size_t)(value - line));
    name[value - line - 1] = ';';
    hoopai_write_node(writer, name);
  }
}

/* The memory for the lines of the list at index 4, if any, and for their nodes. */
static size_t measure_headers(lua_State *L, lua_Integer *count) {
  *count = 0;
  if (lua_isnil(L, 4)) return 0;
  luaL_checktype(L, 4, LUA_TTABLE);
  *count = (lua_Integer)lua_rawlen(L, 4);
  luaL_argcheck(L, *count <= MAX_HEADERS, 1, "more than 64 headers");
  size_t bytes = (size_t)*count * sizeof(struct curl_slist);
  for (lua_Integer i = 1; i <= *count; i++) {
    size_t length;
    if (lua_rawgeti(L, 4, i) != LUA_TSTRING) luaL_error(L, "header %d of a request must be a string", (int)i);
    const char *line = lua_tolstring(L, -1, &length);
    if (!is_header(line, length)) luaL_error(L, "header %d of a request is malformed", (int)i);
    bytes += length + 1;
    lua_pop(L, 1);
  }
  return bytes;
}

static void write_headers(lua_State *L, struct hoopai_writer *writer, lua_Integer count) {
  for (lua_Integer i = 1; i <= count; i++) {
    size_t length;
    lua_rawgeti(L, 4, i);
    const char *line = lua_tolstring(L, -1, &length);
    write_header(writer, line, length);
    lua_pop(L, 1);
  }
}

/* -- hoopai.Request -------------------------------------------------------------------------- */

void hoopai_request_release(struct hoopai_request *request) {
  if (--request->holders == 0) hoopai_wipe(request + 1, request->size); /* a header may be a secret */
}

struct hoopai_request *hoopai_request_check(lua_State *L, int index) {
  struct hoopai_request *request = hoopai_check(L, index, request_type);
  if (request->closed) luaL_error(L, "attempt to use a closed request");
  return request;
}

/* Pushes a request with `size` bytes of memory for the URL and the method, and with memory for the headers. The list of
   headers is measured again at the end: rule Finalisers. */
static struct hoopai_request *push_request(lua_State *L, size_t size, lua_Integer *count) {
  struct hoopai_request *request;
  size_t bytes;
  do {
    lua_settop(L, 4);
    bytes = measure_headers(L, count);
    request = lua_newuserdatauv(L, sizeof *request + size + bytes, 0);
    memset(request, 0, sizeof *request);
    request->type = request_type;
    request->size = size + bytes;
    request->closed = true;
    luaL_setmetatable(L, request_type);
  } while (measure_headers(L, count) > bytes);
  return request;
}

/* request { url, method, headers, at_most_once, form, secret_response } -> Request: the same part of many requests
   url: the beginning of their URLs; headers: a list of lines; at_most_once: libcurl must not send one again; form: bodies
   are lists of names and values instead of strings; secret_response: only read_token_response reads responses */
static int request_new(lua_State *L) {
  size_t url_length, method_length;
  lua_Integer count;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  const char *url = string_field(L, "url", &url_length);
  const char *method = string_field(L, "method", &method_length);
  bool https = strncmp(url, "https://", 8) == 0;
  if (!https && strncmp(url, "http://", 7) != 0) {
    return luaL_error(L, "the URL of a request must begin with https:// or http://");
  }
  if (!hoopai_is_url(url, url_length)) return luaL_error(L, "the URL of a request is malformed");
  if (!is_method(method, method_length)) return luaL_error(L, "the method of a request is malformed");
  bool at_most_once = true_field(L, "at_most_once"), form = true_field(L, "form");
  bool secret_response = true_field(L, "secret_response");
  field(L, "headers");
  struct hoopai_request *request = push_request(L, url_length + method_length + 2, &count);
  struct curl_slist *first = (struct curl_slist *)(void *)(request + 1);
  struct hoopai_writer writer = {(char *)(first + count), first};
  request->url = hoopai_write_text(&writer, url, url_length);
  request->url_length = url_length;
  request->method = hoopai_write_text(&writer, method, method_length);
  write_headers(L, &writer, count);
  if (count > 0) {
    request->headers = first;
    writer.node[-1].next = NULL;
  }
  request->https = https;
  request->posts = posts(method);
  request->at_most_once = at_most_once;
  request->form = form;
  request->secret_response = secret_response;
  request->holders = 1;
  request->closed = false;
  return 1;
}

static int request_gc(lua_State *L) {
  struct hoopai_request *request = hoopai_check(L, 1, request_type);
  if (!request->closed) hoopai_request_release(request);
  request->closed = true;
  return 0;
}

void hoopai_open_request(lua_State *L) {
  static const luaL_Reg methods[] = {{NULL, NULL}};
  static const luaL_Reg metamethods[] = {{"__gc", request_gc}, {NULL, NULL}};
  hoopai_new_type(L, request_type, methods, metamethods);
  lua_pushcfunction(L, request_new);
  lua_setfield(L, -2, "request");
}
