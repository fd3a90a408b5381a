/* hoopai.Multi: transfers in a CURLM, a poll fd, deadlines, and the queue of the transfers that exceed its capacity. */
#define _GNU_SOURCE
#include "multi.h"
#include "curl_compat.h"
#include "curl_handle.h"
#include "expiry.h"
#include "poller.h"
#include "sigpipe.h"
#include "sockets.h"
#include "transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_STREAMS 100      /* per connection */
#define LATE_ROUNDS 64       /* of reading what has arrived for expired transfers */
#define LOOKUP_TIMEOUT 60    /* seconds, more than any resolver needs */
#define LOOKUP_CONNECTIONS 4 /* in addition to those of the transfers */

static const char multi_type[] = "hoopai.Multi";
static const char closed_client[] = "the client was closed";

/* -- CURLM ----------------------------------------------------------------------------------- */

/* Notes when libcurl must be called: a callback may not call libcurl. */
static int on_timer(CURLM *curl, long milliseconds, void *user) {
  struct hoopai_multi *multi = user;
  (void)curl;
  multi->curl_deadline = milliseconds < 0 ? -1 : hoopai_now() + (double)milliseconds / 1000;
  return 0;
}

static bool open_curl(struct hoopai_multi *multi) {
  long connections = multi->max_connections;
  multi->curl = hoopai_curl_multi_init();
  if (!multi->curl) return false;
  curl_multi_setopt(multi->curl, CURLMOPT_MAX_HOST_CONNECTIONS, connections);
  curl_multi_setopt(multi->curl, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections + LOOKUP_CONNECTIONS);
  curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, connections);
  curl_multi_setopt(multi->curl, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)MAX_STREAMS);
  curl_multi_setopt(multi->curl, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, hoopai_sockets_note);
  curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
  curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
  hoopai_curl_prepare_multi(multi->curl);
  multi->curl_deadline = -1;
  return true;
}

/* One per multi, so only one thread uses it at a time. */
static CURLSH *open_share(void) {
  CURLSH *share = curl_share_init();
  if (share && curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK) {
    curl_share_cleanup(share);
    share = NULL;
  }
  return share;
}

static void free_lookups(struct hoopai_multi *multi) {
  while (multi->lookups) hoopai_lookup_free(multi->curl, hoopai_lookup_take(&multi->lookups, multi->lookups->easy));
}

/* Removes the callbacks first: curl_multi_cleanup would call them for each connection. */
static void close_curl(struct hoopai_multi *multi) {
  if (!multi->curl) return;
  curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, NULL);
  curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, NULL);
  free_lookups(multi);
  hoopai_sockets_forget(multi); /* while the descriptors are open: then another thread may have their numbers */
  curl_multi_cleanup(multi->curl);
  multi->curl = NULL;
  multi->curl_deadline = -1;
}

/* The most transfers that libcurl gets: its own queue is slow, and its limit counts connections, not streams. */
static int capacity(const struct hoopai_multi *multi) {
  return multi->seen_http2 ? multi->max_connections * MAX_STREAMS : multi->max_connections;
}

static bool hand_over(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  struct hoopai_handle *handle = transfer->handle;
  return multi->curl && handle && hoopai_handle_prepare(handle, transfer, multi) &&
         curl_multi_add_handle(multi->curl, handle->easy) == CURLM_OK;
}

static void fail_to_start(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  hoopai_transfer_fail(transfer, "network", "libcurl did not take the request");
  hoopai_list_push(&multi->done, transfer);
}

/* A transfer no longer counts as running. */
static void count_out(struct hoopai_multi *multi, const struct hoopai_transfer *transfer) {
  multi->running--;
  if (multi->retired_running > 0 && transfer->started <= multi->retired_at) multi->retired_running--;
}

/* Passes a transfer, which counts as running already, to libcurl. */
static void run(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  transfer->state = HOOPAI_RUNNING;
  multi->has_new = true;
  if (hand_over(multi, transfer)) {
    hoopai_expiry_note(multi, transfer);
    return;
  }
  count_out(multi, transfer);
  fail_to_start(multi, transfer);
}

static void start(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  transfer->handle = hoopai_handle_take(multi);
  if (transfer->handle) transfer->handle->owner = transfer;
  hoopai_transfer_begin(transfer);
  if (transfer->request->https || multi->proxy) multi->seen_tls = true;
  multi->running++;
  run(multi, transfer);
}

static void start_queued(struct hoopai_multi *multi) {
  if (multi->queue.first && !multi->curl) (void)open_curl(multi);
  while (multi->queue.first && multi->running < capacity(multi)) {
    multi->queued--;
    start(multi, hoopai_list_pop(&multi->queue));
  }
}

static void take_out(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  if (transfer->state == HOOPAI_RUNNING) curl_multi_remove_handle(multi->curl, transfer->handle->easy);
  else hoopai_list_remove(&multi->resolving, transfer);
  count_out(multi, transfer);
}

/* After a timeout libcurl reuses the connection of an HTTP/2 stream, and the idle connections of HTTP/1.1. On a dead
   connection (a router has lost it, a laptop has slept) each later call would time out as well. So when a request times
   out without any response since it was sent, all connections from before are retired. */
static void check_connections(struct hoopai_multi *multi, const struct hoopai_transfer *transfer, CURLcode code) {
  if (transfer->handle->headers.lines > 0) {
    multi->last_response_at = transfer->ended;
  } else if (code == CURLE_OPERATION_TIMEDOUT && transfer->sent > 0 && multi->last_response_at < transfer->started) {
    multi->retired_at = transfer->ended;
    multi->retired_running = multi->running;
  }
}

static void end_transfer(struct hoopai_multi *multi, struct hoopai_transfer *transfer, CURLcode code, double now) {
  struct hoopai_handle *handle = transfer->handle;
  long version = 0;
  curl_easy_getinfo(handle->easy, CURLINFO_HTTP_VERSION, &version);
  if (version != 0) multi->seen_http2 = version == CURL_HTTP_VERSION_2_0;
  transfer->ended = now;
  check_connections(multi, transfer, code);
  take_out(multi, transfer);
  hoopai_transfer_finish(transfer, code);
  hoopai_list_push(&multi->done, transfer);
}

/* -- Lookups --------------------------------------------------------------------------------- */

static void wait_for_lookup(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  transfer->state = HOOPAI_RESOLVING;
  if (transfer->lookup_since == 0) transfer->lookup_since = hoopai_now();
  hoopai_list_push(&multi->resolving, transfer);
  hoopai_expiry_note(multi, transfer);
}

/* Is there a lookup of an origin? libcurl may have lost one that takes very long: it is dropped. */
static bool has_lookup(struct hoopai_multi *multi, const char *origin, size_t length) {
  struct hoopai_lookup *lookup = hoopai_lookup_of(multi->lookups, origin, length);
  if (!lookup || hoopai_now() - lookup->begun < LOOKUP_TIMEOUT) return lookup != NULL;
  hoopai_lookup_free(multi->curl, hoopai_lookup_take(&multi->lookups, lookup->easy));
  return false;
}

static bool begin_lookup(struct hoopai_multi *multi, const char *origin, size_t length) {
  if (!hoopai_handle_open_model(multi)) return false;
  struct hoopai_lookup *lookup = hoopai_lookup_begin(multi->curl, multi->model, origin, length);
  if (!lookup) return false;
  lookup->next = multi->lookups;
  multi->lookups = lookup;
  return true;
}

/* Takes a transfer with an unresolved name back from libcurl until a lookup has resolved it. */
static void look_up(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  curl_multi_remove_handle(multi->curl, transfer->handle->easy);
  wait_for_lookup(multi, transfer);
  if (has_lookup(multi, transfer->url, transfer->origin_length)) return;
  if (begin_lookup(multi, transfer->url, transfer->origin_length)) return;
  take_out(multi, transfer);
  fail_to_start(multi, transfer);
}

/* Runs or ends the transfers that waited for a lookup. */
static void end_lookup(struct hoopai_multi *multi, struct hoopai_lookup *lookup, CURLcode code, double now) {
  struct hoopai_list waiting = multi->resolving;
  curl_multi_remove_handle(multi->curl, lookup->easy); /* first: no transfer may wait for its connection */
  multi->resolving = (struct hoopai_list){NULL, NULL};
  for (struct hoopai_transfer *transfer; (transfer = hoopai_list_pop(&waiting));) {
    size_t length = transfer->origin_length;
    if (strncmp(lookup->origin, transfer->url, length) != 0 || lookup->origin[length]) {
      hoopai_list_push(&multi->resolving, transfer);
    } else if (lookup->found) {
      transfer->resolved = true;
      run(multi, transfer);
    } else {
      memcpy(transfer->handle->error, lookup->error, sizeof lookup->error);
      end_transfer(multi, transfer, code, now);
    }
  }
  hoopai_lookup_free(multi->curl, lookup);
}

/* -- Steps ----------------------------------------------------------------------------------- */

static void drain(struct hoopai_multi *multi) {
  CURLMsg *message;
  int left;
  double now = 0;
  while ((message = curl_multi_info_read(multi->curl, &left))) {
    if (message->msg != CURLMSG_DONE) continue;
    CURLcode code = message->data.result;
    struct hoopai_handle *handle = NULL;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&handle);
    if (now == 0) now = hoopai_now();
    if (!handle) end_lookup(multi, hoopai_lookup_take(&multi->lookups, message->easy_handle), code, now);
    else if (handle->unresolved && code != CURLE_OK) look_up(multi, handle->owner);
    else end_transfer(multi, handle->owner, code, now);
  }
}

/* Ends the transfers that had expired when the step began. */
static void expire(struct hoopai_multi *multi, double now) {
  if (multi->expiry == 0 || now < multi->expiry) return;
  multi->expiry = 0;
  for (struct hoopai_transfer *at = multi->all; at; at = at->all_next) {
    double expiry = hoopai_expiry_of(multi, at);
    if (expiry == 0 || expiry > now) {
      hoopai_expiry_note(multi, at);
      continue;
    }
    hoopai_expiry_name(at, now);
    end_transfer(multi, at, CURLE_OPERATION_TIMEDOUT, now);
  }
}

static void end_all(struct hoopai_multi *multi, const char *kind, const char *message) {
  for (struct hoopai_transfer *at = multi->all; at; at = at->all_next) {
    if (at->state == HOOPAI_RUNNING || at->state == HOOPAI_RESOLVING) take_out(multi, at);
    else if (at->state == HOOPAI_QUEUED) multi->queued--;
    else continue;
    hoopai_transfer_fail(at, kind, message);
    hoopai_list_push(&multi->done, at);
  }
  multi->queue = (struct hoopai_list){NULL, NULL};
}

/* After an error of the CURLM itself all its transfers end, and a new CURLM replaces it: now, or without memory at its
   next use. */
static void rebuild(struct hoopai_multi *multi, CURLMcode code) {
  end_all(multi, "network", curl_multi_strerror(code));
  close_curl(multi);
  (void)open_curl(multi);
}

/* Passes the ready descriptors, whose number is returned in `count`, and an expired deadline to libcurl. */
static CURLMcode run_curl(struct hoopai_multi *multi, int *count) {
  struct hoopai_event events[HOOPAI_EVENTS];
  int running;
  CURLMcode code = CURLM_OK;
  hoopai_sockets_apply(multi);
  hoopai_sockets_watch_idle(multi);
  *count = hoopai_sockets_events(multi, events);
  for (int i = 0; i < *count && code == CURLM_OK; i++) {
    int fd = events[i].fd;
    int mask = fd < multi->socket_count ? events[i].mask & multi->sockets[fd].requested : 0;
    if (mask == 0) continue; /* closed or removed by an earlier event */
    int action = ((mask & HOOPAI_IN) ? CURL_CSELECT_IN : 0) | ((mask & HOOPAI_OUT) ? CURL_CSELECT_OUT : 0);
    code = curl_multi_socket_action(multi->curl, fd, action, &running);
  }
  if (code == CURLM_OK && multi->curl_deadline >= 0 && multi->curl_deadline <= hoopai_now()) {
    multi->curl_deadline = -1;
    code = curl_multi_socket_action(multi->curl, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  return code;
}

/* Runs libcurl once, or while there is something to read for transfers that have expired. */
static CURLMcode receive(struct hoopai_multi *multi, double now) {
  bool is_late = hoopai_expiry_lift(multi, now);
  CURLMcode code;
  int count, rounds = LATE_ROUNDS;
  do {
    code = run_curl(multi, &count);
    drain(multi);
  } while (is_late && code == CURLM_OK && count > 0 && --rounds > 0 && hoopai_expiry_has_come(multi, now));
  return code;
}

static void step(struct hoopai_multi *multi) {
  struct hoopai_sigpipe_guard guard;
  hoopai_sigpipe_block(&guard, multi->seen_tls);
  double now = multi->expiry > 0 ? hoopai_now() : 0;
  CURLMcode code = multi->curl ? receive(multi, now) : CURLM_OK;
  expire(multi, now);
  if (code != CURLM_OK) rebuild(multi, code);
  start_queued(multi);
  hoopai_sockets_apply(multi);
  hoopai_sigpipe_restore(&guard);
}

/* Seconds until step() must run even if no descriptor is ready; below 0 = no limit. */
static double seconds_left(struct hoopai_multi *multi) {
  if (multi->done.first) return 0;
  hoopai_sockets_unwatch_idle(multi);
  if (multi->running == 0 && multi->lookups) return -1; /* no transfer waits for the lookups */
  double deadline = multi->curl_deadline;
  if (multi->expiry > 0 && multi->running > 0 && (deadline < 0 || multi->expiry < deadline)) deadline = multi->expiry;
  if (deadline < 0) return -1;
  double left = deadline - hoopai_now();
  return left > 0 ? left : 0;
}

/* Idempotent, also for an incomplete multi. */
static void close_multi(struct hoopai_multi *multi) {
  struct hoopai_sigpipe_guard guard;
  hoopai_sigpipe_block(&guard, multi->seen_tls);
  multi->closed = true;
  end_all(multi, "closed", closed_client);
  while (multi->idle) hoopai_handle_free(hoopai_handle_take(multi));
  if (multi->model) curl_easy_cleanup(multi->model);
  multi->model = NULL;
  close_curl(multi);
  hoopai_sigpipe_restore(&guard);
  if (multi->poll_fd >= 0) close(multi->poll_fd);
  multi->poll_fd = -1;
}

/* Rule Fork: the memory of libcurl is not freed, as this would end connections of the parent. */
static void after_fork(struct hoopai_multi *multi) {
  multi->curl = NULL;
  multi->idle = NULL;
  multi->lookups = NULL;
  multi->model = NULL;
  multi->share = NULL;
  if (multi->poll_fd >= 0) hoopai_poll_after_fork(multi->poll_fd);
  multi->poll_fd = -1;
}

static bool is_own_process(const struct hoopai_multi *multi) {
  return multi->pid == hoopai_pid();
}

void hoopai_multi_release(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  if (!is_own_process(multi)) {
    after_fork(multi);
  } else {
    struct hoopai_sigpipe_guard guard;
    hoopai_sigpipe_block(&guard, multi->seen_tls);
    if (transfer->state == HOOPAI_QUEUED && hoopai_list_remove(&multi->queue, transfer)) multi->queued--;
    if (transfer->state == HOOPAI_RUNNING || transfer->state == HOOPAI_RESOLVING) {
      take_out(multi, transfer);
      start_queued(multi);
    }
    hoopai_sockets_apply(multi);
    hoopai_sigpipe_restore(&guard);
  }
  if (transfer->state == HOOPAI_DONE) hoopai_list_remove(&multi->done, transfer);
  if (transfer->handle && is_own_process(multi)) hoopai_handle_give(multi, transfer->handle);
  transfer->handle = NULL;
  hoopai_list_unlink(&multi->all, transfer);
  transfer->multi = NULL;
}

/* -- hoopai.Multi ---------------------------------------------------------------------------- */

static struct hoopai_multi *check_any(lua_State *L) {
  return hoopai_check(L, 1, multi_type);
}

static struct hoopai_multi *check_multi(lua_State *L) {
  struct hoopai_multi *multi = check_any(L);
  if (!is_own_process(multi)) luaL_error(L, "this client belongs to the parent process: make a new one after fork");
  if (multi->closed) luaL_error(L, "attempt to use a closed client");
  return multi;
}

/* multi(options) -> Multi | nil, problem (no free descriptor) */
static int multi_new(lua_State *L) {
  lua_settop(L, 1);
  struct hoopai_multi *multi = lua_newuserdatauv(L, sizeof *multi, 1);
  memset(multi, 0, sizeof *multi);
  multi->type = multi_type;
  multi->poll_fd = -1;
  multi->first_dirty = -1;
  multi->pid = hoopai_pid();
  luaL_setmetatable(L, multi_type);
  if (!hoopai_own(L)) return hoopai_problem(L, HOOPAI_CLOSING);
  lua_newtable(L);
  lua_setiuservalue(L, 2, 1);
  hoopai_multi_read_options(L, multi);
  multi->poll_fd = hoopai_poll_open();
  if (multi->poll_fd < 0) return hoopai_system_problem(L, "no descriptor for the connections");
  multi->clears_idle = hoopai_curl_rule(HOOPAI_CURL_IDLE_CHECK_IS_RARE);
  multi->watches_idle = multi->clears_idle || hoopai_curl_rule(HOOPAI_CURL_IDLE_BYTES_PASS);
  if (!open_curl(multi)) {
    if (errno == ENOMEM) return luaL_error(L, "not enough memory");
    return hoopai_system_problem(L, "no descriptor for the connections");
  }
  multi->share = open_share();
  multi->checks_fold = hoopai_curl_rule(HOOPAI_CURL_FOLD_REACHES_BACK);
  multi->without_lookup = hoopai_curl_rule(HOOPAI_CURL_ABORT_IS_REMEMBERED);
  lua_settop(L, 2);
  return 1;
}

/* pollfd() -> a descriptor that is readable when step() must run */
static int multi_pollfd(lua_State *L) {
  lua_pushinteger(L, check_multi(L)->poll_fd);
  return 1;
}

/* timeout() -> seconds until step() must run, nil = only when the descriptor is readable */
static int multi_timeout(lua_State *L) {
  double left = seconds_left(check_multi(L));
  if (left >= 0) lua_pushnumber(L, left);
  else lua_pushnil(L);
  return 1;
}

/* Queues or starts the transfer on top of the stack, which is returned. */
static int enqueue(lua_State *L, struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  lua_getiuservalue(L, 1, 1);
  lua_pushvalue(L, -2);
  transfer->pin = luaL_ref(L, -2); /* nothing can raise after this */
  lua_pop(L, 1);
  transfer->multi = multi;
  hoopai_list_link(&multi->all, transfer);
  if (multi->closed) { /* since check_multi: rule Finalisers */
    hoopai_transfer_fail(transfer, "closed", closed_client);
    hoopai_list_push(&multi->done, transfer);
    return 1;
  }
  transfer->state = HOOPAI_QUEUED;
  multi->queued++;
  hoopai_list_push(&multi->queue, transfer);
  start_queued(multi);
  hoopai_sockets_apply(multi);
  return 1;
}

/* send(request, target, token, body, timeout, deadline) -> Transfer, queued or started
   request: a Request, whose URL `target` continues; token: a Secret or nil; body: a string or nil, for a Request with
   `form` a list of names and values (strings or Secrets); timeout: seconds from the start; deadline: a core.now() */
static int multi_send(lua_State *L) {
  struct hoopai_multi *multi = check_multi(L);
  return enqueue(L, multi, hoopai_transfer_new(L));
}

/* step(): receives and sends without waiting */
static int multi_step(lua_State *L) {
  step(check_multi(L));
  return 0;
}

/* Pushes, at index 2 and 3, the table of pinned transfers and the first that is done; nil when none is. */
static struct hoopai_transfer *push_done(lua_State *L) {
  struct hoopai_multi *multi = check_any(L);
  struct hoopai_transfer *transfer = is_own_process(multi) ? multi->done.first : NULL;
  lua_settop(L, 1);
  if (!transfer) {
    lua_pushnil(L);
    return NULL;
  }
  lua_getiuservalue(L, 1, 1);
  lua_rawgeti(L, 2, transfer->pin);
  return transfer;
}

/* peek() -> the transfer that next() will return, and its waiter; nil when there is none. Works after close(). */
static int multi_peek(lua_State *L) {
  if (!push_done(L)) return 1;
  lua_getiuservalue(L, 3, HOOPAI_TRANSFER_WAITER);
  return 2;
}

/* After push_done: takes the transfer off the list. */
static void take_done(lua_State *L, struct hoopai_transfer *transfer) {
  (void)hoopai_list_pop(&transfer->multi->done);
  luaL_unref(L, 2, transfer->pin);
  transfer->pin = LUA_NOREF;
}

/* next() -> a transfer that is done, each once; nil when there is none. Works after close(). */
static int multi_next(lua_State *L) {
  struct hoopai_transfer *transfer = push_done(L);
  if (transfer) take_done(L, transfer);
  return 1;
}

/* Waits until step() must run, the seconds (below 0 = no limit) are over, or a signal arrives. */
static void wait_to_step(lua_State *L, struct hoopai_multi *multi, double seconds) {
  double left = seconds_left(multi);
  if (seconds < 0 && left < 0 && multi->queued + multi->running == 0) luaL_error(L, "nothing is in flight to wait for");
  if (left >= 0 && (seconds < 0 || left < seconds)) seconds = left;
  if (seconds == 0) return;
  struct hoopai_event event;
  (void)hoopai_poll_wait(multi->poll_fd, &event, 1, hoopai_milliseconds(seconds));
}

/* wait(seconds | nil): until step() must run, the time is over, or a signal arrives */
static int multi_wait(lua_State *L) {
  struct hoopai_multi *multi = check_multi(L);
  wait_to_step(L, multi, hoopai_check_wait(L, 2));
  return 0;
}

/* advance(transfer) -> whether the transfer is done, after a wait and a step if it was not. A signal ends the wait.
   Once the transfer is done, next() returns none of those that are done now. Works after close(). */
static int multi_advance(lua_State *L) {
  struct hoopai_multi *multi = check_any(L);
  const struct hoopai_transfer *transfer = hoopai_check(L, 2, hoopai_transfer_type);
  luaL_argcheck(L, transfer->multi == multi, 2, "the transfer is not of this client, or is closed");
  if (transfer->state != HOOPAI_DONE) {
    wait_to_step(L, check_multi(L), -1);
    step(multi);
  }
  bool is_done = transfer->state == HOOPAI_DONE;
  for (struct hoopai_transfer *done; is_done && (done = push_done(L));) take_done(L, done);
  lua_pushboolean(L, is_done);
  return 1;
}

/* has_ended() -> whether next() would return a transfer */
static int multi_has_ended(lua_State *L) {
  lua_pushboolean(L, check_any(L)->done.first != NULL);
  return 1;
}

/* count() -> the number of queued and of running transfers */
static int multi_count(lua_State *L) {
  const struct hoopai_multi *multi = check_any(L);
  lua_pushinteger(L, multi->queued);
  lua_pushinteger(L, multi->running);
  return 2;
}

/* close(): unfinished transfers end with the kind "closed", and next() returns them. Idempotent. */
static int multi_close(lua_State *L) {
  struct hoopai_multi *multi = check_any(L);
  if (is_own_process(multi)) close_multi(multi);
  else after_fork(multi);
  return 0;
}

static int multi_gc(lua_State *L) {
  struct hoopai_multi *multi = check_any(L);
  multi_close(L);
  while (multi->all) { /* their userdata may outlive this one */
    struct hoopai_transfer *transfer = multi->all;
    if (transfer->handle && is_own_process(multi)) hoopai_handle_free(transfer->handle);
    transfer->handle = NULL;
    transfer->state = HOOPAI_CLOSED;
    hoopai_transfer_free_request(transfer); /* Lua calls no __gc of a userdata that is made while the state closes */
    hoopai_list_unlink(&multi->all, transfer);
    transfer->multi = NULL;
  }
  multi->done = (struct hoopai_list){NULL, NULL};
  if (multi->share) curl_share_cleanup(multi->share); /* fails while a handle uses it, so it comes last */
  multi->share = NULL;
  free(multi->sockets);
  multi->sockets = NULL;
  hoopai_multi_free_options(multi);
  return 0;
}

void hoopai_open_multi(lua_State *L) {
  static const luaL_Reg methods[] = {
    {"pollfd", multi_pollfd}, {"timeout", multi_timeout},     {"send", multi_send},       {"step", multi_step},
    {"next", multi_next},     {"wait", multi_wait},           {"peek", multi_peek},       {"count", multi_count},
    {"close", multi_close},   {"has_ended", multi_has_ended}, {"advance", multi_advance}, {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {{"__gc", multi_gc}, {"__close", multi_close}, {NULL, NULL}};
  hoopai_new_type(L, multi_type, methods, metamethods);
  lua_pushcfunction(L, multi_new);
  lua_setfield(L, -2, "multi");
}
