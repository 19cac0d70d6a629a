-- Coroutines over other features: varargs, upvalues shared, tail calls, goto, deep stacks, passing coroutines.
local shared = 0
local function worker(k) return coroutine.wrap(function() for _ = 1, 3 do shared = shared + k coroutine.yield(shared) end end) end
local a, b = worker(1), worker(10)
print(a(), b(), a(), b(), a(), b(), shared)
local function va(...) local x = coroutine.yield(...) return x, ... end
local co = coroutine.wrap(va)
print(co(1, nil, 3))
print(co("last"))
local t = coroutine.wrap(function(n) local function loop(n) if n == 0 then coroutine.yield("bottom") return "end" end return loop(n - 1) end return loop(n) end)
print(t(100000), t())
local d = coroutine.wrap(function() local function down(n) if n == 0 then coroutine.yield("deep") return 0 end return 1 + down(n - 1) end return down(10000) end)
print(d(), d())
local g = coroutine.wrap(function() local i = 0 ::top:: i = i + 1 coroutine.yield(i) if i < 3 then goto top end return "out" end)
print(g(), g(), g(), g())
local function nest(n) if n == 0 then return "innermost" end return coroutine.wrap(function() return nest(n - 1) end)() end
print(nest(100))
print(select("#", coroutine.wrap(function() return table.unpack({}, 1, 200) end)()))
local ping, pong
ping = coroutine.create(function() for i = 1, 3 do print("ping", i) coroutine.yield() end end)
pong = coroutine.create(function() while coroutine.resume(ping) and coroutine.status(ping) ~= "dead" do print("pong") end end)
coroutine.resume(pong)
print(coroutine.status(ping), coroutine.status(pong))
print(coroutine.resume(coroutine.create(table.unpack), { 1, 2, 3 }))
print(coroutine.wrap(pcall)(error, "msg"))
local y = coroutine.wrap(coroutine.yield)
print(y(1, 2), y(3))
print(pcall(coroutine.wrap(coroutine.wrap), 1))
for k, v in coroutine.wrap(function() for k, v in ipairs { "x", "y" } do coroutine.yield(k, v) end end) do print(k, v) end
