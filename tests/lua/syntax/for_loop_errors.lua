-- What a numeric for says when its bounds are wrong.
local function try(a, b, c) print(pcall(function() for i = a, b, c do return i end return "empty" end)) end
try(1, 10, 0) try(1.0, 10, 0) try(1, 10, 0.0)
try("a", 10, 1) try(1, "b", 1) try(1, 10, "c")
try(nil, 10, 1) try(1, nil, 1) try({}, 1, 1) try(1, {}, 1) try(1, 2, {}) try(1, 2, print)
try("1", 2, 1) try(1, "2", 1)
print(pcall(function() for x in 5 do end end))
print(pcall(function() for x in nil do end end))
print(pcall(function() local t = {} for x in t.missing do end end))
print(pcall(function() for k, v in { 1 } do end end))
print(pcall(function() for k, v in pairs() do end end))
print(pcall(function() for k, v in ipairs() do end end))
