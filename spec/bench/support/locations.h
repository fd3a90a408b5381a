/* Calendars of many locations for the server of the benchmarks: see locations.c. */
#ifndef BENCH_LOCATIONS_H
#define BENCH_LOCATIONS_H

#include <stddef.h>

struct locations;

/* `most` requests in `interval_ms` for each location; 0 = no limit. */
struct locations *locations_new(long most, long interval_ms);

/* The response to a request that has just arrived, to be freed; `head` and `body` end with a zero byte. */
char *locations_respond(struct locations *locations, const char *head, const char *body, double now, size_t *length);

#endif
