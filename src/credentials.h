/* A grant: what a token endpoint answered, and what a store keeps. */
#ifndef HOOPAI_CREDENTIALS_H
#define HOOPAI_CREDENTIALS_H

#include "core.h"

#define HOOPAI_RECORD "hoopai.Record"
#define HOOPAI_RECORD_FIELDS 24
#define HOOPAI_RECORD_NAME 32           /* of a field, with the NUL */
#define HOOPAI_RECORD_SIZE (256 * 1024) /* of the packed form; no record is larger */

struct hoopai_field {
  char name[HOOPAI_RECORD_NAME];
  char *bytes; /* wiped when freed */
  size_t length;
  bool secret;
};

/* The userdata hoopai.Record; never changed once Lua has it. uservalue 1: its values. */
struct hoopai_record {
  struct hoopai_field fields[HOOPAI_RECORD_FIELDS]; /* sorted by name */
  int count;
  size_t size;  /* of the packed form */
  bool settled; /* the values stand in the user value, not in memory of their own */
  bool closed;
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Pushes an empty record. */
struct hoopai_record *hoopai_record_push(lua_State *L);
/* Raises when it is none or closed. */
const struct hoopai_record *hoopai_record_check(lua_State *L, int index);

/* To be called when a record is complete: pushes it again, and returns 1. */
int hoopai_record_settle(lua_State *L, int index);

/* Writes record->size bytes. They hold secrets: wipe them. */
void hoopai_record_pack(const struct hoopai_record *record, char *out);
/* Fills an empty record; a problem, or NULL. */
const char *hoopai_record_unpack(struct hoopai_record *record, const char *bytes, size_t length);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
