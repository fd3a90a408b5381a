--- Safe booking of appointments, on top of `appointments:create`: `client.appointments:book`. What it does is in
-- hoopai.booking.safe.
local kinds = require "hoopai.booking.kinds"
local safe = require "hoopai.booking.safe"

-- The methods of client.appointments; `self` is the state of the client, see hoopai.client.
local booking = {}

--- What identifies a booking, for @{Appointments:find_booking}. Plain data, which can be kept in a file.
-- @table Booking
-- @tfield[opt] string reference the text at the end of its description
-- @tfield string calendarId its calendar
-- @tfield string contactId its contact
-- @tfield string startTime its start
-- @tfield[opt] string endTime its end, if one was given
-- @tfield[opt] string locationId its location
-- @tfield[opt] string assignedUserId its user, if one was given
-- @tfield[opt] integer sent_ms when it was sent, in milliseconds since 1970
-- @tfield[opt] table known the events before it: id -> true

--- Books a slot, at most once, and reconciles the booking if its response is lost.
--
-- Give `startTime` (a slot as `free_slots` returned it), or `from` and `to`, any time apart: then the first free slot
-- between them is booked. The create is sent once. If its outcome is unclear (a timeout, a broken connection, a 5xx),
-- the events around the slot are read until the booking is found, for `reconcile_timeout`. They are also read before a
-- refusal is believed, and the next slot tried.
--
-- With a `reference` of your own a program that was killed can be run again: `book` looks for the reference before it
-- sends anything, and returns the booking that it finds. It looks in the calendar, from 24 hours before `from` or
-- `startTime` to 31 days after `to`; cancelled and invalid bookings do not count. It does not find a booking that was
-- moved further or to another calendar, or whose description was changed. Wait for a minute before the second run: the
-- API may still be carrying out the create of the first one.
--
-- With the option `dry_run` it looks for the reference and for a slot, and returns the @{DryRunResult} of the create;
-- `response.slot` is the slot that it would take.
--
-- Two tasks of a program that book one slot, or with one reference, take turns; `queue_timeout` bounds the wait.
-- @tparam table given the fields of `create`, without `ignoreFreeSlotValidation` and `rrule`; and
-- @tparam[opt] integer|string|instant given.from the beginning of the search for a free slot. Default: now
-- @tparam[opt] integer|string|instant given.to its end, which is not part of it. Default: seven days later
-- @tparam[opt] string given.timezone the time zone of the slots. Default: the calendar's
-- @tparam[opt] string given.on_taken if the slot was taken meanwhile: "next" tries the following free ones, "fail" does
-- not. Default: "fail" with `startTime`, else "next"
-- @tparam[opt=5] integer given.max_slots how many slots are tried at most
-- @tparam[opt=true] boolean|string given.reference the text at the end of the description by which the booking is found
-- again: true for a random text; a text of your own (8 to 200 characters, no brackets), which no other booking has; or
-- false for none. Then the booking is recognised by calendar, contact and instant, and the events are also read before
-- it is sent
-- @tparam[opt=60] number given.reconcile_timeout seconds for reconciling, on top of `timeout`. With less than 60 the
-- outcome of a create whose response was lost stays "maybe" if the booking is not found; with 60 or more the last look
-- comes after them
-- @tparam[opt] CallOptions call_options for each request of the booking
-- @treturn[1] Appointment
-- @treturn[1] Response with `slot`, the start as it was sent (or that of the booking that was found, if it is another
-- instant), `reference`, `existing` if the booking was there before, and `reconciled` if it was found after the create
-- @treturn[2] nil
-- @treturn[2] Error `applied` is "no" if nothing was booked: the request was not sent; or it was refused, or its
-- response was lost for a minute, and the booking was looked for and is not there. Else `booking` has all that
-- `appointments:find_booking` needs to look again. Kind "conflict" with "no": the reference is that of a booking of
-- another contact; "duplicate": several bookings have it
-- @raise for wrong use, such as an unknown option
function booking:book(given, call_options) return safe.book(kinds.appointments, self, given, call_options) end

--- Looks again for a booking whose outcome stayed unclear: by its reference from 24 hours before its start to 31 days
-- after it.
-- @tparam Booking wanted the `booking` of the error of `appointments:book`
-- @tparam[opt] CallOptions call_options
-- @treturn[1] Appointment
-- @treturn[1] Response with `reconciled`, and `slot`, the start of the booking
-- @treturn[2] nil
-- @treturn[2] Error of kind "not_found" if there is no such booking now, "duplicate" if there are several. If an event
-- is like it but lacks the reference, `applied` of the former is "maybe", and `details` has its id
-- @raise for wrong use, such as an unknown option
function booking:find_booking(wanted, call_options)
  return safe.find_booking(kinds.appointments, self, wanted, call_options)
end

return booking
