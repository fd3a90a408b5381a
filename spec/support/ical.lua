--- Calendar files of the specs, as independent readers see them.

local cjson = require "cjson"
local python = require "spec.support.python"

local ical = {}

--- Reads files with python3-icalendar, and their time zones with dateutil.
-- @tparam table texts a list of files
-- @treturn table a list of { properties, name, events, zones, changes, components, strictly }, see `read_ical.py`
function ical.read_all(texts)
  local files = cjson.decode(python.run("read_ical.py", cjson.encode(texts)))
  for _, file in ipairs(files) do
    if file.name == cjson.null then file.name = nil end
  end
  return files
end

--- Reads one file.
function ical.read(text) return ical.read_all({ text })[1] end

return ical
