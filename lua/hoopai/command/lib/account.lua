--- What is behind a profile: its store, its app or token, and the client.
--
-- Tokens are kept in the file store of the settings' folder alone: those of apps under the keys of the library, and
-- secrets of one's own as `token/PROFILE` (a private token) and `client/ID` (the secret of an app).
local failure = require "hoopai.command.lib.failure"
local profiles = require "hoopai.command.lib.profile"

local error, format, gsub, match, pcall = error, string.format, string.gsub, string.match, pcall

local account = {}

account.DEFAULT_BASE_URL = "https://services.leadconnectorhq.com"

--- The store of the tokens. Its folder is made when it is missing.
-- @treturn table
-- @raise a failure of kind "store"
function account.store()
  profiles.make_folder()
  local ok, store = pcall(require("hoopai").store.file, profiles.token_folder())
  if ok then return store end
  failure.refuse("store", match(store, "^.-:%d+: hoopai: (.*)$") or store)
end

--- The name of a profile's private token in the store.
-- @tparam string name of the profile
-- @treturn string
function account.token_name(name) return "token/" .. name end

--- The name of an app's secret in the store.
-- @tparam string client_id
-- @treturn string
function account.client_name(client_id) return "client/" .. gsub(client_id, "[^%w._-]", "_") end

--- A secret of the store.
-- @tparam table store
-- @tparam string name
-- @tparam string what for the message, such as "the token"
-- @treturn userdata
-- @treturn instant when it was kept
-- @raise the Error of the store, and a failure of kind "auth" if the store has no such secret
function account.secret(store, name, what)
  local secret, found = require("hoopai").store.secret(store, name)
  if secret then return secret, found end
  if found then error(found, 0) end
  failure.refuse("auth", format("%s is not in the store", what), "sign in with `hoopai login`")
end

--- The app of a profile.
-- @tparam table fields of the profile
-- @tparam table store
-- @treturn App
function account.app(fields, store)
  return require("hoopai").oauth {
    client_id = fields.client_id,
    client_secret = account.secret(store, account.client_name(fields.client_id), "the secret of the app"),
    store = store,
    base_url = fields.base_url,
    ca_file = fields.ca_file,
    company_id = fields.company_id,
  }
end

--- Forgets the secret of an app that has no tokens, which no `hoopai logout` would find.
-- @tparam App app
-- @tparam string client_id
-- @tparam table store
-- @raise the Error of the store
function account.forget_unused(app, client_id, store)
  local grants, problem = app:grants()
  if not grants then error(problem, 0) end
  if #grants > 0 then return end
  local ok, store_problem = require("hoopai").store.forget_secret(store, account.client_name(client_id))
  if not ok then error(store_problem, 0) end
end

--- Opens what is behind a choice of hoopai.command.lib.profile.
-- @tparam table choice
-- @tparam table options of the command line
-- @treturn table options of `hoopai.new`
-- @treturn ?App to be closed after the client
-- @raise the Error of the store, and a failure of kind "auth" without a token
function account.open(choice, options)
  local fields = choice.fields or {}
  local given = {
    location_id = profiles.location(choice, options),
    base_url = fields.base_url,
    ca_file = fields.ca_file or profiles.variable "HOOPAI_CA_FILE",
  }
  if choice.source ~= "profile" then return given end
  given.base_url = fields.base_url or account.DEFAULT_BASE_URL
  local store = account.store()
  if fields.auth == "token" then
    given.token = account.secret(store, account.token_name(choice.name), "the token of the profile")
    return given
  end
  local app = account.app(fields, store)
  given.oauth, given.company_id = app, fields.company_id
  return given, app
end

--- The address of the API for a new profile.
-- @treturn string
function account.base_url() return profiles.variable "HOOPAI_BASE_URL" or account.DEFAULT_BASE_URL end

return account
