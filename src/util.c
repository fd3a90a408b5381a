/* Shared by the files of the core: buffers, wiped memory, hexadecimal digits, percent-encoding, metatables. */
#define _GNU_SOURCE
#include "core.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* -- Memory ---------------------------------------------------------------------------------- */

bool hoopai_append(struct hoopai_buffer *buffer, const void *data, size_t length) {
  if (length > buffer->capacity - buffer->length) {
    size_t needed = buffer->length + length;
    size_t capacity = buffer->capacity < 1024 ? 1024 : buffer->capacity;
    if (needed < length || needed > SIZE_MAX / 2) return false;
    while (capacity < needed) capacity *= 2;
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

#define MAX_KEPT (256 * 1024)

void hoopai_buffer_reset(struct hoopai_buffer *buffer) {
  buffer->length = 0;
  if (buffer->capacity > MAX_KEPT) hoopai_buffer_free(buffer);
}

void hoopai_wipe(void *data, size_t length) {
  static void *(*const volatile fill)(void *, int, size_t) = memset;
  if (length > 0) fill(data, 0, length);
}

/* -- Encodings ------------------------------------------------------------------------------- */

char *hoopai_write_hex(char *at, unsigned char byte, bool upper) {
  const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
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

int hoopai_code_unit(const char *at, const char *end) {
  int unit = 0;
  if (end - at < 4) return -1;
  for (int i = 0; i < 4; i++) {
    int digit = hoopai_hex_digit(at[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

static bool is_plain(unsigned char byte, enum hoopai_plain plain) {
  if (plain == HOOPAI_PLAIN_LINE) return byte > 0x20 && byte < 0x7f && byte != '%';
  if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9')) return true;
  return byte == '-' || byte == '_' || (plain == HOOPAI_PLAIN_URL && (byte == '.' || byte == '~'));
}

size_t hoopai_escaped_length(const char *bytes, size_t length, enum hoopai_plain plain) {
  size_t size = length;
  for (size_t i = 0; i < length; i++) size += is_plain((unsigned char)bytes[i], plain) ? 0 : 2;
  return size;
}

char *hoopai_escape(char *at, const char *bytes, size_t length, enum hoopai_plain plain) {
  for (size_t i = 0; i < length; i++) {
    unsigned char byte = (unsigned char)bytes[i];
    if (is_plain(byte, plain)) {
      *at++ = (char)byte;
    } else {
      *at++ = '%';
      at = hoopai_write_hex(at, byte, plain != HOOPAI_PLAIN_LINE);
    }
  }
  return at;
}

bool hoopai_unescape(const char *text, size_t length, char *out, size_t *out_length, enum hoopai_plain plain) {
  size_t used = 0;
  for (size_t i = 0; i < length; i++) {
    if (text[i] != '%') {
      if (!is_plain((unsigned char)text[i], plain)) return false;
      out[used++] = text[i];
      continue;
    }
    int high = length - i > 2 ? hoopai_hex_digit(text[i + 1]) : -1;
    int low = high < 0 ? -1 : hoopai_hex_digit(text[i + 2]);
    if (low < 0) return false;
    out[used++] = (char)(high * 16 + low);
    i += 2;
  }
  *out_length = used;
  return true;
}

/* -- Lua ------------------------------------------------------------------------------------- */

void hoopai_new_type(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *metamethods) {
  /* An existing metatable is filled as well: a load that ran out of memory may have left it incomplete. */
  luaL_newmetatable(L, name);
  luaL_setfuncs(L, metamethods, 0);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}

void *hoopai_test(lua_State *L, int index, const char *type) {
  void *object = lua_touserdata(L, index);
  if (!object || lua_rawlen(L, index) < sizeof type) return NULL; /* a light userdata has the length 0 */
  return *(const char *const *)object == type ? object : NULL;
}

void *hoopai_check(lua_State *L, int index, const char *type) {
  void *object = hoopai_test(L, index, type);
  return object ? object : luaL_checkudata(L, index, type);
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
