-- __call: arguments, chains, varargs, tail calls, in pcall and as iterator.
local c = setmetatable({}, { __call = function(self, ...) return select("#", ...), ... end })
print(c(), c(1), c(nil, nil))
print(c "str", c { 1 } ~= nil, pcall(c, "p"))
local cc = setmetatable({}, { __call = c })
print(cc(5) == 2)
print((select(2, cc(5))) == cc, (select(3, cc(5))))
local counter = setmetatable({ n = 0 }, { __call = function(self, k) self.n = self.n + (k or 1) return self.n end })
counter() counter(5)
print(counter(), counter.n)
local function tail(...) return c(...) end
print(tail(1, 2, 3))
print(pcall(setmetatable({}, { __call = 5 })))
print(pcall(setmetatable({}, {})))
local deep = function(...) return select("#", ...) end
for _ = 1, 20 do deep = setmetatable({}, { __call = deep }) end
print(deep())
for k in setmetatable({}, { __call = function(_, s, i) i = i + 1 if i <= s then return i end end }), 3, 0 do io.write(k, " ") end
print()
print(string.gsub("abc", "%w", setmetatable({ a = 1 }, { __index = function(_, k) return k:upper() end })))
print(pcall(string.gsub, "abc", "%w", c))
local o = setmetatable({}, { __index = { m = setmetatable({}, { __call = function(self, obj, x) return x * 2 end }) } })
print(o:m(21))
print(coroutine.wrap(function(...) return c(...) end)(7, 8))
