/* The header blocks of a response: taken line by line as libcurl passes them on, judged, kept and read. */
#ifndef HOOPAI_HEADERS_H
#define HOOPAI_HEADERS_H

#include "core.h"

#include <stdint.h>

/* Zeroed memory, with `most` set, is a response of which nothing came. */
struct hoopai_headers {
  struct hoopai_buffer text; /* lines of the block that counts, or of the interim one before it; no empty line */
  size_t most;               /* bytes that are accepted */
  int lines, interim;        /* how many lines, and how many 1xx blocks, so far */
  uint64_t size;             /* what Content-Length says */
  int status;                /* of the block that came last; 0 = none came */
  bool open;                 /* in a block: its empty line is still to come */
  bool bare;                 /* in a block: only its status line came */
  bool done;                 /* the final block is complete: what follows are trailers */
  bool coded;                /* a Content-Encoding came */
  bool chunked;              /* a Transfer-Encoding: chunked came */
  bool sized;                /* the block has a Content-Length: `size` */
  bool in_framing;           /* the line last seen is one of these: no folded line may go on with it */
  bool in_line;              /* the piece last seen did not end its line */
  bool after_return;         /* it ended in a CR */
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

/* What the X-RateLimit-* headers of an answer say, each a number up to HOOPAI_BUDGET_MOST. */
enum hoopai_budget {
  HOOPAI_BUDGET_MAX,
  HOOPAI_BUDGET_REMAINING,
  HOOPAI_BUDGET_INTERVAL_MS,
  HOOPAI_BUDGET_DAILY_LIMIT,
  HOOPAI_BUDGET_DAILY_REMAINING,
  HOOPAI_BUDGET_DAILY_RESET_MS,
  HOOPAI_BUDGET_SIZE
};

#define HOOPAI_BUDGET_MOST 999999999999999 /* 15 digits: a few of them can be added */

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Takes the next line, trailers too; before 8.3.0 libcurl passes a long one on in pieces. Returns why the response is
   refused, NULL when it is not. */
const struct hoopai_refusal *hoopai_headers_take(struct hoopai_headers *headers, const char *line, size_t length);

/* The status of the final response; 0 where none, or only interim ones, came. */
int hoopai_headers_status(const struct hoopai_headers *headers);

/* Forgets the response; the memory is kept for the next. */
void hoopai_headers_reset(struct hoopai_headers *headers);

/* Takes the next header whose name begins like that off the lines from `at` to `end`; false at their end. Other lines
   (the status) are passed over. */
bool hoopai_header_next(const char **at, const char *end, const char *prefix, struct hoopai_header *header);

/* Reads the numbers of the budget, -1 = absent. Calls no Lua. Returns whether any is present. */
bool hoopai_budget_read_lines(const char *at, size_t length, lua_Integer numbers[HOOPAI_BUDGET_SIZE]);
/* The same from the table at an index, as hoopai_budget_push makes one. */
void hoopai_budget_read_table(lua_State *L, int index, lua_Integer numbers[HOOPAI_BUDGET_SIZE]);
/* Pushes the numbers that are present as a table, nil when none is. */
int hoopai_budget_push(lua_State *L, bool told, const lua_Integer numbers[HOOPAI_BUDGET_SIZE]);

/* Adds headers() and rate_limit() to the table on top of the stack. */
void hoopai_open_headers(lua_State *L);
/* headers(lines) -> { ["lower-case-name"] = value }, the values of a repeated name joined by ", " (RFC 9110 5.2) */
int hoopai_core_headers(lua_State *L);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
