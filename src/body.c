/* The body of a response, and the largest size that is accepted. */
#include "body.h"

#include <stdlib.h>
#include <string.h>

/* hoopai_append, but wipes the old memory when the buffer grows. */
static bool append_secret(struct hoopai_buffer *buffer, const char *data, size_t length) {
  if (length > buffer->capacity - buffer->length) {
    size_t capacity = buffer->capacity < 4096 ? 4096 : buffer->capacity;
    while (capacity - buffer->length < length) capacity *= 2; /* `most` limits the length */
    char *grown = malloc(capacity);
    if (!grown) return false;
    if (buffer->length > 0) memcpy(grown, buffer->data, buffer->length);
    hoopai_wipe(buffer->data, buffer->length);
    free(buffer->data);
    buffer->data = grown;
    buffer->capacity = capacity;
  }
  return hoopai_append(buffer, data, length);
}

const struct hoopai_refusal *hoopai_body_take(struct hoopai_body *body, const char *data, size_t length) {
  static const struct hoopai_refusal too_large = {"too_large", "the answer is larger than the library accepts"};
  static const struct hoopai_refusal no_memory = {"too_large", "there is no memory for the answer"};
  if (length > body->most - body->bytes.length) return &too_large;
  bool taken = body->secret ? append_secret(&body->bytes, data, length) : hoopai_append(&body->bytes, data, length);
  return taken ? NULL : &no_memory;
}

void hoopai_body_reset(struct hoopai_body *body) {
  if (body->secret && body->bytes.data) hoopai_wipe(body->bytes.data, body->bytes.length);
  body->secret = false;
  hoopai_buffer_reset(&body->bytes);
}

void hoopai_body_free(struct hoopai_body *body) {
  hoopai_body_reset(body);
  hoopai_buffer_free(&body->bytes);
}
