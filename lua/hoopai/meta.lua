---@meta hoopai

-- Types of hoopai for editors that know LuaLS annotations. Nothing requires this file when a program runs.
-- Written by `make meta` from the comments of the library and from lua/hoopai/api: change those, not this.
-- luacheck: ignore

---@alias hoopai.Null lightuserdata
---@alias hoopai.RequestValue string|integer|boolean|hoopai.time.Instant

---What the `kind` of an error can be; later versions may add some.
---@alias hoopai.ErrorKind
---| "invalid_request" # found before anything was sent; `details` lists every problem
---| "auth" # 401: the token was refused, or there is none
---| "scope" # 401: the token's scope or class, or the version, was refused
---| "forbidden" # 403
---| "not_found" # 404 or 410
---| "conflict" # 409; or the record was changed otherwise since: of a change whose response was lost, and of `edit`
---| "slot_taken" # 400 or 422 of a request that books or moves an appointment, and says that the slot is gone; or nothing is free
---| "refused" # any other 400 or 422, or a response that says the call did not succeed
---| "rate_limit" # 429; `retry_after` is the time to wait
---| "rejected" # any other 4xx
---| "server" # 5xx
---| "network" # no usable connection, or one that broke
---| "timeout" # out of time; `stage` is the part of the call that took too long
---| "tls" # a certificate was not trusted, or the handshake failed
---| "decode" # the response is not JSON, or not of the documented shape
---| "too_large" # the response is larger than allowed
---| "protocol" # broken HTTP; or a redirect: none is followed; or a page of a list in which nothing is new
---| "duplicate" # more than one booking was found for the one that was made
---| "reauth_required" # the stored tokens are not accepted any more, or there are none: a person must sign in again
---| "store" # the token store cannot be read, written or locked; no token was spent, and stored tokens are kept
---| "signature" # a webhook that is not proven to be signed by its sender
---| "stale" # a webhook that is too old, or of the future
---| "replayed" # a webhook that was received already
---| "cancelled" # the task was cancelled
---| "closed" # the client was closed
---| "raised" # the task raised

---All problems of a call, or the texts of a refusal.
---@class hoopai.Details
---@field [integer] hoopai.Detail|string
---@field more? integer how many problems were left out

---The errors of `hoopai.map`, `all` or `race` by index; prints as a list.
---@class hoopai.Errors
---@field [integer] hoopai.Error|any
---@operator concat(any): string

---The second result of a call that fails, after nil. An error prints as one line of at most 2 KiB, `kind: message
---(status, method, path, trace)`, and never holds a secret. Later versions may add kinds.
---@class hoopai.Error
---@operator concat(any): string
---@field kind hoopai.ErrorKind one of `kinds`
---@field message string what went wrong, in words: one line, without what commands a terminal
---the call's effect as far as it is known: "no" = provably none (the request was never sent, was refused, or only
---read), "maybe" = a change was sent and its outcome is unclear (also if a 2xx does not prove it, such as a web page),
---"yes" = the change was accepted, but the response could not be read to its end
---@field applied "no"|"maybe"|"yes"
---@field retryable boolean whether the same call may succeed later and had no effect yet
---@field status? integer HTTP status of the response, if there is one
---of `invalid_request`: all problems, each a `Detail` (and `more`, how many were left out). Of a refusal: all texts, if
---the API sent a list or several
---@field details? hoopai.Details
---@field attempts? integer how many requests were made
---@field method? string HTTP method
---@field path? string path of the request
---@field trace_id? string the id that the vendor's support asks for
---@field response? hoopai.Response the response, if there is one
---of `timeout`: the part of the call in which the time ran out: "queue", "connect", "send", "wait", "receive" or
---"refresh"
---@field stage? "queue"|"connect"|"send"|"wait"|"receive"|"refresh"
---of `rate_limit`: seconds until a call is tried, at most 60, or 600 with the scope "daily"; of a 503: the seconds that
---the API asked for
---@field retry_after? number
---@field scope? "burst"|"daily" of `rate_limit`: "burst" or "daily"
---@field proxy_status? integer HTTP status of a proxy that did not let the request through
---@field curl_code? integer of `network`, `timeout`, `tls` and the like: libcurl's code
---@field cause? any what a function of yours raised or returned: the task of `raised`, the token function of `auth`. Of `reauth_required`: the refusal
---of `appointments:book`, also of one that was cut off (in `unclear`), if the outcome of the booking is not certain:
---all that `appointments:find_booking` needs to search again
---@field booking? hoopai.Booking|hoopai.ServiceBookingRecord
---@field calendarId? string of `calendars:each_slot` and its like, `events:all` and `block_slots:all`: the calendar whose free slots or events were not read
---@field userId? string of `block_slots:all`: the user whose blocked times were not read
---@field traceback? string of `raised`: the stack of the task when it raised
---the line that made the call: "script.lua:12", printed last. If a tail call left none, the line at which the function
---of the task begins: "in the function at script.lua:10". Absent without the debug library
---@field where? string
---of `Task:join`, `timeout` and `race`: the changes that were cut off after they had been sent, a list of errors of
---kind "cancelled"
---@field unclear? hoopai.Error[]

---One problem of a call that was refused before it was sent.
---@class hoopai.Detail
---@field path string the field, such as `teamMembers[2].priority`; empty for the query or body as a whole
---@field problem string what is wrong, in words
---@field given? string what was given, shortened; absent where a name is the problem
---@field expected? string what would be right
---@field suggestion? string what was probably meant

---What a call returns after its result. `headers` and `rate_limit` are read on first access: `pairs` shows them,
---`next` and `rawget` do not before that.
---@class hoopai.Response
---@field status integer HTTP status
---@field headers table<string, string> by name in lower case; repeated ones are joined with ", "
---@field extra table<string, any> the members beside the result in the response, such as `hasMore`
---@field body? any the whole response, decoded
---@field text? string of an error: the beginning of a body that is not JSON, at most 4 KiB, without the token
---@field trace_id? string the id that the vendor's support asks for; without a token that the server echoes in it
---@field rate_limit? hoopai.RateLimit the rate limit, if the response states it
---@field attempts integer how many requests were made
---@field elapsed number seconds from the first sending to the end of the response
---@field url string the URL of the request, without the query; holds no secret
---@field reconciled? boolean true if the response to a change was lost, and the record shows that it was made
---@field existing? boolean of `appointments:book` and `block_slots:ensure`: true if the booking of the reference, or the blocked time, was there before
---@field unchanged? boolean of the `edit` methods: true if the function changed nothing, and nothing was sent
---@field dry_run? boolean true if the option `dry_run` kept the change from being sent: then there is no `status`, and `headers` and `extra` are empty
---@field unexpected? boolean true if the response lacks what is documented: then the whole body is the result

---The rate limit, as the headers of a response state it.
---@class hoopai.RateLimit
---@field max? integer requests allowed in an interval
---@field remaining? integer requests left in this interval
---@field interval_ms? integer length of the interval, in milliseconds
---@field daily_limit? integer requests allowed in a day
---@field daily_remaining? integer requests left today
---@field daily_reset_ms? integer milliseconds until the day begins anew

---What `hoopai.new` takes.
---@class (exact) hoopai.ClientOptions
---the access token; or a secret of `hoopai.store.secret`; or a function that is called for one, with "first" before the
---first call and with "refused" after the API refused its last one. It returns a token, or nil and an error, and may
---wait. A call whose time is over does not wait for it any longer; it goes on, and its token serves the next call.
---Default: HOOPAI_TOKEN of the environment
---@field token? string|async fun(reason: "first"|"refused"): string?, any
---@field oauth? hoopai.App an app of `oauth` that supplies the tokens, instead of `token` and HOOPAI_TOKEN
---with `oauth`: the agency. Its token gives those of its locations that did not sign in themselves, or whose sign-in is
---no longer accepted; without a location calls are made with the agency's token
---@field company_id? string
---@field location_id? string the location (sub-account), filled in if an endpoint takes a `locationId`. Default: HOOPAI_LOCATION_ID of the environment
---the URL of the API: https, or http to this machine. Default: the app's, else HOOPAI_BASE_URL of the environment, else
---`https://services.leadconnectorhq.com`
---@field base_url? string
---@field api_version? string the `Version` header; default "2021-07-28"
---@field timeout? number seconds from the first sending of a call to the end of its response, retries and a renewal of the token included; default 30
---@field queue_timeout? number seconds a call may wait for the rate limit and a free connection before that. Default: no limit
---@field retries? integer|boolean how often a request may be repeated if that is safe; false: never; default 2
---whether calls wait for the rate limit of their location, as the API states it; or a limit of
---`hoopai.rate_limit.redis`, which programs on several hosts share; default true
---@field rate_limit? boolean|hoopai.SharedRateLimit
---@field connect_timeout? number seconds until a connection must be there; default 10
---@field max_connections? integer how many connections may be open; default 64
---@field http2? boolean whether HTTP/2 may be used; default true
---@field validate? boolean whether queries and bodies are checked before they are sent; default true
---@field dry_run? boolean true: changes are checked and not sent; reads are sent. A change gives a `DryRunResult`; default false
---@field ca_file? string certificates to trust instead of the system's (PEM)
---@field proxy? string "environment", or the address of a proxy; with a base URL of https. Default: none
---@field user_agent? string the `User-Agent` header
---@field on? hoopai.Hooks functions that are called for each request and response

---The last argument of every call, for that call alone, and that of `client:with`, for all calls of the new client.
---@class (exact) hoopai.CallOptions
---@field location_id? string the location (sub-account) the call is about
---@field timeout? number seconds from the first sending of a call to the end of its response
---@field queue_timeout? number seconds a call may wait for the rate limit and a free connection before it is sent
---@field retries? integer|boolean how often a request may be repeated; false: never
---@field headers? table<string, string> further headers: name -> value. Headers that the library sets itself are refused
---@field api_version? string the `Version` header
---@field validate? boolean false sends fields and values that the library does not know; lists are still sent as lists
---@field dry_run? boolean true: changes are checked and not sent, and give a `DryRunResult`; reads are sent

---The options of `each` and `all`: those of a call, which hold for each page, and one more.
---@class (exact) hoopai.PageOptions: hoopai.CallOptions
---@field progress? fun(done: integer) called after each record with how many there were; the total is not known. It may not wait

---What `hoopai.map` takes.
---@class (exact) hoopai.MapOptions
---@field concurrency? integer how many calls at a time; default 16
---called with how many items are done and their total each time an item has ended, with or without success. It may not
---wait
---@field progress? fun(done: integer, total: integer)

---What `client:request` takes.
---@class (exact) hoopai.Request
---@field method "GET"|"POST"|"PUT"|"PATCH"|"DELETE" GET, POST, PUT, PATCH or DELETE
---@field path string as it is sent: begins with `/`, holds no query
---@field query? table<string, hoopai.RequestValue|hoopai.RequestValue[]> name -> value, or a list of values; instants are sent as milliseconds
---@field body? table what to send as JSON; instants are sent as ISO 8601 text

---What @{ical} takes beside the events.
---@class (exact) hoopai.IcalOptions
---@field zone? string the zone in which times are written, with a VTIMEZONE that describes it, such as "Europe/Berlin". Default: times are written in UTC
---@field name? string of the calendar, for the programs that show one (`X-WR-CALNAME`)
---@field domain? string what follows the event's id in its UID, after `@`. Keep it: with another one a program takes all events for new ones; default "hoopai"
---@field now? hoopai.QueryTime when the file is made (`DTSTAMP`), such as `hoopai.time.now()`. Default: when the event was last changed
---for messages between calendars, such as "PUBLISH" (`METHOD`). Default: none
---@field method? "PUBLISH"|"REQUEST"|"REPLY"|"ADD"|"CANCEL"|"REFRESH"|"COUNTER"|"DECLINECOUNTER"

---The options of `hoopai.encode`.
---@class (exact) hoopai.EncodeOptions
---whether each value stands on a separate line, indented by two spaces per level; an empty list or object stays on one
---line; default false
---@field indent? boolean

---What `hoopai.log` takes.
---@class (exact) hoopai.LogOptions
---@field write? fun(line: string) called with each line, without its newline; may not wait. Default: writes the line to stderr
---@field verbose? boolean a line also before each repetition and each wait for the rate limit; default false

---Functions that a client or an app calls with its events. A hook must not wait. An error that it raises goes to
---`warn()`.
---@class hoopai.Hooks
---@field request? fun(event: hoopai.RequestEvent) called with a `RequestEvent` before each request
---@field response? fun(event: hoopai.ResponseEvent) called with a `ResponseEvent` after each response or failure
---@field retry? fun(event: hoopai.RetryEvent) called with a `RetryEvent` before the pause that precedes another attempt
---@field wait? fun(event: hoopai.WaitEvent) called with a `WaitEvent` before a call waits for the rate limit
---called with a `RateLimitEvent` when a rate limit of `hoopai.rate_limit.redis` is no longer shared, as Redis cannot be
---asked, and when it is shared again
---@field rate_limit? fun(event: hoopai.RateLimitEvent)
---called with a `DoneEvent` when a call has ended, with or without success. A call whose arguments are wrong is refused
---before anything is sent and emits no event
---@field done? fun(event: hoopai.DoneEvent)
---@field dry_run? fun(event: hoopai.DryRunEvent) called with a `DryRunEvent` in place of a change that the option `dry_run` keeps from being sent
---@field refresh? fun(event: hoopai.RefreshEvent) of an app, or of a client with `oauth`: called with a `RefreshEvent` after each token exchange of the app

---What the hook `request` receives.
---@class hoopai.RequestEvent
---@field endpoint string such as "calendars:get"
---@field method string HTTP method
---@field path string path of the request
---@field attempt integer 1 for the first request of a call, 2 for its first repetition, and so on

---What the hook `response` receives.
---@class hoopai.ResponseEvent
---@field endpoint string such as "calendars:get"
---@field method string HTTP method
---@field path string path of the request
---@field attempt integer 1 for the first request of a call, 2 for its first repetition, and so on
---@field elapsed number seconds since the first sending
---@field status? integer HTTP status, if a response came
---@field trace_id? string the id that the vendor's support asks for
---@field kind? hoopai.ErrorKind the kind of the error, if the request failed
---@field dns? number seconds from the beginning of the attempt until the name was resolved; 0 on a reused connection
---@field connect? number seconds until the connection was open; 0 on a reused one
---@field tls? number seconds until the TLS handshake was over; 0 on a reused one and without TLS
---@field first_byte? number seconds until the first byte of the response
---@field total? number seconds until the end of the transfer
---@field reused? boolean whether the transfer reused an open connection
---@field http_version? string "1.0", "1.1" or "2"

---What the hook `retry` receives, before the pause.
---@class hoopai.RetryEvent
---@field endpoint string such as "calendars:get"
---@field method string HTTP method
---@field path string path of the request
---@field attempt integer the one that failed
---@field action "resend"|"look" "resend"; or "look": the record is read first, to see whether the change was made
---@field reason string the point at which the attempt failed, such as "connect", "unanswered", "server" or "burst"
---@field kind hoopai.ErrorKind the kind of its error
---@field status? integer its HTTP status, if a response came
---@field delay number seconds until the next attempt

---What the hook `wait` receives, before a call waits for the rate limit of its location.
---@class hoopai.WaitEvent
---@field endpoint string such as "calendars:get"
---@field method string HTTP method
---@field path string path of the request
---@field location_id? string the location whose rate limit is reached
---@field seconds number until the next request may leave, as far as is known

---What the hook `rate_limit` receives, when the rate limit of a location is no longer shared with other programs, as
---Redis cannot be asked, and when it is shared again.
---@class hoopai.RateLimitEvent
---@field location_id? string the location
---@field shared boolean whether it is shared; if not, calls go on with what the API's headers state
---@field problem? string why Redis cannot be asked

---What the hook `done` receives.
---@class hoopai.DoneEvent
---@field endpoint string such as "calendars:get"
---@field method string HTTP method
---@field path string path of the request
---@field attempts integer how many requests were made, 0 if none was
---@field elapsed number seconds from the call to its end, all waiting and repetitions included
---@field status? integer HTTP status of the last response
---@field trace_id? string the id that the vendor's support asks for
---@field reused? boolean whether the last request reused an open connection
---@field reconciled? boolean true if the response to a change was lost, and the record shows that it was made
---@field dry_run? boolean true if the option `dry_run` kept a change from being sent
---@field kind? hoopai.ErrorKind the kind of the error, if the call failed; "cancelled" if its task was cancelled
---@field applied? "no"|"maybe"|"yes" the known effect of a call that failed: "no", "maybe" or "yes"

---What the hook `dry_run` receives, in place of a change that is not sent.
---@class hoopai.DryRunEvent
---@field endpoint string such as "calendars:update"
---@field method string HTTP method
---@field path string path of the request, with its query if it has one
---@field body? any what would be sent as JSON, decoded; no token is in it

---The result of a change that the option `dry_run` kept from being sent.
---@class hoopai.DryRunResult
---@field dry_run boolean true
---@field method string HTTP method
---@field path string path of the request, with its ids, and with its query if it has one
---what would be sent as JSON, decoded: instants are text, null is `hoopai.null`, and empty lists are marked as by
---`hoopai.array`. It holds no token
---@field body? any

---What the hook `refresh` receives, after each exchange of a token or failure of one.
---@class hoopai.RefreshEvent
---@field key string the grant: the app's client_id, `location` or `company`, and its id, joined with `/`
---@field ok boolean whether there is a new token
---@field generation? integer how often the grant was exchanged
---the kind of the error, if the exchange failed: with "reauth_required" a person must sign in again. That is emitted
---once for each generation
---@field kind? hoopai.ErrorKind

---An instant for a query: milliseconds since 1970, ISO 8601 with an offset, or a `hoopai.time` value.
---@alias hoopai.QueryTime integer|string|hoopai.time.Instant

---An instant for a body: ISO 8601 with an offset, sent as it is, or a `hoopai.time` value that carries a zone.
---@alias hoopai.BodyTime string|hoopai.time.Instant

---@class hoopai.time.Instant
---@operator add(hoopai.time.Duration): hoopai.time.Instant
---@operator sub(hoopai.time.Duration): hoopai.time.Instant
---@operator sub(hoopai.time.Instant): hoopai.time.Duration
---@operator concat(any): string
local instant = {}

---The instant in ISO 8601 / RFC 3339, as the API takes it: `2024-10-28T10:00:00-05:00`. Milliseconds are written only
---when they are not zero; UTC is written `+00:00`. Raises when there is no zone, or no such zone.
---@nodiscard
---@param zone? string the zone to write it in; default: the one the instant carries
---@return string
function instant:iso(zone) end

---The instant as text, after a pattern in the manner of `os.date`; names are English whatever the locale.
---
---`%Y` year, `%y` its last two digits, `%m` month, `%d` day, `%e` day padded with a space, `%H` hour, `%I` hour 01 to
---12, `%p` AM or PM, `%M` minute, `%S` second, `%L` millisecond, `%j` day of the year, `%a` `%A` weekday, `%b` `%B`
---month name, `%u` weekday 1 (Monday) to 7, `%w` weekday 0 (Sunday) to 6, `%G` `%V` ISO year and week,
---`%F` = `%Y-%m-%d`, `%T` = `%H:%M:%S`, `%R` = `%H:%M`, `%z` offset as -0500, `%:z` as -05:00, `%Z` abbreviation,
---`%s` seconds since 1970, `%n` newline, `%t` tab, `%%` a percent sign. Others raise, as do a missing and an unknown
---zone.
---@nodiscard
---@param pattern string
---@param zone? string default: the one the instant carries
---@return string
function instant:format(pattern, zone) end

---What calendar and clock show at the instant. The table is yours; changed, it can be given to `at`.
---Raises when there is no zone, or no such zone.
---@nodiscard
---@param zone? string default: the one the instant carries
---@return hoopai.time.Date
function instant:date(zone) end

---The instant in milliseconds since 1970-01-01T00:00:00Z.
---@nodiscard
---@return integer
function instant:ms() end

---The name of the zone the instant carries: an IANA name, `UTC`, or an offset such as `-05:00`.
---@nodiscard
---@return string? # the name; nil if it carries none
function instant:zone() end

---Whether the instant carries a zone. One that does not cannot be written into a request body: its offset is all that
---the API receives of a zone.
---@nodiscard
---@return boolean
function instant:has_zone() end

---The same instant with another zone. Raises when there is no such zone.
---@nodiscard
---@param zone string
---@return hoopai.time.Instant
function instant:in_zone(zone) end

---The first instant of the local day the instant is in. That is midnight, or, if the clocks are set forward over
---midnight, the moment after the gap. Raises when there is no zone, or no such zone.
---@nodiscard
---@param zone? string whose days; the result carries it; default: the one the instant carries
---@return hoopai.time.Instant
function instant:start_of_day(zone) end

---The first instant of the week the instant is in. Raises when there is no zone, or no such zone.
---@nodiscard
---@param zone? string whose days; the result carries it; default: the one the instant carries
---@param first_day? string|integer the day weeks begin with: "monday", "sunday", ..., or its number in `date().wday`, which is 1 for Sunday
---@return hoopai.time.Instant
function instant:start_of_week(zone, first_day) end

---The first instant of the month the instant is in. Raises when there is no zone, or no such zone.
---@nodiscard
---@param zone? string whose months; the result carries it; default: the one the instant carries
---@return hoopai.time.Instant
function instant:start_of_month(zone) end

---The first instant of the year the instant is in. Raises when there is no zone, or no such zone.
---@nodiscard
---@param zone? string whose years; the result carries it; default: the one the instant carries
---@return hoopai.time.Instant
function instant:start_of_year(zone) end

---@class hoopai.time.Duration
---@operator add(hoopai.time.Duration): hoopai.time.Duration
---@operator add(hoopai.time.Instant): hoopai.time.Instant
---@operator sub(hoopai.time.Duration): hoopai.time.Duration
---@operator mul(integer): hoopai.time.Duration
---@operator unm: hoopai.time.Duration
---@operator concat(any): string
local duration = {}

---The length of a duration in milliseconds. In all five, a calendar day counts 24 hours. All five raise for a duration
---with months, which has no fixed length.
---@nodiscard
---@return integer
function duration:ms() end

---The length of a duration in seconds.
---@nodiscard
---@return number # an integer if there is no fraction
function duration:seconds() end

---The length of a duration in minutes.
---@nodiscard
---@return number # an integer if there is no fraction
function duration:minutes() end

---The length of a duration in hours.
---@nodiscard
---@return number # an integer if there is no fraction
function duration:hours() end

---The length of a duration in days.
---@nodiscard
---@return number # an integer if there is no fraction
function duration:days() end

---What `hoopai.time.at` takes.
---@class (exact) hoopai.time.Fields
---@field year integer 1 to 9999
---@field month integer 1 to 12
---@field day integer of the month
---@field hour? integer 0 to 23; default 0
---@field min? integer minute; default 0
---@field sec? integer second; default 0
---@field ms? integer millisecond; default 0
---@field zone string an IANA name, `UTC`, or an offset such as "+05:30"
---@field overlap? "earlier"|"later" which one is meant of a time that comes twice: "earlier" or "later"; default "earlier"
---@field offset? integer seconds east of UTC; decides instead of `overlap`

---What `instant:date` returns.
---@class hoopai.time.Date
---@field year integer
---@field month integer 1 to 12
---@field day integer of the month
---@field hour integer 0 to 23
---@field min integer minute
---@field sec integer second
---@field ms integer millisecond
---@field wday integer day of the week; 1 is Sunday
---@field yday integer day of the year, 1 to 366
---whether it is summer time: whether the clocks are ahead of the zone's time of the other season. In Ireland that is so
---in summer; in Morocco since 2018 all year but in Ramadan
---@field isdst boolean
---@field offset integer seconds east of UTC
---@field zone string name of the zone
---@field abbreviation string short name of the zone at that time, such as "CEST"

---Instants, durations and time zones.
---@class hoopai.time
local time = {}

---The present instant. Raises when there is no such zone.
---@nodiscard
---@param zone? string the zone that the instant carries; default: none
---@return hoopai.time.Instant
function time.now(zone) end

---The instant of a local date and time. Raises when a field is missing, wrong or unknown.
---
---A local time skipped by the clocks is moved on by the length of the gap. Of one that comes twice the first is
---meant; `overlap = "later"` means the second. The table from `instant:date` can be given back with fields changed:
---then its `offset` decides between the two, if it is the offset of one of them.
---@nodiscard
---@param fields hoopai.time.Fields|hoopai.time.Date
---@return hoopai.time.Instant
function time.at(fields) end

---The start of a day: `day("2026-12-15", "America/Chicago")`. That is midnight, or, if the clocks are set forward over
---midnight, the moment after the gap. Raises when the text is no day in this spelling, when there is no such day, and
---when there is no such zone.
---@nodiscard
---@param text string year, month and day
---@param zone string an IANA name, `UTC`, or an offset such as "+05:30"; the result carries it
---@return hoopai.time.Instant
function time.day(text, zone) end

---Reads an instant from ISO 8601 / RFC 3339 text with an offset, such as `2024-10-28T10:00:00-05:00`. The value
---carries the offset as its zone (`Z`: UTC).
---
---Seconds may be left out; a fraction of up to nine digits, after a point or comma, is cut to milliseconds; the date
---may be followed by a `T`, `t` or blank; offsets are `Z`, `z`, `+hh:mm`, `+hhmm` or `+hh`, up to 23:59, and `-00:00`
---is `+00:00`. Refused are texts without an offset, dates alone, week and ordinal dates, 24:00, and leap seconds (:60).
---@nodiscard
---@param text string raises when it is not a string
---@return hoopai.time.Instant?
---@return string? # what is wrong, and what to write instead
function time.parse(text) end

---An instant from milliseconds since 1970-01-01T00:00:00Z. Raises when that is not a whole number or is outside the
---years 1 to 9999, and when there is no such zone.
---@nodiscard
---@param ms integer a float without a fraction will do
---@param zone? string the zone that the instant carries; default: none
---@return hoopai.time.Instant
function time.from_ms(ms, zone) end

---An instant from seconds since 1970-01-01T00:00:00Z, as `os.time()` gives them. A fraction is rounded to the
---millisecond. Raises when out of range, or when there is no such zone.
---@nodiscard
---@param seconds number
---@param zone? string the zone that the instant carries; default: none
---@return hoopai.time.Instant
function time.from_seconds(seconds, zone) end

---Checks that there is such a zone on this host.
---@nodiscard
---@param name string an IANA name, `UTC`, `Z`, or an offset `+hh:mm`
---@return string? # the name, with `Z` as `UTC`
---@return string? # what is wrong, naming the zone
function time.zone(name) end

---Whether a value is an instant.
---@nodiscard
---@param v any
---@return boolean
function time.is_instant(v) end

---Whether a value is a duration.
---@nodiscard
---@param v any
---@return boolean
function time.is_duration(v) end

---Reads what a user may give for an instant in a query. The API takes milliseconds there.
---
---Accepted are instants, text that `parse` accepts, and milliseconds as an integer, as a float without a fraction or
---as digits in a string. Numbers below 1e11 are refused: as milliseconds they would be before March 1973, so they can
---only be seconds. Instants before 1970 are refused too.
---@nodiscard
---@param v any
---@return integer? # milliseconds since 1970
---@return string? # what is wrong, and what to write instead
function time.to_epoch_ms(v) end

---Reads what a user may give for an instant in a request body. The API takes ISO 8601 text there, whose offset is all
---that it receives of a zone.
---
---Accepted are text with an offset, which is passed on verbatim, and instants that carry a zone. Text must be spelled
---the usual way (`T`, `Z` or `+hh:mm`, a point before a fraction): other spellings that `parse` reads may be read
---otherwise, or not at all, by the API. Bare numbers are refused: they carry no zone.
---@nodiscard
---@param v any
---@return string?
---@return string? # what is wrong, and what to write instead
function time.to_body_datetime(v) end

---Checks the spelling of a zone name that a request carries. Whether there is such a zone is for the API to decide,
---whose list of zones is not the host's.
---@nodiscard
---@param v any
---@return string? # the name
---@return string? # what is wrong, and what to write instead
function time.to_timezone(v) end

---A duration of n milliseconds.
---@nodiscard
---@param n integer
---@return hoopai.time.Duration
function time.milliseconds(n) end

---A duration of n seconds. Raises when that is not a whole number of milliseconds.
---@nodiscard
---@param n number
---@return hoopai.time.Duration
function time.seconds(n) end

---A duration of n minutes.
---@nodiscard
---@param n number
---@return hoopai.time.Duration
function time.minutes(n) end

---A duration of n hours of 60 minutes: exact time, also across a change of the clocks.
---@nodiscard
---@param n number
---@return hoopai.time.Duration
function time.hours(n) end

---A duration of n calendar days: added to an instant, it arrives at the same time of day in the instant's zone, n days
---later, also if a day in between has 23 or 25 hours. For an instant without a zone a day is 24 hours.
---@nodiscard
---@param n integer
---@return hoopai.time.Duration
function time.days(n) end

---A duration of n calendar weeks, that is 7 n `days`.
---@nodiscard
---@param n integer
---@return hoopai.time.Duration
function time.weeks(n) end

---A duration of n calendar months: added to an instant, it arrives at the same day of the month and time of day in the
---instant's zone, n months later. If that month is too short, it arrives at its last day: 31 January and a month is 28
---or 29 February. For an instant without a zone the calendar is that of UTC.
---
---Of a duration of several parts the months are added first, then the days, then what is exact time. So `start + d - d`
---is not always `start`.
---@nodiscard
---@param n integer
---@return hoopai.time.Duration
function time.months(n) end

---A duration of n calendar years, that is 12 n `months`: 29 February and a year is 28 February.
---@nodiscard
---@param n integer
---@return hoopai.time.Duration
function time.years(n) end

---What `calendars:list` asks for.
---@class (exact) hoopai.CalendarsListQuery
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field groupId? string Only calendars of this group.
---@field showDrafted? boolean Whether to include drafts (default true).

---A calendar.
---@class hoopai.Calendar
---@field id string Identifier of the calendar.
---@field locationId string Location (sub-account) it belongs to.
---@field name string Name of the calendar.
---@field calendarType? "round_robin"|"event"|"class_booking"|"collective"|"service_booking"|"personal" Kind of calendar; can only be set when creating.
---@field teamMembers? hoopai.TeamMember[] Team: needed by round robin, collective, class and service calendars; exactly one in a personal one.
---@field locationConfigurations? hoopai.LocationConfiguration[] Meeting places of an event calendar.
---@field slotBufferUnit? "mins"|"hours" Unit of `slotBuffer`; can only be set when creating.
---@field isActive? boolean Active, or a draft.
---@field description? string What the calendar is for.
---@field groupId? string Group the calendar is in.
---@field slug? string Last part of the calendar's public address.
---@field eventType? "RoundRobin_OptimizeForAvailability"|"RoundRobin_OptimizeForEqualDistribution" How a round robin chooses among its members.
---@field eventTitle? string Title given to new appointments.
---@field eventColor? string Color of its appointments.
---@field slotDuration? integer Length of an appointment, in `slotDurationUnit`.
---@field slotDurationUnit? "mins"|"hours" Unit of `slotDuration`.
---@field slotInterval? integer Distance between the starts of the slots on offer, in `slotIntervalUnit`.
---@field slotIntervalUnit? "mins"|"hours" Unit of `slotInterval`.
---@field slotBuffer? integer Time kept free after an appointment, in `slotBufferUnit`.
---@field preBuffer? integer Time kept free before an appointment, in `preBufferUnit`.
---@field preBufferUnit? "mins"|"hours" Unit of `preBuffer`.
---@field appoinmentPerSlot? integer Bookings per slot and user; in a class booking calendar the seats per slot.
---@field appoinmentPerDay? integer Bookings per day.
---@field allowBookingAfter? integer Shortest notice for a booking, in `allowBookingAfterUnit`.
---@field allowBookingAfterUnit? "hours"|"days"|"weeks"|"months"|"mins" Unit of `allowBookingAfter` (`mins` with version v3 of the API only).
---@field allowBookingFor? integer How far ahead bookings are allowed, in `allowBookingForUnit`.
---@field allowBookingForUnit? "days"|"weeks"|"months" Unit of `allowBookingFor`.
---@field lookBusyConfig? hoopai.LookBusy Hides part of the free slots.
---@field enableRecurring? boolean Whether appointments may repeat; only for calendars with one member.
---@field recurring? hoopai.Recurring How appointments repeat.
---@field autoConfirm? boolean Whether new appointments are confirmed at once.
---@field allowReschedule? boolean Whether contacts may move their appointments.
---@field allowCancellation? boolean Whether contacts may cancel their appointments.
---@field stickyContact? boolean Whether the widget remembers who booked before.
---@field guestType? "count_only"|"collect_detail" What is asked about guests: their number, or their details.
---@field shouldAssignContactToTeamMember? boolean Whether a booking assigns the contact to the team member.
---@field shouldSkipAssigningContactForExisting? boolean Whether contacts that are already assigned keep their user.
---@field shouldSendAlertEmailsToAssignedMember? boolean Whether the assigned user gets alerts.
---@field alertEmail? string Address that gets alerts.
---@field googleInvitationEmails? boolean Whether Google sends its invitations.
---@field widgetType? "default"|"classic" Layout of the booking widget: `default` is the one called neo.
---@field widgetSlug? string Last part of the address of the booking widget.
---@field formId? string Form that people fill in when booking.
---@field formSubmitType? "RedirectURL"|"ThankYouMessage" What is shown after a booking: another page, or a message.
---@field formSubmitRedirectURL? string Page to go to, for `RedirectURL`.
---@field formSubmitThanksMessage? string Text to show, for `ThankYouMessage`.
---@field consentLabel? string Text beside the consent box.
---@field calendarCoverImage? string Address of the cover image.
---@field pixelId? string Tracking pixel of the booking widget.
---@field isLivePaymentMode? boolean Whether payments are real rather than tests.
---@field notes? string Remarks on the calendar.
local Calendar = {}

---Hours of single dates; the weekly ones are in `openHours`.
---@deprecated in version v3 use client.schedules and client.event_schedules
---@type hoopai.Availability[]?
Calendar.availabilities = nil

---Place of the meeting.
---@deprecated use locationConfigurations[].location or teamMembers[].locationConfigurations[].location
---@type string?
Calendar.meetingLocation = nil

---Which hours count: 0 `openHours` only, 1 `availabilities` only, `hoopai.null` both.
---@deprecated in version v3 use client.schedules and client.event_schedules
---@type (0|1|hoopai.Null)?
Calendar.availabilityType = nil

---Weekly hours; those of single dates are in `availabilities`.
---@deprecated in version v3 use client.schedules and client.event_schedules
---@type hoopai.OpenHours[]?
Calendar.openHours = nil

---Notifications in their old form.
---@deprecated use the methods of client.notifications
---@type hoopai.LegacyCalendarNotification[]?
Calendar.notifications = nil

---A user of the calendar's team.
---@class hoopai.TeamMember
---@field userId string User who is part of the team.
---@field priority? number Low, medium or high priority (one of 0, 0.5, 1).
---@field isPrimary? boolean Whether this is the primary member; a collective calendar needs exactly one.
---@field locationConfigurations? hoopai.LocationConfiguration[] Meeting places of this member; several only if the calendar has one member.
local TeamMember = {}

---Kind of meeting place.
---@deprecated use locationConfigurations[].kind
---@type ("custom"|"zoom"|"gmeet"|"phone"|"address"|"teams"|"booker")?
TeamMember.meetingLocationType = nil

---Place of the meeting.
---@deprecated use locationConfigurations[].location
---@type string?
TeamMember.meetingLocation = nil

---A meeting place on offer.
---@class hoopai.LocationConfiguration
---Kind of meeting place; event calendars take no zoom, google or teams conference.
---@field kind "custom"|"zoom_conference"|"google_conference"|"inbound_call"|"outbound_call"|"physical"|"booker"|"ms_teams_conference"
---@field location? string Address, number or link; conferences set up by the platform have none.
---@field meetingId? string Identifier of this place for `meetingLocationId`.

---Hours of one date.
---@class (exact) hoopai.Availability
---@field date string The calendar's local date followed by T00:00:00.000Z; not an instant (such as 2026-12-24T00:00:00.000Z).
---@field hours hoopai.Hours[] Open hours, as many stretches as there are.
---@field deleted? boolean Whether this date's hours are removed (default false).

---From opening to closing.
---@class (exact) hoopai.Hours
---@field openHour integer Hour of opening (0 to 23).
---@field openMinute integer Minute of opening (0 to 60).
---@field closeHour integer Hour of closing (0 to 23).
---@field closeMinute integer Minute of closing (0 to 60).

---The same hours on some days of the week.
---@class (exact) hoopai.OpenHours
---@field daysOfTheWeek integer[] Days of the week, 0 to 6.
---@field hours hoopai.Hours[] Open hours, as many stretches as there are.

---Hides part of the free slots.
---@class (exact) hoopai.LookBusy
---@field enabled boolean Whether slots are hidden.
---@field LookBusyPercentage number How many percent of the slots to hide.

---How appointments repeat.
---@class (exact) hoopai.Recurring
---@field freq? "DAILY"|"WEEKLY"|"MONTHLY" How often.
---@field count? integer How many times, 24 at most.
---@field bookingOption? "skip"|"continue"|"book_next" What to do when one of the times is taken.
---@field bookingOverlapDefaultStatus? "confirmed"|"new" Status of an appointment that was booked although its time is taken.

---Old form of a calendar's notification.
---@class (exact) hoopai.LegacyCalendarNotification
---@field type? "email" How it is sent (default email).
---@field shouldSendToContact boolean Send to the contact.
---@field shouldSendToGuest boolean Send to the guests.
---@field shouldSendToUser boolean Send to the assigned user.
---@field shouldSendToSelectedUsers boolean Send to `selectedUsers`.
---@field selectedUsers string E-mail addresses, separated by commas, in one string.

---A calendar to be created.
---@class (exact) hoopai.CalendarCreate
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field name string Name of the calendar.
---@field calendarType? "round_robin"|"event"|"class_booking"|"collective"|"service_booking"|"personal" Kind of calendar; can only be set when creating.
---@field teamMembers? hoopai.TeamMemberBody[] Team: needed by round robin, collective, class and service calendars; exactly one in a personal one.
---@field locationConfigurations? hoopai.LocationConfigurationBody[] Meeting places of an event calendar.
---Hours of single dates; the weekly ones are in `openHours` (deprecated in version v3: use client.schedules and
---client.event_schedules).
---@field availabilities? hoopai.Availability[]
---@field slotBufferUnit? "mins"|"hours" Unit of `slotBuffer`; can only be set when creating.
---@field isActive? boolean Active, or a draft (default true).
---@field description? string What the calendar is for.
---@field groupId? string Group the calendar is in.
---@field slug? string Last part of the calendar's public address.
---How a round robin chooses among its members (default RoundRobin_OptimizeForAvailability).
---@field eventType? "RoundRobin_OptimizeForAvailability"|"RoundRobin_OptimizeForEqualDistribution"
---@field eventTitle? string Title given to new appointments (default {{contact.name}}).
---@field eventColor? string Color of its appointments (default #039be5).
---Place of the meeting (cannot be sent; deprecated: use locationConfigurations[].location or
---teamMembers[].locationConfigurations[].location).
---@field meetingLocation? nil
---@field slotDuration? integer Length of an appointment, in `slotDurationUnit` (default 30).
---@field slotDurationUnit? "mins"|"hours" Unit of `slotDuration`.
---@field slotInterval? integer Distance between the starts of the slots on offer, in `slotIntervalUnit` (default 30).
---@field slotIntervalUnit? "mins"|"hours" Unit of `slotInterval`.
---@field slotBuffer? integer Time kept free after an appointment, in `slotBufferUnit`.
---@field preBuffer? integer Time kept free before an appointment, in `preBufferUnit`.
---@field preBufferUnit? "mins"|"hours" Unit of `preBuffer`.
---@field appoinmentPerSlot? integer Bookings per slot and user; in a class booking calendar the seats per slot (default 1).
---@field appoinmentPerDay? integer Bookings per day.
---@field allowBookingAfter? integer Shortest notice for a booking, in `allowBookingAfterUnit`.
---@field allowBookingAfterUnit? "hours"|"days"|"weeks"|"months"|"mins" Unit of `allowBookingAfter` (`mins` with version v3 of the API only).
---@field allowBookingFor? integer How far ahead bookings are allowed, in `allowBookingForUnit`.
---@field allowBookingForUnit? "days"|"weeks"|"months" Unit of `allowBookingFor`.
---Which hours count: 0 `openHours` only, 1 `availabilities` only, `hoopai.null` both (deprecated in version v3: use
---client.schedules and client.event_schedules).
---@field availabilityType? 0|1|hoopai.Null
---Weekly hours; those of single dates are in `availabilities` (deprecated in version v3: use client.schedules and
---client.event_schedules).
---@field openHours? hoopai.OpenHours[]
---@field lookBusyConfig? hoopai.LookBusy Hides part of the free slots.
---@field enableRecurring? boolean Whether appointments may repeat; only for calendars with one member (default false).
---@field recurring? hoopai.Recurring How appointments repeat.
---@field autoConfirm? boolean Whether new appointments are confirmed at once (default true).
---@field allowReschedule? boolean Whether contacts may move their appointments (default true).
---@field allowCancellation? boolean Whether contacts may cancel their appointments (default true).
---@field stickyContact? boolean Whether the widget remembers who booked before.
---@field guestType? "count_only"|"collect_detail" What is asked about guests: their number, or their details.
---@field shouldAssignContactToTeamMember? boolean Whether a booking assigns the contact to the team member.
---@field shouldSkipAssigningContactForExisting? boolean Whether contacts that are already assigned keep their user.
---@field shouldSendAlertEmailsToAssignedMember? boolean Whether the assigned user gets alerts.
---@field alertEmail? string Address that gets alerts.
---@field googleInvitationEmails? boolean Whether Google sends its invitations (default false).
---@field notifications? hoopai.LegacyCalendarNotification[] Notifications in their old form (deprecated: use the methods of client.notifications).
---@field widgetType? "default"|"classic" Layout of the booking widget: `default` is the one called neo (default classic).
---@field widgetSlug? string Last part of the address of the booking widget.
---@field formId? string Form that people fill in when booking.
---@field formSubmitType? "RedirectURL"|"ThankYouMessage" What is shown after a booking: another page, or a message (default ThankYouMessage).
---@field formSubmitRedirectURL? string Page to go to, for `RedirectURL`.
---@field formSubmitThanksMessage? string Text to show, for `ThankYouMessage`.
---@field consentLabel? string Text beside the consent box.
---@field calendarCoverImage? string Address of the cover image.
---@field pixelId? string Tracking pixel of the booking widget.
---@field isLivePaymentMode? boolean Whether payments are real rather than tests.
---@field notes? string Remarks on the calendar.

---A user of the calendar's team.
---@class (exact) hoopai.TeamMemberBody
---@field userId string User who is part of the team.
---@field priority? number Low, medium or high priority (one of 0, 0.5, 1; default 0.5).
---@field meetingLocationType? nil Kind of meeting place (cannot be sent; deprecated: use locationConfigurations[].kind).
---@field meetingLocation? nil Place of the meeting (cannot be sent; deprecated: use locationConfigurations[].location).
---@field isPrimary? boolean Whether this is the primary member; a collective calendar needs exactly one.
---@field locationConfigurations? hoopai.LocationConfigurationBody[] Meeting places of this member; several only if the calendar has one member.

---A meeting place to be offered.
---@class (exact) hoopai.LocationConfigurationBody
---Kind of meeting place; event calendars take no zoom, google or teams conference.
---@field kind "custom"|"zoom_conference"|"google_conference"|"inbound_call"|"outbound_call"|"physical"|"booker"|"ms_teams_conference"
---@field location? string Address, number or link; conferences set up by the platform have none.

---What to change; fields left out stay.
---`hoopai.null` clears a field.
---@class (exact) hoopai.CalendarUpdate
---@field name? string Name of the calendar.
---@field teamMembers? hoopai.TeamMemberBody[]|hoopai.Null Team: needed by round robin, collective, class and service calendars; exactly one in a personal one.
---@field locationConfigurations? hoopai.LocationConfigurationBody[]|hoopai.Null Meeting places of an event calendar.
---Hours of single dates; the weekly ones are in `openHours` (deprecated in version v3: use client.schedules and
---client.event_schedules).
---@field availabilities? hoopai.AvailabilityUpdate[]|hoopai.Null
---@field isActive? boolean|hoopai.Null Active, or a draft.
---@field description? string|hoopai.Null What the calendar is for.
---@field groupId? string|hoopai.Null Group the calendar is in.
---@field slug? string|hoopai.Null Last part of the calendar's public address.
---@field eventType? "RoundRobin_OptimizeForAvailability"|"RoundRobin_OptimizeForEqualDistribution"|hoopai.Null How a round robin chooses among its members.
---@field eventTitle? string|hoopai.Null Title given to new appointments.
---@field eventColor? string|hoopai.Null Color of its appointments.
---Place of the meeting (cannot be sent; deprecated: use locationConfigurations[].location or
---teamMembers[].locationConfigurations[].location).
---@field meetingLocation? nil
---@field slotDuration? integer|hoopai.Null Length of an appointment, in `slotDurationUnit`.
---@field slotDurationUnit? "mins"|"hours"|hoopai.Null Unit of `slotDuration`.
---@field slotInterval? integer|hoopai.Null Distance between the starts of the slots on offer, in `slotIntervalUnit`.
---@field slotIntervalUnit? "mins"|"hours"|hoopai.Null Unit of `slotInterval`.
---@field slotBuffer? integer|hoopai.Null Time kept free after an appointment, in `slotBufferUnit`.
---@field preBuffer? integer|hoopai.Null Time kept free before an appointment, in `preBufferUnit`.
---@field preBufferUnit? "mins"|"hours"|hoopai.Null Unit of `preBuffer`.
---@field appoinmentPerSlot? integer|hoopai.Null Bookings per slot and user; in a class booking calendar the seats per slot.
---@field appoinmentPerDay? integer|hoopai.Null Bookings per day.
---@field allowBookingAfter? integer|hoopai.Null Shortest notice for a booking, in `allowBookingAfterUnit`.
---@field allowBookingAfterUnit? "hours"|"days"|"weeks"|"months"|"mins"|hoopai.Null Unit of `allowBookingAfter` (`mins` with version v3 of the API only).
---@field allowBookingFor? integer|hoopai.Null How far ahead bookings are allowed, in `allowBookingForUnit`.
---@field allowBookingForUnit? "days"|"weeks"|"months"|hoopai.Null Unit of `allowBookingFor`.
---Which hours count: 0 `openHours` only, 1 `availabilities` only, `hoopai.null` both (deprecated in version v3: use
---client.schedules and client.event_schedules).
---@field availabilityType? 0|1|hoopai.Null
---Weekly hours; those of single dates are in `availabilities` (deprecated in version v3: use client.schedules and
---client.event_schedules).
---@field openHours? hoopai.OpenHours[]|hoopai.Null
---@field lookBusyConfig? hoopai.LookBusy|hoopai.Null Hides part of the free slots.
---@field enableRecurring? boolean|hoopai.Null Whether appointments may repeat; only for calendars with one member.
---@field recurring? hoopai.Recurring|hoopai.Null How appointments repeat.
---@field autoConfirm? boolean|hoopai.Null Whether new appointments are confirmed at once.
---@field allowReschedule? boolean|hoopai.Null Whether contacts may move their appointments.
---@field allowCancellation? boolean|hoopai.Null Whether contacts may cancel their appointments.
---@field stickyContact? boolean|hoopai.Null Whether the widget remembers who booked before.
---@field guestType? "count_only"|"collect_detail"|hoopai.Null What is asked about guests: their number, or their details.
---@field shouldAssignContactToTeamMember? boolean|hoopai.Null Whether a booking assigns the contact to the team member.
---@field shouldSkipAssigningContactForExisting? boolean|hoopai.Null Whether contacts that are already assigned keep their user.
---@field shouldSendAlertEmailsToAssignedMember? boolean|hoopai.Null Whether the assigned user gets alerts.
---@field alertEmail? string|hoopai.Null Address that gets alerts.
---@field googleInvitationEmails? boolean|hoopai.Null Whether Google sends its invitations.
---@field notifications? hoopai.LegacyCalendarNotification[]|hoopai.Null Notifications in their old form (deprecated: use the methods of client.notifications).
---@field widgetType? "default"|"classic"|hoopai.Null Layout of the booking widget: `default` is the one called neo.
---@field widgetSlug? string|hoopai.Null Last part of the address of the booking widget.
---@field formId? string|hoopai.Null Form that people fill in when booking.
---@field formSubmitType? "RedirectURL"|"ThankYouMessage"|hoopai.Null What is shown after a booking: another page, or a message.
---@field formSubmitRedirectURL? string|hoopai.Null Page to go to, for `RedirectURL`.
---@field formSubmitThanksMessage? string|hoopai.Null Text to show, for `ThankYouMessage`.
---@field consentLabel? string|hoopai.Null Text beside the consent box.
---@field calendarCoverImage? string|hoopai.Null Address of the cover image.
---@field pixelId? string|hoopai.Null Tracking pixel of the booking widget.
---@field isLivePaymentMode? boolean|hoopai.Null Whether payments are real rather than tests.
---@field notes? string|hoopai.Null Remarks on the calendar.

---Hours of one date, new or changed.
---@class (exact) hoopai.AvailabilityUpdate
---@field date string The calendar's local date followed by T00:00:00.000Z; not an instant (such as 2026-12-24T00:00:00.000Z).
---@field hours hoopai.Hours[] Open hours, as many stretches as there are.
---@field deleted? boolean Whether this date's hours are removed (default false).
---@field id? string Entry to change or remove; none for a new date.

---Confirmation without further data.
---@class hoopai.Success
---@field success? boolean Whether the change was made.

---What `calendars:free_slots` asks for.
---`endDate` comes after `startDate`, by 31 days at most.
---@class (exact) hoopai.CalendarsFreeSlotsQuery
---@field startDate hoopai.QueryTime Start of the window (such as 1767571200000).
---@field endDate hoopai.QueryTime End of the window, 31 days later at most (such as 1768176000000).
---@field timezone? string Time zone of the slots. Default: the calendar's (such as America/Los_Angeles).
---@field userId? string Only slots of this user.
---@field userIds? string[] Only slots of these users.
---@field locationId? string Location of the calendar; not needed, and refused by some versions of the API (not in the vendor's document).
---@field enableLookBusy? boolean Whether the calendar's look-busy setting hides slots here too (not in the vendor's document).

---Days (YYYY-MM-DD) with free slots.
---@alias hoopai.FreeSlots table<string, hoopai.FreeDay>

---The free slots of one day.
---@class hoopai.FreeDay
---@field slots string[] Starts of the slots, in order; send them back exactly as they are.

---What `groups:list` asks for.
---@class (exact) hoopai.GroupsListQuery
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.

---A group of calendars.
---@class hoopai.Group
---@field locationId string Location (sub-account) it belongs to.
---@field name string Name of the group.
---@field description string What the group is for.
---@field slug string Last part of the group's public address.
---@field isActive? boolean Whether the group can be booked.
---@field id? string Identifier of the group.

---A group to be created.
---@class (exact) hoopai.GroupCreate
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field name string Name of the group.
---@field description string What the group is for.
---@field slug string Last part of the group's public address (such as first-consultation).
---@field isActive? boolean Whether the group can be booked.

---A slug to be checked.
---@class (exact) hoopai.GroupSlug
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field slug string Slug to check.

---Whether a slug is free.
---@class hoopai.SlugAvailability
---@field available boolean Whether the slug is free.

---The group's new texts.
---@class (exact) hoopai.GroupUpdate
---@field name string Name of the group.
---@field description string What the group is for.
---@field slug string Last part of the group's public address (such as first-consultation).

---The group's new state.
---@class (exact) hoopai.GroupStatus
---@field isActive boolean True switches the group on, false off.

---What `events:list` asks for.
---Takes at least one of `userId`, `calendarId`, `groupId`.
---`endTime` comes after `startTime`.
---@class (exact) hoopai.EventsListQuery
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field userId? string Only events owned by this user.
---@field calendarId? string Only events of this calendar.
---@field groupId? string Only events of the calendars in this group.
---@field startTime hoopai.QueryTime Start of the window (such as 1767571200000).
---@field endTime hoopai.QueryTime End of the window (such as 1767657600000).

---An appointment or a blocked time.
---@class hoopai.Event
---@field id string Identifier of the event or of one instance of a series.
---@field address? string Place of the meeting: an address, a number or a link.
---@field title string Title shown in the calendar.
---@field calendarId string Calendar it is in.
---@field locationId string Location (sub-account) it belongs to.
---@field contactId string Contact it was booked for.
---@field groupId string Group of its calendar.
---@field appointmentStatus "new"|"confirmed"|"cancelled"|"showed"|"noshow"|"invalid"|"active"|"completed" State of the booking.
---The same state under the API's misspelt name; a response may have either or both (not in the vendor's document).
---@field appoinmentStatus? "new"|"confirmed"|"cancelled"|"showed"|"noshow"|"invalid"|"active"|"completed"
---@field assignedUserId string User that it belongs to.
---@field users string[] Further users that take part.
---@field notes? string Remarks kept on the event itself.
---@field description? string Longer description.
---@field isRecurring? boolean Whether it is part of a series.
---@field rrule? string Rule of the series (RFC 5545), without DTSTART.
---@field startTime string When it begins.
---@field endTime string When it ends.
---@field dateAdded string When it was created.
---@field dateUpdated string When it was last changed.
---@field assignedResources? string[] Identifiers of the rooms and equipment that are reserved for it.
---@field createdBy? hoopai.EventAuthor Its creator.
---@field masterEventId? string Series this instance belongs to.
---@field deleted? boolean Whether it was deleted (version v3 of the API only).

---Its creator.
---@class hoopai.EventAuthor
---@field userId? string User that created it, if it was a person.
---@field source string Its source, such as a booking widget.

---Confirmation of a delete.
---@class hoopai.EventDeleted
---@field succeeded? boolean Whether the event was deleted.

---A booking to be made.
---`endTime` comes after `startTime`.
---@class (exact) hoopai.AppointmentCreate
---@field title? string Title shown in the calendar.
---@field meetingLocationType? "custom"|"zoom"|"gmeet"|"phone"|"address"|"ms_teams"|"google" Kind of meeting place; becomes `custom` when an `address` is given.
---Which of the places configured on the calendar or its team member to use (their `meetingId`) (default default; such
---as custom_0).
---@field meetingLocationId? string
---@field overrideLocationConfig? boolean Replace the configured place: true with `meetingLocationType` alone, false with `meetingLocationId` alone.
---State of the booking; `new` holds its slot, and stays `new` in a calendar with `autoConfirm` (`completed` with
---version v3 of the API only; `active` with version v3 of the API only).
---@field appointmentStatus? "new"|"confirmed"|"cancelled"|"showed"|"noshow"|"invalid"|"completed"|"active"
---@field assignedUserId? string User with whom it is booked; many calendars require one, above all with `ignoreFreeSlotValidation`.
---@field description? string Longer description.
---@field address? string Place of the meeting: an address, a number or a link.
---@field ignoreDateRange? boolean Book outside the calendar's minimum notice and booking window.
---@field toNotify? boolean False keeps the automations from running; by default they run.
---Book without checking that the slot is free: switches off the server's guard against double booking, and
---`ignoreDateRange` with it.
---@field ignoreFreeSlotValidation? boolean
---Rule of a series (RFC 5545), without DTSTART; only honoured together with `ignoreFreeSlotValidation` (such as
---RRULE:FREQ=WEEKLY;INTERVAL=1;COUNT=4).
---@field rrule? string
---@field calendarId string Calendar to book in.
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field contactId string Contact the booking is for.
---@field startTime hoopai.BodyTime When it begins; the API takes its time zone from the offset (such as 2026-01-05T10:00:00-05:00).
---@field endTime? hoopai.BodyTime When it ends. Default on create: after the calendar's slot duration (such as 2026-01-05T10:30:00-05:00).

---An appointment, as create and update return it.
---@class hoopai.Appointment
---@field calendarId string Calendar it is in.
---@field locationId string Location (sub-account) it belongs to.
---@field contactId string Contact it was booked for.
---@field startTime? string When it begins; often left out of the response.
---@field endTime? string When it ends; often left out of the response.
---@field title? string Title shown in the calendar.
---@field meetingLocationType? string Kind of meeting place.
---@field appointmentStatus? "new"|"confirmed"|"cancelled"|"showed"|"noshow"|"invalid"|"active"|"completed" State of the booking.
---The same state under the API's misspelt name; a response may have either or both (not in the vendor's document).
---@field appoinmentStatus? "new"|"confirmed"|"cancelled"|"showed"|"noshow"|"invalid"|"active"|"completed"
---@field assignedUserId? string User with whom it is booked.
---@field address? string Place of the meeting.
---@field isRecurring? boolean Whether it is part of a series.
---@field rrule? string Rule of the series (RFC 5545).
---@field id string Identifier of the appointment.
---@field dateAdded? string When it was created (version v3 of the API only).
---@field dateUpdated? string When it was last changed (version v3 of the API only).

---What to change; fields left out stay.
---`endTime` comes after `startTime`.
---`hoopai.null` clears a field.
---@class (exact) hoopai.AppointmentUpdate
---@field title? string|hoopai.Null Title shown in the calendar.
---Kind of meeting place; becomes `custom` when an `address` is given.
---@field meetingLocationType? "custom"|"zoom"|"gmeet"|"phone"|"address"|"ms_teams"|"google"|hoopai.Null
---@field meetingLocationId? string|hoopai.Null Which of the places configured on the calendar or its team member to use (their `meetingId`) (such as custom_0).
---@field overrideLocationConfig? boolean|hoopai.Null Replace the configured place: true with `meetingLocationType` alone, false with `meetingLocationId` alone.
---State of the booking; `new` holds its slot, and stays `new` in a calendar with `autoConfirm` (`completed` with
---version v3 of the API only; `active` with version v3 of the API only).
---@field appointmentStatus? "new"|"confirmed"|"cancelled"|"showed"|"noshow"|"invalid"|"completed"|"active"
---@field assignedUserId? string|hoopai.Null User with whom it is booked; many calendars require one, above all with `ignoreFreeSlotValidation`.
---@field description? string|hoopai.Null Longer description.
---@field address? string|hoopai.Null Place of the meeting: an address, a number or a link.
---@field ignoreDateRange? boolean|hoopai.Null Book outside the calendar's minimum notice and booking window.
---@field toNotify? boolean|hoopai.Null False keeps the automations from running; by default they run.
---Book without checking that the slot is free: switches off the server's guard against double booking, and
---`ignoreDateRange` with it.
---@field ignoreFreeSlotValidation? boolean|hoopai.Null
---Rule of a series (RFC 5545), without DTSTART; only honoured together with `ignoreFreeSlotValidation` (such as
---RRULE:FREQ=WEEKLY;INTERVAL=1;COUNT=4).
---@field rrule? string|hoopai.Null
---@field calendarId? string Calendar to move it to.
---@field startTime? hoopai.BodyTime New start; the API takes its time zone from the offset (such as 2026-01-05T10:00:00-05:00).
---@field endTime? hoopai.BodyTime When it ends. Default on create: after the calendar's slot duration (such as 2026-01-05T10:30:00-05:00).

---What `block_slots:list` asks for.
---Takes at least one of `userId`, `calendarId`, `groupId`.
---`endTime` comes after `startTime`.
---@class (exact) hoopai.BlockSlotsListQuery
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field userId? string Only blocks of this user.
---@field calendarId? string Only blocks of this calendar.
---@field groupId? string Only blocks of the calendars in this group.
---@field startTime hoopai.QueryTime Start of the window (such as 1767571200000).
---@field endTime hoopai.QueryTime End of the window (such as 1767657600000).

---A time to be blocked.
---Takes exactly one of `calendarId`, `assignedUserId`.
---`endTime` comes after `startTime`.
---@class (exact) hoopai.BlockSlotCreate
---@field title? string Title shown in the calendar.
---@field calendarId? string Event calendar to block; give this or `assignedUserId`, not both.
---@field assignedUserId? string User to block; give this or `calendarId`, not both.
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field startTime? hoopai.BodyTime When the block begins (such as 2026-01-05T12:00:00-05:00).
---@field endTime? hoopai.BodyTime When the block ends (such as 2026-01-05T13:00:00-05:00).

---A blocked time.
---@class hoopai.BlockSlot
---@field id string Identifier, for update and delete.
---@field locationId string Location (sub-account) it belongs to.
---@field title string Title shown in the calendar.
---@field startTime string When the block begins.
---@field endTime string When the block ends.
---@field calendarId? string Calendar that is blocked.
---@field assignedUserId? string User who is blocked.

---What to change; fields left out stay.
---Takes exactly one of `calendarId`, `assignedUserId`.
---`endTime` comes after `startTime`.
---`hoopai.null` clears a field.
---@class (exact) hoopai.BlockSlotUpdate
---@field title? string|hoopai.Null Title shown in the calendar.
---@field calendarId? string|hoopai.Null Event calendar to block; give this or `assignedUserId`, not both.
---@field assignedUserId? string|hoopai.Null User to block; give this or `calendarId`, not both.
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field startTime? hoopai.BodyTime When the block begins (such as 2026-01-05T12:00:00-05:00).
---@field endTime? hoopai.BodyTime When the block ends (such as 2026-01-05T13:00:00-05:00).

---What `notes:list` asks for.
---@class (exact) hoopai.NotesListQuery
---@field limit? integer How many notes to return at most; filled in because the API requires it (1 to 20; default 20).
---@field offset? integer How many notes to skip; filled in because the API requires it (at least 0; default 0).

---A note on an appointment.
---@class hoopai.Note
---@field id? string Identifier of the note.
---@field body? string Text of the note.
---@field userId? string User in whose name it was written.
---@field dateAdded? string When it was written.
---@field contactId? string Contact of the appointment.
---@field createdBy? hoopai.NoteAuthor Its author.

---Its author.
---@class hoopai.NoteAuthor
---@field id? string Identifier of the user.
---@field name? string Name of the user.

---What stands beside the result.
---@class hoopai.NotesListExtra
---@field hasMore? boolean Whether more notes follow these.

---Text of a note, with its author.
---@class (exact) hoopai.NoteBody
---@field userId? string User in whose name the note is written.
---@field body string Text of the note (at most 5000 characters).

---New text of a note.
---`hoopai.null` clears a field.
---@class (exact) hoopai.NoteUpdate
---@field userId? string|hoopai.Null User in whose name the note is written.
---@field body string Text of the note (at most 5000 characters).

---What `resources:list` asks for.
---@class (exact) hoopai.ResourcesListQuery
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field limit? integer How many resources to return at most; filled in because the API requires it (at least 1; default 100).
---@field skip? integer How many resources to skip; filled in because the API requires it (at least 0; default 0).

---A room or a piece of equipment, with its calendars.
---@class hoopai.Resource
---@field id? string Identifier, where the response has one: not that of `get` (not in the vendor's document).
---@field locationId string Location (sub-account) it belongs to.
---@field name string Name of the resource.
---@field resourceType "equipments"|"rooms" Kind of resource.
---@field isActive boolean Whether it can be reserved.
---@field description? string What it is.
---@field quantity? integer How many pieces of equipment there are.
---@field outOfService? integer How many of them are out of service.
---@field capacity? integer How many people the room holds.
---@field calendarIds string[] Service calendars it serves: one for equipment, any number for a room.

---A resource to be created.
---@class (exact) hoopai.ResourceCreate
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field name string Name of the resource.
---@field description string What it is.
---@field quantity integer How many pieces of equipment there are.
---@field outOfService integer How many of them are out of service.
---@field capacity integer How many people the room holds.
---@field calendarIds string[] Service calendars it serves: one for equipment, any number for a room (at most 100 items).

---What to change; fields left out stay.
---`hoopai.null` clears a field.
---@class (exact) hoopai.ResourceUpdate
---@field locationId? string Location (sub-account) it belongs to; filled in from the client's `location_id`.
---@field name? string Name of the resource.
---@field description? string|hoopai.Null What it is.
---@field quantity? integer|hoopai.Null How many pieces of equipment there are.
---@field outOfService? integer|hoopai.Null How many of them are out of service.
---@field capacity? integer|hoopai.Null How many people the room holds.
---@field calendarIds? string[]|hoopai.Null Service calendars it serves: one for equipment, any number for a room (at most 100 items).
---@field isActive? boolean|hoopai.Null Whether it can be reserved.

---A room or a piece of equipment, as update returns it.
---@class hoopai.UpdatedResource
---@field id? string Identifier, where the response has one: not that of `get` (not in the vendor's document).
---@field locationId string Location (sub-account) it belongs to.
---@field name string Name of the resource.
---@field resourceType "equipments"|"rooms" Kind of resource.
---@field isActive boolean Whether it can be reserved.
---@field description? string What it is.
---@field quantity? integer How many pieces of equipment there are.
---@field outOfService? integer How many of them are out of service.
---@field capacity? integer How many people the room holds.

---What `notifications:list` asks for.
---@class (exact) hoopai.NotificationsListQuery
---@field isActive? boolean True: only active ones; false: only inactive ones.
---@field deleted? boolean True: only deleted ones; false: only those that are not deleted.
---@field limit? integer How many to return at most (at least 1; default 100).
---@field skip? integer How many to skip (at least 0; default 0).

---One notification of a calendar.
---@class hoopai.Notification
---@field _id? string Identifier of the notification.
---@field receiverType? "contact"|"guest"|"assignedUser"|"emails"|"phoneNumbers"|"business" Recipient.
---@field additionalEmailIds? string[] Further e-mail addresses to send to.
---@field additionalPhoneNumbers? string[] Further phone numbers to send to.
---@field channel? "email"|"inApp"|"sms"|"whatsapp" How it is sent.
---@field notificationType? "booked"|"confirmation"|"cancellation"|"reminder"|"followup"|"reschedule" Occasion on which it is sent.
---@field isActive? boolean Whether it is sent.
---@field additionalWhatsappNumbers? string[] Further WhatsApp numbers it is sent to.
---@field templateId? string Template of an e-mail.
---@field body? string Text of an e-mail; in-app messages need none.
---@field subject? string Subject of an e-mail; in-app messages need none.
---@field afterTime? hoopai.NotificationOffset[] How long after the appointment a `followup` is sent; other types need none.
---@field beforeTime? hoopai.NotificationOffset[] How long before the appointment a `reminder` is sent; other types need none.
---@field selectedUsers? string[] Recipients of in-app and business e-mail messages; `sub_account_admin` means the location's admins.
---@field deleted? boolean Whether it was deleted.

---A distance in time from the appointment.
---@class (exact) hoopai.NotificationOffset
---@field timeOffset? integer How many units (such as 2).
---@field unit? string The unit (such as hours).

---A notification to be created.
---@class (exact) hoopai.NotificationCreate
---@field receiverType "contact"|"guest"|"assignedUser"|"emails"|"phoneNumbers"|"business" Recipient.
---@field channel "email"|"inApp"|"sms"|"whatsapp" How it is sent.
---@field notificationType "booked"|"confirmation"|"cancellation"|"reminder"|"followup"|"reschedule" Occasion on which it is sent.
---@field isActive? boolean Whether it is sent (default true).
---@field templateId? string Template of an e-mail.
---@field body? string Text of an e-mail; in-app messages need none.
---@field subject? string Subject of an e-mail; in-app messages need none.
---@field afterTime? hoopai.NotificationOffset[] How long after the appointment a `followup` is sent; other types need none.
---@field beforeTime? hoopai.NotificationOffset[] How long before the appointment a `reminder` is sent; other types need none.
---@field additionalEmailIds? string[] Further e-mail addresses to send to.
---@field additionalPhoneNumbers? string[] Further phone numbers to send to.
---@field selectedUsers? string[] Recipients of in-app and business e-mail messages; `sub_account_admin` means the location's admins.
---@field fromAddress? string Sender's address of an e-mail.
---@field fromName? string Sender's name of an e-mail or SMS.
---@field fromNumber? string Sender's number of an SMS.

---What to change; fields left out stay.
---`hoopai.null` clears a field.
---@class (exact) hoopai.NotificationUpdate
---@field receiverType? "contact"|"guest"|"assignedUser"|"emails"|"phoneNumbers"|"business" Recipient.
---@field additionalEmailIds? string[]|hoopai.Null Further e-mail addresses to send to.
---@field additionalPhoneNumbers? string[]|hoopai.Null Further phone numbers to send to.
---@field selectedUsers? string[]|hoopai.Null Recipients of in-app and business e-mail messages; `sub_account_admin` means the location's admins.
---@field channel? "email"|"inApp"|"sms"|"whatsapp" How it is sent.
---@field notificationType? "booked"|"confirmation"|"cancellation"|"reminder"|"followup"|"reschedule" Occasion on which it is sent.
---@field isActive? boolean|hoopai.Null Whether it is sent.
---@field deleted? boolean|hoopai.Null True marks it as deleted, false brings it back.
---@field templateId? string|hoopai.Null Template of an e-mail.
---@field body? string|hoopai.Null Text of an e-mail; in-app messages need none.
---@field subject? string|hoopai.Null Subject of an e-mail; in-app messages need none.
---@field afterTime? hoopai.NotificationOffset[]|hoopai.Null How long after the appointment a `followup` is sent; other types need none.
---@field beforeTime? hoopai.NotificationOffset[]|hoopai.Null How long before the appointment a `reminder` is sent; other types need none.
---@field fromAddress? string|hoopai.Null Sender's address of an e-mail.
---@field fromNumber? string|hoopai.Null Sender's number of an SMS.
---@field fromName? string|hoopai.Null Sender's name of an e-mail or SMS.

---Outcome of a change.
---@class hoopai.NotificationMessage
---@field message string The outcome as a sentence.

---What `schedules:list` asks for.
---@class (exact) hoopai.SchedulesListQuery
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field userId string User whose schedules to list.
---@field calendarId? string Only schedules applied to this calendar.
---@field skip? integer How many schedules to skip (at least 0; default 0).
---@field limit? integer How many schedules to return at most (1 to 500; default 50).

---Hours of a user.
---@class hoopai.Schedule
---@field id string Identifier of the schedule.
---@field name string Name of the schedule.
---@field locationId string Location (sub-account) it belongs to.
---@field rules hoopai.ScheduleRule[] When there can be bookings.
---@field timezone string Time zone of the hours.
---@field dateAdded string When it was created.
---@field dateUpdated string When it was last changed.
---@field userId string User to whom the hours belong.
---@field calendarIds? string[] Calendars the schedule is applied to.
---@field deleted boolean Whether it was deleted.

---Hours of a weekday, or of one date.
---@class (exact) hoopai.ScheduleRule
---@field type "wday"|"date" `wday`: each such weekday; `date`: a single day.
---@field intervals hoopai.ScheduleInterval[] Hours in which there can be bookings.
---@field date? string The day, when the type is `date` (such as 2026-12-24).
---@field day? "sunday"|"monday"|"tuesday"|"wednesday"|"thursday"|"friday"|"saturday" The weekday, when the type is `wday`.

---Hours of one day.
---@class (exact) hoopai.ScheduleInterval
---@field from string Start, HH:MM on the 24-hour clock (such as 08:30).
---@field to string End, HH:MM on the 24-hour clock (such as 16:45).

---A schedule to be created.
---@class (exact) hoopai.ScheduleCreate
---@field rules? hoopai.ScheduleRule[] When there can be bookings.
---@field timezone string Time zone of the hours; the API documents names of the form Area/City only (such as Europe/Madrid).
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field name string Name of the schedule.
---@field userId string User to whom the hours belong.
---@field calendarIds? string[] Calendars the schedule is applied to.

---What to change; fields left out stay.
---`hoopai.null` clears a field.
---@class (exact) hoopai.ScheduleUpdate
---@field name? string Name of the schedule.
---@field rules? hoopai.ScheduleRule[]|hoopai.Null When there can be bookings.
---@field timezone? string Time zone of the hours; the API documents names of the form Area/City only (such as Europe/Madrid).

---Hours of an event calendar.
---@class hoopai.EventSchedule
---@field calendarId string Calendar to which the hours belong.
---@field rules hoopai.ScheduleRule[] When there can be bookings.
---@field timezone string Time zone of the hours.
---@field dateAdded? string When it was created.
---@field dateUpdated? string When it was last changed.

---Hours of an event calendar.
---@class (exact) hoopai.EventScheduleCreate
---@field rules hoopai.ScheduleRule[] When there can be bookings.
---@field timezone string Time zone of the hours; the API documents names of the form Area/City only (such as Europe/Madrid).

---What to change; fields left out stay.
---@class (exact) hoopai.EventScheduleUpdate
---@field rules? hoopai.ScheduleRule[] When there can be bookings.
---@field timezone? string Time zone of the hours; the API documents names of the form Area/City only (such as Europe/Madrid).

---What `services:list` asks for.
---@class (exact) hoopai.ServicesListQuery
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field serviceCategoryId? string Only services of this category.
---@field isPrivate? boolean True: only private ones; false: only public ones.

---A service that can be booked.
---@class hoopai.Service
---@field id string Identifier of the service.
---@field locationId string Location (sub-account) it belongs to.
---@field name string Name of the service.
---@field slug? string Last part of its public address.
---@field isPrivate? boolean Whether it is hidden from the public.
---@field staff? hoopai.ServiceStaff[] Users who give it.
---@field variations? hoopai.ServiceVariation[] Forms of it with a length and price of their own.
---@field description? string What it is.
---@field eventColor? string Color of its bookings, such as #66C61C.
---@field coverImage? string Address of the cover image.
---@field serviceCategoryId? string Category it is in; the location's default one without it. No endpoint lists categories.
---@field formId? string Form to fill in when this service alone is booked.
---@field serviceDuration? number How long it takes, in `serviceDurationUnit`.
---@field serviceDurationUnit? "mins"|"hours" Unit of `serviceDuration`.
---@field preBuffer? number Time kept free before it, in `preBufferUnit`.
---@field preBufferUnit? "mins"|"hours" Unit of `preBuffer`.
---@field postBuffer? number Time kept free after it, in `postBufferUnit`.
---@field postBufferUnit? "mins"|"hours" Unit of `postBuffer`.
---@field payment? hoopai.ServicePayment Price, in the location's currency.

---A member of the staff.
---@class (exact) hoopai.ServiceStaff
---@field id string Identifier of the user.

---A form of a service.
---@class hoopai.ServiceVariation
---@field id string Identifier of the variation.
---@field name string Name of the variation.
---@field serviceDuration? number How long it takes, in `serviceDurationUnit`.
---@field serviceDurationUnit? "mins"|"hours" Unit of `serviceDuration`.
---@field preBuffer? number Time kept free before it, in `preBufferUnit`.
---@field preBufferUnit? "mins"|"hours" Unit of `preBuffer`.
---@field postBuffer? number Time kept free after it, in `postBufferUnit`.
---@field postBufferUnit? "mins"|"hours" Unit of `postBuffer`.
---@field payment? hoopai.ServicePayment Price, in the location's currency.

---Price, in the location's currency.
---@class (exact) hoopai.ServicePayment
---@field amount? number Price of the service.
---@field deposit? number What is paid in advance, in the unit of `depositType`.
---@field depositType? "percentage"|"amount" Unit of `deposit`.

---A service to be created.
---@class (exact) hoopai.ServiceCreate
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field name string Name of the service.
---@field slug string Last part of its public address (such as hair-styling).
---@field isPrivate? boolean Whether it is hidden from the public.
---@field staff hoopai.ServiceStaff[] Users who give it, at least one (at least 1 items).
---@field variations? hoopai.ServiceVariationCreate[] Forms of it with a length and price of their own.
---@field description? string What it is.
---@field eventColor? string Color of its bookings, such as #66C61C.
---@field coverImage? string Address of the cover image.
---@field serviceCategoryId? string Category it is in; the location's default one without it. No endpoint lists categories.
---@field formId? string Form to fill in when this service alone is booked.
---@field serviceDuration? number How long it takes, in `serviceDurationUnit`.
---@field serviceDurationUnit? "mins"|"hours" Unit of `serviceDuration`.
---@field preBuffer? number Time kept free before it, in `preBufferUnit`.
---@field preBufferUnit? "mins"|"hours" Unit of `preBuffer`.
---@field postBuffer? number Time kept free after it, in `postBufferUnit`.
---@field postBufferUnit? "mins"|"hours" Unit of `postBuffer`.
---@field payment? hoopai.ServicePayment Price, in the location's currency.

---A form of a service to be created.
---@class (exact) hoopai.ServiceVariationCreate
---@field name string Name of the variation.
---@field serviceDuration? number How long it takes, in `serviceDurationUnit`.
---@field serviceDurationUnit? "mins"|"hours" Unit of `serviceDuration`.
---@field preBuffer? number Time kept free before it, in `preBufferUnit`.
---@field preBufferUnit? "mins"|"hours" Unit of `preBuffer`.
---@field postBuffer? number Time kept free after it, in `postBufferUnit`.
---@field postBufferUnit? "mins"|"hours" Unit of `postBuffer`.
---@field payment? hoopai.ServicePayment Price, in the location's currency.

---What to change; fields left out stay.
---`hoopai.null` clears a field.
---@class (exact) hoopai.ServiceUpdate
---@field name? string Name of the service.
---@field slug? string Last part of its public address.
---@field isPrivate? boolean|hoopai.Null Whether it is hidden from the public.
---@field staff? hoopai.ServiceStaff[] Users who give it.
---All its variations: one with an `id` is changed, one without is new. An empty list removes all.
---@field variations? hoopai.ServiceVariationUpdate[]|hoopai.Null
---@field description? string|hoopai.Null What it is.
---@field eventColor? string|hoopai.Null Color of its bookings, such as #66C61C.
---@field coverImage? string|hoopai.Null Address of the cover image.
---@field serviceCategoryId? string|hoopai.Null Category it is in; the location's default one without it. No endpoint lists categories.
---@field formId? string|hoopai.Null Form to fill in when this service alone is booked.
---@field serviceDuration? number|hoopai.Null How long it takes, in `serviceDurationUnit`.
---@field serviceDurationUnit? "mins"|"hours"|hoopai.Null Unit of `serviceDuration`.
---@field preBuffer? number|hoopai.Null Time kept free before it, in `preBufferUnit`.
---@field preBufferUnit? "mins"|"hours"|hoopai.Null Unit of `preBuffer`.
---@field postBuffer? number|hoopai.Null Time kept free after it, in `postBufferUnit`.
---@field postBufferUnit? "mins"|"hours"|hoopai.Null Unit of `postBuffer`.
---@field payment? hoopai.ServicePayment|hoopai.Null Price, in the location's currency.

---A form of a service, changed or new.
---@class (exact) hoopai.ServiceVariationUpdate
---@field id? string Variation to change; none for a new one.
---@field name? string Name of the variation.
---@field serviceDuration? number How long it takes, in `serviceDurationUnit`.
---@field serviceDurationUnit? "mins"|"hours" Unit of `serviceDuration`.
---@field preBuffer? number Time kept free before it, in `preBufferUnit`.
---@field preBufferUnit? "mins"|"hours" Unit of `preBuffer`.
---@field postBuffer? number Time kept free after it, in `postBufferUnit`.
---@field postBufferUnit? "mins"|"hours" Unit of `postBuffer`.
---@field payment? hoopai.ServicePayment Price, in the location's currency.

---Confirmation of a delete.
---@class hoopai.Deleted
---@field success boolean Whether it was deleted.
---@field message? string The same in words.

---What `service_bookings:list` asks for.
---`endTime` comes after `startTime`.
---@class (exact) hoopai.ServiceBookingsListQuery
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field startTime hoopai.QueryTime Start of the window (such as 1767571200000).
---@field endTime hoopai.QueryTime End of the window (such as 1767657600000).
---@field timezone? string Time zone of the instants in the response (such as America/New_York).
---@field serviceLocationId? string Only bookings at this service location.

---A booking of services.
---@class hoopai.ServiceBooking
---@field bookingId string Identifier of the service booking.
---@field locationId string Location (sub-account) it belongs to.
---@field contactId string Contact it was booked for.
---@field serviceLocationId string Where it takes place.
---@field title string Title shown in the calendar.
---@field startTime string When it begins.
---@field endTime string When it ends.
---@field services hoopai.BookedService[] What is booked.
---@field timezone string Time zone of the booking.
---@field status "confirmed"|"cancelled"|"invalid"|"new"|"showed"|"no_show" State of the booking.
---@field deleted boolean Whether it was deleted.
---@field dateAdded string When it was created.
---@field dateUpdated string When it was last changed.
---@field createdBy hoopai.EventAuthor Its creator.
---@field meetingLocation? string The customer's place.

---A service of a booking.
---@class hoopai.BookedService
---@field id string Service that is booked.
---@field serviceCategoryId string Category of the service.
---@field serviceStaffId string User who gives it.
---@field serviceStartTime string When it begins; may be empty in a booking that is cancelled or deleted.
---@field serviceEndTime string When it ends; may be empty in a booking that is cancelled or deleted.
---@field serviceResources? hoopai.ServiceResource[] Rooms and equipment that are reserved for it.
---@field serviceAddOns? hoopai.BookedAddOn[] What is added to it.

---A room or a piece of equipment.
---@class hoopai.ServiceResource
---@field id string Its identifier.

---An addition to a booked service.
---@class hoopai.BookedAddOn
---@field id string Its identifier.
---@field quantity? integer How many of it.

---A booking to be made.
---`endTime` comes after `startTime`.
---@class (exact) hoopai.ServiceBookingCreate
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field contactId string Contact the booking is for.
---@field startTime hoopai.BodyTime When it begins (such as 2026-01-05T10:00:00-05:00).
---@field endTime hoopai.BodyTime When it ends; the API may set the end that follows from its services (such as 2026-01-05T10:30:00-05:00).
---@field timezone string Time zone of the booking (such as America/New_York).
---@field services hoopai.ServiceBookingItem[] What is booked, in this order (at least 1 items).
---@field serviceLocationId? string Where; the default service location without it.
---@field meetingLocation? string The customer's place: required by a service location of type `ask_booker`, ignored by another one.
---@field title? string Title shown in the calendar.
---@field status? "confirmed"|"new" State of the booking; that of the location's settings without it.
---Book without any check of the time: switches off the server's guard against double booking, and
---`skipSchedulingNotice` with it (sent in the query; default false).
---@field overrideAvailability? boolean
---@field skipSchedulingNotice? boolean Book outside the minimum notice and the range of dates (sent in the query; default false).

---A service to be booked.
---@class (exact) hoopai.ServiceBookingItem
---@field id string Service to book.
---@field staffId? string User who is to give it; the API chooses one without it (shown as `serviceStaffId`).
---@field position? integer Its place among the services, from 0 (shown in no response).
---@field addOns? hoopai.ServiceAddOn[] What is added to it (shown as `serviceAddOns`).

---An addition to a service.
---@class (exact) hoopai.ServiceAddOn
---@field id string Identifier of the addition.
---@field quantity? integer How many of it.
---@field duration? integer How many minutes it takes (shown in no response).

---A booking of services, as create and update return it.
---@class hoopai.ServiceBookingChange
---@field bookingId string Identifier of the service booking.
---@field locationId string Location (sub-account) it belongs to.
---@field contactId string Contact it was booked for.
---@field serviceLocationId string Where it takes place.
---@field title string Title shown in the calendar.
---@field startTime string When it begins.
---@field endTime string When it ends.
---@field services hoopai.BookedService[] What is booked.
---@field timezone string Time zone of the booking.
---@field status "confirmed"|"cancelled"|"invalid"|"new"|"showed"|"no_show" State of the booking.
---@field deleted boolean Whether it was deleted.
---@field dateAdded string When it was created.
---@field dateUpdated string When it was last changed.
---@field createdBy hoopai.EventAuthor Its creator.
---@field meetingLocation? string The customer's place.
---@field messages? string[] Warnings, such as that `meetingLocation` was ignored.

---What to change; fields left out stay.
---`endTime` comes after `startTime`.
---`hoopai.null` clears a field.
---@class (exact) hoopai.ServiceBookingUpdate
---@field title? string Title shown in the calendar.
---@field status? "confirmed"|"cancelled"|"invalid"|"new"|"showed"|"no_show" State of the booking; `no_show` is `noshow` in appointments.
---@field startTime? hoopai.BodyTime New start (such as 2026-01-05T10:00:00-05:00).
---@field endTime? hoopai.BodyTime When it ends; the API may set the end that follows from its services (such as 2026-01-05T10:30:00-05:00).
---@field timezone? string Time zone of the booking (such as America/New_York).
---@field services? hoopai.ServiceBookingItem[] All its services: they replace those that it has (at least 1 items).
---@field serviceLocationId? string Where it takes place.
---@field meetingLocation? string|hoopai.Null The customer's place: required by a service location of type `ask_booker`, ignored by another one.
---Book without any check of the time: switches off the server's guard against double booking, and
---`skipSchedulingNotice` with it (sent in the query; default false).
---@field overrideAvailability? boolean
---@field skipSchedulingNotice? boolean Book outside the minimum notice and the range of dates (sent in the query; default false).

---What `service_locations:list` asks for.
---@class (exact) hoopai.ServiceLocationsListQuery
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.

---A place where services are given.
---@class hoopai.ServiceLocation
---@field id string Identifier of the service location.
---@field locationId string Location (sub-account) it belongs to.
---@field name string Name of the service location.
---@field slug string Last part of its public address.
---@field isActive? boolean Whether it can be booked.
---@field isPrivate? boolean Whether it is hidden from the public.
---@field coverImage? string Address of the cover image.
---@field locationType? "offline"|"ask_booker" `offline`: the place has an `address`; `ask_booker`: the customer says where, in `meetingLocation`.
---@field address? string Its street address if it is `offline`; what customers read in its place if it is `ask_booker`.
---@field phone? string Telephone number.

---A service location to be created.
---@class (exact) hoopai.ServiceLocationCreate
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field name string Name of the service location.
---@field slug string Last part of its public address (such as midtown-studio).
---@field phone? string Telephone number.
---@field address? string Its street address if it is `offline`; what customers read in its place if it is `ask_booker`.
---@field coverImage? string Address of the cover image.
---@field locationType? "offline"|"ask_booker" `offline`: the place has an `address`; `ask_booker`: the customer says where, in `meetingLocation`.

---What to change; fields left out stay.
---`hoopai.null` clears a field.
---@class (exact) hoopai.ServiceLocationUpdate
---@field name? string Name of the service location.
---@field slug? string Last part of its public address (such as midtown-studio).
---@field phone? string|hoopai.Null Telephone number.
---@field address? string|hoopai.Null Its street address if it is `offline`; what customers read in its place if it is `ask_booker`.
---@field coverImage? string|hoopai.Null Address of the cover image.
---@field locationType? "offline"|"ask_booker"|hoopai.Null `offline`: the place has an `address`; `ask_booker`: the customer says where, in `meetingLocation`.

---A contact.
---@class hoopai.Contact
---@field id string Identifier of the contact.
---@field locationId? string Location (sub-account) it belongs to.
---@field name? string Whole name.
---@field firstName? string First name.
---@field lastName? string Last name.
---@field email? string E-mail address.
---@field phone? string Telephone number, such as +18832327657.
---@field timezone? string Time zone of the contact.
---@field companyName? string Company the contact works for.
---@field type? string Kind of contact, such as `lead`.
---@field source? string Where the contact came from.
---@field assignedTo? string User who looks after the contact.
---@field address1? string Street address.
---@field city? string City of the address.
---@field state? string State of the address.
---@field country? string Country, such as US.
---@field postalCode? string Postal code.
---@field website? string Address of a page of the contact's.
---@field tags? string[] Tags of the contact.
---@field dnd? boolean Whether nothing must be sent to the contact.
---@field dndSettings? table<string, any> What must not be sent, by channel: `Call`, `Email`, `SMS`, `WhatsApp`, `GMB` or `FB`.
---@field dateOfBirth? string Day of birth, YYYY-MM-DD.
---@field dateAdded? string When the contact was created.
---@field dateUpdated? string When the contact was last changed.
---@field lastActivity? string When something last happened.
---@field businessId? string Business the contact belongs to.
---@field customFields? hoopai.ContactCustomField[] Values of fields of the location's own.

---The value of a field.
---@class hoopai.ContactCustomField
---@field id? string Identifier of the field.
---@field value? any Its value.

---A contact to be created or changed.
---@class (exact) hoopai.ContactUpsert
---@field locationId? string Location (sub-account) of the call; filled in from the client's `location_id`.
---@field firstName? string First name.
---@field lastName? string Last name.
---@field name? string Whole name.
---@field email? string E-mail address.
---@field phone? string Telephone number, such as +18832327657.
---@field gender? string Gender of the contact.
---@field address1? string Street address.
---@field city? string City of the address.
---@field state? string State of the address.
---@field postalCode? string Postal code.
---@field country? string Country, such as US.
---@field website? string Address of a page of the contact's.
---@field timezone? string Time zone of the contact (such as America/Chihuahua).
---@field companyName? string Company the contact works for.
---@field dateOfBirth? string Day of birth, YYYY-MM-DD.
---@field dnd? boolean Whether nothing must be sent to the contact.
---@field dndSettings? table<string, any> What must not be sent, by channel: `Call`, `Email`, `SMS`, `WhatsApp`, `GMB` or `FB`.
---@field inboundDndSettings? table<string, any> What the contact must not send, under `all`.
---@field tags? string[] All tags: those that the contact has are overwritten.
---@field customFields? hoopai.ContactCustomFieldValue[] Values of fields of the location's own.
---@field source? string Where the contact came from.
---@field assignedTo? string User who looks after the contact.
---@field createNewIfDuplicateAllowed? boolean Create another contact where the location allows duplicates, even if there is one (default false).

---The value of a field to be set.
---@class (exact) hoopai.ContactCustomFieldValue
---@field id? string Identifier of the field.
---@field key? string Key of the field.
---@field field_value? any Its value.

---What stands beside the result.
---@class hoopai.ContactsUpsertExtra
---@field new? boolean Whether the contact was created.

---An appointment of a contact; its times have no zone.
---@class hoopai.ContactEvent
---@field id? string Identifier of the appointment.
---@field calendarId? string Calendar it is in.
---@field locationId? string Location (sub-account) it belongs to.
---@field contactId? string Contact it was booked for.
---@field groupId? string Group of its calendar.
---@field title? string Title shown in the calendar.
---@field status? string State of the slot, such as `booked`.
---@field appointmentStatus? string State of the booking.
---@field assignedUserId? string User with whom it is booked.
---@field users? string[] Further users that take part.
---@field notes? string Remarks kept on the appointment itself.
---@field address? string Place of the meeting.
---@field assignedResources? string[] Identifiers of the rooms and equipment that are reserved for it.
---@field startTime? string When it begins, such as 2021-07-16 11:00:00: without a zone.
---@field endTime? string When it ends, in the same form.
---@field dateAdded? string When it was created.
---@field dateUpdated? string When it was last changed.

---A user of the platform.
---@class hoopai.User
---@field id? string Identifier of the user.
---@field name? string Whole name.
---@field firstName? string First name.
---@field lastName? string Last name.
---@field email? string E-mail address.
---@field phone? string Telephone number.
---@field extension? string Extension of the number.
---@field permissions? table<string, any> What the user may do.
---@field roles? hoopai.UserRoles What the user is.
---@field deleted? boolean Whether the user was deleted.
---@field platformLanguage? string Language the user has chosen, such as en_US.

---What the user is.
---@class hoopai.UserRoles
---@field type? string `account` for a location, `agency` for an agency.
---@field role? string `admin` or `user`.
---@field locationIds? string[] Locations the user belongs to.
---@field restrictSubAccount? boolean Whether the user sees these locations alone.

---What `users:search` asks for.
---@class (exact) hoopai.UsersSearchQuery
---@field companyId string Agency of the users.
---@field locationId? string Only users of this location (sub-account); filled in from the client's `location_id`.
---@field query? string Part of a name, an address or a number.
---@field type? string Only users of this type, such as `agency`.
---@field role? string Only users of this role, such as `admin`.
---@field ids? string Only these users: their identifiers, with commas between them.
---@field sort? string Field by which they are sorted, such as `dateAdded`.
---@field sortDirection? "asc"|"desc" Order of the list.
---@field enabled2waySync? boolean Only users whose calendars are synchronised.
---@field skip? integer How many users to skip (at least 0; default 0).
---@field limit? integer How many users to return at most (at least 1; default 25).

---What stands beside the result.
---@class hoopai.UsersSearchExtra
---@field count? integer How many users there are.

---A location (sub-account).
---@class hoopai.Location
---@field id? string Identifier of the location.
---@field companyId? string Agency it belongs to.
---@field name? string Name of the location.
---@field timezone? string Time zone of the location.
---@field address? string Street address.
---@field city? string City of the address.
---@field state? string State of the address.
---@field country? string Country, such as US.
---@field postalCode? string Postal code.
---@field website? string Address of its page.
---@field domain? string Domain of the platform under which it is shown.
---@field logoUrl? string Address of its logo.
---@field firstName? string First name of its owner.
---@field lastName? string Last name of its owner.
---@field email? string E-mail address.
---@field phone? string Telephone number.
---@field business? table<string, any> The business: its name, address, `timezone` and more.
---@field social? table<string, any> Addresses of its pages elsewhere.
---@field settings? hoopai.LocationSettings Settings of the location.

---Settings of the location.
---@class hoopai.LocationSettings
---@field allowDuplicateContact? boolean Whether two contacts may have one e-mail address or number.
---@field allowDuplicateOpportunity? boolean The same of opportunities.
---@field allowFacebookNameMerge? boolean Whether names of Facebook are merged.
---@field disableContactTimezone? boolean Whether contacts have no time zone of their own.

---What `appointments:book` takes: the fields of `create`, and where and how to book.
---@class (exact) hoopai.BookingRequest: hoopai.AppointmentCreate
---@field startTime? hoopai.BodyTime a slot as `free_slots` gave it; left out where `from` and `to` are given
---@field from? hoopai.QueryTime the beginning of the search for a free slot. Default: now
---@field to? hoopai.QueryTime its end, which is not part of it. Default: seven days later
---@field timezone? string the time zone of the slots. Default: the calendar's
---if the slot was taken meanwhile: "next" tries the following free ones, "fail" does not. Default: "fail" with
---`startTime`, else "next"
---@field on_taken? "next"|"fail"
---@field max_slots? integer how many slots are tried at most; default 5
---the text at the end of the description by which the booking is found again: true for a random text; a text of your
---own (8 to 200 characters, no brackets), which no other booking has; or false for none. Then the booking is recognised
---by calendar, contact and instant, and the events are also read before it is sent; default true
---@field reference? boolean|string
---seconds for reconciling, on top of `timeout`. With less than 60 the outcome of a create whose response was lost stays
---"maybe" if the booking is not found; with 60 or more the last look comes after them; default 60
---@field reconcile_timeout? number

---@class hoopai.BookingResponse: hoopai.Response
---@field slot string the start as it was sent, or that of the booking that was found
---@field reference? string what stands in the description

---What identifies a booking, for `Appointments:find_booking`. Plain data, which can be kept in a file.
---@class hoopai.Booking
---@field reference? string the text at the end of its description
---@field calendarId string its calendar
---@field contactId string its contact
---@field startTime hoopai.BodyTime its start
---@field endTime? hoopai.BodyTime its end, if one was given
---@field locationId? string its location
---@field assignedUserId? string its user, if one was given
---@field sent_ms? integer when it was sent, in milliseconds since 1970
---@field known? table the events before it: id -> true

---What `service_bookings:book` takes: the fields of `create`, and how to find the booking again.
---@class (exact) hoopai.ServiceBookingRequest: hoopai.ServiceBookingCreate
---the text at the end of the title by which the booking is found again: a text of your own (8 to 200 characters, no
---brackets), which no other booking has; true for a random one; default false
---@field reference? boolean|string
---@field reconcile_timeout? number seconds for reconciling, on top of `timeout`; default 60

---What identifies a service booking, for `ServiceBookings:find_booking`. Plain data, which can be kept in a file.
---@class hoopai.ServiceBookingRecord
---@field reference? string the text at the end of its title
---@field services hoopai.ServiceBookingItem[] what was booked, as in the request
---@field contactId string its contact
---@field startTime hoopai.BodyTime its start
---@field endTime? hoopai.BodyTime its end, as it was sent
---@field locationId? string its location
---@field sent_ms? integer when it was sent, in milliseconds since 1970
---@field known? table the service bookings before it: id -> true

---What `events:each`, `block_slots:each` and `all` of both take.
---@class (exact) hoopai.Span
---@field from hoopai.QueryTime the beginning of the span
---@field to hoopai.QueryTime its end, which does not belong to it
---@field calendarId? string the events of this calendar alone
---@field userId? string those of this user alone
---@field groupId? string those of the calendars of this group alone
---is called after each request with how many have ended and how many there will be. It may not wait. It may also stand
---in the options
---@field progress? fun(done: integer, total: integer)

---A member of the teams of a location.
---@class hoopai.LocationMember
---@field userId string the user
---@field calendarIds string[] a list: the calendars in whose teams the user is, in the order of their ids

---What `calendars:each_slot` and `calendars:next_slot` take.
---@class (exact) hoopai.SlotSearch
---@field calendarIds? string[] a list of ids. Default: all active calendars of the location
---@field from? hoopai.QueryTime the beginning of the span. Default: now
---@field to hoopai.QueryTime its end, which is not part of it
---@field timezone? string the time zone of the slots. Default: the calendar's
---@field userId? string only slots of this user
---@field userIds? string[] only slots of these users: a list
---@field enableLookBusy? boolean whether the calendar's look-busy setting hides slots here too
---@field locationId? string the location of the calendars, see `free_slots`
---@field progress? fun(done: integer, total: integer) called with how many requests have ended and their total, after each one. It may not wait

---What `calendars:wait_for_slot` takes.
---@class (exact) hoopai.SlotWait: hoopai.SlotSearch
---@field give_up_after number seconds after which the wait ends, also while a request is under way
---@field every? number seconds; default 60

---A free slot of a calendar.
---@class hoopai.Slot
---@field calendarId string the calendar
---@field day string the day under which the API lists it, such as "2024-10-28"
---@field startTime string its start, as the API gave it: book with exactly this
---its start; it carries the zone `timezone`, if that was given, so that `slot.instant + hoopai.time.weeks(1)` is the
---same time of day; else the offset of `startTime`
---@field instant hoopai.time.Instant

---An appointment of a contact, with its instants.
---@class hoopai.ContactAppointment: hoopai.ContactEvent
---@field startInstant? hoopai.time.Instant when it begins; nil if `startTime` cannot be read
---@field endInstant? hoopai.time.Instant when it ends; nil if `endTime` cannot be read

---The options of `contacts:appointments`: those of a call, and
---@class (exact) hoopai.ContactAppointmentOptions: hoopai.CallOptions
---@field timezone? string the zone of the times. Default: that of the location

---Calendars, and the free slots in them.
---@class hoopai.client.Calendars
local Calendars = {}

---List the calendars of a location.
---
---`GET /calendars/`
---@async
---@nodiscard
---@param query? hoopai.CalendarsListQuery
---@param options? hoopai.CallOptions
---@return hoopai.Calendar[]? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Calendars:list(query, options) end

---Create a calendar.
---
---`POST /calendars/`
---@async
---@nodiscard
---@param body hoopai.CalendarCreate A calendar to be created.
---@param options? hoopai.CallOptions
---@return hoopai.Calendar? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Calendars:create(body, options) end

---Get one calendar.
---
---`GET /calendars/{calendarId}`
---@async
---@nodiscard
---@param calendarId string Identifier of the calendar.
---@param options? hoopai.CallOptions
---@return hoopai.Calendar? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Calendars:get(calendarId, options) end

---Change a calendar.
---
---`PUT /calendars/{calendarId}`
---@async
---@nodiscard
---@param calendarId string Identifier of the calendar.
---@param body hoopai.CalendarUpdate What to change; fields left out stay.
---@param options? hoopai.CallOptions
---@return hoopai.Calendar? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Calendars:update(calendarId, body, options) end

---Delete a calendar.
---
---`DELETE /calendars/{calendarId}`
---@async
---@nodiscard
---@param calendarId string Identifier of the calendar.
---@param options? hoopai.CallOptions
---@return hoopai.Success? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Calendars:delete(calendarId, options) end

---List the free slots of a calendar by day, for 31 days at most; days without free slots are left out.
---
---`GET /calendars/{calendarId}/free-slots`
---@async
---@nodiscard
---@param calendarId string Identifier of the calendar.
---@param query hoopai.CalendarsFreeSlotsQuery
---@param options? hoopai.CallOptions
---@return hoopai.FreeSlots? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Calendars:free_slots(calendarId, query, options) end

---Change a record with a function: read it, call the function, and send what the function changed.
---
---The function gets a copy of the record, which it changes in place. It runs in the caller's task and may wait. If it
---raises, or returns nil and an error, nothing is sent. A field that is set to nil is refused as a slip: `hoopai.null`
---clears a field. Fields that an update does not take may not be changed.
---
---Sent are the fields that changed, and those that the update requires. An object or a list in which something changed
---is sent whole, without the parts that an update refuses. If the start of a time moves and its end does not, the end
---moves with it: the length is kept. Switches that no record shows, such as `toNotify`, are sent with a change, and are
---none by themselves. If nothing changed nothing is sent, and the result is the record, with `response.unchanged`.
---
---A record that shows `dateUpdated` is read again just before the update is sent. If it was changed meanwhile, the
---error is of kind "conflict", and nothing was sent. A change between that reading and the update is not seen, and of
---records without that date no change is: the later update counts then, for each field that it sends.
---
---`PUT /calendars/{calendarId}`
---@async
---@param calendarId string Identifier of the calendar.
---@param change async fun(record: hoopai.Calendar|hoopai.CalendarUpdate): any, any changes the record in place
---@param options? hoopai.CallOptions
---@return hoopai.Calendar? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Calendars:edit(calendarId, change, options) end

---The team members of all calendars of the location, each once, in the order of their ids. A user who is in the team
---of no calendar is not among them.
---Raises for a wrong option.
---@async
---@nodiscard
---@param call_options? hoopai.CallOptions
---@return hoopai.LocationMember[]? team nil when the call failed
---@return hoopai.Response|hoopai.Error response
function Calendars:team(call_options) end

---Iterates over the free slots of many calendars, in order of time; of one instant in the order of the calendars.
---
---The span may have any length. It is read in windows of at most 30 days, when they are needed, and all calendars of a
---window side by side. In a task the next window is read meanwhile. The loop may be left at any time.
---
---With `calendarIds` each calendar must exist. Without it a calendar that was deleted since the calendars were listed
---is left out. Other failures end the iterator: it raises the error, whose `calendarId` names the calendar.
---Raises the error of wrong arguments, of kind "invalid_request" with all problems; what goes wrong while it reads.
---@nodiscard
---@param given hoopai.SlotSearch the calendars, the span, and the other fields of `free_slots`
---@param call_options? hoopai.CallOptions for each request; `progress` may be here too
---@return async fun(): hoopai.Slot? next the iterator
function Calendars:each_slot(given, call_options) end

---Finds the next free slot of many calendars. It reads no further than the first window of at most 30 days that has
---one.
---Raises for wrong use, such as an unknown option.
---@async
---@nodiscard
---@param given hoopai.SlotSearch as for `each_slot`
---@param call_options? hoopai.CallOptions for each request; `progress` may be here too
---@return hoopai.Slot? slot nil when the call failed
---@return hoopai.Response|hoopai.Error response
function Calendars:next_slot(given, call_options) end

---Waits until a slot is free in one of many calendars. It looks at once, and then `every` so many seconds, from the
---beginning of one look to that of the next. The rate limit may make it less often. In a plain script it blocks.
---
---What may pass does not end the wait: a look that failed for the network, a timeout, a 429, a 5xx, or a response that
---cannot be read. Other failures end it, such as "auth", "forbidden", "closed", or "not_found" of a calendar in
---`calendarIds`.
---Raises for wrong use, such as an unknown option.
---@async
---@nodiscard
---@param given hoopai.SlotWait as for `each_slot`, and how to wait. `to` ends the wait too. Without `from` each look begins at its own time; without `calendarIds` it reads which calendars are active then; `progress` begins again with each look
---@param call_options? hoopai.CallOptions for each request; `progress` may be here too
---@return hoopai.Slot? slot nil when the call failed
---@return hoopai.Response|hoopai.Error response
function Calendars:wait_for_slot(given, call_options) end

---Groups of calendars.
---@class hoopai.client.Groups
local Groups = {}

---List the groups of a location.
---
---`GET /calendars/groups`
---@async
---@nodiscard
---@param query? hoopai.GroupsListQuery
---@param options? hoopai.CallOptions
---@return hoopai.Group[]? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Groups:list(query, options) end

---Create a group.
---
---`POST /calendars/groups`
---@async
---@nodiscard
---@param body hoopai.GroupCreate A group to be created.
---@param options? hoopai.CallOptions
---@return hoopai.Group? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Groups:create(body, options) end

---Check whether a slug is free.
---
---`POST /calendars/groups/validate-slug`
---@async
---@nodiscard
---@param body hoopai.GroupSlug A slug to be checked.
---@param options? hoopai.CallOptions
---@return hoopai.SlugAvailability? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Groups:validate_slug(body, options) end

---Get one group. The vendor's document lacks this route: if the API refuses it, use `list`.
---
---`GET /calendars/groups/{groupId}`
---@async
---@nodiscard
---@param groupId string Identifier of the group.
---@param options? hoopai.CallOptions
---@return hoopai.Group? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Groups:get(groupId, options) end

---Change a group; name, description and slug must all be given.
---
---`PUT /calendars/groups/{groupId}`
---@async
---@nodiscard
---@param groupId string Identifier of the group.
---@param body hoopai.GroupUpdate The group's new texts.
---@param options? hoopai.CallOptions
---@return hoopai.Group? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Groups:update(groupId, body, options) end

---Delete a group.
---
---`DELETE /calendars/groups/{groupId}`
---@async
---@nodiscard
---@param groupId string Identifier of the group.
---@param options? hoopai.CallOptions
---@return hoopai.Success? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Groups:delete(groupId, options) end

---Switch a group on or off.
---
---`PUT /calendars/groups/{groupId}/status`
---@async
---@nodiscard
---@param groupId string Identifier of the group.
---@param body hoopai.GroupStatus The group's new state.
---@param options? hoopai.CallOptions
---@return hoopai.Success? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Groups:set_status(groupId, body, options) end

---Change a record with a function: read it, call the function, and send what the function changed.
---
---The function gets a copy of the record, which it changes in place. It runs in the caller's task and may wait. If it
---raises, or returns nil and an error, nothing is sent. A field that is set to nil is refused as a slip: `hoopai.null`
---clears a field. Fields that an update does not take may not be changed.
---
---Sent are the fields that changed, and those that the update requires. An object or a list in which something changed
---is sent whole, without the parts that an update refuses. If the start of a time moves and its end does not, the end
---moves with it: the length is kept. Switches that no record shows, such as `toNotify`, are sent with a change, and are
---none by themselves. If nothing changed nothing is sent, and the result is the record, with `response.unchanged`.
---
---A record that shows `dateUpdated` is read again just before the update is sent. If it was changed meanwhile, the
---error is of kind "conflict", and nothing was sent. A change between that reading and the update is not seen, and of
---records without that date no change is: the later update counts then, for each field that it sends.
---
---`PUT /calendars/groups/{groupId}`
---@async
---@param groupId string Identifier of the group.
---@param change async fun(record: hoopai.Group|hoopai.GroupUpdate): any, any changes the record in place
---@param options? hoopai.CallOptions
---@return hoopai.Group? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Groups:edit(groupId, change, options) end

---Appointments and blocked times in a window of time.
---@class hoopai.client.Events
local Events = {}

---List the appointments between two instants, of a user, a calendar or a group.
---
---`GET /calendars/events`
---@async
---@nodiscard
---@param query hoopai.EventsListQuery
---@param options? hoopai.CallOptions
---@return hoopai.Event[]? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Events:list(query, options) end

---Delete an appointment or a blocked time for good; to keep an appointment use `appointments:cancel`.
---
---`DELETE /calendars/events/{eventId}`
---@async
---@nodiscard
---@param eventId string Identifier of the event, of one instance of a series (`<series>_<start ms>_<seconds>`), or a `masterEventId` for a whole series.
---@param options? hoopai.CallOptions
---@return hoopai.EventDeleted? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Events:delete(eventId, options) end

---Iterates over the events of any span, each once, in order of time (and of ids, where several begin at once):
---`for event in client.events:each { from = ..., to = ... } do ... end`.
---
---An event belongs to the span if it overlaps it, or begins at `from`; not if it ends at `from` or begins at `to`. With
---none of `calendarId`, `userId` and `groupId` the events of all calendars of the location are read, of drafts and
---inactive ones too. A calendar that is deleted meanwhile is left out.
---
---Windows of a quarter are read one after the other, as they are needed, and up to 16 calendars at a time within the
---rate limit. In a task the next window is read ahead; leaving the loop aborts that. An event of more than a day that
---began before `from` is found only if the API returns what overlaps a window, which it does not promise. An event that
---is moved, or changes hands, while the span is read may be missed.
---Raises the error of arguments that are wrong; for wrong use.
---@nodiscard
---@param given hoopai.Span
---@param call_options? hoopai.CallOptions for each request
---@return async fun(): hoopai.Event? next the iterator
function Events:each(given, call_options) end

---Returns the events of any span as a list. All its windows are read side by side: see `Events:each`.
---Raises for wrong use, and what `progress` raised.
---@async
---@nodiscard
---@param given hoopai.Span see `Events:each`
---@param call_options? hoopai.CallOptions
---@return hoopai.Event[]? events nil when the call failed
---@return hoopai.Response|hoopai.Error response
function Events:all(given, call_options) end

---Bookings of contacts in calendars.
---@class hoopai.client.Appointments
local Appointments = {}

---Book an appointment; send the slot string exactly as `free_slots` gave it.
---
---`POST /calendars/events/appointments`
---@async
---@nodiscard
---@param body hoopai.AppointmentCreate A booking to be made.
---@param options? hoopai.CallOptions
---@return hoopai.Appointment? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Appointments:create(body, options) end

---Get one appointment.
---
---`GET /calendars/events/appointments/{eventId}`
---@async
---@nodiscard
---@param eventId string Identifier of the event, of one instance of a series (`<series>_<start ms>_<seconds>`), or a `masterEventId` for a whole series.
---@param options? hoopai.CallOptions
---@return hoopai.Event? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Appointments:get(eventId, options) end

---Change an appointment: move it, reassign it, set its status.
---
---`PUT /calendars/events/appointments/{eventId}`
---@async
---@nodiscard
---@param eventId string Identifier of the event, of one instance of a series (`<series>_<start ms>_<seconds>`), or a `masterEventId` for a whole series.
---@param body hoopai.AppointmentUpdate What to change; fields left out stay.
---@param options? hoopai.CallOptions
---@return hoopai.Appointment? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Appointments:update(eventId, body, options) end

---Cancel an appointment: sets its status to `cancelled` and keeps it.
---
---`PUT /calendars/events/appointments/{eventId}`
---@async
---@nodiscard
---@param eventId string Identifier of the event, of one instance of a series (`<series>_<start ms>_<seconds>`), or a `masterEventId` for a whole series.
---@param options? hoopai.CallOptions
---@return hoopai.Appointment? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Appointments:cancel(eventId, options) end

---Delete an appointment for good; to call it off and keep it use `cancel`.
---
---`DELETE /calendars/events/{eventId}`
---@async
---@nodiscard
---@param eventId string Identifier of the event, of one instance of a series (`<series>_<start ms>_<seconds>`), or a `masterEventId` for a whole series.
---@param options? hoopai.CallOptions
---@return hoopai.EventDeleted? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Appointments:delete(eventId, options) end

---Change a record with a function: read it, call the function, and send what the function changed.
---
---The function gets a copy of the record, which it changes in place. It runs in the caller's task and may wait. If it
---raises, or returns nil and an error, nothing is sent. A field that is set to nil is refused as a slip: `hoopai.null`
---clears a field. Fields that an update does not take may not be changed.
---
---Sent are the fields that changed, and those that the update requires. An object or a list in which something changed
---is sent whole, without the parts that an update refuses. If the start of a time moves and its end does not, the end
---moves with it: the length is kept. Switches that no record shows, such as `toNotify`, are sent with a change, and are
---none by themselves. If nothing changed nothing is sent, and the result is the record, with `response.unchanged`.
---
---A record that shows `dateUpdated` is read again just before the update is sent. If it was changed meanwhile, the
---error is of kind "conflict", and nothing was sent. A change between that reading and the update is not seen, and of
---records without that date no change is: the later update counts then, for each field that it sends.
---
---`PUT /calendars/events/appointments/{eventId}`
---@async
---@param eventId string Identifier of the event, of one instance of a series (`<series>_<start ms>_<seconds>`), or a `masterEventId` for a whole series.
---@param change async fun(record: hoopai.Event|hoopai.AppointmentUpdate): any, any changes the record in place
---@param options? hoopai.CallOptions
---@return (hoopai.Event|hoopai.Appointment)? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Appointments:edit(eventId, change, options) end

---Books a slot, at most once, and reconciles the booking if its response is lost.
---
---Give `startTime` (a slot as `free_slots` returned it), or `from` and `to`, any time apart: then the first free slot
---between them is booked. The create is sent once. If its outcome is unclear (a timeout, a broken connection, a 5xx),
---the events around the slot are read until the booking is found, for `reconcile_timeout`. They are also read before a
---refusal is believed, and the next slot tried.
---
---With a `reference` of your own a program that was killed can be run again: `book` looks for the reference before it
---sends anything, and returns the booking that it finds. It looks in the calendar, from 24 hours before `from` or
---`startTime` to 31 days after `to`; cancelled and invalid bookings do not count. It does not find a booking that was
---moved further or to another calendar, or whose description was changed. Wait for a minute before the second run: the
---API may still be carrying out the create of the first one.
---
---With the option `dry_run` it looks for the reference and for a slot, and returns the `DryRunResult` of the create;
---`response.slot` is the slot that it would take.
---
---Two tasks of a program that book one slot, or with one reference, take turns; `queue_timeout` bounds the wait.
---Raises for wrong use, such as an unknown option.
---@async
---@nodiscard
---@param given hoopai.BookingRequest the fields of `create`, without `ignoreFreeSlotValidation` and `rrule`; and
---@param call_options? hoopai.CallOptions for each request of the booking
---@return hoopai.Appointment? booked nil when the call failed
---@return hoopai.BookingResponse|hoopai.Error response
function Appointments:book(given, call_options) end

---Looks again for a booking whose outcome stayed unclear: by its reference from 24 hours before its start to 31 days
---after it.
---Raises for wrong use, such as an unknown option.
---@async
---@nodiscard
---@param wanted hoopai.Booking the `booking` of the error of `appointments:book`
---@param call_options? hoopai.CallOptions
---@return hoopai.Appointment? booked nil when the call failed
---@return hoopai.Response|hoopai.Error response
function Appointments:find_booking(wanted, call_options) end

---Blocked times of calendars and users.
---@class hoopai.client.BlockSlots
local BlockSlots = {}

---List the blocked times between two instants, of a user, a calendar or a group.
---
---`GET /calendars/blocked-slots`
---@async
---@nodiscard
---@param query hoopai.BlockSlotsListQuery
---@param options? hoopai.CallOptions
---@return hoopai.Event[]? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function BlockSlots:list(query, options) end

---Block a time of a user or of an event calendar.
---
---`POST /calendars/events/block-slots`
---@async
---@nodiscard
---@param body hoopai.BlockSlotCreate A time to be blocked.
---@param options? hoopai.CallOptions
---@return hoopai.BlockSlot? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function BlockSlots:create(body, options) end

---Change a blocked time.
---
---`PUT /calendars/events/block-slots/{eventId}`
---@async
---@nodiscard
---@param eventId string Identifier of the event, of one instance of a series (`<series>_<start ms>_<seconds>`), or a `masterEventId` for a whole series.
---@param body hoopai.BlockSlotUpdate What to change; fields left out stay.
---@param options? hoopai.CallOptions
---@return hoopai.BlockSlot? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function BlockSlots:update(eventId, body, options) end

---Delete a blocked time; the time can be booked again.
---
---`DELETE /calendars/events/{eventId}`
---@async
---@nodiscard
---@param eventId string Identifier of the event, of one instance of a series (`<series>_<start ms>_<seconds>`), or a `masterEventId` for a whole series.
---@param options? hoopai.CallOptions
---@return hoopai.EventDeleted? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function BlockSlots:delete(eventId, options) end

---Iterates over the blocked times of any span, as `Events:each` does over events.
---
---With none of `calendarId`, `userId` and `groupId` those of every calendar and of every team member are read: the list
---of a calendar has no blocked times of users. Blocked times of a user who is in the team of no calendar are not found:
---give the `userId`. One of more than 31 days that began before `from` is found only if the API returns what overlaps a
---window.
---Raises see `Events:each`.
---@nodiscard
---@param given hoopai.Span see `Events:each`
---@param call_options? hoopai.CallOptions
---@return async fun(): hoopai.Event? next the iterator
function BlockSlots:each(given, call_options) end

---Returns the blocked times of any span as a list: see `BlockSlots:each`.
---Raises for wrong use, and what `progress` raised.
---@async
---@nodiscard
---@param given hoopai.Span see `Events:each`
---@param call_options? hoopai.CallOptions
---@return hoopai.Event[]? blocks nil when the call failed
---@return hoopai.Response|hoopai.Error response
function BlockSlots:all(given, call_options) end

---Blocks the time of a user or of an event calendar, unless the same time is blocked already: a program that ends
---half-way can be run again.
---
---A blocked time is the same if it has the same owner (`calendarId` or `assignedUserId`) and the same two instants,
---whatever their offsets; the title is not compared. If the outcome of the create is unclear, the list is read again,
---after 1, 3 and 8 seconds, and nothing is sent twice.
---
---Two tasks of a program that block one time take turns; `queue_timeout` bounds the wait. The API has no such guard:
---two programs that call this at the same moment may still block the time twice.
---Raises for wrong use, such as an unknown option.
---@async
---@nodiscard
---@param body hoopai.BlockSlotCreate the fields of `create`; `startTime` and `endTime` are required
---@param call_options? hoopai.CallOptions for each request
---@return (hoopai.BlockSlot|hoopai.Event)? block nil when the call failed
---@return hoopai.Response|hoopai.Error response
function BlockSlots:ensure(body, call_options) end

---Notes on an appointment.
---@class hoopai.client.Notes
local Notes = {}

---List the notes of an appointment; `response.extra.hasMore` says whether there are more.
---
---`GET /calendars/appointments/{appointmentId}/notes`
---@async
---@nodiscard
---@param appointmentId string Identifier of the appointment.
---@param query? hoopai.NotesListQuery
---@param options? hoopai.CallOptions
---@return hoopai.Note[]? result nil when the call failed
---@return hoopai.NotesListResponse|hoopai.Error response the error when the call failed
function Notes:list(appointmentId, query, options) end

---@class hoopai.NotesListResponse: hoopai.Response
---@field extra hoopai.NotesListExtra

---Write a note on an appointment.
---
---`POST /calendars/appointments/{appointmentId}/notes`
---@async
---@nodiscard
---@param appointmentId string Identifier of the appointment.
---@param body hoopai.NoteBody Text of a note, with its author.
---@param options? hoopai.CallOptions
---@return hoopai.Note? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Notes:create(appointmentId, body, options) end

---Rewrite a note.
---
---`PUT /calendars/appointments/{appointmentId}/notes/{noteId}`
---@async
---@nodiscard
---@param appointmentId string Identifier of the appointment.
---@param noteId string Identifier of the note.
---@param body hoopai.NoteUpdate New text of a note.
---@param options? hoopai.CallOptions
---@return hoopai.Note? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Notes:update(appointmentId, noteId, body, options) end

---Delete a note.
---
---`DELETE /calendars/appointments/{appointmentId}/notes/{noteId}`
---@async
---@nodiscard
---@param appointmentId string Identifier of the appointment.
---@param noteId string Identifier of the note.
---@param options? hoopai.CallOptions
---@return hoopai.Success? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Notes:delete(appointmentId, noteId, options) end

---Iterate over the records of all pages, which are read as they are needed.
---
---A page is read when its first record is needed, and nothing is in flight between two steps of the loop: it can be
---left at any time. `limit` is the size of a page; without it the largest one is asked for. Tasks may share an
---iterator: each record goes to one of them.
---
---Each id is given once, also if records are added while the list is read. If records are removed meanwhile, others
---move to pages that were read already, and are not seen: use `all` before you delete what you read. Records without an
---id are given as they come. A page in which nothing is new is an error of kind "protocol".
---
---A page that cannot be read raises the `Error`; the next step reads that page again.
---
---`GET /calendars/appointments/{appointmentId}/notes`
---@nodiscard
---@param appointmentId string Identifier of the appointment.
---@param query? hoopai.NotesListQuery 
---@param options? hoopai.PageOptions
---@return async fun(): hoopai.Note? next the iterator
function Notes:each(appointmentId, query, options) end

---List the records of all pages.
---
---It reads the pages as `each` does, and returns the response of the last one.
---
---`GET /calendars/appointments/{appointmentId}/notes`
---@async
---@nodiscard
---@param appointmentId string Identifier of the appointment.
---@param query? hoopai.NotesListQuery 
---@param options? hoopai.PageOptions
---@return hoopai.Note[]? result nil when the call failed
---@return hoopai.NotesListResponse|hoopai.Error response the error when the call failed
function Notes:all(appointmentId, query, options) end

---Rooms and equipment.
---@class hoopai.client.Resources
local Resources = {}

---List the rooms or the equipment of a location.
---
---`GET /calendars/resources/{resourceType}`
---@deprecated since in version v3: use client.services and client.service_bookings
---@async
---@nodiscard
---@param resourceType "equipments"|"rooms" Kind of resource.
---@param query? hoopai.ResourcesListQuery
---@param options? hoopai.CallOptions
---@return hoopai.Resource[]? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Resources:list(resourceType, query, options) end

---Create a room or a piece of equipment.
---
---`POST /calendars/resources/{resourceType}`
---@deprecated since in version v3: use client.services and client.service_bookings
---@async
---@nodiscard
---@param resourceType "equipments"|"rooms" Kind of resource.
---@param body hoopai.ResourceCreate A resource to be created.
---@param options? hoopai.CallOptions
---@return hoopai.Resource? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Resources:create(resourceType, body, options) end

---Get one room or piece of equipment; the result lacks its identifier.
---
---`GET /calendars/resources/{resourceType}/{id}`
---@deprecated since in version v3: use client.services and client.service_bookings
---@async
---@nodiscard
---@param resourceType "equipments"|"rooms" Kind of resource.
---@param id string Identifier of the resource.
---@param options? hoopai.CallOptions
---@return hoopai.Resource? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Resources:get(resourceType, id, options) end

---Change a room or a piece of equipment.
---
---`PUT /calendars/resources/{resourceType}/{id}`
---@deprecated since in version v3: use client.services and client.service_bookings
---@async
---@nodiscard
---@param resourceType "equipments"|"rooms" Kind of resource.
---@param id string Identifier of the resource.
---@param body hoopai.ResourceUpdate What to change; fields left out stay.
---@param options? hoopai.CallOptions
---@return hoopai.UpdatedResource? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Resources:update(resourceType, id, body, options) end

---Delete a room or a piece of equipment.
---
---`DELETE /calendars/resources/{resourceType}/{id}`
---@deprecated since in version v3: use client.services and client.service_bookings
---@async
---@nodiscard
---@param resourceType "equipments"|"rooms" Kind of resource.
---@param id string Identifier of the resource.
---@param options? hoopai.CallOptions
---@return hoopai.Success? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Resources:delete(resourceType, id, options) end

---Iterate over the records of all pages, which are read as they are needed.
---
---A page is read when its first record is needed, and nothing is in flight between two steps of the loop: it can be
---left at any time. `limit` is the size of a page; without it the largest one is asked for. Tasks may share an
---iterator: each record goes to one of them.
---
---Each id is given once, also if records are added while the list is read. If records are removed meanwhile, others
---move to pages that were read already, and are not seen: use `all` before you delete what you read. Records without an
---id are given as they come. A page in which nothing is new is an error of kind "protocol".
---
---A page that cannot be read raises the `Error`; the next step reads that page again.
---
---`GET /calendars/resources/{resourceType}`
---@nodiscard
---@param resourceType "equipments"|"rooms" Kind of resource.
---@param query? hoopai.ResourcesListQuery 
---@param options? hoopai.PageOptions
---@return async fun(): hoopai.Resource? next the iterator
function Resources:each(resourceType, query, options) end

---List the records of all pages.
---
---It reads the pages as `each` does, and returns the response of the last one.
---
---`GET /calendars/resources/{resourceType}`
---@async
---@nodiscard
---@param resourceType "equipments"|"rooms" Kind of resource.
---@param query? hoopai.ResourcesListQuery 
---@param options? hoopai.PageOptions
---@return hoopai.Resource[]? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Resources:all(resourceType, query, options) end

---Change a record with a function: read it, call the function, and send what the function changed.
---
---The function gets a copy of the record, which it changes in place. It runs in the caller's task and may wait. If it
---raises, or returns nil and an error, nothing is sent. A field that is set to nil is refused as a slip: `hoopai.null`
---clears a field. Fields that an update does not take may not be changed.
---
---Sent are the fields that changed, and those that the update requires. An object or a list in which something changed
---is sent whole, without the parts that an update refuses. If the start of a time moves and its end does not, the end
---moves with it: the length is kept. Switches that no record shows, such as `toNotify`, are sent with a change, and are
---none by themselves. If nothing changed nothing is sent, and the result is the record, with `response.unchanged`.
---
---A record that shows `dateUpdated` is read again just before the update is sent. If it was changed meanwhile, the
---error is of kind "conflict", and nothing was sent. A change between that reading and the update is not seen, and of
---records without that date no change is: the later update counts then, for each field that it sends.
---
---`PUT /calendars/resources/{resourceType}/{id}`
---@async
---@param resourceType "equipments"|"rooms" Kind of resource.
---@param id string Identifier of the resource.
---@param change async fun(record: hoopai.Resource|hoopai.ResourceUpdate): any, any changes the record in place
---@param options? hoopai.CallOptions
---@return (hoopai.Resource|hoopai.UpdatedResource)? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Resources:edit(resourceType, id, change, options) end

---Messages that a calendar sends about its appointments.
---@class hoopai.client.Notifications
local Notifications = {}

---List the notifications of a calendar.
---
---`GET /calendars/{calendarId}/notifications`
---@async
---@nodiscard
---@param calendarId string Identifier of the calendar.
---@param query? hoopai.NotificationsListQuery
---@param options? hoopai.CallOptions
---@return hoopai.Notification[]? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Notifications:list(calendarId, query, options) end

---Create one or more notifications; the body is a list.
---
---`POST /calendars/{calendarId}/notifications`
---@async
---@nodiscard
---@param calendarId string Identifier of the calendar.
---@param body hoopai.NotificationCreate[] Notifications to be created.
---@param options? hoopai.CallOptions
---@return hoopai.Notification[]? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Notifications:create(calendarId, body, options) end

---Get one notification.
---
---`GET /calendars/{calendarId}/notifications/{notificationId}`
---@async
---@nodiscard
---@param calendarId string Identifier of the calendar.
---@param notificationId string Identifier (`_id`) of the notification.
---@param options? hoopai.CallOptions
---@return hoopai.Notification? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Notifications:get(calendarId, notificationId, options) end

---Change a notification; returns a message only.
---
---`PUT /calendars/{calendarId}/notifications/{notificationId}`
---@async
---@nodiscard
---@param calendarId string Identifier of the calendar.
---@param notificationId string Identifier (`_id`) of the notification.
---@param body hoopai.NotificationUpdate What to change; fields left out stay.
---@param options? hoopai.CallOptions
---@return hoopai.NotificationMessage? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Notifications:update(calendarId, notificationId, body, options) end

---Delete a notification; it may still be shown, marked as deleted.
---
---`DELETE /calendars/{calendarId}/notifications/{notificationId}`
---@async
---@nodiscard
---@param calendarId string Identifier of the calendar.
---@param notificationId string Identifier (`_id`) of the notification.
---@param options? hoopai.CallOptions
---@return hoopai.NotificationMessage? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Notifications:delete(calendarId, notificationId, options) end

---Iterate over the records of all pages, which are read as they are needed.
---
---A page is read when its first record is needed, and nothing is in flight between two steps of the loop: it can be
---left at any time. `limit` is the size of a page; without it the largest one is asked for. Tasks may share an
---iterator: each record goes to one of them.
---
---Each id is given once, also if records are added while the list is read. If records are removed meanwhile, others
---move to pages that were read already, and are not seen: use `all` before you delete what you read. Records without an
---id are given as they come. A page in which nothing is new is an error of kind "protocol".
---
---A page that cannot be read raises the `Error`; the next step reads that page again.
---
---`GET /calendars/{calendarId}/notifications`
---@nodiscard
---@param calendarId string Identifier of the calendar.
---@param query? hoopai.NotificationsListQuery 
---@param options? hoopai.PageOptions
---@return async fun(): hoopai.Notification? next the iterator
function Notifications:each(calendarId, query, options) end

---List the records of all pages.
---
---It reads the pages as `each` does, and returns the response of the last one.
---
---`GET /calendars/{calendarId}/notifications`
---@async
---@nodiscard
---@param calendarId string Identifier of the calendar.
---@param query? hoopai.NotificationsListQuery 
---@param options? hoopai.PageOptions
---@return hoopai.Notification[]? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Notifications:all(calendarId, query, options) end

---Change a record with a function: read it, call the function, and send what the function changed.
---
---The function gets a copy of the record, which it changes in place. It runs in the caller's task and may wait. If it
---raises, or returns nil and an error, nothing is sent. A field that is set to nil is refused as a slip: `hoopai.null`
---clears a field. Fields that an update does not take may not be changed.
---
---Sent are the fields that changed, and those that the update requires. An object or a list in which something changed
---is sent whole, without the parts that an update refuses. If the start of a time moves and its end does not, the end
---moves with it: the length is kept. Switches that no record shows, such as `toNotify`, are sent with a change, and are
---none by themselves. If nothing changed nothing is sent, and the result is the record, with `response.unchanged`.
---
---A record that shows `dateUpdated` is read again just before the update is sent. If it was changed meanwhile, the
---error is of kind "conflict", and nothing was sent. A change between that reading and the update is not seen, and of
---records without that date no change is: the later update counts then, for each field that it sends.
---
---`PUT /calendars/{calendarId}/notifications/{notificationId}`
---@async
---@param calendarId string Identifier of the calendar.
---@param notificationId string Identifier (`_id`) of the notification.
---@param change async fun(record: hoopai.Notification|hoopai.NotificationUpdate): any, any changes the record in place
---@param options? hoopai.CallOptions
---@return (hoopai.Notification|hoopai.NotificationMessage)? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Notifications:edit(calendarId, notificationId, change, options) end

---Weekly hours and special dates of users.
---@class hoopai.client.Schedules
local Schedules = {}

---List the schedules of a user.
---
---`GET /calendars/schedules/search`
---@async
---@nodiscard
---@param query hoopai.SchedulesListQuery
---@param options? hoopai.CallOptions
---@return hoopai.Schedule[]? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Schedules:list(query, options) end

---Create a schedule for a user.
---
---`POST /calendars/schedules`
---@async
---@nodiscard
---@param body hoopai.ScheduleCreate A schedule to be created.
---@param options? hoopai.CallOptions
---@return hoopai.Schedule? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Schedules:create(body, options) end

---Get one schedule.
---
---`GET /calendars/schedules/{id}`
---@async
---@nodiscard
---@param id string Identifier of the schedule.
---@param options? hoopai.CallOptions
---@return hoopai.Schedule? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Schedules:get(id, options) end

---Change the name, the hours or the time zone of a schedule.
---
---`PUT /calendars/schedules/{id}`
---@async
---@nodiscard
---@param id string Identifier of the schedule.
---@param body hoopai.ScheduleUpdate What to change; fields left out stay.
---@param options? hoopai.CallOptions
---@return hoopai.Schedule? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Schedules:update(id, body, options) end

---Delete a schedule with all its rules; this cannot be undone.
---
---`DELETE /calendars/schedules/{id}`
---@async
---@nodiscard
---@param id string Identifier of the schedule.
---@param options? hoopai.CallOptions
---@return hoopai.Success? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Schedules:delete(id, options) end

---Apply a schedule to a calendar.
---
---`PUT /calendars/schedules/{id}/associations/{calendarId}`
---@async
---@nodiscard
---@param id string Identifier of the schedule.
---@param calendarId string Identifier of the calendar.
---@param options? hoopai.CallOptions
---@return hoopai.Success? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Schedules:add_calendar(id, calendarId, options) end

---Stop applying a schedule to a calendar.
---
---`DELETE /calendars/schedules/{id}/associations/{calendarId}`
---@async
---@nodiscard
---@param id string Identifier of the schedule.
---@param calendarId string Identifier of the calendar.
---@param options? hoopai.CallOptions
---@return hoopai.Success? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Schedules:remove_calendar(id, calendarId, options) end

---Iterate over the records of all pages, which are read as they are needed.
---
---A page is read when its first record is needed, and nothing is in flight between two steps of the loop: it can be
---left at any time. `limit` is the size of a page; without it the largest one is asked for. Tasks may share an
---iterator: each record goes to one of them.
---
---Each id is given once, also if records are added while the list is read. If records are removed meanwhile, others
---move to pages that were read already, and are not seen: use `all` before you delete what you read. Records without an
---id are given as they come. A page in which nothing is new is an error of kind "protocol".
---
---A page that cannot be read raises the `Error`; the next step reads that page again.
---
---`GET /calendars/schedules/search`
---@nodiscard
---@param query hoopai.SchedulesListQuery 
---@param options? hoopai.PageOptions
---@return async fun(): hoopai.Schedule? next the iterator
function Schedules:each(query, options) end

---List the records of all pages.
---
---It reads the pages as `each` does, and returns the response of the last one.
---
---`GET /calendars/schedules/search`
---@async
---@nodiscard
---@param query hoopai.SchedulesListQuery 
---@param options? hoopai.PageOptions
---@return hoopai.Schedule[]? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Schedules:all(query, options) end

---Change a record with a function: read it, call the function, and send what the function changed.
---
---The function gets a copy of the record, which it changes in place. It runs in the caller's task and may wait. If it
---raises, or returns nil and an error, nothing is sent. A field that is set to nil is refused as a slip: `hoopai.null`
---clears a field. Fields that an update does not take may not be changed.
---
---Sent are the fields that changed, and those that the update requires. An object or a list in which something changed
---is sent whole, without the parts that an update refuses. If the start of a time moves and its end does not, the end
---moves with it: the length is kept. Switches that no record shows, such as `toNotify`, are sent with a change, and are
---none by themselves. If nothing changed nothing is sent, and the result is the record, with `response.unchanged`.
---
---A record that shows `dateUpdated` is read again just before the update is sent. If it was changed meanwhile, the
---error is of kind "conflict", and nothing was sent. A change between that reading and the update is not seen, and of
---records without that date no change is: the later update counts then, for each field that it sends.
---
---`PUT /calendars/schedules/{id}`
---@async
---@param id string Identifier of the schedule.
---@param change async fun(record: hoopai.Schedule|hoopai.ScheduleUpdate): any, any changes the record in place
---@param options? hoopai.CallOptions
---@return hoopai.Schedule? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Schedules:edit(id, change, options) end

---Weekly hours and special dates of event calendars.
---@class hoopai.client.EventSchedules
local EventSchedules = {}

---Get the schedule of an event calendar.
---
---`GET /calendars/schedules/event-calendar/{calendarId}`, version v3
---@async
---@nodiscard
---@param calendarId string Identifier of the calendar.
---@param options? hoopai.CallOptions
---@return hoopai.EventSchedule? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function EventSchedules:get(calendarId, options) end

---Create the schedule of an event calendar.
---
---`POST /calendars/schedules/event-calendar/{calendarId}`, version v3
---@async
---@nodiscard
---@param calendarId string Identifier of the calendar.
---@param body hoopai.EventScheduleCreate Hours of an event calendar.
---@param options? hoopai.CallOptions
---@return hoopai.EventSchedule? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function EventSchedules:create(calendarId, body, options) end

---Change the schedule of an event calendar.
---
---`PUT /calendars/schedules/event-calendar/{calendarId}`, version v3
---@async
---@nodiscard
---@param calendarId string Identifier of the calendar.
---@param body hoopai.EventScheduleUpdate What to change; fields left out stay.
---@param options? hoopai.CallOptions
---@return hoopai.EventSchedule? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function EventSchedules:update(calendarId, body, options) end

---Change a record with a function: read it, call the function, and send what the function changed.
---
---The function gets a copy of the record, which it changes in place. It runs in the caller's task and may wait. If it
---raises, or returns nil and an error, nothing is sent. A field that is set to nil is refused as a slip: `hoopai.null`
---clears a field. Fields that an update does not take may not be changed.
---
---Sent are the fields that changed, and those that the update requires. An object or a list in which something changed
---is sent whole, without the parts that an update refuses. If the start of a time moves and its end does not, the end
---moves with it: the length is kept. Switches that no record shows, such as `toNotify`, are sent with a change, and are
---none by themselves. If nothing changed nothing is sent, and the result is the record, with `response.unchanged`.
---
---A record that shows `dateUpdated` is read again just before the update is sent. If it was changed meanwhile, the
---error is of kind "conflict", and nothing was sent. A change between that reading and the update is not seen, and of
---records without that date no change is: the later update counts then, for each field that it sends.
---
---`PUT /calendars/schedules/event-calendar/{calendarId}`
---@async
---@param calendarId string Identifier of the calendar.
---@param change async fun(record: hoopai.EventSchedule|hoopai.EventScheduleUpdate): any, any changes the record in place
---@param options? hoopai.CallOptions
---@return hoopai.EventSchedule? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function EventSchedules:edit(calendarId, change, options) end

---Services that can be booked.
---@class hoopai.client.Services
local Services = {}

---List the services of a location.
---
---`GET /calendars/services/catalog`, version v3
---@async
---@nodiscard
---@param query? hoopai.ServicesListQuery
---@param options? hoopai.CallOptions
---@return hoopai.Service[]? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Services:list(query, options) end

---Create a service.
---
---`POST /calendars/services/catalog`, version v3
---@async
---@nodiscard
---@param body hoopai.ServiceCreate A service to be created.
---@param options? hoopai.CallOptions
---@return hoopai.Service? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Services:create(body, options) end

---Get one service.
---
---`GET /calendars/services/catalog/{serviceId}`, version v3
---@async
---@nodiscard
---@param serviceId string Identifier of the service.
---@param options? hoopai.CallOptions
---@return hoopai.Service? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Services:get(serviceId, options) end

---Change a service; an empty list of `variations` removes all.
---
---`PUT /calendars/services/catalog/{serviceId}`, version v3
---@async
---@nodiscard
---@param serviceId string Identifier of the service.
---@param body hoopai.ServiceUpdate What to change; fields left out stay.
---@param options? hoopai.CallOptions
---@return hoopai.Service? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Services:update(serviceId, body, options) end

---Delete a service.
---
---`DELETE /calendars/services/catalog/{serviceId}`, version v3
---@async
---@nodiscard
---@param serviceId string Identifier of the service.
---@param options? hoopai.CallOptions
---@return hoopai.Deleted? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Services:delete(serviceId, options) end

---Change a record with a function: read it, call the function, and send what the function changed.
---
---The function gets a copy of the record, which it changes in place. It runs in the caller's task and may wait. If it
---raises, or returns nil and an error, nothing is sent. A field that is set to nil is refused as a slip: `hoopai.null`
---clears a field. Fields that an update does not take may not be changed.
---
---Sent are the fields that changed, and those that the update requires. An object or a list in which something changed
---is sent whole, without the parts that an update refuses. If the start of a time moves and its end does not, the end
---moves with it: the length is kept. Switches that no record shows, such as `toNotify`, are sent with a change, and are
---none by themselves. If nothing changed nothing is sent, and the result is the record, with `response.unchanged`.
---
---A record that shows `dateUpdated` is read again just before the update is sent. If it was changed meanwhile, the
---error is of kind "conflict", and nothing was sent. A change between that reading and the update is not seen, and of
---records without that date no change is: the later update counts then, for each field that it sends.
---
---`PUT /calendars/services/catalog/{serviceId}`
---@async
---@param serviceId string Identifier of the service.
---@param change async fun(record: hoopai.Service|hoopai.ServiceUpdate): any, any changes the record in place
---@param options? hoopai.CallOptions
---@return hoopai.Service? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Services:edit(serviceId, change, options) end

---Bookings of services.
---@class hoopai.client.ServiceBookings
local ServiceBookings = {}

---List the service bookings between two instants.
---
---`GET /calendars/services/bookings`, version v3
---@async
---@nodiscard
---@param query hoopai.ServiceBookingsListQuery
---@param options? hoopai.CallOptions
---@return hoopai.ServiceBooking[]? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function ServiceBookings:list(query, options) end

---Book services; sent once. To be sure of the outcome use `book`.
---
---`POST /calendars/services/bookings`, version v3
---@async
---@nodiscard
---@param body hoopai.ServiceBookingCreate A booking to be made.
---@param options? hoopai.CallOptions
---@return hoopai.ServiceBookingChange? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function ServiceBookings:create(body, options) end

---Get one service booking.
---
---`GET /calendars/services/bookings/{bookingId}`, version v3
---@async
---@nodiscard
---@param bookingId string Identifier of the service booking.
---@param options? hoopai.CallOptions
---@return hoopai.ServiceBooking? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function ServiceBookings:get(bookingId, options) end

---Change a service booking: move it, set its status, replace its services.
---
---`PUT /calendars/services/bookings/{bookingId}`, version v3
---@async
---@nodiscard
---@param bookingId string Identifier of the service booking.
---@param body hoopai.ServiceBookingUpdate What to change; fields left out stay.
---@param options? hoopai.CallOptions
---@return hoopai.ServiceBookingChange? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function ServiceBookings:update(bookingId, body, options) end

---Cancel a service booking: sets its status to `cancelled` and keeps it.
---
---`PUT /calendars/services/bookings/{bookingId}`, version v3
---@async
---@nodiscard
---@param bookingId string Identifier of the service booking.
---@param options? hoopai.CallOptions
---@return hoopai.ServiceBookingChange? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function ServiceBookings:cancel(bookingId, options) end

---Delete a service booking for good; to call it off and keep it use `cancel`.
---
---`DELETE /calendars/services/bookings/{bookingId}`, version v3
---@async
---@nodiscard
---@param bookingId string Identifier of the service booking.
---@param options? hoopai.CallOptions
---@return hoopai.Deleted? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function ServiceBookings:delete(bookingId, options) end

---Change a record with a function: read it, call the function, and send what the function changed.
---
---The function gets a copy of the record, which it changes in place. It runs in the caller's task and may wait. If it
---raises, or returns nil and an error, nothing is sent. A field that is set to nil is refused as a slip: `hoopai.null`
---clears a field. Fields that an update does not take may not be changed.
---
---Sent are the fields that changed, and those that the update requires. An object or a list in which something changed
---is sent whole, without the parts that an update refuses. If the start of a time moves and its end does not, the end
---moves with it: the length is kept. Switches that no record shows, such as `toNotify`, are sent with a change, and are
---none by themselves. If nothing changed nothing is sent, and the result is the record, with `response.unchanged`.
---
---A record that shows `dateUpdated` is read again just before the update is sent. If it was changed meanwhile, the
---error is of kind "conflict", and nothing was sent. A change between that reading and the update is not seen, and of
---records without that date no change is: the later update counts then, for each field that it sends.
---
---`PUT /calendars/services/bookings/{bookingId}`
---@async
---@param bookingId string Identifier of the service booking.
---@param change async fun(record: hoopai.ServiceBooking|hoopai.ServiceBookingUpdate): any, any changes the record in place
---@param options? hoopai.CallOptions
---@return (hoopai.ServiceBooking|hoopai.ServiceBookingChange)? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function ServiceBookings:edit(bookingId, change, options) end

---Books services, at most once, and reconciles the booking if its response is lost.
---
---It works as `Appointments:book` does with `startTime`. The create is sent once. If its outcome is unclear (a
---timeout, a broken connection, a 5xx), the service bookings around it are read until it is found, for
---`reconcile_timeout`. They are also read before a refusal is believed.
---
---Without a `reference` the booking is recognised by its contact, instant and services, and the service bookings are
---also read before it is sent. With a `reference` of your own a program that was killed can be run again, and returns
---the booking that it finds. A service booking has no description: its reference stands at the end of its title, where
---people see and may change it. If the contact has the same booking without a reference, nothing is sent, and the error
---has the kind "conflict". Without a `title` the reference alone is the title, in place of the one that the API makes.
---
---The API does not list the free times of services. Hence nothing proves that a booking which is not found was not
---made: `applied` stays "maybe", and `ServiceBookings:find_booking` looks again.
---Raises for wrong use, such as an unknown option.
---@async
---@nodiscard
---@param given hoopai.ServiceBookingRequest the fields of `create`, without `overrideAvailability`; and
---@param call_options? hoopai.CallOptions for each request of the booking
---@return (hoopai.ServiceBookingChange|hoopai.ServiceBooking)? booked nil when the call failed
---@return hoopai.BookingResponse|hoopai.Error response
function ServiceBookings:book(given, call_options) end

---Looks again for a service booking whose outcome stayed unclear, as `Appointments:find_booking` does.
---Raises for wrong use, such as an unknown option.
---@async
---@nodiscard
---@param wanted hoopai.ServiceBookingRecord the `booking` of the error of `service_bookings:book`
---@param call_options? hoopai.CallOptions
---@return hoopai.ServiceBooking? booked nil when the call failed
---@return hoopai.Response|hoopai.Error response
function ServiceBookings:find_booking(wanted, call_options) end

---Places where services are given.
---@class hoopai.client.ServiceLocations
local ServiceLocations = {}

---List the service locations of a location.
---
---`GET /calendars/services/locations`, version v3
---@async
---@nodiscard
---@param query? hoopai.ServiceLocationsListQuery
---@param options? hoopai.CallOptions
---@return hoopai.ServiceLocation[]? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function ServiceLocations:list(query, options) end

---Create a service location.
---
---`POST /calendars/services/locations`, version v3
---@async
---@nodiscard
---@param body hoopai.ServiceLocationCreate A service location to be created.
---@param options? hoopai.CallOptions
---@return hoopai.ServiceLocation? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function ServiceLocations:create(body, options) end

---Get one service location.
---
---`GET /calendars/services/locations/{serviceLocationId}`, version v3
---@async
---@nodiscard
---@param serviceLocationId string Identifier of the service location.
---@param options? hoopai.CallOptions
---@return hoopai.ServiceLocation? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function ServiceLocations:get(serviceLocationId, options) end

---Change a service location.
---
---`PUT /calendars/services/locations/{serviceLocationId}`, version v3
---@async
---@nodiscard
---@param serviceLocationId string Identifier of the service location.
---@param body hoopai.ServiceLocationUpdate What to change; fields left out stay.
---@param options? hoopai.CallOptions
---@return hoopai.ServiceLocation? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function ServiceLocations:update(serviceLocationId, body, options) end

---Delete a service location.
---
---`DELETE /calendars/services/locations/{serviceLocationId}`, version v3
---@async
---@nodiscard
---@param serviceLocationId string Identifier of the service location.
---@param options? hoopai.CallOptions
---@return hoopai.Deleted? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function ServiceLocations:delete(serviceLocationId, options) end

---Change a record with a function: read it, call the function, and send what the function changed.
---
---The function gets a copy of the record, which it changes in place. It runs in the caller's task and may wait. If it
---raises, or returns nil and an error, nothing is sent. A field that is set to nil is refused as a slip: `hoopai.null`
---clears a field. Fields that an update does not take may not be changed.
---
---Sent are the fields that changed, and those that the update requires. An object or a list in which something changed
---is sent whole, without the parts that an update refuses. If the start of a time moves and its end does not, the end
---moves with it: the length is kept. Switches that no record shows, such as `toNotify`, are sent with a change, and are
---none by themselves. If nothing changed nothing is sent, and the result is the record, with `response.unchanged`.
---
---A record that shows `dateUpdated` is read again just before the update is sent. If it was changed meanwhile, the
---error is of kind "conflict", and nothing was sent. A change between that reading and the update is not seen, and of
---records without that date no change is: the later update counts then, for each field that it sends.
---
---`PUT /calendars/services/locations/{serviceLocationId}`
---@async
---@param serviceLocationId string Identifier of the service location.
---@param change async fun(record: hoopai.ServiceLocation|hoopai.ServiceLocationUpdate): any, any changes the record in place
---@param options? hoopai.CallOptions
---@return hoopai.ServiceLocation? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function ServiceLocations:edit(serviceLocationId, change, options) end

---Contacts, for their names and appointments.
---@class hoopai.client.Contacts
local Contacts = {}

---Get one contact.
---
---`GET /contacts/{contactId}`, version 2021-07-28
---@async
---@nodiscard
---@param contactId string Identifier of the contact.
---@param options? hoopai.CallOptions
---@return hoopai.Contact? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Contacts:get(contactId, options) end

---Create a contact, or change the one with this e-mail address or number: `tags` overwrites all its tags.
---
---`POST /contacts/upsert`, version 2021-07-28
---@async
---@nodiscard
---@param body hoopai.ContactUpsert A contact to be created or changed.
---@param options? hoopai.CallOptions
---@return hoopai.Contact? result nil when the call failed
---@return hoopai.ContactsUpsertResponse|hoopai.Error response the error when the call failed
function Contacts:upsert(body, options) end

---@class hoopai.ContactsUpsertResponse: hoopai.Response
---@field extra hoopai.ContactsUpsertExtra

---The appointments of a contact.
---
---Their `startTime` and `endTime` are as the API sends them: local times without a zone, such as "2021-07-16 11:00:00".
---`startInstant` and `endInstant` are what they mean in the zone of the option `timezone`, else in that of the
---location, which is read once for a client (scope `locations.readonly`). Of a local time that comes twice the first is
---meant.
---Raises for a wrong option.
---@async
---@nodiscard
---@param contact_id string
---@param call_options? hoopai.ContactAppointmentOptions
---@return hoopai.ContactAppointment[]? appointments nil when the call failed
---@return hoopai.Response|hoopai.Error response
function Contacts:appointments(contact_id, call_options) end

---Users, for their names.
---@class hoopai.client.Users
local Users = {}

---Get one user.
---
---`GET /users/{userId}`, version 2021-07-28
---@async
---@nodiscard
---@param userId string Identifier of the user.
---@param options? hoopai.CallOptions
---@return hoopai.User? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Users:get(userId, options) end

---Find users of an agency, and of one of its locations; `response.extra.count` says how many there are.
---
---`GET /users/search`, version 2021-07-28
---@async
---@nodiscard
---@param query hoopai.UsersSearchQuery
---@param options? hoopai.CallOptions
---@return hoopai.User[]? result nil when the call failed
---@return hoopai.UsersSearchResponse|hoopai.Error response the error when the call failed
function Users:search(query, options) end

---@class hoopai.UsersSearchResponse: hoopai.Response
---@field extra hoopai.UsersSearchExtra

---Iterate over the records of all pages, which are read as they are needed.
---
---A page is read when its first record is needed, and nothing is in flight between two steps of the loop: it can be
---left at any time. `limit` is the size of a page; without it the largest one is asked for. Tasks may share an
---iterator: each record goes to one of them.
---
---Each id is given once, also if records are added while the list is read. If records are removed meanwhile, others
---move to pages that were read already, and are not seen: use `all` before you delete what you read. Records without an
---id are given as they come. A page in which nothing is new is an error of kind "protocol".
---
---A page that cannot be read raises the `Error`; the next step reads that page again.
---
---`GET /users/search`
---@nodiscard
---@param query hoopai.UsersSearchQuery 
---@param options? hoopai.PageOptions
---@return async fun(): hoopai.User? next the iterator
function Users:each(query, options) end

---List the records of all pages.
---
---It reads the pages as `each` does, and returns the response of the last one.
---
---`GET /users/search`
---@async
---@nodiscard
---@param query hoopai.UsersSearchQuery 
---@param options? hoopai.PageOptions
---@return hoopai.User[]? result nil when the call failed
---@return hoopai.UsersSearchResponse|hoopai.Error response the error when the call failed
function Users:all(query, options) end

---Locations, for their names and time zones.
---@class hoopai.client.Locations
local Locations = {}

---Get one location.
---
---`GET /locations/{locationId}`, version 2021-07-28
---@async
---@nodiscard
---@param locationId string Identifier of the location.
---@param options? hoopai.CallOptions
---@return hoopai.Location? result nil when the call failed
---@return hoopai.Response|hoopai.Error response the error when the call failed
function Locations:get(locationId, options) end

---A client of one location. `client.calendars` and the like have the methods.
---@class hoopai.Client
---@field calendars hoopai.client.Calendars Calendars, and the free slots in them.
---@field groups hoopai.client.Groups Groups of calendars.
---@field events hoopai.client.Events Appointments and blocked times in a window of time.
---@field appointments hoopai.client.Appointments Bookings of contacts in calendars.
---@field block_slots hoopai.client.BlockSlots Blocked times of calendars and users.
---@field notes hoopai.client.Notes Notes on an appointment.
---@field resources hoopai.client.Resources Rooms and equipment.
---@field notifications hoopai.client.Notifications Messages that a calendar sends about its appointments.
---@field schedules hoopai.client.Schedules Weekly hours and special dates of users.
---@field event_schedules hoopai.client.EventSchedules Weekly hours and special dates of event calendars.
---@field services hoopai.client.Services Services that can be booked.
---@field service_bookings hoopai.client.ServiceBookings Bookings of services.
---@field service_locations hoopai.client.ServiceLocations Places where services are given.
---@field contacts hoopai.client.Contacts Contacts, for their names and appointments.
---@field users hoopai.client.Users Users, for their names.
---@field locations hoopai.client.Locations Locations, for their names and time zones.
local Client = {}

---A light client with other defaults that shares connections and token with this one.
---Raises for an unknown or wrong option.
---@nodiscard
---@param given? hoopai.CallOptions the options that differ
---@return hoopai.Client # one whose closing never closes its parent
function Client:with(given) end

---Calls an endpoint that has no method yet. The whole body is the result.
---Raises for wrong use.
---@async
---@nodiscard
---@param given hoopai.Request
---@param call_options? hoopai.CallOptions
---@return any result nil when the call failed
---@return hoopai.Response|hoopai.Error response
function Client:request(given, call_options) end

---Closes the client. Calls in flight end with kind "closed". A client made by `with` closes only itself: its requests
---in flight end as they would have, and none is sent any more.
---Idempotent; returns at once.
function Client:close() end

---A task that `hoopai.spawn` started.
---@class hoopai.Task
local Task = {}

---Waits until the task has ended.
---Raises when a task would wait for itself, and where no loop is running.
---@async
---@nodiscard
---@return any ... what the task's function returned; or nil and a `hoopai.Error`
function Task:join() end

---Ends the task where it waits: its transfer is aborted and its to-be-closed variables are closed. Its code is not
---resumed otherwise. Without effect on a task that has ended. Changes that it may have made are returned by `join`.
---Raises when a task would cancel itself.
function Task:cancel() end

---What `hoopai.store.file`, `hoopai.store.memory` and `hoopai.store.redis` return; opaque.
---@class hoopai.Store

---A token store of your own: a table with these functions, which are called without the table. Programs on several
---hosts need one, because a file store is for one host. Each string holds the credentials of one location or agency,
---tokens included: keep it as safe as a password. Its format may change; `get` must return it exactly as it was put.
---The functions may wait as any call may, by `hoopai.sleep` or by calls: a call whose time is over does not wait for
---them any longer, and they go on. One that keeps the thread cannot be cut off. An error that they raise counts as a
---problem.
---@class hoopai.OwnStore
---`get(key)` returns the stored string of the key, nil if there is none, or nil and a problem. After the string it may
---return the seconds by which the clock of this host is ahead of that of the host that put it: the times in the
---credentials are then read on this host's clock
---@field get async fun(key: string): string?, any
---`put(key, text, expected, generation)` returns true once the string is stored durably, or nil and a problem. It
---returns false, and changes nothing, when the generation of the stored string differs from `expected` (0: when any
---string is stored). `generation` is that of `text`: a store that compares generations keeps it beside the string
---@field put async fun(key: string, text: string, expected: integer, generation: integer): boolean?, any
---@field list? function `list()` returns a list of the keys that have a string, or nil and a problem; `app:grants` needs it
---@field remove? function `remove(key)` returns true once the string of the key is gone (or if there was none), or nil and a problem; `app:forget` needs it
---`lock(key)` returns a function that releases the lock, nil while another program holds it (the library tries again,
---for a minute at most), or nil and a problem. Tokens are exchanged under the lock. Without it two programs may spend
---one refresh token. A lock that ends by itself may return a second function, which returns whether it still holds for
---long enough to send a token
---@field lock? async fun(key: string): (fun())?, any

---What `hoopai.store.redis` takes.
---@class (exact) hoopai.RedisStoreOptions
---`call(command, ...)` sends a command to Redis and returns its result (nil for the nil of Redis, a list for an array),
---or nil and a problem. It may wait as any call may
---@field call async fun(command: string, ...: string|number): any, any
---@field prefix? string what the keys in Redis begin with; default "hoopai:"
---@field lock_seconds? number after so long the lock of a program that was killed or stopped ends, from 10 on. The program that holds it renews it; default 10
---@field encryption_key? string 32 random bytes: credentials are encrypted (AES-256-GCM). Needs hoopai.crypto. Default: they are stored as they are

---Where the tokens of an app are kept.
---@class hoopai.store
local store = {}

---A store in a private folder, safe against crashes and other processes of this host. Credentials are files of mode
---0600, each of which is replaced as a whole and is on the disk before it is used. A kernel lock (`flock`) is held
---while tokens are exchanged, so the folder must be on a local file system. When a program is killed during a token
---exchange, a child that it forked meanwhile holds the lock until the child ends.
---
---Before a token is exchanged, the room on the disk for its successor is reserved, and the path is looked at: another
---folder that took the place of the open one is used from then on, and one that became unsafe is refused.
---Raises when the folder cannot be opened, is a symbolic link, belongs to another user, or can be read, searched or
---changed by others.
---@nodiscard
---@param path string the folder; made with mode 0700 when it is missing. Its parent folder must exist
---@return hoopai.Store
function store.file(path) end

---A store that lasts as long as the program, for trials and for specs. Nothing is written to a file.
---@nodiscard
---@return hoopai.Store
function store.memory() end

---A store in Redis 5 or newer, for programs on several hosts. Credentials are replaced only by those of a program that
---has read them, so a program that was stopped for long cannot overwrite a newer token, and a lock in Redis is held
---while a token is exchanged. Redis must keep what was written: see the page "Many machines".
---Raises for a missing, unknown or wrong option.
---@nodiscard
---@param options hoopai.RedisStoreOptions
---@return hoopai.Store
function store.redis(options) end

---Keeps a secret in a token store, in place of another one of this name.
---Raises for a wrong name, and for another store.
---@nodiscard
---@param given hoopai.OwnStore `hoopai.store.file(path)`, or another store
---@param name string letters, digits, `.`, `_`, `-` and `/`
---@param secret string|userdata
---@return boolean? # true once the secret is stored durably
---@return hoopai.Error? # of kind "store", or of kind "invalid_request" for a text that cannot be a secret
function store.keep_secret(given, name, secret) end

---Reads a secret of a token store. It shows itself to no script: it serves as `token` of `hoopai.new` and as
---`client_secret` of `hoopai.oauth`.
---Raises for a wrong name, and for another store.
---@nodiscard
---@param given hoopai.OwnStore
---@param name string
---@return userdata? # the secret
---@return hoopai.time.Instant # when it was kept
function store.secret(given, name) end

---Removes a secret from a token store.
---Raises for a wrong name, and for another store.
---@nodiscard
---@param given hoopai.OwnStore
---@param name string
---@return boolean? # true, also if there was none
---@return hoopai.Error? # of kind "store"
function store.forget_secret(given, name) end

---What `hoopai.redis.luv` takes.
---@class (exact) hoopai.RedisOptions
---@field host? string name or address; default "127.0.0.1"
---@field port? integer default 6379
---@field password? string for AUTH. No error shows it
---@field username? string for AUTH, with `password`
---@field database? integer for SELECT
---seconds that a command may take, connecting included. After them the connection is dropped, with all commands in it:
---a reply that comes late must not be taken for another one's; default 2
---@field timeout? number

---What `hoopai.redis.cqueues` takes.
---@class (exact) hoopai.RedisTlsOptions
---@field host? string name or address; default "127.0.0.1"
---@field port? integer default 6379
---@field password? string for AUTH. No error shows it
---@field username? string for AUTH, with `password`
---@field database? integer for SELECT
---seconds that a command may take, connecting included. After them the connection is dropped, with all commands in it:
---a reply that comes late must not be taken for another one's; default 2
---@field timeout? number
---true: TLS, with the certificates that the system trusts; or `{ ca_file = path }` with others (PEM). The name of the
---host is verified. Needs luaossl; default false
---@field tls? boolean|table

---What `hoopai.redis.claims` takes.
---@class (exact) hoopai.ClaimOptions
---@field call async fun(command: string, ...: string|number): any, any one of this module, or another one
---@field prefix? string what the names of the keys begin with; default "hoopai:"

---Functions `call` for what this library keeps in Redis: `hoopai.store.redis`, `hoopai.rate_limit.redis` and others
---take one as the option `call`.
---
---    local connect = function() return require("redis").connect { host = "127.0.0.1", port = 6379, timeout = 2 } end
---    local store = hoopai.store.redis { call = require("hoopai.redis").lua_redis(connect) }
---
---`call(command, ...)` returns the result of the command (nil for the nil of Redis), or nil and a problem, a text in
---one line. Any other client of Redis serves as well, with a function that does this.
---
---`luv` and `cqueues` have one connection for all tasks, which wait while the loop of the host goes on. Commands that
---change what later replies mean (MULTI, SUBSCRIBE, MONITOR, SELECT, AUTH) are not for such a connection. After a break
---the next command connects anew; one that was cut off is not sent again, as Redis may have done it.
---@class hoopai.redis
local redis = {}

---For lua-redis, the rock `redis-lua` and Debian's package of that name: each command blocks, so it is for scripts.
---Raises when `connect` is no function.
---@nodiscard
---@param connect function `connect()` returns a client of lua-redis, signed in if need be. It is called before the first command, and again after a broken connection. Give the connection a `timeout` in seconds, as a command waits for its result without end otherwise
---@return async fun(command: string, ...: string|number): any, any
function redis.lua_redis(connect) end

---For hosts with the loop of luv (see `hoopai.use`): commands wait in tasks while `uv.run` runs. When the Lua
---state is closed, the last ones run the loop themselves, with the callbacks of all handles that the host left open.
---There is no TLS, as luv has none. Opens nothing: the first command connects. An idle connection does not keep
---`uv.run` going.
---Raises for an unknown or wrong option, and when luv is not installed.
---@nodiscard
---@param options? hoopai.RedisOptions
---@return async fun(command: string, ...: string|number): any, any
function redis.luv(options) end

---For hosts with the loop of cqueues (see `hoopai.use`): commands wait in tasks and in coroutines of the controller.
---Where no controller runs, a command blocks the thread. Opens nothing: the first command connects.
---Raises for an unknown or wrong option, and when cqueues is not installed.
---@nodiscard
---@param options? hoopai.RedisTlsOptions
---@return async fun(command: string, ...: string|number): any, any
function redis.cqueues(options) end

---The options `claim` and `release` of `hoopai.webhook` for programs on several hosts: each id is taken by one of
---them.
---
---    local claim, release = hoopai.redis.claims { call = call }
---    local webhook = hoopai.webhook { claim = claim, release = release }
---
---An id is kept as long as a webhook may be old (`max_age`). If Redis cannot be asked, the webhook is refused with the
---kind "store", and the sender is to send it again.
---Raises for a missing, unknown or wrong option.
---@nodiscard
---@param options hoopai.ClaimOptions
---@return async fun(id: string, seconds?: number): boolean?, string? claim
---@return async fun(id: string): boolean?, string? release
function redis.claims(options) end

---What `hoopai.rate_limit.redis` takes.
---@class (exact) hoopai.SharedRateLimitOptions
---`call(command, ...)` sends a command to Redis and returns its result, or nil and a problem: see hoopai.redis. It may
---wait
---@field call async fun(command: string, ...: string|number): any, any
---@field prefix? string what the names of the keys begin with; default "hoopai:"
---@field timeout? number seconds after which Redis counts as away. A `call` that blocks the thread needs its own limit besides; default 0.5

---What `hoopai.rate_limit.redis` returns; opaque.
---@class hoopai.SharedRateLimit

---Rate limits that programs on several hosts share. For those of one program nothing is needed: every client counts
---the limit of its locations, see the option `rate_limit` of `hoopai.new`.
---
---    local client = hoopai.new {
---      oauth = app,
---      rate_limit = hoopai.rate_limit.redis { call = call }, -- `call` is one of hoopai.redis
---    }
---
---See `doc/many_machines.md`.
---@class hoopai.rate_limit
local rate_limit = {}

---A rate limit in Redis for all programs that have the same `prefix`: one for each location and OAuth app. (Clients
---with a `token` of their own count as one app: give another `prefix` for each integration.) A program takes permits
---from it in leases, whose size follows its use, so that Redis is asked a few times per second and not for each call.
---What is not used is returned; a program that dies costs its lease for as long as the interval of the limit.
---
---When Redis cannot be asked, calls go on with what the API's headers state, as without this option, and the hook
---`on.rate_limit` is called. Opens nothing: `call` is called when a call of the API needs a permit.
---Raises for a missing, unknown or wrong option.
---@nodiscard
---@param options hoopai.SharedRateLimitOptions
---@return hoopai.SharedRateLimit
function rate_limit.redis(options) end

---What `hoopai.use` takes: the way of hoopai to a loop. One that calls back watches `pollfd` while `busy` is true,
---and calls `step` whenever the descriptor is readable or `timeout` has passed.
---@class hoopai.Adapter
---@field name string for messages
---called when there is something to do that was not there after the last `step`: it sees to it that `step` is called
---soon, but not from within itself. Not needed by a loop that asks `busy` and `timeout` before each wait; then it does
---nothing. Absent only in `blocking`
---@field changed? fun()
---called before a task is spawned outside of any: makes what `changed` needs, and returns nothing; or why no task can
---be run here, which `hoopai.spawn` then raises
---@field prepare? fun(): string?
---returns whether the loop is running: then a call outside of any task raises instead of blocking it. Without it only
---calls made during `step` are refused
---@field running? fun(): boolean

---The loops that can drive hoopai: `hoopai.use(hoopai.loop.luv)`.
---
---There are `blocking` (hoopai's own, the default), `luv`, `cqueues`, `copas` and `custom`. An adapter is loaded when
---it is named here, and needs the library of that name.
---
---The functions are for loops that have no adapter. Whatever tasks, calls and timers there are, one descriptor and one
---moment tell when something is to be done:
---
---    hoopai.use(hoopai.loop.custom)
---    while hoopai.loop.busy() do
---      wait_until_readable(hoopai.loop.pollfd(), hoopai.loop.timeout()) -- poll(2), select, ...
---      hoopai.loop.step()
---    end
---
---A loop that calls back, such as that of a GUI, has an adapter of its own: see `Adapter`.
---@class hoopai.loop
---@field blocking hoopai.Adapter
---@field luv hoopai.Adapter
---@field cqueues hoopai.Adapter
---@field copas hoopai.Adapter
---@field custom hoopai.Adapter
local loop = {}

---The descriptor to wait for: `step` has something to do when it is readable. It stays the same as long as the
---process lives; do not close it.
---@nodiscard
---@return integer
function loop.pollfd() end

---What to wait for on the descriptor.
---@nodiscard
---@return string # always "r"
function loop.events() end

---How long to wait for the descriptor at most.
---@nodiscard
---@return number? # seconds until `step` must be called, 0 = at once; nil = not before the descriptor is readable
function loop.timeout() end

---Is there anything to wait for: a call, a timer, a task that can go on? If not, a loop may end: more comes only of
---what its own code does.
---@nodiscard
---@return boolean
function loop.busy() end

---Does what can be done without waiting: reads and writes, wakes and resumes tasks. Where there are many it returns
---after some milliseconds, so that the host gets its turn; `timeout` is 0 then. Errors of tasks do not come out of it.
---Raises when it is called inside itself.
function loop.step() end

---What `hoopai.oauth` takes.
---@class (exact) hoopai.AppOptions
---@field client_id string the app's id, as the vendor's marketplace shows it
---@field client_secret string the app's secret. Nothing prints it
---where tokens are kept: `hoopai.store.file(path)` for all that must last, `hoopai.store.memory()`, or a table of
---yours. Default: in memory
---@field store? hoopai.Store|hoopai.OwnStore
---@field redirect_uri? string where a browser is sent back to after the sign-in, as registered
---@field scopes? string[] list of what a sign-in asks for
---@field company_id? string the agency, for clients and calls that name none
---where the token endpoints are: https, or http to this machine. Default: HOOPAI_BASE_URL of the environment, else
---`https://services.leadconnectorhq.com`
---@field base_url? string
---@field connect_timeout? number seconds until a connection must be there; default 10
---@field max_connections? integer how many connections to the token endpoints may be open; default 64
---@field http2? boolean whether HTTP/2 may be used; default true
---@field ca_file? string certificates to trust instead of the system's (PEM)
---@field proxy? string "environment", or the address of a proxy; with a base URL of https. Default: none
---@field user_agent? string the `User-Agent` header
---@field on? hoopai.Hooks functions; an app calls `refresh` alone

---What `app:authorize_url` takes.
---@class (exact) hoopai.SignInOptions
---@field scopes? string[] list of the scopes to request. Default: the app's. Without any the address has no `scope`, and the vendor may refuse the sign-in
---@field redirect_uri? string where the browser is sent back to. Default: the app's
---@field state? string what the browser brings back. Default: 128 random bits
---@field pkce? boolean whether the code is bound to this sign-in (PKCE, S256); default false
---@field code_verifier? string the secret of PKCE, 43 to 128 letters, digits or `-._~`, instead of a random one; means `pkce` too
---"standard", "white_label" (the vendor's page without its brand), or the address of another host; default "standard"
---@field host? "standard"|"white_label"|string
---@field version_id? string the version of the app, which a link to an app that is not live needs

---What `app:exchange` takes.
---@class (exact) hoopai.ExchangeOptions
---@field code string the `code` that the browser brought back
---@field redirect_uri? string the same as for `App:authorize_url`. Default: the app's
---@field code_verifier? string|userdata the one that `App:authorize_url` returned
---@field user_type? "Location"|"Company" "Location", or "Company" for the token of an agency; default "Location"

---What `app:installed_locations` takes.
---@class (exact) hoopai.InstalledOptions
---@field company_id? string the agency. Default: the app's
---@field limit? integer locations per request; default 100

---What `App:authorize_url` returns beside the address, to be kept until the browser comes back.
---@class hoopai.SignIn
---@field state string what the browser must bring back as `state`: else the code belongs to another sign-in
---@field redirect_uri string for `App:exchange`
---@field code_verifier? userdata for `App:exchange`, with `pkce`

---The location or agency of a sign-in.
---@class hoopai.Grant
---@field location_id? string the location, of a "Location"
---@field company_id? string the agency
---@field user_id? string the user who signed in
---@field user_type "Location"|"Company" "Location" or "Company"
---@field scope? string the granted scopes, separated by spaces

---An OAuth app, made by `hoopai.oauth`.
---@class hoopai.App
local App = {}

---The address that a person opens to sign in and to choose where to install the app.
---Raises for an unknown or wrong field, and without a `redirect_uri`.
---@nodiscard
---@param given hoopai.SignInOptions
---@return string # the address
---@return hoopai.SignIn
function App:authorize_url(given) end

---Exchanges the code of a sign-in for tokens, and stores them. A code works once; the request is never repeated.
---Before, the store is locked, and room in it reserved. If the tokens cannot be stored all the same, such as behind a
---lock that another program holds, the error has `applied = "yes"`, and this app keeps them: its clients use them, and
---store them as soon as they can.
---Raises for an unknown or wrong field, and without a `code`.
---@async
---@nodiscard
---@param given hoopai.ExchangeOptions
---@return hoopai.Grant?
---@return hoopai.Error?
function App:exchange(given) end

---Makes a client of a location, or of the agency. Its `base_url`, `proxy` and `ca_file` are the app's: others are
---options of `hoopai.new` with the app as `oauth`.
---Raises for an unknown or wrong option, and for a `base_url`, `proxy` or `ca_file` that is not the app's.
---@nodiscard
---@param given? hoopai.ClientOptions the other options of `hoopai.new`, but for `token` and `oauth`
---@return hoopai.Client
function App:client(given) end

---Iterates over the locations of an agency as the API lists them for the app:
---`for location in app:installed_locations { company_id = id } do print(location.name) end`. The agency must have
---signed in, with the scope `oauth.readonly`; the tokens of its locations need `oauth.write` as well.
---Raises for an unknown or wrong field, and without a `company_id`.
---@async
---@nodiscard
---@param given? hoopai.InstalledOptions
---@return fun(): table<string, any>? iterator of locations as the API gives them
function App:installed_locations(given) end

---Lists the grants of this app in its store, by agency and location. A store of your own needs the function `list`.
---@nodiscard
---@return hoopai.StoredGrant? # a list
---@return hoopai.Error? # of kind "store"
function App:grants() end

---Removes the tokens of a location or of an agency from the store: its clients are refused from then on, with kind
---"reauth_required". A token exchange that runs, in any program of this host, ends before. The vendor is not informed:
---the app stays installed there. A location that has its tokens from its agency gets new ones as long as the agency is
---not forgotten too. A store of your own needs the function `remove`.
---Raises for an unknown or wrong field, and for none or both.
---@nodiscard
---@param given table one of these fields
---@return boolean? # true, also if there was no such grant
---@return hoopai.Error? # of kind "store"
function App:forget(given) end

---Keeps the tokens in step with the webhooks INSTALL, UPDATE and UNINSTALL; other events change nothing. An INSTALL
---or UPDATE makes the tokens of its location, with those of its agency, unless the location has some of after the
---event. An UNINSTALL removes those of its location, or of its agency if it names no location, unless they are younger
---than the event, or an INSTALL after it was applied: webhooks come in any order. A store of your own needs the
---function `remove`.
---
---After a failure give the event back with `webhook:release`, and respond with an error: then it is sent again.
---Raises for any other value, such as a decoded body.
---@nodiscard
---@param event hoopai.Event one that `webhook:verify` returned
---@return string? # "installed", "uninstalled" or "unchanged"
---@return hoopai.Error? # of kind "invalid_request" if the event is of another app, has no time or no id
function App:apply(event) end

---Closes the app's connections. In a task it returns at once, and an exchange that runs is ended by the loop; outside
---it waits for the exchange, for 45 seconds at most. Idempotent.
function App:close() end

---What `world:contact` takes.
---@class (exact) hoopai.sandbox.Contact
---@field name string
---@field firstName? string
---@field lastName? string
---@field email? string
---@field phone? string
---@field locationId? string
---@field id? string default: a readable one

---What `world:user` takes.
---@class (exact) hoopai.sandbox.User
---@field name string
---@field firstName? string
---@field lastName? string
---@field email? string
---@field phone? string
---@field locationId? string
---@field id? string default: a readable one

---What `world:group` takes.
---@class (exact) hoopai.sandbox.Group: hoopai.GroupCreate
---@field description? string
---@field slug? string
---@field id? string default: a readable one

---What `world:calendar` takes.
---@class (exact) hoopai.sandbox.Calendar: hoopai.CalendarCreate
---@field id? string default: a readable one

---What `world:schedule` takes.
---@class (exact) hoopai.sandbox.Schedule: hoopai.ScheduleCreate
---@field timezone? string
---@field id? string default: a readable one

---What `world:appointment` takes.
---@class (exact) hoopai.sandbox.Appointment: hoopai.AppointmentCreate
---@field id? string default: a readable one

---What `world:block` takes.
---@class (exact) hoopai.sandbox.Block: hoopai.BlockSlotCreate
---@field id? string default: a readable one

---What `world:service` takes.
---@class (exact) hoopai.sandbox.Service: hoopai.ServiceCreate
---@field slug? string
---@field id? string default: a readable one

---What `world:service_location` takes.
---@class (exact) hoopai.sandbox.ServiceLocation: hoopai.ServiceLocationCreate
---@field slug? string
---@field id? string default: a readable one

---What `world:service_booking` takes.
---@class (exact) hoopai.sandbox.ServiceBooking: hoopai.ServiceBookingCreate
---@field timezone? string
---@field endTime? string
---@field id? string default: a readable one

---What `world:note` takes.
---@class (exact) hoopai.sandbox.Note: hoopai.NoteBody
---@field appointmentId string
---@field id? string default: a readable one

---What `world:notification` takes.
---@class (exact) hoopai.sandbox.Notification: hoopai.NotificationCreate
---@field calendarId string
---@field receiverType? "contact"|"guest"|"assignedUser"|"emails"|"phoneNumbers"|"business"
---@field channel? "email"|"inApp"|"sms"|"whatsapp"
---@field notificationType? "booked"|"confirmation"|"cancellation"|"reminder"|"followup"|"reschedule"
---@field id? string default: a readable one

---What `world:resource` takes.
---@class (exact) hoopai.sandbox.Resource: hoopai.ResourceCreate
---@field resourceType "rooms"|"equipments"
---@field description? string
---@field quantity? integer
---@field outOfService? integer
---@field capacity? integer
---@field calendarIds? string[]
---@field id? string default: a readable one

---Adds records to a sandbox that starts: what the function `seed` gets.
---@class hoopai.sandbox.World
---@field seed table the identifiers of the data that is there already
---@field location_id string of the clinic
---@field zone string of the clinic
local World = {}

---@param fields hoopai.sandbox.Contact
---@return string id
function World:contact(fields) end

---@param fields hoopai.sandbox.User
---@return string id
function World:user(fields) end

---@param fields hoopai.sandbox.Group
---@return string id
function World:group(fields) end

---@param fields hoopai.sandbox.Calendar
---@return string id
function World:calendar(fields) end

---@param fields hoopai.sandbox.Schedule
---@return string id
function World:schedule(fields) end

---@param fields hoopai.sandbox.Appointment
---@return string id
function World:appointment(fields) end

---@param fields hoopai.sandbox.Block
---@return string id
function World:block(fields) end

---@param fields hoopai.sandbox.Service
---@return string id
function World:service(fields) end

---@param fields hoopai.sandbox.ServiceLocation
---@return string id
function World:service_location(fields) end

---@param fields hoopai.sandbox.ServiceBooking
---@return string id
function World:service_booking(fields) end

---@param fields hoopai.sandbox.Note
---@return string id
function World:note(fields) end

---@param fields hoopai.sandbox.Notification
---@return string id
function World:notification(fields) end

---@param fields hoopai.sandbox.Resource
---@return string id
function World:resource(fields) end

---What `sandbox.start` takes.
---@class (exact) hoopai.SandboxOptions
---@field port? integer default: a free one
---@field tls? boolean https with HTTP/2; the certificate authority is in `ca_file` of the sandbox
---@field now? integer|hoopai.time.Instant milliseconds (or a `hoopai.time` value) of a clock that stands still; default: the clock of the system
---@field rate_limit? table|boolean `{ max = 100, interval_ms = 10000, daily = 200000 }`; false: no limit
---@field latency_ms? integer wait before each request is handled
---@field delay_ms? integer wait before each response is sent
---@field get_envelope? "appointment"|"event" "appointment" (default) or "event": the envelope of one appointment
---@field strict_block_slots? boolean false: accept block slots on calendars of any type
---@field token? string the token to accept; default: a random one
---@field tokens? table more tokens: name -> `{ token, location_id, scopes (a list), class }`
---@field zone? string the time zone of the clinic and of its data, such as "Europe/Berlin"; default: New York
---called with a `world`, whose methods add contacts, users, calendars and other records, see `hoopai.sandbox.world`
---@field seed? fun(world: hoopai.sandbox.World)
---@field empty? boolean true: begin with the clinic alone, without its staff, contacts, calendars and bookings
---@field many? integer add so many of everything, for more than one page, see `hoopai.sandbox.domain.many`
---@field random_seed? integer another number gives other ids
---@field control? boolean enable the admin interface for specs, see `hoopai.sandbox.server.admin`
---@field oauth? table the app to sign in to, as described above
---@field webhooks? table where webhooks of all changes are sent to (`url`), and how, see `hoopai.sandbox.webhooks`
---the command that runs the sandbox, for programs whose interpreter lacks the rock `http`. It finds its modules by its
---own environment. Default: HOOPAI_SANDBOX_LUA, else the interpreter of this program with the search paths of this
---program
---@field interpreter? string

---What `sandbox.serve` takes.
---@class (exact) hoopai.SandboxServeOptions: hoopai.SandboxOptions
---the program: a command of the shell, or a list of words; also the table `arg`, as in `lua5.4 -e
---'require("hoopai.sandbox").serve { run = arg }' lua5.4 script.lua`, or in a script of one's own: then the program is
---what follows the name of that script. The program gets the variables in its environment, and the input and output of
---this process. Ctrl-C ends both. The exit status is the program's, or 128 and the number of the signal that ended it;
---the sandbox has ended before
---@field run? string|string[]

---A running sandbox. It stops when it is closed or collected as garbage.
---@class hoopai.Sandbox
---@field url string for `base_url` of `hoopai.new`
---@field port integer
---@field token string the token that it accepts
---@field location_id string the location of the token
---the identifiers of the data at the start, see `hoopai.sandbox.domain.seed`; with `many` those of
---`hoopai.sandbox.domain.many` in its field `many`
---@field seed table
---@field tokens table by name: `main`, `other_location`, `readonly`, `agency`, and those of the options
---@field ca_file? string with `tls`: for `ca_file` of `hoopai.new`
---@field control_token? string with `control`: the token of the admin interface
---@field webhook_key? string the public key of its webhooks, for `keys` of `hoopai.webhook`; there is none without hoopai.crypto
---the app to sign in to: `client_id`, `client_secret`, `app_id`, `company_id`, `authorize_url`, `redirect_uri` (that of
---the options), `locations` (ids), and with `control` two functions: `code{...}` returns an authorization code,
---`grant{...}` signs in without a code and returns the response of the token endpoint. Both take `class` (the user
---type: "Location" or "Company"), `location_id` and `scopes` (a list); `code` also takes `redirect_uri` and `challenge`
---(PKCE)
---@field oauth table
local Sandbox = {}

---Stops the sandbox; a second time does nothing.
---@return boolean # true
function Sandbox:stop() end

---Sends a request to the admin interface of a sandbox that was started with `control = true`.
---Raises when the response is an error.
---@param name string "requests", "bookings", "reset", "add", "delay", "clock", "token", "rate_limit", "webhooks", "webhooks/...", "oauth" or "oauth/..."
---@param body? table of the request, see `hoopai.sandbox.server.admin`
---@return table # the response
function Sandbox:control(name, body) end

---A local server of the API, for trying scripts without an account.
---@class hoopai.sandbox
local sandbox = {}

---Starts a sandbox and waits until it serves.
---Raises for an unknown or wrong option, and if the sandbox does not start.
---@nodiscard
---@param given? hoopai.SandboxOptions the options
---@return hoopai.Sandbox
function sandbox.start(given) end

---Serves until Ctrl-C, after printing `export` lines for a shell; or runs a program against a sandbox and ends this
---process as the program ended.
---
---The variables are those that the library and its examples read (`HOOPAI_BASE_URL`, `HOOPAI_TOKEN`,
---`HOOPAI_LOCATION_ID`, `HOOPAI_CA_FILE` with `tls`; for a sign-in `HOOPAI_COMPANY_ID`, `HOOPAI_CLIENT_ID`,
---`HOOPAI_CLIENT_SECRET`, `HOOPAI_REDIRECT_URI` and `HOOPAI_AUTHORIZE_HOST`), and ids for scripts: `CONTACT_ID`,
---`USER_ID`, `CALENDAR_ID` and `APPOINTMENT_ID`.
---Raises for an unknown or wrong option, and if the sandbox does not start.
---@param given? hoopai.SandboxServeOptions options as for `start`
function sandbox.serve(given) end

---The HoopAI (HighLevel / LeadConnector) Calendars API for Lua 5.4 and 5.5.
---
---    local hoopai = require "hoopai"
---    local client = hoopai.new()             -- HOOPAI_TOKEN and HOOPAI_LOCATION_ID from the environment
---    local calendars = assert(client.calendars:list())
---
---Calls of the API return a result and a `Response`, or nil and an `Error`. Wrong use (a missing argument, an unknown
---option) raises. Outside any loop a call blocks; in a task of `run`, `spawn` or `map` it suspends that task. With
---`use` the loop of a host drives the tasks.
---@class hoopai
local hoopai = {}

---The version of the library.
---@type string
hoopai.VERSION = nil

---Instants, durations and time zones: the module `hoopai.time`.
hoopai.time = time

---Where the tokens of an app are kept: the module `hoopai.store`.
hoopai.store = store

---Rate limits that programs on several hosts share: the module `hoopai.rate_limit`.
hoopai.rate_limit = rate_limit

---Clients of Redis: the module `hoopai.redis`.
hoopai.redis = redis

---The loops that `use` takes, and the functions for one of your own: the module `hoopai.loop`.
hoopai.loop = loop

---JSON's null. In the body of an update it clears a field that is not required. A response has it only in fields in
---which null has a meaning, such as a calendar's `availabilityType`; any other null in a response is nil.
---@type hoopai.Null
hoopai.null = nil

---Makes a client. Opens nothing: connections are made by the first call.
---Raises for a missing token, an unknown or a wrong option.
---@nodiscard
---@param options? hoopai.ClientOptions
---@return hoopai.Client
function hoopai.new(options) end

---Makes an OAuth app: sign-in, and the tokens of the locations that installed it. Opens no connection.
---Raises for a missing, unknown or wrong option.
---@nodiscard
---@param options hoopai.AppOptions
---@return hoopai.App
function hoopai.oauth(options) end

---Makes a receiver of webhooks. By default it takes those that the vendor signs with Ed25519, in the header
---`X-GHL-Signature`; the vendor's key is built in. A receiver has one scheme.
---
---A text in `keys` or `secret` that is not usable makes the receiver refuse all webhooks, with the reason in the error.
---Raises for an unknown or wrong option, and where hoopai.crypto was not built.
---@nodiscard
---@param options? table
---@return hoopai.Webhook
function hoopai.webhook(options) end

---Iterates over free slots in order of time: `for day, slot, instant in hoopai.slots(free) do ... end`.
---Raises when `free` is not a table, also because `free_slots` failed: the text of its error is part of the message.
---When there is no such zone.
---@nodiscard
---@param free hoopai.FreeSlots what `client.calendars:free_slots` returned
---@param zone? string|hoopai.Error|hoopai.Response the zone that the instants carry, such as "Europe/Berlin": a week after a slot is then the same time of day. Default: each instant carries the offset in its text. The second result of `free_slots` may stand here too: `hoopai.slots(client.calendars:free_slots(...))`
---@return fun(): string, string, hoopai.time.Instant iterator of day, slot and instant
function hoopai.slots(free, zone) end

---Writes events as an iCalendar file (RFC 5545), which calendar programs import: `file:write(hoopai.ical(events))`.
---Reads no clock and sends nothing: the same events give the same text.
---
---Each record is one VEVENT. An instance of a series stands for itself, and its `rrule` is not written. SUMMARY is
---`title`, LOCATION `address`, DESCRIPTION `description` and `notes`. The UID is made of the id, so that an event is
---the same one in each file. SEQUENCE is the seconds from `dateAdded` to `dateUpdated`, so that a later version
---replaces an earlier one. STATUS is TENTATIVE for `new`, CANCELLED for `cancelled`, `invalid` and what was deleted,
---CONFIRMED for the others; a blocked time has none. What is cancelled takes up no time (TRANSP). An event that is
---twice in the list is written once, as it was changed last.
---Raises for what is no list of events, for events whose id or times are missing or cannot be read, and for an unknown
---or wrong option.
---@nodiscard
---@param events (hoopai.Event|hoopai.BlockSlot)[]|hoopai.Event a list of events, as `client.events:all`, `client.block_slots:all` and the `list` methods return it; or one event, as `client.appointments:get` returns it. Each needs `id`, `startTime` and `endTime`
---@param options? hoopai.IcalOptions|hoopai.Error|hoopai.Response zone, name and the like. The second result of the call that returned the events may stand here too: `hoopai.ical(client.events:all { ... })`
---@return string # the file: lines of at most 75 bytes, which end in CRLF
function hoopai.ical(events, options) end

---Marks a list so that it is sent as a JSON array even when it is empty. Needed only in fields that the library does
---not know.
---@generic T
---@param list? T[]
---@return T[]
function hoopai.array(list) end

---Makes the hooks of a log: `hoopai.new { on = hoopai.log() }`. It writes a line when a call is over:
---
---    2026-03-07T14:00:00.123Z POST /calendars/events/appointments 201 132ms attempts=1 reused=yes trace=5f0c
---    2026-03-07T14:00:12.004Z PUT /calendars/groups/g1 503 9120ms attempts=3 reused=yes error=server applied=maybe
---
---with `-` for the status if no response arrived, and `dry_run=yes` if the option `dry_run` kept a change from being
---sent; and a line when a token of an app was renewed, or could not be. The path has the ids in the request. No token,
---query, header or body is in a line.
---
---The variable HOOPAI_LOG of the environment gives such a log to a program that has none: `1`, or `verbose`.
---Raises for an unknown or wrong option, for an `err`, and without `write` if Lua has no library `io`.
---@nodiscard
---@param options? hoopai.LogOptions
---@param err? hoopai.Error the error of a call that was to return the options, and failed
---@return hoopai.Hooks # a table that you may add other hooks to
function hoopai.log(options, err) end

---Writes a value as JSON, as the library writes the bodies of its requests: the names of an object in order, integers
---as such, instants as ISO 8601 text, `hoopai.null` as null, and lists that `hoopai.array` marks as `[]` when they are
---empty.
---Raises for an unknown or wrong option.
---@nodiscard
---@param value any a string, a number, a boolean, `hoopai.null`, an instant, or a table of these
---@param options? hoopai.EncodeOptions
---@return string? # one line, or with `indent` several, without a line break at the end
---@return hoopai.Error? # of kind "invalid_request": JSON cannot express the value
function hoopai.encode(value, options) end

---Reads JSON, as the library reads responses, but for null: that is `hoopai.null` everywhere. Integers are Lua
---integers, and empty lists are marked as with `hoopai.array`.
---Raises for another type than a string.
---@nodiscard
---@param text string
---@return any # the value
---@return hoopai.Error? # of kind "decode": the text is no JSON
function hoopai.decode(text) end

---Loads what is otherwise loaded on first use: the endpoints, their checks, bookings, OAuth, and the modules of times,
---slots, calendar files, logs and stores. For hosts that fork, and for those that change or remove functions of Lua
---after they have loaded the library: from then on calls use the functions that were captured, and only `time`,
---`slots`, `ical` and `log` use the basic ones (`pairs`, `string.format` ...) as the host left them.
function hoopai.preload() end

---Runs fn(...) as a task, and the loop until it and all tasks spawned in it have ended.
---Inside a task it opens a child scope on the same loop and suspends that task. It does not wait for the renewal of a
---token in the background that none of the tasks waits for, but for a second after the renewal began: what goes on then
---is ended by the next `run`, by a blocking sleep or call, by the host's loop, or when the Lua state is closed.
---Raises what fn raised, after its to-be-closed variables were closed, which may wait (the other tasks are cancelled
---then); the error of a task that raised and was never joined; "deadlock" when all tasks wait for each other.
---@async
---@param fn async fun(...: any): ... what to do
---@param ... any what fn is called with
---@return any ... what fn returned
function hoopai.run(fn, ...) end

---Starts fn(...) as a task beside the caller, in the innermost scope (`run`, `map`). It begins when the caller waits.
---With a loop of the host (see `use`) it also works outside of any scope: then nothing ends with the task, and an
---error in a task that is never joined goes to `on_task_error`.
---Raises where no loop is running.
---@param fn async fun(...: any): ... what to do
---@param ... any what fn is called with
---@return hoopai.Task
function hoopai.spawn(fn, ...) end

---Suspends the calling task (or blocks the thread where no loop is running).
---Raises when `seconds` is no such number.
---@async
---@param seconds number at least 0; 0 lets other tasks run
function hoopai.sleep(seconds) end

---Calls fn(item, index) for each item, several at a time, and keeps the order.
---Outside `run` it runs the loop itself.
---Raises what fn or `progress` raised (the other calls are cancelled first).
---@generic T, R
---@async
---@nodiscard
---@param items T[] a list
---@param fn async fun(item: T, index: integer): R?, any called with an item and its index; returns a value, or nil and an error
---@param options? hoopai.MapOptions
---@return { n: integer, [integer]: R } results by index; `n` is #items
---@return hoopai.Errors? errors by index; nil when all succeeded
function hoopai.map(items, fn, options) end

---Waits for several things at once: calls the functions side by side, joins the tasks, and keeps the order.
---Outside `run` it runs the loop itself, for functions.
---Raises what one of the functions raised (the others are cancelled first; tasks are not).
---@async
---@param items (hoopai.Task|async fun(): any, any)[] a list of functions, called without arguments, and of tasks
---@return { n: integer, [integer]: any } results by index; `n` is #items
---@return hoopai.Errors? errors by index; nil when all succeeded
function hoopai.all(items) end

---Calls the functions side by side and gives the result of the first that succeeds; the others are cancelled then.
---A function has failed when it returns nil and an error. Outside `run` it runs the loop itself.
---Raises what one of the functions raised before there was a winner (the others are cancelled first).
---@generic R
---@async
---@param fns (async fun(): R, any)[] a list of functions, called without arguments; at least one
---@return R? value of the winner; nil when all failed
---@return hoopai.Errors? errors what the others may have changed; all errors when all failed
---@return integer? winner its index
function hoopai.race(fns) end

---Calls fn(...) and cancels it, with all that it spawned, when it takes too long. Outside `run` it runs the loop
---itself.
---Raises what fn raised.
---@async
---@param seconds number at least 0
---@param fn async fun(...: any): ... what to do
---@param ... any what fn is called with
---@return any ... what fn returned; or nil and a `hoopai.Error`
function hoopai.timeout(seconds, fn, ...) end

---Sets what is called with the error of each task that failed and is never joined: at the latest when there is nothing
---left to do, or when the task is collected. There is one function for the Lua state. By default the error and its
---traceback are printed on stderr. An error that `run` raises, or that a `join` returned, is not passed to it.
---Raises when `fn` is neither a function nor nil.
---@param fn? fun(err: any, traceback: string, task: hoopai.Task) is called with what the task raised, the traceback (a string that begins with the error's text), and the task, whose `Task:join` returns all that is known. It may not wait, and what it raises goes to `warn()`. nil: the default again
function hoopai.on_task_error(fn) end

---Chooses the loop of the host, once for the whole program and before the first call.
---With `hoopai.loop.luv` or `hoopai.loop.copas` the host's loop runs the tasks of `spawn`, which then works outside of
---`run`. With `hoopai.loop.cqueues` calls also wait in the coroutines of cqueues. `hoopai.loop.custom` is for loops of
---your own.
---Raises after the first call, and for a second loop.
---@param adapter hoopai.Adapter
function hoopai.use(adapter) end

return hoopai
