-- Output handler for busted: its usual report, plus two files for the runner. The one that HOOPAI_TEST_REPORT names
-- gets a line "PASSED FAILED" at the end, the same name with ".case" has the case that runs, for when there is no end.
-- Skipped cases are failures there: a case that did not run has shown nothing.

local io_flush = io.flush
local io_open = io.open
local io_write = io.write
local getenv = os.getenv

local function write_file(path, ...)
  local file = assert(io_open(path, "w"))
  assert(file:write(...))
  assert(file:close())
end

return function(options)
  local busted = require "busted"
  local on_terminal = require("term").isatty(io.stdout)
  local handler = require("busted.outputHandlers." .. (on_terminal and "utfTerminal" or "plainTerminal"))(options)
  local path = getenv("HOOPAI_TEST_REPORT")

  busted.subscribe({ "test", "start" }, function(element)
    if path then
      local trace = element.trace or {}
      local place = (trace.short_src or "?") .. ":" .. (trace.currentline or "?")
      write_file(path .. ".case", place, " ", handler.getFullName(element), "\n")
    end
    return nil, true
  end)

  busted.subscribe({ "exit" }, function()
    local skipped = handler.pendingsCount
    if skipped > 0 then io_write("\n", skipped, " skipped: these count as failed\n") end
    -- A sanitizer that finds a leak ends the process without flushing.
    io_flush()
    if path then
      write_file(path, handler.successesCount, " ", handler.failuresCount + handler.errorsCount + skipped, "\n")
    end
    return nil, true
  end)

  return handler
end
