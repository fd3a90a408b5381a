/* A CURLM with close-on-exec descriptors (HOOPAI_CURL_WAKEUP_IS_INHERITED): otherwise each program that the host starts
   inherits them. */
#define _GNU_SOURCE
#include "curl_compat.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef SOCK_CLOEXEC
#define CLOSE_ON_EXEC SOCK_CLOEXEC
#else
#define CLOSE_ON_EXEC 0
#endif

/* Opens and closes a pair of sockets; false (errno) when no descriptors are left. */
static bool open_pair(int ends[2]) {
  if (socketpair(AF_UNIX, SOCK_STREAM | CLOSE_ON_EXEC, 0, ends) != 0) return false;
  close(ends[0]);
  close(ends[1]);
  return true;
}

#ifdef __linux__

static bool is_readable(int fd) {
  struct pollfd entry = {fd, POLLIN, 0};
  return poll(&entry, 1, 0) == 1 && (entry.revents & POLLIN) != 0;
}

/* Has this end written bytes that the other has not read? */
static bool is_unread(int fd) {
  int bytes = 0;
  return ioctl(fd, TIOCOUTQ, &bytes) == 0 && bytes > 0;
}

static void mark(int fd) {
  int flags = fcntl(fd, F_GETFD);
  if (flags >= 0) (void)fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

/* `in` and `out` are the expected numbers of libcurl's two ends. The numbers are right if a wakeup shows in both, and
   no longer does after libcurl has read it. Otherwise another thread has opened them, and they stay as they are. */
static void mark_ends(CURLM *curl, int in, int out) {
  bool quiet = !is_readable(in) && !is_unread(out);
  if (curl_multi_wakeup(curl) != CURLM_OK) return;
  bool woken = is_readable(in) && is_unread(out);
  if (curl_multi_poll(curl, NULL, 0, 0, NULL) != CURLM_OK) return;
  if (quiet && woken && !is_readable(in) && !is_unread(out)) {
    mark(in);
    mark(out);
  }
}

/* The system assigns the lowest free number: that of the pair which was just closed. */
static CURLM *init_marked(void) {
  int ends[2];
  if (!open_pair(ends)) return curl_multi_init(); /* which gets none either */
  CURLM *curl = curl_multi_init();
  if (curl) mark_ends(curl, ends[0], ends[1]);
  return curl;
}

#else

static CURLM *init_marked(void) {
  return curl_multi_init();
}

#endif

/* libcurl does not report why it failed: since 8.20.0 it needs descriptors as well as memory. */
CURLM *hoopai_curl_multi_init(void) {
  CURLM *curl = hoopai_curl_rule(HOOPAI_CURL_WAKEUP_IS_INHERITED) ? init_marked() : curl_multi_init();
  if (curl) return curl;
  int ends[2];
  if (open_pair(ends)) errno = ENOMEM;
  return NULL;
}
