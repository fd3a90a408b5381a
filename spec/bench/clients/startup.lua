-- The shortest script: one call. What a whole process takes is measured from outside.
local client = require("hoopai").new { token = "benchmark-token-that-opens-nothing", base_url = arg[1] }
assert(client.appointments:get("0TkCdp9PfvLeWKYRRvIz"))
