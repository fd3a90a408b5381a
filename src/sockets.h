/* The descriptors of a multi. */
#ifndef HOOPAI_SOCKETS_H
#define HOOPAI_SOCKETS_H

#include "core.h"
#include "poller.h"

#include <curl/curl.h>

#define HOOPAI_SEEN 64 /* events at a time: as many as hoopai_set_wait gives */

struct hoopai_multi;

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* CURLMOPT_SOCKETFUNCTION, with the multi as its data. */
int hoopai_sockets_note(CURL *easy, curl_socket_t fd, int what, void *user, void *unused);
/* CURLOPT_OPENSOCKETFUNCTION and CURLOPT_CLOSESOCKETFUNCTION of all handles; their data is the multi, which outlives the
   connections. */
curl_socket_t hoopai_sockets_open(void *user, curlsocktype purpose, struct curl_sockaddr *address);
int hoopai_sockets_close(void *user, curl_socket_t fd);

/* Passes what was noted on to the system. */
void hoopai_sockets_apply(struct hoopai_multi *multi);
/* Takes all descriptors out of the set, and forgets them. */
void hoopai_sockets_forget(struct hoopai_multi *multi);

/* Takes the idle connections out of the set, where nothing is in flight: a waiting loop must not be woken by them. */
void hoopai_sockets_unwatch_idle(struct hoopai_multi *multi);
/* Looks at those, and takes them in again. */
void hoopai_sockets_watch_idle(struct hoopai_multi *multi);

/* The ready descriptors, HOOPAI_SEEN of them at most; idle connections on which something came are ended. */
int hoopai_sockets_events(struct hoopai_multi *multi, struct hoopai_event *events);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
