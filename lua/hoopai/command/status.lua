--- `hoopai status`: which location is used, by which token, and how many requests the API still allows.
local account = require "hoopai.command.lib.account"

local format, ipairs = string.format, ipairs

--- The age of the token of a profile, and when it expires.
local function token_of(context, choice)
  if choice.source ~= "profile" then return {} end
  local fields, store = choice.fields, account.store()
  if fields.auth == "token" then
    local _, kept_at = account.secret(store, account.token_name(choice.name), "the token of the profile")
    return { auth = "token", obtained_at = kept_at }
  end
  local app <close> = account.app(fields, store)
  for _, entry in ipairs(context.check(app:grants())) do
    local is_own = fields.location_id and entry.location_id == fields.location_id
    local is_agency = not fields.location_id and not entry.location_id and entry.company_id == fields.company_id
    if is_own or is_agency then
      return { auth = "oauth", obtained_at = entry.obtained_at, expires_at = entry.expires_at, scope = entry.scope }
    end
  end
  return { auth = "oauth" }
end

--- A length of time in words: its largest unit.
local function length_of(seconds)
  local units = { { 86400, "days" }, { 3600, "hours" }, { 60, "minutes" } }
  for _, unit in ipairs(units) do
    if seconds >= 2 * unit[1] then return format("%d %s", seconds // unit[1], unit[2]) end
  end
  return format("%d seconds", seconds // 1)
end

local function field(screen, title, value)
  if value ~= nil then screen:line(format("%-10s %s", title, value)) end
end

local function show_token(screen, document, now)
  if not document.obtained_at then return end
  local kind = document.auth == "token" and "private" or "OAuth"
  local age = length_of((now - document.obtained_at):seconds())
  local text = format("%s, %s old", kind, age)
  if document.expires_at then
    local left = (document.expires_at - now):seconds()
    text = text .. (left > 0 and ", renewed in " .. length_of(left) or ", to be renewed")
  end
  field(screen, "token", text)
end

local function view_of(document, now)
  return function(screen)
    field(screen, "profile", document.profile or "none")
    if document.source == "environment" then field(screen, "token", "HOOPAI_TOKEN of the environment") end
    show_token(screen, document, now)
    field(screen, "location", document.location_id)
    field(screen, "agency", document.company_id)
    field(screen, "scopes", document.scope)
    field(screen, "server", document.base_url)
    local limit = document.rate_limit or {}
    field(screen, "requests", limit.remaining and format("%d of %s left", limit.remaining, limit.max or "?"))
    field(
      screen,
      "today",
      limit.daily_remaining and format("%d of %s left", limit.daily_remaining, limit.daily_limit or "?")
    )
  end
end

return {
  name = "status",
  summary = "show the location, the token and the rate limit",
  description = [[
    Makes one request, and shows which location and server the commands use, where the token comes from and how old it
    is, and how many requests the API still allows. A status that is not shown is one that is not known.
  ]],
  needs = "client",
  examples = { { "hoopai status", "for the profile in use" }, { "hoopai status --profile clinic --json" } },
  run = function(context)
    local choice, client = context:choice(), context:client()
    local fields, location_id = choice.fields or {}, context:location_or_nil()
    local response
    if location_id then
      local _
      _, response = context.check(client.calendars:list())
    end
    local document = token_of(context, choice) -- after the request, which may renew the token
    document.profile, document.source = choice.name, choice.source
    document.location_id, document.company_id = location_id, fields.company_id
    document.base_url = response and response.url:match "^%a+://[^/]+" or fields.base_url
    document.rate_limit = response and response.rate_limit
    return document, view_of(document, context.library().time.now "UTC")
  end,
}
