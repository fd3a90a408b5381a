/* Lua values to JSON (RFC 8259). lua-cjson 2.1.0, which distributions ship, can write neither an empty array nor an
   integer of more than 14 digits, and its message for a wrong value ("excessively sparse array") does not name the
   field. */
#include "core.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char array_mark; /* its address is the registry key of the metatable of arrays */

/* A key of an open object. Its bytes are copied: a finaliser may remove the key from the table (rule Finalisers). */
struct key {
  const char *bytes; /* valid during the sort only: `names` moves when it grows */
  size_t offset, length;
};

/* A userdata, so that its buffers are freed after a Lua error (rule Memory). */
struct encoder {
  struct hoopai_buffer out;
  struct hoopai_buffer keys;  /* a stack of struct key, of the open objects */
  struct hoopai_buffer names; /* the bytes of the keys */
  const char *problem;
  char path[256]; /* of the value with the problem, written from its end while the calls return */
  size_t path_start;
};

static void free_encoder(struct encoder *encoder) {
  hoopai_buffer_free(&encoder->out);
  hoopai_buffer_free(&encoder->keys);
  hoopai_buffer_free(&encoder->names);
}

static int encoder_gc(lua_State *L) {
  free_encoder(lua_touserdata(L, 1));
  return 0;
}

static bool fail(struct encoder *encoder, const char *problem) {
  encoder->problem = problem;
  return false;
}

static bool add(struct encoder *encoder, const char *bytes, size_t length) {
  return hoopai_append(&encoder->out, bytes, length) || fail(encoder, "not enough memory");
}

static void prepend_path(struct encoder *encoder, const char *text, size_t length) {
  size_t fits = length < encoder->path_start ? length : encoder->path_start;
  encoder->path_start -= fits;
  memcpy(encoder->path + encoder->path_start, text + length - fits, fits);
}

/* Separates a name or an index from the name behind it. */
static void prepend_dot(struct encoder *encoder) {
  bool last = encoder->path_start == sizeof encoder->path || encoder->path[encoder->path_start] == '[';
  if (!last) prepend_path(encoder, ".", 1);
}

static bool fail_in_array(struct encoder *encoder, lua_Integer index) {
  char text[32];
  int length = snprintf(text, sizeof text, "[%lld]", (long long)index);
  prepend_dot(encoder);
  prepend_path(encoder, text, (size_t)length);
  return false;
}

static bool fail_in_object(struct encoder *encoder, const char *name, size_t length) {
  size_t most = 64; /* a longer name is cut before a character */
  while (length > most && most > 0 && ((unsigned char)name[most] & 0xc0) == 0x80) most--;
  prepend_dot(encoder);
  prepend_path(encoder, name, length < most ? length : most);
  return false;
}

/* The length of the UTF-8 sequence at `at` (RFC 3629), 0 for an invalid one. */
static size_t sequence_length(const unsigned char *at, size_t left) {
  unsigned char lead = at[0];
  size_t length = lead < 0x80                    ? 1
                  : lead >= 0xc2 && lead <= 0xdf ? 2
                  : lead >= 0xe0 && lead <= 0xef ? 3
                  : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                 : 0;
  if (length == 0 || length > left) return 0;
  for (size_t i = 1; i < length; i++) {
    if ((at[i] & 0xc0) != 0x80) return 0;
  }
  bool overlong = (lead == 0xe0 && at[1] < 0xa0) || (lead == 0xf0 && at[1] < 0x90);
  bool surrogate = lead == 0xed && at[1] >= 0xa0;
  bool too_high = lead == 0xf4 && at[1] >= 0x90;
  return overlong || surrogate || too_high ? 0 : length;
}

static size_t escape_of(unsigned char byte, char out[7]) {
  static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* pairs of a byte and its letter */
  for (size_t i = 0; i + 1 < sizeof shorts; i += 2) {
    if ((unsigned char)shorts[i] == byte) {
      out[0] = '\\';
      out[1] = shorts[i + 1];
      return 2;
    }
  }
  return (size_t)snprintf(out, 7, "\\u%04x", byte);
}

static bool encode_string(struct encoder *encoder, const char *bytes, size_t length) {
  if (!add(encoder, "\"", 1)) return false;
  size_t plain = 0; /* start of a run without escapes */
  for (size_t i = 0; i < length;) {
    unsigned char byte = (unsigned char)bytes[i];
    size_t step = sequence_length((const unsigned char *)bytes + i, length - i);
    if (step == 0) return fail(encoder, "is not valid UTF-8");
    if (byte < 0x20 || byte == '"' || byte == '\\') {
      char escape[7];
      size_t size = escape_of(byte, escape);
      if (!add(encoder, bytes + plain, i - plain) || !add(encoder, escape, size)) return false;
      plain = i + 1;
    }
    i += step;
  }
  return add(encoder, bytes + plain, length - plain) && add(encoder, "\"", 1);
}

static bool encode_float(struct encoder *encoder, double value) {
  if (isnan(value)) return fail(encoder, "is not a number (NaN)");
  if (isinf(value)) return fail(encoder, "is infinite");
  char text[48];
  for (int precision = 15; precision <= 17; precision++) { /* the shortest text of the same number */
    snprintf(text, sizeof text, "%.*g", precision, value);
    if (strtod(text, NULL) == value) break;
  }
  size_t length = 0;
  for (const char *at = text; *at; at++) { /* the decimal point of a locale may have several bytes */
    bool digit = strchr("0123456789+-e", *at) != NULL;
    if (digit) text[length++] = *at;
    else if (length > 0 && text[length - 1] != '.') text[length++] = '.';
  }
  return add(encoder, text, length);
}

static bool encode_number(lua_State *L, struct encoder *encoder) {
  if (!lua_isinteger(L, -1)) return encode_float(encoder, lua_tonumber(L, -1));
  char text[32];
  int length = snprintf(text, sizeof text, "%lld", (long long)lua_tointeger(L, -1));
  return add(encoder, text, (size_t)length);
}

static bool encode_value(lua_State *L, struct encoder *encoder, int shape, int depth);

/* Pushes a member of a shape (nil without a shape) and returns its stack index. */
static int push_shape(lua_State *L, int shape, const char *member) {
  if (lua_istable(L, shape)) {
    lua_pushstring(L, member);
    lua_rawget(L, shape);
  } else {
    lua_pushnil(L);
  }
  return lua_gettop(L);
}

/* Are 1..count the keys of the table on top of the stack? */
static bool is_sequence(lua_State *L, lua_Integer count) {
  lua_Integer seen = 0;
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_pop(L, 1);
    lua_Integer key = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
    if (key < 1 || key > count) {
      lua_pop(L, 1);
      return false;
    }
    seen++;
  }
  return seen == count;
}

static bool encode_array(lua_State *L, struct encoder *encoder, int shape, int depth) {
  lua_Integer count = (lua_Integer)lua_rawlen(L, -1);
  int table = lua_gettop(L);
  if (!is_sequence(L, count)) return fail(encoder, "is a list with gaps or with other keys than 1, 2, 3, ...");
  int items = push_shape(L, shape, "items");
  if (!add(encoder, "[", 1)) return false;
  for (lua_Integer i = 1; i <= count; i++) {
    if (i > 1 && !add(encoder, ",", 1)) return false;
    lua_rawgeti(L, table, i);
    if (!encode_value(L, encoder, items, depth)) return fail_in_array(encoder, i);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return add(encoder, "]", 1);
}

static int compare_keys(const void *left, const void *right) {
  const struct key *a = left, *b = right;
  size_t shorter = a->length < b->length ? a->length : b->length;
  int order = memcmp(a->bytes, b->bytes, shorter);
  if (order != 0) return order;
  return (a->length > b->length) - (a->length < b->length);
}

static bool add_key(lua_State *L, struct encoder *encoder) {
  struct key key = {NULL, encoder->names.length, 0};
  const char *bytes = lua_tolstring(L, -1, &key.length);
  return hoopai_append(&encoder->names, bytes, key.length) && hoopai_append(&encoder->keys, &key, sizeof key);
}

/* Before a first key that is empty, `names` has no memory. */
static const char *bytes_of(const struct encoder *encoder, const struct key *key) {
  return key->length > 0 ? encoder->names.data + key->offset : "";
}

static void sort_keys(struct encoder *encoder, size_t start) {
  struct key *keys = (struct key *)(void *)(encoder->keys.data + start);
  size_t count = (encoder->keys.length - start) / sizeof *keys;
  for (size_t i = 0; i < count; i++) keys[i].bytes = bytes_of(encoder, &keys[i]);
  qsort(keys, count, sizeof *keys, compare_keys);
}

/* Pushes the keys of the table on top, sorted, to the stack of keys. */
static bool collect_keys(lua_State *L, struct encoder *encoder, size_t start) {
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING) {
      bool number = lua_type(L, -1) == LUA_TNUMBER;
      lua_pop(L, 1);
      return fail(encoder, number ? "mixes a list with names, or is a list that does not start at 1"
                                  : "has a key that is not a string");
    }
    if (!add_key(L, encoder)) return fail(encoder, "not enough memory");
  }
  if (encoder->keys.length > start) sort_keys(encoder, start);
  return true;
}

static bool encode_members(lua_State *L, struct encoder *encoder, int shape, int depth, size_t start) {
  int table = lua_gettop(L);
  int fields = push_shape(L, shape, "fields");
  int values = push_shape(L, shape, "values");
  size_t end = encoder->keys.length;
  for (size_t at = start; at < end; at += sizeof(struct key)) {
    struct key key;
    memcpy(&key, encoder->keys.data + at, sizeof key);
    if (at > start && !add(encoder, ",", 1)) return false;
    key.bytes = bytes_of(encoder, &key);
    if (!encode_string(encoder, key.bytes, key.length)) return fail(encoder, "has a name that is not valid UTF-8");
    if (!add(encoder, ":", 1)) return false;
    lua_pushlstring(L, key.bytes, key.length);
    if (lua_istable(L, fields)) {
      lua_pushvalue(L, -1);
      lua_rawget(L, fields);
    } else {
      lua_pushvalue(L, values);
    }
    lua_insert(L, -2);
    lua_rawget(L, table);
    if (!encode_value(L, encoder, lua_gettop(L) - 1, depth)) {
      return fail_in_object(encoder, bytes_of(encoder, &key), key.length);
    }
    lua_pop(L, 2);
  }
  lua_pop(L, 2);
  return true;
}

static bool encode_object(lua_State *L, struct encoder *encoder, int shape, int depth) {
  size_t start = encoder->keys.length, names = encoder->names.length;
  bool done = collect_keys(L, encoder, start) && add(encoder, "{", 1) &&
              encode_members(L, encoder, shape, depth, start) && add(encoder, "}", 1);
  encoder->keys.length = start;
  encoder->names.length = names; /* fail_in_object still reads the bytes */
  return done;
}

/* Pushes a field of lua-cjson, nil when it has no such field or is not loaded. Not every lua-cjson has marks. */
static void push_cjson_field(lua_State *L, const char *name) {
  int top = lua_gettop(L);
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  const char *const path[] = {"cjson", name};
  for (int i = 0; i < 2; i++) {
    bool is_table = lua_istable(L, -1);
    lua_pushstring(L, path[i]);
    if (is_table) lua_rawget(L, -2);
    else lua_pushnil(L);
  }
  lua_replace(L, top + 1);
  lua_settop(L, top + 1);
}

/* Is the value on top the one of this name in lua-cjson? */
static bool is_cjson_field(lua_State *L, const char *name) {
  push_cjson_field(L, name);
  bool equal = !lua_isnil(L, -1) && lua_rawequal(L, -1, -2);
  lua_pop(L, 1);
  return equal;
}

static bool is_empty(lua_State *L, int index) {
  index = lua_absindex(L, index);
  lua_pushnil(L);
  if (lua_next(L, index) == 0) return true;
  lua_pop(L, 2);
  return false;
}

/* Is the table marked as an array, by this library or by lua-cjson? */
static bool has_array_mark(lua_State *L, int index) {
  index = lua_absindex(L, index);
  if (!lua_getmetatable(L, index)) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &array_mark);
  bool marked = lua_rawequal(L, -1, -2);
  lua_pop(L, 1);
  marked = marked || is_cjson_field(L, "array_mt") || (is_cjson_field(L, "empty_array_mt") && is_empty(L, index));
  lua_pop(L, 1);
  return marked;
}

static bool is_array(lua_State *L, int shape) {
  if (has_array_mark(L, -1)) return true;
  bool array = lua_rawgeti(L, -1, 1) != LUA_TNIL;
  lua_pop(L, 1);
  if (array || lua_rawlen(L, -1) > 0) return true;
  push_shape(L, shape, "array");
  array = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return array && is_empty(L, -1); /* a table with names stays an object, even if its shape is an array */
}

static bool encode_table(lua_State *L, struct encoder *encoder, int shape, int depth) {
  if (depth >= HOOPAI_JSON_DEPTH) return fail(encoder, "is nested deeper than 64 levels, or contains itself");
  if (!lua_checkstack(L, 12)) return fail(encoder, "not enough memory");
  return is_array(L, shape) ? encode_array(L, encoder, shape, depth + 1) : encode_object(L, encoder, shape, depth + 1);
}

/* Writes the value on top of the stack, which stays there. */
static bool encode_value(lua_State *L, struct encoder *encoder, int shape, int depth) {
  switch (lua_type(L, -1)) {
  case LUA_TSTRING: {
    size_t length;
    const char *bytes = lua_tolstring(L, -1, &length);
    return encode_string(encoder, bytes, length);
  }
  case LUA_TNUMBER: return encode_number(L, encoder);
  case LUA_TBOOLEAN: return lua_toboolean(L, -1) ? add(encoder, "true", 4) : add(encoder, "false", 5);
  case LUA_TTABLE: return encode_table(L, encoder, shape, depth);
  case LUA_TLIGHTUSERDATA:
    if (lua_touserdata(L, -1) == NULL) return add(encoder, "null", 4);
    if (lua_checkstack(L, 8) && is_cjson_field(L, "empty_array")) return add(encoder, "[]", 2);
    return fail(encoder, "is a light userdata, which JSON cannot hold");
  case LUA_TFUNCTION: return fail(encoder, "is a function, which JSON cannot hold");
  case LUA_TTHREAD: return fail(encoder, "is a coroutine, which JSON cannot hold");
  case LUA_TUSERDATA: return fail(encoder, "is a userdata, which JSON cannot hold");
  default: return fail(encoder, "is nil, which JSON cannot hold (hoopai.null is null)");
  }
}

/* encode(value, shape) -> text | nil, problem, path
   shape, of empty tables: { array = true, items = shape }, { fields = { [name] = shape }, values = shape } or nil */
static int json_encode(lua_State *L) {
  luaL_checkany(L, 1);
  lua_settop(L, 2);
  struct encoder *encoder = lua_newuserdatauv(L, sizeof *encoder, 0);
  memset(encoder, 0, sizeof *encoder);
  encoder->path_start = sizeof encoder->path;
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_setmetatable(L, -2);
  lua_pushvalue(L, 1);
  if (encode_value(L, encoder, 2, 0)) {
    lua_pushlstring(L, encoder->out.data, encoder->out.length);
    free_encoder(encoder);
    return 1;
  }
  free_encoder(encoder);
  hoopai_problem(L, encoder->problem);
  lua_pushlstring(L, encoder->path + encoder->path_start, sizeof encoder->path - encoder->path_start);
  return 3;
}

/* -- Arrays ---------------------------------------------------------------------------------- */

/* array(t) -> t, marked as an array: if it is empty it is written as [] */
static int json_array(lua_State *L) {
  if (lua_isnoneornil(L, 1)) {
    lua_settop(L, 0);
    lua_newtable(L);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &array_mark);
  lua_setmetatable(L, 1);
  return 1;
}

static int json_is_array(lua_State *L) {
  lua_pushboolean(L, lua_istable(L, 1) && has_array_mark(L, 1));
  return 1;
}

static void push_array_mark(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &array_mark) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushliteral(L, "hoopai.Array");
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0); /* all arrays share it: no script may change it */
  lua_setfield(L, -2, "__metatable");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &array_mark);
}

void hoopai_open_json_encode(lua_State *L) {
  lua_newtable(L); /* metatable of encoders */
  lua_pushcfunction(L, encoder_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushcclosure(L, json_encode, 1);
  lua_setfield(L, -2, "encode");
  push_array_mark(L);
  lua_pop(L, 1);
  lua_pushcfunction(L, json_array);
  lua_setfield(L, -2, "array");
  lua_pushcfunction(L, json_is_array);
  lua_setfield(L, -2, "is_array");
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
}
