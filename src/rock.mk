# What LuaRocks runs, see the rockspec: builds the modules in C with the flags of the Makefile, and installs them and the
# Lua files. LuaRocks gives CC, CFLAGS, LUA_INCDIR, CURL_INCDIR, CURL_LIBDIR, CRYPTO_INCDIR, CRYPTO_LIBDIR; LIBDIR, LUADIR
# and PREFIX, the folder of the rock, for the installation.

include src/flags.mk

B := build/rock
crypto := $(B)/obj/crypto.o
core := $(filter-out $(crypto),$(patsubst src/%.c,$(B)/obj/%.o,$(sort $(wildcard src/*.c))))
includes := -I$(LUA_INCDIR) $(if $(CURL_INCDIR),-I$(CURL_INCDIR)) $(if $(CRYPTO_INCDIR),-I$(CRYPTO_INCDIR))
curl_libs := $(if $(CURL_LIBDIR),-L$(CURL_LIBDIR)) -lcurl
crypto_libs := $(if $(CRYPTO_LIBDIR),-L$(CRYPTO_LIBDIR)) -lcrypto

.PHONY: build install FORCE
.DELETE_ON_ERROR:

build: $(B)/hoopai/core.so $(B)/hoopai/crypto.so

$(B)/hoopai/core.so: $(core)
	@mkdir -p $(@D)
	$(CC) $(module_ldflags) $(hardening) $(CFLAGS) -o $@ $^ $(curl_libs)

$(B)/hoopai/crypto.so: $(crypto)
	@mkdir -p $(@D)
	$(CC) $(module_ldflags) $(hardening) $(CFLAGS) -o $@ $^ $(crypto_libs)

# Always anew: the objects of an earlier build may be those of another Lua, libcurl or CFLAGS.
$(B)/obj/%.o: src/%.c FORCE
	@mkdir -p $(@D)
	$(CC) $(module_cflags) $(includes) $(CFLAGS) $(hardening) -c -o $@ $<

# The pages of the top folder: a source tree may lack some.
pages := $(wildcard README.md CHANGELOG.md CONTRIBUTING.md)

# LuaRocks copies doc/ and examples/ after this, and fails where these folders are not there. `luarocks doc` opens
# doc/README.md: it looks for a README in doc/ alone. The links of the pages begin there too.
install:
	install -d "$(LIBDIR)/hoopai"
	install -m 755 $(B)/hoopai/core.so "$(LIBDIR)/hoopai/core.so"
	install -m 755 $(B)/hoopai/crypto.so "$(LIBDIR)/hoopai/crypto.so"
	cd lua && find hoopai -type d -exec install -d "$(LUADIR)/{}" \;
	cd lua && find hoopai -name '*.lua' -exec install -m 644 {} "$(LUADIR)/{}" \;
	install -d "$(PREFIX)/doc"
	for page in $(pages); do \
		sed -e 's|](doc/|](|g' -e 's|](examples/|](../examples/|g' "$$page" >"$(PREFIX)/doc/$$page" || exit; \
		chmod 644 "$(PREFIX)/doc/$$page" || exit; \
	done
	install -m 644 LICENSE "$(PREFIX)/doc/LICENSE"
	@mkdir -p doc examples
