-- The vendor's document, whose path is in HOOPAI_OPENAPI, against the endpoint data, in both directions: each
-- difference is in the list of intended ones below, and each of those still occurs. Run by `make contract`.

local document = require "spec.contract.document"
local edition = require "spec.contract.edition"
local drift = require "spec.contract.drift"
local options = require "hoopai.options"

-- `place` is a Lua pattern, `ours` and `theirs` are whole texts; `only` names the version of the document that differs.
-- Each difference fits one entry and no more.
-- stylua: ignore
local INTENDED = {
  -- Rules: the same JSON on the wire, described more precisely.
  { kind = "narrower type", ours = "datetime", theirs = "string",
    why = "instants are checked to be ISO 8601 with an offset" },
  { kind = "narrower type", ours = "date", theirs = "string",
    why = "local dates are told from instants" },
  { kind = "narrower type", ours = "timezone", theirs = "string",
    why = "names of time zones are checked" },
  { kind = "narrower type", ours = "integer", theirs = "number",
    why = "counts, paging, clock times, weekdays, durations and codes are whole; the document knows no integers" },
  { kind = "type", ours = "datetime", theirs = "object", place = " result",
    why = "instants in some answers are documented as objects; the document's examples and live answers are strings" },
  { kind = "pattern", ours = "^%d%d%d%d%-%d%d%-%d%d$", theirs = "^\\d{4}-\\d{2}-\\d{2}$",
    why = "the same expression as a Lua pattern" },
  { kind = "pattern", ours = "^[0-2]?%d:[0-5]%d$", theirs = "^([01]?[0-9]|2[0-3]):[0-5][0-9]$",
    why = "Lua patterns have no alternatives: the hours 24 to 29 are left to the API" },
  { kind = "min", place = " query%.limit$", ours = "1", why = "there is no page of nothing" },
  { kind = "min", place = " query%.skip$", ours = "0", why = "nothing stands before the beginning" },
  { kind = "min_items", place = "^notifications:create body$", ours = "1", why = "an empty list creates nothing" },
  { kind = "default", place = "^%a+:update body%.%a+$",
    why = "what is left out of an update stays as it is; a default there reads as if it changed" },
  { kind = "value", place = " header%.Version$", ours = "2021-07-28", theirs = "2021-04-15", only = "2021-04-15",
    why = "the live API takes both, and HoopAI's overview asks for the later one" },

  { kind = "value", place = " header%.Version$", ours = "2021-07-28", theirs = "v3", only = "v3",
    why = "these endpoints are in both documents: the client's version is sent, which may be v3" },
  { kind = "min_items", place = " body%.services$", ours = "1", only = "v3",
    why = "a booking of nothing is none" },
  { kind = "min_items", place = "^services:create body%.staff$", ours = "1", only = "v3",
    why = "its description says: at least one" },
  { kind = "enum", place = " result[%[%]]*%.status$",
    ours = "cancelled, confirmed, invalid, new, no_show, showed", only = "v3",
    why = "bookings give no values; these are the ones that the document gives for an update" },
  { kind = "type", place = " result%.messages%[%]$", ours = "string", theirs = "array", only = "v3",
    why = "the document's example has texts in the list: the client takes lists in it apart" },
  { kind = "default", place = "^appointments:create body%.toNotify$", theirs = "true", only = "v3",
    why = "it is said in words: a default that is not filled in would say no more" },
  { kind = "required", place = "^appointments:%a+ result%.date%a+$", theirs = "yes", only = "v3",
    why = "other versions of the API do not send them" },
  { kind = "required", place = "^service_bookings:delete result%.message$", theirs = "yes", only = "v3",
    why = "one type for three routes, of which this one alone promises it" },

  -- What the document says in words only.
  { kind = "nullable", place = "%.availabilityType$", ours = "yes",
    why = "its description gives null a meaning: both kinds of hours" },
  { kind = "pattern", place = "%.rrule$", ours = "^%C+$",
    why = "a line break would begin another property of the calendar object" },
  { kind = "pattern", place = "%.availabilities%[%]%.date$", ours = "^%d%d%d%d%-%d%d%-%d%dT00:00:00%.000Z$",
    why = "the form is in its description; another offset would open or close another day" },
  { kind = "at_least_one", place = " query$", ours = "userId, calendarId, groupId",
    why = "the descriptions say that one of the three is needed" },
  { kind = "range", place = " query$",
    why = "an end before its start finds nothing; free slots span 31 days at most" },
  { kind = "required", place = "^block_slots:%a+ body%.calendarId$", theirs = "yes",
    why = "its description says: either calendarId or assignedUserId, not both; a user could never be blocked" },
  { kind = "at_least_one", place = "^block_slots:%a+ body$", ours = "calendarId, assignedUserId",
    why = "see required" },
  { kind = "at_most_one", place = "^block_slots:%a+ body$", ours = "calendarId, assignedUserId",
    why = "see required" },

  -- Single ones.
  { kind = "undocumented", place = "^groups:get$", ours = "yes",
    why = "HoopAI's overview lists it; nothing else does" },
  { kind = "undocumented", place = "^notes:%a+ path%.noteId$", ours = "no",
    why = "it is in the path, where the document forgot to declare it" },
  { kind = "undocumented", place = "^calendars:free_slots query%.locationId$", ours = "yes",
    why = "HoopAI's quick start sends it; passed on when given, never filled in" },
  { kind = "undocumented", place = "^calendars:free_slots query%.enableLookBusy$", ours = "yes",
    why = "taken by the live API; passed on when given" },
  { kind = "undocumented", place = " result[%[%]]*%.appoinmentStatus$", ours = "yes",
    why = "live answers carry the misspelt name as well" },
  { kind = "undocumented", place = "^resources:%a+ result[%[%]]*%.id$", ours = "yes",
    why = "the document gives resources no identifier, which three of their calls need; optional" },
  { kind = "envelope", place = "^appointments:get result$", ours = "appointment",
    why = "the live API's name for what the document calls event; both are understood" },
  { kind = "enum", place = " result[%[%]]*%.appointmentStatus$",
    ours = "active, cancelled, completed, confirmed, invalid, new, noshow, showed",
    why = "events give no values; these are the ones that the document gives for an appointment" },
  { kind = "required", place = "^calendars:delete result%.success$", theirs = "yes",
    why = "one type for five routes, of which this one alone promises it" },
  { kind = "default", place = "%.lookBusyConfig%.enabled$", theirs = "false",
    why = "it is required as well: filled in, it would switch off what the caller sets up" },
  { kind = "default", place = "^notes:list query%.", why = "required, so it is filled in; the API names no default" },
  { kind = "default", place = "^resources:list query%.",
    why = "required, so it is filled in; the API names no default" },
}

local PATH = assert(os.getenv("HOOPAI_OPENAPI"), "HOOPAI_OPENAPI names no document")
local VERSION = edition.version_of(document.read(PATH))
local ENDPOINTS = edition.endpoints(VERSION)
local COUNT = { ["2021-04-15"] = 42, v3 = 60 }

for index = #INTENDED, 1, -1 do
  local only = INTENDED[index].only
  if only and only ~= VERSION then table.remove(INTENDED, index) end
end

local function compare(doc) return drift.compare(doc, ENDPOINTS, options.check_new { token = "a-token" }) end

local function find(differences, place, kind)
  for _, difference in ipairs(differences) do
    if difference.place == place and difference.kind == kind then return difference end
  end
end

local function parameter(operation, name)
  for _, entry in ipairs(operation.parameters) do
    if entry.name == name then return entry end
  end
end

-- Changes of the document, and where each must show.
local CHANGES = {
  {
    "a new endpoint",
    "GET /calendars/appointments",
    "missing",
    function(doc) doc.paths["/calendars/appointments"] = { get = doc.paths["/calendars/"].get } end,
  },
  {
    "an endpoint gone",
    "block_slots:list",
    "undocumented",
    function(doc) doc.paths["/calendars/blocked-slots"] = nil end,
  },
  {
    "another method",
    "groups:update",
    "undocumented",
    function(doc)
      local item = doc.paths["/calendars/groups/{groupId}"]
      item.patch, item.put = item.put, nil
    end,
  },
  {
    "a new query parameter",
    "calendars:list query.pageToken",
    "missing",
    function(doc)
      table.insert(
        doc.paths["/calendars/"].get.parameters,
        { name = "pageToken", ["in"] = "query", schema = { type = "string" } }
      )
    end,
  },
  {
    "another spelling of a query parameter",
    "calendars:list query.groupId",
    "undocumented",
    function(doc) parameter(doc.paths["/calendars/"].get, "groupId").name = "groupid" end,
  },
  {
    "a parameter becomes required",
    "calendars:list query.groupId",
    "required",
    function(doc) parameter(doc.paths["/calendars/"].get, "groupId").required = true end,
  },
  {
    "a parameter with a style",
    "calendars:free_slots query.userIds",
    "not understood",
    function(doc) parameter(doc.paths["/calendars/{calendarId}/free-slots"].get, "userIds").explode = false end,
  },
  {
    "a limit of a query parameter",
    "schedules:list query.limit",
    "max",
    function(doc) parameter(doc.paths["/calendars/schedules/search"].get, "limit").schema.maximum = 100 end,
  },
  {
    "values of a path parameter",
    "resources:get path.resourceType",
    "enum",
    function(doc)
      table.insert(
        parameter(doc.paths["/calendars/resources/{resourceType}/{id}"].get, "resourceType").schema.enum,
        "people"
      )
    end,
  },
  {
    "a new header",
    "groups:list header.X-Tenant",
    "missing",
    function(doc)
      table.insert(
        doc.paths["/calendars/groups"].get.parameters,
        { name = "X-Tenant", ["in"] = "header", schema = { type = "string" } }
      )
    end,
  },
  {
    "a cookie",
    "groups:list cookie.session",
    "missing",
    function(doc)
      table.insert(
        doc.paths["/calendars/groups"].get.parameters,
        { name = "session", ["in"] = "cookie", schema = { type = "string" } }
      )
    end,
  },
  {
    "another version",
    "events:list header.Version",
    "value",
    function(doc) parameter(doc.paths["/calendars/events"].get, "Version").schema.enum = { "v9" } end,
  },
  {
    "a new body field",
    "calendars:create body.colour",
    "missing",
    function(doc) doc.components.schemas.CalendarCreateDTO.properties.colour = { type = "string" } end,
  },
  {
    "a body field gone",
    "calendars:update body.slug",
    "undocumented",
    function(doc) doc.components.schemas.CalendarUpdateDTO.properties.slug = nil end,
  },
  {
    "a new field deep in a body",
    "schedules:update body.rules[].intervals[].label",
    "missing",
    function(doc) doc.components.schemas.ScheduleIntervalDTO.properties.label = { type = "string" } end,
  },
  {
    "a new field of an answer",
    "events:list result[].createdBy.name",
    "missing",
    function(doc) doc.components.schemas.CreatedOrUpdatedBy.properties.name = { type = "string" } end,
  },
  {
    "a new field of free slots",
    "calendars:free_slots result{}.count",
    "missing",
    function(doc) doc.components.schemas.SlotsSchema.properties.count = { type = "number" } end,
  },
  {
    "something beside the result",
    "notes:list result.extra.total",
    "missing",
    function(doc) doc.components.schemas.GetNotesListSuccessfulResponseDto.properties.total = { type = "number" } end,
  },
  {
    "another envelope",
    "groups:list result",
    "envelope",
    function(doc)
      local properties = doc.components.schemas.AllGroupsSuccessfulResponseDTO.properties
      properties.data, properties.groups = properties.groups, nil
    end,
  },
  {
    "another type",
    "notes:create body.body",
    "type",
    function(doc) doc.components.schemas.NotesDTO.properties.body.type = "number" end,
  },
  {
    "another type in a list",
    "schedules:create body.calendarIds[]",
    "type",
    function(doc) doc.components.schemas.CreateScheduleDTO.properties.calendarIds.items.type = "number" end,
  },
  {
    "a map instead of fields",
    "notes:create body",
    "map",
    function(doc) doc.components.schemas.NotesDTO.additionalProperties = { type = "string" } end,
  },
  {
    "a new value",
    "appointments:create body.appointmentStatus",
    "enum",
    function(doc)
      table.insert(doc.components.schemas.AppointmentCreateSchema.properties.appointmentStatus.enum, "paused")
    end,
  },
  {
    "a field becomes required",
    "appointments:create body.endTime",
    "required",
    function(doc) table.insert(doc.components.schemas.AppointmentCreateSchema.required, "endTime") end,
  },
  {
    "a field becomes optional",
    "notes:create body.body",
    "required",
    function(doc) doc.components.schemas.NotesDTO.required = nil end,
  },
  {
    "another limit of a text",
    "notes:create body.body",
    "max_length",
    function(doc) doc.components.schemas.NotesDTO.properties.body.maxLength = 4000 end,
  },
  {
    "another limit of a list",
    "resources:create body.calendarIds",
    "max_items",
    function(doc) doc.components.schemas.CreateCalendarResourceDTO.properties.calendarIds.maxItems = 50 end,
  },
  {
    "another default",
    "calendars:create body.slotDuration",
    "default",
    function(doc) doc.components.schemas.CalendarCreateDTO.properties.slotDuration.default = 15 end,
  },
  {
    "another pattern",
    "schedules:create body.timezone",
    "pattern",
    function(doc) doc.components.schemas.CreateScheduleDTO.properties.timezone.pattern = "^.+$" end,
  },
  {
    "a deprecated field",
    "groups:create body.slug",
    "deprecated",
    function(doc) doc.components.schemas.GroupCreateDTO.properties.slug.deprecated = true end,
  },
  {
    "a read-only field",
    "groups:create body.isActive",
    "read_only",
    function(doc) doc.components.schemas.GroupCreateDTO.properties.isActive.readOnly = true end,
  },
  {
    "a field that takes null",
    "groups:create body.description",
    "nullable",
    function(doc) doc.components.schemas.GroupCreateDTO.properties.description.nullable = true end,
  },
  {
    "a word that is not understood",
    "groups:create body",
    "not understood",
    function(doc) doc.components.schemas.GroupCreateDTO.oneOf = { { required = { "slug" } } } end,
  },
  {
    "an undocumented field is documented",
    "appointments:create result.appoinmentStatus",
    "marked as undocumented",
    function(doc)
      local properties = doc.components.schemas.AppointmentSchemaResponse.properties
      properties.appoinmentStatus = { type = "string" }
    end,
  },
  {
    "another success status",
    "groups:create",
    "status",
    function(doc)
      local responses = doc.paths["/calendars/groups"].post.responses
      responses["200"], responses["201"] = responses["201"], nil
    end,
  },
  {
    "another scope",
    "groups:list",
    "scope",
    function(doc) doc.paths["/calendars/groups"].get.security[1].bearer = { "calendars.readonly" } end,
  },
  {
    "a deprecated endpoint",
    "groups:list",
    "deprecated",
    function(doc) doc.paths["/calendars/groups"].get.deprecated = true end,
  },
  {
    "a body that is no longer taken",
    "notes:create body",
    "body",
    function(doc) doc.paths["/calendars/appointments/{appointmentId}/notes"].post.requestBody = nil end,
  },
  {
    "a body where there was none",
    "schedules:delete body",
    "body",
    function(doc)
      local paths = doc.paths
      paths["/calendars/schedules/{id}"].delete.requestBody = paths["/calendars/"].post.requestBody
    end,
  },
  {
    "a body that was empty",
    "events:delete body.reason",
    "missing",
    function(doc) doc.components.schemas.DeleteAppointmentSchema.properties.reason = { type = "string" } end,
  },
  {
    "another kind of body",
    "notes:create body",
    "content",
    function(doc)
      local body = doc.paths["/calendars/appointments/{appointmentId}/notes"].post.requestBody
      body.content = { ["application/xml"] = body.content["application/json"] }
    end,
  },
  { "another server", "document", "server", function(doc) doc.servers[1].url = "https://api.example.com" end },
}

describe("the vendor's document of version " .. VERSION .. " and the endpoint data:", function()
  local differences, counts, hits

  setup(function()
    differences, counts = compare(document.read(PATH))
    local _
    _, hits = drift.explain(differences, INTENDED)
  end)

  teardown(
    function()
      print(
        ("\n%s: %d endpoints, %d request fields, %d of answers, %d comparisons: %d differences by %d entries"):format(
          VERSION,
          counts.endpoints,
          counts.fields.request,
          counts.fields.response,
          counts.compared,
          #differences,
          #INTENDED
        )
      )
    end
  )

  it("all endpoints are compared", function()
    assert.equal(COUNT[VERSION], counts.endpoints)
    assert.is_true(counts.compared > 10000)
  end)

  --- What no entry explains, by endpoint; under "" what belongs to none.
  local function unexplained(id)
    local lines = {}
    for _, line in ipairs((drift.explain(differences, INTENDED))) do
      local owner = line:match("^(%l[%l_]*:%l[%l_]*)[ :]") or ""
      if owner == id then lines[#lines + 1] = line end
    end
    return lines
  end

  for _, entry in ipairs(ENDPOINTS) do
    it(entry.id .. " differs only where intended", function() assert.same({}, unexplained(entry.id)) end)
  end

  it("has no endpoint and no server that the data does not have", function() assert.same({}, unexplained("")) end)

  for index, entry in ipairs(INTENDED) do
    it(
      ("still differs: %s (%s)"):format(entry.why, entry.kind),
      function() assert.is_true(hits[index] > 0, "this entry explains nothing any more: take it out") end
    )
  end

  for _, change in ipairs(CHANGES) do
    local title, place, kind, apply = table.unpack(change)
    it("would notice " .. title, function()
      local doc = document.read(PATH)
      apply(doc)
      local found = compare(doc)
      local difference = find(found, place, kind)
      assert.is_not_nil(difference, "no difference in " .. kind .. " at " .. place)
      local line = drift.line(difference)
      local open = table.concat((drift.explain(found, INTENDED)), "\n")
      assert.truthy(open:find(line, 1, true), line .. " is explained away")
    end)
  end
end)
