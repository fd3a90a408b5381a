-- `make demo`: starts an account in the sandbox, and uses the command and an example against it, as a user would.

local sandbox = require "hoopai.sandbox"

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function run()
  local account <close> = sandbox.start()
  local contact = quoted(account.seed.contacts.hugo)
  local variables = {
    HOOPAI_BASE_URL = account.url,
    HOOPAI_TOKEN = account.token,
    HOOPAI_LOCATION_ID = account.location_id,
  }
  local environment = "unset HOOPAI_PROFILE; export"
  for name, value in pairs(variables) do
    environment = environment .. (" %s=%s"):format(name, quoted(value))
  end
  -- Each line is printed, and run.
  local lines = {
    "hoopai calendars",
    "hoopai free physio --days 4",
    "hoopai book physio --contact " .. contact .. " --days 14 --yes",
    "hoopai agenda --days 4",
    "lua examples/book_next_slot.lua " .. contact,
  }
  for _, line in ipairs(lines) do
    print("\n$ " .. line)
    io.stdout:flush() -- before what the program prints
    local command = line:gsub("^lua ", quoted(arg[-1]) .. " "):gsub("^hoopai ", quoted(arg[-1]) .. " bin/hoopai ")
    local _, how, code = os.execute(environment .. "; exec " .. command)
    if code ~= 0 then return how == "exit" and code or 128 + code end
  end
  return 0
end

os.exit(run(), true)
