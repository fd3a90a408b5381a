/* A small HTTP/1.1 server whose answers take their time, and fail when they are told to.
 *
 *   server PORT-FILE BODY-FILE DELAY-MS [FAULT-EVERY [MOST INTERVAL-MS]]
 *
 * Answers every request with the body after the delay. Each FAULT-EVERY-th request meets one of the faults below, in
 * turn. (A 429 closes the gate for all for an interval of the request budget, so that is short.) Writes its port and
 * process into PORT-FILE when it listens; ends when its standard input does. One thread, no body of a request is looked
 * at beyond its Content-Length.
 *
 * With MOST it responds as the API of many locations instead (locations.c), of which each may make so many requests in
 * an interval; 0 = any number.
 */
#define _GNU_SOURCE
#include "locations.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST 16384 /* descriptors */
#define REQUEST_SIZE 8192

enum fault { NONE, RESET, SILENT_CLOSE, SERVER_ERROR, CUT_BODY, NO_JSON, TOO_MANY, FAULTS };

struct peer {
  int fd; /* 0 = free */
  unsigned generation;
  size_t have;
  size_t out_at, out_length; /* what is left of an answer that did not fit the socket's buffer */
  const char *out;
  bool closing;
  char *own; /* the response of a location to this one request, else NULL */
  size_t own_length;
  char in[REQUEST_SIZE];
};

/* Answers in the order they are due: the delay is the same for all, so that is the order they came in. */
struct due {
  double moment;
  int fd;
  unsigned generation;
};

struct server {
  int set, listener;
  double delay;
  long every, count;
  struct peer *peers[MOST];
  struct due due[MOST];
  unsigned first, last;
  char *answers[FAULTS];
  size_t lengths[FAULTS];
  struct locations *locations; /* NULL: all requests get the same body */
};

static double now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (!file) die(path);
  fseek(file, 0, SEEK_END);
  *length = (size_t)ftell(file);
  rewind(file);
  char *text = malloc(*length + 1);
  if (!text || fread(text, 1, *length, file) != *length) die(path);
  fclose(file);
  return text;
}

static void make_answer(struct server *server, enum fault fault, const char *status, const char *body, size_t length) {
  char head[1024];
  int size =
    snprintf(head, sizeof head,
             "HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %zu\r\n"
             "X-RateLimit-Max: 1000000\r\nX-RateLimit-Remaining: 999999\r\n"
             "X-RateLimit-Interval-Milliseconds: 20\r\nX-RateLimit-Limit-Daily: 1000000000\r\n"
             "X-RateLimit-Daily-Remaining: 999999999\r\nX-RateLimit-Daily-Reset: 86399000\r\n"
             "Cache-Control: no-store\r\nVary: Origin\r\nX-Request-Id: 0af7651916cd43dd8448eb211c80319c\r\n\r\n",
             status, length);
  server->answers[fault] = malloc((size_t)size + length);
  if (!server->answers[fault]) die("malloc");
  memcpy(server->answers[fault], head, (size_t)size);
  memcpy(server->answers[fault] + size, body, length);
  server->lengths[fault] = (size_t)size + length;
}

static void drop(struct server *server, struct peer *peer, bool reset) {
  if (reset) {
    struct linger at_once = {1, 0};
    setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  close(peer->fd);
  server->peers[peer->fd] = NULL;
  free(peer->own);
  free(peer);
}

static void watch(struct server *server, int operation, int fd, unsigned events) {
  struct epoll_event event = {0};
  event.events = events;
  event.data.fd = fd;
  if (epoll_ctl(server->set, operation, fd, &event) != 0) die("epoll_ctl");
}

/* Sends what is left; whether the peer still lives. */
static bool flush(struct server *server, struct peer *peer) {
  while (peer->out_at < peer->out_length) {
    ssize_t sent = send(peer->fd, peer->out + peer->out_at, peer->out_length - peer->out_at, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      watch(server, EPOLL_CTL_MOD, peer->fd, EPOLLIN | EPOLLOUT);
      return true;
    }
    if (sent <= 0) {
      drop(server, peer, false);
      return false;
    }
    peer->out_at += (size_t)sent;
  }
  if (peer->closing) {
    drop(server, peer, false);
    return false;
  }
  return true;
}

static void answer(struct server *server, struct peer *peer) {
  if (peer->own) {
    peer->out = peer->own;
    peer->out_at = 0;
    peer->out_length = peer->own_length;
    (void)flush(server, peer);
    return;
  }
  enum fault fault = NONE;
  server->count++;
  if (server->every > 0 && server->count % server->every == 0) {
    fault = (enum fault)(1 + server->count / server->every % (FAULTS - 1));
  }
  if (fault == RESET || fault == SILENT_CLOSE) {
    drop(server, peer, fault == RESET);
    return;
  }
  peer->out = server->answers[fault == CUT_BODY ? NONE : fault];
  peer->out_at = 0;
  peer->out_length = server->lengths[fault == CUT_BODY ? NONE : fault];
  peer->closing = fault == CUT_BODY;
  if (fault == CUT_BODY) peer->out_length -= 100;
  (void)flush(server, peer);
}

static void put_off(struct server *server, const struct peer *peer) {
  server->due[server->last++ % MOST] = (struct due){now() + server->delay, peer->fd, peer->generation};
}

/* The rate limit of a location counts a request when it arrives. */
static void respond_of_location(struct server *server, struct peer *peer, size_t head, size_t body) {
  char first = peer->in[head], after = peer->in[head + body];
  free(peer->own);
  peer->in[head + body] = 0;
  char *form = strdup(peer->in + head);
  if (!form) die("strdup");
  peer->in[head] = 0;
  peer->own = locations_respond(server->locations, peer->in, form, now(), &peer->own_length);
  free(form);
  peer->in[head] = first;
  peer->in[head + body] = after;
}

/* Takes whole requests off the input. */
static void read_requests(struct server *server, struct peer *peer) {
  char *end;
  while (peer->have > 0 && (end = memmem(peer->in, peer->have, "\r\n\r\n", 4))) {
    size_t head = (size_t)(end - peer->in) + 4, body = 0;
    *end = 0;
    const char *length = strcasestr(peer->in, "\r\nContent-Length:");
    if (length) body = strtoul(length + 17, NULL, 10);
    *end = '\r';
    if (peer->have < head + body) return;
    if (server->locations) respond_of_location(server, peer, head, body);
    memmove(peer->in, peer->in + head + body, peer->have - head - body);
    peer->have -= head + body;
    if (server->delay > 0) {
      put_off(server, peer);
    } else {
      int fd = peer->fd;
      answer(server, peer);
      if (server->peers[fd] != peer) return;
    }
  }
}

static void read_peer(struct server *server, struct peer *peer) {
  ssize_t got = recv(peer->fd, peer->in + peer->have, sizeof peer->in - 1 - peer->have, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) {
    drop(server, peer, false);
    return;
  }
  peer->have += (size_t)got;
  peer->in[peer->have] = 0;
  read_requests(server, peer);
}

static void accept_peers(struct server *server) {
  static unsigned generation;
  int fd, yes = 1;
  while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    struct peer *peer = fd < MOST ? calloc(1, sizeof *peer) : NULL;
    if (!peer) {
      close(fd);
      continue;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    peer->fd = fd;
    peer->generation = ++generation;
    server->peers[fd] = peer;
    watch(server, EPOLL_CTL_ADD, fd, EPOLLIN);
  }
}

static void answer_due(struct server *server) {
  while (server->first != server->last && server->due[server->first % MOST].moment <= now()) {
    struct due due = server->due[server->first++ % MOST];
    struct peer *peer = server->peers[due.fd];
    if (peer && peer->generation == due.generation) answer(server, peer);
  }
}

static void serve(struct server *server) {
  struct epoll_event events[256];
  for (;;) {
    double left = server->first == server->last ? 1 : server->due[server->first % MOST].moment - now();
    int count = epoll_wait(server->set, events, 256, left <= 0 ? 0 : (int)(left * 1000) + 1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == 0) return;
      if (fd == server->listener) {
        accept_peers(server);
        continue;
      }
      struct peer *peer = server->peers[fd];
      if (peer && (events[i].events & EPOLLOUT)) {
        watch(server, EPOLL_CTL_MOD, fd, EPOLLIN);
        if (!flush(server, peer)) continue;
      }
      if (peer && (events[i].events & ~(unsigned)EPOLLOUT)) read_peer(server, peer);
    }
    answer_due(server);
  }
}

static int listen_on_loopback(int *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 4096) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
    die("listen");
  }
  *port = ntohs(address.sin_port);
  return fd;
}

int main(int argc, char **argv) {
  static struct server server;
  if (argc < 4) {
    fprintf(stderr, "usage: server PORT-FILE BODY-FILE DELAY-MS [FAULT-EVERY [MOST INTERVAL-MS]]\n");
    return 2;
  }
  size_t length;
  char *body = read_file(argv[2], &length);
  static const char error[] = "{\"statusCode\":500,\"message\":\"Internal server error\"}";
  static const char many[] = "{\"statusCode\":429,\"message\":\"Too many requests\"}";
  static const char none[] = "<html>Bad gateway</html>";
  make_answer(&server, NONE, "200 OK", body, length);
  make_answer(&server, SERVER_ERROR, "500 Internal Server Error", error, sizeof error - 1);
  make_answer(&server, TOO_MANY, "429 Too Many Requests", many, sizeof many - 1);
  make_answer(&server, NO_JSON, "200 OK", none, sizeof none - 1);
  server.delay = atof(argv[3]) / 1000;
  server.every = argc > 4 ? atol(argv[4]) : 0;
  if (argc > 6) server.locations = locations_new(atol(argv[5]), atol(argv[6]));
  int port;
  server.listener = listen_on_loopback(&port);
  server.set = epoll_create1(EPOLL_CLOEXEC);
  watch(&server, EPOLL_CTL_ADD, server.listener, EPOLLIN);
  watch(&server, EPOLL_CTL_ADD, 0, EPOLLIN);
  FILE *file = fopen(argv[1], "w");
  if (!file || fprintf(file, "%d %d\n", port, (int)getpid()) < 0 || fclose(file) != 0) die(argv[1]);
  serve(&server);
  return 0;
}
