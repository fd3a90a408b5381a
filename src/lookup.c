/* A resolve is the only step of libcurl that can neither be cancelled nor limited in time: getaddrinfo runs in a thread
   until the system's resolver returns. If each transfer resolved its name, short timeouts and a dead name server would
   pile up threads. So a lookup resolves the name, one per origin and without a time limit, into the cache of the CURLM.
   A transfer with an unknown name waits for the lookup, and may time out before the lookup ends. */
#define _GNU_SOURCE
#include "lookup.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* libcurl opens a socket once the name is resolved: the lookup has succeeded and ends here. */
static curl_socket_t on_addresses(void *user, curlsocktype purpose, struct curl_sockaddr *address) {
  struct hoopai_lookup *lookup = user;
  (void)purpose, (void)address;
  lookup->found = true;
  return CURL_SOCKET_BAD;
}

/* A lookup sends nothing, even if libcurl finds a connection for it. */
static int on_lookup_send(void *user, char *remote_ip, char *local_ip, int remote_port, int local_port) {
  (void)user, (void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
  return CURL_PREREQFUNC_ABORT;
}

static bool set_lookup(struct hoopai_lookup *lookup) {
  CURL *easy = lookup->easy;
  return curl_easy_setopt(easy, CURLOPT_URL, (const char *)lookup->origin) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, lookup->error) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)INT_MAX) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_lookup_send) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_addresses) == CURLE_OK &&
         curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, lookup) == CURLE_OK;
}

struct hoopai_lookup *hoopai_lookup_of(struct hoopai_lookup *list, const char *origin, size_t length) {
  while (list && (strncmp(list->origin, origin, length) != 0 || list->origin[length])) list = list->next;
  return list;
}

struct hoopai_lookup *hoopai_lookup_begin(CURLM *curl, CURL *model, const char *origin, size_t length) {
  struct hoopai_lookup *lookup = calloc(1, sizeof *lookup + length + 1);
  if (!lookup) return NULL;
  lookup->begun = hoopai_now();
  memcpy(lookup->origin, origin, length);
  lookup->easy = curl_easy_duphandle(model);
  if (lookup->easy && set_lookup(lookup) && curl_multi_add_handle(curl, lookup->easy) == CURLM_OK) return lookup;
  if (lookup->easy) curl_easy_cleanup(lookup->easy);
  free(lookup);
  return NULL;
}

struct hoopai_lookup *hoopai_lookup_take(struct hoopai_lookup **list, const CURL *easy) {
  while (*list && (*list)->easy != easy) list = &(*list)->next;
  struct hoopai_lookup *lookup = *list;
  if (lookup) *list = lookup->next;
  return lookup;
}

void hoopai_lookup_free(CURLM *curl, struct hoopai_lookup *lookup) {
  (void)curl_multi_remove_handle(curl, lookup->easy);
  curl_easy_cleanup(lookup->easy);
  free(lookup);
}

/* After "://": "[...]", or digits and dots only. */
bool hoopai_is_address(const char *origin, size_t length) {
  const char *end = origin + length;
  const char *host = memmem(origin, length, "://", 3);
  if (!host) return false;
  host += 3;
  if (host < end && *host == '[') return true;
  while (host < end && ((*host >= '0' && *host <= '9') || *host == '.')) host++;
  return host == end || *host == ':';
}
