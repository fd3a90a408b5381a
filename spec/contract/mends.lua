--- The vendor's document is not fit for a mock server as it is. Each mend is a change of a copy, with its reason.
--
--   lua5.4 spec/contract/mends.lua DOCUMENT FOLDER
--
-- writes FOLDER/apps/calendars.json and, because the document refers to it, FOLDER/common/common-schemas.json, and
-- prints what was mended. A mend that finds nothing to mend fails in calls_contract: the vendor mended it, it can go.

local core = require "hoopai.core"
local document = require "spec.contract.document"
local edition = require "spec.contract.edition"
local samples = require "spec.support.samples"

local assert, error, ipairs, next, pairs, pcall, type = assert, error, ipairs, next, pairs, pcall, type
local io_open = io.open

-- The paths and schemas that mends go to by name; a document that lost one is another document.
local function path_item(doc, path) return doc.paths[path] or error("the document has no path " .. path, 0) end

local function schema_of(doc, name)
  return doc.components.schemas[name] or error("the document has no schema " .. name, 0)
end

local function position(list, wanted)
  for index, value in ipairs(list or {}) do
    if value == wanted then return index end
  end
end

--- The schemas of a record in the response of an endpoint: below its envelope, or the whole.
local function record_schemas(doc, endpoint)
  local holder = path_item(doc, endpoint.path)[endpoint.method:lower()].responses[tostring(endpoint.status)]
  local schema = document.resolve(doc, document.json_schema(holder))
  local list = {}
  for _, key in ipairs(endpoint.result.keys or {}) do
    local part = schema.properties[key]
    if part then list[#list + 1] = document.resolve(doc, part) end
  end
  if #list == 0 then list[1] = schema end
  return list
end

--- Makes the fields that a response must confirm those that `variants` sends.
local function confirm_fields(schema, endpoint)
  local changes, is_confirmed = 0, {}
  for _, name in ipairs(endpoint.confirms) do
    is_confirmed[name] = true
  end
  for _, field in ipairs(endpoint.body.fields) do
    if is_confirmed[field.name] and schema.properties[field.name] then
      local value = samples.full({ type = "object", fields = { field } })[field.name]
      schema.properties[field.name] = { type = "string", enum = { value }, example = value }
      changes = changes + 1
    end
  end
  return changes
end

-- Each `apply` returns how many places it changed. `only` names the version of the document that needs the mend.
local mends = {
  {
    why = "GET /calendars/groups/{groupId} is in HoopAI's overview, but not in the document; "
      .. "its answer is taken to be that of the update",
    apply = function(doc)
      local item = path_item(doc, "/calendars/groups/{groupId}")
      if item.get then return 0 end
      item.get = {
        operationId = "get-group",
        parameters = item.put.parameters,
        security = item.put.security,
        responses = item.put.responses,
      }
      return 1
    end,
  },
  {
    why = "the paths with {noteId} do not declare it",
    apply = function(doc)
      local changes = 0
      for name, operation in pairs(path_item(doc, "/calendars/appointments/{appointmentId}/notes/{noteId}")) do
        local declared
        for _, parameter in ipairs(operation.parameters) do
          declared = declared or parameter.name == "noteId"
        end
        if not declared then
          operation.parameters[#operation.parameters + 1] = {
            name = "noteId",
            ["in"] = "path",
            required = true,
            schema = { type = "string" },
            description = "added for " .. name,
          }
          changes = changes + 1
        end
      end
      return changes
    end,
  },
  {
    why = "instants in answers are typed as objects, while their examples and the live API show ISO 8601 strings",
    apply = function(doc)
      local changes = 0
      document.each_schema(doc, function(schema)
        if schema.type == "object" and not schema.properties and type(schema.example) == "string" then
          schema.type = "string"
          changes = changes + 1
        end
      end)
      return changes
    end,
  },
  {
    why = "examples of booleans are written as strings",
    apply = function(doc)
      local changes = 0
      document.each_schema(doc, function(schema)
        if schema.type == "boolean" and type(schema.example) == "string" then
          schema.example = schema.example == "true"
          changes = changes + 1
        end
      end)
      return changes
    end,
  },
  {
    why = "blocked slots: calendarId is marked as required, while its description says: "
      .. "either calendarId or assignedUserId, not both",
    apply = function(doc)
      local changes = 0
      for _, name in ipairs { "BlockSlotCreateRequestDTO", "BlockSlotEditRequestDTO" } do
        local schema = schema_of(doc, name)
        local index = position(schema.required, "calendarId")
        if index then
          table.remove(schema.required, index)
          schema.oneOf = { { required = { "calendarId" } }, { required = { "assignedUserId" } } }
          changes = changes + 1
        end
      end
      return changes
    end,
  },
  {
    why = "availabilityType: null is a value in its description, but not in its type",
    apply = function(doc)
      local changes = 0
      for _, name in ipairs { "CalendarCreateDTO", "CalendarUpdateDTO", "CalendarDTO" } do
        local schema = schema_of(doc, name).properties.availabilityType
        if not schema.nullable then
          schema.nullable = true -- the mock server adds the null to the enum itself
          changes = changes + 1
        end
      end
      return changes
    end,
  },
  {
    why = "the live API refuses properties that it does not declare (422), JSON Schema lets them pass unless told; "
      .. "made-up answers then have declared properties only",
    apply = function(doc)
      local changes = 0
      document.each_schema(doc, function(schema)
        if schema.properties and schema.additionalProperties == nil then
          schema.additionalProperties = false
          changes = changes + 1
        end
      end)
      return changes
    end,
  },
  {
    why = "a made-up answer must not say that the call did not succeed: the client calls that a failure, and rightly",
    apply = function(doc)
      local changes = 0
      document.each_schema(doc, function(schema)
        for name, part in pairs(schema.properties or {}) do
          if (name == "success" or name == "succeeded") and part.type == "boolean" and not part.enum then
            part.enum = { true }
            changes = changes + 1
          end
        end
      end)
      return changes
    end,
  },
  {
    why = "an answer to a create describes what was sent: the client takes another record for a failure, and rightly",
    apply = function(doc)
      local changes = 0
      for _, entry in ipairs(edition.endpoints(edition.version_of(doc))) do
        local endpoint = entry.endpoint
        for _, schema in ipairs(endpoint.confirms and record_schemas(doc, endpoint) or {}) do
          changes = changes + confirm_fields(schema, endpoint)
        end
      end
      return changes
    end,
  },
  {
    why = "the messages of a service booking are lists in a list, while their example has texts in it: both are right",
    only = "v3",
    apply = function(doc)
      local items = schema_of(doc, "CreateOrUpdateServiceBookingResponseDTO").properties.messages.items
      if items.oneOf or items.type ~= "array" then return 0 end
      items.type = nil
      items.oneOf = { { type = "string" }, { type = "array", items = { type = "string" } } }
      return 1
    end,
  },
  {
    why = "made-up answers are to have every property, and something in every list",
    apply = function(doc)
      if doc["x-json-schema-faker"] then return 0 end
      doc["x-json-schema-faker"] = {
        ["always-fake-optionals"] = true,
        ["fill-properties"] = false,
        ["min-items"] = 1,
        ["max-items"] = 3,
      }
      return 1
    end,
  },
}

-- cjson decodes an empty list and an empty object alike: these are lists.
local LISTS = { parameters = true, required = true, enum = true, tags = true, servers = true, security = true }

local function mark_empty_lists(value)
  for key, part in pairs(value) do
    if type(part) == "table" then
      if LISTS[key] and next(part) == nil then core.array(part) end
      mark_empty_lists(part)
    end
  end
end

local function write(path, value)
  mark_empty_lists(value)
  local text = core.encode(value)
  local file <close> = assert(io_open(path, "wb"))
  assert(file:write(text, "\n"))
end

local module = {}

--- Mends a document in place.
-- @treturn table list of { why, changes (how many places), problem (nil, or why it could not be done) }
function module.apply(doc)
  local done, version = {}, edition.version_of(doc)
  for _, mend in ipairs(mends) do
    if mend.only and mend.only ~= version then goto continue end
    local ok, result = pcall(mend.apply, doc)
    done[#done + 1] = { why = mend.why, changes = ok and result or 0, problem = not ok and result or nil }
    ::continue::
  end
  return done
end

-- Where the vendor publishes what the documents refer to, seen from the folder of a document.
local COMMON = { "../common/common-schemas.json", "common/common-schemas.json" }

local function read_common(source)
  local folder, problems = source:match("^(.*)/") or ".", {}
  for index, path in ipairs(COMMON) do
    local ok, common = pcall(document.read, folder .. "/" .. path)
    if ok then return common end
    problems[index] = common
  end
  error(
    ("%s\n%s refers to common-schemas.json, which the vendor publishes in the folder common/ beside it"):format(
      table.concat(problems, "\n"),
      source
    ),
    0
  )
end

--- Writes the mended copy, and what it refers to, below a folder.
-- @treturn string path of the copy
-- @treturn table what was done
function module.write(source, folder)
  local doc, common = document.read(source), read_common(source)
  local done = module.apply(doc)
  local target = folder .. "/apps/calendars.json"
  write(target, doc)
  write(folder .. "/common/common-schemas.json", common)
  return target, done
end

if arg and arg[0] and arg[0]:find("contract/mends%.lua$") then
  local ok, target, done = pcall(module.write, arg[1], arg[2])
  if not ok then
    io.stderr:write(target, "\n")
    os.exit(1)
  end
  for _, mend in ipairs(done) do
    print(("mended, %d x: %s"):format(mend.changes, mend.why))
  end
end

return module
