/* The header blocks of a response: checked and stored line by line as libcurl passes them, and read later. */
#ifndef HOOPAI_HEADERS_H
#define HOOPAI_HEADERS_H

#include "core.h"

#include <stdint.h>

/* Zeroed memory, with `most` set, is a response of which nothing was received. */
struct hoopai_headers {
  struct hoopai_buffer text; /* lines of the last block, interim or final, without the empty line */
  size_t most;               /* accepted bytes */
  int lines, interim;        /* how many lines, and how many 1xx blocks, so far */
  uint64_t size;             /* the value of Content-Length */
  int status;                /* of the last block; 0 = no block was received */
  bool open;                 /* in a block, before its empty line */
  bool bare;                 /* in a block, after its status line */
  bool done;                 /* the final block is complete: further lines are trailers */
  bool coded;                /* there was a Content-Encoding */
  bool chunked;              /* there was a Transfer-Encoding: chunked */
  bool sized;                /* the block has a Content-Length: `size` */
  bool in_framing;           /* the last line is one of these three headers: it must not be folded */
  bool in_line;              /* the last piece did not end its line */
  bool after_return;         /* the last piece ended in a CR */
};

/* Why a response is refused. */
struct hoopai_refusal {
  const char *kind, *message;
};

/* "Name: value" within a block. */
struct hoopai_header {
  const char *name, *value;
  size_t name_length, value_length;
};

/* The values of the X-RateLimit-* headers, each a number up to HOOPAI_RATE_LIMIT_MOST. */
enum hoopai_rate_limit {
  HOOPAI_RATE_LIMIT_MAX,
  HOOPAI_RATE_LIMIT_REMAINING,
  HOOPAI_RATE_LIMIT_INTERVAL_MS,
  HOOPAI_RATE_LIMIT_DAILY_LIMIT,
  HOOPAI_RATE_LIMIT_DAILY_REMAINING,
  HOOPAI_RATE_LIMIT_DAILY_RESET_MS,
  HOOPAI_RATE_LIMIT_SIZE
};

#define HOOPAI_RATE_LIMIT_MOST 999999999999999 /* 15 digits: the sum of a few of them does not overflow */

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Takes the next line, trailers included; before 8.3.0 libcurl passes a long line in pieces. Returns why the response
   is refused, NULL when it is not. */
const struct hoopai_refusal *hoopai_headers_take(struct hoopai_headers *headers, const char *line, size_t length);

/* The status of the final response; 0 before there is one. */
int hoopai_headers_status(const struct hoopai_headers *headers);

/* Empties the headers for the next response. */
void hoopai_headers_reset(struct hoopai_headers *headers);

/* Reads the numbers of the rate limit from header lines, -1 = absent. Returns whether there is any. */
bool hoopai_rate_limit_read_lines(const char *at, size_t length, lua_Integer numbers[HOOPAI_RATE_LIMIT_SIZE]);
/* The same from the table at an index, as hoopai_rate_limit_push makes it. */
void hoopai_rate_limit_read_table(lua_State *L, int index, lua_Integer numbers[HOOPAI_RATE_LIMIT_SIZE]);
/* Pushes the numbers as a table, nil when there is none. */
int hoopai_rate_limit_push(lua_State *L, bool is_present, const lua_Integer numbers[HOOPAI_RATE_LIMIT_SIZE]);

/* headers(lines) -> { ["lower-case-name"] = value }; the values of a repeated name are joined by ", " (RFC 9110 5.2) */
int hoopai_core_headers(lua_State *L);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
