-- The vendor's Node SDK and our receiver judge the same 200 raw bodies. Wherever the SDK computed whether the signature
-- is valid the two agree, but for the differences listed here. Run by `make contract`.

local child = require "spec.support.child"
local crypto = require "hoopai.crypto"
local hoopai = require "hoopai"
local webhooks = require "spec.support.webhooks"

local quote = child.quote
local SDK = "build/sdk"

-- Kind of request -> why the SDK takes it and we do not. In all of them we are right: no sender writes them, and a
-- signature that may be spelt in many ways is not one that was sent.
local DIFFERENCES = {
  ["blanks around"] = "Node's base64 passes over characters that are not of its alphabet",
  ["no padding"] = "Node's base64 needs no padding",
  ["url alphabet"] = "Node's base64 takes - and _ for + and /",
  ["text behind"] = "Node's base64 ends at the padding",
  ["header twice"] = "the SDK takes the first of two values",
}

local function flip(text, bit)
  local at = bit // 8 + 1
  return text:sub(1, at - 1) .. string.char(text:byte(at) ~ (1 << bit % 8)) .. text:sub(at + 1)
end

-- Kind -> function(body, signature, number) -> header, body
local KINDS = {
  right = function(body, signature) return signature, body end,
  ["flipped bit of the body"] = function(body, signature, number)
    return signature, flip(body, number * 7 % (#body * 8))
  end,
  ["flipped bit of the signature"] = function(body, signature, number)
    return crypto.to_base64(flip(crypto.from_base64(signature), number * 13 % 512)), body
  end,
  ["another key"] = function(body) return webhooks.sign(body, webhooks.OTHER_SEED), body end,
  ["encoded again"] = function(body, signature) return signature, (body:gsub(":", ": ")) end,
  ["line break behind"] = function(body, signature) return signature, body .. "\n" end,
  ["bytes beyond ASCII"] = function(body)
    local other = body:gsub("^{", '{"name":"é\240\159\152\128\\u00e9",')
    return webhooks.sign(other), other
  end,
  ["not UTF-8"] = function(body)
    local other = body:gsub("^{", '{"name":"\233\255",')
    return webhooks.sign(other), other
  end,
  ["no header"] = function(body) return nil, body end,
  ["empty header"] = function(body) return "", body end,
  ["N/A"] = function(body) return "N/A", body end,
  ["cut off"] = function(body, signature) return signature:sub(1, 40), body end,
  ["another app"] = function(body)
    local other = body:gsub('"app1"', '"app2"')
    return webhooks.sign(other), other
  end,
  ["no JSON"] = function() return webhooks.sign "no JSON", "no JSON" end,
  ["neutral point"] = function(body) return crypto.to_base64("\1" .. ("\0"):rep(63)), body end,
  ["blanks around"] = function(body, signature) return " " .. signature .. " ", body end,
  ["no padding"] = function(body, signature) return (signature:gsub("=", "")), body end,
  ["url alphabet"] = function(body, signature) return (signature:gsub("[+/]", { ["+"] = "-", ["/"] = "_" })), body end,
  ["text behind"] = function(body, signature) return signature .. "AAAA", body end,
  ["header twice"] = function(body, signature) return { signature, "AAAA" }, body end,
}

local function names()
  local list = {}
  for name in pairs(KINDS) do
    list[#list + 1] = name
  end
  table.sort(list)
  return list
end

describe("the vendor's SDK", function()
  it("agrees with the receiver on 200 raw bodies, but for the listed differences", function()
    assert(os.execute(".ci/npm/install sdk " .. quote(SDK)))
    local path = os.tmpname()
    local key, input = assert(io.open(path .. ".key", "w")), assert(io.open(path, "w"))
    key:write(webhooks.KEY)
    key:close()
    local kinds, requests = names(), {}
    assert.are.equal(20, #kinds)
    for number = 1, 200 do
      local kind = kinds[(number - 1) % #kinds + 1]
      local body = webhooks.body { number = number, type = number % 3 == 0 and "ContactCreate" or nil }
      local header, sent = KINDS[kind](body, webhooks.sign(body), number)
      local request = { headers = { ["x-ghl-signature"] = header }, body = crypto.to_base64(sent) }
      requests[number] = { kind = kind, headers = request.headers, body = sent }
      input:write(hoopai.encode(request), "\n")
    end
    input:close()
    local command = "node spec/contract/webhook_sdk.mjs %s %s app1-x <%s"
    local pipe = assert(io.popen(command:format(quote(SDK), quote(path .. ".key"), quote(path))))
    local receiver = hoopai.webhook { keys = { webhooks.KEY }, max_age = false, claim = function() return true end }
    local computed, differ = 0, {}
    for number, request in ipairs(requests) do
      local theirs = pipe:read "l"
      local event, err = receiver:verify(request.headers, request.body)
      local ours = tostring(event ~= nil or err.kind ~= "signature")
      if theirs == "skipped" then
        -- A header that is not there, or a body of no app of ours: the SDK lets the request pass, without a judgement.
        assert.is_truthy(ours == "false" or request.kind == "another app" or request.kind == "no JSON", request.kind)
      else
        computed = computed + 1
        if ours ~= theirs then
          assert.is_truthy(
            DIFFERENCES[request.kind],
            ("%s, number %d: %s, theirs %s"):format(request.kind, number, ours, theirs)
          )
          assert.are.equal("true", theirs)
          differ[request.kind] = true
        end
      end
    end
    assert.is_true(pipe:close())
    os.remove(path)
    os.remove(path .. ".key")
    assert.is_true(computed > 120, computed)
    for kind in pairs(DIFFERENCES) do
      assert.is_true(differ[kind], kind .. " makes no difference any more")
    end
  end)
end)
