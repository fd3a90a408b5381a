-- What all clients of a loop must do is in spec/support/redis_client_cases.lua.

local cases = require "spec.support.redis_client_cases"
local redis = require "spec.support.redis"

describe("hoopai.redis.cqueues", function()
  local server

  setup(function() server = redis.start() end)
  teardown(function() server:stop() end)
  before_each(function() server.admin:flushall() end)

  for name, case in pairs(cases.contract) do
    it(name, function() case("cqueues", server) end)
  end

  it(
    "blocks where no controller runs",
    function() assert.are.equal("PONG\n", cases.run("cqueues", "outside", server.port)) end
  )

  it("serves a second controller after one that ended with an error", function()
    local text = cases.run("cqueues", "controllers", server.port)
    assert.are.equal("PONG\nfalse\nPONG\tPONG\ttrue\n", text)
  end)

  it("speaks TLS, with a server whose certificate it can verify", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir -m 700 " .. folder))
    local certificate, key = folder .. "/cert.pem", folder .. "/key.pem"
    assert(
      os.execute(
        (
          "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost "
          .. "-keyout %s -out %s 2>/dev/null"
        ):format(key, certificate)
      )
    )
    local secure <close> = redis.start(nil, { certificate = certificate, key = key })
    local text = cases.run("cqueues", "tls", secure.tls_port, certificate)
    os.execute("rm -r " .. folder)
    assert.are.equal("PONG\ntrue\ntrue\ntrue\n", text)
  end)
end)
