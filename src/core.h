/* Shared by the files of the core. Only luaopen_hoopai_core is visible outside of the shared object.

   Three rules hold in every file. Comments elsewhere only name them.

   Memory: every Lua function that creates a value may raise "not enough memory", and malloc may return NULL. So memory
   of C belongs to a userdata with __gc before the next call that can raise: a userdata is zeroed, gets its metatable,
   and is filled last. A function that records the outcome of a request allocates nothing, so no outcome is lost.

   Finalisers: every Lua function that creates a value may run finalisers of the host, which may close or change any
   object. So an object is checked after the last such call, and its bytes are used before the next one. lua_close calls
   no __gc of what a finaliser makes meanwhile: closing.c does.

   Fork: a child process shares the sockets, the poll fd and the file locks of its parent. An object remembers the
   process that made it (hoopai_pid). In a child its methods raise, and its finaliser frees memory and closes
   descriptors only: libcurl is not called, and locks and connections of the parent stay as they are. */
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

#define HOOPAI_JSON_DEPTH 64 /* levels of nested JSON that are read and written */

/* Bytes that grow. Zeroed memory is an empty buffer. */
struct hoopai_buffer {
  char *data;
  size_t length;
  size_t capacity;
};

#define HOOPAI_CLOSING "the Lua state is being closed"

/* The bytes that percent-encoding leaves as they are. */
enum hoopai_plain {
  HOOPAI_PLAIN_URL,  /* the unreserved characters (RFC 3986 2.3) */
  HOOPAI_PLAIN_FILE, /* letters, digits, "_" and "-" */
  HOOPAI_PLAIN_LINE, /* visible ASCII but "%" */
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Appends; false when there is no memory (the buffer is unchanged then). */
bool hoopai_append(struct hoopai_buffer *buffer, const void *data, size_t length);
void hoopai_buffer_free(struct hoopai_buffer *buffer);
/* Empties a buffer for its next use. A large one is freed. */
void hoopai_buffer_reset(struct hoopai_buffer *buffer);

/* Overwrites memory; the compiler cannot leave this out. */
void hoopai_wipe(void *data, size_t length);

/* Seconds of the monotonic clock. */
double hoopai_now(void);

/* The id of this process (rule Fork). */
pid_t hoopai_pid(void);

/* Random bytes of the system, at most 256; raises when the system returns none. */
void hoopai_random(lua_State *L, void *out, size_t length);

/* Writes the two hexadecimal digits of a byte and returns their end. */
char *hoopai_write_hex(char *at, unsigned char byte, bool upper);
/* The value of a hexadecimal digit, -1 for other bytes. */
int hoopai_hex_digit(char byte);
/* The code unit of JSON's escape \uXXXX; `at` is behind the u. -1 if four digits do not follow. */
int hoopai_code_unit(const char *at, const char *end);

/* The length that bytes have once they are percent-encoded. */
size_t hoopai_escaped_length(const char *bytes, size_t length, enum hoopai_plain plain);
/* Writes bytes percent-encoded and returns their end. The digits are upper case, but for HOOPAI_PLAIN_LINE. */
char *hoopai_escape(char *at, const char *bytes, size_t length, enum hoopai_plain plain);
/* Decodes text, in place or into memory of its length; false for a byte that should have been encoded and for a
   malformed escape. */
bool hoopai_unescape(const char *text, size_t length, char *out, size_t *out_length, enum hoopai_plain plain);

/* The object of the userdata at an index, if the struct behind it begins with this pointer to the name of its type; else
   the first function returns NULL, and the second one raises. It is for objects that each request uses: with
   luaL_checkudata, which looks up the metatable by name, the 18 checks of a request took 6,400 of its 189,000
   instructions; they take 1,200. */
void *hoopai_test(lua_State *L, int index, const char *type);
void *hoopai_check(lua_State *L, int index, const char *type);

/* Creates the metatable of a type: methods in __index, closed by __metatable. Idempotent. */
void hoopai_new_type(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *metamethods);

/* Has the __gc of the userdata on top of the stack called when the lua_State ends, also if the userdata is made while the
   state closes. False when that call would come too late: then the userdata must open nothing. */
bool hoopai_own(lua_State *L);

/* Returns nil and a text to Lua. */
int hoopai_problem(lua_State *L, const char *problem);
/* The same, followed by the system's reason (errno). */
int hoopai_system_problem(lua_State *L, const char *problem);

/* Where a text holds a character that must not be there, such as "it ends in a space"; NULL if nowhere. Blanks within
   are odd in a token only, and so is all that is beyond ASCII. Never quotes the text. */
const char *hoopai_odd_character(const char *bytes, size_t length, bool is_token);

/* Each adds its functions to the table on top of the stack and creates its types. */
void hoopai_open_clock(lua_State *L);
void hoopai_open_closing(lua_State *L);
void hoopai_open_credentials(lua_State *L);
void hoopai_open_curl_compat(lua_State *L);
void hoopai_open_fork(lua_State *L);
void hoopai_open_headers(lua_State *L);
void hoopai_open_http_date(lua_State *L);
void hoopai_open_json_decode(lua_State *L);
void hoopai_open_json_encode(lua_State *L);
void hoopai_open_multi(lua_State *L);
void hoopai_open_poller(lua_State *L);
void hoopai_open_random(lua_State *L);
void hoopai_open_rate_limiter(lua_State *L);
void hoopai_open_redact(lua_State *L);
void hoopai_open_request(lua_State *L);
void hoopai_open_secret(lua_State *L);
void hoopai_open_token_file(lua_State *L);
void hoopai_open_token_response(lua_State *L);
void hoopai_open_transfer(lua_State *L);
void hoopai_open_url(lua_State *L);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
