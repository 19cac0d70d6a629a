print("ok")
local s = "no closing quote
print(s)
