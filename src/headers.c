/* The header blocks of a response. What libcurl accepts has changed between its versions: what must not depend on that
   is judged here, before libcurl acts on it. */
#include "headers.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define MAX_LINES 200
#define MAX_INTERIM 8
#define MOST_LENGTH (UINT64_MAX / 10 - 9)

/* ------------------------------------------------------------------------------------------------------------ refusals */

static const struct hoopai_refusal refused_too_long = {
  "too_large", "the answer has more or longer headers than the library accepts"};
static const struct hoopai_refusal refused_no_memory = {"too_large", "there is no memory for the answer"};
static const struct hoopai_refusal refused_no_status_line = {"protocol",
                                                             "the answer does not begin with a status line of HTTP"};
static const struct hoopai_refusal refused_flood = {"protocol", "the server sends interim (1xx) answers without end"};
static const struct hoopai_refusal refused_malformed = {"protocol", "a header line of the answer is malformed"};
static const struct hoopai_refusal refused_coding = {
  "protocol", "the answer is encoded in a way that was not asked for: only gzip is, and once"};

/* ------------------------------------------------------------------------------------------------------------- judging */

static bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

static bool is_blank(char byte) {
  return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* The status in a status line (RFC 9112 4) of a version that is spoken here; 0 where it is none. */
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

/* A status line begins a new block; 1xx blocks come before the one that counts. */
static const struct hoopai_refusal *begin_block(struct hoopai_headers *headers, const char *line, size_t length) {
  headers->status = read_status(line, length);
  if (headers->status == 0) return &refused_no_status_line;
  headers->text.length = 0;
  headers->open = headers->bare = true;
  headers->sized = headers->in_framing = false;
  return is_interim(headers) && ++headers->interim > MAX_INTERIM ? &refused_flood : NULL;
}

/* The value of a line that names this header; NULL for all others. */
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

/* libcurl undoes up to five codings, one within the other, asked for or not: 300 bytes can keep it busy for a minute, in
   which neither a size nor a time limit counts. So one gzip is let through, and no more in all blocks and trailers. */
static const struct hoopai_refusal *judge_encoding(struct hoopai_headers *headers, const char *value, size_t length) {
  static const char *const known[] = {"gzip", "x-gzip", "identity", NULL};
  bool again = headers->coded;
  headers->coded = true;
  return again || !is_one_of(value, length, known) ? &refused_coding : NULL;
}

/* No transfer coding but this one was asked for (RFC 9112 7.4). */
static const struct hoopai_refusal *judge_transfer(struct hoopai_headers *headers, const char *value, size_t length) {
  static const char *const known[] = {"identity", "chunked", NULL};
  headers->chunked = headers->chunked || is_one_of(value, length, known + 1);
  return is_one_of(value, length, known) ? NULL : &refused_coding;
}

/* Digits alone, and the same in each line (RFC 9112 6.3). A response that has no body need not be right. */
static const struct hoopai_refusal *judge_length(struct hoopai_headers *headers, const char *value, size_t length) {
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

/* The headers that say where the body ends and what it is made of. */
static const struct {
  const char *name;
  const struct hoopai_refusal *(*judge)(struct hoopai_headers *headers, const char *value, size_t length);
} framing[] = {
  {"content-encoding", judge_encoding}, {"transfer-encoding", judge_transfer}, {"content-length", judge_length}};

static const struct hoopai_refusal *judge_framing(struct hoopai_headers *headers, const char *line, size_t length) {
  headers->in_framing = false;
  if ((line[0] | 0x20) != 'c' && (line[0] | 0x20) != 't') return NULL; /* most lines */
  for (size_t i = 0; i < sizeof framing / sizeof *framing; i++) {
    size_t size = 0;
    const char *value = value_of(line, length, framing[i].name, &size);
    if (!value) continue;
    headers->in_framing = true;
    return framing[i].judge(headers, value, size);
  }
  return NULL;
}

static bool is_folded(const char *line) {
  return line[0] == ' ' || line[0] == '\t';
}

/* No NUL, and no CR but the one before the LF (RFC 9112 2.2, 5). */
static bool is_clean(const struct hoopai_headers *headers, const char *line, size_t length) {
  if (headers->after_return) return length == 1 && line[0] == '\n';
  const char *end = memchr(line, '\r', length);
  size_t rest = end ? (size_t)(line + length - end) - 1 : 0;
  return !memchr(line, 0, length) && (rest == 0 || (rest == 1 && end[1] == '\n'));
}

/* A line that begins with a blank goes on with the header before it (RFC 9112 5.2). */
static const struct hoopai_refusal *judge_line(struct hoopai_headers *headers, const char *line, size_t length) {
  if (is_folded(line)) return headers->bare || headers->in_framing ? &refused_malformed : NULL;
  return memchr(line, ':', length) ? judge_framing(headers, line, length) : &refused_malformed;
}

/* -------------------------------------------------------------------------------------------------------------- taking */

/* A folded line is joined to the one before by one space (RFC 9112 5.2). */
static const struct hoopai_refusal *keep_line(struct hoopai_buffer *text, const char *line, size_t length) {
  if (is_folded(line)) {
    while (text->length > 0 && is_blank(text->data[text->length - 1])) text->length--;
    while (length > 1 && is_folded(line + 1)) line++, length--;
    if (!hoopai_append(text, " ", 1)) return &refused_no_memory;
    line++, length--;
  }
  return hoopai_append(text, line, length) ? NULL : &refused_no_memory;
}

static const struct hoopai_refusal *take_line(struct hoopai_headers *headers, const char *line, size_t length) {
  if (headers->done) return is_blank(line[0]) ? NULL : judge_line(headers, line, length); /* trailers */
  if (!headers->open) {
    const struct hoopai_refusal *refusal = begin_block(headers, line, length);
    return refusal ? refusal : keep_line(&headers->text, line, length);
  }
  if (line[0] == '\r' || line[0] == '\n') {
    headers->open = false;
    headers->done = !is_interim(headers);
    return NULL;
  }
  const struct hoopai_refusal *refusal = judge_line(headers, line, length);
  headers->bare = false;
  return refusal ? refusal : keep_line(&headers->text, line, length);
}

/* The rest of a line whose beginning was taken before. */
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

/* -------------------------------------------------------------------------------------------------------------- reading */

bool hoopai_header_next(const char **at, const char *end, const char *prefix, struct hoopai_header *header) {
  size_t size = strlen(prefix);
  while (*at < end) {
    const char *start = *at, *newline = memchr(start, '\n', (size_t)(end - start));
    const char *stop = newline ? newline : end;
    *at = newline ? newline + 1 : end;
    /* Most lines differ in the first letter. */
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
  lua_createtable(L, 0, (int)(length / 32)); /* a guess: growing step by step takes longer than all the rest */
  while (hoopai_header_next(&at, end, "", &header)) {
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

/* headers(lines) of headers.h */
int hoopai_core_headers(lua_State *L) {
  size_t length;
  const char *lines = luaL_checklstring(L, 1, &length);
  push_headers(L, lines, length);
  return 1;
}

/* --------------------------------------------------------------------------------------------------------------- budget */

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

#define BUDGET_PREFIX "x-ratelimit-"
#define BUDGET(rest, key)                                                                                              \
  { BUDGET_PREFIX rest, sizeof(BUDGET_PREFIX rest) - 1, key }

static const struct {
  const char *name;
  size_t length;
  const char *key;
} budget[HOOPAI_BUDGET_SIZE] = {
  [HOOPAI_BUDGET_MAX] = BUDGET("max", "max"),
  [HOOPAI_BUDGET_REMAINING] = BUDGET("remaining", "remaining"),
  [HOOPAI_BUDGET_INTERVAL_MS] = BUDGET("interval-milliseconds", "interval_ms"),
  [HOOPAI_BUDGET_DAILY_LIMIT] = BUDGET("limit-daily", "daily_limit"),
  [HOOPAI_BUDGET_DAILY_REMAINING] = BUDGET("daily-remaining", "daily_remaining"),
  [HOOPAI_BUDGET_DAILY_RESET_MS] = BUDGET("daily-reset", "daily_reset_ms"),
};

/* Which of them it is; -1 = none. */
static int budget_index(const struct hoopai_header *header) {
  for (int i = 0; i < HOOPAI_BUDGET_SIZE; i++) {
    if (header->name_length != budget[i].length) continue;
    if (strncasecmp(header->name, budget[i].name, header->name_length) == 0) return i;
  }
  return -1;
}

static void forget_budget(lua_Integer *numbers) {
  for (int i = 0; i < HOOPAI_BUDGET_SIZE; i++) numbers[i] = -1;
}

bool hoopai_budget_read_lines(const char *at, size_t length, lua_Integer numbers[HOOPAI_BUDGET_SIZE]) {
  const char *end = at + length;
  struct hoopai_header header;
  lua_Integer number;
  bool told = false;
  forget_budget(numbers);
  while (hoopai_header_next(&at, end, BUDGET_PREFIX, &header)) {
    int index = budget_index(&header);
    if (index < 0 || !read_number(&header, &number)) continue;
    numbers[index] = number;
    told = true;
  }
  return told;
}

/* Walks through the table, as a key to ask for could be a string that has to be made first. */
void hoopai_budget_read_table(lua_State *L, int index, lua_Integer numbers[HOOPAI_BUDGET_SIZE]) {
  forget_budget(numbers);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
    lua_Integer number = lua_tointeger(L, -1);
    bool is_whole = lua_isinteger(L, -1) && number >= 0 && number <= HOOPAI_BUDGET_MOST;
    for (int i = 0; is_whole && i < HOOPAI_BUDGET_SIZE; i++) {
      if (strcmp(key, budget[i].key) == 0) numbers[i] = number;
    }
    lua_pop(L, 1);
  }
}

int hoopai_budget_push(lua_State *L, bool told, const lua_Integer numbers[HOOPAI_BUDGET_SIZE]) {
  if (!told) {
    lua_pushnil(L);
    return 1;
  }
  lua_createtable(L, 0, HOOPAI_BUDGET_SIZE);
  for (int i = 0; i < HOOPAI_BUDGET_SIZE; i++) {
    if (numbers[i] < 0) continue;
    lua_pushinteger(L, numbers[i]);
    lua_setfield(L, -2, budget[i].key);
  }
  return 1;
}

/* rate_limit(head) -> { [key] = number } of the headers above that are whole numbers; nil when there is none */
static int core_rate_limit(lua_State *L) {
  size_t length;
  lua_Integer numbers[HOOPAI_BUDGET_SIZE];
  const char *lines = luaL_checklstring(L, 1, &length);
  bool told = hoopai_budget_read_lines(lines, length, numbers);
  return hoopai_budget_push(L, told, numbers);
}

void hoopai_open_headers(lua_State *L) {
  lua_pushcfunction(L, hoopai_core_headers);
  lua_setfield(L, -2, "headers");
  lua_pushcfunction(L, core_rate_limit);
  lua_setfield(L, -2, "rate_limit");
}
