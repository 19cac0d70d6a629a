-- Infinite recursion of Lua functions ends in a catchable "stack overflow", again and again.
local function clean(m) return (tostring(m):gsub("^.-:%d+: ", ""):gsub("\n.*", ""):gsub(" %(.*", "")) end
local function f(x) return 1 + f(x) end
for _ = 1, 3 do local ok, m = pcall(f, 1) print(ok, clean(m)) end
local function g(...) return 1 + g(1, ...) end
local ok, m = pcall(g) print(ok, clean(m):match("stack overflow") or clean(m))
local depth = 0
local function h() depth = depth + 1 h() end
print(pcall(h) == false, depth > 100000)
local function mutual1() return (mutual2()) end
function mutual2() return (mutual1()) end
ok, m = pcall(mutual1) print(ok, clean(m))
print(select(2, xpcall(f, function(e) return "handled: " .. clean(e) end, 1)))
local t = setmetatable({}, { __index = function(t, k) return t[k .. "x"] end })
ok, m = pcall(function() return t.a end) print(ok, clean(m):match("overflow"))
local ok2, r = pcall(string.rep, "ok", 2) print(ok2, r)
local function sum(n) if n == 0 then return 0 end return n + sum(n - 1) end
print(sum(150000), pcall(sum, 190000))
