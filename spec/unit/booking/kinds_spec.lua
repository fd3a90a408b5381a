-- The kinds of bookings: what identifies a service booking among those of its location.

local kinds = require "hoopai.booking.kinds"

local service_bookings = kinds.service_bookings

describe("hoopai.booking.kinds", function()
  local function is_elsewhere(services, shown)
    return service_bookings.is_elsewhere({ services = services }, { services = shown })
  end

  it("knows a service booking by its services, in any order", function()
    assert.is_false(is_elsewhere({ { id = "a" } }, { { id = "a", serviceStaffId = "u" } }))
    assert.is_false(is_elsewhere({ { id = "a" }, { id = "b" } }, { { id = "b" }, { id = "a" } }))
    assert.is_false(is_elsewhere({ { id = "a" }, { id = "a" } }, { { id = "a" }, { id = "a" } }))
    assert.is_true(is_elsewhere({ { id = "a" } }, { { id = "b" } }))
    assert.is_true(is_elsewhere({ { id = "a" } }, { { id = "a" }, { id = "b" } }))
    assert.is_true(is_elsewhere({ { id = "a" }, { id = "a" } }, { { id = "a" }, { id = "b" } }))
    assert.is_true(is_elsewhere({ { id = "a" }, { id = "b" } }, { { id = "a" } }))
  end)

  it("knows it by the staff that was asked for", function()
    local function of(staff) return { { id = "a", serviceStaffId = staff } } end
    assert.is_false(is_elsewhere({ { id = "a", staffId = "u" } }, of "u"))
    assert.is_true(is_elsewhere({ { id = "a", staffId = "u" } }, of "v"))
    assert.is_false(is_elsewhere({ { id = "a" } }, of "v"))
    local shown = { { id = "a", serviceStaffId = "u" }, { id = "a", serviceStaffId = "v" } }
    assert.is_false(is_elsewhere({ { id = "a" }, { id = "a", staffId = "u" } }, shown))
    assert.is_true(is_elsewhere({ { id = "a" }, { id = "a", staffId = "w" } }, shown))
  end)

  it("learns nothing from services that a record does not show", function()
    assert.is_false(is_elsewhere({ { id = "a" } }, nil))
    assert.is_false(is_elsewhere({ { id = "a" } }, {}))
    assert.is_false(is_elsewhere({ { id = "a", staffId = "u" } }, { {} }))
    assert.is_true(is_elsewhere({ { id = "a" } }, { "odd" }))
  end)

  it("changes nothing of the record", function()
    local shown = { { id = "a" }, { id = "b" } }
    is_elsewhere({ { id = "a" }, { id = "b" } }, shown)
    assert.are.same({ { id = "a" }, { id = "b" } }, shown)
  end)

  it("has the same parts for each kind", function()
    local function parts(kind)
      local names = {}
      for name, value in pairs(kind) do
        names[#names + 1] = name .. " " .. type(value)
      end
      table.sort(names)
      return names
    end
    assert.are.same(parts(kinds.appointments), parts(service_bookings))
    for name, kind in pairs(kinds) do
      assert.are.equal(name .. ":book", kind.book)
      local data = require("hoopai.api." .. name)
      for _, entry in ipairs(data) do
        if entry.name == "create" then assert.are.same({ "POST", kind.path }, { entry.method, entry.path }) end
      end
    end
  end)
end)
