--- Locations: the sub-accounts. A companion of the Calendars API, of another document.
-- @module hoopai.api.locations

-- stylua: ignore start

local location = {
  type = "object", class = "Location", doc = "A location (sub-account).", fields = {
    { name = "id", type = "string", doc = "Identifier of the location." },
    { name = "companyId", type = "string", doc = "Agency it belongs to." },
    { name = "name", type = "string", doc = "Name of the location." },
    { name = "timezone", type = "timezone", doc = "Time zone of the location." },
    { name = "address", type = "string", doc = "Street address." },
    { name = "city", type = "string", doc = "City of the address." },
    { name = "state", type = "string", doc = "State of the address." },
    { name = "country", type = "string", doc = "Country, such as US." },
    { name = "postalCode", type = "string", doc = "Postal code." },
    { name = "website", type = "string", doc = "Address of its page." },
    { name = "domain", type = "string", doc = "Domain of the platform under which it is shown." },
    { name = "logoUrl", type = "string", doc = "Address of its logo." },
    { name = "firstName", type = "string", doc = "First name of its owner." },
    { name = "lastName", type = "string", doc = "Last name of its owner." },
    { name = "email", type = "string", doc = "E-mail address." },
    { name = "phone", type = "string", doc = "Telephone number." },
    { name = "business", type = "object", doc = "The business: its name, address, `timezone` and more." },
    { name = "social", type = "object", doc = "Addresses of its pages elsewhere." },
    { name = "settings", type = "object", class = "LocationSettings", doc = "Settings of the location.", fields = {
      { name = "allowDuplicateContact", type = "boolean",
        doc = "Whether two contacts may have one e-mail address or number." },
      { name = "allowDuplicateOpportunity", type = "boolean", doc = "The same of opportunities." },
      { name = "allowFacebookNameMerge", type = "boolean", doc = "Whether names of Facebook are merged." },
      { name = "disableContactTimezone", type = "boolean", doc = "Whether contacts have no time zone of their own." },
    } },
  },
}

return {
  name = "locations", doc = "Locations, for their names and time zones.", companion = true,

  { name = "get", method = "GET", path = "/locations/{locationId}",
    doc = "Get one location.",
    version = "2021-07-28", scope = "locations.readonly", retry = "safe",
    params = { { name = "locationId", type = "string", doc = "Identifier of the location." } },
    status = 200,
    result = { keys = { "location" }, type = location },
  },
}
