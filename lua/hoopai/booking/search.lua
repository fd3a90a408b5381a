--- The search for a booking that was made, or may have been made: by the reference in its description.
--
-- Where the API shows no description, a booking is known by its calendar, contact and instant, and by not being older
-- than the request that made it.
local core = require "hoopai.core"
local errors = require "hoopai.errors"
local retry = require "hoopai.call.retry"
local secrets = require "hoopai.call.secrets"
local time = require "hoopai.time"

local find, format = string.find, string.format
local ipairs, max, next, setmetatable, tostring, type = ipairs, math.max, next, setmetatable, tostring, type
local now, wall_ms, to_epoch_ms = core.now, core.wall_ms, time.to_epoch_ms

local search = {}

-- Milliseconds
local HOUR, DAY = 3600000, 86400000
local CLOCK_SKEW = 5000 -- by which a record may seem older than the request that made it

local METHOD, PATH = "POST", "/calendars/events/appointments"

--- Makes an error of `appointments:book`.
function search.failure(fields)
  fields.method, fields.path = METHOD, PATH
  return errors.new(fields)
end

-- References

local ANY_MARK = "%[ref [^%]]+%]"

--- A reference as it is written in a description. The end is marked too: one reference may begin like another.
function search.mark_of(reference) return "[ref " .. reference .. "]" end

--- Whether a record carries the reference: as its last one, since a text may speak of other bookings. Returns nil if it
-- shows no description, or if there is no reference.
local function is_marked(wanted, record)
  local description = record.description
  if not wanted.reference or type(description) ~= "string" then return nil end
  local mark, last = search.mark_of(wanted.reference), 0
  repeat
    local _, stop = find(description, mark, last + 1, true)
    last = stop or last
  until not stop
  return last > 0 and not find(description, ANY_MARK, last + 1)
end

--- Whether a record carries the reference of another booking.
local function has_other_mark(wanted, record)
  return is_marked(wanted, record) == false and find(record.description, ANY_MARK) ~= nil
end

-- What a record is to a search

local GONE = { cancelled = true, invalid = true }

--- Whether a record is no booking any more.
-- @tparam table record an appointment, or an event of a list
-- @treturn boolean
function search.is_gone(record)
  return GONE[record.appointmentStatus or record.appoinmentStatus] == true or record.deleted == true
end

--- Whether the response to a create describes another booking than the one that was sent. (Its calendar, contact and
-- instant are compared by each create: see hoopai.call.response.)
-- @tparam Booking wanted
-- @tparam table record
-- @treturn ?string what is wrong
function search.contradiction(wanted, record)
  if search.is_gone(record) then return "the booking in it does not count, by its status" end
  if wanted.known and wanted.known[record.id] then return "the booking in it is older: " .. tostring(record.id) end
  if has_other_mark(wanted, record) then return "the booking in it has another reference: " .. tostring(record.id) end
end

local sent_at = setmetatable({}, { __mode = "k" }) -- Booking -> core.now() when it was sent by this program

--- Notes that a booking is sent now.
-- @tparam Booking wanted gets `sent_ms`
function search.note_sending(wanted)
  wanted.sent_ms, sent_at[wanted] = wall_ms(), now()
end

--- A copy of a booking as it is without metamethods, and with the moment at which it was sent.
function search.copy(wanted)
  local copy = {}
  for name, value in next, wanted do
    copy[name] = value
  end
  sent_at[copy] = sent_at[wanted]
  return copy
end

--- When a booking was sent, on the server's clock as the Date header states it. A computer's clock can be set, and its
-- monotonic clock stands still while it sleeps: hence two moments.
-- @treturn ?number the earliest moment, in milliseconds since 1970
-- @treturn ?number the latest
local function sent_between(wanted, response)
  local server, sent_ms, moment = retry.date(response.headers.date), wanted.sent_ms, sent_at[wanted]
  if not server or not sent_ms then return sent_ms, sent_ms end
  local by_wall = wall_ms() - sent_ms
  local elapsed = moment and (now() - moment) * 1000 or by_wall
  return server * 1000 - max(by_wall, elapsed), server * 1000 - elapsed
end

--- Whether a record is of the contact of the booking, as far as it shows one.
local function is_of_contact(wanted, record) return (record.contactId or wanted.contactId) == wanted.contactId end

--- Whether a record is of the calendar, contact and instant of the booking, and was not there before it was sent.
-- @treturn ?boolean nil if the record shows no contact or no instant, or is part of a series, which `book` does not
-- make: it may be the booking
local function is_alike(wanted, record)
  if wanted.known and wanted.known[record.id] or not is_of_contact(wanted, record) then return false end
  if (record.calendarId or wanted.calendarId) ~= wanted.calendarId then return false end
  local start = to_epoch_ms(record.startTime)
  if start and start ~= to_epoch_ms(wanted.startTime) then return false end
  return start and record.contactId == wanted.contactId and record.isRecurring ~= true or nil
end

--- Judges a record.
-- @treturn ?string "found"; "like": it may be the booking; nil: it is another one
local function judge(wanted, record, earliest, latest)
  local marked = is_marked(wanted, record)
  if marked then return is_of_contact(wanted, record) and "found" or "like" end
  local alike = is_alike(wanted, record)
  if alike == false or has_other_mark(wanted, record) then return nil end
  local made = record.dateAdded and to_epoch_ms(record.dateAdded)
  if made and earliest and made < earliest - CLOCK_SKEW then return nil end
  if made and latest and made < latest - CLOCK_SKEW then return "like" end
  return alike and marked == nil and "found" or "like"
end

-- Reading

--- The id of an event, for an error. A server may echo the token anywhere.
local function id_of(event) return secrets.without_any(tostring(event.id)) end

--- Adds the events of the booking's calendar to `all`, each once. A span whose list is too large is halved.
-- @tparam table all a list, and `seen`: id -> true
-- @treturn[1] Response of the last list
-- @treturn[2] nil
-- @treturn[2] Error
local function collect(client, wanted, from, to, call_options, all)
  local found, response = client.events:list({
    locationId = wanted.locationId,
    calendarId = wanted.calendarId,
    startTime = from,
    endTime = to,
  }, call_options)
  if not found and response.kind == "too_large" and to - from > DAY then
    local middle = (from + to) // 2
    local first, err = collect(client, wanted, from, middle, call_options, all)
    if not first then return nil, err end
    return collect(client, wanted, middle, to, call_options, all)
  end
  if not found then return nil, response end
  for _, event in ipairs(found) do
    local is_new = type(event) == "table" and not (event.id ~= nil and all.seen[event.id]) -- a response may have null
    if is_new and (event.calendarId or wanted.calendarId) == wanted.calendarId then
      all[#all + 1] = event
      if event.id ~= nil then all.seen[event.id] = true end
    end
  end
  return response
end

--- The error of an event whose appointment did not come.
local function unreadable(event, what, response)
  response = response and secrets.without_any(response)
  return search.failure {
    kind = "decode",
    response = response,
    status = response and response.status,
    trace_id = response and response.trace_id,
    attempts = response and response.attempts,
    message = format("the appointment of the event %s cannot be read: %s", id_of(event), what),
  }
end

--- Reads the appointment of an event.
-- @treturn[1] table
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] Error
local function get(client, event, call_options)
  if type(event.id) ~= "string" then return nil, unreadable(event, "it has no id") end
  local record, response = client.appointments:get(event.id, call_options)
  if not record then return nil, response end
  local id = record.id or not response.unexpected and event.id or nil
  if id == event.id then return record, response end
  return nil, unreadable(event, "the response has " .. (id and "another one" or "none"), response)
end

local function duplicate(found)
  local ids = {}
  for index, entry in ipairs(found) do
    ids[index] = id_of(entry.event)
  end
  return search.failure {
    kind = "duplicate",
    applied = "yes",
    details = ids,
    message = format("%d bookings were found where one was sent", #found),
  }
end

--- The booking of a found event: the appointment, or the event itself if that cannot be read.
local function booking_of(client, entry, call_options)
  local event = entry.event
  local record, response = entry.record, entry.response
  if not record then
    record, response = get(client, event, call_options)
  end
  if not record then return event, entry.listed, event end
  return record, response, event
end

--- The events of a span that are the booking, and one that may be.
-- @tparam function judge_event judge_event(event, response of the list) -> "found", "like" or nil; and the record and
-- its response, if it was read; or "failed", nil and an error: one that cannot be read hides no booking that is found
-- @treturn[1] table list of { event, listed, record, response }
-- @treturn[1] ?table such an entry
-- @treturn[2] nil
-- @treturn[2] Error
local function sort_out(client, wanted, from, to, call_options, judge_event)
  local events, found, like, odd = { seen = {} }, {}, nil, nil
  local listed, err = collect(client, wanted, from, to, call_options, events)
  if not listed then return nil, err end
  for _, event in ipairs(events) do
    local verdict, record, response
    if not search.is_gone(event) then
      verdict, record, response = judge_event(event, listed)
    end
    if verdict == "failed" and response.kind ~= "decode" then return nil, response end
    local entry = verdict and { event = event, listed = listed, record = record, response = response }
    if verdict == "found" then
      found[#found + 1] = entry
    elseif verdict == "like" then
      like = entry
    elseif verdict == "failed" then
      odd = response
    end
  end
  if #found > 1 then return nil, duplicate(found) end
  if #found == 0 and odd then return nil, odd end
  return found, like
end

--- The span in which the reference of a job is looked for: it may have been booked for another slot of the window, or
-- moved since. Without a reference the instant is what a booking is known by.
-- @tparam table job
-- @tparam Booking wanted
-- @treturn integer milliseconds
-- @treturn integer milliseconds
function search.whole_span(job, wanted)
  if not wanted.reference then return search.near_span(wanted) end
  return job.from - DAY, job.to + 31 * DAY
end

--- The hours around the slot of a booking, where it is as long as it is not moved.
function search.near_span(wanted)
  local start = to_epoch_ms(wanted.startTime)
  return start - HOUR, (wanted.endTime and to_epoch_ms(wanted.endTime) or start) + HOUR
end

--- The span in which a booking is looked for again, later.
function search.later_span(wanted)
  if not wanted.reference then return search.near_span(wanted) end
  local start = to_epoch_ms(wanted.startTime)
  return start - DAY, start + 31 * DAY
end

--- Looks for a booking that was sent.
-- @tparam Client client
-- @tparam Booking wanted
-- @tparam integer from milliseconds
-- @tparam integer to milliseconds
-- @tparam table call_options
-- @treturn[1] table the booking
-- @treturn[1] Response
-- @treturn[1] table the event of the list, which has the instants
-- @treturn[2] boolean false if it is not there
-- @treturn[2] ?string the id of an event that may be it: its description was changed, or it is another booking
-- @treturn[3] nil
-- @treturn[3] Error
function search.sent(client, wanted, from, to, call_options)
  local found, like = sort_out(client, wanted, from, to, call_options, function(event, listed)
    local earliest, latest = sent_between(wanted, listed)
    local verdict = judge(wanted, event, earliest, latest)
    if not verdict or not wanted.reference or is_marked(wanted, event) ~= nil then return verdict end
    local record, response = get(client, event, call_options) -- the list shows no description: the record may
    if not record or is_marked(wanted, record) == nil then return verdict, record, response end
    return is_marked(wanted, record) and "found" or nil, record, response
  end)
  if not found then return nil, like end
  if #found == 0 then return false, like and id_of(like.event) end
  return booking_of(client, found[1], call_options)
end

--- Looks for a booking of the job's own reference, which an earlier run of the program may have made.
-- @tparam table job
-- @tparam Booking wanted without `startTime` if any slot of the window will do
-- @treturn same as `sent`, but for `like`
function search.existing(job, wanted)
  local client, from, to = job.client, search.whole_span(job, wanted)
  local found, other = sort_out(client, wanted, from, to, job.options, function(event)
    local marked = is_marked(wanted, event)
    local record, response
    if marked == nil and is_of_contact(wanted, event) then -- the list shows no description: the record may
      record, response = get(client, event, job.options)
      if not record and response.kind ~= "not_found" then return "failed", nil, response end
      marked = record and is_marked(wanted, record)
    end
    if not marked then return nil end
    return is_of_contact(wanted, record or event) and "found" or "like", record, response
  end)
  if not found then return nil, other end
  if #found == 0 and other then
    local id = id_of(other.event)
    return nil,
      search.failure {
        kind = "conflict",
        applied = "no",
        details = { id },
        message = "the reference is that of a booking of another contact: " .. id,
      }
  end
  if #found == 0 then return false end
  return booking_of(client, found[1], job.options)
end

--- The ids of the events around the slot before the create is sent. A booking without a reference is recognised later
-- by an id that is not among these.
-- @treturn[1] table id -> true
-- @treturn[2] nil
-- @treturn[2] Error
function search.known_ids(client, wanted, call_options)
  local from, to = search.near_span(wanted)
  local events, known = { seen = {} }, {}
  local listed, err = collect(client, wanted, from, to, call_options, events)
  if not listed then return nil, err end
  for _, event in ipairs(events) do
    if event.id ~= nil then known[event.id] = true end
  end
  return known
end

return search
