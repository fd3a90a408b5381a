--- The vendor's OpenAPI document: reading it, and finding one's way in it.

local core = require "hoopai.core"

local error, ipairs, next, pairs, type = error, ipairs, next, pairs, type
local io_open = io.open
local concat, sort = table.concat, table.sort

local document = {}

local METHODS = { "get", "put", "post", "delete", "options", "head", "patch", "trace" }
local LOCAL = "#/components/schemas/"

function document.read(path)
  local file, problem = io_open(path, "rb")
  if not file then error("the OpenAPI document cannot be read: " .. problem, 0) end
  local text = file:read("a")
  file:close()
  local value, why = core.decode(text)
  if type(value) ~= "table" then error(("%s is not a JSON document: %s"):format(path, why or "no object"), 0) end
  return value
end

--- All operations in a fixed order.
-- @treturn table list of { id = "GET /calendars/", method = "GET", path = "/calendars/", item, operation }
function document.operations(doc)
  local paths, list = {}, {}
  for path in pairs(doc.paths) do
    paths[#paths + 1] = path
  end
  sort(paths)
  for _, path in ipairs(paths) do
    for _, name in ipairs(METHODS) do
      local operation = doc.paths[path][name]
      if operation then
        local method = name:upper()
        list[#list + 1] = {
          id = method .. " " .. path,
          method = method,
          path = path,
          item = doc.paths[path],
          operation = operation,
        }
      end
    end
  end
  return list
end

--- The parameters of an operation, those of its path included: a list.
function document.parameters(found)
  local list = {}
  for _, parameter in ipairs(found.item.parameters or {}) do
    list[#list + 1] = parameter
  end
  for _, parameter in ipairs(found.operation.parameters or {}) do
    list[#list + 1] = parameter
  end
  return list
end

--- A schema without reference and without an `allOf` of one: the vendor wraps references in such to add a description.
-- What stands beside the reference wins.
function document.resolve(doc, schema)
  while schema["$ref"] or (schema.allOf and #schema.allOf == 1) do
    local inner
    if schema["$ref"] then
      local name = schema["$ref"]:sub(#LOCAL + 1)
      inner = schema["$ref"]:sub(1, #LOCAL) == LOCAL and doc.components.schemas[name]
      if not inner then error("a reference leads nowhere: " .. schema["$ref"], 0) end
    else
      inner = schema.allOf[1]
    end
    local joined = {}
    for key, value in pairs(inner) do
      joined[key] = value
    end
    for key, value in pairs(schema) do
      if key ~= "$ref" and key ~= "allOf" then joined[key] = value end
    end
    schema = joined
  end
  return schema
end

local function visit_schema(schema, visit)
  if type(schema) ~= "table" then return end
  visit(schema)
  for _, part in pairs(schema.properties or {}) do
    visit_schema(part, visit)
  end
  visit_schema(schema.items, visit)
  visit_schema(schema.additionalProperties, visit)
  for _, part in ipairs(schema.allOf or {}) do
    visit_schema(part, visit)
  end
end

local function visit_content(holder, visit)
  for _, media in pairs(holder and holder.content or {}) do
    visit_schema(media.schema, visit)
  end
end

--- Calls visit(schema) for every schema that is written down in the document itself, nested ones included.
function document.each_schema(doc, visit)
  for _, schema in pairs(doc.components.schemas) do
    visit_schema(schema, visit)
  end
  for _, found in ipairs(document.operations(doc)) do
    for _, parameter in ipairs(document.parameters(found)) do
      visit_schema(parameter.schema, visit)
    end
    visit_content(found.operation.requestBody, visit)
    for _, response in pairs(found.operation.responses) do
      visit_content(response, visit)
    end
  end
end

--- The statuses of success that an operation documents, as a list of numbers.
function document.success_statuses(operation)
  local list = {}
  for status in pairs(operation.responses) do
    if status:find("^2") then list[#list + 1] = tonumber(status) end
  end
  sort(list)
  return list
end

--- The JSON schema of a request body or response, and a problem when there is other content than JSON.
function document.json_schema(holder)
  local types = {}
  for name in pairs(holder.content or {}) do
    types[#types + 1] = name
  end
  sort(types)
  if #types ~= 1 or types[1] ~= "application/json" then
    return nil, next(types) and concat(types, ", ") or "no content"
  end
  return holder.content["application/json"].schema
end

return document
