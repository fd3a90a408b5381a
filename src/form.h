/* Bodies of the type application/x-www-form-urlencoded. */
#ifndef HOOPAI_FORM_H
#define HOOPAI_FORM_H

#include "core.h"

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Encodes the list { name, value, name, value, ... } at an index into memory that the caller wipes and frees, also
   after an error. A value is a string or a Secret. Raises for a malformed list and without memory. */
void hoopai_form_encode(lua_State *L, int index, char **form, size_t *length);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
