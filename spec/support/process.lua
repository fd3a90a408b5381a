--- fork, wait, kill, pipe, umask and become_root for the specs: see process.c, which `make test` builds.

return assert(package.loadlib((os.getenv "HOOPAI_BUILD" or "build") .. "/process.so", "luaopen_process"))()
