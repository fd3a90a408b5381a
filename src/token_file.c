/* hoopai.TokenFile: a private folder with one file of packed credentials per name, and a lock per name. */
#define _GNU_SOURCE
#include "credentials.h"
#include "private_folder.h"

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

#define HOOPAI_RESERVATION "hoopai.Reservation"

#define STALE 3600      /* seconds: the age of temporary files that are removed, and the time between two sweeps */
#define BLOCK 4096      /* bytes: a mark beside the reservation takes at most so many more than its credentials */
#define LEAST_MORE 8192 /* bytes by which a successor may be larger than its credentials, on the smallest disk */

#if HOOPAI_MAX_PACKED > HOOPAI_MAX_FILE
#error "packed credentials must fit into a file"
#endif

struct token_file {
  struct hoopai_folder folder; /* its path is in the user value */
  double swept;                /* the hoopai_now() of the last sweep; 0 = never */
};

/* Room on the disk for a successor: the file that it will be written into. */
struct reservation {
  struct hoopai_temporary file;
  int folder; /* a descriptor of its own; -1 = released */
  pid_t pid;
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

/* Pushes nil and what is wrong with the folder, with what helps. */
static int push_folder_failure(lua_State *L, const struct token_file *self, const struct hoopai_failure *failure) {
  lua_pushnil(L);
  lua_pushfstring(L, "the folder %s %s", self->folder.path, failure->what);
  if (failure->number) {
    lua_pushfstring(L, ": %s", strerror(failure->number));
    lua_concat(L, 2);
  }
  if (hoopai_folder_push_cure(L, self->folder.path, failure) > 0) {
    lua_pushfstring(L, "; %s", lua_tostring(L, -1));
    lua_remove(L, -2);
    lua_concat(L, 2);
  }
  return 2;
}

/* -- hoopai.TokenFile ------------------------------------------------------------------------ */

static struct token_file *check_token_file(lua_State *L) {
  struct token_file *self = luaL_checkudata(L, 1, HOOPAI_TOKEN_FILE);
  if (self->folder.fd < 0) luaL_error(L, "attempt to use a closed token file");
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
  hoopai_file_sweep(self->folder.fd, STALE);
}

/* token_file(path) -> TokenFile | nil, problem, or with what helps: of a folder, which is made if only its last
   component is missing */
static int token_file_new(lua_State *L) {
  size_t length;
  struct hoopai_failure failure;
  luaL_checktype(L, 1, LUA_TSTRING);
  const char *path = lua_tolstring(L, 1, &length);
  luaL_argcheck(L, length > 0 && strlen(path) == length, 1, "a path expected");
  hoopai_folder_push_path(L, path);
  path = lua_tostring(L, -1);
  struct token_file *self = lua_newuserdatauv(L, sizeof *self, 1);
  *self = (struct token_file){.folder = {-1, 0, path}};
  luaL_setmetatable(L, HOOPAI_TOKEN_FILE);
  lua_pushvalue(L, -2);
  lua_setiuservalue(L, -2, 1);
  if (!hoopai_own(L)) return hoopai_problem(L, HOOPAI_CLOSING);
  if (hoopai_folder_open(&self->folder, &failure)) return 1;
  push_failure(L, "the folder", &failure);
  return 2 + hoopai_folder_push_cure(L, path, &failure);
}

static bool read_credentials(const struct token_file *self, const char *file, int fd,
                             struct hoopai_credentials *credentials, struct hoopai_failure *failure) {
  size_t length;
  char *bytes = hoopai_file_read(self->folder.fd, file, fd, &length, failure);
  if (!bytes) return false;
  const char *problem = hoopai_credentials_unpack(credentials, bytes, length);
  hoopai_wipe(bytes, length);
  free(bytes);
  return !problem || hoopai_refused(failure, problem);
}

/* read(name) -> Credentials | nil (no file) | nil, problem */
static int token_file_read(lua_State *L) {
  struct token_file *self = check_token_file(L);
  char file[HOOPAI_FILE_NAME];
  struct hoopai_failure failure;
  const char *problem = check_file(L, file);
  if (problem) return hoopai_problem(L, problem);
  struct hoopai_credentials *credentials = hoopai_credentials_push(L);
  int index = lua_gettop(L);
  if (!hoopai_folder_check(&self->folder, &failure)) return push_folder_failure(L, self, &failure);
  int fd = hoopai_file_open(self->folder.fd, file, O_RDONLY);
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

/* The reservation at an index, if it can be used in this folder; NULL otherwise. */
static struct hoopai_temporary *reserved_at(lua_State *L, int index, const struct token_file *self) {
  struct stat one, other;
  struct reservation *reservation = luaL_testudata(L, index, HOOPAI_RESERVATION);
  if (!reservation || reservation->folder < 0 || reservation->pid != hoopai_pid()) return NULL;
  bool same = fstat(reservation->folder, &one) == 0 && fstat(self->folder.fd, &other) == 0 &&
              one.st_ino == other.st_ino && one.st_dev == other.st_dev;
  return same ? &reservation->file : NULL;
}

static bool write_credentials(const struct token_file *self, const char *file, uint64_t number,
                              struct hoopai_temporary *reserved, const struct hoopai_credentials *credentials,
                              struct hoopai_failure *failure) {
  char *bytes = malloc(credentials->size);
  if (!bytes) return hoopai_refused(failure, "cannot be written: not enough memory");
  hoopai_credentials_pack(credentials, bytes);
  bool done = hoopai_file_replace(self->folder.fd, file, number, reserved, bytes, credentials->size, failure);
  hoopai_wipe(bytes, credentials->size);
  free(bytes);
  return done;
}

/* write(name, credentials, _, reservation) -> true | nil, problem. After true the file survives a power failure. With a
   reservation the credentials are the successor of a spent token. */
static int token_file_write(lua_State *L) {
  struct token_file *self = check_token_file(L);
  char file[HOOPAI_FILE_NAME];
  struct hoopai_failure failure;
  const char *problem = check_file(L, file);
  const struct hoopai_credentials *credentials = hoopai_credentials_check(L, 3);
  bool is_successor = luaL_testudata(L, 5, HOOPAI_RESERVATION) != NULL;
  if (problem) return hoopai_problem(L, problem);
  uint64_t number = random_number(L);
  if (is_successor ? !hoopai_folder_check_for_successor(&self->folder, &failure)
                   : !hoopai_folder_check(&self->folder, &failure)) {
    return push_folder_failure(L, self, &failure);
  }
  struct hoopai_temporary *reserved = reserved_at(L, 5, self);
  if (!write_credentials(self, file, number, reserved, credentials, &failure)) return push_failure(L, file, &failure);
  sweep(self);
  lua_pushboolean(L, 1);
  return 1;
}

/* reserve(name, credentials or nil) -> Reservation | nil, problem: room for the successor of these credentials. To be
   called under the lock of the name, before a refresh token is used. */
static int token_file_reserve(lua_State *L) {
  struct token_file *self = check_token_file(L);
  char file[HOOPAI_FILE_NAME];
  struct hoopai_failure failure;
  const char *problem = check_file(L, file);
  size_t size = lua_isnoneornil(L, 3) ? 0 : hoopai_credentials_check(L, 3)->size, least = size + LEAST_MORE;
  if (problem) return hoopai_problem(L, problem);
  uint64_t number = random_number(L);
  struct reservation *reservation = lua_newuserdatauv(L, sizeof *reservation, 0);
  *reservation = (struct reservation){.file = {.fd = -1}, .folder = -1, .pid = hoopai_pid()};
  luaL_setmetatable(L, HOOPAI_RESERVATION);
  if (!hoopai_own(L)) return hoopai_problem(L, HOOPAI_CLOSING);
  if (!hoopai_folder_check(&self->folder, &failure)) return push_folder_failure(L, self, &failure);
  sweep(self);
  reservation->folder = fcntl(self->folder.fd, F_DUPFD_CLOEXEC, 0);
  if (reservation->folder < 0) hoopai_failed(&failure, "cannot be reserved");
  else if (hoopai_file_reserve(self->folder.fd, file, number, least, size + BLOCK, &reservation->file, &failure))
    return 1;
  return push_failure(L, "room for the next token", &failure);
}

/* path(name) -> the path of its file, for messages */
static int token_file_path(lua_State *L) {
  const struct token_file *self = check_token_file(L);
  char file[HOOPAI_FILE_NAME];
  lua_pushfstring(L, "%s/%s", self->folder.path, check_file(L, file) ? "" : file);
  return 1;
}

/* replacements() -> how often another folder took the place of the open one */
static int token_file_replacements(lua_State *L) {
  lua_pushinteger(L, check_token_file(L)->folder.replacements);
  return 1;
}

/* remove(name) -> true | nil, problem: removes the file and its backup, if they exist */
static int token_file_remove(lua_State *L) {
  struct token_file *self = check_token_file(L);
  char file[HOOPAI_FILE_NAME];
  struct hoopai_failure failure;
  const char *problem = check_file(L, file);
  if (problem) return hoopai_problem(L, problem);
  if (!hoopai_folder_check(&self->folder, &failure)) return push_folder_failure(L, self, &failure);
  if (!hoopai_file_remove(self->folder.fd, file, &failure)) return push_failure(L, file, &failure);
  lua_pushboolean(L, 1);
  return 1;
}

static int list_gc(lua_State *L) {
  hoopai_buffer_free(luaL_checkudata(L, 1, HOOPAI_TOKEN_FILE_LIST));
  return 0;
}

/* names() -> the names in the folder, unordered | nil, problem */
static int token_file_names(lua_State *L) {
  struct token_file *self = check_token_file(L);
  struct hoopai_failure failure;
  struct hoopai_buffer *files = lua_newuserdatauv(L, sizeof *files, 0);
  memset(files, 0, sizeof *files);
  luaL_setmetatable(L, HOOPAI_TOKEN_FILE_LIST);
  if (!hoopai_folder_check(&self->folder, &failure)) return push_folder_failure(L, self, &failure);
  if (!hoopai_file_list(self->folder.fd, files)) {
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
  if (self->folder.fd >= 0) close(self->folder.fd);
  self->folder.fd = -1;
  return 0;
}

/* -- hoopai.Reservation ---------------------------------------------------------------------- */

/* release(): removes the file unless a successor was written into it. Idempotent; __gc and __close too. A child process
   only closes its descriptors (rule Fork). */
static int reservation_release(lua_State *L) {
  struct reservation *reservation = luaL_checkudata(L, 1, HOOPAI_RESERVATION);
  if (reservation->folder < 0) return 0;
  if (reservation->pid == hoopai_pid()) hoopai_file_discard(reservation->folder, &reservation->file);
  else if (reservation->file.fd >= 0) close(reservation->file.fd);
  reservation->file.fd = -1;
  close(reservation->folder);
  reservation->folder = -1;
  return 0;
}

/* -- hoopai.TokenFileLock -------------------------------------------------------------------- */

/* Is the locked file still the one that other processes would open? */
static bool is_current(const struct token_file *self, const char *file, const struct stat *info) {
  struct stat other;
  return fstatat(self->folder.fd, file, &other, AT_SYMLINK_NOFOLLOW) == 0 && other.st_ino == info->st_ino &&
         other.st_dev == info->st_dev;
}

/* Opens and locks a file. False with failure->what NULL while it is locked elsewhere. */
static bool take_lock(const struct token_file *self, const char *file, struct lock *lock,
                      struct hoopai_failure *failure) {
  struct stat info;
  int result;
  *failure = (struct hoopai_failure){NULL, 0};
  lock->fd = hoopai_file_open(self->folder.fd, file, O_RDWR | O_CREAT);
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
  struct token_file *self = check_token_file(L);
  char name[HOOPAI_FILE_NAME], file[HOOPAI_FILE_NAME + 5];
  struct hoopai_failure failure;
  const char *problem = check_file(L, name);
  if (problem) return hoopai_problem(L, problem);
  snprintf(file, sizeof file, "%s.lock", name);
  struct lock *lock = lua_newuserdatauv(L, sizeof *lock, 0);
  lock->fd = -1;
  lock->pid = hoopai_pid();
  luaL_setmetatable(L, HOOPAI_TOKEN_FILE_LOCK);
  if (!hoopai_own(L)) return hoopai_problem(L, HOOPAI_CLOSING);
  if (!hoopai_folder_check(&self->folder, &failure)) return push_folder_failure(L, self, &failure);
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
    {"read", token_file_read},       {"write", token_file_write},
    {"reserve", token_file_reserve}, {"lock", token_file_lock},
    {"remove", token_file_remove},   {"names", token_file_names},
    {"path", token_file_path},       {"replacements", token_file_replacements},
    {"close", token_file_close},     {NULL, NULL},
  };
  static const luaL_Reg metamethods[] = {{"__gc", token_file_close}, {"__close", token_file_close}, {NULL, NULL}};
  static const luaL_Reg lock_methods[] = {{"release", lock_release}, {NULL, NULL}};
  static const luaL_Reg lock_metamethods[] = {{"__gc", lock_release}, {"__close", lock_release}, {NULL, NULL}};
  static const luaL_Reg reservation_methods[] = {{"release", reservation_release}, {NULL, NULL}};
  static const luaL_Reg reservation_metamethods[] = {
    {"__gc", reservation_release}, {"__close", reservation_release}, {NULL, NULL}};
  static const luaL_Reg list_metamethods[] = {{"__gc", list_gc}, {NULL, NULL}};
  hoopai_new_type(L, HOOPAI_TOKEN_FILE, methods, metamethods);
  hoopai_new_type(L, HOOPAI_TOKEN_FILE_LOCK, lock_methods, lock_metamethods);
  hoopai_new_type(L, HOOPAI_RESERVATION, reservation_methods, reservation_metamethods);
  hoopai_new_type(L, HOOPAI_TOKEN_FILE_LIST, none, list_metamethods);
  lua_pushcfunction(L, token_file_new);
  lua_setfield(L, -2, "token_file");
}
