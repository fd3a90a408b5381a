/* Tokens that Lua code can pass on but not read: only this core reads their bytes. */
#include "secret.h"
#include "redact.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char hoopai_secret_type[14] = "hoopai.Secret";

struct secret {
  const char *type; /* see hoopai_check */
  size_t length;    /* 0 = closed */
  char bytes[];
};

static void wipe(struct secret *secret) {
  hoopai_wipe(secret->bytes, secret->length);
  secret->length = 0;
}

const char *hoopai_secret_bytes(lua_State *L, int index, size_t *length) {
  struct secret *secret = hoopai_check(L, index, hoopai_secret_type);
  if (secret->length == 0) luaL_error(L, "attempt to use a closed secret");
  *length = secret->length;
  return secret->bytes;
}

const char *hoopai_token_problem(const char *bytes, size_t length) {
  if (length == 0) return "it is empty";
  if (length > 65536) return "it is longer than 64 KiB";
  return hoopai_odd_character(bytes, length, true);
}

static bool begins_with(const char *bytes, size_t length, const char *word) {
  return length >= strlen(word) && strncasecmp(bytes, word, strlen(word)) == 0;
}

/* What a header's value or an env file leaves around a token. A token of the token endpoint may look as it likes. */
static const char *pasted_problem(const char *bytes, size_t length) {
  char first = length > 0 ? bytes[0] : 0;
  if (length > 1 && (first == '"' || first == '\'' || first == '`') && bytes[length - 1] == first) {
    return "it has quotes around it: leave them out";
  }
  if (begins_with(bytes, length, "authorization:")) {
    return "it begins with \"Authorization:\": give the token alone";
  }
  if (!begins_with(bytes, length, "bearer")) return NULL;
  if (length == 6) return "it is the word \"Bearer\" alone, without a token";
  return strchr(" \t:=", bytes[6]) ? "it begins with \"Bearer\": leave out \"Bearer \"" : NULL;
}

void hoopai_secret_push(lua_State *L, const char *bytes, size_t length) {
  struct secret *secret = lua_newuserdatauv(L, sizeof *secret + length, 0);
  secret->type = hoopai_secret_type;
  secret->length = 0;
  luaL_setmetatable(L, hoopai_secret_type);
  hoopai_note_secret(L);
  memcpy(secret->bytes, bytes, length);
  secret->length = length;
}

static int push_checked(lua_State *L, const char *bytes, size_t length) {
  const char *problem = pasted_problem(bytes, length);
  if (!problem) problem = hoopai_token_problem(bytes, length);
  if (problem) return hoopai_problem(L, problem);
  hoopai_secret_push(L, bytes, length);
  return 1;
}

/* secret(string) -> Secret | nil, problem */
static int secret_new(lua_State *L) {
  size_t length;
  luaL_checktype(L, 1, LUA_TSTRING);
  const char *bytes = lua_tolstring(L, 1, &length);
  return push_checked(L, bytes, length);
}

/* secret_env(name) -> Secret | nil | nil, problem: an environment variable, which never becomes a Lua string */
static int secret_env(lua_State *L) {
  const char *value = getenv(luaL_checkstring(L, 1));
  if (!value || !*value) {
    lua_pushnil(L);
    return 1;
  }
  return push_checked(L, value, strlen(value));
}

static int secret_gc(lua_State *L) {
  wipe(hoopai_check(L, 1, hoopai_secret_type));
  return 0;
}

/* redact(text) -> the text with *** in place of the token, see redact.c */
static int secret_redact(lua_State *L) {
  size_t size;
  const char *bytes = hoopai_secret_bytes(L, 1, &size);
  luaL_checktype(L, 2, LUA_TSTRING);
  lua_settop(L, 2);
  hoopai_redact(L, 2, bytes, size);
  return 1;
}

/* The same for secrets in use, which may be closed. */
static int secret_redact_open(lua_State *L) {
  const struct secret *secret = hoopai_check(L, 1, hoopai_secret_type);
  if (secret->length > 0) return secret_redact(L);
  lua_settop(L, 2);
  return 1;
}

static int secret_tostring(lua_State *L) {
  lua_pushstring(L, hoopai_secret_type);
  return 1;
}

/* Compares in constant time for secrets of one length. Lua calls this for any two userdata of which one is a Secret. */
static int secret_eq(lua_State *L) {
  const struct secret *a = hoopai_test(L, 1, hoopai_secret_type);
  const struct secret *b = hoopai_test(L, 2, hoopai_secret_type);
  bool equal = a && b && a->length == b->length && a->length > 0;
  if (equal) {
    unsigned char difference = 0;
    for (size_t i = 0; i < a->length; i++) difference |= (unsigned char)(a->bytes[i] ^ b->bytes[i]);
    equal = difference == 0;
  }
  lua_pushboolean(L, equal);
  return 1;
}

void hoopai_open_secret(lua_State *L) {
  static const luaL_Reg methods[] = {{"redact", secret_redact}, {"close", secret_gc}, {NULL, NULL}};
  static const luaL_Reg metamethods[] = {
    {"__gc", secret_gc},
    {"__close", secret_gc},
    {"__tostring", secret_tostring},
    {"__eq", secret_eq},
    {HOOPAI_REDACT, secret_redact_open},
    {NULL, NULL},
  };
  static const luaL_Reg functions[] = {{"secret", secret_new}, {"secret_env", secret_env}, {NULL, NULL}};
  hoopai_new_type(L, hoopai_secret_type, methods, metamethods);
  luaL_setfuncs(L, functions, 0);
}
