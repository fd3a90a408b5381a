/* Lua values <-> JSON (RFC 8259).
 *
 * Reading is lua-cjson's work, with an instance of our own. Writing is ours: the lua-cjson that distributions ship
 * (2.1.0) can write neither an empty array nor an integer of more than 14 digits, and says "excessively sparse array"
 * where a user wants to know which field is wrong.
 */
#define _GNU_SOURCE
#include "core.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __APPLE__
#include <xlocale.h>
#endif

#define MAX_DEPTH 64
#define LONG_INTEGER 16          /* digits: fewer are below EXACT */
#define EXACT 9007199254740992.0 /* 2^53: from here on a float does not tell one integer from the next */

static const char array_mark; /* its address is the registry key of the metatable that marks arrays */

/* ------------------------------------------------------------------------------------------------------------ writing */

/* A key of an object that is open. Its bytes are copied: writing a value may run a finaliser of the host, which may
   take the key out of the table. */
struct key {
  const char *bytes; /* only while they are sorted: `names` moves when it grows */
  size_t offset, length;
};

/* Lives in a userdata, so that a Lua error in the middle (no memory) frees its buffers. */
struct encoder {
  struct hoopai_buffer out;
  struct hoopai_buffer keys;  /* a stack of struct key: those of the objects that are open */
  struct hoopai_buffer names; /* their bytes */
  const char *problem;
  char path[256]; /* where the problem is; written from its end while the calls return */
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

/* A name that comes after another name or an index. */
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
  size_t most = 64; /* of a longer name only the beginning, cut where a character begins */
  while (length > most && most > 0 && ((unsigned char)name[most] & 0xc0) == 0x80) most--;
  prepend_dot(encoder);
  prepend_path(encoder, name, length < most ? length : most);
  return false;
}

/* The length of the UTF-8 sequence at `at` (RFC 3629), 0 when it is none. */
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
  static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* pairs: the byte, its letter */
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
  size_t plain = 0; /* start of the run that needs no escape */
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
  for (int precision = 15; precision <= 17; precision++) { /* the shortest that reads back as the same number */
    snprintf(text, sizeof text, "%.*g", precision, value);
    if (strtod(text, NULL) == value) break;
  }
  size_t length = 0;
  for (const char *at = text; *at; at++) { /* the host's locale may write a comma, or a point of several bytes */
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

/* Pushes a member of a shape (or nil where there is no shape) and returns its stack index. */
static int push_shape(lua_State *L, int shape, const char *member) {
  if (lua_istable(L, shape)) {
    lua_pushstring(L, member);
    lua_rawget(L, shape);
  } else {
    lua_pushnil(L);
  }
  return lua_gettop(L);
}

/* Checks that the keys of the table on top are just 1..count. */
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

/* Of a key without bytes it may be the first, before there is any memory. */
static const char *bytes_of(const struct encoder *encoder, const struct key *key) {
  return key->length > 0 ? encoder->names.data + key->offset : "";
}

static void sort_keys(struct encoder *encoder, size_t start) {
  struct key *keys = (struct key *)(void *)(encoder->keys.data + start);
  size_t count = (encoder->keys.length - start) / sizeof *keys;
  for (size_t i = 0; i < count; i++) keys[i].bytes = bytes_of(encoder, &keys[i]);
  qsort(keys, count, sizeof *keys, compare_keys);
}

/* Puts the keys of the table on top, sorted, on the key stack. */
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
  encoder->names.length = names; /* the bytes stay where they are until the next name: the path quotes them */
  return done;
}

static bool has_array_mark(lua_State *L, int index) {
  if (!lua_getmetatable(L, index)) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &array_mark);
  bool marked = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
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
  if (!array) return false;
  lua_pushnil(L); /* a table with names stays an object, whatever was declared: what the user gave is what is sent */
  bool empty = lua_next(L, -2) == 0;
  if (!empty) lua_pop(L, 2);
  return empty;
}

static bool encode_table(lua_State *L, struct encoder *encoder, int shape, int depth) {
  if (depth >= MAX_DEPTH) return fail(encoder, "is nested deeper than 64 levels, or contains itself");
  if (!lua_checkstack(L, 12)) return fail(encoder, "not enough memory");
  return is_array(L, shape) ? encode_array(L, encoder, shape, depth + 1) : encode_object(L, encoder, shape, depth + 1);
}

/* Writes the value on top of the stack and leaves it there. */
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
    return fail(encoder, "is a light userdata, which JSON cannot hold");
  case LUA_TFUNCTION: return fail(encoder, "is a function, which JSON cannot hold");
  case LUA_TTHREAD: return fail(encoder, "is a coroutine, which JSON cannot hold");
  case LUA_TUSERDATA: return fail(encoder, "is a userdata, which JSON cannot hold");
  default: return fail(encoder, "is nil, which JSON cannot hold (hoopai.null is null)");
  }
}

/* encode(value, shape) -> text | nil, problem, path */
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

/* ------------------------------------------------------------------------------------------------------------ reading */

/* Where the string that begins before `at` ends: at its quote, or at the end of the text. */
static const char *string_end(const char *at, const char *end) {
  const char *quote;
  while ((quote = memchr(at, '"', (size_t)(end - at)))) {
    const char *slash = quote;
    while (slash > at && slash[-1] == '\\') slash--;
    if ((quote - slash) % 2 == 0) return quote;
    at = quote + 1;
  }
  return end;
}

/* Documents without a number and without null (free slots) need no second look. */
static bool needs_walk(const char *text, size_t length) {
  const char *end = text + length;
  for (const char *at = text; at < end; at++) {
    if (*at == '"') at = string_end(at + 1, end);
    else if (*at == 'n' || (*at >= '0' && *at <= '9')) return true;
  }
  return false;
}

static bool is_null(lua_State *L, int index) {
  return lua_type(L, index) == LUA_TLIGHTUSERDATA && lua_touserdata(L, index) == NULL;
}

/* lua-cjson 2.1.0 reads every number as a float. Pushes the integer when the one on top is exactly that. */
static bool push_integer(lua_State *L) {
  if (lua_isinteger(L, -1)) return false;
  double value = lua_tonumber(L, -1);
  if (!(value > -EXACT && value < EXACT) || value != floor(value)) return false;
  lua_pushinteger(L, (lua_Integer)value);
  return true;
}

static void walk(lua_State *L, int keep);

/* Looks at the value on top, whose key is below it and whose table is below that. Leaves the key on top. */
static void walk_member(lua_State *L, int keep) {
  int type = lua_type(L, -1);
  if (type == LUA_TTABLE) {
    walk(L, keep);
  } else if (type == LUA_TNUMBER && push_integer(L)) {
    lua_pushvalue(L, -3);
    lua_insert(L, -2);
    lua_rawset(L, -5); /* an existing field: allowed while the table is traversed */
  } else if (is_null(L, -1) && lua_type(L, -2) == LUA_TSTRING) {
    bool kept = false;
    if (lua_istable(L, keep)) {
      lua_pushvalue(L, -2);
      lua_rawget(L, keep);
      kept = lua_toboolean(L, -1);
      lua_pop(L, 1);
    }
    if (!kept) {
      lua_pushvalue(L, -2);
      lua_pushnil(L);
      lua_rawset(L, -5);
    }
  }
  lua_pop(L, 1);
}

/* Makes the table on top what section JSON of the README promises. Its depth was bounded by the decoder. */
static void walk(lua_State *L, int keep) {
  luaL_checkstack(L, 8, "JSON");
  lua_pushnil(L);
  while (lua_next(L, -2)) walk_member(L, keep);
}

/* Calls cjson's function `name` of the table on top with one integer or boolean. */
static void configure(lua_State *L, const char *name, bool is_boolean, int value) {
  lua_getfield(L, -1, name);
  if (is_boolean) lua_pushboolean(L, value);
  else lua_pushinteger(L, value);
  lua_call(L, 1, 0);
}

/* Pushes the decode function of a new cjson instance: the settings of the shared one belong to the host. */
static void push_decoder(lua_State *L, int constructor) {
  lua_pushvalue(L, constructor);
  lua_call(L, 0, 1);
  configure(L, "decode_invalid_numbers", true, 0);
  configure(L, "decode_max_depth", false, MAX_DEPTH);
  lua_getfield(L, -1, "decode");
  lua_remove(L, -2);
}

/* Pushes whether the decode function on top makes integers of integers. */
static void push_reads_integers(lua_State *L) {
  lua_pushvalue(L, -1);
  lua_pushliteral(L, "1");
  lua_call(L, 1, 1);
  lua_pushboolean(L, lua_isinteger(L, -1));
  lua_remove(L, -2);
}

static bool is_decimal(char byte) {
  return byte >= '0' && byte <= '9';
}

/* Does this byte make a number that is no integer of the digits before it? */
static bool goes_on(char byte) {
  return byte == '.' || byte == 'e' || byte == 'E';
}

/* The end of the next integer that may reach 2^53, NULL where there is none. */
static const char *long_integer(const char *at, const char *end) {
  while (at < end) {
    const char *start = at;
    while (at < end && is_decimal(*at)) at++;
    if (at - start >= LONG_INTEGER && (at == end || !goes_on(*at))) return at;
    if (at > start) { /* the rest of a number */
      while (at < end && (is_decimal(*at) || goes_on(*at) || *at == '+' || *at == '-')) at++;
    } else if (*at == '"') {
      at = string_end(at + 1, end);
      if (at < end) at++;
    } else {
      at++;
    }
  }
  return NULL;
}

/* lua-cjson 2.1.0.x makes integers of integers, and those beyond 2^63 become 2^63 - 1 without a word. So long ones, in
   the text at index 1, get an exponent, which makes floats of them. */
static void spell_floats(lua_State *L) {
  size_t length;
  const char *at = lua_tolstring(L, 1, &length), *end = at + length, *stop = long_integer(at, end);
  if (!stop) return;
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  for (; stop; at = stop, stop = long_integer(at, end)) {
    luaL_addlstring(&out, at, (size_t)(stop - at));
    luaL_addlstring(&out, "e0", 2);
  }
  luaL_addlstring(&out, at, (size_t)(end - at));
  luaL_pushresult(&out);
  lua_replace(L, 1);
}

/* lua-cjson asks for the decimal point of the locale when an instance is made, and then no longer reads 1.5 once the
   host has changed the locale: so each change of it needs a new instance. Upvalues: the decode function, the decimal
   point it was made for, cjson.new, whether the function makes integers of integers. */
static int read_text(lua_State *L) {
  int point = (unsigned char)nl_langinfo(RADIXCHAR)[0];
  if (lua_tointeger(L, lua_upvalueindex(2)) != point) {
    push_decoder(L, lua_upvalueindex(3));
    push_reads_integers(L);
    lua_replace(L, lua_upvalueindex(4));
    lua_replace(L, lua_upvalueindex(1));
    lua_pushinteger(L, point);
    lua_replace(L, lua_upvalueindex(2));
  }
  if (lua_toboolean(L, lua_upvalueindex(4))) spell_floats(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

/* lua_pcall with one argument and one result. Where the decimal point has several bytes lua-cjson would end the
   process; there this thread (no other) takes the plain locale meanwhile. */
static int call_cjson(lua_State *L) {
  if (strlen(nl_langinfo(RADIXCHAR)) == 1) return lua_pcall(L, 1, 1, 0);
  locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
  if (!plain) return luaL_error(L, "not enough memory");
  locale_t before = uselocale(plain);
  int status = lua_pcall(L, 1, 1, 0);
  uselocale(before);
  freelocale(plain);
  return status;
}

/* decode(text, keep_null) -> value | nil, problem */
static int json_decode(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  lua_settop(L, 2);
  if (memchr(text, 0, length)) return hoopai_problem(L, "it holds a NUL byte");
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  int status = call_cjson(L);
  if (status == LUA_ERRMEM) return lua_error(L);
  if (status != LUA_OK) {
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  if (needs_walk(text, length)) {
    if (lua_istable(L, -1)) walk(L, 2);
    else if (lua_type(L, -1) == LUA_TNUMBER) push_integer(L);
  }
  return 1;
}

/* without(object, name) -> a copy of a table less one field */
static int json_without(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  lua_newtable(L);
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    if (lua_rawequal(L, -2, 2)) {
      lua_pop(L, 1);
    } else {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, 3);
    }
  }
  return 1;
}

/* ------------------------------------------------------------------------------------------------------------- arrays */

/* array(t) -> t marked as an array, so that it is sent as [] when it is empty */
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

/* As require does it; but a host that has lua-cjson linked in may offer none. */
static void push_cjson(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "cjson") == LUA_TNIL) {
    lua_pop(L, 1);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "cjson");
    if (call_cjson(L) != LUA_OK) lua_error(L);
  }
  lua_remove(L, -2);
}

/* Pushes the closure that reads. Its decoder is made by its first use. */
static void push_reader(lua_State *L) {
  lua_pushnil(L);
  lua_pushinteger(L, 0);
  push_cjson(L);
  lua_getfield(L, -1, "new");
  lua_remove(L, -2);
  lua_pushboolean(L, 0);
  lua_pushcclosure(L, read_text, 4);
}

static void push_array_mark(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &array_mark) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushliteral(L, "hoopai.Array");
  lua_setfield(L, -2, "__name");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &array_mark);
}

void hoopai_open_json(lua_State *L) {
  lua_newtable(L); /* metatable of encoders */
  lua_pushcfunction(L, encoder_gc);
  lua_setfield(L, -2, "__gc");
  lua_pushcclosure(L, json_encode, 1);
  lua_setfield(L, -2, "encode");
  push_reader(L);
  lua_pushcclosure(L, json_decode, 1);
  lua_setfield(L, -2, "decode");
  lua_pushcfunction(L, json_without);
  lua_setfield(L, -2, "without");
  push_array_mark(L);
  lua_pop(L, 1);
  lua_pushcfunction(L, json_array);
  lua_setfield(L, -2, "array");
  lua_pushcfunction(L, json_is_array);
  lua_setfield(L, -2, "is_array");
  lua_pushlightuserdata(L, NULL);
  lua_setfield(L, -2, "null");
}
