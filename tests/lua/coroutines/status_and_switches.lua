-- coroutine.status in hot code, and switches from machine code to machine code in all nestings.
local function count(list)
  local seen = {}
  for i = 1, #list do
    local s = coroutine.status(list[i])
    seen[s] = (seen[s] or 0) + 1
  end
  return seen.suspended or 0, seen.dead or 0, seen.normal or 0, seen.running or 0
end
local all = {}
for i = 1, 30 do all[i] = coroutine.create(function(a) for k = 1, i do a = a + coroutine.yield(a) end return "end" end) end
for round = 1, 25 do
  for i = 1, #all do
    if coroutine.status(all[i]) == "suspended" then coroutine.resume(all[i], round) end
  end
end
print(count(all))
all[31] = coroutine.running()
all[32] = coroutine.create(function() all[33] = coroutine.running() return count(all) end)
print(count(all))
print(coroutine.resume(all[32]))
print(pcall(coroutine.status), pcall(coroutine.status, 1))
print(select(2, pcall(count, { all[1], "x" })))
-- Generators in generators, with calls between.
local function upto(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i, -i) end return "last" end) end
local function map(g, f) return coroutine.wrap(function() for v, w in g do coroutine.yield(f(v, w)) end end) end
local function nest(g, d)
  if d == 0 then return g end
  return nest(map(g, function(v, w) return v + d, w end), d - 1)
end
for d = 0, 4 do
  local t = 0
  local g = upto(30)
  local last
  for v, w in nest(g, d) do if v == "last" then last = v else t = t + v * 2 + w end if v == "last" then break end if d > 0 and w == -30 then break end end
  print(d, t, last)
end
local function walk(t) if t then walk(t.l) coroutine.yield(t.v) walk(t.r) end end
local function build(a, b) if a <= b then local m = (a + b) // 2 return { v = m, l = build(a, m - 1), r = build(m + 1, b) } end end
local s = 0
for v in coroutine.wrap(function() walk(build(1, 200)) end) do s = s * 3 % 1000003 + v end
print(s)
-- Errors through switches.
local bad = coroutine.wrap(function() for i = 1, 10 do coroutine.yield(i) end error("tenth") end)
local function drain(g) local t = 0 for v in g do t = t + v end return t end
print(pcall(drain, bad))
print(pcall(bad))
print(pcall(drain, coroutine.wrap(function() for i = 1, 5 do coroutine.yield(i) end local x = nil + 1 end)))
local y = coroutine.yield
print(pcall(y, 1))
print(coroutine.resume(coroutine.create(function(...) return y(...) end), 1, 2, 3))
print(coroutine.wrap(function() return pcall(function() for i = 1, 3 do y(i) end end) end)())
