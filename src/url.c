/* Path templates, query strings (RFC 3986), and the check of the base URL. */
#define _GNU_SOURCE
#include "core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include <curl/curl.h>

#define MAX_ARGUMENT 512
#define MAX_BASE 2048

static bool is_control(unsigned char byte) {
  return byte < 0x20 || byte == 0x7f;
}

/* -- Odd characters -------------------------------------------------------------------------- */

enum odd { ODD_NONE, ODD_SPACE, ODD_BLANK, ODD_TAB, ODD_LF, ODD_CR, ODD_NUL, ODD_CONTROL, ODD_BEYOND };
enum odd_place { ODD_BEGIN, ODD_END, ODD_WITHIN };

static enum odd odd_kind(unsigned char byte, bool is_token) {
  if (byte == ' ') return ODD_SPACE;
  if (byte == '\t') return ODD_TAB;
  if (byte == '\n') return ODD_LF;
  if (byte == '\r') return ODD_CR;
  if (byte == 0) return ODD_NUL;
  if (is_control(byte)) return ODD_CONTROL;
  return byte >= 0x80 && is_token ? ODD_BEYOND : ODD_NONE;
}

/* A blank beyond ASCII in UTF-8: U+00A0, U+2000 to U+200B, U+202F, U+205F, U+3000. Copied texts have them around. */
static bool is_wide_blank(const char *bytes, size_t length) {
  if (length >= 2 && memcmp(bytes, "\xC2\xA0", 2) == 0) return true;
  if (length < 3) return false;
  unsigned char last = (unsigned char)bytes[2];
  if (memcmp(bytes, "\xE2\x80", 2) == 0) return (last >= 0x80 && last <= 0x8B) || last == 0xAF;
  if (memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) return true; /* the byte order mark */
  return memcmp(bytes, "\xE2\x81\x9F", 3) == 0 || memcmp(bytes, "\xE3\x80\x80", 3) == 0;
}

static bool ends_in_wide_blank(const char *bytes, size_t length) {
  if (length >= 2 && is_wide_blank(bytes + length - 2, 2)) return true;
  return length >= 3 && (unsigned char)bytes[length - 3] >= 0xE0 && is_wide_blank(bytes + length - 3, 3);
}

static const char *odd_text(enum odd kind, enum odd_place place) {
#define ODD_TEXTS(what)                                                                                                \
  { "it begins with " what, "it ends in " what, "it holds " what }
  static const char *const texts[][3] = {
    [ODD_SPACE] = ODD_TEXTS("a space"),
    [ODD_BLANK] = ODD_TEXTS("a no-break space or another blank beyond ASCII"),
    [ODD_TAB] = ODD_TEXTS("a tab"),
    [ODD_LF] = ODD_TEXTS("a line feed"),
    [ODD_CR] =
      {
        "it begins with a carriage return",
        "it ends in a carriage return (does the file it comes from have Windows line ends?)",
        "it holds a carriage return",
      },
    [ODD_NUL] = ODD_TEXTS("a zero byte"),
    [ODD_CONTROL] = ODD_TEXTS("a control character"),
    [ODD_BEYOND] = ODD_TEXTS("a character beyond ASCII"),
  };
#undef ODD_TEXTS
  return texts[kind][place];
}

const char *hoopai_odd_character(const char *bytes, size_t length, bool is_token) {
  if (length == 0) return NULL;
  enum odd kind = is_wide_blank(bytes, length) ? ODD_BLANK : odd_kind((unsigned char)bytes[0], is_token);
  if (kind) return odd_text(kind, ODD_BEGIN);
  kind = odd_kind((unsigned char)bytes[length - 1], is_token);
  if (kind == ODD_LF && bytes[length - 2] == '\r') kind = ODD_CR; /* the first byte is no line feed: there are two */
  if (ends_in_wide_blank(bytes, length)) kind = ODD_BLANK;
  if (kind) return odd_text(kind, ODD_END);
  for (size_t i = 0; i < length; i++) {
    kind = odd_kind((unsigned char)bytes[i], is_token);
    if (kind && (is_token || kind != ODD_SPACE)) return odd_text(kind, ODD_WITHIN);
  }
  return NULL;
}

/* odd_character(text) -> "it ends in a space" | nil */
static int url_odd_character(lua_State *L) {
  size_t length;
  const char *bytes = luaL_checklstring(L, 1, &length);
  lua_pushstring(L, hoopai_odd_character(bytes, length, false));
  return 1;
}

/* -- Paths and queries ----------------------------------------------------------------------- */

static void add_escaped(luaL_Buffer *out, const char *bytes, size_t length) {
  char *start = luaL_prepbuffsize(out, 3 * length); /* the longest that it can become */
  luaL_addsize(out, (size_t)(hoopai_escape(start, bytes, length, HOOPAI_PLAIN_URL) - start));
}

static const char CONTROL[] = "must not hold control characters", BLANKS[] = "must not have blanks around it";

/* Servers drop a parameter, which begins with a semicolon, from a segment; a decoded path ends at its ? or #. */
static const char *dots_problem(const char *bytes, size_t length) {
  size_t dots = 0;
  while (dots < length && bytes[dots] == '.') dots++;
  if (dots == 0 || (dots < length && !strchr(";?#%", bytes[dots]))) return NULL;
  return dots == length && length <= 2 ? "must not be \".\" or \"..\"" : "must not consist of dots";
}

/* A proxy may decode a path more often than once, and split it at the slashes that this brings to light. */
static const char *separator_problem(const char *bytes, size_t left) {
  static const char slash[] = "must not hold / or \\, not even percent-encoded: the path would be another one";
  if (*bytes == '/' || *bytes == '\\') return slash;
  if (*bytes != '%' || left < 3) return NULL;
  int high = hoopai_hex_digit(bytes[1]), low = hoopai_hex_digit(bytes[2]);
  char byte = (char)(high < 0 || low < 0 ? 0 : high * 16 + low);
  if (byte == '/' || byte == '\\') return slash;
  bool is_plain = byte == '%' || hoopai_escaped_length(&byte, 1, HOOPAI_PLAIN_URL) == 1;
  return is_plain ? "must not be percent-encoded: give the id itself" : NULL;
}

/* Letters, digits, - and _: such are the ids of the API. */
static bool is_plain_id(const char *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    unsigned char byte = (unsigned char)bytes[i], letter = byte | 0x20;
    bool plain = (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
    if (!plain) return false;
  }
  return true;
}

/* Why an argument cannot be a path segment. No accepted argument can change the endpoint of a call. */
static const char *segment_problem(const char *bytes, size_t length) {
  if (length == 0) return "must not be empty";
  if (length > MAX_ARGUMENT) return "must have at most 512 bytes";
  if (is_plain_id(bytes, length)) return NULL;
  for (size_t i = 0; i < length; i++) {
    if (is_control((unsigned char)bytes[i])) return CONTROL;
  }
  const char *problem = NULL;
  for (size_t i = 0; i < length && !problem; i++) problem = separator_problem(bytes + i, length - i);
  if (!problem) problem = dots_problem(bytes, length);
  if (problem) return problem;
  if (length > 1 && strchr("\"'`", bytes[0]) && bytes[length - 1] == bytes[0]) {
    return "must not have quotes around it: leave them out";
  }
  return hoopai_odd_character(bytes, length, false) ? BLANKS : NULL;
}

/* Numbers are refused: 1e3 would become "1000.0". */
static const char *check_string(lua_State *L, int index, size_t *length) {
  luaL_checktype(L, index, LUA_TSTRING);
  return lua_tolstring(L, index, length);
}

/* path(template, ...) -> path | nil, problem, number of the argument */
static int url_path(lua_State *L) {
  const char *template = luaL_checkstring(L, 1);
  int count = lua_gettop(L) - 1, used = 0;
  for (int i = 1; i <= count; i++) {
    size_t length;
    const char *bytes = check_string(L, i + 1, &length);
    const char *problem = segment_problem(bytes, length);
    if (problem) {
      lua_pushnil(L);
      const char *odd = problem == CONTROL || problem == BLANKS ? hoopai_odd_character(bytes, length, false) : NULL;
      lua_pushfstring(L, odd ? "%s: %s" : "%s", problem, odd);
      lua_pushinteger(L, i);
      return 3;
    }
  }
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  for (const char *at = template; *at;) {
    size_t plain = strcspn(at, "{");
    luaL_addlstring(&out, at, plain);
    at += plain;
    const char *end = *at ? strchr(at, '}') : NULL;
    if (!end) {
      luaL_addstring(&out, at);
      break;
    }
    size_t length;
    luaL_argcheck(L, ++used <= count, used + 1, "missing argument of the path");
    const char *bytes = lua_tolstring(L, used + 1, &length);
    add_escaped(&out, bytes, length);
    at = end + 1;
  }
  luaL_argcheck(L, used == count, used + 2, "more arguments than the path has places");
  luaL_pushresult(&out);
  return 1;
}

static void add_query_value(lua_State *L, luaL_Buffer *out, int list, lua_Integer at) {
  size_t length;
  int type = lua_rawgeti(L, list, at);
  if (type == LUA_TBOOLEAN) {
    lua_pushstring(L, lua_toboolean(L, -1) ? "true" : "false");
    lua_replace(L, -2);
  } else if (type != LUA_TSTRING && !lua_isinteger(L, -1)) {
    luaL_error(L, "query value %d is a %s", (int)at, luaL_typename(L, -1));
  }
  /* luaL_addvalue needs the encoded text on top of the stack: it becomes a string first. */
  const char *bytes = lua_tolstring(L, -1, &length);
  luaL_Buffer encoded;
  luaL_buffinit(L, &encoded);
  add_escaped(&encoded, bytes, length);
  luaL_pushresult(&encoded);
  lua_remove(L, -2);
  luaL_addvalue(out);
}

/* query { name, value, name, value, ... } -> "name=value&name=value" */
static int url_query(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
  luaL_argcheck(L, count % 2 == 0, 1, "names and values must come in pairs");
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  for (lua_Integer i = 1; i <= count; i += 2) {
    if (i > 1) luaL_addchar(&out, '&');
    add_query_value(L, &out, 1, i);
    luaL_addchar(&out, '=');
    add_query_value(L, &out, 1, i + 1);
  }
  luaL_pushresult(&out);
  return 1;
}

/* -- Base URL -------------------------------------------------------------------------------- */

static bool is_loopback(const char *host) {
  if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0) return true;
  /* Other texts of digits and dots ("127.0.0.1.2") are names that would be resolved. */
  unsigned char address[4];
  return inet_pton(AF_INET, host, address) == 1 && address[0] == 127;
}

/* A host name has no case (RFC 3986 3.2.2). */
static void lower(char *text) {
  for (; text && *text; text++) {
    if (*text >= 'A' && *text <= 'Z') *text = (char)(*text + ('a' - 'A'));
  }
}

struct url_parts {
  char *scheme, *host, *zone, *port, *path, *user, *password;
};

static void free_parts(struct url_parts *parts) {
  char *all[] = {parts->scheme, parts->host, parts->zone, parts->port, parts->path, parts->user, parts->password};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) curl_free(all[i]);
}

/* libcurl returns the decoded host: a "%" in it would be decoded again. */
static bool is_host(const char *host) {
  for (; *host; host++) {
    if (*host == '%' || (unsigned char)*host >= 0x7f) return false;
  }
  return true;
}

static const char *parts_problem(const struct url_parts *parts) {
  if (!parts->scheme || !parts->host || !parts->path) return "is not a URL such as https://host";
  if (parts->user || parts->password) return "must not hold a user name or password";
  if (!is_host(parts->host)) return "must not hold percent-encoded bytes in the place of the host";
  if (parts->zone) return "must not hold an address with a zone";
  if (parts->port && strcmp(parts->port, "0") == 0) return "must not have port 0";
  if (strcmp(parts->scheme, "https") == 0) return NULL;
  if (strcmp(parts->scheme, "http") != 0) return "must begin with https://";
  return is_loopback(parts->host) ? NULL
                                  : "must begin with https:// (plain http only to 127.0.0.1, [::1] or localhost)";
}

static const char *text_problem(const char *text, size_t length) {
  if (length == 0) return "must not be empty";
  if (length > MAX_BASE) return "must have at most 2048 bytes";
  for (size_t i = 0; i < length; i++) {
    unsigned char byte = (unsigned char)text[i];
    if (byte <= 0x20 || byte >= 0x7f) return "must not hold spaces, control characters or characters beyond ASCII";
  }
  if (*text == '"' || *text == '\'') return "must not have quotes around it: leave them out";
  if (strpbrk(text, "?#")) return "must not hold a query or fragment";
  return NULL;
}

static const char *write_base(char *out, size_t size, const struct url_parts *parts) {
  size_t length = strlen(parts->path);
  while (length > 0 && parts->path[length - 1] == '/') length--;
  int written = snprintf(out, size, "%s://%s%s%s%.*s", parts->scheme, parts->host, parts->port ? ":" : "",
                         parts->port ? parts->port : "", (int)length, parts->path);
  return written > 0 && (size_t)written < size ? NULL : "is too long";
}

/* Writes the canonical form. Calls no Lua function: an error would leak memory of libcurl. */
static const char *parse_base(const char *text, char *out, size_t size) {
  CURLU *url = curl_url();
  if (!url) return "cannot be read: not enough memory";
  struct url_parts parts = {0};
  if (curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK) {
    curl_url_get(url, CURLUPART_SCHEME, &parts.scheme, 0);
    curl_url_get(url, CURLUPART_HOST, &parts.host, 0);
    lower(parts.host);
    curl_url_get(url, CURLUPART_ZONEID, &parts.zone, 0);
    curl_url_get(url, CURLUPART_PORT, &parts.port, 0);
    curl_url_get(url, CURLUPART_PATH, &parts.path, 0);
    curl_url_get(url, CURLUPART_USER, &parts.user, 0);
    curl_url_get(url, CURLUPART_PASSWORD, &parts.password, 0);
  }
  curl_url_cleanup(url);
  const char *problem = parts_problem(&parts);
  if (!problem) problem = write_base(out, size, &parts);
  free_parts(&parts);
  return problem;
}

/* base_url(string) -> "scheme://host[:port][/prefix]" | nil, problem */
static int url_base(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  const char *problem = text_problem(text, length);
  const char *odd = problem ? hoopai_odd_character(text, length, true) : NULL;
  if (odd) {
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", problem, odd);
    return 2;
  }
  if (problem) return hoopai_problem(L, problem);
  char out[MAX_BASE + 64]; /* the canonical form may be longer: 127.1 */
  problem = parse_base(text, out, sizeof out);
  if (problem) return hoopai_problem(L, problem);
  lua_pushstring(L, out);
  return 1;
}

void hoopai_open_url(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"path", url_path}, {"odd_character", url_odd_character}, {"query", url_query}, {"base_url", url_base},
    {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
