--- Contacts: the people for whom appointments are booked. A companion of the Calendars API, of another document.
--
-- The search of contacts is not here: the vendor documents neither its body nor its response.
-- @module hoopai.api.contacts
local models = require "hoopai.api.models"

-- stylua: ignore start

local contact_id = { name = "contactId", type = "string", doc = "Identifier of the contact." }

local dnd_settings = {
  name = "dndSettings", type = "object",
  doc = "What must not be sent, by channel: `Call`, `Email`, `SMS`, `WhatsApp`, `GMB` or `FB`.",
}

local contact = {
  type = "object", class = "Contact", doc = "A contact.", fields = {
    { name = "id", type = "string", required = true, doc = "Identifier of the contact." },
    { name = "locationId", type = "string", doc = "Location (sub-account) it belongs to." },
    { name = "name", type = "string", doc = "Whole name." },
    { name = "firstName", type = "string", doc = "First name." },
    { name = "lastName", type = "string", doc = "Last name." },
    { name = "email", type = "string", doc = "E-mail address." },
    { name = "phone", type = "string", doc = "Telephone number, such as +18832327657." },
    { name = "timezone", type = "timezone", doc = "Time zone of the contact." },
    { name = "companyName", type = "string", doc = "Company the contact works for." },
    { name = "type", type = "string", doc = "Kind of contact, such as `lead`." },
    { name = "source", type = "string", doc = "Where the contact came from." },
    { name = "assignedTo", type = "string", doc = "User who looks after the contact." },
    { name = "address1", type = "string", doc = "Street address." },
    { name = "city", type = "string", doc = "City of the address." },
    { name = "state", type = "string", doc = "State of the address." },
    { name = "country", type = "string", doc = "Country, such as US." },
    { name = "postalCode", type = "string", doc = "Postal code." },
    { name = "website", type = "string", doc = "Address of a page of the contact's." },
    { name = "tags", type = "array", items = { type = "string" }, doc = "Tags of the contact." },
    { name = "dnd", type = "boolean", doc = "Whether nothing must be sent to the contact." },
    dnd_settings,
    { name = "dateOfBirth", type = "string", doc = "Day of birth, YYYY-MM-DD." },
    { name = "dateAdded", type = "datetime", doc = "When the contact was created." },
    { name = "dateUpdated", type = "datetime", doc = "When the contact was last changed." },
    { name = "lastActivity", type = "datetime", doc = "When something last happened." },
    { name = "businessId", type = "string", doc = "Business the contact belongs to." },
    { name = "customFields", type = "array", doc = "Values of fields of the location's own.", items = {
      type = "object", class = "ContactCustomField", doc = "The value of a field.", fields = {
        { name = "id", type = "string", doc = "Identifier of the field." },
        { name = "value", type = "any", doc = "Its value." },
      },
    } },
  },
}

local appointment = {
  type = "object", class = "ContactEvent", doc = "An appointment of a contact; its times have no zone.", fields = {
    { name = "id", type = "string", doc = "Identifier of the appointment." },
    { name = "calendarId", type = "string", doc = "Calendar it is in." },
    { name = "locationId", type = "string", doc = "Location (sub-account) it belongs to." },
    { name = "contactId", type = "string", doc = "Contact it was booked for." },
    { name = "groupId", type = "string", doc = "Group of its calendar." },
    { name = "title", type = "string", doc = "Title shown in the calendar." },
    { name = "status", type = "string", doc = "State of the slot, such as `booked`." },
    { name = "appointmentStatus", type = "string", doc = "State of the booking." },
    { name = "assignedUserId", type = "string", doc = "User with whom it is booked." },
    { name = "users", type = "array", items = { type = "string" }, doc = "Further users that take part." },
    { name = "notes", type = "string", doc = "Remarks kept on the appointment itself." },
    { name = "address", type = "string", doc = "Place of the meeting." },
    { name = "assignedResources", type = "array", items = { type = "string" },
      doc = "Identifiers of the rooms and equipment that are reserved for it." },
    { name = "startTime", type = "string", doc = "When it begins, such as 2021-07-16 11:00:00: without a zone." },
    { name = "endTime", type = "string", doc = "When it ends, in the same form." },
    { name = "dateAdded", type = "string", doc = "When it was created." },
    { name = "dateUpdated", type = "string", doc = "When it was last changed." },
  },
}

return {
  name = "contacts", doc = "Contacts, for their names and appointments.", companion = true,

  { name = "get", method = "GET", path = "/contacts/{contactId}",
    doc = "Get one contact.",
    version = "2021-07-28", scope = "contacts.readonly", retry = "safe",
    params = { contact_id },
    status = 200,
    result = { keys = { "contact" }, type = contact },
  },

  -- Which contact counts as the same is a setting of the location: repeated, it may create a second one.
  { name = "upsert", method = "POST", path = "/contacts/upsert",
    doc = "Create a contact, or change the one with this e-mail address or number: `tags` overwrites all its tags.",
    version = "2021-07-28", scope = "contacts.write", retry = "once", reconcile = "none",
    params = {},
    body = { type = "object", class = "ContactUpsert", doc = "A contact to be created or changed.", fields = {
      models.location,
      { name = "firstName", type = "string", doc = "First name." },
      { name = "lastName", type = "string", doc = "Last name." },
      { name = "name", type = "string", doc = "Whole name." },
      { name = "email", type = "string", doc = "E-mail address." },
      { name = "phone", type = "string", doc = "Telephone number, such as +18832327657." },
      { name = "gender", type = "string", doc = "Gender of the contact." },
      { name = "address1", type = "string", doc = "Street address." },
      { name = "city", type = "string", doc = "City of the address." },
      { name = "state", type = "string", doc = "State of the address." },
      { name = "postalCode", type = "string", doc = "Postal code." },
      { name = "country", type = "string", doc = "Country, such as US." },
      { name = "website", type = "string", doc = "Address of a page of the contact's." },
      { name = "timezone", type = "timezone", doc = "Time zone of the contact.", example = "America/Chihuahua" },
      { name = "companyName", type = "string", doc = "Company the contact works for." },
      { name = "dateOfBirth", type = "string", doc = "Day of birth, YYYY-MM-DD." },
      { name = "dnd", type = "boolean", doc = "Whether nothing must be sent to the contact." },
      dnd_settings,
      { name = "inboundDndSettings", type = "object", doc = "What the contact must not send, under `all`." },
      { name = "tags", type = "array", items = { type = "string" },
        doc = "All tags: those that the contact has are overwritten." },
      { name = "customFields", type = "array", doc = "Values of fields of the location's own.", items = {
        type = "object", class = "ContactCustomFieldValue", doc = "The value of a field to be set.", fields = {
          { name = "id", type = "string", doc = "Identifier of the field." },
          { name = "key", type = "string", doc = "Key of the field." },
          { name = "field_value", type = "any", doc = "Its value." },
        },
      } },
      { name = "source", type = "string", doc = "Where the contact came from." },
      { name = "assignedTo", type = "string", doc = "User who looks after the contact." },
      { name = "createNewIfDuplicateAllowed", type = "boolean", default = false,
        doc = "Create another contact where the location allows duplicates, even if there is one." },
    } },
    confirms = { "locationId" },
    status = 200,
    result = {
      keys = { "contact" }, type = contact,
      extra = { { name = "new", type = "boolean", doc = "Whether the contact was created." } },
    },
  },

  -- Its method adds instants: see hoopai.list.contact_appointments.
  { name = "appointments", method = "GET", path = "/contacts/{contactId}/appointments", wrapped = true,
    doc = "List the appointments of a contact; their times have no zone.",
    version = "2021-07-28", scope = "contacts.readonly", retry = "safe",
    params = { contact_id },
    status = 200,
    result = { keys = { "events" }, type = { type = "array", items = appointment } },
  },
}
