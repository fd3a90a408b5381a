/* The descriptors of a multi. */
#ifndef HOOPAI_SOCKETS_H
#define HOOPAI_SOCKETS_H

#include "core.h"
#include "poller.h"

#include <curl/curl.h>

struct hoopai_multi;

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* CURLMOPT_SOCKETFUNCTION, with the multi as its data. */
int hoopai_sockets_note(CURL *easy, curl_socket_t fd, int what, void *user, void *unused);
/* CURLOPT_OPENSOCKETFUNCTION and CURLOPT_CLOSESOCKETFUNCTION of all easy handles, with the multi as their data. */
curl_socket_t hoopai_sockets_open(void *user, curlsocktype purpose, struct curl_sockaddr *address);
int hoopai_sockets_close(void *user, curl_socket_t fd);

/* Applies the noted changes to the poll fd. */
void hoopai_sockets_apply(struct hoopai_multi *multi);
/* Removes all descriptors from the poll fd. */
void hoopai_sockets_forget(struct hoopai_multi *multi);

/* With nothing in flight: stops watching the idle connections, which must not wake a waiting loop. */
void hoopai_sockets_unwatch_idle(struct hoopai_multi *multi);
/* Checks the unwatched idle connections, and watches them again. */
void hoopai_sockets_watch_idle(struct hoopai_multi *multi);

/* The ready descriptors, at most HOOPAI_EVENTS. Idle connections among them are ended. */
int hoopai_sockets_events(struct hoopai_multi *multi, struct hoopai_event *events);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
