-- Every arithmetic, bitwise and concat metamethod, on either side, with constants and mixed types.
local mt = {}
local names = { "add", "sub", "mul", "div", "mod", "pow", "idiv", "band", "bor", "bxor", "shl", "shr", "concat" }
local function show(v) return type(v) == "table" and (v.name or "?") or tostring(v) end
for _, n in ipairs(names) do mt["__" .. n] = function(a, b) return n .. "(" .. show(a) .. "," .. show(b) .. ")" end end
mt.__unm = function(a, b) return "unm(" .. show(a) .. "," .. show(b) .. ")" end
mt.__bnot = function(a, b) return "bnot(" .. show(a) .. "," .. show(b) .. ")" end
mt.__len = function(a, b) return "len(" .. show(a) .. "," .. show(b) .. ")" end
local x = setmetatable({ name = "x" }, mt)
local y = setmetatable({ name = "y" }, {})
print(x + 1, 1 + x, x + y, y + x, x + 1.5, x + "s", "s" + x, x + x)
print(x - 1, 1 - x, x * 2, 2 * x, x / 2, 2 / x, x % 2, 2 % x, x ^ 2, 2 ^ x, x // 2, 2 // x)
print(x & 1, 1 & x, x | 1, 1 | x, x ~ 1, 1 ~ x, x << 1, 1 << x, x >> 1, 1 >> x, x & 1.5, "a" | x)
print(x .. 1, 1 .. x, x .. "s", "s" .. x, x .. y, y .. x, 1 .. 2 .. x, x .. 1 .. 2)
print(-x, ~x, #x)
local k <const> = 100
print(x + k, k + x, x - k, x * 1000000, x + -3, x - -3, x // 0.5, x >> 70, 300 << x)
for i, n in ipairs { "nil + x", "x + nil" } do print(select(2, pcall(load("local x = ... return " .. n), x))) end
print(pcall(function() return y + 1 end))
print(pcall(function() return y .. "s" end))
local multi = setmetatable({}, { __add = function() return 1, 2, 3 end, __concat = function() end })
print(multi + 1, (multi .. 1))
local notfn = setmetatable({}, { __add = 5 })
print(pcall(function() return notfn + 1 end))
local callable = setmetatable({}, { __add = setmetatable({}, { __call = function(self, a, b) return "called", b end }) })
print(callable + 9)
