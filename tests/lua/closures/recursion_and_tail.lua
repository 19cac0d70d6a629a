-- Tail calls do not grow the stack; mutual tail recursion; tail calls with varargs, methods and metamethods.
local function loop(n, acc) if n == 0 then return acc end return loop(n - 1, acc + n) end
print(loop(1000000, 0))
local function a(n) if n == 0 then return "a" end return (function(m) return b(m) end)(n - 1) end
function b(n) if n == 0 then return "b" end return a(n - 1) end
print(a(300001), a(300000))
local o = {}
function o:m(n, ...) if n == 0 then return select("#", ...), ... end return self:m(n - 1, ...) end
print(o:m(300000, "x", nil))
local c = setmetatable({}, { __call = function(self, n) if n == 0 then return "called" end return self(n - 1) end })
print(c(150000))
local function v(n, ...) if n == 0 then return ... end return v(n - 1, n, ...) end
print(select("#", v(200)))
local function cps(n, k) if n == 0 then return k(0) end return cps(n - 1, function(x) return k(x + 1) end) end
print(cps(1000, function(x) return x end))
local function nontail(n) if n == 0 then return 0 end return 1 + nontail(n - 1) end
print(nontail(15000))
local function state(s) local t = { x = function() return state "y" end, y = function() return state "z" end, z = function() return "end" end } return t[s]() end
print(state "x")
print(pcall(function() return error("tail", 0) end))
print((function(...) return select("#", ...) end)((function() return 1, 2, 3 end)()))
local function ack(m, n) if m == 0 then return n + 1 elseif n == 0 then return ack(m - 1, 1) else return ack(m - 1, ack(m, n - 1)) end end
print(ack(2, 9))
