--- hoopai's own loop, and the default: calls block, and `hoopai.run` runs the loop until its tasks have ended.
return { name = "blocking" }
