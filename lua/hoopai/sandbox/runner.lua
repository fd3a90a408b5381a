--- Running a program against a sandbox: the variables that scripts read, and the command of a shell that sets them.
-- @module hoopai.sandbox.runner

local concat = table.concat
local error, ipairs, type = error, ipairs, type
local find, format, gsub = string.find, string.format, string.gsub
local os = os

local runner = {}

--- A word of a shell command, whatever is in it.
-- @tparam string text
-- @treturn string
function runner.quote(text) return "'" .. gsub(text, "'", "'\\''") .. "'" end

--- The variables for scripts: those that the library and its examples read, and ids of the seed data. Without a
-- `redirect_uri` in its options the sandbox takes any; the one here is that of `examples/sign_in.lua`.
-- @tparam table facts of a sandbox, as `hoopai.sandbox.server.open` returns them
-- @treturn table list of { name, value }
function runner.variables(facts)
  local oauth, first, list = facts.oauth, facts.first, {}
  local function add(name, value)
    if value then list[#list + 1] = { name, value } end
  end
  add("HOOPAI_BASE_URL", facts.url)
  add("HOOPAI_TOKEN", facts.token)
  add("HOOPAI_LOCATION_ID", facts.location_id)
  add("HOOPAI_CA_FILE", facts.ca_file)
  add("HOOPAI_COMPANY_ID", oauth.company_id)
  add("HOOPAI_CLIENT_ID", oauth.client_id)
  add("HOOPAI_CLIENT_SECRET", oauth.client_secret)
  add("HOOPAI_REDIRECT_URI", oauth.redirect_uri or "http://127.0.0.1:8484/callback")
  add("HOOPAI_AUTHORIZE_HOST", facts.url)
  add("HOOPAI_WEBHOOK_KEY", facts.webhook_key)
  add("CONTACT_ID", first.contact_id)
  add("USER_ID", first.user_id)
  add("CALENDAR_ID", first.calendar_id)
  add("APPOINTMENT_ID", first.appointment_id)
  return list
end

-- Where the words of a program begin in the table `arg` of an interpreter: after the code of `-e` they begin at 0, and
-- after the name of a script at 1. nil if the interpreter was given neither a script nor a program: its `arg` would be
-- the command that serves, which would run itself without end.
local function first_word(arg)
  local last = arg[-1]
  if last == nil then return nil end
  local is_code = arg[-2] == "-e" or type(last) == "string" and find(last, "^%-e.")
  return is_code and 0 or 1
end

--- The words of the option `run`. A list with an element 0 is the table `arg` of an interpreter.
-- @tparam string|table run a command of the shell, or a list of words
-- @treturn ?table the words; nil for a command of the shell
-- @treturn[opt] string what is wrong with `run`
function runner.words(run)
  if type(run) == "string" then return nil, not find(run, "%S") and "is an empty command" or nil end
  local first = run[0] == nil and 1 or first_word(run)
  if not first then return nil, "names no program: write the program after the code, such as lua5.4 script.lua" end
  local words = {}
  for i = first, #run do
    if type(run[i]) ~= "string" then return nil, format("must have strings only, got a %s", type(run[i])) end
    words[#words + 1] = run[i]
  end
  if #words == 0 then return nil, "is an empty list" end
  return words
end

-- The shell becomes the program, so that a signal that ends the program is seen here.
local function command_of(run, variables)
  local parts = { "exec env" }
  for _, variable in ipairs(variables) do
    parts[#parts + 1] = variable[1] .. "=" .. runner.quote(variable[2])
  end
  for _, word in ipairs(runner.words(run) or { "sh", "-c", run }) do
    parts[#parts + 1] = runner.quote(word)
  end
  return concat(parts, " ")
end

--- Runs a program to its end. It has the input and the output of this process; Ctrl-C ends it and not this process.
-- @tparam string|table run as for `words`
-- @tparam table variables of its environment, as `variables` lists them
-- @treturn integer its exit status; 128 and the number of the signal that ended it
function runner.run(run, variables)
  local _, how, code = os.execute(command_of(run, variables))
  if type(code) ~= "number" then error("the program could not be run", 0) end
  return how == "signal" and 128 + code or code
end

return runner
