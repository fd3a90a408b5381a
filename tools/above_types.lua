--- The types of the methods above the endpoints for editors, a part of lua/hoopai/meta.lua: what they take and return.
local above_types = {}

--- What the methods that read many records take and return.
local function put_lists(page, writer)
  local put, put_options, put_class, put_table = writer.put, writer.put_options, writer.put_class, writer.put_table
  put_options(
    "Span",
    "What `events:each`, `block_slots:each` and `all` of both take.",
    page.items["Events:each"].comment,
    "given"
  )
  put_table("LocationMember", page.items.LocationMember)
  put("---What `calendars:each_slot` and `calendars:next_slot` take.")
  put("---@class (exact) hoopai.SlotSearch")
  put_class("SlotSearch", page.items["Calendars:each_slot"].comment, "given")
  put("---What `calendars:wait_for_slot` takes.")
  put("---@class (exact) hoopai.SlotWait: hoopai.SlotSearch")
  put_class("SlotWait", page.items["Calendars:wait_for_slot"].comment, "given")
  put_table("Slot", page.items.Slot)
end

--- What `appointments:book` takes and returns: an appointment's fields without its own, and more.
local function put_booking(page, writer)
  local put, put_class, put_table = writer.put, writer.put_class, writer.put_table
  put("---What `appointments:book` takes: the fields of `create`, and where and how to book.")
  put("---@class (exact) hoopai.BookingRequest: hoopai.AppointmentCreate")
  put("---@field startTime? hoopai.BodyTime a slot as `free_slots` gave it; left out where `from` and `to` are given")
  put_class("BookingRequest", page.items["Appointments:book"].comment, "given")
  put("---@class hoopai.BookingResponse: hoopai.Response")
  put("---@field slot string the start as it was sent, or that of the booking that was found")
  put("---@field reference? string what stands in the description")
  put("")
  put_table("Booking", page.items.Booking)
end

--- What `service_bookings:book` takes and returns.
local function put_service_booking(page, writer)
  local put = writer.put
  put("---What `service_bookings:book` takes: the fields of `create`, and how to find the booking again.")
  put("---@class (exact) hoopai.ServiceBookingRequest: hoopai.ServiceBookingCreate")
  writer.put_class("ServiceBookingRequest", page.items["ServiceBookings:book"].comment, "given")
  writer.put_table("ServiceBookingRecord", page.items.ServiceBookingRecord)
end

--- What `contacts:appointments` takes and returns.
local function put_contacts(page, writer)
  local put = writer.put
  put("---%s", (page.items.ContactAppointment.comment.text:gsub("\n", " ")))
  put("---@class hoopai.ContactAppointment: hoopai.ContactEvent")
  writer.put_class("ContactAppointment", page.items.ContactAppointment.comment)
  put("---%s", (page.items.ContactAppointmentOptions.comment.text:gsub("\n", " ")))
  put("---@class (exact) hoopai.ContactAppointmentOptions: hoopai.CallOptions")
  writer.put_class("ContactAppointmentOptions", page.items.ContactAppointmentOptions.comment)
end

--- Writes the types.
-- @tparam table page the reference of the module hoopai
-- @tparam table writer the functions of tools/generate_meta.lua
function above_types.put(page, writer)
  put_booking(page, writer)
  put_service_booking(page, writer)
  put_lists(page, writer)
  put_contacts(page, writer)
end

return above_types
