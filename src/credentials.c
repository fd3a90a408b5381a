/* Grants whose tokens go from the socket to a store and back without becoming Lua values. */
#include "credentials.h"

#include "multi.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VALUE (64 * 1024)
#define MAX_PUBLIC (16 * 1024) /* of an answer's field; what is longer is no use to anybody */
#define MAX_NESTING 16

/* Names whose values are secret wherever they come from. */
static const char *const secret_names[] = {
  "access_token", "client_secret", "code", "code_verifier", "id_token", "refresh_token", NULL,
};

/* What else of an answer always finds a place, however much a server adds to it. */
static const char *const known_names[] = {
  "company_id",
  "error",
  "error_description",
  "expires_in",
  "is_bulk_installation",
  "location_id",
  "message",
  "scope",
  "status_code",
  "token_type",
  "user_id",
  "user_type",
  NULL,
};
#define MAX_OTHERS 6 /* 6 secret, 12 known and 6 other names fill a record */

static bool is_listed(const char *const *names, const char *name) {
  while (*names && strcmp(*names, name) != 0) names++;
  return *names != NULL;
}

/* ------------------------------------------------------------------------------------------------------------ fields */

static bool is_name(const char *name, size_t length) {
  if (length == 0 || length >= HOOPAI_RECORD_NAME) return false;
  for (size_t i = 0; i < length; i++) {
    char byte = name[i];
    if (!(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') && byte != '_') return false;
  }
  return true;
}

static bool is_plain(unsigned char byte) {
  return byte > 0x20 && byte < 0x7f && byte != '%';
}

/* Of the line "!name=value\n" in the packed form. */
static size_t line_size(const char *name, const char *bytes, size_t length, bool secret) {
  size_t size = strlen(name) + 2 + (secret ? 1 : 0);
  for (size_t i = 0; i < length; i++) size += is_plain((unsigned char)bytes[i]) ? 1 : 3;
  return size;
}

static const struct hoopai_field *find(const struct hoopai_record *record, const char *name) {
  for (int i = 0; i < record->count; i++) {
    if (strcmp(record->fields[i].name, name) == 0) return &record->fields[i];
  }
  return NULL;
}

static void free_field(struct hoopai_field *field) {
  hoopai_wipe(field->bytes, field->length);
  free(field->bytes);
}

static void free_fields(struct hoopai_record *record) {
  while (record->count > 0) {
    struct hoopai_field *field = &record->fields[--record->count];
    if (record->settled) hoopai_wipe(field->bytes, field->length);
    else free_field(field);
  }
}

/* The values of a finished record move into memory of Lua's, which lua_close frees also where it calls no finaliser: for
   what is created by a finaliser while the state closes. */
int hoopai_record_settle(lua_State *L, int index) {
  struct hoopai_record *record = luaL_checkudata(L, index, HOOPAI_RECORD);
  size_t total = 1;
  for (int i = 0; i < record->count; i++) total += record->fields[i].length + 1;
  char *at = lua_newuserdatauv(L, total, 0);
  for (int i = 0; i < record->count; i++) {
    struct hoopai_field *field = &record->fields[i];
    memcpy(at, field->bytes, field->length + 1);
    free_field(field);
    field->bytes = at;
    at += field->length + 1;
  }
  record->settled = true;
  lua_setiuservalue(L, index, 1);
  lua_pushvalue(L, index);
  return 1;
}

static void remove_field(struct hoopai_record *record, const char *name) {
  const struct hoopai_field *found = find(record, name);
  if (!found) return;
  int at = (int)(found - record->fields);
  record->size -= line_size(name, found->bytes, found->length, found->secret);
  free_field(&record->fields[at]);
  memmove(&record->fields[at], found + 1, (size_t)(record->count - at - 1) * sizeof *found);
  record->count--;
}

static char *copy_bytes(const char *bytes, size_t length) {
  char *copy = malloc(length + 1);
  if (!copy) return NULL;
  if (length > 0) memcpy(copy, bytes, length);
  copy[length] = 0;
  return copy;
}

static const char no_memory[] = "not enough memory";

/* Sets a field whose name is valid. Returns a problem, which never quotes the value, or NULL. */
static const char *set_field(struct hoopai_record *record, const char *name, const char *bytes, size_t length,
                             bool secret) {
  secret = secret || is_listed(secret_names, name);
  const char *problem = secret ? hoopai_token_problem(bytes, length) : NULL;
  if (problem) return problem;
  if (length > MAX_VALUE) return "it is longer than 64 KiB";
  const struct hoopai_field *old = find(record, name);
  size_t size = record->size + line_size(name, bytes, length, secret);
  if (old) size -= line_size(name, old->bytes, old->length, old->secret);
  if (size > HOOPAI_RECORD_SIZE) return "with it the record is larger than 256 KiB";
  if (!old && record->count == HOOPAI_RECORD_FIELDS) return "the record has 24 fields already";
  char *copy = copy_bytes(bytes, length);
  if (!copy) return no_memory;
  remove_field(record, name);
  int at = 0;
  while (at < record->count && strcmp(record->fields[at].name, name) < 0) at++;
  struct hoopai_field *field = &record->fields[at];
  memmove(field + 1, field, (size_t)(record->count - at) * sizeof *field);
  record->count++;
  record->size = size;
  memcpy(field->name, name, strlen(name) + 1);
  field->bytes = copy;
  field->length = length;
  field->secret = secret;
  return NULL;
}

/* ------------------------------------------------------------------------------------------------------- packed form */

/* One line a field, "name=value" with %xx for what could break a line, "!name=value" for a secret. The last line tells
   a whole record from a torn one, and its sum one that was overwritten halfway. */
static const char packed_head[] = "hoopai-record 1\n";
static const char tail[] = "end ";
#define TAIL_SIZE (sizeof tail - 1 + 16 + 1)
#define EMPTY_SIZE (sizeof packed_head - 1 + TAIL_SIZE)

/* FNV-1a: against accidents, not against people. */
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
  for (size_t i = 0; i < field->length; i++) {
    unsigned char byte = (unsigned char)field->bytes[i];
    if (is_plain(byte)) *at++ = (char)byte;
    else at = hoopai_write_escape(at, byte, false);
  }
  *at++ = '\n';
  return at;
}

static void format_tail(char *out, const char *bytes, size_t length) {
  snprintf(out, TAIL_SIZE + 1, "%s%016" PRIx64 "\n", tail, sum_of(bytes, length));
}

void hoopai_record_pack(const struct hoopai_record *record, char *out) {
  char last[TAIL_SIZE + 1];
  char *at = put(out, packed_head, sizeof packed_head - 1);
  for (int i = 0; i < record->count; i++) at = put_field(at, &record->fields[i]);
  format_tail(last, out, (size_t)(at - out));
  put(at, last, TAIL_SIZE);
}

/* Undoes %xx into memory as long as the text; false when the text is none of ours. */
static bool unpack_value(const char *text, size_t size, char *out, size_t *length) {
  size_t used = 0;
  for (size_t i = 0; i < size; i++) {
    if (text[i] != '%') {
      if (!is_plain((unsigned char)text[i])) return false;
      out[used++] = text[i];
      continue;
    }
    int high = size - i > 2 ? hoopai_hex_digit(text[i + 1]) : -1, low = high < 0 ? -1 : hoopai_hex_digit(text[i + 2]);
    if (low < 0) return false;
    out[used++] = (char)(high * 16 + low);
    i += 2;
  }
  *length = used;
  return true;
}

static const char *unpack_line(struct hoopai_record *record, const char *line, size_t size, char *scratch) {
  static const char malformed[] = "it is malformed";
  char name[HOOPAI_RECORD_NAME];
  bool secret = size > 0 && *line == '!';
  const char *start = line + (secret ? 1 : 0), *end = line + size;
  const char *equals = memchr(start, '=', (size_t)(end - start));
  size_t length = equals ? (size_t)(equals - start) : 0;
  if (!equals || !is_name(start, length)) return malformed;
  memcpy(name, start, length);
  name[length] = 0;
  if (find(record, name)) return malformed;
  if (!unpack_value(equals + 1, (size_t)(end - equals - 1), scratch, &length)) return malformed;
  return set_field(record, name, scratch, length, secret);
}

static const char *unpack_lines(struct hoopai_record *record, const char *at, const char *end, char *scratch) {
  const char *problem = NULL;
  while (at < end && !problem) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    if (!newline) return "it is malformed";
    problem = unpack_line(record, at, (size_t)(newline - at), scratch);
    at = newline + 1;
  }
  return problem;
}

const char *hoopai_record_unpack(struct hoopai_record *record, const char *bytes, size_t length) {
  char last[TAIL_SIZE + 1];
  const size_t version = sizeof packed_head - 3; /* where the number begins */
  if (length > HOOPAI_RECORD_SIZE) return "it is larger than 256 KiB";
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
  const char *problem = unpack_lines(record, bytes + sizeof packed_head - 1, end, scratch);
  hoopai_wipe(scratch, length);
  free(scratch);
  return problem;
}

/* --------------------------------------------------------------------------------------------- the answer of a server */

/* Scans JSON in place: an unescaped string is never longer than its escaped form. */
struct scan {
  char *at, *end;
  const char *problem;
};

enum kind { TEXT, NUMBER, BOOLEAN, NOTHING, NESTED };

struct value {
  enum kind kind;
  char *bytes;
  size_t length;
};

static const char not_json[] = "the answer is cut off or no JSON object";

static bool fail_scan(struct scan *scan, const char *problem) {
  scan->problem = problem;
  return false;
}

static bool is_space(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* The next character past white space, 0 at the end. */
static char peek(struct scan *scan) {
  while (scan->at < scan->end && is_space(*scan->at)) scan->at++;
  return scan->at < scan->end ? *scan->at : 0;
}

/* Takes this character, past white space, if it is the next one. */
static bool take(struct scan *scan, char wanted) {
  if (peek(scan) != wanted) return false;
  scan->at++;
  return true;
}

/* The four digits of a \u escape, or -1. */
static int32_t code_unit(const char *at, const char *end) {
  int32_t unit = 0;
  if (end - at < 4) return -1;
  for (int i = 0; i < 4; i++) {
    int digit = hoopai_hex_digit(at[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

static char *put_utf8(char *out, int32_t code) {
  if (code < 0x80) {
    *out++ = (char)code;
    return out;
  }
  if (code < 0x800) {
    *out++ = (char)(0xc0 | (code >> 6));
  } else {
    if (code < 0x10000) {
      *out++ = (char)(0xe0 | (code >> 12));
    } else {
      *out++ = (char)(0xf0 | (code >> 18));
      *out++ = (char)(0x80 | ((code >> 12) & 0x3f));
    }
    *out++ = (char)(0x80 | ((code >> 6) & 0x3f));
  }
  *out++ = (char)(0x80 | (code & 0x3f));
  return out;
}

/* Undoes a \u escape, *at being behind the u. Half a surrogate pair becomes U+FFFD: no token is lost over a message. */
static char *unescape_unicode(char **at, const char *end, char *out) {
  int32_t code = code_unit(*at, end);
  if (code < 0) return NULL;
  *at += 4;
  if (code >= 0xd800 && code < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
    int32_t low = code_unit(*at + 2, end);
    if (low >= 0xdc00 && low < 0xe000) {
      *at += 6;
      return put_utf8(out, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
    }
  }
  return put_utf8(out, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
}

/* Undoes one escape, *at being behind the backslash. */
static char *unescape(char **at, const char *end, char *out) {
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  if (*at == end) return NULL;
  char byte = *(*at)++;
  if (byte == 'u') return unescape_unicode(at, end, out);
  const char *found = byte ? strchr(from, byte) : NULL;
  if (!found) return NULL;
  *out = to[found - from];
  return out + 1;
}

static bool scan_string(struct scan *scan, struct value *value) {
  char *at = scan->at + 1, *out = scan->at;
  const char *end = scan->end;
  *value = (struct value){TEXT, out, 0};
  while (at < end && *at != '"') {
    if ((unsigned char)*at < 0x20) return fail_scan(scan, not_json);
    if (*at != '\\') {
      *out++ = *at++;
      continue;
    }
    at++;
    out = unescape(&at, end, out);
    if (!out) return fail_scan(scan, not_json);
  }
  if (at == end) return fail_scan(scan, not_json);
  value->length = (size_t)(out - value->bytes);
  scan->at = at + 1;
  return true;
}

static bool scan_digits(struct scan *scan) {
  const char *start = scan->at;
  while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9') scan->at++;
  return scan->at > start;
}

static bool next_is(const struct scan *scan, const char *set) {
  return scan->at < scan->end && *scan->at && strchr(set, *scan->at);
}

static bool scan_number(struct scan *scan, struct value *value) {
  *value = (struct value){NUMBER, scan->at, 0};
  if (next_is(scan, "-")) scan->at++;
  if (next_is(scan, "0")) scan->at++;
  else if (!scan_digits(scan)) return fail_scan(scan, not_json);
  if (next_is(scan, ".")) {
    scan->at++;
    if (!scan_digits(scan)) return fail_scan(scan, not_json);
  }
  if (next_is(scan, "eE")) {
    scan->at++;
    if (next_is(scan, "+-")) scan->at++;
    if (!scan_digits(scan)) return fail_scan(scan, not_json);
  }
  value->length = (size_t)(scan->at - value->bytes);
  return true;
}

static bool scan_word(struct scan *scan, struct value *value) {
  static const struct {
    const char *text;
    enum kind kind;
  } words[] = {{"true", BOOLEAN}, {"false", BOOLEAN}, {"null", NOTHING}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    size_t length = strlen(words[i].text);
    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, words[i].text, length) != 0) continue;
    *value = (struct value){words[i].kind, scan->at, length};
    scan->at += length;
    return true;
  }
  return fail_scan(scan, not_json);
}

static bool scan_value(struct scan *scan, int depth, struct value *value);

/* Passes over an object or array, of which nothing is kept. */
static bool scan_nested(struct scan *scan, int depth, char open) {
  struct value unused;
  char close = open == '{' ? '}' : ']';
  if (depth > MAX_NESTING) return fail_scan(scan, "the answer is nested too deeply");
  scan->at++;
  if (take(scan, close)) return true;
  do {
    if (open == '{') {
      if (peek(scan) != '"') return fail_scan(scan, not_json);
      if (!scan_string(scan, &unused)) return false;
      if (!take(scan, ':')) return fail_scan(scan, not_json);
    }
    if (!scan_value(scan, depth, &unused)) return false;
  } while (take(scan, ','));
  return take(scan, close) || fail_scan(scan, not_json);
}

static bool scan_value(struct scan *scan, int depth, struct value *value) {
  char first = peek(scan);
  if (first == '"') return scan_string(scan, value);
  if (first == '-' || (first >= '0' && first <= '9')) return scan_number(scan, value);
  if (first != '{' && first != '[') return scan_word(scan, value);
  *value = (struct value){NESTED, NULL, 0};
  return scan_nested(scan, depth + 1, first);
}

/* accessToken -> access_token; false for what is no name of a field then. */
static bool snake_case(const struct value *from, char *name) {
  size_t used = 0;
  for (size_t i = 0; i < from->length; i++) {
    char byte = from->bytes[i];
    bool upper = byte >= 'A' && byte <= 'Z';
    if (used + (upper && i > 0 ? 2 : 1) >= HOOPAI_RECORD_NAME) return false;
    if (upper && i > 0) name[used++] = '_';
    name[used++] = upper ? (char)(byte - 'A' + 'a') : byte;
  }
  name[used] = 0;
  return is_name(name, used);
}

static bool keep_secret(struct scan *scan, struct hoopai_record *record, const char *name, const struct value *value) {
  bool usable = value->kind == TEXT && !hoopai_token_problem(value->bytes, value->length);
  /* `code` is an authorization code in one place of this API, and any number or text in the errors of others. */
  if (!usable && strcmp(name, "code") == 0) return true;
  if (!usable) return fail_scan(scan, "a token in the answer is not made of visible ASCII characters");
  const struct hoopai_field *old = find(record, name);
  /* The same token under both spellings is no contradiction. */
  if (old && (old->length != value->length || memcmp(old->bytes, value->bytes, value->length) != 0)) {
    return fail_scan(scan, "the answer has two different values for one token");
  }
  const char *problem = old ? NULL : set_field(record, name, value->bytes, value->length, true);
  return !problem || fail_scan(scan, problem);
}

static bool keep(struct scan *scan, struct hoopai_record *record, const char *name, const struct value *value,
                 int *others) {
  if (value->kind == NOTHING) return true;
  if (is_listed(secret_names, name)) return keep_secret(scan, record, name, value);
  if (value->kind == NESTED || value->length > MAX_PUBLIC) return true;
  if (!is_listed(known_names, name) && !find(record, name)) {
    if (*others == MAX_OTHERS) return true;
    ++*others;
  }
  const char *problem = set_field(record, name, value->bytes, value->length, false);
  return !problem || fail_scan(scan, problem);
}

static bool scan_members(struct scan *scan, struct hoopai_record *record) {
  char name[HOOPAI_RECORD_NAME];
  struct value key, value;
  int others = 0;
  do {
    if (peek(scan) != '"') return fail_scan(scan, not_json);
    if (!scan_string(scan, &key)) return false;
    bool named = snake_case(&key, name);
    if (!take(scan, ':')) return fail_scan(scan, not_json);
    if (!scan_value(scan, 1, &value)) return false;
    if (named && !keep(scan, record, name, &value, &others)) return false;
  } while (take(scan, ','));
  return true;
}

static const char *scan_answer(struct hoopai_record *record, char *bytes, size_t length) {
  struct scan scan = {bytes, bytes + length, NULL};
  if (!take(&scan, '{')) return not_json;
  if (!take(&scan, '}')) {
    if (!scan_members(&scan, record)) return scan.problem;
    if (!take(&scan, '}')) return not_json;
  }
  (void)peek(&scan);
  return scan.at == scan.end ? NULL : "the answer goes on behind its JSON object";
}

/* Scans a copy: the answer to an exchange must still be whole when there is no memory for what it holds. */
static const char *scan_copy(struct hoopai_record *record, const struct hoopai_buffer *body) {
  char *copy = copy_bytes(body->data, body->length);
  if (!copy) return no_memory;
  const char *problem = scan_answer(record, copy, body->length);
  hoopai_wipe(copy, body->length);
  free(copy);
  return problem;
}

/* read_grant(transfer) -> Record | nil, problem: the answer's flat fields, as often as it is asked. It is wiped when the
   transfer is closed. Raises when there is no memory. */
static int record_read_grant(lua_State *L) {
  const struct hoopai_transfer *transfer = luaL_checkudata(L, 1, HOOPAI_TRANSFER);
  if (transfer->state != HOOPAI_DONE) return luaL_error(L, "the transfer is not done, or closed");
  struct hoopai_record *record = hoopai_record_push(L);
  const struct hoopai_buffer *body = transfer->handle ? &transfer->handle->body : NULL;
  if (!body || body->length == 0) return hoopai_problem(L, "the answer is empty");
  const char *problem = scan_copy(record, body);
  if (problem) free_fields(record);
  if (problem == no_memory) return luaL_error(L, "%s", no_memory);
  return problem ? hoopai_problem(L, problem) : hoopai_record_settle(L, lua_gettop(L));
}

/* ------------------------------------------------------------------------------------------------------ hoopai.Record */

struct hoopai_record *hoopai_record_push(lua_State *L) {
  struct hoopai_record *record = lua_newuserdatauv(L, sizeof *record, 1);
  memset(record, 0, sizeof *record);
  record->size = EMPTY_SIZE;
  luaL_setmetatable(L, HOOPAI_RECORD);
  return record;
}

const struct hoopai_record *hoopai_record_check(lua_State *L, int index) {
  const struct hoopai_record *record = luaL_checkudata(L, index, HOOPAI_RECORD);
  if (record->closed) luaL_error(L, "attempt to use a closed record");
  return record;
}

/* The bytes of the value on top of the stack, which stays there. */
static const char *check_value(lua_State *L, const char *name, size_t *length, bool *secret) {
  *secret = luaL_testudata(L, -1, HOOPAI_SECRET) != NULL;
  if (*secret) return hoopai_secret_bytes(L, lua_gettop(L), length);
  if (lua_type(L, -1) == LUA_TBOOLEAN) {
    const char *text = lua_toboolean(L, -1) ? "true" : "false";
    *length = strlen(text);
    return text;
  }
  if (lua_type(L, -1) != LUA_TSTRING && !lua_isinteger(L, -1)) {
    luaL_error(L, "field '%s' of a record must be a string, an integer, a boolean or a secret", name);
  }
  return lua_tolstring(L, -1, length);
}

/* The name of the field at -2, in the middle of lua_next. */
static const char *check_name(lua_State *L) {
  size_t length = 0;
  const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tolstring(L, -2, &length) : NULL;
  if (!name || !is_name(name, length)) luaL_error(L, "the fields of a record are named by 1 to 31 of a-z, 0-9 and _");
  return name;
}

static bool is_false(lua_State *L, int index) {
  return lua_isboolean(L, index) && !lua_toboolean(L, index);
}

/* Takes the fields away that are false in the table at `index`. */
static void remove_fields(lua_State *L, struct hoopai_record *record, int index) {
  lua_pushnil(L);
  while (lua_next(L, index)) {
    const char *name = check_name(L);
    if (is_false(L, -1)) remove_field(record, name);
    lua_pop(L, 1);
  }
}

/* Sets the fields of the table at `index`, without those that are false where these are meant to be taken away. */
static void set_fields(lua_State *L, struct hoopai_record *record, int index, bool without_false) {
  lua_pushnil(L);
  while (lua_next(L, index)) {
    size_t length;
    bool secret;
    const char *name = check_name(L);
    if (!without_false || !is_false(L, -1)) {
      const char *bytes = check_value(L, name, &length, &secret);
      const char *problem = set_field(record, name, bytes, length, secret);
      if (problem) luaL_error(L, "field '%s' of a record cannot be set: %s", name, problem);
    }
    lua_pop(L, 1);
  }
}

/* record(table) -> Record */
static int record_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  struct hoopai_record *record = hoopai_record_push(L);
  set_fields(L, record, 1, false);
  return hoopai_record_settle(L, 2);
}

/* unpack_record(string) -> Record | nil, problem */
static int record_unpack(lua_State *L) {
  size_t length;
  luaL_checktype(L, 1, LUA_TSTRING);
  const char *bytes = lua_tolstring(L, 1, &length);
  struct hoopai_record *record = hoopai_record_push(L);
  const char *problem = hoopai_record_unpack(record, bytes, length);
  if (problem) free_fields(record);
  return problem ? hoopai_problem(L, problem) : hoopai_record_settle(L, lua_gettop(L));
}

/* get(name) -> string | Secret | nil */
static int record_get(lua_State *L) {
  const struct hoopai_record *record = hoopai_record_check(L, 1);
  luaL_checktype(L, 2, LUA_TSTRING);
  const struct hoopai_field *field = find(record, lua_tostring(L, 2));
  if (!field) lua_pushnil(L);
  else if (field->secret) hoopai_secret_push(L, field->bytes, field->length);
  else lua_pushlstring(L, field->bytes, field->length);
  (void)hoopai_record_check(L, 1); /* a finaliser may have closed, and wiped, it before the bytes were copied */
  return 1;
}

/* with(table) -> a new Record with these fields changed; false takes one away */
static int record_with(lua_State *L) {
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  struct hoopai_record *changed = hoopai_record_push(L);
  const struct hoopai_record *record = hoopai_record_check(L, 1); /* last: a finaliser may have closed it */
  for (int i = 0; i < record->count; i++) {
    const struct hoopai_field *field = &record->fields[i];
    const char *problem = set_field(changed, field->name, field->bytes, field->length, field->secret);
    if (problem) return luaL_error(L, "%s", problem);
  }
  remove_fields(L, changed, 2); /* first: it makes room */
  set_fields(L, changed, 2, true);
  return hoopai_record_settle(L, 3);
}

/* names() -> the names of its fields, sorted */
static int record_names(lua_State *L) {
  const struct hoopai_record *record = hoopai_record_check(L, 1);
  lua_createtable(L, record->count, 0);
  for (int i = 0; i < record->count; i++) {
    lua_pushstring(L, record->fields[i].name);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* pack() -> all of it as one string, secrets too: for stores that know nothing but strings */
static int record_pack(lua_State *L) {
  const struct hoopai_record *record = hoopai_record_check(L, 1);
  luaL_Buffer out;
  char *bytes = luaL_buffinitsize(L, &out, record->size);
  hoopai_record_pack(hoopai_record_check(L, 1), bytes); /* a finaliser may have closed it meanwhile */
  luaL_pushresultsize(&out, record->size);
  return 1;
}

/* close(): wipes it. Idempotent; __gc and __close too. */
static int record_close(lua_State *L) {
  struct hoopai_record *record = luaL_checkudata(L, 1, HOOPAI_RECORD);
  free_fields(record);
  record->closed = true;
  return 0;
}

static int record_tostring(lua_State *L) {
  lua_pushliteral(L, HOOPAI_RECORD);
  return 1;
}

void hoopai_open_record(lua_State *L) {
  static const luaL_Reg methods[] = {
    {"get", record_get},   {"with", record_with},   {"names", record_names},
    {"pack", record_pack}, {"close", record_close}, {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {
    {"__gc", record_close},
    {"__close", record_close},
    {"__tostring", record_tostring},
    {NULL, NULL},
  };
  static const luaL_Reg functions[] = {
    {"record", record_new},
    {"unpack_record", record_unpack},
    {"read_grant", record_read_grant},
    {NULL, NULL},
  };
  hoopai_new_type(L, HOOPAI_RECORD, methods, metamethods);
  luaL_setfuncs(L, functions, 0);
}
