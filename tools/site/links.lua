--- What the reference can refer to, and where that stands: name -> address.
local text = require "tools.site.text"

local links = {}

--- "block_slots" for BlockSlots, the owner of the methods of client.block_slots.
function links.resource_name(owner)
  return (owner:gsub("%l%u", function(pair) return pair:sub(1, 1) .. "_" .. pair:sub(2) end):lower())
end

local Registry = {}
Registry.__index = Registry

--- All names of the reference.
-- @tparam table written pages of `tools.reference`
-- @tparam table resources of `tools.reference`
-- @tparam table types of `tools.reference`
-- @treturn table a registry: `places` (name -> address), `labels` (name -> what a reader is shown)
function links.new(written, resources, types)
  local registry = setmetatable({ places = {}, labels = {}, is_resource = {} }, Registry)
  for _, resource in ipairs(resources) do
    registry:add_resource(resource)
  end
  for _, entry in ipairs(types) do
    registry.places[entry.name] = ("client.%s.html#%s"):format(entry.resource, entry.name)
  end
  for _, page in ipairs(written) do
    registry:add_page(page)
  end
  registry.places.client = "client.html"
  return registry
end

function Registry:add_resource(resource)
  local page = "client." .. resource.name
  self.places[page], self.is_resource[resource.name] = page .. ".html", true
  for _, method in ipairs(resource.methods) do
    local name = resource.name .. ":" .. method.name
    self.places[name] = page .. ".html#" .. name
    self.places[page .. "." .. method.name] = self.places[name]
  end
end

--- The resource whose page has the methods of an owner; nil for a class of its own, such as Client.
function Registry:resource_of(owner)
  local name = owner and links.resource_name(owner)
  return self.is_resource[name] and name or nil
end

function Registry:add_page(page)
  self.places[page.name] = page.name .. ".html"
  for _, item in ipairs(page.items) do
    local resource = self:resource_of(item.owner)
    if resource then
      local method = resource .. ":" .. item.name:match("[^:]+$")
      self.places[method] = ("client.%s.html#%s"):format(resource, method)
      self.places[item.name] = ("client.%s.html#%s"):format(resource, method)
      self.labels[item.name] = method
    else
      local place = page.name .. ".html#" .. item.name
      self.places[page.name .. "." .. item.name] = place
      if item.owner then self.places[item.owner] = page.name .. ".html#" .. item.owner end
      if item.owner or item.kind == "table" then self.places[item.name] = place end
    end
  end
end

--- The address of a name on a page, nil if there is none.
function Registry:find(target, here) return self.places[here .. "." .. target] or self.places[target] end

--- A function for `text.inline` that makes the links of a page. A reference to nothing is an error.
function Registry:resolver(here)
  return function(target, label)
    local place = self:find(target, here) or error(("%s refers to %s"):format(here, target))
    label = label or self.labels[target] or target
    return ('<a href="%s"><code>%s</code></a>'):format(place, text.escape(label))
  end
end

--- A type of a comment, such as `integer|string|instant`, with links to its classes.
function Registry:type(value, here)
  local parts = {}
  for name in value:gmatch("[^|]+") do
    local is_class = name:find("%u") or name == "instant" or name == "duration"
    local place = is_class and self:find(name, here)
    local html = text.escape(name)
    parts[#parts + 1] = "<code>" .. (place and ('<a href="%s">%s</a>'):format(place, html) or html) .. "</code>"
  end
  return table.concat(parts, " or ")
end

return links
