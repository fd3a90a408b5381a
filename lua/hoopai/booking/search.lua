--- The search for a booking that was made, or may have been made: by the reference in one of its texts.
--
-- Where the API shows no such text, a booking is known by what was booked, its contact and instant, and by not being
-- older than the request that made it.
--
-- The searches are made for a job: its `client` and `kind`, see hoopai.booking.kinds.
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

--- Makes an error of `book`.
function search.failure(kind, fields)
  fields.method, fields.path = "POST", kind.path
  return errors.new(fields)
end

-- References

local ANY_MARK = "%[ref [^%]]+%]"

--- A reference as it is written in a text. The end is marked too: one reference may begin like another.
function search.mark_of(reference) return "[ref " .. reference .. "]" end

--- Whether a record carries the reference: as its last one, since a text may speak of other bookings. Returns nil if it
-- shows no such text, or if there is no reference.
local function is_marked(kind, wanted, record)
  local text = record[kind.text]
  if not wanted.reference or type(text) ~= "string" then return nil end
  local mark, last = search.mark_of(wanted.reference), 0
  repeat
    local _, stop = find(text, mark, last + 1, true)
    last = stop or last
  until not stop
  return last > 0 and not find(text, ANY_MARK, last + 1)
end

--- Whether a record carries the reference of another booking.
local function has_other_mark(kind, wanted, record)
  return is_marked(kind, wanted, record) == false and find(record[kind.text], ANY_MARK) ~= nil
end

-- What a record is to a search

local GONE = { cancelled = true, invalid = true }

--- Whether a record is no booking any more.
-- @tparam table kind
-- @tparam table record a booking, or an entry of a list
-- @treturn boolean
function search.is_gone(kind, record) return GONE[kind.status_of(record)] == true or record.deleted == true end

--- Whether the response to a create describes another booking than the one that was sent. (Its calendar, contact and
-- instant are compared by each create: see hoopai.call.response.)
-- @tparam table kind
-- @tparam Booking wanted
-- @tparam table record
-- @treturn ?string what is wrong
function search.contradiction(kind, wanted, record)
  local id = record[kind.id]
  if search.is_gone(kind, record) then return "the booking in it does not count, by its status" end
  if wanted.known and wanted.known[id] then return "the booking in it is older: " .. tostring(id) end
  if has_other_mark(kind, wanted, record) then return "the booking in it has another reference: " .. tostring(id) end
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

--- Whether a record is of what was booked, of its contact and instant, and was not there before it was sent.
-- @treturn ?boolean nil if the record shows no contact or no instant, or is part of a series, which `book` does not
-- make: it may be the booking
local function is_alike(kind, wanted, record)
  if wanted.known and wanted.known[record[kind.id]] or not is_of_contact(wanted, record) then return false end
  if kind.is_outside(wanted, record) then return false end
  local start = to_epoch_ms(record.startTime)
  if start and start ~= to_epoch_ms(wanted.startTime) then return false end
  if kind.is_elsewhere(wanted, record) then return nil end -- its services may have been changed since
  return start and record.contactId == wanted.contactId and record.isRecurring ~= true or nil
end

--- Judges a record.
-- @treturn ?string "found"; "like": it may be the booking; nil: it is another one
local function judge(kind, wanted, record, earliest, latest)
  local marked = is_marked(kind, wanted, record)
  if marked then return is_of_contact(wanted, record) and "found" or "like" end
  local alike = is_alike(kind, wanted, record)
  if alike == false or has_other_mark(kind, wanted, record) then return nil end
  local made = record.dateAdded and to_epoch_ms(record.dateAdded)
  if made and earliest and made < earliest - CLOCK_SKEW then return nil end
  if made and latest and made < latest - CLOCK_SKEW then return "like" end
  return alike and marked == nil and "found" or "like"
end

-- Reading

--- The id of an event, for an error. A server may echo the token anywhere.
local function id_of(kind, event) return secrets.without_any(tostring(event[kind.id])) end

--- Adds the entries of the list of a span to `all`, each once. A span whose list is too large is halved. (An entry is
-- called an event here.)
-- @tparam table all a list, and `seen`: id -> true
-- @treturn[1] Response of the last list
-- @treturn[2] nil
-- @treturn[2] Error
local function collect(job, wanted, from, to, call_options, all)
  local kind = job.kind
  local found, response = kind.list(job.client, wanted, from, to, call_options)
  if not found and response.kind == "too_large" and to - from > DAY then
    local middle = (from + to) // 2
    local first, err = collect(job, wanted, from, middle, call_options, all)
    if not first then return nil, err end
    return collect(job, wanted, middle, to, call_options, all)
  end
  if not found then return nil, response end
  for _, event in ipairs(found) do
    local id = type(event) == "table" and event[kind.id] -- a response may have null
    if id ~= false and not (id and all.seen[id]) and not kind.is_outside(wanted, event) then
      all[#all + 1] = event
      if id then all.seen[id] = true end
    end
  end
  return response
end

--- The error of an event whose booking did not come.
local function unreadable(kind, event, what, response)
  response = response and secrets.without_any(response)
  return search.failure(kind, {
    kind = "decode",
    response = response,
    status = response and response.status,
    trace_id = response and response.trace_id,
    attempts = response and response.attempts,
    message = format("the booking of the event %s cannot be read: %s", id_of(kind, event), what),
  })
end

--- Reads the booking of an event.
-- @treturn[1] table
-- @treturn[1] Response
-- @treturn[2] nil
-- @treturn[2] Error
local function get(job, event, call_options)
  local kind = job.kind
  local wanted_id = event[kind.id]
  if type(wanted_id) ~= "string" then return nil, unreadable(kind, event, "it has no id") end
  local record, response = kind.get(job.client, wanted_id, call_options)
  if not record then return nil, response end
  local id = record[kind.id] or kind.has_envelope and not response.unexpected and wanted_id or nil
  if id == wanted_id then return record, response end
  return nil, unreadable(kind, event, "the response has " .. (id and "another one" or "none"), response)
end

local function duplicate(kind, found)
  local ids = {}
  for index, entry in ipairs(found) do
    ids[index] = id_of(kind, entry.event)
  end
  return search.failure(kind, {
    kind = "duplicate",
    applied = "yes",
    details = ids,
    message = format("%d bookings were found where one was sent", #found),
  })
end

--- The booking of a found event: the whole record, or the event itself if that cannot be read.
local function booking_of(job, entry, call_options)
  local event = entry.event
  local record, response = entry.record, entry.response
  if not record then
    record, response = get(job, event, call_options)
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
local function sort_out(job, wanted, from, to, call_options, judge_event)
  local events, found, like, odd = { seen = {} }, {}, nil, nil
  local listed, err = collect(job, wanted, from, to, call_options, events)
  if not listed then return nil, err end
  for _, event in ipairs(events) do
    local verdict, record, response
    if not search.is_gone(job.kind, event) then
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
  if #found > 1 then return nil, duplicate(job.kind, found) end
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
-- @tparam table job
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
function search.sent(job, wanted, from, to, call_options)
  local kind = job.kind
  local found, like = sort_out(job, wanted, from, to, call_options, function(event, listed)
    local earliest, latest = sent_between(wanted, listed)
    local verdict = judge(kind, wanted, event, earliest, latest)
    if not verdict or not wanted.reference or is_marked(kind, wanted, event) ~= nil then return verdict end
    local record, response = get(job, event, call_options) -- the list shows no such text: the record may
    if not record or is_marked(kind, wanted, record) == nil then return verdict, record, response end
    return is_marked(kind, wanted, record) and "found" or nil, record, response
  end)
  if not found then return nil, like end
  if #found == 0 then return false, like and id_of(kind, like.event) end
  return booking_of(job, found[1], call_options)
end

--- Whether a record is what was booked, and has no reference any more. People see and edit the title of a service
-- booking, which holds the reference.
local function is_unmarked(kind, wanted, record)
  if kind.has_slots then return false end
  return is_alike(kind, wanted, record) == true and not has_other_mark(kind, wanted, record)
end

local function conflict(kind, event, message)
  local id = id_of(kind, event)
  local fields = { kind = "conflict", applied = "no", details = { id }, message = message .. id }
  return nil, search.failure(kind, fields)
end

--- Looks for a booking of the job's own reference, which an earlier run of the program may have made.
-- @tparam table job
-- @tparam Booking wanted without `startTime` if any slot of the window will do
-- @treturn same as `sent`, but for `like`
function search.existing(job, wanted)
  local kind, from, to = job.kind, search.whole_span(job, wanted)
  local unmarked
  local found, other = sort_out(job, wanted, from, to, job.options, function(event)
    local marked = is_marked(kind, wanted, event)
    local record, response
    if marked == nil and is_of_contact(wanted, event) then -- the list shows no such text: the record may
      record, response = get(job, event, job.options)
      if not record and response.kind ~= "not_found" then return "failed", nil, response end
      marked = record and is_marked(kind, wanted, record)
    end
    if not marked then
      unmarked = unmarked or is_unmarked(kind, wanted, record or event) and event
      return nil
    end
    return is_of_contact(wanted, record or event) and "found" or "like", record, response
  end)
  if not found then return nil, other end
  if #found == 0 and other then
    return conflict(kind, other.event, "the reference is that of a booking of another contact: ")
  end
  if #found == 0 and unmarked then
    return conflict(kind, unmarked, "the contact has the same booking already, without the reference: ")
  end
  if #found == 0 then return false end
  return booking_of(job, found[1], job.options)
end

--- The ids of the events around the slot before the create is sent. A booking without a reference is recognised later
-- by an id that is not among these.
-- @treturn[1] table id -> true
-- @treturn[2] nil
-- @treturn[2] Error
function search.known_ids(job, wanted, call_options)
  local from, to = search.near_span(wanted)
  local events, known = { seen = {} }, {}
  local listed, err = collect(job, wanted, from, to, call_options, events)
  if not listed then return nil, err end
  for _, event in ipairs(events) do
    local id = event[job.kind.id]
    if id ~= nil then known[id] = true end
  end
  return known
end

return search
