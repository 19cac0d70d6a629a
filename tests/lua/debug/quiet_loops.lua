-- Hooks, finalizers and loops that neither call nor allocate, in which nobody looks for them.
local function sum(n) local s = 0 for i = 1, n do s = s + i end return s end
local function sums(t, n) local s = 0 for k = 1, n do for i = 1, #t do s = s + t[i] end end return s end
local t = {}
for i = 1, 20 do t[i] = i end
for i = 1, 50 do sum(i) sums(t, 3) end

-- A hook that is set before the loop counts in it.
local function counted(f, ...)
  local n = 0
  debug.sethook(function() n = n + 1 end, "", 100)
  local r = f(...)
  debug.sethook()
  return r, n > 5
end
print(counted(sum, 5000))
print(counted(sums, t, 100))

-- In the function itself, before and within its loop, by a metamethod that a slow path calls.
local hooked = 0
local function count() hooked = hooked + 1 end
local setter = setmetatable({}, { __index = function(_, k)
  if k == 40 then debug.sethook(count, "", 10) elseif k == 60 then debug.sethook() end
  return k
end })
local function reads(o, n)
  local s = 0
  for i = 1, n do s = s + o[i] end
  return s
end
for _ = 1, 20 do reads(t, 20) end
print(reads(setter, 50), hooked > 0)
debug.sethook()
local before = hooked
print(reads(setter, 100), hooked > before)
local lines = 0
local function own(n)
  local s = 0
  for i = 1, n do s = s + i end
  debug.sethook(function() lines = lines + 1 end, "l")
  for i = 1, n do
    s = s + i
  end
  debug.sethook()
  return s
end
print(own(30), lines > 30)

-- Finalizers that are due before such a loop have run when it ends and something is called.
local done = 0
local function litter(n) for _ = 1, n do setmetatable({}, { __gc = function() done = done + 1 end }) end end
litter(100)
collectgarbage()
print(done, sum(1000))
local function all(n)
  local s = 0
  while n > 0 do
    n = n - 1
    s = s + n * 2 // 3 + #t
  end
  return s
end
print(all(1000), all(10))

-- An error in the loop, and coroutines around it.
local co = coroutine.wrap(function(n)
  while true do n = coroutine.yield(sum(n)) end
end)
print(co(10), co(100), co(1000))
print(pcall(reads, { 1, 2, "x", 4 }, 4))
