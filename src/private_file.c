/* Private files: atomic replacement, backups, temporary files. */
#define _GNU_SOURCE
#include "private_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

bool hoopai_failed(struct hoopai_failure *failure, const char *what) {
  *failure = (struct hoopai_failure){what, errno};
  return false;
}

bool hoopai_refused(struct hoopai_failure *failure, const char *what) {
  *failure = (struct hoopai_failure){what, 0};
  return false;
}

int hoopai_file_open(int folder, const char *file, int flags) {
  int fd;
  do fd = openat(folder, file, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
  while (fd < 0 && errno == EINTR);
  return fd;
}

bool hoopai_file_is_private(int fd, struct stat *info, struct hoopai_failure *failure) {
  if (fstat(fd, info) != 0) return hoopai_failed(failure, "cannot be looked at");
  if (!S_ISREG(info->st_mode)) return hoopai_refused(failure, "is not a regular file");
  if (info->st_uid != geteuid()) return hoopai_refused(failure, "belongs to another user");
  if (info->st_mode & 077) return hoopai_refused(failure, "can be read or changed by others; its mode must be 0600");
  return true;
}

bool hoopai_file_sync(int fd) {
  int result;
#ifdef F_FULLFSYNC
  if (fcntl(fd, F_FULLFSYNC) == 0) return true; /* fsync leaves data in the cache of the disk */
#endif
  do result = fsync(fd);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

/* Makes renames and removals durable. A file system that cannot sync a folder fails with EINVAL. */
static bool sync_folder(int folder, struct hoopai_failure *failure) {
  if (hoopai_file_sync(folder) || errno == EINVAL || errno == ENOTSUP) return true;
  return hoopai_failed(failure, "is in place, but might not outlast a power failure");
}

static bool write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = write(fd, bytes, length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      if (count == 0) errno = EIO;
      return false;
    }
    bytes += count;
    length -= (size_t)count;
  }
  return true;
}

/* -- Temporary files ------------------------------------------------------------------------- */

/* A write beyond this limit would raise a signal that ends the host. */
static bool within_limit(size_t length) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || length <= limit.rlim_cur) return true;
  errno = EFBIG;
  return false;
}

void hoopai_file_discard(int folder, struct hoopai_temporary *temporary) {
  if (temporary->fd < 0) return;
  (void)unlinkat(folder, temporary->file, 0);
  close(temporary->fd);
  temporary->fd = -1;
}

static bool make_temporary(int folder, const char *file, uint64_t number, struct hoopai_temporary *temporary) {
  snprintf(temporary->file, sizeof temporary->file, "%s.%016" PRIx64 ".tmp", file, number);
  temporary->fd = hoopai_file_open(folder, temporary->file, O_WRONLY | O_CREAT | O_EXCL);
  if (temporary->fd < 0) return false;
  (void)flock(temporary->fd, LOCK_EX | LOCK_NB);
  (void)fchmod(temporary->fd, 0600); /* against a wrong umask; if it fails, the read will check the mode */
  return true;
}

static bool set_length(int fd, size_t length) {
  int result;
  do result = ftruncate(fd, (off_t)length);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

/* Writes the whole content of a file, over what it has, and waits until it is on the disk. */
static bool write_content(int fd, const char *bytes, size_t length) {
  return within_limit(length) && lseek(fd, 0, SEEK_SET) == 0 && write_all(fd, bytes, length) &&
         set_length(fd, length) && hoopai_file_sync(fd);
}

/* Writes a temporary file. A failure leaves no file. */
static bool write_temporary(int folder, const char *file, uint64_t number, struct hoopai_temporary *temporary,
                            const char *bytes, size_t length, struct hoopai_failure *failure) {
  temporary->fd = -1;
  if (within_limit(length) && make_temporary(folder, file, number, temporary) &&
      write_content(temporary->fd, bytes, length)) {
    return true;
  }
  hoopai_failed(failure, "cannot be written");
  hoopai_file_discard(folder, temporary);
  return false;
}

/* -- Reading and writing --------------------------------------------------------------------- */

/* Is the second name of the file that of its backup? A writer links the backup first, and may die before the rename. */
static bool is_backup(int folder, const char *file, const struct stat *info) {
  char backup[HOOPAI_FILE_NAME + 4];
  struct stat other;
  snprintf(backup, sizeof backup, "%s.bak", file);
  return info->st_nlink == 2 && fstatat(folder, backup, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
         other.st_ino == info->st_ino && other.st_dev == info->st_dev;
}

/* A file that was replaced after the open has no name, or that of the backup. While a writer links or unlinks a name,
   the number of links and the names differ, so a wrong number is checked again for a while. */
static bool has_one_name(int folder, const char *file, int fd, struct stat *info) {
  const struct timespec pause = {0, 1000000};
  for (int tries = 0; tries < 40; tries++) {
    if (info->st_nlink <= 1 || is_backup(folder, file, info)) return true;
    if (tries > 0) (void)nanosleep(&pause, NULL);
    if (fstat(fd, info) != 0) return false;
  }
  return false;
}

static bool read_all(int fd, char *bytes, size_t length) {
  while (length > 0) {
    ssize_t count = read(fd, bytes, length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      if (count == 0) errno = EIO;
      return false;
    }
    bytes += count;
    length -= (size_t)count;
  }
  return true;
}

static bool can_be_read(int folder, const char *file, int fd, struct stat *info, struct hoopai_failure *failure) {
  if (!hoopai_file_is_private(fd, info, failure)) return false;
  if (!has_one_name(folder, file, fd, info)) return hoopai_refused(failure, "has a second name (hard link)");
  return info->st_size <= HOOPAI_MAX_FILE || hoopai_refused(failure, "cannot be used: it is larger than 256 KiB");
}

char *hoopai_file_read(int folder, const char *file, int fd, size_t *length, struct hoopai_failure *failure) {
  struct stat info;
  if (!can_be_read(folder, file, fd, &info, failure)) return NULL;
  *length = (size_t)info.st_size;
  char *bytes = malloc(*length + 1);
  if (!bytes) {
    hoopai_refused(failure, "cannot be read: not enough memory");
    return NULL;
  }
  if (read_all(fd, bytes, *length)) return bytes;
  hoopai_failed(failure, "cannot be read");
  hoopai_wipe(bytes, *length);
  free(bytes);
  return NULL;
}

static bool unlink_file(int folder, const char *file, const char *suffix) {
  char full[HOOPAI_FILE_NAME + 4];
  snprintf(full, sizeof full, "%s%s", file, suffix);
  return unlinkat(folder, full, 0) == 0 || errno == ENOENT;
}

/* Gives the old file a second name, so that the first one exists at every moment. Without hard links there is no
   backup. */
static void keep_backup(int folder, const char *file) {
  char backup[HOOPAI_FILE_NAME + 4];
  snprintf(backup, sizeof backup, "%s.bak", file);
  bool kept = unlink_file(folder, file, ".bak") && linkat(folder, file, folder, backup, 0) == 0;
  (void)kept;
}

/* Gives a temporary file the name of the file that it replaces. */
static bool put_in_place(int folder, const char *file, struct hoopai_temporary *temporary,
                         struct hoopai_failure *failure) {
  keep_backup(folder, file);
  if (renameat(folder, temporary->file, folder, file) != 0) return hoopai_failed(failure, "cannot be replaced");
  bool done = sync_folder(folder, failure);
  close(temporary->fd);
  temporary->fd = -1;
  return done;
}

static bool is_full(int number) {
  return number == ENOSPC || number == EDQUOT;
}

/* Writes into a reserved file. If that has too little room on a full disk, the backup makes some: it holds the same
   spent token as the file. */
static bool write_reserved(int folder, const char *file, const struct hoopai_temporary *reserved, const char *bytes,
                           size_t length) {
  if (write_content(reserved->fd, bytes, length)) return true;
  int number = errno;
  if (is_full(number) && unlink_file(folder, file, ".bak") && write_content(reserved->fd, bytes, length)) return true;
  errno = number;
  return false;
}

bool hoopai_file_replace(int folder, const char *file, uint64_t number, struct hoopai_temporary *reserved,
                         const char *bytes, size_t length, struct hoopai_failure *failure) {
  struct hoopai_temporary temporary;
  if (reserved && reserved->fd >= 0) {
    if (write_reserved(folder, file, reserved, bytes, length)) {
      bool done = put_in_place(folder, file, reserved, failure);
      if (reserved->fd < 0) return done;
    } else if (is_full(errno)) {
      return hoopai_failed(failure, "cannot be written");
    }
  }
  if (!write_temporary(folder, file, number, &temporary, bytes, length, failure)) return false;
  bool done = put_in_place(folder, file, &temporary, failure);
  hoopai_file_discard(folder, &temporary);
  return done;
}

bool hoopai_file_remove(int folder, const char *file, struct hoopai_failure *failure) {
  if (!unlink_file(folder, file, "") || !unlink_file(folder, file, ".bak")) {
    return hoopai_failed(failure, "cannot be removed");
  }
  if (sync_folder(folder, failure)) return true;
  failure->what = "is gone, but might be back after a power failure";
  return false;
}

/* -- Folders --------------------------------------------------------------------------------- */

/* Removes a temporary file if it is old and unlocked: after a jump of the clock the file of a live process is old. */
static void sweep_one(int folder, const char *file, double seconds) {
  struct stat info;
  struct hoopai_failure unused;
  int fd = hoopai_file_open(folder, file, O_RDONLY);
  if (fd < 0) return;
  bool is_old = hoopai_file_is_private(fd, &info, &unused) && difftime(time(NULL), info.st_mtime) > seconds;
  if (is_old && flock(fd, LOCK_EX | LOCK_NB) == 0) (void)unlinkat(folder, file, 0);
  close(fd);
}

static bool is_temporary(const char *file) {
  size_t length = strlen(file);
  return length > HOOPAI_TEMPORARY_SUFFIX && strcmp(file + length - 4, ".tmp") == 0 &&
         file[length - HOOPAI_TEMPORARY_SUFFIX] == '.';
}

static DIR *open_list(int folder) {
  int fd = hoopai_file_open(folder, ".", O_RDONLY | O_DIRECTORY);
  DIR *list = fd < 0 ? NULL : fdopendir(fd);
  if (!list && fd >= 0) {
    int number = errno;
    close(fd);
    errno = number;
  }
  return list;
}

/* Seconds of age of the files that are removed. */
#define ANY_AGE -1e9
#define SETTLED 10

/* Only the temporary files of one file, unless the prefix is empty. */
static void sweep_matching(int folder, const char *prefix, double seconds) {
  DIR *list = open_list(folder);
  if (!list) return;
  for (const struct dirent *entry; (entry = readdir(list));) {
    size_t length = strlen(prefix);
    if (!is_temporary(entry->d_name) || strncmp(entry->d_name, prefix, length) != 0) continue;
    if (length == 0 || strlen(entry->d_name) == length + HOOPAI_TEMPORARY_SUFFIX) {
      sweep_one(folder, entry->d_name, seconds);
    }
  }
  closedir(list);
}

void hoopai_file_sweep(int folder, double seconds) {
  sweep_matching(folder, "", seconds);
}

/* Calls no Lua function: an error would leak the open folder. */
bool hoopai_file_list(int folder, struct hoopai_buffer *out) {
  DIR *list = open_list(folder);
  if (!list) return false;
  bool done = true;
  errno = 0;
  for (const struct dirent *entry; done && (entry = readdir(list));) {
    done = hoopai_append(out, entry->d_name, strlen(entry->d_name) + 1);
  }
  int number = errno;
  closedir(list);
  errno = number;
  return done && number == 0;
}

/* -- Room ------------------------------------------------------------------------------------ */

/* Writes bytes that no file system compresses. */
static bool fill_file(int fd, uint64_t number, size_t size) {
  char bytes[4096];
  if (lseek(fd, 0, SEEK_SET) != 0) return false;
  for (size_t done = 0; done < size; done += sizeof bytes) {
    for (size_t i = 0; i < sizeof bytes; i++) {
      number = number * 6364136223846793005u + 1442695040888963407u;
      bytes[i] = (char)(number >> 56);
    }
    size_t left = size - done;
    if (!write_all(fd, bytes, left < sizeof bytes ? left : sizeof bytes)) return false;
  }
  return true;
}

/* Gives an empty file blocks of the disk, which a later write uses. A file that is written over may need others: a file
   system that copies on write is asked first. */
static bool allocate(int fd, uint64_t number, size_t size) {
  if (!within_limit(size)) return false;
#if defined(_POSIX_ADVISORY_INFO) && _POSIX_ADVISORY_INFO > 0
  int problem;
  do problem = posix_fallocate(fd, 0, (off_t)size);
  while (problem == EINTR);
  errno = problem;
  if (problem == 0 || is_full(problem) || problem == EFBIG || problem == EIO) return problem == 0;
#endif
  return fill_file(fd, number, size);
}

/* Allocates `spare` bytes more than are kept. A failure leaves the file empty. */
static bool allocate_beside(int fd, uint64_t number, size_t size, size_t spare) {
  if (allocate(fd, number, size + spare) && set_length(fd, size)) return true;
  int problem = errno;
  (void)set_length(fd, 0);
  errno = problem;
  return false;
}

static bool allocate_some(int fd, uint64_t number, size_t least, size_t spare) {
  for (size_t size = HOOPAI_MAX_FILE; size > least; size -= size / 4) {
    if (allocate_beside(fd, number, size, spare)) return true;
    if (!is_full(errno) && errno != EFBIG) return false;
  }
  return allocate_beside(fd, number, least, spare) || allocate_beside(fd, number, least, 0);
}

/* On a full disk what dead programs reserved for other files is removed as well. A file of some seconds is locked if its
   process lives. */
static bool make_room(int folder, int fd, uint64_t number, size_t least, size_t spare) {
  if (allocate_some(fd, number, least, spare)) return true;
  if (!is_full(errno)) return false;
  sweep_matching(folder, "", SETTLED);
  return allocate_some(fd, number, least, spare);
}

bool hoopai_file_reserve(int folder, const char *file, uint64_t number, size_t least, size_t spare,
                         struct hoopai_temporary *reserved, struct hoopai_failure *failure) {
  reserved->fd = -1;
  sweep_matching(folder, file, ANY_AGE);
  if (make_temporary(folder, file, number, reserved) && make_room(folder, reserved->fd, number, least, spare) &&
      hoopai_file_sync(reserved->fd)) {
    return true;
  }
  hoopai_failed(failure, "cannot be reserved");
  hoopai_file_discard(folder, reserved);
  return false;
}
