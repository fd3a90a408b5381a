-- Output handler for busted: its usual report, plus one line "PASSED FAILED" in the file that HOOPAI_TEST_REPORT
-- names, for the runner. Skipped cases are failures there: a case that did not run has shown nothing.

local io_flush = io.flush
local io_open = io.open
local io_write = io.write
local getenv = os.getenv

return function(options)
  local busted = require "busted"
  local on_terminal = require("term").isatty(io.stdout)
  local handler = require("busted.outputHandlers." .. (on_terminal and "utfTerminal" or "plainTerminal"))(options)

  local function report()
    local skipped = handler.pendingsCount
    if skipped > 0 then
      io_write("\n", skipped, " skipped: these count as failed\n")
    end
    -- A sanitizer that finds a leak ends the process without flushing.
    io_flush()
    local path = getenv("HOOPAI_TEST_REPORT")
    if path then
      local file = assert(io_open(path, "w"))
      assert(file:write(handler.successesCount, " ", handler.failuresCount + handler.errorsCount + skipped, "\n"))
      assert(file:close())
    end
    return nil, true
  end

  busted.subscribe({ "exit" }, report)
  return handler
end
