-- The debug library: getinfo, names of functions, locals, upvalues, tracebacks, metatables.
local function try(f, ...) print(pcall(f, ...)) end
local function show(t) local k = {} for n, v in pairs(t) do if type(v) ~= "function" and type(v) ~= "table" then k[#k + 1] = n .. "=" .. tostring(v) end end table.sort(k) print(table.concat(k, " ")) end
show(debug.getinfo(1)) show(debug.getinfo(print)) show(debug.getinfo(show)) show(debug.getinfo(function(a, b, ...) local c = a end)) show(debug.getinfo(1, "nSl"))
print(debug.getinfo(100)) try(debug.getinfo) try(debug.getinfo, 1, "X") try(debug.getinfo, 1, ">") try(debug.getinfo, "x") try(debug.getinfo, -1) try(debug.getinfo, 1, 12) print(debug.getinfo(1, "f").func ~= nil, debug.getinfo(1,"")~=nil)
local function lines(f) local t = {} for l in pairs(debug.getinfo(f, "L").activelines) do t[#t + 1] = l end table.sort(t) print(table.concat(t, ",")) end
lines(show) lines(function(...)
  local x = 1
  -- nothing

  for i = 1, 2 do
    x = x + i
  end
  return x
end) print(debug.getinfo(print, "L").activelines)
-- names
local function who() local i = debug.getinfo(2, "n") return i.namewhat, i.name end
local function loc() return (function() print(who()) end)() end loc()
local t = {m = function() print(who()) end, a = {b = function() print(who()) end}} t.m() t:m() t.a.b() t["m"]() local k = "m" t[k]() local q = t.m q() ;
function glob() print(who()) end glob() local mt = setmetatable({}, {__index = function() print(who()) end, __add = function() print(who()) return 1 end, __call = function() print(who()) end, __eq = function() print(who()) return true end, __lt = function() print(who()) return true end, __le = function() print(who()) return true end, __concat = function() print(who()) return "" end, __len = function() print(who()) return 0 end, __unm = function() print(who()) return 0 end, __newindex = function() print(who()) end, __bnot = function() print(who()) return 0 end, __close = function() print(who()) end, __idiv = function() print(who()) return 1 end, __shl = function() print(who()) return 1 end, __sub = function() print(who()) return 1 end})
local _ = mt.x, mt[1], mt + 1, 1 + mt, mt - 1, mt(1), mt == setmetatable({}, getmetatable(mt)), mt < mt, mt <= mt, mt > 1, mt >= 1, mt .. "x", #mt, -mt, ~mt, mt // 2, mt << 1, 2 - mt mt.x = 1 mt[1] = 2
do local c <close> = mt end for i in (function() print(who()) end) do end
local up = function() print(who()) end local function callup() up() end callup() ;
(function() print(who()) end)() pcall(function() print(who()) end) table.sort({1, 2}, function() print(who()) return false end) string.gsub("a", "a", function() print(who()) end) coroutine.wrap(function() print(who()) end)()
-- locals
local function locals(a, b, ...)
  local c <const> = 5 local d, e = 10, function() return a end
  for i = 1, 1 do local inner = i
    local n = 1 while true do local name, v = debug.getlocal(1, n) if not name then break end io.write(name, "=", type(v) == "number" and v or type(v), " ") n = n + 1 end print()
  end
  for k, v in pairs{1} do local n = 1 while true do local name = debug.getlocal(1, n) if not name then break end io.write(name, " ") n = n + 1 end print() end
  print(debug.getlocal(1, -1)) print(debug.getlocal(1, -2)) print(debug.getlocal(1, -3)) print(debug.setlocal(1, 1, "newa"), a, e()) print(debug.setlocal(1, -1, "va"), ...) print(debug.setlocal(1, 100, 1)) print(debug.setlocal(1, -9, 1))
end locals(1, 2, 3, 4)
print(debug.getlocal(locals, 1), debug.getlocal(locals, 2), debug.getlocal(locals, 3), debug.getlocal(print, 1)) try(debug.getlocal, 100, 1) try(debug.getlocal, 1) try(debug.getlocal, {}, 1) try(debug.setlocal, 100, 1, 1) try(debug.setlocal, 1, 1)
print(pcall(function() local x = 1 print(debug.getlocal(2, 1)) end))
-- upvalues
local u1, u2 = 1, 2 local function ups() return u1, u2, print end
for i = 1, 4 do print(debug.getupvalue(ups, i) or "none") end print(debug.setupvalue(ups, 1, "changed"), u1) print(debug.setupvalue(ups, 9, 1)) print(debug.getupvalue(print, 1)) print(debug.getupvalue(string.gmatch("x", "x"), 1))
local function o1() return u1 end local function o2() return u2 end print(debug.upvalueid(o1, 1) == debug.upvalueid(ups, 1), debug.upvalueid(o1, 1) == debug.upvalueid(o2, 1)) debug.upvaluejoin(o1, 1, o2, 1) print(o1())
try(debug.upvaluejoin, o1, 2, o2, 1) try(debug.upvaluejoin, o1, 1, o2, 5) try(debug.upvaluejoin, print, 1, o2, 1) print(debug.upvalueid(o1, 3), debug.upvalueid(print, 1)) try(debug.upvalueid, 1, 1) try(debug.getupvalue, o1) try(debug.setupvalue, o1, 1)
local sf = load(string.dump(function(a) local b = a return b, print, u1 end, true)) print((debug.getupvalue(sf, 1))) print(debug.getlocal(sf, 1)) show(debug.getinfo(sf, "Slu")) print(pcall(load(string.dump(function() local x = nil; x.y = 1 end, true)))) print(pcall(load(string.dump(function() error("s") end, true))))
-- traceback
print(debug.traceback()) print(debug.traceback("msg")) print(debug.traceback("msg", 0)) print(debug.traceback(nil)) print(debug.traceback(12)) print(debug.traceback({}) ~= nil, debug.traceback(true)) print(debug.traceback("m", 100)) try(debug.traceback, "x", "y")
local function rec(n) if n == 0 then return debug.traceback("deep") end local r = rec(n - 1) return r end for _, n in ipairs{5, 18, 19, 20, 21, 22, 23, 30} do print(rec(n)) end
local function tail(n) if n == 0 then return debug.traceback("tail") end return tail(n - 1) end print(tail(3))
local co = coroutine.create(function(x) local y = x coroutine.yield(y) error("co err") end) print(debug.traceback(co)) coroutine.resume(co, 1) print(debug.traceback(co)) print(debug.traceback(co, "m")) print(debug.traceback(co, "m", 1)) print(debug.traceback(co, nil, 5)) show(debug.getinfo(co, 1, "Sl")) show(debug.getinfo(co, 0, "Sn")) print(debug.getlocal(co, 1, 1)) print(debug.getlocal(co, 1, 2)) print(debug.setlocal(co, 1, 2, "z")) print(coroutine.resume(co)) print(debug.traceback(co)) print(debug.getinfo(co, 5))
-- registry, metatables, user values
print(type(debug.getregistry()), debug.getregistry()[2] == _G, debug.getmetatable("").__index == string, debug.getmetatable(1)) debug.setmetatable(1, {__index = function(n, k) return k end}) print((1).foo) debug.setmetatable(1, nil) print(debug.setmetatable(nil, nil)) try(debug.setmetatable, 1) try(debug.setmetatable, 1, 2) try(debug.getmetatable)
print(debug.getuservalue(io.stdout)) print(debug.getuservalue(io.stdout, 2)) print(debug.getuservalue(1)) print(debug.setuservalue(io.stdout, 1)) try(debug.setuservalue, 1, 2) try(debug.setuservalue, io.stdout) print(debug.setcstacklimit(500))
