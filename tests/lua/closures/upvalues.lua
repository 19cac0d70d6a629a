-- Upvalues shared, closed at block end, in loops, across coroutines and through debug.
local function pair() local n = 0 return function() n = n + 1 return n end, function() return n end end
local inc, get = pair()
inc() inc()
print(get(), inc(), get())
local fs = {}
for i = 1, 3 do local j = i * i fs[i] = { function() j = j + i return j end, function() return i, j end } end
print(fs[1][1](), fs[2][1](), fs[2][1](), fs[3][2]())
print(fs[2][2]())
local w = {}
do local k = 0 while k < 3 do k = k + 1 local c = k w[k] = function() c = c + 10 return c, k end end end
print(w[1]()) print(w[1]()) print(w[3]())
local r = {}
local n = 0
repeat local v = n r[#r + 1] = function() return v end n = n + 1 until v >= 2
print(r[1](), r[2](), r[3]())
local function params(a, ...) local b = ... return function() a = a + 1 return a, b end end
local p1, p2 = params(1, "x"), params(10)
print(p1()) print(p2()) print(p1())
local function rec(n) local function self() if n == 0 then return "base" end n = n - 1 return self() end return self end
print(rec(50)())
local acc = {}
local function build(depth) local v = depth if depth > 0 then build(depth - 1) end acc[#acc + 1] = function() v = v + 1 return v end end
build(3)
for _, f in ipairs(acc) do io.write(f(), " ") end
print()
local x = 1
local function outer() local function inner() x = x + 1 return x end return inner end
print(outer()(), outer()(), x)
print((function(a) return function(b) return function(c) return a + b + c end end end)(1)(2)(3))
local same = {}
for i = 1, 2 do same[i] = function() return i end end
print(same[1] == same[2], same[1] == same[1])
local log = {}
for _, name in ipairs { "a", "b" } do log[#log + 1] = function() name = name .. "!" return name end end
print(log[1](), log[1](), log[2]())
