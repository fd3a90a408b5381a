/* When transfers run out of time. libcurl compares the clock with its timeout before it reads. A step may be late, as the
   host or a task was busy, and a response may have arrived in time: so libcurl's timeout is lifted then, and the transfer
   expires here, after the read. */
#include "expiry.h"
#include "curl_handle.h"
#include "multi.h"
#include "transfer.h"

#include <stdio.h>
#include <string.h>

static const char unresolved[] = "the name of the host was not resolved in time";

double hoopai_expiry_of(const struct hoopai_multi *multi, const struct hoopai_transfer *transfer) {
  double end = transfer->end, connected = transfer->lookup_since + multi->connect_timeout;
  if (transfer->state == HOOPAI_RUNNING) return end;
  if (transfer->state != HOOPAI_RESOLVING) return 0;
  return end > 0 && end < connected ? end : connected;
}

void hoopai_expiry_note(struct hoopai_multi *multi, const struct hoopai_transfer *transfer) {
  double expiry = hoopai_expiry_of(multi, transfer);
  if (expiry > 0 && (multi->expiry == 0 || expiry < multi->expiry)) multi->expiry = expiry;
}

static bool is_expired(const struct hoopai_transfer *transfer, double now) {
  return transfer->state == HOOPAI_RUNNING && transfer->end > 0 && transfer->end <= now;
}

bool hoopai_expiry_has_come(const struct hoopai_multi *multi, double now) {
  for (const struct hoopai_transfer *at = multi->all; at; at = at->all_next) {
    if (is_expired(at, now)) return true;
  }
  return false;
}

bool hoopai_expiry_lift(const struct hoopai_multi *multi, double now) {
  if (multi->expiry == 0 || now < multi->expiry) return false;
  for (const struct hoopai_transfer *at = multi->all; at; at = at->all_next) {
    if (is_expired(at, now)) (void)curl_easy_setopt(at->handle->easy, CURLOPT_TIMEOUT_MS, 0L);
  }
  return true;
}

void hoopai_expiry_name(const struct hoopai_transfer *transfer, double now) {
  struct hoopai_handle *handle = transfer->handle;
  if (transfer->state == HOOPAI_RESOLVING) {
    memcpy(handle->error, unresolved, sizeof unresolved);
  } else {
    (void)snprintf(handle->error, sizeof handle->error,
                   "Operation timed out after %.0f milliseconds with %zu bytes of a body received",
                   (now - transfer->started) * 1000, handle->body.bytes.length);
  }
}
