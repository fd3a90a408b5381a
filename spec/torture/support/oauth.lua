--- What the OAuth scripts share: a sandbox with its ledger, sign-ins, processes that begin at the same moment.

local child = require "spec.support.child"
local core = require "hoopai.core"
local hoopai = require "hoopai"
local process = require "spec.support.process"
local sandbox = require "hoopai.sandbox"

local support = {}

--- Runs a shell command and returns what it prints.
function support.run(command)
  local pipe = assert(io.popen(command, "r"))
  local output = pipe:read("a")
  pipe:close()
  return output
end

--- The path of libfaketime, for LD_PRELOAD.
function support.faketime()
  for _, pattern in ipairs { "/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1" } do
    local path = support.run("ls " .. pattern .. " 2>/dev/null"):match("[^\n]+")
    if path then return path end
  end
  error("libfaketime is not installed (Debian: apt-get install faketime)", 0)
end

--- A new folder, which goes when the variable does.
function support.folder()
  local path = support.run("mktemp -d"):gsub("\n", "")
  return setmetatable({ path = path }, { __close = function() os.execute("rm -rf " .. child.quote(path)) end })
end

--- A sandbox without limits of rate.
function support.start(oauth)
  oauth = oauth or {}
  oauth.rate = false
  return sandbox.start { control = true, rate_limit = false, oauth = oauth }
end

--- An app of a store; `on` are its hooks.
function support.app(box, store, on)
  return hoopai.oauth {
    client_id = box.oauth.client_id,
    client_secret = box.oauth.client_secret,
    base_url = box.url,
    store = store,
    on = on,
  }
end

--- A client of the sandbox's location.
function support.client(box, app, more)
  local given = { oauth = app, base_url = box.url, location_id = box.location_id }
  for name, value in pairs(more or {}) do
    given[name] = value
  end
  return hoopai.new(given)
end

--- Signs in to a store. With `over` the token response gives the access token one second, which has passed.
function support.sign_in(box, store, over)
  if over then box:control("oauth/fault", { grant = "authorization_code", expires_in = 1 }) end
  local app <close> = support.app(box, store)
  assert(app:exchange { code = box.oauth.code { class = "Location" } })
  if over then core.sleep(1.1) end
end

--- One call that needs a token: true, or nil and the error.
function support.call(box, client, call_options)
  local calendar, err = client.calendars:get(box.seed.calendars.checkup, call_options)
  if calendar then return true end
  return nil, err
end

--- The record of the location in the folder of a file store, read beside the library's store.
function support.stored(path, box)
  local tokens = assert(core.token_file(path))
  return tokens:read(box.oauth.client_id .. "/location/" .. box.location_id)
end

--- How the ledger sees what happened since it was cleared.
function support.ledger(box)
  local seen = box:control "oauth"
  local refreshes, tries = 0, 0
  local presented = {}
  for _, record in ipairs(seen.exchanges) do
    if record.grant == "refresh_token" then
      refreshes = refreshes + 1
      if record.token then
        presented[record.token] = (presented[record.token] or 0) + 1
        tries = math.max(tries, presented[record.token])
      end
    end
  end
  return { exchanges = seen.exchanges, counts = seen.counts, refreshes = refreshes, tries = tries }
end

--- Calls work(number) in so many processes, which begin at the same moment. Returns what each returned, a string of
-- less than 4 KiB; a process that raised gives "raised: ...".
function support.processes(count, work)
  local gate, open_gate = process.pipe()
  local results, say = process.pipe()
  local pids = {}
  for number = 1, count do
    local pid = process.fork()
    if pid == 0 then
      process.close(open_gate)
      process.close(results)
      process.read(gate)
      local _, answer = pcall(work, number)
      process.write(say, string.pack("<s2", tostring(answer):sub(1, 3900)))
      process.exit(0)
    end
    pids[number] = pid
  end
  process.close(say)
  process.close(gate)
  process.close(open_gate)
  local bytes = {}
  repeat
    local more = process.read(results)
    bytes[#bytes + 1] = more
  until more == ""
  process.close(results)
  for _, pid in ipairs(pids) do
    process.wait(pid)
  end
  local answers, text, at = {}, table.concat(bytes), 1
  while at <= #text do
    answers[#answers + 1], at = string.unpack("<s2", text, at)
  end
  return answers
end

--- Lists what is not as it must be.
local Checks = {}
Checks.__index = Checks

function support.checks() return setmetatable({ bad = 0, made = 0 }, Checks) end

function Checks:that(condition, text, ...)
  self.made = self.made + 1
  if condition then return true end
  self.bad = self.bad + 1
  if self.bad <= 20 then print("  WRONG: " .. text:format(...)) end
  return false
end

function Checks:equal(found, expected, what)
  return self:that(found == expected, "%s: %s instead of %s", what, tostring(found), tostring(expected))
end

--- Counts the values of a list: "1020 ok, 4 timeout".
function support.tally(list)
  local counts, names = {}, {}
  for _, value in ipairs(list) do
    if not counts[value] then names[#names + 1] = value end
    counts[value] = (counts[value] or 0) + 1
  end
  table.sort(names)
  local words = {}
  for index, name in ipairs(names) do
    words[index] = counts[name] .. " " .. name
  end
  return table.concat(words, ", "), counts
end

return support
