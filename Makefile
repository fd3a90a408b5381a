# hoopai: build, try, test, install. `make help` lists the targets.

PREFIX ?= /usr/local
LUA ?= lua5.4
CFLAGS ?= -O2 -g
# Spec files or folders: make test SPECS=spec/unit/time/init_spec.lua
SPECS =
# Seconds that make fuzz gives each target
FUZZ_SECONDS ?= 120
# Some targets of make fuzz: make fuzz TARGETS="json url"
TARGETS =
# The benchmarks of make bench: http, night, ...
BENCH = $(sort $(patsubst spec/bench/%_bench.lua,%,$(wildcard spec/bench/*_bench.lua)))
# The vendor's OpenAPI document, for make contract; that of version v3 is v3/calendars-v3.json beside it
OPENAPI ?= $(HOOPAI_OPENAPI)

# Another Debian release, for make test-on: trixie, sid, ...
SUITE =

export LUA CC

# no: builds without hoopai.crypto, where OpenSSL 3.0 is not to be had; then there are no webhooks and no PKCE.
CRYPTO ?= yes

# hoopai.crypto is a module of its own: the core needs no libcrypto.
crypto_sources := src/crypto.c
sources := $(filter-out $(crypto_sources),$(sort $(wildcard src/*.c)))

# The version of LUA selects headers, paths and build folders: it is read from the name (lua5.4), else asked of the
# interpreter.
# (GNU make before 4.4 does not export variables to $(shell).)
lua_version := $(shell LUA='$(LUA)' .ci/lua-version)
suffix := $(if $(filter-out 5.4,$(lua_version)),-lua$(lua_version))
# Debian packages lua-cjson for Lua 5.4 alone; other systems may have one.
needs_cjson := $(if $(suffix),$(shell '$(LUA)' -e 'require "cjson"' 2>/dev/null || echo yes))
# Targets that support Lua 5.4 only begin with this line.
only54 = @test -z "$(suffix)" || { echo "make $@ works with Lua 5.4 only" >&2; exit 1; }
B := build$(suffix)
A := build-asan$(suffix)

# The folders of lua.h, curl.h and openssl/: from pkg-config, else Debian's (Lua), else the compiler's own search path.
LUA_CFLAGS ?= $(shell pkg-config --cflags lua$(lua_version) 2>/dev/null || pkg-config --cflags lua-$(lua_version) 2>/dev/null || \
	echo -I/usr/include/lua$(lua_version))
CURL_CFLAGS ?= $(shell pkg-config --cflags libcurl 2>/dev/null)
CRYPTO_CFLAGS ?= $(shell pkg-config --cflags libcrypto 2>/dev/null)
# For programs only: a module uses the Lua of its host.
LUA_LIBS ?= $(shell pkg-config --libs lua$(lua_version) 2>/dev/null || pkg-config --libs lua-$(lua_version) 2>/dev/null || \
	echo -llua$(lua_version))
CURL_LIBS ?= $(shell pkg-config --libs libcurl 2>/dev/null || echo -lcurl)
CRYPTO_LIBS ?= $(shell pkg-config --libs libcrypto 2>/dev/null || echo -lcrypto)

include src/flags.mk

includes = $(LUA_CFLAGS) $(CURL_CFLAGS) $(if $(filter yes,$(CRYPTO)),$(CRYPTO_CFLAGS))
sanitizers := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
# The libraries of a C host: Lua and lua-cjson as archives, as Debian has them.
HOST_LIBS ?= -l:liblua5.4.a -l:liblua5.4-cjson.a $(CURL_LIBS) $(CRYPTO_LIBS) -lm -ldl

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.PHONY: help deps build demo test test-all test-on test-everywhere server-core lint format asan tsan valgrind contract torture fuzz bench bench-on bench-compare \
	readme meta man docs docs-check amalgamation host install dist dist-check dist-install clean env

help: ## this list
	@sed -n 's/\$$\$$/$$/; s/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

deps: ## install the packages of build, demo and test (Debian; elsewhere: list what is missing)
	@.ci/deps build run sandbox test

build: $(B)/hoopai/core.so $(if $(filter yes,$(CRYPTO)),$(B)/hoopai/crypto.so) $(if $(needs_cjson),$(B)/cjson.so) ## compile the modules in C into build/ (the default)

# The sandbox and the servers of the specs run under Lua 5.4: Debian packages their modules for no other Lua.
server-core:
	@$(if $(suffix),$(MAKE) -s --no-print-directory LUA=lua5.4 build)

# Debian packages lua-cjson for Lua 5.4 alone: for another Lua it is compiled from the source package.
build-lua%/cjson.so: .ci/cjson
	@mkdir -p $(@D)
	CFLAGS="$(LUA_CFLAGS)" .ci/cjson $(@D)

demo: ## start the sandbox and book an appointment in it
	@.ci/deps build run sandbox
	@$(MAKE) -s --no-print-directory build server-core
	@eval "$$(.ci/env)" && "$$LUA" tools/demo.lua

test: ## run the specs (SPECS=... for some of them)
	@.ci/deps build run sandbox test
	@$(MAKE) -s --no-print-directory build server-core
	@$(MAKE) -s --no-print-directory $(B)/process.so $(if $(suffix),,build/host build-asan/memory_host)
	@.ci/test test $(SPECS)

test-all: ## run the specs, the slow ones too
	@HOOPAI_TEST_ALL=1 HOOPAI_TEST_LIMIT=$${HOOPAI_TEST_LIMIT:-7200} $(MAKE) --no-print-directory test

test-on: ## run the specs on another Debian release (SUITE=trixie; SPECS=... for some; LUA=lua5.5; FRESH=1)
	@.ci/test-on "$(SUITE)" test SPECS="$(SPECS)" LUA="$(LUA)"

test-everywhere: test ## run the specs here, on Debian 12, 13 and sid, and on sid with Lua 5.5
	@.ci/test-on bookworm demo test
	@.ci/test-on trixie demo test
	@.ci/test-on sid demo test
	@.ci/test-on sid test LUA=lua5.5

lint: ## luacheck, the formats, gcc -fanalyzer, clang-tidy, cppcheck, the exported symbols, the rockspec
	$(only54)
	@.ci/deps build run lint
	@$(MAKE) -s --no-print-directory build amalgamation
	@CPPFLAGS="$(includes)" .ci/lint

format: ## format the sources with clang-format (version 14, that of Debian 12) and StyLua
	@.ci/deps lint
	@clang-format -i src/*.c src/*.h
	@.ci/stylua

asan: ## run the specs under AddressSanitizer, LeakSanitizer and UBSan
	$(only54)
	@.ci/deps build run sandbox test
	@$(MAKE) -s --no-print-directory build-asan/hoopai/core.so build-asan/hoopai/crypto.so build-asan/sanitizer.so build-asan/host
	@$(MAKE) -s --no-print-directory build build/process.so build-asan/memory_host
	@.ci/test asan $(SPECS)

tsan: ## run the example of a C host, many threads with a state each, under ThreadSanitizer
	$(only54)
	@.ci/deps build run sandbox test
	@$(MAKE) -s --no-print-directory build build/process.so build-tsan/host
	@.ci/test tsan spec/behaviour/embed_spec.lua

valgrind: ## run the core's specs under valgrind
	$(only54)
	@.ci/deps build run sandbox test valgrind
	@$(MAKE) -s --no-print-directory build
	@$(MAKE) -s --no-print-directory build/process.so
	@.ci/test valgrind $(SPECS)

contract: ## check requests and endpoint data against the vendor's two documents (OPENAPI=.../apps/calendars.json)
	$(only54)
	@.ci/deps build run test contract
	@$(MAKE) -s --no-print-directory build
	@.ci/contract "$(OPENAPI)"

torture: ## fault injection and long runs (STEP=1, REQUESTS=100000, KILLS=10000, SOAK_CALLS=1000000)
	$(only54)
	@.ci/deps build run sandbox test torture
	@$(MAKE) -s --no-print-directory build build/process.so build-asan/memory_host build/bench/server
	@eval "$$(.ci/env)"; status=0; for script in spec/torture/*.lua; do \
		echo "== $$script"; "$$LUA" "$$script" || status=1; done; exit $$status

fuzz: ## run libFuzzer on each target of spec/fuzz/, for FUZZ_SECONDS (120) each
	$(only54)
	@.ci/deps build run test fuzz
	@$(MAKE) -s --no-print-directory CC=clang build-fuzz/fuzz
	@.ci/fuzz $(FUZZ_SECONDS) $(TARGETS)

bench: ## measure against libcurl itself and other clients (BENCH="http night" for some; BENCH_ROUNDS=5 BENCH_SECONDS=0.5 BENCH_PEERS=1)
	$(only54)
	@.ci/deps build run sandbox test bench
	@$(MAKE) -s --no-print-directory build build/process.so $(bench_programs)
	@eval "$$(.ci/env)"; for script in $(BENCH:%=spec/bench/%_bench.lua); do echo "== $$script"; "$$LUA" "$$script" || exit; done

bench-on: ## run the benchmarks on another Debian release (SUITE=sid; BENCH_ROUNDS=2 BENCH_PEERS=0 ... as with bench; FRESH=1)
	$(only54)
	@.ci/test-on "$(SUITE)" bench $(foreach name,BENCH BENCH_ROUNDS BENCH_SECONDS BENCH_PEERS,$(if $($(name)),'$(name)=$($(name))'))

bench-compare: ## measure this checkout and another commit in one run (BASE=revision)
	$(only54)
	@.ci/deps build run sandbox bench
	@$(MAKE) -s --no-print-directory build $(bench_programs)
	@.ci/bench-base "$(BASE)" build/bench/base
	@$(MAKE) -s --no-print-directory -C build/bench/base build
	@eval "$$(.ci/env)"; BENCH_BASE=build/bench/base "$$LUA" spec/bench/http_bench.lua

readme: ## write the table of endpoints in doc/endpoints.md
	@.ci/deps run
	@eval "$$(.ci/env)" && "$$LUA" tools/endpoint_table.lua write

meta: ## write lua/hoopai/meta.lua, the types for editors
	@.ci/deps run
	@eval "$$(.ci/env)" && "$$LUA" tools/generate_meta.lua write

man: ## write doc/hoopai.1, the manual page of the command
	@.ci/deps run
	@eval "$$(.ci/env)" && "$$LUA" tools/generate_man.lua write

docs: ## write the pages of doc/ and the reference as HTML into build/docs/
	@.ci/deps run docs
	@.ci/docs build/docs

docs-check: docs ## look at the HTML in Chromium, at two widths, light and dark: links, widths, contrast, search
	@.ci/deps docs-check
	@mkdir -p build/docs-check
	@node tools/docs_check.mjs build/docs >build/docs-check/summary; status=$$?; cat build/docs-check/summary; exit $$status

amalgamation: ## write the library as C files and a header into build/amalgamation/
	$(only54)
	@.ci/deps run
	@$(MAKE) -s --no-print-directory build/amalgamation/hoopai_core.c

host: ## build the example of a C host, build/host
	$(only54)
	@.ci/deps build run host
	@$(MAKE) -s --no-print-directory build/host

# The first lines of the installed command: where its modules are, as PREFIX may be in none of Lua's own paths.
prefix_modules = $(PREFIX)/share/lua/$(lua_version)
installed_paths = package.path = "$(prefix_modules)/?.lua;$(prefix_modules)/?/init.lua;" .. package.path \
	package.cpath = "$(PREFIX)/lib/lua/$(lua_version)/?.so;" .. package.cpath

install: build ## copy the library and the command below PREFIX (/usr/local); DESTDIR is honoured
	install -d "$(DESTDIR)$(PREFIX)/lib/lua/$(lua_version)/hoopai"
	install -m 755 $(B)/hoopai/core.so "$(DESTDIR)$(PREFIX)/lib/lua/$(lua_version)/hoopai/core.so"
	$(if $(filter yes,$(CRYPTO)),install -m 755 $(B)/hoopai/crypto.so "$(DESTDIR)$(PREFIX)/lib/lua/$(lua_version)/hoopai/crypto.so")
	$(if $(needs_cjson),install -m 755 $(B)/cjson.so "$(DESTDIR)$(PREFIX)/lib/lua/$(lua_version)/cjson.so")
	cd lua && find hoopai -type d -exec install -d "$(DESTDIR)$(PREFIX)/share/lua/$(lua_version)/{}" \;
	cd lua && find hoopai -name '*.lua' \
		-exec install -m 644 {} "$(DESTDIR)$(PREFIX)/share/lua/$(lua_version)/{}" \;
	install -d "$(DESTDIR)$(PREFIX)/bin"
	sed -e '1s|lua5\.4$$|$(LUA)|' -e 's|^-- make install.*|$(installed_paths)|' bin/hoopai >"$(DESTDIR)$(PREFIX)/bin/hoopai"
	chmod 755 "$(DESTDIR)$(PREFIX)/bin/hoopai"
	install -d "$(DESTDIR)$(PREFIX)/share/man/man1"
	install -m 644 doc/hoopai.1 "$(DESTDIR)$(PREFIX)/share/man/man1/hoopai.1"

dist: ## write the source archive of the last commit, build/dist/hoopai-VERSION.tar.gz
	@.ci/deps dist
	@.ci/dist build/dist

dist-check: ## install that archive on Debian 13, or on another release (SUITE=sid), and run the demo and an example there
	@.ci/deps dist
	@archive=$$(.ci/dist build/dist) && HOOPAI_ARCHIVE=$$archive .ci/test-on "$(or $(SUITE),trixie)" dist-install

version = $(shell sed -n 's/^return "\(.*\)"$$/\1/p' lua/hoopai/version.lua)

# Here, without another system; what dist-check runs there.
dist-install:
	@.ci/deps build run sandbox rock
	@.ci/dist-install "build/dist/hoopai-$(version).tar.gz"

clean: ## remove all build folders
	rm -rf build build-poll build-asan build-tsan build-fuzz build-lua* build-asan-lua*

env: ## print the shell lines that make this checkout loadable: eval "$$(make -s env)"
	@.ci/env

# One build of the modules in C: $(call modules,FOLDER,FLAGS)
define modules
$(1)/hoopai/core.so: $(patsubst src/%.c,$(1)/obj/%.o,$(sources))
	@mkdir -p $$(@D)
	$$(CC) $$(module_ldflags) $(2) $$(LDFLAGS) -o $$@ $$^ $$(CURL_LIBS)

$(1)/hoopai/crypto.so: $(patsubst src/%.c,$(1)/obj/%.o,$(crypto_sources))
	@mkdir -p $$(@D)
	$$(CC) $$(module_ldflags) $(2) $$(LDFLAGS) -o $$@ $$^ $$(CRYPTO_LIBS)

$(1)/obj/%.o: src/%.c Makefile src/flags.mk | $(1)/headers
	@mkdir -p $$(@D)
	$$(CC) $$(module_cflags) $$(includes) $(2) -MMD -MP -c -o $$@ $$<

-include $(wildcard $(1)/obj/*.d)
endef

# Checked once per build folder, for a clearer message than the compiler's.
%/headers:
	@mkdir -p $(@D)
	@printf '#include <lua.h>\n#if LUA_VERSION_NUM < 504 || LUA_VERSION_NUM > 505\n#error\n#endif\n#include <curl/curl.h>\n' | \
		$(CC) $(includes) -E -x c - >/dev/null 2>&1 || { \
		echo "A C compiler, lua.h of Lua $(lua_version) or curl/curl.h is missing. 'make deps' installs them on Debian;" >&2; \
		echo "elsewhere point CC, LUA_CFLAGS and CURL_CFLAGS at them." >&2; exit 1; }
	@test "$(CRYPTO)" = no || printf '#include <openssl/opensslv.h>\n#if OPENSSL_VERSION_NUMBER < 0x30000000L\n#error\n#endif\n' | \
		$(CC) $(includes) -E -x c - >/dev/null 2>&1 || { \
		echo "The headers of OpenSSL 3.0 or newer are missing. 'make deps' installs them on Debian; elsewhere point" >&2; \
		echo "CRYPTO_CFLAGS at them, or build with CRYPTO=no, without webhooks and PKCE." >&2; exit 1; }
	@touch $@

$(eval $(call modules,$(B),$(hardening) $$(CFLAGS)))
$(eval $(call modules,$(A),$(sanitizers) -O1 -g))

build/amalgamation/hoopai_core.c: tools/amalgamate.lua hoopai-dev-1.rockspec LICENSE $(sources) $(crypto_sources) \
		$(wildcard src/*.h) $(shell find lua/hoopai -name '*.lua')
	@mkdir -p $(@D)
	$(LUA) $< $(@D)

# One build of the example of a C host: $(call host,FOLDER,FLAGS)
define host
$(1)/host: examples/embed/host.c build/amalgamation/hoopai_core.c Makefile | $(1)/headers
	@mkdir -p $$(@D)
	$$(CC) -std=c11 -pthread $(warnings) $$(includes) -Ibuild/amalgamation $(2) $$(LDFLAGS) -o $$@ $$< \
		build/amalgamation/hoopai_core.c build/amalgamation/hoopai_crypto.c build/amalgamation/hoopai_lua.c $$(HOST_LIBS)
endef

$(eval $(call host,build,$(hardening) $$(CFLAGS)))
$(eval $(call host,build-asan,$(sanitizers) -O1 -g))
$(eval $(call host,build-tsan,-fsanitize=thread -O1 -g))

build-asan/sanitizer.so: spec/support/sanitizer.c
	@mkdir -p $(@D)
	$(CC) -std=c11 $(warnings) -shared -fPIC -o $@ $<

# The allocations of the core are redirected to the host, see memory_host.c.
build-asan/memory_host: spec/support/memory_host.c $(patsubst src/%.c,build-asan/obj/%.o,$(sources) $(crypto_sources))
	$(CC) -r -nostdlib -o build-asan/obj/core.renamed $(filter %.o,$^)
	objcopy $(foreach name,malloc calloc realloc strdup strndup free,--redefine-sym $(name)=core_$(name)) build-asan/obj/core.renamed
	$(CC) -std=c11 -pthread $(warnings) $(includes) $(sanitizers) -O1 -g -rdynamic -o $@ $< build-asan/obj/core.renamed \
		$(LUA_LIBS) $(CURL_LIBS) $(CRYPTO_LIBS) -ldl

# The modules in C are compiled in, so that libFuzzer sees the branches that an input takes.
build-fuzz/fuzz: spec/fuzz/fuzz.c $(sources) $(crypto_sources) $(wildcard src/*.h) Makefile | build/headers
	@mkdir -p $(@D)
	$(CC) -std=c11 -pthread $(warnings) $(includes) $(sanitizers) -fsanitize=fuzzer -O1 -g -o $@ \
		spec/fuzz/fuzz.c $(sources) $(crypto_sources) $(LUA_LIBS) $(CURL_LIBS) $(CRYPTO_LIBS)

$(B)/process.so: spec/support/process.c Makefile | $(B)/headers
	@mkdir -p $(@D)
	$(CC) -std=c11 -fPIC $(warnings) $(includes) -shared -o $@ $<

bench_programs := build/bench/rawc build/bench/server build/bench/timed

build/bench/rawc: spec/bench/rawc.c Makefile | build/headers
	@mkdir -p $(@D)
	$(CC) -std=c11 -O2 $(warnings) $(CURL_CFLAGS) -o $@ $< $(CURL_LIBS)

build/bench/server: spec/bench/support/locations.c spec/bench/support/locations.h

build/bench/server build/bench/timed: build/bench/%: spec/bench/support/%.c Makefile
	@mkdir -p $(@D)
	$(CC) -std=c11 -O2 $(warnings) -o $@ $(filter %.c,$^)
