-- string.dump and reloading: constants, upvalues, nested functions, varargs, stripped, errors in stripped code.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local function rt(f, strip) return load(string.dump(f, strip), "=dumped", "b") end
print(rt(function() return 1, 2.5, "s", true, nil, -0.0, 1 << 62, ("long"):rep(1), "\0\1", 1e300 end)())
print(rt(function(a, b, ...) return b, a, select("#", ...), ... end)(1, 2, 3, nil))
print(rt(function(n) local function fib(k) if k < 2 then return k end return fib(k - 1) + fib(k - 2) end return fib(n) end)(15))
print(rt(function() local t = {} for i = 1, 5 do t[i] = function() i = i + 1 return i end end return t[1](), t[1](), t[5]() end)())
print(rt(function() local s = 0 for k, v in pairs { a = 1, b = 2 } do s = s + v end return s end, true)())
print(rt(function() goto x do return "no" end ::x:: return "yes" end, true)())
print(rt(function() local c <close> = setmetatable({}, { __close = function() print "closed" end }) return "ret" end)())
local up = 10
local f = rt(function() return up end)
print(f() == _G) debug.setupvalue(f, 1, "given") print(f())
local g = rt(function() return print ~= nil, up end) print(try(g)) debug.upvaluejoin(g, 1, function() return print end, 1) print(try(g))
print(try(rt(function() local x = nil; return x.field end))) print(try(rt(function() local x = nil; return x.field end, true))) print(try(rt(function() error("positioned") end))) print(try(rt(function() error("positioned") end, true)))
print(debug.getinfo(rt(function() end), "S").source == debug.getinfo(1, "S").source, debug.getinfo(rt(function() end, true), "S").source, debug.getinfo(rt(function(a) end, true), "u").nparams, debug.getlocal(rt(function(a) end, true), 1), debug.getlocal(rt(function(a) end), 1))
print(try(string.dump, print)) print(try(string.dump)) print(try(string.dump, 1)) print(#string.dump(function() return "x" end, true) < #string.dump(function() return "x" end))
local d = string.dump(function() return 1 end) print(d:sub(1, 4) == "\27Lua", load(d, "x", "t") == nil, (select(2, load(d, "=x", "t"))), load(d:sub(1, 10), "=x", "b") == nil, load(d:sub(1, #d - 1), "=x", "b") == nil, load("\27Lua", "=x") == nil, load("\27", "=x") == nil, load("\27Lub" .. d:sub(5), "=x") == nil)
local pieces, k = {}, 0 for c in d:gmatch(".") do pieces[#pieces + 1] = c end print(load(function() k = k + 1 return pieces[k] end, "=p", "b")())
local chunk = load("local a, b = ... return function() return a + b end") local again = load(string.dump(chunk)) print(again(3, 4)())
local big = load("return {" .. ("'s', 1.5, 2,"):rep(500) .. "}") print(#rt(big)(), rt(big, true)()[1500])
