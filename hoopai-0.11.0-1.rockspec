rockspec_format = "3.0"
package = "hoopai"
version = "0.11.0-1"

-- The archive is what `make dist` writes. What is not about the version or the archive is that of hoopai-dev-1.rockspec,
-- which lists the modules too; here src/rock.mk finds them.
source = {
  url = "https://github.com/hoopai/hoopai/releases/download/v0.11.0/hoopai-0.11.0.tar.gz",
  dir = "hoopai-0.11.0",
}

description = {
  summary = "A client for the HoopAI (HighLevel / LeadConnector) Calendars API",
  detailed = [[
    Calendars, groups, free slots, appointments, block slots, notes, resources, notifications and availability
    schedules: all endpoints as Lua functions that block in a plain script and wait in a coroutine, on a C core of
    libcurl and lua-cjson. It never books twice on its own and never prints a token. With a local sandbox server.
  ]],
  license = "MIT",
  homepage = "https://github.com/hoopai/hoopai",
  issues_url = "https://github.com/hoopai/hoopai/issues",
  maintainer = "hoopai contributors",
  labels = { "api", "calendar", "http", "coroutine" },
}

supported_platforms = { "unix" }

dependencies = {
  "lua >= 5.4, < 5.6",
  "lua-cjson >= 2.1.0",
  "argparse >= 0.7", -- for the command alone
}

-- The libraries only: on Debian curl's header lies in a multiarch folder, which LuaRocks does not search but compilers do.
external_dependencies = {
  CURL = { library = "curl" },
  CRYPTO = { library = "crypto" }, -- OpenSSL 3.0 or newer
}

-- LuaRocks itself has no flags for the linker, so the core would lack the hardening of `make build`.
build = {
  type = "make",
  makefile = "src/rock.mk",
  build_target = "build",
  variables = {
    CC = "$(CC)",
    CFLAGS = "$(CFLAGS)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    CURL_INCDIR = "$(CURL_INCDIR)",
    CURL_LIBDIR = "$(CURL_LIBDIR)",
    CRYPTO_INCDIR = "$(CRYPTO_INCDIR)",
    CRYPTO_LIBDIR = "$(CRYPTO_LIBDIR)",
    LIBDIR = "$(LIBDIR)",
    LUADIR = "$(LUADIR)",
    PREFIX = "$(PREFIX)",
  },
  install = { bin = { "bin/hoopai" } },
  copy_directories = { "doc", "examples" },
}

test = {
  type = "command",
  command = "make test",
}
