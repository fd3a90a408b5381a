/* hoopai.TokenFile: a private folder with one file of packed credentials per name, and a lock per name. */
#define _GNU_SOURCE
#include "credentials.h"
#include "private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define HOOPAI_TOKEN_FILE "hoopai.TokenFile"
#define HOOPAI_TOKEN_FILE_LOCK "hoopai.TokenFileLock"
#define HOOPAI_TOKEN_FILE_LIST "hoopai.TokenFileList"

#define STALE 3600      /* seconds: the age of temporary files that are removed, and the time between two sweeps */
#define PROBE_SIZE 8192 /* bytes */

#if HOOPAI_MAX_PACKED > HOOPAI_MAX_FILE
#error "packed credentials must fit into a file"
#endif

struct token_file {
  int folder;   /* -1 = closed */
  double swept; /* the hoopai_now() of the last sweep; 0 = never */
};

struct lock {
  int fd; /* -1 = released */
  pid_t pid;
};

/* -- Names ----------------------------------------------------------------------------------- */

/* The file of a name. It has no dot, unlike all other files of the folder. Returns a problem, or NULL. */
static const char *file_name(const char *name, size_t length, char *file) {
  if (length == 0) return "the name of a record is empty";
  if (hoopai_escaped_length(name, length, HOOPAI_PLAIN_FILE) >= HOOPAI_FILE_NAME) {
    return "the name of a record is too long";
  }
  *hoopai_escape(file, name, length, HOOPAI_PLAIN_FILE) = 0;
  return NULL;
}

/* The name of a file, decoded in place; false if file_name never returns this file. */
static bool decode_name(char *file, size_t *length) {
  char original[HOOPAI_FILE_NAME], again[HOOPAI_FILE_NAME];
  size_t size = strlen(file);
  if (size >= sizeof original) return false;
  memcpy(original, file, size + 1);
  return hoopai_unescape(original, size, file, length, HOOPAI_PLAIN_FILE) && !file_name(file, *length, again) &&
         strcmp(original, again) == 0;
}

/* -- Folders --------------------------------------------------------------------------------- */

static int push_failure(lua_State *L, const char *file, const struct hoopai_failure *failure) {
  lua_pushnil(L);
  if (failure->number) lua_pushfstring(L, "%s %s: %s", file, failure->what, strerror(failure->number));
  else lua_pushfstring(L, "%s %s", file, failure->what);
  return 2;
}

/* Makes a new folder durable, if this user may open its parent. */
static void sync_parent(const char *path) {
  const char *slash = strrchr(path, '/');
  char *parent = slash ? strdup(path) : NULL;
  if (slash && !parent) return;
  if (parent) parent[slash == path ? 1 : slash - path] = 0;
  int fd = open(parent ? parent : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    (void)hoopai_file_sync(fd);
    close(fd);
  }
  free(parent);
}

static bool open_folder(struct token_file *self, const char *path, struct hoopai_failure *failure) {
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  bool made = false;
  self->folder = open(path, flags);
  if (self->folder < 0 && errno == ENOENT) {
    made = mkdir(path, 0700) == 0;
    if (!made && errno != EEXIST) return hoopai_failed(failure, "cannot be made");
    self->folder = open(path, flags);
  }
  if (self->folder < 0) {
    struct stat info;
    hoopai_failed(failure, "cannot be opened");
    if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode)) return hoopai_refused(failure, "is a symbolic link");
    return false;
  }
  if (made) {
    (void)fchmod(self->folder, 0700); /* against a wrong umask */
    sync_parent(path);
  }
  return true;
}

static bool check_folder(const struct token_file *self, struct hoopai_failure *failure) {
  struct stat info;
  if (fstat(self->folder, &info) != 0) return hoopai_failed(failure, "cannot be looked at");
  if (info.st_uid != geteuid()) return hoopai_refused(failure, "belongs to another user");
  if (info.st_mode & 022) return hoopai_refused(failure, "can be changed by others; its mode must be 0700");
  return true;
}

/* -- hoopai.TokenFile ------------------------------------------------------------------------ */

static struct token_file *check_token_file(lua_State *L) {
  struct token_file *self = luaL_checkudata(L, 1, HOOPAI_TOKEN_FILE);
  if (self->folder < 0) luaL_error(L, "attempt to use a closed token file");
  return self;
}

/* The file of the name at index 2. Returns a problem, or NULL. */
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

static void sweep(struct token_file *self) {
  if (self->swept > 0 && hoopai_now() - self->swept < STALE) return;
  self->swept = hoopai_now();
  hoopai_file_sweep(self->folder, STALE);
}

/* Pushes what is missing of a path whose folder could not be made: the shortest part that is not there. */
static bool push_missing(lua_State *L, const char *path) {
  struct stat info;
  for (const char *at = path; (at = strchr(at + 1, '/')) != NULL;) {
    const char *part = lua_pushlstring(L, path, (size_t)(at - path));
    if (stat(part, &info) != 0 && errno == ENOENT) {
      lua_pushfstring(L, "%s is missing: make it first", part);
      lua_remove(L, -2);
      return true;
    }
    lua_pop(L, 1);
  }
  return false;
}

/* Pushes what helps to mend a folder that was refused, if that is known. Returns how many values it pushed. */
static int push_cure(lua_State *L, const char *path, const struct hoopai_failure *failure) {
  struct stat info;
  char text[96];
  if (failure->number == ENOENT && push_missing(L, path)) return 1;
  if (failure->number == 0 && lstat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
    if (info.st_uid == geteuid()) {
      snprintf(text, sizeof text, "its mode is %04o: %s", (unsigned)info.st_mode & 07777,
               info.st_mode & S_ISVTX ? "name a new folder in it" : "chmod 700 closes it");
    } else {
      snprintf(text, sizeof text, "its owner has the id %ld, this program runs as %ld", (long)info.st_uid,
               (long)geteuid());
    }
    lua_pushstring(L, text);
    return 1;
  }
  return 0;
}

/* token_file(path) -> TokenFile | nil, problem, or with what helps: of a folder, which is made if only its last
   component is missing */
static int token_file_new(lua_State *L) {
  size_t length;
  struct hoopai_failure failure;
  luaL_checktype(L, 1, LUA_TSTRING);
  const char *path = lua_tolstring(L, 1, &length);
  luaL_argcheck(L, length > 0 && strlen(path) == length, 1, "a path expected");
  while (length > 1 && path[length - 1] == '/') length--; /* with a slash at its end open would follow a link */
  path = lua_pushlstring(L, path, length);
  struct token_file *self = lua_newuserdatauv(L, sizeof *self, 0);
  self->folder = -1;
  self->swept = 0;
  luaL_setmetatable(L, HOOPAI_TOKEN_FILE);
  if (open_folder(self, path, &failure)) {
    if (check_folder(self, &failure)) return 1;
    close(self->folder);
    self->folder = -1;
  }
  push_failure(L, "the folder", &failure);
  return 2 + push_cure(L, path, &failure);
}

static bool read_credentials(const struct token_file *self, const char *file, int fd,
                             struct hoopai_credentials *credentials, struct hoopai_failure *failure) {
  size_t length;
  char *bytes = hoopai_file_read(self->folder, file, fd, &length, failure);
  if (!bytes) return false;
  const char *problem = hoopai_credentials_unpack(credentials, bytes, length);
  hoopai_wipe(bytes, length);
  free(bytes);
  return !problem || hoopai_refused(failure, problem);
}

/* read(name) -> Credentials | nil (no file) | nil, problem */
static int token_file_read(lua_State *L) {
  const struct token_file *self = check_token_file(L);
  char file[HOOPAI_FILE_NAME];
  struct hoopai_failure failure;
  const char *problem = check_file(L, file);
  if (problem) return hoopai_problem(L, problem);
  struct hoopai_credentials *credentials = hoopai_credentials_push(L);
  int index = lua_gettop(L);
  int fd = hoopai_file_open(self->folder, file, O_RDONLY);
  if (fd < 0 && errno == ENOENT) {
    lua_pushnil(L);
    return 1;
  }
  if (fd < 0) {
    if (errno == ELOOP || errno == EMLINK) hoopai_refused(&failure, "is a symbolic link"); /* EMLINK on FreeBSD */
    else hoopai_failed(&failure, "cannot be opened");
    return push_failure(L, file, &failure);
  }
  bool done = read_credentials(self, file, fd, credentials, &failure);
  close(fd);
  return done ? hoopai_credentials_freeze(L, index) : push_failure(L, file, &failure);
}

static bool write_credentials(const struct token_file *self, const char *file, uint64_t number,
                              const struct hoopai_credentials *credentials, struct hoopai_failure *failure) {
  char *bytes = malloc(credentials->size);
  if (!bytes) return hoopai_refused(failure, "cannot be written: not enough memory");
  hoopai_credentials_pack(credentials, bytes);
  bool done = hoopai_file_replace(self->folder, file, number, bytes, credentials->size, failure);
  hoopai_wipe(bytes, credentials->size);
  free(bytes);
  return done;
}

/* write(name, credentials) -> true | nil, problem. After true the file survives a power failure. */
static int token_file_write(lua_State *L) {
  struct token_file *self = check_token_file(L);
  char file[HOOPAI_FILE_NAME];
  struct hoopai_failure failure;
  const char *problem = check_file(L, file);
  const struct hoopai_credentials *credentials = hoopai_credentials_check(L, 3);
  if (problem) return hoopai_problem(L, problem);
  if (!write_credentials(self, file, random_number(L), credentials, &failure)) return push_failure(L, file, &failure);
  sweep(self);
  lua_pushboolean(L, 1);
  return 1;
}

/* probe() -> true | nil, problem: can 8 KiB be written? To be called before a refresh token is used. */
static int token_file_probe(lua_State *L) {
  struct token_file *self = check_token_file(L);
  struct hoopai_failure failure;
  char bytes[PROBE_SIZE];
  uint64_t number = random_number(L), name = number;
  for (size_t i = 0; i < sizeof bytes; i++) { /* random, so that no file system compresses it */
    number = number * 6364136223846793005u + 1442695040888963407u;
    bytes[i] = (char)(number >> 56);
  }
  sweep(self);
  if (!hoopai_file_probe(self->folder, name, bytes, sizeof bytes, &failure)) {
    return push_failure(L, "a test file", &failure);
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* remove(name) -> true | nil, problem: removes the file and its backup, if they exist */
static int token_file_remove(lua_State *L) {
  const struct token_file *self = check_token_file(L);
  char file[HOOPAI_FILE_NAME];
  struct hoopai_failure failure;
  const char *problem = check_file(L, file);
  if (problem) return hoopai_problem(L, problem);
  if (!hoopai_file_remove(self->folder, file, &failure)) return push_failure(L, file, &failure);
  lua_pushboolean(L, 1);
  return 1;
}

static int list_gc(lua_State *L) {
  hoopai_buffer_free(luaL_checkudata(L, 1, HOOPAI_TOKEN_FILE_LIST));
  return 0;
}

/* names() -> the names in the folder, unordered | nil, problem */
static int token_file_names(lua_State *L) {
  const struct token_file *self = check_token_file(L);
  struct hoopai_failure failure;
  struct hoopai_buffer *files = lua_newuserdatauv(L, sizeof *files, 0);
  memset(files, 0, sizeof *files);
  luaL_setmetatable(L, HOOPAI_TOKEN_FILE_LIST);
  if (!hoopai_file_list(self->folder, files)) {
    hoopai_failed(&failure, "cannot be listed");
    return push_failure(L, "the folder", &failure);
  }
  lua_newtable(L);
  lua_Integer count = 0;
  for (size_t at = 0; at < files->length;) {
    char *file = files->data + at;
    at += strlen(file) + 1;
    size_t length;
    if (!decode_name(file, &length)) continue;
    lua_pushlstring(L, file, length);
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

/* close(): idempotent; __gc and __close too. Its locks stay locked. */
static int token_file_close(lua_State *L) {
  struct token_file *self = luaL_checkudata(L, 1, HOOPAI_TOKEN_FILE);
  if (self->folder >= 0) close(self->folder);
  self->folder = -1;
  return 0;
}

/* -- hoopai.TokenFileLock -------------------------------------------------------------------- */

/* Is the locked file still the one that other processes would open? */
static bool is_current(const struct token_file *self, const char *file, const struct stat *info) {
  struct stat other;
  return fstatat(self->folder, file, &other, AT_SYMLINK_NOFOLLOW) == 0 && other.st_ino == info->st_ino &&
         other.st_dev == info->st_dev;
}

/* Opens and locks a file. False with failure->what NULL while it is locked elsewhere. */
static bool take_lock(const struct token_file *self, const char *file, struct lock *lock,
                      struct hoopai_failure *failure) {
  struct stat info;
  int result;
  *failure = (struct hoopai_failure){NULL, 0};
  lock->fd = hoopai_file_open(self->folder, file, O_RDWR | O_CREAT);
  if (lock->fd < 0) {
    if (errno == ELOOP || errno == EMLINK) return hoopai_refused(failure, "is a symbolic link");
    return hoopai_failed(failure, "cannot be opened");
  }
  if (!hoopai_file_is_private(lock->fd, &info, failure)) return false;
  if (info.st_nlink > 1) return hoopai_refused(failure, "has a second name (hard link)");
  if ((info.st_mode & 0600) != 0600)
    (void)fchmod(lock->fd, 0600); /* else, after a wrong umask, no process could open it */
  do result = flock(lock->fd, LOCK_EX | LOCK_NB);
  while (result != 0 && errno == EINTR);
  if (result != 0 && errno != EWOULDBLOCK) return hoopai_failed(failure, "cannot be locked");
  return result == 0 && is_current(self, file, &info);
}

/* lock(name) -> TokenFileLock | nil (locked elsewhere) | nil, problem. Never waits. */
static int token_file_lock(lua_State *L) {
  const struct token_file *self = check_token_file(L);
  char name[HOOPAI_FILE_NAME], file[HOOPAI_FILE_NAME + 5];
  struct hoopai_failure failure;
  const char *problem = check_file(L, name);
  if (problem) return hoopai_problem(L, problem);
  snprintf(file, sizeof file, "%s.lock", name);
  struct lock *lock = lua_newuserdatauv(L, sizeof *lock, 0);
  lock->fd = -1;
  lock->pid = hoopai_pid();
  luaL_setmetatable(L, HOOPAI_TOKEN_FILE_LOCK);
  if (take_lock(self, file, lock, &failure)) return 1;
  if (lock->fd >= 0) close(lock->fd);
  lock->fd = -1;
  if (failure.what) return push_failure(L, file, &failure);
  lua_pushnil(L);
  return 1;
}

/* release(): idempotent; __gc and __close too. A child process only closes its descriptor (rule Fork). */
static int lock_release(lua_State *L) {
  struct lock *lock = luaL_checkudata(L, 1, HOOPAI_TOKEN_FILE_LOCK);
  if (lock->fd < 0) return 0;
  if (lock->pid == hoopai_pid()) (void)flock(lock->fd, LOCK_UN);
  close(lock->fd);
  lock->fd = -1;
  return 0;
}

void hoopai_open_token_file(lua_State *L) {
  static const luaL_Reg none[] = {{NULL, NULL}};
  static const luaL_Reg methods[] = {
    {"read", token_file_read},     {"write", token_file_write}, {"probe", token_file_probe}, {"lock", token_file_lock},
    {"remove", token_file_remove}, {"names", token_file_names}, {"close", token_file_close}, {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {{"__gc", token_file_close}, {"__close", token_file_close}, {NULL, NULL}};
  static const luaL_Reg lock_methods[] = {{"release", lock_release}, {NULL, NULL}};
  static const luaL_Reg lock_metamethods[] = {{"__gc", lock_release}, {"__close", lock_release}, {NULL, NULL}};
  static const luaL_Reg list_metamethods[] = {{"__gc", list_gc}, {NULL, NULL}};
  hoopai_new_type(L, HOOPAI_TOKEN_FILE, methods, metamethods);
  hoopai_new_type(L, HOOPAI_TOKEN_FILE_LOCK, lock_methods, lock_metamethods);
  hoopai_new_type(L, HOOPAI_TOKEN_FILE_LIST, none, list_metamethods);
  lua_pushcfunction(L, token_file_new);
  lua_setfield(L, -2, "token_file");
}
