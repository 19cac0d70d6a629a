-- Function equality, functions as keys, memoisation, currying, closures in tables of closures.
local function make() return function() end end
print(make() == make(), make == make)
local keys = {}
local f1, f2 = function() return 1 end, function() return 2 end
keys[f1], keys[f2] = "one", "two"
print(keys[f1], keys[f2], keys[function() return 1 end])
local function memo(f) local c = {} return function(n) local v = c[n] if v == nil then v = f(n) c[n] = v end return v end end
local fibm
fibm = memo(function(n) return n < 2 and n or fibm(n - 1) + fibm(n - 2) end)
print(fibm(80))
local function curry(f, n, ...) if n == 0 then return f(...) end local args = table.pack(...) return function(x) local a = { table.unpack(args, 1, args.n) } a[args.n + 1] = x return curry(f, n - 1, table.unpack(a, 1, args.n + 1)) end end
print(curry(function(a, b, c) return a .. b .. c end, 3)("x")("y")("z"))
local function compose(...) local fs = { ... } return function(...) local r = table.pack(...) for i = #fs, 1, -1 do r = table.pack(fs[i](table.unpack(r, 1, r.n))) end return table.unpack(r, 1, r.n) end end
print(compose(math.sqrt, math.abs, function(x) return x - 20 end)(4))
local stack = {}
for i = 1, 5 do local prev = stack[i - 1] or function() return "0" end stack[i] = function() return prev() .. i end end
print(stack[5]())
local mod = (function() local private = 0 local M = {} function M.up() private = private + 1 return M end function M.get() return private end return M end)()
print(mod.up().up().up().get())
print(pcall(load "local a; local function f() return a() end; f()"))
print(string.dump(f1) == string.dump(f1), #string.dump(f1) > 0)
