/* Random numbers of the system: the sequence of the host's math.random stays as it is. */
#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void hoopai_random(lua_State *L, void *out, size_t length) {
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__)
  (void)L;
  arc4random_buf(out, length);
#else
  if (getentropy(out, length) != 0) luaL_error(L, "the system gave no random bytes: %s", strerror(errno));
#endif
}

/* random() -> a float from 0 up to 1 */
static int core_random(lua_State *L) {
  uint64_t bits;
  hoopai_random(L, &bits, sizeof bits);
  lua_pushnumber(L, (double)(bits >> 11) / 9007199254740992.0);
  return 1;
}

/* random_hex(n) -> 2n hexadecimal digits, n up to 64 */
static int core_random_hex(lua_State *L) {
  lua_Integer count = luaL_checkinteger(L, 1);
  luaL_argcheck(L, count >= 1 && count <= 64, 1, "1 to 64 expected");
  unsigned char bytes[64];
  char text[128], *at = text;
  hoopai_random(L, bytes, sizeof bytes);
  for (lua_Integer i = 0; i < count; i++) at = hoopai_write_hex(at, bytes[i], false);
  lua_pushlstring(L, text, (size_t)(at - text));
  return 1;
}

void hoopai_open_random(lua_State *L) {
  static const luaL_Reg functions[] = {{"random", core_random}, {"random_hex", core_random_hex}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
