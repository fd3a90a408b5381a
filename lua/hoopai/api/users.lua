--- Users: the staff. A companion of the Calendars API, of another document.
-- @module hoopai.api.users

-- stylua: ignore start

local user = {
  type = "object", class = "User", doc = "A user of the platform.", fields = {
    { name = "id", type = "string", doc = "Identifier of the user." },
    { name = "name", type = "string", doc = "Whole name." },
    { name = "firstName", type = "string", doc = "First name." },
    { name = "lastName", type = "string", doc = "Last name." },
    { name = "email", type = "string", doc = "E-mail address." },
    { name = "phone", type = "string", doc = "Telephone number." },
    { name = "extension", type = "string", doc = "Extension of the number." },
    { name = "permissions", type = "object", doc = "What the user may do." },
    { name = "roles", type = "object", class = "UserRoles", doc = "What the user is.", fields = {
      { name = "type", type = "string", doc = "`account` for a location, `agency` for an agency." },
      { name = "role", type = "string", doc = "`admin` or `user`." },
      { name = "locationIds", type = "array", items = { type = "string" }, doc = "Locations the user belongs to." },
      { name = "restrictSubAccount", type = "boolean", doc = "Whether the user sees these locations alone." },
    } },
    { name = "deleted", type = "boolean", doc = "Whether the user was deleted." },
    { name = "platformLanguage", type = "string", doc = "Language the user has chosen, such as en_US." },
  },
}

return {
  name = "users", doc = "Users, for their names.", companion = true,

  { name = "get", method = "GET", path = "/users/{userId}",
    doc = "Get one user.",
    version = "2021-07-28", scope = "users.readonly", retry = "safe",
    params = { { name = "userId", type = "string", doc = "Identifier of the user." } },
    status = 200,
    result = { type = user },
  },

  { name = "search", method = "GET", path = "/users/search",
    doc = "Find users of an agency, and of one of its locations; `response.extra.count` says how many there are.",
    version = "2021-07-28", scope = "users.readonly", retry = "safe",
    params = {},
    query = {
      { name = "companyId", type = "string", required = true, doc = "Agency of the users." },
      { name = "locationId", type = "string",
        doc = "Only users of this location (sub-account); filled in from the client's `location_id`." },
      { name = "query", type = "string", doc = "Part of a name, an address or a number." },
      { name = "type", type = "string", doc = "Only users of this type, such as `agency`." },
      { name = "role", type = "string", doc = "Only users of this role, such as `admin`." },
      { name = "ids", type = "string", doc = "Only these users: their identifiers, with commas between them." },
      { name = "sort", type = "string", doc = "Field by which they are sorted, such as `dateAdded`." },
      { name = "sortDirection", type = "string", enum = { "asc", "desc" }, doc = "Order of the list." },
      { name = "enabled2waySync", type = "boolean", doc = "Only users whose calendars are synchronised." },
      { name = "skip", type = "integer", default = 0, min = 0, doc = "How many users to skip." },
      { name = "limit", type = "integer", default = 25, min = 1, doc = "How many users to return at most." },
    },
    pages = { limit = "limit", skip = "skip", size = 25, id = "id" },
    status = 200,
    result = {
      keys = { "users" }, type = { type = "array", items = user },
      extra = { { name = "count", type = "integer", doc = "How many users there are." } },
    },
  },
}
