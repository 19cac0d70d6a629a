-- A local function that calls itself is the running closure, until debug says otherwise; functions that return at once; tail calls of known functions.
local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end
print(fib(18), fib(0), fib(-5), fib(1.5), pcall(fib, "x"), pcall(fib))
print(pcall(fib, {}))
print(fib(setmetatable({}, { __lt = function() return true end })) ~= nil)
-- Each turn of a loop has its own, and two share a register.
local list = {}
for i = 1, 4 do
  local function down(n) if n <= 0 then return i end return down(n - 1) end
  list[i] = down
end
for i = 1, 4 do io.write(list[i](10), " ") end
print()
local function both(n)
  local t = 0
  do
    local function a(k) if k < 1 then return 0 end return 1 + a(k - 1) end
    t = t + a(n)
  end
  do
    local function b(k) if k < 1 then return 0 end return 2 + b(k - 1) end
    t = t + b(n)
  end
  return t
end
for i = 1, 10 do both(i) end
print(both(20))
-- Replaced from outside: by setupvalue before, within, and by upvaluejoin.
local function make()
  local hit
  local function rec(n)
    if n == 7 and hit then hit() end
    if n < 1 then return 0 end
    return 1 + rec(n - 1)
  end
  return rec, function(f) hit = f end
end
local rec, set = make()
for i = 1, 20 do rec(20) end
print(rec(30))
local function index_of(f, name)
  for i = 1, 10 do if debug.getupvalue(f, i) == name then return i end end
end
set(function() debug.setupvalue(rec, index_of(rec, "rec"), function(n) return 1000 + n end) end)
print(rec(30))
print(rec(5))
local rec2, set2 = make()
for i = 1, 20 do rec2(20) end
local other = make()
set2(function() debug.upvaluejoin(rec2, index_of(rec2, "rec"), other, index_of(other, "rec")) end)
print(rec2(30), rec2(3))
local function make3()
  local trap
  local function deep(n)
    if n == 5 and trap then trap() end
    if n < 1 then return 0 end
    return 1 + deep(n - 1)
  end
  for i = 1, 20 do deep(20) end
  trap = function()
    for i = 1, 10 do
      if debug.getlocal(3, i) == "deep" then debug.setlocal(3, i, function() return -1 end) end
    end
  end
  return deep(5)
end
print(make3())
-- What returns at once: no frame to see, but errors, hooks and coroutines as ever.
local function clamp(n) if n > 100 then return 100 end return n + 0 end
local function zero(n) if n >= 0 then return end return -n end
local function yes(n) if n <= 3 then return true end return coroutine.yield(n) end
local s = 0
for i = -50, 150 do
  s = s + clamp(i) + (zero(i) or 1)
end
print(s, clamp(2 ^ 53), clamp(math.maxinteger), select("#", zero(1)), select("#", zero(-1)))
print(pcall(clamp, nil))
local co = coroutine.wrap(function() for i = 1, 20 do if yes(i) ~= true then return i end end return "none" end)
print(co(), co(true), co(true), co(false))
local calls = 0
debug.sethook(function() calls = calls + 1 end, "c")
for i = 1, 10 do clamp(200) end
debug.sethook()
print(calls)
local function forever(n) if n < 0 then return n end return 1 + forever(n + 1) end
local ok, message = pcall(forever, 1)
print(ok, (message:gsub("%(.*", "")))
-- Tail calls of one function, of several, with other arguments than before, and what comes of them.
local function finish(a, b) return a * 2 + b end
local function tail(a, b) return finish(a, b) end
local t = 0
for i = 1, 100 do t = t + tail(i, i % 7) end
print(t, tail(1.5, 2), tail("3", 4), pcall(tail, {}, 1))
local steps = { function(x) return x + 1 end, function(x) return x * 2 end, function(x) return x - 3, x end }
local function step(i, x) return steps[i % 3 + 1](x) end
local x = 1
for i = 1, 200 do x = step(i, x) % 1000003 end
print(x, step(2, 10), step(1, 2.5), pcall(step, 1, {}))
steps[2] = math.abs
print(step(1, -4), step(4, 9))
steps[2] = setmetatable({}, { __call = function(_, v) return "called", v end })
print(step(1, 5))
local function compose(f, g) return function(v) return g(f(v)) end end
local both2 = compose(compose(function(v) return v + 1 end, function(v) return v * 3 end), function(v) return v % 101 end)
local sum = 0
for i = 1, 200 do sum = sum + both2(i) end
print(sum, both2(0.5), pcall(both2, nil))
local function even(n) if n == 0 then return true end return (n > 0 and function(m) return steps.odd(m) end or error)(n - 1) end
function steps.odd(n) if n == 0 then return false end return even(n - 1) end
print(even(1000), even(1001), steps.odd(7))
local function traced(n) if n == 50 then return debug.traceback("tail") end return n end
local function caller(n) return traced(n) end
for i = 1, 49 do caller(i) end
print(caller(50))
caller = compose(caller, function(v) return v.field end)
print(caller("x"))
caller(nil)
