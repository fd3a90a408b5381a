/* A grant: what a token endpoint answered, and what a store keeps. */
#ifndef HOOPAI_RECORD_H
#define HOOPAI_RECORD_H

#include "core.h"

#define HP_RECORD "hoopai.Record"
#define HP_RECORD_FIELDS 24
#define HP_RECORD_NAME 32           /* of a field, with the NUL */
#define HP_RECORD_SIZE (256 * 1024) /* of the packed form; no record is larger */

struct hp_field {
  char name[HP_RECORD_NAME];
  char *bytes; /* wiped when freed */
  size_t length;
  bool secret;
};

/* The userdata hoopai.Record; never changed once Lua has it. uservalue 1: its values. */
struct hp_record {
  struct hp_field fields[HP_RECORD_FIELDS]; /* sorted by name */
  int count;
  size_t size; /* of the packed form */
  bool settled; /* the values stand in the user value, not in memory of their own */
  bool closed;
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Pushes an empty record. */
struct hp_record *hp_record_push(lua_State *L);
/* Raises when it is none or closed. */
const struct hp_record *hp_record_check(lua_State *L, int index);

/* To be called when a record is complete: pushes it again, and returns 1. */
int hp_record_settle(lua_State *L, int index);

/* Writes record->size bytes. They hold secrets: wipe them. */
void hp_record_pack(const struct hp_record *record, char *out);
/* Fills an empty record; a problem, or NULL. */
const char *hp_record_unpack(struct hp_record *record, const char *bytes, size_t length);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
