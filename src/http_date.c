/* Dates in HTTP headers (RFC 9110 5.6.7). */
#define _GNU_SOURCE
#include "core.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

static bool is_letter(char byte) {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* In a form '0' is a digit, '_' a digit or blank, 'a' a letter; any other character is itself. */
static bool fits(char byte, char place) {
  if (place == 'a') return is_letter(byte);
  if (place == '_' && byte == ' ') return true;
  return place == '0' || place == '_' ? byte >= '0' && byte <= '9' : byte == place;
}

static bool has_form(const char *text, const char *form) {
  for (; *form; form++, text++) {
    if (!fits(*text, *form)) return false;
  }
  return *text == '\0';
}

/* The day of the month in a text of one of the three forms; 0 for other texts. */
static long day_of_month(const char *text) {
  static const struct {
    const char *form; /* after the name of the weekday */
    size_t day;       /* offset of the day in it */
  } forms[] = {{", 00 aaa 0000 00:00:00 GMT", 2}, {", 00-aaa-00 00:00:00 GMT", 2}, {" aaa _0 00:00:00 0000", 5}};
  const char *rest = text;
  while (is_letter(*rest)) rest++;
  for (size_t i = 0; rest > text && i < sizeof forms / sizeof *forms; i++) {
    if (has_form(rest, forms[i].form)) return strtol(rest + forms[i].day, NULL, 10);
  }
  return 0;
}

static bool is_on_day(time_t seconds, long day) {
  struct tm date;
  return gmtime_r(&seconds, &date) && date.tm_mday == day;
}

/* parse_http_date(text) -> seconds since 1970; nil if the text is no date of RFC 9110 5.6.7. The form and the day are
   checked here: curl_getdate takes other forms too, dates without a zone among them, and reads February 31 as March 3. */
static int core_parse_http_date(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  long day = strlen(text) == length ? day_of_month(text) : 0;
  time_t seconds = day > 0 ? curl_getdate(text, NULL) : -1;
  /* A leap second (23:59:60) is the first second of the next day. */
  if (seconds != -1 && (is_on_day(seconds, day) || is_on_day(seconds - 1, day))) {
    lua_pushinteger(L, (lua_Integer)seconds);
  } else {
    lua_pushnil(L);
  }
  return 1;
}

void hoopai_open_http_date(lua_State *L) {
  lua_pushcfunction(L, core_parse_http_date);
  lua_setfield(L, -2, "parse_http_date");
}
