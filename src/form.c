/* Bodies of the type application/x-www-form-urlencoded, encoded here so that the secrets in them never become Lua
   strings. A space is %20, which decoders that read "+" as a space accept as well. */
#include "form.h"
#include "secret.h"

#include <stdlib.h>

/* Name (odd) or value (even) number `i` of the list at an index. They live as long as the list. */
static const char *form_part(lua_State *L, int index, lua_Integer i, size_t *length) {
  int type = lua_rawgeti(L, index, i);
  const char *bytes = NULL;
  if (type == LUA_TSTRING) bytes = lua_tolstring(L, -1, length);
  else if (i % 2 == 0 && hoopai_test(L, -1, hoopai_secret_type)) bytes = hoopai_secret_bytes(L, lua_gettop(L), length);
  else luaL_error(L, i % 2 ? "a name of a form must be a string" : "a value of a form must be a string or a secret");
  lua_pop(L, 1);
  return bytes;
}

void hoopai_form_encode(lua_State *L, int index, char **form, size_t *length) {
  luaL_checktype(L, index, LUA_TTABLE);
  lua_Integer count = (lua_Integer)lua_rawlen(L, index);
  if (count % 2 != 0) luaL_error(L, "a form is a list of names and values");
  size_t size = 0, part = 0;
  for (lua_Integer i = 1; i <= count; i++) {
    const char *bytes = form_part(L, index, i, &part);
    size += hoopai_escaped_length(bytes, part, HOOPAI_PLAIN_URL) + 1;
  }
  char *at = *form = malloc(size + 1);
  if (!at) {
    luaL_error(L, "not enough memory");
    return;
  }
  for (lua_Integer i = 1; i <= count; i++) {
    const char *bytes = form_part(L, index, i, &part);
    if (i > 1) *at++ = i % 2 ? '&' : '=';
    at = hoopai_escape(at, bytes, part, HOOPAI_PLAIN_URL);
  }
  *at = 0;
  *length = (size_t)(at - *form);
}
