--- A loop of the host that asks `hoopai.loop.busy`, `pollfd` and `timeout` before each wait, and calls `step` after it.
return { name = "custom", changed = function() end }
