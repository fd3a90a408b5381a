--- What is read from a token endpoint and from a store. The first byte says by which of the three readers:
-- a token response, packed credentials, a file in a private folder.

local core = require "hoopai.core"
local names_of = require("spec.support.credentials").names
local oracle = require "spec.fuzz.oracle"
local peer = require "spec.fuzz.peer"

local SECRET = {
  access_token = true,
  client_secret = true,
  code = true,
  code_verifier = true,
  id_token = true,
  refresh_token = true,
}

local multi = core.multi {}

local path = os.tmpname()
os.remove(path)
local tokens = assert(core.token_file(path))
assert(tokens:write("g", core.credentials { generation = 1 }))
local removed <const> = setmetatable({}, { __gc = function() os.execute("rm -rf '" .. path .. "'") end })

local function check_record(record)
  assert(removed)
  for _, name in ipairs(names_of(record)) do
    local value = record:get(name)
    assert(name:find("^[a-z0-9_]+$") and #name < 32, "a field's name")
    assert(not SECRET[name] or type(value) == "userdata", "a secret that is a string")
  end
  local again = assert(core.unpack_credentials(core.pack_credentials(record)), "its own packed form cannot be read")
  assert(core.pack_credentials(again) == core.pack_credentials(record), "another record after packing and unpacking")
  assert(tostring(record) == "hoopai.Credentials")
end

local function check(record, problem)
  if record then return check_record(record) end
  assert(type(problem) == "string" and problem ~= "", "a refusal without reason")
  oracle.no_token(problem)
end

local readers = {
  function(text)
    local answer = ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"):format(#text, text)
    local transfer <close> = peer.fetch(multi, {
      method = "POST",
      url = peer.url .. "/oauth/token",
      body = "",
      secret_response = true,
      at_most_once = true,
      timeout = 10,
    }, answer)
    check(core.read_token_response(transfer))
  end,
  function(text) check(core.unpack_credentials(text)) end,
  function(text)
    local file = assert(io.open(path .. "/g", "w"))
    assert(file:write(text))
    assert(file:close())
    check(tokens:read("g"))
  end,
}

--- The sum at the end of a packed record, so that the lines before it are reached as well.
local function sealed(text)
  local sum = -3750763034362895579 -- FNV-1a, as in src/credentials.c
  for index = 1, #text do
    sum = (sum ~ text:byte(index)) * 1099511628211
  end
  return ("%send %016x\n"):format(text, sum)
end

return function(bytes)
  local which, text = bytes:byte(1) or 0, oracle.plant(bytes:sub(2))
  if which & 8 ~= 0 then text = sealed("hoopai-record 1\n" .. text) end
  readers[which % 3 + 1](text)
end
