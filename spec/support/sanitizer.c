/* Preloaded with libasan into every Lua interpreter of the sanitizer run. */

#define _GNU_SOURCE
#include <stdlib.h>

int dlclose(void *handle);

/* lua_close unloads C modules before LeakSanitizer looks; a leak in an unloaded one has no name, and so could be neither
   read nor suppressed. */
int dlclose(void *handle) {
  (void)handle;
  return 0;
}

/* Programs that the interpreter starts (shells, compilers) run as they are: they leak as they like, and some deadlock
   under libasan. The interpreter itself is started through a script that preloads, whoever starts it. */
__attribute__((constructor)) static void spare_children(void) { (void)unsetenv("LD_PRELOAD"); }
