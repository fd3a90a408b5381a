--- Commands by lua-redis, whose clients raise errors and never connect again.
local core = require "hoopai.core"
local errors = require "hoopai.errors"

local pcall, type = pcall, type
local find, format, gsub, lower, match = string.find, string.format, string.gsub, string.lower, string.match

--- The text of what a client raised, without the place in its file.
local function problem_of(raised) return (gsub(errors.text(raised), "^[^\n]-%.lua:%d+: ", "")) end

--- Closes a connection: a result that comes late would be taken for that of the next command.
local function close(client)
  pcall(function() client.network.socket:close() end)
end

--- Makes a function that sends commands.
-- @tparam function connect
-- @treturn function `call`, see hoopai.redis
local function lua_redis(connect)
  local client, process
  local inherited = {} -- of a forked child: the connections of its parent, kept as they are

  local function connected()
    if client and process ~= core.pid() then
      inherited[#inherited + 1], client = client, nil
    end
    if client then return true end
    local ok, made = pcall(connect)
    if not ok then return nil, problem_of(made) end
    if type(made) ~= "table" then return nil, "the function that connects returned a " .. type(made) end
    client, process = made, core.pid()
    return true
  end

  return function(command, ...)
    local ok, problem = connected()
    if not ok then return nil, problem end
    local used = client
    local send = used[lower(command)]
    if type(send) ~= "function" then return nil, format("the client has no command %s", command) end
    local done, result = pcall(send, used, ...)
    if done then return result end
    problem = problem_of(result)
    local refusal = match(problem, "^redis error: (.*)")
    if refusal and not find(refusal, "^ERR Protocol error") then return nil, refusal end
    close(used) -- after an error of the protocol Redis closes it as well
    if client == used then client = nil end
    return nil, refusal or "the connection to Redis broke: " .. problem
  end
end

return lua_redis
