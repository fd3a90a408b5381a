--- Notifications: the messages that a calendar sends before and after appointments.
-- @module hoopai.api.notifications
local models = require "hoopai.api.models"

-- stylua: ignore start

local receiver_types = { "contact", "guest", "assignedUser", "emails", "phoneNumbers", "business" }
local channels = { "email", "inApp", "sms", "whatsapp" }
local notification_types = { "booked", "confirmation", "cancellation", "reminder", "followup", "reschedule" }
local strings = { type = "string" }

local notification_id = { name = "notificationId", type = "string", doc = "Identifier (`_id`) of the notification." }

local offset = {
  type = "object", class = "NotificationOffset", doc = "A distance in time from the appointment.", fields = {
    { name = "timeOffset", type = "integer", doc = "How many units.", example = 2 },
    { name = "unit", type = "string", doc = "The unit.", example = "hours" },
  },
}

local template_id = { name = "templateId", type = "string", doc = "Template of an e-mail." }
local body = { name = "body", type = "string", doc = "Text of an e-mail; in-app messages need none." }
local subject = { name = "subject", type = "string", doc = "Subject of an e-mail; in-app messages need none." }
local after_time = {
  name = "afterTime", type = "array", items = offset,
  doc = "How long after the appointment a `followup` is sent; other types need none.",
}
local before_time = {
  name = "beforeTime", type = "array", items = offset,
  doc = "How long before the appointment a `reminder` is sent; other types need none.",
}
local additional_email_ids = {
  name = "additionalEmailIds", type = "array", items = strings, doc = "Further e-mail addresses to send to.",
}
local additional_phone_numbers = {
  name = "additionalPhoneNumbers", type = "array", items = strings, doc = "Further phone numbers to send to.",
}
local selected_users = {
  name = "selectedUsers", type = "array", items = strings,
  doc = "Recipients of in-app and business e-mail messages; `sub_account_admin` means the location's admins.",
}
local from_address = { name = "fromAddress", type = "string", doc = "Sender's address of an e-mail." }
local from_name = { name = "fromName", type = "string", doc = "Sender's name of an e-mail or SMS." }
local from_number = { name = "fromNumber", type = "string", doc = "Sender's number of an SMS." }

local notification = {
  type = "object", class = "Notification", doc = "One notification of a calendar.", fields = {
    { name = "_id", type = "string", doc = "Identifier of the notification." },
    { name = "receiverType", type = "string", enum = receiver_types, doc = "Recipient." },
    additional_email_ids,
    additional_phone_numbers,
    { name = "channel", type = "string", enum = channels, doc = "How it is sent." },
    { name = "notificationType", type = "string", enum = notification_types, doc = "Occasion on which it is sent." },
    { name = "isActive", type = "boolean", doc = "Whether it is sent." },
    { name = "additionalWhatsappNumbers", type = "array", items = strings,
      doc = "Further WhatsApp numbers it is sent to." },
    template_id,
    body,
    subject,
    after_time,
    before_time,
    selected_users,
    { name = "deleted", type = "boolean", doc = "Whether it was deleted." },
  },
}

-- Update and delete return a sentence, not the notification.
local message = {
  type = "object", class = "NotificationMessage", doc = "Outcome of a change.", fields = {
    { name = "message", type = "string", required = true, doc = "The outcome as a sentence." },
  },
}

return {
  name = "notifications", doc = "Messages that a calendar sends about its appointments.",

  { name = "list", method = "GET", path = "/calendars/{calendarId}/notifications",
    doc = "List the notifications of a calendar.",
    scope = "calendars/events.readonly", retry = "safe",
    params = { models.calendar_id },
    query = {
      { name = "isActive", type = "boolean", doc = "True: only active ones; false: only inactive ones." },
      { name = "deleted", type = "boolean", doc = "True: only deleted ones; false: only those that are not deleted." },
      { name = "limit", type = "integer", default = 100, min = 1, doc = "How many to return at most." },
      { name = "skip", type = "integer", default = 0, min = 0, doc = "How many to skip." },
    },
    pages = { limit = "limit", skip = "skip", size = 100, id = "_id" },
    status = 200,
    result = { type = { type = "array", items = notification } },
  },

  -- reconcile = "none": notifications have no date, so a new one looks like an older one with the same settings.
  { name = "create", method = "POST", path = "/calendars/{calendarId}/notifications",
    doc = "Create one or more notifications; the body is a list.",
    scope = "calendars/events.write", retry = "once", reconcile = "none",
    params = { models.calendar_id },
    body = { type = "array", doc = "Notifications to be created.", min_items = 1, items = {
      type = "object", class = "NotificationCreate", doc = "A notification to be created.", fields = {
        { name = "receiverType", type = "string", required = true, enum = receiver_types, doc = "Recipient." },
        { name = "channel", type = "string", required = true, enum = channels, doc = "How it is sent." },
        { name = "notificationType", type = "string", required = true, enum = notification_types,
          doc = "Occasion on which it is sent." },
        { name = "isActive", type = "boolean", default = true, doc = "Whether it is sent." },
        template_id,
        body,
        subject,
        after_time,
        before_time,
        additional_email_ids,
        additional_phone_numbers,
        selected_users,
        from_address,
        from_name,
        from_number,
      },
    } },
    elsewhere = { deleted = "is read-only here: leave it out, it can only be set by notifications:update" },
    status = 200,
    result = { type = { type = "array", items = notification } },
  },

  { name = "get", method = "GET", path = "/calendars/{calendarId}/notifications/{notificationId}",
    doc = "Get one notification.",
    scope = "calendars/events.readonly", retry = "safe",
    params = { models.calendar_id, notification_id },
    status = 200,
    result = { type = notification },
  },

  { name = "update", method = "PUT", path = "/calendars/{calendarId}/notifications/{notificationId}",
    doc = "Change a notification; returns a message only.",
    scope = "calendars/events.write", retry = "idempotent", reconcile = "get",
    params = { models.calendar_id, notification_id },
    body = { type = "object", class = "NotificationUpdate", update = true,
      doc = "What to change; fields left out stay.", fields = {
      { name = "receiverType", type = "string", enum = receiver_types, clearable = false, doc = "Recipient." },
      additional_email_ids,
      additional_phone_numbers,
      selected_users,
      { name = "channel", type = "string", enum = channels, clearable = false, doc = "How it is sent." },
      { name = "notificationType", type = "string", enum = notification_types, clearable = false,
        doc = "Occasion on which it is sent." },
      { name = "isActive", type = "boolean", doc = "Whether it is sent." },
      { name = "deleted", type = "boolean", doc = "True marks it as deleted, false brings it back." },
      template_id,
      body,
      subject,
      after_time,
      before_time,
      from_address,
      from_number,
      from_name,
    } },
    status = 200,
    result = { type = message },
  },

  { name = "delete", method = "DELETE", path = "/calendars/{calendarId}/notifications/{notificationId}",
    doc = "Delete a notification; it may still be shown, marked as deleted.",
    scope = "calendars/events.write", retry = "idempotent", reconcile = "get",
    params = { models.calendar_id, notification_id },
    status = 200,
    result = { type = message },
  },
}
