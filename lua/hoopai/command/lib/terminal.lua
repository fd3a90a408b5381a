--- What the command knows of the terminal, and what it asks there.
--
-- Lua has no functions for terminals: `test -t`, `stty` and the environment stand in. A Ctrl-C that ends one of these
-- programs is raised, see hoopai.command.lib.shell.
-- @module hoopai.command.lib.terminal

local shell = require "hoopai.command.lib.shell"

local tonumber = tonumber
local format, lower, match = string.format, string.lower, string.match
local getenv, execute, open, popen = os.getenv, os.execute, io.open, io.popen

local terminal = {}

local DEFAULT_COLUMNS, DEFAULT_LINES = 80, 24

-- Facts ---------------------------------------------------------------------------------------------------------------

--- Whether a descriptor of this process is a terminal.
-- @tparam integer fd 0 for stdin, 1 for stdout, 2 for stderr
-- @treturn boolean
function terminal.is_terminal(fd) return shell.status(execute(format("test -t %d", fd))) == 0 end

--- The same for the three standard streams, with one program instead of three.
-- @treturn table `stdin`, `stdout` and `stderr`, each a boolean
function terminal.streams()
  local status = shell.status(execute "s=0; for n in 0 1 2; do test -t $n && s=$((s + (1 << n))); done; exit $s")
  return { stdin = status & 1 ~= 0, stdout = status & 2 ~= 0, stderr = status & 4 ~= 0 }
end

local function whole(text)
  local number = text and match(text, "^%d+$") and tonumber(text)
  return number and number > 0 and number < 100000 and number or nil
end

--- The size of the terminal: COLUMNS and LINES of the environment, else what `stty` reads from the terminal, else 80
-- by 24.
-- @treturn integer columns
-- @treturn integer lines
function terminal.size()
  local columns, lines = whole(getenv "COLUMNS"), whole(getenv "LINES")
  if not columns or not lines then
    local pipe = popen("{ stty size </dev/tty || stty size; } 2>/dev/null", "r")
    local text = pipe:read "l" or ""
    shell.status(pipe:close())
    local seen_lines, seen_columns = match(text, "^(%d+) (%d+)$")
    -- A pseudo terminal that was never given a size has 0 by 0.
    columns, lines = columns or whole(seen_columns), lines or whole(seen_lines)
  end
  return columns or DEFAULT_COLUMNS, lines or DEFAULT_LINES
end

--- Whether output may be coloured: on a terminal that knows escape sequences, unless NO_COLOR (https://no-color.org)
-- or the user says otherwise.
-- @tparam boolean is_terminal whether the stream is a terminal
-- @tparam[opt] boolean no_color the option --no-color
-- @treturn boolean
function terminal.colours(is_terminal, no_color)
  if not is_terminal or no_color then return false end
  local name, wish = getenv "TERM", getenv "NO_COLOR"
  return (wish == nil or wish == "") and name ~= nil and name ~= "" and name ~= "dumb"
end

-- SGR parameters of ECMA-48.
local STYLES =
  { bold = 1, dim = 2, underline = 4, red = 31, green = 32, yellow = 33, blue = 34, magenta = 35, cyan = 36 }

local function plain(_, text) return text end

local function painted(name, text) return format("\27[%dm%s\27[0m", STYLES[name], text) end

--- The function that tables and charts give their styles: `style("bold", text)`.
-- @tparam boolean colours see @{colours}
-- @treturn function called with the name of a style (bold, dim, underline, red, green, yellow, blue, magenta, cyan) and
-- a text; returns the text, with escape sequences around it where colours are allowed
function terminal.style(colours) return colours and painted or plain end

-- Questions -----------------------------------------------------------------------------------------------------------

-- Reads a line from the terminal without echo. The shell does all of it, so that its trap restores echo whatever
-- becomes of its parent: Ctrl-C and the end of the terminal reach both, and for the end of the parent alone a process
-- in the background looks each second. By then the shell may be in the background, where only a process that ignores
-- SIGTTOU may change the terminal. The line comes through the pipe, for `printf` is built in: it is no argument of a
-- program. The prompt is printed when echo is off, so that nothing is typed too early.
local READ_HIDDEN = [[
saved=$(stty -g) || exit 1
restore() { trap - EXIT; stty "$saved"; echo >&2; [ -z "$watch" ] || kill "$watch" 2>/dev/null; }
trap 'restore; exit 130' INT
trap 'restore; exit 143' TERM HUP QUIT TSTP
trap restore EXIT
trap '' TTOU
parent=$PPID
{ while kill -0 "$parent"; do sleep 1; done; kill "$$"; } </dev/null >/dev/null 2>&1 &
watch=$!
stty -echo
printf '%s' "$HOOPAI_PROMPT" >&2
IFS= read -r line || [ -n "$line" ] || exit 1
printf '%s\n' "$line"
]]

--- Reads a line that must not show, such as a token. On a terminal the prompt goes to stderr and nothing is echoed;
-- echo is as before on every way out. Without a terminal the line is read from stdin, and there is no prompt:
-- `pass show hoopai | hoopai login --token`. The line is returned and goes nowhere else: no error has a part of it.
-- @tparam string prompt printed as it is
-- @tparam[opt] boolean is_terminal whether stdin is a terminal; default: found out
-- @treturn[1] string the line
-- @treturn[2] nil at the end of the input
-- @raise "interrupted!" after Ctrl-C
function terminal.read_hidden(prompt, is_terminal)
  if is_terminal == nil then is_terminal = terminal.is_terminal(0) end
  if not is_terminal then return io.read "l" end
  -- Closed after Ctrl-C too: that waits for the shell, and so for echo.
  local pipe <close> = popen("HOOPAI_PROMPT=" .. shell.quote(prompt) .. "\n" .. READ_HIDDEN, "r")
  local line = pipe:read "l"
  local status = shell.status(pipe:close())
  return status == 0 and line or nil
end

-- The stream to ask on when stdin is no terminal, if there is one.
local function controlling_terminal(is_terminal)
  if is_terminal then return io.stdin, false end
  local file = open("/dev/tty", "r")
  return file or io.stdin, file ~= nil
end

--- Asks a question that only "y" and "yes" affirm. The question goes to stderr, with " [y/N] " after it; the reply is
-- read from stdin if that is a terminal, else from the terminal of the session, else from stdin.
-- @tparam string question printed as it is
-- @tparam[opt] boolean is_terminal whether stdin is a terminal; default: found out
-- @treturn boolean false at the end of the input
-- @raise "interrupted!" after Ctrl-C
function terminal.confirm(question, is_terminal)
  if is_terminal == nil then is_terminal = terminal.is_terminal(0) end
  local file, is_own = controlling_terminal(is_terminal)
  io.stderr:write(question, " [y/N] ")
  local line = file:read "l"
  if is_own then file:close() end
  if not line then io.stderr:write "\n" end
  local reply = lower(match(line or "", "^%s*(.-)%s*$"))
  return reply == "y" or reply == "yes"
end

return terminal
