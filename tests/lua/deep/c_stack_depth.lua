-- Depth and message of C stack overflow in many ways of recursion: exactly the reference's count of nested native calls.
local function run(name, start)
  local d = 0
  local function tick() d = d + 1 end
  local ok, m = pcall(start, tick)
  print(name, ok, d, (tostring(m)))
end
local function mt(ev, f) return setmetatable({}, {[ev] = f}) end
run("gsub", function(t) local function f(s) t() return (s:gsub(".", f)) end f"a" end)
run("sort", function(t) local function f(a, b) t() table.sort({1, 2}, f) return a < b end table.sort({1,2}, f) end)
run("tostring", function(t) local o = mt("__tostring", function(o) t() return tostring(o) end) tostring(o) end)
run("concat", function(t) local o = mt("__concat", function(a, b) t() return a .. b end) return o .. "x" end)
run("eq", function(t) local o o = mt("__eq", function(a, b) t() return a == b end) return o == setmetatable({}, getmetatable(o)) end)
run("lt", function(t) local o = mt("__lt", function(a, b) t() return a < b end) return o < o end)
run("le", function(t) local o = mt("__le", function(a, b) t() return a <= b end) return o <= o end)
run("newindex", function(t) local o = mt("__newindex", function(o, k, v) t() o[k] = v end) o.x = 1 end)
run("index", function(t) local o = mt("__index", function(o, k) t() return o[k] end) return o.x end)
run("indexi", function(t) local o = mt("__index", function(o, k) t() return o[k] end) return o[1] end)
run("unm", function(t) local o = mt("__unm", function(o) t() return -o end) return -o end)
run("len", function(t) local o = mt("__len", function(o) t() return #o end) return #o end)
run("add", function(t) local o = mt("__add", function(o, p) t() return o + p end) return o + 1 end)
run("addtail", function(t) local o = mt("__add", function(o, p) t() return (o + p) end) return o + 1 end)
run("pcall", function(t) local function f() t() local ok, m = pcall(f) if not ok then error(m, 0) end end f() end)
run("xpcall", function(t) local function f() t() local ok, m = xpcall(f, function(m) return m end) if not ok then error(m, 0) end end f() end)
run("wrap", function(t) local function f() t() return coroutine.wrap(f)() end f() end)
run("resume", function(t) local function f() t() local ok, m = coroutine.resume(coroutine.create(f)) if not ok then error(m, 0) end end f() end)
run("wrapgsub", function(t) local function f(s) t() return coroutine.wrap(function() return (s:gsub(".", f)) end)() end f"a" end)
run("close", function(t) local function f() t() local x <close> = mt("__close", f) end f() end)
run("cclose", function(t) local function f() t() local co = coroutine.wrap(function() local x <close> = mt("__close", f) coroutine.yield() end) co() local c2 = coroutine.create(function() local x <close> = mt("__close", f) coroutine.yield() end) coroutine.resume(c2) local ok, m = coroutine.close(c2) if not ok then error(m, 0) end end f() end)
run("forin", function(t) local function f() t() for x in f do return end end f() end)
run("load", function(t) local function f() t() local g, m = load(f) if not g then error(m, 0) end end f() end)
run("require", function(t) package.preload.zz = nil; local function f() t() package.loaded.zz = nil; package.preload.zz = f; require "zz" end f() end)
run("ipairs", function(t) local o o = mt("__index", function(o, k) t() for i in ipairs(o) do end end) for i in ipairs(o) do end end)
run("unpack", function(t) local o o = mt("__index", function(o, k) t() return table.unpack(o, 1, 1) end) return table.unpack(o, 1, 1) end)
run("tconcat", function(t) local o o = setmetatable({}, {__len = function() return 1 end, __index = function(o, k) t() return table.concat(o) end}) return table.concat(o) end)
run("depthpcallmeta", function(t) local o o = mt("__add", function(a, b) t() local ok, m = pcall(function() return a + b end) if not ok then error(m, 0) end return m end) return o + 1 end)
run("parse", function(t) for i = 150, 250 do local ok, m = load("return " .. ("("):rep(i) .. "1" .. (")"):rep(i)) if not ok then t() error(i .. m:sub(-60), 0) end end end)
run("parseindeep", function(t) local function f(n) t() if n == 0 then for i = 1, 250 do local ok, m = load("return " .. ("("):rep(i) .. "1" .. (")"):rep(i)) if not ok then error(i .. m:sub(-60), 0) end end end return (("a"):gsub(".", function() f(n - 1) return "" end)) end f(50) end)
-- message handler sees the overflow
print(xpcall(function() local o = mt("__add", function(a, b) return (a + b) end) return o + 1 end, function(m) return "H:" .. m end))
print(xpcall(function() local o = mt("__add", function(a, b) return (a + b) end) return o + 1 end, function(m) local o = mt("__add", function(a, b) return (a + b) end) return o + 1 end))
print(xpcall(function() local o = mt("__add", function(a, b) return (a + b) end) return o + 1 end, function(m) return select(2, pcall(function() return (("a"):gsub(".", function() return (("a"):gsub(".", function() return "z" end)) end)) end)) end))
for n = 1, 30 do
  local d = 0
  local function deep(k, f) if k == 0 then return f() end return (("a"):gsub(".", function() d = d + 1 return deep(k - 1, f) end)) end
  print(n, xpcall(function() local o = mt("__add", function(a, b) return (a + b) end) return o + 1 end, function(m) return select(2, pcall(deep, n, function() return "q" end)) end))
end
-- in coroutines
print(coroutine.wrap(function() local o = mt("__add", function(a, b) return (a + b) end) return pcall(function() return o + 1 end) end)())
-- A yield forgets the native calls it crosses.
local function depth() local d = 0 local function f() d = d + 1 return (("a"):gsub(".", f)) end pcall(f) return d end
local function nest(n, f) if n == 0 then return f() end return select(2, pcall(nest, n - 1, f)) end
local co = coroutine.wrap(function()
  for n = 0, 30, 10 do
    print("in", n, depth(), nest(n, function() local a = depth() coroutine.yield() return a .. " " .. depth() end), depth())
    print("err", n, pcall(nest, n, function() coroutine.yield() error({}) end) , depth())
    nest(n, function() coroutine.yield() end)
    print("after", n, depth())
  end
end)
local level = 0
while true do
  level = level + 7
  local ok = pcall(nest, level % 40, co)
  if level > 80 then break end
end
for x in coroutine.wrap(function() for i = 1, 3 do nest(i, function() coroutine.yield(depth()) end) end end) do print("for", x, depth()) end
-- Closing runs at the depth of the last resume.
local function closer() return setmetatable({}, { __close = function() print("closing", depth()) end }) end
local c2 nest(20, function() c2 = coroutine.create(function() local x <close> = closer() coroutine.yield() end) coroutine.resume(c2) return true end)
print(coroutine.close(c2))
nest(20, function() c2 = coroutine.create(function() local x <close> = closer() error("e") end) print(coroutine.resume(c2)) return true end)
print(coroutine.close(c2))
-- A resume that fails for depth: the coroutine is dead, or still suspended.
local function deep(n, f) if n == 0 then return f() end return (("a"):gsub(".", function() deep(n - 1, f) end)) end
for n = 190, 200 do
  local fresh, used = coroutine.create(print), coroutine.create(function() coroutine.yield(1) return 2 end)
  coroutine.resume(used)
  print(n, pcall(deep, n, function() print(coroutine.resume(fresh)) print(coroutine.resume(used)) end))
  print(coroutine.status(fresh), coroutine.status(used), coroutine.close(fresh))
end
-- Loops over the library's iterators count too, on the last level.
for n = 190, 199 do
  print(n, pcall(deep, n, function() local c = 0 for k in pairs { 1, 2 } do c = c + k end for i, v in ipairs { 3, 4 } do c = c + v end print(c) end))
end
print(coroutine.wrap(function() return pcall(deep, 196, function() for k in next, { 1 } do return k end end) end)())
