--- The manual page of the command, from the data of the commands (roff with the macros of man(7)).
local parser = require "hoopai.command.lib.parser"
local prose = require "hoopai.command.lib.prose"

local ipairs, type = ipairs, type
local concat = table.concat
local find, format, gmatch, gsub, match, upper =
  string.find, string.format, string.gmatch, string.gsub, string.match, string.upper

local man = {}

local EXIT = {
  { "0", "Done." },
  {
    "1",
    "Refused or failed. The message begins with hoopai: and the kind of the failure; a second line says what helps.",
  },
  { "2", "Wrong use of the command line." },
  { "130", "Interrupted by Ctrl-C. Nothing is sent afterwards; what was done, and what is unclear, is printed." },
}

local ENVIRONMENT = {
  { "HOOPAI_TOKEN", "The token, if no profile is named." },
  { "HOOPAI_LOCATION_ID", "The location, if the profile has none." },
  { "HOOPAI_PROFILE", "The profile, as --profile." },
  { "HOOPAI_BASE_URL", "The address of the API, for HOOPAI_TOKEN and for a sign-in." },
  { "HOOPAI_CA_FILE", "Certificates to trust instead of those of the system." },
  { "HOOPAI_CLIENT_ID, HOOPAI_CLIENT_SECRET", "The app of a sign-in." },
  { "HOOPAI_REDIRECT_URI", "Where the browser comes back to after a sign-in." },
  { "HOOPAI_LOG", "1 or verbose: a log of all requests on stderr." },
  { "COLUMNS, NO_COLOR, TZ", "The width of the output; no colours; the zone of this computer." },
}

local FILES = {
  {
    "$XDG_CONFIG_HOME/hoopai/PROFILE.json",
    "A profile (~/.config if XDG_CONFIG_HOME is not set). It holds no secret.",
  },
  { "$XDG_CONFIG_HOME/hoopai/tokens/", "The tokens, as private files." },
}

local INTRODUCTION = [[
  hoopai works with the calendars of a HoopAI (HighLevel) location: free slots, appointments, blocked times. Sign in
  with hoopai login, or set HOOPAI_TOKEN and HOOPAI_LOCATION_ID. hoopai sandbox serves data for trials, without an
  account.

  The profile that --profile or HOOPAI_PROFILE names is used; else the environment, if it has HOOPAI_TOKEN; else the
  profile "default". A profile without a token takes that of the environment.

  Times are shown, and dates are meant, in the zone of --zone, else of the profile, else of the schedule of the person
  (with --user, and for hoopai block), of the calendar or of the location, else of this computer.

  On a terminal lists are tables that fit it. Elsewhere they are the same cells, separated by tabs, without titles.
  Programs are served best by --json and --jsonl.
]]

--- A text of roff: no character of it is a request or an escape.
local function escape(text)
  text = gsub(gsub(text, "\\", "\\e"), "%-", "\\-")
  text = gsub(gsub(text, "'", "\\(aq"), "`", "\\(ga")
  text = gsub(gsub(text, "~", "\\(ti"), "%^", "\\(ha")
  return (gsub(text, '"', "\\(dq"))
end

--- A line of text. One that begins with a dot would be a request.
local function line_of(text) return (gsub(escape(text), "^%.", "\\&.")) end

local function put_prose(lines, text)
  for index, paragraph in ipairs(prose.paragraphs(text)) do
    if paragraph.is_code then
      lines[#lines + 1] = ".PP\n.nf"
      for line in gmatch(paragraph[1] .. "\n", "(.-)\n") do
        lines[#lines + 1] = line_of(line)
      end
      lines[#lines + 1] = ".fi"
    else
      if index > 1 then lines[#lines + 1] = ".PP" end
      lines[#lines + 1] = line_of(paragraph[1])
    end
  end
end

local function put_item(lines, head, text)
  lines[#lines + 1] = ".TP"
  lines[#lines + 1] = head
  put_prose(lines, text)
end

--- `\fB-f\fR, \fB--field\fR \fI<key=value>\fR`
local function option_head(entry)
  local names = {}
  for name in gmatch(entry[1], "%S+") do
    names[#names + 1] = "\\fB" .. escape(name) .. "\\fR"
  end
  local argument = entry.argname or entry.choices and "{" .. concat(entry.choices, ",") .. "}"
  if type(argument) == "table" then argument = concat(argument, " ") end
  return concat(names, ", ") .. (argument and " \\fI" .. escape(argument) .. "\\fR" or "")
end

local function put_options(lines, options)
  for _, entry in ipairs(options or {}) do
    if not entry.hidden then put_item(lines, option_head(entry), entry.description) end
  end
end

local function argument_usage(entry)
  local name = entry.argname or entry.choices and "{" .. concat(entry.choices, ",") .. "}" or "<" .. entry[1] .. ">"
  local many = entry.args == "*" or entry.args == "+"
  local shown = "\\fI" .. escape(name) .. "\\fR" .. (many and "..." or "")
  local is_optional = entry.args == "?" or entry.args == "*"
  return is_optional and "[" .. shown .. "]" or shown
end

local function put_command(lines, data)
  local usage = { "\\fBhoopai " .. escape(data.name) .. "\\fR" }
  if data.options or data.changes then usage[#usage + 1] = "[\\fIoptions\\fR]" end
  for _, entry in ipairs(data.arguments or {}) do
    usage[#usage + 1] = argument_usage(entry)
  end
  lines[#lines + 1] = ".SS " .. concat(usage, " ")
  put_prose(lines, data.description or data.summary)
  for _, entry in ipairs(data.arguments or {}) do
    put_item(lines, "\\fI" .. escape(entry.argname or "<" .. entry[1] .. ">") .. "\\fR", entry.description)
  end
  put_options(lines, data.options)
  if data.changes then put_options(lines, { parser.dry_run }) end
end

local function put_pairs(lines, title, entries)
  lines[#lines + 1] = ".SH " .. title
  for _, entry in ipairs(entries) do
    put_item(lines, "\\fB" .. escape(entry[1]) .. "\\fR", entry[2])
  end
end

local function put_examples(lines, commands)
  lines[#lines + 1] = ".SH EXAMPLES"
  for _, data in ipairs(commands) do
    for _, example in ipairs(data.examples or {}) do
      local text = example[2] and upper(match(example[2], "^.")) .. match(example[2], "^.(.*)$") or data.summary
      lines[#lines + 1] = ".TP\n\\fB" .. escape(example[1]) .. "\\fR"
      lines[#lines + 1] = line_of(find(text, "%.$") and text or text .. ".")
    end
  end
end

--- The page.
-- @tparam table commands list of their data
-- @tparam string version
-- @treturn string
function man.page(commands, version)
  local lines = {
    format('.\\" Written by `make man` from the data of the commands.'),
    format('.TH HOOPAI 1 "" "hoopai %s" "User Commands"', version),
    ".nh\n.ad l",
    ".SH NAME",
    "hoopai \\- calendars, free slots and appointments of a HoopAI location",
    ".SH SYNOPSIS",
    "\\fBhoopai\\fR \\fIcommand\\fR [\\fIoptions\\fR] [\\fIarguments\\fR]",
    ".br",
    "\\fBhoopai help\\fR [\\fIcommand\\fR]",
    ".SH DESCRIPTION",
  }
  put_prose(lines, INTRODUCTION)
  lines[#lines + 1] = ".SH COMMANDS"
  for _, data in ipairs(commands) do
    put_command(lines, data)
  end
  lines[#lines + 1] = ".SH OPTIONS OF EVERY COMMAND"
  put_options(lines, parser.everywhere)
  put_pairs(lines, "EXIT STATUS", EXIT)
  put_pairs(lines, "ENVIRONMENT", ENVIRONMENT)
  put_pairs(lines, "FILES", FILES)
  put_examples(lines, commands)
  return concat(lines, "\n") .. "\n"
end

return man
