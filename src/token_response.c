/* The JSON of a token endpoint, read into Credentials. lua-cjson cannot read it: it makes a Lua string of each value,
   and tokens must not become Lua strings. So this is a reader for one flat object. */
#include "credentials.h"
#include "curl_handle.h"
#include "secret.h"
#include "transfer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PUBLIC (16 * 1024) /* bytes of a value that is not a secret; a longer one is skipped */
#define MAX_NESTING 16
#define MAX_OTHERS 6 /* together with the secret and the known names these are HOOPAI_MAX_FIELDS */

/* These fields are kept however many others a response has. */
static const char *const known_names[] = {
  "company_id",           "error",       "error_description", "expires_in",
  "is_bulk_installation", "location_id", "message",           "scope",
  "status_code",          "token_type",  "user_id",           "user_type",
};

static bool is_known(const char *name) {
  for (size_t i = 0; i < sizeof known_names / sizeof *known_names; i++) {
    if (strcmp(known_names[i], name) == 0) return true;
  }
  return false;
}

/* -- JSON ------------------------------------------------------------------------------------ */

/* Reads JSON and unescapes strings in place, as a string is never longer than its escaped form. */
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

/* Skips white space. Returns the next character, 0 at the end. */
static char peek(struct scan *scan) {
  while (scan->at < scan->end && is_space(*scan->at)) scan->at++;
  return scan->at < scan->end ? *scan->at : 0;
}

/* Skips white space and this character; false if another one follows. */
static bool take(struct scan *scan, char expected) {
  if (peek(scan) != expected) return false;
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

/* Decodes a \u escape; *at is behind the u. Half a surrogate pair becomes U+FFFD: a malformed message must not make the
   tokens of a response unreadable. */
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

/* Decodes an escape; *at is behind the backslash. */
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

/* Skips an object or array. */
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

/* accessToken -> access_token; false if the result is not a valid name. */
static bool snake_case(const struct value *from, char *name) {
  size_t used = 0;
  for (size_t i = 0; i < from->length; i++) {
    char byte = from->bytes[i];
    bool upper = byte >= 'A' && byte <= 'Z';
    if (used + (upper && i > 0 ? 2 : 1) >= HOOPAI_FIELD_NAME) return false;
    if (upper && i > 0) name[used++] = '_';
    name[used++] = upper ? (char)(byte - 'A' + 'a') : byte;
  }
  name[used] = 0;
  return hoopai_is_field_name(name, used);
}

static bool keep_secret(struct scan *scan, struct hoopai_credentials *credentials, const char *name,
                        const struct value *value) {
  bool usable = value->kind == TEXT && !hoopai_token_problem(value->bytes, value->length);
  /* `code` is an authorization code in one response of this API, and any number or text in error responses. */
  if (!usable && strcmp(name, "code") == 0) return true;
  if (!usable) return fail_scan(scan, "a token in the answer is not made of visible ASCII characters");
  const struct hoopai_field *old = hoopai_credentials_find(credentials, name);
  /* A response may hold one token under both spellings. */
  if (old && (old->length != value->length || memcmp(old->bytes, value->bytes, value->length) != 0)) {
    return fail_scan(scan, "the answer has two different values for one token");
  }
  const char *problem = old ? NULL : hoopai_credentials_set(credentials, name, value->bytes, value->length, true);
  return !problem || fail_scan(scan, problem);
}

static bool keep(struct scan *scan, struct hoopai_credentials *credentials, const char *name, const struct value *value,
                 int *others) {
  if (value->kind == NOTHING) return true;
  if (hoopai_is_secret_name(name)) return keep_secret(scan, credentials, name, value);
  if (value->kind == NESTED || value->length > MAX_PUBLIC) return true;
  if (!is_known(name) && !hoopai_credentials_find(credentials, name)) {
    if (*others == MAX_OTHERS) return true;
    ++*others;
  }
  const char *problem = hoopai_credentials_set(credentials, name, value->bytes, value->length, false);
  return !problem || fail_scan(scan, problem);
}

static bool scan_members(struct scan *scan, struct hoopai_credentials *credentials) {
  char name[HOOPAI_FIELD_NAME];
  struct value key, value;
  int others = 0;
  do {
    if (peek(scan) != '"') return fail_scan(scan, not_json);
    if (!scan_string(scan, &key)) return false;
    bool named = snake_case(&key, name);
    if (!take(scan, ':')) return fail_scan(scan, not_json);
    if (!scan_value(scan, 1, &value)) return false;
    if (named && !keep(scan, credentials, name, &value, &others)) return false;
  } while (take(scan, ','));
  return true;
}

static const char *scan_response(struct hoopai_credentials *credentials, char *bytes, size_t length) {
  struct scan scan = {bytes, bytes + length, NULL};
  if (!take(&scan, '{')) return not_json;
  if (!take(&scan, '}')) {
    if (!scan_members(&scan, credentials)) return scan.problem;
    if (!take(&scan, '}')) return not_json;
  }
  (void)peek(&scan);
  return scan.at == scan.end ? NULL : "the answer goes on behind its JSON object";
}

/* -- The response of a transfer -------------------------------------------------------------- */

/* Reads a copy, as the response must still be complete after an error (rule Memory). Returns a problem, or NULL. */
static const char *read_copy(lua_State *L, struct hoopai_credentials *credentials, const struct hoopai_buffer *body) {
  static const char out_of_memory[] = "not enough memory";
  char *copy = malloc(body->length);
  const char *problem = out_of_memory;
  if (copy) {
    memcpy(copy, body->data, body->length);
    problem = scan_response(credentials, copy, body->length);
    hoopai_wipe(copy, body->length);
    free(copy);
  }
  if (problem) hoopai_credentials_clear(credentials);
  if (problem && strcmp(problem, out_of_memory) == 0) luaL_error(L, "%s", out_of_memory);
  return problem;
}

/* read_token_response(transfer) -> Credentials | nil, problem: the flat fields of the response. Can be called again
   until the transfer is closed. Raises without memory. */
static int core_read_token_response(lua_State *L) {
  const struct hoopai_transfer *transfer = luaL_checkudata(L, 1, HOOPAI_TRANSFER);
  struct hoopai_credentials *credentials = hoopai_credentials_push(L);
  if (transfer->state != HOOPAI_DONE) return luaL_error(L, "the transfer is not done, or closed");
  const struct hoopai_buffer *body = transfer->handle ? &transfer->handle->body.bytes : NULL;
  if (!body || body->length == 0) return hoopai_problem(L, "the answer is empty");
  const char *problem = read_copy(L, credentials, body);
  return problem ? hoopai_problem(L, problem) : hoopai_credentials_freeze(L, lua_gettop(L));
}

void hoopai_open_token_response(lua_State *L) {
  lua_pushcfunction(L, core_read_token_response);
  lua_setfield(L, -2, "read_token_response");
}
