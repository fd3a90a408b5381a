/* Tokens that Lua code can pass on but not read. */
#ifndef HOOPAI_SECRET_H
#define HOOPAI_SECRET_H

#include "core.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

extern const char hoopai_secret_type[14];

/* The bytes of the Secret at a stack index, which live as long as the userdata; raises for another value and for a
   closed Secret. */
const char *hoopai_secret_bytes(lua_State *L, int index, size_t *length);

/* Why these bytes cannot stand in an Authorization header (RFC 6750 2.1), NULL when they can. Never quotes them. */
const char *hoopai_token_problem(const char *bytes, size_t length);

/* Pushes a Secret of bytes that have passed hoopai_token_problem. */
void hoopai_secret_push(lua_State *L, const char *bytes, size_t length);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
