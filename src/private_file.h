/* Files that only this user can read. A file is replaced as a whole or not at all, even if the process or the system
   dies. */
#ifndef HOOPAI_PRIVATE_FILE_H
#define HOOPAI_PRIVATE_FILE_H

#include "core.h"

#include <stdint.h>
#include <sys/stat.h>

#define HOOPAI_FILE_NAME 201         /* bytes of a name, with the NUL: with a suffix it is below 255 */
#define HOOPAI_MAX_FILE (256 * 1024) /* bytes */

#define HOOPAI_TEMPORARY_SUFFIX 21 /* bytes of ".0123456789abcdef.tmp" */

/* A file that is to replace another one. It is locked, which marks its process as alive for hoopai_file_sweep. */
struct hoopai_temporary {
  char file[HOOPAI_FILE_NAME + HOOPAI_TEMPORARY_SUFFIX];
  int fd; /* -1 = none: it took the place of another file, or was removed */
};

/* Why an operation failed: a text, and errno, or 0. */
struct hoopai_failure {
  const char *what;
  int number;
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Both fill a failure and return false; the first one with errno. */
bool hoopai_failed(struct hoopai_failure *failure, const char *what);
bool hoopai_refused(struct hoopai_failure *failure, const char *what);

/* Opens a file of a folder, close-on-exec, with mode 0600 if it is new; -1 on failure (errno). Never follows a link and
   never waits for a FIFO. */
int hoopai_file_open(int folder, const char *file, int flags);
/* Is it a regular file of this user, with no access for others? */
bool hoopai_file_is_private(int fd, struct stat *info, struct hoopai_failure *failure);
bool hoopai_file_sync(int fd);

/* Reads an open private file into memory that the caller wipes and frees; NULL on failure. */
char *hoopai_file_read(int folder, const char *file, int fd, size_t *length, struct hoopai_failure *failure);
/* Makes a temporary file with room for HOOPAI_MAX_FILE bytes, or for as many as the disk has, but no fewer than `least`.
   `spare` more bytes stay free on the disk, unless there is no room for both. `number` is random, for the name. The
   caller holds the lock of the file: what dead programs reserved for it is removed. */
bool hoopai_file_reserve(int folder, const char *file, uint64_t number, size_t least, size_t spare,
                         struct hoopai_temporary *reserved, struct hoopai_failure *failure);
/* Removes a temporary file, if there is one. */
void hoopai_file_discard(int folder, struct hoopai_temporary *temporary);
/* Replaces a file, and keeps the one before with the suffix ".bak". On success the new file survives a power failure.
   The reserved file is used if there is one; after a failure it is still there. Without (NULL), or where it is of no
   use, a temporary file is made. */
bool hoopai_file_replace(int folder, const char *file, uint64_t number, struct hoopai_temporary *reserved,
                         const char *bytes, size_t length, struct hoopai_failure *failure);
/* Removes a file and its backup, if they exist. */
bool hoopai_file_remove(int folder, const char *file, struct hoopai_failure *failure);

/* Removes the temporary files of dead processes that are older than some seconds. Ignores failures. */
void hoopai_file_sweep(int folder, double seconds);
/* Appends the names of all files of a folder, each with its NUL; false on failure (errno). */
bool hoopai_file_list(int folder, struct hoopai_buffer *out);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
