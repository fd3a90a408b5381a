--- What the specs of hoopai.async share.
local expect = require "spec.support.expect"
local leak = require "spec.support.leak"

local async = {}

--- A to-be-closed variable that appends its name to a list, and then calls extra(err).
function async.closing(list, name, extra)
  return setmetatable({}, {
    __close = function(_, err)
      list[#list + 1] = name
      if extra then extra(err) end
    end,
  })
end

--- A list and a function that appends to it.
function async.log()
  local list = {}
  return list, function(item) list[#list + 1] = item end
end

--- A client of a test server; leak.after closes it.
function async.client(server, options)
  local all = { token = "t", base_url = server.url, location_id = "l" }
  for name, value in pairs(options or {}) do
    all[name] = value
  end
  return leak.client(all)
end

--- A call that the server never responds to.
function async.stalled(server, client)
  server:reply { steps = { { stall = true } } }
  return client.calendars:get("stalled")
end

--- Waits until so many requests have arrived.
function async.arrived(server, count)
  expect.eventually(function() return server:count("arrived") >= count end, count .. " requests arrived")
end

return async
