local core = require "hoopai.core"
local empty_lists = require "hoopai.call.empty_lists"

local RESULT = {
  type = "object",
  fields = {
    { name = "users", type = "array", items = { type = "string" } },
    { name = "free", type = "object" },
    { name = "by", type = "object", fields = { { name = "roles", type = "array" } } },
    {
      name = "days",
      type = "object",
      values = { type = "object", fields = { { name = "slots", type = "array" } } },
    },
  },
}

describe("the empty lists of a result", function()
  local function marked(kind, value)
    empty_lists.mark({ result = { type = kind } }, value)
    return core.encode(value)
  end

  it("are marked where lists are declared, at every depth", function()
    local list = { type = "array", items = RESULT }
    assert.are.equal("[]", marked(list, {}))
    local record = {
      users = {},
      free = {},
      other = {},
      by = { roles = {}, else_where = {} },
      days = { monday = { slots = {} }, tuesday = { slots = { "9" } } },
    }
    assert.are.equal(
      '[{"by":{"else_where":{},"roles":[]},"days":{"monday":{"slots":[]},"tuesday":{"slots":["9"]}},'
        .. '"free":{},"other":{},"users":[]}]',
      marked(list, { record })
    )
  end)

  it("are left alone where the response has something else", function()
    assert.are.equal(
      '{"by":{},"days":{"monday":"none"},"users":"x"}',
      marked(RESULT, {
        users = "x",
        by = {},
        days = { monday = "none" },
      })
    )
    assert.are.equal('{"users":{"a":1}}', marked(RESULT, { users = { a = 1 } }))
    assert.are.equal("[1,null]", marked({ type = "array", items = RESULT }, { 1, core.null }))
  end)

  it("need a declared type", function()
    local endpoint = { result = {} }
    local value = { users = {} }
    empty_lists.mark(endpoint, value)
    empty_lists.mark(endpoint, value)
    assert.are.equal('{"users":{}}', core.encode(value))
  end)
end)
