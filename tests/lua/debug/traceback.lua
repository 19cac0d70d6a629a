-- debug.traceback: messages, levels, threads, non-string messages, long stacks, name kinds.
local function inner(m, l) return (debug.traceback(m, l)) end
local function outer(...) return (inner(...)) end
print(outer("message"))
print(outer("level 1", 1))
print(outer("level 2", 2))
print(outer(nil))
print(outer(12))
print(debug.traceback({}) ~= nil, type(debug.traceback({})), debug.traceback(nil) == nil, debug.traceback(true))
local t = {}
function t.a() return outer("field") end
function t:b() local r = t.a() return r end
print((t:b()))
print(select(2, xpcall(function() local x = nil; return x.y end, debug.traceback)))
print(select(2, xpcall(function() error("with level 0", 0) end, debug.traceback)))
print(select(2, xpcall(function() error({}) end, function(e) return type(e) end)))
print(select(2, xpcall(string.rep, debug.traceback)))
local function deep(n) if n == 0 then return (debug.traceback("deep")) end return (deep(n - 1)) end
print(deep(5))
print(deep(30))
local co = coroutine.create(function(x) local function inside() coroutine.yield() end inside() end)
coroutine.resume(co, 1)
print(debug.traceback(co)) print(debug.traceback(co, "msg", 1)) print(debug.traceback(co, nil, 100)) print(debug.traceback("current", 50))
print(coroutine.wrap(function() return debug.traceback("in coroutine") end)())
table.sort({ 2, 1 }, function(a, b) print(debug.traceback("in sort")) return a < b end)
print((string.gsub("x", "x", function() return debug.traceback("in gsub") end)))
local mt = setmetatable({}, { __tostring = function() return debug.traceback("in tostring") end, __lt = function() print(debug.traceback("in lt")) return true end })
print(tostring(mt)) local _ = mt < mt
for _ in function() print(debug.traceback("in iterator")) end do end
do local c <close> = setmetatable({}, { __close = function() print(debug.traceback("in close")) end }) end
load("print(debug.traceback('in load'))", "=chunk")();
(function(...) print(debug.traceback("anonymous")) end)()
