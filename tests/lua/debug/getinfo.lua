-- Fields of debug.getinfo for Lua functions, C functions, main chunks and levels.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local function f(a, b, ...)
  local x = 1
  local i = debug.getinfo(1)
  return i
end
local i = f()
local keys = {}
for k in pairs(i) do keys[#keys + 1] = k end
table.sort(keys)
print(table.concat(keys, " "))
for _, k in ipairs { "source", "short_src", "what", "currentline", "linedefined", "lastlinedefined", "name", "namewhat", "nups", "nparams", "isvararg", "istailcall", "ntransfer", "ftransfer" } do io.write(k, "=", tostring(i[k]), " ") end print()
print(i.func == f)
local p = debug.getinfo(print)
print(p.what, p.source, p.short_src, p.currentline, p.linedefined, p.lastlinedefined, p.nups, p.nparams, p.isvararg, p.name, p.namewhat)
local m = debug.getinfo(1, "S")
print(m.what, m.source, m.short_src, m.linedefined, m.lastlinedefined)
print(debug.getinfo(100), try(debug.getinfo, 1, "X"), try(debug.getinfo, "x"), try(debug.getinfo), try(debug.getinfo, 1, ">"))
local l = debug.getinfo(f, "L").activelines
local lines = {} for k in pairs(l) do lines[#lines + 1] = k end table.sort(lines) print(table.concat(lines, " "))
print(debug.getinfo(print, "L").activelines)
local t = {}
function t.field() return debug.getinfo(1, "n") end
function t:method() return debug.getinfo(1, "n") end
function globalfn() return (debug.getinfo(1, "n")) end
local function localfn() local r = debug.getinfo(1, "n") return r end
local function up() local r = localfn() return r end
for _, r in ipairs { (t.field()), (t:method()), (globalfn()), (localfn()), (up()) } do print(r.name, r.namewhat) end
local mt = setmetatable({}, { __add = function() local r = debug.getinfo(1, "n") return r end, __index = function() local r = debug.getinfo(1, "n") return r end })
print((mt + 1).name, (mt + 1).namewhat, mt.x.name, mt.x.namewhat)
local r for x in function() r = debug.getinfo(1, "n") end do end print(r.name, r.namewhat)
local function tail() local r = debug.getinfo(1, "nt") return r end
local function calls() return tail() end
local c = calls() print(c.name, c.namewhat, c.istailcall)
local q = load("return debug.getinfo(1, 'S')", "=named")() print(q.what, q.source, q.short_src)
q = load("return debug.getinfo(1, 'S')", "some text\nsecond line")() print(q.what, ("%q"):format(q.source), q.short_src)
q = load("return debug.getinfo(1, 'S')", "@" .. ("d/"):rep(60) .. "file.lua")() print(q.short_src)
local co = coroutine.create(function(a) local z = a coroutine.yield() end) coroutine.resume(co, 1)
print(debug.getinfo(co, 0, "S").what, debug.getinfo(co, 1, "l").currentline, debug.getinfo(co, 2), debug.getinfo(co, 1, "u").nparams)
print(debug.getinfo(1, "l").currentline, debug.getinfo(f, "u").nups, debug.getinfo(up, "u").nups, debug.getinfo(function(...) end, "u").isvararg, debug.getinfo(function(a, b, c) end, "u").nparams)
