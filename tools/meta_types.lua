--- Types of tools/generate_meta.lua that the comments of the library cannot express.
local meta_types = {}

-- Types that LDoc has no notation for: "ITEM.name" of a parameter or field, "ITEM" for all results (a list of lines).
meta_types.refined = {
  ["new.options"] = "hoopai.ClientOptions",
  ["oauth.options"] = "hoopai.AppOptions",
  ["AppOptions.scopes"] = "string[]",
  ["AppOptions.store"] = "hoopai.Store|hoopai.OwnStore",
  ["App:authorize_url.given"] = "hoopai.SignInOptions",
  ["SignInOptions.scopes"] = "string[]",
  ["SignInOptions.host"] = '"standard"|"white_label"|string',
  ["App:exchange.given"] = "hoopai.ExchangeOptions",
  ["ExchangeOptions.user_type"] = '"Location"|"Company"',
  ["Grant.user_type"] = '"Location"|"Company"',
  ["App:client.given"] = "hoopai.ClientOptions",
  ["App:installed_locations.given"] = "hoopai.InstalledOptions",
  ["App:installed_locations"] = { "fun(): table<string, any>? iterator of locations as the API gives them" },
  ["file"] = { "hoopai.Store" },
  ["memory"] = { "hoopai.Store" },
  ["OwnStore.get"] = "async fun(key: string): string?, any",
  ["OwnStore.put"] = "async fun(key: string, text: string, generation: integer): boolean?, any",
  ["OwnStore.lock"] = "async fun(key: string): function?, any",
  ["slots"] = { "fun(): string, string, hoopai.time.Instant iterator of day, slot and instant" },
  ["array.list"] = "T[]",
  ["array"] = { "T[]" },
  ["run.fn"] = "async fun(...: any): ...",
  ["run"] = { "any ... what fn returned" },
  ["spawn.fn"] = "async fun(...: any): ...",
  ["map.items"] = "T[]",
  ["map.fn"] = "async fun(item: T, index: integer): R?, any",
  ["map.options"] = "hoopai.MapOptions",
  ["MapOptions.progress"] = "fun(done: integer, total: integer)",
  ["map"] = {
    "{ n: integer, [integer]: R } results by index; `n` is #items",
    "hoopai.Errors? errors by index; nil when all succeeded",
  },
  ["all.items"] = "(hoopai.Task|async fun(): any, any)[]",
  ["all"] = {
    "{ n: integer, [integer]: any } results by index; `n` is #items",
    "hoopai.Errors? errors by index; nil when all succeeded",
  },
  ["race.fns"] = "(async fun(): R, any)[]",
  ["race"] = {
    "R? value of the winner; nil when all failed",
    "hoopai.Errors? errors what the others may have changed; all errors when all failed",
    "integer? winner its index",
  },
  ["timeout.fn"] = "async fun(...: any): ...",
  ["timeout"] = { "any ... what fn returned; or nil and a `hoopai.Error`" },
  ["on_task_error.fn"] = "fun(err: any, traceback: string, task: hoopai.Task)",
  ["Adapter.changed"] = "fun()",
  ["Adapter.prepare"] = "fun(): string?",
  ["Adapter.running"] = "fun(): boolean",
  ["Error.unclear"] = "hoopai.Error[]",
  ["Client:request.given"] = "hoopai.Request",
  ["Appointments:book.given"] = "hoopai.BookingRequest",
  ["Appointments:book"] = {
    "hoopai.Appointment? booked nil when the call failed",
    "hoopai.BookingResponse|hoopai.Error response",
  },
  ["Appointments:find_booking.wanted"] = "hoopai.Booking",
  ["Appointments:find_booking"] = {
    "hoopai.Appointment? booked nil when the call failed",
    "hoopai.Response|hoopai.Error response",
  },
  ["BookingRequest.from"] = "hoopai.QueryTime",
  ["BookingRequest.to"] = "hoopai.QueryTime",
  ["BookingRequest.on_taken"] = '"next"|"fail"',
  ["Booking.startTime"] = "hoopai.BodyTime",
  ["Booking.endTime"] = "hoopai.BodyTime",
  ["Error.booking"] = "hoopai.Booking",
  ["Client:request"] = { "any result nil when the call failed", "hoopai.Response|hoopai.Error response" },
  ["Task:join"] = { "any ... what the task's function returned; or nil and a `hoopai.Error`" },
  ["ClientOptions.token"] = 'string|async fun(reason: "first"|"refused"): string?, any',
  ["Response.headers"] = "table<string, string>",
  ["Response.extra"] = "table<string, any>",
  ["Error.kind"] = "hoopai.ErrorKind",
  ["Error.applied"] = '"no"|"maybe"|"yes"',
  ["Error.details"] = "hoopai.Details",
  ["Error.stage"] = '"queue"|"connect"|"send"|"wait"|"receive"|"refresh"',
  ["Error.scope"] = '"burst"|"daily"',
  ["CallOptions.headers"] = "table<string, string>",
  ["Hooks.request"] = "fun(event: hoopai.RequestEvent)",
  ["Hooks.response"] = "fun(event: hoopai.ResponseEvent)",
  ["Hooks.refresh"] = "fun(event: hoopai.RefreshEvent)",
  ["Hooks.retry"] = "fun(event: hoopai.RetryEvent)",
  ["log.options"] = "hoopai.LogOptions",
  ["LogOptions.write"] = "fun(line: string)",
  ["Hooks.dry_run"] = "fun(event: hoopai.DryRunEvent)",
  ["Hooks.done"] = "fun(event: hoopai.DoneEvent)",
  ["DoneEvent.kind"] = "hoopai.ErrorKind",
  ["DoneEvent.applied"] = '"no"|"maybe"|"yes"',
  ["Hooks.wait"] = "fun(event: hoopai.WaitEvent)",
  ["RetryEvent.kind"] = "hoopai.ErrorKind",
  ["RetryEvent.action"] = '"resend"|"look"',
  ["ResponseEvent.kind"] = "hoopai.ErrorKind",
  ["RefreshEvent.kind"] = "hoopai.ErrorKind",
  ["Request.method"] = '"GET"|"POST"|"PUT"|"PATCH"|"DELETE"',
  ["Request.query"] = "table<string, hoopai.RequestValue|hoopai.RequestValue[]>",
  ["at.fields"] = "hoopai.time.Fields|hoopai.time.Date",
  ["Fields.overlap"] = '"earlier"|"later"',
  ["instant:start_of_week.first_day"] = "string|integer",
}

-- Functions with type variables.
meta_types.generic = { array = "T", map = "T, R", race = "R" }

-- Functions that may wait, and those whose results may be ignored.
meta_types.waits = {
  ["run"] = true,
  ["map"] = true,
  ["sleep"] = true,
  ["all"] = true,
  ["race"] = true,
  ["timeout"] = true,
  ["Task:join"] = true,
  ["Client:request"] = true,
  ["App:exchange"] = true,
  ["App:installed_locations"] = true,
  ["Appointments:book"] = true,
  ["Appointments:find_booking"] = true,
}
meta_types.dropped = { run = true, spawn = true, array = true, all = true, race = true, timeout = true }

meta_types.operators = {
  Error = { "concat(any): string" },
  Errors = { "concat(any): string" },
  Instant = {
    "add(hoopai.time.Duration): hoopai.time.Instant",
    "sub(hoopai.time.Duration): hoopai.time.Instant",
    "sub(hoopai.time.Instant): hoopai.time.Duration",
    "concat(any): string",
  },
  Duration = {
    "add(hoopai.time.Duration): hoopai.time.Duration",
    "add(hoopai.time.Instant): hoopai.time.Instant",
    "sub(hoopai.time.Duration): hoopai.time.Duration",
    "mul(integer): hoopai.time.Duration",
    "unm: hoopai.time.Duration",
    "concat(any): string",
  },
}

-- Types in comments: those of the library's own, and those of plain Lua.
meta_types.names = {
  instant = "hoopai.time.Instant",
  duration = "hoopai.time.Duration",
  date = "hoopai.time.Date",
}
meta_types.plain = {
  string = true,
  integer = true,
  number = true,
  boolean = true,
  table = true,
  any = true,
  ["function"] = true,
  userdata = true,
  ["nil"] = true,
}

return meta_types
