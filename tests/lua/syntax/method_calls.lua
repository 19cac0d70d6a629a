-- Method syntax, call forms without parentheses, chained calls.
local o = { n = 0 }
function o:add(k, ...) self.n = self.n + (k or 1) + select("#", ...) return self end
function o.static(x) return x and x.n or "none" end
print(o:add():add(5):add(1, 2, 3).n)
print(o.static(o), o.static())
local log = {}
local function f(x) log[#log + 1] = type(x) == "table" and #x or x return f end
f "a" [[b]] { 1, 2 } ("c") "d" { }
print(table.concat(log, ","))
print(("x"):rep(3), ("%d"):format(7), #("abc"):upper())
local t = { a = { b = { c = {} } } }
function t.a.b.c.f(x) return x end
function t.a.b.c:m(x) return self == t.a.b.c, x end
print(t.a.b.c.f(1), t.a.b.c:m(2))
local s = "string"
print(s:sub(2, 3), s.len == string.len, s:len(), s.x == nil)
print(({ ... })[1], (function(...) return select("#", ...) end)(nil, nil))
-- The receiver is evaluated once.
local count = 0
local function get() count = count + 1 return o end
get():add(1)
print(count)
