/* The descriptors of a multi: what libcurl wants of each, and the idle connections, on which nothing may come. */
#define _GNU_SOURCE
#include "sockets.h"
#include "curl_compat.h"
#include "multi.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static bool reserve_socket(struct hoopai_multi *multi, curl_socket_t fd) {
  if (fd < multi->socket_count) return true;
  int count = multi->socket_count ? multi->socket_count : 64;
  while (count <= fd) count *= 2;
  struct hoopai_socket *sockets = realloc(multi->sockets, (size_t)count * sizeof *sockets);
  if (!sockets) return false;
  for (int i = multi->socket_count; i < count; i++) sockets[i] = (struct hoopai_socket){0, 0, -2, false, false};
  multi->sockets = sockets;
  multi->socket_count = count;
  return true;
}

static void change(int set, int fd, int *applied, int mask) {
  if (mask != *applied && hoopai_set_change(set, fd, *applied, mask)) *applied = mask;
}

/* What is watched on an idle connection, which libcurl keeps for later; 0 = nothing, or it is not idle. HTTP/2 has frames
   that come unasked, so there only its end counts. */
static int idle_mask(const struct hoopai_multi *multi, const struct hoopai_socket *entry) {
  if (entry->wanted != 0 || !entry->ours || !multi->watches_idle) return 0;
  if (!entry->http2) return HOOPAI_IN;
  return multi->clears_idle ? HOOPAI_END : 0;
}

/* Idle connections stay in the set until somebody waits with nothing in flight: most are used again at once, which then
   costs nothing. */
static void apply_change(struct hoopai_multi *multi, int fd) {
  struct hoopai_socket *entry = &multi->sockets[fd];
  int idle = idle_mask(multi, entry);
  change(multi->set, fd, &entry->applied, idle ? idle : entry->wanted);
  if (idle) multi->idle_watched = true;
}

static void forget_socket(struct hoopai_multi *multi, int fd) {
  struct hoopai_socket *entry = &multi->sockets[fd];
  change(multi->set, fd, &entry->applied, 0);
  entry->wanted = 0;
  entry->ours = entry->http2 = false;
}

/* Some versions of libcurl close a socket that was not yet connected without telling: what they take out before
   anything was sent may be gone already. */
static bool may_be_gone(CURL *easy) {
  struct hoopai_handle *handle = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&handle);
  return handle && handle->owner && handle->owner->sent == 0;
}

static void note_version(CURL *easy, struct hoopai_socket *entry) {
  long version = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  if (version != 0) entry->http2 = version == CURL_HTTP_VERSION_2_0;
}

/* Notes what libcurl wants of a descriptor; the system hears of it in hoopai_sockets_apply, before anybody waits. Most
   requests take a descriptor out and put it in again, which then costs nothing. A descriptor of libcurl's own (its
   resolver's) is closed behind our back as soon as it was taken out, so that is told at once. */
int hoopai_sockets_note(CURL *easy, curl_socket_t fd, int what, void *user, void *unused) {
  struct hoopai_multi *multi = user;
  (void)unused;
  if (fd < 0 || !reserve_socket(multi, fd)) return -1;
  struct hoopai_socket *entry = &multi->sockets[fd];
  entry->wanted = what == CURL_POLL_REMOVE ? 0 : what & (HOOPAI_IN | HOOPAI_OUT);
  if (entry->next_dirty == -2) {
    entry->next_dirty = multi->first_dirty;
    multi->first_dirty = fd;
  }
  if (entry->wanted == 0 && may_be_gone(easy)) entry->ours = false;
  if (entry->wanted == 0 && multi->watches_idle) note_version(easy, entry);
  if (entry->wanted == 0 && !entry->ours) apply_change(multi, fd);
  return 0;
}

/* With nothing in flight the set is silent for who waits: what comes on idle connections is found by hoopai_sockets_watch_idle. */
void hoopai_sockets_unwatch_idle(struct hoopai_multi *multi) {
  if (!multi->idle_watched || multi->running > 0) return;
  multi->idle_watched = false;
  multi->idle_unwatched = true;
  for (int fd = 0; fd < multi->socket_count; fd++) {
    if (idle_mask(multi, &multi->sockets[fd])) change(multi->set, fd, &multi->sockets[fd].applied, 0);
  }
}

void hoopai_sockets_apply(struct hoopai_multi *multi) {
  while (multi->first_dirty >= 0) {
    int fd = multi->first_dirty;
    struct hoopai_socket *entry = &multi->sockets[fd];
    multi->first_dirty = entry->next_dirty;
    entry->next_dirty = -2;
    apply_change(multi, fd);
  }
}

void hoopai_sockets_forget(struct hoopai_multi *multi) {
  multi->first_dirty = -1;
  for (int i = 0; i < multi->socket_count; i++) {
    forget_socket(multi, i);
    multi->sockets[i].next_dirty = -2;
  }
}

static int open_socket(const struct curl_sockaddr *address) {
#ifdef SOCK_CLOEXEC
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
#else
  int fd = socket(address->family, address->socktype, address->protocol);
  if (fd >= 0) (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
#endif
}

curl_socket_t hoopai_sockets_open(void *user, curlsocktype purpose, struct curl_sockaddr *address) {
  int fd = open_socket(address);
  (void)purpose;
  struct hoopai_multi *multi = user;
  if (fd >= 0 && reserve_socket(multi, fd)) {
    struct hoopai_socket *entry = &multi->sockets[fd];
    entry->wanted = entry->applied = 0; /* whatever had this number before: the new one is in no set */
    entry->ours = true;
    entry->http2 = false;
  }
  return fd;
}

int hoopai_sockets_close(void *user, curl_socket_t fd) {
  struct hoopai_multi *multi = user;
  if (fd >= 0 && fd < multi->socket_count) {
    forget_socket(multi, fd);
  }
  return close(fd);
}

/* --------------------------------------------------------------------------------------------------- idle connections */

/* Ends a connection as far as libcurl sees it: nothing more comes, and what came already is gone. */
static void end_connection(int fd) {
  char bytes[16 * 1024];
  (void)shutdown(fd, SHUT_RDWR);
  for (int i = 0; i < 1024 && recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) != 0; i++) continue;
}

/* An idle connection on which something came (a second answer, the body of a 204) or that has ended. Some libcurl would
   use it for the next request, and take the one for its answer, or the other for an answer that was lost. */
static void end_unclean(struct hoopai_multi *multi, int fd) {
  if (multi->clears_idle) multi->idle_unclean = true;
  else end_connection(fd);
  multi->sockets[fd].ours = false; /* not to be watched again */
  apply_change(multi, fd);
}

/* A libcurl that does not look at a connection before it uses it can only be told to forget all of them. */
static void clear_unclean(struct hoopai_multi *multi) {
  if (!multi->idle_unclean) return;
  multi->idle_unclean = false;
  hoopai_curl_forget_connections(multi->curl);
}

static bool is_unclean(const struct hoopai_multi *multi, int fd, int mask) {
  char byte;
  if (mask == HOOPAI_END) return hoopai_has_ended(fd);
  ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got > 0 || (multi->clears_idle && (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)));
}

/* Looks at the idle connections that were not in the set for a while, and takes them in again. */
void hoopai_sockets_watch_idle(struct hoopai_multi *multi) {
  if (!multi->idle_unwatched || multi->running == 0) return;
  multi->idle_unwatched = false;
  for (int fd = 0; fd < multi->socket_count; fd++) {
    int mask = idle_mask(multi, &multi->sockets[fd]);
    if (mask == 0 || multi->sockets[fd].applied != 0) continue;
    if (is_unclean(multi, fd, mask)) end_unclean(multi, fd);
    else apply_change(multi, fd);
  }
}

/* The ready descriptors, HOOPAI_SEEN of them at most. Before libcurl chooses connections for new transfers all are looked at:
   those that are not returned now will be later, as what is ready stays so. */
int hoopai_sockets_events(struct hoopai_multi *multi, struct hoopai_event *events) {
  int count, rounds = multi->begun ? multi->socket_count / HOOPAI_SEEN + 1 : 1;
  multi->begun = false;
  do {
    count = hoopai_set_wait(multi->set, events, HOOPAI_SEEN, 0);
    for (int i = 0; i < count; i++) {
      int fd = events[i].fd;
      if (fd < multi->socket_count && idle_mask(multi, &multi->sockets[fd])) end_unclean(multi, fd);
    }
  } while (--rounds > 0 && count == HOOPAI_SEEN);
  clear_unclean(multi);
  return count;
}
