--- What spec/support/memory_host.c plays while memory runs out. See there for the form.

local core = require "hoopai.core"

local scenarios = {}

-- Pauses pass in no time, and are not random.
local now, shift = core.now, 0
function core.now() return now() + shift end
function core.random() return 0 end

local function pass(seconds) shift = shift + seconds end

function core.sleep(seconds)
  if seconds > 0 then pass(seconds) end
  return true
end

--- A name that no other run has.
local function new_name() return core.random_hex(8) end

local function body(title)
  return {
    calendarId = "c1",
    locationId = "l1",
    contactId = "p1",
    startTime = "2026-01-05T10:00:00-05:00",
    endTime = "2026-01-05T10:30:00-05:00",
    title = title,
  }
end

local function new_client(url)
  return require("hoopai").new { token = "token-for-memory", location_id = "l1", base_url = url, timeout = 20 }
end

local function client_context(_, url)
  local context = { name = new_name(), url = url, client = new_client(url) }
  assert(context.client.appointments:get("a1")) -- all modules that are loaded when they are needed first are there
  return context
end

--- A full good request, in the thread and in a task.
local function must_work(client)
  local hoopai = require "hoopai"
  local event, response = client.appointments:get("a1")
  assert(event and event.id == "a1" and event.count == 3 and response.status == 200, response)
  local events, errors = hoopai.map({ "a1", "a2", "a3" }, function(id) return client.appointments:get(id) end)
  assert(not errors and events[1].id == "a1" and events[3].id == "a1", errors)
  hoopai.run(function() hoopai.sleep(0) end)
end

--- What a call that did not raise says must be true.
local function is_error(err)
  local errors = require "hoopai.errors"
  assert(errors.is(err), tostring(err))
  assert(tostring(err) ~= "")
end

local function check_result(result, err)
  if result == nil then is_error(err) end
end

local function ledger(context)
  return assert((context.plain or context.client):request { method = "GET", path = "/torture/" .. context.name })
end

scenarios.load = {
  setup = function(_, url)
    package.loaded["hoopai.core"] = nil
    return { url = url }
  end,
  window = function(context)
    local client <close> = new_client(context.url)
    return client.appointments:get("a1")
  end,
  check = function(context, ok, ...)
    if ok then check_result(...) end
    local client <close> = new_client(context.url)
    must_work(client)
  end,
}

scenarios.new = {
  setup = client_context,
  window = function(context)
    local client <close> = new_client(context.url)
    local other <close> = client:with { location_id = "l2", headers = { ["X-Own"] = "1" } }
    return tostring(other)
  end,
  check = function(context)
    local client <close> = new_client(context.url)
    must_work(client)
    must_work(context.client)
  end,
}

scenarios.get = {
  setup = client_context,
  window = function(context) return context.client.appointments:get("a1") end,
  check = function(context, ok, ...)
    if ok then check_result(...) end
    must_work(context.client)
  end,
}

scenarios.first = {
  setup = function(_, url)
    client_context(nil, url).client:close()
    return { url = url, client = new_client(url) }
  end,
  window = scenarios.get.window,
  check = scenarios.get.check,
}

local function check_booking(context, ok, result, err)
  if ok then check_result(result, err) end
  local bookings = ledger(context).bookings
  assert(bookings <= 1, "booked twice")
  if ok and result then assert(bookings == 1, "a success that is none") end
  if ok and not result and err.applied ~= "maybe" then
    assert(bookings == (err.applied == "yes" and 1 or 0), "applied is wrong")
  end
  must_work(context.client)
end

scenarios.post = {
  setup = client_context,
  window = function(context) return context.client.appointments:create(body(context.name)) end,
  check = check_booking,
}

scenarios.book = {
  setup = function(...)
    local context = client_context(...)
    assert(context.client.appointments:book(body(new_name())))
    return context
  end,
  window = function(context) return context.client.appointments:book(body(context.name)) end,
  check = check_booking,
}

scenarios.book_tasks = {
  setup = scenarios.book.setup,
  window = function(context)
    local hoopai = require "hoopai"
    local function book(name)
      local given = body(name)
      given.reconcile_timeout = 0.2 -- tasks wait for it
      return context.client.appointments:book(given)
    end
    return hoopai.run(function()
      local other = hoopai.spawn(book, context.name .. "b")
      local booked, err = book(context.name)
      other:join()
      return booked, err
    end)
  end,
  check = check_booking,
}

local function with_hooks(url, told)
  local function note(event) told[#told + 1] = event end
  return require("hoopai").new {
    token = function() return "token-for-memory" end,
    location_id = "l1",
    base_url = url,
    timeout = 20,
    on = { request = note, response = note, retry = note, wait = note },
  }
end

scenarios.hooks = {
  setup = function(_, url)
    local context = { url = url, client = with_hooks(url, {}) }
    context.client.appointments:get("limited")
    context.client:close()
    context.client = with_hooks(url, {})
    return context
  end,
  window = function(context) return context.client.appointments:get("limited") end,
  check = function(context, ok, result, err)
    if ok then
      assert(result == nil)
      is_error(err)
    end
    must_work(context.client)
  end,
}

scenarios.invalid = {
  setup = client_context,
  window = function(context) return context.client.appointments:create { calendarID = 3, startTime = "tomorrow" } end,
  check = function(context, ok, result, err)
    assert(not ok or result == nil and err.kind == "invalid_request")
    must_work(context.client)
  end,
}

scenarios.limited = {
  setup = client_context,
  window = function(context) return context.client.appointments:get("limited") end,
  check = function(context, ok, result, err)
    if ok then
      assert(result == nil)
      is_error(err)
    end
    must_work(context.client)
  end,
}

local function in_tasks(context)
  local hoopai = require "hoopai"
  local client = context.client
  return hoopai.run(function()
    local task = hoopai.spawn(function() return client.appointments:get("a2") end)
    local results, errors = hoopai.map(
      { "a3", "a4", "a5" },
      function(id) return client.appointments:get(id) end,
      { concurrency = 2 }
    )
    hoopai.sleep(0.001)
    local event, err = task:join()
    if event == nil and err == nil then error "a call without a result" end
    return results, errors
  end)
end

scenarios.tasks = {
  setup = function(...)
    local context = client_context(...)
    in_tasks(context)
    return context
  end,
  window = in_tasks,
  check = function(context, ok, results, errors)
    if ok then
      for index = 1, 3 do
        assert(results[index] or require("hoopai.errors").is(errors[index]))
      end
    end
    must_work(context.client)
  end,
}

--- Steps a host's loop until nothing is left to do, and counts what ended.
local function drive()
  local loop = require("hoopai").loop
  local deadline = now() + 10
  while loop.busy() do
    assert(now() < deadline, "a task waits for ever")
    loop.step()
  end
end

local function in_host_loop(context)
  local hoopai = require "hoopai"
  for index = 1, 3 do
    hoopai.spawn(function()
      -- luacheck: ignore 211
      local ended <close> = setmetatable({}, { __close = function() context.ended = context.ended + 1 end })
      context.begun = context.begun + 1
      hoopai.sleep(0.001)
      return context.client.appointments:get("a" .. index)
    end)
  end
  drive()
end

scenarios.host_loop = {
  setup = function(...)
    local hoopai = require "hoopai"
    hoopai.use(hoopai.loop.custom)
    local context = client_context(...)
    context.begun, context.ended = 0, 0
    in_host_loop(context)
    return context
  end,
  window = in_host_loop,
  check = function(context)
    drive() -- the host goes on with its loop
    assert(context.begun == context.ended, "a task was lost")
    must_work(context.client)
  end,
}

local function cancelling(context)
  local hoopai = require "hoopai"
  local client = context.client
  return hoopai.run(function()
    local slow = hoopai.spawn(function()
      local guard <close> = setmetatable({}, { __close = function() context.closed = true end }) -- luacheck: ignore
      return client.appointments:get("slow")
    end)
    local sleeper = hoopai.spawn(function() hoopai.sleep(100) end)
    client.appointments:get("a1")
    slow:cancel()
    sleeper:cancel()
    return slow:join()
  end)
end

scenarios.cancel = {
  setup = function(...)
    local context = client_context(...)
    cancelling(context)
    return context
  end,
  window = cancelling,
  check = function(context, ok, ...)
    if ok then check_result(...) end
    must_work(context.client)
  end,
}

scenarios.close = {
  setup = function(...)
    local context = client_context(...)
    context.other = new_client(context.url)
    must_work(context.client)
    return context
  end,
  window = function(context)
    local hoopai = require "hoopai"
    return hoopai.run(function()
      local tasks = {}
      for index = 1, 3 do
        tasks[index] = hoopai.spawn(function() return context.client.appointments:get("slow") end)
      end
      hoopai.sleep(0.001)
      context.client:close()
      return tasks[3]:join()
    end)
  end,
  check = function(context, ok, ...)
    if ok then check_result(...) end
    must_work(context.other)
    context.client:close()
    local result, err = context.client.appointments:get("a1")
    assert(result == nil and err.kind == "closed")
  end,
}

--- A client whose stored token is over (or is refused): its first call exchanges it.
local function app_context(how, family, url, folder)
  local hoopai = require "hoopai"
  client_context(nil, url).client:close()
  collectgarbage() -- the rest: Lua itself needs memory to finalise anything
  local store
  if how == "file" then
    os.execute("rm -rf " .. folder)
    store = hoopai.store.file(folder)
  elseif how == "own" then
    local kept, held = nil, false
    store = {
      get = function() return kept end,
      put = function(_, text)
        kept = text
        return true
      end,
      lock = function()
        if held then return nil end
        local function release() held = false end
        held = true
        return release
      end,
    }
  else
    store = hoopai.store.memory()
  end
  local name = new_name()
  local over = how == "refused" and 0 or 90000
  local record = core.credentials {
    access_token = core.secret("access-" .. name .. "-1"),
    refresh_token = core.secret("refresh-" .. name .. "-1"),
    generation = 1,
    obtained_at = core.wall_ms() // 1000 - over,
    expires_in = 86400,
    user_type = "Location",
    location_id = "l1",
    company_id = "k1",
  }
  assert(hoopai.store.behind(store):write("client-1/location/l1", record, 0))
  local app = hoopai.oauth {
    client_id = "client-1",
    client_secret = "secret-of-the-client",
    store = store,
    base_url = url,
  }
  local client = hoopai.new { oauth = app, location_id = "l1", base_url = url, timeout = 20 }
  local context = { name = name, family = family, url = url, client = client, app = app, plain = new_client(url) }
  if how == "refused" then assert(context.plain:request { method = "PUT", path = "/torture/" .. name, body = {} }) end
  return context
end

--- An app without any sign-in.
local function sign_in_context(_, url)
  local hoopai = require "hoopai"
  local context = { name = new_name(), url = url, plain = new_client(url) }
  must_work(context.plain)
  function context.app(code)
    local app <close> = hoopai.oauth {
      client_id = "client-1",
      client_secret = "secret-of-the-client",
      base_url = url,
      redirect_uri = "https://example.com/back",
    }
    local _, session = app:authorize_url { pkce = true, scopes = { "calendars.readonly" } }
    local granted, err = app:exchange { code = code, code_verifier = session.code_verifier }
    if not granted then return nil, err end
    local client <close> = app:client { location_id = granted.location_id, base_url = url }
    return client.appointments:get("a1")
  end
  assert(context.app("code-" .. new_name()))
  return context
end

scenarios.sign_in = {
  setup = sign_in_context,
  window = function(context) return context.app("code-" .. context.name) end,
  check = function(context, ok, ...)
    if ok then check_result(...) end
    assert(context.app("code-" .. new_name()))
    must_work(context.plain)
  end,
}

local function check_app(context, ok, result, err)
  if ok then check_result(result, err) end
  pass(5) -- after a failure an exchange rests
  local event, problem = context.client.appointments:get("a1")
  local seen = ledger(context)
  -- libcurl itself may have had no memory to read the response: then it is lost, and the error must say so.
  local is_lost = context.family == "curl" and seen.reuses > 0
  if is_lost then
    assert(not event and problem.kind == "reauth_required", problem)
  else
    assert(event and event.id == "a1", problem)
    must_work(context.client)
    seen = ledger(context)
    assert(seen.generation == 2, "the token was exchanged " .. seen.generation - 1 .. " times")
    assert(seen.reuses == 0, "a spent token was used again")
  end
  context.client:close()
  context.app:close()
  must_work(context.plain)
end

for _, how in ipairs { "memory", "file", "own", "refused" } do
  scenarios["refresh_" .. how] = {
    setup = function(...) return app_context(how, ...) end,
    window = function(context) return context.client.appointments:get("a1", { timeout = 2 }) end,
    check = check_app,
  }
end

scenarios.refresh_tasks = {
  setup = function(...) return app_context("memory", ...) end,
  window = function(context)
    return require("hoopai").map({ "a1", "a2", "a3" }, function(id) return context.client.appointments:get(id) end)
  end,
  check = function(context, ok) check_app(context, ok, true) end,
}

-- The vendor's old key.
local PUBLISHED_RSA = ""
  .. "MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAokvo/r9tVgcfZ5DysOSCFrm602qYV0MaAiNnX9O8KxMbiyRKWeL9JpCp"
  .. "Vpt4XHIcBOK4u3cLSqJGOLaPuXw6dO0t6Q/ZVdAV5Phz+ZtzPL16iCGeK9po6D6JHBpbi989mmzMryUnQJezlYJ3DVfBcsedpinh"
  .. "eNnyYeFXolrJvcsjDtfAeRx5ByHQmTnSdFUzuAnC9/GepgLT9SM4nCpvuxmZMxrJt5Rw+VUaQ9B8JSvbMPpez4peKaJPZHBbU3Od"
  .. "eCVx5klVXXZQGNHOs8gF3kvoV5rTnXV0IknLBXlcKKAQLZcY/Q9rG6Ifi9c+5vqlvHPCUJFT5XUGG5RKgOKUJ062fRtN+rLYZUV+"
  .. "BjafxQauvC8wSWeYja63VSUruvmNj8xkx2zE/Juc+yjLjTXpIocmaiFeAO6fUtNjDeFVkhf5LNb59vECyrHD2SQIrhgXpO4Q3dVN"
  .. "A5rw576PwTzNh/AMfHKIjE4xQA1SZuYJmNnmVZLIZBlQAF9Ntd03rfadZ+yDiOXCCs9FkHibELhCHULgCsnuDJHcrGNd5/Ddm5hx"
  .. "GQ0ASitgHeMZ0kcIOwKDOzOU53lDza6/Y09T7sYJPQe7z0cvj7aE4B+Ax1ZoZGPzpJlZtGXCsu9aTEGEnKzmsFqwcSsnw3JB31IG"
  .. "KAykT1hhTiaCeIY/OwwwNUY2yvcCAwEAAQ=="

-- Fills context.results.
local function crypto_results(context)
  local crypto, results = context.crypto, context.results
  local vector = context.vector
  results.right = crypto.verify_ed25519(vector.key, vector.message, vector.signature)
  results.wrong = crypto.verify_ed25519(vector.key, vector.message .. "!", vector.signature)
  results.signature = crypto.sign_ed25519(vector.seed, vector.message)
  results.key = crypto.public_of_seed(vector.seed)
  results.kind = crypto.public_key(context.der)
  results.rsa_kind = crypto.public_key(context.rsa)
  results.rsa_wrong = crypto.verify_rsa_sha256(context.rsa, vector.message, ("\1"):rep(512))
  results.digest = crypto.sha256(vector.message)
  results.mac = crypto.hmac_sha256("secret", vector.message)
  results.base64 = crypto.from_base64(crypto.to_base64(vector.signature))
end

local function crypto_context()
  local crypto = require "hoopai.crypto"
  local vector = {}
  for name, digits in pairs(require("spec.support.rfc8032")[3]) do
    vector[name] = digits:gsub("%x%x", function(pair) return string.char(tonumber(pair, 16)) end)
  end
  -- The vendor's key of today.
  local der = crypto.from_base64 "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg="
  return { crypto = crypto, vector = vector, der = der, rsa = crypto.from_base64(PUBLISHED_RSA), results = {} }
end

scenarios.crypto = {
  setup = crypto_context,
  window = crypto_results,
  check = function(context)
    local in_need = context.results
    context.results = {}
    crypto_results(context)
    local results = context.results
    assert(results.right == true and results.wrong == false and results.rsa_wrong == false)
    assert(results.kind == "ed25519" and results.rsa_kind == "rsa")
    -- What could not be computed raised. But libcrypto does not say that a verification, or the reading of a key, ended
    -- for want of memory: then nothing is accepted.
    if in_need.right == false then in_need.right = nil end
    for name, value in pairs(in_need) do
      assert(value == results[name], name)
    end
  end,
}

-- Webhooks: `outcomes` has what became of each, in place before the window so that noting it needs no memory.
local WEBHOOKS = 4

scenarios.webhook = {
  setup = function()
    local hoopai, webhooks = require "hoopai", require "spec.support.webhooks"
    local context = { requests = {}, outcomes = {} }
    context.receiver = hoopai.webhook { keys = { webhooks.KEY, webhooks.OTHER_KEY } }
    for index = 1, WEBHOOKS do
      local text = webhooks.body { appointment = { startTime = "2026-12-01T10:00:00Z" } }
      context.requests[index], context.outcomes[index] = { headers = (webhooks.signed(text)), body = text }, false
    end
    -- All modules that are loaded when they are needed first are there.
    assert(context.receiver:verify(webhooks.signed(webhooks.body { type = "INSTALL" })))
    return context
  end,
  window = function(context)
    local receiver = context.receiver
    local forged = receiver:verify(context.requests[1].headers, "{}")
    assert(forged == nil, "a forged webhook was taken")
    for index, request in ipairs(context.requests) do
      context.outcomes[index] = receiver:verify(request.headers, request.body) or false
    end
    assert(receiver:release(context.outcomes[1]))
  end,
  check = function(context, ok, problem)
    local receiver, outcomes = context.receiver, context.outcomes
    assert(ok or not tostring(problem):find("was taken", 1, true), problem)
    for index, request in ipairs(context.requests) do
      local event, err = receiver:verify(request.headers, request.body)
      -- Taken once: in need or now. The first one was given back, if there was memory for that.
      local is_new = not outcomes[index] or index == 1 and ok
      local was_lost = index == 1 and outcomes[1] and not ok
      assert(is_new == (event ~= nil) or was_lost, index)
      assert(event or err.kind == "replayed", err)
      assert(receiver:verify(request.headers, request.body) == nil, "a webhook was taken twice")
    end
  end,
}

return scenarios
