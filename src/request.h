/* The userdata hoopai.Request: the part of a request that is the same for many transfers. */
#ifndef HOOPAI_REQUEST_H
#define HOOPAI_REQUEST_H

#include "core.h"

#include <curl/curl.h>

/* The header lines and texts follow the struct. Its holders are the userdata, until it is closed, and each transfer. */
struct hoopai_request {
  const char *type; /* see hoopai_check */
  int holders;
  bool closed;
  size_t size;              /* of the memory behind the struct */
  const char *method, *url; /* the URL is the beginning of that of each transfer */
  size_t url_length;
  struct curl_slist *headers; /* NULL = none */
  bool at_most_once;          /* libcurl must not send it twice */
  bool https;
  bool posts;           /* without a body, it has an empty one */
  bool form;            /* the body is a form (form.c) */
  bool secret_response; /* only core.read_token_response may read the response */
};

/* Writes header lines into a block of memory, front to back: the nodes of the list precede the texts. */
struct hoopai_writer {
  char *at;
  struct curl_slist *node;
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* The request of the userdata at an index; raises for another value and for a closed request. */
struct hoopai_request *hoopai_request_check(lua_State *L, int index);

/* To be called by each holder. The last one wipes the texts. */
void hoopai_request_release(struct hoopai_request *request);

/* Only visible ASCII. */
bool hoopai_is_url(const char *url, size_t length);

/* Writes a text and its NUL; returns the text. */
char *hoopai_write_text(struct hoopai_writer *writer, const char *text, size_t length);
/* Appends a written line to the list. The caller ends the list. */
void hoopai_write_node(struct hoopai_writer *writer, char *line);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
