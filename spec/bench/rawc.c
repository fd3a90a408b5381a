/* The yardstick of the benchmarks: libcurl's multi interface from C, without JSON.
 *
 *   rawc [-e] [-o] [-2] [-n] URL CONCURRENCY SECONDS REQUESTS WARM
 *
 *   -e   curl_multi_socket_action over epoll, its changes applied just before the wait; else curl_multi_poll
 *   -o   the options and callbacks of hoopai's core instead of libcurl's defaults
 *   -2   HTTP/2: all on one connection
 *   -n   a new handle, and so no resumed TLS session, for each request
 *
 * BENCH_CA names a file of certificates to trust. Ends after WARM requests, which do not count, and then REQUESTS
 * or SECONDS, whichever comes first. Prints what the clients of spec/bench/clients/ print.
 */
#define _GNU_SOURCE
#include <curl/curl.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MOST_SOCKETS 16384
#define MOST_SAMPLES 4000000 /* what comes after them is not looked at */

struct buffer {
  char *data;
  size_t length, capacity;
};

struct slot {
  CURL *easy;
  struct buffer body, headers;
  double begun;
};

struct socket {
  int wanted, applied;
  bool dirty;
};

struct bench {
  CURLM *multi;
  struct curl_slist *headers;
  const char *url, *ca;
  bool use_epoll, our_options, http2, fresh;
  int set, dirty[MOST_SOCKETS], dirty_count;
  struct socket sockets[MOST_SOCKETS];
  double deadline; /* below 0 = none */
  long issued, done, warm, limit;
  double seconds, begun, cpu_begun, ended, cpu_ended;
  float *samples;
};

static double now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double cpu(void) {
  struct timespec ts;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void die(const char *what) {
  fprintf(stderr, "rawc: %s\n", what);
  exit(1);
}

static size_t keep(char *data, size_t one, size_t length, void *user) {
  struct buffer *buffer = user;
  (void)one;
  if (buffer->length + length > buffer->capacity) {
    while (buffer->capacity < buffer->length + length) buffer->capacity = buffer->capacity ? buffer->capacity * 2 : 1024;
    buffer->data = realloc(buffer->data, buffer->capacity);
    if (!buffer->data) die("no memory");
  }
  memcpy(buffer->data + buffer->length, data, length);
  buffer->length += length;
  return length;
}

static int on_send(void *user, char *remote_ip, char *local_ip, int remote_port, int local_port) {
  (void)user, (void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
  return CURL_PREREQFUNC_OK;
}

/* What src/transfer.c sets, so that the difference to it is hoopai's own work. */
static void set_our_options(const struct bench *bench, struct slot *slot) {
  CURL *easy = slot->easy;
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, keep);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &slot->headers);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, 600L);
  curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, 60L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
  curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "GET");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "hoopai (Lua 5.4)");
  const char *target = strchr(strstr(bench->url, "://") + 3, '/');
  char *origin = strndup(bench->url, (size_t)(target - bench->url));
  CURLU *parsed = curl_url();
  if (!origin || curl_url_set(parsed, CURLUPART_URL, origin, 0) != CURLUE_OK) die("the URL cannot be parsed");
  free(origin);
  curl_easy_setopt(easy, CURLOPT_CURLU, parsed);
  curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, target);
}

static int on_close(void *user, curl_socket_t fd) {
  struct bench *bench = user;
  bench->sockets[fd].applied = 0; /* closing takes it out of the set */
  bench->sockets[fd].wanted = 0;
  return close(fd);
}

static void open_slot(struct bench *bench, struct slot *slot) {
  CURL *easy = slot->easy = curl_easy_init();
  if (!easy) die("no easy handle");
  curl_easy_setopt(easy, CURLOPT_PRIVATE, slot);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &slot->body);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, bench->headers);
  if (!bench->our_options) curl_easy_setopt(easy, CURLOPT_URL, bench->url);
  if (bench->ca) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, bench->ca);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
  }
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)(bench->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  if (bench->http2) curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
  if (bench->use_epoll) {
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, bench);
  }
  if (bench->our_options) set_our_options(bench, slot);
}

static bool may_issue(const struct bench *bench) {
  if (bench->issued >= bench->warm + bench->limit) return false;
  return bench->done < bench->warm || now() < bench->begun + bench->seconds;
}

static void issue(struct bench *bench, struct slot *slot) {
  if (!slot->easy) open_slot(bench, slot);
  slot->body.length = slot->headers.length = 0;
  slot->begun = now();
  bench->issued++;
  if (curl_multi_add_handle(bench->multi, slot->easy) != CURLM_OK) die("curl_multi_add_handle failed");
}

static void finish(struct bench *bench, const CURLMsg *message) {
  struct slot *slot = NULL;
  long status = 0;
  CURL *easy = message->easy_handle;
  if (message->data.result != CURLE_OK) die(curl_easy_strerror(message->data.result));
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&slot);
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) die("the answer is not 200");
  curl_multi_remove_handle(bench->multi, easy);
  if (bench->fresh) {
    curl_easy_cleanup(easy);
    slot->easy = NULL;
  }
  double moment = now();
  bench->done++;
  if (bench->done > bench->warm && bench->done - bench->warm <= MOST_SAMPLES) {
    bench->samples[bench->done - bench->warm - 1] = (float)(moment - slot->begun);
  }
  if (bench->done == bench->warm) {
    bench->begun = moment;
    bench->cpu_begun = cpu();
  }
  if (may_issue(bench)) issue(bench, slot);
}

static void drain(struct bench *bench) {
  CURLMsg *message;
  int left;
  while ((message = curl_multi_info_read(bench->multi, &left))) {
    if (message->msg == CURLMSG_DONE) finish(bench, message);
  }
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *unused) {
  struct bench *bench = user;
  (void)easy, (void)unused;
  if (fd >= MOST_SOCKETS) die("too many sockets");
  struct socket *entry = &bench->sockets[fd];
  entry->wanted = what == CURL_POLL_REMOVE ? 0 : what;
  if (!entry->dirty) bench->dirty[bench->dirty_count++] = fd;
  entry->dirty = true;
  return 0;
}

static int on_timer(CURLM *multi, long milliseconds, void *user) {
  struct bench *bench = user;
  (void)multi;
  bench->deadline = milliseconds < 0 ? -1 : now() + (double)milliseconds / 1000;
  return 0;
}

static void apply(struct bench *bench) {
  for (int i = 0; i < bench->dirty_count; i++) {
    int fd = bench->dirty[i];
    struct socket *entry = &bench->sockets[fd];
    entry->dirty = false;
    if (entry->wanted == entry->applied) continue;
    struct epoll_event event = {0};
    event.events = ((entry->wanted & CURL_POLL_IN) ? (unsigned)EPOLLIN : 0) |
                   ((entry->wanted & CURL_POLL_OUT) ? (unsigned)EPOLLOUT : 0);
    event.data.fd = fd;
    int operation = !entry->wanted ? EPOLL_CTL_DEL : entry->applied ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(bench->set, operation, fd, &event) != 0 && errno == EEXIST) {
      epoll_ctl(bench->set, EPOLL_CTL_MOD, fd, &event);
    }
    entry->applied = entry->wanted;
  }
  bench->dirty_count = 0;
}

static void loop_epoll(struct bench *bench) {
  struct epoll_event events[64];
  int running = 0;
  while (bench->done < bench->issued) {
    apply(bench);
    double left = bench->deadline < 0 ? 1 : bench->deadline - now();
    int count = epoll_wait(bench->set, events, 64, left <= 0 ? 0 : (int)(left * 1000) + 1);
    for (int i = 0; i < count; i++) {
      int action = ((events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_IN : 0) |
                   ((events[i].events & EPOLLOUT) ? CURL_CSELECT_OUT : 0);
      curl_multi_socket_action(bench->multi, events[i].data.fd, action, &running);
    }
    if (bench->deadline >= 0 && bench->deadline <= now()) {
      bench->deadline = -1;
      curl_multi_socket_action(bench->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    drain(bench);
  }
}

static void loop_poll(struct bench *bench) {
  int running = 0;
  while (bench->done < bench->issued) {
    curl_multi_perform(bench->multi, &running);
    drain(bench);
    if (bench->done < bench->issued) curl_multi_poll(bench->multi, NULL, 0, 1000, NULL);
  }
}

static void open_multi(struct bench *bench, long connections) {
  bench->multi = curl_multi_init();
  if (!bench->multi) die("no multi handle");
  curl_multi_setopt(bench->multi, CURLMOPT_MAXCONNECTS, connections);
  if (bench->http2) curl_multi_setopt(bench->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
  if (!bench->use_epoll) return;
  bench->set = epoll_create1(EPOLL_CLOEXEC);
  bench->deadline = -1;
  curl_multi_setopt(bench->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(bench->multi, CURLMOPT_SOCKETDATA, bench);
  curl_multi_setopt(bench->multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(bench->multi, CURLMOPT_TIMERDATA, bench);
}

static int compare(const void *left, const void *right) {
  float a = *(const float *)left, b = *(const float *)right;
  return (a > b) - (a < b);
}

static long peak_kb(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

static void report(const struct bench *bench) {
  long count = bench->done - bench->warm;
  long kept = count < MOST_SAMPLES ? count : MOST_SAMPLES;
  if (count < 1) die("nothing was measured");
  qsort(bench->samples, (size_t)kept, sizeof *bench->samples, compare);
  printf("requests=%ld seconds=%.6f cpu=%.6f p50=%.1f p99=%.1f rss=%ld\n", count, bench->ended - bench->begun,
         bench->cpu_ended - bench->cpu_begun, (double)bench->samples[(kept - 1) / 2] * 1e6,
         (double)bench->samples[(kept - 1) * 99 / 100] * 1e6, peak_kb());
}

int main(int argc, char **argv) {
  static struct bench bench;
  int letter;
  while ((letter = getopt(argc, argv, "eo2n")) != -1) {
    if (letter == 'e') bench.use_epoll = true;
    else if (letter == 'o') bench.our_options = true;
    else if (letter == '2') bench.http2 = true;
    else if (letter == 'n') bench.fresh = true;
    else return 2;
  }
  if (argc - optind != 5) die("usage: rawc [-e] [-o] [-2] [-n] URL CONCURRENCY SECONDS REQUESTS WARM");
  bench.url = argv[optind];
  int concurrency = atoi(argv[optind + 1]);
  bench.seconds = atof(argv[optind + 2]);
  bench.limit = atol(argv[optind + 3]);
  bench.warm = atol(argv[optind + 4]);
  bench.ca = getenv("BENCH_CA");
  curl_global_init(CURL_GLOBAL_DEFAULT);
  bench.headers = curl_slist_append(NULL, "Authorization: Bearer benchmark-token-that-opens-nothing");
  bench.headers = curl_slist_append(bench.headers, "Version: 2021-07-28");
  bench.headers = curl_slist_append(bench.headers, "Accept: application/json");
  bench.samples = malloc(MOST_SAMPLES * sizeof *bench.samples); /* untouched pages cost nothing */
  struct slot *slots = calloc((size_t)concurrency, sizeof *slots);
  if (!slots || !bench.samples) die("no memory");
  open_multi(&bench, concurrency);
  bench.begun = now();
  bench.cpu_begun = cpu();
  for (int i = 0; i < concurrency && may_issue(&bench); i++) {
    issue(&bench, &slots[i]);
  }
  if (bench.use_epoll) loop_epoll(&bench);
  else loop_poll(&bench);
  bench.ended = now();
  bench.cpu_ended = cpu();
  report(&bench);
  return 0;
}
