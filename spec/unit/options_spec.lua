-- The options of hoopai.new, hoopai.oauth, client:with and of a call: which are right, and what stands in for others.

local child = require "spec.support.child"
local core = require "hoopai.core"
local expect = require "spec.support.expect"
local hoopai = require "hoopai"
local options = require "hoopai.options"

local misuse = expect.misuse

local TOKEN = "pit-5c6d7e8f-options-spec"

local function new(given)
  local all = { token = TOKEN }
  for name, value in pairs(given) do
    all[name] = value
  end
  return options.check_new(all)
end

describe("the options of hoopai.new:", function()
  it("an unknown one raises, with a suggestion", function()
    misuse(function() hoopai.new { tokn = "t" } end, "`tokn`", "hoopai.new", "did you mean `token`?")
    misuse(function() hoopai.new { locationId = "l" } end, "`locationId`", "did you mean `location_id`?")
    misuse(function() hoopai.new { baseurl = "l" } end, "did you mean `base_url`?")
    misuse(function() hoopai.new { time_out = 1 } end, "did you mean `timeout`?")
    misuse(function() hoopai.new { 1 } end, "`1`")
    misuse(function() hoopai.new { [{}] = 1 } end, "unknown option")
    local message = misuse(function() hoopai.new { zzzzzzzz = 1 } end, "`zzzzzzzz`")
    assert.is_nil(message:find("did you mean", 1, true))
  end)

  it("one whose feature does not exist yet is unknown", function()
    for _, name in ipairs { "journal", "store" } do
      misuse(function() hoopai.new { token = "t", [name] = 1 } end, "unknown option", name)
    end
    misuse(function() hoopai.new { token = "t", on = { webhook = print } } end, "webhook")
  end)

  it("one of a call alone is unknown", function()
    misuse(function() hoopai.new { token = "t", headers = {} } end, "unknown option `headers` of hoopai.new")
  end)

  local wrong = {
    token = { 5, true, {} },
    retries = { -1, 11, 1.5, "2", true },
    rate_limit = { 1, "on" },
    base_url = {
      1,
      "",
      "example.com",
      "ftp://127.0.0.1",
      "file:///etc/passwd",
      "http://example.com",
      "https://u:p@example.com",
      "https://example.com?x=1",
      "https://example.com#x",
      "https://exa mple.com",
      "https://example.com:0",
      "https://example.com:65536",
      "https://",
      "https://example.com/a\r\nb",
    },
    location_id = { 1, "", "a\nb", {}, "a/b", "../x", "a\\b", "a%2fb", "%252f", "%2e%2e", "..", "...", ("a"):rep(513) },
    company_id = { 1, "", "a\nb", {}, "a/b", ".." },
    api_version = { 1, "", "2021 07", "2021\r\nX: y", {} },
    timeout = { 0, -1, 0 / 0, math.huge, "5", true },
    queue_timeout = { 0, -1, 0 / 0, math.huge, "5" },
    connect_timeout = { 0, -1, 0 / 0, math.huge, "5" },
    max_connections = { 0, -1, 1.5, "5", 1 << 40, true, 10001 },
    http2 = { 1, "yes" },
    validate = { 1, "yes" },
    ca_file = { 1, "", "a\0b" },
    proxy = { 1, "", "a\nb", "ftp://proxy", "proxy:3128", "http://", "http://a b" },
    user_agent = { 1, "", "a\r\nb" },
    on = { 1, print, { request = 1 }, { unknown = print }, { print } },
    oauth = { 1, {}, setmetatable({}, { __name = "hoopai.Client" }), setmetatable({}, { __metatable = "hoopai.App" }) },
  }
  for name, values in pairs(wrong) do
    it(name .. " of a wrong type or value raises", function()
      for _, value in ipairs(values) do
        local given = { token = "t" }
        given[name] = value
        misuse(function() hoopai.new(given) end, name)
      end
    end)
  end

  it("are said with what would be right", function()
    misuse(
      function() hoopai.new { token = TOKEN, timeout = 0 } end,
      "option `timeout` of hoopai.new must be a number of seconds above 0"
    )
    misuse(
      function() hoopai.new { token = TOKEN, ca_file = "~/ca.pem" } end,
      '"~" is not expanded, write os.getenv("HOME") .. "/ca.pem"'
    )
    for _, name in ipairs { "api_version", "proxy", "user_agent", "ca_file" } do
      misuse(function() hoopai.new { token = TOKEN, [name] = "http://a\r" } end, name, "it ends in a carriage return")
    end
    misuse(function() hoopai.new { token = TOKEN, retries = 11 } end, "must be an integer from 0 to 10, or false")
    misuse(function() hoopai.new { token = TOKEN, max_connections = 0 } end, "must be an integer from 1 to 10000")
    misuse(function() hoopai.new { token = TOKEN, proxy = "ftp://proxy" } end, '"environment" or a URL')
    misuse(function() hoopai.new { token = TOKEN, api_version = "v 1" } end, 'must be a string such as "2021-07-28"')
    misuse(
      function() hoopai.new { token = TOKEN, on = { reqest = print } } end,
      "the hooks `request`, `response`, `retry`, `refresh`, `wait`, `rate_limit`, `done` and `dry_run` alone; "
        .. "`reqest` is unknown"
    )
  end)

  it("a timeout of 1000 and more raises: seconds are meant", function()
    for _, name in ipairs { "timeout", "queue_timeout", "connect_timeout" } do
      misuse(
        function() hoopai.new { token = TOKEN, [name] = 30000 } end,
        ("option `%s` of hoopai.new must be a number of seconds below 1000: "):format(name)
          .. "30000 seconds are more than 8 hours; write 30 for 30000 milliseconds"
      )
      assert.has_no.errors(function() new { [name] = 999.9 } end)
    end
    misuse(
      function() options.check_call("x:y", { timeout = 1000 }) end,
      "1000 seconds are more than 16 minutes; write 1"
    )
    misuse(
      function() options.check_call("client:with", { queue_timeout = 7200 }) end,
      "are 2 hours; write 7.2 for 7200"
    )
    misuse(
      function() hoopai.oauth { client_id = "x", client_secret = "y", connect_timeout = 2500 } end,
      "option `connect_timeout` of hoopai.oauth",
      "write 2.5 for 2500 milliseconds"
    )
    local message = misuse(function() new { timeout = 1e9 } end, "1000000000 seconds are more than 31 years")
    assert.is_nil(message:find("write", 1, true))
  end)

  it("an id or an address has no blanks, control characters or quotes around it", function()
    local app = { client_id = "x", client_secret = "y" }
    local function with(given, name, value)
      local all = options.copy(given)
      all[name] = value
      return all
    end
    local doors = {
      function(value) hoopai.new { token = TOKEN, location_id = value } end,
      function(value) hoopai.new { token = TOKEN, company_id = value } end,
      function(value) hoopai.new { token = TOKEN, base_url = "https://" .. value } end,
      function(value) hoopai.new({ token = TOKEN }):with { location_id = value } end,
      function(value) hoopai.new({ token = TOKEN }).calendars:list(nil, { location_id = value }) end,
      function(value) hoopai.oauth(app):client { location_id = value } end,
      function(value) hoopai.oauth(app):client { company_id = value } end,
      function(value) hoopai.oauth(app):installed_locations { company_id = value } end,
      function(value) hoopai.oauth(app):exchange { code = "c", redirect_uri = value } end,
      function(value) hoopai.oauth(app):authorize_url { redirect_uri = value } end,
      function(value) hoopai.oauth(with(app, "client_id", value)) end,
      function(value) hoopai.oauth(with(app, "company_id", value)) end,
      function(value) hoopai.oauth(with(app, "redirect_uri", value)) end,
      function(value) hoopai.oauth(with(app, "scopes", { "a.b", value })) end,
    }
    local takes_ids = { true, true, false, true, true, true, true, true, [12] = true }
    for index, door in ipairs(doors) do
      local function refuses(value, text)
        local ok, message = pcall(door, value)
        assert.is_false(ok, ("door %d took %q"):format(index, value))
        assert.is_truthy(message:find(text, 1, true), message)
      end
      refuses("abc ", "it ends in a space")
      refuses("abc\r", "it ends in a carriage return (does the file it comes from have Windows line ends?)")
      refuses("abc\n", "it ends in a line feed")
      refuses("a\tb", "it holds a tab")
      for _, id in ipairs(takes_ids[index] and { "a/b", "..", "a\\b", "%2Fa", "%252f" } or {}) do
        refuses(id, "must be an id of at most 512 bytes, without / or \\")
      end
      if index ~= 3 then -- which puts https:// in front
        refuses(" abc", "it begins with a space")
        refuses('"abc"', "without quotes around it: leave them out")
        refuses("'abc'", "without quotes around it: leave them out")
        refuses("", "neither empty")
      end
    end
    misuse(
      function() hoopai.oauth(with(app, "client_secret", "s\r")) end,
      "the client_secret is unusable: it ends in a"
    )
    assert.has_no.errors(function() new { location_id = "two words", user_agent = " a ", ca_file = "/a b " } end)
  end)

  it("with the names of other libraries are said by their name here", function()
    local function suggests(option, names)
      for name in names:gmatch "%S+" do
        misuse(
          function() hoopai.new { token = TOKEN, [name] = 1 } end,
          ("unknown option `%s` of hoopai.new, did you mean `%s`?"):format(name, option)
        )
      end
    end
    suggests("retries", "retry max_retries maxRetries retry_count attempts")
    suggests("token", "api_key apiKey access_token accessToken bearer auth_token auth")
    suggests("location_id", "locationId location sub_account")
    suggests("base_url", "url host endpoint baseURL base_uri hostname")
    suggests("api_version", "version apiVersion")
    suggests("on", "hooks callbacks events")
    suggests("timeout", "request_timeout read_timeout deadline")
    suggests("user_agent", "userAgent")
    suggests("ca_file", "cacert cafile ca_bundle")
    suggests("proxy", "http_proxy proxies")
    suggests("max_connections", "pool_size concurrency")
    suggests("dry_run", "dryRun simulate preview")
    for name, text in pairs {
      log = "write `on = hoopai.log()`",
      debug = "write `on = hoopai.log()`",
      verbose = "write `on = hoopai.log()`",
      logger = "write `on = hoopai.log()`",
      verify = "certificates are always checked; `ca_file` names those to trust",
      insecure = "certificates are always checked",
      ssl_verify = "certificates are always checked",
      timeout_ms = "write `timeout`, in seconds",
      client_secret = "it is an option of hoopai.oauth",
      store = "it is an option of hoopai.oauth",
    } do
      misuse(
        function() hoopai.new { token = TOKEN, [name] = 1 } end,
        ("unknown option `%s` of hoopai.new: %s"):format(name, text)
      )
    end
    misuse(function() options.check_call("x:y", { max_retries = 1 }) end, "of x:y, did you mean `retries`?")
    misuse(function() options.check_call("x:y", { token = "t" }) end, "of x:y: it is an option of hoopai.new")
  end)

  it("something other than a table raises", function()
    misuse(function() hoopai.new("pit-1") end, "table", "string")
    misuse(function() hoopai.new(5) end, "table")
  end)

  it("an unusable token is refused without being shown", function()
    for _, bad in ipairs { "", "pit-sec ret", "pit-sec\nret", "pit-sec\0ret", "pit-secr\xE9t", "pit-sec\127ret" } do
      local message = misuse(function() hoopai.new { token = bad } end, "token")
      assert.is_nil(message:find("sec", 1, true))
    end
  end)

  it("a token and an app are not taken together", function()
    local app = hoopai.oauth { client_id = "x", client_secret = "y" }
    misuse(function() hoopai.new { token = TOKEN, oauth = app } end, "either `token` or `oauth`, not both")
  end)

  it("left out have defaults", function()
    local settings = new {}
    settings.token, settings.location_id = nil, nil
    assert.are.same({
      base_url = "https://services.leadconnectorhq.com",
      api_version = "2021-07-28",
      timeout = 30,
      validate = true,
      dry_run = false,
      retries = 2,
      rate_limit = true,
      on = {},
      transport = {
        connect_timeout = 10,
        max_connections = 64,
        http2 = true,
        user_agent = "hoopai (" .. _VERSION .. ")",
      },
    }, settings)
  end)

  it("that are false or 0 stay so", function()
    local settings = new { validate = false, rate_limit = false, http2 = false, retries = false }
    assert.is_false(settings.validate)
    assert.is_false(settings.rate_limit)
    assert.is_false(settings.transport.http2)
    assert.is_false(settings.retries)
    assert.are.equal(0, new({ retries = 0 }).retries)
  end)

  it("take every kind of proxy", function()
    for _, scheme in ipairs { "http", "https", "socks4", "socks4a", "socks5", "socks5h" } do
      assert.are.equal(scheme .. "://p:1", new({ proxy = scheme .. "://p:1" }).transport.proxy)
    end
    assert.are.equal("environment", new({ proxy = "environment" }).transport.proxy)
  end)

  it("take no proxy for plain http: it would read the token", function()
    local app = { client_id = "x", client_secret = "y" }
    for _, base_url in ipairs { "http://127.0.0.1:1", "http://localhost:1", "HTTP://[::1]:1/a" } do
      for _, scheme in ipairs { "http", "https", "socks4", "socks4a", "socks5", "socks5h" } do
        -- A proxy on this machine may pass the request on.
        for _, proxy in ipairs { scheme .. "://p:1", scheme .. "://127.0.0.1:1" } do
          misuse(
            function() hoopai.new { token = TOKEN, base_url = base_url, proxy = proxy } end,
            "option `proxy` of hoopai.new goes with a base_url of https"
          )
          misuse(
            function() hoopai.oauth { client_id = "x", client_secret = "y", base_url = base_url, proxy = proxy } end,
            "option `proxy` of hoopai.oauth goes with a base_url of https"
          )
        end
      end
      assert.is_nil(new({ base_url = base_url, proxy = "environment" }).transport.proxy)
      assert.is_nil(new({ base_url = base_url }).transport.proxy)
      app.base_url, app.proxy = base_url, "environment"
      assert.is_nil(options.check_oauth(app).transport.proxy)
    end
    app.base_url, app.proxy = "https://127.0.0.1:1", "http://p:1"
    assert.are.equal("http://p:1", options.check_oauth(app).transport.proxy)
    -- The app's address is that of its clients, unless they have another one.
    local plain = hoopai.oauth { client_id = "x", client_secret = "y", base_url = "http://127.0.0.1:1" }
    misuse(
      function() hoopai.new { oauth = plain, location_id = "l", proxy = "http://p:1" } end,
      "goes with a base_url of https"
    )
    misuse(function() plain:client { location_id = "l", proxy = "http://p:1" } end, "has the `proxy` of its app")
  end)

  it("keep a token only as a secret, and a token function as it is", function()
    local settings = new {}
    assert.are.equal("userdata", type(settings.token))
    expect.no_secret(settings, TOKEN)
    local function token() return TOKEN end
    assert.are.equal(token, new({ token = token }).token)
  end)

  it("keep no table of the user's", function()
    local hooks = { request = print }
    local settings = new { on = hooks }
    hooks.request = nil
    assert.are.same({ request = print }, settings.on)
  end)

  it("take the base_url of an app, unless there is another", function()
    local app = hoopai.oauth { client_id = "x", client_secret = "y", base_url = "https://app.example" }
    assert.are.equal("https://app.example", options.check_new({ oauth = app }).base_url)
    assert.are.equal("https://b.example", options.check_new({ oauth = app, base_url = "https://b.example/" }).base_url)
    assert.is_nil(options.check_new({ oauth = app }).token)
  end)

  it("of the environment stand in, but no location for a company", function()
    local text, ok = child.run(
      [[
      local options = require "hoopai.options"
      local settings = options.check_new()
      print(type(settings.token), settings.base_url, settings.location_id)
      local app = require("hoopai").oauth { client_id = "c", client_secret = "s" }
      local of_company = options.check_new { company_id = "c", oauth = app }
      print(of_company.location_id, options.check_new({ location_id = "m" }).location_id)
    ]],
      { set = { HOOPAI_TOKEN = TOKEN, HOOPAI_LOCATION_ID = "l", HOOPAI_BASE_URL = "https://env.example/p/" } }
    )
    assert.is_true(ok, text)
    assert.are.equal("userdata\thttps://env.example/p\tl\nnil\tm\n", text)
  end)

  it("take no table that only passes for an app", function()
    local forged = setmetatable({ base_url = "https://b.example" }, { __name = "hoopai.App" })
    misuse(function() new { token = nil, oauth = forged } end, "an app made by hoopai.oauth")
  end)

  it("are no object of the library, which seems to be an empty table", function()
    local now = require("hoopai").time.now()
    misuse(
      function() options.check_call("calendars:list", now) end,
      "the options of calendars:list are a table, not hoopai.Instant"
    )
  end)

  it("are read once, and raw: metamethods have no say", function()
    local function other() error "a metamethod was called" end
    local meta = { __index = other, __pairs = other, __len = other }
    local given = setmetatable({ timeout = 5, headers = setmetatable({ ["X-A"] = "b" }, meta) }, meta)
    local chosen = options.check_call("calendars:list", given)
    given.timeout, given.headers["X-A"] = 6, "c"
    assert.are.same({ timeout = 5, headers = { ["X-A"] = "b" } }, chosen)
    assert.is_nil(getmetatable(chosen) or getmetatable(chosen.headers))
  end)
end)

describe("the options of a call:", function()
  it("are none or a table", function()
    assert.has_no.errors(function() options.check_call("calendars:list", nil) end)
    assert.has_no.errors(function() options.check_call("calendars:list", {}) end)
    misuse(
      function() options.check_call("calendars:list", "fast") end,
      "the options of calendars:list are a table, got string"
    )
  end)

  it("are those that are named", function()
    local right = {
      location_id = "l",
      timeout = 1,
      queue_timeout = 0.5,
      retries = 0,
      api_version = "v1",
      validate = false,
      dry_run = true,
      headers = { ["X-A"] = "b" },
    }
    assert.has_no.errors(function() options.check_call("calendars:list", right) end)
    for name in pairs(right) do
      assert.is_truthy(options.call_names[name], name)
    end
    for name in pairs(options.call_names) do
      assert.is_not_nil(right[name], name)
    end
  end)

  it("are none of a client alone", function()
    for _, name in ipairs {
      "token",
      "base_url",
      "connect_timeout",
      "max_connections",
      "http2",
      "ca_file",
      "proxy",
      "on",
      "user_agent",
      "oauth",
      "company_id",
      "rate_limit",
    } do
      misuse(function() options.check_call("x:y", { [name] = "t" }) end, "unknown option `" .. name .. "` of x:y")
    end
    misuse(function() options.check_call("x:y", { timout = 1 }) end, "did you mean `timeout`?")
  end)

  it("refuse reserved and impossible headers", function()
    local client <close> = hoopai.new { token = TOKEN }
    for _, name in ipairs {
      "Authorization",
      "authorization",
      "HOST",
      "Content-Length",
      "Content-Type",
      "Transfer-Encoding",
      "Connection",
      "Cookie",
      "Version",
      "User-Agent",
      "Expect",
      "Proxy-Authorization",
      "TE",
      "Upgrade",
      "Accept-Encoding",
    } do
      misuse(function() client.calendars:get("c", { headers = { [name] = "x" } }) end, "headers", name)
      misuse(function() client:with { headers = { [name] = "x" } } end, "headers", name)
    end
    for _, name in ipairs { "", "X A", "X:A", "X\r\nA", "X\0", "Ä", 1 } do
      misuse(function() client.calendars:get("c", { headers = { [name] = "x" } }) end, "headers")
    end
    for _, value in ipairs { 5, true, "a\r\nX-Evil: 1", "a\nb", "a\0b", "a\127b" } do
      misuse(function() client.calendars:get("c", { headers = { ["X-A"] = value } }) end, "X-A")
    end
    misuse(function() client.calendars:get("c", { headers = "X-A: b" }) end, "headers")
    misuse(function() client.calendars:get("c", { headers = { Version = "x" } }) end, "(option api_version)")
  end)
end)

describe("the options of hoopai.oauth:", function()
  local function oauth(given)
    local all = { client_id = "id", client_secret = "secret" }
    for name, value in pairs(given or {}) do
      all[name] = value
    end
    return options.check_oauth(all)
  end

  it("need a client_id and a client_secret", function()
    misuse(function() hoopai.oauth() end, "hoopai.oauth needs the option `client_id`")
    misuse(function() hoopai.oauth { client_id = "x" } end, "hoopai.oauth needs the option `client_secret`")
  end)

  local wrong = {
    client_id = { 1, "", "a\nb", {} },
    client_secret = { 1, "", {}, print },
    store = { 1, "x", print },
    redirect_uri = { 1, "" },
    scopes = { 1, "calendars.readonly", { 1 }, { "" } },
    company_id = { 1, "", "a/b", "%2f" },
    base_url = { 1, "", "http://example.com" },
    on = { 1, print, { refresh = 1 }, { request = print } },
    token = { "t" },
    location_id = { "l" },
  }
  for name, values in pairs(wrong) do
    it(name .. " of a wrong type or value raises", function()
      for _, value in ipairs(values) do
        local given = { client_id = "x", client_secret = "y" }
        given[name] = value
        misuse(function() hoopai.oauth(given) end, name, "hoopai.oauth")
      end
    end)
  end

  it("with the names of other libraries are said by their name here", function()
    for name, option in pairs {
      clientId = "client_id",
      id = "client_id",
      clientSecret = "client_secret",
      secret = "client_secret",
      redirect = "redirect_uri",
      redirectUrl = "redirect_uri",
      callback_url = "redirect_uri",
      scope = "scopes",
      storage = "store",
      url = "base_url",
    } do
      misuse(
        function() hoopai.oauth { client_id = "x", client_secret = "y", [name] = "z" } end,
        ("unknown option `%s` of hoopai.oauth, did you mean `%s`?"):format(name, option)
      )
    end
    local function says(name, text)
      misuse(function() hoopai.oauth { [name] = 1 } end, ("unknown option `%s` of hoopai.oauth: %s"):format(name, text))
    end
    says("location_id", "the location is an option of the client: `app:client { location_id = ... }`")
    says("log", "write `on = hoopai.log()` in hoopai.new")
    says("verify", "certificates are always checked")
    says("token", "it is an option of hoopai.new")
  end)

  it("an unusable client_secret is refused without being shown", function()
    local message = misuse(
      function() hoopai.oauth { client_id = "x", client_secret = "sec\nret" } end,
      "the client_secret is unusable: "
    )
    assert.is_nil(message:find("sec\n", 1, true))
  end)

  it("keep the secret only as a secret, and copies of tables", function()
    local scopes = { "a" }
    local settings = oauth { scopes = scopes, client_secret = TOKEN }
    scopes[2] = "b"
    assert.are.same({ "a" }, settings.scopes)
    assert.are.equal("userdata", type(settings.client_secret))
    expect.no_secret(settings, TOKEN)
    local secret = core.secret("s")
    assert.are.equal(secret, oauth({ client_secret = secret }).client_secret)
  end)

  it("left out have defaults", function()
    local settings = oauth()
    assert.are.equal("https://services.leadconnectorhq.com", settings.base_url)
    assert.are.equal(10, settings.transport.connect_timeout)
    assert.are.same({}, settings.on)
    for _, name in ipairs { "store", "redirect_uri", "scopes", "company_id" } do
      assert.is_nil(settings[name])
    end
  end)
end)

describe("options.copy", function()
  it("copies a table once, and returns anything else", function()
    local inner = {}
    local given = setmetatable({ a = inner, 1 }, { __index = { b = 1 } })
    local copy = options.copy(given)
    assert.are_not.equal(given, copy)
    assert.are.same({ a = inner, 1 }, copy)
    assert.are.equal(inner, copy.a)
    assert.is_nil(copy.b)
    for _, value in ipairs { 5, "x", true, print } do
      assert.are.equal(value, options.copy(value))
    end
    assert.is_nil(options.copy(nil))
  end)
end)
