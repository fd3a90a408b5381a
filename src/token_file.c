/* A private folder with one file per record. A file is replaced as a whole or not at all, whatever a process dies of. */
#define _GNU_SOURCE
#include "credentials.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HOOPAI_VAULT "hoopai.Vault"
#define HOOPAI_VAULT_LOCK "hoopai.VaultLock"
#define HOOPAI_VAULT_LIST "hoopai.VaultList"

#define RECORD_FILE 201 /* name of a record's file, with the NUL: what is appended still fits into 255 bytes */
#define STALE 3600      /* seconds */
#define PROBE_SIZE 8192

/* The userdata hoopai.Vault. */
struct vault {
  int folder;   /* -1 = closed */
  double swept; /* when stale files were last looked for; 0 = never */
};

/* The userdata hoopai.VaultLock. */
struct lock {
  int fd; /* -1 = released */
  pid_t pid;
};

/* Why an operation failed: a text, and the system's reason unless that is 0. */
struct failure {
  const char *what;
  int number;
};

/* ------------------------------------------------------------------------------------------------------------- names */

static bool is_kept(unsigned char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_' ||
         byte == '-';
}

/* The file of a record. Its name has no dot, which tells it from all other files of the folder. */
static const char *file_name(const char *name, size_t length, char *file) {
  size_t used = 0;
  if (length == 0) return "the name of a record is empty";
  for (size_t i = 0; i < length; i++) {
    unsigned char byte = (unsigned char)name[i];
    if (used + (is_kept(byte) ? 1 : 3) >= RECORD_FILE) return "the name of a record is too long";
    if (is_kept(byte)) file[used++] = (char)byte;
    else used = (size_t)(hoopai_write_escape(file + used, byte, true) - file);
  }
  file[used] = 0;
  return NULL;
}

/* Of the upper-case digits that file_name writes. */
static int name_digit(char byte) {
  return byte >= 'a' ? -1 : hoopai_hex_digit(byte);
}

/* Undoes file_name in place; false for a name that it does not give. */
static bool record_name(char *file, size_t *length) {
  size_t used = 0;
  for (const char *at = file; *at; at++) {
    if (*at != '%') {
      if (!is_kept((unsigned char)*at)) return false;
      file[used++] = *at;
      continue;
    }
    int high = name_digit(at[1]), low = high < 0 ? -1 : name_digit(at[2]);
    if (low < 0 || is_kept((unsigned char)(high * 16 + low))) return false;
    file[used++] = (char)(high * 16 + low);
    at += 2;
  }
  *length = used;
  return used > 0;
}

/* --------------------------------------------------------------------------------------------------- files and checks */

static bool failed(struct failure *failure, const char *what) {
  *failure = (struct failure){what, errno};
  return false;
}

static bool refused(struct failure *failure, const char *what) {
  *failure = (struct failure){what, 0};
  return false;
}

/* Files are never opened through a link, never wait for a FIFO's other end, and are not inherited. */
static int open_file(const struct vault *vault, const char *file, int flags) {
  int fd;
  do fd = openat(vault->folder, file, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
  while (fd < 0 && errno == EINTR);
  return fd;
}

/* Nobody else may have read or written the file, nor may do so. */
static bool is_private(int fd, struct stat *info, struct failure *failure) {
  if (fstat(fd, info) != 0) return failed(failure, "cannot be looked at");
  if (!S_ISREG(info->st_mode)) return refused(failure, "is not a regular file");
  if (info->st_uid != geteuid()) return refused(failure, "belongs to another user");
  if (info->st_mode & 077) return refused(failure, "can be read or changed by others; its mode must be 0600");
  return true;
}

static bool sync_file(int fd) {
  int result;
#ifdef F_FULLFSYNC
  if (fcntl(fd, F_FULLFSYNC) == 0) return true; /* fsync does not empty the disk's cache there */
#endif
  do result = fsync(fd);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

/* Makes what was renamed or removed last. File systems that cannot sync a folder say EINVAL. */
static bool sync_folder(const struct vault *vault, struct failure *failure) {
  if (sync_file(vault->folder) || errno == EINVAL || errno == ENOTSUP) return true;
  return failed(failure, "is in place, but might not outlast a power failure");
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

/* --------------------------------------------------------------------------------------------------- temporary files */

#define TEMPORARY_SUFFIX 21 /* of ".0123456789abcdef.tmp" */

/* A file of this process alone: locked, so that nobody takes it for a dead writer's. */
struct temporary {
  char file[RECORD_FILE + TEMPORARY_SUFFIX];
  int fd;
};

/* Beyond this limit the kernel would send a signal that ends the host. */
static bool within_limit(size_t length) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || length <= limit.rlim_cur) return true;
  errno = EFBIG;
  return false;
}

static void discard(const struct vault *vault, const struct temporary *temporary) {
  (void)unlinkat(vault->folder, temporary->file, 0);
  close(temporary->fd);
}

/* Writes a temporary file and waits until it is on the disk. What fails leaves nothing behind. */
static bool write_temporary(const struct vault *vault, struct temporary *temporary, const char *bytes, size_t length,
                            struct failure *failure) {
  if (!within_limit(length)) return failed(failure, "cannot be written");
  temporary->fd = open_file(vault, temporary->file, O_WRONLY | O_CREAT | O_EXCL);
  if (temporary->fd < 0) return failed(failure, "cannot be written");
  (void)flock(temporary->fd, LOCK_EX | LOCK_NB);
  /* Whatever the umask; also when the file system cannot do it, as the mode is looked at when it is read. */
  (void)fchmod(temporary->fd, 0600);
  if (write_all(temporary->fd, bytes, length) && sync_file(temporary->fd)) return true;
  failed(failure, "cannot be written");
  discard(vault, temporary);
  return false;
}

static void name_temporary(struct temporary *temporary, const char *file, uint64_t number) {
  snprintf(temporary->file, sizeof temporary->file, "%s.%016" PRIx64 ".tmp", file, number);
}

/* Removes a temporary file if it is old and its writer gone: a clock that jumps makes files old, not writers dead. */
static void sweep_one(const struct vault *vault, const char *file) {
  struct stat info;
  struct failure unused;
  int fd = open_file(vault, file, O_RDONLY);
  if (fd < 0) return;
  if (is_private(fd, &info, &unused) && time(NULL) - info.st_mtime > STALE && flock(fd, LOCK_EX | LOCK_NB) == 0) {
    (void)unlinkat(vault->folder, file, 0);
  }
  close(fd);
}

static bool is_temporary(const char *file) {
  size_t length = strlen(file);
  return length > TEMPORARY_SUFFIX && strcmp(file + length - 4, ".tmp") == 0 && file[length - TEMPORARY_SUFFIX] == '.';
}

static DIR *open_list(const struct vault *vault) {
  int fd = open_file(vault, ".", O_RDONLY | O_DIRECTORY);
  DIR *list = fd < 0 ? NULL : fdopendir(fd);
  if (!list && fd >= 0) {
    int number = errno;
    close(fd);
    errno = number;
  }
  return list;
}

/* Once an hour, and when the vault is new. A failure does no harm. */
static void sweep(struct vault *vault) {
  if (vault->swept > 0 && hoopai_now() - vault->swept < STALE) return;
  vault->swept = hoopai_now();
  DIR *list = open_list(vault);
  if (!list) return;
  for (const struct dirent *entry; (entry = readdir(list));) {
    if (is_temporary(entry->d_name)) sweep_one(vault, entry->d_name);
  }
  closedir(list);
}

/* --------------------------------------------------------------------------------------------------- reading, writing */

/* The record's file may have one more name, that of the generation before: a writer that was killed between two steps,
   or is there now, leaves it so. */
static bool is_backup(const struct vault *vault, const char *file, const struct stat *info) {
  char backup[RECORD_FILE + 4];
  struct stat other;
  snprintf(backup, sizeof backup, "%s.bak", file);
  return info->st_nlink == 2 && fstatat(vault->folder, backup, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
         other.st_ino == info->st_ino && other.st_dev == info->st_dev;
}

/* A file that was replaced since it was opened has no name, or the backup's only. While a name is being made or taken
   away the count of names and the names themselves do not fit together, so a wrong one is looked at for a while. */
static bool has_one_name(const struct vault *vault, const char *file, int fd, struct stat *info) {
  const struct timespec pause = {0, 1000000};
  for (int tries = 0; tries < 40; tries++) {
    if (info->st_nlink <= 1 || is_backup(vault, file, info)) return true;
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

static bool read_checked(const struct vault *vault, const char *file, int fd, struct hoopai_record *record,
                         struct failure *failure) {
  struct stat info;
  if (!is_private(fd, &info, failure)) return false;
  if (!has_one_name(vault, file, fd, &info)) return refused(failure, "has a second name (hard link)");
  if (info.st_size > HOOPAI_RECORD_SIZE) return refused(failure, "cannot be used: it is larger than 256 KiB");
  size_t length = (size_t)info.st_size;
  char *bytes = malloc(length + 1);
  if (!bytes) return refused(failure, "cannot be read: not enough memory");
  bool done = read_all(fd, bytes, length) || failed(failure, "cannot be read");
  if (done) {
    const char *problem = hoopai_record_unpack(record, bytes, length);
    done = !problem || refused(failure, problem);
  }
  hoopai_wipe(bytes, length);
  free(bytes);
  return done;
}

/* Keeps the generation before under a second name. The record itself is there at every moment, and a file system that
   has no links does without. */
static void keep_backup(const struct vault *vault, const char *file) {
  char backup[RECORD_FILE + 4];
  snprintf(backup, sizeof backup, "%s.bak", file);
  bool kept = (unlinkat(vault->folder, backup, 0) == 0 || errno == ENOENT) &&
              linkat(vault->folder, file, vault->folder, backup, 0) == 0;
  (void)kept;
}

static bool replace(const struct vault *vault, const char *file, struct temporary *temporary, const char *bytes,
                    size_t length, struct failure *failure) {
  if (!write_temporary(vault, temporary, bytes, length, failure)) return false;
  keep_backup(vault, file);
  if (renameat(vault->folder, temporary->file, vault->folder, file) != 0) {
    failed(failure, "cannot be replaced");
    discard(vault, temporary);
    return false;
  }
  bool done = sync_folder(vault, failure);
  close(temporary->fd);
  return done;
}

static bool write_record(const struct vault *vault, const char *file, struct temporary *temporary,
                         const struct hoopai_record *record, struct failure *failure) {
  char *bytes = malloc(record->size);
  if (!bytes) return refused(failure, "cannot be written: not enough memory");
  hoopai_record_pack(record, bytes);
  bool done = replace(vault, file, temporary, bytes, record->size, failure);
  hoopai_wipe(bytes, record->size);
  free(bytes);
  return done;
}

/* ------------------------------------------------------------------------------------------------------- hoopai.Vault */

static int push_failure(lua_State *L, const char *file, const struct failure *failure) {
  lua_pushnil(L);
  if (failure->number) lua_pushfstring(L, "%s %s: %s", file, failure->what, strerror(failure->number));
  else lua_pushfstring(L, "%s %s", file, failure->what);
  return 2;
}

static struct vault *check_vault(lua_State *L) {
  struct vault *vault = luaL_checkudata(L, 1, HOOPAI_VAULT);
  if (vault->folder < 0) luaL_error(L, "attempt to use a closed vault");
  return vault;
}

/* The file of the record that is named by the string at index 2; a problem, or NULL. */
static const char *check_file(lua_State *L, char *file) {
  size_t length;
  luaL_checktype(L, 2, LUA_TSTRING);
  const char *name = lua_tolstring(L, 2, &length);
  return file_name(name, length, file);
}

static uint64_t random_number(lua_State *L) {
  uint64_t number;
  hoopai_random(L, &number, sizeof number);
  return number;
}

/* Makes the new entry of a folder last, as far as this user may: one that cannot be opened cannot be synced. */
static void sync_parent(const char *path) {
  const char *slash = strrchr(path, '/');
  char *parent = slash ? strdup(path) : NULL;
  if (slash && !parent) return;
  if (parent) parent[slash == path ? 1 : slash - path] = 0;
  int fd = open(parent ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    (void)sync_file(fd);
    close(fd);
  }
  free(parent);
}

static bool open_folder(struct vault *vault, const char *path, struct failure *failure) {
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  bool made = false;
  vault->folder = open(path, flags);
  if (vault->folder < 0 && errno == ENOENT) {
    made = mkdir(path, 0700) == 0;
    if (!made && errno != EEXIST) return failed(failure, "cannot be made");
    vault->folder = open(path, flags);
  }
  if (vault->folder < 0) {
    struct stat info;
    failed(failure, "cannot be opened");
    if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode)) return refused(failure, "is a symbolic link");
    return false;
  }
  if (made) {
    (void)fchmod(vault->folder, 0700); /* whatever the umask */
    sync_parent(path);
  }
  return true;
}

static bool check_folder(const struct vault *vault, struct failure *failure) {
  struct stat info;
  if (fstat(vault->folder, &info) != 0) return failed(failure, "cannot be looked at");
  if (info.st_uid != geteuid()) return refused(failure, "belongs to another user");
  if (info.st_mode & 022) return refused(failure, "can be changed by others; its mode must be 0700");
  return true;
}

/* vault(path) -> Vault | nil, problem: a folder, which is made if only its last component is missing */
static int vault_new(lua_State *L) {
  size_t length;
  struct failure failure;
  luaL_checktype(L, 1, LUA_TSTRING);
  const char *path = lua_tolstring(L, 1, &length);
  luaL_argcheck(L, length > 0 && strlen(path) == length, 1, "a path expected");
  while (length > 1 && path[length - 1] == '/') length--; /* with a slash behind it a link would be followed */
  path = lua_pushlstring(L, path, length);
  struct vault *vault = lua_newuserdatauv(L, sizeof *vault, 0);
  vault->folder = -1;
  vault->swept = 0;
  luaL_setmetatable(L, HOOPAI_VAULT);
  if (open_folder(vault, path, &failure)) {
    if (check_folder(vault, &failure)) return 1;
    close(vault->folder);
    vault->folder = -1;
  }
  return push_failure(L, "the folder", &failure);
}

/* read(name) -> Record | nil (there is none) | nil, problem */
static int vault_read(lua_State *L) {
  const struct vault *vault = check_vault(L);
  char file[RECORD_FILE];
  struct failure failure;
  const char *problem = check_file(L, file);
  if (problem) return hoopai_problem(L, problem);
  struct hoopai_record *record = hoopai_record_push(L);
  int index = lua_gettop(L);
  int fd = open_file(vault, file, O_RDONLY);
  if (fd < 0 && errno == ENOENT) {
    lua_pushnil(L);
    return 1;
  }
  if (fd < 0) {
    if (errno == ELOOP || errno == EMLINK) refused(&failure, "is a symbolic link"); /* EMLINK on FreeBSD */
    else failed(&failure, "cannot be opened");
    return push_failure(L, file, &failure);
  }
  bool done = read_checked(vault, file, fd, record, &failure);
  close(fd);
  return done ? hoopai_record_settle(L, index) : push_failure(L, file, &failure);
}

/* write(name, record) -> true | nil, problem: after true it outlasts a power failure */
static int vault_write(lua_State *L) {
  struct vault *vault = check_vault(L);
  char file[RECORD_FILE];
  struct temporary temporary;
  struct failure failure;
  const char *problem = check_file(L, file);
  const struct hoopai_record *record = hoopai_record_check(L, 3);
  if (problem) return hoopai_problem(L, problem);
  name_temporary(&temporary, file, random_number(L));
  if (!write_record(vault, file, &temporary, record, &failure)) return push_failure(L, file, &failure);
  sweep(vault);
  lua_pushboolean(L, 1);
  return 1;
}

/* probe() -> true | nil, problem: whether 8 KiB can be written now, to be asked before a token is spent */
static int vault_probe(lua_State *L) {
  struct vault *vault = check_vault(L);
  struct temporary temporary;
  struct failure failure;
  char bytes[PROBE_SIZE];
  uint64_t number = random_number(L);
  name_temporary(&temporary, "probe", number);
  for (size_t i = 0; i < sizeof bytes; i++) { /* nothing that a file system makes smaller than it is */
    number = number * 6364136223846793005u + 1442695040888963407u;
    bytes[i] = (char)(number >> 56);
  }
  sweep(vault);
  if (!write_temporary(vault, &temporary, bytes, sizeof bytes, &failure)) {
    return push_failure(L, "a test file", &failure);
  }
  discard(vault, &temporary);
  lua_pushboolean(L, 1);
  return 1;
}

static bool unlink_file(const struct vault *vault, const char *file, const char *suffix) {
  char full[RECORD_FILE + 4];
  snprintf(full, sizeof full, "%s%s", file, suffix);
  return unlinkat(vault->folder, full, 0) == 0 || errno == ENOENT;
}

/* remove(name) -> true | nil, problem: also when there is none. The generation before goes with it. */
static int vault_remove(lua_State *L) {
  const struct vault *vault = check_vault(L);
  char file[RECORD_FILE];
  struct failure failure;
  const char *problem = check_file(L, file);
  if (problem) return hoopai_problem(L, problem);
  if (!unlink_file(vault, file, "") || !unlink_file(vault, file, ".bak")) {
    failed(&failure, "cannot be removed");
    return push_failure(L, file, &failure);
  }
  if (!sync_folder(vault, &failure)) {
    failure.what = "is gone, but might be back after a power failure";
    return push_failure(L, file, &failure);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* ------------------------------------------------------------------------------------------------------------ listing */

static int list_gc(lua_State *L) {
  hoopai_buffer_free(luaL_checkudata(L, 1, HOOPAI_VAULT_LIST));
  return 0;
}

/* The names of the files, each with its NUL. No Lua runs here, which might raise while the folder is open. */
static bool list_files(const struct vault *vault, struct hoopai_buffer *out) {
  DIR *list = open_list(vault);
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

/* names() -> the names of the records in the folder, in no order | nil, problem */
static int vault_names(lua_State *L) {
  const struct vault *vault = check_vault(L);
  struct failure failure;
  struct hoopai_buffer *files = lua_newuserdatauv(L, sizeof *files, 0);
  memset(files, 0, sizeof *files);
  luaL_setmetatable(L, HOOPAI_VAULT_LIST);
  if (!list_files(vault, files)) {
    failed(&failure, "cannot be listed");
    return push_failure(L, "the folder", &failure);
  }
  lua_newtable(L);
  lua_Integer count = 0;
  for (size_t at = 0; at < files->length;) {
    char *file = files->data + at;
    at += strlen(file) + 1;
    size_t length;
    if (!record_name(file, &length)) continue;
    lua_pushlstring(L, file, length);
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

/* close(): idempotent; __gc and __close too. Locks live on. */
static int vault_close(lua_State *L) {
  struct vault *vault = luaL_checkudata(L, 1, HOOPAI_VAULT);
  if (vault->folder >= 0) close(vault->folder);
  vault->folder = -1;
  return 0;
}

/* --------------------------------------------------------------------------------------------------- hoopai.VaultLock */

/* Whether the file that was locked still is the one that everybody else would lock. */
static bool is_current(const struct vault *vault, const char *file, const struct stat *info) {
  struct stat other;
  return fstatat(vault->folder, file, &other, AT_SYMLINK_NOFOLLOW) == 0 && other.st_ino == info->st_ino &&
         other.st_dev == info->st_dev;
}

/* Opens and locks the file. False with failure->what NULL when somebody else holds the lock. */
static bool take_lock(const struct vault *vault, const char *file, struct lock *lock, struct failure *failure) {
  struct stat info;
  int result;
  *failure = (struct failure){NULL, 0};
  lock->fd = open_file(vault, file, O_RDWR | O_CREAT);
  if (lock->fd < 0) {
    if (errno == ELOOP || errno == EMLINK) return refused(failure, "is a symbolic link");
    return failed(failure, "cannot be opened");
  }
  if (!is_private(lock->fd, &info, failure)) return false;
  if (info.st_nlink > 1) return refused(failure, "has a second name (hard link)");
  if ((info.st_mode & 0600) != 0600) (void)fchmod(lock->fd, 0600); /* a umask took it away: others could not open it */
  do result = flock(lock->fd, LOCK_EX | LOCK_NB);
  while (result != 0 && errno == EINTR);
  if (result != 0 && errno != EWOULDBLOCK) return failed(failure, "cannot be locked");
  return result == 0 && is_current(vault, file, &info);
}

/* lock(name) -> VaultLock | nil (somebody else holds it) | nil, problem. Never waits. */
static int vault_lock(lua_State *L) {
  const struct vault *vault = check_vault(L);
  char name[RECORD_FILE], file[RECORD_FILE + 5];
  struct failure failure;
  const char *problem = check_file(L, name);
  if (problem) return hoopai_problem(L, problem);
  snprintf(file, sizeof file, "%s.lock", name);
  struct lock *lock = lua_newuserdatauv(L, sizeof *lock, 0);
  lock->fd = -1;
  lock->pid = hoopai_pid();
  luaL_setmetatable(L, HOOPAI_VAULT_LOCK);
  if (take_lock(vault, file, lock, &failure)) return 1;
  if (lock->fd >= 0) close(lock->fd);
  lock->fd = -1;
  if (failure.what) return push_failure(L, file, &failure);
  lua_pushnil(L);
  return 1;
}

/* release(): idempotent; __gc and __close too. A forked child has the parent's lock, not one of its own: there it is
   only closed. */
static int lock_release(lua_State *L) {
  struct lock *lock = luaL_checkudata(L, 1, HOOPAI_VAULT_LOCK);
  if (lock->fd < 0) return 0;
  if (lock->pid == hoopai_pid()) (void)flock(lock->fd, LOCK_UN);
  close(lock->fd);
  lock->fd = -1;
  return 0;
}

void hoopai_open_vault(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  static const luaL_Reg methods[] = {
    {"read", vault_read}, {"write", vault_write}, {"probe", vault_probe}, {"remove", vault_remove},
    {"lock", vault_lock}, {"names", vault_names}, {"close", vault_close}, {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {{"__gc", vault_close}, {"__close", vault_close}, {NULL, NULL}};
  static const luaL_Reg lock_methods[] = {{"release", lock_release}, {NULL, NULL}};
  static const luaL_Reg lock_metamethods[] = {{"__gc", lock_release}, {"__close", lock_release}, {NULL, NULL}};
  static const luaL_Reg list_metamethods[] = {{"__gc", list_gc}, {NULL, NULL}};
  hoopai_new_type(L, HOOPAI_VAULT, methods, metamethods);
  hoopai_new_type(L, HOOPAI_VAULT_LOCK, lock_methods, lock_metamethods);
  hoopai_new_type(L, HOOPAI_VAULT_LIST, none, list_metamethods);
  lua_pushcfunction(L, vault_new);
  lua_setfield(L, -2, "vault");
}
