-- The methods above the endpoints: which resources have them, and how they are called.

local api = require "hoopai.api"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local leak = require "spec.support.leak"
local list = require "hoopai.list"

describe("hoopai.list", function()
  before_each(leak.before)
  after_each(function() leak.after() end)

  it("derives methods from the data of a resource", function()
    local function names_of(data)
      local names = {}
      for index, method in ipairs(list.derived("things", data)) do
        names[index] = method[1] .. " " .. method[3]
      end
      return names
    end
    local get, update = { name = "get" }, { name = "update" }
    assert.are.same({ "each things.search", "all things.search" }, names_of { { name = "search", pages = {} }, get })
    assert.are.same({ "edit things" }, names_of { update, get })
    assert.are.same({}, names_of { { name = "list" }, update })
    assert.are.same({}, names_of { { name = "list" }, get })
  end)

  it("gives each method to the clients, and hides no endpoint", function()
    local client = leak.client { token = "t", location_id = "l" }
    local count = 0
    for _, name in ipairs(api) do
      local data = require("hoopai.api." .. name)
      local endpoints = {}
      for _, entry in ipairs(data) do
        endpoints[entry.name] = not entry.wrapped or nil
      end
      for method in pairs(list.methods(name, data)) do
        count = count + 1
        assert.is_nil(endpoints[method], name .. ":" .. method)
        assert.are.equal("function", type(client[name][method]))
        expect.misuse(
          function() client[name][method] {} end,
          ("call it with a colon: client.%s:%s(...)"):format(name, method)
        )
      end
    end
    assert.is_true(count >= 15, count)
  end)

  it("loads its modules on first use, and with hoopai.preload", function()
    local child = require "spec.support.child"
    local text, ok = child.run [[
      local hoopai = require "hoopai"
      local client = hoopai.new { token = "t" }
      assert(client.notes.each and client.calendars.edit and client.block_slots.ensure)
      for name in pairs(package.loaded) do
        assert(not name:find "^hoopai%.list%.", name)
      end
      hoopai.preload()
      local count = 0
      for name in pairs(package.loaded) do
        if name:find "^hoopai%.list%." then count = count + 1 end
      end
      assert(count >= 5, count)
      io, os, require, debug, package = nil, nil, nil, nil, nil
      local notes, err = client.notes:all("a", { limit = 0 })
      assert(notes == nil and err.kind == "invalid_request", tostring(err))
      local record, problem = client.calendars:edit("a/b", function() end)
      assert(record == nil and problem.kind == "invalid_request", tostring(problem))
      local block, refusal = client.block_slots:ensure {}
      assert(block == nil and refusal.kind == "invalid_request", tostring(refusal))
    ]]
    assert.is_true(ok, text)
    assert.is_truthy(hoopai)
  end)
end)
