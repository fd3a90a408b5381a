/* What the files of the core share: buffers, memory that is wiped, the clock, randomness, escapes, metatables. */
#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* -------------------------------------------------------------------------------------------------------------- memory */

bool hoopai_append(struct hoopai_buffer *buffer, const void *data, size_t length) {
  if (length > buffer->capacity - buffer->length) {
    size_t wanted = buffer->length + length;
    size_t capacity = buffer->capacity < 1024 ? 1024 : buffer->capacity;
    if (wanted < length || wanted > SIZE_MAX / 2) return false;
    while (capacity < wanted) capacity *= 2;
    char *grown = realloc(buffer->data, capacity);
    if (!grown) return false;
    buffer->data = grown;
    buffer->capacity = capacity;
  }
  if (length > 0) memcpy(buffer->data + buffer->length, data, length);
  buffer->length += length;
  return true;
}

void hoopai_buffer_free(struct hoopai_buffer *buffer) {
  free(buffer->data);
  memset(buffer, 0, sizeof *buffer);
}

#define KEPT (256 * 1024)

void hoopai_buffer_reset(struct hoopai_buffer *buffer) {
  buffer->length = 0;
  if (buffer->capacity > KEPT) hoopai_buffer_free(buffer);
}

void hoopai_wipe(void *data, size_t length) {
  static void *(*const volatile fill)(void *, int, size_t) = memset;
  if (length > 0) fill(data, 0, length);
}

/* ------------------------------------------------------------------------------------------------ clock and randomness */

double hoopai_now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The system's generator, so that a host's math.random sequence stays as it is. */
void hoopai_random(lua_State *L, void *out, size_t length) {
#if defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__)
  (void)L;
  arc4random_buf(out, length);
#else
  if (getentropy(out, length) != 0) luaL_error(L, "the system gave no random bytes: %s", strerror(errno));
#endif
}

/* ------------------------------------------------------------------------------------------------------------- escapes */

bool hoopai_is_unreserved(unsigned char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '-' ||
         byte == '.' || byte == '_' || byte == '~';
}

char *hoopai_write_escape(char *at, unsigned char byte, bool upper) {
  const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  *at++ = '%';
  *at++ = digits[byte >> 4];
  *at++ = digits[byte & 15];
  return at;
}

int hoopai_hex_digit(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

/* ----------------------------------------------------------------------------------------------------------------- Lua */

void hoopai_new_type(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *metamethods) {
  /* Filled also when it is there: a load that ran out of memory may have left it half done. */
  luaL_newmetatable(L, name);
  luaL_setfuncs(L, metamethods, 0);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

int hoopai_problem(lua_State *L, const char *problem) {
  lua_pushnil(L);
  lua_pushstring(L, problem);
  return 2;
}

int hoopai_system_problem(lua_State *L, const char *problem) {
  const char *reason = strerror(errno);
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", problem, reason);
  return 2;
}
