--- Whether the response to a create describes the record that was sent.
--
-- A cache, or a proxy that mixes up its connections, may respond with another record: that does not prove that the one
-- which was sent was made. An endpoint names in `confirms` the fields that a record must not contradict.
local failure = require "hoopai.call.failure"
local reason = require "hoopai.call.reason"
local responses = require "hoopai.call.response"
local secrets = require "hoopai.call.secrets"
local time = require "hoopai.time"

local find, format = string.find, string.format
local ipairs, type = ipairs, type
local to_epoch_ms = time.to_epoch_ms

local confirm = {}

--- Whether two texts of a field mean the same. One instant has many spellings; what cannot be read says nothing.
local function agree(name, wanted, found)
  if wanted == found or not find(name, "Time$") then return wanted == found end
  local a, b = to_epoch_ms(wanted), to_epoch_ms(found)
  return not a or not b or a == b
end

--- The first field of a record that is not what the request said. What the record leaves out says nothing.
-- @tparam table names of the fields
-- @tparam table sent
-- @tparam table record
-- @treturn ?string
function confirm.contradiction(names, sent, record)
  for _, name in ipairs(names) do
    local wanted, found = sent[name], record[name]
    if type(wanted) == "string" and type(found) == "string" and not agree(name, wanted, found) then return name end
  end
end

--- Reads the finished transfer of a create: the `read` of its endpoint.
-- @tparam table call
-- @tparam table attempt
-- @return same as hoopai.call.response; an error with `applied` "maybe" if the record is another one
function confirm.read(call, attempt)
  local result, response = responses.read(call, attempt)
  if result == nil then return nil, response end
  local prepared = call.prepared
  local name = confirm.contradiction(prepared.endpoint.confirms, prepared.fields or {}, result)
  if not name then return result, response end
  local message = format(
    "the response describes another record: its `%s` is %s, where %s was sent",
    name,
    reason.excerpt(secrets.redacted(secrets.of(call, attempt), result[name])) or "empty",
    prepared.fields[name]
  )
  return nil, failure.new(call, { kind = "decode", applied = "maybe", message = message }, attempt, response)
end

return confirm
