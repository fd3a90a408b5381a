std = "lua54"
max_line_length = 120
codes = true

-- An unused self tells that a function is called as a method.
-- A file that is loaded later has hoopai.standard as its environment.
ignore = { "212/self", "211/_ENV" }

files["spec"] = { std = "+busted" }
