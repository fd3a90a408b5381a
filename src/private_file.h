/* Files that only this user can read. A file is replaced as a whole or not at all, even if the process or the system
   dies. */
#ifndef HOOPAI_PRIVATE_FILE_H
#define HOOPAI_PRIVATE_FILE_H

#include "core.h"

#include <stdint.h>
#include <sys/stat.h>

#define HOOPAI_FILE_NAME 201         /* bytes of a name, with the NUL: with a suffix it is below 255 */
#define HOOPAI_MAX_FILE (256 * 1024) /* bytes */

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
/* Replaces a file, and keeps the one before with the suffix ".bak". On success the new file survives a power failure.
   `number` is random, for the name of the temporary file. */
bool hoopai_file_replace(int folder, const char *file, uint64_t number, const char *bytes, size_t length,
                         struct hoopai_failure *failure);
/* Writes a temporary file and removes it. */
bool hoopai_file_probe(int folder, uint64_t number, const char *bytes, size_t length, struct hoopai_failure *failure);
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
