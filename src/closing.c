/* What must end with the lua_State. lua_close calls no __gc of a userdata that a finaliser makes meanwhile. So each
   userdata with descriptors is also a value of a weak table, whose owner is older than all of them and is thus finalised
   last: the owner calls the __gc of those that are left. */
#include "core.h"

#define HOOPAI_OWNER "hoopai.Owner"

static const char owned_key = 0; /* its address is the key of the weak table in the registry */

bool hoopai_own(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &owned_key) != LUA_TTABLE) {
    lua_pop(L, 1);
    return false;
  }
  lua_pushvalue(L, -2);
  lua_rawsetp(L, -2, lua_touserdata(L, -3));
  lua_pop(L, 1);
  return true;
}

static int owner_gc(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &owned_key) != LUA_TTABLE) return 0;
  lua_pushboolean(L, 0);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &owned_key); /* from now on nothing is opened */
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    if (luaL_getmetafield(L, -1, "__gc") != LUA_TNIL) {
      lua_pushvalue(L, -2);
      if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  return 0;
}

/* To be called before a userdata with a finaliser is made. */
void hoopai_open_closing(lua_State *L) {
  static const luaL_Reg methods[] = {{NULL, NULL}};
  static const luaL_Reg metamethods[] = {{"__gc", owner_gc}, {NULL, NULL}};
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &owned_key) == LUA_TNIL) {
    hoopai_new_type(L, HOOPAI_OWNER, methods, metamethods);
    lua_newuserdatauv(L, 0, 0);
    luaL_setmetatable(L, HOOPAI_OWNER);
    lua_setfield(L, LUA_REGISTRYINDEX, HOOPAI_OWNER "s");
    lua_newtable(L);
    lua_newtable(L);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &owned_key);
  }
  lua_pop(L, 1);
}
