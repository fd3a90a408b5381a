/* hoopai.Credentials: fields, their packed form, and the userdata. The secrets among them never become Lua strings. */
#include "credentials.h"
#include "redact.h"
#include "secret.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOOPAI_CREDENTIALS "hoopai.Credentials"
#define MAX_VALUE (64 * 1024)

/* -- Fields ---------------------------------------------------------------------------------- */

bool hoopai_is_secret_name(const char *name) {
  static const char *const names[] = {
    "access_token", "client_secret", "code", "code_verifier", "id_token", "refresh_token",
  };
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(names[i], name) == 0) return true;
  }
  return false;
}

bool hoopai_is_field_name(const char *name, size_t length) {
  if (length == 0 || length >= HOOPAI_FIELD_NAME) return false;
  for (size_t i = 0; i < length; i++) {
    char byte = name[i];
    if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') && byte != '_') return false;
  }
  return true;
}

/* The packed form has one line per field: "name=value", percent-encoded, and "!name=value" for a secret. The last line
   proves that the text is complete, and its checksum that it was not overwritten in part. */
static const char packed_head[] = "hoopai-record 1\n";
static const char tail[] = "end ";
#define TAIL_SIZE (sizeof tail - 1 + 16 + 1)
#define EMPTY_SIZE (sizeof packed_head - 1 + TAIL_SIZE)

/* The size of the line "!name=value\n" in the packed form. */
static size_t line_size(const char *name, const char *bytes, size_t length, bool secret) {
  return strlen(name) + 2 + (secret ? 1 : 0) + hoopai_escaped_length(bytes, length, HOOPAI_PLAIN_LINE);
}

const struct hoopai_field *hoopai_credentials_find(const struct hoopai_credentials *credentials, const char *name) {
  for (int i = 0; i < credentials->count; i++) {
    if (strcmp(credentials->fields[i].name, name) == 0) return &credentials->fields[i];
  }
  return NULL;
}

static void free_field(struct hoopai_field *field) {
  hoopai_wipe(field->bytes, field->length);
  free(field->bytes);
}

void hoopai_credentials_clear(struct hoopai_credentials *credentials) {
  while (credentials->count > 0) {
    struct hoopai_field *field = &credentials->fields[--credentials->count];
    if (credentials->frozen) hoopai_wipe(field->bytes, field->length);
    else free_field(field);
  }
  credentials->size = EMPTY_SIZE;
}

/* Moves the values into a userdata: lua_close calls no finaliser of credentials that are made while the state closes,
   but frees their user values. */
int hoopai_credentials_freeze(lua_State *L, int index) {
  struct hoopai_credentials *credentials = luaL_checkudata(L, index, HOOPAI_CREDENTIALS);
  size_t total = 1;
  for (int i = 0; i < credentials->count; i++) total += credentials->fields[i].length + 1;
  char *at = lua_newuserdatauv(L, total, 0);
  for (int i = 0; i < credentials->count; i++) {
    struct hoopai_field *field = &credentials->fields[i];
    memcpy(at, field->bytes, field->length + 1);
    free_field(field);
    field->bytes = at;
    at += field->length + 1;
  }
  credentials->frozen = true;
  lua_setiuservalue(L, index, 1);
  lua_pushvalue(L, index);
  return 1;
}

static void remove_field(struct hoopai_credentials *credentials, const char *name) {
  const struct hoopai_field *found = hoopai_credentials_find(credentials, name);
  if (!found) return;
  int at = (int)(found - credentials->fields);
  credentials->size -= line_size(name, found->bytes, found->length, found->secret);
  free_field(&credentials->fields[at]);
  memmove(&credentials->fields[at], found + 1, (size_t)(credentials->count - at - 1) * sizeof *found);
  credentials->count--;
}

static char *copy_bytes(const char *bytes, size_t length) {
  char *copy = malloc(length + 1);
  if (!copy) return NULL;
  if (length > 0) memcpy(copy, bytes, length);
  copy[length] = 0;
  return copy;
}

static const char no_memory[] = "not enough memory";

const char *hoopai_credentials_set(struct hoopai_credentials *credentials, const char *name, const char *bytes,
                                   size_t length, bool secret) {
  secret = secret || hoopai_is_secret_name(name);
  const char *problem = secret ? hoopai_token_problem(bytes, length) : NULL;
  if (problem) return problem;
  if (length > MAX_VALUE) return "it is longer than 64 KiB";
  const struct hoopai_field *old = hoopai_credentials_find(credentials, name);
  size_t size = credentials->size + line_size(name, bytes, length, secret);
  if (old) size -= line_size(name, old->bytes, old->length, old->secret);
  if (size > HOOPAI_MAX_PACKED) return "with it the record is larger than 256 KiB";
  if (!old && credentials->count == HOOPAI_MAX_FIELDS) return "the record has 24 fields already";
  char *copy = copy_bytes(bytes, length);
  if (!copy) return no_memory;
  remove_field(credentials, name);
  int at = 0;
  while (at < credentials->count && strcmp(credentials->fields[at].name, name) < 0) at++;
  struct hoopai_field *field = &credentials->fields[at];
  memmove(field + 1, field, (size_t)(credentials->count - at) * sizeof *field);
  credentials->count++;
  credentials->size = size;
  memcpy(field->name, name, strlen(name) + 1);
  field->bytes = copy;
  field->length = length;
  field->secret = secret;
  return NULL;
}

/* -- Packed form ----------------------------------------------------------------------------- */

/* FNV-1a: it detects accidents, not forgery. */
static uint64_t sum_of(const char *bytes, size_t length) {
  uint64_t sum = 14695981039346656037u;
  for (size_t i = 0; i < length; i++) sum = (sum ^ (unsigned char)bytes[i]) * 1099511628211u;
  return sum;
}

static char *put(char *at, const char *bytes, size_t length) {
  memcpy(at, bytes, length);
  return at + length;
}

static char *put_field(char *at, const struct hoopai_field *field) {
  if (field->secret) *at++ = '!';
  at = put(at, field->name, strlen(field->name));
  *at++ = '=';
  at = hoopai_escape(at, field->bytes, field->length, HOOPAI_PLAIN_LINE);
  *at++ = '\n';
  return at;
}

static void format_tail(char *out, const char *bytes, size_t length) {
  snprintf(out, TAIL_SIZE + 1, "%s%016" PRIx64 "\n", tail, sum_of(bytes, length));
}

void hoopai_credentials_pack(const struct hoopai_credentials *credentials, char *out) {
  char last[TAIL_SIZE + 1];
  char *at = put(out, packed_head, sizeof packed_head - 1);
  for (int i = 0; i < credentials->count; i++) at = put_field(at, &credentials->fields[i]);
  format_tail(last, out, (size_t)(at - out));
  put(at, last, TAIL_SIZE);
}

static const char *unpack_line(struct hoopai_credentials *credentials, const char *line, size_t size, char *scratch) {
  static const char malformed[] = "it is malformed";
  char name[HOOPAI_FIELD_NAME];
  bool secret = size > 0 && *line == '!';
  const char *start = line + (secret ? 1 : 0), *end = line + size;
  const char *equals = memchr(start, '=', (size_t)(end - start));
  size_t length = equals ? (size_t)(equals - start) : 0;
  if (!equals || !hoopai_is_field_name(start, length)) return malformed;
  memcpy(name, start, length);
  name[length] = 0;
  if (hoopai_credentials_find(credentials, name)) return malformed;
  if (!hoopai_unescape(equals + 1, (size_t)(end - equals - 1), scratch, &length, HOOPAI_PLAIN_LINE)) return malformed;
  return hoopai_credentials_set(credentials, name, scratch, length, secret);
}

static const char *unpack_lines(struct hoopai_credentials *credentials, const char *at, const char *end,
                                char *scratch) {
  const char *problem = NULL;
  while (at < end && !problem) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    if (!newline) return "it is malformed";
    problem = unpack_line(credentials, at, (size_t)(newline - at), scratch);
    at = newline + 1;
  }
  return problem;
}

const char *hoopai_credentials_unpack(struct hoopai_credentials *credentials, const char *bytes, size_t length) {
  char last[TAIL_SIZE + 1];
  const size_t version = sizeof packed_head - 3; /* the offset of the version number */
  if (length > HOOPAI_MAX_PACKED) return "it is larger than 256 KiB";
  if (length < version || memcmp(bytes, packed_head, version) != 0)
    return "it is no record of this library, or cut off";
  if (length < sizeof packed_head - 1) return "it is cut off";
  if (memcmp(bytes, packed_head, sizeof packed_head - 1) != 0)
    return "it was written by another version of this library";
  if (length < EMPTY_SIZE) return "it is cut off";
  const char *end = bytes + length - TAIL_SIZE;
  if (memcmp(end, tail, sizeof tail - 1) != 0 || bytes[length - 1] != '\n') return "it is cut off";
  format_tail(last, bytes, length - TAIL_SIZE);
  if (memcmp(end, last, TAIL_SIZE) != 0) return "it is damaged";
  char *scratch = malloc(length);
  if (!scratch) return no_memory;
  const char *problem = unpack_lines(credentials, bytes + sizeof packed_head - 1, end, scratch);
  hoopai_wipe(scratch, length);
  free(scratch);
  return problem;
}

/* -- hoopai.Credentials ---------------------------------------------------------------------- */

struct hoopai_credentials *hoopai_credentials_push(lua_State *L) {
  struct hoopai_credentials *credentials = lua_newuserdatauv(L, sizeof *credentials, 1);
  memset(credentials, 0, sizeof *credentials);
  credentials->size = EMPTY_SIZE;
  luaL_setmetatable(L, HOOPAI_CREDENTIALS);
  hoopai_note_secret(L);
  return credentials;
}

const struct hoopai_credentials *hoopai_credentials_check(lua_State *L, int index) {
  const struct hoopai_credentials *credentials = luaL_checkudata(L, index, HOOPAI_CREDENTIALS);
  if (credentials->closed) luaL_error(L, "attempt to use closed credentials");
  return credentials;
}

/* The bytes of the value on top of the stack, which stays there. */
static const char *check_value(lua_State *L, const char *name, size_t *length, bool *secret) {
  *secret = hoopai_test(L, -1, hoopai_secret_type) != NULL;
  if (*secret) return hoopai_secret_bytes(L, lua_gettop(L), length);
  if (lua_type(L, -1) == LUA_TBOOLEAN) {
    const char *text = lua_toboolean(L, -1) ? "true" : "false";
    *length = strlen(text);
    return text;
  }
  if (lua_type(L, -1) != LUA_TSTRING && !lua_isinteger(L, -1)) {
    luaL_error(L, "field '%s' of credentials must be a string, an integer, a boolean or a secret", name);
  }
  return lua_tolstring(L, -1, length);
}

/* The name of the field at index -2, within a loop of lua_next. */
static const char *check_name(lua_State *L) {
  size_t length = 0;
  const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &length) : NULL;
  if (!name || !hoopai_is_field_name(name, length)) {
    luaL_error(L, "the fields of credentials are named by 1 to 31 of a-z, 0-9 and _");
  }
  return name;
}

static bool is_false(lua_State *L, int index) {
  return lua_isboolean(L, index) && !lua_toboolean(L, index);
}

/* Removes the fields that are false in the table at `index`. */
static void remove_fields(lua_State *L, struct hoopai_credentials *credentials, int index) {
  lua_pushnil(L);
  while (lua_next(L, index)) {
    const char *name = check_name(L);
    if (is_false(L, -1)) remove_field(credentials, name);
    lua_pop(L, 1);
  }
}

/* Sets the fields of the table at `index`. */
static void set_fields(lua_State *L, struct hoopai_credentials *credentials, int index, bool without_false) {
  lua_pushnil(L);
  while (lua_next(L, index)) {
    size_t length;
    bool secret;
    const char *name = check_name(L);
    if (!without_false || !is_false(L, -1)) {
      const char *bytes = check_value(L, name, &length, &secret);
      const char *problem = hoopai_credentials_set(credentials, name, bytes, length, secret);
      if (problem) luaL_error(L, "field '%s' of a record cannot be set: %s", name, problem);
    }
    lua_pop(L, 1);
  }
}

/* credentials(table) -> Credentials */
static int credentials_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  struct hoopai_credentials *credentials = hoopai_credentials_push(L);
  set_fields(L, credentials, 1, false);
  return hoopai_credentials_freeze(L, 2);
}

/* unpack_credentials(string) -> Credentials | nil, problem */
static int credentials_unpack(lua_State *L) {
  size_t length;
  luaL_checktype(L, 1, LUA_TSTRING);
  const char *bytes = lua_tolstring(L, 1, &length);
  struct hoopai_credentials *credentials = hoopai_credentials_push(L);
  const char *problem = hoopai_credentials_unpack(credentials, bytes, length);
  if (problem) hoopai_credentials_clear(credentials);
  return problem ? hoopai_problem(L, problem) : hoopai_credentials_freeze(L, lua_gettop(L));
}

/* get(name) -> string | Secret | nil */
static int credentials_get(lua_State *L) {
  const struct hoopai_credentials *credentials = hoopai_credentials_check(L, 1);
  luaL_checktype(L, 2, LUA_TSTRING);
  const struct hoopai_field *field = hoopai_credentials_find(credentials, lua_tostring(L, 2));
  if (!field) lua_pushnil(L);
  else if (field->secret) hoopai_secret_push(L, field->bytes, field->length);
  else lua_pushlstring(L, field->bytes, field->length);
  (void)hoopai_credentials_check(L, 1); /* again: rule Finalisers */
  return 1;
}

/* number(name) -> the value of a field as a number; nil if it is missing, a secret or no number */
static int credentials_number(lua_State *L) {
  (void)credentials_get(L);
  size_t length;
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &length) : NULL;
  if (!text || lua_stringtonumber(L, text) != length + 1) lua_pushnil(L);
  return 1;
}

/* with(table) -> new Credentials with these fields changed; false removes a field */
static int credentials_with(lua_State *L) {
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  struct hoopai_credentials *changed = hoopai_credentials_push(L);
  const struct hoopai_credentials *credentials = hoopai_credentials_check(L, 1); /* last: rule Finalisers */
  for (int i = 0; i < credentials->count; i++) {
    const struct hoopai_field *field = &credentials->fields[i];
    const char *problem = hoopai_credentials_set(changed, field->name, field->bytes, field->length, field->secret);
    if (problem) return luaL_error(L, "%s", problem);
  }
  remove_fields(L, changed, 2); /* first, to make room */
  set_fields(L, changed, 2, true);
  return hoopai_credentials_freeze(L, 3);
}

/* pack_credentials(Credentials) -> the packed form, with the secrets, for stores that keep strings. It is no method, as a
   script that got hold of credentials must not read them. */
static int credentials_pack(lua_State *L) {
  const struct hoopai_credentials *credentials = hoopai_credentials_check(L, 1);
  luaL_Buffer out;
  char *bytes = luaL_buffinitsize(L, &out, credentials->size);
  hoopai_credentials_pack(hoopai_credentials_check(L, 1), bytes); /* again: rule Finalisers */
  luaL_pushresultsize(&out, credentials->size);
  return 1;
}

/* redact(text) -> the text with *** in place of the secrets, see redact.c. Closed credentials, and those that are not
   complete yet, hide nothing. */
static int credentials_redact(lua_State *L) {
  const struct hoopai_credentials *credentials = luaL_checkudata(L, 1, HOOPAI_CREDENTIALS);
  luaL_checktype(L, 2, LUA_TSTRING);
  lua_settop(L, 2);
  for (int i = 0; credentials->frozen && i < credentials->count; i++) {
    const struct hoopai_field *field = &credentials->fields[i];
    if (field->secret) hoopai_redact(L, 2, field->bytes, field->length);
  }
  return 1;
}

/* close(): wipes the fields. Idempotent; __gc and __close too. */
static int credentials_close(lua_State *L) {
  struct hoopai_credentials *credentials = luaL_checkudata(L, 1, HOOPAI_CREDENTIALS);
  hoopai_credentials_clear(credentials);
  credentials->closed = true;
  return 0;
}

static int credentials_tostring(lua_State *L) {
  lua_pushliteral(L, HOOPAI_CREDENTIALS);
  return 1;
}

void hoopai_open_credentials(lua_State *L) {
  static const luaL_Reg methods[] = {
    {"get", credentials_get},       {"number", credentials_number}, {"with", credentials_with},
    {"redact", credentials_redact}, {"close", credentials_close},   {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {
    {"__gc", credentials_close},
    {"__close", credentials_close},
    {"__tostring", credentials_tostring},
    {HOOPAI_REDACT, credentials_redact},
    {NULL, NULL},
  };
  static const luaL_Reg functions[] = {
    {"credentials", credentials_new},
    {"unpack_credentials", credentials_unpack},
    {"pack_credentials", credentials_pack},
    {NULL, NULL},
  };
  hoopai_new_type(L, HOOPAI_CREDENTIALS, methods, metamethods);
  luaL_setfuncs(L, functions, 0);
}
