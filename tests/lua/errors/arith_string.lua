local s = "abc"
local x = s + 1
