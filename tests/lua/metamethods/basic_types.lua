-- Metatables of basic types through debug.setmetatable; the string metatable.
debug.setmetatable(1, { __index = math, __call = function(n, x) return n * x end, __len = function(n) return n end })
print((16):sqrt(), (2)(21), #7, (-3):abs(), pcall(function() return (1).nothing end))
debug.setmetatable(1, nil)
print(pcall(function() return (1).x end))
debug.setmetatable(nil, { __index = function(_, k) return "nil." .. k end, __add = function() return "nil+" end })
local t = {}
print(t.a.b, nil + 1, undefinedglobal.x)
debug.setmetatable(nil, nil)
debug.setmetatable(true, { __tostring = function(b) return b and "YES" or "NO" end, __bnot = function(b) return not b end })
print(true, false, ~true)
debug.setmetatable(true, nil)
debug.setmetatable(print, { __index = { name = "a function" }, __concat = function(a, b) return "fn.." end })
print(print.name, print .. 1, (function() end).name)
debug.setmetatable(print, nil)
local smt = getmetatable("")
smt.__add = function(a, b) return "added" end
print("a" + 1, 1 + "a", "1" + 2)
smt.__add = nil
print(pcall(function() return "a" + 1 end))
smt.__index = function(s, k) return type(k) == "number" and s:sub(k, k) or string[k] end
print(("hello")[1], ("hello")[5], ("hello"):upper())
smt.__index = string
smt.__call = function(s, ...) return s:format(...) end
print(("%d-%d")(1, 2))
smt.__call = nil
