--- What must hold whatever comes in. Each check raises when it does not.

local errors = require "hoopai.errors"

local oracle = {}

--- Stands for the token in inputs: see `plant`.
local MARK = "CANARY"
--- A token as clients are given it. It holds a character that JSON may spell in two ways.
oracle.TOKEN = "pit/canary-5Gq"

--- An input with the token where it has the mark: a peer may echo what it was sent.
function oracle.plant(bytes) return (bytes:gsub(MARK, oracle.TOKEN)) end

--- A Lua error by accident, not one that says what the caller did wrong.
local accidents = {
  "attempt to index",
  "attempt to call",
  "attempt to perform",
  "attempt to concatenate",
  "attempt to get",
  "attempt to compare",
  "stack overflow",
  "invalid order function",
  "number has no integer",
}

--- Calls a function that may raise misuse, but nothing else. Returns what it returns, nothing when it raised.
function oracle.guarded(fn, ...)
  local results = table.pack(pcall(fn, ...))
  if results[1] then return table.unpack(results, 2, results.n) end
  local text = tostring(results[2])
  for _, accident in ipairs(accidents) do
    if text:find(accident, 1, true) then error("a Lua error by accident: " .. text, 0) end
  end
end

local function holds(value, text, seen)
  local kind = type(value)
  if kind == "string" then return value:find(text, 1, true) ~= nil end
  if kind ~= "table" or seen[value] then return false end
  seen[value] = true
  for key, content in next, value do
    if holds(key, text, seen) or holds(content, text, seen) then return true end
  end
  return false
end

--- The token stands nowhere in a value.
function oracle.no_token(value)
  if holds(value, oracle.TOKEN, {}) or holds(tostring(value), oracle.TOKEN, {}) then
    error("the token stands in what can be printed: " .. tostring(value), 0)
  end
end

local is_kind = {}
for _, kind in ipairs(errors.kinds) do
  is_kind[kind] = true
end

--- An error of the library as the contract says it.
function oracle.is_error(err)
  assert(errors.is(err), "no error object")
  assert(is_kind[err.kind], "unknown kind")
  assert(type(err.message) == "string" and err.message ~= "", "no message")
  assert(err.applied == "no" or err.applied == "maybe" or err.applied == "yes", "applied")
  assert(type(err.retryable) == "boolean", "retryable")
  assert(not (err.retryable and err.applied ~= "no"), "retryable although it may be applied")
  local wait = err.retry_after
  assert(wait == nil or wait >= 0 and wait < 1e15, "retry_after")
  assert(not tostring(err):find("%c"), "an error that prints more than one line")
  oracle.no_token(err)
end

--- Do two decoded JSON values say the same?
function oracle.same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return math.type(a) == math.type(b) and a == b end
  for key, value in next, a do
    if not oracle.same(value, b[key]) then return false end
  end
  for key in next, b do
    if a[key] == nil then return false end
  end
  return true
end

return oracle
