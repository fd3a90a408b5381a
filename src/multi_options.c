/* The options of a multi. */
#include "multi.h"

#include <stdlib.h>
#include <string.h>

#define MAX_CONNECTIONS 10000
#define MAX_BYTES 1000000000

static char *copy_string(lua_State *L, const char *name) {
  size_t length;
  if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "option '%s' must be a string", name);
  const char *text = lua_tolstring(L, -1, &length);
  if (strlen(text) != length) luaL_error(L, "option '%s' holds a NUL byte", name);
  char *copy = malloc(length + 1);
  if (!copy) {
    luaL_error(L, "not enough memory");
    return NULL;
  }
  memcpy(copy, text, length + 1);
  return copy;
}

static lua_Integer positive_integer(lua_State *L, const char *name, lua_Integer most) {
  int whole;
  lua_Integer value = lua_tointegerx(L, -1, &whole);
  if (!whole) luaL_error(L, "option '%s' must be an integer", name);
  if (value < 1 || value > most) luaL_error(L, "option '%s' is out of range", name);
  return value;
}

static double positive_number(lua_State *L, const char *name) {
  int number;
  double value = lua_tonumberx(L, -1, &number);
  if (!number || !(value > 0)) luaL_error(L, "option '%s' must be a number above 0", name);
  return value;
}

/* Sets the option with the name at index -2 and the value on top of the stack. */
static void set_option(lua_State *L, struct hoopai_multi *multi) {
  if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "the options of a multi have names");
  const char *name = lua_tostring(L, -2);
  if (strcmp(name, "max_connections") == 0) multi->max_connections = (int)positive_integer(L, name, MAX_CONNECTIONS);
  else if (strcmp(name, "max_body") == 0) multi->max_body = (size_t)positive_integer(L, name, MAX_BYTES);
  else if (strcmp(name, "max_headers") == 0) multi->max_headers = (size_t)positive_integer(L, name, MAX_BYTES);
  else if (strcmp(name, "http2") == 0) multi->http2 = lua_toboolean(L, -1);
  else if (strcmp(name, "connect_timeout") == 0) multi->connect_timeout = positive_number(L, name);
  else if (strcmp(name, "ca_file") == 0) multi->ca_file = copy_string(L, name);
  else if (strcmp(name, "proxy") == 0) multi->proxy = copy_string(L, name);
  else if (strcmp(name, "user_agent") == 0) multi->user_agent = copy_string(L, name);
  else luaL_error(L, "unknown option '%s'", name);
}

void hoopai_multi_read_options(lua_State *L, struct hoopai_multi *multi) {
  multi->max_connections = 64;
  multi->http2 = true;
  multi->connect_timeout = 10;
  multi->max_body = 8 * 1024 * 1024;
  multi->max_headers = 64 * 1024;
  if (lua_isnoneornil(L, 1)) return;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    set_option(L, multi);
    lua_pop(L, 1);
  }
}

void hoopai_multi_free_options(struct hoopai_multi *multi) {
  if (multi->proxy) hoopai_wipe(multi->proxy, strlen(multi->proxy)); /* its URL may hold a password */
  free(multi->ca_file);
  free(multi->proxy);
  free(multi->user_agent);
  multi->ca_file = multi->proxy = multi->user_agent = NULL;
}
