local resp = require "hoopai.redis.resp"

-- The replies in a text that comes in pieces of so many bytes: a list of { value, refusal }; or the problem.
local function replies(text, size)
  local parser, found = resp.new_parser(), {}
  for from = 1, #text, size do
    parser:feed(text:sub(from, from + size - 1))
    while true do
      local is_whole, value, refusal = parser:next()
      if is_whole == nil then return nil, value end
      if not is_whole then break end
      found[#found + 1] = { value = value, refusal = refusal }
    end
  end
  return found
end

describe("hoopai.redis.resp", function()
  it("encodes commands, whatever bytes are in them", function()
    assert.are.equal("*1\r\n$4\r\nPING\r\n", resp.encode "PING")
    assert.are.equal("*3\r\n$3\r\nSET\r\n$4\r\na\r\nb\r\n$2\r\n\0\xFF\r\n", resp.encode("SET", "a\r\nb", "\0\xFF"))
    assert.are.equal("*3\r\n$1\r\nX\r\n$2\r\n-7\r\n$3\r\n0.5\r\n", resp.encode("X", -7, 0.5))
  end)

  it("refuses arguments that are no text", function()
    assert.are.same({ nil, "argument 1 of the command must be a string or a number, and is a nil" }, {
      resp.encode("GET", nil),
    })
    assert.are.same({ nil, "argument 2 of the command must be a string or a number, and is a boolean" }, {
      resp.encode("SET", "a", true),
    })
    assert.are.same({ nil, "the command must be a string or a number, and is a table" }, { resp.encode {} })
    assert.are.same({ nil, "the command is missing" }, { resp.encode() })
  end)

  it("reads replies in pieces of any size", function()
    local text = "+OK\r\n:-12\r\n$5\r\na\r\nb\0\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n"
      .. "*3\r\n$1\r\nx\r\n*2\r\n:1\r\n$-1\r\n+y\r\n-ERR no\r\n*2\r\n-WRONG in it\r\n:1\r\n+end\r\n"
    local expected = {
      { value = "OK" },
      { value = -12 },
      { value = "a\r\nb\0" },
      { value = "" },
      {},
      {},
      { value = {} },
      { value = { "x", { 1, false }, "y" } },
      { refusal = "ERR no" },
      { refusal = "WRONG in it" },
      { value = "end" },
    }
    for size = 1, #text do
      assert.are.same(expected, replies(text, size))
    end
  end)

  it("copies a long string once, and reads many short ones in time that grows with them alone", function()
    local long = ("x"):rep(4000000)
    assert.are.same({ { value = long } }, replies("$4000000\r\n" .. long .. "\r\n", 1000))
    local many = replies("*200000\r\n" .. (":1\r\n"):rep(200000), 1000)
    assert.are.equal(200000, #many[1].value)
  end)

  it("refuses what is no reply, or too large", function()
    local function refuses(text, pattern)
      for _, size in ipairs(#text < 100000 and { 1, 7, #text } or { 65536 }) do
        local found, problem = replies(text, size)
        assert.is_nil(found)
        assert.matches(pattern, problem)
      end
    end
    refuses("HTTP/1.1 400 Bad Request\r\n\r\n", "not the protocol of Redis")
    refuses(":1.5\r\n", "an integer is wrong")
    refuses(":99999999999999999999\r\n", "an integer is wrong")
    refuses("$-2\r\n", "the length of a string is wrong")
    refuses("$999999999999999\r\n", "the length of a string is wrong")
    refuses("*x\r\n", "the length of an array is wrong")
    refuses("$1\r\nabc\r\n", "a string is longer than it says")
    refuses("$16777216\r\n", "more than 16777216 bytes")
    refuses(("*1\r\n"):rep(9) .. ":1\r\n", "too many arrays within each other")
    refuses("+" .. ("x"):rep(70000), "a line is too long")
    refuses("*100\r\n" .. ("$1000000\r\n" .. ("x"):rep(1000000) .. "\r\n"):rep(17), "more than 16777216 bytes")
  end)
end)
