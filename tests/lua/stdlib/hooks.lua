-- Hooks: lines, calls, counts, transferred values, errors, coroutines, changes from within.
local log = {} local function add(...) log[#log + 1] = table.concat({...}, " ") end
local function flush() for _, s in ipairs(log) do print(s) end log = {} print("--") end
local function f(a)
  local b = a + 1
  if b > 2 then
    b = b * 2
  end
  for i = 1, 3 do
    b = b + i
  end
  while b < 30 do b = b + 10 end
  return b
end
debug.sethook(function(e, l) add(e, tostring(l)) end, "l") f(1) f(2) debug.sethook() flush()
debug.sethook(function(e, l) local i = debug.getinfo(2, "nSlt") add(e, tostring(l), tostring(i.name), i.namewhat, i.what, i.currentline, tostring(i.istailcall)) end, "cr") f(1) math.abs(1) pcall(f, 1) ; (function(...) return f(...) end)(3) debug.sethook() flush()
print(debug.gethook())
local function h() end debug.sethook(h, "crl", 100) local a, b, c = debug.gethook() print(a == h, b, c) debug.sethook(h, "", 5) a, b, c = debug.gethook() print(a == h, b, c) debug.sethook(h, "") print(debug.gethook()) debug.sethook()
local n = 0 debug.sethook(function() n = n + 1 end, "", 1) for i = 1, 10 do end debug.sethook() print(n > 10)
n = 0 debug.sethook(function(e) assert(e == "count") n = n + 1 end, "", 1000) for i = 1, 100000 do end debug.sethook() print(n > 90, n < 500)
-- transfer
debug.sethook(function(e) local i = debug.getinfo(2, "r") local t = {} for k = i.ftransfer, i.ftransfer + i.ntransfer - 1 do t[#t + 1] = tostring(select(2, debug.getlocal(2, k))) end add(e, i.ntransfer, table.concat(t, ",")) end, "cr")
local function tr(a, b, c) local x, y = 1, 2 return a, b, "r" end tr(1, 2) local function va(a, ...) return a, ... end va("p", "q", "s") math.max(3, 7, 5) debug.sethook() flush()
-- errors in hooks
print(pcall(function() debug.sethook(function() debug.sethook() error("hook error") end, "l")
  local x = 1
end)) debug.sethook()
-- hook of a coroutine
local co = coroutine.create(function() local x = 1
  coroutine.yield()
  x = 2
end)
debug.sethook(co, function(e, l) add("co", e, tostring(l)) end, "l") coroutine.resume(co) coroutine.resume(co) flush() print(debug.gethook(co) ~= nil, debug.gethook())
-- hooks inherited
debug.sethook(function() add("main") end, "l")
local co2 = coroutine.wrap(function() local y = 1
  return y end) co2() debug.sethook() flush()
-- sethook in hook
debug.sethook(function(e, l) add("first", l) debug.sethook(function(e, l) add("second", l) debug.sethook() end, "l") end, "l")
local z = 1
local y = 2
local w = 3
flush()
-- setlocal in hook, infinite loop stopped by a hook
local function loop() local go = true while go do end return "stopped" end
debug.sethook(function() local n, v = debug.getlocal(2, 1) if n == "go" then debug.setlocal(2, 1, false) debug.sethook() end end, "", 1000) print(loop())
print(pcall(function() debug.sethook(function() error("timeout") end, "", 5000) while true do end end)) debug.sethook()
print(pcall(debug.sethook, 1)) print(pcall(debug.sethook, print)) print(pcall(debug.sethook, print, {}))
local function tail2() return 1 end local function tail1() return tail2() end debug.sethook(function(e) add(e, debug.getinfo(2, "S").linedefined) end, "cr") tail1() debug.sethook() flush()
local function stripped() local s = load(string.dump(function() local a = 1
 a = a + 1
 for i = 1, 2 do a = i end
end, true)) debug.sethook(function(e, l) add(e, tostring(l)) end, "l") s() debug.sethook() flush() end stripped()
