--- Safe booking of services, on top of `service_bookings:create`: `client.service_bookings:book`. What it does is in
-- hoopai.booking.safe.
local kinds = require "hoopai.booking.kinds"
local safe = require "hoopai.booking.safe"

-- The methods of client.service_bookings; `self` is the state of the client, see hoopai.client.
local services = {}

--- What identifies a service booking, for @{ServiceBookings:find_booking}. Plain data, which can be kept in a file.
-- @table ServiceBookingRecord
-- @tfield[opt] string reference the text at the end of its title
-- @tfield table services what was booked, as in the request
-- @tfield string contactId its contact
-- @tfield string startTime its start
-- @tfield[opt] string endTime its end, as it was sent
-- @tfield[opt] string locationId its location
-- @tfield[opt] integer sent_ms when it was sent, in milliseconds since 1970
-- @tfield[opt] table known the service bookings before it: id -> true

--- Books services, at most once, and reconciles the booking if its response is lost.
--
-- It works as @{Appointments:book} does with `startTime`. The create is sent once. If its outcome is unclear (a
-- timeout, a broken connection, a 5xx), the service bookings around it are read until it is found, for
-- `reconcile_timeout`. They are also read before a refusal is believed.
--
-- Without a `reference` the booking is recognised by its contact, instant and services, and the service bookings are
-- also read before it is sent. With a `reference` of your own a program that was killed can be run again, and returns
-- the booking that it finds. A service booking has no description: its reference stands at the end of its title, where
-- people see and may change it. If the contact has the same booking without a reference, nothing is sent, and the error
-- has the kind "conflict". Without a `title` the reference alone is the title, in place of the one that the API makes.
--
-- The API does not list the free times of services. Hence nothing proves that a booking which is not found was not
-- made: `applied` stays "maybe", and @{ServiceBookings:find_booking} looks again.
-- @tparam table given the fields of `create`, without `overrideAvailability`; and
-- @tparam[opt=false] boolean|string given.reference the text at the end of the title by which the booking is found
-- again: a text of your own (8 to 200 characters, no brackets), which no other booking has; true for a random one
-- @tparam[opt=60] number given.reconcile_timeout seconds for reconciling, on top of `timeout`
-- @tparam[opt] CallOptions call_options for each request of the booking
-- @treturn[1] ServiceBooking
-- @treturn[1] Response with `slot`, the start as it was sent (or that of the booking that was found, if it is another
-- instant), `reference`, `existing` if the booking was there before, and `reconciled` if it was found after the create
-- @treturn[2] nil
-- @treturn[2] Error `applied` is "no" if nothing was booked: the request was not sent; or it was refused, and the
-- booking was looked for and is not there. Else `booking` has all that `service_bookings:find_booking` needs to look
-- again
-- @raise for wrong use, such as an unknown option
function services:book(given, call_options) return safe.book(kinds.service_bookings, self, given, call_options) end

--- Looks again for a service booking whose outcome stayed unclear, as @{Appointments:find_booking} does.
-- @tparam ServiceBookingRecord wanted the `booking` of the error of `service_bookings:book`
-- @tparam[opt] CallOptions call_options
-- @treturn[1] ServiceBooking
-- @treturn[1] Response with `reconciled`, and `slot`, the start of the booking
-- @treturn[2] nil
-- @treturn[2] Error of kind "not_found" if there is no such booking now, "duplicate" if there are several
-- @raise for wrong use, such as an unknown option
function services:find_booking(wanted, call_options)
  return safe.find_booking(kinds.service_bookings, self, wanted, call_options)
end

return services
