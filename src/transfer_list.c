/* Lists of transfers, linked through the transfers themselves, so that no operation allocates. */
#include "transfer_list.h"
#include "transfer.h"

void hoopai_list_push(struct hoopai_list *list, struct hoopai_transfer *transfer) {
  transfer->next = NULL;
  if (list->last) list->last->next = transfer;
  else list->first = transfer;
  list->last = transfer;
}

struct hoopai_transfer *hoopai_list_pop(struct hoopai_list *list) {
  struct hoopai_transfer *transfer = list->first;
  if (!transfer) return NULL;
  list->first = transfer->next;
  if (!list->first) list->last = NULL;
  transfer->next = NULL;
  return transfer;
}

bool hoopai_list_remove(struct hoopai_list *list, struct hoopai_transfer *transfer) {
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

void hoopai_list_link(struct hoopai_transfer **all, struct hoopai_transfer *transfer) {
  transfer->all_previous = NULL;
  transfer->all_next = *all;
  if (*all) (*all)->all_previous = transfer;
  *all = transfer;
}

void hoopai_list_unlink(struct hoopai_transfer **all, struct hoopai_transfer *transfer) {
  if (transfer->all_previous) transfer->all_previous->all_next = transfer->all_next;
  else *all = transfer->all_next;
  if (transfer->all_next) transfer->all_next->all_previous = transfer->all_previous;
}
