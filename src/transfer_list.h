/* Lists of transfers. A transfer is in the list of all transfers of its multi, and in at most one other list. */
#ifndef HOOPAI_TRANSFER_LIST_H
#define HOOPAI_TRANSFER_LIST_H

#include "core.h"

struct hoopai_transfer;

struct hoopai_list {
  struct hoopai_transfer *first, *last;
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

void hoopai_list_push(struct hoopai_list *list, struct hoopai_transfer *transfer);
/* Removes the first transfer; NULL when the list is empty. */
struct hoopai_transfer *hoopai_list_pop(struct hoopai_list *list);
/* Returns whether the transfer was in the list. */
bool hoopai_list_remove(struct hoopai_list *list, struct hoopai_transfer *transfer);

/* The list of all transfers, which begins at `*all`. */
void hoopai_list_link(struct hoopai_transfer **all, struct hoopai_transfer *transfer);
void hoopai_list_unlink(struct hoopai_transfer **all, struct hoopai_transfer *transfer);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
