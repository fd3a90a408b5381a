/* When transfers run out of time. */
#ifndef HOOPAI_EXPIRY_H
#define HOOPAI_EXPIRY_H

#include "core.h"

struct hoopai_multi;
struct hoopai_transfer;

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* When a transfer expires; 0 = never. */
double hoopai_expiry_of(const struct hoopai_multi *multi, const struct hoopai_transfer *transfer);
/* Has the multi step when a transfer expires. */
void hoopai_expiry_note(struct hoopai_multi *multi, const struct hoopai_transfer *transfer);
/* Has a transfer that libcurl runs expired? */
bool hoopai_expiry_has_come(const struct hoopai_multi *multi, double now);
/* Lets libcurl read what has arrived for expired transfers; returns whether there may be any. */
bool hoopai_expiry_lift(const struct hoopai_multi *multi, double now);
/* Sets the message of an expired transfer. */
void hoopai_expiry_name(const struct hoopai_transfer *transfer, double now);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
