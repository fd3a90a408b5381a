--- `hoopai webhooks listen`: receives webhooks on this computer, verifies, prints and forwards them.
local failure = require "hoopai.command.lib.failure"
local http = require "hoopai.command.lib.http"
local outputs = require "hoopai.command.lib.output"
local printable = require "hoopai.command.lib.printable"
local profiles = require "hoopai.command.lib.profile"

local error, io, ipairs, os, pcall, require, type = error, io, ipairs, os, pcall, require, type
local concat = table.concat
local find, format, match, sub = string.find, string.format, string.match, string.sub

local STEP = 0.5 -- seconds after which Ctrl-C is seen
local MOST_BODY = 1048576 -- bytes
local MOST_OPEN = 100 -- connections: select waits for 1024 descriptors at most
local PORT = 8585

-- The receiver

--- The keys of --key, else of the environment; nil: the vendor's. And whose they are, for people.
local function keys_of(options)
  local given, whose = options.key or {}, "the key of --key"
  if #given == 0 then
    given, whose = { profiles.variable "HOOPAI_WEBHOOK_KEY" }, "HOOPAI_WEBHOOK_KEY"
  end
  if #given == 0 then return nil, "the vendor's key" end
  local keys = {}
  for index, word in ipairs(given) do
    keys[index] = word
    if sub(word, 1, 1) == "@" then
      local file, problem = io.open(sub(word, 2), "r")
      if not file then failure.refuse("key", problem) end
      keys[index] = file:read "a" or ""
      file:close()
    end
  end
  return keys, whose
end

--- Makes the receiver. A key that is unusable is a failure at once: the receiver would refuse each webhook.
local function webhook_of(context, options)
  local keys, whose = keys_of(options)
  local webhook = context.library().webhook {
    keys = keys,
    app_id = options.app,
    max_age = options.max_age,
    max_body = MOST_BODY,
  }
  local _, err = webhook:verify({}, "{}")
  if not find(err.message, "has no header", 1, true) then failure.refuse("key", err.message) end
  return webhook, whose
end

local function place_of(options, sockets)
  if not options.forward then return nil end
  local place, problem = http.place(options.forward)
  if not place then failure.usage("option --forward " .. problem) end
  local addresses, unknown = sockets.addresses(place.host)
  if not addresses then failure.refuse("forward", format("%s: %s", place.host, unknown)) end
  return place, addresses
end

-- Lines

local FIELDS = { "type", "locationId", "webhookId" }

--- The document of a request.
local function document_of(context, report)
  local hoopai, event = context.library(), report.event
  local received = hoopai.time.now()
  local document = {
    received = received:iso "UTC",
    status = report.status,
    forwarded = report.forwarded,
    error = report.kind and { kind = report.kind, message = report.message } or nil,
    event = event and hoopai.decode(event.raw) or nil,
  }
  for _, name in ipairs(FIELDS) do
    document[name] = event and type(event[name]) == "string" and event[name] or nil
  end
  return document
end

--- The line of a request, for people.
local function line_of(report)
  local parts = { os.date "%H:%M:%S", format("%d", report.status) }
  for _, name in ipairs(FIELDS) do
    local value = report.event and report.event[name]
    if type(value) == "string" then parts[#parts + 1] = value end
  end
  if report.kind then parts[#parts + 1] = report.kind .. ": " .. report.message end
  return printable(concat(parts, "  ")) .. "\n"
end

local function reporter(context, options)
  local output = outputs.new(context.streams.output)
  local json = (options.json or options.jsonl) and require "hoopai.command.lib.json"
  return function(report)
    if json then
      for line in json.lines(document_of(context, report)) do
        output:write(line)
      end
    else
      output:write(line_of(report))
    end
    output:finish()
  end
end

-- Serving

local function library_of_sockets()
  local ok, sockets = pcall(require, "hoopai.command.lib.sockets")
  if ok then return sockets end
  if not match(sockets, "module 'socket' not found") then error(sockets, 0) end
  failure.refuse(
    "missing",
    "LuaSocket, which this command needs, is not installed (no module socket)",
    "install it: `luarocks install luasocket`, or on Debian `apt-get install lua-socket`"
  )
end

local function listen(context, options)
  local sockets = library_of_sockets()
  local webhook, whose = webhook_of(context, options)
  local place, addresses = place_of(options, sockets)
  local host, port = options.host or "127.0.0.1", options.port or PORT
  local listener <close>, problem = sockets.listen(host, port)
  if not listener then
    failure.refuse("listen", format("%s port %d cannot be used: %s", host, port, problem), "write another --port")
  end
  local receiver = require("hoopai.command.lib.receiver").new {
    webhook = webhook,
    most = MOST_BODY,
    most_open = MOST_OPEN,
    place = place,
    addresses = addresses,
    report = reporter(context, options),
  }
  local loop <close> = sockets.loop()
  loop:spawn(function()
    while true do
      local stream = listener.accept()
      if stream then loop:spawn(function() receiver:serve(stream) end) end
    end
  end)
  context.streams.error:write(
    format("hoopai: listening on http://%s:%d for webhooks signed with %s; Ctrl-C ends\n", host, port, whose)
  )
  context.streams.error:flush()
  while true do
    loop:step(STEP)
  end
end

return {
  name = "webhooks",
  summary = "receive webhooks on this computer",
  description = [[
    `hoopai webhooks listen` receives webhooks, verifies their signatures, and prints a line for each request: the time,
    the status of the response, and what the event is, or why it was refused. With --json or --jsonl it prints a line of
    JSON for each, with the whole event.

    With --forward it sends a webhook that is verified and new to another server, with its bytes and its headers, and
    responds with the status of that server. After any status but 2xx the next delivery is forwarded as well. A webhook
    that was received before gets 200, and is not forwarded.

    It listens on this computer alone. The vendor needs an https address: let a tunnel lead to the port. Ctrl-C ends it,
    with the exit status 0, since nothing else does.
  ]],
  arguments = { { "action", choices = { "listen" }, description = "What to do." } },
  options = {
    { "--forward", argname = "<url>", convert = "word", description = "Forward to this address, which has http://." },
    { "--port", argname = "<n>", convert = "port", description = "The port. Default: 8585." },
    { "--host", argname = "<address>", convert = "word", description = "Listen there. Default: 127.0.0.1." },
    {
      "--key",
      argname = "<key>",
      count = "*",
      convert = "word",
      description = "A public key of the sender: PEM, the base64 within, or @FILE. "
        .. "Default: HOOPAI_WEBHOOK_KEY, as a sandbox has it, else the vendor's.",
    },
    { "--app", argname = "<id>", convert = "word", description = "Refuse the webhooks of other apps." },
    {
      "--max-age",
      argname = "<length>",
      convert = "seconds",
      description = "Refuse older webhooks. Default: 1d; 30d for those that the vendor's dashboard sends again.",
    },
  },
  examples = {
    { "hoopai webhooks listen", "prints what arrives on port 8585" },
    { "hoopai webhooks listen --forward http://localhost:3000/hook", "for a server that is being written" },
  },
  run = function(context, options)
    local ok, problem = pcall(listen, context, options)
    if not ok and not failure.is_interruption(problem) then error(problem, 0) end
    return nil
  end,
}
