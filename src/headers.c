/* The header blocks of a response. Versions of libcurl accept different malformed headers, so the rules that must not
   depend on the version are checked here, before libcurl acts on a line. */
#include "headers.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define MAX_LINES 200
#define MAX_INTERIM 8
#define MOST_LENGTH (UINT64_MAX / 10 - 9)

/* -- Refusals -------------------------------------------------------------------------------- */

static const struct hoopai_refusal refused_too_long = {
  "too_large", "the answer has more or longer headers than the library accepts"};
static const struct hoopai_refusal refused_no_memory = {"too_large", "there is no memory for the answer"};
static const struct hoopai_refusal refused_no_status_line = {"protocol",
                                                             "the answer does not begin with a status line of HTTP"};
static const struct hoopai_refusal refused_flood = {"protocol", "the server sends interim (1xx) answers without end"};
static const struct hoopai_refusal refused_malformed = {"protocol", "a header line of the answer is malformed"};
static const struct hoopai_refusal refused_coding = {
  "protocol", "the answer is encoded in a way that was not asked for: only gzip is, and once"};

/* -- Checks ---------------------------------------------------------------------------------- */

static bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

static bool is_blank(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* The status in a status line of HTTP/1.0, 1.1 or 2 (RFC 9112 4); 0 for any other line. */
static int read_status(const char *line, size_t length) {
  static const char *const versions[] = {"HTTP/1.1 ", "HTTP/2 ", "HTTP/1.0 "};
  for (size_t i = 0; i < sizeof versions / sizeof *versions; i++) {
    size_t size = strlen(versions[i]);
    const char *code = line + size;
    if (length <= size + 3 || memcmp(line, versions[i], size) != 0) continue;
    if (!is_digit(code[0]) || !is_digit(code[1]) || !is_digit(code[2]) || !is_blank(code[3])) return 0;
    int status = (code[0] - '0') * 100 + (code[1] - '0') * 10 + (code[2] - '0');
    return status >= 100 ? status : 0;
  }
  return 0;
}

static bool is_interim(const struct hoopai_headers *headers) {
  return headers->status / 100 == 1;
}

/* A status line begins a block; 1xx blocks precede the final one (RFC 9110 15.2). */
static const struct hoopai_refusal *begin_block(struct hoopai_headers *headers, const char *line, size_t length) {
  headers->status = read_status(line, length);
  if (headers->status == 0) return &refused_no_status_line;
  headers->text.length = 0;
  headers->open = headers->bare = true;
  headers->sized = headers->in_framing = false;
  return is_interim(headers) && ++headers->interim > MAX_INTERIM ? &refused_flood : NULL;
}

/* The value of a line with this name; NULL for other lines. */
static const char *value_of(const char *line, size_t length, const char *name, size_t *value_length) {
  size_t size = strlen(name);
  if (length <= size || line[size] != ':' || strncasecmp(line, name, size) != 0) return NULL;
  const char *value = line + size + 1, *end = line + length;
  while (value < end && is_blank(*value)) value++;
  while (end > value && is_blank(end[-1])) end--;
  *value_length = (size_t)(end - value);
  return value;
}

static bool is_one_of(const char *value, size_t length, const char *const *names) {
  for (; *names; names++) {
    if (strlen(*names) == length && strncasecmp(value, *names, length) == 0) return true;
  }
  return false;
}

/* libcurl decodes up to five nested codings, requested or not: 300 bytes can occupy it for a minute, and during this
   time no size or time limit applies. So one gzip is accepted in all blocks and trailers together. */
static const struct hoopai_refusal *check_encoding(struct hoopai_headers *headers, const char *value, size_t length) {
  static const char *const known[] = {"gzip", "x-gzip", "identity", NULL};
  bool again = headers->coded;
  headers->coded = true;
  return again || !is_one_of(value, length, known) ? &refused_coding : NULL;
}

/* Requests have no TE header, so no other transfer coding may be used (RFC 9112 7.4). */
static const struct hoopai_refusal *check_coding(struct hoopai_headers *headers, const char *value, size_t length) {
  static const char *const known[] = {"identity", "chunked", NULL};
  headers->chunked = headers->chunked || is_one_of(value, length, known + 1);
  return is_one_of(value, length, known) ? NULL : &refused_coding;
}

/* Digits only, and the same in each line (RFC 9112 6.3). Statuses without a body are not checked. */
static const struct hoopai_refusal *check_length(struct hoopai_headers *headers, const char *value, size_t length) {
  uint64_t number = 0;
  if (headers->status == 204 || headers->status == 304) return NULL;
  for (size_t i = 0; i < length; i++) {
    if (!is_digit(value[i])) return &refused_malformed;
    number = number > MOST_LENGTH ? number : number * 10 + (uint64_t)(value[i] - '0');
  }
  bool differs = headers->sized && headers->size != number;
  headers->sized = true;
  headers->size = number;
  return length == 0 || differs ? &refused_malformed : NULL;
}

/* The headers that define the end and the coding of the body. */
static const struct {
  const char *name;
  const struct hoopai_refusal *(*check)(struct hoopai_headers *headers, const char *value, size_t length);
} framing[] = {
  {"content-encoding", check_encoding}, {"transfer-encoding", check_coding}, {"content-length", check_length}};

static const struct hoopai_refusal *check_framing(struct hoopai_headers *headers, const char *line, size_t length) {
  headers->in_framing = false;
  if ((line[0] | 0x20) != 'c' && (line[0] | 0x20) != 't') return NULL; /* most lines */
  for (size_t i = 0; i < sizeof framing / sizeof *framing; i++) {
    size_t size = 0;
    const char *value = value_of(line, length, framing[i].name, &size);
    if (!value) continue;
    headers->in_framing = true;
    return framing[i].check(headers, value, size);
  }
  return NULL;
}

static bool is_folded(const char *line) {
  return line[0] == ' ' || line[0] == '\t';
}

/* No NUL, and a CR only before the LF (RFC 9112 2.2, 5). */
static bool is_clean(const struct hoopai_headers *headers, const char *line, size_t length) {
  if (headers->after_return) return length == 1 && line[0] == '\n';
  const char *end = memchr(line, '\r', length);
  size_t rest = end ? (size_t)(line + length - end) - 1 : 0;
  return !memchr(line, 0, length) && (rest == 0 || (rest == 1 && end[1] == '\n'));
}

/* A line that begins with a blank continues the header before it (RFC 9112 5.2). */
static const struct hoopai_refusal *check_line(struct hoopai_headers *headers, const char *line, size_t length) {
  if (is_folded(line)) return headers->bare || headers->in_framing ? &refused_malformed : NULL;
  return memchr(line, ':', length) ? check_framing(headers, line, length) : &refused_malformed;
}

/* -- Lines as they are received -------------------------------------------------------------- */

/* A folded line is joined to the one before by one space (RFC 9112 5.2). */
static const struct hoopai_refusal *append_line(struct hoopai_buffer *text, const char *line, size_t length) {
  if (is_folded(line)) {
    while (text->length > 0 && is_blank(text->data[text->length - 1])) text->length--;
    while (length > 1 && is_folded(line + 1)) line++, length--;
    if (!hoopai_append(text, " ", 1)) return &refused_no_memory;
    line++, length--;
  }
  return hoopai_append(text, line, length) ? NULL : &refused_no_memory;
}

static const struct hoopai_refusal *take_line(struct hoopai_headers *headers, const char *line, size_t length) {
  if (headers->done) return is_blank(line[0]) ? NULL : check_line(headers, line, length); /* trailers */
  if (!headers->open) {
    const struct hoopai_refusal *refusal = begin_block(headers, line, length);
    return refusal ? refusal : append_line(&headers->text, line, length);
  }
  if (line[0] == '\r' || line[0] == '\n') {
    headers->open = false;
    headers->done = !is_interim(headers);
    return NULL;
  }
  const struct hoopai_refusal *refusal = check_line(headers, line, length);
  headers->bare = false;
  return refusal ? refusal : append_line(&headers->text, line, length);
}

/* A further piece of a line. */
static const struct hoopai_refusal *take_rest(struct hoopai_headers *headers, const char *rest, size_t length) {
  if (headers->in_framing) return &refused_malformed;
  return headers->done || hoopai_append(&headers->text, rest, length) ? NULL : &refused_no_memory;
}

const struct hoopai_refusal *hoopai_headers_take(struct hoopai_headers *headers, const char *line, size_t length) {
  bool begins = !headers->in_line;
  if (begins && ++headers->lines > MAX_LINES) return &refused_too_long;
  if (length > headers->most - headers->text.length) return &refused_too_long;
  if (!is_clean(headers, line, length)) return &refused_malformed;
  headers->in_line = line[length - 1] != '\n';
  headers->after_return = line[length - 1] == '\r';
  return begins ? take_line(headers, line, length) : take_rest(headers, line, length);
}

int hoopai_headers_status(const struct hoopai_headers *headers) {
  return is_interim(headers) ? 0 : headers->status;
}

void hoopai_headers_reset(struct hoopai_headers *headers) {
  struct hoopai_buffer text = headers->text;
  size_t most = headers->most;
  hoopai_buffer_reset(&text);
  memset(headers, 0, sizeof *headers);
  headers->text = text;
  headers->most = most;
}

/* -- Headers for Lua ------------------------------------------------------------------------- */

/* Takes the next header whose name has this prefix from the lines between `at` and `end`; false when there is none.
   Status lines are skipped. */
static bool next_header(const char **at, const char *end, const char *prefix, struct hoopai_header *header) {
  size_t size = strlen(prefix);
  while (*at < end) {
    const char *start = *at, *newline = memchr(start, '\n', (size_t)(end - start));
    const char *stop = newline ? newline : end;
    *at = newline ? newline + 1 : end;
    /* The first letter excludes most lines. */
    if (size > 0 && (*start | 0x20) != (*prefix | 0x20)) continue;
    if ((size_t)(stop - start) < size || strncasecmp(start, prefix, size) != 0) continue;
    const char *colon = memchr(start, ':', (size_t)(stop - start));
    if (!colon || colon == start) continue;
    if (memcmp(start, "HTTP/", (size_t)(stop - start) < 5 ? (size_t)(stop - start) : 5) == 0) continue;
    const char *value = colon + 1;
    while (value < stop && (*value == ' ' || *value == '\t')) value++;
    while (stop > value && (stop[-1] == '\r' || stop[-1] == ' ' || stop[-1] == '\t')) stop--;
    header->name = start;
    header->name_length = (size_t)(colon - start);
    header->value = value;
    header->value_length = (size_t)(stop - value);
    return true;
  }
  return false;
}

static void push_lower(lua_State *L, const char *text, size_t length) {
  luaL_Buffer out;
  char *at = luaL_buffinitsize(L, &out, length);
  for (size_t i = 0; i < length; i++) at[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
  luaL_pushresultsize(&out, length);
}

static void push_headers(lua_State *L, const char *at, size_t length) {
  const char *end = at + length;
  struct hoopai_header header;
  lua_createtable(L, 0, (int)(length / 32)); /* an estimate: rehashing costs more than the rest of this function */
  while (next_header(&at, end, "", &header)) {
    push_lower(L, header.name, header.name_length);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) == LUA_TNIL) {
      lua_pop(L, 1);
      lua_pushlstring(L, header.value, header.value_length);
    } else {
      lua_pushliteral(L, ", ");
      lua_pushlstring(L, header.value, header.value_length);
      lua_concat(L, 3);
    }
    lua_rawset(L, -3);
  }
}

int hoopai_core_headers(lua_State *L) {
  size_t length;
  const char *lines = luaL_checklstring(L, 1, &length);
  push_headers(L, lines, length);
  return 1;
}

/* -- Rate limit ------------------------------------------------------------------------------ */

/* A whole number of at most 15 digits. */
static bool read_number(const struct hoopai_header *header, lua_Integer *number) {
  *number = 0;
  if (header->value_length == 0 || header->value_length > 15) return false;
  for (size_t i = 0; i < header->value_length; i++) {
    if (header->value[i] < '0' || header->value[i] > '9') return false;
    *number = *number * 10 + (header->value[i] - '0');
  }
  return true;
}

#define RATE_LIMIT_PREFIX "x-ratelimit-"
#define RATE_LIMIT(rest, key)                                                                                          \
  { RATE_LIMIT_PREFIX rest, sizeof(RATE_LIMIT_PREFIX rest) - 1, key }

static const struct {
  const char *name;
  size_t length;
  const char *key;
} rate_limit_headers[HOOPAI_RATE_LIMIT_SIZE] = {
  [HOOPAI_RATE_LIMIT_MAX] = RATE_LIMIT("max", "max"),
  [HOOPAI_RATE_LIMIT_REMAINING] = RATE_LIMIT("remaining", "remaining"),
  [HOOPAI_RATE_LIMIT_INTERVAL_MS] = RATE_LIMIT("interval-milliseconds", "interval_ms"),
  [HOOPAI_RATE_LIMIT_DAILY_LIMIT] = RATE_LIMIT("limit-daily", "daily_limit"),
  [HOOPAI_RATE_LIMIT_DAILY_REMAINING] = RATE_LIMIT("daily-remaining", "daily_remaining"),
  [HOOPAI_RATE_LIMIT_DAILY_RESET_MS] = RATE_LIMIT("daily-reset", "daily_reset_ms"),
};

/* The index of a header in that table; -1 = not in it. */
static int rate_limit_index(const struct hoopai_header *header) {
  for (int i = 0; i < HOOPAI_RATE_LIMIT_SIZE; i++) {
    if (header->name_length != rate_limit_headers[i].length) continue;
    if (strncasecmp(header->name, rate_limit_headers[i].name, header->name_length) == 0) return i;
  }
  return -1;
}

static void clear_rate_limit(lua_Integer *numbers) {
  for (int i = 0; i < HOOPAI_RATE_LIMIT_SIZE; i++) numbers[i] = -1;
}

bool hoopai_rate_limit_read_lines(const char *at, size_t length, lua_Integer numbers[HOOPAI_RATE_LIMIT_SIZE]) {
  const char *end = at + length;
  struct hoopai_header header;
  lua_Integer number;
  bool is_present = false;
  clear_rate_limit(numbers);
  while (next_header(&at, end, RATE_LIMIT_PREFIX, &header)) {
    int index = rate_limit_index(&header);
    if (index < 0 || !read_number(&header, &number)) continue;
    numbers[index] = number;
    is_present = true;
  }
  return is_present;
}

/* Iterates, as pushing a key to look up would allocate (rule Memory). */
void hoopai_rate_limit_read_table(lua_State *L, int index, lua_Integer numbers[HOOPAI_RATE_LIMIT_SIZE]) {
  clear_rate_limit(numbers);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    lua_Integer number = lua_tointeger(L, -1);
    bool is_whole = lua_isinteger(L, -1) && number >= 0 && number <= HOOPAI_RATE_LIMIT_MOST;
    for (int i = 0; is_whole && i < HOOPAI_RATE_LIMIT_SIZE; i++) {
      if (strcmp(key, rate_limit_headers[i].key) == 0) numbers[i] = number;
    }
    lua_pop(L, 1);
  }
}

int hoopai_rate_limit_push(lua_State *L, bool is_present, const lua_Integer numbers[HOOPAI_RATE_LIMIT_SIZE]) {
  if (!is_present) {
    lua_pushnil(L);
    return 1;
  }
  lua_createtable(L, 0, HOOPAI_RATE_LIMIT_SIZE);
  for (int i = 0; i < HOOPAI_RATE_LIMIT_SIZE; i++) {
    if (numbers[i] < 0) continue;
    lua_pushinteger(L, numbers[i]);
    lua_setfield(L, -2, rate_limit_headers[i].key);
  }
  return 1;
}

/* rate_limit(lines) -> { [key] = number } of the headers in that table; nil when there is none */
static int core_rate_limit(lua_State *L) {
  size_t length;
  lua_Integer numbers[HOOPAI_RATE_LIMIT_SIZE];
  const char *lines = luaL_checklstring(L, 1, &length);
  bool is_present = hoopai_rate_limit_read_lines(lines, length, numbers);
  return hoopai_rate_limit_push(L, is_present, numbers);
}

void hoopai_open_headers(lua_State *L) {
  lua_pushcfunction(L, hoopai_core_headers);
  lua_setfield(L, -2, "headers");
  lua_pushcfunction(L, core_rate_limit);
  lua_setfield(L, -2, "rate_limit");
}
