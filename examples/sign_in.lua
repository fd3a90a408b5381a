--- Signs a person in to an OAuth app and stores the tokens, once. Afterwards scripts use
-- hoopai.new { oauth = app, location_id = ... } with the same folder. Needs LuaSocket, for the page after the sign-in.
--
--   HOOPAI_CLIENT_ID=... HOOPAI_CLIENT_SECRET=... lua5.4 examples/sign_in.lua FOLDER [port] [Company]
local hoopai = require "hoopai"
local socket = require "socket"

local folder, port, user_type = arg[1], tonumber(arg[2] or "8484"), arg[3]
if not folder then error("usage: sign_in.lua FOLDER [port] [Company]", 0) end

local scopes = { "calendars.readonly", "calendars.write", "calendars/events.readonly", "calendars/events.write" }
if user_type == "Company" then table.move({ "oauth.readonly", "oauth.write" }, 1, 2, #scopes + 1, scopes) end
local listener = assert(socket.bind("127.0.0.1", port))
local app <close> = hoopai.oauth {
  client_id = os.getenv("HOOPAI_CLIENT_ID"),
  client_secret = os.getenv("HOOPAI_CLIENT_SECRET"),
  store = hoopai.store.file(folder),
  redirect_uri = ("http://127.0.0.1:%d/callback"):format(port),
  scopes = scopes,
}
local url, session = app:authorize_url { pkce = true, host = os.getenv("HOOPAI_AUTHORIZE_HOST") }
print("Open this address in a browser and choose where to install:\n\n  " .. url .. "\n")
io.stdout:flush()

--- Waits for the browser to be sent back, responds to it, and returns the fields of the query.
local function wait_for_browser()
  while true do
    local connection = assert(listener:accept())
    connection:settimeout(10)
    local line = connection:receive("*l") or ""
    local query = line:match("^GET /callback%?(%S*) ")
    connection:send(
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
        .. (query and "Done. You can close this window.\n" or "Waiting for the sign-in.\n")
    )
    connection:close()
    if query then
      local fields = {}
      for name, value in query:gmatch("([^&=]+)=([^&]*)") do
        fields[name] = value:gsub("+", " "):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
      end
      return fields
    end
  end
end

local back = wait_for_browser()
if back.state ~= session.state then error("the answer does not belong to this sign-in (state differs)", 0) end
if not back.code then error("not signed in: " .. tostring(back.error), 0) end
local signed_in = assert(app:exchange {
  code = back.code,
  code_verifier = session.code_verifier,
  redirect_uri = session.redirect_uri,
  user_type = user_type,
})
local location, company = signed_in.location_id, signed_in.company_id
print("Signed in: " .. (location and "location " .. location or "company " .. company))
