--- The webhooks of a sandbox: what is sent to whom, signed with which key, and the ledger of all deliveries. How they
-- are sent is in `hoopai.sandbox.server.deliveries`.
--
-- The settings are the option `webhooks` of a sandbox. All fields are optional:
--
--     url            where to; without it nothing is sent
--     retries        how often a webhook is sent again that was not answered with 2xx: 12, as the vendor does
--     retry_scale    the pauses between are multiplied by this: 1. They are 5, 10, 20 ... seconds, ten minutes at most,
--                    and longer by up to a half, at random
--     timeout_ms     how long a response is waited for: 10000
--
-- and the faults of `hoopai.sandbox.webhooks.faults`, for all webhooks.
--
-- Sent are AppointmentCreate, AppointmentUpdate, AppointmentDelete, NoteCreate, NoteUpdate, NoteDelete, ContactCreate,
-- UserCreate, and of the app INSTALL (a sign-in, too) and UNINSTALL. The timestamp is of the clock of the system, also
-- if the sandbox has another one: receivers compare it with theirs.
-- @module hoopai.sandbox.webhooks

local core = require("hoopai.lazy").c_module "hoopai.core"
local api_errors = require "hoopai.sandbox.api_errors"
local bodies = require "hoopai.sandbox.webhooks.bodies"
local faults = require "hoopai.sandbox.webhooks.faults"
local lazy = require "hoopai.lazy"
local local_time = require "hoopai.sandbox.domain.local_time"
local settings = require "hoopai.sandbox.webhooks.settings"

local char, format, gsub, match, sub = string.char, string.format, string.gsub, string.match, string.sub
local error, ipairs, pairs, select, setmetatable, tonumber = error, ipairs, pairs, select, setmetatable, tonumber
local min, random = math.min, math.random
local remove = table.remove

local webhooks = {}

local LEDGER_LIMIT = 10000
-- Webhooks that are on their way. More would only fill the memory while no receiver responds.
local MOST_WAITING = 1000

local get_crypto = lazy.optional "hoopai.crypto"

-- Why webhooks cannot be signed; nil if they can.
local function missing() return (select(2, get_crypto())) end

local function bytes(hex)
  return (gsub(hex, "%x%x", function(digits) return char(tonumber(digits, 16)) end))
end

-- The outbox ---------------------------------------------------------------------------------------------------------

local Outbox = {}
Outbox.__index = Outbox

--- Changes settings; false removes one. Raises a 422 for a wrong one.
-- @tparam table given
function Outbox:change(given)
  local values = {}
  for name, value in pairs(given) do
    if value ~= false then values[name] = value end
  end
  local problem = settings.problem(values) or values.url and missing()
  if problem then api_errors.unprocessable { problem } end
  for name in pairs(given) do
    self.settings[name] = values[name]
  end
end

--- Scripts a fault for the next `times` (1) webhooks, of one `type` or of any. Raises a 422 for a wrong one.
-- @tparam table given
function Outbox:add_fault(given)
  local problem = settings.fault_problem(given)
  if problem then api_errors.unprocessable { problem } end
  local fault = { times = 1 }
  for name, value in pairs(given) do
    fault[name] = value
  end
  self.faults[#self.faults + 1] = fault
end

--- Removes the scripted faults.
-- @treturn integer how many there were
function Outbox:forget_faults()
  local count = #self.faults
  self.faults = {}
  return count
end

-- The faults of a webhook: the scripted one, over those of the settings.
local function take_fault(self, kind)
  local taken = {}
  for name in pairs(faults.checks) do
    taken[name] = self.settings[name]
  end
  for position, fault in ipairs(self.faults) do
    if not fault.type or fault.type == kind then
      fault.times = fault.times - 1
      if fault.times <= 0 then remove(self.faults, position) end
      for name in pairs(faults.checks) do
        if fault[name] ~= nil then taken[name] = fault[name] end
      end
      break
    end
  end
  return taken
end

local function new_id()
  local hex = core.random_hex(16)
  local parts = { sub(hex, 1, 8), sub(hex, 9, 12), sub(hex, 14, 16), sub(hex, 17, 19), sub(hex, 20, 31) }
  return format("%s-%s-4%s-a%s-%s", parts[1], parts[2], parts[3], parts[4], parts[5])
end

local function sign(self, body, is_other)
  local crypto = get_crypto()
  return crypto.to_base64(crypto.sign_ed25519(is_other and self.other_seed or self.seed, body))
end

-- The text of a webhook. Fields of one's own win over the envelope.
local function body_of(self, kind, fields, fault)
  local sent = core.wall_ms() - (fault.age_seconds or 0) * 1000 // 1 | 0
  local body = {
    type = kind,
    appId = self.app_id,
    versionId = self.app_id,
    timestamp = local_time.stamp(sent),
    webhookId = new_id(),
  }
  for name, value in pairs(fault.flat and bodies.flat(fields) or fields) do
    body[name] = value
  end
  local text, problem = core.encode(body, bodies.shape)
  if not text then api_errors.unprocessable { "the webhook cannot be written: " .. problem } end
  return text, body.webhookId
end

local function send(self, entry, is_resent)
  if self.waiting >= MOST_WAITING then
    entry.state = "dropped"
    return
  end
  self.waiting = self.waiting + 1
  entry.state = "waiting"
  if self.deliver then self.deliver(entry, is_resent or false) end
end

--- Sends what is kept back, the last one first.
function Outbox:flush()
  local held = self.held
  self.held = {}
  for position = #held, 1, -1 do
    self.sent[held[position]].previous = held[position + 1]
    send(self, held[position])
  end
end

--- Sends a webhook, if there is an address for it.
-- @tparam string kind its type
-- @tparam table fields beside the envelope
-- @treturn ?table its entry of the ledger; nil: there is no address
function Outbox:emit(kind, fields)
  if not self.settings.url then return nil end
  local fault = take_fault(self, kind)
  local body, id = body_of(self, kind, fields, fault)
  local entry = {
    webhookId = id,
    type = kind,
    at = core.wall_ms(),
    fault = faults.name(fault),
    state = "held",
    deliveries = core.array {},
  }
  self.sent[entry] = {
    body = body,
    headers = faults.headers(fault, function(...) return sign(self, ...) end, body),
    delay_ms = fault.delay_ms or 0,
    repeats = fault.repeats or 0,
  }
  if #self.ledger < LEDGER_LIMIT then self.ledger[#self.ledger + 1] = entry end
  if not fault.reorder then
    send(self, entry)
    return entry
  end
  self.held[#self.held + 1] = entry
  if #self.held >= fault.reorder then
    self:flush()
  elseif #self.held == 1 and self.flush_later then
    self.flush_later()
  end
  return entry
end

--- Sends a webhook of the ledger again, with the same bytes: what "Resend" in the vendor's dashboard does.
-- @tparam string id
-- @treturn boolean whether there is such a webhook
function Outbox:resend(id)
  for _, entry in ipairs(self.ledger) do
    if entry.webhookId == id then
      send(self, entry, true)
      return true
    end
  end
  return false
end

--- Ends the way of a webhook.
-- @tparam table entry
-- @tparam string state "delivered" or "failed"
function Outbox:finish(entry, state)
  entry.state = state
  self.waiting = self.waiting - 1
end

--- The seconds before a further delivery.
-- @tparam integer number of the retry, from 1 on
-- @treturn number
function Outbox:pause(number) return min(5 * 2 ^ (number - 1), 600) * (1 + random() / 2) * self.settings.retry_scale end

--- Forgets all webhooks, also those that are on their way, and the scripted faults.
function Outbox:reset()
  self.settings = { retries = 12, retry_scale = 1, timeout_ms = 10000 }
  for name, value in pairs(self.given) do
    self.settings[name] = value
  end
  self.ledger, self.sent, self.held, self.faults = {}, setmetatable({}, { __mode = "k" }), {}, {}
  self.waiting, self.generation = 0, self.generation + 1
end

--- Makes the outbox of a sandbox, with keys of its own.
-- @tparam ?table given the settings, checked
-- @tparam string client_id of the app
-- @treturn table; `key` is the public key (base64 of its DER), nil without hoopai.crypto
function webhooks.new(given, client_id)
  local outbox = setmetatable({ given = given or {}, generation = 0 }, Outbox)
  outbox.app_id = match(client_id, "^[^-]*")
  if outbox.given.url and missing() then error(missing(), 0) end
  local crypto = get_crypto()
  if crypto then
    outbox.seed, outbox.other_seed = bytes(core.random_hex(32)), bytes(core.random_hex(32))
    outbox.key = crypto.to_base64(bytes "302a300506032b6570032100" .. crypto.public_of_seed(outbox.seed))
  end
  outbox:reset()
  return outbox
end

return webhooks
