-- Starts busted under the interpreter that runs this file, whichever one the system's `busted` command would take.
require("busted.runner")({ standalone = false })
