--- The endpoint data as one of the vendor's documents describes it: each document is that of a version of the API.

local samples = require "spec.support.samples"

local ipairs, pairs, type = ipairs, pairs, type

local edition = {}

--- The version of a document: the only one that its operations take.
function edition.version_of(doc)
  for _, item in pairs(doc.paths) do
    for _, operation in pairs(item) do
      for _, parameter in ipairs(type(operation) == "table" and operation.parameters or {}) do
        if parameter.name == "Version" then return parameter.schema.enum[1] end
      end
    end
  end
end

local of_type

local function of_fields(fields, version)
  local kept = {}
  for _, field in ipairs(fields) do
    if not field.since or field.since == version then kept[#kept + 1] = of_type(field, version) end
  end
  return kept
end

--- A type without what came with a later version.
function of_type(kind, version)
  local copy = {}
  for key, value in pairs(kind) do
    copy[key] = value
  end
  if kind.deprecated_since and kind.deprecated_since ~= version then copy.deprecated = nil end
  if kind.enum_since then
    copy.enum = {}
    for _, value in ipairs(kind.enum) do
      local since = kind.enum_since[value]
      if not since or since == version then copy.enum[#copy.enum + 1] = value end
    end
  end
  copy.fields = kind.fields and of_fields(kind.fields, version)
  copy.items = kind.items and of_type(kind.items, version)
  copy.values = kind.values and of_type(kind.values, version)
  return copy
end

--- The endpoints that a version of the API has. Companions are of other documents.
-- @tparam string version
-- @treturn table as `samples.endpoints`
function edition.endpoints(version)
  local list = {}
  for _, entry in ipairs(samples.endpoints()) do
    local endpoint = entry.endpoint
    local is_here = not entry.resource.companion and (not endpoint.version or endpoint.version == version)
    if is_here then
      local copy = of_type(endpoint, version)
      copy.body = endpoint.body and of_type(endpoint.body, version)
      copy.query = endpoint.query and of_fields(endpoint.query, version)
      copy.result = of_type(endpoint.result, version)
      copy.result.type = of_type(endpoint.result.type, version)
      copy.result.extra = endpoint.result.extra and of_fields(endpoint.result.extra, version)
      list[#list + 1] = { id = entry.id, resource = entry.resource, endpoint = copy }
    end
  end
  return list
end

return edition
