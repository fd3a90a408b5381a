--- A folder of settings of its own for each case of a spec, in place of the user's.
--
--   local cases = require("spec.support.settings").cases "hoopai"
--   before_each(cases.before)
--   after_each(cases.after)

local command = require "spec.support.command"
local failure = require "hoopai.command.lib.failure"
local profiles = require "hoopai.command.lib.profile"

local settings = {}

--- The set-up of the cases.
-- @tparam string path of the settings below the folder, which exists
-- @treturn table `before`, `after`, and `folder`, a function that returns the folder
function settings.cases(path)
  local folder
  local real_folder = profiles.folder
  return {
    folder = function() return folder end,
    before = function()
      folder = command.folder()
      profiles.folder = function() return folder .. "/" .. path end
    end,
    after = function()
      profiles.folder = real_folder
      collectgarbage() -- closes the stores of the case
      command.remove(folder)
    end,
  }
end

--- What the command would print for the failure that a function raises.
-- @treturn string
-- @treturn integer the exit status
function settings.message_of(fn, ...)
  local ok, problem = pcall(fn, ...)
  assert(not ok, "the function raised nothing")
  local status, message = failure.explain(problem)
  return message, status
end

return settings
