--- The methods above the endpoints: what reads many records, or reads before it changes one.
--
--     pages                          every page of a list
--     spans, free_slots -> rounds    records of many windows of time and many owners, in order of time
--     owners                         the calendars of a location and their team members
--     edit, ensure                   changes that may be made twice
--     arguments                      the checks of their arguments
--
-- A module is loaded when one of its methods is first called.
local endpoints = require "hoopai.call.endpoints"
local lazy = require "hoopai.lazy"

local pairs = pairs

local list = {}

local get_owners = lazy.module "hoopai.list.owners"
local get_spans = lazy.module "hoopai.list.spans"

-- Resource -> method -> the getter of its module, whose function of the same name gets the resource's name, the state
-- of the client, and the arguments of the caller.
local METHODS = {
  calendars = { team = get_owners },
  events = { each = get_spans, all = get_spans },
  block_slots = { each = get_spans, all = get_spans },
}

--- The methods of a resource that are no endpoints.
-- @tparam string resource_name
-- @tparam table data of the resource, see hoopai.api
-- @treturn table name -> function(resource, ...)
function list.methods(resource_name, data) -- luacheck: ignore data
  local methods = {}
  for name, get_module in pairs(METHODS[resource_name] or {}) do
    local id = resource_name .. ":" .. name
    methods[name] = function(resource, ...)
      return get_module()[name](resource_name, endpoints.state_of(resource, id), ...)
    end
  end
  return methods
end

return list
