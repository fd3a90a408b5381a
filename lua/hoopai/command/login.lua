--- `hoopai login`: signs in with the browser, or keeps a private token.
local account = require "hoopai.command.lib.account"
local failure = require "hoopai.command.lib.failure"
local loopback = require "hoopai.command.lib.loopback"
local profiles = require "hoopai.command.lib.profile"
local shell = require "hoopai.command.lib.shell"

local format, match = string.format, string.match
local error, ipairs, os, pcall = error, ipairs, os, pcall

local SCOPES = {
  "calendars.readonly",
  "calendars.write",
  "calendars/events.readonly",
  "calendars/events.write",
  "calendars/groups.readonly",
  "calendars/groups.write",
  "calendars/resources.readonly",
  "calendars/resources.write",
}
local AGENCY_SCOPES = { "oauth.readonly", "oauth.write" }

--- A line that must not show: from the terminal, or from the standard input if that is none.
local function read_hidden(context, title)
  local is_terminal = context:streams_on_terminal().stdin
  local line
  if is_terminal then
    line = require("hoopai.command.lib.terminal").read_hidden(title .. ": ", true)
  else
    line = context.streams.input:read "l"
  end
  line = line and match(line, "^%s*(.-)%s*$") or ""
  if line ~= "" then return line end
  failure.refuse("login", "no " .. title .. " was given")
end

local function from_environment(context, variable, title)
  return profiles.variable(variable) or read_hidden(context, title)
end

-- A private token

--- Keeps the token once the API has accepted it.
local function with_token(context, name, options)
  local location_id = options.location or profiles.variable "HOOPAI_LOCATION_ID"
  if not location_id then
    failure.usage("a private token is one of a location", "write --location ID, or set HOOPAI_LOCATION_ID")
  end
  local hoopai, token = context.library(), read_hidden(context, "private token")
  local fields = {
    auth = "token",
    location_id = location_id,
    base_url = account.base_url(),
    ca_file = profiles.variable "HOOPAI_CA_FILE",
    zone = options.zone,
  }
  local store = account.store()
  do
    local given = { token = token, location_id = location_id, base_url = fields.base_url, ca_file = fields.ca_file }
    local client <close> = hoopai.new(given)
    context.check(client.calendars:list())
  end
  context.check(hoopai.store.keep_secret(store, account.token_name(name), token))
  local ok, problem = pcall(profiles.write, name, fields)
  if not ok then -- without a profile `hoopai logout` would not find the token
    hoopai.store.forget_secret(store, account.token_name(name))
    error(problem, 0)
  end
  return { profile = name, auth = "token", location_id = location_id }
end

-- OAuth

local function scopes_of(options)
  if options.scope and #options.scope > 0 then return options.scope end
  local scopes = {}
  for _, scope in ipairs(SCOPES) do
    scopes[#scopes + 1] = scope
  end
  for _, scope in ipairs(options.agency and AGENCY_SCOPES or {}) do
    scopes[#scopes + 1] = scope
  end
  return scopes
end

--- Opens a browser, if this computer has a program for that. The address holds no secret.
local function open_browser(url)
  for _, program in ipairs { "xdg-open", "open" } do
    if shell.status(os.execute(format("command -v %s >/dev/null 2>&1", program))) == 0 then
      shell.status(os.execute(format("%s %s >/dev/null 2>&1 &", program, shell.quote(url))))
      return
    end
  end
end

--- What the browser brings back: through the loopback address, else as an address that the user pastes.
local function come_back(context, listener)
  if listener then return listener:wait() end
  context.streams.error:write "After the sign-in, paste the address that the browser shows here: "
  local line = context.streams.input:read "l" or ""
  local query = match(line, "%?([^#%s]*)")
  if not query then failure.refuse("login", "that is no address with a query") end
  return loopback.fields(query)
end

local function check_back(back, session)
  if back.error then
    failure.refuse(
      "login",
      "the sign-in was refused: "
        .. back.error
        .. (back.error_description and " (" .. back.error_description .. ")" or "")
    )
  end
  if back.state ~= session.state then
    failure.refuse("login", "what the browser brought belongs to another sign-in (state differs)", "try again")
  end
  if not back.code then failure.refuse("login", "the browser brought no code", "try again") end
end

--- The address to come back to, and the listener there; nil if it is elsewhere.
local function redirect_of(options)
  local uri = profiles.variable "HOOPAI_REDIRECT_URI"
  if options.port or not uri then uri = format("http://127.0.0.1:%d/callback", options.port or 8484) end
  local port, path = loopback.place(uri)
  return uri, port and loopback.listen(port, path)
end

local function fields_of(signed_in, client_id, options)
  return {
    auth = "oauth",
    client_id = client_id,
    location_id = not options.agency and signed_in.location_id or nil,
    company_id = options.agency and signed_in.company_id or nil,
    base_url = account.base_url(),
    ca_file = profiles.variable "HOOPAI_CA_FILE",
    zone = options.zone,
  }
end

--- The name of tokens among those of an app.
local function key_of(entry) return entry.location_id or entry.company_id end

--- Goes to the browser, and gets the tokens for the code that comes back.
-- @treturn table what app:exchange returns
local function sign_in(context, app, job)
  local options = job.options
  local host = profiles.variable "HOOPAI_AUTHORIZE_HOST" or options.white_label and "white_label" or nil
  local url, session = app:authorize_url { pkce = true, host = host }
  context.streams.error:write("Open this address in a browser, and choose where to install the app:\n\n  ", url, "\n\n")
  if not options.no_browser then open_browser(url) end
  local back = come_back(context, job.listener)
  check_back(back, session)
  for _, entry in ipairs(context.check(app:grants())) do
    job.before[key_of(entry)] = true
  end
  -- First: without it the tokens could not be renewed.
  local name = account.client_name(job.client_id)
  context.check(context.library().store.keep_secret(job.store, name, job.client_secret))
  job.has_kept = true
  local function get_tokens()
    return app:exchange {
      code = back.code,
      code_verifier = session.code_verifier,
      user_type = options.agency and "Company" or "Location",
    }
  end
  return (context:change("the sign-in as the profile " .. job.name, get_tokens))
end

--- Forgets what a sign-in that failed or was interrupted has left: tokens of what had none before, and the secret of an
-- app without tokens. Without a profile `hoopai logout` would not find them.
local function undo(context, job)
  if not job.has_kept then return end
  local app <close> = account.app({ client_id = job.client_id }, job.store)
  for _, entry in ipairs(context.check(app:grants())) do
    local location_id = entry.location_id
    if not job.before[key_of(entry)] then
      context.check(app:forget(location_id and { location_id = location_id } or { company_id = entry.company_id }))
    end
  end
  account.forget_unused(app, job.client_id, job.store)
end

--- Signs in and writes the profile. A token exchange that Ctrl-C interrupts runs to its end when the app is
-- closed.
local function make_profile(context, job)
  local options = job.options
  local app <close> = context.library().oauth {
    client_id = job.client_id,
    client_secret = job.client_secret,
    store = job.store,
    redirect_uri = job.redirect_uri,
    scopes = scopes_of(options),
    ca_file = profiles.variable "HOOPAI_CA_FILE",
  }
  local signed_in = sign_in(context, app, job)
  profiles.write(job.name, fields_of(signed_in, job.client_id, options))
  return signed_in
end

local function with_browser(context, name, options)
  local job = { name = name, options = options, before = {} }
  job.client_id = from_environment(context, "HOOPAI_CLIENT_ID", "client id")
  job.client_secret = from_environment(context, "HOOPAI_CLIENT_SECRET", "client secret")
  job.store = account.store()
  job.redirect_uri, job.listener = redirect_of(options)
  local closing <close> = job.listener or nil -- luacheck: ignore 211
  local ok, signed_in = pcall(make_profile, context, job)
  if not ok then
    undo(context, job)
    error(signed_in, 0)
  end
  return {
    profile = name,
    auth = "oauth",
    location_id = not options.agency and signed_in.location_id or nil,
    company_id = signed_in.company_id,
    scope = signed_in.scope,
  }
end

local function view_of(document)
  return function(screen)
    local whose = document.location_id and "location " .. document.location_id or "agency " .. document.company_id
    screen:line(format("signed in to %s as the profile %s", whose, document.profile))
  end
end

return {
  name = "login",
  summary = "sign in, and keep the tokens",
  description = [[
    Signs in to a location, or with --agency to an agency, in the browser. The id and the secret of your app are
    HOOPAI_CLIENT_ID and HOOPAI_CLIENT_SECRET of the environment, else the command asks for them without echo. The
    browser comes back to http://127.0.0.1:8484/callback, which must be registered as a redirect URL of the app;
    HOOPAI_REDIRECT_URI is another address. Where the command cannot listen there, it asks for the address that the
    browser shows.

    With --token it keeps a private token of a location. The token is read from the terminal without echo, or from the
    standard input. It is kept if the API accepts it.

    Tokens are stored in the folder hoopai/tokens of $XDG_CONFIG_HOME (~/.config), as private files. No option takes a
    token, since the arguments of a program can be read by all users of the computer.
  ]],
  options = {
    { "--token", description = "Keep a private token." },
    { "--agency", description = "Sign in to an agency." },
    {
      "--scope",
      argname = "<scope>",
      count = "*",
      convert = "word",
      description = "Ask for this scope, and no others.",
    },
    { "--port", argname = "<n>", convert = "port", description = "The port to which the browser comes back." },
    { "--white-label", description = "Use the vendor's page without its brand." },
    { "--no-browser", description = "Only print the address." },
  },
  exclusive = { { "--token", "--agency" } },
  examples = {
    { "hoopai login", "signs in to a location in the browser" },
    { "hoopai login --token --location ID --profile clinic", "keeps a private token as the profile clinic" },
    { "hoopai login --token --location ID < FILE", "the same from a file" },
  },
  run = function(context, options)
    local name = profiles.name(options)
    local login = options.token and with_token or with_browser
    local document = login(context, name, options)
    return document, view_of(document)
  end,
}
