--- fork, wait, kill, pipe, umask and become_root for the specs: see process.c, which `make test` builds.

return assert(package.loadlib("build/process.so", "luaopen_process"))()
