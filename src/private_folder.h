/* A folder that only this user can open, known by its path. */
#ifndef HOOPAI_PRIVATE_FOLDER_H
#define HOOPAI_PRIVATE_FOLDER_H

#include "private_file.h"

struct hoopai_folder {
  int fd;           /* -1 = closed */
  int replacements; /* how often another folder took the place of the open one */
  const char *path; /* absolute, without slashes or "." at its end */
};

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

/* Pushes the path of a folder as struct hoopai_folder keeps it: with "/" or "/." at its end open would follow a link,
   and a relative path would change its meaning with the working directory. */
void hoopai_folder_push_path(lua_State *L, const char *path);
/* Opens the folder at self->path, and makes it if its last component is missing. A link, a folder of another user and
   one that is open to others are refused. */
bool hoopai_folder_open(struct hoopai_folder *self, struct hoopai_failure *failure);
/* To be called before a folder is used: is it still the one at its path, and private? Opens the one that took its place
   meanwhile, and makes a new one if it was removed. */
bool hoopai_folder_check(struct hoopai_folder *self, struct hoopai_failure *failure);
/* The same before a successor is stored, which is nowhere else: the open folder is used as long as it exists, even if
   its path or its mode are wrong by now. */
bool hoopai_folder_check_for_successor(struct hoopai_folder *self, struct hoopai_failure *failure);
/* Pushes what helps to mend a folder that was refused, if that is known. Returns how many values it pushed. */
int hoopai_folder_push_cure(lua_State *L, const char *path, const struct hoopai_failure *failure);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
