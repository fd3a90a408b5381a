/* The body of a response, and the largest size that is accepted. */
#ifndef HOOPAI_BODY_H
#define HOOPAI_BODY_H

#include "headers.h"

/* Zeroed memory, with `most` set, is a response of which nothing was received. */
struct hoopai_body {
  struct hoopai_buffer bytes;
  size_t most; /* accepted bytes */
  bool secret; /* the bytes are wiped before their memory is reused */
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Takes the next bytes. Returns why the response is refused (it is too large), NULL when it is not. */
const struct hoopai_refusal *hoopai_body_take(struct hoopai_body *body, const char *data, size_t length);

/* Empties the body for the next response. */
void hoopai_body_reset(struct hoopai_body *body);
void hoopai_body_free(struct hoopai_body *body);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
