/* Shared by the files of the core. Only luaopen_hoopai_core is visible outside of the shared object. */
#ifndef HOOPAI_CORE_H
#define HOOPAI_CORE_H

#include <stdbool.h>
#include <stddef.h>

#include <lauxlib.h>
#include <lua.h>
#include <sys/types.h>

#if LUA_VERSION_NUM < 504 || LUA_VERSION_NUM > 505
#error "hoopai needs Lua 5.4 or 5.5"
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

#define HOOPAI_SECRET "hoopai.Secret"
#define HOOPAI_POLLER "hoopai.Poller"
#define HOOPAI_MULTI "hoopai.Multi"
#define HOOPAI_REQUEST "hoopai.Request"
#define HOOPAI_TRANSFER "hoopai.Transfer"
#define HOOPAI_LIMITER "hoopai.Limiter"

/* Bytes that grow. Zeroed memory is an empty buffer. */
struct hoopai_buffer {
  char *data;
  size_t length;
  size_t capacity;
};

/* Appends; false when there is no memory (the buffer is unchanged then). */
bool hoopai_append(struct hoopai_buffer *buffer, const void *data, size_t length);
void hoopai_buffer_free(struct hoopai_buffer *buffer);
/* Empties it for the next use; memory that is out of proportion is freed. */
void hoopai_buffer_reset(struct hoopai_buffer *buffer);

/* Overwrites memory in a way the compiler does not leave out. */
void hoopai_wipe(void *data, size_t length);

/* Seconds of a clock that is never set. */
double hoopai_now(void);

/* The process, to notice a fork. */
pid_t hoopai_pid(void);

/* Bytes of the system's generator, at most 256; raises when it gives none. */
void hoopai_random(lua_State *L, void *out, size_t length);

/* Unreserved characters of a URL (RFC 3986 2.3): all others are percent-encoded. */
bool hoopai_is_unreserved(unsigned char byte);

/* Writes %XX, in upper or lower case, and returns where it ends. */
char *hoopai_write_escape(char *at, unsigned char byte, bool upper);

/* The value of a hexadecimal digit, -1 for other bytes. */
int hoopai_hex_digit(char byte);

/* Creates the metatable of a type: methods in __index, closed by __metatable. Idempotent. */
void hoopai_new_type(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *metamethods);

/* Returns nil and a text to Lua. */
int hoopai_problem(lua_State *L, const char *problem);
/* The same with the system's reason, errno, behind the text. */
int hoopai_system_problem(lua_State *L, const char *problem);

/* The bytes of the Secret at a stack index; raises when it is none or closed. They live as long as the userdata. */
const char *hoopai_secret_bytes(lua_State *L, int index, size_t *length);
/* Why these bytes cannot stand in an Authorization header (RFC 6750 2.1), NULL when they can. Never quotes them. */
const char *hoopai_token_problem(const char *bytes, size_t length);
/* Pushes a Secret of bytes that have passed hoopai_token_problem. */
void hoopai_secret_push(lua_State *L, const char *bytes, size_t length);

/* Each adds its functions to the table on top of the stack and creates its types. */
void hoopai_open_http_date(lua_State *L);
void hoopai_open_json(lua_State *L);
void hoopai_open_limiter(lua_State *L);
void hoopai_open_multi(lua_State *L);
void hoopai_open_poller(lua_State *L);
void hoopai_open_record(lua_State *L);
void hoopai_open_request(lua_State *L);
void hoopai_open_secret(lua_State *L);
void hoopai_open_transfer(lua_State *L);
void hoopai_open_url(lua_State *L);
void hoopai_open_vault(lua_State *L);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
