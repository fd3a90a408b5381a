std = "lua54"
max_line_length = 120
codes = true

-- An unused self tells that a function is called as a method.
ignore = { "212/self" }

files["spec"] = { std = "+busted" }
