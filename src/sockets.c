/* The descriptors of a multi: the events that libcurl waits for, and idle connections, on which no byte may arrive. */
#define _GNU_SOURCE
#include "sockets.h"
#include "curl_compat.h"
#include "curl_handle.h"
#include "multi.h"
#include "transfer.h"

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
  for (int i = multi->socket_count; i < count; i++) sockets[i] = (struct hoopai_socket){0, 0, -2, false, false, false};
  multi->sockets = sockets;
  multi->socket_count = count;
  return true;
}

static void change(const struct hoopai_multi *multi, int fd, int mask) {
  int *applied = &multi->sockets[fd].applied;
  if (mask != *applied && hoopai_poll_change(multi->poll_fd, fd, *applied, mask)) *applied = mask;
}

/* The events to watch on an idle connection, which libcurl keeps for later requests; 0 = none, or it is not idle. A
   server may send HTTP/2 frames at any time, so for HTTP/2 only the end of the connection counts. */
static int idle_mask(const struct hoopai_multi *multi, const struct hoopai_socket *entry) {
  if (entry->requested != 0 || !entry->tracked || !multi->watches_idle) return 0;
  if (!entry->http2) return HOOPAI_IN;
  return multi->clears_idle ? HOOPAI_END : 0;
}

/* Idle connections stay watched until hoopai_sockets_unwatch_idle: most are reused at once, without a system call. */
static void apply_change(struct hoopai_multi *multi, int fd) {
  struct hoopai_socket *entry = &multi->sockets[fd];
  int idle = idle_mask(multi, entry);
  change(multi, fd, idle ? idle : entry->requested);
  if (idle) multi->idle_watched = true;
}

static void unwatch(const struct hoopai_multi *multi, int fd) {
  (void)hoopai_poll_change(multi->poll_fd, fd, HOOPAI_IN | HOOPAI_OUT, 0);
  multi->sockets[fd].may_be_watched = false;
}

static void forget_socket(struct hoopai_multi *multi, int fd) {
  struct hoopai_socket *entry = &multi->sockets[fd];
  change(multi, fd, 0);
  entry->requested = 0;
  entry->tracked = entry->http2 = false;
}

/* Some versions of libcurl close an unconnected socket without calling hoopai_sockets_close: a descriptor that is
   removed before its request was sent may already be closed, and another thread may have its number. The system has
   taken a closed one out of the poll fd, so it is forgotten without a system call. One that is open after all is taken
   out when it is closed, or at its next event (hoopai_sockets_events). */
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

/* Notes the events that libcurl waits for; hoopai_sockets_apply passes them to the system. Most requests remove a
   descriptor and add it again, which then needs no system call. libcurl closes a descriptor that it has opened itself
   (of its resolver) right after the removal, so this removal is applied at once. */
int hoopai_sockets_note(CURL *easy, curl_socket_t fd, int what, void *user, void *unused) {
  struct hoopai_multi *multi = user;
  (void)unused;
  if (fd < 0 || !reserve_socket(multi, fd)) return -1;
  struct hoopai_socket *entry = &multi->sockets[fd];
  entry->requested = what == CURL_POLL_REMOVE ? 0 : what & (HOOPAI_IN | HOOPAI_OUT);
  if (entry->next_dirty == -2) {
    entry->next_dirty = multi->first_dirty;
    multi->first_dirty = fd;
  }
  if (entry->requested == 0 && entry->tracked && may_be_gone(easy)) {
    entry->tracked = false;
    entry->applied = 0;
    entry->may_be_watched = true;
  }
  if (entry->requested == 0 && multi->watches_idle) note_version(easy, entry);
  if (entry->requested == 0 && !entry->tracked) apply_change(multi, fd);
  return 0;
}

void hoopai_sockets_unwatch_idle(struct hoopai_multi *multi) {
  if (!multi->idle_watched || multi->running > 0) return;
  multi->idle_watched = false;
  multi->idle_unwatched = true;
  for (int fd = 0; fd < multi->socket_count; fd++) {
    if (idle_mask(multi, &multi->sockets[fd])) change(multi, fd, 0);
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
    entry->requested = entry->applied = 0; /* the new socket is not watched, whatever had its number before */
    entry->tracked = true;
    entry->http2 = entry->may_be_watched = false;
  }
  return fd;
}

int hoopai_sockets_close(void *user, curl_socket_t fd) {
  struct hoopai_multi *multi = user;
  if (fd >= 0 && fd < multi->socket_count) {
    if (multi->sockets[fd].may_be_watched) unwatch(multi, fd);
    forget_socket(multi, fd);
  }
  return close(fd);
}

/* -- Idle connections ------------------------------------------------------------------------ */

/* Makes libcurl see the end of a connection: shuts it down and discards the received bytes. */
static void end_connection(int fd) {
  char bytes[16 * 1024];
  (void)shutdown(fd, SHUT_RDWR);
  for (int i = 0; i < 1024 && recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) != 0; i++) continue;
}

/* An idle connection that has ended or received bytes (a second response, the body of a 204). Some versions of libcurl
   would reuse it, and read the bytes as the next response or report the end as a lost response. */
static void end_unclean(struct hoopai_multi *multi, int fd) {
  if (multi->clears_idle) multi->idle_unclean = true;
  else end_connection(fd);
  multi->sockets[fd].tracked = false; /* no longer watched */
  apply_change(multi, fd);
}

/* A libcurl that does not check a connection before it reuses it can only drop all of them. */
static void clear_unclean(struct hoopai_multi *multi) {
  if (!multi->idle_unclean) return;
  multi->idle_unclean = false;
  hoopai_curl_forget_connections(multi->curl);
}

static bool is_unclean(const struct hoopai_multi *multi, int fd, int mask) {
  char byte;
  if (mask == HOOPAI_END) {
    struct hoopai_event event = {fd, mask};
    hoopai_poll_now(&event, 1);
    return event.mask != 0;
  }
  ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got > 0 || (multi->clears_idle && (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)));
}

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

/* Ends the idle connections that have ended or received bytes. */
static void check_idle(struct hoopai_multi *multi) {
  struct hoopai_event idle[HOOPAI_EVENTS];
  int count = 0;
  for (int fd = 0; fd < multi->socket_count; fd++) {
    int mask = idle_mask(multi, &multi->sockets[fd]);
    if (mask != 0) idle[count++] = (struct hoopai_event){fd, mask};
    if (count < HOOPAI_EVENTS && fd + 1 < multi->socket_count) continue;
    hoopai_poll_now(idle, count);
    for (int i = 0; i < count; i++) {
      if (idle[i].mask != 0) end_unclean(multi, idle[i].fd);
    }
    count = 0;
  }
}

/* Before libcurl chooses connections for new transfers, all idle connections are checked. Where more descriptors are
   ready than are returned, the idle ones are looked at without the poll fd: when all events were taken from it and the
   last ones returned, some of 5,000 calls in flight waited for 8 seconds, and all of them took 28 % more CPU. */
int hoopai_sockets_events(struct hoopai_multi *multi, struct hoopai_event *events) {
  int count = hoopai_poll_wait(multi->poll_fd, events, HOOPAI_EVENTS, 0);
  for (int i = 0; i < count; i++) {
    int fd = events[i].fd;
    if (fd >= multi->socket_count) continue;
    const struct hoopai_socket *entry = &multi->sockets[fd];
    if (idle_mask(multi, entry)) end_unclean(multi, fd);
    else if (entry->requested == 0) unwatch(multi, fd);
  }
  if (multi->has_new && count == HOOPAI_EVENTS) check_idle(multi);
  multi->has_new = false;
  clear_unclean(multi);
  return count;
}
