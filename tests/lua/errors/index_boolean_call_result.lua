local function f() return true end
print(f().x)
