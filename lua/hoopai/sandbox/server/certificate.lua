--- The certificates of a sandbox with TLS: a certificate authority, new at each start, and the certificate it signs
-- for the loopback names.
-- @module hoopai.sandbox.server.certificate

local require = require
local time = os.time

local certificate = {}

local DAY = 86400

local function new_certificate(openssl, common_name, issuer)
  local crt = openssl.x509.new()
  local name = openssl.name.new()
  name:add("CN", common_name)
  crt:setVersion(3)
  crt:setSerial(openssl.bignum.fromBinary(openssl.rand.bytes(15)))
  crt:setSubject(name)
  crt:setIssuer(issuer and issuer:getSubject() or name)
  -- Valid from yesterday on, for clients whose clocks are behind.
  crt:setLifetime(time() - DAY, time() + 30 * DAY)
  local key = openssl.pkey.new { type = "EC", curve = "prime256v1" }
  crt:setPublicKey(key)
  return crt, key
end

--- Makes an authority and a server certificate for 127.0.0.1, ::1 and localhost.
-- @treturn userdata an SSL context for the server, which offers HTTP/2 and HTTP/1.1
-- @treturn string the authority's certificate, in PEM
function certificate.new()
  local openssl = {
    x509 = require "openssl.x509",
    name = require "openssl.x509.name",
    pkey = require "openssl.pkey",
    bignum = require "openssl.bignum",
    rand = require "openssl.rand",
    extension = require "openssl.x509.extension",
  }
  local authority, authority_key = new_certificate(openssl, "hoopai sandbox authority")
  authority:setBasicConstraints { CA = true, pathLen = 0 }
  authority:setBasicConstraintsCritical(true)
  authority:addExtension(openssl.extension.new("keyUsage", "critical,keyCertSign,cRLSign"))
  authority:sign(authority_key)

  local crt, key = new_certificate(openssl, "localhost", authority)
  local names = require("openssl.x509.altname").new()
  names:add("IP", "127.0.0.1")
  names:add("IP", "::1")
  names:add("DNS", "localhost")
  crt:setSubjectAlt(names)
  crt:setBasicConstraints { CA = false }
  crt:setBasicConstraintsCritical(true)
  crt:addExtension(openssl.extension.new("extendedKeyUsage", "serverAuth"))
  crt:sign(authority_key)

  local context = require("http.tls").new_server_context()
  context:setPrivateKey(key)
  context:setCertificate(crt)
  context:setAlpnSelect(function(_, offered)
    for _, wanted in ipairs { "h2", "http/1.1" } do
      for _, protocol in ipairs(offered) do
        if protocol == wanted then return wanted end
      end
    end
  end)
  return context, authority:toPEM()
end

return certificate
