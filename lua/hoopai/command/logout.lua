--- `hoopai logout`: forgets the tokens of a profile, and the profile.
local account = require "hoopai.command.lib.account"
local failure = require "hoopai.command.lib.failure"
local profiles = require "hoopai.command.lib.profile"

local format, ipairs = string.format, ipairs

--- Forgets the tokens of an app: with an agency also those of its locations, which have them from it. Once the app has
-- none, its secret is forgotten too.
local function forget_tokens(context, fields, store)
  local app <close> = account.app(fields, store)
  if fields.location_id then
    context.check(app:forget { location_id = fields.location_id })
  else
    for _, entry in ipairs(context.check(app:grants())) do
      if entry.location_id and entry.company_id == fields.company_id then
        context.check(app:forget { location_id = entry.location_id })
      end
    end
    context.check(app:forget { company_id = fields.company_id })
  end
  account.forget_unused(app, fields.client_id, store)
end

return {
  name = "logout",
  summary = "forget the tokens of a profile",
  description = [[
    Removes the tokens of the profile from this computer, and the profile. A token exchange that another program runs
    ends before. The vendor is not informed: to revoke a token or to uninstall an app, use the vendor's pages. With the
    profile of an agency the tokens of its locations are removed too.
  ]],
  examples = { { "hoopai logout", "forgets the profile in use" }, { "hoopai logout --profile clinic" } },
  run = function(context, options)
    local name = profiles.name(options)
    local fields = profiles.read(name)
    if not fields then failure.refuse("profile", format('there is no profile "%s"', name)) end
    -- A sign-in of another kind under this name may have left a private token.
    context.check(context.library().store.forget_secret(account.store(), account.token_name(name)))
    if fields.auth == "oauth" then forget_tokens(context, fields, account.store()) end
    profiles.remove(name)
    return { profile = name }, function(screen) screen:line(format("signed out: the profile %s is removed", name)) end
  end,
}
