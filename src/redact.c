/* Texts without the secrets that they quote. A peer that echoes a request spells a secret in many ways, so it is found

     as it is, in any case of its letters (names of headers are made lower-case), and with blanks in place of "+"
     in base64 and base64url, alone or within a longer value, such as "user:secret"
     and both with any of their characters as an escape of URLs, JSON or HTML, up to three levels deep

   Each level is one pass over the text, in which the units of the text (a character, or its escape) drive one automaton
   for each pattern. The automaton is that of Knuth, Morris and Pratt: periodic secrets and texts take no longer than
   others. */
#include "redact.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SHORTEST 8     /* bytes of a secret */
#define LEVELS 3       /* of escapes of escapes: a URL in a string of JSON in a string of JSON */
#define PATTERNS 4     /* the secret itself; base64 with 0, 1 and 2 bytes before it in its group of three */
#define LONGEST_NAME 6 /* characters of an entity's name */
#define SMALL 8192     /* bytes of memory on the C stack: enough for common tokens */

static const char registry_key[] = "hoopai.secrets"; /* the secrets that are in use, a set with weak keys */

struct pattern {
  char *bytes;
  uint32_t *border; /* [i]: length of the longest proper prefix of the first i + 1 bytes that is their suffix too */
  size_t length;
  size_t state; /* how many of its bytes the last units are */
  bool is_base64;
};

struct redaction {
  struct pattern patterns[PATTERNS];
  const char **starts; /* a ring: where the last units begin */
  size_t mask, units;  /* of the ring; how many units were read */
  size_t shortest;     /* bytes of the shortest pattern: fewer hold none, as a unit has one byte or more */
  bool begins[256];    /* bytes at which a pattern or an escape may begin */
  /* of a pass */
  const char *at, *end;  /* the next unit and the end of the text */
  const char *written;   /* what is before it is in `out` */
  const char *from, *to; /* what is to be hidden next; NULL = nothing */
  bool has_output, was_escaped;
  luaL_Buffer out;
};

/* -- Patterns -------------------------------------------------------------------------------- */

static unsigned char fold_plain(unsigned char byte) {
  if (byte == ' ') return '+';
  return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte + ('a' - 'A')) : byte;
}

static unsigned char fold_base64(unsigned char byte) {
  if (byte == '-') return '+';
  return byte == '_' ? '/' : byte;
}

static unsigned char fold(const struct pattern *pattern, unsigned char byte) {
  return pattern->is_base64 ? fold_base64(byte) : fold_plain(byte);
}

/* The length of the base64 of the whole groups of a secret with `before` bytes in front of it. */
static size_t base64_length(size_t size, size_t before) {
  return (size - (3 - before) % 3) / 3 * 4;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void write_base64(char *out, const char *secret, size_t size, size_t before) {
  const unsigned char *at = (const unsigned char *)secret + (3 - before) % 3;
  for (size_t left = base64_length(size, before); left > 0; left -= 4, at += 3) {
    *out++ = base64_digits[at[0] >> 2];
    *out++ = base64_digits[(at[0] & 3) << 4 | at[1] >> 4];
    *out++ = base64_digits[(at[1] & 15) << 2 | at[2] >> 6];
    *out++ = base64_digits[at[2] & 63];
  }
}

static size_t pattern_length(size_t size, size_t index) {
  return index == 0 ? size : base64_length(size, index - 1);
}

static void find_borders(struct pattern *pattern) {
  size_t border = 0;
  pattern->border[0] = 0;
  for (size_t i = 1; i < pattern->length; i++) {
    while (border > 0 && pattern->bytes[i] != pattern->bytes[border]) border = pattern->border[border - 1];
    if (pattern->bytes[i] == pattern->bytes[border]) border++;
    pattern->border[i] = (uint32_t)border;
  }
}

static void write_pattern(struct pattern *pattern, size_t index, const char *secret, size_t size) {
  pattern->is_base64 = index > 0;
  if (pattern->is_base64) write_base64(pattern->bytes, secret, size, index - 1);
  else memcpy(pattern->bytes, secret, size);
  for (size_t i = 0; i < pattern->length; i++) {
    pattern->bytes[i] = (char)fold(pattern, (unsigned char)pattern->bytes[i]);
  }
  find_borders(pattern);
}

/* Takes one unit; true if the last units are the whole pattern. */
static bool feed(struct pattern *pattern, unsigned char unit) {
  char byte = (char)fold(pattern, unit);
  size_t state = pattern->state;
  while (state > 0 && (state == pattern->length || pattern->bytes[state] != byte)) state = pattern->border[state - 1];
  if (pattern->bytes[state] == byte) state++;
  pattern->state = state;
  return state == pattern->length;
}

/* -- Units ----------------------------------------------------------------------------------- */

static size_t read_unit(const char *at, const char *end, int level, char *byte);

/* Reads up to `most` hexadecimal or decimal digits. Returns the length of their spelling, 0 if there are fewer than
   `least`. */
static size_t read_digits(const char *at, const char *end, int level, int base, int least, int most, int *value) {
  size_t used = 0;
  int count = 0;
  char byte;
  for (*value = 0; count < most && at + used < end; count++) {
    size_t length = read_unit(at + used, end, level, &byte);
    int digit = hoopai_hex_digit(byte);
    if (digit < 0 || digit >= base) break;
    *value = *value * base + digit;
    used += length;
  }
  return count < least ? 0 : used;
}

/* Entities of the characters that a secret may have besides letters and digits. */
static char entity(const char *name) {
  static const struct {
    const char *name;
    char byte;
  } all[] = {
    {"amp", '&'},  {"plus", '+'},   {"sol", '/'},   {"equals", '='}, {"period", '.'}, {"hyphen", '-'},
    {"dash", '-'}, {"lowbar", '_'}, {"tilde", '~'}, {"quot", '"'},   {"apos", '\''},  {"percnt", '%'},
    {"lt", '<'},   {"gt", '>'},     {"colon", ':'}, {"nbsp", ' '},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (strcmp(all[i].name, name) == 0) return all[i].byte;
  }
  return 0;
}

/* Reads what follows the "&" of an entity. Returns the length of its spelling, 0 if it is none. */
static size_t read_entity(const char *at, const char *end, int level, char *out) {
  char name[LONGEST_NAME + 1], byte = 0;
  size_t used = 0, count = 0;
  int value = 0;
  while (at + used < end) {
    used += read_unit(at + used, end, level, &byte);
    if (byte == '#' && count == 0) {
      size_t length = at + used < end ? read_unit(at + used, end, level, &byte) : 0;
      bool is_hex = length > 0 && (byte == 'x' || byte == 'X');
      if (is_hex) used += length;
      length = read_digits(at + used, end, level, is_hex ? 16 : 10, 1, 7, &value);
      used += length;
      if (length == 0 || at + used >= end) return 0;
      used += read_unit(at + used, end, level, &byte);
      *out = (char)value;
      return byte == ';' && value > 0 && value < 0x80 ? used : 0;
    }
    if (byte == ';') {
      name[count] = 0;
      *out = entity(name);
      return *out ? used : 0;
    }
    if (byte < 'a' || byte > 'z' || count == LONGEST_NAME) return 0;
    name[count++] = byte;
  }
  return 0;
}

/* Reads what follows the backslash of an escape of JSON. Returns the length of its spelling, 0 if it is none. */
static size_t read_json_escape(const char *at, const char *end, int level, char *out) {
  int value = 0;
  if (at >= end) return 0;
  size_t length = read_unit(at, end, level, out);
  if (*out == '/' || *out == '"' || *out == '\\') return length;
  if (*out != 'u') return 0;
  size_t digits = read_digits(at + length, end, level, 16, 4, 4, &value);
  *out = (char)value;
  return digits > 0 && value < 0x80 ? length + digits : 0;
}

/* Reads one character, or its escape, and returns the length of its spelling. An escape may be spelt with escapes of the
   levels below. */
static size_t read_unit(const char *at, const char *end, int level, char *byte) {
  if (level == 0) {
    *byte = *at;
    return 1;
  }
  size_t first = read_unit(at, end, level - 1, byte), rest = 0;
  char decoded = 0;
  int value = 0;
  if (*byte == '%') {
    rest = read_digits(at + first, end, level - 1, 16, 2, 2, &value);
    decoded = (char)value;
  } else if (*byte == '\\') {
    rest = read_json_escape(at + first, end, level - 1, &decoded);
  } else if (*byte == '&') {
    rest = read_entity(at + first, end, level - 1, &decoded);
  }
  if (rest > 0) *byte = decoded;
  return first + rest;
}

/* -- Passes ---------------------------------------------------------------------------------- */

static bool is_base64_digit(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
         (byte && strchr("+/-_%\\", byte));
}

/* Writes what was noted last, and the text before it. */
static void hide_noted(lua_State *L, struct redaction *r) {
  if (!r->to) return;
  if (!r->has_output) luaL_buffinit(L, &r->out);
  r->has_output = true;
  luaL_addlstring(&r->out, r->written, (size_t)(r->from - r->written));
  luaL_addstring(&r->out, "***");
  r->written = r->to;
  r->from = r->to = NULL;
}

/* Notes a secret that ends before `to`. One within base64 hides all of its value. What overlaps becomes one. */
static void note_match(lua_State *L, struct redaction *r, const struct pattern *pattern, const char *to) {
  const char *from = r->starts[(r->units - pattern->length) & r->mask], *known = r->to ? r->to : r->written;
  if (pattern->is_base64) {
    while (from > known && is_base64_digit(from[-1])) from--;
    if (to < known) to = known;
    while (to < r->end && (is_base64_digit(*to) || *to == '=')) to++;
  }
  if (r->to && from > r->to) hide_noted(L, r);
  if (from < r->written) from = r->written;
  if (!r->to || from < r->from) r->from = from;
  if (!r->to || to > r->to) r->to = to;
}

static bool has_escape(const char *text, size_t length) {
  return memchr(text, '%', length) || memchr(text, '\\', length) || memchr(text, '&', length);
}

static bool is_idle(const struct redaction *r) {
  for (size_t i = 0; i < PATTERNS; i++) {
    if (r->patterns[i].state > 0) return false;
  }
  return true;
}

static void scan_text(lua_State *L, struct redaction *r, int level) {
  while (r->at < r->end) {
    if (is_idle(r)) {
      while (r->at < r->end && !r->begins[(unsigned char)*r->at]) r->at++;
      size_t left = (size_t)(r->end - r->at);
      if (left < r->shortest) {
        r->was_escaped = r->was_escaped || has_escape(r->at, left); /* of a secret that began before */
        return;
      }
    }
    char byte;
    size_t length = read_unit(r->at, r->end, level, &byte);
    r->was_escaped = r->was_escaped || length > 1;
    r->starts[r->units++ & r->mask] = r->at;
    r->at += length;
    for (size_t i = 0; i < PATTERNS; i++) {
      if (feed(&r->patterns[i], (unsigned char)byte)) note_match(L, r, &r->patterns[i], r->at);
    }
  }
}

/* Prepares a pass over the text at an index; false if the pass would find nothing new. */
static bool begin_pass(lua_State *L, struct redaction *r, int index, int level) {
  size_t length;
  const char *text = lua_tolstring(L, index, &length);
  if (level == 1 && !has_escape(text, length)) return false;
  if (level > 1 && !r->was_escaped) return false;
  for (size_t i = 0; i < PATTERNS; i++) r->patterns[i].state = 0;
  r->begins['%'] = r->begins['%'] || level > 0;
  r->begins['\\'] = r->begins['\\'] || level > 0;
  r->begins['&'] = r->begins['&'] || level > 0;
  r->at = r->written = text;
  r->end = text + length;
  r->from = r->to = NULL;
  r->has_output = r->was_escaped = false;
  r->units = 0;
  return true;
}

static void run_pass(lua_State *L, struct redaction *r, int index, int level) {
  scan_text(L, r, level);
  hide_noted(L, r);
  if (!r->has_output) return;
  luaL_addlstring(&r->out, r->written, (size_t)(r->end - r->written));
  luaL_pushresult(&r->out);
  lua_replace(L, index);
}

/* Sets the lengths of the patterns and the size of the ring. Returns the bytes that all of it needs. */
static size_t measure(struct redaction *r, size_t size) {
  size_t sum = 0, ring = 1;
  r->shortest = SIZE_MAX;
  for (size_t i = 0; i < PATTERNS; i++) {
    size_t length = r->patterns[i].length = pattern_length(size, i);
    if (length < r->shortest) r->shortest = length;
    sum += length;
    while (ring < length) ring *= 2;
  }
  r->mask = ring - 1;
  return ring * sizeof *r->starts + sum * (sizeof *r->patterns[0].border + 1);
}

static void write_patterns(struct redaction *r, void *memory, const char *secret, size_t size) {
  r->starts = memory;
  uint32_t *border = (uint32_t *)(void *)(r->starts + r->mask + 1);
  for (size_t i = 0; i < PATTERNS; i++) {
    r->patterns[i].border = border;
    border += r->patterns[i].length;
  }
  char *bytes = (char *)border;
  for (size_t i = 0; i < PATTERNS; i++) {
    r->patterns[i].bytes = bytes;
    bytes += r->patterns[i].length;
    write_pattern(&r->patterns[i], i, secret, size);
  }
}

/* Marks the bytes that `fold` makes the first one of a pattern. */
static void mark_beginnings(struct redaction *r, const char *secret) {
  memset(r->begins, 0, sizeof r->begins);
  unsigned char first = fold_plain((unsigned char)*secret);
  r->begins[first] = true;
  if (first == '+') r->begins[' '] = true;
  if (first >= 'a' && first <= 'z') r->begins[first - 'a' + 'A'] = true;
  for (size_t before = 0; before < 3; before++) {
    first = (unsigned char)base64_digits[(unsigned char)secret[(3 - before) % 3] >> 2];
    r->begins[first] = true;
    if (first == '+') r->begins['-'] = true;
    if (first == '/') r->begins['_'] = true;
  }
}

/* Whether a pattern may begin anywhere in a text. Most ids of responses end here, before the patterns are made. */
static bool may_hold(const struct redaction *r, const char *text, size_t length) {
  for (size_t i = 0; i + r->shortest <= length; i++) {
    if (r->begins[(unsigned char)text[i]]) return true;
  }
  return length >= r->shortest && has_escape(text, length);
}

void hoopai_redact(lua_State *L, int index, const char *secret, size_t size) {
  alignas(max_align_t) char small[SMALL];
  struct redaction redaction, *r = &redaction;
  if (size < SHORTEST) return;
  size_t needed = measure(r, size);
  mark_beginnings(r, secret);
  if (!may_hold(r, lua_tostring(L, index), lua_rawlen(L, index))) return;
  luaL_checkstack(L, 8, "a text");
  int top = lua_gettop(L);
  void *memory = needed <= sizeof small ? small : lua_newuserdatauv(L, needed, 0);
  write_patterns(r, memory, secret, size);
  for (int level = 0; level <= LEVELS && begin_pass(L, r, index, level); level++) run_pass(L, r, index, level);
  hoopai_wipe(memory, needed);
  lua_settop(L, top);
}

/* -- All secrets in use ---------------------------------------------------------------------- */

void hoopai_note_secret(lua_State *L) {
  if (!luaL_getsubtable(L, LUA_REGISTRYINDEX, registry_key)) {
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
  }
  lua_pushvalue(L, -2);
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

/* Pushes a list of the secrets in use. Nothing is allocated while the set is read (rule Finalisers), so secrets that a
   finaliser adds are left out. */
static lua_Integer push_secrets(lua_State *L) {
  lua_Integer count = 0, used = 0;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, registry_key);
  int set = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, set); lua_pop(L, 1)) count++;
  lua_createtable(L, (int)count, 0);
  lua_pushnil(L);
  while (lua_next(L, set)) {
    lua_pop(L, 1);
    if (used == count) {
      lua_pop(L, 1);
      break;
    }
    lua_pushvalue(L, -1);
    lua_rawseti(L, set + 1, ++used);
  }
  lua_remove(L, set);
  return used;
}

/* redact(text) -> the text without the secrets that are in use in this lua_State: for texts of the host's functions,
   which may quote any of them. */
static int redact_all(lua_State *L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  lua_settop(L, 1);
  lua_Integer count = push_secrets(L);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, 2, i);
    if (luaL_getmetafield(L, -1, HOOPAI_REDACT) != LUA_TNIL) {
      lua_insert(L, -2);
      lua_pushvalue(L, 1);
      lua_call(L, 2, 1);
      lua_replace(L, 1);
    }
    lua_settop(L, 2);
  }
  lua_settop(L, 1);
  return 1;
}

void hoopai_open_redact(lua_State *L) {
  lua_pushcfunction(L, redact_all);
  lua_setfield(L, -2, "redact");
}
