# The flags of the modules in C, for the Makefile and for LuaRocks (rock.mk): both build the same modules.

warnings := -Wall -Wextra -Wpedantic -Wshadow
hardening := -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
module_cflags := -std=c11 -fPIC -pthread -fvisibility=hidden $(warnings)

# nodelete: libcurl and its threads may hold addresses of the core after lua_close has unloaded it.
ifeq ($(shell uname -s),Darwin)
module_ldflags := -bundle -undefined dynamic_lookup
else
module_ldflags := -shared -pthread -Wl,-z,relro,-z,now,-z,nodelete
endif
