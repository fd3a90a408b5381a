/* Texts without the secrets that they quote. */
#ifndef HOOPAI_REDACT_H
#define HOOPAI_REDACT_H

#include "core.h"

#define HOOPAI_REDACT                                                                                                  \
  "__redact" /* the metafield of a secret: function(secret, text) -> text without it; never raises */

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Replaces the text at a positive index by one with *** in place of a secret, in every spelling that redact.c names.
   Takes time in proportion to the length of the text. A secret of less than 8 bytes could match ordinary words, and
   changes nothing. The memory of the secret must live as long as a value on the stack. */
void hoopai_redact(lua_State *L, int index, const char *secret, size_t size);

/* Notes that the value on top of the stack, whose metatable has HOOPAI_REDACT, is in use. */
void hoopai_note_secret(lua_State *L);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
