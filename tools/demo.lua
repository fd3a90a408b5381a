-- `make demo`: starts an account in the sandbox and runs an example against it, as a user would.

local sandbox = require "hoopai.sandbox"

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function run()
  local account <close> = sandbox.start()
  local command = {
    "HOOPAI_BASE_URL=" .. quoted(account.url),
    "HOOPAI_TOKEN=" .. quoted(account.token),
    "HOOPAI_LOCATION_ID=" .. quoted(account.location_id),
    "exec",
    quoted(arg[-1]),
    "examples/book_next_slot.lua",
    quoted(account.seed.contacts.hugo),
  }
  local _, how, code = os.execute(table.concat(command, " "))
  return how == "exit" and code or 128 + code
end

os.exit(run(), true)
