--- Profiles: which location a command works for, and where its token is.
--
-- A profile is a file of JSON in the folder `hoopai` of the user's settings, without any secret. The one that is named
-- by --profile or HOOPAI_PROFILE is used; else the environment, if it has HOOPAI_TOKEN; else the profile "default".
-- (A program that `hoopai sandbox --run` starts, and one that was given a token, must not use another account.) A
-- profile without a token takes that of the environment.
local converters = require "hoopai.command.lib.convert"
local failure = require "hoopai.command.lib.failure"
local quote = require("hoopai.command.lib.shell").quote

local io, os, pairs, type = io, os, pairs, type
local format, match = string.format, string.match

local profile = {}

local DEFAULT = "default"

-- Field -> whether a profile may have it.
local FIELDS = {
  location_id = "string",
  company_id = "string",
  client_id = "string",
  base_url = "string",
  ca_file = "string",
  zone = "string",
  auth = "string", -- "token" or "oauth"
}

--- A variable of the environment. An empty one of the library is a mistake of a script: without it another account or
-- server would be used. Any other counts as one that is not set.
-- @tparam string name
-- @treturn ?string nil if it is not set
-- @raise a failure of kind "invalid", in the words of the library
function profile.variable(name)
  local value = os.getenv(name)
  if value ~= "" then return value end
  if not match(name, "^HOOPAI_") then return nil end
  failure.refuse("invalid", format("the environment variable %s is empty: give it a value, or unset it", name))
end

local variable = profile.variable

--- The folder of the settings.
-- @treturn string
-- @raise if neither XDG_CONFIG_HOME nor HOME is set
function profile.folder()
  local base = variable "XDG_CONFIG_HOME"
  if base and match(base, "^/") then return base .. "/hoopai" end -- the XDG rules: other paths are ignored
  local home = variable "HOME"
  if not home then
    failure.refuse(
      "profile",
      "there is no folder for profiles: neither XDG_CONFIG_HOME nor HOME is set",
      "set one of them; or use no profile: set HOOPAI_TOKEN and HOOPAI_LOCATION_ID"
    )
  end
  return home .. "/.config/hoopai"
end

--- The path of a profile.
-- @tparam string name
-- @treturn string
function profile.path(name) return profile.folder() .. "/" .. name .. ".json" end

--- The folder of the tokens: a file store.
-- @treturn string
function profile.token_folder() return profile.folder() .. "/tokens" end

--- The profile that the command line or the environment names.
-- @tparam table options
-- @treturn string its name
-- @treturn boolean whether it was named
function profile.name(options)
  local named, wanted = options.profile, variable "HOOPAI_PROFILE"
  if not named and wanted then
    local checked, problem = converters.profile(wanted)
    if not checked then failure.usage("HOOPAI_PROFILE " .. problem) end
    named = checked
  end
  return named or DEFAULT, named ~= nil
end

--- Reads a profile.
-- @tparam string name
-- @treturn ?table its fields; nil if there is none
-- @raise a failure of kind "profile"
function profile.read(name)
  local path = profile.path(name)
  local file, problem, code = io.open(path, "r")
  if not file then
    if code == 2 or code == 20 then return nil end -- ENOENT, ENOTDIR
    failure.refuse("profile", problem)
  end
  local text = file:read "a"
  file:close()
  local fields = require("hoopai").decode(text or "")
  if type(fields) ~= "table" then
    failure.refuse("profile", path .. " is no profile: it is not a JSON object", "remove it, and use `hoopai login`")
  end
  for field, kind in pairs(FIELDS) do
    if fields[field] ~= nil and type(fields[field]) ~= kind then
      failure.refuse("profile", format("%s: the field %s must be a %s", path, field, kind))
    end
  end
  return fields
end

--- Runs a command of the shell that makes something for the user alone. What the shell prints is the reason of a
-- failure, and is printed nowhere else.
-- @treturn ?string the reason; nil: it is made
local function make(command)
  local pipe = io.popen("exec 2>&1; export LC_ALL=C; umask 077; " .. command, "r")
  local text = pipe and pipe:read "a" or ""
  if pipe and pipe:close() then return nil end
  return match(text, "([^:\n]*)\n?$")
end

local function refuse(path, problem, reason)
  failure.refuse("profile", format("%s %s: %s", path, problem, match(reason, "^%s*(.*)$")))
end

--- Makes the folder of the settings, for the user alone.
-- @raise a failure of kind "profile"
function profile.make_folder()
  local reason = make("mkdir -p " .. quote(profile.folder()))
  if reason then refuse("the folder " .. profile.folder(), "cannot be made", reason) end
end

--- Writes a text into a file.
-- @treturn ?string why not
local function fill(path, text)
  local file, problem = io.open(path, "wb")
  if not file then return problem end
  local written, write_problem = file:write(text)
  local closed, close_problem = file:close()
  if written and closed then return nil end
  return write_problem or close_problem
end

--- Puts a text in the place of a file, through a new file beside it.
-- @treturn ?string why not
local function replace(path, text)
  local new = path .. ".new"
  local reason = make(format("rm -f %s && : > %s", quote(new), quote(new)))
  if reason then return reason end
  reason = fill(new, text)
  if not reason then
    local renamed, problem = os.rename(new, path)
    if renamed then return nil end
    reason = problem
  end
  os.remove(new)
  return reason
end

--- Writes a profile: a file of mode 0600 in a folder of mode 0700, replaced as a whole.
-- @tparam string name
-- @tparam table fields
-- @raise a failure of kind "profile"
function profile.write(name, fields)
  local kept = {}
  for field in pairs(FIELDS) do
    kept[field] = fields[field]
  end
  profile.make_folder()
  local path = profile.path(name)
  local reason = replace(path, require("hoopai.command.lib.json").document(kept))
  if reason then refuse(path, "cannot be written", match(reason, "([^:]*)$")) end
end

--- Removes a profile.
-- @tparam string name
-- @treturn boolean whether there was one
-- @raise a failure of kind "profile"
function profile.remove(name)
  local done, problem, code = os.remove(profile.path(name))
  if done then return true end
  if code == 2 or code == 20 then return false end
  failure.refuse("profile", problem)
end

--- What the profile says to use, or the environment.
-- @tparam table options of the command line
-- @treturn table `name`, `fields` (nil without a profile), and `source`: "profile" or "environment"
-- @raise a failure of kind "profile", for a named profile that does not exist
function profile.choose(options)
  local name, is_named = profile.name(options)
  if not is_named and variable "HOOPAI_TOKEN" then return { source = "environment" } end
  local fields = profile.read(name)
  if is_named and not fields then
    failure.refuse(
      "profile",
      format('there is no profile "%s"', name),
      "`hoopai login --profile " .. name .. "` makes it"
    )
  end
  if fields and fields.auth then return { name = name, fields = fields, source = "profile" } end
  if variable "HOOPAI_TOKEN" then return { name = fields and name, fields = fields, source = "environment" } end
  failure.refuse("auth", "no token", "sign in with `hoopai login`, or set HOOPAI_TOKEN")
end

--- The location of the requests: that of the options, of the profile, or of the environment; nil if none names it.
-- @tparam table choice see `choose`
-- @tparam table options of the command line
-- @treturn ?string
function profile.location(choice, options)
  return options.location or choice.fields and choice.fields.location_id or variable "HOOPAI_LOCATION_ID"
end

return profile
