/* The pollable set of transfers: a CURLM, a private set of descriptors, a deadline, and the queue before them. */
#define _GNU_SOURCE
#include "multi.h"
#include "curl_compat.h"
#include "sigpipe.h"
#include "sockets.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_IDLE_HANDLES 64
#define STREAMS 100
#define MOST_CONNECTIONS 10000
#define MOST_BYTES 1000000000
#define SLACK 0.1         /* seconds */
#define LOOKUP_SECONDS 60 /* more than any resolver takes */
#define FOR_LOOKUPS 4     /* connections, beside those of the transfers */

static const char closed_client[] = "the client was closed";
static const char unresolved[] = "the name of the host was not resolved in time";

/* ------------------------------------------------------------------------------------------------------------- lists */

static void push_last(struct hoopai_list *list, struct hoopai_transfer *transfer) {
  transfer->next = NULL;
  if (list->last) list->last->next = transfer;
  else list->first = transfer;
  list->last = transfer;
}

static struct hoopai_transfer *pop_first(struct hoopai_list *list) {
  struct hoopai_transfer *transfer = list->first;
  if (!transfer) return NULL;
  list->first = transfer->next;
  if (!list->first) list->last = NULL;
  transfer->next = NULL;
  return transfer;
}

static bool remove_from(struct hoopai_list *list, struct hoopai_transfer *transfer) {
  struct hoopai_transfer *previous = NULL;
  for (struct hoopai_transfer *at = list->first; at; previous = at, at = at->next) {
    if (at != transfer) continue;
    if (previous) previous->next = at->next;
    else list->first = at->next;
    if (list->last == at) list->last = previous;
    at->next = NULL;
    return true;
  }
  return false;
}

static void link_all(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  transfer->multi = multi;
  transfer->all_previous = NULL;
  transfer->all_next = multi->all;
  if (multi->all) multi->all->all_previous = transfer;
  multi->all = transfer;
}

static void unlink_all(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  if (transfer->all_previous) transfer->all_previous->all_next = transfer->all_next;
  else multi->all = transfer->all_next;
  if (transfer->all_next) transfer->all_next->all_previous = transfer->all_previous;
  transfer->multi = NULL;
}

/* ------------------------------------------------------------------------------------------------------------- CURLM */

/* Notes when libcurl wants to be called (never calls it from here: it forbids that). */
static int on_timer(CURLM *curl, long milliseconds, void *user) {
  struct hoopai_multi *multi = user;
  (void)curl;
  multi->deadline = milliseconds < 0 ? -1 : hoopai_now() + (double)milliseconds / 1000;
  return 0;
}

static bool open_curl(struct hoopai_multi *multi) {
  long connections = multi->max_connections;
  multi->curl = hoopai_curl_multi_init();
  if (!multi->curl) return false;
  curl_multi_setopt(multi->curl, CURLMOPT_MAX_HOST_CONNECTIONS, connections);
  curl_multi_setopt(multi->curl, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections + FOR_LOOKUPS);
  curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, connections);
  curl_multi_setopt(multi->curl, CURLMOPT_MAX_CONCURRENT_STREAMS, (long)STREAMS);
  curl_multi_setopt(multi->curl, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, hoopai_sockets_note);
  curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
  curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
  hoopai_curl_prepare_multi(multi->curl);
  multi->deadline = -1;
  return true;
}

/* Each client has its own, so no two threads use one at a time. */
static CURLSH *open_share(void) {
  CURLSH *share = curl_share_init();
  if (share && curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK) {
    curl_share_cleanup(share);
    share = NULL;
  }
  return share;
}

static void forget_lookups(struct hoopai_multi *multi) {
  while (multi->lookups) hoopai_lookup_free(multi->curl, hoopai_lookup_take(&multi->lookups, multi->lookups->easy));
}

/* The callbacks are taken off first: clean-up would call them for each connection it closes. */
static void close_curl(struct hoopai_multi *multi) {
  if (!multi->curl) return;
  curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, NULL);
  curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, NULL);
  forget_lookups(multi);
  curl_multi_cleanup(multi->curl);
  multi->curl = NULL;
  multi->deadline = -1;
  hoopai_sockets_forget(multi);
}

/* How many transfers libcurl may have: its own queue is slow, and its limit counts connections, not streams. */
static int capacity(const struct hoopai_multi *multi) {
  return multi->seen_http2 ? multi->max_connections * STREAMS : multi->max_connections;
}

static struct hoopai_handle *take_handle(struct hoopai_multi *multi) {
  struct hoopai_handle *handle = multi->idle;
  if (!handle) return hoopai_handle_new(multi);
  multi->idle = handle->next;
  multi->idle_count--;
  handle->next = NULL;
  return handle;
}

static void give_handle(struct hoopai_multi *multi, struct hoopai_handle *handle) {
  /* libcurl counts how often it sent a request again for as long as a handle lives, and gives up after five times. */
  bool spent = handle->owner && (handle->owner->sent > 1 || handle->owner->kind);
  handle->owner = NULL;
  hoopai_handle_reset(handle);
  if (!multi->curl || multi->idle_count >= MAX_IDLE_HANDLES) {
    hoopai_handle_free(handle);
    return;
  }
  if (multi->serves_once || spent) hoopai_handle_retire(handle);
  handle->next = multi->idle;
  multi->idle = handle;
  multi->idle_count++;
}

/* The hoopai_now() at which a transfer has to be ended here; 0 = never. libcurl ends those that run: should it forget one (it
   can, when memory runs out), this does a little later. */
static double due_of(const struct hoopai_multi *multi, const struct hoopai_transfer *transfer) {
  double end = hoopai_transfer_end(transfer), connected = transfer->parked + multi->connect_timeout;
  if (transfer->state == HOOPAI_RUNNING) return end > 0 ? end + SLACK : 0;
  if (transfer->state != HOOPAI_RESOLVING) return 0;
  return end > 0 && end < connected ? end : connected;
}

static void note_due(struct hoopai_multi *multi, const struct hoopai_transfer *transfer) {
  double due = due_of(multi, transfer);
  if (due > 0 && (multi->due == 0 || due < multi->due)) multi->due = due;
}

static bool hand_over(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  struct hoopai_handle *handle = transfer->handle;
  return multi->curl && handle && hoopai_handle_prepare(handle, transfer, multi) &&
         curl_multi_add_handle(multi->curl, handle->easy) == CURLM_OK;
}

static void fail_to_start(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  hoopai_transfer_fail(transfer, "network", "libcurl did not take the request");
  push_last(&multi->done, transfer);
}

/* Takes a transfer off the count of running ones. */
static void leave(struct hoopai_multi *multi, const struct hoopai_transfer *transfer) {
  multi->running--;
  if (multi->old > 0 && transfer->started <= multi->retired) multi->old--;
}

/* Gives a transfer, which counts as running, to libcurl. */
static void run(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  transfer->state = HOOPAI_RUNNING;
  multi->begun = true;
  if (hand_over(multi, transfer)) {
    note_due(multi, transfer);
    return;
  }
  leave(multi, transfer);
  fail_to_start(multi, transfer);
}

static void start(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  transfer->handle = take_handle(multi);
  if (transfer->handle) transfer->handle->owner = transfer;
  transfer->started = hoopai_now();
  if (transfer->request->https || multi->proxy) multi->seen_tls = true;
  multi->running++;
  run(multi, transfer);
}

static void start_queued(struct hoopai_multi *multi) {
  if (multi->queue.first && !multi->curl) (void)open_curl(multi);
  while (multi->queue.first && multi->running < capacity(multi)) {
    multi->queued--;
    start(multi, pop_first(&multi->queue));
  }
}

static void take_out(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  if (transfer->state == HOOPAI_RUNNING) curl_multi_remove_handle(multi->curl, transfer->handle->easy);
  else remove_from(&multi->resolving, transfer);
  leave(multi, transfer);
}

/* To libcurl an HTTP/2 connection is as good as new after a timeout: only a stream of it has ended. If it is dead (a
   router forgot it, a laptop slept), each call on it would time out, for as long as it lives; and so would each on the
   idle connections of HTTP/1.1. So when a request got no answer in its time, and no other did since it left, the
   connections from before are not used for new ones. */
static void judge_connections(struct hoopai_multi *multi, const struct hoopai_transfer *transfer, CURLcode code) {
  if (transfer->handle->headers.lines > 0) {
    multi->heard = transfer->ended;
  } else if (code == CURLE_OPERATION_TIMEDOUT && transfer->sent > 0 && multi->heard < transfer->started) {
    multi->retired = transfer->ended;
    multi->old = multi->running;
  }
}

static void end_transfer(struct hoopai_multi *multi, struct hoopai_transfer *transfer, CURLcode code, double now) {
  struct hoopai_handle *handle = transfer->handle;
  long version = 0;
  curl_easy_getinfo(handle->easy, CURLINFO_HTTP_VERSION, &version);
  if (version != 0) multi->seen_http2 = version == CURL_HTTP_VERSION_2_0;
  transfer->ended = now;
  judge_connections(multi, transfer, code);
  take_out(multi, transfer);
  hoopai_transfer_finish(transfer, code);
  push_last(&multi->done, transfer);
}

/* ----------------------------------------------------------------------------------------------------------- lookups */

static void wait_for_lookup(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  transfer->state = HOOPAI_RESOLVING;
  if (transfer->parked == 0) transfer->parked = hoopai_now();
  push_last(&multi->resolving, transfer);
  note_due(multi, transfer);
}

/* Is there a lookup of an origin? One that takes very long is given up: libcurl may have forgotten it. */
static bool is_looked_up(struct hoopai_multi *multi, const char *origin, size_t length) {
  struct hoopai_lookup *lookup = hoopai_lookup_of(multi->lookups, origin, length);
  if (!lookup || hoopai_now() - lookup->begun < LOOKUP_SECONDS) return lookup != NULL;
  hoopai_lookup_free(multi->curl, hoopai_lookup_take(&multi->lookups, lookup->easy));
  return false;
}

static bool begin_lookup(struct hoopai_multi *multi, const char *origin, size_t length) {
  if (!hoopai_multi_open_model(multi)) return false;
  struct hoopai_lookup *lookup = hoopai_lookup_begin(multi->curl, multi->model, origin, length);
  if (!lookup) return false;
  lookup->next = multi->lookups;
  multi->lookups = lookup;
  return true;
}

/* Takes the handle of a transfer back from libcurl, which would have to resolve a name for it: a lookup does that. */
static void look_up(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  size_t length = hoopai_transfer_origin_length(transfer);
  curl_multi_remove_handle(multi->curl, transfer->handle->easy);
  wait_for_lookup(multi, transfer);
  if (is_looked_up(multi, transfer->url, length) || begin_lookup(multi, transfer->url, length)) return;
  take_out(multi, transfer);
  fail_to_start(multi, transfer);
}

/* Goes on with the transfers that waited for a lookup. */
static void end_lookup(struct hoopai_multi *multi, struct hoopai_lookup *lookup, CURLcode code, double now) {
  struct hoopai_list waiting = multi->resolving;
  curl_multi_remove_handle(multi->curl, lookup->easy); /* first: transfers must not wait for its connection */
  multi->resolving = (struct hoopai_list){NULL, NULL};
  for (struct hoopai_transfer *transfer; (transfer = pop_first(&waiting));) {
    size_t length = hoopai_transfer_origin_length(transfer);
    if (strncmp(lookup->origin, transfer->url, length) != 0 || lookup->origin[length]) {
      push_last(&multi->resolving, transfer);
    } else if (lookup->found) {
      transfer->resolved = true;
      if (multi->serves_once) hoopai_handle_retire(transfer->handle);
      run(multi, transfer);
    } else {
      memcpy(transfer->handle->error, lookup->error, sizeof lookup->error);
      end_transfer(multi, transfer, code, now);
    }
  }
  hoopai_lookup_free(multi->curl, lookup);
}

/* -------------------------------------------------------------------------------------------------------- time and ends */

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

/* Ends the transfers whose time is over. `due` is a lower bound: most have ended before. */
static void expire(struct hoopai_multi *multi) {
  double now = multi->due > 0 ? hoopai_now() : 0;
  if (multi->due == 0 || now < multi->due) return;
  multi->due = 0;
  for (struct hoopai_transfer *at = multi->all; at; at = at->all_next) {
    double due = due_of(multi, at);
    if (due == 0 || due > now) {
      note_due(multi, at);
      continue;
    }
    if (at->state == HOOPAI_RESOLVING) memcpy(at->handle->error, unresolved, sizeof unresolved);
    end_transfer(multi, at, CURLE_OPERATION_TIMEDOUT, now);
  }
}

static void end_all(struct hoopai_multi *multi, const char *kind, const char *message) {
  for (struct hoopai_transfer *at = multi->all; at; at = at->all_next) {
    if (at->state == HOOPAI_RUNNING || at->state == HOOPAI_RESOLVING) take_out(multi, at);
    else if (at->state == HOOPAI_QUEUED) multi->queued--;
    else continue;
    hoopai_transfer_fail(at, kind, message);
    push_last(&multi->done, at);
  }
  multi->queue = (struct hoopai_list){NULL, NULL};
}

/* An error of the CURLM itself leaves it unusable: everything in it ends, and a new one takes its place, at the next use
   if there is no memory for it now. */
static void rebuild(struct hoopai_multi *multi, CURLMcode code) {
  end_all(multi, "network", curl_multi_strerror(code));
  close_curl(multi);
  (void)open_curl(multi);
}

/* One round without waiting: the ready descriptors, then the deadline. */
static CURLMcode run_curl(struct hoopai_multi *multi) {
  struct hoopai_event events[HOOPAI_SEEN];
  int running;
  CURLMcode code = CURLM_OK;
  hoopai_sockets_apply(multi);
  hoopai_sockets_watch_idle(multi);
  int count = hoopai_sockets_events(multi, events);
  for (int i = 0; i < count && code == CURLM_OK; i++) {
    int fd = events[i].fd;
    int mask = fd < multi->socket_count ? events[i].mask & multi->sockets[fd].wanted : 0;
    if (mask == 0) continue; /* closed or taken out by an event before */
    int action = ((mask & HOOPAI_IN) ? CURL_CSELECT_IN : 0) | ((mask & HOOPAI_OUT) ? CURL_CSELECT_OUT : 0);
    code = curl_multi_socket_action(multi->curl, fd, action, &running);
  }
  if (code == CURLM_OK && multi->deadline >= 0 && multi->deadline <= hoopai_now()) {
    multi->deadline = -1;
    code = curl_multi_socket_action(multi->curl, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  return code;
}

static void step(struct hoopai_multi *multi) {
  struct hoopai_sigpipe_guard guard;
  hoopai_sigpipe_block(&guard, multi->seen_tls);
  CURLMcode code = multi->curl ? run_curl(multi) : CURLM_OK;
  if (multi->curl) drain(multi);
  expire(multi);
  if (code != CURLM_OK) rebuild(multi, code);
  start_queued(multi);
  hoopai_sockets_apply(multi);
  hoopai_sigpipe_restore(&guard);
}

/* Seconds until step() has something to do without any descriptor being ready; below 0 = no such moment. */
static double seconds_left(struct hoopai_multi *multi) {
  if (multi->done.first) return 0;
  hoopai_sockets_unwatch_idle(multi);
  if (multi->running == 0 && multi->lookups) return -1; /* nothing waits for them */
  double deadline = multi->deadline;
  if (multi->due > 0 && multi->running > 0 && (deadline < 0 || multi->due < deadline)) deadline = multi->due;
  if (deadline < 0) return -1;
  double left = deadline - hoopai_now();
  return left > 0 ? left : 0;
}

/* Idempotent, and right also for one that lacks its CURLM or its set because it could not be made. */
static void close_multi(struct hoopai_multi *multi) {
  struct hoopai_sigpipe_guard guard;
  hoopai_sigpipe_block(&guard, multi->seen_tls);
  multi->closed = true;
  end_all(multi, "closed", closed_client);
  while (multi->idle) hoopai_handle_free(take_handle(multi));
  if (multi->model) curl_easy_cleanup(multi->model);
  multi->model = NULL;
  close_curl(multi);
  hoopai_sigpipe_restore(&guard);
  if (multi->set >= 0) close(multi->set);
  multi->set = -1;
}

/* In a forked child the connections, and the kernel's set, are the parent's: nothing of libcurl may run, so its memory
   is left alone. Only our own descriptor of the set is closed, which the parent does not notice. */
static void abandon(struct hoopai_multi *multi) {
  multi->curl = NULL;
  multi->idle = NULL;
  multi->lookups = NULL;
  multi->model = NULL;
  multi->share = NULL;
  if (multi->set >= 0) hoopai_set_abandon(multi->set);
  multi->set = -1;
}

static bool is_ours(const struct hoopai_multi *multi) {
  return multi->pid == hoopai_pid();
}

void hoopai_multi_release(struct hoopai_multi *multi, struct hoopai_transfer *transfer) {
  if (!is_ours(multi)) {
    abandon(multi);
  } else {
    struct hoopai_sigpipe_guard guard;
    hoopai_sigpipe_block(&guard, multi->seen_tls);
    if (transfer->state == HOOPAI_QUEUED && remove_from(&multi->queue, transfer)) multi->queued--;
    if (transfer->state == HOOPAI_RUNNING || transfer->state == HOOPAI_RESOLVING) {
      take_out(multi, transfer);
      start_queued(multi);
    }
    hoopai_sockets_apply(multi);
    hoopai_sigpipe_restore(&guard);
  }
  if (transfer->state == HOOPAI_DONE) remove_from(&multi->done, transfer);
  if (transfer->handle && is_ours(multi)) give_handle(multi, transfer->handle);
  transfer->handle = NULL;
  unlink_all(multi, transfer);
}

/* ------------------------------------------------------------------------------------------------------ hoopai.Multi */

static struct hoopai_multi *check_any(lua_State *L) {
  return luaL_checkudata(L, 1, HOOPAI_MULTI);
}

static struct hoopai_multi *check_multi(lua_State *L) {
  struct hoopai_multi *multi = check_any(L);
  if (!is_ours(multi)) luaL_error(L, "this client belongs to the parent process: make a new one after fork");
  if (multi->closed) luaL_error(L, "attempt to use a closed client");
  return multi;
}

static char *copy_string(lua_State *L, const char *name) {
  size_t length;
  if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "option '%s' must be a string", name);
  const char *text = lua_tolstring(L, -1, &length);
  if (strlen(text) != length) luaL_error(L, "option '%s' holds a NUL byte", name);
  char *copy = malloc(length + 1);
  if (!copy) {
    luaL_error(L, "not enough memory");
    return NULL;
  }
  memcpy(copy, text, length + 1);
  return copy;
}

static lua_Integer positive_integer(lua_State *L, const char *name, lua_Integer most) {
  int whole;
  lua_Integer value = lua_tointegerx(L, -1, &whole);
  if (!whole) luaL_error(L, "option '%s' must be an integer", name);
  if (value < 1 || value > most) luaL_error(L, "option '%s' is out of range", name);
  return value;
}

static double positive_number(lua_State *L, const char *name) {
  int number;
  double value = lua_tonumberx(L, -1, &number);
  if (!number || !(value > 0)) luaL_error(L, "option '%s' must be a number above 0", name);
  return value;
}

/* Sets the option whose name is at -2 and whose value is on top. */
static void set_option(lua_State *L, struct hoopai_multi *multi) {
  if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "the options of a multi have names");
  const char *name = lua_tostring(L, -2);
  if (strcmp(name, "max_connections") == 0) multi->max_connections = (int)positive_integer(L, name, MOST_CONNECTIONS);
  else if (strcmp(name, "max_body") == 0) multi->max_body = (size_t)positive_integer(L, name, MOST_BYTES);
  else if (strcmp(name, "max_headers") == 0) multi->max_headers = (size_t)positive_integer(L, name, MOST_BYTES);
  else if (strcmp(name, "http2") == 0) multi->http2 = lua_toboolean(L, -1);
  else if (strcmp(name, "connect_timeout") == 0) multi->connect_timeout = positive_number(L, name);
  else if (strcmp(name, "ca_file") == 0) multi->ca_file = copy_string(L, name);
  else if (strcmp(name, "proxy") == 0) multi->proxy = copy_string(L, name);
  else if (strcmp(name, "user_agent") == 0) multi->user_agent = copy_string(L, name);
  else luaL_error(L, "unknown option '%s'", name);
}

static void read_options(lua_State *L, struct hoopai_multi *multi) {
  if (lua_isnoneornil(L, 1)) return;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_pushnil(L);
  while (lua_next(L, 1)) {
    set_option(L, multi);
    lua_pop(L, 1);
  }
}

/* multi(options) -> Multi | nil, problem (no descriptor is left) */
static int multi_new(lua_State *L) {
  lua_settop(L, 1);
  struct hoopai_multi *multi = lua_newuserdatauv(L, sizeof *multi, 1);
  memset(multi, 0, sizeof *multi);
  multi->set = -1;
  multi->first_dirty = -1;
  multi->pid = hoopai_pid();
  multi->max_connections = 64;
  multi->http2 = true;
  multi->connect_timeout = 10;
  multi->max_body = 8 * 1024 * 1024;
  multi->max_headers = 64 * 1024;
  luaL_setmetatable(L, HOOPAI_MULTI);
  lua_newtable(L);
  lua_setiuservalue(L, 2, 1);
  read_options(L, multi);
  multi->set = hoopai_set_open();
  if (multi->set < 0) return hoopai_system_problem(L, "no descriptor for the connections");
  multi->clears_idle = hoopai_curl_rule(HOOPAI_CURL_IDLE_CHECK_IS_RARE);
  multi->watches_idle = multi->clears_idle || hoopai_curl_rule(HOOPAI_CURL_IDLE_BYTES_PASS);
  if (!open_curl(multi)) {
    if (errno == ENOMEM) return luaL_error(L, "not enough memory");
    return hoopai_system_problem(L, "no descriptor for the connections");
  }
  multi->share = open_share();
  multi->serves_once = hoopai_curl_rule(HOOPAI_CURL_HANDLE_SERVES_ONCE);
  multi->resolves_itself = hoopai_curl_rule(HOOPAI_CURL_ABORT_IS_REMEMBERED);
  lua_settop(L, 2);
  return 1;
}

/* pollfd() -> a descriptor that is readable when step() has something to do */
static int multi_pollfd(lua_State *L) {
  lua_pushinteger(L, check_multi(L)->set);
  return 1;
}

/* timeout() -> seconds until step() must be called, nil = only when the descriptor is readable */
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
  transfer->pin = luaL_ref(L, -2); /* the last thing that can raise */
  lua_pop(L, 1);
  link_all(multi, transfer);
  if (multi->closed) { /* by a finaliser that ran since check_multi */
    hoopai_transfer_fail(transfer, "closed", closed_client);
    push_last(&multi->done, transfer);
    return 1;
  }
  transfer->state = HOOPAI_QUEUED;
  multi->queued++;
  push_last(&multi->queue, transfer);
  start_queued(multi);
  hoopai_sockets_apply(multi);
  return 1;
}

/* add { url, method, headers, once, secret_answer, token, body, form, timeout, deadline } -> Transfer, queued or started.
   For what the first five are see core.request. token: a Secret; body: a string; form: a list of names and values
   (strings or secrets) that becomes the body; timeout: seconds from its start; deadline: a core.now() time. */
static int multi_add(lua_State *L) {
  struct hoopai_multi *multi = check_multi(L);
  return enqueue(L, multi, hoopai_transfer_read(L));
}

/* send(request, target, token, body, timeout, deadline) -> Transfer: the same with a Request, whose URL `target` goes on */
static int multi_send(lua_State *L) {
  struct hoopai_multi *multi = check_multi(L);
  return enqueue(L, multi, hoopai_transfer_new(L));
}

/* step(): all that can be done without waiting */
static int multi_step(lua_State *L) {
  step(check_multi(L));
  return 0;
}

/* Pushes the table of pinned transfers and the first that has ended, at index 2 and 3; else nil. */
static struct hoopai_transfer *push_ended(lua_State *L) {
  struct hoopai_multi *multi = check_any(L);
  struct hoopai_transfer *transfer = is_ours(multi) ? multi->done.first : NULL;
  lua_settop(L, 1);
  if (!transfer) {
    lua_pushnil(L);
    return NULL;
  }
  lua_getiuservalue(L, 1, 1);
  lua_rawgeti(L, 2, transfer->pin);
  return transfer;
}

/* peek() -> the transfer that next() will give, and who waits for it; nil when there is none. Also after close(). */
static int multi_peek(lua_State *L) {
  if (!push_ended(L)) return 1;
  lua_getiuservalue(L, 3, HOOPAI_TRANSFER_WAITER);
  return 2;
}

/* next() -> a transfer that has ended, each once; nil when there is none. Also after close(). */
static int multi_next(lua_State *L) {
  struct hoopai_transfer *transfer = push_ended(L);
  if (!transfer) return 1;
  (void)pop_first(&transfer->multi->done);
  luaL_unref(L, 2, transfer->pin); /* whoever waits for it has it */
  transfer->pin = LUA_NOREF;
  return 1;
}

/* wait(seconds | nil): until there is something to step, the time is over or a signal arrived */
static int multi_wait(lua_State *L) {
  struct hoopai_multi *multi = check_multi(L);
  double seconds = hoopai_check_wait(L, 2), left = seconds_left(multi);
  if (seconds < 0 && left < 0 && multi->queued + multi->running == 0) luaL_error(L, "nothing is in flight to wait for");
  if (left >= 0 && (seconds < 0 || left < seconds)) seconds = left;
  if (seconds == 0) return 0;
  struct hoopai_event event;
  (void)hoopai_set_wait(multi->set, &event, 1, hoopai_milliseconds(seconds));
  return 0;
}

/* has_ended() -> whether next() has a transfer to give */
static int multi_has_ended(lua_State *L) {
  lua_pushboolean(L, check_any(L)->done.first != NULL);
  return 1;
}

/* count() -> how many are queued, how many are running */
static int multi_count(lua_State *L) {
  const struct hoopai_multi *multi = check_any(L);
  lua_pushinteger(L, multi->queued);
  lua_pushinteger(L, multi->running);
  return 2;
}

/* close(): unfinished transfers end as "closed" and still come out of next(). Idempotent. */
static int multi_close(lua_State *L) {
  struct hoopai_multi *multi = check_any(L);
  if (is_ours(multi)) close_multi(multi);
  else abandon(multi);
  return 0;
}

static int multi_gc(lua_State *L) {
  struct hoopai_multi *multi = check_any(L);
  multi_close(L);
  while (multi->all) { /* their userdata may live a little longer than this memory */
    struct hoopai_transfer *transfer = multi->all;
    if (transfer->handle && is_ours(multi)) hoopai_handle_free(transfer->handle);
    transfer->handle = NULL;
    transfer->state = HOOPAI_CLOSED;
    hoopai_transfer_forget(transfer); /* one that is made while the state closes gets no __gc of its own */
    unlink_all(multi, transfer);
  }
  multi->done = (struct hoopai_list){NULL, NULL};
  if (multi->share) curl_share_cleanup(multi->share); /* last: as long as a handle uses it, it stays */
  multi->share = NULL;
  free(multi->sockets);
  free(multi->ca_file);
  if (multi->proxy) hoopai_wipe(multi->proxy, strlen(multi->proxy)); /* its URL may hold a password */
  free(multi->proxy);
  free(multi->user_agent);
  multi->sockets = NULL;
  multi->ca_file = multi->proxy = multi->user_agent = NULL;
  return 0;
}

void hoopai_open_multi(lua_State *L) {
  static const luaL_Reg methods[] = {
    {"pollfd", multi_pollfd}, {"timeout", multi_timeout},     {"add", multi_add},   {"send", multi_send},
    {"step", multi_step},     {"next", multi_next},           {"wait", multi_wait}, {"count", multi_count},
    {"close", multi_close},   {"has_ended", multi_has_ended}, {"peek", multi_peek}, {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {{"__gc", multi_gc}, {"__close", multi_close}, {NULL, NULL}};
  hoopai_new_type(L, HOOPAI_MULTI, methods, metamethods);
  lua_pushcfunction(L, multi_new);
  lua_setfield(L, -2, "multi");
}
