/* Private folders: opened once, and followed when another one takes their place. */
#define _GNU_SOURCE
#include "private_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -- Paths ----------------------------------------------------------------------------------- */

static size_t without_end(const char *path, size_t length) {
  while (length > 1) {
    if (path[length - 1] == '/') length--;
    else if (length > 2 && path[length - 1] == '.' && path[length - 2] == '/') length -= 2;
    else break;
  }
  return length;
}

void hoopai_folder_push_path(lua_State *L, const char *path) {
  char here[PATH_MAX];
  const char *absolute = path;
  bool is_relative = path[0] != '/' && getcwd(here, sizeof here);
  if (is_relative) absolute = lua_pushfstring(L, "%s/%s", here, path);
  lua_pushlstring(L, absolute, without_end(absolute, strlen(absolute)));
  if (is_relative) lua_remove(L, -2);
}

/* -- Opening --------------------------------------------------------------------------------- */

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

static int open_or_make(const char *path, struct hoopai_failure *failure) {
  const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  bool made = false;
  int fd = open(path, flags);
  if (fd < 0 && errno == ENOENT) {
    made = mkdir(path, 0700) == 0;
    if (!made && errno != EEXIST) {
      hoopai_failed(failure, "cannot be made");
      return -1;
    }
    fd = open(path, flags);
  }
  if (fd < 0) {
    struct stat info;
    hoopai_failed(failure, "cannot be opened");
    if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode)) hoopai_refused(failure, "is a symbolic link");
    return -1;
  }
  if (made) {
    (void)fchmod(fd, 0700); /* against a wrong umask */
    sync_parent(path);
  }
  return fd;
}

/* The names of the files are those of the client and its locations: so others may not even list them. */
static bool is_private(int fd, struct hoopai_failure *failure) {
  struct stat info;
  if (fstat(fd, &info) != 0) return hoopai_failed(failure, "cannot be looked at");
  if (info.st_uid != geteuid()) return hoopai_refused(failure, "belongs to another user");
  if (info.st_mode & 022) return hoopai_refused(failure, "can be changed by others; its mode must be 0700");
  if (info.st_mode & 077) return hoopai_refused(failure, "is open to others; its mode must be 0700");
  return true;
}

bool hoopai_folder_open(struct hoopai_folder *self, struct hoopai_failure *failure) {
  int fd = open_or_make(self->path, failure);
  if (fd < 0) return false;
  if (!is_private(fd, failure)) {
    close(fd);
    return false;
  }
  self->fd = fd;
  return true;
}

/* -- Following the path ---------------------------------------------------------------------- */

/* Opens the folder that is at the path now, if the open one is not. A folder that was moved is not made anew: its tokens
   would be in two places once it is back. */
static bool follow_path(struct hoopai_folder *self, struct hoopai_failure *failure) {
  struct stat open, named;
  if (fstat(self->fd, &open) != 0) return hoopai_failed(failure, "cannot be looked at");
  bool is_there = lstat(self->path, &named) == 0;
  if (is_there && named.st_ino == open.st_ino && named.st_dev == open.st_dev) return true;
  if (!is_there && errno != ENOENT) return hoopai_failed(failure, "cannot be looked at");
  if (!is_there && open.st_nlink > 0) return hoopai_failed(failure, "was moved");
  int old = self->fd;
  if (!hoopai_folder_open(self, failure)) return false;
  close(old);
  self->replacements++;
  return true;
}

bool hoopai_folder_check(struct hoopai_folder *self, struct hoopai_failure *failure) {
  return follow_path(self, failure) && is_private(self->fd, failure);
}

bool hoopai_folder_check_for_successor(struct hoopai_folder *self, struct hoopai_failure *failure) {
  struct stat info;
  return follow_path(self, failure) || (fstat(self->fd, &info) == 0 && info.st_nlink > 0);
}

/* -- Advice ---------------------------------------------------------------------------------- */

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

/* Pushes a path as a word of a shell. */
static void push_word(lua_State *L, const char *path) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%=";
  if (path[strspn(path, plain)] == 0) {
    lua_pushstring(L, path);
    return;
  }
  luaL_gsub(L, path, "'", "'\\''");
  lua_pushfstring(L, "'%s'", lua_tostring(L, -1));
  lua_remove(L, -2);
}

static void push_mode_cure(lua_State *L, const char *path, unsigned mode) {
  char octal[8];
  snprintf(octal, sizeof octal, "%04o", mode);
  if (mode & S_ISVTX) {
    lua_pushfstring(L, "its mode is %s: name a new folder in it", octal);
    return;
  }
  push_word(L, path);
  lua_pushfstring(L, "its mode is %s: chmod 700 %s", octal, lua_tostring(L, -1));
  lua_remove(L, -2);
}

int hoopai_folder_push_cure(lua_State *L, const char *path, const struct hoopai_failure *failure) {
  struct stat info;
  char text[96];
  if (failure->number == ENOENT && push_missing(L, path)) return 1;
  if (failure->number != 0 || lstat(path, &info) != 0 || !S_ISDIR(info.st_mode)) return 0;
  if (info.st_uid == geteuid()) {
    push_mode_cure(L, path, (unsigned)info.st_mode & 07777);
  } else {
    snprintf(text, sizeof text, "its owner has the id %ld, this program runs as %ld", (long)info.st_uid,
             (long)geteuid());
    lua_pushstring(L, text);
  }
  return 1;
}
