-- __call leads to a native function in tail position: the caller's frame is still there for messages.
local o = setmetatable({}, { __call = select })
local p = setmetatable({}, { __call = setmetatable({}, { __call = rawlen }) })
local function f(...) return o(..., o) end
print(pcall(f, 2, 3))
local function g(...) return o(...) end
print(pcall(g, 2, 3))
local function h(x) return p(x) end
print(pcall(h, 2))
local q = setmetatable({}, { __call = function(s, ...) return select("#", ...), ... end })
local function k(...) return q(1, ...) end
print(k(2, 3), (k()))
local r = setmetatable({}, { __call = math.max })
print(pcall(function(a) return r(a) end, 7))
local s = setmetatable({}, { __call = rawequal })
print((function(a) return s(a) end)(s), (function(...) return s(...) end)(1))
local y = setmetatable({}, { __call = coroutine.yield })
print(select(3, coroutine.resume(coroutine.create(function() return y(1, 2) end))))
