--- Writes the library as files that a C program compiles in: hoopai_core.c (the core), hoopai_crypto.c (signatures of
-- webhooks, and PKCE; may be left out), hoopai_lua.c (the Lua layer) and hoopai.h. Sources and modules are those of the
-- rockspec. As a script:
--   lua5.4 tools/amalgamate.lua FOLDER
local concat = table.concat

local HEADER = [[
/* hoopai %s for C programs that host Lua. Written by `make amalgamation`.

     luaL_requiref(L, "cjson", luaopen_cjson, 0);               -- or let require find lua-cjson
     luaL_requiref(L, "hoopai.core", luaopen_hoopai_core, 0);
     luaL_requiref(L, "hoopai.crypto", luaopen_hoopai_crypto, 0); -- for webhooks and PKCE; may be left out
     luaL_requiref(L, "hoopai", luaopen_hoopai, 0);             -- or put it into package.preload, to load it later
     lua_pop(L, 4);

   The libraries base, package, coroutine, string, table, math and utf8 must be open; the others are used where they
   are there. Link with libcurl, and with libcrypto of OpenSSL 3.0 or newer if hoopai_crypto.c is compiled in; compile
   with -pthread. */
#ifndef HOOPAI_H
#define HOOPAI_H

#include <lua.h>

#define HOOPAI_VERSION "%s"

#ifdef __cplusplus
extern "C" {
#endif

/* The C core, as hoopai.core. */
int luaopen_hoopai_core(lua_State *L);

/* Signatures of webhooks, and PKCE, as hoopai.crypto. hoopai_crypto.c may be left out: webhooks and PKCE raise then. */
int luaopen_hoopai_crypto(lua_State *L);

/* The Lua layer, as hoopai; needs the core. Its other modules go to package.preload. */
int luaopen_hoopai(lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
]]

local LOADER = [[

static const struct module {
  const char *name, *chunk;
  const char *const *lines;
} modules[] = {
@MODULES@};

/* A lua_Reader: a line at a time. */
static const char *next_line(lua_State *L, void *data, size_t *size) {
  const char *const **next = data;
  const char *line = *(*next)++;
  (void)L;
  *size = line ? strlen(line) : 0;
  return line;
}

static int load_module(lua_State *L, const struct module *module) {
  const char *const *next = module->lines;
  if (lua_load(L, next_line, &next, module->chunk, "t") != LUA_OK) return lua_error(L);
  lua_pushstring(L, module->name);
  lua_call(L, 1, 1);
  return 1;
}

/* What package.preload holds. Upvalue: the module. */
static int preloaded(lua_State *L) {
  return load_module(L, lua_touserdata(L, lua_upvalueindex(1)));
}

int luaopen_hoopai(lua_State *L) {
  luaL_checkversion(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (size_t i = 1; i < sizeof modules / sizeof *modules; i++) {
    lua_pushlightuserdata(L, (void *)&modules[i]);
    lua_pushcclosure(L, preloaded, 1);
    lua_setfield(L, -2, modules[i].name);
  }
  lua_pop(L, 1);
  return load_module(L, &modules[0]);
}
]]

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

local function rockspec()
  local spec = {}
  assert(loadfile("hoopai-dev-1.rockspec", "t", spec))()
  return spec.build.modules
end

local function banner(version, what)
  return ("/* hoopai %s, %s. Written by `make amalgamation`.\n\n%s*/\n"):format(version, what, read("LICENSE"))
end

--- The C files of a module as one. Shared functions and names become static, so that its luaopen_ function alone is
-- exported. (A name is declared with its size: a static array must have one.)
local function joined(sources)
  local seen, out = {}, {}
  local function add(path)
    out[#out + 1] = ("\n/* %s %s */\n"):format(("-"):rep(110 - #path), path)
    local is_header = path:find("%.h$")
    for line in read(path):gmatch("[^\n]*\n") do
      local name = line:match('^#include "(.-)"')
      if name and not seen[name] then
        seen[name] = true
        add("src/" .. name)
      elseif is_header and line:find("^%a[%w_ *]*hoopai_[%w_]+%(") then
        out[#out + 1] = "static " .. line
      elseif line:find("^extern const char hoopai_") or line:find("^const char hoopai_") then
        out[#out + 1] = "static " .. line:gsub("^extern ", "")
      elseif not name and not line:find("^#define _GNU_SOURCE") then
        out[#out + 1] = line
      end
    end
  end
  for _, path in ipairs(sources) do
    add(path)
  end
  return "#ifndef _GNU_SOURCE\n#define _GNU_SOURCE\n#endif\n" .. concat(out)
end

--- The modules for programs, the module hoopai first. The sandbox is for trials, the command is a program of its own,
-- and hoopai.meta is for editors.
local function module_names(modules)
  local names = {}
  for name, entry in pairs(modules) do
    local is_wanted = type(entry) == "string"
      and name ~= "hoopai.meta"
      and not name:find("^hoopai%.sandbox")
      and not name:find("^hoopai%.command")
    if is_wanted then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function literal(line)
  local escaped = line
    :gsub('[\\"]', "\\%0")
    :gsub("%?%?", "?\\?")
    :gsub("[\0-\31\127-\255]", function(byte) return ("\\%03o"):format(byte:byte()) end)
  return '  "' .. escaped .. '\\n",\n'
end

local function lua_layer(modules)
  local out, list = { '#include "hoopai.h"\n\n#include <lauxlib.h>\n#include <string.h>\n' }, {}
  for index, name in ipairs(module_names(modules)) do
    local path = modules[name]
    out[#out + 1] = ("\n/* %s */\nstatic const char *const lines_%d[] = {\n"):format(path, index)
    for line in read(path):gmatch("([^\n]*)\n") do
      out[#out + 1] = literal(line)
    end
    out[#out + 1] = "  NULL,\n};\n"
    list[index] = ('  {"%s", "@%s", lines_%d},\n'):format(name, path:gsub("^lua/", ""), index)
  end
  return concat(out) .. (LOADER:gsub("@MODULES@", concat(list)))
end

local folder = assert(arg[1], "usage: amalgamate.lua FOLDER")
local modules = rockspec()
local version = assert(read(modules["hoopai.version"]):match('return "(.-)"'))
write(folder .. "/hoopai.h", HEADER:format(version, version))
write(folder .. "/hoopai_core.c", banner(version, "the C core in one file") .. joined(modules["hoopai.core"].sources))
write(folder .. "/hoopai_crypto.c", banner(version, "hoopai.crypto") .. joined(modules["hoopai.crypto"].sources))
write(folder .. "/hoopai_lua.c", banner(version, "the Lua layer") .. lua_layer(modules))
