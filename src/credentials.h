/* The userdata hoopai.Credentials: the fields of a token response, as a store keeps them. */
#ifndef HOOPAI_CREDENTIALS_H
#define HOOPAI_CREDENTIALS_H

#include "core.h"

#define HOOPAI_MAX_FIELDS 24
#define HOOPAI_FIELD_NAME 32           /* bytes of a name, with the NUL */
#define HOOPAI_MAX_PACKED (256 * 1024) /* bytes of the packed form */

struct hoopai_field {
  char name[HOOPAI_FIELD_NAME];
  char *bytes; /* wiped when freed */
  size_t length;
  bool secret;
};

/* Never changed once Lua has the userdata. User value 1: the values. */
struct hoopai_credentials {
  struct hoopai_field fields[HOOPAI_MAX_FIELDS]; /* sorted by name */
  int count;
  size_t size; /* of the packed form */
  bool frozen; /* the values are in the user value, not allocated one by one */
  bool closed;
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Pushes empty credentials. */
struct hoopai_credentials *hoopai_credentials_push(lua_State *L);
/* Raises for another value and for closed credentials. */
const struct hoopai_credentials *hoopai_credentials_check(lua_State *L, int index);
/* Completes the credentials at an index: pushes them again and returns 1. */
int hoopai_credentials_freeze(lua_State *L, int index);

/* The field of a name, NULL when there is none. */
const struct hoopai_field *hoopai_credentials_find(const struct hoopai_credentials *credentials, const char *name);
/* Sets the field of a valid name, before the credentials are frozen. Returns a problem, which never quotes the value,
   or NULL. */
const char *hoopai_credentials_set(struct hoopai_credentials *credentials, const char *name, const char *bytes,
                                   size_t length, bool secret);
/* Wipes and removes all fields. */
void hoopai_credentials_clear(struct hoopai_credentials *credentials);

/* 1 to 31 of a-z, 0-9 and "_". */
bool hoopai_is_field_name(const char *name, size_t length);
/* Is the value of this name a secret, whatever its source? */
bool hoopai_is_secret_name(const char *name);

/* Writes credentials->size bytes. The caller wipes them, as they hold secrets. */
void hoopai_credentials_pack(const struct hoopai_credentials *credentials, char *out);
/* Fills empty credentials. Returns a problem, or NULL. */
const char *hoopai_credentials_unpack(struct hoopai_credentials *credentials, const char *bytes, size_t length);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
