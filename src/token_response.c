/* The JSON of a token endpoint, read into Credentials. lua-cjson cannot read it: it makes a Lua string of each value,
   and tokens must not become Lua strings. So this is a reader for one flat object.

   A refresh token works once, and its successor is in this response alone. So no other member can make a good token
   unreadable: what is not needed and cannot be used is passed over. */
#include "credentials.h"
#include "curl_handle.h"
#include "secret.h"
#include "transfer.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PUBLIC (16 * 1024) /* bytes of a value that is not a secret; a longer one is skipped */
#define MAX_OTHERS 6           /* together with the secret and the known names these are HOOPAI_MAX_FIELDS */
#define ROOM (96 * 1024)       /* of the packed form for all but the two tokens, which fit into the rest */
#define MAX_TOKEN (80 * 1024)  /* bytes of a token in the packed form */
#define MAX_REASONS 1024       /* bytes */
#define MAX_EXCERPT (4 * 1024) /* bytes */
#define LONG_RUN 20            /* bytes without white space in a text, from which on it may be a token */

/* These fields are kept however many others a response has. */
static const char *const known_names[] = {
  "company_id",           "error",       "error_description", "expires_in",
  "is_bulk_installation", "location_id", "message",           "scope",
  "status_code",          "token_type",  "user_id",           "user_type",
};

/* What an error response says may stand in any of these, as a text or nested. */
static const char *const reason_names[] = {
  "description", "detail", "details", "error", "error_description", "error_message", "error_messages", "errors",
  "message",     "msg",    "reason",  "title",
};

/* The codes of errors (RFC 6749 5.2). */
static const char *const oauth_errors[] = {
  "invalid_client", "invalid_grant",       "invalid_request",
  "invalid_scope",  "unauthorized_client", "unsupported_grant_type",
};

/* Nested members that are no texts for people, or repeat the request. */
static const char *const silent_names[] = {
  "body", "code",     "data",    "field",  "input",  "location", "name", "param", "params",
  "path", "property", "request", "status", "target", "trace_id", "type", "url",   "value",
};

static bool is_among(const char *name, const char *const *names, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(names[i], name) == 0) return true;
  }
  return false;
}

static bool is_known(const char *name) {
  return is_among(name, known_names, sizeof known_names / sizeof *known_names);
}

static bool is_reason_name(const char *name) {
  return is_among(name, reason_names, sizeof reason_names / sizeof *reason_names);
}

static bool is_silent_name(const char *name) {
  return hoopai_is_secret_name(name) || is_among(name, silent_names, sizeof silent_names / sizeof *silent_names);
}

static bool is_needed(const char *name) {
  return strcmp(name, "access_token") == 0 || strcmp(name, "refresh_token") == 0;
}

/* -- JSON ------------------------------------------------------------------------------------ */

/* Reads JSON and unescapes strings in place, as a string is never longer than its escaped form. */
struct scan {
  char *at, *end;
  const char *problem;
  bool lenient;              /* takes strings with control characters and with escapes that JSON does not have */
  char reasons[MAX_REASONS]; /* texts, separated by "; " */
  size_t reasons_length;
  const char *code; /* the first text that is a code of oauth_errors, under whatever name */
};

enum kind { TEXT, NUMBER, BOOLEAN, NOTHING, NESTED };

struct value {
  enum kind kind;
  char *bytes;
  size_t length;
};

static const char not_json[] = "the response is cut off or no JSON object";
static const char out_of_memory[] = "not enough memory";

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
  int32_t code = hoopai_code_unit(*at, end);
  if (code < 0) return NULL;
  *at += 4;
  if (code >= 0xd800 && code < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
    int32_t low = hoopai_code_unit(*at + 2, end);
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
    if ((unsigned char)*at < 0x20 && !scan->lenient) return fail_scan(scan, not_json);
    if (*at != '\\') {
      *out++ = *at++;
      continue;
    }
    char *escape = ++at, *next = unescape(&at, end, out);
    if (!next && (!scan->lenient || escape == end)) return fail_scan(scan, not_json);
    if (!next) {
      at = escape + 1;
      *out = *escape;
      next = out + 1;
    }
    out = next;
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

static void note_code(struct scan *scan, const struct value *value) {
  for (size_t i = 0; !scan->code && i < sizeof oauth_errors / sizeof *oauth_errors; i++) {
    size_t length = strlen(oauth_errors[i]);
    if (value->length == length && memcmp(value->bytes, oauth_errors[i], length) == 0) scan->code = oauth_errors[i];
  }
}

static bool scan_scalar(struct scan *scan, struct value *value) {
  char first = peek(scan);
  if (first == '"') {
    if (!scan_string(scan, value)) return false;
    note_code(scan, value);
    return true;
  }
  if (first == '-' || (first >= '0' && first <= '9')) return scan_number(scan, value);
  return scan_word(scan, value);
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

static bool is_alphanumeric(char byte) {
  return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* A character of a token (RFC 6750 2.1), or of an escape in one. */
static bool is_token_character(char byte) {
  return byte && (is_alphanumeric(byte) || strchr("-._~+/=%\\", byte));
}

/* The length of a text without the run of token characters at its end: where a text was cut, that may be the beginning
   of a token, too short for hide_tokens. */
static size_t without_last_run(const char *text, size_t length) {
  while (length > 0 && is_token_character(text[length - 1])) length--;
  return length;
}

/* Keeps a text of an error response, as far as there is room. */
static void add_reason(struct scan *scan, const struct value *value) {
  size_t separator = scan->reasons_length > 0 ? 2 : 0, left = MAX_REASONS - scan->reasons_length;
  if (value->kind != TEXT || value->length == 0 || left <= separator) return;
  memcpy(scan->reasons + scan->reasons_length, "; ", separator);
  scan->reasons_length += separator;
  left -= separator;
  size_t length = value->length <= left ? value->length : without_last_run(value->bytes, left);
  memcpy(scan->reasons + scan->reasons_length, value->bytes, length);
  scan->reasons_length += length;
}

/* Reads the name of a member and its colon. Sets whether a text behind it is a reason. */
static bool scan_name(struct scan *scan, bool *speaks) {
  char name[HOOPAI_FIELD_NAME];
  struct value key;
  if (peek(scan) != '"') return fail_scan(scan, not_json);
  if (!scan_string(scan, &key)) return false;
  *speaks = !(snake_case(&key, name) && is_silent_name(name));
  return take(scan, ':') || fail_scan(scan, not_json);
}

/* Skips an object or array of any depth. Its open brackets are kept in the bytes that were read already, which are more
   than the brackets. With `speaks` its texts are reasons. */
static bool scan_nested(struct scan *scan, bool speaks) {
  struct value value;
  char *open = scan->at;
  size_t depth = 0, silent = speaks ? 0 : 1; /* the depth from which on no text is a reason, 0 = none */
  do {
    char first = peek(scan);
    bool ended = true;
    if (first == '{' || first == '[') {
      open[depth++] = first;
      scan->at++;
      if (!speaks && silent == 0) silent = depth;
      speaks = true;
      ended = peek(scan) == (first == '{' ? '}' : ']');
      if (!ended && first == '{' && !scan_name(scan, &speaks)) return false;
    } else {
      if (!scan_scalar(scan, &value)) return false;
      if (speaks && silent == 0) add_reason(scan, &value);
    }
    while (ended && depth > 0) {
      bool object = open[depth - 1] == '{';
      if (take(scan, object ? '}' : ']')) {
        if (silent == depth) silent = 0;
        depth--;
      } else {
        if (!take(scan, ',')) return fail_scan(scan, not_json);
        speaks = true;
        if (object && !scan_name(scan, &speaks)) return false;
        ended = false;
      }
    }
  } while (depth > 0);
  return true;
}

/* A token without the white space around it, which is no part of one. */
static struct value trimmed(struct value value) {
  while (value.length > 0 && is_space(value.bytes[value.length - 1])) value.length--;
  for (; value.length > 0 && is_space(*value.bytes); value.length--) value.bytes++;
  return value;
}

/* A secret that cannot be used is passed over: then it is as if the response had left it out. Of two values the last
   counts, as it does for all JSON readers: to refuse both would lose the only successor of a spent token. */
static bool keep_secret(struct scan *scan, struct hoopai_credentials *credentials, const char *name,
                        struct value value) {
  if (value.kind != TEXT) return true;
  value = trimmed(value);
  if (is_needed(name) && hoopai_escaped_length(value.bytes, value.length, HOOPAI_PLAIN_LINE) > MAX_TOKEN) return true;
  if (!is_needed(name) && credentials->size + value.length > ROOM) return true;
  const char *problem = hoopai_credentials_set(credentials, name, value.bytes, value.length, true);
  return !problem || strcmp(problem, out_of_memory) != 0 || fail_scan(scan, out_of_memory);
}

static bool keep(struct scan *scan, struct hoopai_credentials *credentials, const char *name, const struct value *value,
                 int *others) {
  if (value->kind == NOTHING) return true;
  if (hoopai_is_secret_name(name)) return keep_secret(scan, credentials, name, *value);
  if (value->kind == NESTED || value->length > MAX_PUBLIC) return true;
  if (credentials->size + 3 * value->length > ROOM) return true; /* three bytes each, percent-encoded */
  if (!is_known(name) && !hoopai_credentials_find(credentials, name)) {
    if (is_reason_name(name)) add_reason(scan, value);
    if (*others == MAX_OTHERS) return true;
    ++*others;
  }
  const char *problem = hoopai_credentials_set(credentials, name, value->bytes, value->length, false);
  return !problem || strcmp(problem, out_of_memory) != 0 || fail_scan(scan, out_of_memory);
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
    char first = peek(scan);
    if (first == '{' || first == '[') {
      value = (struct value){NESTED, NULL, 0};
      if (!scan_nested(scan, named && is_reason_name(name))) return false;
    } else if (!scan_scalar(scan, &value)) {
      return false;
    }
    if (named && !keep(scan, credentials, name, &value, &others)) return false;
  } while (take(scan, ','));
  return true;
}

static bool scan_object(struct scan *scan, struct hoopai_credentials *credentials) {
  if (scan->end - scan->at >= 3 && memcmp(scan->at, "\xef\xbb\xbf", 3) == 0) scan->at += 3; /* a byte order mark */
  if (!take(scan, '{')) return fail_scan(scan, not_json);
  if (!take(scan, '}')) {
    if (!scan_members(scan, credentials)) return false;
    if (!take(scan, '}')) return fail_scan(scan, not_json);
  }
  (void)peek(scan);
  return scan->at == scan->end || fail_scan(scan, "the response goes on behind its JSON object");
}

/* Hides what may be a token in a text: a long run of a token's characters with a digit. Returns the new
   length. */
static size_t hide_tokens(char *text, size_t length) {
  size_t used = 0;
  for (size_t at = 0; at < length;) {
    size_t run = at;
    bool digit = false;
    for (; run < length && is_token_character(text[run]); run++) {
      digit = digit || (text[run] >= '0' && text[run] <= '9');
    }
    size_t size = run > at ? run - at : 1;
    bool hidden = digit && size >= LONG_RUN;
    memmove(text + used, hidden ? "***" : text + at, hidden ? 3 : size);
    used += hidden ? 3 : size;
    at += size;
  }
  return used;
}

/* Puts the reasons that are nested, or under other names, into `message`. A response with a token has none. */
static const char *keep_reasons(struct scan *scan, struct hoopai_credentials *credentials) {
  if (scan->reasons_length == 0 || hoopai_credentials_find(credentials, "access_token")) return NULL;
  const struct hoopai_field *message = hoopai_credentials_find(credentials, "message");
  struct value text = message ? (struct value){TEXT, message->bytes, message->length} : (struct value){TEXT, NULL, 0};
  if (text.length > MAX_REASONS) return NULL;
  scan->reasons_length = hide_tokens(scan->reasons, scan->reasons_length);
  char all[2 * MAX_REASONS + 2];
  size_t length = 0;
  if (text.length > 0) {
    memcpy(all, text.bytes, text.length);
    length = text.length;
    all[length++] = ';';
    all[length++] = ' ';
  }
  memcpy(all + length, scan->reasons, scan->reasons_length);
  length += scan->reasons_length;
  const char *problem = hoopai_credentials_set(credentials, "message", all, length, false);
  hoopai_wipe(all, sizeof all);
  return problem && strcmp(problem, out_of_memory) == 0 ? problem : NULL;
}

/* Puts a code that is nested, or under another name, into `error`. A response with an access token has none. */
static const char *keep_code(const struct scan *scan, struct hoopai_credentials *credentials) {
  if (!scan->code || hoopai_credentials_find(credentials, "access_token")) return NULL;
  const struct hoopai_field *error = hoopai_credentials_find(credentials, "error");
  if (error && is_among(error->bytes, oauth_errors, sizeof oauth_errors / sizeof *oauth_errors)) return NULL;
  const char *problem = hoopai_credentials_set(credentials, "error", scan->code, strlen(scan->code), false);
  return problem && strcmp(problem, out_of_memory) == 0 ? problem : NULL;
}

static bool has_refresh_token(const struct hoopai_credentials *credentials) {
  return hoopai_credentials_find(credentials, "refresh_token");
}

/* Malformed JSON behind a good refresh token does not lose it. */
static const char *scan_response(struct hoopai_credentials *credentials, char *bytes, size_t length) {
  struct scan scan = {.at = bytes, .end = bytes + length};
  const char *problem = scan_object(&scan, credentials) ? keep_reasons(&scan, credentials) : scan.problem;
  if (!problem) problem = keep_code(&scan, credentials);
  hoopai_wipe(scan.reasons, sizeof scan.reasons);
  return problem && has_refresh_token(credentials) && strcmp(problem, out_of_memory) != 0 ? NULL : problem;
}

/* -- Tokens in malformed JSON ---------------------------------------------------------------- */

/* Reads a string, and if it is the name of a known member, the text or number behind it. Sets whether the name was that
   of the access token. */
static void salvage_member(struct scan *scan, struct hoopai_credentials *credentials, bool *has_access) {
  char name[HOOPAI_FIELD_NAME];
  struct value key, value;
  int others = MAX_OTHERS;
  if (!scan_string(scan, &key)) { /* it goes on to the end: nothing can follow */
    scan->at = scan->end;
    return;
  }
  bool named = snake_case(&key, name);
  *has_access = *has_access || (named && strcmp(name, "access_token") == 0);
  if (!take(scan, ':')) return;
  char first = peek(scan);
  if (first == '{' || first == '[' || !named) return;
  if (!is_needed(name) && !is_known(name)) return;
  if (scan_scalar(scan, &value)) (void)keep(scan, credentials, name, &value, &others);
}

/* Reads the known members wherever they stand: in malformed JSON, in a list or nested. Returns whether a refresh token
   is among them, beside an access token of any kind: one alone may be that of the request. */
static bool salvage(struct hoopai_credentials *credentials, char *bytes, size_t length) {
  struct scan scan = {.at = bytes, .end = bytes + length, .lenient = true};
  bool has_access = false;
  hoopai_credentials_clear(credentials);
  while (scan.at < scan.end) {
    char *start = scan.at;
    if (*start == '"') salvage_member(&scan, credentials, &has_access);
    if (scan.at == start) scan.at++;
  }
  return has_access && has_refresh_token(credentials);
}

/* Whether a success may hold a refresh token that its reader did not find. One that names an error may repeat an old
   one. */
static bool may_salvage(const struct hoopai_credentials *credentials, const char *problem) {
  if (hoopai_credentials_find(credentials, "error")) return false;
  return problem || !(hoopai_credentials_find(credentials, "access_token") ||
                      hoopai_credentials_find(credentials, "refresh_token"));
}

/* -- The response of a transfer -------------------------------------------------------------- */

/* Reads bytes, which it overwrites. A refresh token that came is used: no other response will bring it. */
static const char *read_bytes(struct hoopai_credentials *credentials, int status, const struct hoopai_buffer *body,
                              char *bytes) {
  memcpy(bytes, body->data, body->length);
  const char *problem = scan_response(credentials, bytes, body->length);
  if (problem && strcmp(problem, out_of_memory) == 0) return problem;
  if (status < 200 || status >= 300 || !may_salvage(credentials, problem)) return problem;
  memcpy(bytes, body->data, body->length);
  if (salvage(credentials, bytes, body->length)) return NULL;
  hoopai_credentials_clear(credentials);
  memcpy(bytes, body->data, body->length);
  return scan_response(credentials, bytes, body->length);
}

/* Reads a copy, as the response must still be complete after an error (rule Memory). Returns a problem, or NULL. */
static const char *read_copy(lua_State *L, struct hoopai_credentials *credentials, int status,
                             const struct hoopai_buffer *body) {
  char *copy = malloc(body->length);
  const char *problem = out_of_memory;
  if (copy) {
    problem = read_bytes(credentials, status, body, copy);
    hoopai_wipe(copy, body->length);
    free(copy);
  }
  if (problem) hoopai_credentials_clear(credentials);
  if (problem && strcmp(problem, out_of_memory) == 0) luaL_error(L, "%s", out_of_memory);
  return problem;
}

static bool is_blank_body(const struct hoopai_buffer *body) {
  for (size_t i = 0; i < body->length; i++) {
    if (!is_space(body->data[i])) return false;
  }
  return true;
}

/* Copies the beginning of an error response that is no JSON, such as a gateway's page, without what may be a token, and
   returns its length. A success may hold tokens in some other form, and a malformed object may: of these nothing
   is copied. */
static size_t excerpt_of(int status, const struct hoopai_buffer *body, char text[MAX_EXCERPT]) {
  size_t length = body->length < MAX_EXCERPT ? body->length : MAX_EXCERPT, blank = 0;
  while (blank < length && is_space(body->data[blank])) blank++;
  if (status < 400 || blank == length || body->data[blank] == '{') return 0;
  if (body->length > MAX_EXCERPT) length = without_last_run(body->data, length);
  memcpy(text, body->data, length);
  return hide_tokens(text, length);
}

/* read_token_response(transfer) -> Credentials | nil, problem, excerpt: the flat fields of the response; or the
   beginning of one that is no JSON, if its status is an error. Can be called again until the transfer is closed. Raises
   without memory. */
static int core_read_token_response(lua_State *L) {
  const struct hoopai_transfer *transfer = hoopai_check(L, 1, hoopai_transfer_type);
  struct hoopai_credentials *credentials = hoopai_credentials_push(L);
  if (transfer->state != HOOPAI_DONE) return luaL_error(L, "the transfer is not done, or closed");
  const struct hoopai_buffer *body = transfer->handle ? &transfer->handle->body.bytes : NULL;
  if (!body || is_blank_body(body)) return hoopai_problem(L, "the response is empty");
  const char *problem = read_copy(L, credentials, transfer->status, body);
  if (!problem) return hoopai_credentials_freeze(L, lua_gettop(L));
  char text[MAX_EXCERPT];
  size_t length = excerpt_of(transfer->status, body, text); /* before the next push: rule Finalisers */
  (void)hoopai_problem(L, problem);
  if (length == 0) return 2;
  lua_pushlstring(L, text, length);
  return 3;
}

void hoopai_open_token_response(lua_State *L) {
  lua_pushcfunction(L, core_read_token_response);
  lua_setfield(L, -2, "read_token_response");
}
