/* JSON to Lua values (RFC 8259), with an instance of lua-cjson whose settings are not those of the host. */
#define _GNU_SOURCE
#include "core.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#ifdef __APPLE__
#include <xlocale.h>
#endif

#define LONG_INTEGER 16          /* digits: a shorter integer is below EXACT */
#define EXACT 9007199254740992.0 /* 2^53: floats represent all smaller integers */

/* -- Integers and null ----------------------------------------------------------------------- */

/* The closing quote of the string around `at`, or the end of the text. */
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

/* A document without numbers and null (the free times of a calendar) needs no walk. */
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

/* lua-cjson 2.1.0 reads every number as a float. Pushes the integer that equals the float on top, if there is one. */
static bool push_integer(lua_State *L) {
  if (lua_isinteger(L, -1)) return false;
  double value = lua_tonumber(L, -1);
  if (!(value > -EXACT && value < EXACT) || value != floor(value)) return false;
  lua_pushinteger(L, (lua_Integer)value);
  return true;
}

static void walk(lua_State *L, int keep);

/* Pops the value on top. Its key is below it, and the table below the key. */
static void walk_member(lua_State *L, int keep) {
  int type = lua_type(L, -1);
  if (type == LUA_TTABLE) {
    walk(L, keep);
  } else if (type == LUA_TNUMBER && push_integer(L)) {
    lua_pushvalue(L, -3);
    lua_insert(L, -2);
    lua_rawset(L, -5); /* lua_next allows changes of existing fields */
  } else if (is_null(L, -1) && lua_type(L, -2) == LUA_TSTRING) {
    bool kept = lua_isboolean(L, keep) && lua_toboolean(L, keep);
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

/* In the table on top, makes integers of integral floats and removes each null whose name is not in `keep`, a set, or
   `true` for all names. The decoder limits the depth. */
static void walk(lua_State *L, int keep) {
  luaL_checkstack(L, 8, "JSON");
  lua_pushnil(L);
  while (lua_next(L, -2)) walk_member(L, keep);
}

/* Calls the function `name` of the lua-cjson instance on top with one integer or boolean. */
static void configure(lua_State *L, const char *name, bool is_boolean, int value) {
  lua_getfield(L, -1, name);
  if (is_boolean) lua_pushboolean(L, value);
  else lua_pushinteger(L, value);
  lua_call(L, 1, 0);
}

/* Pushes the decode function of a new lua-cjson instance. */
static void push_decoder(lua_State *L, int constructor) {
  lua_pushvalue(L, constructor);
  lua_call(L, 0, 1);
  configure(L, "decode_invalid_numbers", true, 0);
  configure(L, "decode_max_depth", false, HOOPAI_JSON_DEPTH);
  lua_getfield(L, -1, "decode");
  lua_remove(L, -2);
}

/* Pushes whether the decode function on top reads integers as integers. */
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

/* Does this byte turn the digits before it into a float? */
static bool begins_fraction(char byte) {
  return byte == '.' || byte == 'e' || byte == 'E';
}

/* The end of the next integer that may reach 2^53, NULL when there is none. */
static const char *long_integer(const char *at, const char *end) {
  while (at < end) {
    const char *start = at;
    while (at < end && is_decimal(*at)) at++;
    if (at - start >= LONG_INTEGER && (at == end || !begins_fraction(*at))) return at;
    if (at > start) { /* the rest of a number */
      while (at < end && (is_decimal(*at) || begins_fraction(*at) || *at == '+' || *at == '-')) at++;
    } else if (*at == '"') {
      at = string_end(at + 1, end);
      if (at < end) at++;
    } else {
      at++;
    }
  }
  return NULL;
}

/* lua-cjson 2.1.0.x reads integers as integers, and silently reads larger ones than 2^63 as 2^63 - 1. So this appends
   an exponent to the long integers of the text at index 1: lua-cjson then reads them as floats. */
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

/* A lua-cjson instance reads 1.5 only in the locale in which it was made, so each change of the decimal point needs a
   new instance. Upvalues: the decode function, its decimal point, cjson.new, whether it reads integers as integers. */
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

/* lua_pcall with one argument and one result. With a decimal point of several bytes lua-cjson would exit the process:
   then this thread, and no other, uses the locale "C" during the call. */
static int call_cjson(lua_State *L) {
  if (strlen(nl_langinfo(RADIXCHAR)) == 1) return lua_pcall(L, 1, 1, 0);
  locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
  if (!plain) {
    lua_pop(L, 2);
    lua_pushliteral(L, "not enough memory");
    return LUA_ERRMEM;
  }
  locale_t before = uselocale(plain);
  int status = lua_pcall(L, 1, 1, 0);
  uselocale(before);
  freelocale(plain);
  return status;
}

/* -- What lua-cjson refuses ------------------------------------------------------------------- */

/* The code unit of the escape "\\uXXXX" at `at`, -1 for anything else. */
static int escaped_unit(const char *at, const char *end) {
  return end - at >= 6 && at[0] == '\\' && at[1] == 'u' ? hoopai_code_unit(at + 2, end) : -1;
}

static bool is_high(int unit) {
  return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(int unit) {
  return unit >= 0xdc00 && unit < 0xe000;
}

/* The next half of a surrogate pair that stands alone, NULL when there is none. A backslash stands in strings only. */
static const char *lone_half(const char *at, const char *end) {
  while (at < end && (at = memchr(at, '\\', (size_t)(end - at)))) {
    int unit = escaped_unit(at, end);
    bool pair = is_high(unit) && is_low(escaped_unit(at + 6, end));
    if (!pair && (is_high(unit) || is_low(unit))) return at;
    at += pair ? 12 : 2; /* the escaped byte may be a backslash */
  }
  return NULL;
}

/* Makes readable what lua-cjson refuses, in the text at index 1: leaves out a byte order mark at its beginning (RFC 8259
   8.1), and writes U+FFFD for each half of a surrogate pair that stands alone. (Programs that cut a string in the middle
   of a character write such JSON.) Returns whether there was any. */
static bool mend(lua_State *L) {
  size_t length;
  const char *at = lua_tolstring(L, 1, &length), *end = at + length;
  bool is_marked = strncmp(at, "\xef\xbb\xbf", 3) == 0;
  if (is_marked) at += 3;
  const char *half = lone_half(at, end);
  if (!half && !is_marked) return false;
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  for (; half; at = half + 6, half = lone_half(at, end)) {
    luaL_addlstring(&out, at, (size_t)(half - at));
    luaL_addlstring(&out, "\\ufffd", 6);
  }
  luaL_addlstring(&out, at, (size_t)(end - at));
  luaL_pushresult(&out);
  lua_replace(L, 1);
  return true;
}

/* Why the text at index 1 is refused, in place of lua-cjson's names of tokens. NULL: lua-cjson's message is clear. */
static const char *plain_problem(lua_State *L, const char *message) {
  const char *text = lua_tostring(L, 1);
  if (text[strspn(text, " \t\r\n")] == 0) return "it is empty";
  if (message && (strstr(message, "T_END") || strstr(message, "unexpected end of string"))) return "it is cut off";
  return NULL;
}

/* Replaces lua-cjson's message on top by nil and a problem. */
static int refuse(lua_State *L) {
  const char *plain = plain_problem(L, lua_tostring(L, -1));
  if (plain) return hoopai_problem(L, plain);
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

static int read_json(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  int status = call_cjson(L);
  if (status == LUA_ERRMEM) (void)lua_error(L);
  return status;
}

/* decode(text, keep_null) -> value | nil, problem. Bytes that are not UTF-8 stay as they are. */
static int json_decode(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  lua_settop(L, 2);
  if (memchr(text, 0, length)) return hoopai_problem(L, "it holds a NUL byte");
  int status = read_json(L);
  if (status != LUA_OK && mend(L)) {
    lua_settop(L, 2);
    text = lua_tolstring(L, 1, &length);
    status = read_json(L);
  }
  if (status != LUA_OK) return refuse(L);
  if (needs_walk(text, length)) {
    if (lua_istable(L, -1)) walk(L, 2);
    else if (lua_type(L, -1) == LUA_TNUMBER) push_integer(L);
  }
  return 1;
}

/* without(object, name) -> a copy of a table without one field */
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

/* Is there a loader of the host for lua-cjson, in package.preload? */
static bool is_preloaded(lua_State *L, int package) {
  bool is_so = lua_getfield(L, package, "preload") == LUA_TTABLE && lua_getfield(L, -1, "cjson") != LUA_TNIL;
  lua_settop(L, package);
  return is_so;
}

/* Calls require "cjson", in which a Lua file of that name, maybe in the current folder, is not found: package.path is
   empty meanwhile, and no finaliser runs. Leaves the module or the error in place of the table of loaded modules on
   top. */
static int require_cjson(lua_State *L) {
  int loaded = lua_gettop(L), package = loaded + 1;
  bool has_path = lua_getfield(L, loaded, "package") == LUA_TTABLE && !is_preloaded(L, package) &&
                  lua_getfield(L, package, "path") == LUA_TSTRING;
  lua_settop(L, package + 1);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "cjson");
  int is_collecting = lua_gc(L, LUA_GCISRUNNING);
  if (has_path) {
    lua_pushliteral(L, "");
    lua_gc(L, LUA_GCSTOP);
    lua_setfield(L, package, "path");
  }
  int status = call_cjson(L);
  if (has_path) {
    lua_pushvalue(L, package + 1);
    lua_setfield(L, package, "path");
    if (is_collecting) lua_gc(L, LUA_GCRESTART);
  }
  lua_replace(L, loaded);
  lua_settop(L, loaded);
  return status;
}

/* Pushes lua-cjson. A host with a linked lua-cjson may have no `require`. */
static void push_cjson(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "cjson") != LUA_TNIL) {
    lua_remove(L, -2);
    return;
  }
  lua_pop(L, 1);
  luaL_checkstack(L, 8, NULL);
  if (require_cjson(L) != LUA_OK) lua_error(L);
}

/* Pushes read_text as a closure. Its first call makes the lua-cjson instance. */
static void push_reader(lua_State *L) {
  lua_pushnil(L);
  lua_pushinteger(L, 0);
  push_cjson(L);
  lua_getfield(L, -1, "new");
  lua_remove(L, -2);
  lua_pushboolean(L, 0);
  lua_pushcclosure(L, read_text, 4);
}

/* Has the function on top make its instance now: one that is made while the state closes would leak 1 KB (closing.c). */
static void prepare_decode(lua_State *L) {
  lua_pushvalue(L, -1);
  lua_pushliteral(L, "[]");
  lua_call(L, 1, 0);
}

void hoopai_open_json_decode(lua_State *L) {
  push_reader(L);
  lua_pushcclosure(L, json_decode, 1);
  prepare_decode(L);
  lua_setfield(L, -2, "decode");
  lua_pushcfunction(L, json_without);
  lua_setfield(L, -2, "without");
}
