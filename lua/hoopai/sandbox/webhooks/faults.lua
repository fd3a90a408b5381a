--- What is wrong on request with the webhooks that a sandbox sends.
--
--     delay_ms       wait before the first delivery
--     repeats        deliver so many times more, after it was taken
--     reorder        keep so many webhooks back, and send them in the wrong order: the last one first. If fewer come
--                    within two seconds, these are sent
--     signature      "missing", "not_signed" (the text N/A), "other_key", "other_body" (the signature of other bytes),
--                    "reserialised" (of the same JSON in another spelling), "malformed" (no base64), "twice" (two
--                    headers), "old_header" (that of the vendor's RSA signatures)
--     age_seconds    the signed timestamp is so old; below 0: it is of the future
--     flat           the fields of an appointment stand in the body itself
-- @module hoopai.sandbox.webhooks.faults

local concat, sort = table.concat, table.sort
local format, gsub = string.format, string.gsub
local pairs, tostring, type = pairs, tostring, type
local huge = math.huge

local faults = {}

local SIGNATURES = {
  missing = true,
  not_signed = true,
  other_key = true,
  other_body = true,
  reserialised = true,
  malformed = true,
  twice = true,
  old_header = true,
}

local function whole(least, most)
  return function(value)
    local ok = type(value) == "number" and value % 1 == 0 and value >= least and value <= most
    return not ok and format("must be a whole number from %d to %d", least, most) or nil
  end
end

local function number(least)
  return function(value)
    local ok = type(value) == "number" and value >= least and value < huge
    return not ok and (least == -huge and "must be a number" or format("must be a number from %g on", least)) or nil
  end
end

local function signature(value)
  if SIGNATURES[value] then return nil end
  local names = {}
  for name in pairs(SIGNATURES) do
    names[#names + 1] = name
  end
  sort(names)
  return "must be one of: " .. concat(names, ", ")
end

local function boolean(value) return type(value) ~= "boolean" and "must be true or false" or nil end

-- Name -> function that returns what is wrong with a value.
faults.checks = {
  delay_ms = number(0),
  repeats = whole(0, 100),
  reorder = whole(2, 100),
  signature = signature,
  age_seconds = number(-huge),
  flat = boolean,
}

-- Headers ------------------------------------------------------------------------------------------------------------

-- Other bytes with the same meaning.
local function spelt_otherwise(body) return (gsub(body, '^{"', '{ "')) end

local signatures = {}

function signatures.missing() return {} end

function signatures.not_signed() return { { "X-GHL-Signature", "N/A" } } end

function signatures.other_key(sign, body) return { { "X-GHL-Signature", sign(body, true) } } end

function signatures.other_body(sign, body) return { { "X-GHL-Signature", sign(body .. " ") } } end

function signatures.reserialised(sign, body) return { { "X-GHL-Signature", sign(spelt_otherwise(body)) } } end

function signatures.malformed(sign, body) return { { "X-GHL-Signature", " " .. gsub(sign(body), "=", "") } } end

function signatures.twice(sign, body)
  return { { "X-GHL-Signature", sign(body) }, { "X-GHL-Signature", sign(body, true) } }
end

function signatures.old_header(sign, body) return { { "X-WH-Signature", sign(body) } } end

--- The headers that sign a body.
-- @tparam table fault
-- @tparam function sign(body, is_other) -> text
-- @tparam string body
-- @treturn table list of { name, value }
function faults.headers(fault, sign, body)
  local wrong = signatures[fault.signature]
  if wrong then return wrong(sign, body) end
  return { { "X-GHL-Signature", sign(body) } }
end

--- The names of a fault, for the ledger.
-- @tparam table fault
-- @treturn ?string such as "delay_ms signature_twice"
function faults.name(fault)
  local names = {}
  for name in pairs(faults.checks) do
    local value = fault[name]
    if type(value) == "string" then
      names[#names + 1] = name .. "_" .. value
    elseif value then
      names[#names + 1] = tostring(name)
    end
  end
  sort(names)
  return names[1] and concat(names, " ") or nil
end

return faults
