--- Users.
-- @module hoopai.sandbox.handlers.users

local access = require "hoopai.sandbox.domain.access"
local api_errors = require "hoopai.sandbox.api_errors"
local core = require "hoopai.core"
local people = require "hoopai.sandbox.domain.people"

local find, gmatch, lower = string.find, string.gmatch, string.lower
local ipairs, move, sort = ipairs, table.move, table.sort

local users = {}

local function view(user)
  local shown = people.view(user)
  shown.roles = { type = "account", role = "user", locationIds = core.array { user.locationId } }
  shown.locationId, shown.deleted = nil, false
  return shown
end

function users.get(context) return view(access.get(context, "users", context.params.userId, "User")) end

local function set_of(text)
  local set = {}
  for id in gmatch(text, "[^,]+") do
    set[id] = true
  end
  return set
end

-- What a user is found by.
local function matches(user, text)
  for _, field in ipairs { "name", "email", "phone" } do
    if user[field] and find(lower(user[field]), lower(text), 1, true) then return true end
  end
  return false
end

function users.search(context)
  local store, query = context.store, context.query
  if query.companyId ~= store.company_id then
    api_errors.forbidden("The token does not have access to this company.")
  end
  local location_id, ids = query.locationId or context.token.location_id, query.ids and set_of(query.ids)
  local found = store.users:where(
    function(user)
      return user.locationId == location_id
        and (not ids or ids[user.id])
        and (not query.query or matches(user, query.query))
        and (not query.type or query.type == "account")
        and (not query.role or query.role == "user")
    end
  )
  if query.sortDirection == "desc" then sort(found, function(a, b) return a.name > b.name end) end
  local count, skip = #found, query.skip or 0
  local page = move(found, skip + 1, skip + (query.limit or 25), 1, {})
  for index, user in ipairs(page) do
    page[index] = view(user)
  end
  return page, { count = count }
end

return users
