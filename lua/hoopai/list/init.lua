--- The methods above the endpoints: what reads many records, or reads before it changes one.
--
--     pages                          every page of a list
--     spans, free_slots -> rounds    records of many windows of time and many owners, in order of time
--     owners                         the calendars of a location and their team members
--     edit, ensure                   changes that may be made twice
--     contact_appointments           the appointments of a contact, with instants
--     arguments, values              the checks of their arguments; copies and comparisons of records
--
-- A module is loaded when one of its methods is first called.
local endpoints = require "hoopai.call.endpoints"
local lazy = require "hoopai.lazy"

local ipairs, pairs = ipairs, pairs

local list = {}

local get_free_slots = lazy.module "hoopai.list.free_slots"
local get_owners = lazy.module "hoopai.list.owners"
local get_spans = lazy.module "hoopai.list.spans"
local get_contact_appointments = lazy.module "hoopai.list.contact_appointments"
local get_ensure = lazy.module "hoopai.list.ensure"

-- Resource -> method -> the getter of its module, whose function of the same name gets the resource's name, the state
-- of the client, and the arguments of the caller.
local METHODS = {
  calendars = {
    team = get_owners,
    each_slot = get_free_slots,
    next_slot = get_free_slots,
    wait_for_slot = get_free_slots,
  },
  contacts = { appointments = get_contact_appointments },
  events = { each = get_spans, all = get_spans },
  block_slots = { each = get_spans, all = get_spans, ensure = get_ensure },
}

local get_pages = lazy.module "hoopai.list.pages"
local get_edit = lazy.module "hoopai.list.edit"

--- The methods that follow from the data of a resource: `each` and `all` of a list that has pages; `edit` of records
-- that can be read by their id and updated. Their first argument is the key of the paged list, or the resource's name.
-- @tparam string resource_name
-- @tparam table data of the resource, see hoopai.api
-- @treturn table list of { name, getter of the module, first argument, entry of the data }
function list.derived(resource_name, data)
  local found, by_name = {}, {}
  for _, entry in ipairs(data) do
    by_name[entry.name] = entry
  end
  for _, entry in ipairs(data) do
    if entry.pages then
      local key = resource_name .. "." .. entry.name
      found[#found + 1] = { "each", get_pages, key, entry }
      found[#found + 1] = { "all", get_pages, key, entry }
    end
  end
  local update = by_name.update
  if by_name.get and update then found[#found + 1] = { "edit", get_edit, resource_name, update } end
  return found
end

--- The methods of a resource that are no endpoints.
-- @tparam string resource_name
-- @tparam table data of the resource, see hoopai.api
-- @treturn table name -> function(resource, ...)
function list.methods(resource_name, data)
  local methods = {}
  local function add(name, get_module, first)
    local id = resource_name .. ":" .. name
    methods[name] = function(resource, ...) return get_module()[name](first, endpoints.state_of(resource, id), ...) end
  end
  for name, get_module in pairs(METHODS[resource_name] or {}) do
    add(name, get_module, resource_name)
  end
  for _, method in ipairs(list.derived(resource_name, data)) do
    add(method[1], method[2], method[3])
  end
  return methods
end

return list
