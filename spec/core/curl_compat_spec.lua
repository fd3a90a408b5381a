-- The table of what is done differently by version of libcurl, and what it must come to on every version.

local child = require "spec.support.child"
local core = require "hoopai.core"
local core_tls = require "spec.support.core_tls"
local mount = require "spec.support.mount"

--- A version as one number.
local function number(version)
  local major, minor, patch = version:match "^(%d+)%.(%d+)%.(%d+)"
  return (tonumber(major) * 1000 + tonumber(minor)) * 1000 + tonumber(patch)
end

local function covers(rule, version)
  return (not rule.from or number(rule.from) <= number(version))
    and (not rule.before or number(version) < number(rule.before))
end

local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read "a"
  return pipe:close() or false, text
end

describe("the table of libcurl's versions", function()
  local rules = core.curl_rules()

  it("says of each rule for which versions, and why", function()
    local count = 0
    for name, rule in pairs(rules) do
      count = count + 1
      assert.matches("^[%l_]+$", name)
      assert.is_true(#rule.reason > 20, name)
      assert.is_true((rule.from or rule.before) ~= nil, name .. " holds for all versions: then it is no rule")
      assert.are.equal(covers(rule, core.curl_version()), rule.holds, name)
    end
    assert.is_true(count >= 6)
  end)

  it("takes the CA path away by another path where NULL brings it back: from 8.17 to 8.21 and later", function()
    for _, version in ipairs { "8.17.0", "8.18.0", "8.19.0", "8.20.0", "8.21.0", "8.23.0" } do
      assert.is_true(covers(rules.ca_path_comes_back, version), version)
    end
    for _, version in ipairs { "7.87.0", "7.88.1", "8.14.1", "8.16.0" } do
      assert.is_false(covers(rules.ca_path_comes_back, version), version)
    end
  end)

  it("watches idle connections where libcurl does not look at them before each use", function()
    for version, watched in pairs {
      ["7.88.1"] = true,
      ["8.0.0"] = false,
      ["8.14.1"] = false,
      ["8.21.0"] = false,
      ["8.22.0"] = true,
      ["8.23.0"] = true,
    } do
      local rare, pass = covers(rules.idle_check_is_rare, version), covers(rules.idle_bytes_pass, version)
      assert.are.equal(watched, rare or pass, version)
    end
  end)
end)

-- Puts a folder in the place of /etc/ssl/certs, so it needs the right to mount: `unshare` gives it to root, and to
-- others where the system lets them have namespaces of their own.
local unshare = mount.who == "root" and "unshare -m" or run "unshare -rm true" and "unshare -rm" or nil

if unshare then
  describe("the certificates that count", function()
    local system, own, servers, folder

    setup(function()
      system, own = core_tls.certificate "IP:127.0.0.1", core_tls.certificate "IP:127.0.0.1"
      servers = { system = core_tls.start(system, "1.1"), own = core_tls.start(own, "1.1") }
      folder = os.tmpname()
      os.remove(folder)
      assert(
        run(
          ([[mkdir %s && cp %s %s/spec.pem && cp %s %s/ca-certificates.crt &&
        ln -s spec.pem "%s/$(openssl x509 -hash -noout -in %s).0"]]):format(
            folder,
            system.certificate,
            folder,
            system.certificate,
            folder,
            folder,
            system.certificate
          )
        )
      )
    end)
    teardown(function()
      for _, server in pairs(servers) do
        server:stop()
      end
      core_tls.remove(system)
      core_tls.remove(own)
      os.execute("rm -rf " .. folder)
    end)

    --- What two requests over connections of their own come to, where the system trusts `system`.
    local function ask(options, url)
      local script = os.tmpname()
      local file = assert(io.open(script, "w"))
      file:write(([[
        local core, send = require "hoopai.core", require "spec.support.send"
        for _ = 1, 2 do
          local multi <close> = core.multi { %s }
          local transfer = send(multi, { method = "GET", url = %q, timeout = 10 })
          repeat multi:step() multi:wait(0.1) until transfer:state() == "done"
          local status, kind = transfer:result()
          io.write(status, " ", tostring(kind), " ", transfer:sent(), "\n")
        end
      ]]):format(options, url .. "/"))
      file:close()
      local ok, text = run(
        ("%s sh -c %s"):format(
          unshare,
          child.quote(("mount --bind %s /etc/ssl/certs && exec %s %s"):format(folder, child.interpreter(), script))
        )
      )
      os.remove(script)
      assert.is_true(ok, text)
      return text
    end

    it("are the system's where no file is named", function()
      assert.are.equal("200 nil 1\n200 nil 1\n", ask("", servers.system.url))
      assert.are.equal("0 tls 0\n0 tls 0\n", ask("", servers.own.url))
    end)

    it("are those of ca_file and no others: a server that the system trusts gets nothing", function()
      local options = ("ca_file = %q"):format(own.certificate)
      assert.are.equal("200 nil 1\n200 nil 1\n", ask(options, servers.own.url))
      assert.are.equal("0 tls 0\n0 tls 0\n", ask(options, servers.system.url))
    end)
  end)
end
